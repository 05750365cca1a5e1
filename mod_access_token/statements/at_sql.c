/* SPDX-License-Identifier: Apache-2.0 */
#include "at_sql.h"

#include <stdlib.h>
#include <string.h>

#include <apr_file_io.h>
#include <apr_lib.h>
#include <apr_strings.h>
#include <unistr.h>

#include "at_field.h"
#include "at_text.h"

/* The deepest nesting of files; a deeper one is a circle. */
#define INCLUDE_DEPTH 4

/* The largest file that is read; a statement file has a few KB. */
#define FILE_SIZE (1024 * 1024)

/* What is collected from a statement and the files that it includes. */
typedef struct {
    apr_pool_t *pool;            /* of the statement and of errors */
    apr_pool_t *scratch;
    const at_sql_folders_t *folders;
    const char *within;          /* the file's own folder in these, with its
                                    slash, or "" */
    at_sql_form_e form;
    const char *const *parameters;
    at_statement_t *statement;
    apr_array_header_t *text;    /* char */
    apr_array_header_t *values;  /* int */
    int ended;                   /* a semicolon was read */
    int depth;
    int sections;                /* how many @wide and @documents are open */
    at_sql_form_e section;       /* the form that has the SQL of the last one
                                    that was opened */
    at_error_t *nested;          /* there is a section in a file that is
                                    included in a section of another; or
                                    NULL */
} compiler_t;

/* The place in one file. */
typedef struct {
    compiler_t *compiler;
    const char *path;
    const char *from;            /* the text that is not yet read */
    int line;
    int section_line;            /* the line of its open @wide or @documents,
                                    or 0 */
} scanner_t;

static at_error_t *read_file(const char **text, compiler_t *compiler,
                             const char *path);
static at_error_t *scan_text(compiler_t *compiler, const char *path,
                             const char *text);

/* The error that PROBLEM is at this place, with NAME in quotes unless that is
 * NULL. */
static at_error_t *complain(const scanner_t *scanner, const char *problem,
                            const char *name)
{
    return at_error_config(scanner->compiler->pool, "%s:%d: %s%s%s%s",
                           scanner->path, scanner->line, problem,
                           name ? " \"" : "", name ? name : "",
                           name ? "\"" : "");
}

/* True if the text at this place is not part of the statement's form. */
static int is_left_out(const compiler_t *compiler)
{
    return compiler->sections && compiler->form != compiler->section;
}

/* Add CHARACTER to the statement. A % is doubled, since apr_dbd_prepare reads
 * the whole text as a format. */
static void emit(compiler_t *compiler, char character)
{
    if (is_left_out(compiler)) {
        return;
    }
    APR_ARRAY_PUSH(compiler->text, char) = character;
    if (character == '%') {
        APR_ARRAY_PUSH(compiler->text, char) = character;
    }
}

/* Move LENGTH characters into the statement. */
static void take(scanner_t *scanner, apr_size_t length)
{
    for (; length > 0 && *scanner->from; length--, scanner->from++) {
        scanner->line += *scanner->from == '\n';
        emit(scanner->compiler, *scanner->from);
    }
}

/* Skip LENGTH characters. */
static void skip(scanner_t *scanner, apr_size_t length)
{
    for (; length > 0 && *scanner->from; length--, scanner->from++) {
        scanner->line += *scanner->from == '\n';
    }
}

/* The length of the name that TEXT begins with. */
static apr_size_t name_length(const char *text)
{
    apr_size_t length = 0;

    while (apr_isalnum(text[length]) || text[length] == '_') {
        length++;
    }
    return length;
}

/* True if the statement so far ends with the keyword AS. */
static int follows_as(const compiler_t *compiler)
{
    const char *text = compiler->text->elts;
    int i = compiler->text->nelts;

    while (i > 0 && apr_isspace(text[i - 1])) {
        i--;
    }
    return i >= 2 && apr_tolower(text[i - 2]) == 'a'
           && apr_tolower(text[i - 1]) == 's'
           && (i == 2 || !(apr_isalnum(text[i - 3]) || text[i - 3] == '_'));
}

/* Add the result column NAME. The name is also used in the reply and in
 * messages, so it must mean the same everywhere. */
