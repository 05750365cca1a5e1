/* SPDX-License-Identifier: Apache-2.0 */
#include "at_store_dbd.h"

#include <string.h>

#include <apr_strings.h>

#include "at_child.h"
#include "at_clock.h"
#include "at_connection.h"
#include "at_custom.h"
#include "at_number.h"
#include "at_rows.h"
#include "at_store_error.h"
#include "at_wipe.h"

/* How many bytes a packet has at most besides its values, and besides each
 * value. */
#define PACKET_HEAD 32
#define PACKET_VALUE 12

/* A statement has at least so much time, even if the call's is over. */
#define GRACE apr_time_from_msec(800)

/* The baton of a store. */
typedef struct {
    request_rec *r;
    const at_registered_t *registered;
    at_connection_t *connection; /* NULL: none is held */
    int may_share;               /* a connection that another module holds */
} dbd_store_t;

/* A statement that is being run. Its scratch pool is the connection's, and is
 * cleared before the connection can be given back. What outlives the statement
 * is in the request's pool. */
typedef struct {
    dbd_store_t *dbd;
    at_statement_e number;
    const at_statement_t *statement;
    apr_dbd_prepared_t *prepared;
    const char **arguments;
    apr_pool_t *scratch;
    int width;                   /* of a row that the store returns */
    const int *to;               /* for each column of the statement: its place
                                    in that row; NULL: the same */
    int saves;                   /* it is save.sql */
    int cut;                     /* it was cut off */
    at_connection_e state;       /* what the connection is good for */
} execution_t;

static const at_fault_t *hold_connection(const at_store_t *store)
{
    dbd_store_t *dbd = store->baton;
    at_connections_t *connections = at_child_connections(dbd->r);
    ap_dbd_t *shared = dbd->may_share ? at_dbd_shared(dbd->registered, dbd->r)
                                      : NULL;

    if (!connections) {
        return at_fault_make(dbd->r->pool, AT_STORE_BROKEN, AT_FAULT_BROKEN,
                             "the statements are not prepared in this "
                             "server's database; put AccessTokenStatements "
                             "beside the DBDriver that is meant");
    }
    return shared
        ? at_connection_share(&dbd->connection, connections, shared,
                              dbd->r->pool)
        : at_connection_take(&dbd->connection, connections, store->deadline,
                             dbd->r->pool);
}

static void let_go(dbd_store_t *dbd, at_connection_e state)
{
    if (!dbd->connection) {
        return;
    }
    /* mod_dbd keeps a shared connection for the request even if it is bad. So
     * another has to be taken, unless this one can be renewed. */
    if (state != AT_CONNECTION_KEEP && !dbd->connection->renewal) {
        dbd->may_share = 0;
    }
    at_connection_give(dbd->connection, state);
    dbd->connection = NULL;
}

static void release(at_store_t *store)
{
    let_go(store->baton, AT_CONNECTION_KEEP);
}

/* The fault that apr_dbd's CODE means. */
static const at_fault_t *fail(execution_t *execution, int code)
{
    ap_dbd_t *dbd = execution->dbd->connection->dbd;
    apr_pool_t *pool = execution->dbd->r->pool;
    const char *text = apr_dbd_error(dbd->driver, dbd->handle, code);
    at_fault_t *fault = at_store_error_read(&execution->state,
                                            apr_dbd_name(dbd->driver), code,
                                            text, execution->statement,
                                            execution->saves, pool);

    if (execution->cut) {
        execution->state = AT_CONNECTION_LOST;
        fault = at_fault_make(pool, AT_STORE_RETRY, AT_FAULT_CONNECTION,
                              "%s: the database did not answer in time, and "
                              "its connection was cut off",
                              execution->statement->file);
    }
    if (execution->state == AT_CONNECTION_LOST && execution->saves) {
        fault->outcome = AT_STORE_LOST;
    }
    return fault;
}

/* Free what the statement made, and give the connection up if it is no longer
 * good. Returns FAULT. */
static const at_fault_t *end(execution_t *execution, const at_fault_t *fault)
{
    apr_pool_clear(execution->scratch);
    if (execution->state != AT_CONNECTION_KEEP) {
        let_go(execution->dbd, execution->state);
    }
    return fault;
}

static const at_statement_t *statement_of(const dbd_store_t *dbd,
                                          at_statement_e statement)
{
    return at_dbd_statements(dbd->registered)->statement[statement];
}

