/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A connection of mod_dbd's made anew in its place. mod_dbd discards one only
 * if its driver finds that it is dead, which SQLite's never does: after a
 * VACUUM, or any change of the schema, all that such a connection has
 * prepared fails for ever; and after another file was put into the place of
 * the database it goes on with the one that is gone.
 */
#ifndef AT_RENEWAL_H
#define AT_RENEWAL_H

#include <apr_dbd.h>
#include <mod_dbd.h>

#include "at_fault.h"

/** What it takes to make one connection anew. */
typedef struct at_renewal_t at_renewal_t;

/**
 * DBD is a new connection of CONFIG: keep with it what it takes to make it
 * anew. For the hook post_connect of mod_dbd.
 */
void at_renewal_note(dbd_cfg_t *config, ap_dbd_t *dbd);

/**
 * That of DBD, which lives as long as DBD. NULL if none is needed: mod_dbd
 * itself discards a connection of this driver whose socket was cut off.
 */
at_renewal_t *at_renewal_of(const ap_dbd_t *dbd);

/** Ask that RENEWAL's connection be made anew before it is used again. NULL
 *  is passed over. */
void at_renewal_ask(at_renewal_t *renewal);

/** True if the file of RENEWAL's database, or its write-ahead log, is not the
 *  one that was opened. It takes two system calls. False for NULL. */
int at_renewal_has_moved(const at_renewal_t *renewal);

/** True if that is so, or at_renewal_ask was called. False for NULL. */
int at_renewal_is_due(const at_renewal_t *renewal);

/**
 * Replace RENEWAL's connection: connect, run DBDInitSQL, prepare all that
 * mod_dbd prepared, in this order, and close what was there. Only the holder
 * of the connection may call this, when it has no result of it any more.
 * Returns NULL; or in RESULT_POOL why it failed: then the connection is as it
 * was, and still due.
 */
const at_fault_t *at_renewal_make(at_renewal_t *renewal,
                                  apr_pool_t *result_pool);

#endif /* AT_RENEWAL_H */
