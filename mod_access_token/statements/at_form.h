/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The forms of the load statements: which columns each of them has, and which
 * members of the reply need which form. The whole form reads all columns. The
 * narrow form is without those of @wide, and the documents form has JSON texts
 * instead of them.
 */
#ifndef AT_FORM_H
#define AT_FORM_H

#include "at_error.h"
#include "at_statements.h"

/**
 * Fill in what the choice of a form needs to know: form_columns and wide_nodes
 * of STATEMENTS, and the documents of its plan. The load statements have been
 * read and have the same columns in each form, and the plan is made. If the
 * documents form has no document, it is removed.
 *
 * What is made is in RESULT_POOL, that of STATEMENTS, and so is an error. Its
 * detail names the file and the column, and says what is wrong: @wide or
 * @documents leave out what each call needs, or cut a column, or a document is
 * not all that there is of its object. SCRATCH_POOL is used meanwhile.
 */
at_error_t *at_form_prepare(at_statements_t *statements,
                            apr_pool_t *result_pool,
                            apr_pool_t *scratch_pool) AT_MUST_CHECK;

#endif /* AT_FORM_H */
