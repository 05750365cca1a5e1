/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Secrets leave no trace: a pool gives its memory back as it is, and a core
 * dump, or whoever gets that memory next, would find them there.
 */
#ifndef AT_WIPE_H
#define AT_WIPE_H

#include <stddef.h>

#include <apr_pools.h>

/**
 * Wipe the SIZE bytes at DATA, which live at least as long as POOL, when POOL
 * is cleared or destroyed.
 */
void at_wipe_with_pool(apr_pool_t *pool, void *data, apr_size_t size);

/** A copy of TEXT in POOL that is wiped with it. NULL for NULL. */
char *at_wipe_copy(apr_pool_t *pool, const char *text);

/**
 * Wipe what functions that have returned have left below the caller's own
 * variables on its stack: some KB.
 */
void at_wipe_stack(void);

/*
 * Blocks of malloc's that are wiped before they are freed, or moved to grow, by
 * functions that yajl_alloc_funcs takes.
 */

/**
 * A block of SIZE bytes, which at_wipe_free frees. POOL, an apr_pool_t *, is
 * the pool whose abort function is called if memory runs out; NULL is returned
 * then, if that is none or returns.
 */
void *at_wipe_malloc(void *pool, size_t size);

/**
 * BLOCK (NULL: a new one) with SIZE bytes, of which the first are what BLOCK
 * had. BLOCK is freed, unless memory runs out: then it is left as it is, and
 * all is as above.
 */
void *at_wipe_realloc(void *pool, void *block, size_t size);

/** Wipe BLOCK, all of it, and free it. NULL is no block: nothing is done. */
void at_wipe_free(void *pool, void *block);

#endif /* AT_WIPE_H */
