/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Hashing with a limit. To hash or to verify a pass code keeps a processor
 * busy for a long time, by design. If all calls did that at once, nothing would
 * be left for the other requests of the process. So only a call that finds no
 * other one hashes in its own thread. All others queue for a few threads of
 * this file, which run at idle priority (Linux: SCHED_IDLE): they use only
 * processor time that no other thread wants. The threads of requests cannot do
 * that, because to leave idle priority again takes a privilege.
 *
 * When other work uses all processors, the threads make no progress. For that
 * case there is a floor: a call that has waited too long hashes in its own
 * thread after all, as often as that takes a tenth of the processors, counted
 * over all child processes.
 */
#ifndef AT_HASHING_H
#define AT_HASHING_H

#include <apr.h>
#include <apr_time.h>

/** The threads that hash in one process, and the queue of calls. */
typedef struct at_hashing_t at_hashing_t;

/** The slow work of one call. BATON is that of at_hashing_run, or a copy of
 *  it. */
typedef void (*at_hashing_work_t)(void *baton);

/** The outcome of at_hashing_run. */
typedef enum at_hashing_e {
    AT_HASHING_DONE,
    AT_HASHING_LATE,          /* not done: no processor was free in time */
    AT_HASHING_FULL           /* not begun: the queue is full */
} at_hashing_e;

/**
 * The floor, for memory that child processes share. Its members are read and
 * set atomically, only by at_hashing.c, and are in milliseconds.
 */
typedef struct at_hashing_floor_t {
    volatile apr_uint32_t next;  /* when the next call may use the floor, by
                                    at_clock_now, modulo 2^32 */
    volatile apr_uint32_t pause; /* from one such call to the next */
} at_hashing_floor_t;

/** How many processors this process may use; at least 1. */
int at_hashing_processors(void);

/** Initialize FLOOR. */
void at_hashing_floor_make(at_hashing_floor_t *floor);

/**
 * Make the queue and its threads. LIMIT works (at least 1) run at once, in
 * threads that are started when they are first needed. PLACES works are
 * accepted at once, including those that wait. (With one place, all works are
 * given to the thread.) FLOOR is for works beyond the limit; NULL: a floor of
 * its own. Lives until at_hashing_end. NULL if there is no memory.
 */
at_hashing_t *at_hashing_make(int limit, int places,
                              at_hashing_floor_t *floor);

/**
 * Run WORK with BATON, of SIZE bytes, as soon as the limit allows. Returns when
 * it is done, or at DEADLINE (of at_clock_now). WORK may run in another thread,
 * with all signals blocked, on a copy of BATON (aligned for pointers) that is
 * copied back when the work is done. That thread cannot be stopped: it may
 * still run when this function has returned, and the work may be done twice. So
 * WORK must use only its baton, and memory that lasts as long as the process.
 * The copy is wiped.
 *
 * If the calling thread does the work itself, it finishes it, even after
 * DEADLINE. *TAKEN is how long the work took, without the wait for a processor.
 *
 * If HASHING is NULL there is no limit: the calling thread does WORK at once.
 */
at_hashing_e at_hashing_run(at_hashing_t *hashing, at_hashing_work_t work,
                            void *baton, apr_size_t size,
                            apr_time_t deadline, apr_interval_time_t *taken);

/** True if HASHING would refuse a work now: its queue is full. */
int at_hashing_is_full(at_hashing_t *hashing);

/** How many works HASHING lets run at once. */
int at_hashing_limit(const at_hashing_t *hashing);

/**
 * End the threads of HASHING, and free it. Works in the queue end with
 * AT_HASHING_LATE. Works that run are waited for, at most one second; if one
 * still runs then, its thread continues, and nothing is freed. May be called
 * from a signal handler that has interrupted at_hashing_run and never returns;
 * nothing is freed in that case, either.
 */
void at_hashing_end(at_hashing_t *hashing);

#endif /* AT_HASHING_H */
