/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Completing a loaded row for the reply: the objects that lookup statements
 * read (docs/design.md, idea 4).
 */
#ifndef AT_LOOKUP_H
#define AT_LOOKUP_H

#include "at_attempt.h"

/**
 * Fill in the columns of ROW that come from lookups, as far as the request of
 * ATTEMPT wants them in the reply. Two lookups of the same object run one
 * statement. Returns NULL, or the error of a lookup.
 */
at_error_t *at_lookup_row(at_attempt_t *attempt, at_row_t *row) AT_MUST_CHECK;

#endif /* AT_LOOKUP_H */
