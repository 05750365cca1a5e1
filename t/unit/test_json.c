/* SPDX-License-Identifier: Apache-2.0 */
/* Also of at_json_scan.c. RFC 8259; contract, section 2, "Refused". */
#include "test_support.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <apr_escape.h>

#include "at_write.h"

/* A text with its length, since some hold a NUL. */
typedef struct {
    const char *text;
    apr_size_t length;
} text_t;

#define TEXT(literal) { literal, sizeof(literal) - 1 }
#define COUNT(array)  (sizeof(array) / sizeof((array)[0]))

static const text_t good[] = {
    TEXT("{}"), TEXT(" \t\r\n{ \t\r\n} \t\r\n"), TEXT("[]"),
    TEXT("{\"\":0}"), TEXT("{\"a\":{\"a\":{\"a\":1}},\"b\":{\"a\":1}}"),
    TEXT("[true,false,null,\"\",0,-0,1.5e-7,{},[]]"),
    TEXT("[\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u0001\\u001F\\u007f\"]"),
    TEXT("[\"\\u00e9\\uD83D\\uDE00\\ud83d\\ude00\\uFFFF\\uD7FF\\uE000\"]"),
    TEXT("[\"\xC3\xA9\xE6\xBC\xA2\xF0\x9F\x98\x80\xF4\x8F\xBF\xBF\x7F\"]"),
    TEXT("[\"\\\\u0000\\\\ud800\"]"),
    TEXT("{\"a b\":1,\"a\":2,\"A\":3,\"a \":4}"),
    TEXT("[[[[[[[[1]]]]]]]]"), TEXT("{\"a\":[[[[[[{}]]]]]]}"),
    TEXT("[[[[[[[[]]]]]]],[[[[[[[]]]]]]]]"),
    TEXT("[1e400,123456789012345678901234567890]"),
    TEXT("{\"token\":\"A4F1\",\"udf_string_1\":null,\"udf_float_1\":0.1,"
         "\"custom_field_set\":[{\"x\":\"\\u03B1\"}]}")
};

