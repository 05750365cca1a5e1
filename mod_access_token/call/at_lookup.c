/* SPDX-License-Identifier: Apache-2.0 */
#include "at_lookup.h"

#include <string.h>

#include "at_custom.h"
#include "at_select.h"

static const at_plan_lookup_t *lookup_of(const at_row_t *row, int number)
{
    return &APR_ARRAY_IDX(row->plan->lookups, number, at_plan_lookup_t);
}

/* Fill KEYS with the values of the parameters of lookup NUMBER. Returns 0 if
 * all are NULL: there is no object. */
static int read_keys(const char **keys, const at_row_t *row, int number)
{
    const at_plan_lookup_t *lookup = lookup_of(row, number);
    int i, any = 0;

    for (i = 0; i < AT_LOOKUP_KEYS; i++) {
        keys[i] = lookup->keys[i] == AT_PLAN_NONE
                  ? NULL : row->values[lookup->keys[i]];
        any |= keys[i] != NULL;
    }
    return any;
}

static int are_equal(const char *one, const char *other)
{
    return one && other ? !strcmp(one, other) : one == other;
}

/* The columns of an earlier lookup than NUMBER that has read the object of
 * KEYS, or NULL. */
static const char **find_twin(const at_row_t *row, int number,
                              const char *const *keys)
{
    int i, k;

    for (i = 0; i < number; i++) {
        const char *others[AT_LOOKUP_KEYS];

        if (!row->looked_up[i]
            || lookup_of(row, i)->lookup != lookup_of(row, number)->lookup) {
            continue;
        }
        (void)read_keys(others, row, i);
        for (k = 0; k < AT_LOOKUP_KEYS && are_equal(keys[k], others[k]);) {
            k++;
        }
        if (k == AT_LOOKUP_KEYS) {
            return row->values + lookup_of(row, i)->first_column;
        }
    }
    return NULL;
}

/* Check that what was read under revision SEEN belongs to the row that was
 * loaded under LOADED. If the database could not say a revision, nothing was
 * cached. Otherwise another attempt loads the row again. */
static at_error_t *check_revision(at_attempt_t *attempt, const char *loaded,
                                  const char *seen, const char *file)
{
    if (!loaded || !seen || !strcmp(loaded, seen)) {
        return NULL;
    }
    return at_attempt_fault(attempt, at_fault_make(attempt->pool,
        AT_STORE_RETRY, AT_FAULT_WAIT, "%s: it has another revision than the "
        "access token, since what it reads changes all the time, or since the "
        "connection leads to several databases of different age", file));
}

/* Run lookup NUMBER into *VALUES, unless an earlier one has read the same. */
static at_error_t *look_up(at_attempt_t *attempt, const at_row_t *row,
                           int number, const char *const *keys,
                           const char ***values)
{
    const at_plan_lookup_t *lookup = lookup_of(row, number);
    const char *loaded;

    *values = find_twin(row, number, keys);
    if (*values) {
        return NULL;
    }
    loaded = at_revision_of_load(lookup->revisions, row->values,
                                 attempt->pool);
    AT_TRY(at_attempt_fault(attempt,
        attempt->store->lookup(attempt->store, lookup, keys, loaded,
                               values)));
    return check_revision(attempt, loaded,
                          at_revision_of_row(lookup->revisions, *values,
                                             attempt->pool),
                          lookup->statement->file);
}

/* Fill in the columns of lookup NUMBER, once. */
static at_error_t *fill(at_attempt_t *attempt, at_row_t *row, int number)
{
    const at_plan_lookup_t *lookup = lookup_of(row, number);
    const char *keys[AT_LOOKUP_KEYS], **values;

    if (!row->looked_up) {
        row->looked_up = apr_pcalloc(attempt->pool, AT_PLAN_LOOKUPS);
    }
    if (row->looked_up[number] || !read_keys(keys, row, number)) {
        return NULL;
    }
    AT_TRY(look_up(attempt, row, number, keys, &values));
    memcpy(row->values + lookup->first_column, values,
           sizeof(*values) * (apr_size_t)lookup->column_count);
    row->looked_up[number] = 1;
    return NULL;
}

/* True if LOOKUP gives one of the inputs FIRST to LAST of PLAN. */
static int gives(const at_plan_lookup_t *lookup, const at_plan_t *plan,
                 at_column_e first, at_column_e last)
{
    int i;

    for (i = (int)first; lookup->node == 0 && i <= (int)last; i++) {
        int column = plan->input_columns[i] - lookup->first_column;

        if (column >= 0 && column < lookup->column_count) {
            return 1;
        }
    }
    return 0;
}

at_error_t *at_lookup_inputs(at_attempt_t *attempt, at_row_t *row,
                             at_column_e first, at_column_e last)
{
    int i;

    for (i = 0; i < row->plan->lookups->nelts; i++) {
        if (gives(lookup_of(row, i), row->plan, first, last)) {
            AT_TRY(fill(attempt, row, i));
        }
    }
    return NULL;
}

at_error_t *at_lookup_row(at_attempt_t *attempt, at_row_t *row)
{
    int i;

    for (i = 0; i < row->plan->lookups->nelts; i++) {
        int node = lookup_of(row, i)->node;

        if (node == 0 || at_select_wants(attempt->request->select, row->plan,
                                         node)) {
            AT_TRY(fill(attempt, row, i));
        }
    }
    return NULL;
}

at_error_t *at_lookup_custom_fields(at_attempt_t *attempt,
                                    const at_row_t *row,
                                    apr_array_header_t **fields)
{
    const at_call_t *call = attempt->call;
    const at_statement_t *statement =
        call->statements->statement[AT_STATEMENT_CUSTOM_FIELDS];
    const char *loaded = at_revision_of_load(
        call->statements->custom_revisions, row->values, attempt->pool);
    const char *seen = NULL;

    if (!statement) {
        *fields = apr_array_make(attempt->pool, 1, sizeof(at_custom_field_t));
        return NULL;
    }
    AT_TRY(at_attempt_fault(attempt,
        attempt->store->custom_fields(attempt->store, call->id, loaded, &seen,
                                      fields)));
    return check_revision(attempt, loaded, seen,
                          statement->file);
}
