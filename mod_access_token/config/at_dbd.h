/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mod_dbd, through its optional functions: a folder's statements are registered
 * with it for a server, and mod_dbd prepares them on each connection to the
 * server's database.
 */
#ifndef AT_DBD_H
#define AT_DBD_H

#include <httpd.h>

#include <apr_dbd.h>
#include <mod_dbd.h>

#include "at_error.h"
#include "at_statements.h"
#include "at_step.h"

/** The statements of one folder, registered with mod_dbd for one server. */
typedef struct at_registered_t at_registered_t;

/**
 * Register STATEMENTS with mod_dbd for SERVER, and make *REGISTERED, in POOL.
 * STATEMENTS must live as long as POOL. Call this only while the configuration
 * is read. If mod_dbd is not loaded, the error's detail says so; then
 * *REGISTERED is not set.
 */
at_error_t *at_dbd_register(at_registered_t **registered,
                            const at_statements_t *statements,
                            server_rec *server,
                            apr_pool_t *pool) AT_MUST_CHECK;

/**
 * Keep mod_dbd from preparing REGISTERED on the database of SERVER, a virtual
 * host that inherits it from the main server. Call this only before mod_dbd's
 * post_config.
 */
void at_dbd_withdraw(const at_registered_t *registered, server_rec *server);

/** The statements that were registered. They live as long as REGISTERED. */
const at_statements_t *at_dbd_statements(const at_registered_t *registered);

/** What this process knows of the step of REGISTERED's save.sql (at_step.h). It
 *  lives as long as REGISTERED. */
at_step_t *at_dbd_step(const at_registered_t *registered);

/**
 * Take a connection from mod_dbd's pool for SERVER. Return it by at_dbd_close.
 * POOL must live longer than its use. NULL if mod_dbd has none, or if it tried
 * one that was stale. This may wait without limit, so it is not called in the
 * thread of a request, which calls at_connection_take.
 */
ap_dbd_t *at_dbd_open(const at_registered_t *registered, server_rec *server,
                      apr_pool_t *pool);

/** Return CONNECTION of SERVER to mod_dbd's pool. The results of its statements
 *  must have been destroyed. */
void at_dbd_close(const at_registered_t *registered, server_rec *server,
                  ap_dbd_t *connection);

/**
 * The connection that another module, such as mod_authn_dbd, holds for R until
 * the request ends (ap_dbd_acquire); NULL if there is none.
 */
ap_dbd_t *at_dbd_shared(const at_registered_t *registered, request_rec *r);

/** STATEMENT of REGISTERED as mod_dbd has prepared it on CONNECTION; NULL if it
 *  has not. It lives as long as CONNECTION. */
apr_dbd_prepared_t *at_dbd_prepared(const at_registered_t *registered,
                                    const ap_dbd_t *connection,
                                    at_statement_e statement);

#endif /* AT_DBD_H */
