/* SPDX-License-Identifier: Apache-2.0 */
/* Random ids and numbers, from the system's generator. */
#ifndef AT_GENERATE_H
#define AT_GENERATE_H

#include <apr_pools.h>

/**
 * A generated ID: 32 upper-case hexadecimal digits of 128 random bits
 * (contract, section 3), in POOL, which is not wiped. NULL if the system has
 * no randomness.
 */
const char *at_generate_id(apr_pool_t *pool);

/** A random number from 0 to MOST, for delays; 0 if the system has no
 *  randomness. */
unsigned int at_generate_up_to(unsigned int most);

#endif /* AT_GENERATE_H */
