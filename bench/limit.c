/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The limit: the most that the database and its client library can do with
 * the statements of a folder. Each connection has a thread, which loads and
 * saves for one call after another, but without HTTP, JSON, rules and lookups.
 *
 * Prints the line "measuring" when the measurement begins, and the line
 * "RESULT name=value ..." at its end.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sys/resource.h>

#include <apr_atomic.h>
#include <apr_general.h>
#include <apr_getopt.h>
#include <apr_hash.h>
#include <apr_strings.h>
#include <apr_thread_proc.h>

#include <mysql.h>

#include "at_date.h"
#include "at_digest.h"
#include "at_field.h"
#include "at_folder.h"

/* Latencies are counted in steps of 10 us, up to a second. */
#define STEP  10
#define STEPS 100000

/* No value of these calls is longer. */
#define VALUE_SIZE 128

/* The longest result column in bytes, as in fldsz of DBDParams. */
#define COLUMN_SIZE 65535

typedef struct value_t {
    char text[VALUE_SIZE];
    unsigned long length;
    my_bool is_null;
} value_t;

typedef struct query_t {
    MYSQL_STMT *statement;
    const at_statement_t *source;
    value_t *values;          /* of its parameters, by number */
    MYSQL_BIND *results;
    int result_count;
} query_t;

typedef struct client_t {
    apr_pool_t *pool;
    apr_thread_t *thread;
    MYSQL *connection;
    query_t load;
    query_t save;
    int id, version, user_id, unit_id; /* columns of load; unit_id may be
                                          AT_PLAN_NONE */
    apr_uint64_t random;
    apr_uint64_t pairs, races, bytes;
    apr_uint32_t *latencies;
    const char *error;
} client_t;

typedef struct options_t {
    const char *defaults;     /* a my.cnf with the group access_token */
    const char *statements;   /* a folder */
    const char *rest;         /* one for the files that it lacks, or NULL */
    int connections, tokens, sessions, fields;
    double seconds, warm_up;
} options_t;

enum { WARMING_UP, MEASURING, OVER };

/* The fields that the calls of bench/speed.lua change, besides the marker. */
static const char *const names[] = {
    "udf_string_1", "udf_string_2", "udf_string_3", "udf_float_1",
    "udf_float_2", "udf_date_1"
};
#define NAMES (sizeof(names) / sizeof(names[0]))

static options_t options = { NULL, NULL, NULL, 32, 1000, 1, 3, 5, 1 };
static volatile apr_uint32_t phase = WARMING_UP;
static const char **digests;  /* of the session tokens */
static apr_hash_t *units;     /* the units of the callers, by digest */

/* ---- values */

static unsigned int random_below(client_t *client, unsigned int limit)
{
    apr_uint64_t x = client->random;

    x ^= x << 13;
    x ^= x >> 7;
    x ^= x << 17;
    client->random = x;
    return (unsigned int)((x >> 16) % limit);
}

static void set_text(value_t *value, const char *text)
{
    value->is_null = text == NULL;
    value->length = text ? (unsigned long)strlen(text) : 0;
    if (text) {
        apr_cpystrn(value->text, text, VALUE_SIZE);
    }
}

