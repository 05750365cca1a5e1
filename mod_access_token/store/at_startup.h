/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What configtest cannot see, said once at each start in the error log:
 * whether the database answers, the statements fit its schema, and the
 * connection is set up rightly.
 */
#ifndef AT_STARTUP_H
#define AT_STARTUP_H

#include <httpd.h>

#include "at_hashing.h"

/** The post_config hook: makes the memory that the children share, so that
 *  they agree on who checks, on what has been told of an incident, and on
 *  who hashes on the floor. */
int at_startup_prepare(apr_pool_t *pconf, apr_pool_t *plog,
                       apr_pool_t *ptemp, server_rec *server);

/** The floor that the children share, if there is memory that they share;
 *  else NULL. SERVER is the main server. */
at_hashing_floor_t *at_startup_floor(server_rec *server);

/**
 * The child_init hook: the first child of a start checks the databases of
 * all servers, as the user that will use them, and logs what it finds. It
 * never keeps httpd from starting: a database may come later.
 */
void at_startup_check(apr_pool_t *pool, server_rec *server);

/**
 * What is wrong, and how to mend it, with the VERSION of the schema and the
 * CHARSET of the connection, as startup.sql gave them: a text in POOL, or
 * NULL if all is well.
 */
const char *at_startup_schema_fault(const char *version, apr_pool_t *pool);
const char *at_startup_charset_fault(const char *charset, apr_pool_t *pool);

#endif /* AT_STARTUP_H */
