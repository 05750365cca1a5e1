/* SPDX-License-Identifier: Apache-2.0 */
/* Contract, section 3. */
#include "test_support.h"

#include <string.h>

#include "at_passcode.h"
#include "at_rules.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static const char *const names[AT_CREDENTIAL_COUNT] = {
    "authentication_code", "identifier", "pass_code"
};

/*
 * A row with rules that ask for nothing, except RULES: settings without
 * "rule.", as "identifier_creation=ID pass_code_min_length=4". PRESENT
 * says which of a, i, p have a value.
 */
static at_row_t *row_of(const char *rules, const char *present)
{
    at_row_t *row;
    char *state, *setting, *copy = apr_pstrdup(pool, rules);
    int i;

    row = test_row(test_statements()->plan, "rule.allow_no_identifier", "1",
                   NULL);
    for (i = 0; i < AT_CREDENTIAL_COUNT; i++) {
        static const char *const settings[][2] = {
            { "creation", "NONE" }, { "format", "FREE_TEXT" },
            { "min_length", "0" }, { "min_letters", "0" },
            { "min_digits", "0" }, { "min_special", "0" }
        };
        size_t k;

        for (k = 0; k < COUNT(settings); k++) {
            test_row_set(row, apr_psprintf(pool, "rule.%s_%s", names[i],
                                           settings[k][0]),
                         settings[k][1]);
        }
    }
    for (setting = apr_strtok(copy, " ", &state); setting;
         setting = apr_strtok(NULL, " ", &state)) {
        char *value = strchr(setting, '=');

        *value++ = '\0';
        test_row_set(row, apr_pstrcat(pool, "rule.", setting, (char *)NULL),
                     strcmp(value, "NULL") ? value : NULL);
    }
    if (strchr(present, 'a')) {
        test_row_set(row, "data.authentication_code", "code");
    }
    if (strchr(present, 'i')) {
        test_row_set(row, "data.identifier", "user");
    }
    if (strchr(present, 'p')) {
        test_row_set(row, "token.pass_code", "$2y$...");
    }
    return row;
}

static at_request_t *request_of(const char *members)
{
    at_request_options_t options = { test_statements(),
                                     at_scheme_default(), 0 };
    at_request_t *request;
    at_error_t *error = at_request_read(&request, test_json(apr_pstrcat(
        pool, "{\"access_token_identifier\":{\"authentication_code\":\"c\"}",
        *members ? "," : "", members, "}", (char *)NULL)), &options, pool);

    expect(!error, "%s: %s", members, test_error(error));
    return request;
}

/* The violations, then "; generate " and which of a, i, p. */
static const char *judge(const char *rules, const char *present,
                         const char *members)
{
    at_row_t *row = row_of(rules, present);
    at_violations_t *violations = at_violations_make(pool);
    int generate[AT_CREDENTIAL_COUNT];
    at_rules_t *read;

    memset(generate, 0x55, sizeof(generate));
    expect(!at_rules_read(&read, row, pool), "the rules cannot be read");
    at_rules_judge(generate, read, request_of(members), row, violations);
    return apr_pstrcat(pool, test_violations(violations->list),
                       generate[0] || generate[1] || generate[2]
                       ? "; generate " : "", generate[0] ? "a" : "",
                       generate[1] ? "i" : "", generate[2] ? "p" : "",
                       (char *)NULL);
}

typedef struct {
    const char *rules, *present, *members, *result;
} row_case_t;

static void check(const row_case_t *cases, size_t count)
{
    size_t i;

    for (i = 0; i < count; i++) {
        const char *result = judge(cases[i].rules, cases[i].present,
                                   cases[i].members);

        ck_assert_msg(!strcmp(result, cases[i].result), "%s [%s] %s: %s",
                      cases[i].rules, cases[i].present, cases[i].members,
                      result);
    }
}
#define CHECK(cases) check(cases, COUNT(cases))