static const text_t bad[] = {
    /* no document, or not all of it */
    TEXT(""), TEXT(" "), TEXT("\n\n"), TEXT("{"), TEXT("["), TEXT("{\"a"),
    TEXT("{\"a\""), TEXT("{\"a\":"), TEXT("{\"a\":1"), TEXT("{\"a\":1,"),
    TEXT("[1"), TEXT("[1,"), TEXT("[\"a"), TEXT("[\"a\\"), TEXT("[tru"),
    TEXT("[\"\\u12"), TEXT("[\"\\ud83d"), TEXT("[\"\xC3"), TEXT("[-"),
    /* not the grammar */
    TEXT("{a:1}"), TEXT("{'a':1}"), TEXT("{\"a\" 1}"), TEXT("{\"a\"::1}"),
    TEXT("{1:1}"), TEXT("{null:1}"), TEXT("{[]:1}"), TEXT("{\"a\":1,}"),
    TEXT("{,\"a\":1}"), TEXT("{\"a\":1,,\"b\":1}"), TEXT("{\"a\":1 \"b\":1}"),
    TEXT("{\"a\":}"), TEXT("{\"a\"}"), TEXT("{\"a\",\"b\":1}"),
    TEXT("{:1}"), TEXT("[1,]"), TEXT("[,1]"), TEXT("[1,,2]"),
    TEXT("[1 2]"), TEXT("[1:2]"), TEXT("[}"), TEXT("{]"), TEXT("[1}"),
    TEXT("{\"a\":1]"), TEXT("]"), TEXT("}"), TEXT(","), TEXT(":"),
    TEXT("[True]"), TEXT("[nul]"), TEXT("[nulll]"), TEXT("[truefalse]"),
    TEXT("[NaN]"), TEXT("[Infinity]"), TEXT("[-Infinity]"),
    TEXT("[undefined]"), TEXT("[01]"), TEXT("[-01]"), TEXT("[1.]"),
    TEXT("[.1]"), TEXT("[+1]"), TEXT("[1e]"), TEXT("[1e+]"), TEXT("[-]"),
    TEXT("[--1]"), TEXT("[0x1]"), TEXT("[1.2.3]"), TEXT("[1e1.5]"),
    TEXT("[1_0]"), TEXT("['a']"), TEXT("[a]"), TEXT("[\"a\"\"b\"]"),
    TEXT("/* c */{}"), TEXT("{}/* c */"), TEXT("[1] // c"), TEXT("#{}"),
    TEXT("{\"a\":1;}"), TEXT("\f{}"), TEXT("\v{}"), TEXT("[\f]"),
    TEXT("{}\v"), TEXT("\xC2\xA0{}"),
    TEXT("[1\xC2\xA0]"), TEXT("[\0]"), TEXT("\0{}"), TEXT("{\"a\"\0:1}"),
    /* something behind the document */
    TEXT("{}{}"), TEXT("{} {}"), TEXT("{}x"), TEXT("{},"), TEXT("{}]"),
    TEXT("{}}"), TEXT("[]1"), TEXT("{} null"), TEXT("{}\0"), TEXT("{} \""),
    TEXT("{} \"a"), TEXT("{} \"a\""), TEXT("{} tru"), TEXT("{} 1"),
    TEXT("{} -"), TEXT("{}\xEF\xBB\xBF"), TEXT("{}\x1A"), TEXT("{}\\"),
    TEXT("{} \"\\"), TEXT("{} [ "), TEXT("{}\xFF"),
    /* strings */
    TEXT("[\"a\nb\"]"), TEXT("[\"\t\"]"), TEXT("[\"\x01\"]"),
    TEXT("[\"\x1F\"]"), TEXT("[\"\0\"]"), TEXT("[\"\\x\"]"),
    TEXT("[\"\\'\"]"), TEXT("[\"\\a\"]"), TEXT("[\"\\0\"]"),
    TEXT("[\"\\U0041\"]"), TEXT("[\"\\u\"]"), TEXT("[\"\\u1\"]"),
    TEXT("[\"\\u12\"]"), TEXT("[\"\\u123\"]"), TEXT("[\"\\u12g4\"]"),
    TEXT("[\"\\u-123\"]"), TEXT("[\"\\u 123\"]"), TEXT("[\"\\\xC3\xA9\"]"),
    TEXT("[\"\\\n\"]"), TEXT("{\"a\\x\":1}"),
    /* what yajl takes, and the contract does not */
    TEXT("\xEF\xBB\xBF{}"), TEXT("\xFE\xFF\0{\0}"), TEXT("\xFF\xFE{\0}\0"),
    TEXT("{\0}\0"), TEXT("{\"a\":1,\"a\":1}"), TEXT("{\"a\":1,\"a\":null}"),
    TEXT("{\"a\":1,\"\\u0061\":2}"), TEXT("{\"\":1,\"\":2}"),
    TEXT("[{\"a\":[{\"b\":1,\"c\":2,\"b\":3}]}]"),
    TEXT("{\"/\":1,\"\\/\":2}"), TEXT("{\"\xC3\xA9\":1,\"\\u00E9\":2}"),
    TEXT("[\"\\u0000\"]"), TEXT("[\"a\\u0000b\"]"), TEXT("{\"\\u0000\":1}"),
    TEXT("[\"\\ud800\"]"), TEXT("[\"\\udc00\"]"), TEXT("[\"\\udfff\"]"),
    TEXT("[\"\\udbff\"]"), TEXT("[\"\\ud800x\"]"), TEXT("[\"\\ud800\\n\"]"),
    TEXT("[\"\\ud800\\u0041\"]"), TEXT("[\"\\ud800\\ud800\"]"),
    TEXT("[\"\\ud83d\\ude00\\ude00\"]"), TEXT("[\"\\ude00\\ud83d\"]"),
    TEXT("[\"\\ud800\xED\xB0\x80\"]"), TEXT("[\"\\ud83d\\\\ude00\"]"),
    TEXT("{\"\\ud800\":1}"), TEXT("[\"\x80\"]"), TEXT("[\"\xC0\x80\"]"),
    TEXT("[\"\xC1\xBF\"]"), TEXT("[\"\xC3\"]"), TEXT("[\"\xC3(\"]"),
    TEXT("[\"\xE0\x80\x80\"]"), TEXT("[\"\xE2\x82\"]"),
    TEXT("[\"\xED\xA0\x80\"]"), TEXT("[\"\xED\xB0\x80\"]"),
    TEXT("[\"\xF0\x80\x80\x80\"]"), TEXT("[\"\xF0\x9F\x98\"]"),
    TEXT("[\"\xF4\x90\x80\x80\"]"), TEXT("[\"\xF7\xBF\xBF\xBF\"]"),
    TEXT("[\"\xFF\"]"), TEXT("{\"\xFF\":1}"), TEXT("[\xFF]"),
    TEXT("[\"\xC3\\n\"]"), TEXT("[\"\xE2\x82\\u0041\"]"),
    TEXT("[[[[[[[[[1]]]]]]]]]"), TEXT("[[[[[[[[{}]]]]]]]]"),
    TEXT("{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{}}}}}}}}}"),
    TEXT("[[[[[[[[[")
};

