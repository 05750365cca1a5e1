/* SPDX-License-Identifier: Apache-2.0 */
#include "at_update.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <apr_atomic.h>
#include <apr_strings.h>

#include "at_call.h"
#include "at_clock.h"
#include "at_lookup.h"
#include "at_digest.h"
#include "at_etag.h"
#include "at_generate.h"
#include "at_select.h"
#include "at_wipe.h"

/* The longest pauses before a new attempt, in milliseconds. */
#define LONGEST_PAUSE_OF_RACE  32
#define LONGEST_PAUSE_OF_FAULT 250

/* How often what may be stale in the database is tried again. */
#define MOST_STALE 4

/* How many calls a row remembers. */
#define REMEMBERED 8

/* True if there is time for another attempt. What has waited for a lock
 * will wait again: it is begun only if it can come to its end, since a
 * statement that is cut off leaves it open what it did. */
static int has_time(const at_call_t *call)
{
    apr_time_t now = at_clock_now();
    apr_interval_time_t needed = 0;

    if (call->store->fault == AT_FAULT_WAIT) {
        needed = now - call->started;
    }
    return now + needed < call->store->deadline;
}

/* True if another attempt may come to something. */
static int is_passing(at_call_t *call, at_outcome_e outcome)
{
    if (outcome == AT_STORE_STALE) {
        return call->stale++ < MOST_STALE;
    }
    return outcome == AT_STORE_RETRY || outcome == AT_STORE_LOST;
}

at_error_t *at_call_outcome(at_call_t *call, at_outcome_e outcome)
{
    int is_broken = outcome == AT_STORE_BROKEN || outcome == AT_STORE_STALE;
    at_error_t *error = at_error_hidden(call->pool,
                                        is_broken ? AT_INTERNAL_ERROR
                                                  : AT_SERVICE_UNAVAILABLE,
                                        call->store->detail);

    error->fault = call->store->fault;
    if (is_passing(call, outcome) && has_time(call)) {
        call->retries++;
        call->next = AT_NEXT_LATER;
    }
    return error;
}

/* The version of ROW, in which the access token was found. */
static at_error_t *read_version(apr_uint64_t *version, const at_row_t *row,
                                apr_pool_t *pool)
{
    const char *text = at_row_input(row, AT_COLUMN_TOKEN_VERSION);

    errno = 0;
    *version = 0;
    if (text && *text && strspn(text, "0123456789") == strlen(text)) {
        *version = strtoull(text, NULL, 10);
        if (errno == 0) {
            return NULL;
        }
    }
    return at_error_hidden(pool, AT_INTERNAL_ERROR,
        apr_psprintf(pool, "token.version of the access token %s is %s; it "
                     "must be a whole number from 0 to 2^64 - 1",
                     at_row_input(row, AT_COLUMN_TOKEN_ID),
                     text ? "none" : "NULL"));
}

static at_error_t *no_turn(const at_call_t *call, at_hashing_e outcome)
{
    int limit = at_hashing_limit(call->update->hashing);
    at_error_t *error = at_error_make(call->pool, AT_SERVICE_UNAVAILABLE,
        "Too many pass codes are being set or verified just now. Nothing has "
        "changed.");

    error->fault = AT_FAULT_HASHING;
    error->detail = apr_psprintf(call->pool, "%s to hash or verify a pass "
        "code, %d at once in this child; see who sends so many calls with "
        "pass codes, what else keeps the processors busy, "
        "AccessTokenHashingLimit, and the cost of AccessTokenPassCodeScheme",
        outcome == AT_HASHING_FULL
        ? "too many calls of this child waited already"
        : "the budget was over before there was a processor", limit);
    return error;
}

at_error_t *at_call_hash(at_call_t *call, at_hashing_work_t work,
                         at_slow_t *slow, const char *pass_code)
{
    apr_time_t suspended = at_clock_now();
    apr_interval_time_t taken;
    at_hashing_e outcome;

    call->store->release(call->store);
    apr_cpystrn(slow->pass_code, pass_code, sizeof(slow->pass_code));
    outcome = at_hashing_run(call->update->hashing, work, slow,
                             sizeof(*slow), call->store->deadline, &taken);
    explicit_bzero(slow->pass_code, sizeof(slow->pass_code));
    explicit_bzero(slow->sent, sizeof(slow->sent));
    call->store->deadline += taken;
    /* The next attempt will not do it again. */
    call->started += at_clock_now() - suspended;
    return outcome == AT_HASHING_DONE ? NULL : no_turn(call, outcome);
}

