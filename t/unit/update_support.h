/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the unit tests of one call share: a store in memory with one access
 * token, which loses races, has duplicates and breaks as a test wants it, and
 * the call. The linker calls the slow functions and the clock of this file
 * instead of the real ones: they count the calls, and fail the test if a
 * connection is held. set_up resets all of it; a test changes it after set_up.
 */
#ifndef UPDATE_SUPPORT_H
#define UPDATE_SUPPORT_H

#include "test_support.h"

#include "at_update.h"

/** The number of elements of ARRAY. */
#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* ---- the slow functions and the clock */

/** The time, which passes only in pauses and in the store's operations. */
extern apr_time_t clock_now;

/** The time by the real clock. */
apr_time_t __real_at_clock_now(void);

/** How long it takes to hash a pass code. */
extern apr_interval_time_t hash_takes;

/** 1: apr_sleep sleeps, and is not counted. */
extern int sleeps_really;

/** How often the slow functions ran, and apr_sleep. */
extern int hashes, verifications, verifications_of_nothing, pauses;

/** The operations of the store and the slow functions that ran, in order. */
extern const char *log_of_calls;

/* ---- the store in memory */

/** The store; a test reads it only. */
extern at_store_t store;

/** How often each operation ran; narrow_loads and document_loads are part of
 *  loads, and saved are the saves that changed the row. */
extern int narrow_loads, document_loads, loads, saves, saved, numbers, finds,
    lookups;

/** How many of the next lookups see a newer revision than the load did, and
 *  how many lookups before these see the same. */
extern int newer_lookups, after_lookup;

/** What find_request finds. */
extern at_saved_request_t remembered;

/** The values of the last save that changed the row; NULL before it. */
extern const char *const *saved_values;

/**
 * The outcomes of the next calls of each operation, one after the other; done
 * after the last. '.' is done, C1 conflict of field 1, F1 field 1 is too long, L lost race, R retry,
 * W retry after a wait for a lock, A retry after a wait for the connection,
 * X lost while saving and not saved, Y lost but saved, Z saved though the
 * database says that it was not, K the Idempotency-Key was saved, P no place,
 * T no connection in time, U unavailable, S stale, B broken.
 */
extern const char *load_outcomes, *save_outcomes, *custom_outcomes,
    *number_outcomes, *find_outcomes, *lookup_outcomes;

/** What others do right after the next find_request, or NULL. */
extern void (*after_find)(void);

/** What another program does between the load and the next save, or NULL. */
extern void (*meanwhile)(void);

/** What others do right after the next save, whatever its outcome, or NULL. */
extern void (*after_save)(void);

/** 1: a save that was lost is done by the database just before the next. */
extern int late;

/** The value of COLUMN in the stored row. */
const char *get(const char *column);

/** Set COLUMN of the stored row to VALUE. */
void set(const char *column, const char *value);

/** 1 if both strings are there and equal. */
int is(const char *one, const char *other);

/* ---- one call */

/** The access token in the store, by its code and by its identifier. */
#define BY_CODE "{\"authentication_code\":\"code-1\"}"
#define BY_IDENTIFIER "{\"identifier\":\"user-1\",\"pass_code\":\"old\"}"

/** When the call is made. */
#define NOW "2015-05-27T12:50:22"

/** The call, which a test completes before it runs. */
extern at_call_t call;

/** The error of the call that ran last; NULL if there was none. */
extern at_error_t *error;

/** 1: the call may give an error though it saved. */
extern int unclear;

/** A new store with the statements OF, and a call with a good session. */
void set_up_with(const at_statements_t *of);

/** The same with the statements that are shipped. */
void set_up(void);

/** The same, with the Idempotency-Key "key-1". */
void with_key(void);

/**
 * Run the call for the access token KEY, with the other MEMBERS of its JSON
 * text. Returns its outcome as test_error writes it.
 */
const char *run_call(const char *key, const char *members);

/** As run_call with BY_CODE. */
const char *update(const char *members);

/** The reply's data. */
at_json_t *data(void);

/** The text of the member NAME of the reply's data; NULL if there is none. */
const char *replied(const char *name);

/** The outcomes of COUNT lost races. */
const char *races(int count);

/* ---- what others do, for meanwhile, after_find and after_save */

/** The caller loses the permission. */
void withdraw_permission(void);

/** The row is deleted. */
void remove_the_row(void);

/** Other calls of the module save the row: as many as others_count. */
void others_save(void);
extern int others_count;

#endif /* UPDATE_SUPPORT_H */
