/* SPDX-License-Identifier: Apache-2.0 */
/* A statement file, s.sql. It may include inner.sql and itself. */
#include "fuzz.h"

#include <string.h>

#include <apr_file_io.h>
#include <apr_general.h>
#include <apr_pools.h>
#include <apr_strings.h>

#include "at_plan.h"
#include "at_shape.h"
#include "at_sql.h"

const char fuzz_corpus[] = "sql";
const int fuzz_random = 0;

static char *folder;

static void write_file(const char *name, const void *data, size_t size,
                       apr_pool_t *pool)
{
    const char *path = apr_pstrcat(pool, folder, "/", name, (char *)NULL);
    apr_file_t *file;

    require(apr_file_open(&file, path, APR_FOPEN_WRITE | APR_FOPEN_CREATE
                                       | APR_FOPEN_TRUNCATE,
                          APR_FPROT_OS_DEFAULT, pool) == APR_SUCCESS);
    require(apr_file_write_full(file, data, size, NULL) == APR_SUCCESS);
    apr_file_close(file);
}

static void remove_folder(void)
{
    apr_pool_t *pool;

    apr_pool_create(&pool, NULL);
    apr_file_remove(apr_pstrcat(pool, folder, "/s.sql", (char *)NULL), pool);
    apr_file_remove(apr_pstrcat(pool, folder, "/inner.sql", (char *)NULL),
                    pool);
    apr_dir_remove(folder, pool);
    apr_pool_destroy(pool);
}

static void make_folder(void)
{
    static const char inner[] = "-- @unique k identifier\n:id AS 'i.n'\n"
        "-- @wide\n, 1 AS 'i.w'\n-- @end\n";
    apr_pool_t *pool;
    const char *temporary;

    apr_initialize();
    apr_pool_create(&pool, NULL);
    require(apr_temp_dir_get(&temporary, pool) == APR_SUCCESS);
    folder = apr_pstrcat(pool, temporary, "/fuzz_sql.XXXXXX", (char *)NULL);
    require(mkdtemp(folder));
    write_file("inner.sql", inner, sizeof(inner) - 1, pool);
    atexit(remove_folder);
}

/* The text for apr_dbd_prepare has only %% and, for each value, %s. */
static void check_text(const at_statement_t *statement)
{
    const char *text = statement->text;
    int count = 0;

    require(*text && !strchr(" \t\r\n", text[strlen(text) - 1]));
    while ((text = strchr(text, '%')) != NULL) {
        require(text[1] == '%' || text[1] == 's');
        count += text[1] == 's';
        text += 2;
    }
    require(count == statement->value_count);
}

/* True if PROBLEM has the form "FOLDER/FILE:LINE: text". */
static int has_place(const char *problem)
{
    const char *place = strstr(problem, ".sql:");

    return !strncmp(problem, folder, strlen(folder)) && place
           && place[5] >= '1' && place[5] <= '9';
}

static at_statement_t *make_statement(const char *file,
                                      const char *const *columns,
                                      apr_pool_t *pool)
{
    at_statement_t *statement = apr_pcalloc(pool, sizeof(*statement));

    statement->file = file;
    statement->columns = apr_array_make(pool, 4, sizeof(const char *));
    while (*columns) {
        APR_ARRAY_PUSH(statement->columns, const char *) = *columns++;
    }
    return statement;
}

/* The lookups "thing", of an object, and "own", as `@own`. */
static apr_array_header_t *make_lookups(apr_pool_t *pool)
{
    static const char *const parameters[] = { "key", "name", NULL };
    static const char *const thing[] = { "id", "a?", "b.c:number", NULL };
    static const char *const own[] = { "revision.r", "caller.username",
                                       "data.x.id", "data.x.y:date", NULL };
    apr_array_header_t *lookups = apr_array_make(pool, 2,
                                                 sizeof(at_lookup_t));
    at_lookup_t *lookup = apr_array_push(lookups);

    lookup->name = "thing";
    lookup->statement = make_statement("lookups/thing.sql", thing, pool);
    lookup->parameters = parameters;
    lookup = apr_array_push(lookups);
    lookup->name = "own";
    lookup->statement = make_statement("lookups/own.sql", own, pool);
    lookup->parameters = parameters;
    return lookups;
}

