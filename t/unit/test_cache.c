/* SPDX-License-Identifier: Apache-2.0 */
/* The head comment of at_cache.h: what it keeps, how long or under which
 * revision, and how much. */
#include "test_support.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <apr_allocator.h>
#include <apr_thread_proc.h>

#include "at_cache.h"

#define SECOND APR_USEC_PER_SEC

/* About what an entry of these tests takes, with keys of seven bytes. */
#define ENTRY 150

static at_cache_key_t key_from(const char *text)
{
    at_cache_key_t key = { text, strlen(text) };

    return key;
}

/* A cache whose entries live for 10 seconds, COUNT of them in each half. */
static at_cache_t *make(int count)
{
    at_cache_t *cache = at_cache_make(ENTRY * (apr_size_t)count, 10 * SECOND,
                                      pool);

    ck_assert_ptr_nonnull(cache);
    return cache;
}

static void put_under(at_cache_t *cache, const char *revision,
                      const char *key, const char *one, const char *other,
                      apr_time_t now)
{
    const char *pair[2];
    at_cache_values_t values = { pair, 2 };

    pair[0] = one;
    pair[1] = other;
    at_cache_put(cache, key_from(key), revision, now, values);
}

static void put(at_cache_t *cache, const char *key, const char *one,
                const char *other, apr_time_t now)
{
    put_under(cache, NULL, key, one, other, now);
}

/* The entry of KEY under REVISION in one line, "a b"; "-" for NULL; "none". */
static const char *get_under(at_cache_t *cache, const char *revision,
                             const char *key, apr_time_t now)
{
    at_cache_values_t found;

    if (!at_cache_get(cache, key_from(key), revision, now, &found, pool)) {
        return "none";
    }
    ck_assert_int_eq(found.count, 2);
    return apr_pstrcat(pool, found.values[0] ? found.values[0] : "-", " ",
                       found.values[1] ? found.values[1] : "-", (char *)NULL);
}

static const char *get(at_cache_t *cache, const char *key, apr_time_t now)
{
    return get_under(cache, NULL, key, now);
}

static const char *key_of(int number)
{
    return apr_psprintf(pool, "key-%03d", number);
}

START_TEST(what_was_put_in_is_there)
{
    at_cache_t *cache = make(10);

    ck_assert_str_eq(get(cache, "k", 0), "none");
    put(cache, "k", "a", "b", 0);
    put(cache, "l", "c", "", 0);
    ck_assert_str_eq(get(cache, "k", 0), "a b");
    ck_assert_str_eq(get(cache, "l", 0), "c ");
    ck_assert_str_eq(get(cache, "m", 0), "none");
    ck_assert_str_eq(get(cache, "", 0), "none");
    put(cache, "", "d", "e", 0);
    ck_assert_str_eq(get(cache, "", 0), "d e");
}
END_TEST

START_TEST(null_stays_null)
{
    at_cache_t *cache = make(10);

    put(cache, "k", NULL, "b", 0);
    put(cache, "l", NULL, NULL, 0);
    ck_assert_str_eq(get(cache, "k", 0), "- b");
    ck_assert_str_eq(get(cache, "l", 0), "- -");
}
END_TEST

START_TEST(a_row_lives_for_its_lifetime)
{
    at_cache_t *cache = make(10);
    apr_time_t now = apr_time_now();

    put(cache, "k", "a", "b", now);
    ck_assert_str_eq(get(cache, "k", now + 10 * SECOND - 1), "a b");
    ck_assert_str_eq(get(cache, "k", now + 10 * SECOND), "none");
    ck_assert_str_eq(get(cache, "k", now + 99 * SECOND), "none");
    /* to be asked for does not make it live longer, another row does */
    put(cache, "k", "c", "d", now + 9 * SECOND);
    ck_assert_str_eq(get(cache, "k", now + 10 * SECOND), "c d");
    ck_assert_str_eq(get(cache, "k", now + 19 * SECOND), "none");
}
END_TEST

START_TEST(a_row_replaces_an_older_one)
{
    at_cache_t *cache = make(10);

    put(cache, "k", "a", "b", 0);
    put(cache, "k", "c", NULL, 0);
    ck_assert_str_eq(get(cache, "k", 0), "c -");
}
END_TEST

