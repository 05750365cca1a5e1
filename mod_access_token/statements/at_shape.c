/* SPDX-License-Identifier: Apache-2.0 */
#include "at_shape.h"

#include <string.h>

#include <apr_cstr.h>
#include <apr_lib.h>
#include <apr_strings.h>

#include "at_field.h"

typedef enum {
    TOKEN_END,
    TOKEN_WORD,                  /* a keyword, or a name without quotes */
    TOKEN_NAME,                  /* a name in quotes, or a string */
    TOKEN_PARAMETER,
    TOKEN_OTHER                  /* one character */
} token_type_e;

/* Where a statement's text is read, and what is there. */
typedef struct {
    const at_statement_t *save;
    apr_pool_t *pool;
    const char *from;            /* what follows the token */
    int parameters;              /* how many were read */
    int depth;                   /* of parentheses */
    token_type_e type;
    const char *text;            /* of TOKEN_WORD and TOKEN_NAME, without
                                    quotes */
    char character;              /* of TOKEN_OTHER */
    int parameter;               /* of TOKEN_PARAMETER: its number */
} reader_t;

/* What is known of the UPDATE. */
typedef struct {
    const char *guard;           /* the column that is compared with :version;
                                    NULL if that is not to be seen */
    apr_array_header_t *raised;  /* const char *: columns set to a sum */
    const char **columns;        /* by field */
} update_t;

static at_error_t *complain(const reader_t *reader, const char *problem)
{
    return at_error_config(reader->pool, "%s: %s", reader->save->file,
                           problem);
}

static int is_word_character(char character)
{
    return apr_isalnum(character) || strchr("_$", character)
           || (unsigned char)character >= 0x80;
}

/* Read to the end of the quotes that FROM begins with. */
static void read_quoted(reader_t *reader, const char *from)
{
    const char *end = from + 1;

    while (*end && (*end != *from || end[1] == *from)) {
        end += *end == *from ? 2 : 1;
    }
    reader->type = TOKEN_NAME;
    reader->text = apr_pstrmemdup(reader->pool, from + 1,
                                  (apr_size_t)(end - from - 1));
    reader->from = *end ? end + 1 : end;
}

static void read_word(reader_t *reader, const char *from)
{
    const char *end = from;

    while (*end && is_word_character(*end)) {
        end++;
    }
    reader->type = TOKEN_WORD;
    reader->text = apr_pstrmemdup(reader->pool, from,
                                  (apr_size_t)(end - from));
    reader->from = end;
}

/* FROM without the blanks and hints that it begins with: a statement's text
 * has no other comments. */
static const char *skip_blanks(const char *from)
{
    while (apr_isspace(*from) || !strncmp(from, "/*", 2)) {
        from = *from == '/' ? strstr(from, "*/") + 2 : from + 1;
    }
    return from;
}

/* Read the next token. A % of the file is doubled in the text. */
static void next(reader_t *reader)
{
    const char *from = skip_blanks(reader->from);

    if (!*from) {
        reader->type = TOKEN_END;
        return;
    }
    if (!strncmp(from, "%s", 2)) {
        reader->type = TOKEN_PARAMETER;
        reader->parameter = reader->save->values[reader->parameters++];
        reader->from = from + 2;
        return;
    }
    if (strchr("'\"`", *from)) {
        read_quoted(reader, from);
        return;
    }
    if (is_word_character(*from)) {
        read_word(reader, from);
        return;
    }
    reader->type = TOKEN_OTHER;
    reader->character = *from;
    reader->from = from + (strncmp(from, "%%", 2) ? 1 : 2);
    reader->depth += (*from == '(') - (*from == ')');
}

static int is_word(const reader_t *reader, const char *word)
{
    return reader->type == TOKEN_WORD
           && !apr_cstr_casecmp(reader->text, word);
}

static int is_one_of(const reader_t *reader, const char *const *words)
{
    while (*words && !is_word(reader, *words)) {
        words++;
    }
    return *words != NULL;
}

static int is_character(const reader_t *reader, char character)
{
    return reader->type == TOKEN_OTHER && reader->character == character;
}

/* True if the token is a part of a name. */
static int is_name(const reader_t *reader)
{
    return reader->type == TOKEN_NAME
           || (reader->type == TOKEN_WORD && !apr_isdigit(*reader->text));
}

/* Read up to the table: WITH, UPDATE, and the words between. */
static at_error_t *read_start(reader_t *reader)
{
    static const char *const tolerant[] = { "IGNORE", "OR", NULL };

    next(reader);
    if (is_word(reader, "WITH")) {
        while (reader->type != TOKEN_END
               && (reader->depth > 0 || !is_word(reader, "UPDATE"))) {
            next(reader);
        }
    }
    if (!is_word(reader, "UPDATE")) {
        return complain(reader, "it must be one UPDATE: its number of rows "
                        "tells whether the guard held");
    }
    next(reader);
    if (is_word(reader, "LOW_PRIORITY")) {
        next(reader);
    }
    return !is_one_of(reader, tolerant) ? NULL
           : complain(reader, "without IGNORE and OR: where a unique key is "
                      "violated, the UPDATE must fail, or the client is not "
                      "told that another access token has the value");
}

