/* SPDX-License-Identifier: Apache-2.0 */
/* The forms of the load statements: the narrow one without what is within @wide,
 * the one with documents instead, and the calls for them. */
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

/* Load statement LOAD of STATEMENTS in FORM. */
static const at_statement_t *form_of(const at_statements_t *statements,
                                     int load, at_sql_form_e form)
{
    return statements->statement[at_statement_load((at_statement_e)load,
                                                   form)];
}

/* Check that the columns of FORM are those of the plan that STATEMENTS name. */
static void check_columns(const at_statements_t *statements,
                          at_sql_form_e form)
{
    const at_statement_t *of_form = form_of(statements, 0, form);
    int i;

    for (i = 0; i < of_form->columns->nelts; i++) {
        const char *file;

        ck_assert_str_eq(APR_ARRAY_IDX(of_form->columns, i, const char *),
                         at_plan_column(statements->plan,
                                        statements->form_columns[form][i],
                                        &file));
    }
}

START_TEST(the_shipped_narrow_forms_are_without_accounts)
{
    size_t k;
    int i;

    for (k = 0; k < COUNT(all_shipped); k++) {
        at_statements_t *statements = read_shipped(all_shipped[k].engine,
                                                   all_shipped[k].folder);

        for (i = 0; i < AT_STATEMENT_LOADS; i++) {
            const at_statement_t *narrow = form_of(statements, i,
                                                   AT_SQL_NARROW);

            if (!statements->statement[i]) {
                continue;
            }
            ck_assert(at_sql_binds(narrow, AT_LOAD_KEY));
            ck_assert(!has(narrow->text, "accounts_receivable"));
            ck_assert_str_eq(narrow->file, statements->statement[i]->file);
        }
        check_columns(statements, AT_SQL_NARROW);
        ck_assert_int_gt(statements->wide_nodes->nelts, 50);
        for (i = 0; i < statements->wide_nodes->nelts; i++) {
            const char *member = member_of(
                statements->plan, APR_ARRAY_IDX(statements->wide_nodes, i,
                                                at_wide_node_t).node);

            ck_assert_msg(!strcmp(member, "accounts_receivable")
                          || !strcmp(member, "reward_participant"), "%s",
                          member);
        }
    }
}
END_TEST

START_TEST(the_shipped_documents_forms_have_both_documents)
{
    size_t k;
    int i;

    for (k = 0; k < COUNT(all_shipped); k++) {
        at_statements_t *statements = read_shipped(all_shipped[k].engine,
                                                   all_shipped[k].folder);
        int is_default = !strcmp(all_shipped[k].folder, "statements");

        ck_assert_int_eq(statements->plan->documents->nelts,
                         is_default ? 2 : 0);
        for (i = 0; i < AT_STATEMENT_LOADS; i++) {
            const at_statement_t *documents = form_of(statements, i,
                                                      AT_SQL_DOCUMENTS);

            ck_assert_int_eq(documents != NULL, is_default);
            if (documents) {
                ck_assert(at_sql_binds(documents, AT_LOAD_KEY));
                ck_assert(has(documents->text, "_documents AS "));
                ck_assert(!has(documents->text, "contacts"));
            }
        }
        if (is_default) {
            check_columns(statements, AT_SQL_DOCUMENTS);
        }
    }
}
END_TEST

/* The form that serves FIELDS_SET. */
static at_sql_form_e form_for(const at_statements_t *statements,
                              const char *fields_set)
{
    at_violations_t *violations = at_violations_make(pool);
    at_select_t *select = at_select_read(
        fields_set ? test_json(fields_set) : NULL, statements->plan,
        violations, pool);

    ck_assert_str_eq(test_violations(violations->list), "");
    return at_select_form(select, statements);
}

