/* SPDX-License-Identifier: Apache-2.0 */
#include "fuzz.h"

const char *fuzz_source(const char *file)
{
    static char path[4096];
    const char *top = getenv("AT_SRCDIR");

    snprintf(path, sizeof(path), "%s/%s", top ? top : "../..", file);
    return path;
}
