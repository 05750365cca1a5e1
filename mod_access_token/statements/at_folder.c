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

/* What each statement may bind and must select, by at_statement_e. */
static const struct {
    const char *const *parameters;   /* NULL: save_parameters */
    const char *const *columns;      /* the required ones */
    const char *const *optional;
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

/* A folder that is being read. */
typedef struct {
    at_statements_t *statements;
    at_sql_folders_t folders;
    apr_pool_t *pool;            /* of the statements and of errors */
    apr_pool_t *scratch;
} reader_t;

static const char *column_of(const at_statement_t *statement, int column)
{
    return APR_ARRAY_IDX(statement->columns, column, const char *);
}

/* True if the value of column NAME of a load is for the reply. */
static int is_of_reply(const char *name)
{
    return !strncmp(name, "data.", 5);
}

/* The names are in the order of AT_SAVE_…. */
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

/* ---- one statement */

static at_error_t *check_columns(const at_statement_t *statement,
                                 const char *const *names, apr_pool_t *pool)
{
    for (; *names; names++) {
        if (at_statement_column(statement, *names) == AT_PLAN_NONE) {
            return at_error_config(pool, "%s: it must select a column AS "
                                   "'%s'", statement->file, *names);
        }
    }
    return NULL;
}

static int is_one_of(const char *name, const char *const *names)
{
    while (*names && strcmp(*names, name)) {
        names++;
    }
    return *names != NULL;
}

/* Check that STATEMENT selects no column twice, and none that the module does
 * not know, whose name may be misspelt. It knows NAMES, OPTIONAL, and in a
 * LOAD the columns of the reply. */
static at_error_t *check_names(const at_statement_t *statement,
                               const char *const *names,
                               const char *const *optional, int load,
                               apr_pool_t *pool)
{
    int i;

    for (i = 0; i < statement->columns->nelts; i++) {
        const char *name = column_of(statement, i);

        if (at_statement_column(statement, name) != i) {
            return at_error_config(pool, "%s: column '%s' is selected twice",
                                   statement->file, name);
        }
        if (!(load && is_of_reply(name)) && !is_one_of(name, names)
            && !is_one_of(name, optional)) {
            return at_error_config(pool, "%s: column '%s' is %s",
                                   statement->file, name, load
                                   ? "neither data.... nor an input of the "
                                   "module" : "unknown to the module");
        }
    }
    return NULL;
}

/* Only a load statement can have a narrow form. */
static at_error_t *check_no_wide(const at_statement_t *statement,
                                 apr_pool_t *pool)
{
    return statement->has_wide
           ? at_error_config(pool, "%s: @wide is for the load statements",
                             statement->file) : NULL;
}

/* Read the narrow form of load statement I. */
static at_error_t *read_narrow(reader_t *reader, int i)
{
    at_statement_t *narrow;

    AT_TRY(at_sql_read(&narrow, &reader->folders,
                       at_statements_file((at_statement_e)i), AT_SQL_NARROW,
                       specifications[i].parameters, reader->pool,
                       reader->scratch));
    reader->statements->statement[AT_STATEMENT_NARROW + i] = narrow;
    return NULL;
}

/* Read statement I, and its narrow form if it has one. */
static at_error_t *read_statement(reader_t *reader, int i)
{
    const char *const *parameters = specifications[i].parameters;
    at_statement_t *statement;

    if (!parameters) {
        parameters = save_parameters(reader->scratch);
    }
    AT_TRY(at_sql_read(&statement, &reader->folders,
                       at_statements_file((at_statement_e)i), AT_SQL_WHOLE,
                       parameters, reader->pool, reader->scratch));
    reader->statements->statement[i] = statement;
    AT_TRY(check_columns(statement, specifications[i].columns, reader->pool));
    if (i > AT_STATEMENT_LOAD_BY_ID) {
        AT_TRY(check_names(statement, specifications[i].columns,
                           specifications[i].optional, 0, reader->pool));
        return check_no_wide(statement, reader->pool);
    }
    return statement->has_wide ? read_narrow(reader, i) : NULL;
}

/* ---- lookups */

static at_error_t *check_lookup(const at_statement_t *statement,
                                apr_pool_t *pool)
{
    if (!at_sql_binds(statement, 0)) {
        return at_error_config(pool, "%s: it must find the object by :key",
                               statement->file);
    }
    if (statement->columns->nelts == 0) {
        return at_error_config(pool, "%s: it must select the members of the "
                               "object, as in id AS 'id'", statement->file);
    }
    return check_no_wide(statement, pool);
}

/* True if the lookup NAME has been read. */
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

static at_error_t *check_lookup_name(const reader_t *reader,
                                     const char *name)
{
    const char *file = reader->statements->statement[0]->file;

    if (reader->statements->lookups->nelts == AT_LOOKUPS) {
        return at_error_config(reader->pool, "%s: more than %d lookups", file,
                               AT_LOOKUPS);
    }
    if (!*name || strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_")
                  != strlen(name)) {
        return at_error_config(reader->pool, "%s: write after @ the name of a "
                               "file in lookups/ without its .sql: a to z, 0 "
                               "to 9 and _, not \"%s\"", file, name);
    }
    return NULL;
}

/* Read lookups/NAME.sql. */
static at_error_t *read_lookup(reader_t *reader, const char *name)
{
    at_statements_t *statements = reader->statements;
    int number = statements->lookups->nelts;
    at_statement_t *statement;
    at_lookup_t *lookup;

    AT_TRY(check_lookup_name(reader, name));
    AT_TRY(at_sql_read(&statement, &reader->folders,
                       apr_pstrcat(reader->scratch, "lookups/", name, ".sql",
                                   (char *)NULL), AT_SQL_WHOLE,
                       lookup_parameters, reader->pool, reader->scratch));
    AT_TRY(check_lookup(statement, reader->pool));
    lookup = apr_array_push(statements->lookups);
    lookup->name = name;
    lookup->statement = statement;
    statements->statement[AT_STATEMENT_LOOKUP + number] = statement;
    return NULL;
}

/* Read the lookups that the load statements name. */
static at_error_t *read_lookups(reader_t *reader)
{
    const at_statement_t *load = reader->statements->statement[0];
    int i;

    for (i = 0; i < load->columns->nelts; i++) {
        const char *name = column_of(load, i);
        const char *lookup = at_plan_lookup_name(name);

        if (lookup && is_of_reply(name)
            && !has_lookup(reader->statements, lookup)) {
            AT_TRY(read_lookup(reader, lookup));
        }
    }
    return NULL;
}

/* ---- save.sql */

/* Without these parameters a lost race would go unnoticed, and after a lost
 * connection it would be unknown whether the change was made. */
static at_error_t *check_save_guard(const at_statement_t *save,
                                    apr_pool_t *pool)
{
    if (!at_sql_binds(save, AT_SAVE_ID)
        || !at_sql_binds(save, AT_SAVE_VERSION)) {
        return at_error_config(pool, "%s: the UPDATE must be guarded by "
                               "... = :id AND ... = :version", save->file);
    }
    if (!at_sql_binds(save, AT_SAVE_REQUEST_ID)) {
        return at_error_config(pool, "%s: the UPDATE must put :request_id "
                               "before the ids of earlier calls, as in the "
                               "shipped save.sql", save->file);
    }
    if (!at_sql_binds(save, AT_SAVE_IDEMPOTENCY_KEY)
        || !at_sql_binds(save, AT_SAVE_REQUEST_DIGEST)) {
        return at_error_config(pool, "%s: the UPDATE must store "
                               ":idempotency_key and :request_digest, as in "
                               "the shipped save.sql", save->file);
    }
    return NULL;
}

/* Check what save.sql binds, and note which fields it can set. */
static at_error_t *check_save(reader_t *reader)
{
    at_statements_t *statements = reader->statements;
    const at_statement_t *save = statements->statement[AT_STATEMENT_SAVE];
    int i;

    AT_TRY(check_save_guard(save, reader->pool));
    statements->settable = apr_pcalloc(reader->pool, sizeof(int)
                                       * (apr_size_t)at_field_count());
    for (i = 0; i < at_field_count(); i++) {
        const char *name = at_field_get(i)->name;
        int parameter = AT_SAVE_FIELDS + 2 * i;
        int has_flag = at_sql_binds(save, parameter);
        int has_value = at_sql_binds(save, parameter + 1);

        if (has_flag != has_value) {
            return at_error_config(reader->pool, "%s: :%s and :set_%s go "
                                   "together: set the column to :%s if "
                                   ":set_%s is 1, and keep its value "
                                   "otherwise", save->file, name, name, name,
                                   name);
        }
        statements->settable[i] = has_flag;
    }
    return NULL;
}

/* ---- the load statements, whose plan is one */

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
        if (strcmp(column_of(one, i), column_of(other, i))) {
            return 0;
        }
    }
    return one->columns->nelts == other->columns->nelts;
}