static at_error_t *add_column(scanner_t *scanner, const char *name,
                              char quote)
{
    if (strchr(name, quote) || strchr(name, '\\')
        || at_text_has_control(name)) {
        return complain(scanner, "the name of a result column has no quote "
                        "like those around it, no backslash and no control "
                        "character", NULL);
    }
    APR_ARRAY_PUSH(scanner->compiler->statement->columns, const char *) = name;
    return NULL;
}

/* Read a string or a quoted name. After AS it is the name of a column. */
static at_error_t *scan_quoted(scanner_t *scanner)
{
    compiler_t *compiler = scanner->compiler;
    const char quote = *scanner->from;
    const char *end = scanner->from + 1;

    for (;; end++) {
        if (*end == '\0') {
            return complain(scanner, "a quote that is not closed", NULL);
        }
        if (*end == '\\' && end[1] == quote) {
            return complain(scanner, "a backslash before a quote, which "
                            "databases read differently; double the quote "
                            "instead", NULL);
        }
        if (*end == '\\' && end[1] == '\\') {
            end++;
        }
        else if (*end == quote) {
            if (end[1] != quote) {
                break;
            }
            end++;
        }
    }
    if (!is_left_out(compiler) && follows_as(compiler)) {
        AT_TRY(add_column(scanner,
                          apr_pstrmemdup(compiler->pool, scanner->from + 1,
                                         (apr_size_t)(end - scanner->from
                                                      - 1)), quote));
    }
    take(scanner, (apr_size_t)(end - scanner->from) + 1);
    return NULL;
}

/* ":a, :b, :c": the parameters that the statement may use. */
static const char *list_parameters(const compiler_t *compiler)
{
    const char *list = "";
    int i;

    for (i = 0; compiler->parameters[i]; i++) {
        list = apr_pstrcat(compiler->scratch, list, i ? ", :" : ":",
                           compiler->parameters[i], (char *)NULL);
    }
    return i ? list : "none";
}

static at_error_t *scan_parameter(scanner_t *scanner)
{
    compiler_t *compiler = scanner->compiler;
    apr_size_t length = name_length(scanner->from + 1);
    const char *name = apr_pstrmemdup(compiler->scratch, scanner->from,
                                      length + 1);
    int i;

    for (i = 0; compiler->parameters[i]; i++) {
        if (!strcmp(compiler->parameters[i], name + 1)) {
            break;
        }
    }
    if (!compiler->parameters[i]) {
        return complain(scanner, apr_psprintf(compiler->scratch,
            "this statement's parameters are %s; there is no",
            list_parameters(compiler)), name);
    }
    if (!is_left_out(compiler)) {
        APR_ARRAY_PUSH(compiler->values, int) = i;
        APR_ARRAY_PUSH(compiler->text, char) = '%';
        APR_ARRAY_PUSH(compiler->text, char) = 's';
    }
    skip(scanner, length + 1);
    return NULL;
}

/* A key with two fields would be reported as the first of them. */
static at_error_t *check_unique(const scanner_t *scanner, const char *key,
                                const char *field)
{
    const apr_array_header_t *uniques = scanner->compiler->statement->uniques;
    int i;

    for (i = 0; i < uniques->nelts; i++) {
        const at_unique_t *other = &APR_ARRAY_IDX(uniques, i, at_unique_t);

        if (!strcmp(other->key, key) && strcmp(other->field, field)) {
            return complain(scanner, "an earlier @unique has another field "
                            "for the key", key);
        }
    }
    return NULL;
}

/* `-- @unique KEY FIELD` */
static at_error_t *scan_unique(scanner_t *scanner, char *arguments)
{
    const compiler_t *compiler = scanner->compiler;
    at_unique_t *unique;
    char *state, *key, *field;

    key = apr_strtok(arguments, " \t\r", &state);
    field = key ? apr_strtok(NULL, " \t\r", &state) : NULL;
    if (!field || apr_strtok(NULL, " \t\r", &state)) {
        return complain(scanner, "write -- @unique KEY FIELD", NULL);
    }
    if (strcmp(field, "authentication_code") && strcmp(field, "identifier")
        && strcmp(field, "idempotency_key") && strcmp(field, "version")) {
        return complain(scanner, "the field of @unique is "
                        "authentication_code, identifier, idempotency_key "
                        "or version, not", field);
    }
    AT_TRY(check_unique(scanner, key, field));
    unique = apr_array_push(compiler->statement->uniques);
    unique->key = apr_pstrdup(compiler->pool, key);
    unique->field = apr_pstrdup(compiler->pool, field);
    return NULL;
}

