/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The store as the core sees it: a few operations that return the core's
 * own outcomes. at_store_dbd.c is the implementation over mod_dbd; the unit
 * tests have one of their own.
 */
#ifndef AT_STORE_H
#define AT_STORE_H

#include <apr_pools.h>
#include <apr_tables.h>
#include <apr_time.h>

#include "at_error.h"
#include "at_plan.h"
#include "at_statements.h"

typedef enum {
    AT_STORE_DONE,
    AT_STORE_CONFLICT,        /* a unique value is taken; see conflict */
    AT_STORE_REPEATED,        /* a call of this Idempotency-Key was saved */
    AT_STORE_LOST_RACE,       /* the version guard did not match */
    AT_STORE_RETRY,           /* nothing was done; the same may work now */
    AT_STORE_LOST,            /* the same of a save whose connection was
                                 lost: it may have been done, or may yet be */
    AT_STORE_STALE,           /* nothing was done: what the database has
                                 cached does not fit; it may through another
                                 connection, or an admin must mend it */
    AT_STORE_UNAVAILABLE,     /* nothing was done; to try again at once is
                                 of no use */
    AT_STORE_BROKEN           /* an admin must mend something */
} at_outcome_e;

/** A call that came with an Idempotency-Key and was saved. */
typedef struct at_saved_request_t {
    const char *token_id;     /* of the access token; NULL: there is none */
    const char *digest;       /* of the request */
    const char *request_id;   /* the call's own */
} at_saved_request_t;

typedef struct at_store_t at_store_t;

/**
 * A store, for one request. It may hold a connection from the first
 * operation until release. VALUES are texts in the order of the
 * statement's parameters (at_statements.h), NULL for SQL's NULL; results
 * live in the store's pool. No operation waits beyond the deadline, but for
 * a fraction of a second.
 */
struct at_store_t {
    /** Load by LOAD, a load statement in one of its forms, into *ROW, as
     *  long as the plan says; what LOAD does not give is NULL. *ROW stays
     *  as it is unless it is done. */
    at_outcome_e (*load)(at_store_t *store, at_statement_e load,
                         const char *const *values, at_row_t **row);

    /** Look up the object of KEY by lookup number LOOKUP: its columns, all
     *  NULL if there is none. May be as old as the configuration allows. */
    at_outcome_e (*lookup)(at_store_t *store, int lookup, const char *key,
                           const char ***values);

    /** Find by find_request.sql the call that an Idempotency-Key has come
     *  with before. */
    at_outcome_e (*find_request)(at_store_t *store,
                                 const char *const *values,
                                 at_saved_request_t *request);

    /** Save by save.sql: done, or nothing happened, but for
     *  AT_STORE_LOST. */
    at_outcome_e (*save)(at_store_t *store, const char *const *values);

    /** Read the configured custom fields, for the access token ID, into
     *  *FIELDS, an array of at_custom_field_t. */
    at_outcome_e (*custom_fields)(at_store_t *store, const char *id,
                                  apr_array_header_t **fields);

    /** Take the next value of SEQUENCE, the name of a credential. */
    at_outcome_e (*next_number)(at_store_t *store, const char *sequence,
                                const char **number);

    /** Give back the connection, if one is held: before anything slow. */
    void (*release)(at_store_t *store);

    /** After AT_STORE_CONFLICT: the index of the field whose value is
     *  taken. */
    int conflict;

    /** After an outcome but done, conflict, repeated and lost race: what
     *  happened, for the log; holds no value of a request. */
    const char *detail;
    at_fault_e fault;         /* likewise: of which kind that is */
    int timed_out;            /* likewise: no connection came in time, so
                                 DETAIL is a guess */

    /** Set by the caller: when to give up waiting, by at_clock_now. */
    apr_time_t deadline;

    void *baton;              /* the implementation's own */
};

#endif /* AT_STORE_H */
