/* SPDX-License-Identifier: Apache-2.0 */
#include "at_attempt.h"

#include <string.h>

#include <apr_strings.h>

#include "at_clock.h"
#include "at_digest.h"
#include "at_generate.h"
#include "at_select.h"

/* How often a call is tried again after AT_STORE_STALE. */
#define MOST_STALE 4

at_error_t *at_attempt_begin(at_attempt_t *attempt, at_call_t *call)
{
    memset(attempt, 0, sizeof(*attempt));
    attempt->call = call;
    attempt->pool = call->pool;
    attempt->store = call->store;
    attempt->request = call->request;
    attempt->look_for_request = call->idempotency_key != NULL;
    attempt->request_id = at_generate_id(call->pool);
    if (!attempt->request_id) {
        return at_error_hidden(call->pool, AT_INTERNAL_ERROR,
                               "libcrypto has no random numbers");
    }
    if (call->token) {
        attempt->session_digest = at_digest_sha256(call->pool, call->token,
                                                   call->sha256);
        if (!attempt->session_digest) {
            return at_error_hidden(call->pool, AT_INTERNAL_ERROR,
                                   "libcrypto has no SHA-256");
        }
    }
    call->store->deadline = at_clock_now() + call->budget;
    return NULL;
}

void at_attempt_start(at_attempt_t *attempt)
{
    attempt->next = AT_NEXT_NOTHING;
    attempt->loads = 0;
    attempt->started = at_clock_now();
}

void at_attempt_follow(at_attempt_t *attempt, at_next_e next)
{
    attempt->next = next;
}

void at_attempt_retry(at_attempt_t *attempt)
{
    attempt->retries++;
    attempt->next = AT_NEXT_LATER;
}

int at_attempt_is_in_time(const at_attempt_t *attempt)
{
    return at_clock_now() < attempt->store->deadline;
}

/* True if ROW has an access token, and lacks a document that the call wants:
 * the joins have the same. */
static int lacks_document(const at_attempt_t *attempt, const at_row_t *row)
{
    const at_plan_t *plan = row->plan;
    int i;

    if (!at_row_input(row, AT_COLUMN_TOKEN_ID)) {
        return 0;
    }
    for (i = 0; i < plan->documents->nelts; i++) {
        if (!row->values[plan->first_document + i]
            && at_select_wants(attempt->request->select, plan,
                               APR_ARRAY_IDX(plan->documents, i,
                                             at_document_t).node)) {
            return 1;
        }
    }
    return 0;
}

/* The load statement that is tried first for CALL, if LOAD is the one that
 * always gives a row. */
static at_statement_e first_load(const at_call_t *call, at_statement_e load)
{
    return load == AT_STATEMENT_LOAD_BY_AUTHENTICATION_CODE
           && call->token && !call->username
           && call->statements->statement[AT_STATEMENT_LOAD_BY_SESSION_AND_CODE]
           ? AT_STATEMENT_LOAD_BY_SESSION_AND_CODE : load;
}

/* Run LOAD in FORM. *ROW becomes NULL if it gives none. */
static const at_fault_t *run_load(at_attempt_t *attempt,
                                  at_statement_e load, at_sql_form_e form,
                                  at_row_t **row)
{
    const at_call_t *call = attempt->call;
    const char *values[AT_LOAD_COUNT];

    attempt->loads++;
    values[AT_LOAD_SESSION_DIGEST] = attempt->session_digest;
    values[AT_LOAD_USERNAME] = call->username;
    values[AT_LOAD_NOW] = call->now;
    values[AT_LOAD_KEY] = call->id ? call->id : attempt->request->key;
    return attempt->store->load(attempt->store, at_statement_load(load, form),
                                values, row);
}

/* The form for LOAD. By identifier it is never that with documents: where one
 * is missing, the second load would show by its time that the identifier
 * exists, before the pass code is verified. */
static at_sql_form_e choose_form(const at_attempt_t *attempt,
                                 at_statement_e load)
{
    at_sql_form_e form = at_select_form(attempt->request->select,
                                        attempt->call->statements);

    return load == AT_STATEMENT_LOAD_BY_IDENTIFIER
           && form == AT_SQL_DOCUMENTS ? AT_SQL_WHOLE : form;
}

