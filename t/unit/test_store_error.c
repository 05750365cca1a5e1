/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a database's errors mean: by the error references of MariaDB, MySQL
 * and SQLite; contract, sections 5 and 6.
 */
#include "test_support.h"

#include <string.h>

#include "at_field.h"
#include "at_store_error.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* A value that a client sent. */
#define VALUE "S3CRET"

/* save.sql of both engines at once. */
static at_statement_t *save_statement(void)
{
    at_statement_t *statement;
    at_sql_folders_t folders = { test_folder(), NULL };
    static const char *const none[] = { NULL };
    const char *problem;

    test_write("save.sql",
               "-- @unique access_tokens_authentication_code "
               "authentication_code\n"
               "-- @unique access_tokens_identifier identifier\n"
               "-- @unique access_tokens.authentication_code "
               "authentication_code\n"
               "-- @unique access_tokens.identifier identifier\n"
               "-- @unique access_token_requests_key idempotency_key\n"
               "-- @unique access_token_requests.user_id,"
               "access_token_requests.idempotency_key idempotency_key\n"
               "-- @unique access_token_changes_version version\n"
               "UPDATE access_tokens SET a = 1");
    problem = test_detail(
        at_sql_read(&statement, &folders, "save.sql", AT_SQL_WHOLE, none,
                    pool, pool));
    ck_assert_msg(!problem, "%s", problem);
    return statement;
}

static const at_fault_t *read_error(const char *driver, int code,
                                    const char *text)
{
    at_connection_e connection;
    const at_fault_t *fault = at_store_error_read(&connection, driver, code,
                                                  text, save_statement(), 1,
                                                  pool);

    if (fault->outcome == AT_STORE_CONFLICT) {
        ck_assert(fault->field >= 0 && fault->field < AT_CREDENTIAL_COUNT);
    }
    else if (fault->outcome != AT_STORE_REPEATED) {
        ck_assert_msg(fault->detail && *fault->detail, "%s %d: %s", driver,
                      code, text);
        ck_assert_msg(!has(fault->detail, VALUE), "%s %d: %s", driver, code,
                      fault->detail);
        ck_assert_msg(has(fault->detail, "save.sql"), "%s", fault->detail);
    }
    return fault;
}

typedef struct {
    const char *driver;
    int code;
    const char *text;
    at_outcome_e outcome;
    at_fault_kind_e kind;
} outcome_case_t;

static void check(const outcome_case_t *cases, size_t count)
{
    size_t i;

    for (i = 0; i < count; i++) {
        const at_fault_t *fault = read_error(cases[i].driver, cases[i].code,
                                             cases[i].text);

        ck_assert_msg(fault->outcome == cases[i].outcome
                      && fault->kind == cases[i].kind,
                      "%s %d: %s: %d, %d", cases[i].driver, cases[i].code,
                      cases[i].text, (int)fault->outcome, (int)fault->kind);
    }
}
#define CHECK(cases) check(cases, COUNT(cases))

START_TEST(what_may_work_when_it_is_done_again_is_retried)
{
    static const outcome_case_t cases[] = {
        { "mysql", 1213, "Deadlock found when trying to get lock; try "
          "restarting transaction", AT_STORE_RETRY, AT_FAULT_WAIT },
        { "mysql", 1205, "Lock wait timeout exceeded; try restarting "
          "transaction", AT_STORE_RETRY, AT_FAULT_WAIT },
        { "mysql", 1020, "Record has changed since last read in table 't'",
          AT_STORE_RETRY, AT_FAULT_WAIT },
        { "mysql", 3572, "Statement aborted because lock(s) could not be "
          "acquired immediately and NOWAIT is set.", AT_STORE_RETRY,
          AT_FAULT_WAIT },
        { "mysql", 1317, "Query execution was interrupted",
          AT_STORE_RETRY, AT_FAULT_WAIT },
        { "mysql", 1969, "Query execution was interrupted "
          "(max_statement_time exceeded)", AT_STORE_RETRY, AT_FAULT_WAIT },
        { "mysql", 3024, "Query execution was interrupted, maximum "
          "statement execution time exceeded", AT_STORE_RETRY, AT_FAULT_WAIT },
        { "mysql", 1037, "Out of memory; restart server and try again "
          "(needed 8 bytes)", AT_STORE_RETRY, AT_FAULT_WAIT },
        { "mysql", 1041, "Out of memory.", AT_STORE_RETRY, AT_FAULT_WAIT },
        { "mysql", 1206, "The total number of locks exceeds the lock table "
          "size", AT_STORE_RETRY, AT_FAULT_WAIT },
        { "mysql", 1637, "Too many active concurrent transactions",
          AT_STORE_RETRY, AT_FAULT_WAIT }
    };

    CHECK(cases);
}
END_TEST

