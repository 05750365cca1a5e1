/* SPDX-License-Identifier: Apache-2.0 */
#include "at_select.h"

#include <stdlib.h>
#include <string.h>

#include <apr_lib.h>
#include <apr_strings.h>

#include "at_field.h"
#include "at_text.h"

#define PARAMETER "/fields_set"

typedef struct {
    at_select_t *select;
    const at_plan_t *plan;
    at_violations_t *violations;
    const char *pointer;      /* to what is read; NULL: not made yet */
    int element;              /* the index of the element that is read */
    apr_pool_t *pool;
} reader_t;

/* The pointer to the element that is read. NULL if it will not be used: the
 * list of violations is full. */
static const char *place(reader_t *reader)
{
    if (!reader->pointer && !at_violations_are_full(reader->violations)) {
        reader->pointer = at_pointer_element(reader->pool, PARAMETER,
                                             reader->element);
    }
    return reader->pointer;
}

/* True if PATH is NAME, or something inside it. */
static int begins_with(const char *path, const char *name)
{
    apr_size_t length = strlen(name);

    return !strncmp(path, name, length)
           && (path[length] == '\0' || path[length] == '.');
}

/* The name that the vendor's clients use for the same member. */
static const char *resolve_alias(reader_t *reader, const char *path)
{
    static const char alias[] = "rewards_participant";

    if (!begins_with(path, alias)) {
        return path;
    }
    return apr_pstrcat(reader->pool, "reward_participant",
                       path + strlen(alias), (char *)NULL);
}

static void add_custom_field(reader_t *reader, const char *name)
{
    at_select_name_t *wanted = apr_array_push(reader->select->custom_fields);

    wanted->name = name;
    wanted->pointer = place(reader);
}

/* Mark the nodes on PATH. False if the plan does not have it. */
static int mark_path(reader_t *reader, const char *path)
{
    unsigned char *marks = reader->select->marks;
    int custom = reader->plan->field_columns[at_field_custom()];
    int nodes[AT_PLAN_DEPTH];
    int depth = 0, node = 0, i;

    for (;;) {
        apr_size_t length = strcspn(path, ".");

        node = at_plan_child(reader->plan, node, path, length);
        if (node == AT_PLAN_NONE || depth == AT_PLAN_DEPTH) {
            return 0;
        }
        if (!path[length]) {
            marks[node] |= AT_SELECT_WHOLE | AT_SELECT_NAMED;
            break;
        }
        nodes[depth++] = node;
        path += length + 1;
        if (custom != AT_PLAN_NONE
            && at_plan_node(reader->plan, node)->column == custom && *path) {
            add_custom_field(reader, path);
            break;
        }
    }
    for (i = 0; i < depth; i++) {
        marks[nodes[i]] |= AT_SELECT_PART | AT_SELECT_NAMED;
    }
    return 1;
}

static void add_unknown(reader_t *reader, const char *name)
{
    at_violations_add(reader->violations, place(reader),
                      AT_VIOLATION_UNKNOWN_FIELD,
                      "The reply has no field \"%s\".",
                      at_text_quoted(reader->pool, name));
}

static void read_name(reader_t *reader, const char *name)
{
    const at_field_t *pass_code = at_field_get(AT_CREDENTIAL_PASS_CODE);

    name = resolve_alias(reader, name);
    reader->select->all = 0;
    if (!strcmp(name, pass_code->name)) {
        reader->select->pass_code_pointer = place(reader);
    }
    else if (!mark_path(reader, name)) {
        add_unknown(reader, name);
    }
}

/* Read names that are separated by commas, and ignore white space around
 * them. */
static void read_list(reader_t *reader, const char *text)
{
    char *state, *name, *list = apr_pstrdup(reader->pool, text);

    for (name = apr_strtok(list, ",", &state); name;
         name = apr_strtok(NULL, ",", &state)) {
        char *end = name + strlen(name);

        while (apr_isspace(*name)) {
            name++;
        }
        while (end > name && apr_isspace(end[-1])) {
            *--end = '\0';
        }
        if (*name) {
            read_name(reader, name);
        }
    }
}

