/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One call over a store in memory, which loses races, has duplicates and
 * breaks as a test wants it. Contract, sections 3 to 6. The slow functions
 * are wrapped by the linker: they must find no connection held, and they
 * are counted.
 */
#include "test_support.h"

#include <stdlib.h>
#include <string.h>

#include "at_custom.h"
#include "at_digest.h"
#include "at_field.h"
#include "at_hashing.h"
#include "at_update.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

#define NOW "2015-05-27T12:50:22"

/* ---- what the linker puts in the place of the slow functions */

static int held;                 /* the store's connection */
static apr_time_t clock_now;
static apr_interval_time_t hash_takes;
static int sleeps_really;
static int hashes, verifications, verifications_of_nothing, pauses;
static const char *log_of_calls; /* of the store and of these */

static void note(const char *what)
{
    log_of_calls = apr_pstrcat(pool, log_of_calls,
                               *log_of_calls ? " " : "", what,
                               (char *)NULL);
}

int __wrap_at_passcode_hash(char *hash, const at_scheme_t *scheme,
                            const char *pass_code);
int __wrap_at_passcode_hash(char *hash, const at_scheme_t *scheme,
                            const char *pass_code)
{
    ck_assert_msg(!held, "hashed with a connection held");
    ck_assert_str_eq(scheme->name, "bcrypt");
    hashes++;
    clock_now += hash_takes;
    note("hash");
    apr_snprintf(hash, AT_PASSCODE_HASH_BYTES + 1, "HASH(%s)", pass_code);
    return 1;
}

int __wrap_at_passcode_verify(const char *pass_code, const char *hash);
int __wrap_at_passcode_verify(const char *pass_code, const char *hash)
{
    ck_assert_msg(!held, "verified with a connection held");
    verifications++;
    note("verify");
    return !strcmp(hash, apr_psprintf(pool, "HASH(%s)", pass_code));
}

void __wrap_at_passcode_verify_nothing(const at_scheme_t *scheme,
                                       const char *pass_code);
void __wrap_at_passcode_verify_nothing(const at_scheme_t *scheme,
                                       const char *pass_code)
{
    ck_assert_msg(!held, "verified nothing with a connection held");
    ck_assert(scheme && pass_code);
    verifications_of_nothing++;
    note("verify_nothing");
}

void __real_apr_sleep(apr_interval_time_t time);
void __wrap_apr_sleep(apr_interval_time_t time);
void __wrap_apr_sleep(apr_interval_time_t time)
{
    if (sleeps_really) {
        __real_apr_sleep(time);
        return;
    }
    ck_assert_msg(!held, "paused with a connection held");
    ck_assert(time >= 0 && time <= apr_time_from_msec(250));
    clock_now += time;
    pauses++;
}

/* Time is what passes in pauses and in the store's operations. */
apr_time_t __real_at_clock_now(void);
apr_time_t __wrap_at_clock_now(void);
apr_time_t __wrap_at_clock_now(void)
{
    return clock_now;
}

/* ---- the store in memory: one access token */

static const at_statements_t *statements;
static at_store_t store;
static at_row_t *stored;         /* the row as it is */
static apr_array_header_t *configured;
static int narrow_loads, loads, saves, saved, numbers, finds, lookups;
static at_saved_request_t remembered; /* what find_request finds */

/* What the next operations give instead of doing anything: characters of
 * OUTCOMES by operation, '.' for done. At its end: done. */
static const char *load_outcomes, *save_outcomes, *custom_outcomes,
    *number_outcomes, *find_outcomes, *lookup_outcomes;

/* What others do behind the next find_request. */
static void (*after_find)(void);

/* What another program does while this call is between load and save. */
static void (*meanwhile)(void);

static const char *const *saved_values;

static const at_statement_t *load_statement(void)
{
    return statements->statement[AT_STATEMENT_LOAD_BY_ID];
}

static const char *get(const char *column)
{
    return stored->values[at_statement_column(load_statement(), column)];
}

static void set(const char *column, const char *value)
{
    test_row_set(stored, load_statement(), column, value);
}

static int is(const char *one, const char *other)
{
    return one && other && !strcmp(one, other);
}

/* How long a wait for a lock takes, and a wait for a connection. */
#define LOCK_WAIT       apr_time_from_msec(2000)
#define CONNECTION_WAIT apr_time_from_msec(900)

/* Take the next of OUTCOMES: . done, C1 conflict of field 1, L lost race,
 * R retry, W retry after a wait for a lock, A retry after a wait for the
 * connection, X lost while saving and not saved, Y lost but saved, Z saved
 * though the database says that it was not, K the
 * Idempotency-Key was saved, P no place, T no connection in time,
 * U unavailable, S stale, B broken. */
static at_outcome_e next_outcome(const char **outcomes)
{
    char next = **outcomes;

    *outcomes += next != '\0';
    store.detail = NULL;
    store.fault = AT_FAULT_NONE;
    store.timed_out = 0;
    switch (next) {
    case 'C':
        store.conflict = **outcomes - '0';
        ++*outcomes;
        return AT_STORE_CONFLICT;
    case 'L':
        return AT_STORE_LOST_RACE;
    case 'R':
        store.detail = "detail: retry";
        return AT_STORE_RETRY;
    case 'W':
        clock_now += LOCK_WAIT;
        store.detail = "detail: lock";
        store.fault = AT_FAULT_WAIT;
        return AT_STORE_RETRY;
    case 'A':
        clock_now += CONNECTION_WAIT;
        store.detail = "detail: away";
        store.fault = AT_FAULT_CONNECTION;
        return AT_STORE_RETRY;
    case 'X':
    case 'Y':
        store.detail = "detail: lost";
        store.fault = AT_FAULT_CONNECTION;
        return AT_STORE_LOST;
    case 'Z':
        store.detail = "detail: a deadlock, it says";
        return AT_STORE_RETRY;
    case 'K':
        return AT_STORE_REPEATED;
    case 'P':
        store.detail = "detail: no place";
        store.fault = AT_FAULT_PLACE;
        store.timed_out = 1;
        return AT_STORE_UNAVAILABLE;
    case 'T':
        store.detail = "detail: in time";
        store.fault = AT_FAULT_CONNECTION;
        store.timed_out = 1;
        return AT_STORE_UNAVAILABLE;
    case 'U':
        store.detail = "detail: unavailable";
        return AT_STORE_UNAVAILABLE;
    case 'S':
        store.detail = "detail: stale";
        store.fault = AT_FAULT_BROKEN;
        return AT_STORE_STALE;
    case 'B':
        store.detail = "detail: broken";
        return AT_STORE_BROKEN;
    default:
        return AT_STORE_DONE;
    }
}

static int is_of_caller(const char *column)
{
    return !strncmp(column, "session.", 8) || !strncmp(column, "login.", 6)
           || !strncmp(column, "caller.", 7)
           || has(column, ".updated_by_");
}

/* Whether the row has KEY, by which LOAD looks. */
static int has_key(at_statement_e load, const char *key)
{
    switch (load) {
    case AT_STATEMENT_LOAD_BY_AUTHENTICATION_CODE:
        return is(get("data.authentication_code"), key);
    case AT_STATEMENT_LOAD_BY_IDENTIFIER:
        return is(get("data.identifier"), key);
    default:
        return is(get("token.id"), key);
    }
}

static int is_in_narrow(int column)
{
    int i = statements->statement[AT_STATEMENT_NARROW]->columns->nelts;

    while (i-- > 0 && statements->narrow_columns[i] != column) {
        continue;
    }
    return i >= 0;
}

static at_outcome_e store_load(at_store_t *self, at_statement_e load,
                               const char *const *values, at_row_t **row)
{
    const apr_array_header_t *columns = load_statement()->columns;
    const char *session = values[AT_LOAD_SESSION_DIGEST];
    const char *by_session = NULL, *by_login = NULL;
    at_outcome_e outcome;
    int i, found, is_narrow = load >= AT_STATEMENT_NARROW;

    if (is_narrow) {
        load = (at_statement_e)(load - AT_STATEMENT_NARROW);
        narrow_loads++;
    }
    ck_assert_ptr_eq(self, &store);
    loads++;
    held = 1;
    note(at_statements_file(load));
    ck_assert_str_eq(values[AT_LOAD_NOW], NOW);
    outcome = next_outcome(&load_outcomes);
    if (outcome != AT_STORE_DONE) {
        return outcome;
    }
    found = has_key(load, values[AT_LOAD_KEY]);
    if (is(session, at_digest_sha256(pool, "session"))) {
        by_session = "U1";
    }
    else if (is(session, at_digest_sha256(pool, "session of another"))) {
        by_session = "U2";
    }
    if (is(values[AT_LOAD_USERNAME], "clerk")) {
        by_login = "U1";
    }
    *row = test_row(load_statement(), statements->plan, NULL);
    for (i = 0; i < columns->nelts; i++) {
        const char *column = APR_ARRAY_IDX(columns, i, const char *);

        if (is_narrow && !is_in_narrow(i)) {
            continue;
        }
        if (is_of_caller(column) ? by_session || by_login : found) {
            (*row)->values[i] = stored->values[i];
        }
    }
    test_row_set(*row, load_statement(), "session.user_id", by_session);
    test_row_set(*row, load_statement(), "login.user_id", by_login);
    return AT_STORE_DONE;
}

/* The lookup of KEY: its id is the key, its NAME "LOOKUP KEY NAME"; of "gone"
 * there is nothing. */
static at_outcome_e store_lookup(at_store_t *self, int number,
                                 const char *key, const char ***values)
{
    const at_lookup_t *lookup = &APR_ARRAY_IDX(statements->lookups, number,
                                               at_lookup_t);
    const apr_array_header_t *columns = lookup->statement->columns;
    int i;

    ck_assert_ptr_eq(self, &store);
    lookups++;
    held = 1;
    note(apr_psprintf(pool, "%s:%s", lookup->name, key));
    *values = apr_pcalloc(pool, sizeof(**values) * (size_t)columns->nelts);
    for (i = 0; i < columns->nelts && strcmp(key, "gone"); i++) {
        const char *name = APR_ARRAY_IDX(columns, i, const char *);

        (*values)[i] = strcmp(name, "id")
                       ? apr_psprintf(pool, "%s %s %s", lookup->name, key,
                                      name) : key;
    }
    return next_outcome(&lookup_outcomes);
}

/* As save.sql does: the last eight. */
static void remember(const char *id)
{
    const char *ids = get("token.request_ids");

    ck_assert_uint_eq(strlen(id), 32);
    set("token.request_ids", apr_pstrndup(pool, apr_pstrcat(pool, id,
        *ids ? " " : "", ids, (char *)NULL), 263));
}

/* What others do behind the next save, whatever became of it. */
static void (*after_save)(void);

/* 1: a save that was lost is done by the database just before the next. */
static int late;
static const char *const *late_values;

static at_outcome_e do_save(const char *const *values);

static at_outcome_e store_save(at_store_t *self, const char *const *values)
{
    at_outcome_e outcome;

    ck_assert_ptr_eq(self, &store);
    if (late_values) {
        const char *const *lost_values = late_values;
        const char *outcomes = save_outcomes;

        late_values = NULL;
        save_outcomes = "";
        saves--;
        ck_assert_int_eq(do_save(lost_values), AT_STORE_DONE);
        save_outcomes = outcomes;
    }
    outcome = do_save(values);
    if (late && outcome == AT_STORE_LOST) {
        late_values = values;
    }
    if (after_save) {
        void (*others)(void) = after_save;

        after_save = NULL;
        others();
    }
    return outcome;
}

static at_outcome_e do_save(const char *const *values)
{
    at_outcome_e outcome;
    int i, in_spite;

    saves++;
    held = 1;
    note("save");
    ck_assert_str_eq(values[AT_SAVE_ID], "T1");
    ck_assert_str_eq(values[AT_SAVE_NOW], NOW);
    if (meanwhile) {
        void (*others)(void) = meanwhile;

        meanwhile = NULL;
        others();
    }
    in_spite = *save_outcomes == 'Y' || *save_outcomes == 'Z';
    outcome = next_outcome(&save_outcomes);
    if (outcome != AT_STORE_DONE && outcome != AT_STORE_LOST_RACE
        && !in_spite) {
        return outcome;
    }
    if (outcome == AT_STORE_LOST_RACE
        || strcmp(values[AT_SAVE_VERSION], get("token.version"))) {
        /* somebody else saves */
        set("token.version", apr_itoa(pool, atoi(get("token.version")) + 1));
        return AT_STORE_LOST_RACE;
    }
    saved++;
    saved_values = values;
    for (i = 0; i < at_field_count(); i++) {
        const char *const *field = values + AT_SAVE_FIELDS + 2 * i;
        int column = statements->plan->field_columns[i];

        ck_assert(is(field[0], "1") || (is(field[0], "0") && !field[1]));
        if (is(field[0], "1") && column != AT_PLAN_NONE) {
            stored->values[column] = field[1];
        }
        else if (is(field[0], "1")) {
            set("token.pass_code", field[1]);
        }
    }
    set("token.version", apr_itoa(pool, atoi(get("token.version")) + 1));
    remember(values[AT_SAVE_REQUEST_ID]);
    return outcome;
}

