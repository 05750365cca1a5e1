/* SPDX-License-Identifier: Apache-2.0 */
#include "at_store_error.h"

#include <string.h>
#include <strings.h>

#include <apr_strings.h>

/* What an error of MySQL or MariaDB means. */
typedef struct {
    int code;
    at_outcome_e outcome;
    at_fault_kind_e kind;
    at_connection_e connection;
    int quote;                /* true: the log may quote the database's text,
                                 which names tables, columns and users, and
                                 holds no value */
    const char *meaning;
} mysql_row_t;

#define AGAIN(code, kind, connection, meaning)              \
    { code, AT_STORE_RETRY, AT_FAULT_##kind,                \
      AT_CONNECTION_##connection, 0, meaning }
#define LATER(code, kind, meaning)                          \
    { code, AT_STORE_UNAVAILABLE, AT_FAULT_##kind,          \
      AT_CONNECTION_KEEP, 0, meaning }
#define FIX(code, quote, meaning)                           \
    { code, AT_STORE_BROKEN, AT_FAULT_BROKEN,               \
      AT_CONNECTION_KEEP, quote, meaning }

/* The same, but the connection was not made, or is out of step. */
#define REFUSED(code, quote, meaning)                       \
    { code, AT_STORE_BROKEN, AT_FAULT_BROKEN,               \
      AT_CONNECTION_DISCARD, quote, meaning }

#define SEE_PACKET "; raise max_allowed_packet, on the server and, if it is " \
    "set there, in the my.cnf group that DBDParams names"

/* It may work on another connection; if not, an admin must fix it. */
#define STALE(code, meaning)                                \
    { code, AT_STORE_STALE, AT_FAULT_BROKEN,                \
      AT_CONNECTION_DISCARD, 1, meaning }

#define NO_MEMBER "the member of the replication group is not online, or " \
    "waited too long for the others"

/* By the error references of MariaDB and MySQL. */
static const mysql_row_t mysql_rows[] = {
    /* Nothing was done, and the same may work at once. Galera reports a
     * conflict between nodes as a deadlock. */
    AGAIN(1020, WAIT, KEEP, "a row was changed by another transaction"),
    AGAIN(1037, WAIT, KEEP, "the database is out of memory"),
    AGAIN(1041, WAIT, KEEP, "the database is out of memory"),
    AGAIN(1205, WAIT, KEEP, "waited for a lock longer than "
          "innodb_lock_wait_timeout allows"),
    AGAIN(1206, WAIT, KEEP, "no memory for locks; see "
          "innodb_buffer_pool_size"),
    AGAIN(1213, WAIT, KEEP, "a deadlock, or a conflict of Galera nodes"),
    AGAIN(1317, WAIT, KEEP, "the statement was killed"),
    AGAIN(1412, WAIT, KEEP, "a table was altered at the same time"),
    AGAIN(1615, WAIT, KEEP, "a table was altered at the same time"),
    AGAIN(1637, WAIT, KEEP, "too many transactions are open"),
    AGAIN(1689, WAIT, KEEP, "a lock was not free"),
    AGAIN(1969, WAIT, KEEP, "the statement took longer than "
          "max_statement_time"),
    AGAIN(3024, WAIT, KEEP, "the statement took longer than "
          "max_execution_time"),
    AGAIN(3101, WAIT, KEEP, "a conflict of members of the replication group; "
          "nothing was committed"),
    AGAIN(3572, WAIT, KEEP, "a lock was not free"),
    /* Nothing was done, and the same may work on another connection: a proxy
     * or a virtual address may lead it to another server. */
    AGAIN(1047, CONNECTION, DISCARD, "the Galera node is not ready: it is "
          "joining, or was separated from the majority"),
    AGAIN(1015, READ_ONLY, DISCARD, "the database is read-only: "
          "innodb_read_only"),
    AGAIN(1036, READ_ONLY, DISCARD, "the database is read-only: "
          "innodb_read_only, or the table's file cannot be written"),
    AGAIN(1290, READ_ONLY, DISCARD, "the database is read-only: a replica, "
          "or read_only was switched on"),
    AGAIN(1792, READ_ONLY, DISCARD, "the database is read-only"),
    AGAIN(1836, READ_ONLY, DISCARD, "the database is read-only"),
    AGAIN(1874, READ_ONLY, DISCARD, "InnoDB is read-only"),
    AGAIN(1881, READ_ONLY, DISCARD, "InnoDB is read-only: "
          "innodb_force_recovery"),
    AGAIN(3796, CONNECTION, DISCARD, NO_MEMBER),
    AGAIN(3797, CONNECTION, DISCARD, NO_MEMBER),
    AGAIN(3798, CONNECTION, DISCARD, NO_MEMBER),
    AGAIN(3799, CONNECTION, DISCARD, NO_MEMBER),
    AGAIN(3032, CONNECTION, DISCARD, "the server is in offline mode"),
    AGAIN(1042, CONNECTION, DISCARD, "the server cannot look up this host"),
    AGAIN(1043, CONNECTION, DISCARD, "the connection broke while it was "
          "made"),
    AGAIN(1135, CONNECTION, DISCARD, "the server cannot start a thread"),
    AGAIN(1040, CONNECTION, DISCARD, "too many connections; see "
          "max_connections, and DBDMax times the number of children"),
    AGAIN(1203, CONNECTION, DISCARD, "the account has too many connections; "
          "see max_user_connections, and DBDMax times the number of "
          "children"),
    AGAIN(1226, CONNECTION, DISCARD, "the account has reached one of its own "
          "limits; see max_user_connections and CREATE USER ... WITH"),
    AGAIN(1243, CONNECTION, DISCARD, "the connection's prepared statements "
          "are gone; put reconnect=0 into DBDParams"),
    AGAIN(1461, CONNECTION, DISCARD, "too many prepared statements; see "
          "max_prepared_stmt_count, and DBDMax times the number of "
          "children"),
    AGAIN(2002, CONNECTION, DISCARD, "no connection to the database"),
    AGAIN(2003, CONNECTION, DISCARD, "no connection to the database"),
    /* The connection is gone; whether a save was done is open. */
    AGAIN(1053, CONNECTION, LOST, "the database shuts down"),
    AGAIN(1152, CONNECTION, LOST, "the connection was lost"),
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
    AGAIN(3100, CONNECTION, LOST, "the replication group did not accept the "
          "change"),
    AGAIN(3169, CONNECTION, LOST, "the connection was killed"),
    AGAIN(4031, CONNECTION, LOST, "the connection was idle too long"),
    /* It may pass, but not within a call's time. */
    LATER(1021, FULL, "the database's disk is full"),
    LATER(1114, FULL, "a table is full"),
    /* A KILL leaves triggers unreadable that are being read at that moment,
     * and a trigger that was just made does not find its tables. The text of
     * 1064 quotes a statement or a trigger: parameters, no values. */
    STALE(1064, "the database cannot read the statement or a trigger: correct "
          "its syntax, or, if it worked before a KILL, run FLUSH TABLES"),
    STALE(1146, "a table is missing, or its name is misspelt; see schema.sql, "
          "or, if it is there, run FLUSH TABLES"),
    /* Another connection may have a new limit. */
    STALE(1153, "a statement with its values is longer than the server "
          "allows" SEE_PACKET),
    /* An admin must fix it. */
    FIX(1030, 1, "the storage engine failed; see the database's log"),
    FIX(1048, 1, "a column may not be NULL; the columns of the history are "
        "NULL if their text is longer than max_allowed_packet: raise it"),
    FIX(1054, 1, "a column is missing, or its name is misspelt"),
    FIX(1142, 1, "a right is missing, or the table's name is misspelt; see "
        "grants.sql"),
    FIX(1143, 1, "a right is missing, or the column's name is misspelt; see "
        "grants.sql"),
    FIX(1162, 0, "a text is longer than the server allows" SEE_PACKET),
    FIX(1264, 0, "a number is out of range: if this is raise_number.sql, the "
        "sequence is used up or negative; set it to another number"),
    FIX(1267, 1, "collations differ; set default-character-set=utf8mb4 "
        "for the connection"),
    FIX(1292, 0, "a text is no number or date, and was compared with one or "
        "stored as one; is a CAST missing, or has it the wrong type"),
    FIX(1301, 0, "a function's result is longer than the server allows"
        SEE_PACKET),
    FIX(1305, 1, "a function is missing; see schema.sql"),
    FIX(1364, 1, "a column needs a value"),
    FIX(1366, 0, "a value does not fit its column; check the character "
        "sets of column and connection"),
    FIX(1370, 1, "a right is missing; see grants.sql"),
    FIX(1406, 1, "a value is longer than its column"),
    FIX(1449, 1, "the definer of a trigger or function no longer exists; "
        "recreate it"),
    FIX(1451, 0, "a foreign key was violated"),
    FIX(1452, 0, "a foreign key was violated"),
    FIX(1690, 0, "a number is out of range: if this is raise_number.sql, the "
        "sequence is used up or negative; set it to another number"),
    FIX(3819, 0, "a CHECK constraint was violated"),
    FIX(4025, 0, "a CHECK constraint was violated"),
    /* An admin must fix it: the connection was refused, or is out of step. */
    REFUSED(1044, 1, "a right is missing; see grants.sql"),
    REFUSED(1045, 1, "the login failed"),
    REFUSED(1049, 0, "there is no such database"),
    REFUSED(1129, 0, "the server has blocked this host; find out why its "
            "connections broke, then run FLUSH HOSTS (MySQL: TRUNCATE TABLE "
            "performance_schema.host_cache)"),
    REFUSED(1130, 0, "the account is not for this host; see CREATE USER"),
    REFUSED(1184, 0, "the server's init_connect fails; see the database's "
            "log"),
    REFUSED(1193, 0, "there is no such variable; see init-command"),
    REFUSED(1227, 0, "a right is missing"),
    REFUSED(1231, 0, "a variable cannot have this value; see init-command"),
    REFUSED(1251, 0, "the client library does not support the account's "
            "method to authenticate"),
    REFUSED(1275, 0, "the account's password has an old format; set a new "
            "password"),
    REFUSED(1524, 0, "the server does not have the account's method to "
            "authenticate"),
    REFUSED(1698, 0, "the login failed: the account does not authenticate by "
            "a password"),
    REFUSED(1820, 0, "the account's password has expired; set a new one"),
    REFUSED(1862, 0, "the account's password has expired; set a new one"),
    REFUSED(3118, 0, "the account is locked"),
    REFUSED(3159, 0, "the server wants TLS; see ssl-ca in access_token.cnf"),
    REFUSED(3955, 0, "the account is locked after failed logins"),
    REFUSED(4151, 0, "the account is locked"),
    REFUSED(2019, 0, "the client library does not know the character set"),
    REFUSED(2020, 0, "a statement with its values, or a row of its result, "
            "is longer than the client library allows" SEE_PACKET),
    REFUSED(2031, 0, "a parameter has no value"),
    REFUSED(2033, 0, "the statement has no parameters"),
    REFUSED(2034, 0, "the statement has other parameters"),
    REFUSED(2035, 0, "the client library refuses a buffer"),
    REFUSED(2036, 0, "the client library does not know a type"),
    REFUSED(2054, 0, "the client library lacks a function"),
    REFUSED(2059, 0, "the client library lacks the account's method to "
            "authenticate"),
    REFUSED(2061, 0, "the account's method to authenticate failed")
};

#define MYSQL_DUPLICATE 1062
#define MYSQL_TOO_LONG  1406

/* Where an error comes from. Only after an error of the server are both sides
 * still in step. The client library's errors are CR_… and CER_… in
 * errmsg.h. */
#define IS_OF_DRIVER(code) ((code) < 1000)
#define IS_OF_CLIENT(code) (((code) >= 2000 && (code) < 3000) \
                            || ((code) >= 5000 && (code) < 6000))

