/* SPDX-License-Identifier: Apache-2.0 */
#include "at_startup.h"

#include <stdlib.h>
#include <string.h>

#include <apr_strings.h>

#include <ap_mpm.h>
#include <http_core.h>
#include <http_log.h>
#include <http_main.h>

#include "at_clock.h"
#include "at_config.h"
#include "at_diagnosis.h"
#include "at_mysql.h"
#include "at_number.h"
#include "at_renewal.h"
#include "at_rows.h"
#include "at_session.h"
#include "at_shared.h"
#include "at_store_error.h"
#include "at_unique.h"

APLOG_USE_MODULE(access_token);

/* How often a connection with stale statements is renewed. */
#define RENEWALS 3

/* If an attempt to connect takes longer, it is the last one. */
#define AT_ONCE apr_time_from_msec(100)

/* The least max_allowed_packet that is enough, in bytes. */
#define LEAST_PACKET 262144

/* The check of one use over one connection. */
typedef struct {
    apr_pool_t *pool;
    const at_use_t *use;
    int is_first;                /* of the uses of its database: later ones do
                                    not repeat what is about that */
    apr_table_t *said;           /* the places and faults that were logged, for
                                    all uses */
    server_rec *server;
    const char *place;           /* starts each message: "virtual host NAME: ";
                                    "" for the main server */
    const at_statements_t *statements;
    const apr_dbd_driver_t *driver;
    apr_dbd_t *handle;
    ap_dbd_t *connection;        /* mod_dbd's; NULL: the check has its own */
    int renewals;                /* how often it was renewed */
    apr_dbd_prepared_t *prepared[AT_STATEMENT_COUNT]; /* NULL: refused */
    int faults;
    int is_cut;                  /* the database went away meanwhile */
} check_t;

/* True if WORD is one of the words into which apr_dbd_mysql splits PARAMS. */
static int has_word(const char *params, const char *word, apr_pool_t *pool)
{
    char *state, *copy = apr_pstrdup(pool, params);
    char *each = apr_strtok(copy, " \r\n\t;|,", &state);

    while (each && ap_cstr_casecmp(each, word)) {
        each = apr_strtok(NULL, " \r\n\t;|,", &state);
    }
    return each != NULL;
}

static void check_params(check_t *check)
{
    if (check->is_first && !ap_cstr_casecmp(check->use->driver, "mysql")
        && !has_word(check->use->params, "reconnect=0", check->pool)) {
        check->faults++;
        ap_log_error(APLOG_MARK, APLOG_ERR, 0, check->server,
                     ATLOGNO("021") "%sDBDParams lacks reconnect=0: the "
                     "driver would reconnect without the prepared "
                     "statements, and all of them would fail. Add it.",
                     check->place);
    }
}

/* The HTTP status of calls that fail with FAULT. */
static const char *status_of(const at_fault_t *fault)
{
    return fault->outcome == AT_STORE_BROKEN ? "500" : "503";
}

static int open_database(check_t *check)
{
    const at_fault_t *fault = at_diagnosis_connect(&check->driver,
                                                   &check->handle, check->use,
                                                   check->pool);

    if (!fault) {
        return 1;
    }
    check->faults++;
    if (check->is_first) {
        ap_log_error(APLOG_MARK, APLOG_ERR, 0, check->server, ATLOGNO("022")
                     "%s%s. Calls get %s until it works.", check->place,
                     fault->detail, status_of(fault));
    }
    return 0;
}

/* Check that nobody on the way to the database can read or change what is
 * sent. */
static void check_encryption(const check_t *check)
{
    const char *address;

    if (!check->is_first || strcmp(apr_dbd_name(check->driver), "mysql")) {
        return;
    }
    address = at_mysql_exposed(apr_dbd_native_handle(check->driver,
                                                     check->handle),
                               check->pool);
    if (address) {
        ap_log_error(APLOG_MARK, APLOG_WARNING, 0, check->server,
                     ATLOGNO("062") "%sthe connection to the database at %s "
                     "is not encrypted: others on the network can read and "
                     "change what is sent. Set ssl-ca in the my.cnf group "
                     "that DBDParams names.", check->place, address);
    }
}

