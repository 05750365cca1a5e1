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
 * username of CALL, whose request is set; both may be NULL. The header
 * Authorization has a session token only where CONFIG allows these, and unless
 * Apache itself has found the user by that header.
 * AT_INVALID_REQUEST: header and body have different tokens. AT_FORBIDDEN:
 * Apache names the caller, and a page of another site sent the request (see
 * at_origin.h).
 */
at_error_t *at_caller_find(at_call_t *call, request_rec *r,
                           const at_config_t *config) AT_MUST_CHECK;

/**
 * Add to the headers of R's error a WWW-Authenticate for each way to name the
 * caller that CONFIG allows: `Bearer` for a session token, and what the module
 * of the AuthType asks for. If that module asks for nothing, it is `Bearer`,
 * since a 401 needs one. Adds nothing if Apache has refused the caller and has
 * set the header.
 */
void at_caller_challenge(request_rec *r, const at_config_t *config);

#endif /* AT_CALLER_H */
