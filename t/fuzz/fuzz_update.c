/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A call with a store in memory that the input controls: each byte chooses
 * the outcome of an operation, an action of others before it, or how much
 * time passes. The guarantees of the contract (section 6) must hold.
 *
 * The store keeps its own guarantee (at_store.h): a save that it does not
 * report as done or lost was not done. A lost save was done, was not done, or
 * is done later, perhaps after the call has been answered.
 */
#include "fuzz.h"

#include <string.h>

#include <apr_strings.h>

#include "at_custom.h"
#include "at_digest.h"
#include "at_field.h"
#include "at_update.h"

const char fuzz_corpus[] = "update";
const int fuzz_random = 300000;

/* A row has the ids of the last 8 calls: 32 characters each, with blanks. */
#define IDS_LENGTH 263

/* The most operations of one call: by then it must have ended. */
#define MOST_OPERATIONS 2000

#define TOKEN_ID "T1"
#define DIGEST_OF_ANOTHER "digest of another request"

/* A save whose connection was lost and that may still be done. */
typedef struct {
    const char *const *values;
    int waits;
} pending_t;

static struct {
    const uint8_t *data;
    size_t size;
    apr_pool_t *pool;
    const at_statements_t *statements;
    apr_time_t clock;
    int operations;
    int others;               /* the number of saves of others */

    /* The access token. */
    int exists;
    apr_uint64_t version;
    apr_uint64_t first_version;
    apr_uint32_t step;        /* what a save adds to it */
    const char *code;
    const char *request_ids;

    /* Others may change these. */
    int has_session;
    int may_update;
    int code_is_taken;        /* another access token has the new one */

    /* The row of the Idempotency-Key. */
    int has_key;
    const char *key_digest;
    const char *key_request_id;

    /* This call. */
    const char *request_digest;
    int applied;              /* how often its save was done */
    apr_uint64_t applied_version;
    int was_lost;
    int has_failed_over;      /* so an answered change may be lost */
    pending_t pending[4];
    int pending_count;
} world;

/* ---- replacements of slow functions, by the linker */

int __wrap_at_passcode_hash(char *hash, const at_scheme_t *scheme,
                            const char *pass_code);
int __wrap_at_passcode_hash(char *hash, const at_scheme_t *scheme,
                            const char *pass_code)
{
    (void)scheme;
    apr_snprintf(hash, AT_PASSCODE_HASH_BYTES + 1, "HASH(%s)", pass_code);
    return 1;
}

apr_time_t __wrap_at_clock_now(void);
apr_time_t __wrap_at_clock_now(void)
{
    return world.clock;
}

void __wrap_apr_sleep(apr_interval_time_t time);
void __wrap_apr_sleep(apr_interval_time_t time)
{
    world.clock += time;
}

/* ---- the input */

/* The next byte. After the last byte 0, which chooses the usual case. */
static unsigned int next_byte(void)
{
    if (world.size == 0) {
        return 0;
    }
    world.size--;
    return *world.data++;
}

/* ---- saves */

static void remember(const char *request_id)
{
    world.request_ids = apr_pstrndup(world.pool,
        apr_pstrcat(world.pool, request_id, *world.request_ids ? " " : "",
                    world.request_ids, (char *)NULL), IDS_LENGTH);
}

static const char *field_value(const char *const *values, int field)
{
    const char *const *value = values + AT_SAVE_FIELDS + 2 * field;

    return !strcmp(value[0], "1") ? value[1] : NULL;
}

static const at_fault_t *conflict(int field)
{
    at_fault_t *fault = at_fault_of_row(world.pool, AT_STORE_CONFLICT);

    fault->field = field;
    return fault;
}

