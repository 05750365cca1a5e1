/* SPDX-License-Identifier: Apache-2.0 */
/* Contract, section 2, custom_field_set. */
#include "test_support.h"

#include <string.h>

#include "at_custom.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static at_violations_t *violations;

static apr_array_header_t *read_set(const char *json)
{
    violations = at_violations_make(pool);
    return at_custom_read(test_json(json), "/custom_field_set", violations,
                          pool);
}

/* The entries of JSON, "name@pointer", one after the other. */
static const char *entries_of(const char *json)
{
    apr_array_header_t *entries = read_set(json);
    const char *list = "";
    int i;

    for (i = 0; i < entries->nelts; i++) {
        at_custom_entry_t *entry = &APR_ARRAY_IDX(entries, i,
                                                  at_custom_entry_t);

        ck_assert_ptr_nonnull(entry->value);
        list = apr_pstrcat(pool, list, i ? " " : "", entry->name, "@",
                           entry->pointer, (char *)NULL);
    }
    return list;
}

START_TEST(all_readings_of_the_set_work)
{
    static const struct {
        const char *json, *entries;
    } cases[] = {
        { "{}", "" }, { "[]", "" }, { "[{}]", "" },
        { "{\"set\":{}}", "" }, { "{\"set\":[]}", "" },
        { "{\"a\":1,\"b\":null}",
          "a@/custom_field_set/a b@/custom_field_set/b" },
        { "[{\"a\":1},{\"b\":null}]",
          "a@/custom_field_set/0/a b@/custom_field_set/1/b" },
        { "[{\"a\":1,\"b\":2}]",
          "a@/custom_field_set/0/a b@/custom_field_set/0/b" },
        { "{\"set\":{\"a\":1}}", "a@/custom_field_set/set/a" },
        { "{\"set\":[{\"a\":1},{\"b\":2}]}",
          "a@/custom_field_set/set/0/a b@/custom_field_set/set/1/b" },
        /* a field that is called so */
        { "{\"set\":\"x\"}", "set@/custom_field_set/set" },
        { "{\"set\":null}", "set@/custom_field_set/set" },
        { "{\"set\":1}", "set@/custom_field_set/set" },
        { "{\"set\":{},\"a\":1}",
          "set@/custom_field_set/set a@/custom_field_set/a" },
        { "{\"set\":{\"set\":{\"a\":1}}}", "set@/custom_field_set/set/set" },
        { "[{\"set\":{\"a\":1}}]", "set@/custom_field_set/0/set" },
        { "{\"Set\":{\"a\":1}}", "Set@/custom_field_set/Set" },
        { "{\"a/b~c\":1}", "a/b~c@/custom_field_set/a~1b~0c" },
        { "{\"\":1}", "@/custom_field_set/" }
    };
    size_t i;

    for (i = 0; i < COUNT(cases); i++) {
        ck_assert_str_eq(entries_of(cases[i].json), cases[i].entries);
        ck_assert_str_eq(test_violations(violations->list), "");
    }
}
END_TEST

START_TEST(other_shapes_are_refused)
{
    static const struct {
        const char *json, *violations;
    } cases[] = {
        { "null", "INVALID_TYPE /custom_field_set" },
        { "1", "INVALID_TYPE /custom_field_set" },
        { "\"\"", "INVALID_TYPE /custom_field_set" },
        { "true", "INVALID_TYPE /custom_field_set" },
        { "[1,{\"a\":1},\"b\",[],null]",
          "INVALID_TYPE /custom_field_set/0, "
          "INVALID_TYPE /custom_field_set/2, "
          "INVALID_TYPE /custom_field_set/3, "
          "INVALID_TYPE /custom_field_set/4" },
        { "{\"set\":[1]}", "INVALID_TYPE /custom_field_set/set/0" },
        { "[{\"a\":1},{\"a\":2}]",
          "INVALID_FORMAT /custom_field_set/1/a" }
    };
    size_t i;

    for (i = 0; i < COUNT(cases); i++) {
        read_set(cases[i].json);
        ck_assert_str_eq(test_violations(violations->list), cases[i].violations);
    }
}
END_TEST

/* COUNT fields, as an object or an array. */
static const char *many(int count, int as_array)
{
    const char *json = "";
    int i;

    for (i = 0; i < count; i++) {
        json = apr_psprintf(pool, as_array ? "%s%s{\"f%d\":1}"
                                           : "%s%s\"f%d\":1", json,
                            i ? "," : "", i);
    }
    return apr_psprintf(pool, as_array ? "[%s]" : "{%s}", json);
}

START_TEST(fifty_fields_a_call_are_the_most)
{
    int as_array;

    for (as_array = 0; as_array < 2; as_array++) {
        read_set(many(50, as_array));
        ck_assert_str_eq(test_violations(violations->list), "");
        read_set(many(51, as_array));
        ck_assert_str_eq(test_violations(violations->list),
                         "TOO_LONG /custom_field_set");
        read_set(many(2000, as_array));
        ck_assert_str_eq(test_violations(violations->list),
                         "TOO_LONG /custom_field_set");
    }
}
END_TEST

