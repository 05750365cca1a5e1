/* SPDX-License-Identifier: Apache-2.0 */
/* The head comment of at_sql.h; what apr_dbd_prepare takes. */
#include "test_support.h"

#include <string.h>

#include <apr_file_io.h>

#include "at_sql.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static const char *const parameters[] = { "id", "name", "set_name", NULL };

static const char *read_form(at_statement_t **statement, const char *file,
                             at_sql_form_e form)
{
    at_sql_folders_t folders = { test_folder(), NULL };

    return test_detail(
        at_sql_read(statement, &folders, file, form, parameters, pool, pool));
}

static const char *read_statement(at_statement_t **statement, const char *file)
{
    return read_form(statement, file, AT_SQL_WHOLE);
}

/* TEXT as a statement file, which must be right. */
static at_statement_t *compile(const char *text)
{
    at_statement_t *statement;
    const char *problem;

    test_write("s.sql", text);
    problem = read_statement(&statement, "s.sql");
    ck_assert_msg(!problem, "%s\n%s", text, problem);
    return statement;
}

/* What is wrong with TEXT, which must be wrong. */
static const char *complaint(const char *text)
{
    at_statement_t *statement;
    const char *problem;

    test_write("s.sql", text);
    problem = read_statement(&statement, "s.sql");
    ck_assert_msg(problem && *problem, "this was taken: %s", text);
    return problem;
}

/* The numbers of STATEMENT's parameters, "0 1 0". */
static const char *values(const at_statement_t *statement)
{
    const char *list = "";
    int i;

    for (i = 0; i < statement->value_count; i++) {
        list = apr_psprintf(pool, "%s%s%d", list, i ? " " : "",
                            statement->values[i]);
    }
    return list;
}

static const char *columns(const at_statement_t *statement)
{
    return apr_array_pstrcat(pool, statement->columns, '|');
}

START_TEST(parameters_become_placeholders_in_their_order)
{
    static const struct {
        const char *text, *compiled, *values;
    } cases[] = {
        { "SELECT 1", "SELECT 1", "" },
        { "SELECT :id", "SELECT %s", "0" },
        { "SELECT :name, :id, :name", "SELECT %s, %s, %s", "1 0 1" },
        { "SELECT :set_name", "SELECT %s", "2" },
        { "SELECT(:id)", "SELECT(%s)", "0" },
        { "SELECT a=:id+1", "SELECT a=%s+1", "0" },
        { ":id", "%s", "0" },
        { "SELECT :id::text", "SELECT %s::text", "0" },
        { "SELECT a::name", "SELECT a::name", "" },
        { "SET @a := 1", "SET @a := 1", "" },
        { "SELECT a % b", "SELECT a %% b", "" },
        { "SELECT '%s %d', \"%\", `%%`",
          "SELECT '%%s %%d', \"%%\", `%%%%`", "" },
        { "SELECT a LIKE '50%' AND :id", "SELECT a LIKE '50%%' AND %s",
          "0" },
        { "SELECT ':id' , \":name\", `:x`", "SELECT ':id' , \":name\", `:x`",
          "" },
        { "SELECT 'it''s :id', :id", "SELECT 'it''s :id', %s", "0" },
        { "SELECT \"a\"\":id\", `b``:id`", "SELECT \"a\"\":id\", `b``:id`",
          "" },
        { "SELECT '?', \"?\", `?`", "SELECT '?', \"?\", `?`", "" },
        { "SELECT ''", "SELECT ''", "" },
        { "SELECT '''', :id", "SELECT '''', %s", "0" },
        { "SELECT '\"', :id, '`'", "SELECT '\"', %s, '`'", "0" },
        { "SELECT 'a\\\\', :id", "SELECT 'a\\\\', %s", "0" },
        { "SELECT 'C:\\dir', :id", "SELECT 'C:\\dir', %s", "0" },
        { "SELECT '--', '/*', :id", "SELECT '--', '/*', %s", "0" },
        { "SELECT 1 - -1", "SELECT 1 - -1", "" },
        { "SELECT a/b*c", "SELECT a/b*c", "" },
        { "SELECT a -> 'x' ->> 'y'", "SELECT a -> 'x' ->> 'y'", "" },
        { "SELECT \xCE\xB1, '\xCE\xB2', :id",
          "SELECT \xCE\xB1, '\xCE\xB2', %s", "0" },
        { "SELECT :", "SELECT :", "" },
        { "SELECT a[1:2]", "SELECT a[1:2]", "" },
        { "SELECT 1;", "SELECT 1", "" },
        { "SELECT 1 ; \n\t", "SELECT 1", "" },
        { "SELECT 1\r\n", "SELECT 1", "" },
        { "SELECT 1; -- done\n/* :id */", "SELECT 1", "" },
        { "SELECT ';', \";\" -- ;\n", "SELECT ';', \";\"", "" }
    };
    size_t i;

    for (i = 0; i < COUNT(cases); i++) {
        at_statement_t *statement = compile(cases[i].text);

        ck_assert_str_eq(statement->text, cases[i].compiled);
        ck_assert_str_eq(values(statement), cases[i].values);
    }
}
END_TEST

