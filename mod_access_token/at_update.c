/* SPDX-License-Identifier: Apache-2.0 */
#include "at_update.h"

#include <string.h>

#include <apr_strings.h>
#include <apr_time.h>

#include "at_custom.h"
#include "at_digest.h"
#include "at_etag.h"
#include "at_field.h"
#include "at_generate.h"
#include "at_rules.h"

/* The longest pause before a new attempt, in milliseconds. */
#define LONGEST_PAUSE 32

/* What is to follow an attempt. */
typedef enum {
    NOTHING,                     /* its result stands */
    AGAIN_AT_ONCE,               /* another one, with a new generated value */
    AGAIN_LATER                  /* another one, after a pause */
} next_e;

/* One call and what it keeps from attempt to attempt. */
typedef struct {
    at_update_t *call;
    apr_pool_t *pool;
    at_store_t *store;
    const at_request_t *request;
    at_row_t *row;               /* as loaded last */
    at_rules_t *rules;
    const char *version;         /* the one that the save will make */
    at_field_value_t *change;    /* for each field: what is to be saved */
    int generate[AT_CREDENTIAL_COUNT];
    const char *generated[AT_CREDENTIAL_COUNT];
    int generations;             /* how often a generated value was taken */
    int lost_races;
    int retries;                 /* how often the store said so */
    const char *verified_hash;   /* what key_pass_code was verified by */
    const char *hashed;          /* the pass code that HASH is of */
    const char *hash;
    next_e next;
} run_t;

/* What an outcome that is not done means for the call. */
static at_error_t *outcome_error(run_t *run, at_outcome_e outcome)
{
    if (outcome == AT_STORE_BROKEN) {
        return at_error_hidden(run->pool, AT_INTERNAL_ERROR,
                               run->store->detail);
    }
    if (outcome == AT_STORE_RETRY && ++run->retries < AT_UPDATE_RETRIES) {
        run->next = AGAIN_LATER;
    }
    return at_error_hidden(run->pool, AT_SERVICE_UNAVAILABLE,
                           run->store->detail);
}

/* After the first load by id: the call may change what it looked by. */
static at_error_t *load(run_t *run)
{
    at_update_t *call = run->call;
    const char *values[AT_LOAD_COUNT] = { NULL, NULL, NULL, NULL };
    at_outcome_e outcome;

    if (call->token) {
        values[AT_LOAD_SESSION_DIGEST] = at_digest_sha256(run->pool,
                                                          call->token);
        if (!values[AT_LOAD_SESSION_DIGEST]) {
            return at_error_hidden(run->pool, AT_INTERNAL_ERROR,
                                   "libcrypto has no SHA-256");
        }
    }
    values[AT_LOAD_USERNAME] = call->username;
    values[AT_LOAD_NOW] = call->now;
    values[AT_LOAD_KEY] = call->id ? call->id : run->request->key;
    outcome = run->store->load(run->store,
                               call->id ? AT_STATEMENT_LOAD_BY_ID
                                        : run->request->load,
                               values, &run->row);
    return outcome == AT_STORE_DONE ? NULL : outcome_error(run, outcome);
}

static at_error_t *invalid_token(run_t *run)
{
    return at_error_make(run->pool, AT_INVALID_TOKEN, "The session token is "
                         "missing, unknown or expired. Log in again.");
}

static at_error_t *authenticate(run_t *run)
{
    at_update_t *call = run->call;
    const char *by_session = at_row_input(run->row, "session.user_id");
    const char *by_login = at_row_input(run->row, "login.user_id");
    const char *may_update = at_row_input(run->row, "caller.may_update");

    if (call->username && call->token
        && (!by_session || !by_login || strcmp(by_session, by_login))) {
        return at_error_make(run->pool, AT_INVALID_REQUEST, "The session "
                             "token is not one of the user that the "
                             "request's own authentication names. Send one "
                             "of the two.");
    }
    if (call->username ? !by_login : !by_session) {
        return invalid_token(run);
    }
    call->caller = at_row_input(run->row, "caller.username");
    if (!may_update || strcmp(may_update, "1")) {
        return at_error_make(run->pool, AT_FORBIDDEN, "This user may not "
                             "update access tokens.");
    }
    return NULL;
}

