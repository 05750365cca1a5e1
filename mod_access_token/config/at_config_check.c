/* SPDX-License-Identifier: Apache-2.0 */
#include "at_config_check.h"

#include <stdlib.h>
#include <string.h>

#include <apr_strings.h>

#include <http_config.h>
#include <http_log.h>

#include "at_config.h"
#include "at_tree.h"

APLOG_USE_MODULE(access_token);

/* The default of DBDMax. */
#define MOD_DBD_MAX 10

/* How much longer than its budget a call may take. */
#define AFTER_BUDGET apr_time_from_sec(1)

/* ---- mistakes: true if there is one, which is logged */

/* A new hash must not cost more than the limit for verifying it. */
static int is_wrong_scheme(const ap_directive_t *node, server_rec *server,
                           apr_pool_t *pool)
{
    const at_cost_t *limit = &at_server_config_of(server)->pass_code_limit;
    const char *arguments = node->args;
    const char *name = ap_getword_conf(pool, &arguments);
    const at_scheme_t *scheme;
    at_cost_t cost;

    if (at_scheme_make(&scheme, name, *arguments ? ap_getword_conf(pool,
                       &arguments) : NULL, pool)) {
        return 0;                /* the directive has reported this */
    }
    cost = at_scheme_cost(scheme);
    if (!at_cost_exceeds(&cost, limit)) {
        return 0;
    }
    ap_log_error(APLOG_MARK, APLOG_CRIT, 0, server, ATLOGNO("053") "%s:%d: "
                 "AccessTokenPassCodeScheme: to verify a new hash would take "
                 "about %.1f s and %.0f MB. AccessTokenPassCodeLimit is %.1f s "
                 "and %.0f MB. Take a lower cost, or raise the limit.",
                 node->filename, node->line_num, cost.milliseconds / 1000,
                 cost.megabytes, limit->milliseconds / 1000,
                 limit->megabytes);
    return 1;
}

static int is_wrong(const ap_directive_t *node, server_rec *server,
                    apr_pool_t *pool)
{
    if (!ap_cstr_casecmp(node->directive, "AccessTokenStatements")
        && !at_tree_applies(node, "DBDriver")) {
        ap_log_error(APLOG_MARK, APLOG_CRIT, 0, server, ATLOGNO("010")
                     "%s:%d: AccessTokenStatements needs a database. Add "
                     "DBDriver and DBDParams, as in access_token-mysql.conf "
                     "or access_token-sqlite3.conf.", node->filename,
                     node->line_num);
        return 1;
    }
    if (at_tree_is_method(node, pool) && ap_find_linked_module("mod_dbd.c")
        && !at_tree_applies(node, "AccessTokenStatements")) {
        ap_log_error(APLOG_MARK, APLOG_CRIT, 0, server, ATLOGNO("011")
                     "%s:%d: SetHandler " AT_HANDLER_UPDATE " needs "
                     "AccessTokenStatements with the folder of the statement "
                     "files. Include access_token-mysql.conf or "
                     "access_token-sqlite3.conf, which set it (Debian: "
                     "a2enconf).", node->filename, node->line_num);
        return 1;
    }
    return !ap_cstr_casecmp(node->directive, "AccessTokenPassCodeScheme")
           && is_wrong_scheme(node, server, pool);
}

/* ---- which statements are used with which database */

/* Add to USES a use of each of FOLDERS (at_config.h), with the database of
 * MODEL. */
static void add_uses(apr_array_header_t *uses, const at_use_t *model,
                     apr_hash_t *folders)
{
    apr_hash_index_t *index;

    for (index = apr_hash_first(uses->pool, folders); index;
         index = apr_hash_next(index)) {
        at_use_t *use = apr_array_push(uses);
        void *registered;

        apr_hash_this(index, NULL, NULL, &registered);
        *use = *model;
        use->registered = registered;
    }
}

/* Read the database of HOST into MODEL, from the directives of mod_dbd. False
 * if it has none. */
static int read_database(at_use_t *model, const ap_directive_t *host,
                         apr_pool_t *pool)
{
    const char *max;

    model->driver = at_tree_argument(pool, at_tree_find("DBDriver", host));
    model->params = at_tree_argument(pool, at_tree_find("DBDParams", host));
    model->params = model->params ? model->params : "";
    max = at_tree_argument(pool, at_tree_find("DBDMax", host));
    model->dbd_max = max && atoi(max) > 0 ? atoi(max) : MOD_DBD_MAX;
    return model->driver != NULL;
}

static int is_same_database(const at_use_t *one, const at_use_t *other)
{
    return !ap_cstr_casecmp(one->driver, other->driver)
           && !strcmp(one->params, other->params);
}

/* True if HOST serves the method with the main server's statements. */
static int uses_main_statements(const ap_directive_t *host, apr_pool_t *pool)
{
    return !at_tree_has_own("AccessTokenStatements", host)
           && at_tree_method(host, pool) != NULL;
}

