/* SPDX-License-Identifier: Apache-2.0 */
/* The store (at_store.h) over mod_dbd. */
#ifndef AT_STORE_DBD_H
#define AT_STORE_DBD_H

#include <httpd.h>

#include "at_crowd.h"
#include "at_dbd.h"
#include "at_store.h"

/**
 * Make a store for R that runs the statements of REGISTERED, in R's pool. It
 * takes a connection when it needs one. If another module (such as
 * mod_authn_dbd) already holds a connection of mod_dbd for R, it shares
 * that one as long as that is good: R could otherwise wait for itself. CROWD
 * says whether it may wait for its first connection; NULL: it may.
 */
at_store_t *at_store_dbd_make(request_rec *r,
                              const at_registered_t *registered,
                              at_crowd_t *crowd);

/**
 * Run startup.sql with STORE, which at_store_dbd_make made, and fill *VERSION
 * (of the schema) and *CHARSET (of the connection) in the request's pool; each
 * may become NULL. Returns NULL, or a fault as the store's operations do.
 */
const at_fault_t *at_store_dbd_startup(at_store_t *store,
                                       const char **version,
                                       const char **charset);

#endif /* AT_STORE_DBD_H */
