/* SPDX-License-Identifier: Apache-2.0 */
#include "at_dump.h"

#include <string.h>

#include <apr_file_io.h>
#include <apr_strings.h>

#include <ap_mpm.h>
#include <http_config.h>
#include <http_core.h>
#include <http_main.h>

#include "at_config.h"
#include "at_tree.h"

/* What is printed, and where it is read. */
typedef struct {
    apr_pool_t *pool;
    apr_file_t *out;
    server_rec *server;
    const ap_directive_t *host;  /* of SERVER; NULL for the main server */
    const ap_directive_t *method; /* the SetHandler of the place */
} dump_t;

/* The path of SECTION, a <Location>; NULL if it is another section. */
static const char *location_path(const ap_directive_t *section,
                                 apr_pool_t *pool)
{
    const char *path = section
                       && !ap_cstr_casecmp(section->directive, "<Location")
                       ? at_tree_argument(pool, section) : NULL;
    apr_size_t length = path ? strlen(path) : 0;

    return length && path[length - 1] == '>'
           ? apr_pstrmemdup(pool, path, length - 1) : path;
}

/* True if SECTION is the <Location> of the place, or one around it. */
static int is_around(const dump_t *dump, const ap_directive_t *section)
{
    const char *path = location_path(section, dump->pool);
    const char *own = location_path(dump->method->parent, dump->pool);
    apr_size_t length = path ? strlen(path) : 0;

    return section == dump->method->parent
           || (path && own && !strncmp(path, own, length)
               && (!own[length] || own[length] == '/'
                   || (length && path[length - 1] == '/')));
}

/* How strong NODE, a directive, is for the place: the strongest is in force. 0
 * if it does not apply. Sections are stronger than what is outside of them, and
 * of these a virtual host is stronger than the main server. */
static int strength(const dump_t *dump, const ap_directive_t *node)
{
    const ap_directive_t *host = at_tree_host(node);

    if (host && host != dump->host) {
        return 0;
    }
    if (node->parent == host) {
        return host ? 2 : 1;
    }
    return !is_around(dump, node->parent) ? 0 : host ? 4 : 3;
}

/* The directive NAME that is in force; NULL if it is not set. */
static const ap_directive_t *in_force(const dump_t *dump, const char *name)
{
    const ap_directive_t *node, *found = NULL;
    int strongest = 1;

    for (node = ap_conftree; node; node = at_tree_next(node)) {
        int its = ap_cstr_casecmp(node->directive, name)
                  ? 0 : strength(dump, node);

        if (its >= strongest) {
            strongest = its;
            found = node;
        }
    }
    return found;
}

/* Print the directive NAME that is in force, LAST. One place may have several
 * lines of AccessTokenOrigins, and all are. */
static void print_lines(const dump_t *dump, const char *name,
                        const ap_directive_t *last)
{
    const ap_directive_t *node = last;

    if (!ap_cstr_casecmp(name, "AccessTokenOrigins")) {
        node = last->parent ? last->parent->first_child : ap_conftree;
    }
    for (; node; node = node == last ? NULL : node->next) {
        if (!ap_cstr_casecmp(node->directive, name)) {
            apr_file_printf(dump->out, "    %s %s  (%s:%d)\n", name,
                            node->args, node->filename, node->line_num);
        }
    }
}

/* Print each directive: its value and its place, or its default, which its help
 * has in brackets. */
static void print_directives(const dump_t *dump)
{
    const command_rec *each;

    for (each = at_config_directives; each->name; each++) {
        const ap_directive_t *node = in_force(dump, each->name);
        const char *usual = strstr(each->errmsg, "(default ");

        if (node) {
            print_lines(dump, each->name, node);
        }
        else {
            apr_file_printf(dump->out, "    %s  %s\n", each->name,
                            usual ? usual : "(not set)");
        }
    }
}

/* True if NODE is a directive of the module for the server, in a section other
 * than <Location>. */
static int is_elsewhere(const dump_t *dump, const ap_directive_t *node)
{
    const ap_directive_t *host = at_tree_host(node);

    return !ap_cstr_casecmpn(node->directive, "AccessToken", 11)
           && (!host || host == dump->host) && node->parent != host
           && node->parent != dump->method->parent
           && !location_path(node->parent, dump->pool);
}

/* Print the directives whose sections this does not understand, such as
 * <LocationMatch> and <If>: they may be in force for some requests. */
static void print_others(const dump_t *dump)
{
    const ap_directive_t *node;

    for (node = ap_conftree; node; node = at_tree_next(node)) {
        if (is_elsewhere(dump, node)) {
            apr_file_printf(dump->out, "    For some requests: %s %s  "
                            "(%s:%d)\n", node->directive, node->args,
                            node->filename, node->line_num);
        }
    }
}

