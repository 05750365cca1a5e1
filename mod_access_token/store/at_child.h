/* SPDX-License-Identifier: Apache-2.0 */
/* What a child process has, whatever the number of its servers. */
#ifndef AT_CHILD_H
#define AT_CHILD_H

#include <httpd.h>

/**
 * The child_init hook: makes the child's room for hashing, which ends before
 * POOL, the child's, is cleared. SERVER is the main server.
 */
void at_child_init(apr_pool_t *pool, server_rec *server);

#endif /* AT_CHILD_H */
