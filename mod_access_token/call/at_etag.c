/* SPDX-License-Identifier: Apache-2.0 */
#include "at_etag.h"

#include <string.h>

#include <apr_strings.h>

/* True for a character that a tag may contain as it is. */
static int is_tag_character(unsigned char character)
{
    return character > 0x20 && character != '"' && character != '%'
           && character < 0x7F;
}

const char *at_etag_make(apr_pool_t *pool, const char *id,
                         const char *version)
{
    static const char digits[] = "0123456789ABCDEF";
    char *encoded = apr_palloc(pool, 3 * strlen(id) + 1);
    char *to = encoded;

    for (; *id; id++) {
        unsigned char character = (unsigned char)*id;

        if (is_tag_character(character)) {
            *to++ = *id;
        }
        else {
            *to++ = '%';
            *to++ = digits[character >> 4];
            *to++ = digits[character & 15];
        }
    }
    *to = '\0';
    return apr_pstrcat(pool, "\"", encoded, "-", version, "\"",
                       (char *)NULL);
}

/* True if the LENGTH bytes at TAG are TEXT. */
static int is_text(const char *tag, apr_size_t length, const char *text,
                   apr_size_t text_length)
{
    return length == text_length && !memcmp(tag, text, length);
}

/* Compare two tags without their quotes: TAG of the list, and ETAG. */
static int opaque_matches(const char *tag, apr_size_t length,
                          const char *etag, apr_size_t etag_length)
{
    static const char *const suffixes[] = { "-gzip", "-br" };
    int i;

    if (is_text(tag, length, etag, etag_length)) {
        return 1;
    }
    for (i = 0; i < 2; i++) {
        apr_size_t suffix = strlen(suffixes[i]);

        if (length > suffix
            && !memcmp(tag + length - suffix, suffixes[i], suffix)
            && is_text(tag, length - suffix, etag, etag_length)) {
            return 1;
        }
    }
    return 0;
}

/* The length of the entity tag at TEXT, with its quotes; 0 if there is none
 * (RFC 9110, 8.8.3: no white space, no control characters). */
static apr_size_t tag_length(const char *text)
{
    apr_size_t length = 1;

    if (text[0] != '"') {
        return 0;
    }
    while ((unsigned char)text[length] > ' ' && text[length] != '"'
           && text[length] != 0x7F) {
        length++;
    }
    return text[length] == '"' ? length + 1 : 0;
}

at_etag_match_e at_etag_match(const char *list, const char *etag, int weakly)
{
    static const char blanks[] = " \t";
    at_etag_match_e match = AT_ETAG_MALFORMED;
    int separated = 1;

    list += strspn(list, blanks);
    if (list[0] == '*') {
        return list[1 + strspn(list + 1, blanks)] ? AT_ETAG_MALFORMED
                                                  : AT_ETAG_MATCHES;
    }
    while (*list) {
        int weak = !strncmp(list, "W/", 2);
        apr_size_t length = tag_length(list + (weak ? 2 : 0));

        if (*list == ',') {
            separated = 1;
            length = 1;
        }
        else if (!length || !separated) {
            return AT_ETAG_MALFORMED;
        }
        else {
            list += weak ? 2 : 0;
            separated = 0;
            if ((weakly || !weak)
                && opaque_matches(list + 1, length - 2, etag + 1,
                                  strlen(etag) - 2)) {
                match = AT_ETAG_MATCHES;
            }
            else if (match == AT_ETAG_MALFORMED) {
                match = AT_ETAG_DIFFERS;
            }
        }
        list += length;
        list += strspn(list, blanks);
    }
    return match;
}
