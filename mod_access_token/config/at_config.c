/* SPDX-License-Identifier: Apache-2.0 */
#include "at_config.h"

#include <string.h>

#include <apr_file_io.h>
#include <apr_lib.h>
#include <apr_strings.h>

#include <http_core.h>

#include "at_folder.h"
#include "at_origin.h"
#include "at_trust.h"

APLOG_USE_MODULE(access_token);

#define UNSET (-1)

/* What verifying a pass code may cost, where nothing is set. */
#define COST_MILLISECONDS 2000
#define COST_MEGABYTES    256

static const at_config_t defaults = {
    NULL,                     /* no statements */
    65536,                    /* bytes of body */
    NULL,                     /* at_scheme_default() */
    0,                        /* HTTP statuses as the contract says */
    0,                        /* unknown parameters are errors */
    AT_CALLER_SESSION,
    NULL,                     /* no other site may send */
    2,                        /* seconds */
    NULL,                     /* no key file: Idempotency-Key is refused */
    apr_time_from_sec(24 * 60 * 60), /* of a key */
    apr_time_from_sec(5),     /* of a call's retries */
    UNSET,                    /* as many connections as DBDMax says */
    apr_time_from_sec(5),     /* of waiting for one */
    apr_time_from_msec(500),  /* that one is used again without a look */
    apr_time_from_sec(60),    /* of what was looked up */
    0                         /* no balancer's time-out is known */
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
    config->balancer_timeout = UNSET;
    return config;
}

/* What ADD leaves unset is as in BASE. */
static void fill(at_config_t *config, const at_config_t *base)
{
#define FILL(member, unset)                   \
    if (config->member == (unset)) {          \
        config->member = base->member;        \
    }

    FILL(source, NULL)
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
    config->sources = apr_hash_make(pool);
    config->pass_code_limit.milliseconds = COST_MILLISECONDS;
    config->pass_code_limit.megabytes = COST_MEGABYTES;
    return config;
}

at_server_config_t *at_server_config_of(server_rec *server)
{
    return ap_get_module_config(server->module_config, &access_token_module);
}

/* What PLACES says, with all defaults filled in. */
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

/* In FOLDER another statement file could be put beside those that there are,
 * which then comes before that of a base. */
static const char *check_folder(const char *folder, apr_pool_t *pool)
{
    const char *problem = folder ? at_trust_check(folder, pool) : NULL;

    return problem || !folder ? problem
           : at_trust_check(apr_pstrcat(pool, folder, "/lookups",
                                        (char *)NULL), pool);
}

/* Statements run with all rights of the database's user. */
static const char *check_trust(const at_statements_t *statements,
                               const char *base, apr_pool_t *pool)
{
    const char *problem = check_folder(statements->folder, pool);
    int i, k;

    if (!problem) {
        problem = check_folder(base, pool);
    }
    for (i = 0; i < AT_STATEMENT_COUNT; i++) {
        const at_statement_t *statement = statements->statement[i];

        for (k = 0; !problem && statement && k < statement->files->nelts;
             k++) {
            problem = at_trust_check(APR_ARRAY_IDX(statement->files, k,
                                                   const char *), pool);
        }
    }
    return problem;
}

static const char *make_source(at_dbd_t **source, cmd_parms *cmd,
                               const char *folder, const char *base)
{
    at_statements_t *statements;
    const char *problem = at_folder_read(&statements, folder, base,
                                             cmd->pool);

    if (!problem) {
        problem = check_trust(statements, base, cmd->pool);
    }
    if (!problem) {
        problem = at_dbd_make(source, statements, cmd->server, cmd->pool);
    }
    return problem ? apr_pstrcat(cmd->pool, cmd->cmd->name, ": ", problem,
                                 (char *)NULL) : NULL;
}

/* The folder of ARGUMENT in one way of writing it, or NULL. */
static const char *read_folder(cmd_parms *cmd, const char *argument)
{
    char *folder = ap_server_root_relative(cmd->pool, argument);

    if (folder) {
        ap_no2slash(folder);
        if (folder[1] && folder[strlen(folder) - 1] == '/') {
            folder[strlen(folder) - 1] = '\0';
        }
    }
    return folder;
}