/* What an error of SQLite means. Its messages name tables and columns, never
 * values. */
typedef struct {
    const char *text;         /* is part of the message */
    at_outcome_e outcome;
    at_fault_kind_e kind;
    at_connection_e connection;
    const char *meaning;
} sqlite_row_t;

static const sqlite_row_t sqlite_rows[] = {
    { "is locked", AT_STORE_RETRY, AT_FAULT_WAIT, AT_CONNECTION_KEEP,
      "another process writes" },
    { "is full", AT_STORE_UNAVAILABLE, AT_FAULT_FULL, AT_CONNECTION_KEEP,
      "free some space" },
    { "disk I/O error", AT_STORE_UNAVAILABLE, AT_FAULT_CONNECTION,
      AT_CONNECTION_KEEP, "see the system's log" },
    { "unable to open", AT_STORE_UNAVAILABLE, AT_FAULT_CONNECTION,
      AT_CONNECTION_KEEP, "Apache's User must be able to write the file and "
      "its directory" },
    /* SQLite says so as well of a file that another one has replaced. */
    { "readonly", AT_STORE_STALE, AT_FAULT_BROKEN, AT_CONNECTION_DISCARD,
      "Apache's User must be able to write the file and its directory" },
    /* The driver uses an old function of SQLite to prepare. After a VACUUM or
     * a change of the schema, all that was prepared before fails as soon as
     * it is run: once with the first text, then always with the second. */
    { "schema has changed", AT_STORE_RETRY, AT_FAULT_WAIT,
      AT_CONNECTION_DISCARD, "the statements are prepared again" },
    { "not an error", AT_STORE_RETRY, AT_FAULT_WAIT, AT_CONNECTION_DISCARD,
      "the schema was changed; the statements are prepared again" },
    { "no such", AT_STORE_BROKEN, AT_FAULT_BROKEN, AT_CONNECTION_KEEP,
      "see schema.sql" }
};

