/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who may update which access token, and what is refused. Contract,
 * sections 3 to 5.
 */
#include "update_support.h"

#include <string.h>

#include "at_field.h"

/* ---- who calls */

START_TEST(the_caller_is_named_by_session_or_login)
{
    static const struct {
        const char *token, *username, *result;
    } cases[] = {
        { NULL, NULL, "INVALID_TOKEN" },
        { "session", NULL, "OK" },
        { "unknown", NULL, "INVALID_TOKEN" },
        { "", NULL, "INVALID_TOKEN" },
        { NULL, "clerk", "OK" },
        { NULL, "nobody", "INVALID_TOKEN" },
        { NULL, "", "INVALID_TOKEN" },
        { "session", "clerk", "OK" },
        /* a token must belong to the user if both are given */
        { "session of another", "clerk", "INVALID_REQUEST" },
        { "unknown", "clerk", "INVALID_REQUEST" },
        { "session", "nobody", "INVALID_REQUEST" }
    };
    size_t i;

    for (i = 0; i < COUNT(cases); i++) {
        set_up();
        call.token = cases[i].token;
        call.username = cases[i].username;
        ck_assert_msg(!strcmp(update("\"udf_string_1\":\"x\""),
                              cases[i].result), "%s and %s: %s",
                      cases[i].token ? cases[i].token : "no session",
                      cases[i].username ? cases[i].username : "no user",
                      test_error(error));
        ck_assert_int_eq(saves, error ? 0 : 1);
    }
}
END_TEST

START_TEST(without_a_name_the_store_is_not_asked)
{
    set_up();
    call.token = NULL;
    ck_assert_str_eq(update(""), "INVALID_TOKEN");
    ck_assert_str_eq(log_of_calls, "");
}
END_TEST

START_TEST(a_caller_without_permission_is_refused)
{
    static const char *const no[] = { "0", NULL, "", "2", "t" };
    size_t i;

    for (i = 0; i < COUNT(no); i++) {
        set_up();
        set("caller.may_update", no[i]);
        ck_assert_str_eq(update(""), "FORBIDDEN");
        ck_assert_str_eq(call.caller, "clerk");
        ck_assert_int_eq(saves, 0);
    }
}
END_TEST

/* Session, permission, existence, If-Match, rules, uniqueness. */
START_TEST(errors_come_in_the_order_of_the_contract)
{
    static const char *const results[] = {
        "INVALID_TOKEN", "FORBIDDEN", "ACCESS_TOKEN_NOT_FOUND",
        "PRECONDITION_FAILED",
        "VALIDATION_FAILED: MANDATORY /authentication_code",
        "DUPLICATE_VALUE: DUPLICATE_VALUE /identifier", "OK"
    };
    int right;

    /* The first RIGHT of the six are right, the others are wrong. */
    for (right = 0; right <= 6; right++) {
        set_up();
        call.token = right > 0 ? "session" : "unknown";
        set("caller.may_update", right > 1 ? "1" : "0");
        call.if_match = right > 3 ? "\"T1-7\"" : "\"T1-6\"";
        save_outcomes = right > 5 ? "" : "C1";
        ck_assert_str_eq(run_call(
            right > 2 ? BY_CODE : "{\"authentication_code\":\"x\"}",
            right > 4 ? "\"identifier\":\"u\",\"pass_code\":\"p\""
                      : "\"authentication_code\":null"), results[right]);
    }
}
END_TEST

/* ---- which access token */

START_TEST(a_key_that_does_not_open_is_not_found_whatever_the_reason)
{
    static const char *const keys[] = {
        "{\"authentication_code\":\"Code-1\"}",
        "{\"authentication_code\":\"user-1\"}",
        "{\"identifier\":\"user-1\",\"pass_code\":\"wrong\"}",
        "{\"identifier\":\"nobody\",\"pass_code\":\"old\"}",
        "{\"identifier\":\"user-1\",\"pass_code\":\"HASH(old)\"}"
    };
    const char *description = NULL;
    size_t i;

    for (i = 0; i < COUNT(keys); i++) {
        set_up();
        ck_assert_str_eq(run_call(keys[i], "\"udf_string_1\":\"x\""),
                         "ACCESS_TOKEN_NOT_FOUND");
        ck_assert_int_eq(verifications + verifications_of_nothing, i > 1);
        ck_assert(!description || is(description, error->description));
        description = error->description;
        ck_assert_int_eq(saves, 0);
        ck_assert_ptr_null(call.etag);
    }
}
END_TEST

