/* SPDX-License-Identifier: Apache-2.0 */
/* Who calls: a session token, or whom Apache has authenticated. */
#ifndef AT_CALLER_H
#define AT_CALLER_H

#include <httpd.h>

#include "at_call.h"
#include "at_config.h"
#include "at_error.h"

/** True if Apache's own authentication names the caller of R. */
int at_caller_is_apaches(const request_rec *r, const at_config_t *config);

/**
 * Find who calls, in the ways that CONFIG opens: fills the token and the
 * username of CALL, whose request is read. AT_INVALID_REQUEST: header and
 * body contradict each other. AT_FORBIDDEN: Apache names the caller, and
 * another site sends (see at_origin.h).
 */
at_error_t *at_caller_find(at_call_t *call, request_rec *r,
                           const at_config_t *config) AT_MUST_CHECK;

#endif /* AT_CALLER_H */
