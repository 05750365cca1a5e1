/* SPDX-License-Identifier: Apache-2.0 */
/* What a folder of statements must have, and the fix that an error names. */
#include "statements_support.h"

#include <stdlib.h>
#include <string.h>

#include <apr_allocator.h>
#include <apr_file_io.h>

#include "at_field.h"

static const char *const files[] = {
    "custom_fields.sql", "find_request.sql", "join_caller.sql",
    "join_documents.sql", "join_references.sql", "join_revision.sql",
    "join_rules.sql", "load_by_authentication_code.sql", "load_by_id.sql",
    "load_by_identifier.sql", "load_by_session_and_code.sql", "load_from.sql",
    "load_joins.sql", "load_select.sql", "next_number.sql", "save.sql",
    "show_caller.sql", "show_classification.sql", "show_creator.sql",
    "show_documents.sql", "show_owner_countries.sql",
    "show_participant_countries.sql", "show_revision.sql", "show_rules.sql",
    "startup.sql", "lookups/caller.sql", "lookups/country.sql",
    "lookups/rules.sql", "lookups/unit.sql", "lookups/user.sql"
};

/* Copy the shipped statements into the program's folder. */
static void copy_shipped(void)
{
    size_t i;

    for (i = 0; i < COUNT(files); i++) {
        test_write(files[i], shipped(files[i]));
    }
}

/* What is wrong when OLD in FILE becomes NEW; NULL if nothing is. */
static const char *change(at_statements_t **statements, const char *file,
                          const char *old, const char *new)
{
    copy_shipped();
    test_write(file, test_replace(shipped(file), old, new));
    return test_detail(
        at_folder_read(statements, test_folder(), NULL, pool, pool));
}

/* How many lookups the shipped statements have. */
static int count_shipped(void)
{
    return test_lookup_statements()->lookups->nelts;
}

START_TEST(the_shipped_statements_are_right)
{
    static const char *const engines[] = { "sqlite3", "mysql" };
    size_t k;
    int i;

    for (k = 0; k < 2; k++) {
        at_statements_t *statements;
        const char *folder = test_source(apr_pstrcat(
            pool, "sql/", engines[k], "/statements", (char *)NULL));
        const char *problem = test_detail(
            at_folder_read(&statements, folder, NULL, pool, pool));

        ck_assert_msg(!problem, "%s", problem);
        ck_assert_str_eq(statements->folder, folder);
        for (i = 0; i < AT_STATEMENT_LOOKUP + count_shipped(); i++) {
            /* SQLite's next_number.sql is an UPDATE itself. */
            int is_absent = i == AT_STATEMENT_RAISE_NUMBER && k == 0;

            ck_assert((statements->statement[i] == NULL) == is_absent);
            if (i >= AT_STATEMENT_LOOKUP || is_absent) {
                continue;
            }
            ck_assert(has(statements->statement[i]->file,
                          at_statements_file((at_statement_e)i)));
        }
        for (i = 0; i < at_field_count(); i++) {
            ck_assert_msg(statements->settable[i], "%s",
                          at_field_get(i)->name);
            ck_assert_msg((statements->plan->field_columns[i]
                           != AT_PLAN_NONE)
                          == (i != AT_CREDENTIAL_PASS_CODE), "%s",
                          at_field_get(i)->name);
        }
        ck_assert_int_ne(statements->plan->updated_date_column,
                         AT_PLAN_NONE);
        ck_assert_int_eq(statements->statement[AT_STATEMENT_SAVE]
                         ->uniques->nelts, 4);
    }
}
END_TEST

static int compare_texts(const void *one, const void *other)
{
    return strcmp(*(const char *const *)one, *(const char *const *)other);
}

static const char *draw(const at_plan_t *plan, int parent);

/* NODE in the drawing of its parent. A date is a string in the reply. */
static const char *draw_node(const at_plan_t *plan, int index)
{
    const at_plan_node_t *node = at_plan_node(plan, index);
    const char *name = apr_pstrcat(pool, node->name,
                                   node->optional ? "?" : "", (char *)NULL);

    if (node->column == AT_PLAN_NONE) {
        return apr_psprintf(pool, "%s%s{%s}", name,
                            node->id_column == AT_PLAN_NONE ? "" : "#",
                            draw(plan, index));
    }
    return apr_psprintf(pool, "%s:%d", name, node->type == AT_LEAF_DATE
                                             ? (int)AT_LEAF_STRING
                                             : (int)node->type);
}

/* The reply's members below PARENT, sorted: "a b?:1 o{c}", types as numbers. */
static const char *draw(const at_plan_t *plan, int parent)
{
    apr_array_header_t *members = apr_array_make(pool, 40, sizeof(char *));
    int child = at_plan_node(plan, parent)->first_child;

    for (; child != AT_PLAN_NONE;
         child = at_plan_node(plan, child)->next_sibling) {
        APR_ARRAY_PUSH(members, const char *) = draw_node(plan, child);
    }
    qsort(members->elts, (size_t)members->nelts, sizeof(char *),
          compare_texts);
    return apr_array_pstrcat(pool, members, ' ');
}

