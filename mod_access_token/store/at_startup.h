/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The check at each start of what configtest cannot see: whether the database
 * answers, whether the statements fit its schema, and whether the connection
 * is set up as the module needs it. The error log tells what is wrong.
 */
#ifndef AT_STARTUP_H
#define AT_STARTUP_H

#include <httpd.h>

/**
 * The child_init hook: the first child after a start checks the databases of
 * all servers, as the user that will use them, and logs what it finds. A
 * fault never keeps httpd from starting: the database may come later. POOL is
 * the child's, SERVER the main server.
 */
void at_startup_check(apr_pool_t *pool, server_rec *server);

#endif /* AT_STARTUP_H */