/* Check that LOAD selects the columns of FIRST. */
static at_error_t *check_same_columns(const at_statement_t *load,
                                      const at_statement_t *first,
                                      apr_pool_t *pool)
{
    int column = 0;

    if (have_same_columns(load, first)) {
        return NULL;
    }
    if (load->columns->nelts != first->columns->nelts) {
        return at_error_config(pool, "%s: it has %d named columns, but %s has "
                               "%d; share the text by @include", load->file,
                               load->columns->nelts, first->file,
                               first->columns->nelts);
    }
    while (!strcmp(column_of(load, column), column_of(first, column))) {
        column++;
    }
    return at_error_config(pool, "%s: column %d is '%s', but not in %s; share "
                           "the text by @include", load->file, column + 1,
                           column_of(load, column), first->file);
}

static at_error_t *check_loads(const reader_t *reader)
{
    const at_statement_t *const *loads = reader->statements->statement;
    int i;

    for (i = 0; i <= AT_STATEMENT_LOAD_BY_ID; i++) {
        if (!at_sql_binds(loads[i], AT_LOAD_KEY)) {
            return at_error_config(reader->pool, "%s: it must find the access "
                                   "token by :%s", loads[i]->file,
                                   specifications[i].parameters[AT_LOAD_KEY]);
        }
        AT_TRY(check_same_columns(loads[i], loads[0], reader->pool));
    }
    return check_names(loads[0], at_column_names, no_columns, 1,
                       reader->pool);
}

