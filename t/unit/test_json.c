/* SPDX-License-Identifier: Apache-2.0 */
/* Also of at_json_scan.c and at_wipe.c. RFC 8259; contract, section 2, "Refused". */
#include "test_support.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <fcntl.h>
#include <unistd.h>

#include <apr_escape.h>
#include <yajl/yajl_parse.h>

#include "at_idempotency.h"
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
    /* something after the document */
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
        /* A copy, so that valgrind sees a read beyond its end. */
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

/* The network may cut a body anywhere. */
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

START_TEST(what_follows_a_fault_is_ignored)
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

/* The byte that the error names is in the fault. */
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
        { "{\"a\":1,\"a\":2", 7, 10 },
        { "{\"a\":1,\"a\":2,!", 7, 10 },
        { "{\"a\":1,\"a\":{\"b\":1,\"b\":2}}", 7, 10 },
        { "{\"a\":[{\"b\":1,\"b\":2}],\"a\":3}", 13, 16 },
        { "{\"a\":1,\"a\":\"\xFF", 7, 10 },
        { "{\"a\":1,\"a\":[[[[[[[[", 7, 10 },
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

START_TEST(an_empty_body_is_reported_as_empty)
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

/* Up to the byte that an error names a text is as good as any that is not
 * whole, and with that byte it is what the whole text is. */
static void check_byte(const text_t *text)
{
    at_json_t *root;
    at_error_t *error = parse(&root, text), *other;
    text_t start = *text;
    const char *place = error ? strstr(error->description, "at byte ") : NULL;

    if (!place) {
        return;
    }
    start.length = (apr_size_t)strtol(place + 8, NULL, 10);
    other = parse(&root, &start);
    expect(!other || has(other->description, "too early")
           || has(other->description, "empty"), "\"%s\": before byte %u: %s",
           text->text, (unsigned int)start.length, other->description);
    if (start.length < text->length) {
        start.length++;
        other = parse(&root, &start);
        expect(other && !strcmp(other->description, error->description),
               "\"%s\": \"%s\" with what is behind", text->text,
               error->description);
    }
}

START_TEST(the_byte_of_an_error_is_the_first_that_is_wrong)
{
    apr_uint64_t seed = 11;
    size_t i;

    for (i = 0; i < COUNT(bad); i++) {
        check_byte(&bad[i]);
    }
    for (i = 0; i < (size_t)test_rounds(20000); i++) {
        const text_t *from = &good[test_random(&seed) % COUNT(good)];
        text_t changed = { NULL, from->length };
        char *text = apr_pmemdup(pool, from->text, from->length + 1);
        static const char likely[] = "\"\\{}[]:,u0de1-+.E tfn";
        int k;

        for (k = 0; k < 2; k++) {
            text[test_random(&seed) % from->length] =
                likely[test_random(&seed) % (sizeof(likely) - 1)];
        }
        changed.text = text;
        check_byte(&changed);
        if (i % 100 == 0) {
            apr_pool_clear(pool);
        }
    }
}
END_TEST

/* ---- the work */

/* What yajl was given: bytes, and in how many pieces. It reads a token that
 * is not whole again from its start with the next piece. */
static apr_size_t fed;
static int pieces;

yajl_status __real_yajl_parse(yajl_handle yajl, const unsigned char *text,
                              size_t length);
yajl_status __wrap_yajl_parse(yajl_handle yajl, const unsigned char *text,
                              size_t length);
yajl_status __wrap_yajl_parse(yajl_handle yajl, const unsigned char *text,
                              size_t length)
{
    fed += length;
    pieces++;
    return __real_yajl_parse(yajl, text, length);
}

