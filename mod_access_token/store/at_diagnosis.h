/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mod_dbd does not say why it has no connection: look for the reason on a
 * connection of one's own.
 */
#ifndef AT_DIAGNOSIS_H
#define AT_DIAGNOSIS_H

#include <apr_dbd.h>
#include <apr_pools.h>

#include "at_config.h"
#include "at_store.h"

/** Why there is no connection. */
typedef struct at_diagnosis_t {
    at_outcome_e outcome;     /* AT_STORE_DONE: a connection stands, and the
                                 database takes all statements;
                                 AT_STORE_RETRY: out of reach;
                                 AT_STORE_BROKEN: an admin must mend it */
    at_fault_e fault;
    const char *detail;       /* for the log; holds no value */
    int timed_out;            /* the wait was too long; DETAIL guesses why */
} at_diagnosis_t;

/**
 * Connect as USE says, into *DRIVER and *HANDLE, and set the session as
 * at_session.h does; the connection ends with POOL. Returns 1, or 0 with
 * *DIAGNOSIS filled in POOL. Waits as long as the client library does
 * (connect-timeout).
 */
int at_diagnosis_connect(at_diagnosis_t *diagnosis,
                         const apr_dbd_driver_t **driver, apr_dbd_t **handle,
                         const at_use_t *use, apr_pool_t *pool);

/**
 * Prepare STATEMENT through DRIVER and HANDLE into *PREPARED. Returns 1, or
 * 0 with *DIAGNOSIS filled in POOL and *PREPARED NULL. What another process
 * may hold up for a moment (SQLite) is tried again.
 */
int at_diagnosis_prepare(at_diagnosis_t *diagnosis,
                         apr_dbd_prepared_t **prepared,
                         const apr_dbd_driver_t *driver, apr_dbd_t *handle,
                         const at_statement_t *statement, apr_pool_t *pool);

/** Both, for all statements of USE, into *DIAGNOSIS in POOL. */
void at_diagnosis_make(at_diagnosis_t *diagnosis, const at_use_t *use,
                       apr_pool_t *pool);

#endif /* AT_DIAGNOSIS_H */
