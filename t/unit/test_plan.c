/* SPDX-License-Identifier: Apache-2.0 */
/* The design's idea 4: names of columns say where they go in the reply. */
#include "test_support.h"

#include <string.h>

#include "at_field.h"
#include "at_plan.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* A lookup's members, with its key in column K, are drawn as "@K". */
#define LOOKUPS "country id name|unit id email? code:number|bare x y.z"

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
        if (node->key_column != AT_PLAN_NONE) {
            drawn = apr_psprintf(pool, "%s@%d", drawn, node->key_column);
        }
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
        { "data.a:null", "data.a:null" },
        { "data.a.b data.c=a", "data.c=a" },
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
        const char *problem = test_detail(
            at_plan_make(&plan, test_statement_of(cases[i].columns), NULL,
                         pool));

        ck_assert_msg(problem != NULL, "%s", cases[i].columns);
        ck_assert_msg(has(problem, "some.sql")
                      && has(problem, apr_pstrcat(pool, "'", cases[i].wrong,
                                                  "'", (char *)NULL)),
                      "%s", problem);
    }
}
END_TEST

START_TEST(what_is_looked_up_has_the_members_of_the_lookup)
{
    static const struct {
        const char *columns, *tree;
        int count;
    } cases[] = {
        { "data.a@country", "a@0#1{id=1 name=2}", 3 },
        { "x data.a@country data.b", "a@1#3{id=3 name=4} b=2", 5 },
        { "data.a?@country", "a?@0#1{id=1 name=2}", 3 },
        { "data.o.a@country data.o.b?.c@unit",
          "o{a@0#2{id=2 name=3} b?{c@1#4{id=4 email?=5 code=6:number}}}", 7 },
        { "data.a@country data.b@country",
          "a@0#2{id=2 name=3} b@1#4{id=4 name=5}", 6 },
        /* without an id it is the key that says whether it is there */
        { "data.a@bare", "a@0#0{x=1 y{z=2}}", 3 },
        { "data.a@bare data.a.id", "a@0#1{x=2 y{z=3} id=1}", 4 },
        { "data.a.id data.a@bare", "a@1#0{id=0 x=2 y{z=3}}", 4 },
        /* it may have others beside them */
        { "data.a.b data.a@country", "a@1#2{b=0 id=2 name=3}", 4 },
        { "data.a@country data.a.b.c", "a@0#2{id=2 name=3 b{c=1}}", 4 },
        { "data.a.b@country data.a@bare",
          "a@1#1{b@0#2{id=2 name=3} x=4 y{z=5}}", 6 }
    };
    size_t i;

    for (i = 0; i < COUNT(cases); i++) {
        at_plan_t *plan = test_plan_with(cases[i].columns, LOOKUPS);

        ck_assert_msg(!strcmp(draw(plan, 0), cases[i].tree), "%s: %s",
                      cases[i].columns, draw(plan, 0));
        ck_assert_int_eq(plan->column_count, cases[i].count);
    }
}
END_TEST

START_TEST(where_a_lookup_is_put_is_known)
{
    at_plan_t *plan = test_plan_with("x data.b@unit data.a@country y",
                                     LOOKUPS);
    at_plan_lookup_t *lookups =
        (at_plan_lookup_t *)(void *)plan->lookups->elts;
    const char *file;

    ck_assert_int_eq(plan->lookups->nelts, 2);
    ck_assert_int_eq(lookups[0].lookup, 1);
    ck_assert_int_eq(lookups[0].node, at_plan_child(plan, 0, "b", 1));
    ck_assert_int_eq(lookups[0].keys[0], 1);
    ck_assert_int_eq(lookups[0].first_column, 4);
    ck_assert_int_eq(lookups[0].column_count, 3);
    ck_assert_int_eq(lookups[1].lookup, 0);
    ck_assert_int_eq(lookups[1].node, at_plan_child(plan, 0, "a", 1));
    ck_assert_int_eq(lookups[1].keys[0], 2);
    ck_assert_int_eq(lookups[1].first_column, 7);
    ck_assert_int_eq(lookups[1].column_count, 2);
    ck_assert_str_eq(at_plan_column(plan, 3, &file), "y");
    ck_assert_str_eq(file, "some.sql");
    ck_assert_str_eq(at_plan_column(plan, 4, &file), "id");
    ck_assert_str_eq(at_plan_column(plan, 6, &file), "code:number");
    ck_assert_str_eq(file, "lookups/unit.sql");
    ck_assert_str_eq(at_plan_column(plan, 8, &file), "name");
    ck_assert_str_eq(file, "lookups/country.sql");
}
END_TEST

