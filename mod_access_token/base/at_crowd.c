/* SPDX-License-Identifier: Apache-2.0 */
#include "at_crowd.h"

#include <apr_atomic.h>

/* One thread in so many never waits to hash, or never waits long for a
 * connection. */
#define NOT_HASHING 4U
#define NOT_WAITING 8U

void at_crowd_make(at_crowd_t *crowd, int threads, int loses)
{
    crowd->threads = (apr_uint32_t)threads;
    crowd->loses = loses;
    crowd->calls = 0;
    crowd->connections = 0;
    crowd->crowded = 0;
}

/* All threads but one in PART, rounded up. */
static apr_uint32_t all_but(const at_crowd_t *crowd, apr_uint32_t part)
{
    return crowd->threads > 1
           ? crowd->threads - (crowd->threads + part - 1) / part : 1;
}

int at_crowd_hashing_places(const at_crowd_t *crowd)
{
    return (int)all_but(crowd, NOT_HASHING);
}

int at_crowd_places(const at_crowd_t *crowd)
{
    return (int)all_but(crowd, NOT_WAITING);
}

void at_crowd_enter(at_crowd_t *crowd)
{
    apr_atomic_inc32(&crowd->calls);
}

void at_crowd_leave(at_crowd_t *crowd)
{
    apr_atomic_dec32(&crowd->calls);
}

int at_crowd_may_wait(const at_crowd_t *crowd)
{
    return crowd->calls <= all_but(crowd, NOT_WAITING);
}

void at_crowd_connect(at_crowd_t *crowd)
{
    apr_atomic_inc32(&crowd->connections);
}

void at_crowd_disconnect(at_crowd_t *crowd)
{
    apr_atomic_dec32(&crowd->connections);
}

/* While few calls are under way, a thread is idle when a kept connection needs
 * it, however many are kept. */
int at_crowd_closes(at_crowd_t *crowd, apr_time_t now)
{
    apr_uint32_t second = (apr_uint32_t)apr_time_sec(now);

    if (!crowd->loses) {
        return 0;
    }
    if (crowd->calls > crowd->threads / NOT_WAITING
        && crowd->connections > all_but(crowd, NOT_WAITING)) {
        apr_atomic_set32(&crowd->crowded, second);
    }
    return crowd->crowded && second - crowd->crowded <= 1;
}
