/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Text as the contract measures it: UTF-8, counted in characters (code
 * points). All functions but the at_utf8_* ones take valid UTF-8 that ends
 * with a NUL.
 */
#ifndef AT_TEXT_H
#define AT_TEXT_H

#include <apr.h>
#include <apr_pools.h>

/** The state of a byte-wise UTF-8 check; all zero at the start. */
typedef struct at_utf8_t {
    unsigned char missing;    /* continuation bytes still to come */
    unsigned char low;        /* least value of the next one */
    unsigned char high;       /* greatest value of the next one */
} at_utf8_t;

/** What a byte makes of a text. */
typedef enum {
    AT_UTF8_COMPLETE,         /* it ends a character */
    AT_UTF8_PARTIAL,          /* more bytes of its character must follow */
    AT_UTF8_INVALID           /* the text is not UTF-8 */
} at_utf8_e;

/**
 * Check the next BYTE of a text. Overlong forms, surrogates and values above
 * U+10FFFF are invalid (RFC 3629).
 */
at_utf8_e at_utf8_feed(at_utf8_t *state, unsigned char byte);

/**
 * TEXT of LENGTH bytes, in which each byte that is not part of valid UTF-8
 * is replaced by U+FFFD: TEXT itself if there is none, else a copy in POOL.
 * *LENGTH becomes the length in bytes of what is returned.
 */
const char *at_utf8_repair(apr_pool_t *pool, const char *text,
                           apr_size_t *length);

/** The most characters of a client's text that a message quotes. */
#define AT_TEXT_QUOTED 100

/** The number of characters of TEXT. */
apr_size_t at_text_length(const char *text);

/**
 * TEXT as a message quotes it: TEXT itself, if it has at most
 * AT_TEXT_QUOTED characters, else its first ones and "..." in POOL.
 */
const char *at_text_quoted(apr_pool_t *pool, const char *text);

/** True if TEXT has a control character: C0, DEL or C1. */
int at_text_has_control(const char *text);

/** True if TEXT begins or ends with white space (Unicode White_Space). */
int at_text_has_outer_space(const char *text);

/** What the rules count (contract, section 3). */
typedef struct at_text_counts_t {
    apr_size_t characters;
    apr_size_t letters;       /* a-z, A-Z, any non-ASCII letter */
    apr_size_t digits;        /* 0-9 */
    apr_size_t special;       /* all else */
} at_text_counts_t;

/** Count the characters of TEXT by kind into *COUNTS. */
void at_text_count(at_text_counts_t *counts, const char *text);

/** True if TEXT is one or more of the digits 0-9. */
int at_text_is_digits(const char *text);

/**
 * True if TEXT is an e-mail address: what HTML's "valid e-mail address"
 * is, except that each dot before the @ must be between other characters
 * (RFC 5321, 4.1.2) and that any non-ASCII character is allowed (RFC 6531).
 */
int at_text_is_email(const char *text);

/**
 * The number of bytes at the start of TEXT, at most LENGTH, that JSON writes
 * unchanged within quotes (RFC 8259, section 7): ASCII without control
 * characters, quotes and backslashes.
 */
apr_size_t at_text_plain_length(const char *text, apr_size_t length);

#endif /* AT_TEXT_H */
