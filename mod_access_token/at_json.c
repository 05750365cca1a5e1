/* SPDX-License-Identifier: Apache-2.0 */
#include "at_json.h"

#include <string.h>

#include <apr_hash.h>
#include <apr_strings.h>
#include <yajl/yajl_parse.h>

#include "at_json_scan.h"

/* So many members are compared as quickly as they are hashed. */
#define FEW_MEMBERS 8

/* An array or an object that is not closed yet. */
typedef struct {
    at_json_t *value;
    at_json_t *next;          /* of an object: the value to come */
} container_t;

typedef struct {
    const char *data;
    apr_size_t length;
} chunk_t;

struct at_json_parser_t {
    apr_pool_t *pool;
    yajl_handle yajl;
    at_json_scan_t scan;
    int is_exact;             /* feeds yajl byte by byte */
    apr_array_header_t *seen; /* chunk_t: what yajl was given; not if exact */
    apr_size_t offset;        /* how many bytes yajl was given */
    int depth;
    container_t stack[AT_JSON_DEPTH];
    at_json_t *root;
    const char *problem;      /* found in a callback */
    at_error_t *error;        /* the first; the rest is passed over */
};

/* Put VALUE where it belongs: the open container, or the root. */
static at_json_t *add_value(at_json_parser_t *parser, at_json_type_e type)
{
    container_t *container = parser->depth > 0
                             ? &parser->stack[parser->depth - 1] : NULL;
    at_json_t *value = container ? container->next : NULL;

    if (!value) {
        value = apr_pcalloc(parser->pool, sizeof(*value));
    }
    value->type = type;
    if (!container) {
        parser->root = value;
    }
    else if (container->value->type == AT_JSON_ARRAY) {
        APR_ARRAY_PUSH(container->value->elements, at_json_t *) = value;
    }
    return value;
}

static int on_null(void *context)
{
    add_value(context, AT_JSON_NULL);
    return 1;
}

static int on_boolean(void *context, int boolean)
{
    add_value(context, AT_JSON_BOOLEAN)->boolean = boolean != 0;
    return 1;
}

static int on_number(void *context, const char *text, size_t length)
{
    at_json_parser_t *parser = context;

    add_value(parser, AT_JSON_NUMBER)->text =
        apr_pstrmemdup(parser->pool, text, length);
    return 1;
}

static int on_string(void *context, const unsigned char *text, size_t length)
{
    at_json_parser_t *parser = context;

    add_value(parser, AT_JSON_STRING)->text =
        apr_pstrmemdup(parser->pool, (const char *)text, length);
    return 1;
}

static container_t *open_container(at_json_parser_t *parser,
                                   at_json_type_e type)
{
    container_t *container;
    at_json_t *value;

    if (parser->depth == AT_JSON_DEPTH) {
        parser->problem = apr_psprintf(parser->pool,
                                       "nesting deeper than %d levels",
                                       AT_JSON_DEPTH);
        return NULL;
    }
    value = add_value(parser, type);
    container = &parser->stack[parser->depth++];
    memset(container, 0, sizeof(*container));
    container->value = value;
    return container;
}

static int on_object_open(void *context)
{
    at_json_parser_t *parser = context;
    container_t *container = open_container(parser, AT_JSON_OBJECT);

    if (!container) {
        return 0;
    }
    container->value->members = apr_array_make(parser->pool, 8,
                                               sizeof(at_json_member_t));
    container->value->names = apr_hash_make(parser->pool);
    return 1;
}

static int on_array_open(void *context)
{
    at_json_parser_t *parser = context;
    container_t *container = open_container(parser, AT_JSON_ARRAY);

    if (!container) {
        return 0;
    }
    container->value->elements = apr_array_make(parser->pool, 4,
                                                sizeof(at_json_t *));
    return 1;
}

static int on_name(void *context, const unsigned char *text, size_t length)
{
    at_json_parser_t *parser = context;
    container_t *container = &parser->stack[parser->depth - 1];
    at_json_t *object = container->value;
    at_json_member_t *member = apr_array_push(object->members);

    member->name = apr_pstrmemdup(parser->pool, (const char *)text, length);
    member->value = apr_pcalloc(parser->pool, sizeof(*member->value));
    container->next = member->value;
    apr_hash_set(object->names, member->name, (apr_ssize_t)length,
                 member->value);
    /* The one lookup tells as well whether the name was there. */
    if (apr_hash_count(object->names) < (unsigned)object->members->nelts) {
        parser->problem = "a member that stands twice in its object";
        return 0;
    }
    return 1;
}

static int on_close(void *context)
{
    at_json_parser_t *parser = context;

    parser->depth--;
    return 1;
}

static const yajl_callbacks callbacks = {
    on_null, on_boolean, NULL, NULL, on_number, on_string,
    on_object_open, on_name, on_close, on_array_open, on_close
};

static apr_status_t free_yajl(void *yajl)
{
    yajl_free(yajl);
    return APR_SUCCESS;
}

