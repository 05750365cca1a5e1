/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Statement files: ordinary SQL with named parameters (design, idea 3).
 *
 *   :name                   a parameter, any number of times
 *   AS 'name'               a result column; its name says where it goes; it
 *                           has no backslash, no quote like those around it
 *                           and no control character
 *   -- @include FILE        the text of FILE, from the same folder
 *   -- @wide ... -- @end    what stands between the two lines, in one file,
 *                           is left out of the narrow form of a load
 *                           statement, and so is what is included there,
 *                           which has no @wide of its own
 *   -- @unique KEY FIELD    a violation of the unique key KEY, as the
 *                           database's message names it (SQLite: its
 *                           columns, parted by commas without blanks),
 *                           means that the value of FIELD is taken; or
 *                           that a call with this idempotency_key has been
 *                           saved; or that the history has this version
 *
 * The text is UTF-8. Strings, quoted names and comments are no place for
 * parameters. What two databases would read in two ways is refused: a
 * backslash before a quote in a string, `--` without a blank behind it,
 * executable comments.
 */
#ifndef AT_SQL_H
#define AT_SQL_H

#include <apr_pools.h>
#include <apr_tables.h>

/** A unique key and the field whose value is taken when it is violated. */
typedef struct at_unique_t {
    const char *key;
    const char *field;
} at_unique_t;

typedef struct at_statement_t {
    const char *file;         /* its path, for messages */
    apr_array_header_t *files; /* const char *: that, and those included */
    const char *text;         /* for apr_dbd_prepare: %s for each value */
    int value_count;          /* how many values are bound */
    const int *values;        /* for each: the number of its parameter */
    apr_array_header_t *columns; /* const char *: names behind AS */
    apr_array_header_t *uniques; /* at_unique_t */
    int has_wide;             /* there is a @wide in it */
} at_statement_t;

/** Where statement files are. */
typedef struct at_sql_folders_t {
    const char *folder;
    const char *base;         /* has those that FOLDER has not; or NULL */
} at_sql_folders_t;

/** What a statement is made of. */
typedef enum {
    AT_SQL_WHOLE,             /* the whole file */
    AT_SQL_NARROW             /* without what stands between @wide and @end */
} at_sql_form_e;

/**
 * Read the statement in FILE of FOLDERS, in FORM, into *STATEMENT. PARAMETERS
 * names the parameters that it may use, NULL at the end; the number of a
 * parameter is its place in it. Everything made lives in POOL. Returns
 * NULL, or what is wrong, with file and line.
 */
const char *at_sql_read(at_statement_t **statement,
                        const at_sql_folders_t *folders, const char *file,
                        at_sql_form_e form, const char *const *parameters,
                        apr_pool_t *pool);

/** True if STATEMENT binds parameter number PARAMETER at least once. */
int at_sql_binds(const at_statement_t *statement, int parameter);

#endif /* AT_SQL_H */
