/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What it costs to verify a hash. That libcrypt's own settings are understood
 * is tested against libcrypt; the rest against crypt(5) and yescrypt's source.
 */
#include "test_support.h"

#include <string.h>

#include "at_cost.h"
#include "at_passcode.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static const at_cost_t nothing = { 0, 0 };
static const at_cost_t limit = { 2000, 256 };

static at_cost_t cost_of(const char *hash)
{
    at_cost_t cost = nothing;

    ck_assert_msg(at_cost_read(&cost, hash), "%s", hash);
    return cost;
}

START_TEST(what_is_in_use_is_within_the_default_limit)
{
    static const char *const hashes[] = {
        "$2y$10$Ltc4R5MQvqYR9FSpFdYz.OF43jsZ30rV2os6ANXwO0gyoxYXC9Np2",
        "$2a$14$Ltc4R5MQvqYR9FSpFdYz.O", "$2b$15$Ltc4R5MQvqYR9FSpFdYz.O",
        "$6$salt$x", "$6$rounds=1000000$salt$x", "$5$rounds=1000000$salt$x",
        "$1$salt$x", "$apr1$XY6KVGz2$ELN0NWj0z9PVNB2vye1Hy1",
        "{SHA}VBPuJHI7uixaa6LQGWx4s+5GKNE=", "rqXexS6ZhobKA",
        "$sha1$261020$0aQ6EpKJlpgjGWJj2EKj$x", "$md5,rounds=82032$nrRWWLdK$",
        "$md5$nrRWWLdK$", "_J9..jGfKabcdefghijk", "$3$$x",
        "$y$j9T$ZPC1mHfytSG5GiYKbQJI8.$x", "$gy$j9T$IBEDOoBVs/uEsWYtHHlqe.",
        "$y$jDT$ZPC1mHfytSG5GiYKbQJI8.$x", "$7$CU..../....xVRWBd4nAemtaUKhb"
    };
    size_t i;

    for (i = 0; i < COUNT(hashes); i++) {
        at_cost_t cost = cost_of(hashes[i]);

        ck_assert_msg(!at_cost_exceeds(&cost, &limit), "%s: %f ms, %f MB",
                      hashes[i], cost.milliseconds, cost.megabytes);
    }
}
END_TEST

START_TEST(what_is_absurd_is_above_it)
{
    static const char *const hashes[] = {
        "$2b$31$Ltc4R5MQvqYR9FSpFdYz.O", "$2y$16$Ltc4R5MQvqYR9FSpFdYz.O",
        "$2y$99$Ltc4R5MQvqYR9FSpFdYz.O",
        "$2y$99999999999999999999999999999$Ltc4R5MQvqYR9FSpFdYz.O",
        "$6$rounds=999999999$salt$x", "$5$rounds=999999999$salt$x",
        "$6$rounds=99999999999999999999999999999999999$salt$x",
        "$sha1$4294967295$salt$x", "$md5,rounds=4294967295$salt$$x",
        "_zzzzsaltabcdefghijk",
        "$y$jFT$ZPC1mHfytSG5GiYKbQJI8.$x",    /* 1 GB */
        "$gy$jFT$ZPC1mHfytSG5GiYKbQJI8.$x",
        "$y$jiT$ZPC1mHfytSG5GiYKbQJI8.$x",
        "$7$LU..../....salt$x",               /* N of 2^23 */
        "$7$zU..../....salt$x",
        "$7$CU....zzzzzsalt$x"                /* p of 2^30 */
    };
    size_t i;

    for (i = 0; i < COUNT(hashes); i++) {
        at_cost_t cost = cost_of(hashes[i]);

        ck_assert_msg(at_cost_exceeds(&cost, &limit), "%s: %f ms, %f MB",
                      hashes[i], cost.milliseconds, cost.megabytes);
    }
}
END_TEST

