/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Errors as values. A function that can fail returns an at_error_t *, and
 * NULL when all is well. The error carries what the client may read (code,
 * description, violations) and, apart from that, what only the error log may
 * show (the fault, or a detail). Contract, section 5.
 */
#ifndef AT_ERROR_H
#define AT_ERROR_H

#include <apr_pools.h>
#include <apr_tables.h>

#include "at_fault.h"

#if defined(__GNUC__)
#define AT_MUST_CHECK __attribute__((warn_unused_result))
#else
#define AT_MUST_CHECK
#endif

/** The outcome codes of the contract's table, in its order. */
typedef enum {
    AT_OK,
    AT_INVALID_JSON,
    AT_INVALID_REQUEST,
    AT_INVALID_TOKEN,
    AT_FORBIDDEN,
    AT_ACCESS_TOKEN_NOT_FOUND,
    AT_METHOD_NOT_ALLOWED,
    AT_DUPLICATE_VALUE,
    AT_VERSION_CONFLICT,
    AT_PRECONDITION_FAILED,
    AT_REQUEST_TOO_LARGE,
    AT_UNSUPPORTED_MEDIA_TYPE,
    AT_VALIDATION_FAILED,
    AT_IDEMPOTENCY_KEY_REUSED,
    AT_INTERNAL_ERROR,
    AT_SERVICE_UNAVAILABLE
} at_code_e;

/** The codes of single violations, as the contract lists them (section 5). */
typedef enum {
    AT_VIOLATION_MANDATORY,
    AT_VIOLATION_EXACTLY_ONE_OF,
    AT_VIOLATION_INVALID_TYPE,
    AT_VIOLATION_INVALID_FORMAT,
    AT_VIOLATION_OUT_OF_RANGE,
    AT_VIOLATION_TOO_LONG,
    AT_VIOLATION_TOO_SHORT,
    AT_VIOLATION_TOO_FEW_LETTERS,
    AT_VIOLATION_TOO_FEW_DIGITS,
    AT_VIOLATION_TOO_FEW_SPECIAL,
    AT_VIOLATION_UNKNOWN_PARAMETER,
    AT_VIOLATION_UNKNOWN_FIELD,
    AT_VIOLATION_UNKNOWN_CUSTOM_FIELD,
    AT_VIOLATION_DUPLICATE_VALUE
} at_violation_e;

/** One thing that is wrong with a request. */
typedef struct at_violation_t {
    const char *pointer;      /* RFC 6901, into the request body */
    at_violation_e code;
    const char *message;      /* a sentence; holds no field's value */
    unsigned int hash;        /* of the other three members */
} at_violation_t;

/** How many violations of a request are reported one by one. */
#define AT_VIOLATIONS 100

/** All that is wrong with a request. Only at_error.c writes it. */
typedef struct at_violations_t {
    apr_pool_t *pool;
    apr_array_header_t *list; /* at_violation_t, at most AT_VIOLATIONS, no
                                 two equal */
    int more;                 /* how many were added to the full list */
} at_violations_t;

/** An error. */
typedef struct at_error_t {
    at_code_e code;
    const char *description;  /* for the client; no SQL, file or secret */
    apr_array_header_t *violations; /* of at_violation_t, or NULL */
    const at_fault_t *fault;  /* that caused it, or NULL */
    const char *detail;       /* without a fault: for the error log only, or
                                 NULL */
} at_error_t;

/** Leave the calling function with the error of EXPR, if it gives one. */
#define AT_TRY(expr)                        \
    do {                                    \
        at_error_t *at_try_error_ = (expr); \
        if (at_try_error_) {                \
            return at_try_error_;           \
        }                                   \
    } while (0)

/** The name of CODE, which is the value of `status.code`, e.g. "OK". Never
 *  NULL. */
const char *at_code_name(at_code_e code);

/** The short text of `status.message` for CODE; "" for AT_OK. */
const char *at_code_message(at_code_e code);

/** The HTTP status of CODE (contract, section 5). */
int at_code_http_status(at_code_e code);

/**
 * True if the HTTP-200 mode answers CODE with status 200: the 4xx of the
 * contract's table, except 405, 413 and 415.
 */
int at_code_may_be_200(at_code_e code);

/** The name of the violation CODE, e.g. "TOO_LONG". Never NULL. */
const char *at_violation_name(at_violation_e code);

/**
 * Make an error of CODE in POOL. Its description, for the client, is made from
 * the printf format FORMAT.
 */
at_error_t *at_error_make(apr_pool_t *pool, at_code_e code,
                          const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/**
 * Make an AT_INTERNAL_ERROR or AT_SERVICE_UNAVAILABLE in POOL with the
 * standing description of CODE. Its detail, which is made from the printf
 * format FORMAT, is for the log only.
 */
at_error_t *at_error_hidden(apr_pool_t *pool, at_code_e code,
                            const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/**
 * Make an AT_INTERNAL_ERROR or AT_SERVICE_UNAVAILABLE in POOL with the
 * standing description of CODE, caused by FAULT (lifetime of POOL).
 */
at_error_t *at_error_fault(apr_pool_t *pool, at_code_e code,
                           const at_fault_t *fault);

/** What the error log may say of ERROR: its fault's detail, or its own; NULL
 *  if there is none. */
const char *at_error_detail(const at_error_t *error);

/**
 * at_error_hidden(POOL, AT_INTERNAL_ERROR, FORMAT, ...), for a mistake in the
 * configuration: the administrator sees the detail, in configtest or the log.
 */
#define at_error_config(pool, ...) \
    at_error_hidden(pool, AT_INTERNAL_ERROR, __VA_ARGS__)

/**
 * The error for VIOLATIONS, made in POOL, or NULL if there are none. Its
 * description says how many more there are than its list has.
 */
at_error_t *at_error_violations(apr_pool_t *pool,
                                const at_violations_t *violations);

/** Make a list in POOL that has nothing yet. */
at_violations_t *at_violations_make(apr_pool_t *pool);

/**
 * True if VIOLATIONS has AT_VIOLATIONS: further ones are only counted. Their
 * pointers are not used then, and may be NULL.
 */
int at_violations_are_full(const at_violations_t *violations);

/** How many violations were added. One that is equal to an earlier one is not
 *  counted, unless the list was full. */
int at_violations_count(const at_violations_t *violations);

/**
 * Add a violation of CODE at POINTER (lifetime of the pool of VIOLATIONS),
 * unless an equal one was added before. Its message is made from the printf
 * format FORMAT, and is cut at 1,023 bytes.
 */
void at_violations_add(at_violations_t *violations, const char *pointer,
                       at_violation_e code, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

/**
 * The JSON pointer to the member NAME of what BASE points to ("" for the
 * root), made in POOL: `~` and `/` in NAME are escaped (RFC 6901).
 */
const char *at_pointer_member(apr_pool_t *pool, const char *base,
                              const char *name);

/** The JSON pointer to element INDEX of what BASE points to. */
const char *at_pointer_element(apr_pool_t *pool, const char *base,
                               int index);

#endif /* AT_ERROR_H */
