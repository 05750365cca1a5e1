/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The memory that all child processes of a server share: whether the start
 * has been checked, the incidents of each database, and the floor for
 * hashing. Every word of it is read and set atomically.
 *
 * Where the system has no shared memory, httpd starts without it. Then each
 * child checks the start, logs incidents for itself, and has its own floor.
 */
#ifndef AT_SHARED_H
#define AT_SHARED_H

#include <httpd.h>

#include "at_config.h"
#include "at_hashing.h"
#include "at_incident.h"

/**
 * The post_config hook: makes the memory in PCONF and clears it, and makes the
 * sha256 of SERVER's configuration, which the children inherit. SERVER is the
 * main server. Returns OK, with a warning in the log if there is no memory.
 */
int at_shared_prepare(apr_pool_t *pconf, apr_pool_t *plog, apr_pool_t *ptemp,
                      server_rec *server);

/**
 * The floor that the children share; NULL if there is no shared memory.
 * SERVER is the main server. It lives as long as the configuration.
 */
at_hashing_floor_t *at_shared_floor(server_rec *server);

/**
 * The incidents of the database of USE, which is one of SERVER's uses:
 * AT_FAULT_COUNT elements. All uses of a virtual host have the same database
 * and get the same incidents. NULL if there is no shared memory. SERVER is
 * the main server. They live as long as the configuration.
 */
at_incident_t *at_shared_incidents(server_rec *server, const at_use_t *use);

/**
 * True for the first child that asks after a start; for each child if there
 * is no shared memory. SERVER is the main server.
 */
int at_shared_is_first_child(server_rec *server);

#endif /* AT_SHARED_H */
