/* SPDX-License-Identifier: Apache-2.0 */
#include "at_store_dbd.h"

#include <string.h>

#include <apr_strings.h>

#include "at_child.h"
#include "at_clock.h"
#include "at_custom.h"
#include "at_execution.h"
#include "at_number.h"

static const at_fault_t *run_select(at_store_t *store,
                                    at_statement_e statement,
                                    const char *const *values,
                                    apr_array_header_t **rows)
{
    return at_execution_select(store->baton, store->deadline, statement,
                               values, rows);
}

/* Run a SELECT that gives one row, or none if MAY_BE_NONE is true: then *ROW
 * becomes NULL. */
static const at_fault_t *run_select_row(at_store_t *store,
                                        at_statement_e statement,
                                        const char *const *values,
                                        int may_be_none, const char ***row)
{
    at_holder_t *holder = store->baton;
    apr_array_header_t *rows = NULL;

    AT_FAULT_TRY(run_select(store, statement, values, &rows));
    if (rows->nelts == 0 && may_be_none) {
        *row = NULL;
        return NULL;
    }
    if (rows->nelts != 1) {
        return at_fault_make(holder->r->pool, AT_STORE_BROKEN, AT_FAULT_BROKEN,
                             "%s: it returned %d rows, but it must %s",
                             at_execution_statement(holder, statement)->file,
                             rows->nelts, may_be_none
                             ? "return one or none" : "always return one");
    }
    *row = APR_ARRAY_IDX(rows, 0, const char **);
    return NULL;
}

static const at_fault_t *run_select_one(at_store_t *store,
                                        at_statement_e statement,
                                        const char *const *values,
                                        const char ***row)
{
    return run_select_row(store, statement, values, 0, row);
}

static const at_fault_t *load(at_store_t *store, at_statement_e statement,
                              const char *const *values, at_row_t **row)
{
    at_holder_t *holder = store->baton;
    at_row_t *made = apr_pcalloc(holder->r->pool, sizeof(*made));
    int may_be_none = at_statement_load(AT_STATEMENT_LOAD_BY_SESSION_AND_CODE,
                                        at_statement_form(statement))
                      == statement;

    AT_FAULT_TRY(run_select_row(store, statement, values, may_be_none,
                                &made->values));
    made->plan = at_dbd_statements(holder->registered)->plan;
    *row = made->values ? made : NULL;
    return NULL;
}

/* ---- what is cached */

/* The cache number NUMBER of the request's statements (at_child.h) for what was
 * read under REVISION, with REVISIONS. NULL if that is not to be cached: its
 * revision is not known. */
static at_cache_t *cache_for(const at_holder_t *holder, int number,
                             const apr_array_header_t *revisions,
                             const char *revision)
{
    return revisions->nelts > 0 && !revision
           ? NULL : at_child_cache(holder->r, holder->registered, number);
}

/* The key of the first COUNT of KEYS, in POOL. Texts cannot contain its
 * zeros. */
static at_cache_key_t make_key(const char *const *keys, int count,
                               apr_pool_t *pool)
{
    at_cache_key_t key = { keys[0], 0 };
    apr_size_t length = 0;
    char *to;
    int i;

    if (count == 1 && keys[0]) {
        key.length = strlen(keys[0]);
        return key;
    }
    for (i = 0; i < count; i++) {
        length += 2 + (keys[i] ? strlen(keys[i]) : 0);
    }
    key.bytes = to = apr_palloc(pool, length);
    key.length = length;
    for (i = 0; i < count; i++) {
        apr_size_t size = keys[i] ? strlen(keys[i]) : 0;

        *to++ = keys[i] ? 1 : 0;     /* NULL is no empty text */
        memcpy(to, keys[i] ? keys[i] : "", size);
        to += size;
        *to++ = '\0';
    }
    return key;
}

/* True if an object was found. */
static int is_found(const char *const *values, int count)
{
    int i = 0;

    while (i < count && !values[i]) {
        i++;
    }
    return i < count;
}

/* Store VALUES, which LOOKUP has read at NOW. Without a revision, an object
 * that was not found is not stored: it may be inserted at any time. */
static void keep(const at_holder_t *holder, const at_plan_lookup_t *lookup,
                 at_cache_key_t key, apr_time_t now, const char **values)
{
    const char *seen = at_revision_of_row(lookup->revisions, values,
                                          holder->r->pool);
    at_cache_t *cache = cache_for(holder, lookup->lookup, lookup->revisions,
                                  seen);
    at_cache_values_t kept = { values, lookup->column_count };

    if (cache && (seen || is_found(values, lookup->column_count))) {
        at_cache_put(cache, key, seen, now, kept);
    }
}