/* Parse TEXT cut in pieces: FIRST bytes, then STEP bytes each. */
static at_error_t *parse_cut(at_json_t **root, const text_t *text,
                             apr_size_t first, apr_size_t step,
                             apr_pool_t *scratch)
{
    at_json_parser_t *parser = at_json_parser_make(scratch);
    apr_size_t from, length = first;

    for (from = 0; from < text->length; from += length, length = step) {
        char *piece;

        if (length > text->length - from) {
            length = text->length - from;
        }
        /* Of its own, so that a look beyond it is seen by valgrind. */
        piece = malloc(length + !length);
        memcpy(piece, text->text + from, length);
        at_json_parser_feed(parser, piece, length);
        free(piece);
    }
    return at_json_parser_finish(root, parser);
}

static at_error_t *parse(at_json_t **root, const text_t *text)
{
    return parse_cut(root, text, text->length, text->length, pool);
}

static const char *written(const at_json_t *root, apr_pool_t *scratch)
{
    at_writer_t *writer = at_writer_make(scratch);

    at_write_json(writer, root);
    return at_writer_text(writer, NULL);
}

START_TEST(what_is_json_is_read)
{
    size_t i;

    for (i = 0; i < COUNT(good); i++) {
        at_json_t *root;
        at_error_t *error = parse(&root, &good[i]);

        ck_assert_msg(!error, "%s: %s", good[i].text,
                      error ? error->description : "");
        ck_assert_ptr_nonnull(root);
    }
}
END_TEST

START_TEST(what_the_contract_refuses_is_refused)
{
    const char *taken = "";
    size_t i;

    for (i = 0; i < COUNT(bad); i++) {
        at_json_t *root;
        at_error_t *error = parse(&root, &bad[i]);

        if (!error) {
            apr_size_t length = bad[i].length;

            taken = apr_pstrcat(pool, taken, " ",
                                apr_pescape_urlencoded(
                                    pool, apr_pstrmemdup(pool, bad[i].text,
                                                         length)),
                                (char *)NULL);
            continue;
        }
        ck_assert_int_eq((int)error->code, AT_INVALID_JSON);
        ck_assert(*error->description && !error->violations);
    }
    ck_assert_msg(!*taken, "taken:%s", taken);
}
END_TEST

/* The pieces of a body are cut where the network likes. */
static void check_cuts(const text_t *text)
{
    at_json_t *whole;
    at_error_t *error = parse(&whole, text);
    apr_size_t cut;

    for (cut = 0; cut <= text->length; cut++) {
        apr_pool_t *scratch;
        at_json_t *root;
        at_error_t *other;

        apr_pool_create(&scratch, pool);
        /* cut 0: every byte by itself */
        other = parse_cut(&root, text, cut ? cut : 1,
                          cut ? text->length : 1, scratch);
        expect(!error == !other, "\"%s\" cut at %u", text->text,
               (unsigned int)cut);
        if (error) {
            expect(!strcmp(error->description, other->description),
                   "\"%s\" cut at %u: \"%s\" became \"%s\"",
                   text->text, (unsigned int)cut, error->description,
                   other->description);
        }
        else {
            expect(!strcmp(written(root, scratch), written(whole, scratch)),
                   "\"%s\" cut at %u", text->text, (unsigned int)cut);
        }
        apr_pool_destroy(scratch);
    }
}

START_TEST(every_cut_of_a_document_gives_the_same)
{
    size_t i;

    for (i = 0; i < COUNT(good); i++) {
        check_cuts(&good[i]);
    }
}
END_TEST

START_TEST(every_cut_of_what_is_wrong_gives_the_same)
{
    size_t i;

    for (i = 0; i < COUNT(bad); i++) {
        check_cuts(&bad[i]);
    }
}
END_TEST

START_TEST(pieces_of_no_bytes_are_taken)
{
    at_json_parser_t *parser = at_json_parser_make(pool);
    at_json_t *root;

    at_json_parser_feed(parser, "", 0);
    at_json_parser_feed(parser, "{", 1);
    at_json_parser_feed(parser, "", 0);
    at_json_parser_feed(parser, "}", 1);
    at_json_parser_feed(parser, "", 0);
    ck_assert_ptr_null(at_json_parser_finish(&root, parser));
    ck_assert_int_eq((int)root->type, AT_JSON_OBJECT);
}
END_TEST

