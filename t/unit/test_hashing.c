/* SPDX-License-Identifier: Apache-2.0 */
/* Hashing in turn, with works that a test lets go when it wants. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif

#include "test_support.h"

#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "at_hashing.h"

#define MOST 64

/* What works do, under the mutex. */
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static int running, most_running, order[MOST], done;
static sem_t go;                 /* a work ends for each post */

static at_hashing_t *hashing;

/* A call: a thread that runs a work in its turn. */
typedef struct {
    pthread_t thread;
    int number;
    apr_interval_time_t budget;
    at_hashing_work_t work;
    at_hashing_e outcome;
    apr_interval_time_t taken;
    apr_interval_time_t lasted;
    int worked;
} call_t;

static call_t calls[MOST];

static void set_up(void)
{
    running = most_running = done = 0;
    memset(calls, 0, sizeof(calls));
    sem_init(&go, 0, 0);
    hashing = NULL;
}

static void begin_work(call_t *call)
{
    pthread_mutex_lock(&mutex);
    running++;
    most_running = running > most_running ? running : most_running;
    order[done++] = call->number;
    call->worked++;
    pthread_mutex_unlock(&mutex);
}

static void end_work(void)
{
    pthread_mutex_lock(&mutex);
    running--;
    pthread_mutex_unlock(&mutex);
}

static void wait_work(void *baton)
{
    begin_work(baton);
    while (sem_wait(&go) != 0) {
        continue;
    }
    end_work();
}

static void quick_work(void *baton)
{
    begin_work(baton);
    apr_sleep(100);
    end_work();
}

static void *run_call(void *data)
{
    call_t *call = data;
    apr_time_t began = apr_time_now();

    call->outcome = at_hashing_run(hashing, call->work, call,
                                   began + call->budget, &call->taken);
    call->lasted = apr_time_now() - began;
    return NULL;
}

static void start(int number, at_hashing_work_t work, int milliseconds)
{
    call_t *call = &calls[number];

    call->number = number;
    call->work = work;
    call->budget = apr_time_from_msec(milliseconds);
    ck_assert_int_eq(pthread_create(&call->thread, NULL, run_call, call), 0);
}

static at_hashing_e finish(int number)
{
    pthread_join(calls[number].thread, NULL);
    return calls[number].outcome;
}

static int count(const int *what)
{
    int value;

    pthread_mutex_lock(&mutex);
    value = *what;
    pthread_mutex_unlock(&mutex);
    return value;
}

static void wait_until_running(int number)
{
    int tries;

    for (tries = 0; count(&running) != number && tries < 5000; tries++) {
        apr_sleep(1000);
    }
    ck_assert_int_eq(count(&running), number);
}

/* As long as it takes a call to stand in the queue, well meant. */
static void let_it_queue(void)
{
    apr_sleep(apr_time_from_msec(50));
}

START_TEST(no_more_run_at_once_than_the_limit)
{
    int i;

    hashing = at_hashing_make(3, MOST);
    ck_assert_int_eq(at_hashing_limit(hashing), 3);
    for (i = 0; i < 8; i++) {
        start(i, wait_work, 20000);
    }
    wait_until_running(3);
    let_it_queue();
    ck_assert_int_eq(count(&running), 3);
    for (i = 0; i < 8; i++) {
        sem_post(&go);
    }
    for (i = 0; i < 8; i++) {
        ck_assert_int_eq(finish(i), AT_HASHING_DONE);
        ck_assert_int_eq(calls[i].worked, 1);
    }
    ck_assert_int_eq(most_running, 3);
    at_hashing_end(hashing);
}
END_TEST

START_TEST(who_comes_first_is_served_first)
{
    int i;

    hashing = at_hashing_make(1, MOST);
    for (i = 0; i < 6; i++) {
        start(i, wait_work, 20000);
        let_it_queue();
    }
    for (i = 0; i < 6; i++) {
        sem_post(&go);
    }
    for (i = 0; i < 6; i++) {
        ck_assert_int_eq(finish(i), AT_HASHING_DONE);
        ck_assert_int_eq(order[i], i);
    }
    at_hashing_end(hashing);
}
END_TEST

