/* SPDX-License-Identifier: Apache-2.0 */
/* Contract, sections 4 and 5; RFC 9457 for problem details. */
#include "test_support.h"

#include <string.h>

#include "at_reply.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* Their columns follow those of the row. */
#define LOOKUPS "thing id a?|bare x|typed n:number b:boolean j:json|" \
    "down j.j.j.j.j.j.j.j.j.j:json"

/*
 * The reply for a row of the columns COLUMNS (blanks between) with VALUES
 * (bars between; "NULL" for NULL), of which FIELDS_SET is wanted; or the
 * error.
 */
static const char *reply_to(const char *columns, const char *values,
                            const char *fields_set, const char *pass_code)
{
    at_plan_t *plan = test_plan_with(columns, LOOKUPS);
    at_row_t row = { plan, NULL, NULL };
    at_violations_t *violations = at_violations_make(pool);
    at_select_t *select;
    at_body_t body;
    at_error_t *error;
    int i;

    row.values = apr_pcalloc(pool, sizeof(*row.values)
                                   * ((apr_size_t)plan->column_count + 1));
    for (i = 0; i < plan->column_count; i++) {
        apr_size_t length = strcspn(values, "|");
        const char *value = apr_pstrndup(pool, values, length);

        row.values[i] = strcmp(value, "NULL") ? value : NULL;
        values += length + (values[length] == '|');
    }
    select = at_select_read(fields_set ? test_json(fields_set) : NULL, plan,
                            violations, pool);
    ck_assert_str_eq(test_violations(violations->list), "");
    error = at_reply_data(&body, &row, select, pass_code, pool);
    if (error) {
        ck_assert_ptr_nonnull(error->detail);
        return apr_pstrcat(pool, test_error(error), ": ", error->detail,
                           (char *)NULL);
    }
    ck_assert_uint_eq(body.length, strlen(body.text));
    return body.text;
}

/* Only `data` of it. */
static const char *data_of(const char *columns, const char *values,
                           const char *fields_set)
{
    const char *reply = reply_to(columns, values, fields_set, NULL);

    ck_assert_msg(reply[0] == '{', "%s", reply);
    return test_sorted(at_json_get(test_json(reply), "data"));
}

START_TEST(the_status_says_ok)
{
    at_json_t *root = test_json(reply_to("data.id", "T1", NULL, NULL));

    ck_assert_str_eq(test_sorted(root),
                     "{\"data\":{\"id\":\"T1\"},\"status\":{\"code\":\"OK\","
                     "\"description\":\"\",\"message\":\"\"}}");
}
END_TEST

