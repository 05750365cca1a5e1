/* SPDX-License-Identifier: Apache-2.0 */
#include "at_execution.h"

#include <string.h>

#include <apr_strings.h>

#include "at_child.h"
#include "at_clock.h"
#include "at_connection.h"
#include "at_rows.h"
#include "at_store_error.h"
#include "at_wipe.h"

/* How many bytes a packet has at most besides its values, and besides each
 * value. */
#define PACKET_HEAD 32
#define PACKET_VALUE 12

/* A statement has at least so much time, even if the call's is over. */
#define GRACE apr_time_from_msec(800)

/* A statement that is being run. Its scratch pool is the connection's, and is
 * cleared before the connection can be given back. What outlives the statement
 * is in the request's pool. */
typedef struct {
    at_holder_t *holder;
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

static const at_fault_t *hold_connection(at_holder_t *holder,
                                         apr_time_t deadline)
{
    at_connections_t *connections = at_child_connections(holder->r);
    ap_dbd_t *shared = holder->may_share
                       ? at_dbd_shared(holder->registered, holder->r) : NULL;

    if (!connections) {
        return at_fault_make(holder->r->pool, AT_STORE_BROKEN, AT_FAULT_BROKEN,
                             "the statements are not prepared in this "
                             "server's database; put AccessTokenStatements "
                             "beside the DBDriver that is meant");
    }
    if (shared) {
        return at_connection_share(&holder->connection, connections, shared,
                                   holder->r->pool);
    }
    AT_FAULT_TRY(at_connection_take(&holder->connection, connections,
                                    deadline, holder->crowd,
                                    holder->r->pool));
    holder->crowd = NULL;            /* what has begun may go on */
    return NULL;
}

static void let_go(at_holder_t *holder, at_connection_e state)
{
    if (!holder->connection) {
        return;
    }
    /* mod_dbd keeps a shared connection for the request even if it is bad. So
     * another has to be taken, unless this one can be renewed. */
    if (state != AT_CONNECTION_KEEP && !holder->connection->renewal) {
        holder->may_share = 0;
    }
    at_connection_give(holder->connection, state);
    holder->connection = NULL;
}

void at_execution_release(at_holder_t *holder)
{
    let_go(holder, AT_CONNECTION_KEEP);
}

/* The fault that apr_dbd's CODE means. */
static const at_fault_t *fail(execution_t *execution, int code)
{
    ap_dbd_t *dbd = execution->holder->connection->dbd;
    apr_pool_t *pool = execution->holder->r->pool;
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
        let_go(execution->holder, execution->state);
    }
    return fault;
}

const at_statement_t *at_execution_statement(const at_holder_t *holder,
                                             at_statement_e statement)
{
    return at_dbd_statements(holder->registered)->statement[statement];
}

/* When a statement that begins now is to be cut off. The last one of a call
 * may begin just before the call's deadline, and gets some time to end. */
static apr_time_t latest_end(apr_time_t deadline)
{
    apr_time_t begin = at_clock_now();

    if (begin > deadline) {
        begin = deadline;
    }
    return begin + GRACE > deadline ? begin + GRACE : deadline;
}

/* Set the shape of the rows. Those of a load are as wide as the plan, whatever
 * its form. */
static void shape_row(execution_t *execution)
{
    const at_statements_t *statements =
        at_dbd_statements(execution->holder->registered);

    execution->width = execution->statement->columns->nelts;
    if (at_statement_is_load(execution->number)) {
        execution->width = statements->plan->column_count;
        execution->to = statements->form_columns[
            at_statement_form(execution->number)];
    }
}

