/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fields_set: which members of `data` the client wants (contract, section 2).
 * The names are judged by the plan, before the database is used. Only the
 * names of custom fields, and `pass_code`, are judged with the rules.
 */
#ifndef AT_SELECT_H
#define AT_SELECT_H

#include <apr_pools.h>
#include <apr_tables.h>

#include "at_json.h"
#include "at_plan.h"
#include "at_statements.h"

/** A name that is judged with the rules. */
typedef struct at_select_name_t {
    const char *name;
    const char *pointer;      /* where the request names it */
} at_select_name_t;

/** What the client wants. Only at_select.c writes it. */
typedef struct at_select_t {
    int all;                  /* true: everything, there is no fields_set */
    unsigned char *marks;     /* for each node of the plan: AT_SELECT_… */
    apr_array_header_t *custom_fields; /* at_select_name_t: the members of
                                 custom_field_set that are wanted; empty:
                                 all of them, if the set is wanted */
    const char **custom_names; /* the names of custom_fields, sorted */
    const char *pass_code_pointer; /* where pass_code is named, or NULL */
} at_select_t;

/** The bits of a node's mark. */
enum {
    AT_SELECT_PART = 1,       /* something inside it is wanted */
    AT_SELECT_WHOLE = 2,      /* it is wanted with all that it holds */
    AT_SELECT_NAMED = 4       /* wanted even when empty */
};

/**
 * Read VALUE, the request's fields_set or NULL, into a selection in POOL. What
 * is wrong is added to VIOLATIONS.
 */
at_select_t *at_select_read(const at_json_t *value, const at_plan_t *plan,
                            at_violations_t *violations,
                            apr_pool_t *pool);

/**
 * The mark of node CHILD, whose parent has PARENT_MARK: bits as above, 0 if it
 * is not wanted.
 */
static inline int at_select_mark(const at_select_t *select, int child,
                                 int parent_mark)
{
    return select->marks[child] | (parent_mark & AT_SELECT_WHOLE);
}

/** True if SELECT names the single custom field NAME. */
int at_select_wants_custom(const at_select_t *select, const char *name);

/** True if NODE of PLAN, or something in it, is wanted. */
int at_select_wants(const at_select_t *select, const at_plan_t *plan,
                    int node);

/**
 * The form of the load STATEMENTS that reads all that SELECT wants in the
 * reply with the least work.
 */
at_sql_form_e at_select_form(const at_select_t *select,
                             const at_statements_t *statements);

#endif /* AT_SELECT_H */
