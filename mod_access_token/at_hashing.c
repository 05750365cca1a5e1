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
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <apr_atomic.h>

#include "at_clock.h"

/* A work gets nowhere when it has run for so long, or waited while no thread
 * took another one; with a short budget it is this part of that. */
#define PATIENCE     apr_time_from_msec(500)
#define PATIENT_PART 4

/* The floor has one processor's time in so many. Its pause is what the last
 * work asks for, until that is known the first of these, and never longer
 * than the second; what seems to be further away than the third is past. In
 * milliseconds. */
#define FLOOR_PART    10
#define FIRST_PAUSE   250U
#define LONGEST_PAUSE 60000U
#define FARTHEST      3600000U

/* At the end: how often is looked whether the threads have ended, and how
 * often whether those that waited have left. */
#define END_PAUSE   apr_time_from_msec(5)
#define END_TRIES   200
#define LEAVE_TRIES 20

typedef enum {
    JOB_WAITS,                /* it stands in the queue */
    JOB_RUNS,
    JOB_DONE,
    JOB_REFUSED               /* the process ends */
} job_state_e;

/* A work for a thread; behind it stands its copy of the baton. */
typedef struct job_t {
    at_hashing_work_t work;
    apr_size_t size;          /* of the baton */
    sem_t news;               /* posted once: it is done, or refused */
    job_state_e state;
    int left;                 /* nobody waits for it: it is the thread's */
    apr_time_t since;         /* when it came; when it began to run */
    apr_interval_time_t taken;
    struct job_t *next;
} job_t;

/* A call: what it does not share with the thread. */
typedef struct {
    at_hashing_work_t work;
    void *baton;
    apr_size_t size;
    apr_time_t deadline;
    apr_interval_time_t patience;
    apr_interval_time_t *taken;
} call_t;

/* No pool and no condition of APR's: at the end of a child of the prefork
 * MPM they would be destroyed under the thread that waits for them, which
 * the end has interrupted, and that never ends. */
struct at_hashing_t {
    int limit;
    int places;
    at_hashing_floor_t *floor;
    at_hashing_floor_t own_floor;

    /* All that follows is under this mutex, which nobody holds while he
     * waits for anything. */
    pthread_mutex_t mutex;
    pthread_cond_t arrival;   /* for threads that rest */
    job_t *first;             /* first come, first served */
    job_t **last;
    int queued;               /* how many these are */
    int running;              /* at most LIMIT in threads */
    int calls;                /* in at_hashing_run, at most PLACES */
    int threads;
    int resting;              /* of these: wait for an arrival */
    apr_time_t moved;         /* when one took a job last */
    int ended;
};

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

    if (!hashing) {
        return NULL;
    }
    hashing->limit = limit;
    hashing->places = places;
    hashing->floor = floor ? floor : &hashing->own_floor;
    at_hashing_floor_make(&hashing->own_floor);
    hashing->last = &hashing->first;
    if (pthread_mutex_init(&hashing->mutex, NULL)) {
        free(hashing);
        return NULL;
    }
    if (pthread_cond_init(&hashing->arrival, NULL)) {
        pthread_mutex_destroy(&hashing->mutex);
        free(hashing);
        return NULL;
    }
    return hashing;
}

/* ---- the floor */

/* What this thread has had of a processor. */
static apr_interval_time_t processor_time(void)
{
    struct timespec time;

    if (clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)) {
        return at_clock_now();           /* at most that */
    }
    return apr_time_from_sec(time.tv_sec) + time.tv_nsec / 1000;
}

/* The floor's time. */
static apr_uint32_t floor_time(void)
{
    return (apr_uint32_t)apr_time_as_msec(at_clock_now());
}

void at_hashing_floor_make(at_hashing_floor_t *floor)
{
    floor->pause = FIRST_PAUSE;
    floor->next = floor_time();
}

/* Ask for the floor: 0 if the caller has it, and *PAUSE for it; else how long
 * to wait. */
static apr_uint32_t take_floor(at_hashing_floor_t *floor,
                               apr_uint32_t *pause)
{
    apr_uint32_t at = floor_time();
    apr_uint32_t next = apr_atomic_read32(&floor->next);
    apr_uint32_t charge = apr_atomic_read32(&floor->pause);

    if (next != at && next - at < FARTHEST) {
        return next - at;
    }
    if (apr_atomic_cas32(&floor->next, at + charge, next) != next) {
        return 1;                        /* another one was quicker */
    }
    *pause = charge;
    return 0;
}

/* Who had got PAUSE has USED a processor for so long. */
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

/* ---- the queue, with the mutex held */

static void enqueue(at_hashing_t *hashing, job_t *job)
{
    job->next = NULL;
    *hashing->last = job;
    hashing->last = &job->next;
    hashing->queued++;
}