/*
 * True if a virtual host with the database of MODEL serves the method with the
 * main server's statements. mod_dbd makes one pool of connections for all hosts
 * with the same database, so the same statements must be prepared for all of
 * them.
 */
static int wants_main_statements(const at_use_t *model,
                                 server_rec *main_server, apr_pool_t *pool)
{
    at_use_t other = { NULL, NULL, NULL, NULL, 0 };
    server_rec *each;

    for (each = main_server->next; each; each = each->next) {
        const ap_directive_t *host = at_tree_section(each);

        if (read_database(&other, host, pool)
            && is_same_database(model, &other)
            && uses_main_statements(host, pool)) {
            return 1;
        }
    }
    return 0;
}

/*
 * HOST has a database of its own, and inherits the main server's statements, so
 * mod_dbd would prepare them there. If that database lacks their tables, no
 * connection to it would work, not even for other modules. So they are
 * withdrawn, unless they are used there.
 */
static void inherit(apr_array_header_t *uses, const at_use_t *model,
                    const ap_directive_t *host, server_rec *main_server)
{
    apr_hash_t *folders = at_server_config_of(main_server)->folders;
    apr_hash_index_t *index;
    at_use_t of_main = { NULL, NULL, NULL, NULL, 0 };

    if (read_database(&of_main, NULL, uses->pool)
        && is_same_database(&of_main, model)) {
        return;
    }
    if ((!of_main.driver || !ap_cstr_casecmp(of_main.driver, model->driver))
        && wants_main_statements(model, main_server, uses->pool)) {
        if (uses_main_statements(host, uses->pool)) {
            add_uses(uses, model, folders);
        }
        return;
    }
    for (index = apr_hash_first(uses->pool, folders); index;
         index = apr_hash_next(index)) {
        void *registered;

        apr_hash_this(index, NULL, NULL, &registered);
        at_dbd_withdraw(registered, model->server);
    }
}

/* Note whose connections the server of MODEL uses. HAS_USES: statements are
 * prepared for it. OWN: it has directives for a database of its own. */
static void note_server(at_server_config_t *main_config,
                        const at_use_t *model, server_rec *main_server,
                        int has_uses, int own)
{
    at_use_t of_main = { NULL, NULL, NULL, NULL, 0 };
    apr_pool_t *pool = main_config->uses->pool;
    server_rec **key = apr_pmemdup(pool, &model->server, sizeof(*key));

    if (has_uses) {
        apr_hash_set(main_config->served_by, key, sizeof(*key),
                     model->server);
    }
    else if (!own || (read_database(&of_main, NULL, pool)
                      && is_same_database(&of_main, model))) {
        apr_hash_set(main_config->served_by, key, sizeof(*key), main_server);
    }
}

/* Add to USES which statements are used with which database. */
static void collect_uses(apr_array_header_t *uses, server_rec *main_server)
{
    at_server_config_t *main_config = at_server_config_of(main_server);
    at_use_t model = { NULL, NULL, NULL, NULL, 0 };

    for (model.server = main_server; model.server;
         model.server = model.server->next) {
        const at_server_config_t *config = at_server_config_of(model.server);
        const ap_directive_t *host = at_tree_section(model.server);
        int before = uses->nelts, own;

        if (!read_database(&model, host, uses->pool)) {
            continue;
        }
        if (model.server == main_server || config != main_config) {
            add_uses(uses, &model, config->folders);
        }
        own = at_tree_has_own("DBDriver", host)
              || at_tree_has_own("DBDParams", host);
        if (own) {
            inherit(uses, &model, host, main_server);
        }
        note_server(main_config, &model, main_server, uses->nelts > before,
                    own);
    }
}

/* ---- what is only warned of: addresses without a database, and sizes that do
 * not fit together */

/* Warn if SERVER, with the section HOST, serves the method but has no database
 * for it: at_config_has_database says no there. */
static void check_method(server_rec *server, const ap_directive_t *host,
                         apr_pool_t *pool)
{
    const ap_directive_t *method = at_tree_method(host, pool);

    if (!method || (at_config_connects(server)
                    && at_tree_find("AccessTokenStatements", host))) {
        return;
    }
    ap_log_error(APLOG_MARK, APLOG_WARNING, 0, server, ATLOGNO("012")
                 "%s%s has no database for SetHandler " AT_HANDLER_UPDATE
                 " (%s:%d): calls get 404 there. %s",
                 host ? "virtual host " : "the main server",
                 host ? apr_psprintf(pool, "%s (line %d of %s)",
                                     server->server_hostname, host->line_num,
                                     host->filename) : "",
                 method->filename, method->line_num,
                 ap_find_linked_module("mod_dbd.c")
                 ? "Include access_token.conf only in the <VirtualHost> that "
                   "serves the method, beside access_token-mysql.conf or "
                   "access_token-sqlite3.conf."
                 : "Load mod_dbd (Debian: a2enmod dbd).");
}

