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

/* Check FOLDER, which is above PATH, or is PATH itself. Its mode must have no
 * bit of REFUSED, but a folder above PATH may have the sticky bit instead. */
static at_error_t *check_one(const char *folder, const char *path,
                             mode_t refused, apr_pool_t *pool)
{
    int above = strcmp(folder, path) != 0;
    struct stat status;

    if (stat(folder, &status)) {
        return NULL;
    }
    if (!is_trusted_owner(status.st_uid)) {
        return at_error_config(pool, "%s belongs to the user with the number "
                               "%lu, not to root: %s%s%srun chown root '%s'",
                               folder, (unsigned long)status.st_uid,
                               above ? "its owner can put another file at "
                                     : "",
                               above ? path : "",
                               above ? "; move that into folders of root, or "
                                     : "", folder);
    }
    if (!(status.st_mode & refused) || (above && (status.st_mode & S_ISVTX))) {
        return NULL;
    }
    if (status.st_mode & WRITE_BY_OTHERS) {
        return at_error_config(pool, "%s can be written by others than its "
                               "owner (its mode is %04o): run chmod go-w '%s'",
                               folder, (unsigned int)status.st_mode & 07777,
                               folder);
    }
    return at_error_config(pool, "%s can be read by others than its owner "
                           "(its mode is %04o): run chmod 0400 '%s'", folder,
                           (unsigned int)status.st_mode & 07777, folder);
}

/* Check the folders above PATH, the nearest first. */
static at_error_t *check_above(const char *path, apr_pool_t *pool)
{
    char *folder = apr_pstrdup(pool, path), *slash;

    while ((slash = strrchr(folder, '/')) != NULL) {
        slash[slash == folder] = '\0';
        AT_TRY(check_one(folder, path, WRITE_BY_OTHERS, pool));
        if (slash == folder) {
            break;
        }
    }
    return NULL;
}

static at_error_t *check(const char *path, mode_t refused, apr_pool_t *pool)
{
    at_error_t *error = NULL;
    char *target;

    AT_TRY(check_one(path, path, refused, pool));
    AT_TRY(check_above(path, pool));
    target = realpath(path, NULL);
    if (target && strcmp(target, path)) {
        error = check_above(target, pool);
    }
    free(target);
    return error;
}

at_error_t *at_trust_check(const char *path, apr_pool_t *pool)
{
    return check(path, WRITE_BY_OTHERS, pool);
}

at_error_t *at_trust_check_secret(const char *path, apr_pool_t *pool)
{
    return check(path, S_IRWXG | S_IRWXO, pool);
}
