/* SPDX-License-Identifier: Apache-2.0 */
#include "at_dbd.h"

#include <apr_optional.h>
#include <apr_strings.h>

#include <http_config.h>

struct at_dbd_t {
    const at_statements_t *statements;
    const char *label[AT_STATEMENT_COUNT];
    at_step_t *step;
    APR_OPTIONAL_FN_TYPE(ap_dbd_prepare) *prepare;
    APR_OPTIONAL_FN_TYPE(ap_dbd_open) *open;
    APR_OPTIONAL_FN_TYPE(ap_dbd_close) *close;
    APR_OPTIONAL_FN_TYPE(ap_dbd_acquire) *acquire;
};

at_error_t *at_dbd_make(at_dbd_t **source, const at_statements_t *statements,
                        server_rec *server, apr_pool_t *pool)
{
    APR_OPTIONAL_FN_TYPE(ap_dbd_prepare) *prepare;
    int i;

    prepare = APR_RETRIEVE_OPTIONAL_FN(ap_dbd_prepare);
    if (!prepare) {
        return at_error_config(pool, "mod_dbd is not loaded; add LoadModule "
                               "dbd_module modules/mod_dbd.so (Debian: "
                               "a2enmod dbd)");
    }
    *source = apr_pcalloc(pool, sizeof(**source));
    (*source)->statements = statements;
    (*source)->step = apr_pcalloc(pool, sizeof(at_step_t));
    (*source)->prepare = prepare;
    (*source)->open = APR_RETRIEVE_OPTIONAL_FN(ap_dbd_open);
    (*source)->close = APR_RETRIEVE_OPTIONAL_FN(ap_dbd_close);
    (*source)->acquire = APR_RETRIEVE_OPTIONAL_FN(ap_dbd_acquire);
    for (i = 0; i < AT_STATEMENT_COUNT; i++) {
        if (!statements->statement[i]) {
            continue;
        }
        /* Unique, since virtual hosts share what mod_dbd prepares. */
        (*source)->label[i] = apr_psprintf(pool, "access_token_%pp_%d",
                                           (void *)*source, i);
        prepare(server, statements->statement[i]->text,
                (*source)->label[i]);
    }
    return NULL;
}

void at_dbd_withdraw(const at_dbd_t *source, server_rec *server)
{
    int i;

    for (i = 0; i < AT_STATEMENT_COUNT; i++) {
        if (source->label[i]) {
            source->prepare(server, "", source->label[i]);
        }
    }
}

const at_statements_t *at_dbd_statements(const at_dbd_t *source)
{
    return source->statements;
}

at_step_t *at_dbd_step(const at_dbd_t *source)
{
    return source->step;
}

ap_dbd_t *at_dbd_open(const at_dbd_t *source, server_rec *server,
                         apr_pool_t *pool)
{
    return source->open(pool, server);
}

void at_dbd_close(const at_dbd_t *source, server_rec *server,
                     ap_dbd_t *connection)
{
    source->close(server, connection);
}

/* mod_dbd keeps what it acquired for a request in its request_config;
 * where something stands there, asking again neither waits nor connects. */
ap_dbd_t *at_dbd_shared(const at_dbd_t *source, request_rec *r)
{
    module *mod_dbd = ap_find_linked_module("mod_dbd.c");
    request_rec *first = r;

    while (first->prev || first->main) {
        first = first->prev ? first->prev : first->main;
    }
    return mod_dbd && ap_get_module_config(first->request_config, mod_dbd)
           ? source->acquire(r) : NULL;
}

apr_dbd_prepared_t *at_dbd_prepared(const at_dbd_t *source,
                                       const ap_dbd_t *connection,
                                       at_statement_e statement)
{
    return apr_hash_get(connection->prepared, source->label[statement],
                        APR_HASH_KEY_STRING);
}
