/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A save of which the database has not said whether it was done, and by how
 * much a save raises the version. Contract, section 6.
 */
#include "update_support.h"

#include "at_save.h"

#include <stdlib.h>
#include <string.h>

/* ---- a save whose connection was lost */

START_TEST(a_lost_save_that_was_done_is_a_success)
{
    set_up();
    save_outcomes = "Y";
    ck_assert_str_eq(update("\"authentication_code\":\"code-2\","
                            "\"udf_string_1\":\"x\",\"pass_code\":\"p\""),
                     "OK");
    ck_assert_str_eq(log_of_calls, "load_by_authentication_code.sql hash "
                     "save load_by_id.sql");
    ck_assert_str_eq(call.etag, "\"T1-8\"");
    ck_assert_str_eq(replied("authentication_code"), "code-2");
    ck_assert_str_eq(replied("udf_string_1"), "x");
}
END_TEST

/* A cluster may report a deadlock although it commits. */
START_TEST(a_save_is_looked_for_whatever_the_database_said)
{
    set_up();
    save_outcomes = "Z";
    ck_assert_str_eq(update("\"udf_string_1\":\"x\""), "OK");
    ck_assert_int_eq(saves, 1);
    ck_assert_str_eq(call.etag, "\"T1-8\"");
    ck_assert_str_eq(get("token.version"), "8");
    with_key();
    save_outcomes = "Z";
    ck_assert_str_eq(update("\"udf_string_1\":\"x\""), "OK");
    ck_assert(!call.replayed);
    ck_assert_int_eq(saves, 1);
}
END_TEST

START_TEST(a_lost_save_that_was_not_done_is_done_again)
{
    set_up();
    save_outcomes = "XXX";
    ck_assert_str_eq(run_call(BY_IDENTIFIER, "\"udf_string_1\":\"x\","
                              "\"pass_code\":\"p\""), "OK");
    ck_assert_int_eq(saves, 4);
    ck_assert_int_eq(hashes, 1);
    ck_assert_int_eq(verifications, 1);
    ck_assert_str_eq(call.etag, "\"T1-8\"");
    set_up();
    save_outcomes = "XXY";
    ck_assert_str_eq(update("\"udf_string_1\":\"x\""), "OK");
    ck_assert_int_eq(saves, 3);
    ck_assert_str_eq(call.etag, "\"T1-8\"");
}
END_TEST

static void lose_then_others(const char *outcomes, int count)
{
    others_count = count;
    set_up();
    unclear = 1;
    save_outcomes = outcomes;
    after_save = others_save;
}

/* Version 0 is a version like any other. */
START_TEST(a_lost_save_of_the_first_version_is_found)
{
    set_up();
    set("token.version", "0");
    save_outcomes = "Y";
    ck_assert_str_eq(update("\"authentication_code\":\"code-2\""), "OK");
    ck_assert_int_eq(saves, 1);
    ck_assert_str_eq(call.etag, "\"T1-1\"");
    set_up();
    set("token.version", "0");
    save_outcomes = "X";
    after_save = withdraw_permission;
    ck_assert_str_eq(update("\"udf_string_1\":\"x\""),
                     "SERVICE_UNAVAILABLE");
    ck_assert(has(error->description, "could not be found out"));
}
END_TEST

START_TEST(a_lost_save_of_a_row_that_was_deleted_is_unclear)
{
    set_up();
    unclear = 1;
    save_outcomes = "Y";
    after_save = remove_the_row;
    ck_assert_str_eq(update("\"udf_string_1\":\"x\""),
                     "SERVICE_UNAVAILABLE");
    ck_assert(has(error->description, "could not be found out"));
    ck_assert(has(at_error_detail(error), "was deleted"));
    ck_assert_int_eq(saves, 1);
}
END_TEST

/* As if a replica took over that lacks the last changes. */
static void take_the_row_back(void)
{
    set("token.version", "3");
    set("token.request_ids", "");
    saved = 0;
}

/* A second save, and the lost one later, would make two changes. */
START_TEST(a_lost_save_of_a_row_that_went_back_is_unclear)
{
    set_up();
    save_outcomes = "Y";
    after_save = take_the_row_back;
    unclear = 1;
    ck_assert_str_eq(update("\"udf_string_1\":\"x\""),
                     "SERVICE_UNAVAILABLE");
    ck_assert(has(error->description, "could not be found out"));
    ck_assert(has(at_error_detail(error), "that lags"));
    ck_assert_int_eq(saves, 1);
    ck_assert_int_gt(loads, 10);
    ck_assert(clock_now >= store.deadline);
}
END_TEST