START_TEST(all_that_are_shipped_give_the_same_reply)
{
    const char *tree = draw(read_shipped("sqlite3", "statements")->plan, 0);
    size_t i;

    ck_assert(has(tree, "country_of_residence?#{alternative_code:0 id:0 name:0 "));
    for (i = 0; i < COUNT(all_shipped); i++) {
        at_statements_t *statements = read_shipped(all_shipped[i].engine,
                                                   all_shipped[i].folder);

        ck_assert_str_eq(draw(statements->plan, 0), tree);
        ck_assert_int_eq(statements->lookups->nelts,
                         strcmp(all_shipped[i].folder, "statements-joined")
                         ? 5 : 0);
    }
}
END_TEST

/* The two engines' statements give the same reply. */
START_TEST(the_engines_select_the_same_columns)
{
    at_statements_t *sqlite3, *mysql;
    int i, k;

    ck_assert_ptr_null(at_folder_read(
        &sqlite3, test_source("sql/sqlite3/statements"), NULL, pool, pool));
    ck_assert_ptr_null(at_folder_read(
        &mysql, test_source("sql/mysql/statements"), NULL, pool, pool));
    for (i = 0; i <= AT_STATEMENT_STARTUP; i++) {
        const apr_array_header_t *one, *other;

        if (i == AT_STATEMENT_RAISE_NUMBER) {
            continue;
        }
        one = sqlite3->statement[i]->columns;
        other = mysql->statement[i]->columns;
        ck_assert_int_eq(one->nelts, other->nelts);
        for (k = 0; k < one->nelts; k++) {
            ck_assert_msg(at_sql_column(mysql->statement[i],
                                              APR_ARRAY_IDX(one, k,
                                                            const char *))
                          >= 0, "%s", APR_ARRAY_IDX(one, k, const char *));
        }
    }
}
END_TEST

START_TEST(each_file_is_needed)
{
    size_t i;

    for (i = 0; i < COUNT(files); i++) {
        at_statements_t *statements;
        const char *problem;

        if (!strcmp(files[i], "load_by_session_and_code.sql")
            || !strcmp(files[i], "next_number.sql")) {
            continue;
        }
        copy_shipped();
        apr_file_remove(apr_pstrcat(pool, test_folder(), "/", files[i],
                                    (char *)NULL), pool);
        problem = test_detail(
            at_folder_read(&statements, test_folder(), NULL, pool, pool));
        ck_assert_msg(problem && has(problem, files[i]), "%s: %s", files[i],
                      problem);
    }
}
END_TEST

START_TEST(a_missing_folder_is_named)
{
    at_statements_t *statements;
    const char *problem = test_detail(
        at_folder_read(&statements, "no/such/folder", NULL, pool, pool));

    ck_assert_msg(problem && has(problem, "no/such/folder"), "%s", problem);
}
END_TEST

START_TEST(each_input_column_is_needed)
{
    static const struct {
        const char *file, *column;
    } needed[] = {
        { "load_select.sql", "session.user_id" },
        { "lookups/caller.sql", "login.user_id" },
        { "lookups/caller.sql", "caller.user_id" },
        { "lookups/caller.sql", "caller.username" },
        { "lookups/caller.sql", "caller.unit_id" },
        { "lookups/caller.sql", "caller.may_update" },
        { "load_select.sql", "token.id" },
        { "load_select.sql", "token.version" },
        { "load_select.sql", "token.pass_code" },
        { "load_select.sql", "data.authentication_code" },
        { "load_select.sql", "data.identifier" },
        { "load_select.sql", "data.custom_field_set?:json" },
        { "custom_fields.sql", "custom_field.name" },
        { "custom_fields.sql", "custom_field.type" },
        { "next_number.sql", "number" },
        { "startup.sql", "connection.charset" }
    };
    size_t i;

    for (i = 0; i < COUNT(needed); i++) {
        at_statements_t *statements;
        const char *name = apr_pstrcat(pool, "AS '", needed[i].column, "'",
                                       (char *)NULL);
        const char *problem = change(&statements, needed[i].file, name, "");
        const char *bare = apr_pstrndup(pool, needed[i].column,
                                        strcspn(needed[i].column, "?:"));

        ck_assert_msg(problem && has(problem, bare), "%s: %s", name,
                      problem);
    }
}
END_TEST

/* The text of the shipped FILE without LINE. */
static void put_without(const char *file, const char *line)
{
    put(file, test_replace(shipped(file), line, ""));
}

#define SAVE_KEY    "    request_key         = :idempotency_key,\n"
#define SAVE_DIGEST "    request_digest      = :request_digest,\n"
#define SAVE_CUSTOM "    custom_field_set    = IIF(:set_custom_field_set = " \
    "'1', :custom_field_set, custom_field_set),\n"
#define LOAD_CUSTOM "    token.custom_field_set                       AS " \
    "'data.custom_field_set?:json',\n"

