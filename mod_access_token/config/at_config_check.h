/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The checks of a configuration that need all of it: they run under
 * `apachectl configtest` too.
 */
#ifndef AT_CONFIG_CHECK_H
#define AT_CONFIG_CHECK_H

#include <httpd.h>

/**
 * The check_config hook. Logs each mistake with file, line and remedy, and
 * returns an error if there is one; else OK, with the databases that
 * statements are used with noted in the main server's at_server_config_t.
 */
int at_config_check(apr_pool_t *pconf, apr_pool_t *plog, apr_pool_t *ptemp,
                    server_rec *server);

#endif /* AT_CONFIG_CHECK_H */
