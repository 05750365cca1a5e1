/* SPDX-License-Identifier: Apache-2.0 */
/* Contract, section 2, udf_date_1; the Gregorian calendar. */
#include "test_support.h"

#include <stdio.h>
#include <string.h>

#include "at_date.h"

/* Counted by hand, on purpose: the code asks APR. */
static int days_of_month(int year, int month)
{
    static const int days[] = { 31, 28, 31, 30, 31, 30,
                                31, 31, 30, 31, 30, 31 };
    int leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;

    return days[month - 1] + (month == 2 && leap);
}

static void check_year(int year)
{
    int month, day;

    for (month = 0; month <= 13; month++) {
        for (day = 0; day <= 32; day++) {
            char text[32], full[64];
            const char *date, *with_time;
            int exists = month >= 1 && month <= 12 && day >= 1
                         && day <= days_of_month(year, month);

            snprintf(text, sizeof(text), "%04d-%02d-%02d", year, month, day);
            snprintf(full, sizeof(full), "%sT00:00:00", text);
            date = at_date_parse(pool, text);
            with_time = at_date_parse(pool, full);
            expect(exists == (date != NULL), "%s", text);
            expect(exists == (with_time != NULL), "%s", full);
            expect(!exists || !strcmp(date, full), "%s", date);
            expect(!exists || !strcmp(with_time, full), "%s", with_time);
        }
    }
}

START_TEST(the_days_are_those_of_the_calendar)
{
    static const int years[] = { 1000, 1001, 1004, 1100, 1200, 1582, 1600,
                                 1752, 1900, 1969, 1970, 1999, 2000, 2001,
                                 2038, 2100, 2400, 9996, 9999 };
    size_t i;

    for (i = 0; i < sizeof(years) / sizeof(years[0]); i++) {
        check_year(years[i]);
    }
}
END_TEST

START_TEST(years_are_1000_to_9999)
{
    int year;

    for (year = 0; year <= 9999; year++) {
        char text[32];

        snprintf(text, sizeof(text), "%04d-12-31T23:59:59", year);
        ck_assert_msg((at_date_parse(pool, text) != NULL) == (year >= 1000),
                      "%s", text);
    }
    ck_assert_ptr_null(at_date_parse(pool, "10000-01-01"));
}
END_TEST

START_TEST(times_are_those_of_a_clock)
{
    int hour, minute;

    for (hour = 0; hour <= 99; hour++) {
        for (minute = 0; minute <= 99; minute++) {
            char by_minute[32], by_second[32];

            snprintf(by_minute, sizeof(by_minute), "2024-02-29T%02d:%02d:00",
                     hour, minute);
            snprintf(by_second, sizeof(by_second), "2024-02-29T%02d:00:%02d",
                     hour, minute);
            ck_assert_msg((at_date_parse(pool, by_minute) != NULL)
                          == (hour < 24 && minute < 60), "%s", by_minute);
            ck_assert_msg((at_date_parse(pool, by_second) != NULL)
                          == (hour < 24 && minute < 60), "%s", by_second);
        }
    }
    ck_assert_str_eq(at_date_parse(pool, "2024-06-30T12:34:56"),
                     "2024-06-30T12:34:56");
}
END_TEST

START_TEST(other_shapes_are_refused)
{
    static const char *const no[] = {
        "", "2", "2024", "2024-01", "2024-01-", "2024-01-1", "2024-1-01",
        "24-01-01", "2024/01/01", "2024.01.01", "20240101", "01-01-2024",
        "2024-01-01T", "2024-01-01T1:00:00", "2024-01-01T10",
        "2024-01-01T10:00", "2024-01-01 10:00:00", "2024-01-01t10:00:00",
        "2024-01-01T10:00:00Z", "2024-01-01T10:00:00+02:00",
        "2024-01-01T10:00:00.5", "2024-01-01T10:00:00 ", " 2024-01-01",
        "2024-01-01 ", "2024-01-01\n", "-2024-01-01", "+2024-01-01",
        "2024-01-0a", "2024-0x-01", "2024-01-01T10:00:60", "now", "today",
        "2024-W01-1", "2024-001", "\xD9\xA2\xD9\xA0\xD9\xA2\xD9\xA4-01-01",
        "2024-01-01T24:00:00", "0000-01-01", "2024-01\xE2\x80\x93-1"
    };
    size_t i;

    for (i = 0; i < sizeof(no) / sizeof(no[0]); i++) {
        ck_assert_msg(!at_date_parse(pool, no[i]), "\"%s\"", no[i]);
    }
}
END_TEST

START_TEST(times_are_written_in_utc_without_a_zone)
{
    static const struct {
        apr_int64_t seconds;
        const char *text;
    } cases[] = {
        { 0, "1970-01-01T00:00:00" },
        { 951782400, "2000-02-29T00:00:00" },
        { 1432731022, "2015-05-27T12:50:22" },
        { 2147483647, "2038-01-19T03:14:07" },
        { 4102444799, "2099-12-31T23:59:59" }
    };
    size_t i;

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        apr_time_t time = apr_time_from_sec(cases[i].seconds);

        ck_assert_str_eq(at_date_format(pool, time), cases[i].text);
        ck_assert_str_eq(at_date_format(pool, time + 999999),
                         cases[i].text);
        ck_assert_str_eq(at_date_parse(pool, cases[i].text), cases[i].text);
    }
}
END_TEST

int main(void)
{
    TCase *tests = test_begin("test_date");

    tcase_add_test(tests, the_days_are_those_of_the_calendar);
    tcase_add_test(tests, years_are_1000_to_9999);
    tcase_add_test(tests, times_are_those_of_a_clock);
    tcase_add_test(tests, other_shapes_are_refused);
    tcase_add_test(tests, times_are_written_in_utc_without_a_zone);
    return test_end(tests);
}
