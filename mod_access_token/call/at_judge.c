/* SPDX-License-Identifier: Apache-2.0 */
/* What decides whether a call may change the access token as it wants. */
#include "at_call.h"

#include <string.h>

#include <apr_strings.h>

#include "at_cost.h"
#include "at_custom.h"
#include "at_etag.h"
#include "at_passcode.h"
#include "at_text.h"

at_error_t *at_judge_no_session(at_call_t *call)
{
    return at_error_make(call->pool, AT_INVALID_TOKEN, "The session token is "
                         "missing, unknown or expired. Log in again.");
}

at_error_t *at_judge_caller(at_call_t *call)
{
    at_update_t *update = call->update;
    const char *by_session = at_row_input(call->row, AT_COLUMN_SESSION_USER_ID);
    const char *by_login = at_row_input(call->row, AT_COLUMN_LOGIN_USER_ID);
    const char *may_update = at_row_input(call->row,
                                          AT_COLUMN_CALLER_MAY_UPDATE);

    if (update->username && update->token
        && (!by_session || !by_login || strcmp(by_session, by_login))) {
        return at_error_make(call->pool, AT_INVALID_REQUEST, "The session "
                             "token is not one of the user that the "
                             "request's own authentication names. Send one "
                             "of the two.");
    }
    if (update->username ? !by_login : !by_session) {
        return at_judge_no_session(call);
    }
    update->caller = at_row_input(call->row, AT_COLUMN_CALLER_USERNAME);
    if (!may_update || strcmp(may_update, "1")) {
        return at_error_make(call->pool, AT_FORBIDDEN, "This user may not "
                             "update access tokens.");
    }
    return NULL;
}

/* A row found by id may have lost the key that the caller knows it by. */
static int still_has_key(const at_call_t *call)
{
    int field = call->request->load == AT_STATEMENT_LOAD_BY_IDENTIFIER
                ? AT_CREDENTIAL_IDENTIFIER
                : AT_CREDENTIAL_AUTHENTICATION_CODE;
    const char *value = at_row_field(call->row, field);

    return !call->update->id
           || call->row->plan->field_columns[field] == AT_PLAN_NONE
           || (value && !strcmp(value, call->request->key));
}

static int opens(const at_slow_t *slow, const char *pass_code)
{
    if (*slow->hash) {
        return at_passcode_verify(pass_code, slow->hash);
    }
    at_passcode_verify_nothing(&slow->scheme, pass_code);
    return 0;
}

/* A hash may have been made before pass codes were prepared. Whether there are
 * two tries is up to the request, so the time does not tell of the record. */
static void verify_here(void *baton)
{
    at_slow_t *slow = baton;

    slow->verified = opens(slow, slow->pass_code);
    if (!slow->verified && *slow->sent) {
        slow->verified = opens(slow, slow->sent);
    }
}

/* True if HASH can be verified, at a bearable cost; else notes why not. That
 * a record is locked by what is no hash ("*", "!") is no news. */
static int is_bearable(at_call_t *call, const char *hash)
{
    const at_cost_t *limit = call->update->cost_limit;
    at_cost_t cost;

    if (!limit) {
        return 1;
    }
    if (!at_cost_read(&cost, hash)) {
        call->not_verified = strchr("*!", *hash) ? NULL
            : "it is of no scheme that is known here; set a new pass code";
        return 0;
    }
    if (at_cost_exceeds(&cost, limit)) {
        call->not_verified = apr_psprintf(call->pool,
            "to verify it would take some %.1f s and %.0f MB, and "
            "AccessTokenPassCodeLimit is %.1f s and %.0f MB; set a new pass "
            "code, or raise that", cost.milliseconds / 1000, cost.megabytes,
            limit->milliseconds / 1000, limit->megabytes);
        return 0;
    }
    return 1;
}

/* Verify the pass code of the key into *VERIFIED, FOUND if it needs none; no
 * connection is held meanwhile. */
static at_error_t *verify_pass_code(int *verified, at_call_t *call,
                                    int found)
{
    const char *hash = at_row_input(call->row, AT_COLUMN_TOKEN_PASS_CODE);
    const char *pass_code = call->request->key_pass_code;
    const char *sent = call->request->key_pass_code_sent;
    at_slow_t slow = { *call->update->scheme, "", "", "", 0 };
    at_error_t *error;

    call->not_verified = NULL;
    *verified = found;
    if (!pass_code
        || (found && hash && call->verified_hash
            && !strcmp(hash, call->verified_hash))) {
        return NULL;
    }
    if (found && hash && is_bearable(call, hash)) {
        apr_cpystrn(slow.hash, hash, sizeof(slow.hash));
    }
    apr_cpystrn(slow.sent, sent ? sent : "", sizeof(slow.sent));
    error = at_call_hash(call, verify_here, &slow, pass_code);
    explicit_bzero(slow.hash, sizeof(slow.hash));
    *verified = slow.verified;
    call->verified_hash = *verified ? hash : NULL;
    return error;
}

