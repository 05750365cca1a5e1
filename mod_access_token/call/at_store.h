/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The store as the core sees it: a few operations, each of which returns NULL
 * when it is done, or a fault (at_fault.h). at_store_dbd.c implements it over
 * mod_dbd; the unit tests have an implementation of their own.
 */
#ifndef AT_STORE_H
#define AT_STORE_H

#include <apr_pools.h>
#include <apr_tables.h>
#include <apr_time.h>

#include "at_fault.h"
#include "at_plan.h"
#include "at_statements.h"

/** A call that was saved with an Idempotency-Key. */
typedef struct at_saved_request_t {
    const char *token_id;     /* of the access token; NULL: no such call */
    const char *digest;       /* of the request */
    const char *request_id;   /* the call's own */
} at_saved_request_t;

typedef struct at_store_t at_store_t;

/**
 * A store, for one request. It may hold a connection from the first operation
 * until release. VALUES are texts in the order of the statement's parameters
 * (at_statements.h), NULL for SQL's NULL. Results and faults live in the
 * request's pool. Unless an operation is done, its results stay as they are.
 * No operation waits beyond the deadline for more than a fraction of a
 * second.
 */
struct at_store_t {
    /** Load by LOAD, a load statement in one of its forms, into *ROW. The row
     *  is as long as the plan says; a column that LOAD does not give is NULL.
     *  Only AT_STATEMENT_LOAD_BY_SESSION_AND_CODE may give no row: then *ROW
     *  becomes NULL. */
    const at_fault_t *(*load)(at_store_t *store, at_statement_e load,
                              const char *const *values, at_row_t **row);

    /** Look up the object of KEYS, texts in the order of the parameters of
     *  LOOKUP. *VALUES are the columns of its statement, all NULL if there is
     *  no such object. If LOOKUP has revisions, they are as the database has
     *  them now, or were read under REVISION (at_revision_of_load). Without
     *  revisions, they may be as old as the configuration allows. */
    const at_fault_t *(*lookup)(at_store_t *store,
                                const at_plan_lookup_t *lookup,
                                const char *const *keys,
                                const char *revision, const char ***values);

    /** Find by find_request.sql the call that was saved with an
     *  Idempotency-Key. */
    const at_fault_t *(*find_request)(at_store_t *store,
                                      const char *const *values,
                                      at_saved_request_t *request);

    /** Save by save.sql. Unless it is done, or the outcome is AT_STORE_LOST,
     *  nothing has changed. */
    const at_fault_t *(*save)(at_store_t *store, const char *const *values);

    /** Read the custom fields that are configured for the access token ID
     *  into *FIELDS, an array of at_custom_field_t. They are as the database
     *  has them now, or were read under REVISION (at_revision_of_load; NULL:
     *  custom_fields.sql has none). *SEEN becomes the revision under which
     *  they were read, or NULL. */
    const at_fault_t *(*custom_fields)(at_store_t *store, const char *id,
                                       const char *revision,
                                       const char **seen,
                                       apr_array_header_t **fields);

    /** Take the next value of SEQUENCE, the name of a credential. */
    const at_fault_t *(*next_number)(at_store_t *store, const char *sequence,
                                     const char **number);

    /** Give back the connection, if one is held: to be called before anything
     *  slow. */
    void (*release)(at_store_t *store);

    /** Set by the caller: when to give up waiting, by at_clock_now. */
    apr_time_t deadline;

    void *baton;              /* the implementation's own */
};

#endif /* AT_STORE_H */