/* All indexes of columns are in range. */
static void check_plan(const at_plan_t *plan, int columns)
{
    int i, k, count = plan->column_count, all = columns;
    const char *file;

    for (i = 0; i < plan->lookups->nelts; i++) {
        const at_plan_lookup_t *lookup = &APR_ARRAY_IDX(plan->lookups, i,
                                                        at_plan_lookup_t);

        require(lookup->first_column == all);
        all += lookup->column_count;
        for (k = 0; k < AT_LOOKUP_KEYS; k++) {
            require(lookup->keys[k] >= AT_PLAN_NONE
                    && lookup->keys[k] < columns);
        }
    }
    require(count == all + plan->documents->nelts
            && plan->first_document == all);
    for (i = 0; i < count; i++) {
        require(*at_plan_column(plan, i, &file) || i < columns);
        require(!strncmp(file, "lookups/", 8)
                == (i >= columns && i < plan->first_document));
    }
    for (i = 0; i < plan->nodes->nelts; i++) {
        const at_plan_node_t *node = at_plan_node(plan, i);

        require(node->column < count && node->id_column < count
                && node->key_column < columns
                && node->document_column < count);
    }
}

/* Read s.sql in FORM. NULL if it has an error. */
static const at_statement_t *check_form(at_sql_form_e form, apr_pool_t *pool)
{
    static const char *const parameters[] = { "id", "name", NULL };
    at_sql_folders_t folders = { NULL, NULL };
    at_statement_t *statement;
    at_plan_t *plan;
    at_error_t *error;
    apr_pool_t *scratch;
    int i;

    folders.folder = folder;
    apr_pool_create(&scratch, pool);
    error = at_sql_read(&statement, &folders, "s.sql", form, parameters,
                        pool, scratch);
    apr_pool_destroy(scratch);   /* the statement must not need it */
    if (error) {
        require(has_place(error->detail));
        return NULL;
    }
    check_text(statement);
    for (i = 0; i < statement->value_count; i++) {
        require(statement->values[i] == 0 || statement->values[i] == 1);
    }
    error = at_plan_make(&plan, statement, make_lookups(pool), pool);
    require(!error || *error->detail);
    if (!error) {
        error = at_plan_add_documents(plan, statement, pool);
        require(!error || *error->detail);
        check_plan(plan, statement->columns->nelts);
    }
    /* As if it were save.sql: its :version is :name here. */
    error = at_shape_check(statement, pool);
    require(!error == !!statement->set_columns);
    require(!error || *error->detail);
    return statement;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const at_statement_t *whole, *narrow, *documents;
    apr_pool_t *pool;

    if (!folder) {
        make_folder();
    }
    apr_pool_create(&pool, NULL);
    write_file("s.sql", data, size, pool);
    whole = check_form(AT_SQL_WHOLE, pool);
    /* As in at_folder.c: only the whole form shows errors between @wide
     * and @end, such as the name of a column there. */
    narrow = whole ? check_form(AT_SQL_NARROW, pool) : NULL;
    if (narrow) {
        require(strlen(narrow->text) <= strlen(whole->text)
                && narrow->value_count <= whole->value_count
                && narrow->has_wide == whole->has_wide
                && (whole->has_wide || !strcmp(narrow->text, whole->text)));
    }
    else {
        require(!whole || whole->has_wide);
    }
    documents = narrow ? check_form(AT_SQL_DOCUMENTS, pool) : NULL;
    if (documents) {
        require(strlen(documents->text) >= strlen(narrow->text)
                && (whole->has_documents
                    || !strcmp(documents->text, narrow->text)));
    }
    apr_pool_destroy(pool);
    return 0;
}
