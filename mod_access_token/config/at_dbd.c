/* SPDX-License-Identifier: Apache-2.0 */
#include "at_dbd.h"

#include <apr_optional.h>
#include <apr_strings.h>

#include <http_config.h>

struct at_registered_t {
    const at_statements_t *statements;
    const char *label[AT_STATEMENT_COUNT]; /* mod_dbd's name of it; or NULL */
    at_step_t *step;
    APR_OPTIONAL_FN_TYPE(ap_dbd_prepare) *prepare;
    APR_OPTIONAL_FN_TYPE(ap_dbd_open) *open;
    APR_OPTIONAL_FN_TYPE(ap_dbd_close) *close;
    APR_OPTIONAL_FN_TYPE(ap_dbd_acquire) *acquire;
    module *mod_dbd;
};

/* Ask mod_dbd to prepare each statement for SERVER. */
static void prepare_all(at_registered_t *registered, server_rec *server,
                        apr_pool_t *pool)
{
    int i;

    for (i = 0; i < AT_STATEMENT_COUNT; i++) {
        const at_statement_t *statement = registered->statements->statement[i];

        if (!statement) {
            continue;
        }
        /* A label must be unique: virtual hosts share a pool of mod_dbd. */
        registered->label[i] = apr_psprintf(pool, "access_token_%pp_%d",
                                            (void *)registered, i);
        registered->prepare(server, statement->text, registered->label[i]);
    }
}

at_error_t *at_dbd_register(at_registered_t **registered,
                            const at_statements_t *statements,
                            server_rec *server, apr_pool_t *pool)
{
    at_registered_t *made = apr_pcalloc(pool, sizeof(*made));

    made->prepare = APR_RETRIEVE_OPTIONAL_FN(ap_dbd_prepare);
    if (!made->prepare) {
        return at_error_config(pool, "mod_dbd is not loaded; add LoadModule "
                               "dbd_module modules/mod_dbd.so (Debian: "
                               "a2enmod dbd)");
    }
    made->open = APR_RETRIEVE_OPTIONAL_FN(ap_dbd_open);
    made->close = APR_RETRIEVE_OPTIONAL_FN(ap_dbd_close);
    made->acquire = APR_RETRIEVE_OPTIONAL_FN(ap_dbd_acquire);
    made->mod_dbd = ap_find_linked_module("mod_dbd.c");
    made->statements = statements;
    made->step = apr_pcalloc(pool, sizeof(at_step_t));
    prepare_all(made, server, pool);
    *registered = made;
    return NULL;
}

void at_dbd_withdraw(const at_registered_t *registered, server_rec *server)
{
    int i;

    for (i = 0; i < AT_STATEMENT_COUNT; i++) {
        if (registered->label[i]) {
            registered->prepare(server, "", registered->label[i]);
        }
    }
}

const at_statements_t *at_dbd_statements(const at_registered_t *registered)
{
    return registered->statements;
}

at_step_t *at_dbd_step(const at_registered_t *registered)
{
    return registered->step;
}

ap_dbd_t *at_dbd_open(const at_registered_t *registered, server_rec *server,
                      apr_pool_t *pool)
{
    return registered->open(pool, server);
}

void at_dbd_close(const at_registered_t *registered, server_rec *server,
                  ap_dbd_t *connection)
{
    registered->close(server, connection);
}

/* mod_dbd keeps a request's connection in its part of request_config. If there
 * is one, acquiring again returns it without waiting or connecting. */
ap_dbd_t *at_dbd_shared(const at_registered_t *registered, request_rec *r)
{
    request_rec *first = r;

    while (first->prev || first->main) {
        first = first->prev ? first->prev : first->main;
    }
    return registered->mod_dbd
           && ap_get_module_config(first->request_config, registered->mod_dbd)
           ? registered->acquire(r) : NULL;
}

apr_dbd_prepared_t *at_dbd_prepared(const at_registered_t *registered,
                                    const ap_dbd_t *connection,
                                    at_statement_e statement)
{
    return apr_hash_get(connection->prepared, registered->label[statement],
                        APR_HASH_KEY_STRING);
}
