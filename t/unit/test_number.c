/* SPDX-License-Identifier: Apache-2.0 */
/*
 * RFC 8259, section 6, for what a number is; ECMA-262, Number::toString,
 * for how it is written, but without the + of an exponent: the contract
 * wants the shortest. The expectations need the C locale's strtod.
 */
#include "test_support.h"

#include <locale.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "at_number.h"

/* To compare doubles, bit by bit. */
static apr_uint64_t bits_of(double value)
{
    apr_uint64_t bits;

    memcpy(&bits, &value, sizeof(bits));
    return bits;
}

static double double_of(apr_uint64_t bits)
{
    double value;

    memcpy(&value, &bits, sizeof(value));
    return value;
}

static int reads_back(const char *text, double value)
{
    return bits_of(strtod(text, NULL)) == bits_of(value);
}

START_TEST(numbers_are_those_of_json)
{
    static const char *const yes[] = {
        "0", "-0", "1", "-1", "10", "1234567890", "0.0", "0.5", "-0.5",
        "1e5", "1E5", "1e+5", "1e-5", "1.25E-10", "0e0", "0e999",
        "0.0000000000000000000000000000000000000001", "1e05"
    };
    static const char *const no[] = {
        "", "-", "+", "+1", "01", "-01", "00", ".5", "-.5", "1.", "1.e5",
        "1e", "1e+", "1e-", "e5", "1e5.0", "1.2.3", "0x10", "1_000", "1,5",
        " 1", "1 ", "1a", "--1", "Infinity", "-Infinity", "inf", "NaN",
        "nan", "1\n", "\xD9\xA3", "1e5e5", "1e\xD9\xA3"
    };
    double value;
    size_t i;

    for (i = 0; i < sizeof(yes) / sizeof(yes[0]); i++) {
        ck_assert_msg(at_number_parse(&value, yes[i]) == AT_NUMBER_READ
                      && (reads_back(yes[i], value)
                          || !strcmp(yes[i], "-0")),
                      "\"%s\" is a number", yes[i]);
    }
    for (i = 0; i < sizeof(no) / sizeof(no[0]); i++) {
        ck_assert_msg(at_number_parse(&value, no[i]) == AT_NUMBER_NONE,
                      "\"%s\" is no number", no[i]);
    }
}
END_TEST

START_TEST(what_overflows_a_double_is_refused)
{
    static const char *const yes[] = {
        "1.7976931348623157e308", "-1.7976931348623157e308",
        "1.7976931348623158e308"
    };
    static const char *const no[] = {
        "1.7976931348623159e308", "-1.7976931348623159e308", "1e309",
        "-1e309", "1e400", "1e99999999999999999999", "2e308"
    };
    double value;
    size_t i;

    for (i = 0; i < sizeof(yes) / sizeof(yes[0]); i++) {
        ck_assert_msg(at_number_parse(&value, yes[i]) == AT_NUMBER_READ,
                      "%s", yes[i]);
        ck_assert_str_eq(at_number_format(pool, fabs(value)),
                         "1.7976931348623157e308");
    }
    for (i = 0; i < sizeof(no) / sizeof(no[0]); i++) {
        ck_assert_msg(at_number_parse(&value, no[i])
                      == AT_NUMBER_TOO_LARGE, "%s", no[i]);
    }
}
END_TEST

START_TEST(zero_has_no_sign_and_takes_what_is_too_small)
{
    static const char *const zeros[] = {
        "0", "-0", "0.0", "-0.0e10", "1e-400", "-1e-400",
        "2.4703282292062327e-324", "1e-99999999999999999999"
    };
    double value;
    size_t i;

    for (i = 0; i < sizeof(zeros) / sizeof(zeros[0]); i++) {
        value = 1;
        ck_assert_msg(at_number_parse(&value, zeros[i]) == AT_NUMBER_READ
                      && bits_of(value) == 0, "%s", zeros[i]);
    }
    ck_assert_int_eq(at_number_parse(&value, "2.4703282292062328e-324"),
                     AT_NUMBER_READ);
    ck_assert_str_eq(at_number_format(pool, value), "5e-324");
    ck_assert_str_eq(at_number_format(pool, 0.0), "0");
    ck_assert_str_eq(at_number_format(pool, -0.0), "0");
}
END_TEST