START_TEST(what_is_bound_is_known)
{
    at_statement_t *statement = compile("SELECT :name, ':id'");

    ck_assert(!at_sql_binds(statement, 0));
    ck_assert(at_sql_binds(statement, 1));
    ck_assert(!at_sql_binds(statement, 2));
    ck_assert(has(statement->file, "/s.sql"));
}
END_TEST

/* TEXT with each run of white space as one blank, none at the ends. */
static const char *squeeze(const char *text)
{
    char *squeezed = apr_pcalloc(pool, strlen(text) + 1), *to = squeezed;

    for (; *text; text++) {
        if (!strchr(" \t\r\n", *text)) {
            *to++ = *text;
        }
        else if (to > squeezed && to[-1] != ' ') {
            *to++ = ' ';
        }
    }
    if (to > squeezed && to[-1] == ' ') {
        to[-1] = '\0';
    }
    return squeezed;
}

START_TEST(comments_hide_what_is_in_them)
{
    static const struct {
        const char *text, *compiled;
    } cases[] = {
        { "-- :x ? ' \" ` ; /*\nSELECT 1", "SELECT 1" },
        { "SELECT 1 -- :x", "SELECT 1" },
        { "SELECT 1 --", "SELECT 1" },
        { "SELECT 1 --\n, 2", "SELECT 1 , 2" },
        { "SELECT 1 --\t:x\r\n, 2", "SELECT 1 , 2" },
        { "# it's :x\nSELECT 1 # ?", "SELECT 1" },
        { "SELECT/* :x ? ' ; */1", "SELECT 1" },
        { "SELECT 1 /* a\n-- b\n*/ , 2", "SELECT 1 , 2" },
        { "SELECT 1 /***/ /* * / */ + 2", "SELECT 1 + 2" },
        { "SELECT /*/ :x */ 1", "SELECT 1" },
        { "/**/SELECT 1", "SELECT 1" },
        { "SELECT /*+ MAX_EXECUTION_TIME(100) */ 1",
          "SELECT /*+ MAX_EXECUTION_TIME(100) */ 1" }
    };
    size_t i;

    for (i = 0; i < COUNT(cases); i++) {
        ck_assert_str_eq(squeeze(compile(cases[i].text)->text),
                         cases[i].compiled);
    }
}
END_TEST

START_TEST(result_columns_are_the_names_after_as)
{
    static const struct {
        const char *text, *columns;
    } cases[] = {
        { "SELECT 1", "" },
        { "SELECT a AS 'x.y', b AS 'z?:number'", "x.y|z?:number" },
        { "SELECT a as 'x', b As \"y\", c aS `z`", "x|y|z" },
        { "SELECT a AS\n\t'x'", "x" },
        { "SELECT a AS /* why */ 'x', b AS -- so\n 'y'", "x|y" },
        { "SELECT 'x', a AS y, 'z'", "" },
        { "SELECT a /* AS 'x' */, b -- AS 'y'\n, 'AS ''z'''", "" },
        { "SELECT alias 'x', has 'y', _as 'z', b2as 'q'", "" },
        { "SELECT CAST(a AS CHAR) AS 'x'", "x" },
        { "AS 'x'", "x" },
        { "SELECT (a)AS 'x'", "x" },
        { "SELECT a AS '100%'", "100%" },
        { "SELECT a AS ''", "" },
        { "SELECT a AS 'it\"s', 'it''s \\\\ \n'", "it\"s" },
        { "SELECT a AS 'Gr\xC3\xB6\xC3\x9F" "e'", "Gr\xC3\xB6\xC3\x9F" "e" }
    };
    size_t i;

    for (i = 0; i < COUNT(cases); i++) {
        ck_assert_str_eq(columns(compile(cases[i].text)), cases[i].columns);
    }
}
END_TEST

