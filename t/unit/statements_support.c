/* SPDX-License-Identifier: Apache-2.0 */
#include "statements_support.h"

#include <string.h>

const char *shipped(const char *file)
{
    return test_read(test_source(apr_pstrcat(
        pool, "sql/sqlite3/statements/", file, (char *)NULL)));
}

at_statements_t *read_shipped(const char *engine, const char *folder)
{
    at_statements_t *statements;
    const char *of_engine = test_source(apr_pstrcat(pool, "sql/", engine, "/",
                                                    (char *)NULL));
    const char *base = apr_pstrcat(pool, of_engine, "statements",
                                   (char *)NULL);
    const char *problem = test_detail(
        at_folder_read(&statements,
                       apr_pstrcat(pool, of_engine, folder, (char *)NULL),
                       strcmp(folder, "statements") ? base : NULL, pool,
                       pool));

    ck_assert_msg(!problem, "%s", problem);
    return statements;
}

const shipped_folder_t all_shipped[SHIPPED_FOLDERS] = {
    { "sqlite3", "statements" }, { "sqlite3", "statements-joined" },
    { "sqlite3", "statements-without-documents" },
    { "mysql", "statements" }, { "mysql", "statements-joined" },
    { "mysql", "statements-without-documents" }
};

void put(const char *file, const char *text)
{
    test_write(apr_pstrcat(pool, "own/", file, (char *)NULL), text);
}

void begin_own(void)
{
    test_remove("own");
    put("unused.sql", "");
}

const char *own_folder(void)
{
    return apr_pstrcat(pool, test_folder(), "/own", (char *)NULL);
}

const char *read_own(at_statements_t **statements)
{
    return test_detail(
        at_folder_read(statements, own_folder(),
                       test_source("sql/sqlite3/statements"), pool, pool));
}

at_statements_t *read_right(void)
{
    at_statements_t *statements;
    const char *problem = read_own(&statements);

    ck_assert_msg(!problem, "%s", problem);
    return statements;
}

const char *select_with(const char *columns)
{
    return test_replace(shipped("load_select.sql"), "-- @wide\n",
                        apr_pstrcat(pool, columns, "\n-- @wide\n",
                                    (char *)NULL));
}
