/* SPDX-License-Identifier: Apache-2.0 */
#include "at_store_error.h"

#include <string.h>

#include <apr_strings.h>

/* MySQL's text may be quoted in the log only where it holds no value. */
typedef struct {
    int code;
    at_outcome_e outcome;
    int quote;                /* TEXT names tables, columns, users only */
    const char *meaning;
} mysql_row_t;

static const mysql_row_t mysql_rows[] = {
    /* It may work when done again. */
    { 1020, AT_STORE_RETRY, 0, "a row changed meanwhile" },
    { 1213, AT_STORE_RETRY, 0, "a deadlock" },
    { 1047, AT_STORE_RETRY, 0, "the Galera node is not ready" },
    { 1317, AT_STORE_RETRY, 0, "the statement was killed" },
    { 1412, AT_STORE_RETRY, 0, "a table was altered meanwhile" },
    { 1615, AT_STORE_RETRY, 0, "a table was altered meanwhile" },
    { 3572, AT_STORE_RETRY, 0, "a lock was not free" },
    /* The database is out of reach, or too busy; it has waited already. */
    { 1205, AT_STORE_UNAVAILABLE, 0, "waited too long for a lock: as "
      "long as innodb_lock_wait_timeout says" },
    { 1021, AT_STORE_UNAVAILABLE, 0, "the database's disk is full" },
    { 1040, AT_STORE_UNAVAILABLE, 0, "too many connections; see "
      "max_connections, and DBDMax times the number of children" },
    { 1053, AT_STORE_UNAVAILABLE, 0, "the database shuts down" },
    { 1203, AT_STORE_UNAVAILABLE, 0, "the account has too many connections; "
      "see max_user_connections, and DBDMax times the number of children" },
    { 1226, AT_STORE_UNAVAILABLE, 0, "the account has reached a limit of "
      "its own; see max_user_connections and the like" },
    { 1969, AT_STORE_UNAVAILABLE, 0, "the statement took longer than "
      "max_statement_time" },
    { 3024, AT_STORE_UNAVAILABLE, 0, "the statement took longer than "
      "max_execution_time" },
    { 1114, AT_STORE_UNAVAILABLE, 0, "a table is full" },
    { 1290, AT_STORE_UNAVAILABLE, 0, "the database is read-only" },
    { 1836, AT_STORE_UNAVAILABLE, 0, "the database is read-only" },
    { 1927, AT_STORE_UNAVAILABLE, 0, "the connection was killed" },
    { 2002, AT_STORE_UNAVAILABLE, 0, "no connection to the database" },
    { 2003, AT_STORE_UNAVAILABLE, 0, "no connection to the database" },
    { 2006, AT_STORE_UNAVAILABLE, 0, "the connection was lost" },
    { 2013, AT_STORE_UNAVAILABLE, 0, "the connection was lost" },
    { 2014, AT_STORE_UNAVAILABLE, 0, "the connection is out of step" },
    { 2030, AT_STORE_UNAVAILABLE, 0, "the connection's prepared statements "
      "are gone; put reconnect=0 into DBDParams" },
    { 2055, AT_STORE_UNAVAILABLE, 0, "the connection was lost" },
    { 4031, AT_STORE_UNAVAILABLE, 0, "the connection was idle too long" },
    /* An admin must mend it. */
    { 1044, AT_STORE_BROKEN, 1, "a right is missing; see grants.sql" },
    { 1045, AT_STORE_BROKEN, 1, "the login failed" },
    { 1048, AT_STORE_BROKEN, 1, "a column may not be NULL" },
    { 1054, AT_STORE_BROKEN, 1, "a column is missing" },
    { 1142, AT_STORE_BROKEN, 1, "a right is missing; see grants.sql" },
    { 1143, AT_STORE_BROKEN, 1, "a right is missing; see grants.sql" },
    { 1146, AT_STORE_BROKEN, 1, "a table is missing; see schema.sql" },
    { 1267, AT_STORE_BROKEN, 1, "collations differ; set "
      "default-character-set=utf8mb4 for the connection" },
    { 1305, AT_STORE_BROKEN, 1, "a function is missing; see schema.sql" },
    { 1364, AT_STORE_BROKEN, 1, "a column needs a value" },
    { 1366, AT_STORE_BROKEN, 0, "a value does not fit its column; check "
      "the character sets of column and connection" },
    { 1370, AT_STORE_BROKEN, 1, "a right is missing; see grants.sql" },
    { 1406, AT_STORE_BROKEN, 1, "a value is longer than its column" },
    { 1451, AT_STORE_BROKEN, 0, "a foreign key was violated" },
    { 1452, AT_STORE_BROKEN, 0, "a foreign key was violated" },
    { 4025, AT_STORE_BROKEN, 0, "a CHECK constraint was violated" }
};

#define MYSQL_DUPLICATE 1062

/* The codes of a connection that is gone; 0 at the end. */
static const int mysql_lost[] = { 1927, 2006, 2013, 2014, 2030, 2055, 4031,
                                  0 };

/* SQLite's messages name tables and columns, never values. */
typedef struct {
    const char *text;         /* stands in the message */
    at_outcome_e outcome;
    const char *meaning;
} sqlite_row_t;