static int count_keys(const at_plan_lookup_t *lookup)
{
    int count = AT_LOOKUP_KEYS;

    while (lookup->keys[count - 1] == AT_PLAN_NONE) {
        count--;
    }
    return count;
}

static const at_fault_t *lookup(at_store_t *store,
                                const at_plan_lookup_t *lookup,
                                const char *const *keys,
                                const char *revision, const char ***values)
{
    at_holder_t *holder = store->baton;
    at_cache_t *cache = cache_for(holder, lookup->lookup, lookup->revisions,
                                  revision);
    at_cache_key_t key = make_key(keys, count_keys(lookup), holder->r->pool);
    apr_time_t now = at_clock_now();
    at_cache_values_t found;

    if (cache && at_cache_get(cache, key, revision, now, &found,
                              holder->r->pool)) {
        *values = found.values;
        return NULL;
    }
    AT_FAULT_TRY(run_select_one(store, (at_statement_e)(AT_STATEMENT_LOOKUP
                                                        + lookup->lookup),
                                keys, values));
    keep(holder, lookup, key, now, *values);
    return NULL;
}

static const at_fault_t *save(at_store_t *store, const char *const *values)
{
    return at_execution_save(store->baton, store->deadline, values);
}

static void release(at_store_t *store)
{
    at_execution_release(store->baton);
}

static const at_fault_t *find_request(at_store_t *store,
                                      const char *const *values,
                                      at_saved_request_t *request)
{
    const at_statement_t *statement = at_execution_statement(store->baton,
                                          AT_STATEMENT_FIND_REQUEST);
    const char **row = NULL;

    AT_FAULT_TRY(run_select_one(store, AT_STATEMENT_FIND_REQUEST, values,
                                &row));
    request->token_id = row[at_sql_column(statement,
                                                "request.token_id")];
    request->digest = row[at_sql_column(statement, "request.digest")];
    request->request_id = row[at_sql_column(statement,
                                                  "request.request_id")];
    return NULL;
}

/* Make *VALUES of ROWS, those of custom_fields.sql: name and type of each field
 * in turn. *SEEN becomes their revision, if they have one. */
static void flatten_fields(at_cache_values_t *values, const char **seen,
                           const at_holder_t *holder,
                           const apr_array_header_t *rows)
{
    const at_statements_t *statements = at_dbd_statements(holder->registered);
    const at_statement_t *statement = at_execution_statement(holder,
                                          AT_STATEMENT_CUSTOM_FIELDS);
    int name = at_sql_column(statement, "custom_field.name");
    int type = at_sql_column(statement, "custom_field.type");
    int i;

    values->values = apr_palloc(holder->r->pool, sizeof(char *) * 2
                                              * ((apr_size_t)rows->nelts + 1));
    values->count = 0;
    for (i = 0; i < rows->nelts; i++) {
        const char **row = APR_ARRAY_IDX(rows, i, const char **);

        *seen = at_revision_of_row(statements->custom_revisions, row,
                                   holder->r->pool);
        if (row[name]) {
            values->values[values->count++] = row[name];
            values->values[values->count++] = row[type] ? row[type]
                                                        : "string";
        }
    }
}

/* Read what custom_fields.sql has for the access token ID, from the cache if it
 * has REVISION there. *SEEN becomes its revision. */
static const at_fault_t *read_fields(at_cache_values_t *values,
                                     const char **seen, at_store_t *store,
                                     const char *id, const char *revision)
{
    at_holder_t *holder = store->baton;
    const at_statements_t *statements = at_dbd_statements(holder->registered);
    const at_statement_t *statement = at_execution_statement(holder,
                                          AT_STATEMENT_CUSTOM_FIELDS);
    const char *keys[1];
    at_cache_key_t key;
    at_cache_t *cache;
    apr_array_header_t *rows;
    apr_time_t now = at_clock_now();

    keys[0] = at_sql_binds(statement, 0) ? id : "";
    key = make_key(keys, 1, holder->r->pool);
    cache = cache_for(holder, statements->lookups->nelts,
                      statements->custom_revisions, revision);
    *seen = revision;
    if (cache && at_cache_get(cache, key, revision, now, values,
                              holder->r->pool)) {
        return NULL;
    }
    *seen = NULL;
    AT_FAULT_TRY(run_select(store, AT_STATEMENT_CUSTOM_FIELDS, &id, &rows));
    flatten_fields(values, seen, holder, rows);
    if (cache && *seen) {
        at_cache_put(cache, key, *seen, now, *values);
    }
    return NULL;
}