/* True if there is no file PATH. */
static int is_missing(const char *path, apr_pool_t *pool)
{
    apr_finfo_t information;

    return APR_STATUS_IS_ENOENT(apr_stat(&information, path, APR_FINFO_TYPE,
                                         pool));
}

/* The path of FILE in FOLDERS: in the base if only that has it. It is in
 * POOL. */
static const char *find_file(const at_sql_folders_t *folders,
                             const char *file, apr_pool_t *pool)
{
    const char *path = apr_pstrcat(pool, folders->folder, "/", file,
                                   (char *)NULL);

    return folders->base && is_missing(path, pool)
           ? apr_pstrcat(pool, folders->base, "/", file, (char *)NULL) : path;
}

int at_sql_exists(const at_sql_folders_t *folders, const char *file,
                  apr_pool_t *pool)
{
    return !is_missing(find_file(folders, file, pool), pool);
}

/* `-- @include FILE` */
static at_error_t *scan_include(scanner_t *scanner, char *arguments)
{
    compiler_t *compiler = scanner->compiler;
    const char *path, *text;
    char *state, *file;
    at_error_t *error;

    file = apr_strtok(arguments, " \t\r", &state);
    if (!file || apr_strtok(NULL, " \t\r", &state) || strchr(file, '/')) {
        return complain(scanner, "write -- @include FILE, with the name "
                        "of a file in the same folder", NULL);
    }
    if (compiler->depth == INCLUDE_DEPTH) {
        return complain(scanner, "includes are nested too deeply at", file);
    }
    path = find_file(compiler->folders, apr_pstrcat(compiler->scratch,
                                                    compiler->within, file,
                                                    (char *)NULL),
                     compiler->pool);
    error = read_file(&text, compiler, path);
    if (error) {
        return complain(scanner, error->detail, NULL);
    }
    return scan_text(compiler, path, text);
}

/* `-- @wide` or `-- @documents`: a section that only FORM has. A section in an
 * included file may be nested only because the other file lacks its @end. That
 * error comes first, so this one is kept until all files are read. */
static at_error_t *scan_section(scanner_t *scanner, at_sql_form_e form)
{
    compiler_t *compiler = scanner->compiler;

    if (compiler->sections) {
        compiler->nested = complain(scanner, "a @wide or @documents within "
                                    "another; close the first by -- @end",
                                    NULL);
        if (scanner->section_line) {
            return compiler->nested;
        }
    }
    compiler->sections++;
    compiler->section = form;
    scanner->section_line = scanner->line;
    compiler->statement->has_wide |= form == AT_SQL_WHOLE;
    compiler->statement->has_documents |= form == AT_SQL_DOCUMENTS;
    return NULL;
}

/* `-- @end` */
static at_error_t *scan_end(scanner_t *scanner)
{
    if (!scanner->section_line) {
        return complain(scanner, "an @end without a -- @wide or -- @documents "
                        "before it in its file", NULL);
    }
    scanner->compiler->sections--;
    scanner->section_line = 0;
    return NULL;
}

/* Check that `-- @wide`, `-- @documents` or `-- @end` has no ARGUMENTS. */
static at_error_t *check_alone(const scanner_t *scanner,
                               const char *arguments)
{
    return arguments[strspn(arguments, " \t\r")]
           ? complain(scanner, "write -- @wide, -- @documents and -- @end, "
                      "with nothing after them", NULL) : NULL;
}

/* Read the NUMBER of `-- @max FIELD NUMBER`. */
static at_error_t *read_limit(const scanner_t *scanner, at_limit_t *limit,
                              const char *field, const char *number)
{
    const at_field_t *found;

    limit->field = at_field_find(field);
    found = limit->field == AT_FIELD_NONE ? NULL : at_field_get(limit->field);
    if (!found || !found->max_characters) {
        return complain(scanner, "the field of @max is authentication_code, "
                        "identifier, card_masked_number or udf_string_1 to "
                        "udf_string_8, not", field);
    }
    limit->characters = at_text_is_digits(number) && strlen(number) <= 3
                        ? (apr_size_t)atoi(number) : 0;
    return limit->characters > 0
           && limit->characters <= found->max_characters ? NULL
           : complain(scanner, apr_psprintf(scanner->compiler->scratch,
                 "the number of @max for %s is 1 to %" APR_SIZE_T_FMT ", not",
                 field, found->max_characters), number);
}

