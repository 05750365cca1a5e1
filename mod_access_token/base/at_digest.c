/* SPDX-License-Identifier: Apache-2.0 */
#include "at_digest.h"

#include <string.h>

#include <apr_escape.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#if OPENSSL_VERSION_NUMBER >= 0x30000000L
static apr_status_t free_digest(void *data)
{
    EVP_MD_free(data);
    return APR_SUCCESS;
}

const at_digest_t *at_digest_make(apr_pool_t *pool)
{
    EVP_MD *sha256 = EVP_MD_fetch(NULL, "SHA2-256", NULL);

    if (sha256) {
        apr_pool_cleanup_register(pool, sha256, free_digest,
                                  apr_pool_cleanup_null);
    }
    return sha256;
}
#else
const at_digest_t *at_digest_make(apr_pool_t *pool)
{
    (void)pool;
    return EVP_sha256();
}
#endif

const char *at_digest_sha256(apr_pool_t *pool, const char *text,
                             const at_digest_t *sha256)
{
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned int size;

    if (!EVP_Digest(text, strlen(text), digest, &size,
                    sha256 ? sha256 : EVP_sha256(), NULL)) {
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
