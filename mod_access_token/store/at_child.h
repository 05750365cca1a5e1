/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a child process owns: the connections of each database and their
 * sockets, the caches of lookups, and the threads that hash. It is made when
 * the child starts and ends with the child's pool. Nothing here is shared with
 * other processes; at_shared.h has what is.
 */
#ifndef AT_CHILD_H
#define AT_CHILD_H

#include <httpd.h>

#include <apr_dbd.h>
#include <mod_dbd.h>

#include "at_cache.h"
#include "at_crowd.h"
#include "at_dbd.h"
#include "at_hashing.h"
#include "at_incident.h"
#include "at_pool.h"

/**
 * The child_init hook, to run before mod_dbd's, which connects: blocks the
 * signals that would end a child that is still starting, and makes the list
 * of sockets. POOL is the child's, SERVER the main server.
 */
void at_child_prepare(apr_pool_t *pool, server_rec *server);

/** The hook post_connect of mod_dbd: DBD is a new connection of CONFIG. To
 *  run first: what other modules do there may wait for the database. */
apr_status_t at_child_note(apr_pool_t *pool, dbd_cfg_t *config,
                           ap_dbd_t *dbd);

/** The same hook, to run last, when no other module changes the session any
 *  more: sets the session up. */
apr_status_t at_child_set_up(apr_pool_t *pool, dbd_cfg_t *config,
                             ap_dbd_t *dbd);

/**
 * The child_init hook, to run after mod_dbd's: makes all the rest, and
 * unblocks the signals. What there is no memory for is missing, and the log
 * says what that means for calls. POOL and SERVER are those of
 * at_child_prepare.
 */
void at_child_init(apr_pool_t *pool, server_rec *server);

/** The pre_connection hook: a client has opened C. It is counted until it is
 *  closed, unless it is a stream of another connection. */
int at_child_connect(conn_rec *c, void *socket);

/** The calls and the clients' connections of this child. */
at_crowd_t *at_child_crowd(void);

/** The threads that hash, for at_hashing_run; NULL if they could not be
 *  made: then nothing limits the hashing in this child. */
at_hashing_t *at_child_hashing(void);

/** The connections for R. NULL if no database is configured for its server,
 *  or there was no memory. */
at_connections_t *at_child_connections(const request_rec *r);

/** The incidents of the database of R, AT_FAULT_COUNT elements. NULL where
 *  at_child_connections is. */
at_incident_t *at_child_incidents(const request_rec *r);

/** The cache of lookup number NUMBER of REGISTERED on the database of R; that
 *  of the custom fields for the number of lookups. NULL if what it reads is not
 *  kept. */
at_cache_t *at_child_cache(const request_rec *r,
                           const at_registered_t *registered, int number);

/** Called with BATON for one cache: the FOLDER of its statements, the NAME of
 *  what it caches, and its CONTENT, which is valid during the call. */
typedef void (*at_child_visit_t)(void *baton, const char *folder,
                                 const char *name,
                                 const at_cache_content_t *content);

/** Call VISIT with BATON for each cache of this child. */
void at_child_visit_caches(at_child_visit_t visit, void *baton,
                           apr_pool_t *scratch_pool);

#endif /* AT_CHILD_H */