static at_outcome_e store_find_request(at_store_t *self,
                                       const char *const *values,
                                       at_saved_request_t *request)
{
    ck_assert_ptr_eq(self, &store);
    finds++;
    held = 1;
    note("find_request");
    ck_assert_str_eq(values[AT_FIND_IDEMPOTENCY_KEY], "key-1");
    ck_assert_str_eq(values[AT_FIND_NOW], NOW);
    ck_assert_str_eq(values[AT_FIND_SESSION_DIGEST],
                     at_digest_sha256(pool, "session"));
    *request = remembered;
    if (remembered.token_id && !remembered.request_id) {
        request->request_id = "of another call";
    }
    if (after_find) {
        after_find();
        after_find = NULL;
    }
    return next_outcome(&find_outcomes);
}

static at_outcome_e store_custom_fields(at_store_t *self, const char *id,
                                        apr_array_header_t **fields)
{
    ck_assert_ptr_eq(self, &store);
    held = 1;
    note("custom_fields");
    ck_assert_str_eq(id, "T1");
    *fields = configured;
    return next_outcome(&custom_outcomes);
}

static at_outcome_e store_next_number(at_store_t *self, const char *sequence,
                                      const char **number)
{
    at_outcome_e outcome = next_outcome(&number_outcomes);

    ck_assert_ptr_eq(self, &store);
    held = 1;
    note(apr_pstrcat(pool, "next_number:", sequence, (char *)NULL));
    if (outcome == AT_STORE_DONE) {
        *number = apr_itoa(pool, 1000 + ++numbers);
    }
    return outcome;
}

static void store_release(at_store_t *self)
{
    ck_assert_ptr_eq(self, &store);
    held = 0;
}

static void configure(const char *name, const char *type)
{
    at_custom_field_t *field = apr_array_push(configured);

    field->name = name;
    field->type = type;
}

/* An access token with everything, and a caller who may update it. */
static void set_up_store(const at_statements_t *of)
{
    static const char *const credentials[] = { "authentication_code",
                                               "identifier", "pass_code" };
    static const char *const settings[] = { "min_length", "min_letters",
                                            "min_digits", "min_special" };
    size_t i, k;

    held = hashes = verifications = verifications_of_nothing = pauses = 0;
    hash_takes = 0;
    narrow_loads = loads = saves = saved = numbers = finds = lookups = 0;
    memset(&remembered, 0, sizeof(remembered));
    find_outcomes = lookup_outcomes = "";
    log_of_calls = "";
    load_outcomes = save_outcomes = custom_outcomes = number_outcomes = "";
    meanwhile = after_save = after_find = NULL;
    late = 0;
    late_values = NULL;
    saved_values = NULL;
    statements = of;
    stored = test_row(load_statement(), statements->plan,
                      "caller.user_id", "U1", "caller.username", "clerk",
                      "caller.unit_id", "N1", "caller.may_update", "1",
                      "data.log_information.updated_by_user.id", "U1",
                      "token.id", "T1", "data.id", "T1",
                      "token.version", "7",
                      "token.pass_code", "HASH(old)",
                      "token.request_ids", "",
                      "data.authentication_code", "code-1",
                      "data.identifier", "user-1",
                      "data.udf_string_1?", "before",
                      "data.udf_string_2?", "before too",
                      "data.udf_float_1?:number", "1.5",
                      "data.log_information.updated_date",
                      "2001-01-01T00:00:00",
                      "rule.allow_no_identifier", "1", NULL);
    for (i = 0; i < COUNT(credentials); i++) {
        set(apr_psprintf(pool, "rule.%s_creation", credentials[i]), "NONE");
        set(apr_psprintf(pool, "rule.%s_format", credentials[i]),
            "FREE_TEXT");
        for (k = 0; k < COUNT(settings); k++) {
            set(apr_psprintf(pool, "rule.%s_%s", credentials[i],
                             settings[k]), "0");
        }
    }
    configured = apr_array_make(pool, 4, sizeof(at_custom_field_t));
    configure("nick", "string");
    configure("size", "number");
    store.load = store_load;
    store.lookup = store_lookup;
    store.find_request = store_find_request;
    store.save = store_save;
    store.custom_fields = store_custom_fields;
    store.next_number = store_next_number;
    store.release = store_release;
    store.conflict = -1;
    store.detail = NULL;
}

/* ---- one call */

#define BY_CODE "{\"authentication_code\":\"code-1\"}"
#define BY_IDENTIFIER "{\"identifier\":\"user-1\",\"pass_code\":\"old\"}"

static at_update_t call;
static at_error_t *error;
static int unclear;              /* 1: an error may come though it is saved */

/* Run the call that is set up; what comes of it as test_error says it. */
static const char *run_call(const char *key, const char *members)
{
    at_request_options_t options = { statements, at_scheme_default(), 0 };
    at_request_t *request;
    const char *json = apr_pstrcat(pool, "{\"access_token_identifier\":",
                                   key, *members ? "," : "", members, "}",
                                   (char *)NULL);

    ck_assert_str_eq(test_error(at_request_read(&request, test_json(json),
                                                &options, pool)), "OK");
    call.pool = pool;
    call.store = &store;
    call.statements = statements;
    call.scheme = at_scheme_default();
    call.request = request;
    call.now = NOW;
    call.budget = apr_time_from_sec(5);
    call.caller = call.id = call.etag = NULL;
    call.replayed = 0;
    call.body.text = NULL;
    error = at_update_run(&call);
    ck_assert_msg(!held, "the connection is still held");
    ck_assert_msg(saved <= 1, "saved twice");
    ck_assert_msg(!error == (saved == 1) || call.replayed || unclear,
                  "%s, but saved %d times", test_error(error), saved);
    return test_error(error);
}

/* A call of a fresh store with the statements OF, with a good session. */
static void set_up_with(const at_statements_t *of)
{
    set_up_store(of);
    memset(&call, 0, sizeof(call));
    call.token = "session";
    unclear = 0;
}

static void set_up(void)
{
    set_up_with(test_statements());
}

/* COUNT lost races. */
static const char *races(int count)
{
    char *outcomes = apr_pcalloc(pool, (apr_size_t)count + 1);

    memset(outcomes, 'L', (size_t)count);
    return outcomes;
}

static const char *update(const char *members)
{
    return run_call(BY_CODE, members);
}

static at_json_t *data(void)
{
    ck_assert_ptr_nonnull(call.body.text);
    ck_assert_uint_eq(call.body.length, strlen(call.body.text));
    return at_json_get(test_json(call.body.text), "data");
}

static const char *replied(const char *name)
{
    at_json_t *value = at_json_get(data(), name);

    return value ? value->text : NULL;
}

/* ---- what is saved and replied */

START_TEST(what_was_sent_is_saved_and_nothing_else)
{
    int i;

    set_up();
    ck_assert_str_eq(update("\"udf_string_1\":\"x\",\"udf_string_2\":null,"
                            "\"udf_float_2\":0.1,\"udf_date_1\":"
                            "\"2024-02-29\""), "OK");
    ck_assert_str_eq(log_of_calls, "load_by_authentication_code.sql save");
    ck_assert_str_eq(saved_values[AT_SAVE_VERSION], "7");
    ck_assert_str_eq(saved_values[AT_SAVE_USER_ID], "U1");
    ck_assert_str_eq(saved_values[AT_SAVE_UNIT_ID], "N1");
    for (i = 0; i < at_field_count(); i++) {
        const char *name = at_field_get(i)->name;
        const char *flag = saved_values[AT_SAVE_FIELDS + 2 * i];
        const char *value = saved_values[AT_SAVE_FIELDS + 2 * i + 1];
        const char *expected = NULL;
        int sent = 1;

        if (is(name, "udf_string_1")) {
            expected = "x";
        }
        else if (is(name, "udf_float_2")) {
            expected = "0.1";
        }
        else if (is(name, "udf_date_1")) {
            expected = "2024-02-29T00:00:00";
        }
        else {
            sent = is(name, "udf_string_2");
        }
        ck_assert_msg(is(flag, sent ? "1" : "0"), "%s", name);
        ck_assert_msg(expected ? is(value, expected) : !value, "%s", name);
    }
}
END_TEST

START_TEST(the_reply_is_the_row_as_it_is_then)
{
    set_up();
    ck_assert_str_eq(update("\"udf_string_1\":\"x\",\"udf_string_2\":null,"
                            "\"authentication_code\":\"code-2\""), "OK");
    ck_assert_str_eq(replied("id"), "T1");
    ck_assert_str_eq(replied("authentication_code"), "code-2");
    ck_assert_str_eq(replied("identifier"), "user-1");
    ck_assert_str_eq(replied("udf_string_1"), "x");
    ck_assert_ptr_null(at_json_get(data(), "udf_string_2"));
    ck_assert_str_eq(replied("udf_float_1"), "1.5");
    ck_assert_str_eq(at_json_get(at_json_get(data(), "log_information"),
                                 "updated_date")->text, NOW);
    ck_assert_ptr_null(at_json_get(data(), "pass_code"));
    ck_assert_str_eq(call.etag, "\"T1-8\"");
    ck_assert_str_eq(call.id, "T1");
    ck_assert_str_eq(call.caller, "clerk");
}
END_TEST

START_TEST(a_call_that_changes_nothing_is_a_call_all_the_same)
{
    set_up();
    ck_assert_str_eq(update(""), "OK");
    ck_assert_str_eq(call.etag, "\"T1-8\"");
    ck_assert_str_eq(get("token.version"), "8");
    ck_assert_str_eq(replied("udf_string_1"), "before");
}
END_TEST

START_TEST(an_identifier_opens_with_its_pass_code)
{
    set_up();
    ck_assert_str_eq(run_call(BY_IDENTIFIER, "\"udf_string_1\":\"x\""),
                     "OK");
    ck_assert_str_eq(log_of_calls,
                     "load_by_identifier.sql verify save");
    ck_assert_int_eq(verifications_of_nothing, 0);
}
END_TEST

START_TEST(a_pass_code_is_saved_hashed_and_never_replied)
{
    set_up();
    ck_assert_str_eq(update("\"identifier\":\"user-2\","
                            "\"pass_code\":\"S3CRET\""), "OK");
    ck_assert_str_eq(get("token.pass_code"), "HASH(S3CRET)");
    ck_assert_str_eq(get("data.identifier"), "user-2");
    ck_assert(!has(call.body.text, "S3CRET"));
    ck_assert(!has(call.body.text, "HASH"));
    ck_assert_int_eq(hashes, 1);
    set_up();
    ck_assert_str_eq(update("\"identifier\":null,\"pass_code\":null"), "OK");
    ck_assert_ptr_null(get("token.pass_code"));
    ck_assert_int_eq(hashes, 0);
}
END_TEST

/* ---- who calls */

START_TEST(the_caller_is_named_by_session_or_login)
{
    static const struct {
        const char *token, *username, *result;
    } cases[] = {
        { NULL, NULL, "INVALID_TOKEN" },
        { "session", NULL, "OK" },
        { "unknown", NULL, "INVALID_TOKEN" },
        { "", NULL, "INVALID_TOKEN" },
        { NULL, "clerk", "OK" },
        { NULL, "nobody", "INVALID_TOKEN" },
        { NULL, "", "INVALID_TOKEN" },
        { "session", "clerk", "OK" },
        /* a token given as well must be that user's */
        { "session of another", "clerk", "INVALID_REQUEST" },
        { "unknown", "clerk", "INVALID_REQUEST" },
        { "session", "nobody", "INVALID_REQUEST" }
    };
    size_t i;

    for (i = 0; i < COUNT(cases); i++) {
        set_up();
        call.token = cases[i].token;
        call.username = cases[i].username;
        ck_assert_msg(!strcmp(update("\"udf_string_1\":\"x\""),
                              cases[i].result), "%s and %s: %s",
                      cases[i].token ? cases[i].token : "no session",
                      cases[i].username ? cases[i].username : "no user",
                      test_error(error));
        ck_assert_int_eq(saves, error ? 0 : 1);
    }
}
END_TEST

START_TEST(without_a_name_the_store_is_not_asked)
{
    set_up();
    call.token = NULL;
    ck_assert_str_eq(update(""), "INVALID_TOKEN");
    ck_assert_str_eq(log_of_calls, "");
}
END_TEST

START_TEST(a_caller_without_permission_is_refused)
{
    static const char *const no[] = { "0", NULL, "", "2", "t" };
    size_t i;

    for (i = 0; i < COUNT(no); i++) {
        set_up();
        set("caller.may_update", no[i]);
        ck_assert_str_eq(update(""), "FORBIDDEN");
        ck_assert_str_eq(call.caller, "clerk");
        ck_assert_int_eq(saves, 0);
    }
}
END_TEST