START_TEST(leaves_have_their_types)
{
    static const struct {
        const char *column, *value, *data;
    } cases[] = {
        { "data.a", "x", "{\"a\":\"x\"}" },
        { "data.a", "", "{\"a\":\"\"}" },
        { "data.a", "1", "{\"a\":\"1\"}" },
        { "data.a", "NULL", "{\"a\":null}" },
        { "data.a?", "NULL", "{}" },
        { "data.a?", "", "{\"a\":\"\"}" },
        { "data.a", "a\"\\\n\xCE\xB1", "{\"a\":\"a\\\"\\\\\\n\xCE\xB1\"}" },
        { "data.a", "caf\xE9", "{\"a\":\"caf\xEF\xBF\xBD\"}" },
        { "data.a:number", "1", "{\"a\":1}" },
        { "data.a:number", "-1", "{\"a\":-1}" },
        { "data.a:number", "0", "{\"a\":0}" },
        { "data.a:number", "-0", "{\"a\":0}" },
        { "data.a:number", "-0.0", "{\"a\":0}" },
        { "data.a:number", "1.0", "{\"a\":1}" },
        { "data.a:number", "1.50", "{\"a\":1.5}" },
        { "data.a:number", "1e2", "{\"a\":100}" },
        { "data.a:number", "0.10000000000000001", "{\"a\":0.1}" },
        { "data.a:number", "5e-324", "{\"a\":5e-324}" },
        { "data.a:number", "1.7976931348623157e+308",
          "{\"a\":1.7976931348623157e308}" },
        /* a BIGINT is no double */
        { "data.a:number", "9007199254740993", "{\"a\":9007199254740993}" },
        { "data.a:number", "-9223372036854775808",
          "{\"a\":-9223372036854775808}" },
        { "data.a:number", "NULL", "{\"a\":null}" },
        { "data.a?:number", "NULL", "{}" },
        { "data.a:boolean", "0", "{\"a\":false}" },
        { "data.a:boolean", "1", "{\"a\":true}" },
        { "data.a:boolean", "NULL", "{\"a\":null}" },
        { "data.a:date", "2024-06-30 23:59:58",
          "{\"a\":\"2024-06-30T23:59:58\"}" },
        { "data.a:date", "2024-06-30T23:59:58",
          "{\"a\":\"2024-06-30T23:59:58\"}" },
        { "data.a:date", "2024-06-30", "{\"a\":\"2024-06-30T00:00:00\"}" },
        { "data.a:date", "", "{\"a\":\"\"}" },
        { "data.a:date", "NULL", "{\"a\":null}" },
        { "data.a:date", "0000-00-00", "{\"a\":null}" },
        { "data.a:date", "0000-00-00 00:00:00", "{\"a\":null}" },
        { "data.a?:date", "0000-00-00 00:00:00", "{}" },
        { "data.a", "0000-00-00", "{\"a\":\"0000-00-00\"}" },
        { "data.a:json", "{\"b\":[1,\"x\",null,true]}",
          "{\"a\":{\"b\":[1,\"x\",null,true]}}" },
        { "data.a:json", "[]", "{\"a\":[]}" },
        { "data.a:json", "NULL", "{\"a\":null}" },
        { "data.a?:json", "NULL", "{}" }
    };
    size_t i;

    for (i = 0; i < COUNT(cases); i++) {
        const char *data = data_of(cases[i].column, cases[i].value, NULL);

        ck_assert_msg(!strcmp(data, cases[i].data), "%s = %s: %s",
                      cases[i].column, cases[i].value, data);
    }
}
END_TEST

START_TEST(a_value_of_the_wrong_type_is_an_internal_error)
{
    static const struct {
        const char *column, *value;
    } cases[] = {
        { "data.a:number", "" }, { "data.a:number", "S3CRET" },
        { "data.a:number", "1x" }, { "data.a:number", " 1" },
        { "data.a:number", "+1" }, { "data.a:number", "1." },
        { "data.a:number", "1e400" }, { "data.a:number", "Inf" },
        { "data.a:number", "--1" }, { "data.a:number", "-" },
        { "data.a:boolean", "" }, { "data.a:boolean", "2" },
        { "data.a:boolean", "true" }, { "data.a:boolean", "S3CRET" },
        { "data.a:json", "" }, { "data.a:json", "S3CRET" },
        { "data.a:json", "{\"S3CRET\":}" },
        { "data.a.b.c:json", "{\"a\":1,\"a\":2}" }
    };
    size_t i;

    for (i = 0; i < COUNT(cases); i++) {
        const char *error = reply_to(cases[i].column, cases[i].value, NULL,
                                     NULL);

        ck_assert_msg(!strncmp(error, "INTERNAL_ERROR: ", 16),
                      "%s = %s: %s", cases[i].column, cases[i].value, error);
        ck_assert_msg(!has(error, "S3CRET"), "%s", error);
    }
}
END_TEST

START_TEST(an_internal_error_names_its_column)
{
    const char *error = reply_to("data.a data.o.n:number", "x|y", NULL, NULL);

    ck_assert_msg(has(error, "some.sql: ")
                  && has(error, "'data.o.n:number'"), "%s", error);
    /* the column of a lookup, and its file */
    error = reply_to("data.o@typed", "k|x|1|{}", NULL, NULL);
    ck_assert_msg(has(error, "lookups/typed.sql: ")
                  && has(error, "'n:number'"), "%s", error);
    error = reply_to("data.o@thing data.p@typed", "k|k|1|x|1|1|{", NULL,
                     NULL);
    ck_assert_msg(has(error, "lookups/typed.sql: ")
                  && has(error, "'j:json'"), "%s", error);
}
END_TEST

