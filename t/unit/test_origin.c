/* SPDX-License-Identifier: Apache-2.0 */
/* RFC 6454, 6.2 (the form of an origin); Fetch Metadata, 2.3. */
#include "test_support.h"

#include <string.h>

#include "at_origin.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

START_TEST(an_origin_has_one_form)
{
    static const struct { const char *text, *origin; } cases[] = {
        { "https://crm.example.com", "https://crm.example.com" },
        { "HTTPS://CRM.Example.com", "https://crm.example.com" },
        { "https://crm.example.com:443", "https://crm.example.com" },
        { "http://crm.example.com:80", "http://crm.example.com" },
        { "https://crm.example.com:80", "https://crm.example.com:80" },
        { "http://crm.example.com:443", "http://crm.example.com:443" },
        { "http://localhost:8080", "http://localhost:8080" },
        { "http://192.0.2.1", "http://192.0.2.1" },
        { "https://[2001:DB8::1]", "https://[2001:db8::1]" },
        { "https://[2001:db8::1]:443", "https://[2001:db8::1]" },
        { "https://[2001:db8::1]:8443", "https://[2001:db8::1]:8443" },
        { "https://xn--bcher-kva.example", "https://xn--bcher-kva.example" },
        { "https://under_score.example", "https://under_score.example" },
        { "chrome-extension://abcdef", "chrome-extension://abcdef" }
    };
    static const char *const none[] = {
        "", "null", "*", "https", "https:", "https://", "://host", "//host",
        "host", "1https://host", "ht tp://host", "https://host/",
        "https://host?x", "https://host#x", "https://user@host",
        "https://host:", "https://host:x", "https://host:8o",
        "https://host:123456", "https://host:-1", "https://a:1:2",
        "https://a b", "https://a,https://b", "https://a https://b",
        " https://a", "https://a ", "https://*.example.com",
        "https://b\xc3\xbc\x63her.example", "https://[::1", "https://::1",
        "https://[]", "https://[::1]x", "https://[::1]:x", "https://a%2f",
        "https://:443", "https://a\x7f"
    };
    size_t i;

    for (i = 0; i < COUNT(cases); i++) {
        const char *origin = at_origin_read(cases[i].text, pool);

        ck_assert_msg(origin && !strcmp(origin, cases[i].origin), "%s",
                      cases[i].text);
    }
    for (i = 0; i < COUNT(none); i++) {
        ck_assert_msg(!at_origin_read(none[i], pool), "%s", none[i]);
    }
}
END_TEST

static int is_foreign(const char *origin, const char *fetch_site,
                      const char *host, int is_https)
{
    const at_origin_t request = { origin, fetch_site, host, is_https };
    apr_array_header_t *trusted = apr_array_make(pool, 2,
                                                 sizeof(const char *));

    APR_ARRAY_PUSH(trusted, const char *) = "https://other.example";
    APR_ARRAY_PUSH(trusted, const char *) = "https://crm.example:8443";
    return at_origin_is_foreign(&request, trusted, pool);
}

typedef struct {
    const char *origin, *fetch_site, *host;
    int is_https, foreign;
} origin_case_t;

static void check(const origin_case_t *cases, size_t count)
{
    size_t i;

    for (i = 0; i < count; i++) {
        ck_assert_msg(is_foreign(cases[i].origin, cases[i].fetch_site,
                                 cases[i].host, cases[i].is_https)
                      == cases[i].foreign, "%d: %s, %s at %s", (int)i,
                      cases[i].origin, cases[i].fetch_site, cases[i].host);
    }
}
#define CHECK(cases) check(cases, COUNT(cases))

START_TEST(a_program_that_is_no_browser_is_not_foreign)
{
    static const origin_case_t cases[] = {
        { NULL, NULL, "api.example", 1, 0 }, { NULL, NULL, NULL, 0, 0 }
    };

    CHECK(cases);
}
END_TEST

