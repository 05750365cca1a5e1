/* SPDX-License-Identifier: Apache-2.0 */
/* The module's part of the page of mod_status. */
#ifndef AT_STATUS_H
#define AT_STATUS_H

#include <httpd.h>

/**
 * The hook status_hook of mod_status: writes for R the module's version, and
 * what the caches of this child process hold. FLAGS are those of mod_status.h.
 * Returns OK.
 */
int at_status_write(request_rec *r, int flags);

#endif /* AT_STATUS_H */
