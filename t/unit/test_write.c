/* SPDX-License-Identifier: Apache-2.0 */
/* RFC 8259. */
#include "test_support.h"

#include <string.h>

#include "at_write.h"

START_TEST(every_kind_of_value_is_written)
{
    at_writer_t *writer = at_writer_make(pool);
    apr_size_t length;

    at_write_open_object(writer);
    at_write_string(writer, "a");
    at_write_open_array(writer);
    at_write_null(writer);
    at_write_boolean(writer, 1);
    at_write_boolean(writer, 0);
    at_write_as_is(writer, "1.7976931348623157e+308");
    at_write_string(writer, "");
    at_write_open_object(writer);
    at_write_close_object(writer);
    at_write_close_array(writer);
    at_write_member(writer, "b", "c");
    at_write_member(writer, "d", NULL);
    at_write_close_object(writer);
    ck_assert_str_eq(at_writer_text(writer, &length),
                     "{\"a\":[null,true,false,1.7976931348623157e+308,\"\","
                     "{}],\"b\":\"c\",\"d\":null}");
    ck_assert_uint_eq(length, strlen(at_writer_text(writer, NULL)));
}
END_TEST

START_TEST(strings_read_back_as_they_were)
{
    static const char *const texts[] = {
        "", "a", "\"", "\\", "/", "\b\f\n\r\t", "\x01\x1F\x7F",
        "\xC3\xA9\xE2\x80\xA8\xF0\x9F\x98\x80", "</script>", "%s%n",
        "\xC2\x80", "\xEF\xBB\xBF", "\xEF\xBF\xBF", "\\u0041"
    };
    size_t i;

    for (i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        at_writer_t *writer = at_writer_make(pool);
        at_json_t *root;
        const char *text;

        at_write_open_object(writer);
        at_write_member(writer, texts[i], texts[i]);
        at_write_close_object(writer);
        text = at_writer_text(writer, NULL);
        root = test_json(text);
        ck_assert_str_eq(at_json_get(root, texts[i])->text, texts[i]);
        ck_assert_msg(strcspn(text, "\n\r\t\x01\x1F") == strlen(text),
                      "a raw control character in %s", text);
    }
}
END_TEST

START_TEST(bytes_that_are_not_utf8_become_replacement_characters)
{
    at_writer_t *writer = at_writer_make(pool);

    at_write_open_object(writer);
    at_write_member(writer, "a\xFF", "caf\xE9");
    at_write_close_object(writer);
    ck_assert_str_eq(at_writer_text(writer, NULL),
                     "{\"a\xEF\xBF\xBD\":\"caf\xEF\xBF\xBD\"}");
}
END_TEST

/* Around the sizes at which the buffer grows. */
START_TEST(text_of_any_length_is_kept)
{
    apr_size_t length, written;

    for (length = 0; length < 20000; length += length < 4050 ? 450 : 1) {
        at_writer_t *writer;
        apr_pool_t *scratch;
        const char *neighbour;
        char *text;

        if (length > 4150 && length < 8100) {
            length = 8100;
        }
        if (length > 8250) {
            length += 2000;
        }
        apr_pool_create(&scratch, pool);
        text = apr_pcalloc(scratch, length + 1);
        memset(text, 'x', length);
        writer = at_writer_make(scratch);
        at_write_open_array(writer);
        at_write_string(writer, text);
        /* The bytes after the buffer in the pool must not change. */
        neighbour = apr_pstrdup(scratch, "neighbour");
        at_write_close_array(writer);
        ck_assert_str_eq(at_writer_text(writer, &written),
                         apr_pstrcat(scratch, "[\"", text, "\"]",
                                     (char *)NULL));
        ck_assert_uint_eq(written, length + 4);
        ck_assert_str_eq(neighbour, "neighbour");
        apr_pool_destroy(scratch);
    }
}
END_TEST

