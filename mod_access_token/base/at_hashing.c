/* SPDX-License-Identifier: Apache-2.0 */
/* For SCHED_IDLE and CPU_COUNT of Linux. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif

#include "at_hashing.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <apr_atomic.h>

#include "at_clock.h"
#include "at_thread.h"

/* A work makes no progress when it has run for this long, or has waited for
 * this long while no thread took another one. If the call's budget is short,
 * this part of it counts instead. */
#define PATIENCE     apr_time_from_msec(500)
#define PATIENT_PART 4

/* The floor has one part in so many of the processors' time. Its pause follows
 * from what the last work used; it is FIRST_PAUSE until that is known, and at
 * most LONGEST_PAUSE. A time that seems to be further away than FARTHEST is in
 * the past. In milliseconds. */
#define FLOOR_PART    10
#define FIRST_PAUSE   250U
#define LONGEST_PAUSE 60000U
#define FARTHEST      3600000U

/* At the end: how often the threads are checked, and how often in a row there
 * must be none before calls that have not left are given up. */
#define END_PAUSE   apr_time_from_msec(5)
#define END_TRIES   200
#define LEAVE_TRIES 20

/* The states of a place. */
enum {
    JOB_FREE,                 /* a call may take it */
    JOB_WAITS,                /* a thread may take it */
    JOB_RUNS,                 /* a thread runs it */
    JOB_DONE,                 /* the call frees the place */
    JOB_REFUSED,              /* the same, and the work was not done: the
                                 process ends, or the call's time is over */
    JOB_LEFT                  /* a thread runs it, but its call has left: the
                                 thread frees the place */
};

/* A place in the queue. */
typedef struct {
    volatile apr_uint32_t state;
    volatile apr_uint32_t number;  /* jobs run in the order of their numbers */
    volatile apr_uint32_t since;   /* when it came; then, when it began to
                                      run */
    at_hashing_work_t work;
    void *baton;              /* a copy of the call's */
    apr_size_t size;          /* of the copy, in bytes */
    apr_size_t room;          /* how many bytes are allocated for it */
    apr_interval_time_t taken;
    sem_t news;               /* posted when it is done, or refused */
} job_t;

/* A call: what it does not share with the threads. */
typedef struct {
    at_hashing_work_t work;
    void *baton;
    apr_size_t size;
    apr_time_t deadline;
    apr_interval_time_t patience;
    apr_interval_time_t *taken;
} call_t;

/*
 * A thread at idle priority may lose its processor at any moment, for as long
 * as other threads are busy. If it held a mutex then, or were inside malloc,
 * the calls would wait for it without limit. So the threads take no lock and
 * allocate no memory. They and the calls pass works to each other by the states
 * of places, and by semaphores.
 *
 * This does not use pools and conditions of APR. Under the prefork MPM, the end
 * of a child interrupts the thread that may be waiting for them, and would
 * destroy them while they are in use, which never ends.
 */
struct at_hashing_t {
    int limit;
    int places;
    at_hashing_floor_t *floor;
    at_hashing_floor_t own_floor;

    job_t *jobs;              /* see job_count */
    sem_t arrival;            /* wakes a thread that rests */
    volatile apr_uint32_t running; /* works; in threads at most LIMIT */
    volatile apr_uint32_t threads; /* how many there are */
    volatile apr_uint32_t resting; /* how many of them wait for an arrival */
    volatile apr_uint32_t moved; /* when a thread last took a job, or when the
                                    first job of the queue came */
    volatile apr_uint32_t ended; /* true: at_hashing_end was called */

    /* This mutex protects the rest. Only calls take it, and no call waits for
     * anything while it holds it. */
    pthread_mutex_t mutex;
    int calls;                /* in at_hashing_run, at most PLACES */
    apr_uint32_t number;      /* of the last job */
};

/* One place for each call, and one for each thread whose call has left. */
static int job_count(const at_hashing_t *hashing)
{
    return hashing->places + hashing->limit;
}

