/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What it costs to verify a pass code, which the stored hash alone decides.
 * It is estimated before any of it is done: a hash of absurd cost would hold
 * a thread for minutes.
 */
#ifndef AT_COST_H
#define AT_COST_H

/**
 * A cost: processor time where bcrypt 10 takes 50 ms, and memory. The table
 * that times come from has been measured once, so the same hash costs the
 * same everywhere, whatever the machine is busy with.
 */
typedef struct at_cost_t {
    double milliseconds;
    double megabytes;         /* of 1048576 bytes */
} at_cost_t;

/**
 * Estimate into *COST what it takes to verify a pass code of ordinary length
 * by HASH, or by the beginning of one that is a setting of libcrypt. Returns 0
 * if HASH is of no scheme that is known here; then *COST is as it was.
 *
 * SHA-crypt looks at the whole pass code in each round: one of 512 bytes
 * takes up to eight times as long.
 */
int at_cost_read(at_cost_t *cost, const char *hash);

/** True if COST is above LIMIT, in time or in memory. */
int at_cost_exceeds(const at_cost_t *cost, const at_cost_t *limit);

#endif /* AT_COST_H */
