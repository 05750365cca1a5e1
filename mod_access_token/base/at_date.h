/* SPDX-License-Identifier: Apache-2.0 */
/* Dates and times as the contract writes them: UTC, without a zone. */
#ifndef AT_DATE_H
#define AT_DATE_H

#include <apr_pools.h>
#include <apr_time.h>

/**
 * Read TEXT, `YYYY-MM-DD` or `YYYY-MM-DDThh:mm:ss`: a real day of the
 * Gregorian calendar, years 1000 to 9999, no zone, no leap second. Returns
 * it as `YYYY-MM-DDThh:mm:ss` in POOL (midnight when it gives no time), or
 * NULL if TEXT is not such a date.
 */
const char *at_date_parse(apr_pool_t *pool, const char *text);

/** TIME (microseconds since 1970, UTC) as `YYYY-MM-DDThh:mm:ss` in POOL. */
const char *at_date_format(apr_pool_t *pool, apr_time_t time);

#endif /* AT_DATE_H */
