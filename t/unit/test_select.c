/* SPDX-License-Identifier: Apache-2.0 */
/* Contract, section 2, fields_set. */
#include "test_support.h"

#include <string.h>

#include "at_select.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

#define COLUMNS "data.id data.identifier data.udf_string_1? " \
    "data.owner.id data.owner.name data.owner.home?.id " \
    "data.owner.home?.name data.reward_participant.id " \
    "data.reward_participant.number data.custom_field_set?:json"

static at_violations_t *violations;

/* FIELDS_SET, which is JSON or NULL, as a selection of COLUMNS. */
static at_select_t *read_select(const at_plan_t *plan,
                                const char *fields_set)
{
    violations = at_violations_make(pool);
    return at_select_read(fields_set ? test_json(fields_set) : NULL, plan,
                          violations, pool);
}

/* What is wanted of PARENT: "a b! c{d}", where ! is "even when empty". */
static const char *draw(const at_plan_t *plan, const at_select_t *select,
                        int parent, int parent_mark)
{
    const char *drawn = "";
    int child = at_plan_node(plan, parent)->first_child;

    for (; child != AT_PLAN_NONE;
         child = at_plan_node(plan, child)->next_sibling) {
        const at_plan_node_t *node = at_plan_node(plan, child);
        int mark = at_select_mark(select, child, parent_mark);

        if (!mark) {
            continue;
        }
        drawn = apr_pstrcat(pool, drawn, *drawn ? " " : "", node->name,
                            mark & AT_SELECT_NAMED ? "!" : "",
                            (char *)NULL);
        if (node->column == AT_PLAN_NONE) {
            drawn = apr_pstrcat(pool, drawn, "{",
                                draw(plan, select, child, mark), "}",
                                (char *)NULL);
        }
    }
    return drawn;
}

static const char *wanted(const char *fields_set)
{
    at_plan_t *plan = test_plan_of(COLUMNS);
    at_select_t *select = read_select(plan, fields_set);

    ck_assert_msg(at_violations_count(violations) == 0, "%s: %s", fields_set,
                  test_violations(violations->list));
    return draw(plan, select, 0, select->all ? AT_SELECT_WHOLE : 0);
}

START_TEST(absent_or_empty_is_everything)
{
    static const char all[] =
        "id identifier udf_string_1 owner{id name home{id name}} "
        "reward_participant{id number} custom_field_set";

    ck_assert_str_eq(wanted(NULL), all);
    ck_assert_str_eq(wanted("\"\""), all);
    ck_assert_str_eq(wanted("\" , ,\\t\""), all);
    ck_assert_str_eq(wanted("[]"), all);
    ck_assert_str_eq(wanted("[\"\",\" \"]"), all);
}
END_TEST

START_TEST(names_select_members)
{
    static const struct {
        const char *fields_set, *wanted;
    } cases[] = {
        { "\"id\"", "id!" },
        { "\"identifier,id\"", "id! identifier!" },
        { "\" id ,\\t\\n identifier , \"", "id! identifier!" },
        { "\"id,id,,id\"", "id!" },
        { "[\"id\",\"identifier\"]", "id! identifier!" },
        { "[\"id,identifier\",\" udf_string_1 \"]",
          "id! identifier! udf_string_1!" },
        { "\"udf_string_1\"", "udf_string_1!" },
        { "\"owner\"", "owner!{id name home{id name}}" },
        { "\"owner.name\"", "owner!{name!}" },
        { "\"owner.name,owner.id\"", "owner!{id! name!}" },
        { "\"owner.home\"", "owner!{home!{id name}}" },
        { "\"owner.home.name\"", "owner!{home!{name!}}" },
        { "\"owner,owner.home.name\"",
          "owner!{id name home!{id name!}}" },
        { "\"owner.home.name,owner\"",
          "owner!{id name home!{id name!}}" },
        { "\"reward_participant\"", "reward_participant!{id number}" },
        { "\"rewards_participant\"", "reward_participant!{id number}" },
        { "\"rewards_participant.number\"",
          "reward_participant!{number!}" },
        { "\"custom_field_set\"", "custom_field_set!" },
        { "\"custom_field_set.shoe size\"", "custom_field_set!" }
    };
    size_t i;

    for (i = 0; i < COUNT(cases); i++) {
        ck_assert_msg(!strcmp(wanted(cases[i].fields_set), cases[i].wanted),
                      "%s: %s", cases[i].fields_set,
                      wanted(cases[i].fields_set));
    }
}
END_TEST

/* The nodes of PLAN that are wanted, with their parents: "a a.b c". */
static const char *list_wanted(const at_plan_t *plan,
                               const at_select_t *select, int parent,
                               const char *path)
{
    const char *list = "";
    int child = at_plan_node(plan, parent)->first_child;

    for (; child != AT_PLAN_NONE;
         child = at_plan_node(plan, child)->next_sibling) {
        const char *name = apr_pstrcat(pool, path, *path ? "." : "",
                                       at_plan_node(plan, child)->name,
                                       (char *)NULL);
        const char *inner = list_wanted(plan, select, child, name);

        if (at_select_wants(select, plan, child)) {
            list = apr_pstrcat(pool, list, *list ? " " : "", name,
                               (char *)NULL);
        }
        list = apr_pstrcat(pool, list, *list && *inner ? " " : "", inner,
                           (char *)NULL);
    }
    return list;
}

