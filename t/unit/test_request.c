/* SPDX-License-Identifier: Apache-2.0 */
/* Contract, section 2: what the request alone shows to be wrong. */
#include "test_support.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "at_custom.h"
#include "at_field.h"
#include "at_reply.h"
#include "at_request.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

#define KEY "\"access_token_identifier\":{\"authentication_code\":\"c\"}"

static at_request_options_t options;

static at_request_t *request;

/* Read JSON; returns what is wrong with it as test_error does. */
static const char *read_request(const char *json)
{
    request = NULL;
    options.statements = test_statements();
    options.scheme = at_scheme_default();
    return test_error(at_request_read(&request, test_json(json), &options,
                                      pool));
}

/* Read the members MEMBERS beside a right key. */
static const char *read_members(const char *members)
{
    return read_request(apr_pstrcat(pool, "{" KEY, *members ? "," : "",
                                    members, "}", (char *)NULL));
}

static const at_field_value_t *value_of(const char *name)
{
    return &request->fields[at_field_find(name)];
}

/* COUNT times TEXT. */
static const char *repeat(const char *text, int count)
{
    char *all = apr_pcalloc(pool, strlen(text) * (apr_size_t)count + 1);
    int i;

    for (i = 0; i < count; i++) {
        memcpy(all + strlen(text) * (apr_size_t)i, text, strlen(text));
    }
    return all;
}

START_TEST(the_example_of_the_page_is_read)
{
    ck_assert_str_eq(read_request(test_read(test_source(
                         "t/data/example-request.json"))), "OK");
    ck_assert_str_eq(request->token, "A4F19B70D95D4DE09C3A9FC720A33A49");
    ck_assert_int_eq((int)request->load,
                     AT_STATEMENT_LOAD_BY_AUTHENTICATION_CODE);
    ck_assert_str_eq(request->key, "CCD4537CA4AD4EE8912FFBAE53110601");
    ck_assert_ptr_null(request->key_pass_code);
    ck_assert_str_eq(value_of("authentication_code")->text, "testpassnew1");
    ck_assert_str_eq(value_of("identifier")->text, "api1test12up");
    ck_assert_str_eq(value_of("pass_code")->text, "api11112");
    ck_assert_ptr_null(request->custom_fields);
    ck_assert(request->select->all);
}
END_TEST

START_TEST(absent_null_and_a_value_are_three_things)
{
    int i;

    ck_assert_str_eq(read_members(""), "OK");
    ck_assert_ptr_null(request->token);
    for (i = 0; i < at_field_count(); i++) {
        ck_assert_int_eq((int)request->fields[i].presence, AT_ABSENT);
    }
    for (i = 0; i < at_field_count(); i++) {
        const at_field_t *field = at_field_get(i);

        if (field->type == AT_FIELD_CUSTOM) {
            continue;
        }
        ck_assert_str_eq(read_members(apr_psprintf(pool, "\"%s\":null",
                                                   field->name)), "OK");
        ck_assert_int_eq((int)request->fields[i].presence, AT_NULL);
        ck_assert_ptr_null(request->fields[i].text);
        ck_assert_int_eq((int)request->fields[i ? 0 : 1].presence,
                         AT_ABSENT);
    }
    ck_assert_str_eq(read_members("\"udf_string_1\":\"\","
                                  "\"udf_float_1\":0,"
                                  "\"udf_date_1\":\"2024-02-29\""), "OK");
    ck_assert_int_eq((int)value_of("udf_string_1")->presence, AT_VALUE);
    ck_assert_str_eq(value_of("udf_string_1")->text, "");
    ck_assert_int_eq((int)value_of("udf_float_1")->presence, AT_VALUE);
    ck_assert_str_eq(value_of("udf_float_1")->text, "0");
    ck_assert_str_eq(value_of("udf_date_1")->text, "2024-02-29T00:00:00");
    ck_assert_int_eq((int)value_of("udf_string_2")->presence, AT_ABSENT);
}
END_TEST

