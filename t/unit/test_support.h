/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the unit tests share. A program is test_begin, a tcase_add_test for
 * each test, test_end. Each test has the pool `pool`.
 */
#ifndef TEST_SUPPORT_H
#define TEST_SUPPORT_H

#include <check.h>

#include <apr_pools.h>
#include <apr_strings.h>
#include <apr_tables.h>

#include "at_error.h"
#include "at_json.h"
#include "at_plan.h"
#include "at_statements.h"

/** The pool of the test that runs. */
extern apr_pool_t *pool;

/** Begin the program NAME. */
TCase *test_begin(const char *name);

/** Run TESTS and print TAP. Returns the program's exit status. */
int test_end(TCase *tests);

/** The path of FILE in the source tree. */
const char *test_source(const char *file);

/** This program's own folder, which test_end removes. */
const char *test_folder(void);

/** Write the LENGTH bytes of TEXT to FILE in the program's folder, or in
 *  folders within that: FOLDER/FILE. */
void test_write_bytes(const char *file, const char *text, apr_size_t length);

/** Write TEXT to FILE in the program's folder. */
void test_write(const char *file, const char *text);

/** Remove the folder INNER of the program's folder, with all that is in it. */
void test_remove(const char *inner);

/** The content of the file at PATH. */
const char *test_read(const char *path);

/** TEXT with its first OLD replaced by NEW; OLD must be there. */
const char *test_replace(const char *text, const char *old, const char *new);

/** The detail of ERROR, which must have one, or NULL for NULL. */
const char *test_detail(const at_error_t *error);

/** The shipped statements of SQLite that read all by joins; not to be
 *  changed. */
const at_statements_t *test_statements(void);

/** The shipped statements with lookups and documents, the default. */
const at_statements_t *test_lookup_statements(void);

/** The column NAME of PLAN, of the load or of a lookup as `@lookup`, or of a
 *  document; it must exist. */
int test_column(const at_plan_t *plan, const char *name);

/** A statement with the columns of LIST, which blanks separate. */
at_statement_t *test_statement_of(const char *list);

/** The plan of such a statement, which must be right. */
at_plan_t *test_plan_of(const char *list);

/**
 * Lookups (at_lookup_t) with the columns of LIST: "NAME COLUMN ...", with
 * bars between them; "NAME:PARAMETER COLUMN ..." has a parameter besides the
 * key.
 */
apr_array_header_t *test_lookups_of(const char *list);

/** As test_plan_of, where there are LOOKUPS, a list as test_lookups_of's. */
at_plan_t *test_plan_with(const char *list, const char *lookups);

/** The value of TEXT, which must be JSON as the core takes it. */
at_json_t *test_json(const char *text);

/** VALUE as text, with the members of each object sorted by name. */
const char *test_sorted(const at_json_t *value);

/** VIOLATIONS in one line: "TOO_LONG /identifier, MANDATORY /pass_code". */
const char *test_violations(const apr_array_header_t *violations);

/** ERROR in one line: "OK", its code, or its code and its violations. */
const char *test_error(const at_error_t *error);

/**
 * A row of PLAN. All columns are NULL except those that follow: names of
 * columns (test_column) and their values, NULL at the end.
 */
at_row_t *test_row(const at_plan_t *plan, ...);

/** Set COLUMN in ROW to VALUE. */
void test_row_set(at_row_t *row, const char *column, const char *value);

/**
 * COUNT, or a part of it if a test runs under valgrind, which is slow. It does
 * so if there are no forks (CK_FORK=no).
 */
int test_rounds(int count);

/** The next number of a sequence that is the same in every run. */
apr_uint64_t test_random(apr_uint64_t *state);

/** As ck_assert_msg, but in loops: Check reports each of those it passes. */
#define expect(condition, ...)           \
    do {                                 \
        if (!(condition)) {              \
            ck_abort_msg(__VA_ARGS__);   \
        }                                \
    } while (0)

/** True if HAYSTACK has NEEDLE in it. */
#define has(haystack, needle) (strstr((haystack), (needle)) != NULL)

#endif /* TEST_SUPPORT_H */