/* A change of these fields is judged by, or merged with, the present value. */
static at_error_t *check_present_values(const reader_t *reader)
{
    const at_statements_t *statements = reader->statements;
    int i;

    for (i = 0; i < at_field_count(); i++) {
        const at_field_t *field = at_field_get(i);
        int needed = field->type == AT_FIELD_CUSTOM
                     || i == AT_CREDENTIAL_AUTHENTICATION_CODE
                     || i == AT_CREDENTIAL_IDENTIFIER;

        if (needed && statements->settable[i]
            && statements->plan->field_columns[i] == AT_PLAN_NONE) {
            return at_error_config(reader->pool, "%s: save.sql can set %s, so "
                                   "this must select it AS 'data.%s'",
                                   statements->statement[0]->file,
                                   field->name, field->name);
        }
    }
    return NULL;
}

/* ---- the narrow forms of the load statements */

/* Check that each narrow form finds the access token as the whole form does. */
static at_error_t *check_narrow_keys(const reader_t *reader)
{
    const at_statement_t *const *statement = reader->statements->statement;
    int i;

    for (i = 0; i <= AT_STATEMENT_LOAD_BY_ID; i++) {
        if (!at_sql_binds(statement[AT_STATEMENT_NARROW + i], AT_LOAD_KEY)) {
            return at_error_config(reader->pool, "%s: :%s is within a @wide",
                                   statement[i]->file,
                                   specifications[i].parameters[AT_LOAD_KEY]);
        }
    }
    return NULL;
}

/* True if each call needs COLUMN of the plan: it is an input, or a field that a
 * call can change. */
static int is_needed(const at_statements_t *statements, int column)
{
    int i, needed = !is_of_reply(column_of(statements->statement[0], column));

    for (i = 0; i < at_field_count(); i++) {
        needed |= statements->plan->field_columns[i] == column;
    }
    return needed;
}

/* Find the plan's column for each column of the narrow forms. Set WIDE for the
 * columns that they lack, which must not be needed by each call. */
