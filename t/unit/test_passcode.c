/* SPDX-License-Identifier: Apache-2.0 */
/* Contract, sections 2 (pass_code) and 5 (ACCESS_TOKEN_NOT_FOUND). */
#include "test_support.h"

#include <string.h>
#include <time.h>

#include "at_passcode.h"

/* The schemes of libxcrypt, each at a low cost. */
static const struct {
    const char *name, *cost, *beginning;
    int is_common;               /* every libxcrypt has it */
} schemes[] = {
    { "bcrypt", "4", "$2y$04$", 1 },
    { "yescrypt", "1", "$y$", 1 },
    { "gost-yescrypt", "1", "$gy$", 0 },
    { "scrypt", "6", "$7$", 0 },
    { "sha512crypt", "1000", "$6$", 1 },
    { "sha256crypt", "1000", "$5$", 1 },
    { "sha1crypt", "4", "$sha1$", 0 },
    { "sunmd5", NULL, "$md5", 0 },
    { "md5crypt", NULL, "$1$", 0 },
    { "bsdicrypt", NULL, "_", 0 },
    { "descrypt", NULL, "", 0 }
};

#define SCHEME_COUNT ((int)(sizeof(schemes) / sizeof(schemes[0])))

/* Scheme number I, or NULL if this libcrypt does not have it; nor those
 * that are slow at any cost when all is slow. */
static const at_scheme_t *scheme_of(int i)
{
    int is_slow = !strcmp(schemes[i].name, "scrypt")
                  || !strcmp(schemes[i].name, "sunmd5");
    const at_scheme_t *scheme;
    const char *problem;

    if (is_slow && test_rounds(2) < 2) {
        return NULL;
    }
    problem = test_detail(
        at_scheme_make(&scheme, schemes[i].name, schemes[i].cost, pool));
    ck_assert_msg(!problem || !schemes[i].is_common, "%s", problem);
    return problem ? NULL : scheme;
}

/* The hash in the test's pool; NULL if there is none. */
static const char *hash_of(const at_scheme_t *scheme, const char *pass_code)
{
    char hash[AT_PASSCODE_HASH_BYTES + 1] = "as it was";
    int is_made = at_passcode_hash(hash, scheme, pass_code);

    ck_assert_int_eq(is_made, *hash != '\0');
    return is_made ? apr_pstrdup(pool, hash) : NULL;
}

START_TEST(the_default_is_bcrypt_10_with_72_bytes)
{
    const at_scheme_t *scheme = at_scheme_default();

    ck_assert_str_eq(scheme->name, "bcrypt");
    ck_assert_uint_eq(scheme->cost, 10);
    ck_assert_uint_eq(scheme->max_bytes, 72);
    ck_assert(!strncmp(hash_of(scheme, "a"), "$2y$10$", 7));
    ck_assert_ptr_null(at_scheme_make(&scheme, "bcrypt", NULL, pool));
    ck_assert_uint_eq(scheme->cost, 10);
}
END_TEST

START_TEST(names_and_costs_are_judged)
{
    static const struct {
        const char *name, *cost;
    } wrong[] = {
        { "", NULL }, { "bcrypt2", NULL }, { "md4", NULL },
        { "plain", NULL }, { "$2y$", NULL }, { "bcrypt", "0" },
        { "bcrypt", "3" }, { "bcrypt", "32" }, { "bcrypt", "-5" },
        { "bcrypt", "+5" }, { "bcrypt", " 5" }, { "bcrypt", "5 " },
        { "bcrypt", "" }, { "bcrypt", "ten" }, { "bcrypt", "5.5" },
        { "bcrypt", "0x5" }, { "bcrypt", "99999999999999999999999" },
        { "yescrypt", "12" }, { "yescrypt", "x" }, { "sha512crypt", "0" }
    };
    const at_scheme_t *scheme;
    size_t i;

    for (i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        const char *problem = test_detail(
            at_scheme_make(&scheme, wrong[i].name, wrong[i].cost, pool));

        ck_assert_msg(problem && *problem, "%s %s", wrong[i].name,
                      wrong[i].cost ? wrong[i].cost : "");
    }
    /* What there is is named. */
    ck_assert(has(test_detail(at_scheme_make(&scheme, "nothing", NULL, pool)),
                  "bcrypt, yescrypt"));
    ck_assert_ptr_null(at_scheme_make(&scheme, "bcrypt", "4", pool));
    ck_assert_uint_eq(scheme->cost, 4);
    ck_assert_ptr_null(at_scheme_make(&scheme, "bcrypt", "31", pool));
    ck_assert_uint_eq(at_scheme_default()->cost, 10);
}
END_TEST

