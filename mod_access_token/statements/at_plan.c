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
    const at_statement_t *statement; /* whose columns are being read */
    const apr_array_header_t *lookups; /* at_lookup_t, or NULL */
    const char *column;          /* the name that is being read */
    apr_pool_t *pool;
} builder_t;

int at_plan_is_member(const char *name)
{
    return !strncmp(name, PREFIX, strlen(PREFIX));
}

/* The error that PROBLEM is with the column that is being read. */
static at_error_t *complain(const builder_t *builder, const char *problem)
{
    return at_error_config(builder->pool, "%s: column '%s': %s",
                           builder->statement->file, builder->column,
                           problem);
}

/* Begin to read the name of the statement's column number COLUMN. */
static at_error_t *begin_column(builder_t *builder, int column)
{
    builder->column = at_sql_column_name(builder->statement, column);
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
    node->document_column = AT_PLAN_NONE;
    node->column = AT_PLAN_NONE;
    node->id_column = AT_PLAN_NONE;
    node->first_child = AT_PLAN_NONE;
    node->next_sibling = AT_PLAN_NONE;
    return plan->nodes->nelts - 1;
}

/* Append a new child to PARENT: members have the order of the SELECT. */
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

/* How many members NODE is in: 0 for `data`. */
static int depth_of(const at_plan_t *plan, int node)
{
    int depth = 0;

    while (node != 0) {
        node = node_of(plan, node)->parent;
        depth++;
    }
    return depth;
}

static at_error_t *read_type(builder_t *builder, at_leaf_type_e *type,
                             const char *suffix)
{
    static const struct {
        const char *suffix;
        at_leaf_type_e type;
    } types[] = {
        { "", AT_LEAF_STRING },
        { ":number", AT_LEAF_NUMBER },
        { ":boolean", AT_LEAF_BOOLEAN },
        { ":json", AT_LEAF_JSON },
        { ":date", AT_LEAF_DATE }
    };
    size_t i;

    for (i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
        if (!strcmp(suffix, types[i].suffix)) {
            *type = types[i].type;
            return NULL;
        }
    }
    return complain(builder, "the type after a name is :number, :boolean, "
                    ":json or :date");
}

/*
 * Go from *NODE to its child for the segment of LENGTH bytes at NAME; add the
 * child if there is none. A `?` at the end is not part of the name.
 */
static at_error_t *descend(builder_t *builder, int *node, const char *name,
                           apr_size_t length, int is_leaf)
{
    at_plan_t *plan = builder->plan;
    int optional = length > 0 && name[length - 1] == '?';
    int child;

    length -= (apr_size_t)optional;
    if (length == 0 || strcspn(name, "?:@=,") < length
        || apr_isspace(name[0]) || apr_isspace(name[length - 1])) {
        return complain(builder, "a name between dots has no :, @, = or "
                        "comma, no blanks around it, and at most one ? at "
                        "its end");
    }
    child = at_plan_child(plan, *node, name, length);
    if (child == AT_PLAN_NONE) {
        if (depth_of(plan, *node) == AT_PLAN_DEPTH) {
            return complain(builder, apr_psprintf(builder->pool, "it is "
                            "nested deeper than %d members", AT_PLAN_DEPTH));
        }
        child = add_child(plan, *node,
                          apr_pstrmemdup(builder->pool, name, length),
                          builder->pool);
    }
    else if (is_leaf || node_of(plan, child)->column != AT_PLAN_NONE) {
        return complain(builder, "collides with an earlier column");
    }
    node_of(plan, child)->optional |= optional;
    *node = child;
    return NULL;
}

/* Descend from *NODE on PATH, up to the first character of END in it, to an
 * object or a leaf. */
static at_error_t *descend_path(builder_t *builder, int *node,
                                const char *path, const char *end,
                                int to_leaf)
{
    const char *stop = path + strcspn(path, end);
    apr_size_t length = strcspn(path, ".");

    while (path + length < stop) {
        AT_TRY(descend(builder, node, path, length, 0));
        path += length + 1;
        length = strcspn(path, ".");
    }
    return descend(builder, node, path, (apr_size_t)(stop - path), to_leaf);
}