static at_error_t *map_narrow(const reader_t *reader, unsigned char *wide)
{
    at_statements_t *statements = reader->statements;
    const at_statement_t *load = statements->statement[0];
    const at_statement_t *narrow = statements->statement[AT_STATEMENT_NARROW];
    int i, next = 0;

    statements->narrow_columns = apr_pcalloc(reader->pool, sizeof(int)
                                     * (apr_size_t)(narrow->columns->nelts
                                                    + 1));
    for (i = 0; i < load->columns->nelts; i++) {
        if (next < narrow->columns->nelts
            && !strcmp(column_of(load, i), column_of(narrow, next))) {
            statements->narrow_columns[next++] = i;
        }
        else if (is_needed(statements, i)) {
            return at_error_config(reader->pool, "%s: column '%s' is within a "
                                   "@wide, but each call needs it",
                                   load->file, column_of(load, i));
        }
        else {
            wide[i] = 1;
        }
    }
    return next == narrow->columns->nelts ? NULL
           : at_error_config(reader->pool, "%s: a @wide separates AS from its "
                             "name", load->file);
}

/* Note the nodes of the plan that need the whole form: their own column is
 * WIDE, or their key, or the id without which the object is NULL. */
static void find_wide_nodes(const reader_t *reader, const unsigned char *wide)
{
    const at_plan_t *plan = reader->statements->plan;
    apr_array_header_t *nodes = apr_array_make(reader->pool, 64, sizeof(int));
    int i;

    for (i = 0; i < plan->nodes->nelts; i++) {
        const at_plan_node_t *node = at_plan_node(plan, i);

        if ((node->column >= 0 && wide[node->column])
            || (node->key_column >= 0 && wide[node->key_column])
            || (node->id_column >= 0 && wide[node->id_column])) {
            APR_ARRAY_PUSH(nodes, int) = i;
        }
    }
    reader->statements->wide_nodes = nodes;
}

static at_error_t *check_narrow(const reader_t *reader)
{
    const at_statements_t *statements = reader->statements;
    const at_statement_t *narrow = statements->statement[AT_STATEMENT_NARROW];
    unsigned char *wide;
    int i;

    for (i = 1; i <= AT_STATEMENT_LOAD_BY_ID; i++) {
        if (!have_same_columns(narrow, statements->statement
                                           [AT_STATEMENT_NARROW + i])) {
            return at_error_config(reader->pool, "%s: @wide leaves out other "
                                   "columns than in %s; share the text by "
                                   "@include", statements->statement[i]->file,
                                   statements->statement[0]->file);
        }
    }
    if (!narrow) {
        return NULL;
    }
    wide = apr_pcalloc(reader->scratch,
                       (apr_size_t)statements->plan->column_count + 1);
    AT_TRY(check_narrow_keys(reader));
    AT_TRY(map_narrow(reader, wide));
    find_wide_nodes(reader, wide);
    return NULL;
}

/* ---- the folder */

/* If there is a base, a missing FOLDER would go unnoticed otherwise. */
static at_error_t *check_folder(const reader_t *reader, const char *folder)
{
    apr_finfo_t information;
    char reason[120];
    apr_status_t status = apr_stat(&information, folder, APR_FINFO_TYPE,
                                   reader->scratch);

    if (status == APR_SUCCESS && information.filetype != APR_DIR) {
        status = APR_ENOTDIR;
    }
    return status == APR_SUCCESS ? NULL
           : at_error_config(reader->pool, "cannot open %s: %s", folder,
                             apr_strerror(status, reason, sizeof(reason)));
}

at_error_t *at_folder_read(at_statements_t **statements, const char *folder,
                           const char *base, apr_pool_t *result_pool,
                           apr_pool_t *scratch_pool)
{
    at_statements_t *read = apr_pcalloc(result_pool, sizeof(*read));
    reader_t reader = { read, { folder, base }, result_pool, scratch_pool };
    int i;

    read->folder = apr_pstrdup(result_pool, folder);
    read->lookups = apr_array_make(result_pool, 4, sizeof(at_lookup_t));
    AT_TRY(check_folder(&reader, folder));
    for (i = 0; i <= AT_STATEMENT_STARTUP; i++) {
        AT_TRY(read_statement(&reader, i));
    }
    AT_TRY(check_save(&reader));
    AT_TRY(read_lookups(&reader));
    AT_TRY(at_plan_make(&read->plan, read->statement[0], read->lookups,
                        result_pool));
    AT_TRY(check_loads(&reader));
    AT_TRY(check_present_values(&reader));
    AT_TRY(check_narrow(&reader));
    *statements = read;
    return NULL;
}