/* A name that is not found would be lost silently. */
START_TEST(as_needs_no_blank_before_a_name_in_quotes)
{
    at_statement_t *statement;
    const char *problem;

    test_write("s.sql", "SELECT a AS'x', b AS\"y\"");
    problem = read_statement(&statement, "s.sql");
    ck_assert(problem || !strcmp(columns(statement), "x|y"));
}
END_TEST

START_TEST(unique_keys_are_annotations)
{
    at_statement_t *statement = compile(
        "-- @unique t.authentication_code authentication_code\n"
        "  -- @unique \t my_key\tidentifier \r\n"
        "UPDATE t SET a = :id -- @unique third identifier");
    at_unique_t *uniques = (at_unique_t *)(void *)statement->uniques->elts;

    ck_assert_int_eq(statement->uniques->nelts, 3);
    ck_assert_str_eq(uniques[0].key, "t.authentication_code");
    ck_assert_str_eq(uniques[0].field, "authentication_code");
    ck_assert_str_eq(uniques[1].key, "my_key");
    ck_assert_str_eq(uniques[1].field, "identifier");
    ck_assert_str_eq(uniques[2].key, "third");
    ck_assert_str_eq(squeeze(statement->text), "UPDATE t SET a = %s");
}
END_TEST

typedef struct {
    const char *text;
    int line;
} error_case_t;

static void check(const error_case_t *cases, size_t count)
{
    size_t i;

    for (i = 0; i < count; i++) {
        const char *problem = complaint(cases[i].text);
        const char *place = apr_psprintf(pool, "%s/s.sql:%d: ",
                                         test_folder(), cases[i].line);

        ck_assert_msg(!strncmp(problem, place, strlen(place))
                      && problem[strlen(place)], "\"%s\": %s",
                      cases[i].text, problem);
    }
}
#define CHECK(cases) check(cases, COUNT(cases))

START_TEST(errors_of_the_text_say_file_and_line)
{
    static const error_case_t cases[] = {
        { "SELECT :x", 1 }, { "SELECT\n\n:nobody", 3 },
        { "SELECT :id2", 1 }, { "SELECT :Name", 1 }, { "SELECT :_", 1 },
        { "SELECT '\n\n', :x", 3 }, { "SELECT /*\n\n*/ :x", 3 },
        { "-- a\n-- b\r\nSELECT :x", 3 }, { "# a\nSELECT :x", 2 },
        { "SELECT ?", 1 }, { "SELECT 1\n WHERE a = ?", 2 },
        { "SELECT 'a", 1 }, { "SELECT\n \"a", 2 }, { "SELECT `a\n\n", 1 },
        { "SELECT 'it''", 1 }, { "SELECT 'a\\\\''", 1 },
        { "SELECT 'it\\'s'", 1 }, { "SELECT 'a\\'", 1 },
        { "SELECT \"a\\\"b\"", 1 }, { "SELECT\n'a\\'", 2 },
        { "SELECT /* a", 1 }, { "SELECT\n/* a\n\n", 2 },
        { "SELECT /*/", 1 }, { "SELECT /*", 1 },
        { "SELECT 1--1", 1 }, { "SELECT\n--a\n1", 2 },
        { "SELECT 1 /*!50000 , 2 */", 1 }, { "SELECT\n/*! 1 */", 2 },
        { "SELECT 1 /*M! , 2 */", 1 }, { "/*M!100100 :id */SELECT 1", 1 },
        { "SELECT 1; SELECT 2", 1 }, { "SELECT 1;\n;", 2 },
        { "SELECT 1;\n-- a\nSELECT 2", 3 }, { "SELECT 1;;", 1 },
        { "", 1 }, { " \n\t\n", 1 }, { "-- nothing\n", 1 },
        { "/* nothing */", 1 }, { ";", 1 }
    };

    CHECK(cases);
}
END_TEST