START_TEST(objects_are_null_when_their_id_is)
{
    static const struct {
        const char *columns, *values, *data;
    } cases[] = {
        { "data.o.id data.o.a", "1|x", "{\"o\":{\"a\":\"x\",\"id\":\"1\"}}" },
        { "data.o.id data.o.a", "1|NULL",
          "{\"o\":{\"a\":null,\"id\":\"1\"}}" },
        { "data.o.id data.o.a", "NULL|x", "{\"o\":null}" },
        { "data.o?.id data.o?.a", "NULL|x", "{}" },
        { "data.o?.id data.o?.a", "1|x",
          "{\"o\":{\"a\":\"x\",\"id\":\"1\"}}" },
        /* without an id an object is always there */
        { "data.o.a data.o.b?", "NULL|NULL", "{\"o\":{\"a\":null}}" },
        { "data.o?.a", "NULL", "{\"o\":{\"a\":null}}" },
        { "data.o.id data.o.p.id data.o.p.a", "1|NULL|x",
          "{\"o\":{\"id\":\"1\",\"p\":null}}" },
        { "data.o.id data.o.p?.id data.o.p?.a", "1|NULL|x",
          "{\"o\":{\"id\":\"1\"}}" },
        { "data.o.id data.o.p.id data.o.p.a", "NULL|2|x", "{\"o\":null}" },
        { "data.id data.a", "NULL|x", "{\"a\":\"x\",\"id\":null}" },
        { "data.o@thing", "k|1|x", "{\"o\":{\"a\":\"x\",\"id\":\"1\"}}" },
        { "data.o@thing", "k|1|NULL", "{\"o\":{\"id\":\"1\"}}" },
        { "data.o@thing", "k|NULL|NULL", "{\"o\":null}" },
        { "data.o@thing", "NULL|NULL|NULL", "{\"o\":null}" },
        { "data.o?@thing", "k|NULL|NULL", "{}" },
        { "data.o@thing data.o.b", "k|y|1|x",
          "{\"o\":{\"a\":\"x\",\"b\":\"y\",\"id\":\"1\"}}" },
        /* without an id it is there when its key is */
        { "data.o@bare", "k|NULL", "{\"o\":{\"x\":null}}" },
        { "data.o@bare", "NULL|x", "{\"o\":null}" }
    };
    size_t i;

    for (i = 0; i < COUNT(cases); i++) {
        ck_assert_str_eq(data_of(cases[i].columns, cases[i].values, NULL),
                         cases[i].data);
    }
}
END_TEST

START_TEST(inputs_are_not_replied)
{
    ck_assert_str_eq(data_of("token.pass_code data.id session.user_id",
                             "S3CRET|T1|U1", NULL), "{\"id\":\"T1\"}");
}
END_TEST

#define COLUMNS "data.id data.a? data.o.id data.o.b? data.o.p?.id " \
    "data.o.p?.c data.custom_field_set?:json"

START_TEST(fields_set_selects)
{
    static const struct {
        const char *values, *fields_set, *data;
    } cases[] = {
        { "T|x|1|y|2|z|{\"f\":1,\"g\":2}", "\"\"",
          "{\"a\":\"x\",\"custom_field_set\":{\"f\":1,\"g\":2},\"id\":\"T\","
          "\"o\":{\"b\":\"y\",\"id\":\"1\",\"p\":{\"c\":\"z\","
          "\"id\":\"2\"}}}" },
        { "T|x|1|y|2|z|{\"f\":1}", "\"id\"", "{\"id\":\"T\"}" },
        { "T|x|1|y|2|z|{\"f\":1}", "\"o.p.c,a\"",
          "{\"a\":\"x\",\"o\":{\"p\":{\"c\":\"z\"}}}" },
        /* named: there, even when empty */
        { "T|NULL|1|NULL|NULL|NULL|NULL", "\"a\"", "{\"a\":null}" },
        { "T|NULL|1|NULL|NULL|NULL|NULL", "\"custom_field_set\"",
          "{\"custom_field_set\":null}" },
        { "T|NULL|1|NULL|NULL|NULL|NULL", "\"o.b\"",
          "{\"o\":{\"b\":null}}" },
        { "T|NULL|1|NULL|NULL|NULL|NULL", "\"o.p\"",
          "{\"o\":{\"p\":null}}" },
        { "T|NULL|1|NULL|NULL|NULL|NULL", "\"o.p.c\"",
          "{\"o\":{\"p\":null}}" },
        { "T|NULL|NULL|NULL|NULL|NULL|NULL", "\"o.p.c\"", "{\"o\":null}" },
        /* but not what is inside of what is named */
        { "T|NULL|1|NULL|NULL|NULL|NULL", "\"o\"",
          "{\"o\":{\"id\":\"1\"}}" },
        { "T|NULL|1|NULL|NULL|NULL|NULL", "\"o,o.b\"",
          "{\"o\":{\"b\":null,\"id\":\"1\"}}" },
        /* custom fields */
        { "T|x|1|y|2|z|{\"f\":1,\"g.h\":2}", "\"custom_field_set.g.h\"",
          "{\"custom_field_set\":{\"g.h\":2}}" },
        { "T|x|1|y|2|z|{\"f\":1,\"g\":2}",
          "\"custom_field_set.f,custom_field_set.g\"",
          "{\"custom_field_set\":{\"f\":1,\"g\":2}}" },
        { "T|x|1|y|2|z|{\"f\":1,\"g\":2}",
          "\"custom_field_set.f,custom_field_set\"",
          "{\"custom_field_set\":{\"f\":1,\"g\":2}}" }
    };
    size_t i;

    for (i = 0; i < COUNT(cases); i++) {
        const char *data = data_of(COLUMNS, cases[i].values,
                                   cases[i].fields_set);

        ck_assert_msg(!strcmp(data, cases[i].data), "%s: %s",
                      cases[i].fields_set, data);
    }
}
END_TEST

