/* SPDX-License-Identifier: Apache-2.0 */
#include "at_child.h"

#include <ap_mpm.h>
#include <http_log.h>

#include "at_config.h"
#include "at_hashing.h"
#include "at_shared.h"

APLOG_USE_MODULE(access_token);

static apr_status_t end_hashing(void *data)
{
    at_hashing_end(data);
    return APR_SUCCESS;
}

/* How many threads of a child may wait to hash. Each of them is a thread that
 * serves nothing else meanwhile: a quarter is left to other requests. */
static int count_places(void)
{
    int threads = 1;

    ap_mpm_query(AP_MPMQ_MAX_THREADS, &threads);
    return threads > 1 ? threads - (threads + 3) / 4 : 1;
}

void at_child_init(apr_pool_t *pool, server_rec *server)
{
    int limit = at_server_config_of(server)->hashing_limit;
    at_hashing_t *hashing = at_hashing_make(limit ? limit
                                            : at_hashing_processors(),
                                            count_places(),
                                            at_shared_floor(server));

    if (!hashing) {
        ap_log_error(APLOG_MARK, APLOG_CRIT, 0, server, ATLOGNO("039")
                     "no memory for AccessTokenHashingLimit: there is no "
                     "limit in this child");
        return;
    }
    apr_pool_pre_cleanup_register(pool, hashing, end_hashing);
    for (; server; server = server->next) {
        at_server_config_of(server)->hashing = hashing;
    }
}
