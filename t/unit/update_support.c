/* SPDX-License-Identifier: Apache-2.0 */
#include "update_support.h"

#include <stdlib.h>
#include <string.h>

#include "at_custom.h"
#include "at_digest.h"
#include "at_field.h"

/* ---- the functions that the linker calls instead of the slow ones */

apr_time_t clock_now;
apr_interval_time_t hash_takes;
int sleeps_really;
int hashes, verifications, verifications_of_nothing, pauses;
const char *log_of_calls;

static int held;                 /* 1: the store's connection is held */

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

/* Time passes only in pauses and in the store's operations. */
apr_time_t __wrap_at_clock_now(void);
apr_time_t __wrap_at_clock_now(void)
{
    return clock_now;
}

/* ---- the store in memory: one access token */

static const at_statements_t *statements;
static at_row_t *stored;         /* the row as it is */
static apr_array_header_t *configured;

at_store_t store;
int narrow_loads, document_loads, loads, saves, saved, numbers, finds, lookups;
int newer_lookups, after_lookup;
at_saved_request_t remembered;
const char *const *saved_values;
const char *load_outcomes, *save_outcomes, *custom_outcomes,
    *number_outcomes, *find_outcomes, *lookup_outcomes;
void (*after_find)(void);
void (*meanwhile)(void);
void (*after_save)(void);
int late;
static const char *const *late_values;
static const char *session_digest; /* which this call's first operation got */

static const at_statement_t *load_statement(void)
{
    return statements->statement[AT_STATEMENT_LOAD_BY_ID];
}

const char *get(const char *column)
{
    return stored->values[test_column(stored->plan, column)];
}

void set(const char *column, const char *value)
{
    test_row_set(stored, column, value);
}

int is(const char *one, const char *other)
{
    return one && other && !strcmp(one, other);
}

/* How long a wait for a lock takes, and a wait for a connection. */
#define LOCK_WAIT       apr_time_from_msec(2000)
#define CONNECTION_WAIT apr_time_from_msec(900)

static const at_fault_t *conflict(int field)
{
    at_fault_t *fault = at_fault_of_row(pool, AT_STORE_CONFLICT);

    fault->field = field;
    return fault;
}

static const at_fault_t *time_out(at_fault_kind_e kind, const char *detail)
{
    at_fault_t *fault = at_fault_make(pool, AT_STORE_UNAVAILABLE, kind, "%s",
                                      detail);

    fault->timed_out = 1;
    return fault;
}

/* The fault of the next of OUTCOMES; NULL for done. */
static const at_fault_t *next_fault(const char **outcomes)
{
    char next = **outcomes;
    at_fault_t *fault;

    *outcomes += next != '\0';
    switch (next) {
    case 'C':
        return conflict(*(*outcomes)++ - '0');
    case 'F':
        fault = at_fault_make(pool, AT_STORE_TOO_LONG, AT_FAULT_BROKEN,
                              "detail: too long");
        fault->field = *(*outcomes)++ - '0';
        return fault;
    case 'L':
        return at_fault_of_row(pool, AT_STORE_LOST_RACE);
    case 'R':
        return at_fault_make(pool, AT_STORE_RETRY, AT_FAULT_NONE,
                             "detail: retry");
    case 'W':
        clock_now += LOCK_WAIT;
        return at_fault_make(pool, AT_STORE_RETRY, AT_FAULT_WAIT,
                             "detail: lock");
    case 'A':
        clock_now += CONNECTION_WAIT;
        return at_fault_make(pool, AT_STORE_RETRY, AT_FAULT_CONNECTION,
                             "detail: away");
    case 'X':
    case 'Y':
        return at_fault_make(pool, AT_STORE_LOST, AT_FAULT_CONNECTION,
                             "detail: lost");
    case 'Z':
        return at_fault_make(pool, AT_STORE_RETRY, AT_FAULT_NONE,
                             "detail: a deadlock, it says");
    case 'K':
        return at_fault_of_row(pool, AT_STORE_REPEATED);
    case 'P':
        return time_out(AT_FAULT_PLACE, "detail: no place");
    case 'T':
        return time_out(AT_FAULT_CONNECTION, "detail: in time");
    case 'U':
        return at_fault_make(pool, AT_STORE_UNAVAILABLE, AT_FAULT_NONE,
                             "detail: unavailable");
    case 'S':
        return at_fault_make(pool, AT_STORE_STALE, AT_FAULT_BROKEN,
                             "detail: stale");
    case 'B':
        return at_fault_make(pool, AT_STORE_BROKEN, AT_FAULT_NONE,
                             "detail: broken");
    default:
        return NULL;
    }
}