START_TEST(a_version_is_a_whole_number)
{
    static const char *const versions[] = { "", "7.5", "-1", "1e3", "x",
                                            "18446744073709551616" };
    size_t i;

    for (i = 0; i < COUNT(versions); i++) {
        set_up();
        set("token.version", versions[i]);
        ck_assert_str_eq(update("\"udf_string_1\":\"x\""),
                         "INTERNAL_ERROR");
        ck_assert(has(at_error_detail(error),
                      "token.version of the access token T1"));
        ck_assert_int_eq(saves, 0);
    }
}
END_TEST

/* ---- a guard that never matches */

/* A lost race raises the version; so it stays the same, so many times. */
static int times;

static void lower_the_version(void)
{
    if (times-- > 0) {
        set("token.version", "6");
        meanwhile = lower_the_version;
    }
}

START_TEST(races_that_are_lost_to_the_same_version_are_reported)
{
    set_up();
    save_outcomes = races(AT_SAVE_ATTEMPTS);
    meanwhile = lower_the_version;
    times = AT_SAVE_ATTEMPTS;
    ck_assert_str_eq(update("\"udf_string_1\":\"x\""), "VERSION_CONFLICT");
    ck_assert(has(call.warning, "save.sql: it found no row of access token T1 "
                                "with version 7, "));
    /* not by a call that is saved in the end */
    set_up();
    save_outcomes = races(9);
    meanwhile = lower_the_version;
    times = 9;
    ck_assert_str_eq(update("\"udf_string_1\":\"x\""), "OK");
    ck_assert_ptr_null(call.warning);
    /* nor where others do save */
    set_up();
    save_outcomes = races(AT_SAVE_ATTEMPTS);
    ck_assert_str_eq(update("\"udf_string_1\":\"x\""), "VERSION_CONFLICT");
    ck_assert_ptr_null(call.warning);
}
END_TEST

/* ---- a value that is longer than its column */

START_TEST(what_the_client_sent_is_too_long)
{
    set_up();
    save_outcomes = "F4";
    ck_assert_str_eq(update("\"udf_string_1\":\"x\""),
                     "VALIDATION_FAILED: TOO_LONG /udf_string_1");
    ck_assert_int_eq(saves, 1);
}
END_TEST

START_TEST(what_the_client_did_not_send_is_a_fault)
{
    /* a hash, what another trigger writes, what was generated */
    set_up();
    save_outcomes = "F2";
    ck_assert_str_eq(update("\"identifier\":\"a\",\"pass_code\":\"b\""),
                     "INTERNAL_ERROR");
    ck_assert(has(at_error_detail(error), "detail: too long"));
    set_up();
    save_outcomes = "F5";
    ck_assert_str_eq(update("\"udf_string_1\":\"x\""), "INTERNAL_ERROR");
    set_up();
    set("rule.authentication_code_creation", "ID");
    save_outcomes = "F0";
    ck_assert_str_eq(update("\"authentication_code\":null"),
                     "INTERNAL_ERROR");
    ck_assert_int_eq(saves, 1);
}
END_TEST

/* ---- by how much a save raises the version */

static void another_program_saves(void)
{
    set("token.version", apr_itoa(pool, atoi(get("token.version")) + 1));
}

START_TEST(the_step_of_a_save_is_read_from_the_row)
{
    at_step_t step = { 0, 0, 0 };

    set_up();
    call.step = &step;
    ck_assert_str_eq(update("\"udf_string_1\":\"x\""), "OK");
    ck_assert_str_eq(call.etag, "\"T1-8\"");
    ck_assert_uint_eq(step.known, 1);
    ck_assert_int_eq(loads, 2);
    set_up();
    call.step = &step;
    ck_assert_str_eq(update("\"udf_string_1\":\"x\""), "OK");
    ck_assert_int_eq(loads, 1);
}
END_TEST

/* A step of two may be a save of this call and one of another program. */
START_TEST(a_larger_step_is_believed_when_it_is_seen_twice)
{
    at_step_t step = { 0, 0, 0 };

    set_up();
    call.step = &step;
    after_save = another_program_saves;
    ck_assert_str_eq(update("\"udf_string_1\":\"x\""), "OK");
    ck_assert_str_eq(call.etag, "\"T1-8\"");
    ck_assert_uint_eq(step.known, 0);
    set_up();
    call.step = &step;
    after_save = another_program_saves;
    ck_assert_str_eq(update("\"udf_string_1\":\"x\""), "OK");
    ck_assert_str_eq(call.etag, "\"T1-9\"");
    ck_assert_uint_eq(step.known, 2);
}
END_TEST

