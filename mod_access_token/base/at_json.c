/* SPDX-License-Identifier: Apache-2.0 */
#include "at_json.h"

#include <stdlib.h>
#include <string.h>

#include <apr_strings.h>
#include <yajl/yajl_parse.h>

#include "at_json_scan.h"
#include "at_number.h"
#include "at_wipe.h"

/* Up to so many members, comparing each pair is as fast as sorting. */
#define FEW_MEMBERS 8

/* Room for a usual body; it doubles when needed. */
#define FIRST_SIZE 4096

#define NOWHERE ((apr_size_t)-1)

/* An array or an object that is not closed yet. */
typedef struct {
    at_json_t *value;
    at_json_t *next;          /* of an object: the value to come */
} container_t;

struct at_json_parser_t {
    apr_pool_t *pool;
    yajl_handle yajl;
    at_json_scan_t scan;
    const char *scan_problem; /* what follows it is ignored */
    char *kept;               /* the text so far, up to that, and a NUL; wiped
                                 memory */
    apr_size_t length;
    apr_size_t size;
    char *texts;              /* those of the tree, each with its NUL */
    char *next_text;
    int depth;
    container_t stack[AT_JSON_DEPTH];
    at_json_t *root;
    apr_array_header_t *no_members; /* those of each empty container */
    apr_array_header_t *no_elements;
    const char *problem;      /* found in a callback */
    apr_size_t twice;         /* the end of the first duplicate name */
    int no_memory;
};

/* The array of *ARRAY, to which an element is added. Empty containers share
 * one array, since a body may consist of nothing else. */
static apr_array_header_t *own_array(at_json_parser_t *parser,
                                     apr_array_header_t **array)
{
    if ((*array)->nelts == 0) {
        *array = apr_array_make(parser->pool, 1, (*array)->elt_size);
    }
    return *array;
}

/* Add VALUE to the open container, or make it the root. */
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
        APR_ARRAY_PUSH(own_array(parser, &container->value->elements),
                       at_json_t *) = value;
    }
    return value;
}

/* A copy of TEXT. There is room for all copies and a NUL each: in the document
 * a quote, or the end of a number, took that byte. */
static const char *copy_text(at_json_parser_t *parser, const void *text,
                             size_t length)
{
    char *copy = parser->next_text;

    memcpy(copy, text, length);
    copy[length] = '\0';
    parser->next_text += length + 1;
    return copy;
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

    add_value(parser, AT_JSON_NUMBER)->text = copy_text(parser, text, length);
    return 1;
}

static int on_string(void *context, const unsigned char *text, size_t length)
{
    at_json_parser_t *parser = context;

    add_value(parser, AT_JSON_STRING)->text = copy_text(parser, text, length);
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
    container->value->members = parser->no_members;
    return 1;
}

static int on_array_open(void *context)
{
    at_json_parser_t *parser = context;
    container_t *container = open_container(parser, AT_JSON_ARRAY);

    if (!container) {
        return 0;
    }
    container->value->elements = parser->no_elements;
    return 1;
}

/* The position of the last byte that yajl has taken. */
static apr_size_t last_byte(const at_json_parser_t *parser)
{
    return yajl_get_bytes_consumed(parser->yajl) - 1;
}

static int on_name(void *context, const unsigned char *text, size_t length)
{
    at_json_parser_t *parser = context;
    container_t *container = &parser->stack[parser->depth - 1];
    at_json_member_t *member =
        apr_array_push(own_array(parser, &container->value->members));

    member->name = copy_text(parser, text, length);
    member->value = apr_pcalloc(parser->pool, sizeof(*member->value));
    member->offset = last_byte(parser);
    container->next = member->value;
    return 1;
}

/* By name; members of the same name in their order. */
static int compare_members(const void *one, const void *other)
{
    const at_json_member_t *first = *(const at_json_member_t *const *)one;
    const at_json_member_t *second = *(const at_json_member_t *const *)other;
    int order = strcmp(first->name, second->name);

    return order ? order : first->offset < second->offset ? -1 : 1;
}

static void note_twice(at_json_parser_t *parser,
                       const at_json_member_t *one,
                       const at_json_member_t *other)
{
    if (other->offset < parser->twice && !strcmp(one->name, other->name)) {
        parser->twice = other->offset;
    }
}

/* A hash table would be faster, but a client can choose names that have the
 * same hash. */
static void sort_out(at_json_parser_t *parser, const at_json_member_t *member,
                     apr_size_t count)
{
    const at_json_member_t **sorted = at_wipe_malloc(parser->pool,
                                          count * sizeof(*sorted));
    apr_size_t i;

    if (!sorted) {
        parser->no_memory = 1;
        return;
    }
    for (i = 0; i < count; i++) {
        sorted[i] = &member[i];
    }
    qsort(sorted, count, sizeof(*sorted), compare_members);
    for (i = 1; i < count; i++) {
        note_twice(parser, sorted[i - 1], sorted[i]);
    }
    at_wipe_free(parser->pool, sorted);
}

