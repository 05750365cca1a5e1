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
 * What each scheme of libxcrypt takes. It refuses phrases of 512 bytes and
 * more; bcrypt and the DES ones look at less, and ignore the rest. bcrypt
 * is $2y$, as htpasswd writes it: APR verifies that itself, everywhere. NT
 * hashes have no salt, so they are not here.
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

/* True if the libcrypt that runs can hash by SCHEME at its cost. */
static int make_setting(char *setting, const at_scheme_t *scheme)
{
    return crypt_gensalt_rn(scheme->prefix, scheme->cost, NULL, 0, setting,
                            CRYPT_GENSALT_OUTPUT_SIZE) != NULL;
}

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

static const char *read_cost(unsigned long *cost, const char *text,
                             apr_pool_t *pool)
{
    char *end;

    errno = 0;
    *cost = strtoul(text, &end, 10);
    if (errno || *end || !strchr("123456789", *text) || !*text) {
        return apr_psprintf(pool, "the cost must be a whole number above 0, "
                            "not \"%s\"", text);
    }
    return NULL;
}

const char *at_scheme_make(const at_scheme_t **scheme, const char *name,
                           const char *cost, apr_pool_t *pool)
{
    char setting[CRYPT_GENSALT_OUTPUT_SIZE];
    at_scheme_t *made;
    const char *problem;
    int i;

    for (i = 0; i < SCHEME_COUNT; i++) {
        if (!strcmp(schemes[i].name, name)) {
            break;
        }
    }
    if (i == SCHEME_COUNT) {
        return apr_psprintf(pool, "there is no scheme \"%s\"; libcrypt has "
                            "%s", name, list_schemes(pool));
    }
    made = apr_pmemdup(pool, &schemes[i], sizeof(*made));
    *scheme = made;
    problem = cost ? read_cost(&made->cost, cost, pool) : NULL;
    if (problem) {
        return problem;
    }
    if (!make_setting(setting, made)) {
        return apr_psprintf(pool, "libcrypt cannot hash by %s at the cost "
                            "%lu; it has %s", name, made->cost,
                            list_schemes(pool));
    }
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

/* What libcrypt works in, of 32 KB. It is on the stack, since a thread that
 * hashes may get no processor for long, and must not hold malloc's lock. */
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

/* How much of a pass code the scheme that made HASH looks at, in bytes. */
static apr_size_t bytes_looked_at(const char *hash)
{
    if (!strncmp(hash, "$2", 2)) {
        return 72;
    }
    if (strlen(hash) == 13 && !strchr("$_", hash[0])) {
        return 8;
    }
    return AT_PASSCODE_BYTES;
}

/* True if libcrypt makes HASH of PASS_CODE. *IS_KNOWN: it could try. */
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

/* APR has its own $apr1$, {SHA} and bcrypt. For the rest it would ask libcrypt
 * again, and not wipe what that leaves. */
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
    /* A right beginning with something behind it is not the pass code. */
    return matches && strlen(pass_code) <= bytes_looked_at(hash);
}

void at_passcode_verify_nothing(const at_scheme_t *scheme,
                                const char *pass_code)
{
    char setting[CRYPT_GENSALT_OUTPUT_SIZE];

    /* A setting is the beginning of a hash: enough to do all the work. */
    if (make_setting(setting, scheme)) {
        (void)at_passcode_verify(pass_code, setting);
    }
}
