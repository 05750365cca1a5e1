/* SPDX-License-Identifier: Apache-2.0 */
/*
 * RFC 3629 for UTF-8; Unicode's White_Space and general categories; the
 * contract's section 3 for what counts as a letter; HTML's "valid e-mail
 * address" for e-mail.
 */
#include "test_support.h"

#include <string.h>

#include "at_text.h"

#define LAST_CODE_POINT 0x10FFFF

/* Code point CHARACTER in UTF-8, or as UTF-8 would have it; NUL at the end. */
static const char *encode(unsigned int character)
{
    static char text[5];
    char *to = text;

    if (character < 0x80) {
        *to++ = (char)character;
    }
    else if (character < 0x800) {
        *to++ = (char)(0xC0 | character >> 6);
        *to++ = (char)(0x80 | (character & 0x3F));
    }
    else if (character < 0x10000) {
        *to++ = (char)(0xE0 | character >> 12);
        *to++ = (char)(0x80 | (character >> 6 & 0x3F));
        *to++ = (char)(0x80 | (character & 0x3F));
    }
    else {
        *to++ = (char)(0xF0 | character >> 18);
        *to++ = (char)(0x80 | (character >> 12 & 0x3F));
        *to++ = (char)(0x80 | (character >> 6 & 0x3F));
        *to++ = (char)(0x80 | (character & 0x3F));
    }
    *to = '\0';
    return text;
}

/* What at_utf8_feed says of the LENGTH bytes of TEXT. */
static at_utf8_e feed(const char *text, apr_size_t length)
{
    at_utf8_t state;
    apr_size_t i;
    at_utf8_e result = AT_UTF8_COMPLETE;

    memset(&state, 0, sizeof(state));
    for (i = 0; i < length && result != AT_UTF8_INVALID; i++) {
        result = at_utf8_feed(&state, (unsigned char)text[i]);
    }
    return result;
}

START_TEST(every_code_point_but_the_surrogates_is_utf8)
{
    unsigned int character;

    for (character = 0; character <= LAST_CODE_POINT; character++) {
        const char *text = encode(character);
        apr_size_t length = character ? strlen(text) : 1;
        int is_surrogate = character >= 0xD800 && character <= 0xDFFF;

        expect(feed(text, length) == (is_surrogate ? AT_UTF8_INVALID
                                                 : AT_UTF8_COMPLETE), "U+%04X",
               character);
        if (length > 1 && !is_surrogate) {
            expect(feed(text, length - 1) == AT_UTF8_PARTIAL,
                   "U+%04X without its last byte", character);
        }
    }
}
END_TEST

/* Of all pairs of bytes, exactly these are a character or begin one. */
START_TEST(every_pair_of_bytes_is_judged_correctly)
{
    unsigned int first, second;

    for (first = 0x80; first <= 0xFF; first++) {
        for (second = 0; second <= 0xFF; second++) {
            const char text[2] = { (char)first, (char)second };
            int continues = second >= 0x80 && second <= 0xBF;
            at_utf8_e expected = AT_UTF8_INVALID;

            if (continues && first >= 0xC2 && first <= 0xDF) {
                expected = AT_UTF8_COMPLETE;
            }
            else if (continues && first >= 0xE0 && first <= 0xEF) {
                expected = (first == 0xE0 && second < 0xA0)
                           || (first == 0xED && second > 0x9F)
                           ? AT_UTF8_INVALID : AT_UTF8_PARTIAL;
            }
            else if (continues && first >= 0xF0 && first <= 0xF4) {
                expected = (first == 0xF0 && second < 0x90)
                           || (first == 0xF4 && second > 0x8F)
                           ? AT_UTF8_INVALID : AT_UTF8_PARTIAL;
            }
            expect(feed(text, 2) == expected, "%02X %02X", first, second);
        }
    }
}
END_TEST

START_TEST(what_is_not_utf8_is_refused)
{
    static const char *const wrong[] = {
        "\x80", "\xBF", "\xC0\x80", "\xC1\xBF", "\xE0\x80\x80",
        "\xE0\x9F\xBF", "\xED\xA0\x80", "\xED\xBF\xBF", "\xF0\x80\x80\x80",
        "\xF0\x8F\xBF\xBF", "\xF4\x90\x80\x80", "\xF5\x80\x80\x80",
        "\xF8\x88\x80\x80\x80", "\xFE", "\xFF", "\xC3(", "\xE2\x82(",
        "\xF0\x9F\x98(", "\xE2(\xA1", "\xF0(\x8C\xBC", "a\xFF"
    };
    size_t i;

    for (i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        ck_assert_msg(feed(wrong[i], strlen(wrong[i]))
                      == AT_UTF8_INVALID, "case %u",
                      (unsigned int)i);
    }
}
END_TEST

