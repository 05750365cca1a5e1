/* SPDX-License-Identifier: Apache-2.0 */
#include "at_child.h"

#include <signal.h>

#include <apr_hash.h>

#include <ap_mpm.h>
#include <http_log.h>
#include <http_main.h>

#include "at_allocator.h"
#include "at_config.h"
#include "at_crowd.h"
#include "at_opener.h"
#include "at_renewal.h"
#include "at_session.h"
#include "at_shared.h"
#include "at_socket.h"
#include "at_thread.h"

APLOG_USE_MODULE(access_token);

/* What belongs to the database of one server. */
typedef struct {
    at_connections_t *connections;
    apr_hash_t *caches;          /* at_registered_t * -> at_cache_t **, with an
                                    element for each lookup and one for the
                                    custom fields; NULL: not kept */
} database_t;

/* All members are written while the child starts, and constant then. */
typedef struct at_child_t {
    apr_hash_t *databases;       /* server_rec * -> database_t *, for servers
                                    with connections of their own; or NULL */
    at_sockets_t *sockets;       /* of all connections of mod_dbd; or NULL */
    apr_thread_mutex_t *allocator; /* of at_allocator_share, or NULL */
    at_hashing_t *hashing;       /* or NULL */
    at_crowd_t *crowd;           /* outlives the child's pool */
    sigset_t signals;            /* the mask before the child started */
} at_child_t;

/* NULL before at_child_prepare. */
static at_child_t *this_child(void)
{
    return at_server_config_of(ap_server_conf)->child;
}

static void log_no_memory(server_rec *server)
{
    ap_log_error(APLOG_MARK, APLOG_CRIT, 0, server, ATLOGNO("033")
                 "no memory for the connections to the database: calls get "
                 "503 in this child");
}

/* When httpd runs as one process, the connections of clients are closed after
 * the child's pool was destroyed, so this lives longer. */
static at_crowd_t *make_crowd(const server_rec *server)
{
    at_crowd_t *crowd = apr_palloc(server->process->pconf, sizeof(*crowd));
    int threads = 1, is_async = 0;

    ap_mpm_query(AP_MPMQ_MAX_THREADS, &threads);
    if (ap_mpm_query(AP_MPMQ_IS_ASYNC, &is_async) != APR_SUCCESS) {
        is_async = 0;
    }
    at_crowd_make(crowd, threads, is_async);
    return crowd;
}

/*
 * httpd ends a child that is still starting from a signal's handler, under
 * every MPM, and destroys all of its memory wherever the signal interrupted
 * it: in malloc, or in the driver while mod_dbd connects. Such a child
 * crashes, or waits for itself until it is killed. So these signals wait until
 * it has started.
 */
void at_child_prepare(apr_pool_t *pool, server_rec *server)
{
    at_child_t *child = apr_pcalloc(pool, sizeof(*child));

    at_server_config_of(server)->child = child;
    child->crowd = make_crowd(server);
    at_thread_block_ends(&child->signals);
    if (at_allocator_share(&child->allocator, pool) != APR_SUCCESS) {
        log_no_memory(server);
        return;
    }
    child->sockets = at_sockets_make(pool);
}

apr_status_t at_child_note(apr_pool_t *pool, dbd_cfg_t *config, ap_dbd_t *dbd)
{
    const at_child_t *child = this_child();
    apr_pool_t *scratch;

    at_renewal_note(config, dbd);
    if (child && child->sockets) {
        apr_pool_create(&scratch, pool);
        (void)at_socket_of(dbd, at_config_of_server(config->server, scratch)
                                ->retry_budget, child->sockets);
        apr_pool_destroy(scratch);
    }
    return APR_SUCCESS;
}

apr_status_t at_child_set_up(apr_pool_t *pool, dbd_cfg_t *config,
                             ap_dbd_t *dbd)
{
    (void)config;
    /* The result is kept with DBD. */
    (void)at_session_check(dbd, at_server_config_of(ap_server_conf)->uses,
                           pool);
    return APR_SUCCESS;
}

/* ---- databases */

static apr_status_t end_threads(void *data)
{
    at_opener_end(data);
    return APR_SUCCESS;
}