START_TEST(values_are_bound_in_one_form)
{
    static const struct {
        const char *member, *name, *text;
    } cases[] = {
        { "\"udf_float_1\":-0", "udf_float_1", "0" },
        { "\"udf_float_2\":-0.0e5", "udf_float_2", "0" },
        { "\"udf_float_3\":1E2", "udf_float_3", "100" },
        { "\"udf_float_4\":1e-400", "udf_float_4", "0" },
        { "\"udf_float_1\":0.10", "udf_float_1", "0.1" },
        { "\"udf_float_1\":5e-324", "udf_float_1", "5e-324" },
        { "\"udf_float_1\":-1.3701135617873088e-206", "udf_float_1",
          "-1.3701135617873088e-206" },
        { "\"udf_float_1\":9007199254740993", "udf_float_1",
          "9007199254740992" },
        { "\"udf_date_4\":\"9999-12-31T23:59:59\"", "udf_date_4",
          "9999-12-31T23:59:59" },
        { "\"udf_string_8\":\"\\ud83d\\ude00 a\\tb \"", "udf_string_8",
          "\xF0\x9F\x98\x80 a\tb " },
        { "\"card_masked_number\":\"****1\"", "card_masked_number",
          "****1" },
        { "\"identifier\":\"a b\"", "identifier", "a b" }
    };
    size_t i;

    for (i = 0; i < COUNT(cases); i++) {
        ck_assert_str_eq(read_members(cases[i].member), "OK");
        ck_assert_int_eq((int)value_of(cases[i].name)->presence, AT_VALUE);
        ck_assert_str_eq(value_of(cases[i].name)->text, cases[i].text);
    }
}
END_TEST

START_TEST(wrong_shapes_are_refused)
{
    static const struct {
        const char *members, *violations;
    } cases[] = {
        { "\"identifier\":1", "INVALID_TYPE /identifier" },
        { "\"identifier\":true", "INVALID_TYPE /identifier" },
        { "\"identifier\":{}", "INVALID_TYPE /identifier" },
        { "\"pass_code\":[]", "INVALID_TYPE /pass_code" },
        { "\"authentication_code\":0", "INVALID_TYPE /authentication_code" },
        { "\"udf_string_8\":1.5", "INVALID_TYPE /udf_string_8" },
        { "\"card_masked_number\":4556",
          "INVALID_TYPE /card_masked_number" },
        { "\"udf_float_1\":\"1\"", "INVALID_TYPE /udf_float_1" },
        { "\"udf_float_1\":\"\"", "INVALID_TYPE /udf_float_1" },
        { "\"udf_float_1\":true", "INVALID_TYPE /udf_float_1" },
        { "\"udf_float_4\":1e309", "OUT_OF_RANGE /udf_float_4" },
        { "\"udf_float_4\":-1.8e308", "OUT_OF_RANGE /udf_float_4" },
        { "\"udf_date_1\":20240101", "INVALID_TYPE /udf_date_1" },
        { "\"udf_date_1\":\"\"", "INVALID_FORMAT /udf_date_1" },
        { "\"udf_date_1\":\"2023-02-29\"", "INVALID_FORMAT /udf_date_1" },
        { "\"udf_date_4\":\"2024-01-01T10:00:00Z\"",
          "INVALID_FORMAT /udf_date_4" },
        { "\"custom_field_set\":null", "INVALID_TYPE /custom_field_set" },
        { "\"custom_field_set\":\"a\"", "INVALID_TYPE /custom_field_set" },
        { "\"custom_field_set\":[1]", "INVALID_TYPE /custom_field_set/0" },
        { "\"fields_set\":1", "INVALID_TYPE /fields_set" },
        { "\"fields_set\":\"id,nobody\"", "UNKNOWN_FIELD /fields_set" },
        { "\"token\":1", "INVALID_TYPE /token" },
        { "\"token\":null", "INVALID_TYPE /token" },
        { "\"udf_string_9\":1", "UNKNOWN_PARAMETER /udf_string_9" },
        { "\"Identifier\":\"x\"", "UNKNOWN_PARAMETER /Identifier" },
        { "\"a/b\":1", "UNKNOWN_PARAMETER /a~1b" },
        { "\"\":1", "UNKNOWN_PARAMETER /" },
        { "\"id\":\"x\"", "UNKNOWN_PARAMETER /id" },
        { "\"classification\":\"x\"", "UNKNOWN_PARAMETER /classification" },
        /* all at once */
        { "\"x\":1,\"identifier\":1,\"udf_float_1\":\"a\","
          "\"udf_date_1\":\"a\",\"fields_set\":\"b\"",
          "UNKNOWN_PARAMETER /x, INVALID_TYPE /identifier, "
          "INVALID_TYPE /udf_float_1, INVALID_FORMAT /udf_date_1, "
          "UNKNOWN_FIELD /fields_set" }
    };
    size_t i;

    for (i = 0; i < COUNT(cases); i++) {
        const char *result = read_members(cases[i].members);

        ck_assert_msg(!strcmp(result, apr_pstrcat(pool,
                                                  "VALIDATION_FAILED: ",
                                                  cases[i].violations,
                                                  (char *)NULL)),
                      "%s: %s", cases[i].members, result);
    }
}
END_TEST