START_TEST(a_turn_is_waited_for_until_the_deadline)
{
    hashing = at_hashing_make(1, MOST);
    start(0, wait_work, 20000);
    wait_until_running(1);
    start(1, wait_work, 200);
    let_it_queue();
    start(2, wait_work, 20000);
    ck_assert_int_eq(finish(1), AT_HASHING_LATE);
    ck_assert_int_ge(calls[1].lasted, apr_time_from_msec(200));
    ck_assert_int_lt(calls[1].lasted, apr_time_from_msec(5000));
    ck_assert_int_eq(calls[1].taken, 0);
    sem_post(&go);
    sem_post(&go);
    /* who waited behind the one that left has its turn */
    ck_assert_int_eq(finish(0), AT_HASHING_DONE);
    ck_assert_int_eq(finish(2), AT_HASHING_DONE);
    ck_assert_int_eq(calls[1].worked, 0);
    start(3, quick_work, 20000);
    ck_assert_int_eq(finish(3), AT_HASHING_DONE);
    at_hashing_end(hashing);
}
END_TEST

/* What has begun is done, however late, and its time is told apart. */
START_TEST(work_is_not_broken_off_by_the_deadline)
{
    hashing = at_hashing_make(1, MOST);
    start(0, wait_work, 100);
    wait_until_running(1);
    start(1, wait_work, 20000);
    apr_sleep(apr_time_from_msec(300));
    sem_post(&go);
    ck_assert_int_eq(finish(0), AT_HASHING_DONE);
    ck_assert_int_ge(calls[0].taken, apr_time_from_msec(290));
    ck_assert_int_le(calls[0].taken, calls[0].lasted);
    sem_post(&go);
    ck_assert_int_eq(finish(1), AT_HASHING_DONE);
    ck_assert_int_ge(calls[1].lasted, apr_time_from_msec(290));
    ck_assert_int_lt(calls[1].taken, calls[1].lasted);
    at_hashing_end(hashing);
}
END_TEST

START_TEST(too_many_are_refused_at_once)
{
    hashing = at_hashing_make(1, 2);
    start(0, wait_work, 20000);
    wait_until_running(1);
    start(1, wait_work, 20000);
    let_it_queue();
    start(2, wait_work, 20000);
    ck_assert_int_eq(finish(2), AT_HASHING_FULL);
    ck_assert(at_hashing_is_full(hashing));
    ck_assert_int_lt(calls[2].lasted, apr_time_from_msec(5000));
    sem_post(&go);
    ck_assert_int_eq(finish(0), AT_HASHING_DONE);
    /* the place is free again */
    start(3, wait_work, 20000);
    sem_post(&go);
    sem_post(&go);
    ck_assert_int_eq(finish(1), AT_HASHING_DONE);
    ck_assert_int_eq(finish(3), AT_HASHING_DONE);
    ck_assert_int_eq(calls[2].worked, 0);
    at_hashing_end(hashing);
}
END_TEST

/* Many short ones by many threads: none is lost, none is done twice. */
START_TEST(all_of_many_are_done)
{
    int round, i;

    hashing = at_hashing_make(2, MOST);
    for (round = 0; round < test_rounds(50); round++) {
        done = 0;
        for (i = 0; i < 24; i++) {
            calls[i].worked = 0;
            start(i, quick_work, i % 3 ? 20000 : 1);
        }
        for (i = 0; i < 24; i++) {
            at_hashing_e outcome = finish(i);

            expect(outcome == AT_HASHING_DONE
                   || (outcome == AT_HASHING_LATE && i % 3 == 0),
                   "call %d: outcome %d", i, (int)outcome);
            expect(calls[i].worked == (outcome == AT_HASHING_DONE),
                   "call %d: worked %d times", i, calls[i].worked);
        }
    }
    ck_assert_int_le(most_running, 2);
    at_hashing_end(hashing);
}
END_TEST

static void *end_hashing(void *data)
{
    at_hashing_end(hashing);
    return data;
}

