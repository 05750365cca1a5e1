/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The checks that need the whole configuration. They run under
 * `apachectl configtest` too.
 */
#ifndef AT_CONFIG_CHECK_H
#define AT_CONFIG_CHECK_H

#include <httpd.h>

/**
 * The check_config hook; SERVER is the main server. Logs each mistake with its
 * file and line and how to correct it, and then returns
 * HTTP_INTERNAL_SERVER_ERROR. Otherwise it returns OK, and fills `uses` and
 * `served_by` of the main server's at_server_config_t, in PCONF. Servers that
 * have the method but no database, and sizes that do not fit together, are
 * logged as warnings.
 */
int at_config_check(apr_pool_t *pconf, apr_pool_t *plog, apr_pool_t *ptemp,
                    server_rec *server);

#endif /* AT_CONFIG_CHECK_H */