#define SQLITE_IS_BUSY 5

static const char sqlite_unique[] = "UNIQUE constraint failed: ";

static at_fault_t *conflict(int field, apr_pool_t *pool)
{
    at_fault_t *fault = at_fault_of_row(pool, AT_STORE_CONFLICT);

    fault->field = field;
    return fault;
}

/* What it means that the unique key KEY was violated. SHOWN is KEY without its
 * table, or "?" if KEY might be a value. */
static at_fault_t *read_unique(const char *key, const char *shown,
                               const at_statement_t *statement,
                               apr_pool_t *pool)
{
    int meaning = at_statement_unique(statement, key);

    if (meaning >= 0) {
        return conflict(meaning, pool);
    }
    if (meaning == AT_UNIQUE_REQUEST) {
        return at_fault_of_row(pool, AT_STORE_REPEATED);
    }
    if (meaning == AT_UNIQUE_VERSION) {
        return at_fault_make(pool, AT_STORE_BROKEN, AT_FAULT_BROKEN,
            "%s: the history already has a line of this version (unique key "
            "%s). Was an access token inserted again under an old id, or its "
            "version lowered? Remove the old lines", statement->file, shown);
    }
    return at_fault_make(pool, AT_STORE_BROKEN, AT_FAULT_BROKEN,
        "%s: the unique key %s was violated; if it guards a field, declare it "
        "by -- @unique %s FIELD", statement->file, shown, shown);
}