START_TEST(what_is_hashed_is_verified)
{
    const at_scheme_t *scheme = scheme_of(_i);
    const char *hash, *other;

    if (!scheme) {
        return;
    }
    hash = hash_of(scheme, "pass-co1");
    other = hash_of(scheme, "pass-co1");
    ck_assert_ptr_nonnull(hash);
    ck_assert_msg(!strncmp(hash, schemes[_i].beginning,
                           strlen(schemes[_i].beginning)), "%s", hash);
    ck_assert(!has(hash, "pass-co1"));
    /* descrypt has 4096 salts: two equal ones are rare, three rarer. */
    if (!strcmp(hash, other)) {
        other = hash_of(scheme, "pass-co1");
    }
    ck_assert_str_ne(hash, other);
    ck_assert(at_passcode_verify("pass-co1", hash));
    ck_assert(at_passcode_verify("pass-co1", other));
    ck_assert(!at_passcode_verify("pass-co2", hash));
    ck_assert(!at_passcode_verify("Pass-co1", hash));
    ck_assert(!at_passcode_verify("pass-co", hash));
    ck_assert(!at_passcode_verify("", hash));
}
END_TEST

/* The scheme takes as many bytes as we document, without truncation. */
START_TEST(every_byte_up_to_the_limit_counts)
{
    const at_scheme_t *scheme = scheme_of(_i);
    char *pass_code;
    const char *hash;
    apr_size_t most;

    if (!scheme) {
        return;
    }
    most = scheme->max_bytes;
    ck_assert_uint_ge(most, 8);
    pass_code = apr_pcalloc(pool, most + 2);
    memset(pass_code, 'p', most);
    hash = hash_of(scheme, pass_code);
    ck_assert_ptr_nonnull(hash);
    ck_assert(at_passcode_verify(pass_code, hash));
    pass_code[most - 1] = 'q';
    ck_assert_msg(!at_passcode_verify(pass_code, hash),
                  "%s ignores its last byte", scheme->name);
    pass_code[most - 1] = '\0';
    ck_assert_msg(!at_passcode_verify(pass_code, hash),
                  "%s takes one that is shorter", scheme->name);
    pass_code[most - 1] = 'p';
    pass_code[most] = 'p';
    ck_assert_msg(!hash_of(scheme, pass_code),
                  "%s takes more than its limit", scheme->name);
}
END_TEST

/* U+00E9 and "C)" differ in the highest bits only; a scheme that ignores
 * those refuses them. */
START_TEST(every_bit_counts)
{
    const at_scheme_t *scheme = scheme_of(_i);
    const char *hash;

    if (!scheme) {
        return;
    }
    hash = hash_of(scheme, "caf\xC3\xA9");
    ck_assert_int_eq(hash != NULL, at_scheme_takes(scheme, "caf\xC3\xA9"));
    ck_assert(hash != NULL || !schemes[_i].is_common);
    ck_assert(at_scheme_takes(scheme, "cafC)"));
    if (!hash) {
        return;
    }
    ck_assert(at_passcode_verify("caf\xC3\xA9", hash));
    ck_assert_msg(!at_passcode_verify("cafC)", hash),
                  "%s ignores the highest bit", scheme->name);
}
END_TEST

START_TEST(an_empty_pass_code_opens_no_other)
{
    const at_scheme_t *scheme = scheme_of(0);
    const char *hash = hash_of(scheme, "");

    ck_assert(!hash || !at_passcode_verify("a", hash));
}
END_TEST

/* From the documentation of htpasswd, of the SHA-crypt specification, from
 * crypt_blowfish, and from the demonstration data. */