START_TEST(a_folder_may_keep_no_keys)
{
    const char *save = test_replace(shipped("save.sql"), SAVE_KEY, "");
    at_statements_t *statements;

    begin_own();
    put("save.sql", test_replace(save, SAVE_DIGEST, ""));
    put("find_request.sql", "never read");
    statements = read_right();
    ck_assert_ptr_null(statements->statement[AT_STATEMENT_FIND_REQUEST]);
    put("save.sql", save);
    ck_assert(has(read_own(&statements), "or neither"));
}
END_TEST

START_TEST(a_folder_may_have_shorter_columns)
{
    at_statements_t *statements;
    int i;

    begin_own();
    put("save.sql", apr_pstrcat(pool, "-- @max udf_string_1 32\n"
        "-- @max\tidentifier  255 \r\n-- @max card_masked_number 1\n",
        shipped("save.sql"), (char *)NULL));
    statements = read_right();
    for (i = 0; i < at_field_count(); i++) {
        const at_field_t *field = at_field_get(i);

        ck_assert_uint_eq(statements->max_characters[i],
                          !strcmp(field->name, "udf_string_1") ? 32
                          : !strcmp(field->name, "card_masked_number") ? 1
                          : field->max_characters);
    }
}
END_TEST

START_TEST(a_folder_may_have_no_custom_fields)
{
    at_statements_t *statements;

    begin_own();
    put_without("save.sql", SAVE_CUSTOM);
    put("custom_fields.sql", "not read without one");
    ck_assert(has(read_own(&statements), "custom_fields.sql"));
    put_without("load_select.sql", LOAD_CUSTOM);
    statements = read_right();
    ck_assert_ptr_null(statements->statement[AT_STATEMENT_CUSTOM_FIELDS]);
    ck_assert_int_eq(statements->custom_revisions->nelts, 0);
}
END_TEST

START_TEST(a_folder_may_have_no_numbers)
{
    at_statements_t *statements;

    copy_shipped();
    apr_file_remove(apr_pstrcat(pool, test_folder(), "/next_number.sql",
                                (char *)NULL), pool);
    test_write("raise_number.sql", "never read");
    ck_assert_ptr_null(test_detail(at_folder_read(&statements, test_folder(),
                                                  NULL, pool, pool)));
    ck_assert_ptr_null(statements->statement[AT_STATEMENT_NEXT_NUMBER]);
    ck_assert_ptr_null(statements->statement[AT_STATEMENT_RAISE_NUMBER]);
    apr_file_remove(apr_pstrcat(pool, test_folder(), "/raise_number.sql",
                                (char *)NULL), pool);
}
END_TEST

START_TEST(a_folder_may_have_no_rules)
{
    at_statements_t *statements;
    int i;

    begin_own();
    put("lookups/rules.sql", "SELECT reference.revision AS "
        "'revision.reference', 1 AS 'rule.identifier_min_length' FROM "
        "access_token_revisions AS reference WHERE :key = 1");
    statements = read_right();
    for (i = AT_COLUMN_ALLOW_NO_IDENTIFIER; i < AT_COLUMN_COUNT; i++) {
        int is_there = i == AT_COLUMN_RULE(AT_CREDENTIAL_IDENTIFIER,
                                           AT_RULE_MIN_LENGTH);

        ck_assert_int_eq(statements->plan->input_columns[i] != AT_PLAN_NONE,
                         is_there);
    }
}
END_TEST

START_TEST(a_folder_may_have_no_version)
{
    at_statements_t *statements = read_shipped("sqlite3", "statements");
    const at_fault_t *fault;

    ck_assert(at_statements_have_version(statements));
    ck_assert_ptr_null(at_statements_schema_fault(statements, "3", pool));
    fault = at_statements_schema_fault(statements, NULL, pool);
    ck_assert(fault && has(fault->detail, "version (none)"));
    fault = at_statements_schema_fault(statements, "4", pool);
    ck_assert(fault && has(fault->detail, "version 4"));
    begin_own();
    put("startup.sql", "SELECT 'utf8mb4' AS 'connection.charset'");
    statements = read_right();
    ck_assert(!at_statements_have_version(statements));
    ck_assert_ptr_null(at_statements_schema_fault(statements, NULL, pool));
}
END_TEST

/* A misspelt one would be lost silently. */
START_TEST(columns_that_nobody_reads_are_refused)
{
    static const struct {
        const char *file, *old, *new;
    } cases[] = {
        { "load_select.sql", "'data.number'", "'date.number'" },
        { "load_select.sql", "'data.number'", "'number'" },
        { "load_select.sql", "'data.number'", "'token.number'" },
        { "custom_fields.sql", "AS 'custom_field.type'",
          "AS 'custom_field.type', 1 AS 'custom_field.size'" },
        { "next_number.sql", "AS 'number'", "AS 'number', 1 AS 'data.x'" },
        { "startup.sql", "AS 'schema.version'",
          "AS 'schema.version', 1 AS 'schema.name'" },
        { "startup.sql", "AS 'schema.version'",
          "AS 'schema.version', 1 AS 'revision.reference'" },
        { "save.sql", "WHERE", "/* */ + 1 AS 'data.id'\nWHERE" }
    };
    size_t i;

    for (i = 0; i < COUNT(cases); i++) {
        at_statements_t *statements;
        const char *problem = change(&statements, cases[i].file,
                                     cases[i].old, cases[i].new);
        const char *end = strrchr(cases[i].new, '\'');
        const char *name = end - 1;

        while (name[-1] != '\'') {
            name--;
        }
        name = apr_pstrmemdup(pool, name, (apr_size_t)(end - name));
        ck_assert_msg(problem && has(problem, name), "%s: %s", cases[i].new,
                      problem);
    }
}
END_TEST

