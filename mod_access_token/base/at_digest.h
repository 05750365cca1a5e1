/* SPDX-License-Identifier: Apache-2.0 */
/* Digests, by libcrypto. */
#ifndef AT_DIGEST_H
#define AT_DIGEST_H

#include <apr_pools.h>

/**
 * The SHA-256 of TEXT's bytes as 64 lower-case hexadecimal digits in POOL:
 * the form in which sessions are stored. NULL if the library refuses.
 */
const char *at_digest_sha256(apr_pool_t *pool, const char *text);

/**
 * The HMAC-SHA-256 (RFC 2104) of TEXT's bytes under the LENGTH bytes of
 * KEY, in the same form. NULL if the library refuses.
 */
const char *at_digest_hmac(apr_pool_t *pool, const unsigned char *key,
                           apr_size_t length, const char *text);

#endif /* AT_DIGEST_H */