START_TEST(a_token_without_a_pass_code_takes_the_time_of_one)
{
    static const char *const stored_hashes[] = { NULL, "" };
    size_t i;

    for (i = 0; i < COUNT(stored_hashes); i++) {
        set_up();
        set("token.pass_code", stored_hashes[i]);
        ck_assert_str_eq(run_call(BY_IDENTIFIER, ""),
                         "ACCESS_TOKEN_NOT_FOUND");
        ck_assert_int_eq(verifications, 0);
        ck_assert_int_eq(verifications_of_nothing, 1);
    }
}
END_TEST

/* Whether there is a second try depends on the request alone. */
START_TEST(a_pass_code_is_tried_as_prepared_and_then_as_sent)
{
    static const struct {
        const char *stored, *sent, *result;
        int tries, tries_of_nothing;
    } cases[] = {
        { "HASH(\xC3\xA9)", "\xC3\xA9", "OK", 1, 0 },
        { "HASH(\xC3\xA9)", "e\xCC\x81", "OK", 1, 0 },
        { "HASH(e\xCC\x81)", "e\xCC\x81", "OK", 2, 0 },
        { "HASH(e\xCC\x81)", "\xC3\xA9", "ACCESS_TOKEN_NOT_FOUND", 1, 0 },
        { "HASH(x)", "e\xCC\x81", "ACCESS_TOKEN_NOT_FOUND", 2, 0 },
        { NULL, "e\xCC\x81", "ACCESS_TOKEN_NOT_FOUND", 0, 2 },
        { NULL, "\xC3\xA9", "ACCESS_TOKEN_NOT_FOUND", 0, 1 }
    };
    size_t i;

    for (i = 0; i < COUNT(cases); i++) {
        set_up();
        set("token.pass_code", cases[i].stored);
        ck_assert_str_eq(run_call(apr_psprintf(pool, "{\"identifier\":"
                                  "\"user-1\",\"pass_code\":\"%s\"}",
                                  cases[i].sent), ""), cases[i].result);
        ck_assert_int_eq(verifications, cases[i].tries);
        ck_assert_int_eq(verifications_of_nothing, cases[i].tries_of_nothing);
    }
    set_up();
    ck_assert_str_eq(update("\"pass_code\":\"e\xCC\x81\""), "OK");
    ck_assert_str_eq(get("token.pass_code"), "HASH(\xC3\xA9)");
}
END_TEST

/* The hash is not verified, but the call takes as long as if it were. */
START_TEST(a_hash_of_absurd_cost_opens_nothing)
{
    static const struct {
        const char *stored, *detail;
    } cases[] = {
        { "$2b$31$Ltc4R5MQvqYR9FSpFdYz.O", "AccessTokenPassCodeLimit" },
        { "$6$rounds=999999999$salt$x", "AccessTokenPassCodeLimit" },
        { "$y$jFT$salt$x", "1024 MB" },
        { "$argon2id$x", "scheme is unknown" }, { "x", "scheme is unknown" },
        { "*0", NULL }, { "!", NULL }, { "", NULL }
    };
    static const at_cost_t limit = { 2000, 256 };
    size_t i;

    for (i = 0; i < COUNT(cases); i++) {
        set_up();
        call.cost_limit = &limit;
        set("token.pass_code", cases[i].stored);
        ck_assert_str_eq(run_call(BY_IDENTIFIER, ""),
                         "ACCESS_TOKEN_NOT_FOUND");
        ck_assert_int_eq(verifications, 0);
        ck_assert_int_eq(verifications_of_nothing, 1);
        if (!cases[i].detail) {
            ck_assert_ptr_null(at_error_detail(error));
            continue;
        }
        ck_assert_ptr_nonnull(at_error_detail(error));
        ck_assert_msg(has(at_error_detail(error), cases[i].detail), "%s",
                      at_error_detail(error));
        ck_assert(has(at_error_detail(error), "access token T1 "));
        ck_assert(strlen(cases[i].stored) == 1
                  || !has(at_error_detail(error), cases[i].stored));
    }
    set_up();
    call.cost_limit = &limit;
    set("token.pass_code", "$2y$10$right");
    ck_assert_str_eq(run_call(BY_IDENTIFIER, ""), "ACCESS_TOKEN_NOT_FOUND");
    ck_assert_int_eq(verifications, 1);
    ck_assert_ptr_null(at_error_detail(error));
    /* A call that gives the authentication code can set a new one. */
    set_up();
    call.cost_limit = &limit;
    set("token.pass_code", "$2b$31$Ltc4R5MQvqYR9FSpFdYz.O");
    ck_assert_str_eq(update("\"pass_code\":\"new\""), "OK");
}
END_TEST

