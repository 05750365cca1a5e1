/* SPDX-License-Identifier: Apache-2.0 */
#include "at_allocator.h"

#include <apr_allocator.h>

/* A thread that was interrupted while it locked the mutex may own it without
 * knowing. So what is left of the child's end must not need it. */
static apr_status_t take_away(void *data)
{
    apr_allocator_mutex_set(data, NULL);
    return APR_SUCCESS;
}

int at_allocator_is_shared(apr_pool_t *pool)
{
    return apr_allocator_mutex_get(apr_pool_allocator_get(pool)) != NULL;
}

apr_status_t at_allocator_share(apr_thread_mutex_t **mutex, apr_pool_t *pool)
{
    apr_allocator_t *allocator = apr_pool_allocator_get(pool);
    apr_status_t status;

    *mutex = NULL;
    if (at_allocator_is_shared(pool)) {
        return APR_SUCCESS;
    }
    status = apr_thread_mutex_create(mutex, APR_THREAD_MUTEX_NESTED, pool);
    if (status == APR_SUCCESS) {
        apr_allocator_mutex_set(allocator, *mutex);
        apr_pool_pre_cleanup_register(pool, allocator, take_away);
    }
    return status;
}

void at_allocator_let_go(apr_thread_mutex_t *mutex)
{
    /* Only the owner of a nested mutex can unlock it. */
    while (mutex && apr_thread_mutex_unlock(mutex) == APR_SUCCESS) {
        continue;
    }
}

apr_status_t at_allocator_make_pool(apr_pool_t **pool, apr_pool_t *parent)
{
    apr_allocator_t *allocator;
    apr_status_t status = apr_allocator_create(&allocator);

    if (status != APR_SUCCESS) {
        return status;
    }
    status = apr_pool_create_ex(pool, parent, NULL, allocator);
    if (status != APR_SUCCESS) {
        apr_allocator_destroy(allocator);
        return status;
    }
    apr_allocator_owner_set(allocator, *pool);
    return APR_SUCCESS;
}