START_TEST(rows_are_copied_on_the_way_in_and_out)
{
    at_cache_t *cache = make(2);
    char key[] = "k", one[] = "a", other[] = "b";
    at_cache_values_t found;
    apr_pool_t *callers;
    int i;

    put(cache, key, one, other, 0);
    *key = *one = *other = 'x';
    ck_assert_str_eq(get(cache, "k", 0), "a b");
    ck_assert_str_eq(get(cache, "x", 0), "none");
    apr_pool_create(&callers, pool);
    ck_assert(at_cache_get(cache, key_from("k"), NULL, 0, &found, callers));
    /* it is replaced, and the memory of both generations goes */
    for (i = 0; i < 100; i++) {
        put(cache, "k", "z", "z", 0);
        put(cache, key_of(i), "z", "z", 0);
    }
    ck_assert_str_eq(found.values[0], "a");
    ck_assert_str_eq(found.values[1], "b");
    found.values[0] = "y";
    apr_pool_destroy(callers);
    ck_assert_str_eq(get(cache, "k", 0), "z z");
}
END_TEST

START_TEST(what_was_put_in_last_is_there)
{
    at_cache_t *cache = make(10);
    int i;

    for (i = 0; i < 1000; i++) {
        put(cache, key_of(i), key_of(i), "b", 0);
    }
    for (i = 990; i < 1000; i++) {
        ck_assert_str_eq(get(cache, key_of(i), 0),
                         apr_pstrcat(pool, key_of(i), " b", (char *)NULL));
    }
}
END_TEST

/* A new cache for each look, since what is found in the older generation is
 * put into the younger. */
START_TEST(there_are_two_generations)
{
    int i, wanted;

    for (wanted = 0; wanted < 45; wanted++) {
        at_cache_t *cache = make(10);

        for (i = 0; i < 45; i++) {
            put(cache, key_of(i), "a", "b", 0);
        }
        ck_assert_msg(!strcmp(get(cache, key_of(wanted), 0),
                              wanted < 30 ? "none" : "a b"), "%d", wanted);
    }
}
END_TEST

START_TEST(what_is_asked_for_stays)
{
    at_cache_t *cache = make(10);
    int i;

    put(cache, "asked", "a", "b", 0);
    put(cache, "forgotten", "a", "b", 0);
    for (i = 0; i < 1000; i++) {
        put(cache, key_of(i), "c", "d", 0);
        ck_assert_str_eq(get(cache, "asked", 0), "a b");
    }
    ck_assert_str_eq(get(cache, "forgotten", 0), "none");
}
END_TEST

START_TEST(what_stays_does_not_live_longer)
{
    at_cache_t *cache = make(2);
    int i;

    put(cache, "k", "a", "b", 0);
    for (i = 0; i < 5; i++) {
        put(cache, key_of(i), "c", "d", 0);
        ck_assert_str_eq(get(cache, "k", 9 * SECOND), "a b");
    }
    ck_assert_str_eq(get(cache, "k", 10 * SECOND), "none");
}
END_TEST

/* The newer row is found, whichever generation the older one is in. */
START_TEST(no_older_row_comes_back)
{
    at_cache_t *cache = make(2);

    put(cache, "k", "old", "old", 0);
    put(cache, "l", "c", "d", 0);
    put(cache, "m", "c", "d", 0);
    put(cache, "k", "new", "new", 5 * SECOND);
    ck_assert_str_eq(get(cache, "k", 6 * SECOND), "new new");
    put(cache, "n", "c", "d", 5 * SECOND);
    ck_assert_str_eq(get(cache, "k", 6 * SECOND), "new new");
    ck_assert_str_eq(get(cache, "k", 12 * SECOND), "new new");
}
END_TEST

START_TEST(the_smallest_cache_keeps_the_last_row)
{
    at_cache_t *cache = make(2);

    put(cache, "k", "a", "b", 0);
    put(cache, "l", "c", "d", 0);
    put(cache, "m", "e", "f", 0);
    put(cache, "n", "g", "h", 0);
    put(cache, "o", "i", "j", 0);
    ck_assert_str_eq(get(cache, "o", 0), "i j");
    ck_assert_str_eq(get(cache, "k", 0), "none");
}
END_TEST

