/* SPDX-License-Identifier: Apache-2.0 */
#include "at_handler.h"

#include <string.h>

#include <apr_lib.h>
#include <apr_strings.h>

#include <http_core.h>
#include <http_log.h>
#include <http_main.h>
#include <http_protocol.h>

#include "at_address.h"
#include "at_body.h"
#include "at_caller.h"
#include "at_child.h"
#include "at_clock.h"
#include "at_config.h"
#include "at_date.h"
#include "at_etag.h"
#include "at_request.h"
#include "at_response.h"
#include "at_store_dbd.h"
#include "at_update.h"

APLOG_USE_MODULE(access_token);

static at_error_t *check_method(request_rec *r)
{
    if (r->method_number == M_POST) {
        return NULL;
    }
    return at_error_make(r->pool, AT_METHOD_NOT_ALLOWED,
                         "This address accepts only POST.");
}

/* A page of any site can make a browser send a body without a type, or with the
 * type of a form, but not JSON. So the type is required if the caller is known
 * by something that a browser adds to every request. */
static at_error_t *check_media_type(request_rec *r, const at_config_t *config)
{
    static const char json[] = "application/json";
    const char *type = apr_table_get(r->headers_in, "Content-Type");
    const char *end;

    if (!type && !at_caller_is_apaches(r, config)) {
        return NULL;
    }
    type = type ? type : "";
    while (apr_isspace(*type)) {
        type++;
    }
    end = type + strcspn(type, "; \t");
    if ((apr_size_t)(end - type) == strlen(json)
        && !ap_cstr_casecmpn(type, json, strlen(json))) {
        return NULL;
    }
    return at_error_make(r->pool, AT_UNSUPPORTED_MEDIA_TYPE,
                         "The body must be application/json, and "
                         "Content-Type must say so.");
}

static at_error_t *take_idempotency_key(at_call_t *call,
                                        const at_json_t *root,
                                        request_rec *r,
                                        const at_config_t *config,
                                        apr_time_t now)
{
    const char *header = apr_table_get(r->headers_in, "Idempotency-Key");
    const at_secret_t *secret =
        call->statements->statement[AT_STATEMENT_FIND_REQUEST]
        ? config->secret : NULL;

    if (!header) {
        return NULL;
    }
    AT_TRY(at_idempotency_key(&call->idempotency_key, header, secret,
                              r->pool));
    call->request_digest = at_idempotency_digest(root, secret, r->pool);
    call->request_expires = at_date_format(r->pool,
                                           now + config->key_lifetime);
    return call->request_digest ? NULL
           : at_error_hidden(r->pool, AT_INTERNAL_ERROR,
                             "libcrypto has no HMAC with SHA-256");
}

/* An If-None-Match that cannot be read is an error; such an If-Match matches
 * nothing. */
static at_error_t *take_preconditions(at_call_t *call, request_rec *r)
{
    call->if_match = apr_table_get(r->headers_in, "If-Match");
    call->if_none_match = apr_table_get(r->headers_in, "If-None-Match");
    if (call->if_none_match
        && at_etag_match(call->if_none_match, "\"\"", 1)
           == AT_ETAG_MALFORMED) {
        return at_error_make(r->pool, AT_INVALID_REQUEST, "If-None-Match "
                             "must be * or a list of entity tags, each in "
                             "quotes, with commas between them.");
    }
    return NULL;
}

/* Carry out the call, whose body is ROOT. */
static at_error_t *serve(at_call_t *call, const at_json_t *root,
                         request_rec *r, const at_config_t *config)
{
    at_request_options_t options;
    at_request_t *request;
    apr_time_t now = apr_time_now();

    call->pool = r->pool;
    call->statements = at_dbd_statements(config->registered);
    call->scheme = config->scheme;
    call->cost_limit = &at_server_config_of(r->server)->pass_code_limit;
    call->hashing = at_child_hashing();
    call->sha256 = at_server_config_of(ap_server_conf)->sha256;
    call->now = at_date_format(r->pool, now);
    call->budget = config->retry_budget;
    call->step = at_dbd_step(config->registered);
    options.statements = call->statements;
    options.scheme = config->scheme;
    options.ignore_unknown = config->ignore_unknown;
    AT_TRY(at_request_read(&request, root, &options, r->pool));
    call->request = request;
    AT_TRY(at_caller_find(call, r, config));
    AT_TRY(take_preconditions(call, r));
    AT_TRY(take_idempotency_key(call, root, r, config, now));
    call->store = at_store_dbd_make(r, config->registered, at_child_crowd());
    return at_update_run(call);
}

