/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Carrying out one call, from the parsed request to the body of its reply:
 * load, authenticate, identify, judge, save. Contract, section 5, "Order".
 */
#ifndef AT_UPDATE_H
#define AT_UPDATE_H

#include "at_call.h"

/**
 * Carry out CALL, and fill in what it gets. Returns NULL once the change is
 * committed, or found to be committed; else the error for the client, in the
 * call's pool. After an error of the 4xx nothing has changed. If it could not
 * be found out whether the change was made, the error is
 * AT_SERVICE_UNAVAILABLE, and its description says so.
 *
 * When a fault of the database interrupts an attempt, the call starts again
 * with the load, until its budget is used up. If the connection was lost
 * during a save, the row itself tells whether the save was done: it remembers
 * the ids of its last eight calls (contract, section 6).
 */
at_error_t *at_update_run(at_call_t *call) AT_MUST_CHECK;

#endif /* AT_UPDATE_H */