/* Fill in the settings of CONNECTIONS. */
static void configure(at_connections_t *connections, const at_child_t *child,
                      const at_use_t *use, const at_config_t *config)
{
    connections->server = use->server;
    connections->uses = apr_array_make(connections->pool, 1,
                                       sizeof(at_use_t));
    connections->limit = at_config_connections(config, use);
    connections->dbd_max = use->dbd_max;
    connections->wait = config->connection_wait;
    connections->reuse = config->connection_reuse;
    connections->budget = config->retry_budget;
    connections->sockets = child->sockets;
    connections->allocator = child->allocator;
    if (ap_mpm_query(AP_MPMQ_IS_THREADED, &connections->has_threads)
            != APR_SUCCESS) {
        connections->has_threads = 0;
    }
    connections->incidents = at_shared_incidents(ap_server_conf, use);
    if (!connections->incidents) {
        connections->incidents = apr_pcalloc(connections->pool,
                                             sizeof(at_incident_t)
                                             * AT_FAULT_COUNT);
    }
}

/* The database of USE in POOL, the child's, yet without uses and caches. NULL
 * if there is no memory. */
static database_t *make_database(const at_child_t *child, const at_use_t *use,
                                 const at_config_t *config, apr_pool_t *pool)
{
    at_connections_t *connections = at_pool_make(pool);
    database_t *database;

    if (!connections || !at_opener_prepare(connections)) {
        return NULL;
    }
    configure(connections, child, use, config);
    /* The threads use pools of mod_dbd, which are sub-pools of POOL. */
    apr_pool_pre_cleanup_register(pool, connections, end_threads);
    database = apr_pcalloc(pool, sizeof(*database));
    database->connections = connections;
    database->caches = apr_hash_make(pool);
    return database;
}

/* How long what was read under a revision is kept. It is right for ever, unless
 * someone has changed the data without changing the revision, for instance by
 * a table that has lost its triggers. */
#define UNDER_REVISION apr_time_from_sec(600)

/* A cache in POOL for each lookup of REGISTERED, and one for its custom fields,
 * which share the memory that CONFIG allows. One for which there is no memory
 * is NULL. */
static at_cache_t **make_caches(const at_registered_t *registered,
                                const at_config_t *config, apr_pool_t *pool)
{
    const at_statements_t *statements = at_dbd_statements(registered);
    int count = statements->lookups->nelts, i;
    /* Each cache has two generations. */
    apr_size_t capacity = ((apr_size_t)config->lookup_memory << 20)
                          / (2 * (apr_size_t)(count + 1));
    at_cache_t **caches = apr_pcalloc(pool, sizeof(*caches)
                                            * ((apr_size_t)count + 1));

    for (i = 0; i < count; i++) {
        const at_lookup_t *lookup = &APR_ARRAY_IDX(statements->lookups, i,
                                                   at_lookup_t);
        apr_interval_time_t lifetime = at_revision_is_in(lookup->statement)
                                       ? UNDER_REVISION
                                       : config->lookup_lifetime;

        if (lifetime > 0) {
            caches[i] = at_cache_make(capacity, lifetime, pool);
        }
    }
    if (statements->custom_revisions->nelts > 0) {
        caches[count] = at_cache_make(capacity, UNDER_REVISION, pool);
    }
    return caches;
}

/* Add USE, and its database if that is new. Returns 0 if there is no
 * memory. */
static int add_use(apr_hash_t *databases, const at_child_t *child,
                   const at_use_t *use, apr_pool_t *pool,
                   apr_pool_t *scratch)
{
    const at_config_t *config = at_config_of_server(use->server, scratch);
    database_t *database = apr_hash_get(databases, &use->server,
                                        sizeof(use->server));

    if (!database) {
        database = make_database(child, use, config, pool);
        if (!database) {
            return 0;
        }
        apr_hash_set(databases, &use->server, sizeof(use->server), database);
    }
    APR_ARRAY_PUSH(database->connections->uses, at_use_t) = *use;
    apr_hash_set(database->caches, &use->registered, sizeof(use->registered),
                 make_caches(use->registered, config, pool));
    return 1;
}

static void make_databases(at_child_t *child, server_rec *server,
                           apr_pool_t *pool)
{
    const apr_array_header_t *uses = at_server_config_of(server)->uses;
    apr_hash_t *databases = apr_hash_make(pool);
    apr_pool_t *scratch;
    int i = 0;

    if (!at_allocator_is_shared(pool)) {
        return;
    }
    apr_pool_create(&scratch, pool);
    while (i < uses->nelts && add_use(databases, child,
                                      &APR_ARRAY_IDX(uses, i, at_use_t), pool,
                                      scratch)) {
        i++;
    }
    apr_pool_destroy(scratch);
    if (i < uses->nelts) {
        log_no_memory(server);
        return;
    }
    child->databases = databases;
}