/* Note for the access log the caller, the access token and the change. */
static void note(request_rec *r, const at_call_t *call)
{
    if (call->caller && !r->user) {
        r->user = apr_pstrdup(r->pool, call->caller);
    }
    if (call->id) {
        apr_table_setn(r->notes, AT_NOTE_ID, call->id);
    }
    if (call->change) {
        apr_table_setn(r->notes, AT_NOTE_CHANGE, call->change);
    }
}

static int answer_options(request_rec *r)
{
    apr_table_setn(r->headers_out, "Allow", "OPTIONS, POST");
    ap_set_content_length(r, 0);
    return at_body_discard(r, HTTP_OK);
}

/* Answer a request whose body could not be read to its end. */
static int answer_failure(at_exchange_t *exchange, at_error_t *error,
                          const at_body_failure_t *failure)
{
    request_rec *r = exchange->r;

    ap_log_rerror(APLOG_MARK, APLOG_INFO, failure->reason, r,
                  ATLOGNO("005") "the body did not arrive whole "
                  "[request %s]", exchange->request_id);
    /* It is unknown where on this connection the next request begins. */
    r->connection->keepalive = AP_CONN_CLOSE;
    if (failure->http_status == AP_FILTER_ERROR) {
        return AP_FILTER_ERROR;          /* the filter sent the answer */
    }
    if (failure->http_status == HTTP_REQUEST_ENTITY_TOO_LARGE) {
        error = at_error_make(r->pool, AT_REQUEST_TOO_LARGE, "The body is "
                              "longer than LimitRequestBody allows.");
    }
    if (failure->http_status == HTTP_BAD_REQUEST) {
        return at_exchange_send_error(exchange, error);
    }
    return at_exchange_send_error_as(exchange, error, failure->http_status);
}

/* Check method and media type, and read the body: contract, section 5,
 * "Order". */
static at_error_t *receive(at_json_t **root, at_body_failure_t *failure,
                           at_exchange_t *exchange)
{
    request_rec *r = exchange->r;

    AT_TRY(check_method(r));
    AT_TRY(check_media_type(r, exchange->config));
    return at_body_read(root, failure, r, exchange->config->body_limit);
}

/* Why there is nothing at the address of EXCHANGE, though it is the handler's;
 * NULL if there is something. */
static const char *find_nothing(at_exchange_t *exchange)
{
    if (!at_config_has_database(exchange->r, exchange->config)) {
        ap_log_rerror(APLOG_MARK, APLOG_INFO, 0, exchange->r, ATLOGNO("063")
                      "the method is configured here, but no "
                      "AccessTokenStatements applies, or the virtual host "
                      "has no DBDriver [request %s]", exchange->request_id);
        return "There is nothing at this address on this server.";
    }
    return at_address_is_beneath(exchange->r)
           ? "There is nothing at this address: its path continues after the "
             "address of the method." : NULL;
}

/* Answer that there is nothing, for the reason WHY. Apache could have answered
 * 404 itself, so the HTTP-200 mode does not change this status. */
static int answer_nothing(at_exchange_t *exchange, const char *why)
{
    return at_exchange_send_error_as(exchange,
        at_error_make(exchange->r->pool, AT_INVALID_REQUEST, "%s", why),
        HTTP_NOT_FOUND);
}

/* Carry out the call whose body is ROOT, and answer it. */
static int answer_call(at_exchange_t *exchange, const at_json_t *root)
{
    request_rec *r = exchange->r;
    at_crowd_t *crowd = at_child_crowd();
    at_error_t *error;
    at_call_t call;
    int status;

    memset(&call, 0, sizeof(call));
    at_crowd_enter(crowd);
    error = serve(&call, root, r, exchange->config);
    note(r, &call);
    if (call.warning) {
        ap_log_rerror(APLOG_MARK, APLOG_ERR, 0, r, ATLOGNO("064") "%s "
                      "[request %s]", call.warning, exchange->request_id);
    }
    if (call.replayed) {
        apr_table_setn(r->headers_out, "Idempotency-Replayed", "true");
    }
    if (at_crowd_closes(crowd, at_clock_now())) {
        r->connection->keepalive = AP_CONN_CLOSE;
    }
    status = error ? at_exchange_send_error(exchange, error)
                   : at_exchange_send_data(exchange, &call.body, call.etag);
    at_crowd_leave(crowd);
    return status;
}

int at_handler_update(request_rec *r)
{
    at_body_failure_t failure = { APR_SUCCESS, OK, 0 };
    at_exchange_t *exchange;
    at_error_t *error;
    at_json_t *root = NULL;
    const char *nothing;

    if (!r->handler || strcmp(r->handler, AT_HANDLER_UPDATE)) {
        return DECLINED;
    }
    exchange = at_exchange_begin(r);
    nothing = find_nothing(exchange);
    if (nothing) {
        return answer_nothing(exchange, nothing);
    }
    if (r->method_number == M_OPTIONS) {
        return answer_options(r);
    }
    error = receive(&root, &failure, exchange);
    exchange->body_ended = failure.is_whole;
    if (failure.reason != APR_SUCCESS) {
        return answer_failure(exchange, error, &failure);
    }
    return error ? at_exchange_send_error(exchange, error)
                 : answer_call(exchange, root);
}

