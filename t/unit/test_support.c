/* SPDX-License-Identifier: Apache-2.0 */
#include "test_support.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <apr_env.h>
#include <apr_file_info.h>
#include <apr_file_io.h>
#include <apr_general.h>

#include "at_folder.h"
#include "at_write.h"

apr_pool_t *pool;

/* Lives as long as the program; the tests' forks inherit it. */
static apr_pool_t *program_pool;
static const char *folder;

static void set_up(void)
{
    apr_pool_create(&pool, program_pool);
}

static void tear_down(void)
{
    apr_pool_destroy(pool);
    pool = NULL;
}

TCase *test_begin(const char *name)
{
    TCase *tests = tcase_create(name);

    apr_initialize();
    apr_pool_create(&program_pool, NULL);
    folder = apr_psprintf(program_pool, "%s.folder", name);
    tcase_add_checked_fixture(tests, set_up, tear_down);
    /* Check's 4 seconds are too few under valgrind and the sanitizers. */
    tcase_set_timeout(tests, 300);
    return tests;
}

/* Remove the folder at PATH with what is in it. */
static void remove_folder(const char *path)
{
    apr_dir_t *directory;
    apr_finfo_t entry;

    if (apr_dir_open(&directory, path, program_pool) != APR_SUCCESS) {
        return;
    }
    while (apr_dir_read(&entry, APR_FINFO_NAME, directory) == APR_SUCCESS) {
        const char *name = apr_pstrcat(program_pool, path, "/", entry.name,
                                       (char *)NULL);

        if (strcmp(entry.name, ".") && strcmp(entry.name, "..")
            && apr_file_remove(name, program_pool) != APR_SUCCESS) {
            remove_folder(name);
        }
    }
    apr_dir_close(directory);
    apr_dir_remove(path, program_pool);
}

