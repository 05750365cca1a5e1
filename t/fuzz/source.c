/* SPDX-License-Identifier: Apache-2.0 */
#include "fuzz.h"

#include <apr_general.h>
#include <apr_pools.h>
#include <apr_strings.h>

const char *fuzz_source(const char *file)
{
    static char path[4096];
    const char *top = getenv("AT_SRCDIR");

    snprintf(path, sizeof(path), "%s/%s", top ? top : "../..", file);
    return path;
}

const at_statements_t *fuzz_statements(void)
{
    static at_statements_t *statements;
    at_error_t *error;
    apr_pool_t *pool;
    const char *base;

    if (!statements) {
        apr_initialize();
        apr_pool_create(&pool, NULL);
        base = apr_pstrdup(pool, fuzz_source("sql/sqlite3/statements"));
        error = at_folder_read(&statements,
                               fuzz_source("sql/sqlite3/statements-joined"),
                               base, pool, pool);
        if (error) {
            fprintf(stderr, "%s\n", error->detail);
        }
        require(!error);
    }
    return statements;
}