/* The code for a status with which Apache itself answers. */
static at_code_e code_of_status(int http_status)
{
    switch (http_status) {
    case HTTP_UNAUTHORIZED:
        return AT_INVALID_TOKEN;
    case HTTP_FORBIDDEN:
        return AT_FORBIDDEN;
    case HTTP_METHOD_NOT_ALLOWED:
        return AT_METHOD_NOT_ALLOWED;
    case HTTP_REQUEST_ENTITY_TOO_LARGE:
        return AT_REQUEST_TOO_LARGE;
    case HTTP_UNSUPPORTED_MEDIA_TYPE:
        return AT_UNSUPPORTED_MEDIA_TYPE;
    case HTTP_BAD_GATEWAY:
    case HTTP_SERVICE_UNAVAILABLE:
    case HTTP_GATEWAY_TIME_OUT:
        return AT_SERVICE_UNAVAILABLE;
    default:
        return http_status < 500 ? AT_INVALID_REQUEST : AT_INTERNAL_ERROR;
    }
}

static at_error_t *check_ready_method(request_rec *r)
{
    if (r->method_number == M_GET) {         /* or HEAD */
        return NULL;
    }
    apr_table_setn(r->headers_out, "Allow", "GET, HEAD");
    return at_error_make(r->pool, AT_METHOD_NOT_ALLOWED,
                         "This address accepts only GET.");
}

/* Use the database as a call would, within a call's time. */
static at_error_t *check_database(request_rec *r, const at_config_t *config)
{
    const char *version = NULL, *charset = NULL;
    const at_fault_t *fault;
    at_store_t *store;

    store = at_store_dbd_make(r, config->registered, NULL);
    store->deadline = at_clock_now() + config->retry_budget;
    do {
        fault = at_store_dbd_startup(store, &version, &charset);
    } while (fault && fault->outcome == AT_STORE_RETRY
             && at_clock_now() < store->deadline);
    store->release(store);
    if (!fault) {
        fault = at_statements_schema_fault(
            at_dbd_statements(config->registered), version, r->pool);
    }
    if (!fault) {
        fault = at_statements_charset_fault(charset, r->pool);
    }
    return fault ? at_error_fault(r->pool, AT_SERVICE_UNAVAILABLE, fault)
                 : NULL;
}

int at_handler_ready(request_rec *r)
{
    at_exchange_t *exchange;
    const char *nothing;
    at_error_t *error;
    at_body_t body;

    if (!r->handler || strcmp(r->handler, AT_HANDLER_READY)) {
        return DECLINED;
    }
    exchange = at_exchange_begin(r);
    nothing = find_nothing(exchange);
    if (nothing) {
        return answer_nothing(exchange, nothing);
    }
    error = check_ready_method(r);
    if (!error) {
        error = check_database(r, exchange->config);
    }
    if (error) {
        return at_exchange_send_error(exchange, error);
    }
    at_reply_ready(&body, r->pool);
    return at_exchange_send_data(exchange, &body, NULL);
}

int at_handler_error(request_rec *r)
{
    at_exchange_t *exchange;
    int http_status;

    if (!r->handler || strcmp(r->handler, AT_HANDLER_ERROR)) {
        return DECLINED;
    }
    exchange = at_exchange_begin(r);
    http_status = r->prev && ap_is_HTTP_ERROR(r->prev->status)
                  ? r->prev->status : HTTP_NOT_FOUND;
    return at_exchange_send_error_as(exchange,
        at_error_make(r->pool, code_of_status(http_status),
                      "The server refused the request: %s.",
                      ap_get_status_line(http_status)),
        http_status);
}

/* Unless TraceEnable is off, httpd answers TRACE before it calls any handler,
 * with the whole request, including Authorization. */
int at_handler_trace(request_rec *r)
{
    const char *name;

    if (r->method_number != M_TRACE) {
        return DECLINED;
    }
    name = at_address_handler(r);
    if (!name || (strcmp(name, AT_HANDLER_UPDATE)
                  && strcmp(name, AT_HANDLER_READY)
                  && strcmp(name, AT_HANDLER_ERROR))) {
        return DECLINED;
    }
    r->handler = name;
    if (at_handler_update(r) == DECLINED && at_handler_ready(r) == DECLINED) {
        (void)at_handler_error(r);
    }
    return DONE;
}
