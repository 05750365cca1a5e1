/* SPDX-License-Identifier: Apache-2.0 */
/* A fault is reported when it begins and when it is over. */
#include "test_support.h"

#include <string.h>

#include "at_incident.h"

static at_incident_t incidents[AT_FAULT_COUNT];
static at_incident_report_t report;

static apr_time_t at(int seconds)
{
    return apr_time_from_sec(1000000 + seconds);
}

static void set_up(void)
{
    memset(incidents, 0, sizeof(incidents));
}

static int begins_in(at_incident_t *of, at_fault_kind_e kind,
                     const char *detail, int seconds)
{
    return at_incident_begins(of, at_fault_make(pool, AT_STORE_RETRY, kind,
                                                "%s", detail), at(seconds));
}

static int begins(at_fault_kind_e kind, const char *detail, int seconds)
{
    return begins_in(incidents, kind, detail, seconds);
}

static int over(int seconds)
{
    return at_incident_over(&report, incidents, at(seconds));
}

START_TEST(a_fault_is_reported_once)
{
    int second;

    ck_assert(begins(AT_FAULT_CONNECTION, "first", 0));
    for (second = 0; second < 3000; second++) {
        ck_assert(!begins(AT_FAULT_CONNECTION, "another text", second));
    }
}
END_TEST

START_TEST(it_is_over_after_a_quiet_time)
{
    ck_assert(!over(0));
    ck_assert(begins(AT_FAULT_WAIT, "x", 0));
    ck_assert(!begins(AT_FAULT_WAIT, "x", 7));
    ck_assert(!over(7));
    ck_assert(!over(7 + AT_INCIDENT_QUIET - 1));
    ck_assert(over(7 + AT_INCIDENT_QUIET));
    ck_assert_int_eq(report.kind, AT_FAULT_WAIT);
    ck_assert_uint_eq(report.calls, 2);
    ck_assert_uint_eq(report.seconds, 7);
    ck_assert(!over(100));
    /* the next fault is reported again */
    ck_assert(begins(AT_FAULT_WAIT, "x", 101));
    ck_assert(over(200));
    ck_assert_uint_eq(report.calls, 1);
    ck_assert_uint_eq(report.seconds, 0);
}
END_TEST

static apr_time_t away(int seconds)
{
    return at_incident_away(incidents, at(seconds), apr_time_from_sec(5));
}

START_TEST(how_long_connecting_has_failed_is_known)
{
    ck_assert_int_eq(away(3), at(3));
    ck_assert_int_eq(away(6), at(3));
    ck_assert_int_eq(away(11), at(3));
    /* nobody tried for long: another outage */
    ck_assert_int_eq(away(17), at(17));
    at_incident_back(incidents);
    ck_assert_int_eq(away(18), at(18));
    ck_assert_int_eq(away(19), at(18));
    /* this is not an incident: an incident makes calls fail */
    ck_assert(!over(100));
}
END_TEST

START_TEST(faults_of_two_kinds_are_two)
{
    ck_assert(begins(AT_FAULT_CONNECTION, "x", 0));
    ck_assert(begins(AT_FAULT_PLACE, "x", 0));
    ck_assert(!begins(AT_FAULT_CONNECTION, "x", 1));
    ck_assert(over(50));
    ck_assert(over(50));
    ck_assert(!over(50));
}
END_TEST

/* An administrator has to fix each of them by itself. */
START_TEST(each_broken_thing_is_a_fault_of_its_own)
{
    ck_assert(begins(AT_FAULT_BROKEN, "a column is missing", 0));
    ck_assert(!begins(AT_FAULT_BROKEN, "a column is missing", 1));
    ck_assert(begins(AT_FAULT_BROKEN, "a table is missing", 2));
    ck_assert(!begins(AT_FAULT_BROKEN, "a table is missing", 3));
    ck_assert(over(50));
    ck_assert_uint_eq(report.calls, 2);
}
END_TEST

START_TEST(an_error_outside_the_database_is_always_reported)
{
    ck_assert(begins(AT_FAULT_NONE, "x", 0));
    ck_assert(begins(AT_FAULT_NONE, "x", 0));
    ck_assert(at_incident_begins(incidents, NULL, at(0)));
    ck_assert(at_incident_begins(incidents, NULL, at(0)));
    ck_assert(!over(50));
    ck_assert(begins_in(NULL, AT_FAULT_WAIT, "x", 0));
    ck_assert(begins_in(NULL, AT_FAULT_WAIT, "x", 0));
    ck_assert(!at_incident_over(&report, NULL, at(50)));
}
END_TEST

START_TEST(each_fault_has_a_name)
{
    int kind;

    for (kind = AT_FAULT_NONE + 1; kind < AT_FAULT_COUNT; kind++) {
        ck_assert(*at_incident_name((at_fault_kind_e)kind));
    }
}
END_TEST

int main(void)
{
    TCase *tests = test_begin("test_incident");

    tcase_add_checked_fixture(tests, set_up, NULL);
    tcase_add_test(tests, each_fault_has_a_name);
    tcase_add_test(tests, an_error_outside_the_database_is_always_reported);
    tcase_add_test(tests, it_is_over_after_a_quiet_time);
    tcase_add_test(tests, how_long_connecting_has_failed_is_known);
    tcase_add_test(tests, faults_of_two_kinds_are_two);
    tcase_add_test(tests, each_broken_thing_is_a_fault_of_its_own);
    tcase_add_test(tests, a_fault_is_reported_once);
    return test_end(tests);
}