/* FAULT says nothing about schema and statements, and neither would the rest
 * of the check. If the database stays away, the calls will report it. */
static void cut_short(check_t *check, const at_fault_t *fault)
{
    check->faults++;
    check->is_cut = 1;
    ap_log_error(APLOG_MARK, APLOG_INFO, 0, check->server, ATLOGNO("032")
                 "%sthe check at the start was cut short: %s", check->place,
                 fault->detail);
}

/* True if TEXT, which is about the place, is logged already; it is from now
 * on. */
static int is_said(check_t *check, const char *text)
{
    const char *key = apr_pstrcat(check->pool, check->place, text,
                                  (char *)NULL);

    if (apr_table_get(check->said, key)) {
        return 1;
    }
    apr_table_set(check->said, key, "");
    return 0;
}

/* True if FAULT, of statement NUMBER, is that of a file which another load
 * statement includes as well, and which was refused before. */
static int is_of_included(check_t *check, at_statement_e number,
                          const at_fault_t *fault)
{
    const char *text = strstr(fault->detail, ".sql: ");

    return at_statement_is_load(number) && text
           && is_said(check, apr_pstrcat(check->pool,
                                         check->statements->folder, text,
                                         (char *)NULL));
}

static void prepare(check_t *check, at_statement_e number)
{
    const at_fault_t *fault =
        at_diagnosis_prepare(&check->prepared[number], check->driver,
                             check->handle,
                             check->statements->statement[number],
                             check->pool);

    if (!fault) {
        return;
    }
    if (fault->outcome == AT_STORE_RETRY) {
        cut_short(check, fault);
        return;
    }
    check->faults++;
    if (is_of_included(check, number, fault)) {
        return;
    }
    ap_log_error(APLOG_MARK, APLOG_ERR, 0, check->server, ATLOGNO("023")
                 "%s%s. All calls get %s until the statements fit the schema.",
                 check->place, fault->detail, status_of(fault));
}

/* Take statement NUMBER as mod_dbd has prepared it on its connection. */
static void find_prepared(check_t *check, at_statement_e number)
{
    check->prepared[number] = at_dbd_prepared(check->use->registered,
                                              check->connection, number);
    if (!check->prepared[number]) {
        check->faults++;
        ap_log_error(APLOG_MARK, APLOG_ERR, 0, check->server, ATLOGNO("031")
                     "%s%s: mod_dbd has not prepared it for this server. Put "
                     "AccessTokenStatements, DBDriver and DBDParams into the "
                     "same place (main server or virtual host), and do not "
                     "repeat them in another.",
                     check->place,
                     check->statements->statement[number]->file);
    }
}

static void take_prepared(check_t *check)
{
    int i;

    check->driver = check->connection->driver;
    check->handle = check->connection->handle;
    for (i = 0; i < AT_STATEMENT_COUNT; i++) {
        if (check->statements->statement[i]) {
            find_prepared(check, (at_statement_e)i);
        }
    }
}

/* Renew the connection, whose statements are stale. Returns 0 if that is not
 * possible, or has not helped before. */
static int renew(check_t *check)
{
    at_renewal_t *renewal = check->connection
                            ? at_renewal_of(check->connection) : NULL;
    const at_fault_t *fault;

    if (!renewal || check->renewals++ >= RENEWALS) {
        return 0;
    }
    fault = at_renewal_make(renewal, check->pool);
    take_prepared(check);
    return !fault;
}

/* Run statement NUMBER, with NULL for each value, into *RESULTS. *CONNECTION
 * says what a fault means for the connection. */
