/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The shape of save.sql: one UPDATE of one table, whose guard compares a
 * version that it raises. What has another shape would lose updates silently.
 */
#ifndef AT_SHAPE_H
#define AT_SHAPE_H

#include "at_error.h"
#include "at_statements.h"

/**
 * Check the shape of SAVE, and set its set_columns, in POOL.
 *
 * The detail of an error says what SAVE would do, and how to write it. It is
 * an error if
 *   - SAVE is not one UPDATE;
 *   - it names more than one table: if it changes several rows, the call fails
 *     although they are changed;
 *   - it says that the violation of a unique key is no error;
 *   - it does not set the column that it compares with :version to a sum, and
 *     has no line `-- @raises-version by trigger`.
 */
at_error_t *at_shape_check(at_statement_t *save,
                           apr_pool_t *pool) AT_MUST_CHECK;

#endif /* AT_SHAPE_H */
