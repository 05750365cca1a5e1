/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The cost of verifying a pass code, which depends only on the stored hash. It
 * is estimated before the work starts, since a hash of absurd cost would occupy
 * a thread for minutes.
 */
#ifndef AT_COST_H
#define AT_COST_H

/**
 * A cost in time and memory. The times come from a table that was measured
 * once, so the same hash has the same cost on every machine, whatever its load.
 */
typedef struct at_cost_t {
    double milliseconds;      /* of a processor that takes 50 for bcrypt 10 */
    double megabytes;         /* of 1048576 bytes */
} at_cost_t;

/**
 * Estimate into *COST the cost of verifying a pass code of ordinary length by
 * HASH, or by a setting of libcrypt, which is the beginning of a hash. True if
 * the kind of hash is known here; else *COST is not changed.
 *
 * SHA-crypt reads the whole pass code in each round: a pass code of 512 bytes
 * takes up to eight times as long.
 */
int at_cost_read(at_cost_t *cost, const char *hash);

/** True if COST is above LIMIT, in time or in memory. */
int at_cost_exceeds(const at_cost_t *cost, const at_cost_t *limit);

#endif /* AT_COST_H */
