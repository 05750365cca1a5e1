/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The threads beside those of the requests. Openers take connections from
 * mod_dbd and give them back; they may wait there without limit. The keeper
 * never waits for the database: it cuts off statements that are overdue, and
 * has connections given back that nobody uses.
 */
#ifndef AT_OPENER_H
#define AT_OPENER_H

#include "at_pool.h"

/**
 * Make what the threads of CONNECTIONS need, before it is used. It lives as
 * long as CONNECTIONS. Returns 0 if there is no memory.
 */
int at_opener_prepare(at_connections_t *connections);

/**
 * There is work for an opener: wake one that rests, or start one. To be
 * called with the mutex held.
 */
void at_opener_call(at_connections_t *connections);

/** The keeper is needed: wake or start it. To be called with the mutex held. */
void at_keeper_call(at_connections_t *connections);

/**
 * Make DBD, which mod_dbd has opened, a connection of CONNECTIONS. It lives in
 * POOL, and DBD must live as long as that. Needs no mutex.
 */
at_connection_t *at_opener_wrap(at_connections_t *connections, ap_dbd_t *dbd,
                                apr_pool_t *pool);

/**
 * End the threads, and wait for them: they use mod_dbd's memory, which is
 * about to be freed. What they wait for on a database that does not answer is
 * cut off.
 */
void at_opener_end(at_connections_t *connections);

#endif /* AT_OPENER_H */