int at_hashing_processors(void)
{
    long count = 0;
#ifdef CPU_COUNT
    cpu_set_t set;

    if (sched_getaffinity(0, sizeof(set), &set) == 0) {
        count = CPU_COUNT(&set);
    }
#endif
    if (count < 1) {
        count = sysconf(_SC_NPROCESSORS_ONLN);
    }
    return count < 1 ? 1 : (int)count;
}

int at_hashing_limit(const at_hashing_t *hashing)
{
    return hashing->limit;
}

at_hashing_t *at_hashing_make(int limit, int places,
                              at_hashing_floor_t *floor)
{
    at_hashing_t *hashing = calloc(1, sizeof(*hashing));
    int i;

    if (!hashing) {
        return NULL;
    }
    hashing->limit = limit;
    hashing->places = places;
    hashing->jobs = calloc((size_t)job_count(hashing), sizeof(job_t));
    if (!hashing->jobs || pthread_mutex_init(&hashing->mutex, NULL)) {
        free(hashing->jobs);
        free(hashing);
        return NULL;
    }
    for (i = 0; i < job_count(hashing); i++) {
        sem_init(&hashing->jobs[i].news, 0, 0);
    }
    sem_init(&hashing->arrival, 0, 0);
    at_hashing_floor_make(&hashing->own_floor);
    hashing->floor = floor ? floor : &hashing->own_floor;
    return hashing;
}

/* ---- the floor */

/* How much processor time this thread has used. */
static apr_interval_time_t processor_time(void)
{
    struct timespec time;

    if (clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)) {
        return at_clock_now();           /* the time that has passed */
    }
    return apr_time_from_sec(time.tv_sec) + time.tv_nsec / 1000;
}

/* TIME in milliseconds, modulo 2^32, which can be read and set atomically. */
static apr_uint32_t short_time(apr_time_t time)
{
    return (apr_uint32_t)apr_time_as_msec(time);
}

void at_hashing_floor_make(at_hashing_floor_t *floor)
{
    floor->pause = FIRST_PAUSE;
    floor->next = short_time(at_clock_now());
}

/* Take the floor. Returns 0 if the caller has it, which takes *PAUSE of its
 * time; else how long to wait. */
static apr_uint32_t take_floor(at_hashing_floor_t *floor,
                               apr_uint32_t *pause)
{
    apr_uint32_t at = short_time(at_clock_now());
    apr_uint32_t next = apr_atomic_read32(&floor->next);
    apr_uint32_t charge = apr_atomic_read32(&floor->pause);

    if (next != at && next - at < FARTHEST) {
        return next - at;
    }
    if (apr_atomic_cas32(&floor->next, at + charge, next) != next) {
        return 1;                        /* another call was faster */
    }
    *pause = charge;
    return 0;
}

/* Correct the PAUSE of a call that has USED this much processor time. */
static void pay_floor(at_hashing_floor_t *floor, apr_uint32_t pause,
                      apr_interval_time_t used)
{
    apr_int64_t due = apr_time_as_msec(used * FLOOR_PART)
                      / at_hashing_processors() + 1;
    apr_uint32_t charge = due < LONGEST_PAUSE ? (apr_uint32_t)due
                                              : LONGEST_PAUSE;

    apr_atomic_set32(&floor->pause, charge);
    apr_atomic_add32(&floor->next, charge - pause);
}

/* ---- jobs */

/* True if the state of JOB was WAS, and is NEXT now. A thread that sees the new
 * state also sees all that was written before. */
static int change(job_t *job, apr_uint32_t was, apr_uint32_t next)
{
    return apr_atomic_cas32(&job->state, next, was) == was;
}

/* The job that has waited longest, or NULL. *COUNT is how many wait. */
static job_t *find_waiting(at_hashing_t *hashing, apr_uint32_t *count)
{
    job_t *first = NULL;
    int i;

    *count = 0;
    for (i = 0; i < job_count(hashing); i++) {
        job_t *job = &hashing->jobs[i];

        if (apr_atomic_read32(&job->state) == JOB_WAITS) {
            (*count)++;
            if (!first || (apr_int32_t)(job->number - first->number) < 0) {
                first = job;
            }
        }
    }
    return first;
}

