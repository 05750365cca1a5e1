/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The memory of a child process, for more than one thread.
 *
 * Under the prefork MPM one thread serves all requests of a child, and the
 * allocator that all pools of the child share has no mutex. But mod_dbd makes
 * the pools of its connections there, and openers (at_opener.h) open and close
 * connections in threads of their own, because a request must not wait for a
 * database that hangs. So under prefork the module gives the allocator a
 * mutex. Other MPMs have given it one themselves.
 *
 * Prefork ends a child in a handler of SIGTERM, which destroys the pools. It
 * may have interrupted the thread of the requests inside the allocator. That
 * thread never returns from the handler, so a plain mutex would stay locked.
 * This one is nested: the thread can lock it again, and can release it so
 * that the openers can end.
 */
#ifndef AT_ALLOCATOR_H
#define AT_ALLOCATOR_H

#include <apr_pools.h>
#include <apr_thread_mutex.h>

/**
 * Let any thread make, use and destroy sub-pools of POOL, the child's, if that
 * is not so already. Call it before there is a second thread. *MUTEX becomes
 * the mutex that the allocator gets, or NULL if it had one before. The mutex
 * is removed when POOL is destroyed, after all pre-cleanups that were
 * registered later; no other thread may run then.
 */
apr_status_t at_allocator_share(apr_thread_mutex_t **mutex, apr_pool_t *pool);

/** True if any thread may make, use and destroy sub-pools of POOL. */
int at_allocator_is_shared(apr_pool_t *pool);

/**
 * The child ends: unlock MUTEX (from at_allocator_share, or NULL) if this
 * thread was interrupted while it owned it.
 */
void at_allocator_let_go(apr_thread_mutex_t *mutex);

/**
 * Make *POOL a sub-pool of PARENT with an allocator of its own: it can be used
 * while another thread uses PARENT, but by one thread at a time. Its memory is
 * freed with it and is not kept for PARENT. Returns why there is none.
 */
apr_status_t at_allocator_make_pool(apr_pool_t **pool, apr_pool_t *parent);

#endif /* AT_ALLOCATOR_H */
