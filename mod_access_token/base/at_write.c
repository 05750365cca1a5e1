/* SPDX-License-Identifier: Apache-2.0 */
#include "at_write.h"

#include <string.h>

#include <apr_strings.h>

#include "at_text.h"

/* Room for a reply of the contract's example; it doubles when needed. */
#define FIRST_SIZE 4096

/* What may come next. */
typedef enum {
    A_VALUE,                  /* the text itself */
    AN_ELEMENT,
    A_NAME,
    A_MEMBER,                 /* the value after a name */
    NOTHING                   /* the text is whole */
} place_e;

struct at_writer_t {
    apr_pool_t *pool;
    char *buffer;
    apr_size_t length;
    apr_size_t size;
    int failed;
    int is_secret;
    char separator;           /* to write before the next value; 0: nothing */
    place_e place;
    int depth;
    unsigned char outer[AT_WRITE_DEPTH]; /* place_e of each open value */
};

at_writer_t *at_writer_make(apr_pool_t *pool)
{
    at_writer_t *writer = apr_pcalloc(pool, sizeof(*writer));

    writer->pool = pool;
    writer->size = FIRST_SIZE;
    writer->buffer = apr_palloc(pool, writer->size);
    return writer;
}

static apr_status_t wipe(void *data)
{
    at_writer_t *writer = data;

    explicit_bzero(writer->buffer, writer->size);
    return APR_SUCCESS;
}

at_writer_t *at_writer_make_secret(apr_pool_t *pool)
{
    at_writer_t *writer = at_writer_make(pool);

    writer->is_secret = 1;
    apr_pool_cleanup_register(pool, writer, wipe, apr_pool_cleanup_null);
    return writer;
}

static void enlarge(at_writer_t *writer, apr_size_t length)
{
    apr_size_t old_size = writer->size;
    char *larger;

    while (writer->size - writer->length <= length) {
        writer->size *= 2;
    }
    larger = apr_palloc(writer->pool, writer->size);
    memcpy(larger, writer->buffer, writer->length);
    if (writer->is_secret) {
        explicit_bzero(writer->buffer, old_size);
    }
    writer->buffer = larger;
}

/* Make room for LENGTH bytes and a NUL. */
static char *make_room(at_writer_t *writer, apr_size_t length)
{
    if (writer->size - writer->length <= length) {
        enlarge(writer, length);
    }
    return writer->buffer + writer->length;
}

static void append(at_writer_t *writer, const char *text, apr_size_t length)
{
    memcpy(make_room(writer, length), text, length);
    writer->length += length;
}

/* The text now ends at END, within the room that was made. */
static void end_at(at_writer_t *writer, const char *end)
{
    writer->length = (apr_size_t)(end - writer->buffer);
}

/* A value or name of at most LENGTH bytes begins: write the comma before it
 * if there is one, and make room. */
static char *begin(at_writer_t *writer, apr_size_t length, int may_be_name)
{
    char *to = make_room(writer, length + 1);

    if (writer->separator) {
        *to++ = writer->separator;
    }
    writer->separator = ',';
    switch (writer->place) {
    case A_MEMBER:
        writer->place = A_NAME;
        break;
    case A_NAME:
        writer->failed |= !may_be_name;
        writer->separator = ':';
        writer->place = A_MEMBER;
        break;
    case AN_ELEMENT:
        break;
    case A_VALUE:
        writer->place = NOTHING;
        break;
    case NOTHING:
        writer->failed = 1;
        break;
    }
    return to;
}

static void write_value(at_writer_t *writer, const char *text,
                        apr_size_t length)
{
    char *to = begin(writer, length, 0);

    memcpy(to, text, length);
    end_at(writer, to + length);
}

static void open_value(at_writer_t *writer, char bracket, place_e place)
{
    write_value(writer, &bracket, 1);
    if (writer->depth == AT_WRITE_DEPTH) {
        writer->failed = 1;
        return;
    }
    writer->outer[writer->depth++] = (unsigned char)writer->place;
    writer->place = place;
    writer->separator = '\0';
}

static void close_value(at_writer_t *writer, char bracket, place_e place)
{
    if (writer->depth == 0 || writer->place != place) {
        writer->failed = 1;
        return;
    }
    writer->place = (place_e)writer->outer[--writer->depth];
    writer->separator = ',';
    append(writer, &bracket, 1);
}

void at_write_open_object(at_writer_t *writer)
{
    open_value(writer, '{', A_NAME);
}

