/* SPDX-License-Identifier: Apache-2.0 */
#include "at_etag.h"

#include <string.h>

#include <apr_strings.h>

/* What a tag may hold between its quotes. */
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

/* Compare what stands between the quotes: TAG in the list, ETAG ours. */
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

int at_etag_matches(const char *if_match, const char *etag)
{
    apr_size_t etag_length = strlen(etag) - 2;

    if_match += strspn(if_match, " \t");
    if (if_match[0] == '*' && !if_match[1 + strspn(if_match + 1, " \t")]) {
        return 1;
    }
    if_match += strspn(if_match, " \t,");
    while (*if_match) {
        int weak = !strncmp(if_match, "W/", 2);
        apr_size_t length;

        if_match += weak ? 2 : 0;
        if (*if_match != '"') {
            return 0;
        }
        length = strcspn(++if_match, "\"");
        if (!if_match[length]) {
            return 0;
        }
        if (!weak && opaque_matches(if_match, length, etag + 1,
                                    etag_length)) {
            return 1;
        }
        if_match += length + 1;
        if_match += strspn(if_match, " \t,");
    }
    return 0;
}