START_TEST(a_request_is_served_by_the_form_with_the_least_work)
{
    static const struct {
        const char *fields_set;
        at_sql_form_e form;
    } cases[] = {
        { NULL, AT_SQL_DOCUMENTS },
        { "\"\"", AT_SQL_DOCUMENTS },
        { "\"id\"", AT_SQL_NARROW },
        { "\"pass_code\"", AT_SQL_NARROW },
        { "\"id,classification.name,log_information,udf_date_1\"",
          AT_SQL_NARROW },
        { "\"custom_field_set.nick\"", AT_SQL_NARROW },
        { "\"accounts_receivable\"", AT_SQL_DOCUMENTS },
        { "[\"id\",\"reward_participant\"]", AT_SQL_DOCUMENTS },
        { "\"accounts_receivable,reward_participant\"", AT_SQL_DOCUMENTS },
        { "\"accounts_receivable.id,accounts_receivable\"",
          AT_SQL_DOCUMENTS },
        { "\"id,accounts_receivable.id\"", AT_SQL_WHOLE },
        { "\"reward_participant,accounts_receivable.id\"", AT_SQL_WHOLE },
        { "\"accounts_receivable.account_owner.demographics\"",
          AT_SQL_WHOLE },
        { "\"accounts_receivable.account_owner.demographics.gender\"",
          AT_SQL_WHOLE },
        { "\"rewards_participant.accounts_receivable.account_owner."
          "demographics.id_issued_by_country.two_character_code\"",
          AT_SQL_WHOLE }
    };
    size_t i, k;

    for (k = 0; k < COUNT(all_shipped); k++) {
        at_statements_t *statements = read_shipped(all_shipped[k].engine,
                                                   all_shipped[k].folder);
        int is_default = !strcmp(all_shipped[k].folder, "statements");

        for (i = 0; i < COUNT(cases); i++) {
            ck_assert_msg(form_for(statements, cases[i].fields_set)
                          == (cases[i].form == AT_SQL_DOCUMENTS && !is_default
                              ? AT_SQL_WHOLE : cases[i].form), "%s",
                          cases[i].fields_set);
        }
    }
}
END_TEST

/* TEXT without its section, from its line BEGIN to the next @end. */
static const char *without(const char *text, const char *begin)
{
    const char *from = strstr(text, begin);
    const char *to = strstr(from, "-- @end\n") + strlen("-- @end\n");

    return apr_pstrcat(pool, apr_pstrmemdup(pool, text,
                                            (apr_size_t)(from - text)), to,
                       (char *)NULL);
}

/* Put the shipped files that have sections: with the SQL of @wide as plain SQL,
 * and without that of @documents. */
static void put_without_sections(void)
{
    static const char *const files[] = { "load_select.sql",
                                         "load_joins.sql" };
    size_t i;

    for (i = 0; i < COUNT(files); i++) {
        put(files[i], test_replace(test_replace(
            without(shipped(files[i]), "-- @documents\n"), "-- @wide\n", ""),
            "-- @end\n", ""));
    }
}

