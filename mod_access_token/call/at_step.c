/* SPDX-License-Identifier: Apache-2.0 */
#include "at_step.h"

#include <apr_atomic.h>

int at_step_is_known(at_step_t *step)
{
    return !step || apr_atomic_read32(&step->known);
}

apr_uint32_t at_step_size(at_step_t *step)
{
    apr_uint32_t known = step ? apr_atomic_read32(&step->known) : 0;

    return known ? known : 1;
}

void at_step_learn(at_step_t *step, apr_uint32_t size)
{
    if (size == 1 || apr_atomic_xchg32(&step->seen, size) == size) {
        apr_atomic_set32(&step->known, size);
    }
}

int at_step_keeps_keys(at_step_t *step)
{
    return !step || apr_atomic_read32(&step->keeps_keys);
}

void at_step_learn_of_key(at_step_t *step)
{
    apr_atomic_set32(&step->keeps_keys, 1);
}
