/* SPDX-License-Identifier: Apache-2.0 */
/* Digests, by libcrypto. */
#ifndef AT_DIGEST_H
#define AT_DIGEST_H

#include <apr_pools.h>

/** An algorithm: libcrypto's EVP_MD. */
typedef struct evp_md_st at_digest_t;

/**
 * SHA-256, for at_digest_sha256: it lives as long as POOL. Any number of
 * threads, and processes that are forked later, may use it at the same time.
 * NULL if the library has none.
 */
const at_digest_t *at_digest_make(apr_pool_t *pool);

/**
 * The SHA-256 of TEXT's bytes as 64 lower-case hexadecimal digits in POOL:
 * the form in which sessions are stored. SHA256 is of at_digest_make; with
 * NULL the library searches for the algorithm, which takes longer than to
 * digest a session token. NULL if the library refuses.
 */
const char *at_digest_sha256(apr_pool_t *pool, const char *text,
                             const at_digest_t *sha256);

/**
 * The HMAC-SHA-256 (RFC 2104) of TEXT's bytes under the LENGTH bytes of
 * KEY, in the same form. NULL if the library refuses.
 */
const char *at_digest_hmac(apr_pool_t *pool, const unsigned char *key,
                           apr_size_t length, const char *text);

#endif /* AT_DIGEST_H */
