/* SPDX-License-Identifier: Apache-2.0 */
#include "at_lookup.h"

#include <string.h>

static const char *key_of(const at_row_t *row, int number)
{
    return row->values[APR_ARRAY_IDX(row->plan->lookups, number,
                                     at_plan_lookup_t).key_column];
}

/* The columns of an earlier lookup than NUMBER that has read the same object,
 * or NULL. DONE says which lookups have been made. */
static const char **find_twin(const at_row_t *row, int number,
                              const unsigned char *done)
{
    const apr_array_header_t *lookups = row->plan->lookups;
    const at_plan_lookup_t *lookup = &APR_ARRAY_IDX(lookups, number,
                                                    at_plan_lookup_t);
    int i;

    for (i = 0; i < number; i++) {
        const at_plan_lookup_t *other = &APR_ARRAY_IDX(lookups, i,
                                                       at_plan_lookup_t);

        if (done[i] && other->lookup == lookup->lookup
            && !strcmp(key_of(row, i), key_of(row, number))) {
            return row->values + other->first_column;
        }
    }
    return NULL;
}

at_error_t *at_lookup_row(at_attempt_t *attempt, at_row_t *row)
{
    const apr_array_header_t *lookups = row->plan->lookups;
    unsigned char done[AT_PLAN_LOOKUPS] = { 0 };
    int i;

    for (i = 0; i < lookups->nelts; i++) {
        const at_plan_lookup_t *lookup = &APR_ARRAY_IDX(lookups, i,
                                                        at_plan_lookup_t);
        const char **values;

        if (!key_of(row, i) || !at_select_wants(attempt->request->select,
                                                row->plan, lookup->node)) {
            continue;
        }
        values = find_twin(row, i, done);
        if (!values) {
            AT_TRY(at_attempt_fault(attempt,
                attempt->store->lookup(attempt->store, lookup->lookup,
                                       key_of(row, i), &values)));
        }
        memcpy(row->values + lookup->first_column, values,
               sizeof(*values) * (apr_size_t)lookup->column_count);
        done[i] = 1;
    }
    return NULL;
}
