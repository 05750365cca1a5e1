/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The one place that knows what a database's errors mean for a call.
 */
#ifndef AT_STORE_ERROR_H
#define AT_STORE_ERROR_H

#include <apr_pools.h>

#include "at_store.h"

/** What an error means. */
typedef struct at_store_error_t {
    at_outcome_e outcome;
    int conflict;             /* of AT_STORE_CONFLICT: the field's index */
    int lost;                 /* the connection is gone: it may have been a
                                 stale one, and another may serve */
    const char *detail;       /* for the log: what happened, how to mend it;
                                 holds no value that a request sent */
} at_store_error_t;

/**
 * Fill ERROR with the meaning of CODE and TEXT, which apr_dbd's DRIVER
 * ("mysql", "sqlite3", ...) gave for STATEMENT. TEXT may be empty. Strings
 * are made in POOL.
 */
void at_store_error_read(at_store_error_t *error, const char *driver,
                         int code, const char *text,
                         const at_statement_t *statement, apr_pool_t *pool);

#endif /* AT_STORE_ERROR_H */
