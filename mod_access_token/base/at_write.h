/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Write JSON (RFC 8259) into one buffer of a pool. The calls must form a JSON
 * text of at most AT_WRITE_DEPTH nested values; after any other order, which is
 * a defect of the caller, at_writer_text returns NULL.
 */
#ifndef AT_WRITE_H
#define AT_WRITE_H

#include <apr_pools.h>

#include "at_json.h"

/** The deepest nesting; deeper than the parser reads (at_json.h), and enough
 *  for each plan (at_plan.h). */
#define AT_WRITE_DEPTH 135

typedef struct at_writer_t at_writer_t;

/** A name as JSON has it, with its quotes and the colon. */
typedef struct at_label_t {
    const char *text;
    apr_size_t length;
} at_label_t;

/** Make a writer in POOL. */
at_writer_t *at_writer_make(apr_pool_t *pool);

/** The same; its text is wiped when POOL is cleared. */
at_writer_t *at_writer_make_secret(apr_pool_t *pool);

/** `{`. What is written until at_write_close_object is in this object. */
void at_write_open_object(at_writer_t *writer);

/** `}` */
void at_write_close_object(at_writer_t *writer);

/** `[`. What is written until at_write_close_array is in this array. */
void at_write_open_array(at_writer_t *writer);

/** `]` */
void at_write_close_array(at_writer_t *writer);

/** `null` */
void at_write_null(at_writer_t *writer);

/** `true`, or `false` if BOOLEAN is 0. */
void at_write_boolean(at_writer_t *writer, int boolean);

/** A string. Bytes of TEXT that are not UTF-8 are written as U+FFFD. */
void at_write_string(at_writer_t *writer, const char *text);

/** NAME as a member's name; it lives in POOL. */
at_label_t at_write_label(apr_pool_t *pool, const char *name);

/** A member's name, whose LABEL at_write_label has made. */
void at_write_name(at_writer_t *writer, const at_label_t *label);

/**
 * A member whose value is the string TEXT, or null if that is NULL: what
 * at_write_name and at_write_string write, in one step, since most of a reply
 * consists of these.
 */
void at_write_text_member(at_writer_t *writer, const at_label_t *label,
                          const char *text);

/** TEXT, which is a JSON number, or another JSON text, unchanged. */
void at_write_as_is(at_writer_t *writer, const char *text);

/** The name NAME and the string VALUE, or null if that is NULL. */
void at_write_member(at_writer_t *writer, const char *name,
                     const char *value);

/** VALUE and everything in it. */
void at_write_json(at_writer_t *writer, const at_json_t *value);

/**
 * The text so far, NUL-terminated, in the writer's pool; *LENGTH becomes its
 * length in bytes, if LENGTH is not NULL. NULL if the calls so far do not begin
 * a JSON text.
 */
const char *at_writer_text(at_writer_t *writer, apr_size_t *length);

#endif /* AT_WRITE_H */
