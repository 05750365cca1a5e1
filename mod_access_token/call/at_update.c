/* SPDX-License-Identifier: Apache-2.0 */
#include "at_update.h"

#include <string.h>

#include <apr_strings.h>

#include "at_attempt.h"
#include "at_clock.h"
#include "at_etag.h"
#include "at_generate.h"
#include "at_judge.h"
#include "at_lookup.h"
#include "at_save.h"
#include "at_wipe.h"

/* The longest pauses before a new attempt, in milliseconds. */
#define LONGEST_PAUSE_OF_RACE  32
#define LONGEST_PAUSE_OF_FAULT 250

static at_error_t *load(at_attempt_t *attempt)
{
    return at_attempt_fault(attempt, at_attempt_load(attempt, &attempt->row));
}

/* The reply to a call whose change an earlier call has made: the access token
 * as it is now. */
static at_error_t *replay(at_attempt_t *attempt)
{
    const char *version = at_row_input(attempt->row, AT_COLUMN_TOKEN_VERSION);
    at_call_t *call = attempt->call;

    if (!at_row_input(attempt->row, AT_COLUMN_TOKEN_ID) || !version) {
        return at_error_make(attempt->pool, AT_ACCESS_TOKEN_NOT_FOUND, "The "
                             "access token that an earlier request with "
                             "this Idempotency-Key changed no longer "
                             "exists.");
    }
    AT_TRY(at_lookup_row(attempt, attempt->row));
    call->replayed = 1;
    call->etag = at_etag_make(attempt->pool, call->id, version);
    return at_reply_data(&call->body, attempt->row, attempt->request->select,
                         NULL, attempt->pool);
}

/* Put the row as it will be into ROW, which is a copy of the loaded one. */
static void apply_change(const at_attempt_t *attempt, at_row_t *row)
{
    const at_plan_t *plan = row->plan;
    int i;

    for (i = 0; i < at_field_count(); i++) {
        if (attempt->change[i].presence != AT_ABSENT
            && plan->field_columns[i] != AT_PLAN_NONE) {
            row->values[plan->field_columns[i]] = attempt->change[i].text;
        }
    }
    if (plan->updated_date_column != AT_PLAN_NONE) {
        row->values[plan->updated_date_column] = attempt->call->now;
    }
}

/* Write ROW, as it is after the save, into *BODY. */
static at_error_t *write_row(at_body_t *body, const at_attempt_t *attempt,
                             const at_row_t *row)
{
    const char *pass_code = NULL;

    if (attempt->generate[AT_CREDENTIAL_PASS_CODE]) {
        pass_code = attempt->generated[AT_CREDENTIAL_PASS_CODE];
    }
    return at_reply_data(body, row, attempt->request->select, pass_code,
                         attempt->pool);
}

/* Write the reply before the save, so that nothing that can fail is left to
 * do after it. */
static at_error_t *write_reply(at_attempt_t *attempt)
{
    const at_plan_t *plan = attempt->row->plan;
    at_row_t row = { plan, NULL, NULL };

    AT_TRY(at_lookup_row(attempt, attempt->row));
    row.values = apr_pmemdup(attempt->pool, attempt->row->values,
                             sizeof(*row.values)
                             * (apr_size_t)plan->column_count);
    apply_change(attempt, &row);
    return write_row(&attempt->call->body, attempt, &row);
}

/* True if the call has set a field that the database may store in another
 * way. */
static int wants_reread(const at_attempt_t *attempt)
{
    const apr_array_header_t *fields =
        attempt->call->statements->statement[AT_STATEMENT_SAVE]->rereads;
    int i = 0;

    while (i < fields->nelts
           && attempt->change[APR_ARRAY_IDX(fields, i, int)].presence
              == AT_ABSENT) {
        i++;
    }
    return i < fields->nelts;
}

/* The change is saved: let the reply show what the database has stored. If it
 * can't be read, or another call has changed it since, the reply stays. */
