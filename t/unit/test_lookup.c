/* SPDX-License-Identifier: Apache-2.0 */
/* What a lookup adds to the reply, and what is not read at all. */
#include "update_support.h"

#include <string.h>

#define OWNER       "data.accounts_receivable.account_owner."
#define PARTICIPANT "data.reward_participant."
#define ITS_OWNER   PARTICIPANT "accounts_receivable.account_owner."

#define LOADS "load_by_session_and_code.sql caller:U1 rules:C1"

/* A key for each lookup, and the documents. The owner, with three countries, is
 * the participant's as well. */
static void set_up_lookups(void)
{
    set_up_with(test_lookup_statements());
    set("revision.reference", "r1");
    set("@rules", "C1");
    set("data.classification?.id", "C1");
    set("data.classification?.name", "Card");
    set("data.log_information.updated_by_unit.id", "N1");
    set("data.log_information.updated_by_unit.name", "Shop");
    set("data.accounts_receivable.id", "A1");
    set(OWNER "id", "O1");
    set(OWNER "first_name", "Ada");
    set(PARTICIPANT "id", "P1");
    set(PARTICIPANT "accounts_receivable.id", "A2");
    set(ITS_OWNER "id", "O1");
    set(ITS_OWNER "first_name", "Ada");
    set("data.log_information.created_by_user@user", "U9");
    set("data.log_information.created_by_unit@unit", "N9");
    set(OWNER "demographics.country_of_residence?@country", "FR");
    set(OWNER "demographics.passport_issued_by_country@country", "GR");
    set(OWNER "demographics.id_issued_by_country@country", "IT");
    set(ITS_OWNER "demographics.passport_issued_by_country@country", "GR");
    set(ITS_OWNER "demographics.id_issued_by_country@country", "IT");
    set("data.accounts_receivable:document",
        "{\"id\":\"A1\",\"number\":\"document\"}");
    set("data.reward_participant:document", "null");
}

/* The same without documents. */
static void set_up_joins(void)
{
    set_up_lookups();
    set("data.accounts_receivable:document", NULL);
    set("data.reward_participant:document", NULL);
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
    set_up_joins();
    ck_assert_str_eq(update("\"udf_string_1\":\"x\""), "OK");
    ck_assert_str_eq(log_of_calls, "load_by_session_and_code.sql "
                     "load_by_authentication_code.sql caller:U1 rules:C1 "
                     "user:U9 unit:N9 country:FR country:GR country:IT save");
    ck_assert_str_eq(at("classification.name"), "Card");
    ck_assert_str_eq(at("log_information.created_by_user.username"),
                     "user U9 username");
    ck_assert_str_eq(at("log_information.updated_by_unit.id"), "N1");
    ck_assert_str_eq(at("accounts_receivable.account_owner.demographics."
                        "passport_issued_by_country.two_character_code"),
                     "country GR two_character_code");
    ck_assert_str_eq(at("udf_string_1"), "x");
}
END_TEST

START_TEST(documents_come_instead_of_what_the_joins_give)
{
    set_up_lookups();
    ck_assert_str_eq(update(""), "OK");
    ck_assert_str_eq(log_of_calls, LOADS " user:U9 unit:N9 save");
    ck_assert_int_eq(document_loads, 1);
    ck_assert_str_eq(at("accounts_receivable.number"), "document");
    ck_assert_str_eq(at("accounts_receivable.account_owner"), "none");
    ck_assert_str_eq(at("reward_participant"), "null");
}
END_TEST

START_TEST(a_document_that_is_missing_is_loaded_by_joins)
{
    static const char *const names[] = { "data.accounts_receivable:document",
                                         "data.reward_participant:document" };
    size_t i;

    for (i = 0; i < COUNT(names); i++) {
        set_up_lookups();
        set(names[i], NULL);
        ck_assert_str_eq(update(""), "OK");
        ck_assert_int_eq(loads, 2);
        ck_assert_int_eq(document_loads, 1);
        ck_assert_str_eq(at("accounts_receivable.account_owner.first_name"),
                         "Ada");
        ck_assert_str_eq(at("reward_participant.id"), "P1");
        /* one that is not wanted need not be there */
        set_up_lookups();
        set(names[i], NULL);
        ck_assert_str_eq(update(i == 0 ? "\"fields_set\":"
                                         "\"reward_participant\""
                                       : "\"fields_set\":"
                                         "\"accounts_receivable\""), "OK");
        ck_assert_int_eq(loads, 1);
    }
}
END_TEST

START_TEST(a_document_that_is_no_object_is_an_error)
{
    static const char *const broken[] = { "", "{", "[]", "nul", "1",
                                          "{\"id\":\"A1\"" };
    size_t i;

    for (i = 0; i < COUNT(broken); i++) {
        set_up_lookups();
        set("data.accounts_receivable:document", broken[i]);
        ck_assert_str_eq(update(""), "INTERNAL_ERROR");
        ck_assert_msg(has(at_error_detail(error),
                          "data.accounts_receivable:document"), "%s",
                      at_error_detail(error));
        ck_assert_int_eq(saves, 0);
    }
}
END_TEST

