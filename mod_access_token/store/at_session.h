/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The session of a connection to MySQL or MariaDB: the variables that the
 * module's promises rest on, whatever the server's defaults are. They are set
 * when the connection is made, and read back; a connection on which they are
 * not as they must be is refused. SQLite has no such session.
 */
#ifndef AT_SESSION_H
#define AT_SESSION_H

#include <apr_dbd.h>
#include <apr_pools.h>
#include <apr_tables.h>
#include <mod_dbd.h>

#include "at_diagnosis.h"

/**
 * Set the session of DBD, a connection of mod_dbd's pool on which mod_dbd has
 * prepared its statements, and look whether it is so: two round trips (MySQL:
 * three) at the first call. The verdict is kept with DBD, unless the
 * connection was lost meanwhile. USES are uses (at_use_t) of any server; those
 * whose statements are not prepared on DBD are passed over, and if none is,
 * nothing is done. Returns 1, or 0 with *DIAGNOSIS filled in POOL:
 * AT_STORE_BROKEN, with the remedy, where an admin must fix something.
 */
int at_session_check(at_diagnosis_t *diagnosis, ap_dbd_t *dbd,
                     const apr_array_header_t *uses, apr_pool_t *pool);

/**
 * How many bytes a statement with its values may have on DBD, by what
 * at_session_check has read there (max_allowed_packet); 0: it is not known.
 */
apr_size_t at_session_max_packet(const ap_dbd_t *dbd);

/**
 * The same as at_session_check for a connection of one's own, DRIVER's HANDLE,
 * before the STATEMENTS are prepared on it; it is refused as well if one of
 * them is longer than the server takes. Nothing is kept.
 */
int at_session_set(at_diagnosis_t *diagnosis, const apr_dbd_driver_t *driver,
                   apr_dbd_t *handle, const at_statements_t *statements,
                   apr_pool_t *pool);

#endif /* AT_SESSION_H */
