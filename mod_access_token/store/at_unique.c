/* SPDX-License-Identifier: Apache-2.0 */
#include "at_unique.h"

#include <string.h>

#include <apr_hash.h>
#include <apr_strings.h>

#include "at_rows.h"

/* The names of the unique keys of the tables that the account can see. */
static const char of_mysql[] =
    "SELECT DISTINCT INDEX_NAME FROM information_schema.STATISTICS "
    "WHERE NON_UNIQUE = 0 AND TABLE_SCHEMA = DATABASE()";

/* The columns of all unique keys, as SQLite's messages have them, but without
 * blanks, as @unique has them. Of a key with expressions the message has the
 * name. A primary key of one integer has no index. */
static const char of_sqlite[] =
    "SELECT REPLACE((SELECT GROUP_CONCAT(part.name) FROM "
    "(SELECT owner.name || '.' || info.name AS name "
    "FROM pragma_index_info(list.name) AS info ORDER BY info.seqno) AS part), "
    "' ', '') "
    "FROM sqlite_master AS owner, pragma_index_list(owner.name) AS list "
    "WHERE owner.type = 'table' AND list.\"unique\" "
    "UNION ALL SELECT 'index''' || REPLACE(list.name, ' ', '') || '''' "
    "FROM sqlite_master AS owner, pragma_index_list(owner.name) AS list "
    "WHERE owner.type = 'table' AND list.\"unique\" "
    "UNION ALL SELECT REPLACE(owner.name || '.' || info.name, ' ', '') "
    "FROM sqlite_master AS owner, pragma_table_info(owner.name) AS info "
    "WHERE owner.type = 'table' AND info.pk = 1 AND NOT EXISTS "
    "(SELECT 1 FROM pragma_table_info(owner.name) AS other WHERE other.pk > 1)";

/* The names of the keys that the database of HANDLE has; NULL if it can't
 * tell. */
static apr_hash_t *read_keys(const apr_dbd_driver_t *driver,
                             apr_dbd_t *handle, apr_pool_t *pool)
{
    const char *question = !strcmp(apr_dbd_name(driver), "mysql") ? of_mysql
                           : !strcmp(apr_dbd_name(driver), "sqlite3")
                           ? of_sqlite : NULL;
    apr_hash_t *keys = apr_hash_make(pool);
    apr_dbd_results_t *results = NULL;
    apr_dbd_row_t *row = NULL;

    if (!question
        || apr_dbd_select(driver, pool, handle, &results, question, 0)) {
        return NULL;
    }
    while (apr_dbd_get_row(driver, pool, results, &row, -1) == 0) {
        const char *name = at_rows_text(driver, row, 0);

        if (name) {
            apr_hash_set(keys, apr_pstrdup(pool, name), APR_HASH_KEY_STRING,
                         "");
        }
    }
    /* MySQL's driver reads row by row: an error ends the rows, too. */
    return question == of_mysql && *apr_dbd_error(driver, handle, 0)
           ? NULL : keys;
}

/* KEY of @unique as it is in KEYS: MySQL 8 writes the table before it. */
static int is_in(apr_hash_t *keys, const char *key)
{
    const char *dot = strrchr(key, '.');

    return apr_hash_get(keys, key, APR_HASH_KEY_STRING)
           || (dot && apr_hash_get(keys, dot + 1, APR_HASH_KEY_STRING));
}

apr_array_header_t *at_unique_missing(const at_statement_t *save,
                                      const apr_dbd_driver_t *driver,
                                      apr_dbd_t *handle, apr_pool_t *pool)
{
    apr_hash_t *keys = read_keys(driver, handle, pool);
    apr_array_header_t *missing = apr_array_make(pool, 1,
                                                 sizeof(at_unique_t));
    int i;

    for (i = 0; keys && i < save->uniques->nelts; i++) {
        const at_unique_t *unique = &APR_ARRAY_IDX(save->uniques, i,
                                                   at_unique_t);

        if (strcmp(unique->field, "version") && !is_in(keys, unique->key)) {
            APR_ARRAY_PUSH(missing, at_unique_t) = *unique;
        }
    }
    return keys ? missing : NULL;
}
