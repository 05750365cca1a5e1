/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The one place that knows what a database's errors mean for a call.
 */
#ifndef AT_STORE_ERROR_H
#define AT_STORE_ERROR_H

#include <apr_pools.h>

#include "at_store.h"

/** What is to become of the connection that gave the error. */
typedef enum {
    AT_CONNECTION_KEEP,       /* it is good */
    AT_CONNECTION_DISCARD,    /* another one may do better, or lead to a
                                 better server; nothing was done */
    AT_CONNECTION_LOST        /* it is gone, and whether a save through it
                                 was done is open */
} at_connection_e;

/** What an error means. */
typedef struct at_store_error_t {
    at_outcome_e outcome;     /* of a statement that only reads, and of a
                                 save whose connection is not lost */
    int conflict;             /* of AT_STORE_CONFLICT: the field's index */
    at_connection_e connection;
    at_fault_e fault;
    const char *detail;       /* for the log: what happened, how to mend it;
                                 holds no value that a request sent */
} at_store_error_t;

/**
 * Fill ERROR with the meaning of CODE and TEXT, which apr_dbd's DRIVER
 * ("mysql", "sqlite3", ...) gave for STATEMENT. TEXT may be empty. SAVES:
 * true where a save was run; of no other statement, and of none that is
 * prepared, the outcome is AT_STORE_STALE. Strings are made in POOL.
 */
void at_store_error_read(at_store_error_t *error, const char *driver,
                         int code, const char *text,
                         const at_statement_t *statement, int saves,
                         apr_pool_t *pool);

/**
 * Fill ERROR with the meaning of CODE, with which the client library of MySQL
 * or MariaDB failed to connect; its detail, made in POOL, is CODE and, if it
 * is known, the meaning.
 */
void at_store_error_connecting(at_store_error_t *error, int code,
                               apr_pool_t *pool);

#endif /* AT_STORE_ERROR_H */
