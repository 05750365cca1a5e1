/* SPDX-License-Identifier: Apache-2.0 */
#include "at_diagnosis.h"

#include <string.h>

#include <apr_strings.h>

#include "at_clock.h"
#include "at_mysql.h"
#include "at_session.h"
#include "at_store_error.h"

/* A server that refuses a connection does so at once. If it took longer, it was
 * a wait, and the second attempt is left out. */
#define AT_ONCE apr_time_from_sec(1)

/* Texts of failures to connect that an admin must fix, for when there is only
 * the driver's text and no number. */
static const char *const refusals[] = {
    "Access denied", "Unknown database", "is not allowed to connect",
    "is blocked because", "Authentication plugin", NULL
};

static int is_refusal(const char *text)
{
    int i;

    for (i = 0; refusals[i]; i++) {
        if (strstr(text, refusals[i])) {
            return 1;
        }
    }
    return 0;
}

typedef struct {
    const apr_dbd_driver_t *driver;
    apr_dbd_t *handle;
} connection_t;

static apr_status_t close_connection(void *data)
{
    connection_t *connection = data;

    apr_dbd_close(connection->driver, connection->handle);
    return APR_SUCCESS;
}

/* Close HANDLE when POOL ends. This cleanup is registered before those of the
 * statements, so it runs after them. */
static void close_with_pool(const apr_dbd_driver_t *driver,
                            apr_dbd_t *handle, apr_pool_t *pool)
{
    connection_t *connection = apr_palloc(pool, sizeof(*connection));

    connection->driver = driver;
    connection->handle = handle;
    apr_pool_cleanup_register(pool, connection, close_connection,
                              apr_pool_cleanup_null);
}

/* Connect once more to learn the number of the error with which connecting to
 * USE's database failed, after WAITED. */
static at_mysql_e find_code(int *code, const at_use_t *use,
                            apr_interval_time_t waited, apr_pool_t *pool)
{
    return ap_cstr_casecmp(use->driver, "mysql") || waited >= AT_ONCE
           ? AT_MYSQL_UNKNOWN : at_mysql_connect(code, use->params, pool);
}

/* The fault for connecting, which failed with the driver's TEXT, or NULL,
 * after WAITED. */
static at_fault_t *explain(const at_use_t *use, const char *text,
                           apr_interval_time_t waited, apr_pool_t *pool)
{
    at_outcome_e outcome = AT_STORE_RETRY;
    at_fault_kind_e kind = AT_FAULT_CONNECTION;
    int code = 0;
    at_mysql_e answer = find_code(&code, use, waited, pool);

    text = text ? text : "the driver gives no reason";
    if (answer == AT_MYSQL_REFUSED) {
        at_fault_t *fault = at_store_error_connecting(code, pool);

        outcome = fault->outcome;
        kind = fault->kind;
        text = apr_psprintf(pool, "%s (%s)", text, fault->detail);
    }
    else if (answer == AT_MYSQL_UNKNOWN && is_refusal(text)) {
        outcome = AT_STORE_BROKEN;
        kind = AT_FAULT_BROKEN;
    }
    return at_fault_make(pool, outcome, kind, "no connection to the %s "
        "database: %s. Check DBDParams, that Apache's User can reach it, and "
        "(MySQL) that the client library reads the file with the group that "
        "DBDParams names: if it names a socket or host that you did not set, "
        "it did not", use->driver, text);
}

const at_fault_t *at_diagnosis_connect(const apr_dbd_driver_t **driver,
                                       apr_dbd_t **handle,
                                       const at_use_t *use, apr_pool_t *pool)
{
    const char *text = NULL;
    apr_time_t start = at_clock_now();
    apr_status_t status = apr_dbd_get_driver(pool, use->driver, driver);

    if (status == APR_SUCCESS) {
        status = apr_dbd_open_ex(*driver, pool, use->params, handle, &text);
    }
    if (status != APR_SUCCESS) {
        return explain(use, text, at_clock_now() - start, pool);
    }
    close_with_pool(*driver, *handle, pool);
    return at_session_set(*driver, *handle, at_dbd_statements(use->registered),
                          pool);
}

/* As at_diagnosis_prepare, but tries once. */
static at_fault_t *prepare_once(apr_dbd_prepared_t **prepared,
                                at_connection_e *connection,
                                const apr_dbd_driver_t *driver,
                                apr_dbd_t *handle,
                                const at_statement_t *statement,
                                apr_pool_t *pool)
{
    int code;

    *prepared = NULL;            /* else the driver takes it for its own */
    code = apr_dbd_prepare(driver, pool, handle, statement->text, NULL,
                           prepared);
    return code == 0 ? NULL
           : at_store_error_read(connection, apr_dbd_name(driver), code,
                                 apr_dbd_error(driver, handle, code),
                                 statement, 0, pool);
}

const at_fault_t *at_diagnosis_prepare(apr_dbd_prepared_t **prepared,
                                       const apr_dbd_driver_t *driver,
                                       apr_dbd_t *handle,
                                       const at_statement_t *statement,
                                       apr_pool_t *pool)
{
    const at_fault_t *fault = NULL;
    at_connection_e connection;
    const char *text;
    int failures = 0;

    do {
        fault = prepare_once(prepared, &connection, driver, handle, statement,
                             pool);
        if (!fault) {
            return NULL;
        }
    } while (fault->outcome == AT_STORE_RETRY
             && connection != AT_CONNECTION_LOST
             && at_clock_try_again(&failures));
    *prepared = NULL;
    /* No value is bound yet, so the text can hold none. */
    text = apr_dbd_error(driver, handle, 0);
    return at_fault_make(pool, fault->outcome, fault->kind, "%s%s [%s]",
        fault->outcome == AT_STORE_RETRY ? ""
        : "the database refuses a statement: ", fault->detail,
        text ? text : "");
}

const at_fault_t *at_diagnosis_make(const at_use_t *use,
                                    apr_pool_t *result_pool)
{
    const at_statements_t *statements = at_dbd_statements(use->registered);
    const apr_dbd_driver_t *driver;
    apr_dbd_prepared_t *prepared;
    const at_fault_t *fault;
    apr_dbd_t *handle;
    apr_pool_t *scratch;
    int i;

    apr_pool_create(&scratch, result_pool);
    fault = at_diagnosis_connect(&driver, &handle, use, scratch);
    for (i = 0; !fault && i < AT_STATEMENT_COUNT; i++) {
        if (statements->statement[i]) {
            fault = at_diagnosis_prepare(&prepared, driver, handle,
                                         statements->statement[i], scratch);
        }
    }
    fault = at_fault_copy(result_pool, fault);
    apr_pool_destroy(scratch);
    return fault;
}