/* ---- If-Match */

START_TEST(if_match_is_judged_before_the_change)
{
    static const struct {
        const char *if_match, *result;
    } cases[] = {
        { "\"T1-7\"", "OK" }, { "*", "OK" }, { "\"T1-7-gzip\"", "OK" },
        { "\"T1-6\", \"T1-7\"", "OK" }, { NULL, "OK" },
        { "\"T1-8\"", "PRECONDITION_FAILED" },
        { "\"T2-7\"", "PRECONDITION_FAILED" },
        { "W/\"T1-7\"", "PRECONDITION_FAILED" },
        { "", "PRECONDITION_FAILED" }, { "7", "PRECONDITION_FAILED" }
    };
    size_t i;

    for (i = 0; i < COUNT(cases); i++) {
        set_up();
        call.if_match = cases[i].if_match;
        ck_assert_str_eq(update("\"udf_string_1\":\"x\""), cases[i].result);
        ck_assert_int_eq(saves, error ? 0 : 1);
        ck_assert_str_eq(call.id, "T1");
    }
}
END_TEST

START_TEST(if_match_fails_after_a_lost_race)
{
    set_up();
    call.if_match = "\"T1-7\"";
    save_outcomes = "L";
    ck_assert_str_eq(update("\"udf_string_1\":\"x\""),
                     "PRECONDITION_FAILED");
    ck_assert_int_eq(saves, 1);
    set_up();
    call.if_match = "*";
    save_outcomes = "L";
    ck_assert_str_eq(update("\"udf_string_1\":\"x\""), "OK");
    ck_assert_str_eq(call.etag, "\"T1-9\"");
}
END_TEST

START_TEST(if_none_match_is_judged_before_the_change)
{
    static const struct {
        const char *if_none_match, *if_match, *result;
    } cases[] = {
        { "\"T1-6\"", NULL, "OK" }, { "\"T2-7\", W/\"T1-8\"", NULL, "OK" },
        { "\"T1-6\"", "\"T1-7\"", "OK" },
        { "\"T1-6\"", "\"T1-6\"", "PRECONDITION_FAILED" },
        { "\"T1-7\"", "\"T1-7\"", "PRECONDITION_FAILED" },
        { "\"T1-7\"", NULL, "PRECONDITION_FAILED" },
        { "*", NULL, "PRECONDITION_FAILED" },
        { "W/\"T1-7\"", NULL, "PRECONDITION_FAILED" },
        { "W/\"T1-7-gzip\"", NULL, "PRECONDITION_FAILED" },
        { "\"T1-6\", \"T1-7\"", NULL, "PRECONDITION_FAILED" },
        /* a malformed list might match */
        { "T1-6", NULL, "PRECONDITION_FAILED" }
    };
    size_t i;

    for (i = 0; i < COUNT(cases); i++) {
        set_up();
        call.if_match = cases[i].if_match;
        call.if_none_match = cases[i].if_none_match;
        ck_assert_str_eq(update("\"udf_string_1\":\"x\""), cases[i].result);
        ck_assert_int_eq(saves, error ? 0 : 1);
    }
}
END_TEST

START_TEST(if_none_match_is_judged_again_after_a_lost_race)
{
    set_up();
    call.if_none_match = "\"T1-8\"";
    save_outcomes = "L";
    ck_assert_str_eq(update("\"udf_string_1\":\"x\""),
                     "PRECONDITION_FAILED");
    ck_assert_int_eq(saves, 1);
}
END_TEST

