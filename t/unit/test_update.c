/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A call over the store in memory: what is saved and replied, lost races,
 * generated values, and values that are taken already. Contract, sections 3
 * to 6.
 */
#include "update_support.h"

#include <string.h>

#include "at_field.h"
#include "at_save.h"

/* ---- what is saved and replied */

START_TEST(what_was_sent_is_saved_and_nothing_else)
{
    int i;

    set_up();
    ck_assert_str_eq(update("\"udf_string_1\":\"x\",\"udf_string_2\":null,"
                            "\"udf_float_2\":0.1,\"udf_date_1\":"
                            "\"2024-02-29\""), "OK");
    ck_assert_str_eq(log_of_calls, "load_by_authentication_code.sql save");
    ck_assert_str_eq(saved_values[AT_SAVE_VERSION], "7");
    ck_assert_str_eq(saved_values[AT_SAVE_USER_ID], "U1");
    ck_assert_str_eq(saved_values[AT_SAVE_UNIT_ID], "N1");
    for (i = 0; i < at_field_count(); i++) {
        const char *name = at_field_get(i)->name;
        const char *flag = saved_values[AT_SAVE_FIELDS + 2 * i];
        const char *value = saved_values[AT_SAVE_FIELDS + 2 * i + 1];
        const char *expected = NULL;
        int sent = 1;

        if (is(name, "udf_string_1")) {
            expected = "x";
        }
        else if (is(name, "udf_float_2")) {
            expected = "0.1";
        }
        else if (is(name, "udf_date_1")) {
            expected = "2024-02-29T00:00:00";
        }
        else {
            sent = is(name, "udf_string_2");
        }
        ck_assert_msg(is(flag, sent ? "1" : "0"), "%s", name);
        ck_assert_msg(expected ? is(value, expected) : !value, "%s", name);
    }
}
END_TEST

START_TEST(the_reply_is_the_row_after_the_save)
{
    set_up();
    ck_assert_str_eq(update("\"udf_string_1\":\"x\",\"udf_string_2\":null,"
                            "\"authentication_code\":\"code-2\""), "OK");
    ck_assert_str_eq(replied("id"), "T1");
    ck_assert_str_eq(replied("authentication_code"), "code-2");
    ck_assert_str_eq(replied("identifier"), "user-1");
    ck_assert_str_eq(replied("udf_string_1"), "x");
    ck_assert_ptr_null(at_json_get(data(), "udf_string_2"));
    ck_assert_str_eq(replied("udf_float_1"), "1.5");
    ck_assert_str_eq(at_json_get(at_json_get(data(), "log_information"),
                                 "updated_date")->text, NOW);
    ck_assert_ptr_null(at_json_get(data(), "pass_code"));
    ck_assert_str_eq(call.etag, "\"T1-8\"");
    ck_assert_str_eq(call.id, "T1");
    ck_assert_str_eq(call.caller, "clerk");
}
END_TEST

START_TEST(a_call_that_changes_nothing_makes_a_new_version_too)
{
    set_up();
    ck_assert_str_eq(update(""), "OK");
    ck_assert_str_eq(call.etag, "\"T1-8\"");
    ck_assert_str_eq(get("token.version"), "8");
    ck_assert_str_eq(replied("udf_string_1"), "before");
}
END_TEST

START_TEST(an_identifier_opens_with_its_pass_code)
{
    set_up();
    ck_assert_str_eq(run_call(BY_IDENTIFIER, "\"udf_string_1\":\"x\""),
                     "OK");
    ck_assert_str_eq(log_of_calls,
                     "load_by_identifier.sql verify save");
    ck_assert_int_eq(verifications_of_nothing, 0);
}
END_TEST

START_TEST(a_pass_code_is_saved_hashed_and_never_replied)
{
    set_up();
    ck_assert_str_eq(update("\"identifier\":\"user-2\","
                            "\"pass_code\":\"S3CRET\""), "OK");
    ck_assert_str_eq(get("token.pass_code"), "HASH(S3CRET)");
    ck_assert_str_eq(get("data.identifier"), "user-2");
    ck_assert(!has(call.body.text, "S3CRET"));
    ck_assert(!has(call.body.text, "HASH"));
    ck_assert_int_eq(hashes, 1);
    set_up();
    ck_assert_str_eq(update("\"identifier\":null,\"pass_code\":null"), "OK");
    ck_assert_ptr_null(get("token.pass_code"));
    ck_assert_int_eq(hashes, 0);
}
END_TEST

