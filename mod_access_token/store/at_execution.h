/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Running one statement for a request, over apr_dbd: it takes a connection if
 * the request holds none, binds the values, is cut off when it is overdue, and
 * tells what the database's errors mean.
 */
#ifndef AT_EXECUTION_H
#define AT_EXECUTION_H

#include <httpd.h>

#include "at_crowd.h"
#include "at_dbd.h"
#include "at_fault.h"
#include "at_pool.h"

/** A request that runs statements. at_store_dbd.c makes it; then only
 *  at_execution.c writes it. */
typedef struct at_holder_t {
    request_rec *r;
    const at_registered_t *registered; /* the statements */
    at_connection_t *connection; /* NULL: none is held */
    int may_share;               /* true: take the connection that another
                                    module holds for R, if there is one */
    at_crowd_t *crowd;           /* whether the request may wait for its first
                                    connection; NULL: it may */
} at_holder_t;

/** STATEMENT of HOLDER, or NULL. It lives as long as the configuration. */
const at_statement_t *at_execution_statement(const at_holder_t *holder,
                                             at_statement_e statement);

/**
 * Run STATEMENT, a SELECT, with VALUES in the order of its parameters, NULL for
 * SQL's NULL. *ROWS (const char **) have its columns in their order, those of a
 * load the columns of the plan; NULL for SQL's NULL. They live in the request's
 * pool, and so does a fault. A connection stays held unless it is bad. Waits
 * for a connection until DEADLINE, of at_clock_now, and for the statement a
 * fraction of a second longer.
 */
const at_fault_t *at_execution_select(at_holder_t *holder,
                                      apr_time_t deadline,
                                      at_statement_e statement,
                                      const char *const *values,
                                      apr_array_header_t **rows)
    AT_MUST_CHECK;

/**
 * Run STATEMENT, an UPDATE that may be made again after a fault, in the same
 * way. *COUNT becomes the number of rows that it has found.
 */
const at_fault_t *at_execution_update(at_holder_t *holder,
                                      apr_time_t deadline,
                                      at_statement_e statement,
                                      const char *const *values, int *count)
    AT_MUST_CHECK;

/**
 * Run save.sql in the same way. NULL: it changed its row. AT_STORE_LOST_RACE:
 * its guard matched no row. AT_STORE_LOST: it may have been done.
 */
const at_fault_t *at_execution_save(at_holder_t *holder, apr_time_t deadline,
                                    const char *const *values) AT_MUST_CHECK;

/** Give back the connection, if one is held. */
void at_execution_release(at_holder_t *holder);

#endif /* AT_EXECUTION_H */
