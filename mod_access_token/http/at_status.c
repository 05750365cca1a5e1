/* SPDX-License-Identifier: Apache-2.0 */
#include "at_status.h"

#include <http_protocol.h>
#include <mod_status.h>

#include "at_child.h"
#include "at_config.h"

typedef struct {
    request_rec *r;
    int is_short;                /* lines for programs, no HTML */
    at_cache_content_t all;
} page_t;

static void write_cache(void *baton, const char *folder, const char *name,
                        const at_cache_content_t *content)
{
    page_t *page = baton;

    page->all.entries += content->entries;
    page->all.bytes += content->bytes;
    page->all.capacity += content->capacity;
    if (!page->is_short) {
        ap_rprintf(page->r, "<dt>%s: %s</dt><dd>%u entries, %"
                   APR_SIZE_T_FMT " of %" APR_SIZE_T_FMT " kB</dd>\n",
                   ap_escape_html(page->r->pool, folder), name,
                   content->entries, content->bytes / 1024,
                   content->capacity / 1024);
    }
}

int at_status_write(request_rec *r, int flags)
{
    page_t page = { r, flags & AP_STATUS_SHORT, { 0, 0, 0 } };

    if (!page.is_short) {
        ap_rputs("<hr />\n<h2>" AT_PRODUCT "</h2>\n<p>Cached by this child "
                 "process:</p>\n<dl>\n", r);
    }
    at_child_visit_caches(write_cache, &page, r->pool);
    if (!page.is_short) {
        ap_rputs("</dl>\n", r);
        return OK;
    }
    ap_rprintf(r, "AccessTokenVersion: " AT_VERSION
               "\nAccessTokenCachedEntries: %u\nAccessTokenCachedBytes: %"
               APR_SIZE_T_FMT "\nAccessTokenCachedBytesMax: %" APR_SIZE_T_FMT
               "\n", page.all.entries, page.all.bytes, page.all.capacity);
    return OK;
}
