/* SPDX-License-Identifier: Apache-2.0 */
#include "at_save.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <apr_strings.h>

#include "at_etag.h"
#include "at_lookup.h"

/* If so many races were lost, and the version never changed, no other call has
 * won them. */
#define SUSPICIOUS 5

/* How many calls a row remembers. */
#define REMEMBERED 8

/* The version of ROW, which has an access token. */
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
                           "token.version of the access token %s is %s; it "
                           "must be a whole number from 0 to 2^64 - 1",
                           at_row_input(row, AT_COLUMN_TOKEN_ID),
                           text ? "another text" : "NULL");
}

/* The last save is done, and made the version that follows its guard. */
static void note_change(at_attempt_t *attempt)
{
    at_call_t *call = attempt->call;

    attempt->is_done = 1;
    attempt->open = AT_OPEN_NOT;
    call->warning = NULL;
    call->change = attempt->request_id;
    call->etag = at_etag_make(attempt->pool, call->id,
        apr_psprintf(attempt->pool, "%" APR_UINT64_T_FMT,
                     attempt->guard + at_step_size(call->step)));
}

/* SAVED was found under this call's Idempotency-Key. */
static at_error_t *judge_found(at_attempt_t *attempt,
                               const at_saved_request_t *saved)
{
    at_call_t *call = attempt->call;

    if (saved->request_id && !strcmp(saved->request_id, attempt->request_id)) {
        note_change(attempt);
        return NULL;
    }
    attempt->open = AT_OPEN_NOT; /* a save of this call would violate the key */
    if (!saved->digest || strcmp(saved->digest, call->request_digest)) {
        return at_error_make(attempt->pool, AT_IDEMPOTENCY_KEY_REUSED, "This "
                             "Idempotency-Key was already used with another "
                             "request. Use a new key for a new request.");
    }
    attempt->is_replay = 1;
    call->id = saved->token_id;
    return NULL;
}

/* Read the call that was saved with this call's Idempotency-Key. */
static const at_fault_t *read_request(const at_attempt_t *attempt,
                                      at_saved_request_t *saved)
{
    const at_call_t *call = attempt->call;
    const char *values[AT_FIND_COUNT];

    values[AT_FIND_SESSION_DIGEST] = attempt->session_digest;
    values[AT_FIND_USERNAME] = call->username;
    values[AT_FIND_NOW] = call->now;
    values[AT_FIND_IDEMPOTENCY_KEY] = call->idempotency_key;
    return attempt->store->find_request(attempt->store, values, saved);
}

at_error_t *at_save_find_request(at_attempt_t *attempt)
{
    at_saved_request_t saved = { NULL, NULL, NULL };

    AT_TRY(at_attempt_fault(attempt, read_request(attempt, &saved)));
    attempt->look_for_request = 0;
    if (saved.token_id) {
        return judge_found(attempt, &saved);
    }
    if (attempt->open == AT_OPEN_PAST) {
        attempt->open = AT_OPEN_NO_KEY;
    }
    return NULL;
}

static const char **save_values(const at_attempt_t *attempt)
{
    const at_call_t *call = attempt->call;
    const at_row_t *row = attempt->row;
    int count = AT_SAVE_FIELDS + 2 * at_field_count();
    const char **values = apr_pcalloc(attempt->pool, sizeof(*values)
                                                     * (apr_size_t)count);
    int i;

    values[AT_SAVE_ID] = call->id;
    values[AT_SAVE_VERSION] = at_row_input(row, AT_COLUMN_TOKEN_VERSION);
    values[AT_SAVE_NOW] = call->now;
    values[AT_SAVE_USER_ID] = at_row_input(row, AT_COLUMN_CALLER_USER_ID);
    values[AT_SAVE_UNIT_ID] = at_row_input(row, AT_COLUMN_CALLER_UNIT_ID);
    values[AT_SAVE_REQUEST_ID] = attempt->request_id;
    values[AT_SAVE_IDEMPOTENCY_KEY] = call->idempotency_key;
    values[AT_SAVE_REQUEST_DIGEST] = call->request_digest;
    values[AT_SAVE_REQUEST_EXPIRES] = call->request_expires;
    for (i = 0; i < at_field_count(); i++) {
        const at_field_value_t *value = &attempt->change[i];
        const char **to = values + AT_SAVE_FIELDS + 2 * i;

        to[0] = value->presence == AT_ABSENT ? "0" : "1";
        to[1] = value->presence == AT_VALUE ? value->text : NULL;
    }
    return values;
}

