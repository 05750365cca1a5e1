/* SPDX-License-Identifier: Apache-2.0 */
/*
 * For LD_PRELOAD in httpd under the prefork MPM: prints to stderr when another
 * thread makes a pool with an allocator that the main thread uses too and that
 * has no mutex.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

/* As in APR; a status is an int. */
void *apr_pool_allocator_get(void *pool);
void *apr_allocator_mutex_get(void *allocator);
int apr_pool_create_ex(void **made, void *parent, void *abort,
                       void *allocator);

#define MOST 256

/* The allocators of the main thread. Only that thread writes here. */
static void *volatile used[MOST];
static volatile int count;

static int is_used(const void *allocator)
{
    int i = 0;

    while (i < count && used[i] != allocator) {
        i++;
    }
    return i < count;
}

static void look_at(void *allocator)
{
    static const char text[] = "two threads share memory without a mutex\n";

    if (apr_allocator_mutex_get(allocator)) {
        return;
    }
    if (getpid() != syscall(SYS_gettid)) {
        if (is_used(allocator)) {
            (void)!write(2, text, strlen(text));
        }
    }
    else if (!is_used(allocator) && count < MOST) {
        used[count] = allocator;
        count++;
    }
}

int apr_pool_create_ex(void **made, void *parent, void *abort,
                       void *allocator)
{
    static int (*create)(void **, void *, void *, void *);

    if (!create) {
        *(void **)&create = dlsym(RTLD_NEXT, "apr_pool_create_ex");
    }
    if (parent && !allocator) {
        look_at(apr_pool_allocator_get(parent));
    }
    return create(made, parent, abort, allocator);
}