START_TEST(a_number_of_any_length_is_read)
{
    char *text = apr_pcalloc(pool, 20001);
    double value;

    memset(text, '0', 20000);
    memcpy(text, "1.", 2);
    text[19999] = '1';
    ck_assert_int_eq(at_number_parse(&value, text), AT_NUMBER_READ);
    ck_assert_str_eq(at_number_format(pool, value), "1");
    memset(text, '9', 20000);
    ck_assert_int_eq(at_number_parse(&value, text), AT_NUMBER_TOO_LARGE);
}
END_TEST

START_TEST(a_whole_number_is_one_of_a_bigint)
{
    static const char *const yes[] = {
        "0", "1", "-1", "10", "9007199254740993", "9223372036854775807",
        "-9223372036854775808", "9999999999999999999"
    };
    static const char *const no[] = {
        "", "-", "-0", "00", "01", "-01", "+1", "1.0", "1e2", "1 ", " 1",
        "--1", "10000000000000000000", "\xD9\xA3"
    };
    size_t i;

    for (i = 0; i < sizeof(yes) / sizeof(yes[0]); i++) {
        ck_assert_msg(at_number_is_whole(yes[i]), "\"%s\"", yes[i]);
    }
    for (i = 0; i < sizeof(no) / sizeof(no[0]); i++) {
        ck_assert_msg(!at_number_is_whole(no[i]), "\"%s\"", no[i]);
    }
}
END_TEST

START_TEST(a_natural_number_has_digits_only)
{
    static const char *const natural[] = {
        "0", "1", "007", "9223372036854775807", "18446744073709551615"
    };
    static const char *const others[] = {
        "", "-1", "+1", " 1", "1 ", "1.0", "9.22337203685478e+18", "x"
    };
    size_t i;

    for (i = 0; i < sizeof(natural) / sizeof(*natural); i++) {
        ck_assert_msg(at_number_is_natural(natural[i]), "%s", natural[i]);
    }
    for (i = 0; i < sizeof(others) / sizeof(*others); i++) {
        ck_assert_msg(!at_number_is_natural(others[i]), "%s", others[i]);
    }
}
END_TEST

START_TEST(what_is_formatted_already_is_known)
{
    static const char *const yes[] = {
        "0", "1", "-1", "10", "0.1", "-0.1", "0.000001", "0.000005", "12.5",
        "-12.05", "999999999999999", "0.12345678901234", "1.00000000000001"
    };
    static const char *const no[] = {
        "", "-", "-0", "00", "01", "+1", "1.0", "1.50", ".5", "1.", "0.0",
        "-0.0", "1e2", "1 ", " 1", "0.0000001", "1.5x", "1.5.5", "--1",
        "1000000000000000", "0.123456789012345678", "123456789012.3456"
    };
    unsigned int i, seed = 1;

    for (i = 0; i < sizeof(yes) / sizeof(yes[0]); i++) {
        ck_assert_msg(at_number_is_formatted(yes[i]), "\"%s\"", yes[i]);
    }
    for (i = 0; i < sizeof(no) / sizeof(no[0]); i++) {
        ck_assert_msg(!at_number_is_formatted(no[i]), "\"%s\"", no[i]);
    }
    /* Whatever it takes for formatted is: random digits and points. */
    for (i = 0; i < 200000; i++) {
        char text[20];
        double value;
        int length, k;

        seed = seed * 1103515245u + 12345u;
        length = (int)(seed >> 16) % 17 + 1;
        for (k = 0; k < length; k++) {
            seed = seed * 1103515245u + 12345u;
            text[k] = "00123456789.-"[(seed >> 16) % 13];
        }
        text[length] = '\0';
        if (at_number_is_formatted(text)) {
            apr_pool_t *scratch;

            apr_pool_create(&scratch, pool);
            ck_assert_int_eq(at_number_parse(&value, text), AT_NUMBER_READ);
            ck_assert_str_eq(at_number_format(scratch, value), text);
            apr_pool_destroy(scratch);
        }
    }
}
END_TEST