/* Session, permission, existence, If-Match, rules, uniqueness. */
START_TEST(errors_come_in_the_order_of_the_contract)
{
    static const char *const results[] = {
        "INVALID_TOKEN", "FORBIDDEN", "ACCESS_TOKEN_NOT_FOUND",
        "PRECONDITION_FAILED",
        "VALIDATION_FAILED: MANDATORY /authentication_code",
        "DUPLICATE_VALUE: DUPLICATE_VALUE /identifier", "OK"
    };
    int right;

    /* RIGHT of the six are right, all behind them are wrong. */
    for (right = 0; right <= 6; right++) {
        set_up();
        call.token = right > 0 ? "session" : "unknown";
        set("caller.may_update", right > 1 ? "1" : "0");
        call.if_match = right > 3 ? "\"T1-7\"" : "\"T1-6\"";
        save_outcomes = right > 5 ? "" : "C1";
        ck_assert_str_eq(run_call(
            right > 2 ? BY_CODE : "{\"authentication_code\":\"x\"}",
            right > 4 ? "\"identifier\":\"u\",\"pass_code\":\"p\""
                      : "\"authentication_code\":null"), results[right]);
    }
}
END_TEST

/* ---- which access token */

START_TEST(what_does_not_open_is_not_found_whatever_the_reason)
{
    static const char *const keys[] = {
        "{\"authentication_code\":\"Code-1\"}",
        "{\"authentication_code\":\"user-1\"}",
        "{\"identifier\":\"user-1\",\"pass_code\":\"wrong\"}",
        "{\"identifier\":\"nobody\",\"pass_code\":\"old\"}",
        "{\"identifier\":\"user-1\",\"pass_code\":\"HASH(old)\"}"
    };
    const char *description = NULL;
    size_t i;

    for (i = 0; i < COUNT(keys); i++) {
        set_up();
        ck_assert_str_eq(run_call(keys[i], "\"udf_string_1\":\"x\""),
                         "ACCESS_TOKEN_NOT_FOUND");
        ck_assert_int_eq(verifications + verifications_of_nothing, i > 1);
        ck_assert(!description || is(description, error->description));
        description = error->description;
        ck_assert_int_eq(saves, 0);
        ck_assert_ptr_null(call.etag);
    }
}
END_TEST

START_TEST(a_token_without_pass_code_takes_the_time_of_one)
{
    static const char *const stored_hashes[] = { NULL, "" };
    size_t i;

    for (i = 0; i < COUNT(stored_hashes); i++) {
        set_up();
        set("token.pass_code", stored_hashes[i]);
        ck_assert_str_eq(run_call(BY_IDENTIFIER, ""),
                         "ACCESS_TOKEN_NOT_FOUND");
        ck_assert_int_eq(verifications, 0);
        ck_assert_int_eq(verifications_of_nothing, 1);
    }
}
END_TEST

/* The second try is up to the request, not to what is stored. */
START_TEST(a_pass_code_is_tried_as_prepared_and_then_as_sent)
{
    static const struct {
        const char *stored, *sent, *result;
        int tries, tries_of_nothing;
    } cases[] = {
        { "HASH(\xC3\xA9)", "\xC3\xA9", "OK", 1, 0 },
        { "HASH(\xC3\xA9)", "e\xCC\x81", "OK", 1, 0 },
        { "HASH(e\xCC\x81)", "e\xCC\x81", "OK", 2, 0 },
        { "HASH(e\xCC\x81)", "\xC3\xA9", "ACCESS_TOKEN_NOT_FOUND", 1, 0 },
        { "HASH(x)", "e\xCC\x81", "ACCESS_TOKEN_NOT_FOUND", 2, 0 },
        { NULL, "e\xCC\x81", "ACCESS_TOKEN_NOT_FOUND", 0, 2 },
        { NULL, "\xC3\xA9", "ACCESS_TOKEN_NOT_FOUND", 0, 1 }
    };
    size_t i;

    for (i = 0; i < COUNT(cases); i++) {
        set_up();
        set("token.pass_code", cases[i].stored);
        ck_assert_str_eq(run_call(apr_psprintf(pool, "{\"identifier\":"
                                  "\"user-1\",\"pass_code\":\"%s\"}",
                                  cases[i].sent), ""), cases[i].result);
        ck_assert_int_eq(verifications, cases[i].tries);
        ck_assert_int_eq(verifications_of_nothing, cases[i].tries_of_nothing);
    }
    set_up();
    ck_assert_str_eq(update("\"pass_code\":\"e\xCC\x81\""), "OK");
    ck_assert_str_eq(get("token.pass_code"), "HASH(\xC3\xA9)");
}
END_TEST

/* What is stored is not verified, but the time of a verification is taken. */
START_TEST(a_hash_of_absurd_cost_opens_for_nobody)
{
    static const struct {
        const char *stored, *detail;
    } cases[] = {
        { "$2b$31$Ltc4R5MQvqYR9FSpFdYz.O", "AccessTokenPassCodeLimit" },
        { "$6$rounds=999999999$salt$x", "AccessTokenPassCodeLimit" },
        { "$y$jFT$salt$x", "1024 MB" },
        { "$argon2id$x", "no scheme" }, { "x", "no scheme" },
        { "*0", NULL }, { "!", NULL }, { "", NULL }
    };
    static const at_cost_t limit = { 2000, 256 };
    size_t i;

    for (i = 0; i < COUNT(cases); i++) {
        set_up();
        call.cost_limit = &limit;
        set("token.pass_code", cases[i].stored);
        ck_assert_str_eq(run_call(BY_IDENTIFIER, ""),
                         "ACCESS_TOKEN_NOT_FOUND");
        ck_assert_int_eq(verifications, 0);
        ck_assert_int_eq(verifications_of_nothing, 1);
        if (!cases[i].detail) {
            ck_assert_ptr_null(error->detail);
            continue;
        }
        ck_assert_ptr_nonnull(error->detail);
        ck_assert_msg(has(error->detail, cases[i].detail), "%s",
                      error->detail);
        ck_assert(has(error->detail, "access token T1 "));
        ck_assert(strlen(cases[i].stored) == 1
                  || !has(error->detail, cases[i].stored));
    }
    set_up();
    call.cost_limit = &limit;
    set("token.pass_code", "$2y$10$right");
    ck_assert_str_eq(run_call(BY_IDENTIFIER, ""), "ACCESS_TOKEN_NOT_FOUND");
    ck_assert_int_eq(verifications, 1);
    ck_assert_ptr_null(error->detail);
    /* Whoever comes by the code can set a new one. */
    set_up();
    call.cost_limit = &limit;
    set("token.pass_code", "$2b$31$Ltc4R5MQvqYR9FSpFdYz.O");
    ck_assert_str_eq(update("\"pass_code\":\"new\""), "OK");
}
END_TEST

/* ---- If-Match */

START_TEST(if_match_is_judged_before_the_change)
{
    static const struct {
        const char *if_match, *result;
    } cases[] = {
        { "\"T1-7\"", "OK" }, { "*", "OK" }, { "\"T1-7-gzip\"", "OK" },
        { "\"T1-6\", \"T1-7\"", "OK" }, { NULL, "OK" },
        { "\"T1-8\"", "PRECONDITION_FAILED" },
        { "\"T2-7\"", "PRECONDITION_FAILED" },
        { "W/\"T1-7\"", "PRECONDITION_FAILED" },
        { "", "PRECONDITION_FAILED" }, { "7", "PRECONDITION_FAILED" }
    };
    size_t i;

    for (i = 0; i < COUNT(cases); i++) {
        set_up();
        call.if_match = cases[i].if_match;
        ck_assert_str_eq(update("\"udf_string_1\":\"x\""), cases[i].result);
        ck_assert_int_eq(saves, error ? 0 : 1);
        ck_assert_str_eq(call.id, "T1");
    }
}
END_TEST

START_TEST(if_match_fails_after_a_lost_race)
{
    set_up();
    call.if_match = "\"T1-7\"";
    save_outcomes = "L";
    ck_assert_str_eq(update("\"udf_string_1\":\"x\""),
                     "PRECONDITION_FAILED");
    ck_assert_int_eq(saves, 1);
    set_up();
    call.if_match = "*";
    save_outcomes = "L";
    ck_assert_str_eq(update("\"udf_string_1\":\"x\""), "OK");
    ck_assert_str_eq(call.etag, "\"T1-9\"");
}
END_TEST

START_TEST(if_none_match_is_judged_before_the_change)
{
    static const struct {
        const char *if_none_match, *if_match, *result;
    } cases[] = {
        { "\"T1-6\"", NULL, "OK" }, { "\"T2-7\", W/\"T1-8\"", NULL, "OK" },
        { "\"T1-6\"", "\"T1-7\"", "OK" },
        { "\"T1-6\"", "\"T1-6\"", "PRECONDITION_FAILED" },
        { "\"T1-7\"", "\"T1-7\"", "PRECONDITION_FAILED" },
        { "\"T1-7\"", NULL, "PRECONDITION_FAILED" },
        { "*", NULL, "PRECONDITION_FAILED" },
        { "W/\"T1-7\"", NULL, "PRECONDITION_FAILED" },
        { "W/\"T1-7-gzip\"", NULL, "PRECONDITION_FAILED" },
        { "\"T1-6\", \"T1-7\"", NULL, "PRECONDITION_FAILED" },
        /* what can't be read can't be said not to match */
        { "T1-6", NULL, "PRECONDITION_FAILED" }
    };
    size_t i;

    for (i = 0; i < COUNT(cases); i++) {
        set_up();
        call.if_match = cases[i].if_match;
        call.if_none_match = cases[i].if_none_match;
        ck_assert_str_eq(update("\"udf_string_1\":\"x\""), cases[i].result);
        ck_assert_int_eq(saves, error ? 0 : 1);
    }
}
END_TEST

START_TEST(if_none_match_is_judged_again_after_a_lost_race)
{
    set_up();
    call.if_none_match = "\"T1-8\"";
    save_outcomes = "L";
    ck_assert_str_eq(update("\"udf_string_1\":\"x\""),
                     "PRECONDITION_FAILED");
    ck_assert_int_eq(saves, 1);
}
END_TEST

/* ---- races */

START_TEST(up_to_99_lost_races_are_run_again)
{
    int lost;

    for (lost = 1; lost < AT_UPDATE_ATTEMPTS; lost += 14) {
        set_up();
        save_outcomes = races(lost);
        ck_assert_str_eq(update("\"udf_string_1\":\"x\","
                                "\"pass_code\":\"p\""), "OK");
        ck_assert_int_eq(loads, lost + 1);
        ck_assert_int_eq(saves, lost + 1);
        ck_assert_int_eq(pauses, lost);
        ck_assert_int_eq(hashes, 1);
        ck_assert_str_eq(get("data.udf_string_1?"), "x");
        ck_assert_str_eq(call.etag, apr_psprintf(pool, "\"T1-%d\"",
                                                 8 + lost));
    }
    ck_assert_int_eq(lost, 99 + 14);
}
END_TEST

START_TEST(with_100_lost_races_the_call_gives_up)
{
    set_up();
    save_outcomes = races(200);
    ck_assert_str_eq(update("\"udf_string_1\":\"x\""), "VERSION_CONFLICT");
    ck_assert_int_eq(saves, 100);
    ck_assert_int_eq(loads, 100);
    ck_assert_str_eq(get("data.udf_string_1?"), "before");
    ck_assert_ptr_null(call.etag);
}
END_TEST

START_TEST(after_the_first_load_everything_goes_by_id)
{
    set_up();
    save_outcomes = "LL";
    ck_assert_str_eq(run_call(BY_IDENTIFIER, "\"udf_string_1\":\"x\""),
                     "OK");
    ck_assert_str_eq(log_of_calls,
                     "load_by_identifier.sql verify save "
                     "load_by_id.sql save load_by_id.sql save");
}
END_TEST

static void change_another_field(void)
{
    set("token.version", "8");
    set("data.udf_string_2?", "by another");
    set("data.custom_field_set?:json", "{\"size\":2}");
}

START_TEST(changes_of_different_fields_both_survive)
{
    set_up();
    meanwhile = change_another_field;
    ck_assert_str_eq(update("\"udf_string_1\":\"x\",\"custom_field_set\":"
                            "{\"nick\":\"y\"}"), "OK");
    ck_assert_str_eq(get("data.udf_string_1?"), "x");
    ck_assert_str_eq(get("data.udf_string_2?"), "by another");
    ck_assert_str_eq(replied("udf_string_2"), "by another");
    ck_assert_str_eq(test_sorted(test_json(
                         get("data.custom_field_set?:json"))),
                     "{\"nick\":\"y\",\"size\":2}");
}
END_TEST

