/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The checks of JSON text that yajl leaves out and that need the raw bytes.
 * They run before the parser, byte by byte; the text may arrive in any
 * pieces.
 */
#ifndef AT_JSON_SCAN_H
#define AT_JSON_SCAN_H

#include <apr.h>

#include "at_text.h"

/** The state of a scan; all zero at the start. */
typedef struct at_json_scan_t {
    apr_size_t offset;        /* bytes taken so far */
    int in_string;
    int escape;               /* 1 after a backslash, 2-5 in \uXXXX */
    unsigned int unit;        /* the UTF-16 unit being read */
    int high_surrogate;       /* the escape of a low one must follow */
    at_utf8_t utf8;
} at_json_scan_t;

/**
 * Take the LENGTH bytes of DATA. Returns NULL if they are valid, else what is
 * wrong (a static phrase); *GOOD becomes the number of bytes before that.
 */
const char *at_json_scan(at_json_scan_t *scan, const char *data,
                         apr_size_t length, apr_size_t *good);

#endif /* AT_JSON_SCAN_H */