/* A label with a text, with null, and alone, around the same sizes. */
START_TEST(a_member_of_any_length_has_room)
{
    static const char *const values[] = { "a text", NULL };
    apr_size_t length;
    int i;

    for (length = 4000; length < 4200; length++) {
        char *name = apr_pcalloc(pool, length + 1);

        memset(name, 'n', length);
        for (i = 0; i < 3; i++) {
            at_label_t label = at_write_label(pool, name);
            at_writer_t *writer = at_writer_make(pool);
            /* It is after the buffer. */
            const char *neighbour = apr_pstrdup(pool, "neighbour");

            at_write_open_object(writer);
            if (i < 2) {
                at_write_text_member(writer, &label, values[i]);
            }
            else {
                at_write_name(writer, &label);
                at_write_boolean(writer, 1);
            }
            ck_assert_str_eq(neighbour, "neighbour");
            at_write_text_member(writer, &label, "");
            at_write_close_object(writer);
            ck_assert_str_eq(at_writer_text(writer, NULL),
                apr_pstrcat(pool, "{\"", name, "\":", i == 0 ? "\"a text\""
                            : i == 1 ? "null" : "true", ",\"", name,
                            "\":\"\"}", (char *)NULL));
        }
    }
}
END_TEST

START_TEST(a_label_is_a_members_name_only)
{
    at_label_t label = at_write_label(pool, "a\"b");
    at_writer_t *writer = at_writer_make(pool);

    at_write_open_object(writer);
    at_write_name(writer, &label);
    at_write_open_array(writer);
    at_write_close_array(writer);
    at_write_text_member(writer, &label, "c\n");
    at_write_close_object(writer);
    ck_assert_str_eq(at_writer_text(writer, NULL),
                     "{\"a\\\"b\":[],\"a\\\"b\":\"c\\n\"}");

    writer = at_writer_make(pool);
    at_write_open_array(writer);
    at_write_text_member(writer, &label, "c");
    ck_assert_ptr_null(at_writer_text(writer, NULL));

    writer = at_writer_make(pool);
    at_write_open_object(writer);
    at_write_name(writer, &label);
    at_write_name(writer, &label);        /* where the value should be */
    ck_assert_ptr_null(at_writer_text(writer, NULL));
}
END_TEST

START_TEST(a_tree_is_written_as_it_was_read)
{
    static const char text[] =
        "{\"z\":[1,-0,0.10,1E5,[],{}],\"a\":{\"y\":null,\"x\":true},"
        "\"\":\"\xCE\xB1\",\"t\":false}";
    at_writer_t *writer = at_writer_make(pool);

    at_write_json(writer, test_json(text));
    ck_assert_str_eq(at_writer_text(writer, NULL), text);
}
END_TEST

START_TEST(what_makes_no_json_is_noticed)
{
    at_writer_t *writer = at_writer_make(pool);

    at_write_open_object(writer);
    at_write_null(writer);                /* no name before it */
    at_write_close_object(writer);
    ck_assert_ptr_null(at_writer_text(writer, NULL));

    writer = at_writer_make(pool);
    at_write_open_object(writer);
    at_write_as_is(writer, "1");
    ck_assert_ptr_null(at_writer_text(writer, NULL));
    at_write_string(writer, "a");         /* too late */
    at_write_as_is(writer, "1");
    at_write_close_object(writer);
    ck_assert_ptr_null(at_writer_text(writer, NULL));
}
END_TEST

/* A text goes in; the value that it is read back as comes out again. */
START_TEST(each_byte_of_a_string_is_written_as_json_wants_it)
{
    at_writer_t *writer = at_writer_make(pool);
    char text[160], *to = text;
    at_json_t *read;
    int i;

    at_write_string(writer, "\b\f\n\r\t\"\\/\x01\x1F\x7F\xCE\xB1\x02");
    ck_assert_str_eq(at_writer_text(writer, NULL),
                     "\"\\b\\f\\n\\r\\t\\\"\\\\/\\u0001\\u001F\x7F\xCE\xB1"
                     "\\u0002\"");
    for (i = 1; i < 0x80; i++) {
        *to++ = (char)i;
    }
    *to = '\0';
    writer = at_writer_make(pool);
    at_write_open_array(writer);
    at_write_string(writer, text);
    at_write_close_array(writer);
    read = test_json(at_writer_text(writer, NULL));
    ck_assert_str_eq(APR_ARRAY_IDX(read->elements, 0, at_json_t *)->text,
                     text);
}
END_TEST

