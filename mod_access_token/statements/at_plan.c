/* SPDX-License-Identifier: Apache-2.0 */
#include "at_plan.h"

#include <string.h>

#include <apr_lib.h>
#include <apr_strings.h>

#include "at_field.h"

#define PREFIX "data."

/* Column names are shorter than MySQL's limit for an alias. */
#define NAME_SIZE 256

typedef struct {
    at_plan_t *plan;
    const at_statement_t *statement;
    const apr_array_header_t *lookups; /* at_lookup_t */
    const char *column;          /* the name that is being read */
    apr_pool_t *pool;
} builder_t;

static const char *complain(const builder_t *builder, const char *problem)
{
    return apr_psprintf(builder->pool, "%s: column '%s': %s",
                        builder->statement->file, builder->column, problem);
}

/* Read the name of the statement's column number COLUMN. */
static const char *begin_column(builder_t *builder, int column)
{
    builder->column = APR_ARRAY_IDX(builder->statement->columns, column,
                                    const char *);
    return strlen(builder->column) < NAME_SIZE ? NULL
           : complain(builder, "longer than 255 characters");
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

        if (*node->name == *name && !strncmp(node->name, name, length)
            && !node->name[length]) {
            return child;
        }
        child = node->next_sibling;
    }
    return AT_PLAN_NONE;
}

static int add_node(at_plan_t *plan, int parent, const char *name,
                    apr_pool_t *pool)
{
    at_plan_node_t *node = apr_array_push(plan->nodes);

    memset(node, 0, sizeof(*node));
    node->name = name;
    node->label = at_write_label(pool, name);
    node->parent = parent;
    node->key_column = AT_PLAN_NONE;
    node->column = AT_PLAN_NONE;
    node->id_column = AT_PLAN_NONE;
    node->first_child = AT_PLAN_NONE;
    node->next_sibling = AT_PLAN_NONE;
    return plan->nodes->nelts - 1;
}

/* Append a new child to PARENT, so that members keep the SELECT's order. */
static int add_child(at_plan_t *plan, int parent, const char *name,
                     apr_pool_t *pool)
{
    int index = add_node(plan, parent, name, pool);
    int *link = &node_of(plan, parent)->first_child;

    while (*link != AT_PLAN_NONE) {
        link = &node_of(plan, *link)->next_sibling;
    }
    *link = index;
    return index;
}

/* 0 for `data`. */
static int depth_of(const at_plan_t *plan, int node)
{
    int depth = 0;

    while (node != 0) {
        node = node_of(plan, node)->parent;
        depth++;
    }
    return depth;
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
    if (length == 0 || strcspn(name, "?:@=,") < length
        || apr_isspace(name[0]) || apr_isspace(name[length - 1])) {
        return complain(builder, "between the dots stands a name without "
                        ":, @, = and commas, and without blanks around it, "
                        "with no more than one ? behind it");
    }
    child = at_plan_child(plan, *node, name, length);
    if (child == AT_PLAN_NONE) {
        if (depth_of(plan, *node) == AT_PLAN_DEPTH) {
            return complain(builder, apr_psprintf(builder->pool, "it stands "
                            "deeper than %d members within each other",
                            AT_PLAN_DEPTH));
        }
        child = add_child(plan, *node,
                          apr_pstrmemdup(builder->pool, name, length),
                          builder->pool);
    }
    else if (is_leaf || node_of(plan, child)->column != AT_PLAN_NONE) {
        return complain(builder, "collides with a column before it");
    }
    node_of(plan, child)->optional |= optional;
    *node = child;
    return NULL;
}

/* Descend from *NODE on PATH, which ends at a character of END, to an object
 * or a leaf. */
static const char *descend_path(builder_t *builder, int *node,
                                const char *path, const char *end,
                                int to_leaf)
{
    const char *problem = NULL, *stop = path + strcspn(path, end);

    while (!problem) {
        apr_size_t length = strcspn(path, ".");
        int is_last = path + length >= stop;

        if (is_last) {
            length = (apr_size_t)(stop - path);
        }
        problem = descend(builder, node, path, length, is_last && to_leaf);
        if (is_last) {
            break;
        }
        path += length + 1;
    }
    return problem;
}

/* Add below NODE the leaf at PATH, whose value column COLUMN has. */
static const char *add_leaf(builder_t *builder, int node, int column,
                            const char *path)
{
    at_leaf_type_e type = AT_LEAF_STRING;
    at_plan_node_t *leaf;
    const char *problem = read_type(builder, &type,
                                    path + strcspn(path, ":"));

    if (!problem) {
        problem = descend_path(builder, &node, path, ":", 1);
    }
    if (problem) {
        return problem;
    }
    leaf = node_of(builder->plan, node);
    leaf->column = column;
    leaf->type = type;
    if (!strcmp(leaf->name, "id")) {
        node_of(builder->plan, leaf->parent)->id_column = column;
    }
    return NULL;
}

static int find_lookup(const builder_t *builder, const char *name)
{
    int i;

    for (i = 0; builder->lookups && i < builder->lookups->nelts; i++) {
        if (!strcmp(APR_ARRAY_IDX(builder->lookups, i, at_lookup_t).name,
                    name)) {
            return i;
        }
    }
    return AT_PLAN_NONE;
}

/* The members of a looked-up object, below its node. */
static const char *add_members(builder_t *builder,
                               const at_plan_lookup_t *lookup)
{
    const at_statement_t *load = builder->statement;
    const char *problem = NULL, *column = builder->column;
    int i;

    builder->statement = lookup->statement;
    for (i = 0; !problem && i < lookup->column_count; i++) {
        problem = begin_column(builder, i);
        if (!problem && strchr(builder->column, '@')) {
            problem = complain(builder, "in a looked-up object nothing is "
                               "looked up");
        }
        if (!problem) {
            problem = add_leaf(builder, lookup->node,
                               lookup->first_column + i, builder->column);
        }
    }
    builder->statement = load;
    builder->column = column;
    return problem;
}

