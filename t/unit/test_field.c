/* SPDX-License-Identifier: Apache-2.0 */
/* Contract, section 2: the table of parameters. */
#include "test_support.h"

#include <string.h>

#include "at_field.h"

static const struct {
    const char *name;
    int count;                   /* of fields name_1, name_2, ...; 0: one */
    at_field_type_e type;
    apr_size_t max_characters;
} contract[] = {
    { "authentication_code", 0, AT_FIELD_STRING, 255 },
    { "identifier", 0, AT_FIELD_STRING, 255 },
    { "pass_code", 0, AT_FIELD_STRING, 0 },
    { "card_masked_number", 0, AT_FIELD_STRING, 32 },
    { "udf_string", 8, AT_FIELD_STRING, 255 },
    { "udf_float", 4, AT_FIELD_NUMBER, 0 },
    { "udf_date", 4, AT_FIELD_DATE, 0 },
    { "custom_field_set", 0, AT_FIELD_CUSTOM, 0 }
};

static int check_field(const char *name, at_field_type_e type,
                       apr_size_t max_characters)
{
    int index = at_field_find(name);
    const at_field_t *field;

    ck_assert_msg(index >= 0, "there is no %s", name);
    field = at_field_get(index);
    ck_assert_str_eq(field->name, name);
    ck_assert_int_eq((int)field->type, (int)type);
    ck_assert_uint_eq(field->max_characters, max_characters);
    return index;
}

START_TEST(the_fields_are_those_of_the_contract)
{
    int count = 0, number;
    size_t i;

    for (i = 0; i < sizeof(contract) / sizeof(contract[0]); i++) {
        for (number = 1; number <= contract[i].count; number++) {
            check_field(apr_psprintf(pool, "%s_%d", contract[i].name,
                                     number),
                        contract[i].type, contract[i].max_characters);
            count++;
        }
        if (contract[i].count == 0) {
            check_field(contract[i].name, contract[i].type,
                        contract[i].max_characters);
            count++;
        }
    }
    ck_assert_int_eq(at_field_count(), count);
}
END_TEST

START_TEST(the_credentials_come_first_and_one_is_secret)
{
    int i;

    ck_assert_int_eq(at_field_find("authentication_code"),
                     AT_CREDENTIAL_AUTHENTICATION_CODE);
    ck_assert_int_eq(at_field_find("identifier"), AT_CREDENTIAL_IDENTIFIER);
    ck_assert_int_eq(at_field_find("pass_code"), AT_CREDENTIAL_PASS_CODE);
    for (i = 0; i < at_field_count(); i++) {
        int flags = at_field_get(i)->flags;

        ck_assert_int_eq(!(flags & AT_FIELD_IS_CREDENTIAL),
                         i >= AT_CREDENTIAL_COUNT);
        ck_assert_int_eq(!(flags & AT_FIELD_IS_SECRET),
                         i != AT_CREDENTIAL_PASS_CODE);
    }
}
END_TEST

START_TEST(each_field_is_found_by_its_name_alone)
{
    static const char *const no[] = {
        "", "token", "access_token_identifier", "fields_set", "udf_string",
        "udf_string_0", "udf_string_9", "udf_float_5", "udf_date_5",
        "Identifier", "identifier ", "id", "set_identifier"
    };
    size_t k;
    int i;

    for (i = 0; i < at_field_count(); i++) {
        ck_assert_int_eq(at_field_find(at_field_get(i)->name), i);
    }
    for (k = 0; k < sizeof(no) / sizeof(no[0]); k++) {
        ck_assert_msg(at_field_find(no[k]) == AT_FIELD_NONE, "\"%s\"", no[k]);
    }
    ck_assert_str_eq(at_field_get(at_field_custom())->name,
                     "custom_field_set");
}
END_TEST

int main(void)
{
    TCase *tests = test_begin("test_field");

    tcase_add_test(tests, the_fields_are_those_of_the_contract);
    tcase_add_test(tests, the_credentials_come_first_and_one_is_secret);
    tcase_add_test(tests, each_field_is_found_by_its_name_alone);
    return test_end(tests);
}