START_TEST(only_what_fields_set_wants_is_looked_up)
{
    static const struct {
        const char *fields_set, *lookups;
        int narrow, documents;
    } cases[] = {
        { "id", "", 1, 0 },
        { "classification", "", 1, 0 },
        { "log_information.created_by_user.username", " user:U9", 1, 0 },
        { "log_information.created_date", "", 1, 0 },
        { "log_information", " user:U9 unit:N9", 1, 0 },
        { "accounts_receivable.number", "", 0, 0 },
        { "accounts_receivable.account_owner.demographics."
          "id_issued_by_country", " country:IT", 0, 0 },
        { "accounts_receivable", "", 0, 1 },
        { "accounts_receivable,accounts_receivable.account_owner.name",
          "", 0, 1 },
        { "reward_participant,classification", "", 0, 1 },
        { "reward_participant,accounts_receivable.id",
          " country:GR country:IT", 0, 0 }
    };
    size_t i;

    for (i = 0; i < COUNT(cases); i++) {
        set_up_lookups();
        ck_assert_str_eq(update(apr_pstrcat(pool, "\"fields_set\":\"",
                                            cases[i].fields_set, "\"",
                                            (char *)NULL)), "OK");
        ck_assert_str_eq(log_of_calls, apr_pstrcat(
            pool, LOADS, cases[i].lookups, " save", (char *)NULL));
        ck_assert_int_eq(narrow_loads, cases[i].narrow);
        ck_assert_int_eq(document_loads, cases[i].documents);
    }
}
END_TEST

