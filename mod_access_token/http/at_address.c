/* SPDX-License-Identifier: Apache-2.0 */
#include "at_address.h"

#include <string.h>

#include <apr_strings.h>

#include <ap_expr.h>
#include <http_config.h>
#include <http_core.h>

static const core_dir_config *core_config(ap_conf_vector_t *places)
{
    return ap_get_core_module_config(places);
}

/* The <Location> that sets R's handler, or NULL. Each SetHandler has its own
 * expression, and merging passes on the pointer to it. */
static const core_dir_config *find_location(request_rec *r)
{
    const core_dir_config *merged = core_config(r->per_dir_config);
    const core_server_config *server =
        ap_get_core_module_config(r->server->module_config);
    int i;

    for (i = 0; merged->expr_handler && i < server->sec_url->nelts; i++) {
        const core_dir_config *location = core_config(
            APR_ARRAY_IDX(server->sec_url, i, ap_conf_vector_t *));

        if (location->expr_handler == merged->expr_handler) {
            return location;
        }
    }
    return NULL;
}

int at_address_is_beneath(request_rec *r)
{
    const core_dir_config *location = find_location(r);
    char *path;

    if (!location) {
        return r->finfo.filetype == APR_REG && r->path_info && *r->path_info;
    }
    if (location->r || location->d_is_fnmatch) {
        return 0;
    }
    path = apr_pstrdup(r->pool, r->uri);
    ap_no2slash(path);           /* as <Location> compares */
    return strcmp(path, location->d) != 0;
}

const char *at_address_handler(request_rec *r)
{
    const core_dir_config *merged = core_config(r->per_dir_config);
    const char *problem = NULL, *name;

    if (!merged->expr_handler) {
        return NULL;
    }
    name = ap_expr_str_exec(r, merged->expr_handler, &problem);
    return problem ? NULL : name;
}
