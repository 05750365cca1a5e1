/* SPDX-License-Identifier: Apache-2.0 */
/* The sockets below the connections of mod_dbd. */
#ifndef AT_SOCKET_H
#define AT_SOCKET_H

#include <httpd.h>

#include <apr_dbd.h>
#include <apr_time.h>
#include <mod_dbd.h>

/** The sockets of all connections that mod_dbd has in this process. */
typedef struct at_sockets_t at_sockets_t;

/**
 * Make a list of them in POOL, which outlives mod_dbd's connections. NULL
 * if memory ran out.
 */
at_sockets_t *at_sockets_make(apr_pool_t *pool);

/**
 * A descriptor of the socket that DBD's driver talks through, or -1 if
 * there is none, or the driver does not tell. It is a copy, kept with DBD
 * and in SOCKETS (unless that is NULL), and closed with DBD: the driver may
 * close its own at any time, and the number could then be another file's.
 * The first call bounds how long data on the way to a host that has
 * vanished are waited for, to TIMEOUT.
 */
int at_socket_of(ap_dbd_t *dbd, apr_interval_time_t timeout,
                 at_sockets_t *sockets);

/** Cut off whoever waits on any of SOCKETS, which may be NULL. */
void at_sockets_cut(at_sockets_t *sockets);

/** Cut off whoever waits on SOCKET; -1 is passed over. */
void at_socket_cut(int socket);

#endif /* AT_SOCKET_H */