static apr_array_header_t *configured(void)
{
    apr_array_header_t *fields = apr_array_make(pool, 4,
                                                sizeof(at_custom_field_t));
    static const at_custom_field_t all[] = {
        { "s", "string" }, { "n", "number" }, { "b", "boolean" },
        { "set", "string" }
    };
    size_t i;

    for (i = 0; i < COUNT(all); i++) {
        APR_ARRAY_PUSH(fields, at_custom_field_t) = all[i];
    }
    return fields;
}

static const char *judge(const char *json)
{
    apr_array_header_t *entries = read_set(json);

    at_custom_judge(entries, configured(), violations);
    return test_violations(violations->list);
}

START_TEST(values_are_judged_by_the_type_of_the_field)
{
    static const struct {
        const char *json, *violations;
    } cases[] = {
        { "{\"s\":\"x\",\"n\":1,\"b\":true}", "" },
        { "{\"s\":\"\",\"n\":\"\",\"b\":\"\"}", "" },
        { "{\"s\":null,\"n\":null,\"b\":null}", "" },
        { "{\"n\":-0.5e-10,\"b\":false,\"s\":\"\\n\"}", "" },
        { "{\"n\":1e-400}", "" },
        { "{\"s\":1}", "INVALID_TYPE /custom_field_set/s" },
        { "{\"s\":true}", "INVALID_TYPE /custom_field_set/s" },
        { "{\"s\":{}}", "INVALID_TYPE /custom_field_set/s" },
        { "{\"s\":[]}", "INVALID_TYPE /custom_field_set/s" },
        { "{\"n\":\"1\"}", "INVALID_TYPE /custom_field_set/n" },
        { "{\"n\":true}", "INVALID_TYPE /custom_field_set/n" },
        { "{\"n\":1e309}", "OUT_OF_RANGE /custom_field_set/n" },
        { "{\"n\":-1e309}", "OUT_OF_RANGE /custom_field_set/n" },
        { "{\"b\":1}", "INVALID_TYPE /custom_field_set/b" },
        { "{\"b\":\"true\"}", "INVALID_TYPE /custom_field_set/b" },
        { "{\"x\":1}", "UNKNOWN_CUSTOM_FIELD /custom_field_set/x" },
        { "{\"x\":null}", "UNKNOWN_CUSTOM_FIELD /custom_field_set/x" },
        { "{\"\":1}", "UNKNOWN_CUSTOM_FIELD /custom_field_set/" },
        { "{\"S\":\"x\"}", "UNKNOWN_CUSTOM_FIELD /custom_field_set/S" },
        { "{\"s \":\"x\"}", "UNKNOWN_CUSTOM_FIELD /custom_field_set/s " },
        { "{\"set\":\"x\"}", "" },
        { "{\"set\":{\"s\":1},\"n\":1}",
          "INVALID_TYPE /custom_field_set/set" },
        { "[{\"s\":1},{\"n\":\"x\"},{\"y\":1}]",
          "INVALID_TYPE /custom_field_set/0/s, "
          "INVALID_TYPE /custom_field_set/1/n, "
          "UNKNOWN_CUSTOM_FIELD /custom_field_set/2/y" }
    };
    size_t i;

    for (i = 0; i < COUNT(cases); i++) {
        ck_assert_msg(!strcmp(judge(cases[i].json), cases[i].violations),
                      "%s: %s", cases[i].json, judge(cases[i].json));
    }
}
END_TEST

/* COUNT times U+00E9. */
static const char *letters(int count)
{
    char *text = apr_pcalloc(pool, 2 * (apr_size_t)count + 1);
    int i;

    for (i = 0; i < count; i++) {
        memcpy(text + 2 * i, "\xC3\xA9", 2);
    }
    return text;
}

START_TEST(names_and_values_are_limited_in_characters)
{
    const char *name = letters(64);
    apr_array_header_t *fields = configured();
    at_custom_field_t *field = apr_array_push(fields);
    apr_array_header_t *entries;

    ck_assert_str_eq(judge(apr_psprintf(pool, "{\"s\":\"%s\"}",
                                        letters(1000))), "");
    ck_assert_str_eq(judge(apr_psprintf(pool, "{\"s\":\"%s\"}",
                                        letters(1001))),
                     "TOO_LONG /custom_field_set/s");
    field->name = name;
    field->type = "string";
    entries = read_set(apr_psprintf(pool, "{\"%s\":\"x\"}", name));
    at_custom_judge(entries, fields, violations);
    ck_assert_str_eq(test_violations(violations->list), "");
    ck_assert_str_eq(judge(apr_psprintf(pool, "{\"%s\":\"x\"}",
                                        letters(65))),
                     apr_psprintf(pool, "TOO_LONG /custom_field_set/%s",
                                  letters(65)));
}
END_TEST

