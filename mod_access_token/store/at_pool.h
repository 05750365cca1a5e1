/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The connections that one server has in one child process: which of them are
 * idle, which are to be closed, which requests wait for one, and whether the
 * database is away. This file waits for nothing and starts nothing.
 * at_opener.h has the threads that open and close connections, and
 * at_connection.h has what requests call; both are above this file.
 *
 * Who may write what:
 * - The settings in at_connections_t are written by at_child.c before the
 *   first request. They are constant from then on, and need no mutex.
 * - at_lists_t, all lists and counters, is written by at_pool.c only.
 * - at_threads_t, the state of the threads, is written by at_opener.c only.
 * The mutex protects the last two. Nobody holds it during a wait or a call of
 * mod_dbd. Each function below is to be called with the mutex held, unless it
 * says otherwise.
 */
#ifndef AT_POOL_H
#define AT_POOL_H

#include <pthread.h>
#include <signal.h>

#include <httpd.h>

#include <apr_dbd.h>
#include <apr_thread_mutex.h>
#include <mod_dbd.h>

#include "at_fault.h"
#include "at_incident.h"
#include "at_renewal.h"
#include "at_socket.h"
#include "at_statements.h"

/** The connections of one server in one child process. */
typedef struct at_connections_t {
    /* The settings. */
    server_rec *server;
    apr_array_header_t *uses;    /* at_use_t: the statements that mod_dbd
                                    prepares on each connection */
    int limit;                   /* AccessTokenConnections */
    int dbd_max;                 /* DBDMax */
    apr_interval_time_t wait;    /* AccessTokenConnectionWait */
    apr_interval_time_t reuse;   /* AccessTokenConnectionReuse */
    apr_interval_time_t budget;  /* AccessTokenRetryBudget */
    at_incident_t *incidents;    /* of the database; never NULL */
    int has_threads;             /* 0: a signal may end the child from within
                                    a call, as under prefork */
    at_sockets_t *sockets;       /* of all connections of mod_dbd; or NULL */
    apr_thread_mutex_t *allocator; /* of at_allocator_share, or NULL */

    apr_pool_t *pool;            /* any thread may make sub-pools of it */
    pthread_mutex_t mutex;
    struct at_lists_t *lists;
    struct at_threads_t *threads;
} at_connections_t;

/** Where the columns of a statement are in its results. Several folders of
 *  statements may be prepared on one connection, so it is a list. */
typedef struct at_places_t {
    const at_statement_t *statement;
    const int *places;           /* for each of its columns */
    struct at_places_t *next;
} at_places_t;

/** One connection. */
typedef struct at_connection_t {
    /* Set by at_opener_wrap, and constant then. */
    ap_dbd_t *dbd;
    at_connections_t *owner;
    apr_pool_t *pool;            /* lives as long as this; mod_dbd opened the
                                    connection with it */
    apr_pool_t *results;         /* scratch for one statement; the next one
                                    clears it */
    int socket;                  /* a copy of its descriptor; -1: none */
    apr_size_t max_packet;       /* bytes of a statement with its values; 0:
                                    not known */
    at_renewal_t *renewal;       /* how to renew the connection, where no socket
                                    can be cut off; or NULL */

    /* Written by the request that holds the connection. */
    int shared;                  /* 1: mod_dbd keeps it for the request; it is
                                    not in any list */
    sigset_t signals;            /* without threads: the mask to restore when
                                    it is given back */
    at_places_t *places[AT_STATEMENT_COUNT]; /* of each statement that is
                                    known; NULL: none is */

    /* Written by at_pool.c. */
    apr_time_t given_back;
    apr_time_t deadline;         /* of the statement that runs */
    int cut;                     /* 1: its statement was cut off */
    struct at_connection_t *next; /* in the list that it is in */
    struct at_connection_t **link; /* in the list of the watched: what points
                                    to it, so that no search is needed */
} at_connection_t;

/** A request that waits for a connection. */
typedef struct at_waiter_t {
    pthread_cond_t news;         /* signalled for a connection or a failure */
    at_connection_t *connection; /* what the request got, or NULL */
    struct at_waiter_t *next;
} at_waiter_t;

/**
 * Make an empty one, whose settings the caller fills. It lives in a sub-pool
 * of PARENT. NULL if there is no memory. Needs no mutex.
 */
at_connections_t *at_pool_make(apr_pool_t *parent);

/* ---- requests */

