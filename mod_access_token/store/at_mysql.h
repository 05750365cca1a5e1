/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What apr_dbd does not tell about MySQL and MariaDB, the client library does.
 * apr_dbd's driver has loaded it into the process. Its functions are looked up
 * by name, since this module is not linked to a client library.
 */
#ifndef AT_MYSQL_H
#define AT_MYSQL_H

#include <apr_pools.h>

/** True if the client library can tell the socket of a connection. */
int at_mysql_knows_sockets(void);

/**
 * The descriptor of the socket of HANDLE, apr_dbd's native handle of a
 * connection; -1 if it has none, or the client library cannot tell it.
 */
int at_mysql_socket(void *handle);

/**
 * The address of the database that HANDLE, apr_dbd's native handle of a
 * connection, leads to, in POOL, if anyone on the way can read and change what
 * is sent: the database is on another machine, and the connection has no TLS.
 * NULL if that is not so, or the client library cannot tell.
 */
const char *at_mysql_exposed(void *handle, apr_pool_t *pool);

/** What at_mysql_connect found. */
typedef enum at_mysql_e {
    AT_MYSQL_CONNECTED,
    AT_MYSQL_REFUSED,         /* there is an error number */
    AT_MYSQL_UNKNOWN          /* the client library lacks the functions for
                                 this, or there is no memory */
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
