/* SPDX-License-Identifier: Apache-2.0 */
#include "at_digest.h"

#include <string.h>

#include <apr_escape.h>
#include <openssl/evp.h>

const char *at_digest_sha256(apr_pool_t *pool, const char *text)
{
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned int size;

    if (!EVP_Digest(text, strlen(text), digest, &size, EVP_sha256(), NULL)) {
        return NULL;
    }
    return apr_pescape_hex(pool, digest, size, 0);
}