int test_end(TCase *tests)
{
    Suite *suite = suite_create("core");
    SRunner *runner;
    int failed;

    suite_add_tcase(suite, tests);
    runner = srunner_create(suite);
    srunner_set_tap(runner, "-");
    srunner_run_all(runner, CK_SILENT);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    remove_folder(folder);
    apr_terminate();
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

const char *test_source(const char *file)
{
    char *top;

    if (apr_env_get(&top, "AT_SRCDIR", program_pool) != APR_SUCCESS) {
        top = apr_pstrdup(program_pool, "../..");
    }
    return apr_pstrcat(program_pool, top, "/", file, (char *)NULL);
}

const char *test_folder(void)
{
    apr_dir_make(folder, APR_FPROT_OS_DEFAULT, program_pool);
    return folder;
}

void test_write_bytes(const char *file, const char *text, apr_size_t length)
{
    const char *path = apr_pstrcat(pool, test_folder(), "/", file,
                                   (char *)NULL);
    const char *slash = strrchr(file, '/');
    apr_file_t *to;

    if (slash) {
        const char *inner = apr_pstrmemdup(pool, file,
                                           (apr_size_t)(slash - file));

        apr_dir_make_recursive(apr_pstrcat(pool, folder, "/", inner,
                                           (char *)NULL),
                               APR_FPROT_OS_DEFAULT, pool);
    }
    ck_assert_int_eq(apr_file_open(&to, path,
                                   APR_FOPEN_WRITE | APR_FOPEN_CREATE
                                   | APR_FOPEN_TRUNCATE,
                                   APR_FPROT_OS_DEFAULT, pool), APR_SUCCESS);
    ck_assert_int_eq(apr_file_write_full(to, text, length, NULL),
                     APR_SUCCESS);
    apr_file_close(to);
}

void test_write(const char *file, const char *text)
{
    test_write_bytes(file, text, strlen(text));
}

void test_remove(const char *inner)
{
    remove_folder(apr_pstrcat(pool, folder, "/", inner, (char *)NULL));
}

const char *test_read(const char *path)
{
    apr_file_t *from;
    apr_finfo_t information;
    char *text;

    ck_assert_msg(apr_file_open(&from, path, APR_FOPEN_READ, 0, pool)
                  == APR_SUCCESS, "cannot open %s", path);
    apr_file_info_get(&information, APR_FINFO_SIZE, from);
    text = apr_pcalloc(pool, (apr_size_t)information.size + 1);
    ck_assert_int_eq(apr_file_read_full(from, text,
                                        (apr_size_t)information.size, NULL),
                     APR_SUCCESS);
    apr_file_close(from);
    return text;
}

const char *test_replace(const char *text, const char *old, const char *new)
{
    const char *place = strstr(text, old);

    ck_assert_msg(place != NULL, "there is no \"%s\"", old);
    return apr_pstrcat(pool, apr_pstrmemdup(pool, text,
                                            (apr_size_t)(place - text)),
                       new, place + strlen(old), (char *)NULL);
}

const char *test_detail(const at_error_t *error)
{
    if (!error) {
        return NULL;
    }
    ck_assert_int_eq(error->code, AT_INTERNAL_ERROR);
    ck_assert_ptr_nonnull(error->detail);
    return error->detail;
}

/* Read once those in the folder FROM of the source, with those of BASE, or
 * NULL. */
static const at_statements_t *read_once(at_statements_t **statements,
                                        const char *from, const char *base)
{
    if (!*statements) {
        apr_pool_t *scratch;
        const char *problem;

        apr_pool_create(&scratch, program_pool);
        problem = test_detail(at_folder_read(statements, test_source(from),
                                             base, program_pool, scratch));
        apr_pool_destroy(scratch);

        ck_assert_msg(!problem, "%s", problem);
    }
    return *statements;
}

const at_statements_t *test_statements(void)
{
    static at_statements_t *statements;

    return read_once(&statements, "sql/sqlite3/statements-joined",
                     test_source("sql/sqlite3/statements"));
}

const at_statements_t *test_lookup_statements(void)
{
    static at_statements_t *statements;

    return read_once(&statements, "sql/sqlite3/statements", NULL);
}

at_statement_t *test_statement_of(const char *list)
{
    at_statement_t *statement = apr_pcalloc(pool, sizeof(*statement));
    char *state, *name, *copy = apr_pstrdup(pool, list);

    statement->file = "some.sql";
    statement->columns = apr_array_make(pool, 4, sizeof(const char *));
    statement->uniques = apr_array_make(pool, 1, sizeof(at_unique_t));
    for (name = apr_strtok(copy, " ", &state); name;
         name = apr_strtok(NULL, " ", &state)) {
        APR_ARRAY_PUSH(statement->columns, const char *) = name;
    }
    return statement;
}

/* The parameters of a lookup from TEXT, "NAME:PARAMETER:PARAMETER". */
static const char *const *split_parameters(const char *text,
                                           const char **name)
{
    const char **parameters = apr_pcalloc(pool, sizeof(char *)
                                                * (AT_LOOKUP_KEYS + 2));
    char *state, *copy = apr_pstrdup(pool, text);
    int count = 0;

    *name = apr_strtok(copy, ":", &state);
    parameters[count++] = "key";
    while ((parameters[count] = apr_strtok(NULL, ":", &state)) != NULL) {
        count++;
    }
    return parameters;
}

apr_array_header_t *test_lookups_of(const char *list)
{
    apr_array_header_t *lookups = apr_array_make(pool, 4,
                                                 sizeof(at_lookup_t));
    char *state, *one, *copy = apr_pstrdup(pool, list);

    for (one = apr_strtok(copy, "|", &state); one;
         one = apr_strtok(NULL, "|", &state)) {
        at_lookup_t *lookup = apr_array_push(lookups);
        at_statement_t *statement = test_statement_of(one);

        lookup->parameters = split_parameters(
            *(const char **)(void *)statement->columns->elts, &lookup->name);
        lookup->statement = statement;
        statement->file = apr_psprintf(pool, "lookups/%s.sql", lookup->name);
        statement->columns->nelts--;
        memmove(statement->columns->elts,
                statement->columns->elts + sizeof(const char *),
                sizeof(const char *) * (size_t)statement->columns->nelts);
    }
    return lookups;
}

at_plan_t *test_plan_with(const char *list, const char *lookups)
{
    at_plan_t *plan;
    const char *problem = test_detail(
        at_plan_make(&plan, test_statement_of(list), test_lookups_of(lookups),
                     pool));

    ck_assert_msg(!problem, "%s: %s", list, problem);
    return plan;
}

at_plan_t *test_plan_of(const char *list)
{
    return test_plan_with(list, "");
}

at_json_t *test_json(const char *text)
{
    at_json_t *root;
    at_error_t *error = at_json_parse(&root, text, pool);

    ck_assert_msg(!error, "%s: %s", text, error ? error->description : "");
    return root;
}

static int compare_members(const void *one, const void *other)
{
    return strcmp(((const at_json_member_t *)one)->name,
                  ((const at_json_member_t *)other)->name);
}

static void sort_members(const at_json_t *value)
{
    int i;

    for (i = 0; value->members && i < value->members->nelts; i++) {
        sort_members(APR_ARRAY_IDX(value->members, i,
                                   at_json_member_t).value);
    }
    for (i = 0; value->elements && i < value->elements->nelts; i++) {
        sort_members(APR_ARRAY_IDX(value->elements, i, at_json_t *));
    }
    if (value->members) {
        qsort(value->members->elts, (size_t)value->members->nelts,
              sizeof(at_json_member_t), compare_members);
    }
}

const char *test_sorted(const at_json_t *value)
{
    at_writer_t *writer = at_writer_make(pool);

    sort_members(value);
    at_write_json(writer, value);
    return at_writer_text(writer, NULL);
}

const char *test_violations(const apr_array_header_t *violations)
{
    const char *line = "";
    int i;

    for (i = 0; violations && i < violations->nelts; i++) {
        const at_violation_t *violation = &APR_ARRAY_IDX(violations, i,
                                                         at_violation_t);

        line = apr_pstrcat(pool, line, i ? ", " : "",
                           at_violation_name(violation->code), " ",
                           violation->pointer, (char *)NULL);
        expect(*violation->message, "no message at %s", violation->pointer);
    }
    return line;
}

const char *test_error(const at_error_t *error)
{
    if (!error) {
        return "OK";
    }
    expect(*error->description, "an error without description");
    return apr_pstrcat(pool, at_code_name(error->code),
                       error->violations ? ": " : "",
                       test_violations(error->violations), (char *)NULL);
}

int test_column(const at_plan_t *plan, const char *name)
{
    const char *file;
    int i = 0;

    while (i < plan->column_count
           && strcmp(at_plan_column(plan, i, &file), name)) {
        i++;
    }
    expect(i < plan->column_count, "no column %s", name);
    return i;
}

void test_row_set(at_row_t *row, const char *column, const char *value)
{
    row->values[test_column(row->plan, column)] = value;
}

at_row_t *test_row(const at_plan_t *plan, ...)
{
    at_row_t *row = apr_pcalloc(pool, sizeof(*row));
    const char *column;
    va_list arguments;

    row->plan = plan;
    row->values = apr_pcalloc(pool, sizeof(*row->values)
                                    * (apr_size_t)plan->column_count);
    va_start(arguments, plan);
    while ((column = va_arg(arguments, const char *)) != NULL) {
        test_row_set(row, column, va_arg(arguments, const char *));
    }
    va_end(arguments);
    return row;
}

int test_rounds(int count)
{
    const char *fork_mode = getenv("CK_FORK");

    return fork_mode && !strcmp(fork_mode, "no") ? count / 20 + 1 : count;
}

/* SplitMix64. */
apr_uint64_t test_random(apr_uint64_t *state)
{
    apr_uint64_t z = *state += APR_UINT64_C(0x9E3779B97F4A7C15);

    z = (z ^ (z >> 30)) * APR_UINT64_C(0xBF58476D1CE4E5B9);
    z = (z ^ (z >> 27)) * APR_UINT64_C(0x94D049BB133111EB);
    return z ^ (z >> 31);
}