START_TEST(wrong_statements_are_refused)
{
    static const struct {
        const char *file, *old, *new, *named;
    } cases[] = {
        /* the guard */
        { "save.sql", "WHERE id = :id", "WHERE 1", "save.sql" },
        { "save.sql", "CAST(:version AS INTEGER)", "version", "save.sql" },
        { "save.sql", ":request_id ||", "'' ||", "request_id" },
        { "save.sql", ":idempotency_key", "NULL", "idempotency_key" },
        { "save.sql", ":request_digest", "NULL", "request_digest" },
        /* a flag without its value, a value without its flag */
        { "save.sql", "IIF(:set_identifier = '1', :identifier, identifier)",
          ":identifier", "set_identifier" },
        { "save.sql", "IIF(:set_udf_date_4 = '1', :udf_date_4, udf_date_4)",
          "IIF(:set_udf_date_4 = '1', '', udf_date_4)", "udf_date_4" },
        /* parameters of another statement */
        { "save.sql", ":now", ":username", ":username" },
        { "load_by_id.sql", ":id", ":identifier", ":identifier" },
        { "load_by_identifier.sql", ":identifier", ":id", ":id" },
        { "startup.sql", "'utf8mb4'", ":now", ":now" },
        { "next_number.sql", ":sequence", ":id", ":id" },
        /* a load that does not look for its key */
        { "load_by_id.sql", ":id", "'1'", "load_by_id.sql" },
        { "load_by_identifier.sql", ":identifier", "'1'",
          "load_by_identifier.sql" },
        { "load_by_authentication_code.sql", ":authentication_code", "'1'",
          "load_by_authentication_code.sql" },
        /* loads that differ */
        { "load_by_id.sql", "-- @include load_select.sql",
          "SELECT 1 AS 'data.extra',\n-- @include load_rest.sql",
          "load_by_id.sql" },
        /* the plan */
        { "load_select.sql", "'data.number'", "'data.id'", "data.id" },
        { "load_select.sql", "'data.number'", "'data.number:text'",
          "data.number:text" },
        { "load_select.sql", "'data.number'", "'data.pass_code'",
          "data.pass_code" }
    };
    size_t i;

    for (i = 0; i < COUNT(cases); i++) {
        at_statements_t *statements;
        const char *problem;

        test_write("load_rest.sql",
                   test_replace(shipped("load_select.sql"), "\nSELECT", ""));
        problem = change(&statements, cases[i].file, cases[i].old,
                         cases[i].new);
        ck_assert_msg(problem != NULL, "%s without %s", cases[i].file,
                      cases[i].old);
        ck_assert_msg(has(problem, cases[i].named), "%s", problem);
    }
}
END_TEST

/* ---- a folder of its own, with the shipped one as its base */

/* COUNT columns, each looked up in another way, "l0" and so on. */
static const char *many_lookups(int count)
{
    const char *columns = "";
    int i;

    for (i = 0; i < count; i++) {
        const char *file = apr_psprintf(pool, "lookups/l%d.sql", i);

        put(file, "SELECT :key AS 'id'");
        columns = apr_psprintf(pool, "%s, 1 AS 'data.x%d@l%d'", columns, i,
                               i);
    }
    return columns;
}

START_TEST(a_folder_need_not_have_what_its_base_has)
{
    at_statements_t *statements;
    const char *problem;

    begin_own();
    put("next_number.sql", "SELECT 1 AS 'number', :sequence");
    statements = read_right();
    ck_assert(has(statements->statement[AT_STATEMENT_NEXT_NUMBER]->file,
                  "/own"));
    ck_assert(has(statements->statement[AT_STATEMENT_SAVE]->file,
                  "sql/sqlite3/statements/save.sql"));
    /* but it must be there */
    problem = test_detail(
        at_folder_read(&statements, "no/such/folder",
                       test_source("sql/sqlite3/statements"), pool, pool));
    ck_assert_msg(problem && has(problem, "no/such/folder"), "%s", problem);
    problem = test_detail(
        at_folder_read(&statements,
                       test_source("sql/sqlite3/statements/save.sql"),
                       test_source("sql/sqlite3/statements"), pool, pool));
    ck_assert_msg(problem && has(problem, "save.sql: "), "%s", problem);
}
END_TEST

#define RAISE "UPDATE s SET v = LAST_INSERT_ID(v + 1) WHERE name = :sequence"