/* Find duplicate names in OBJECT, which is complete. */
static void check_names(at_json_parser_t *parser, const at_json_t *object)
{
    const at_json_member_t *member =
        (const at_json_member_t *)object->members->elts;
    int i, k, count = object->members->nelts;

    if (count > FEW_MEMBERS) {
        sort_out(parser, member, (apr_size_t)count);
        return;
    }
    for (i = 1; i < count; i++) {
        for (k = 0; k < i; k++) {
            note_twice(parser, &member[k], &member[i]);
        }
    }
}

static int on_object_close(void *context)
{
    at_json_parser_t *parser = context;

    check_names(parser, parser->stack[--parser->depth].value);
    return parser->twice == NOWHERE && !parser->no_memory;
}

static int on_array_close(void *context)
{
    at_json_parser_t *parser = context;

    parser->depth--;
    return 1;
}

static const yajl_callbacks callbacks = {
    on_null, on_boolean, NULL, NULL, on_number, on_string,
    on_object_open, on_name, on_object_close, on_array_open, on_array_close
};

static yajl_handle make_yajl(const yajl_callbacks *with, void *context,
                             apr_pool_t *pool)
{
    yajl_alloc_funcs functions = { at_wipe_malloc, at_wipe_realloc,
                                   at_wipe_free, NULL };
    yajl_handle yajl;

    functions.ctx = pool;
    yajl = yajl_alloc(with, &functions, context);
    if (yajl) {
        /* at_json_scan checks it, and better. */
        yajl_config(yajl, yajl_dont_validate_strings, 1);
    }
    return yajl;
}

/* Free what only parsing needs, including the text as sent. */
static void free_working_memory(at_json_parser_t *parser)
{
    if (parser->yajl) {
        yajl_free(parser->yajl);
        parser->yajl = NULL;
    }
    at_wipe_free(parser->pool, parser->kept);
    parser->kept = NULL;
}

static apr_status_t free_parser(void *data)
{
    at_json_parser_t *parser = data;

    free_working_memory(parser);
    at_wipe_free(parser->pool, parser->texts);
    return APR_SUCCESS;
}

at_json_parser_t *at_json_parser_make(apr_pool_t *pool)
{
    at_json_parser_t *parser = apr_pcalloc(pool, sizeof(*parser));

    parser->pool = pool;
    parser->twice = NOWHERE;
    parser->no_members = apr_array_make(pool, 1, sizeof(at_json_member_t));
    parser->no_elements = apr_array_make(pool, 1, sizeof(at_json_t *));
    parser->yajl = make_yajl(&callbacks, parser, pool);
    if (!parser->yajl) {
        return NULL;
    }
    apr_pool_cleanup_register(pool, parser, free_parser,
                              apr_pool_cleanup_null);
    return parser;
}

static int make_room(at_json_parser_t *parser, apr_size_t length)
{
    apr_size_t size = parser->kept ? parser->size : FIRST_SIZE;
    char *larger;

    while (size - parser->length < length) {
        size *= 2;
    }
    if (parser->kept && size == parser->size) {
        return 1;
    }
    larger = at_wipe_realloc(parser->pool, parser->kept, size);
    if (!larger) {
        parser->no_memory = 1;
        return 0;
    }
    parser->kept = larger;
    parser->size = size;
    return 1;
}

void at_json_parser_feed(at_json_parser_t *parser, const char *data,
                         apr_size_t length)
{
    apr_size_t good;

    if (parser->scan_problem || parser->no_memory) {
        return;
    }
    parser->scan_problem = at_json_scan(&parser->scan, data, length, &good);
    if (make_room(parser, good + 1)) {
        memcpy(parser->kept + parser->length, data, good);
        parser->length += good;
        parser->kept[parser->length] = '\0';
    }
}

static at_error_t *wrong_at(at_json_parser_t *parser, const char *problem,
                            apr_size_t offset)
{
    return at_error_make(parser->pool, AT_INVALID_JSON,
                         "Wrong at byte %" APR_SIZE_T_FMT ": %s.", offset,
                         problem);
}

static at_error_t *no_memory(apr_pool_t *pool)
{
    return at_error_hidden(pool, AT_INTERNAL_ERROR,
                           "no memory for a JSON parser");
}

/*
 * yajl's message in its short form. The verbose form would quote the body,
 * which holds the caller's secrets.
 */
static const char *yajl_problem(at_json_parser_t *parser)
{
    unsigned char *text = yajl_get_error(parser->yajl, 0, NULL, 0);
    char *line;

    if (!text) {
        return "out of memory";
    }
    line = apr_pstrdup(parser->pool, (const char *)text);
    line[strcspn(line, ".\n")] = '\0';
    yajl_free_error(parser->yajl, text);
    return line;
}

