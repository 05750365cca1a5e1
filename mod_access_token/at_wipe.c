/* SPDX-License-Identifier: Apache-2.0 */
#include "at_wipe.h"

#include <string.h>

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

/* Inline, its variable would not be where theirs were. */
NOT_INLINE void at_wipe_stack(void)
{
    char below[STACK_BYTES];

    explicit_bzero(below, sizeof(below));
}
