/* SPDX-License-Identifier: Apache-2.0 */
#include "at_judge.h"

#include <string.h>

#include <apr_strings.h>

#include "at_cost.h"
#include "at_custom.h"
#include "at_etag.h"
#include "at_lookup.h"
#include "at_passcode.h"
#include "at_text.h"

at_error_t *at_judge_no_session(apr_pool_t *pool)
{
    return at_error_make(pool, AT_INVALID_TOKEN, "The session token is "
                         "missing, unknown or expired. Log in again.");
}

at_error_t *at_judge_caller(at_attempt_t *attempt)
{
    at_call_t *call = attempt->call;
    at_row_t *row = attempt->row;
    const char *by_session, *by_login, *may_update;

    AT_TRY(at_lookup_inputs(attempt, row, AT_COLUMN_SESSION_USER_ID,
                            AT_COLUMN_CALLER_MAY_UPDATE));
    by_session = at_row_input(row, AT_COLUMN_SESSION_USER_ID);
    by_login = at_row_input(row, AT_COLUMN_LOGIN_USER_ID);
    may_update = at_row_input(row, AT_COLUMN_CALLER_MAY_UPDATE);
    if (call->username && call->token
        && (!by_session || !by_login || strcmp(by_session, by_login))) {
        return at_error_make(attempt->pool, AT_INVALID_REQUEST, "The session "
                             "token does not belong to the user that Apache "
                             "has authenticated. Send only one of the two.");
    }
    if (call->username ? !by_login : !by_session) {
        return at_judge_no_session(attempt->pool);
    }
    call->caller = at_row_input(row, AT_COLUMN_CALLER_USERNAME);
    if (!may_update || strcmp(may_update, "1")) {
        at_attempt_even_out(attempt);
        return at_error_make(attempt->pool, AT_FORBIDDEN, "This user may not "
                             "update access tokens.");
    }
    return NULL;
}

/* True if the row still has the code or the identifier by which the request
 * names it. A row that was loaded by id may have lost that meanwhile. */
static int still_has_key(const at_attempt_t *attempt)
{
    int field = attempt->request->load == AT_STATEMENT_LOAD_BY_IDENTIFIER
                ? AT_CREDENTIAL_IDENTIFIER
                : AT_CREDENTIAL_AUTHENTICATION_CODE;
    const char *value = at_row_field(attempt->row, field);

    return !attempt->call->id
           || attempt->row->plan->field_columns[field] == AT_PLAN_NONE
           || (value && !strcmp(value, attempt->request->key));
}

static int opens(const at_slow_t *slow, const char *pass_code)
{
    if (*slow->hash) {
        return at_passcode_verify(pass_code, slow->hash);
    }
    at_passcode_verify_nothing(&slow->scheme, pass_code);
    return 0;
}

/* The hash may have been made of the pass code as it was sent. Whether there
 * is a second try depends on the request alone, so the time that this takes
 * reveals nothing of the record. */
static void verify_here(void *baton)
{
    at_slow_t *slow = baton;

    slow->verified = opens(slow, slow->pass_code);
    if (!slow->verified && *slow->sent) {
        slow->verified = opens(slow, slow->sent);
    }
}

/* True if HASH can be verified within the limit; else the reason is noted,
 * for the log. "*" and "!" stand for a locked record, and need no reason. */
static int is_affordable(at_attempt_t *attempt, const char *hash)
{
    const at_cost_t *limit = attempt->call->cost_limit;
    at_cost_t cost;

    if (!limit) {
        return 1;
    }
    if (!at_cost_read(&cost, hash)) {
        attempt->not_verified = strchr("*!", *hash) ? NULL
            : "its scheme is unknown; set a new pass code";
        return 0;
    }
    if (at_cost_exceeds(&cost, limit)) {
        attempt->not_verified = apr_psprintf(attempt->pool,
            "verifying it would take about %.1f s and %.0f MB, and "
            "AccessTokenPassCodeLimit is %.1f s and %.0f MB; set a new pass "
            "code, or raise the limit", cost.milliseconds / 1000,
            cost.megabytes, limit->milliseconds / 1000, limit->megabytes);
        return 0;
    }
    return 1;
}

/* Set *VERIFIED to true if the access token was FOUND and the pass code of the
 * request, if it has one, is right. No connection is held meanwhile. A pass
 * code is hashed also if nothing was found, so that the time is the same. */
static at_error_t *verify_pass_code(int *verified, at_attempt_t *attempt,
                                    int found)
{
    const char *hash = at_row_input(attempt->row, AT_COLUMN_TOKEN_PASS_CODE);
    const char *pass_code = attempt->request->key_pass_code;
    const char *sent = attempt->request->key_pass_code_sent;
    at_slow_t slow = { *attempt->call->scheme, "", "", "", 0 };
    at_error_t *error;

    attempt->not_verified = NULL;
    *verified = found;
    if (!pass_code
        || (found && hash && attempt->verified_hash
            && !strcmp(hash, attempt->verified_hash))) {
        return NULL;
    }
    if (found && hash && is_affordable(attempt, hash)) {
        apr_cpystrn(slow.hash, hash, sizeof(slow.hash));
    }
    apr_cpystrn(slow.sent, sent ? sent : "", sizeof(slow.sent));
    error = at_attempt_hash(attempt, verify_here, &slow, pass_code);
    explicit_bzero(slow.hash, sizeof(slow.hash));
    *verified = slow.verified;
    attempt->verified_hash = *verified ? hash : NULL;
    return error;
}