START_TEST(what_is_no_hash_is_not_known)
{
    static const char *const hashes[] = {
        "", "*", "*0", "!", "x", "secret", "plain-text-1", "$", "$9$a$b",
        "$2$10$abc", "$2y10$abc", "$2", "$2y", "$y$", "$y$j", "$y$j9",
        "$7$", "$7$C", "$7$CU..", "$7$CU..../...", "_", "_J9.", "{SSHA}x", "5f4dcc3b5aa765d61d8327deb882cf99",
        "$argon2id$v=19$m=65536,t=3,p=4$c2FsdA$aGFzaA", "\xC3\xA9\xC3\xA9",
        "$y$z", "$y$jzzzz", "$y$j9Tz", "$y$j9T!", "$pbkdf2$1$x$y"
    };
    size_t i;

    for (i = 0; i < COUNT(hashes); i++) {
        at_cost_t cost = { 7, 8 };

        ck_assert_msg(!at_cost_read(&cost, hashes[i]), "%s", hashes[i]);
        ck_assert(cost.milliseconds == 7 && cost.megabytes == 8);
    }
}
END_TEST

/* At each cost that libcrypt has, from the settings that it makes. */
START_TEST(each_cost_of_each_scheme_is_read)
{
    static const struct {
        const char *name, *cost;
        double milliseconds, megabytes;
    } cases[] = {
        { "bcrypt", "4", 0.78, 0 }, { "bcrypt", "10", 50, 0 },
        { "bcrypt", "31", 104857600, 0 },
        { "yescrypt", "1", 1.3, 1 }, { "yescrypt", "5", 19.7, 16 },
        { "yescrypt", "11", 1258, 1024 },
        { "gost-yescrypt", "5", 19.7, 16 },
        { "scrypt", "6", 55, 32 }, { "scrypt", "11", 1762, 1024 },
        { "sha512crypt", "5000", 1.5, 0 },
        { "sha512crypt", "999999999", 300000, 0 },
        { "sha256crypt", "100000", 39, 0 },
        { "bsdicrypt", "100001", 12, 0 }, { "md5crypt", NULL, 0.14, 0 },
        { "descrypt", NULL, 0, 0 }
    };
    size_t i;

    for (i = 0; i < COUNT(cases); i++) {
        const at_scheme_t *scheme;
        at_cost_t cost;

        if (at_scheme_make(&scheme, cases[i].name, cases[i].cost, pool)) {
            continue;            /* not in this libcrypt */
        }
        cost = at_scheme_cost(scheme);
        ck_assert_msg(cost.milliseconds >= cases[i].milliseconds * 0.9
                      && cost.milliseconds <= cases[i].milliseconds * 1.1
                      && cost.megabytes == cases[i].megabytes,
                      "%s %s: %f ms, %f MB", cases[i].name,
                      cases[i].cost ? cases[i].cost : "", cost.milliseconds,
                      cost.megabytes);
    }
}
END_TEST

START_TEST(each_scheme_that_can_be_configured_is_known)
{
    static const char *const names[] = {
        "bcrypt", "yescrypt", "gost-yescrypt", "scrypt", "sha512crypt",
        "sha256crypt", "sha1crypt", "sunmd5", "md5crypt", "bsdicrypt",
        "descrypt"
    };
    size_t i;

    for (i = 0; i < COUNT(names); i++) {
        char hash[AT_PASSCODE_HASH_BYTES + 1];
        const at_scheme_t *scheme;
        at_cost_t cost;

        if (!at_scheme_make(&scheme, names[i], NULL, pool)
            && at_passcode_hash(hash, scheme, "pass-1")) {
            cost = cost_of(hash);
            ck_assert_msg(!at_cost_exceeds(&cost, &limit), "%s", hash);
        }
    }
}
END_TEST

START_TEST(time_and_memory_are_limits_of_their_own)
{
    const at_cost_t slow = { 2001, 0 }, large = { 0, 257 }, equal = limit;

    ck_assert(at_cost_exceeds(&slow, &limit));
    ck_assert(at_cost_exceeds(&large, &limit));
    ck_assert(!at_cost_exceeds(&equal, &limit));
}
END_TEST

int main(void)
{
    TCase *tests = test_begin("test_cost");

    tcase_add_test(tests, what_is_in_use_is_within_the_default_limit);
    tcase_add_test(tests, what_is_absurd_is_above_it);
    tcase_add_test(tests, what_is_no_hash_is_not_known);
    tcase_add_test(tests, each_cost_of_each_scheme_is_read);
    tcase_add_test(tests, each_scheme_that_can_be_configured_is_known);
    tcase_add_test(tests, time_and_memory_are_limits_of_their_own);
    return test_end(tests);
}
