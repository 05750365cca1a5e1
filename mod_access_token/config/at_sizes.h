/* SPDX-License-Identifier: Apache-2.0 */
/* Numbers of the configuration that have to go together. */
#ifndef AT_SIZES_H
#define AT_SIZES_H

#include <apr_pools.h>
#include <apr_tables.h>

/**
 * Warn about sizes that cannot work together in the servers of USES
 * (at_use_t), and say how to mend it. POOL is for scratch.
 */
void at_sizes_check(const apr_array_header_t *uses, apr_pool_t *pool);

#endif /* AT_SIZES_H */