START_TEST(the_layout_is_that_of_ecmascript_without_plus)
{
    static const struct {
        double value;
        const char *text;
    } cases[] = {
        { 1, "1" }, { -1, "-1" }, { 10, "10" }, { 12.5, "12.5" },
        { 0.1, "0.1" }, { 0.5, "0.5" }, { -0.25, "-0.25" },
        { 123456789012345680000.0, "123456789012345680000" },
        { 1e20, "100000000000000000000" },
        { 999999999999999900000.0, "999999999999999900000" },
        { 1e21, "1e21" }, { 1.5e21, "1.5e21" },
        { -1.2345678901234567e21, "-1.2345678901234568e21" },
        { 0.000001, "0.000001" }, { 1.5e-6, "0.0000015" },
        { 0.00000123456789, "0.00000123456789" },
        { 1e-7, "1e-7" }, { 1.5e-7, "1.5e-7" },
        { 1e100, "1e100" }, { 1e-100, "1e-100" },
        { 9007199254740993.0, "9007199254740992" },
        { 123456.789, "123456.789" }, { 100.01, "100.01" },
        { 0.30000000000000004, "0.30000000000000004" },
        { 5e-324, "5e-324" },
        { 2.2250738585072014e-308, "2.2250738585072014e-308" },
        { 2.225073858507201e-308, "2.225073858507201e-308" },
        { 1.7976931348623157e308, "1.7976931348623157e308" },
        { -1.3701135617873088e-206, "-1.3701135617873088e-206" },
        { 4.35, "4.35" }, { 295147905179352830000.0,
                            "295147905179352830000" },
        { 333333333.33333329, "333333333.3333333" } /* RFC 8785, app. B */
    };
    size_t i;

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        ck_assert_str_eq(at_number_format(pool, cases[i].value),
                         cases[i].text);
    }
}
END_TEST

/* Put the digits of TEXT, no leading or trailing zeros, into DIGITS. */
static void significant_digits(char *digits, const char *text)
{
    char *end = digits;

    for (; *text && *text != 'e'; text++) {
        if (*text >= '0' && *text <= '9'
            && (end > digits || *text != '0')) {
            *end++ = *text;
        }
    }
    while (end > digits && end[-1] == '0') {
        end--;
    }
    *end = '\0';
}

/* True if a decimal of COUNT digits next to VALUE reads back as it. */
static int can_be_shorter(double value, int count)
{
    char text[40];
    int last, step;

    snprintf(text, sizeof(text), "%.*e", count - 1, value);
    if (reads_back(text, value)) {
        return 1;
    }
    /* The next decimals on both sides; where that carries, it is one of
     * fewer digits. */
    last = (text[0] == '-') + count - (count == 1);
    for (step = -1; step <= 1; step += 2) {
        char digit = text[last];

        if (digit + step >= '0' && digit + step <= '9') {
            text[last] = (char)(digit + step);
            if (reads_back(text, value)) {
                return 1;
            }
            text[last] = digit;
        }
        else if (count > 1) {
            snprintf(text, sizeof(text), "%.*e", count - 2, value);
            return reads_back(text, value);
        }
    }
    return 0;
}

static void check_shortest(double value)
{
    apr_pool_t *scratch;
    const char *text;
    char digits[40], reference[40];
    double read;

    apr_pool_create(&scratch, pool);
    text = at_number_format(scratch, value);
    snprintf(reference, sizeof(reference), "%.17g", value);
    expect(reads_back(text, strtod(reference, NULL)),
           "%s does not read back: %s", reference, text);
    expect(at_number_parse(&read, text) == AT_NUMBER_READ
           && bits_of(read) == bits_of(value),
           "%s is read as another number", text);
    significant_digits(digits, text);
    expect(strlen(digits) <= 17, "%s has too many digits", text);
    expect(strlen(digits) <= 1
           || !can_be_shorter(value, (int)strlen(digits) - 1),
           "%s could be shorter", text);
    apr_pool_destroy(scratch);
}

START_TEST(random_numbers_are_written_shortest)
{
    apr_uint64_t seed = APR_UINT64_C(20150527);
    int count;

    for (count = 0; count < test_rounds(100000);) {
        double value = double_of(test_random(&seed));

        if (isfinite(value) && bits_of(value) << 1) {
            check_shortest(value);
            count++;
        }
    }
}
END_TEST

