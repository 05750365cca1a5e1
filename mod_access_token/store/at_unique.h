/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whether the database has the unique keys that save.sql names by @unique. A
 * key that is only named refuses no duplicate.
 */
#ifndef AT_UNIQUE_H
#define AT_UNIQUE_H

#include <apr_dbd.h>

#include "at_sql.h"

/**
 * The keys (at_unique_t) that SAVE names and the database of HANDLE does not
 * have, or that its account can't see; in POOL. NULL if the database can't
 * tell, because DRIVER is another one or the question fails. Keys of a history
 * (the field "version") are left out: the history is optional, and the account
 * need not see it.
 */
apr_array_header_t *at_unique_missing(const at_statement_t *save,
                                      const apr_dbd_driver_t *driver,
                                      apr_dbd_t *handle, apr_pool_t *pool);

#endif /* AT_UNIQUE_H */
