/* SPDX-License-Identifier: Apache-2.0 */
/* What a lookup adds to the reply, and what is not read at all. */
#include "update_support.h"

#include <string.h>

#define OWNER       "data.accounts_receivable.account_owner."
#define PARTICIPANT "data.reward_participant."
#define ITS_OWNER   PARTICIPANT "accounts_receivable.account_owner."

/* A key for each lookup. The owner, with three countries, is the
 * participant's as well. */
static void set_up_lookups(void)
{
    set_up_with(test_cached_statements());
    set("data.accounts_receivable.id", "A1");
    set(OWNER "id", "O1");
    set(OWNER "first_name", "Ada");
    set(PARTICIPANT "id", "P1");
    set(PARTICIPANT "accounts_receivable.id", "A2");
    set(ITS_OWNER "id", "O1");
    set(ITS_OWNER "first_name", "Ada");
    set("data.classification?@classification", "C1");
    set("data.log_information.created_by_user@user", "U9");
    set("data.log_information.created_by_unit@unit", "N9");
    set("data.log_information.updated_by_unit@unit", "N1");
    set(OWNER "demographics.country_of_residence?@country", "FR");
    set(OWNER "demographics.passport_issued_by_country@country", "GR");
    set(OWNER "demographics.id_issued_by_country@country", "IT");
    set(ITS_OWNER "demographics.passport_issued_by_country@country", "GR");
    set(ITS_OWNER "demographics.id_issued_by_country@country", "IT");
}

/* The text at PATH in the reply's data; "null" for null, "none" if there is
 * no such member. */
static const char *at(const char *path)
{
    char *state, *name, *copy = apr_pstrdup(pool, path);
    at_json_t *value = data();

    for (name = apr_strtok(copy, ".", &state); name && value;
         name = apr_strtok(NULL, ".", &state)) {
        value = value->type == AT_JSON_OBJECT ? at_json_get(value, name)
                                              : NULL;
    }
    if (!value) {
        return "none";
    }
    return value->type == AT_JSON_NULL ? "null" : value->text;
}

START_TEST(what_is_looked_up_is_in_the_reply)
{
    set_up_lookups();
    ck_assert_str_eq(update("\"udf_string_1\":\"x\""), "OK");
    ck_assert_str_eq(log_of_calls, "load_by_authentication_code.sql "
                     "classification:C1 user:U9 unit:N9 unit:N1 country:FR "
                     "country:GR country:IT save");
    ck_assert_str_eq(at("classification.name"), "classification C1 name");
    ck_assert_str_eq(at("log_information.created_by_user.username"),
                     "user U9 username");
    ck_assert_str_eq(at("log_information.updated_by_unit.id"), "N1");
    ck_assert_str_eq(at("accounts_receivable.account_owner.demographics."
                        "passport_issued_by_country.two_character_code"),
                     "country GR two_character_code");
    ck_assert_str_eq(at("udf_string_1"), "x");
}
END_TEST

START_TEST(only_what_fields_set_wants_is_looked_up)
{
    static const struct {
        const char *fields_set, *lookups;
        int narrow;
    } cases[] = {
        { "id", "", 1 },
        { "classification", " classification:C1", 1 },
        { "id,classification.name", " classification:C1", 1 },
        { "log_information.created_by_user.username", " user:U9", 1 },
        { "log_information.created_date", "", 1 },
        { "log_information", " user:U9 unit:N9 unit:N1", 1 },
        { "accounts_receivable.number", "", 0 },
        { "accounts_receivable.account_owner.demographics."
          "id_issued_by_country", " country:IT", 0 },
        { "accounts_receivable", " country:FR country:GR country:IT", 0 },
        { "reward_participant,classification",
          " classification:C1 country:GR country:IT", 0 }
    };
    size_t i;

    for (i = 0; i < COUNT(cases); i++) {
        set_up_lookups();
        ck_assert_str_eq(update(apr_pstrcat(pool, "\"fields_set\":\"",
                                            cases[i].fields_set, "\"",
                                            (char *)NULL)), "OK");
        ck_assert_str_eq(log_of_calls, apr_pstrcat(
            pool, "load_by_authentication_code.sql", cases[i].lookups,
            " save", (char *)NULL));
        ck_assert_int_eq(narrow_loads, cases[i].narrow);
    }
}
END_TEST

