/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mod_dbd does not say why it has no connection. These functions find the
 * reason with a connection that mod_dbd knows nothing of.
 */
#ifndef AT_DIAGNOSIS_H
#define AT_DIAGNOSIS_H

#include <apr_dbd.h>
#include <apr_pools.h>

#include "at_config.h"
#include "at_fault.h"

/**
 * Connect as USE says, into *DRIVER and *HANDLE, and set the session as
 * at_session.h does; the connection ends with POOL. Returns NULL, or in POOL
 * why there is no connection: AT_STORE_RETRY if the database is out of reach,
 * AT_STORE_BROKEN if an admin must fix something. Waits as long as the client
 * library does (connect-timeout).
 */
const at_fault_t *at_diagnosis_connect(const apr_dbd_driver_t **driver,
                                       apr_dbd_t **handle,
                                       const at_use_t *use,
                                       apr_pool_t *pool);

/**
 * Prepare STATEMENT through DRIVER and HANDLE into *PREPARED. Returns NULL, or
 * in POOL why that fails, with *PREPARED NULL. What another process may block
 * for a moment (SQLite) is tried again.
 */
const at_fault_t *at_diagnosis_prepare(apr_dbd_prepared_t **prepared,
                                       const apr_dbd_driver_t *driver,
                                       apr_dbd_t *handle,
                                       const at_statement_t *statement,
                                       apr_pool_t *pool);

/**
 * Do both for all statements of USE. Returns the first fault, in RESULT_POOL;
 * NULL if a connection can be made and the database takes all statements.
 */
const at_fault_t *at_diagnosis_make(const at_use_t *use,
                                    apr_pool_t *result_pool);

#endif /* AT_DIAGNOSIS_H */