/* It would push out all others. */
START_TEST(what_is_too_large_is_not_kept)
{
    at_cache_t *cache = make(10);
    char large[5 * ENTRY + 1];

    memset(large, 'x', sizeof(large));
    large[sizeof(large) - 1] = '\0';
    put(cache, "k", "a", "b", 0);
    put(cache, "large", large, "b", 0);
    put_under(cache, large, "r", "a", "b", 0);
    ck_assert_str_eq(get(cache, "large", 0), "none");
    ck_assert_str_eq(get_under(cache, large, "r", 0), "none");
    ck_assert_str_eq(get(cache, "k", 0), "a b");
    large[2 * ENTRY] = '\0';
    put(cache, "large", large, "b", 0);
    ck_assert_str_ne(get(cache, "large", 0), "none");
}
END_TEST

START_TEST(caches_know_nothing_of_each_other)
{
    at_cache_t *one = make(10);
    at_cache_t *other = at_cache_make(1000, SECOND, pool);

    put(one, "k", "a", "b", 0);
    ck_assert_str_eq(get(other, "k", 0), "none");
    put(other, "k", "c", "d", 0);
    ck_assert_str_eq(get(other, "k", 0), "c d");
    ck_assert_str_eq(get(one, "k", 0), "a b");
}
END_TEST

START_TEST(an_entry_may_have_any_number_of_values)
{
    at_cache_t *cache = at_cache_make(100000, SECOND, pool);
    const char *many[100];
    at_cache_values_t values = { many, 100 }, none = { many, 0 }, found;
    int i;

    for (i = 0; i < 100; i++) {
        many[i] = i % 3 ? key_of(i) : NULL;
    }
    at_cache_put(cache, key_from("many"), "r", 0, values);
    at_cache_put(cache, key_from("none"), "r", 0, none);
    ck_assert(at_cache_get(cache, key_from("many"), "r", 0, &found, pool));
    ck_assert_int_eq(found.count, 100);
    for (i = 0; i < 100; i++) {
        if (i % 3) {
            ck_assert_str_eq(found.values[i], many[i]);
        }
        else {
            ck_assert_ptr_null(found.values[i]);
        }
    }
    ck_assert(at_cache_get(cache, key_from("none"), "r", 0, &found, pool));
    ck_assert_int_eq(found.count, 0);
}
END_TEST

START_TEST(a_key_is_all_of_its_bytes)
{
    at_cache_t *cache = make(10);
    at_cache_key_t one = { "a\0b", 3 }, other = { "a\0c", 3 };
    const char *pair[] = { "1", "2" };
    at_cache_values_t values = { pair, 2 }, found;

    at_cache_put(cache, one, NULL, 0, values);
    ck_assert(at_cache_get(cache, one, NULL, 0, &found, pool));
    ck_assert(!at_cache_get(cache, other, NULL, 0, &found, pool));
    ck_assert_str_eq(get(cache, "a", 0), "none");
}
END_TEST

/* ---- revisions */

START_TEST(an_entry_serves_under_its_revision_only)
{
    at_cache_t *cache = make(10);

    put_under(cache, "r1", "k", "a", "b", 0);
    ck_assert_str_eq(get_under(cache, "r1", "k", 0), "a b");
    ck_assert_str_eq(get_under(cache, "r2", "k", 0), "none");
    ck_assert_str_eq(get_under(cache, "r", "k", 0), "none");
    ck_assert_str_eq(get_under(cache, "", "k", 0), "none");
    ck_assert_str_eq(get(cache, "k", 0), "none");
    /* it expires, too: someone may have forgotten the revision */
    ck_assert_str_eq(get_under(cache, "r1", "k", 10 * SECOND - 1), "a b");
    ck_assert_str_eq(get_under(cache, "r1", "k", 10 * SECOND), "none");
    /* that of another revision replaces it, the older one, too */
    put_under(cache, "r2", "k", "c", "d", 0);
    ck_assert_str_eq(get_under(cache, "r1", "k", 0), "none");
    ck_assert_str_eq(get_under(cache, "r2", "k", 0), "c d");
    put_under(cache, "r1", "k", "a", "b", 0);
    ck_assert_str_eq(get_under(cache, "r1", "k", 0), "a b");
    ck_assert_str_eq(get_under(cache, "r2", "k", 0), "none");
    /* one without is no entry under any */
    put(cache, "l", "e", "f", 0);
    ck_assert_str_eq(get_under(cache, "r1", "l", 0), "none");
}
END_TEST

