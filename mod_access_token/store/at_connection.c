/* SPDX-License-Identifier: Apache-2.0 */
#include "at_connection.h"

#include <string.h>

#include <apr_strings.h>

#include <ap_mpm.h>
#include <http_log.h>
#include <http_main.h>

#include "at_allocator.h"
#include "at_clock.h"
#include "at_opener.h"
#include "at_session.h"
#include "at_shared.h"
#include "at_socket.h"
#include "at_thread.h"

APLOG_USE_MODULE(access_token);

/* Of each lookup a child keeps at most twice so many rows. */
#define CACHED_ROWS 5000

/* ---- making them */

static apr_status_t end_threads(void *data)
{
    at_opener_end(data);
    return APR_SUCCESS;
}

static at_connections_t *make_connections(const at_use_t *use,
                                          apr_pool_t *parent)
{
    const at_config_t *config = at_config_of_server(use->server, parent);
    at_connections_t *made = at_pool_make(parent);

    if (!made || !at_opener_prepare(made)) {
        return NULL;
    }
    made->server = use->server;
    made->sockets = at_server_config_of(use->server)->sockets;
    made->allocator = at_server_config_of(use->server)->allocator;
    made->uses = apr_array_make(made->pool, 1, sizeof(at_use_t));
    made->limit = at_config_connections(config, use);
    made->dbd_max = use->dbd_max;
    made->wait = config->connection_wait;
    made->reuse = config->connection_reuse;
    made->budget = config->retry_budget;
    if (ap_mpm_query(AP_MPMQ_IS_THREADED, &made->has_threads)
            != APR_SUCCESS) {
        made->has_threads = 0;
    }
    made->incidents = at_shared_incidents(ap_server_conf, use);
    if (!made->incidents) {
        made->incidents = apr_pcalloc(made->pool, sizeof(at_incident_t)
                                                  * AT_FAULT_COUNT);
    }
    /* Before mod_dbd's pools are gone, which are sub-pools of PARENT. */
    apr_pool_pre_cleanup_register(parent, made, end_threads);
    return made;
}

static void log_no_memory(server_rec *server)
{
    ap_log_error(APLOG_MARK, APLOG_CRIT, 0, server, ATLOGNO("033")
                 "no memory for the connections to the database: calls get "
                 "503 in this child");
}

/*
 * httpd ends a child that still starts from a signal's handler, under every
 * MPM, and so destroys all of its memory wherever that has interrupted it: in
 * malloc or in the driver, while mod_dbd connects. Such a child crashes, or
 * waits for itself until it is killed. So these signals wait until it has
 * started.
 */
void at_connections_prepare(apr_pool_t *pool, server_rec *server)
{
    at_server_config_t *config = at_server_config_of(server);
    apr_thread_mutex_t *memory;
    at_sockets_t *sockets;

    if (!config->uses) {
        return;
    }
    at_thread_block_ends(&config->signals);
    config->holds_signals = 1;
    if (at_allocator_share(&memory, pool) != APR_SUCCESS) {
        log_no_memory(server);
        return;
    }
    sockets = at_sockets_make(pool);
    for (; server; server = server->next) {
        at_server_config_of(server)->sockets = sockets;
        at_server_config_of(server)->allocator = memory;
    }
}

apr_status_t at_connections_note(apr_pool_t *pool, dbd_cfg_t *config,
                                 ap_dbd_t *dbd)
{
    at_sockets_t *sockets = at_server_config_of(config->server)->sockets;

    at_renewal_note(config, dbd);
    if (sockets) {
        (void)at_socket_of(dbd, at_config_of_server(config->server, pool)
                                ->retry_budget, sockets);
    }
    return APR_SUCCESS;
}

apr_status_t at_connections_set_up(apr_pool_t *pool, dbd_cfg_t *config,
                                   ap_dbd_t *dbd)
{
    const apr_array_header_t *uses =
        at_server_config_of(ap_server_conf)->uses;
    at_diagnosis_t ignored;          /* it is kept with DBD */

    (void)config;
    if (uses) {
        (void)at_session_check(&ignored, dbd, uses, pool);
    }
    return APR_SUCCESS;
}

/* A cache for each lookup of USE. Without memory none is kept. */
static at_cache_t **make_caches(const at_use_t *use, apr_pool_t *pool)
{
    const apr_array_header_t *lookups =
        at_dbd_statements(use->source)->lookups;
    apr_interval_time_t lifetime =
        at_config_of_server(use->server, pool)->lookup_lifetime;
    at_cache_t **caches = apr_pcalloc(pool, sizeof(*caches)
                                      * (apr_size_t)(lookups->nelts + 1));
    int i;

    for (i = 0; lifetime > 0 && i < lookups->nelts; i++) {
        const at_statement_t *statement =
            APR_ARRAY_IDX(lookups, i, at_lookup_t).statement;

        caches[i] = at_cache_make(statement->columns->nelts, CACHED_ROWS,
                                  lifetime, pool);
    }
    return caches;
}

/* For each server the connections that it uses: some use the main one's. */
static apr_hash_t *share(apr_hash_t *of_servers, server_rec *main_server,
                         apr_pool_t *pool)
{
    apr_hash_t *served_by = at_server_config_of(main_server)->served_by;
    apr_hash_t *by_server = apr_hash_make(pool);
    apr_hash_index_t *index;

    for (index = apr_hash_first(pool, served_by); index;
         index = apr_hash_next(index)) {
        const void *server;
        apr_ssize_t length;
        void *by;

        apr_hash_this(index, &server, &length, &by);
        apr_hash_set(by_server, server, length,
                     apr_hash_get(of_servers, &by, sizeof(by)));
    }
    return by_server;
}

