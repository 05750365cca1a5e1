/* SPDX-License-Identifier: Apache-2.0 */
#include "at_precis.h"

#include <string.h>

#include <unictype.h>
#include <uninorm.h>
#include <unistr.h>

#include "at_wipe.h"

#define NON_JOINER 0x200C
#define JOINER     0x200D

/* The context before a character, as far as joiners need it. */
typedef struct {
    int combining_class;      /* of the character before it */
    int joins;                /* one that joins to the left, and only
                                 transparent ones since */
} before_t;

/* The character at *TEXT, which is advanced; 0 at the end. */
static ucs4_t next_character(const uint8_t **text)
{
    ucs4_t character;
    int size = u8_strmbtouc(&character, *text);

    if (size <= 0) {
        return 0;
    }
    *text += size;
    return character;
}

static void note(before_t *before, ucs4_t character)
{
    int joining = uc_joining_type(character);

    before->combining_class = uc_combining_class(character);
    if (joining != UC_JOINING_TYPE_T) {
        before->joins = joining == UC_JOINING_TYPE_L
                        || joining == UC_JOINING_TYPE_D;
    }
}

/* True if TEXT begins with transparent characters and then one that joins to
 * the right. */
static int joins_on(const uint8_t *text)
{
    int joining;

    do {
        joining = uc_joining_type(next_character(&text));
    } while (joining == UC_JOINING_TYPE_T);
    return joining == UC_JOINING_TYPE_R || joining == UC_JOINING_TYPE_D;
}

/* RFC 5892, A.1 and A.2; TEXT is what follows the joiner CHARACTER. */
static int may_join(const before_t *before, ucs4_t character,
                    const uint8_t *text)
{
    return before->combining_class == UC_CCC_VR
           || (character == NON_JOINER && before->joins && joins_on(text));
}

/* The directional marks are ignorable. The marks of interlinear annotation,
 * U+FFF9 to U+FFFB, are not, but are invisible as well. */
static int is_hidden(ucs4_t character)
{
    return uc_is_property_default_ignorable_code_point(character)
           || uc_is_property_not_a_character(character)
           || (character >= 0xFFF9 && character <= 0xFFFB);
}

/* True if all of TEXT is ASCII, and its end. */
static int is_ascii(const char *text)
{
    while (*text && (unsigned char)*text < 0x80) {
        text++;
    }
    return !*text;
}

int at_precis_has_hidden(const char *text)
{
    const uint8_t *rest = (const uint8_t *)text;
    before_t before = { 0, 0 };
    ucs4_t character;

    if (is_ascii(text)) {
        return 0;
    }
    while ((character = next_character(&rest)) != 0) {
        int is_joiner = character == NON_JOINER || character == JOINER;

        if (is_joiner ? !may_join(&before, character, rest)
                      : is_hidden(character)) {
            return 1;
        }
        note(&before, character);
    }
    return 0;
}

/* Copy TEXT to TO, which has room for it, with each space as U+0020. Returns
 * the length in bytes. */
static apr_size_t map_spaces(uint8_t *to, const char *text)
{
    const uint8_t *from = (const uint8_t *)text;
    const uint8_t *start = to;
    ucs4_t character;

    while ((character = next_character(&from)) != 0) {
        if (uc_is_general_category_withtable(character,
                                             UC_CATEGORY_MASK_Zs)) {
            character = ' ';
        }
        to += u8_uctomb(to, character, 4);
    }
    return (apr_size_t)(to - start);
}

const char *at_precis_prepare(apr_pool_t *pool, const char *text)
{
    apr_size_t size = strlen(text) + 1, length, room;
    uint8_t *mapped, *composed, *made;

    if (is_ascii(text)) {
        return text;
    }
    /* In NFC a text has at most three times its bytes (UAX #15), so the
     * library needs no memory of its own, which it would not wipe. */
    room = 3 * size;
    mapped = apr_palloc(pool, size + room);
    at_wipe_with_pool(pool, mapped, size + room);
    composed = mapped + size;
    length = map_spaces(mapped, text);
    made = u8_normalize(UNINORM_NFC, mapped, length, composed, &room);
    at_wipe_stack();
    if (made != composed) {
        return NULL;
    }
    made[room] = '\0';
    return strcmp((const char *)made, text) ? (const char *)made : text;
}