/* ---- what the database stores in another way */

/* As set_up, with `-- @reread udf_string_1 identifier` in save.sql. */
static void set_up_reread(void)
{
    at_statements_t *of = apr_pmemdup(pool, test_statements(), sizeof(*of));
    at_statement_t *save = apr_pmemdup(pool,
                                       of->statement[AT_STATEMENT_SAVE],
                                       sizeof(*save));

    save->rereads = apr_array_make(pool, 2, sizeof(int));
    APR_ARRAY_PUSH(save->rereads, int) = at_field_find("udf_string_1");
    APR_ARRAY_PUSH(save->rereads, int) = AT_CREDENTIAL_IDENTIFIER;
    of->statement[AT_STATEMENT_SAVE] = save;
    set_up_with(of);
}

static void store_another_value(void)
{
    set("data.udf_string_1?", "stored");
}

START_TEST(the_reply_shows_what_the_database_has_stored)
{
    set_up_reread();
    after_save = store_another_value;
    ck_assert_str_eq(update("\"udf_string_1\":\"sent\""), "OK");
    ck_assert_str_eq(replied("udf_string_1"), "stored");
    ck_assert_int_eq(loads, 2);
    ck_assert_str_eq(call.etag, "\"T1-8\"");
    /* also where the call sets another of these fields */
    set_up_reread();
    after_save = store_another_value;
    ck_assert_str_eq(update("\"identifier\":null,\"pass_code\":null"), "OK");
    ck_assert_str_eq(replied("udf_string_1"), "stored");
    /* and with a pass code that was generated */
    set_up_reread();
    set("rule.pass_code_creation", "ID");
    ck_assert_str_eq(update("\"udf_string_1\":\"sent\","
                            "\"pass_code\":null"), "OK");
    ck_assert_int_eq(loads, 2);
    ck_assert_uint_eq(strlen(replied("pass_code")), 32);
}
END_TEST

START_TEST(only_calls_that_set_the_field_read_the_row_again)
{
    set_up_reread();
    after_save = store_another_value;
    ck_assert_str_eq(update("\"udf_string_2\":\"sent\""), "OK");
    ck_assert_int_eq(loads, 1);
    set_up();
    after_save = store_another_value;
    ck_assert_str_eq(update("\"udf_string_1\":\"sent\""), "OK");
    ck_assert_str_eq(replied("udf_string_1"), "sent");
    ck_assert_int_eq(loads, 1);
}
END_TEST

START_TEST(a_row_that_cannot_be_read_again_does_no_harm)
{
    static const char *const outcomes[] = { ".R", ".W", ".U", ".S", ".B" };
    size_t i;

    for (i = 0; i < COUNT(outcomes); i++) {
        set_up_reread();
        after_save = store_another_value;
        load_outcomes = outcomes[i];
        ck_assert_str_eq(update("\"udf_string_1\":\"sent\""), "OK");
        ck_assert_str_eq(replied("udf_string_1"), "sent");
        ck_assert_int_eq(loads, 2);
        ck_assert_int_eq(saves, 1);
    }
    /* the next version is not that of this call */
    set_up_reread();
    others_count = 1;
    after_save = others_save;
    ck_assert_str_eq(update("\"udf_string_1\":\"sent\""), "OK");
    ck_assert_str_eq(replied("udf_string_1"), "sent");
    ck_assert_str_eq(call.etag, "\"T1-8\"");
}
END_TEST

/* ---- races */

START_TEST(up_to_99_lost_races_are_tried_again)
{
    int lost;

    for (lost = 1; lost < AT_SAVE_ATTEMPTS; lost += 14) {
        set_up();
        save_outcomes = races(lost);
        ck_assert_str_eq(update("\"udf_string_1\":\"x\","
                                "\"pass_code\":\"p\""), "OK");
        ck_assert_int_eq(loads, lost + 1);
        ck_assert_int_eq(saves, lost + 1);
        ck_assert_int_eq(pauses, lost);
        ck_assert_int_eq(hashes, 1);
        ck_assert_str_eq(get("data.udf_string_1?"), "x");
        ck_assert_str_eq(call.etag, apr_psprintf(pool, "\"T1-%d\"",
                                                 8 + lost));
    }
    ck_assert_int_eq(lost, 99 + 14);
}
END_TEST

