/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The body of a request, from the parser to the parameters. The first byte
 * says how the rest, the body, is cut.
 */
#include "fuzz.h"

#include <string.h>

#include <apr_pools.h>
#include <yajl/yajl_parse.h>

#include "at_custom.h"
#include "at_field.h"
#include "at_json.h"
#include "at_reply.h"
#include "at_request.h"
#include "at_write.h"

const char fuzz_corpus[] = "request";
const int fuzz_random = 0;

/* The cuts of a body that comes byte by byte. */
#define BYTEWISE 0xFFFFFFFFU

static size_t fed;               /* the bytes that yajl got, */
static int pieces;               /* and the number of pieces */

yajl_status __real_yajl_parse(yajl_handle yajl, const unsigned char *text,
                              size_t length);
yajl_status __wrap_yajl_parse(yajl_handle yajl, const unsigned char *text,
                              size_t length);
yajl_status __wrap_yajl_parse(yajl_handle yajl, const unsigned char *text,
                              size_t length)
{
    fed += length;
    pieces++;
    return __real_yajl_parse(yajl, text, length);
}

/* Parse DATA, cut as CUTS says (0: not at all). Yajl gets each byte once if
 * DATA is right, at most twice if it is wrong. */
static at_error_t *parse(at_json_t **root, const uint8_t *data, size_t size,
                         unsigned int cuts, apr_pool_t *pool)
{
    at_json_parser_t *parser = at_json_parser_make(pool);
    const size_t all = size;
    at_error_t *error;

    fed = 0;
    pieces = 0;
    while (size > 0) {
        size_t length = cuts == BYTEWISE ? 1
                        : cuts ? cuts % 7 + (cuts % 3 == 0) * (cuts % 64)
                        : size;
        char *piece;

        if (length > size) {
            length = size;
        }
        piece = malloc(length + !length);
        memcpy(piece, data, length);
        at_json_parser_feed(parser, piece, length);
        free(piece);
        data += length;
        size -= length;
        if (cuts != BYTEWISE) {
            cuts = cuts * 1103515245 + 12345;
            cuts += cuts == 0;
        }
    }
    error = at_json_parser_finish(root, parser);
    require(fed <= (error ? 2 * all : all) && pieces <= (error ? 3 : 1));
    require(!*root == (error != NULL));
    return error;
}

static const char *written(const at_json_t *root, apr_pool_t *pool)
{
    at_writer_t *writer = at_writer_make(pool);

    at_write_json(writer, root);
    require(at_writer_text(writer, NULL));
    return at_writer_text(writer, NULL);
}

/* JSON that at_json writes has the same value when it is read. */
static void check_writer(const at_json_t *root, apr_pool_t *pool)
{
    const char *text = written(root, pool);
    at_json_t *again;

    require(!at_json_parse(&again, text, pool));
    require(!strcmp(written(again, pool), text));
}

/* There are at most that many errors, all different. */
static void check_violations(const apr_array_header_t *violations)
{
    int i, k;

    require(violations->nelts > 0 && violations->nelts <= AT_VIOLATIONS);
    for (i = 0; i < violations->nelts; i++) {
        const at_violation_t *one = &APR_ARRAY_IDX(violations, i,
                                                   at_violation_t);

        for (k = 0; k < i; k++) {
            const at_violation_t *other = &APR_ARRAY_IDX(violations, k,
                                                         at_violation_t);

            require(one->code != other->code
                    || strcmp(one->pointer, other->pointer)
                    || strcmp(one->message, other->message));
        }
    }
}

static void check_error(const at_error_t *error, apr_pool_t *pool)
{
    int problem;

    require(error->code == AT_INVALID_JSON
            || error->code == AT_VALIDATION_FAILED);
    if (error->code == AT_VALIDATION_FAILED) {
        check_violations(error->violations);
    }
    for (problem = 0; problem < 2; problem++) {
        at_body_t body;
        at_json_t *root;

        at_reply_error(&body, error, problem, 422, pool);
        require(body.length > 0 && body.length == strlen(body.text));
        require(!at_json_parse(&root, body.text, pool));
    }
}

static void check_request(const at_request_t *request, apr_pool_t *pool)
{
    int i;

    require(request->key && *request->key);
    require((request->load == AT_STATEMENT_LOAD_BY_IDENTIFIER)
            == (request->key_pass_code != NULL));
    for (i = 0; i < at_field_count(); i++) {
        const at_field_value_t *value = &request->fields[i];
        int has_text = value->presence == AT_VALUE && i != at_field_custom();

        require(has_text == (value->text != NULL));
    }
    if (request->custom_fields) {
        const char *merged;
        at_json_t *set;

        require(request->custom_fields->nelts <= AT_CUSTOM_ENTRIES);
        require(!at_custom_merge(&merged, "T1", "{\"a\":1,\"b\":\"x\"}",
                                 request->custom_fields, pool));
        require(!merged || !at_json_parse(&set, merged, pool));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    at_request_options_t options = { fuzz_statements(), at_scheme_default(),
                                     0 };
    at_request_t *request;
    at_json_t *root, *other_root;
    at_error_t *error;
    apr_pool_t *pool;
    int i;

    if (size == 0) {
        return 0;
    }
    apr_pool_create(&pool, NULL);
    error = parse(&root, data + 1, size - 1, 0, pool);
    /* The result does not depend on the pieces. */
    for (i = 0; i < 2; i++) {
        at_error_t *other = parse(&other_root, data + 1, size - 1,
                                  i == 0 ? data[0] + 1U : BYTEWISE, pool);

        require(!error == !other);
        require(error ? !strcmp(error->description, other->description)
                : !strcmp(written(root, pool), written(other_root, pool)));
    }
    if (!error) {
        check_writer(root, pool);
        options.ignore_unknown = data[0] & 1;
        error = at_request_read(&request, root, &options, pool);
    }
    if (error) {
        check_error(error, pool);
    }
    else {
        check_request(request, pool);
    }
    apr_pool_destroy(pool);
    return 0;
}