/* When a statement that begins now is to be cut off. The last one of a call
 * may begin just before the call's deadline, and gets some time to end. */
static apr_time_t latest_end(const at_store_t *store)
{
    apr_time_t begin = at_clock_now();

    if (begin > store->deadline) {
        begin = store->deadline;
    }
    return begin + GRACE > store->deadline ? begin + GRACE
                                           : store->deadline;
}

/* Set the shape of the rows. Those of a load are as wide as the plan, also of
 * the narrow form. */
static void shape_row(execution_t *execution)
{
    const at_statements_t *statements =
        at_dbd_statements(execution->dbd->registered);
    int is_narrow = execution->number >= AT_STATEMENT_NARROW
                    && execution->number <= AT_STATEMENT_NARROW_LAST;

    execution->width = execution->statement->columns->nelts;
    if (is_narrow || execution->number <= AT_STATEMENT_LOAD_BY_ID) {
        execution->width = statements->plan->column_count;
        execution->to = is_narrow ? statements->narrow_columns : NULL;
    }
}

/* Find the statement that mod_dbd has prepared. */
static const at_fault_t *find_prepared(execution_t *execution)
{
    dbd_store_t *dbd = execution->dbd;

    execution->prepared = at_dbd_prepared(dbd->registered, dbd->connection->dbd,
                                          execution->number);
    return execution->prepared ? NULL
        : at_fault_make(dbd->r->pool, AT_STORE_BROKEN, AT_FAULT_BROKEN,
                        "%s: mod_dbd has not prepared it for this server; "
                        "put AccessTokenStatements beside the DBDriver that "
                        "is meant", execution->statement->file);
}

/*
 * A server that receives a longer packet than it allows closes the connection,
 * mostly before its error is read. It would then be unknown whether the change
 * was saved, so such a packet is not sent. Another connection may have a new
 * limit.
 */
static const at_fault_t *check_size(execution_t *execution)
{
    const at_connection_t *connection = execution->dbd->connection;
    int count = execution->statement->value_count, i;
    apr_size_t size = PACKET_HEAD + PACKET_VALUE * (apr_size_t)count;

    for (i = 0; i < count; i++) {
        if (execution->arguments[i]) {
            size += strlen(execution->arguments[i]);
        }
    }
    if (!connection->max_packet || size < connection->max_packet) {
        return NULL;
    }
    execution->state = AT_CONNECTION_DISCARD;
    return at_fault_make(execution->dbd->r->pool,
        execution->saves ? AT_STORE_STALE : AT_STORE_BROKEN, AT_FAULT_BROKEN,
        "%s: its values need some %" APR_SIZE_T_FMT " bytes; raise the "
        "database's max_allowed_packet, which is %" APR_SIZE_T_FMT,
        execution->statement->file, size, connection->max_packet);
}

/* Put VALUES in the order in which the statement binds them. */
static void take_values(execution_t *execution, const char *const *values)
{
    const at_statement_t *statement = execution->statement;
    int i;

    execution->arguments = apr_pcalloc(execution->scratch, sizeof(char *)
                                       * ((apr_size_t)statement->value_count
                                          + 1));
    for (i = 0; i < statement->value_count; i++) {
        execution->arguments[i] = values[statement->values[i]];
    }
}

/* Get ready to run STATEMENT with VALUES, and have it watched. */
static const at_fault_t *begin(execution_t *execution,
                               const at_store_t *store,
                               at_statement_e statement,
                               const char *const *values)
{
    dbd_store_t *dbd = store->baton;
    const at_fault_t *fault;

    if (!dbd->connection) {
        AT_FAULT_TRY(hold_connection(store));
    }
    memset(execution, 0, sizeof(*execution));
    execution->dbd = dbd;
    execution->number = statement;
    execution->statement = statement_of(dbd, statement);
    execution->saves = statement == AT_STATEMENT_SAVE;
    execution->scratch = dbd->connection->results;
    shape_row(execution);
    AT_FAULT_TRY(find_prepared(execution));
    take_values(execution, values);
    fault = check_size(execution);
    if (fault) {
        return end(execution, fault);
    }
    at_connection_watch(dbd->connection, latest_end(store));
    return NULL;
}

