/* SPDX-License-Identifier: Apache-2.0 */
#include "at_store_dbd.h"

#include <apr_optional.h>
#include <apr_strings.h>

#include <http_config.h>
#include <http_log.h>

#include "at_config.h"
#include "at_custom.h"
#include "at_store_error.h"

APLOG_USE_MODULE(access_token);

/*
 * mod_dbd gives up at the first stale connection of its pool and discards
 * it; asked again, it tries the next. A stale one fails at once; what takes
 * longer is the connecting to a database that does not answer, and holds up
 * all others of the child.
 */
#define OPEN_ATTEMPTS 32
#define OPEN_LONGEST  apr_time_from_msec(200)

struct at_source_t {
    const at_statements_t *statements;
    const char *label[AT_STATEMENT_COUNT];
    APR_OPTIONAL_FN_TYPE(ap_dbd_prepare) *prepare;
    APR_OPTIONAL_FN_TYPE(ap_dbd_open) *open;
    APR_OPTIONAL_FN_TYPE(ap_dbd_close) *close;
    APR_OPTIONAL_FN_TYPE(ap_dbd_acquire) *acquire;
};

/* The baton of a store. */
typedef struct {
    request_rec *r;
    const at_source_t *source;
    ap_dbd_t *connection;        /* NULL: none is held */
    int shared;                  /* it is the request's, not ours to close */
} dbd_store_t;

/* A statement that is being run. Results live in a pool of their own,
 * which is gone before the connection is anybody else's. */
typedef struct {
    at_store_t *store;
    dbd_store_t *dbd;
    const at_statement_t *statement;
    apr_dbd_prepared_t *prepared;
    const char **arguments;
    apr_pool_t *pool;
} execution_t;

const char *at_source_make(at_source_t **source,
                           const at_statements_t *statements,
                           server_rec *server, apr_pool_t *pool)
{
    APR_OPTIONAL_FN_TYPE(ap_dbd_prepare) *prepare;
    int i;

    prepare = APR_RETRIEVE_OPTIONAL_FN(ap_dbd_prepare);
    if (!prepare) {
        return "mod_dbd is not loaded; add LoadModule dbd_module "
               "modules/mod_dbd.so (Debian: a2enmod dbd)";
    }
    *source = apr_pcalloc(pool, sizeof(**source));
    (*source)->statements = statements;
    (*source)->prepare = prepare;
    (*source)->open = APR_RETRIEVE_OPTIONAL_FN(ap_dbd_open);
    (*source)->close = APR_RETRIEVE_OPTIONAL_FN(ap_dbd_close);
    (*source)->acquire = APR_RETRIEVE_OPTIONAL_FN(ap_dbd_acquire);
    for (i = 0; i < AT_STATEMENT_COUNT; i++) {
        /* Unique, since virtual hosts share what mod_dbd prepares. */
        (*source)->label[i] = apr_psprintf(pool, "access_token_%pp_%d",
                                           (void *)*source, i);
        prepare(server, statements->statement[i]->text,
                (*source)->label[i]);
    }
    return NULL;
}

void at_source_withdraw(const at_source_t *source, server_rec *server)
{
    int i;

    for (i = 0; i < AT_STATEMENT_COUNT; i++) {
        source->prepare(server, "", source->label[i]);
    }
}

const at_statements_t *at_source_statements(const at_source_t *source)
{
    return source->statements;
}

ap_dbd_t *at_source_open(const at_source_t *source, server_rec *server,
                         apr_pool_t *pool)
{
    return source->open(pool, server);
}

void at_source_close(const at_source_t *source, server_rec *server,
                     ap_dbd_t *connection)
{
    source->close(server, connection);
}

apr_dbd_prepared_t *at_source_prepared(const at_source_t *source,
                                       const ap_dbd_t *connection,
                                       at_statement_e statement)
{
    return apr_hash_get(connection->prepared, source->label[statement],
                        APR_HASH_KEY_STRING);
}

/* True if some module took a connection for the request by
 * ap_dbd_acquire, which keeps it to the request's end. */
