/* SPDX-License-Identifier: Apache-2.0 */
/* Contract, section 3: ID is 32 upper-case hex digits, 128 random bits. */
#include "test_support.h"

#include <limits.h>
#include <string.h>

#include <apr_hash.h>

#include "at_generate.h"

#define DIGITS "0123456789ABCDEF"

START_TEST(an_id_is_32_upper_case_hexadecimal_digits)
{
    apr_hash_t *seen = apr_hash_make(pool);
    int counts[32][16];
    int i, place, digit;

    memset(counts, 0, sizeof(counts));
    for (i = 0; i < 4000; i++) {
        const char *id = at_generate_id(pool);

        ck_assert_uint_eq(strlen(id), 32);
        ck_assert_uint_eq(strspn(id, DIGITS), 32);
        ck_assert_msg(!apr_hash_get(seen, id, 32), "%s came twice", id);
        apr_hash_set(seen, id, 32, id);
        for (place = 0; place < 32; place++) {
            counts[place][strchr(DIGITS, id[place]) - DIGITS]++;
        }
    }
    /* 250 expected; off by 125 is eight standard deviations. */
    for (place = 0; place < 32; place++) {
        for (digit = 0; digit < 16; digit++) {
            ck_assert_msg(counts[place][digit] > 125
                          && counts[place][digit] < 375,
                          "digit %X at %d: %d times",
                          (unsigned int)digit, place,
                          counts[place][digit]);
        }
    }
}
END_TEST

START_TEST(a_random_number_reaches_both_ends_and_no_further)
{
    int seen[4] = { 0, 0, 0, 0 };
    int i;

    for (i = 0; i < 1000; i++) {
        unsigned int number = at_generate_up_to(3);

        ck_assert_uint_le(number, 3);
        seen[number]++;
        ck_assert_uint_eq(at_generate_up_to(0), 0);
    }
    for (i = 0; i < 4; i++) {
        ck_assert_int_gt(seen[i], 150);
    }
}
END_TEST

START_TEST(the_greatest_bound_is_no_division_by_zero)
{
    unsigned int greatest = 0;
    int i;

    for (i = 0; i < 100; i++) {
        unsigned int number = at_generate_up_to(UINT_MAX);

        greatest = number > greatest ? number : greatest;
    }
    ck_assert_uint_gt(greatest, UINT_MAX / 2);
}
END_TEST

int main(void)
{
    TCase *tests = test_begin("test_generate");

    tcase_add_test(tests, an_id_is_32_upper_case_hexadecimal_digits);
    tcase_add_test(tests,
                   a_random_number_reaches_both_ends_and_no_further);
    tcase_add_test(tests, the_greatest_bound_is_no_division_by_zero);
    return test_end(tests);
}
