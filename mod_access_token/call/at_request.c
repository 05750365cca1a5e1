/* SPDX-License-Identifier: Apache-2.0 */
#include "at_request.h"

#include <string.h>

#include <apr_strings.h>

#include "at_custom.h"
#include "at_date.h"
#include "at_field.h"
#include "at_number.h"
#include "at_precis.h"
#include "at_text.h"

#define KEY_POINTER "/access_token_identifier"

typedef struct {
    at_request_t *request;
    const at_request_options_t *options;
    at_violations_t *violations;
    apr_pool_t *pool;
    int out_of_memory;
} reader_t;

/* True if VALUE is a string; else adds a violation. */
static int is_string(reader_t *reader, const at_json_t *value,
                     const char *pointer, const char *kinds)
{
    if (value->type == AT_JSON_STRING) {
        return 1;
    }
    at_violations_add(reader->violations, pointer, AT_VIOLATION_INVALID_TYPE,
                      "It must be a %s.", kinds);
    return 0;
}

static void check_characters(reader_t *reader, const char *text,
                             const char *pointer, apr_size_t most)
{
    if (most && at_text_length(text) > most) {
        at_violations_add(reader->violations, pointer, AT_VIOLATION_TOO_LONG,
                          "At most %" APR_SIZE_T_FMT " characters.", most);
    }
}

static void check_bytes(reader_t *reader, const char *text,
                        const char *pointer, apr_size_t most)
{
    if (strlen(text) > most) {
        at_violations_add(reader->violations, pointer, AT_VIOLATION_TOO_LONG,
                          "At most %" APR_SIZE_T_FMT " bytes.", most);
    }
}

/* The rules for every code, identifier and new pass code. */
static void check_credential(reader_t *reader, const char *text,
                             const char *pointer)
{
    if (!*text) {
        at_violations_add(reader->violations, pointer,
                          AT_VIOLATION_MANDATORY,
                          "It must not be the empty string.");
    }
    if (at_text_has_control(text)) {
        at_violations_add(reader->violations, pointer,
                          AT_VIOLATION_INVALID_FORMAT,
                          "It must not contain control characters.");
    }
    if (at_text_has_outer_space(text)) {
        at_violations_add(reader->violations, pointer,
                          AT_VIOLATION_INVALID_FORMAT,
                          "It must not begin or end with white space.");
    }
}

/* In a pass code these do no harm: the user enters the same ones again. */
static void check_hidden(reader_t *reader, const char *text,
                         const char *pointer)
{
    if (at_precis_has_hidden(text)) {
        at_violations_add(reader->violations, pointer,
                          AT_VIOLATION_INVALID_FORMAT,
                          "It must not contain invisible characters.");
    }
}

/* SENT, a pass code, as it is hashed and verified. */
static const char *prepare(reader_t *reader, const char *sent)
{
    const char *prepared = at_precis_prepare(reader->pool, sent);

    reader->out_of_memory |= !prepared;
    return prepared ? prepared : sent;
}

/* Refuse what the hash scheme would ignore. */
static void check_scheme(reader_t *reader, const char *text,
                         const char *pointer)
{
    const at_scheme_t *scheme = reader->options->scheme;

    check_bytes(reader, text, pointer, scheme->max_bytes);
    if (!at_scheme_takes(scheme, text)) {
        at_violations_add(reader->violations, pointer,
                          AT_VIOLATION_INVALID_FORMAT,
                          "Only ASCII characters are allowed here.");
    }
}

static const char *read_string(reader_t *reader, int index,
                               const at_json_t *value, const char *pointer)
{
    const at_field_t *field = at_field_get(index);
    const char *text = value->text;

    if (!is_string(reader, value, pointer, "string or null")) {
        return NULL;
    }
    check_characters(reader, text, pointer,
                     reader->options->statements->max_characters[index]);
    if (field->flags & AT_FIELD_IS_SECRET) {
        text = prepare(reader, text);
        check_scheme(reader, text, pointer);
    }
    else if (field->flags & AT_FIELD_IS_CREDENTIAL) {
        check_hidden(reader, text, pointer);
    }
    if (field->flags & AT_FIELD_IS_CREDENTIAL) {
        check_credential(reader, text, pointer);
    }
    return text;
}