START_TEST(raise_number_belongs_to_next_number)
{
    const at_statement_t *raise;
    at_statements_t *statements;
    const char *problem, *base = test_source("sql/mysql/statements");

    begin_own();
    ck_assert_ptr_null(
        read_right()->statement[AT_STATEMENT_RAISE_NUMBER]);
    put("raise_number.sql", RAISE);
    put("next_number.sql", "SELECT 1 AS 'number'");
    raise = read_right()->statement[AT_STATEMENT_RAISE_NUMBER];
    ck_assert(has(raise->file, "/own"));
    put("raise_number.sql", "UPDATE s SET v = LAST_INSERT_ID(v + 1)");
    problem = read_own(&statements);
    ck_assert_msg(problem && has(problem, "raise_number.sql")
                  && has(problem, ":sequence"), "%s", problem);

    begin_own();
    put("next_number.sql", "SELECT 1 AS 'number', :sequence");
    problem = test_detail(at_folder_read(&statements, own_folder(), base,
                                         pool, pool));
    ck_assert_msg(!problem, "%s", problem);
    ck_assert_ptr_null(statements->statement[AT_STATEMENT_RAISE_NUMBER]);
    begin_own();
    ck_assert_ptr_null(at_folder_read(&statements, own_folder(), base, pool,
                                      pool));
    ck_assert_ptr_nonnull(statements->statement[AT_STATEMENT_RAISE_NUMBER]);
}
END_TEST

/* The number of the lookup NAME of STATEMENTS, which must be there once. */
static int lookup_of(const at_statements_t *statements, const char *name)
{
    int i, found = 0, number = -1;

    for (i = 0; i < statements->lookups->nelts; i++) {
        if (!strcmp(APR_ARRAY_IDX(statements->lookups, i, at_lookup_t).name,
                    name)) {
            number = i;
            found++;
        }
    }
    ck_assert_msg(found == 1, "%s: %d times", name, found);
    return number;
}

/* The lookup of the object NAME of the reply. */
static int used_by(const at_plan_t *plan, const char *name)
{
    int i, node = at_plan_child(plan, 0, name, strlen(name));

    for (i = 0; i < plan->lookups->nelts; i++) {
        const at_plan_lookup_t *lookup = &APR_ARRAY_IDX(plan->lookups, i,
                                                        at_plan_lookup_t);

        if (lookup->node == node) {
            return lookup->lookup;
        }
    }
    return -1;
}

START_TEST(each_lookup_is_read_once)
{
    at_statements_t *statements;
    int thing, other;

    begin_own();
    put("load_select.sql", select_with(
        ", 1 AS 'data.x@thing', 2 AS 'data.y@other_2', 3 AS 'data.z@thing'"));
    put("lookups/thing.sql", "SELECT :key AS 'id'");
    put("lookups/other_2.sql", "SELECT :key AS 'id', 1 AS 'a'");
    statements = read_right();
    ck_assert_int_eq(statements->lookups->nelts, count_shipped() + 2);
    thing = lookup_of(statements, "thing");
    other = lookup_of(statements, "other_2");
    ck_assert(has(statements->statement[AT_STATEMENT_LOOKUP + other]->file,
                  "/lookups/other_2.sql"));
    ck_assert_ptr_eq(APR_ARRAY_IDX(statements->lookups, thing,
                                   at_lookup_t).statement,
                     statements->statement[AT_STATEMENT_LOOKUP + thing]);
    ck_assert_ptr_null(statements->statement[AT_STATEMENT_LOOKUP
                                             + count_shipped() + 2]);
    ck_assert_int_eq(used_by(statements->plan, "x"), thing);
    ck_assert_int_eq(used_by(statements->plan, "y"), other);
    ck_assert_int_eq(used_by(statements->plan, "z"), thing);
}
END_TEST

START_TEST(a_lookup_is_found_in_the_base)
{
    at_statements_t *statements;
    const char *problem;

    copy_shipped();
    test_write("load_select.sql", select_with(", 1 AS 'data.x@thing'"));
    test_write("lookups/thing.sql", "SELECT :key AS 'id'");
    begin_own();
    problem = test_detail(
        at_folder_read(&statements, own_folder(), test_folder(), pool, pool));
    ck_assert_msg(!problem, "%s", problem);
    ck_assert_int_eq(statements->lookups->nelts, count_shipped() + 1);
}
END_TEST

/* A column NAME of the load, the TEXT of lookups/thing.sql, or NULL, and what
 * the error names. */
typedef struct {
    const char *name, *text, *named;
} wrong_lookup_t;

static void check_wrong_lookup(const wrong_lookup_t *wrong)
{
    at_statements_t *statements;
    const char *problem;

    begin_own();
    put("load_select.sql", select_with(apr_psprintf(pool, ", 1 AS '%s'",
                                                    wrong->name)));
    if (wrong->text) {
        put("lookups/thing.sql", wrong->text);
    }
    problem = read_own(&statements);
    ck_assert_msg(problem && has(problem, wrong->named), "%s, %s: %s",
                  wrong->name, wrong->text ? wrong->text : "none",
                  problem ? problem : "right");
}

