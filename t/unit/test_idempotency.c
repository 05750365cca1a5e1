/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Idempotency-Key: which keys are taken, and which requests are the same.
 * Contract, section 6.
 */
#include "test_support.h"

#include <string.h>

#include "at_idempotency.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static const unsigned char bytes[] = "0123456789abcdef0123456789abcdef";
static const at_secret_t secret = { bytes, 32 };

static const char *check(const char *header)
{
    const char *key;

    return test_error(at_idempotency_key(&key, header, &secret, pool));
}

/* The key that HEADER means, or "INVALID_REQUEST". */
static const char *key_of(const char *header)
{
    const char *key = NULL;
    const char *error = test_error(at_idempotency_key(&key, header, &secret,
                                                      pool));

    return strcmp(error, "OK") ? error : key;
}

static const char *digest(const char *json)
{
    return at_idempotency_digest(test_json(json), &secret, pool);
}

START_TEST(a_key_is_1_to_255_visible_ascii_characters)
{
    char key[257];
    int byte;

    memset(key, 'k', sizeof(key));
    key[256] = '\0';
    ck_assert_str_eq(check(key), "INVALID_REQUEST");
    key[255] = '\0';
    ck_assert_str_eq(check(key), "OK");
    key[1] = '\0';
    ck_assert_str_eq(check(key), "OK");
    key[0] = '\0';
    ck_assert_str_eq(check(key), "INVALID_REQUEST");
    for (byte = 1; byte < 256; byte++) {
        char text[] = { 'a', (char)byte, 'b', '\0' };

        ck_assert_str_eq(check(text), byte > ' ' && byte <= '~'
                                      ? "OK" : "INVALID_REQUEST");
    }
}
END_TEST

START_TEST(without_a_secret_no_key_is_taken)
{
    const char *key;

    ck_assert_str_eq(test_error(at_idempotency_key(&key, "key", NULL, pool)),
                     "INVALID_REQUEST");
}
END_TEST

START_TEST(a_key_and_its_quoted_string_are_one)
{
    static const struct { const char *header, *key; } cases[] = {
        { "k", "k" }, { "\"k\"", "k" }, { "\"a\\\"b\"", "a\"b" },
        { "\"a\\\\b\"", "a\\b" }, { "\"\\\"\"", "\"" },
        { "\"\\\\\"", "\\" }, { "\"8e03978e-40d5\"", "8e03978e-40d5" },
        /* no quote at its start: it is the key as it is */
        { "a\"b", "a\"b" }, { "k\"", "k\"" }, { "a\\b", "a\\b" },
        { "'k'", "'k'" }
    };
    static const char *const none[] = {
        "\"", "\"\"", "\"k", "\"k\\\"", "\"k\"x", "\"k\" ", "\"k\";a=1",
        "\"k\"\"k\"", "\"a\", \"b\"", "\"a\\b\"", "\"a\\", "\"a b\"",
        "\" a\"", "\"a\tb\"", "\"\xc3\xa9\"", "\"\x7f\""
    };
    size_t i;

    for (i = 0; i < COUNT(cases); i++) {
        ck_assert_str_eq(key_of(cases[i].header), cases[i].key);
    }
    for (i = 0; i < COUNT(none); i++) {
        ck_assert_msg(!strcmp(check(none[i]), "INVALID_REQUEST"), "%s",
                      none[i]);
    }
}
END_TEST

START_TEST(quotes_and_escapes_do_not_count)
{
    char header[2 * 256 + 3];
    int i;

    for (i = 0; i < 256; i++) {
        memcpy(header + 1 + 2 * i, "\\\"", 2);
    }
    header[0] = '"';
    memcpy(header + 1 + 2 * 255, "\"", 2);
    ck_assert_uint_eq(strlen(key_of(header)), 255);
    memcpy(header + 1 + 2 * 255, "x\"", 3);
    ck_assert_str_eq(check(header), "INVALID_REQUEST");
}
END_TEST

