/* SPDX-License-Identifier: Apache-2.0 */
/* The shape of save.sql: at_shape.h. */
#include "statements_support.h"

#include <string.h>

#include "at_field.h"

/* What is wrong when OLD in the shipped save.sql becomes NEW; NULL if nothing
 * is. */
static const char *change(at_statements_t **statements, const char *old,
                          const char *new)
{
    begin_own();
    put("save.sql", test_replace(shipped("save.sql"), old, new));
    return read_own(statements);
}

/* The shipped save.sql with OLD as NEW, which must be wrong because of
 * PROBLEM. */
static void is_wrong(const char *old, const char *new, const char *problem)
{
    at_statements_t *statements;
    const char *said = change(&statements, old, new);

    ck_assert_msg(said != NULL, "this was taken: %s", new);
    ck_assert_msg(strstr(said, "save.sql:") && strstr(said, problem),
                  "%s\n%s", new, said);
}

static void is_right(const char *old, const char *new)
{
    at_statements_t *statements;
    const char *said = change(&statements, old, new);

    ck_assert_msg(!said, "%s\n%s", new, said);
}

START_TEST(an_update_of_several_tables_is_refused)
{
    static const char *const tables[] = {
        "UPDATE access_tokens, other\n",
        "UPDATE access_tokens AS a INNER JOIN b ON a.id = b.id\n",
        "UPDATE access_tokens straight_join b\n",
        "UPDATE (access_tokens)\n",
        "WITH x AS (SELECT 1 AS one) UPDATE access_tokens, x\n"
    };
    size_t i;

    for (i = 0; i < COUNT(tables); i++) {
        is_wrong("UPDATE access_tokens\n", tables[i], "name one table");
    }
}
END_TEST

START_TEST(what_is_no_update_is_refused)
{
    is_wrong("UPDATE access_tokens\nSET",
             "REPLACE INTO access_tokens SET", "it must be one UPDATE");
    is_wrong("UPDATE access_tokens\nSET",
             "INSERT INTO a SELECT 1 ON CONFLICT DO UPDATE SET",
             "it must be one UPDATE");
    is_wrong("UPDATE access_tokens\nSET", "WITH x AS (UPDATE y SET) DELETE",
             "it must be one UPDATE");
}
END_TEST

START_TEST(an_update_that_passes_over_duplicates_is_refused)
{
    is_wrong("UPDATE", "UPDATE IGNORE", "without IGNORE and OR");
    is_wrong("UPDATE", "update low_priority ignore", "without IGNORE and OR");
    is_wrong("UPDATE", "UPDATE OR REPLACE", "without IGNORE and OR");
}
END_TEST

START_TEST(other_ways_to_name_the_table_are_right)
{
    static const char *const tables[] = {
        "UPDATE main.access_tokens\n",
        "UPDATE `main`.`access_tokens`\n",
        "UPDATE \"a, b JOIN c SET\"\n",
        "UPDATE LOW_PRIORITY access_tokens AS t\n",
        "UPDATE access_tokens USE INDEX (a, b)\n",
        "UPDATE access_tokens USE INDEX FOR JOIN (a, b)\n",
        "UPDATE access_tokens USE KEY FOR ORDER BY (a)\n",
        "UPDATE access_tokens PARTITION (a, b)\n",
        "UPDATE access_tokens INDEXED BY a\n",
        "UPDATE /*+ JOIN, */ access_tokens\n",
        "WITH x AS (SELECT 1 FROM a, b) UPDATE access_tokens\n"
    };
    size_t i;

    for (i = 0; i < COUNT(tables); i++) {
        is_right("UPDATE access_tokens\n", tables[i]);
    }
}
END_TEST

START_TEST(a_version_that_stays_is_refused)
{
    static const char *const guards[] = {
        "WHERE id = :id AND version IN (:version)",
        "WHERE id = :id AND version >= :version",
        "WHERE id = :id AND version <= :version",
        "WHERE id = :id AND version != :version",
        "WHERE id = :id AND version > :version",
        "WHERE id = :id AND revision = :version"
    };
    size_t i;

    is_wrong("version + 1", "version", "SET version = version + 1");
    is_wrong("version             = version + 1",
             "revision = version + 1", "SET version = version + 1");
    is_wrong("version             = version + 1",
             "revision = (version + 1), version = version",
             "SET version = version + 1");
    for (i = 0; i < COUNT(guards); i++) {
        is_wrong("WHERE id = :id\n  AND version = CAST(:version AS INTEGER)",
                 guards[i], "-- @raises-version by trigger");
    }
}
END_TEST

