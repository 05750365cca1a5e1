/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Each fuzz target is a file fuzz_NAME.c. Linked with libFuzzer (`make fuzz`)
 * it searches for inputs that break it. Linked with replay.c it is a test that
 * runs the inputs in corpus/NAME.
 */
#ifndef FUZZ_H
#define FUZZ_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "at_folder.h"

/** The folder of this target's inputs in corpus/. */
extern const char fuzz_corpus[];

/** How many random inputs replay.c adds. */
extern const int fuzz_random;

/** Called by libFuzzer with the SIZE bytes of DATA. Returns 0. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/** The path of FILE in the source tree, in a static buffer. */
const char *fuzz_source(const char *file);

/** The shipped statements of SQLite; they are never freed. */
const at_statements_t *fuzz_statements(void);

/** End the process, as a sanitizer does, if CONDITION does not hold. */
#define require(condition)                                            \
    do {                                                              \
        if (!(condition)) {                                           \
            fprintf(stderr, "%s:%d: %s does not hold\n", __FILE__,    \
                    __LINE__, #condition);                            \
            abort();                                                  \
        }                                                             \
    } while (0)

#endif /* FUZZ_H */