START_TEST(the_same_request_in_another_form_is_the_same)
{
    static const char *const forms[] = {
        "{\"a\":1,\"b\":{\"c\":[1,{\"d\":null,\"e\":\"\\u00e9\"}],\"f\":true}}",
        "{\"b\":{\"f\":true,\"c\":[1,{\"e\":\"\\u00E9\",\"d\":null}]},\"a\":1}",
        " { \"a\" : 1 ,\n\"b\" : { \"c\" : [ 1 , { \"d\" : null , \"e\" : "
        "\"\xc3\xa9\" } ] , \"f\" : true } } ",
        "{\"token\":\"one\",\"a\":1,\"b\":{\"c\":[1,{\"d\":null,\"e\":"
        "\"\xc3\xa9\"}],\"f\":true}}",
        "{\"a\":1,\"b\":{\"c\":[1,{\"d\":null,\"e\":\"\xc3\xa9\"}],\"f\":"
        "true},\"token\":\"another\"}"
    };
    size_t i;

    for (i = 1; i < COUNT(forms); i++) {
        ck_assert_str_eq(digest(forms[i]), digest(forms[0]));
    }
}
END_TEST

START_TEST(another_request_is_another)
{
    static const char *const requests[] = {
        "{}", "{\"a\":1}", "{\"a\":1.0}", "{\"a\":\"1\"}", "{\"a\":null}",
        "{\"a\":true}", "{\"a\":[1]}", "{\"a\":[]}", "{\"a\":{}}",
        "{\"b\":1}", "{\"a\":1,\"b\":1}", "{\"a\":[1,2]}", "{\"a\":[2,1]}",
        "{\"a\":{\"token\":\"x\"}}", "{\"a\":{\"token\":\"y\"}}",
        "{\"a\":\"x\"}", "{\"a\":\"X\"}", "{\"a\":\"x \"}"
    };
    size_t i, k;

    for (i = 0; i < COUNT(requests); i++) {
        ck_assert_uint_eq(strlen(digest(requests[i])), 64);
        for (k = 0; k < i; k++) {
            ck_assert_msg(strcmp(digest(requests[i]), digest(requests[k])),
                          "%s and %s", requests[i], requests[k]);
        }
    }
}
END_TEST

START_TEST(another_secret_gives_another_digest)
{
    const at_secret_t other = { bytes, 31 };

    ck_assert_str_ne(at_idempotency_digest(test_json("{}"), &other, pool),
                     digest("{}"));
}
END_TEST

/* The request itself is still to be read. */
START_TEST(the_request_is_left_as_it_is)
{
    at_json_t *root = test_json("{\"token\":\"t\",\"b\":1,\"a\":[{\"z\":1,"
                                "\"y\":2}]}");

    ck_assert_ptr_nonnull(at_idempotency_digest(root, &secret, pool));
    ck_assert_str_eq(APR_ARRAY_IDX(root->members, 0,
                                   at_json_member_t).name, "token");
    ck_assert_str_eq(APR_ARRAY_IDX(root->members, 1,
                                   at_json_member_t).name, "b");
    ck_assert_int_eq(root->members->nelts, 3);
}
END_TEST

int main(void)
{
    TCase *tests = test_begin("test_idempotency");

    tcase_add_test(tests, a_key_is_1_to_255_visible_ascii_characters);
    tcase_add_test(tests, without_a_secret_no_key_is_taken);
    tcase_add_test(tests, a_key_and_its_quoted_string_are_one);
    tcase_add_test(tests, quotes_and_escapes_do_not_count);
    tcase_add_test(tests, the_same_request_in_another_form_is_the_same);
    tcase_add_test(tests, another_request_is_another);
    tcase_add_test(tests, another_secret_gives_another_digest);
    tcase_add_test(tests, the_request_is_left_as_it_is);
    return test_end(tests);
}