/* Save VALUES, as one statement does. */
static const at_fault_t *apply(const char *const *values)
{
    const char *code = field_value(values,
                                   AT_CREDENTIAL_AUTHENTICATION_CODE);
    const char *key = values[AT_SAVE_IDEMPOTENCY_KEY];

    if (!world.exists
        || strcmp(values[AT_SAVE_VERSION],
                  apr_psprintf(world.pool, "%" APR_UINT64_T_FMT,
                               world.version))) {
        return at_fault_of_row(world.pool, AT_STORE_LOST_RACE);
    }
    if (code && world.code_is_taken) {
        return conflict(AT_CREDENTIAL_AUTHENTICATION_CODE);
    }
    if (key && world.has_key) {
        return at_fault_of_row(world.pool, AT_STORE_REPEATED);
    }
    world.version += world.step;
    world.code = code ? code : world.code;
    remember(values[AT_SAVE_REQUEST_ID]);
    if (key) {
        world.has_key = 1;
        world.key_digest = values[AT_SAVE_REQUEST_DIGEST];
        world.key_request_id = values[AT_SAVE_REQUEST_ID];
    }
    world.applied++;
    world.applied_version = world.version;
    return NULL;
}

/* True if the save of VALUES can still be done. */
static int can_be_done(const char *const *values)
{
    return world.exists
           && !strcmp(values[AT_SAVE_VERSION],
                      apr_psprintf(world.pool, "%" APR_UINT64_T_FMT,
                                   world.version))
           && !(values[AT_SAVE_IDEMPOTENCY_KEY] && world.has_key);
}

static void do_pending(void)
{
    int i;

    for (i = 0; i < world.pending_count; i++) {
        if (world.pending[i].waits) {
            world.pending[i].waits = 0;
            (void)apply(world.pending[i].values);
            return;
        }
    }
}

/* ---- actions of others */

static const char *id_of_another(void)
{
    return apr_psprintf(world.pool, "%032d", ++world.others);
}

static void save_of_another(void)
{
    if (world.exists) {
        world.version += world.step;
        remember(id_of_another());
    }
}

/* Some of them push an id out of the row, some do not. */
static void seven_to_nine_saves(unsigned int more)
{
    unsigned int i;

    for (i = 0; i < 7 + more % 3; i++) {
        save_of_another();
    }
}

/* Another program writes the table and does not set request_ids. */
static void save_of_a_program(void)
{
    world.version += world.exists ? world.step : 0;
}

static void delete_row(void)
{
    world.exists = 0;
}

/* A failover to a replica without all changes since the call began. The saves
 * that were on the way to the other server are lost. */
static void fail_over(void)
{
    world.has_failed_over = 1;
    world.exists = 1;
    world.version = world.first_version;
    world.code = "code";
    world.request_ids = "";
    world.has_key = 0;
    world.applied = 0;
    world.pending_count = 0;
}

/* The same call, sent again to another httpd, or another one with its key. */
static void key_of_another(const char *digest)
{
    if (!world.has_key && world.exists) {
        save_of_another();
        world.has_key = 1;
        world.key_digest = digest;
        world.key_request_id = apr_pstrndup(world.pool, world.request_ids,
                                            32);
    }
}

static void others_do(unsigned int what)
{
    switch (what % 16) {
    case 1:
        save_of_another();
        break;
    case 2:
        seven_to_nine_saves(what / 16);
        break;
    case 3:
        save_of_a_program();
        break;
    case 4:
        delete_row();
        break;
    case 5:
        key_of_another(world.request_digest);
        break;
    case 6:
        key_of_another(DIGEST_OF_ANOTHER);
        break;
    case 7:
        world.has_session = 0;
        break;
    case 8:
        world.may_update = 0;
        break;
    case 9:
        world.code_is_taken = !world.code_is_taken;
        break;
    case 10:
        world.code = "changed by another";
        save_of_another();
        break;
    case 11:
        fail_over();
        break;
    case 12:
    case 13:
        do_pending();
        break;
    default:
        break;
    }
}

