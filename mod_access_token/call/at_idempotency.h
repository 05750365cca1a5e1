/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Idempotency-Key: reading a key, and the digest by which two requests with
 * the same key are compared. Contract, section 6.
 */
#ifndef AT_IDEMPOTENCY_H
#define AT_IDEMPOTENCY_H

#include <apr_pools.h>

#include "at_error.h"
#include "at_json.h"

/** The most characters of a key, and the fewest bytes of the secret. */
#define AT_IDEMPOTENCY_KEY_LENGTH   255
#define AT_IDEMPOTENCY_SECRET_BYTES 32

/** The secret by which requests are digested: the bytes of a file. */
typedef struct at_secret_t {
    const unsigned char *bytes;
    apr_size_t length;
} at_secret_t;

/**
 * Read *KEY from HEADER, the header's value: the key itself, or the key as a
 * quoted string, which are the same key. *KEY is in POOL, or is HEADER. Without
 * a SECRET (NULL: none is configured) every key is refused. The error, in
 * POOL, is AT_INVALID_REQUEST; *KEY is undefined then.
 */
at_error_t *at_idempotency_key(const char **key, const char *header,
                               const at_secret_t *secret, apr_pool_t *pool)
    AT_MUST_CHECK;

/**
 * The digest of the request ROOT (HMAC-SHA-256 under SECRET, 64 lower-case
 * hexadecimal digits in POOL). White space and the order of members make no
 * difference. Neither does the session token: a caller may have to log in
 * again before repeating the request. NULL if there is no memory, or libcrypto
 * has no such digest.
 */
const char *at_idempotency_digest(const at_json_t *root,
                                  const at_secret_t *secret,
                                  apr_pool_t *pool);

#endif /* AT_IDEMPOTENCY_H */