START_TEST(a_row_must_be_complete_though_nothing_is_sent)
{
    static const row_case_t cases[] = {
        { "", "aip", "", "" },
        { "", "a", "", "" },
        { "allow_no_identifier=0", "aip", "\"udf_string_1\":\"x\"", "" },
        { "allow_no_identifier=0", "a", "\"udf_string_1\":\"x\"",
          "MANDATORY /identifier, MANDATORY /pass_code" },
        { "", "ip", "", "MANDATORY /authentication_code" },
        { "", "ai", "", "MANDATORY /pass_code" },
        { "", "ap", "", "MANDATORY /identifier" }
    };

    CHECK(cases);
}
END_TEST

START_TEST(an_authentication_code_is_mandatory_or_generated)
{
    static const row_case_t cases[] = {
        { "", "aip", "\"authentication_code\":\"x\"", "" },
        { "", "", "\"authentication_code\":\"x\"", "" },
        { "", "aip", "\"authentication_code\":null",
          "MANDATORY /authentication_code" },
        { "authentication_code_creation=ID", "aip",
          "\"authentication_code\":null", "; generate a" },
        { "authentication_code_creation=NUMBER", "aip",
          "\"authentication_code\":null", "; generate a" },
        { "authentication_code_creation=ID", "aip", "", "" },
        { "authentication_code_creation=ID", "aip",
          "\"authentication_code\":\"x\"", "" }
    };

    CHECK(cases);
}
END_TEST

START_TEST(a_new_identifier_needs_a_pass_code_in_the_same_call)
{
    static const row_case_t cases[] = {
        { "", "a", "\"identifier\":\"x\",\"pass_code\":\"y\"", "" },
        { "", "aip", "\"identifier\":\"x\",\"pass_code\":\"y\"", "" },
        { "", "aip", "\"identifier\":\"x\"", "MANDATORY /pass_code" },
        { "", "a", "\"identifier\":\"x\"", "MANDATORY /pass_code" },
        { "", "aip", "\"identifier\":\"x\",\"pass_code\":null",
          "MANDATORY /pass_code" },
        { "pass_code_creation=ID", "aip",
          "\"identifier\":\"x\",\"pass_code\":null", "; generate p" },
        { "pass_code_creation=ID", "aip", "\"identifier\":\"x\"",
          "MANDATORY /pass_code" },
        { "identifier_creation=ID", "aip", "\"identifier\":null",
          "MANDATORY /pass_code; generate i" },
        { "identifier_creation=NUMBER", "aip",
          "\"identifier\":null,\"pass_code\":\"y\"", "; generate i" },
        { "identifier_creation=ID pass_code_creation=NUMBER", "a",
          "\"identifier\":null,\"pass_code\":null", "; generate ip" }
    };

    CHECK(cases);
}
END_TEST

START_TEST(a_pass_code_needs_an_identifier)
{
    static const row_case_t cases[] = {
        { "", "aip", "\"pass_code\":\"y\"", "" },
        { "", "a", "\"pass_code\":\"y\"", "MANDATORY /identifier" },
        { "", "aip", "\"pass_code\":null", "MANDATORY /pass_code" },
        { "pass_code_creation=ID", "aip", "\"pass_code\":null",
          "; generate p" }
    };

    CHECK(cases);
}
END_TEST

START_TEST(identifier_and_pass_code_may_both_be_missing)
{
    static const row_case_t cases[] = {
        { "", "aip", "\"identifier\":null,\"pass_code\":null", "" },
        { "allow_no_identifier=0", "aip",
          "\"identifier\":null,\"pass_code\":null",
          "MANDATORY /identifier, MANDATORY /pass_code" },
        { "", "aip", "\"identifier\":null", "MANDATORY /identifier" },
        { "", "a", "\"identifier\":null", "" },
        { "", "a", "\"pass_code\":null", "" },
        { "", "ai", "\"identifier\":null", "" }
    };

    CHECK(cases);
}
END_TEST

