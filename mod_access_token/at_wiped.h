/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Memory for what must not be found in it later: blocks of malloc's that are
 * wiped before they are freed, or moved to grow. The functions are those that
 * yajl_alloc_funcs takes.
 */
#ifndef AT_WIPED_H
#define AT_WIPED_H

#include <stddef.h>

/**
 * A block of SIZE bytes, which at_wiped_free frees. POOL, an apr_pool_t *, is
 * the pool whose abort function is called if memory runs out; NULL is returned
 * then, if that is none or returns.
 */
void *at_wiped_malloc(void *pool, size_t size);

/**
 * BLOCK (NULL: a new one) with SIZE bytes, of which the first are what BLOCK
 * had. BLOCK is freed, unless memory runs out: then it is left as it is, and
 * all is as above.
 */
void *at_wiped_realloc(void *pool, void *block, size_t size);

/** Wipe BLOCK, all of it, and free it. NULL is no block: nothing is done. */
void at_wiped_free(void *pool, void *block);

#endif /* AT_WIPED_H */
