/* SPDX-License-Identifier: Apache-2.0 */
#include "at_response.h"

#include <apr_buckets.h>
#include <apr_lib.h>
#include <apr_strings.h>

#include <http_core.h>
#include <http_log.h>
#include <http_protocol.h>
#include <util_filter.h>

#include "at_body.h"
#include "at_caller.h"
#include "at_child.h"
#include "at_clock.h"
#include "at_generate.h"
#include "at_number.h"

APLOG_USE_MODULE(access_token);

#define REQUEST_ID_HEADER "X-Request-Id"
#define REQUEST_ID_LENGTH 128

#define JSON_TYPE    "application/json; charset=utf-8"
#define PROBLEM_TYPE "application/problem+json"

/* A client's own id, if it is short, and visible ASCII only. */
static int is_request_id(const char *id)
{
    apr_size_t length = 0;

    for (; id[length]; length++) {
        if (id[length] <= ' ' || id[length] > '~') {
            return 0;
        }
    }
    return length > 0 && length <= REQUEST_ID_LENGTH;
}

static const char *find_request_id(request_rec *r)
{
    const char *id = apr_table_get(r->headers_in, REQUEST_ID_HEADER);

    if (id && is_request_id(id)) {
        return id;
    }
    /* After an internal redirect httpd has renamed it. Another module may have
     * set it to a text that httpd refuses to send as a header, and that would
     * be noticed only after the save. */
    id = apr_table_get(r->subprocess_env, "UNIQUE_ID");
    if (!id) {
        id = apr_table_get(r->subprocess_env, "REDIRECT_UNIQUE_ID");
    }
    if (!id || !is_request_id(id)) {
        id = at_generate_id(r->pool);
    }
    return id ? id : "-";
}

at_exchange_t *at_exchange_begin(request_rec *r)
{
    at_exchange_t *exchange = apr_pcalloc(r->pool, sizeof(*exchange));

    exchange->r = r;
    exchange->config = at_config_of(r);
    exchange->request_id = find_request_id(r);
    apr_table_setn(r->notes, AT_NOTE_REQUEST_ID, exchange->request_id);
    apr_table_setn(r->headers_out, REQUEST_ID_HEADER, exchange->request_id);
    apr_table_setn(r->headers_out, "Cache-Control", "no-store");
    return exchange;
}

static int send_body(at_exchange_t *exchange, const at_body_t *body,
                     const char *type, int http_status)
{
    request_rec *r = exchange->r;
    apr_bucket_alloc_t *buckets = r->connection->bucket_alloc;
    apr_bucket_brigade *brigade = apr_brigade_create(r->pool, buckets);
    apr_bucket *bucket;
    apr_status_t status;

    if (!exchange->body_ended
        && at_body_discard(r, http_status) == AP_FILTER_ERROR) {
        return AP_FILTER_ERROR;
    }
    /* Range is only for GET (RFC 9110, 14.2): the answer is sent whole. */
    (void)ap_remove_output_filter_byhandle(r->output_filters, "BYTERANGE");
    r->status = http_status;
    r->status_line = NULL;
    ap_set_content_type(r, type);
    ap_set_content_length(r, (apr_off_t)body->length);
    bucket = apr_bucket_pool_create(body->text, body->length, r->pool,
                                    buckets);
    APR_BRIGADE_INSERT_TAIL(brigade, bucket);
    bucket = apr_bucket_eos_create(buckets);
    APR_BRIGADE_INSERT_TAIL(brigade, bucket);
    status = ap_pass_brigade(r->output_filters, brigade);
    if (status != APR_SUCCESS) {
        ap_log_rerror(APLOG_MARK, APLOG_DEBUG, status, r, ATLOGNO("001")
                      "the client closed the connection before the answer was "
                      "sent [request %s]",
                      exchange->request_id);
    }
    return OK;
}

static void log_what_is_over(const at_exchange_t *exchange)
{
    at_incident_t *incidents = at_child_incidents(exchange->r);
    at_incident_report_t report;

    while (at_incident_over(&report, incidents, at_clock_now())) {
        ap_log_error(APLOG_MARK, APLOG_NOTICE, 0, exchange->r->server,
                     ATLOGNO("036") "over: %s; it failed %u calls in %u "
                     "seconds", at_incident_name(report.kind), report.calls,
                     report.seconds);
    }
}

int at_exchange_send_data(at_exchange_t *exchange, const at_body_t *body,
                          const char *etag)
{
    apr_table_setn(exchange->r->notes, AT_NOTE_CODE, at_code_name(AT_OK));
    if (etag) {
        apr_table_setn(exchange->r->headers_out, "ETag", etag);
    }
    log_what_is_over(exchange);
    return send_body(exchange, body, JSON_TYPE, HTTP_OK);
}