static void set_format(value_t *value, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static void set_format(value_t *value, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    value->is_null = 0;
    value->length = (unsigned long)apr_vsnprintf(value->text, VALUE_SIZE,
                                                 format, arguments);
    va_end(arguments);
}

static void set_field(client_t *client, int field)
{
    value_t *value = client->save.values + AT_SAVE_FIELDS + 2 * field;
    unsigned int number = random_below(client, 1000000);

    set_text(value, "1");
    switch (at_field_get(field)->type) {
    case AT_FIELD_NUMBER:
        set_format(value + 1, "%u.5", number);
        break;
    case AT_FIELD_DATE:
        set_format(value + 1, "2024-%02u-15T12:00:00", number % 12 + 1);
        break;
    default:
        set_format(value + 1, "some text %u", number);
        break;
    }
}

/* The marker and some random fields. */
static void choose_fields(client_t *client)
{
    int marker = at_field_find("card_masked_number");
    int i;

    for (i = 0; i < at_field_count(); i++) {
        value_t *value = client->save.values + AT_SAVE_FIELDS + 2 * i;

        set_text(value, "0");
        set_text(value + 1, NULL);
    }
    for (i = 0; i < options.fields; i++) {
        set_field(client, at_field_find(names[random_below(client, NAMES)]));
    }
    set_field(client, marker);
    set_format(client->save.values + AT_SAVE_FIELDS + 2 * marker + 1, "%u",
               random_below(client, 1000000));
}

/* The code of access token NUMBER, as in bench/lib/Bench/Data.pm. */
static void set_code(value_t *value, unsigned int number)
{
    set_format(value, "%08X%024X", (unsigned int)(number * 2654435761UL),
               number);
}

static void set_request_id(client_t *client)
{
    value_t *value = client->save.values + AT_SAVE_REQUEST_ID;
    int i;

    for (i = 0; i < 32; i++) {
        value->text[i] = "0123456789ABCDEF"[random_below(client, 16)];
    }
    value->text[32] = '\0';
    value->length = 32;
    value->is_null = 0;
}

/* ---- statements */

static const char *complain(const client_t *client, const query_t *query,
                            const char *what)
{
    return apr_psprintf(client->pool, "%s: %s: %s", what,
                        query->source->file,
                        mysql_stmt_error(query->statement));
}

/* The SQL text for the server: at_sql wrote it for apr_dbd. */
static const char *server_text(const client_t *client, const char *text)
{
    char *result = apr_palloc(client->pool, strlen(text) + 1);
    char *to = result;

    for (; *text; text++) {
        *to++ = text[0] == '%' && text[1] == 's' ? '?' : *text;
        if (*text == '%') {
            text++;
        }
    }
    *to = '\0';
    return result;
}

/* Values and columns are bound once. An execution only changes their
 * contents. */
static const char *bind_values(client_t *client, query_t *query, int count)
{
    int i, bound = query->source->value_count;
    MYSQL_BIND *binds = apr_pcalloc(client->pool, sizeof(*binds)
                                                  * (apr_size_t)(bound + 1));

    query->values = apr_pcalloc(client->pool, sizeof(*query->values)
                                              * (apr_size_t)count);
    for (i = 0; i < count; i++) {
        query->values[i].is_null = 1;
    }
    for (i = 0; i < bound; i++) {
        value_t *value = query->values + query->source->values[i];

        binds[i].buffer_type = MYSQL_TYPE_STRING;
        binds[i].buffer = value->text;
        binds[i].buffer_length = VALUE_SIZE;
        binds[i].length = &value->length;
        binds[i].is_null = &value->is_null;
    }
    return mysql_stmt_bind_param(query->statement, binds)
           ? complain(client, query, "bind") : NULL;
}

static const char *bind_columns(client_t *client, query_t *query)
{
    MYSQL_RES *result = mysql_stmt_result_metadata(query->statement);
    unsigned int i, count = result ? mysql_num_fields(result) : 0;
    MYSQL_BIND *bind = apr_pcalloc(client->pool,
                                   sizeof(*bind) * (count + 1));
    struct { unsigned long length; my_bool is_null, error; } *of;

    if (!count) {
        return complain(client, query, "no columns");
    }
    query->result_count = (int)count;
    query->results = bind;
    for (i = 0; i < count; i++, bind++) {
        unsigned long size = mysql_fetch_field_direct(result, i)->length + 1;

        bind->buffer_type = MYSQL_TYPE_STRING;
        bind->buffer_length = size < COLUMN_SIZE ? size : COLUMN_SIZE;
        bind->buffer = apr_palloc(client->pool, bind->buffer_length + 1);
        of = apr_pcalloc(client->pool, sizeof(*of));
        bind->length = &of->length;
        bind->is_null = &of->is_null;
        bind->error = &of->error;
    }
    mysql_free_result(result);
    return mysql_stmt_bind_result(query->statement, query->results)
           ? complain(client, query, "bind") : NULL;
}

static const char *prepare(client_t *client, query_t *query,
                           const at_statement_t *source, int count)
{
    const char *text = server_text(client, source->text);

    query->source = source;
    query->statement = mysql_stmt_init(client->connection);
    if (!query->statement) {
        return "no memory";
    }
    if (mysql_stmt_prepare(query->statement, text,
                           (unsigned long)strlen(text))) {
        return complain(client, query, "prepare");
    }
    if ((int)mysql_stmt_param_count(query->statement)
        != source->value_count) {
        return complain(client, query, "parameters");
    }
    return bind_values(client, query, count);
}

static const char *column(const query_t *query, int number)
{
    const MYSQL_BIND *bind = query->results + number;
    char *text = bind->buffer;

    if (*bind->is_null) {
        return NULL;
    }
    text[*bind->length < bind->buffer_length ? *bind->length
                                             : bind->buffer_length] = '\0';
    return text;
}

/* Load has the ids of the caller and the unit, or only that of the session's
 * user: then the module has both from lookups, and the limit from units. */
static const char *find_columns(client_t *client,
                                const at_statement_t *source)
{
    client->id = at_sql_column(source, "token.id");
    client->version = at_sql_column(source, "token.version");
    client->user_id = at_sql_column(source, "caller.user_id");
    client->unit_id = at_sql_column(source, "caller.unit_id");
    if (client->user_id == AT_PLAN_NONE) {
        client->user_id = at_sql_column(source, "session.user_id");
    }
    if (client->id == AT_PLAN_NONE || client->version == AT_PLAN_NONE
        || client->user_id == AT_PLAN_NONE) {
        return apr_psprintf(client->pool, "%s needs the columns token.id, "
                            "token.version and session.user_id",
                            source->file);
    }
    return NULL;
}

/* The load that the module runs for nearly each call without fields_set. */
static const at_statement_t *find_load(const at_statements_t *statements)
{
    at_statement_e load = AT_STATEMENT_LOAD_BY_AUTHENTICATION_CODE;
    const at_statement_t *documents;

    if (statements->statement[AT_STATEMENT_LOAD_BY_SESSION_AND_CODE]) {
        load = AT_STATEMENT_LOAD_BY_SESSION_AND_CODE;
    }
    documents = statements->statement[at_statement_load(load,
                                                        AT_SQL_DOCUMENTS)];
    return documents ? documents : statements->statement[load];
}

/* ---- calls */

static const char *load(client_t *client)
{
    query_t *query = &client->load;
    int i;

    if (mysql_stmt_execute(query->statement)) {
        return complain(client, query, "execute");
    }
    if (mysql_stmt_fetch(query->statement)) {
        return complain(client, query, "no row, or one that is cut");
    }
    for (i = 0; i < query->result_count; i++) {
        const char *text = column(query, i);

        client->bytes += text ? strlen(text) : 0;
    }
    if (mysql_stmt_fetch(query->statement) != MYSQL_NO_DATA) {
        return complain(client, query, "more than one row");
    }
    if (!column(query, client->id) || !column(query, client->user_id)) {
        return complain(client, query, "no such access token or session");
    }
    return NULL;
}

/* *SAVED: the guard matched, so no other call saved first. */
static const char *save(client_t *client, int *saved)
{
    const query_t *row = &client->load;
    value_t *values = client->save.values;
    const char *session = client->load.values[AT_LOAD_SESSION_DIGEST].text;

    set_text(values + AT_SAVE_ID, column(row, client->id));
    set_text(values + AT_SAVE_VERSION, column(row, client->version));
    set_text(values + AT_SAVE_USER_ID, column(row, client->user_id));
    set_text(values + AT_SAVE_UNIT_ID, client->unit_id != AT_PLAN_NONE
             ? column(row, client->unit_id)
             : apr_hash_get(units, session, APR_HASH_KEY_STRING));
    if (mysql_stmt_execute(client->save.statement)) {
        return complain(client, &client->save, "execute");
    }
    *saved = mysql_stmt_affected_rows(client->save.statement) == 1;
    return NULL;
}

/* One call. If it loses a race, it loads again, after a pause like that of
 * the module. */
static const char *call(client_t *client)
{
    value_t *values = client->load.values;
    const char *error = NULL;
    int saved = 0, attempts = 0;
    char now[APR_RFC822_DATE_LEN];
    apr_time_exp_t time;
    apr_size_t length;

    apr_time_exp_gmt(&time, apr_time_now());
    apr_strftime(now, &length, sizeof(now), "%Y-%m-%dT%H:%M:%S", &time);
    set_text(values + AT_LOAD_NOW, now);
    set_text(client->save.values + AT_SAVE_NOW, now);
    set_text(values + AT_LOAD_SESSION_DIGEST,
             digests[random_below(client, (unsigned int)options.sessions)]);
    set_code(values + AT_LOAD_KEY,
             1 + random_below(client, (unsigned int)options.tokens));
    set_request_id(client);
    choose_fields(client);
    while (!error && !saved) {
        if (attempts++) {
            client->races++;
            apr_sleep(1000 * (1 + random_below(client, 1U << (attempts < 6
                                                    ? attempts : 5))));
        }
        error = load(client);
        error = error ? error : save(client, &saved);
    }
    return error;
}

static void *APR_THREAD_FUNC run(apr_thread_t *thread, void *baton)
{
    client_t *client = baton;
    apr_uint32_t now;

    (void)thread;
    mysql_thread_init();
    while (!client->error && (now = apr_atomic_read32(&phase)) != OVER) {
        apr_time_t start = apr_time_now();
        apr_time_t step;

        client->error = call(client);
        step = (apr_time_now() - start) / STEP;
        if (now == MEASURING && apr_atomic_read32(&phase) == MEASURING) {
            client->latencies[step < STEPS ? step : STEPS - 1]++;
            client->pairs++;
        }
    }
    mysql_thread_end();
    return NULL;
}

/* ---- all clients */

static const char *connect_client(client_t *client,
                                  const at_statements_t *statements)
{
    const at_statement_t *source = find_load(statements);
    const char *error;

    client->connection = mysql_init(NULL);
    mysql_options(client->connection, MYSQL_READ_DEFAULT_FILE,
                  options.defaults);
    mysql_options(client->connection, MYSQL_READ_DEFAULT_GROUP,
                  "access_token");
    if (!mysql_real_connect(client->connection, NULL, NULL, NULL,
                            "access_token", 0, NULL, CLIENT_FOUND_ROWS)) {
        return mysql_error(client->connection);
    }
    error = prepare(client, &client->load, source, AT_LOAD_COUNT);
    error = error ? error : bind_columns(client, &client->load);
    error = error ? error : find_columns(client, source);
    if (error) {
        return error;
    }
    return prepare(client, &client->save,
                   statements->statement[AT_STATEMENT_SAVE],
                   AT_SAVE_FIELDS + 2 * at_field_count());
}

static void fail(const char *error)
{
    fprintf(stderr, "limit: %s\n", error);
    exit(1);
}

static void read_units(MYSQL *connection, apr_pool_t *pool)
{
    static const char query[] =
        "SELECT session.token_digest,"
        "       COALESCE(session.unit_id, caller.default_unit_id)"
        "  FROM access_token_sessions AS session"
        "  JOIN users AS caller ON caller.id = session.user_id";
    MYSQL_RES *result = NULL;
    MYSQL_ROW row;

    if (mysql_query(connection, query) == 0) {
        result = mysql_store_result(connection);
    }
    if (!result) {
        fail(mysql_error(connection));
    }
    units = apr_hash_make(pool);
    while ((row = mysql_fetch_row(result))) {
        apr_hash_set(units, apr_pstrdup(pool, row[0]), APR_HASH_KEY_STRING,
                     apr_pstrdup(pool, row[1]));
    }
    mysql_free_result(result);
}

static client_t *make_clients(apr_pool_t *pool)
{
    client_t *clients = apr_pcalloc(pool, sizeof(*clients)
                                    * (apr_size_t)options.connections);
    at_statements_t *statements;
    at_error_t *wrong = at_folder_read(&statements, options.statements,
                                       options.rest, pool, pool);
    const char *error;
    int i;

    if (wrong) {
        fail(wrong->detail);
    }
    for (i = 0; i < options.connections; i++) {
        client_t *client = clients + i;

        /* Each thread has its own pool. */
        apr_pool_create(&client->pool, NULL);
        client->random = 88172645463325252ULL + (apr_uint64_t)apr_time_now()
                         + (unsigned int)i * 0x9E3779B97F4A7C15ULL;
        client->latencies = apr_pcalloc(client->pool,
                                        sizeof(apr_uint32_t) * STEPS);
        error = connect_client(client, statements);
        if (error) {
            fail(error);
        }
    }
    if (clients->unit_id == AT_PLAN_NONE) {
        read_units(clients->connection, pool);
    }
    return clients;
}

static void make_digests(apr_pool_t *pool)
{
    int i;

    digests = apr_pcalloc(pool, sizeof(*digests)
                                * (apr_size_t)options.sessions);
    for (i = 0; i < options.sessions; i++) {
        digests[i] = at_digest_sha256(pool,
            apr_psprintf(pool, "bench-session-%d", i + 1), NULL);
        if (!digests[i]) {
            fail("libcrypto has no SHA-256");
        }
    }
}

static double cpu_time(void)
{
    struct rusage usage;

    getrusage(RUSAGE_SELF, &usage);
    return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1e6
           + (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec);
}

/* The time within which PART of the calls ended, in milliseconds. */
static double percentile(const client_t *clients, apr_uint64_t pairs,
                         double part)
{
    apr_uint64_t seen = 0;
    int step, i;

    for (step = 0; step < STEPS; step++) {
        for (i = 0; i < options.connections; i++) {
            seen += clients[i].latencies[step];
        }
        if ((double)seen >= part * (double)pairs) {
            break;
        }
    }
    return (double)step * STEP / 1000;
}

static void print_result(client_t *clients, double seconds, double cpu)
{
    apr_uint64_t pairs = 0, races = 0;
    struct rusage usage;
    int i;

    for (i = 0; i < options.connections; i++) {
        apr_status_t status;

        apr_thread_join(&status, clients[i].thread);
        if (clients[i].error) {
            fail(clients[i].error);
        }
        pairs += clients[i].pairs;
        races += clients[i].races;
    }
    if (!pairs) {
        fail("no call ended in time");
    }
    getrusage(RUSAGE_SELF, &usage);
    printf("RESULT requests=%" APR_UINT64_T_FMT " seconds=%.6f p50=%.2f "
           "p99=%.2f cpu=%.3f races=%" APR_UINT64_T_FMT " rss=%ld\n", pairs,
           seconds, percentile(clients, pairs, 0.5),
           percentile(clients, pairs, 0.99), cpu / (double)pairs, races,
           usage.ru_maxrss);
}

static void measure(client_t *clients, apr_pool_t *pool)
{
    apr_time_t start, end;
    double cpu;
    int i;

    for (i = 0; i < options.connections; i++) {
        if (apr_thread_create(&clients[i].thread, NULL, run, clients + i,
                              pool)) {
            fail("no thread");
        }
    }
    apr_sleep((apr_interval_time_t)(options.warm_up * APR_USEC_PER_SEC));
    printf("measuring\n");
    fflush(stdout);
    cpu = cpu_time();
    start = apr_time_now();
    apr_atomic_set32(&phase, MEASURING);
    apr_sleep((apr_interval_time_t)(options.seconds * APR_USEC_PER_SEC));
    apr_atomic_set32(&phase, OVER);
    end = apr_time_now();
    cpu = cpu_time() - cpu;
    print_result(clients, (double)(end - start) / APR_USEC_PER_SEC, cpu);
}

static const apr_getopt_option_t known_options[] = {
    { "defaults", 'd', 1, NULL },    { "statements", 's', 1, NULL },
    { "connections", 'c', 1, NULL }, { "tokens", 't', 1, NULL },
    { "sessions", 'u', 1, NULL },    { "fields", 'f', 1, NULL },
    { "seconds", 'l', 1, NULL },     { "warm-up", 'w', 1, NULL },
    { NULL, 0, 0, NULL }
};

static int read_option(int option, const char *value, apr_pool_t *pool)
{
    char *rest;

    switch (option) {
    case 'd':
        options.defaults = value;
        return 1;
    case 's':
        options.statements = apr_strtok(apr_pstrdup(pool, value), ",", &rest);
        options.rest = apr_strtok(NULL, ",", &rest);
        return options.statements != NULL;
    case 'c':
        options.connections = atoi(value);
        return options.connections > 0;
    case 't':
        options.tokens = atoi(value);
        return options.tokens > 0;
    case 'u':
        options.sessions = atoi(value);
        return options.sessions > 0;
    case 'f':
        options.fields = atoi(value);
        return options.fields >= 0;
    case 'l':
        options.seconds = atof(value);
        return options.seconds > 0;
    default:
        options.warm_up = atof(value);
        return options.warm_up >= 0;
    }
}

int main(int argc, const char *const *argv)
{
    apr_pool_t *pool;
    apr_getopt_t *state;
    apr_status_t status;
    const char *value;
    int option, right = 1;

    apr_app_initialize(&argc, &argv, NULL);
    apr_pool_create(&pool, NULL);
    apr_getopt_init(&state, pool, argc, argv);
    while ((status = apr_getopt_long(state, known_options, &option, &value))
           == APR_SUCCESS) {
        right = right && read_option(option, value, pool);
    }
    if (status != APR_EOF || !right || state->ind < argc
        || !options.defaults || !options.statements) {
        fail("usage: limit --defaults FILE --statements FOLDER[,REST] "
             "[--connections N] [--tokens N] [--sessions N] [--fields N] "
             "[--seconds N] [--warm-up N]");
    }
    make_digests(pool);
    mysql_library_init(0, NULL, NULL);
    measure(make_clients(pool), pool);
    return 0;
}
