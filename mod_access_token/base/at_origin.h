/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The site whose page made a browser send a request, by the headers Origin
 * (RFC 6454) and Sec-Fetch-Site. A browser adds the credentials for httpd's
 * authentication to the requests of any site's pages, so a foreign site could
 * act for its user; these headers name the site.
 */
#ifndef AT_ORIGIN_H
#define AT_ORIGIN_H

#include <apr_pools.h>
#include <apr_tables.h>

/** The headers of a request that say where it comes from. */
typedef struct at_origin_t {
    const char *origin;       /* Origin, or NULL */
    const char *fetch_site;   /* Sec-Fetch-Site, or NULL */
    const char *host;         /* Host, or NULL */
    int is_https;             /* it reached this server by TLS */
} at_origin_t;

/**
 * The origin TEXT, `scheme://host[:port]`, in its normal form in POOL: lower
 * case, and without the default port of http or https. NULL if TEXT is not an
 * origin, such as `null`, a URL with a path, or text that is not ASCII.
 */
const char *at_origin_read(const char *text, apr_pool_t *pool);

/**
 * True if the headers of REQUEST say that it comes from another site, and if
 * its origin is not in TRUSTED (of const char *, from at_origin_read; NULL: no
 * origin is trusted). A request without these headers is not a browser's, so
 * it is not foreign. If the request came by http, a balancer may have ended
 * TLS; then http and https of the same host are one site. POOL is scratch.
 */
int at_origin_is_foreign(const at_origin_t *request,
                         const apr_array_header_t *trusted,
                         apr_pool_t *pool);

#endif /* AT_ORIGIN_H */
