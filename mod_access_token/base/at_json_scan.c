/* SPDX-License-Identifier: Apache-2.0 */
#include "at_json_scan.h"

#include <unistr.h>

static const char lone_surrogate[] = "a lone surrogate in a \\u escape";

/* The escape's last hexadecimal digit is read: judge the UTF-16 unit. */
static const char *judge_unit(at_json_scan_t *scan)
{
    int is_high = scan->unit >= 0xD800 && scan->unit <= 0xDBFF;
    int is_low = scan->unit >= 0xDC00 && scan->unit <= 0xDFFF;

    if (scan->unit == 0) {
        return "\\u0000, which no value may hold";
    }
    if (scan->high_surrogate ? !is_low : is_low) {
        return lone_surrogate;
    }
    scan->high_surrogate = is_high;
    return NULL;
}

/* The value of a hexadecimal digit; 16 and more: it is not one. */
static unsigned int hexadecimal_value(unsigned char byte)
{
    unsigned int digit = (unsigned int)byte - '0';
    unsigned int letter = (byte | 0x20U) - 'a';

    return digit < 10 ? digit : letter < 6 ? letter + 10 : 16;
}

/* A byte after a backslash. The parser reports malformed escapes. */
static const char *scan_escape(at_json_scan_t *scan, unsigned char byte)
{
    unsigned int digit;

    if (scan->escape == 1) {
        if (byte != 'u') {
            scan->escape = 0;
            return scan->high_surrogate ? lone_surrogate : NULL;
        }
        scan->escape = 2;
        scan->unit = 0;
        return NULL;
    }
    digit = hexadecimal_value(byte);
    if (digit > 15) {
        scan->escape = 0;
        return NULL;
    }
    scan->unit = scan->unit * 16 + digit;
    if (scan->escape < 5) {
        scan->escape++;
        return NULL;
    }
    scan->escape = 0;
    return judge_unit(scan);
}

static const char *scan_string_byte(at_json_scan_t *scan, unsigned char byte)
{
    if (scan->escape) {
        return scan_escape(scan, byte);
    }
    if (byte == '\\' && !scan->utf8.missing) {
        scan->escape = 1;
        return NULL;
    }
    if (scan->high_surrogate) {
        return lone_surrogate;
    }
    if (byte == '"' && !scan->utf8.missing) {
        scan->in_string = 0;
        return NULL;
    }
    if (at_utf8_feed(&scan->utf8, byte) == AT_UTF8_INVALID) {
        return "text that is not UTF-8";
    }
    return NULL;
}

static const char *scan_byte(at_json_scan_t *scan, unsigned char byte)
{
    if (scan->in_string) {
        return scan_string_byte(scan, byte);
    }
    if (byte == 0xEF && scan->offset == 0) {
        return "a byte order mark";
    }
    if (byte == '\v' || byte == '\f') {
        return "white space that JSON does not know";
    }
    scan->in_string = byte == '"';
    return NULL;
}

/* True if the six bytes of TEXT are an escape of a character that is neither
 * U+0000 nor half of a pair. */
static int is_whole_escape(const char *text)
{
    unsigned int unit = 0, all = 0;
    int i;

    if (text[1] != 'u') {
        return 0;
    }
    for (i = 2; i < 6; i++) {
        unsigned int digit = hexadecimal_value((unsigned char)text[i]);

        all |= digit;
        unit = unit * 16 + digit;
    }
    return all < 16 && unit != 0 && (unit < 0xD800 || unit > 0xDFFF);
}

/* The length of the escape, or of the character in UTF-8, that TEXT begins
 * with; 0 if it is invalid or incomplete. */
static apr_size_t whole_length(const char *text, apr_size_t length)
{
    ucs4_t character;
    int taken;

    if (length == 0) {
        return 0;
    }
    if (*text == '\\') {
        return length >= 6 && is_whole_escape(text) ? 6 : 0;
    }
    if ((unsigned char)*text < 0x80) {
        return 0;
    }
    taken = u8_mbtoucr(&character, (const uint8_t *)text, length);
    return taken > 0 ? (apr_size_t)taken : 0;
}

/* The number of bytes at the start of DATA, at most LENGTH, that are plain
 * ASCII or whole escapes and characters of a string. Most bytes of a long body
 * are, and need no further check. */
static apr_size_t plain_length(const at_json_scan_t *scan, const char *data,
                               apr_size_t length)
{
    apr_size_t plain = 0, whole;

    if (!scan->in_string || scan->escape || scan->high_surrogate
        || scan->utf8.missing) {
        return 0;
    }
    do {
        plain += at_text_plain_length(data + plain, length - plain);
        whole = whole_length(data + plain, length - plain);
        plain += whole;
    } while (whole > 0);
    return plain;
}

const char *at_json_scan(at_json_scan_t *scan, const char *data,
                         apr_size_t length, apr_size_t *good)
{
    const char *problem = NULL;

    *good = 0;
    while (*good < length) {
        apr_size_t plain = plain_length(scan, data + *good, length - *good);

        if (plain == 0) {
            problem = scan_byte(scan, (unsigned char)data[*good]);
            if (problem) {
                break;
            }
            plain = 1;
        }
        *good += plain;
        scan->offset += plain;
    }
    return problem;
}
