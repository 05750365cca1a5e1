/* SPDX-License-Identifier: Apache-2.0 */
#include "at_digest.h"

#include <string.h>

#include <apr_escape.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

const char *at_digest_sha256(apr_pool_t *pool, const char *text)
{
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned int size;

    if (!EVP_Digest(text, strlen(text), digest, &size, EVP_sha256(), NULL)) {
        return NULL;
    }
    return apr_pescape_hex(pool, digest, size, 0);
}

const char *at_digest_hmac(apr_pool_t *pool, const unsigned char *key,
                           apr_size_t length, const char *text)
{
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned int size;

    if (!HMAC(EVP_sha256(), key, (int)length, (const unsigned char *)text,
              strlen(text), digest, &size)) {
        return NULL;
    }
    return apr_pescape_hex(pool, digest, size, 0);
}
