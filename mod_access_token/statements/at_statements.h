/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The statements of one folder, as `AccessTokenStatements` names it: read,
 * checked against what the module needs, with the plan of the reply.
 */
#ifndef AT_STATEMENTS_H
#define AT_STATEMENTS_H

#include <apr_pools.h>

#include "at_fault.h"
#include "at_plan.h"
#include "at_sql.h"

/** The version of the schema that the module works with. */
#define AT_SCHEMA_VERSION "2"

/** How many lookups there can be. */
#define AT_LOOKUPS 16

typedef enum {
    AT_STATEMENT_LOAD_BY_AUTHENTICATION_CODE,
    AT_STATEMENT_LOAD_BY_IDENTIFIER,
    AT_STATEMENT_LOAD_BY_ID,
    AT_STATEMENT_FIND_REQUEST,
    AT_STATEMENT_SAVE,
    AT_STATEMENT_CUSTOM_FIELDS,
    AT_STATEMENT_NEXT_NUMBER,
    AT_STATEMENT_STARTUP,

    /* The narrow forms of the load statements, in their order. There are
     * none where no file has a @wide. */
    AT_STATEMENT_NARROW,
    AT_STATEMENT_NARROW_LAST = AT_STATEMENT_NARROW + AT_STATEMENT_LOAD_BY_ID,

    /* lookups/<name>.sql, as many as the load statements name. */
    AT_STATEMENT_LOOKUP,
    AT_STATEMENT_COUNT = AT_STATEMENT_LOOKUP + AT_LOOKUPS
} at_statement_e;

/** The parameters of the load statements, by number. */
enum {
    AT_LOAD_SESSION_DIGEST,
    AT_LOAD_USERNAME,
    AT_LOAD_NOW,
    AT_LOAD_KEY,
    AT_LOAD_COUNT
};

/** The parameters of find_request.sql, by number. */
enum {
    AT_FIND_SESSION_DIGEST,
    AT_FIND_USERNAME,
    AT_FIND_NOW,
    AT_FIND_IDEMPOTENCY_KEY,
    AT_FIND_COUNT
};

/**
 * The parameters of save.sql, by number. Behind them come two for each
 * field of at_field.h: AT_SAVE_FIELDS + 2 * index is `:set_<name>`, the
 * one after it `:<name>`.
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

typedef struct at_statements_t {
    const char *folder;
    const at_statement_t *statement[AT_STATEMENT_COUNT]; /* or NULL */
    apr_array_header_t *lookups; /* at_lookup_t */
    at_plan_t *plan;          /* of the load statements */
    int *narrow_columns;      /* for each column of the narrow forms: the
                                 plan's column; NULL if there are none */
    apr_array_header_t *wide_nodes; /* int: the nodes of the plan whose
                                 columns the narrow forms do not have */
    int *settable;            /* for each field: can save.sql set it? */
} at_statements_t;

/** The name of STATEMENT's file, e.g. "save.sql"; NULL for a lookup. */
const char *at_statements_file(at_statement_e statement);

/** The number of the column NAME among STATEMENT's, or -1. */
int at_statement_column(const at_statement_t *statement, const char *name);

/** What at_statement_unique answers, beside the index of a field. */
enum {
    AT_UNIQUE_UNKNOWN = -1,   /* no @unique names the key */
    AT_UNIQUE_REQUEST = -2,   /* a call of this Idempotency-Key was saved */
    AT_UNIQUE_VERSION = -3    /* the history has a line of this version */
};

/**
 * What it means that STATEMENT's unique key KEY is violated: the index of
 * the field whose value is taken, or one of AT_UNIQUE_….
 */
int at_statement_unique(const at_statement_t *statement, const char *key);

/**
 * What is wrong with VERSION, the schema's as startup.sql gave it, and how to
 * fix it: a fault in POOL. NULL if the module works with it. A VERSION of NULL
 * is wrong.
 */
const at_fault_t *at_statements_schema_fault(const char *version,
                                             apr_pool_t *pool);

/** The same for CHARSET, the character set of the connection. */
const at_fault_t *at_statements_charset_fault(const char *charset,
                                              apr_pool_t *pool);

#endif /* AT_STATEMENTS_H */
