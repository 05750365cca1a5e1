/* SPDX-License-Identifier: Apache-2.0 */
/* The directives and what they set; conf/access_token.conf explains them. */
#ifndef AT_CONFIG_H
#define AT_CONFIG_H

#include <httpd.h>
#include <http_config.h>

#include <apr_hash.h>
#include <apr_shm.h>

#include "at_cost.h"
#include "at_idempotency.h"
#include "at_passcode.h"
#include "at_dbd.h"

/** The prefix of a log message: its stable tag. */
#define ATLOGNO(number) "AT" number ": "

/** The handlers' names for SetHandler. */
#define AT_HANDLER_UPDATE "access-token-update"
#define AT_HANDLER_ERROR  "access-token-error"
#define AT_HANDLER_READY  "access-token-ready"

/** The ways in which a caller may be named; bits. */
enum {
    AT_CALLER_SESSION = 1,    /* a session token */
    AT_CALLER_APACHE = 2      /* whom Apache authenticated, r->user */
};

/** What holds for a request. Unset is -1, or NULL. */
typedef struct at_config_t {
    const at_dbd_t *source;   /* AccessTokenStatements */
    apr_off_t body_limit;        /* AccessTokenBodyLimit, in bytes */
    const at_scheme_t *scheme;   /* AccessTokenPassCodeScheme */
    int http_200;                /* AccessTokenHTTP200 */
    int ignore_unknown;          /* AccessTokenUnknownParameters */
    int caller;                  /* AccessTokenCaller: AT_CALLER_… */
    const apr_array_header_t *origins; /* AccessTokenOrigins: const char *, as
                                    at_origin_read gives them */
    int retry_after;             /* AccessTokenRetryAfter, in seconds */
    const at_secret_t *secret;   /* AccessTokenIdempotencyKeyFile */
    apr_interval_time_t key_lifetime; /* AccessTokenIdempotencyLifetime */
    apr_interval_time_t retry_budget; /* AccessTokenRetryBudget */

    /* Of a server, not of a place in it. */
    int connections;             /* AccessTokenConnections; UNSET: DBDMax */
    apr_interval_time_t connection_wait;  /* AccessTokenConnectionWait */
    apr_interval_time_t connection_reuse; /* AccessTokenConnectionReuse */
    apr_interval_time_t lookup_lifetime;  /* AccessTokenLookupLifetime */
    apr_interval_time_t balancer_timeout; /* AccessTokenBalancerTimeout; 0:
                                             not told */
} at_config_t;

/** The statements of a source on the database of a server. */
typedef struct at_use_t {
    server_rec *server;
    const at_dbd_t *source;
    const char *driver;          /* DBDriver */
    const char *params;          /* DBDParams, or "" */
    int dbd_max;                 /* DBDMax */
} at_use_t;

/**
 * What belongs to a server and not to a place in it. A virtual host without
 * a directive of the module shares that of the main server.
 */
typedef struct at_server_config_t {
    apr_hash_t *sources;         /* folders -> at_dbd_t * */
    apr_array_header_t *uses;    /* of the main server's only: at_use_t */
    apr_shm_t *shared;           /* likewise; what the children share: see
                                    at_shared.h */
    at_cost_t pass_code_limit;   /* AccessTokenPassCodeLimit: the main server's,
                                    which at_config_check copies to all */
    int hashing_limit;           /* of the main server's only, as uses;
                                    AccessTokenHashingLimit; 0: not set */

    /* Likewise: server_rec * -> the server_rec * whose connections it uses:
     * its own or the main server's. What is not there has none. */
    apr_hash_t *served_by;

    /* Likewise: what this child process owns; NULL before child_init. The
     * configuration does not look into it. See at_child.h. */
    struct at_child_t *child;
} at_server_config_t;

/** Create and merge, for the module record. */
void *at_config_create(apr_pool_t *pool, char *place);
void *at_config_merge(apr_pool_t *pool, void *base, void *add);
void *at_server_config_create(apr_pool_t *pool, server_rec *server);

/** The module's directives. */
extern const command_rec at_config_directives[];

/**
 * The configuration of R with all defaults filled in, in R's pool. Its
 * source is NULL where no AccessTokenStatements applies.
 */
const at_config_t *at_config_of(request_rec *r);

/** The configuration of SERVER outside of all places, likewise in POOL. */
const at_config_t *at_config_of_server(server_rec *server, apr_pool_t *pool);

/** How many connections of USE's database a child may use at once. */
int at_config_connections(const at_config_t *config, const at_use_t *use);

/** The part of SERVER's own. Never NULL. */
at_server_config_t *at_server_config_of(server_rec *server);

#endif /* AT_CONFIG_H */
