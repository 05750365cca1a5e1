/* SPDX-License-Identifier: Apache-2.0 */
#include "at_pool.h"

#include <string.h>

#include <apr_allocator.h>
#include <apr_strings.h>

#include "at_allocator.h"
#include "at_clock.h"

/* While we hold all that DBDMax allows, other modules may want a connection:
 * an unused one is kept for so long at most, and one is given back so often
 * at least. */
#define KEEP_UNUSED  apr_time_from_msec(50)
#define RETURN_EVERY apr_time_from_msec(100)

/* The queue stalls if no waiter got a connection for so long. */
#define PATIENCE apr_time_from_msec(500)

/* Between attempts while the database is away. */
#define SHORTEST_PAUSE apr_time_from_msec(20)
#define LONGEST_PAUSE  apr_time_from_msec(250)

/* The time of the first failure is rounded down to this. */
#define A_SECOND apr_time_from_sec(1)

/* All of this is under the mutex of its at_connections_t. */
typedef struct at_lists_t {
    at_waiter_t *waiters;        /* first come, first served */
    at_waiter_t **end;           /* where the next one is linked */
    int waiting;                 /* how many these are */
    apr_time_t moved;            /* when the first of them last got a
                                    connection, or came */
    at_connection_t *idle;       /* the one given back last comes first */
    at_connection_t *closing;    /* on their way back to mod_dbd */
    at_connection_t *watched;    /* a statement runs on each */
    int held;                    /* how many connections of mod_dbd we have,
                                    including those that are being opened */
    int opening;
    apr_time_t returned;         /* when one was last put on its way back */

    /* Attempts to open, by number. */
    apr_uint64_t attempts;
    apr_uint64_t failed;         /* the last that failed */
    apr_time_t away_since;       /* when the first attempt of an unbroken
                                    series failed, in any child; 0: the last
                                    attempt succeeded */
    apr_interval_time_t pause;   /* between attempts while they fail */
    apr_time_t next_attempt;
    at_fault_t fault;            /* of the last failure; its detail is in */
    char detail[1024];           /* this memory */
} at_lists_t;

/* ---- making one */

/* A pool of which any thread may make sub-pools. */
static apr_status_t make_pool(apr_pool_t **made, apr_pool_t *parent)
{
    apr_thread_mutex_t *mutex;
    apr_status_t status = at_allocator_make_pool(made, parent);

    if (status == APR_SUCCESS) {
        status = apr_thread_mutex_create(&mutex, APR_THREAD_MUTEX_DEFAULT,
                                         *made);
    }
    if (status == APR_SUCCESS) {
        apr_allocator_mutex_set(apr_pool_allocator_get(*made), mutex);
    }
    return status;
}

at_connections_t *at_pool_make(apr_pool_t *parent)
{
    at_connections_t *made;
    apr_pool_t *pool;

    if (make_pool(&pool, parent) != APR_SUCCESS) {
        return NULL;
    }
    made = apr_pcalloc(pool, sizeof(*made));
    made->pool = pool;
    made->lists = apr_pcalloc(pool, sizeof(*made->lists));
    made->lists->end = &made->lists->waiters;
    return pthread_mutex_init(&made->mutex, NULL) ? NULL : made;
}

/* ---- idle connections */

int at_pool_holds_all(const at_connections_t *connections)
{
    return connections->lists->held >= connections->dbd_max;
}

/* True if CONNECTION, which is idle or was just given back, may be used by
 * the next request without a check. */
static int keeps(const at_connections_t *connections,
                 const at_connection_t *connection, apr_time_t now)
{
    apr_interval_time_t unused = now - connection->given_back;

    if (unused >= connections->reuse
        || at_renewal_is_due(connection->renewal)) {
        return 0;
    }
    return !at_pool_holds_all(connections)
           || (unused < KEEP_UNUSED
               && now - connections->lists->returned < RETURN_EVERY);
}

/* Remove the waiter that PLACE, a link of the queue, leads to. */
static void unlink_waiter(at_lists_t *lists, at_waiter_t **place)
{
    at_waiter_t *waiter = *place;

    *place = waiter->next;
    if (lists->end == &waiter->next) {
        lists->end = place;
    }
    lists->waiting--;
}

/* Put CONNECTION on its way back to mod_dbd. */
static void send_back(at_lists_t *lists, at_connection_t *connection,
                      apr_time_t now)
{
    lists->returned = now;
    connection->next = lists->closing;
    lists->closing = connection;
}