/* The session token's digest in *DIGEST; NULL if there is no token. */
static at_error_t *digest_session(const char **digest, const at_call_t *call)
{
    const char *token = call->update->token;

    *digest = token ? at_digest_sha256(call->pool, token) : NULL;
    if (token && !*digest) {
        return at_error_hidden(call->pool, AT_INTERNAL_ERROR,
                               "libcrypto has no SHA-256");
    }
    return NULL;
}

/* By how much save.sql raises the version, as far as is known. */
static apr_uint32_t step_of(const at_update_t *update)
{
    apr_uint32_t step = update->step ? apr_atomic_read32(&update->step->known)
                                     : 1;

    return step ? step : 1;
}

/* The last save is done, and made the version that follows its guard. */
static void note_change(at_call_t *call)
{
    call->is_done = 1;
    call->open = AT_OPEN_NOT;
    call->update->change = call->request_id;
    call->update->etag = at_etag_make(call->pool, call->update->id,
        apr_psprintf(call->pool, "%" APR_UINT64_T_FMT,
                     call->guard + step_of(call->update)));
}

/* Has a call with this Idempotency-Key been saved? Its access token is then
 * loaded by id, since that call may have changed what it was found by. It
 * may have been this one. */
static at_error_t *find_request(at_call_t *call)
{
    at_update_t *update = call->update;
    const char *values[AT_FIND_COUNT];
    at_saved_request_t saved = { NULL, NULL, NULL };
    at_outcome_e outcome;

    AT_TRY(digest_session(&values[AT_FIND_SESSION_DIGEST], call));
    values[AT_FIND_USERNAME] = update->username;
    values[AT_FIND_NOW] = update->now;
    values[AT_FIND_IDEMPOTENCY_KEY] = update->idempotency_key;
    outcome = call->store->find_request(call->store, values, &saved);
    if (outcome != AT_STORE_DONE) {
        return at_call_outcome(call, outcome);
    }
    call->look_for_request = 0;
    if (!saved.token_id) {
        if (call->open == AT_OPEN_PAST) {
            call->open = AT_OPEN_NO_KEY;
        }
        return NULL;
    }
    if (saved.request_id && !strcmp(saved.request_id, call->request_id)) {
        note_change(call);
        return NULL;
    }
    call->open = AT_OPEN_NOT;    /* a save of this call would violate the key */
    if (!saved.digest || strcmp(saved.digest, update->request_digest)) {
        return at_error_make(call->pool, AT_IDEMPOTENCY_KEY_REUSED, "This "
                             "Idempotency-Key has come with another request "
                             "before. Take a new key for a new request.");
    }
    call->is_replay = 1;
    update->id = saved.token_id;
    return NULL;
}

/* Load into *ROW. After the first load by id: the call may change what it
 * looked by. */
static at_error_t *load_row(at_outcome_e *outcome, at_call_t *call,
                            at_row_t **row)
{
    at_update_t *update = call->update;
    const char *values[AT_LOAD_COUNT];

    AT_TRY(digest_session(&values[AT_LOAD_SESSION_DIGEST], call));
    values[AT_LOAD_USERNAME] = update->username;
    values[AT_LOAD_NOW] = update->now;
    values[AT_LOAD_KEY] = update->id ? update->id : call->request->key;
    *outcome = call->store->load(call->store,
        at_select_load(call->request->select, update->statements,
                       update->id ? AT_STATEMENT_LOAD_BY_ID
                                  : call->request->load),
        values, row);
    return NULL;
}

static at_error_t *load(at_call_t *call)
{
    at_outcome_e outcome;

    AT_TRY(load_row(&outcome, call, &call->row));
    return outcome == AT_STORE_DONE ? NULL : at_call_outcome(call, outcome);
}

/* The answer to a call that an earlier one has done: the access token as
 * it is now. */
static at_error_t *replay(at_call_t *call)
{
    const char *version = at_row_input(call->row, AT_COLUMN_TOKEN_VERSION);
    at_update_t *update = call->update;

    if (!at_row_input(call->row, AT_COLUMN_TOKEN_ID) || !version) {
        return at_error_make(call->pool, AT_ACCESS_TOKEN_NOT_FOUND, "The "
                             "access token that an earlier request with "
                             "this Idempotency-Key changed is gone.");
    }
    AT_TRY(at_lookup_row(call, call->row));
    update->replayed = 1;
    update->etag = at_etag_make(call->pool, update->id, version);
    return at_reply_data(&update->body, call->row, call->request->select,
                         NULL, call->pool);
}