/* A row found by id may have lost the key that the caller knows it by. */
static int still_has_key(const run_t *run)
{
    int field = run->request->load == AT_STATEMENT_LOAD_BY_IDENTIFIER
                ? AT_CREDENTIAL_IDENTIFIER
                : AT_CREDENTIAL_AUTHENTICATION_CODE;
    const char *value = at_row_field(run->row, field);

    return !run->call->id
           || run->row->plan->field_columns[field] == AT_PLAN_NONE
           || (value && !strcmp(value, run->request->key));
}

/* Verify the pass code of the key; no connection is held meanwhile. */
static int verify_pass_code(run_t *run, int found)
{
    const char *pass_code = run->request->key_pass_code;
    const char *hash = at_row_input(run->row, "token.pass_code");

    if (!pass_code) {
        return found;
    }
    if (found && hash && run->verified_hash
        && !strcmp(hash, run->verified_hash)) {
        return 1;
    }
    run->store->release(run->store);
    if (!found || !hash || !*hash) {
        at_passcode_verify_nothing(run->call->scheme, pass_code);
        return 0;
    }
    run->verified_hash = hash;
    return at_passcode_verify(pass_code, hash);
}

static at_error_t *identify(run_t *run)
{
    const char *id = at_row_input(run->row, "token.id");
    const char *version = at_row_input(run->row, "token.version");
    int found = id && still_has_key(run);

    if (!verify_pass_code(run, found)) {
        return at_error_make(run->pool, AT_ACCESS_TOKEN_NOT_FOUND,
                             "There is no access token of this "
                             "authentication code, or of this identifier "
                             "and pass code.");
    }
    if (!version) {
        return at_error_hidden(run->pool, AT_INTERNAL_ERROR,
                               "token.version is NULL");
    }
    run->call->id = id;
    run->version = apr_psprintf(run->pool, "%" APR_INT64_T_FMT,
                                apr_atoi64(version) + 1);
    return NULL;
}

static at_error_t *check_precondition(run_t *run)
{
    const char *etag = at_etag_make(run->pool, run->call->id,
                                    at_row_input(run->row, "token.version"));

    if (run->call->if_match
        && !at_etag_matches(run->call->if_match, etag)) {
        return at_error_make(run->pool, AT_PRECONDITION_FAILED, "The access "
                             "token has been updated since the version that "
                             "If-Match names.");
    }
    return NULL;
}

/* fields_set names what only the rules stage knows. */
static void judge_select(run_t *run, const apr_array_header_t *configured,
                         apr_array_header_t *violations)
{
    const at_select_t *select = run->request->select;
    int i;

    if (select->pass_code_pointer
        && !run->generate[AT_CREDENTIAL_PASS_CODE]) {
        at_violations_add(violations, select->pass_code_pointer,
                          AT_VIOLATION_UNKNOWN_FIELD, "A pass code is "
                          "replied by the call that generates it only.");
    }
    for (i = 0; i < select->custom_fields->nelts; i++) {
        at_select_name_t *wanted = &APR_ARRAY_IDX(select->custom_fields, i,
                                                  at_select_name_t);

        if (!at_custom_find(configured, wanted->name)) {
            at_violations_add(violations, wanted->pointer,
                              AT_VIOLATION_UNKNOWN_FIELD, "No custom field "
                              "\"%s\" is configured.", wanted->name);
        }
    }
}

/* Judge the custom fields, and merge them into what is stored. */
static at_error_t *judge_custom_fields(run_t *run,
                                       const apr_array_header_t *configured,
                                       apr_array_header_t *violations)
{
    const apr_array_header_t *entries = run->request->custom_fields;
    int field = at_field_custom(), before = violations->nelts;
    at_field_value_t *to = &run->change[field];

    if (!entries || entries->nelts == 0) {
        to->presence = AT_ABSENT;
        return NULL;
    }
    at_custom_judge(entries, configured, violations);
    if (violations->nelts > before) {
        return NULL;
    }
    AT_TRY(at_custom_merge(&to->text, at_row_field(run->row, field), entries,
                           run->pool));
    to->presence = to->text ? AT_VALUE : AT_NULL;
    if (to->text && strlen(to->text) > AT_CUSTOM_SET_BYTES) {
        at_violations_add(violations, "/custom_field_set",
                          AT_VIOLATION_TOO_LONG, "All custom fields of an "
                          "access token together have at most %d bytes.",
                          AT_CUSTOM_SET_BYTES);
    }
    return NULL;
}