static const char *read_number(reader_t *reader, const at_json_t *value,
                               const char *pointer)
{
    double number = 0;

    if (value->type != AT_JSON_NUMBER) {
        at_violations_add(reader->violations, pointer,
                          AT_VIOLATION_INVALID_TYPE,
                          "It must be a number or null.");
        return NULL;
    }
    if (at_number_is_formatted(value->text)) {
        return value->text;
    }
    if (at_number_parse(&number, value->text) != AT_NUMBER_READ) {
        at_violations_add(reader->violations, pointer,
                          AT_VIOLATION_OUT_OF_RANGE,
                          "The number is too large for a double.");
        return NULL;
    }
    return at_number_format(reader->pool, number);
}

static const char *read_date(reader_t *reader, const at_json_t *value,
                             const char *pointer)
{
    const char *date;

    if (!is_string(reader, value, pointer, "string or null")) {
        return NULL;
    }
    date = at_date_parse(reader->pool, value->text);
    if (!date) {
        at_violations_add(reader->violations, pointer,
                          AT_VIOLATION_INVALID_FORMAT, "It must be a real "
                          "date, written as YYYY-MM-DD or "
                          "YYYY-MM-DDThh:mm:ss, in the years 1000 to 9999, "
                          "without a time zone.");
    }
    return date;
}

static void read_field(reader_t *reader, int index, const at_json_t *value,
                       const char *pointer)
{
    const at_field_t *field = at_field_get(index);
    at_field_value_t *to = &reader->request->fields[index];

    if (value->type == AT_JSON_NULL && field->type != AT_FIELD_CUSTOM) {
        to->presence = AT_NULL;
        return;
    }
    to->presence = AT_VALUE;
    switch (field->type) {
    case AT_FIELD_STRING:
        to->text = read_string(reader, index, value, pointer);
        break;
    case AT_FIELD_NUMBER:
        to->text = read_number(reader, value, pointer);
        break;
    case AT_FIELD_DATE:
        to->text = read_date(reader, value, pointer);
        break;
    case AT_FIELD_CUSTOM:
        reader->request->custom_fields =
            at_custom_read(value, pointer, reader->violations, reader->pool);
        break;
    }
}

/* The member NAME of the object at BASE is unknown. */
static void add_unknown(reader_t *reader, const char *base, const char *name)
{
    if (!reader->options->ignore_unknown) {
        at_violations_add(reader->violations,
                          at_violations_are_full(reader->violations) ? NULL
                          : at_pointer_member(reader->pool, base, name),
                          AT_VIOLATION_UNKNOWN_PARAMETER,
                          "There is no such parameter.");
    }
}

/* The value of member NAME, at POINTER, of the key OBJECT, if it is a
 * string. */
static const char *key_string(reader_t *reader, const at_json_t *object,
                              const char *name, const char *pointer,
                              apr_size_t characters)
{
    const at_json_t *value = at_json_get(object, name);

    if (!value || !is_string(reader, value, pointer, "string")) {
        return NULL;
    }
    check_characters(reader, value->text, pointer, characters);
    return value->text;
}

/* The key of LOAD, which is the credential CREDENTIAL. */
static void read_key_value(reader_t *reader, const at_json_t *object,
                           at_statement_e load, at_credential_e credential)
{
    const at_field_t *field = at_field_get((int)credential);
    const char *pointer = apr_pstrcat(reader->pool, KEY_POINTER,
                                      field->pointer, (char *)NULL);

    reader->request->load = load;
    reader->request->key = key_string(reader, object, field->name, pointer,
                                      field->max_characters);
    if (reader->request->key) {
        check_hidden(reader, reader->request->key, pointer);
        check_credential(reader, reader->request->key, pointer);
    }
}

static void read_key_pass_code(reader_t *reader, const at_json_t *object)
{
    const char *pointer = KEY_POINTER "/pass_code";
    const char *sent, *prepared;

    if (!at_json_get(object, "pass_code")) {
        at_violations_add(reader->violations, pointer,
                          AT_VIOLATION_MANDATORY,
                          "An identifier must be sent with its pass code.");
        return;
    }
    sent = key_string(reader, object, "pass_code", pointer, 0);
    if (!sent) {
        return;
    }
    prepared = prepare(reader, sent);
    reader->request->key_pass_code = prepared;
    if (prepared != sent) {
        reader->request->key_pass_code_sent = sent;
    }
    /* A pass code that is too long cannot match a hash. */
    check_bytes(reader, strlen(prepared) < strlen(sent) ? prepared : sent,
                pointer, AT_PASSCODE_BYTES);
}

