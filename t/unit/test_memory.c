/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the core does when the system has no more to give: an error, or the
 * abort function of the pool (httpd's ends the child), never a crash. The
 * functions that fail are wrapped by the linker. Of yajl, only what makes a
 * parser can fail in order: it does not look at the rest.
 */
#include "test_support.h"

#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <apr_general.h>
#include <openssl/evp.h>
#include <yajl/yajl_parse.h>

#include "at_custom.h"
#include "at_digest.h"
#include "at_generate.h"
#include "at_number.h"
#include "at_passcode.h"
#include "at_reply.h"
#include "at_write.h"

#if defined(__SANITIZE_ADDRESS__)
#define HAS_SANITIZER 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define HAS_SANITIZER 1
#endif
#endif

/* The name of the function that fails. */
static const char *failing = "";

static int fails(const char *name)
{
    return !strcmp(failing, name);
}

yajl_handle __real_yajl_alloc(const yajl_callbacks *callbacks,
                              yajl_alloc_funcs *functions, void *context);
yajl_handle __wrap_yajl_alloc(const yajl_callbacks *callbacks,
                              yajl_alloc_funcs *functions, void *context);
yajl_handle __wrap_yajl_alloc(const yajl_callbacks *callbacks,
                              yajl_alloc_funcs *functions, void *context)
{
    return fails("yajl_alloc") ? NULL
                               : __real_yajl_alloc(callbacks, functions,
                                                   context);
}

char *__real_crypt_rn(const char *phrase, const char *setting, void *data,
                      int size);
char *__wrap_crypt_rn(const char *phrase, const char *setting, void *data,
                      int size);
char *__wrap_crypt_rn(const char *phrase, const char *setting, void *data,
                      int size)
{
    return fails("crypt") ? NULL : __real_crypt_rn(phrase, setting, data,
                                                   size);
}

apr_status_t __real_apr_generate_random_bytes(unsigned char *bytes,
                                              apr_size_t length);
apr_status_t __wrap_apr_generate_random_bytes(unsigned char *bytes,
                                              apr_size_t length);
apr_status_t __wrap_apr_generate_random_bytes(unsigned char *bytes,
                                              apr_size_t length)
{
    return fails("random") ? APR_EGENERAL
                           : __real_apr_generate_random_bytes(bytes, length);
}

int __real_EVP_Digest(const void *data, size_t count, unsigned char *digest,
                      unsigned int *size, const EVP_MD *type,
                      ENGINE *engine);
int __wrap_EVP_Digest(const void *data, size_t count, unsigned char *digest,
                      unsigned int *size, const EVP_MD *type,
                      ENGINE *engine);
int __wrap_EVP_Digest(const void *data, size_t count, unsigned char *digest,
                      unsigned int *size, const EVP_MD *type, ENGINE *engine)
{
    return fails("EVP_Digest") ? 0
                               : __real_EVP_Digest(data, count, digest, size,
                                                   type, engine);
}

locale_t __real_newlocale(int mask, const char *name, locale_t base);
locale_t __wrap_newlocale(int mask, const char *name, locale_t base);
locale_t __wrap_newlocale(int mask, const char *name, locale_t base)
{
    return fails("newlocale") ? (locale_t)0
                              : __real_newlocale(mask, name, base);
}

START_TEST(a_parser_that_cannot_be_made_is_an_error)
{
    at_json_t *root;

    failing = "yajl_alloc";
    ck_assert_ptr_null(at_json_parser_make(pool));
    ck_assert_str_eq(test_error(at_json_parse(&root, "{}", pool)),
                     "INTERNAL_ERROR");
    failing = "";
    ck_assert_str_eq(test_error(at_json_parse(&root, "{}", pool)), "OK");
}
END_TEST

START_TEST(a_pass_code_that_cannot_be_hashed_has_no_hash)
{
    char hash[AT_PASSCODE_HASH_BYTES + 1] = "as it was";
    const at_scheme_t *scheme;

    ck_assert_ptr_null(at_scheme_make(&scheme, "bcrypt", "4", pool));
    failing = "crypt";
    ck_assert(!at_passcode_hash(hash, scheme, "p"));
    ck_assert_str_eq(hash, "");
    failing = "";
    ck_assert(at_passcode_hash(hash, scheme, "p"));
}
END_TEST

START_TEST(without_randomness_nothing_is_generated)
{
    failing = "random";
    ck_assert_ptr_null(at_generate_id(pool));
    ck_assert_uint_eq(at_generate_up_to(1000), 0);
    failing = "";
}
END_TEST

START_TEST(a_digest_that_cannot_be_made_is_null)
{
    failing = "EVP_Digest";
    ck_assert_ptr_null(at_digest_sha256(pool, "x", NULL));
    failing = "";
}
END_TEST

START_TEST(without_a_second_locale_numbers_are_those_of_the_first)
{
    double value;

    failing = "newlocale";
    ck_assert_str_eq(at_number_format(pool, 0.1), "0.1");
    ck_assert_int_eq(at_number_parse(&value, "0.5"), AT_NUMBER_READ);
    ck_assert(value > 0.4 && value < 0.6);
    failing = "";
}
END_TEST

#define ABORTED 7

static int on_no_memory(int status)
{
    (void)status;
    _exit(ABORTED);
}

/* In a process of its own: parse more than its memory can hold. */
static void parse_too_much(void)
{
    apr_size_t length = 8 * 1024 * 1024, i;
    char *text = malloc(length + 1);
    long pages = 0;
    FILE *statistics = fopen("/proc/self/statm", "r");
    struct rlimit limit;
    apr_pool_t *limited;
    at_json_t *root;

    if (!text || !statistics || fscanf(statistics, "%ld", &pages) != 1) {
        _exit(EXIT_FAILURE);
    }
    for (i = 0; i < length; i++) {
        text[i] = i % 2 ? '1' : ',';
    }
    text[0] = '[';
    text[length - 1] = ']';
    text[length] = '\0';
    apr_pool_create_ex(&limited, NULL, on_no_memory, NULL);
    limit.rlim_cur = limit.rlim_max =
        (rlim_t)pages * (rlim_t)sysconf(_SC_PAGESIZE) + 32 * 1024 * 1024;
    setrlimit(RLIMIT_AS, &limit);
    (void)!at_json_parse(&root, text, limited);
    _exit(EXIT_SUCCESS);
}

START_TEST(a_pool_that_cannot_grow_calls_its_abort_function)
{
    const char *fork_mode = getenv("CK_FORK");
    int status;
    pid_t child;

#ifdef HAS_SANITIZER
    fork_mode = "no";
#endif
    if ((fork_mode && !strcmp(fork_mode, "no"))
        || access("/proc/self/statm", R_OK)) {
        printf("# a limit of memory cannot be set here: skipped\n");
        return;
    }
    child = fork();
    ck_assert_int_ge(child, 0);
    if (child == 0) {
        parse_too_much();
    }
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert_msg(WIFEXITED(status) && WEXITSTATUS(status) == ABORTED,
                  "the process ended with %x", (unsigned int)status);
}
END_TEST

int main(void)
{
    TCase *tests = test_begin("test_memory");

    tcase_add_test(tests, a_parser_that_cannot_be_made_is_an_error);
    tcase_add_test(tests, a_pass_code_that_cannot_be_hashed_has_no_hash);
    tcase_add_test(tests, without_randomness_nothing_is_generated);
    tcase_add_test(tests, a_digest_that_cannot_be_made_is_null);
    tcase_add_test(tests,
                   without_a_second_locale_numbers_are_those_of_the_first);
    tcase_add_test(tests, a_pool_that_cannot_grow_calls_its_abort_function);
    return test_end(tests);
}
