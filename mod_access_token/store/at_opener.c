/* SPDX-License-Identifier: Apache-2.0 */
#include "at_opener.h"

#include <string.h>

#include <apr_allocator.h>

#include "at_allocator.h"
#include "at_clock.h"
#include "at_config.h"
#include "at_diagnosis.h"
#include "at_session.h"
#include "at_socket.h"
#include "at_thread.h"

/* After a connection was given back of all that DBDMax allows, an opener
 * pauses, so that a thread of another module gets it and not this one. */
#define RETURN_PAUSE apr_time_from_msec(1)

/* How many bytes of memory a connection keeps for the results of later
 * statements. */
#define MOST_KEPT 524288

/* How often the keeper looks around. */
#define TICK apr_time_from_msec(50)

/* At the end of the child: the time between two looks whether the threads have
 * ended, and after how many looks what they wait for is cut off. */
#define END_PAUSE apr_time_from_msec(10)
#define CUT_EVERY 100

/* All of this is under the mutex of the connections. */
typedef struct at_threads_t {
    pthread_cond_t work;         /* for openers */
    pthread_cond_t tick;         /* for the keeper */
    int openers;                 /* how many run */
    int resting;                 /* how many of these wait for work */
    int keeper;                  /* 1: it runs */
    int keeper_rests;            /* 1: it waits without a time-out */
    int ended;                   /* 1: the child ends */
} at_threads_t;

int at_opener_prepare(at_connections_t *connections)
{
    at_threads_t *threads = apr_pcalloc(connections->pool, sizeof(*threads));

    connections->threads = threads;
    return at_clock_make_condition(&threads->work)
           && at_clock_make_condition(&threads->tick);
}

/* ---- opening and closing, without the mutex */

/* Why there is no connection; NULL if nothing can be found. */
static const at_fault_t *diagnose(const at_connections_t *connections,
                                  apr_pool_t *pool)
{
    const at_fault_t *fault = NULL;
    int i;

    for (i = 0; i < connections->uses->nelts && !fault; i++) {
        fault = at_diagnosis_make(&APR_ARRAY_IDX(connections->uses, i,
                                                 at_use_t), pool);
    }
    return fault;
}

static const at_registered_t *registered_of(const at_connections_t *connections)
{
    return APR_ARRAY_IDX(connections->uses, 0, at_use_t).registered;
}

/*
 * Take a connection of mod_dbd into *DBD, and renew it if that is due. *DBD
 * becomes NULL if mod_dbd has none, if there is a fault (one that cannot be
 * renewed stays as it is), or if the session of the connection is wrong:
 * *REFUSED then says why, and the connection is cut off, so that mod_dbd
 * discards it. Faults are in SCRATCH.
 */
static const at_fault_t *open_one_of(ap_dbd_t **dbd,
                                     const at_fault_t **refused,
                                     at_connections_t *connections,
                                     apr_pool_t *pool, apr_pool_t *scratch)
{
    const at_registered_t *registered = registered_of(connections);
    const at_fault_t *fault = NULL, *wrong_session = NULL;
    at_renewal_t *renewal;

    *dbd = at_dbd_open(registered, connections->server, pool);
    renewal = *dbd ? at_renewal_of(*dbd) : NULL;
    if (at_renewal_is_due(renewal)) {
        fault = at_renewal_make(renewal, scratch);
    }
    if (*dbd && !fault) {
        wrong_session = at_session_check(*dbd, connections->uses, scratch);
    }
    if (wrong_session) {
        *refused = wrong_session;
        at_socket_cut(at_socket_of(*dbd, connections->budget,
                                   connections->sockets));
    }
    if (fault || wrong_session) {
        at_dbd_close(registered, connections->server, *dbd);
        *dbd = NULL;
    }
    return fault;
}

/*
 * Take a connection of mod_dbd into *DBD. When mod_dbd finds that one of its
 * pool is dead, it discards it and gives none. So it is asked again, as long
 * as the database can be reached, and also after one that was refused: the
 * database may have been configured differently since that was made.
 */
static const at_fault_t *open_dbd(ap_dbd_t **dbd,
                                  at_connections_t *connections,
                                  apr_pool_t *pool, apr_pool_t *scratch)
{
    int tries = APR_ARRAY_IDX(connections->uses, 0, at_use_t).dbd_max + 1;
    const at_fault_t *refused = NULL, *fault;

    fault = open_one_of(dbd, &refused, connections, pool, scratch);
    if (*dbd || fault) {
        return fault;
    }
    fault = diagnose(connections, scratch);
    while (!*dbd && !fault && tries-- > 0) {
        fault = open_one_of(dbd, &refused, connections, pool, scratch);
    }
    if (*dbd || fault) {
        return fault;
    }
    return refused ? refused
        : at_fault_make(scratch, AT_STORE_UNAVAILABLE, AT_FAULT_CONNECTION,
                        "mod_dbd has no connection, though the database can "
                        "be reached and takes the statements; mod_dbd's "
                        "message above says why");
}

/* A pool with its own memory, so that what a result takes is kept for the next
 * one and not for a request. The driver reserves the declared width of each
 * column. Where that memory cannot be had, PARENT's is used. */
static apr_pool_t *make_results(apr_pool_t *parent)
{
    apr_pool_t *results;

    if (at_allocator_make_pool(&results, parent) == APR_SUCCESS) {
        apr_allocator_max_free_set(apr_pool_allocator_get(results),
                                   MOST_KEPT);
    }
    else {
        apr_pool_create(&results, parent);
    }
    apr_pool_tag(results, "access_token results");
    return results;
}

