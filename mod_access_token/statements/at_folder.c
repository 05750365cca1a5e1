/* SPDX-License-Identifier: Apache-2.0 */
#include "at_folder.h"

#include <string.h>

#include <apr_file_info.h>
#include <apr_strings.h>

#include "at_column.h"
#include "at_field.h"

static const char *const load_by_authentication_code_parameters[] = {
    "session_digest", "username", "now", "authentication_code", NULL
};
static const char *const load_by_identifier_parameters[] = {
    "session_digest", "username", "now", "identifier", NULL
};
static const char *const load_by_id_parameters[] = {
    "session_digest", "username", "now", "id", NULL
};
static const char *const find_request_parameters[] = {
    "session_digest", "username", "now", "idempotency_key", NULL
};
static const char *const custom_fields_parameters[] = { "id", NULL };
static const char *const next_number_parameters[] = { "sequence", NULL };
static const char *const lookup_parameters[] = { "key", NULL };
static const char *const no_parameters[] = { NULL };

static const char *const find_request_columns[] = {
    "request.token_id", "request.digest", "request.request_id", NULL
};
static const char *const custom_fields_columns[] = {
    "custom_field.name", "custom_field.type", NULL
};
static const char *const next_number_columns[] = { "number", NULL };
static const char *const startup_columns[] = {
    "schema.version", "connection.charset", NULL
};
static const char *const startup_optional[] = {
    "server.max_connections", "connection.lock_wait_timeout",
    "connection.max_allowed_packet", "sequences.least",
    "connection.synchronous", NULL
};
static const char *const no_columns[] = { NULL };

/* Indexed by at_statement_e. */
static const struct {
    const char *const *parameters;   /* NULL: made from the fields */
    const char *const *columns;      /* those that it must have */
    const char *const *optional;     /* those that it may have besides */
} specifications[] = {
    { load_by_authentication_code_parameters, at_column_names, no_columns },
    { load_by_identifier_parameters, at_column_names, no_columns },
    { load_by_id_parameters, at_column_names, no_columns },
    { find_request_parameters, find_request_columns, no_columns },
    { NULL, no_columns, no_columns },
    { custom_fields_parameters, custom_fields_columns, no_columns },
    { next_number_parameters, next_number_columns, no_columns },
    { no_parameters, startup_columns, startup_optional }
};

/* The order is that of AT_SAVE_…. */
static const char *const *save_parameters(apr_pool_t *pool)
{
    static const char *const first[AT_SAVE_FIELDS] = {
        "id", "version", "now", "user_id", "unit_id", "request_id",
        "idempotency_key", "request_digest", "request_expires"
    };
    int count = AT_SAVE_FIELDS + 2 * at_field_count();
    const char **names = apr_pcalloc(pool, sizeof(*names)
                                           * (apr_size_t)(count + 1));
    int i;

    memcpy(names, first, sizeof(first));
    for (i = 0; i < at_field_count(); i++) {
        const char *name = at_field_get(i)->name;

        names[AT_SAVE_FIELDS + 2 * i] = apr_pstrcat(pool, "set_", name,
                                                    (char *)NULL);
        names[AT_SAVE_FIELDS + 2 * i + 1] = name;
    }
    return names;
}

static const char *check_columns(const at_statement_t *statement,
                                 const char *const *names, apr_pool_t *pool)
{
    for (; *names; names++) {
        if (at_statement_column(statement, *names) < 0) {
            return apr_psprintf(pool, "%s: it must select a column "
                                "AS '%s'", statement->file, *names);
        }
    }
    return NULL;
}

/* A name that is neither the reply's (of a LOAD) nor an input of the
 * module, of either list, is a misspelt one. */
static const char *check_names(const at_statement_t *statement,
                               const char *const *names,
                               const char *const *more, int load,
                               apr_pool_t *pool)
{
    int i, k;

    for (i = 0; i < statement->columns->nelts; i++) {
        const char *name = APR_ARRAY_IDX(statement->columns, i,
                                         const char *);
        int known = load && !strncmp(name, "data.", 5);

        for (k = 0; !known && names[k]; k++) {
            known = !strcmp(names[k], name);
        }
        for (k = 0; !known && more[k]; k++) {
            known = !strcmp(more[k], name);
        }
        if (at_statement_column(statement, name) != i) {
            return apr_psprintf(pool, "%s: column '%s' stands there twice",
                                statement->file, name);
        }
        if (!known) {
            return apr_psprintf(pool, "%s: column '%s' is %s", statement->file,
                                name, load ? "neither data.... nor an input "
                                "of the module" : "not one that the module "
                                "reads");
        }
    }
    return NULL;
}

/* Without these a lost race would go unnoticed, and a lost connection leave
 * it open whether the change was made. */