START_TEST(the_same_key_is_looked_up_once)
{
    set_up_lookups();
    set("data.log_information.created_by_user@user", "N1");
    set("data.log_information.created_by_unit@unit", "N1");
    set(OWNER "demographics.country_of_residence?@country", "GR");
    set(OWNER "demographics.id_issued_by_country@country", "gone");
    set(ITS_OWNER "demographics.id_issued_by_country@country", "gone");
    ck_assert_str_eq(update(""), "OK");
    /* a user and a unit with the same key are two lookups */
    ck_assert_str_eq(log_of_calls, "load_by_authentication_code.sql "
                     "classification:C1 user:N1 unit:N1 country:GR "
                     "country:gone save");
    ck_assert_str_eq(at("log_information.created_by_user.id"), "N1");
    ck_assert_str_eq(at("log_information.created_by_unit.name"),
                     "unit N1 name");
    ck_assert_str_eq(at("log_information.updated_by_unit.name"),
                     "unit N1 name");
    ck_assert_str_eq(at("accounts_receivable.account_owner.demographics."
                        "country_of_residence.name"), "country GR name");
    ck_assert_str_eq(at("reward_participant.accounts_receivable."
                        "account_owner.demographics."
                        "passport_issued_by_country.name"),
                     "country GR name");
    ck_assert_str_eq(at("reward_participant.accounts_receivable."
                        "account_owner.demographics.id_issued_by_country"),
                     "null");
}
END_TEST

START_TEST(what_is_not_there_is_null)
{
    set_up_lookups();
    set("data.classification?@classification", NULL);
    set("data.log_information.created_by_user@user", "gone");
    set(OWNER "demographics.country_of_residence?@country", "gone");
    set(OWNER "demographics.passport_issued_by_country@country", NULL);
    set(ITS_OWNER "demographics.passport_issued_by_country@country", NULL);
    ck_assert_str_eq(update(""), "OK");
    ck_assert_str_eq(log_of_calls, "load_by_authentication_code.sql "
                     "user:gone unit:N9 unit:N1 country:gone country:IT "
                     "save");
    ck_assert_str_eq(at("classification"), "none");
    ck_assert_str_eq(at("log_information.created_by_user"), "null");
    ck_assert_str_eq(at("accounts_receivable.account_owner.demographics."
                        "country_of_residence"), "none");
    ck_assert_str_eq(at("accounts_receivable.account_owner.demographics."
                        "passport_issued_by_country"), "null");
    set_up_lookups();
    set("data.classification?@classification", "gone");
    ck_assert_str_eq(update("\"fields_set\":\"classification\""), "OK");
    ck_assert_str_eq(at("classification"), "null");
}
END_TEST

START_TEST(a_lookup_that_fails_is_a_call_that_fails)
{
    static const struct {
        const char *outcomes, *result, *detail;
        int lookups, loads;
    } cases[] = {
        { "U", "SERVICE_UNAVAILABLE", "detail: unavailable", 1, 1 },
        { "..U", "SERVICE_UNAVAILABLE", "detail: unavailable", 3, 1 },
        { "P", "SERVICE_UNAVAILABLE", "detail: no place", 1, 1 },
        { "B", "INTERNAL_ERROR", "detail: broken", 1, 1 },
        { ".RB", "INTERNAL_ERROR", "detail: broken", 3, 2 },
        { "AAAAAA", "SERVICE_UNAVAILABLE", "detail: away", 6, 6 },
        { "R", "OK", NULL, 8, 2 },
        { "......RR..R", "OK", NULL, 18, 4 }
    };
    size_t i;

    for (i = 0; i < COUNT(cases); i++) {
        set_up_lookups();
        lookup_outcomes = cases[i].outcomes;
        ck_assert_msg(!strcmp(update("\"udf_string_1\":\"x\""),
                              cases[i].result), "%s: %s", cases[i].outcomes,
                      test_error(error));
        ck_assert_int_eq(lookups, cases[i].lookups);
        ck_assert_int_eq(loads, cases[i].loads);
        ck_assert_int_eq(saves, error ? 0 : 1);
        ck_assert_str_eq(get("data.udf_string_1?"), error ? "before" : "x");
        if (error) {
            ck_assert_str_eq(at_error_detail(error), cases[i].detail);
            ck_assert_ptr_null(call.body.text);
        }
    }
}
END_TEST