START_TEST(the_same_key_is_looked_up_once)
{
    set_up_joins();
    set("data.log_information.created_by_user@user", "N1");
    set("data.log_information.created_by_unit@unit", "N1");
    set(OWNER "demographics.country_of_residence?@country", "GR");
    set(OWNER "demographics.id_issued_by_country@country", "gone");
    set(ITS_OWNER "demographics.id_issued_by_country@country", "gone");
    ck_assert_str_eq(update(""), "OK");
    /* a user and a unit with the same key are two lookups */
    ck_assert_msg(has(log_of_calls, " user:N1 unit:N1 country:GR "
                      "country:gone save"), "%s", log_of_calls);
    ck_assert_str_eq(at("log_information.created_by_user.id"), "N1");
    ck_assert_str_eq(at("log_information.created_by_unit.name"),
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
    set_up_joins();
    set("data.classification?.id", NULL);
    set("data.log_information.created_by_user@user", "gone");
    set(OWNER "demographics.country_of_residence?@country", "gone");
    set(OWNER "demographics.passport_issued_by_country@country", NULL);
    set(ITS_OWNER "demographics.passport_issued_by_country@country", NULL);
    ck_assert_str_eq(update(""), "OK");
    ck_assert_msg(has(log_of_calls, " user:gone unit:N9 country:gone "
                      "country:IT save"), "%s", log_of_calls);
    ck_assert_str_eq(at("classification"), "none");
    ck_assert_str_eq(at("log_information.created_by_user"), "null");
    ck_assert_str_eq(at("accounts_receivable.account_owner.demographics."
                        "country_of_residence"), "none");
    ck_assert_str_eq(at("accounts_receivable.account_owner.demographics."
                        "passport_issued_by_country"), "null");
    set_up_lookups();
    set("data.classification?.id", NULL);
    ck_assert_str_eq(update("\"fields_set\":\"classification\""), "OK");
    ck_assert_str_eq(at("classification"), "null");
}
END_TEST

/* The load that always gives a row finds out which of session and access token
 * does not exist. */
START_TEST(without_a_row_the_other_load_tells_why)
{
    static const struct {
        const char *token, *username, *key, *result, *log;
    } cases[] = {
        { "unknown", NULL, BY_CODE, "INVALID_TOKEN",
          "load_by_session_and_code.sql load_by_authentication_code.sql" },
        { "session", NULL, "{\"authentication_code\":\"other\"}",
          "ACCESS_TOKEN_NOT_FOUND", "load_by_session_and_code.sql "
          "load_by_authentication_code.sql caller:U1" },
        /* Without a session, that load is the only one. */
        { NULL, "clerk", BY_CODE, "OK",
          "load_by_authentication_code.sql caller:,,clerk rules:C1 save" },
        { "session", "clerk", BY_CODE, "OK",
          "load_by_authentication_code.sql caller:U1,,clerk rules:C1 save" },
        { "session", NULL, BY_IDENTIFIER, "OK",
          "load_by_identifier.sql caller:U1 verify rules:C1 save" }
    };
    size_t i;

    for (i = 0; i < COUNT(cases); i++) {
        set_up_lookups();
        call.token = cases[i].token;
        call.username = cases[i].username;
        ck_assert_str_eq(run_call(cases[i].key, "\"fields_set\":\"id\""),
                         cases[i].result);
        ck_assert_str_eq(log_of_calls, cases[i].log);
    }
}
END_TEST

/* A missing document must not show that an identifier exists. */
START_TEST(a_load_by_identifier_needs_no_documents)
{
    set_up_lookups();
    set("data.accounts_receivable:document", NULL);
    ck_assert_str_eq(run_call(BY_IDENTIFIER, ""), "OK");
    ck_assert_int_eq(loads, 1);
    ck_assert_int_eq(document_loads, 0);
    ck_assert_str_eq(at("accounts_receivable.account_owner.first_name"),
                     "Ada");
}
END_TEST

START_TEST(what_decides_comes_from_lookups)
{
    set_up_lookups();
    set("caller.may_update", "0");
    /* one load more, so that it takes the time of an unknown code */
    ck_assert_str_eq(update(""), "FORBIDDEN");
    ck_assert_str_eq(log_of_calls, "load_by_session_and_code.sql caller:U1 "
                     "load_by_authentication_code.sql");
    set_up_lookups();
    set("caller.may_update", "0");
    ck_assert_str_eq(run_call("{\"authentication_code\":\"other\"}", ""),
                     "FORBIDDEN");
    ck_assert_str_eq(log_of_calls, "load_by_session_and_code.sql "
                     "load_by_authentication_code.sql caller:U1");
    set_up_lookups();
    set("rule.identifier_min_length", "9");
    ck_assert_str_eq(update("\"identifier\":\"short\","
                            "\"pass_code\":\"secret\""),
                     "VALIDATION_FAILED: TOO_SHORT /identifier");
    set_up_lookups();
    ck_assert_str_eq(update(""), "OK");
    ck_assert_str_eq(saved_values[AT_SAVE_USER_ID], "U1");
    ck_assert_str_eq(saved_values[AT_SAVE_UNIT_ID], "N1");
}
END_TEST

/* Whatever a call has judged by one revision, it judges again by the newer. */
START_TEST(a_newer_revision_is_another_attempt)
{
    int i;

    for (i = 1; i <= 3; i++) {
        set_up_lookups();
        newer_lookups = i;
        ck_assert_str_eq(update("\"udf_string_1\":\"x\","
                                "\"custom_field_set\":{\"nick\":\"n\"}"),
                         "OK");
        ck_assert_int_eq(loads, 1 + i);
        ck_assert_int_eq(pauses, i);
        ck_assert_int_eq(saves, 1);
    }
    set_up_lookups();
    newer_lookups = 1000000;
    ck_assert_str_eq(update(""), "SERVICE_UNAVAILABLE");
    ck_assert_msg(has(at_error_detail(error), "revision"), "%s",
                  at_error_detail(error));
    ck_assert_int_eq(saves, 0);
    ck_assert(clock_now >= apr_time_from_sec(5));
}
END_TEST

START_TEST(custom_fields_have_the_revision_too)
{
    set_up_lookups();
    ck_assert_str_eq(update("\"custom_field_set\":{\"nick\":\"n\"}"),
                     "OK");
    ck_assert_msg(has(log_of_calls, " caller:U1 custom_fields rules:C1 "),
                  "%s", log_of_calls);
    set_up_lookups();
    /* the caller is read under the old one, the custom fields are not */
    after_lookup = 1;
    newer_lookups = 1;
    ck_assert_str_eq(update("\"custom_field_set\":{\"nick\":\"n\"}"),
                     "OK");
    ck_assert_str_eq(log_of_calls, "load_by_session_and_code.sql caller:U1 "
                     "custom_fields load_by_id.sql caller:U1 custom_fields "
                     "rules:C1 user:U9 unit:N9 save");
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
        { "R", "OK", NULL, 5, 2 },
        { "...RR..R", "OK", NULL, 12, 4 }
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
    ck_assert_int_eq(lookups, 4);
    ck_assert_int_eq(document_loads, 1);
    ck_assert_str_eq(at("classification.name"), "Card");
    ck_assert_str_eq(at("accounts_receivable.number"), "document");
    set_up_replay();
    ck_assert_str_eq(update("\"fields_set\":\"classification.id\""), "OK");
    ck_assert(call.replayed);
    ck_assert_str_eq(log_of_calls,
                     "find_request load_by_id.sql caller:U1 rules:C1");
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
    tcase_add_test(tests, documents_come_instead_of_what_the_joins_give);
    tcase_add_test(tests, a_document_that_is_missing_is_loaded_by_joins);
    tcase_add_test(tests, a_document_that_is_no_object_is_an_error);
    tcase_add_test(tests, without_a_row_the_other_load_tells_why);
    tcase_add_test(tests, a_load_by_identifier_needs_no_documents);
    tcase_add_test(tests, what_decides_comes_from_lookups);
    tcase_add_test(tests, a_newer_revision_is_another_attempt);
    tcase_add_test(tests, custom_fields_have_the_revision_too);
    tcase_add_test(tests, a_lookup_that_fails_is_a_call_that_fails);
    tcase_add_test(tests, each_attempt_reads_no_more_than_is_asked_for);
    tcase_add_test(tests, lookups_are_made_for_a_replay_too);
    tcase_add_test(tests, a_replay_with_a_failed_lookup_fails);
    return test_end(tests);
}
