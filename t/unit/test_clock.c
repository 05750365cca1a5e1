/* SPDX-License-Identifier: Apache-2.0 */
/* Time for deadlines, and how often something is tried again. */
#include "test_support.h"

#include "at_clock.h"

START_TEST(the_clock_never_gives_no_time_and_never_goes_back)
{
    apr_time_t before = at_clock_now();

    ck_assert(before >= apr_time_from_sec(1));
    ck_assert(at_clock_now() >= before);
}
END_TEST

START_TEST(what_fails_is_tried_three_times_with_pauses)
{
    apr_time_t begin = at_clock_now();
    int failures = 0, tries = 0;

    do {
        tries++;
    } while (at_clock_try_again(&failures));
    ck_assert_int_eq(tries, 3);
    ck_assert(at_clock_now() >= begin + apr_time_from_msec(150));
}
END_TEST

int main(void)
{
    TCase *tests = test_begin("test_clock");

    tcase_add_test(tests, the_clock_never_gives_no_time_and_never_goes_back);
    tcase_add_test(tests, what_fails_is_tried_three_times_with_pauses);
    return test_end(tests);
}
