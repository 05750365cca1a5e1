/* SPDX-License-Identifier: Apache-2.0 */
#include "at_statements.h"

#include <string.h>

#include "at_field.h"

/* By at_statement_e. */
static const char *const loads[AT_STATEMENT_LOADS] = {
    "load_by_authentication_code.sql",
    "load_by_identifier.sql",
    "load_by_id.sql",
    "load_by_session_and_code.sql"
};

/* Those after the load statements. */
static const char *const others[] = {
    "find_request.sql",
    "save.sql",
    "custom_fields.sql",
    "raise_number.sql",
    "next_number.sql",
    "startup.sql"
};

const char *at_statements_file(at_statement_e statement)
{
    if (at_statement_is_load(statement)) {
        return loads[(int)statement % (int)AT_STATEMENT_LOADS];
    }
    return statement < AT_STATEMENT_LOOKUP
           ? others[statement - AT_STATEMENT_FIND_REQUEST] : NULL;
}

int at_statement_unique(const at_statement_t *statement, const char *key)
{
    int i;

    for (i = 0; i < statement->uniques->nelts; i++) {
        at_unique_t *unique = &APR_ARRAY_IDX(statement->uniques, i,
                                             at_unique_t);

        if (strcmp(unique->key, key)) {
            continue;
        }
        if (!strcmp(unique->field, "idempotency_key")) {
            return AT_UNIQUE_REQUEST;
        }
        return !strcmp(unique->field, "version")
               ? AT_UNIQUE_VERSION : at_field_find(unique->field);
    }
    return AT_UNIQUE_UNKNOWN;
}

int at_statements_have_version(const at_statements_t *statements)
{
    return at_sql_column(statements->statement[AT_STATEMENT_STARTUP],
                         "schema.version") != AT_SQL_NONE;
}

const at_fault_t *at_statements_schema_fault(const at_statements_t *statements,
                                             const char *version,
                                             apr_pool_t *pool)
{
    if (!at_statements_have_version(statements)
        || (version && !strcmp(version, AT_SCHEMA_VERSION))) {
        return NULL;
    }
    return at_fault_make(pool, AT_STORE_BROKEN, AT_FAULT_BROKEN,
                         "the database's schema has version %s, but this "
                         "module needs version " AT_SCHEMA_VERSION
                         ". Install the schema.sql that came with it. If the "
                         "schema is your own, let startup.sql select no "
                         "schema.version.", version ? version : "(none)");
}

const at_fault_t *at_statements_charset_fault(const char *charset,
                                              apr_pool_t *pool)
{
    if (charset && !strcmp(charset, "utf8mb4")) {
        return NULL;
    }
    return at_fault_make(pool, AT_STORE_BROKEN, AT_FAULT_BROKEN,
                         "the connection's character set is %s; text would be "
                         "lost. Put default-character-set=utf8mb4 into the "
                         "my.cnf group that DBDParams names.",
                         charset ? charset : "unclear");
}
