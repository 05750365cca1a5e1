/* SPDX-License-Identifier: Apache-2.0 */
#include "at_cache.h"

#include <string.h>

#include <apr_hash.h>
#include <apr_strings.h>
#include <apr_thread_rwlock.h>

#include "at_allocator.h"

/* What an entry takes besides its texts: itself, its place in the hash. */
#define ENTRY_BYTES (sizeof(entry_t) + 10 * sizeof(void *))

typedef struct {
    const char *revision;        /* or NULL */
    apr_time_t expires;
    at_cache_values_t values;
    apr_size_t size;             /* all that it takes, about */
} entry_t;

/* Entries that are dropped together. */
typedef struct {
    apr_pool_t *pool;
    apr_hash_t *entries;         /* key -> entry_t * */
    apr_size_t size;             /* with replaced entries, which use memory */
} generation_t;

struct at_cache_t {
    apr_size_t capacity;
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
    cache->young.size = 0;
}

at_cache_t *at_cache_make(apr_size_t capacity, apr_interval_time_t lifetime,
                          apr_pool_t *pool)
{
    at_cache_t *cache = apr_pcalloc(pool, sizeof(*cache));

    cache->capacity = capacity;
    cache->lifetime = lifetime;
    /* Only used with the lock held, so the allocator needs no mutex. */
    if (apr_thread_rwlock_create(&cache->lock, pool) != APR_SUCCESS
        || at_allocator_make_pool(&cache->pool, pool) != APR_SUCCESS) {
        return NULL;
    }
    begin_generation(cache);
    return cache;
}

static const entry_t *find(const generation_t *generation, at_cache_key_t key)
{
    return generation->entries
           ? apr_hash_get(generation->entries, key.bytes,
                          (apr_ssize_t)key.length) : NULL;
}

static void copy(at_cache_values_t *to, at_cache_values_t from,
                 apr_pool_t *pool)
{
    int i;

    to->values = apr_palloc(pool, sizeof(*to->values)
                                  * ((apr_size_t)from.count + 1));
    to->count = from.count;
    for (i = 0; i < from.count; i++) {
        to->values[i] = apr_pstrdup(pool, from.values[i]);
    }
}

static apr_size_t size_of(at_cache_key_t key, const char *revision,
                          at_cache_values_t values)
{
    apr_size_t size = ENTRY_BYTES + key.length;
    int i;

    size += revision ? strlen(revision) + 1 : 0;
    for (i = 0; i < values.count; i++) {
        size += sizeof(char *)
                + (values.values[i] ? strlen(values.values[i]) + 1 : 0);
    }
    return size;
}

static void put(at_cache_t *cache, at_cache_key_t key, const entry_t *from)
{
    apr_pool_t *pool;
    entry_t *entry;

    if (cache->young.size + from->size > cache->capacity) {
        if (cache->old.pool) {
            apr_pool_destroy(cache->old.pool);
        }
        cache->old = cache->young;
        begin_generation(cache);
    }
    pool = cache->young.pool;
    entry = apr_pmemdup(pool, from, sizeof(*from));
    entry->revision = apr_pstrdup(pool, from->revision);
    copy(&entry->values, from->values, pool);
    apr_hash_set(cache->young.entries,
                 apr_pmemdup(pool, key.bytes, key.length),
                 (apr_ssize_t)key.length, entry);
    cache->young.size += entry->size;
}

static int is_right(const entry_t *entry, const char *revision,
                    apr_time_t now)
{
    return now < entry->expires
           && (revision ? entry->revision
                          && !strcmp(entry->revision, revision)
                        : !entry->revision);
}

/* Move ENTRY, a copy of one of the old generation, to the young one, unless
 * that has its KEY now. */
static void renew(at_cache_t *cache, at_cache_key_t key, const entry_t *entry)
{
    apr_thread_rwlock_wrlock(cache->lock);
    if (!find(&cache->young, key)) {
        put(cache, key, entry);
    }
    apr_thread_rwlock_unlock(cache->lock);
}

int at_cache_get(at_cache_t *cache, at_cache_key_t key, const char *revision,
                 apr_time_t now, at_cache_values_t *found, apr_pool_t *pool)
{
    const entry_t *entry;
    entry_t copied;
    int is_found, is_old = 0;

    apr_thread_rwlock_rdlock(cache->lock);
    entry = find(&cache->young, key);
    if (!entry) {
        entry = find(&cache->old, key);
        is_old = 1;
    }
    is_found = entry && is_right(entry, revision, now);
    if (is_found) {
        copied = *entry;
        copied.revision = revision;
        copy(&copied.values, entry->values, pool);
    }
    apr_thread_rwlock_unlock(cache->lock);
    if (is_found) {
        *found = copied.values;
    }
    if (is_found && is_old) {
        renew(cache, key, &copied);
    }
    return is_found;
}

void at_cache_put(at_cache_t *cache, at_cache_key_t key, const char *revision,
                  apr_time_t now, at_cache_values_t values)
{
    entry_t entry = { revision, now + cache->lifetime, values,
                      size_of(key, revision, values) };

    if (entry.size > cache->capacity / 2) {
        return;
    }
    apr_thread_rwlock_wrlock(cache->lock);
    put(cache, key, &entry);
    apr_thread_rwlock_unlock(cache->lock);
}

void at_cache_count(at_cache_t *cache, at_cache_content_t *content)
{
    apr_thread_rwlock_rdlock(cache->lock);
    content->entries += apr_hash_count(cache->young.entries);
    content->bytes += cache->young.size;
    if (cache->old.entries) {
        content->entries += apr_hash_count(cache->old.entries);
        content->bytes += cache->old.size;
    }
    content->capacity += 2 * cache->capacity;
    apr_thread_rwlock_unlock(cache->lock);
}
