/* SPDX-License-Identifier: Apache-2.0 */
#include "at_number.h"

#include <locale.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <apr_strings.h>

/* The most of a double in the form of %.16e: "-d.{16 digits}e-324". */
#define SCIENTIFIC_SIZE 32

/* Another module may have set a locale whose decimal point is a comma. */
static locale_t c_locale_begin(locale_t *previous)
{
    locale_t c_locale = newlocale(LC_NUMERIC_MASK, "C", (locale_t)0);

    *previous = uselocale(c_locale);
    return c_locale;
}

static void c_locale_end(locale_t c_locale, locale_t previous)
{
    uselocale(previous);
    if (c_locale) {
        freelocale(c_locale);
    }
}

static double parse_double(const char *text)
{
    locale_t previous;
    locale_t c_locale = c_locale_begin(&previous);
    double value = strtod(text, NULL);

    c_locale_end(c_locale, previous);
    return value;
}

/* RFC 8259, section 6. */
apr_size_t at_number_length(const char *text)
{
    static const char digits[] = "0123456789";
    const char *number = text;
    apr_size_t length;

    text += *text == '-';
    length = strspn(text, digits);
    if (length == 0) {
        return 0;
    }
    text += *text == '0' ? 1 : length;
    if (*text == '.') {
        length = strspn(++text, digits);
        if (length == 0) {
            return 0;
        }
        text += length;
    }
    if (*text == 'e' || *text == 'E') {
        text++;
        text += *text == '-' || *text == '+';
        length = strspn(text, digits);
        if (length == 0) {
            return 0;
        }
        text += length;
    }
    return (apr_size_t)(text - number);
}

static int is_json_number(const char *text)
{
    apr_size_t length = at_number_length(text);

    return length > 0 && text[length] == '\0';
}

int at_number_is_natural(const char *text)
{
    return *text != '\0' && text[strspn(text, "0123456789")] == '\0';
}

int at_number_is_whole(const char *text)
{
    const char *digits = text + (*text == '-');
    apr_size_t length = strspn(digits, "0123456789");

    if (digits[length] || length == 0 || length > 19) {
        return 0;
    }
    return digits[0] != '0' || !strcmp(text, "0");
}

int at_number_is_formatted(const char *text)
{
    static const char digits[] = "0123456789";
    const char *whole = text + (*text == '-');
    apr_size_t length = strspn(whole, digits), behind;
    const char *fraction = whole + length + 1;

    if (length == 0 || length > 15 || (*whole == '0' && length > 1)) {
        return 0;
    }
    if (!whole[length]) {
        return *whole != '0' || whole == text;
    }
    behind = whole[length] == '.' ? strspn(fraction, digits) : 0;
    return behind > 0 && !fraction[behind] && length + behind <= 15
           && fraction[behind - 1] != '0'
           && (*whole != '0' || strspn(fraction, "0") < 6);
}

at_number_e at_number_parse(double *value, const char *text)
{
    double number;

    if (!is_json_number(text)) {
        return AT_NUMBER_NONE;
    }
    number = parse_double(text);
    if (!isfinite(number)) {
        return AT_NUMBER_TOO_LARGE;
    }
    *value = number + 0.0;    /* -0 + 0 is 0 */
    return AT_NUMBER_READ;
}

/* True if SCIENTIFIC, a number of %e, reads back as MAGNITUDE. */
static int reads_back(const char *scientific, double magnitude)
{
    double value = strtod(scientific, NULL);

    return value >= magnitude && value <= magnitude;
}

/*
 * Write MAGNITUDE with PRECISION digits after the point into SCIENTIFIC.
 * True if that reads back as MAGNITUDE. Above a power of two, doubles are
 * further apart than below it, so the nearest decimal may not read back where
 * the next higher one does. A 9 at the end is not raised: the result would
 * have fewer digits, and was tried before.
 */
static int fits(char *scientific, double magnitude, int precision)
{
    char *last;

    snprintf(scientific, SCIENTIFIC_SIZE, "%.*e", precision, magnitude);
    if (reads_back(scientific, magnitude)) {
        return 1;
    }
    last = strchr(scientific, 'e') - 1;
    if (*last == '9') {
        return 0;
    }
    ++*last;
    return reads_back(scientific, magnitude);
}

/*
 * Put the fewest digits of MAGNITUDE that read back as it into DIGITS,
 * without a point, and return its decimal exponent.
 */
static int shortest_digits(char *digits, double magnitude)
{
    char scientific[SCIENTIFIC_SIZE];
    const char *from;
    locale_t previous;
    locale_t c_locale = c_locale_begin(&previous);
    int precision = 0;

    while (!fits(scientific, magnitude, precision) && precision < 16) {
        precision++;
    }
    c_locale_end(c_locale, previous);
    for (from = scientific; *from != 'e'; from++) {
        if (*from != '.') {
            *digits++ = *from;
        }
    }
    *digits = '\0';
    return atoi(from + 1);
}

/* As ECMA-262's Number::toString, without the + of an exponent. */
static const char *layout(apr_pool_t *pool, const char *digits, int exponent)
{
    int count = (int)strlen(digits);

    if (exponent >= count - 1 && exponent < 21) {
        char *zeros = apr_pcalloc(pool, 22);

        memset(zeros, '0', (size_t)(exponent - count + 1));
        return apr_pstrcat(pool, digits, zeros, (char *)NULL);
    }
    if (exponent >= 0 && exponent < 21) {
        return apr_psprintf(pool, "%.*s.%s", exponent + 1, digits,
                            digits + exponent + 1);
    }
    if (exponent < 0 && exponent >= -6) {
        return apr_psprintf(pool, "0.%.*s%s", -exponent - 1, "00000",
                            digits);
    }
    return apr_psprintf(pool, "%c%s%se%d", digits[0],
                        count > 1 ? "." : "", digits + 1, exponent);
}

const char *at_number_format(apr_pool_t *pool, double value)
{
    char digits[SCIENTIFIC_SIZE];
    double magnitude = fabs(value);
    int exponent;

    if (!(magnitude > 0)) {
        return "0";
    }
    exponent = shortest_digits(digits, magnitude);
    return apr_pstrcat(pool, value < 0 ? "-" : "",
                       layout(pool, digits, exponent), (char *)NULL);
}