/* Warn if a code or an identifier can be set, and no @unique names the key that
 * refuses duplicates. */
static void check_uniques(const at_use_t *use)
{
    const at_statements_t *statements = at_dbd_statements(use->registered);
    const at_statement_t *save = statements->statement[AT_STATEMENT_SAVE];
    int field, i;

    for (field = 0; field < AT_CREDENTIAL_PASS_CODE; field++) {
        const char *name = at_field_get(field)->name;
        int is_named = 0;

        for (i = 0; i < save->uniques->nelts; i++) {
            is_named |= !strcmp(APR_ARRAY_IDX(save->uniques, i,
                                              at_unique_t).field, name);
        }
        if (statements->settable[field] && !is_named) {
            ap_log_error(APLOG_MARK, APLOG_WARNING, 0, use->server,
                         ATLOGNO("067") "%s: it can set %s, and no @unique "
                         "names the unique key that refuses a value of "
                         "another access token. Without a key two may get "
                         "the same; without the line the client gets 500. "
                         "Add both: -- @unique KEY %s", save->file, name,
                         name);
        }
    }
}

/* Warn if keys are wanted, and the statements of USE keep none. */
static void check_keys(const at_use_t *use, const at_config_t *config)
{
    const at_statements_t *statements = at_dbd_statements(use->registered);

    if ((config->secret || at_tree_has("AccessTokenIdempotencyKeyFile"))
        && !statements->statement[AT_STATEMENT_FIND_REQUEST]) {
        ap_log_error(APLOG_MARK, APLOG_WARNING, 0, use->server,
                     ATLOGNO("065") "AccessTokenIdempotencyKeyFile is set, but "
                     "save.sql of %s keeps no keys: its calls with an "
                     "Idempotency-Key get 400. Let it store "
                     ":idempotency_key and :request_digest, as the shipped "
                     "one does.", statements->folder);
    }
}

static void check_sizes(const at_use_t *use, const at_config_t *config)
{
    int connections = at_config_connections(config, use);

    if (connections > use->dbd_max) {
        ap_log_error(APLOG_MARK, APLOG_WARNING, 0, use->server,
                     ATLOGNO("034") "AccessTokenConnections %d is more than "
                     "DBDMax, %d: further calls wait in mod_dbd. Raise "
                     "DBDMax, or remove AccessTokenConnections.",
                     connections, use->dbd_max);
    }
    if (config->balancer_timeout
        && config->balancer_timeout < config->retry_budget + AFTER_BUDGET) {
        ap_log_error(APLOG_MARK, APLOG_WARNING, 0, use->server,
                     ATLOGNO("035") "AccessTokenRetryBudget, %" APR_TIME_T_FMT
                     " ms, plus one second is more than "
                     "AccessTokenBalancerTimeout, %" APR_TIME_T_FMT " ms: the "
                     "balancer would give up calls that are still being "
                     "processed. Lower the budget, or raise the balancer's "
                     "time-out.", apr_time_as_msec(config->retry_budget),
                     apr_time_as_msec(config->balancer_timeout));
    }
}

/* Check each of USES, and the sizes of each server once. */
static void check_uses(const apr_array_header_t *uses, apr_pool_t *pool)
{
    int i, k, seen;

    for (i = 0; i < uses->nelts; i++) {
        const at_use_t *use = &APR_ARRAY_IDX(uses, i, at_use_t);
        const at_config_t *config = at_config_of_server(use->server, pool);

        check_keys(use, config);
        check_uniques(use);
        for (k = 0, seen = 0; k < i; k++) {
            seen |= APR_ARRAY_IDX(uses, k, at_use_t).server == use->server;
        }
        if (!seen) {
            check_sizes(use, config);
        }
    }
}

int at_config_check(apr_pool_t *pconf, apr_pool_t *plog, apr_pool_t *ptemp,
                    server_rec *server)
{
    at_server_config_t *config = at_server_config_of(server);
    const ap_directive_t *node;
    server_rec *each;
    int mistakes = 0;

    (void)plog;
    for (each = server->next; each; each = each->next) {
        at_server_config_of(each)->pass_code_limit = config->pass_code_limit;
    }
    for (node = ap_conftree; node; node = at_tree_next(node)) {
        mistakes += is_wrong(node, server, ptemp);
    }
    config->uses = apr_array_make(pconf, 2, sizeof(at_use_t));
    config->served_by = apr_hash_make(pconf);
    if (mistakes) {
        return HTTP_INTERNAL_SERVER_ERROR;
    }
    if (at_tree_has("AccessTokenStatements")) {
        collect_uses(config->uses, server);
    }
    if (!at_config_may_warn()) {
        return OK;
    }
    check_uses(config->uses, ptemp);
    for (each = server; each; each = each->next) {
        check_method(each, at_tree_section(each), ptemp);
    }
    return OK;
}
