/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Time for deadlines and intervals. The time of day, apr_time_now(), may be
 * set: a wait that goes by it would last longer by as much as it is set back.
 * It is for what is stored, or compared with what is stored.
 */
#ifndef AT_CLOCK_H
#define AT_CLOCK_H

#include <apr_time.h>

/**
 * The time in microseconds since a moment that is the same for all processes
 * of the system. Nobody can set it. It is never less than a second, so that 0
 * can mean that there is no time.
 */
apr_time_t at_clock_now(void);

#endif /* AT_CLOCK_H */