START_TEST(what_another_server_may_do_is_retried)
{
    static const outcome_case_t cases[] = {
        { "mysql", 1243, "Unknown prepared statement handler (2) given to "
          "EXECUTE", AT_STORE_RETRY, AT_FAULT_CONNECTION },
        { "mysql", 1461, "Can't create more than max_prepared_stmt_count "
          "statements (current value: 16382)", AT_STORE_RETRY,
          AT_FAULT_CONNECTION },
        { "mysql", 1874, "InnoDB is in read only mode", AT_STORE_RETRY,
          AT_FAULT_READ_ONLY },
        { "mysql", 1881, "Operation not allowed when innodb_force_recovery "
          "> 0.", AT_STORE_RETRY, AT_FAULT_READ_ONLY },
        { "mysql", 1036, "Table 'access_tokens' is read only",
          AT_STORE_RETRY, AT_FAULT_READ_ONLY },
        { "mysql", 3101, "Plugin instructed the server to rollback the "
          "current transaction.", AT_STORE_RETRY, AT_FAULT_WAIT },
        { "mysql", 3796, "The option group_replication_consistency cannot "
          "be used on the current member state.", AT_STORE_RETRY,
          AT_FAULT_CONNECTION },
        { "mysql", 3032, "The server is currently in offline mode",
          AT_STORE_RETRY, AT_FAULT_CONNECTION },
        { "mysql", 1135, "Can't create a new thread", AT_STORE_RETRY,
          AT_FAULT_CONNECTION },
        { "mysql", 1047, "WSREP has not yet prepared node for application "
          "use", AT_STORE_RETRY, AT_FAULT_CONNECTION },
        { "mysql", 1290, "The MariaDB server is running with the "
          "--read-only option so it cannot execute this statement",
          AT_STORE_RETRY, AT_FAULT_READ_ONLY },
        { "mysql", 1792, "Cannot execute statement in a READ ONLY "
          "transaction", AT_STORE_RETRY, AT_FAULT_READ_ONLY },
        { "mysql", 1836, "Running in read-only mode", AT_STORE_RETRY,
          AT_FAULT_READ_ONLY },
        { "mysql", 1040, "Too many connections", AT_STORE_RETRY,
          AT_FAULT_CONNECTION },
        { "mysql", 1203, "User u already has more than "
          "'max_user_connections' active connections", AT_STORE_RETRY,
          AT_FAULT_CONNECTION },
        { "mysql", 1226, "User 'u' has exceeded the "
          "'max_user_connections' resource (current value: 1)",
          AT_STORE_RETRY, AT_FAULT_CONNECTION },
        { "mysql", 2002, "Can't connect to local server through socket "
          "'/run/s' (2)", AT_STORE_RETRY, AT_FAULT_CONNECTION },
        { "mysql", 2003, "Can't connect to server on 'db' (111)",
          AT_STORE_RETRY, AT_FAULT_CONNECTION }
    };

    CHECK(cases);
}
END_TEST