START_TEST(with_100_lost_races_the_call_gives_up)
{
    set_up();
    save_outcomes = races(200);
    ck_assert_str_eq(update("\"udf_string_1\":\"x\""), "VERSION_CONFLICT");
    ck_assert_int_eq(saves, 100);
    ck_assert_int_eq(loads, 100);
    ck_assert_str_eq(get("data.udf_string_1?"), "before");
    ck_assert_ptr_null(call.etag);
}
END_TEST

START_TEST(later_loads_find_the_token_by_its_id)
{
    set_up();
    save_outcomes = "LL";
    ck_assert_str_eq(run_call(BY_IDENTIFIER, "\"udf_string_1\":\"x\""),
                     "OK");
    ck_assert_str_eq(log_of_calls,
                     "load_by_identifier.sql verify save "
                     "load_by_id.sql save load_by_id.sql save");
}
END_TEST

static void change_another_field(void)
{
    set("token.version", "8");
    set("data.udf_string_2?", "by another");
    set("data.custom_field_set?:json", "{\"size\":2}");
}

START_TEST(changes_of_different_fields_both_survive)
{
    set_up();
    meanwhile = change_another_field;
    ck_assert_str_eq(update("\"udf_string_1\":\"x\",\"custom_field_set\":"
                            "{\"nick\":\"y\"}"), "OK");
    ck_assert_str_eq(get("data.udf_string_1?"), "x");
    ck_assert_str_eq(get("data.udf_string_2?"), "by another");
    ck_assert_str_eq(replied("udf_string_2"), "by another");
    ck_assert_str_eq(test_sorted(test_json(
                         get("data.custom_field_set?:json"))),
                     "{\"nick\":\"y\",\"size\":2}");
}
END_TEST

static void change_the_code(void)
{
    set("token.version", "8");
    set("data.authentication_code", "code-9");
}

static void change_the_identifier(void)
{
    set("token.version", "8");
    set("data.identifier", "user-9");
}

static void change_the_pass_code(void)
{
    set("token.version", "8");
    set("token.pass_code", "HASH(new)");
}

static void rehash_the_pass_code(void)
{
    set("token.version", "8");
    set("token.pass_code", "HASH(old) ");
}

static void remove_the_token(void)
{
    set("token.id", "T2");
}

static void take_the_permission(void)
{
    set("token.version", "8");
    set("caller.may_update", "0");
}

static void forbid_no_identifier(void)
{
    set("token.version", "8");
    set("rule.allow_no_identifier", "0");
}

START_TEST(what_changes_meanwhile_is_judged_again)
{
    static const struct {
        void (*meanwhile)(void);
        const char *key, *members, *result;
    } cases[] = {
        { change_the_code, BY_CODE, "", "ACCESS_TOKEN_NOT_FOUND" },
        { change_the_code, BY_IDENTIFIER, "", "OK" },
        { change_the_identifier, BY_IDENTIFIER, "",
          "ACCESS_TOKEN_NOT_FOUND" },
        { change_the_identifier, BY_CODE, "", "OK" },
        { change_the_pass_code, BY_IDENTIFIER, "",
          "ACCESS_TOKEN_NOT_FOUND" },
        { change_the_pass_code, BY_CODE, "", "OK" },
        { rehash_the_pass_code, BY_IDENTIFIER, "",
          "ACCESS_TOKEN_NOT_FOUND" },
        { remove_the_token, BY_CODE, "", "ACCESS_TOKEN_NOT_FOUND" },
        { take_the_permission, BY_CODE, "", "FORBIDDEN" },
        { forbid_no_identifier, BY_CODE,
          "\"identifier\":null,\"pass_code\":null",
          "VALIDATION_FAILED: MANDATORY /identifier, "
          "MANDATORY /pass_code" }
    };
    size_t i;

    for (i = 0; i < COUNT(cases); i++) {
        set_up();
        meanwhile = cases[i].meanwhile;
        save_outcomes = meanwhile == remove_the_token ? "L" : "";
        ck_assert_msg(!strcmp(run_call(cases[i].key, cases[i].members),
                              cases[i].result), "case %u: %s",
                      (unsigned int)i, test_error(error));
        ck_assert_int_eq(saves, error ? 1 : 2);
    }
}
END_TEST

/* ---- uniqueness */

