/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A call with an Idempotency-Key: saved with its key, replayed, refused.
 * Contract, section 6.
 */
#include "update_support.h"

#include <string.h>

/* ---- Idempotency-Key */

START_TEST(a_new_key_is_saved_with_the_change)
{
    with_key();
    ck_assert_str_eq(update("\"udf_string_1\":\"x\""), "OK");
    ck_assert_str_eq(log_of_calls, "find_request "
                     "load_by_authentication_code.sql save");
    ck_assert_str_eq(saved_values[AT_SAVE_IDEMPOTENCY_KEY], "key-1");
    ck_assert_str_eq(saved_values[AT_SAVE_REQUEST_DIGEST], "digest-1");
    ck_assert_str_eq(saved_values[AT_SAVE_REQUEST_EXPIRES],
                     "2015-05-28T12:50:22");
    ck_assert(!call.replayed);
    set_up();
    ck_assert_str_eq(update(""), "OK");
    ck_assert_ptr_null(saved_values[AT_SAVE_IDEMPOTENCY_KEY]);
    ck_assert_ptr_null(saved_values[AT_SAVE_REQUEST_DIGEST]);
    ck_assert_int_eq(finds, 0);
}
END_TEST

/* The access token has another code by now, and the precondition fails: the
 * first call has checked both. */
START_TEST(a_known_key_is_answered_by_the_access_token_as_it_is)
{
    with_key();
    remembered.token_id = "T1";
    remembered.digest = "digest-1";
    set("data.authentication_code", "code-9");
    set("data.udf_string_1?", "later");
    set("rule.pass_code_creation", "ID");
    call.if_match = "\"T1-3\"";
    call.if_none_match = "\"T1-7\"";
    ck_assert_str_eq(update("\"udf_string_1\":\"x\",\"pass_code\":null"),
                     "OK");
    ck_assert_str_eq(log_of_calls, "find_request load_by_id.sql");
    ck_assert(call.replayed);
    ck_assert_int_eq(saves, 0);
    ck_assert_str_eq(call.etag, "\"T1-7\"");
    ck_assert_str_eq(replied("authentication_code"), "code-9");
    ck_assert_str_eq(replied("udf_string_1"), "later");
    ck_assert_ptr_null(replied("pass_code"));
}
END_TEST

START_TEST(a_known_key_of_another_request_is_refused)
{
    with_key();
    remembered.token_id = "T1";
    remembered.digest = "digest-2";
    ck_assert_str_eq(update("\"udf_string_1\":\"x\""),
                     "IDEMPOTENCY_KEY_REUSED");
    ck_assert_int_eq(loads, 0);
}
END_TEST

START_TEST(a_replay_asks_for_the_same_rights)
{
    with_key();
    remembered.token_id = "T1";
    remembered.digest = "digest-1";
    withdraw_permission();
    ck_assert_str_eq(update(""), "FORBIDDEN");
    with_key();
    remembered.token_id = "gone";
    remembered.digest = "digest-1";
    ck_assert_str_eq(update(""), "ACCESS_TOKEN_NOT_FOUND");
}
END_TEST

static void same_key_elsewhere(void)
{
    remembered.token_id = "T1";
    remembered.digest = "digest-1";
    set("data.udf_string_1?", "theirs");
    set("token.version", "8");
}

START_TEST(the_same_key_at_once_is_replayed)
{
    with_key();
    save_outcomes = "K";
    after_save = same_key_elsewhere;
    ck_assert_str_eq(update("\"udf_string_1\":\"x\""), "OK");
    ck_assert(call.replayed);
    ck_assert_int_eq(saves, 1);
    ck_assert_int_eq(finds, 2);
    ck_assert_str_eq(replied("udf_string_1"), "theirs");
    ck_assert_str_eq(call.etag, "\"T1-8\"");
}
END_TEST

static void same_key_and_another_code(void)
{
    same_key_elsewhere();
    set("data.authentication_code", "code-2");
}

/* The same request has made the change that refuses this one. */
START_TEST(a_refusal_that_the_same_request_caused_is_replayed)
{
    with_key();
    after_find = same_key_and_another_code;
    ck_assert_str_eq(update("\"authentication_code\":\"code-2\""), "OK");
    ck_assert(call.replayed);
    ck_assert_str_eq(log_of_calls, "find_request "
                     "load_by_authentication_code.sql find_request "
                     "load_by_id.sql");
    ck_assert_str_eq(call.etag, "\"T1-8\"");
    with_key();
    after_find = same_key_elsewhere;
    call.if_match = "\"T1-7\"";
    ck_assert_str_eq(update("\"udf_string_1\":\"x\""), "OK");
    ck_assert(call.replayed);
    ck_assert_int_eq(saves, 0);
    with_key();
    save_outcomes = races(100);
    after_save = same_key_elsewhere;
    ck_assert_str_eq(update("\"udf_string_1\":\"x\""), "OK");
    ck_assert(call.replayed);
    ck_assert_int_eq(saves, 100);
}
END_TEST

