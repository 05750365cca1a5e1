/* SPDX-License-Identifier: Apache-2.0 */
/*
 * custom_field_set: reading the entries of a request, judging them by the
 * configured fields, and merging them into the stored set, which is one JSON
 * object. Contract, section 2.
 */
#ifndef AT_CUSTOM_H
#define AT_CUSTOM_H

#include <apr_pools.h>
#include <apr_tables.h>

#include "at_json.h"

/** The contract's limits. */
#define AT_CUSTOM_ENTRIES          50
#define AT_CUSTOM_NAME_CHARACTERS  64
#define AT_CUSTOM_VALUE_CHARACTERS 1000
#define AT_CUSTOM_SET_BYTES        60000

/** One field of the request's set. */
typedef struct at_custom_entry_t {
    const char *name;
    const at_json_t *value;
    const char *pointer;      /* to it in the request */
} at_custom_entry_t;

/** One configured field. */
typedef struct at_custom_field_t {
    const char *name;
    const char *type;         /* "string", "number" or "boolean" */
} at_custom_field_t;

/**
 * Read VALUE, which is at POINTER in the request, in any of the forms that the
 * contract allows. Returns an array of at_custom_entry_t in POOL. Violations
 * of its shape are added to VIOLATIONS.
 */
apr_array_header_t *at_custom_read(const at_json_t *value,
                                   const char *pointer,
                                   at_violations_t *violations,
                                   apr_pool_t *pool);

/** The field NAME among CONFIGURED (at_custom_field_t), or NULL. */
const at_custom_field_t *at_custom_find(const apr_array_header_t *configured,
                                        const char *name);

/** Judge ENTRIES by CONFIGURED (at_custom_field_t), and add what is wrong to
 *  VIOLATIONS. */
void at_custom_judge(const apr_array_header_t *entries,
                     const apr_array_header_t *configured,
                     at_violations_t *violations);

/**
 * Merge ENTRIES, in which at_custom_judge found nothing wrong, into STORED, a
 * JSON object or NULL, of the access token ID. *MERGED is the new set, in POOL;
 * NULL if it is empty. AT_INTERNAL_ERROR: STORED is not a JSON object, or there
 * is no memory.
 */
at_error_t *at_custom_merge(const char **merged, const char *id,
                            const char *stored,
                            const apr_array_header_t *entries,
                            apr_pool_t *pool) AT_MUST_CHECK;

#endif /* AT_CUSTOM_H */
