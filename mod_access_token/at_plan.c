/* SPDX-License-Identifier: Apache-2.0 */
#include "at_plan.h"

#include <string.h>

#include <apr_strings.h>

#include "at_field.h"

#define PREFIX "data."

/* Column names are shorter than MySQL's limit for an alias. */
#define NAME_SIZE 256

typedef struct {
    at_plan_t *plan;
    const at_statement_t *statement;
    const char *column;          /* the name that is being read */
    apr_pool_t *pool;
} builder_t;

static const char *complain(const builder_t *builder, const char *problem)
{
    return apr_psprintf(builder->pool, "%s: column '%s': %s",
                        builder->statement->file, builder->column, problem);
}

static at_plan_node_t *node_of(const at_plan_t *plan, int index)
{
    return &APR_ARRAY_IDX(plan->nodes, index, at_plan_node_t);
}

const at_plan_node_t *at_plan_node(const at_plan_t *plan, int index)
{
    return node_of(plan, index);
}

int at_plan_child(const at_plan_t *plan, int parent, const char *name,
                  apr_size_t length)
{
    int child = node_of(plan, parent)->first_child;

    while (child != AT_PLAN_NONE) {
        const at_plan_node_t *node = node_of(plan, child);

        if (!strncmp(node->name, name, length) && !node->name[length]) {
            return child;
        }
        child = node->next_sibling;
    }
    return AT_PLAN_NONE;
}

static int add_node(at_plan_t *plan, const char *name)
{
    at_plan_node_t *node = apr_array_push(plan->nodes);

    memset(node, 0, sizeof(*node));
    node->name = name;
    node->column = AT_PLAN_NONE;
    node->id_column = AT_PLAN_NONE;
    node->first_child = AT_PLAN_NONE;
    node->next_sibling = AT_PLAN_NONE;
    return plan->nodes->nelts - 1;
}

/* Append a new child to PARENT, so that members keep the SELECT's order. */
static int add_child(at_plan_t *plan, int parent, const char *name)
{
    int index = add_node(plan, name);
    int *link = &node_of(plan, parent)->first_child;

    while (*link != AT_PLAN_NONE) {
        link = &node_of(plan, *link)->next_sibling;
    }
    *link = index;
    return index;
}

static const char *read_type(builder_t *builder, at_leaf_type_e *type,
                             const char *suffix)
{
    static const char *const names[] = { "", ":number", ":boolean",
                                         ":json" };
    int i;

    for (i = 0; i < 4; i++) {
        if (!strcmp(suffix, names[i])) {
            *type = (at_leaf_type_e)i;
            return NULL;
        }
    }
    return complain(builder, "behind the name only :number, :boolean or "
                    ":json can stand");
}

/*
 * Find or add the child of *NODE for the segment of LENGTH bytes at NAME,
 * and make it *NODE. A `?` at its end is not part of its name.
 */
static const char *descend(builder_t *builder, int *node, const char *name,
                           apr_size_t length, int is_leaf)
{
    at_plan_t *plan = builder->plan;
    int optional = length > 0 && name[length - 1] == '?';
    int child;

    length -= (apr_size_t)optional;
    if (length == 0 || memchr(name, '?', length)) {
        return complain(builder, "between the dots stands a name, with no "
                        "more than one ? behind it");
    }
    child = at_plan_child(plan, *node, name, length);
    if (child == AT_PLAN_NONE) {
        child = add_child(plan, *node,
                          apr_pstrmemdup(builder->pool, name, length));
    }
    else if (is_leaf || node_of(plan, child)->column != AT_PLAN_NONE) {
        return complain(builder, "collides with a column before it");
    }
    node_of(plan, child)->optional |= optional;
    *node = child;
    return NULL;
}

