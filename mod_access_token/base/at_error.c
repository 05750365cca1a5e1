/* SPDX-License-Identifier: Apache-2.0 */
#include "at_error.h"

#include <stdarg.h>
#include <string.h>

#include <apr_hash.h>
#include <apr_strings.h>

/* The most bytes of a violation's message, with the NUL. */
#define MESSAGE_SIZE 1024

typedef struct {
    const char *name;
    int http_status;
    int may_be_200;
    const char *message;
} code_row_t;

/* Indexed by at_code_e. */
static const code_row_t codes[] = {
    { "OK", 200, 0, "" },
    { "INVALID_JSON", 400, 1, "Malformed JSON" },
    { "INVALID_REQUEST", 400, 1, "Bad request" },
    { "INVALID_TOKEN", 401, 1, "No valid session" },
    { "FORBIDDEN", 403, 1, "Not permitted" },
    { "ACCESS_TOKEN_NOT_FOUND", 404, 1, "No such access token" },
    { "METHOD_NOT_ALLOWED", 405, 0, "Method not allowed" },
    { "DUPLICATE_VALUE", 409, 1, "Value already in use" },
    { "VERSION_CONFLICT", 409, 1, "Conflicting updates" },
    { "PRECONDITION_FAILED", 412, 1, "Precondition failed" },
    { "REQUEST_TOO_LARGE", 413, 0, "Request body too large" },
    { "UNSUPPORTED_MEDIA_TYPE", 415, 0, "Unsupported media type" },
    { "VALIDATION_FAILED", 422, 1, "Validation failed" },
    { "IDEMPOTENCY_KEY_REUSED", 422, 1, "Idempotency-Key already used" },
    { "INTERNAL_ERROR", 500, 0, "Internal error" },
    { "SERVICE_UNAVAILABLE", 503, 0, "Temporarily unavailable" }
};

/* Indexed by at_violation_e. */
static const char *const violation_names[] = {
    "MANDATORY", "EXACTLY_ONE_OF", "INVALID_TYPE", "INVALID_FORMAT",
    "OUT_OF_RANGE", "TOO_LONG", "TOO_SHORT", "TOO_FEW_LETTERS",
    "TOO_FEW_DIGITS", "TOO_FEW_SPECIAL", "UNKNOWN_PARAMETER",
    "UNKNOWN_FIELD", "UNKNOWN_CUSTOM_FIELD", "DUPLICATE_VALUE"
};

const char *at_code_name(at_code_e code)
{
    return codes[code].name;
}

const char *at_code_message(at_code_e code)
{
    return codes[code].message;
}

int at_code_http_status(at_code_e code)
{
    return codes[code].http_status;
}

int at_code_may_be_200(at_code_e code)
{
    return codes[code].may_be_200;
}

const char *at_violation_name(at_violation_e code)
{
    return violation_names[code];
}

at_error_t *at_error_make(apr_pool_t *pool, at_code_e code,
                          const char *format, ...)
{
    at_error_t *error = apr_pcalloc(pool, sizeof(*error));
    va_list arguments;

    va_start(arguments, format);
    error->code = code;
    error->description = apr_pvsprintf(pool, format, arguments);
    va_end(arguments);
    return error;
}

/* An error of CODE with its standing description. */
static at_error_t *make_hidden(apr_pool_t *pool, at_code_e code)
{
    if (code == AT_SERVICE_UNAVAILABLE) {
        return at_error_make(pool, code, "The access tokens cannot be "
                             "reached at the moment. Try again later.");
    }
    return at_error_make(pool, code, "The server could not process the "
                         "request. Its error log has the reason, under the "
                         "request id in the header X-Request-Id.");
}

at_error_t *at_error_hidden(apr_pool_t *pool, at_code_e code,
                            const char *format, ...)
{
    at_error_t *error = make_hidden(pool, code);
    va_list arguments;

    va_start(arguments, format);
    error->detail = apr_pvsprintf(pool, format, arguments);
    va_end(arguments);
    return error;
}

at_error_t *at_error_fault(apr_pool_t *pool, at_code_e code,
                           const at_fault_t *fault)
{
    at_error_t *error = make_hidden(pool, code);

    error->fault = fault;
    return error;
}

const char *at_error_detail(const at_error_t *error)
{
    return error->fault ? error->fault->detail : error->detail;
}

at_error_t *at_error_violations(apr_pool_t *pool,
                                const at_violations_t *violations)
{
    int count = violations->list->nelts;
    const char *more = "";
    at_error_t *error;

    if (count == 0) {
        return NULL;
    }
    if (violations->more > 0) {
        more = apr_psprintf(pool, ", and %d more", violations->more);
    }
    error = at_error_make(pool, AT_VALIDATION_FAILED, "%d %s: see errors%s.",
                          count, count == 1 ? "thing is wrong"
                                            : "things are wrong", more);
    error->violations = violations->list;
    return error;
}

at_violations_t *at_violations_make(apr_pool_t *pool)
{
    at_violations_t *violations = apr_pcalloc(pool, sizeof(*violations));

    violations->pool = pool;
    violations->list = apr_array_make(pool, 4, sizeof(at_violation_t));
    return violations;
}

int at_violations_are_full(const at_violations_t *violations)
{
    return violations->list->nelts >= AT_VIOLATIONS;
}

int at_violations_count(const at_violations_t *violations)
{
    return violations->list->nelts + violations->more;
}

static unsigned int hash_of(const at_violation_t *violation)
{
    apr_ssize_t pointer = APR_HASH_KEY_STRING, message = APR_HASH_KEY_STRING;

    return apr_hashfunc_default(violation->pointer, &pointer)
           + apr_hashfunc_default(violation->message, &message)
           + (unsigned int)violation->code;
}

static int has_equal(const apr_array_header_t *list,
                     const at_violation_t *violation)
{
    int i;

    for (i = 0; i < list->nelts; i++) {
        const at_violation_t *other = &APR_ARRAY_IDX(list, i,
                                                     at_violation_t);

        if (other->hash == violation->hash
            && other->code == violation->code
            && !strcmp(other->pointer, violation->pointer)
            && !strcmp(other->message, violation->message)) {
            return 1;
        }
    }
    return 0;
}

void at_violations_add(at_violations_t *violations, const char *pointer,
                       at_violation_e code, const char *format, ...)
{
    char message[MESSAGE_SIZE];
    at_violation_t violation = { pointer, code, message, 0 };
    va_list arguments;

    if (at_violations_are_full(violations)) {
        violations->more++;
        return;
    }
    va_start(arguments, format);
    apr_vsnprintf(message, sizeof(message), format, arguments);
    va_end(arguments);
    violation.hash = hash_of(&violation);
    if (!has_equal(violations->list, &violation)) {
        violation.message = apr_pstrdup(violations->pool, message);
        APR_ARRAY_PUSH(violations->list, at_violation_t) = violation;
    }
}

const char *at_pointer_member(apr_pool_t *pool, const char *base,
                              const char *name)
{
    apr_size_t length = strlen(base);
    char *pointer = apr_palloc(pool, length + 1 + 2 * strlen(name) + 1);
    char *to = pointer + length;

    memcpy(pointer, base, length);
    *to++ = '/';
    for (; *name; name++) {
        if (*name == '~' || *name == '/') {
            *to++ = '~';
            *to++ = *name == '~' ? '0' : '1';
        }
        else {
            *to++ = *name;
        }
    }
    *to = '\0';
    return pointer;
}

const char *at_pointer_element(apr_pool_t *pool, const char *base,
                               int index)
{
    return apr_psprintf(pool, "%s/%d", base, index);
}
