/* SPDX-License-Identifier: Apache-2.0 */
/* Contract, section 4; RFC 9110, 5.6.1 (lists), 8.8.3 and 13.1.1. */
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
        ck_assert(at_etag_matches(tag, tag));
    }
    ck_assert_str_ne(at_etag_make(pool, "%20", "1"),
                     at_etag_make(pool, " ", "1"));
    ck_assert_str_ne(at_etag_make(pool, "\"", "1"),
                     at_etag_make(pool, "%22", "1"));
}
END_TEST

START_TEST(if_match_matches_as_rfc_9110_says)
{
    static const char *const yes[] = {
        "*", " * ", "\"T-7\"", " \"T-7\"", "\"T-7\" ", "\"x\", \"T-7\"",
        "\"x\",\"T-7\"", "\"T-7\", \"x\"", "W/\"T-7\", \"T-7\"",
        "\"a,b\", \"T-7\"", "\"\", \"T-7\"", "\"x\" , \"T-7\"",
        "\"x\",\t\"T-7\"", "\"T-7-gzip\"", "\"T-7-br\"",
        "\"x\", \"T-7-gzip\"",
        /* empty elements of a list are to be passed over */
        ", \"T-7\"", "\"x\",, \"T-7\"", "\"T-7\","
    };
    static const char *const no[] = {
        "", " ", ",", "\"T-8\"", "\"T-70\"", "\"T-\"", "\"T\"", "\"t-7\"",
        "T-7", "W/\"T-7\"", "W/\"T-7-gzip\"", "w/\"T-7\"", "\"T-7",
        "T-7\"", "'T-7'", "\" T-7\"", "\"T-7 \"", "\"x T-7\"",
        "\"x\" T-7", "\"-gzip\"", "\"T-7-gzip-gzip\"", "\"T-7-zstd\"",
        "\"T-7gzip\"", "\"T-7-GZIP\"", "\"*\"", "\"x\", *x", "**", "*x"
    };
    size_t i;

    for (i = 0; i < sizeof(yes) / sizeof(yes[0]); i++) {
        ck_assert_msg(at_etag_matches(yes[i], "\"T-7\""), "%s", yes[i]);
    }
    for (i = 0; i < sizeof(no) / sizeof(no[0]); i++) {
        ck_assert_msg(!at_etag_matches(no[i], "\"T-7\""), "%s", no[i]);
    }
}
END_TEST

int main(void)
{
    TCase *tests = test_begin("test_etag");

    tcase_add_test(tests, the_tag_is_id_and_version);
    tcase_add_test(tests, whatever_the_id_is_the_tag_is_legal);
    tcase_add_test(tests, if_match_matches_as_rfc_9110_says);
    return test_end(tests);
}