/* `-- @max FIELD NUMBER` */
static at_error_t *scan_max(const scanner_t *scanner, char *arguments)
{
    apr_array_header_t *limits = scanner->compiler->statement->limits;
    at_limit_t limit;
    char *state, *field, *number;
    int i;

    field = apr_strtok(arguments, " \t\r", &state);
    number = field ? apr_strtok(NULL, " \t\r", &state) : NULL;
    if (!number || apr_strtok(NULL, " \t\r", &state)) {
        return complain(scanner, "write -- @max FIELD NUMBER", NULL);
    }
    AT_TRY(read_limit(scanner, &limit, field, number));
    for (i = 0; i < limits->nelts; i++) {
        if (APR_ARRAY_IDX(limits, i, at_limit_t).field == limit.field) {
            return complain(scanner, "a second @max for the field", field);
        }
    }
    APR_ARRAY_PUSH(limits, at_limit_t) = limit;
    return NULL;
}

/* `-- @reread FIELD ...` */
static at_error_t *scan_reread(const scanner_t *scanner, char *arguments)
{
    char *state, *field = apr_strtok(arguments, " \t\r", &state);

    if (!field) {
        return complain(scanner, "write -- @reread FIELD ...", NULL);
    }
    for (; field; field = apr_strtok(NULL, " \t\r", &state)) {
        int index = at_field_find(field);

        if (index == AT_FIELD_NONE
            || (at_field_get(index)->flags & AT_FIELD_IS_SECRET)) {
            return complain(scanner, "the fields of @reread are those that "
                            "save.sql can set, without pass_code; there is "
                            "no", field);
        }
        APR_ARRAY_PUSH(scanner->compiler->statement->rereads, int) = index;
    }
    return NULL;
}

/* `-- @raises-version by trigger` */
static at_error_t *scan_raises(const scanner_t *scanner, const char *arguments)
{
    char *words = apr_pstrdup(scanner->compiler->scratch, arguments);

    apr_collapse_spaces(words, words);
    scanner->compiler->statement->is_raised_by_trigger = 1;
    return !strcmp(words, "bytrigger") ? NULL
           : complain(scanner, "write -- @raises-version by trigger", NULL);
}

/* True if COMMENT is ANNOTATION, with or without arguments. */
static int is_annotation(const char *comment, const char *annotation)
{
    apr_size_t length = strlen(annotation);

    return !strncmp(comment, annotation, length)
           && !apr_isalnum(comment[length]);
}

/* Do what COMMENT says, if it is an annotation. */
static at_error_t *scan_annotation(scanner_t *scanner, char *comment)
{
    if (!strncmp(comment, "-- @unique ", 11)) {
        return scan_unique(scanner, comment + 11);
    }
    if (!strncmp(comment, "-- @include ", 12)) {
        return scan_include(scanner, comment + 12);
    }
    if (is_annotation(comment, "-- @reread")) {
        return scan_reread(scanner, comment + 10);
    }
    if (is_annotation(comment, "-- @max")) {
        return scan_max(scanner, comment + 7);
    }
    if (is_annotation(comment, "-- @wide")) {
        AT_TRY(check_alone(scanner, comment + 8));
        return scan_section(scanner, AT_SQL_WHOLE);
    }
    if (is_annotation(comment, "-- @documents")) {
        AT_TRY(check_alone(scanner, comment + 13));
        return scan_section(scanner, AT_SQL_DOCUMENTS);
    }
    if (is_annotation(comment, "-- @end")) {
        AT_TRY(check_alone(scanner, comment + 7));
        return scan_end(scanner);
    }
    if (is_annotation(comment, "-- @raises-version")) {
        return scan_raises(scanner, comment + 18);
    }
    return strncmp(comment, "-- @", 4) ? NULL
           : complain(scanner, "annotations are @include, @unique, @max, "
                      "@reread, @raises-version, @wide, @documents and @end, "
                      "not", comment + 3);
}

/* Read a comment to the end of the line. */
static at_error_t *scan_line_comment(scanner_t *scanner)
{
    apr_size_t length = strcspn(scanner->from, "\n");

    AT_TRY(scan_annotation(scanner,
                           apr_pstrmemdup(scanner->compiler->scratch,
                                          scanner->from, length)));
    skip(scanner, length);
    return NULL;
}