/* Bodies that are one part again and again: START, PART ..., END. */
static const struct {
    const char *start, *part, *good_end, *bad_end;
} long_texts[] = {
    { "{\"x\":\"", "\\u0041", "\"}", "\"]" },
    { "{\"x\":\"", "\\ud83d\\ude00", "\"}", "\"]" },
    { "{\"x\":\"", "aaaaaaaa", "\"}", "\"]" },
    { "{\"x\":\"", "aaaaaaaa", "\"}", "\\x\"}" },
    { "{\"x\":\"", "aaaaaaaa", "\"}", "\xFF\"}" },
    { "{\"x\":\"", "\xE2\x82\xAC", "\"}", "\"]" },
    { "{\"x\":1,\"", "aaaaaaaa", "\":1}", "\" 1}" },
    { "{\"x\":", "11111111", "}", "]" },
    { "{\"x\":", "11111111", "}", "x}" },
    { "{\"x\":0.", "11111111", "}", "." },
    { "{\"x\":[1", ",1", "]}", "}" },
    { "{\"x\":[1", ",[]", "]}", "}" },
    { "{\"x\":[1", ",{}", "]}", "}" },
    { "{\"x\":[1", ",{\"a\":1,\"b\":2}", "]}", ",{\"a\":1,\"a\":1}]}" },
    { "{\"x\":[true", ",true", "]}", ",tru]}" },
    { "{\"x\":[1", "        ", "]}", "}" },
    { "{\"x\":1", "        ", "}", "\"aaaaaaaaaaaaaaaaaaaaaaaaaaaa\"}" }
};

/* Text number INDEX of the above, of about LENGTH bytes. */
static text_t long_text(size_t index, apr_size_t length, int is_good)
{
    const char *part = long_texts[index].part;
    const char *end = is_good ? long_texts[index].good_end
                              : long_texts[index].bad_end;
    apr_size_t start = strlen(long_texts[index].start), size = strlen(part);
    char *text = apr_palloc(pool, start + length + size + strlen(end) + 1);
    char *to = text + start;
    text_t made;

    memcpy(text, long_texts[index].start, start);
    for (; (apr_size_t)(to - text) < length; to += size) {
        memcpy(to, part, size);
    }
    strcpy(to, end);
    made.text = text;
    made.length = strlen(text);
    return made;
}

/* As parse_cut, with no more to do than that. Returns the processor time. */
static clock_t parse_long(at_error_t **error, const text_t *text,
                          apr_size_t first, apr_size_t step)
{
    apr_pool_t *scratch;
    at_json_parser_t *parser;
    at_json_t *root;
    apr_size_t from, length = first;
    clock_t begin = clock();

    apr_pool_create(&scratch, pool);
    parser = at_json_parser_make(scratch);
    for (from = 0; from < text->length; from += length, length = step) {
        if (length > text->length - from) {
            length = text->length - from;
        }
        at_json_parser_feed(parser, text->text + from, length);
    }
    *error = at_json_parser_finish(&root, parser);
    begin = clock() - begin;
    if (*error) {
        *error = at_error_make(pool, (*error)->code, "%s",
                               (*error)->description);
    }
    apr_pool_destroy(scratch);
    return begin;
}

/* yajl is given a right text once, in one piece; of a wrong one at most as
 * much again, in one piece and a byte; however the text came. */
START_TEST(the_parser_is_given_no_byte_again_and_again)
{
    apr_size_t length = (apr_size_t)test_rounds(2000), cut;
    size_t i;
    int is_good;

    for (i = 0; i < COUNT(long_texts); i++) {
        for (is_good = 0; is_good < 2; is_good++) {
            text_t text = long_text(i, length, is_good);
            at_error_t *error, *whole;

            (void)parse_long(&whole, &text, text.length, text.length);
            expect((whole == NULL) == is_good, "%s%s", long_texts[i].start,
                   long_texts[i].part);
            for (cut = 0; cut <= text.length; cut++) {
                fed = 0;
                pieces = 0;
                (void)parse_long(&error, &text, cut ? cut : 1,
                                 cut ? text.length : 1);
                expect(is_good ? fed == text.length && pieces == 1
                               : fed <= 2 * text.length && pieces <= 3,
                       "%s%s cut at %u: %u bytes of %u in %d pieces",
                       long_texts[i].start, long_texts[i].part,
                       (unsigned int)cut, (unsigned int)fed,
                       (unsigned int)text.length, pieces);
                expect(is_good || !strcmp(error->description,
                                          whole->description),
                       "%s%s cut at %u", long_texts[i].start,
                       long_texts[i].part, (unsigned int)cut);
            }
        }
    }
}
END_TEST