void at_attempt_even_out(at_attempt_t *attempt)
{
    at_statement_e load = attempt->request->load;
    at_row_t *ignored;

    if (attempt->loads == 1 && !attempt->call->id
        && first_load(attempt->call, load) != load) {
        (void)run_load(attempt, load, choose_form(attempt, load), &ignored);
    }
}

const at_fault_t *at_attempt_load(at_attempt_t *attempt, at_row_t **row)
{
    const at_call_t *call = attempt->call;
    at_statement_e load = call->id ? AT_STATEMENT_LOAD_BY_ID
                                   : attempt->request->load;
    at_sql_form_e form = choose_form(attempt, load);
    at_row_t *loaded = NULL;

    AT_FAULT_TRY(run_load(attempt, first_load(call, load), form, &loaded));
    if (!loaded) {
        AT_FAULT_TRY(run_load(attempt, load, form, &loaded));
    }
    if (form == AT_SQL_DOCUMENTS && lacks_document(attempt, loaded)) {
        AT_FAULT_TRY(run_load(attempt, load, AT_SQL_WHOLE, &loaded));
    }
    *row = loaded;
    return NULL;
}

/* True if there is time for another attempt. An attempt that waited for a
 * lock will wait as long again. It must be able to finish before the
 * deadline, since a statement that is cut off leaves its outcome open. */
static int has_time(const at_attempt_t *attempt, at_fault_kind_e kind)
{
    apr_time_t now = at_clock_now();
    apr_interval_time_t needed = 0;

    if (kind == AT_FAULT_WAIT) {
        needed = now - attempt->started;
    }
    return now + needed < attempt->store->deadline;
}

/* True if another attempt may succeed. */
static int is_passing(at_attempt_t *attempt, at_outcome_e outcome)
{
    if (outcome == AT_STORE_STALE) {
        return attempt->stale++ < MOST_STALE;
    }
    return outcome == AT_STORE_RETRY || outcome == AT_STORE_LOST;
}

at_error_t *at_attempt_fault(at_attempt_t *attempt, const at_fault_t *fault)
{
    int is_broken;

    if (!fault) {
        return NULL;
    }
    if (is_passing(attempt, fault->outcome)
        && has_time(attempt, fault->kind)) {
        at_attempt_retry(attempt);
    }
    is_broken = fault->outcome == AT_STORE_BROKEN
                || fault->outcome == AT_STORE_TOO_LONG
                || fault->outcome == AT_STORE_STALE;
    return at_error_fault(attempt->pool,
                          is_broken ? AT_INTERNAL_ERROR
                                    : AT_SERVICE_UNAVAILABLE, fault);
}

at_error_t *at_attempt_no_turn(const at_call_t *call, at_hashing_e outcome)
{
    int limit = at_hashing_limit(call->hashing);
    at_error_t *error = at_error_make(call->pool, AT_SERVICE_UNAVAILABLE,
        "Too many pass codes are being set or verified at the moment. Nothing "
        "has changed. Try again later.");

    error->fault = at_fault_make(call->pool, AT_STORE_UNAVAILABLE,
        AT_FAULT_HASHING, "%s to hash or verify a pass code; this child "
        "hashes %d at once. Find out which client sends so many calls with "
        "pass codes, and what else keeps the processors busy; see "
        "AccessTokenHashingLimit, and the cost of AccessTokenPassCodeScheme",
        outcome == AT_HASHING_FULL
        ? "too many calls of this child waited already"
        : "no processor was free in time", limit);
    return error;
}

at_error_t *at_attempt_hash(at_attempt_t *attempt, at_hashing_work_t work,
                            at_slow_t *slow, const char *pass_code)
{
    apr_time_t suspended = at_clock_now();
    apr_interval_time_t taken;
    at_hashing_e outcome;

    attempt->store->release(attempt->store);
    apr_cpystrn(slow->pass_code, pass_code, sizeof(slow->pass_code));
    outcome = at_hashing_run(attempt->call->hashing, work, slow,
                             sizeof(*slow), attempt->store->deadline, &taken);
    explicit_bzero(slow->pass_code, sizeof(slow->pass_code));
    explicit_bzero(slow->sent, sizeof(slow->sent));
    attempt->store->deadline += taken;
    /* The next attempt will not do this work again. */
    attempt->started += at_clock_now() - suspended;
    return outcome == AT_HASHING_DONE
           ? NULL : at_attempt_no_turn(attempt->call, outcome);
}
