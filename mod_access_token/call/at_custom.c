/* SPDX-License-Identifier: Apache-2.0 */
#include "at_custom.h"

#include <string.h>

#include "at_number.h"
#include "at_text.h"
#include "at_write.h"

typedef struct {
    apr_array_header_t *entries;
    at_violations_t *violations;
    apr_pool_t *pool;
} reader_t;

static const at_custom_entry_t *find_entry(const apr_array_header_t *entries,
                                           const char *name)
{
    int i;

    for (i = 0; i < entries->nelts; i++) {
        const at_custom_entry_t *entry = &APR_ARRAY_IDX(entries, i,
                                                        at_custom_entry_t);

        if (!strcmp(entry->name, name)) {
            return entry;
        }
    }
    return NULL;
}

/* Reading stops after one entry more than allowed. */
static int are_too_many(const reader_t *reader)
{
    return reader->entries->nelts > AT_CUSTOM_ENTRIES;
}

static void read_object(reader_t *reader, const at_json_t *object,
                        const char *pointer)
{
    int i;

    for (i = 0; i < object->members->nelts && !are_too_many(reader); i++) {
        at_json_member_t *member = &APR_ARRAY_IDX(object->members, i,
                                                  at_json_member_t);
        int is_there = find_entry(reader->entries, member->name) != NULL;
        const char *place =
            is_there && at_violations_are_full(reader->violations) ? NULL
            : at_pointer_member(reader->pool, pointer, member->name);
        at_custom_entry_t *entry;

        if (is_there) {
            at_violations_add(reader->violations, place,
                              AT_VIOLATION_INVALID_FORMAT,
                              "This custom field is given twice.");
            continue;
        }
        entry = apr_array_push(reader->entries);
        entry->name = member->name;
        entry->value = member->value;
        entry->pointer = place;
    }
}

/* The pointer to element INDEX. NULL if it will not be used: the list of
 * violations is full. */
static const char *element_place(const reader_t *reader,
                                 const at_json_t *element,
                                 const char *pointer, int index)
{
    return element->type != AT_JSON_OBJECT
           && at_violations_are_full(reader->violations)
           ? NULL : at_pointer_element(reader->pool, pointer, index);
}

static void read_array(reader_t *reader, const at_json_t *array,
                       const char *pointer)
{
    int i;

    for (i = 0; i < array->elements->nelts; i++) {
        const at_json_t *element = APR_ARRAY_IDX(array->elements, i,
                                                 at_json_t *);
        const char *place = element_place(reader, element, pointer, i);

        if (element->type == AT_JSON_OBJECT) {
            read_object(reader, element, place);
        }
        else {
            at_violations_add(reader->violations, place,
                              AT_VIOLATION_INVALID_TYPE,
                              "Write an object with the name and the value "
                              "of a custom field.");
        }
    }
}

/* The value inside {"set": ...} if VALUE is such a wrapper, else VALUE. */
static const at_json_t *unwrap(const at_json_t *value, const char **pointer,
                               apr_pool_t *pool)
{
    at_json_member_t *only;

    if (value->type != AT_JSON_OBJECT || value->members->nelts != 1) {
        return value;
    }
    only = &APR_ARRAY_IDX(value->members, 0, at_json_member_t);
    if (strcmp(only->name, "set")
        || (only->value->type != AT_JSON_OBJECT
            && only->value->type != AT_JSON_ARRAY)) {
        return value;
    }
    *pointer = at_pointer_member(pool, *pointer, only->name);
    return only->value;
}

apr_array_header_t *at_custom_read(const at_json_t *value,
                                   const char *pointer,
                                   at_violations_t *violations,
                                   apr_pool_t *pool)
{
    reader_t reader = { NULL, violations, pool };

    reader.entries = apr_array_make(pool, 8, sizeof(at_custom_entry_t));
    value = unwrap(value, &pointer, pool);
    if (value->type == AT_JSON_OBJECT) {
        read_object(&reader, value, pointer);
    }
    else if (value->type == AT_JSON_ARRAY) {
        read_array(&reader, value, pointer);
    }
    else {
        at_violations_add(violations, pointer, AT_VIOLATION_INVALID_TYPE,
                          "Write an object of names and values, or an array "
                          "of such objects.");
    }
    if (are_too_many(&reader)) {
        at_violations_add(violations, pointer, AT_VIOLATION_TOO_LONG,
                          "At most %d custom fields per call.",
                          AT_CUSTOM_ENTRIES);
    }
    return reader.entries;
}

const at_custom_field_t *at_custom_find(const apr_array_header_t *configured,
                                        const char *name)
{
    int i;

    for (i = 0; i < configured->nelts; i++) {
        const at_custom_field_t *field = &APR_ARRAY_IDX(configured, i,
                                                        at_custom_field_t);

        if (!strcmp(field->name, name)) {
            return field;
        }
    }
    return NULL;
}

static int is_removal(const at_json_t *value)
{
    return value->type == AT_JSON_NULL
           || (value->type == AT_JSON_STRING && !*value->text);
}