START_TEST(brackets_have_to_match)
{
    at_writer_t *writer;
    int depth;

    writer = at_writer_make(pool);
    at_write_open_object(writer);
    at_write_close_array(writer);
    ck_assert_ptr_null(at_writer_text(writer, NULL));

    writer = at_writer_make(pool);
    at_write_close_object(writer);
    ck_assert_ptr_null(at_writer_text(writer, NULL));

    writer = at_writer_make(pool);
    at_write_open_object(writer);
    at_write_string(writer, "a");         /* a name without a value */
    at_write_close_object(writer);
    ck_assert_ptr_null(at_writer_text(writer, NULL));

    writer = at_writer_make(pool);
    at_write_null(writer);
    at_write_null(writer);                /* two texts */
    ck_assert_ptr_null(at_writer_text(writer, NULL));

    writer = at_writer_make(pool);
    for (depth = 0; depth < AT_WRITE_DEPTH; depth++) {
        at_write_open_array(writer);
    }
    ck_assert_ptr_nonnull(at_writer_text(writer, NULL));
    at_write_open_array(writer);
    ck_assert_ptr_null(at_writer_text(writer, NULL));
}
END_TEST

/* The buffers that a writer has had, and what was seen of them. */
typedef struct {
    const char *buffers[16];
    int count;
    int was_wiped;
} watch_t;

static int is_wiped(const char *buffer, apr_size_t size)
{
    apr_size_t i;

    for (i = 0; i < size; i++) {
        if (buffer[i]) {
            return 0;
        }
    }
    return 1;
}

/* Runs after the cleanup of what was made later. */
static apr_status_t look(void *data)
{
    watch_t *watch = data;

    watch->was_wiped = is_wiped(watch->buffers[watch->count - 1], 4096);
    return APR_SUCCESS;
}

START_TEST(what_is_secret_is_wiped)
{
    watch_t watch = { { NULL }, 0, 0 };
    apr_pool_t *scratch;
    at_writer_t *writer;
    int i;

    apr_pool_create(&scratch, pool);
    apr_pool_cleanup_register(scratch, &watch, look, apr_pool_cleanup_null);
    writer = at_writer_make_secret(scratch);
    at_write_open_array(writer);
    for (i = 0; i < 2000; i++) {
        const char *buffer;

        at_write_string(writer, "a secret of some length");
        buffer = at_writer_text(writer, NULL);
        if (watch.count == 0 || watch.buffers[watch.count - 1] != buffer) {
            ck_assert_int_lt(watch.count, 16);
            watch.buffers[watch.count++] = buffer;
        }
    }
    ck_assert_int_ge(watch.count, 3);
    for (i = 0; i < watch.count - 1; i++) {
        ck_assert_msg(is_wiped(watch.buffers[i], 4096), "buffer %d", i);
    }
    ck_assert(has(watch.buffers[watch.count - 1], "a secret"));
    apr_pool_destroy(scratch);
    ck_assert(watch.was_wiped);
}
END_TEST

int main(void)
{
    TCase *tests = test_begin("test_write");

    tcase_add_test(tests, every_kind_of_value_is_written);
    tcase_add_test(tests, strings_read_back_as_they_were);
    tcase_add_test(tests,
                   bytes_that_are_not_utf8_become_replacement_characters);
    tcase_add_test(tests, text_of_any_length_is_kept);
    tcase_add_test(tests, a_member_of_any_length_has_room);
    tcase_add_test(tests, a_label_is_a_members_name_only);
    tcase_add_test(tests, a_tree_is_written_as_it_was_read);
    tcase_add_test(tests, what_makes_no_json_is_noticed);
    tcase_add_test(tests, each_byte_of_a_string_is_written_as_json_wants_it);
    tcase_add_test(tests, brackets_have_to_match);
    tcase_add_test(tests, what_is_secret_is_wiped);
    return test_end(tests);
}
