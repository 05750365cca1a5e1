/* SPDX-License-Identifier: Apache-2.0 */
#include "at_reply.h"

#include <string.h>

#include <apr_strings.h>

#include "at_field.h"
#include "at_number.h"
#include "at_write.h"

typedef struct {
    at_writer_t *writer;
    const at_row_t *row;
    const at_plan_t *plan;
    const at_plan_node_t *nodes; /* the plan's */
    const at_select_t *select;
    apr_pool_t *pool;
} reply_t;

static at_error_t *broken(reply_t *reply, const at_plan_node_t *node,
                          const char *kind)
{
    const char *file, *name = at_plan_column(reply->plan, node->column, &file);

    return at_error_hidden(reply->pool, AT_INTERNAL_ERROR,
                           "%s: the value of column '%s' is not %s; correct "
                           "the row, or the column's name", file, name, kind);
}

static at_error_t *write_number(reply_t *reply, const at_plan_node_t *node,
                                const char *text)
{
    double number;

    if (at_number_is_whole(text) || at_number_is_formatted(text)) {
        at_write_as_is(reply->writer, text);
        return NULL;
    }
    if (at_number_parse(&number, text) != AT_NUMBER_READ) {
        return broken(reply, node, "a number");
    }
    at_write_as_is(reply->writer, at_number_format(reply->pool, number));
    return NULL;
}

static at_error_t *write_boolean(reply_t *reply, const at_plan_node_t *node,
                                 const char *text)
{
    if (strcmp(text, "0") && strcmp(text, "1")) {
        return broken(reply, node, "a boolean, 0 or 1");
    }
    at_write_boolean(reply->writer, *text == '1');
    return NULL;
}

/* Write only those members of OBJECT that fields_set names. */
static void write_part(reply_t *reply, const at_json_t *object)
{
    int i;

    at_write_open_object(reply->writer);
    for (i = 0; i < object->members->nelts; i++) {
        at_json_member_t *member = &APR_ARRAY_IDX(object->members, i,
                                                  at_json_member_t);

        if (at_select_wants_custom(reply->select, member->name)) {
            at_write_string(reply->writer, member->name);
            at_write_json(reply->writer, member->value);
        }
    }
    at_write_close_object(reply->writer);
}

static at_error_t *write_json(reply_t *reply, const at_plan_node_t *node,
                              const char *text, int mark)
{
    at_json_t *value;

    if (at_json_parse(&value, text, reply->pool)) {
        return broken(reply, node, "JSON");
    }
    if ((mark & AT_SELECT_WHOLE) || value->type != AT_JSON_OBJECT) {
        at_write_json(reply->writer, value);
    }
    else {
        write_part(reply, value);
    }
    return NULL;
}

/* The value of NODE's column. MySQL's zero date, which some programs store for
 * none, is NULL. */
static const char *value_of(const reply_t *reply, const at_plan_node_t *node)
{
    const char *text = reply->row->values[node->column];

    return text && node->type == AT_LEAF_DATE
           && !strncmp(text, "0000-00-00", 10) ? NULL : text;
}

/* Write a date with a T between date and time; without a time, midnight. */
static void write_date(reply_t *reply, const char *text)
{
    apr_size_t length = strlen(text);

    if (length == 10) {
        text = apr_pstrcat(reply->pool, text, "T00:00:00", (char *)NULL);
    }
    else if (length > 10 && text[10] == ' ') {
        char *copy = apr_pstrdup(reply->pool, text);

        copy[10] = 'T';
        text = copy;
    }
    at_write_string(reply->writer, text);
}

static at_error_t *write_leaf(reply_t *reply, const at_plan_node_t *node,
                              int mark)
{
    const char *text = value_of(reply, node);

    if (!text || node->type == AT_LEAF_STRING) {
        at_write_text_member(reply->writer, &node->label, text);
        return NULL;
    }
    at_write_name(reply->writer, &node->label);
    switch (node->type) {
    case AT_LEAF_NUMBER:
        return write_number(reply, node, text);
    case AT_LEAF_BOOLEAN:
        return write_boolean(reply, node, text);
    case AT_LEAF_JSON:
        return write_json(reply, node, text, mark);
    case AT_LEAF_DATE:
        write_date(reply, text);
        break;
    case AT_LEAF_STRING:
        break;
    }
    return NULL;
}

/* The document of NODE that the load has read, or NULL. */
static const char *document_of(const reply_t *reply,
                               const at_plan_node_t *node)
{
    return node->document_column == AT_PLAN_NONE
           ? NULL : reply->row->values[node->document_column];
}

static int is_null(const reply_t *reply, const at_plan_node_t *node)
{
    const char *document = document_of(reply, node);

    if (document) {
        return !strcmp(document, "null");
    }
    if (node->column != AT_PLAN_NONE) {
        return !value_of(reply, node);
    }
    return node->id_column != AT_PLAN_NONE
           && !reply->row->values[node->id_column];
}

/* Write DOCUMENT, an object. The database keeps it right; one that is cut would
 * break the reply. */
