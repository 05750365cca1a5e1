/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reads the statement files of one folder, and checks that they have what the
 * module needs: the parameters and columns of each statement, the plan of the
 * reply, the narrow forms of the load statements.
 */
#ifndef AT_FOLDER_H
#define AT_FOLDER_H

#include "at_error.h"
#include "at_statements.h"

/**
 * Read the statements in FOLDER into *STATEMENTS. A file that FOLDER lacks is
 * read from BASE; NULL: there is no base, and FOLDER has all files.
 *
 * *STATEMENTS and all that it holds is made in RESULT_POOL, and so is an error;
 * it keeps nothing of FOLDER and BASE. SCRATCH_POOL is for the texts of the
 * files. The detail of an error says what is wrong in which file, and how to
 * fix it; then *STATEMENTS is not set.
 */
at_error_t *at_folder_read(at_statements_t **statements, const char *folder,
                           const char *base, apr_pool_t *result_pool,
                           apr_pool_t *scratch_pool) AT_MUST_CHECK;

#endif /* AT_FOLDER_H */