START_TEST(other_ways_to_raise_the_version_are_right)
{
    static const char *const guards[] = {
        "WHERE id = :id AND CAST(:version AS INTEGER) = version",
        "WHERE :version = version AND id = :id",
        "WHERE id = :id AND (access_tokens.\"VERSION\" = :version)",
        "WHERE version = :version AND id = :id LIMIT 1",
        "WHERE id = :id AND CAST(:version AS INTEGER) = t.version",
        "WHERE id = :id AND CAST(version AS TEXT) = :version",
        "WHERE id = :id AND :version = CAST(version AS TEXT)",
        "WHERE (version, id) = (:version, :id)",
        "WHERE id = :id AND version IS :version",
        "WHERE id = :id AND version <=> :version",
        "WHERE id = :id AND version == :version ORDER BY id"
    };
    const char *guard = "WHERE id = :id\n  AND version = CAST(:version AS "
                        "INTEGER)";
    size_t i;

    for (i = 0; i < COUNT(guards); i++) {
        is_right(guard, guards[i]);
    }
    is_right("version + 1", "1 + (SELECT MAX(version) FROM x WHERE 1)");
    is_right("version + 1", "CAST(:version AS INTEGER) + 1");
    is_right("version + 1", "version % size % 7 %size + 1");
    is_right("version             =", "access_tokens.version =");
}
END_TEST

START_TEST(a_trigger_may_raise_the_version)
{
    const char *problem = "write -- @raises-version by trigger";

    is_right("version             = version + 1,",
             "-- @raises-version by trigger\n");
    is_right("version             = version + 1,",
             "--\t@raises\n-- @raises-version  by  trigger \n");
    is_wrong("UPDATE", "-- @raises-version\nUPDATE", problem);
    is_wrong("UPDATE", "-- @raises-version by triggers\nUPDATE", problem);
}
END_TEST

/* The column that STATEMENTS set to the field NAME; "" if none is seen. */
static const char *column(const at_statements_t *statements, const char *name)
{
    const char *found = statements->statement[AT_STATEMENT_SAVE]
        ->set_columns[at_field_find(name)];

    return found ? found : "";
}

START_TEST(the_columns_of_the_fields_are_known)
{
    const char *old = "identifier          = IIF(:set_identifier = '1', "
                      ":identifier, identifier)";
    at_statements_t *statements;

    ck_assert(!change(&statements, old, test_replace(old, "identifier     ",
                                                     "t.`e mail`")));
    ck_assert_str_eq(column(statements, "identifier"), "e mail");
    ck_assert_str_eq(column(statements, "pass_code"), "pass_code");
    ck_assert_str_eq(column(statements, "custom_field_set"),
                     "custom_field_set");
    ck_assert(!change(&statements, old, ""
                      "(a, b) = (SELECT :identifier, :set_identifier)"));
    ck_assert_str_eq(column(statements, "identifier"), "");
    ck_assert_str_eq(column(statements, "udf_date_4"), "udf_date_4");
    /* the first of two */
    ck_assert(!change(&statements, old, apr_pstrcat(pool, "mail = IIF("
        ":set_identifier = '1', LOWER(:identifier), mail), ", old,
        (char *)NULL)));
    ck_assert_str_eq(column(statements, "identifier"), "mail");
}
END_TEST

int main(void)
{
    TCase *tests = test_begin("test_shape");

    tcase_add_test(tests, an_update_of_several_tables_is_refused);
    tcase_add_test(tests, what_is_no_update_is_refused);
    tcase_add_test(tests, an_update_that_passes_over_duplicates_is_refused);
    tcase_add_test(tests, other_ways_to_name_the_table_are_right);
    tcase_add_test(tests, a_version_that_stays_is_refused);
    tcase_add_test(tests, other_ways_to_raise_the_version_are_right);
    tcase_add_test(tests, a_trigger_may_raise_the_version);
    tcase_add_test(tests, the_columns_of_the_fields_are_known);
    return test_end(tests);
}
