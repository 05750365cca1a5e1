/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The table of the columns that a load statement selects for the module rather
 * than for the reply: those whose names do not begin with `data.` (design,
 * idea 4).
 */
#ifndef AT_COLUMN_H
#define AT_COLUMN_H

#include "at_field.h"

/** The rules of a credential. */
typedef enum {
    AT_RULE_CREATION,
    AT_RULE_FORMAT,
    AT_RULE_MIN_LENGTH,
    AT_RULE_MIN_LETTERS,
    AT_RULE_MIN_DIGITS,
    AT_RULE_MIN_SPECIAL,
    AT_RULE_COUNT
} at_rule_e;

/** A column; AT_COLUMN_COUNT is none. */
typedef enum {
    AT_COLUMN_SESSION_USER_ID,
    AT_COLUMN_LOGIN_USER_ID,
    AT_COLUMN_CALLER_USER_ID,
    AT_COLUMN_CALLER_USERNAME,
    AT_COLUMN_CALLER_UNIT_ID,
    AT_COLUMN_CALLER_MAY_UPDATE,
    AT_COLUMN_TOKEN_ID,
    AT_COLUMN_TOKEN_VERSION,
    AT_COLUMN_TOKEN_PASS_CODE,
    AT_COLUMN_TOKEN_REQUEST_IDS,
    AT_COLUMN_ALLOW_NO_IDENTIFIER,
    AT_COLUMN_RULES,          /* the first of those of AT_COLUMN_RULE */
    AT_COLUMN_COUNT = AT_COLUMN_RULES
                      + (int)AT_CREDENTIAL_COUNT * (int)AT_RULE_COUNT,
    AT_COLUMN_LAST = AT_COLUMN_COUNT - 1
} at_column_e;

/** The column of RULE, an at_rule_e, of CREDENTIAL, an at_credential_e. */
#define AT_COLUMN_RULE(credential, rule)                                      \
    ((at_column_e)((int)AT_COLUMN_RULES                                       \
                   + (int)(credential) * (int)AT_RULE_COUNT + (int)(rule)))

/** The columns' names, by at_column_e; NULL after the last. */
extern const char *const at_column_names[AT_COLUMN_COUNT + 1];

/** The column whose name is NAME; AT_COLUMN_COUNT if there is none. */
at_column_e at_column_find(const char *name);

#endif /* AT_COLUMN_H */
