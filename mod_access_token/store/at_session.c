/* SPDX-License-Identifier: Apache-2.0 */
#include "at_session.h"

#include <string.h>

#include <apr_strings.h>

#include "at_config.h"
#include "at_rows.h"
#include "at_store_error.h"

/* The name of what is kept, in the connection's pool. */
#define KEPT_AS "access_token_session"

/* To MySQL, TEXT is a comment. A server refuses the whole statement if it does
 * not know one of the variables. */
#define MARIADB_ONLY(text) "/*M!100201 " text "*/"

/*
 * The right-hand sides are evaluated before anything is set.
 * - sql_mode: modes that the admin has chosen are kept, except padding of CHAR
 *   columns.
 * - collation_connection is kept if it is one of utf8mb4: the statements were
 *   prepared in it, and their literals have it.
 * - completion_type: another module that commits on this connection must not
 *   begin a transaction by that.
 * - ISOLATION is the name of the variable. At READ UNCOMMITTED,
 *   find_request.sql and the search for a save whose connection was lost would
 *   find changes that are rolled back later.
 */
#define SET_SESSION(isolation) \
    "SET @access_token_mode = @@SESSION.sql_mode," \
    " @access_token_charset = @@SESSION.character_set_client," \
    " SESSION autocommit = 1," \
    " SESSION completion_type = 0," \
    " SESSION character_set_client = utf8mb4," \
    " SESSION character_set_results = utf8mb4," \
    " SESSION collation_connection =" \
    " IF(@@SESSION.character_set_connection = 'utf8mb4'," \
    " @@SESSION.collation_connection, 'utf8mb4_general_ci')," \
    " SESSION lc_messages = 'en_US'," \
    " SESSION time_zone = '+00:00'," \
    " SESSION foreign_key_checks = 1," \
    " SESSION unique_checks = 1," \
    " SESSION sql_safe_updates = 0," \
    " SESSION sql_select_limit = 18446744073709551615," \
    " SESSION sql_mode = CONCAT_WS(',', REPLACE(@@SESSION.sql_mode," \
    " 'PAD_CHAR_TO_FULL_LENGTH', ''), 'STRICT_TRANS_TABLES')," \
    " SESSION " isolation " = IF(@@SESSION." isolation \
    " = 'READ-UNCOMMITTED', 'REPEATABLE-READ', @@SESSION." isolation ")" \
    MARIADB_ONLY(", SESSION check_constraint_checks = 1")

#define VARIABLE(name) "@@SESSION." name " AS '" name "'"

#define READ_SESSION(isolation) \
    "SELECT @access_token_mode AS 'mode when prepared'," \
    " @access_token_charset AS 'charset when prepared', " \
    VARIABLE("autocommit") ", " \
    VARIABLE("completion_type") ", " \
    VARIABLE("character_set_client") ", " \
    VARIABLE("character_set_connection") ", " \
    VARIABLE("character_set_results") ", " \
    VARIABLE("lc_messages") ", " \
    VARIABLE("time_zone") ", " \
    VARIABLE("foreign_key_checks") ", " \
    VARIABLE("unique_checks") ", " \
    VARIABLE("sql_safe_updates") ", " \
    VARIABLE("sql_select_limit") ", " \
    VARIABLE("sql_mode") ", " \
    VARIABLE("max_allowed_packet") ", " \
    "@@SESSION." isolation " AS 'isolation'" \
    MARIADB_ONLY(", " VARIABLE("check_constraint_checks"))

/* MariaDB's name of the variable comes first, so that only MySQL costs one more
 * round trip; MariaDB 11.1 knows both names. */
static const struct {
    const char *set, *read;
} texts[] = {
    { SET_SESSION("tx_isolation"), READ_SESSION("tx_isolation") },
    { SET_SESSION("transaction_isolation"),
      READ_SESSION("transaction_isolation") }
};

#define UNKNOWN_VARIABLE 1193