static const at_fault_t *try_to_run(apr_dbd_results_t **results,
                                    at_connection_e *connection,
                                    check_t *check, at_statement_e number)
{
    const at_statement_t *statement = check->statements->statement[number];
    const char **arguments = apr_pcalloc(check->pool, sizeof(char *)
                             * ((apr_size_t)statement->value_count + 1));
    int code;

    *results = NULL;
    code = apr_dbd_pselect(check->driver, check->pool, check->handle, results,
                           check->prepared[number], 0, statement->value_count,
                           arguments);
    return code == 0 ? NULL
           : at_store_error_read(connection, apr_dbd_name(check->driver),
                                 code, apr_dbd_error(check->driver,
                                                     check->handle, code),
                                 statement, 0, check->pool);
}

/* Run statement NUMBER. If it fails, that is logged, and NULL returned. */
static apr_dbd_results_t *run(check_t *check, at_statement_e number)
{
    apr_dbd_results_t *results;
    at_connection_e connection;
    const at_fault_t *fault = try_to_run(&results, &connection, check,
                                         number);

    while (fault && connection == AT_CONNECTION_DISCARD && renew(check)) {
        fault = try_to_run(&results, &connection, check, number);
    }
    if (!fault) {
        return results;
    }
    if (connection == AT_CONNECTION_LOST) {
        cut_short(check, fault);
        return NULL;
    }
    check->faults++;
    ap_log_error(APLOG_MARK, APLOG_ERR, 0, check->server, ATLOGNO("028")
                 "%sa statement fails: %s. Check that DBDInitSQL sets "
                 "nothing that makes prepared statements invalid.",
                 check->place,
                 fault->detail);
    return NULL;
}

/* The value of column NAME of ROW, in the check's pool. NULL if it is NULL,
 * or there is no such column. */
static const char *value_of(const check_t *check, apr_dbd_results_t *results,
                            apr_dbd_row_t *row, const char *name)
{
    int column = at_rows_find(check->driver, results, name, 0);

    return column < 0 ? NULL
           : apr_pstrdup(check->pool,
                         at_rows_text(check->driver, row, column));
}

/* Compare the columns that the text of STATEMENT names with those that the
 * database returns, in both directions. */
static void compare_columns(check_t *check, const at_statement_t *statement,
                            apr_dbd_results_t *results)
{
    int i;

    for (i = 0; i < apr_dbd_num_cols(check->driver, results); i++) {
        const char *name = apr_dbd_get_name(check->driver, results, i);

        if (name && at_sql_column(statement, name) == AT_SQL_NONE) {
            check->faults++;
            ap_log_error(APLOG_MARK, APLOG_ERR, 0, check->server,
                         ATLOGNO("027") "%s%s: no AS '...' names result column "
                         "%d, '%s', so it is not used. Name it or remove "
                         "it.", check->place, statement->file, i + 1, name);
        }
    }
    for (i = 0; i < statement->columns->nelts; i++) {
        const char *name = at_sql_column_name(statement, i);

        if (at_rows_find(check->driver, results, name, i) < 0) {
            check->faults++;
            ap_log_error(APLOG_MARK, APLOG_ERR, 0, check->server,
                         ATLOGNO("029") "%s%s: AS '%s' names no result "
                         "column. Quote names of result columns only.",
                         check->place, statement->file, name);
        }
    }
}

/* Run statement NUMBER and check its columns. SQLite's driver knows them only
 * if the result has a row. */
static void check_columns(check_t *check, at_statement_e number)
{
    apr_dbd_results_t *results = run(check, number);
    apr_dbd_row_t *row = NULL;
    int rows = 0;

    while (results && apr_dbd_get_row(check->driver, check->pool, results,
                                      &row, -1) == 0) {
        if (rows++ == 0) {
            compare_columns(check, check->statements->statement[number],
                            results);
        }
    }
}

/* A save of everything that a call may set, with its line of the history,
 * takes about 150 KB. */
static void check_packet(check_t *check, const char *max_packet)
{
    if (max_packet && apr_atoi64(max_packet) < LEAST_PACKET) {
        ap_log_error(APLOG_MARK, APLOG_WARNING, 0, check->server,
                     ATLOGNO("045") "%sthe database's max_allowed_packet, "
                     "%s, is below %d: calls with long values would get 500. "
                     "Raise it.", check->place, max_packet, LEAST_PACKET);
    }
}

