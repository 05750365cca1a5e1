/* SPDX-License-Identifier: Apache-2.0 */
#include "at_opener.h"

#include <string.h>

#include <apr_strings.h>

#include "at_allocator.h"
#include "at_clock.h"
#include "at_session.h"
#include "at_socket.h"
#include "at_thread.h"

/* While we hold all that DBDMax allows, others of mod_dbd's pool may want
 * one: then a connection is kept unused for so long at most, one is given
 * back so often, and after that there is a pause, so that it is not we who
 * get it again. */
#define KEEP_UNUSED  apr_time_from_msec(50)
#define RETURN_EVERY apr_time_from_msec(100)
#define RETURN_PAUSE apr_time_from_msec(1)

/* Bytes that a connection keeps for the results of later statements. */
#define MOST_KEPT 524288

/* How often the keeper looks around. */
#define TICK apr_time_from_msec(50)

/* Between attempts while the database is away. */
#define SHORTEST_PAUSE apr_time_from_msec(20)
#define LONGEST_PAUSE  apr_time_from_msec(250)

/* Before the child exits: how often is looked whether the threads have
 * ended, and every how many times what holds them is cut off. */
#define END_PAUSE apr_time_from_msec(10)
#define CUT_EVERY 100

/* ---- opening and closing, without the mutex */

/* Ask why there is no connection. */
static void diagnose(at_diagnosis_t *diagnosis,
                     const at_connections_t *connections, apr_pool_t *pool)
{
    int i;

    memset(diagnosis, 0, sizeof(*diagnosis));
    for (i = 0; i < connections->uses->nelts
                && diagnosis->outcome == AT_STORE_DONE; i++) {
        at_diagnosis_make(diagnosis, &APR_ARRAY_IDX(connections->uses, i,
                                                    at_use_t), pool);
    }
}

static const at_dbd_t *source_of(const at_connections_t *connections)
{
    return APR_ARRAY_IDX(connections->uses, 0, at_use_t).source;
}

/* One of mod_dbd's, made anew if that is due, and if its session is as it must
 * be. One that cannot be made anew is left as it is: *DIAGNOSIS says why. One
 * with another session is cut off, so that mod_dbd discards it: *REFUSED says
 * why. Both are in SCRATCH. */
static ap_dbd_t *open_one_of(at_connections_t *connections, apr_pool_t *pool,
                             at_diagnosis_t *diagnosis,
                             at_diagnosis_t *refused, apr_pool_t *scratch)
{
    const at_dbd_t *source = source_of(connections);
    ap_dbd_t *dbd = at_dbd_open(source, connections->server, pool);
    at_renewal_t *renewal = dbd ? at_renewal_of(dbd) : NULL;
    int is_current = !at_renewal_is_due(renewal)
                     || at_renewal_make(renewal, diagnosis, scratch);

    if (!dbd || (is_current
                 && at_session_check(refused, dbd, connections->uses,
                                     scratch))) {
        return dbd;
    }
    if (is_current) {
        at_socket_cut(at_socket_of(dbd, connections->budget,
                                   connections->sockets));
    }
    at_dbd_close(source, connections->server, dbd);
    return NULL;
}

/*
 * A connection of mod_dbd's. It gives up at the first stale one of its pool
 * and discards it: as long as the database itself can be reached, it is
 * asked for the next. So it is for one that was refused: the database may
 * have been set up otherwise since it was made.
 */
static ap_dbd_t *open_dbd(at_connections_t *connections, apr_pool_t *pool,
                          at_diagnosis_t *diagnosis, apr_pool_t *scratch)
{
    int tries = APR_ARRAY_IDX(connections->uses, 0, at_use_t).dbd_max + 1;
    at_diagnosis_t refused;
    ap_dbd_t *dbd;

    memset(diagnosis, 0, sizeof(*diagnosis));
    memset(&refused, 0, sizeof(refused));
    dbd = open_one_of(connections, pool, diagnosis, &refused, scratch);
    if (dbd || diagnosis->outcome != AT_STORE_DONE) {
        return dbd;
    }
    diagnose(diagnosis, connections, scratch);
    while (!dbd && diagnosis->outcome == AT_STORE_DONE && tries-- > 0) {
        dbd = open_one_of(connections, pool, diagnosis, &refused, scratch);
    }
    if (!dbd && diagnosis->outcome == AT_STORE_DONE
        && refused.outcome != AT_STORE_DONE) {
        *diagnosis = refused;
    }
    return dbd;
}

/* A pool of its own memory: what a result takes is used for the next one, and
 * is no request's. The driver reserves the declared width of each column. */
