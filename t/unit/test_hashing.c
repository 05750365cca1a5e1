/* SPDX-License-Identifier: Apache-2.0 */
/* The queue for hashing. A test decides when each piece of work ends. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif

#include "test_support.h"

#include <malloc.h>
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <apr_atomic.h>

#include "at_clock.h"
#include "at_hashing.h"

#define MOST 64

/* What works do, under the mutex. */
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static int running, most_running, order[MOST], done;
static sem_t go;                 /* a work ends for each post */

static at_hashing_t *hashing;

/* A floor that no thread gets onto while a test runs, and one as at the
 * start. */
static at_hashing_floor_t closed, open;

#define SECRET "a pass code that is to be wiped"

/* How often memory that held the secret was freed, counted only while a test
 * looks for it; the linker wraps the function that frees. */
static volatile int secrets_freed, looks_for_secrets;

/* How often a thread that yields to all others took a lock or memory. */
static volatile int locks_of_threads;

static int yields(void)
{
#ifdef SCHED_IDLE
    return sched_getscheduler(0) == SCHED_IDLE;
#else
    return 0;
#endif
}

static void note_lock(void)
{
    if (yields()) {
        locks_of_threads++;
    }
}

int __real_pthread_mutex_lock(pthread_mutex_t *taken);
int __wrap_pthread_mutex_lock(pthread_mutex_t *taken);
int __wrap_pthread_mutex_lock(pthread_mutex_t *taken)
{
    note_lock();
    return __real_pthread_mutex_lock(taken);
}

int __real_pthread_mutex_trylock(pthread_mutex_t *taken);
int __wrap_pthread_mutex_trylock(pthread_mutex_t *taken);
int __wrap_pthread_mutex_trylock(pthread_mutex_t *taken)
{
    note_lock();
    return __real_pthread_mutex_trylock(taken);
}

int __real_pthread_cond_wait(pthread_cond_t *condition,
                             pthread_mutex_t *taken);
int __wrap_pthread_cond_wait(pthread_cond_t *condition,
                             pthread_mutex_t *taken);
int __wrap_pthread_cond_wait(pthread_cond_t *condition,
                             pthread_mutex_t *taken)
{
    note_lock();
    return __real_pthread_cond_wait(condition, taken);
}

