/* SPDX-License-Identifier: Apache-2.0 */
/* Reading a request's body: kept while it arrives, parsed when it is whole. */
#ifndef AT_BODY_H
#define AT_BODY_H

#include <httpd.h>

#include "at_error.h"
#include "at_json.h"

/** What became of a body, and why it could not be read. */
typedef struct at_body_failure_t {
    apr_status_t reason;      /* for the log */
    int http_status;          /* what to answer, or AP_FILTER_ERROR: a
                                 filter has answered */
    int is_whole;             /* it was read to its end */
} at_body_failure_t;

/**
 * Read R's body of at most LIMIT bytes (after decoding) into *ROOT in R's
 * pool. The error is AT_REQUEST_TOO_LARGE, AT_UNSUPPORTED_MEDIA_TYPE (it
 * has a Content-Encoding, and no filter decodes it), AT_INVALID_JSON, or,
 * when it did not arrive whole, AT_INVALID_REQUEST with *FAILURE filled; the
 * reason in *FAILURE is APR_SUCCESS otherwise. AT_INTERNAL_ERROR: no memory.
 */
at_error_t *at_body_read(at_json_t **root, at_body_failure_t *failure,
                         request_rec *r, apr_off_t limit) AT_MUST_CHECK;

/**
 * To be called before R is answered by HTTP_STATUS, where its body was not
 * read to its end. Reads the rest and throws it away, at most 1 MiB within
 * 2 seconds, since a client that is still sending may never see its answer:
 * HTTP/2 resets such a stream, and not all clients take that for what it is.
 * (With HTTP/1 httpd lingers after an answer that ends the connection: then
 * nothing is read.) Where the rest does not end, the connection does, or what
 * is left would be taken for the next request. OK, or AP_FILTER_ERROR if httpd
 * itself has answered, since the rest was broken.
 */
int at_body_discard(request_rec *r, int http_status);

#endif /* AT_BODY_H */
