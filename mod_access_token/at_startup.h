/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What configtest cannot see, said once at each start in the error log:
 * whether the database answers, the statements fit its schema, and the
 * connection is set up rightly.
 */
#ifndef AT_STARTUP_H
#define AT_STARTUP_H

#include <httpd.h>

/** The post_config hook: lets the children agree on who checks. */
int at_startup_prepare(apr_pool_t *pconf, apr_pool_t *plog,
                       apr_pool_t *ptemp, server_rec *server);

/**
 * The child_init hook: the first child of a start checks the databases of
 * all servers, as the user that will use them, and logs what it finds. It
 * never keeps httpd from starting: a database may come later.
 */
void at_startup_check(apr_pool_t *pool, server_rec *server);

#endif /* AT_STARTUP_H */
