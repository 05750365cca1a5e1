/* SPDX-License-Identifier: Apache-2.0 */
#include "at_folder.h"

#include <string.h>

#include <apr_file_info.h>
#include <apr_strings.h>

#include "at_column.h"
#include "at_field.h"
#include "at_form.h"
#include "at_shape.h"

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
static const char *const number_parameters[] = { "sequence", NULL };
static const char *const no_parameters[] = { NULL };

static const char *const find_request_columns[] = {
    "request.token_id", "request.digest", "request.request_id", NULL
};
static const char *const custom_fields_columns[] = {
    "custom_field.name", "custom_field.type", NULL
};
static const char *const next_number_columns[] = { "number", NULL };
static const char *const startup_columns[] = { "connection.charset", NULL };
static const char *const startup_optional[] = {
    "schema.version", "server.max_connections", "connection.lock_wait_timeout",
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
    { number_parameters, no_columns, no_columns, 0 },
    { number_parameters, next_number_columns, no_columns, 0 },
    { no_parameters, startup_columns, startup_optional, 0 }
};

/* A folder that is being read. */
typedef struct {
    at_statements_t *statements;
    at_sql_folders_t folders;
    apr_pool_t *pool;            /* of the statements and of errors */
    apr_pool_t *scratch;
} reader_t;

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
        if (at_sql_column(statement, *names) == AT_SQL_NONE) {
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
        const char *name = at_sql_column_name(statement, i);

        if (at_sql_column(statement, name) != i) {
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
        const char *name = at_sql_column_name(statement, i);

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
        const char *name = at_sql_column_name(statement, i);

        if (at_plan_is_document(name) && !is_documents) {
            return at_error_config(pool, "%s: column '%s' must be between "
                                   "-- @documents and -- @end",
                                   statement->file, name);
        }
        if (!at_plan_is_member(name) && *name != '@'
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

/* What save.sql declares means nothing in STATEMENT, another one. */
static at_error_t *check_no_declarations(const at_statement_t *statement,
                                         apr_pool_t *pool)
{
    return statement->limits->nelts || statement->rereads->nelts
           || statement->is_raised_by_trigger
           ? at_error_config(pool, "%s: @max, @reread and @raises-version are "
                             "for save.sql", statement->file) : NULL;
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
    AT_TRY(check_no_declarations(read, reader->pool));
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

/* Read statement I, neither a load nor a lookup, into *READ. */
static at_error_t *read_other(at_statement_t **read, reader_t *reader, int i)
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
    *read = statement;
    AT_TRY(check_columns(statement, specifications[other].columns,
                         reader->pool));
    AT_TRY(check_names(statement, other, reader->pool));
    return check_no_sections(statement, reader->pool);
}

static at_error_t *read_statement(reader_t *reader, int i)
{
    at_statement_t *read;

    AT_TRY(read_other(&read, reader, i));
    return check_no_declarations(read, reader->pool);
}

/* Read raise_number.sql if it is there. That of the base belongs to the base's
 * next_number.sql only. */
static at_error_t *read_raise_number(reader_t *reader)
{
    const int number = AT_STATEMENT_RAISE_NUMBER;
    const at_statement_t **statement = reader->statements->statement;

    if (!at_sql_exists(&reader->folders,
                       at_statements_file(AT_STATEMENT_RAISE_NUMBER),
                       reader->scratch)) {
        return NULL;
    }
    AT_TRY(read_statement(reader, number));
    if (!is_own(reader, statement[number]->file)
        && is_own(reader, statement[AT_STATEMENT_NEXT_NUMBER]->file)) {
        statement[number] = NULL;
    }
    else if (!at_sql_binds(statement[number], 0)) {
        return at_error_config(reader->pool, "%s: it must find the sequence "
                               "by :sequence", statement[number]->file);
    }
    return NULL;
}

/* Read next_number.sql if it is there: without it, no rule may say NUMBER. */
static at_error_t *read_numbers(reader_t *reader)
{
    if (!at_sql_exists(&reader->folders,
                       at_statements_file(AT_STATEMENT_NEXT_NUMBER),
                       reader->scratch)) {
        return NULL;
    }
    AT_TRY(read_statement(reader, AT_STATEMENT_NEXT_NUMBER));
    return read_raise_number(reader);
}

/* Read custom_fields.sql, unless an access token has no custom fields. */
static at_error_t *read_custom_fields(reader_t *reader)
{
    at_statements_t *statements = reader->statements;
    const at_statement_t **statement =
        &statements->statement[AT_STATEMENT_CUSTOM_FIELDS];
    int field = at_field_custom();

    if (statements->settable[field]
        || statements->plan->field_columns[field] != AT_PLAN_NONE) {
        AT_TRY(read_statement(reader, AT_STATEMENT_CUSTOM_FIELDS));
        return at_revision_read(&statements->custom_revisions, *statement,
                                statements->statement[0], reader->pool);
    }
    statements->custom_revisions = apr_array_make(reader->pool, 1,
                                                  sizeof(at_revision_t));
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
        const char *column = at_sql_column_name(load, i), *parameter;
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
        const char *name = at_plan_lookup_name(at_sql_column_name(load, i),
                                               &parameter, reader->scratch);

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
        != !at_sql_binds(save, AT_SAVE_REQUEST_DIGEST)) {
        return at_error_config(pool, "%s: the UPDATE must store both "
                               ":idempotency_key and :request_digest, as in "
                               "the shipped save.sql, or neither",
                               save->file);
    }
    return NULL;
}

/* Check that save.sql can set what its @max and @reread are about. */
static at_error_t *check_declarations(const reader_t *reader)
{
    const at_statements_t *statements = reader->statements;
    const at_statement_t *save = statements->statement[AT_STATEMENT_SAVE];
    int i, wrong = AT_FIELD_NONE;

    for (i = 0; i < save->limits->nelts; i++) {
        int field = APR_ARRAY_IDX(save->limits, i, at_limit_t).field;

        wrong = statements->settable[field] ? wrong : field;
    }
    for (i = 0; i < save->rereads->nelts; i++) {
        int field = APR_ARRAY_IDX(save->rereads, i, int);

        wrong = statements->settable[field] ? wrong : field;
    }
    return wrong == AT_FIELD_NONE ? NULL
           : at_error_config(reader->pool, "%s: @max or @reread names %s, "
                             "which it does not set", save->file,
                             at_field_get(wrong)->name);
}

/* Check the parameters of fields in save.sql, and note which it can set. */
static at_error_t *check_fields(reader_t *reader)
{
    at_statements_t *statements = reader->statements;
    const at_statement_t *save = statements->statement[AT_STATEMENT_SAVE];
    int i;

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
    return check_declarations(reader);
}

/* Note how many characters each field may have: those of the table of fields,
 * or of @max. */
static void read_limits(reader_t *reader)
{
    at_statements_t *statements = reader->statements;
    const apr_array_header_t *limits =
        statements->statement[AT_STATEMENT_SAVE]->limits;
    int i;

    statements->max_characters = apr_pcalloc(reader->pool, sizeof(apr_size_t)
                                             * (apr_size_t)at_field_count());
    for (i = 0; i < at_field_count(); i++) {
        statements->max_characters[i] = at_field_get(i)->max_characters;
    }
    for (i = 0; i < limits->nelts; i++) {
        const at_limit_t *limit = &APR_ARRAY_IDX(limits, i, at_limit_t);

        statements->max_characters[limit->field] = limit->characters;
    }
}

/* Read save.sql, and find_request.sql if save.sql keeps keys. */
static at_error_t *read_save(reader_t *reader)
{
    at_statement_t *save;

    AT_TRY(read_other(&save, reader, AT_STATEMENT_SAVE));
    AT_TRY(check_save_guard(save, reader->pool));
    AT_TRY(at_shape_check(save, reader->pool));
    AT_TRY(check_fields(reader));
    read_limits(reader);
    return at_sql_binds(save, AT_SAVE_IDEMPOTENCY_KEY)
           ? read_statement(reader, AT_STATEMENT_FIND_REQUEST) : NULL;
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
        if (strcmp(at_sql_column_name(one, i), at_sql_column_name(other, i))) {
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
    while (!strcmp(at_sql_column_name(load, column),
                   at_sql_column_name(first, column))) {
        column++;
    }
    return at_error_config(pool, "%s: column %d is '%s', but not in %s; share "
                           "the text by @include", load->file, column + 1,
                           at_sql_column_name(load, column), first->file);
}

/* Check that the module gets all that it needs of a load: its inputs, from the
 * load or a lookup. Rules that no column has are those of at_rules.h. */
static at_error_t *check_inputs(const reader_t *reader)
{
    const at_statements_t *statements = reader->statements;
    int i;

    for (i = 0; i < AT_COLUMN_ALLOW_NO_IDENTIFIER; i++) {
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

/* A change of these fields is judged by, or merged with, the present value. An
 * access token always has an authentication code, so each call is judged by
 * that. */
static at_error_t *check_present_values(const reader_t *reader)
{
    const at_statements_t *statements = reader->statements;
    int i;

    for (i = 0; i < at_field_count(); i++) {
        const at_field_t *field = at_field_get(i);
        int needed = field->type == AT_FIELD_CUSTOM
                     || i == AT_CREDENTIAL_AUTHENTICATION_CODE
                     || i == AT_CREDENTIAL_IDENTIFIER;

        if (!needed || statements->plan->field_columns[i] != AT_PLAN_NONE) {
            continue;
        }
        if (i == AT_CREDENTIAL_AUTHENTICATION_CODE) {
            return at_error_config(reader->pool, "%s: it must select a column "
                                   "AS 'data.authentication_code'; without "
                                   "one, each call gets 422",
                                   statements->statement[0]->file);
        }
        if (statements->settable[i]) {
            return at_error_config(reader->pool, "%s: save.sql can set %s, so "
                                   "this must select it AS 'data.%s'",
                                   statements->statement[0]->file,
                                   field->name, field->name);
        }
    }
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
    AT_TRY(read_save(&reader));
    AT_TRY(read_numbers(&reader));
    AT_TRY(read_statement(&reader, AT_STATEMENT_STARTUP));
    AT_TRY(read_lookups(&reader));
    AT_TRY(at_plan_make(&read->plan, read->statement[0], read->lookups,
                        result_pool));
    AT_TRY(check_lookups(&reader));
    AT_TRY(check_inputs(&reader));
    AT_TRY(check_forms(&reader));
    AT_TRY(check_present_values(&reader));
    AT_TRY(at_form_prepare(read, result_pool, scratch_pool));
    AT_TRY(read_custom_fields(&reader));
    *statements = read;
    return NULL;
}
