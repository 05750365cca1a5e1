/* SPDX-License-Identifier: Apache-2.0 */
/*
 * JSON in: a tree of values made by yajl's SAX parser from bytes as they
 * arrive, with the checks that yajl leaves out (contract, section 2,
 * "Refused everywhere"): duplicate keys, U+0000, lone surrogates, UTF-8 as
 * RFC 3629 has it, a byte order mark, nesting depth.
 */
#ifndef AT_JSON_H
#define AT_JSON_H

#include <apr_hash.h>
#include <apr_pools.h>
#include <apr_tables.h>

#include "at_error.h"

/** The deepest nesting that is read; the root is depth 1. */
#define AT_JSON_DEPTH 8

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
} at_json_member_t;

struct at_json_t {
    at_json_type_e type;
    int boolean;              /* of a boolean: 0 or 1 */
    const char *text;         /* of a string: UTF-8; of a number: as sent */
    apr_array_header_t *members;  /* of an object: at_json_member_t */
    apr_hash_t *names;        /* the same by name -> at_json_t *; or NULL */
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
 * Take the next LENGTH bytes of DATA. What is wrong is remembered, and
 * reported by at_json_parser_finish; what follows it is passed over.
 */
void at_json_parser_feed(at_json_parser_t *parser, const char *data,
                         apr_size_t length);

/**
 * End the document. *ROOT becomes its root. The error is AT_INVALID_JSON,
 * and says what is wrong at which byte (the first is byte 0).
 */
at_error_t *at_json_parser_finish(at_json_t **root,
                                  at_json_parser_t *parser) AT_MUST_CHECK;

/**
 * Parse TEXT, all of it, into *ROOT in POOL. Errors as above, and
 * AT_INTERNAL_ERROR: no memory.
 */
at_error_t *at_json_parse(at_json_t **root, const char *text,
                          apr_pool_t *pool) AT_MUST_CHECK;

/** The member NAME of OBJECT, or NULL if it has none. */
at_json_t *at_json_get(const at_json_t *object, const char *name);

#endif /* AT_JSON_H */