static int is_of_caller(const char *column)
{
    return !strncmp(column, "session.", 8) || !strncmp(column, "login.", 6)
           || !strncmp(column, "caller.", 7)
           || has(column, ".updated_by_");
}

/* Whether the row has the KEY by which LOAD finds it. */
static int has_key(at_statement_e load, const char *key)
{
    switch (load) {
    case AT_STATEMENT_LOAD_BY_AUTHENTICATION_CODE:
    case AT_STATEMENT_LOAD_BY_SESSION_AND_CODE:
        return is(get("data.authentication_code"), key);
    case AT_STATEMENT_LOAD_BY_IDENTIFIER:
        return is(get("data.identifier"), key);
    default:
        return is(get("token.id"), key);
    }
}

/* A call computes the digest of its session once, for all its attempts. */
static void check_session(const char *digest)
{
    ck_assert_msg(!session_digest || digest == session_digest,
                  "the session's digest was computed again");
    session_digest = digest;
}

/* Copy into ROW what LOAD reads of the stored row: the columns of its form, and
 * not of a caller or an access token that it does not find. */
static void copy_loaded(at_row_t *row, at_statement_e load, int has_caller,
                        int found)
{
    const apr_array_header_t *columns = statements->statement[load]->columns;
    const int *to = statements->form_columns[at_statement_form(load)];
    int i;

    for (i = 0; i < columns->nelts; i++) {
        int column = to ? to[i] : i;

        const char *name = APR_ARRAY_IDX(columns, i, const char *);

        if (at_revision_is_column(name)
            || (is_of_caller(name) ? has_caller : found)) {
            row->values[column] = stored->values[column];
        }
    }
}

/* Set the COLUMN of ROW that LOAD selects, if it does, to VALUE. */
static void set_loaded(at_row_t *row, const char *column, const char *value)
{
    int number = at_sql_column(load_statement(), column);

    if (number >= 0) {
        row->values[number] = value;
    }
}

static const at_fault_t *store_load(at_store_t *self, at_statement_e load,
                                    const char *const *values,
                                    at_row_t **row)
{
    const char *session = values[AT_LOAD_SESSION_DIGEST];
    const char *by_session = NULL, *by_login = NULL;
    at_sql_form_e form = at_statement_form(load);
    at_statement_e whole = (at_statement_e)(load - at_statement_load(
        (at_statement_e)0, form));
    int found;

    narrow_loads += form == AT_SQL_NARROW;
    document_loads += form == AT_SQL_DOCUMENTS;
    ck_assert_ptr_eq(self, &store);
    loads++;
    held = 1;
    note(at_statements_file(load));
    ck_assert_str_eq(values[AT_LOAD_NOW], NOW);
    check_session(session);
    AT_FAULT_TRY(next_fault(&load_outcomes));
    found = has_key(whole, values[AT_LOAD_KEY]);
    if (is(session, at_digest_sha256(pool, "session", NULL))) {
        by_session = "U1";
    }
    else if (is(session,
                at_digest_sha256(pool, "session of another", NULL))) {
        by_session = "U2";
    }
    if (is(values[AT_LOAD_USERNAME], "clerk")) {
        by_login = "U1";
    }
    if (whole == AT_STATEMENT_LOAD_BY_SESSION_AND_CODE
        && !(found && by_session)) {
        *row = NULL;
        return NULL;
    }
    *row = test_row(statements->plan, NULL);
    copy_loaded(*row, load, by_session || by_login, found);
    set_loaded(*row, "session.user_id", by_session);
    set_loaded(*row, "login.user_id", by_login);
    set_loaded(*row, "@caller", by_session);
    set_loaded(*row, "@caller:username", values[AT_LOAD_USERNAME]);
    return NULL;
}

