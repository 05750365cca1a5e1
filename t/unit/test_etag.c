/* SPDX-License-Identifier: Apache-2.0 */
/* Contract, section 4; RFC 9110, 5.6.1 (lists), 8.8.3, 13.1.1 and
 * 13.1.2. */
#include "test_support.h"

#include <string.h>

#include "at_etag.h"

START_TEST(the_tag_is_id_and_version)
{
    ck_assert_str_eq(at_etag_make(pool, "CDC003FAB1204830", "7"),
                     "\"CDC003FAB1204830-7\"");
    ck_assert_str_eq(at_etag_make(pool, "", "1"), "\"-1\"");
}
END_TEST

/* RFC 9110: etagc is %x21, %x23-7E, and above; ours stays ASCII. */
START_TEST(whatever_the_id_is_the_tag_is_legal)
{
    int byte;

    for (byte = 1; byte <= 0xFF; byte++) {
        const char id[2] = { (char)byte, '\0' };
        const char *tag = at_etag_make(pool, id, "1");
        const char *inside;

        for (inside = tag + 1; inside[1]; inside++) {
            ck_assert_msg(*inside > 0x20 && *inside < 0x7F && *inside != '"',
                          "byte %02X", (unsigned int)byte);
        }
        ck_assert(tag[0] == '"' && *inside == '"');
        ck_assert_int_eq(at_etag_match(tag, tag, 0), AT_ETAG_MATCHES);
    }
    ck_assert_str_ne(at_etag_make(pool, "%20", "1"),
                     at_etag_make(pool, " ", "1"));
    ck_assert_str_ne(at_etag_make(pool, "\"", "1"),
                     at_etag_make(pool, "%22", "1"));
}
END_TEST

/* What "T-7" makes of each of LISTS, COUNT in number. */
static void check_all(at_etag_match_e expected, int weakly,
                      const char *const *lists, size_t count)
{
    size_t i;

    for (i = 0; i < count; i++) {
        ck_assert_msg(at_etag_match(lists[i], "\"T-7\"", weakly)
                      == expected, "%s, %s: not %d", lists[i],
                      weakly ? "weakly" : "strongly", (int)expected);
    }
}

#define EXPECT(result, weakly, lists) \
    check_all(result, weakly, lists, sizeof(lists) / sizeof((lists)[0]))

START_TEST(tags_are_compared_as_rfc_9110_says)
{
    static const char *const same[] = {
        "*", " * ", "\"T-7\"", " \"T-7\"", "\"T-7\" ", "\"x\", \"T-7\"",
        "\"x\",\"T-7\"", "\"T-7\", \"x\"", "W/\"T-7\", \"T-7\"",
        "\"a,b\", \"T-7\"", "\"\", \"T-7\"", "\"x\" , \"T-7\"",
        "\"x\",\t\"T-7\"", "\"T-7-gzip\"", "\"T-7-br\"",
        "\"x\", \"T-7-gzip\"", "\"\xe9\", \"T-7\"",
        /* empty elements of a list are to be passed over */
        ", \"T-7\"", "\"x\",, \"T-7\"", "\"T-7\",", "\"T-7\" , ,"
    };
    static const char *const other[] = {
        "\"T-8\"", "\"T-70\"", "\"T-\"", "\"T\"", "\"t-7\"", "\"-gzip\"",
        "\"T-7-gzip-gzip\"", "\"T-7-zstd\"", "\"T-7gzip\"",
        "\"T-7-GZIP\"", "\"*\"", "\"\"", "\"a\", W/\"b\""
    };
    static const char *const weak[] = {
        "W/\"T-7\"", "W/\"T-7-gzip\"", "\"x\", W/\"T-7\""
    };

    EXPECT(AT_ETAG_MATCHES, 0, same);
    EXPECT(AT_ETAG_MATCHES, 1, same);
    EXPECT(AT_ETAG_DIFFERS, 0, other);
    EXPECT(AT_ETAG_DIFFERS, 1, other);
    EXPECT(AT_ETAG_DIFFERS, 0, weak);
    EXPECT(AT_ETAG_MATCHES, 1, weak);
}
END_TEST

/* Where one part is wrong, the other parts are not taken. */
START_TEST(what_is_no_list_of_tags_is_malformed)
{
    static const char *const malformed[] = {
        "", " ", ",", " , ,", "T-7", "w/\"T-7\"", "\"T-7", "T-7\"", "'T-7'",
        "\" T-7\"", "\"T-7 \"", "\"x T-7\"", "\"T-7\tx\"", "\"T\x7f\"",
        "\"x\" T-7", "\"x\", *x", "**", "*x", "*, \"T-7\"", "\"T-7\", *",
        "\"x\"\"T-7\"", "\"T-7\"\"x\"", "\"T-7\" \"x\"", "\"T-7\"x",
        "\"T-7\", x", "\"T-7\", \"", "\"T-7\";\"x\"", "W/ \"T-7\"",
        "W/W/\"T-7\"", "W/", "W/,\"T-7\"", "\"T-7\" W/\"x\""
    };

    EXPECT(AT_ETAG_MALFORMED, 0, malformed);
    EXPECT(AT_ETAG_MALFORMED, 1, malformed);
}
END_TEST

int main(void)
{
    TCase *tests = test_begin("test_etag");

    tcase_add_test(tests, the_tag_is_id_and_version);
    tcase_add_test(tests, whatever_the_id_is_the_tag_is_legal);
    tcase_add_test(tests, tags_are_compared_as_rfc_9110_says);
    tcase_add_test(tests, what_is_no_list_of_tags_is_malformed);
    return test_end(tests);
}