/* The text between the last two quotes of TEXT, if there are two more
 * before them; NULL if not. */
static const char *last_quoted(const char *text, apr_pool_t *pool)
{
    const char *end = strrchr(text, '\''), *each;
    apr_size_t quotes = 0;

    for (each = text; *each; each++) {
        quotes += *each == '\'';
    }
    if (quotes < 4) {
        return NULL;
    }
    each = end;
    while (each[-1] != '\'') {
        each--;
    }
    return apr_pstrmemdup(pool, each, (apr_size_t)(end - each));
}

/* The key that STATEMENT declares by @unique: NAME, or what follows a dot in
 * NAME. NULL if it declares none of them. */
static const char *declared(const char *name, const at_statement_t *statement)
{
    while (at_statement_unique(statement, name) == AT_UNIQUE_UNKNOWN) {
        const char *dot = strchr(name, '.');

        if (!dot) {
            return NULL;
        }
        name = dot + 1;
    }
    return name;
}

/*
 * TEXT is "Duplicate entry 'VALUE' for key 'TABLE.KEY'"; only MySQL 8 names
 * the table. The session asks for English messages. In other languages, too,
 * the key is last, but words may follow it. VALUE may contain anything, so the
 * key is looked for from the end, and one that is not declared is shown only
 * if the text is certain to name a key there.
 */