static void read_array(reader_t *reader, const at_json_t *array)
{
    int i;

    for (i = 0; i < array->elements->nelts; i++) {
        const at_json_t *element = APR_ARRAY_IDX(array->elements, i,
                                                 at_json_t *);

        reader->element = i;
        reader->pointer = NULL;
        if (element->type == AT_JSON_STRING) {
            read_list(reader, element->text);
        }
        else {
            at_violations_add(reader->violations,
                              place(reader), AT_VIOLATION_INVALID_TYPE,
                              "A name in fields_set must be a string.");
        }
    }
}

static int compare_names(const void *one, const void *other)
{
    return strcmp(*(const char *const *)one, *(const char *const *)other);
}

/* A request may name very many, and each member of the stored set is looked up
 * among them, so they are sorted. */
static void sort_custom_names(at_select_t *select, apr_pool_t *pool)
{
    int i, count = select->custom_fields->nelts;

    select->custom_names = apr_palloc(pool, sizeof(char *)
                                            * (apr_size_t)(count + 1));
    for (i = 0; i < count; i++) {
        select->custom_names[i] = APR_ARRAY_IDX(select->custom_fields, i,
                                                at_select_name_t).name;
    }
    qsort(select->custom_names, (size_t)count, sizeof(char *), compare_names);
}

int at_select_wants_custom(const at_select_t *select, const char *name)
{
    return bsearch(&name, select->custom_names,
                   (size_t)select->custom_fields->nelts, sizeof(char *),
                   compare_names) != NULL;
}

at_select_t *at_select_read(const at_json_t *value, const at_plan_t *plan,
                            at_violations_t *violations,
                            apr_pool_t *pool)
{
    reader_t reader = { NULL, plan, violations, PARAMETER, 0, pool };

    reader.select = apr_pcalloc(pool, sizeof(*reader.select));
    reader.select->all = 1;
    reader.select->marks = apr_pcalloc(pool, (apr_size_t)plan->nodes->nelts);
    reader.select->custom_fields = apr_array_make(pool, 1,
                                                  sizeof(at_select_name_t));
    if (value && value->type == AT_JSON_STRING) {
        read_list(&reader, value->text);
    }
    else if (value && value->type == AT_JSON_ARRAY) {
        read_array(&reader, value);
    }
    else if (value) {
        at_violations_add(violations, PARAMETER, AT_VIOLATION_INVALID_TYPE,
                          "fields_set must be a string of names with commas "
                          "between them, or an array of such strings.");
    }
    sort_custom_names(reader.select, pool);
    return reader.select;
}

int at_select_wants(const at_select_t *select, const at_plan_t *plan,
                    int node)
{
    int wanted = select->all || select->marks[node];

    while (!wanted && node != 0) {
        node = at_plan_node(plan, node)->parent;
        wanted = (select->marks[node] & AT_SELECT_WHOLE) != 0;
    }
    return wanted;
}

/* True if all of NODE of PLAN is wanted. */
static int wants_whole(const at_select_t *select, const at_plan_t *plan,
                       int node)
{
    int whole = select->all;

    for (; !whole && node != AT_PLAN_NONE;
         node = at_plan_node(plan, node)->parent) {
        whole = (select->marks[node] & AT_SELECT_WHOLE) != 0;
    }
    return whole;
}

at_sql_form_e at_select_form(const at_select_t *select,
                             const at_statements_t *statements)
{
    at_sql_form_e form = AT_SQL_NARROW;
    int i;

    if (!statements->wide_nodes) {
        return AT_SQL_WHOLE;
    }
    for (i = 0; i < statements->wide_nodes->nelts; i++) {
        const at_wide_node_t *wide = &APR_ARRAY_IDX(statements->wide_nodes, i,
                                                    at_wide_node_t);

        if (!at_select_wants(select, statements->plan, wide->node)) {
            continue;
        }
        if (wide->document == AT_PLAN_NONE
            || !wants_whole(select, statements->plan, wide->document)) {
            return AT_SQL_WHOLE;
        }
        form = AT_SQL_DOCUMENTS;
    }
    return form;
}