/* Read the table up to SET. */
static at_error_t *read_table(reader_t *reader)
{
    static const char *const joins[] = { "JOIN", "STRAIGHT_JOIN", NULL };
    static const char *const hints[] = {
        "INDEX", "KEY", "PARTITION", "BY", NULL
    };
    int follows_hint = 0;

    while (reader->type != TOKEN_END
           && (reader->depth > 0 || !is_word(reader, "SET"))) {
        int opens = is_character(reader, '(') && !follows_hint;
        int separates = is_character(reader, ',') && reader->depth == 0;

        if (opens || separates || is_one_of(reader, joins)) {
            return complain(reader, "the UPDATE must name one table: one that "
                            "changes rows of several is committed, and then "
                            "the call fails because of their number. Change "
                            "the other tables in a trigger of this one");
        }
        follows_hint = is_one_of(reader, hints);
        next(reader);
    }
    return reader->type != TOKEN_END ? NULL
           : complain(reader, "the UPDATE has no SET");
}

/* The column is set to the field whose value is bound as PARAMETER. */
static void note_field(update_t *update, int parameter, const char *column)
{
    int index = parameter - AT_SAVE_FIELDS;

    if (column && index >= 0 && index % 2 == 1) {
        update->columns[index / 2] = column;
    }
}

/* True at the end of the list after SET. */
static int ends_list(const reader_t *reader)
{
    static const char *const ends[] = {
        "WHERE", "FROM", "ORDER", "LIMIT", "RETURNING", NULL
    };

    return reader->type == TOKEN_END
           || (reader->depth == 0 && is_one_of(reader, ends));
}

/* Read one assignment, to the comma after it. */
static void read_assignment(reader_t *reader, update_t *update)
{
    const char *column = NULL;
    int is_sum = 0;

    for (; !ends_list(reader) && !is_character(reader, '='); next(reader)) {
        column = is_name(reader) ? reader->text : column;
    }
    for (; !ends_list(reader); next(reader)) {
        if (is_character(reader, ',') && reader->depth == 0) {
            break;
        }
        is_sum |= is_character(reader, '+');
        if (reader->type == TOKEN_PARAMETER) {
            note_field(update, reader->parameter, column);
        }
    }
    if (is_sum && column) {
        APR_ARRAY_PUSH(update->raised, const char *) = column;
    }
}

static void read_assignments(reader_t *reader, update_t *update)
{
    do {
        next(reader);
        read_assignment(reader, update);
    } while (is_character(reader, ','));
}

/* Find in the condition the column that is on the other side of the = that
 * :version is next to. */
static void read_guard(reader_t *reader, update_t *update)
{
    const char *name = NULL, *left = NULL;  /* of this comparison */
    int compares = 0, follows_version = 0;

    for (; reader->type != TOKEN_END && !update->guard; next(reader)) {
        if (is_word(reader, "AND") || is_word(reader, "WHERE")) {
            name = NULL;
            compares = follows_version = 0;
        }
        else if (is_character(reader, '=')) {
            compares = 1;
            left = name;
        }
        else if (reader->type == TOKEN_PARAMETER) {
            follows_version = reader->parameter == AT_SAVE_VERSION;
            update->guard = follows_version && compares ? left : NULL;
        }
        else if (is_name(reader)) {
            name = reader->text;
            update->guard = follows_version && compares ? name : NULL;
        }
    }
}

static int raises_guard(const update_t *update)
{
    int i;

    for (i = 0; update->guard && i < update->raised->nelts; i++) {
        if (!apr_cstr_casecmp(APR_ARRAY_IDX(update->raised, i, const char *),
                              update->guard)) {
            return 1;
        }
    }
    return 0;
}

at_error_t *at_shape_check(at_statement_t *save, apr_pool_t *pool)
{
    reader_t reader = { save, pool, save->text, 0, 0, TOKEN_END, "", '\0',
                        AT_SQL_NONE };
    update_t update = { NULL, apr_array_make(pool, 4, sizeof(char *)), NULL };

    update.columns = apr_pcalloc(pool, sizeof(char *)
                                       * (apr_size_t)at_field_count());
    AT_TRY(read_start(&reader));
    AT_TRY(read_table(&reader));
    read_assignments(&reader, &update);
    read_guard(&reader, &update);
    if (!save->is_raised_by_trigger && !raises_guard(&update)) {
        return complain(&reader, apr_psprintf(pool, "the UPDATE must raise "
            "the version that it compares with :version, as in SET %s = %s + "
            "1: else If-Match and calls at the same time overwrite each "
            "other. If a trigger raises it, say so: -- @raises-version by "
            "trigger", update.guard ? update.guard : "version",
            update.guard ? update.guard : "version"));
    }
    save->set_columns = update.columns;
    return NULL;
}
