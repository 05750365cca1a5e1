/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Files that httpd trusts: statements run with the rights of the database's
 * user, and a secret protects others' requests. Root starts httpd, so who
 * could write these files, or put others in their place, would have its
 * rights over the data.
 *
 * A file is trusted if root owns it, or the user who runs this (a developer
 * who starts httpd himself), and nobody else can write it. The same holds for
 * its folder and each folder above it, up to the root, as sshd's StrictModes
 * has it: who can write one of them can put another file there. A folder with
 * the sticky bit, as /tmp, lets nobody replace what is others'. A group of one
 * user makes no exception, since who is in a group can change. Of a symbolic
 * link both ways count: the one that is written, and the one of its target.
 */
#ifndef AT_TRUST_H
#define AT_TRUST_H

#include <apr_pools.h>

/**
 * Judge the file or folder at PATH. Returns NULL if it is trusted, or does
 * not exist; else who could write what, and the command that changes it, in
 * POOL.
 */
const char *at_trust_check(const char *path, apr_pool_t *pool);

/** The same for a secret, which nobody but its owner may read either. */
const char *at_trust_check_secret(const char *path, apr_pool_t *pool);

#endif /* AT_TRUST_H */