/* The variables that have one right value. */
static const struct {
    const char *name, *value;
} variables[] = {
    { "autocommit", "1" },
    { "completion_type", "NO_CHAIN" },
    { "character_set_client", "utf8mb4" },
    { "character_set_connection", "utf8mb4" },
    { "character_set_results", "utf8mb4" },
    { "lc_messages", "en_US" },
    { "time_zone", "+00:00" },
    { "foreign_key_checks", "1" },
    { "unique_checks", "1" },
    { "sql_safe_updates", "0" },
    { "sql_select_limit", "18446744073709551615" },
    { "check_constraint_checks", "1" }
};

/* Modes that change the meaning of a statement when it is prepared, so that
 * removing them later does not help. */
static const char *const parsing_modes[] = { "ORACLE",
                                             "EMPTY_STRING_IS_NULL" };

#define IN_GROUP "in the my.cnf group that DBDParams names"

/* What is kept with a connection. */
typedef struct {
    const at_fault_t *fault;     /* why it cannot be used; or NULL */
    apr_size_t max_packet;       /* 0: not known */
} kept_t;

/* For errors: the statements of the session are in no file, and have no unique
 * keys. */
static at_statement_t session_statement(apr_pool_t *pool)
{
    at_statement_t statement;

    memset(&statement, 0, sizeof(statement));
    statement.file = "the settings of the connection";
    statement.uniques = apr_array_make(pool, 1, sizeof(at_unique_t));
    return statement;
}

/* What apr_dbd's CODE means. No value of a request is bound, so the text can
 * hold none. */
static at_fault_t *fail(const apr_dbd_driver_t *driver, apr_dbd_t *handle,
                        int code, apr_pool_t *pool)
{
    const char *text = apr_dbd_error(driver, handle, code);
    at_statement_t statement = session_statement(pool);
    at_connection_e ignored;
    const at_fault_t *fault = at_store_error_read(&ignored, "mysql", code,
                                                  text, &statement, 0, pool);

    return at_fault_make(pool, fault->outcome, fault->kind, "%s [%s]",
                         fault->detail, text ? text : "");
}

/* True if MODE is in MODES, a value of sql_mode. */
static int has_mode(const char *modes, const char *mode)
{
    size_t length = strlen(mode);
    const char *found = strstr(modes, mode);

    while (found && ((found > modes && found[-1] != ',')
                     || (found[length] && found[length] != ','))) {
        found = strstr(found + length, mode);
    }
    return found != NULL;
}

/* Check the values that SESSION had when the statements were prepared. PLAIN is
 * true if all of these are ASCII. */
static at_fault_t *check_parsing(const apr_table_t *session, int plain,
                                 apr_pool_t *pool)
{
    const char *modes = apr_table_get(session, "mode when prepared");
    const char *charset = apr_table_get(session, "charset when prepared");
    size_t i;

    for (i = 0; i < sizeof(parsing_modes) / sizeof(parsing_modes[0]); i++) {
        if (modes && has_mode(modes, parsing_modes[i])) {
            return at_fault_make(pool, AT_STORE_BROKEN, AT_FAULT_BROKEN,
                "sql_mode %s changes what statements mean. Remove it for "
                "the module's account: SET SESSION sql_mode = "
                "'STRICT_ALL_TABLES' by init-command " IN_GROUP,
                parsing_modes[i]);
        }
    }
    if (!plain && charset && strcmp(charset, "utf8mb4")) {
        return at_fault_make(pool, AT_STORE_BROKEN, AT_FAULT_BROKEN,
            "a statement has characters that are not ASCII, and was read "
            "in the character set %s. Put default-character-set=utf8mb4 "
            IN_GROUP "; if it is there, the server overrides it: put SET NAMES "
            "utf8mb4 into init-command", charset);
    }
    return NULL;
}

/* Check the values of SESSION. Variables that the server does not know are not
 * in it. */