/* Make *PLACES: for each column of the statement its place in RESULTS. */
static const at_fault_t *find_columns(int **places,
                                      const execution_t *execution,
                                      apr_dbd_results_t *results)
{
    const apr_dbd_driver_t *driver = execution->dbd->connection->dbd->driver;
    const apr_array_header_t *columns = execution->statement->columns;
    int i;

    *places = apr_palloc(execution->scratch, sizeof(**places)
                         * (apr_size_t)(columns->nelts + 1));
    for (i = 0; i < columns->nelts; i++) {
        const char *name = APR_ARRAY_IDX(columns, i, const char *);

        (*places)[i] = at_rows_find(driver, results, name, i);
        if ((*places)[i] < 0) {
            return at_fault_make(execution->dbd->r->pool, AT_STORE_BROKEN,
                                 AT_FAULT_BROKEN, "%s: its result has no "
                                 "column '%s'", execution->statement->file,
                                 name);
        }
    }
    return NULL;
}

/* The same, but only once for a connection if the result has no column but the
 * statement's: then no change of a table can move them. */
static const at_fault_t *map_columns(const int **places,
                                     const execution_t *execution,
                                     apr_dbd_results_t *results)
{
    at_connection_t *connection = execution->dbd->connection;
    const int **known = &connection->places[execution->number];
    int count = apr_dbd_num_cols(connection->dbd->driver, results);
    int is_exact = count == execution->statement->columns->nelts;
    int *found;

    if (is_exact && *known) {
        *places = *known;
        return NULL;
    }
    AT_FAULT_TRY(find_columns(&found, execution, results));
    if (is_exact) {
        *known = apr_pmemdup(connection->pool, found,
                             sizeof(*found) * (apr_size_t)count);
    }
    *places = found;
    return NULL;
}

/* True if PLACE in the row of EXECUTION has a hash, or a number that may be
 * a pass code. */
static int is_secret(const execution_t *execution, int place)
{
    const at_plan_t *plan =
        at_dbd_statements(execution->dbd->registered)->plan;
    int is_load = execution->number <= AT_STATEMENT_LOAD_BY_ID
                  || (execution->number >= AT_STATEMENT_NARROW
                      && execution->number <= AT_STATEMENT_NARROW_LAST);

    return execution->number == AT_STATEMENT_NEXT_NUMBER
           || (is_load
               && place == plan->input_columns[AT_COLUMN_TOKEN_PASS_CODE]);
}

/* Copy VALUE, which is in the driver's buffer and belongs at PLACE, for the
 * request. A secret is wiped in the buffer now, and in the copy when the
 * request ends. */
static const char *copy_value(const execution_t *execution, char *value,
                              int place)
{
    apr_pool_t *pool = execution->dbd->r->pool;
    const char *copy;

    if (!is_secret(execution, place)) {
        return apr_pstrdup(pool, value);
    }
    copy = at_wipe_copy(pool, value);
    explicit_bzero(value, strlen(value));
    return copy;
}

/* Copy ROW for the request: the driver uses its buffers again. */
static const char **copy_row(execution_t *execution, apr_dbd_row_t *row,
                             const int *places)
{
    const apr_dbd_driver_t *driver = execution->dbd->connection->dbd->driver;
    int count = execution->statement->columns->nelts;
    const char **values = apr_pcalloc(execution->dbd->r->pool,
                                      sizeof(*values)
                                      * (apr_size_t)(execution->width + 1));
    int i;

    for (i = 0; i < count; i++) {
        char *value = at_rows_text(driver, row, places[i]);

        if (value) {
            int place = execution->to ? execution->to[i] : i;

            values[place] = copy_value(execution, value, place);
        }
    }
    return values;
}

/* Read all rows into ROWS: only after the last one can the connection run
 * another statement. */
static const at_fault_t *read_rows(execution_t *execution,
                                   apr_dbd_results_t *results,
                                   apr_array_header_t *rows)
{
    const apr_dbd_driver_t *driver = execution->dbd->connection->dbd->driver;
    const at_fault_t *fault = NULL;
    const int *places = NULL;
    apr_dbd_row_t *row = NULL;
    int code;

    while ((code = apr_dbd_get_row(driver, execution->scratch, results, &row,
                                   -1)) == 0) {
        /* Not every driver knows the columns before there is a row. */
        if (!places && !fault) {
            fault = map_columns(&places, execution, results);
        }
        if (places) {
            APR_ARRAY_PUSH(rows, const char **) = copy_row(execution, row,
                                                           places);
        }
    }
    execution->cut = at_connection_unwatch(execution->dbd->connection);
    return code == -1 ? fault : fail(execution, code);
}

