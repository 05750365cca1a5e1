/* SPDX-License-Identifier: Apache-2.0 */
/* The bodies of replies: contract, sections 4 and 5. */
#ifndef AT_REPLY_H
#define AT_REPLY_H

#include <apr_pools.h>

#include "at_error.h"
#include "at_plan.h"
#include "at_select.h"

/** A body, NUL-terminated. */
typedef struct at_body_t {
    const char *text;
    apr_size_t length;        /* in bytes */
} at_body_t;

/**
 * Write the reply for ROW into *BODY in POOL: the members that SELECT wants,
 * and PASS_CODE, if it is not NULL, as data.pass_code. AT_INTERNAL_ERROR: a
 * value of ROW is not of the type that its column's name says, or there is no
 * memory.
 */
at_error_t *at_reply_data(at_body_t *body, const at_row_t *row,
                          const at_select_t *select, const char *pass_code,
                          apr_pool_t *pool) AT_MUST_CHECK;

/**
 * Write the body of the reply with ERROR into *BODY in POOL: problem details
 * (RFC 9457) with HTTP_STATUS if PROBLEM is true, else the method's own form.
 */
void at_reply_error(at_body_t *body, const at_error_t *error, int problem,
                    int http_status, apr_pool_t *pool);

/** Write the body of a readiness reply without an error into *BODY in POOL. */
void at_reply_ready(at_body_t *body, apr_pool_t *pool);

#endif /* AT_REPLY_H */
