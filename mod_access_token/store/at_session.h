/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The session of a connection to MySQL or MariaDB: the variables that the
 * module's guarantees depend on, whatever the server's defaults are. They are
 * set when the connection is made, and read back. A connection on which they
 * are wrong is refused. SQLite has no such session.
 */
#ifndef AT_SESSION_H
#define AT_SESSION_H

#include <apr_dbd.h>
#include <apr_pools.h>
#include <apr_tables.h>
#include <mod_dbd.h>

#include "at_fault.h"
#include "at_statements.h"

/**
 * Set the session of DBD, a connection of mod_dbd's pool on which mod_dbd has
 * prepared its statements, and check the result: two round trips (MySQL:
 * three) at the first call. The result is kept with DBD, unless the connection
 * was lost meanwhile. USES are uses (at_use_t) of any server; those whose
 * statements are not prepared on DBD are ignored, and if no use remains,
 * nothing is done. Returns NULL, or in RESULT_POOL why DBD cannot be used:
 * AT_STORE_BROKEN, with the remedy, if an admin must fix something.
 */
const at_fault_t *at_session_check(ap_dbd_t *dbd,
                                   const apr_array_header_t *uses,
                                   apr_pool_t *result_pool);

/**
 * How many bytes a statement with its values may have on DBD, by the
 * max_allowed_packet that at_session_check has read; 0 if it is not known.
 */
apr_size_t at_session_max_packet(const ap_dbd_t *dbd);

/**
 * The same as at_session_check for a connection of the caller's own, DRIVER's
 * HANDLE, before the STATEMENTS are prepared on it. It is also refused if one
 * of them is longer than the server accepts. Nothing is kept.
 */
const at_fault_t *at_session_set(const apr_dbd_driver_t *driver,
                                 apr_dbd_t *handle,
                                 const at_statements_t *statements,
                                 apr_pool_t *result_pool);

#endif /* AT_SESSION_H */
