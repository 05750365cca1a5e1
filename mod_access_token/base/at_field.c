/* SPDX-License-Identifier: Apache-2.0 */
#include "at_field.h"

#include <string.h>

#define CREDENTIAL AT_FIELD_IS_CREDENTIAL
#define SECRET     AT_FIELD_IS_SECRET

/* A name, and the same as a JSON pointer. */
#define NAME(name) name, "/" name

#define FIELD_COUNT ((int)(sizeof(fields) / sizeof(fields[0])))

/* The credentials come first, in the order of at_credential_e. */
static const at_field_t fields[] = {
    { NAME("authentication_code"), AT_FIELD_STRING, CREDENTIAL,          255 },
    { NAME("identifier"),          AT_FIELD_STRING, CREDENTIAL,          255 },
    { NAME("pass_code"),           AT_FIELD_STRING, CREDENTIAL | SECRET, 0 },
    { NAME("card_masked_number"),  AT_FIELD_STRING, 0,                   32 },
    { NAME("udf_string_1"),        AT_FIELD_STRING, 0,                   255 },
    { NAME("udf_string_2"),        AT_FIELD_STRING, 0,                   255 },
    { NAME("udf_string_3"),        AT_FIELD_STRING, 0,                   255 },
    { NAME("udf_string_4"),        AT_FIELD_STRING, 0,                   255 },
    { NAME("udf_string_5"),        AT_FIELD_STRING, 0,                   255 },
    { NAME("udf_string_6"),        AT_FIELD_STRING, 0,                   255 },
    { NAME("udf_string_7"),        AT_FIELD_STRING, 0,                   255 },
    { NAME("udf_string_8"),        AT_FIELD_STRING, 0,                   255 },
    { NAME("udf_float_1"),         AT_FIELD_NUMBER, 0,                   0 },
    { NAME("udf_float_2"),         AT_FIELD_NUMBER, 0,                   0 },
    { NAME("udf_float_3"),         AT_FIELD_NUMBER, 0,                   0 },
    { NAME("udf_float_4"),         AT_FIELD_NUMBER, 0,                   0 },
    { NAME("udf_date_1"),          AT_FIELD_DATE,   0,                   0 },
    { NAME("udf_date_2"),          AT_FIELD_DATE,   0,                   0 },
    { NAME("udf_date_3"),          AT_FIELD_DATE,   0,                   0 },
    { NAME("udf_date_4"),          AT_FIELD_DATE,   0,                   0 },
    { NAME("custom_field_set"),    AT_FIELD_CUSTOM, 0,                   0 }
};

int at_field_count(void)
{
    return FIELD_COUNT;
}

const at_field_t *at_field_get(int index)
{
    return &fields[index];
}

int at_field_find(const char *name)
{
    int i;

    for (i = 0; i < FIELD_COUNT; i++) {
        /* Most names of a long body differ in the first byte. */
        if (fields[i].name[0] == name[0] && !strcmp(fields[i].name, name)) {
            return i;
        }
    }
    return AT_FIELD_NONE;
}

int at_field_custom(void)
{
    int i = 0;

    while (fields[i].type != AT_FIELD_CUSTOM) {
        i++;
    }
    return i;
}
