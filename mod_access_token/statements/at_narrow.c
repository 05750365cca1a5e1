/* SPDX-License-Identifier: Apache-2.0 */
#include "at_narrow.h"

#include <string.h>

#include <apr_strings.h>

#include "at_field.h"

/* A narrow form must find the access token as the whole one does. */
static const char *check_keys(const at_statements_t *statements,
                              apr_pool_t *pool)
{
    static const char *const keys[] = { "authentication_code", "identifier",
                                        "id" };
    int i;

    for (i = 0; i <= AT_STATEMENT_LOAD_BY_ID; i++) {
        if (!at_sql_binds(statements->statement[AT_STATEMENT_NARROW + i],
                          AT_LOAD_KEY)) {
            return apr_psprintf(pool, "%s: :%s stands within a @wide",
                                statements->statement[i]->file, keys[i]);
        }
    }
    return NULL;
}

/* Each call needs what judges it, and what it changes. */
static int is_needed(const at_statements_t *statements, int column)
{
    const char *name = APR_ARRAY_IDX(statements->statement[0]->columns,
                                     column, const char *);
    int i, needed = strncmp(name, "data.", 5) != 0;

    for (i = 0; i < at_field_count(); i++) {
        needed |= statements->plan->field_columns[i] == column;
    }
    return needed;
}

/* Find for the columns of the narrow forms those of the plan. What these
 * have not is marked in WIDE; it must not be what each call needs. */
static const char *map_narrow(at_statements_t *statements,
                              unsigned char *wide, apr_pool_t *pool)
{
    const at_statement_t *load = statements->statement[0];
    const apr_array_header_t *columns =
        statements->statement[AT_STATEMENT_NARROW]->columns;
    int i, next = 0;

    statements->narrow_columns = apr_pcalloc(pool, sizeof(int)
                                     * (apr_size_t)(columns->nelts + 1));
    for (i = 0; i < load->columns->nelts; i++) {
        const char *name = APR_ARRAY_IDX(load->columns, i, const char *);

        if (next < columns->nelts
            && !strcmp(name, APR_ARRAY_IDX(columns, next, const char *))) {
            statements->narrow_columns[next++] = i;
        }
        else if (is_needed(statements, i)) {
            return apr_psprintf(pool, "%s: column '%s' stands within a "
                                "@wide, but each call needs it", load->file,
                                name);
        }
        else {
            wide[i] = 1;
        }
    }
    return next == columns->nelts ? NULL
           : apr_psprintf(pool, "%s: a @wide parts AS from its name",
                          load->file);
}

/* Who asks for these nodes needs the whole form: their own columns are WIDE,
 * or the id without which the object is NULL. */
static void find_wide_nodes(at_statements_t *statements, unsigned char *wide,
                            apr_pool_t *pool)
{
    const at_plan_t *plan = statements->plan;
    int i;

    statements->wide_nodes = apr_array_make(pool, 64, sizeof(int));
    for (i = 0; i < plan->nodes->nelts; i++) {
        const at_plan_node_t *node = at_plan_node(plan, i);

        if ((node->column >= 0 && wide[node->column])
            || (node->key_column >= 0 && wide[node->key_column])
            || (node->id_column >= 0 && wide[node->id_column])) {
            APR_ARRAY_PUSH(statements->wide_nodes, int) = i;
        }
    }
}

/* True if ONE and OTHER, of which either may be NULL, have the same columns
 * in the same order. */
static int have_same_columns(const at_statement_t *one,
                             const at_statement_t *other)
{
    int i;

    if (!one || !other) {
        return one == other;
    }
    for (i = 0; i < one->columns->nelts && i < other->columns->nelts; i++) {
        if (strcmp(APR_ARRAY_IDX(one->columns, i, const char *),
                   APR_ARRAY_IDX(other->columns, i, const char *))) {
            return 0;
        }
    }
    return one->columns->nelts == other->columns->nelts;
}

const char *at_narrow_check(at_statements_t *statements, apr_pool_t *pool)
{
    const at_statement_t *narrow = statements->statement[AT_STATEMENT_NARROW];
    const char *problem;
    unsigned char *wide;
    int i;

    for (i = 1; i <= AT_STATEMENT_LOAD_BY_ID; i++) {
        if (!have_same_columns(narrow, statements->statement
                                           [AT_STATEMENT_NARROW + i])) {
            return apr_psprintf(pool, "%s: @wide leaves out other columns "
                                "than in %s; share the text by @include",
                                statements->statement[i]->file,
                                statements->statement[0]->file);
        }
    }
    if (!narrow) {
        return NULL;
    }
    wide = apr_pcalloc(pool, (apr_size_t)statements->plan->column_count + 1);
    problem = check_keys(statements, pool);
    if (!problem) {
        problem = map_narrow(statements, wide, pool);
    }
    if (!problem) {
        find_wide_nodes(statements, wide, pool);
    }
    return problem;
}