START_TEST(what_a_reply_needs_is_wanted)
{
    static const struct {
        const char *fields_set, *wanted;
    } cases[] = {
        { NULL, "a o o.id o.p o.p.x o.c o.c.id o.c.name custom_field_set" },
        { "\"\"", "a o o.id o.p o.p.x o.c o.c.id o.c.name custom_field_set" },
        { "\"a\"", "a" },
        { "\"pass_code\"", "" },
        { "\"o.id\"", "o o.id" },
        { "\"o\"", "o o.id o.p o.p.x o.c o.c.id o.c.name" },
        { "\"o.p\"", "o o.p o.p.x" },
        { "\"o.p.x\"", "o o.p o.p.x" },
        { "\"o.p.x,a\"", "a o o.p o.p.x" },
        { "\"o.c.name\"", "o o.c o.c.name" },
        { "\"o,o.p.x\"", "o o.id o.p o.p.x o.c o.c.id o.c.name" },
        { "\"custom_field_set.a\"", "custom_field_set" }
    };
    at_plan_t *plan = test_plan_with("data.a data.o.id data.o.p?.x "
                                     "data.o.c?@country "
                                     "data.custom_field_set?:json token.id",
                                     "country id name");
    size_t i;

    for (i = 0; i < COUNT(cases); i++) {
        at_select_t *select = read_select(plan, cases[i].fields_set);
        const char *list = list_wanted(plan, select, 0, "");

        ck_assert_str_eq(test_violations(violations->list), "");
        ck_assert_msg(!strcmp(list, cases[i].wanted), "%s: %s",
                      cases[i].fields_set ? cases[i].fields_set : "none",
                      list);
    }
}
END_TEST

START_TEST(unknown_names_are_errors)
{
    static const struct {
        const char *fields_set, *violations;
    } cases[] = {
        { "\"nobody\"", "UNKNOWN_FIELD /fields_set" },
        { "\"id,nobody,identifier,nothing\"",
          "UNKNOWN_FIELD /fields_set, UNKNOWN_FIELD /fields_set" },
        { "[\"id\",\"nobody\"]", "UNKNOWN_FIELD /fields_set/1" },
        { "\"ID\"", "UNKNOWN_FIELD /fields_set" },
        { "\"data.id\"", "UNKNOWN_FIELD /fields_set" },
        { "\"id.x\"", "UNKNOWN_FIELD /fields_set" },
        { "\"owner.x\"", "UNKNOWN_FIELD /fields_set" },
        { "\"owner.\"", "UNKNOWN_FIELD /fields_set" },
        { "\".id\"", "UNKNOWN_FIELD /fields_set" },
        { "\".\"", "UNKNOWN_FIELD /fields_set" },
        { "\"owner..name\"", "UNKNOWN_FIELD /fields_set" },
        { "\"i\"", "UNKNOWN_FIELD /fields_set" },
        { "\"id?\"", "UNKNOWN_FIELD /fields_set" },
        { "\"rewards_participants\"", "UNKNOWN_FIELD /fields_set" },
        { "\"rewards_participant.x\"", "UNKNOWN_FIELD /fields_set" },
        { "\"custom_field_set.\"", "UNKNOWN_FIELD /fields_set" },
        { "\"custom_field_sets.x\"", "UNKNOWN_FIELD /fields_set" },
        { "\"pass_code.x\"", "UNKNOWN_FIELD /fields_set" },
        { "\"token.id\"", "UNKNOWN_FIELD /fields_set" },
        { "null", "INVALID_TYPE /fields_set" },
        { "1", "INVALID_TYPE /fields_set" },
        { "true", "INVALID_TYPE /fields_set" },
        { "{}", "INVALID_TYPE /fields_set" },
        { "[\"id\",1,null,[\"id\"],{}]",
          "INVALID_TYPE /fields_set/1, INVALID_TYPE /fields_set/2, "
          "INVALID_TYPE /fields_set/3, INVALID_TYPE /fields_set/4" }
    };
    size_t i;

    for (i = 0; i < COUNT(cases); i++) {
        read_select(test_plan_of(COLUMNS), cases[i].fields_set);
        ck_assert_msg(!strcmp(test_violations(violations->list),
                              cases[i].violations), "%s: %s",
                      cases[i].fields_set, test_violations(violations->list));
    }
}
END_TEST

START_TEST(a_path_that_never_ends_is_unknown)
{
    char *path = apr_pcalloc(pool, 20003);
    int i;

    path[0] = '"';
    for (i = 1; i <= 20000; i++) {
        path[i] = i % 2 ? 'a' : '.';
    }
    path[20001] = '"';
    read_select(test_plan_of("data.a.a.a.a"), path);
    ck_assert_str_eq(test_violations(violations->list),
                     "UNKNOWN_FIELD /fields_set");
}
END_TEST