/* A character in the middle keeps no trace of the one before. */
START_TEST(the_state_is_clean_after_each_character)
{
    static const char text[] = "\xE0\xA0\x80\xE1\x80\x80\xED\x9F\xBF"
                               "\xEE\x80\x80\xF0\x90\x80\x80\xF1\x80\x80\x80"
                               "\xF4\x8F\xBF\xBF\xC2\x80z";

    ck_assert_int_eq(feed(text, sizeof(text) - 1), AT_UTF8_COMPLETE);
}
END_TEST

START_TEST(valid_text_is_not_copied)
{
    const char *text = "a\xC3\xA9\xF0\x9F\x98\x80";
    apr_size_t length = strlen(text);

    ck_assert_ptr_eq(at_utf8_repair(pool, text, &length), text);
    ck_assert_uint_eq(length, 7);
    length = 0;
    ck_assert_ptr_eq(at_utf8_repair(pool, text, &length), text);
}
END_TEST

START_TEST(bytes_that_are_not_utf8_are_replaced)
{
    static const struct {
        const char *text, *repaired;
    } cases[] = {
        { "\xFF", "\xEF\xBF\xBD" },
        { "a\xFFz", "a\xEF\xBF\xBDz" },
        { "\xC3\xA9\x80\xC3\xA9", "\xC3\xA9\xEF\xBF\xBD\xC3\xA9" },
        { "caf\xE9", "caf\xEF\xBF\xBD" },
        { "\xFF\xFF", "\xEF\xBF\xBD\xEF\xBF\xBD" }
    };
    size_t i;

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        apr_size_t length = strlen(cases[i].text);
        const char *repaired = at_utf8_repair(pool, cases[i].text, &length);

        ck_assert_str_eq(repaired, cases[i].repaired);
        ck_assert_uint_eq(length, strlen(cases[i].repaired));
    }
}
END_TEST

START_TEST(what_was_repaired_is_utf8_whatever_it_was)
{
    apr_uint64_t seed = 1;
    int i;

    for (i = 0; i < test_rounds(20000); i++) {
        char text[24];
        apr_size_t length = test_random(&seed) % sizeof(text), k;
        apr_size_t before = length;
        const char *repaired;
        apr_pool_t *scratch;

        apr_pool_create(&scratch, pool);
        for (k = 0; k < length; k++) {
            /* Mostly lead and continuation bytes. */
            apr_uint64_t random = test_random(&seed);

            text[k] = (char)(random % 4 ? random >> 8 | 0x80 : random >> 8);
        }
        repaired = at_utf8_repair(scratch, text, &length);
        expect(feed(repaired, length) == AT_UTF8_COMPLETE, "round %d", i);
        expect(length <= 3 * before, "round %d", i);
        apr_pool_destroy(scratch);
    }
}
END_TEST

START_TEST(length_is_counted_in_code_points)
{
    ck_assert_uint_eq(at_text_length(""), 0);
    ck_assert_uint_eq(at_text_length("abc"), 3);
    ck_assert_uint_eq(at_text_length("\xC3\xBC\xE6\xBC\xA2\xF0\x9F\x98\x80"),
                      3);
    /* e and a combining accent; a woman, a joiner, a rocket */
    ck_assert_uint_eq(at_text_length("e\xCC\x81"), 2);
    ck_assert_uint_eq(at_text_length("\xF0\x9F\x91\xA9\xE2\x80\x8D"
                                     "\xF0\x9F\x9A\x80"), 3);
}
END_TEST

START_TEST(control_characters_are_c0_del_and_c1)
{
    unsigned int character;

    for (character = 1; character <= 0x3000; character++) {
        int is_control = character < 0x20
                         || (character >= 0x7F && character <= 0x9F);
        const char *text = apr_pstrcat(pool, "a", encode(character), "z",
                                       (char *)NULL);

        if (character >= 0xD800 && character <= 0xDFFF) {
            continue;
        }
        expect(!at_text_has_control(text) == !is_control, "U+%04X",
               character);
    }
    ck_assert(!at_text_has_control(""));
    ck_assert(!at_text_has_control("\xF3\xA0\x80\x81"));     /* Cf */
}
END_TEST

static int is_white_space(unsigned int character)
{
    /* PropList.txt, White_Space */
    return (character >= 0x09 && character <= 0x0D) || character == 0x20
           || character == 0x85 || character == 0xA0 || character == 0x1680
           || (character >= 0x2000 && character <= 0x200A)
           || character == 0x2028 || character == 0x2029
           || character == 0x202F || character == 0x205F
           || character == 0x3000;
}

