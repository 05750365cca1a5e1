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

        if (is_word(reader, "FOR")) {      /* USE INDEX FOR JOIN (a) */
            next(reader);
            next(reader);
            continue;
        }
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

    if (column && index >= 0 && index % 2 == 1
        && !update->columns[index / 2]) {
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
    int is_sum = 0, is_list = 0;

    for (; !ends_list(reader) && !is_character(reader, '='); next(reader)) {
        column = is_name(reader) ? reader->text : column;
        is_list |= is_character(reader, '(');
    }
    column = is_list ? NULL : column;
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

/* One comparison of the condition, between two AND or OR. */
typedef struct {
    apr_array_header_t *names;   /* const char *: all its words and names */
    int has_version;             /* :version is in it */
    int is_equality;             /* it has =, <=> or IS */
    char before;                 /* the last character that was read; a blank
                                    for a word, a name or a parameter */
} comparison_t;

static void begin_comparison(comparison_t *comparison)
{
    comparison->names->nelts = 0;
    comparison->has_version = comparison->is_equality = 0;
    comparison->before = ' ';
}

/* Take the token into COMPARISON. */
static void take_token(comparison_t *comparison, const reader_t *reader)
{
    char before = comparison->before;

    comparison->before = ' ';
    if (reader->type == TOKEN_OTHER) {
        comparison->before = reader->character;
        /* <= becomes <=> at the next character. */
        comparison->is_equality |= (reader->character == '='
                                    && !strchr("<>!", before))
                                   || (reader->character == '>'
                                       && before == '=');
    }
    else if (reader->type == TOKEN_PARAMETER) {
        comparison->has_version |= reader->parameter == AT_SAVE_VERSION;
    }
    else if (is_name(reader)) {
        comparison->is_equality |= is_word(reader, "IS");
        APR_ARRAY_PUSH(comparison->names, const char *) = reader->text;
    }
}

/* True if one of NAMES is a column that is set to a sum. *FIRST becomes the
 * first of NAMES, for a message. */
static int is_raised(const char **first, const apr_array_header_t *names,
                     const apr_array_header_t *raised)
{
    int i, k;

    if (names->nelts > 0) {
        *first = APR_ARRAY_IDX(names, 0, const char *);
    }
    for (i = 0; i < names->nelts; i++) {
        const char *name = APR_ARRAY_IDX(names, i, const char *);

        for (k = 0; k < raised->nelts; k++) {
            if (!apr_cstr_casecmp(APR_ARRAY_IDX(raised, k, const char *),
                                  name)) {
                return 1;
            }
        }
    }
    return 0;
}

/* Read the condition. True if it compares :version with a column that is set
 * to a sum. What is around that column, such as a CAST or the table, has other
 * names. *GUARD becomes a name for a message. */
static int read_guard(reader_t *reader, const update_t *update,
                      const char **guard)
{
    comparison_t comparison = {
        apr_array_make(reader->pool, 4, sizeof(char *)), 0, 0, ' '
    };
    static const char *const ends[] = { "AND", "OR", "WHERE", NULL };
    int found = 0;

    do {
        next(reader);
        if (reader->type == TOKEN_END || is_one_of(reader, ends)) {
            found |= comparison.has_version && comparison.is_equality
                     && is_raised(guard, comparison.names, update->raised);
            begin_comparison(&comparison);
        }
        else {
            take_token(&comparison, reader);
        }
    } while (reader->type != TOKEN_END);
    return found;
}

at_error_t *at_shape_check(at_statement_t *save, apr_pool_t *pool)
{
    reader_t reader = { save, pool, save->text, 0, 0, TOKEN_END, "", '\0',
                        AT_SQL_NONE };
    update_t update = { apr_array_make(pool, 4, sizeof(char *)), NULL };
    const char *guard = "version";
    int is_guarded;

    update.columns = apr_pcalloc(pool, sizeof(char *)
                                       * (apr_size_t)at_field_count());
    AT_TRY(read_start(&reader));
    AT_TRY(read_table(&reader));
    read_assignments(&reader, &update);
    is_guarded = read_guard(&reader, &update, &guard);
    if (!save->is_raised_by_trigger && !is_guarded) {
        return complain(&reader, apr_psprintf(pool, "the UPDATE must raise "
            "the version that it compares with :version, as in SET %s = %s + "
            "1: else If-Match and calls at the same time overwrite each "
            "other. If a trigger raises it, say so: -- @raises-version by "
            "trigger", guard, guard));
    }
    save->set_columns = update.columns;
    return NULL;
}