/* The least of some runs, so that what else the machine does counts less. */
static clock_t least_time(const text_t *text, apr_size_t step)
{
    clock_t least = 0;
    at_error_t *error;
    int i;

    for (i = 0; i < 5; i++) {
        clock_t time = parse_long(&error, text, step, step);

        least = i == 0 || time < least ? time : least;
    }
    return least + 1;
}

/* Sixteen times the text is some sixteen times the work, not 256 times, and
 * what is wrong takes some times as much as what is right, not a thousand. */
static void check_work(const text_t *some, const text_t *right,
                       const text_t *wrong, apr_size_t step)
{
    clock_t base = least_time(some, step), all = least_time(right, step);
    clock_t with_fault = wrong ? least_time(wrong, step) : 0;

    expect(all < 100 * base + 2000, "%.20s... in pieces of %u: %ld, then %ld",
           right->text, (unsigned int)step, (long)base, (long)all);
    expect(with_fault < 10 * all + 2000, "%.20s... wrong at the end, in pieces "
           "of %u: %ld, right %ld", right->text, (unsigned int)step,
           (long)with_fault, (long)all);
}

START_TEST(the_work_is_linear_in_the_length)
{
    size_t i;

    for (i = 0; i < COUNT(long_texts); i++) {
        text_t some = long_text(i, 4096, 1), right = long_text(i, 65536, 1);
        text_t wrong = long_text(i, 65536, 0);

        check_work(&some, &right, &wrong, 65536 + 64);
        check_work(&some, &right, &wrong, 1);
        check_work(&some, &right, &wrong, 7);
        apr_pool_clear(pool);
    }
}
END_TEST

/* COUNT members, whose names all have one hash in APR's tables: "Ez" and
 * "FY" have, and so has what is made of as many of either. */
static text_t colliding(int count)
{
    apr_size_t size = 40;
    char *text = apr_palloc(pool, (apr_size_t)count * size + 2), *to = text;
    text_t made;
    int i, k;

    for (i = 0; i < count; i++) {
        *to++ = i ? ',' : '{';
        *to++ = '"';
        for (k = 0; k < 16; k++) {
            memcpy(to, i >> k & 1 ? "Ez" : "FY", 2);
            to += 2;
        }
        memcpy(to, "\":1", 3);
        to += 3;
    }
    *to++ = '}';
    *to = '\0';
    made.text = text;
    made.length = (apr_size_t)(to - text);
    return made;
}

START_TEST(names_that_are_made_for_one_hash_are_no_more_work)
{
    text_t some = colliding(1000), many = colliding(16000);
    at_json_t *root;

    ck_assert_ptr_null(parse(&root, &many));
    ck_assert_int_eq(root->members->nelts, 16000);
    check_work(&some, &many, NULL, many.length);
}
END_TEST

/* ---- what is left of a body */

static const at_secret_t secret_of_digests = {
    (const unsigned char *)"0123456789abcdef0123456789abcdef", 32
};

#define MASK '\x15'

static const char masked[] = "a}pfpvgpazsa}pvtyypg";

/* How often the secret begins in the first half of the SIZE bytes of TEXT, of
 * which LENGTH are there. */
static int count_in(const char *text, size_t length, size_t size)
{
    size_t i, k, all = sizeof(masked) - 1;
    int count = 0;

    for (i = 0; i + all <= length && i < size / 2; i++) {
        for (k = 0; k < all && (text[i + k] ^ MASK) == masked[k]; k++) {
            continue;
        }
        count += k == all;
    }
    return count;
}

/* Count the places that hold the secret in this process's memory. The kernel
 * reads it, so that all of it can be read under any tool. */