/* The revision that a lookup or custom_fields.sql sees: that of the stored row,
 * or, after after_lookup of them, newer_lookups times another, which the next
 * load sees. */
static const char *lookup_revision(void)
{
    if (after_lookup > 0) {
        after_lookup--;
    }
    else if (newer_lookups > 0) {
        set("revision.reference", apr_psprintf(pool, "newer %d",
                                               newer_lookups--));
    }
    return get("revision.reference");
}

/* The keys of a lookup with commas between them: "U1", "U1,,clerk". */
static const char *list_keys(const char *const *keys)
{
    const char *list = "";
    int i, count = AT_LOOKUP_KEYS;

    while (count > 0 && !keys[count - 1]) {
        count--;
    }
    for (i = 0; i < count; i++) {
        list = apr_pstrcat(pool, list, i ? "," : "", keys[i] ? keys[i] : "",
                           (char *)NULL);
    }
    return list;
}

/* The values of LOOKUP with KEYS. `@lookup` gives what the stored row has; an
 * object has its key as id, and in its column NAME "LOOKUP KEY NAME". Nothing is
 * found for the key "gone". */
static const at_fault_t *store_lookup(at_store_t *self,
                                      const at_plan_lookup_t *lookup,
                                      const char *const *keys,
                                      const char *revision,
                                      const char ***values)
{
    const at_lookup_t *of = &APR_ARRAY_IDX(statements->lookups,
                                           lookup->lookup, at_lookup_t);
    const apr_array_header_t *columns = of->statement->columns;
    int i, found = !is(keys[0], "gone");

    ck_assert_ptr_eq(self, &store);
    ck_assert_str_eq(revision, get("revision.reference"));
    lookups++;
    held = 1;
    note(apr_psprintf(pool, "%s:%s", of->name, list_keys(keys)));
    *values = apr_pcalloc(pool, sizeof(**values) * (size_t)columns->nelts);
    for (i = 0; i < columns->nelts; i++) {
        const char *name = APR_ARRAY_IDX(columns, i, const char *);

        if (at_revision_is_column(name)) {
            (*values)[i] = lookup_revision();
        }
        else if (!strcmp(name, "login.user_id")) {
            (*values)[i] = strstr(list_keys(keys), "clerk") ? "U1" : NULL;
        }
        else if (found && lookup->node == 0) {
            (*values)[i] = stored->values[lookup->first_column + i];
        }
        else if (found) {
            (*values)[i] = !strcmp(name, "id") ? keys[0]
                : apr_psprintf(pool, "%s %s %s", of->name, keys[0], name);
        }
    }
    return next_fault(&lookup_outcomes);
}

/* Keep the ids of the last eight requests, as save.sql does. */
static void remember(const char *id)
{
    const char *ids = get("token.request_ids");

    ck_assert_uint_eq(strlen(id), 32);
    set("token.request_ids", apr_pstrndup(pool, apr_pstrcat(pool, id,
        *ids ? " " : "", ids, (char *)NULL), 263));
}

static const at_fault_t *do_save(const char *const *values);

static const at_fault_t *store_save(at_store_t *self,
                                    const char *const *values)
{
    const at_fault_t *fault;

    ck_assert_ptr_eq(self, &store);
    if (late_values) {
        const char *const *lost_values = late_values;
        const char *outcomes = save_outcomes;

        late_values = NULL;
        save_outcomes = "";
        saves--;
        ck_assert_ptr_null(do_save(lost_values));
        save_outcomes = outcomes;
    }
    fault = do_save(values);
    if (late && fault && fault->outcome == AT_STORE_LOST) {
        late_values = values;
    }
    if (after_save) {
        void (*others)(void) = after_save;

        after_save = NULL;
        others();
    }
    return fault;
}