static int feed_yajl(yajl_handle yajl, const char *data, apr_size_t length)
{
    return yajl_parse(yajl, (const unsigned char *)data, length)
           == yajl_status_ok;
}

/* The last byte of the token that contains byte FROM (within a string), or that
 * begins there. */
static apr_size_t token_end(const at_json_parser_t *parser, apr_size_t from)
{
    const char *text = parser->kept;
    at_json_scan_t scan = { 0 };
    apr_size_t good, byte = from;

    (void)at_json_scan(&scan, text, from, &good);
    if (scan.in_string) {
        while (scan.in_string && byte < parser->length) {
            (void)at_json_scan(&scan, text + byte++, 1, &good);
        }
        return byte - 1;
    }
    switch (text[from]) {
    case 't':
    case 'n':
        return from + 3;
    case 'f':
        return from + 4;
    default:
        return from + at_number_length(text + from);
    }
}

/*
 * The byte at which the text became invalid, after yajl has given up. yajl has
 * passed that byte, or is just before it, or (a comma is missing after a
 * member) has gone back to the start of the token there. Parsing again what
 * yajl has passed, and one byte more, tells these apart.
 */
static apr_size_t fault_byte(at_json_parser_t *parser)
{
    apr_size_t passed = yajl_get_bytes_consumed(parser->yajl), fault;
    yajl_handle yajl = make_yajl(NULL, NULL, parser->pool);

    if (!yajl) {
        return passed;
    }
    if (!feed_yajl(yajl, parser->kept, passed)) {
        fault = passed - 1;
    }
    else if (!feed_yajl(yajl, parser->kept + passed, 1)) {
        fault = passed;
    }
    else {
        fault = token_end(parser, passed);
    }
    yajl_free(yajl);
    return fault;
}

/* A duplicate name is an error even if its object is not closed. */
static void check_open(at_json_parser_t *parser)
{
    while (parser->depth > 0) {
        const at_json_t *open = parser->stack[--parser->depth].value;

        if (open->type == AT_JSON_OBJECT) {
            check_names(parser, open);
        }
    }
}

/* Parse the kept text; return the first error, or NULL. Duplicate names are
 * found only in the part that yajl has accepted. */
static at_error_t *parse_kept(at_json_parser_t *parser)
{
    int is_good = feed_yajl(parser->yajl, parser->kept, parser->length);
    int is_whole = is_good && !parser->scan_problem
                   && !parser->scan.in_string
                   && yajl_complete_parse(parser->yajl) == yajl_status_ok;

    check_open(parser);
    if (parser->no_memory) {
        return no_memory(parser->pool);
    }
    if (parser->twice != NOWHERE) {
        return wrong_at(parser, "a duplicate name in an object",
                        parser->twice);
    }
    if (parser->problem) {
        return wrong_at(parser, parser->problem, last_byte(parser));
    }
    if (!is_good) {
        return wrong_at(parser, yajl_problem(parser), fault_byte(parser));
    }
    if (parser->scan_problem) {
        return wrong_at(parser, parser->scan_problem, parser->length);
    }
    return is_whole ? NULL : wrong_at(parser, "the JSON text ends too early",
                                      parser->length);
}

at_error_t *at_json_parser_finish(at_json_t **root,
                                  at_json_parser_t *parser)
{
    at_error_t *error;

    *root = NULL;
    /* Each text of the tree, with its NUL, is no longer than in the document,
     * except for a number at its very end. */
    parser->texts = at_wipe_malloc(parser->pool, parser->length + 1);
    parser->next_text = parser->texts;
    if (!parser->texts || parser->no_memory) {
        error = no_memory(parser->pool);
    }
    else if (parser->length == 0 && !parser->scan_problem) {
        error = at_error_make(parser->pool, AT_INVALID_JSON,
                              "The body is empty; it must be a JSON object.");
    }
    else {
        error = parse_kept(parser);
    }
    free_working_memory(parser);
    if (!error) {
        *root = parser->root;
    }
    return error;
}

at_error_t *at_json_parse(at_json_t **root, const char *text,
                          apr_pool_t *pool)
{
    at_json_parser_t *parser = at_json_parser_make(pool);

    *root = NULL;
    if (!parser) {
        return no_memory(pool);
    }
    at_json_parser_feed(parser, text, strlen(text));
    return at_json_parser_finish(root, parser);
}

at_json_t *at_json_get(const at_json_t *object, const char *name)
{
    int i;

    for (i = 0; i < object->members->nelts; i++) {
        at_json_member_t *member = &APR_ARRAY_IDX(object->members, i,
                                                  at_json_member_t);

        if (!strcmp(member->name, name)) {
            return member->value;
        }
    }
    return NULL;
}