static void change_the_code(void)
{
    set("token.version", "8");
    set("data.authentication_code", "code-9");
}

static void change_the_identifier(void)
{
    set("token.version", "8");
    set("data.identifier", "user-9");
}

static void change_the_pass_code(void)
{
    set("token.version", "8");
    set("token.pass_code", "HASH(new)");
}

static void rehash_the_pass_code(void)
{
    set("token.version", "8");
    set("token.pass_code", "HASH(old) ");
}

static void remove_the_token(void)
{
    set("token.id", "T2");
}

static void take_the_permission(void)
{
    set("token.version", "8");
    set("caller.may_update", "0");
}

static void forbid_no_identifier(void)
{
    set("token.version", "8");
    set("rule.allow_no_identifier", "0");
}

START_TEST(what_changes_meanwhile_is_judged_anew)
{
    static const struct {
        void (*meanwhile)(void);
        const char *key, *members, *result;
    } cases[] = {
        { change_the_code, BY_CODE, "", "ACCESS_TOKEN_NOT_FOUND" },
        { change_the_code, BY_IDENTIFIER, "", "OK" },
        { change_the_identifier, BY_IDENTIFIER, "",
          "ACCESS_TOKEN_NOT_FOUND" },
        { change_the_identifier, BY_CODE, "", "OK" },
        { change_the_pass_code, BY_IDENTIFIER, "",
          "ACCESS_TOKEN_NOT_FOUND" },
        { change_the_pass_code, BY_CODE, "", "OK" },
        { rehash_the_pass_code, BY_IDENTIFIER, "",
          "ACCESS_TOKEN_NOT_FOUND" },
        { remove_the_token, BY_CODE, "", "ACCESS_TOKEN_NOT_FOUND" },
        { take_the_permission, BY_CODE, "", "FORBIDDEN" },
        { forbid_no_identifier, BY_CODE,
          "\"identifier\":null,\"pass_code\":null",
          "VALIDATION_FAILED: MANDATORY /identifier, "
          "MANDATORY /pass_code" }
    };
    size_t i;

    for (i = 0; i < COUNT(cases); i++) {
        set_up();
        meanwhile = cases[i].meanwhile;
        save_outcomes = meanwhile == remove_the_token ? "L" : "";
        ck_assert_msg(!strcmp(run_call(cases[i].key, cases[i].members),
                              cases[i].result), "case %u: %s",
                      (unsigned int)i, test_error(error));
        ck_assert_int_eq(saves, error ? 1 : 2);
    }
}
END_TEST

/* The one pass code is hashed once, and verified once, whatever happens. */
START_TEST(slow_work_is_done_once)
{
    set_up();
    save_outcomes = "LRLRLC0";
    set("rule.authentication_code_creation", "ID");
    ck_assert_str_eq(run_call(BY_IDENTIFIER, "\"pass_code\":\"new\","
                              "\"authentication_code\":null"), "OK");
    ck_assert_int_eq(saves, 7);
    ck_assert_int_eq(hashes, 1);
    ck_assert_int_eq(verifications, 1);
    ck_assert_int_eq(verifications_of_nothing, 0);
    ck_assert_str_eq(get("token.pass_code"), "HASH(new)");
}
END_TEST

/* Its thread ends in real time. */
static void end_hashing(void)
{
    sleeps_really = 1;
    at_hashing_end(call.hashing);
    sleeps_really = 0;
}

/* A turn is waited for by the real clock. */
static at_error_t *changed_pass_code(int places)
{
    set_up();
    clock_now = __real_at_clock_now();
    call.hashing = at_hashing_make(1, places, NULL);
    run_call(BY_CODE, "\"pass_code\":\"new\"");
    end_hashing();
    return error;
}

/* The test of at_hashing.c shows the waiting; here is no place to wait. */
START_TEST(slow_work_that_has_no_turn_is_unavailable)
{
    ck_assert_str_eq(test_error(changed_pass_code(1)), "OK");
    ck_assert_str_eq(get("token.pass_code"), "HASH(new)");
    ck_assert_str_eq(test_error(changed_pass_code(0)), "SERVICE_UNAVAILABLE");
    ck_assert_int_eq(error->fault, AT_FAULT_HASHING);
    ck_assert(has(error->detail, "AccessTokenHashingLimit"));
    ck_assert_int_eq(hashes + saves, 0);
    ck_assert_str_eq(get("token.pass_code"), "HASH(old)");
    ck_assert_str_eq(get("token.version"), "7");
    /* nor is a pass code that cannot be verified a wrong one */
    set_up();
    call.hashing = at_hashing_make(1, 0, NULL);
    ck_assert_str_eq(run_call(BY_IDENTIFIER, ""), "SERVICE_UNAVAILABLE");
    ck_assert_int_eq(verifications + saves, 0);
    ck_assert_str_eq(run_call(BY_CODE, "\"udf_string_1\":\"x\""), "OK");
    end_hashing();
}
END_TEST

/* What hashing takes is not taken from the time for the database. */
START_TEST(slow_work_puts_the_deadline_off)
{
    set_up();
    hash_takes = apr_time_from_sec(60);
    save_outcomes = "R";
    ck_assert_str_eq(run_call(BY_IDENTIFIER, "\"pass_code\":\"new\""),
                     "OK");
    ck_assert_int_eq(saves, 2);
}
END_TEST

/* ---- uniqueness */

START_TEST(a_given_value_that_is_taken_is_a_conflict)
{
    set_up();
    save_outcomes = "C0";
    ck_assert_str_eq(update("\"authentication_code\":\"x\""),
                     "DUPLICATE_VALUE: DUPLICATE_VALUE "
                     "/authentication_code");
    ck_assert_int_eq(saves, 1);
    ck_assert_int_eq(pauses, 0);
    set_up();
    save_outcomes = "LC1";
    ck_assert_str_eq(update("\"identifier\":\"x\",\"pass_code\":\"p\""),
                     "DUPLICATE_VALUE: DUPLICATE_VALUE /identifier");
    ck_assert_int_eq(saves, 2);
    /* given, although it could be generated */
    set_up();
    set("rule.authentication_code_creation", "ID");
    save_outcomes = "C0";
    ck_assert_str_eq(update("\"authentication_code\":\"x\""),
                     "DUPLICATE_VALUE: DUPLICATE_VALUE "
                     "/authentication_code");
    /* one generated, the other given */
    set_up();
    set("rule.authentication_code_creation", "ID");
    save_outcomes = "C0C1";
    ck_assert_str_eq(update("\"authentication_code\":null,"
                            "\"identifier\":\"x\",\"pass_code\":\"p\""),
                     "DUPLICATE_VALUE: DUPLICATE_VALUE /identifier");
    ck_assert_int_eq(saves, 2);
}
END_TEST

START_TEST(a_generated_value_that_is_taken_is_generated_again)
{
    set_up();
    set("rule.authentication_code_creation", "NUMBER");
    save_outcomes = "C0C0C0";
    ck_assert_str_eq(update("\"authentication_code\":null"), "OK");
    ck_assert_int_eq(numbers, 4);
    ck_assert_str_eq(replied("authentication_code"), "1004");
    ck_assert_str_eq(get("data.authentication_code"), "1004");

    set_up();
    set("rule.identifier_creation", "ID");
    save_outcomes = "C1";
    ck_assert_str_eq(update("\"identifier\":null,\"pass_code\":\"p\""),
                     "OK");
    ck_assert_uint_eq(strlen(get("data.identifier")), 32);
    ck_assert_int_eq(numbers, 0);
    ck_assert_int_eq(hashes, 1);
}
END_TEST

/* COUNT conflicts of the authentication code. */
static const char *conflicts(int count)
{
    const char *outcomes = "";

    for (; count > 0; count--) {
        outcomes = apr_pstrcat(pool, outcomes, "C0", (char *)NULL);
    }
    return outcomes;
}

START_TEST(generated_values_are_never_a_conflict)
{
    set_up();
    set("rule.authentication_code_creation", "NUMBER");
    save_outcomes = conflicts(AT_UPDATE_GENERATIONS - 1);
    ck_assert_str_eq(update("\"authentication_code\":null"), "OK");
    ck_assert_str_eq(replied("authentication_code"), "1100");

    set_up();
    set("rule.authentication_code_creation", "NUMBER");
    save_outcomes = conflicts(AT_UPDATE_GENERATIONS);
    ck_assert_str_eq(update("\"authentication_code\":null"),
                     "SERVICE_UNAVAILABLE");
    ck_assert(has(error->detail, "authentication_code"));
    ck_assert_int_eq(saves, AT_UPDATE_GENERATIONS);
}
END_TEST

/* Races and generations are counted apart. */
START_TEST(races_between_generations_are_run_again_too)
{
    set_up();
    set("rule.authentication_code_creation", "NUMBER");
    save_outcomes = apr_pstrcat(pool, conflicts(50), races(98),
                                conflicts(40), "L", (char *)NULL);
    ck_assert_str_eq(update("\"authentication_code\":null"), "OK");
    ck_assert_int_eq(numbers, 91);

    set_up();
    set("rule.authentication_code_creation", "NUMBER");
    save_outcomes = apr_pstrcat(pool, conflicts(50), races(98),
                                conflicts(40), "LLL", (char *)NULL);
    ck_assert_str_eq(update("\"authentication_code\":null"),
                     "VERSION_CONFLICT");
}
END_TEST

START_TEST(a_number_is_taken_once_however_often_the_race_is_lost)
{
    set_up();
    set("rule.authentication_code_creation", "NUMBER");
    save_outcomes = "LLLRL";
    ck_assert_str_eq(update("\"authentication_code\":null"), "OK");
    ck_assert_int_eq(numbers, 1);
    ck_assert_str_eq(get("data.authentication_code"), "1001");
}
END_TEST

/* ---- what is generated */

START_TEST(a_generated_pass_code_is_replied_once_and_saved_hashed)
{
    const char *pass_code;

    set_up();
    set("rule.pass_code_creation", "ID");
    save_outcomes = "LL";
    ck_assert_str_eq(update("\"pass_code\":null"), "OK");
    pass_code = replied("pass_code");
    ck_assert_uint_eq(strlen(pass_code), 32);
    ck_assert_uint_eq(strspn(pass_code, "0123456789ABCDEF"), 32);
    ck_assert_str_eq(get("token.pass_code"),
                     apr_psprintf(pool, "HASH(%s)", pass_code));
    ck_assert_int_eq(hashes, 1);
    ck_assert(!has(call.body.text, "HASH"));

    set_up();
    set("rule.pass_code_creation", "NUMBER");
    set("rule.identifier_creation", "NUMBER");
    set("rule.authentication_code_creation", "ID");
    ck_assert_str_eq(update("\"identifier\":null,\"pass_code\":null,"
                            "\"authentication_code\":null"), "OK");
    ck_assert(has(log_of_calls, "next_number:identifier"));
    ck_assert(has(log_of_calls, "next_number:pass_code"));
    ck_assert(!has(log_of_calls, "next_number:authentication_code"));
    ck_assert_str_ne(replied("identifier"), replied("pass_code"));
    ck_assert_str_eq(get("data.identifier"), replied("identifier"));
    ck_assert_uint_eq(strlen(replied("authentication_code")), 32);
    /* given, it is not replied */
    set_up();
    set("rule.pass_code_creation", "ID");
    ck_assert_str_eq(update("\"pass_code\":\"S3CRET\""), "OK");
    ck_assert_ptr_null(at_json_get(data(), "pass_code"));
}
END_TEST

START_TEST(fields_set_may_name_a_pass_code_that_is_generated)
{
    set_up();
    set("rule.pass_code_creation", "NUMBER");
    ck_assert_str_eq(update("\"pass_code\":null,"
                            "\"fields_set\":\"pass_code\""), "OK");
    ck_assert_str_eq(test_sorted(data()), "{\"pass_code\":\"1001\"}");
    set_up();
    ck_assert_str_eq(update("\"pass_code\":\"p\","
                            "\"fields_set\":[\"id\",\"pass_code\"]"),
                     "VALIDATION_FAILED: UNKNOWN_FIELD /fields_set/1");
    ck_assert_int_eq(hashes, 0);
}
END_TEST

/* ---- rules */

START_TEST(nothing_happens_after_an_error_of_the_rules)
{
    set_up();
    set("rule.authentication_code_creation", "NUMBER");
    set("rule.pass_code_min_length", "4");
    ck_assert_str_eq(update("\"authentication_code\":null,"
                            "\"pass_code\":\"p\",\"fields_set\":"
                            "\"custom_field_set.no\",\"custom_field_set\":"
                            "{\"x\":1,\"size\":\"1\"}"),
                     "VALIDATION_FAILED: TOO_SHORT /pass_code, "
                     "UNKNOWN_CUSTOM_FIELD /custom_field_set/x, "
                     "INVALID_TYPE /custom_field_set/size, "
                     "UNKNOWN_FIELD /fields_set");
    ck_assert_str_eq(log_of_calls, "load_by_authentication_code.sql "
                                   "custom_fields");
    ck_assert_int_eq(numbers + hashes + saves, 0);
}
END_TEST

