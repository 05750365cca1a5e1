/* SPDX-License-Identifier: Apache-2.0 */
/* The design's idea 4: names of columns say where they go in the reply. */
#include "test_support.h"

#include <string.h>

#include "at_field.h"
#include "at_plan.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* The children of node PARENT, "a=0 b?{c=1:number} d#3{id=3}": a leaf with
 * its column and type, an object with the column of its id and its own. */
static const char *draw(const at_plan_t *plan, int parent)
{
    static const char *const types[] = { "", ":number", ":boolean",
                                         ":json" };
    const char *drawn = "";
    int child = at_plan_node(plan, parent)->first_child;

    while (child != AT_PLAN_NONE) {
        const at_plan_node_t *node = at_plan_node(plan, child);

        drawn = apr_pstrcat(pool, drawn, *drawn ? " " : "", node->name,
                            node->optional ? "?" : "", (char *)NULL);
        if (node->column != AT_PLAN_NONE) {
            drawn = apr_psprintf(pool, "%s=%d%s", drawn, node->column,
                                 types[node->type]);
        }
        else if (node->id_column != AT_PLAN_NONE) {
            drawn = apr_psprintf(pool, "%s#%d{%s}", drawn, node->id_column,
                                 draw(plan, child));
        }
        else {
            drawn = apr_psprintf(pool, "%s{%s}", drawn, draw(plan, child));
        }
        child = node->next_sibling;
    }
    return drawn;
}

START_TEST(names_are_paths_in_the_reply)
{
    static const struct {
        const char *columns, *tree;
    } cases[] = {
        { "", "" },
        { "token.id session.user_id", "" },
        { "data.a", "a=0" },
        { "x data.a y data.b", "a=1 b=3" },
        { "data.b data.a data.c", "b=0 a=1 c=2" },
        { "data.a? data.b?:number", "a?=0 b?=1:number" },
        { "data.a:number data.b:boolean data.c:json",
          "a=0:number b=1:boolean c=2:json" },
        { "data.a.b.c", "a{b{c=0}}" },
        { "data.a.b data.c data.a.d", "a{b=0 d=2} c=1" },
        { "data.a.id data.a.b", "a#0{id=0 b=1}" },
        { "data.a.b data.a.id", "a#1{b=0 id=1}" },
        { "data.a?.id data.a?.b", "a?#0{id=0 b=1}" },
        { "data.a?.id data.a.b", "a?#0{id=0 b=1}" },
        { "data.a.b?.c?:json", "a{b?{c?=0:json}}" },
        { "data.a.id? data.b.id:number", "a#0{id?=0} b#1{id=1:number}" },
        { "data.ab data.a data.abc.d", "ab=0 a=1 abc{d=2}" },
        { "data.id data.data.id", "id=0 data#1{id=1}" },
        { "datax data data_.a", "" }
    };
    size_t i;

    for (i = 0; i < COUNT(cases); i++) {
        at_plan_t *plan = test_plan_of(cases[i].columns);

        ck_assert_msg(!strcmp(draw(plan, 0), cases[i].tree), "%s: %s",
                      cases[i].columns, draw(plan, 0));
    }
}
END_TEST

START_TEST(wrong_names_are_refused_and_named)
{
    static const struct {
        const char *columns, *wrong;
    } cases[] = {
        { "data.a data.a", "data.a" },
        { "data.a data.a?", "data.a?" },
        { "data.a data.a:number", "data.a:number" },
        { "data.a data.a.b", "data.a.b" },
        { "data.a.b data.a", "data.a" },
        { "data.a.b.c data.a.b", "data.a.b" },
        { "data.a.b data.a.b.c", "data.a.b.c" },
        { "data.a?.b data.a?", "data.a?" },
        { "token.id token.id", "token.id" },
        { "data.a:int", "data.a:int" },
        { "data.a:", "data.a:" },
        { "data.a:Number", "data.a:Number" },
        { "data.a:number:json", "data.a:number:json" },
        { "data.a:number.b", "data.a:number.b" },
        { "data.a:number?", "data.a:number?" },
        { "data.", "data." },
        { "data..a", "data..a" },
        { "data.a.", "data.a." },
        { "data.a..b", "data.a..b" },
        { "data.?", "data.?" },
        { "data.:number", "data.:number" },
        { "data.a??", "data.a??" },
        { "data.a?b", "data.a?b" },
        { "data.a?.b??.c", "data.a?.b??.c" },
        { "data.?a", "data.?a" }
    };
    size_t i;

    for (i = 0; i < COUNT(cases); i++) {
        at_plan_t *plan;
        const char *problem = at_plan_make(&plan,
                                           test_statement_of(
                                               cases[i].columns), NULL, pool);

        ck_assert_msg(problem != NULL, "%s", cases[i].columns);
        ck_assert_msg(has(problem, "some.sql")
                      && has(problem, apr_pstrcat(pool, "'", cases[i].wrong,
                                                  "'", (char *)NULL)),
                      "%s", problem);
    }
}
END_TEST