static const char *check_save_guard(const at_statement_t *save,
                                    apr_pool_t *pool)
{
    if (!at_sql_binds(save, AT_SAVE_ID)
        || !at_sql_binds(save, AT_SAVE_VERSION)) {
        return apr_psprintf(pool, "%s: the UPDATE must be guarded by "
                            "... = :id AND ... = :version", save->file);
    }
    if (!at_sql_binds(save, AT_SAVE_REQUEST_ID)) {
        return apr_psprintf(pool, "%s: the UPDATE must put :request_id "
                            "before the ids of the calls before it, as in "
                            "the shipped save.sql", save->file);
    }
    if (!at_sql_binds(save, AT_SAVE_IDEMPOTENCY_KEY)
        || !at_sql_binds(save, AT_SAVE_REQUEST_DIGEST)) {
        return apr_psprintf(pool, "%s: the UPDATE must keep "
                            ":idempotency_key and :request_digest, as in "
                            "the shipped save.sql", save->file);
    }
    return NULL;
}

/* What save.sql must bind, and which fields it can set. */
static const char *check_save(at_statements_t *statements, apr_pool_t *pool)
{
    const at_statement_t *save = statements->statement[AT_STATEMENT_SAVE];
    const char *problem = check_save_guard(save, pool);
    int i;

    if (problem) {
        return problem;
    }
    statements->settable = apr_pcalloc(pool, sizeof(int)
                                       * (apr_size_t)at_field_count());
    for (i = 0; i < at_field_count(); i++) {
        const char *name = at_field_get(i)->name;
        int parameter = AT_SAVE_FIELDS + 2 * i;
        int has_flag = at_sql_binds(save, parameter);
        int has_value = at_sql_binds(save, parameter + 1);

        if (has_flag != has_value) {
            return apr_psprintf(pool, "%s: :%s and :set_%s go together: "
                                "the column becomes :%s where :set_%s is 1, "
                                "and else keeps its value", save->file,
                                name, name, name, name);
        }
        statements->settable[i] = has_flag;
    }
    return NULL;
}

/* The present value of these is needed to judge or to merge a change. */
static const char *check_present_values(const at_statements_t *statements,
                                        const at_statement_t *load,
                                        apr_pool_t *pool)
{
    int i;

    for (i = 0; i < at_field_count(); i++) {
        const at_field_t *field = at_field_get(i);
        int needed = field->type == AT_FIELD_CUSTOM
                     || i == AT_CREDENTIAL_AUTHENTICATION_CODE
                     || i == AT_CREDENTIAL_IDENTIFIER;

        if (needed && statements->settable[i]
            && statements->plan->field_columns[i] == AT_PLAN_NONE) {
            return apr_psprintf(pool, "%s: save.sql can set %s, so this "
                                "must select it AS 'data.%s'", load->file,
                                field->name, field->name);
        }
    }
    return NULL;
}

/* The plan is one, so the three load statements must agree. */
static const char *check_loads(const at_statements_t *statements,
                               apr_pool_t *pool)
{
    const at_statement_t *first = statements->statement[0];
    int i, column;

    for (i = 0; i <= AT_STATEMENT_LOAD_BY_ID; i++) {
        const at_statement_t *load = statements->statement[i];

        if (!at_sql_binds(load, AT_LOAD_KEY)) {
            return apr_psprintf(pool, "%s: it must find the access token "
                                "by :%s", load->file,
                                specifications[i].parameters[AT_LOAD_KEY]);
        }
        if (load->columns->nelts != first->columns->nelts) {
            return apr_psprintf(pool, "%s: it has %d named columns, %s has "
                                "%d; share the text by @include",
                                load->file, load->columns->nelts,
                                first->file, first->columns->nelts);
        }
        for (column = 0; column < first->columns->nelts; column++) {
            const char *name = APR_ARRAY_IDX(load->columns, column,
                                             const char *);

            if (at_statement_column(first, name) != column) {
                return apr_psprintf(pool, "%s: column %d is '%s', but not "
                                    "in %s; share the text by @include",
                                    load->file, column + 1, name,
                                    first->file);
            }
        }
    }
    return NULL;
}

static const char *check_loaded(at_statements_t *statements,
                                apr_pool_t *pool)
{
    const at_statement_t *load = statements->statement[0];
    const char *problem = at_plan_make(&statements->plan, load,
                                       statements->lookups, pool);

    if (!problem) {
        problem = check_loads(statements, pool);
    }
    if (!problem) {
        problem = check_names(load, at_column_names, no_columns, 1, pool);
    }
    if (!problem) {
        problem = check_present_values(statements, load, pool);
    }
    return problem;
}

/* Only the reply of a load can do without a part. */
static const char *check_no_wide(const at_statement_t *statement,
                                 apr_pool_t *pool)
{
    return statement->has_wide
           ? apr_psprintf(pool, "%s: @wide is for the load statements",
                          statement->file) : NULL;
}