static void find_unknown_in_key(reader_t *reader, const at_json_t *object)
{
    int i;

    for (i = 0; i < object->members->nelts; i++) {
        const char *name = APR_ARRAY_IDX(object->members, i,
                                         at_json_member_t).name;
        int field = at_field_find(name);

        if (field < 0 || field >= AT_CREDENTIAL_COUNT) {
            add_unknown(reader, KEY_POINTER, name);
        }
    }
}

static void add_exactly_one(reader_t *reader, const char *pointer,
                            const char *message)
{
    at_violations_add(reader->violations, pointer,
                      AT_VIOLATION_EXACTLY_ONE_OF, "%s", message);
}

static void read_key(reader_t *reader, const at_json_t *object)
{
    int has_code, has_identifier;

    if (!object) {
        at_violations_add(reader->violations, KEY_POINTER,
                          AT_VIOLATION_MANDATORY,
                          "It must name the access token to update.");
        return;
    }
    if (object->type != AT_JSON_OBJECT) {
        at_violations_add(reader->violations, KEY_POINTER,
                          AT_VIOLATION_INVALID_TYPE, "It must be an object "
                          "with authentication_code, or with identifier and "
                          "pass_code.");
        return;
    }
    has_code = at_json_get(object, "authentication_code") != NULL;
    has_identifier = at_json_get(object, "identifier") != NULL;
    if (has_code == has_identifier) {
        add_exactly_one(reader, KEY_POINTER, "Send either "
                        "authentication_code, or identifier with "
                        "pass_code.");
    }
    if (has_code) {
        read_key_value(reader, object,
                       AT_STATEMENT_LOAD_BY_AUTHENTICATION_CODE,
                       AT_CREDENTIAL_AUTHENTICATION_CODE);
        if (!has_identifier && at_json_get(object, "pass_code")) {
            add_exactly_one(reader, KEY_POINTER "/pass_code", "A pass code "
                            "is sent with an identifier, not with an "
                            "authentication code.");
        }
    }
    if (has_identifier) {
        read_key_value(reader, object, AT_STATEMENT_LOAD_BY_IDENTIFIER,
                       AT_CREDENTIAL_IDENTIFIER);
        read_key_pass_code(reader, object);
    }
    find_unknown_in_key(reader, object);
}

/* Read the parameters that are fields, and find those that do not exist. */
static void read_members(reader_t *reader, const at_json_t *root)
{
    int i;

    for (i = 0; i < root->members->nelts; i++) {
        at_json_member_t *member = &APR_ARRAY_IDX(root->members, i,
                                                  at_json_member_t);
        int field = at_field_find(member->name);

        if (field >= 0 && reader->options->statements->settable[field]) {
            read_field(reader, field, member->value,
                       at_field_get(field)->pointer);
        }
        else if (strcmp(member->name, "token")
                 && strcmp(member->name, "access_token_identifier")
                 && strcmp(member->name, "fields_set")) {
            add_unknown(reader, "", member->name);
        }
    }
}

at_error_t *at_request_read(at_request_t **request, const at_json_t *root,
                            const at_request_options_t *options,
                            apr_pool_t *pool)
{
    reader_t reader = { NULL, options, NULL, pool, 0 };
    const at_json_t *token;

    if (root->type != AT_JSON_OBJECT) {
        return at_error_make(pool, AT_INVALID_JSON, "Wrong at byte 0: the "
                             "body must be a JSON object.");
    }
    *request = reader.request = apr_pcalloc(pool, sizeof(**request));
    reader.violations = at_violations_make(pool);
    reader.request->fields = apr_pcalloc(pool, sizeof(at_field_value_t)
                                         * (apr_size_t)at_field_count());
    token = at_json_get(root, "token");
    if (token && is_string(&reader, token, "/token", "string")) {
        reader.request->token = token->text;
    }
    read_key(&reader, at_json_get(root, "access_token_identifier"));
    read_members(&reader, root);
    reader.request->select = at_select_read(at_json_get(root, "fields_set"),
                                            options->statements->plan,
                                            reader.violations, pool);
    if (reader.out_of_memory) {
        return at_error_hidden(pool, AT_INTERNAL_ERROR, "no memory to "
                               "prepare a pass code");
    }
    return at_error_violations(pool, reader.violations);
}
