/* SPDX-License-Identifier: Apache-2.0 */
#include "at_config.h"

#include <string.h>

#include <apr_file_io.h>
#include <apr_lib.h>
#include <apr_strings.h>

#include <http_core.h>
#include <http_log.h>
#include <http_main.h>

#include "at_folder.h"
#include "at_origin.h"
#include "at_trust.h"

APLOG_USE_MODULE(access_token);

#define UNSET (-1)

/* The default of AccessTokenPassCodeLimit. */
#define COST_MILLISECONDS 2000
#define COST_MEGABYTES    256

/* In the order of at_config_t. */
static const at_config_t defaults = {
    NULL,                     /* no statements */
    65536,                    /* bytes of a body */
    NULL,                     /* at_scheme_default() */
    0,                        /* HTTP statuses as in the contract */
    0,                        /* unknown parameters are errors */
    AT_CALLER_SESSION,
    NULL,                     /* no other site is trusted */
    2,                        /* seconds of Retry-After */
    NULL,                     /* no key file: Idempotency-Key is refused */
    apr_time_from_sec(24 * 60 * 60), /* lifetime of a key */
    apr_time_from_sec(5),     /* budget of a call's retries */
    UNSET,                    /* as many connections as DBDMax */
    apr_time_from_sec(5),     /* wait for a connection */
    apr_time_from_msec(500),  /* reuse of one without a check */
    apr_time_from_sec(60),    /* lifetime of a looked-up row */
    32,                       /* MiB for looked-up rows */
    0                         /* the balancer's time-out is not known */
};

void *at_config_create(apr_pool_t *pool, char *place)
{
    at_config_t *config = apr_pcalloc(pool, sizeof(*config));

    (void)place;
    config->body_limit = UNSET;
    config->http_200 = UNSET;
    config->ignore_unknown = UNSET;
    config->caller = UNSET;
    config->retry_after = UNSET;
    config->key_lifetime = UNSET;
    config->retry_budget = UNSET;
    config->connections = UNSET;
    config->connection_wait = UNSET;
    config->connection_reuse = UNSET;
    config->lookup_lifetime = UNSET;
    config->lookup_memory = UNSET;
    config->balancer_timeout = UNSET;
    return config;
}

/* Take from BASE each member that CONFIG leaves unset. */
static void fill(at_config_t *config, const at_config_t *base)
{
#define FILL(member, unset)                   \
    if (config->member == (unset)) {          \
        config->member = base->member;        \
    }

    FILL(registered, NULL)
    FILL(body_limit, UNSET)
    FILL(scheme, NULL)
    FILL(http_200, UNSET)
    FILL(ignore_unknown, UNSET)
    FILL(caller, UNSET)
    FILL(origins, NULL)
    FILL(retry_after, UNSET)
    FILL(secret, NULL)
    FILL(key_lifetime, UNSET)
    FILL(retry_budget, UNSET)
    FILL(connections, UNSET)
    FILL(connection_wait, UNSET)
    FILL(connection_reuse, UNSET)
    FILL(lookup_lifetime, UNSET)
    FILL(lookup_memory, UNSET)
    FILL(balancer_timeout, UNSET)
#undef FILL
}

void *at_config_merge(apr_pool_t *pool, void *base, void *add)
{
    at_config_t *config = apr_pmemdup(pool, add, sizeof(*config));

    fill(config, base);
    return config;
}

void *at_server_config_create(apr_pool_t *pool, server_rec *server)
{
    at_server_config_t *config = apr_pcalloc(pool, sizeof(*config));

    (void)server;
    config->folders = apr_hash_make(pool);
    config->pass_code_limit.milliseconds = COST_MILLISECONDS;
    config->pass_code_limit.megabytes = COST_MEGABYTES;
    return config;
}

at_server_config_t *at_server_config_of(server_rec *server)
{
    return ap_get_module_config(server->module_config, &access_token_module);
}