/* Another access token has the value of FIELD, which this call generated. */
static at_error_t *generate_again(at_attempt_t *attempt, int field)
{
    attempt->generated[field] = NULL;
    if (++attempt->generations < AT_SAVE_GENERATIONS) {
        at_attempt_follow(attempt, AT_NEXT_AT_ONCE);
    }
    return at_error_hidden(attempt->pool, AT_SERVICE_UNAVAILABLE,
                           "%d values generated for %s were all taken; set "
                           "its sequence to the greatest number in use",
                           attempt->generations, at_field_get(field)->name);
}

/* Another access token has the value of FIELD: generate a new one, or tell
 * the client. */
static at_error_t *conflict(at_attempt_t *attempt, int field)
{
    at_violations_t *violations;
    at_error_t *error;

    if (field < AT_CREDENTIAL_COUNT && attempt->generate[field]) {
        return generate_again(attempt, field);
    }
    error = at_error_make(attempt->pool, AT_DUPLICATE_VALUE, "Another access "
                          "token has this %s.", at_field_get(field)->name);
    violations = at_violations_make(attempt->pool);
    at_violations_add(violations, at_field_get(field)->pointer,
                      AT_VIOLATION_DUPLICATE_VALUE,
                      "Another access token has this value.");
    error->violations = violations->list;
    return error;
}

/* True if the client has sent the value of FIELD that was to be saved. */
static int is_sent(const at_attempt_t *attempt, int field)
{
    return attempt->change[field].presence == AT_VALUE
           && !(at_field_get(field)->flags & AT_FIELD_IS_SECRET)
           && !(field < AT_CREDENTIAL_COUNT && attempt->generate[field]);
}

/* The column of FIELD is shorter than the value. */
static at_error_t *too_long(at_attempt_t *attempt, int field)
{
    at_violations_t *violations = at_violations_make(attempt->pool);

    at_violations_add(violations, at_field_get(field)->pointer,
                      AT_VIOLATION_TOO_LONG,
                      "The database has no room for so many characters.");
    return at_error_violations(attempt->pool, violations);
}

/* Other calls raise the version. If it was always the same, save.sql seems to
 * look for another row. A database that reads from a replica may be late, so
 * the client gets the same answer. */
static void note_lost_race(at_attempt_t *attempt)
{
    at_call_t *call = attempt->call;

    attempt->same_guards += attempt->lost_races > 0
                            && attempt->lost_guard == attempt->guard;
    attempt->lost_guard = attempt->guard;
    attempt->lost_races++;
    call->warning = NULL;
    if (attempt->lost_races >= SUSPICIOUS
        && attempt->same_guards == attempt->lost_races - 1) {
        call->warning = apr_psprintf(attempt->pool, "%s: it found no row of "
            "access token %s with version %" APR_UINT64_T_FMT ", %d times, "
            "though each load had just found it with that version. Does it "
            "compare :id and :version with what the load statements select as "
            "token.id and token.version",
            call->statements->statement[AT_STATEMENT_SAVE]->file, call->id,
            attempt->guard, attempt->lost_races);
    }
}

static at_error_t *lost_race(at_attempt_t *attempt)
{
    note_lost_race(attempt);
    if (attempt->lost_races < AT_SAVE_ATTEMPTS
        && at_attempt_is_in_time(attempt)) {
        at_attempt_follow(attempt, AT_NEXT_LATER);
    }
    return at_error_make(attempt->pool, AT_VERSION_CONFLICT, "Other calls "
                         "updated this access token at the same time, again "
                         "and again. Try again.");
}