at_connection_t *at_opener_wrap(at_connections_t *connections, ap_dbd_t *dbd,
                                apr_pool_t *pool)
{
    at_connection_t *connection = apr_pcalloc(pool, sizeof(*connection));

    connection->dbd = dbd;
    connection->owner = connections;
    connection->pool = pool;
    connection->results = make_results(pool);
    connection->socket = at_socket_of(dbd, connections->budget,
                                      connections->sockets);
    connection->max_packet = at_session_max_packet(dbd);
    connection->renewal = at_renewal_of(dbd);
    return connection;
}

static const at_fault_t *open_connection(at_connection_t **connection,
                                         at_connections_t *connections,
                                         apr_pool_t *scratch)
{
    const at_fault_t *fault;
    apr_pool_t *pool;
    ap_dbd_t *dbd;

    apr_pool_create(&pool, connections->pool);
    fault = open_dbd(&dbd, connections, pool, scratch);
    if (fault) {
        apr_pool_destroy(pool);
        return fault;
    }
    *connection = at_opener_wrap(connections, dbd, pool);
    return NULL;
}

static void close_connection(at_connections_t *connections,
                             at_connection_t *connection)
{
    at_dbd_close(registered_of(connections), connections->server,
                 connection->dbd);
    apr_pool_destroy(connection->pool);
}

/* ---- openers, with the mutex */

static void open_one(at_connections_t *connections)
{
    apr_uint64_t attempt = at_pool_begin_opening(connections);
    at_connection_t *connection;
    const at_fault_t *fault;
    apr_pool_t *scratch;

    pthread_mutex_unlock(&connections->mutex);
    apr_pool_create(&scratch, connections->pool);
    fault = open_connection(&connection, connections, scratch);
    pthread_mutex_lock(&connections->mutex);
    if (fault) {
        at_pool_failed(connections, attempt, fault);
    }
    else {
        at_pool_opened(connections, connection);
        at_keeper_call(connections);
    }
    apr_pool_destroy(scratch);
}

static void close_one(at_connections_t *connections)
{
    at_connection_t *connection = at_pool_take_closing(connections);
    int held_all = at_pool_holds_all(connections);

    pthread_mutex_unlock(&connections->mutex);
    close_connection(connections, connection);
    if (held_all) {
        apr_sleep(RETURN_PAUSE);
    }
    pthread_mutex_lock(&connections->mutex);
    at_pool_closed(connections);
}

/* Wait for work, or for the next attempt while the database is away. */
static void rest(at_connections_t *connections)
{
    at_threads_t *threads = connections->threads;
    apr_time_t next_attempt = at_pool_next_attempt(connections);

    threads->resting++;
    if (next_attempt) {
        at_clock_wait(&threads->work, &connections->mutex, next_attempt);
    }
    else {
        pthread_cond_wait(&threads->work, &connections->mutex);
    }
    threads->resting--;
}

static void *run_opener(void *data)
{
    at_connections_t *connections = data;
    at_threads_t *threads = connections->threads;

    pthread_mutex_lock(&connections->mutex);
    while (!threads->ended || at_pool_must_close(connections)) {
        if (at_pool_must_close(connections)) {
            close_one(connections);
        }
        else if (at_pool_may_open(connections)) {
            open_one(connections);
        }
        else {
            rest(connections);
        }
        at_pool_expire(connections, threads->ended);
    }
    threads->openers--;
    pthread_mutex_unlock(&connections->mutex);
    return NULL;
}

void at_opener_call(at_connections_t *connections)
{
    at_threads_t *threads = connections->threads;

    if (threads->resting) {
        pthread_cond_signal(&threads->work);
    }
    else if (threads->openers < connections->limit && !threads->ended
             && at_thread_start(run_opener, connections) == APR_SUCCESS) {
        threads->openers++;
    }
}

/* ---- the keeper, with the mutex */

static void *run_keeper(void *data)
{
    at_connections_t *connections = data;
    at_threads_t *threads = connections->threads;

    pthread_mutex_lock(&connections->mutex);
    while (!threads->ended) {
        if (at_pool_is_in_use(connections)) {
            at_clock_wait(&threads->tick, &connections->mutex,
                          at_clock_now() + TICK);
        }
        else {
            threads->keeper_rests = 1;
            pthread_cond_wait(&threads->tick, &connections->mutex);
            threads->keeper_rests = 0;
        }
        at_pool_cut_overdue(connections);
        if (at_pool_needs_opener(connections)) {
            at_opener_call(connections);
        }
    }
    threads->keeper = 0;
    pthread_mutex_unlock(&connections->mutex);
    return NULL;
}

void at_keeper_call(at_connections_t *connections)
{
    at_threads_t *threads = connections->threads;

    if (threads->keeper_rests) {
        pthread_cond_signal(&threads->tick);
    }
    else if (!threads->keeper && !threads->ended) {
        threads->keeper = at_thread_start(run_keeper, connections)
                          == APR_SUCCESS;
    }
}

/* ---- the end of the child */

/* Tell the threads to end. True if any of them still runs. */
static int threads_run(at_connections_t *connections)
{
    at_threads_t *threads = connections->threads;
    int running;

    pthread_mutex_lock(&connections->mutex);
    threads->ended = 1;
    pthread_cond_broadcast(&threads->work);
    pthread_cond_broadcast(&threads->tick);
    running = threads->openers || threads->keeper;
    pthread_mutex_unlock(&connections->mutex);
    return running;
}

void at_opener_end(at_connections_t *connections)
{
    int rounds = 0;

    at_allocator_let_go(connections->allocator);
    while (threads_run(connections)) {
        /* Not in the first round: a connection that only has to be given back
         * is good. */
        if (++rounds % CUT_EVERY == 0) {
            at_sockets_cut(connections->sockets);
        }
        apr_sleep(END_PAUSE);
    }
}
