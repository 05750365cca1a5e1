/* SPDX-License-Identifier: Apache-2.0 */
/* Narrow forms: loads without what is within @wide, and the calls for them. */
#include "statements_support.h"

#include <string.h>

#include "at_select.h"

/* The first segment of the path of node NODE. */
static const char *member_of(const at_plan_t *plan, int node)
{
    while (at_plan_node(plan, node)->parent > 0) {
        node = at_plan_node(plan, node)->parent;
    }
    return at_plan_node(plan, node)->name;
}

START_TEST(the_shipped_narrow_forms_are_without_accounts)
{
    size_t k;
    int i, form;

    for (k = 0; k < COUNT(all_shipped); k++) {
        at_statements_t *statements = read_shipped(all_shipped[k].engine,
                                                   all_shipped[k].folder);
        const apr_array_header_t *whole = statements->statement[0]->columns;

        for (form = AT_STATEMENT_NARROW; form <= AT_STATEMENT_NARROW_LAST;
             form++) {
            const at_statement_t *narrow = statements->statement[form];

            ck_assert(at_sql_binds(narrow, AT_LOAD_KEY));
            ck_assert(!has(narrow->text, "accounts_receivable"));
            ck_assert_str_eq(narrow->file,
                             statements->statement[form - AT_STATEMENT_NARROW]
                                 ->file);
            for (i = 0; i < narrow->columns->nelts; i++) {
                ck_assert_str_eq(
                    APR_ARRAY_IDX(narrow->columns, i, const char *),
                    APR_ARRAY_IDX(whole, statements->narrow_columns[i],
                                  const char *));
            }
        }
        ck_assert_int_gt(statements->wide_nodes->nelts, 50);
        for (i = 0; i < statements->wide_nodes->nelts; i++) {
            const char *member = member_of(
                statements->plan,
                APR_ARRAY_IDX(statements->wide_nodes, i, int));

            ck_assert_msg(!strcmp(member, "accounts_receivable")
                          || !strcmp(member, "reward_participant"), "%s",
                          member);
        }
    }
}
END_TEST


/* LOAD or its narrow form, whichever serves FIELDS_SET. */
static at_statement_e load_for(const at_statements_t *statements,
                               at_statement_e load, const char *fields_set)
{
    at_violations_t *violations = at_violations_make(pool);
    at_select_t *select = at_select_read(
        fields_set ? test_json(fields_set) : NULL, statements->plan,
        violations, pool);

    ck_assert_str_eq(test_violations(violations->list), "");
    return at_select_load(select, statements, load);
}

START_TEST(the_narrow_form_serves_requests_for_nothing_wide)
{
    static const struct {
        const char *fields_set;
        int narrow;
    } cases[] = {
        { NULL, 0 },
        { "\"\"", 0 },
        { "\"id\"", 1 },
        { "\"pass_code\"", 1 },
        { "\"id,classification.name,log_information,udf_date_1\"", 1 },
        { "\"custom_field_set.nick\"", 1 },
        { "\"accounts_receivable\"", 0 },
        { "\"id,accounts_receivable.id\"", 0 },
        { "\"accounts_receivable.account_owner.demographics\"", 0 },
        { "\"accounts_receivable.account_owner.demographics.gender\"", 0 },
        { "\"rewards_participant.accounts_receivable.account_owner."
          "demographics.id_issued_by_country.two_character_code\"", 0 },
        { "[\"id\",\"reward_participant\"]", 0 }
    };
    size_t i, k;
    int load;

    for (k = 0; k < COUNT(all_shipped); k++) {
        at_statements_t *statements = read_shipped(all_shipped[k].engine,
                                                   all_shipped[k].folder);

        for (i = 0; i < COUNT(cases); i++) {
            for (load = 0; load <= AT_STATEMENT_LOAD_BY_ID; load++) {
                int form = cases[i].narrow ? AT_STATEMENT_NARROW + load
                                           : load;

                ck_assert_msg(load_for(statements, (at_statement_e)load,
                                       cases[i].fields_set)
                              == (at_statement_e)form, "%s",
                              cases[i].fields_set);
            }
        }
    }
}
END_TEST

/* Put the shipped files that have a @wide, without it. */
static void put_without_wide(void)
{
    static const char *const wide[] = { "load_select.sql", "load_joins.sql",
                                        "join_references.sql" };
    size_t i;

    for (i = 0; i < COUNT(wide); i++) {
        put(wide[i], test_replace(test_replace(shipped(wide[i]),
                                               "-- @wide\n", ""),
                                  "-- @end\n", ""));
    }
}