static void dequeue(at_hashing_t *hashing, job_t *job)
{
    job_t **place = &hashing->first;

    while (*place != job) {
        place = &(*place)->next;
    }
    *place = job->next;
    if (!job->next) {
        hashing->last = place;
    }
    hashing->queued--;
}

/* ---- the threads */

/* Only what no other thread wants. There is no way back from it without a
 * privilege, and where it fails, the limit is all there is. */
static void lower_rank(void)
{
#ifdef SCHED_IDLE
    static const struct sched_param none;

    (void)sched_setscheduler(0, SCHED_IDLE, &none);
#endif
}

static void free_job(job_t *job)
{
    sem_destroy(&job->news);
    explicit_bzero(job + 1, job->size);
    free(job);
}

/* With the mutex held, but for the work. What that takes is what it has of a
 * processor: most of the time it may have none. */
static void run_job(at_hashing_t *hashing, job_t *job)
{
    apr_interval_time_t began;

    dequeue(hashing, job);
    job->state = JOB_RUNS;
    job->since = hashing->moved = at_clock_now();
    hashing->running++;
    pthread_mutex_unlock(&hashing->mutex);
    began = processor_time();
    job->work(job + 1);
    began = processor_time() - began;
    pthread_mutex_lock(&hashing->mutex);
    hashing->running--;
    job->taken = began;
    job->state = JOB_DONE;
    if (job->left) {
        free_job(job);
    }
    else {
        sem_post(&job->news);
    }
}

static void *run_thread(void *data)
{
    at_hashing_t *hashing = data;

    lower_rank();
    pthread_mutex_lock(&hashing->mutex);
    while (!hashing->ended) {
        job_t *job = hashing->first;

        if (job && hashing->running < hashing->limit) {
            run_job(hashing, job);
        }
        else {
            hashing->resting++;
            pthread_cond_wait(&hashing->arrival, &hashing->mutex);
            hashing->resting--;
        }
    }
    hashing->threads--;
    pthread_mutex_unlock(&hashing->mutex);
    return NULL;
}

/* Signals are the process's own threads' business. */
static int start_thread(at_hashing_t *hashing)
{
    pthread_attr_t attributes;
    pthread_t thread;
    sigset_t all, old;
    int status;

    if (pthread_attr_init(&attributes)) {
        return 0;
    }
    pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &old);
    status = pthread_create(&thread, &attributes, run_thread, hashing);
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    pthread_attr_destroy(&attributes);
    return status == 0;
}

/* There is a job, with the mutex held: wake a thread, or start one if those
 * that rest are not enough. True if there is one that will take it. */
static int call_thread(at_hashing_t *hashing)
{
    if (hashing->queued > hashing->resting
        && hashing->threads < hashing->limit && start_thread(hashing)) {
        hashing->threads++;
    }
    else if (hashing->resting > 0) {
        pthread_cond_signal(&hashing->arrival);
    }
    return hashing->threads > 0;
}

/* ---- a call */

/* True if SEMAPHORE was posted by DEADLINE. */
static int wait_in_time(sem_t *semaphore, apr_time_t deadline)
{
    struct timespec until;
    int status;

    deadline += apr_time_now() - at_clock_now();
    until.tv_sec = (time_t)apr_time_sec(deadline);
    until.tv_nsec = (long)apr_time_usec(deadline) * 1000;
    do {
        status = sem_timedwait(semaphore, &until);
    } while (status != 0 && errno == EINTR);
    return status == 0;
}

/* Do the work in this thread, whose rank it gets. */
static void work_here(const call_t *call)
{
    apr_time_t began = at_clock_now();

    call->work(call->baton);
    *call->taken = at_clock_now() - began;
}

/* Nobody else is there: with the mutex held, but for the work. Others may
 * have come meanwhile. */
static void work_alone(at_hashing_t *hashing, const call_t *call)
{
    hashing->calls++;
    hashing->running++;
    pthread_mutex_unlock(&hashing->mutex);
    work_here(call);
    pthread_mutex_lock(&hashing->mutex);
    hashing->running--;
    hashing->calls--;
    if (hashing->first) {
        (void)call_thread(hashing);
    }
}

/* On the floor, where this call has got PAUSE to the next one. */
static void work_on_floor(at_hashing_t *hashing, const call_t *call,
                          apr_uint32_t pause)
{
    apr_interval_time_t began = processor_time();

    work_here(call);
    pay_floor(hashing->floor, pause, processor_time() - began);
}

/* Wait in the queue, from which a thread takes the job. NULL if there is no
 * place, no thread, or no memory. */