static void show_stored(at_attempt_t *attempt)
{
    at_row_t *row = NULL;
    at_body_t body;

    if (!wants_reread(attempt)
        || at_attempt_load(attempt, &row)
        || !at_save_is_last(attempt, row)
        || at_lookup_row(attempt, row)
        || write_row(&body, attempt, row)) {
        return;
    }
    attempt->call->body = body;
}

static at_error_t *generate_one(at_attempt_t *attempt,
                                at_credential_e credential)
{
    const at_statements_t *statements = attempt->call->statements;
    const char **value = &attempt->generated[credential];

    if (attempt->rules->credential[credential].creation == AT_CREATION_ID) {
        *value = at_generate_id(attempt->pool);
        at_wipe_with_pool(attempt->pool, (void *)*value,
                          *value ? strlen(*value) : 0);
        return *value ? NULL
            : at_error_hidden(attempt->pool, AT_INTERNAL_ERROR,
                              "libcrypto has no random numbers");
    }
    if (!statements->statement[AT_STATEMENT_NEXT_NUMBER]) {
        return at_error_hidden(attempt->pool, AT_INTERNAL_ERROR,
                               "rule.%s_creation is NUMBER, but %s has no "
                               "next_number.sql to take a number from",
                               at_field_get((int)credential)->name,
                               statements->folder);
    }
    return at_attempt_fault(attempt,
        attempt->store->next_number(attempt->store,
                                    at_field_get((int)credential)->name,
                                    value));
}

static at_error_t *generate(at_attempt_t *attempt)
{
    int i;

    for (i = 0; i < AT_CREDENTIAL_COUNT; i++) {
        if (!attempt->generate[i]) {
            continue;
        }
        if (!attempt->generated[i]) {
            AT_TRY(generate_one(attempt, (at_credential_e)i));
        }
        attempt->change[i].presence = AT_VALUE;
        attempt->change[i].text = attempt->generated[i];
    }
    return NULL;
}

static void hash_here(void *baton)
{
    at_slow_t *slow = baton;

    (void)at_passcode_hash(slow->hash, &slow->scheme, slow->pass_code);
}

/* Replace a new pass code by its hash. No connection is held meanwhile. */
static at_error_t *hash_pass_code(at_attempt_t *attempt)
{
    at_field_value_t *value = &attempt->change[AT_CREDENTIAL_PASS_CODE];
    at_slow_t slow = { *attempt->call->scheme, "", "", "", 0 };

    if (value->presence != AT_VALUE) {
        return NULL;
    }
    if (!attempt->hash || strcmp(value->text, attempt->hashed)) {
        AT_TRY(at_attempt_hash(attempt, hash_here, &slow, value->text));
        attempt->hashed = value->text;
        attempt->hash = *slow.hash ? at_wipe_copy(attempt->pool, slow.hash)
                                   : NULL;
        explicit_bzero(slow.hash, sizeof(slow.hash));
    }
    if (!attempt->hash) {
        return at_error_hidden(attempt->pool, AT_INTERNAL_ERROR,
                               "libcrypt could not hash a pass code by %s; "
                               "choose another AccessTokenPassCodeScheme",
                               attempt->call->scheme->name);
    }
    value->text = attempt->hash;
    return NULL;
}

static at_error_t *make_attempt(at_attempt_t *attempt)
{
    if (attempt->look_for_request) {
        AT_TRY(at_save_find_request(attempt));
    }
    if (!attempt->is_done) {
        AT_TRY(load(attempt));
        AT_TRY(at_save_resolve(attempt));
    }
    if (attempt->is_done) {
        return NULL;
    }
    AT_TRY(at_judge_caller(attempt));
    if (attempt->is_replay) {
        return replay(attempt);
    }
    AT_TRY(at_judge_key(attempt));
    AT_TRY(at_judge_precondition(attempt));
    AT_TRY(at_judge_change(attempt));
    AT_TRY(generate(attempt));
    AT_TRY(hash_pass_code(attempt));
    AT_TRY(write_reply(attempt));
    return at_save_change(attempt);
}

