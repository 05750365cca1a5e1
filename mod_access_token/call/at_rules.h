/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The rules of a classification or of the active definition. They judge the
 * access token as it would be after the call. Contract, section 3.
 */
#ifndef AT_RULES_H
#define AT_RULES_H

#include <apr_pools.h>
#include <apr_tables.h>

#include "at_error.h"
#include "at_field.h"
#include "at_plan.h"
#include "at_request.h"

/** How a credential is generated. */
typedef enum at_creation_e {
    AT_CREATION_NONE,         /* not at all */
    AT_CREATION_NUMBER,       /* the next number of a sequence */
    AT_CREATION_ID            /* 32 upper-case hexadecimal digits */
} at_creation_e;

/** The format that a credential must have. */
typedef enum at_format_e {
    AT_FORMAT_FREE_TEXT,
    AT_FORMAT_EMAIL,
    AT_FORMAT_PHONE,
    AT_FORMAT_NUMBER
} at_format_e;

/** The rules for one credential. */
typedef struct at_credential_rules_t {
    at_creation_e creation;
    at_format_e format;
    apr_size_t min_length;    /* this and the next three in characters */
    apr_size_t min_letters;
    apr_size_t min_digits;
    apr_size_t min_special;
} at_credential_rules_t;

/** The rules for an access token. Only at_rules.c writes them. */
typedef struct at_rules_t {
    at_credential_rules_t credential[AT_CREDENTIAL_COUNT];
    int allow_no_identifier;  /* true: identifier and pass code may both be
                                 missing */
} at_rules_t;

/**
 * Read the rules of ROW into *RULES in POOL. A rule that no column of the load
 * has is NONE, FREE_TEXT or 0. AT_INTERNAL_ERROR: a rule is NULL, or has an
 * unknown value.
 */
at_error_t *at_rules_read(at_rules_t **rules, const at_row_t *row,
                          apr_pool_t *pool) AT_MUST_CHECK;

/**
 * Judge the change that REQUEST makes to ROW by RULES. GENERATE[credential] is
 * true for each credential that must be generated. What is wrong is added to
 * VIOLATIONS.
 */
void at_rules_judge(int generate[AT_CREDENTIAL_COUNT],
                    const at_rules_t *rules, const at_request_t *request,
                    const at_row_t *row, at_violations_t *violations);

#endif /* AT_RULES_H */