START_TEST(without_a_wide_there_is_no_narrow_form)
{
    at_statements_t *statements;

    begin_own();
    put_without_wide();
    statements = read_right();
    ck_assert_ptr_null(statements->statement[AT_STATEMENT_NARROW]);
    ck_assert_ptr_null(statements->narrow_columns);
    ck_assert_int_eq(load_for(statements, AT_STATEMENT_LOAD_BY_ID, "\"id\""),
                     AT_STATEMENT_LOAD_BY_ID);
}
END_TEST

/* A member needs more columns than its own. */
START_TEST(an_object_that_needs_a_wide_column_is_wide)
{
    static const struct {
        const char *before, *wide, *after, *fields_set;
        int narrow;
    } cases[] = {
        /* the id without which the object is null */
        { ", 1 AS 'data.o.a'", ", 1 AS 'data.o.id'", "", "\"o.a\"", 0 },
        { ", 1 AS 'data.o.p.a'", ", 1 AS 'data.o.id'", "", "\"o.p.a\"", 0 },
        { ", 1 AS 'data.o.a'", ", 1 AS 'data.o.id'", "", "\"id\"", 1 },
        { ", 1 AS 'data.o.id', 1 AS 'data.o.a'", ", 1 AS 'data.o.b'", "",
          "\"o.a\"", 1 },
        { ", 1 AS 'data.o.id', 1 AS 'data.o.a'", ", 1 AS 'data.o.b'", "",
          "\"o.b\"", 0 },
        { ", 1 AS 'data.o.id', 1 AS 'data.o.a'", ", 1 AS 'data.o.b'", "",
          "\"o\"", 0 },
        /* the key of what is looked up */
        { "", ", 1 AS 'data.o@thing'", "", "\"o.id\"", 0 },
        { "", ", 1 AS 'data.o@thing'", "", "\"o\"", 0 },
        { "", ", 1 AS 'data.o@thing'", "", "\"id\"", 1 },
        { ", 1 AS 'data.o@thing'", "", "", "\"o\"", 1 },
        { "", ", 1 AS 'data.o.id'", ", 1 AS 'data.o.a'", "\"o.a\"", 0 }
    };
    size_t i;

    for (i = 0; i < COUNT(cases); i++) {
        begin_own();
        put("lookups/thing.sql", "SELECT :key AS 'id'");
        put("load_select.sql", select_with(apr_pstrcat(
            pool, cases[i].before, "\n-- @wide\n", cases[i].wide,
            "\n-- @end\n", cases[i].after, (char *)NULL)));
        ck_assert_msg(load_for(read_right(), AT_STATEMENT_LOAD_BY_ID,
                               cases[i].fields_set)
                      == (cases[i].narrow ? AT_STATEMENT_NARROW_LAST
                                          : AT_STATEMENT_LOAD_BY_ID),
                      "%s|%s|%s: %s", cases[i].before, cases[i].wide,
                      cases[i].after, cases[i].fields_set);
    }
}
END_TEST

/* TEXT with the line of its first PART within a @wide. */
static const char *widen(const char *text, const char *part)
{
    const char *place = strstr(text, part), *from = place;
    apr_size_t length;

    ck_assert_msg(place != NULL, "there is no %s", part);
    while (from > text && from[-1] != '\n') {
        from--;
    }
    length = strcspn(from, "\n");
    return apr_pstrcat(pool,
                       apr_pstrmemdup(pool, text, (apr_size_t)(from - text)),
                       "-- @wide\n", apr_pstrmemdup(pool, from, length),
                       "\n-- @end", from + length, (char *)NULL);
}

START_TEST(what_each_call_needs_is_never_wide)
{
    static const char *const needed[] = {
        "session.user_id", "caller.may_update", "token.version",
        "token.request_ids", "rule.identifier_format",
        "rule.allow_no_identifier", "data.authentication_code",
        "data.identifier", "data.udf_string_1?", "data.udf_float_4?:number",
        "data.custom_field_set?:json"
    };
    size_t i;

    for (i = 0; i < COUNT(needed); i++) {
        at_statements_t *statements;
        const char *problem, *name = apr_pstrcat(pool, "'", needed[i], "'",
                                                 (char *)NULL);

        begin_own();
        put("load_select.sql", widen(shipped("load_select.sql"), name));
        problem = read_own(&statements);
        ck_assert_msg(problem && has(problem, name)
                      && has(problem, "@wide"), "%s: %s", name,
                      problem ? problem : "right");
    }
    begin_own();
    put("load_select.sql", widen(shipped("load_select.sql"),
                                 "'data.number'"));
    read_right();
}
END_TEST