/* A call with this Idempotency-Key was saved after this one looked for it.
 * This save was refused because of that although its guard held, so an
 * earlier open save of this call was not done, and the key prevents that it
 * will be. */
static at_error_t *repeated(at_attempt_t *attempt)
{
    attempt->look_for_request = 1;
    attempt->open = AT_OPEN_NOT;
    if (at_attempt_is_in_time(attempt)) {
        at_attempt_follow(attempt, AT_NEXT_AT_ONCE);
    }
    return at_error_hidden(attempt->pool, AT_SERVICE_UNAVAILABLE, "a call "
                           "with the same Idempotency-Key was saved, and "
                           "there was no time to read its result");
}

int at_save_is_last(const at_attempt_t *attempt, const at_row_t *row)
{
    const char *ids = at_row_input(row, AT_COLUMN_TOKEN_REQUEST_IDS);

    return ids && !strncmp(ids, attempt->request_id,
                           strlen(attempt->request_id));
}

/* The save has left the version as it was, or lowered it to VERSION. */
static void note_same_version(at_attempt_t *attempt, apr_uint64_t version)
{
    at_call_t *call = attempt->call;

    call->etag = at_etag_make(attempt->pool, call->id,
        apr_psprintf(attempt->pool, "%" APR_UINT64_T_FMT, version));
    call->warning = apr_psprintf(attempt->pool, "%s: the save of access token "
        "%s did not raise its version, %" APR_UINT64_T_FMT ": calls at the "
        "same time overwrite each other, and If-Match protects nothing. Is "
        "the trigger missing that is to raise it? Let save.sql raise it",
        call->statements->statement[AT_STATEMENT_SAVE]->file, call->id,
        version);
}

/*
 * The save is done. The first calls of a process read the row again to learn
 * by how much a save raises the version. If that fails, or another call has
 * saved since, the next call tries.
 */
static void learn_step(at_attempt_t *attempt)
{
    at_step_t *step = attempt->call->step;
    at_row_t *row = NULL;
    apr_uint64_t version;

    if (at_step_is_known(step)
        || at_attempt_load(attempt, &row)
        || !at_save_is_last(attempt, row)
        || read_version(&version, row, attempt->pool)) {
        return;
    }
    if (version <= attempt->guard) {
        note_same_version(attempt, version);
    }
    else if (version - attempt->guard <= APR_UINT32_MAX) {
        at_step_learn(step, (apr_uint32_t)(version - attempt->guard));
        note_change(attempt);
    }
}

/* The same for the first calls with a key: a second request with it must find
 * it. */
static void learn_of_key(at_attempt_t *attempt)
{
    at_call_t *call = attempt->call;
    const at_statement_t *find =
        call->statements->statement[AT_STATEMENT_FIND_REQUEST];
    at_saved_request_t saved = { NULL, NULL, NULL };

    if (!call->idempotency_key || at_step_keeps_keys(call->step)
        || read_request(attempt, &saved)) {
        return;
    }
    if (saved.request_id && !strcmp(saved.request_id, attempt->request_id)) {
        at_step_learn_of_key(call->step);
        return;
    }
    call->warning = apr_psprintf(attempt->pool, "%s%s%s: the Idempotency-Key "
        "of a change that was just saved is not found: the same request would "
        "be applied twice. Is the trigger missing that is to keep it, does it "
        "keep it for another user, or is a replica read that lags",
        call->warning ? call->warning : "", call->warning ? ". " : "",
        find->file);
}

at_error_t *at_save_change(at_attempt_t *attempt)
{
    const at_fault_t *fault;

    AT_TRY(read_version(&attempt->guard, attempt->row, attempt->pool));
    attempt->save_tried = 1;
    fault = attempt->store->save(attempt->store, save_values(attempt));
    if (!fault) {
        note_change(attempt);
        learn_step(attempt);
        learn_of_key(attempt);
        return NULL;
    }
    switch (fault->outcome) {
    case AT_STORE_CONFLICT:
        return conflict(attempt, fault->field);
    case AT_STORE_TOO_LONG:
        if (is_sent(attempt, fault->field)) {
            return too_long(attempt, fault->field);
        }
        break;
    case AT_STORE_REPEATED:
        return repeated(attempt);
    case AT_STORE_LOST_RACE:
        return lost_race(attempt);
    case AT_STORE_LOST:
        attempt->open = AT_OPEN_PENDING;
        break;
    case AT_STORE_RETRY:
    case AT_STORE_STALE:
    case AT_STORE_UNAVAILABLE:
    case AT_STORE_BROKEN:
        break;
    }
    return at_attempt_fault(attempt, fault);
}

