/* SPDX-License-Identifier: Apache-2.0 */
/* Memory for more threads than one, and its end in the middle. */
#include "test_support.h"

#include <pthread.h>
#include <string.h>

#include <apr_allocator.h>
#include <apr_pools.h>

#include "at_allocator.h"

#define ROUNDS 100000

static apr_pool_t *child;        /* as that of a child of the prefork MPM */
static apr_thread_mutex_t *mutex;
static int is_done;

static void set_up(void)
{
    apr_allocator_t *allocator;

    ck_assert_int_eq(apr_allocator_create(&allocator), APR_SUCCESS);
    ck_assert_int_eq(apr_pool_create_ex(&child, pool, NULL, allocator),
                     APR_SUCCESS);
    apr_allocator_owner_set(allocator, child);
    is_done = 0;
}

/* What a request does, and what opening a connection does. */
static void *make_pools(void *data)
{
    int i;

    for (i = 0; i < ROUNDS; i++) {
        apr_pool_t *one, *other;

        apr_pool_create(&one, child);
        apr_pool_create(&other, one);
        memset(apr_palloc(other, 9000), i, 9000);
        memset(apr_palloc(one, 300), i, 300);
        apr_pool_destroy(one);
    }
    is_done = 1;
    return data;
}

START_TEST(two_threads_may_make_pools)
{
    pthread_t thread;

    ck_assert(!at_allocator_is_shared(child));
    ck_assert_int_eq(at_allocator_share(&mutex, child), APR_SUCCESS);
    ck_assert(at_allocator_is_shared(child));
    ck_assert_ptr_nonnull(mutex);
    ck_assert_int_eq(pthread_create(&thread, NULL, make_pools, NULL), 0);
    make_pools(NULL);
    pthread_join(thread, NULL);
    apr_pool_destroy(child);
}
END_TEST

START_TEST(what_has_a_mutex_keeps_it)
{
    apr_thread_mutex_t *own;

    apr_thread_mutex_create(&own, APR_THREAD_MUTEX_DEFAULT, child);
    apr_allocator_mutex_set(apr_pool_allocator_get(child), own);
    ck_assert(at_allocator_is_shared(child));
    ck_assert_int_eq(at_allocator_share(&mutex, child), APR_SUCCESS);
    ck_assert_ptr_null(mutex);
    ck_assert_ptr_eq(apr_allocator_mutex_get(apr_pool_allocator_get(child)),
                     own);
    at_allocator_let_go(mutex);
    apr_pool_destroy(child);
}
END_TEST

static pthread_t waiting;

/* As at_opener_end: the thread ends before the pool does. */
static apr_status_t end_thread(void *data)
{
    at_allocator_let_go(data);
    pthread_join(waiting, NULL);
    return APR_SUCCESS;
}

/* The handler of a signal that has interrupted this thread in the allocator,
 * while another one waits for that. */
START_TEST(a_thread_that_was_interrupted_in_it_lets_go)
{
    ck_assert_int_eq(at_allocator_share(&mutex, child), APR_SUCCESS);
    apr_pool_pre_cleanup_register(child, mutex, end_thread);
    apr_thread_mutex_lock(mutex);
    apr_thread_mutex_lock(mutex);
    ck_assert_int_eq(pthread_create(&waiting, NULL, make_pools, NULL), 0);
    apr_sleep(apr_time_from_msec(50));
    ck_assert(!is_done);
    apr_pool_destroy(child);
    ck_assert(is_done);
}
END_TEST

static void *lock_and_end(void *data)
{
    apr_thread_mutex_lock(mutex);
    return data;
}

static apr_status_t let_go(void *data)
{
    at_allocator_let_go(data);
    return APR_SUCCESS;
}

/* Interrupted between two instructions of locking, it is nobody's. */
START_TEST(the_rest_of_the_end_needs_no_mutex)
{
    apr_pool_t *request;

    ck_assert_int_eq(at_allocator_share(&mutex, child), APR_SUCCESS);
    apr_pool_pre_cleanup_register(child, mutex, let_go);
    apr_pool_create(&request, child);
    ck_assert_int_eq(pthread_create(&waiting, NULL, lock_and_end, NULL), 0);
    pthread_join(waiting, NULL);
    apr_pool_destroy(child);
}
END_TEST

/* Else another thread could not use it beside its parent. */
START_TEST(a_pool_of_its_own_memory_takes_none_of_its_parent)
{
    apr_pool_t *own;

    ck_assert_int_eq(at_allocator_make_pool(&own, child), APR_SUCCESS);
    ck_assert_ptr_eq(apr_pool_parent_get(own), child);
    ck_assert_ptr_ne(apr_pool_allocator_get(own),
                     apr_pool_allocator_get(child));
    /* Freed with the pool, as valgrind and the sanitizers would tell. */
    ck_assert_ptr_eq(apr_allocator_owner_get(apr_pool_allocator_get(own)),
                     own);
    apr_pool_destroy(child);
}
END_TEST

int main(void)
{
    TCase *tests = test_begin("test_allocator");

    tcase_add_checked_fixture(tests, set_up, NULL);
    tcase_set_timeout(tests, 60);
    tcase_add_test(tests, two_threads_may_make_pools);
    tcase_add_test(tests, what_has_a_mutex_keeps_it);
    tcase_add_test(tests, a_thread_that_was_interrupted_in_it_lets_go);
    tcase_add_test(tests, the_rest_of_the_end_needs_no_mutex);
    tcase_add_test(tests, a_pool_of_its_own_memory_takes_none_of_its_parent);
    return test_end(tests);
}
