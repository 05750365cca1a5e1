/* SPDX-License-Identifier: Apache-2.0 */
#include "at_startup.h"

#include <string.h>

#include <apr_atomic.h>
#include <apr_strings.h>

#include <http_core.h>
#include <http_log.h>

#include "at_config.h"
#include "at_store_error.h"

APLOG_USE_MODULE(access_token);

/* The check of one source by one connection. */
typedef struct {
    apr_pool_t *pool;
    server_rec *server;
    const at_source_t *source;
    const at_statements_t *statements;
    const apr_dbd_driver_t *driver;
    apr_dbd_t *handle;
    apr_dbd_prepared_t *prepared[AT_STATEMENT_COUNT]; /* NULL: refused */
    int faults;
} check_t;

int at_startup_prepare(apr_pool_t *pconf, apr_pool_t *plog,
                       apr_pool_t *ptemp, server_rec *server)
{
    at_server_config_t *config = at_server_config_of(server);
    apr_status_t status;

    (void)plog;
    (void)ptemp;
    if (ap_state_query(AP_SQ_MAIN_STATE) == AP_SQ_MS_CREATE_PRE_CONFIG) {
        return OK;
    }
    status = apr_shm_create(&config->started, sizeof(apr_uint32_t), NULL,
                            pconf);
    if (status != APR_SUCCESS) {
        ap_log_error(APLOG_MARK, APLOG_WARNING, status, server,
                     ATLOGNO("020") "no shared memory: each child will "
                     "check the database at its start");
        config->started = NULL;
        return OK;
    }
    apr_atomic_set32(apr_shm_baseaddr_get(config->started), 0);
    return OK;
}

static int is_first_child(server_rec *server)
{
    apr_shm_t *started = at_server_config_of(server)->started;

    return !started
           || apr_atomic_xchg32(apr_shm_baseaddr_get(started), 1) == 0;
}

/* True if the words of PARAMS, as apr_dbd_mysql splits them, have WORD. */
static int has_word(const char *params, const char *word, apr_pool_t *pool)
{
    char *state, *copy = apr_pstrdup(pool, params);
    char *each = apr_strtok(copy, " \r\n\t;|,", &state);

    while (each && ap_cstr_casecmp(each, word)) {
        each = apr_strtok(NULL, " \r\n\t;|,", &state);
    }
    return each != NULL;
}

static void check_params(check_t *check, const at_server_config_t *config)
{
    if (!ap_cstr_casecmp(config->driver, "mysql")
        && !has_word(config->params ? config->params : "", "reconnect=0",
                     check->pool)) {
        check->faults++;
        ap_log_error(APLOG_MARK, APLOG_ERR, 0, check->server,
                     ATLOGNO("021") "DBDParams lacks reconnect=0: after a "
                     "lost connection all its prepared statements would "
                     "fail for ever. Add it.");
    }
}

static int open_database(check_t *check, const at_server_config_t *config)
{
    const char *text = NULL;
    apr_status_t status;

    status = apr_dbd_get_driver(check->pool, config->driver, &check->driver);
    if (status == APR_SUCCESS) {
        status = apr_dbd_open_ex(check->driver, check->pool,
                                 config->params ? config->params : "",
                                 &check->handle, &text);
    }
    if (status == APR_SUCCESS) {
        return 1;
    }
    check->faults++;
    ap_log_error(APLOG_MARK, APLOG_ERR, status, check->server,
                 ATLOGNO("022") "no connection to the %s database: %s. "
                 "Calls get 503 until there is one. Check DBDParams, and "
                 "that Apache's User can reach it.", config->driver,
                 text ? text : "the driver gives no reason");
    return 0;
}

/* Prepare a statement on a connection of the check's own. */
static void prepare(check_t *check, at_statement_e number)
{
    const at_statement_t *statement = check->statements->statement[number];
    at_store_error_t error;
    int code = apr_dbd_prepare(check->driver, check->pool, check->handle,
                               statement->text, NULL,
                               &check->prepared[number]);

    if (code == 0) {
        return;
    }
    check->prepared[number] = NULL;
    at_store_error_read(&error, apr_dbd_name(check->driver), code,
                        apr_dbd_error(check->driver, check->handle, code),
                        statement, check->pool);
    check->faults++;
    ap_log_error(APLOG_MARK, APLOG_ERR, 0, check->server, ATLOGNO("023")
                 "the database refuses a statement: %s. All calls get 503 "
                 "until schema and statements fit.", error.detail);
}

/* Run NUMBER with NULL for each value; NULL, and a message, if it fails. */
static apr_dbd_results_t *run(check_t *check, at_statement_e number)
{
    const at_statement_t *statement = check->statements->statement[number];
    apr_dbd_results_t *results = NULL;
    at_store_error_t error;
    const char **arguments = apr_pcalloc(check->pool, sizeof(char *)
                             * ((apr_size_t)statement->value_count + 1));
    int code = apr_dbd_pselect(check->driver, check->pool, check->handle,
                               &results, check->prepared[number], 0,
                               statement->value_count, arguments);

    if (code == 0) {
        return results;
    }
    at_store_error_read(&error, apr_dbd_name(check->driver), code,
                        apr_dbd_error(check->driver, check->handle, code),
                        statement, check->pool);
    check->faults++;
    ap_log_error(APLOG_MARK, APLOG_ERR, 0, check->server, ATLOGNO("028")
                 "a statement fails: %s. See that DBDInitSQL sets nothing "
                 "that makes prepared statements invalid.", error.detail);
    return NULL;
}

