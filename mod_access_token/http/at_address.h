/* SPDX-License-Identifier: Apache-2.0 */
/* The addresses for which a handler of the module is switched on. */
#ifndef AT_ADDRESS_H
#define AT_ADDRESS_H

#include <httpd.h>

/**
 * True if R's path continues after the address of its handler: after the path
 * of the <Location> that switches it on, or after a file. The patterns of
 * <LocationMatch>, and wild cards, define themselves where they end.
 */
int at_address_is_beneath(request_rec *r);

/**
 * The handler that SetHandler names for R in the <Location> sections, as known
 * after httpd has walked them for the first time. NULL if there is none.
 */
const char *at_address_handler(request_rec *r);

#endif /* AT_ADDRESS_H */