START_TEST(configured_fields_are_found_by_their_whole_name)
{
    const apr_array_header_t *fields = configured();

    ck_assert_str_eq(at_custom_find(fields, "n")->type, "number");
    ck_assert_ptr_null(at_custom_find(fields, "N"));
    ck_assert_ptr_null(at_custom_find(fields, ""));
    ck_assert_ptr_null(at_custom_find(fields, "se"));
}
END_TEST

START_TEST(the_set_is_merged_into_what_is_stored)
{
    static const struct {
        const char *stored, *json, *merged;
    } cases[] = {
        { NULL, "{\"s\":\"x\"}", "{\"s\":\"x\"}" },
        { NULL, "{\"s\":\"\",\"n\":null}", NULL },
        { "{}", "{\"b\":false}", "{\"b\":false}" },
        { "{\"s\":\"x\"}", "{\"n\":2}", "{\"n\":2,\"s\":\"x\"}" },
        { "{\"s\":\"x\",\"n\":1}", "{\"s\":\"y\"}",
          "{\"n\":1,\"s\":\"y\"}" },
        { "{\"s\":\"x\",\"n\":1}", "{\"s\":\"\"}", "{\"n\":1}" },
        { "{\"s\":\"x\"}", "{\"s\":null}", NULL },
        { "{\"s\":\"x\"}", "[{\"s\":null},{\"b\":true}]", "{\"b\":true}" },
        { "{\"s\":\"x\"}", "{\"n\":null}", "{\"s\":\"x\"}" },
        { "{\"s\":\"x\"}", "{}", "{\"s\":\"x\"}" },
        /* a field that is no longer configured keeps its value */
        { "{\"old\":[1,{\"x\":null}]}", "{\"n\":1}",
          "{\"n\":1,\"old\":[1,{\"x\":null}]}" },
        /* numbers in their one form; those not sent as they are */
        { "{\"a\":1.0}", "{\"n\":1.50e+1}", "{\"a\":1.0,\"n\":15}" },
        { NULL, "{\"n\":9007199254740993}", "{\"n\":9007199254740993}" },
        { NULL, "{\"n\":-42}", "{\"n\":-42}" },
        { NULL, "{\"n\":100000000000000000000}",
          "{\"n\":100000000000000000000}" },
        { NULL, "{\"n\":9007199254740993.0}",
          "{\"n\":9007199254740992}" },
        { NULL, "{\"n\":-0}", "{\"n\":0}" },
        { NULL, "{\"n\":0.1}", "{\"n\":0.1}" },
        { NULL, "{\"n\":1e-400}", "{\"n\":0}" },
        { NULL, "{\"s\":\"\\\"\\u0001\xCE\xB1\"}",
          "{\"s\":\"\\\"\\u0001\xCE\xB1\"}" }
    };
    size_t i;

    for (i = 0; i < COUNT(cases); i++) {
        const char *merged = "untouched";
        at_error_t *error = at_custom_merge(&merged, "T1", cases[i].stored,
                                            read_set(cases[i].json), pool);

        ck_assert_str_eq(test_error(error), "OK");
        if (cases[i].merged) {
            ck_assert_ptr_nonnull(merged);
            ck_assert_str_eq(test_sorted(test_json(merged)),
                             cases[i].merged);
        }
        else {
            ck_assert_msg(merged == NULL, "%s", merged);
        }
    }
}
END_TEST

START_TEST(a_stored_value_that_is_no_object_is_an_error)
{
    static const char *const stored[] = {
        "", " ", "null", "[]", "1", "\"S3CRET\"", "{", "{\"S3CRET\":1}x",
        "{\"a\":1,\"a\":2}"
    };
    size_t i;

    for (i = 0; i < COUNT(stored); i++) {
        const char *merged;
        at_error_t *error = at_custom_merge(&merged, "T1", stored[i],
                                            read_set("{\"n\":1}"), pool);

        ck_assert_msg(!strcmp(test_error(error), "INTERNAL_ERROR"), "%s",
                      stored[i]);
        ck_assert(error->detail && !has(error->detail, "S3CRET"));
    }
}
END_TEST

int main(void)
{
    TCase *tests = test_begin("test_custom");

    tcase_add_test(tests, all_readings_of_the_set_work);
    tcase_add_test(tests, other_shapes_are_refused);
    tcase_add_test(tests, fifty_fields_a_call_are_the_most);
    tcase_add_test(tests, values_are_judged_by_the_type_of_the_field);
    tcase_add_test(tests, names_and_values_are_limited_in_characters);
    tcase_add_test(tests, configured_fields_are_found_by_their_whole_name);
    tcase_add_test(tests, the_set_is_merged_into_what_is_stored);
    tcase_add_test(tests, a_stored_value_that_is_no_object_is_an_error);
    return test_end(tests);
}