static const at_fault_t *custom_fields(at_store_t *store, const char *id,
                                       const char *revision,
                                       const char **seen,
                                       apr_array_header_t **fields)
{
    at_holder_t *holder = store->baton;
    at_cache_values_t values;
    int i;

    AT_FAULT_TRY(read_fields(&values, seen, store, id, revision));
    *fields = apr_array_make(holder->r->pool, values.count / 2 + 1,
                             sizeof(at_custom_field_t));
    for (i = 0; i < values.count; i += 2) {
        at_custom_field_t *field = apr_array_push(*fields);

        field->name = values.values[i];
        field->type = values.values[i + 1];
    }
    return NULL;
}

/* NUMBER may become a secret, so no fault shows it. */
static const at_fault_t *judge_number(const char *number,
                                      const at_statement_t *statement,
                                      const char *sequence, apr_pool_t *pool)
{
    const char *why = "it returned something that is not a whole number of 0 "
                      "or more: the sequence is used up, or negative; set it "
                      "to a number that is neither";

    if (!number) {
        why = "there is no such sequence, or it is used up; create it, or "
              "set it to a lower number";
    }
    else if (at_number_is_natural(number)) {
        return NULL;
    }
    return at_fault_make(pool, AT_STORE_BROKEN, AT_FAULT_BROKEN,
                         "%s: the sequence '%s': %s", statement->file,
                         sequence, why);
}

/* Run raise_number.sql, if there is one. The connection stays held, for
 * next_number.sql reads what this has done on it. */
static const at_fault_t *raise_number(at_store_t *store, const char *sequence)
{
    at_holder_t *holder = store->baton;
    const at_statement_t *statement = at_execution_statement(holder,
                                          AT_STATEMENT_RAISE_NUMBER);
    int count;

    if (!statement) {
        return NULL;
    }
    AT_FAULT_TRY(at_execution_update(holder, store->deadline,
                                     AT_STATEMENT_RAISE_NUMBER, &sequence,
                                     &count));
    return count > 0 ? NULL
        : judge_number(NULL, statement, sequence, holder->r->pool);
}

static const at_fault_t *next_number(at_store_t *store, const char *sequence,
                                     const char **number)
{
    at_holder_t *holder = store->baton;
    const at_statement_t *statement = at_execution_statement(holder,
                                          AT_STATEMENT_NEXT_NUMBER);
    apr_array_header_t *rows = NULL;
    const char *found;

    AT_FAULT_TRY(raise_number(store, sequence));
    AT_FAULT_TRY(run_select(store, AT_STATEMENT_NEXT_NUMBER, &sequence,
                            &rows));
    /* An UPDATE with RETURNING gives no row if it finds none. */
    found = rows->nelts != 1 ? NULL
        : APR_ARRAY_IDX(rows, 0, const char **)
              [at_sql_column(statement, "number")];
    AT_FAULT_TRY(judge_number(found, statement, sequence, holder->r->pool));
    *number = found;
    return NULL;
}

at_store_t *at_store_dbd_make(request_rec *r, const at_registered_t *registered,
                              at_crowd_t *crowd)
{
    at_store_t *store = apr_pcalloc(r->pool, sizeof(*store));
    at_holder_t *holder = apr_pcalloc(r->pool, sizeof(*holder));

    holder->r = r;
    holder->registered = registered;
    holder->may_share = 1;
    holder->crowd = crowd;
    store->load = load;
    store->lookup = lookup;
    store->find_request = find_request;
    store->save = save;
    store->custom_fields = custom_fields;
    store->next_number = next_number;
    store->release = release;
    store->baton = holder;
    return store;
}

const at_fault_t *at_store_dbd_startup(at_store_t *store,
                                       const char **version,
                                       const char **charset)
{
    const at_statement_t *statement = at_execution_statement(store->baton,
                                                   AT_STATEMENT_STARTUP);
    const char *const none[] = { NULL };
    const char **row = NULL;
    int column;

    AT_FAULT_TRY(run_select_one(store, AT_STATEMENT_STARTUP, none, &row));
    column = at_sql_column(statement, "schema.version");
    *version = column == AT_SQL_NONE ? NULL : row[column];
    *charset = row[at_sql_column(statement, "connection.charset")];
    return NULL;
}
