/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One call of the method, from the parsed request to the body of its reply:
 * load, authenticate, identify, judge, save. Contract, section 5, "Order".
 */
#ifndef AT_UPDATE_H
#define AT_UPDATE_H

#include <apr_pools.h>
#include <apr_time.h>

#include "at_error.h"
#include "at_hashing.h"
#include "at_passcode.h"
#include "at_reply.h"
#include "at_request.h"
#include "at_statements.h"
#include "at_store.h"

/** How often a call is attempted that loses against others' updates. */
#define AT_UPDATE_ATTEMPTS 100

/** How often a generated value that is taken is generated anew. */
#define AT_UPDATE_GENERATIONS 100

/**
 * By how much a save raises the version: save.sql, and triggers that may be
 * behind it. A process learns it from its first saves; all its threads share
 * this, so the members are read and set atomically.
 */
typedef struct at_step_t {
    volatile apr_uint32_t known; /* 0: not yet */
    volatile apr_uint32_t seen;  /* after the last save that was looked at */
} at_step_t;

typedef struct at_update_t {
    /* What the caller of at_update_run gives. */
    apr_pool_t *pool;         /* of the request; all results live in it */
    at_store_t *store;
    const at_statements_t *statements;
    const at_scheme_t *scheme;
    const at_cost_t *cost_limit; /* the most that verifying may cost; NULL:
                                    any hash is verified */
    at_hashing_t *hashing;    /* where pass codes are hashed and verified;
                                 NULL: here, with no limit */
    const at_request_t *request;
    const char *token;        /* the session token, or NULL */
    const char *username;     /* whom Apache authenticated, or NULL */
    const char *if_match;     /* the header's value, or NULL */
    const char *if_none_match; /* likewise */
    const char *now;          /* as at_date_format writes it */
    apr_interval_time_t budget; /* how long to wait: for the database, and
                                   for a turn to hash */
    at_step_t *step;          /* by how much a save raises the version; NULL:
                                 by one */

    /* Of an Idempotency-Key; all NULL without one. */
    const char *idempotency_key;
    const char *request_digest;
    const char *request_expires; /* as at_date_format writes it */

    /* What it gets: each NULL until it is known, also with an error. */
    const char *caller;       /* the user's name */
    const char *id;           /* the access token's */
    const char *etag;         /* of the version that this call, or for a
                                 replay the last one, has made */
    const char *change;       /* the call's own id, which the row and the
                                 history have of the change that it made */
    int replayed;             /* an earlier call of this key did the work */
    at_body_t body;           /* of the reply, when there is no error */
} at_update_t;

/**
 * Carry out UPDATE. When it returns NULL, the change is committed; when it
 * returns an error of the 4xx, nothing has changed. AT_SERVICE_UNAVAILABLE
 * says in its description if it is open whether the change was made.
 *
 * What a fault of the database interrupts is done again, from the load on,
 * until the budget is used up. A save whose connection was lost is resolved
 * by the row itself, which remembers the ids of its last eight calls.
 */
at_error_t *at_update_run(at_update_t *update) AT_MUST_CHECK;

#endif /* AT_UPDATE_H */
