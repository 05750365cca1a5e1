/* SPDX-License-Identifier: Apache-2.0 */
/* The content handlers, and the hook that answers TRACE. */
#ifndef AT_HANDLER_H
#define AT_HANDLER_H

#include <httpd.h>

/**
 * `SetHandler access-token-update`: the method. DECLINED for any other handler
 * name.
 */
int at_handler_update(request_rec *r);

/**
 * `SetHandler access-token-ready`: for a balancer. Answers 200 if there is a
 * connection to the database, the statements are prepared, and the schema has
 * the right version; else 503, and the error log says why. DECLINED for any
 * other handler name.
 */
int at_handler_ready(request_rec *r);

/**
 * `SetHandler access-token-error`: for an ErrorDocument, so that errors that
 * Apache itself raises are JSON too. DECLINED for any other handler name.
 */
int at_handler_error(request_rec *r);

/**
 * The hook translate_name: answers TRACE for those addresses of the handlers
 * above that a <Location> names, as the handlers answer any other method that
 * they do not support. DONE if it did, else DECLINED.
 */
int at_handler_trace(request_rec *r);

#endif /* AT_HANDLER_H */