/* Write the row as it will be: before the save, so that nothing
 * that could fail is left to do behind it. */
static at_error_t *write_reply(at_call_t *call)
{
    const at_plan_t *plan = call->row->plan;
    at_row_t row = { plan, NULL };
    const char *pass_code = NULL;
    int i;

    row.values = apr_pmemdup(call->pool, call->row->values,
                             sizeof(*row.values)
                             * (apr_size_t)plan->column_count);
    for (i = 0; i < at_field_count(); i++) {
        if (call->change[i].presence != AT_ABSENT
            && plan->field_columns[i] != AT_PLAN_NONE) {
            row.values[plan->field_columns[i]] = call->change[i].text;
        }
    }
    if (plan->updated_date_column != AT_PLAN_NONE) {
        row.values[plan->updated_date_column] = call->update->now;
    }
    AT_TRY(at_lookup_row(call, &row));
    if (call->generate[AT_CREDENTIAL_PASS_CODE]) {
        pass_code = call->generated[AT_CREDENTIAL_PASS_CODE];
    }
    return at_reply_data(&call->update->body, &row, call->request->select,
                         pass_code, call->pool);
}

static at_error_t *generate_one(at_call_t *call, at_credential_e credential)
{
    const char **value = &call->generated[credential];
    at_outcome_e outcome;

    if (call->rules->credential[credential].creation == AT_CREATION_ID) {
        *value = at_generate_id(call->pool);
        at_wipe_with_pool(call->pool, (void *)*value,
                          *value ? strlen(*value) : 0);
        return *value ? NULL : at_error_hidden(call->pool, AT_INTERNAL_ERROR,
                                               "no randomness");
    }
    outcome = call->store->next_number(call->store,
                                       at_field_get((int)credential)->name,
                                       value);
    return outcome == AT_STORE_DONE ? NULL : at_call_outcome(call, outcome);
}

static at_error_t *generate(at_call_t *call)
{
    int i;

    for (i = 0; i < AT_CREDENTIAL_COUNT; i++) {
        if (!call->generate[i]) {
            continue;
        }
        if (!call->generated[i]) {
            AT_TRY(generate_one(call, (at_credential_e)i));
        }
        call->change[i].presence = AT_VALUE;
        call->change[i].text = call->generated[i];
    }
    return NULL;
}

static void hash_here(void *baton)
{
    at_slow_t *slow = baton;

    (void)at_passcode_hash(slow->hash, &slow->scheme, slow->pass_code);
}

/* Put a hash where the pass code stands; no connection is held meanwhile. */
static at_error_t *hash_pass_code(at_call_t *call)
{
    at_field_value_t *value = &call->change[AT_CREDENTIAL_PASS_CODE];
    at_slow_t slow = { *call->update->scheme, "", "", "", 0 };

    if (value->presence != AT_VALUE) {
        return NULL;
    }
    if (!call->hash || strcmp(value->text, call->hashed)) {
        AT_TRY(at_call_hash(call, hash_here, &slow, value->text));
        call->hashed = value->text;
        call->hash = *slow.hash ? at_wipe_copy(call->pool, slow.hash) : NULL;
        explicit_bzero(slow.hash, sizeof(slow.hash));
    }
    if (!call->hash) {
        return at_error_hidden(call->pool, AT_INTERNAL_ERROR,
            apr_psprintf(call->pool, "libcrypt could not hash a pass code "
                         "by %s; choose another AccessTokenPassCodeScheme",
                         call->update->scheme->name));
    }
    value->text = call->hash;
    return NULL;
}