/* The use on SERVER of the statements of FOLDER; NULL if there is none. */
static const at_use_t *find_use_of(const server_rec *server,
                                   const char *folder)
{
    const apr_array_header_t *uses =
        at_server_config_of(ap_server_conf)->uses;
    int i;

    for (i = 0; i < uses->nelts; i++) {
        const at_use_t *use = &APR_ARRAY_IDX(uses, i, at_use_t);

        if (use->server == server
            && !strcmp(at_dbd_statements(use->registered)->folder, folder)) {
            return use;
        }
    }
    return NULL;
}

/* The use of the statements that are in force, on the server itself or on the
 * main server, whose database it shares; NULL if there is none. */
static const at_use_t *find_use(const dump_t *dump)
{
    const char *folder = at_tree_argument(dump->pool,
                                          in_force(dump,
                                                   "AccessTokenStatements"));
    const at_use_t *use;

    folder = folder ? at_config_folder(dump->pool, folder) : NULL;
    use = folder ? find_use_of(dump->server, folder) : NULL;
    return use || !folder ? use : find_use_of(ap_server_conf, folder);
}

static void print_statements(const dump_t *dump,
                             const at_statements_t *statements)
{
    int i;

    apr_file_printf(dump->out, "    Statement files:\n");
    for (i = 0; i < AT_STATEMENT_COUNT; i++) {
        const at_statement_t *statement = statements->statement[i];

        if (statement && (!at_statement_is_load((at_statement_e)i)
                          || at_statement_form((at_statement_e)i)
                             == AT_SQL_WHOLE)) {
            apr_file_printf(dump->out, "        %s\n", statement->file);
        }
    }
}

static void print_database(const dump_t *dump, const at_use_t *use)
{
    int processes = 0;
    int connections = at_config_connections(
        at_config_of_server(dump->server, dump->pool), use);

    ap_mpm_query(AP_MPMQ_MAX_DAEMONS, &processes);
    apr_file_printf(dump->out, "    Database: %s, at most %d processes with "
                    "%d connections for calls and %d in all (DBDMax)\n",
                    use->driver, processes, connections, use->dbd_max);
    if (!ap_cstr_casecmp(use->driver, "mysql")) {
        apr_file_printf(dump->out, "    Its max_connections must be above "
                        "%d.\n", processes * use->dbd_max);
    }
}

/* Where the method is: the path of a <Location>, or the section as it is. */
static const char *place_of(const dump_t *dump)
{
    const ap_directive_t *section = dump->method->parent;
    const char *path = location_path(section, dump->pool);

    if (path) {
        return path;
    }
    return section && section != dump->host
           ? apr_pstrcat(dump->pool, section->directive, " ", section->args,
                         (char *)NULL) : "all addresses";
}

/* Print the place of the method. */
static void print_place(const dump_t *dump)
{
    const at_use_t *use = at_config_connects(dump->server) ? find_use(dump)
                                                           : NULL;

    apr_file_printf(dump->out, "  %s  (%s:%d)\n", place_of(dump),
                    dump->method->filename, dump->method->line_num);
    if (!use) {
        apr_file_printf(dump->out, "    No database or no "
                        "AccessTokenStatements applies: calls get 404.\n");
        return;
    }
    print_directives(dump);
    print_others(dump);
    print_statements(dump, at_dbd_statements(use->registered));
    print_database(dump, use);
}

static void print_name(const dump_t *dump)
{
    if (dump->host) {
        apr_file_printf(dump->out, "virtual host %s  (%s:%d)\n",
                        dump->server->server_hostname, dump->host->filename,
                        dump->host->line_num);
    }
    else {
        apr_file_printf(dump->out, "main server\n");
    }
}

static void print_server(dump_t *dump)
{
    const ap_directive_t *node;
    int is_named = 0;

    for (node = ap_conftree; node; node = at_tree_next(node)) {
        const ap_directive_t *host = at_tree_host(node);

        if (!at_tree_is_method(node, dump->pool)
            || (host && host != dump->host)) {
            continue;
        }
        if (!is_named++) {
            print_name(dump);
        }
        dump->method = node;
        print_place(dump);
    }
}

void at_dump_config(apr_pool_t *pool, server_rec *server)
{
    dump_t dump = { pool, NULL, server, NULL, NULL };

    if (!ap_exists_config_define("DUMP_ACCESS_TOKEN")) {
        return;
    }
    apr_file_open_stdout(&dump.out, pool);
    apr_file_printf(dump.out, AT_PRODUCT "\n");
    for (; dump.server; dump.server = dump.server->next) {
        dump.host = at_tree_section(dump.server);
        print_server(&dump);
    }
}