START_TEST(hashes_of_other_programs_open)
{
    static const struct {
        const char *pass_code, *hash;
    } cases[] = {
        { "myPassword", "$apr1$r31.....$HqJZimcKQFAMYayBlzkrA/" },
        { "myPassword", "{SHA}VBPuJHI7uixaa6LQGWx4s+5GKNE=" },
        { "myPassword", "$2y$05$c4WoMPo3SXsafkva.HHa6uXQZWr7oboPiC2bT/r7q1B"
                        "B8I2s0BRqC" },
        { "Hello world!", "$6$saltstring$svn8UoSVapNtMuq1ukKS4tPQd8iKwSMHWj"
                          "l/O817G3uBnIFNjnQJuesI68u4OTLiBFdcbYEdFCoEOfaS35"
                          "inz1" },
        { "Hello world!", "$5$saltstring$5B8vYYiY.CVt1RlTTf8KbXBH3hsxY/GNoo"
                          "ZaBBGWEc5" },
        { "U*U", "$2b$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvy"
                 "OeW" },
        { "U*U", "$2y$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvy"
                 "OeW" },
        { "U*U", "$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvy"
                 "OeW" },
        { "demo-pass-1", "$2y$10$Ltc4R5MQvqYR9FSpFdYz.OF43jsZ30rV2os6ANXwO0"
                         "gyoxYXC9Np2" },
        { "demo-pass-1", "$apr1$XY6KVGz2$ELN0NWj0z9PVNB2vye1Hy1" },
        { "demo-pass-1", "{SHA}Rlqa7oywHfiy5SrrADVAAMVz8kM=" },
        { "demo-pass-1", "$6$BqdCochT6jWkGthf$zTPzeteSVKII5vWVMz/nWlKsV8vK6"
                         "0yYoW0xhtz0yszX.E5xtC2kkiJx.JeuEB49N/w.sdcyYQxD.p"
                         "Wk0qgWX0" },
        { "246810", "$2y$10$MMDxWZrSVlyCsX0woQls2OkE5tgWNVp1fk5G9rDXtyvfHOk"
                    ".5Iiyq" }
    };
    size_t i;

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        ck_assert_msg(at_passcode_verify(cases[i].pass_code, cases[i].hash),
                      "%s", cases[i].hash);
        ck_assert_msg(!at_passcode_verify("another", cases[i].hash), "%s",
                      cases[i].hash);
        ck_assert_msg(!at_passcode_verify(cases[i].hash, cases[i].hash),
                      "%s by itself", cases[i].hash);
    }
}
END_TEST

START_TEST(what_is_no_hash_opens_nothing)
{
    static const char *const hashes[] = {
        "", "*", "*0", "*1", "x", "xx", "secret", "$", "$2y$", "$2y$10$",
        "$2y$05$CCCCCCCCCCCCCCCCCCCCC.", "$apr1$", "$apr1$r31.....$",
        "{SHA}", "{SHA}=", "$1$", "$5$", "$6$", "$6$salt", "$y$", "$y$j9T$",
        "$9$abc$def", "$2y$99$CCCCCCCCCCCCCCCCCCCCC.", "$2y$04$"
    };
    static const char *const pass_codes[] = { "", "secret", "*0", "x" };
    size_t i, k;

    for (i = 0; i < sizeof(hashes) / sizeof(hashes[0]); i++) {
        for (k = 0; k < 4; k++) {
            ck_assert_msg(!at_passcode_verify(pass_codes[k], hashes[i]),
                          "\"%s\" by \"%s\"", pass_codes[k], hashes[i]);
        }
    }
}
END_TEST

/* Although its library looks no further than the limit. */
START_TEST(a_right_beginning_is_not_the_pass_code)
{
    static const char *const prefixes[] = { "$2y$", "$2b$", "$2a$" };
    char *pass_code = apr_pcalloc(pool, 100);
    const char *hash;
    size_t i;

    memset(pass_code, 'p', 72);
    hash = hash_of(scheme_of(0), pass_code);
    ck_assert_ptr_nonnull(hash);
    for (i = 0; i < 3; i++) {
        const char *other = apr_pstrcat(pool, prefixes[i], hash + 4,
                                        (char *)NULL);

        pass_code[72] = '\0';
        ck_assert_msg(at_passcode_verify(pass_code, other), "%s", other);
        pass_code[72] = 'p';
        ck_assert_msg(!at_passcode_verify(pass_code, other), "%s", other);
    }
    /* DES, of htpasswd's documentation: the password is "myPassword" */
    ck_assert(at_passcode_verify("myPasswo", "rqXexS6ZhobKA"));
    ck_assert(!at_passcode_verify("myPasswo!", "rqXexS6ZhobKA"));
}
END_TEST