START_TEST(all_violations_are_reported_at_once)
{
    static const row_case_t cases[] = {
        { "allow_no_identifier=0 authentication_code_format=EMAIL "
          "pass_code_min_length=4", "aip",
          "\"authentication_code\":\"x\",\"pass_code\":\"y\","
          "\"identifier\":null",
          "INVALID_FORMAT /authentication_code, TOO_SHORT /pass_code, "
          "MANDATORY /identifier" }
    };

    CHECK(cases);
}
END_TEST

/* What CREATION, presence and REQUEST ("", "null", a value) make of one:
 * bit 0: it has a value, bit 1: this call gives it. */
static int becomes(int creates, int present, int sent)
{
    if (sent == 0) {
        return present;
    }
    return sent == 2 || creates ? 3 : 0;
}

/* Every combination, compared with a model. */
START_TEST(every_combination_is_judged_by_the_contract)
{
    int n;

    for (n = 0; n < 2 * 8 * 8 * 27; n++) {
        int allow = n % 2, creates = n / 2 % 8, present = n / 16 % 8;
        int sent = n / 128, after[3], i;
        const char *rules = allow ? "" : "allow_no_identifier=0";
        const char *members = "", *result;
        char has_value[4] = "aip";
        apr_pool_t *outer = pool;
        int right;

        apr_pool_create(&pool, outer);
        for (i = 0; i < 3; i++, sent /= 3) {
            int creation = creates >> i & 1;

            after[i] = becomes(creation, present >> i & 1, sent % 3);
            if (creation) {
                rules = apr_psprintf(pool, "%s %s_creation=ID", rules,
                                     names[i]);
            }
            if (!(present >> i & 1)) {
                has_value[i] = '-';
            }
            if (sent % 3) {
                members = apr_psprintf(pool, "%s%s\"%s\":%s", members,
                                       *members ? "," : "", names[i],
                                       sent % 3 == 1 ? "null" : "\"v\"");
            }
        }
        right = (after[0] & 1)
                && (after[1] & 1 ? after[2] & 1
                                 : !(after[2] & 1) && allow)
                && !(after[1] & 2 && !(after[2] & 2));
        result = judge(rules, has_value, members);
        expect(right == (*result == '\0' || *result == ';'),
               "%s [%s] %s: %s", rules, has_value, members, result);
        expect((after[0] & 1)
               == !has(result, "MANDATORY /authentication_code"),
               "%s [%s] %s: %s", rules, has_value, members, result);
        apr_pool_destroy(pool);
        pool = outer;
    }
}
END_TEST

typedef struct {
    const char *rules, *value, *codes;
} value_case_t;

/* "min_length=3 min_digits=2" as rules of the credential NAME. */
static const char *rules_of(const char *name, const char *settings)
{
    const char *rules = "";
    char *state, *word;

    for (word = apr_strtok(apr_pstrdup(pool, settings), " ", &state); word;
         word = apr_strtok(NULL, " ", &state)) {
        rules = apr_pstrcat(pool, rules, " ", name, "_", word, (char *)NULL);
    }
    return rules;
}

/* "TOO_SHORT TOO_FEW_DIGITS" as violations of the credential NAME. */
static const char *violations_of(const char *name, const char *codes)
{
    const char *violations = "";
    char *state, *word;

    for (word = apr_strtok(apr_pstrdup(pool, codes), " ", &state); word;
         word = apr_strtok(NULL, " ", &state)) {
        violations = apr_pstrcat(pool, violations, *violations ? ", " : "",
                                 word, " /", name, (char *)NULL);
    }
    return violations;
}

