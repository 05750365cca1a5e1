/* SPDX-License-Identifier: Apache-2.0 */
#include "at_tree.h"

#include <string.h>

#include "at_config.h"

const ap_directive_t *at_tree_host(const ap_directive_t *node)
{
    for (node = node->parent; node; node = node->parent) {
        if (!ap_cstr_casecmp(node->directive, "<VirtualHost")) {
            return node;
        }
    }
    return NULL;
}

const ap_directive_t *at_tree_next(const ap_directive_t *node)
{
    if (node->first_child) {
        return node->first_child;
    }
    while (node && !node->next) {
        node = node->parent;
    }
    return node ? node->next : NULL;
}

const ap_directive_t *at_tree_find(const char *name,
                                   const ap_directive_t *host)
{
    const ap_directive_t *node, *found = NULL;

    for (node = ap_conftree; node; node = at_tree_next(node)) {
        const ap_directive_t *place = at_tree_host(node);

        if (!ap_cstr_casecmp(node->directive, name)
            && (place == host || (!place && !(found && host
                                  && at_tree_host(found))))) {
            found = node;
        }
    }
    return found;
}

int at_tree_has(const char *name)
{
    const ap_directive_t *node;

    for (node = ap_conftree; node; node = at_tree_next(node)) {
        if (!ap_cstr_casecmp(node->directive, name)) {
            return 1;
        }
    }
    return 0;
}

int at_tree_applies(const ap_directive_t *node, const char *name)
{
    const ap_directive_t *host = at_tree_host(node);

    return host ? at_tree_find(name, host) != NULL : at_tree_has(name);
}

int at_tree_is_method(const ap_directive_t *node, apr_pool_t *pool)
{
    const char *arguments = node->args;

    return !ap_cstr_casecmp(node->directive, "SetHandler") && arguments
           && !ap_cstr_casecmp(ap_getword_conf(pool, &arguments),
                               AT_HANDLER_UPDATE);
}

const ap_directive_t *at_tree_section(const server_rec *server)
{
    const ap_directive_t *node;

    for (node = ap_conftree; server->is_virtual && node;
         node = at_tree_next(node)) {
        if (!ap_cstr_casecmp(node->directive, "<VirtualHost")
            && (unsigned int)node->line_num == server->defn_line_number
            && server->defn_name
            && !strcmp(node->filename, server->defn_name)) {
            return node;
        }
    }
    return NULL;
}

const char *at_tree_argument(apr_pool_t *pool, const ap_directive_t *node)
{
    const char *arguments = node ? node->args : NULL;

    return arguments ? ap_getword_conf(pool, &arguments) : NULL;
}

int at_tree_has_own(const char *name, const ap_directive_t *host)
{
    const ap_directive_t *found = host ? at_tree_find(name, host) : NULL;

    return found && at_tree_host(found) == host;
}

const ap_directive_t *at_tree_method(const ap_directive_t *host,
                                     apr_pool_t *pool)
{
    const ap_directive_t *node;

    for (node = ap_conftree; node; node = at_tree_next(node)) {
        const ap_directive_t *place = at_tree_host(node);

        if (at_tree_is_method(node, pool) && (!place || place == host)) {
            return node;
        }
    }
    return NULL;
}