START_TEST(without_a_wide_there_is_no_narrow_form)
{
    at_statements_t *statements;

    begin_own();
    put_without_sections();
    statements = read_right();
    ck_assert_ptr_null(form_of(statements, 0, AT_SQL_NARROW));
    ck_assert_ptr_null(form_of(statements, 0, AT_SQL_DOCUMENTS));
    ck_assert_ptr_null(statements->wide_nodes);
    ck_assert_int_eq(form_for(statements, "\"id\""), AT_SQL_WHOLE);
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
        ck_assert_msg(form_for(read_right(), cases[i].fields_set)
                      == (cases[i].narrow ? AT_SQL_NARROW : AT_SQL_WHOLE),
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
        "session.user_id", "token.version", "token.request_ids",
        "data.authentication_code",
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
        { "load_by_id.sql", ":id" },
        { "load_by_session_and_code.sql", ":authentication_code" }
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
        { NULL, "'data.log_information.updated_date:date'" }
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
    put_without_sections();
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

/* ---- documents */

/* A select with NARROW, the WIDE columns, and DOCUMENTS. */
static const char *with_sections(const char *narrow, const char *wide,
                                 const char *documents)
{
    return select_with(apr_pstrcat(pool, narrow, "\n-- @wide\n", wide,
                                   "\n-- @end\n-- @documents\n", documents,
                                   "\n-- @end\n", (char *)NULL));
}

/* A select with an object that is wide, and its document, named DOCUMENT. */
static const char *with_document(const char *document)
{
    return with_sections("", ", 1 AS 'data.o?.id', 2 AS 'data.o.p.a'",
                         apr_psprintf(pool, ", 3 AS '%s'", document));
}

START_TEST(a_document_serves_the_whole_object_only)
{
    static const struct {
        const char *document, *fields_set;
        at_sql_form_e form;
    } cases[] = {
        { "data.o:document", "\"o\"", AT_SQL_DOCUMENTS },
        { "data.o:document", "\"id,o\"", AT_SQL_DOCUMENTS },
        { "data.o:document", "\"o.p\"", AT_SQL_WHOLE },
        { "data.o:document", "\"o,o.p.a\"", AT_SQL_DOCUMENTS },
        { "data.o:document", "\"id\"", AT_SQL_NARROW },
        { "data.o?:document", "\"o\"", AT_SQL_DOCUMENTS },
        /* it lacks the id without which the object around it is null */
        { "data.o.p:document", "\"o.p\"", AT_SQL_WHOLE },
        { "data.o.p:document", "\"o\"", AT_SQL_WHOLE },
        { "data.o.p:document", "\"o.id\"", AT_SQL_WHOLE }
    };
    size_t i;

    for (i = 0; i < COUNT(cases); i++) {
        begin_own();
        put("load_select.sql", with_document(cases[i].document));
        ck_assert_msg(form_for(read_right(), cases[i].fields_set)
                      == cases[i].form, "%s: %s", cases[i].document,
                      cases[i].fields_set);
    }
}
END_TEST

START_TEST(a_document_that_is_wrong_is_refused)
{
    static const struct {
        const char *document, *problem;
    } cases[] = {
        { "data.x:document", "of an object" },
        { "data.o.id:document", "of an object" },
        { "data.o.p.a:document", "of an object" },
        { "o:document", "neither data...." },
        { "data.o:documents", "only in one form" },
        { "data.accounts_receivable:document", "twice" },
        { "data.o.q", "only in one form" }
    };
    size_t i;

    for (i = 0; i < COUNT(cases); i++) {
        at_statements_t *statements;
        const char *problem;

        begin_own();
        put("load_select.sql", with_document(cases[i].document));
        problem = read_own(&statements);
        ck_assert_msg(problem && has(problem, cases[i].document)
                      && has(problem, cases[i].problem), "%s: %s",
                      cases[i].document, problem ? problem : "right");
    }
}
END_TEST

/* A value that is not only in the document would be lost, or old. */
START_TEST(a_document_is_all_there_is_of_its_object)
{
    static const struct {
        const char *narrow, *wide, *documents, *problem;
    } cases[] = {
        { ", 1 AS 'data.o.b'", ", 1 AS 'data.o.id'", ", 2 AS 'data.o:document'",
          "'b' does not fit" },
        { ", 1 AS 'data.o.p.b'", ", 1 AS 'data.o.id'",
          ", 2 AS 'data.o:document'", "'b' does not fit" },
        { "", ", 1 AS 'data.o.id', 1 AS 'data.o.p.id'",
          ", 2 AS 'data.o:document', 3 AS 'data.o.p:document'",
          "'p' does not fit" },
        { "", "", ", 2 AS 'data.log_information:document'",
          "does not fit" },
        { ", 1 AS 'data.o@thing'", ", 1 AS 'data.o.b'",
          ", 2 AS 'data.o:document'", "does not fit" },
        { ", 1 AS '@own'", ", 1 AS 'data.o.id'", ", 2 AS 'data.o:document'",
          "'c' does not fit" },
        { "", ", 1 AS 'data.o@thing', 1 AS 'data.o.b'",
          ", 2 AS 'data.o:document'", NULL }
    };
    size_t i;

    for (i = 0; i < COUNT(cases); i++) {
        at_statements_t *statements;
        const char *problem;

        begin_own();
        put("lookups/thing.sql", "SELECT :key AS 'id', 1 AS 'name'");
        put("lookups/own.sql", "SELECT :key AS 'data.o.c', "
            "1 AS 'revision.reference'");
        put("load_select.sql", with_sections(cases[i].narrow, cases[i].wide,
                                             cases[i].documents));
        problem = read_own(&statements);
        ck_assert_msg(cases[i].problem
                      ? problem && has(problem, cases[i].problem)
                      : !problem, "%d: %s", (int)i,
                      problem ? problem : "right");
    }
}
END_TEST

START_TEST(a_document_is_nowhere_but_in_its_section)
{
    at_statements_t *statements;
    const char *problem;

    begin_own();
    put("load_select.sql",
        select_with(", 1 AS 'data.o.id', 1 AS 'data.p:document'"));
    problem = read_own(&statements);
    ck_assert_msg(problem && has(problem, "'data.p:document'")
                  && has(problem, "@documents"), "%s",
                  problem ? problem : "right");
}
END_TEST

START_TEST(documents_need_the_joins_that_they_stand_for)
{
    at_statements_t *statements;
    const char *problem;

    begin_own();
    put_without_sections();
    put("load_joins.sql", apr_pstrcat(pool,
        without(shipped("load_joins.sql"), "-- @wide\n"),
        (char *)NULL));
    problem = read_own(&statements);
    ck_assert_msg(problem && has(problem, "@documents")
                  && has(problem, "@wide"), "%s", problem ? problem : "right");
}
END_TEST

/* ---- load_by_session_and_code.sql */

/* It would read other tables than the folder's own load by code, or another
 * session. */
START_TEST(the_load_by_session_is_made_of_what_the_load_by_code_is)
{
    static const char *const fast = "load_by_session_and_code.sql";
    static const struct {
        const char *own, *other;
        int is_read, is_own;
    } cases[] = {
        { "save.sql", NULL, 1, 0 },
        { "load_by_authentication_code.sql", NULL, 0, 0 },
        { "load_from.sql", NULL, 0, 0 },
        { "join_caller.sql", NULL, 0, 0 },
        /* both include these */
        { "load_select.sql", NULL, 1, 0 },
        { "join_revision.sql", NULL, 1, 0 },
        { "join_revision.sql", "load_from.sql", 0, 0 },
        /* the folder has its own */
        { "load_by_session_and_code.sql", NULL, 1, 1 },
        { "load_by_session_and_code.sql", "load_from.sql", 1, 1 }
    };
    size_t i;

    for (i = 0; i < COUNT(cases); i++) {
        const at_statement_t *load;
        at_statements_t *statements;

        begin_own();
        put(cases[i].own, shipped(cases[i].own));
        if (cases[i].other) {
            put(cases[i].other, shipped(cases[i].other));
        }
        statements = read_right();
        load = statements->statement[AT_STATEMENT_LOAD_BY_SESSION_AND_CODE];
        ck_assert_msg(!load == !cases[i].is_read, "%s", cases[i].own);
        ck_assert(!load || (has(load->file, fast)
                            && has(load->file, own_folder())
                               == cases[i].is_own));
        ck_assert(!form_of(statements, AT_STATEMENT_LOAD_BY_SESSION_AND_CODE,
                           AT_SQL_NARROW) == !cases[i].is_read);
        ck_assert(!form_of(statements, AT_STATEMENT_LOAD_BY_SESSION_AND_CODE,
                           AT_SQL_DOCUMENTS) == !cases[i].is_read);
    }
}
END_TEST

START_TEST(the_load_by_session_finds_the_session)
{
    at_statements_t *statements;
    const char *problem;

    begin_own();
    put("load_by_session_and_code.sql",
        test_replace(shipped("load_by_session_and_code.sql"),
                     ":session_digest", "'x'"));
    problem = read_own(&statements);
    ck_assert_msg(problem && has(problem, "load_by_session_and_code.sql: ")
                  && has(problem, ":session_digest"), "%s",
                  problem ? problem : "right");
}
END_TEST

START_TEST(the_load_by_session_has_the_columns_of_the_others)
{
    at_statements_t *statements;
    const char *problem;

    begin_own();
    put("load_by_session_and_code.sql",
        test_replace(shipped("load_by_session_and_code.sql"), "FROM ",
                     ", 1 AS 'data.x' FROM "));
    problem = read_own(&statements);
    ck_assert_msg(problem && has(problem, "load_by_session_and_code.sql")
                  && has(problem, "named columns"), "%s",
                  problem ? problem : "right");
}
END_TEST

int main(void)
{
    TCase *tests = test_begin("test_forms");

    tcase_add_test(tests, the_shipped_narrow_forms_are_without_accounts);
    tcase_add_test(tests, the_shipped_documents_forms_have_both_documents);
    tcase_add_test(tests,
                   a_request_is_served_by_the_form_with_the_least_work);
    tcase_add_test(tests, without_a_wide_there_is_no_narrow_form);
    tcase_add_test(tests, an_object_that_needs_a_wide_column_is_wide);
    tcase_add_test(tests, what_each_call_needs_is_never_wide);
    tcase_add_test(tests, the_narrow_form_finds_by_the_same_key);
    tcase_add_test(tests, narrow_forms_that_differ_are_refused);
    tcase_add_test(tests, one_load_alone_cannot_be_narrow);
    tcase_add_test(tests, only_loads_have_narrow_forms);
    tcase_add_test(tests, a_wide_does_not_part_a_name_from_its_as);
    tcase_add_test(tests, a_document_serves_the_whole_object_only);
    tcase_add_test(tests, a_document_that_is_wrong_is_refused);
    tcase_add_test(tests, a_document_is_all_there_is_of_its_object);
    tcase_add_test(tests, a_document_is_nowhere_but_in_its_section);
    tcase_add_test(tests, documents_need_the_joins_that_they_stand_for);
    tcase_add_test(tests,
                   the_load_by_session_is_made_of_what_the_load_by_code_is);
    tcase_add_test(tests, the_load_by_session_finds_the_session);
    tcase_add_test(tests, the_load_by_session_has_the_columns_of_the_others);
    return test_end(tests);
}
