/* SPDX-License-Identifier: Apache-2.0 */
#include "at_revision.h"

#include <string.h>

#include <apr_strings.h>

#define PREFIX "revision."

int at_revision_is_column(const char *name)
{
    return !strncmp(name, PREFIX, strlen(PREFIX));
}

int at_revision_is_in(const at_statement_t *statement)
{
    int i = 0;

    while (i < statement->columns->nelts
           && !at_revision_is_column(at_sql_column_name(statement, i))) {
        i++;
    }
    return i < statement->columns->nelts;
}

at_error_t *at_revision_read(apr_array_header_t **revisions,
                             const at_statement_t *statement,
                             const at_statement_t *load, apr_pool_t *pool)
{
    apr_array_header_t *read = apr_array_make(pool, 1,
                                              sizeof(at_revision_t));
    int i;

    for (i = 0; i < statement->columns->nelts; i++) {
        const char *name = at_sql_column_name(statement, i);
        at_revision_t *revision;

        if (!at_revision_is_column(name)) {
            continue;
        }
        revision = apr_array_push(read);
        revision->column = i;
        revision->load_column = at_sql_column(load, name);
        if (revision->load_column == AT_SQL_NONE) {
            return at_error_config(pool, "%s: column '%s': %s must select it, "
                                   "too", statement->file, name, load->file);
        }
    }
    *revisions = read;
    return NULL;
}

/* The revisions in VALUES: those of the load if OF_LOAD is true. A value cannot
 * contain the character between them. */
static const char *join(const apr_array_header_t *revisions,
                        const char *const *values, int of_load,
                        apr_pool_t *pool)
{
    const char *text = NULL;
    int i;

    for (i = 0; i < revisions->nelts; i++) {
        const at_revision_t *revision = &APR_ARRAY_IDX(revisions, i,
                                                       at_revision_t);
        const char *value = values[of_load ? revision->load_column
                                           : revision->column];

        if (!value) {
            return NULL;
        }
        text = text ? apr_pstrcat(pool, text, "\n", value, (char *)NULL)
                    : value;
    }
    return text;
}

const char *at_revision_of_load(const apr_array_header_t *revisions,
                                const char *const *values, apr_pool_t *pool)
{
    return join(revisions, values, 1, pool);
}

const char *at_revision_of_row(const apr_array_header_t *revisions,
                               const char *const *values, apr_pool_t *pool)
{
    return join(revisions, values, 0, pool);
}