static int request_holds_connection(request_rec *r)
{
    module *mod_dbd = ap_find_linked_module("mod_dbd.c");

    while (r->prev || r->main) {
        r = r->prev ? r->prev : r->main;
    }
    return mod_dbd && ap_get_module_config(r->request_config, mod_dbd);
}

static at_outcome_e hold_connection(at_store_t *store)
{
    dbd_store_t *dbd = store->baton;
    apr_time_t start = apr_time_now();
    int attempt;

    dbd->shared = request_holds_connection(dbd->r);
    for (attempt = 0; attempt < OPEN_ATTEMPTS && !dbd->connection
                      && apr_time_now() - start < OPEN_LONGEST;
         attempt++) {
        dbd->connection = dbd->shared
                          ? dbd->source->acquire(dbd->r)
                          : at_source_open(dbd->source, dbd->r->server,
                                           dbd->r->pool);
    }
    if (!dbd->connection) {
        store->detail = "no connection; mod_dbd's message above says why";
        return AT_STORE_UNAVAILABLE;
    }
    return AT_STORE_DONE;
}

static void release(at_store_t *store)
{
    dbd_store_t *dbd = store->baton;

    if (dbd->connection && !dbd->shared) {
        at_source_close(dbd->source, dbd->r->server, dbd->connection);
    }
    dbd->connection = NULL;
}

/* What apr_dbd's CODE means. A connection that is gone may have been a
 * stale one: what only reads is worth another try. */
static at_outcome_e fail(execution_t *execution, int code, int only_reads)
{
    ap_dbd_t *connection = execution->dbd->connection;
    const char *text = apr_dbd_error(connection->driver, connection->handle,
                                     code);
    at_store_error_t error;

    at_store_error_read(&error, apr_dbd_name(connection->driver), code, text,
                        execution->statement, execution->dbd->r->pool);
    execution->store->conflict = error.conflict;
    execution->store->detail = error.detail;
    if (error.lost && only_reads && !execution->dbd->shared) {
        return AT_STORE_RETRY;
    }
    return error.outcome;
}

/* Get ready to run STATEMENT with VALUES. */
static at_outcome_e begin(execution_t *execution, at_store_t *store,
                          at_statement_e statement,
                          const char *const *values)
{
    dbd_store_t *dbd = store->baton;
    const at_statement_t *text;
    at_outcome_e outcome = AT_STORE_DONE;
    int i;

    if (!dbd->connection) {
        outcome = hold_connection(store);
    }
    if (outcome != AT_STORE_DONE) {
        return outcome;
    }
    text = dbd->source->statements->statement[statement];
    execution->store = store;
    execution->dbd = dbd;
    execution->statement = text;
    execution->prepared = at_source_prepared(dbd->source, dbd->connection,
                                             statement);
    if (!execution->prepared) {
        store->detail = apr_pstrcat(dbd->r->pool, text->file, ": mod_dbd "
                                    "has not prepared it for this server; put "
                                    "AccessTokenStatements beside the "
                                    "DBDriver that is meant", (char *)NULL);
        return AT_STORE_BROKEN;
    }
    apr_pool_create(&execution->pool, dbd->r->pool);
    execution->arguments = apr_pcalloc(execution->pool, sizeof(char *)
                                       * ((apr_size_t)text->value_count
                                          + 1));
    for (i = 0; i < text->value_count; i++) {
        execution->arguments[i] = values[text->values[i]];
    }
    return AT_STORE_DONE;
}

/* For each column of the statement: its place in RESULTS; NULL if one is
 * not there. */
