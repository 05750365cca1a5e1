/* SPDX-License-Identifier: Apache-2.0 */
#include "at_text.h"

#include <string.h>

#include <apr_strings.h>
#include <unictype.h>
#include <unistr.h>

/* BYTE in each of eight places. */
#define EIGHT(byte) (APR_UINT64_C(0x0101010101010101) * (byte))

static int is_plain(unsigned char byte)
{
    return byte >= ' ' && byte < 0x80 && byte != '"' && byte != '\\';
}

/* The highest bit of each byte is 0 if that byte of WORD is plain. After the
 * first byte that is not plain, it may be 1 for plain ones as well. */
static apr_uint64_t find_not_plain(apr_uint64_t word)
{
    apr_uint64_t quote = word ^ EIGHT('"'), backslash = word ^ EIGHT('\\');

    return (word | (word - EIGHT(' ')) | (quote - EIGHT(1))
            | (backslash - EIGHT(1))) & EIGHT(0x80);
}

/* The position, in eight bytes of TEXT, of the first that FOUND marks. */
static apr_size_t first_place(apr_uint64_t found, const char *text)
{
#if defined(__GNUC__) && __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
    (void)text;
    return (apr_size_t)__builtin_ctzll(found) / 8;
#else
    apr_size_t i = 0;

    (void)found;
    while (is_plain((unsigned char)text[i])) {
        i++;
    }
    return i;
#endif
}

static apr_uint64_t not_plain_of(const char *text)
{
    apr_uint64_t word;

    memcpy(&word, text, sizeof(word));
    return find_not_plain(word);
}

/* Eight bytes at a time: replies and long bodies are mostly plain. */
apr_size_t at_text_plain_length(const char *text, apr_size_t length)
{
    apr_size_t i = 0;

    while (length - i >= 8) {
        apr_uint64_t found = not_plain_of(text + i);

        if (found) {
            return i + first_place(found, text + i);
        }
        i += 8;
    }
    /* The last bytes, together with some before them. */
    if (length >= 8 && !not_plain_of(text + length - 8)) {
        return length;
    }
    while (i < length && is_plain((unsigned char)text[i])) {
        i++;
    }
    return i;
}

/* Set what must follow the lead byte of a longer character (RFC 3629). */
static at_utf8_e utf8_lead(at_utf8_t *state, unsigned char byte)
{
    state->low = 0x80;
    state->high = 0xBF;
    if (byte < 0x80) {
        return AT_UTF8_COMPLETE;
    }
    if (byte >= 0xC2 && byte <= 0xDF) {
        state->missing = 1;
    }
    else if (byte >= 0xE0 && byte <= 0xEF) {
        state->missing = 2;
        state->low = byte == 0xE0 ? 0xA0 : 0x80;
        state->high = byte == 0xED ? 0x9F : 0xBF;
    }
    else if (byte >= 0xF0 && byte <= 0xF4) {
        state->missing = 3;
        state->low = byte == 0xF0 ? 0x90 : 0x80;
        state->high = byte == 0xF4 ? 0x8F : 0xBF;
    }
    else {
        return AT_UTF8_INVALID;
    }
    return AT_UTF8_PARTIAL;
}

at_utf8_e at_utf8_feed(at_utf8_t *state, unsigned char byte)
{
    if (state->missing == 0) {
        return utf8_lead(state, byte);
    }
    if (byte < state->low || byte > state->high) {
        return AT_UTF8_INVALID;
    }
    state->low = 0x80;
    state->high = 0xBF;
    state->missing--;
    return state->missing > 0 ? AT_UTF8_PARTIAL : AT_UTF8_COMPLETE;
}