START_TEST(a_lost_connection_is_retried)
{
    static const outcome_case_t cases[] = {
        { "mysql", 1053, "Server shutdown in progress", AT_STORE_RETRY,
          AT_FAULT_CONNECTION },
        { "mysql", 1180, "Got error 6 during COMMIT", AT_STORE_RETRY,
          AT_FAULT_CONNECTION },
        { "mysql", 1927, "Connection was killed", AT_STORE_RETRY,
          AT_FAULT_CONNECTION },
        { "mysql", 2006, "Server has gone away", AT_STORE_RETRY,
          AT_FAULT_CONNECTION },
        { "mysql", 2013, "Lost connection to server during query",
          AT_STORE_RETRY, AT_FAULT_CONNECTION },
        { "mysql", 2014, "", AT_STORE_RETRY, AT_FAULT_CONNECTION },
        { "mysql", 2030, "", AT_STORE_RETRY, AT_FAULT_CONNECTION },
        { "mysql", 2000, "Unknown error", AT_STORE_RETRY,
          AT_FAULT_CONNECTION },
        { "mysql", 2026, "SSL connection error", AT_STORE_RETRY,
          AT_FAULT_CONNECTION },
        { "mysql", 2055, "Lost connection at 'reading'", AT_STORE_RETRY,
          AT_FAULT_CONNECTION },
        { "mysql", 3100, "Error on observer while running replication hook "
          "'before_commit'.", AT_STORE_RETRY, AT_FAULT_CONNECTION },
        { "mysql", 3169, "Session was killed", AT_STORE_RETRY,
          AT_FAULT_CONNECTION },
        { "mysql", 4031, "The client was disconnected by the server because "
          "of inactivity.", AT_STORE_RETRY, AT_FAULT_CONNECTION }
    };

    CHECK(cases);
}
END_TEST

START_TEST(a_full_disk_makes_the_database_unavailable)
{
    static const outcome_case_t cases[] = {
        { "mysql", 1021, "Disk full (/t); waiting for someone to free some "
          "space...", AT_STORE_UNAVAILABLE, AT_FAULT_FULL },
        { "mysql", 1114, "The table 't' is full", AT_STORE_UNAVAILABLE,
          AT_FAULT_FULL }
    };

    CHECK(cases);
}
END_TEST

START_TEST(errors_of_rights_and_limits_are_broken_or_stale)
{
    static const outcome_case_t cases[] = {
        { "mysql", 1044, "Access denied for user 'u'@'h' to database 'd'",
          AT_STORE_BROKEN, AT_FAULT_BROKEN },
        { "mysql", 1045, "Access denied for user 'u'@'h' (using password: "
          "YES)", AT_STORE_BROKEN, AT_FAULT_BROKEN },
        { "mysql", 1153, "Got a packet bigger than 'max_allowed_packet' "
          "bytes", AT_STORE_STALE, AT_FAULT_BROKEN },
        { "mysql", 1162, "Result string is longer than 'max_allowed_packet' "
          "bytes", AT_STORE_BROKEN, AT_FAULT_BROKEN },
        { "mysql", 1301, "Result of concat() was larger than "
          "max_allowed_packet (1024) - truncated", AT_STORE_BROKEN,
          AT_FAULT_BROKEN },
        { "mysql", 2020, "", AT_STORE_BROKEN, AT_FAULT_BROKEN },
        { "mysql", 2031, "", AT_STORE_BROKEN, AT_FAULT_BROKEN },
        { "mysql", 2034, "", AT_STORE_BROKEN, AT_FAULT_BROKEN },
        { "mysql", 2036, "", AT_STORE_BROKEN, AT_FAULT_BROKEN },
        { "mysql", 1820, "You must SET PASSWORD before executing this "
          "statement", AT_STORE_BROKEN, AT_FAULT_BROKEN }
    };

    CHECK(cases);
}
END_TEST

