/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Wipe secrets: a pool frees its memory without clearing it, so a core dump, or
 * the next user of that memory, would find them there.
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
 * Wipe the stack below the caller's frame, some KB: functions that have
 * returned have left secrets there.
 */
void at_wipe_stack(void);

/*
 * Blocks from malloc that are wiped before they are freed, or moved to grow.
 * The functions fit yajl_alloc_funcs.
 */

/**
 * A block of SIZE bytes, to be freed by at_wipe_free. If memory runs out, the
 * abort function of POOL (an apr_pool_t *) is called; NULL is returned if there
 * is none, or if it returns.
 */
void *at_wipe_malloc(void *pool, size_t size);

/**
 * Resize BLOCK (NULL: a new block) to SIZE bytes and keep its contents. The old
 * block is wiped and freed. If memory runs out, it is left unchanged, and the
 * abort function is called as above.
 */
void *at_wipe_realloc(void *pool, void *block, size_t size);

/** Wipe the whole of BLOCK and free it. NULL: nothing is done. */
void at_wipe_free(void *pool, void *block);

#endif /* AT_WIPE_H */