static at_error_t *not_found(const at_attempt_t *attempt, const char *id)
{
    at_error_t *error = at_error_make(attempt->pool,
        AT_ACCESS_TOKEN_NOT_FOUND, "There is no access token with this "
        "authentication code, or with this identifier and pass code.");

    if (attempt->not_verified) {
        error->detail = apr_psprintf(attempt->pool, "the stored hash of "
                                     "access token %s was not verified: %s",
                                     id, attempt->not_verified);
    }
    return error;
}

at_error_t *at_judge_key(at_attempt_t *attempt)
{
    const char *id = at_row_input(attempt->row, AT_COLUMN_TOKEN_ID);
    int verified;

    AT_TRY(verify_pass_code(&verified, attempt, id && still_has_key(attempt)));
    if (!verified) {
        return not_found(attempt, id);
    }
    if (!at_row_input(attempt->row, AT_COLUMN_TOKEN_VERSION)) {
        return at_error_hidden(attempt->pool, AT_INTERNAL_ERROR,
                               "token.version is NULL");
    }
    attempt->call->id = id;
    return NULL;
}

at_error_t *at_judge_precondition(at_attempt_t *attempt)
{
    const at_call_t *call = attempt->call;
    const char *etag = at_etag_make(attempt->pool, call->id,
        at_row_input(attempt->row, AT_COLUMN_TOKEN_VERSION));

    if (call->if_match
        && at_etag_match(call->if_match, etag, 0) != AT_ETAG_MATCHES) {
        return at_error_make(attempt->pool, AT_PRECONDITION_FAILED, "The "
                             "access token has been updated since the "
                             "version that If-Match names.");
    }
    if (call->if_none_match
        && at_etag_match(call->if_none_match, etag, 1) != AT_ETAG_DIFFERS) {
        return at_error_make(attempt->pool, AT_PRECONDITION_FAILED, "The "
                             "access token has the version that "
                             "If-None-Match names.");
    }
    return NULL;
}

/* Judge the names of fields_set that only the rules stage can judge. */
static void judge_select(const at_attempt_t *attempt,
                         const apr_array_header_t *configured,
                         at_violations_t *violations)
{
    const at_select_t *select = attempt->request->select;
    int i;

    if (select->pass_code_pointer
        && !attempt->generate[AT_CREDENTIAL_PASS_CODE]) {
        at_violations_add(violations, select->pass_code_pointer,
                          AT_VIOLATION_UNKNOWN_FIELD, "A pass code is "
                          "returned only by the call that generates it.");
    }
    for (i = 0; i < select->custom_fields->nelts; i++) {
        at_select_name_t *wanted = &APR_ARRAY_IDX(select->custom_fields, i,
                                                  at_select_name_t);

        if (!at_custom_find(configured, wanted->name)) {
            at_violations_add(violations, wanted->pointer,
                              AT_VIOLATION_UNKNOWN_FIELD, "No custom field "
                              "\"%s\" is configured.",
                              at_text_quoted(attempt->pool, wanted->name));
        }
    }
}

/* Judge the custom fields, and merge them into the stored set. */
static at_error_t *judge_custom_fields(at_attempt_t *attempt,
                                       const apr_array_header_t *configured,
                                       at_violations_t *violations)
{
    const apr_array_header_t *entries = attempt->request->custom_fields;
    int field = at_field_custom(), before = at_violations_count(violations);
    at_field_value_t *to = &attempt->change[field];

    if (!entries || entries->nelts == 0) {
        to->presence = AT_ABSENT;
        return NULL;
    }
    at_custom_judge(entries, configured, violations);
    if (at_violations_count(violations) > before) {
        return NULL;
    }
    AT_TRY(at_custom_merge(&to->text, attempt->call->id,
                           at_row_field(attempt->row, field), entries,
                           attempt->pool));
    to->presence = to->text ? AT_VALUE : AT_NULL;
    if (to->text && strlen(to->text) > AT_CUSTOM_SET_BYTES) {
        at_violations_add(violations, "/custom_field_set",
                          AT_VIOLATION_TOO_LONG, "All custom fields of an "
                          "access token together may have at most %d bytes.",
                          AT_CUSTOM_SET_BYTES);
    }
    return NULL;
}

at_error_t *at_judge_change(at_attempt_t *attempt)
{
    at_violations_t *violations = at_violations_make(attempt->pool);
    const at_request_t *request = attempt->request;
    apr_array_header_t *configured = NULL;

    attempt->change = apr_pmemdup(attempt->pool, request->fields,
                                  sizeof(at_field_value_t)
                                  * (apr_size_t)at_field_count());
    if ((request->custom_fields && request->custom_fields->nelts > 0)
        || request->select->custom_fields->nelts > 0) {
        AT_TRY(at_lookup_custom_fields(attempt, attempt->row, &configured));
    }
    AT_TRY(at_lookup_inputs(attempt, attempt->row,
                            AT_COLUMN_ALLOW_NO_IDENTIFIER, AT_COLUMN_LAST));
    AT_TRY(at_rules_read(&attempt->rules, attempt->row, attempt->pool));
    at_rules_judge(attempt->generate, attempt->rules, request, attempt->row,
                   violations);
    AT_TRY(judge_custom_fields(attempt, configured, violations));
    judge_select(attempt, configured, violations);
    return at_error_violations(attempt->pool, violations);
}
