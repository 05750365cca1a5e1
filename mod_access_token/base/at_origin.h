/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which site a browser sends for: the headers Origin (RFC 6454) and
 * Sec-Fetch-Site. A browser adds the credentials that Apache's authentication
 * asks for to what any site makes it send; these headers tell of which.
 */
#ifndef AT_ORIGIN_H
#define AT_ORIGIN_H

#include <apr_pools.h>
#include <apr_tables.h>

/** What a request says of where it comes from. */
typedef struct at_origin_t {
    const char *origin;       /* Origin, or NULL */
    const char *fetch_site;   /* Sec-Fetch-Site, or NULL */
    const char *host;         /* Host, or NULL */
    int is_https;             /* it came by TLS as far as here */
} at_origin_t;

/**
 * The origin TEXT, `scheme://host[:port]`, in its one form in POOL: lower case,
 * without the port that http or https has anyway. NULL if it is none: `null`,
 * a URL with a path, characters that are not ASCII.
 */
const char *at_origin_read(const char *text, apr_pool_t *pool);

/**
 * True if REQUEST says that another site sends it, and its origin is none of
 * TRUSTED (of const char *, as at_origin_read gives them; or NULL). One that
 * says nothing of where it comes from is no browser's. Where a balancer may
 * have ended TLS, http and https of the same host are one site. POOL is for
 * work.
 */
int at_origin_is_foreign(const at_origin_t *request,
                         const apr_array_header_t *trusted,
                         apr_pool_t *pool);

#endif /* AT_ORIGIN_H */