static void check_values(const value_case_t *cases, size_t count)
{
    size_t i;
    int k;

    for (i = 0; i < count; i++) {
        for (k = 0; k < AT_CREDENTIAL_COUNT; k++) {
            const char *rules = rules_of(names[k], cases[i].rules);
            const char *members = apr_psprintf(
                pool, "\"%s\":\"%s\"%s", names[k], cases[i].value,
                k == AT_CREDENTIAL_IDENTIFIER ? ",\"pass_code\":\"z\"" : "");
            const char *result = judge(rules, "aip", members);

            ck_assert_msg(!strcmp(result, violations_of(names[k],
                                                        cases[i].codes)),
                          "%s, %s: %s", rules, members, result);
        }
    }
}

START_TEST(a_value_has_the_format_of_the_rules)
{
    static const value_case_t cases[] = {
        { "format=FREE_TEXT", "anything goes!", "" },
        { "format=EMAIL", "a@b.c", "" },
        { "format=EMAIL", "a.b.c", "INVALID_FORMAT" },
        { "format=EMAIL min_length=6", "a@b.c", "TOO_SHORT" },
        { "format=EMAIL min_letters=4 min_digits=1 min_special=3", "a@b.c",
          "TOO_FEW_LETTERS TOO_FEW_DIGITS TOO_FEW_SPECIAL" },
        { "format=PHONE", "+35722000000", "" },
        { "format=PHONE", "0035722", "" },
        { "format=PHONE", "+", "INVALID_FORMAT" },
        { "format=PHONE", "++1", "INVALID_FORMAT" },
        { "format=PHONE", "1+1", "INVALID_FORMAT" },
        { "format=PHONE", "357 22", "INVALID_FORMAT" },
        { "format=PHONE", "357-22", "INVALID_FORMAT" },
        { "format=PHONE", "12a", "INVALID_FORMAT" },
        { "format=PHONE", "\xD9\xA3", "INVALID_FORMAT" },
        { "format=PHONE min_length=4", "+123", "" },
        { "format=PHONE min_length=5", "+123", "TOO_SHORT" },
        { "format=PHONE min_letters=9 min_digits=9 min_special=9", "123",
          "" },
        { "format=NUMBER", "0123456789", "" },
        { "format=NUMBER", "+1", "INVALID_FORMAT" },
        { "format=NUMBER", "-1", "INVALID_FORMAT" },
        { "format=NUMBER", "1.0", "INVALID_FORMAT" },
        { "format=NUMBER", "1e5", "INVALID_FORMAT" },
        { "format=NUMBER min_length=4", "1234", "" },
        { "format=NUMBER min_length=4", "123", "TOO_SHORT" },
        { "format=NUMBER min_letters=9 min_digits=9 min_special=9", "123",
          "" }
    };

    check_values(cases, COUNT(cases));
}
END_TEST

START_TEST(a_value_reaches_the_minima_of_the_rules)
{
    static const value_case_t cases[] = {
        { "min_length=3", "\xC3\xA9\xC3\xA9\xC3\xA9", "" },
        { "min_length=4", "\xC3\xA9\xC3\xA9\xC3\xA9", "TOO_SHORT" },
        { "min_letters=3", "a1\xC3\xA9!Z", "" },
        { "min_letters=4", "a1\xC3\xA9!Z", "TOO_FEW_LETTERS" },
        { "min_digits=2", "a12", "" },
        { "min_digits=3", "a12", "TOO_FEW_DIGITS" },
        { "min_digits=1", "\xD9\xA3", "TOO_FEW_DIGITS" },
        { "min_special=2", "a! b", "" },
        { "min_special=3", "a! b", "TOO_FEW_SPECIAL" },
        { "min_special=1", "\xF0\x9F\x98\x80", "" },
        { "min_length=9 min_letters=9 min_digits=9 min_special=9", "a1!",
          "TOO_SHORT TOO_FEW_LETTERS TOO_FEW_DIGITS TOO_FEW_SPECIAL" },
        { "format=EMAIL min_length=9 min_letters=9", "a1!",
          "INVALID_FORMAT TOO_SHORT TOO_FEW_LETTERS" }
    };

    check_values(cases, COUNT(cases));
}
END_TEST

