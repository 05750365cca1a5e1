/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What apr_dbd does not tell of MySQL and MariaDB, asked of the client library
 * itself. It is in the process already, brought by apr_dbd's driver, and is
 * looked for by name: this module is linked to no client library.
 */
#ifndef AT_MYSQL_H
#define AT_MYSQL_H

#include <apr_pools.h>

/** True if the client library can name the socket of a connection. */
int at_mysql_knows_sockets(void);

/**
 * The descriptor of the socket of HANDLE, apr_dbd's native handle of a
 * connection; -1 if it has none, or the client library can't name it.
 */
int at_mysql_socket(void *handle);

/**
 * Connect once more as PARAMS (DBDParams) says, and disconnect: apr_dbd gives
 * a failure to connect as a text in the server's language, and no number.
 * Returns the error's number, 0 if the connection was made, and -1 if the
 * client library lacks the functions for this. POOL is for copies. Waits as
 * long as the client library does (connect-timeout).
 */
int at_mysql_connect_error(const char *params, apr_pool_t *pool);

#endif /* AT_MYSQL_H */
