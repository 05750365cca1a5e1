/* SPDX-License-Identifier: Apache-2.0 */
/* Reading a request's body. The JSON parser copies the body while it arrives,
 * and parses it when it is complete (at_json.h). */
#ifndef AT_BODY_H
#define AT_BODY_H

#include <httpd.h>

#include "at_error.h"
#include "at_json.h"

/** How the reading of a body ended. */
typedef struct at_body_failure_t {
    apr_status_t reason;      /* why it failed, for the log; or APR_SUCCESS */
    int http_status;          /* of the answer to a failure; AP_FILTER_ERROR: a
                                 filter has already answered */
    int is_whole;             /* true: the body was read to its end */
} at_body_failure_t;

/**
 * Read R's body into *ROOT, which lives in R's pool. LIMIT is the greatest
 * length of the body in bytes, after decoding (contract, section 2). The text
 * of *ROOT is wiped with the pool (at_json.h). *FAILURE is always filled in.
 *
 * AT_REQUEST_TOO_LARGE: the body is longer than LIMIT. AT_INVALID_REQUEST: it
 * did not arrive completely or in time, or it could not be decoded; only then
 * the reason in *FAILURE is not APR_SUCCESS. AT_UNSUPPORTED_MEDIA_TYPE: it has
 * a Content-Encoding that no filter decodes. AT_INVALID_JSON.
 * AT_INTERNAL_ERROR: memory ran out.
 */
at_error_t *at_body_read(at_json_t **root, at_body_failure_t *failure,
                         request_rec *r, apr_off_t limit) AT_MUST_CHECK;

/**
 * Call this before R is answered with HTTP_STATUS, if its body was not read to
 * its end. It reads the rest and discards it, at most 1 MiB within 2 seconds:
 * a client that is still sending may not see its answer, since HTTP/2 resets
 * such a stream and some clients report only that. With HTTP/1, nothing is read
 * if the answer ends the connection, since httpd then waits for the client to
 * stop. If the rest is longer, the connection is closed after the answer, or
 * the remaining bytes would be parsed as the next request.
 *
 * Returns OK; or AP_FILTER_ERROR, if the rest was malformed and httpd has
 * already answered.
 */
int at_body_discard(request_rec *r, int http_status);

#endif /* AT_BODY_H */