START_TEST(outer_white_space_is_found_and_inner_is_not)
{
    unsigned int character;

    for (character = 1; character <= 0xFFFF; character++) {
        const char *space = encode(character);
        char before[16], behind[16], inside[16];

        if (character >= 0xD800 && character <= 0xDFFF) {
            continue;
        }
        apr_snprintf(before, sizeof(before), "%sa", space);
        apr_snprintf(behind, sizeof(behind), "a%s", space);
        apr_snprintf(inside, sizeof(inside), "a%sz", space);
        expect(!at_text_has_outer_space(before)
               == !is_white_space(character), "U+%04X before", character);
        expect(!at_text_has_outer_space(behind)
               == !is_white_space(character), "U+%04X behind", character);
        expect(!at_text_has_outer_space(inside), "U+%04X inside", character);
    }
    ck_assert(!at_text_has_outer_space(""));
    ck_assert(at_text_has_outer_space(" "));
    ck_assert(at_text_has_outer_space("\xE3\x80\x80"));
}
END_TEST

START_TEST(characters_are_counted_by_kind)
{
    static const struct {
        const char *text;
        apr_size_t characters, letters, digits, special;
    } cases[] = {
        { "", 0, 0, 0, 0 },
        { "azAZ09", 6, 4, 2, 0 },
        { "@[`{/:", 6, 0, 0, 6 },                  /* beside the ranges */
        { "a b_c-9", 7, 3, 1, 3 },
        { "\xC3\xA9\xC3\x9F\xCE\xBB\xE6\xBC\xA2", 4, 4, 0, 0 },
        { "\xC2\xAA\xCA\xB0\xD7\x90", 3, 3, 0, 0 }, /* Lo, Lm, Lo */
        { "\xF0\x90\x90\x80", 1, 1, 0, 0 },         /* Deseret */
        { "e\xCC\x81", 2, 1, 0, 1 },                /* a combining mark */
        { "\xD9\xA3\xEF\xBC\x91", 2, 0, 0, 2 },     /* other digits */
        { "\xE2\x85\xA7\xC2\xB2", 2, 0, 0, 2 },     /* VIII, squared */
        { "\xF0\x9F\x98\x80\xE2\x82\xAC", 2, 0, 0, 2 }
    };
    size_t i;

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        at_text_counts_t counts;

        memset(&counts, 0xFF, sizeof(counts));
        at_text_count(&counts, cases[i].text);
        ck_assert_uint_eq(counts.characters, cases[i].characters);
        ck_assert_uint_eq(counts.letters, cases[i].letters);
        ck_assert_uint_eq(counts.digits, cases[i].digits);
        ck_assert_uint_eq(counts.special, cases[i].special);
    }
}
END_TEST

START_TEST(digits_are_ascii_and_at_least_one)
{
    static const char *const no[] = {
        "", "a", "1a", "a1", "1 ", " 1", "+1", "-1", "1.0", "/", ":",
        "\xD9\xA3", "1\xD9\xA3"
    };
    size_t i;

    ck_assert(at_text_is_digits("0"));
    ck_assert(at_text_is_digits("0123456789"));
    for (i = 0; i < sizeof(no) / sizeof(no[0]); i++) {
        ck_assert_msg(!at_text_is_digits(no[i]), "\"%s\"", no[i]);
    }
}
END_TEST

#define LABEL_63 "aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeee" \
                 "ffffffffffggg"

START_TEST(e_mail_addresses_are_those_of_html)
{
    static const char *const yes[] = {
        "a@b", "a@b.c", "eleni@example.com", "a.b+c@d-e.f1", "a.b.c@d",
        "1@2", "-@b", "!#$%&'*+/=?^_`{|}~-@b",
        "A@B.C", "a@b--c", "a@" LABEL_63, "a@b." LABEL_63 ".c",
        "\xCE\xBB@b", "a@\xC3\xBC.de", "\xF0\x9F\x98\x80@b"
    };
    static const char *const no[] = {
        "", "a", "@", "@b", "a@", "a..b@c", ".a@b", "a.@b", ".@b", "..@b",
        ".a@example.com", "a..b@example.com", "a.b..c@d", "a@b@c", "a@@b", "a@-b", "a@b-",
        "a@b.-c", "a@b-.c", "a@b..c", "a@.b", "a@b.", "a b@c", "a@b c",
        " a@b", "a@b ", "a@b_c", "a@b!", "(a)@b", "a,b@c", "a;b@c",
        "a:b@c", "<a@b>", "a[@b", "\"a\"@b", "a\\@b", "a@b/c",
        "a@" LABEL_63 "x", "a@b." LABEL_63 "x", "a@[127.0.0.1]", "a\n@b"
    };
    size_t i;

    for (i = 0; i < sizeof(yes) / sizeof(yes[0]); i++) {
        ck_assert_msg(at_text_is_email(yes[i]), "\"%s\" is one", yes[i]);
    }
    for (i = 0; i < sizeof(no) / sizeof(no[0]); i++) {
        ck_assert_msg(!at_text_is_email(no[i]), "\"%s\" is none", no[i]);
    }
}
END_TEST

