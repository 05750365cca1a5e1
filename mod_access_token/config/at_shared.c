/* SPDX-License-Identifier: Apache-2.0 */
#include "at_shared.h"

#include <string.h>

#include <apr_atomic.h>
#include <apr_shm.h>

#include <http_core.h>
#include <http_log.h>

APLOG_USE_MODULE(access_token);

/* The incidents follow it: AT_FAULT_COUNT of them for each use. */
typedef struct {
    apr_uint32_t started;        /* 1: a child has checked the start */
    at_hashing_floor_t floor;
} shared_t;

int at_shared_prepare(apr_pool_t *pconf, apr_pool_t *plog, apr_pool_t *ptemp,
                      server_rec *server)
{
    at_server_config_t *config = at_server_config_of(server);
    shared_t *shared;
    apr_status_t status;
    apr_size_t size;

    (void)plog;
    (void)ptemp;
    if (ap_state_query(AP_SQ_MAIN_STATE) == AP_SQ_MS_CREATE_PRE_CONFIG) {
        return OK;
    }
    config->sha256 = at_digest_make(pconf);
    size = sizeof(shared_t)
           + (apr_size_t)config->uses->nelts * sizeof(at_incident_t)
             * AT_FAULT_COUNT;
    status = apr_shm_create(&config->shared, size, NULL, pconf);
    if (status != APR_SUCCESS) {
        ap_log_error(APLOG_MARK, APLOG_WARNING, status, server,
                     ATLOGNO("020") "no shared memory: each child will "
                     "check the database when it starts, and log faults of "
                     "the database on its own");
        config->shared = NULL;
        return OK;
    }
    shared = apr_shm_baseaddr_get(config->shared);
    memset(shared, 0, size);
    at_hashing_floor_make(&shared->floor);
    return OK;
}

static shared_t *shared_of(server_rec *server)
{
    apr_shm_t *memory = at_server_config_of(server)->shared;

    return memory ? apr_shm_baseaddr_get(memory) : NULL;
}

at_hashing_floor_t *at_shared_floor(server_rec *server)
{
    shared_t *shared = shared_of(server);

    return shared ? &shared->floor : NULL;
}

at_incident_t *at_shared_incidents(server_rec *server, const at_use_t *use)
{
    const apr_array_header_t *uses = at_server_config_of(server)->uses;
    shared_t *shared = shared_of(server);
    int i = 0;

    if (!shared) {
        return NULL;
    }
    while (APR_ARRAY_IDX(uses, i, at_use_t).server != use->server) {
        i++;
    }
    return (at_incident_t *)(shared + 1) + i * AT_FAULT_COUNT;
}

int at_shared_is_first_child(server_rec *server)
{
    shared_t *shared = shared_of(server);

    return !shared || apr_atomic_xchg32(&shared->started, 1) == 0;
}
