/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Faults as values. An operation of the store returns NULL when it is done,
 * and else one at_fault_t that says all there is to know: what it means for
 * the operation, to which kind of incident it belongs, and what the log is to
 * say. It travels as it is from the store to the reply, the log and the
 * incidents.
 */
#ifndef AT_FAULT_H
#define AT_FAULT_H

#include <apr_pools.h>

/** What an operation came to that is not done. */
typedef enum at_outcome_e {
    AT_STORE_CONFLICT,        /* another row has a unique value; see field */
    AT_STORE_TOO_LONG,        /* nothing was done: a value is longer than its
                                 column; see field. If no client has sent that
                                 value, an admin must fix it */
    AT_STORE_REPEATED,        /* a call with this Idempotency-Key was saved */
    AT_STORE_LOST_RACE,       /* the version guard did not match */
    AT_STORE_RETRY,           /* nothing was done; the same may work now */
    AT_STORE_LOST,            /* as AT_STORE_RETRY, but of a save whose
                                 connection was lost: it may have been done,
                                 or may yet be */
    AT_STORE_STALE,           /* nothing was done, because of something that
                                 the database has cached: it may work through
                                 another connection, or an admin must fix
                                 it */
    AT_STORE_UNAVAILABLE,     /* nothing was done; there is no use in trying
                                 again at once */
    AT_STORE_BROKEN           /* nothing was done; an admin must fix it */
} at_outcome_e;

/**
 * The kinds of faults, by what an admin has to look at. From its first to its
 * last occurrence, a fault of one kind is one incident (at_incident.h).
 */
typedef enum at_fault_kind_e {
    AT_FAULT_NONE,            /* no fault of the database or of this child */
    AT_FAULT_CONNECTION,      /* the database is out of reach, or restarts */
    AT_FAULT_PLACE,           /* all connections are in use */
    AT_FAULT_WAIT,            /* locks, deadlocks, time-outs of statements */
    AT_FAULT_READ_ONLY,       /* the database is read-only */
    AT_FAULT_FULL,            /* the database's disk is full */
    AT_FAULT_HASHING,         /* too many pass codes to hash at once */
    AT_FAULT_BROKEN,          /* schema, rights or statements do not fit */
    AT_FAULT_COUNT
} at_fault_kind_e;

/** A fault. Only the function that makes one writes its members. */
typedef struct at_fault_t {
    at_outcome_e outcome;
    at_fault_kind_e kind;
    const char *detail;       /* for the log: what happened, and how to fix
                                 it; no value of a request. NULL for
                                 AT_STORE_CONFLICT, _REPEATED, _LOST_RACE */
    int field;                /* of AT_STORE_CONFLICT: the index of the field
                                 whose value is taken; of AT_STORE_TOO_LONG: of
                                 that whose value is too long */
    int timed_out;            /* true: no connection came in time, so DETAIL
                                 is a guess */
} at_fault_t;

/** Leave the calling function with the fault of EXPR, if it gives one. */
#define AT_FAULT_TRY(expr)                        \
    do {                                          \
        const at_fault_t *at_try_fault_ = (expr); \
        if (at_try_fault_) {                      \
            return at_try_fault_;                 \
        }                                         \
    } while (0)

/** Make a fault in POOL. Its detail is made from the printf format FORMAT. */
at_fault_t *at_fault_make(apr_pool_t *pool, at_outcome_e outcome,
                          at_fault_kind_e kind, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

/** Make a fault in POOL that concerns the row only: of no kind, without a
 *  detail. */
at_fault_t *at_fault_of_row(apr_pool_t *pool, at_outcome_e outcome);

/** A copy of FAULT, with its detail, in POOL. NULL for NULL. */
at_fault_t *at_fault_copy(apr_pool_t *pool, const at_fault_t *fault);

#endif /* AT_FAULT_H */