typedef struct {
    const char *key, *violations;
} key_case_t;

/* In VIOLATIONS only the end of each pointer is given. */
static void check_keys(const key_case_t *cases, size_t count)
{
    size_t i;

    for (i = 0; i < count; i++) {
        const char *expected = "OK";
        const char *result = read_request(apr_psprintf(
            pool, "{\"access_token_identifier\":%s}", cases[i].key));

        if (cases[i].violations) {
            const char *pointer = strchr(cases[i].violations, ' ') + 1;

            expected = apr_psprintf(pool, "VALIDATION_FAILED: %.*s"
                                    "/access_token_identifier%s",
                                    (int)(pointer - cases[i].violations),
                                    cases[i].violations, pointer);
        }
        ck_assert_msg(!strcmp(result, expected), "%s: %s", cases[i].key,
                      result);
    }
}

START_TEST(the_key_is_exactly_one_of_two)
{
    static const key_case_t cases[] = {
        { "{\"authentication_code\":\"c\"}", NULL },
        { "{\"identifier\":\"i\",\"pass_code\":\"p\"}", NULL },
        { "{}", "EXACTLY_ONE_OF " },
        { "{\"pass_code\":\"p\"}", "EXACTLY_ONE_OF " },
        { "{\"authentication_code\":\"c\",\"identifier\":\"i\","
          "\"pass_code\":\"p\"}", "EXACTLY_ONE_OF " },
        { "{\"identifier\":\"i\"}", "MANDATORY /pass_code" },
        { "{\"authentication_code\":\"c\",\"pass_code\":\"p\"}",
          "EXACTLY_ONE_OF /pass_code" }
    };

    check_keys(cases, COUNT(cases));
    ck_assert_str_eq(read_request("{}"), "VALIDATION_FAILED: MANDATORY "
                                         "/access_token_identifier");
}
END_TEST

START_TEST(the_values_of_the_key_are_checked)
{
    static const key_case_t cases[] = {
        { "null", "INVALID_TYPE " }, { "\"c\"", "INVALID_TYPE " },
        { "[]", "INVALID_TYPE " },
        { "{\"authentication_code\":null}",
          "INVALID_TYPE /authentication_code" },
        { "{\"authentication_code\":1}",
          "INVALID_TYPE /authentication_code" },
        { "{\"identifier\":null,\"pass_code\":\"p\"}",
          "INVALID_TYPE /identifier" },
        { "{\"identifier\":\"i\",\"pass_code\":null}",
          "INVALID_TYPE /pass_code" },
        { "{\"identifier\":\"i\",\"pass_code\":1}",
          "INVALID_TYPE /pass_code" },
        { "{\"authentication_code\":\"\"}",
          "MANDATORY /authentication_code" },
        { "{\"identifier\":\"\",\"pass_code\":\"p\"}",
          "MANDATORY /identifier" },
        { "{\"authentication_code\":\" c\"}",
          "INVALID_FORMAT /authentication_code" },
        { "{\"authentication_code\":\"a\\u0007b\"}",
          "INVALID_FORMAT /authentication_code" },
        { "{\"authentication_code\":\"c\",\"x\":1}",
          "UNKNOWN_PARAMETER /x" },
        { "{\"authentication_code\":\"c\",\"udf_string_1\":\"x\"}",
          "UNKNOWN_PARAMETER /udf_string_1" }
    };

    check_keys(cases, COUNT(cases));
    ck_assert_str_eq(read_request("{\"access_token_identifier\":"
                                  "{\"pass_code\":\" \xC3\xA9\\u0001\","
                                  "\"identifier\":\"i\"}}"), "OK");
    ck_assert_int_eq((int)request->load, AT_STATEMENT_LOAD_BY_IDENTIFIER);
    ck_assert_str_eq(request->key, "i");
    ck_assert_str_eq(request->key_pass_code, " \xC3\xA9\x01");
}
END_TEST

