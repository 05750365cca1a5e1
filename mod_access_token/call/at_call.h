/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One call of the method as data: what it is given, and what it gives back.
 * at_update.h carries it out.
 */
#ifndef AT_CALL_H
#define AT_CALL_H

#include <apr_pools.h>
#include <apr_time.h>

#include "at_cost.h"
#include "at_digest.h"
#include "at_hashing.h"
#include "at_passcode.h"
#include "at_reply.h"
#include "at_request.h"
#include "at_statements.h"
#include "at_step.h"
#include "at_store.h"

typedef struct at_call_t {
    /* Given: set before at_update_run, and not changed by it. */
    apr_pool_t *pool;         /* the request's; all results live in it */
    at_store_t *store;        /* at_update_run sets its deadline */
    const at_statements_t *statements;
    const at_scheme_t *scheme; /* how new pass codes are hashed */
    const at_cost_t *cost_limit; /* the most that verifying a hash may cost;
                                    NULL: no limit */
    at_hashing_t *hashing;    /* where pass codes are hashed and verified;
                                 NULL: in this thread, with no limit */
    const at_digest_t *sha256; /* of at_digest_make, or NULL */
    const at_request_t *request;
    const char *token;        /* the session token, or NULL */
    const char *username;     /* the user that Apache authenticated, or
                                 NULL */
    const char *if_match;     /* the header's value, or NULL */
    const char *if_none_match; /* likewise */
    const char *now;          /* as at_date_format writes it */
    apr_interval_time_t budget; /* the longest wait for the database and for
                                   a turn to hash */
    at_step_t *step;          /* what earlier saves of this process have shown;
                                 NULL: a save raises the version by one, and
                                 its key is kept */

    /* Given with an Idempotency-Key; all NULL without one. */
    const char *idempotency_key;
    const char *request_digest;
    const char *request_expires; /* as at_date_format writes it */

    /* Got: NULL or 0 until it is known. What is known is set also when the
     * call ends with an error. */
    const char *caller;       /* at_judge.c: the user's name */
    const char *id;           /* at_judge.c, at_save.c: the access token's */
    const char *etag;         /* at_save.c: of the version that this call
                                 made; at_update.c: of a replay, the present
                                 version's */
    const char *change;       /* at_save.c: this call's own id, which the row
                                 and the history keep with the change */
    const char *warning;      /* at_save.c: for the log: what an admin must fix,
                                 whatever the answer is */
    int replayed;             /* at_update.c: an earlier call with the same
                                 Idempotency-Key made the change */
    at_body_t body;           /* at_update.c: the reply's, if there is no
                                 error */
} at_call_t;

#endif /* AT_CALL_H */
