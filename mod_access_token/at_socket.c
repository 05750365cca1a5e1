/* SPDX-License-Identifier: Apache-2.0 */
#include "at_socket.h"

#include <dlfcn.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* Under this name the copy is kept in the connection's pool. */
#define KEPT_AS "access_token_socket"

typedef int (*get_socket_fn)(void *mysql);

/*
 * apr_dbd has no time-out for reading, and no way to the socket; the client
 * library has one. It is in the process already, brought by the driver.
 */
static int driver_socket(ap_dbd_t *dbd)
{
    get_socket_fn get_socket = NULL;
    void *symbol, *handle;

    if (strcmp(apr_dbd_name(dbd->driver), "mysql")) {
        return -1;
    }
    symbol = dlsym(RTLD_DEFAULT, "mysql_get_socket");
    handle = apr_dbd_native_handle(dbd->driver, dbd->handle);
    if (!symbol || !handle) {
        return -1;
    }
    memcpy(&get_socket, &symbol, sizeof(get_socket));
    return get_socket(handle);
}

/* A peer that vanished without a word is noticed by the kernel only after
 * many minutes of sending again. */
static void bound_sending(int number, apr_interval_time_t timeout)
{
#ifdef TCP_USER_TIMEOUT
    unsigned int milliseconds = (unsigned int)apr_time_as_msec(timeout);

    /* Fails on a Unix socket, whose peer cannot vanish. */
    (void)setsockopt(number, IPPROTO_TCP, TCP_USER_TIMEOUT, &milliseconds,
                     sizeof(milliseconds));
#else
    (void)number;
    (void)timeout;
#endif
}

static apr_status_t close_copy(void *data)
{
    int *copy = data;

    if (*copy >= 0) {
        close(*copy);
    }
    return APR_SUCCESS;
}

int at_socket_of(ap_dbd_t *dbd, apr_interval_time_t timeout)
{
    void *kept = NULL;
    int *copy, number;

    if (apr_pool_userdata_get(&kept, KEPT_AS, dbd->pool) == APR_SUCCESS
        && kept) {
        return *(int *)kept;
    }
    number = driver_socket(dbd);
    copy = apr_palloc(dbd->pool, sizeof(*copy));
    *copy = number < 0 ? -1 : fcntl(number, F_DUPFD_CLOEXEC, 0);
    if (*copy >= 0) {
        bound_sending(*copy, timeout);
    }
    (void)apr_pool_userdata_setn(copy, KEPT_AS, close_copy, dbd->pool);
    return *copy;
}

void at_socket_cut(int number)
{
    if (number >= 0) {
        (void)shutdown(number, SHUT_RDWR);
    }
}