START_TEST(rules_that_are_missing_must_be_mended)
{
    set_up();
    set("rule.identifier_creation", NULL);
    ck_assert_str_eq(update(""), "INTERNAL_ERROR");
    ck_assert(has(error->detail, "rule.identifier_creation"));
    set_up();
    set("token.version", NULL);
    ck_assert_str_eq(update(""), "INTERNAL_ERROR");
}
END_TEST

/* ---- custom fields */

START_TEST(custom_fields_are_asked_for_when_they_are_needed)
{
    static const struct {
        const char *members;
        int asked;
    } cases[] = {
        { "", 0 }, { "\"custom_field_set\":{}", 0 },
        { "\"custom_field_set\":{\"set\":[]}", 0 },
        { "\"custom_field_set\":{\"nick\":\"x\"}", 1 },
        { "\"custom_field_set\":{\"nick\":null}", 1 },
        { "\"fields_set\":\"custom_field_set\"", 0 },
        { "\"fields_set\":\"custom_field_set.nick\"", 1 }
    };
    size_t i;

    for (i = 0; i < COUNT(cases); i++) {
        set_up();
        ck_assert_str_eq(update(cases[i].members), "OK");
        ck_assert_msg(has(log_of_calls, "custom_fields") == cases[i].asked,
                      "%s", cases[i].members);
    }
}
END_TEST

START_TEST(custom_fields_are_merged_under_the_version_guard)
{
    static const struct {
        const char *stored, *members, *now;
    } cases[] = {
        { NULL, "{\"nick\":\"x\"}", "{\"nick\":\"x\"}" },
        { "{\"nick\":\"x\"}", "{\"size\":2}",
          "{\"nick\":\"x\",\"size\":2}" },
        { "{\"nick\":\"x\"}", "{}", "{\"nick\":\"x\"}" },
        { "{\"nick\":\"x\"}", "{\"nick\":\"\"}", NULL },
        { "{\"nick\":\"x\",\"old\":1}", "{\"set\":[{\"nick\":null}]}",
          "{\"old\":1}" }
    };
    size_t i;

    for (i = 0; i < COUNT(cases); i++) {
        const char *now;

        set_up();
        set("data.custom_field_set?:json", cases[i].stored);
        ck_assert_str_eq(update(apr_pstrcat(pool, "\"custom_field_set\":",
                                            cases[i].members,
                                            (char *)NULL)), "OK");
        now = get("data.custom_field_set?:json");
        ck_assert_msg(!now == !cases[i].now, "%s", cases[i].members);
        if (now) {
            ck_assert_str_eq(test_sorted(test_json(now)), cases[i].now);
            ck_assert_str_eq(test_sorted(at_json_get(data(),
                                                     "custom_field_set")),
                             cases[i].now);
        }
        else {
            ck_assert_ptr_null(at_json_get(data(), "custom_field_set"));
        }
    }
}
END_TEST

START_TEST(an_empty_set_updates_nothing)
{
    static const char *const empty[] = { "{}", "[]", "[{}]",
                                         "{\"set\":{}}" };
    const char *const *field;
    size_t i;

    for (i = 0; i < COUNT(empty); i++) {
        set_up();
        set("data.custom_field_set?:json", "{ \"size\" : 1.0 }");
        ck_assert_str_eq(update(apr_pstrcat(pool, "\"custom_field_set\":",
                                            empty[i], (char *)NULL)), "OK");
        field = saved_values + AT_SAVE_FIELDS + 2 * at_field_custom();
        ck_assert_str_eq(field[0], "0");
        ck_assert_str_eq(get("data.custom_field_set?:json"),
                         "{ \"size\" : 1.0 }");
    }
}
END_TEST

/* `{"nick":"…","old":"…"}` of LENGTH bytes, with a nick of one letter. */
static const char *set_of(apr_size_t length)
{
    static const char before[] = "{\"nick\":\"x\",\"old\":\"";
    char *text = apr_pcalloc(pool, length + 1);

    memset(text, 'a', length);
    memcpy(text, before, sizeof(before) - 1);
    memcpy(text + length - 2, "\"}", 2);
    return text;
}

START_TEST(the_whole_set_has_at_most_60000_bytes)
{
    set_up();
    set("data.custom_field_set?:json", set_of(59999));
    ck_assert_str_eq(update("\"custom_field_set\":{\"nick\":\"xy\"}"), "OK");
    ck_assert_uint_eq(strlen(get("data.custom_field_set?:json")), 60000);
    set_up();
    set("data.custom_field_set?:json", set_of(60000));
    ck_assert_str_eq(update("\"custom_field_set\":{\"nick\":\"xy\"}"),
                     "VALIDATION_FAILED: TOO_LONG /custom_field_set");
    /* making it smaller is always possible */
    set_up();
    set("data.custom_field_set?:json", set_of(60001));
    ck_assert_str_eq(update("\"custom_field_set\":{\"nick\":\"\"}"), "OK");
}
END_TEST

START_TEST(a_stored_set_that_is_broken_must_be_mended)
{
    set_up();
    set("data.custom_field_set?:json", "[S3CRET");
    ck_assert_str_eq(update("\"custom_field_set\":{\"nick\":\"x\"}"),
                     "INTERNAL_ERROR");
    ck_assert(!has(error->detail, "S3CRET"));
    set_up();
    set("data.custom_field_set?:json", "[S3CRET");
    ck_assert_str_eq(update(""), "INTERNAL_ERROR");
    ck_assert_int_eq(saves, 0);
}
END_TEST

/* ---- a database in trouble */

/* What uses all four operations. */
#define EVERYTHING "\"authentication_code\":null,\"custom_field_set\":" \
    "{\"nick\":\"x\"}"

/* Give OUTCOMES to operation number OPERATION. */
static void trouble(int operation, const char *outcomes)
{
    const char **of_operation[] = { &load_outcomes, &save_outcomes,
                                    &custom_outcomes, &number_outcomes };

    set_up();
    set("rule.authentication_code_creation", "NUMBER");
    *of_operation[operation] = outcomes;
}

START_TEST(what_may_work_again_is_tried_again)
{
    int operation;

    for (operation = 0; operation < 4; operation++) {
        trouble(operation, "R");
        ck_assert_str_eq(update(EVERYTHING), "OK");
        ck_assert_int_eq(loads, 2);
        ck_assert_int_eq(pauses, 1);
        trouble(operation, "RR");
        ck_assert_str_eq(update(EVERYTHING), "OK");
        ck_assert_int_eq(loads, 3);
        ck_assert_int_eq(pauses, 2);
        /* as long as there is time */
        trouble(operation, "AAAA");
        ck_assert_str_eq(update(EVERYTHING), "OK");
        ck_assert_int_eq(loads, 5);
        trouble(operation, "AAAAAAAAAA");
        ck_assert_str_eq(update(EVERYTHING), "SERVICE_UNAVAILABLE");
        ck_assert_int_eq(loads, 6);
        ck_assert_str_eq(error->detail, "detail: away");
        ck_assert_int_eq(error->fault, AT_FAULT_CONNECTION);
    }
}
END_TEST

/* A wait that would be cut off at its end is not begun. */
START_TEST(who_waited_for_a_lock_waits_again_if_there_is_time)
{
    set_up();
    save_outcomes = "WW";
    ck_assert_str_eq(update("\"udf_string_1\":\"x\""), "SERVICE_UNAVAILABLE");
    ck_assert_int_eq(saves, 2);
    ck_assert_str_eq(error->detail, "detail: lock");
    set_up();
    save_outcomes = "W";
    ck_assert_str_eq(update("\"udf_string_1\":\"x\""), "OK");
    ck_assert_int_eq(saves, 2);
}
END_TEST

START_TEST(who_waits_in_vain_behind_a_fault_tells_the_fault)
{
    static const char *const outcomes[][3] = {
        /* load, save, what is told */
        { "A.P", "A", "detail: away" }, { "A.T", "A", "detail: away" },
        { "P", "", "detail: no place" }, { "T", "", "detail: in time" },
        { "A.U", "A", "detail: unavailable" },
        /* a race or what is stale is no fault that passes */
        { ".T", "L", "detail: in time" }, { "A.T", "L", "detail: in time" },
        { "ST", "", "detail: in time" }, { ".P", "S", "detail: no place" }
    };
    size_t i;

    for (i = 0; i < sizeof(outcomes) / sizeof(outcomes[0]); i++) {
        set_up();
        load_outcomes = outcomes[i][0];
        save_outcomes = outcomes[i][1];
        ck_assert_str_eq(update("\"udf_string_1\":\"x\""),
                         "SERVICE_UNAVAILABLE");
        ck_assert_str_eq(error->detail, outcomes[i][2]);
    }
}
END_TEST

/* A few times, whatever else goes wrong between. */
START_TEST(what_may_be_stale_is_tried_again)
{
    set_up();
    load_outcomes = "S.S.";
    save_outcomes = "SRS";
    ck_assert_str_eq(update("\"udf_string_1\":\"x\""), "OK");
    set_up();
    save_outcomes = "SSSSSSSS";
    ck_assert_str_eq(update("\"udf_string_1\":\"x\""), "INTERNAL_ERROR");
    ck_assert_str_eq(error->detail, "detail: stale");
    ck_assert_int_eq(error->fault, AT_FAULT_BROKEN);
    ck_assert_int_eq(saves, 5);
}
END_TEST

/* Retries and lost races are counted apart. */
START_TEST(retries_between_lost_races_are_no_races)
{
    set_up();
    save_outcomes = "LLLRLLLLRLL";
    ck_assert_str_eq(update("\"udf_string_1\":\"x\""), "OK");
    ck_assert_int_eq(loads, 12);
    set_up();
    save_outcomes = apr_pstrcat(pool, races(99), "R", (char *)NULL);
    ck_assert_str_eq(update("\"udf_string_1\":\"x\""), "OK");
}
END_TEST

START_TEST(a_database_out_of_reach_is_said_at_once)
{
    int operation;

    for (operation = 0; operation < 4; operation++) {
        trouble(operation, "U");
        ck_assert_str_eq(update(EVERYTHING), "SERVICE_UNAVAILABLE");
        ck_assert_str_eq(error->detail, "detail: unavailable");
        ck_assert(!has(error->description, "detail"));
        ck_assert_int_eq(loads, 1);
        ck_assert_int_eq(pauses, 0);
        ck_assert_ptr_null(call.etag);
        trouble(operation, "B");
        ck_assert_str_eq(update(EVERYTHING), "INTERNAL_ERROR");
        ck_assert_str_eq(error->detail, "detail: broken");
        ck_assert(!has(error->description, "detail"));
        ck_assert_int_eq(loads, 1);
    }
}
END_TEST

START_TEST(a_database_that_goes_away_in_between_is_said)
{
    set_up();
    load_outcomes = ".U";
    save_outcomes = "L";
    ck_assert_str_eq(update("\"udf_string_1\":\"x\""),
                     "SERVICE_UNAVAILABLE");
    ck_assert_str_eq(call.id, "T1");
    set_up();
    save_outcomes = "LRLB";
    ck_assert_str_eq(update("\"udf_string_1\":\"x\""), "INTERNAL_ERROR");
}
END_TEST

/* ---- a save whose connection was lost */

static void withdraw_permission(void)
{
    set("caller.may_update", "0");
}

/* COUNT calls of others, by way of the module. */
static int others_count;

static void others_save(void)
{
    int i;

    for (i = 0; i < others_count; i++) {
        set("token.version", apr_itoa(pool, atoi(get("token.version")) + 1));
        remember(apr_psprintf(pool, "%032d", i));
    }
}

START_TEST(a_lost_save_that_was_done_is_a_success)
{
    set_up();
    save_outcomes = "Y";
    ck_assert_str_eq(update("\"authentication_code\":\"code-2\","
                            "\"udf_string_1\":\"x\",\"pass_code\":\"p\""),
                     "OK");
    ck_assert_str_eq(log_of_calls, "load_by_authentication_code.sql hash "
                     "save load_by_id.sql");
    ck_assert_str_eq(call.etag, "\"T1-8\"");
    ck_assert_str_eq(replied("authentication_code"), "code-2");
    ck_assert_str_eq(replied("udf_string_1"), "x");
}
END_TEST

static void with_key(void)
{
    set_up();
    call.idempotency_key = "key-1";
    call.request_digest = "digest-1";
    call.request_expires = "2015-05-28T12:50:22";
}

