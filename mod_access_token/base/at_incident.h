/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Incidents: a fault of the database is told when it begins and when it is
 * over, not once for each request that it hits. The state stands in memory
 * that the child processes share.
 */
#ifndef AT_INCIDENT_H
#define AT_INCIDENT_H

#include <apr_time.h>

#include "at_fault.h"

/** An incident of one kind. All members are read and set atomically. */
typedef struct at_incident_t {
    volatile apr_uint32_t open;  /* which it is; 0: none */
    volatile apr_uint32_t calls; /* how many it has hit */
    volatile apr_uint32_t first; /* when, in seconds of at_clock_now */
    volatile apr_uint32_t last;
} at_incident_t;

/** What at_incident_over tells. */
typedef struct at_incident_report_t {
    at_fault_kind_e kind;
    apr_uint32_t calls;
    apr_uint32_t seconds;        /* from the first to the last */
} at_incident_report_t;

/** How long there must be none of its kind before an incident is over, in
 *  seconds: until then it may come and go. */
#define AT_INCIDENT_QUIET 5

/**
 * A call failed by FAULT, which DETAIL tells, at NOW (of at_clock_now).
 * INCIDENTS has AT_FAULT_COUNT elements, all zero at first; NULL: nothing is
 * remembered. Returns 1 if that begins an incident and is to be told; one of
 * AT_FAULT_BROKEN begins with each other DETAIL.
 */
int at_incident_begins(at_incident_t *incidents, const at_fault_t *fault,
                       apr_time_t now);

/**
 * A call succeeded at NOW. Returns 1 if that ends an incident, with *REPORT
 * filled; call again until it returns 0.
 */
int at_incident_over(at_incident_report_t *report, at_incident_t *incidents,
                     apr_time_t now);

/**
 * An attempt to connect failed at NOW. Returns since when all attempts of
 * all children have failed; what failed more than GAP ago was another
 * outage. (It stands in the element AT_FAULT_NONE, which no incident has.)
 */
apr_time_t at_incident_away(at_incident_t *incidents, apr_time_t now,
                            apr_interval_time_t gap);

/** An attempt to connect succeeded. */
void at_incident_back(at_incident_t *incidents);

/** What KIND is called in a message. */
const char *at_incident_name(at_fault_kind_e kind);

#endif /* AT_INCIDENT_H */