START_TEST(a_refusal_for_another_reason_stays)
{
    with_key();
    call.if_match = "\"T1-6\"";
    ck_assert_str_eq(update("\"udf_string_1\":\"x\""),
                     "PRECONDITION_FAILED");
    ck_assert(!call.replayed);
    ck_assert_str_eq(log_of_calls, "find_request "
                     "load_by_authentication_code.sql find_request");
    with_key();
    find_outcomes = ".R";
    after_find = same_key_and_another_code;
    ck_assert_str_eq(update("\"udf_string_1\":\"x\""), "OK");
    ck_assert(call.replayed);
}
END_TEST

/* A request that is tried again is judged again. */
START_TEST(a_wrong_pass_code_stays_wrong)
{
    with_key();
    find_outcomes = ".RR";
    ck_assert_str_eq(run_call("{\"identifier\":\"user-1\","
                              "\"pass_code\":\"wrong\"}",
                              "\"udf_string_1\":\"x\""),
                     "ACCESS_TOKEN_NOT_FOUND");
    ck_assert_int_eq(finds, 4);
    ck_assert_int_eq(saves, 0);
}
END_TEST

static void forget(void)
{
    same_key_elsewhere();
    others_count = 9;
    others_save();
}

/* The key is that of this very call: it is not a replay, and has its own
 * reply. */
static void forget_own(void)
{
    remembered.token_id = "T1";
    remembered.digest = "digest-1";
    remembered.request_id = saved_values[AT_SAVE_REQUEST_ID];
    others_count = 9;
    others_save();
}

START_TEST(a_forgotten_save_of_this_call_is_no_replay)
{
    with_key();
    set("rule.pass_code_creation", "ID");
    save_outcomes = "Y";
    after_save = forget_own;
    ck_assert_str_eq(update("\"udf_string_1\":\"x\",\"pass_code\":null"),
                     "OK");
    ck_assert(!call.replayed);
    ck_assert_int_eq(saves, 1);
    ck_assert_str_eq(call.etag, "\"T1-8\"");
    ck_assert_str_eq(replied("udf_string_1"), "x");
    ck_assert_ptr_nonnull(replied("pass_code"));
}
END_TEST

/* The row remembers the last eight requests, the key is kept longer. */
START_TEST(a_forgotten_save_is_found_by_its_key)
{
    with_key();
    save_outcomes = "X";
    after_save = forget;
    ck_assert_str_eq(update("\"udf_string_1\":\"x\""), "OK");
    ck_assert(call.replayed);
    ck_assert_int_eq(saves, 1);
    with_key();
    save_outcomes = "X";
    others_count = 9;
    after_save = others_save;
    ck_assert_str_eq(update("\"udf_string_1\":\"x\""), "OK");
    ck_assert(!call.replayed);
    ck_assert_int_eq(saves, 2);
}
END_TEST

START_TEST(a_forgotten_save_is_unclear_until_its_key_is_read)
{
    static const char *const outcomes[] = { ".U", ".B", ".P" };
    size_t i;

    for (i = 0; i < COUNT(outcomes); i++) {
        with_key();
        unclear = 1;
        save_outcomes = "Y";
        after_save = forget_own;
        find_outcomes = outcomes[i];
        ck_assert_str_eq(update("\"udf_string_1\":\"x\""),
                         "SERVICE_UNAVAILABLE");
        ck_assert(has(error->description, "could not be found out"));
        ck_assert_int_eq(finds, 2);
    }
}
END_TEST

static void forget_own_and_remove(void)
{
    forget_own();
    remove_the_row();
}

START_TEST(a_lost_save_of_a_deleted_row_is_found_by_its_key)
{
    with_key();
    save_outcomes = "Y";
    after_save = forget_own_and_remove;
    ck_assert_str_eq(update("\"udf_string_1\":\"x\""), "OK");
    ck_assert(!call.replayed);
    ck_assert_str_eq(call.etag, "\"T1-8\"");
    with_key();
    save_outcomes = "X";
    after_save = remove_the_row;
    ck_assert_str_eq(update("\"udf_string_1\":\"x\""),
                     "ACCESS_TOKEN_NOT_FOUND");
}
END_TEST

int main(void)
{
    TCase *tests = test_begin("test_replay");

    tcase_add_test(tests, a_new_key_is_saved_with_the_change);
    tcase_add_test(tests,
                   a_known_key_is_answered_by_the_access_token_as_it_is);
    tcase_add_test(tests, a_known_key_of_another_request_is_refused);
    tcase_add_test(tests, a_replay_asks_for_the_same_rights);
    tcase_add_test(tests, the_same_key_at_once_is_replayed);
    tcase_add_test(tests, a_refusal_that_the_same_request_caused_is_replayed);
    tcase_add_test(tests, a_refusal_for_another_reason_stays);
    tcase_add_test(tests, a_wrong_pass_code_stays_wrong);
    tcase_add_test(tests, a_forgotten_save_of_this_call_is_no_replay);
    tcase_add_test(tests, a_forgotten_save_is_found_by_its_key);
    tcase_add_test(tests, a_forgotten_save_is_unclear_until_its_key_is_read);
    tcase_add_test(tests, a_lost_save_of_a_deleted_row_is_found_by_its_key);
    return test_end(tests);
}
