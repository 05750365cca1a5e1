/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The memory of a child process, for more threads than one.
 *
 * Under the prefork MPM one thread serves all requests of a child, and the
 * allocator that all pools of the child share has no mutex. But mod_dbd makes
 * the pools of its connections there, and openers (at_opener.h) open and close
 * connections beside the requests: a request must not wait for a database that
 * hangs, and no other thread can wait in its place. So there the allocator
 * gets a mutex. Other MPMs have given it one themselves.
 *
 * Prefork ends a child in a handler of SIGTERM, which destroys the pools
 * wherever it has interrupted the thread of the requests, so also inside of
 * the allocator. That leaves a list of blocks as it is between two steps, with
 * this mutex as without it; but the mutex would stay locked: by a thread that
 * goes on in the handler and never returns. So it is a nested one, which that
 * thread can lock again, and can let go for the openers to end.
 */
#ifndef AT_ALLOCATOR_H
#define AT_ALLOCATOR_H

#include <apr_pools.h>
#include <apr_thread_mutex.h>

/**
 * Let any thread make, use and destroy sub-pools of POOL, the child's, if
 * that is not so already. Call it before there is a second thread. *MUTEX is
 * what the allocator has got, NULL if it had one. It is taken away again when
 * POOL is destroyed, behind all pre-cleanups that are registered later: then
 * no other thread may run.
 */
apr_status_t at_allocator_share(apr_thread_mutex_t **mutex, apr_pool_t *pool);

/** True if any thread may make, use and destroy sub-pools of POOL. */
int at_allocator_is_shared(apr_pool_t *pool);

/**
 * The child ends: let go of MUTEX, of at_allocator_share or NULL, if this
 * thread was interrupted while it had it.
 */
void at_allocator_let_go(apr_thread_mutex_t *mutex);

#endif /* AT_ALLOCATOR_H */
