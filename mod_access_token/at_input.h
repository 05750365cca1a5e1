/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The one table of what a load statement tells the module besides the reply:
 * the result columns whose names do not begin with `data.` (design, idea 4).
 */
#ifndef AT_INPUT_H
#define AT_INPUT_H

#include "at_field.h"

/** What is said of each credential; part of an at_input_e. */
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
    AT_INPUT_SESSION_USER_ID,
    AT_INPUT_LOGIN_USER_ID,
    AT_INPUT_CALLER_USER_ID,
    AT_INPUT_CALLER_USERNAME,
    AT_INPUT_CALLER_UNIT_ID,
    AT_INPUT_CALLER_MAY_UPDATE,
    AT_INPUT_TOKEN_ID,
    AT_INPUT_TOKEN_VERSION,
    AT_INPUT_TOKEN_PASS_CODE,
    AT_INPUT_TOKEN_REQUEST_IDS,
    AT_INPUT_ALLOW_NO_IDENTIFIER,
    AT_INPUT_RULES,           /* see AT_INPUT_RULE */
    AT_INPUT_COUNT = AT_INPUT_RULES + AT_CREDENTIAL_COUNT * AT_RULE_COUNT
} at_input_e;

/** The input that is rule RULE of CREDENTIAL. */
#define AT_INPUT_RULE(credential, rule)                                      \
    ((at_input_e)(AT_INPUT_RULES + (int)(credential) * AT_RULE_COUNT         \
                  + (int)(rule)))

/** Their columns' names, by at_input_e; NULL behind the last. */
extern const char *const at_input_names[AT_INPUT_COUNT + 1];

/** The input whose column is NAME, or -1 if none is. */
int at_input_find(const char *name);

#endif /* AT_INPUT_H */
