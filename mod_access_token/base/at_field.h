/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The one table of the fields that a call can set. Parsing, validation,
 * binding and the reply walk it; a new field is a row in it, a column in
 * the schema and a line in two statements. Contract, section 2.
 */
#ifndef AT_FIELD_H
#define AT_FIELD_H

#include <apr.h>

typedef enum {
    AT_FIELD_STRING,
    AT_FIELD_NUMBER,          /* a finite double */
    AT_FIELD_DATE,
    AT_FIELD_CUSTOM           /* the set of custom fields */
} at_field_type_e;

/** What the rules are about; also the first rows of the table. */
typedef enum {
    AT_CREDENTIAL_AUTHENTICATION_CODE,
    AT_CREDENTIAL_IDENTIFIER,
    AT_CREDENTIAL_PASS_CODE,
    AT_CREDENTIAL_COUNT
} at_credential_e;

typedef enum {
    AT_FIELD_IS_CREDENTIAL = 1,   /* judged by rules; may be generated */
    AT_FIELD_IS_SECRET = 2        /* hashed; never replied or logged */
} at_field_flag_e;

typedef struct at_field_t {
    /** The parameter's name; also that of its SQL parameter and member. */
    const char *name;
    /** The parameter as a JSON pointer (RFC 6901). */
    const char *pointer;
    at_field_type_e type;
    /** Bits of at_field_flag_e. */
    int flags;
    /** For a string: the most characters that it may have; 0: no limit
     *  of the table's (the hash scheme limits the pass code). */
    apr_size_t max_characters;
} at_field_t;

/** The number of fields. */
int at_field_count(void);

/** Field INDEX, from 0 to at_field_count() - 1; it is static. */
const at_field_t *at_field_get(int index);

/** No field. */
#define AT_FIELD_NONE (-1)

/** The index of the field NAME; AT_FIELD_NONE if there is none. */
int at_field_find(const char *name);

/** The index of the field of type AT_FIELD_CUSTOM. */
int at_field_custom(void);

#endif /* AT_FIELD_H */