static at_error_t *scan_block_comment(scanner_t *scanner)
{
    const char *end = strstr(scanner->from + 2, "*/");

    if (!end) {
        return complain(scanner, "a comment that is not closed", NULL);
    }
    if (scanner->from[2] == '!' || !strncmp(scanner->from + 2, "M!", 2)) {
        return complain(scanner, "an executable comment, which databases "
                        "read differently", NULL);
    }
    if (scanner->from[2] == '+') {       /* a hint for the optimizer */
        take(scanner, (apr_size_t)(end + 2 - scanner->from));
        return NULL;
    }
    skip(scanner, (apr_size_t)(end + 2 - scanner->from));
    emit(scanner->compiler, ' ');
    return NULL;
}

static at_error_t *scan_semicolon(scanner_t *scanner)
{
    scanner->compiler->ended = 1;
    skip(scanner, 1);
    return NULL;
}

/* Read one construct, or one character. */
static at_error_t *scan_next(scanner_t *scanner)
{
    const char *from = scanner->from;

    if (from[0] == '#' || (from[0] == '-' && from[1] == '-')) {
        if (from[0] == '-' && from[2] && !apr_isspace(from[2])) {
            return complain(scanner, "-- without a blank after it, which "
                            "databases read differently", NULL);
        }
        return scan_line_comment(scanner);
    }
    if (from[0] == '/' && from[1] == '*') {
        return scan_block_comment(scanner);
    }
    if (scanner->compiler->ended && !apr_isspace(from[0])) {
        return complain(scanner, "text after the semicolon: a file has one "
                        "statement", NULL);
    }
    if (strchr("'\"`", from[0])) {
        return scan_quoted(scanner);
    }
    if (from[0] == ':' && (apr_isalpha(from[1]) || from[1] == '_')) {
        return scan_parameter(scanner);
    }
    if (from[0] == '?') {
        return complain(scanner, "a ? as placeholder; write a parameter's "
                        "name, as in :id", NULL);
    }
    if (from[0] == ';') {
        return scan_semicolon(scanner);
    }
    take(scanner, from[0] == ':' && from[1] == ':' ? 2 : 1);
    return NULL;
}

/* Check the LENGTH bytes of *TEXT. A NUL would silently end the statement, and
 * the database and clients expect UTF-8. A byte order mark is skipped. */
static at_error_t *check_encoding(const char **text, compiler_t *compiler,
                                  const char *path, apr_size_t length)
{
    scanner_t scanner = { compiler, path, *text, 1, 0 };
    const char *wrong = *text + strlen(*text), *problem = "a NUL byte";
    const uint8_t *bad = u8_check((const uint8_t *)*text, strlen(*text));

    if (bad) {
        wrong = (const char *)bad;
        problem = "text that is not UTF-8";
    }
    if (wrong < *text + length) {
        skip(&scanner, (apr_size_t)(wrong - *text));
        return complain(&scanner, apr_pstrcat(compiler->scratch, problem,
                                              "; save the file as UTF-8",
                                              (char *)NULL), NULL);
    }
    if (!strncmp(*text, "\xEF\xBB\xBF", 3)) {
        *text += 3;
    }
    return NULL;
}

/* Read the file PATH into *TEXT, in the scratch pool. */
static at_error_t *read_file(const char **text, compiler_t *compiler,
                             const char *path)
{
    apr_file_t *file;
    apr_finfo_t information;
    apr_size_t length;
    char *buffer, reason[120];
    apr_status_t status;

    APR_ARRAY_PUSH(compiler->statement->files, const char *) = path;
    status = apr_file_open(&file, path, APR_FOPEN_READ, APR_FPROT_OS_DEFAULT,
                           compiler->scratch);
    if (status != APR_SUCCESS) {
        return at_error_config(compiler->pool, "cannot open %s: %s", path,
                               apr_strerror(status, reason, sizeof(reason)));
    }
    status = apr_file_info_get(&information, APR_FINFO_SIZE, file);
    if (status == APR_SUCCESS && information.size <= FILE_SIZE) {
        length = (apr_size_t)information.size;
        buffer = apr_pcalloc(compiler->scratch, length + 1);
        status = apr_file_read_full(file, buffer, length, NULL);
        *text = buffer;
    }
    else if (status == APR_SUCCESS) {
        status = APR_ENOSPC;
    }
    apr_file_close(file);
    if (status != APR_SUCCESS) {
        return at_error_config(compiler->pool, "cannot read %s: %s", path,
                               apr_strerror(status, reason, sizeof(reason)));
    }
    return check_encoding(text, compiler, path,
                          (apr_size_t)information.size);
}