/* True if the Accept header names TYPE in full, with a *WEIGHT of 0 to 1 (RFC
 * 9110, 12.5.1). */
static int accepts(double *weight, request_rec *r, const char *type)
{
    const char *accept = apr_table_get(r->headers_in, "Accept");

    while (accept && *accept) {
        const char *range = ap_get_token(r->pool, &accept, 0);

        *weight = 1;
        while (*accept == ';') {
            const char *parameter;

            accept++;
            parameter = ap_get_token(r->pool, &accept, 1);
            if (!ap_cstr_casecmpn(parameter, "q=", 2)
                && at_number_parse(weight, parameter + 2) != AT_NUMBER_READ) {
                *weight = 0;
            }
        }
        if (!ap_cstr_casecmp(range, type)) {
            return 1;
        }
        accept += *accept == ',';
    }
    return 0;
}

static int prefers_problem(request_rec *r)
{
    double problem, json;

    return accepts(&problem, r, PROBLEM_TYPE) && problem > 0
           && (!accepts(&json, r, "application/json") || problem >= json);
}

static void log_detail(const at_exchange_t *exchange,
                       const at_error_t *error)
{
    const char *detail = at_error_detail(error);
    int level = APLOG_ERR;

    /* Of an incident, only the first call is logged as an error. */
    if (!at_incident_begins(at_child_incidents(exchange->r), error->fault,
                            at_clock_now())) {
        level = APLOG_INFO;
    }
    if (detail && error->code == AT_SERVICE_UNAVAILABLE) {
        ap_log_rerror(APLOG_MARK, level, 0, exchange->r, ATLOGNO("002")
                      "unavailable: %s [request %s]", detail,
                      exchange->request_id);
    }
    else if (detail && error->code == AT_ACCESS_TOKEN_NOT_FOUND) {
        ap_log_rerror(APLOG_MARK, APLOG_WARNING, 0, exchange->r,
                      ATLOGNO("052") "%s [request %s]", detail,
                      exchange->request_id);
    }
    else if (detail) {
        ap_log_rerror(APLOG_MARK, level, 0, exchange->r, ATLOGNO("003")
                      "%s [request %s]", detail,
                      exchange->request_id);
    }
    else {
        ap_log_rerror(APLOG_MARK, APLOG_DEBUG, 0, exchange->r,
                      ATLOGNO("004") "answered %s [request %s]",
                      at_code_name(error->code), exchange->request_id);
    }
}

/* For programs that ban addresses, such as fail2ban: see conf/fail2ban/. What
 * Apache itself refuses, Apache logs. The line has no value of the request but
 * its id. */
static void log_refusal(const at_exchange_t *exchange, at_code_e code)
{
    if (code == AT_INVALID_TOKEN || code == AT_FORBIDDEN
        || code == AT_ACCESS_TOKEN_NOT_FOUND) {
        ap_log_rerror(APLOG_MARK, APLOG_INFO, 0, exchange->r, ATLOGNO("060")
                      "refused: %s [request %s]", at_code_name(code),
                      exchange->request_id);
    }
}

int at_exchange_send_error_as(at_exchange_t *exchange,
                              const at_error_t *error, int http_status)
{
    request_rec *r = exchange->r;
    int problem = prefers_problem(r);
    at_body_t body;

    log_detail(exchange, error);
    apr_table_setn(r->notes, AT_NOTE_CODE, at_code_name(error->code));
    if (error->code == AT_METHOD_NOT_ALLOWED
        && !apr_table_get(r->headers_out, "Allow")) {
        apr_table_setn(r->headers_out, "Allow", "OPTIONS, POST");
    }
    if (http_status == HTTP_UNAUTHORIZED) {
        at_caller_challenge(r, exchange->config);
    }
    if (http_status == HTTP_SERVICE_UNAVAILABLE) {
        apr_table_setn(r->headers_out, "Retry-After",
                       apr_itoa(r->pool, exchange->config->retry_after));
    }
    at_reply_error(&body, error, problem, http_status, r->pool);
    return send_body(exchange, &body, problem ? PROBLEM_TYPE : JSON_TYPE,
                     http_status);
}

int at_exchange_send_error(at_exchange_t *exchange, const at_error_t *error)
{
    int http_status = at_code_http_status(error->code);

    log_refusal(exchange, error->code);
    if (exchange->config->http_200 && at_code_may_be_200(error->code)) {
        http_status = HTTP_OK;
    }
    return at_exchange_send_error_as(exchange, error, http_status);
}