static apr_pool_t *make_results(apr_pool_t *parent)
{
    apr_allocator_t *allocator = NULL;
    apr_pool_t *results;

    if (apr_allocator_create(&allocator) != APR_SUCCESS) {
        allocator = NULL;                /* then that of PARENT */
    }
    apr_pool_create_ex(&results, parent, NULL, allocator);
    if (allocator) {
        apr_allocator_owner_set(allocator, results);
        apr_allocator_max_free_set(allocator, MOST_KEPT);
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

static at_connection_t *open_connection(at_connections_t *connections,
                                        at_diagnosis_t *diagnosis,
                                        apr_pool_t *scratch)
{
    apr_pool_t *pool;
    ap_dbd_t *dbd;

    apr_pool_create(&pool, connections->pool);
    dbd = open_dbd(connections, pool, diagnosis, scratch);
    if (!dbd) {
        apr_pool_destroy(pool);
        return NULL;
    }
    return at_opener_wrap(connections, dbd, pool);
}

static void close_connection(at_connections_t *connections,
                             at_connection_t *connection)
{
    at_dbd_close(source_of(connections), connections->server,
                    connection->dbd);
    apr_pool_destroy(connection->pool);
}

/* ---- openers, with the mutex */

void at_opener_hand(at_connections_t *connections,
                    at_connection_t *connection)
{
    at_waiter_t *waiter = connections->waiters;

    if (waiter) {
        connections->waiters = waiter->next;
        connections->waiting--;
        waiter->connection = connection;
        pthread_cond_signal(&waiter->news);
        return;
    }
    connection->next = connections->idle;
    connections->idle = connection;
}

static void note_failure(at_connections_t *connections,
                         const at_diagnosis_t *diagnosis,
                         apr_uint64_t attempt)
{
    apr_time_t now = at_clock_now();
    at_waiter_t *waiter;

    if (!connections->away_since) {
        connections->pause = SHORTEST_PAUSE / 2;
    }
    connections->away_since = at_incident_away(connections->incidents, now,
                                               connections->budget);
    connections->pause *= 2;
    if (connections->pause > LONGEST_PAUSE) {
        connections->pause = LONGEST_PAUSE;
    }
    connections->next_attempt = now + connections->pause;
    connections->failed = attempt;
    connections->diagnosis = *diagnosis;
    apr_cpystrn(connections->detail, diagnosis->detail,
                sizeof(connections->detail));
    connections->diagnosis.detail = connections->detail;
    for (waiter = connections->waiters; waiter; waiter = waiter->next) {
        pthread_cond_signal(&waiter->news);
    }
}

void at_opener_note_life(at_connections_t *connections)
{
    connections->away_since = 0;
    at_incident_back(connections->incidents);
}

static void open_one(at_connections_t *connections)
{
    apr_uint64_t attempt = ++connections->attempts;
    at_connection_t *connection;
    at_diagnosis_t diagnosis;
    apr_pool_t *scratch;

    connections->held++;
    connections->opening++;
    pthread_mutex_unlock(&connections->mutex);
    apr_pool_create(&scratch, connections->pool);
    connection = open_connection(connections, &diagnosis, scratch);
    pthread_mutex_lock(&connections->mutex);
    connections->opening--;
    if (connection) {
        at_opener_note_life(connections);
        connection->given_back = at_clock_now();
        at_opener_hand(connections, connection);
        at_keeper_call(connections);
    }
    else {
        connections->held--;
        note_failure(connections, &diagnosis, attempt);
    }
    apr_pool_destroy(scratch);
}

/* While the database is away one opener tries, now and then. */
static int may_open(const at_connections_t *connections)
{
    if (connections->waiting <= connections->opening
        || connections->held >= connections->limit) {
        return 0;
    }
    return !connections->away_since
           || (!connections->opening
               && at_clock_now() >= connections->next_attempt);
}

static int holds_all(const at_connections_t *connections)
{
    return connections->held >= connections->dbd_max;
}

int at_opener_keeps(const at_connections_t *connections,
                    const at_connection_t *connection, apr_time_t now)
{
    apr_interval_time_t unused = now - connection->given_back;

    if (unused >= connections->reuse
        || at_renewal_is_due(connection->renewal)) {
        return 0;
    }
    return !holds_all(connections)
           || (unused < KEEP_UNUSED
               && now - connections->returned < RETURN_EVERY);
}

void at_opener_return(at_connections_t *connections,
                      at_connection_t *connection, apr_time_t now)
{
    connections->returned = now;
    connection->next = connections->closing;
    connections->closing = connection;
}

/* Put those that nobody has used for a while on their way back. */
static void expire(at_connections_t *connections)
{
    at_connection_t **place = &connections->idle;
    apr_time_t now = at_clock_now();

    while (*place) {
        at_connection_t *connection = *place;

        if (!at_opener_keeps(connections, connection, now)
            || connections->ended) {
            *place = connection->next;
            at_opener_return(connections, connection, now);
        }
        else {
            place = &connection->next;
        }
    }
}

static void close_one(at_connections_t *connections)
{
    at_connection_t *connection = connections->closing;
    int held_all = holds_all(connections);

    connections->closing = connection->next;
    pthread_mutex_unlock(&connections->mutex);
    close_connection(connections, connection);
    if (held_all) {
        apr_sleep(RETURN_PAUSE);
    }
    pthread_mutex_lock(&connections->mutex);
    connections->held--;
}

/* Wait for work, or for the next attempt while the database is away. */
static void rest(at_connections_t *connections)
{
    connections->resting++;
    if (connections->waiting && connections->away_since
        && !connections->opening) {
        at_clock_wait(&connections->work, &connections->mutex,
                      connections->next_attempt);
    }
    else {
        pthread_cond_wait(&connections->work, &connections->mutex);
    }
    connections->resting--;
}

static void *run_opener(void *data)
{
    at_connections_t *connections = data;

    pthread_mutex_lock(&connections->mutex);
    while (!connections->ended || connections->closing) {
        if (connections->closing) {
            close_one(connections);
        }
        else if (may_open(connections)) {
            open_one(connections);
        }
        else {
            rest(connections);
        }
        expire(connections);
    }
    connections->openers--;
    pthread_mutex_unlock(&connections->mutex);
    return NULL;
}

void at_opener_call(at_connections_t *connections)
{
    if (connections->resting) {
        pthread_cond_signal(&connections->work);
    }
    else if (connections->openers < connections->limit
             && !connections->ended
             && at_thread_start(run_opener, connections) == APR_SUCCESS) {
        connections->openers++;
    }
}

/* ---- the keeper, with the mutex */

static void cut_overdue(at_connections_t *connections)
{
    apr_time_t now = at_clock_now();
    at_connection_t *connection;

    for (connection = connections->watched; connection;
         connection = connection->next) {
        if (!connection->cut && connection->deadline <= now) {
            connection->cut = 1;
            at_socket_cut(connection->socket);
        }
    }
}

static int has_expired(const at_connections_t *connections)
{
    apr_time_t now = at_clock_now();
    const at_connection_t *connection = connections->idle;

    while (connection && at_opener_keeps(connections, connection, now)) {
        connection = connection->next;
    }
    return connection != NULL;
}

static void *run_keeper(void *data)
{
    at_connections_t *connections = data;

    pthread_mutex_lock(&connections->mutex);
    while (!connections->ended) {
        if (connections->held || connections->watched) {
            at_clock_wait(&connections->tick, &connections->mutex,
                          at_clock_now() + TICK);
        }
        else {
            connections->keeper_rests = 1;
            pthread_cond_wait(&connections->tick, &connections->mutex);
            connections->keeper_rests = 0;
        }
        cut_overdue(connections);
        if (connections->closing || has_expired(connections)) {
            at_opener_call(connections);
        }
    }
    connections->keeper = 0;
    pthread_mutex_unlock(&connections->mutex);
    return NULL;
}

void at_keeper_call(at_connections_t *connections)
{
    if (connections->keeper_rests) {
        pthread_cond_signal(&connections->tick);
    }
    else if (!connections->keeper && !connections->ended) {
        connections->keeper = at_thread_start(run_keeper, connections)
                              == APR_SUCCESS;
    }
}

/* True if threads run still; they are told to end. */
static int threads_run(at_connections_t *connections)
{
    int running;

    pthread_mutex_lock(&connections->mutex);
    connections->ended = 1;
    pthread_cond_broadcast(&connections->work);
    pthread_cond_broadcast(&connections->tick);
    running = connections->openers || connections->keeper;
    pthread_mutex_unlock(&connections->mutex);
    return running;
}

void at_opener_end(at_connections_t *connections)
{
    int rounds = 0;

    at_allocator_let_go(connections->allocator);
    while (threads_run(connections)) {
        /* Not at once: what only has to be given back is good. */
        if (++rounds % CUT_EVERY == 0) {
            at_sockets_cut(connections->sockets);
        }
        apr_sleep(END_PAUSE);
    }
}