START_TEST(wrong_lookups_are_refused_and_named)
{
    static const struct {
        const char *columns, *wrong;
    } cases[] = {
        { "data.a@nobody", "data.a@nobody" },
        { "data.a@", "data.a@" },
        { "data.a@Country", "data.a@Country" },
        { "data.a@countr", "data.a@countr" },
        { "data.a@country?", "data.a@country?" },
        { "data.a@country:json", "data.a@country:json" },
        { "data.a@country.b", "data.a@country.b" },
        { "data.a@country@unit", "data.a@country@unit" },
        { "data.a@country=b", "data.a@country=b" },
        { "data.@country", "data.@country" },
        { "data.a..b@country", "data.a..b@country" },
        { "data.a??@country", "data.a??@country" },
        { "data.a:number@country", "data.a:number@country" },
        { "data.b.c data.a=b@country", "data.a=b@country" },
        { "data.a@country data.a@country", "data.a@country" },
        { "data.a@bare data.a@country", "data.a@country" },
        { "data.a data.a@country", "data.a@country" },
        { "data.a@country data.a", "data.a" },
        { "data.a data.a.b@country", "data.a.b@country" },
        { "data.a@country data.a.id.b", "data.a.id.b" },
        { "data.a@country data.a.name", "data.a.name" },
        { "data.pass_code@country", "data.pass_code" },
        /* the lookup's column is named, with its file */
        { "data.a.name data.a@country", "name" },
        { "data.a.y data.a@bare", "y.z" },
        { "data.a@inner", "b@country" },
        { "data.a@same", "b=id" },
        { "data.a@twice", "x" },
        { "data.a@suffix", "x:int" },
        { "data.a@empty", "x." }
    };
    size_t i;

    for (i = 0; i < COUNT(cases); i++) {
        at_plan_t *plan;
        const char *name = cases[i].wrong;
        const char *file = strncmp(name, "data.", 5) ? "lookups/" : "some.sql";
        const char *problem = test_detail(
            at_plan_make(&plan, test_statement_of(cases[i].columns),
                         test_lookups_of(LOOKUPS "|inner id b@country|"
                                         "same id b=id|twice x x|"
                                         "suffix x:int|empty x."), pool));

        ck_assert_msg(problem != NULL, "%s", cases[i].columns);
        ck_assert_msg(!strncmp(problem, file, strlen(file))
                      && has(problem, apr_pstrcat(pool, "'", name, "'",
                                                  (char *)NULL)), "%s: %s",
                      cases[i].columns, problem);
    }
}
END_TEST

START_TEST(a_long_name_in_a_lookup_is_refused)
{
    char *name = apr_pcalloc(pool, 300);
    at_plan_t *plan;
    const char *problem;

    memset(name, 'a', 255);
    test_plan_with("data.a@long", apr_pstrcat(pool, "long ", name,
                                              (char *)NULL));
    name[255] = 'a';
    problem = test_detail(
        at_plan_make(&plan, test_statement_of("data.a@long"),
                     test_lookups_of(apr_pstrcat(pool, "long ", name,
                                                 (char *)NULL)), pool));
    ck_assert_msg(problem && has(problem, "lookups/long.sql"), "%s", problem);
}
END_TEST

START_TEST(the_number_of_objects_to_look_up_is_limited)
{
    const char *list = "";
    at_plan_t *plan;
    const char *problem;
    int i;

    for (i = 0; i < AT_PLAN_LOOKUPS; i++) {
        list = apr_psprintf(pool, "%s data.a%d@country", list, i);
    }
    plan = test_plan_with(list, LOOKUPS);
    ck_assert_int_eq(plan->column_count, 3 * AT_PLAN_LOOKUPS);
    problem = test_detail(
        at_plan_make(&plan,
                     test_statement_of(apr_pstrcat(pool, list, " data.b@unit",
                                                   (char *)NULL)),
                     test_lookups_of(LOOKUPS), pool));
    ck_assert_msg(problem && has(problem, "'data.b@unit'"), "%s", problem);
}
END_TEST

/* "LOOKUP PARAMETER" of the column NAME; "none". */
static const char *lookup_of(const char *name)
{
    const char *parameter;
    const char *lookup = at_plan_lookup_name(name, &parameter, pool);

    return lookup ? apr_pstrcat(pool, lookup, " ", parameter, (char *)NULL)
                  : "none";
}

START_TEST(the_name_after_the_at_is_the_lookup)
{
    ck_assert_str_eq(lookup_of("data.a@country"), "country key");
    ck_assert_str_eq(lookup_of("@country"), "country key");
    ck_assert_str_eq(lookup_of("@country:unit"), "country unit");
    ck_assert_str_eq(lookup_of("@country:"), "country ");
    ck_assert_str_eq(lookup_of("data.a@"), " key");
    ck_assert_str_eq(lookup_of("data.a@b@c"), "b@c key");
    ck_assert_str_eq(lookup_of("data.a=b"), "none");
    ck_assert_str_eq(lookup_of("data.a:number"), "none");
    ck_assert_str_eq(lookup_of(""), "none");
}
END_TEST