/* Read the statement number I, and its narrow form if it has one. */
static const char *read_statement(at_statements_t *statements, int i,
                                  const at_sql_folders_t *folders,
                                  apr_pool_t *pool)
{
    const char *const *parameters = specifications[i].parameters;
    const char *file = at_statements_file((at_statement_e)i);
    const char *problem;
    at_statement_t *statement, *narrow;

    if (!parameters) {
        parameters = save_parameters(pool);
    }
    problem = at_sql_read(&statement, folders, file, AT_SQL_WHOLE, parameters,
                          pool);
    if (!problem) {
        problem = check_columns(statement, specifications[i].columns, pool);
    }
    if (!problem && i > AT_STATEMENT_LOAD_BY_ID) {
        problem = check_names(statement, specifications[i].columns,
                              specifications[i].optional, 0, pool);
        if (!problem) {
            problem = check_no_wide(statement, pool);
        }
    }
    else if (!problem && statement->has_wide) {
        problem = at_sql_read(&narrow, folders, file, AT_SQL_NARROW,
                              parameters, pool);
        statements->statement[AT_STATEMENT_NARROW + i] = narrow;
    }
    statements->statement[i] = statement;
    return problem;
}

static const char *check_lookup(const at_statement_t *statement,
                                apr_pool_t *pool)
{
    if (!at_sql_binds(statement, 0)) {
        return apr_psprintf(pool, "%s: it must find the object by :key",
                            statement->file);
    }
    if (statement->columns->nelts == 0) {
        return apr_psprintf(pool, "%s: it must select the object's members, "
                            "as in id AS 'id'", statement->file);
    }
    return check_no_wide(statement, pool);
}

/* Is a lookup NAME there already? */
static int has_lookup(const at_statements_t *statements, const char *name)
{
    int i;

    for (i = 0; i < statements->lookups->nelts; i++) {
        if (!strcmp(APR_ARRAY_IDX(statements->lookups, i, at_lookup_t).name,
                    name)) {
            return 1;
        }
    }
    return 0;
}

/* Read lookups/NAME.sql. */
static const char *read_lookup(at_statements_t *statements, const char *name,
                               const at_sql_folders_t *folders,
                               apr_pool_t *pool)
{
    int number = statements->lookups->nelts;
    at_statement_t *statement;
    at_lookup_t *lookup;
    const char *problem;

    if (number == AT_LOOKUPS) {
        return apr_psprintf(pool, "%s: more than %d lookups",
                            statements->statement[0]->file, AT_LOOKUPS);
    }
    if (!*name || strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_")
                  != strlen(name)) {
        return apr_psprintf(pool, "%s: behind @ stands the name of a file in "
                            "lookups/ without its .sql: a to z, 0 to 9 and "
                            "_, not \"%s\"", statements->statement[0]->file,
                            name);
    }
    problem = at_sql_read(&statement, folders,
                          apr_pstrcat(pool, "lookups/", name, ".sql",
                                      (char *)NULL),
                          AT_SQL_WHOLE, lookup_parameters, pool);
    if (!problem) {
        problem = check_lookup(statement, pool);
    }
    lookup = apr_array_push(statements->lookups);
    lookup->name = name;
    lookup->statement = statement;
    statements->statement[AT_STATEMENT_LOOKUP + number] = statement;
    return problem;
}

/* Read the lookups that the load statements name. */
static const char *read_lookups(at_statements_t *statements,
                                const at_sql_folders_t *folders,
                                apr_pool_t *pool)
{
    const apr_array_header_t *columns = statements->statement[0]->columns;
    const char *problem = NULL;
    int i;

    for (i = 0; !problem && i < columns->nelts; i++) {
        const char *name = APR_ARRAY_IDX(columns, i, const char *);
        const char *lookup = at_plan_lookup_name(name);

        if (lookup && !strncmp(name, "data.", 5)
            && !has_lookup(statements, lookup)) {
            problem = read_lookup(statements, lookup, folders, pool);
        }
    }
    return problem;
}

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

static const char *check_narrow(at_statements_t *statements, apr_pool_t *pool)
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

/* With a base it would go unnoticed that FOLDER is not there. */
static const char *check_folder(const char *folder, apr_pool_t *pool)
{
    apr_finfo_t information;
    char reason[120];
    apr_status_t status = apr_stat(&information, folder, APR_FINFO_TYPE,
                                   pool);

    if (status == APR_SUCCESS && information.filetype != APR_DIR) {
        status = APR_ENOTDIR;
    }
    return status == APR_SUCCESS ? NULL
           : apr_psprintf(pool, "cannot open %s: %s", folder,
                          apr_strerror(status, reason, sizeof(reason)));
}

const char *at_folder_read(at_statements_t **statements,
                               const char *folder, const char *base,
                               apr_pool_t *pool)
{
    at_sql_folders_t folders = { folder, base };
    const char *problem = check_folder(folder, pool);
    int i;

    *statements = apr_pcalloc(pool, sizeof(**statements));
    (*statements)->folder = apr_pstrdup(pool, folder);
    (*statements)->lookups = apr_array_make(pool, 4, sizeof(at_lookup_t));
    for (i = 0; !problem && i <= AT_STATEMENT_STARTUP; i++) {
        problem = read_statement(*statements, i, &folders, pool);
    }
    if (!problem) {
        problem = check_save(*statements, pool);
    }
    if (!problem) {
        problem = read_lookups(*statements, &folders, pool);
    }
    if (!problem) {
        problem = check_loaded(*statements, pool);
    }
    return problem ? problem : check_narrow(*statements, pool);
}