void at_write_close_object(at_writer_t *writer)
{
    close_value(writer, '}', A_NAME);
}

void at_write_open_array(at_writer_t *writer)
{
    open_value(writer, '[', AN_ELEMENT);
}

void at_write_close_array(at_writer_t *writer)
{
    close_value(writer, ']', AN_ELEMENT);
}

void at_write_null(at_writer_t *writer)
{
    write_value(writer, "null", 4);
}

void at_write_boolean(at_writer_t *writer, int boolean)
{
    write_value(writer, boolean ? "true" : "false", boolean ? 4 : 5);
}

static int is_escaped(unsigned char byte)
{
    return byte < ' ' || byte == '"' || byte == '\\';
}

/* RFC 8259, section 7. */
static void append_escaped(at_writer_t *writer, unsigned char byte)
{
    static const char hexadecimal[] = "0123456789ABCDEF";
    static const char from[] = "\"\\\b\f\n\r\t", to[] = "\"\\bfnrt";
    const char *short_form = byte ? strchr(from, byte) : NULL;
    char text[6] = { '\\', 'u', '0', '0' };

    if (short_form) {
        text[1] = to[short_form - from];
        append(writer, text, 2);
        return;
    }
    text[4] = hexadecimal[byte >> 4];
    text[5] = hexadecimal[byte & 15];
    append(writer, text, 6);
}

/* Write LENGTH bytes of TEXT, which is UTF-8, as they are in quotes. */
static void append_text(at_writer_t *writer, const char *text,
                        apr_size_t length)
{
    const char *end = text + length;

    while (text < end) {
        const char *from = text;

        while (text < end && !is_escaped((unsigned char)*text)) {
            text++;
        }
        append(writer, from, (apr_size_t)(text - from));
        if (text < end) {
            append_escaped(writer, (unsigned char)*text++);
        }
    }
}

/* Write TEXT of LENGTH bytes, whose first PLAIN need no escape, as a string at
 * TO, which has room for these and the quotes. */
static void put_string(at_writer_t *writer, char *to, const char *text,
                       apr_size_t plain, apr_size_t length)
{
    *to++ = '"';
    memcpy(to, text, plain);
    to += plain;
    if (plain == length) {
        *to++ = '"';
        end_at(writer, to);
        return;
    }
    end_at(writer, to);
    length -= plain;
    text = at_utf8_repair(writer->pool, text + plain, &length);
    append_text(writer, text, length);
    append(writer, "\"", 1);
}

void at_write_string(at_writer_t *writer, const char *text)
{
    apr_size_t length = strlen(text);
    apr_size_t plain = at_text_plain_length(text, length);

    put_string(writer, begin(writer, plain + 2, 1), text, plain, length);
}

at_label_t at_write_label(apr_pool_t *pool, const char *name)
{
    at_writer_t *writer = at_writer_make(pool);
    at_label_t label;

    at_write_string(writer, name);
    append(writer, ":", 1);
    label.text = apr_pstrdup(pool, at_writer_text(writer, &label.length));
    return label;
}

/* Write LABEL, with room for LENGTH bytes after it. */
static char *put_label(at_writer_t *writer, const at_label_t *label,
                       apr_size_t length)
{
    char *to = make_room(writer, label->length + length + 1);

    writer->failed |= writer->place != A_NAME;
    if (writer->separator) {
        *to++ = writer->separator;
    }
    memcpy(to, label->text, label->length);
    return to + label->length;
}

void at_write_name(at_writer_t *writer, const at_label_t *label)
{
    end_at(writer, put_label(writer, label, 0));
    writer->place = A_MEMBER;
    writer->separator = '\0';
}

void at_write_text_member(at_writer_t *writer, const at_label_t *label,
                          const char *text)
{
    static const char null[] = "null";

    if (text) {
        apr_size_t length = strlen(text);
        apr_size_t plain = at_text_plain_length(text, length);

        put_string(writer, put_label(writer, label, plain + 2), text, plain,
                   length);
    }
    else {
        char *to = put_label(writer, label, sizeof(null) - 1);

        memcpy(to, null, sizeof(null) - 1);
        end_at(writer, to + sizeof(null) - 1);
    }
    writer->separator = ',';
}

void at_write_as_is(at_writer_t *writer, const char *text)
{
    write_value(writer, text, strlen(text));
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
        at_write_as_is(writer, value->text);
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
    /* There is always a byte of room. */
    writer->buffer[writer->length] = '\0';
    if (length) {
        *length = writer->length;
    }
    return writer->buffer;
}