static job_t *enter(at_hashing_t *hashing, const call_t *call)
{
    job_t *job = NULL;

    if (!hashing->ended && hashing->calls < hashing->places) {
        job = calloc(1, sizeof(*job) + call->size);
    }
    if (!job) {
        return NULL;
    }
    job->work = call->work;
    job->size = call->size;
    job->since = at_clock_now();
    memcpy(job + 1, call->baton, call->size);
    sem_init(&job->news, 0, 0);
    enqueue(hashing, job);
    if (!call_thread(hashing)) {
        dequeue(hashing, job);
        free_job(job);
        return NULL;
    }
    hashing->calls++;
    return job;
}

/* JOB was not done by *LOOK, with the mutex held: true if its call goes on
 * without it, because its time is over, or because it has got *PAUSE on the
 * floor. Else it is to look again at *LOOK. */
static int gives_up(at_hashing_t *hashing, const job_t *job,
                    const call_t *call, apr_time_t *look, apr_uint32_t *pause)
{
    apr_time_t now = at_clock_now(), moved = job->since;
    apr_uint32_t wait;

    if (job->state == JOB_DONE || job->state == JOB_REFUSED) {
        return 0;                        /* just now */
    }
    if (now >= call->deadline) {
        return 1;
    }
    if (job->state == JOB_WAITS && hashing->moved > moved) {
        moved = hashing->moved;
    }
    *look = moved + call->patience;
    if (*look > now) {
        return 0;
    }
    wait = take_floor(hashing->floor, pause);
    *look = now + apr_time_from_msec(wait);
    return wait == 0;
}

/* The call leaves JOB, with the mutex held. */
static void leave(at_hashing_t *hashing, job_t *job)
{
    if (job->state == JOB_RUNS) {
        job->left = 1;
        return;
    }
    if (job->state == JOB_WAITS) {
        dequeue(hashing, job);
    }
    free_job(job);
}

/* JOB is in the queue: see that it is done. With the mutex held, but for the
 * waiting. */
static at_hashing_e see_to(at_hashing_t *hashing, job_t *job,
                           const call_t *call)
{
    apr_time_t look = at_clock_now() + call->patience;
    at_hashing_e outcome = AT_HASHING_LATE;
    apr_uint32_t pause = 0;
    int is_posted;

    do {
        pthread_mutex_unlock(&hashing->mutex);
        is_posted = wait_in_time(&job->news, look < call->deadline
                                             ? look : call->deadline);
        pthread_mutex_lock(&hashing->mutex);
    } while (!is_posted && !gives_up(hashing, job, call, &look, &pause));
    if (job->state == JOB_DONE) {
        memcpy(call->baton, job + 1, call->size);
        *call->taken = job->taken;
        outcome = AT_HASHING_DONE;
    }
    leave(hashing, job);
    if (pause) {
        pthread_mutex_unlock(&hashing->mutex);
        work_on_floor(hashing, call, pause);
        pthread_mutex_lock(&hashing->mutex);
        outcome = AT_HASHING_DONE;
    }
    hashing->calls--;
    return outcome;
}

static at_hashing_e run_in_turn(at_hashing_t *hashing, const call_t *call)
{
    at_hashing_e outcome = AT_HASHING_DONE;
    job_t *job;

    pthread_mutex_lock(&hashing->mutex);
    if (hashing->calls == 0 && hashing->places > 1 && !hashing->ended) {
        work_alone(hashing, call);
    }
    else if ((job = enter(hashing, call)) != NULL) {
        outcome = see_to(hashing, job, call);
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
        return run_in_turn(hashing, &call);
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
    while (hashing->first) {
        job_t *job = hashing->first;

        dequeue(hashing, job);
        job->state = JOB_REFUSED;
        sem_post(&job->news);
    }
}

/* How many threads there are still, and *CALLS; -1 if the mutex cannot be
 * had. */
static int still_there(at_hashing_t *hashing, int *calls)
{
    int threads;

    if (pthread_mutex_trylock(&hashing->mutex)) {
        return -1;
    }
    hashing->ended = 1;
    refuse_all(hashing);
    pthread_cond_broadcast(&hashing->arrival);
    threads = hashing->threads;
    *calls = hashing->calls;
    pthread_mutex_unlock(&hashing->mutex);
    return threads;
}

/* Whoever holds the mutex may be the one that was interrupted: so it is
 * tried for, not waited for. A call that is in there still may be him as
 * well, and would need what is freed. */
void at_hashing_end(at_hashing_t *hashing)
{
    int tries, threads = -1, calls = 0, quiet = 0;

    for (tries = 0; tries < END_TRIES && quiet < LEAVE_TRIES; tries++) {
        threads = still_there(hashing, &calls);
        if (threads == 0 && calls == 0) {
            break;
        }
        quiet = threads == 0 ? quiet + 1 : 0;
        apr_sleep(END_PAUSE);
    }
    if (threads == 0 && calls == 0) {
        pthread_cond_destroy(&hashing->arrival);
        pthread_mutex_destroy(&hashing->mutex);
        free(hashing);
    }
}
