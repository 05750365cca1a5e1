/* SPDX-License-Identifier: Apache-2.0 */
/* Sending the replies of the module: status, headers and body. */
#ifndef AT_RESPONSE_H
#define AT_RESPONSE_H

#include <httpd.h>

#include "at_config.h"
#include "at_error.h"
#include "at_reply.h"

/** The notes that LogFormat can use. */
#define AT_NOTE_ID         "access_token_id"
#define AT_NOTE_CODE       "access_token_code"
#define AT_NOTE_REQUEST_ID "access_token_request_id"
#define AT_NOTE_CHANGE     "access_token_change"

/** A request that must be answered. */
typedef struct at_exchange_t {
    request_rec *r;
    const at_config_t *config;
    const char *request_id;   /* X-Request-Id, also for the log */
    int body_ended;           /* true: the request's body was read to its
                                 end */
} at_exchange_t;

/**
 * Begin the exchange of R: find or make its request id, set the headers
 * that every reply has, and the request id's note.
 */
at_exchange_t *at_exchange_begin(request_rec *r);

/**
 * Answer with the data BODY, and with the entity tag ETAG if that is not NULL.
 * The database works, so an incident may be over: then that is logged. Returns
 * what the handler must return.
 */
int at_exchange_send_data(at_exchange_t *exchange, const at_body_t *body,
                          const char *etag);

/**
 * Answer with ERROR: with the HTTP status of its code, or 200 if the HTTP-200
 * mode applies; as problem details if the client prefers these. Logs its
 * detail, if it has one; of an incident, only the first at the level error.
 * Returns what the handler must return.
 */
int at_exchange_send_error(at_exchange_t *exchange, const at_error_t *error);

/** The same with the status HTTP_STATUS in any mode. */
int at_exchange_send_error_as(at_exchange_t *exchange,
                              const at_error_t *error, int http_status);

#endif /* AT_RESPONSE_H */