static at_fault_t *read_duplicate(const char *text,
                                  const at_statement_t *statement,
                                  apr_pool_t *pool)
{
    const char *name = last_quoted(text, pool);
    const char *key = name ? declared(name, statement) : "";
    const char *dot, *whole;
    int certain;

    if (key) {
        return read_unique(key, *key ? key : "?", statement, pool);
    }
    dot = strchr(name, '.');
    whole = apr_pstrcat(pool, "' for key '", name, "'", (char *)NULL);
    certain = strlen(text) > strlen(whole)
              && !strcmp(text + strlen(text) - strlen(whole), whole);
    return read_unique(name, !certain ? "?" : dot ? dot + 1 : name,
                       statement, pool);
}

/* The field whose column TEXT names, which is "Data too long for column 'NAME'
 * at row 1", in whatever language; AT_FIELD_NONE if STATEMENT sets no such
 * column to a field. */
static int find_too_long(const char *text, const at_statement_t *statement)
{
    const char *name = strchr(text, '\'');
    apr_size_t length = name ? strcspn(name + 1, "'") : 0;
    int i;

    for (i = 0; length && statement->set_columns && i < at_field_count();
         i++) {
        const char *column = statement->set_columns[i];

        if (column && strlen(column) == length
            && !strncasecmp(column, name + 1, length)) {
            return i;
        }
    }
    return AT_FIELD_NONE;
}

/* FAULT as one of FIELD, if that is known. */
static at_fault_t *of_field(at_fault_t *fault, int field)
{
    if (field != AT_FIELD_NONE) {
        fault->outcome = AT_STORE_TOO_LONG;
        fault->field = field;
    }
    return fault;
}

static const mysql_row_t *find_row(int code)
{
    size_t i;

    for (i = 0; i < sizeof(mysql_rows) / sizeof(mysql_rows[0]); i++) {
        if (mysql_rows[i].code == code) {
            return &mysql_rows[i];
        }
    }
    return NULL;
}

/* Only a save runs triggers. In another statement, what the database says is
 * missing is missing, and may belong to that statement alone: on a new
 * connection it could not be prepared, and neither could the others. */
static at_fault_t *read_row(at_connection_e *connection,
                            const mysql_row_t *row, const char *text,
                            const at_statement_t *statement, int saves,
                            apr_pool_t *pool)
{
    int is_broken = row->outcome == AT_STORE_STALE && !saves;

    *connection = is_broken ? AT_CONNECTION_KEEP : row->connection;
    return at_fault_make(pool, is_broken ? AT_STORE_BROKEN : row->outcome,
                         row->kind, "%s: error %d, %s%s%s", statement->file,
                         row->code, row->meaning, row->quote ? ": " : "",
                         row->quote ? text : "");
}