START_TEST(the_limits_are_in_characters_or_bytes)
{
    static const struct {
        const char *format;
        const char *unit;          /* what is repeated */
        int most;                  /* so often */
        const char *pointer;
    } cases[] = {
        { "\"authentication_code\":\"%s\"", "a", 255,
          "/authentication_code" },
        { "\"authentication_code\":\"%s\"", "\xF0\x9F\x98\x80", 255,
          "/authentication_code" },
        { "\"identifier\":\"%s\"", "\xC3\xA9", 255, "/identifier" },
        { "\"udf_string_1\":\"%s\"", "a", 255, "/udf_string_1" },
        { "\"udf_string_8\":\"%s\"", "\xE6\xBC\xA2", 255, "/udf_string_8" },
        { "\"card_masked_number\":\"%s\"", "a", 32, "/card_masked_number" },
        { "\"card_masked_number\":\"%s\"", "\xC3\xA9", 32,
          "/card_masked_number" },
        /* bcrypt: 72 bytes */
        { "\"pass_code\":\"%s\"", "a", 72, "/pass_code" },
        { "\"pass_code\":\"%s\"", "\xC3\xA9", 36, "/pass_code" },
        { "\"pass_code\":\"%s\"", "\xF0\x9F\x98\x80", 18, "/pass_code" }
    };
    size_t i;

    for (i = 0; i < COUNT(cases); i++) {
        const char *right = repeat(cases[i].unit, cases[i].most);
        const char *wrong = repeat(cases[i].unit, cases[i].most + 1);
        const char *members = cases[i].format;

        ck_assert_str_eq(read_members(test_replace(members, "%s", right)),
                         "OK");
        ck_assert_str_eq(read_members(test_replace(members, "%s", wrong)),
                         apr_pstrcat(pool, "VALIDATION_FAILED: TOO_LONG ",
                                     cases[i].pointer, (char *)NULL));
    }
}
END_TEST

START_TEST(the_limits_of_the_key_are_those_of_any_scheme)
{
    static const char format[] = "{\"access_token_identifier\":"
                                 "{\"identifier\":\"i\","
                                 "\"pass_code\":\"%s\"}}";
    static const char code[] = "{\"access_token_identifier\":"
                               "{\"authentication_code\":\"%s\"}}";

    ck_assert_str_eq(read_request(test_replace(format, "%s",
                                               repeat("a", 512))), "OK");
    ck_assert_str_eq(read_request(test_replace(format, "%s",
                                               repeat("\xC3\xA9", 256))),
                     "OK");
    ck_assert_str_eq(read_request(test_replace(format, "%s",
                                               repeat("a", 513))),
                     "VALIDATION_FAILED: TOO_LONG "
                     "/access_token_identifier/pass_code");
    ck_assert_str_eq(read_request(test_replace(code, "%s",
                                               repeat("\xC3\xA9", 255))),
                     "OK");
    ck_assert_str_eq(read_request(test_replace(code, "%s",
                                               repeat("\xC3\xA9", 256))),
                     "VALIDATION_FAILED: TOO_LONG "
                     "/access_token_identifier/authentication_code");
}
END_TEST

START_TEST(the_limit_of_a_pass_code_is_that_of_the_scheme)
{
    const char *json = apr_psprintf(pool, "{" KEY ",\"pass_code\":\"%s\"}",
                                    repeat("a", 511));
    const at_scheme_t *scheme;

    ck_assert_ptr_null(at_scheme_make(&scheme, "sha512crypt", NULL, pool));
    options.statements = test_statements();
    options.scheme = scheme;
    ck_assert_str_eq(test_error(at_request_read(&request, test_json(json),
                                                &options, pool)), "OK");
    /* a scheme that would lose bits of text that is not ASCII, if any */
    if (at_scheme_make(&scheme, "descrypt", NULL, pool)) {
        return;
    }
    options.scheme = scheme;
    json = "{" KEY ",\"pass_code\":\"12345678\"}";
    ck_assert_str_eq(test_error(at_request_read(&request, test_json(json),
                                                &options, pool)), "OK");
    json = "{" KEY ",\"pass_code\":\"\xC3\xA9\"}";
    ck_assert_str_eq(test_error(at_request_read(&request, test_json(json),
                                                &options, pool)),
                     "VALIDATION_FAILED: INVALID_FORMAT /pass_code");
}
END_TEST