/* Check the server's limits, where startup.sql reports them. */
static void check_limits(check_t *check, const char *max_connections,
                         const char *lock_wait)
{
    const at_config_t *config = at_config_of_server(check->server,
                                                    check->pool);
    int budget = (int)apr_time_sec(config->retry_budget), children = 0;

    ap_mpm_query(AP_MPMQ_MAX_DAEMONS, &children);
    if (max_connections
        && atoi(max_connections) < children * check->use->dbd_max) {
        ap_log_error(APLOG_MARK, APLOG_WARNING, 0, check->server,
                     ATLOGNO("037") "%s%d child processes times DBDMax %d "
                     "can be more than the database's max_connections, %s: "
                     "calls would get 503. Lower DBDMax (prefork: to 1), or "
                     "raise max_connections.", check->place, children,
                     check->use->dbd_max, max_connections);
    }
    if (lock_wait && atoi(lock_wait) >= budget) {
        ap_log_error(APLOG_MARK, APLOG_WARNING, 0, check->server,
                     ATLOGNO("038") "%sthe connection's "
                     "innodb_lock_wait_timeout, %s s, is not below "
                     "AccessTokenRetryBudget, %d s: a call that waits for a "
                     "lock is cut off, and it is unknown whether its change "
                     "was saved. Lower it by init-command in the my.cnf group "
                     "that DBDParams names.", check->place, lock_wait,
                     budget);
    }
}

/* Check the data and the connection, where startup.sql reports on them. */
static void check_promises(check_t *check, const char *least,
                           const char *synchronous)
{
    if (least && !at_number_is_natural(least)) {
        check->faults++;
        ap_log_error(APLOG_MARK, APLOG_ERR, 0, check->server, ATLOGNO("049")
                     "%sa sequence has the value %s, which is not a whole "
                     "number of 0 or more: calls that take its next number "
                     "get 500. Set it to the greatest number in use.",
                     check->place, least);
    }
    if (synchronous && atoi(synchronous) < 2) {
        ap_log_error(APLOG_MARK, APLOG_WARNING, 0, check->server,
                     ATLOGNO("048") "%sthe connection's PRAGMA synchronous "
                     "is %s: a change that was answered by 200 may be lost "
                     "in a power cut. Remove it from DBDInitSQL, or set it "
                     "to FULL.", check->place, synchronous);
    }
}

/* Count FAULT, which may be NULL. True if it is to be logged: another folder's
 * startup.sql may have found it before. */
static int is_news(check_t *check, const at_fault_t *fault)
{
    check->faults += fault != NULL;
    return fault && !is_said(check, fault->detail);
}

static void check_version(check_t *check, const char *version,
                          const char *charset)
{
    const at_fault_t *fault = at_statements_schema_fault(check->statements,
                                                         version,
                                                         check->pool);

    if (is_news(check, fault)) {
        ap_log_error(APLOG_MARK, APLOG_ERR, 0, check->server,
                     ATLOGNO("024") "%s%s", check->place, fault->detail);
    }
    fault = at_statements_charset_fault(charset, check->pool);
    if (is_news(check, fault)) {
        ap_log_error(APLOG_MARK, APLOG_ERR, 0, check->server,
                     ATLOGNO("025") "%s%s", check->place, fault->detail);
    }
}

static void check_schema(check_t *check)
{
    apr_dbd_results_t *results = run(check, AT_STATEMENT_STARTUP);
    const char *version = NULL, *charset = NULL, *max_connections = NULL;
    const char *lock_wait = NULL, *max_packet = NULL, *least = NULL;
    const char *synchronous = NULL;
    apr_dbd_row_t *row = NULL;

    if (!results) {
        return;
    }
    while (apr_dbd_get_row(check->driver, check->pool, results,
                           &row, -1) == 0) {
        version = value_of(check, results, row, "schema.version");
        charset = value_of(check, results, row, "connection.charset");
        max_connections = value_of(check, results, row,
                                   "server.max_connections");
        lock_wait = value_of(check, results, row,
                             "connection.lock_wait_timeout");
        max_packet = value_of(check, results, row,
                              "connection.max_allowed_packet");
        least = value_of(check, results, row, "sequences.least");
        synchronous = value_of(check, results, row,
                               "connection.synchronous");
    }
    check_version(check, version, charset);
    if (check->is_first) {
        check_limits(check, max_connections, lock_wait);
        check_packet(check, max_packet);
        check_promises(check, least, synchronous);
    }
}

