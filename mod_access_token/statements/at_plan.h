/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The plan of a reply: a tree of members, made from the names of the result
 * columns of a load statement (design, idea 4).
 *
 * A name that begins with `data.` is a path in the reply. A `?` after a segment
 * means that the member is left out if it is NULL. `:number`, `:boolean`,
 * `:json` or `:date` after the last segment is the type of the value, which is
 * a string without it. Other names are inputs of the module (at_column.h).
 *
 * `data.path@lookup` is an object that another statement gives,
 * lookups/lookup.sql; the column has its key. The names of that statement's
 * columns are paths in the object.
 *
 * `@lookup` alone is a lookup whose columns have names as in the load statement
 * itself: inputs, and members of the reply. `@lookup:name` gives it the further
 * parameter `:name`.
 *
 * `revision.name` identifies a state of the data that lookups read: as long as
 * it is equal, that data is equal. Load statements and lookups select it.
 *
 * `data.path:document` is an object of the reply as JSON text: `null` if there
 * is none, and SQL's NULL if it has to be loaded without documents.
 */
#ifndef AT_PLAN_H
#define AT_PLAN_H

#include <apr_pools.h>
#include <apr_tables.h>

#include "at_column.h"
#include "at_revision.h"
#include "at_sql.h"
#include "at_write.h"

typedef enum {
    AT_LEAF_STRING,
    AT_LEAF_NUMBER,
    AT_LEAF_BOOLEAN,
    AT_LEAF_JSON,
    AT_LEAF_DATE              /* written with a T between date and time */
} at_leaf_type_e;

/** The greatest number of lookups in a load. */
#define AT_PLAN_LOOKUPS 64

/** The greatest number of parameters of a lookup. */
#define AT_LOOKUP_KEYS 4

/** The deepest nesting of members, those of `data` being at depth 1. The writer
 *  allows that much besides the two objects around them and the JSON of a
 *  column. */
#define AT_PLAN_DEPTH (AT_WRITE_DEPTH - 2 - AT_JSON_DEPTH)

/** No node, or no column. */
#define AT_PLAN_NONE (-1)

/** A member of the reply: an object or a leaf. */
typedef struct at_plan_node_t {
    const char *name;
    at_label_t label;         /* NAME as it is written */
    int optional;             /* true: left out if it is NULL */
    int column;               /* of a leaf; AT_PLAN_NONE for an object */
    at_leaf_type_e type;      /* of a leaf */
    int id_column;            /* of an object: the column of its member "id",
                                 or AT_PLAN_NONE; the object is NULL if that
                                 column is */
    int key_column;           /* of a looked-up object, or AT_PLAN_NONE */
    int document_column;      /* of an object: where a load in the documents
                                 form has its JSON text, or AT_PLAN_NONE */
    int parent;               /* a node's index; AT_PLAN_NONE for node 0 */
    int first_child;          /* a node's index, or AT_PLAN_NONE */
    int next_sibling;         /* likewise */
} at_plan_node_t;

/** A statement that gives an object by its key. */
typedef struct at_lookup_t {
    const char *name;         /* of its file, without lookups/ and .sql */
    const at_statement_t *statement;
    const char *const *parameters; /* "key" and others; NULL after the last */
} at_lookup_t;

/** A place where a load uses a lookup. */
typedef struct at_plan_lookup_t {
    int node;                 /* the object's, a node's index; 0 for `@lookup`
                                 alone */
    int lookup;               /* an index of the lookups */
    const at_statement_t *statement; /* of that lookup */
    int keys[AT_LOOKUP_KEYS]; /* for each of its parameters, the column that
                                 has the value, or AT_PLAN_NONE */
    int first_column;         /* where its columns are put in a row */
    int column_count;
    apr_array_header_t *revisions; /* at_revision_t: under which its values are
                                 right; empty: it has none */
} at_plan_lookup_t;

/** An object of the reply that the documents form selects as JSON text. */
typedef struct at_document_t {
    const char *name;         /* of the column */
    int node;                 /* the object's, a node's index */
} at_document_t;

