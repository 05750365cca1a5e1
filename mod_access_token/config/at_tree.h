/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The tree of directives that httpd has read. Sections such as <VirtualHost>
 * and <Location> are nodes with children; <IfModule> and <IfDefine> are not in
 * it, only what is in them. A HOST is the node of a <VirtualHost>; NULL is the
 * main server.
 */
#ifndef AT_TREE_H
#define AT_TREE_H

#include <httpd.h>
#include <util_cfgtree.h>

/** The <VirtualHost> that contains NODE; NULL for the main server. */
const ap_directive_t *at_tree_host(const ap_directive_t *node);

/** The node after NODE; NULL after the last. The directives in a section come
 *  after the section and before the directive that follows it. */
const ap_directive_t *at_tree_next(const ap_directive_t *node);

/** The last directive NAME that applies to HOST: one of its own, or else one of
 *  the main server; NULL if there is none. */
const ap_directive_t *at_tree_find(const char *name,
                                   const ap_directive_t *host);

/** True if the configuration has the directive NAME anywhere. */
int at_tree_has(const char *name);

/** True if HOST itself has the directive NAME; false for the main server. */
int at_tree_has_own(const char *name, const ap_directive_t *host);

/** True if the directive NAME applies where NODE is. A directive of the main
 *  server may be for any virtual host. */
int at_tree_applies(const ap_directive_t *node, const char *name);

/** The first argument of NODE in POOL; NULL if there is none, or NODE is
 *  NULL. */
const char *at_tree_argument(apr_pool_t *pool, const ap_directive_t *node);

/** The <VirtualHost> of SERVER in the tree; NULL for the main server. */
const ap_directive_t *at_tree_section(const server_rec *server);

/** True if NODE is the SetHandler that serves the method. POOL is used
 *  meanwhile. */
int at_tree_is_method(const ap_directive_t *node, apr_pool_t *pool);

/** The first SetHandler by which HOST serves the method, its own or one of the
 *  main server; NULL if there is none. POOL is used meanwhile. */
const ap_directive_t *at_tree_method(const ap_directive_t *host,
                                     apr_pool_t *pool);

#endif /* AT_TREE_H */