START_TEST(a_generated_pass_code_is_in_the_reply_whatever_is_wanted)
{
    static const char *const fields_sets[] = { NULL, "\"id\"",
                                               "\"pass_code\"" };
    size_t i;

    for (i = 0; i < COUNT(fields_sets); i++) {
        at_json_t *data = at_json_get(test_json(reply_to(
            "data.id", "T1", fields_sets[i], "90\"1")), "data");

        ck_assert_str_eq(at_json_get(data, "pass_code")->text, "90\"1");
        ck_assert_int_eq(at_json_get(data, "id") != NULL, i < 2);
    }
}
END_TEST

/* The text of the leaf at PATH, "a.b?.c:number", in DATA; NULL if none. */
static const char *leaf_of(const at_json_t *data, const char *path)
{
    while (data && data->type == AT_JSON_OBJECT) {
        apr_size_t length = strcspn(path, ".");

        data = at_json_get(data, apr_pstrndup(pool, path,
                                              strcspn(path, ".?:")));
        if (!path[length]) {
            break;
        }
        path += length + 1;
    }
    return data ? data->text : NULL;
}

/* What the statements select is enough for the page's own example. */
START_TEST(the_example_of_the_page_is_replied)
{
    const at_statements_t *statements = test_statements();
    const at_statement_t *load =
        statements->statement[AT_STATEMENT_LOAD_BY_ID];
    at_json_t *example = test_json(test_read(test_source(
        "t/data/example-response.json")));
    at_row_t *row = test_row(statements->plan, "token.pass_code",
                             "S3CRET", NULL);
    at_body_t body;
    int i;

    for (i = 0; i < load->columns->nelts; i++) {
        const char *name = APR_ARRAY_IDX(load->columns, i, const char *);

        if (!strncmp(name, "data.", 5)) {
            row->values[i] = leaf_of(at_json_get(example, "data"), name + 5);
        }
    }
    ck_assert_str_eq(test_error(at_reply_data(
        &body, row, at_select_read(NULL, statements->plan,
                                   at_violations_make(pool), pool), NULL,
        pool)), "OK");
    ck_assert_str_eq(test_sorted(test_json(body.text)),
                     test_sorted(example));
}
END_TEST

/* As deep as 255 characters of a name go: yajl's generator ends at 128. */
START_TEST(the_deepest_path_can_be_written)
{
    const char *path = "data";
    int i;

    for (i = 0; i < 125; i++) {
        path = apr_pstrcat(pool, path, ".a", (char *)NULL);
    }
    ck_assert(has(reply_to(path, "x", NULL, NULL), "\"a\":\"x\""));
    /* and within it, by a lookup, JSON as deep as it is read */
    for (path = "data", i = 10; i < AT_PLAN_DEPTH; i++) {
        path = apr_pstrcat(pool, path, ".a", (char *)NULL);
    }
    path = apr_pstrcat(pool, path, "@down", (char *)NULL);
    ck_assert(has(reply_to(path, "k|[[[[[[[[7]]]]]]]]", NULL, NULL),
                  "[[[[[[[[7]]]]]]]]"));
}
END_TEST

