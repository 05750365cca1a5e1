/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How busy the threads of a child process are. A call has a thread also while
 * it waits: for a connection to the database, or for its turn to hash. While
 * all threads wait, the child serves nothing else. The event MPM even loses
 * requests then. There, a connection that a client keeps open has no thread
 * until its next request comes. If no thread is idle at that moment, httpd
 * closes the connection instead of answering. It also closes all that are kept
 * when a new connection comes and no thread is idle. So:
 *
 * - A quarter of the threads never waits to hash. An eighth never waits long
 *   for a connection to the database: while none becomes free, calls beyond
 *   are refused, which takes less than a millisecond.
 * - As many connections can be kept as there are threads without that eighth,
 *   which is for threads that have answered but are not idle yet. If a child
 *   has more, and is busy, the answers to calls close their connections. The
 *   clients' next calls come by new connections, which httpd accepts only when
 *   a thread is idle.
 *
 * Nothing here waits. Any thread may call these functions.
 */
#ifndef AT_CROWD_H
#define AT_CROWD_H

#include <apr.h>
#include <apr_time.h>

/** The calls and connections of one child. Only at_crowd.c writes it. */
typedef struct at_crowd_t {
    apr_uint32_t threads;        /* how many serve requests */
    int loses;                   /* true: a kept connection has no thread */
    volatile apr_uint32_t calls; /* how many are under way */
    volatile apr_uint32_t connections; /* how many clients have open */
    volatile apr_uint32_t crowded; /* when there were last too many of both, in
                                    seconds; 0: not yet */
} at_crowd_t;

/** Fill CROWD for a child that has THREADS threads. LOSES is true if a kept
 *  connection has no thread until its next request, as under the event MPM. */
void at_crowd_make(at_crowd_t *crowd, int threads, int loses);

/** How many threads may wait to hash; at least 1. */
int at_crowd_hashing_places(const at_crowd_t *crowd);

/** How many calls may be under way when one begins to wait for a connection to
 *  the database, itself included, so that it may wait long; at least 1. */
int at_crowd_places(const at_crowd_t *crowd);

/** A call begins. at_crowd_leave is to follow. */
void at_crowd_enter(at_crowd_t *crowd);

/** A call was answered. */
void at_crowd_leave(at_crowd_t *crowd);

/** True if no more than at_crowd_places calls are under way. */
int at_crowd_may_wait(const at_crowd_t *crowd);

/** A client has opened a connection. at_crowd_disconnect is to follow. */
void at_crowd_connect(at_crowd_t *crowd);

/** A client's connection was closed. */
void at_crowd_disconnect(at_crowd_t *crowd);

/** True if a call that is answered at NOW, by at_clock_now, should close its
 *  connection: there are too many calls and connections, or there were in the
 *  last second. */
int at_crowd_closes(at_crowd_t *crowd, apr_time_t now);

#endif /* AT_CROWD_H */
