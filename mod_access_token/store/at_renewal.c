/* SPDX-License-Identifier: Apache-2.0 */
#include "at_renewal.h"

#include <string.h>

#include <apr_file_info.h>
#include <apr_strings.h>

#include "at_allocator.h"
#include "at_store_error.h"

/* The name of the renewal in the connection's pool. */
#define KEY "access_token renewal"

/* Identifies a file; all 0: there is none, or the system does not tell. */
typedef struct {
    apr_dev_t device;
    apr_ino_t inode;
} identity_t;

struct at_renewal_t {
    dbd_cfg_t *config;
    ap_dbd_t *dbd;
    apr_dbd_t *first_handle;     /* what mod_dbd opened, and will close */
    apr_hash_t *first_prepared;
    apr_pool_t *pool;            /* of the handle and the statements that have
                                    replaced these; NULL: not yet renewed */
    identity_t file;             /* as opened */
    const char *log_path;
    identity_t log;              /* the write-ahead log: SQLite keeps it as
                                    long as there is a connection */
    const char *index_path;
    identity_t index;            /* the same for the log's index */
    int asked;                   /* at_renewal_ask was called */
};

static identity_t identify(const char *path, apr_pool_t *pool)
{
    identity_t identity = { 0, 0 };
    apr_finfo_t info;

    if (apr_stat(&info, path, APR_FINFO_IDENT, pool) == APR_SUCCESS) {
        identity.device = info.device;
        identity.inode = info.inode;
    }
    return identity;
}

static int is_same(identity_t one, identity_t other)
{
    return one.device == other.device && one.inode == other.inode;
}

static int is_there(identity_t identity)
{
    return identity.device != 0 || identity.inode != 0;
}

at_renewal_t *at_renewal_of(const ap_dbd_t *dbd)
{
    void *renewal = NULL;

    apr_pool_userdata_get(&renewal, KEY, dbd->pool);
    return renewal;
}

void at_renewal_ask(at_renewal_t *renewal)
{
    if (renewal) {
        renewal->asked = 1;
    }
}

/* A database without a file (":memory:") never had an identity. */
static int has_changed(identity_t identity, const char *path,
                       apr_pool_t *pool)
{
    return is_there(identity) && !is_same(identity, identify(path, pool));
}

int at_renewal_has_moved(const at_renewal_t *renewal)
{
    return renewal
           && (has_changed(renewal->file, renewal->config->params,
                           renewal->dbd->pool)
               || has_changed(renewal->log, renewal->log_path,
                              renewal->dbd->pool));
}

int at_renewal_is_due(const at_renewal_t *renewal)
{
    return renewal && (renewal->asked || at_renewal_has_moved(renewal));
}

/* The log or the index of the old file, if it is still there; else NULL. */
static const char *find_rest(const at_renewal_t *renewal, apr_pool_t *pool)
{
    if (is_there(renewal->log)
        && !has_changed(renewal->log, renewal->log_path, pool)) {
        return renewal->log_path;
    }
    if (is_there(renewal->index)
        && !has_changed(renewal->index, renewal->index_path, pool)) {
        return renewal->index_path;
    }
    return NULL;
}

/*
 * Why FILE, the database's file as it is now, must not be opened; NULL if it
 * may be. SQLite would create a file that is missing. It would apply a log that
 * was left to the new file, and destroy that. If the index that was left is
 * removed later, other programs would not see what this one writes. And if only
 * the log was replaced, this process still has the index of the old one.
 */
