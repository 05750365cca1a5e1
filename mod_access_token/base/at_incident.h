/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Incidents: the log has a line when a fault of the database begins and one
 * when it is over, not one for each request that fails. The state is in memory
 * that the child processes share; only at_incident.c writes it.
 */
#ifndef AT_INCIDENT_H
#define AT_INCIDENT_H

#include <apr_time.h>

#include "at_fault.h"

/** An incident of one kind. All members are read and set atomically. */
typedef struct at_incident_t {
    volatile apr_uint32_t open;  /* which incident it is; 0: none */
    volatile apr_uint32_t calls; /* how many have failed */
    volatile apr_uint32_t first; /* when the first failed, in seconds of
                                    at_clock_now */
    volatile apr_uint32_t last;  /* when the last failed */
} at_incident_t;

/** What at_incident_over reports. */
typedef struct at_incident_report_t {
    at_fault_kind_e kind;
    apr_uint32_t calls;
    apr_uint32_t seconds;        /* from the first failure to the last */
} at_incident_report_t;

/** An incident is over when no call has failed with its kind of fault for so
 *  many seconds. */
#define AT_INCIDENT_QUIET 5

/**
 * A call failed at NOW (of at_clock_now) with FAULT, or, if that is NULL, with
 * an error without a fault. INCIDENTS has AT_FAULT_COUNT elements, all zero
 * at first; NULL: nothing is remembered. Returns true if the failure must be
 * logged: it begins an incident, or belongs to none. Of AT_FAULT_BROKEN, each
 * detail is an incident of its own.
 */
int at_incident_begins(at_incident_t *incidents, const at_fault_t *fault,
                       apr_time_t now);

/**
 * A call succeeded at NOW. Returns true if that ends an incident, with *REPORT
 * filled; to be called again until it returns false.
 */
int at_incident_over(at_incident_report_t *report, at_incident_t *incidents,
                     apr_time_t now);

/**
 * An attempt to connect failed at NOW. Returns since when all attempts of all
 * children have failed. An attempt that failed more than GAP ago belongs to
 * another outage. (This is kept in the element AT_FAULT_NONE, which no
 * incident uses.)
 */
apr_time_t at_incident_away(at_incident_t *incidents, apr_time_t now,
                            apr_interval_time_t gap);

/** An attempt to connect succeeded. */
void at_incident_back(at_incident_t *incidents);

/** The name of an incident of KIND in a log message: a clause without its full
 *  stop. */
const char *at_incident_name(at_fault_kind_e kind);

#endif /* AT_INCIDENT_H */
