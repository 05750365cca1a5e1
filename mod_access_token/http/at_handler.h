/* SPDX-License-Identifier: Apache-2.0 */
/* The content handlers. */
#ifndef AT_HANDLER_H
#define AT_HANDLER_H

#include <httpd.h>

/**
 * `SetHandler access-token-update`: the method. DECLINED for any other
 * handler's name.
 */
int at_handler_update(request_rec *r);

/**
 * `SetHandler access-token-ready`: for a balancer. 200 if there is a
 * connection to the database, the statements are prepared, and the schema
 * is of the right version; else 503, and the error log says why. DECLINED
 * for any other handler's name.
 */
int at_handler_ready(request_rec *r);

/**
 * `SetHandler access-token-error`: what an ErrorDocument points to, so that
 * errors which Apache raises itself are JSON too. DECLINED for any other
 * handler's name.
 */
int at_handler_error(request_rec *r);

/**
 * For the hook translate_name: answers TRACE for the addresses of the handlers
 * above, as far as <Location> names them, as these answer any method that is
 * not theirs. DONE then, else DECLINED.
 */
int at_handler_trace(request_rec *r);

#endif /* AT_HANDLER_H */
