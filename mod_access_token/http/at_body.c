/* SPDX-License-Identifier: Apache-2.0 */
#include "at_body.h"

#include <string.h>

#include <apr_buckets.h>
#include <apr_strings.h>

#include <http_core.h>
#include <http_protocol.h>
#include <util_filter.h>

#include "at_clock.h"

/* How much of a refused body is still read, so that the client has finished
 * sending when the answer comes; how long that may take; and how long to wait
 * between two reads. */
#define DISCARD_BYTES (1024 * 1024)
#define DISCARD_TIME  apr_time_from_sec(2)
#define DISCARD_PAUSE apr_time_from_msec(5)

typedef struct {
    request_rec *r;
    at_json_parser_t *parser;
    apr_off_t limit;
    apr_off_t length;         /* of what has been read, in bytes */
    int ended;                /* its end has been read */
} reader_t;

static at_error_t *too_large(const reader_t *reader)
{
    return at_error_make(reader->r->pool, AT_REQUEST_TOO_LARGE,
                         "The body must have at most %" APR_OFF_T_FMT
                         " bytes.", reader->limit);
}

/* Refuse a Content-Length that is too large before the body is read. */
static at_error_t *check_announced_length(const reader_t *reader)
{
    const char *header = apr_table_get(reader->r->headers_in,
                                       "Content-Length");
    apr_off_t length;
    char *end;

    if (header
        && apr_strtoff(&length, header, &end, 10) == APR_SUCCESS
        && !*end && length > reader->limit) {
        return too_large(reader);
    }
    return NULL;
}

/* Wipe the LENGTH bytes at DATA, which the parser has copied. httpd reuses the
 * heap memory into which it reads from a connection. Other kinds of memory are
 * not ours to change. */
static void wipe(const apr_bucket *bucket, const char *data,
                 apr_size_t length)
{
    if (APR_BUCKET_IS_HEAP(bucket)) {
        explicit_bzero((void *)data, length);
    }
}

/* Give the body's bytes in BRIGADE to the parser, up to the limit. */
static apr_status_t read_buckets(reader_t *reader,
                                 apr_bucket_brigade *brigade)
{
    apr_bucket *bucket;

    for (bucket = APR_BRIGADE_FIRST(brigade);
         bucket != APR_BRIGADE_SENTINEL(brigade);
         bucket = APR_BUCKET_NEXT(bucket)) {
        const char *data;
        apr_size_t length;
        apr_status_t status;

        if (APR_BUCKET_IS_EOS(bucket)) {
            reader->ended = 1;
            break;
        }
        if (APR_BUCKET_IS_METADATA(bucket)) {
            continue;
        }
        status = apr_bucket_read(bucket, &data, &length, APR_BLOCK_READ);
        if (status != APR_SUCCESS) {
            return status;
        }
        reader->length += (apr_off_t)length;
        if (reader->length <= reader->limit) {
            at_json_parser_feed(reader->parser, data, length);
        }
        wipe(bucket, data, length);
    }
    return APR_SUCCESS;
}

/* Read the body to its end, or until it is longer than the limit. */
static apr_status_t read_all(reader_t *reader)
{
    request_rec *r = reader->r;
    apr_bucket_brigade *brigade =
        apr_brigade_create(r->pool, r->connection->bucket_alloc);
    apr_status_t status = APR_SUCCESS;

    while (status == APR_SUCCESS && !reader->ended
           && reader->length <= reader->limit) {
        status = ap_get_brigade(r->input_filters, brigade,
                                AP_MODE_READBYTES, APR_BLOCK_READ,
                                HUGE_STRING_LEN);
        if (status == APR_SUCCESS) {
            status = read_buckets(reader, brigade);
        }
        apr_brigade_cleanup(brigade);
    }
    apr_brigade_destroy(brigade);
    return status;
}

/* True if the body is still encoded: a filter that decodes a body removes its
 * coding from this header. */
static int is_encoded(request_rec *r)
{
    const char *codings = apr_table_get(r->headers_in, "Content-Encoding");
    char *copy = apr_pstrdup(r->pool, codings ? codings : ""), *state;
    const char *coding;

    apr_collapse_spaces(copy, copy);
    coding = apr_strtok(copy, ",", &state);
    while (coding && !ap_cstr_casecmp(coding, "identity")) {
        coding = apr_strtok(NULL, ",", &state);
    }
    return coding != NULL;
}