/* Give CONNECTION to the first waiter, or make it idle. */
static void hand(at_lists_t *lists, at_connection_t *connection)
{
    at_waiter_t *waiter = lists->waiters;

    if (waiter) {
        unlink_waiter(lists, &lists->waiters);
        connection->next = NULL;
        waiter->connection = connection;
        lists->moved = connection->given_back;
        pthread_cond_signal(&waiter->news);
        return;
    }
    connection->next = lists->idle;
    lists->idle = connection;
}

/* A connection works: the database is not away. */
static void note_life(at_connections_t *connections)
{
    connections->lists->away_since = 0;
    at_incident_back(connections->incidents);
}

at_connection_t *at_pool_take(at_connections_t *connections, apr_time_t now)
{
    at_lists_t *lists = connections->lists;
    at_connection_t *connection = lists->idle;

    while (connection && !keeps(connections, connection, now)) {
        lists->idle = connection->next;
        send_back(lists, connection, now);
        connection = lists->idle;
    }
    if (connection) {
        lists->idle = connection->next;
        connection->next = NULL;
    }
    return connection;
}

int at_pool_give(at_connections_t *connections, at_connection_t *connection,
                 int is_good)
{
    apr_time_t now = at_clock_now();

    connection->given_back = now;
    if (!is_good || !keeps(connections, connection, now)) {
        send_back(connections->lists, connection, now);
        return 0;
    }
    note_life(connections);
    hand(connections->lists, connection);
    return 1;
}

void at_pool_expire(at_connections_t *connections, int child_ends)
{
    at_lists_t *lists = connections->lists;
    at_connection_t **place = &lists->idle;
    apr_time_t now = at_clock_now();

    while (*place) {
        at_connection_t *connection = *place;

        if (child_ends || !keeps(connections, connection, now)) {
            *place = connection->next;
            send_back(lists, connection, now);
        }
        else {
            place = &connection->next;
        }
    }
}

int at_pool_needs_opener(const at_connections_t *connections)
{
    const at_connection_t *connection = connections->lists->idle;
    apr_time_t now = at_clock_now();

    while (connection && keeps(connections, connection, now)) {
        connection = connection->next;
    }
    return connection || connections->lists->closing;
}

/* ---- waiters */

void at_pool_enqueue(at_connections_t *connections, at_waiter_t *waiter,
                     apr_time_t now)
{
    at_lists_t *lists = connections->lists;

    if (!lists->waiters) {
        lists->moved = now;
    }
    *lists->end = waiter;
    lists->end = &waiter->next;
    lists->waiting++;
}

void at_pool_dequeue(at_connections_t *connections, at_waiter_t *waiter)
{
    at_waiter_t **place = &connections->lists->waiters;

    while (*place != waiter) {
        place = &(*place)->next;
    }
    unlink_waiter(connections->lists, place);
}

apr_uint64_t at_pool_attempts(const at_connections_t *connections)
{
    return connections->lists->attempts;
}

int at_pool_is_hopeless(const at_connections_t *connections,
                        apr_uint64_t attempt, apr_time_t now)
{
    const at_lists_t *lists = connections->lists;

    if (lists->failed <= attempt || !lists->away_since) {
        return 0;
    }
    return lists->fault.outcome == AT_STORE_BROKEN
           || now - lists->away_since > connections->budget + A_SECOND;
}

apr_time_t at_pool_stalls(const at_connections_t *connections)
{
    return connections->lists->moved + PATIENCE;
}

static at_fault_t *time_out(at_fault_kind_e kind, const char *detail,
                            apr_pool_t *pool)
{
    at_fault_t *fault = at_fault_make(pool, AT_STORE_UNAVAILABLE, kind, "%s",
                                      detail);

    fault->timed_out = 1;
    return fault;
}

/* The database is away: the last failure to connect. */
static at_fault_t *last_failure(const at_lists_t *lists, apr_pool_t *pool)
{
    at_fault_t *fault = at_fault_copy(pool, &lists->fault);

    if (fault->outcome != AT_STORE_BROKEN) {
        fault->outcome = AT_STORE_UNAVAILABLE;
    }
    return fault;
}

/* Why no connection could be opened; NULL if that is not the reason. */
static const at_fault_t *explain_opening(const at_lists_t *lists,
                                         apr_pool_t *pool)
{
    if (lists->away_since) {
        return last_failure(lists, pool);
    }
    return !lists->opening ? NULL
        : time_out(AT_FAULT_CONNECTION, "mod_dbd gave no connection in "
                   "time: the database does not answer, or other modules use "
                   "all that DBDMax allows", pool);
}

