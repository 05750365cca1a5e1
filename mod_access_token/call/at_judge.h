/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What decides whether a call may make its change: who calls, which access
 * token it names, its preconditions, and the rules. at_judge.c writes its own
 * members of at_attempt_t.
 */
#ifndef AT_JUDGE_H
#define AT_JUDGE_H

#include "at_attempt.h"

/** The error, in POOL, for a session that is missing, unknown or expired: one
 *  answer for all three (contract, section 5). */
at_error_t *at_judge_no_session(apr_pool_t *pool);

/**
 * Judge who calls, by the loaded row; fills the call's caller.
 * AT_INVALID_TOKEN: nobody who is known. AT_INVALID_REQUEST: session token
 * and login are of two users. AT_FORBIDDEN: the caller may not update.
 */
at_error_t *at_judge_caller(at_attempt_t *attempt) AT_MUST_CHECK;

/**
 * Judge whether the loaded row is the access token that the request names;
 * fills the call's id. If a pass code has to be verified, the connection is
 * given back first. AT_ACCESS_TOKEN_NOT_FOUND: there is none, or its pass
 * code is another. AT_SERVICE_UNAVAILABLE: no turn to verify the pass code.
 */
at_error_t *at_judge_key(at_attempt_t *attempt) AT_MUST_CHECK;

/** Judge If-Match and If-None-Match: AT_PRECONDITION_FAILED, or NULL. */
at_error_t *at_judge_precondition(at_attempt_t *attempt) AT_MUST_CHECK;

/**
 * Judge the change by the rules; fills rules, change and generate. May run
 * custom_fields.sql. AT_VALIDATION_FAILED with all violations; an error of
 * the store; AT_INTERNAL_ERROR if the row's rules or its stored custom fields
 * cannot be read.
 */
at_error_t *at_judge_change(at_attempt_t *attempt) AT_MUST_CHECK;

#endif /* AT_JUDGE_H */