at_error_t *at_body_read(at_json_t **root, at_body_failure_t *failure,
                         request_rec *r, apr_off_t limit)
{
    reader_t reader = { r, NULL, limit, 0, 0 };

    failure->reason = APR_SUCCESS;
    failure->http_status = OK;
    failure->is_whole = 0;
    AT_TRY(check_announced_length(&reader));
    reader.parser = at_json_parser_make(r->pool);
    if (!reader.parser) {
        return at_error_hidden(r->pool, AT_INTERNAL_ERROR,
                               "no memory for a JSON parser");
    }
    failure->reason = read_all(&reader);
    failure->is_whole = failure->reason == APR_SUCCESS && reader.ended;
    if (failure->reason != APR_SUCCESS) {
        failure->http_status = ap_map_http_request_error(failure->reason,
                                                         HTTP_BAD_REQUEST);
        return at_error_make(r->pool, AT_INVALID_REQUEST, "The body could not "
                             "be read: it did not arrive whole or in time, "
                             "or its encoding is broken.");
    }
    if (reader.length > limit) {
        return too_large(&reader);
    }
    if (is_encoded(r)) {
        return at_error_make(r->pool, AT_UNSUPPORTED_MEDIA_TYPE, "This "
                             "Content-Encoding is not accepted here. Send "
                             "the body without one.");
    }
    return at_json_parser_finish(root, reader.parser);
}

/* Discard what has arrived of the body, without waiting for more, and lower
 * *LEFT by its length. APR_EAGAIN: nothing has arrived; APR_EOF: that was the
 * end. */
static apr_status_t discard_some(apr_size_t *left, request_rec *r,
                                 apr_bucket_brigade *brigade)
{
    apr_bucket *bucket;
    apr_status_t status = ap_get_brigade(r->proto_input_filters, brigade,
                                         AP_MODE_READBYTES,
                                         APR_NONBLOCK_READ, HUGE_STRING_LEN);

    if (status == APR_SUCCESS && APR_BRIGADE_EMPTY(brigade)) {
        return APR_EAGAIN;
    }
    for (bucket = APR_BRIGADE_FIRST(brigade);
         status == APR_SUCCESS && bucket != APR_BRIGADE_SENTINEL(brigade);
         bucket = APR_BUCKET_NEXT(bucket)) {
        const char *data;
        apr_size_t length = 0;

        if (APR_BUCKET_IS_EOS(bucket)) {
            status = APR_EOF;
        }
        else if (!APR_BUCKET_IS_METADATA(bucket)) {
            status = apr_bucket_read(bucket, &data, &length, APR_BLOCK_READ);
        }
        *left -= length < *left ? length : *left;
    }
    apr_brigade_cleanup(brigade);
    return status;
}

/* Discard the rest of R's body, within the limits above. APR_EOF: that was the
 * end; APR_SUCCESS or APR_EAGAIN: there is more. */
static apr_status_t discard_rest(request_rec *r)
{
    apr_bucket_brigade *brigade =
        apr_brigade_create(r->pool, r->connection->bucket_alloc);
    apr_time_t until = at_clock_now() + DISCARD_TIME;
    apr_size_t left = DISCARD_BYTES;
    apr_status_t status;

    do {
        status = discard_some(&left, r, brigade);
        if (APR_STATUS_IS_EAGAIN(status) && at_clock_now() < until) {
            apr_sleep(DISCARD_PAUSE);
            status = APR_SUCCESS;
        }
    } while (status == APR_SUCCESS && left > 0);
    apr_brigade_destroy(brigade);
    return status;
}

int at_body_discard(request_rec *r, int http_status)
{
    conn_rec *connection = r->connection;
    int ends = r->expecting_100 != 0;     /* the client waits to send it */
    apr_status_t status = APR_EOF;

    /* For HTTP/2, httpd makes a connection for each request, which always
     * ends. */
    if (r->proto_num < HTTP_VERSION(2, 0)) {
        ends = ends || connection->keepalive == AP_CONN_CLOSE
               || ap_status_drops_connection(http_status);
    }
    if (!ends && !r->main) {
        status = discard_rest(r);
    }
    if (ends || status != APR_EOF) {
        connection->keepalive = AP_CONN_CLOSE;
    }
    return status == AP_FILTER_ERROR ? AP_FILTER_ERROR : OK;
}
