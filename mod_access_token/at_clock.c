/* SPDX-License-Identifier: Apache-2.0 */
#include "at_clock.h"

#include <time.h>

apr_time_t at_clock_now(void)
{
    struct timespec time = { 0, 0 };

    (void)clock_gettime(CLOCK_MONOTONIC, &time);
    return apr_time_from_sec(time.tv_sec + 1) + time.tv_nsec / 1000;
}
