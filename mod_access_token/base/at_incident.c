/* SPDX-License-Identifier: Apache-2.0 */
#include "at_incident.h"

#include <apr_atomic.h>
#include <apr_hash.h>

/* Indexed by at_fault_kind_e. */
static const char *const names[] = {
    "", "the database was out of reach", "no connection was free",
    "locks or slow statements delayed calls", "the database was read-only",
    "the database was full", "too many pass codes were to be hashed at once",
    "schema, rights or statements did not fit"
};

const char *at_incident_name(at_fault_kind_e kind)
{
    return names[kind];
}

/* What distinguishes incidents of one kind; never 0. */
static apr_uint32_t identity(const at_fault_t *fault)
{
    apr_ssize_t length = APR_HASH_KEY_STRING;

    if (fault->kind != AT_FAULT_BROKEN || !fault->detail) {
        return 1;
    }
    return (apr_uint32_t)apr_hashfunc_default(fault->detail, &length) | 1U;
}

int at_incident_begins(at_incident_t *incidents, const at_fault_t *fault,
                       apr_time_t now)
{
    apr_uint32_t seconds = (apr_uint32_t)apr_time_sec(now);
    at_incident_t *incident;
    apr_uint32_t which;

    if (!incidents || !fault || fault->kind == AT_FAULT_NONE) {
        return 1;
    }
    which = identity(fault);
    incident = &incidents[fault->kind];
    apr_atomic_set32(&incident->last, seconds);
    apr_atomic_inc32(&incident->calls);
    if (apr_atomic_read32(&incident->open) == which
        || apr_atomic_xchg32(&incident->open, which) == which) {
        return 0;
    }
    apr_atomic_set32(&incident->first, seconds);
    apr_atomic_set32(&incident->calls, 1);
    return 1;
}

apr_time_t at_incident_away(at_incident_t *incidents, apr_time_t now,
                            apr_interval_time_t gap)
{
    apr_uint32_t seconds = (apr_uint32_t)apr_time_sec(now);
    at_incident_t *outage = &incidents[AT_FAULT_NONE];
    apr_uint32_t last = apr_atomic_xchg32(&outage->last, seconds);

    if (!apr_atomic_read32(&outage->open)
        || seconds - last > apr_time_sec(gap)) {
        apr_atomic_set32(&outage->first, seconds);
        apr_atomic_set32(&outage->open, 1);
    }
    return apr_time_from_sec(apr_atomic_read32(&outage->first));
}

void at_incident_back(at_incident_t *incidents)
{
    /* All processes read this all the time. It is written rarely, so that the
     * processors' caches keep it. */
    if (apr_atomic_read32(&incidents[AT_FAULT_NONE].open)) {
        apr_atomic_set32(&incidents[AT_FAULT_NONE].open, 0);
    }
}

/* True if INCIDENT is over, for the first process that asks. */
static int ends(at_incident_t *incident, apr_uint32_t seconds)
{
    apr_uint32_t open = apr_atomic_read32(&incident->open);

    return open
           && seconds - apr_atomic_read32(&incident->last)
              >= AT_INCIDENT_QUIET
           && apr_atomic_cas32(&incident->open, 0, open) == open;
}

int at_incident_over(at_incident_report_t *report, at_incident_t *incidents,
                     apr_time_t now)
{
    apr_uint32_t seconds = (apr_uint32_t)apr_time_sec(now);
    int kind;

    for (kind = AT_FAULT_NONE + 1; incidents && kind < AT_FAULT_COUNT;
         kind++) {
        at_incident_t *incident = &incidents[kind];

        if (ends(incident, seconds)) {
            report->kind = (at_fault_kind_e)kind;
            report->calls = apr_atomic_read32(&incident->calls);
            report->seconds = apr_atomic_read32(&incident->last)
                              - apr_atomic_read32(&incident->first);
            return 1;
        }
    }
    return 0;
}