START_TEST(what_follows_a_fault_is_passed_over)
{
    at_json_parser_t *parser = at_json_parser_make(pool);
    at_json_t *root;
    at_error_t *error;
    int i;

    at_json_parser_feed(parser, "{\"a\":!", 6);
    for (i = 0; i < 1000; i++) {
        at_json_parser_feed(parser, "\xFF\"\\{[", 5);
    }
    error = at_json_parser_finish(&root, parser);
    ck_assert_str_eq(test_error(error), "INVALID_JSON");
    ck_assert(has(error->description, "byte 5")
              || has(error->description, "byte 6"));
}
END_TEST

/* The byte that the error names lies in the fault. */
START_TEST(an_error_says_at_which_byte)
{
    static const struct {
        const char *text;
        int first, last;         /* the fault, and what ends it */
    } cases[] = {
        { "\xEF\xBB\xBF{}", 0, 3 },
        { "{\"a\":\"x\xFF\"}", 7, 7 },
        { "{\"a\":\"x\xC3(\"}", 7, 8 },
        { "{\"a\":1,\"b\":\"\x01\"}", 12, 13 },
        { "{\"a\":1,\"a\":2}", 7, 10 },
        { "{\"a\":\"\\u0000\"}", 6, 12 },
        { "{\"a\":\"\\ud800x\"}", 6, 13 },
        { "{\"a\":x}", 5, 6 },
        { "{\"a\":01}", 5, 7 },
        { "{} x", 3, 4 },
        { "{\"a\":", 5, 5 },
        { "[[[[[[[[[1]]]]]]]]]", 8, 9 }
    };
    size_t i;

    for (i = 0; i < COUNT(cases); i++) {
        at_json_t *root;
        at_error_t *error = at_json_parse(&root, cases[i].text, pool);
        const char *place;
        long byte;

        ck_assert_msg(error != NULL, "%s", cases[i].text);
        place = strstr(error->description, "byte ");
        ck_assert_msg(place != NULL, "%s", error->description);
        byte = strtol(place + 5, NULL, 10);
        ck_assert_msg(byte >= cases[i].first && byte <= cases[i].last,
                      "%s: %s", cases[i].text, error->description);
    }
}
END_TEST

START_TEST(an_error_never_quotes_the_body)
{
    static const char *const texts[] = {
        "{\"token\":\"S3CRET\", S3CRET}", "{\"S3CRET\":1,\"S3CRET\":2}",
        "{\"pass_code\":\"S3CRET\\u0000S3CRET\"}",
        "{\"pass_code\":\"S3CRET\xFFS3CRET\"}", "{\"a\":1}S3CRET",
        "{\"pass_code\":\"S3CRET\\xS3CRET\"}", "{\"pass_code\":\"S3CRET",
        "[S3CRET", "{S3CRET:1}", "[[[[[[[[[\"S3CRET\"]]]]]]]]]"
    };
    size_t i;

    for (i = 0; i < COUNT(texts); i++) {
        at_json_t *root;
        at_error_t *error = at_json_parse(&root, texts[i], pool);

        ck_assert_msg(error != NULL, "%s", texts[i]);
        ck_assert_msg(!has(error->description, "S3CRET")
                      && !has(error->description, "\n"), "%s",
                      error->description);
        ck_assert(!error->detail || !has(error->detail, "S3CRET"));
    }
}
END_TEST

START_TEST(an_empty_body_is_said_to_be_empty)
{
    at_json_t *root;
    at_error_t *error = at_json_parse(&root, "", pool);

    ck_assert(has(error->description, "empty"));
}
END_TEST