START_TEST(wrong_lookups_of_objects_are_refused)
{
    static const wrong_lookup_t cases[] = {
        { "data.x@thing", NULL, "lookups/thing.sql" },
        { "data.x@thing", "", "lookups/thing.sql:1: " },
        { "data.x@", "", "\"\"" },
        { "data.x@Thing", "", "\"Thing\"" },
        { "data.x@thing.sql", "", "\"thing.sql\"" },
        { "data.x@../thing", "", "\"../thing\"" },
        { "data.x@thing?", "", "\"thing?\"" },
        { "data.x@thing=id", "", "\"thing=id\"" },
        { "x@thing", "SELECT :key AS 'id'", "'x@thing'" },
        { "data.identifier@thing", "SELECT :key AS 'id'",
          "'data.identifier@thing'" },
        { "data.x@thing", "SELECT 1 AS 'id'",
          "thing.sql: it must find the object by :key" },
        { "data.x@thing", "SELECT :key", "thing.sql: it must select" },
        { "data.x@thing", "SELECT 1 AS 'id'\n, :id", "thing.sql:2: " },
        { "data.x@thing", "SELECT :key AS 'id@thing'",
          "thing.sql: column 'id@thing'" },
        { "data.x@thing", "SELECT :key AS 'id'\n-- @wide\n, 1 AS 'a'\n"
          "-- @end", "thing.sql: @wide" }
    };
    size_t i;

    for (i = 0; i < COUNT(cases); i++) {
        check_wrong_lookup(&cases[i]);
    }
}
END_TEST

START_TEST(wrong_lookups_of_the_load_are_refused)
{
    static const wrong_lookup_t cases[] = {
        { "@thing", "SELECT :key AS 'revision.reference', 1 AS 'x'",
          "thing.sql: column 'x' is neither" },
        { "@thing", "SELECT :key AS 'revision.reference', 1 AS 'data.x', "
          "2 AS 'data.x'", "thing.sql: column 'data.x'" },
        { "@thing", "SELECT :key AS 'data.x'", "thing.sql: it must select a "
          "column revision.NAME" },
        { "@thing", "SELECT :key AS 'revision.other', 1 AS 'data.x'",
          "'revision.other'" },
        { "@thing:one", "SELECT :key AS 'revision.reference', :one AS "
          "'data.x'", "AS '@thing'" },
        { "@thing' , 1 AS '@thing:one", "SELECT :key AS 'revision.reference'",
          "by :one" },
        { "@thing' , 1 AS '@thing:One", "SELECT :key AS 'revision.reference'",
          "'@thing:One'" },
        { "@thing' , 1 AS '@thing:key", "SELECT :key AS 'revision.reference'",
          "'@thing:key'" },
        { "@thing' , 1 AS '@thing:document", "SELECT :key AS "
          "'revision.reference'", "by :document" },
        { "data.x@thing:one", "SELECT :key AS 'id'", "'data.x@thing:one'" },
        { "@thing' , 1 AS '@thing:a', 1 AS '@thing:b', 1 AS '@thing:c', "
          "1 AS '@thing:d", "SELECT :key AS 'revision.reference'",
          "at most 4" }
    };
    size_t i;

    for (i = 0; i < COUNT(cases); i++) {
        check_wrong_lookup(&cases[i]);
    }
}
END_TEST

START_TEST(the_number_of_lookups_is_limited)
{
    at_statements_t *statements;
    const char *problem;

    begin_own();
    put("load_select.sql", select_with(many_lookups(AT_LOOKUPS
                                                    - count_shipped())));
    ck_assert_int_eq(read_right()->lookups->nelts, AT_LOOKUPS);
    ck_assert_ptr_nonnull(read_right()->statement[AT_STATEMENT_COUNT - 1]);
    put("load_select.sql", select_with(many_lookups(AT_LOOKUPS + 1
                                                    - count_shipped())));
    problem = read_own(&statements);
    ck_assert_msg(problem && has(problem, "more than 16 lookups"), "%s",
                  problem);
}
END_TEST

/* An own schema may have fewer fields. */
START_TEST(a_field_that_save_does_not_bind_cannot_be_set)
{
    at_statements_t *statements;
    const char *problem = change(
        &statements, "save.sql",
        "    card_masked_number  = IIF(:set_card_masked_number = '1', "
        ":card_masked_number, card_masked_number),\n", "");
    int i;

    ck_assert_msg(!problem, "%s", problem);
    for (i = 0; i < at_field_count(); i++) {
        ck_assert_int_eq(!statements->settable[i],
                         i == at_field_find("card_masked_number"));
    }
}
END_TEST