/* Three parameters, and each way in which a credential can be wrong. */
START_TEST(credentials_hold_no_control_and_no_outer_space)
{
    static const char *const names[] = { "authentication_code",
                                         "identifier", "pass_code" };
    static const char *const wrong[] = {
        "a\\u0001b", "a\\nb", "a\\u007fb", "a\\u0085b", "a\\u009fb",
        " a", "a ", "\\u00a0a", "a\\u3000", "\\u2028a", "a\\u2003", " "
    };
    static const char *const right[] = {
        "a", "a b", "a\\u00a0b", "-", "\\\"",
        "\xCE\xB1", "'; DROP TABLE x; --", "%s%n", "a\\\\"
    };
    size_t i, k;

    for (i = 0; i < COUNT(names); i++) {
        for (k = 0; k < COUNT(wrong); k++) {
            const char *members = apr_psprintf(pool, "\"%s\":\"%s\"",
                                               names[i], wrong[k]);
            const char *expected = apr_pstrcat(
                pool, "VALIDATION_FAILED: INVALID_FORMAT /", names[i],
                (char *)NULL);

            ck_assert_msg(!strcmp(read_members(members), expected), "%s: %s",
                          members, read_members(members));
        }
        for (k = 0; k < COUNT(right); k++) {
            const char *members = apr_psprintf(pool, "\"%s\":\"%s\"",
                                               names[i], right[k]);

            ck_assert_msg(!strcmp(read_members(members), "OK"), "%s",
                          members);
        }
        ck_assert_str_eq(read_members(apr_psprintf(pool, "\"%s\":\"\"",
                                                   names[i])),
                         apr_pstrcat(pool, "VALIDATION_FAILED: MANDATORY /",
                                     names[i], (char *)NULL));
    }
}
END_TEST

/* Contract, section 2: in codes and identifiers alone. */
START_TEST(codes_hold_no_invisible_characters)
{
    static const char *const hidden[] = {
        "\\ufeffa", "a\\u200bb", "\\u3164", "a\\u202eb", "\\u200ea", "a\\u200d",
        "a\\ufdd0", "\\udbff\\udfff", "a\\u00ad"
    };
    static const char *const names[] = { "authentication_code",
                                         "identifier" };
    size_t i, k;

    for (i = 0; i < COUNT(hidden); i++) {
        for (k = 0; k < COUNT(names); k++) {
            const char *member = apr_psprintf(pool, "\"%s\":\"%s\"",
                                              names[k], hidden[i]);
            const char *expected = apr_psprintf(pool, "VALIDATION_FAILED: "
                                                "INVALID_FORMAT /%s",
                                                names[k]);

            ck_assert_str_eq(read_members(member), expected);
            expected = apr_psprintf(pool, "VALIDATION_FAILED: INVALID_FORMAT "
                                    "/access_token_identifier/%s", names[k]);
            ck_assert_str_eq(read_request(apr_psprintf(pool,
                "{\"access_token_identifier\":{%s%s}}", member,
                k ? ",\"pass_code\":\"x\"" : "")), expected);
        }
        ck_assert_str_eq(read_members(apr_psprintf(pool, "\"pass_code\":"
                                                   "\"%s\"", hidden[i])),
                         "OK");
        ck_assert_str_eq(read_members(apr_psprintf(pool, "\"udf_string_1\":"
                                                   "\"%s\"", hidden[i])),
                         "OK");
    }
    /* Seen in the Devanagari script. */
    ck_assert_str_eq(read_members("\"identifier\":\"\\u0915\\u094d\\u200c"
                                  "\\u0915\""), "OK");
}
END_TEST

/* A key with PASS_CODE. */
static const char *read_key(const char *pass_code)
{
    return read_request(apr_psprintf(pool, "{\"access_token_identifier\":"
                                     "{\"identifier\":\"i\","
                                     "\"pass_code\":\"%s\"}}", pass_code));
}

