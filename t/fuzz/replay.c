/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Runs a fuzz target with the files that are named, or with its corpus, and
 * then with random inputs, if the target has some. These are the same in each
 * run. Prints TAP.
 */
#include "fuzz.h"

#include <signal.h>
#include <string.h>

#include <apr_file_info.h>
#include <apr_file_io.h>
#include <apr_general.h>
#include <apr_lib.h>
#include <apr_pools.h>
#include <apr_strings.h>
#include <apr_tables.h>

static int compare_names(const void *one, const void *other)
{
    return strcmp(*(const char *const *)one, *(const char *const *)other);
}

/* The files of the target's corpus, sorted. */
static apr_array_header_t *list_corpus(apr_pool_t *pool)
{
    apr_array_header_t *files = apr_array_make(pool, 32, sizeof(char *));
    const char *folder = apr_pstrcat(pool, fuzz_source("t/fuzz/corpus"), "/",
                                     fuzz_corpus, (char *)NULL);
    apr_dir_t *directory;
    apr_finfo_t entry;

    if (apr_dir_open(&directory, folder, pool) != APR_SUCCESS) {
        return files;
    }
    while (apr_dir_read(&entry, APR_FINFO_NAME, directory) == APR_SUCCESS) {
        if (entry.name[0] != '.') {
            APR_ARRAY_PUSH(files, const char *) =
                apr_pstrcat(pool, folder, "/", entry.name, (char *)NULL);
        }
    }
    apr_dir_close(directory);
    qsort(files->elts, (size_t)files->nelts, sizeof(char *), compare_names);
    return files;
}

/* Run the target with the file at PATH. False if it cannot be read. */
static int run(const char *path, apr_pool_t *pool)
{
    apr_file_t *file;
    apr_finfo_t information;
    unsigned char *data;
    apr_size_t size;

    if (apr_file_open(&file, path, APR_FOPEN_READ, 0, pool) != APR_SUCCESS) {
        return 0;
    }
    apr_file_info_get(&information, APR_FINFO_SIZE, file);
    size = (apr_size_t)information.size;
    /* With exactly that size, so that reading beyond the end is detected. */
    data = malloc(size + !size);
    if (!data || apr_file_read_full(file, data, size, NULL) != APR_SUCCESS) {
        free(data);
        return 0;
    }
    LLVMFuzzerTestOneInput(data, size);
    free(data);
    apr_file_close(file);
    return 1;
}

/* Fewer random inputs under valgrind, which is slow. As in the unit tests,
 * CK_FORK=no shows that valgrind runs this. */
static int random_count(void)
{
    const char *fork = getenv("CK_FORK");

    return fork && !strcmp(fork, "no") ? fuzz_random / 100 : fuzz_random;
}

static unsigned char random_data[64];
static size_t random_size;

/* The target has aborted: print the random input, as an argument of printf(1),
 * which makes a file from it. */
static void show_input(int number)
{
    size_t i;

    (void)number;
    fputs("# the input: ", stderr);
    for (i = 0; i < random_size; i++) {
        fprintf(stderr, "\\x%02x", random_data[i]);
    }
    fputc('\n', stderr);
}

/* Run the target with COUNT random inputs. */
static void run_random(int count)
{
    uint64_t state = UINT64_C(0x9E3779B97F4A7C15);
    unsigned char *data = random_data;
    int i;
    size_t k;

    signal(SIGABRT, show_input);
    for (i = 0; i < count; i++) {
        size_t size = 8 + (size_t)i % (sizeof(random_data) - 8);

        random_size = size;
        for (k = 0; k < size; k++) {
            /* Knuth's generator. Most numbers are small: the usual cases. */
            state = state * UINT64_C(6364136223846793005)
                    + UINT64_C(1442695040888963407);
            data[k] = (unsigned char)(state >> 56);
            if ((state >> 40) & 1) {
                data[k] = 0;
            }
        }
        LLVMFuzzerTestOneInput(data, size);
    }
}

int main(int count, const char *const *arguments)
{
    apr_array_header_t *files;
    apr_pool_t *pool;
    int failed = 0, i;

    apr_initialize();
    apr_pool_create(&pool, NULL);
    files = apr_array_make(pool, 1, sizeof(char *));
    for (i = 1; i < count; i++) {
        APR_ARRAY_PUSH(files, const char *) = arguments[i];
    }
    if (count < 2) {
        files = list_corpus(pool);
    }
    printf("1..%d\n", files->nelts + (fuzz_random > 0 && count < 2));
    for (i = 0; i < files->nelts; i++) {
        const char *path = APR_ARRAY_IDX(files, i, const char *);
        int done = run(path, pool);

        failed += !done;
        printf("%s %d - %s\n", done ? "ok" : "not ok", i + 1,
               apr_filepath_name_get(path));
        fflush(stdout);
    }
    if (fuzz_random > 0 && count < 2) {
        run_random(random_count());
        printf("ok %d - random inputs\n", files->nelts + 1);
    }
    apr_pool_destroy(pool);
    return failed || files->nelts == 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