/* ---- rules */

START_TEST(nothing_happens_after_an_error_of_the_rules)
{
    set_up();
    set("rule.authentication_code_creation", "NUMBER");
    set("rule.pass_code_min_length", "4");
    ck_assert_str_eq(update("\"authentication_code\":null,"
                            "\"pass_code\":\"p\",\"fields_set\":"
                            "\"custom_field_set.no\",\"custom_field_set\":"
                            "{\"x\":1,\"size\":\"1\"}"),
                     "VALIDATION_FAILED: TOO_SHORT /pass_code, "
                     "UNKNOWN_CUSTOM_FIELD /custom_field_set/x, "
                     "INVALID_TYPE /custom_field_set/size, "
                     "UNKNOWN_FIELD /fields_set");
    ck_assert_str_eq(log_of_calls, "load_by_authentication_code.sql "
                                   "custom_fields");
    ck_assert_int_eq(numbers + hashes + saves, 0);
}
END_TEST

START_TEST(missing_rules_are_an_internal_error)
{
    set_up();
    set("rule.identifier_creation", NULL);
    ck_assert_str_eq(update(""), "INTERNAL_ERROR");
    ck_assert(has(at_error_detail(error), "rule.identifier_creation"));
    set_up();
    set("token.version", NULL);
    ck_assert_str_eq(update(""), "INTERNAL_ERROR");
}
END_TEST

/* ---- custom fields */

START_TEST(custom_fields_are_read_when_they_are_needed)
{
    static const struct {
        const char *members;
        int asked;
    } cases[] = {
        { "", 0 }, { "\"custom_field_set\":{}", 0 },
        { "\"custom_field_set\":{\"set\":[]}", 0 },
        { "\"custom_field_set\":{\"nick\":\"x\"}", 1 },
        { "\"custom_field_set\":{\"nick\":null}", 1 },
        { "\"fields_set\":\"custom_field_set\"", 0 },
        { "\"fields_set\":\"custom_field_set.nick\"", 1 }
    };
    size_t i;

    for (i = 0; i < COUNT(cases); i++) {
        set_up();
        ck_assert_str_eq(update(cases[i].members), "OK");
        ck_assert_msg(has(log_of_calls, "custom_fields") == cases[i].asked,
                      "%s", cases[i].members);
    }
}
END_TEST

START_TEST(custom_fields_are_merged_under_the_version_guard)
{
    static const struct {
        const char *stored, *members, *now;
    } cases[] = {
        { NULL, "{\"nick\":\"x\"}", "{\"nick\":\"x\"}" },
        { "{\"nick\":\"x\"}", "{\"size\":2}",
          "{\"nick\":\"x\",\"size\":2}" },
        { "{\"nick\":\"x\"}", "{}", "{\"nick\":\"x\"}" },
        { "{\"nick\":\"x\"}", "{\"nick\":\"\"}", NULL },
        { "{\"nick\":\"x\",\"old\":1}", "{\"set\":[{\"nick\":null}]}",
          "{\"old\":1}" }
    };
    size_t i;

    for (i = 0; i < COUNT(cases); i++) {
        const char *now;

        set_up();
        set("data.custom_field_set?:json", cases[i].stored);
        ck_assert_str_eq(update(apr_pstrcat(pool, "\"custom_field_set\":",
                                            cases[i].members,
                                            (char *)NULL)), "OK");
        now = get("data.custom_field_set?:json");
        ck_assert_msg(!now == !cases[i].now, "%s", cases[i].members);
        if (now) {
            ck_assert_str_eq(test_sorted(test_json(now)), cases[i].now);
            ck_assert_str_eq(test_sorted(at_json_get(data(),
                                                     "custom_field_set")),
                             cases[i].now);
        }
        else {
            ck_assert_ptr_null(at_json_get(data(), "custom_field_set"));
        }
    }
}
END_TEST

