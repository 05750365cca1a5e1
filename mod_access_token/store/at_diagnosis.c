/* SPDX-License-Identifier: Apache-2.0 */
#include "at_diagnosis.h"

#include <string.h>

#include <apr_strings.h>

#include "at_clock.h"
#include "at_mysql.h"
#include "at_session.h"
#include "at_store_error.h"

/* A server that refuses does so at once. What has taken longer was a wait, and
 * is not worth a second one. */
#define AT_ONCE apr_time_from_sec(1)

/* What of connecting an admin must fix, where nothing but the driver's text
 * says so. */
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

/* Registered before those of the statements, so it runs after them. */
static void close_with_pool(const apr_dbd_driver_t *driver,
                            apr_dbd_t *handle, apr_pool_t *pool)
{
    connection_t *connection = apr_palloc(pool, sizeof(*connection));

    connection->driver = driver;
    connection->handle = handle;
    apr_pool_cleanup_register(pool, connection, close_connection,
                              apr_pool_cleanup_null);
}

/* The number of the error with which a connection to USE's database failed,
 * after WAITED; 0 or less: it is not known. */
static int connect_error(const at_use_t *use, apr_interval_time_t waited,
                         apr_pool_t *pool)
{
    return ap_cstr_casecmp(use->driver, "mysql") || waited >= AT_ONCE ? -1
           : at_mysql_connect_error(use->params, pool);
}

/* There is no connection; TEXT is the driver's, CODE as of connect_error. */
static void explain(at_diagnosis_t *diagnosis, const at_use_t *use,
                    const char *text, int code, apr_pool_t *pool)
{
    at_store_error_t error = { AT_STORE_RETRY, -1, AT_CONNECTION_DISCARD,
                               AT_FAULT_CONNECTION, NULL };

    text = text ? text : "the driver gives no reason";
    if (code > 0) {
        at_store_error_connecting(&error, code, pool);
        text = apr_psprintf(pool, "%s (%s)", text, error.detail);
    }
    else if (code < 0 && is_refusal(text)) {
        error.outcome = AT_STORE_BROKEN;
        error.fault = AT_FAULT_BROKEN;
    }
    diagnosis->outcome = error.outcome;
    diagnosis->fault = error.fault;
    diagnosis->detail = apr_psprintf(pool, "no connection to the %s "
        "database: %s. Check DBDParams, that Apache's User can reach it, and "
        "(MySQL) that the client library reads the file with the group that "
        "DBDParams names: if the user is '', it did not", use->driver, text);
}

int at_diagnosis_connect(at_diagnosis_t *diagnosis,
                         const apr_dbd_driver_t **driver, apr_dbd_t **handle,
                         const at_use_t *use, apr_pool_t *pool)
{
    const char *text = NULL;
    apr_time_t start = at_clock_now();
    apr_status_t status = apr_dbd_get_driver(pool, use->driver, driver);

    if (status == APR_SUCCESS) {
        status = apr_dbd_open_ex(*driver, pool, use->params, handle, &text);
    }
    if (status == APR_SUCCESS) {
        close_with_pool(*driver, *handle, pool);
        return at_session_set(diagnosis, *driver, *handle,
                              at_dbd_statements(use->source), pool);
    }
    explain(diagnosis, use, text,
            connect_error(use, at_clock_now() - start, pool), pool);
    return 0;
}

int at_diagnosis_prepare(at_diagnosis_t *diagnosis,
                         apr_dbd_prepared_t **prepared,
                         const apr_dbd_driver_t *driver, apr_dbd_t *handle,
                         const at_statement_t *statement, apr_pool_t *pool)
{
    at_store_error_t error = { AT_STORE_DONE, -1, AT_CONNECTION_KEEP,
                               AT_FAULT_NONE, NULL };
    const char *text;
    int failures = 0, code;

    do {
        *prepared = NULL;        /* else the driver takes it for its own */
        code = apr_dbd_prepare(driver, pool, handle, statement->text, NULL,
                               prepared);
        if (code == 0) {
            return 1;
        }
        at_store_error_read(&error, apr_dbd_name(driver), code,
                            apr_dbd_error(driver, handle, code), statement,
                            0, pool);
    } while (error.outcome == AT_STORE_RETRY
             && error.connection != AT_CONNECTION_LOST
             && at_clock_try_again(&failures));
    *prepared = NULL;
    /* No value is bound yet, so the text can hold none. */
    text = apr_dbd_error(driver, handle, 0);
    diagnosis->outcome = error.outcome;
    diagnosis->fault = error.fault;
    diagnosis->detail = apr_psprintf(pool, "%s%s [%s]",
        error.outcome == AT_STORE_RETRY ? ""
        : "the database refuses a statement: ", error.detail,
        text ? text : "");
    return 0;
}

void at_diagnosis_make(at_diagnosis_t *diagnosis, const at_use_t *use,
                       apr_pool_t *pool)
{
    const at_statements_t *statements = at_dbd_statements(use->source);
    const apr_dbd_driver_t *driver;
    apr_dbd_prepared_t *prepared;
    apr_dbd_t *handle;
    apr_pool_t *scratch;
    int i, good;

    apr_pool_create(&scratch, pool);
    good = at_diagnosis_connect(diagnosis, &driver, &handle, use, scratch);
    for (i = 0; good && i < AT_STATEMENT_COUNT; i++) {
        const at_statement_t *statement = statements->statement[i];

        good = !statement
               || at_diagnosis_prepare(diagnosis, &prepared, driver, handle,
                                       statement, scratch);
    }
    if (good) {
        diagnosis->outcome = AT_STORE_DONE;
        diagnosis->fault = AT_FAULT_CONNECTION;
        diagnosis->detail = "mod_dbd has no connection, though the database "
                            "can be reached and takes the statements; "
                            "mod_dbd's message above says why";
    }
    diagnosis->detail = apr_pstrdup(pool, diagnosis->detail);
    apr_pool_destroy(scratch);
}
