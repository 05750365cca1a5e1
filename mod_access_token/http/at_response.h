/* SPDX-License-Identifier: Apache-2.0 */
/* Answering: statuses, headers and bodies of every reply of the module. */
#ifndef AT_RESPONSE_H
#define AT_RESPONSE_H

#include <httpd.h>

#include "at_config.h"
#include "at_error.h"
#include "at_reply.h"

/** Notes for LogFormat. */
#define AT_NOTE_ID         "access_token_id"
#define AT_NOTE_CODE       "access_token_code"
#define AT_NOTE_REQUEST_ID "access_token_request_id"
#define AT_NOTE_CHANGE     "access_token_change"

/** A request that is to be answered. */
typedef struct at_exchange_t {
    request_rec *r;
    const at_config_t *config;
    const char *request_id;   /* X-Request-Id, also for the log */
    int body_ended;           /* the request's body was read to its end */
} at_exchange_t;

/**
 * Begin the exchange of R: find or make its request id, set the headers
 * that every reply has, and the request id's note.
 */
at_exchange_t *at_exchange_begin(request_rec *r);

/**
 * Answer by the data BODY and the entity tag ETAG, or none if that is NULL;
 * the database has served, so an incident may be over. Returns what the
 * handler is to return.
 */
int at_exchange_send_data(at_exchange_t *exchange, const at_body_t *body,
                          const char *etag);

/**
 * Answer by ERROR, with its own HTTP status, or 200 where the HTTP-200
 * mode says so; problem details if the client accepts them. Logs its
 * detail, if it has one: a fault of the database once per incident.
 * Returns what the handler is to return.
 */
int at_exchange_send_error(at_exchange_t *exchange, const at_error_t *error);

/** The same with the status HTTP_STATUS, whatever the mode. */
int at_exchange_send_error_as(at_exchange_t *exchange,
                              const at_error_t *error, int http_status);

#endif /* AT_RESPONSE_H */