START_TEST(a_deep_plan_is_selected_from)
{
    const char *path = "a";
    at_plan_t *plan;
    int i;

    for (i = 1; i < AT_PLAN_DEPTH; i++) {
        path = apr_pstrcat(pool, path, ".a", (char *)NULL);
    }
    plan = test_plan_of(apr_pstrcat(pool, "data.", path, (char *)NULL));
    read_select(plan, apr_pstrcat(pool, "\"", path, "\"", (char *)NULL));
    ck_assert_str_eq(test_violations(violations->list), "");
}
END_TEST

START_TEST(custom_fields_and_the_pass_code_wait_for_the_rules)
{
    at_plan_t *plan = test_plan_of(COLUMNS);
    at_select_t *select = read_select(
        plan, "[\"id\",\"custom_field_set.a.b, pass_code\","
              "\"custom_field_set.c\"]");
    at_select_name_t *names =
        (at_select_name_t *)(void *)select->custom_fields->elts;

    ck_assert_str_eq(test_violations(violations->list), "");
    ck_assert(!select->all);
    ck_assert_str_eq(draw(plan, select, 0, 0), "id! custom_field_set!");
    ck_assert_int_eq(select->custom_fields->nelts, 2);
    ck_assert_str_eq(names[0].name, "a.b");
    ck_assert_str_eq(names[0].pointer, "/fields_set/1");
    ck_assert_str_eq(names[1].name, "c");
    ck_assert_str_eq(names[1].pointer, "/fields_set/2");
    ck_assert_str_eq(select->pass_code_pointer, "/fields_set/1");

    select = read_select(plan, "\"pass_code\"");
    ck_assert_str_eq(select->pass_code_pointer, "/fields_set");
    ck_assert_str_eq(draw(plan, select, 0, 0), "");
    ck_assert(!select->all);
    ck_assert_ptr_null(read_select(plan, "\"id\"")->pass_code_pointer);
    ck_assert_ptr_null(read_select(plan, NULL)->pass_code_pointer);
}
END_TEST

START_TEST(a_name_that_is_wrong_twice_is_reported_once)
{
    static const struct {
        const char *fields_set, *violations;
    } cases[] = {
        { "\"no,no\"", "UNKNOWN_FIELD /fields_set" },
        { "[\"no,no\"]", "UNKNOWN_FIELD /fields_set/0" },
        { "[\"no, no\",\"no\"]",
          "UNKNOWN_FIELD /fields_set/0, UNKNOWN_FIELD /fields_set/1" },
        { "\"no,nope,no\"",
          "UNKNOWN_FIELD /fields_set, UNKNOWN_FIELD /fields_set" }
    };
    size_t i;

    for (i = 0; i < COUNT(cases); i++) {
        read_select(test_plan_of(COLUMNS), cases[i].fields_set);
        ck_assert_str_eq(test_violations(violations->list),
                         cases[i].violations);
    }
}
END_TEST

START_TEST(a_long_name_is_quoted_in_part)
{
    char *text = apr_pcalloc(pool, 60003);

    memset(text, 'y', 60002);
    text[0] = text[60001] = '"';
    read_select(test_plan_of(COLUMNS), text);
    ck_assert_int_eq(at_violations_count(violations), 1);
    ck_assert_uint_lt(strlen(APR_ARRAY_IDX(violations->list, 0,
                                           at_violation_t).message), 150);
}
END_TEST

START_TEST(custom_fields_are_wanted_by_name)
{
    at_plan_t *plan = test_plan_of(COLUMNS);
    at_select_t *select = read_select(
        plan, "\"custom_field_set.\xC3\xA9, custom_field_set.b,"
              "custom_field_set.b, custom_field_set.b,"
              "custom_field_set.a.x\"");
    static const char *const yes[] = { "a.x", "b", "\xC3\xA9" };
    static const char *const no[] = { "", "a", "a.", "a.xx", "c", "\xC3" };
    size_t i;

    for (i = 0; i < COUNT(yes); i++) {
        ck_assert_msg(at_select_wants_custom(select, yes[i]), "%s", yes[i]);
    }
    for (i = 0; i < COUNT(no); i++) {
        ck_assert_msg(!at_select_wants_custom(select, no[i]), "%s", no[i]);
    }
    ck_assert(!at_select_wants_custom(read_select(plan, NULL), "a"));
}
END_TEST

int main(void)
{
    TCase *tests = test_begin("test_select");

    tcase_add_test(tests, absent_or_empty_is_everything);
    tcase_add_test(tests, names_select_members);
    tcase_add_test(tests, what_a_reply_needs_is_wanted);
    tcase_add_test(tests, unknown_names_are_errors);
    tcase_add_test(tests, a_path_that_never_ends_is_unknown);
    tcase_add_test(tests, a_deep_plan_is_selected_from);
    tcase_add_test(tests,
                   custom_fields_and_the_pass_code_wait_for_the_rules);
    tcase_add_test(tests, a_name_that_is_wrong_twice_is_reported_once);
    tcase_add_test(tests, a_long_name_is_quoted_in_part);
    tcase_add_test(tests, custom_fields_are_wanted_by_name);
    return test_end(tests);
}
