/* SPDX-License-Identifier: Apache-2.0 */
#include "at_error.h"

#include <stdarg.h>
#include <string.h>

#include <apr_strings.h>

typedef struct {
    const char *name;
    int http_status;
    int may_be_200;
    const char *message;
} code_row_t;

/* Indexed by at_code_e. */
static const code_row_t codes[] = {
    { "OK", 200, 0, "" },
    { "INVALID_JSON", 400, 1, "The body is not the JSON it must be" },
    { "INVALID_REQUEST", 400, 1, "Bad request" },
    { "INVALID_TOKEN", 401, 1, "No valid session" },
    { "FORBIDDEN", 403, 1, "Not permitted" },
    { "ACCESS_TOKEN_NOT_FOUND", 404, 1, "No such access token" },
    { "METHOD_NOT_ALLOWED", 405, 0, "Method not allowed" },
    { "DUPLICATE_VALUE", 409, 1, "The value is taken" },
    { "VERSION_CONFLICT", 409, 1, "Lost against other updates" },
    { "PRECONDITION_FAILED", 412, 1, "A precondition does not hold" },
    { "REQUEST_TOO_LARGE", 413, 0, "The body is too large" },
    { "UNSUPPORTED_MEDIA_TYPE", 415, 0, "The body is of the wrong type" },
    { "VALIDATION_FAILED", 422, 1, "The request breaks rules" },
    { "IDEMPOTENCY_KEY_REUSED", 422, 1, "The key is another request's" },
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

at_error_t *at_error_hidden(apr_pool_t *pool, at_code_e code,
                            const char *detail)
{
    at_error_t *error;

    if (code == AT_SERVICE_UNAVAILABLE) {
        error = at_error_make(pool, code, "The access tokens cannot be "
                              "reached at the moment. Try again later.");
    }
    else {
        error = at_error_make(pool, code, "The server could not do this. "
                              "Its error log says why, under the id in "
                              "the header X-Request-Id.");
    }
    error->detail = detail;
    return error;
}

at_error_t *at_error_violations(apr_pool_t *pool,
                                apr_array_header_t *violations)
{
    at_error_t *error;

    if (violations->nelts == 0) {
        return NULL;
    }
    error = at_error_make(pool, AT_VALIDATION_FAILED, "%d %s: see errors.",
                          violations->nelts,
                          violations->nelts == 1 ? "thing is wrong"
                                                 : "things are wrong");
    error->violations = violations;
    return error;
}

apr_array_header_t *at_violations_make(apr_pool_t *pool)
{
    return apr_array_make(pool, 4, sizeof(at_violation_t));
}

void at_violations_add(apr_array_header_t *violations, const char *pointer,
                       at_violation_e code, const char *format, ...)
{
    at_violation_t *violation = apr_array_push(violations);
    va_list arguments;

    va_start(arguments, format);
    violation->pointer = pointer;
    violation->code = code;
    violation->message = apr_pvsprintf(violations->pool, format, arguments);
    va_end(arguments);
}

const char *at_pointer_member(apr_pool_t *pool, const char *base,
                              const char *name)
{
    char *escaped = apr_palloc(pool, 2 * strlen(name) + 1);
    char *to = escaped;

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
    return apr_pstrcat(pool, base, "/", escaped, (char *)NULL);
}

const char *at_pointer_element(apr_pool_t *pool, const char *base,
                               int index)
{
    return apr_psprintf(pool, "%s/%d", base, index);
}
