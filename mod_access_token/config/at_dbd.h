/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The statements of one folder as mod_dbd knows them in one server, and
 * the functions of mod_dbd.
 */
#ifndef AT_DBD_H
#define AT_DBD_H

#include <httpd.h>

#include <apr_dbd.h>
#include <mod_dbd.h>

#include "at_error.h"
#include "at_statements.h"
#include "at_step.h"

typedef struct at_dbd_t at_dbd_t;

/**
 * Hand STATEMENTS to mod_dbd, to be prepared on each connection of SERVER,
 * and make *SOURCE of them in POOL. Only while the configuration is read.
 * Returns NULL, or what is wrong: mod_dbd is not loaded.
 */
at_error_t *at_dbd_make(at_dbd_t **source, const at_statements_t *statements,
                        server_rec *server, apr_pool_t *pool) AT_MUST_CHECK;

/**
 * Keep mod_dbd from preparing SOURCE, which SERVER inherits, on SERVER's own
 * database. Only before mod_dbd's post_config.
 */
void at_dbd_withdraw(const at_dbd_t *source, server_rec *server);

/** The statements that SOURCE was made of. */
const at_statements_t *at_dbd_statements(const at_dbd_t *source);

/** Where this process keeps by how much save.sql of SOURCE raises the
 *  version. */
at_step_t *at_dbd_step(const at_dbd_t *source);

/**
 * Take a connection of mod_dbd's pool for SERVER, to be given back by
 * at_dbd_close; POOL outlives it. NULL if there is none, or the one that
 * mod_dbd looked at was stale. May wait without limit: request threads call
 * at_connection_take instead.
 */
ap_dbd_t *at_dbd_open(const at_dbd_t *source, server_rec *server,
                         apr_pool_t *pool);

/** Give CONNECTION back. What its statements gave must be gone before. */
void at_dbd_close(const at_dbd_t *source, server_rec *server,
                     ap_dbd_t *connection);

/**
 * The connection that another module (mod_authn_dbd) holds for R by
 * ap_dbd_acquire, to the request's end; NULL if there is none.
 */
ap_dbd_t *at_dbd_shared(const at_dbd_t *source, request_rec *r);

/** STATEMENT as mod_dbd prepared it on CONNECTION, or NULL. */
apr_dbd_prepared_t *at_dbd_prepared(const at_dbd_t *source,
                                       const ap_dbd_t *connection,
                                       at_statement_e statement);

#endif /* AT_DBD_H */
