/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Pass codes: hashed and verified with libcrypt; what that does not know is
 * verified with APR, so that every hash that Apache's own authentication
 * understands still opens.
 */
#ifndef AT_PASSCODE_H
#define AT_PASSCODE_H

#include <apr_pools.h>

#include "at_cost.h"

/** The longest pass code, in bytes, that is looked at for verification. */
#define AT_PASSCODE_BYTES 512

/** The longest hash, in bytes: no scheme makes a longer one. */
#define AT_PASSCODE_HASH_BYTES 511

/** A way to hash, as `AccessTokenPassCodeScheme` names it. */
typedef struct at_scheme_t {
    const char *name;         /* e.g. "bcrypt" */
    const char *prefix;       /* libcrypt's, e.g. "$2y$" */
    unsigned long cost;       /* libcrypt's count; 0: its default */
    apr_size_t max_bytes;     /* what it takes without truncation */
    int ascii_only;           /* it ignores the highest bit of each byte */
} at_scheme_t;

/** The scheme that is used where nothing else is configured. */
const at_scheme_t *at_scheme_default(void);

/**
 * Make the scheme NAME with COST, a number or NULL for the scheme's
 * default, into *SCHEME in POOL. Returns NULL, or what is wrong with NAME
 * or COST.
 */
const char *at_scheme_make(const at_scheme_t **scheme, const char *name,
                           const char *cost, apr_pool_t *pool);

/** What verifying takes by a hash that SCHEME makes. */
at_cost_t at_scheme_cost(const at_scheme_t *scheme);

/** True if SCHEME takes every bit of TEXT, whatever its length. */
int at_scheme_takes(const at_scheme_t *scheme, const char *text);

/**
 * Hash PASS_CODE with a fresh salt, into HASH, of AT_PASSCODE_HASH_BYTES + 1.
 * Returns 0 if libcrypt failed, or SCHEME cannot take all of PASS_CODE: then
 * HASH is empty. Slow by design; uses no pool.
 */
int at_passcode_hash(char *hash, const at_scheme_t *scheme,
                     const char *pass_code);

/**
 * True if PASS_CODE is what HASH was made from. Slow by design: at_cost_read
 * says how slow. What it needs to know meanwhile is wiped.
 */
int at_passcode_verify(const char *pass_code, const char *hash);

/**
 * Take the time that verifying PASS_CODE by a hash of SCHEME takes, for
 * a record that does not exist (contract, section 5,
 * ACCESS_TOKEN_NOT_FOUND).
 */
void at_passcode_verify_nothing(const at_scheme_t *scheme,
                                const char *pass_code);

#endif /* AT_PASSCODE_H */