/* Run a SELECT; *ROWS (const char **) live in the request's pool. */
static const at_fault_t *run_select(at_store_t *store,
                                    at_statement_e statement,
                                    const char *const *values,
                                    apr_array_header_t **rows)
{
    dbd_store_t *dbd = store->baton;
    execution_t execution;
    apr_dbd_results_t *results = NULL;
    int code;

    AT_FAULT_TRY(begin(&execution, store, statement, values));
    *rows = apr_array_make(dbd->r->pool, 1, sizeof(char **));
    code = apr_dbd_pselect(dbd->connection->dbd->driver, execution.scratch,
                           dbd->connection->dbd->handle, &results,
                           execution.prepared, 0,
                           execution.statement->value_count,
                           execution.arguments);
    if (!code) {
        return end(&execution, read_rows(&execution, results, *rows));
    }
    execution.cut = at_connection_unwatch(dbd->connection);
    return end(&execution, fail(&execution, code));
}

/* Run a SELECT that gives one row. */
static const at_fault_t *run_select_one(at_store_t *store,
                                        at_statement_e statement,
                                        const char *const *values,
                                        const char ***row)
{
    dbd_store_t *dbd = store->baton;
    apr_array_header_t *rows = NULL;

    AT_FAULT_TRY(run_select(store, statement, values, &rows));
    if (rows->nelts != 1) {
        return at_fault_make(dbd->r->pool, AT_STORE_BROKEN, AT_FAULT_BROKEN,
                             "%s: it returned %d rows, but it must always "
                             "return one", statement_of(dbd, statement)->file,
                             rows->nelts);
    }
    *row = APR_ARRAY_IDX(rows, 0, const char **);
    return NULL;
}

static const at_fault_t *load(at_store_t *store, at_statement_e statement,
                              const char *const *values, at_row_t **row)
{
    dbd_store_t *dbd = store->baton;
    at_row_t *made = apr_pcalloc(dbd->r->pool, sizeof(*made));

    AT_FAULT_TRY(run_select_one(store, statement, values, &made->values));
    made->plan = at_dbd_statements(dbd->registered)->plan;
    *row = made;
    return NULL;
}

/* True if an object was found. If not, it may be inserted at any time, so that
 * is not cached. */
static int is_found(const char *const *values, int count)
{
    int i = 0;

    while (i < count && !values[i]) {
        i++;
    }
    return i < count;
}

static const at_fault_t *lookup(at_store_t *store, int number,
                                const char *key, const char ***values)
{
    dbd_store_t *dbd = store->baton;
    at_cache_t *cache = at_child_cache(dbd->r, dbd->registered, number);
    at_statement_e statement = (at_statement_e)(AT_STATEMENT_LOOKUP + number);
    apr_time_t now = at_clock_now();

    *values = cache ? at_cache_get(cache, key, now, dbd->r->pool) : NULL;
    if (*values) {
        return NULL;
    }
    AT_FAULT_TRY(run_select_one(store, statement, &key, values));
    if (cache
        && is_found(*values, statement_of(dbd, statement)->columns->nelts)) {
        at_cache_put(cache, key, *values, now);
    }
    return NULL;
}

/* The save was done in a file that is no longer the database. */
static const at_fault_t *fail_moved(execution_t *execution)
{
    execution->state = AT_CONNECTION_DISCARD;
    return at_fault_make(execution->dbd->r->pool, AT_STORE_RETRY,
                         AT_FAULT_CONNECTION, "%s: another file has replaced "
                         "the database's",
                         execution->statement->file);
}

/* What it means that the save has changed COUNT rows. */
static const at_fault_t *judge_count(execution_t *execution, int count)
{
    apr_pool_t *pool = execution->dbd->r->pool;

    if (count == 0) {
        return at_fault_of_row(pool, AT_STORE_LOST_RACE);
    }
    if (count != 1) {
        return at_fault_make(pool, AT_STORE_BROKEN, AT_FAULT_BROKEN,
                             "%s: it changed %d rows, but its guard must "
                             "limit it to one", execution->statement->file,
                             count);
    }
    return at_renewal_has_moved(execution->dbd->connection->renewal)
           ? fail_moved(execution) : NULL;
}