/* True if the account can read the table that UNIQUE guards: MySQL shows the
 * keys of no other. */
static int is_visible(const check_t *check, const at_unique_t *unique)
{
    return check->prepared[strcmp(unique->field, "idempotency_key")
                           ? AT_STATEMENT_SAVE
                           : AT_STATEMENT_FIND_REQUEST] != NULL;
}

/* Check that the keys which @unique names are there: without them, nothing
 * refuses duplicates. */
static void check_uniques(check_t *check)
{
    const at_statement_t *save = check->statements->statement
                                     [AT_STATEMENT_SAVE];
    const apr_array_header_t *missing = at_unique_missing(save, check->driver,
                                                          check->handle,
                                                          check->pool);
    int i;

    for (i = 0; missing && i < missing->nelts; i++) {
        const at_unique_t *unique = &APR_ARRAY_IDX(missing, i, at_unique_t);

        if (!is_visible(check, unique)) {
            continue;
        }
        ap_log_error(APLOG_MARK, APLOG_WARNING, 0, check->server,
                     ATLOGNO("066") "%s%s: the database has no unique key %s, "
                     "which @unique names for %s, or the account cannot see "
                     "its table. Without the key, two calls can save the same "
                     "value: add it, or correct its name.", check->place,
                     save->file, unique->key, unique->field);
    }
}

/* A fault of a load statement is mostly a fault of its other forms too, and is
 * logged once. */
static int is_logged(const check_t *check, int number)
{
    return check->faults > 0
           && at_statement_is_load((at_statement_e)number)
           && at_statement_form((at_statement_e)number) != AT_SQL_WHOLE;
}

static void check_statements(check_t *check)
{
    int i;

    if (check->prepared[AT_STATEMENT_STARTUP]) {
        check_schema(check);
    }
    if (!check->is_cut) {
        check_uniques(check);
    }
    for (i = 0; i < AT_STATEMENT_COUNT && !check->is_cut; i++) {
        if (check->prepared[i] && !is_logged(check, i)
            && (at_statement_is_load((at_statement_e)i)
                || i == AT_STATEMENT_CUSTOM_FIELDS
                || i >= AT_STATEMENT_LOOKUP)) {
            check_columns(check, (at_statement_e)i);
        }
    }
}

/*
 * mod_dbd does not say which statement the database refused, nor how to fix
 * it. So look for the reason on a connection of the check's own.
 */
static void diagnose(check_t *check)
{
    int i;

    if (!open_database(check)) {
        return;
    }
    check_encryption(check);
    for (i = 0; i < AT_STATEMENT_COUNT && !check->is_cut; i++) {
        if (check->statements->statement[i] && !is_logged(check, i)) {
            prepare(check, (at_statement_e)i);
        }
    }
    if (!check->is_cut) {
        check_statements(check);
    }
    if (check->faults == 0) {
        check->faults++;
        ap_log_error(APLOG_MARK, APLOG_INFO, 0, check->server, ATLOGNO("030")
                     "%smod_dbd has no connection, though the statements "
                     "of %s fit the database; its message above says why",
                     check->place, check->statements->folder);
    }
}

/* Take a connection from mod_dbd; NULL if there is none. An attempt that fails
 * at once, for instance because another child has locked the SQLite file, is
 * made again. */
static ap_dbd_t *open_connection(const check_t *check, apr_pool_t *pool)
{
    ap_dbd_t *connection;
    apr_time_t start;
    int failures = 0;

    do {
        start = at_clock_now();
        connection = at_dbd_open(check->use->registered, check->server, pool);
    } while (!connection && at_clock_now() - start <= AT_ONCE
             && at_clock_try_again(&failures));
    return connection;
}

