/* SPDX-License-Identifier: Apache-2.0 */
#include "at_fault.h"

#include <stdarg.h>

#include <apr_strings.h>

at_fault_t *at_fault_of_row(apr_pool_t *pool, at_outcome_e outcome)
{
    at_fault_t *fault = apr_pcalloc(pool, sizeof(*fault));

    fault->outcome = outcome;
    return fault;
}

at_fault_t *at_fault_make(apr_pool_t *pool, at_outcome_e outcome,
                          at_fault_kind_e kind, const char *format, ...)
{
    at_fault_t *fault = at_fault_of_row(pool, outcome);
    va_list arguments;

    va_start(arguments, format);
    fault->kind = kind;
    fault->detail = apr_pvsprintf(pool, format, arguments);
    va_end(arguments);
    return fault;
}

at_fault_t *at_fault_copy(apr_pool_t *pool, const at_fault_t *fault)
{
    at_fault_t *copy = fault ? apr_pmemdup(pool, fault, sizeof(*copy)) : NULL;

    if (copy) {
        copy->detail = apr_pstrdup(pool, copy->detail);
    }
    return copy;
}