static const at_fault_t *save(at_store_t *store, const char *const *values)
{
    dbd_store_t *dbd = store->baton;
    execution_t execution;
    int count = 0, code;

    AT_FAULT_TRY(begin(&execution, store, AT_STATEMENT_SAVE, values));
    code = apr_dbd_pquery(dbd->connection->dbd->driver, execution.scratch,
                          dbd->connection->dbd->handle, &count,
                          execution.prepared,
                          execution.statement->value_count,
                          execution.arguments);
    execution.cut = at_connection_unwatch(dbd->connection);
    return end(&execution, code ? fail(&execution, code)
                                : judge_count(&execution, count));
}

static const at_fault_t *find_request(at_store_t *store,
                                      const char *const *values,
                                      at_saved_request_t *request)
{
    const at_statement_t *statement = statement_of(store->baton,
                                          AT_STATEMENT_FIND_REQUEST);
    const char **row = NULL;

    AT_FAULT_TRY(run_select_one(store, AT_STATEMENT_FIND_REQUEST, values,
                                &row));
    request->token_id = row[at_statement_column(statement,
                                                "request.token_id")];
    request->digest = row[at_statement_column(statement, "request.digest")];
    request->request_id = row[at_statement_column(statement,
                                                  "request.request_id")];
    return NULL;
}

static const at_fault_t *custom_fields(at_store_t *store, const char *id,
                                       apr_array_header_t **fields)
{
    dbd_store_t *dbd = store->baton;
    const at_statement_t *statement = statement_of(dbd,
                                          AT_STATEMENT_CUSTOM_FIELDS);
    int name = at_statement_column(statement, "custom_field.name");
    int type = at_statement_column(statement, "custom_field.type");
    apr_array_header_t *rows = NULL;
    int i;

    AT_FAULT_TRY(run_select(store, AT_STATEMENT_CUSTOM_FIELDS, &id, &rows));
    *fields = apr_array_make(dbd->r->pool, rows->nelts,
                             sizeof(at_custom_field_t));
    for (i = 0; i < rows->nelts; i++) {
        const char **row = APR_ARRAY_IDX(rows, i, const char **);
        at_custom_field_t *field = apr_array_push(*fields);

        field->name = row[name] ? row[name] : "";
        field->type = row[type] ? row[type] : "string";
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

static const at_fault_t *next_number(at_store_t *store, const char *sequence,
                                     const char **number)
{
    dbd_store_t *dbd = store->baton;
    const at_statement_t *statement = statement_of(dbd,
                                          AT_STATEMENT_NEXT_NUMBER);
    apr_array_header_t *rows = NULL;
    const char *found;

    AT_FAULT_TRY(run_select(store, AT_STATEMENT_NEXT_NUMBER, &sequence,
                            &rows));
    /* An UPDATE with RETURNING gives no row if it finds none. */
    found = rows->nelts != 1 ? NULL
        : APR_ARRAY_IDX(rows, 0, const char **)
              [at_statement_column(statement, "number")];
    AT_FAULT_TRY(judge_number(found, statement, sequence, dbd->r->pool));
    *number = found;
    return NULL;
}

at_store_t *at_store_dbd_make(request_rec *r, const at_registered_t *registered)
{
    at_store_t *store = apr_pcalloc(r->pool, sizeof(*store));
    dbd_store_t *dbd = apr_pcalloc(r->pool, sizeof(*dbd));

    dbd->r = r;
    dbd->registered = registered;
    dbd->may_share = 1;
    store->load = load;
    store->lookup = lookup;
    store->find_request = find_request;
    store->save = save;
    store->custom_fields = custom_fields;
    store->next_number = next_number;
    store->release = release;
    store->baton = dbd;
    return store;
}

const at_fault_t *at_store_dbd_startup(at_store_t *store,
                                       const char **version,
                                       const char **charset)
{
    const at_statement_t *statement = statement_of(store->baton,
                                                   AT_STATEMENT_STARTUP);
    const char *const none[] = { NULL };
    const char **row = NULL;

    AT_FAULT_TRY(run_select_one(store, AT_STATEMENT_STARTUP, none, &row));
    *version = row[at_statement_column(statement, "schema.version")];
    *charset = row[at_statement_column(statement, "connection.charset")];
    return NULL;
}