START_TEST(the_parameters_of_save_are_those_of_the_fields)
{
    const at_statement_t *save =
        test_statements()->statement[AT_STATEMENT_SAVE];
    int i;

    for (i = 0; i < AT_SAVE_FIELDS + 2 * at_field_count(); i++) {
        ck_assert_msg(at_sql_binds(save, i), "parameter %d", i);
    }
    /* The first in the file is authentication_code, the last two the
     * guard. */
    ck_assert_int_eq(save->values[0], AT_SAVE_FIELDS);
    ck_assert_int_eq(save->values[1], AT_SAVE_FIELDS + 1);
    ck_assert_int_eq(save->values[save->value_count - 2], AT_SAVE_ID);
    ck_assert_int_eq(save->values[save->value_count - 1], AT_SAVE_VERSION);
}
END_TEST

START_TEST(columns_and_unique_keys_are_found)
{
    const at_statements_t *statements = test_statements();
    const at_statement_t *load =
        statements->statement[AT_STATEMENT_LOAD_BY_ID];
    const at_statement_t *save = statements->statement[AT_STATEMENT_SAVE];

    ck_assert_int_eq(at_sql_column(load, "session.user_id"), 0);
    ck_assert_int_eq(at_sql_column(load, "session"), -1);
    ck_assert_int_eq(at_sql_column(load, ""), -1);
    ck_assert_int_eq(at_statement_unique(save, "access_tokens.identifier"),
                     AT_CREDENTIAL_IDENTIFIER);
    ck_assert_int_eq(at_statement_unique(
                         save, "access_tokens.authentication_code"),
                     AT_CREDENTIAL_AUTHENTICATION_CODE);
    ck_assert_int_eq(at_statement_unique(save, "access_token_requests."
                                         "user_id,access_token_requests."
                                         "idempotency_key"),
                     AT_UNIQUE_REQUEST);
    ck_assert_int_eq(at_statement_unique(save, "access_token_changes."
                                         "token_id,access_token_changes."
                                         "version"),
                     AT_UNIQUE_VERSION);
    ck_assert_int_eq(at_statement_unique(save, "access_tokens.identifie"),
                     AT_UNIQUE_UNKNOWN);
    ck_assert_int_eq(at_statement_unique(save, ""), -1);
    ck_assert_int_eq(at_statement_unique(load, "access_tokens.identifier"),
                     -1);
}
END_TEST

START_TEST(the_files_have_the_names_of_the_design)
{
    static const char *const loads[AT_STATEMENT_LOADS] = {
        "load_by_authentication_code.sql", "load_by_identifier.sql",
        "load_by_id.sql", "load_by_session_and_code.sql"
    };
    static const char *const others[] = {
        "find_request.sql", "save.sql", "custom_fields.sql",
        "raise_number.sql", "next_number.sql", "startup.sql"
    };
    int i, form;

    for (i = 0; i < AT_STATEMENT_LOADS; i++) {
        for (form = 0; form < AT_SQL_FORMS; form++) {
            at_statement_e load = at_statement_load((at_statement_e)i,
                                                    (at_sql_form_e)form);

            ck_assert_str_eq(at_statements_file(load), loads[i]);
            ck_assert(at_statement_form(load) == (at_sql_form_e)form);
            ck_assert(at_statement_is_load(load));
        }
    }
    for (i = 0; i < (int)COUNT(others); i++) {
        at_statement_e other = (at_statement_e)(AT_STATEMENT_FIND_REQUEST
                                                + i);

        ck_assert_str_eq(at_statements_file(other), others[i]);
        ck_assert(!at_statement_is_load(other));
    }
    ck_assert_ptr_null(at_statements_file(AT_STATEMENT_LOOKUP));
}
END_TEST

START_TEST(a_column_that_is_there_twice_is_refused)
{
    at_statements_t *statements;
    const char *problem = change(&statements, "next_number.sql", "'number'",
                                 "'number', 1 AS 'number'");

    ck_assert_ptr_nonnull(problem);
    ck_assert_msg(has(problem, "next_number.sql: column 'number'")
                  && has(problem, "twice"), "%s", problem);
}
END_TEST

/* All texts of STATEMENT. */
static const char *all_of(const at_statement_t *statement)
{
    const char *all = apr_psprintf(pool, "%s %s %d", statement->file,
                                   statement->text, statement->has_wide);
    int i;

    for (i = 0; i < statement->files->nelts; i++) {
        all = apr_pstrcat(pool, all, " ", APR_ARRAY_IDX(
            statement->files, i, const char *), (char *)NULL);
    }
    for (i = 0; i < statement->columns->nelts; i++) {
        all = apr_pstrcat(pool, all, " ", APR_ARRAY_IDX(
            statement->columns, i, const char *), (char *)NULL);
    }
    for (i = 0; i < statement->uniques->nelts; i++) {
        const at_unique_t *unique = &APR_ARRAY_IDX(statement->uniques, i,
                                                   at_unique_t);

        all = apr_pstrcat(pool, all, " ", unique->key, " ", unique->field,
                          (char *)NULL);
    }
    for (i = 0; i < statement->value_count; i++) {
        all = apr_psprintf(pool, "%s %d", all, statement->values[i]);
    }
    return all;
}