START_TEST(what_stays_keeps_its_revision)
{
    at_cache_t *cache = make(3);
    char revision[] = "r1";
    int i;

    put_under(cache, revision, "k", "a", "b", 0);
    revision[1] = '2';
    for (i = 0; i < 20; i++) {
        put_under(cache, revision, key_of(i), "c", "d", 0);
        ck_assert_str_eq(get_under(cache, "r1", "k", 0), "a b");
        ck_assert_str_eq(get_under(cache, "r2", "k", 0), "none");
    }
    ck_assert_str_eq(get_under(cache, "r2", key_of(19), 0), "c d");
}
END_TEST

/* ---- memory */

/* The process's resident memory in KB. */
static long resident(void)
{
    FILE *status = fopen("/proc/self/status", "r");
    char line[200];
    long kilobytes = 0;

    ck_assert_ptr_nonnull(status);
    while (fgets(line, sizeof(line), status)) {
        if (!strncmp(line, "VmRSS:", 6)) {
            kilobytes = strtol(line + 6, NULL, 10);
        }
    }
    fclose(status);
    return kilobytes;
}

static const char text[] =
    "a text that is about as long as the columns of an object are, which "
    "is looked up by its key and then kept for a while in here";

/* A tool that watches the program takes memory as well, but far less than
 * what is looked for here. */
static void expect_less(long before, long limit)
{
    ck_assert_msg(resident() - before < limit, "%ld KB more",
                  resident() - before);
}

/* Put in the rows FROM to TO, of 400 bytes each, and ask for some. */
static void fill(at_cache_t *cache, int from, int to)
{
    at_cache_values_t found;
    apr_pool_t *callers;
    char key[40];
    int i;

    apr_pool_create(&callers, pool);
    for (i = from; i < to; i++) {
        snprintf(key, sizeof(key), "key-%d", i);
        put(cache, key, text, text, 0);
        snprintf(key, sizeof(key), "key-%d", i - i % 1000);
        (void)at_cache_get(cache, key_from(key), NULL, 0, &found, callers);
        apr_pool_clear(callers);
    }
    apr_pool_destroy(callers);
}

START_TEST(a_million_rows_take_no_more_memory_than_a_few)
{
    at_cache_t *cache = make(500);
    int count = test_rounds(1000000);
    long before;

    fill(cache, 0, count / 20);
    before = resident();
    fill(cache, count / 20, count);
    expect_less(before, count / 12);
}
END_TEST

START_TEST(the_same_row_again_and_again_takes_no_memory)
{
    at_cache_t *cache = make(500);
    int i, count = test_rounds(1000000);
    long before = 0;

    for (i = 0; i < count; i++) {
        if (i == count / 20) {
            before = resident();
        }
        put(cache, "k", text, text, i);
    }
    expect_less(before, count / 12);
}
END_TEST

START_TEST(a_cache_goes_with_its_pool)
{
    int i, count = test_rounds(1000);
    long before = 0;

    for (i = 0; i < count; i++) {
        apr_pool_t *tests = pool;

        if (i == count / 10) {
            before = resident();
        }
        apr_pool_create(&pool, tests);
        fill(make(50), 0, 200);
        apr_pool_destroy(pool);
        pool = tests;
    }
    expect_less(before, 2000 + 20 * count);
}
END_TEST

/* ---- threads */

#define THREADS 8

typedef struct {
    at_cache_t *cache;
    apr_allocator_t *allocator;
    apr_pool_t *pool;
    int number;
    int rounds;
    int found;
    int wrong;
} worker_t;

