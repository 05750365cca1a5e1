/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The one table of what a load statement tells the module besides the reply:
 * the result columns whose names do not begin with `data.` (design, idea 4).
 */
#ifndef AT_COLUMN_H
#define AT_COLUMN_H

#include "at_field.h"

/** What is said of each credential; part of an at_column_e. */
typedef enum {
    AT_RULE_CREATION,
    AT_RULE_FORMAT,
    AT_RULE_MIN_LENGTH,
    AT_RULE_MIN_LETTERS,
    AT_RULE_MIN_DIGITS,
    AT_RULE_MIN_SPECIAL,
    AT_RULE_COUNT
} at_rule_e;

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
    AT_COLUMN_RULES,           /* see AT_COLUMN_RULE */
    AT_COLUMN_COUNT = AT_COLUMN_RULES + AT_CREDENTIAL_COUNT * AT_RULE_COUNT
} at_column_e;

/** The input that is rule RULE of CREDENTIAL. */
#define AT_COLUMN_RULE(credential, rule)                                      \
    ((at_column_e)(AT_COLUMN_RULES + (int)(credential) * AT_RULE_COUNT         \
                  + (int)(rule)))

/** Their columns' names, by at_column_e; NULL behind the last. */
extern const char *const at_column_names[AT_COLUMN_COUNT + 1];

/** The input whose column is NAME, or -1 if none is. */
int at_column_find(const char *name);

#endif /* AT_COLUMN_H */