START_TEST(errors_of_annotations_say_file_and_line)
{
    static const error_case_t cases[] = {
        { "-- @reread\nSELECT 1", 1 }, { "-- @reread  \r\nSELECT 1", 1 },
        { "-- @reread pass_code\nSELECT 1", 1 },
        { "-- @reread udf_string_1 udf_string_9\nSELECT 1", 1 },
        { "-- @max\nSELECT 1", 1 }, { "-- @max udf_string_1\nSELECT 1", 1 },
        { "-- @max udf_string_1 32 3\nSELECT 1", 1 },
        { "-- @max udf_string_1 0\nSELECT 1", 1 },
        { "-- @max udf_string_1 256\nSELECT 1", 1 },
        { "-- @max udf_string_1 -1\nSELECT 1", 1 },
        { "-- @max udf_string_1 1e2\nSELECT 1", 1 },
        { "-- @max udf_string_1 4294967297\nSELECT 1", 1 },
        { "-- @max card_masked_number 33\nSELECT 1", 1 },
        { "-- @max udf_string_9 1\nSELECT 1", 1 },
        { "-- @max pass_code 60\nSELECT 1", 1 },
        { "-- @max udf_date_1 10\nSELECT 1", 1 },
        { "-- @max identifier 9\n-- @max identifier 9\nSELECT 1", 2 },
        { "SELECT 1\n-- @unique k", 2 }, { "-- @unique\nSELECT 1", 1 },
        { "-- @unique \nSELECT 1", 1 }, { "-- @unique  \t\r\nSELECT", 1 },
        { "-- @unique k \nSELECT 1", 1 },
        { "-- @unique k identifier x\nSELECT 1", 1 },
        { "-- @unique k udf_string_1\nSELECT 1", 1 },
        { "-- @unique k pass_code\nSELECT 1", 1 },
        { "-- @unique k identifier\n-- @unique k version\nSELECT 1", 2 },
        { "-- @uniq k identifier\nSELECT 1", 1 },
        { "-- @includes s.sql\nSELECT 1", 1 },
        { "SELECT 1\n-- @include", 2 }, { "-- @include \nSELECT 1", 1 },
        { "-- @include a.sql b.sql\nSELECT 1", 1 },
        { "-- @include ../s.sql\nSELECT 1", 1 },
        { "-- @include /etc/passwd\nSELECT 1", 1 },
        { "SELECT 1\n-- @include missing.sql", 2 },
        { "-- a\n-- @include s.sql\nSELECT 1", 2 },
        /* the line of the @wide, not that of the file's end */
        { "SELECT 1\n-- @wide\n, 2\n, 3", 2 },
        { "SELECT 1\n-- @wide\n-- @end\n-- @wide", 4 },
        { "SELECT 1\n-- @wide\n, 2\n-- @wide\n-- @end", 4 },
        { "SELECT 1\n-- @end\n", 2 },
        { "SELECT 1\n-- @wide\n-- @end\n-- @end", 4 },
        { "SELECT 1\n-- @wide owner\n-- @end", 2 },
        { "SELECT 1\n-- @wide\n-- @end of it", 3 },
        { "SELECT 1\n-- @widely\n-- @end", 2 },
        { "SELECT 1\n-- @wide\n, :nobody\n-- @end", 3 },
        { "SELECT 1\n-- @wide\n, ?\n-- @end", 3 },
        { "SELECT 1\n-- @wide\n, 'a\n-- @end", 3 },
        { "SELECT 1 -- @wide\n;\n-- @end\n, 2", 4 }
    };

    CHECK(cases);
}
END_TEST

START_TEST(errors_of_encoding_and_names_say_file_and_line)
{
    static const error_case_t cases[] = {
        /* not UTF-8: Latin-1, cut off, overlong, a surrogate */
        { "SELECT 1 AS 'Gr\xF6\xDF" "e'", 1 }, { "SELECT 1,\n'\xC3'", 2 },
        { "-- \xE9\nSELECT 1", 1 }, { "SELECT 1\n\n, '\xC0\x80'", 3 },
        { "SELECT '\xED\xA0\x80'", 1 }, { "SELECT\n'\xFF'", 2 },
        /* names that are not the same for everyone who reads them */
        { "SELECT 1 AS 'a''b'", 1 }, { "SELECT 1,\n2 AS \"a\"\"b\"", 2 },
        { "SELECT 1 AS `a``b`", 1 }, { "SELECT 1 AS 'a\\\\b'", 1 },
        { "SELECT 1 AS 'a\nb'", 1 }, { "SELECT 1\n AS '\t'", 2 },
        { "SELECT 1 AS 'a\x7F'", 1 }, { "SELECT 1 AS 'a\xC2\x85'", 1 }
    };

    CHECK(cases);
}
END_TEST