START_TEST(errors_of_schema_and_statement_are_broken_or_stale)
{
    static const outcome_case_t cases[] = {
        { "mysql", 1048, "Column 'authentication_code' cannot be null",
          AT_STORE_BROKEN, AT_FAULT_BROKEN },
        { "mysql", 1054, "Unknown column 'x' in 'field list'",
          AT_STORE_BROKEN, AT_FAULT_BROKEN },
        { "mysql", 1064, "Trigger 't' has an error in its body: 'You have "
          "an error in your SQL syntax near '' at line 1'", AT_STORE_STALE,
          AT_FAULT_BROKEN },
        { "mysql", 1142, "UPDATE command denied to user 'u'@'h' for table "
          "'t'", AT_STORE_BROKEN, AT_FAULT_BROKEN },
        { "mysql", 1146, "Table 'd.t' doesn't exist", AT_STORE_STALE,
          AT_FAULT_BROKEN },
        { "mysql", 1267, "Illegal mix of collations", AT_STORE_BROKEN,
          AT_FAULT_BROKEN },
        { "mysql", 1292, "Incorrect datetime value: '" VALUE "' for column",
          AT_STORE_BROKEN, AT_FAULT_BROKEN },
        { "mysql", 1305, "FUNCTION d.f does not exist", AT_STORE_BROKEN,
          AT_FAULT_BROKEN },
        { "mysql", 1366, "Incorrect string value: '" VALUE "' for column "
          "'c' at row 1", AT_STORE_BROKEN, AT_FAULT_BROKEN },
        { "mysql", 1406, "Data too long for column 'c' at row 1",
          AT_STORE_BROKEN, AT_FAULT_BROKEN },
        { "mysql", 1451, "Cannot delete or update a parent row",
          AT_STORE_BROKEN, AT_FAULT_BROKEN },
        { "mysql", 1452, "Cannot add or update a child row: a foreign key "
          "constraint fails", AT_STORE_BROKEN, AT_FAULT_BROKEN },
        { "mysql", 4025, "CONSTRAINT `c` failed for `d`.`t`",
          AT_STORE_BROKEN, AT_FAULT_BROKEN },
        { "mysql", 9999, "something new: " VALUE, AT_STORE_BROKEN,
          AT_FAULT_BROKEN },
        { "mysql", -1, "", AT_STORE_BROKEN, AT_FAULT_BROKEN },
        { "mysql", 1, NULL, AT_STORE_BROKEN, AT_FAULT_BROKEN }
    };

    CHECK(cases);
}
END_TEST

START_TEST(the_outcome_of_each_error_of_sqlite_is_known)
{
    static const outcome_case_t cases[] = {
        { "sqlite3", 5, "database is locked", AT_STORE_RETRY, AT_FAULT_WAIT },
        { "sqlite3", 1, "database is locked", AT_STORE_RETRY, AT_FAULT_WAIT },
        { "sqlite3", 5, "", AT_STORE_RETRY, AT_FAULT_WAIT },
        { "sqlite3", 6, "database table is locked", AT_STORE_RETRY,
          AT_FAULT_WAIT },
        { "sqlite3", 1, "database or disk is full", AT_STORE_UNAVAILABLE,
          AT_FAULT_FULL },
        { "sqlite3", 10, "disk I/O error", AT_STORE_UNAVAILABLE,
          AT_FAULT_CONNECTION },
        { "sqlite3", 14, "unable to open database file",
          AT_STORE_UNAVAILABLE, AT_FAULT_CONNECTION },
        { "sqlite3", 8, "attempt to write a readonly database",
          AT_STORE_STALE, AT_FAULT_BROKEN },
        { "sqlite3", 1, "no such table: access_tokens", AT_STORE_BROKEN,
          AT_FAULT_BROKEN },
        { "sqlite3", 1, "no such column: x", AT_STORE_BROKEN,
          AT_FAULT_BROKEN },
        { "sqlite3", 1, "NOT NULL constraint failed: t.c",
          AT_STORE_BROKEN, AT_FAULT_BROKEN },
        { "sqlite3", 1, "CHECK constraint failed: c", AT_STORE_BROKEN,
          AT_FAULT_BROKEN },
        { "sqlite3", 1, "FOREIGN KEY constraint failed", AT_STORE_BROKEN,
          AT_FAULT_BROKEN },
        { "sqlite3", 1, "not an error", AT_STORE_RETRY, AT_FAULT_WAIT },
        { "sqlite3", 17, "database schema has changed", AT_STORE_RETRY,
          AT_FAULT_WAIT },
        { "sqlite3", 1, NULL, AT_STORE_BROKEN, AT_FAULT_BROKEN },
        { "sqlite3", 1, "", AT_STORE_BROKEN, AT_FAULT_BROKEN }
    };

    CHECK(cases);
}
END_TEST

START_TEST(another_driver_has_only_unknown_errors)
{
    static const outcome_case_t cases[] = {
        { "pgsql", 7, "ERROR: duplicate key value violates \"" VALUE "\"",
          AT_STORE_BROKEN, AT_FAULT_BROKEN },
        { "", 0, "", AT_STORE_BROKEN, AT_FAULT_BROKEN }
    };

    CHECK(cases);
}
END_TEST

