/* SPDX-License-Identifier: Apache-2.0 */
#include "at_store_error.h"

#include <string.h>

#include <apr_strings.h>

/* MySQL's text may be quoted in the log only where it holds no value. */
typedef struct {
    int code;
    at_outcome_e outcome;
    at_fault_e fault;
    at_connection_e connection;
    int quote;                /* TEXT names tables, columns, users only */
    const char *meaning;
} mysql_row_t;

#define AGAIN(code, fault, connection, meaning)             \
    { code, AT_STORE_RETRY, AT_FAULT_##fault,               \
      AT_CONNECTION_##connection, 0, meaning }
#define LATER(code, fault, meaning)                         \
    { code, AT_STORE_UNAVAILABLE, AT_FAULT_##fault,         \
      AT_CONNECTION_KEEP, 0, meaning }
#define MEND(code, quote, meaning)                          \
    { code, AT_STORE_BROKEN, AT_FAULT_BROKEN,               \
      AT_CONNECTION_KEEP, quote, meaning }

/* The statement was prepared, so it fitted then. */
#define STALE(code, meaning)                                \
    { code, AT_STORE_STALE, AT_FAULT_BROKEN,                \
      AT_CONNECTION_DISCARD, 1, meaning }

/* By the error references of MariaDB and MySQL. */
static const mysql_row_t mysql_rows[] = {
    /* Nothing was done, and the same may work at once. Galera tells a
     * conflict between nodes as a deadlock. */
    AGAIN(1020, WAIT, KEEP, "a row changed meanwhile"),
    AGAIN(1037, WAIT, KEEP, "the database has no memory"),
    AGAIN(1041, WAIT, KEEP, "the database has no memory"),
    AGAIN(1205, WAIT, KEEP, "waited too long for a lock: as long as "
          "innodb_lock_wait_timeout says"),
    AGAIN(1206, WAIT, KEEP, "no memory for locks; see "
          "innodb_buffer_pool_size"),
    AGAIN(1213, WAIT, KEEP, "a deadlock, or a conflict of Galera nodes"),
    AGAIN(1317, WAIT, KEEP, "the statement was killed"),
    AGAIN(1412, WAIT, KEEP, "a table was altered meanwhile"),
    AGAIN(1615, WAIT, KEEP, "a table was altered meanwhile"),
    AGAIN(1637, WAIT, KEEP, "too many transactions are open"),
    AGAIN(1689, WAIT, KEEP, "a lock was not free"),
    AGAIN(1969, WAIT, KEEP, "the statement took longer than "
          "max_statement_time"),
    AGAIN(3024, WAIT, KEEP, "the statement took longer than "
          "max_execution_time"),
    AGAIN(3572, WAIT, KEEP, "a lock was not free"),
    /* The like, but through another connection: a proxy or a virtual
     * address may lead it to a server that can. */
    AGAIN(1047, CONNECTION, DISCARD, "the Galera node is not ready: it is "
          "joining, or was parted from the majority"),
    AGAIN(1290, READ_ONLY, DISCARD, "the database is read-only: a replica, "
          "or read_only was switched on"),
    AGAIN(1792, READ_ONLY, DISCARD, "the database is read-only"),
    AGAIN(1836, READ_ONLY, DISCARD, "the database is read-only"),
    AGAIN(1874, READ_ONLY, DISCARD, "InnoDB is read-only"),
    AGAIN(1040, CONNECTION, DISCARD, "too many connections; see "
          "max_connections, and DBDMax times the number of children"),
    AGAIN(1203, CONNECTION, DISCARD, "the account has too many connections; "
          "see max_user_connections, and DBDMax times the number of "
          "children"),
    AGAIN(1226, CONNECTION, DISCARD, "the account has reached a limit of "
          "its own; see max_user_connections and the like"),
    AGAIN(1243, CONNECTION, DISCARD, "the connection's prepared statements "
          "are gone; put reconnect=0 into DBDParams"),
    AGAIN(1461, CONNECTION, DISCARD, "too many prepared statements; see "
          "max_prepared_stmt_count, and DBDMax times the number of "
          "children"),
    AGAIN(2002, CONNECTION, DISCARD, "no connection to the database"),
    AGAIN(2003, CONNECTION, DISCARD, "no connection to the database"),
    /* The connection is gone, and what it was about to do is open. */
    AGAIN(1053, CONNECTION, LOST, "the database shuts down"),
    AGAIN(1158, CONNECTION, LOST, "the connection was lost"),
    AGAIN(1159, CONNECTION, LOST, "the connection was lost"),
    AGAIN(1160, CONNECTION, LOST, "the connection was lost"),
    AGAIN(1161, CONNECTION, LOST, "the connection was lost"),
    AGAIN(1180, CONNECTION, LOST, "the commit failed"),
    AGAIN(1927, CONNECTION, LOST, "the connection was killed"),
    AGAIN(2006, CONNECTION, LOST, "the connection was lost"),
    AGAIN(2013, CONNECTION, LOST, "the connection was lost"),
    AGAIN(2014, CONNECTION, LOST, "the connection is out of step"),
    AGAIN(2027, CONNECTION, LOST, "the connection is out of step"),
    AGAIN(2030, CONNECTION, LOST, "the connection's prepared statements "
          "are gone; put reconnect=0 into DBDParams"),
    AGAIN(2055, CONNECTION, LOST, "the connection was lost"),
    AGAIN(4031, CONNECTION, LOST, "the connection was idle too long"),
    /* It may pass, but not within a call's time. */
    LATER(1021, FULL, "the database's disk is full"),
    LATER(1114, FULL, "a table is full"),
    /* A KILL leaves triggers unreadable that it finds being read, and a
     * trigger that was just made misses its tables. 1064 quotes a statement
     * or a trigger: parameters, no values. */
    STALE(1064, "the database cannot read the statement or a trigger; where "
          "a KILL broke that, FLUSH TABLES mends it"),
    STALE(1146, "a table is missing; see schema.sql, or, if it is there, "
          "FLUSH TABLES"),
    /* An admin must mend it. */
    MEND(1030, 1, "the storage engine failed; see the database's log"),
    MEND(1044, 1, "a right is missing; see grants.sql"),
    MEND(1045, 1, "the login failed"),
    MEND(1048, 1, "a column may not be NULL"),
    MEND(1054, 1, "a column is missing"),
    MEND(1142, 1, "a right is missing; see grants.sql"),
    MEND(1143, 1, "a right is missing; see grants.sql"),
    MEND(1267, 1, "collations differ; set default-character-set=utf8mb4 "
         "for the connection"),
    MEND(1305, 1, "a function is missing; see schema.sql"),
    MEND(1364, 1, "a column needs a value"),
    MEND(1366, 0, "a value does not fit its column; check the character "
         "sets of column and connection"),
    MEND(1370, 1, "a right is missing; see grants.sql"),
    MEND(1406, 1, "a value is longer than its column"),
    MEND(1449, 1, "who made a trigger or a function is no account any more; "
         "make them again"),
    MEND(1451, 0, "a foreign key was violated"),
    MEND(1452, 0, "a foreign key was violated"),
    MEND(4025, 0, "a CHECK constraint was violated")
};

#define MYSQL_DUPLICATE 1062

/* Whose error is it? Only behind one of the server's are both sides still in
 * step. The client library's own are CR_… and CER_… in errmsg.h. */
#define IS_OF_DRIVER(code) ((code) < 1000)
#define IS_OF_CLIENT(code) (((code) >= 2000 && (code) < 3000) \
                            || ((code) >= 5000 && (code) < 6000))

