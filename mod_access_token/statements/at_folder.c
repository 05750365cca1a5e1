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
/* By number of the load statement. */
static const char *const *const load_parameters[AT_STATEMENT_LOADS] = {
    load_by_authentication_code_parameters, load_by_identifier_parameters,
    load_by_id_parameters, load_by_authentication_code_parameters
};
static const char *const find_request_parameters[] = {
    "session_digest", "username", "now", "idempotency_key", NULL
};
static const char *const custom_fields_parameters[] = { "id", NULL };
static const char *const next_number_parameters[] = { "sequence", NULL };
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

/* What each statement after the load statements may bind and must select, by
 * at_statement_e. */
static const struct {
    const char *const *parameters;   /* NULL: save_parameters */
    const char *const *columns;      /* the required ones */
    const char *const *optional;
    int may_be_cached;               /* true: it may select revision.NAME */
} specifications[] = {
    { find_request_parameters, find_request_columns, no_columns, 0 },
    { NULL, no_columns, no_columns, 0 },
    { custom_fields_parameters, custom_fields_columns, no_columns, 1 },
    { next_number_parameters, next_number_columns, no_columns, 0 },
    { no_parameters, startup_columns, startup_optional, 0 }
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

/* Check that STATEMENT selects no column twice. */
static at_error_t *check_twice(const at_statement_t *statement,
                               apr_pool_t *pool)
{
    int i;

    for (i = 0; i < statement->columns->nelts; i++) {
        const char *name = column_of(statement, i);

        if (at_statement_column(statement, name) != i) {
            return at_error_config(pool, "%s: column '%s' is selected twice",
                                   statement->file, name);
        }
    }
    return NULL;
}

/* Check that STATEMENT, which specifications[OTHER] is of, selects only columns
 * that the module knows: another name may be misspelt. */
static at_error_t *check_names(const at_statement_t *statement, int other,
                               apr_pool_t *pool)
{
    int i;

    AT_TRY(check_twice(statement, pool));
    for (i = 0; i < statement->columns->nelts; i++) {
        const char *name = column_of(statement, i);

        if (!is_one_of(name, specifications[other].columns)
            && !is_one_of(name, specifications[other].optional)
            && !(specifications[other].may_be_cached
                 && at_revision_is_column(name))) {
            return at_error_config(pool, "%s: column '%s' is unknown to the "
                                   "module", statement->file, name);
        }
    }
    return NULL;
}

/* The same for a load, or for a lookup whose columns have names as in a load.
 * Documents are only in the documents form. */
static at_error_t *check_load_names(const at_statement_t *statement,
                                    int is_documents, apr_pool_t *pool)
{
    int i;

    AT_TRY(check_twice(statement, pool));
    for (i = 0; i < statement->columns->nelts; i++) {
        const char *name = column_of(statement, i);

        if (at_plan_is_document(name) && !is_documents) {
            return at_error_config(pool, "%s: column '%s' must be between "
                                   "-- @documents and -- @end",
                                   statement->file, name);
        }
        if (!is_of_reply(name) && *name != '@'
            && !at_revision_is_column(name)
            && !is_one_of(name, at_column_names)) {
            return at_error_config(pool, "%s: column '%s' is neither "
                                   "data.... nor an input of the module",
                                   statement->file, name);
        }
    }
    return NULL;
}

/* Only a load statement has several forms. */
static at_error_t *check_no_sections(const at_statement_t *statement,
                                     apr_pool_t *pool)
{
    return statement->has_wide || statement->has_documents
           ? at_error_config(pool, "%s: @wide and @documents are for the load "
                             "statements", statement->file) : NULL;
}

/* ---- the load statements */

/* Read load statement I in FORM. */
static at_error_t *read_form(reader_t *reader, int i, at_sql_form_e form)
{
    at_statement_e load = (at_statement_e)i;
    at_statement_t *read;

    AT_TRY(at_sql_read(&read, &reader->folders, at_statements_file(load), form,
                       load_parameters[i], reader->pool, reader->scratch));
    AT_TRY(check_load_names(read, form == AT_SQL_DOCUMENTS, reader->pool));
    reader->statements->statement[at_statement_load(load, form)] = read;
    return NULL;
}

/* Read load statement I, and its other forms if it has them. */
static at_error_t *read_load(reader_t *reader, int i)
{
    const at_statement_t *load;

    AT_TRY(read_form(reader, i, AT_SQL_WHOLE));
    load = reader->statements->statement[i];
    if (load->has_documents && !load->has_wide) {
        return at_error_config(reader->pool, "%s: it has a @documents, but no "
                               "@wide with the SQL that reads the same without "
                               "documents", load->file);
    }
    if (load->has_wide) {
        AT_TRY(read_form(reader, i, AT_SQL_NARROW));
    }
    return load->has_documents ? read_form(reader, i, AT_SQL_DOCUMENTS) : NULL;
}

static int includes(const at_statement_t *statement, const char *path)
{
    int i = 0;

    while (i < statement->files->nelts
           && strcmp(APR_ARRAY_IDX(statement->files, i, const char *),
                     path)) {
        i++;
    }
    return i < statement->files->nelts;
}

/* True if PATH is in the folder itself, and not in its base. */
static int is_own(const reader_t *reader, const char *path)
{
    apr_size_t length = strlen(reader->folders.folder);

    return !strncmp(path, reader->folders.folder, length)
           && path[length] == '/';
}

/* True if LOAD, of the base, reads something else than BY_CODE: the folder has
 * files of its own that only the latter is made of, such as another join of
 * the session. */
static int is_of_base_only(const reader_t *reader, const at_statement_t *load,
                           const at_statement_t *by_code)
{
    int i;

    for (i = 0; i < by_code->files->nelts; i++) {
        const char *path = APR_ARRAY_IDX(by_code->files, i, const char *);

        if (is_own(reader, path) && !includes(load, path)) {
            return !is_own(reader, load->file);
        }
    }
    return 0;
}

/* Read load_by_session_and_code.sql, if there is one that belongs to the
 * folder's load by code. */
static at_error_t *read_session_load(reader_t *reader)
{
    const at_statement_e number = AT_STATEMENT_LOAD_BY_SESSION_AND_CODE;
    const at_statement_t **statement = reader->statements->statement;
    int form;

    if (!at_sql_exists(&reader->folders, at_statements_file(number),
                       reader->scratch)) {
        return NULL;
    }
    AT_TRY(read_load(reader, (int)number));
    if (is_of_base_only(reader, statement[number], statement[0])) {
        for (form = AT_SQL_WHOLE; form < AT_SQL_FORMS; form++) {
            statement[at_statement_load(number, (at_sql_form_e)form)] = NULL;
        }
    }
    else if (!at_sql_binds(statement[number], AT_LOAD_SESSION_DIGEST)) {
        return at_error_config(reader->pool, "%s: it must find the session by "
                               ":session_digest", statement[number]->file);
    }
    return NULL;
}

static at_error_t *read_loads(reader_t *reader)
{
    int i;

    for (i = 0; i < AT_STATEMENT_LOAD_BY_SESSION_AND_CODE; i++) {
        AT_TRY(read_load(reader, i));
    }
    return read_session_load(reader);
}

/* ---- the other statements */

/* Read statement I, neither a load nor a lookup. */
static at_error_t *read_statement(reader_t *reader, int i)
{
    int other = i - (int)AT_STATEMENT_FIND_REQUEST;
    const char *const *parameters = specifications[other].parameters;
    at_statement_t *statement;

    if (!parameters) {
        parameters = save_parameters(reader->scratch);
    }
    AT_TRY(at_sql_read(&statement, &reader->folders,
                       at_statements_file((at_statement_e)i), AT_SQL_WHOLE,
                       parameters, reader->pool, reader->scratch));
    reader->statements->statement[i] = statement;
    AT_TRY(check_columns(statement, specifications[other].columns,
                         reader->pool));
    AT_TRY(check_names(statement, other, reader->pool));
    return check_no_sections(statement, reader->pool);
}

static at_error_t *read_statements(reader_t *reader)
{
    int i;

    for (i = AT_STATEMENT_FIND_REQUEST; i <= AT_STATEMENT_STARTUP; i++) {
        AT_TRY(read_statement(reader, i));
    }
    return NULL;
}

/* ---- lookups */

static at_error_t *check_lookup(const at_lookup_t *lookup, apr_pool_t *pool)
{
    const at_statement_t *statement = lookup->statement;
    int i;

    for (i = 0; lookup->parameters[i]; i++) {
        if (!at_sql_binds(statement, i)) {
            return at_error_config(pool, "%s: it must find the object by :%s",
                                   statement->file, lookup->parameters[i]);
        }
    }
    if (statement->columns->nelts == 0) {
        return at_error_config(pool, "%s: it must select the members of the "
                               "object, as in id AS 'id'", statement->file);
    }
    return check_no_sections(statement, pool);
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

/* True if NAME is made of lower-case letters, digits and _. */
static int is_plain_name(const char *name)
{
    return *name && strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_")
                    == strlen(name);
}

static at_error_t *check_lookup_name(const reader_t *reader,
                                     const char *name)
{
    const char *file = reader->statements->statement[0]->file;

    if (reader->statements->lookups->nelts == AT_LOOKUPS) {
        return at_error_config(reader->pool, "%s: more than %d lookups", file,
                               AT_LOOKUPS);
    }
    if (!is_plain_name(name)) {
        return at_error_config(reader->pool, "%s: write after @ the name of a "
                               "file in lookups/ without its .sql: a to z, 0 "
                               "to 9 and _, not \"%s\"", file, name);
    }
    return NULL;
}

/* Make the list of the parameters of LOOKUP: "key", and those of the columns
 * `@lookup:parameter`. */
static at_error_t *read_parameters(const reader_t *reader,
                                   at_lookup_t *lookup)
{
    const at_statement_t *load = reader->statements->statement[0];
    const char **names = apr_pcalloc(reader->pool, sizeof(*names)
                                                   * (AT_LOOKUP_KEYS + 1));
    int i, count = 0;

    names[count++] = "key";
    for (i = 0; i < load->columns->nelts; i++) {
        const char *column = column_of(load, i), *parameter;
        const char *name = at_plan_lookup_name(column, &parameter,
                                               reader->scratch);

        if (!name || strcmp(name, lookup->name)
            || !strchr(strchr(column, '@'), ':')) {
            continue;
        }
        if (*column != '@' || !is_plain_name(parameter)
            || is_one_of(parameter, names)) {
            return at_error_config(reader->pool, "%s: column '%s': write "
                "'@%s:name' with the name of a parameter of lookups/%s.sql "
                "other than key: a to z, 0 to 9 and _", load->file, column,
                lookup->name, lookup->name);
        }
        if (count == AT_LOOKUP_KEYS) {
            return at_error_config(reader->pool, "%s: column '%s': a lookup "
                                   "has at most %d parameters", load->file,
                                   column, AT_LOOKUP_KEYS);
        }
        names[count++] = parameter;
    }
    lookup->parameters = names;
    return NULL;
}

/* Read lookups/NAME.sql. */
static at_error_t *read_lookup(reader_t *reader, const char *name)
{
    at_statements_t *statements = reader->statements;
    int number = statements->lookups->nelts;
    at_lookup_t lookup = { apr_pstrdup(reader->pool, name), NULL, NULL };
    at_statement_t *statement;

    AT_TRY(check_lookup_name(reader, name));
    AT_TRY(read_parameters(reader, &lookup));
    AT_TRY(at_sql_read(&statement, &reader->folders,
                       apr_pstrcat(reader->scratch, "lookups/", name, ".sql",
                                   (char *)NULL), AT_SQL_WHOLE,
                       lookup.parameters, reader->pool, reader->scratch));
    lookup.statement = statement;
    AT_TRY(check_lookup(&lookup, reader->pool));
    APR_ARRAY_PUSH(statements->lookups, at_lookup_t) = lookup;
    statements->statement[AT_STATEMENT_LOOKUP + number] = statement;
    return NULL;
}

/* Read the lookups that the load statements name. */
static at_error_t *read_lookups(reader_t *reader)
{
    const at_statement_t *load = reader->statements->statement[0];
    int i;

    for (i = 0; i < load->columns->nelts; i++) {
        const char *parameter;
        const char *name = at_plan_lookup_name(column_of(load, i), &parameter,
                                               reader->scratch);

        if (name && !has_lookup(reader->statements, name)) {
            AT_TRY(read_lookup(reader, name));
        }
    }
    return NULL;
}

/* Check the uses of the lookups in the plan. */
static at_error_t *check_lookups(const reader_t *reader)
{
    const at_statements_t *statements = reader->statements;
    int i;

    for (i = 0; i < statements->plan->lookups->nelts; i++) {
        const at_plan_lookup_t *lookup =
            &APR_ARRAY_IDX(statements->plan->lookups, i, at_plan_lookup_t);

        if (lookup->node == 0) {
            AT_TRY(check_load_names(lookup->statement, 0, reader->pool));
        }
        if (lookup->keys[0] == AT_PLAN_NONE) {
            return at_error_config(reader->pool, "%s: it must select the :key "
                "of lookups/%s.sql AS '@%s'", statements->statement[0]->file,
                APR_ARRAY_IDX(statements->lookups, lookup->lookup,
                              at_lookup_t).name,
                APR_ARRAY_IDX(statements->lookups, lookup->lookup,
                              at_lookup_t).name);
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

/* Check that the module gets all that it needs of a load: its inputs, from the
 * load or a lookup. */
static at_error_t *check_inputs(const reader_t *reader)
{
    const at_statements_t *statements = reader->statements;
    int i;

    for (i = 0; i < AT_COLUMN_COUNT; i++) {
        if (statements->plan->input_columns[i] == AT_PLAN_NONE) {
            return at_error_config(reader->pool, "%s: it must select a column "
                                   "AS '%s'", statements->statement[0]->file,
                                   at_column_names[i]);
        }
    }
    return NULL;
}

/* Check that LOAD, load statement number I in FORM, finds the access token by
 * its key, and has the columns of FIRST. */
static at_error_t *check_load(const at_statement_t *load, int i,
                              at_sql_form_e form, const at_statement_t *first,
                              apr_pool_t *pool)
{
    if (!at_sql_binds(load, AT_LOAD_KEY)) {
        return at_error_config(pool, "%s: it must find the access token by "
                               ":%s%s", load->file,
                               load_parameters[i][AT_LOAD_KEY],
                               form == AT_SQL_WHOLE ? ""
                               : ", outside of @wide");
    }
    if (form == AT_SQL_WHOLE) {
        return check_same_columns(load, first, pool);
    }
    return have_same_columns(load, first) ? NULL
           : at_error_config(pool, "%s: @wide and @documents leave out other "
                             "columns than in %s; share the text by @include",
                             load->file, first->file);
}

/* Check the load statements in FORM. */
static at_error_t *check_form(const reader_t *reader, at_sql_form_e form)
{
    const at_statement_t *const *statement = reader->statements->statement;
    const at_statement_t *first = statement[at_statement_load(
        AT_STATEMENT_LOAD_BY_AUTHENTICATION_CODE, form)];
    int i;

    for (i = 0; i < AT_STATEMENT_LOADS; i++) {
        const at_statement_t *load = statement[at_statement_load(
            (at_statement_e)i, form)];

        if (statement[i] && !load != !first) {
            return at_error_config(reader->pool, "%s: @wide and @documents "
                                   "must be in all load statements or in "
                                   "none; share the text by @include",
                                   statement[i]->file);
        }
        if (load) {
            AT_TRY(check_load(load, i, form, first, reader->pool));
        }
    }
    return NULL;
}

static at_error_t *check_forms(const reader_t *reader)
{
    int form;

    for (form = AT_SQL_WHOLE; form < AT_SQL_FORMS; form++) {
        AT_TRY(check_form(reader, (at_sql_form_e)form));
    }
    return NULL;
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

/* ---- the forms of the load statements */

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

/* Find the plan's column for each column of FORM. Set LACKS for the columns
 * that it lacks, which must not be needed by each call. */
static at_error_t *map_form(const reader_t *reader, at_sql_form_e form,
                            unsigned char *lacks)
{
    at_statements_t *statements = reader->statements;
    const at_statement_t *load = statements->statement[0];
    const at_statement_t *other = statements->statement[at_statement_load(
        AT_STATEMENT_LOAD_BY_AUTHENTICATION_CODE, form)];
    int *columns = apr_pcalloc(reader->pool, sizeof(int)
                               * (apr_size_t)(other->columns->nelts + 1));
    int i, from = 0, document = statements->plan->first_document;

    memset(lacks, 1, (apr_size_t)load->columns->nelts);
    for (i = 0; i < other->columns->nelts; i++) {
        if (at_plan_is_document(column_of(other, i))) {
            columns[i] = document++;
            continue;
        }
        while (from < load->columns->nelts
               && strcmp(column_of(load, from), column_of(other, i))) {
            from++;
        }
        if (from == load->columns->nelts) {
            return at_error_config(reader->pool, "%s: column '%s' is only in "
                                   "one form of it, or in another order: a "
                                   "@wide or @documents separates AS from its "
                                   "name, or holds it",
                                   load->file, column_of(other, i));
        }
        lacks[from] = 0;
        columns[i] = from++;
    }
    for (i = 0; i < load->columns->nelts; i++) {
        if (lacks[i] && is_needed(statements, i)) {
            return at_error_config(reader->pool, "%s: column '%s' is within a "
                                   "@wide, but each call needs it",
                                   load->file, column_of(load, i));
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
static void find_wide_nodes(const reader_t *reader, const unsigned char *wide)
{
    const at_plan_t *plan = reader->statements->plan;
    apr_array_header_t *nodes = apr_array_make(reader->pool, 64,
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
    reader->statements->wide_nodes = nodes;
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

/* The first node around NODE that has a document, or AT_PLAN_NONE. */
static int find_document_around(const at_plan_t *plan, int node)
{
    return find_document(plan, at_plan_node(plan, node)->parent);
}

/* Check that each document is all that there is of its object: nothing of that
 * is read elsewhere, for example since a call changes it. */
static at_error_t *check_documents(const reader_t *reader,
                                   const unsigned char *wide)
{
    const at_statements_t *statements = reader->statements;
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
                && find_document_around(plan, i) != AT_PLAN_NONE)) {
            return at_error_config(reader->pool, "%s: column '%s': all of the "
                "object must be read within @wide, and nothing else has a "
                "document in it; '%s' does not fit",
                statements->statement[0]->file,
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

/* Make what the choice of a form needs to know. */
static at_error_t *make_forms(const reader_t *reader)
{
    at_statements_t *statements = reader->statements;
    const at_statement_t *documents = statements->statement[
        at_statement_load(AT_STATEMENT_LOAD_BY_AUTHENTICATION_CODE,
                          AT_SQL_DOCUMENTS)];
    unsigned char *wide;

    if (!statements->statement[at_statement_load(
            AT_STATEMENT_LOAD_BY_AUTHENTICATION_CODE, AT_SQL_NARROW)]) {
        return NULL;
    }
    wide = apr_pcalloc(reader->scratch,
                       (apr_size_t)statements->plan->column_count + 1);
    if (documents) {
        AT_TRY(at_plan_add_documents(statements->plan, documents,
                                     reader->pool));
        AT_TRY(map_form(reader, AT_SQL_DOCUMENTS, wide));
        drop_without_documents(statements);
    }
    AT_TRY(map_form(reader, AT_SQL_NARROW, wide));
    AT_TRY(check_documents(reader, wide));
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

    read->folder = apr_pstrdup(result_pool, folder);
    read->lookups = apr_array_make(result_pool, 4, sizeof(at_lookup_t));
    AT_TRY(check_folder(&reader, folder));
    AT_TRY(read_loads(&reader));
    AT_TRY(read_statements(&reader));
    AT_TRY(check_save(&reader));
    AT_TRY(read_lookups(&reader));
    AT_TRY(at_plan_make(&read->plan, read->statement[0], read->lookups,
                        result_pool));
    AT_TRY(check_lookups(&reader));
    AT_TRY(check_inputs(&reader));
    AT_TRY(check_forms(&reader));
    AT_TRY(check_present_values(&reader));
    AT_TRY(make_forms(&reader));
    AT_TRY(at_revision_read(&read->custom_revisions,
                            read->statement[AT_STATEMENT_CUSTOM_FIELDS],
                            read->statement[0], result_pool));
    *statements = read;
    return NULL;
}
