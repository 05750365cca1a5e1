/* SPDX-License-Identifier: Apache-2.0 */
#include "at_cost.h"

#include <math.h>
#include <stddef.h>
#include <string.h>

/* Microseconds: of bcrypt for 2^cost = 1, of the others for N * r * p = 1, one
 * block of memory. */
#define BCRYPT_UNIT   48.8
#define SCRYPT_UNIT   0.21
#define YESCRYPT_UNIT 0.15
#define BSDI_UNIT     0.12

#define MEGABYTE 1048576.0

/* No setting of libcrypt has that many. */
#define MOST_BITS 30

/* The schemes whose time is proportional to a count of rounds. */
static const struct {
    const char *prefix;
    const char *label;        /* before the count; NULL: no count is written */
    double usual;             /* the count if the label is absent */
    double added;             /* rounds besides the count */
    double unit;              /* microseconds of one round */
} counted[] = {
    { "$6$",    "rounds=",  5000, 0,    0.3 },
    { "$5$",    "rounds=",  5000, 0,    0.39 },
    { "$sm3$",  "rounds=",  5000, 0,    0.39 },
    { "$sha1$", "",         0,    0,    0.63 },
    { "$md5",   ",rounds=", 0,    4096, 1.2 },
    { "$1$",    NULL,       1000, 0,    0.14 },
    { "$apr1$", NULL,       1000, 0,    0.14 },
    { "$3$",    NULL,       1,    0,    1 },
    { "{SHA}",  NULL,       1,    0,    1 }
};

#define COUNTED ((int)(sizeof(counted) / sizeof(counted[0])))

static const char digits64[] =
    "./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/* Advance *TEXT past PREFIX. False if it does not begin with that. */
static int skip(const char **text, const char *prefix)
{
    size_t length = strlen(prefix);

    if (strncmp(*text, prefix, length)) {
        return 0;
    }
    *text += length;
    return 1;
}

/* The decimal number at TEXT, of any size. */
static double read_decimal(const char *text)
{
    double number = 0;

    for (; *text >= '0' && *text <= '9'; text++) {
        number = number * 10 + (*text - '0');
    }
    return number;
}

/* Read the digit at *TEXT into *DIGIT and advance *TEXT. False if it is not a
 * digit; *DIGIT is 0 then. */
static int read_digit(int *digit, const char **text)
{
    const char *place = **text ? strchr(digits64, **text) : NULL;

    *digit = place ? (int)(place - digits64) : 0;
    *text += place != NULL;
    return place != NULL;
}

/* Read COUNT digits at *TEXT, the lowest first, into *NUMBER. False if there
 * are fewer. */
static int read_digits(double *number, const char **text, int count)
{
    double weight = 1;

    for (*number = 0; count > 0; count--, weight *= 64) {
        int digit;

        if (!read_digit(&digit, text)) {
            return 0;
        }
        *number += digit * weight;
    }
    return 1;
}

/* Read a number as yescrypt writes it, which is LEAST at least: its first digit
 * says how many follow. False if there is none. */
static int read_variable(double *number, const char **text, double least)
{
    int start = 0, end = 47, bits = 0, digit;

    if (!read_digit(&digit, text)) {
        return 0;
    }
    *number = least;
    while (digit > end && bits < MOST_BITS) {
        *number += ldexp(end + 1 - start, bits);
        start = end + 1;
        end = start + (62 - end) / 2;
        bits += 6;
    }
    if (digit > end) {
        return 0;
    }
    *number += ldexp(digit - start, bits);
    while (bits > 0) {
        if (!read_digit(&digit, text)) {
            return 0;
        }
        bits -= 6;
        *number += ldexp(digit, bits);
    }
    return 1;
}

/* Set the cost of scrypt or yescrypt: R is the block size, and P the number of
 * parallel tasks. */
static void set_memory_hard(at_cost_t *cost, double unit, double log2_n,
                            double r, double p)
{
    double n = ldexp(1, log2_n < 64 ? (int)log2_n : 64);

    cost->milliseconds = unit * n * r * p / 1000;
    cost->megabytes = 128 * r * (n > p ? n : p) / MEGABYTE;
}

