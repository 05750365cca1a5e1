/* SPDX-License-Identifier: Apache-2.0 */
/*
 * RFC 8264, section 9, for what nobody sees; RFC 5892, appendices A.1 and A.2,
 * for the joiners; RFC 8265, section 4.2, and UAX #15 for pass codes.
 */
#include "test_support.h"

#include <string.h>

#include "at_precis.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

#define ZWNJ "\xE2\x80\x8C"
#define ZWJ  "\xE2\x80\x8D"
#define KA     "\xE0\xA4\x95"     /* Devanagari */
#define VIRAMA "\xE0\xA5\x8D"
#define BEH   "\xD8\xA8"         /* Arabic, joins on both sides */
#define ALEF  "\xD8\xA7"         /* joins to the right alone */
#define FATHA "\xD9\x8E"         /* transparent */

static const char *encode(unsigned int character)
{
    unsigned char text[5] = { 0 };

    if (character < 0x80) {
        text[0] = (unsigned char)character;
    }
    else if (character < 0x800) {
        text[0] = (unsigned char)(0xC0 | character >> 6);
        text[1] = (unsigned char)(0x80 | (character & 63));
    }
    else if (character < 0x10000) {
        text[0] = (unsigned char)(0xE0 | character >> 12);
        text[1] = (unsigned char)(0x80 | (character >> 6 & 63));
        text[2] = (unsigned char)(0x80 | (character & 63));
    }
    else {
        text[0] = (unsigned char)(0xF0 | character >> 18);
        text[1] = (unsigned char)(0x80 | (character >> 12 & 63));
        text[2] = (unsigned char)(0x80 | (character >> 6 & 63));
        text[3] = (unsigned char)(0x80 | (character & 63));
    }
    return apr_pstrdup(pool, (const char *)text);
}

/* DerivedCoreProperties.txt, Default_Ignorable_Code_Point, and the
 * noncharacters; the joiners are another test's. */
static int is_hidden(unsigned int character)
{
    static const unsigned int ranges[][2] = {
        { 0xAD, 0xAD }, { 0x34F, 0x34F }, { 0x61C, 0x61C },
        { 0x115F, 0x1160 }, { 0x17B4, 0x17B5 }, { 0x180B, 0x180F },
        { 0x200B, 0x200F }, { 0x202A, 0x202E }, { 0x2060, 0x206F },
        { 0x3164, 0x3164 }, { 0xFDD0, 0xFDEF }, { 0xFE00, 0xFE0F },
        { 0xFEFF, 0xFEFF }, { 0xFFA0, 0xFFA0 }, { 0xFFF0, 0xFFFB },
        { 0x1BCA0, 0x1BCA3 }, { 0x1D173, 0x1D17A }, { 0xE0000, 0xE0FFF }
    };
    size_t i;

    for (i = 0; i < COUNT(ranges); i++) {
        if (character >= ranges[i][0] && character <= ranges[i][1]) {
            return 1;
        }
    }
    return (character & 0xFFFE) == 0xFFFE;
}

START_TEST(each_invisible_character_is_found)
{
    unsigned int character;

    for (character = 1; character <= 0x10FFFF; character++) {
        const char *text = apr_pstrcat(pool, "a", encode(character), "z",
                                       (char *)NULL);

        /* U+180F is ignorable since Unicode 14. */
        if ((character >= 0xD800 && character <= 0xDFFF)
            || character == 0x180F) {
            continue;
        }
        expect(!at_precis_has_hidden(text) == !is_hidden(character),
               "U+%04X", character);
        if (character % 256 == 0) {
            apr_pool_clear(pool);
        }
    }
    ck_assert(!at_precis_has_hidden(""));
    ck_assert(at_precis_has_hidden("\xEF\xBB\xBF"));
    ck_assert(at_precis_has_hidden("\xC3\xA9\xE3\x85\xA4"));
}
END_TEST

START_TEST(joiners_are_allowed_where_they_are_seen)
{
    static const char *const right[] = {
        KA VIRAMA ZWNJ KA, KA VIRAMA ZWJ KA, KA VIRAMA ZWNJ, KA VIRAMA ZWJ,
        BEH ZWNJ BEH, BEH ZWNJ ALEF, BEH FATHA ZWNJ BEH,
        BEH ZWNJ FATHA FATHA BEH, "x" BEH FATHA FATHA ZWNJ FATHA ALEF,
        BEH ZWNJ BEH ZWNJ BEH
    };
    static const char *const wrong[] = {
        ZWNJ, ZWJ, "a" ZWNJ "b", "a" ZWJ "b", ZWNJ BEH, BEH ZWNJ,
        BEH ZWNJ "a", "a" ZWNJ BEH, ALEF ZWNJ BEH, BEH ZWJ BEH,
        BEH ZWNJ ZWNJ BEH, BEH "a" ZWNJ BEH, BEH ZWNJ "a" BEH,
        KA ZWNJ KA, KA ZWJ KA, KA VIRAMA ZWJ ZWJ, KA VIRAMA "a" ZWJ,
        BEH ZWNJ FATHA, "\xF0\x9F\x91\xA9" ZWJ "\xF0\x9F\x9A\x80"
    };
    size_t i;

    for (i = 0; i < COUNT(right); i++) {
        ck_assert_msg(!at_precis_has_hidden(right[i]), "right %d", (int)i);
    }
    for (i = 0; i < COUNT(wrong); i++) {
        ck_assert_msg(at_precis_has_hidden(wrong[i]), "wrong %d", (int)i);
    }
}
END_TEST

