/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Connections for requests. They come from mod_dbd's pool, but without
 * mod_dbd's waits.
 *
 * mod_dbd waits without limit for a free connection, for the answer to its
 * ping, and for the database while it connects. So a request's thread never
 * enters it: openers (at_opener.h) take connections from mod_dbd and give
 * them back, and a request waits for an opener until its deadline. While a
 * statement runs, the keeper watches it: if the database does not answer in
 * time, it cuts off the connection, and the statement fails instead of
 * hanging.
 *
 * A connection that was used a moment ago goes to the next request without
 * mod_dbd's ping. If it is dead, the first statement fails, and the call is
 * tried again. A connection that nobody uses goes back to mod_dbd. While this
 * module holds all that DBDMax allows, it gives one back now and then, since
 * other modules may be waiting for it.
 */
#ifndef AT_CONNECTION_H
#define AT_CONNECTION_H

#include <apr_dbd.h>
#include <mod_dbd.h>

#include "at_crowd.h"
#include "at_fault.h"
#include "at_pool.h"
#include "at_store_error.h"

/**
 * Take a connection into *CONNECTION, until DEADLINE (of at_clock_now) or
 * until the configured wait is over. Returns NULL, or in RESULT_POOL why there
 * is none: AT_STORE_UNAVAILABLE or AT_STORE_BROKEN. The wait goes on while the
 * database is away; but if it has been away for longer than a call's budget,
 * one more failure to connect ends the wait. If CROWD does not let one more
 * call wait, the wait ends when the queue stalls, or after 2 s. NULL for CROWD:
 * the call may always wait. at_connection_give is to follow if there is no
 * fault.
 */
const at_fault_t *at_connection_take(at_connection_t **connection,
                                     at_connections_t *connections,
                                     apr_time_t deadline,
                                     at_crowd_t *crowd,
                                     apr_pool_t *result_pool);

/**
 * Use DBD, which mod_dbd keeps for the request of POOL, as one of CONNECTIONS,
 * so that it can be watched: *CONNECTION, which lives in POOL. It is renewed
 * first if that is due. Returns NULL, or in POOL why that cannot be done, or
 * what is wrong with the session; in the latter case DBD is cut off, so that
 * mod_dbd discards it. at_connection_give is to follow if there is no fault;
 * the connection stays mod_dbd's.
 */
const at_fault_t *at_connection_share(at_connection_t **connection,
                                      at_connections_t *connections,
                                      ap_dbd_t *dbd, apr_pool_t *pool);

/** Give CONNECTION back, after all results of its statements were freed. STATE
 *  says whether another request may use it. */
void at_connection_give(at_connection_t *connection, at_connection_e state);

/** A statement is about to run on CONNECTION: cut it off at DEADLINE, by
 *  at_clock_now. */
void at_connection_watch(at_connection_t *connection, apr_time_t deadline);

/** The statement has ended. Returns 1 if it was cut off. */
int at_connection_unwatch(at_connection_t *connection);

#endif /* AT_CONNECTION_H */
