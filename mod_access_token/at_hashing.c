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
#include <unistd.h>

/* At the end: how often is looked whether the threads have ended, how often
 * is tried to look, and how often whether those that waited have left. */
#define END_PAUSE   apr_time_from_msec(5)
#define END_TRIES   200
#define LEAVE_TRIES 20

typedef enum {
    JOB_WAITS,                /* it stands in the queue */
    JOB_RUNS,
    JOB_DONE,
    JOB_REFUSED               /* the process ends */
} job_state_e;

/* A work, on the stack of the thread that waits for it. */
typedef struct job_t {
    at_hashing_work_t work;
    void *baton;
    sem_t news;               /* posted once: it is done, or refused */
    job_state_e state;
    apr_interval_time_t taken;
    struct job_t *next;
} job_t;

/* No pool and no condition of APR's: at the end of a child of the prefork
 * MPM they would be destroyed under the thread that waits for them, which
 * the end has interrupted, and that never ends. */
struct at_hashing_t {
    int limit;
    int places;

    /* All that follows is under this mutex, which nobody holds while he
     * waits for anything. */
    pthread_mutex_t mutex;
    pthread_cond_t arrival;   /* for threads that rest */
    job_t *first;             /* first come, first served */
    job_t **last;
    int queued;               /* how many these are */
    int running;              /* at most LIMIT */
    int calls;                /* in at_hashing_run, at most PLACES */
    int threads;
    int resting;              /* of these: wait for an arrival */
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

at_hashing_t *at_hashing_make(int limit, int places)
{
    at_hashing_t *hashing = calloc(1, sizeof(*hashing));

    if (!hashing) {
        return NULL;
    }
    hashing->limit = limit;
    hashing->places = places;
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

/* With the mutex held, but for the work. */
static void run_job(at_hashing_t *hashing, job_t *job)
{
    apr_time_t began;

    job->state = JOB_RUNS;
    hashing->running++;
    pthread_mutex_unlock(&hashing->mutex);
    began = apr_time_now();
    job->work(job->baton);
    job->taken = apr_time_now() - began;
    pthread_mutex_lock(&hashing->mutex);
    hashing->running--;
    job->state = JOB_DONE;
}

static void *run_thread(void *data)
{
    at_hashing_t *hashing = data;

    lower_rank();
    pthread_mutex_lock(&hashing->mutex);
    while (!hashing->ended) {
        job_t *job = hashing->first;

        if (job && hashing->running < hashing->limit) {
            dequeue(hashing, job);
            run_job(hashing, job);
            sem_post(&job->news);
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

    until.tv_sec = (time_t)apr_time_sec(deadline);
    until.tv_nsec = (long)apr_time_usec(deadline) * 1000;
    do {
        status = sem_timedwait(semaphore, &until);
    } while (status != 0 && errno == EINTR);
    return status == 0;
}

static void wait_for(at_hashing_t *hashing, job_t *job, apr_time_t deadline)
{
    int waits;

    if (wait_in_time(&job->news, deadline)) {
        return;
    }
    pthread_mutex_lock(&hashing->mutex);
    waits = job->state == JOB_WAITS;
    if (waits) {
        dequeue(hashing, job);
    }
    pthread_mutex_unlock(&hashing->mutex);
    while (!waits && sem_wait(&job->news) != 0) {
        continue;                        /* a signal came */
    }
}

/* With the mutex held: JOB is done here, since nobody else is there. Others
 * may have come meanwhile. */
static void run_here(at_hashing_t *hashing, job_t *job)
{
    hashing->calls++;
    run_job(hashing, job);
    hashing->calls--;
    if (hashing->first) {
        (void)call_thread(hashing);
    }
}

/* Wait in the queue, from which a thread takes JOB. 0 if there is no place,
 * or no thread. */
static int enter(at_hashing_t *hashing, job_t *job)
{
    int entered = 0;

    if (!hashing->ended && hashing->calls < hashing->places) {
        enqueue(hashing, job);
        entered = call_thread(hashing);
        if (entered) {
            hashing->calls++;
        }
        else {
            dequeue(hashing, job);
        }
    }
    return entered;
}

static at_hashing_e run_in_turn(at_hashing_t *hashing, job_t *job,
                                apr_time_t deadline)
{
    int entered = 1;

    pthread_mutex_lock(&hashing->mutex);
    if (hashing->calls == 0 && hashing->places > 1 && !hashing->ended) {
        run_here(hashing, job);
    }
    else if ((entered = enter(hashing, job)) != 0) {
        pthread_mutex_unlock(&hashing->mutex);
        wait_for(hashing, job, deadline);
        /* Behind this the job is this thread's alone: who posted has let
         * go. */
        pthread_mutex_lock(&hashing->mutex);
        hashing->calls--;
    }
    pthread_mutex_unlock(&hashing->mutex);
    if (!entered) {
        return AT_HASHING_FULL;
    }
    return job->state == JOB_DONE ? AT_HASHING_DONE : AT_HASHING_LATE;
}

at_hashing_e at_hashing_run(at_hashing_t *hashing, at_hashing_work_t work,
                            void *baton, apr_time_t deadline,
                            apr_interval_time_t *taken)
{
    apr_time_t began = apr_time_now();
    at_hashing_e outcome;
    job_t job;

    if (!hashing) {
        work(baton);
        *taken = apr_time_now() - began;
        return AT_HASHING_DONE;
    }
    job.work = work;
    job.baton = baton;
    job.state = JOB_WAITS;
    job.taken = 0;
    sem_init(&job.news, 0, 0);
    outcome = run_in_turn(hashing, &job, deadline);
    sem_destroy(&job.news);
    *taken = job.taken;
    return outcome;
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
    int in_vain = 0, quiet = 0, threads, calls = 0;

    while (in_vain < END_TRIES && quiet < LEAVE_TRIES) {
        threads = still_there(hashing, &calls);
        if (threads == 0 && calls == 0) {
            break;
        }
        in_vain = threads < 0 ? in_vain + 1 : 0;
        quiet = threads == 0 ? quiet + 1 : 0;
        apr_sleep(END_PAUSE);
    }
    if (in_vain < END_TRIES && quiet < LEAVE_TRIES) {
        pthread_cond_destroy(&hashing->arrival);
        pthread_mutex_destroy(&hashing->mutex);
        free(hashing);
    }
}