/* What to do with the connection that gave the error. */
static at_connection_e read_connection(const char *driver, int code,
                                       const char *text)
{
    at_connection_e connection;

    memset(&connection, 0x55, sizeof(connection));
    (void)at_store_error_read(&connection, driver, code, text,
                              save_statement(), 1, pool);
    return connection;
}

/* The connection is kept, discarded or lost; if it is lost, so is a save. */
START_TEST(each_error_says_what_to_do_with_the_connection)
{
    static const int lost[] = { 1053, 1152, 1158, 1159, 1160, 1161, 1180,
                                1927, 3100, 3169, 4031 };
    static const int discarded[] = { 1015, 1036, 1040, 1042, 1043, 1044, 1045,
                                     1047, 1049, 1064, 1129, 1130, 1135,
                                     1146, 1153, 1184, 1193, 1203, 1226,
                                     1227, 1231, 1243, 1251, 1275, 1290,
                                     1461, 1524, 1698, 1792, 1820, 1836,
                                     1862, 1874, 1881, 2002, 2003, 2019,
                                     2020, 2031, 2033, 2034, 2035, 2036,
                                     2054, 2059, 2061, 3032, 3118, 3159,
                                     3796, 3797, 3798, 3799, 3955, 4151 };
    int code;

    for (code = -1; code < 10000; code++) {
        /* An error of the server leaves the protocol in step, others do not. */
        at_connection_e expected = code < 1000 ? AT_CONNECTION_DISCARD
            : code / 1000 == 2 || code / 1000 == 5 ? AT_CONNECTION_LOST
            : AT_CONNECTION_KEEP;
        size_t i;

        for (i = 0; i < COUNT(lost); i++) {
            expected = lost[i] == code ? AT_CONNECTION_LOST : expected;
        }
        for (i = 0; i < COUNT(discarded); i++) {
            expected = discarded[i] == code ? AT_CONNECTION_DISCARD
                                            : expected;
        }
        ck_assert_msg(read_connection("mysql", code, "") == expected,
                      "%d", code);
    }
    ck_assert_int_eq(read_connection("sqlite3", 2006, "disk I/O error"),
                     AT_CONNECTION_KEEP);
    ck_assert_int_eq(read_connection("sqlite3", 1, "not an error"),
                     AT_CONNECTION_DISCARD);
    ck_assert_int_eq(read_connection("sqlite3", 17,
                                     "database schema has changed"),
                     AT_CONNECTION_DISCARD);
    ck_assert_int_eq(read_connection("other", 2006, ""), AT_CONNECTION_KEEP);
}
END_TEST

START_TEST(only_what_a_save_runs_may_be_stale)
{
    at_connection_e connection;
    const at_fault_t *fault;

    ck_assert_int_eq(read_error("mysql", 1146, "")->outcome, AT_STORE_STALE);
    fault = at_store_error_read(&connection, "mysql", 1146, "",
                                save_statement(), 0, pool);
    ck_assert_int_eq(fault->outcome, AT_STORE_BROKEN);
    ck_assert_int_eq(connection, AT_CONNECTION_KEEP);
    ck_assert(has(fault->detail, "a table is missing"));
}
END_TEST

/* The fault of 1406 for TEXT, if save.sql sets the column "phone" to
 * udf_string_1, and no other column to a field. */
static const at_fault_t *read_too_long(const char *text)
{
    at_statement_t *statement = save_statement();
    at_connection_e connection;

    statement->set_columns = apr_pcalloc(pool, sizeof(char *)
                                         * (apr_size_t)at_field_count());
    statement->set_columns[at_field_find("udf_string_1")] = "phone";
    return at_store_error_read(&connection, "mysql", 1406, text, statement, 1,
                               pool);
}

START_TEST(a_value_that_is_too_long_names_the_field)
{
    static const char *const others[] = {
        "Data too long for column 'phones' at row 1",
        "Data too long for column 'phon' at row 1",
        "Data too long for column '' at row 1", "Data too long", "'", ""
    };
    const at_fault_t *fault;
    size_t i;

    fault = read_too_long("Data too long for column 'PHONE' at row 1");
    ck_assert_int_eq(fault->outcome, AT_STORE_TOO_LONG);
    ck_assert_int_eq(fault->field, at_field_find("udf_string_1"));
    ck_assert(has(fault->detail, "'PHONE'"));
    for (i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
        fault = read_too_long(others[i]);
        ck_assert_int_eq(fault->outcome, AT_STORE_BROKEN);
        ck_assert(has(fault->detail, "1406"));
    }
}
END_TEST