/* A cluster may say "deadlock" of what it commits all the same. */
START_TEST(a_save_is_looked_for_whatever_the_database_said)
{
    set_up();
    save_outcomes = "Z";
    ck_assert_str_eq(update("\"udf_string_1\":\"x\""), "OK");
    ck_assert_int_eq(saves, 1);
    ck_assert_str_eq(call.etag, "\"T1-8\"");
    ck_assert_str_eq(get("token.version"), "8");
    with_key();
    save_outcomes = "Z";
    ck_assert_str_eq(update("\"udf_string_1\":\"x\""), "OK");
    ck_assert(!call.replayed);
    ck_assert_int_eq(saves, 1);
}
END_TEST

START_TEST(a_lost_save_that_was_not_done_is_done_again)
{
    set_up();
    save_outcomes = "XXX";
    ck_assert_str_eq(run_call(BY_IDENTIFIER, "\"udf_string_1\":\"x\","
                              "\"pass_code\":\"p\""), "OK");
    ck_assert_int_eq(saves, 4);
    ck_assert_int_eq(hashes, 1);
    ck_assert_int_eq(verifications, 1);
    ck_assert_str_eq(call.etag, "\"T1-8\"");
    set_up();
    save_outcomes = "XXY";
    ck_assert_str_eq(update("\"udf_string_1\":\"x\""), "OK");
    ck_assert_int_eq(saves, 3);
    ck_assert_str_eq(call.etag, "\"T1-8\"");
}
END_TEST

static void lose_then_others(const char *outcomes, int count)
{
    others_count = count;
    set_up();
    unclear = 1;
    save_outcomes = outcomes;
    after_save = others_save;
}

static void remove_the_row(void)
{
    set("token.id", NULL);
    set("token.version", NULL);
}

/* Version 0 is a version like others. */
START_TEST(a_lost_save_of_the_first_version_is_found)
{
    set_up();
    set("token.version", "0");
    save_outcomes = "Y";
    ck_assert_str_eq(update("\"authentication_code\":\"code-2\""), "OK");
    ck_assert_int_eq(saves, 1);
    ck_assert_str_eq(call.etag, "\"T1-1\"");
    set_up();
    set("token.version", "0");
    save_outcomes = "X";
    after_save = withdraw_permission;
    ck_assert_str_eq(update("\"udf_string_1\":\"x\""),
                     "SERVICE_UNAVAILABLE");
    ck_assert(has(error->description, "could not be found out"));
}
END_TEST

START_TEST(a_lost_save_of_a_row_that_was_deleted_is_open)
{
    set_up();
    unclear = 1;
    save_outcomes = "Y";
    after_save = remove_the_row;
    ck_assert_str_eq(update("\"udf_string_1\":\"x\""),
                     "SERVICE_UNAVAILABLE");
    ck_assert(has(error->description, "could not be found out"));
    ck_assert(has(error->detail, "was deleted"));
    ck_assert_int_eq(saves, 1);
}
END_TEST

/* As on a replica that takes over, and lacks what came last. */
static void take_the_row_back(void)
{
    set("token.version", "3");
    set("token.request_ids", "");
    saved = 0;
}

/* A save there, and the lost one later, would be two. */
START_TEST(a_lost_save_of_a_row_that_went_back_is_open)
{
    set_up();
    save_outcomes = "Y";
    after_save = take_the_row_back;
    unclear = 1;
    ck_assert_str_eq(update("\"udf_string_1\":\"x\""),
                     "SERVICE_UNAVAILABLE");
    ck_assert(has(error->description, "could not be found out"));
    ck_assert(has(error->detail, "that lags"));
    ck_assert_int_eq(saves, 1);
    ck_assert_int_gt(loads, 10);
    ck_assert(clock_now >= store.deadline);
}
END_TEST

START_TEST(a_version_is_a_whole_number)
{
    static const char *const versions[] = { "", "7.5", "-1", "1e3", "x",
                                            "18446744073709551616" };
    size_t i;

    for (i = 0; i < COUNT(versions); i++) {
        set_up();
        set("token.version", versions[i]);
        ck_assert_str_eq(update("\"udf_string_1\":\"x\""),
                         "INTERNAL_ERROR");
        ck_assert(has(error->detail, "token.version of the access token T1"));
        ck_assert_int_eq(saves, 0);
    }
}
END_TEST

/* ---- by how much a save raises the version */

static void another_program_saves(void)
{
    set("token.version", apr_itoa(pool, atoi(get("token.version")) + 1));
}

START_TEST(the_step_of_a_save_is_read_from_the_row)
{
    at_step_t step = { 0, 0 };

    set_up();
    call.step = &step;
    ck_assert_str_eq(update("\"udf_string_1\":\"x\""), "OK");
    ck_assert_str_eq(call.etag, "\"T1-8\"");
    ck_assert_uint_eq(step.known, 1);
    ck_assert_int_eq(loads, 2);
    set_up();
    call.step = &step;
    ck_assert_str_eq(update("\"udf_string_1\":\"x\""), "OK");
    ck_assert_int_eq(loads, 1);
}
END_TEST

/* What looks like a step of two may be another program's save. */
START_TEST(a_larger_step_is_believed_when_it_is_seen_twice)
{
    at_step_t step = { 0, 0 };

    set_up();
    call.step = &step;
    after_save = another_program_saves;
    ck_assert_str_eq(update("\"udf_string_1\":\"x\""), "OK");
    ck_assert_str_eq(call.etag, "\"T1-8\"");
    ck_assert_uint_eq(step.known, 0);
    set_up();
    call.step = &step;
    after_save = another_program_saves;
    ck_assert_str_eq(update("\"udf_string_1\":\"x\""), "OK");
    ck_assert_str_eq(call.etag, "\"T1-9\"");
    ck_assert_uint_eq(step.known, 2);
}
END_TEST

START_TEST(a_row_that_another_call_has_saved_tells_no_step)
{
    static const char *const outcomes[] = { ".R", ".U", ".B" };
    at_step_t step = { 0, 2 };
    size_t i;

    set_up();
    call.step = &step;
    others_count = 1;
    after_save = others_save;
    ck_assert_str_eq(update("\"udf_string_1\":\"x\""), "OK");
    ck_assert_str_eq(call.etag, "\"T1-8\"");
    ck_assert_uint_eq(step.known, 0);
    /* and one that cannot be read does no harm */
    for (i = 0; i < COUNT(outcomes); i++) {
        set_up();
        call.step = &step;
        load_outcomes = outcomes[i];
        ck_assert_str_eq(update("\"udf_string_1\":\"x\""), "OK");
        ck_assert_str_eq(call.etag, "\"T1-8\"");
        ck_assert_uint_eq(step.known, 0);
        ck_assert_int_eq(loads, 2);
    }
}
END_TEST

/* The reply and its version are those of the call, not of what followed. */
START_TEST(a_lost_save_behind_others_is_told_by_the_row)
{
    int count;

    for (count = 1; count < 8; count++) {
        lose_then_others("Y", count);
        ck_assert_str_eq(update("\"udf_string_1\":\"x\""), "OK");
        ck_assert_int_eq(saves, 1);
        ck_assert_str_eq(call.etag, "\"T1-8\"");
        lose_then_others("X", count);
        ck_assert_str_eq(update("\"udf_string_1\":\"x\""), "OK");
        ck_assert_int_eq(saves, 2);
        ck_assert_str_eq(call.etag, apr_psprintf(pool, "\"T1-%d\"",
                                                 8 + count));
    }
    /* The eighth pushes it out: one version more is seen than others. */
    lose_then_others("Y", 8);
    ck_assert_str_eq(update("\"udf_string_1\":\"x\""),
                     "SERVICE_UNAVAILABLE");
    ck_assert_int_eq(saves, 1);
    ck_assert(has(error->description, "could not be found out"));
    lose_then_others("X", 8);
    ck_assert_str_eq(update("\"udf_string_1\":\"x\""), "OK");
    lose_then_others("X", 9);
    ck_assert_str_eq(update("\"udf_string_1\":\"x\""),
                     "SERVICE_UNAVAILABLE");
}
END_TEST

/* Where time runs out before it is known. */
START_TEST(what_is_open_is_said_to_be_open)
{
    set_up();
    save_outcomes = "X";
    load_outcomes = ".AAAAAA";
    ck_assert_str_eq(update("\"udf_string_1\":\"x\""),
                     "SERVICE_UNAVAILABLE");
    ck_assert(has(error->description, "could not be found out"));
    ck_assert(has(error->detail, "detail: away"));
    ck_assert_int_eq(error->fault, AT_FAULT_CONNECTION);
    /* and one that was not lost is not */
    set_up();
    save_outcomes = "AAAAAA";
    ck_assert_str_eq(update("\"udf_string_1\":\"x\""),
                     "SERVICE_UNAVAILABLE");
    ck_assert(!has(error->description, "could not be found out"));
}
END_TEST

static void others_save_and_withdraw(void)
{
    others_save();
    withdraw_permission();
}

/* The lost save may yet be done: no error may say that nothing changed. */
START_TEST(what_may_yet_be_done_is_no_definite_error)
{
    set_up();
    save_outcomes = "X";
    after_save = withdraw_permission;
    ck_assert_str_eq(update("\"udf_string_1\":\"x\""),
                     "SERVICE_UNAVAILABLE");
    ck_assert(has(error->description, "could not be found out"));
    /* once another version is there, it never will be */
    lose_then_others("X", 1);
    after_save = others_save_and_withdraw;
    ck_assert_str_eq(update("\"udf_string_1\":\"x\""), "FORBIDDEN");
}
END_TEST

/* The database had it all the time: the retry loses the race to itself. */
START_TEST(a_late_commit_is_found_by_the_lost_race)
{
    set_up();
    save_outcomes = "X";
    late = 1;
    ck_assert_str_eq(update("\"udf_string_1\":\"x\""), "OK");
    ck_assert_int_eq(saves, 2);
    ck_assert_int_eq(saved, 1);
    ck_assert_str_eq(call.etag, "\"T1-8\"");
}
END_TEST

/* ---- Idempotency-Key */

START_TEST(a_new_key_is_saved_with_the_change)
{
    with_key();
    ck_assert_str_eq(update("\"udf_string_1\":\"x\""), "OK");
    ck_assert_str_eq(log_of_calls, "find_request "
                     "load_by_authentication_code.sql save");
    ck_assert_str_eq(saved_values[AT_SAVE_IDEMPOTENCY_KEY], "key-1");
    ck_assert_str_eq(saved_values[AT_SAVE_REQUEST_DIGEST], "digest-1");
    ck_assert_str_eq(saved_values[AT_SAVE_REQUEST_EXPIRES],
                     "2015-05-28T12:50:22");
    ck_assert(!call.replayed);
    set_up();
    ck_assert_str_eq(update(""), "OK");
    ck_assert_ptr_null(saved_values[AT_SAVE_IDEMPOTENCY_KEY]);
    ck_assert_ptr_null(saved_values[AT_SAVE_REQUEST_DIGEST]);
    ck_assert_int_eq(finds, 0);
}
END_TEST

/* The access token has another code by now, and the precondition is past:
 * both were the first call's business. */
START_TEST(a_known_key_is_answered_by_the_access_token_as_it_is)
{
    with_key();
    remembered.token_id = "T1";
    remembered.digest = "digest-1";
    set("data.authentication_code", "code-9");
    set("data.udf_string_1?", "later");
    set("rule.pass_code_creation", "ID");
    call.if_match = "\"T1-3\"";
    call.if_none_match = "\"T1-7\"";
    ck_assert_str_eq(update("\"udf_string_1\":\"x\",\"pass_code\":null"),
                     "OK");
    ck_assert_str_eq(log_of_calls, "find_request load_by_id.sql");
    ck_assert(call.replayed);
    ck_assert_int_eq(saves, 0);
    ck_assert_str_eq(call.etag, "\"T1-7\"");
    ck_assert_str_eq(replied("authentication_code"), "code-9");
    ck_assert_str_eq(replied("udf_string_1"), "later");
    ck_assert_ptr_null(replied("pass_code"));
}
END_TEST

START_TEST(a_known_key_of_another_request_is_refused)
{
    with_key();
    remembered.token_id = "T1";
    remembered.digest = "digest-2";
    ck_assert_str_eq(update("\"udf_string_1\":\"x\""),
                     "IDEMPOTENCY_KEY_REUSED");
    ck_assert_int_eq(loads, 0);
}
END_TEST

START_TEST(a_replay_asks_for_the_same_rights)
{
    with_key();
    remembered.token_id = "T1";
    remembered.digest = "digest-1";
    withdraw_permission();
    ck_assert_str_eq(update(""), "FORBIDDEN");
    with_key();
    remembered.token_id = "gone";
    remembered.digest = "digest-1";
    ck_assert_str_eq(update(""), "ACCESS_TOKEN_NOT_FOUND");
}
END_TEST

static void same_key_elsewhere(void)
{
    remembered.token_id = "T1";
    remembered.digest = "digest-1";
    set("data.udf_string_1?", "theirs");
    set("token.version", "8");
}