/* The row has forgotten whether an open save was done, or is deleted. The
 * Idempotency-Key, which is saved with the change, is remembered longer. */
static at_error_t *resolve_by_key(at_attempt_t *attempt)
{
    int has_caller;

    AT_TRY(at_lookup_inputs(attempt, attempt->row, AT_COLUMN_SESSION_USER_ID,
                            AT_COLUMN_LOGIN_USER_ID));
    has_caller = at_row_input(attempt->row, AT_COLUMN_SESSION_USER_ID)
                 || at_row_input(attempt->row, AT_COLUMN_LOGIN_USER_ID);
    if (attempt->open == AT_OPEN_NO_KEY && has_caller) {
        attempt->open = AT_OPEN_NOT;
        return NULL;
    }
    if (attempt->open == AT_OPEN_PENDING && attempt->call->idempotency_key) {
        attempt->look_for_request = 1;
        at_attempt_follow(attempt, AT_NEXT_AT_ONCE);
    }
    attempt->open = AT_OPEN_PAST;
    return at_error_hidden(attempt->pool, AT_SERVICE_UNAVAILABLE, "the row "
                           "does not show whether the save was done whose "
                           "connection was lost: too many other updates "
                           "followed, or the access token was deleted");
}

/* The row is older than the one that an open save was to change, so the
 * answer came from a node or a replica that lags. It may catch up. Until
 * then, a save there now and the open one later would be two. */
static at_error_t *wait_for_row(at_attempt_t *attempt)
{
    if (at_attempt_is_in_time(attempt)) {
        at_attempt_retry(attempt);
    }
    return at_error_fault(attempt->pool, AT_SERVICE_UNAVAILABLE,
        at_fault_make(attempt->pool, AT_STORE_RETRY, AT_FAULT_CONNECTION,
                      "the database now has an older version of the access "
                      "token than before: the answer came from a node or a "
                      "replica that lags, or from an old backup"));
}

at_error_t *at_save_resolve(at_attempt_t *attempt)
{
    const char *ids = at_row_input(attempt->row, AT_COLUMN_TOKEN_REQUEST_IDS);
    apr_uint64_t version;

    if (attempt->save_tried && ids && strstr(ids, attempt->request_id)) {
        note_change(attempt);
    }
    if (attempt->open == AT_OPEN_NOT) {
        return NULL;
    }
    if (!at_row_input(attempt->row, AT_COLUMN_TOKEN_ID)) {
        return resolve_by_key(attempt);
    }
    AT_TRY(read_version(&version, attempt->row, attempt->pool));
    if (version < attempt->guard) {
        return wait_for_row(attempt);
    }
    if (version - attempt->guard > REMEMBERED) {
        return resolve_by_key(attempt);
    }
    if (version != attempt->guard) {
        attempt->open = AT_OPEN_NOT;
    }
    return NULL;
}

at_error_t *at_save_open_outcome(const at_attempt_t *attempt,
                                 const at_error_t *error)
{
    const char *detail = at_error_detail(error);
    at_error_t *open = at_error_make(attempt->pool, AT_SERVICE_UNAVAILABLE,
        "The connection to the database was lost while the change was being "
        "saved, and it could not be found out in time whether it was saved. "
        "Read the access token, or send the request again: with an "
        "Idempotency-Key, the change is made only once.");

    open->fault = at_fault_make(attempt->pool, AT_STORE_LOST,
        AT_FAULT_CONNECTION, "it is unknown whether a change was saved: %s",
        detail ? detail : "its connection was lost, and then the request was "
        "refused");
    return open;
}
