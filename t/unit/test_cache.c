/* SPDX-License-Identifier: Apache-2.0 */
/* The head comment of at_cache.h: what it keeps, how long, and how much. */
#include "test_support.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <apr_allocator.h>
#include <apr_thread_proc.h>

#include "at_cache.h"

#define SECOND APR_USEC_PER_SEC

/* A cache of rows of two, which live for 10 seconds, CAPACITY each half. */
static at_cache_t *make(int capacity)
{
    at_cache_t *cache = at_cache_make(2, capacity, 10 * SECOND, pool);

    ck_assert_ptr_nonnull(cache);
    return cache;
}

static void put(at_cache_t *cache, const char *key, const char *one,
                const char *other, apr_time_t now)
{
    const char *values[2];

    values[0] = one;
    values[1] = other;
    at_cache_put(cache, key, values, now);
}

/* The row of KEY in one line, "a b"; "-" for NULL; "none". */
static const char *get(at_cache_t *cache, const char *key, apr_time_t now)
{
    const char **values = at_cache_get(cache, key, now, pool);

    return values ? apr_pstrcat(pool, values[0] ? values[0] : "-", " ",
                                values[1] ? values[1] : "-", (char *)NULL)
                  : "none";
}

static const char *key_of(int number)
{
    return apr_psprintf(pool, "key-%d", number);
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
    const char **values;
    apr_pool_t *callers;
    int i;

    put(cache, key, one, other, 0);
    *key = *one = *other = 'x';
    ck_assert_str_eq(get(cache, "k", 0), "a b");
    ck_assert_str_eq(get(cache, "x", 0), "none");
    apr_pool_create(&callers, pool);
    values = at_cache_get(cache, "k", 0, callers);
    /* it is replaced, and the memory of both generations goes */
    for (i = 0; i < 100; i++) {
        put(cache, "k", "z", "z", 0);
        put(cache, key_of(i), "z", "z", 0);
    }
    ck_assert_str_eq(values[0], "a");
    ck_assert_str_eq(values[1], "b");
    values[0] = "y";
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
    at_cache_t *cache = make(1);

    put(cache, "k", "a", "b", 0);
    put(cache, "l", "c", "d", 0);
    put(cache, "m", "e", "f", 0);
    ck_assert_str_eq(get(cache, "m", 0), "e f");
    ck_assert_str_eq(get(cache, "k", 0), "none");
}
END_TEST

START_TEST(caches_know_nothing_of_each_other)
{
    at_cache_t *one = make(10), *other = at_cache_make(1, 10, SECOND, pool);
    const char *value = "c";

    put(one, "k", "a", "b", 0);
    ck_assert_ptr_null(at_cache_get(other, "k", 0, pool));
    at_cache_put(other, "k", &value, 0);
    ck_assert_str_eq(at_cache_get(other, "k", 0, pool)[0], "c");
    ck_assert_str_eq(get(one, "k", 0), "a b");
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
    apr_pool_t *callers;
    char key[40];
    int i;

    apr_pool_create(&callers, pool);
    for (i = from; i < to; i++) {
        snprintf(key, sizeof(key), "key-%d", i);
        put(cache, key, text, text, 0);
        snprintf(key, sizeof(key), "key-%d", i - i % 1000);
        at_cache_get(cache, key, 0, callers);
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
    const char *pair[2];
    const char **values = at_cache_get(worker->cache, key, 0, worker->pool);

    if (values) {
        worker->found++;
        worker->wrong += strcmp(values[0], key) || strcmp(values[1], key);
    }
    if (!values || random % 7 == 0) {
        pair[0] = pair[1] = key;
        at_cache_put(worker->cache, key, pair, 0);
    }
    /* what was read is the caller's, whatever others do */
    if (values) {
        worker->wrong += strcmp(values[0], key) || strcmp(values[1], key);
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
    tcase_add_test(tests, caches_know_nothing_of_each_other);
    tcase_add_test(tests, a_million_rows_take_no_more_memory_than_a_few);
    tcase_add_test(tests, the_same_row_again_and_again_takes_no_memory);
    tcase_add_test(tests, a_cache_goes_with_its_pool);
    tcase_add_test(tests, threads_do_not_disturb_each_other);
    return test_end(tests);
}
