/* SPDX-License-Identifier: Apache-2.0 */
#include "at_wipe.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <apr_errno.h>

/* libcrypt's and APR's functions use less. */
#define STACK_BYTES 16384

#ifdef __GNUC__
#define NOT_INLINE __attribute__((noinline))
#else
#define NOT_INLINE
#endif

typedef struct {
    void *data;
    apr_size_t size;
} secret_t;

static apr_status_t wipe(void *data)
{
    const secret_t *secret = data;

    explicit_bzero(secret->data, secret->size);
    return APR_SUCCESS;
}

void at_wipe_with_pool(apr_pool_t *pool, void *data, apr_size_t size)
{
    secret_t *secret = apr_palloc(pool, sizeof(*secret));

    secret->data = data;
    secret->size = size;
    apr_pool_cleanup_register(pool, secret, wipe, apr_pool_cleanup_null);
}

char *at_wipe_copy(apr_pool_t *pool, const char *text)
{
    apr_size_t size = text ? strlen(text) + 1 : 0;
    char *copy;

    if (!text) {
        return NULL;
    }
    copy = apr_palloc(pool, size);
    memcpy(copy, text, size);
    at_wipe_with_pool(pool, copy, size);
    return copy;
}

/* If it were inlined, its variable would be elsewhere on the stack. */
NOT_INLINE void at_wipe_stack(void)
{
    char below[STACK_BYTES];

    explicit_bzero(below, sizeof(below));
}

/* Before each block; aligned for any type. */
typedef union {
    size_t size;
    long long whole;
    long double real;
    void *pointer;
} header_t;

void *at_wipe_malloc(void *pool, size_t size)
{
    header_t *header = NULL;

    if (size <= SIZE_MAX - sizeof(*header)) {
        header = malloc(sizeof(*header) + size);
    }
    if (!header) {
        apr_abortfunc_t on_no_memory = apr_pool_abort_get(pool);

        if (on_no_memory) {
            on_no_memory(APR_ENOMEM);
        }
        return NULL;
    }
    header->size = size;
    return header + 1;
}

void *at_wipe_realloc(void *pool, void *block, size_t size)
{
    void *moved = at_wipe_malloc(pool, size);

    if (moved && block) {
        const header_t *header = (const header_t *)block - 1;

        memcpy(moved, block, header->size < size ? header->size : size);
        at_wipe_free(pool, block);
    }
    return moved;
}

void at_wipe_free(void *pool, void *block)
{
    (void)pool;
    if (block) {
        header_t *header = (header_t *)block - 1;

        explicit_bzero(header, sizeof(*header) + header->size);
        free(header);
    }
}
