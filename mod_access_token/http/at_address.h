/* SPDX-License-Identifier: Apache-2.0 */
/* Which addresses a handler of the module is switched on for. */
#ifndef AT_ADDRESS_H
#define AT_ADDRESS_H

#include <httpd.h>

/**
 * True if R's path goes on behind the address of its handler: behind that of
 * the <Location> that switches it on, or behind a file. Patterns
 * (<LocationMatch>, wild cards) say themselves where they end.
 */
int at_address_is_beneath(request_rec *r);

/**
 * The name that SetHandler has for R as far as the <Location> sections tell,
 * from their first walk on; NULL if there is none.
 */
const char *at_address_handler(request_rec *r);

#endif /* AT_ADDRESS_H */
