/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Renewing a connection that mod_dbd keeps. mod_dbd discards a connection only
 * if its driver reports it dead, and SQLite's driver never does. But after a
 * VACUUM or any change of the schema, all statements that such a connection has
 * prepared fail forever; and if another file has replaced the database, the
 * connection still uses the old one.
 */
#ifndef AT_RENEWAL_H
#define AT_RENEWAL_H

#include <apr_dbd.h>
#include <mod_dbd.h>

#include "at_fault.h"

/** What is needed to renew one connection. */
typedef struct at_renewal_t at_renewal_t;

/**
 * DBD is a new connection of CONFIG: store in its pool what is needed to renew
 * it, and prepare SQLite's statements again where mod_dbd's order made them
 * invalid. For the hook post_connect of mod_dbd.
 */
void at_renewal_note(dbd_cfg_t *config, ap_dbd_t *dbd);

/**
 * What at_renewal_note has stored for DBD; it lives as long as DBD. NULL if the
 * driver is not SQLite's: mod_dbd itself discards a connection of another
 * driver once its socket was cut off.
 */
at_renewal_t *at_renewal_of(const ap_dbd_t *dbd);

/** Have RENEWAL's connection renewed before it is used again. With NULL nothing
 *  happens. */
void at_renewal_ask(at_renewal_t *renewal);

/** True if the file of RENEWAL's database, or its write-ahead log, is no longer
 *  the one that was opened. Costs two system calls. False for NULL. */
int at_renewal_has_moved(const at_renewal_t *renewal);

/** True if at_renewal_has_moved, or if at_renewal_ask was called. False for
 *  NULL. */
int at_renewal_is_due(const at_renewal_t *renewal);

/**
 * Replace RENEWAL's connection: close what the last renewal opened, connect,
 * run DBDInitSQL, and prepare all that mod_dbd prepared, in this order. Only
 * the holder of the connection may call this, after it has freed all results.
 * Returns NULL; or in RESULT_POOL why it failed: then the renewal is still due.
 * In both cases the statements that were prepared before must not be used.
 */
const at_fault_t *at_renewal_make(at_renewal_t *renewal,
                                  apr_pool_t *result_pool);

#endif /* AT_RENEWAL_H */