static at_fault_t *check_files(const at_renewal_t *renewal, identity_t file,
                               apr_pool_t *pool)
{
    const char *path = renewal->config->params;
    int log_has_changed = has_changed(renewal->log, renewal->log_path, pool);
    int is_other = is_there(renewal->file) && !is_same(renewal->file, file);
    const char *rest = is_other ? find_rest(renewal, pool) : NULL;

    if (is_other && !is_there(file)) {
        return at_fault_make(pool, AT_STORE_RETRY, AT_FAULT_CONNECTION,
                             "the database's file %s is gone; put it back",
                             path);
    }
    if (rest) {
        return at_fault_make(pool, AT_STORE_RETRY, AT_FAULT_CONNECTION,
                             "another file has replaced %s, and beside it is "
                             "still %s of the one before: SQLite would mix "
                             "them. Remove %s and %s-shm. Next time restore "
                             "data by .restore, or with httpd stopped", path,
                             rest, renewal->log_path, path);
    }
    if (!is_other && log_has_changed) {
        return at_fault_make(pool, AT_STORE_RETRY, AT_FAULT_CONNECTION,
                             "%s, the log of the database, was removed "
                             "or replaced while it was in use: the last "
                             "changes may be lost. Check the data, and "
                             "restart httpd", renewal->log_path);
    }
    return NULL;
}

/* Run DBDInitSQL. As in mod_dbd, a failure ends it and is ignored. */
static void run_init_queries(const at_renewal_t *renewal, apr_dbd_t *handle)
{
    const apr_array_header_t *queries = renewal->config->init_queries;
    int i, rows;

    for (i = 0; i < queries->nelts; i++) {
        if (apr_dbd_query(renewal->dbd->driver, handle, &rows,
                          APR_ARRAY_IDX(queries, i, const char *))) {
            return;
        }
    }
}

/* Prepare all that mod_dbd prepares: by label, in POOL. NULL if the database
 * refuses a statement. */
static apr_hash_t *prepare(const at_renewal_t *renewal, apr_dbd_t *handle,
                           apr_pool_t *pool)
{
    apr_hash_t *prepared = apr_hash_make(pool);
    apr_hash_index_t *index;

    for (index = apr_hash_first(pool, renewal->config->queries); index;
         index = apr_hash_next(index)) {
        apr_dbd_prepared_t *statement = NULL;
        const void *label;
        void *query;

        apr_hash_this(index, &label, NULL, &query);
        if (!*(const char *)query) {
            continue;                    /* at_dbd_withdraw */
        }
        if (apr_dbd_prepare(renewal->dbd->driver, pool, handle, query, label,
                            &statement)) {
            return NULL;
        }
        apr_hash_set(prepared, label, APR_HASH_KEY_STRING, statement);
    }
    return prepared;
}

/* The same on a new HANDLE. Some releases of SQLite (3.46) make invalid what
 * was prepared before they read the schema, even if it reads no table. They
 * read it for the first statement with a table, which may not be the first of
 * all. So all are prepared twice. */
static apr_hash_t *prepare_on_new(const at_renewal_t *renewal,
                                  apr_dbd_t *handle, apr_pool_t *pool)
{
    return prepare(renewal, handle, pool) ? prepare(renewal, handle, pool)
                                          : NULL;
}

/* The second time, after mod_dbd has prepared them. */
static void prepare_again(const at_renewal_t *renewal)
{
    ap_dbd_t *dbd = renewal->dbd;
    apr_hash_t *prepared = prepare(renewal, dbd->handle, dbd->pool);

    if (prepared) {
        dbd->prepared = prepared;
    }
}

void at_renewal_note(dbd_cfg_t *config, ap_dbd_t *dbd)
{
    at_renewal_t *renewal;

    if (strcmp(config->name, "sqlite3")) {
        return;
    }
    renewal = apr_pcalloc(dbd->pool, sizeof(*renewal));
    renewal->config = config;
    renewal->dbd = dbd;
    prepare_again(renewal);
    renewal->first_handle = dbd->handle;
    renewal->first_prepared = dbd->prepared;
    renewal->file = identify(config->params, dbd->pool);
    renewal->log_path = apr_pstrcat(dbd->pool, config->params, "-wal",
                                    (char *)NULL);
    renewal->log = identify(renewal->log_path, dbd->pool);
    renewal->index_path = apr_pstrcat(dbd->pool, config->params, "-shm",
                                      (char *)NULL);
    renewal->index = identify(renewal->index_path, dbd->pool);
    apr_pool_userdata_setn(renewal, KEY, NULL, dbd->pool);
}

