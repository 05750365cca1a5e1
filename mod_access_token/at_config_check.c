/* SPDX-License-Identifier: Apache-2.0 */
#include "at_config_check.h"

#include <string.h>

#include <apr_strings.h>

#include <http_config.h>
#include <http_log.h>
#include <util_cfgtree.h>

#include "at_config.h"

APLOG_USE_MODULE(access_token);

/* The <VirtualHost> that NODE stands in, or NULL for the main server. */
static const ap_directive_t *virtual_host_of(const ap_directive_t *node)
{
    for (node = node->parent; node; node = node->parent) {
        if (!ap_cstr_casecmp(node->directive, "<VirtualHost")) {
            return node;
        }
    }
    return NULL;
}

/* The next directive of the tree, sections before what follows them. */
static const ap_directive_t *next_directive(const ap_directive_t *node)
{
    if (node->first_child) {
        return node->first_child;
    }
    while (node && !node->next) {
        node = node->parent;
    }
    return node ? node->next : NULL;
}

/*
 * The last directive NAME that holds in HOST: one of its own, else one of
 * the main server; NULL if there is none.
 */
static const ap_directive_t *find_directive(const char *name,
                                            const ap_directive_t *host)
{
    const ap_directive_t *node, *found = NULL;

    for (node = ap_conftree; node; node = next_directive(node)) {
        const ap_directive_t *place = virtual_host_of(node);

        if (!ap_cstr_casecmp(node->directive, name)
            && (place == host || (!place && !(found && host
                                  && virtual_host_of(found))))) {
            found = node;
        }
    }
    return found;
}

/* True if the directive NAME stands anywhere. */
static int stands_anywhere(const char *name)
{
    const ap_directive_t *node;

    for (node = ap_conftree; node; node = next_directive(node)) {
        if (!ap_cstr_casecmp(node->directive, name)) {
            return 1;
        }
    }
    return 0;
}

/* One of the main server's may be meant for any of its virtual hosts. */
static int holds_for(const char *name, const ap_directive_t *node)
{
    const ap_directive_t *host = virtual_host_of(node);

    return host ? find_directive(name, host) != NULL
                : stands_anywhere(name);
}

static int check_directive(const ap_directive_t *node, server_rec *server,
                           apr_pool_t *pool)
{
    if (!ap_cstr_casecmp(node->directive, "AccessTokenStatements")
        && !holds_for("DBDriver", node)) {
        ap_log_error(APLOG_MARK, APLOG_CRIT, 0, server, ATLOGNO("010")
                     "%s:%d: AccessTokenStatements needs a database: add "
                     "DBDriver and DBDParams, as in access_token-mysql.conf "
                     "or access_token-sqlite3.conf", node->filename,
                     node->line_num);
        return 1;
    }
    if (!ap_cstr_casecmp(node->directive, "SetHandler")) {
        const char *arguments = node->args;

        if (!ap_cstr_casecmp(ap_getword_conf(pool, &arguments),
                             AT_HANDLER_UPDATE)
            && !holds_for("AccessTokenStatements", node)) {
            ap_log_error(APLOG_MARK, APLOG_CRIT, 0, server, ATLOGNO("011")
                         "%s:%d: SetHandler " AT_HANDLER_UPDATE " needs "
                         "AccessTokenStatements with the folder of the "
                         "statement files", node->filename, node->line_num);
            return 1;
        }
    }
    return 0;
}

/* The section of the tree that SERVER was made from. */
static const ap_directive_t *section_of(const server_rec *server)
{
    const ap_directive_t *node;

    for (node = ap_conftree; server->is_virtual && node;
         node = next_directive(node)) {
        if (!ap_cstr_casecmp(node->directive, "<VirtualHost")
            && (unsigned int)node->line_num == server->defn_line_number
            && server->defn_name
            && !strcmp(node->filename, server->defn_name)) {
            return node;
        }
    }
    return NULL;
}

static const char *first_argument(apr_pool_t *pool,
                                  const ap_directive_t *node)
{
    const char *arguments = node ? node->args : NULL;

    return arguments ? ap_getword_conf(pool, &arguments) : NULL;
}

int at_config_check(apr_pool_t *pconf, apr_pool_t *plog, apr_pool_t *ptemp,
                    server_rec *server)
{
    const ap_directive_t *node;
    server_rec *each;
    int mistakes = 0;

    (void)plog;
    for (node = ap_conftree; node; node = next_directive(node)) {
        mistakes += check_directive(node, server, ptemp);
    }
    for (each = server; each; each = each->next) {
        at_server_config_t *config = at_server_config_of(each);
        const ap_directive_t *section = section_of(each);

        config->driver = first_argument(pconf, find_directive("DBDriver",
                                                              section));
        config->params = first_argument(pconf, find_directive("DBDParams",
                                                              section));
    }
    return mistakes ? HTTP_INTERNAL_SERVER_ERROR : OK;
}
