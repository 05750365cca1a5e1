/* SPDX-License-Identifier: Apache-2.0 */
#include "at_passcode.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <apr_md5.h>
#include <apr_strings.h>
#include <crypt.h>

#include "at_wipe.h"

/*
 * The schemes of libxcrypt, which refuses pass codes of 512 bytes and more;
 * bcrypt and the DES schemes use only the first bytes and ignore the rest.
 * bcrypt is $2y$, as htpasswd writes it, which APR itself can verify on every
 * platform. NT hashes are left out since they have no salt.
 */
static const at_scheme_t schemes[] = {
    { "bcrypt",        "$2y$",  10, 72, 0 },
    { "yescrypt",      "$y$",   0, 511, 0 },
    { "gost-yescrypt", "$gy$",  0, 511, 0 },
    { "scrypt",        "$7$",   0, 511, 0 },
    { "sha512crypt",   "$6$",   0, 511, 0 },
    { "sha256crypt",   "$5$",   0, 511, 0 },
    { "sha1crypt",     "$sha1", 0, 511, 0 },
    { "sunmd5",        "$md5",  0, 511, 0 },
    { "md5crypt",      "$1$",   0, 511, 0 },
    { "bsdicrypt",     "_",     0, 511, 1 },
    { "descrypt",      "",      0, 8, 1 }
};

#define SCHEME_COUNT ((int)(sizeof(schemes) / sizeof(schemes[0])))

const at_scheme_t *at_scheme_default(void)
{
    return &schemes[0];
}

/* Make in SETTING, of CRYPT_GENSALT_OUTPUT_SIZE, what libcrypt hashes by, with
 * a fresh salt. False if this libcrypt lacks SCHEME or does not allow its
 * cost. */
static int make_setting(char *setting, const at_scheme_t *scheme)
{
    return crypt_gensalt_rn(scheme->prefix, scheme->cost, NULL, 0, setting,
                            CRYPT_GENSALT_OUTPUT_SIZE) != NULL;
}

/* The names of the schemes that this libcrypt has, in POOL. */
static const char *list_schemes(apr_pool_t *pool)
{
    char setting[CRYPT_GENSALT_OUTPUT_SIZE];
    const char *list = "";
    int i;

    for (i = 0; i < SCHEME_COUNT; i++) {
        if (make_setting(setting, &schemes[i])) {
            list = apr_pstrcat(pool, list, *list ? ", " : "",
                               schemes[i].name, (char *)NULL);
        }
    }
    return list;
}

static at_error_t *read_cost(unsigned long *cost, const char *text,
                             apr_pool_t *pool)
{
    char *end;

    errno = 0;
    *cost = strtoul(text, &end, 10);
    if (errno || *end || !strchr("123456789", *text) || !*text) {
        return at_error_config(pool, "the cost must be a whole number above "
                               "0, not \"%s\"", text);
    }
    return NULL;
}

at_error_t *at_scheme_make(const at_scheme_t **scheme, const char *name,
                           const char *cost, apr_pool_t *pool)
{
    char setting[CRYPT_GENSALT_OUTPUT_SIZE];
    at_scheme_t *made;
    int i;

    for (i = 0; i < SCHEME_COUNT; i++) {
        if (!strcmp(schemes[i].name, name)) {
            break;
        }
    }
    if (i == SCHEME_COUNT) {
        return at_error_config(pool, "there is no scheme \"%s\"; libcrypt "
                               "has %s", name, list_schemes(pool));
    }
    made = apr_pmemdup(pool, &schemes[i], sizeof(*made));
    if (cost) {
        AT_TRY(read_cost(&made->cost, cost, pool));
    }
    if (!make_setting(setting, made)) {
        return at_error_config(pool, "libcrypt cannot hash by %s at the cost "
                               "%lu; it has %s", name, made->cost,
                               list_schemes(pool));
    }
    *scheme = made;
    return NULL;
}

int at_scheme_takes(const at_scheme_t *scheme, const char *text)
{
    for (; scheme->ascii_only && *text; text++) {
        if ((unsigned char)*text >= 0x80) {
            return 0;
        }
    }
    return 1;
}

at_cost_t at_scheme_cost(const at_scheme_t *scheme)
{
    char setting[CRYPT_GENSALT_OUTPUT_SIZE];
    at_cost_t cost = { 0, 0 };

    if (make_setting(setting, scheme)) {
        (void)at_cost_read(&cost, setting);
    }
    return cost;
}

/* Wipe what libcrypt worked in: 32 KB. They are on the stack, not from malloc:
 * a thread that hashes may wait long for a processor, and it must not hold
 * malloc's lock meanwhile. */
static void forget(struct crypt_data *data)
{
    explicit_bzero(data, sizeof(*data));
    at_wipe_stack();
}

int at_passcode_hash(char *hash, const at_scheme_t *scheme,
                     const char *pass_code)
{
    char setting[CRYPT_GENSALT_OUTPUT_SIZE];
    struct crypt_data data;
    const char *made;

    *hash = '\0';
    if (strlen(pass_code) > scheme->max_bytes
        || !at_scheme_takes(scheme, pass_code)
        || !make_setting(setting, scheme)) {
        return 0;
    }
    memset(&data, 0, sizeof(data));
    made = crypt_rn(pass_code, setting, &data, sizeof(data));
    if (made && strlen(made) <= AT_PASSCODE_HASH_BYTES) {
        strcpy(hash, made);
    }
    forget(&data);
    return *hash != '\0';
}

/* How many bytes of a pass code the scheme that made HASH uses. */
static apr_size_t bytes_used(const char *hash)
{
    if (!strncmp(hash, "$2", 2)) {
        return 72;
    }
    if (strlen(hash) == 13 && !strchr("$_", hash[0])) {
        return 8;
    }
    return AT_PASSCODE_BYTES;
}

/* True if libcrypt makes HASH from PASS_CODE. *IS_KNOWN tells whether it knows
 * the kind of hash. */
static int is_of_libcrypt(int *is_known, const char *pass_code,
                          const char *hash)
{
    struct crypt_data data;
    const char *made;
    int matches;

    memset(&data, 0, sizeof(data));
    made = crypt_rn(pass_code, hash, &data, sizeof(data));
    *is_known = made != NULL;
    matches = made && !strcmp(made, hash);
    forget(&data);
    return matches;
}

/* True if APR makes HASH from PASS_CODE. APR itself has $apr1$, {SHA} and
 * bcrypt. For other hashes it would call libcrypt again, without wiping. */
static int is_of_apr(const char *pass_code, const char *hash)
{
    int matches;

    if (strncmp(hash, "$apr1$", 6) && strncmp(hash, "{SHA}", 5)
        && strncmp(hash, "$2", 2)) {
        return 0;
    }
    matches = apr_password_validate(pass_code, hash) == APR_SUCCESS;
    at_wipe_stack();
    return matches;
}

int at_passcode_verify(const char *pass_code, const char *hash)
{
    int is_known;
    int matches = is_of_libcrypt(&is_known, pass_code, hash);

    if (!is_known) {
        matches = is_of_apr(pass_code, hash);
    }
    /* A pass code whose first bytes only are right is wrong. */
    return matches && strlen(pass_code) <= bytes_used(hash);
}

void at_passcode_verify_nothing(const at_scheme_t *scheme,
                                const char *pass_code)
{
    char setting[CRYPT_GENSALT_OUTPUT_SIZE];

    /* A setting is the beginning of a hash: libcrypt does the same work. */
    if (make_setting(setting, scheme)) {
        (void)at_passcode_verify(pass_code, setting);
    }
}