START_TEST(each_attempt_reads_no_more_than_is_asked_for)
{
    set_up();
    save_outcomes = "LL";
    ck_assert_str_eq(update("\"fields_set\":\"id,udf_string_1\","
                            "\"udf_string_1\":\"x\","
                            "\"custom_field_set\":{\"nick\":\"n\"}"), "OK");
    ck_assert_int_eq(loads, 3);
    ck_assert_int_eq(narrow_loads, 3);
    ck_assert_str_eq(at("id"), "T1");
    ck_assert_str_eq(at("udf_string_1"), "x");
    ck_assert_str_eq(get("data.custom_field_set?:json"), "{\"nick\":\"n\"}");
    set_up();
    ck_assert_str_eq(update("\"fields_set\":\"id,accounts_receivable.id\""),
                     "OK");
    ck_assert_int_eq(narrow_loads, 0);
    set_up();
    ck_assert_str_eq(update(""), "OK");
    ck_assert_int_eq(narrow_loads, 0);
}
END_TEST

/* A call that will be a replay. */
static void set_up_replay(void)
{
    set_up_lookups();
    call.idempotency_key = "key-1";
    call.request_digest = "digest-1";
    remembered.token_id = "T1";
    remembered.digest = "digest-1";
}

START_TEST(lookups_are_made_for_a_replay_too)
{
    set_up_replay();
    ck_assert_str_eq(update(""), "OK");
    ck_assert(call.replayed);
    ck_assert_int_eq(lookups, 7);
    ck_assert_str_eq(at("classification.name"), "classification C1 name");
    ck_assert_str_eq(at("reward_participant.accounts_receivable."
                        "account_owner.first_name"), "Ada");
    set_up_replay();
    ck_assert_str_eq(update("\"fields_set\":\"classification.id\""), "OK");
    ck_assert(call.replayed);
    ck_assert_str_eq(log_of_calls,
                     "find_request load_by_id.sql classification:C1");
    ck_assert_int_eq(narrow_loads, 1);
}
END_TEST

START_TEST(a_replay_with_a_failed_lookup_fails)
{
    set_up_replay();
    lookup_outcomes = "U";
    ck_assert_str_eq(update(""), "SERVICE_UNAVAILABLE");
    ck_assert(!call.replayed);
    set_up_replay();
    lookup_outcomes = ".B";
    ck_assert_str_eq(update(""), "INTERNAL_ERROR");
    ck_assert_str_eq(at_error_detail(error), "detail: broken");
    ck_assert_int_eq(lookups, 2);
    set_up_replay();
    lookup_outcomes = "R";
    ck_assert_str_eq(update(""), "OK");
    ck_assert(call.replayed);
    ck_assert_int_eq(loads, 2);
}
END_TEST

int main(void)
{
    TCase *tests = test_begin("test_lookup");

    tcase_add_test(tests, what_is_looked_up_is_in_the_reply);
    tcase_add_test(tests, only_what_fields_set_wants_is_looked_up);
    tcase_add_test(tests, the_same_key_is_looked_up_once);
    tcase_add_test(tests, what_is_not_there_is_null);
    tcase_add_test(tests, a_lookup_that_fails_is_a_call_that_fails);
    tcase_add_test(tests, each_attempt_reads_no_more_than_is_asked_for);
    tcase_add_test(tests, lookups_are_made_for_a_replay_too);
    tcase_add_test(tests, a_replay_with_a_failed_lookup_fails);
    return test_end(tests);
}
