/* SPDX-License-Identifier: Apache-2.0 */
#include "at_connection.h"

#include <string.h>

#include "at_clock.h"
#include "at_opener.h"
#include "at_session.h"
#include "at_socket.h"
#include "at_thread.h"

/* ---- taking one */

/*
 * Under prefork httpd ends a child from a signal's handler, wherever that has
 * interrupted it: in the driver, with the mutex held, or while a request holds
 * a connection, which mod_dbd's pool would miss when it is destroyed, and abort
 * the child. So these signals wait until the connection is given back, at its
 * deadline at the latest.
 */
static void hold_signals(const at_connections_t *connections,
                         sigset_t *before)
{
    sigemptyset(before);
    if (!connections->has_threads) {
        at_thread_block_ends(before);
    }
}

static void release_signals(const at_connections_t *connections,
                            const sigset_t *before)
{
    if (!connections->has_threads) {
        at_thread_unblock(before);
    }
}

/* An extra wait, for which the threads are too few, takes no longer: a queue
 * that moves now and then, since statements end without their lock, would keep
 * all threads. */
#define EXTRA_WAIT apr_time_from_sec(2)

/* When a wait with the deadline UNTIL ends. An extra one ends already when the
 * queue stalls. */
static apr_time_t end_of_wait(const at_connections_t *connections,
                              apr_time_t until, int is_extra)
{
    apr_time_t stalls = at_pool_stalls(connections);

    return is_extra && stalls < until ? stalls : until;
}

/* With the mutex held. */
static const at_fault_t *wait_for_one(at_connection_t **connection,
                                      at_connections_t *connections,
                                      apr_time_t until, at_crowd_t *crowd,
                                      apr_pool_t *pool)
{
    apr_uint64_t attempt = at_pool_attempts(connections);
    int is_extra = crowd && !at_crowd_may_wait(crowd);
    apr_time_t now = at_clock_now();
    apr_time_t latest = is_extra && now + EXTRA_WAIT < until
                        ? now + EXTRA_WAIT : until;
    const at_fault_t *fault = NULL;
    at_waiter_t waiter;

    memset(&waiter, 0, sizeof(waiter));
    if (!at_clock_make_condition(&waiter.news)) {
        return at_fault_make(pool, AT_STORE_UNAVAILABLE, AT_FAULT_PLACE,
                             "no memory to wait for a connection");
    }
    at_pool_enqueue(connections, &waiter, now);
    while (!waiter.connection
           && now < end_of_wait(connections, latest, is_extra)
           && !at_pool_is_hopeless(connections, attempt, now)) {
        if (at_pool_waits_for_opener(connections)) {
            at_opener_call(connections);
        }
        at_clock_wait(&waiter.news, &connections->mutex,
                      end_of_wait(connections, latest, is_extra));
        now = at_clock_now();
    }
    if (!waiter.connection) {
        at_pool_dequeue(connections, &waiter);
        fault = is_extra && now < until
                ? at_pool_refuse(connections, at_crowd_places(crowd), pool)
                : at_pool_explain(connections, pool);
    }
    pthread_cond_destroy(&waiter.news);
    *connection = waiter.connection;
    return fault;
}

const at_fault_t *at_connection_take(at_connection_t **connection,
                                     at_connections_t *connections,
                                     apr_time_t deadline,
                                     at_crowd_t *crowd,
                                     apr_pool_t *result_pool)
{
    apr_time_t now = at_clock_now();
    apr_time_t until = now + connections->wait;
    const at_fault_t *fault = NULL;
    sigset_t signals;

    hold_signals(connections, &signals);
    pthread_mutex_lock(&connections->mutex);
    *connection = at_pool_take(connections, now);
    if (!*connection) {
        fault = wait_for_one(connection, connections,
                             until < deadline ? until : deadline, crowd,
                             result_pool);
    }
    pthread_mutex_unlock(&connections->mutex);
    if (fault) {
        release_signals(connections, &signals);
        return fault;
    }
    (*connection)->signals = signals;
    return NULL;
}

/* Why DBD may not be used; NULL if it may. */
static const at_fault_t *make_ready(const at_connections_t *connections,
                                    ap_dbd_t *dbd, apr_pool_t *pool)
{
    at_renewal_t *renewal = at_renewal_of(dbd);
    const at_fault_t *fault = at_session_check(dbd, connections->uses, pool);

    if (fault) {
        at_socket_cut(at_socket_of(dbd, connections->budget,
                                   connections->sockets));
        return fault;
    }
    return at_renewal_is_due(renewal) ? at_renewal_make(renewal, pool) : NULL;
}

const at_fault_t *at_connection_share(at_connection_t **connection,
                                      at_connections_t *connections,
                                      ap_dbd_t *dbd, apr_pool_t *pool)
{
    const at_fault_t *fault;
    sigset_t signals;

    hold_signals(connections, &signals);
    fault = make_ready(connections, dbd, pool);
    if (fault) {
        release_signals(connections, &signals);
        return fault;
    }
    *connection = at_opener_wrap(connections, dbd, pool);
    (*connection)->shared = 1;
    (*connection)->signals = signals;
    return NULL;
}

void at_connection_give(at_connection_t *connection, at_connection_e state)
{
    at_connections_t *connections = connection->owner;
    int is_good = state == AT_CONNECTION_KEEP && !connection->cut;
    sigset_t signals = connection->signals;

    if (!is_good) {
        /* Then mod_dbd finds it dead and discards it, or it is renewed. */
        at_socket_cut(connection->socket);
        at_renewal_ask(connection->renewal);
    }
    if (!connection->shared) {
        pthread_mutex_lock(&connections->mutex);
        if (!at_pool_give(connections, connection, is_good)) {
            at_opener_call(connections);
        }
        pthread_mutex_unlock(&connections->mutex);
    }
    release_signals(connections, &signals);
}

/* ---- watching */

void at_connection_watch(at_connection_t *connection, apr_time_t deadline)
{
    at_connections_t *connections = connection->owner;

    if (connection->socket < 0) {
        return;
    }
    pthread_mutex_lock(&connections->mutex);
    at_pool_watch(connection, deadline);
    at_keeper_call(connections);
    pthread_mutex_unlock(&connections->mutex);
}

int at_connection_unwatch(at_connection_t *connection)
{
    at_connections_t *connections = connection->owner;

    if (connection->socket < 0) {
        return 0;
    }
    pthread_mutex_lock(&connections->mutex);
    at_pool_unwatch(connection);
    pthread_mutex_unlock(&connections->mutex);
    return connection->cut;
}
