/* SPDX-License-Identifier: Apache-2.0 */
/*
 * JSON in: a tree of values made by yajl's SAX parser, with the checks that
 * yajl leaves out (contract, section 2, "Refused everywhere"): duplicate
 * keys, U+0000, lone surrogates, UTF-8 as RFC 3629 has it, a byte order mark,
 * nesting depth.
 *
 * The text may arrive in any pieces. Each piece is checked when it arrives and
 * is kept. yajl gets the whole text at once, because at each call it would
 * read an unfinished token again from its start. The work is linear in the
 * length of the text, except that the names of an object are sorted. A tree
 * takes at most AT_JSON_GROWTH times the memory of its text.
 *
 * The kept text and the texts of the tree hold the caller's secrets. The kept
 * text is wiped when the document ends, the tree's texts with its pool.
 */
#ifndef AT_JSON_H
#define AT_JSON_H

#include <apr_pools.h>
#include <apr_tables.h>

#include "at_error.h"

/** The deepest nesting that is read; the root is depth 1. */
#define AT_JSON_DEPTH 8

/** The most bytes of memory for each byte of a long text, such as
 *  "[[1],[1], ...]"; the kept copy of the text is extra. */
#define AT_JSON_GROWTH 36

typedef enum {
    AT_JSON_NULL,
    AT_JSON_BOOLEAN,
    AT_JSON_NUMBER,
    AT_JSON_STRING,
    AT_JSON_ARRAY,
    AT_JSON_OBJECT
} at_json_type_e;

typedef struct at_json_t at_json_t;

/** A member of an object. */
typedef struct at_json_member_t {
    const char *name;
    at_json_t *value;
    apr_size_t offset;        /* the byte of the text at which NAME ends */
} at_json_member_t;

struct at_json_t {
    at_json_type_e type;
    int boolean;              /* of a boolean: 0 or 1 */
    const char *text;         /* of a string: UTF-8; of a number: as sent */
    apr_array_header_t *members;  /* of an object: at_json_member_t */
    apr_array_header_t *elements; /* of an array: at_json_t * */
};

/** A parser of one document. */
typedef struct at_json_parser_t at_json_parser_t;

/**
 * Make a parser in POOL; the tree that it makes lives in POOL too. NULL if
 * memory ran out.
 */
at_json_parser_t *at_json_parser_make(apr_pool_t *pool);

/**
 * Take the next LENGTH bytes of DATA, which are copied. Errors are reported by
 * at_json_parser_finish. The caller limits how much it passes.
 */
void at_json_parser_feed(at_json_parser_t *parser, const char *data,
                         apr_size_t length);

/**
 * End the document; PARSER must not be used again. *ROOT becomes the root, or
 * NULL if there is an error: AT_INVALID_JSON, which says what is wrong at
 * which byte (counted from 0; the first byte after which no text could be
 * valid), or AT_INTERNAL_ERROR if memory ran out.
 */
at_error_t *at_json_parser_finish(at_json_t **root,
                                  at_json_parser_t *parser) AT_MUST_CHECK;

/**
 * Parse the whole of TEXT into *ROOT in POOL. Errors as above.
 */
at_error_t *at_json_parse(at_json_t **root, const char *text,
                          apr_pool_t *pool) AT_MUST_CHECK;

/** The member NAME of OBJECT, or NULL if it has none. */
at_json_t *at_json_get(const at_json_t *object, const char *name);

#endif /* AT_JSON_H */