/* The configuration in PLACES with all defaults filled in, in POOL. */
static const at_config_t *complete(ap_conf_vector_t *places, apr_pool_t *pool)
{
    at_config_t *config = apr_pmemdup(pool,
        ap_get_module_config(places, &access_token_module),
        sizeof(*config));

    fill(config, &defaults);
    if (!config->scheme) {
        config->scheme = at_scheme_default();
    }
    return config;
}

const at_config_t *at_config_of(request_rec *r)
{
    return complete(r->per_dir_config, r->pool);
}

const at_config_t *at_config_of_server(server_rec *server, apr_pool_t *pool)
{
    return complete(server->lookup_defaults, pool);
}

int at_config_connections(const at_config_t *config, const at_use_t *use)
{
    return config->connections == UNSET ? use->dbd_max : config->connections;
}

int at_config_connects(server_rec *server)
{
    return apr_hash_get(at_server_config_of(ap_server_conf)->served_by,
                        &server, sizeof(server)) != NULL;
}

int at_config_has_database(request_rec *r, const at_config_t *config)
{
    return config->registered && at_config_connects(r->server);
}

int at_config_may_warn(void)
{
    return ap_state_query(AP_SQ_MAIN_STATE) != AP_SQ_MS_CREATE_PRE_CONFIG
           || ap_state_query(AP_SQ_RUN_MODE) == AP_SQ_RM_CONFIG_TEST;
}

/* What httpd reports for ERROR of a directive; NULL for NULL. */
static const char *report(const cmd_parms *cmd, const at_error_t *error)
{
    return error ? apr_pstrcat(cmd->pool, cmd->cmd->name, ": ",
                               error->detail, (char *)NULL) : NULL;
}

/* Check FOLDER and its lookups: a file that is added to a folder replaces the
 * one of the base folder, or one that another file includes. */
static at_error_t *check_folder(const char *folder, apr_pool_t *pool)
{
    AT_TRY(at_trust_check(folder, pool));
    return at_trust_check(apr_pstrcat(pool, folder, "/lookups", (char *)NULL),
                          pool);
}

/* Statements run with all rights of the database's user. */
static at_error_t *check_trust(const at_statements_t *statements,
                               const char *base, apr_pool_t *pool)
{
    int i, k;

    AT_TRY(check_folder(statements->folder, pool));
    if (base) {
        AT_TRY(check_folder(base, pool));
    }
    for (i = 0; i < AT_STATEMENT_COUNT; i++) {
        const at_statement_t *statement = statements->statement[i];

        for (k = 0; statement && k < statement->files->nelts; k++) {
            AT_TRY(at_trust_check(APR_ARRAY_IDX(statement->files, k,
                                                const char *), pool));
        }
    }
    return NULL;
}

/* Read the statements of FOLDER with BASE, and register them with mod_dbd. */
static at_error_t *register_folder(at_registered_t **registered,
                                   cmd_parms *cmd, const char *folder,
                                   const char *base)
{
    at_statements_t *statements;

    AT_TRY(at_folder_read(&statements, folder, base, cmd->pool,
                          cmd->temp_pool));
    AT_TRY(check_trust(statements, base, cmd->temp_pool));
    return at_dbd_register(registered, statements, cmd->server, cmd->pool);
}

const char *at_config_folder(apr_pool_t *pool, const char *argument)
{
    char *folder = ap_server_root_relative(pool, argument);

    if (folder) {
        ap_no2slash(folder);
        if (folder[1] && folder[strlen(folder) - 1] == '/') {
            folder[strlen(folder) - 1] = '\0';
        }
    }
    return folder;
}

/* The same, unless the server has registered them before. */
static at_error_t *find_registered(at_registered_t **registered,
                                   cmd_parms *cmd, const char *folder,
                                   const char *base)
{
    apr_hash_t *folders = at_server_config_of(cmd->server)->folders;
    const char *key = base ? apr_pstrcat(cmd->pool, folder, " ", base,
                                         (char *)NULL) : folder;

    *registered = apr_hash_get(folders, key, APR_HASH_KEY_STRING);
    if (!*registered) {
        AT_TRY(register_folder(registered, cmd, folder, base));
        apr_hash_set(folders, key, APR_HASH_KEY_STRING, *registered);
    }
    return NULL;
}