typedef struct {
    const char *driver;
    int code;
    const char *text;
    int conflict;
} duplicate_case_t;

static void check_duplicates(const duplicate_case_t *cases, size_t count)
{
    size_t i;

    for (i = 0; i < count; i++) {
        const at_fault_t *fault = read_error(cases[i].driver, cases[i].code,
                                             cases[i].text);

        ck_assert_msg(fault->outcome == AT_STORE_CONFLICT
                      && fault->field == cases[i].conflict, "%s",
                      cases[i].text);
    }
}

START_TEST(a_duplicate_names_the_field)
{
    static const duplicate_case_t cases[] = {
        { "mysql", 1062, "Duplicate entry 'x' for key "
          "'access_tokens_authentication_code'",
          AT_CREDENTIAL_AUTHENTICATION_CODE },
        { "mysql", 1062, "Duplicate entry 'x' for key "
          "'access_tokens_identifier'", AT_CREDENTIAL_IDENTIFIER },
        /* MySQL 8 puts the table before it */
        { "mysql", 1062, "Duplicate entry 'x' for key "
          "'access_tokens.access_tokens_identifier'",
          AT_CREDENTIAL_IDENTIFIER },
        { "mysql", 1062, "Duplicate entry '' for key "
          "'access_tokens_identifier'", AT_CREDENTIAL_IDENTIFIER },
        /* the caller chose the value so that it looks like a key */
        { "mysql", 1062, "Duplicate entry 'x' for key "
          "'access_tokens_identifier' for key "
          "'access_tokens_authentication_code'",
          AT_CREDENTIAL_AUTHENTICATION_CODE },
        { "mysql", 1062, "Duplicate entry ' for key "
          "'access_tokens_identifier'' for key "
          "'t.access_tokens_authentication_code'",
          AT_CREDENTIAL_AUTHENTICATION_CODE },
        { "mysql", 1062, "Duplicate entry 'access_tokens_identifier' for "
          "key 'access_tokens_authentication_code'",
          AT_CREDENTIAL_AUTHENTICATION_CODE },
        { "mysql", 1062, "Duplicate entry '.access_tokens_identifier' for "
          "key 'access_tokens_authentication_code'",
          AT_CREDENTIAL_AUTHENTICATION_CODE },
        { "sqlite3", 1, "UNIQUE constraint failed: "
          "access_tokens.authentication_code",
          AT_CREDENTIAL_AUTHENTICATION_CODE },
        { "sqlite3", 19, "UNIQUE constraint failed: "
          "access_tokens.identifier", AT_CREDENTIAL_IDENTIFIER }
    };

    check_duplicates(cases, COUNT(cases));
}
END_TEST

START_TEST(a_duplicate_in_other_languages_names_the_field)
{
    static const duplicate_case_t cases[] = {
        { "mysql", 1062, "Doppelter Eintrag 'x' f\xC3\xBCr Schl\xC3\xBCssel "
          "'access_tokens_identifier'", AT_CREDENTIAL_IDENTIFIER },
        { "mysql", 1062, "'x' \xE3\x81\xAF\xE7\xB4\xA2\xE5\xBC\x95 "
          "'access_tokens_identifier' "
          "\xE3\x81\xA7\xE9\x87\x8D\xE8\xA4\x87\xE3\x81\x97\xE3\x81\xA6"
          "\xE3\x81\x84\xE3\x81\xBE\xE3\x81\x99\xE3\x80\x82",
          AT_CREDENTIAL_IDENTIFIER },
        { "mysql", 1062, "Duplikalt bejegyzes ''access_tokens_identifier'' a "
          "'access_tokens_authentication_code' kulcs szerint",
          AT_CREDENTIAL_AUTHENTICATION_CODE },
        { "mysql", 1062, "Zvojen\xC3\xBD kl\xC3\xAD\xC4\x8D 'x' "
          "(\xC4\x8D\xC3\xADslo kl\xC3\xAD\xC4\x8D" "e "
          "'t.access_tokens_identifier')", AT_CREDENTIAL_IDENTIFIER }
    };

    check_duplicates(cases, COUNT(cases));
}
END_TEST

