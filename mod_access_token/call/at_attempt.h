/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The state that a call keeps from attempt to attempt, and what all parts of
 * an attempt need: loading the row, hashing, and deciding after a fault
 * whether another attempt follows.
 */
#ifndef AT_ATTEMPT_H
#define AT_ATTEMPT_H

#include "at_call.h"
#include "at_error.h"
#include "at_field.h"
#include "at_hashing.h"
#include "at_plan.h"
#include "at_request.h"
#include "at_rules.h"
#include "at_store.h"

/** What follows an attempt. */
typedef enum at_next_e {
    AT_NEXT_NOTHING,          /* the call ends with its result */
    AT_NEXT_AT_ONCE,          /* another attempt */
    AT_NEXT_LATER             /* another attempt, after a pause */
} at_next_e;

/** What is known of a save whose connection was lost. */
typedef enum at_open_e {
    AT_OPEN_NOT,              /* there is none, or its outcome is known */
    AT_OPEN_PENDING,          /* it may have been done, or may yet be */
    AT_OPEN_PAST,             /* it may have been done, and can no longer be
                                 done; the row does not tell which */
    AT_OPEN_NO_KEY            /* as AT_OPEN_PAST, and its Idempotency-Key was
                                 not found. So it was not done, provided that
                                 the caller, whose keys were searched, is
                                 still known */
} at_open_e;

/** The state of a call. Each group of members has one writer. */
typedef struct at_attempt_t {
    /* Set by at_attempt_begin; they stay as they are. */
    at_call_t *call;
    apr_pool_t *pool;         /* the call's */
    at_store_t *store;        /* the call's */
    const at_request_t *request; /* the call's */
    const char *request_id;   /* made for this call; the row remembers it */
    const char *session_digest; /* of the session token; NULL without one */

    /* Written by at_attempt.c. */
    at_next_e next;
    apr_time_t started;       /* when this attempt began; time spent on
                                 hashing does not count */
    int retries;              /* how many attempts a passing fault ended */
    int stale;                /* how many ended with AT_STORE_STALE */
    int loads;                /* how many load statements this attempt ran */

    /* Written by at_update.c. */
    at_row_t *row;            /* as loaded by this attempt */
    const char *hashed;       /* the new pass code that HASH was made of */
    const char *hash;

    /* Written by at_judge.c. */
    at_rules_t *rules;
    at_field_value_t *change; /* for each field: what will be saved;
                                 at_update.c puts generated values and the
                                 hash of a pass code into it */
    int generate[AT_CREDENTIAL_COUNT]; /* true: generate a new value */
    const char *verified_hash; /* the hash that the pass code of the request
                                  matched */
    const char *not_verified; /* for the log: why the loaded row's hash was
                                 not verified; or NULL */

    /* Written by at_update.c; at_save.c removes a value that is taken. */
    const char *generated[AT_CREDENTIAL_COUNT];

    /* Written by at_save.c; at_attempt_begin sets the first. */
    int look_for_request;     /* look whether the Idempotency-Key was used */
    int is_replay;            /* it was, by an equal request */
    int is_done;              /* this call's own save is done */
    int save_tried;           /* a save was tried; */
    apr_uint64_t guard;       /* the last one was guarded by this version */
    at_open_e open;           /* all open saves have the same guard */
    int generations;          /* how often a generated value was taken */
    int lost_races;           /* how many attempts other calls' saves ended, */
    int same_guards;          /* and how many of these had the guard of the one
                                 before */
    apr_uint64_t lost_guard;  /* of the last one */
} at_attempt_t;

/**
 * The input and the output of slow work. A thread that may outlive the call
 * works on a copy, so it contains no pointer to the request's memory. Text
 * that is too long for its array is cut; it is then still too long to be a
 * pass code or a hash that opens anything.
 */
typedef struct at_slow_t {
    at_scheme_t scheme;
    char pass_code[AT_PASSCODE_BYTES + 2];
    char sent[AT_PASSCODE_BYTES + 2];      /* the one to try next, or "" */
    char hash[AT_PASSCODE_HASH_BYTES + 1]; /* "": there is none */
    int verified;
} at_slow_t;

/**
 * Fill ATTEMPT for CALL, and set the deadline of its store: the call's budget
 * from now on. Returns AT_INTERNAL_ERROR if libcrypto lacks a digest or
 * random numbers.
 */
at_error_t *at_attempt_begin(at_attempt_t *attempt, at_call_t *call)
    AT_MUST_CHECK;

/** Start an attempt now: unless something says otherwise, nothing follows. */
void at_attempt_start(at_attempt_t *attempt);

/** NEXT follows this attempt. */
void at_attempt_follow(at_attempt_t *attempt, at_next_e next);

/** Another attempt follows, after a pause, because a passing fault ended this
 *  one. */
void at_attempt_retry(at_attempt_t *attempt);

/** True if the store's deadline has not been reached. */
int at_attempt_is_in_time(const at_attempt_t *attempt);

/**
 * Load the access token into *ROW, in the pool: by its id once that is known,
 * since the call may change the code or the identifier that it was found by.
 * *ROW stays as it is if there is a fault.
 */
const at_fault_t *at_attempt_load(at_attempt_t *attempt, at_row_t **row)
    AT_MUST_CHECK;

/**
 * Load once more, and ignore the result, unless this attempt has loaded twice:
 * a call that finds no access token has. A refusal that does not depend on the
 * access token then takes the same time whether it exists or not.
 */
void at_attempt_even_out(at_attempt_t *attempt);

/**
 * The error for FAULT, which an operation of the store has just returned;
 * NULL for NULL. If the fault may pass and there is time, another attempt
 * follows.
 */
at_error_t *at_attempt_fault(at_attempt_t *attempt, const at_fault_t *fault)
    AT_MUST_CHECK;

/**
 * Have WORK hash or verify PASS_CODE, with SLOW as its baton, when there is a
 * turn for it; the connection is given back first. The pass codes in SLOW are
 * wiped before this returns; its hash is the caller's to wipe. The deadline
 * is moved by the time that the work took, but not by the wait for a turn.
 * Returns AT_SERVICE_UNAVAILABLE if the work was not done in time; SLOW is
 * otherwise unchanged then.
 */
at_error_t *at_attempt_hash(at_attempt_t *attempt, at_hashing_work_t work,
                            at_slow_t *slow, const char *pass_code)
    AT_MUST_CHECK;

/**
 * The error for work of CALL that the hashing of pass codes refused with
 * OUTCOME, AT_HASHING_FULL or AT_HASHING_LATE.
 */
at_error_t *at_attempt_no_turn(const at_call_t *call, at_hashing_e outcome);

#endif /* AT_ATTEMPT_H */