/* Add the leaf that COLUMN's name, without "data.", describes. */
static const char *add_leaf(builder_t *builder, int column, const char *path)
{
    const char *suffix = path + strcspn(path, ":");
    const char *problem;
    at_plan_node_t *leaf;
    at_leaf_type_e type = AT_LEAF_STRING;
    int node = 0, parent = 0;

    problem = read_type(builder, &type, suffix);
    while (!problem) {
        apr_size_t length = strcspn(path, ".:");

        parent = node;
        problem = descend(builder, &node, path, length,
                          path[length] != '.');
        if (path[length] != '.') {
            break;
        }
        path += length + 1;
    }
    if (problem) {
        return problem;
    }
    leaf = node_of(builder->plan, node);
    leaf->column = column;
    leaf->type = type;
    if (!strcmp(leaf->name, "id")) {
        node_of(builder->plan, parent)->id_column = column;
    }
    return NULL;
}

static const char *add_input(builder_t *builder, int column)
{
    apr_hash_t *inputs = builder->plan->inputs;
    int *number;

    if (apr_hash_get(inputs, builder->column, APR_HASH_KEY_STRING)) {
        return complain(builder, "stands there twice");
    }
    number = apr_palloc(builder->pool, sizeof(*number));
    *number = column;
    apr_hash_set(inputs, builder->column, APR_HASH_KEY_STRING, number);
    return NULL;
}

/* The column of the leaf at "a.b", or AT_PLAN_NONE. */
static int leaf_column(const at_plan_t *plan, const char *path)
{
    int node = 0;

    for (;;) {
        apr_size_t length = strcspn(path, ".");

        node = at_plan_child(plan, node, path, length);
        if (node == AT_PLAN_NONE) {
            return AT_PLAN_NONE;
        }
        if (!path[length]) {
            return node_of(plan, node)->column;
        }
        path += length + 1;
    }
}

/* Find the columns of the fields; a secret must not have one. */
static const char *find_fields(builder_t *builder)
{
    at_plan_t *plan = builder->plan;
    int i;

    plan->field_columns = apr_palloc(builder->pool, sizeof(int)
                                     * (apr_size_t)at_field_count());
    for (i = 0; i < at_field_count(); i++) {
        const at_field_t *field = at_field_get(i);

        plan->field_columns[i] = leaf_column(plan, field->name);
        if ((field->flags & AT_FIELD_IS_SECRET)
            && at_plan_child(plan, 0, field->name, strlen(field->name))
               != AT_PLAN_NONE) {
            builder->column = apr_pstrcat(builder->pool, PREFIX,
                                          field->name, (char *)NULL);
            return complain(builder, "a secret is never in a reply");
        }
    }
    plan->updated_date_column = leaf_column(plan,
                                            "log_information.updated_date");
    return NULL;
}

const char *at_plan_make(at_plan_t **plan, const at_statement_t *statement,
                         apr_pool_t *pool)
{
    builder_t builder = { NULL, statement, NULL, pool };
    const char *problem = NULL;
    int i;

    *plan = builder.plan = apr_pcalloc(pool, sizeof(**plan));
    (*plan)->statement = statement;
    (*plan)->nodes = apr_array_make(pool, 64, sizeof(at_plan_node_t));
    (*plan)->inputs = apr_hash_make(pool);
    (*plan)->column_count = statement->columns->nelts;
    add_node(*plan, "data");
    for (i = 0; !problem && i < (*plan)->column_count; i++) {
        builder.column = APR_ARRAY_IDX(statement->columns, i, const char *);
        if (strlen(builder.column) >= NAME_SIZE) {
            problem = complain(&builder, "longer than 255 characters");
        }
        else if (!strncmp(builder.column, PREFIX, strlen(PREFIX))) {
            problem = add_leaf(&builder, i, builder.column + strlen(PREFIX));
        }
        else {
            problem = add_input(&builder, i);
        }
    }
    return problem ? problem : find_fields(&builder);
}

int at_plan_has_input(const at_plan_t *plan, const char *name)
{
    return apr_hash_get(plan->inputs, name, APR_HASH_KEY_STRING) != NULL;
}

const char *at_row_input(const at_row_t *row, const char *name)
{
    const int *column = apr_hash_get(row->plan->inputs, name,
                                     APR_HASH_KEY_STRING);

    return row->values[*column];
}

const char *at_row_field(const at_row_t *row, int field)
{
    int column = row->plan->field_columns[field];

    return column == AT_PLAN_NONE ? NULL : row->values[column];
}
