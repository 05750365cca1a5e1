/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Numbers as the contract wants them. Input: a finite IEEE double. Output: the
 * shortest JSON number that reads back as the same double, written as
 * ECMAScript and RFC 8785 do, but without the + of an exponent. The locale of
 * the process has no effect.
 */
#ifndef AT_NUMBER_H
#define AT_NUMBER_H

#include <apr_pools.h>

/** What at_number_parse found. */
typedef enum {
    AT_NUMBER_READ,           /* a number that a double can hold */
    AT_NUMBER_NONE,           /* no JSON number */
    AT_NUMBER_TOO_LARGE       /* it overflows a double */
} at_number_e;

/**
 * Read TEXT, a JSON number and nothing else, into *VALUE, which is set only if
 * the outcome is AT_NUMBER_READ. A number that is too small becomes zero, and
 * -0 becomes 0.
 */
at_number_e at_number_parse(double *value, const char *text);

/** The length in bytes of the JSON number that TEXT begins with; 0: none. */
apr_size_t at_number_length(const char *text);

/**
 * True if TEXT is a whole JSON number of at most 19 digits, as a BIGINT has.
 * It is passed on unchanged, since a double has fewer digits.
 */
int at_number_is_whole(const char *text);

/** True if TEXT is one decimal digit or more, and nothing else: a whole number
 *  of 0 or more, of any length. */
int at_number_is_natural(const char *text);

/**
 * True if TEXT is certainly a JSON number as at_number_format writes it. This
 * is decided only for at most 15 digits, which every double keeps; longer
 * numbers give false even if they are written so.
 */
int at_number_is_formatted(const char *text);

/**
 * VALUE, which is finite, in POOL: at most 17 significant digits, plain
 * from 1e-6 to below 1e21, else with an exponent ("5e-324", "1e21").
 */
const char *at_number_format(apr_pool_t *pool, double value);

#endif /* AT_NUMBER_H */
