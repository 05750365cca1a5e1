/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The narrow forms of the load statements: without what stands between @wide
 * and @end, for calls whose fields_set asks for none of it (at_sql.h).
 */
#ifndef AT_NARROW_H
#define AT_NARROW_H

#include <apr_pools.h>

#include "at_statements.h"

/**
 * Check the narrow forms of STATEMENTS, whose load statements and plan are
 * read, and fill its narrow_columns and wide_nodes, in POOL. Returns NULL, or
 * what is wrong, with the file: they differ, or lack what each call needs.
 */
const char *at_narrow_check(at_statements_t *statements, apr_pool_t *pool);

#endif /* AT_NARROW_H */