static at_error_t *not_found(const at_call_t *call, const char *id)
{
    at_error_t *error = at_error_make(call->pool, AT_ACCESS_TOKEN_NOT_FOUND,
                                      "There is no access token of this "
                                      "authentication code, or of this "
                                      "identifier and pass code.");

    if (call->not_verified) {
        error->detail = apr_psprintf(call->pool, "the stored hash of access "
                                     "token %s was not verified: %s", id,
                                     call->not_verified);
    }
    return error;
}

at_error_t *at_judge_key(at_call_t *call)
{
    const char *id = at_row_input(call->row, AT_COLUMN_TOKEN_ID);
    int verified;

    AT_TRY(verify_pass_code(&verified, call, id && still_has_key(call)));
    if (!verified) {
        return not_found(call, id);
    }
    if (!at_row_input(call->row, AT_COLUMN_TOKEN_VERSION)) {
        return at_error_hidden(call->pool, AT_INTERNAL_ERROR,
                               "token.version is NULL");
    }
    call->update->id = id;
    return NULL;
}

at_error_t *at_judge_precondition(at_call_t *call)
{
    const at_update_t *update = call->update;
    const char *etag = at_etag_make(call->pool, update->id,
        at_row_input(call->row, AT_COLUMN_TOKEN_VERSION));

    if (update->if_match
        && at_etag_match(update->if_match, etag, 0) != AT_ETAG_MATCHES) {
        return at_error_make(call->pool, AT_PRECONDITION_FAILED, "The access "
                             "token has been updated since the version that "
                             "If-Match names.");
    }
    if (update->if_none_match
        && at_etag_match(update->if_none_match, etag, 1)
           != AT_ETAG_DIFFERS) {
        return at_error_make(call->pool, AT_PRECONDITION_FAILED, "The access "
                             "token has the version that If-None-Match "
                             "names.");
    }
    return NULL;
}

/* fields_set names what only the rules stage knows. */
static void judge_select(const at_call_t *call,
                         const apr_array_header_t *configured,
                         at_violations_t *violations)
{
    const at_select_t *select = call->request->select;
    int i;

    if (select->pass_code_pointer
        && !call->generate[AT_CREDENTIAL_PASS_CODE]) {
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
                              "\"%s\" is configured.",
                              at_text_quoted(call->pool, wanted->name));
        }
    }
}

/* Judge the custom fields, and merge them into what is stored. */
static at_error_t *judge_custom_fields(at_call_t *call,
                                       const apr_array_header_t *configured,
                                       at_violations_t *violations)
{
    const apr_array_header_t *entries = call->request->custom_fields;
    int field = at_field_custom(), before = at_violations_count(violations);
    at_field_value_t *to = &call->change[field];

    if (!entries || entries->nelts == 0) {
        to->presence = AT_ABSENT;
        return NULL;
    }
    at_custom_judge(entries, configured, violations);
    if (at_violations_count(violations) > before) {
        return NULL;
    }
    AT_TRY(at_custom_merge(&to->text, at_row_field(call->row, field),
                           entries, call->pool));
    to->presence = to->text ? AT_VALUE : AT_NULL;
    if (to->text && strlen(to->text) > AT_CUSTOM_SET_BYTES) {
        at_violations_add(violations, "/custom_field_set",
                          AT_VIOLATION_TOO_LONG, "All custom fields of an "
                          "access token together have at most %d bytes.",
                          AT_CUSTOM_SET_BYTES);
    }
    return NULL;
}

at_error_t *at_judge_change(at_call_t *call)
{
    at_violations_t *violations = at_violations_make(call->pool);
    apr_array_header_t *configured = NULL;
    const apr_array_header_t *entries = call->request->custom_fields;
    at_outcome_e outcome;

    call->change = apr_pmemdup(call->pool, call->request->fields,
                               sizeof(at_field_value_t)
                               * (apr_size_t)at_field_count());
    if ((entries && entries->nelts > 0)
        || call->request->select->custom_fields->nelts > 0) {
        outcome = call->store->custom_fields(call->store, call->update->id,
                                             &configured);
        if (outcome != AT_STORE_DONE) {
            return at_call_outcome(call, outcome);
        }
    }
    AT_TRY(at_rules_read(&call->rules, call->row, call->pool));
    at_rules_judge(call->generate, call->rules, call->request, call->row,
                   violations);
    AT_TRY(judge_custom_fields(call, configured, violations));
    judge_select(call, configured, violations);
    return at_error_violations(call->pool, violations);
}