START_TEST(an_unknown_parameter_is_named_with_those_there_are)
{
    const char *problem = complaint("SELECT :nobody, :id");
    at_statement_t *statement;
    at_sql_folders_t folders = { test_folder(), NULL };
    static const char *const none[] = { NULL };

    ck_assert_msg(has(problem, "\":nobody\""), "%s", problem);
    ck_assert_msg(has(problem, ":id, :name, :set_name"), "%s", problem);
    test_write("s.sql", "SELECT :id");
    ck_assert_ptr_nonnull(at_sql_read(&statement, &folders, "s.sql",
                                      AT_SQL_WHOLE, none, pool, pool));
}
END_TEST

START_TEST(an_included_file_replaces_its_line)
{
    at_statement_t *statement;

    test_write("inner.sql", "-- @unique k identifier\n:name AS 'b',\n");
    test_write("middle.sql", "-- @include inner.sql\n:id AS 'c'");
    statement = compile("SELECT :id AS 'a',\n-- @include middle.sql\n, 1");
    ck_assert_str_eq(squeeze(statement->text),
                     "SELECT %s AS 'a', %s AS 'b', %s AS 'c' , 1");
    ck_assert_str_eq(values(statement), "0 1 0");
    ck_assert_str_eq(columns(statement), "a|b|c");
    ck_assert_int_eq(statement->uniques->nelts, 1);
    /* the same file twice is no circle */
    statement = compile("SELECT\n-- @include inner.sql\n"
                        "-- @include inner.sql\r\n1");
    ck_assert_str_eq(values(statement), "1 1");
}
END_TEST

START_TEST(errors_of_an_included_file_say_its_name_and_line)
{
    const char *problem;

    test_write("inner.sql", "1,\n2,\n:nobody");
    problem = complaint("SELECT\n\n\n-- @include inner.sql\n");
    ck_assert_msg(has(problem, "/inner.sql:3: "), "%s", problem);
    /* after it the lines of the outer file go on */
    test_write("inner.sql", "1,\n2,\n3");
    problem = complaint("SELECT\n-- @include inner.sql\n, ?\n");
    ck_assert_msg(has(problem, "/s.sql:3: "), "%s", problem);
    /* a quote does not reach over the end of a file */
    test_write("inner.sql", "'a");
    problem = complaint("SELECT\n-- @include inner.sql\n'");
    ck_assert_msg(has(problem, "/inner.sql:1: "), "%s", problem);
}
END_TEST

START_TEST(only_files_of_the_same_folder_are_included)
{
    test_write("inner.sql", "1");
    compile("SELECT\n-- @include inner.sql");
    complaint("SELECT\n-- @include ../test_sql.folder/inner.sql");
    complaint("SELECT\n-- @include ./inner.sql");
}
END_TEST

START_TEST(files_that_include_each_other_are_a_circle)
{
    at_statement_t *statement;

    test_write("s.sql", "SELECT 1\n-- @include s2.sql\n");
    test_write("s2.sql", "-- @include s.sql\n");
    ck_assert_ptr_nonnull(read_statement(&statement, "s.sql"));
}
END_TEST

/* TEXT's narrow form, squeezed. */
static at_statement_t *compile_narrow(const char *text)
{
    at_statement_t *statement;
    const char *problem;

    test_write("s.sql", text);
    problem = read_form(&statement, "s.sql", AT_SQL_NARROW);
    ck_assert_msg(!problem, "%s\n%s", text, problem);
    return statement;
}

