/* SPDX-License-Identifier: Apache-2.0 */
/* How many calls wait, and when answers close their connections. */
#include "test_support.h"

#include "at_crowd.h"

static at_crowd_t crowd;

static void set_up(void)
{
    at_crowd_make(&crowd, 32, 1);
}

static void enter(int calls)
{
    while (calls-- > 0) {
        at_crowd_enter(&crowd);
    }
}

static void connect_clients(int clients)
{
    while (clients-- > 0) {
        at_crowd_connect(&crowd);
    }
}

static int closes(int seconds)
{
    return at_crowd_closes(&crowd, apr_time_from_sec(1000 + seconds));
}

START_TEST(keeps_threads)
{
    static const struct {
        int threads, hashing_places, places;
    } cases[] = {
        { 1, 1, 1 }, { 2, 1, 1 }, { 3, 2, 2 }, { 8, 6, 7 }, { 9, 6, 7 },
        { 25, 18, 21 }, { 32, 24, 28 }
    };
    size_t i;

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        at_crowd_make(&crowd, cases[i].threads, 1);
        ck_assert_int_eq(at_crowd_hashing_places(&crowd),
                         cases[i].hashing_places);
        ck_assert_int_eq(at_crowd_places(&crowd), cases[i].places);
    }
}
END_TEST

START_TEST(lets_calls_wait)
{
    enter(28);
    ck_assert(at_crowd_may_wait(&crowd));
    enter(1);
    ck_assert(!at_crowd_may_wait(&crowd));
    at_crowd_leave(&crowd);
    ck_assert(at_crowd_may_wait(&crowd));
}
END_TEST

/* Under prefork the only call of the child may wait. */
START_TEST(lets_the_only_call_wait)
{
    at_crowd_make(&crowd, 1, 0);
    enter(1);
    ck_assert(at_crowd_may_wait(&crowd));
}
END_TEST

START_TEST(closes_connections_of_a_crowd)
{
    enter(5);
    connect_clients(28);
    ck_assert(!closes(0));
    at_crowd_connect(&crowd);
    ck_assert(closes(0));
}
END_TEST

/* The connections of a balancer, of which few have a call. */
START_TEST(keeps_connections_without_calls)
{
    enter(4);
    connect_clients(90);
    ck_assert(!closes(0));
}
END_TEST

/* As soon as some are closed, new ones take their place. */
START_TEST(closes_for_a_while)
{
    enter(5);
    connect_clients(29);
    ck_assert(closes(0));
    at_crowd_disconnect(&crowd);
    at_crowd_leave(&crowd);
    ck_assert(closes(1));
    ck_assert(!closes(2));
}
END_TEST

/* Where a kept connection has a thread, there is no need to close any. */
START_TEST(closes_nothing_that_has_a_thread)
{
    at_crowd_make(&crowd, 32, 0);
    enter(32);
    connect_clients(32);
    ck_assert(!closes(0));
}
END_TEST

int main(void)
{
    TCase *tests = test_begin("test_crowd");

    tcase_add_checked_fixture(tests, set_up, NULL);
    tcase_add_test(tests, keeps_threads);
    tcase_add_test(tests, lets_calls_wait);
    tcase_add_test(tests, lets_the_only_call_wait);
    tcase_add_test(tests, closes_connections_of_a_crowd);
    tcase_add_test(tests, keeps_connections_without_calls);
    tcase_add_test(tests, closes_for_a_while);
    tcase_add_test(tests, closes_nothing_that_has_a_thread);
    return test_end(tests);
}