const char *at_utf8_repair(apr_pool_t *pool, const char *text,
                           apr_size_t *length)
{
    const uint8_t *from = (const uint8_t *)text;
    const uint8_t *end = from + *length;
    uint8_t *repaired, *to;

    if (!u8_check(from, *length)) {
        return text;
    }
    /* U+FFFD takes three bytes and replaces at least one. */
    to = repaired = apr_palloc(pool, 3 * *length + 1);
    while (from < end) {
        ucs4_t character;

        from += u8_mbtouc(&character, from, (size_t)(end - from));
        to += u8_uctomb(to, character, 4);
    }
    *to = '\0';
    *length = (apr_size_t)(to - repaired);
    return (const char *)repaired;
}

/* The character at *TEXT, which is advanced; 0 at the end. */
static ucs4_t next_character(const char **text)
{
    ucs4_t character = (unsigned char)**text;
    int size = character < 0x80 ? character != 0
               : u8_strmbtouc(&character, (const uint8_t *)*text);

    if (size <= 0) {
        return 0;
    }
    *text += size;
    return character;
}

apr_size_t at_text_length(const char *text)
{
    return u8_mbsnlen((const uint8_t *)text, strlen(text));
}

const char *at_text_quoted(apr_pool_t *pool, const char *text)
{
    const char *end = text;
    int i;

    for (i = 0; i < AT_TEXT_QUOTED && next_character(&end) != 0; i++) {
        continue;
    }
    return *end ? apr_psprintf(pool, "%.*s...", (int)(end - text), text)
                : text;
}

int at_text_has_control(const char *text)
{
    ucs4_t character;

    while ((character = next_character(&text)) != 0) {
        if (uc_is_general_category_withtable(character,
                                             UC_CATEGORY_MASK_Cc)) {
            return 1;
        }
    }
    return 0;
}

int at_text_has_outer_space(const char *text)
{
    ucs4_t character = next_character(&text);

    if (character && uc_is_property_white_space(character)) {
        return 1;
    }
    while (*text) {
        character = next_character(&text);
    }
    return character && uc_is_property_white_space(character);
}

void at_text_count(at_text_counts_t *counts, const char *text)
{
    ucs4_t character;

    memset(counts, 0, sizeof(*counts));
    while ((character = next_character(&text)) != 0) {
        counts->characters++;
        if (character >= '0' && character <= '9') {
            counts->digits++;
        }
        else if (uc_is_general_category_withtable(character,
                                                  UC_CATEGORY_MASK_L)) {
            counts->letters++;
        }
        else {
            counts->special++;
        }
    }
}

int at_text_is_digits(const char *text)
{
    return *text && text[strspn(text, "0123456789")] == '\0';
}

/* True for a byte of a domain's label: a letter, a digit, non-ASCII. */
static int is_label_byte(char byte)
{
    return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z')
           || (byte >= '0' && byte <= '9') || (unsigned char)byte >= 0x80;
}

/* True if TEXT of LENGTH bytes is a label of a domain name (RFC 1034). */
static int is_label(const char *text, apr_size_t length)
{
    apr_size_t i;

    if (length == 0 || length > 63 || text[0] == '-'
        || text[length - 1] == '-') {
        return 0;
    }
    for (i = 0; i < length; i++) {
        if (text[i] != '-' && !is_label_byte(text[i])) {
            return 0;
        }
    }
    return 1;
}

int at_text_is_email(const char *text)
{
    const char *at = strchr(text, '@');
    const char *label, *byte;

    if (!at || at == text || *text == '.' || at[-1] == '.') {
        return 0;
    }
    for (byte = text; byte < at; byte++) {
        if (byte[0] == '.' && byte[1] == '.') {
            return 0;
        }
        if (!is_label_byte(*byte)
            && !strchr(".!#$%&'*+/=?^_`{|}~-", *byte)) {
            return 0;
        }
    }
    for (label = at + 1;; label += strcspn(label, ".") + 1) {
        apr_size_t length = strcspn(label, ".");

        if (!is_label(label, length)) {
            return 0;
        }
        if (label[length] == '\0') {
            return 1;
        }
    }
}