START_TEST(a_pass_code_of_any_length_can_be_verified)
{
    static const apr_size_t lengths[] = { 72, 73, 511, 512, 513, 5000,
                                          70000 };
    size_t i, k;

    for (i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
        char *pass_code = apr_pcalloc(pool, lengths[i] + 1);
        static const char *const hashes[] = {
            "$apr1$r31.....$HqJZimcKQFAMYayBlzkrA/",
            "{SHA}VBPuJHI7uixaa6LQGWx4s+5GKNE=",
            "$2y$04$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW",
            "$5$rounds=1000$s$5B8vYYiY.CVt1RlTTf8KbXBH3hsxY/GNooZaBBGWEc8"
        };

        memset(pass_code, 'm', lengths[i]);
        for (k = 0; k < 4; k++) {
            ck_assert(!at_passcode_verify(pass_code, hashes[k]));
        }
    }
}
END_TEST

/* The least processor time of some runs: for HASH, or for nothing. */
static clock_t measure(const at_scheme_t *scheme, const char *hash)
{
    clock_t least = 0;
    int i;

    for (i = 0; i < test_rounds(3); i++) {
        clock_t start = clock(), took;

        if (hash) {
            ck_assert(!at_passcode_verify("wrong", hash));
        }
        else {
            at_passcode_verify_nothing(scheme, "wrong");
        }
        took = clock() - start;
        least = i == 0 || took < least ? took : least;
    }
    return least;
}

/* Only roughly, since the machine may be busy: no work at all is seen. */
START_TEST(nothing_is_verified_as_slowly_as_something)
{
    const at_scheme_t *scheme;
    clock_t real, nothing;

    if (strcmp(schemes[_i].name, "bcrypt") == 0) {
        ck_assert_ptr_null(at_scheme_make(&scheme, "bcrypt", "7", pool));
    }
    else if (strcmp(schemes[_i].name, "sha512crypt") == 0) {
        ck_assert_ptr_null(at_scheme_make(&scheme, "sha512crypt", "20000",
                                          pool));
    }
    else if (strcmp(schemes[_i].name, "yescrypt") == 0) {
        ck_assert_ptr_null(at_scheme_make(&scheme, "yescrypt", NULL, pool));
    }
    else {
        scheme = scheme_of(_i);
        if (scheme) {
            at_passcode_verify_nothing(scheme, "wrong");
        }
        return;
    }
    real = measure(scheme, hash_of(scheme, "right"));
    nothing = measure(scheme, NULL);
    ck_assert_msg(nothing > real / 3 && nothing < real * 3,
                  "%s: %ld for something, %ld for nothing", scheme->name,
                  (long)real, (long)nothing);
}
END_TEST

int main(void)
{
    TCase *tests = test_begin("test_passcode");

    tcase_add_test(tests, the_default_is_bcrypt_10_with_72_bytes);
    tcase_add_test(tests, names_and_costs_are_judged);
    tcase_add_loop_test(tests, what_is_hashed_is_verified, 0, SCHEME_COUNT);
    tcase_add_loop_test(tests, every_byte_up_to_the_limit_counts, 0,
                        SCHEME_COUNT);
    tcase_add_loop_test(tests, every_bit_counts, 0, SCHEME_COUNT);
    tcase_add_test(tests, an_empty_pass_code_opens_no_other);
    tcase_add_test(tests, hashes_of_other_programs_open);
    tcase_add_test(tests, what_is_no_hash_opens_nothing);
    tcase_add_test(tests, a_right_beginning_is_not_the_pass_code);
    tcase_add_test(tests, a_pass_code_of_any_length_can_be_verified);
    tcase_add_loop_test(tests, nothing_is_verified_as_slowly_as_something, 0,
                        SCHEME_COUNT);
    return test_end(tests);
}