START_TEST(the_narrow_form_is_without_what_is_wide)
{
    static const struct {
        const char *text, *narrow, *values, *columns;
    } cases[] = {
        { "SELECT 1", "SELECT 1", "", "" },
        { "SELECT :id AS 'a'\n-- @wide\n, :name AS 'b'\n-- @end\n"
          ", :set_name AS 'c'", "SELECT %s AS 'a' , %s AS 'c'", "0 2",
          "a|c" },
        { "SELECT 1 -- @wide\n, 2 -- @end\n, 3", "SELECT 1 , 3", "", "" },
        { "SELECT 1\n  -- @wide \t\r\n, 2\r\n\t-- @end \r\n, 3",
          "SELECT 1 , 3", "", "" },
        { "SELECT 1\n-- @wide\n, '%' /*+ hint */ /* -- @end */ AS \"x\""
          " -- :id\n # it's\n, '-- @end', :id::text % 2\n-- @end\n, 3",
          "SELECT 1 , 3", "", "" },
        { "SELECT 1\n-- @wide\n, 2\n-- @end\n-- @wide\n, 3\n-- @end",
          "SELECT 1", "", "" },
        { "SELECT 1\n-- @wide\n-- @end", "SELECT 1", "", "" },
        /* the text after the @end follows the text before the @wide */
        { "SELECT a AS\n-- @wide\n-- @end\n'x'", "SELECT a AS 'x'", "",
          "x" },
        { "SELECT a AS\n-- @wide\n'x'\n-- @end\n'y'", "SELECT a AS 'y'", "",
          "y" }
    };
    size_t i;

    for (i = 0; i < COUNT(cases); i++) {
        at_statement_t *statement = compile_narrow(cases[i].text);

        ck_assert_str_eq(squeeze(statement->text), cases[i].narrow);
        ck_assert_str_eq(values(statement), cases[i].values);
        ck_assert_str_eq(columns(statement), cases[i].columns);
        ck_assert_int_eq(statement->has_wide, i != 0);
    }
}
END_TEST

START_TEST(the_whole_form_has_what_is_wide)
{
    at_statement_t *statement = compile(
        "SELECT :id AS 'a'\n-- @wide\n, :name AS 'b'\n-- @end\n, 1");

    ck_assert_str_eq(squeeze(statement->text),
                     "SELECT %s AS 'a' , %s AS 'b' , 1");
    ck_assert_str_eq(values(statement), "0 1");
    ck_assert_str_eq(columns(statement), "a|b");
    ck_assert(statement->has_wide);
    ck_assert(!compile("SELECT 1 /* -- @wide */, '-- @wide'")->has_wide);
}
END_TEST

START_TEST(a_file_that_is_included_may_be_wide_or_have_a_wide)
{
    at_statement_t *statement;

    test_write("inner.sql", ", :name AS 'b'\n");
    statement = compile_narrow("SELECT :id AS 'a'\n-- @wide\n"
                               "-- @include inner.sql\n-- @end\n, 1");
    ck_assert_str_eq(squeeze(statement->text), "SELECT %s AS 'a' , 1");
    ck_assert_str_eq(values(statement), "0");
    ck_assert_str_eq(columns(statement), "a");
    test_write("inner.sql", "-- @wide\n, :name AS 'b'\n-- @end\n, 2");
    statement = compile_narrow("SELECT :id AS 'a'\n-- @include inner.sql\n"
                               ", 1\n-- @include inner.sql");
    ck_assert_str_eq(squeeze(statement->text), "SELECT %s AS 'a' , 2 , 1 , 2");
    ck_assert(statement->has_wide);
}
END_TEST

START_TEST(a_wide_begins_and_ends_in_one_file)
{
    static const struct {
        const char *outer, *inner, *place;
    } cases[] = {
        { "SELECT 1\n-- @include inner.sql\n-- @end", ", 2\n-- @wide\n, 3",
          "/inner.sql:2: " },
        { "SELECT 1\n-- @wide\n-- @include inner.sql\n", ", 2\n-- @end\n",
          "/inner.sql:2: " },
        { "SELECT 1\n-- @wide\n-- @include inner.sql\n-- @end",
          "-- @end\n, 2\n-- @wide\n", "/inner.sql:1: " },
        { "SELECT 1\n-- @wide\n-- @include inner.sql\n-- @end",
          "-- @wide\n, 2\n-- @end", "/inner.sql:1: " },
        { "SELECT 1\n-- @wide\n-- @include inner.sql\n, 3", ", 2",
          "/s.sql:2: " },
        /* the @wide that lacks its @end, not the one within it */
        { "SELECT 1\n-- @wide\n-- @include inner.sql\n, 3",
          "-- @wide\n, 2\n-- @end", "/s.sql:2: " },
        { "SELECT 1\n-- @wide\n-- @include inner.sql\n-- @end",
          ", 2\n-- @wide\n, 3", "/inner.sql:2: " },
        { "SELECT 1\n-- @include middle.sql\n, 4",
          "-- @wide\n, 2\n-- @end", "/middle.sql:2: " }
    };
    size_t i;

    for (i = 0; i < COUNT(cases); i++) {
        const char *problem;

        test_write("middle.sql", ", 3\n-- @wide\n-- @include inner.sql\n");
        test_write("inner.sql", cases[i].inner);
        problem = complaint(cases[i].outer);
        ck_assert_msg(has(problem, cases[i].place) && has(problem, "-- @"),
                      "%s: %s", cases[i].outer, problem);
    }
}
END_TEST

