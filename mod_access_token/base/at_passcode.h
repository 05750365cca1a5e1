/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Pass codes are hashed and verified by libcrypt. A hash that libcrypt does not
 * know is verified by APR, so every hash that httpd's own authentication
 * accepts is accepted here too.
 */
#ifndef AT_PASSCODE_H
#define AT_PASSCODE_H

#include <apr_pools.h>

#include "at_cost.h"
#include "at_error.h"

/** The longest pass code, in bytes, that can be verified. */
#define AT_PASSCODE_BYTES 512

/** The longest hash, in bytes: no scheme makes a longer one. */
#define AT_PASSCODE_HASH_BYTES 511

/** A way to hash, named as in the directive AccessTokenPassCodeScheme. */
typedef struct at_scheme_t {
    const char *name;         /* e.g. "bcrypt" */
    const char *prefix;       /* of a hash in libcrypt, e.g. "$2y$" */
    unsigned long cost;       /* libcrypt's count; 0: its default */
    apr_size_t max_bytes;     /* of a pass code; it ignores the bytes after */
    int ascii_only;           /* it ignores the highest bit of each byte */
} at_scheme_t;

/** The scheme that is used if none is configured. It lives for ever. */
const at_scheme_t *at_scheme_default(void);

/**
 * Make the scheme NAME with COST, the text of a number or NULL for the
 * scheme's default, into *SCHEME in POOL. If libcrypt has no such scheme, or
 * not at this cost, the error's detail says so and lists the schemes that it
 * has; *SCHEME is not set then. NAME and COST are copied where they are kept.
 */
at_error_t *at_scheme_make(const at_scheme_t **scheme, const char *name,
                           const char *cost, apr_pool_t *pool) AT_MUST_CHECK;

/** The cost of verifying a pass code by a hash that SCHEME makes. */
at_cost_t at_scheme_cost(const at_scheme_t *scheme);

/** True if SCHEME uses every bit of TEXT, whatever the length of TEXT. */
int at_scheme_takes(const at_scheme_t *scheme, const char *text);

/**
 * Hash PASS_CODE with a fresh salt, into HASH, a buffer of
 * AT_PASSCODE_HASH_BYTES + 1. True if that is done. False if libcrypt failed,
 * or if SCHEME would ignore a part of PASS_CODE; HASH is "" then. Slow by
 * design. It uses no pool.
 */
int at_passcode_hash(char *hash, const at_scheme_t *scheme,
                     const char *pass_code);

/**
 * True if HASH was made from PASS_CODE; false for an unknown kind of hash too.
 * Slow by design; at_cost_read estimates how slow. It wipes the memory in
 * which it works, and uses no pool.
 */
int at_passcode_verify(const char *pass_code, const char *hash);

/**
 * Take as long as at_passcode_verify would take for PASS_CODE and a hash of
 * SCHEME. It is called for an access token that does not exist, so that the
 * time does not show that (contract, section 5, ACCESS_TOKEN_NOT_FOUND).
 */
void at_passcode_verify_nothing(const at_scheme_t *scheme,
                                const char *pass_code);

#endif /* AT_PASSCODE_H */