/* Of a trigger's key, or one that save.sql does not map. */
START_TEST(a_duplicate_of_another_key_is_broken)
{
    static const struct {
        const char *driver;
        int code;
        const char *text, *named;
    } cases[] = {
        { "mysql", 1062, "Duplicate entry '" VALUE "' for key "
          "'history_key'", "history_key" },
        { "mysql", 1062, "Duplicate entry '" VALUE "' for key 'PRIMARY'",
          "PRIMARY" },
        { "mysql", 1062, "Duplicate entry '" VALUE "' for key 't.PRIMARY'",
          "PRIMARY" },
        { "mysql", 1062, "Duplicate entry '" VALUE " for key "
          "'access_tokens_identifier' for key 'history_key'",
          "history_key" },
        { "mysql", 1062, "Duplicate entry '" VALUE "' a 'history_key' "
          "kulcs szerint", "?" },
        /* no key's name, or not all of the text */
        { "mysql", 1062, "Duplicate entry '" VALUE "' for key 2", NULL },
        { "mysql", 1062, "Duplicate entry 'access_tokens_identifier' for "
          "key 2", NULL },
        { "mysql", 1062, "Duplicate entry '" VALUE "'", NULL },
        { "mysql", 1062, "Duplicate entry '" VALUE, NULL },
        { "mysql", 1062, VALUE "'", NULL },
        { "mysql", 1062, "'", NULL },
        { "mysql", 1062, "", NULL },
        { "mysql", 1062, NULL, NULL },
        { "sqlite3", 1, "UNIQUE constraint failed: access_tokens.number",
          "access_tokens.number" },
        { "sqlite3", 1, "UNIQUE constraint failed: t.a, t.b", "t.a,t.b" },
        { "sqlite3", 1, "UNIQUE constraint failed: ", NULL }
    };
    size_t i;

    for (i = 0; i < COUNT(cases); i++) {
        const at_fault_t *fault = read_error(cases[i].driver, cases[i].code,
                                             cases[i].text);

        ck_assert_msg(fault->outcome == AT_STORE_BROKEN, "%s: %d",
                      cases[i].text, (int)fault->outcome);
        ck_assert_msg(!cases[i].named || has(fault->detail, cases[i].named),
                      "%s", fault->detail);
    }
}
END_TEST

START_TEST(a_duplicate_of_a_key_of_requests_is_a_repetition)
{
    ck_assert_int_eq(read_error("mysql", 1062, "Duplicate entry '1-" VALUE
                                "' for key 'access_token_requests_key'")
                     ->outcome, AT_STORE_REPEATED);
    ck_assert_int_eq(read_error("sqlite3", 1, "UNIQUE constraint failed: "
                                "access_token_requests.user_id, "
                                "access_token_requests.idempotency_key")
                     ->outcome, AT_STORE_REPEATED);
}
END_TEST

START_TEST(a_version_that_the_history_has_is_broken)
{
    const at_fault_t *fault = read_error("mysql", 1062, "Duplicate entry "
                                         "'T-8' for key "
                                         "'access_token_changes_version'");

    ck_assert_int_eq(fault->outcome, AT_STORE_BROKEN);
    ck_assert(has(fault->detail, "access_token_changes_version"));
    ck_assert(has(fault->detail, "history"));
}
END_TEST

