/* SPDX-License-Identifier: Apache-2.0 */
/* Threads of the module's own, and the signals that they get. */
#include "test_support.h"

#include <pthread.h>
#include <semaphore.h>

#include "at_thread.h"

/* What a thread has seen. */
typedef struct {
    sigset_t signals;            /* blocked in it */
    pthread_t thread;
    sem_t ended;
} seen_t;

static sigset_t blocked(void)
{
    sigset_t signals;

    sigemptyset(&signals);
    pthread_sigmask(SIG_BLOCK, NULL, &signals);
    return signals;
}

static void *look(void *baton)
{
    seen_t *seen = baton;

    seen->signals = blocked();
    seen->thread = pthread_self();
    sem_post(&seen->ended);
    return NULL;
}

START_TEST(a_thread_gets_no_signal)
{
    static const int signals[] = { SIGTERM, SIGHUP, SIGUSR1, SIGINT,
                                   SIGWINCH, SIGPIPE };
    sigset_t own;
    seen_t seen;
    size_t i;

    ck_assert_int_eq(sem_init(&seen.ended, 0, 0), 0);
    ck_assert_int_eq(at_thread_start(look, &seen), APR_SUCCESS);
    ck_assert_int_eq(sem_wait(&seen.ended), 0);
    ck_assert(!pthread_equal(seen.thread, pthread_self()));
    own = blocked();
    for (i = 0; i < sizeof(signals) / sizeof(signals[0]); i++) {
        ck_assert_int_eq(sigismember(&seen.signals, signals[i]), 1);
        ck_assert_int_eq(sigismember(&own, signals[i]), 0);
    }
    sem_destroy(&seen.ended);
}
END_TEST

START_TEST(signals_are_blocked_and_come_again)
{
    sigset_t before, inside, now;

    at_thread_block_ends(&before);
    now = blocked();
    ck_assert_int_eq(sigismember(&now, SIGTERM), 1);
    ck_assert_int_eq(sigismember(&now, SIGHUP), 1);
    ck_assert_int_eq(sigismember(&now, SIGUSR1), 0);
    at_thread_block_all(&inside);
    now = blocked();
    ck_assert_int_eq(sigismember(&now, SIGUSR1), 1);
    at_thread_unblock(&inside);
    now = blocked();
    ck_assert_int_eq(sigismember(&now, SIGTERM), 1);
    ck_assert_int_eq(sigismember(&now, SIGUSR1), 0);
    at_thread_unblock(&before);
    now = blocked();
    ck_assert_int_eq(sigismember(&now, SIGTERM), 0);
    ck_assert_int_eq(sigismember(&now, SIGHUP), 0);
}
END_TEST

int main(void)
{
    TCase *tests = test_begin("test_thread");

    tcase_add_test(tests, a_thread_gets_no_signal);
    tcase_add_test(tests, signals_are_blocked_and_come_again);
    return test_end(tests);
}