START_TEST(pass_codes_are_prepared)
{
    static const struct {
        const char *sent, *prepared;
    } cases[] = {
        { "", "" },
        { "plain text-1!", "plain text-1!" },
        { "cafe\xCC\x81", "caf\xC3\xA9" },
        { "caf\xC3\xA9", "caf\xC3\xA9" },
        { "a\xC2\xA0" "b\xE3\x80\x80" "c\xE2\x80\x80" "d", "a b c d" },
        { "\xE2\x84\xAB", "\xC3\x85" },               /* Angstrom sign */
        { "q\xCC\x87\xCC\xA3", "q\xCC\xA3\xCC\x87" }, /* order of marks */
        { "\xE1\x84\x80\xE1\x85\xA1", "\xEA\xB0\x80" },   /* Hangul */
        { "\xEF\xAC\xAC", "\xD7\xA9\xD6\xBC\xD7\x81" }, /* it grows */
        { "\xF0\x9D\x85\xA0", "\xF0\x9D\x85\x98\xF0\x9D\x85\xA5"
                              "\xF0\x9D\x85\xAE" },      /* threefold */
        /* Neither case nor width is mapped. */
        { "A\xEF\xBC\xA1\xEF\xAC\x81", "A\xEF\xBC\xA1\xEF\xAC\x81" },
        { "a" ZWJ "\t\xE2\x80\xA8" "b", "a" ZWJ "\t\xE2\x80\xA8" "b" }
    };
    size_t i;

    for (i = 0; i < COUNT(cases); i++) {
        const char *prepared = at_precis_prepare(pool, cases[i].sent);

        ck_assert_str_eq(prepared, cases[i].prepared);
        ck_assert_str_eq(at_precis_prepare(pool, prepared), prepared);
        ck_assert_int_eq(prepared == cases[i].sent,
                         !strcmp(cases[i].sent, cases[i].prepared));
    }
}
END_TEST

/* Also of texts that grow by NFC, and of long runs of marks. */
START_TEST(long_pass_codes_are_prepared)
{
    static const char *const parts[] = {
        "\xF0\x9D\x85\xA0", "\xCC\x81", "e\xCC\x81", "\xEF\xAC\xAC",
        "\xC2\xA0", "\xE1\x84\x80\xE1\x85\xA1\xE1\x86\xA8"
    };
    size_t i;
    int times;

    for (i = 0; i < COUNT(parts); i++) {
        for (times = 1; times <= 3000; times = times * 3 + 1) {
            char *text = apr_pcalloc(pool, strlen(parts[i]) * 3000 + 1);
            const char *once, *prepared;
            int k;

            for (k = 0; k < times; k++) {
                strcat(text + (k ? strlen(parts[i]) * (size_t)(k - 1) : 0),
                       parts[i]);
            }
            once = at_precis_prepare(pool, parts[i]);
            prepared = at_precis_prepare(pool, text);
            expect(strlen(prepared) == strlen(once) * (size_t)times,
                   "part %d, %d times", (int)i, times);
        }
    }
}
END_TEST

/* Whatever the pool's memory is given to next. */
START_TEST(what_was_prepared_is_wiped_with_its_pool)
{
    apr_allocator_t *allocator;
    apr_pool_t *inner;
    const char *prepared;

    ck_assert_int_eq(apr_allocator_create(&allocator), APR_SUCCESS);
    apr_pool_create_ex(&inner, NULL, NULL, allocator);
    apr_allocator_owner_set(allocator, inner);
    prepared = at_precis_prepare(inner, "secret-e\xCC\x81");
    ck_assert_str_eq(prepared, "secret-\xC3\xA9");
    apr_pool_clear(inner);
    /* The pool keeps its first block. */
    ck_assert(!has(prepared, "secret"));
    apr_pool_destroy(inner);
}
END_TEST

int main(void)
{
    TCase *tests = test_begin("test_precis");

    tcase_add_test(tests, each_invisible_character_is_found);
    tcase_add_test(tests, joiners_are_allowed_where_they_are_seen);
    tcase_add_test(tests, pass_codes_are_prepared);
    tcase_add_test(tests, long_pass_codes_are_prepared);
    tcase_add_test(tests, what_was_prepared_is_wiped_with_its_pool);
    return test_end(tests);
}
