/* SPDX-License-Identifier: Apache-2.0 */
/*
 * By how much one save raises the version of an access token: save.sql
 * itself, and any trigger that runs with it. A process learns this from its
 * first saves, so that later calls can name the new version without reading
 * the row again.
 */
#ifndef AT_STEP_H
#define AT_STEP_H

#include <apr.h>

/**
 * What a process knows of the step. All zero at first. All its threads share
 * one, so the members are read and set atomically; only at_step.c writes
 * them.
 */
typedef struct at_step_t {
    volatile apr_uint32_t known; /* 0: not yet */
    volatile apr_uint32_t seen;  /* after the last save that was examined */
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

#endif /* AT_STEP_H */
