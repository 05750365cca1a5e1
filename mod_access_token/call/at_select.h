/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fields_set: which members of `data` the caller wants (contract, section
 * 2). The names are judged by the plan, so before any database; only the
 * names of custom fields, and `pass_code`, wait for the rules.
 */
#ifndef AT_SELECT_H
#define AT_SELECT_H

#include <apr_pools.h>
#include <apr_tables.h>

#include "at_json.h"
#include "at_plan.h"
#include "at_statements.h"

/** A name whose judgement waits for the rules. */
typedef struct at_select_name_t {
    const char *name;
    const char *pointer;      /* where the request names it */
} at_select_name_t;

typedef struct at_select_t {
    int all;                  /* no fields_set: everything is wanted */
    unsigned char *marks;     /* for each node of the plan: AT_SELECT_… */
    apr_array_header_t *custom_fields; /* at_select_name_t: the members of
                                 custom_field_set that are wanted; empty:
                                 all of them, if the set is wanted */
    const char **custom_names; /* theirs, sorted */
    const char *pass_code_pointer; /* where pass_code is named, or NULL */
} at_select_t;

/** What a mark says of a node; bits. */
enum {
    AT_SELECT_PART = 1,       /* something inside it is wanted */
    AT_SELECT_WHOLE = 2,      /* it is wanted with all that it holds */
    AT_SELECT_NAMED = 4       /* wanted even when empty */
};

/**
 * Read VALUE, the request's fields_set or NULL, into a selection in POOL.
 * What is wrong is added to VIOLATIONS.
 */
at_select_t *at_select_read(const at_json_t *value, const at_plan_t *plan,
                            at_violations_t *violations,
                            apr_pool_t *pool);

/**
 * How node CHILD is wanted, if its parent is wanted as PARENT_MARK says:
 * bits as above, 0 if it is not.
 */
static inline int at_select_mark(const at_select_t *select, int child,
                                 int parent_mark)
{
    return select->marks[child] | (parent_mark & AT_SELECT_WHOLE);
}

/** True if SELECT names the custom field NAME by itself. */
int at_select_wants_custom(const at_select_t *select, const char *name);

/** True if NODE of PLAN, or something in it, is wanted. */
int at_select_wants(const at_select_t *select, const at_plan_t *plan,
                    int node);

/**
 * The form of the statement LOAD that reads what SELECT wants of the reply:
 * LOAD itself, or its narrow form.
 */
at_statement_e at_select_load(const at_select_t *select,
                              const at_statements_t *statements,
                              at_statement_e load);

#endif /* AT_SELECT_H */