static const char *set_statements(cmd_parms *cmd, void *place,
                                  const char *argument, const char *rest)
{
    at_server_config_t *server = at_server_config_of(cmd->server);
    at_config_t *config = place;
    const char *folder = read_folder(cmd, argument), *base, *key;
    const char *problem = NULL;
    at_dbd_t *source;

    base = rest ? read_folder(cmd, rest) : NULL;
    if (!folder || (rest && !base)) {
        return apr_pstrcat(cmd->pool, "AccessTokenStatements: not a path: ",
                           folder ? rest : argument, (char *)NULL);
    }
    key = base ? apr_pstrcat(cmd->pool, folder, " ", base, (char *)NULL)
               : folder;
    source = apr_hash_get(server->sources, key, APR_HASH_KEY_STRING);
    if (!source) {
        problem = make_source(&source, cmd, folder, base);
        apr_hash_set(server->sources, key, APR_HASH_KEY_STRING,
                     problem ? NULL : source);
    }
    if (!problem && config->source && config->source != source) {
        problem = "AccessTokenStatements is set twice in this place, and the "
                  "database would have to know the statements of both: keep "
                  "one of the two lines (access_token-mysql.conf and "
                  "access_token-sqlite3.conf have one)";
    }
    config->source = problem ? NULL : source;
    return problem;
}

/* TEXT as a whole number of LEAST to MOST into *NUMBER. */
static const char *read_number(apr_off_t *number, cmd_parms *cmd,
                               const char *text, apr_off_t least,
                               apr_off_t most)
{
    char *end;

    if (apr_strtoff(number, text, &end, 10) != APR_SUCCESS || *end || !*text
        || *number < least || *number > most) {
        return apr_psprintf(cmd->pool, "%s: a whole number from %"
                            APR_OFF_T_FMT " to %" APR_OFF_T_FMT ", not "
                            "\"%s\"", cmd->cmd->name, least, most, text);
    }
    return NULL;
}

static const char *set_body_limit(cmd_parms *cmd, void *place,
                                  const char *argument)
{
    at_config_t *config = place;

    return read_number(&config->body_limit, cmd, argument, 1,
                       64 * 1024 * 1024);
}

static const char *set_scheme(cmd_parms *cmd, void *place, const char *name,
                              const char *cost)
{
    at_config_t *config = place;
    const char *problem = at_scheme_make(&config->scheme, name, cost,
                                         cmd->pool);

    return problem ? apr_pstrcat(cmd->pool, cmd->cmd->name, ": ", problem,
                                 (char *)NULL) : NULL;
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
        return apr_psprintf(cmd->pool, "%s: refuse or ignore, not \"%s\"",
                            cmd->cmd->name, argument);
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
            return apr_psprintf(cmd->pool, "%s: session, apache or both, "
                                "not \"%s\"", cmd->cmd->name, words[i]);
        }
    }
    return NULL;
}

/* In an inner place "none" takes away what an outer one names. */
static const char *set_origins(cmd_parms *cmd, void *place, int count,
                               char *const origins[])
{
    apr_array_header_t *read = apr_array_make(cmd->pool, count,
                                              sizeof(const char *));
    at_config_t *config = place;
    int i;

    if (count == 0) {
        return apr_pstrcat(cmd->pool, cmd->cmd->name, ": name the origins, or "
                           "none", (char *)NULL);
    }
    for (i = 0; i < count; i++) {
        const char *origin = at_origin_read(origins[i], cmd->pool);

        if (count == 1 && !ap_cstr_casecmp(origins[i], "none")) {
            continue;
        }
        if (!origin) {
            return apr_psprintf(cmd->pool, "%s: \"%s\" is no origin; write "
                                "scheme://host or scheme://host:port as "
                                "browsers send it, in ASCII and without a "
                                "path or a / at its end", cmd->cmd->name,
                                origins[i]);
        }
        APR_ARRAY_PUSH(read, const char *) = origin;
    }
    if (config->origins) {
        apr_array_cat(read, config->origins);
    }
    config->origins = read;
    return NULL;
}

static const char *set_retry_after(cmd_parms *cmd, void *place,
                                   const char *argument)
{
    at_config_t *config = place;
    apr_off_t seconds = 0;
    const char *problem = read_number(&seconds, cmd, argument, 0, 86400);

    config->retry_after = (int)seconds;
    return problem;
}

/* TEXT as a time from LEAST to MOST into *TIME: a number with a unit,
 * seconds without one. */
static const char *read_time(apr_interval_time_t *time, cmd_parms *cmd,
                             const char *text, apr_interval_time_t least,
                             apr_interval_time_t most)
{
    if (!apr_isdigit(*text)
        || ap_timeout_parameter_parse(text, time, "s") != APR_SUCCESS
        || *time < least || *time > most) {
        return apr_psprintf(cmd->pool, "%s: a time from %" APR_TIME_T_FMT
                            " ms to %" APR_TIME_T_FMT " s, as 500ms, 5s, "
                            "10min or 24h, not \"%s\"", cmd->cmd->name,
                            apr_time_as_msec(least), apr_time_sec(most),
                            text);
    }
    return NULL;
}