static int *map_columns(execution_t *execution, apr_dbd_results_t *results)
{
    const apr_dbd_driver_t *driver = execution->dbd->connection->driver;
    const apr_array_header_t *columns = execution->statement->columns;
    int count = apr_dbd_num_cols(driver, results);
    int *places = apr_palloc(execution->pool, sizeof(*places)
                             * (apr_size_t)(columns->nelts + 1));
    int i, tries;

    for (i = 0; i < columns->nelts; i++) {
        const char *name = APR_ARRAY_IDX(columns, i, const char *);
        int place = i;

        for (tries = 0; tries < count; tries++) {
            const char *found = apr_dbd_get_name(driver, results,
                                                 place % count);

            if (found && !strcmp(found, name)) {
                break;
            }
            place++;
        }
        if (tries >= count) {
            execution->store->detail = apr_psprintf(
                execution->dbd->r->pool, "%s: its result has no column "
                "'%s'", execution->statement->file, name);
            return NULL;
        }
        places[i] = place % count;
    }
    return places;
}

/* Copy ROW, whose buffers the driver uses again. */
static const char **copy_row(execution_t *execution, apr_dbd_row_t *row,
                             const int *places)
{
    const apr_dbd_driver_t *driver = execution->dbd->connection->driver;
    int count = execution->statement->columns->nelts;
    const char **values = apr_pcalloc(execution->dbd->r->pool,
                                      sizeof(*values)
                                      * (apr_size_t)(count + 1));
    int i;

    for (i = 0; i < count; i++) {
        const char *value = NULL;

        /* The only way that ends a text cut at the driver's limit. */
        if (apr_dbd_datum_get(driver, row, places[i], APR_DBD_TYPE_STRING,
                              &value) == APR_SUCCESS && value) {
            values[i] = apr_pstrdup(execution->dbd->r->pool, value);
        }
    }
    return values;
}

/* Read all rows: the connection is free only behind the last. */
static at_outcome_e read_rows(execution_t *execution,
                              apr_dbd_results_t *results,
                              apr_array_header_t *rows)
{
    const apr_dbd_driver_t *driver = execution->dbd->connection->driver;
    at_outcome_e outcome = AT_STORE_DONE;
    const int *places = NULL;
    apr_dbd_row_t *row = NULL;
    int code;

    while ((code = apr_dbd_get_row(driver, execution->pool, results, &row,
                                   -1)) == 0) {
        /* Only with a row does every driver know the columns. */
        if (!places && outcome == AT_STORE_DONE) {
            places = map_columns(execution, results);
            outcome = places ? AT_STORE_DONE : AT_STORE_BROKEN;
        }
        if (places) {
            APR_ARRAY_PUSH(rows, const char **) = copy_row(execution, row,
                                                           places);
        }
    }
    return code == -1 ? outcome : fail(execution, code, 1);
}

/* Run a SELECT; ROWS (const char **) live in the request's pool. */
static at_outcome_e run_select(at_store_t *store, at_statement_e statement,
                               const char *const *values,
                               apr_array_header_t **rows)
{
    dbd_store_t *dbd = store->baton;
    execution_t execution;
    apr_dbd_results_t *results = NULL;
    at_outcome_e outcome = begin(&execution, store, statement, values);
    int code;

    if (outcome != AT_STORE_DONE) {
        return outcome;
    }
    *rows = apr_array_make(dbd->r->pool, 1, sizeof(char **));
    code = apr_dbd_pselect(dbd->connection->driver, execution.pool,
                           dbd->connection->handle, &results,
                           execution.prepared, 0,
                           execution.statement->value_count,
                           execution.arguments);
    outcome = code ? fail(&execution, code, 1)
                   : read_rows(&execution, results, *rows);
    apr_pool_destroy(execution.pool);
    return outcome;
}

/* Run a SELECT that gives one row. */
static at_outcome_e run_select_one(at_store_t *store,
                                   at_statement_e statement,
                                   const char *const *values,
                                   const char ***row)
{
    dbd_store_t *dbd = store->baton;
    apr_array_header_t *rows = NULL;
    at_outcome_e outcome = run_select(store, statement, values, &rows);

    if (outcome != AT_STORE_DONE) {
        return outcome;
    }
    if (rows->nelts != 1) {
        store->detail = apr_psprintf(dbd->r->pool, "%s: it gave %d rows, "
            "where it must always give one",
            dbd->source->statements->statement[statement]->file,
            rows->nelts);
        return AT_STORE_BROKEN;
    }
    *row = APR_ARRAY_IDX(rows, 0, const char **);
    return AT_STORE_DONE;
}