START_TEST(a_secret_is_never_in_a_reply)
{
    static const char *const columns[] = {
        "data.pass_code", "data.pass_code?", "data.pass_code.hash",
        "data.a data.pass_code:json"
    };
    at_plan_t *plan;
    size_t i;

    for (i = 0; i < COUNT(columns); i++) {
        ck_assert_msg(at_plan_make(&plan, test_statement_of(columns[i]),
                                   NULL, pool) != NULL, "%s", columns[i]);
    }
    test_plan_of("token.pass_code data.pass_code_hint");
}
END_TEST

START_TEST(names_are_at_most_255_long)
{
    char *name = apr_pcalloc(pool, 301);
    at_plan_t *plan;

    memset(name, 'a', 300);
    memcpy(name, "data.", 5);
    name[255] = '\0';
    ck_assert_ptr_null(at_plan_make(&plan, test_statement_of(name), NULL,
                                    pool));
    name[255] = 'a';
    name[256] = '\0';
    ck_assert_ptr_nonnull(at_plan_make(&plan, test_statement_of(name),
                                       NULL, pool));
}
END_TEST

START_TEST(a_path_may_be_as_deep_as_its_name_is_long)
{
    const char *path = "data", *tree = "";
    int i;

    for (i = 0; i < 120; i++) {
        path = apr_pstrcat(pool, path, ".a", (char *)NULL);
        tree = i ? apr_pstrcat(pool, "a{", tree, "}", (char *)NULL)
                 : "a=0";
    }
    ck_assert_str_eq(draw(test_plan_of(path), 0), tree);
}
END_TEST

START_TEST(inputs_are_found_by_name)
{
    at_plan_t *plan = test_plan_of("token.id data.a rule.x");
    const char *values[] = { "T1", "v", NULL };
    at_row_t row = { plan, values };

    ck_assert_int_eq(plan->column_count, 3);
    ck_assert(at_plan_has_input(plan, "token.id"));
    ck_assert(at_plan_has_input(plan, "rule.x"));
    ck_assert(!at_plan_has_input(plan, "data.a"));
    ck_assert(!at_plan_has_input(plan, "a"));
    ck_assert(!at_plan_has_input(plan, ""));
    ck_assert_str_eq(at_row_input(&row, "token.id"), "T1");
    ck_assert_ptr_null(at_row_input(&row, "rule.x"));
}
END_TEST

START_TEST(the_columns_of_the_fields_are_found)
{
    at_plan_t *plan = test_plan_of("x data.udf_string_1? data.identifier "
                              "data.custom_field_set?:json "
                              "data.log_information.updated_date "
                              "data.udf_date_1.year");
    const char *values[] = { "x", "s", NULL, "{}", "d", "y" };
    at_row_t row = { plan, values };

    ck_assert_int_eq(plan->field_columns[at_field_find("udf_string_1")], 1);
    ck_assert_int_eq(plan->field_columns[AT_CREDENTIAL_IDENTIFIER], 2);
    ck_assert_int_eq(plan->field_columns[at_field_custom()], 3);
    ck_assert_int_eq(plan->field_columns[AT_CREDENTIAL_PASS_CODE],
                     AT_PLAN_NONE);
    ck_assert_int_eq(plan->field_columns[at_field_find("udf_string_2")],
                     AT_PLAN_NONE);
    ck_assert_int_eq(plan->field_columns[at_field_find("udf_date_1")],
                     AT_PLAN_NONE);
    ck_assert_int_eq(plan->updated_date_column, 4);
    ck_assert_str_eq(at_row_field(&row, at_field_find("udf_string_1")), "s");
    ck_assert_ptr_null(at_row_field(&row, AT_CREDENTIAL_IDENTIFIER));
    ck_assert_ptr_null(at_row_field(&row, AT_CREDENTIAL_PASS_CODE));
    ck_assert_int_eq(test_plan_of("data.a")->updated_date_column, AT_PLAN_NONE);
}
END_TEST

START_TEST(a_child_is_found_by_the_bytes_given)
{
    at_plan_t *plan = test_plan_of("data.ab data.a data.abc.d");

    ck_assert_str_eq(at_plan_node(plan, at_plan_child(plan, 0, "abcx", 3))
                     ->name, "abc");
    ck_assert_str_eq(at_plan_node(plan, at_plan_child(plan, 0, "abcx", 2))
                     ->name, "ab");
    ck_assert_str_eq(at_plan_node(plan, at_plan_child(plan, 0, "abcx", 1))
                     ->name, "a");
    ck_assert_int_eq(at_plan_child(plan, 0, "abcx", 0), AT_PLAN_NONE);
    ck_assert_int_eq(at_plan_child(plan, 0, "abcx", 4), AT_PLAN_NONE);
    ck_assert_int_eq(at_plan_child(plan, 0, "d", 1), AT_PLAN_NONE);
}
END_TEST

int main(void)
{
    TCase *tests = test_begin("test_plan");

    tcase_add_test(tests, names_are_paths_in_the_reply);
    tcase_add_test(tests, wrong_names_are_refused_and_named);
    tcase_add_test(tests, a_secret_is_never_in_a_reply);
    tcase_add_test(tests, names_are_at_most_255_long);
    tcase_add_test(tests, a_path_may_be_as_deep_as_its_name_is_long);
    tcase_add_test(tests, inputs_are_found_by_name);
    tcase_add_test(tests, the_columns_of_the_fields_are_found);
    tcase_add_test(tests, a_child_is_found_by_the_bytes_given);
    return test_end(tests);
}
