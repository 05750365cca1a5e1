/* SPDX-License-Identifier: Apache-2.0 */
#include "at_sql.h"

#include <string.h>

#include <apr_file_io.h>
#include <apr_lib.h>
#include <apr_strings.h>
#include <unistr.h>

#include "at_text.h"

/* Files within files; more than this is a circle. */
#define INCLUDE_DEPTH 4

/* A statement file is a few KB; what is larger is not one. */
#define FILE_SIZE (1024 * 1024)

/* What is gathered from a statement and the files that it includes. */
typedef struct {
    apr_pool_t *pool;
    const at_sql_folders_t *folders;
    const char *within;          /* the file's own folder in these, with its
                                    slash, or "" */
    at_sql_form_e form;
    const char *const *parameters;
    at_statement_t *statement;
    apr_array_header_t *text;    /* char */
    apr_array_header_t *values;  /* int */
    int ended;                   /* a semicolon was seen */
    int depth;
    int wide;                    /* how many @wide wait for their @end */
    const char *nested;          /* what is wrong if all of them get it: a
                                    @wide in a file that is included between
                                    those of another; or NULL */
} compiler_t;

/* The place in one file. */
typedef struct {
    compiler_t *compiler;
    const char *path;
    const char *from;            /* what comes next */
    int line;
    int wide_line;               /* that of its @wide that waits for its
                                    @end, or 0 */
} scanner_t;

static const char *read_file(const char **text, compiler_t *compiler,
                             const char *path);
static const char *scan_text(compiler_t *compiler, const char *path,
                             const char *text);

static const char *complain(const scanner_t *scanner, const char *problem,
                            const char *name)
{
    return apr_psprintf(scanner->compiler->pool, "%s:%d: %s%s%s%s",
                        scanner->path, scanner->line, problem,
                        name ? " \"" : "", name ? name : "",
                        name ? "\"" : "");
}

/* True if what comes now is not part of the statement's form. */
static int is_left_out(const compiler_t *compiler)
{
    return compiler->wide && compiler->form == AT_SQL_NARROW;
}

/* Every % is doubled, since apr_dbd_prepare reads formats everywhere. */
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

/* Pass LENGTH characters on into the statement. */
static void take(scanner_t *scanner, apr_size_t length)
{
    for (; length > 0 && *scanner->from; length--, scanner->from++) {
        scanner->line += *scanner->from == '\n';
        emit(scanner->compiler, *scanner->from);
    }
}

/* Pass over LENGTH characters. */
static void skip(scanner_t *scanner, apr_size_t length)
{
    for (; length > 0 && *scanner->from; length--, scanner->from++) {
        scanner->line += *scanner->from == '\n';
    }
}

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

/* Take NAME as that of a result column. It is one in the reply and in
 * messages as well, so it must be the same everywhere. */
