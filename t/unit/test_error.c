/* SPDX-License-Identifier: Apache-2.0 */
/* Contract, section 5: the table of codes; RFC 6901: pointers. */
#include "test_support.h"

#include <string.h>

#include "at_error.h"

static const struct {
    at_code_e code;
    const char *name;
    int http_status;
    int may_be_200;
} codes[] = {
    { AT_OK, "OK", 200, 0 },
    { AT_INVALID_JSON, "INVALID_JSON", 400, 1 },
    { AT_INVALID_REQUEST, "INVALID_REQUEST", 400, 1 },
    { AT_INVALID_TOKEN, "INVALID_TOKEN", 401, 1 },
    { AT_FORBIDDEN, "FORBIDDEN", 403, 1 },
    { AT_ACCESS_TOKEN_NOT_FOUND, "ACCESS_TOKEN_NOT_FOUND", 404, 1 },
    { AT_METHOD_NOT_ALLOWED, "METHOD_NOT_ALLOWED", 405, 0 },
    { AT_DUPLICATE_VALUE, "DUPLICATE_VALUE", 409, 1 },
    { AT_VERSION_CONFLICT, "VERSION_CONFLICT", 409, 1 },
    { AT_PRECONDITION_FAILED, "PRECONDITION_FAILED", 412, 1 },
    { AT_REQUEST_TOO_LARGE, "REQUEST_TOO_LARGE", 413, 0 },
    { AT_UNSUPPORTED_MEDIA_TYPE, "UNSUPPORTED_MEDIA_TYPE", 415, 0 },
    { AT_VALIDATION_FAILED, "VALIDATION_FAILED", 422, 1 },
    { AT_IDEMPOTENCY_KEY_REUSED, "IDEMPOTENCY_KEY_REUSED", 422, 1 },
    { AT_INTERNAL_ERROR, "INTERNAL_ERROR", 500, 0 },
    { AT_SERVICE_UNAVAILABLE, "SERVICE_UNAVAILABLE", 503, 0 }
};

START_TEST(each_code_has_the_name_and_status_of_the_contract)
{
    size_t i;

    for (i = 0; i < sizeof(codes) / sizeof(codes[0]); i++) {
        at_code_e code = codes[i].code;

        ck_assert_str_eq(at_code_name(code), codes[i].name);
        ck_assert_int_eq(at_code_http_status(code), codes[i].http_status);
        ck_assert_msg(!at_code_may_be_200(code) == !codes[i].may_be_200,
                      "%s in HTTP-200 mode", codes[i].name);
        ck_assert_msg((*at_code_message(code) == '\0') == (code == AT_OK),
                      "the message of %s", codes[i].name);
    }
}
END_TEST

START_TEST(each_violation_has_the_name_of_the_contract)
{
    static const struct {
        at_violation_e code;
        const char *name;
    } violations[] = {
        { AT_VIOLATION_MANDATORY, "MANDATORY" },
        { AT_VIOLATION_EXACTLY_ONE_OF, "EXACTLY_ONE_OF" },
        { AT_VIOLATION_INVALID_TYPE, "INVALID_TYPE" },
        { AT_VIOLATION_INVALID_FORMAT, "INVALID_FORMAT" },
        { AT_VIOLATION_OUT_OF_RANGE, "OUT_OF_RANGE" },
        { AT_VIOLATION_TOO_LONG, "TOO_LONG" },
        { AT_VIOLATION_TOO_SHORT, "TOO_SHORT" },
        { AT_VIOLATION_TOO_FEW_LETTERS, "TOO_FEW_LETTERS" },
        { AT_VIOLATION_TOO_FEW_DIGITS, "TOO_FEW_DIGITS" },
        { AT_VIOLATION_TOO_FEW_SPECIAL, "TOO_FEW_SPECIAL" },
        { AT_VIOLATION_UNKNOWN_PARAMETER, "UNKNOWN_PARAMETER" },
        { AT_VIOLATION_UNKNOWN_FIELD, "UNKNOWN_FIELD" },
        { AT_VIOLATION_UNKNOWN_CUSTOM_FIELD, "UNKNOWN_CUSTOM_FIELD" },
        { AT_VIOLATION_DUPLICATE_VALUE, "DUPLICATE_VALUE" }
    };
    size_t i;

    for (i = 0; i < sizeof(violations) / sizeof(violations[0]); i++) {
        ck_assert_str_eq(at_violation_name(violations[i].code),
                         violations[i].name);
    }
}
END_TEST