START_TEST(the_tree_holds_what_was_sent)
{
    at_json_t *root = test_json(
        "{\"n\":null,\"t\":true,\"f\":false,\"i\":-0.50e+1,\"s\":\"\","
        "\"e\":\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u00e9\\ud83d\\ude00\","
        "\"a\":[1,[2],{}],\"o\":{\"x\":\"y\"}}");
    at_json_t *array = at_json_get(root, "a");

    ck_assert_int_eq((int)root->type, AT_JSON_OBJECT);
    ck_assert_int_eq(root->members->nelts, 8);
    ck_assert_str_eq(APR_ARRAY_IDX(root->members, 7,
                                   at_json_member_t).name, "o");
    ck_assert_int_eq((int)at_json_get(root, "n")->type, AT_JSON_NULL);
    ck_assert_int_eq((int)at_json_get(root, "t")->type, AT_JSON_BOOLEAN);
    ck_assert_int_eq(at_json_get(root, "t")->boolean, 1);
    ck_assert_int_eq((int)at_json_get(root, "f")->type, AT_JSON_BOOLEAN);
    ck_assert_int_eq(at_json_get(root, "f")->boolean, 0);
    ck_assert_int_eq((int)at_json_get(root, "i")->type, AT_JSON_NUMBER);
    ck_assert_str_eq(at_json_get(root, "i")->text, "-0.50e+1");
    ck_assert_str_eq(at_json_get(root, "s")->text, "");
    ck_assert_str_eq(at_json_get(root, "e")->text,
                     "\"\\/\b\f\n\r\t\xC3\xA9\xF0\x9F\x98\x80");
    ck_assert_int_eq((int)array->type, AT_JSON_ARRAY);
    ck_assert_int_eq(array->elements->nelts, 3);
    ck_assert_str_eq(APR_ARRAY_IDX(array->elements, 0, at_json_t *)->text,
                     "1");
    ck_assert_str_eq(at_json_get(at_json_get(root, "o"), "x")->text, "y");
    ck_assert_ptr_null(at_json_get(root, "x"));
    ck_assert_ptr_null(at_json_get(root, ""));
    ck_assert_ptr_null(at_json_get(root, "N"));
}
END_TEST

START_TEST(many_members_are_kept_and_compared)
{
    const char *text = "{";
    at_json_t *root;
    at_error_t *error;
    int i;

    for (i = 0; i < 500; i++) {
        text = apr_psprintf(pool, "%s%s\"name_%d\":%d", text, i ? "," : "",
                            i, i);
    }
    root = test_json(apr_pstrcat(pool, text, "}", (char *)NULL));
    ck_assert_int_eq(root->members->nelts, 500);
    ck_assert_str_eq(at_json_get(root, "name_499")->text, "499");
    error = at_json_parse(&root, apr_pstrcat(pool, text, ",\"name_7\":1}",
                                             (char *)NULL), pool);
    ck_assert_str_eq(test_error(error), "INVALID_JSON");
}
END_TEST

/* Far more than a stack could hold, were it recursive. */
START_TEST(two_million_brackets_are_refused)
{
    apr_size_t length = 2000000;
    char *text = malloc(length + 1);
    at_json_t *root;
    at_error_t *error;

    memset(text, '[', length);
    text[length] = '\0';
    error = at_json_parse(&root, text, pool);
    free(text);
    ck_assert_str_eq(test_error(error), "INVALID_JSON");
}
END_TEST

/* Bytes at random, and documents with a byte changed: no crash, and the
 * same in every cut. */
START_TEST(random_changes_give_the_same_in_every_cut)
{
    apr_uint64_t seed = 7;
    int i;

    for (i = 0; i < test_rounds(3000); i++) {
        const text_t *from = &good[test_random(&seed) % COUNT(good)];
        text_t changed = { NULL, from->length };
        char *text = apr_pmemdup(pool, from->text, from->length + 1);
        static const char likely[] = "\"\\{}[]:,u0ude1-+.eE \xC3\xA9\xED";
        apr_uint64_t random = test_random(&seed);

        text[random % from->length] =
            random & 0x100000 ? likely[(random >> 8) % (sizeof(likely) - 1)]
                              : (char)(random >> 8);
        changed.text = text;
        check_cuts(&changed);
        if (i % 100 == 0) {
            apr_pool_clear(pool);
        }
    }
}
END_TEST

int main(void)
{
    TCase *tests = test_begin("test_json");

    tcase_add_test(tests, what_is_json_is_read);
    tcase_add_test(tests, what_the_contract_refuses_is_refused);
    tcase_add_test(tests, every_cut_of_a_document_gives_the_same);
    tcase_add_test(tests, every_cut_of_what_is_wrong_gives_the_same);
    tcase_add_test(tests, pieces_of_no_bytes_are_taken);
    tcase_add_test(tests, what_follows_a_fault_is_passed_over);
    tcase_add_test(tests, an_error_says_at_which_byte);
    tcase_add_test(tests, an_error_never_quotes_the_body);
    tcase_add_test(tests, an_empty_body_is_said_to_be_empty);
    tcase_add_test(tests, the_tree_holds_what_was_sent);
    tcase_add_test(tests, many_members_are_kept_and_compared);
    tcase_add_test(tests, two_million_brackets_are_refused);
    tcase_add_test(tests, random_changes_give_the_same_in_every_cut);
    return test_end(tests);
}
