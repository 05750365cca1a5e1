/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From the row that a load statement gave to the row of the reply: the
 * objects that are looked up (design, idea 4).
 */
#ifndef AT_LOOKUP_H
#define AT_LOOKUP_H

#include "at_attempt.h"

/**
 * Fill in ROW what the request of ATTEMPT wants of it. May run lookups; a
 * lookup that is asked for twice is read once.
 */
at_error_t *at_lookup_row(at_attempt_t *attempt, at_row_t *row) AT_MUST_CHECK;

#endif /* AT_LOOKUP_H */