static at_fault_t *check_values(const apr_table_t *session, apr_pool_t *pool)
{
    const char *modes = apr_table_get(session, "sql_mode"), *value;
    const char *isolation = apr_table_get(session, "isolation");
    size_t i;

    for (i = 0; i < sizeof(variables) / sizeof(variables[0]); i++) {
        value = apr_table_get(session, variables[i].name);
        if (value && strcmp(value, variables[i].value)) {
            return at_fault_make(pool, AT_STORE_BROKEN, AT_FAULT_BROKEN,
                "%s is %s instead of %s, though the module has set it. Find "
                "out what prevents that, for instance a proxy or a plugin "
                "between Apache and the database", variables[i].name, value,
                variables[i].value);
        }
    }
    if (!modes || (!has_mode(modes, "STRICT_TRANS_TABLES")
                   && !has_mode(modes, "STRICT_ALL_TABLES"))
        || has_mode(modes, "PAD_CHAR_TO_FULL_LENGTH")) {
        return at_fault_make(pool, AT_STORE_BROKEN, AT_FAULT_BROKEN,
            "sql_mode is '%s', and could not be made strict. SET SESSION "
            "sql_mode = 'STRICT_ALL_TABLES' by init-command " IN_GROUP,
            modes ? modes : "unclear");
    }
    if (isolation && !strcmp(isolation, "READ-UNCOMMITTED")) {
        return at_fault_make(pool, AT_STORE_BROKEN, AT_FAULT_BROKEN,
            "the transaction isolation is READ-UNCOMMITTED, at which a "
            "call reads changes that are rolled back later. Set another by "
            "init-command " IN_GROUP);
    }
    return NULL;
}

/* Run READ, and put each column into SESSION. POOL is for the results. Returns
 * apr_dbd's code, 0 if all is well. */
static int read_back(apr_table_t *session, const apr_dbd_driver_t *driver,
                     apr_dbd_t *handle, const char *read, apr_pool_t *pool)
{
    apr_dbd_results_t *results = NULL;
    apr_dbd_row_t *row = NULL;
    int code = apr_dbd_select(driver, pool, handle, &results, read, 0), i;

    while (!code && (code = apr_dbd_get_row(driver, pool, results, &row, -1))
                    == 0) {
        for (i = 0; i < apr_dbd_num_cols(driver, results); i++) {
            const char *name = apr_dbd_get_name(driver, results, i);
            const char *value = at_rows_text(driver, row, i);

            if (name && value) {
                apr_table_set(session, name, value);
            }
        }
    }
    return code == -1 ? 0 : code;
}

/* Set the session, and read it into SESSION. POOL is for the results. Returns
 * apr_dbd's code, 0 if all is well. */
static int set_and_read(apr_table_t *session, const apr_dbd_driver_t *driver,
                        apr_dbd_t *handle, apr_pool_t *pool)
{
    int code = UNKNOWN_VARIABLE, count;
    size_t i;

    for (i = 0; i < sizeof(texts) / sizeof(texts[0])
                && code == UNKNOWN_VARIABLE; i++) {
        code = apr_dbd_query(driver, handle, &count, texts[i].set);
        if (!code) {
            code = read_back(session, driver, handle, texts[i].read,
                             pool);
        }
    }
    return code;
}

/* Set the session, and fill KEPT in POOL. */
static void set_up(kept_t *kept, const apr_dbd_driver_t *driver,
                   apr_dbd_t *handle, int plain, apr_pool_t *pool)
{
    apr_table_t *session;
    apr_pool_t *scratch;
    const char *max_packet;
    int code;

    apr_pool_create(&scratch, pool);
    session = apr_table_make(scratch, 20);
    code = set_and_read(session, driver, handle, scratch);
    if (code) {
        kept->fault = fail(driver, handle, code, pool);
    }
    else {
        kept->fault = check_parsing(session, plain, pool);
    }
    if (!kept->fault) {
        kept->fault = check_values(session, pool);
    }
    max_packet = apr_table_get(session, "max_allowed_packet");
    if (!kept->fault && max_packet) {
        kept->max_packet = (apr_size_t)apr_atoi64(max_packet);
    }
    apr_pool_destroy(scratch);
}

