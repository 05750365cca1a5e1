/* SPDX-License-Identifier: Apache-2.0 */
/* Entity tags, `"<id>-<version>"`, and what requests say of them: If-Match
 * and If-None-Match (RFC 9110, 8.8.3, 13.1.1 and 13.1.2). */
#ifndef AT_ETAG_H
#define AT_ETAG_H

#include <apr_pools.h>

/**
 * The entity tag of VERSION of the access token ID, in POOL, with its
 * quotes. Characters of ID that a tag cannot hold are percent-encoded.
 */
const char *at_etag_make(apr_pool_t *pool, const char *id,
                         const char *version);

/** What at_etag_match finds. */
typedef enum {
    AT_ETAG_MALFORMED,        /* neither `*` nor a list of entity tags */
    AT_ETAG_DIFFERS,          /* none of the list is the tag */
    AT_ETAG_MATCHES
} at_etag_match_e;

/**
 * Compare LIST, the value of If-Match or If-None-Match, with ETAG, which
 * at_etag_make has made. Empty elements of a list are passed over; a list of
 * nothing is malformed. WEAKLY: weak tags match as well, which is how
 * If-None-Match compares; If-Match does not. The `-gzip` or `-br` that Apache's
 * compressing filters put into a tag is understood.
 */
at_etag_match_e at_etag_match(const char *list, const char *etag,
                              int weakly);

#endif /* AT_ETAG_H */
