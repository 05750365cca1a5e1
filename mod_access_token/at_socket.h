/* SPDX-License-Identifier: Apache-2.0 */
/* The socket below a connection of mod_dbd. */
#ifndef AT_SOCKET_H
#define AT_SOCKET_H

#include <httpd.h>

#include <apr_dbd.h>
#include <apr_time.h>
#include <mod_dbd.h>

/**
 * A descriptor of the socket that DBD's driver talks through, or -1 if
 * there is none, or the driver does not tell. It is a copy, kept with DBD
 * and closed with it: the driver may close its own at any time, and the
 * number could then be another file's. The first call bounds how long data
 * on the way to a host that has vanished are waited for, to TIMEOUT.
 */
int at_socket_of(ap_dbd_t *dbd, apr_interval_time_t timeout);

/** Cut off whoever waits on SOCKET; -1 is passed over. */
void at_socket_cut(int socket);

#endif /* AT_SOCKET_H */
