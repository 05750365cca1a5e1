/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Connections for requests, of mod_dbd's pool, without mod_dbd's waits.
 *
 * A request's thread never enters mod_dbd, which waits without limit for a
 * free connection, for an answer to its ping, and for whoever connects
 * meanwhile. Threads of this file's own do that, and close what is given
 * back; a request waits for what they bring, and no longer than it wants.
 * While a statement runs, another thread watches: it cuts off a connection
 * on which the database does not answer in time, so that the statement
 * fails instead of hanging.
 *
 * What was used a moment ago is handed on as it is, without mod_dbd's look
 * whether it is alive: if it is not, the first statement fails, and the call
 * is tried again. What nobody uses goes back to mod_dbd; and while we have all
 * that DBDMax allows, one goes back now and then, since other modules may
 * wait for it.
 */
#ifndef AT_CONNECTION_H
#define AT_CONNECTION_H

#include <httpd.h>

#include <apr_dbd.h>
#include <mod_dbd.h>

#include "at_cache.h"
#include "at_config.h"
#include "at_diagnosis.h"
#include "at_incident.h"
#include "at_pool.h"
#include "at_store_error.h"

/**
 * Make the list of mod_dbd's sockets in this child process. The child_init
 * hook, before mod_dbd's. POOL is the child's.
 */
void at_connections_prepare(apr_pool_t *pool, server_rec *server);

/** The hook post_connect of mod_dbd: DBD is a new connection of CONFIG. To
 *  run first: what others do there may wait for the database. */
apr_status_t at_connections_note(apr_pool_t *pool, dbd_cfg_t *config,
                                 ap_dbd_t *dbd);

/** The same hook, to run last: then nobody changes the session any more. */
apr_status_t at_connections_set_up(apr_pool_t *pool, dbd_cfg_t *config,
                                   ap_dbd_t *dbd);

/**
 * Make what the servers with a database need, in this child process. The
 * child_init hook, behind mod_dbd's. POOL is the child's.
 */
void at_connections_init(apr_pool_t *pool, server_rec *server);

/** The connections for R. NULL if its server has no database. */
at_connections_t *at_connections_of(request_rec *r);

/**
 * The cache of lookup number LOOKUP of SOURCE on the database of CONNECTIONS;
 * NULL if lookups are not kept.
 */
at_cache_t *at_connections_cache(const at_connections_t *connections,
                                 const at_dbd_t *source, int lookup);

/** The incidents of the database of CONNECTIONS. */
at_incident_t *at_connections_incidents(const at_connections_t *connections);

/**
 * Take a connection, by DEADLINE (of at_clock_now) at the latest, or when the
 * configured wait is over. NULL with *WHY filled (detail in POOL):
 * AT_STORE_UNAVAILABLE, or AT_STORE_BROKEN. While the database is away the
 * wait goes on; but once it has been away for longer than a call's budget,
 * one more failure to connect is answer enough.
 */
at_connection_t *at_connection_take(at_connections_t *connections,
                                    apr_time_t deadline, at_diagnosis_t *why,
                                    apr_pool_t *pool);

/**
 * Wrap DBD, which mod_dbd keeps for the request of POOL, so that it can be
 * watched; make it anew if that is due. It is not given back. NULL with *WHY
 * filled (detail in POOL) if it cannot be made anew, or if its session is not
 * as it must be; that one is cut off, so that mod_dbd discards it.
 */
at_connection_t *at_connection_share(at_connections_t *connections,
                                     ap_dbd_t *dbd, at_diagnosis_t *why,
                                     apr_pool_t *pool);

/** Give CONNECTION back. What its statements gave must be gone before. */
void at_connection_give(at_connection_t *connection, at_connection_e state);

/** A statement is about to run on CONNECTION: cut it off at DEADLINE. */
void at_connection_watch(at_connection_t *connection, apr_time_t deadline);

/** It has ended. Returns 1 if it was cut off. */
int at_connection_unwatch(at_connection_t *connection);

#endif /* AT_CONNECTION_H */
