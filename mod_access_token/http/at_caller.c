/* SPDX-License-Identifier: Apache-2.0 */
#include "at_caller.h"

#include <string.h>

#include <apr_lib.h>
#include <apr_strings.h>

#include <http_core.h>
#include <http_log.h>
#include <http_protocol.h>

#include "at_origin.h"
#include "at_wipe.h"

APLOG_USE_MODULE(access_token);

/* The token of `Authorization: Bearer ...` (RFC 6750), or NULL. The header and
 * this copy are wiped with the request, when nothing can log a header any
 * more. */
static const char *bearer_token(request_rec *r)
{
    const char *header = apr_table_get(r->headers_in, "Authorization");
    const char *token;
    char *end;

    if (!header || ap_cstr_casecmpn(header, "Bearer", 6)
        || !apr_isspace(header[6])) {
        return NULL;
    }
    token = header + 6;
    while (apr_isspace(*token)) {
        token++;
    }
    at_wipe_with_pool(r->pool, (void *)token, strlen(token));
    end = at_wipe_copy(r->pool, token);
    token = end;
    end += strlen(end);
    while (end > token && apr_isspace(end[-1])) {
        *--end = '\0';
    }
    return *token ? token : NULL;
}

int at_caller_is_apaches(const request_rec *r, const at_config_t *config)
{
    return (config->caller & AT_CALLER_APACHE) && r->user;
}

/* A browser sends a password that it has stored with every request to this
 * site, even if a page of another site made the request. */
static at_error_t *check_origin(request_rec *r, const at_config_t *config)
{
    at_origin_t origin;

    origin.origin = apr_table_get(r->headers_in, "Origin");
    origin.fetch_site = apr_table_get(r->headers_in, "Sec-Fetch-Site");
    origin.host = apr_table_get(r->headers_in, "Host");
    origin.is_https = !strcmp(ap_http_scheme(r), "https");
    if (!at_origin_is_foreign(&origin, config->origins, r->pool)) {
        return NULL;
    }
    ap_log_rerror(APLOG_MARK, APLOG_INFO, 0, r, ATLOGNO("040")
                  "a page of another site sent a request for %s: Origin %s, "
                  "Sec-Fetch-Site %s, Host %s; to allow that, name its "
                  "origin in AccessTokenOrigins", r->user,
                  origin.origin ? origin.origin : "-",
                  origin.fetch_site ? origin.fetch_site : "-",
                  origin.host ? origin.host : "-");
    return at_error_make(r->pool, AT_FORBIDDEN, "According to the "
                         "headers Origin and Sec-Fetch-Site, a page of "
                         "another site sent this request. Such a page may "
                         "not use the browser's login at this site.");
}

at_error_t *at_caller_find(at_call_t *call, request_rec *r,
                           const at_config_t *config)
{
    const char *bearer = bearer_token(r);
    const char *token = call->request->token;

    if (bearer && token && strcmp(bearer, token)) {
        return at_error_make(r->pool, AT_INVALID_REQUEST, "The Authorization "
                             "header and the body have different session "
                             "tokens. Send only one of the two.");
    }
    if (at_caller_is_apaches(r, config)) {
        AT_TRY(check_origin(r, config));
        call->username = r->user;
    }
    /* A token that is sent in addition to r->user must be that user's, even
     * if tokens alone are not accepted here. */
    if ((config->caller & AT_CALLER_SESSION) || call->username) {
        call->token = token ? token : bearer;
    }
    return NULL;
}
