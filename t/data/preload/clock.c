/* SPDX-License-Identifier: Apache-2.0 */
/*
 * For LD_PRELOAD in httpd: sets the time of day back by an hour when the file
 * that AT_CLOCK_BACK names exists. A wait until a time of day then takes an
 * hour longer, as when the clock of the system is set.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdlib.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#define BACK 3600
#define MOST 4096

/* The library's own function NAME. */
#define REAL(name) (*(void **)&real = dlsym(RTLD_NEXT, name))

static time_t back(void)
{
    static const char *file;

    if (!file) {
        file = getenv("AT_CLOCK_BACK");
    }
    return file && access(file, F_OK) == 0 ? BACK : 0;
}

int clock_gettime(clockid_t clock, struct timespec *to)
{
    static int (*real)(clockid_t, struct timespec *);
    int status;

    if (!real) {
        REAL("clock_gettime");
    }
    status = real(clock, to);
    if (clock == CLOCK_REALTIME) {
        to->tv_sec -= back();
    }
    return status;
}

int gettimeofday(struct timeval *restrict to, void *restrict zone)
{
    static int (*real)(struct timeval *, void *);
    int status;

    if (!real) {
        REAL("gettimeofday");
    }
    status = real(to, zone);
    to->tv_sec -= back();
    return status;
}

/* When to read the clock next, by the clock of the system; 0 if the time UNTIL
 * is over. */
static int next_look(struct timespec *look, const struct timespec *until)
{
    struct timespec now;

    clock_gettime(CLOCK_REALTIME, &now);
    if (now.tv_sec > until->tv_sec
        || (now.tv_sec == until->tv_sec && now.tv_nsec >= until->tv_nsec)) {
        return 0;
    }
    *look = now;
    look->tv_sec += back();
    look->tv_nsec += 10 * 1000 * 1000;
    if (look->tv_nsec >= 1000 * 1000 * 1000) {
        look->tv_sec++;
        look->tv_nsec -= 1000 * 1000 * 1000;
    }
    return 1;
}

/* Conditions that use another clock than the time of day. */
static pthread_cond_t *volatile others[MOST];
static volatile int count;
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;

static int is_other(const pthread_cond_t *condition)
{
    int i = 0;

    while (i < count && others[i] != condition) {
        i++;
    }
    return i < count;
}

static void note(pthread_cond_t *condition, int is_it)
{
    int i;

    pthread_mutex_lock(&mutex);
    for (i = 0; i < count; i++) {
        if (others[i] == condition) {
            others[i] = NULL;
        }
    }
    for (i = 0; is_it && i < count && others[i]; i++) {
        continue;
    }
    if (is_it && i < MOST) {
        others[i] = condition;
        count += i == count;
    }
    pthread_mutex_unlock(&mutex);
}

int pthread_cond_init(pthread_cond_t *restrict condition,
                      const pthread_condattr_t *restrict attributes)
{
    static int (*real)(pthread_cond_t *, const pthread_condattr_t *);
    clockid_t clock = CLOCK_REALTIME;

    if (!real) {
        REAL("pthread_cond_init");
    }
    if (attributes) {
        pthread_condattr_getclock(attributes, &clock);
    }
    note(condition, clock != CLOCK_REALTIME);
    return real(condition, attributes);
}

int pthread_cond_timedwait(pthread_cond_t *restrict condition,
                           pthread_mutex_t *restrict taken,
                           const struct timespec *restrict until)
{
    static int (*real)(pthread_cond_t *, pthread_mutex_t *,
                       const struct timespec *);
    int status = ETIMEDOUT;
    struct timespec look;

    if (!real) {
        REAL("pthread_cond_timedwait");
    }
    if (is_other(condition)) {
        return real(condition, taken, until);
    }
    while (status == ETIMEDOUT && next_look(&look, until)) {
        status = real(condition, taken, &look);
    }
    return status;
}

int sem_timedwait(sem_t *restrict semaphore,
                  const struct timespec *restrict until)
{
    static int (*real)(sem_t *, const struct timespec *);
    struct timespec look;
    int status = -1;

    if (!real) {
        REAL("sem_timedwait");
    }
    errno = ETIMEDOUT;
    while (status != 0 && errno == ETIMEDOUT && next_look(&look, until)) {
        status = real(semaphore, &look);
    }
    return status;
}