static at_error_t *write_document(reply_t *reply, const at_plan_node_t *node,
                                  const char *document)
{
    apr_size_t length = strlen(document);

    if (*document != '{' || document[length - 1] != '}') {
        const char *file, *name = at_plan_column(reply->plan,
                                                 node->document_column, &file);

        return at_error_hidden(reply->pool, AT_INTERNAL_ERROR, "%s: the value "
                               "of column '%s' is not a JSON object; correct "
                               "the row", file, name);
    }
    at_write_as_is(reply->writer, document);
    return NULL;
}

static at_error_t *write_members(reply_t *reply,
                                 const at_plan_node_t *parent, int mark);

static at_error_t *write_node(reply_t *reply, const at_plan_node_t *node,
                              int mark)
{
    if (!mark || (node->optional && !(mark & AT_SELECT_NAMED)
                  && is_null(reply, node))) {
        return NULL;
    }
    if (node->column != AT_PLAN_NONE) {
        return write_leaf(reply, node, mark);
    }
    if (is_null(reply, node)) {
        at_write_text_member(reply->writer, &node->label, NULL);
        return NULL;
    }
    at_write_name(reply->writer, &node->label);
    if (document_of(reply, node)) {
        return write_document(reply, node, document_of(reply, node));
    }
    at_write_open_object(reply->writer);
    AT_TRY(write_members(reply, node, mark));
    at_write_close_object(reply->writer);
    return NULL;
}

static at_error_t *write_members(reply_t *reply,
                                 const at_plan_node_t *parent, int mark)
{
    int child = parent->first_child;

    while (child != AT_PLAN_NONE) {
        const at_plan_node_t *node = &reply->nodes[child];

        AT_TRY(write_node(reply, node, at_select_mark(reply->select, child,
                                                      mark)));
        child = node->next_sibling;
    }
    return NULL;
}

static void write_status(at_writer_t *writer, at_code_e code,
                         const char *description)
{
    at_write_string(writer, "status");
    at_write_open_object(writer);
    at_write_member(writer, "code", at_code_name(code));
    at_write_member(writer, "message", at_code_message(code));
    at_write_member(writer, "description", description);
    at_write_close_object(writer);
}

at_error_t *at_reply_data(at_body_t *body, const at_row_t *row,
                          const at_select_t *select, const char *pass_code,
                          apr_pool_t *pool)
{
    reply_t reply = { NULL, row, row->plan, NULL, select, pool };

    reply.writer = pass_code ? at_writer_make_secret(pool)
                             : at_writer_make(pool);
    reply.nodes = at_plan_node(row->plan, 0);
    at_write_open_object(reply.writer);
    write_status(reply.writer, AT_OK, "");
    at_write_string(reply.writer, "data");
    at_write_open_object(reply.writer);
    AT_TRY(write_members(&reply, reply.nodes,
                         select->all ? AT_SELECT_WHOLE : 0));
    if (pass_code) {
        at_write_member(reply.writer,
                        at_field_get(AT_CREDENTIAL_PASS_CODE)->name,
                        pass_code);
    }
    at_write_close_object(reply.writer);
    at_write_close_object(reply.writer);
    body->text = at_writer_text(reply.writer, &body->length);
    if (!body->text) {
        return at_error_hidden(pool, AT_INTERNAL_ERROR, "the reply could "
                               "not be written as JSON");
    }
    return NULL;
}

void at_reply_ready(at_body_t *body, apr_pool_t *pool)
{
    at_writer_t *writer = at_writer_make(pool);

    at_write_open_object(writer);
    write_status(writer, AT_OK, "");
    at_write_close_object(writer);
    body->text = at_writer_text(writer, &body->length);
}

static void write_violations(at_writer_t *writer, const at_error_t *error)
{
    int i;

    at_write_string(writer, "errors");
    at_write_open_array(writer);
    for (i = 0; error->violations && i < error->violations->nelts; i++) {
        at_violation_t *violation = &APR_ARRAY_IDX(error->violations, i,
                                                   at_violation_t);

        at_write_open_object(writer);
        at_write_member(writer, "pointer", violation->pointer);
        at_write_member(writer, "code", at_violation_name(violation->code));
        at_write_member(writer, "message", violation->message);
        at_write_close_object(writer);
    }
    at_write_close_array(writer);
}

static void write_problem(at_writer_t *writer, const at_error_t *error,
                          int http_status, apr_pool_t *pool)
{
    at_write_member(writer, "type", "about:blank");
    at_write_member(writer, "title", at_code_message(error->code));
    at_write_string(writer, "status");
    at_write_as_is(writer, apr_itoa(pool, http_status));
    at_write_member(writer, "detail", error->description);
    at_write_member(writer, "code", at_code_name(error->code));
}

void at_reply_error(at_body_t *body, const at_error_t *error, int problem,
                    int http_status, apr_pool_t *pool)
{
    at_writer_t *writer = at_writer_make(pool);

    at_write_open_object(writer);
    if (problem) {
        write_problem(writer, error, http_status, pool);
    }
    else {
        write_status(writer, error->code, error->description);
    }
    write_violations(writer, error);
    at_write_close_object(writer);
    body->text = at_writer_text(writer, &body->length);
}
