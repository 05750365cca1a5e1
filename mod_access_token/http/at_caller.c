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

/* The values of AuthType whose modules read a token from the header
 * `Authorization: Bearer`, if there is one: mod_auth_openidc, mod_auth_bearer
 * of httpd's trunk, mod_authnz_jwt. */
static const char *const bearer_types[] = {
    "oauth20", "bearer", "jwt", "jwt-bearer", "jwt-both"
};

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

/* True if Apache has taken the user's name from the header `Authorization:
 * Bearer`. Only an AuthType that is known to do so counts: if the user comes
 * from a client certificate or a cookie, a token in this header is that of a
 * session, and must be checked. */
static int is_bearer_apaches(const request_rec *r)
{
    size_t i;

    for (i = 0; r->user && r->ap_auth_type
                && i < sizeof(bearer_types) / sizeof(bearer_types[0]); i++) {
        if (!ap_cstr_casecmp(r->ap_auth_type, bearer_types[i])) {
            return 1;
        }
    }
    return 0;
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

    if (!(config->caller & AT_CALLER_SESSION) || is_bearer_apaches(r)) {
        bearer = NULL;
    }
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

void at_caller_challenge(request_rec *r, const at_config_t *config)
{
    apr_table_t *headers = r->err_headers_out;

    if (apr_table_get(headers, "WWW-Authenticate")) {
        return;
    }
    if ((config->caller & AT_CALLER_APACHE) && ap_auth_type(r)) {
        ap_note_auth_failure(r);
    }
    if ((config->caller & AT_CALLER_SESSION)
        || !apr_table_get(headers, "WWW-Authenticate")) {
        apr_table_addn(headers, "WWW-Authenticate", "Bearer");
    }
}
