/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A bounded cache of rows of texts by key, for any number of threads: of
 * looked-up objects (design, idea 4). It has two generations: when the
 * younger one is full, the older one is dropped and the younger takes its
 * place, so that what is asked for stays.
 */
#ifndef AT_CACHE_H
#define AT_CACHE_H

#include <apr_pools.h>
#include <apr_time.h>

typedef struct at_cache_t at_cache_t;

/**
 * Make a cache whose rows have COLUMNS texts, and live for LIFETIME; each of
 * its two generations has at most CAPACITY rows. It lives in POOL, and takes
 * its memory from an allocator of its own. NULL if there is no memory.
 */
at_cache_t *at_cache_make(int columns, int capacity,
                          apr_interval_time_t lifetime, apr_pool_t *pool);

/**
 * A copy in POOL of the row of KEY that was put in less than its lifetime
 * before NOW, by at_clock_now. NULL: there is none.
 */
const char **at_cache_get(at_cache_t *cache, const char *key, apr_time_t now,
                          apr_pool_t *pool);

/** Put in the row of KEY as it was at NOW: VALUES, NULL for SQL's NULL. Both
 *  are copied. */
void at_cache_put(at_cache_t *cache, const char *key,
                  const char *const *values, apr_time_t now);

#endif /* AT_CACHE_H */
