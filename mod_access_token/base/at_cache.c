/* SPDX-License-Identifier: Apache-2.0 */
#include "at_cache.h"

#include <apr_hash.h>
#include <apr_strings.h>
#include <apr_thread_rwlock.h>

#include "at_allocator.h"

typedef struct {
    apr_time_t expires;
    const char **values;
} entry_t;

/* Rows that are dropped together. */
typedef struct {
    apr_pool_t *pool;
    apr_hash_t *entries;         /* key -> entry_t * */
    int puts;                    /* replaced rows included: they use memory */
} generation_t;

struct at_cache_t {
    int columns;
    int capacity;
    apr_interval_time_t lifetime;
    apr_thread_rwlock_t *lock;   /* of all that follows */
    apr_pool_t *pool;
    generation_t young;
    generation_t old;
};

static void begin_generation(at_cache_t *cache)
{
    apr_pool_create(&cache->young.pool, cache->pool);
    cache->young.entries = apr_hash_make(cache->young.pool);
    cache->young.puts = 0;
}

at_cache_t *at_cache_make(int columns, int capacity,
                          apr_interval_time_t lifetime, apr_pool_t *pool)
{
    at_cache_t *cache = apr_pcalloc(pool, sizeof(*cache));

    cache->columns = columns;
    cache->capacity = capacity;
    cache->lifetime = lifetime;
    /* Only used with the mutex held, so the allocator needs none. */
    if (apr_thread_rwlock_create(&cache->lock, pool) != APR_SUCCESS
        || at_allocator_make_pool(&cache->pool, pool) != APR_SUCCESS) {
        return NULL;
    }
    begin_generation(cache);
    return cache;
}

static const entry_t *find(const generation_t *generation, const char *key)
{
    return generation->entries ? apr_hash_get(generation->entries, key,
                                              APR_HASH_KEY_STRING) : NULL;
}

static const char **copy(const at_cache_t *cache, const char *const *values,
                         apr_pool_t *pool)
{
    const char **copied = apr_palloc(pool, sizeof(*copied)
                                           * (apr_size_t)cache->columns);
    int i;

    for (i = 0; i < cache->columns; i++) {
        copied[i] = apr_pstrdup(pool, values[i]);
    }
    return copied;
}

static void put(at_cache_t *cache, const char *key,
                const char *const *values, apr_time_t expires)
{
    entry_t *entry;

    if (cache->young.puts >= cache->capacity) {
        if (cache->old.pool) {
            apr_pool_destroy(cache->old.pool);
        }
        cache->old = cache->young;
        begin_generation(cache);
    }
    entry = apr_palloc(cache->young.pool, sizeof(*entry));
    entry->expires = expires;
    entry->values = copy(cache, values, cache->young.pool);
    apr_hash_set(cache->young.entries, apr_pstrdup(cache->young.pool, key),
                 APR_HASH_KEY_STRING, entry);
    cache->young.puts++;
}

const char **at_cache_get(at_cache_t *cache, const char *key, apr_time_t now,
                          apr_pool_t *pool)
{
    const char **values = NULL;
    const entry_t *entry;
    apr_time_t expires = 0;
    int is_old = 0;

    apr_thread_rwlock_rdlock(cache->lock);
    entry = find(&cache->young, key);
    if (!entry) {
        entry = find(&cache->old, key);
        is_old = 1;
    }
    if (entry && now < entry->expires) {
        values = copy(cache, entry->values, pool);
        expires = entry->expires;
    }
    apr_thread_rwlock_unlock(cache->lock);
    if (values && is_old) {
        apr_thread_rwlock_wrlock(cache->lock);
        if (!find(&cache->young, key)) {
            put(cache, key, values, expires);
        }
        apr_thread_rwlock_unlock(cache->lock);
    }
    return values;
}

void at_cache_put(at_cache_t *cache, const char *key,
                  const char *const *values, apr_time_t now)
{
    apr_thread_rwlock_wrlock(cache->lock);
    put(cache, key, values, now + cache->lifetime);
    apr_thread_rwlock_unlock(cache->lock);
}