/* Below a power of two the doubles are denser, which makes it special. */
START_TEST(powers_of_two_are_written_shortest)
{
    int exponent;

    for (exponent = -1074; exponent <= 1023; exponent++) {
        double power = ldexp(1, exponent);

        check_shortest(power);
        check_shortest(nextafter(power, 0) > 0 ? nextafter(power, 0)
                                               : power);
        check_shortest(nextafter(power, HUGE_VAL));
    }
    ck_assert_str_eq(at_number_format(pool, ldexp(1, -44)),
                     "5.684341886080802e-14");
}
END_TEST

START_TEST(decimal_numbers_keep_their_digits)
{
    int i;

    for (i = -100000; i <= 100000; i += 7) {
        char text[32];

        snprintf(text, sizeof(text), "%d.%02d", i / 100, abs(i) % 100);
        check_shortest(strtod(text, NULL));
        if (i > 0 && i % 10) {
            expect(!strcmp(at_number_format(pool, strtod(text, NULL)), text),
                   "%s became %s", text,
                   at_number_format(pool, strtod(text, NULL)));
        }
    }
}
END_TEST

START_TEST(the_locale_plays_no_part)
{
    static const char *const names[] = {
        "de_DE.UTF-8", "de_DE.utf8", "fr_FR.UTF-8", "fr_FR.utf8",
        "el_GR.UTF-8", "el_GR.utf8", "ru_RU.UTF-8", "ru_RU.utf8"
    };
    double value;
    size_t i;

    for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (setlocale(LC_ALL, names[i])) {
            break;
        }
    }
    if (i == sizeof(names) / sizeof(names[0])) {
        printf("# no locale with a decimal comma: skipped\n");
        return;
    }
    ck_assert_str_eq(localeconv()->decimal_point, ",");
    ck_assert_str_eq(at_number_format(pool, 12.5), "12.5");
    ck_assert_str_eq(at_number_format(pool, 1.5e300), "1.5e300");
    ck_assert_str_eq(at_number_format(pool, 0.1), "0.1");
    ck_assert_int_eq(at_number_parse(&value, "12.5"), AT_NUMBER_READ);
    ck_assert(bits_of(value) == bits_of(12.5));
    ck_assert_int_eq(at_number_parse(&value, "12,5"), AT_NUMBER_NONE);
    ck_assert_str_eq(localeconv()->decimal_point, ",");
    setlocale(LC_ALL, "C");
}
END_TEST

START_TEST(a_number_ends_where_its_grammar_does)
{
    static const struct {
        const char *text;
        apr_size_t length;
    } cases[] = {
        { "", 0 }, { "-", 0 }, { "x", 0 }, { "+1", 0 }, { ".5", 0 },
        { "0", 1 }, { "-0", 2 }, { "01", 1 }, { "-012", 2 }, { "12", 2 },
        { "12,", 2 }, { "1.5x", 3 }, { "1.2.3", 3 }, { "1e5e6", 3 },
        { "-1.25e-30]", 9 }, { "1E+2-", 4 }, { "1-2", 1 }, { "1.", 0 },
        { "1e", 0 }, { "1e+", 0 }
    };
    size_t i;

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        ck_assert_msg(at_number_length(cases[i].text) == cases[i].length,
                      "%s", cases[i].text);
    }
}
END_TEST

int main(void)
{
    TCase *tests = test_begin("test_number");

    tcase_add_test(tests, numbers_are_those_of_json);
    tcase_add_test(tests, a_number_ends_where_its_grammar_does);
    tcase_add_test(tests, what_overflows_a_double_is_refused);
    tcase_add_test(tests, zero_has_no_sign_and_takes_what_is_too_small);
    tcase_add_test(tests, a_number_of_any_length_is_read);
    tcase_add_test(tests, a_whole_number_is_one_of_a_bigint);
    tcase_add_test(tests, a_natural_number_has_digits_only);
    tcase_add_test(tests, what_is_formatted_already_is_known);
    tcase_add_test(tests, the_layout_is_that_of_ecmascript_without_plus);
    tcase_add_test(tests, random_numbers_are_written_shortest);
    tcase_add_test(tests, powers_of_two_are_written_shortest);
    tcase_add_test(tests, decimal_numbers_keep_their_digits);
    tcase_add_test(tests, the_locale_plays_no_part);
    return test_end(tests);
}
