/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A bounded cache of what statements have read: texts by key, for any number
 * of threads. An entry serves for the lifetime of the cache, and under its
 * revision only if it has one.
 *
 * A cache has two generations. When the younger one is full, the older one is
 * dropped and the younger becomes the older. An entry that is read moves to the
 * younger generation, so entries in use stay.
 */
#ifndef AT_CACHE_H
#define AT_CACHE_H

#include <apr_pools.h>
#include <apr_time.h>

typedef struct at_cache_t at_cache_t;

/** The key of an entry: any bytes, zeros included. */
typedef struct at_cache_key_t {
    const void *bytes;
    apr_size_t length;
} at_cache_key_t;

/** What an entry holds: COUNT texts; NULL is SQL's NULL. */
typedef struct at_cache_values_t {
    const char **values;
    int count;
} at_cache_values_t;

/**
 * Make a cache whose entries live for LIFETIME. Each of its two generations has
 * at most CAPACITY bytes of entries. It lives in POOL, and takes its memory
 * from an allocator of its own. NULL if there is no memory.
 */
at_cache_t *at_cache_make(apr_size_t capacity, apr_interval_time_t lifetime,
                          apr_pool_t *pool);

/**
 * Copy into *FOUND, in POOL, the entry of KEY that was stored under REVISION,
 * or without one for NULL, less than its lifetime before NOW (of
 * at_clock_now). Returns 0 if there is none, and leaves *FOUND as it is.
 */
int at_cache_get(at_cache_t *cache, at_cache_key_t key, const char *revision,
                 apr_time_t now, at_cache_values_t *found, apr_pool_t *pool);

/**
 * Store VALUES as the entry of KEY, read at NOW (of at_clock_now) under
 * REVISION, or without one for NULL. All of it is copied. An entry that is
 * larger than half of a generation is not stored.
 */
void at_cache_put(at_cache_t *cache, at_cache_key_t key, const char *revision,
                  apr_time_t now, at_cache_values_t values);

/** What a cache holds. */
typedef struct at_cache_content_t {
    unsigned int entries;     /* of both generations; an entry that has moved
                                 counts twice */
    apr_size_t bytes;         /* about what they take */
    apr_size_t capacity;      /* the most that both generations take */
} at_cache_content_t;

/** Add to *CONTENT what CACHE holds now. */
void at_cache_count(at_cache_t *cache, at_cache_content_t *content);

#endif /* AT_CACHE_H */
