/* SPDX-License-Identifier: Apache-2.0 */
/* The directives and the values that they set. conf/access_token.conf explains
 * each directive. */
#ifndef AT_CONFIG_H
#define AT_CONFIG_H

#include <httpd.h>
#include <http_config.h>

#include <apr_hash.h>
#include <apr_shm.h>

#include "at_cost.h"
#include "at_digest.h"
#include "at_idempotency.h"
#include "at_passcode.h"
#include "at_dbd.h"

/** The tag at the beginning of a log message. A tag never changes. */
#define ATLOGNO(number) "AT" number ": "

/** The module with its version, which is set in configure.ac. The header Server
 *  of a reply does not show it. */
#define AT_PRODUCT "mod_access_token/" AT_VERSION

/** The names of the handlers, for SetHandler. */
#define AT_HANDLER_UPDATE "access-token-update"
#define AT_HANDLER_ERROR  "access-token-error"
#define AT_HANDLER_READY  "access-token-ready"

/** The ways to name the caller, as bits. */
enum {
    AT_CALLER_SESSION = 1,    /* a session token */
    AT_CALLER_APACHE = 2      /* r->user, which Apache has authenticated */
};

/** The configuration of a place: a server, virtual host or location. A member
 *  that is not set is -1 or NULL. */
typedef struct at_config_t {
    const at_registered_t *registered; /* AccessTokenStatements */
    int body_limit;              /* AccessTokenBodyLimit, in bytes */
    const at_scheme_t *scheme;   /* AccessTokenPassCodeScheme */
    int http_200;                /* AccessTokenHTTP200 */
    int ignore_unknown;          /* AccessTokenUnknownParameters */
    int caller;                  /* AccessTokenCaller: AT_CALLER_… */
    const apr_array_header_t *origins; /* AccessTokenOrigins: const char *, from
                                    at_origin_read */
    int retry_after;             /* AccessTokenRetryAfter, in seconds */
    const at_secret_t *secret;   /* AccessTokenIdempotencyKeyFile */
    apr_interval_time_t key_lifetime; /* AccessTokenIdempotencyLifetime */
    apr_interval_time_t retry_budget; /* AccessTokenRetryBudget */

    /* These can be set for a server only, not for a location. */
    int connections;             /* AccessTokenConnections; -1: DBDMax */
    apr_interval_time_t connection_wait;  /* AccessTokenConnectionWait */
    apr_interval_time_t connection_reuse; /* AccessTokenConnectionReuse */
    apr_interval_time_t lookup_lifetime;  /* AccessTokenLookupLifetime */
    int lookup_memory;           /* AccessTokenLookupMemory, in MiB */
    apr_interval_time_t balancer_timeout; /* AccessTokenBalancerTimeout; 0:
                                             not known */
} at_config_t;

/** A use of statements: they are prepared on the database of SERVER. */
typedef struct at_use_t {
    server_rec *server;
    const at_registered_t *registered;
    const char *driver;          /* DBDriver */
    const char *params;          /* DBDParams, or "" */
    int dbd_max;                 /* DBDMax */
} at_use_t;

/**
 * The part of the configuration that belongs to a whole server. A virtual host
 * without a directive of the module shares the main server's.
 */
typedef struct at_server_config_t {
    apr_hash_t *folders;         /* "FOLDER" or "FOLDER BASE" ->
                                    at_registered_t * */
    at_cost_t pass_code_limit;   /* AccessTokenPassCodeLimit; at_config_check
                                    copies the main server's to all servers */

    /* The other members are used in the main server's only. */
    int hashing_limit;           /* AccessTokenHashingLimit; 0: not set */
    apr_array_header_t *uses;    /* at_use_t */
    apr_hash_t *served_by;       /* server_rec * -> server_rec *: the server
                                    whose connections it uses, itself or the
                                    main server. A server that is missing uses
                                    none. */
    const at_digest_t *sha256;   /* of at_digest_make, or NULL */
    apr_shm_t *shared;           /* what the children share: see at_shared.h */
    struct at_child_t *child;    /* what this child process owns: see
                                    at_child.h; NULL before child_init. The
                                    configuration does not look into it. */
} at_server_config_t;

/** Create the configuration of a place in POOL, with nothing set; for the
 *  module record. PLACE is not used. */
void *at_config_create(apr_pool_t *pool, char *place);

/** The configuration ADD, with what it leaves unset from BASE, in POOL; for the
 *  module record. */
void *at_config_merge(apr_pool_t *pool, void *base, void *add);

/** Create the configuration of SERVER in POOL; for the module record. */
void *at_server_config_create(apr_pool_t *pool, server_rec *server);

/**
 * True if warnings of the configuration that is being read may be logged. httpd
 * reads it twice when it starts; the second time, whose messages are in the
 * error log, is enough. `apachectl configtest` reads it once.
 */
int at_config_may_warn(void);

/** The folder that ARGUMENT of AccessTokenStatements names, as an absolute path
 *  in its normal form, in POOL; NULL if it is not a path. */
const char *at_config_folder(apr_pool_t *pool, const char *argument);

/** The module's directives. */
extern const command_rec at_config_directives[];

/**
 * The configuration of R with all defaults filled in, in R's pool. Its
 * `registered` is NULL if no AccessTokenStatements applies to R.
 */
const at_config_t *at_config_of(request_rec *r);

/** The configuration of SERVER outside of all locations, with all defaults
 *  filled in, in POOL. */
const at_config_t *at_config_of_server(server_rec *server, apr_pool_t *pool);

/** The greatest number of connections to the database of USE that a child may
 *  use at once, by CONFIG, the configuration of USE's server. */
int at_config_connections(const at_config_t *config, const at_use_t *use);

/** True if SERVER uses connections to a database, its own or the main server's.
 *  Only after at_config_check. */
int at_config_connects(server_rec *server);

/** True if statements and a database apply to R, whose configuration is CONFIG.
 *  Where they do not, the module has no address. */
int at_config_has_database(request_rec *r, const at_config_t *config);

/** The configuration of the whole of SERVER. Never NULL. */
at_server_config_t *at_server_config_of(server_rec *server);

#endif /* AT_CONFIG_H */
