/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Hashing in turn. To hash or to verify a pass code keeps a processor busy
 * for long, by design; as many calls as come at once would leave none for
 * whatever else the process serves. A call that comes alone does it itself.
 * For those that come while others are at it, a few threads of this file's
 * own do it, first come, first served, with what processor time no other
 * thread wants (Linux: SCHED_IDLE). They are their own, because to give up
 * that rank again would take a privilege.
 */
#ifndef AT_HASHING_H
#define AT_HASHING_H

#include <apr_time.h>

/** The threads that hash in one process, and who waits for them. */
typedef struct at_hashing_t at_hashing_t;

/** The slow work of one call; it gets what at_hashing_run was given. */
typedef void (*at_hashing_work_t)(void *baton);

/** What became of the work. */
typedef enum {
    AT_HASHING_DONE,
    AT_HASHING_LATE,          /* not begun: its turn did not come in time */
    AT_HASHING_FULL           /* not begun: too many wait already */
} at_hashing_e;

/** How many processors this process may use; at least 1. */
int at_hashing_processors(void);

/**
 * Make what lets LIMIT works run at once (at least 1), in threads that are
 * started when they are first needed, and takes PLACES works at once, those
 * that wait for their turn included. With one place no work can be seen to
 * be alone: all are done by the thread. Returns NULL if memory ran out; else
 * it lives until at_hashing_end.
 */
at_hashing_t *at_hashing_make(int limit, int places);

/**
 * Run WORK with BATON in its turn, and return when that is done. WORK may
 * run in another thread, with all signals blocked; what this thread wrote
 * before, it reads, and the other way round behind it. The turn is waited
 * for until DEADLINE, and no longer; work that has begun is done to its
 * end. *TAKEN is how long that took, the wait not included.
 *
 * With HASHING NULL there is no limit: the calling thread does WORK at once.
 */
at_hashing_e at_hashing_run(at_hashing_t *hashing, at_hashing_work_t work,
                            void *baton, apr_time_t deadline,
                            apr_interval_time_t *taken);

/** True if HASHING would refuse a work just now. */
int at_hashing_is_full(at_hashing_t *hashing);

/** How many works HASHING lets run at once. */
int at_hashing_limit(const at_hashing_t *hashing);

/**
 * End the threads of HASHING, and free it: works that run in them are waited
 * for, those that wait for their turn are told that they are late. May be
 * called from a signal's handler that has interrupted at_hashing_run and
 * never returns: then nothing is freed.
 */
void at_hashing_end(at_hashing_t *hashing);

#endif /* AT_HASHING_H */
