/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A bounded cache of looked-up objects: rows of texts by key, for any number
 * of threads. It has two generations. When the younger one is full, the older
 * one is dropped and the younger becomes the older. A row that is read moves
 * to the younger generation, so rows in use stay.
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
 * A copy in POOL of the row of KEY that was stored less than its lifetime
 * before NOW (of at_clock_now). NULL: there is none.
 */
const char **at_cache_get(at_cache_t *cache, const char *key, apr_time_t now,
                          apr_pool_t *pool);

/** Store VALUES, NULL for SQL's NULL, as the row of KEY, read at NOW (of
 *  at_clock_now). KEY and VALUES are copied. */
void at_cache_put(at_cache_t *cache, const char *key,
                  const char *const *values, apr_time_t now);

#endif /* AT_CACHE_H */
