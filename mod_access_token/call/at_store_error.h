/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the errors of a database mean for a call. No other file knows.
 */
#ifndef AT_STORE_ERROR_H
#define AT_STORE_ERROR_H

#include <apr_pools.h>

#include "at_fault.h"
#include "at_statements.h"

/** What happens to the connection that gave the error. */
typedef enum at_connection_e {
    AT_CONNECTION_KEEP,       /* it is good */
    AT_CONNECTION_DISCARD,    /* nothing was done; another one may do better,
                                 or lead to another server */
    AT_CONNECTION_LOST        /* it is gone; whether a save through it was
                                 done is open */
} at_connection_e;

/**
 * The fault that CODE and TEXT mean, which apr_dbd's DRIVER ("mysql",
 * "sqlite3", ...) gave for STATEMENT; TEXT may be NULL or empty. SAVES: true
 * where a save was run; of no other statement, and of none that is prepared,
 * the outcome is AT_STORE_STALE. *CONNECTION is what must happen to the
 * connection. The fault is made in POOL. Its outcome is that of a statement
 * that only reads: a save whose connection is lost may have been done.
 */
at_fault_t *at_store_error_read(at_connection_e *connection,
                                const char *driver, int code,
                                const char *text,
                                const at_statement_t *statement, int saves,
                                apr_pool_t *pool);

/**
 * The fault that CODE means, with which the client library of MySQL or
 * MariaDB failed to connect. It is made in POOL; its detail is CODE and, if it
 * is known, the meaning.
 */
at_fault_t *at_store_error_connecting(int code, apr_pool_t *pool);

#endif /* AT_STORE_ERROR_H */
