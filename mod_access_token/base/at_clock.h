/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Time for deadlines and intervals. Somebody may set the time of day,
 * apr_time_now(): a wait that uses it would last longer if it is set back. Use
 * apr_time_now() only for what is stored, or compared with what is stored.
 */
#ifndef AT_CLOCK_H
#define AT_CLOCK_H

#include <pthread.h>
#include <semaphore.h>

#include <apr_time.h>

/**
 * The time in microseconds since a moment that is the same for all processes
 * of the system. Nobody can set it. It is never less than a second, so that 0
 * can mean that there is no time.
 */
apr_time_t at_clock_now(void);

/** Make CONDITION one for at_clock_wait. False if it cannot be made. */
int at_clock_make_condition(pthread_cond_t *condition);

/**
 * Wait, with MUTEX held, until CONDITION is signalled or the time is UNTIL.
 * May also return early: check again what the wait is for.
 */
void at_clock_wait(pthread_cond_t *condition, pthread_mutex_t *mutex,
                   apr_time_t until);

/** Wait until SEMAPHORE is posted or the time is UNTIL. May also return early,
 *  likewise. */
void at_clock_wait_for_post(sem_t *semaphore, apr_time_t until);

/**
 * Something has failed that another process may have held up for a moment.
 * True, after a short pause, if it is to be tried again; it is tried three
 * times in all. *FAILURES, which is 0 before the first, counts them.
 */
int at_clock_try_again(int *failures);

#endif /* AT_CLOCK_H */