START_TEST(an_error_is_described_by_its_format)
{
    at_error_t *error = at_error_make(pool, AT_FORBIDDEN, "%s at %d%%",
                                      "this", 100);

    ck_assert_int_eq((int)error->code, AT_FORBIDDEN);
    ck_assert_str_eq(error->description, "this at 100%");
    ck_assert_ptr_null(error->violations);
    ck_assert_ptr_null(at_error_detail(error));
}
END_TEST

START_TEST(a_detail_is_kept_from_the_caller)
{
    at_error_t *internal = at_error_hidden(pool, AT_INTERNAL_ERROR,
                                           "table secret");
    at_error_t *unavailable = at_error_hidden(pool, AT_SERVICE_UNAVAILABLE,
                                              "host secret");

    ck_assert_int_eq((int)internal->code, AT_INTERNAL_ERROR);
    ck_assert_int_eq((int)unavailable->code, AT_SERVICE_UNAVAILABLE);
    ck_assert_str_eq(internal->detail, "table secret");
    ck_assert_str_eq(unavailable->detail, "host secret");
    ck_assert(*internal->description && *unavailable->description);
    ck_assert_str_ne(internal->description, unavailable->description);
    ck_assert(!has(internal->description, "secret"));
    ck_assert(!has(unavailable->description, "secret"));
}
END_TEST

START_TEST(an_error_of_a_fault_has_its_detail_for_the_log_only)
{
    const at_fault_t *fault = at_fault_make(pool, AT_STORE_BROKEN,
                                            AT_FAULT_BROKEN, "%s secret",
                                            "table");
    at_error_t *error = at_error_fault(pool, AT_INTERNAL_ERROR, fault);

    ck_assert_ptr_eq(error->fault, fault);
    ck_assert_str_eq(at_error_detail(error), "table secret");
    ck_assert(!has(error->description, "secret"));
    ck_assert_str_eq(error->description,
                     at_error_hidden(pool, AT_INTERNAL_ERROR, "x")
                     ->description);
}
END_TEST

/* The memory of the first fault is used again for other text. */
START_TEST(a_copy_of_a_fault_needs_nothing_of_the_first)
{
    char text[] = "detail";
    at_fault_t fault = { AT_STORE_RETRY, AT_FAULT_PLACE, text, 0, 1 };
    const at_fault_t *copy = at_fault_copy(pool, &fault);

    memset(text, 'x', sizeof(text) - 1);
    memset(&fault, 0, sizeof(fault));
    ck_assert_int_eq(copy->outcome, AT_STORE_RETRY);
    ck_assert_int_eq(copy->kind, AT_FAULT_PLACE);
    ck_assert_str_eq(copy->detail, "detail");
    ck_assert_int_eq(copy->timed_out, 1);
    ck_assert_ptr_null(at_fault_copy(pool, NULL));
    fault.outcome = AT_STORE_LOST_RACE;
    ck_assert_ptr_null(at_fault_copy(pool, &fault)->detail);
}
END_TEST

START_TEST(the_detail_of_an_error_is_formatted)
{
    at_error_t *error = at_error_config(pool, "%s:%d: secret", "save.sql", 7);
    at_error_t *hidden = at_error_hidden(pool, AT_INTERNAL_ERROR, "x");

    ck_assert_int_eq((int)error->code, AT_INTERNAL_ERROR);
    ck_assert_str_eq(error->detail, "save.sql:7: secret");
    ck_assert_str_eq(error->description, hidden->description);
}
END_TEST

START_TEST(no_violations_are_no_error)
{
    ck_assert_ptr_null(at_error_violations(pool, at_violations_make(pool)));
}
END_TEST

START_TEST(all_violations_come_at_once_in_their_order)
{
    at_violations_t *violations = at_violations_make(pool);
    at_error_t *error;
    int i;

    for (i = 0; i < 20; i++) {
        at_violations_add(violations, at_pointer_element(pool, "/a", i),
                          AT_VIOLATION_TOO_LONG, "At most %d.", i);
    }
    error = at_error_violations(pool, violations);
    ck_assert_int_eq((int)error->code, AT_VALIDATION_FAILED);
    ck_assert(*error->description);
    ck_assert_int_eq(error->violations->nelts, 20);
    for (i = 0; i < 20; i++) {
        at_violation_t *violation = &APR_ARRAY_IDX(error->violations, i,
                                                   at_violation_t);

        ck_assert_str_eq(violation->pointer,
                         apr_psprintf(pool, "/a/%d", i));
        ck_assert_str_eq(violation->message,
                         apr_psprintf(pool, "At most %d.", i));
    }
}
END_TEST