static const char **save_values(const at_call_t *call)
{
    const at_update_t *update = call->update;
    int count = AT_SAVE_FIELDS + 2 * at_field_count();
    const char **values = apr_pcalloc(call->pool, sizeof(*values)
                                                  * (apr_size_t)count);
    int i;

    values[AT_SAVE_ID] = update->id;
    values[AT_SAVE_VERSION] = at_row_input(call->row, AT_COLUMN_TOKEN_VERSION);
    values[AT_SAVE_NOW] = update->now;
    values[AT_SAVE_USER_ID] = at_row_input(call->row, AT_COLUMN_CALLER_USER_ID);
    values[AT_SAVE_UNIT_ID] = at_row_input(call->row, AT_COLUMN_CALLER_UNIT_ID);
    values[AT_SAVE_REQUEST_ID] = call->request_id;
    values[AT_SAVE_IDEMPOTENCY_KEY] = update->idempotency_key;
    values[AT_SAVE_REQUEST_DIGEST] = update->request_digest;
    values[AT_SAVE_REQUEST_EXPIRES] = update->request_expires;
    for (i = 0; i < at_field_count(); i++) {
        const at_field_value_t *value = &call->change[i];
        const char **to = values + AT_SAVE_FIELDS + 2 * i;

        to[0] = value->presence == AT_ABSENT ? "0" : "1";
        to[1] = value->presence == AT_VALUE ? value->text : NULL;
    }
    return values;
}

/* Another access token has a value: generate a new one, or say so. */
static at_error_t *conflict(at_call_t *call)
{
    int field = call->store->conflict;
    const char *name = at_field_get(field)->name;
    at_violations_t *violations;
    at_error_t *error;

    if (field < AT_CREDENTIAL_COUNT && call->generate[field]) {
        call->generated[field] = NULL;
        call->next = ++call->generations < AT_UPDATE_GENERATIONS
                     ? AT_NEXT_AT_ONCE : AT_NEXT_NOTHING;
        return at_error_hidden(call->pool, AT_SERVICE_UNAVAILABLE,
            apr_psprintf(call->pool, "%d values generated for %s were all "
                         "taken; set its sequence behind the greatest "
                         "number in use", call->generations, name));
    }
    error = at_error_make(call->pool, AT_DUPLICATE_VALUE, "Another access "
                          "token has this %s.", name);
    violations = at_violations_make(call->pool);
    at_violations_add(violations, at_field_get(field)->pointer,
                      AT_VIOLATION_DUPLICATE_VALUE,
                      "Another access token has this value.");
    error->violations = violations->list;
    return error;
}

static at_error_t *lost_race(at_call_t *call)
{
    if (++call->lost_races < AT_UPDATE_ATTEMPTS
        && at_clock_now() < call->store->deadline) {
        call->next = AT_NEXT_LATER;
    }
    return at_error_make(call->pool, AT_VERSION_CONFLICT, "Other calls "
                         "updated this access token again and again. "
                         "Try again.");
}

/* A call with this Idempotency-Key was saved since it was looked for. This
 * one's save was refused for it on the version of its guard, so an earlier
 * save of it that is open was not done, and the key keeps it from being. */
static at_error_t *repeated(at_call_t *call)
{
    call->look_for_request = 1;
    call->open = AT_OPEN_NOT;
    if (at_clock_now() < call->store->deadline) {
        call->next = AT_NEXT_AT_ONCE;
    }
    return at_error_hidden(call->pool, AT_SERVICE_UNAVAILABLE, "a call with "
                           "the same Idempotency-Key was saved, and there "
                           "was no time to look for it");
}

/* True if the last call that the loaded row remembers is this one. */
static int is_last_change(const at_call_t *call, const at_row_t *row)
{
    const char *ids = at_row_input(row, AT_COLUMN_TOKEN_REQUEST_IDS);

    return ids && !strncmp(ids, call->request_id, strlen(call->request_id));
}

/* A save was seen to raise the version by STEP. It cannot have been by less
 * than one; if it seems to be by more, another program may have raised it as
 * well, so that is believed when it is seen twice. */
static void learn_step(at_step_t *of_saves, apr_uint32_t step)
{
    if (step == 1
        || apr_atomic_xchg32(&of_saves->seen, step) == step) {
        apr_atomic_set32(&of_saves->known, step);
    }
}

/*
 * The save is done, and made a version that follows its guard by a step. The
 * first calls of a process read from the row how large that is. Where this
 * fails, or another call has saved already, the next call tries it.
 */
static void note_saved(at_call_t *call)
{
    at_update_t *update = call->update;
    at_outcome_e outcome = AT_STORE_BROKEN;
    at_row_t *row = NULL;
    apr_uint64_t version;

    note_change(call);
    if (!update->step || apr_atomic_read32(&update->step->known)
        || load_row(&outcome, call, &row) || outcome != AT_STORE_DONE
        || !is_last_change(call, row)
        || read_version(&version, row, call->pool) || version <= call->guard
        || version - call->guard > APR_UINT32_MAX) {
        return;
    }
    learn_step(update->step, (apr_uint32_t)(version - call->guard));
    note_change(call);
}