START_TEST(each_ascii_character_is_judged_in_an_e_mail_address)
{
    int character;

    for (character = 1; character < 0x80; character++) {
        int is_alphanumeric = (character >= '0' && character <= '9')
                              || (character >= 'A' && character <= 'Z')
                              || (character >= 'a' && character <= 'z');
        int in_name = is_alphanumeric
                      || strchr(".!#$%&'*+/=?^_`{|}~-", character);
        int in_domain = is_alphanumeric || strchr("-.", character);
        const char *name = apr_psprintf(pool, "a%cz@b", character);
        const char *domain = apr_psprintf(pool, "b@a%cz", character);

        ck_assert_msg(!at_text_is_email(name) == !in_name, "%s", name);
        ck_assert_msg(!at_text_is_email(domain) == !in_domain, "%s",
                      domain);
    }
}
END_TEST

/* Each byte in each place of texts of all lengths about a word's, beside
 * plain bytes of all kinds. */
START_TEST(plain_text_ends_where_json_would_escape)
{
    static const char plain[] = " !#$%&'()*+,-./0AZ[]^_`az{|}~\x7F";
    char text[40] = "";
    apr_size_t length, place, i;
    int byte;

    for (length = 0; length < 33; length++) {
        for (i = 0; i < length; i++) {
            text[i] = plain[(i * 7 + length) % (sizeof(plain) - 1)];
        }
        ck_assert_uint_eq(at_text_plain_length(text, length), length);
        for (place = 0; place < length; place++) {
            char was = text[place];

            for (byte = 0; byte < 256; byte++) {
                int is_plain = byte >= 0x20 && byte < 0x80 && byte != 0x22
                               && byte != 0x5C;

                text[place] = (char)byte;
                ck_assert_uint_eq(at_text_plain_length(text, length),
                                  is_plain ? length : place);
            }
            text[place] = was;
        }
    }
}
END_TEST

START_TEST(a_text_is_quoted_to_its_hundredth_character)
{
    static const char *const characters[] = { "a", "\xC3\xA9",
                                              "\xF0\x9F\x98\x80" };
    size_t i;
    int k;

    for (i = 0; i < 3; i++) {
        const char *text = "";

        for (k = 0; k <= 101; k++) {
            const char *quoted = at_text_quoted(pool, text);

            if (k <= 100) {
                ck_assert_ptr_eq(quoted, text);
            }
            else {
                ck_assert_uint_eq(at_text_length(quoted), 103);
                ck_assert_str_eq(quoted + strlen(quoted) - 3, "...");
                ck_assert(!strncmp(quoted, text, strlen(quoted) - 3));
            }
            text = apr_pstrcat(pool, text, characters[i], (char *)NULL);
        }
    }
}
END_TEST

int main(void)
{
    TCase *tests = test_begin("test_text");

    tcase_add_test(tests, every_code_point_but_the_surrogates_is_utf8);
    tcase_add_test(tests, every_pair_of_bytes_is_judged_correctly);
    tcase_add_test(tests, what_is_not_utf8_is_refused);
    tcase_add_test(tests, the_state_is_clean_after_each_character);
    tcase_add_test(tests, valid_text_is_not_copied);
    tcase_add_test(tests, bytes_that_are_not_utf8_are_replaced);
    tcase_add_test(tests, what_was_repaired_is_utf8_whatever_it_was);
    tcase_add_test(tests, length_is_counted_in_code_points);
    tcase_add_test(tests, control_characters_are_c0_del_and_c1);
    tcase_add_test(tests, outer_white_space_is_found_and_inner_is_not);
    tcase_add_test(tests, characters_are_counted_by_kind);
    tcase_add_test(tests, digits_are_ascii_and_at_least_one);
    tcase_add_test(tests, e_mail_addresses_are_those_of_html);
    tcase_add_test(tests,
                   each_ascii_character_is_judged_in_an_e_mail_address);
    tcase_add_test(tests, plain_text_ends_where_json_would_escape);
    tcase_add_test(tests, a_text_is_quoted_to_its_hundredth_character);
    return test_end(tests);
}