/* SQLite's messages name tables and columns, never values. */
typedef struct {
    const char *text;         /* stands in the message */
    at_outcome_e outcome;
    at_fault_e fault;
    const char *meaning;
} sqlite_row_t;

static const sqlite_row_t sqlite_rows[] = {
    { "is locked", AT_STORE_RETRY, AT_FAULT_WAIT, "another process writes" },
    { "is full", AT_STORE_UNAVAILABLE, AT_FAULT_FULL, "free some space" },
    { "disk I/O error", AT_STORE_UNAVAILABLE, AT_FAULT_CONNECTION, "see the "
      "system's log" },
    { "unable to open", AT_STORE_UNAVAILABLE, AT_FAULT_CONNECTION, "Apache's "
      "User must be able to write the file and its directory" },
    { "readonly", AT_STORE_BROKEN, AT_FAULT_BROKEN, "Apache's User must be "
      "able to write the file and its directory" },
    { "schema has changed", AT_STORE_BROKEN, AT_FAULT_BROKEN, "restart httpd "
      "after a change of the schema" },
    { "not an error", AT_STORE_BROKEN, AT_FAULT_BROKEN, "the schema was "
      "changed, or DBDInitSQL sets PRAGMA foreign_keys: mend that and "
      "restart httpd" },
    { "no such", AT_STORE_BROKEN, AT_FAULT_BROKEN, "see schema.sql" }
};

#define SQLITE_IS_BUSY 5

static const char sqlite_unique[] = "UNIQUE constraint failed: ";

static void set(at_store_error_t *error, at_outcome_e outcome,
                at_fault_e fault, const char *detail)
{
    error->outcome = outcome;
    error->fault = fault;
    error->detail = detail;
}

/* A unique key was violated: what does that mean? SHOWN is KEY, or "?"
 * where KEY might be a value. */