/* Check mod_dbd's connection. If its session is refused, the statements are not
 * checked: calls would not run them there. */
static void check_connection(check_t *check)
{
    const at_fault_t *fault;

    take_prepared(check);
    check_encryption(check);
    fault = at_session_check(check->connection,
                             at_server_config_of(ap_server_conf)->uses,
                             check->pool);
    if (!fault) {
        check_statements(check);
    }
    else if (fault->outcome == AT_STORE_BROKEN) {
        check->faults++;
        if (check->is_first) {
            ap_log_error(APLOG_MARK, APLOG_ERR, 0, check->server,
                         ATLOGNO("043") "%sthe connection to the database "
                         "cannot be used: %s. All calls get 500 until this "
                         "is fixed.", check->place, fault->detail);
        }
    }
    else {
        cut_short(check, fault);
    }
}

static void check_use(check_t *check, apr_pool_t *pool)
{
    const at_registered_t *registered = check->use->registered;

    check->connection = open_connection(check, pool);
    check_params(check);
    if (check->connection) {
        check_connection(check);
    }
    else {
        diagnose(check);
    }
    if (check->faults == 0) {
        ap_log_error(APLOG_MARK, APLOG_INFO, 0, check->server,
                     ATLOGNO("026") "%s" AT_PRODUCT ": the statements of %s "
                     "fit the %s database%s",
                     check->place, check->statements->folder,
                     check->use->driver,
                     at_statements_have_version(check->statements)
                     ? ", schema version " AT_SCHEMA_VERSION : "");
    }
    apr_pool_destroy(check->pool);
    if (check->connection) {
        at_dbd_close(registered, check->server, check->connection);
    }
}

/* Warn once, even if several servers use MySQL: they share the library. */
static void check_library(const apr_array_header_t *uses)
{
    int i;

    for (i = 0; i < uses->nelts; i++) {
        const at_use_t *use = &APR_ARRAY_IDX(uses, i, at_use_t);

        if (!ap_cstr_casecmp(use->driver, "mysql")
            && !at_mysql_knows_sockets()) {
            ap_log_error(APLOG_MARK, APLOG_WARNING, 0, use->server,
                         ATLOGNO("044") "the client library of apr_dbd_mysql "
                         "has no mysql_get_socket: if a database stops "
                         "answering in the middle of a statement, the call, "
                         "and in the end all threads, wait without limit. "
                         "Use an apr_dbd_mysql that is linked to "
                         "libmariadb 3 (MariaDB Connector/C).");
            return;
        }
    }
}

/* True if no use before number INDEX of USES has the same server. */
static int is_first_use(const apr_array_header_t *uses, int index)
{
    const server_rec *server = APR_ARRAY_IDX(uses, index, at_use_t).server;
    int i = 0;

    while (APR_ARRAY_IDX(uses, i, at_use_t).server != server) {
        i++;
    }
    return i == index;
}

void at_startup_check(apr_pool_t *pool, server_rec *server)
{
    const apr_array_header_t *uses = at_server_config_of(server)->uses;
    apr_table_t *said = apr_table_make(pool, 2);
    int i;

    if (!uses || !at_shared_is_first_child(server)) {
        return;
    }
    check_library(uses);
    for (i = 0; i < uses->nelts; i++) {
        const at_use_t *use = &APR_ARRAY_IDX(uses, i, at_use_t);
        check_t check;

        memset(&check, 0, sizeof(check));
        apr_pool_create(&check.pool, pool);
        check.use = use;
        check.is_first = is_first_use(uses, i);
        check.said = said;
        check.server = use->server;
        check.statements = at_dbd_statements(use->registered);
        check.place = !use->server->is_virtual ? ""
            : apr_psprintf(check.pool, "virtual host %s (line %u of %s): ",
                           use->server->server_hostname,
                           use->server->defn_line_number,
                           use->server->defn_name);
        check_use(&check, pool);
    }
}