START_TEST(a_given_value_that_is_taken_is_a_conflict)
{
    set_up();
    save_outcomes = "C0";
    ck_assert_str_eq(update("\"authentication_code\":\"x\""),
                     "DUPLICATE_VALUE: DUPLICATE_VALUE "
                     "/authentication_code");
    ck_assert_int_eq(saves, 1);
    ck_assert_int_eq(pauses, 0);
    set_up();
    save_outcomes = "LC1";
    ck_assert_str_eq(update("\"identifier\":\"x\",\"pass_code\":\"p\""),
                     "DUPLICATE_VALUE: DUPLICATE_VALUE /identifier");
    ck_assert_int_eq(saves, 2);
    /* given, although the rules would generate one */
    set_up();
    set("rule.authentication_code_creation", "ID");
    save_outcomes = "C0";
    ck_assert_str_eq(update("\"authentication_code\":\"x\""),
                     "DUPLICATE_VALUE: DUPLICATE_VALUE "
                     "/authentication_code");
    /* one generated, the other given */
    set_up();
    set("rule.authentication_code_creation", "ID");
    save_outcomes = "C0C1";
    ck_assert_str_eq(update("\"authentication_code\":null,"
                            "\"identifier\":\"x\",\"pass_code\":\"p\""),
                     "DUPLICATE_VALUE: DUPLICATE_VALUE /identifier");
    ck_assert_int_eq(saves, 2);
}
END_TEST

START_TEST(a_generated_value_that_is_taken_is_generated_again)
{
    set_up();
    set("rule.authentication_code_creation", "NUMBER");
    save_outcomes = "C0C0C0";
    ck_assert_str_eq(update("\"authentication_code\":null"), "OK");
    ck_assert_int_eq(numbers, 4);
    ck_assert_str_eq(replied("authentication_code"), "1004");
    ck_assert_str_eq(get("data.authentication_code"), "1004");

    set_up();
    set("rule.identifier_creation", "ID");
    save_outcomes = "C1";
    ck_assert_str_eq(update("\"identifier\":null,\"pass_code\":\"p\""),
                     "OK");
    ck_assert_uint_eq(strlen(get("data.identifier")), 32);
    ck_assert_int_eq(numbers, 0);
    ck_assert_int_eq(hashes, 1);
}
END_TEST

/* COUNT conflicts of the authentication code. */
static const char *conflicts(int count)
{
    const char *outcomes = "";

    for (; count > 0; count--) {
        outcomes = apr_pstrcat(pool, outcomes, "C0", (char *)NULL);
    }
    return outcomes;
}

START_TEST(generated_values_are_never_a_conflict)
{
    set_up();
    set("rule.authentication_code_creation", "NUMBER");
    save_outcomes = conflicts(AT_SAVE_GENERATIONS - 1);
    ck_assert_str_eq(update("\"authentication_code\":null"), "OK");
    ck_assert_str_eq(replied("authentication_code"), "1100");

    set_up();
    set("rule.authentication_code_creation", "NUMBER");
    save_outcomes = conflicts(AT_SAVE_GENERATIONS);
    ck_assert_str_eq(update("\"authentication_code\":null"),
                     "SERVICE_UNAVAILABLE");
    ck_assert(has(at_error_detail(error), "authentication_code"));
    ck_assert_int_eq(saves, AT_SAVE_GENERATIONS);
}
END_TEST

/* Races and generations are counted apart. */
START_TEST(races_between_generations_are_tried_again_too)
{
    set_up();
    set("rule.authentication_code_creation", "NUMBER");
    save_outcomes = apr_pstrcat(pool, conflicts(50), races(98),
                                conflicts(40), "L", (char *)NULL);
    ck_assert_str_eq(update("\"authentication_code\":null"), "OK");
    ck_assert_int_eq(numbers, 91);

    set_up();
    set("rule.authentication_code_creation", "NUMBER");
    save_outcomes = apr_pstrcat(pool, conflicts(50), races(98),
                                conflicts(40), "LLL", (char *)NULL);
    ck_assert_str_eq(update("\"authentication_code\":null"),
                     "VERSION_CONFLICT");
}
END_TEST

START_TEST(a_number_is_taken_once_however_often_the_race_is_lost)
{
    set_up();
    set("rule.authentication_code_creation", "NUMBER");
    save_outcomes = "LLLRL";
    ck_assert_str_eq(update("\"authentication_code\":null"), "OK");
    ck_assert_int_eq(numbers, 1);
    ck_assert_str_eq(get("data.authentication_code"), "1001");
}
END_TEST

