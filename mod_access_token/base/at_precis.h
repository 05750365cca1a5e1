/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What PRECIS (RFC 8264 and 8265) requires of codes, identifiers and pass
 * codes, as far as the contract follows it (section 2). All texts are valid
 * UTF-8 that ends with a NUL.
 */
#ifndef AT_PRECIS_H
#define AT_PRECIS_H

#include <apr_pools.h>

/**
 * True if TEXT has a character that RFC 8264 disallows because it is
 * invisible: one of the property Default_Ignorable_Code_Point, to which the
 * directional marks belong, or Noncharacter_Code_Point, or U+FFF9 to U+FFFB.
 * The joiners U+200C and U+200D are allowed where RFC 5892 allows them:
 * appendices A.1 and A.2.
 */
int at_precis_has_hidden(const char *text);

/**
 * The pass code TEXT as OpaqueString prepares it (RFC 8265, section 4.2): each
 * space other than U+0020 becomes U+0020, then the text is composed (NFC).
 * Returns TEXT itself if that changes nothing, else a copy in POOL, which is
 * wiped when POOL is cleared; NULL if memory ran out.
 */
const char *at_precis_prepare(apr_pool_t *pool, const char *text);

#endif /* AT_PRECIS_H */
