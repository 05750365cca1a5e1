/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What one attempt of a call does with slow work and with a database in
 * trouble, and when the next attempt follows. Contract, section 6.
 */
#include "update_support.h"

#include <string.h>

#include "at_hashing.h"

/* ---- slow work */

/* Whatever happens, the pass code is hashed once and verified once. */
START_TEST(slow_work_is_done_once)
{
    set_up();
    save_outcomes = "LRLRLC0";
    set("rule.authentication_code_creation", "ID");
    ck_assert_str_eq(run_call(BY_IDENTIFIER, "\"pass_code\":\"new\","
                              "\"authentication_code\":null"), "OK");
    ck_assert_int_eq(saves, 7);
    ck_assert_int_eq(hashes, 1);
    ck_assert_int_eq(verifications, 1);
    ck_assert_int_eq(verifications_of_nothing, 0);
    ck_assert_str_eq(get("token.pass_code"), "HASH(new)");
}
END_TEST

/* The thread that hashes ends in real time. */
static void end_hashing(void)
{
    sleeps_really = 1;
    at_hashing_end(call.hashing);
    sleeps_really = 0;
}

/* The wait for a turn to hash uses the real clock. */
static at_error_t *changed_pass_code(int places)
{
    set_up();
    clock_now = __real_at_clock_now();
    call.hashing = at_hashing_make(1, places, NULL);
    run_call(BY_CODE, "\"pass_code\":\"new\"");
    end_hashing();
    return error;
}

/* test_hashing tests the waiting; here the queue has no room. */
START_TEST(slow_work_that_has_no_turn_is_unavailable)
{
    ck_assert_str_eq(test_error(changed_pass_code(1)), "OK");
    ck_assert_str_eq(get("token.pass_code"), "HASH(new)");
    ck_assert_str_eq(test_error(changed_pass_code(0)), "SERVICE_UNAVAILABLE");
    ck_assert_int_eq(error->fault->kind, AT_FAULT_HASHING);
    ck_assert(has(at_error_detail(error), "AccessTokenHashingLimit"));
    ck_assert_int_eq(hashes + saves, 0);
    ck_assert_str_eq(get("token.pass_code"), "HASH(old)");
    ck_assert_str_eq(get("token.version"), "7");
    /* a pass code that cannot be verified is not a wrong one */
    set_up();
    call.hashing = at_hashing_make(1, 0, NULL);
    ck_assert_str_eq(run_call(BY_IDENTIFIER, ""), "SERVICE_UNAVAILABLE");
    ck_assert_int_eq(verifications + saves, 0);
    ck_assert_str_eq(run_call(BY_CODE, "\"udf_string_1\":\"x\""), "OK");
    end_hashing();
}
END_TEST

/* The time for the database does not include the time for hashing. */
START_TEST(slow_work_extends_the_deadline)
{
    set_up();
    hash_takes = apr_time_from_sec(60);
    save_outcomes = "R";
    ck_assert_str_eq(run_call(BY_IDENTIFIER, "\"pass_code\":\"new\""),
                     "OK");
    ck_assert_int_eq(saves, 2);
}
END_TEST

/* ---- a database in trouble */

/* The members of a request that uses all four operations. */
#define EVERYTHING "\"authentication_code\":null,\"custom_field_set\":" \
    "{\"nick\":\"x\"}"

/* Give OUTCOMES to operation number OPERATION. */
static void trouble(int operation, const char *outcomes)
{
    const char **of_operation[] = { &load_outcomes, &save_outcomes,
                                    &custom_outcomes, &number_outcomes };

    set_up();
    set("rule.authentication_code_creation", "NUMBER");
    *of_operation[operation] = outcomes;
}

START_TEST(an_error_that_may_pass_is_tried_again)
{
    int operation;

    for (operation = 0; operation < 4; operation++) {
        trouble(operation, "R");
        ck_assert_str_eq(update(EVERYTHING), "OK");
        ck_assert_int_eq(loads, 2);
        ck_assert_int_eq(pauses, 1);
        trouble(operation, "RR");
        ck_assert_str_eq(update(EVERYTHING), "OK");
        ck_assert_int_eq(loads, 3);
        ck_assert_int_eq(pauses, 2);
        /* as long as there is time */
        trouble(operation, "AAAA");
        ck_assert_str_eq(update(EVERYTHING), "OK");
        ck_assert_int_eq(loads, 5);
        trouble(operation, "AAAAAAAAAA");
        ck_assert_str_eq(update(EVERYTHING), "SERVICE_UNAVAILABLE");
        ck_assert_int_eq(loads, 6);
        ck_assert_str_eq(at_error_detail(error), "detail: away");
        ck_assert_int_eq(error->fault->kind, AT_FAULT_CONNECTION);
    }
}
END_TEST

