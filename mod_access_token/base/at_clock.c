/* SPDX-License-Identifier: Apache-2.0 */
/* For sem_clockwait of glibc. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif

#include "at_clock.h"

#include <time.h>

/* at_clock_now is ahead of CLOCK_MONOTONIC by so many seconds. */
#define AHEAD 1

/* Of at_clock_try_again. */
#define TRIES 3
#define PAUSE apr_time_from_msec(100)

#ifndef HAVE_SEM_CLOCKWAIT
#define LOOK_EVERY apr_time_from_msec(5)
#endif

apr_time_t at_clock_now(void)
{
    struct timespec time = { 0, 0 };

    (void)clock_gettime(CLOCK_MONOTONIC, &time);
    return apr_time_from_sec(time.tv_sec + AHEAD) + time.tv_nsec / 1000;
}

/* Convert a time of at_clock_now for the system's functions. */
static struct timespec system_time(apr_time_t time)
{
    struct timespec made;

    made.tv_sec = (time_t)apr_time_sec(time) - AHEAD;
    made.tv_nsec = (long)apr_time_usec(time) * 1000;
    return made;
}

int at_clock_make_condition(pthread_cond_t *condition)
{
    pthread_condattr_t attributes;
    int is_made;

    if (pthread_condattr_init(&attributes)) {
        return 0;
    }
    is_made = !pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC)
              && !pthread_cond_init(condition, &attributes);
    pthread_condattr_destroy(&attributes);
    return is_made;
}

void at_clock_wait(pthread_cond_t *condition, pthread_mutex_t *mutex,
                   apr_time_t until)
{
    struct timespec time = system_time(until);

    (void)pthread_cond_timedwait(condition, mutex, &time);
}

void at_clock_wait_for_post(sem_t *semaphore, apr_time_t until)
{
#ifdef HAVE_SEM_CLOCKWAIT
    struct timespec time = system_time(until);

    (void)sem_clockwait(semaphore, CLOCK_MONOTONIC, &time);
#else
    /* sem_timedwait uses the time of day. */
    while (sem_trywait(semaphore) && at_clock_now() < until) {
        apr_sleep(LOOK_EVERY);
    }
#endif
}

int at_clock_try_again(int *failures)
{
    if (++*failures >= TRIES) {
        return 0;
    }
    apr_sleep(PAUSE);
    return 1;
}
