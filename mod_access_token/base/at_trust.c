/* SPDX-License-Identifier: Apache-2.0 */
#include "at_trust.h"

#include <stdlib.h>
#include <string.h>

#include <sys/stat.h>
#include <unistd.h>

#include <apr_strings.h>

#define WRITE_BY_OTHERS (S_IWGRP | S_IWOTH)

static int is_trusted_owner(uid_t owner)
{
    return owner == 0 || owner == geteuid();
}

/* Judge FOLDER, which is above PATH, or PATH itself. REFUSED are the bits of
 * its mode that it must not have; the sticky bit makes up for them above. */
static const char *check_one(const char *folder, const char *path,
                             mode_t refused, apr_pool_t *pool)
{
    int above = strcmp(folder, path) != 0;
    struct stat status;

    if (stat(folder, &status)) {
        return NULL;
    }
    if (!is_trusted_owner(status.st_uid)) {
        return apr_psprintf(pool, "%s belongs to the user with the number "
                            "%lu, not to root: %s%s%srun chown root '%s'",
                            folder, (unsigned long)status.st_uid,
                            above ? "who owns it can put another file at "
                                  : "", above ? path : "",
                            above ? "; move that to folders of root's, or "
                                  : "", folder);
    }
    if (!(status.st_mode & refused) || (above && (status.st_mode & S_ISVTX))) {
        return NULL;
    }
    if (status.st_mode & WRITE_BY_OTHERS) {
        return apr_psprintf(pool, "%s can be written by others than its owner "
                            "(its mode is %04o): run chmod go-w '%s'", folder,
                            (unsigned int)status.st_mode & 07777, folder);
    }
    return apr_psprintf(pool, "%s can be read by others than its owner (its "
                        "mode is %04o): run chmod 0400 '%s'", folder,
                        (unsigned int)status.st_mode & 07777, folder);
}

/* Judge the folders above PATH, from the nearest on. */
static const char *check_above(const char *path, apr_pool_t *pool)
{
    char *folder = apr_pstrdup(pool, path);
    const char *problem = NULL;
    char *slash;

    while (!problem && (slash = strrchr(folder, '/')) != NULL) {
        slash[slash == folder] = '\0';
        problem = check_one(folder, path, WRITE_BY_OTHERS, pool);
        if (slash == folder) {
            break;
        }
    }
    return problem;
}

static const char *check(const char *path, mode_t refused, apr_pool_t *pool)
{
    const char *problem = check_one(path, path, refused, pool);
    char *target;

    if (!problem) {
        problem = check_above(path, pool);
    }
    if (problem) {
        return problem;
    }
    target = realpath(path, NULL);
    if (target && strcmp(target, path)) {
        problem = check_above(target, pool);
    }
    free(target);
    return problem;
}

const char *at_trust_check(const char *path, apr_pool_t *pool)
{
    return check(path, WRITE_BY_OTHERS, pool);
}

const char *at_trust_check_secret(const char *path, apr_pool_t *pool)
{
    return check(path, S_IRWXG | S_IRWXO, pool);
}