void *__real_calloc(size_t count, size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_calloc(size_t count, size_t size)
{
    note_lock();
    return __real_calloc(count, size);
}

/* While this is set, a thread that yields gets no processor to post. */
static volatile int posts_are_held;

/* How many calls have entered the queue: each posts once, to wake a thread. */
static volatile apr_uint32_t queued;

int __real_sem_post(sem_t *semaphore);
int __wrap_sem_post(sem_t *semaphore);
int __wrap_sem_post(sem_t *semaphore)
{
    int failed;

    while (posts_are_held && yields()) {
        apr_sleep(1000);
    }
    failed = __real_sem_post(semaphore);
    if (semaphore != &go && !yields()) {
        apr_atomic_inc32(&queued);
    }
    return failed;
}

void __real_free(void *memory);
void __wrap_free(void *memory);
void __wrap_free(void *memory)
{
    note_lock();
    if (looks_for_secrets && memory
        && memmem(memory, malloc_usable_size(memory), SECRET,
                  strlen(SECRET))) {
        secrets_freed++;
    }
    __real_free(memory);
}

/* A call: a thread that queues to run its work. */
typedef struct {
    pthread_t thread;
    pthread_t self;
    int number;
    apr_interval_time_t budget;
    at_hashing_t *hashing;
    at_hashing_work_t work;
    at_hashing_e outcome;
    apr_interval_time_t taken;
    apr_interval_time_t lasted;
    int worked;
    int worked_itself;
} call_t;

static call_t calls[MOST];

static void set_up(void)
{
    running = most_running = done = 0;
    memset(calls, 0, sizeof(calls));
    sem_init(&go, 0, 0);
    hashing = NULL;
    secrets_freed = locks_of_threads = posts_are_held = 0;
    apr_atomic_set32(&queued, 0);
    at_hashing_floor_make(&open);
    at_hashing_floor_make(&closed);
    closed.next += 30 * 60 * 1000;
}

/* Works get a copy of a pointer to their call. */
static call_t *call_of(void *baton)
{
    return *(call_t **)baton;
}

static int is_own(const call_t *call)
{
    return pthread_equal(call->self, pthread_self());
}

static void begin_work(void *baton)
{
    call_t *call = call_of(baton);

    pthread_mutex_lock(&mutex);
    running++;
    most_running = running > most_running ? running : most_running;
    order[done++] = call->number;
    call->worked++;
    call->worked_itself += is_own(call);
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

/* In a thread it never ends, in a call it does. */
static void stuck_work(void *baton)
{
    begin_work(baton);
    while (!is_own(call_of(baton)) && sem_wait(&go) != 0) {
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
    apr_time_t began = at_clock_now();

    call->self = pthread_self();
    call->outcome = at_hashing_run(call->hashing, call->work, &call,
                                   sizeof(call), began + call->budget,
                                   &call->taken);
    call->lasted = at_clock_now() - began;
    return NULL;
}

static void start(int number, at_hashing_work_t work, int milliseconds)
{
    call_t *call = &calls[number];

    call->number = number;
    call->hashing = hashing;
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

/* The calls of a test that could not run at once are NUMBER by now. */
static void wait_until_queued(apr_uint32_t number)
{
    int tries;

    for (tries = 0; apr_atomic_read32(&queued) < number && tries < 5000;
         tries++) {
        apr_sleep(1000);
    }
    ck_assert_uint_eq(apr_atomic_read32(&queued), number);
}

START_TEST(no_more_run_at_once_than_the_limit)
{
    int i;

    hashing = at_hashing_make(3, MOST, &closed);
    ck_assert_int_eq(at_hashing_limit(hashing), 3);
    for (i = 0; i < 8; i++) {
        start(i, wait_work, 20000);
    }
    wait_until_running(3);
    wait_until_queued(7);
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

START_TEST(the_first_in_the_queue_is_served_first)
{
    int i;

    hashing = at_hashing_make(1, MOST, &closed);
    start(0, wait_work, 20000);
    wait_until_running(1);
    for (i = 1; i < 6; i++) {
        start(i, wait_work, 20000);
        wait_until_queued((apr_uint32_t)i);
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

START_TEST(a_call_waits_for_its_turn_until_the_deadline)
{
    hashing = at_hashing_make(1, MOST, &closed);
    start(0, wait_work, 20000);
    wait_until_running(1);
    start(1, wait_work, 200);
    wait_until_queued(1);
    start(2, wait_work, 20000);
    ck_assert_int_eq(finish(1), AT_HASHING_LATE);
    ck_assert_int_ge(calls[1].lasted, apr_time_from_msec(200));
    ck_assert_int_lt(calls[1].lasted, apr_time_from_msec(5000));
    ck_assert_int_eq(calls[1].taken, 0);
    sem_post(&go);
    sem_post(&go);
    /* the call after the one that left gets its turn */
    ck_assert_int_eq(finish(0), AT_HASHING_DONE);
    ck_assert_int_eq(finish(2), AT_HASHING_DONE);
    ck_assert_int_eq(calls[1].worked, 0);
    start(3, quick_work, 20000);
    ck_assert_int_eq(finish(3), AT_HASHING_DONE);
    at_hashing_end(hashing);
}
END_TEST

/* Work that has begun is done, however late, and its time is counted
 * separately. */
START_TEST(what_a_call_does_itself_is_not_broken_off)
{
    hashing = at_hashing_make(1, MOST, &closed);
    start(0, wait_work, 100);
    wait_until_running(1);
    start(1, wait_work, 20000);
    apr_sleep(apr_time_from_msec(300));
    sem_post(&go);
    ck_assert_int_eq(finish(0), AT_HASHING_DONE);
    ck_assert_int_ge(calls[0].taken, apr_time_from_msec(290));
    ck_assert_int_le(calls[0].taken, calls[0].lasted);
    /* in a thread only what it has of a processor counts */
    wait_until_running(1);
    apr_sleep(apr_time_from_msec(300));
    sem_post(&go);
    ck_assert_int_eq(finish(1), AT_HASHING_DONE);
    ck_assert_int_ge(calls[1].lasted, apr_time_from_msec(590));
    ck_assert_int_lt(calls[1].taken, apr_time_from_msec(200));
    at_hashing_end(hashing);
}
END_TEST

/* ---- what gets nowhere */

START_TEST(what_a_thread_does_is_left_at_the_deadline)
{
    hashing = at_hashing_make(1, 1, &closed);
    start(0, wait_work, 300);
    ck_assert_int_eq(finish(0), AT_HASHING_LATE);
    ck_assert_int_ge(calls[0].lasted, apr_time_from_msec(300));
    ck_assert_int_lt(calls[0].lasted, apr_time_from_msec(10000));
    ck_assert_int_eq(calls[0].taken, 0);
    ck_assert_int_eq(count(&calls[0].worked), 1);
    ck_assert_int_eq(count(&running), 1);
    /* the place is free again; the thread is when it has finished */
    ck_assert(!at_hashing_is_full(hashing));
    start(1, quick_work, 20000);
    wait_until_queued(2);
    ck_assert_int_eq(count(&done), 1);
    sem_post(&go);
    ck_assert_int_eq(finish(1), AT_HASHING_DONE);
    ck_assert_int_eq(calls[1].worked_itself, 0);
    at_hashing_end(hashing);
}
END_TEST

static volatile int plain_works;

/* Takes no lock, other than the works above. */
static void plain_work(void *baton)
{
    (void)baton;
    plain_works++;
    while (sem_wait(&go) != 0) {
        continue;
    }
}

static void wait_for_plain_works(int number)
{
    int tries;

    for (tries = 0; plain_works != number && tries < 5000; tries++) {
        apr_sleep(1000);
    }
    ck_assert_int_eq(plain_works, number);
}

/* A thread may be left without a processor wherever it is. */
START_TEST(a_thread_takes_no_lock_and_no_memory)
{
    int i;

    plain_works = 0;
    hashing = at_hashing_make(1, 1, &closed);
    for (i = 0; i < 3; i++) {
        start(i, plain_work, 200);       /* is left by its call */
        ck_assert_int_eq(finish(i), AT_HASHING_LATE);
        wait_for_plain_works(2 * i + 1);
        start(i, plain_work, 20000);
        wait_until_queued((apr_uint32_t)(2 * i + 2));
        sem_post(&go);                   /* and its thread takes the next */
        wait_for_plain_works(2 * i + 2);
        sem_post(&go);
        ck_assert_int_eq(finish(i), AT_HASHING_DONE);
    }
    at_hashing_end(hashing);
    ck_assert_int_eq(locks_of_threads, 0);
}
END_TEST

START_TEST(a_thread_without_a_processor_holds_up_no_call)
{
    int i;

    hashing = at_hashing_make(2, MOST, &closed);
    start(0, wait_work, 20000);
    wait_until_running(1);
    posts_are_held = 1;
    for (i = 1; i <= 3; i++) {
        start(i, quick_work, i < 3 ? 15000 : 2000);
        wait_until_queued((apr_uint32_t)i);
    }
    ck_assert_int_eq(finish(3), AT_HASHING_LATE);
    ck_assert_int_ge(calls[3].lasted, apr_time_from_msec(2000));
    ck_assert_int_lt(calls[3].lasted, apr_time_from_msec(12000));
    /* the result is found even if no thread could announce it */
    ck_assert_int_eq(finish(1), AT_HASHING_DONE);
    ck_assert_int_eq(finish(2), AT_HASHING_DONE);
    ck_assert(!at_hashing_is_full(hashing));
    posts_are_held = 0;
    start(4, quick_work, 20000);
    ck_assert_int_eq(finish(4), AT_HASHING_DONE);
    sem_post(&go);
    ck_assert_int_eq(finish(0), AT_HASHING_DONE);
    at_hashing_end(hashing);
}
END_TEST

typedef struct {
    int value;
    char secret[sizeof(SECRET)];
} baton_t;

static void change_baton(void *data)
{
    static call_t call, *pointer = &call;
    baton_t *baton = data;

    ck_assert_str_eq(baton->secret, SECRET);
    baton->value = 2;
    wait_work(&pointer);
}

START_TEST(the_baton_of_what_is_left_is_not_touched)
{
    baton_t baton = { 1, SECRET };
    apr_interval_time_t taken;

    looks_for_secrets = 1;
    hashing = at_hashing_make(1, 1, &closed);
    ck_assert_int_eq(at_hashing_run(hashing, change_baton, &baton,
                                    sizeof(baton), at_clock_now()
                                    + apr_time_from_msec(300), &taken),
                     AT_HASHING_LATE);
    ck_assert_int_eq(baton.value, 1);
    sem_post(&go);
    wait_until_running(0);
    ck_assert_int_eq(baton.value, 1);
    /* but that of what is done in time is */
    sem_post(&go);
    ck_assert_int_eq(at_hashing_run(hashing, change_baton, &baton,
                                    sizeof(baton), at_clock_now()
                                    + apr_time_from_sec(20), &taken),
                     AT_HASHING_DONE);
    ck_assert_int_eq(baton.value, 2);
    at_hashing_end(hashing);
    looks_for_secrets = 0;
    ck_assert_int_eq(secrets_freed, 0);
}
END_TEST

START_TEST(the_end_leaves_a_thread_that_gets_nowhere)
{
    static at_hashing_t *kept;
    apr_time_t began;

    kept = hashing = at_hashing_make(1, 1, &closed);
    start(0, wait_work, 100);
    ck_assert_int_eq(finish(0), AT_HASHING_LATE);
    ck_assert_int_eq(count(&running), 1);
    began = at_clock_now();
    at_hashing_end(hashing);
    ck_assert_int_lt(at_clock_now() - began, apr_time_from_sec(20));
    ck_assert_int_eq(count(&running), 1);
    sem_post(&go);
    wait_until_running(0);
    ck_assert_ptr_nonnull(kept);
}
END_TEST

START_TEST(work_that_gets_nowhere_is_done_by_its_call)
{
    hashing = at_hashing_make(2, MOST, &open);
    start(0, wait_work, 20000);
    wait_until_running(1);
    start(1, stuck_work, 20000);
    ck_assert_int_eq(finish(1), AT_HASHING_DONE);
    ck_assert_int_ge(calls[1].lasted, apr_time_from_msec(490));
    ck_assert_int_eq(calls[1].worked, 2);
    ck_assert_int_eq(calls[1].worked_itself, 1);
    sem_post(&go);
    sem_post(&go);
    ck_assert_int_eq(finish(0), AT_HASHING_DONE);
    wait_until_running(0);
    at_hashing_end(hashing);
}
END_TEST

/* As under prefork, where a call has no other beside it. */
START_TEST(work_that_no_thread_takes_is_done_by_its_call)
{
    hashing = at_hashing_make(1, 1, &open);
    start(0, stuck_work, 2000);
    ck_assert_int_eq(finish(0), AT_HASHING_DONE);
    ck_assert_int_eq(calls[0].worked, 2);
    /* the thread is still busy */
    start(1, stuck_work, 20000);
    ck_assert_int_eq(finish(1), AT_HASHING_DONE);
    ck_assert_int_eq(calls[1].worked, 1);
    ck_assert_int_eq(calls[1].worked_itself, 1);
    sem_post(&go);
    wait_until_running(0);
    at_hashing_end(hashing);
}
END_TEST

/* In each of two "processes" one call hashes alone, and two others are stuck
 * in threads: one of these four gets onto the floor, and stays there. */
START_TEST(all_processes_have_one_floor)
{
    int i, is_done = 0;
    at_hashing_t *other;

    open.pause = 60000;
    hashing = at_hashing_make(3, MOST, &open);
    other = at_hashing_make(3, MOST, &open);
    for (i = 0; i < 6; i++) {
        at_hashing_t *swapped = hashing;

        start(i, wait_work, i < 2 ? 60000 : 5000);
        if (i < 2) {
            wait_until_running(i + 1);
        }
        hashing = other;
        other = swapped;
    }
    wait_until_running(7);
    apr_sleep(apr_time_from_msec(5500));
    ck_assert_int_eq(count(&running), 7);
    for (i = 0; i < 7; i++) {
        sem_post(&go);
    }
    for (i = 0; i < 6; i++) {
        is_done += finish(i) == AT_HASHING_DONE;
    }
    ck_assert_int_eq(is_done, 3);
    ck_assert_int_eq(most_running, 7);
    wait_until_running(0);
    at_hashing_end(hashing);
    at_hashing_end(other);
}
END_TEST

static apr_interval_time_t processor_time(void)
{
    struct timespec time;

    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
    return apr_time_from_sec(time.tv_sec) + time.tv_nsec / 1000;
}

/* Of a processor's time 50 ms; a thread gets nowhere with it. */
static void busy_work(void *baton)
{
    apr_time_t until = processor_time() + apr_time_from_msec(50);

    stuck_work(baton);
    while (is_own(call_of(baton)) && processor_time() < until) {
        continue;
    }
}

START_TEST(the_floor_is_paid_for_by_what_it_took)
{
    apr_uint32_t before = open.next;
    apr_uint32_t due = (apr_uint32_t)(500 / at_hashing_processors());

    open.pause = 7;
    hashing = at_hashing_make(1, 1, &open);
    start(0, busy_work, 20000);
    ck_assert_int_eq(finish(0), AT_HASHING_DONE);
    ck_assert_uint_ge(open.pause, due);
    ck_assert_uint_lt(open.pause, due + 1000);
    /* from when it began, half a second after it came */
    ck_assert_uint_ge(open.next - before, 490 + open.pause);
    ck_assert_uint_lt(open.next - before, 20000 + open.pause);
    sem_post(&go);
    wait_until_running(0);
    at_hashing_end(hashing);
}
END_TEST

/* The time is kept modulo 2^32 ms: one long past may look far ahead. */
START_TEST(a_floor_of_long_ago_is_free)
{
    static const apr_uint32_t ahead[] = { 0x80000000U, 24 * 3600 * 1000U };
    size_t i;

    for (i = 0; i < sizeof(ahead) / sizeof(ahead[0]); i++) {
        at_hashing_floor_make(&open);
        open.next += ahead[i];
        hashing = at_hashing_make(1, 1, &open);
        start(0, stuck_work, 20000);
        ck_assert_int_eq(finish(0), AT_HASHING_DONE);
        sem_post(&go);
        wait_until_running(0);
        at_hashing_end(hashing);
    }
}
END_TEST

/* The longest time in which no work began or ended. */
static apr_time_t moved;
static apr_interval_time_t longest_rest;

static void note_move(void)
{
    apr_time_t now = at_clock_now();

    pthread_mutex_lock(&mutex);
    if (now - moved > longest_rest) {
        longest_rest = now - moved;
    }
    moved = now;
    pthread_mutex_unlock(&mutex);
}

static void moving_work(void *baton)
{
    note_move();
    begin_work(baton);
    apr_sleep(apr_time_from_msec(50));
    end_work();
    note_move();
}

/* The last one waits for a second. Half a second without a move has at least
 * one rest of a third of that; without one nobody needs the floor. */
START_TEST(a_queue_that_moves_needs_no_floor)
{
    int i, on_floor = 0;

    hashing = at_hashing_make(2, MOST, &open);
    start(0, wait_work, 20000);
    wait_until_running(1);
    moved = at_clock_now();
    longest_rest = 0;
    for (i = 1; i <= 20; i++) {
        start(i, moving_work, 20000);
    }
    for (i = 1; i <= 20; i++) {
        ck_assert_int_eq(finish(i), AT_HASHING_DONE);
        on_floor += calls[i].worked_itself;
    }
    expect(on_floor == 0 || longest_rest > apr_time_from_msec(160),
           "%d on the floor, although all moved within %d us", on_floor,
           (int)longest_rest);
    sem_post(&go);
    ck_assert_int_eq(finish(0), AT_HASHING_DONE);
    at_hashing_end(hashing);
}
END_TEST

START_TEST(too_many_are_refused_at_once)
{
    hashing = at_hashing_make(1, 2, &closed);
    start(0, wait_work, 20000);
    wait_until_running(1);
    start(1, wait_work, 20000);
    wait_until_queued(1);
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

/* Many short ones by many threads: none is lost, none is done twice. What is
 * late may have been begun. */
START_TEST(all_of_many_are_done)
{
    int was_done[24] = { 0 }, rounds = test_rounds(50), round, i;

    hashing = at_hashing_make(2, MOST, &closed);
    for (round = 0; round < rounds; round++) {
        done = 0;
        for (i = 0; i < 24; i++) {
            start(i, quick_work, i % 3 ? 20000 : 1);
        }
        for (i = 0; i < 24; i++) {
            at_hashing_e outcome = finish(i);

            expect(outcome == AT_HASHING_DONE
                   || (outcome == AT_HASHING_LATE && i % 3 == 0),
                   "call %d: outcome %d", i, (int)outcome);
            was_done[i] += outcome == AT_HASHING_DONE;
        }
    }
    at_hashing_end(hashing);
    /* a call that comes alone does not count those that were left */
    ck_assert_int_le(most_running, 3);
    for (i = 0; i < 24; i++) {
        expect(calls[i].worked >= was_done[i]
               && calls[i].worked <= (i % 3 ? was_done[i] : rounds),
               "call %d: worked %d times, was done %d times", i,
               calls[i].worked, was_done[i]);
    }
}
END_TEST

static void *end_hashing(void *data)
{
    at_hashing_end(hashing);
    return data;
}

START_TEST(calls_that_wait_at_the_end_are_late)
{
    hashing = at_hashing_make(2, MOST, &closed);
    start(0, wait_work, 20000);
    start(4, wait_work, 20000);
    wait_until_running(2);
    start(1, wait_work, 20000);
    start(2, wait_work, 20000);
    wait_until_queued(3);
    start(3, quick_work, 20000);
    wait_until_queued(4);
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
    hashing = at_hashing_make(1, 1, &closed);
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

    hashing = at_hashing_make(1, 1, &closed);
    ck_assert_int_eq(at_hashing_run(hashing, look_around, seen, sizeof(seen),
                                    at_clock_now() + apr_time_from_sec(20),
                                    &taken), AT_HASHING_DONE);
    ck_assert(seen[0]);
#ifdef SCHED_IDLE
    ck_assert_int_eq(seen[1], SCHED_IDLE);
#endif
    ck_assert_int_eq(sched_getscheduler(0), own);
    at_hashing_end(hashing);
}
END_TEST

START_TEST(a_call_that_is_alone_does_its_own_work)
{
    int seen[2] = { 1, -1 };
    apr_interval_time_t taken;

    hashing = at_hashing_make(1, 2, &closed);
    ck_assert_int_eq(at_hashing_run(hashing, look_around, seen, sizeof(seen),
                                    0, &taken), AT_HASHING_DONE);
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

    ck_assert_int_eq(at_hashing_run(NULL, look_around, seen, sizeof(seen),
                                    0, &taken), AT_HASHING_DONE);
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
    tcase_add_test(tests, a_call_that_is_alone_does_its_own_work);
    tcase_add_test(tests, a_thread_that_hashes_yields_and_takes_no_signals);
    tcase_add_test(tests, the_end_of_what_was_never_used);
    tcase_add_test(tests, calls_that_wait_at_the_end_are_late);
    tcase_add_test(tests, all_of_many_are_done);
    tcase_add_test(tests, too_many_are_refused_at_once);
    tcase_add_test(tests, what_a_call_does_itself_is_not_broken_off);
    tcase_add_test(tests, what_a_thread_does_is_left_at_the_deadline);
    tcase_add_test(tests, the_baton_of_what_is_left_is_not_touched);
    tcase_add_test(tests, a_thread_takes_no_lock_and_no_memory);
    tcase_add_test(tests, a_thread_without_a_processor_holds_up_no_call);
    tcase_add_test(tests, the_end_leaves_a_thread_that_gets_nowhere);
    tcase_add_test(tests, work_that_gets_nowhere_is_done_by_its_call);
    tcase_add_test(tests, work_that_no_thread_takes_is_done_by_its_call);
    tcase_add_test(tests, all_processes_have_one_floor);
    tcase_add_test(tests, the_floor_is_paid_for_by_what_it_took);
    tcase_add_test(tests, a_floor_of_long_ago_is_free);
    tcase_add_test(tests, a_queue_that_moves_needs_no_floor);
    tcase_add_test(tests, a_call_waits_for_its_turn_until_the_deadline);
    tcase_add_test(tests, the_first_in_the_queue_is_served_first);
    tcase_add_test(tests, no_more_run_at_once_than_the_limit);
    return test_end(tests);
}
