/* SPDX-License-Identifier: Apache-2.0 */
/* Threads of the module's own, and the signals that a thread may get. */
#ifndef AT_THREAD_H
#define AT_THREAD_H

#include <signal.h>

#include <apr_errno.h>

/**
 * Start a detached thread that calls RUN with BATON, and ends when RUN
 * returns. All signals are blocked in it: they are for httpd's own threads.
 * Returns APR_SUCCESS, or why the system has refused the thread.
 */
apr_status_t at_thread_start(void *(*run)(void *), void *baton);

/** Block all signals in this thread. *BEFORE is set for at_thread_unblock. */
void at_thread_block_all(sigset_t *before);

/** The same for SIGTERM and SIGHUP only, with which httpd ends a child. */
void at_thread_block_ends(sigset_t *before);

/** Let this thread get again the signals that it got BEFORE. */
void at_thread_unblock(const sigset_t *before);

#endif /* AT_THREAD_H */
