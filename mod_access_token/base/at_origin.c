/* SPDX-License-Identifier: Apache-2.0 */
#include "at_origin.h"

#include <string.h>

#include <apr_lib.h>
#include <apr_strings.h>

static int is_scheme(const char *text, apr_size_t length)
{
    apr_size_t i;

    for (i = 0; i < length; i++) {
        unsigned char c = (unsigned char)text[i];

        if (c >= 0x80 || !(apr_isalpha(c)
                           || (i && (apr_isdigit(c) || strchr("+-.", c))))) {
            return 0;
        }
    }
    return length > 0;
}

/* True if the first LENGTH bytes of HOST are a name or an address. */
static int is_host(const char *host, apr_size_t length)
{
    const char *punctuation = "-._";
    apr_size_t i;

    if (length > 2 && host[0] == '[' && host[length - 1] == ']') {
        punctuation = ":.";
        host++;
        length -= 2;
    }
    for (i = 0; i < length; i++) {
        unsigned char c = (unsigned char)host[i];

        if (c >= 0x80 || !(apr_isalnum(c) || strchr(punctuation, c))) {
            return 0;
        }
    }
    return length > 0;
}

/* The length of HOST, `host[:port]`, without its port. */
static apr_size_t host_length(const char *host)
{
    const char *colon = strrchr(host, ':');

    return !colon || strchr(colon, ']') ? strlen(host)
                                        : (apr_size_t)(colon - host);
}

static int is_default_port(const char *origin, const char *port)
{
    return (!strncmp(origin, "http://", 7) && !strcmp(port, ":80"))
           || (!strncmp(origin, "https://", 8) && !strcmp(port, ":443"));
}

const char *at_origin_read(const char *text, apr_pool_t *pool)
{
    const char *separator = strstr(text, "://"), *host;
    char *origin, *port, *at;

    if (!separator || !is_scheme(text, (apr_size_t)(separator - text))) {
        return NULL;
    }
    host = separator + 3;
    if (!is_host(host, host_length(host))) {
        return NULL;
    }
    origin = apr_pstrdup(pool, text);
    for (at = origin; *at; at++) {
        *at = (char)apr_tolower((unsigned char)*at);
    }
    port = origin + (host - text) + host_length(host);
    if (*port && (!port[1] || strlen(port) > 6
                  || port[1 + strspn(port + 1, "0123456789")])) {
        return NULL;
    }
    if (is_default_port(origin, port)) {
        *port = '\0';
    }
    return origin;
}

static int is_one_of(const char *origin, const apr_array_header_t *origins)
{
    int i;

    for (i = 0; origins && i < origins->nelts; i++) {
        if (!strcmp(APR_ARRAY_IDX(origins, i, const char *), origin)) {
            return 1;
        }
    }
    return 0;
}

/* True if ORIGIN, from at_origin_read, is of the host that REQUEST was sent
 * to. */
static int is_own(const char *origin, const at_origin_t *request,
                  apr_pool_t *pool)
{
    const char *host = strstr(origin, "://") + 3, *own;
    const char *scheme = apr_pstrndup(pool, origin,
                                      (apr_size_t)(host - origin));

    if (!request->host
        || (request->is_https && strcmp(scheme, "https://"))) {
        return 0;
    }
    own = at_origin_read(apr_pstrcat(pool, scheme, request->host,
                                     (char *)NULL), pool);
    return own && !strcmp(own, origin);
}

int at_origin_is_foreign(const at_origin_t *request,
                         const apr_array_header_t *trusted,
                         apr_pool_t *pool)
{
    const char *origin = request->origin
                         ? at_origin_read(request->origin, pool) : NULL;

    if (origin && is_one_of(origin, trusted)) {
        return 0;
    }
    if (request->fetch_site && strcmp(request->fetch_site, "same-origin")
        && strcmp(request->fetch_site, "none")) {
        return 1;
    }
    return request->origin && (!origin || !is_own(origin, request, pool));
}