/* Pause for a random time, so that calls that met do not meet again. */
static void pause_between(const at_attempt_t *attempt)
{
    int times = attempt->lost_races + attempt->retries;
    /* A short pause while a save is open: the row remembers only the last
     * calls. */
    unsigned int most = attempt->retries && attempt->open == AT_OPEN_NOT
                        ? LONGEST_PAUSE_OF_FAULT : LONGEST_PAUSE_OF_RACE;
    unsigned int longest = times < 8 ? 1U << times : most;

    attempt->store->release(attempt->store);
    apr_sleep(apr_time_from_msec(at_generate_up_to(longest < most ? longest
                                                                  : most)));
}

/* Make one attempt, and pause if another follows. *CAUSE is the passing fault
 * that ended the attempt before, or NULL. If this attempt waited for a
 * connection and got none, that fault is the better answer. */
static at_error_t *next_attempt(at_attempt_t *attempt, at_error_t **cause)
{
    at_error_t *before = *cause, *error;

    *cause = NULL;
    at_attempt_start(attempt);
    error = make_attempt(attempt);
    if (before && error && error->fault && error->fault->timed_out) {
        return before;
    }
    if (attempt->next == AT_NEXT_LATER) {
        *cause = error && error->code == AT_SERVICE_UNAVAILABLE ? error
                                                                : NULL;
        pause_between(attempt);
        if (!at_attempt_is_in_time(attempt)) {
            at_attempt_follow(attempt, AT_NEXT_NOTHING);
        }
    }
    return error;
}

/* True if ERROR says that the access token is not as the call needs it. */
static int is_refusal(const at_error_t *error)
{
    return error->code == AT_ACCESS_TOKEN_NOT_FOUND
           || error->code == AT_PRECONDITION_FAILED
           || error->code == AT_VALIDATION_FAILED
           || error->code == AT_DUPLICATE_VALUE
           || error->code == AT_VERSION_CONFLICT;
}

/* The call is refused by ERROR. The reason may be that a call with the same
 * Idempotency-Key was saved after this one looked for it, and gave the access
 * token another code or version. Then this call is a replay. */
static at_error_t *look_again(at_attempt_t *attempt, at_error_t *error)
{
    if (!attempt->call->idempotency_key || attempt->is_replay
        || !is_refusal(error)) {
        return error;
    }
    AT_TRY(at_save_find_request(attempt));
    if (attempt->is_replay) {
        at_attempt_follow(attempt, AT_NEXT_AT_ONCE);
    }
    return attempt->is_done ? NULL : error;
}

/* What can be refused without asking the database. */
static at_error_t *refuse_early(const at_call_t *call)
{
    int has_slow_work =
        call->request->key_pass_code
        || call->request->fields[AT_CREDENTIAL_PASS_CODE].presence
           == AT_VALUE;

    if (!call->token && !call->username) {
        return at_judge_no_session(call->pool);
    }
    if (call->hashing && has_slow_work && at_hashing_is_full(call->hashing)) {
        return at_attempt_no_turn(call, AT_HASHING_FULL);
    }
    return NULL;
}

at_error_t *at_update_run(at_call_t *call)
{
    at_attempt_t attempt;
    at_error_t *error, *cause = NULL;

    AT_TRY(refuse_early(call));
    AT_TRY(at_attempt_begin(&attempt, call));
    do {
        error = next_attempt(&attempt, &cause);
        if (error && attempt.next == AT_NEXT_NOTHING) {
            error = look_again(&attempt, error);
        }
    } while (attempt.next != AT_NEXT_NOTHING);
    if (!error && attempt.is_done) {
        show_stored(&attempt);
    }
    call->store->release(call->store);
    return attempt.open != AT_OPEN_NOT
           ? at_save_open_outcome(&attempt, error) : error;
}
