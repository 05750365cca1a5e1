/* SPDX-License-Identifier: Apache-2.0 */
#include "at_thread.h"

#include <pthread.h>

apr_status_t at_thread_start(void *(*run)(void *), void *baton)
{
    pthread_attr_t attributes;
    pthread_t thread;
    sigset_t before;
    int status = pthread_attr_init(&attributes);

    if (status) {
        return status;
    }
    status = pthread_attr_setdetachstate(&attributes,
                                         PTHREAD_CREATE_DETACHED);
    if (!status) {
        /* The thread inherits this mask. */
        at_thread_block_all(&before);
        status = pthread_create(&thread, &attributes, run, baton);
        at_thread_unblock(&before);
    }
    pthread_attr_destroy(&attributes);
    return status;
}

void at_thread_block_all(sigset_t *before)
{
    sigset_t all;

    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, before);
}

void at_thread_block_ends(sigset_t *before)
{
    sigset_t ends;

    sigemptyset(&ends);
    sigaddset(&ends, SIGTERM);
    sigaddset(&ends, SIGHUP);
    pthread_sigmask(SIG_BLOCK, &ends, before);
}

void at_thread_unblock(const sigset_t *before)
{
    pthread_sigmask(SIG_SETMASK, before, NULL);
}