/* Add below NODE the leaf at PATH, with the value of column COLUMN. */
static at_error_t *add_leaf(builder_t *builder, int node, int column,
                            const char *path)
{
    at_leaf_type_e type = AT_LEAF_STRING;
    at_plan_node_t *leaf;

    AT_TRY(read_type(builder, &type, path + strcspn(path, ":")));
    AT_TRY(descend_path(builder, &node, path, ":", 1));
    leaf = node_of(builder->plan, node);
    leaf->column = column;
    leaf->type = type;
    if (!strcmp(leaf->name, "id")) {
        node_of(builder->plan, leaf->parent)->id_column = column;
    }
    return NULL;
}

/* Note that column COLUMN of a row is an input. A name that the module does not
 * know is refused in at_folder.c. */
static at_error_t *add_input(builder_t *builder, int column)
{
    at_column_e input = at_column_find(builder->column);

    if (input == AT_COLUMN_COUNT) {
        return NULL;
    }
    if (builder->plan->input_columns[input] != AT_PLAN_NONE) {
        return complain(builder, "it is selected twice");
    }
    if (builder->statement != builder->plan->statement
        && (input == AT_COLUMN_SESSION_USER_ID
            || (input >= AT_COLUMN_TOKEN_ID
                && input <= AT_COLUMN_TOKEN_REQUEST_IDS))) {
        return complain(builder, "it must be read by each load, so it cannot "
                        "come from a lookup");
    }
    builder->plan->input_columns[input] = column;
    return NULL;
}

/* Add column COLUMN of a row, which has the name of an input, or of a member
 * of `data`. */
static at_error_t *add_named(builder_t *builder, int column)
{
    return at_plan_is_member(builder->column)
           ? add_leaf(builder, 0, column, builder->column + strlen(PREFIX))
           : add_input(builder, column);
}

/* ---- lookups */

const char *at_plan_lookup_name(const char *name, const char **parameter,
                                apr_pool_t *pool)
{
    const char *at = strchr(name, '@'), *colon;

    *parameter = "key";
    if (!at) {
        return NULL;
    }
    colon = strchr(at, ':');
    if (!colon) {
        return at + 1;
    }
    *parameter = colon + 1;
    return apr_pstrmemdup(pool, at + 1, (apr_size_t)(colon - at - 1));
}

/* The number of the lookup NAME, or AT_PLAN_NONE. */
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

/* Add what the columns of LOOKUP give: the members of its object, or those of
 * `data` and inputs. */
static at_error_t *add_members(builder_t *builder,
                               const at_plan_lookup_t *lookup)
{
    const at_statement_t *load = builder->statement;
    const char *column = builder->column;
    int i;

    builder->statement = lookup->statement;
    for (i = 0; i < lookup->column_count; i++) {
        AT_TRY(begin_column(builder, i));
        if (strchr(builder->column, '@')) {
            return complain(builder, "a lookup cannot look up another object");
        }
        if (at_revision_is_column(builder->column)) {
            continue;
        }
        AT_TRY(lookup->node == 0
               ? add_named(builder, lookup->first_column + i)
               : add_leaf(builder, lookup->node, lookup->first_column + i,
                          builder->column));
    }
    builder->statement = load;
    builder->column = column;
    return NULL;
}

/* What decides must never be older than the load. */
static at_error_t *check_revision(const builder_t *builder,
                                  const at_plan_lookup_t *lookup)
{
    return lookup->node != 0 || lookup->revisions->nelts > 0 ? NULL
           : at_error_config(builder->pool, "%s: it must select a column "
                             "revision.NAME, as the load statements do, since "
                             "it may decide about calls",
                             lookup->statement->file);
}

/* Add to the plan a use of lookup number NUMBER for the object NODE; 0: for
 * `data` itself. */
static at_error_t *make_lookup(at_plan_lookup_t **made, builder_t *builder,
                               int number, int node)
{
    at_plan_t *plan = builder->plan;
    at_plan_lookup_t *lookup;
    int i;

    if (plan->lookups->nelts == AT_PLAN_LOOKUPS) {
        return complain(builder, apr_psprintf(builder->pool, "more than %d "
                        "objects are looked up", AT_PLAN_LOOKUPS));
    }
    lookup = apr_array_push(plan->lookups);
    lookup->node = node;
    lookup->lookup = number;
    lookup->statement = APR_ARRAY_IDX(builder->lookups, number,
                                      at_lookup_t).statement;
    for (i = 0; i < AT_LOOKUP_KEYS; i++) {
        lookup->keys[i] = AT_PLAN_NONE;
    }
    lookup->first_column = plan->column_count;
    lookup->column_count = lookup->statement->columns->nelts;
    plan->column_count += lookup->column_count;
    AT_TRY(at_revision_read(&lookup->revisions, lookup->statement,
                            builder->statement, builder->pool));
    AT_TRY(check_revision(builder, lookup));
    *made = lookup;
    return add_members(builder, lookup);
}