/* RFC 8265, section 4.2. */
START_TEST(pass_codes_are_prepared_and_then_judged)
{
    const char *grows = repeat("\\ufb2c", 100);    /* 300 bytes, then 600 */
    const char *shrinks = repeat("e\\u0301", 250); /* 750, then 500 */

    ck_assert_str_eq(read_members("\"pass_code\":\"cafe\\u0301\\u3000x\""),
                     "OK");
    ck_assert_str_eq(value_of("pass_code")->text, "caf\xC3\xA9 x");
    ck_assert_str_eq(read_members("\"pass_code\":\"a\\u3000\""),
                     "VALIDATION_FAILED: INVALID_FORMAT /pass_code");
    /* bcrypt's 72 bytes are those of the prepared form. */
    ck_assert_str_eq(read_members(apr_psprintf(pool, "\"pass_code\":\"%s\"",
                                               repeat("e\\u0301", 36))),
                     "OK");
    ck_assert_str_eq(read_members(apr_psprintf(pool, "\"pass_code\":\"%s\"",
                                               repeat("\\ufb2c", 24))),
                     "VALIDATION_FAILED: TOO_LONG /pass_code");

    ck_assert_str_eq(read_key("cafe\\u0301"),
                     "OK");
    ck_assert_str_eq(request->key_pass_code, "caf\xC3\xA9");
    ck_assert_str_eq(request->key_pass_code_sent, "cafe\xCC\x81");
    ck_assert_str_eq(read_key("caf\\u00e9"),
                     "OK");
    ck_assert_str_eq(request->key_pass_code, "caf\xC3\xA9");
    ck_assert_ptr_null(request->key_pass_code_sent);
    /* One of the two forms may open what is stored. */
    ck_assert_str_eq(read_key(grows), "OK");
    ck_assert_str_eq(read_key(shrinks), "OK");
    ck_assert_str_eq(read_key(apr_pstrcat(pool, grows, shrinks,
                                          (char *)NULL)),
                     "VALIDATION_FAILED: TOO_LONG "
                     "/access_token_identifier/pass_code");
}
END_TEST

START_TEST(unknown_parameters_can_be_ignored)
{
    options.ignore_unknown = 1;
    ck_assert_str_eq(read_request("{\"x\":{\"y\":[]},\"udf_string_1\":\"z\","
                                  "\"access_token_identifier\":"
                                  "{\"authentication_code\":\"c\",\"w\":1}}"),
                     "OK");
    ck_assert_str_eq(value_of("udf_string_1")->text, "z");
    ck_assert_str_eq(read_members("\"x\":1,\"identifier\":1"),
                     "VALIDATION_FAILED: INVALID_TYPE /identifier");
    ck_assert_str_eq(read_request("{\"x\":1}"), "VALIDATION_FAILED: "
                     "MANDATORY /access_token_identifier");
    options.ignore_unknown = 0;
}
END_TEST

START_TEST(a_field_that_cannot_be_set_is_unknown)
{
    at_statements_t *statements = apr_pmemdup(pool, test_statements(),
                                              sizeof(*statements));

    statements->settable = apr_pmemdup(pool, statements->settable,
                                       sizeof(int)
                                       * (apr_size_t)at_field_count());
    statements->settable[at_field_find("udf_string_1")] = 0;
    options.statements = statements;
    options.scheme = at_scheme_default();
    ck_assert_str_eq(test_error(at_request_read(
                         &request, test_json("{" KEY ",\"udf_string_1\":"
                                             "\"x\"}"), &options, pool)),
                     "VALIDATION_FAILED: UNKNOWN_PARAMETER /udf_string_1");
}
END_TEST

START_TEST(a_field_may_have_a_shorter_column)
{
    at_statements_t *statements = apr_pmemdup(pool, test_statements(),
                                              sizeof(*statements));
    int field = at_field_find("udf_string_1");

    statements->max_characters = apr_pmemdup(pool, statements->max_characters,
                                             sizeof(apr_size_t)
                                             * (apr_size_t)at_field_count());
    statements->max_characters[field] = 3;
    options.statements = statements;
    options.scheme = at_scheme_default();
    ck_assert_str_eq(test_error(at_request_read(
                         &request, test_json("{" KEY ",\"udf_string_1\":"
                                             "\"\xC3\xA9\xC3\xA9\xC3\xA9\","
                                             "\"udf_string_2\":\"four\"}"),
                         &options, pool)), "OK");
    ck_assert_str_eq(test_error(at_request_read(
                         &request, test_json("{" KEY ",\"udf_string_1\":"
                                             "\"four\"}"), &options, pool)),
                     "VALIDATION_FAILED: TOO_LONG /udf_string_1");
}
END_TEST

