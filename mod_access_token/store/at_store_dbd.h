/* SPDX-License-Identifier: Apache-2.0 */
/* The store over mod_dbd. */
#ifndef AT_STORE_DBD_H
#define AT_STORE_DBD_H

#include <httpd.h>

#include "at_dbd.h"
#include "at_store.h"

/**
 * Make a store for R, in its pool. It takes a connection when it needs
 * one; where another module holds one of mod_dbd's for R already (as
 * mod_authn_dbd does), it shares that one, as long as it is good.
 */
at_store_t *at_store_dbd_make(request_rec *r, const at_dbd_t *source);

/**
 * Run startup.sql by STORE, which at_store_dbd_make made. *VERSION and
 * *CHARSET, in the request's pool, are what it gives; each may be NULL.
 * Returns NULL, or a fault as the store's operations do.
 */
const at_fault_t *at_store_dbd_startup(at_store_t *store,
                                       const char **version,
                                       const char **charset);

#endif /* AT_STORE_DBD_H */