START_TEST(what_is_not_judged)
{
    static const char strict[] =
        "identifier_format=EMAIL identifier_min_length=99 "
        "pass_code_format=NUMBER pass_code_min_digits=99 "
        "authentication_code_format=PHONE authentication_code_min_length=99";

    /* fields not sent: old data stays usable */
    ck_assert_str_eq(judge(strict, "aip", ""), "");
    /* the key of the call is no new value */
    ck_assert_str_eq(judge(strict, "aip", "\"udf_float_1\":1"), "");
    /* what is given where it could be generated */
    ck_assert_str_eq(judge(apr_pstrcat(pool, strict,
                                       " identifier_creation=ID "
                                       "pass_code_creation=NUMBER "
                                       "authentication_code_creation=ID",
                                       (char *)NULL), "aip",
                           "\"identifier\":\"x\",\"pass_code\":\"y\","
                           "\"authentication_code\":\"z\""), "");
}
END_TEST

START_TEST(an_empty_credential_in_the_row_is_none)
{
    at_row_t *row = row_of("", "aip");
    at_violations_t *violations = at_violations_make(pool);
    int generate[AT_CREDENTIAL_COUNT];
    at_rules_t *rules;

    test_row_set(row, "data.authentication_code", "");
    test_row_set(row, "data.identifier", "");
    ck_assert_ptr_null(at_rules_read(&rules, row, pool));
    at_rules_judge(generate, rules, request_of(""), row, violations);
    ck_assert_str_eq(test_violations(violations->list),
                     "MANDATORY /authentication_code, "
                     "MANDATORY /identifier");
}
END_TEST

START_TEST(unknown_rules_are_an_internal_error)
{
    static const struct {
        const char *rules, *named;
    } cases[] = {
        { "identifier_creation=NULL", "identifier_creation" },
        { "identifier_creation=id", "identifier_creation" },
        { "pass_code_creation=RANDOM", "pass_code_creation" },
        { "authentication_code_creation=", "authentication_code_creation" },
        { "identifier_format=NULL", "identifier_format" },
        { "identifier_format=email", "identifier_format" },
        { "pass_code_format=TEXT", "pass_code_format" },
        { "identifier_min_length=NULL", "identifier_min_length" },
        { "identifier_min_length=-1", "identifier_min_length" },
        { "identifier_min_letters=x", "identifier_min_letters" },
        { "pass_code_min_digits=1.5", "pass_code_min_digits" },
        { "pass_code_min_special=", "pass_code_min_special" },
        { "authentication_code_min_length=99999999999999999999",
          "authentication_code_min_length" },
        { "allow_no_identifier=NULL", "allow_no_identifier" },
        { "allow_no_identifier=2", "allow_no_identifier" },
        { "allow_no_identifier=", "allow_no_identifier" },
        { "allow_no_identifier=true", "allow_no_identifier" }
    };
    size_t i;

    for (i = 0; i < COUNT(cases); i++) {
        at_rules_t *rules;
        at_error_t *error = at_rules_read(&rules,
                                          row_of(cases[i].rules, "aip"),
                                          pool);

        ck_assert_msg(!strcmp(test_error(error), "INTERNAL_ERROR"), "%s",
                      cases[i].rules);
        ck_assert_msg(has(error->detail, cases[i].named), "%s",
                      error->detail);
    }
}
END_TEST