static const sqlite_row_t sqlite_rows[] = {
    { "is locked", AT_STORE_RETRY, "another process writes" },
    { "is full", AT_STORE_UNAVAILABLE, "free some space" },
    { "disk I/O error", AT_STORE_UNAVAILABLE, "see the system's log" },
    { "unable to open", AT_STORE_UNAVAILABLE, "Apache's User must be able "
      "to write the file and its directory" },
    { "readonly", AT_STORE_BROKEN, "Apache's User must be able to write "
      "the file and its directory" },
    { "schema has changed", AT_STORE_BROKEN, "restart httpd after a change "
      "of the schema" },
    { "not an error", AT_STORE_BROKEN, "the schema was changed, or "
      "DBDInitSQL sets PRAGMA foreign_keys: mend that and restart httpd" },
    { "no such", AT_STORE_BROKEN, "see schema.sql" }
};

static const char sqlite_unique[] = "UNIQUE constraint failed: ";

static void set(at_store_error_t *error, at_outcome_e outcome,
                const char *detail)
{
    error->outcome = outcome;
    error->detail = detail;
}

/* A unique key was violated: whose value is taken? SHOWN is KEY, or "?"
 * where KEY might be a value. */
static void read_unique(at_store_error_t *error, const char *key,
                        const char *shown, const at_statement_t *statement,
                        apr_pool_t *pool)
{
    error->conflict = at_statement_unique(statement, key);
    if (error->conflict >= 0) {
        set(error, AT_STORE_CONFLICT, NULL);
        return;
    }
    set(error, AT_STORE_BROKEN, apr_psprintf(pool, "%s: the unique key %s "
        "was violated; if it guards a field, say so by -- @unique %s FIELD",
        statement->file, shown, shown));
}

/* The text between the last two quotes of TEXT, if it ends with one and
 * has two more before them; NULL if not. */
static const char *last_quoted(const char *text, apr_pool_t *pool)
{
    apr_size_t length = strlen(text), quotes = 0, i;
    const char *start;

    for (i = 0; i < length; i++) {
        quotes += text[i] == '\'';
    }
    if (quotes < 4 || text[length - 1] != '\'') {
        return NULL;
    }
    start = text + length - 1;
    while (start[-1] != '\'') {
        start--;
    }
    return apr_pstrmemdup(pool, start,
                          (apr_size_t)(text + length - 1 - start));
}

/*
 * "Duplicate entry 'VALUE' for key 'TABLE.KEY'", in the language of
 * lc_messages; TABLE is MySQL 8's. VALUE may hold anything, so the key is
 * looked for from the end. It is shown only where the text leaves no doubt
 * that it is one.
 */
static void read_duplicate(at_store_error_t *error, const char *text,
                           const at_statement_t *statement, apr_pool_t *pool)
{
    const char *name = last_quoted(text, pool);
    const char *dot = name ? strchr(name, '.') : NULL;
    const char *key = dot ? dot + 1 : name;
    const char *whole;
    int certain;

    if (!name) {
        read_unique(error, "", "?", statement, pool);
        return;
    }
    whole = apr_pstrcat(pool, "' for key '", name, "'", (char *)NULL);
    certain = strlen(text) > strlen(whole)
              && !strcmp(text + strlen(text) - strlen(whole), whole);
    read_unique(error, key, certain ? key : "?", statement, pool);
}

static void read_mysql(at_store_error_t *error, int code, const char *text,
                       const at_statement_t *statement, apr_pool_t *pool)
{
    size_t i;

    for (i = 0; mysql_lost[i]; i++) {
        error->lost |= mysql_lost[i] == code;
    }
    if (code == MYSQL_DUPLICATE) {
        read_duplicate(error, text, statement, pool);
        return;
    }
    for (i = 0; i < sizeof(mysql_rows) / sizeof(mysql_rows[0]); i++) {
        const mysql_row_t *row = &mysql_rows[i];

        if (row->code == code) {
            set(error, row->outcome, apr_psprintf(pool,
                "%s: error %d, %s%s%s", statement->file, code, row->meaning,
                row->quote ? ": " : "", row->quote ? text : ""));
            return;
        }
    }
    set(error, AT_STORE_BROKEN, apr_psprintf(pool, "%s: error %d of the "
        "database (its text may hold values, so it is not shown here)",
        statement->file, code));
}

static void read_sqlite(at_store_error_t *error, int code, const char *text,
                        const at_statement_t *statement, apr_pool_t *pool)
{
    const char *unique = strstr(text, sqlite_unique);
    size_t i;

    if (unique) {
        unique += strlen(sqlite_unique);
        read_unique(error, unique, unique, statement, pool);
        return;
    }
    for (i = 0; i < sizeof(sqlite_rows) / sizeof(sqlite_rows[0]); i++) {
        const sqlite_row_t *row = &sqlite_rows[i];

        if (strstr(text, row->text)) {
            set(error, row->outcome, apr_psprintf(pool, "%s: %s; %s",
                                                  statement->file, text,
                                                  row->meaning));
            return;
        }
    }
    /* The driver's own answer when a lock stayed taken: SQLITE_BUSY. */
    set(error, code == 5 ? AT_STORE_RETRY : AT_STORE_BROKEN,
        apr_psprintf(pool, "%s: error %d: %s", statement->file, code, text));
}

void at_store_error_read(at_store_error_t *error, const char *driver,
                         int code, const char *text,
                         const at_statement_t *statement, apr_pool_t *pool)
{
    error->conflict = -1;
    error->lost = 0;
    text = text ? text : "";
    if (!strcmp(driver, "mysql")) {
        read_mysql(error, code, text, statement, pool);
    }
    else if (!strcmp(driver, "sqlite3")) {
        read_sqlite(error, code, text, statement, pool);
    }
    else {
        set(error, AT_STORE_BROKEN, apr_psprintf(pool, "%s: error %d of the "
            "driver %s, which this module does not know; use mysql or "
            "sqlite3", statement->file, code, driver));
    }
}