/* Print the operations if FUZZ_TRACE is in the environment. */
static void trace(const char *operation, unsigned int others,
                  unsigned int outcome)
{
    if (getenv("FUZZ_TRACE")) {
        fprintf(stderr, "# %s: others %u, outcome byte %u; exists %d, version %"
                APR_UINT64_T_FMT ", code %s, has_key %d, applied %d\n",
                operation, others % 16, outcome, world.exists, world.version,
                world.code, world.has_key, world.applied);
    }
}

/* Before an OPERATION: others act, and time passes. Returns the byte that
 * chooses the outcome. */
static unsigned int begin_operation(const char *operation)
{
    unsigned int what = next_byte(), outcome = next_byte();

    require(++world.operations < MOST_OPERATIONS);
    others_do(what);
    if (what >= 0xE0) {
        world.clock += apr_time_from_msec(100 * (what - 0xDF));
    }
    trace(operation, what, outcome);
    return outcome;
}

/* ---- the store */

static at_store_t store;

static const at_fault_t *fail(at_outcome_e outcome, at_fault_kind_e kind)
{
    return at_fault_make(world.pool, outcome, kind, "a detail");
}

static const at_fault_t *time_out(void)
{
    at_fault_t *fault = at_fault_make(world.pool, AT_STORE_UNAVAILABLE,
                                      AT_FAULT_CONNECTION, "a detail");

    fault->timed_out = 1;
    return fault;
}

/* The fault that WHAT chooses for an operation that has done nothing. NULL:
 * the operation goes on. */
static const at_fault_t *refuse(unsigned int what)
{
    switch (what % 16) {
    case 1:
    case 2:
        return fail(AT_STORE_RETRY, AT_FAULT_CONNECTION);
    case 3:
        world.clock += apr_time_from_msec(500);
        return fail(AT_STORE_RETRY, AT_FAULT_WAIT);
    case 4:
        return fail(AT_STORE_UNAVAILABLE, AT_FAULT_CONNECTION);
    case 5:
        return time_out();
    case 6:
        return fail(AT_STORE_BROKEN, AT_FAULT_BROKEN);
    default:
        return NULL;
    }
}

static void set_input(at_row_t *row, at_column_e input, const char *value)
{
    row->values[row->plan->input_columns[input]] = value;
}

static void set_field(at_row_t *row, int field, const char *value)
{
    row->values[row->plan->field_columns[field]] = value;
}

static void set_rules(at_row_t *row)
{
    int credential, rule;

    for (credential = 0; credential < AT_CREDENTIAL_COUNT; credential++) {
        for (rule = AT_RULE_MIN_LENGTH; rule < AT_RULE_COUNT; rule++) {
            set_input(row, AT_COLUMN_RULE(credential, rule), "0");
        }
        set_input(row, AT_COLUMN_RULE(credential, AT_RULE_CREATION),
                  credential == AT_CREDENTIAL_AUTHENTICATION_CODE ? "NUMBER"
                                                                  : "NONE");
        set_input(row, AT_COLUMN_RULE(credential, AT_RULE_FORMAT),
                  "FREE_TEXT");
    }
    set_input(row, AT_COLUMN_ALLOW_NO_IDENTIFIER, "1");
}

static void set_caller(at_row_t *row)
{
    set_input(row, AT_COLUMN_SESSION_USER_ID, "U1");
    set_input(row, AT_COLUMN_CALLER_USER_ID, "U1");
    set_input(row, AT_COLUMN_CALLER_USERNAME, "clerk");
    set_input(row, AT_COLUMN_CALLER_MAY_UPDATE, world.may_update ? "1" : "0");
}

static void set_token(at_row_t *row, apr_uint64_t version, const char *ids,
                      const char *code)
{
    set_input(row, AT_COLUMN_TOKEN_ID, TOKEN_ID);
    set_input(row, AT_COLUMN_TOKEN_VERSION,
              apr_psprintf(world.pool, "%" APR_UINT64_T_FMT, version));
    set_input(row, AT_COLUMN_TOKEN_REQUEST_IDS, ids);
    set_field(row, AT_CREDENTIAL_AUTHENTICATION_CODE, code);
    set_rules(row);
}