START_TEST(a_root_that_is_no_object_is_refused)
{
    static const char *const roots[] = { "[]", "[{}]", "\"a\"", "1", "null",
                                         "true" };
    size_t i;

    for (i = 0; i < COUNT(roots); i++) {
        ck_assert_str_eq(read_request(roots[i]), "INVALID_JSON");
    }
}
END_TEST

START_TEST(custom_fields_are_absent_or_a_list)
{
    ck_assert_str_eq(read_members("\"custom_field_set\":{}"), "OK");
    ck_assert_ptr_nonnull(request->custom_fields);
    ck_assert_int_eq(request->custom_fields->nelts, 0);
    ck_assert_str_eq(read_members("\"custom_field_set\":{\"a\":\"\"}"),
                     "OK");
    ck_assert_int_eq(request->custom_fields->nelts, 1);
    ck_assert_str_eq(APR_ARRAY_IDX(request->custom_fields, 0,
                                   at_custom_entry_t).name, "a");
    ck_assert_ptr_null(value_of("custom_field_set")->text);
}
END_TEST

START_TEST(no_message_quotes_a_value)
{
    static const char *const members[] = {
        "\"pass_code\":\" S3CRET\"", "\"udf_date_1\":\"S3CRET\"",
        "\"udf_float_1\":\"S3CRET\"", "\"token\":{\"S3CRET\":1}",
        "\"identifier\":[\"S3CRET\"]"
    };
    size_t i;

    for (i = 0; i < COUNT(members); i++) {
        at_error_t *error;
        int k;

        options.statements = test_statements();
        options.scheme = at_scheme_default();
        error = at_request_read(&request, test_json(apr_pstrcat(
                    pool, "{" KEY ",", members[i], "}", (char *)NULL)),
                    &options, pool);
        ck_assert_ptr_nonnull(error);
        ck_assert(!has(error->description, "S3CRET"));
        for (k = 0; k < error->violations->nelts; k++) {
            ck_assert(!has(APR_ARRAY_IDX(error->violations, k,
                                         at_violation_t).message,
                           "S3CRET"));
        }
    }
}
END_TEST

/* ---- the memory of a call that is refused */

/* The size of this process, in bytes. */
static double process_size(void)
{
    FILE *statistics = fopen("/proc/self/statm", "r");
    long pages = -1, size = sysconf(_SC_PAGESIZE);

    ck_assert_ptr_nonnull(statistics);
    ck_assert_int_eq(fscanf(statistics, "%ld", &pages), 1);
    fclose(statistics);
    return (double)pages * (double)size;
}

/* Bodies beside a right key: BEGIN, PART ..., END. A # in PART is the number
 * of the part. */
static const struct {
    const char *begin, *part, *end;
    int count;                /* of what is wrong with it; 100: and more */
} large[] = {
    { "\"custom_field_set\":[1", ",1", "]", 100 },
    { "\"custom_field_set\":[1", ",[]", "]", 100 },
    { "\"custom_field_set\":[1", ",[1]", "]", 100 },
    { "\"custom_field_set\":[1", ",\"\"", "]", 100 },
    { "\"custom_field_set\":[1", ",{}", "]", 1 },
    { "\"custom_field_set\":[1", ",{\"\":1}", "]", 100 },
    { "\"custom_field_set\":[1", ",{\"#\":1}", "]", 2 },
    { "\"custom_field_set\":{\"set\":1", ",\"#\":1", "}", 1 },
    { "\"x\":1", ",\"#\":1", "", 100 },
    { "\"x\":1", ",\"~~~~~~~~~~~~~~~~~~~~~#\":1", "", 100 },
    { "\"fields_set\":[1", ",1", "]", 100 },
    { "\"fields_set\":[1", ",\"a\"", "]", 100 },
    { "\"fields_set\":[1", ",\"\"", "]", 1 },
    { "\"fields_set\":\"no", ",no", "\"", 1 },
    { "\"fields_set\":\"no", ",#", "\"", 100 },
    { "\"fields_set\":\"no", "yyyyyyyyyyyyyyyy", "\"", 1 },
    { "\"fields_set\":\"no", ",custom_field_set.a", "\"", 1 },
    { "\"fields_set\":\"no", ",rewards_participant.x", "\"", 2 },
    { "\"fields_set\":\"no", ", ", "\"", 1 },
    { "\"udf_float_1\":1", "1111111111111111", "", 1 },
    { "\"udf_date_1\":\"1", "1111111111111111", "\"", 1 },
    { "\"authentication_code\":\"\\n", "\\u0007", "\"", 3 },
    { "\"x", "~~~~~~~~~~~~~~~~", "\":1", 1 }
};