static const char *add_column(scanner_t *scanner, const char *name,
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

/* A string or a quoted name; behind AS it names a result column. */
static const char *scan_quoted(scanner_t *scanner)
{
    compiler_t *compiler = scanner->compiler;
    const char quote = *scanner->from, *problem = NULL;
    const char *end = scanner->from + 1;

    for (;; end++) {
        if (*end == '\0') {
            return complain(scanner, "a quote that is not closed", NULL);
        }
        if (*end == '\\' && end[1] == quote) {
            return complain(scanner, "a backslash before a quote, which "
                            "databases read in two ways; double the quote "
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
        problem = add_column(scanner,
                             apr_pstrmemdup(compiler->pool, scanner->from + 1,
                                            (apr_size_t)(end - scanner->from
                                                         - 1)), quote);
    }
    take(scanner, (apr_size_t)(end - scanner->from) + 1);
    return problem;
}

/* ":a, :b and :c", of the parameters that the statement may use. */
static const char *list_parameters(const compiler_t *compiler)
{
    const char *list = "";
    int i;

    for (i = 0; compiler->parameters[i]; i++) {
        list = apr_pstrcat(compiler->pool, list, i ? ", :" : ":",
                           compiler->parameters[i], (char *)NULL);
    }
    return i ? list : "none";
}

static const char *scan_parameter(scanner_t *scanner)
{
    compiler_t *compiler = scanner->compiler;
    apr_size_t length = name_length(scanner->from + 1);
    const char *name = apr_pstrmemdup(compiler->pool, scanner->from,
                                      length + 1);
    int i;

    for (i = 0; compiler->parameters[i]; i++) {
        if (!strcmp(compiler->parameters[i], name + 1)) {
            break;
        }
    }
    if (!compiler->parameters[i]) {
        return complain(scanner, apr_psprintf(compiler->pool,
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

/* A key that stands for two fields would be told as the first. */
static const char *check_unique(const scanner_t *scanner, const char *key,
                                const char *field)
{
    const apr_array_header_t *uniques = scanner->compiler->statement->uniques;
    int i;

    for (i = 0; i < uniques->nelts; i++) {
        const at_unique_t *other = &APR_ARRAY_IDX(uniques, i, at_unique_t);

        if (!strcmp(other->key, key) && strcmp(other->field, field)) {
            return complain(scanner, "a @unique before this one has another "
                            "field for the key", key);
        }
    }
    return NULL;
}

/* `-- @unique KEY FIELD` */
static const char *scan_unique(scanner_t *scanner, char *arguments)
{
    at_unique_t *unique;
    const char *problem;
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
    problem = check_unique(scanner, key, field);
    if (problem) {
        return problem;
    }
    unique = apr_array_push(scanner->compiler->statement->uniques);
    unique->key = key;
    unique->field = field;
    return NULL;
}

/* FILE in the folder, or else in the one that has the rest. */
static const char *find_file(const compiler_t *compiler, const char *file)
{
    const char *path = apr_pstrcat(compiler->pool, compiler->folders->folder,
                                   "/", file, (char *)NULL);
    apr_finfo_t information;

    if (!compiler->folders->base
        || !APR_STATUS_IS_ENOENT(apr_stat(&information, path, APR_FINFO_TYPE,
                                          compiler->pool))) {
        return path;
    }
    return apr_pstrcat(compiler->pool, compiler->folders->base, "/", file,
                       (char *)NULL);
}

/* `-- @include FILE` */
static const char *scan_include(scanner_t *scanner, char *arguments)
{
    compiler_t *compiler = scanner->compiler;
    const char *path, *problem, *text;
    char *state, *file;

    file = apr_strtok(arguments, " \t\r", &state);
    if (!file || apr_strtok(NULL, " \t\r", &state) || strchr(file, '/')) {
        return complain(scanner, "write -- @include FILE, with the name "
                        "of a file in the same folder", NULL);
    }
    if (compiler->depth == INCLUDE_DEPTH) {
        return complain(scanner, "files include each other too deep at",
                        file);
    }
    path = find_file(compiler, apr_pstrcat(compiler->pool, compiler->within,
                                           file, (char *)NULL));
    problem = read_file(&text, compiler, path);
    return problem ? complain(scanner, problem, NULL)
                   : scan_text(compiler, path, text);
}

/* `-- @wide` and `-- @end`, if WIDE or not. One within that of a file that
 * includes this may be there for want of that file's @end, which is told
 * rather. */
static const char *scan_wide(scanner_t *scanner, int wide,
                             const char *arguments)
{
    compiler_t *compiler = scanner->compiler;

    if (arguments[strspn(arguments, " \t\r")]) {
        return complain(scanner, "write -- @wide and -- @end, with nothing "
                        "behind them", NULL);
    }
    if (wide && compiler->wide) {
        const char *problem = complain(scanner, "a @wide within a @wide; end "
                                       "that by -- @end", NULL);

        if (scanner->wide_line) {
            return problem;
        }
        compiler->nested = problem;
    }
    if (!wide && !scanner->wide_line) {
        return complain(scanner, "an @end without a -- @wide before it in "
                        "its file", NULL);
    }
    compiler->wide += wide ? 1 : -1;
    scanner->wide_line = wide ? scanner->line : 0;
    compiler->statement->has_wide = 1;
    return NULL;
}

/* True if COMMENT is ANNOTATION, whatever stands behind it. */
static int is_annotation(const char *comment, const char *annotation)
{
    apr_size_t length = strlen(annotation);

    return !strncmp(comment, annotation, length)
           && !apr_isalnum(comment[length]);
}

/* A comment to the end of the line, which may be an annotation. */
static const char *scan_line_comment(scanner_t *scanner)
{
    compiler_t *compiler = scanner->compiler;
    apr_size_t length = strcspn(scanner->from, "\n");
    char *comment = apr_pstrmemdup(compiler->pool, scanner->from, length);
    const char *problem = NULL;

    if (!strncmp(comment, "-- @unique ", 11)) {
        problem = scan_unique(scanner, comment + 11);
    }
    else if (!strncmp(comment, "-- @include ", 12)) {
        problem = scan_include(scanner, comment + 12);
    }
    else if (is_annotation(comment, "-- @wide")) {
        problem = scan_wide(scanner, 1, comment + 8);
    }
    else if (is_annotation(comment, "-- @end")) {
        problem = scan_wide(scanner, 0, comment + 7);
    }
    else if (!strncmp(comment, "-- @", 4)) {
        problem = complain(scanner, "annotations are @include, @unique, "
                           "@wide and @end, not", comment + 3);
    }
    skip(scanner, length);
    return problem;
}

static const char *scan_block_comment(scanner_t *scanner)
{
    const char *end = strstr(scanner->from + 2, "*/");

    if (!end) {
        return complain(scanner, "a comment that is not closed", NULL);
    }
    if (scanner->from[2] == '!' || !strncmp(scanner->from + 2, "M!", 2)) {
        return complain(scanner, "an executable comment, which databases "
                        "read in two ways", NULL);
    }
    if (scanner->from[2] == '+') {       /* an optimizer's hint */
        take(scanner, (apr_size_t)(end + 2 - scanner->from));
        return NULL;
    }
    skip(scanner, (apr_size_t)(end + 2 - scanner->from));
    emit(scanner->compiler, ' ');
    return NULL;
}

static const char *scan_semicolon(scanner_t *scanner)
{
    scanner->compiler->ended = 1;
    skip(scanner, 1);
    return NULL;
}

/* Take what comes next: one construct, or one character. */
static const char *scan_next(scanner_t *scanner)
{
    const char *from = scanner->from;

    if (from[0] == '#' || (from[0] == '-' && from[1] == '-')) {
        if (from[0] == '-' && from[2] && !apr_isspace(from[2])) {
            return complain(scanner, "-- without a blank behind it, which "
                            "databases read in two ways", NULL);
        }
        return scan_line_comment(scanner);
    }
    if (from[0] == '/' && from[1] == '*') {
        return scan_block_comment(scanner);
    }
    if (scanner->compiler->ended && !apr_isspace(from[0])) {
        return complain(scanner, "text behind the semicolon: one statement "
                        "a file", NULL);
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

/* A NUL would end the statement in silence; the database, and who reads the
 * reply, take the text to be UTF-8. A byte order mark is skipped. */
static const char *check_encoding(const char **text, compiler_t *compiler,
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
        return complain(&scanner, apr_pstrcat(compiler->pool, problem,
                                              "; save the file as UTF-8",
                                              (char *)NULL), NULL);
    }
    if (!strncmp(*text, "\xEF\xBB\xBF", 3)) {
        *text += 3;
    }
    return NULL;
}

static const char *read_file(const char **text, compiler_t *compiler,
                             const char *path)
{
    apr_file_t *file;
    apr_finfo_t information;
    apr_size_t length;
    char *buffer, reason[120];
    apr_status_t status;

    APR_ARRAY_PUSH(compiler->statement->files, const char *) = path;
    status = apr_file_open(&file, path, APR_FOPEN_READ, APR_FPROT_OS_DEFAULT,
                           compiler->pool);
    if (status != APR_SUCCESS) {
        return apr_psprintf(compiler->pool, "cannot open %s: %s", path,
                            apr_strerror(status, reason, sizeof(reason)));
    }
    status = apr_file_info_get(&information, APR_FINFO_SIZE, file);
    if (status == APR_SUCCESS && information.size <= FILE_SIZE) {
        length = (apr_size_t)information.size;
        buffer = apr_pcalloc(compiler->pool, length + 1);
        status = apr_file_read_full(file, buffer, length, NULL);
        *text = buffer;
    }
    else if (status == APR_SUCCESS) {
        status = APR_ENOSPC;
    }
    apr_file_close(file);
    if (status != APR_SUCCESS) {
        return apr_psprintf(compiler->pool, "cannot read %s: %s", path,
                            apr_strerror(status, reason, sizeof(reason)));
    }
    return check_encoding(text, compiler, path,
                          (apr_size_t)information.size);
}

static const char *scan_text(compiler_t *compiler, const char *path,
                             const char *text)
{
    scanner_t scanner = { compiler, path, text, 1, 0 };
    const char *problem = NULL;

    compiler->depth++;
    while (!problem && *scanner.from) {
        problem = scan_next(&scanner);
    }
    if (!problem && scanner.wide_line) {
        scanner.line = scanner.wide_line;
        problem = complain(&scanner, "a @wide that is not ended in its file "
                           "by -- @end", NULL);
    }
    compiler->depth--;
    return problem;
}

/* Blanks behind a statement make SQLite see a second, empty one. */
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

const char *at_sql_read(at_statement_t **statement,
                        const at_sql_folders_t *folders, const char *file,
                        at_sql_form_e form, const char *const *parameters,
                        apr_pool_t *pool)
{
    compiler_t compiler = { pool, folders, "", form, parameters, NULL, NULL,
                            NULL, 0, 0, 0, NULL };
    const char *problem, *text = "";

    *statement = apr_pcalloc(pool, sizeof(**statement));
    compiler.statement = *statement;
    compiler.within = folder_of(file, pool);
    compiler.text = apr_array_make(pool, 4096, sizeof(char));
    compiler.values = apr_array_make(pool, 64, sizeof(int));
    (*statement)->file = find_file(&compiler, file);
    (*statement)->files = apr_array_make(pool, 4, sizeof(char *));
    (*statement)->columns = apr_array_make(pool, 64, sizeof(char *));
    (*statement)->uniques = apr_array_make(pool, 2, sizeof(at_unique_t));
    problem = read_file(&text, &compiler, (*statement)->file);
    if (!problem) {
        problem = scan_text(&compiler, (*statement)->file, text);
    }
    if (problem || compiler.nested) {
        return problem ? problem : compiler.nested;
    }
    trim(compiler.text);
    (*statement)->text = compiler.text->elts;
    (*statement)->value_count = compiler.values->nelts;
    (*statement)->values = (const int *)compiler.values->elts;
    if (!*(*statement)->text) {
        return apr_psprintf(pool, "%s:1: no statement in this file%s",
                            (*statement)->file, form == AT_SQL_NARROW
                            ? " outside of its @wide" : "");
    }
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