/* ---- hashing */

static apr_status_t end_hashing(void *data)
{
    at_hashing_end(data);
    return APR_SUCCESS;
}

static void make_hashing(at_child_t *child, server_rec *server,
                         apr_pool_t *pool)
{
    int limit = at_server_config_of(server)->hashing_limit;

    child->hashing = at_hashing_make(limit ? limit : at_hashing_processors(),
                                     at_crowd_hashing_places(child->crowd),
                                     at_shared_floor(server));
    if (!child->hashing) {
        ap_log_error(APLOG_MARK, APLOG_CRIT, 0, server, ATLOGNO("039")
                     "no memory for AccessTokenHashingLimit: this child "
                     "hashes without a limit");
        return;
    }
    apr_pool_pre_cleanup_register(pool, child->hashing, end_hashing);
}

void at_child_init(apr_pool_t *pool, server_rec *server)
{
    at_child_t *child = this_child();

    make_hashing(child, server, pool);
    make_databases(child, server, pool);
    at_thread_unblock(&child->signals);
}

at_hashing_t *at_child_hashing(void)
{
    return this_child()->hashing;
}

/* ---- clients */

static apr_status_t note_end(void *data)
{
    at_crowd_disconnect(data);
    return APR_SUCCESS;
}

int at_child_connect(conn_rec *c, void *socket)
{
    at_crowd_t *crowd = this_child()->crowd;

    (void)socket;
    /* The connections of mod_proxy to other servers have no scoreboard. */
    if (!c->master && c->sbh) {
        at_crowd_connect(crowd);
        apr_pool_cleanup_register(c->pool, crowd, note_end,
                                  apr_pool_cleanup_null);
    }
    return OK;
}

at_crowd_t *at_child_crowd(void)
{
    return this_child()->crowd;
}

/* ---- requests */

static const database_t *database_of(const request_rec *r)
{
    const at_server_config_t *config = at_server_config_of(ap_server_conf);
    server_rec *served_by = apr_hash_get(config->served_by, &r->server,
                                         sizeof(r->server));

    return served_by && config->child->databases
           ? apr_hash_get(config->child->databases, &served_by,
                          sizeof(served_by)) : NULL;
}

at_connections_t *at_child_connections(const request_rec *r)
{
    const database_t *database = database_of(r);

    return database ? database->connections : NULL;
}

at_incident_t *at_child_incidents(const request_rec *r)
{
    const database_t *database = database_of(r);

    return database ? database->connections->incidents : NULL;
}

at_cache_t *at_child_cache(const request_rec *r,
                           const at_registered_t *registered, int number)
{
    const database_t *database = database_of(r);
    at_cache_t **caches = database
        ? apr_hash_get(database->caches, &registered, sizeof(registered))
        : NULL;

    return caches ? caches[number] : NULL;
}

/* ---- status */

/* Call VISIT for each of CACHES, those of REGISTERED. */
static void visit_caches(at_cache_t *const *caches,
                         const at_registered_t *registered,
                         at_child_visit_t visit, void *baton)
{
    const at_statements_t *statements = at_dbd_statements(registered);
    int i, count = statements->lookups->nelts;

    for (i = 0; i <= count; i++) {
        at_cache_content_t content = { 0, 0, 0 };

        if (caches[i]) {
            at_cache_count(caches[i], &content);
            visit(baton, statements->folder, i == count ? "custom_fields"
                  : APR_ARRAY_IDX(statements->lookups, i, at_lookup_t).name,
                  &content);
        }
    }
}

void at_child_visit_caches(at_child_visit_t visit, void *baton,
                           apr_pool_t *scratch_pool)
{
    apr_hash_t *databases = this_child()->databases;
    apr_hash_index_t *database, *use;

    for (database = databases ? apr_hash_first(scratch_pool, databases)
                              : NULL;
         database; database = apr_hash_next(database)) {
        const database_t *of_server = apr_hash_this_val(database);

        for (use = apr_hash_first(scratch_pool, of_server->caches); use;
             use = apr_hash_next(use)) {
            visit_caches(apr_hash_this_val(use),
                         *(const at_registered_t *const *)
                             apr_hash_this_key(use), visit, baton);
        }
    }
}