static at_error_t *save(at_call_t *call)
{
    at_outcome_e outcome;

    AT_TRY(read_version(&call->guard, call->row, call->pool));
    call->save_tried = 1;
    outcome = call->store->save(call->store, save_values(call));
    switch (outcome) {
    case AT_STORE_DONE:
        note_saved(call);
        return NULL;
    case AT_STORE_CONFLICT:
        return conflict(call);
    case AT_STORE_REPEATED:
        return repeated(call);
    case AT_STORE_LOST_RACE:
        return lost_race(call);
    case AT_STORE_LOST:
        call->open = AT_OPEN_PENDING;
        break;
    case AT_STORE_RETRY:
    case AT_STORE_STALE:
    case AT_STORE_UNAVAILABLE:
    case AT_STORE_BROKEN:
        break;
    }
    return at_call_outcome(call, outcome);
}

/* The row has forgotten whether an open save was done, or is gone. The key,
 * which is saved with the change, is remembered longer. */
static at_error_t *resolve_by_key(at_call_t *call)
{
    int has_caller = at_row_input(call->row, AT_COLUMN_SESSION_USER_ID)
                     || at_row_input(call->row, AT_COLUMN_LOGIN_USER_ID);

    if (call->open == AT_OPEN_NO_KEY && has_caller) {
        call->open = AT_OPEN_NOT;
        return NULL;
    }
    if (call->open == AT_OPEN_PENDING && call->update->idempotency_key) {
        call->look_for_request = 1;
        call->next = AT_NEXT_AT_ONCE;
    }
    call->open = AT_OPEN_PAST;
    return at_error_hidden(call->pool, AT_SERVICE_UNAVAILABLE, "the row does "
                           "not say whether the save was done whose "
                           "connection was lost: too many other updates "
                           "followed, or the access token was deleted");
}

/* The row is older than the one that an open save was to change: what answers
 * is a node or a replica that lags. It may catch up; and if it does not, a
 * save there now, and the open one later, would be two. */
static at_error_t *wait_for_row(at_call_t *call)
{
    at_error_t *error = at_error_hidden(call->pool, AT_SERVICE_UNAVAILABLE,
        "the database that answers has an older version of the access token "
        "than before: a node or a replica that lags, or an old backup");

    error->fault = AT_FAULT_CONNECTION;
    call->retries++;
    if (at_clock_now() < call->store->deadline) {
        call->next = AT_NEXT_LATER;
    }
    return error;
}

/*
 * What became of a save that was tried before? It was done if the row
 * remembers this call, whatever the database said. If the row has a later
 * version and does not remember it, it was not done, and never will be, since
 * its guard no longer holds; unless so many others followed that the row has
 * forgotten.
 */
static at_error_t *resolve(at_call_t *call)
{
    const char *ids = at_row_input(call->row, AT_COLUMN_TOKEN_REQUEST_IDS);
    apr_uint64_t version;

    if (call->save_tried && ids && strstr(ids, call->request_id)) {
        note_change(call);
    }
    if (call->open == AT_OPEN_NOT) {
        return NULL;
    }
    if (!at_row_input(call->row, AT_COLUMN_TOKEN_ID)) {
        return resolve_by_key(call);
    }
    AT_TRY(read_version(&version, call->row, call->pool));
    if (version < call->guard) {
        return wait_for_row(call);
    }
    if (version - call->guard > REMEMBERED) {
        return resolve_by_key(call);
    }
    if (version != call->guard) {
        call->open = AT_OPEN_NOT;
    }
    return NULL;
}

static at_error_t *attempt(at_call_t *call)
{
    if (call->look_for_request) {
        AT_TRY(find_request(call));
    }
    if (!call->is_done) {
        AT_TRY(load(call));
        AT_TRY(resolve(call));
    }
    if (call->is_done) {
        return NULL;
    }
    AT_TRY(at_judge_caller(call));
    if (call->is_replay) {
        return replay(call);
    }
    AT_TRY(at_judge_key(call));
    AT_TRY(at_judge_precondition(call));
    AT_TRY(at_judge_change(call));
    AT_TRY(generate(call));
    AT_TRY(hash_pass_code(call));
    AT_TRY(write_reply(call));
    return save(call);
}

