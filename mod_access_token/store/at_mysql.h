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

/** What at_mysql_connect found. */
typedef enum at_mysql_e {
    AT_MYSQL_CONNECTED,
    AT_MYSQL_REFUSED,         /* there is an error number */
    AT_MYSQL_UNKNOWN          /* the client library lacks the functions for
                                 this, or memory */
} at_mysql_e;

/**
 * Connect as PARAMS (DBDParams) says, and disconnect. apr_dbd reports a
 * failure to connect as a text in the server's language, without a number;
 * this gives the number, *CODE, of an AT_MYSQL_REFUSED. SCRATCH_POOL is for
 * copies. Waits as long as the client library does (connect-timeout).
 */
at_mysql_e at_mysql_connect(int *code, const char *params,
                            apr_pool_t *scratch_pool);

#endif /* AT_MYSQL_H */