START_TEST(an_origin_other_than_the_host_is_foreign)
{
    static const origin_case_t cases[] = {
        { "https://api.example", NULL, "api.example", 1, 0 },
        { "https://API.example", NULL, "api.Example", 1, 0 },
        { "https://api.example:443", NULL, "api.example", 1, 0 },
        { "https://api.example", NULL, "api.example:443", 1, 0 },
        { "http://api.example:8080", NULL, "api.example:8080", 0, 0 },
        { "https://[2001:db8::1]", NULL, "[2001:DB8::1]", 1, 0 },
        /* TLS may have ended before */
        { "https://api.example", NULL, "api.example", 0, 0 },
        { "http://api.example", NULL, "api.example", 0, 0 },
        { "http://api.example", NULL, "api.example", 1, 1 },
        { "https://api.example:8443", NULL, "api.example", 1, 1 },
        { "https://api.example", NULL, "api.example:8443", 1, 1 },
        { "http://api.example", NULL, "api.example:443", 0, 1 },
        { "https://evil.example", NULL, "api.example", 1, 1 },
        { "https://api.example.evil.example", NULL, "api.example", 1, 1 },
        { "https://www.api.example", NULL, "api.example", 1, 1 },
        { "https://api.example", NULL, NULL, 1, 1 },
        { "https://api.example", NULL, "", 1, 1 },
        { "https://api.example", NULL, "api.example/x", 1, 1 },
        { "https://api.example, https://api.example", NULL, "api.example",
          1, 1 },
        { "null", NULL, "null", 1, 1 }, { "", NULL, "", 1, 1 },
        { "null", NULL, NULL, 0, 1 }
    };

    CHECK(cases);
}
END_TEST

START_TEST(a_fetch_of_another_site_is_foreign)
{
    static const origin_case_t cases[] = {
        { NULL, "same-origin", "api.example", 1, 0 },
        { NULL, "none", "api.example", 1, 0 },
        { NULL, "same-site", "api.example", 1, 1 },
        { NULL, "cross-site", "api.example", 1, 1 },
        { NULL, "Same-Origin", "api.example", 1, 1 },
        { NULL, "same-origin, same-origin", "api.example", 1, 1 },
        { NULL, "", "api.example", 1, 1 },
        { NULL, "later-invention", "api.example", 1, 1 }
    };

    CHECK(cases);
}
END_TEST

START_TEST(either_header_is_enough_to_be_foreign)
{
    static const origin_case_t cases[] = {
        { "https://api.example", "same-origin", "api.example", 1, 0 },
        { "http://api.example", "cross-site", "api.example", 0, 1 },
        { "https://evil.example", "same-origin", "api.example", 1, 1 },
        { "null", "same-origin", "api.example", 1, 1 }
    };

    CHECK(cases);
}
END_TEST

START_TEST(a_trusted_origin_is_not_foreign)
{
    static const origin_case_t cases[] = {
        { "https://other.example", NULL, "api.example", 1, 0 },
        { "https://other.example", "cross-site", "api.example", 1, 0 },
        { "https://crm.example:8443", "same-site", "api.example", 1, 0 },
        { "https://other.example:443", "cross-site", NULL, 1, 0 },
        { "http://other.example", "cross-site", "api.example", 0, 1 },
        { "https://crm.example", "cross-site", "api.example", 1, 1 }
    };

    CHECK(cases);
}
END_TEST

START_TEST(none_need_be_trusted)
{
    const at_origin_t own = { "https://a.example", "same-origin",
                              "a.example", 1 };
    const at_origin_t other = { "https://b.example", "cross-site",
                                "a.example", 1 };

    ck_assert(!at_origin_is_foreign(&own, NULL, pool));
    ck_assert(at_origin_is_foreign(&other, NULL, pool));
}
END_TEST

int main(void)
{
    TCase *tests = test_begin("test_origin");

    tcase_add_test(tests, an_origin_has_one_form);
    tcase_add_test(tests, a_program_that_is_no_browser_is_not_foreign);
    tcase_add_test(tests, an_origin_other_than_the_host_is_foreign);
    tcase_add_test(tests, a_fetch_of_another_site_is_foreign);
    tcase_add_test(tests, either_header_is_enough_to_be_foreign);
    tcase_add_test(tests, a_trusted_origin_is_not_foreign);
    tcase_add_test(tests, none_need_be_trusted);
    return test_end(tests);
}