/* Why HANDLE refuses a statement. No value is bound yet, so the text can
 * hold none. */
static at_fault_t *explain(const at_renewal_t *renewal, apr_dbd_t *handle,
                           apr_pool_t *pool)
{
    const at_statement_t any = { .file = "preparing the statements again" };
    at_connection_e ignored;

    return at_store_error_read(&ignored, renewal->config->name, 1,
                               apr_dbd_error(renewal->dbd->driver, handle, 0),
                               &any, 0, pool);
}

/* Runs when the pool of the new handle ends, also before mod_dbd's own cleanup,
 * which closes what mod_dbd opened. */
static apr_status_t put_back(void *data)
{
    at_renewal_t *renewal = data;
    ap_dbd_t *dbd = renewal->dbd;

    apr_dbd_close(dbd->driver, dbd->handle);
    dbd->handle = renewal->first_handle;
    dbd->prepared = renewal->first_prepared;
    renewal->pool = NULL;
    return APR_SUCCESS;
}

static void put_in_place(at_renewal_t *renewal, apr_dbd_t *handle,
                         apr_hash_t *prepared, apr_pool_t *pool)
{
    renewal->dbd->handle = handle;
    renewal->dbd->prepared = prepared;
    renewal->pool = pool;
    renewal->log = identify(renewal->log_path, pool);
    renewal->index = identify(renewal->index_path, pool);
    renewal->asked = 0;
    apr_pool_cleanup_register(pool, renewal, put_back,
                              apr_pool_cleanup_null);
}

/* Close what the last renewal opened. All handles of a process for one file
 * share what SQLite found when the first of them was opened: for instance that
 * the log's index could only be read, because root had just created it. */
static void close_old(at_renewal_t *renewal)
{
    renewal->asked = 1;
    if (renewal->pool) {
        apr_pool_destroy(renewal->pool);
    }
}

/* Connect, prepare, and replace the old connection. MADE is the pool of the new
 * one. */
static const at_fault_t *replace(at_renewal_t *renewal, apr_pool_t *made,
                                 apr_pool_t *result_pool)
{
    const apr_dbd_driver_t *driver = renewal->dbd->driver;
    const char *text = NULL;
    const at_fault_t *fault;
    apr_hash_t *prepared;
    apr_dbd_t *handle;

    close_old(renewal);
    if (apr_dbd_open_ex(driver, made, renewal->config->params, &handle,
                        &text) != APR_SUCCESS) {
        return at_fault_make(result_pool, AT_STORE_RETRY, AT_FAULT_CONNECTION,
                             "the database cannot be opened again: %s",
                             text ? text : "no reason is given");
    }
    run_init_queries(renewal, handle);
    prepared = prepare_on_new(renewal, handle, made);
    if (!prepared) {
        fault = explain(renewal, handle, result_pool);
        apr_dbd_close(driver, handle);
        return fault;
    }
    put_in_place(renewal, handle, prepared, made);
    return NULL;
}

const at_fault_t *at_renewal_make(at_renewal_t *renewal,
                                  apr_pool_t *result_pool)
{
    identity_t file = identify(renewal->config->params, result_pool);
    const at_fault_t *fault = check_files(renewal, file, result_pool);
    apr_pool_t *made;

    if (fault) {
        return fault;
    }
    if (at_allocator_make_pool(&made, renewal->dbd->pool) != APR_SUCCESS) {
        return at_fault_make(result_pool, AT_STORE_RETRY, AT_FAULT_CONNECTION,
                             "no memory to connect again");
    }
    apr_pool_tag(made, "access_token renewal");
    fault = replace(renewal, made, result_pool);
    if (fault) {
        apr_pool_destroy(made);
        return fault;
    }
    renewal->file = file;
    return NULL;
}
