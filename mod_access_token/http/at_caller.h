/* SPDX-License-Identifier: Apache-2.0 */
/* The caller: a session token, or the user that Apache has authenticated. */
#ifndef AT_CALLER_H
#define AT_CALLER_H

#include <httpd.h>

#include "at_call.h"
#include "at_config.h"
#include "at_error.h"

/** True if Apache's own authentication names the caller of R. */
int at_caller_is_apaches(const request_rec *r, const at_config_t *config);

/**
 * Find the caller in the ways that CONFIG allows. Fills the token and the
 * username of CALL, whose request is set; both may be NULL.
 * AT_INVALID_REQUEST: header and body have different tokens. AT_FORBIDDEN:
 * Apache names the caller, and a page of another site sent the request (see
 * at_origin.h).
 */
at_error_t *at_caller_find(at_call_t *call, request_rec *r,
                           const at_config_t *config) AT_MUST_CHECK;

#endif /* AT_CALLER_H */
