/* SPDX-License-Identifier: Apache-2.0 */
#include "at_form.h"

#include <string.h>

#include "at_field.h"

/* True if each call needs COLUMN of PLAN: it is an input, or a field that a
 * call can change. */
static int is_needed(const at_plan_t *plan, int column)
{
    const char *name = at_sql_column_name(plan->statement, column);
    int i, needed = !at_plan_is_member(name);

    for (i = 0; i < at_field_count(); i++) {
        needed |= plan->field_columns[i] == column;
    }
    return needed;
}

/* The first load statement in FORM, whose columns the others have too; NULL if
 * there is no such form. */
static const at_statement_t *load_in(const at_statements_t *statements,
                                     at_sql_form_e form)
{
    return statements->statement[at_statement_load(
        AT_STATEMENT_LOAD_BY_AUTHENTICATION_CODE, form)];
}

/* Find the plan's column for each column of FORM. Set LACKS for the columns
 * that it lacks, which must not be needed by each call. */
static at_error_t *map_form(at_statements_t *statements, at_sql_form_e form,
                            unsigned char *lacks, apr_pool_t *pool)
{
    const at_statement_t *load = load_in(statements, AT_SQL_WHOLE);
    const at_statement_t *other = load_in(statements, form);
    int *columns = apr_pcalloc(pool, sizeof(int)
                               * (apr_size_t)(other->columns->nelts + 1));
    int i, from = 0, document = statements->plan->first_document;

    memset(lacks, 1, (apr_size_t)load->columns->nelts);
    for (i = 0; i < other->columns->nelts; i++) {
        const char *name = at_sql_column_name(other, i);

        if (at_plan_is_document(name)) {
            columns[i] = document++;
            continue;
        }
        while (from < load->columns->nelts
               && strcmp(at_sql_column_name(load, from), name)) {
            from++;
        }
        if (from == load->columns->nelts) {
            return at_error_config(pool, "%s: column '%s' is only in one form "
                                   "of it, or in another order: a @wide or "
                                   "@documents separates AS from its name, or "
                                   "holds it", load->file, name);
        }
        lacks[from] = 0;
        columns[i] = from++;
    }
    for (i = 0; i < load->columns->nelts; i++) {
        if (lacks[i] && is_needed(statements->plan, i)) {
            return at_error_config(pool, "%s: column '%s' is within a @wide, "
                                   "but each call needs it", load->file,
                                   at_sql_column_name(load, i));
        }
    }
    statements->form_columns[form] = columns;
    return NULL;
}

/* The node whose document holds NODE, or AT_PLAN_NONE. */
static int find_document(const at_plan_t *plan, int node)
{
    while (node != AT_PLAN_NONE
           && at_plan_node(plan, node)->document_column == AT_PLAN_NONE) {
        node = at_plan_node(plan, node)->parent;
    }
    return node;
}

/* Note the nodes of the plan that need the whole form, or a document: their own
 * column is WIDE, or their key, or the id without which the object is NULL. */
static void find_wide_nodes(at_statements_t *statements,
                            const unsigned char *wide, apr_pool_t *pool)
{
    const at_plan_t *plan = statements->plan;
    apr_array_header_t *nodes = apr_array_make(pool, 64,
                                               sizeof(at_wide_node_t));
    int i;

    for (i = 0; i < plan->nodes->nelts; i++) {
        const at_plan_node_t *node = at_plan_node(plan, i);

        if ((node->column >= 0 && wide[node->column])
            || (node->key_column >= 0 && wide[node->key_column])
            || (node->id_column >= 0 && wide[node->id_column])) {
            at_wide_node_t *found = apr_array_push(nodes);

            found->node = i;
            found->document = find_document(plan, i);
        }
    }
    statements->wide_nodes = nodes;
}

/* True if NODE, a leaf or the object of a lookup within the object DOCUMENT, is
 * read in no other form than the whole one and by the document. WIDE are the
 * columns that the narrow form lacks. */
static int is_covered(const at_statements_t *statements,
                      const unsigned char *wide, int node, int document)
{
    const at_plan_t *plan = statements->plan;
    int count = plan->statement->columns->nelts;
    int column = at_plan_node(plan, node)->column;

    if (column != AT_PLAN_NONE && column == plan->updated_date_column) {
        return 0;
    }
    if (column != AT_PLAN_NONE && column < count) {
        return wide[column];
    }
    while (at_plan_node(plan, node)->key_column == AT_PLAN_NONE) {
        if (node == document) {
            return column == AT_PLAN_NONE;
        }
        node = at_plan_node(plan, node)->parent;
    }
    return wide[at_plan_node(plan, node)->key_column];
}

/* Check that each document is all that there is of its object: nothing of that
 * is read elsewhere, for example since a call changes it. */
static at_error_t *check_documents(const at_statements_t *statements,
                                   const unsigned char *wide,
                                   apr_pool_t *pool)
{
    const at_plan_t *plan = statements->plan;
    int i;

    for (i = 1; i < plan->nodes->nelts; i++) {
        const at_plan_node_t *node = at_plan_node(plan, i);
        int document = find_document(plan, i);
        const char *file;

        if (document == AT_PLAN_NONE) {
            continue;
        }
        if (!is_covered(statements, wide, i, document)
            || (document == i
                && find_document(plan, node->parent) != AT_PLAN_NONE)) {
            return at_error_config(pool, "%s: column '%s': all of the object "
                "must be read within @wide, and nothing else has a document "
                "in it; '%s' does not fit", plan->statement->file,
                at_plan_column(plan, at_plan_node(plan, document)
                                         ->document_column, &file),
                node->name);
        }
    }
    return NULL;
}

/* Remove the documents form if it has no document. */
static void drop_without_documents(at_statements_t *statements)
{
    int i;

    if (statements->plan->documents->nelts > 0) {
        return;
    }
    for (i = 0; i < AT_STATEMENT_LOADS; i++) {
        statements->statement[at_statement_load((at_statement_e)i,
                                                AT_SQL_DOCUMENTS)] = NULL;
    }
}

at_error_t *at_form_prepare(at_statements_t *statements,
                            apr_pool_t *result_pool, apr_pool_t *scratch_pool)
{
    const at_statement_t *documents = load_in(statements, AT_SQL_DOCUMENTS);
    unsigned char *wide;

    if (!load_in(statements, AT_SQL_NARROW)) {
        return NULL;
    }
    wide = apr_pcalloc(scratch_pool,
                       (apr_size_t)statements->plan->column_count + 1);
    if (documents) {
        AT_TRY(at_plan_add_documents(statements->plan, documents,
                                     result_pool));
        AT_TRY(map_form(statements, AT_SQL_DOCUMENTS, wide, result_pool));
        drop_without_documents(statements);
    }
    AT_TRY(map_form(statements, AT_SQL_NARROW, wide, result_pool));
    AT_TRY(check_documents(statements, wide, result_pool));
    find_wide_nodes(statements, wide, result_pool);
    return NULL;
}
