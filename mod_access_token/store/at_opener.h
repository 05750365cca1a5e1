/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The threads beside those of the requests: openers, which take connections
 * from mod_dbd and give them back, and may wait there for ever; and the
 * keeper, which never waits for the database, cuts off statements that are
 * overdue and has connections given back that nobody uses. The inside of
 * at_connection.h.
 */
#ifndef AT_OPENER_H
#define AT_OPENER_H

#include <pthread.h>
#include <signal.h>

#include <apr_thread_mutex.h>

#include "at_connection.h"
#include "at_socket.h"

/** A request that waits for a connection. */
typedef struct at_waiter_t {
    pthread_cond_t news;         /* signalled for a connection or a failure */
    at_connection_t *connection; /* what it was given */
    struct at_waiter_t *next;
} at_waiter_t;

struct at_connections_t {
    server_rec *server;
    apr_array_header_t *uses;    /* at_use_t: the statements that connections
                                    of this server have */
    int limit;                   /* AccessTokenConnections */
    int dbd_max;                 /* DBDMax */
    apr_interval_time_t wait;    /* AccessTokenConnectionWait */
    apr_interval_time_t reuse;   /* AccessTokenConnectionReuse */
    apr_interval_time_t budget;  /* AccessTokenRetryBudget */
    at_incident_t *incidents;    /* shared by all children, if there is memory
                                    that they share */

    int has_threads;             /* 0: a signal may end the child from within
                                    a call, as under prefork */
    sigset_t signals;            /* if so: the mask of who has none in hand */
    at_sockets_t *sockets;       /* of all connections of mod_dbd; or NULL */
    apr_thread_mutex_t *allocator; /* of at_allocator_share, or NULL */

    /* Its own: the allocator has a mutex, so that any thread may make
     * sub-pools. */
    apr_pool_t *pool;

    /* All that follows is under this mutex, which nobody holds while he
     * waits for anything. */
    pthread_mutex_t mutex;
    pthread_cond_t work;         /* for openers */
    pthread_cond_t tick;         /* for the keeper */

    at_waiter_t *waiters;        /* first come, first served */
    int waiting;                 /* how many these are */
    at_connection_t *idle;       /* given back a moment ago, last one first */
    at_connection_t *closing;    /* on their way back to mod_dbd */
    at_connection_t *watched;    /* a statement runs on each */
    int held;                    /* how many connections of mod_dbd we have
                                    in all, those being opened included */
    int opening;
    apr_time_t returned;         /* when one was put on its way back last */

    int openers;                 /* threads */
    int resting;                 /* of these: wait for work */
    int keeper;                  /* 1: the thread runs */
    int keeper_rests;            /* 1: it waits without time-out */
    int ended;                   /* the child exits */

    /* Attempts to open, numbered, so that a request can tell one that began
     * after it came. */
    apr_uint64_t attempts;
    apr_uint64_t failed;         /* the number of the last that failed */
    apr_time_t away_since;       /* the first failure of a row of them, in any
                                    child; 0: the last one succeeded */
    apr_interval_time_t pause;   /* between attempts while they fail */
    apr_time_t next_attempt;
    at_diagnosis_t diagnosis;    /* of the last failure */
    char detail[1024];           /* its text */
};

/**
 * There is work for an opener: wake one that rests, or start one. With the
 * mutex held.
 */
void at_opener_call(at_connections_t *connections);

/** DBD, which lives as long as POOL, as one of CONNECTIONS. */
at_connection_t *at_opener_wrap(at_connections_t *connections, ap_dbd_t *dbd,
                                apr_pool_t *pool);

/** Give CONNECTION to who waits longest, or put it by. With the mutex. */
void at_opener_hand(at_connections_t *connections,
                    at_connection_t *connection);

/** The database is not away: a connection to it works. With the mutex. */
void at_opener_note_life(at_connections_t *connections);

/** Put CONNECTION on its way back to mod_dbd. With the mutex held. */
void at_opener_return(at_connections_t *connections,
                      at_connection_t *connection, apr_time_t now);

/**
 * True if CONNECTION, which is idle or was just given back, may be used as it
 * is by the next request. With the mutex held.
 */
int at_opener_keeps(const at_connections_t *connections,
                    const at_connection_t *connection, apr_time_t now);

/** The keeper is needed: wake or start it. With the mutex held. */
void at_keeper_call(at_connections_t *connections);

/**
 * End the threads. One that waits for a database which does not answer is
 * waited for, once its connection has been cut off: it stands in mod_dbd,
 * whose memory is about to go.
 */
void at_opener_end(at_connections_t *connections);

#endif /* AT_OPENER_H */