/* All texts of STATEMENTS, and the numbers that come with them. */
static const char *all_of_folder(const at_statements_t *statements)
{
    const char *all = apr_pstrcat(pool, statements->folder, " ",
                                  draw(statements->plan, 0), (char *)NULL);
    int i, form;

    for (i = 0; i < AT_STATEMENT_COUNT; i++) {
        if (statements->statement[i]) {
            all = apr_pstrcat(pool, all, "\n",
                              all_of(statements->statement[i]), (char *)NULL);
        }
    }
    for (i = 0; i < statements->lookups->nelts; i++) {
        const at_lookup_t *lookup = &APR_ARRAY_IDX(statements->lookups, i,
                                                   at_lookup_t);
        int k;

        all = apr_pstrcat(pool, all, " ", lookup->name, (char *)NULL);
        for (k = 0; lookup->parameters[k]; k++) {
            all = apr_pstrcat(pool, all, ":", lookup->parameters[k],
                              (char *)NULL);
        }
    }
    for (form = AT_SQL_NARROW; form < AT_SQL_FORMS; form++) {
        const at_statement_t *load = statements->statement[
            at_statement_load((at_statement_e)0, (at_sql_form_e)form)];

        for (i = 0; i < load->columns->nelts; i++) {
            all = apr_psprintf(pool, "%s %d", all,
                               statements->form_columns[form][i]);
        }
    }
    for (i = 0; i < statements->wide_nodes->nelts; i++) {
        const at_wide_node_t *wide = &APR_ARRAY_IDX(statements->wide_nodes, i,
                                                    at_wide_node_t);

        all = apr_psprintf(pool, "%s %d/%d", all, wide->node, wide->document);
    }
    for (i = 0; i < statements->plan->documents->nelts; i++) {
        all = apr_pstrcat(pool, all, " ", APR_ARRAY_IDX(
            statements->plan->documents, i, at_document_t).name,
            (char *)NULL);
    }
    for (i = 0; i < at_field_count(); i++) {
        all = apr_psprintf(pool, "%s %d", all, statements->settable[i]);
    }
    return all;
}

START_TEST(statements_outlive_the_scratch_pool)
{
    const char *sql = test_source("sql/mysql/");
    const char *all;
    at_statements_t *statements;
    apr_allocator_t *allocator;
    apr_pool_t *scratch;
    int i;

    apr_allocator_create(&allocator);
    apr_pool_create_ex(&scratch, NULL, NULL, allocator);
    ck_assert_ptr_null(at_folder_read(
        &statements, apr_pstrcat(pool, sql, "statements", (char *)NULL), NULL,
        pool, scratch));
    all = all_of_folder(statements);
    ck_assert(strlen(all) > 10000
              && statements->lookups->nelts == count_shipped());
    apr_pool_clear(scratch);
    for (i = 0; i < 1000; i++) {
        memset(apr_palloc(scratch, 8000), 'x', 8000);
    }
    ck_assert(!strcmp(all_of_folder(statements), all));
    apr_pool_destroy(scratch);
    apr_allocator_destroy(allocator);
}
END_TEST

int main(void)
{
    TCase *tests = test_begin("test_statements");

    tcase_add_test(tests, the_shipped_statements_are_right);
    tcase_add_test(tests, all_that_are_shipped_give_the_same_reply);
    tcase_add_test(tests, the_engines_select_the_same_columns);
    tcase_add_test(tests, each_file_is_needed);
    tcase_add_test(tests, a_missing_folder_is_named);
    tcase_add_test(tests, each_input_column_is_needed);
    tcase_add_test(tests, a_folder_may_keep_no_keys);
    tcase_add_test(tests, a_folder_may_have_shorter_columns);
    tcase_add_test(tests, a_folder_may_have_no_custom_fields);
    tcase_add_test(tests, a_folder_may_have_no_numbers);
    tcase_add_test(tests, a_folder_may_have_no_rules);
    tcase_add_test(tests, a_folder_may_have_no_version);
    tcase_add_test(tests, columns_that_nobody_reads_are_refused);
    tcase_add_test(tests, wrong_statements_are_refused);
    tcase_add_test(tests, a_folder_need_not_have_what_its_base_has);
    tcase_add_test(tests, raise_number_belongs_to_next_number);
    tcase_add_test(tests, each_lookup_is_read_once);
    tcase_add_test(tests, a_lookup_is_found_in_the_base);
    tcase_add_test(tests, wrong_lookups_of_objects_are_refused);
    tcase_add_test(tests, wrong_lookups_of_the_load_are_refused);
    tcase_add_test(tests, the_number_of_lookups_is_limited);
    tcase_add_test(tests, a_field_that_save_does_not_bind_cannot_be_set);
    tcase_add_test(tests, the_parameters_of_save_are_those_of_the_fields);
    tcase_add_test(tests, columns_and_unique_keys_are_found);
    tcase_add_test(tests, the_files_have_the_names_of_the_design);
    tcase_add_test(tests, a_column_that_is_there_twice_is_refused);
    tcase_add_test(tests, statements_outlive_the_scratch_pool);
    return test_end(tests);
}