START_TEST(those_that_wait_at_the_end_are_told)
{
    hashing = at_hashing_make(2, MOST);
    start(0, wait_work, 20000);
    start(4, wait_work, 20000);
    wait_until_running(2);
    start(1, wait_work, 20000);
    start(2, wait_work, 20000);
    let_it_queue();
    start(3, quick_work, 20000);
    let_it_queue();
    /* the end waits for the one that runs in a thread */
    pthread_create(&calls[5].thread, NULL, end_hashing, NULL);
    ck_assert_int_eq(finish(1), AT_HASHING_LATE);
    ck_assert_int_eq(finish(2), AT_HASHING_LATE);
    ck_assert_int_eq(finish(3), AT_HASHING_LATE);
    ck_assert_int_lt(calls[1].lasted, apr_time_from_msec(10000));
    ck_assert_int_eq(count(&running), 2);
    sem_post(&go);
    sem_post(&go);
    ck_assert_int_eq(finish(0), AT_HASHING_DONE);
    ck_assert_int_eq(finish(4), AT_HASHING_DONE);
    pthread_join(calls[5].thread, NULL);
    ck_assert_int_eq(done, 2);
}
END_TEST

START_TEST(the_end_of_what_was_never_used)
{
    hashing = at_hashing_make(1, 1);
    at_hashing_end(hashing);
}
END_TEST

static void look_around(void *baton)
{
    int *seen = baton;
    sigset_t blocked;

    pthread_sigmask(SIG_SETMASK, NULL, &blocked);
    seen[0] = sigismember(&blocked, SIGTERM) && sigismember(&blocked, SIGHUP)
              && sigismember(&blocked, SIGUSR1);
    seen[1] = sched_getscheduler(0);
}

START_TEST(a_thread_that_hashes_yields_and_takes_no_signals)
{
    int seen[2] = { 0, -1 }, own = sched_getscheduler(0);
    apr_interval_time_t taken;

    hashing = at_hashing_make(1, 1);
    ck_assert_int_eq(at_hashing_run(hashing, look_around, seen,
                                    apr_time_now() + apr_time_from_sec(20),
                                    &taken), AT_HASHING_DONE);
    ck_assert(seen[0]);
#ifdef SCHED_IDLE
    ck_assert_int_eq(seen[1], SCHED_IDLE);
#endif
    ck_assert_int_eq(sched_getscheduler(0), own);
    at_hashing_end(hashing);
}
END_TEST

START_TEST(who_is_alone_works_himself)
{
    int seen[2] = { 1, -1 };
    apr_interval_time_t taken;

    hashing = at_hashing_make(1, 2);
    ck_assert_int_eq(at_hashing_run(hashing, look_around, seen, 0, &taken),
                     AT_HASHING_DONE);
    ck_assert(!seen[0]);
    ck_assert_int_eq(seen[1], sched_getscheduler(0));
    ck_assert(!at_hashing_is_full(hashing));
    at_hashing_end(hashing);
}
END_TEST

START_TEST(without_a_limit_the_caller_works)
{
    int seen[2] = { 0, -1 };
    apr_interval_time_t taken;

    ck_assert_int_eq(at_hashing_run(NULL, look_around, seen, 0, &taken),
                     AT_HASHING_DONE);
    ck_assert(!seen[0]);
    ck_assert_int_eq(seen[1], sched_getscheduler(0));
    ck_assert_int_ge(taken, 0);
}
END_TEST

START_TEST(there_is_a_processor)
{
    ck_assert_int_ge(at_hashing_processors(), 1);
    ck_assert_int_le(at_hashing_processors(),
                     (int)sysconf(_SC_NPROCESSORS_CONF));
}
END_TEST

int main(void)
{
    TCase *tests = test_begin("test_hashing");

    tcase_add_checked_fixture(tests, set_up, NULL);
    tcase_set_timeout(tests, 60);
    tcase_add_test(tests, there_is_a_processor);
    tcase_add_test(tests, without_a_limit_the_caller_works);
    tcase_add_test(tests, who_is_alone_works_himself);
    tcase_add_test(tests, a_thread_that_hashes_yields_and_takes_no_signals);
    tcase_add_test(tests, the_end_of_what_was_never_used);
    tcase_add_test(tests, those_that_wait_at_the_end_are_told);
    tcase_add_test(tests, all_of_many_are_done);
    tcase_add_test(tests, too_many_are_refused_at_once);
    tcase_add_test(tests, work_is_not_broken_off_by_the_deadline);
    tcase_add_test(tests, a_turn_is_waited_for_until_the_deadline);
    tcase_add_test(tests, who_comes_first_is_served_first);
    tcase_add_test(tests, no_more_run_at_once_than_the_limit);
    return test_end(tests);
}