/* Free the place of JOB, whose state is STATE. */
static void free_job(job_t *job, apr_uint32_t state)
{
    explicit_bzero(job->baton, job->size);
    (void)change(job, state, JOB_FREE);
}

/* ---- the threads */

/* Set idle priority. A thread cannot leave it again without a privilege. If
 * this fails, only the limit protects other work. */
static void lower_priority(void)
{
#ifdef SCHED_IDLE
    static const struct sched_param none;

    (void)sched_setscheduler(0, SCHED_IDLE, &none);
#endif
}

/* True if one more work may run; it counts as running then. */
static int may_run(at_hashing_t *hashing)
{
    apr_uint32_t running;

    do {
        running = apr_atomic_read32(&hashing->running);
        if (running >= (apr_uint32_t)hashing->limit) {
            return 0;
        }
    } while (apr_atomic_cas32(&hashing->running, running + 1, running)
             != running);
    return 1;
}

/* Take the next job, or NULL. */
static job_t *take_job(at_hashing_t *hashing)
{
    apr_uint32_t count;
    job_t *job;

    while ((job = find_waiting(hashing, &count)) != NULL) {
        if (!may_run(hashing)) {
            return NULL;
        }
        if (change(job, JOB_WAITS, JOB_RUNS)) {
            return job;
        }
        apr_atomic_dec32(&hashing->running);
    }
    return NULL;
}

/* A thread may have no processor for most of the time, so only the processor
 * time of the work counts. */
static void run_job(at_hashing_t *hashing, job_t *job)
{
    apr_uint32_t now = short_time(at_clock_now());
    apr_interval_time_t began;

    apr_atomic_set32(&job->since, now);
    apr_atomic_set32(&hashing->moved, now);
    began = processor_time();
    job->work(job->baton);
    job->taken = processor_time() - began;
    apr_atomic_dec32(&hashing->running);
    if (change(job, JOB_RUNS, JOB_DONE)) {
        sem_post(&job->news);
    }
    else {
        free_job(job, JOB_LEFT);
    }
}

static void *run_thread(void *data)
{
    at_hashing_t *hashing = data;

    lower_priority();
    while (!apr_atomic_read32(&hashing->ended)) {
        job_t *job = take_job(hashing);

        if (job) {
            run_job(hashing, job);
        }
        else {
            apr_atomic_inc32(&hashing->resting);
            (void)sem_wait(&hashing->arrival);
            apr_atomic_dec32(&hashing->resting);
        }
    }
    apr_atomic_dec32(&hashing->threads);
    return NULL;
}

/* There is a job: wake a thread, and start one if not enough threads rest. True
 * if there is a thread that will take the job. With the mutex held. */
static int call_thread(at_hashing_t *hashing)
{
    apr_uint32_t waiting;

    (void)find_waiting(hashing, &waiting);
    if (waiting > apr_atomic_read32(&hashing->resting)
        && apr_atomic_read32(&hashing->threads)
           < (apr_uint32_t)hashing->limit) {
        apr_atomic_inc32(&hashing->threads);
        if (at_thread_start(run_thread, hashing) != APR_SUCCESS) {
            apr_atomic_dec32(&hashing->threads);
        }
    }
    sem_post(&hashing->arrival);
    return apr_atomic_read32(&hashing->threads) > 0;
}

/* ---- a call */

/* Do the work in this thread, at its own priority. */
static void work_here(const call_t *call)
{
    apr_time_t began = at_clock_now();

    call->work(call->baton);
    *call->taken = at_clock_now() - began;
}

/* There is no other call: do the work in this thread. Others may come
 * meanwhile. With the mutex held, except during the work. */
static void work_alone(at_hashing_t *hashing, const call_t *call)
{
    apr_uint32_t waiting;

    hashing->calls++;
    apr_atomic_inc32(&hashing->running);
    pthread_mutex_unlock(&hashing->mutex);
    work_here(call);
    pthread_mutex_lock(&hashing->mutex);
    apr_atomic_dec32(&hashing->running);
    hashing->calls--;
    if (find_waiting(hashing, &waiting)) {
        sem_post(&hashing->arrival);
    }
}