/* True if all of STATEMENTS are ASCII, which most character sets read in the
 * same way. */
static int are_plain(const at_statements_t *statements)
{
    const unsigned char *each;
    int i;

    for (i = 0; i < AT_STATEMENT_COUNT; i++) {
        if (!statements->statement[i]) {
            continue;
        }
        each = (const unsigned char *)statements->statement[i]->text;
        while (*each && *each < 0x80) {
            each++;
        }
        if (*each) {
            return 0;
        }
    }
    return 1;
}

/* Check that the server accepts the length of each statement. If not, it would
 * close the connection, mostly before its error is read. */
static at_fault_t *check_lengths(const at_statements_t *statements,
                                 apr_size_t max_packet, apr_pool_t *pool)
{
    int i;

    for (i = 0; i < AT_STATEMENT_COUNT && max_packet; i++) {
        const at_statement_t *statement = statements->statement[i];
        apr_size_t length = statement ? strlen(statement->text) + 1 : 0;

        if (length >= max_packet) {
            return at_fault_make(pool, AT_STORE_BROKEN, AT_FAULT_BROKEN,
                "%s: it has %" APR_SIZE_T_FMT " bytes; raise the database's "
                "max_allowed_packet, which is %" APR_SIZE_T_FMT,
                statement->file, length, max_packet);
        }
    }
    return NULL;
}

const at_fault_t *at_session_set(const apr_dbd_driver_t *driver,
                                 apr_dbd_t *handle,
                                 const at_statements_t *statements,
                                 apr_pool_t *result_pool)
{
    kept_t kept = { NULL, 0 };

    if (strcmp(apr_dbd_name(driver), "mysql")) {
        return NULL;
    }
    set_up(&kept, driver, handle, are_plain(statements), result_pool);
    return kept.fault ? kept.fault
                      : check_lengths(statements, kept.max_packet,
                                      result_pool);
}

/* True if the statements of any of USES are prepared on DBD. *PLAIN becomes
 * true if all of these are ASCII. */
static int serves(int *plain, const ap_dbd_t *dbd,
                  const apr_array_header_t *uses)
{
    int i, any = 0;

    *plain = 1;
    for (i = 0; i < uses->nelts; i++) {
        const at_registered_t *registered =
            APR_ARRAY_IDX(uses, i, at_use_t).registered;

        if (at_dbd_prepared(registered, dbd, AT_STATEMENT_STARTUP)) {
            any = 1;
            *plain = *plain && are_plain(at_dbd_statements(registered));
        }
    }
    return any;
}

static kept_t *find_kept(const ap_dbd_t *dbd)
{
    void *kept = NULL;

    return apr_pool_userdata_get(&kept, KEPT_AS, dbd->pool) == APR_SUCCESS
           ? kept : NULL;
}

const at_fault_t *at_session_check(ap_dbd_t *dbd,
                                   const apr_array_header_t *uses,
                                   apr_pool_t *result_pool)
{
    kept_t *kept;
    int plain;

    if (strcmp(apr_dbd_name(dbd->driver), "mysql")) {
        return NULL;
    }
    kept = find_kept(dbd);
    if (!kept) {
        if (!serves(&plain, dbd, uses)) {
            return NULL;
        }
        kept = apr_pcalloc(dbd->pool, sizeof(*kept));
        set_up(kept, dbd->driver, dbd->handle, plain, dbd->pool);
        if (!kept->fault || kept->fault->outcome == AT_STORE_BROKEN) {
            (void)apr_pool_userdata_setn(kept, KEPT_AS, NULL, dbd->pool);
        }
    }
    return at_fault_copy(result_pool, kept->fault);
}

apr_size_t at_session_max_packet(const ap_dbd_t *dbd)
{
    const kept_t *kept = find_kept(dbd);

    return kept ? kept->max_packet : 0;
}
