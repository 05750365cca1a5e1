/* SPDX-License-Identifier: Apache-2.0 */
#include "at_socket.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <apr_thread_mutex.h>

#include "at_mysql.h"
#include "at_thread.h"

/* The name of the copy in the connection's pool. */
#define KEPT_AS "access_token_socket"

/* A copy of a connection's descriptor. */
typedef struct copy_t {
    int number;                  /* -1: there is none */
    at_sockets_t *sockets;       /* the list that it is in, or NULL */
    struct copy_t *next;
} copy_t;

struct at_sockets_t {
    apr_thread_mutex_t *mutex;
    copy_t *first;
};

at_sockets_t *at_sockets_make(apr_pool_t *pool)
{
    at_sockets_t *sockets = apr_pcalloc(pool, sizeof(*sockets));

    return apr_thread_mutex_create(&sockets->mutex, APR_THREAD_MUTEX_DEFAULT,
                                   pool) == APR_SUCCESS ? sockets : NULL;
}

/* Under prefork a signal's handler ends the child and needs the list. So no
 * signal may interrupt a thread that holds the mutex. */
static void lock(at_sockets_t *sockets, sigset_t *signals)
{
    at_thread_block_all(signals);
    apr_thread_mutex_lock(sockets->mutex);
}

static void unlock(at_sockets_t *sockets, const sigset_t *signals)
{
    apr_thread_mutex_unlock(sockets->mutex);
    at_thread_unblock(signals);
}

void at_sockets_cut(at_sockets_t *sockets)
{
    const copy_t *copy;
    sigset_t signals;

    if (!sockets) {
        return;
    }
    lock(sockets, &signals);
    for (copy = sockets->first; copy; copy = copy->next) {
        at_socket_cut(copy->number);
    }
    unlock(sockets, &signals);
}

static void list(copy_t *copy, at_sockets_t *sockets)
{
    sigset_t signals;

    copy->sockets = sockets;
    lock(sockets, &signals);
    copy->next = sockets->first;
    sockets->first = copy;
    unlock(sockets, &signals);
}

static void unlist(copy_t *copy)
{
    copy_t **place = &copy->sockets->first;
    sigset_t signals;

    lock(copy->sockets, &signals);
    while (*place != copy) {
        place = &(*place)->next;
    }
    *place = copy->next;
    unlock(copy->sockets, &signals);
}

/* apr_dbd has no time-out for reading, and does not give the socket; the client
 * library does. */
static int driver_socket(ap_dbd_t *dbd)
{
    return strcmp(apr_dbd_name(dbd->driver), "mysql") ? -1
           : at_mysql_socket(apr_dbd_native_handle(dbd->driver, dbd->handle));
}

/* If a peer vanishes silently, the kernel notices only after it has sent again
 * for many minutes. */
static void bound_sending(int number, apr_interval_time_t timeout)
{
#ifdef TCP_USER_TIMEOUT
    unsigned int milliseconds = (unsigned int)apr_time_as_msec(timeout);

    /* Fails on a Unix socket, but there the peer cannot vanish silently. */
    (void)setsockopt(number, IPPROTO_TCP, TCP_USER_TIMEOUT, &milliseconds,
                     sizeof(milliseconds));
#else
    (void)number;
    (void)timeout;
#endif
}

static apr_status_t close_copy(void *data)
{
    copy_t *copy = data;

    if (copy->sockets) {
        unlist(copy);
    }
    if (copy->number >= 0) {
        close(copy->number);
    }
    return APR_SUCCESS;
}

int at_socket_of(ap_dbd_t *dbd, apr_interval_time_t timeout,
                 at_sockets_t *sockets)
{
    void *kept = NULL;
    copy_t *copy;
    int number;

    if (apr_pool_userdata_get(&kept, KEPT_AS, dbd->pool) == APR_SUCCESS
        && kept) {
        return ((copy_t *)kept)->number;
    }
    number = driver_socket(dbd);
    copy = apr_pcalloc(dbd->pool, sizeof(*copy));
    copy->number = number < 0 ? -1 : fcntl(number, F_DUPFD_CLOEXEC, 0);
    if (copy->number >= 0) {
        bound_sending(copy->number, timeout);
    }
    if (copy->number >= 0 && sockets) {
        list(copy, sockets);
    }
    (void)apr_pool_userdata_setn(copy, KEPT_AS, close_copy, dbd->pool);
    return copy->number;
}

void at_socket_cut(int number)
{
    if (number >= 0) {
        (void)shutdown(number, SHUT_RDWR);
    }
}
