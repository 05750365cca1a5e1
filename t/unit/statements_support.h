/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the unit tests of folders of statements share: the shipped folders, and
 * a folder of the test's own, which has a shipped one as its base.
 */
#ifndef STATEMENTS_SUPPORT_H
#define STATEMENTS_SUPPORT_H

#include "test_support.h"

#include "at_folder.h"

/** The number of elements of ARRAY. */
#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* ---- the shipped folders */

typedef struct {
    const char *engine, *folder;
} shipped_folder_t;

#define SHIPPED_FOLDERS 6

/** Each folder that is shipped, as read_shipped takes it. */
extern const shipped_folder_t all_shipped[SHIPPED_FOLDERS];

/** The text of FILE in SQLite's shipped folder "statements". */
const char *shipped(const char *file);

/** The statements of ENGINE's shipped FOLDER, which must be right. The base of
 *  a folder other than "statements" is "statements". */
at_statements_t *read_shipped(const char *engine, const char *folder);

/* ---- a folder of the test's own; its base is SQLite's "statements" */

/** Empty the folder: another test may have left files in it. */
void begin_own(void);

/** Write TEXT to FILE in the folder. */
void put(const char *file, const char *text);

/** The folder's path. */
const char *own_folder(void);

/** Read the folder. Returns what is wrong in it; NULL if nothing is. */
const char *read_own(at_statements_t **statements);

/** The folder's statements, which must be right. */
at_statements_t *read_right(void);

/** The shipped load_select.sql with COLUMNS, such as ", 1 AS 'a'", as its last
 *  that are not wide. */
const char *select_with(const char *columns);

#endif /* STATEMENTS_SUPPORT_H */