/* ---- what is generated */

START_TEST(a_generated_pass_code_is_replied_once_and_saved_hashed)
{
    const char *pass_code;

    set_up();
    set("rule.pass_code_creation", "ID");
    save_outcomes = "LL";
    ck_assert_str_eq(update("\"pass_code\":null"), "OK");
    pass_code = replied("pass_code");
    ck_assert_uint_eq(strlen(pass_code), 32);
    ck_assert_uint_eq(strspn(pass_code, "0123456789ABCDEF"), 32);
    ck_assert_str_eq(get("token.pass_code"),
                     apr_psprintf(pool, "HASH(%s)", pass_code));
    ck_assert_int_eq(hashes, 1);
    ck_assert(!has(call.body.text, "HASH"));

    set_up();
    set("rule.pass_code_creation", "NUMBER");
    set("rule.identifier_creation", "NUMBER");
    set("rule.authentication_code_creation", "ID");
    ck_assert_str_eq(update("\"identifier\":null,\"pass_code\":null,"
                            "\"authentication_code\":null"), "OK");
    ck_assert(has(log_of_calls, "next_number:identifier"));
    ck_assert(has(log_of_calls, "next_number:pass_code"));
    ck_assert(!has(log_of_calls, "next_number:authentication_code"));
    ck_assert_str_ne(replied("identifier"), replied("pass_code"));
    ck_assert_str_eq(get("data.identifier"), replied("identifier"));
    ck_assert_uint_eq(strlen(replied("authentication_code")), 32);
    /* a pass code that was given is not in the reply */
    set_up();
    set("rule.pass_code_creation", "ID");
    ck_assert_str_eq(update("\"pass_code\":\"S3CRET\""), "OK");
    ck_assert_ptr_null(at_json_get(data(), "pass_code"));
}
END_TEST

START_TEST(fields_set_may_name_a_pass_code_that_is_generated)
{
    set_up();
    set("rule.pass_code_creation", "NUMBER");
    ck_assert_str_eq(update("\"pass_code\":null,"
                            "\"fields_set\":\"pass_code\""), "OK");
    ck_assert_str_eq(test_sorted(data()), "{\"pass_code\":\"1001\"}");
    set_up();
    ck_assert_str_eq(update("\"pass_code\":\"p\","
                            "\"fields_set\":[\"id\",\"pass_code\"]"),
                     "VALIDATION_FAILED: UNKNOWN_FIELD /fields_set/1");
    ck_assert_int_eq(hashes, 0);
}
END_TEST

int main(void)
{
    TCase *tests = test_begin("test_update");

    tcase_add_test(tests, what_was_sent_is_saved_and_nothing_else);
    tcase_add_test(tests, the_reply_is_the_row_after_the_save);
    tcase_add_test(tests, a_call_that_changes_nothing_makes_a_new_version_too);
    tcase_add_test(tests, an_identifier_opens_with_its_pass_code);
    tcase_add_test(tests, a_pass_code_is_saved_hashed_and_never_replied);
    tcase_add_test(tests, the_reply_shows_what_the_database_has_stored);
    tcase_add_test(tests, only_calls_that_set_the_field_read_the_row_again);
    tcase_add_test(tests, a_row_that_cannot_be_read_again_does_no_harm);
    tcase_add_test(tests, up_to_99_lost_races_are_tried_again);
    tcase_add_test(tests, with_100_lost_races_the_call_gives_up);
    tcase_add_test(tests, later_loads_find_the_token_by_its_id);
    tcase_add_test(tests, changes_of_different_fields_both_survive);
    tcase_add_test(tests, what_changes_meanwhile_is_judged_again);
    tcase_add_test(tests, a_given_value_that_is_taken_is_a_conflict);
    tcase_add_test(tests, a_generated_value_that_is_taken_is_generated_again);
    tcase_add_test(tests, generated_values_are_never_a_conflict);
    tcase_add_test(tests, races_between_generations_are_tried_again_too);
    tcase_add_test(tests,
                   a_number_is_taken_once_however_often_the_race_is_lost);
    tcase_add_test(tests,
                   a_generated_pass_code_is_replied_once_and_saved_hashed);
    tcase_add_test(tests, fields_set_may_name_a_pass_code_that_is_generated);
    return test_end(tests);
}
