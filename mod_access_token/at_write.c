/* SPDX-License-Identifier: Apache-2.0 */
#include "at_write.h"

#include <string.h>

#include <yajl/yajl_gen.h>

#include "at_text.h"

/* Room for a reply of the contract's example; it doubles when needed. */
#define FIRST_SIZE 4096

struct at_writer_t {
    apr_pool_t *pool;
    yajl_gen yajl;
    char *buffer;
    apr_size_t length;
    apr_size_t size;
    int failed;
};

static void append(void *context, const char *text, size_t length)
{
    at_writer_t *writer = context;

    if (writer->size - writer->length <= length) {
        char *larger;

        while (writer->size - writer->length <= length) {
            writer->size *= 2;
        }
        larger = apr_palloc(writer->pool, writer->size);
        memcpy(larger, writer->buffer, writer->length);
        writer->buffer = larger;
    }
    memcpy(writer->buffer + writer->length, text, length);
    writer->length += length;
}

static apr_status_t free_yajl(void *yajl)
{
    yajl_gen_free(yajl);
    return APR_SUCCESS;
}

at_writer_t *at_writer_make(apr_pool_t *pool)
{
    at_writer_t *writer = apr_pcalloc(pool, sizeof(*writer));

    writer->pool = pool;
    writer->yajl = yajl_gen_alloc(NULL);
    if (!writer->yajl) {
        return NULL;
    }
    apr_pool_cleanup_register(pool, writer->yajl, free_yajl,
                              apr_pool_cleanup_null);
    writer->size = FIRST_SIZE;
    writer->buffer = apr_palloc(pool, writer->size);
    yajl_gen_config(writer->yajl, yajl_gen_print_callback, append, writer);
    return writer;
}

static void check(at_writer_t *writer, yajl_gen_status status)
{
    if (status != yajl_gen_status_ok
        && status != yajl_gen_generation_complete) {
        writer->failed = 1;
    }
}

void at_write_open_object(at_writer_t *writer)
{
    check(writer, yajl_gen_map_open(writer->yajl));
}

void at_write_close_object(at_writer_t *writer)
{
    check(writer, yajl_gen_map_close(writer->yajl));
}

void at_write_open_array(at_writer_t *writer)
{
    check(writer, yajl_gen_array_open(writer->yajl));
}

void at_write_close_array(at_writer_t *writer)
{
    check(writer, yajl_gen_array_close(writer->yajl));
}

void at_write_null(at_writer_t *writer)
{
    check(writer, yajl_gen_null(writer->yajl));
}

void at_write_boolean(at_writer_t *writer, int boolean)
{
    check(writer, yajl_gen_bool(writer->yajl, boolean));
}

void at_write_string(at_writer_t *writer, const char *text)
{
    apr_size_t length = strlen(text);

    text = at_utf8_mend(writer->pool, text, &length);
    check(writer, yajl_gen_string(writer->yajl,
                                  (const unsigned char *)text, length));
}

void at_write_number(at_writer_t *writer, const char *text)
{
    check(writer, yajl_gen_number(writer->yajl, text, strlen(text)));
}

void at_write_member(at_writer_t *writer, const char *name,
                     const char *value)
{
    at_write_string(writer, name);
    if (value) {
        at_write_string(writer, value);
    }
    else {
        at_write_null(writer);
    }
}

static void write_object(at_writer_t *writer, const at_json_t *object)
{
    int i;

    at_write_open_object(writer);
    for (i = 0; i < object->members->nelts; i++) {
        at_json_member_t *member = &APR_ARRAY_IDX(object->members, i,
                                                  at_json_member_t);

        at_write_string(writer, member->name);
        at_write_json(writer, member->value);
    }
    at_write_close_object(writer);
}

static void write_array(at_writer_t *writer, const at_json_t *array)
{
    int i;

    at_write_open_array(writer);
    for (i = 0; i < array->elements->nelts; i++) {
        at_write_json(writer, APR_ARRAY_IDX(array->elements, i,
                                            at_json_t *));
    }
    at_write_close_array(writer);
}

void at_write_json(at_writer_t *writer, const at_json_t *value)
{
    switch (value->type) {
    case AT_JSON_NULL:
        at_write_null(writer);
        break;
    case AT_JSON_BOOLEAN:
        at_write_boolean(writer, value->boolean);
        break;
    case AT_JSON_NUMBER:
        at_write_number(writer, value->text);
        break;
    case AT_JSON_STRING:
        at_write_string(writer, value->text);
        break;
    case AT_JSON_ARRAY:
        write_array(writer, value);
        break;
    case AT_JSON_OBJECT:
        write_object(writer, value);
        break;
    }
}

const char *at_writer_text(at_writer_t *writer, apr_size_t *length)
{
    if (writer->failed) {
        return NULL;
    }
    /* append() always leaves a byte of room. */
    writer->buffer[writer->length] = '\0';
    if (length) {
        *length = writer->length;
    }
    return writer->buffer;
}