static const char *set_retry_budget(cmd_parms *cmd, void *place,
                                    const char *argument)
{
    at_config_t *config = place;

    return read_time(&config->retry_budget, cmd, argument,
                     apr_time_from_msec(100), apr_time_from_sec(300));
}

static const char *set_connection_wait(cmd_parms *cmd, void *place,
                                       const char *argument)
{
    at_config_t *config = place;

    return read_time(&config->connection_wait, cmd, argument, 0,
                     apr_time_from_sec(300));
}

static const char *set_connection_reuse(cmd_parms *cmd, void *place,
                                        const char *argument)
{
    at_config_t *config = place;

    return read_time(&config->connection_reuse, cmd, argument, 0,
                     apr_time_from_sec(60));
}

static const char *set_lookup_lifetime(cmd_parms *cmd, void *place,
                                       const char *argument)
{
    at_config_t *config = place;

    return read_time(&config->lookup_lifetime, cmd, argument, 0,
                     apr_time_from_sec(24 * 60 * 60));
}

static const char *set_balancer_timeout(cmd_parms *cmd, void *place,
                                        const char *argument)
{
    at_config_t *config = place;

    return read_time(&config->balancer_timeout, cmd, argument,
                     apr_time_from_msec(100), apr_time_from_sec(3600));
}

static const char *set_connections(cmd_parms *cmd, void *place,
                                   const char *argument)
{
    at_config_t *config = place;
    apr_off_t count = 0;
    const char *problem = read_number(&count, cmd, argument, 1, 10000);

    config->connections = (int)count;
    return problem;
}

/* It holds for child processes, and these serve all hosts. */
static const char *set_hashing_limit(cmd_parms *cmd, void *place,
                                     const char *argument)
{
    const char *problem = ap_check_cmd_context(cmd, GLOBAL_ONLY);
    apr_off_t count = 0;

    (void)place;
    if (!problem) {
        problem = read_number(&count, cmd, argument, 1, 1000);
    }
    at_server_config_of(cmd->server)->hashing_limit = (int)count;
    return problem;
}

/* Likewise. The schemes are compared with it when all is read. */
static const char *set_pass_code_limit(cmd_parms *cmd, void *place,
                                       const char *time,
                                       const char *megabytes)
{
    const char *problem = ap_check_cmd_context(cmd, GLOBAL_ONLY);
    at_cost_t *limit = &at_server_config_of(cmd->server)->pass_code_limit;
    apr_interval_time_t most = 0;
    apr_off_t memory = COST_MEGABYTES;

    (void)place;
    if (!problem) {
        problem = read_time(&most, cmd, time, apr_time_from_msec(100),
                            apr_time_from_sec(60));
    }
    if (!problem && megabytes) {
        problem = read_number(&memory, cmd, megabytes, 1, 65536);
    }
    limit->milliseconds = (double)apr_time_as_msec(most);
    limit->megabytes = (double)memory;
    return problem;
}

static const char *set_key_lifetime(cmd_parms *cmd, void *place,
                                    const char *argument)
{
    at_config_t *config = place;

    return read_time(&config->key_lifetime, cmd, argument,
                     apr_time_from_sec(1),
                     apr_time_from_sec(366 * 24 * 60 * 60));
}

/* The bytes of the file PATH into *SECRET. */
static const char *read_secret(at_secret_t **secret, const char *path,
                               apr_pool_t *pool)
{
    apr_file_t *file;
    apr_finfo_t information;
    unsigned char *bytes;
    apr_status_t status = apr_file_open(&file, path, APR_FOPEN_READ, 0,
                                        pool);

    if (status != APR_SUCCESS) {
        char text[120];

        return apr_psprintf(pool, "%s: %s; %s", path,
                            apr_strerror(status, text, sizeof(text)),
                            APR_STATUS_IS_EACCES(status)
                            ? "only root can read it: run this as root"
                            : "make it by head -c 32 /dev/urandom, the same "
                              "on all nodes");
    }
    status = apr_file_info_get(&information, APR_FINFO_SIZE, file);
    if (status != APR_SUCCESS || information.size < AT_IDEMPOTENCY_SECRET_BYTES
        || information.size > 4096) {
        apr_file_close(file);
        return apr_psprintf(pool, "%s: the secret has %d to 4096 bytes; make "
                            "it by head -c 32 /dev/urandom", path,
                            AT_IDEMPOTENCY_SECRET_BYTES);
    }
    *secret = apr_pcalloc(pool, sizeof(**secret));
    (*secret)->length = (apr_size_t)information.size;
    bytes = apr_palloc(pool, (*secret)->length);
    (*secret)->bytes = bytes;
    status = apr_file_read_full(file, bytes, (*secret)->length, NULL);
    apr_file_close(file);
    return status == APR_SUCCESS ? NULL : "the secret cannot be read";
}