START_TEST(the_narrow_form_finds_by_the_same_key)
{
    static const struct {
        const char *file, *key;
    } cases[] = {
        { "load_by_authentication_code.sql", ":authentication_code" },
        { "load_by_identifier.sql", ":identifier" },
        { "load_by_id.sql", ":id" }
    };
    size_t i;

    for (i = 0; i < COUNT(cases); i++) {
        at_statements_t *statements;
        const char *problem;

        begin_own();
        put(cases[i].file, widen(shipped(cases[i].file), cases[i].key));
        problem = read_own(&statements);
        ck_assert_msg(problem && has(problem, cases[i].file)
                      && has(problem, cases[i].key)
                      && has(problem, "@wide"), "%s: %s", cases[i].file,
                      problem ? problem : "right");
    }
}
END_TEST

/* Three files that include two, which are not wide in the same places. */
START_TEST(narrow_forms_that_differ_are_refused)
{
    static const struct {
        const char *wide, *wide_of_other;
    } cases[] = {
        { "'data.number'", NULL },
        { NULL, "'data.number'" },
        { "'data.number'", "'data.life_cycle_state'" },
        /* the last ones */
        { NULL, "-- @include show_caller_unit.sql" }
    };
    size_t i;

    for (i = 0; i < COUNT(cases); i++) {
        at_statements_t *statements;
        const char *problem, *text = shipped("load_select.sql");

        begin_own();
        put("load_select.sql", cases[i].wide ? widen(text, cases[i].wide)
                                             : text);
        put("other.sql", cases[i].wide_of_other
                         ? widen(text, cases[i].wide_of_other) : text);
        put("load_by_identifier.sql",
            test_replace(shipped("load_by_identifier.sql"),
                         "load_select.sql", "other.sql"));
        problem = read_own(&statements);
        ck_assert_msg(problem && has(problem, "load_by_identifier.sql")
                      && has(problem, "@wide"), "%s and %s: %s",
                      cases[i].wide ? cases[i].wide : "none",
                      cases[i].wide_of_other ? cases[i].wide_of_other
                                             : "none",
                      problem ? problem : "right");
    }
}
END_TEST

START_TEST(one_load_alone_cannot_be_narrow)
{
    at_statements_t *statements;
    const char *problem;

    begin_own();
    put_without_wide();
    put("load_by_id.sql", apr_pstrcat(pool, shipped("load_by_id.sql"),
                                      "\n-- @wide\n-- @end\n",
                                      (char *)NULL));
    problem = read_own(&statements);
    ck_assert_msg(problem && has(problem, "load_by_id.sql"), "%s", problem);
}
END_TEST

START_TEST(only_loads_have_narrow_forms)
{
    static const char *const others[] = {
        "save.sql", "startup.sql", "next_number.sql", "custom_fields.sql",
        "find_request.sql"
    };
    size_t i;

    for (i = 0; i < COUNT(others); i++) {
        at_statements_t *statements;
        const char *problem;

        begin_own();
        put(others[i], apr_pstrcat(pool, shipped(others[i]),
                                   "\n-- @wide\n-- @end\n",
                                   (char *)NULL));
        problem = read_own(&statements);
        ck_assert_msg(problem && has(problem, others[i])
                      && has(problem, "@wide"), "%s: %s", others[i],
                      problem ? problem : "right");
    }
}
END_TEST

START_TEST(a_wide_does_not_part_a_name_from_its_as)
{
    at_statements_t *statements;
    const char *problem;

    begin_own();
    put("load_select.sql", select_with(", 1 AS\n-- @wide\n'data.x'\n"
                                       "-- @end\n'data.y'"));
    problem = read_own(&statements);
    ck_assert_msg(problem && has(problem, "@wide"), "%s",
                  problem ? problem : "right");
}
END_TEST

int main(void)
{
    TCase *tests = test_begin("test_narrow");

    tcase_add_test(tests, the_shipped_narrow_forms_are_without_accounts);
    tcase_add_test(tests, the_narrow_form_serves_requests_for_nothing_wide);
    tcase_add_test(tests, without_a_wide_there_is_no_narrow_form);
    tcase_add_test(tests, an_object_that_needs_a_wide_column_is_wide);
    tcase_add_test(tests, what_each_call_needs_is_never_wide);
    tcase_add_test(tests, the_narrow_form_finds_by_the_same_key);
    tcase_add_test(tests, narrow_forms_that_differ_are_refused);
    tcase_add_test(tests, one_load_alone_cannot_be_narrow);
    tcase_add_test(tests, only_loads_have_narrow_forms);
    tcase_add_test(tests, a_wide_does_not_part_a_name_from_its_as);
    return test_end(tests);
}