static int read_scrypt(at_cost_t *cost, const char *text)
{
    double log2_n, r, p;

    if (!read_digits(&log2_n, &text, 1) || !read_digits(&r, &text, 5)
        || !read_digits(&p, &text, 5)) {
        return 0;
    }
    set_memory_hard(cost, SCRYPT_UNIT, log2_n, r, p);
    return 1;
}

/* True if the bit of WEIGHT is set in MASK, which can be of any size. */
static int has_bit(double mask, double weight)
{
    return fmod(mask, 2 * weight) >= weight;
}

static int read_yescrypt(at_cost_t *cost, const char *text)
{
    double flavour, log2_n, r, more = 0, p = 1, t = 0;

    if (!read_variable(&flavour, &text, 0)
        || !read_variable(&log2_n, &text, 1)
        || !read_variable(&r, &text, 1)) {
        return 0;
    }
    /* The bits of this mask say which numbers follow. */
    if (*text && *text != '$' && !read_variable(&more, &text, 1)) {
        return 0;
    }
    if (has_bit(more, 1) && !read_variable(&p, &text, 2)) {
        return 0;
    }
    if (has_bit(more, 2) && !read_variable(&t, &text, 1)) {
        return 0;
    }
    set_memory_hard(cost, YESCRYPT_UNIT * (1 + t), log2_n, r, p);
    return 1;
}

static int read_bcrypt(at_cost_t *cost, const char *text)
{
    double log2_n;

    if (!*text || !strchr("abxy", *text) || text[1] != '$') {
        return 0;
    }
    log2_n = read_decimal(text + 2);
    cost->milliseconds = ldexp(BCRYPT_UNIT, log2_n < 99 ? (int)log2_n : 99)
                         / 1000;
    return 1;
}

static int read_counted(at_cost_t *cost, const char *hash)
{
    int i;

    for (i = 0; i < COUNTED; i++) {
        const char *text = hash;

        if (skip(&text, counted[i].prefix)) {
            double count = counted[i].label && skip(&text, counted[i].label)
                           ? read_decimal(text) : counted[i].usual;

            cost->milliseconds = counted[i].unit
                                 * (count + counted[i].added) / 1000;
            return 1;
        }
    }
    return 0;
}

/* True if LENGTH is that of a setting of DES, of its hash (13), or of a hash of
 * bigcrypt, which has 11 more for each 8 characters of a pass code. Other
 * lengths are other hashes, such as MD5 in 32 hexadecimal digits. */
static int is_length_of_des(size_t length)
{
    return length == 2 || (length >= 13 && (length - 13) % 11 == 0);
}

/* The schemes of DES have no prefix. BSDi's begins with _ and four digits. */
static int read_des(at_cost_t *cost, const char *text)
{
    size_t length = strlen(text);
    double count;

    if (skip(&text, "_")) {
        if (!read_digits(&count, &text, 4)) {
            return 0;
        }
        cost->milliseconds = BSDI_UNIT * count / 1000;
        return 1;
    }
    return is_length_of_des(length) && read_digits(&count, &text, 2);
}

int at_cost_read(at_cost_t *cost, const char *hash)
{
    at_cost_t found = { 0, 0 };
    const char *text = hash;
    int is_known;

    if (skip(&text, "$2")) {
        is_known = read_bcrypt(&found, text);
    }
    else if (skip(&text, "$7$")) {
        is_known = read_scrypt(&found, text);
    }
    else if (skip(&text, "$y$") || skip(&text, "$gy$")
             || skip(&text, "$sm3y$")) {
        is_known = read_yescrypt(&found, text);
    }
    else {
        is_known = read_counted(&found, text) || read_des(&found, text);
    }
    if (is_known) {
        *cost = found;
    }
    return is_known;
}

int at_cost_exceeds(const at_cost_t *cost, const at_cost_t *limit)
{
    return cost->milliseconds > limit->milliseconds
           || cost->megabytes > limit->megabytes;
}