static at_outcome_e load(at_store_t *store, at_statement_e statement,
                         const char *const *values, at_row_t **row)
{
    dbd_store_t *dbd = store->baton;
    at_row_t *made = apr_pcalloc(dbd->r->pool, sizeof(*made));

    made->plan = dbd->source->statements->plan;
    *row = made;
    return run_select_one(store, statement, values, &made->values);
}

static at_outcome_e save(at_store_t *store, const char *const *values)
{
    dbd_store_t *dbd = store->baton;
    execution_t execution;
    at_outcome_e outcome = begin(&execution, store, AT_STATEMENT_SAVE,
                                 values);
    int count = 0, code;

    if (outcome != AT_STORE_DONE) {
        return outcome;
    }
    code = apr_dbd_pquery(dbd->connection->driver, execution.pool,
                          dbd->connection->handle, &count,
                          execution.prepared,
                          execution.statement->value_count,
                          execution.arguments);
    if (code) {
        outcome = fail(&execution, code, 0);
    }
    else if (count == 0) {
        outcome = AT_STORE_LOST_RACE;
    }
    else if (count != 1) {
        store->detail = apr_psprintf(dbd->r->pool, "%s: it changed %d rows, "
                                     "where its guard must let it change "
                                     "one", execution.statement->file,
                                     count);
        outcome = AT_STORE_BROKEN;
    }
    apr_pool_destroy(execution.pool);
    return outcome;
}

static at_outcome_e custom_fields(at_store_t *store, const char *id,
                                  apr_array_header_t **fields)
{
    dbd_store_t *dbd = store->baton;
    const at_statement_t *statement =
        dbd->source->statements->statement[AT_STATEMENT_CUSTOM_FIELDS];
    int name = at_statement_column(statement, "custom_field.name");
    int type = at_statement_column(statement, "custom_field.type");
    apr_array_header_t *rows = NULL;
    at_outcome_e outcome = run_select(store, AT_STATEMENT_CUSTOM_FIELDS, &id,
                                      &rows);
    int i;

    *fields = apr_array_make(dbd->r->pool, 8, sizeof(at_custom_field_t));
    for (i = 0; outcome == AT_STORE_DONE && i < rows->nelts; i++) {
        const char **row = APR_ARRAY_IDX(rows, i, const char **);
        at_custom_field_t *field = apr_array_push(*fields);

        field->name = row[name] ? row[name] : "";
        field->type = row[type] ? row[type] : "string";
    }
    return outcome;
}

static at_outcome_e next_number(at_store_t *store, const char *sequence,
                                const char **number)
{
    dbd_store_t *dbd = store->baton;
    const at_statement_t *statement =
        dbd->source->statements->statement[AT_STATEMENT_NEXT_NUMBER];
    const char **row = NULL;
    at_outcome_e outcome = run_select_one(store, AT_STATEMENT_NEXT_NUMBER,
                                          &sequence, &row);

    if (outcome != AT_STORE_DONE) {
        return outcome;
    }
    *number = row[at_statement_column(statement, "number")];
    if (!*number) {
        store->detail = apr_pstrcat(dbd->r->pool, statement->file, ": there "
                                    "is no sequence ", sequence,
                                    (char *)NULL);
        return AT_STORE_BROKEN;
    }
    return AT_STORE_DONE;
}

at_store_t *at_store_dbd_make(request_rec *r, const at_source_t *source)
{
    at_store_t *store = apr_pcalloc(r->pool, sizeof(*store));
    dbd_store_t *dbd = apr_pcalloc(r->pool, sizeof(*dbd));

    dbd->r = r;
    dbd->source = source;
    store->load = load;
    store->save = save;
    store->custom_fields = custom_fields;
    store->next_number = next_number;
    store->release = release;
    store->conflict = -1;
    store->baton = dbd;
    return store;
}
