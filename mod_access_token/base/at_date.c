/* SPDX-License-Identifier: Apache-2.0 */
#include "at_date.h"

#include <string.h>

#include <apr_lib.h>
#include <apr_strings.h>

#define MIDNIGHT "T00:00:00"

/* True if TEXT has the shape of MODEL, in which 0 is any digit. */
static int has_shape(const char *text, const char *model)
{
    for (; *model; model++, text++) {
        if (*model == '0' ? !apr_isdigit(*text) : *text != *model) {
            return 0;
        }
    }
    return *text == '\0';
}

static int two_digits(const char *text)
{
    return (text[0] - '0') * 10 + text[1] - '0';
}

/*
 * APR knows the calendar only from 1970 on. The calendar repeats every 400
 * years, so the check moves the year to 2000-2399. The date is real if APR
 * converts it to a time and back without a change.
 */
static int is_real(const char *text)
{
    apr_time_exp_t given, real;
    apr_time_t time;
    int year = two_digits(text) * 100 + two_digits(text + 2);

    memset(&given, 0, sizeof(given));
    given.tm_year = 100 + year % 400;
    given.tm_mon = two_digits(text + 5) - 1;
    given.tm_mday = two_digits(text + 8);
    given.tm_hour = two_digits(text + 11);
    given.tm_min = two_digits(text + 14);
    given.tm_sec = two_digits(text + 17);
    return year >= 1000
           && given.tm_mon >= 0 && given.tm_mon < 12
           && apr_time_exp_get(&time, &given) == APR_SUCCESS
           && apr_time_exp_gmt(&real, time) == APR_SUCCESS
           && real.tm_mday == given.tm_mday
           && real.tm_mon == given.tm_mon
           && real.tm_hour == given.tm_hour
           && real.tm_min == given.tm_min
           && real.tm_sec == given.tm_sec;
}

const char *at_date_parse(apr_pool_t *pool, const char *text)
{
    const char *full;

    if (has_shape(text, "0000-00-00")) {
        full = apr_pstrcat(pool, text, MIDNIGHT, (char *)NULL);
    }
    else if (has_shape(text, "0000-00-00T00:00:00")) {
        full = apr_pstrdup(pool, text);
    }
    else {
        return NULL;
    }
    return is_real(full) ? full : NULL;
}

const char *at_date_format(apr_pool_t *pool, apr_time_t time)
{
    apr_time_exp_t utc;

    apr_time_exp_gmt(&utc, time);
    return apr_psprintf(pool, "%04d-%02d-%02dT%02d:%02d:%02d",
                        utc.tm_year + 1900, utc.tm_mon + 1, utc.tm_mday,
                        utc.tm_hour, utc.tm_min, utc.tm_sec);
}