/* Add the object at PATH, "path@lookup", whose key column COLUMN has. */
static const char *add_lookup(builder_t *builder, int column,
                              const char *path)
{
    at_plan_t *plan = builder->plan;
    at_plan_lookup_t *lookup = apr_array_push(plan->lookups);
    const char *problem;
    int node = 0;

    if (plan->lookups->nelts > AT_PLAN_LOOKUPS) {
        return complain(builder, "so many objects cannot be looked up");
    }
    lookup->lookup = find_lookup(builder, at_plan_lookup_name(path));
    if (lookup->lookup == AT_PLAN_NONE) {
        return complain(builder, "there is no such lookup");
    }
    problem = descend_path(builder, &node, path, "@", 0);
    if (!problem && node_of(plan, node)->key_column != AT_PLAN_NONE) {
        problem = complain(builder, "collides with a column before it");
    }
    if (problem) {
        return problem;
    }
    lookup->node = node;
    lookup->statement = APR_ARRAY_IDX(builder->lookups, lookup->lookup,
                                      at_lookup_t).statement;
    lookup->key_column = column;
    lookup->first_column = plan->column_count;
    lookup->column_count = lookup->statement->columns->nelts;
    plan->column_count += lookup->column_count;
    node_of(plan, node)->key_column = column;
    problem = add_members(builder, lookup);
    if (node_of(plan, node)->id_column == AT_PLAN_NONE) {
        node_of(plan, node)->id_column = column;
    }
    return problem;
}

/* The node at PATH, or AT_PLAN_NONE. */
static int find_node(const at_plan_t *plan, const char *path)
{
    int node = 0;

    for (;;) {
        apr_size_t length = strcspn(path, ".");

        node = at_plan_child(plan, node, path, length);
        if (node == AT_PLAN_NONE || !path[length]) {
            return node;
        }
        path += length + 1;
    }
}

const char *at_plan_lookup_name(const char *name)
{
    const char *at = strchr(name, '@');

    return at ? at + 1 : NULL;
}

/* Add what the name of column COLUMN, without "data.", describes. */
static const char *add_column(builder_t *builder, int column,
                              const char *path)
{
    return strchr(path, '@') ? add_lookup(builder, column, path)
                             : add_leaf(builder, 0, column, path);
}

/* One that the module does not know is refused by who reads the folder. */
static const char *add_input(builder_t *builder, int column)
{
    int input = at_column_find(builder->column);

    if (input < 0) {
        return NULL;
    }
    if (builder->plan->input_columns[input] != AT_PLAN_NONE) {
        return complain(builder, "stands there twice");
    }
    builder->plan->input_columns[input] = column;
    return NULL;
}

/* The column of the leaf at "a.b", or AT_PLAN_NONE. */
static int leaf_column(const at_plan_t *plan, const char *path)
{
    int node = find_node(plan, path);

    return node == AT_PLAN_NONE ? AT_PLAN_NONE : node_of(plan, node)->column;
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

static void begin(builder_t *builder)
{
    at_plan_t *plan = apr_pcalloc(builder->pool, sizeof(*plan));
    int i;

    plan->statement = builder->statement;
    plan->nodes = apr_array_make(builder->pool, 64, sizeof(at_plan_node_t));
    plan->lookups = apr_array_make(builder->pool, 8,
                                   sizeof(at_plan_lookup_t));
    for (i = 0; i < AT_COLUMN_COUNT; i++) {
        plan->input_columns[i] = AT_PLAN_NONE;
    }
    plan->column_count = builder->statement->columns->nelts;
    builder->plan = plan;
    add_node(plan, AT_PLAN_NONE, "data", builder->pool);
}

const char *at_plan_make(at_plan_t **plan, const at_statement_t *statement,
                         const apr_array_header_t *lookups, apr_pool_t *pool)
{
    builder_t builder = { NULL, statement, lookups, NULL, pool };
    const char *problem = NULL;
    int i;

    begin(&builder);
    *plan = builder.plan;
    for (i = 0; !problem && i < statement->columns->nelts; i++) {
        problem = begin_column(&builder, i);
        if (problem) {
            break;
        }
        problem = strncmp(builder.column, PREFIX, strlen(PREFIX))
                  ? add_input(&builder, i)
                  : add_column(&builder, i, builder.column + strlen(PREFIX));
    }
    return problem ? problem : find_fields(&builder);
}

const char *at_plan_column(const at_plan_t *plan, int column,
                           const char **file)
{
    const at_statement_t *statement = plan->statement;
    int i;

    for (i = 0; i < plan->lookups->nelts; i++) {
        const at_plan_lookup_t *lookup = &APR_ARRAY_IDX(plan->lookups, i,
                                                        at_plan_lookup_t);

        if (column >= lookup->first_column
            && column - lookup->first_column < lookup->column_count) {
            statement = lookup->statement;
            column -= lookup->first_column;
            break;
        }
    }
    *file = statement->file;
    return APR_ARRAY_IDX(statement->columns, column, const char *);
}

const char *at_row_input(const at_row_t *row, at_column_e input)
{
    return row->values[row->plan->input_columns[input]];
}

const char *at_row_field(const at_row_t *row, int field)
{
    int column = row->plan->field_columns[field];

    return column == AT_PLAN_NONE ? NULL : row->values[column];
}