/* The use of lookup number NUMBER as `@lookup`; NULL if there is none yet. */
static at_plan_lookup_t *find_root(const at_plan_t *plan, int number)
{
    int i;

    for (i = 0; i < plan->lookups->nelts; i++) {
        at_plan_lookup_t *lookup = &APR_ARRAY_IDX(plan->lookups, i,
                                                  at_plan_lookup_t);

        if (lookup->node == 0 && lookup->lookup == number) {
            return lookup;
        }
    }
    return NULL;
}

/* Column COLUMN has the value of PARAMETER of LOOKUP. Only `@lookup` has
 * parameters besides the key. */
static at_error_t *set_key(const builder_t *builder, at_plan_lookup_t *lookup,
                           const char *parameter, int column)
{
    const char *const *parameters = APR_ARRAY_IDX(builder->lookups,
                                                  lookup->lookup,
                                                  at_lookup_t).parameters;
    int i = 0;

    while (parameters[i] && strcmp(parameters[i], parameter)) {
        i++;
    }
    if (!parameters[i] || (i > 0 && lookup->node != 0)) {
        return complain(builder, "the lookup has no such parameter");
    }
    if (lookup->keys[i] != AT_PLAN_NONE) {
        return complain(builder, "it is selected twice");
    }
    lookup->keys[i] = column;
    return NULL;
}

/* Add the object at PATH, "path@lookup" or "@lookup", a parameter of which is
 * in column COLUMN. */
static at_error_t *add_lookup(builder_t *builder, int column,
                              const char *path)
{
    at_plan_t *plan = builder->plan;
    at_plan_lookup_t *lookup = NULL;
    const char *parameter;
    int number, node = 0;

    number = find_lookup(builder, at_plan_lookup_name(path, &parameter,
                                                      builder->pool));
    if (number == AT_PLAN_NONE) {
        return complain(builder, "there is no such lookup");
    }
    if (*builder->column == '@') {
        lookup = find_root(plan, number);
    }
    else {
        AT_TRY(descend_path(builder, &node, path, "@", 0));
        if (node_of(plan, node)->key_column != AT_PLAN_NONE) {
            return complain(builder, "collides with an earlier column");
        }
    }
    if (!lookup) {
        AT_TRY(make_lookup(&lookup, builder, number, node));
    }
    AT_TRY(set_key(builder, lookup, parameter, column));
    if (node != 0) {
        node_of(plan, node)->key_column = column;
    }
    if (node != 0 && node_of(plan, node)->id_column == AT_PLAN_NONE) {
        node_of(plan, node)->id_column = column;
    }
    return NULL;
}

/* ---- the load statement */

/* Add the statement's column number COLUMN to the plan. */
static at_error_t *add_column(builder_t *builder, int column)
{
    const char *name;

    AT_TRY(begin_column(builder, column));
    name = builder->column;
    if (*name == '@') {
        return add_lookup(builder, column, name);
    }
    return at_plan_is_member(name) && strchr(name, '@')
           ? add_lookup(builder, column, name + strlen(PREFIX))
           : add_named(builder, column);
}

/* The column of the leaf at the path "a.b", or AT_PLAN_NONE. */
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

/* The error that PROBLEM is with the member that the builder names, whose value
 * is in column COLUMN; AT_PLAN_NONE: it has no column of its own. */
static at_error_t *complain_at(const builder_t *builder, int column,
                               const char *problem)
{
    const char *file = builder->statement->file;

    if (column != AT_PLAN_NONE) {
        (void)at_plan_column(builder->plan, column, &file);
    }
    return at_error_config(builder->pool, "%s: column '%s': %s", file,
                           builder->column, problem);
}

