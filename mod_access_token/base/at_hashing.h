/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Hashing in turn. To hash or to verify a pass code keeps a processor busy
 * for long, by design; as many calls as come at once would leave none for
 * whatever else the process serves. A call that comes alone does it itself.
 * For those that come while others are at it, a few threads of this file's
 * own do it, first come, first served, with what processor time no other
 * thread wants (Linux: SCHED_IDLE). They are their own, because to give up
 * that rank again would take a privilege.
 *
 * Where other work wants all of it, these get nowhere. So there is a floor: a
 * work that gets nowhere is done by its call after all, as many of them as
 * take a tenth of the processors, in all child processes together.
 */
#ifndef AT_HASHING_H
#define AT_HASHING_H

#include <apr.h>
#include <apr_time.h>

/** The threads that hash in one process, and who waits for them. */
typedef struct at_hashing_t at_hashing_t;

/** The slow work of one call; it gets what at_hashing_run was given, or a
 *  copy of it. */
typedef void (*at_hashing_work_t)(void *baton);

/** What became of the work. */
typedef enum {
    AT_HASHING_DONE,
    AT_HASHING_LATE,          /* not done: there was no processor in time */
    AT_HASHING_FULL           /* not begun: too many wait already */
} at_hashing_e;

/**
 * The floor, for memory that child processes share. Its members are read and
 * set atomically, and are in milliseconds.
 */
typedef struct at_hashing_floor_t {
    volatile apr_uint32_t next;  /* when the next work may be done so, by
                                    at_clock_now, modulo 2^32 */
    volatile apr_uint32_t pause; /* from one to the next */
} at_hashing_floor_t;

/** How many processors this process may use; at least 1. */
int at_hashing_processors(void);

/** Make FLOOR one that nobody has used yet. */
void at_hashing_floor_make(at_hashing_floor_t *floor);

/**
 * Make what lets LIMIT works run at once (at least 1), in threads that are
 * started when they are first needed, and takes PLACES works at once, those
 * that wait for their turn included. With one place no work can be seen to
 * be alone: all are given to the thread. FLOOR is what is done beyond the
 * limit; NULL: one of its own. Returns NULL if memory ran out; else it lives
 * until at_hashing_end.
 */
at_hashing_t *at_hashing_make(int limit, int places,
                              at_hashing_floor_t *floor);

/**
 * Run WORK with BATON, of SIZE bytes, in its turn, and return when that is
 * done, or at DEADLINE (of at_clock_now). WORK may run in another thread, with
 * all signals blocked, and on a copy of BATON (aligned as pointers are) that
 * is copied back when it is done. That thread cannot be stopped: it may go on
 * when this function has returned, or do the work twice, so WORK touches
 * nothing but its baton, and what lasts as long as the process does. The copy
 * is wiped.
 *
 * What this thread does itself is done to its end. *TAKEN is how long the
 * work took, the wait for a processor not included.
 *
 * With HASHING NULL there is no limit: the calling thread does WORK at once.
 */
at_hashing_e at_hashing_run(at_hashing_t *hashing, at_hashing_work_t work,
                            void *baton, apr_size_t size,
                            apr_time_t deadline, apr_interval_time_t *taken);

/** True if HASHING would refuse a work just now. */
int at_hashing_is_full(at_hashing_t *hashing);

/** How many works HASHING lets run at once. */
int at_hashing_limit(const at_hashing_t *hashing);

/**
 * End the threads of HASHING, and free it. Works that wait for their turn are
 * told that they are late; those that run are waited for, but for a second:
 * a thread that is still at it then is left alone, and nothing is freed. May
 * be called from a signal's handler that has interrupted at_hashing_run and
 * never returns: then nothing is freed either.
 */
void at_hashing_end(at_hashing_t *hashing);

#endif /* AT_HASHING_H */