static at_json_parser_t *make(apr_pool_t *pool, int is_exact)
{
    at_json_parser_t *parser = apr_pcalloc(pool, sizeof(*parser));

    parser->pool = pool;
    parser->is_exact = is_exact;
    parser->seen = apr_array_make(pool, 1, sizeof(chunk_t));
    parser->yajl = yajl_alloc(&callbacks, NULL, parser);
    if (!parser->yajl) {
        return NULL;
    }
    apr_pool_cleanup_register(pool, parser->yajl, free_yajl,
                              apr_pool_cleanup_null);
    /* at_json_scan does, and better. */
    yajl_config(parser->yajl, yajl_dont_validate_strings, 1);
    return parser;
}

at_json_parser_t *at_json_parser_make(apr_pool_t *pool)
{
    return make(pool, 0);
}

static void remember(at_json_parser_t *parser, const char *problem,
                     apr_size_t offset)
{
    parser->error = at_error_make(parser->pool, AT_INVALID_JSON,
                                  "Wrong at byte %" APR_SIZE_T_FMT ": %s.",
                                  offset, problem);
}

/*
 * What yajl says, without its verbose form, which would quote the body and
 * with it the caller's secrets.
 */
static const char *yajl_problem(at_json_parser_t *parser)
{
    unsigned char *text;
    char *line;

    if (parser->problem) {
        return parser->problem;
    }
    text = yajl_get_error(parser->yajl, 0, NULL, 0);
    if (!text) {
        return "out of memory";
    }
    line = apr_pstrdup(parser->pool, (const char *)text);
    line[strcspn(line, ".\n")] = '\0';
    yajl_free_error(parser->yajl, text);
    return line;
}

static int feed_yajl(at_json_parser_t *parser, const char *data,
                     apr_size_t length)
{
    return yajl_parse(parser->yajl, (const unsigned char *)data, length)
           == yajl_status_ok;
}

/* Feed byte by byte: the one that fails is the one to name. */
static void feed_exactly(at_json_parser_t *parser, const char *data,
                         apr_size_t length)
{
    for (; length > 0; length--, data++, parser->offset++) {
        if (!feed_yajl(parser, data, 1)) {
            remember(parser, yajl_problem(parser), parser->offset);
            return;
        }
    }
}

/*
 * yajl reads ahead, by how much depends on how the text was cut, so it
 * does not know the byte of a fault. A second reading finds it.
 */
static void locate_fault(at_json_parser_t *parser)
{
    at_json_parser_t *exact = make(parser->pool, 1);
    int i;

    for (i = 0; exact && !exact->error && i < parser->seen->nelts; i++) {
        const chunk_t *chunk = &APR_ARRAY_IDX(parser->seen, i, chunk_t);

        feed_exactly(exact, chunk->data, chunk->length);
        parser->error = exact->error;
    }
    if (!parser->error) {
        remember(parser, yajl_problem(parser), parser->offset);
    }
}

static void keep(at_json_parser_t *parser, const char *data,
                 apr_size_t length)
{
    chunk_t *chunk = apr_array_push(parser->seen);

    chunk->data = apr_pmemdup(parser->pool, data, length);
    chunk->length = length;
}

void at_json_parser_feed(at_json_parser_t *parser, const char *data,
                         apr_size_t length)
{
    const char *problem;
    apr_size_t good;

    if (parser->error) {
        return;
    }
    problem = at_json_scan(&parser->scan, data, length, &good);
    keep(parser, data, good);
    if (!feed_yajl(parser, data, good)) {
        locate_fault(parser);
        return;
    }
    parser->offset += good;
    if (problem) {
        remember(parser, problem, parser->offset);
    }
}

at_error_t *at_json_parser_finish(at_json_t **root,
                                  at_json_parser_t *parser)
{
    if (!parser->error && parser->offset == 0) {
        parser->error = at_error_make(parser->pool, AT_INVALID_JSON,
                                      "The body is empty; it must be a "
                                      "JSON object.");
    }
    else if (!parser->error
             && (parser->scan.in_string
                 || yajl_complete_parse(parser->yajl) != yajl_status_ok)) {
        remember(parser, "the JSON text ends too early", parser->offset);
    }
    *root = parser->root;
    return parser->error;
}

at_error_t *at_json_parse(at_json_t **root, const char *text,
                          apr_pool_t *pool)
{
    at_json_parser_t *parser = at_json_parser_make(pool);

    *root = NULL;
    if (!parser) {
        return at_error_hidden(pool, AT_INTERNAL_ERROR,
                               "no memory for a JSON parser");
    }
    at_json_parser_feed(parser, text, strlen(text));
    return at_json_parser_finish(root, parser);
}

at_json_t *at_json_get(const at_json_t *object, const char *name)
{
    int i;

    if (object->names && object->members->nelts > FEW_MEMBERS) {
        return apr_hash_get(object->names, name, APR_HASH_KEY_STRING);
    }
    for (i = 0; i < object->members->nelts; i++) {
        at_json_member_t *member = &APR_ARRAY_IDX(object->members, i,
                                                  at_json_member_t);

        if (!strcmp(member->name, name)) {
            return member->value;
        }
    }
    return NULL;
}