/* Pause for a random time, so that calls that met do not meet again. */
static void step_back(at_call_t *call)
{
    int times = call->lost_races + call->retries;
    /* With an open save soon: the row remembers the last calls only. */
    unsigned int most = call->retries && call->open == AT_OPEN_NOT
                        ? LONGEST_PAUSE_OF_FAULT : LONGEST_PAUSE_OF_RACE;
    unsigned int longest = times < 8 ? 1U << times : most;

    call->store->release(call->store);
    apr_sleep(apr_time_from_msec(at_generate_up_to(longest < most ? longest
                                                                  : most)));
}

/* Make one attempt, and pause if there is to be another. Where time runs out
 * while the next one waits for a connection, what the wait was for is told
 * by the one before, if that met a fault that passes. */
static at_error_t *next_attempt(at_call_t *call)
{
    at_error_t *before = call->cause, *error;

    call->next = AT_NEXT_NOTHING;
    call->started = at_clock_now();
    call->cause = NULL;
    error = attempt(call);
    if (error && call->store->timed_out && before) {
        return before;
    }
    if (call->next == AT_NEXT_LATER) {
        call->cause = error && error->code == AT_SERVICE_UNAVAILABLE
                      ? error : NULL;
        step_back(call);
        if (at_clock_now() >= call->store->deadline) {
            call->next = AT_NEXT_NOTHING;
        }
    }
    return error;
}

/* True if ERROR tells of an access token that is not as the call needs it. */
static int is_refusal(const at_error_t *error)
{
    return error->code == AT_ACCESS_TOKEN_NOT_FOUND
           || error->code == AT_PRECONDITION_FAILED
           || error->code == AT_VALIDATION_FAILED
           || error->code == AT_DUPLICATE_VALUE
           || error->code == AT_VERSION_CONFLICT;
}

/* The call is refused by ERROR. If one with its Idempotency-Key was saved
 * since that was looked for, this may be why: the access token has another
 * code now, or another version. Then this one is a replay. */
static at_error_t *look_again(at_call_t *call, at_error_t *error)
{
    if (!call->update->idempotency_key || call->is_replay
        || !is_refusal(error)) {
        return error;
    }
    AT_TRY(find_request(call));
    if (call->is_replay) {
        call->next = AT_NEXT_AT_ONCE;
    }
    return call->is_done ? NULL : error;
}

/* A save may yet be done: no other answer would be true. */
static at_error_t *open_outcome(at_call_t *call, const at_error_t *error)
{
    at_error_t *open = at_error_make(call->pool, AT_SERVICE_UNAVAILABLE,
        "The connection to the database was lost while the change was "
        "saved, and it could not be found out in time whether it was made. "
        "Read the access token, or send the request again; with an "
        "Idempotency-Key it is made once only.");

    open->fault = AT_FAULT_CONNECTION;
    open->detail = apr_pstrcat(call->pool, "it is open whether a change was "
                               "saved: ", error->detail ? error->detail
                               : "its connection was lost, and then the "
                               "request was refused", (char *)NULL);
    return open;
}

/* Spare the database what will be refused. */
static int is_refused(const at_update_t *update)
{
    const at_field_value_t *pass_code =
        &update->request->fields[AT_CREDENTIAL_PASS_CODE];

    return update->hashing
           && (update->request->key_pass_code
               || pass_code->presence == AT_VALUE)
           && at_hashing_is_full(update->hashing);
}

at_error_t *at_update_run(at_update_t *update)
{
    at_call_t call;
    at_error_t *error;

    memset(&call, 0, sizeof(call));
    call.update = update;
    call.pool = update->pool;
    call.store = update->store;
    call.request = update->request;
    call.look_for_request = update->idempotency_key != NULL;
    if (!update->token && !update->username) {
        return at_judge_no_session(&call);
    }
    if (is_refused(update)) {
        return no_turn(&call, AT_HASHING_FULL);
    }
    call.request_id = at_generate_id(call.pool);
    if (!call.request_id) {
        return at_error_hidden(call.pool, AT_INTERNAL_ERROR, "no randomness");
    }
    call.store->deadline = at_clock_now() + update->budget;
    do {
        error = next_attempt(&call);
        if (error && call.next == AT_NEXT_NOTHING) {
            error = look_again(&call, error);
        }
    } while (call.next != AT_NEXT_NOTHING);
    call.store->release(call.store);
    return call.open != AT_OPEN_NOT ? open_outcome(&call, error) : error;
}