static const at_fault_t *load(at_store_t *self, at_statement_e statement,
                              const char *const *values, at_row_t **row)
{
    const at_plan_t *plan = world.statements->plan;
    int by_id = statement == at_statement_load(AT_STATEMENT_LOAD_BY_ID,
                                               at_statement_form(statement));
    unsigned int what = begin_operation("load");

    (void)self;
    AT_FAULT_TRY(refuse(what));
    *row = apr_pcalloc(world.pool, sizeof(**row));
    (*row)->plan = plan;
    (*row)->values = apr_pcalloc(world.pool, sizeof(char *)
                                 * (apr_size_t)plan->column_count);
    if (world.has_session) {
        set_caller(*row);
    }
    if (what % 16 == 15 && by_id) {
        /* From a node that lags behind. */
        set_token(*row, world.first_version, "", "code");
    }
    else if (world.exists && !strcmp(values[AT_LOAD_KEY],
                                     by_id ? TOKEN_ID : world.code)) {
        set_token(*row, world.version, world.request_ids, world.code);
    }
    return NULL;
}

/* The statements have no lookups. */
static const at_fault_t *lookup(at_store_t *self,
                                const at_plan_lookup_t *used,
                                const char *const *keys,
                                const char *revision, const char ***values)
{
    (void)self;
    (void)used;
    (void)keys;
    (void)revision;
    (void)values;
    abort();
}

static const at_fault_t *find_request(at_store_t *self,
                                      const char *const *values,
                                      at_saved_request_t *request)
{
    (void)self;
    (void)values;
    AT_FAULT_TRY(refuse(begin_operation("find_request")));
    if (world.has_session && world.has_key) {
        request->token_id = TOKEN_ID;
        request->digest = world.key_digest;
        request->request_id = world.key_request_id;
    }
    return NULL;
}

static const at_fault_t *lose(const char *const *values, unsigned int what)
{
    world.was_lost = 1;
    if (what % 3 == 0) {
        (void)apply(values);
    }
    else if (what % 3 == 1 && world.pending_count < 4) {
        world.pending[world.pending_count].values = values;
        world.pending[world.pending_count++].waits = 1;
    }
    return fail(AT_STORE_LOST, AT_FAULT_CONNECTION);
}

static const at_fault_t *save(at_store_t *self, const char *const *values)
{
    unsigned int what = begin_operation("save");

    (void)self;
    if (what >= 0x80) {
        return lose(values, what);
    }
    if (what % 16 == 7) {
        return fail(AT_STORE_STALE, AT_FAULT_BROKEN);
    }
    AT_FAULT_TRY(refuse(what));
    return apply(values);
}

static const at_fault_t *custom_fields(at_store_t *self, const char *id,
                                       const char *revision,
                                       const char **seen,
                                       apr_array_header_t **fields)
{
    (void)self;
    (void)id;
    (void)revision;
    *seen = NULL;
    *fields = apr_array_make(world.pool, 1, sizeof(at_custom_field_t));
    return NULL;
}

static const at_fault_t *next_number(at_store_t *self, const char *sequence,
                                     const char **number)
{
    (void)self;
    (void)sequence;
    AT_FAULT_TRY(refuse(begin_operation("next_number")));
    *number = "1234567";
    return NULL;
}

static void release(at_store_t *self)
{
    (void)self;
}

/* ---- the call */