static const char *set_statements(cmd_parms *cmd, void *place,
                                  const char *argument, const char *rest)
{
    at_config_t *config = place;
    const char *folder = at_config_folder(cmd->pool, argument);
    const char *base = rest ? at_config_folder(cmd->pool, rest) : NULL;
    at_error_t *error;
    at_registered_t *registered = NULL;

    if (!folder || (rest && !base)) {
        return report(cmd, at_error_config(cmd->pool, "not a path: %s",
                                           folder ? rest : argument));
    }
    error = find_registered(&registered, cmd, folder, base);
    if (!error && config->registered && config->registered != registered) {
        error = at_error_config(cmd->pool, "it is set twice in this place, "
                                "and the database would need the tables of "
                                "both: keep one of the two lines "
                                "(access_token-mysql.conf and "
                                "access_token-sqlite3.conf have one)");
    }
    config->registered = registered;
    return report(cmd, error);
}

static const char *set_scheme(cmd_parms *cmd, void *place, const char *name,
                              const char *cost)
{
    at_config_t *config = place;

    return report(cmd, at_scheme_make(&config->scheme, name, cost,
                                      cmd->pool));
}

static const char *set_http_200(cmd_parms *cmd, void *place, int on)
{
    at_config_t *config = place;

    (void)cmd;
    config->http_200 = on != 0;
    return NULL;
}

static const char *set_unknown(cmd_parms *cmd, void *place,
                               const char *argument)
{
    at_config_t *config = place;

    config->ignore_unknown = !ap_cstr_casecmp(argument, "ignore");
    if (!config->ignore_unknown && ap_cstr_casecmp(argument, "refuse")) {
        return report(cmd, at_error_config(cmd->pool, "refuse or ignore, not "
                                           "\"%s\"", argument));
    }
    return NULL;
}

static const char *set_caller(cmd_parms *cmd, void *place, const char *first,
                              const char *second)
{
    at_config_t *config = place;
    const char *words[2];
    int i;

    words[0] = first;
    words[1] = second;
    config->caller = 0;
    for (i = 0; i < 2 && words[i]; i++) {
        if (!ap_cstr_casecmp(words[i], "session")) {
            config->caller |= AT_CALLER_SESSION;
        }
        else if (!ap_cstr_casecmp(words[i], "apache")) {
            config->caller |= AT_CALLER_APACHE;
        }
        else {
            return report(cmd, at_error_config(cmd->pool, "session, apache or "
                                               "both, not \"%s\"",
                                               words[i]));
        }
    }
    return NULL;
}

/* "none" alone makes an empty list. In an inner place that replaces the list
 * of an outer place. */
static const char *set_origins(cmd_parms *cmd, void *place, int count,
                               char *const origins[])
{
    apr_array_header_t *read = apr_array_make(cmd->pool, count,
                                              sizeof(const char *));
    at_config_t *config = place;
    int i;

    if (count == 0) {
        return report(cmd, at_error_config(cmd->pool, "name the origins, or "
                                           "none"));
    }
    for (i = 0; i < count; i++) {
        const char *origin = at_origin_read(origins[i], cmd->pool);

        if (count == 1 && !ap_cstr_casecmp(origins[i], "none")) {
            continue;
        }
        if (!origin) {
            return report(cmd, at_error_config(
                cmd->pool, "\"%s\" is no origin; write scheme://host or "
                "scheme://host:port as browsers send it, in ASCII and without "
                "a path or a / at its end", origins[i]));
        }
        APR_ARRAY_PUSH(read, const char *) = origin;
    }
    if (config->origins) {
        apr_array_cat(read, config->origins);
    }
    config->origins = read;
    return NULL;
}

/* A directive that sets a number (an int) or a time: which member of
 * at_config_t, and its limits. It is the directive's cmd->info. */
typedef struct {
    apr_size_t offset;
    apr_int64_t least;
    apr_int64_t most;
} setting_t;