/* Rows of which both values are the key: anything else is torn. */
static void work_once(worker_t *worker, apr_uint64_t random)
{
    const char *key = apr_psprintf(worker->pool, "key-%d",
                                   (int)(random % 100));
    const char *revision = random % 2 ? "r1" : NULL;
    at_cache_values_t found;
    int is_found = at_cache_get(worker->cache, key_from(key), revision, 0,
                                &found, worker->pool);

    if (is_found) {
        worker->found++;
        worker->wrong += strcmp(found.values[0], key)
                         || strcmp(found.values[1], key);
    }
    if (!is_found || random % 7 == 0) {
        put_under(worker->cache, revision, key, key, key, 0);
    }
    /* what was read is the caller's, whatever others do */
    if (is_found) {
        worker->wrong += strcmp(found.values[0], key)
                         || strcmp(found.values[1], key);
    }
}

static void *APR_THREAD_FUNC work(apr_thread_t *thread, void *data)
{
    worker_t *worker = data;
    apr_uint64_t state = (apr_uint64_t)worker->number;
    int i;

    for (i = 0; i < worker->rounds; i++) {
        work_once(worker, test_random(&state));
        apr_pool_clear(worker->pool);
    }
    apr_thread_exit(thread, APR_SUCCESS);
    return NULL;
}

START_TEST(threads_do_not_disturb_each_other)
{
    at_cache_t *cache = make(30);
    apr_thread_t *threads[THREADS];
    worker_t workers[THREADS];
    apr_status_t result;
    int i;

    memset(workers, 0, sizeof(workers));
    for (i = 0; i < THREADS; i++) {
        workers[i].cache = cache;
        workers[i].number = i;
        workers[i].rounds = test_rounds(50000);
        /* as a request's pool: of the thread alone */
        apr_allocator_create(&workers[i].allocator);
        apr_pool_create_ex(&workers[i].pool, NULL, NULL,
                           workers[i].allocator);
        apr_allocator_owner_set(workers[i].allocator, workers[i].pool);
    }
    for (i = 0; i < THREADS; i++) {
        ck_assert_int_eq(apr_thread_create(&threads[i], NULL, work,
                                           &workers[i], pool), APR_SUCCESS);
    }
    for (i = 0; i < THREADS; i++) {
        apr_thread_join(&result, threads[i]);
        ck_assert_int_eq(workers[i].wrong, 0);
        ck_assert_int_gt(workers[i].found, 0);
        apr_pool_destroy(workers[i].pool);
    }
}
END_TEST

int main(void)
{
    TCase *tests = test_begin("test_cache");

    tcase_add_test(tests, what_was_put_in_is_there);
    tcase_add_test(tests, null_stays_null);
    tcase_add_test(tests, a_row_lives_for_its_lifetime);
    tcase_add_test(tests, a_row_replaces_an_older_one);
    tcase_add_test(tests, rows_are_copied_on_the_way_in_and_out);
    tcase_add_test(tests, what_was_put_in_last_is_there);
    tcase_add_test(tests, there_are_two_generations);
    tcase_add_test(tests, what_is_asked_for_stays);
    tcase_add_test(tests, what_stays_does_not_live_longer);
    tcase_add_test(tests, no_older_row_comes_back);
    tcase_add_test(tests, the_smallest_cache_keeps_the_last_row);
    tcase_add_test(tests, what_is_too_large_is_not_kept);
    tcase_add_test(tests, caches_know_nothing_of_each_other);
    tcase_add_test(tests, an_entry_may_have_any_number_of_values);
    tcase_add_test(tests, a_key_is_all_of_its_bytes);
    tcase_add_test(tests, an_entry_serves_under_its_revision_only);
    tcase_add_test(tests, what_stays_keeps_its_revision);
    tcase_add_test(tests, a_million_rows_take_no_more_memory_than_a_few);
    tcase_add_test(tests, the_same_row_again_and_again_takes_no_memory);
    tcase_add_test(tests, a_cache_goes_with_its_pool);
    tcase_add_test(tests, threads_do_not_disturb_each_other);
    return test_end(tests);
}
