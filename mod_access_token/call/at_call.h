/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A call while it runs: what at_update.c (load, save, try again) and
 * at_judge.c (who calls, which access token, may it become that) share.
 */
#ifndef AT_CALL_H
#define AT_CALL_H

#include "at_error.h"
#include "at_field.h"
#include "at_hashing.h"
#include "at_plan.h"
#include "at_request.h"
#include "at_rules.h"
#include "at_store.h"
#include "at_update.h"

/** What is to follow an attempt. */
typedef enum {
    AT_NEXT_NOTHING,          /* its result stands */
    AT_NEXT_AT_ONCE,          /* another one */
    AT_NEXT_LATER             /* another one, after a pause */
} at_next_e;

/** What is known of a save whose connection was lost. */
typedef enum {
    AT_OPEN_NOT,              /* there is none, or it was resolved */
    AT_OPEN_PENDING,          /* it may have been done, or may yet be */
    AT_OPEN_PAST,             /* it may have been done; it no longer can be,
                                 and the row does not say whether it was */
    AT_OPEN_NO_KEY            /* likewise, and its Idempotency-Key was not
                                 found: it was not done if the caller, of
                                 whom the key is looked for, is known still */
} at_open_e;

/**
 * What at_call_hash works on, and what comes of it. It is copied byte by
 * byte for a thread that may outlive the call, so it points at nothing of the
 * request's. What is longer than its place is cut, and still too long to be
 * a pass code or a hash that anything opens.
 */
typedef struct at_slow_t {
    at_scheme_t scheme;
    char pass_code[AT_PASSCODE_BYTES + 2];
    char sent[AT_PASSCODE_BYTES + 2];      /* the one to try next, or "" */
    char hash[AT_PASSCODE_HASH_BYTES + 1]; /* "": there is none */
    int verified;
} at_slow_t;

/** One call and what it keeps from attempt to attempt. */
typedef struct at_call_t {
    at_update_t *update;
    apr_pool_t *pool;
    at_store_t *store;
    const at_request_t *request;
    const char *request_id;   /* its own; the row remembers it */

    at_row_t *row;            /* as loaded last */
    at_rules_t *rules;
    at_field_value_t *change; /* for each field: what is to be saved */
    int generate[AT_CREDENTIAL_COUNT];
    const char *generated[AT_CREDENTIAL_COUNT];
    const char *verified_hash; /* what key_pass_code was verified by */
    const char *not_verified; /* why the loaded row's hash was not looked at,
                                 for the log; or NULL */
    const char *hashed;       /* the pass code that HASH is of */
    const char *hash;

    int look_for_request;     /* has the Idempotency-Key come before? */
    int is_replay;            /* it has, and this is the same request */
    int is_done;              /* this very call has saved, as was found out
                                 behind it */
    int save_tried;           /* a save was tried, */
    apr_uint64_t guard;       /* and the last one was guarded by this
                                 version */
    at_open_e open;           /* whether that save is open: each save that
                                 is, is guarded by the same version */

    int generations;          /* how often a generated value was taken */
    int lost_races;
    int retries;              /* how often the store said to try again */
    int stale;                /* how often it said AT_STORE_STALE */
    apr_time_t started;       /* the last attempt */
    at_next_e next;
    at_error_t *cause;        /* the fault that the last attempt met, or
                                 NULL */
} at_call_t;

/** The error for a session that is missing, unknown or expired. */
at_error_t *at_judge_no_session(at_call_t *call);

/** Judge who calls, by the loaded row; fills the update's caller. */
at_error_t *at_judge_caller(at_call_t *call) AT_MUST_CHECK;

/**
 * Judge whether the loaded row is the access token that the request names;
 * fills the update's id. Gives the connection back before it verifies a
 * pass code, in its turn.
 */
at_error_t *at_judge_key(at_call_t *call) AT_MUST_CHECK;

/** Judge If-Match and If-None-Match. */
at_error_t *at_judge_precondition(at_call_t *call) AT_MUST_CHECK;

/**
 * Judge the change by the rules; fills the call's rules, change and what
 * is to be generated. May run custom_fields.sql.
 */
at_error_t *at_judge_change(at_call_t *call) AT_MUST_CHECK;

/** What an OUTCOME of the store that is not done means for the call. */
at_error_t *at_call_outcome(at_call_t *call, at_outcome_e outcome);

/**
 * Do WORK with SLOW, which hashes or verifies PASS_CODE, in its turn; no
 * connection is held meanwhile. The pass codes in SLOW are wiped; its hash is
 * the caller's to wipe. The deadline is put off by what the work
 * took, not by the wait for a processor. An error if it was not done in
 * time: then SLOW is as it was.
 */
at_error_t *at_call_hash(at_call_t *call, at_hashing_work_t work,
                         at_slow_t *slow, const char *pass_code)
    AT_MUST_CHECK;

#endif /* AT_CALL_H */