/* ---- lookups of their own, and revisions */

#define ROOTS "caller:unit:name revision.r caller.username data.a.id data.a.x|" \
    "rules revision.r revision.s rule.allow_no_identifier|" \
    "country revision.s id name|loose caller.username|" \
    "token revision.r token.version|session revision.r session.user_id|" \
    "field revision.r data.identifier|twice revision.r data.b|" \
    "inner revision.r data.b@country|other revision.t caller.username"

START_TEST(a_lookup_of_its_own_gives_inputs_and_members)
{
    at_plan_t *plan = test_plan_with("revision.r revision.s data.b @caller "
                                     "@caller:name @rules data.c@country",
                                     ROOTS);
    at_plan_lookup_t *lookups =
        (at_plan_lookup_t *)(void *)plan->lookups->elts;
    int first = lookups[0].first_column;

    ck_assert_int_eq(plan->lookups->nelts, 3);
    ck_assert_int_eq(lookups[0].node, 0);
    ck_assert_int_eq(lookups[0].keys[0], 3);
    ck_assert_int_eq(lookups[0].keys[1], AT_PLAN_NONE);
    ck_assert_int_eq(lookups[0].keys[2], 4);
    ck_assert_int_eq(first, 7);
    ck_assert_int_eq(plan->input_columns[AT_COLUMN_CALLER_USERNAME],
                     first + 1);
    ck_assert_int_eq(plan->input_columns[AT_COLUMN_ALLOW_NO_IDENTIFIER],
                     lookups[1].first_column + 2);
    ck_assert_str_eq(draw(plan, 0),
                     "b=2 a#9{id=9 x=10} c@6#15{id=15 name=16}");
    ck_assert_int_eq(plan->column_count, 17);
}
END_TEST

START_TEST(revisions_are_those_of_the_load)
{
    at_plan_t *plan = test_plan_with("x revision.s revision.r @rules "
                                     "data.c@country", ROOTS);
    at_plan_lookup_t *lookups =
        (at_plan_lookup_t *)(void *)plan->lookups->elts;
    const char *load[] = { "x", "S", "R" }, *row[] = { "r", "s", "1" };
    const char *text;

    ck_assert_int_eq(lookups[0].revisions->nelts, 2);
    ck_assert_int_eq(lookups[1].revisions->nelts, 1);
    text = at_revision_of_load(lookups[0].revisions, load, pool);
    ck_assert_str_eq(text, "R\nS");
    text = at_revision_of_row(lookups[0].revisions, row, pool);
    ck_assert_str_eq(text, "r\ns");
    text = at_revision_of_load(lookups[1].revisions, load, pool);
    ck_assert_str_eq(text, "S");
    load[1] = NULL;
    ck_assert_ptr_null(at_revision_of_load(lookups[0].revisions, load, pool));
    ck_assert_ptr_null(at_revision_of_load(apr_array_make(pool, 1,
                                               sizeof(at_revision_t)), load,
                                           pool));
}
END_TEST