START_TEST(rules_are_read_as_they_are)
{
    at_rules_t *rules;

    ck_assert_ptr_null(at_rules_read(&rules, row_of(
        "allow_no_identifier=0 identifier_creation=NUMBER "
        "identifier_format=PHONE identifier_min_length=10 "
        "identifier_min_letters=11 identifier_min_digits=12 "
        "identifier_min_special=13 pass_code_creation=ID", ""), pool));
    ck_assert_int_eq(rules->allow_no_identifier, 0);
    ck_assert_int_eq((int)rules->credential[1].creation,
                     AT_CREATION_NUMBER);
    ck_assert_int_eq((int)rules->credential[1].format, AT_FORMAT_PHONE);
    ck_assert_uint_eq(rules->credential[1].min_length, 10);
    ck_assert_uint_eq(rules->credential[1].min_letters, 11);
    ck_assert_uint_eq(rules->credential[1].min_digits, 12);
    ck_assert_uint_eq(rules->credential[1].min_special, 13);
    ck_assert_int_eq((int)rules->credential[2].creation, AT_CREATION_ID);
    ck_assert_int_eq((int)rules->credential[0].creation, AT_CREATION_NONE);
    ck_assert_int_eq((int)rules->credential[0].format,
                     AT_FORMAT_FREE_TEXT);
}
END_TEST

START_TEST(a_rule_without_a_column_asks_for_nothing)
{
    at_row_t *row = test_row(test_plan_of("token.id rule.pass_code_min_length"),
                             "rule.pass_code_min_length", "7", NULL);
    at_credential_rules_t none = { AT_CREATION_NONE, AT_FORMAT_FREE_TEXT,
                                   0, 0, 0, 0 };
    at_rules_t *rules;

    ck_assert_ptr_null(at_rules_read(&rules, row, pool));
    ck_assert_int_eq(rules->allow_no_identifier, 0);
    ck_assert_mem_eq(&rules->credential[0], &none, sizeof(none));
    ck_assert_mem_eq(&rules->credential[1], &none, sizeof(none));
    none.min_length = 7;
    ck_assert_mem_eq(&rules->credential[2], &none, sizeof(none));
    test_row_set(row, "rule.pass_code_min_length", NULL);
    ck_assert_ptr_nonnull(at_rules_read(&rules, row, pool));
}
END_TEST

START_TEST(each_rule_is_an_input_of_its_own)
{
    static const char *const credentials[] = {
        "authentication_code", "identifier", "pass_code"
    };
    static const char *const rules[] = {
        "creation", "format", "min_length", "min_letters", "min_digits",
        "min_special"
    };
    int i, k;

    for (i = 0; i < AT_CREDENTIAL_COUNT; i++) {
        for (k = 0; k < AT_RULE_COUNT; k++) {
            ck_assert_int_eq(at_column_find(apr_psprintf(pool, "rule.%s_%s",
                                                        credentials[i],
                                                        rules[k])),
                             AT_COLUMN_RULE(i, k));
        }
    }
    ck_assert_int_eq(at_column_find("rule.allow_no_identifier"),
                     AT_COLUMN_ALLOW_NO_IDENTIFIER);
    ck_assert_int_eq(at_column_find("rule."), AT_COLUMN_COUNT);
}
END_TEST

int main(void)
{
    TCase *tests = test_begin("test_rules");

    tcase_add_test(tests, a_row_must_be_complete_though_nothing_is_sent);
    tcase_add_test(tests, an_authentication_code_is_mandatory_or_generated);
    tcase_add_test(tests, a_new_identifier_needs_a_pass_code_in_the_same_call);
    tcase_add_test(tests, a_pass_code_needs_an_identifier);
    tcase_add_test(tests, identifier_and_pass_code_may_both_be_missing);
    tcase_add_test(tests, all_violations_are_reported_at_once);
    tcase_add_test(tests, every_combination_is_judged_by_the_contract);
    tcase_add_test(tests, a_value_has_the_format_of_the_rules);
    tcase_add_test(tests, a_value_reaches_the_minima_of_the_rules);
    tcase_add_test(tests, what_is_not_judged);
    tcase_add_test(tests, an_empty_credential_in_the_row_is_none);
    tcase_add_test(tests, unknown_rules_are_an_internal_error);
    tcase_add_test(tests, rules_are_read_as_they_are);
    tcase_add_test(tests, a_rule_without_a_column_asks_for_nothing);
    tcase_add_test(tests, each_rule_is_an_input_of_its_own);
    return test_end(tests);
}
