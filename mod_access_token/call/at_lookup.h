/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Completing a loaded row by lookups, whose statements read what rarely changes
 * (docs/design.md, idea 4). All of them belong to the revision that the load
 * has seen: if that has changed meanwhile, the call makes another attempt.
 */
#ifndef AT_LOOKUP_H
#define AT_LOOKUP_H

#include "at_attempt.h"

/**
 * Fill in the inputs FIRST to LAST of ROW, as far as they come from lookups,
 * with all else that these lookups give. Returns NULL, or the error of a
 * lookup.
 */
at_error_t *at_lookup_inputs(at_attempt_t *attempt, at_row_t *row,
                             at_column_e first,
                             at_column_e last) AT_MUST_CHECK;

/**
 * Fill in all columns of ROW that come from lookups, as far as the request of
 * ATTEMPT wants them in the reply. Two lookups of the same object run one
 * statement. Returns NULL, or the error of a lookup.
 */
at_error_t *at_lookup_row(at_attempt_t *attempt, at_row_t *row) AT_MUST_CHECK;

/**
 * The custom fields that are configured for the access token of ROW, in
 * *FIELDS (at_custom_field_t), or the error of the store.
 */
at_error_t *at_lookup_custom_fields(at_attempt_t *attempt,
                                    const at_row_t *row,
                                    apr_array_header_t **fields)
    AT_MUST_CHECK;

#endif /* AT_LOOKUP_H */