static int count_secrets(void)
{
    static char chunk[65536];
    FILE *maps = fopen("/proc/self/maps", "r");
    int memory = open("/proc/self/mem", O_RDONLY), count = 0;
    char line[512];

    if (!maps || memory < 0) {
        return -1;
    }
    while (fgets(line, sizeof(line), maps)) {
        unsigned long from, to;
        char mode[8];

        if (sscanf(line, "%lx-%lx %7s", &from, &to, mode) != 3
            || mode[0] != 'r' || mode[1] != 'w' || to - from > 1UL << 30) {
            continue;
        }
        /* Half a chunk further each time, so that none is cut. */
        for (; from < to; from += sizeof(chunk) / 2) {
            size_t size = to - from < sizeof(chunk) ? to - from
                                                    : sizeof(chunk);
            ssize_t length;

            if (from < (unsigned long)(chunk + sizeof(chunk))
                && from + size > (unsigned long)chunk) {
                continue;
            }
            length = pread(memory, chunk, size, (off_t)from);
            count += length > 0 ? count_in(chunk, (size_t)length,
                                           sizeof(chunk)) : 0;
        }
    }
    explicit_bzero(chunk, sizeof(chunk));
    fclose(maps);
    close(memory);
    return count;
}

/* Give PARSER a document with the secret in it, in pieces of STEP bytes. */
static void feed_secret(at_json_parser_t *parser, const char *start,
                        const char *end, apr_size_t step)
{
    char text[20000];
    apr_size_t i, length = strlen(start);

    memset(text, ' ', sizeof(text));
    memcpy(text, start, length);
    for (i = 0; i < sizeof(masked) - 1; i++) {
        text[length++] = (char)(masked[i] ^ MASK);
    }
    memcpy(text + length, end, strlen(end));
    for (i = 0; i < sizeof(text); i += step) {
        at_json_parser_feed(parser, text + i, step);
    }
    explicit_bzero(text, sizeof(text));
}

START_TEST(nothing_of_a_text_is_left_when_its_pool_is_cleared)
{
    static const struct {
        const char *start, *end;
    } cases[] = {
        { "{\"pass_code\":\"", "\"}" }, { "{\"", "\":1}" },
        { "{\"a\":\"\\u0041", "\\n\"}" }, { "{\"a\":\"", "" },
        { "{\"a\":\"", "\"]" }, { "{\"a\":\"", "\\x\"}" },
        { "{\"a\":1 \"", "\"}" }, { "{\"a\":\"", "\xFF\"}" }
    };
    size_t i, step;

    for (i = 0; i < COUNT(cases); i++) {
        for (step = 100; step <= 20000; step *= 200) {
            apr_pool_t *scratch;
            at_json_parser_t *parser;
            at_json_t *root;
            int finish = i != 0 || step > 100;

            apr_pool_create(&scratch, pool);
            parser = at_json_parser_make(scratch);
            feed_secret(parser, cases[i].start, cases[i].end, step);
            ck_assert_int_gt(count_secrets(), 0);
            if (finish && !at_json_parser_finish(&root, parser)) {
                ck_assert_ptr_nonnull(root);
                ck_assert_int_eq(count_secrets(), 1);
                (void)at_idempotency_digest(root, &secret_of_digests,
                                            scratch);
                ck_assert_int_gt(count_secrets(), 0);
            }
            apr_pool_destroy(scratch);
            ck_assert_msg(count_secrets() == 0, "%s...%s in pieces of %u",
                          cases[i].start, cases[i].end, (unsigned int)step);
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
    tcase_add_test(tests, what_follows_a_fault_is_ignored);
    tcase_add_test(tests, an_error_says_at_which_byte);
    tcase_add_test(tests, an_error_never_quotes_the_body);
    tcase_add_test(tests, an_empty_body_is_reported_as_empty);
    tcase_add_test(tests, the_tree_holds_what_was_sent);
    tcase_add_test(tests, many_members_are_kept_and_compared);
    tcase_add_test(tests, two_million_brackets_are_refused);
    tcase_add_test(tests, random_changes_give_the_same_in_every_cut);
    tcase_add_test(tests, the_byte_of_an_error_is_the_first_that_is_wrong);
    tcase_add_test(tests, the_parser_is_given_no_byte_again_and_again);
    tcase_add_test(tests, the_work_is_linear_in_the_length);
    tcase_add_test(tests,
                   names_that_are_made_for_one_hash_are_no_more_work);
    tcase_add_test(tests,
                   nothing_of_a_text_is_left_when_its_pool_is_cleared);
    return test_end(tests);
}
