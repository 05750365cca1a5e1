/* SPDX-License-Identifier: Apache-2.0 */
#include "at_column.h"

#include <string.h>

/* In the order of at_rule_e. */
#define RULES(credential)                                                    \
    "rule." credential "_creation", "rule." credential "_format",            \
    "rule." credential "_min_length", "rule." credential "_min_letters",     \
    "rule." credential "_min_digits", "rule." credential "_min_special"

const char *const at_column_names[AT_COLUMN_COUNT + 1] = {
    "session.user_id",
    "login.user_id",
    "caller.user_id",
    "caller.username",
    "caller.unit_id",
    "caller.may_update",
    "token.id",
    "token.version",
    "token.pass_code",
    "token.request_ids",
    "rule.allow_no_identifier",
    RULES("authentication_code"),
    RULES("identifier"),
    RULES("pass_code"),
    NULL
};

at_column_e at_column_find(const char *name)
{
    int i = 0;

    while (i < AT_COLUMN_COUNT && strcmp(at_column_names[i], name)) {
        i++;
    }
    return (at_column_e)i;
}