/* Of about LENGTH bytes; to be freed. */
static char *large_body(size_t index, apr_size_t length)
{
    const char *part = large[index].part;
    int first = (int)strcspn(part, "#");
    char *body = malloc(length + 1000), *to = body;

    ck_assert_ptr_nonnull(body);
    to += sprintf(to, "{" KEY ",%s", large[index].begin);
    while ((apr_size_t)(to - body) < length) {
        to += part[first]
              ? sprintf(to, "%.*s%x%s", first, part,
                        (unsigned int)(to - body), part + first + 1)
              : sprintf(to, "%s", part);
    }
    sprintf(to, "%s}", large[index].end);
    return body;
}

/* A pool whose memory is the system's again when it is destroyed. */
static apr_pool_t *own_pool(void)
{
    apr_allocator_t *allocator;
    apr_pool_t *own;

    ck_assert_int_eq(apr_allocator_create(&allocator), APR_SUCCESS);
    apr_allocator_max_free_set(allocator, 1);
    ck_assert_int_eq(apr_pool_create_ex(&own, NULL, NULL, allocator),
                     APR_SUCCESS);
    apr_allocator_owner_set(allocator, own);
    return own;
}

/* At most what at_json.h says of a tree, the answer included. */
START_TEST(a_refused_call_takes_memory_by_the_size_of_its_body)
{
    const apr_size_t length = 1000000;
    const double most = AT_JSON_GROWTH * (double)length;
    size_t i;

    options.statements = test_statements();
    options.scheme = at_scheme_default();
    for (i = 0; i < COUNT(large); i++) {
        char *text = large_body(i, length);
        double before = process_size(), growth;
        apr_pool_t *own = own_pool();
        at_json_t *root;
        at_body_t body;
        at_error_t *error = at_json_parse(&root, text, own);

        expect(!error, "%s%s", large[i].begin, large[i].part);
        error = at_request_read(&request, root, &options, own);
        ck_assert_ptr_nonnull(error);
        at_reply_error(&body, error, 0, 422, own);
        growth = process_size() - before;
        expect(growth < most, "%s%s: %.0f bytes", large[i].begin,
               large[i].part, growth);
        expect(body.length < 3 * length, "%s%s: an answer of %u bytes",
               large[i].begin, large[i].part, (unsigned int)body.length);
        expect(error->violations->nelts == large[i].count, "%s%s: %s",
               large[i].begin, large[i].part, error->description);
        expect(has(error->description, " more.") == (large[i].count == 100),
               "%s%s: %s", large[i].begin, large[i].part,
               error->description);
        apr_pool_destroy(own);
        free(text);
    }
}
END_TEST

int main(void)
{
    TCase *tests = test_begin("test_request");

    tcase_add_test(tests, the_example_of_the_page_is_read);
    tcase_add_test(tests, absent_null_and_a_value_are_three_things);
    tcase_add_test(tests, values_are_bound_in_one_form);
    tcase_add_test(tests, wrong_shapes_are_refused);
    tcase_add_test(tests, the_key_is_exactly_one_of_two);
    tcase_add_test(tests, the_values_of_the_key_are_checked);
    tcase_add_test(tests, the_limits_are_in_characters_or_bytes);
    tcase_add_test(tests, the_limits_of_the_key_are_those_of_any_scheme);
    tcase_add_test(tests, the_limit_of_a_pass_code_is_that_of_the_scheme);
    tcase_add_test(tests, credentials_hold_no_control_and_no_outer_space);
    tcase_add_test(tests, codes_hold_no_invisible_characters);
    tcase_add_test(tests, pass_codes_are_prepared_and_then_judged);
    tcase_add_test(tests, unknown_parameters_can_be_ignored);
    tcase_add_test(tests, a_field_that_cannot_be_set_is_unknown);
    tcase_add_test(tests, a_field_may_have_a_shorter_column);
    tcase_add_test(tests, a_root_that_is_no_object_is_refused);
    tcase_add_test(tests, custom_fields_are_absent_or_a_list);
    tcase_add_test(tests, no_message_quotes_a_value);
    tcase_add_test(tests, a_refused_call_takes_memory_by_the_size_of_its_body);
    return test_end(tests);
}