static const setting_t body_limit = {
    APR_OFFSETOF(at_config_t, body_limit), 1, 64 * 1024 * 1024
};
static const setting_t retry_after = {
    APR_OFFSETOF(at_config_t, retry_after), 0, 86400
};
static const setting_t connections = {
    APR_OFFSETOF(at_config_t, connections), 1, 10000
};

static const setting_t lookup_memory = {
    APR_OFFSETOF(at_config_t, lookup_memory), 1, 65536
};

#define SECOND apr_time_from_sec(1)

static const setting_t retry_budget = {
    APR_OFFSETOF(at_config_t, retry_budget), SECOND / 10, 300 * SECOND
};
static const setting_t key_lifetime = {
    APR_OFFSETOF(at_config_t, key_lifetime), SECOND, 366 * 86400 * SECOND
};
static const setting_t connection_wait = {
    APR_OFFSETOF(at_config_t, connection_wait), 0, 300 * SECOND
};
static const setting_t connection_reuse = {
    APR_OFFSETOF(at_config_t, connection_reuse), 0, 60 * SECOND
};
static const setting_t lookup_lifetime = {
    APR_OFFSETOF(at_config_t, lookup_lifetime), 0, 86400 * SECOND
};
static const setting_t balancer_timeout = {
    APR_OFFSETOF(at_config_t, balancer_timeout), SECOND / 10, 3600 * SECOND
};

/* Read TEXT, a whole number from LEAST to MOST, into *NUMBER. */
static at_error_t *read_number(int *number, const char *text,
                               apr_int64_t least, apr_int64_t most,
                               apr_pool_t *pool)
{
    apr_off_t read;
    char *end;

    if (apr_strtoff(&read, text, &end, 10) != APR_SUCCESS || *end || !*text
        || read < least || read > most) {
        return at_error_config(pool, "a whole number from %" APR_INT64_T_FMT
                               " to %" APR_INT64_T_FMT ", not \"%s\"", least,
                               most, text);
    }
    *number = (int)read;
    return NULL;
}

static const char *set_number(cmd_parms *cmd, void *place,
                              const char *argument)
{
    const setting_t *setting = cmd->info;
    void *member = (char *)place + setting->offset;

    return report(cmd, read_number(member, argument, setting->least,
                                   setting->most, cmd->pool));
}

/* Read TEXT, a time from LEAST to MOST, into *TIME: a number with a unit, or
 * of seconds. The latter may be meant in milliseconds, so it is warned of. */
static at_error_t *read_time(apr_interval_time_t *time, const char *text,
                             apr_interval_time_t least,
                             apr_interval_time_t most, const cmd_parms *cmd)
{
    if (!apr_isdigit(*text)
        || ap_timeout_parameter_parse(text, time, "s") != APR_SUCCESS
        || *time < least || *time > most) {
        return at_error_config(cmd->pool, "a time from %" APR_TIME_T_FMT
                               " ms to %" APR_TIME_T_FMT " s, as 500ms, 5s, "
                               "10min or 24h, not \"%s\"",
                               apr_time_as_msec(least), apr_time_sec(most),
                               text);
    }
    if (*time > 0 && apr_isdigit(text[strlen(text) - 1])
        && at_config_may_warn()) {
        /* A virtual host has no log yet. */
        ap_log_perror(APLOG_MARK, APLOG_WARNING, 0, cmd->temp_pool,
                      ATLOGNO("061") "%s:%d: %s: %s without a unit means "
                      "seconds. To make that clear, write %ss.",
                      cmd->directive->filename, cmd->directive->line_num,
                      cmd->cmd->name, text, text);
    }
    return NULL;
}

static const char *set_time(cmd_parms *cmd, void *place, const char *argument)
{
    const setting_t *setting = cmd->info;
    void *member = (char *)place + setting->offset;

    return report(cmd, read_time(member, argument, setting->least,
                                 setting->most, cmd));
}