/* The number of column NAME in RESULTS, or -1. */
static int find_column(const check_t *check, apr_dbd_results_t *results,
                       const char *name)
{
    int count = apr_dbd_num_cols(check->driver, results), i;

    for (i = 0; i < count; i++) {
        const char *column = apr_dbd_get_name(check->driver, results, i);

        if (column && !strcmp(column, name)) {
            return i;
        }
    }
    return -1;
}

/* The value of column NAME of the one row of RESULTS, or NULL. */
static const char *value_of(const check_t *check, apr_dbd_results_t *results,
                            apr_dbd_row_t *row, const char *name)
{
    int column = find_column(check, results, name);
    const char *value = column < 0 ? NULL
                        : apr_dbd_get_entry(check->driver, row, column);

    return value ? apr_pstrdup(check->pool, value) : NULL;
}

/* The module knows columns by the text of the statement; what the database
 * makes of that text must be the same. */
static void check_columns(check_t *check, at_statement_e number)
{
    const at_statement_t *statement = check->statements->statement[number];
    apr_dbd_results_t *results = run(check, number);
    apr_dbd_row_t *row = NULL;
    int i;

    if (!results) {
        return;
    }
    for (i = 0; i < apr_dbd_num_cols(check->driver, results); i++) {
        const char *name = apr_dbd_get_name(check->driver, results, i);

        if (name && at_statement_column(statement, name) < 0) {
            check->faults++;
            ap_log_error(APLOG_MARK, APLOG_ERR, 0, check->server,
                         ATLOGNO("027") "%s: result column %d, '%s', is not "
                         "named by AS '...' and is not used. Name it so.",
                         statement->file, i + 1, name);
        }
    }
    while (apr_dbd_get_row(check->driver, check->pool, results, &row, -1)
           == 0) {
        continue;
    }
}

static void check_schema(check_t *check)
{
    apr_dbd_results_t *results = run(check, AT_STATEMENT_STARTUP);
    const char *version = NULL, *charset = NULL;
    apr_dbd_row_t *row = NULL;

    if (!results) {
        return;
    }
    while (apr_dbd_get_row(check->driver, check->pool, results,
                                      &row, -1) == 0) {
        version = value_of(check, results, row, "schema.version");
        charset = value_of(check, results, row, "connection.charset");
    }
    if (!version || strcmp(version, AT_SCHEMA_VERSION)) {
        check->faults++;
        ap_log_error(APLOG_MARK, APLOG_ERR, 0, check->server,
                     ATLOGNO("024") "the database's schema has the version "
                     "%s, this module works with " AT_SCHEMA_VERSION
                     ". Install the schema.sql that came with it.",
                     version ? version : "(none)");
    }
    if (!charset || strcmp(charset, "utf8mb4")) {
        check->faults++;
        ap_log_error(APLOG_MARK, APLOG_ERR, 0, check->server,
                     ATLOGNO("025") "the connection's character set is %s; "
                     "text would be lost. Put default-character-set=utf8mb4 "
                     "into the my.cnf group that DBDParams names.",
                     charset ? charset : "unclear");
    }
}

static void check_statements(check_t *check)
{
    int i;

    if (check->prepared[AT_STATEMENT_STARTUP]) {
        check_schema(check);
    }
    for (i = 0; i <= AT_STATEMENT_LOAD_BY_ID; i++) {
        if (check->prepared[i]) {
            check_columns(check, (at_statement_e)i);
        }
    }
}

/*
 * mod_dbd does not say which of the statements a database refused, nor how
 * to mend it: look for the reason on a connection of the check's own.
 */
static void diagnose(check_t *check, const at_server_config_t *config)
{
    int i;

    if (!open_database(check, config)) {
        return;
    }
    for (i = 0; i < AT_STATEMENT_COUNT; i++) {
        prepare(check, (at_statement_e)i);
    }
    check_statements(check);
    apr_dbd_close(check->driver, check->handle);
}

static void check_source(check_t *check, const at_server_config_t *config,
                         apr_pool_t *pool)
{
    ap_dbd_t *connection = at_source_open(check->source, check->server,
                                          pool);
    int i;

    check_params(check, config);
    if (connection) {
        check->driver = connection->driver;
        check->handle = connection->handle;
        for (i = 0; i < AT_STATEMENT_COUNT; i++) {
            check->prepared[i] = at_source_prepared(check->source,
                                                    connection,
                                                    (at_statement_e)i);
        }
        check_statements(check);
    }
    else {
        diagnose(check, config);
    }
    if (check->faults == 0) {
        ap_log_error(APLOG_MARK, APLOG_INFO, 0, check->server,
                     ATLOGNO("026") "the statements of %s fit the %s "
                     "database, schema version " AT_SCHEMA_VERSION,
                     check->statements->folder, config->driver);
    }
    apr_pool_destroy(check->pool);
    if (connection) {
        at_source_close(check->source, check->server, connection);
    }
}

void at_startup_check(apr_pool_t *pool, server_rec *server)
{
    server_rec *each;

    if (!is_first_child(server)) {
        return;
    }
    for (each = server; each; each = each->next) {
        const at_server_config_t *config = at_server_config_of(each);
        apr_hash_index_t *index;

        for (index = config->driver ? apr_hash_first(pool, config->sources)
                                    : NULL;
             index; index = apr_hash_next(index)) {
            check_t check;
            void *source;

            apr_hash_this(index, NULL, NULL, &source);
            memset(&check, 0, sizeof(check));
            check.server = each;
            check.source = source;
            check.statements = at_source_statements(source);
            apr_pool_create(&check.pool, pool);
            check_source(&check, config, pool);
        }
    }
}
