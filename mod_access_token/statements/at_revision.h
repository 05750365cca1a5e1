/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Revisions. A column `revision.name` identifies a state of the data that a
 * statement reads: as long as the value is equal, that data is equal. The
 * database changes the value in the transaction that changes the data. A load
 * statement selects it beside the access token, and so does each statement
 * whose rows are cached; a cached row serves a call only under the revision
 * that the load has seen.
 */
#ifndef AT_REVISION_H
#define AT_REVISION_H

#include <apr_pools.h>
#include <apr_tables.h>

#include "at_error.h"
#include "at_sql.h"

/** A column `revision.name` of a statement, by number, and that of the load
 *  statement. */
typedef struct at_revision_t {
    int column;
    int load_column;
} at_revision_t;

/** True if NAME is that of a column `revision.name`. */
int at_revision_is_column(const char *name);

/** True if STATEMENT selects a column `revision.name`. */
int at_revision_is_in(const at_statement_t *statement);

/**
 * Read the revisions of STATEMENT into *REVISIONS (at_revision_t), in POOL;
 * empty if it has none. LOAD, a load statement, must select the same columns;
 * if it lacks one, the detail of the error names it, and *REVISIONS is not set.
 */
at_error_t *at_revision_read(apr_array_header_t **revisions,
                             const at_statement_t *statement,
                             const at_statement_t *load,
                             apr_pool_t *pool) AT_MUST_CHECK;

/**
 * REVISIONS as the load has seen them, in VALUES, the columns of its row: one
 * text, which is in POOL or in VALUES. NULL if there are none, or if one of
 * them is SQL's NULL.
 */
const char *at_revision_of_load(const apr_array_header_t *revisions,
                                const char *const *values, apr_pool_t *pool);

/** The same as the statement itself has seen them, in VALUES, its own row. */
const char *at_revision_of_row(const apr_array_header_t *revisions,
                               const char *const *values, apr_pool_t *pool);

#endif /* AT_REVISION_H */