static at_fault_t *read_mysql(at_connection_e *connection, int code,
                              const char *text,
                              const at_statement_t *statement, int saves,
                              apr_pool_t *pool)
{
    const mysql_row_t *row = find_row(code);

    if (code == MYSQL_DUPLICATE) {
        return read_duplicate(text, statement, pool);
    }
    if (row) {
        return of_field(read_row(connection, row, text, statement, saves,
                                 pool),
                        code == MYSQL_TOO_LONG
                        ? find_too_long(text, statement) : AT_FIELD_NONE);
    }
    if (IS_OF_CLIENT(code)) {
        *connection = AT_CONNECTION_LOST;
        return at_fault_make(pool, AT_STORE_RETRY, AT_FAULT_CONNECTION,
            "%s: error %d of the client library; the connection was closed",
            statement->file, code);
    }
    if (IS_OF_DRIVER(code)) {
        *connection = AT_CONNECTION_DISCARD;
    }
    return at_fault_make(pool, AT_STORE_BROKEN, AT_FAULT_BROKEN, "%s: error "
        "%d of the database (its text may hold values, so it is not shown "
        "here)", statement->file, code);
}

at_fault_t *at_store_error_connecting(int code, apr_pool_t *pool)
{
    const mysql_row_t *row = find_row(code);

    if (row && row->outcome != AT_STORE_STALE) {
        return at_fault_make(pool, row->outcome, row->kind, "error %d, %s",
                             code, row->meaning);
    }
    if (IS_OF_CLIENT(code)) {
        return at_fault_make(pool, AT_STORE_RETRY, AT_FAULT_CONNECTION,
                             "error %d of the client library", code);
    }
    return at_fault_make(pool, AT_STORE_BROKEN, AT_FAULT_BROKEN, "error %d",
                         code);
}

/* "table.a, table.b" as @unique has it: "table.a,table.b". */
static const char *without_blanks(const char *text, apr_pool_t *pool)
{
    char *copy = apr_pstrdup(pool, text);

    apr_collapse_spaces(copy, copy);
    return copy;
}

static at_fault_t *read_sqlite(at_connection_e *connection, int code,
                               const char *text,
                               const at_statement_t *statement,
                               apr_pool_t *pool)
{
    const char *unique = strstr(text, sqlite_unique);
    int busy = code == SQLITE_IS_BUSY;
    size_t i;

    if (unique) {
        unique = without_blanks(unique + strlen(sqlite_unique), pool);
        return read_unique(unique, unique, statement, pool);
    }
    for (i = 0; i < sizeof(sqlite_rows) / sizeof(sqlite_rows[0]); i++) {
        const sqlite_row_t *row = &sqlite_rows[i];

        if (strstr(text, row->text)) {
            *connection = row->connection;
            return at_fault_make(pool, row->outcome, row->kind, "%s: %s; %s",
                                 statement->file, text, row->meaning);
        }
    }
    /* The driver's own code when a lock was not released in time. */
    return at_fault_make(pool, busy ? AT_STORE_RETRY : AT_STORE_BROKEN,
                         busy ? AT_FAULT_WAIT : AT_FAULT_BROKEN,
                         "%s: error %d: %s", statement->file, code, text);
}

at_fault_t *at_store_error_read(at_connection_e *connection,
                                const char *driver, int code,
                                const char *text,
                                const at_statement_t *statement, int saves,
                                apr_pool_t *pool)
{
    *connection = AT_CONNECTION_KEEP;
    text = text ? text : "";
    if (!strcmp(driver, "mysql")) {
        return read_mysql(connection, code, text, statement, saves, pool);
    }
    if (!strcmp(driver, "sqlite3")) {
        return read_sqlite(connection, code, text, statement, pool);
    }
    return at_fault_make(pool, AT_STORE_BROKEN, AT_FAULT_BROKEN,
        "%s: error %d of the driver %s, which this module does not know; use "
        "mysql or sqlite3", statement->file, code, driver);
}