/* A call does not begin a wait that the deadline would cut off. */
START_TEST(a_call_that_waited_for_a_lock_waits_again_if_it_has_time)
{
    set_up();
    save_outcomes = "WW";
    ck_assert_str_eq(update("\"udf_string_1\":\"x\""), "SERVICE_UNAVAILABLE");
    ck_assert_int_eq(saves, 2);
    ck_assert_str_eq(at_error_detail(error), "detail: lock");
    set_up();
    save_outcomes = "W";
    ck_assert_str_eq(update("\"udf_string_1\":\"x\""), "OK");
    ck_assert_int_eq(saves, 2);
}
END_TEST

START_TEST(a_call_that_waits_after_a_fault_reports_the_fault)
{
    static const char *const outcomes[][3] = {
        /* load, save, the detail of the error */
        { "A.P", "A", "detail: away" }, { "A.T", "A", "detail: away" },
        { "P", "", "detail: no place" }, { "T", "", "detail: in time" },
        { "A.U", "A", "detail: unavailable" },
        /* a lost race and a stale error are not faults that pass */
        { ".T", "L", "detail: in time" }, { "A.T", "L", "detail: in time" },
        { "ST", "", "detail: in time" }, { ".P", "S", "detail: no place" }
    };
    size_t i;

    for (i = 0; i < sizeof(outcomes) / sizeof(outcomes[0]); i++) {
        set_up();
        load_outcomes = outcomes[i][0];
        save_outcomes = outcomes[i][1];
        ck_assert_str_eq(update("\"udf_string_1\":\"x\""),
                         "SERVICE_UNAVAILABLE");
        ck_assert_str_eq(at_error_detail(error), outcomes[i][2]);
    }
}
END_TEST

/* A few times, whatever other errors occur between. */
START_TEST(a_stale_error_is_tried_again)
{
    set_up();
    load_outcomes = "S.S.";
    save_outcomes = "SRS";
    ck_assert_str_eq(update("\"udf_string_1\":\"x\""), "OK");
    set_up();
    save_outcomes = "SSSSSSSS";
    ck_assert_str_eq(update("\"udf_string_1\":\"x\""), "INTERNAL_ERROR");
    ck_assert_str_eq(at_error_detail(error), "detail: stale");
    ck_assert_int_eq(error->fault->kind, AT_FAULT_BROKEN);
    ck_assert_int_eq(saves, 5);
}
END_TEST

/* Retries and lost races are counted apart. */
START_TEST(retries_between_lost_races_are_no_races)
{
    set_up();
    save_outcomes = "LLLRLLLLRLL";
    ck_assert_str_eq(update("\"udf_string_1\":\"x\""), "OK");
    ck_assert_int_eq(loads, 12);
    set_up();
    save_outcomes = apr_pstrcat(pool, races(99), "R", (char *)NULL);
    ck_assert_str_eq(update("\"udf_string_1\":\"x\""), "OK");
}
END_TEST

START_TEST(a_database_out_of_reach_is_reported_at_once)
{
    int operation;

    for (operation = 0; operation < 4; operation++) {
        trouble(operation, "U");
        ck_assert_str_eq(update(EVERYTHING), "SERVICE_UNAVAILABLE");
        ck_assert_str_eq(at_error_detail(error), "detail: unavailable");
        ck_assert(!has(error->description, "detail"));
        ck_assert_int_eq(loads, 1);
        ck_assert_int_eq(pauses, 0);
        ck_assert_ptr_null(call.etag);
        trouble(operation, "B");
        ck_assert_str_eq(update(EVERYTHING), "INTERNAL_ERROR");
        ck_assert_str_eq(at_error_detail(error), "detail: broken");
        ck_assert(!has(error->description, "detail"));
        ck_assert_int_eq(loads, 1);
    }
}
END_TEST

START_TEST(a_database_that_goes_away_in_between_is_reported)
{
    set_up();
    load_outcomes = ".U";
    save_outcomes = "L";
    ck_assert_str_eq(update("\"udf_string_1\":\"x\""),
                     "SERVICE_UNAVAILABLE");
    ck_assert_str_eq(call.id, "T1");
    set_up();
    save_outcomes = "LRLB";
    ck_assert_str_eq(update("\"udf_string_1\":\"x\""), "INTERNAL_ERROR");
}
END_TEST

int main(void)
{
    TCase *tests = test_begin("test_attempt");

    tcase_add_test(tests, slow_work_is_done_once);
    tcase_add_test(tests, slow_work_extends_the_deadline);
    tcase_add_test(tests, slow_work_that_has_no_turn_is_unavailable);
    tcase_add_test(tests, an_error_that_may_pass_is_tried_again);
    tcase_add_test(tests,
                   a_call_that_waited_for_a_lock_waits_again_if_it_has_time);
    tcase_add_test(tests, a_call_that_waits_after_a_fault_reports_the_fault);
    tcase_add_test(tests, a_stale_error_is_tried_again);
    tcase_add_test(tests, retries_between_lost_races_are_no_races);
    tcase_add_test(tests, a_database_out_of_reach_is_reported_at_once);
    tcase_add_test(tests, a_database_that_goes_away_in_between_is_reported);
    return test_end(tests);
}