static void make_all(apr_pool_t *pool, server_rec *server)
{
    const apr_array_header_t *uses = at_server_config_of(server)->uses;
    apr_hash_t *of_servers = apr_hash_make(pool), *by_server;
    server_rec *each;
    int i;

    if (!uses || !at_allocator_is_shared(pool)) {
        return;
    }
    for (i = 0; i < uses->nelts; i++) {
        const at_use_t *use = &APR_ARRAY_IDX(uses, i, at_use_t);
        at_connections_t *made = apr_hash_get(of_servers, &use->server,
                                              sizeof(use->server));

        if (!made) {
            made = make_connections(use, pool);
            if (!made) {
                log_no_memory(server);
                return;
            }
            apr_hash_set(of_servers, &use->server, sizeof(use->server),
                         made);
        }
        APR_ARRAY_PUSH(made->uses, at_use_t) = *use;
        APR_ARRAY_IDX(made->uses, made->uses->nelts - 1, at_use_t).caches =
            make_caches(use, pool);
    }
    by_server = share(of_servers, server, pool);
    for (each = server; each; each = each->next) {
        at_server_config_of(each)->connections = by_server;
    }
}

void at_connections_init(apr_pool_t *pool, server_rec *server)
{
    at_server_config_t *config = at_server_config_of(server);

    make_all(pool, server);
    if (config->holds_signals) {
        config->holds_signals = 0;
        at_thread_unblock(&config->signals);
    }
}

at_connections_t *at_connections_of(request_rec *r)
{
    apr_hash_t *connections = at_server_config_of(r->server)->connections;

    return connections ? apr_hash_get(connections, &r->server,
                                      sizeof(r->server)) : NULL;
}

at_cache_t *at_connections_cache(const at_connections_t *connections,
                                 const at_dbd_t *source, int lookup)
{
    int i;

    for (i = 0; i < connections->uses->nelts; i++) {
        const at_use_t *use = &APR_ARRAY_IDX(connections->uses, i, at_use_t);

        if (use->source == source) {
            return use->caches[lookup];
        }
    }
    return NULL;
}

at_incident_t *at_connections_incidents(const at_connections_t *connections)
{
    return connections->incidents;
}

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

static void refuse(at_diagnosis_t *why, at_fault_e fault, const char *detail)
{
    memset(why, 0, sizeof(*why));
    why->outcome = AT_STORE_UNAVAILABLE;
    why->fault = fault;
    why->detail = detail;
}

/* With the mutex held. */
static at_connection_t *wait_for_one(at_connections_t *connections,
                                     apr_time_t until, at_diagnosis_t *why,
                                     apr_pool_t *pool)
{
    apr_uint64_t attempt = at_pool_attempts(connections);
    apr_time_t now = at_clock_now();
    at_waiter_t waiter;

    memset(&waiter, 0, sizeof(waiter));
    if (!at_clock_make_condition(&waiter.news)) {
        refuse(why, AT_FAULT_PLACE, "no memory to wait for a connection");
        return NULL;
    }
    at_pool_enqueue(connections, &waiter);
    while (!waiter.connection && now < until
           && !at_pool_is_hopeless(connections, attempt, now)) {
        at_opener_call(connections);
        at_clock_wait(&waiter.news, &connections->mutex, until);
        now = at_clock_now();
    }
    if (!waiter.connection) {
        at_pool_dequeue(connections, &waiter);
        at_pool_explain(connections, why, pool);
    }
    pthread_cond_destroy(&waiter.news);
    return waiter.connection;
}

at_connection_t *at_connection_take(at_connections_t *connections,
                                    apr_time_t deadline, at_diagnosis_t *why,
                                    apr_pool_t *pool)
{
    apr_time_t now = at_clock_now();
    apr_time_t until = now + connections->wait;
    at_connection_t *connection;
    sigset_t signals;

    hold_signals(connections, &signals);
    pthread_mutex_lock(&connections->mutex);
    connection = at_pool_take(connections, now);
    if (!connection) {
        connection = wait_for_one(connections,
                                  until < deadline ? until : deadline, why,
                                  pool);
    }
    pthread_mutex_unlock(&connections->mutex);
    if (!connection) {
        release_signals(connections, &signals);
        return NULL;
    }
    connection->signals = signals;
    return connection;
}

at_connection_t *at_connection_share(at_connections_t *connections,
                                     ap_dbd_t *dbd, at_diagnosis_t *why,
                                     apr_pool_t *pool)
{
    at_renewal_t *renewal = at_renewal_of(dbd);
    at_connection_t *connection;
    sigset_t signals;

    hold_signals(connections, &signals);
    if (!at_session_check(why, dbd, connections->uses, pool)) {
        at_socket_cut(at_socket_of(dbd, connections->budget,
                                   connections->sockets));
        release_signals(connections, &signals);
        return NULL;
    }
    if (at_renewal_is_due(renewal)
        && !at_renewal_make(renewal, why, pool)) {
        release_signals(connections, &signals);
        return NULL;
    }
    connection = at_opener_wrap(connections, dbd, pool);
    connection->shared = 1;
    connection->signals = signals;
    return connection;
}

void at_connection_give(at_connection_t *connection, at_connection_e state)
{
    at_connections_t *connections = connection->owner;
    int is_good = state == AT_CONNECTION_KEEP && !connection->cut;
    sigset_t signals = connection->signals;

    if (!is_good) {
        /* mod_dbd will find it dead and discard it; or it is made anew. */
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