/* Find the columns of the fields. A secret field must not have one. */
static at_error_t *find_fields(builder_t *builder)
{
    at_plan_t *plan = builder->plan;
    int i;

    plan->field_columns = apr_palloc(builder->pool, sizeof(int)
                                     * (apr_size_t)at_field_count());
    for (i = 0; i < at_field_count(); i++) {
        const at_field_t *field = at_field_get(i);

        plan->field_columns[i] = leaf_column(plan, field->name);
        builder->column = apr_pstrcat(builder->pool, PREFIX, field->name,
                                      (char *)NULL);
        if (plan->field_columns[i] >= plan->statement->columns->nelts) {
            return complain_at(builder, plan->field_columns[i], "calls change "
                               "it, so it cannot come from a lookup");
        }
        if ((field->flags & AT_FIELD_IS_SECRET)
            && at_plan_child(plan, 0, field->name, strlen(field->name))
               != AT_PLAN_NONE) {
            return complain_at(builder, plan->field_columns[i],
                               "a secret must not be in a reply");
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
    plan->documents = apr_array_make(builder->pool, 2,
                                     sizeof(at_document_t));
    for (i = 0; i < AT_COLUMN_COUNT; i++) {
        plan->input_columns[i] = AT_PLAN_NONE;
    }
    plan->column_count = builder->statement->columns->nelts;
    builder->plan = plan;
    add_node(plan, AT_PLAN_NONE, "data", builder->pool);
}

at_error_t *at_plan_make(at_plan_t **plan, const at_statement_t *statement,
                         const apr_array_header_t *lookups, apr_pool_t *pool)
{
    builder_t builder = { NULL, statement, lookups, NULL, pool };
    int i;

    begin(&builder);
    for (i = 0; i < statement->columns->nelts; i++) {
        AT_TRY(add_column(&builder, i));
    }
    builder.plan->first_document = builder.plan->column_count;
    AT_TRY(find_fields(&builder));
    *plan = builder.plan;
    return NULL;
}

/* ---- documents */

int at_plan_is_document(const char *name)
{
    const char *colon = strchr(name, ':');

    return at_plan_is_member(name) && colon && !strcmp(colon, ":document");
}

/* Find the object at PATH, up to the type after it. */
static int find_object(const at_plan_t *plan, const char *path)
{
    int node = 0;

    while (node != AT_PLAN_NONE) {
        apr_size_t length = strcspn(path, "?.:");

        node = at_plan_child(plan, node, path, length);
        path += length + (path[length] == '?');
        if (*path++ != '.') {
            break;
        }
    }
    return node != AT_PLAN_NONE
           && node_of(plan, node)->column == AT_PLAN_NONE ? node
                                                          : AT_PLAN_NONE;
}

/* Add the document in column COLUMN of the builder's statement. */
static at_error_t *add_document(builder_t *builder, int column)
{
    at_plan_t *plan = builder->plan;
    at_document_t *document;
    int node;

    AT_TRY(begin_column(builder, column));
    node = find_object(plan, builder->column + strlen(PREFIX));
    if (node == AT_PLAN_NONE) {
        return complain(builder, "a document must be of an object that the "
                        "load selects without documents, too, within @wide");
    }
    if (node_of(plan, node)->document_column != AT_PLAN_NONE) {
        return complain(builder, "it is selected twice");
    }
    node_of(plan, node)->document_column = plan->column_count++;
    document = apr_array_push(plan->documents);
    document->name = builder->column;
    document->node = node;
    return NULL;
}

at_error_t *at_plan_add_documents(at_plan_t *plan,
                                  const at_statement_t *statement,
                                  apr_pool_t *pool)
{
    builder_t builder = { plan, statement, NULL, NULL, pool };
    int i;

    for (i = 0; i < statement->columns->nelts; i++) {
        if (at_plan_is_document(at_sql_column_name(statement, i))) {
            AT_TRY(add_document(&builder, i));
        }
    }
    return NULL;
}

const char *at_plan_column(const at_plan_t *plan, int column,
                           const char **file)
{
    const at_statement_t *statement = plan->statement;
    int i;

    if (column >= plan->first_document) {
        *file = statement->file;
        return APR_ARRAY_IDX(plan->documents, column - plan->first_document,
                             at_document_t).name;
    }
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
    return at_sql_column_name(statement, column);
}

const char *at_row_input(const at_row_t *row, at_column_e input)
{
    int column = row->plan->input_columns[input];

    return column == AT_PLAN_NONE ? NULL : row->values[column];
}

const char *at_row_field(const at_row_t *row, int field)
{
    int column = row->plan->field_columns[field];

    return column == AT_PLAN_NONE ? NULL : row->values[column];
}
