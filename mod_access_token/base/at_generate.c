/* SPDX-License-Identifier: Apache-2.0 */
#include "at_generate.h"

#include <limits.h>
#include <string.h>

#include <apr_escape.h>
#include <apr_general.h>
#include <apr_lib.h>

#define ID_BYTES 16

const char *at_generate_id(apr_pool_t *pool)
{
    unsigned char bytes[ID_BYTES];
    char *id, *digit;

    if (apr_generate_random_bytes(bytes, sizeof(bytes)) != APR_SUCCESS) {
        return NULL;
    }
    id = (char *)apr_palloc(pool, 2 * ID_BYTES + 1);
    apr_escape_hex(id, bytes, sizeof(bytes), 0, NULL);
    explicit_bzero(bytes, sizeof(bytes));    /* the id may be a pass code */
    for (digit = id; *digit; digit++) {
        *digit = (char)apr_toupper(*digit);
    }
    return id;
}

unsigned int at_generate_up_to(unsigned int most)
{
    unsigned int number;

    if (apr_generate_random_bytes((unsigned char *)&number, sizeof(number))
        != APR_SUCCESS) {
        return 0;
    }
    return most == UINT_MAX ? number : number % (most + 1);
}