START_TEST(the_same_key_at_once_is_replayed)
{
    with_key();
    save_outcomes = "K";
    after_save = same_key_elsewhere;
    ck_assert_str_eq(update("\"udf_string_1\":\"x\""), "OK");
    ck_assert(call.replayed);
    ck_assert_int_eq(saves, 1);
    ck_assert_int_eq(finds, 2);
    ck_assert_str_eq(replied("udf_string_1"), "theirs");
    ck_assert_str_eq(call.etag, "\"T1-8\"");
}
END_TEST

static void same_key_and_another_code(void)
{
    same_key_elsewhere();
    set("data.authentication_code", "code-2");
}

/* What refuses it is its own twin's doing. */
START_TEST(who_is_refused_since_the_same_was_done_at_once_is_replayed)
{
    with_key();
    after_find = same_key_and_another_code;
    ck_assert_str_eq(update("\"authentication_code\":\"code-2\""), "OK");
    ck_assert(call.replayed);
    ck_assert_str_eq(log_of_calls, "find_request "
                     "load_by_authentication_code.sql find_request "
                     "load_by_id.sql");
    ck_assert_str_eq(call.etag, "\"T1-8\"");
    with_key();
    after_find = same_key_elsewhere;
    call.if_match = "\"T1-7\"";
    ck_assert_str_eq(update("\"udf_string_1\":\"x\""), "OK");
    ck_assert(call.replayed);
    ck_assert_int_eq(saves, 0);
    with_key();
    save_outcomes = races(100);
    after_save = same_key_elsewhere;
    ck_assert_str_eq(update("\"udf_string_1\":\"x\""), "OK");
    ck_assert(call.replayed);
    ck_assert_int_eq(saves, 100);
}
END_TEST

START_TEST(who_is_refused_for_another_reason_is_refused)
{
    with_key();
    call.if_match = "\"T1-6\"";
    ck_assert_str_eq(update("\"udf_string_1\":\"x\""),
                     "PRECONDITION_FAILED");
    ck_assert(!call.replayed);
    ck_assert_str_eq(log_of_calls, "find_request "
                     "load_by_authentication_code.sql find_request");
    with_key();
    find_outcomes = ".R";
    after_find = same_key_and_another_code;
    ck_assert_str_eq(update("\"udf_string_1\":\"x\""), "OK");
    ck_assert(call.replayed);
}
END_TEST

/* What is tried again is judged again. */
START_TEST(a_wrong_pass_code_stays_wrong)
{
    with_key();
    find_outcomes = ".RR";
    ck_assert_str_eq(run_call("{\"identifier\":\"user-1\","
                              "\"pass_code\":\"wrong\"}",
                              "\"udf_string_1\":\"x\""),
                     "ACCESS_TOKEN_NOT_FOUND");
    ck_assert_int_eq(finds, 4);
    ck_assert_int_eq(saves, 0);
}
END_TEST

static void forget(void)
{
    same_key_elsewhere();
    others_count = 9;
    others_save();
}

/* It was this very call: no replay, and its own answer. */
static void forget_own(void)
{
    remembered.token_id = "T1";
    remembered.digest = "digest-1";
    remembered.request_id = saved_values[AT_SAVE_REQUEST_ID];
    others_count = 9;
    others_save();
}

START_TEST(a_forgotten_save_of_this_call_is_no_replay)
{
    with_key();
    set("rule.pass_code_creation", "ID");
    save_outcomes = "Y";
    after_save = forget_own;
    ck_assert_str_eq(update("\"udf_string_1\":\"x\",\"pass_code\":null"),
                     "OK");
    ck_assert(!call.replayed);
    ck_assert_int_eq(saves, 1);
    ck_assert_str_eq(call.etag, "\"T1-8\"");
    ck_assert_str_eq(replied("udf_string_1"), "x");
    ck_assert_ptr_nonnull(replied("pass_code"));
}
END_TEST

/* The row remembers eight, the key is remembered longer. */
START_TEST(a_forgotten_save_is_found_by_its_key)
{
    with_key();
    save_outcomes = "X";
    after_save = forget;
    ck_assert_str_eq(update("\"udf_string_1\":\"x\""), "OK");
    ck_assert(call.replayed);
    ck_assert_int_eq(saves, 1);
    with_key();
    save_outcomes = "X";
    others_count = 9;
    after_save = others_save;
    ck_assert_str_eq(update("\"udf_string_1\":\"x\""), "OK");
    ck_assert(!call.replayed);
    ck_assert_int_eq(saves, 2);
}
END_TEST

START_TEST(a_forgotten_save_is_open_until_its_key_tells)
{
    static const char *const outcomes[] = { ".U", ".B", ".P" };
    size_t i;

    for (i = 0; i < COUNT(outcomes); i++) {
        with_key();
        unclear = 1;
        save_outcomes = "Y";
        after_save = forget_own;
        find_outcomes = outcomes[i];
        ck_assert_str_eq(update("\"udf_string_1\":\"x\""),
                         "SERVICE_UNAVAILABLE");
        ck_assert(has(error->description, "could not be found out"));
        ck_assert_int_eq(finds, 2);
    }
}
END_TEST

static void forget_own_and_remove(void)
{
    forget_own();
    remove_the_row();
}

START_TEST(a_lost_save_of_a_deleted_row_is_found_by_its_key)
{
    with_key();
    save_outcomes = "Y";
    after_save = forget_own_and_remove;
    ck_assert_str_eq(update("\"udf_string_1\":\"x\""), "OK");
    ck_assert(!call.replayed);
    ck_assert_str_eq(call.etag, "\"T1-8\"");
    with_key();
    save_outcomes = "X";
    after_save = remove_the_row;
    ck_assert_str_eq(update("\"udf_string_1\":\"x\""),
                     "ACCESS_TOKEN_NOT_FOUND");
}
END_TEST

/* ---- what is looked up, what is the same, what is not read at all */

#define OWNER       "data.accounts_receivable.account_owner."
#define PARTICIPANT "data.reward_participant."
#define ITS_OWNER   PARTICIPANT "accounts_receivable.account_owner"
#define SAME        ITS_OWNER "=accounts_receivable.account_owner"

/* An owner with three countries, who is the participant's as well. */
static void set_up_owner(const at_statements_t *of)
{
    set_up_with(of);
    set("data.accounts_receivable.id", "A1");
    set(OWNER "id", "O1");
    set(OWNER "first_name", "Ada");
    set(OWNER "name", "Ada L");
    set(OWNER "demographics.gender", "F");
    set(PARTICIPANT "id", "P1");
    set(PARTICIPANT "accounts_receivable.id", "A2");
    set(SAME, "1");
}

/* The same with lookups, and a key for each. */
static void set_up_lookups(void)
{
    set_up_owner(test_cached_statements());
    set("data.classification?@classification", "C1");
    set("data.log_information.created_by_user@user", "U9");
    set("data.log_information.created_by_unit@unit", "N9");
    set("data.log_information.updated_by_unit@unit", "N1");
    set(OWNER "demographics.country_of_residence?@country", "FR");
    set(OWNER "demographics.passport_issued_by_country@country", "GR");
    set(OWNER "demographics.id_issued_by_country@country", "IT");
}

/* The text at PATH in the reply's data; "null", or "none". */
static const char *at(const char *path)
{
    char *state, *name, *copy = apr_pstrdup(pool, path);
    at_json_t *value = data();

    for (name = apr_strtok(copy, ".", &state); name && value;
         name = apr_strtok(NULL, ".", &state)) {
        value = value->type == AT_JSON_OBJECT ? at_json_get(value, name)
                                              : NULL;
    }
    if (!value) {
        return "none";
    }
    return value->type == AT_JSON_NULL ? "null" : value->text;
}

START_TEST(what_is_looked_up_is_in_the_reply)
{
    set_up_lookups();
    ck_assert_str_eq(update("\"udf_string_1\":\"x\""), "OK");
    ck_assert_str_eq(log_of_calls, "load_by_authentication_code.sql "
                     "classification:C1 user:U9 unit:N9 unit:N1 country:FR "
                     "country:GR country:IT save");
    ck_assert_str_eq(at("classification.name"), "classification C1 name");
    ck_assert_str_eq(at("log_information.created_by_user.username"),
                     "user U9 username");
    ck_assert_str_eq(at("log_information.updated_by_unit.id"), "N1");
    ck_assert_str_eq(at("accounts_receivable.account_owner.demographics."
                        "passport_issued_by_country.two_character_code"),
                     "country GR two_character_code");
    ck_assert_str_eq(at("udf_string_1"), "x");
}
END_TEST

START_TEST(only_what_fields_set_wants_is_looked_up)
{
    static const struct {
        const char *fields_set, *lookups;
        int narrow;
    } cases[] = {
        { "id", "", 1 },
        { "classification", " classification:C1", 1 },
        { "id,classification.name", " classification:C1", 1 },
        { "log_information.created_by_user.username", " user:U9", 1 },
        { "log_information.created_date", "", 1 },
        { "log_information", " user:U9 unit:N9 unit:N1", 1 },
        { "accounts_receivable.number", "", 0 },
        { "accounts_receivable.account_owner.demographics."
          "id_issued_by_country", " country:IT", 0 },
        { "accounts_receivable", " country:FR country:GR country:IT", 0 },
        { "reward_participant,classification",
          " classification:C1 country:GR country:IT", 0 }
    };
    size_t i;

    for (i = 0; i < COUNT(cases); i++) {
        set_up_lookups();
        ck_assert_str_eq(update(apr_pstrcat(pool, "\"fields_set\":\"",
                                            cases[i].fields_set, "\"",
                                            (char *)NULL)), "OK");
        ck_assert_str_eq(log_of_calls, apr_pstrcat(
            pool, "load_by_authentication_code.sql", cases[i].lookups,
            " save", (char *)NULL));
        ck_assert_int_eq(narrow_loads, cases[i].narrow);
    }
}
END_TEST

START_TEST(the_same_key_is_looked_up_once)
{
    set_up_lookups();
    set("data.log_information.created_by_user@user", "N1");
    set("data.log_information.created_by_unit@unit", "N1");
    set(OWNER "demographics.country_of_residence?@country", "GR");
    set(OWNER "demographics.id_issued_by_country@country", "gone");
    set(PARTICIPANT "accounts_receivable.account_owner.demographics."
        "id_issued_by_country@country", "gone");
    ck_assert_str_eq(update(""), "OK");
    /* a user is no unit though their keys are the same */
    ck_assert_str_eq(log_of_calls, "load_by_authentication_code.sql "
                     "classification:C1 user:N1 unit:N1 country:GR "
                     "country:gone save");
    ck_assert_str_eq(at("log_information.created_by_user.id"), "N1");
    ck_assert_str_eq(at("log_information.created_by_unit.name"),
                     "unit N1 name");
    ck_assert_str_eq(at("log_information.updated_by_unit.name"),
                     "unit N1 name");
    ck_assert_str_eq(at("accounts_receivable.account_owner.demographics."
                        "country_of_residence.name"), "country GR name");
    ck_assert_str_eq(at("reward_participant.accounts_receivable."
                        "account_owner.demographics."
                        "passport_issued_by_country.name"),
                     "country GR name");
    ck_assert_str_eq(at("reward_participant.accounts_receivable."
                        "account_owner.demographics.id_issued_by_country"),
                     "null");
}
END_TEST

START_TEST(what_is_not_there_is_null)
{
    set_up_lookups();
    set("data.classification?@classification", NULL);
    set("data.log_information.created_by_user@user", "gone");
    set(OWNER "demographics.country_of_residence?@country", "gone");
    set(OWNER "demographics.passport_issued_by_country@country", NULL);
    ck_assert_str_eq(update(""), "OK");
    ck_assert_str_eq(log_of_calls, "load_by_authentication_code.sql "
                     "user:gone unit:N9 unit:N1 country:gone country:IT "
                     "save");
    ck_assert_str_eq(at("classification"), "none");
    ck_assert_str_eq(at("log_information.created_by_user"), "null");
    ck_assert_str_eq(at("accounts_receivable.account_owner.demographics."
                        "country_of_residence"), "none");
    ck_assert_str_eq(at("accounts_receivable.account_owner.demographics."
                        "passport_issued_by_country"), "null");
    set_up_lookups();
    set("data.classification?@classification", "gone");
    ck_assert_str_eq(update("\"fields_set\":\"classification\""), "OK");
    ck_assert_str_eq(at("classification"), "null");
}
END_TEST

