/* SPDX-License-Identifier: Apache-2.0 */
/* Entity tags, `"<id>-<version>"`, and their comparison with If-Match and
 * If-None-Match (RFC 9110, 8.8.3, 13.1.1 and 13.1.2). */
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
    AT_ETAG_DIFFERS,          /* a list without the tag */
    AT_ETAG_MATCHES           /* `*`, or a list with the tag */
} at_etag_match_e;

/**
 * Compare LIST, the value of If-Match or If-None-Match, with ETAG, which
 * at_etag_make has made. Empty elements of a list are ignored; a list of
 * nothing else is malformed. WEAKLY: weak tags match as well, as If-None-Match
 * compares; for If-Match they do not. A tag also matches with the suffix
 * `-gzip` or `-br`, which Apache's compressing filters add.
 */
at_etag_match_e at_etag_match(const char *list, const char *etag,
                              int weakly);

#endif /* AT_ETAG_H */