static const char *set_key_file(cmd_parms *cmd, void *place,
                                const char *argument)
{
    at_config_t *config = place;
    const char *path = ap_server_root_relative(cmd->pool, argument);
    at_secret_t *secret = NULL;
    const char *problem = path ? read_secret(&secret, path, cmd->pool)
                               : "not a path";

    if (!problem) {
        problem = at_trust_check_secret(path, cmd->pool);
    }
    config->secret = secret;
    return problem ? apr_pstrcat(cmd->pool, cmd->cmd->name, ": ", problem,
                                 (char *)NULL) : NULL;
}

#define PLACES (RSRC_CONF | ACCESS_CONF)

const command_rec at_config_directives[] = {
    AP_INIT_TAKE12("AccessTokenStatements", set_statements, NULL, PLACES,
                   "the folder of the statement files, relative to "
                   "ServerRoot, and one that has those that it has not"),
    AP_INIT_TAKE1("AccessTokenBodyLimit", set_body_limit, NULL, PLACES,
                  "the longest body in bytes (default 65536)"),
    AP_INIT_TAKE12("AccessTokenPassCodeScheme", set_scheme, NULL, PLACES,
                   "how pass codes are hashed, and at which cost (default "
                   "bcrypt 10)"),
    AP_INIT_FLAG("AccessTokenHTTP200", set_http_200, NULL, PLACES,
                 "answer errors of the 4xx by HTTP 200 (default Off)"),
    AP_INIT_TAKE1("AccessTokenUnknownParameters", set_unknown, NULL, PLACES,
                  "refuse or ignore parameters that do not exist (default "
                  "refuse)"),
    AP_INIT_TAKE12("AccessTokenCaller", set_caller, NULL, PLACES,
                   "who names the caller: session, apache or both (default "
                   "session)"),
    AP_INIT_TAKE_ARGV("AccessTokenOrigins", set_origins, NULL, PLACES,
                      "the other sites whose pages may send for a caller whom "
                      "Apache has authenticated, as scheme://host[:port]"),
    AP_INIT_TAKE1("AccessTokenRetryAfter", set_retry_after, NULL, PLACES,
                  "the seconds in the Retry-After of a 503 (default 2)"),
    AP_INIT_TAKE1("AccessTokenRetryBudget", set_retry_budget, NULL, PLACES,
                  "how long a call waits for the database and tries again "
                  "(default 5s)"),
    AP_INIT_TAKE1("AccessTokenIdempotencyKeyFile", set_key_file, NULL,
                  PLACES, "the file of the secret that requests with an "
                  "Idempotency-Key are compared by"),
    AP_INIT_TAKE1("AccessTokenIdempotencyLifetime", set_key_lifetime, NULL,
                  PLACES, "how long an Idempotency-Key is remembered "
                  "(default 24h)"),
    AP_INIT_TAKE1("AccessTokenConnections", set_connections, NULL,
                  RSRC_CONF, "how many connections to the database each "
                  "child uses at once; without it, DBDMax"),
    AP_INIT_TAKE1("AccessTokenConnectionWait", set_connection_wait, NULL,
                  RSRC_CONF, "how long a call waits for one of them "
                  "(default 5s)"),
    AP_INIT_TAKE1("AccessTokenConnectionReuse", set_connection_reuse, NULL,
                  RSRC_CONF, "how long after its last use a connection is "
                  "used again without a look whether it is alive (default "
                  "500ms)"),
    AP_INIT_TAKE1("AccessTokenLookupLifetime", set_lookup_lifetime, NULL,
                  RSRC_CONF, "how long a child keeps what lookups/*.sql gave "
                  "(default 60s)"),
    AP_INIT_TAKE1("AccessTokenHashingLimit", set_hashing_limit, NULL,
                  RSRC_CONF, "how many pass codes each child hashes or "
                  "verifies at once; without it, as many as there are "
                  "processors"),
    AP_INIT_TAKE12("AccessTokenPassCodeLimit", set_pass_code_limit, NULL,
                   RSRC_CONF, "the most time and megabytes that verifying a "
                   "pass code by a stored hash may take (default 2s 256)"),
    AP_INIT_TAKE1("AccessTokenBalancerTimeout", set_balancer_timeout, NULL,
                  RSRC_CONF, "how long the balancer waits for an answer, to "
                  "be compared with AccessTokenRetryBudget"),
    { NULL, { NULL }, NULL, 0, RAW_ARGS, NULL }
};