/* Do the work on the floor, which has given this call PAUSE. */
static void work_on_floor(at_hashing_t *hashing, const call_t *call,
                          apr_uint32_t pause)
{
    apr_interval_time_t began = processor_time();

    work_here(call);
    pay_floor(hashing->floor, pause, processor_time() - began);
}

/* A free place with room for SIZE bytes; NULL if there is no memory. With the
 * mutex held. */
static job_t *find_place(at_hashing_t *hashing, apr_size_t size)
{
    job_t *job = hashing->jobs;

    while (apr_atomic_read32(&job->state) != JOB_FREE) {
        job++;
    }
    if (size > job->room) {
        free(job->baton);
        job->baton = calloc(1, size);
        job->room = job->baton ? size : 0;
    }
    return size <= job->room ? job : NULL;
}

/* Queue the call as a job. NULL if there is no place, no thread, or no memory.
 * With the mutex held. */
static job_t *enter(at_hashing_t *hashing, const call_t *call)
{
    apr_uint32_t now = short_time(at_clock_now()), waiting;
    job_t *job = NULL;

    if (!apr_atomic_read32(&hashing->ended)
        && hashing->calls < hashing->places) {
        job = find_place(hashing, call->size);
    }
    if (!job) {
        return NULL;
    }
    job->work = call->work;
    job->size = call->size;
    job->number = ++hashing->number;
    job->since = now;
    memcpy(job->baton, call->baton, call->size);
    if (!find_waiting(hashing, &waiting)) {
        apr_atomic_set32(&hashing->moved, now);
    }
    (void)change(job, JOB_FREE, JOB_WAITS);
    if (!call_thread(hashing)) {
        free_job(job, JOB_WAITS);
        return NULL;
    }
    hashing->calls++;
    return job;
}

/* True if CALL stops waiting for JOB: it is done or refused, or the call's time
 * is over, or the call got the floor, which takes *PAUSE. Else the call must
 * check again at *LOOK. */
static int gives_up(at_hashing_t *hashing, job_t *job, const call_t *call,
                    apr_time_t *look, apr_uint32_t *pause)
{
    apr_uint32_t state = apr_atomic_read32(&job->state), wait;
    apr_uint32_t moved = apr_atomic_read32(&hashing->moved);
    apr_uint32_t since = apr_atomic_read32(&job->since);
    apr_time_t now = at_clock_now();

    if (state == JOB_DONE || state == JOB_REFUSED || now >= call->deadline) {
        return 1;
    }
    if (state == JOB_WAITS && (apr_int32_t)(moved - since) > 0) {
        since = moved;
    }
    *look = now + call->patience
            - apr_time_from_msec((apr_int32_t)(short_time(now) - since));
    if (*look > now) {
        return 0;
    }
    wait = take_floor(hashing->floor, pause);
    *look = now + apr_time_from_msec(wait);
    return wait == 0;
}

/* CALL leaves JOB. True if the work is done, with its result in the call. */
static int leave(job_t *job, const call_t *call)
{
    apr_uint32_t was;

    do {
        was = apr_atomic_cas32(&job->state, JOB_LEFT, JOB_RUNS);
    } while (was == JOB_WAITS && !change(job, JOB_WAITS, JOB_REFUSED));
    if (was == JOB_RUNS) {
        return 0;                        /* the thread frees it */
    }
    if (was == JOB_DONE) {
        memcpy(call->baton, job->baton, call->size);
        *call->taken = job->taken;
    }
    free_job(job, was == JOB_WAITS ? JOB_REFUSED : was);
    return was == JOB_DONE;
}

/* Wait for JOB, which is queued, and do it in this thread if the floor allows.
 * A semaphore may still have been posted for an earlier job in this place. */