static at_error_t *judge(run_t *run)
{
    apr_array_header_t *violations = at_violations_make(run->pool);
    apr_array_header_t *configured = NULL;
    const apr_array_header_t *entries = run->request->custom_fields;
    at_outcome_e outcome;

    run->change = apr_pmemdup(run->pool, run->request->fields,
                              sizeof(at_field_value_t)
                              * (apr_size_t)at_field_count());
    if ((entries && entries->nelts > 0)
        || run->request->select->custom_fields->nelts > 0) {
        outcome = run->store->custom_fields(run->store, run->call->id,
                                            &configured);
        if (outcome != AT_STORE_DONE) {
            return outcome_error(run, outcome);
        }
    }
    AT_TRY(at_rules_read(&run->rules, run->row, run->pool));
    at_rules_judge(run->generate, run->rules, run->request, run->row,
                   violations);
    AT_TRY(judge_custom_fields(run, configured, violations));
    judge_select(run, configured, violations);
    return at_error_violations(run->pool, violations);
}

static at_error_t *generate_one(run_t *run, at_credential_e credential)
{
    const char **value = &run->generated[credential];
    at_outcome_e outcome;

    if (run->rules->credential[credential].creation == AT_CREATION_ID) {
        *value = at_generate_id(run->pool);
        return *value ? NULL : at_error_hidden(run->pool, AT_INTERNAL_ERROR,
                                               "no randomness");
    }
    outcome = run->store->next_number(run->store,
                                      at_field_get((int)credential)->name,
                                      value);
    return outcome == AT_STORE_DONE ? NULL : outcome_error(run, outcome);
}

static at_error_t *generate(run_t *run)
{
    int i;

    for (i = 0; i < AT_CREDENTIAL_COUNT; i++) {
        if (!run->generate[i]) {
            continue;
        }
        if (!run->generated[i]) {
            AT_TRY(generate_one(run, (at_credential_e)i));
        }
        run->change[i].presence = AT_VALUE;
        run->change[i].text = run->generated[i];
    }
    return NULL;
}

/* Put a hash where the pass code stands; no connection is held meanwhile. */
static at_error_t *hash_pass_code(run_t *run)
{
    at_field_value_t *value = &run->change[AT_CREDENTIAL_PASS_CODE];

    if (value->presence != AT_VALUE) {
        return NULL;
    }
    if (!run->hash || strcmp(value->text, run->hashed)) {
        run->store->release(run->store);
        run->hashed = value->text;
        run->hash = at_passcode_hash(run->call->scheme, value->text,
                                     run->pool);
    }
    if (!run->hash) {
        return at_error_hidden(run->pool, AT_INTERNAL_ERROR,
            apr_psprintf(run->pool, "libcrypt could not hash a pass code "
                         "by %s; choose another AccessTokenPassCodeScheme",
                         run->call->scheme->name));
    }
    value->text = run->hash;
    return NULL;
}

/* The row as it will be. Written before the save, so that nothing that
 * could fail is left to do behind it. */
static at_error_t *write_reply(run_t *run)
{
    const at_plan_t *plan = run->row->plan;
    at_row_t row = { plan, NULL };
    const char *pass_code = NULL;
    int i;

    row.values = apr_pmemdup(run->pool, run->row->values,
                             sizeof(*row.values)
                             * (apr_size_t)plan->column_count);
    for (i = 0; i < at_field_count(); i++) {
        if (run->change[i].presence != AT_ABSENT
            && plan->field_columns[i] != AT_PLAN_NONE) {
            row.values[plan->field_columns[i]] = run->change[i].text;
        }
    }
    if (plan->updated_date_column != AT_PLAN_NONE) {
        row.values[plan->updated_date_column] = run->call->now;
    }
    if (run->generate[AT_CREDENTIAL_PASS_CODE]) {
        pass_code = run->generated[AT_CREDENTIAL_PASS_CODE];
    }
    return at_reply_data(&run->call->body, &row, run->request->select,
                         pass_code, run->pool);
}

