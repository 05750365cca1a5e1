/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading a folder of statement files, and checking it against what the
 * module needs.
 */
#ifndef AT_FOLDER_H
#define AT_FOLDER_H

#include "at_statements.h"

/**
 * Read the statements in FOLDER, and in BASE those that are not there (NULL:
 * all are), into *STATEMENTS in POOL. Returns NULL, or what is wrong, where,
 * and how to mend it.
 */
const char *at_folder_read(at_statements_t **statements,
                               const char *folder, const char *base,
                               apr_pool_t *pool);

#endif /* AT_FOLDER_H */