/* Find the statement that mod_dbd has prepared. */
static const at_fault_t *find_prepared(execution_t *execution)
{
    at_holder_t *holder = execution->holder;

    execution->prepared = at_dbd_prepared(holder->registered,
                                          holder->connection->dbd,
                                          execution->number);
    return execution->prepared ? NULL
        : at_fault_make(holder->r->pool, AT_STORE_BROKEN, AT_FAULT_BROKEN,
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
    const at_connection_t *connection = execution->holder->connection;
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
    return at_fault_make(execution->holder->r->pool,
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
static const at_fault_t *begin(execution_t *execution, at_holder_t *holder,
                               apr_time_t deadline, at_statement_e statement,
                               const char *const *values)
{
    const at_fault_t *fault;

    if (!holder->connection) {
        AT_FAULT_TRY(hold_connection(holder, deadline));
    }
    memset(execution, 0, sizeof(*execution));
    execution->holder = holder;
    execution->number = statement;
    execution->statement = at_execution_statement(holder, statement);
    execution->saves = statement == AT_STATEMENT_SAVE;
    execution->scratch = holder->connection->results;
    shape_row(execution);
    AT_FAULT_TRY(find_prepared(execution));
    take_values(execution, values);
    fault = check_size(execution);
    if (fault) {
        return end(execution, fault);
    }
    at_connection_watch(holder->connection, latest_end(deadline));
    return NULL;
}

/* Make *PLACES: for each column of the statement its place in RESULTS. */
static const at_fault_t *find_columns(int **places,
                                      const execution_t *execution,
                                      apr_dbd_results_t *results)
{
    const apr_dbd_driver_t *driver = execution->holder->connection->dbd->driver;
    const apr_array_header_t *columns = execution->statement->columns;
    int i;

    *places = apr_palloc(execution->scratch, sizeof(**places)
                         * (apr_size_t)(columns->nelts + 1));
    for (i = 0; i < columns->nelts; i++) {
        const char *name = APR_ARRAY_IDX(columns, i, const char *);

        (*places)[i] = at_rows_find(driver, results, name, i);
        if ((*places)[i] < 0) {
            return at_fault_make(execution->holder->r->pool, AT_STORE_BROKEN,
                                 AT_FAULT_BROKEN, "%s: its result has no "
                                 "column '%s'", execution->statement->file,
                                 name);
        }
    }
    return NULL;
}

/* The places that the connection knows of the statement, or NULL. */
static const int *known_places(const execution_t *execution)
{
    const at_places_t *each =
        execution->holder->connection->places[execution->number];

    while (each && each->statement != execution->statement) {
        each = each->next;
    }
    return each ? each->places : NULL;
}

/* Let the connection know that PLACES are those of the statement. */
static void learn_places(const execution_t *execution, const int *places)
{
    at_connection_t *connection = execution->holder->connection;
    at_places_t **list = &connection->places[execution->number];
    at_places_t *learned = apr_palloc(connection->pool, sizeof(*learned));
    int count = execution->statement->columns->nelts;

    learned->statement = execution->statement;
    learned->places = apr_pmemdup(connection->pool, places,
                                  sizeof(*places) * (apr_size_t)count);
    learned->next = *list;
    *list = learned;
}

/* The same, but only once for a connection if the result has no column but the
 * statement's: then no change of a table can move them. */
static const at_fault_t *map_columns(const int **places,
                                     const execution_t *execution,
                                     apr_dbd_results_t *results)
{
    int count = apr_dbd_num_cols(execution->holder->connection->dbd->driver,
                                 results);
    int is_exact = count == execution->statement->columns->nelts;
    int *found;

    *places = is_exact ? known_places(execution) : NULL;
    if (*places) {
        return NULL;
    }
    AT_FAULT_TRY(find_columns(&found, execution, results));
    if (is_exact) {
        learn_places(execution, found);
    }
    *places = found;
    return NULL;
}

/* True if PLACE in the row of EXECUTION has a hash, or a number that may be
 * a pass code. */
static int is_secret(const execution_t *execution, int place)
{
    const at_plan_t *plan =
        at_dbd_statements(execution->holder->registered)->plan;

    return execution->number == AT_STATEMENT_NEXT_NUMBER
           || (at_statement_is_load(execution->number)
               && place == plan->input_columns[AT_COLUMN_TOKEN_PASS_CODE]);
}

/* Copy VALUE, which is in the driver's buffer and belongs at PLACE, for the
 * request. A secret is wiped in the buffer now, and in the copy when the
 * request ends. */
static const char *copy_value(const execution_t *execution, char *value,
                              int place)
{
    apr_pool_t *pool = execution->holder->r->pool;
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
    const apr_dbd_driver_t *driver = execution->holder->connection->dbd->driver;
    int count = execution->statement->columns->nelts;
    const char **values = apr_pcalloc(execution->holder->r->pool,
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
    const apr_dbd_driver_t *driver = execution->holder->connection->dbd->driver;
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
    execution->cut = at_connection_unwatch(execution->holder->connection);
    return code == -1 ? fault : fail(execution, code);
}

const at_fault_t *at_execution_select(at_holder_t *holder,
                                      apr_time_t deadline,
                                      at_statement_e statement,
                                      const char *const *values,
                                      apr_array_header_t **rows)
{
    execution_t execution;
    apr_dbd_results_t *results = NULL;
    int code;

    AT_FAULT_TRY(begin(&execution, holder, deadline, statement, values));
    *rows = apr_array_make(holder->r->pool, 1, sizeof(char **));
    code = apr_dbd_pselect(holder->connection->dbd->driver, execution.scratch,
                           holder->connection->dbd->handle, &results,
                           execution.prepared, 0,
                           execution.statement->value_count,
                           execution.arguments);
    if (!code) {
        return end(&execution, read_rows(&execution, results, *rows));
    }
    execution.cut = at_connection_unwatch(holder->connection);
    return end(&execution, fail(&execution, code));
}

/* The save was done in a file that is no longer the database. */
static const at_fault_t *fail_moved(execution_t *execution)
{
    execution->state = AT_CONNECTION_DISCARD;
    return at_fault_make(execution->holder->r->pool, AT_STORE_RETRY,
                         AT_FAULT_CONNECTION, "%s: another file has replaced "
                         "the database's",
                         execution->statement->file);
}

/* What it means that the save has changed COUNT rows. */
static const at_fault_t *judge_count(execution_t *execution, int count)
{
    apr_pool_t *pool = execution->holder->r->pool;

    if (count == 0) {
        return at_fault_of_row(pool, AT_STORE_LOST_RACE);
    }
    if (count != 1) {
        return at_fault_make(pool, AT_STORE_BROKEN, AT_FAULT_BROKEN,
                             "%s: it changed %d rows, but its guard must "
                             "limit it to one", execution->statement->file,
                             count);
    }
    return at_renewal_has_moved(execution->holder->connection->renewal)
           ? fail_moved(execution) : NULL;
}

/* Run EXECUTION, an UPDATE that has begun, to where only end is missing.
 * *COUNT becomes the number of rows that it has changed. */
static const at_fault_t *run_update(execution_t *execution, int *count)
{
    at_connection_t *connection = execution->holder->connection;
    int code = apr_dbd_pquery(connection->dbd->driver, execution->scratch,
                              connection->dbd->handle, count,
                              execution->prepared,
                              execution->statement->value_count,
                              execution->arguments);

    execution->cut = at_connection_unwatch(connection);
    return code ? fail(execution, code) : NULL;
}

const at_fault_t *at_execution_update(at_holder_t *holder, apr_time_t deadline,
                                      at_statement_e statement,
                                      const char *const *values, int *count)
{
    execution_t execution;

    *count = 0;
    AT_FAULT_TRY(begin(&execution, holder, deadline, statement, values));
    return end(&execution, run_update(&execution, count));
}

const at_fault_t *at_execution_save(at_holder_t *holder, apr_time_t deadline,
                                    const char *const *values)
{
    execution_t execution;
    const at_fault_t *fault;
    int count = 0;

    AT_FAULT_TRY(begin(&execution, holder, deadline, AT_STATEMENT_SAVE,
                       values));
    fault = run_update(&execution, &count);
    return end(&execution, fault ? fault : judge_count(&execution, count));
}