static at_error_t *scan_text(compiler_t *compiler, const char *path,
                             const char *text)
{
    scanner_t scanner = { compiler, path, text, 1, 0 };

    compiler->depth++;
    while (*scanner.from) {
        AT_TRY(scan_next(&scanner));
    }
    if (scanner.section_line) {
        scanner.line = scanner.section_line;
        return complain(&scanner, "a @wide or @documents that is not ended in "
                        "its file by -- @end", NULL);
    }
    compiler->depth--;
    return NULL;
}

/* Remove the blanks at the end: SQLite would take them for a second, empty
 * statement. */
static void trim(apr_array_header_t *text)
{
    while (text->nelts > 0
           && apr_isspace(APR_ARRAY_IDX(text, text->nelts - 1, char))) {
        text->nelts--;
    }
    APR_ARRAY_PUSH(text, char) = '\0';
}

/* FILE up to its last slash. */
static const char *folder_of(const char *file, apr_pool_t *pool)
{
    const char *slash = strrchr(file, '/');

    return slash ? apr_pstrmemdup(pool, file, (apr_size_t)(slash + 1 - file))
                 : "";
}

/* Start COMPILER and an empty statement. */
static void begin(compiler_t *compiler, const char *file)
{
    apr_pool_t *pool = compiler->pool;
    at_statement_t *statement = apr_pcalloc(pool, sizeof(*statement));

    compiler->statement = statement;
    compiler->within = folder_of(file, compiler->scratch);
    compiler->text = apr_array_make(compiler->scratch, 4096, sizeof(char));
    compiler->values = apr_array_make(pool, 64, sizeof(int));
    statement->file = find_file(compiler->folders, file, pool);
    statement->files = apr_array_make(pool, 4, sizeof(char *));
    statement->columns = apr_array_make(pool, 64, sizeof(char *));
    statement->uniques = apr_array_make(pool, 2, sizeof(at_unique_t));
    statement->limits = apr_array_make(pool, 1, sizeof(at_limit_t));
    statement->rereads = apr_array_make(pool, 1, sizeof(int));
}

at_error_t *at_sql_read(at_statement_t **statement,
                        const at_sql_folders_t *folders, const char *file,
                        at_sql_form_e form, const char *const *parameters,
                        apr_pool_t *result_pool, apr_pool_t *scratch_pool)
{
    compiler_t compiler = { result_pool, scratch_pool, folders, "", form,
                            parameters, NULL, NULL, NULL, 0, 0, 0,
                            AT_SQL_WHOLE, NULL };
    at_statement_t *read;
    const char *text;

    begin(&compiler, file);
    read = compiler.statement;
    AT_TRY(read_file(&text, &compiler, read->file));
    AT_TRY(scan_text(&compiler, read->file, text));
    AT_TRY(compiler.nested);
    trim(compiler.text);
    read->text = apr_pstrdup(result_pool, compiler.text->elts);
    read->value_count = compiler.values->nelts;
    read->values = (const int *)compiler.values->elts;
    if (!*read->text) {
        return at_error_config(result_pool, "%s:1: no statement in this "
                               "file%s", read->file, form == AT_SQL_WHOLE
                               ? "" : " outside of its @wide");
    }
    *statement = read;
    return NULL;
}

int at_sql_binds(const at_statement_t *statement, int parameter)
{
    int i;

    for (i = 0; i < statement->value_count; i++) {
        if (statement->values[i] == parameter) {
            return 1;
        }
    }
    return 0;
}

int at_sql_column(const at_statement_t *statement, const char *name)
{
    int i;

    for (i = 0; i < statement->columns->nelts; i++) {
        if (!strcmp(at_sql_column_name(statement, i), name)) {
            return i;
        }
    }
    return AT_SQL_NONE;
}

const char *at_sql_column_name(const at_statement_t *statement, int column)
{
    return APR_ARRAY_IDX(statement->columns, column, const char *);
}
