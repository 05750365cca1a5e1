/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The parameters of a request, read from its JSON and judged by their shape
 * alone (contract, section 2). Absent, null and a value are three different
 * things.
 */
#ifndef AT_REQUEST_H
#define AT_REQUEST_H

#include <apr_pools.h>
#include <apr_tables.h>

#include "at_error.h"
#include "at_json.h"
#include "at_passcode.h"
#include "at_select.h"
#include "at_statements.h"

/** What the request gives a field. */
typedef enum at_presence_e {
    AT_ABSENT,
    AT_NULL,
    AT_VALUE
} at_presence_e;

/** A field of the request. */
typedef struct at_field_value_t {
    at_presence_e presence;
    const char *text;         /* of a value: as the statement binds it; a pass
                                 code as at_precis_prepare makes it; NULL for
                                 the custom fields, which must be merged
                                 first */
} at_field_value_t;

/** A request. Only at_request.c writes it. */
typedef struct at_request_t {
    const char *token;        /* the session token, or NULL */
    at_statement_e load;      /* finds the access token by KEY */
    const char *key;
    const char *key_pass_code; /* to verify, as at_precis_prepare makes it; or
                                 NULL */
    const char *key_pass_code_sent; /* the same as it was sent; NULL if that
                                 is equal */
    at_field_value_t *fields; /* indexed as at_field.h */
    apr_array_header_t *custom_fields; /* at_custom_entry_t; NULL: absent */
    at_select_t *select;
} at_request_t;

/** What the shape of a request is judged by. */
typedef struct at_request_options_t {
    const at_statements_t *statements; /* which fields can be set */
    const at_scheme_t *scheme;         /* how long a pass code can be */
    int ignore_unknown;                /* true: an unknown parameter is not an
                                          error */
} at_request_options_t;

/**
 * Read the document ROOT into *REQUEST in POOL, which uses ROOT's memory.
 * AT_INVALID_JSON: the root is not an object. AT_VALIDATION_FAILED with all
 * violations. AT_INTERNAL_ERROR: there is no memory to prepare a pass code.
 */
at_error_t *at_request_read(at_request_t **request, const at_json_t *root,
                            const at_request_options_t *options,
                            apr_pool_t *pool) AT_MUST_CHECK;

#endif /* AT_REQUEST_H */