START_TEST(a_statement_that_is_wide_alone_has_no_narrow_form)
{
    at_statement_t *statement;
    const char *problem;

    test_write("s.sql", "-- @wide\nSELECT 1\n-- @end\n");
    problem = read_form(&statement, "s.sql", AT_SQL_NARROW);
    ck_assert_msg(problem && has(problem, "/s.sql:1: ")
                  && has(problem, "@wide"), "%s", problem);
}
END_TEST

/* FILE in the program's folder "one", or else in its "two". */
static const char *read_in_two(at_statement_t **statement, const char *file)
{
    at_sql_folders_t folders;

    folders.folder = apr_pstrcat(pool, test_folder(), "/one", (char *)NULL);
    folders.base = apr_pstrcat(pool, test_folder(), "/two", (char *)NULL);
    return test_detail(
        at_sql_read(statement, &folders, file, AT_SQL_WHOLE, parameters, pool,
                    pool));
}

START_TEST(what_the_folder_has_not_is_taken_from_the_base)
{
    at_statement_t *statement;
    const char *problem;

    test_write("one/both.sql", "1");
    test_write("one/mine.sql", "SELECT\n-- @include both.sql\n,\n"
                               "-- @include rest.sql\n");
    test_write("two/both.sql", "2");
    test_write("two/rest.sql", "3");
    test_write("two/other.sql", "SELECT\n-- @include both.sql\n");
    test_write("two/mine.sql", "SELECT 4");
    ck_assert_ptr_null(read_in_two(&statement, "mine.sql"));
    ck_assert_str_eq(squeeze(statement->text), "SELECT 1 , 3");
    ck_assert(has(statement->file, "/one/mine.sql"));
    /* one of the base may include one of the folder */
    ck_assert_ptr_null(read_in_two(&statement, "other.sql"));
    ck_assert_str_eq(squeeze(statement->text), "SELECT 1");
    ck_assert(has(statement->file, "/two/other.sql"));
    test_write("two/rest.sql", "\n:nobody");
    problem = read_in_two(&statement, "mine.sql");
    ck_assert_msg(problem && has(problem, "/two/rest.sql:2: "), "%s",
                  problem);
    problem = read_in_two(&statement, "none.sql");
    ck_assert_msg(problem && has(problem, "/none.sql"), "%s", problem);
}
END_TEST

/* A file that is there and cannot be read is an error; the base does not
 * replace it. */
START_TEST(only_what_is_not_there_is_taken_from_the_base)
{
    at_statement_t *statement;
    at_sql_folders_t folders;

    test_write("one/x.sql", "");
    apr_dir_make(apr_pstrcat(pool, test_folder(), "/one/d.sql",
                             (char *)NULL), APR_FPROT_OS_DEFAULT, pool);
    test_write("two/d.sql", "SELECT 1");
    ck_assert_ptr_nonnull(read_in_two(&statement, "d.sql"));
    folders.folder = apr_pstrcat(pool, test_folder(), "/one/x.sql",
                                 (char *)NULL);
    folders.base = apr_pstrcat(pool, test_folder(), "/two", (char *)NULL);
    test_write("two/s.sql", "SELECT 1");
    ck_assert_ptr_nonnull(at_sql_read(&statement, &folders, "s.sql",
                                      AT_SQL_WHOLE, parameters, pool, pool));
}
END_TEST

START_TEST(a_file_of_an_inner_folder_includes_those_beside_it)
{
    at_statement_t *statement;

    test_write("inner.sql", "1");
    test_write("lookups/inner.sql", "2");
    test_write("lookups/a.sql", "SELECT\n-- @include inner.sql");
    ck_assert_ptr_null(read_statement(&statement, "lookups/a.sql"));
    ck_assert_str_eq(squeeze(statement->text), "SELECT 2");
}
END_TEST