static at_error_t *sample_error(void)
{
    at_violations_t *violations = at_violations_make(pool);

    at_violations_add(violations, "/udf_float_1", AT_VIOLATION_INVALID_TYPE,
                      "It must be a \"number\".");
    at_violations_add(violations, "/a~1b", AT_VIOLATION_UNKNOWN_PARAMETER,
                      "Not known.");
    return at_error_violations(pool, violations);
}

static const char *error_body(const at_error_t *error, int problem,
                              int http_status)
{
    at_body_t body;

    at_reply_error(&body, error, problem, http_status, pool);
    ck_assert_uint_eq(body.length, strlen(body.text));
    return test_sorted(test_json(body.text));
}

#define ERRORS "\"errors\":[{\"code\":\"INVALID_TYPE\",\"message\":" \
    "\"It must be a \\\"number\\\".\",\"pointer\":\"/udf_float_1\"}," \
    "{\"code\":\"UNKNOWN_PARAMETER\",\"message\":\"Not known.\"," \
    "\"pointer\":\"/a~1b\"}]"

START_TEST(an_error_has_status_and_violations_and_no_data)
{
    at_error_t *error = sample_error();

    ck_assert_str_eq(error_body(error, 0, 422),
                     apr_psprintf(pool, "{" ERRORS ",\"status\":{\"code\":"
                                  "\"VALIDATION_FAILED\",\"description\":"
                                  "\"%s\",\"message\":\"%s\"}}",
                                  error->description,
                                  at_code_message(error->code)));
    error = at_error_hidden(pool, AT_INTERNAL_ERROR, "S3CRET");
    ck_assert(!has(error_body(error, 0, 500), "S3CRET"));
    ck_assert(!has(error_body(error, 1, 500), "S3CRET"));
    ck_assert(!has(error_body(error, 0, 500), "\"data\""));
}
END_TEST

START_TEST(a_problem_is_that_of_rfc_9457)
{
    at_error_t *error = sample_error();
    at_json_t *root = test_json(error_body(error, 1, 422));

    ck_assert_str_eq(at_json_get(root, "type")->text, "about:blank");
    ck_assert_str_eq(at_json_get(root, "title")->text,
                     at_code_message(AT_VALIDATION_FAILED));
    ck_assert_int_eq((int)at_json_get(root, "status")->type,
                     AT_JSON_NUMBER);
    ck_assert_str_eq(at_json_get(root, "status")->text, "422");
    ck_assert_str_eq(at_json_get(root, "detail")->text, error->description);
    ck_assert_str_eq(at_json_get(root, "code")->text, "VALIDATION_FAILED");
    ck_assert_ptr_null(at_json_get(root, "data"));
    ck_assert(has(test_sorted(root), ERRORS));
    /* in HTTP-200 mode the status is the one that is sent */
    root = test_json(error_body(error, 1, 200));
    ck_assert_str_eq(at_json_get(root, "status")->text, "200");
}
END_TEST

int main(void)
{
    TCase *tests = test_begin("test_reply");

    tcase_add_test(tests, the_status_says_ok);
    tcase_add_test(tests, leaves_have_their_types);
    tcase_add_test(tests, a_value_of_the_wrong_type_is_an_internal_error);
    tcase_add_test(tests, an_internal_error_names_its_column);
    tcase_add_test(tests, objects_are_null_when_their_id_is);
    tcase_add_test(tests, inputs_are_not_replied);
    tcase_add_test(tests, fields_set_selects);
    tcase_add_test(
        tests, a_generated_pass_code_is_in_the_reply_whatever_is_wanted);
    tcase_add_test(tests, the_example_of_the_page_is_replied);
    tcase_add_test(tests, the_deepest_path_can_be_written);
    tcase_add_test(tests, an_error_has_status_and_violations_and_no_data);
    tcase_add_test(tests, a_problem_is_that_of_rfc_9457);
    return test_end(tests);
}