/**
 * Take an idle connection that may be used without a check. Those that were
 * unused for too long are put on their way back to mod_dbd. NULL if there is
 * none.
 */
at_connection_t *at_pool_take(at_connections_t *connections, apr_time_t now);

/**
 * Take CONNECTION back from a request. If IS_GOOD, and it may be used again,
 * the first waiter gets it, or it becomes idle, and the result is 1. Else it
 * is put on its way back to mod_dbd, and the result is 0: an opener is needed.
 */
int at_pool_give(at_connections_t *connections, at_connection_t *connection,
                 int is_good);

/** Add WAITER to the end of the queue, at NOW. The caller made its condition,
 *  and set its other members to NULL. */
void at_pool_enqueue(at_connections_t *connections, at_waiter_t *waiter,
                     apr_time_t now);

/** Remove WAITER, which got no connection. */
void at_pool_dequeue(at_connections_t *connections, at_waiter_t *waiter);

/** The number of the last attempt to open a connection that has begun. */
apr_uint64_t at_pool_attempts(const at_connections_t *connections);

/**
 * True if a request that came after attempt number ATTEMPT began need not
 * wait any longer: a later attempt has failed, and either an admin must fix
 * something, or the database has been away for longer than a call's budget.
 * What failed before the request came does not count, since the database may
 * have come back.
 */
int at_pool_is_hopeless(const at_connections_t *connections,
                        apr_uint64_t attempt, apr_time_t now);

/** Why a request that has waited has no connection: a fault in POOL. */
const at_fault_t *at_pool_explain(const at_connections_t *connections,
                                  apr_pool_t *pool);

/** When the queue stalls, by at_clock_now, unless a waiter gets a connection
 *  before. */
apr_time_t at_pool_stalls(const at_connections_t *connections);

/** Why a request does not wait in a queue that stalls, in a child where no more
 *  than PLACES calls do: a fault in POOL. */
const at_fault_t *at_pool_refuse(const at_connections_t *connections,
                                 int places, apr_pool_t *pool);

/** A statement is about to run on CONNECTION: cut it off at DEADLINE, by
 *  at_clock_now. The keeper must run. */
void at_pool_watch(at_connection_t *connection, apr_time_t deadline);

/** The statement of CONNECTION, which was watched, has ended. */
void at_pool_unwatch(at_connection_t *connection);

/* ---- openers */

/**
 * True if an opener should open a connection now. While the database is away
 * only one opener tries, with pauses.
 */
int at_pool_may_open(const at_connections_t *connections);

/**
 * When an opener should try again for the requests that wait while the
 * database is away, by at_clock_now. 0 if nothing depends on the time.
 */
apr_time_t at_pool_next_attempt(const at_connections_t *connections);

/**
 * True if the requests that wait need an opener: to open a connection, now or
 * at the next attempt, or to close one, so that another may be opened. False
 * if they can only get a connection that a request gives back.
 */
int at_pool_waits_for_opener(const at_connections_t *connections);

/** An opener begins to open a connection. Returns the attempt's number. */
apr_uint64_t at_pool_begin_opening(at_connections_t *connections);

/** The attempt has given CONNECTION, for the first waiter. */
void at_pool_opened(at_connections_t *connections,
                    at_connection_t *connection);

/** Attempt number ATTEMPT has failed with FAULT, which is copied. */
void at_pool_failed(at_connections_t *connections, apr_uint64_t attempt,
                    const at_fault_t *fault);

/** Put idle connections on their way back that nobody has used for a while;
 *  all of them if the child ends. */
void at_pool_expire(at_connections_t *connections, int child_ends);

/** True if a connection is to be closed. */
int at_pool_must_close(const at_connections_t *connections);

/** Take a connection that an opener is to close, or NULL. at_pool_closed is
 *  to follow. */
at_connection_t *at_pool_take_closing(at_connections_t *connections);

/** The connection was closed. */
void at_pool_closed(at_connections_t *connections);

/** True if we have all connections that DBDMax allows in this child, so that
 *  other modules may wait for one. */
int at_pool_holds_all(const at_connections_t *connections);

/* ---- the keeper */

/** True if there is any connection, or statement, to look after. */
int at_pool_is_in_use(const at_connections_t *connections);

/** Cut off the statements whose deadline is over. */
void at_pool_cut_overdue(at_connections_t *connections);

/** True if a connection is to be closed, or at_pool_expire would find one. */
int at_pool_needs_opener(const at_connections_t *connections);

#endif /* AT_POOL_H */
