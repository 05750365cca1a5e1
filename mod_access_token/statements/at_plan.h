/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The plan of a reply: the tree of members that the result columns' names
 * of a load statement describe (design, idea 4). A name that begins with
 * `data.` is a path; `?` behind a segment: left out when NULL; `:number`,
 * `:boolean`, `:json` behind the leaf: its JSON type, string without. Other
 * names are inputs to the module.
 *
 * `data.path@lookup` is an object that another statement gives,
 * lookups/lookup.sql: the column has its key. The names of that statement's
 * columns are paths in the object.
 */
#ifndef AT_PLAN_H
#define AT_PLAN_H

#include <apr_pools.h>
#include <apr_tables.h>

#include "at_column.h"
#include "at_sql.h"
#include "at_write.h"

typedef enum {
    AT_LEAF_STRING,
    AT_LEAF_NUMBER,
    AT_LEAF_BOOLEAN,
    AT_LEAF_JSON
} at_leaf_type_e;

/** How many objects of a reply can be looked up. */
#define AT_PLAN_LOOKUPS 64

/** How deep its members can be within each other, those of `data` being at 1:
 *  as deep as is written, without the two objects around them and what a
 *  column of JSON has in it. */
#define AT_PLAN_DEPTH (AT_WRITE_DEPTH - 2 - AT_JSON_DEPTH)

/** No node, no column. */
#define AT_PLAN_NONE (-1)

/** A member of the reply: an object or a leaf. */
typedef struct at_plan_node_t {
    const char *name;
    at_label_t label;
    int optional;             /* left out when NULL */
    int column;               /* of a leaf; AT_PLAN_NONE for an object */
    at_leaf_type_e type;      /* of a leaf */
    int id_column;            /* of an object's member "id", or none; the
                                 object is NULL when that column is */
    int key_column;           /* of an object that is looked up, or none */
    int parent;               /* a node's index; of node 0: AT_PLAN_NONE */
    int first_child;          /* a node's index, or AT_PLAN_NONE */
    int next_sibling;         /* likewise */
} at_plan_node_t;

/** A statement that gives an object by its key. */
typedef struct at_lookup_t {
    const char *name;         /* of its file, without lookups/ and .sql */
    const at_statement_t *statement;
} at_lookup_t;

/** An object of the reply that is looked up. */
typedef struct at_plan_lookup_t {
    int node;
    int lookup;               /* its number among the lookups */
    const at_statement_t *statement; /* of that lookup */
    int key_column;
    int first_column;         /* where in a row its columns are put */
    int column_count;
} at_plan_lookup_t;

typedef struct at_plan_t {
    const at_statement_t *statement; /* whose columns come first */
    apr_array_header_t *nodes;   /* at_plan_node_t; node 0 is `data` */
    apr_array_header_t *lookups; /* at_plan_lookup_t */
    int column_count;            /* those of looked-up objects included */
    int input_columns[AT_COLUMN_COUNT]; /* of each input the column, or
                                    AT_PLAN_NONE */
    int *field_columns;          /* for each field of at_field.h: the column
                                    of data.<name>, or AT_PLAN_NONE */
    int updated_date_column;     /* data.log_information.updated_date */
} at_plan_t;

/** A row that was loaded: for each column of PLAN a text, NULL for NULL. */
typedef struct at_row_t {
    const at_plan_t *plan;
    const char **values;
} at_row_t;

/**
 * Make the plan of STATEMENT's columns into *PLAN in POOL. LOOKUPS are the
 * lookups that there are (at_lookup_t). Returns NULL, or what is wrong with
 * which column (two that collide, a bad suffix, a secret in the reply), with
 * the file.
 */
const char *at_plan_make(at_plan_t **plan, const at_statement_t *statement,
                         const apr_array_header_t *lookups,
                         apr_pool_t *pool);

/**
 * The name of the lookup that the column NAME asks for: what stands behind
 * its `@`, or NULL. It lives as long as NAME.
 */
const char *at_plan_lookup_name(const char *name);

/** Node INDEX of PLAN; those behind it follow. */
const at_plan_node_t *at_plan_node(const at_plan_t *plan, int index);

/**
 * The child of node PARENT named by the first LENGTH bytes of NAME, or
 * AT_PLAN_NONE.
 */
int at_plan_child(const at_plan_t *plan, int parent, const char *name,
                  apr_size_t length);

/** The name of column COLUMN of PLAN's rows, and in *FILE whose it is. */
const char *at_plan_column(const at_plan_t *plan, int column,
                           const char **file);

/**
 * The value of INPUT, which ROW's plan has (at_statements.h sees to it) in
 * ROW; NULL for SQL's NULL.
 */
const char *at_row_input(const at_row_t *row, at_column_e input);

/**
 * The value that ROW has for field FIELD (an index of at_field.h); NULL
 * for SQL's NULL, and when the statement does not select it.
 */
const char *at_row_field(const at_row_t *row, int field);

#endif /* AT_PLAN_H */
