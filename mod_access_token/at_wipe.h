/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Secrets leave no trace: a pool gives its memory back as it is, and a core
 * dump, or whoever gets that memory next, would find them there.
 */
#ifndef AT_WIPE_H
#define AT_WIPE_H

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

#endif /* AT_WIPE_H */
