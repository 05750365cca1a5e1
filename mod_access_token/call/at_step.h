/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a process learns from its first saves. By how much one save raises the
 * version of an access token: save.sql itself, and any trigger that runs with
 * it; so later calls can name the new version without reading the row again.
 * And that the key of a save is kept, by a trigger for instance.
 */
#ifndef AT_STEP_H
#define AT_STEP_H

#include <apr.h>

/**
 * What a process has learned. All zero at first. All its threads share
 * one, so the members are read and set atomically; only at_step.c writes
 * them.
 */
typedef struct at_step_t {
    volatile apr_uint32_t known; /* 0: not yet */
    volatile apr_uint32_t seen;  /* after the last save that was examined */
    volatile apr_uint32_t keeps_keys; /* 0: not yet seen */
} at_step_t;

/** True if STEP is known. It is for NULL, which stands for a step of 1. */
int at_step_is_known(at_step_t *step);

/** The step as far as it is known: 1 for NULL, and until it is learned. */
apr_uint32_t at_step_size(at_step_t *step);

/**
 * A save was seen to raise the version by SIZE (at least 1). STEP, which is
 * not NULL, is known from then on if SIZE is 1. A larger size is believed
 * when it is seen twice in a row: another program may have raised the
 * version as well.
 */
void at_step_learn(at_step_t *step, apr_uint32_t size);

/** True if the Idempotency-Key of a save was found after it; also for NULL. */
int at_step_keeps_keys(at_step_t *step);

/** The key of a save was found after it. STEP is not NULL. */
void at_step_learn_of_key(at_step_t *step);

#endif /* AT_STEP_H */
