/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Files that httpd trusts. Statements run with the rights of the database's
 * user, and a secret protects clients' requests. Root starts httpd, so a user
 * who could write these files, or replace them, would have its rights over the
 * data.
 *
 * A file is trusted if its owner is root or the user who runs this process (a
 * developer who starts httpd), and if nobody else can write it. The same must
 * hold for its folder and for each folder above, up to the root, as in sshd's
 * StrictModes: a user who can write one of them can put another file there. A
 * folder above may have the sticky bit instead, as /tmp has: then users cannot
 * replace each other's files. Write permission for a group is always refused,
 * even if the group has one member, since its members can change. For a
 * symbolic link, both the path as it is written and the path of its target are
 * checked.
 */
#ifndef AT_TRUST_H
#define AT_TRUST_H

#include <apr_pools.h>

#include "at_error.h"

/**
 * Check that the file or folder at PATH, which is absolute, is trusted. A PATH
 * that does not exist is. Else the error's detail says who could write what,
 * and which command changes that. The error is made in POOL, which is used as
 * scratch too.
 */
at_error_t *at_trust_check(const char *path, apr_pool_t *pool) AT_MUST_CHECK;

/** The same for a secret, which only its owner may read. */
at_error_t *at_trust_check_secret(const char *path,
                                  apr_pool_t *pool) AT_MUST_CHECK;

#endif /* AT_TRUST_H */