START_TEST(what_is_equal_comes_once)
{
    at_violations_t *violations = at_violations_make(pool);
    int i;

    for (i = 0; i < 3; i++) {
        at_violations_add(violations, apr_pstrdup(pool, "/a"),
                          AT_VIOLATION_TOO_LONG, "At most %d.", 7);
        at_violations_add(violations, "/b", AT_VIOLATION_TOO_LONG,
                          "At most %d.", 7);
        at_violations_add(violations, "/a", AT_VIOLATION_TOO_SHORT,
                          "At most %d.", 7);
        at_violations_add(violations, "/a", AT_VIOLATION_TOO_LONG,
                          "At most %d.", 8);
    }
    ck_assert_str_eq(test_violations(violations->list),
                     "TOO_LONG /a, TOO_LONG /b, TOO_SHORT /a, TOO_LONG /a");
    ck_assert_int_eq(at_violations_count(violations), 4);
    ck_assert_str_eq(at_error_violations(pool, violations)->description,
                     "4 things are wrong: see errors.");
}
END_TEST

START_TEST(a_hundred_come_and_the_number_of_the_others)
{
    at_violations_t *violations = at_violations_make(pool);
    at_error_t *error;
    int i;

    for (i = 0; i < 1000; i++) {
        ck_assert_int_eq(at_violations_are_full(violations), i >= 100);
        ck_assert_int_eq(at_violations_count(violations), i);
        at_violations_add(violations, i < 100
                          ? at_pointer_element(pool, "/a", i) : NULL,
                          AT_VIOLATION_TOO_LONG, "At most %d.", i);
        error = at_error_violations(pool, violations);
        if (i == 0 || i == 99) {
            ck_assert_str_eq(error->description, i == 0
                             ? "1 thing is wrong: see errors."
                             : "100 things are wrong: see errors.");
        }
    }
    ck_assert_int_eq(error->violations->nelts, 100);
    ck_assert_str_eq(APR_ARRAY_IDX(error->violations, 99,
                                   at_violation_t).pointer, "/a/99");
    ck_assert_str_eq(error->description,
                     "100 things are wrong: see errors, and 900 more.");
}
END_TEST

START_TEST(pointers_escape_as_rfc_6901_says)
{
    static const struct {
        const char *base, *name, *pointer;
    } cases[] = {
        { "", "foo", "/foo" },
        { "", "", "/" },
        { "", "a/b", "/a~1b" },
        { "", "m~n", "/m~0n" },
        { "", "~1", "/~01" },
        { "", "/~/~", "/~1~0~1~0" },
        { "", " ", "/ " },
        { "", "c%d", "/c%d" },
        { "/a~1b", "c", "/a~1b/c" },
        { "/x", "\xCE\xA9", "/x/\xCE\xA9" }
    };
    size_t i;

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        ck_assert_str_eq(at_pointer_member(pool, cases[i].base,
                                           cases[i].name),
                         cases[i].pointer);
    }
    ck_assert_str_eq(at_pointer_element(pool, "", 0), "/0");
    ck_assert_str_eq(at_pointer_element(pool, "/a", 12), "/a/12");
}
END_TEST

static int steps;

static at_error_t *try_both(at_error_t *first)
{
    AT_TRY(first);
    steps++;
    return NULL;
}

START_TEST(try_leaves_the_function_with_an_error)
{
    at_error_t *error = at_error_make(pool, AT_FORBIDDEN, "no");

    steps = 0;
    ck_assert_ptr_eq(try_both(error), error);
    ck_assert_int_eq(steps, 0);
    ck_assert_ptr_null(try_both(NULL));
    ck_assert_int_eq(steps, 1);
}
END_TEST

int main(void)
{
    TCase *tests = test_begin("test_error");

    tcase_add_test(tests, each_code_has_the_name_and_status_of_the_contract);
    tcase_add_test(tests, each_violation_has_the_name_of_the_contract);
    tcase_add_test(tests, an_error_is_described_by_its_format);
    tcase_add_test(tests, a_detail_is_kept_from_the_caller);
    tcase_add_test(tests,
                   an_error_of_a_fault_has_its_detail_for_the_log_only);
    tcase_add_test(tests, a_copy_of_a_fault_needs_nothing_of_the_first);
    tcase_add_test(tests, the_detail_of_an_error_is_formatted);
    tcase_add_test(tests, no_violations_are_no_error);
    tcase_add_test(tests, all_violations_come_at_once_in_their_order);
    tcase_add_test(tests, what_is_equal_comes_once);
    tcase_add_test(tests, a_hundred_come_and_the_number_of_the_others);
    tcase_add_test(tests, pointers_escape_as_rfc_6901_says);
    tcase_add_test(tests, try_leaves_the_function_with_an_error);
    return test_end(tests);
}
