/* SPDX-License-Identifier: Apache-2.0 */
/* Entity tags, `"<id>-<version>"`, and If-Match (RFC 9110, 8.8.3, 13.1.1). */
#ifndef AT_ETAG_H
#define AT_ETAG_H

#include <apr_pools.h>

/**
 * The entity tag of VERSION of the access token ID, in POOL, with its
 * quotes. Characters of ID that a tag cannot hold are percent-encoded.
 */
const char *at_etag_make(apr_pool_t *pool, const char *id,
                         const char *version);

/**
 * True if IF_MATCH, the value of the header, matches ETAG: it is `*`, or
 * lists ETAG. Weak tags never match. The `-gzip` or `-br` that Apache's
 * compressing filters put into a tag is understood.
 */
int at_etag_matches(const char *if_match, const char *etag);

#endif /* AT_ETAG_H */