typedef struct at_plan_t {
    const at_statement_t *statement; /* the load; its columns come first */
    apr_array_header_t *nodes;   /* at_plan_node_t; node 0 is `data` */
    apr_array_header_t *lookups; /* at_plan_lookup_t */
    apr_array_header_t *documents; /* at_document_t */
    int first_document;          /* the column of the first of them; the others
                                    follow, and nothing after them */
    int column_count;            /* with those of lookups and documents */
    int input_columns[AT_COLUMN_COUNT]; /* the column of each input, or
                                    AT_PLAN_NONE */
    int *field_columns;          /* for each field of at_field.h, the column
                                    of data.<name>, or AT_PLAN_NONE */
    int updated_date_column;     /* of data.log_information.updated_date, or
                                    AT_PLAN_NONE */
} at_plan_t;

/** A loaded row: for each column of PLAN a text, or NULL for SQL's NULL. */
typedef struct at_row_t {
    const at_plan_t *plan;
    const char **values;
    unsigned char *looked_up; /* for each lookup of the plan, true if its
                                 columns are filled; NULL: none is */
} at_row_t;

/**
 * Make the plan of STATEMENT's columns into *PLAN in POOL. LOOKUPS are the
 * existing lookups (at_lookup_t); NULL: there are none. The plan refers to
 * STATEMENT and to the statements of LOOKUPS, which must live as long.
 *
 * The detail of an error names the file and the column, and says what is wrong:
 * it collides with another column, its suffix is unknown, its lookup does not
 * exist, it would put a secret into the reply, a cache would decide about what
 * it must not. Then *PLAN is not set.
 */
at_error_t *at_plan_make(at_plan_t **plan, const at_statement_t *statement,
                         const apr_array_header_t *lookups,
                         apr_pool_t *pool) AT_MUST_CHECK;

/**
 * Add to PLAN the documents of STATEMENT, a load in the documents form: its
 * columns `data.path:document`, in their order. POOL is the plan's. An error
 * says that the plan has no object at the path.
 */
at_error_t *at_plan_add_documents(at_plan_t *plan,
                                  const at_statement_t *statement,
                                  apr_pool_t *pool) AT_MUST_CHECK;

/** True if NAME, of a column of a load, is that of a member of the reply. */
int at_plan_is_member(const char *name);

/** True if NAME, of a column of a load, is that of a document. */
int at_plan_is_document(const char *name);

/**
 * The name of the lookup in the column name NAME: the text after its `@`, up to
 * the `:` of a parameter, in POOL. NULL if it has no `@`. *PARAMETER becomes
 * the text after the `:`, which lives as long as NAME, or "key".
 */
const char *at_plan_lookup_name(const char *name, const char **parameter,
                                apr_pool_t *pool);

/** Node INDEX of PLAN. The following nodes come after it in memory. */
const at_plan_node_t *at_plan_node(const at_plan_t *plan, int index);

/**
 * The index of the child of node PARENT whose name is the first LENGTH bytes of
 * NAME; AT_PLAN_NONE if there is none.
 */
int at_plan_child(const at_plan_t *plan, int parent, const char *name,
                  apr_size_t length);

/** The name of column COLUMN of PLAN's rows. *FILE becomes the path of the file
 *  that selects it. Both live as long as PLAN. */
const char *at_plan_column(const at_plan_t *plan, int column,
                           const char **file);

/**
 * The value of INPUT in ROW; NULL for SQL's NULL, and for a rule that no
 * column has. Each plan has all other inputs: at_folder.c checks that. One that
 * a lookup gives is NULL before that.
 */
const char *at_row_input(const at_row_t *row, at_column_e input);

/**
 * The value of field FIELD (an index of at_field.h) in ROW; NULL for SQL's
 * NULL, and if the statement does not select the field.
 */
const char *at_row_field(const at_row_t *row, int field);

#endif /* AT_PLAN_H */