START_TEST(lookups_of_their_own_that_are_wrong_are_refused)
{
    static const struct {
        const char *columns, *problem;
    } cases[] = {
        { "revision.r @nobody", "no such lookup" },
        { "revision.r @caller @caller", "twice" },
        { "revision.r @caller @caller:key", "twice" },
        { "revision.r @caller:nobody", "no such parameter" },
        { "revision.r @caller @other", "revision.t" },
        { "@caller", "some.sql must select it" },
        { "revision.r @loose", "lookups/loose.sql: it must select" },
        { "revision.r @token", "each load" },
        { "revision.r @session", "each load" },
        { "revision.r @field", "lookups/field.sql: column "
          "'data.identifier': calls change it" },
        { "revision.r data.b @twice", "collides" },
        { "revision.r @inner", "cannot look up" },
        { "revision.r caller.username @caller", "'caller.username': it is" },
        { "revision.s data.c@country:name", "no such parameter" },
        { "revision.s data.c@country data.c@caller", "collides" }
    };
    size_t i;

    for (i = 0; i < COUNT(cases); i++) {
        at_plan_t *plan;
        const char *problem = test_detail(
            at_plan_make(&plan, test_statement_of(cases[i].columns),
                         test_lookups_of(ROOTS), pool));

        ck_assert_msg(problem && has(problem, cases[i].problem), "%s: %s",
                      cases[i].columns, problem ? problem : "right");
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
    at_plan_t *plan = test_plan_of("token.version data.a token.id");
    const char *values[] = { NULL, "v", "T1" };
    at_row_t row = { plan, values, NULL };
    int i, found = 0;

    ck_assert_int_eq(plan->column_count, 3);
    for (i = 0; i < AT_COLUMN_COUNT; i++) {
        found += plan->input_columns[i] != AT_PLAN_NONE;
    }
    ck_assert_int_eq(found, 2);
    ck_assert_str_eq(at_row_input(&row, AT_COLUMN_TOKEN_ID), "T1");
    ck_assert_ptr_null(at_row_input(&row, AT_COLUMN_TOKEN_VERSION));
}
END_TEST

START_TEST(the_columns_of_the_fields_are_found)
{
    at_plan_t *plan = test_plan_of("x data.udf_string_1? data.identifier "
                              "data.custom_field_set?:json "
                              "data.log_information.updated_date "
                              "data.udf_date_1.year");
    const char *values[] = { "x", "s", NULL, "{}", "d", "y" };
    at_row_t row = { plan, values, NULL };

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

/* "PREFIX.a.a ...", with DEPTH times "a". */
static const char *deep_path(const char *prefix, int depth)
{
    const char *path = prefix;
    int i;

    for (i = 0; i < depth; i++) {
        path = apr_pstrcat(pool, path, *path ? "." : "", "a", (char *)NULL);
    }
    return path;
}

/* A name alone cannot be deeper than is written; with a lookup it can. */
START_TEST(a_path_that_is_deeper_than_is_written_is_refused)
{
    const char *lookup = apr_pstrcat(pool, "l ", deep_path("", 100),
                                     (char *)NULL), *problem;
    at_plan_t *plan;

    test_plan_with(apr_pstrcat(pool, deep_path("data", AT_PLAN_DEPTH - 100),
                               "@l", (char *)NULL), lookup);
    problem = test_detail(
        at_plan_make(&plan,
                     test_statement_of(apr_pstrcat(
                         pool, deep_path("data", AT_PLAN_DEPTH - 99), "@l",
                         (char *)NULL)), test_lookups_of(lookup), pool));
    ck_assert_ptr_nonnull(problem);
    ck_assert_msg(has(problem, "lookups/l.sql: ") && has(problem, "deeper"),
                  "%s", problem);
}
END_TEST

START_TEST(a_member_has_a_name_that_fields_set_can_give)
{
    static const char *const names[] = { "data.a,b", "data.,", "data. a",
                                         "data.a ", "data.a .b", "data.a ?",
                                         "data.a :json" };
    at_statement_t *statement = test_statement_of("x");
    at_plan_t *plan;
    size_t i;

    for (i = 0; i < COUNT(names); i++) {
        APR_ARRAY_IDX(statement->columns, 0, const char *) = names[i];
        ck_assert_msg(at_plan_make(&plan, statement, NULL, pool) != NULL,
                      "%s", names[i]);
    }
    APR_ARRAY_IDX(statement->columns, 0, const char *) = "data.a b";
    ck_assert_ptr_null(at_plan_make(&plan, statement, NULL, pool));
}
END_TEST

int main(void)
{
    TCase *tests = test_begin("test_plan");

    tcase_add_test(tests, names_are_paths_in_the_reply);
    tcase_add_test(tests, wrong_names_are_refused_and_named);
    tcase_add_test(tests, what_is_looked_up_has_the_members_of_the_lookup);
    tcase_add_test(tests, where_a_lookup_is_put_is_known);
    tcase_add_test(tests, wrong_lookups_are_refused_and_named);
    tcase_add_test(tests, a_long_name_in_a_lookup_is_refused);
    tcase_add_test(tests, the_number_of_objects_to_look_up_is_limited);
    tcase_add_test(tests, the_name_after_the_at_is_the_lookup);
    tcase_add_test(tests, a_lookup_of_its_own_gives_inputs_and_members);
    tcase_add_test(tests, revisions_are_those_of_the_load);
    tcase_add_test(tests, lookups_of_their_own_that_are_wrong_are_refused);
    tcase_add_test(tests, a_secret_is_never_in_a_reply);
    tcase_add_test(tests, names_are_at_most_255_long);
    tcase_add_test(tests, a_path_may_be_as_deep_as_its_name_is_long);
    tcase_add_test(tests, inputs_are_found_by_name);
    tcase_add_test(tests, the_columns_of_the_fields_are_found);
    tcase_add_test(tests, a_child_is_found_by_the_bytes_given);
    tcase_add_test(tests, a_path_that_is_deeper_than_is_written_is_refused);
    tcase_add_test(tests, a_member_has_a_name_that_fields_set_can_give);
    return test_end(tests);
}