static void read_unique(at_store_error_t *error, const char *key,
                        const char *shown, const at_statement_t *statement,
                        apr_pool_t *pool)
{
    int meaning = at_statement_unique(statement, key);

    if (meaning >= 0) {
        error->conflict = meaning;
        set(error, AT_STORE_CONFLICT, AT_FAULT_NONE, NULL);
    }
    else if (meaning == AT_UNIQUE_REQUEST) {
        set(error, AT_STORE_REPEATED, AT_FAULT_NONE, NULL);
    }
    else if (meaning == AT_UNIQUE_VERSION) {
        set(error, AT_STORE_BROKEN, AT_FAULT_BROKEN, apr_psprintf(pool,
            "%s: the history has a line of this version already (unique key "
            "%s): was the access token made anew under an old id, or its "
            "version lowered? Remove the old lines", statement->file,
            shown));
    }
    else {
        set(error, AT_STORE_BROKEN, AT_FAULT_BROKEN, apr_psprintf(pool,
            "%s: the unique key %s was violated; if it guards a field, say "
            "so by -- @unique %s FIELD", statement->file, shown, shown));
    }
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

/* ROW is that of the error. Only a save runs our triggers; elsewhere what is
 * said to be missing is, and other statements, which a new connection would
 * not get prepared, may do. */
static void read_row(at_store_error_t *error, const mysql_row_t *row,
                     const char *text, const at_statement_t *statement,
                     int saves, apr_pool_t *pool)
{
    error->connection = row->connection;
    set(error, row->outcome, row->fault, apr_psprintf(pool,
        "%s: error %d, %s%s%s", statement->file, row->code, row->meaning,
        row->quote ? ": " : "", row->quote ? text : ""));
    if (row->outcome == AT_STORE_STALE && !saves) {
        error->connection = AT_CONNECTION_KEEP;
        error->outcome = AT_STORE_BROKEN;
    }
}

static void read_mysql(at_store_error_t *error, int code, const char *text,
                       const at_statement_t *statement, int saves,
                       apr_pool_t *pool)
{
    size_t i;

    if (code == MYSQL_DUPLICATE) {
        read_duplicate(error, text, statement, pool);
        return;
    }
    for (i = 0; i < sizeof(mysql_rows) / sizeof(mysql_rows[0]); i++) {
        if (mysql_rows[i].code == code) {
            read_row(error, &mysql_rows[i], text, statement, saves, pool);
            return;
        }
    }
    if (IS_OF_CLIENT(code)) {
        error->connection = AT_CONNECTION_LOST;
        set(error, AT_STORE_RETRY, AT_FAULT_CONNECTION, apr_psprintf(pool,
            "%s: error %d of the client library; the connection was given up",
            statement->file, code));
        return;
    }
    if (IS_OF_DRIVER(code)) {
        error->connection = AT_CONNECTION_DISCARD;
    }
    set(error, AT_STORE_BROKEN, AT_FAULT_BROKEN, apr_psprintf(pool, "%s: "
        "error %d of the database (its text may hold values, so it is not "
        "shown here)", statement->file, code));
}

/* "table.a, table.b" as @unique has it: "table.a,table.b". */
static const char *without_blanks(const char *text, apr_pool_t *pool)
{
    char *copy = apr_pstrdup(pool, text);

    apr_collapse_spaces(copy, copy);
    return copy;
}

static void read_sqlite(at_store_error_t *error, int code, const char *text,
                        const at_statement_t *statement, apr_pool_t *pool)
{
    const char *unique = strstr(text, sqlite_unique);
    int busy = code == SQLITE_IS_BUSY;
    size_t i;

    if (unique) {
        unique = without_blanks(unique + strlen(sqlite_unique), pool);
        read_unique(error, unique, unique, statement, pool);
        return;
    }
    for (i = 0; i < sizeof(sqlite_rows) / sizeof(sqlite_rows[0]); i++) {
        const sqlite_row_t *row = &sqlite_rows[i];

        if (strstr(text, row->text)) {
            set(error, row->outcome, row->fault, apr_psprintf(pool,
                "%s: %s; %s", statement->file, text, row->meaning));
            return;
        }
    }
    /* The driver's own answer when a lock stayed taken. */
    set(error, busy ? AT_STORE_RETRY : AT_STORE_BROKEN,
        busy ? AT_FAULT_WAIT : AT_FAULT_BROKEN,
        apr_psprintf(pool, "%s: error %d: %s", statement->file, code, text));
}

void at_store_error_read(at_store_error_t *error, const char *driver,
                         int code, const char *text,
                         const at_statement_t *statement, int saves,
                         apr_pool_t *pool)
{
    error->conflict = -1;
    error->connection = AT_CONNECTION_KEEP;
    text = text ? text : "";
    if (!strcmp(driver, "mysql")) {
        read_mysql(error, code, text, statement, saves, pool);
    }
    else if (!strcmp(driver, "sqlite3")) {
        read_sqlite(error, code, text, statement, pool);
    }
    else {
        set(error, AT_STORE_BROKEN, AT_FAULT_BROKEN, apr_psprintf(pool,
            "%s: error %d of the driver %s, which this module does not "
            "know; use mysql or sqlite3", statement->file, code, driver));
    }
}
