/* SPDX-License-Identifier: Apache-2.0 */
#include "at_idempotency.h"

#include <stdlib.h>
#include <string.h>

#include <apr_strings.h>

#include "at_digest.h"
#include "at_write.h"

static int is_key(const char *key)
{
    apr_size_t length = 0;

    while (key[length] > ' ' && key[length] <= '~') {
        length++;
    }
    return !key[length] && length > 0 && length <= AT_IDEMPOTENCY_KEY_LENGTH;
}

/* The text of the quoted string TEXT (RFC 8941, 3.3.3). NULL if it is not one:
 * a backslash may only escape a quote or a backslash, and nothing may follow
 * the closing quote. */
static const char *unquote(const char *text, apr_pool_t *pool)
{
    char *key = apr_palloc(pool, strlen(text));
    char *to = key;

    for (text++; *text && *text != '"'; text++) {
        if (*text == '\\' && *++text != '"' && *text != '\\') {
            return NULL;
        }
        *to++ = *text;
    }
    *to = '\0';
    return *text && !text[1] ? key : NULL;
}

at_error_t *at_idempotency_key(const char **key, const char *header,
                               const at_secret_t *secret, apr_pool_t *pool)
{
    if (!secret) {
        return at_error_make(pool, AT_INVALID_REQUEST, "This server does not "
                             "support Idempotency-Key. Send the request "
                             "without it.");
    }
    *key = *header == '"' ? unquote(header, pool) : header;
    if (!*key) {
        return at_error_make(pool, AT_INVALID_REQUEST, "The Idempotency-Key "
                             "is not a valid quoted string. It must end with "
                             "a quote, and nothing may follow. Inside, write "
                             "a quote as \\\" and a backslash as \\\\. Send "
                             "the header only once.");
    }
    if (!is_key(*key)) {
        return at_error_make(pool, AT_INVALID_REQUEST, "An Idempotency-Key "
                             "must have 1 to %d visible ASCII characters, "
                             "with or without quotes around them. Send the "
                             "header only once.", AT_IDEMPOTENCY_KEY_LENGTH);
    }
    return NULL;
}

static int compare_names(const void *one, const void *other)
{
    return strcmp(((const at_json_member_t *)one)->name,
                  ((const at_json_member_t *)other)->name);
}

/* VALUE with the members of each object in the order of their names;
 * without the member LEFT_OUT, if that is not NULL. */
static at_json_t *sorted(const at_json_t *value, const char *left_out,
                         apr_pool_t *pool)
{
    at_json_t *copy = apr_pmemdup(pool, value, sizeof(*copy));
    int i;

    if (value->type == AT_JSON_ARRAY) {
        copy->elements = apr_array_copy(pool, value->elements);
        for (i = 0; i < copy->elements->nelts; i++) {
            at_json_t **element = &APR_ARRAY_IDX(copy->elements, i,
                                                 at_json_t *);

            *element = sorted(*element, NULL, pool);
        }
    }
    if (value->type == AT_JSON_OBJECT) {
        copy->members = apr_array_make(pool, value->members->nelts,
                                       sizeof(at_json_member_t));
        for (i = 0; i < value->members->nelts; i++) {
            at_json_member_t member = APR_ARRAY_IDX(value->members, i,
                                                    at_json_member_t);

            if (!left_out || strcmp(member.name, left_out)) {
                member.value = sorted(member.value, NULL, pool);
                APR_ARRAY_PUSH(copy->members, at_json_member_t) = member;
            }
        }
        qsort(copy->members->elts, (size_t)copy->members->nelts,
              sizeof(at_json_member_t), compare_names);
    }
    return copy;
}

const char *at_idempotency_digest(const at_json_t *root,
                                  const at_secret_t *secret,
                                  apr_pool_t *pool)
{
    at_writer_t *writer = at_writer_make_secret(pool);
    const char *text;

    at_write_json(writer, sorted(root, "token", pool));
    text = at_writer_text(writer, NULL);
    return text ? at_digest_hmac(pool, secret->bytes, secret->length, text)
                : NULL;
}
