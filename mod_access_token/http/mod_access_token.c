/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mod_access_token serves POST /v4/access_tokens/update.
 *
 *     LoadModule dbd_module modules/mod_dbd.so
 *     LoadModule access_token_module modules/mod_access_token.so
 *     AccessTokenStatements /usr/share/mod_access_token/sql/mysql/statements
 *     <Location "/v4/access_tokens/update">
 *         SetHandler access-token-update
 *     </Location>
 *
 * This file has the module record and the hooks.
 */
#include <httpd.h>
#include <http_config.h>
#include <http_connection.h>
#include <http_request.h>
#include <mod_status.h>

#include <apr_optional_hooks.h>

#include "at_child.h"
#include "at_config.h"
#include "at_config_check.h"
#include "at_dump.h"
#include "at_handler.h"
#include "at_shared.h"
#include "at_startup.h"
#include "at_status.h"

#if !AP_MODULE_MAGIC_AT_LEAST(20120211, 0)
#error "mod_access_token needs Apache httpd 2.4"
#endif

static void register_hooks(apr_pool_t *pool)
{
    (void)pool;
    ap_hook_check_config(at_config_check, NULL, NULL, APR_HOOK_MIDDLE);
    ap_hook_test_config(at_dump_config, NULL, NULL, APR_HOOK_MIDDLE);
    /* After mod_ssl, whose SSLFIPS changes where digests are from. */
    ap_hook_post_config(at_shared_prepare, NULL, NULL, APR_HOOK_LAST);
    ap_hook_child_init(at_child_prepare, NULL, NULL, APR_HOOK_FIRST);
    APR_OPTIONAL_HOOK(dbd, post_connect, at_child_note, NULL, NULL,
                      APR_HOOK_FIRST);
    APR_OPTIONAL_HOOK(dbd, post_connect, at_child_set_up, NULL, NULL,
                      APR_HOOK_REALLY_LAST);
    /* After mod_dbd, so that its message on a failure comes first. */
    ap_hook_child_init(at_startup_check, NULL, NULL, APR_HOOK_LAST);
    ap_hook_child_init(at_child_init, NULL, NULL, APR_HOOK_LAST);
    ap_hook_pre_connection(at_child_connect, NULL, NULL, APR_HOOK_MIDDLE);
    ap_hook_translate_name(at_handler_trace, NULL, NULL, APR_HOOK_FIRST);
    ap_hook_handler(at_handler_update, NULL, NULL, APR_HOOK_MIDDLE);
    ap_hook_handler(at_handler_ready, NULL, NULL, APR_HOOK_MIDDLE);
    ap_hook_handler(at_handler_error, NULL, NULL, APR_HOOK_MIDDLE);
    APR_OPTIONAL_HOOK(ap, status_hook, at_status_write, NULL, NULL,
                      APR_HOOK_MIDDLE);
}

AP_DECLARE_MODULE(access_token) = {
    STANDARD20_MODULE_STUFF,
    at_config_create,            /* of a place: server, host, location */
    at_config_merge,
    at_server_config_create,     /* of a server */
    NULL,
    at_config_directives,
    register_hooks,
    AP_MODULE_FLAG_NONE
};
