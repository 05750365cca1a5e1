/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Counts the allocations from APR pools in all processes with this library in
 * LD_PRELOAD. It writes four numbers to the file that AT_POOLS names: calls
 * of apr_palloc and their bytes, then the same for the pools of database
 * connections.
 */
#define _GNU_SOURCE 1

#include <dlfcn.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <sys/mman.h>

#include <apr_general.h>
#include <apr_pools.h>

/* The module tags these pools (at_opener.c). */
#define TAG "access_token results"
#define MOST_TAGGED 1024

typedef void *(*palloc_t)(apr_pool_t *pool, apr_size_t size);
typedef void (*tag_t)(apr_pool_t *pool, const char *tag);

static palloc_t original;
static tag_t original_tag;
static unsigned long nowhere[4];
static unsigned long *counters = nowhere;
static apr_pool_t *tagged[MOST_TAGGED];
static int tagged_count;

static void prepare(void) __attribute__((constructor));

static void prepare(void)
{
    const char *name = getenv("AT_POOLS");
    void *symbol = dlsym(RTLD_NEXT, "apr_palloc");
    void *tag = dlsym(RTLD_NEXT, "apr_pool_tag");
    int file = name ? open(name, O_RDWR) : -1;
    void *map;

    /* C cannot convert an object pointer to a function pointer. */
    memcpy(&original, &symbol, sizeof(original));
    memcpy(&original_tag, &tag, sizeof(original_tag));
    if (file < 0) {
        return;
    }
    map = mmap(NULL, sizeof(nowhere), PROT_READ | PROT_WRITE, MAP_SHARED,
               file, 0);
    if (map != MAP_FAILED) {
        counters = map;
    }
    close(file);
}

/* Another pool may get the memory of a pool later; then the tag differs. */
APR_DECLARE(void) apr_pool_tag(apr_pool_t *pool, const char *tag)
{
    int ours = tag && !strcmp(tag, TAG), i;

    for (i = 0; i < tagged_count && i < MOST_TAGGED; i++) {
        if (tagged[i] == pool) {
            tagged[i] = ours ? pool : NULL;
            ours = 0;
        }
    }
    if (ours) {
        i = __sync_fetch_and_add(&tagged_count, 1);
        if (i < MOST_TAGGED) {
            tagged[i] = pool;
        }
    }
    original_tag(pool, tag);
}

static int is_tagged(const apr_pool_t *pool)
{
    int i;

    for (i = 0; i < tagged_count && i < MOST_TAGGED; i++) {
        if (tagged[i] == pool) {
            return 1;
        }
    }
    return 0;
}

APR_DECLARE(void *) apr_palloc(apr_pool_t *pool, apr_size_t size)
{
    int first = is_tagged(pool) ? 2 : 0;

    __sync_fetch_and_add(&counters[first], 1UL);
    __sync_fetch_and_add(&counters[first + 1], (size + 7) / 8 * 8);
    return original(pool, size);
}