static const char **save_values(run_t *run)
{
    int count = AT_SAVE_FIELDS + 2 * at_field_count();
    const char **values = apr_pcalloc(run->pool, sizeof(*values)
                                                 * (apr_size_t)count);
    int i;

    values[AT_SAVE_ID] = run->call->id;
    values[AT_SAVE_VERSION] = at_row_input(run->row, "token.version");
    values[AT_SAVE_NOW] = run->call->now;
    values[AT_SAVE_USER_ID] = at_row_input(run->row, "caller.user_id");
    values[AT_SAVE_UNIT_ID] = at_row_input(run->row, "caller.unit_id");
    for (i = 0; i < at_field_count(); i++) {
        const at_field_value_t *value = &run->change[i];
        const char **to = values + AT_SAVE_FIELDS + 2 * i;

        to[0] = value->presence == AT_ABSENT ? "0" : "1";
        to[1] = value->presence == AT_VALUE ? value->text : NULL;
    }
    return values;
}

/* Another access token has a value: generate a new one, or say so. */
static at_error_t *conflict(run_t *run)
{
    int field = run->store->conflict;
    const char *name = at_field_get(field)->name;
    at_error_t *error;

    if (field < AT_CREDENTIAL_COUNT && run->generate[field]) {
        run->generated[field] = NULL;
        run->next = ++run->generations < AT_UPDATE_GENERATIONS
                    ? AGAIN_AT_ONCE : NOTHING;
        return at_error_hidden(run->pool, AT_SERVICE_UNAVAILABLE,
            apr_psprintf(run->pool, "%d values generated for %s were all "
                         "taken; set its sequence behind the greatest "
                         "number in use", run->generations, name));
    }
    error = at_error_make(run->pool, AT_DUPLICATE_VALUE, "Another access "
                          "token has this %s.", name);
    error->violations = at_violations_make(run->pool);
    at_violations_add(error->violations, at_pointer_member(run->pool, "",
                                                           name),
                      AT_VIOLATION_DUPLICATE_VALUE,
                      "Another access token has this value.");
    return error;
}

static at_error_t *save(run_t *run)
{
    at_outcome_e outcome = run->store->save(run->store, save_values(run));

    switch (outcome) {
    case AT_STORE_DONE:
        run->call->etag = at_etag_make(run->pool, run->call->id,
                                       run->version);
        return NULL;
    case AT_STORE_CONFLICT:
        return conflict(run);
    case AT_STORE_LOST_RACE:
        run->next = ++run->lost_races < AT_UPDATE_ATTEMPTS ? AGAIN_LATER
                                                           : NOTHING;
        return at_error_make(run->pool, AT_VERSION_CONFLICT, "Other calls "
                             "updated this access token again and again. "
                             "Try again.");
    case AT_STORE_RETRY:
    case AT_STORE_UNAVAILABLE:
    case AT_STORE_BROKEN:
        break;
    }
    return outcome_error(run, outcome);
}

static at_error_t *attempt(run_t *run)
{
    AT_TRY(load(run));
    AT_TRY(authenticate(run));
    AT_TRY(identify(run));
    AT_TRY(check_precondition(run));
    AT_TRY(judge(run));
    AT_TRY(generate(run));
    AT_TRY(hash_pass_code(run));
    AT_TRY(write_reply(run));
    return save(run);
}

/* Pause for a random time, so that calls that met do not meet again. */
static void step_back(run_t *run)
{
    int times = run->lost_races + run->retries;
    unsigned int longest = times < 5 ? 1U << times : LONGEST_PAUSE;

    run->store->release(run->store);
    apr_sleep(apr_time_from_msec(at_generate_up_to(longest)));
}

at_error_t *at_update_run(at_update_t *update)
{
    run_t run;
    at_error_t *error;

    memset(&run, 0, sizeof(run));
    run.call = update;
    run.pool = update->pool;
    run.store = update->store;
    run.request = update->request;
    if (!update->token && !update->username) {
        return invalid_token(&run);
    }
    do {
        run.next = NOTHING;
        error = attempt(&run);
        if (run.next == AGAIN_LATER) {
            step_back(&run);
        }
    } while (run.next != NOTHING);
    run.store->release(run.store);
    return error;
}