/* It makes no sense to wait if the error does not pass by itself. */
START_TEST(a_failure_to_connect_is_known_by_its_number)
{
    static const struct {
        int code;
        at_outcome_e outcome;
        const char *meaning;
    } cases[] = {
        { 1045, AT_STORE_BROKEN, "error 1045, the login failed" },
        { 1044, AT_STORE_BROKEN, "error 1044, a right is missing" },
        { 1049, AT_STORE_BROKEN, "no such database" },
        { 1129, AT_STORE_BROKEN, "FLUSH HOSTS" },
        { 1130, AT_STORE_BROKEN, "host" },
        { 1193, AT_STORE_BROKEN, "init-command" },
        { 1251, AT_STORE_BROKEN, "authenticate" },
        { 1698, AT_STORE_BROKEN, "the login failed" },
        { 1820, AT_STORE_BROKEN, "expired" },
        { 1862, AT_STORE_BROKEN, "expired" },
        { 2059, AT_STORE_BROKEN, "authenticate" },
        { 4151, AT_STORE_BROKEN, "locked" },
        { 1064, AT_STORE_BROKEN, "error 1064" },
        { 9999, AT_STORE_BROKEN, "error 9999" },
        { 1040, AT_STORE_RETRY, "max_connections" },
        { 1053, AT_STORE_RETRY, "shuts down" },
        { 2002, AT_STORE_RETRY, "error 2002" },
        { 2005, AT_STORE_RETRY, "error 2005" },
        { 2013, AT_STORE_RETRY, "error 2013" },
        { 2026, AT_STORE_RETRY, "error 2026" },
        { 5013, AT_STORE_RETRY, "error 5013" }
    };
    size_t i;

    for (i = 0; i < COUNT(cases); i++) {
        const at_fault_t *fault = at_store_error_connecting(cases[i].code,
                                                            pool);

        ck_assert_msg(fault->outcome == cases[i].outcome, "%d",
                      cases[i].code);
        ck_assert_msg(has(fault->detail, cases[i].meaning), "%s",
                      fault->detail);
        ck_assert_int_eq(fault->kind == AT_FAULT_BROKEN,
                         fault->outcome == AT_STORE_BROKEN);
    }
}
END_TEST

/* Every code, with a text of which nothing may be shown. */
START_TEST(no_code_shows_a_value)
{
    static const char *const texts[] = {
        "Duplicate entry '" VALUE "' for key 'k'",
        "Duplicate entry '" VALUE "' for key 2",
        "Incorrect string value: '" VALUE "' for column 'c' at row 1",
        "Truncated incorrect DOUBLE value: '" VALUE "'"
    };
    /* Their texts name users, tables and columns, and never a value. */
    static const int quoted[] = { 1030, 1044, 1045, 1048, 1054, 1064, 1142,
                                  1143, 1146, 1153, 1267, 1305, 1364, 1370, 1406,
                                  1449 };
    const at_statement_t *statement = save_statement();
    size_t i, k;
    int code;

    for (code = 0; code < 5000; code++) {
        for (i = 0; i < COUNT(quoted) && quoted[i] != code; i++) {
            continue;
        }
        for (k = 0; i == COUNT(quoted) && k < COUNT(texts); k++) {
            at_connection_e connection;
            const at_fault_t *fault =
                at_store_error_read(&connection, "mysql", code, texts[k],
                                    statement, 1, pool);

            expect(!fault->detail || !has(fault->detail, VALUE), "%d: %s",
                   code, fault->detail);
        }
    }
}
END_TEST

int main(void)
{
    TCase *tests = test_begin("test_store_error");

    tcase_add_test(tests, what_may_work_when_it_is_done_again_is_retried);
    tcase_add_test(tests, what_another_server_may_do_is_retried);
    tcase_add_test(tests, a_lost_connection_is_retried);
    tcase_add_test(tests, a_full_disk_makes_the_database_unavailable);
    tcase_add_test(tests, errors_of_rights_and_limits_are_broken_or_stale);
    tcase_add_test(tests, errors_of_schema_and_statement_are_broken_or_stale);
    tcase_add_test(tests, the_outcome_of_each_error_of_sqlite_is_known);
    tcase_add_test(tests, another_driver_has_only_unknown_errors);
    tcase_add_test(tests, each_error_says_what_to_do_with_the_connection);
    tcase_add_test(tests, only_what_a_save_runs_may_be_stale);
    tcase_add_test(tests, a_duplicate_of_a_key_of_requests_is_a_repetition);
    tcase_add_test(tests, a_version_that_the_history_has_is_broken);
    tcase_add_test(tests, a_value_that_is_too_long_names_the_field);
    tcase_add_test(tests, a_duplicate_names_the_field);
    tcase_add_test(tests, a_duplicate_in_other_languages_names_the_field);
    tcase_add_test(tests, a_duplicate_of_another_key_is_broken);
    tcase_add_test(tests, a_failure_to_connect_is_known_by_its_number);
    tcase_add_test(tests, no_code_shows_a_value);
    return test_end(tests);
}