static const at_fault_t *do_save(const char *const *values)
{
    const at_fault_t *fault;
    int i, in_spite, lost_race;

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
    fault = next_fault(&save_outcomes);
    lost_race = fault && fault->outcome == AT_STORE_LOST_RACE;
    if (fault && !lost_race && !in_spite) {
        return fault;
    }
    if (lost_race
        || strcmp(values[AT_SAVE_VERSION], get("token.version"))) {
        /* somebody else saves */
        set("token.version", apr_itoa(pool, atoi(get("token.version")) + 1));
        return at_fault_of_row(pool, AT_STORE_LOST_RACE);
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
    return fault;
}

static const at_fault_t *store_find_request(at_store_t *self,
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
                     at_digest_sha256(pool, "session", NULL));
    check_session(values[AT_FIND_SESSION_DIGEST]);
    *request = remembered;
    if (remembered.token_id && !remembered.request_id) {
        request->request_id = "of another call";
    }
    if (after_find) {
        after_find();
        after_find = NULL;
    }
    return next_fault(&find_outcomes);
}

static const at_fault_t *store_custom_fields(at_store_t *self,
                                             const char *id,
                                             const char *revision,
                                             const char **seen,
                                             apr_array_header_t **fields)
{
    int has_revision = statements->custom_revisions->nelts > 0;

    ck_assert_ptr_eq(self, &store);
    ck_assert(!revision == !has_revision);
    *seen = has_revision ? lookup_revision() : NULL;
    held = 1;
    note("custom_fields");
    ck_assert_str_eq(id, "T1");
    *fields = configured;
    return next_fault(&custom_outcomes);
}

static const at_fault_t *store_next_number(at_store_t *self,
                                           const char *sequence,
                                           const char **number)
{
    const at_fault_t *fault = next_fault(&number_outcomes);

    ck_assert_ptr_eq(self, &store);
    held = 1;
    note(apr_pstrcat(pool, "next_number:", sequence, (char *)NULL));
    if (!fault) {
        *number = apr_itoa(pool, 1000 + ++numbers);
    }
    return fault;
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
    narrow_loads = document_loads = loads = saves = saved = numbers = 0;
    finds = lookups = newer_lookups = after_lookup = 0;
    memset(&remembered, 0, sizeof(remembered));
    find_outcomes = lookup_outcomes = "";
    log_of_calls = "";
    load_outcomes = save_outcomes = custom_outcomes = number_outcomes = "";
    meanwhile = after_save = after_find = NULL;
    late = 0;
    late_values = NULL;
    saved_values = NULL;
    statements = of;
    stored = test_row(statements->plan,
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
                      "data.log_information.updated_date:date",
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
}

/* ---- one call */

at_call_t call;
at_error_t *error;
int unclear;

const char *run_call(const char *key, const char *members)
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
    session_digest = NULL;
    error = at_update_run(&call);
    ck_assert_msg(!held, "the connection is still held");
    ck_assert_msg(saved <= 1, "saved twice");
    ck_assert_msg(!error == (saved == 1) || call.replayed || unclear,
                  "%s, but saved %d times", test_error(error), saved);
    return test_error(error);
}

void set_up_with(const at_statements_t *of)
{
    set_up_store(of);
    memset(&call, 0, sizeof(call));
    call.token = "session";
    unclear = 0;
}

void set_up(void)
{
    set_up_with(test_statements());
}

const char *races(int count)
{
    char *outcomes = apr_pcalloc(pool, (apr_size_t)count + 1);

    memset(outcomes, 'L', (size_t)count);
    return outcomes;
}

const char *update(const char *members)
{
    return run_call(BY_CODE, members);
}

at_json_t *data(void)
{
    ck_assert_ptr_nonnull(call.body.text);
    ck_assert_uint_eq(call.body.length, strlen(call.body.text));
    return at_json_get(test_json(call.body.text), "data");
}

const char *replied(const char *name)
{
    at_json_t *value = at_json_get(data(), name);

    return value ? value->text : NULL;
}

/* ---- what others do, and a key */

void withdraw_permission(void)
{
    set("caller.may_update", "0");
}

int others_count;

void others_save(void)
{
    int i;

    for (i = 0; i < others_count; i++) {
        set("token.version", apr_itoa(pool, atoi(get("token.version")) + 1));
        remember(apr_psprintf(pool, "%032d", i));
    }
}

void with_key(void)
{
    set_up();
    call.idempotency_key = "key-1";
    call.request_digest = "digest-1";
    call.request_expires = "2015-05-28T12:50:22";
}

void remove_the_row(void)
{
    set("token.id", NULL);
    set("token.version", NULL);
}