static at_hashing_e wait_for(at_hashing_t *hashing, job_t *job,
                           const call_t *call)
{
    apr_time_t look = at_clock_now() + call->patience;
    apr_uint32_t pause = 0;

    do {
        at_clock_wait_for_post(&job->news, look < call->deadline
                                           ? look : call->deadline);
    } while (!gives_up(hashing, job, call, &look, &pause));
    if (leave(job, call)) {
        if (pause) {
            pay_floor(hashing->floor, pause, 0);
        }
        return AT_HASHING_DONE;
    }
    if (pause) {
        work_on_floor(hashing, call, pause);
        return AT_HASHING_DONE;
    }
    return AT_HASHING_LATE;
}

static at_hashing_e run_limited(at_hashing_t *hashing, const call_t *call)
{
    at_hashing_e outcome = AT_HASHING_DONE;
    job_t *job;

    pthread_mutex_lock(&hashing->mutex);
    if (hashing->calls == 0 && hashing->places > 1
        && !apr_atomic_read32(&hashing->ended)) {
        work_alone(hashing, call);
    }
    else if ((job = enter(hashing, call)) != NULL) {
        pthread_mutex_unlock(&hashing->mutex);
        outcome = wait_for(hashing, job, call);
        pthread_mutex_lock(&hashing->mutex);
        hashing->calls--;
    }
    else {
        outcome = AT_HASHING_FULL;
    }
    pthread_mutex_unlock(&hashing->mutex);
    return outcome;
}

at_hashing_e at_hashing_run(at_hashing_t *hashing, at_hashing_work_t work,
                            void *baton, apr_size_t size,
                            apr_time_t deadline, apr_interval_time_t *taken)
{
    call_t call = { work, baton, size, deadline, 0, taken };

    *taken = 0;
    call.patience = (deadline - at_clock_now()) / PATIENT_PART;
    if (call.patience > PATIENCE) {
        call.patience = PATIENCE;
    }
    if (hashing) {
        return run_limited(hashing, &call);
    }
    work_here(&call);
    return AT_HASHING_DONE;
}

int at_hashing_is_full(at_hashing_t *hashing)
{
    int is_full;

    pthread_mutex_lock(&hashing->mutex);
    is_full = hashing->calls >= hashing->places;
    pthread_mutex_unlock(&hashing->mutex);
    return is_full;
}

/* ---- the end */

static void refuse_all(at_hashing_t *hashing)
{
    int i;

    for (i = 0; i < job_count(hashing); i++) {
        if (change(&hashing->jobs[i], JOB_WAITS, JOB_REFUSED)) {
            sem_post(&hashing->jobs[i].news);
        }
    }
}

/* Tell threads and calls to end. True if the mutex was free: then *THREADS and
 * *CALLS are how many there still are. */
static int stop_all(int *threads, int *calls, at_hashing_t *hashing)
{
    int i;

    if (pthread_mutex_trylock(&hashing->mutex)) {
        return 0;
    }
    apr_atomic_set32(&hashing->ended, 1);
    refuse_all(hashing);
    *calls = hashing->calls;
    pthread_mutex_unlock(&hashing->mutex);
    *threads = (int)apr_atomic_read32(&hashing->threads);
    for (i = 0; i < *threads; i++) {
        sem_post(&hashing->arrival);
    }
    return 1;
}

static void free_all(at_hashing_t *hashing)
{
    int i;

    for (i = 0; i < job_count(hashing); i++) {
        sem_destroy(&hashing->jobs[i].news);
        free(hashing->jobs[i].baton);
    }
    sem_destroy(&hashing->arrival);
    pthread_mutex_destroy(&hashing->mutex);
    free(hashing->jobs);
    free(hashing);
}

/* The call that this has interrupted may hold the mutex, so the mutex is tried
 * and not waited for. It may also be the one that does not leave, and would use
 * what is freed. */
void at_hashing_end(at_hashing_t *hashing)
{
    int tries, threads, calls, quiet = 0;

    for (tries = 0; tries < END_TRIES && quiet < LEAVE_TRIES; tries++) {
        int is_known = stop_all(&threads, &calls, hashing);

        if (is_known && threads == 0 && calls == 0) {
            free_all(hashing);
            return;
        }
        quiet = is_known && threads == 0 ? quiet + 1 : 0;
        apr_sleep(END_PAUSE);
    }
}
