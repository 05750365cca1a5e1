/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The statements of a folder that AccessTokenStatements names, with the plan of
 * the reply. at_folder.h reads and checks them; nothing changes them after
 * that.
 */
#ifndef AT_STATEMENTS_H
#define AT_STATEMENTS_H

#include <apr_pools.h>

#include "at_fault.h"
#include "at_plan.h"
#include "at_sql.h"

/** The version of the schema that the module works with. */
#define AT_SCHEMA_VERSION "3"

/** The greatest number of lookups. */
#define AT_LOOKUPS 16

typedef enum {
    /* The load statements. */
    AT_STATEMENT_LOAD_BY_AUTHENTICATION_CODE,
    AT_STATEMENT_LOAD_BY_IDENTIFIER,
    AT_STATEMENT_LOAD_BY_ID,
    AT_STATEMENT_LOAD_BY_SESSION_AND_CODE, /* NULL if there is no such file,
                                 or it is not of the folder's load by code */
    AT_STATEMENT_LOADS,

    /* Their other forms follow, in the same order: see at_statement_load. */
    AT_STATEMENT_FIND_REQUEST = (int)AT_SQL_FORMS * (int)AT_STATEMENT_LOADS,
                                       /* NULL if save.sql keeps no keys */
    AT_STATEMENT_SAVE,
    AT_STATEMENT_CUSTOM_FIELDS,        /* NULL if no statement has any */
    AT_STATEMENT_RAISE_NUMBER,         /* NULL if next_number.sql needs none */
    AT_STATEMENT_NEXT_NUMBER,          /* NULL: no rule may say NUMBER */
    AT_STATEMENT_STARTUP,

    /* The lookups/<name>.sql that the load statements name. */
    AT_STATEMENT_LOOKUP,
    AT_STATEMENT_COUNT = AT_STATEMENT_LOOKUP + AT_LOOKUPS
} at_statement_e;

/** Load statement LOAD in FORM. */
static inline at_statement_e at_statement_load(at_statement_e load,
                                               at_sql_form_e form)
{
    return (at_statement_e)((int)form * (int)AT_STATEMENT_LOADS + (int)load);
}

/** True if STATEMENT is a load statement, in any form. */
static inline int at_statement_is_load(at_statement_e statement)
{
    return statement < AT_STATEMENT_FIND_REQUEST;
}

/** The form of STATEMENT, a load statement. */
static inline at_sql_form_e at_statement_form(at_statement_e statement)
{
    return (at_sql_form_e)((int)statement / (int)AT_STATEMENT_LOADS);
}

/** The numbers of the load statements' parameters. */
enum {
    AT_LOAD_SESSION_DIGEST,
    AT_LOAD_USERNAME,
    AT_LOAD_NOW,
    AT_LOAD_KEY,
    AT_LOAD_COUNT
};

/** The numbers of the parameters of find_request.sql. */
enum {
    AT_FIND_SESSION_DIGEST,
    AT_FIND_USERNAME,
    AT_FIND_NOW,
    AT_FIND_IDEMPOTENCY_KEY,
    AT_FIND_COUNT
};

/**
 * The numbers of the parameters of save.sql. After them there are two for each
 * field of at_field.h: AT_SAVE_FIELDS + 2 * index is `:set_<name>`, and the
 * next one is `:<name>`.
 */
enum {
    AT_SAVE_ID,
    AT_SAVE_VERSION,
    AT_SAVE_NOW,
    AT_SAVE_USER_ID,
    AT_SAVE_UNIT_ID,
    AT_SAVE_REQUEST_ID,
    AT_SAVE_IDEMPOTENCY_KEY,
    AT_SAVE_REQUEST_DIGEST,
    AT_SAVE_REQUEST_EXPIRES,
    AT_SAVE_FIELDS
};

/** A node of the plan that needs a column of @wide. */
typedef struct at_wide_node_t {
    int node;
    int document;             /* the node whose document holds it, itself or
                                 one around it; AT_PLAN_NONE: none does */
} at_wide_node_t;

typedef struct at_statements_t {
    const char *folder;       /* its path */
    const at_statement_t *statement[AT_STATEMENT_COUNT]; /* NULL: none */
    apr_array_header_t *lookups; /* at_lookup_t */
    at_plan_t *plan;          /* of the load statements */
    int *form_columns[AT_SQL_FORMS]; /* for each column of a load statement in
                                 this form, the plan's column; NULL if there
                                 is no such form, and for AT_SQL_WHOLE, whose
                                 columns are the plan's first */
    apr_array_header_t *wide_nodes; /* at_wide_node_t; NULL if there is only
                                 the whole form */
    apr_array_header_t *custom_revisions; /* at_revision_t: under which the
                                 rows of custom_fields.sql are right; empty:
                                 they are not cached */
    int *settable;            /* for each field, true if save.sql can set it */
    apr_size_t *max_characters; /* for each field, the most that its column has
                                 room for; 0: no limit */
} at_statements_t;

/** The name of STATEMENT's file, e.g. "save.sql", of whatever form; NULL for a
 *  lookup. It lives for ever. */
const char *at_statements_file(at_statement_e statement);

/** What a violation of a unique key means, if it does not mean that another
 *  access token has the value of a field. */
enum {
    AT_UNIQUE_UNKNOWN = -1,   /* no @unique names the key */
    AT_UNIQUE_REQUEST = -2,   /* an earlier call had this Idempotency-Key */
    AT_UNIQUE_VERSION = -3    /* the history already has this version */
};

/**
 * The meaning of a violation of the unique key KEY of STATEMENT: the index of
 * the field (at_field.h) whose value another access token has, or one of
 * AT_UNIQUE_….
 */
int at_statement_unique(const at_statement_t *statement, const char *key);

/** True if startup.sql of STATEMENTS selects schema.version: a schema that is
 *  not the module's own has no such version. */
int at_statements_have_version(const at_statements_t *statements);

/**
 * What is wrong with VERSION, the schema's as startup.sql of STATEMENTS gave
 * it, and how to fix it: a fault in POOL. NULL if the module works with it, or
 * if startup.sql does not select it. A VERSION of NULL is wrong.
 */
const at_fault_t *at_statements_schema_fault(const at_statements_t *statements,
                                             const char *version,
                                             apr_pool_t *pool);

/** The same for CHARSET, the character set of the connection. */
const at_fault_t *at_statements_charset_fault(const char *charset,
                                              apr_pool_t *pool);

#endif /* AT_STATEMENTS_H */