START_TEST(a_file_that_cannot_be_read_is_named)
{
    at_statement_t *statement;
    at_sql_folders_t folders = { test_folder(), NULL };
    const char *problem = read_statement(&statement, "missing.sql");
    char *large;

    ck_assert_msg(problem && has(problem, "/missing.sql"), "%s", problem);
    problem = test_detail(
        at_sql_read(&statement, &folders, ".", AT_SQL_WHOLE, parameters, pool,
                    pool));
    ck_assert_ptr_nonnull(problem);
    folders.folder = "no/such/folder";
    problem = test_detail(
        at_sql_read(&statement, &folders, "s.sql", AT_SQL_WHOLE, parameters,
                    pool, pool));
    ck_assert_msg(problem && has(problem, "no/such/folder/s.sql"), "%s",
                  problem);
    large = apr_pcalloc(pool, 2 * 1024 * 1024 + 1);
    memset(large, ' ', 2 * 1024 * 1024);
    memcpy(large, "SELECT 1", 8);
    test_write("large.sql", large);
    ck_assert_ptr_nonnull(read_statement(&statement, "large.sql"));
}
END_TEST

/* It is not cut there silently: the rest may be the WHERE. */
START_TEST(a_file_with_a_nul_byte_is_refused)
{
    static const char text[] = "UPDATE t SET a = 1 \0 WHERE id = :id";
    at_statement_t *statement;

    test_write_bytes("s.sql", text, sizeof(text) - 1);
    ck_assert_ptr_nonnull(read_statement(&statement, "s.sql"));
}
END_TEST

/* Some editors write one; no database takes it. */
START_TEST(a_byte_order_mark_does_not_reach_the_database)
{
    at_statement_t *statement;
    const char *problem;

    test_write("s.sql", "\xEF\xBB\xBFSELECT 1");
    problem = read_statement(&statement, "s.sql");
    ck_assert(problem || !strcmp(statement->text, "SELECT 1"));
}
END_TEST

START_TEST(a_long_statement_is_kept_whole)
{
    const char *text = "SELECT 0";
    at_statement_t *statement;
    int i;

    for (i = 0; i < 1000; i++) {
        text = apr_pstrcat(pool, text, ",\n:id AS 'c", apr_itoa(pool, i),
                           "' -- %", (char *)NULL);
    }
    statement = compile(text);
    ck_assert_int_eq(statement->value_count, 1000);
    ck_assert_int_eq(statement->columns->nelts, 1000);
    ck_assert(has(statement->text, "%s AS 'c999'"));
}
END_TEST

int main(void)
{
    TCase *tests = test_begin("test_sql");

    tcase_add_test(tests, parameters_become_placeholders_in_their_order);
    tcase_add_test(tests, what_is_bound_is_known);
    tcase_add_test(tests, comments_hide_what_is_in_them);
    tcase_add_test(tests, result_columns_are_the_names_after_as);
    tcase_add_test(tests, as_needs_no_blank_before_a_name_in_quotes);
    tcase_add_test(tests, unique_keys_are_annotations);
    tcase_add_test(tests, errors_of_the_text_say_file_and_line);
    tcase_add_test(tests, errors_of_annotations_say_file_and_line);
    tcase_add_test(tests, errors_of_encoding_and_names_say_file_and_line);
    tcase_add_test(tests, an_unknown_parameter_is_named_with_those_there_are);
    tcase_add_test(tests, an_included_file_replaces_its_line);
    tcase_add_test(tests, errors_of_an_included_file_say_its_name_and_line);
    tcase_add_test(tests, only_files_of_the_same_folder_are_included);
    tcase_add_test(tests, files_that_include_each_other_are_a_circle);
    tcase_add_test(tests, the_narrow_form_is_without_what_is_wide);
    tcase_add_test(tests, the_whole_form_has_what_is_wide);
    tcase_add_test(tests,
                   a_file_that_is_included_may_be_wide_or_have_a_wide);
    tcase_add_test(tests, a_wide_begins_and_ends_in_one_file);
    tcase_add_test(tests,
                   a_statement_that_is_wide_alone_has_no_narrow_form);
    tcase_add_test(tests, what_the_folder_has_not_is_taken_from_the_base);
    tcase_add_test(tests, only_what_is_not_there_is_taken_from_the_base);
    tcase_add_test(tests,
                   a_file_of_an_inner_folder_includes_those_beside_it);
    tcase_add_test(tests, a_file_that_cannot_be_read_is_named);
    tcase_add_test(tests, a_file_with_a_nul_byte_is_refused);
    tcase_add_test(tests, a_byte_order_mark_does_not_reach_the_database);
    tcase_add_test(tests, a_long_statement_is_kept_whole);
    return test_end(tests);
}