START_TEST(an_empty_set_updates_nothing)
{
    static const char *const empty[] = { "{}", "[]", "[{}]",
                                         "{\"set\":{}}" };
    const char *const *field;
    size_t i;

    for (i = 0; i < COUNT(empty); i++) {
        set_up();
        set("data.custom_field_set?:json", "{ \"size\" : 1.0 }");
        ck_assert_str_eq(update(apr_pstrcat(pool, "\"custom_field_set\":",
                                            empty[i], (char *)NULL)), "OK");
        field = saved_values + AT_SAVE_FIELDS + 2 * at_field_custom();
        ck_assert_str_eq(field[0], "0");
        ck_assert_str_eq(get("data.custom_field_set?:json"),
                         "{ \"size\" : 1.0 }");
    }
}
END_TEST

/* `{"nick":"…","old":"…"}` of LENGTH bytes, with a nick of one letter. */
static const char *set_of(apr_size_t length)
{
    static const char before[] = "{\"nick\":\"x\",\"old\":\"";
    char *text = apr_pcalloc(pool, length + 1);

    memset(text, 'a', length);
    memcpy(text, before, sizeof(before) - 1);
    memcpy(text + length - 2, "\"}", 2);
    return text;
}

START_TEST(the_whole_set_has_at_most_60000_bytes)
{
    set_up();
    set("data.custom_field_set?:json", set_of(59999));
    ck_assert_str_eq(update("\"custom_field_set\":{\"nick\":\"xy\"}"), "OK");
    ck_assert_uint_eq(strlen(get("data.custom_field_set?:json")), 60000);
    set_up();
    set("data.custom_field_set?:json", set_of(60000));
    ck_assert_str_eq(update("\"custom_field_set\":{\"nick\":\"xy\"}"),
                     "VALIDATION_FAILED: TOO_LONG /custom_field_set");
    /* making it smaller is always possible */
    set_up();
    set("data.custom_field_set?:json", set_of(60001));
    ck_assert_str_eq(update("\"custom_field_set\":{\"nick\":\"\"}"), "OK");
}
END_TEST

START_TEST(a_broken_stored_set_is_an_internal_error)
{
    set_up();
    set("data.custom_field_set?:json", "[S3CRET");
    ck_assert_str_eq(update("\"custom_field_set\":{\"nick\":\"x\"}"),
                     "INTERNAL_ERROR");
    ck_assert(!has(at_error_detail(error), "S3CRET"));
    set_up();
    set("data.custom_field_set?:json", "[S3CRET");
    ck_assert_str_eq(update(""), "INTERNAL_ERROR");
    ck_assert_int_eq(saves, 0);
}
END_TEST

int main(void)
{
    TCase *tests = test_begin("test_judge");

    tcase_add_test(tests, the_caller_is_named_by_session_or_login);
    tcase_add_test(tests, without_a_name_the_store_is_not_asked);
    tcase_add_test(tests, a_caller_without_permission_is_refused);
    tcase_add_test(tests, errors_come_in_the_order_of_the_contract);
    tcase_add_test(tests,
                   a_key_that_does_not_open_is_not_found_whatever_the_reason);
    tcase_add_test(tests, a_token_without_a_pass_code_takes_the_time_of_one);
    tcase_add_test(tests, a_pass_code_is_tried_as_prepared_and_then_as_sent);
    tcase_add_test(tests, a_hash_of_absurd_cost_opens_nothing);
    tcase_add_test(tests, if_match_is_judged_before_the_change);
    tcase_add_test(tests, if_match_fails_after_a_lost_race);
    tcase_add_test(tests, if_none_match_is_judged_before_the_change);
    tcase_add_test(tests, if_none_match_is_judged_again_after_a_lost_race);
    tcase_add_test(tests, nothing_happens_after_an_error_of_the_rules);
    tcase_add_test(tests, missing_rules_are_an_internal_error);
    tcase_add_test(tests, custom_fields_are_read_when_they_are_needed);
    tcase_add_test(tests, custom_fields_are_merged_under_the_version_guard);
    tcase_add_test(tests, an_empty_set_updates_nothing);
    tcase_add_test(tests, the_whole_set_has_at_most_60000_bytes);
    tcase_add_test(tests, a_broken_stored_set_is_an_internal_error);
    return test_end(tests);
}
