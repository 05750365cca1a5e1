/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is in force, for people: `apachectl -t -D DUMP_ACCESS_TOKEN`, as httpd
 * itself has -D DUMP_VHOSTS.
 */
#ifndef AT_DUMP_H
#define AT_DUMP_H

#include <httpd.h>

/**
 * The test_config hook; SERVER is the main server. If DUMP_ACCESS_TOKEN is
 * defined, prints to the standard output for each place that serves the
 * method: the directives in force and where each was set, the statement files,
 * and how many connections to the database there can be. Secrets are not
 * printed: of files only the names, of DBDParams nothing.
 */
void at_dump_config(apr_pool_t *pool, server_rec *server);

#endif /* AT_DUMP_H */