const at_fault_t *at_pool_explain(const at_connections_t *connections,
                                  apr_pool_t *pool)
{
    int seconds = (int)apr_time_sec(connections->wait);

    AT_FAULT_TRY(explain_opening(connections->lists, pool));
    return time_out(AT_FAULT_PLACE, apr_psprintf(pool, "all %d connections "
                    "of this child were in use for %d seconds; see "
                    "AccessTokenConnections and AccessTokenConnectionWait, "
                    "DBDMax, and what makes the database slow",
                    connections->limit, seconds), pool);
}

const at_fault_t *at_pool_refuse(const at_connections_t *connections,
                                 int places, apr_pool_t *pool)
{
    AT_FAULT_TRY(explain_opening(connections->lists, pool));
    return time_out(AT_FAULT_PLACE, apr_psprintf(pool, "no connection of "
                    "this child became free, and %d calls are under way "
                    "already: its other threads are kept for other requests; "
                    "see ThreadsPerChild and DBDMax, and what makes the "
                    "database slow", places), pool);
}

/* ---- opening and closing */

int at_pool_may_open(const at_connections_t *connections)
{
    const at_lists_t *lists = connections->lists;

    if (lists->waiting <= lists->opening
        || lists->held >= connections->limit) {
        return 0;
    }
    return !lists->away_since
           || (!lists->opening && at_clock_now() >= lists->next_attempt);
}

apr_time_t at_pool_next_attempt(const at_connections_t *connections)
{
    const at_lists_t *lists = connections->lists;

    return lists->waiting && lists->away_since && !lists->opening
           ? lists->next_attempt : 0;
}

int at_pool_waits_for_opener(const at_connections_t *connections)
{
    return at_pool_must_close(connections) || at_pool_may_open(connections)
           || at_pool_next_attempt(connections);
}

apr_uint64_t at_pool_begin_opening(at_connections_t *connections)
{
    connections->lists->held++;
    connections->lists->opening++;
    return ++connections->lists->attempts;
}

void at_pool_opened(at_connections_t *connections,
                    at_connection_t *connection)
{
    connections->lists->opening--;
    note_life(connections);
    connection->given_back = at_clock_now();
    hand(connections->lists, connection);
}

void at_pool_failed(at_connections_t *connections, apr_uint64_t attempt,
                    const at_fault_t *fault)
{
    at_lists_t *lists = connections->lists;
    apr_time_t now = at_clock_now();
    at_waiter_t *waiter;

    lists->opening--;
    lists->held--;
    if (!lists->away_since) {
        lists->pause = SHORTEST_PAUSE / 2;
    }
    lists->away_since = at_incident_away(connections->incidents, now,
                                         connections->budget);
    lists->pause *= 2;
    if (lists->pause > LONGEST_PAUSE) {
        lists->pause = LONGEST_PAUSE;
    }
    lists->next_attempt = now + lists->pause;
    lists->failed = attempt;
    lists->fault = *fault;
    apr_cpystrn(lists->detail, fault->detail, sizeof(lists->detail));
    lists->fault.detail = lists->detail;
    for (waiter = lists->waiters; waiter; waiter = waiter->next) {
        pthread_cond_signal(&waiter->news);
    }
}

int at_pool_must_close(const at_connections_t *connections)
{
    return connections->lists->closing != NULL;
}

at_connection_t *at_pool_take_closing(at_connections_t *connections)
{
    at_connection_t *connection = connections->lists->closing;

    if (connection) {
        connections->lists->closing = connection->next;
    }
    return connection;
}

void at_pool_closed(at_connections_t *connections)
{
    connections->lists->held--;
}

/* ---- watching */

void at_pool_watch(at_connection_t *connection, apr_time_t deadline)
{
    at_lists_t *lists = connection->owner->lists;

    connection->deadline = deadline;
    connection->next = lists->watched;
    connection->link = &lists->watched;
    if (connection->next) {
        connection->next->link = &connection->next;
    }
    lists->watched = connection;
}

void at_pool_unwatch(at_connection_t *connection)
{
    *connection->link = connection->next;
    if (connection->next) {
        connection->next->link = connection->link;
    }
    connection->next = NULL;
}

int at_pool_is_in_use(const at_connections_t *connections)
{
    return connections->lists->held || connections->lists->watched;
}

void at_pool_cut_overdue(at_connections_t *connections)
{
    at_connection_t *connection = connections->lists->watched;
    apr_time_t now = at_clock_now();

    for (; connection; connection = connection->next) {
        if (!connection->cut && connection->deadline <= now) {
            connection->cut = 1;
            at_socket_cut(connection->socket);
        }
    }
}
