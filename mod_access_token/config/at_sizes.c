/* SPDX-License-Identifier: Apache-2.0 */
#include "at_sizes.h"

#include <httpd.h>
#include <http_log.h>

#include "at_config.h"

APLOG_USE_MODULE(access_token);

/* A call may take so much longer than its budget. */
#define BEHIND_BUDGET apr_time_from_sec(1)

static void check_server(const at_use_t *use, const at_config_t *config)
{
    int connections = at_config_connections(config, use);

    if (connections > use->dbd_max) {
        ap_log_error(APLOG_MARK, APLOG_WARNING, 0, use->server,
                     ATLOGNO("034") "AccessTokenConnections %d is more than "
                     "DBDMax, %d: calls beyond that wait in mod_dbd. Raise "
                     "DBDMax, or leave AccessTokenConnections out.",
                     connections, use->dbd_max);
    }
    if (config->balancer_timeout
        && config->balancer_timeout < config->retry_budget + BEHIND_BUDGET) {
        ap_log_error(APLOG_MARK, APLOG_WARNING, 0, use->server,
                     ATLOGNO("035") "AccessTokenRetryBudget, %" APR_TIME_T_FMT
                     " ms, and a second behind it are more than "
                     "AccessTokenBalancerTimeout, %" APR_TIME_T_FMT " ms: the "
                     "balancer would give up calls that are still being "
                     "done. Lower the budget, or raise the balancer's "
                     "time-out.", apr_time_as_msec(config->retry_budget),
                     apr_time_as_msec(config->balancer_timeout));
    }
}

void at_sizes_check(const apr_array_header_t *uses, apr_pool_t *pool)
{
    int i, k, seen;

    for (i = 0; i < uses->nelts; i++) {
        const at_use_t *use = &APR_ARRAY_IDX(uses, i, at_use_t);

        for (k = 0, seen = 0; k < i; k++) {
            seen |= APR_ARRAY_IDX(uses, k, at_use_t).server == use->server;
        }
        if (!seen) {
            check_server(use, at_config_of_server(use->server, pool));
        }
    }
}