START_TEST(a_lookup_that_fails_is_a_call_that_fails)
{
    static const struct {
        const char *outcomes, *result, *detail;
        int lookups, loads;
    } cases[] = {
        { "U", "SERVICE_UNAVAILABLE", "detail: unavailable", 1, 1 },
        { "..U", "SERVICE_UNAVAILABLE", "detail: unavailable", 3, 1 },
        { "P", "SERVICE_UNAVAILABLE", "detail: no place", 1, 1 },
        { "B", "INTERNAL_ERROR", "detail: broken", 1, 1 },
        { ".RB", "INTERNAL_ERROR", "detail: broken", 3, 2 },
        { "AAAAAA", "SERVICE_UNAVAILABLE", "detail: away", 6, 6 },
        { "R", "OK", NULL, 8, 2 },
        { "......RR..R", "OK", NULL, 18, 4 }
    };
    size_t i;

    for (i = 0; i < COUNT(cases); i++) {
        set_up_lookups();
        lookup_outcomes = cases[i].outcomes;
        ck_assert_msg(!strcmp(update("\"udf_string_1\":\"x\""),
                              cases[i].result), "%s: %s", cases[i].outcomes,
                      test_error(error));
        ck_assert_int_eq(lookups, cases[i].lookups);
        ck_assert_int_eq(loads, cases[i].loads);
        ck_assert_int_eq(saves, error ? 0 : 1);
        ck_assert_str_eq(get("data.udf_string_1?"), error ? "before" : "x");
        if (error) {
            ck_assert_str_eq(error->detail, cases[i].detail);
            ck_assert_ptr_null(call.body.text);
        }
    }
}
END_TEST

START_TEST(the_same_owner_is_shown_where_it_was_not_read)
{
    const at_statements_t *both[2];
    size_t i;

    both[0] = test_statements();
    both[1] = test_cached_statements();
    for (i = 0; i < COUNT(both); i++) {
        set_up_owner(both[i]);
        ck_assert_str_eq(update(""), "OK");
        ck_assert_str_eq(at("reward_participant.accounts_receivable."
                            "account_owner.id"), "O1");
        ck_assert_str_eq(at("reward_participant.accounts_receivable."
                            "account_owner.first_name"), "Ada");
        ck_assert_str_eq(at("reward_participant.accounts_receivable."
                            "account_owner.demographics.gender"), "F");
        /* which comes without its name, whoever it is */
        ck_assert_str_eq(at("reward_participant.accounts_receivable."
                            "account_owner.name"), "null");
        ck_assert_str_eq(at("accounts_receivable.account_owner.name"),
                         "Ada L");
        /* where only it is wanted as well */
        set_up_owner(both[i]);
        ck_assert_str_eq(update("\"fields_set\":\"reward_participant."
                                "accounts_receivable.account_owner."
                                "first_name\""), "OK");
        ck_assert_str_eq(test_sorted(data()),
                         "{\"reward_participant\":{\"accounts_receivable\":"
                         "{\"account_owner\":{\"first_name\":\"Ada\"}}}}");
    }
}
END_TEST

START_TEST(another_owner_is_not_the_same)
{
    static const char *const no[] = { NULL, "0", "" };
    size_t i;

    for (i = 0; i < COUNT(no); i++) {
        set_up_lookups();
        set(SAME, no[i]);
        ck_assert_str_eq(update(""), "OK");
        ck_assert_str_eq(at("reward_participant.accounts_receivable."
                            "account_owner"), "null");
    }
    /* what was read is not replaced */
    set_up_lookups();
    set(ITS_OWNER ".first_name", "Eve");
    set(ITS_OWNER ".demographics.id_issued_by_country@country", "GR");
    ck_assert_str_eq(update(""), "OK");
    ck_assert_str_eq(at("reward_participant.accounts_receivable."
                        "account_owner.first_name"), "Eve");
    ck_assert_str_eq(at("reward_participant.accounts_receivable."
                        "account_owner.demographics.id_issued_by_country."
                        "id"), "GR");
}
END_TEST

START_TEST(each_attempt_reads_no_more_than_is_asked_for)
{
    set_up();
    save_outcomes = "LL";
    ck_assert_str_eq(update("\"fields_set\":\"id,udf_string_1\","
                            "\"udf_string_1\":\"x\","
                            "\"custom_field_set\":{\"nick\":\"n\"}"), "OK");
    ck_assert_int_eq(loads, 3);
    ck_assert_int_eq(narrow_loads, 3);
    ck_assert_str_eq(at("id"), "T1");
    ck_assert_str_eq(at("udf_string_1"), "x");
    ck_assert_str_eq(get("data.custom_field_set?:json"), "{\"nick\":\"n\"}");
    set_up();
    ck_assert_str_eq(update("\"fields_set\":\"id,accounts_receivable.id\""),
                     "OK");
    ck_assert_int_eq(narrow_loads, 0);
    set_up();
    ck_assert_str_eq(update(""), "OK");
    ck_assert_int_eq(narrow_loads, 0);
}
END_TEST

/* A replay of the call that runs. */
static void set_up_replay(void)
{
    set_up_lookups();
    call.idempotency_key = "key-1";
    call.request_digest = "digest-1";
    remembered.token_id = "T1";
    remembered.digest = "digest-1";
}

START_TEST(a_replay_is_completed_as_well)
{
    set_up_replay();
    ck_assert_str_eq(update(""), "OK");
    ck_assert(call.replayed);
    ck_assert_int_eq(lookups, 7);
    ck_assert_str_eq(at("classification.name"), "classification C1 name");
    ck_assert_str_eq(at("reward_participant.accounts_receivable."
                        "account_owner.first_name"), "Ada");
    set_up_replay();
    ck_assert_str_eq(update("\"fields_set\":\"classification.id\""), "OK");
    ck_assert(call.replayed);
    ck_assert_str_eq(log_of_calls,
                     "find_request load_by_id.sql classification:C1");
    ck_assert_int_eq(narrow_loads, 1);
}
END_TEST

START_TEST(a_replay_of_which_a_lookup_fails_is_none)
{
    set_up_replay();
    lookup_outcomes = "U";
    ck_assert_str_eq(update(""), "SERVICE_UNAVAILABLE");
    ck_assert(!call.replayed);
    set_up_replay();
    lookup_outcomes = ".B";
    ck_assert_str_eq(update(""), "INTERNAL_ERROR");
    ck_assert_str_eq(error->detail, "detail: broken");
    ck_assert_int_eq(lookups, 2);
    set_up_replay();
    lookup_outcomes = "R";
    ck_assert_str_eq(update(""), "OK");
    ck_assert(call.replayed);
    ck_assert_int_eq(loads, 2);
}
END_TEST

int main(void)
{
    TCase *tests = test_begin("test_update");

    tcase_add_test(tests, what_was_sent_is_saved_and_nothing_else);
    tcase_add_test(tests, the_reply_is_the_row_as_it_is_then);
    tcase_add_test(tests, a_call_that_changes_nothing_is_a_call_all_the_same);
    tcase_add_test(tests, an_identifier_opens_with_its_pass_code);
    tcase_add_test(tests, a_pass_code_is_saved_hashed_and_never_replied);
    tcase_add_test(tests, the_caller_is_named_by_session_or_login);
    tcase_add_test(tests, without_a_name_the_store_is_not_asked);
    tcase_add_test(tests, a_caller_without_permission_is_refused);
    tcase_add_test(tests, errors_come_in_the_order_of_the_contract);
    tcase_add_test(tests,
                   what_does_not_open_is_not_found_whatever_the_reason);
    tcase_add_test(tests, a_token_without_pass_code_takes_the_time_of_one);
    tcase_add_test(tests, a_pass_code_is_tried_as_prepared_and_then_as_sent);
    tcase_add_test(tests, a_hash_of_absurd_cost_opens_for_nobody);
    tcase_add_test(tests, if_match_is_judged_before_the_change);
    tcase_add_test(tests, if_match_fails_after_a_lost_race);
    tcase_add_test(tests, if_none_match_is_judged_before_the_change);
    tcase_add_test(tests, if_none_match_is_judged_again_after_a_lost_race);
    tcase_add_test(tests, up_to_99_lost_races_are_run_again);
    tcase_add_test(tests, with_100_lost_races_the_call_gives_up);
    tcase_add_test(tests, after_the_first_load_everything_goes_by_id);
    tcase_add_test(tests, changes_of_different_fields_both_survive);
    tcase_add_test(tests, what_changes_meanwhile_is_judged_anew);
    tcase_add_test(tests, slow_work_is_done_once);
    tcase_add_test(tests, slow_work_puts_the_deadline_off);
    tcase_add_test(tests, slow_work_that_has_no_turn_is_unavailable);
    tcase_add_test(tests, a_given_value_that_is_taken_is_a_conflict);
    tcase_add_test(tests, a_generated_value_that_is_taken_is_generated_again);
    tcase_add_test(tests, generated_values_are_never_a_conflict);
    tcase_add_test(tests, races_between_generations_are_run_again_too);
    tcase_add_test(tests,
                   a_number_is_taken_once_however_often_the_race_is_lost);
    tcase_add_test(tests,
                   a_generated_pass_code_is_replied_once_and_saved_hashed);
    tcase_add_test(tests,
                   fields_set_may_name_a_pass_code_that_is_generated);
    tcase_add_test(tests, nothing_happens_after_an_error_of_the_rules);
    tcase_add_test(tests, rules_that_are_missing_must_be_mended);
    tcase_add_test(tests, custom_fields_are_asked_for_when_they_are_needed);
    tcase_add_test(tests, custom_fields_are_merged_under_the_version_guard);
    tcase_add_test(tests, an_empty_set_updates_nothing);
    tcase_add_test(tests, the_whole_set_has_at_most_60000_bytes);
    tcase_add_test(tests, a_stored_set_that_is_broken_must_be_mended);
    tcase_add_test(tests, what_may_work_again_is_tried_again);
    tcase_add_test(tests,
                   who_waited_for_a_lock_waits_again_if_there_is_time);
    tcase_add_test(tests,
                   who_waits_in_vain_behind_a_fault_tells_the_fault);
    tcase_add_test(tests, what_may_be_stale_is_tried_again);
    tcase_add_test(tests, retries_between_lost_races_are_no_races);
    tcase_add_test(tests, a_database_out_of_reach_is_said_at_once);
    tcase_add_test(tests, a_database_that_goes_away_in_between_is_said);
    tcase_add_test(tests, a_lost_save_that_was_done_is_a_success);
    tcase_add_test(tests, a_save_is_looked_for_whatever_the_database_said);
    tcase_add_test(tests, a_lost_save_that_was_not_done_is_done_again);
    tcase_add_test(tests, a_lost_save_of_the_first_version_is_found);
    tcase_add_test(tests, a_lost_save_of_a_row_that_was_deleted_is_open);
    tcase_add_test(tests, a_lost_save_of_a_row_that_went_back_is_open);
    tcase_add_test(tests, a_version_is_a_whole_number);
    tcase_add_test(tests, the_step_of_a_save_is_read_from_the_row);
    tcase_add_test(tests, a_larger_step_is_believed_when_it_is_seen_twice);
    tcase_add_test(tests, a_row_that_another_call_has_saved_tells_no_step);
    tcase_add_test(tests, a_lost_save_behind_others_is_told_by_the_row);
    tcase_add_test(tests, what_is_open_is_said_to_be_open);
    tcase_add_test(tests, what_may_yet_be_done_is_no_definite_error);
    tcase_add_test(tests, a_late_commit_is_found_by_the_lost_race);
    tcase_add_test(tests, a_new_key_is_saved_with_the_change);
    tcase_add_test(tests,
                   a_known_key_is_answered_by_the_access_token_as_it_is);
    tcase_add_test(tests, a_known_key_of_another_request_is_refused);
    tcase_add_test(tests, a_replay_asks_for_the_same_rights);
    tcase_add_test(tests, the_same_key_at_once_is_replayed);
    tcase_add_test(tests,
                   who_is_refused_since_the_same_was_done_at_once_is_replayed);
    tcase_add_test(tests, who_is_refused_for_another_reason_is_refused);
    tcase_add_test(tests, a_wrong_pass_code_stays_wrong);
    tcase_add_test(tests, a_forgotten_save_of_this_call_is_no_replay);
    tcase_add_test(tests, a_forgotten_save_is_found_by_its_key);
    tcase_add_test(tests, a_forgotten_save_is_open_until_its_key_tells);
    tcase_add_test(tests, a_lost_save_of_a_deleted_row_is_found_by_its_key);
    tcase_add_test(tests, what_is_looked_up_is_in_the_reply);
    tcase_add_test(tests, only_what_fields_set_wants_is_looked_up);
    tcase_add_test(tests, the_same_key_is_looked_up_once);
    tcase_add_test(tests, what_is_not_there_is_null);
    tcase_add_test(tests, a_lookup_that_fails_is_a_call_that_fails);
    tcase_add_test(tests, the_same_owner_is_shown_where_it_was_not_read);
    tcase_add_test(tests, another_owner_is_not_the_same);
    tcase_add_test(tests, each_attempt_reads_no_more_than_is_asked_for);
    tcase_add_test(tests, a_replay_is_completed_as_well);
    tcase_add_test(tests, a_replay_of_which_a_lookup_fails_is_none);
    return test_end(tests);
}
