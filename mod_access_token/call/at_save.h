/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Saving the change exactly once: the save itself, what follows from its
 * outcome, and finding out whether a save was done whose connection was lost.
 * at_save.c writes its own members of at_attempt_t. Contract, section 6.
 */
#ifndef AT_SAVE_H
#define AT_SAVE_H

#include "at_attempt.h"

/** How many attempts of a call may end because another call saved first. */
#define AT_SAVE_ATTEMPTS 100

/** How often a generated value that is taken is generated again. */
#define AT_SAVE_GENERATIONS 100

/**
 * Find out whether a call with this Idempotency-Key was saved before. If it
 * was this call, it is done; if it was an equal request, this call is a
 * replay, and the call's id is set: the access token is then loaded by id,
 * since the earlier call may have changed its code.
 * AT_IDEMPOTENCY_KEY_REUSED: it was another request.
 */
at_error_t *at_save_find_request(at_attempt_t *attempt) AT_MUST_CHECK;

/**
 * Find out from the loaded row whether a save that was tried before was done.
 * It was done if the row remembers this call, whatever the database said.
 * If the row has a later version and does not remember this call, the save
 * was not done and never will be, since its guard no longer holds; unless so
 * many others followed that the row has forgotten. Returns NULL if the call
 * is done, or may go on; else AT_SERVICE_UNAVAILABLE.
 */
at_error_t *at_save_resolve(at_attempt_t *attempt) AT_MUST_CHECK;

/**
 * Save the change, guarded by the loaded row's version. Returns NULL if it is
 * saved: the call's change and etag are set then. Else an error, and whether
 * another attempt follows. AT_DUPLICATE_VALUE: another access token has a
 * value. AT_VERSION_CONFLICT: other calls saved first.
 */
at_error_t *at_save_change(at_attempt_t *attempt) AT_MUST_CHECK;

/**
 * The error of a call that must end while it is open whether its change was
 * saved. ERROR is what the last attempt ended with.
 */
at_error_t *at_save_open_outcome(const at_attempt_t *attempt,
                                 const at_error_t *error);

/** True if the last change that ROW remembers is that of this call. */
int at_save_is_last(const at_attempt_t *attempt, const at_row_t *row);

#endif /* AT_SAVE_H */