static void make_world(apr_pool_t *pool, const uint8_t *data, size_t size)
{
    static const apr_uint64_t versions[] = {
        0, 0, 1, 7, APR_UINT64_C(9223372036854775806)
    };

    memset(&world, 0, sizeof(world));
    world.pool = pool;
    world.data = data;
    world.size = size;
    world.statements = fuzz_statements();
    world.clock = apr_time_from_sec(1000000);
    world.exists = 1;
    world.version = world.first_version = versions[next_byte() % 5];
    world.step = next_byte() % 4 == 3 ? 1 + next_byte() % 3 : 1;
    world.code = "code";
    world.request_ids = "";
    world.has_session = 1;
    world.may_update = 1;
    store.load = load;
    store.lookup = lookup;
    store.find_request = find_request;
    store.save = save;
    store.custom_fields = custom_fields;
    store.next_number = next_number;
    store.release = release;
}

/* Choose a change: of a field, of the code that names the access token, or of
 * a generated code. */
static const char *choose_body(unsigned int what)
{
    static const char *const changes[] = {
        "\"udf_string_1\":\"x\"",
        "\"authentication_code\":\"new\"",
        "\"authentication_code\":null"
    };

    return apr_psprintf(world.pool, "{\"access_token_identifier\":"
                        "{\"authentication_code\":\"code\"},%s}",
                        changes[what % 3]);
}

static void prepare(at_call_t *call, at_step_t *step)
{
    at_request_options_t options = { world.statements, at_scheme_default(),
                                     0 };
    unsigned int what = next_byte();
    at_request_t *request;
    at_json_t *root;

    require(!at_json_parse(&root, choose_body(what), world.pool));
    require(!at_request_read(&request, root, &options, world.pool));
    memset(call, 0, sizeof(*call));
    call->pool = world.pool;
    call->store = &store;
    call->statements = world.statements;
    call->scheme = options.scheme;
    call->request = request;
    call->token = "session";
    call->now = "2015-05-27T12:50:22";
    call->budget = apr_time_from_sec(5);
    call->step = step;
    if (what & 0x40) {
        call->if_match = apr_psprintf(world.pool, "\"" TOKEN_ID "-%"
                                        APR_UINT64_T_FMT "\"",
                                        world.version);
    }
    if (what & 0x80) {
        world.request_digest = "digest of this request";
        call->idempotency_key = "key";
        call->request_digest = world.request_digest;
        call->request_expires = "2015-05-28T12:50:22";
    }
}

/* ---- the checks */

static int is_open(const at_error_t *error)
{
    return error->code == AT_SERVICE_UNAVAILABLE
           && strstr(error->description, "it could not be found out in time");
}

static void check_success(const at_call_t *call, apr_uint32_t known_step)
{
    const char *etag = apr_psprintf(world.pool, "\"" TOKEN_ID "-%"
                                    APR_UINT64_T_FMT "\"",
                                    world.applied_version);

    require(call->body.text && call->etag);
    if (world.has_failed_over) {
        return;
    }
    if (call->replayed) {
        require(world.applied == 0 && world.has_key);
        require(!strcmp(world.key_digest, world.request_digest));
        require(!call->change);
        return;
    }
    require(world.applied == 1);
    require(call->change);
    /* The call may not know yet what a save adds to the version. */
    if (world.step == known_step || world.step == 1) {
        require(!strcmp(call->etag, etag));
    }
}

static void check_error(const at_error_t *error)
{
    int i;

    if (is_open(error)) {
        require(world.was_lost);
        return;
    }
    require(world.applied == 0);
    for (i = 0; i < world.pending_count; i++) {
        require(!world.pending[i].waits
                || !can_be_done(world.pending[i].values));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    at_step_t step = { 0, 0, 0 };
    at_call_t call;
    apr_uint32_t known_step;
    at_error_t *error;
    apr_pool_t *pool;

    (void)fuzz_statements();
    apr_pool_create(&pool, NULL);
    make_world(pool, data, size);
    known_step = next_byte() % 2 ? world.step : 0;
    step.known = known_step;
    prepare(&call, &step);
    error = at_update_run(&call);
    require(world.applied <= 1);
    if (error) {
        check_error(error);
    }
    else {
        check_success(&call, known_step);
    }
    apr_pool_destroy(pool);
    return 0;
}