/* It is a limit for each child process, and a child serves all hosts. */
static const char *set_hashing_limit(cmd_parms *cmd, void *place,
                                     const char *argument)
{
    const char *refusal = ap_check_cmd_context(cmd, GLOBAL_ONLY);
    int *limit = &at_server_config_of(cmd->server)->hashing_limit;

    (void)place;
    return refusal ? refusal
           : report(cmd, read_number(limit, argument, 1, 1000, cmd->pool));
}

/* TIME and MEGABYTES, or NULL, into *LIMIT. */
static at_error_t *read_cost(at_cost_t *limit, const char *time,
                             const char *megabytes, const cmd_parms *cmd)
{
    apr_interval_time_t most = 0;
    int memory = COST_MEGABYTES;

    AT_TRY(read_time(&most, time, SECOND / 10, 60 * SECOND, cmd));
    if (megabytes) {
        AT_TRY(read_number(&memory, megabytes, 1, 65536, cmd->pool));
    }
    limit->milliseconds = (double)apr_time_as_msec(most);
    limit->megabytes = memory;
    return NULL;
}

/* It too is for all hosts. at_config_check compares it with the schemes once
 * the whole configuration has been read. */
static const char *set_pass_code_limit(cmd_parms *cmd, void *place,
                                       const char *time,
                                       const char *megabytes)
{
    at_server_config_t *server = at_server_config_of(cmd->server);
    const char *refusal = ap_check_cmd_context(cmd, GLOBAL_ONLY);

    (void)place;
    return refusal ? refusal
           : report(cmd, read_cost(&server->pass_code_limit, time, megabytes,
                                   cmd));
}

/* Read all bytes of FILE, at PATH, into *SECRET. */
static at_error_t *read_bytes(at_secret_t *secret, apr_file_t *file,
                              const char *path, apr_pool_t *pool)
{
    apr_finfo_t information;
    unsigned char *bytes;
    apr_status_t status = apr_file_info_get(&information, APR_FINFO_SIZE,
                                            file);

    if (status != APR_SUCCESS || information.size < AT_IDEMPOTENCY_SECRET_BYTES
        || information.size > 4096) {
        return at_error_config(pool, "%s: the secret has %d to 4096 bytes; "
                               "make it by head -c 32 /dev/urandom", path,
                               AT_IDEMPOTENCY_SECRET_BYTES);
    }
    secret->length = (apr_size_t)information.size;
    bytes = apr_palloc(pool, secret->length);
    secret->bytes = bytes;
    status = apr_file_read_full(file, bytes, secret->length, NULL);
    return status == APR_SUCCESS ? NULL
           : at_error_config(pool, "%s: the secret cannot be read", path);
}

/* Read the secret in the file PATH into *SECRET in POOL. */
static at_error_t *read_secret(at_secret_t *secret, const char *path,
                               apr_pool_t *pool)
{
    apr_file_t *file;
    at_error_t *error;
    apr_status_t status = apr_file_open(&file, path, APR_FOPEN_READ, 0,
                                        pool);

    if (status != APR_SUCCESS) {
        char text[120];

        return at_error_config(pool, "%s: %s; %s", path,
                               apr_strerror(status, text, sizeof(text)),
                               APR_STATUS_IS_EACCES(status)
                               ? "only root can read it: run this as root"
                               : "make it by head -c 32 /dev/urandom, the "
                                 "same on all nodes");
    }
    error = read_bytes(secret, file, path, pool);
    apr_file_close(file);
    return error ? error : at_trust_check_secret(path, pool);
}

static const char *set_key_file(cmd_parms *cmd, void *place,
                                const char *argument)
{
    at_config_t *config = place;
    const char *path = ap_server_root_relative(cmd->pool, argument);
    at_secret_t *secret = apr_pcalloc(cmd->pool, sizeof(*secret));

    config->secret = secret;
    return report(cmd, path ? read_secret(secret, path, cmd->pool)
                            : at_error_config(cmd->pool, "not a path: %s",
                                              argument));
}

#define PLACES (RSRC_CONF | ACCESS_CONF)

