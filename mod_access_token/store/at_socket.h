/* SPDX-License-Identifier: Apache-2.0 */
/* The sockets of mod_dbd's connections. */
#ifndef AT_SOCKET_H
#define AT_SOCKET_H

#include <httpd.h>

#include <apr_dbd.h>
#include <apr_time.h>
#include <mod_dbd.h>

/** A list of the sockets of all connections that mod_dbd has in this process.
 *  Any thread may use it. */
typedef struct at_sockets_t at_sockets_t;

/** Make an empty list in POOL, which must outlive mod_dbd's connections. NULL
 *  if there is no memory. */
at_sockets_t *at_sockets_make(apr_pool_t *pool);

/**
 * A descriptor of the socket that DBD's driver uses, or -1 if it has none or
 * does not tell. It is a copy, because the driver may close its own at any
 * time, and the number could then belong to another file. The first call makes
 * the copy, adds it to SOCKETS (unless that is NULL), and has the kernel give
 * up a host that does not acknowledge what was sent within TIMEOUT. The copy is
 * closed when DBD is.
 */
int at_socket_of(ap_dbd_t *dbd, apr_interval_time_t timeout,
                 at_sockets_t *sockets);

/** Shut down all of SOCKETS, which may be NULL: a thread that waits on one
 *  gets an error. */
void at_sockets_cut(at_sockets_t *sockets);

/** Shut down SOCKET likewise; -1 does nothing. */
void at_socket_cut(int socket);

#endif /* AT_SOCKET_H */