START_TEST(a_row_that_another_call_has_saved_shows_no_step)
{
    static const char *const outcomes[] = { ".R", ".U", ".B" };
    at_step_t step = { 0, 2, 0 };
    size_t i;

    set_up();
    call.step = &step;
    others_count = 1;
    after_save = others_save;
    ck_assert_str_eq(update("\"udf_string_1\":\"x\""), "OK");
    ck_assert_str_eq(call.etag, "\"T1-8\"");
    ck_assert_uint_eq(step.known, 0);
    /* a row that cannot be read does no harm */
    for (i = 0; i < COUNT(outcomes); i++) {
        set_up();
        call.step = &step;
        load_outcomes = outcomes[i];
        ck_assert_str_eq(update("\"udf_string_1\":\"x\""), "OK");
        ck_assert_str_eq(call.etag, "\"T1-8\"");
        ck_assert_uint_eq(step.known, 0);
        ck_assert_int_eq(loads, 2);
    }
}
END_TEST

static void leave_the_version(void)
{
    set("token.version", "7");
}

START_TEST(a_save_that_leaves_the_version_is_reported)
{
    at_step_t step = { 0, 0, 0 };
    int i;

    for (i = 0; i < 2; i++) {
        set_up();
        call.step = &step;
        after_save = leave_the_version;
        ck_assert_str_eq(update("\"udf_string_1\":\"x\""), "OK");
        ck_assert(has(call.warning, "access token T1 did not raise its "
                                    "version, 7"));
        ck_assert_str_eq(call.etag, "\"T1-7\"");
        ck_assert_uint_eq(step.known, 0);
    }
    set_up();
    call.step = &step;
    ck_assert_str_eq(update("\"udf_string_1\":\"x\""), "OK");
    ck_assert_ptr_null(call.warning);
}
END_TEST

/* ---- whether the key of a save is kept */

static void keep_the_key(void)
{
    remembered.token_id = "T1";
    remembered.digest = saved_values[AT_SAVE_REQUEST_DIGEST];
    remembered.request_id = saved_values[AT_SAVE_REQUEST_ID];
}

static void keep_another_key(void)
{
    keep_the_key();
    remembered.request_id = "another";
}

static void call_with_key(at_step_t *step, void (*after)(void))
{
    with_key();
    call.step = step;
    after_save = after;
    ck_assert_str_eq(update("\"udf_string_1\":\"x\""), "OK");
    ck_assert_int_eq(saves, 1);
}

START_TEST(a_key_that_is_not_kept_is_reported)
{
    at_step_t step = { 1, 0, 0 };

    call_with_key(&step, NULL);
    ck_assert(has(call.warning, "find_request.sql: the Idempotency-Key of a "
                                "change that was just saved is not found"));
    ck_assert_int_eq(finds, 2);
    call_with_key(&step, keep_another_key);
    ck_assert_ptr_nonnull(call.warning);
    ck_assert_uint_eq(step.keeps_keys, 0);
    call_with_key(&step, keep_the_key);
    ck_assert_ptr_null(call.warning);
    ck_assert_uint_eq(step.keeps_keys, 1);
    /* once is enough */
    call_with_key(&step, NULL);
    ck_assert_ptr_null(call.warning);
    ck_assert_int_eq(finds, 1);
}
END_TEST

START_TEST(a_key_that_cannot_be_read_does_no_harm)
{
    static const char *const outcomes[] = { ".R", ".U", ".B" };
    at_step_t step = { 1, 0, 0 };
    size_t i;

    for (i = 0; i < COUNT(outcomes); i++) {
        with_key();
        call.step = &step;
        find_outcomes = outcomes[i];
        ck_assert_str_eq(update("\"udf_string_1\":\"x\""), "OK");
        ck_assert_ptr_null(call.warning);
        ck_assert_uint_eq(step.keeps_keys, 0);
        ck_assert_int_eq(finds, 2);
    }
}
END_TEST

