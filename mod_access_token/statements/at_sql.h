/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Statement files: ordinary SQL with named parameters (design, idea 3).
 *
 *   :name                   a parameter, any number of times
 *   AS 'name'               a result column. Its name says where its value
 *                           goes. It contains no backslash, no quote like
 *                           those around it and no control character.
 *   -- @include FILE        the text of FILE, which is in the same folder
 *   -- @wide ... -- @end    enclose SQL that is skipped when fields_set asks
 *                           for none of it: the narrow form of a load
 *                           statement is without it. Both lines are in one
 *                           file. A file that is included between them has
 *                           neither @wide nor @documents.
 *   -- @documents ... -- @end  enclose SQL that is only in the documents form
 *                           of a load statement, which is without the SQL of
 *                           @wide.
 *   -- @unique KEY FIELD    The database reports a violation of the unique key
 *                           KEY, with the name in its message (for SQLite: the
 *                           columns, separated by commas without blanks). If
 *                           FIELD is a field, another access token has its
 *                           value. If it is idempotency_key, a request with
 *                           this key has been saved; if it is version, the
 *                           history already has this version.
 *   -- @raises-version by trigger  in save.sql: a trigger raises the version
 *   -- @reread FIELD ...     in save.sql: the database may store something else
 *                           than was sent, so the reply to a call that sets one
 *                           of these fields shows the row read again
 *   -- @max FIELD NUMBER    in save.sql: the column of FIELD has room for
 *                           NUMBER characters only
 *
 * A file is UTF-8. In strings, quoted names and comments there are no
 * parameters. SQL that two databases would read differently is refused: a
 * backslash before a quote in a string, `--` without a blank after it, and
 * executable comments.
 */
#ifndef AT_SQL_H
#define AT_SQL_H

#include <apr_pools.h>
#include <apr_tables.h>

#include "at_error.h"

/** A unique key, and what its violation means. */
typedef struct at_unique_t {
    const char *key;
    const char *field;        /* FIELD of @unique */
} at_unique_t;

/** What @max says. */
typedef struct at_limit_t {
    int field;                /* an index of at_field.h */
    apr_size_t characters;
} at_limit_t;

typedef struct at_statement_t {
    const char *file;         /* its path, for messages */
    apr_array_header_t *files; /* const char *: FILE and those it includes */
    const char *text;         /* for apr_dbd_prepare: %s for each value */
    int value_count;          /* how many values are bound */
    const int *values;        /* for each, the number of its parameter */
    apr_array_header_t *columns; /* const char *: the names after AS */
    apr_array_header_t *uniques; /* at_unique_t */
    apr_array_header_t *limits; /* at_limit_t */
    apr_array_header_t *rereads; /* int: the fields of @reread, by index of
                                 at_field.h */
    const char **set_columns; /* of save.sql, by field: the name of the column
                                 that is set to it; NULL: none, or it is
                                 unclear. NULL for other statements */
    int has_wide;             /* true if its files contain a @wide */
    int has_documents;        /* true if its files contain a @documents */
    int is_raised_by_trigger; /* true if its files contain a @raises-version */
} at_statement_t;

/** The folders of statement files. */
typedef struct at_sql_folders_t {
    const char *folder;
    const char *base;         /* for the files that FOLDER lacks; or NULL */
} at_sql_folders_t;

/** The form of a statement. */
typedef enum {
    AT_SQL_WHOLE,             /* with @wide, without @documents */
    AT_SQL_NARROW,            /* without either */
    AT_SQL_DOCUMENTS,         /* with @documents, without @wide */
    AT_SQL_FORMS
} at_sql_form_e;

/**
 * Read the statement in FILE of FOLDERS, in FORM, into *STATEMENT. PARAMETERS
 * names the parameters that it may use and ends with NULL; the number of a
 * parameter is its index there.
 *
 * *STATEMENT and all that it holds is made in RESULT_POOL, and so is an error;
 * it keeps nothing of FOLDERS, FILE and PARAMETERS. The texts of files are in
 * SCRATCH_POOL. The detail of an error says what is wrong, with file and line;
 * then *STATEMENT must not be used.
 */
at_error_t *at_sql_read(at_statement_t **statement,
                        const at_sql_folders_t *folders, const char *file,
                        at_sql_form_e form, const char *const *parameters,
                        apr_pool_t *result_pool,
                        apr_pool_t *scratch_pool) AT_MUST_CHECK;

/** True if FILE is in one of FOLDERS. POOL is used meanwhile. */
int at_sql_exists(const at_sql_folders_t *folders, const char *file,
                  apr_pool_t *pool);

/** True if STATEMENT binds parameter number PARAMETER at least once. */
int at_sql_binds(const at_statement_t *statement, int parameter);

/** No column. */
#define AT_SQL_NONE (-1)

/** The number of the column NAME of STATEMENT; AT_SQL_NONE if it has none. */
int at_sql_column(const at_statement_t *statement, const char *name);

/** The name of column number COLUMN of STATEMENT. */
const char *at_sql_column_name(const at_statement_t *statement, int column);

#endif /* AT_SQL_H */
