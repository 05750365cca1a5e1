/* SPDX-License-Identifier: Apache-2.0 */
/* The examples of FIPS 180-2, appendix B. */
#include "test_support.h"

#include <string.h>

#include "at_digest.h"

static void check_digests(const at_digest_t *sha256)
{
    char *million = apr_pcalloc(pool, 1000001);

    ck_assert_str_eq(at_digest_sha256(pool, "", sha256),
                     "e3b0c44298fc1c149afbf4c8996fb924"
                     "27ae41e4649b934ca495991b7852b855");
    ck_assert_str_eq(at_digest_sha256(pool, "abc", sha256),
                     "ba7816bf8f01cfea414140de5dae2223"
                     "b00361a396177a9cb410ff61f20015ad");
    ck_assert_str_eq(at_digest_sha256(pool, "abcdbcdecdefdefgefghfghighijhijk"
                                            "ijkljklmklmnlmnomnopnopq",
                                      sha256),
                     "248d6a61d20638b8e5c026930c3e6039"
                     "a33ce45964ff2167f6ecedd419db06c1");
    memset(million, 'a', 1000000);
    ck_assert_str_eq(at_digest_sha256(pool, million, sha256),
                     "cdc76e5c9914fb9281a1c7e284d73e67"
                     "f1809a48a497200e046d39ccc7112cd0");
}

START_TEST(the_digest_is_sha256_in_lower_case)
{
    check_digests(NULL);
}
END_TEST

/* More than once by the same algorithm. */
START_TEST(it_is_the_same_by_an_algorithm_that_is_kept)
{
    const at_digest_t *sha256 = at_digest_make(pool);

    ck_assert_ptr_nonnull(sha256);
    check_digests(sha256);
    check_digests(sha256);
}
END_TEST

/* What the shipped demonstration data holds for the page's example. */
START_TEST(the_digest_of_the_example_session_is_the_stored_one)
{
    const char *demo = test_read(test_source("sql/sqlite3/demo.sql"));

    ck_assert(has(demo, at_digest_sha256(pool,
                                         "A4F19B70D95D4DE09C3A9FC720A33A49",
                                         NULL)));
}
END_TEST

/* RFC 4231, test cases 1, 2 and 6. */
START_TEST(the_hmac_is_that_of_rfc_4231)
{
    unsigned char key[131];

    memset(key, 0x0b, sizeof(key));
    ck_assert_str_eq(at_digest_hmac(pool, key, 20, "Hi There"),
                     "b0344c61d8db38535ca8afceaf0bf12b"
                     "881dc200c9833da726e9376c2e32cff7");
    ck_assert_str_eq(at_digest_hmac(pool, (const unsigned char *)"Jefe", 4,
                                    "what do ya want for nothing?"),
                     "5bdcc146bf60754e6a042426089575c7"
                     "5a003f089d2739839dec58b964ec3843");
    memset(key, 0xaa, sizeof(key));
    ck_assert_str_eq(at_digest_hmac(pool, key, 131, "Test Using Larger Than "
                                    "Block-Size Key - Hash Key First"),
                     "60e431591ee0b67f0d8a26aacbf5b77f"
                     "8e0bc6213728c5140546040f0ee37f54");
}
END_TEST

int main(void)
{
    TCase *tests = test_begin("test_digest");

    tcase_add_test(tests, the_digest_is_sha256_in_lower_case);
    tcase_add_test(tests, it_is_the_same_by_an_algorithm_that_is_kept);
    tcase_add_test(tests,
                   the_digest_of_the_example_session_is_the_stored_one);
    tcase_add_test(tests, the_hmac_is_that_of_rfc_4231);
    return test_end(tests);
}
