/* SPDX-License-Identifier: Apache-2.0 */
#include "at_wiped.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <apr_errno.h>
#include <apr_pools.h>

/* What stands before each block; as large as any type needs it aligned. */
typedef union {
    size_t size;
    long long whole;
    long double real;
    void *pointer;
} header_t;

void *at_wiped_malloc(void *pool, size_t size)
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

void *at_wiped_realloc(void *pool, void *block, size_t size)
{
    void *moved = at_wiped_malloc(pool, size);

    if (moved && block) {
        const header_t *header = (const header_t *)block - 1;

        memcpy(moved, block, header->size < size ? header->size : size);
        at_wiped_free(pool, block);
    }
    return moved;
}

void at_wiped_free(void *pool, void *block)
{
    (void)pool;
    if (block) {
        header_t *header = (header_t *)block - 1;

        explicit_bzero(header, sizeof(*header) + header->size);
        free(header);
    }
}