static void judge_value(const at_custom_entry_t *entry,
                        const at_custom_field_t *field,
                        at_violations_t *violations)
{
    const at_json_t *value = entry->value;
    at_json_type_e type = AT_JSON_STRING;
    double number;

    if (!strcmp(field->type, "number")) {
        type = AT_JSON_NUMBER;
    }
    else if (!strcmp(field->type, "boolean")) {
        type = AT_JSON_BOOLEAN;
    }
    if (is_removal(value)) {
        return;
    }
    if (value->type != type) {
        at_violations_add(violations, entry->pointer,
                          AT_VIOLATION_INVALID_TYPE,
                          "This custom field takes a %s; \"\" or null "
                          "removes it.", field->type);
    }
    else if (type == AT_JSON_STRING
             && at_text_length(value->text) > AT_CUSTOM_VALUE_CHARACTERS) {
        at_violations_add(violations, entry->pointer, AT_VIOLATION_TOO_LONG,
                          "At most %d characters.",
                          AT_CUSTOM_VALUE_CHARACTERS);
    }
    else if (type == AT_JSON_NUMBER
             && at_number_parse(&number, value->text)
                == AT_NUMBER_TOO_LARGE) {
        at_violations_add(violations, entry->pointer,
                          AT_VIOLATION_OUT_OF_RANGE,
                          "The number is too large for a double.");
    }
}

void at_custom_judge(const apr_array_header_t *entries,
                     const apr_array_header_t *configured,
                     at_violations_t *violations)
{
    int i;

    for (i = 0; i < entries->nelts; i++) {
        const at_custom_entry_t *entry = &APR_ARRAY_IDX(entries, i,
                                                        at_custom_entry_t);
        const at_custom_field_t *field;

        if (at_text_length(entry->name) > AT_CUSTOM_NAME_CHARACTERS) {
            at_violations_add(violations, entry->pointer,
                              AT_VIOLATION_TOO_LONG, "The name of a custom "
                              "field has at most %d characters.",
                              AT_CUSTOM_NAME_CHARACTERS);
            continue;
        }
        field = at_custom_find(configured, entry->name);
        if (field) {
            judge_value(entry, field, violations);
        }
        else {
            at_violations_add(violations, entry->pointer,
                              AT_VIOLATION_UNKNOWN_CUSTOM_FIELD,
                              "No custom field of this name is "
                              "configured.");
        }
    }
}

/* Write a new value. A number is written in its shortest form; a whole number
 * as it was sent, since it may have more digits than a double. */
static void write_entry(at_writer_t *writer, const at_custom_entry_t *entry,
                        apr_pool_t *pool)
{
    double number;

    if (is_removal(entry->value)) {
        return;
    }
    at_write_string(writer, entry->name);
    if (entry->value->type == AT_JSON_NUMBER
        && !at_number_is_whole(entry->value->text)
        && at_number_parse(&number, entry->value->text) == AT_NUMBER_READ) {
        at_write_as_is(writer, at_number_format(pool, number));
    }
    else {
        at_write_json(writer, entry->value);
    }
}

/* Write the members of STORED in their order. ENTRIES replace those of the same
 * name, and are marked in IS_WRITTEN. */
static void write_stored(at_writer_t *writer, const at_json_t *stored,
                         const apr_array_header_t *entries, char *is_written,
                         apr_pool_t *pool)
{
    int i;

    for (i = 0; i < stored->members->nelts; i++) {
        at_json_member_t *member = &APR_ARRAY_IDX(stored->members, i,
                                                  at_json_member_t);
        const at_custom_entry_t *entry = find_entry(entries, member->name);

        if (entry) {
            write_entry(writer, entry, pool);
            is_written[entry - (const at_custom_entry_t *)entries->elts] = 1;
        }
        else {
            at_write_string(writer, member->name);
            at_write_json(writer, member->value);
        }
    }
}

at_error_t *at_custom_merge(const char **merged, const char *id,
                            const char *stored,
                            const apr_array_header_t *entries,
                            apr_pool_t *pool)
{
    at_writer_t *writer = at_writer_make(pool);
    char *is_written = apr_pcalloc(pool, (apr_size_t)entries->nelts + 1);
    at_json_t *set = NULL;
    at_error_t *error = NULL;
    int i;

    if (stored) {
        error = at_json_parse(&set, stored, pool);
    }
    if (error || (set && set->type != AT_JSON_OBJECT)) {
        return at_error_hidden(pool, AT_INTERNAL_ERROR, "the stored "
                               "custom_field_set of the access token %s is "
                               "not a JSON object (without fields it is NULL "
                               "or {}); correct that row", id);
    }
    at_write_open_object(writer);
    if (set) {
        write_stored(writer, set, entries, is_written, pool);
    }
    for (i = 0; i < entries->nelts; i++) {
        const at_custom_entry_t *entry = &APR_ARRAY_IDX(entries, i,
                                                        at_custom_entry_t);

        if (!is_written[i]) {
            write_entry(writer, entry, pool);
        }
    }
    at_write_close_object(writer);
    *merged = at_writer_text(writer, NULL);
    if (!*merged) {
        return at_error_hidden(pool, AT_INTERNAL_ERROR, "the custom fields "
                               "could not be written as JSON");
    }
    if (!strcmp(*merged, "{}")) {
        *merged = NULL;
    }
    return NULL;
}