/* The reply and its version are those of the call, not of what followed. */
START_TEST(a_lost_save_that_others_follow_is_found_in_the_row)
{
    int count;

    for (count = 1; count < 8; count++) {
        lose_then_others("Y", count);
        ck_assert_str_eq(update("\"udf_string_1\":\"x\""), "OK");
        ck_assert_int_eq(saves, 1);
        ck_assert_str_eq(call.etag, "\"T1-8\"");
        lose_then_others("X", count);
        ck_assert_str_eq(update("\"udf_string_1\":\"x\""), "OK");
        ck_assert_int_eq(saves, 2);
        ck_assert_str_eq(call.etag, apr_psprintf(pool, "\"T1-%d\"",
                                                 8 + count));
    }
    /* The eighth save of others pushes it out of the row. */
    lose_then_others("Y", 8);
    ck_assert_str_eq(update("\"udf_string_1\":\"x\""),
                     "SERVICE_UNAVAILABLE");
    ck_assert_int_eq(saves, 1);
    ck_assert(has(error->description, "could not be found out"));
    lose_then_others("X", 8);
    ck_assert_str_eq(update("\"udf_string_1\":\"x\""), "OK");
    lose_then_others("X", 9);
    ck_assert_str_eq(update("\"udf_string_1\":\"x\""),
                     "SERVICE_UNAVAILABLE");
}
END_TEST

/* The time runs out before the outcome is known. */
START_TEST(an_unclear_outcome_is_reported_as_unclear)
{
    set_up();
    save_outcomes = "X";
    load_outcomes = ".AAAAAA";
    ck_assert_str_eq(update("\"udf_string_1\":\"x\""),
                     "SERVICE_UNAVAILABLE");
    ck_assert(has(error->description, "could not be found out"));
    ck_assert(has(at_error_detail(error), "detail: away"));
    ck_assert_int_eq(error->fault->kind, AT_FAULT_CONNECTION);
    /* a save that was not lost is not unclear */
    set_up();
    save_outcomes = "AAAAAA";
    ck_assert_str_eq(update("\"udf_string_1\":\"x\""),
                     "SERVICE_UNAVAILABLE");
    ck_assert(!has(error->description, "could not be found out"));
}
END_TEST

static void others_save_and_withdraw(void)
{
    others_save();
    withdraw_permission();
}

/* The lost save may yet be done: no error may say that nothing changed. */
START_TEST(a_save_that_may_yet_be_done_is_no_definite_error)
{
    set_up();
    save_outcomes = "X";
    after_save = withdraw_permission;
    ck_assert_str_eq(update("\"udf_string_1\":\"x\""),
                     "SERVICE_UNAVAILABLE");
    ck_assert(has(error->description, "could not be found out"));
    /* once there is another version, the lost save will never be done */
    lose_then_others("X", 1);
    after_save = others_save_and_withdraw;
    ck_assert_str_eq(update("\"udf_string_1\":\"x\""), "FORBIDDEN");
}
END_TEST

/* The database does the lost save late: the retry loses the race to it. */
START_TEST(a_late_commit_is_found_by_the_lost_race)
{
    set_up();
    save_outcomes = "X";
    late = 1;
    ck_assert_str_eq(update("\"udf_string_1\":\"x\""), "OK");
    ck_assert_int_eq(saves, 2);
    ck_assert_int_eq(saved, 1);
    ck_assert_str_eq(call.etag, "\"T1-8\"");
}
END_TEST

int main(void)
{
    TCase *tests = test_begin("test_save");

    tcase_add_test(tests, a_lost_save_that_was_done_is_a_success);
    tcase_add_test(tests, a_save_is_looked_for_whatever_the_database_said);
    tcase_add_test(tests, a_lost_save_that_was_not_done_is_done_again);
    tcase_add_test(tests, a_lost_save_of_the_first_version_is_found);
    tcase_add_test(tests, a_lost_save_of_a_row_that_was_deleted_is_unclear);
    tcase_add_test(tests, a_lost_save_of_a_row_that_went_back_is_unclear);
    tcase_add_test(tests, a_version_is_a_whole_number);
    tcase_add_test(tests, the_step_of_a_save_is_read_from_the_row);
    tcase_add_test(tests, a_larger_step_is_believed_when_it_is_seen_twice);
    tcase_add_test(tests, a_row_that_another_call_has_saved_shows_no_step);
    tcase_add_test(tests, races_that_are_lost_to_the_same_version_are_reported);
    tcase_add_test(tests, what_the_client_sent_is_too_long);
    tcase_add_test(tests, what_the_client_did_not_send_is_a_fault);
    tcase_add_test(tests, a_save_that_leaves_the_version_is_reported);
    tcase_add_test(tests, a_key_that_is_not_kept_is_reported);
    tcase_add_test(tests, a_key_that_cannot_be_read_does_no_harm);
    tcase_add_test(tests, a_lost_save_that_others_follow_is_found_in_the_row);
    tcase_add_test(tests, an_unclear_outcome_is_reported_as_unclear);
    tcase_add_test(tests, a_save_that_may_yet_be_done_is_no_definite_error);
    tcase_add_test(tests, a_late_commit_is_found_by_the_lost_race);
    return test_end(tests);
}