const command_rec at_config_directives[] = {
    AP_INIT_TAKE12("AccessTokenStatements", set_statements, NULL, PLACES,
                   "the folder of the statement files, relative to "
                   "ServerRoot, and a folder for the files that it lacks"),
    AP_INIT_TAKE1("AccessTokenBodyLimit", set_number, (void *)&body_limit,
                  PLACES, "the greatest length of a body in bytes "
                  "(default 65536)"),
    AP_INIT_TAKE12("AccessTokenPassCodeScheme", set_scheme, NULL, PLACES,
                   "the scheme and the cost of hashing pass codes (default "
                   "bcrypt 10)"),
    AP_INIT_FLAG("AccessTokenHTTP200", set_http_200, NULL, PLACES,
                 "send most 4xx errors with HTTP status 200 (default Off)"),
    AP_INIT_TAKE1("AccessTokenUnknownParameters", set_unknown, NULL, PLACES,
                  "refuse or ignore unknown parameters (default refuse)"),
    AP_INIT_TAKE12("AccessTokenCaller", set_caller, NULL, PLACES,
                   "how the caller is named: session, apache or both "
                   "(default session)"),
    AP_INIT_TAKE_ARGV("AccessTokenOrigins", set_origins, NULL, PLACES,
                      "the other sites whose pages may send requests of a "
                      "caller that Apache has authenticated, as "
                      "scheme://host[:port]"),
    AP_INIT_TAKE1("AccessTokenRetryAfter", set_number,
                  (void *)&retry_after, PLACES, "the seconds in the "
                  "Retry-After of a 503 (default 2)"),
    AP_INIT_TAKE1("AccessTokenRetryBudget", set_time, (void *)&retry_budget,
                  PLACES, "how long a call waits for the database and retries "
                  "(default 5s)"),
    AP_INIT_TAKE1("AccessTokenIdempotencyKeyFile", set_key_file, NULL,
                  PLACES, "the file of the secret for the digests of requests "
                  "with an Idempotency-Key"),
    AP_INIT_TAKE1("AccessTokenIdempotencyLifetime", set_time,
                  (void *)&key_lifetime, PLACES, "how long an Idempotency-Key "
                  "is remembered (default 24h)"),
    AP_INIT_TAKE1("AccessTokenConnections", set_number,
                  (void *)&connections, RSRC_CONF, "how many connections to "
                  "the database each child uses at once; if not set, "
                  "DBDMax"),
    AP_INIT_TAKE1("AccessTokenConnectionWait", set_time,
                  (void *)&connection_wait, RSRC_CONF, "how long a call waits "
                  "for a connection to the database (default 5s)"),
    AP_INIT_TAKE1("AccessTokenConnectionReuse", set_time,
                  (void *)&connection_reuse, RSRC_CONF, "how long after its "
                  "last use a connection is used again without a check that "
                  "it is alive (default 500ms)"),
    AP_INIT_TAKE1("AccessTokenLookupLifetime", set_time,
                  (void *)&lookup_lifetime, RSRC_CONF, "how long a child "
                  "keeps the rows of lookups/*.sql that have no revision "
                  "(default 60s)"),
    AP_INIT_TAKE1("AccessTokenLookupMemory", set_number,
                  (void *)&lookup_memory, RSRC_CONF, "the most memory in MiB "
                  "that each child keeps rows of lookups/*.sql and "
                  "custom_fields.sql in (default 32)"),
    AP_INIT_TAKE1("AccessTokenHashingLimit", set_hashing_limit, NULL,
                  RSRC_CONF, "how many pass codes each child hashes or "
                  "verifies at once; if not set, the number of processors"),
    AP_INIT_TAKE12("AccessTokenPassCodeLimit", set_pass_code_limit, NULL,
                   RSRC_CONF, "the most time and megabytes that verifying a "
                   "pass code by a stored hash may take (default 2s 256)"),
    AP_INIT_TAKE1("AccessTokenBalancerTimeout", set_time,
                  (void *)&balancer_timeout, RSRC_CONF, "how long the "
                  "balancer waits for an answer; AccessTokenRetryBudget must "
                  "be shorter"),
    { NULL, { NULL }, NULL, 0, RAW_ARGS, NULL }
};
