/* SPDX-License-Identifier: Apache-2.0 */
#include "at_rules.h"

#include <stdlib.h>
#include <string.h>

#include <apr_strings.h>

#include "at_text.h"

static const char *const creations[] = { "NONE", "NUMBER", "ID", NULL };
static const char *const formats[] = {
    "FREE_TEXT", "EMAIL", "PHONE", "NUMBER", NULL
};

/* True if WORD is one of WORDS; *NUMBER is its index. */
static int find_word(int *number, const char *const *words, const char *word)
{
    int i = 0;

    while (word && words[i] && strcmp(words[i], word)) {
        i++;
    }
    *number = i;
    return word && words[i];
}

/* True if TEXT is a *COUNT. */
static int read_count(apr_size_t *count, const char *text)
{
    if (!text || !at_text_is_digits(text) || strlen(text) > 9) {
        return 0;
    }
    *count = (apr_size_t)atoi(text);
    return 1;
}

/* The value of INPUT, which is a rule or AT_COLUMN_ALLOW_NO_IDENTIFIER; what it
 * is without a column if it has none. */
static const char *rule(const at_row_t *row, at_column_e input)
{
    if (row->plan->input_columns[input] != AT_PLAN_NONE) {
        return at_row_input(row, input);
    }
    switch (((int)input - (int)AT_COLUMN_RULES) % (int)AT_RULE_COUNT) {
    case AT_RULE_CREATION:
        return creations[AT_CREATION_NONE];
    case AT_RULE_FORMAT:
        return formats[AT_FORMAT_FREE_TEXT];
    default:
        return "0";
    }
}

static at_error_t *unknown(const at_row_t *row, at_column_e input,
                           apr_pool_t *pool)
{
    return at_error_hidden(pool, AT_INTERNAL_ERROR,
        "%s is %s. In the shipped schema, give the access token's "
        "classification, or the active definition, a complete set of rules; "
        "in your own, correct the column, or remove it for the default",
        at_column_names[input],
        at_row_input(row, input) ? "not one of its values" : "NULL");
}

static at_error_t *read_credential(at_credential_rules_t *rules,
                                   at_credential_e credential,
                                   const at_row_t *row, apr_pool_t *pool)
{
    apr_size_t *counts[AT_RULE_COUNT] = {
        NULL, NULL, &rules->min_length, &rules->min_letters,
        &rules->min_digits, &rules->min_special
    };
    at_column_e creation = AT_COLUMN_RULE(credential, AT_RULE_CREATION);
    at_column_e format = AT_COLUMN_RULE(credential, AT_RULE_FORMAT);
    int creation_word, format_word, i;

    if (!find_word(&creation_word, creations, rule(row, creation))) {
        return unknown(row, creation, pool);
    }
    if (!find_word(&format_word, formats, rule(row, format))) {
        return unknown(row, format, pool);
    }
    rules->creation = (at_creation_e)creation_word;
    rules->format = (at_format_e)format_word;
    for (i = AT_RULE_MIN_LENGTH; i < AT_RULE_COUNT; i++) {
        at_column_e least = AT_COLUMN_RULE(credential, i);

        if (!read_count(counts[i], rule(row, least))) {
            return unknown(row, least, pool);
        }
    }
    return NULL;
}

at_error_t *at_rules_read(at_rules_t **rules, const at_row_t *row,
                          apr_pool_t *pool)
{
    const char *allow = rule(row, AT_COLUMN_ALLOW_NO_IDENTIFIER);
    int i;

    *rules = apr_pcalloc(pool, sizeof(**rules));
    for (i = 0; i < AT_CREDENTIAL_COUNT; i++) {
        AT_TRY(read_credential(&(*rules)->credential[i],
                               (at_credential_e)i, row, pool));
    }
    if (!allow || (strcmp(allow, "0") && strcmp(allow, "1"))) {
        return unknown(row, AT_COLUMN_ALLOW_NO_IDENTIFIER, pool);
    }
    (*rules)->allow_no_identifier = allow[0] == '1';
    return NULL;
}

static int has_format(const char *value, at_format_e format)
{
    switch (format) {
    case AT_FORMAT_EMAIL:
        return at_text_is_email(value);
    case AT_FORMAT_PHONE:
        return at_text_is_digits(value + (*value == '+'));
    case AT_FORMAT_NUMBER:
        return at_text_is_digits(value);
    case AT_FORMAT_FREE_TEXT:
        break;
    }
    return 1;
}

static void judge_count(apr_size_t count, apr_size_t least,
                        const char *pointer, at_violation_e code,
                        const char *what, at_violations_t *violations)
{
    if (count < least) {
        at_violations_add(violations, pointer, code,
                          "At least %" APR_SIZE_T_FMT " %s.", least, what);
    }
}

static void judge_value(const char *value, const char *pointer,
                        const at_credential_rules_t *rules,
                        at_violations_t *violations)
{
    static const char *const descriptions[] = {
        "any text", "an e-mail address",
        "a phone number, digits with an optional + before them",
        "a number, digits only"
    };
    at_text_counts_t counts;

    at_text_count(&counts, value);
    if (!has_format(value, rules->format)) {
        at_violations_add(violations, pointer, AT_VIOLATION_INVALID_FORMAT,
                          "It must be %s.", descriptions[rules->format]);
    }
    judge_count(counts.characters, rules->min_length, pointer,
                AT_VIOLATION_TOO_SHORT, "characters", violations);
    if (rules->format == AT_FORMAT_PHONE
        || rules->format == AT_FORMAT_NUMBER) {
        return;
    }
    judge_count(counts.letters, rules->min_letters, pointer,
                AT_VIOLATION_TOO_FEW_LETTERS, "letters", violations);
    judge_count(counts.digits, rules->min_digits, pointer,
                AT_VIOLATION_TOO_FEW_DIGITS, "digits", violations);
    judge_count(counts.special, rules->min_special, pointer,
                AT_VIOLATION_TOO_FEW_SPECIAL, "characters that are neither "
                "letters nor digits", violations);
}

/* True if CREDENTIAL has a value now; "" is not one. */
static int is_set(const at_row_t *row, at_credential_e credential)
{
    const char *value = credential == AT_CREDENTIAL_PASS_CODE
                        ? at_row_input(row, AT_COLUMN_TOKEN_PASS_CODE)
                        : at_row_field(row, (int)credential);

    return value && *value;
}

static void add_mandatory(at_violations_t *violations, const char *pointer,
                          const char *why)
{
    at_violations_add(violations, pointer, AT_VIOLATION_MANDATORY, "%s",
                      why);
}

/*
 * Judge identifier and pass code together, as they would be after the call.
 * SET says which credentials would have a value, GIVEN which of them this call
 * sets.
 */
static void judge_pair(const int *set, const int *given,
                       const at_rules_t *rules,
                       at_violations_t *violations)
{
    int identifier = set[AT_CREDENTIAL_IDENTIFIER];
    int pass_code = set[AT_CREDENTIAL_PASS_CODE];

    if (given[AT_CREDENTIAL_IDENTIFIER] && !given[AT_CREDENTIAL_PASS_CODE]) {
        add_mandatory(violations, "/pass_code", "A new identifier needs "
                      "a pass code in the same call.");
    }
    else if (identifier && !pass_code) {
        add_mandatory(violations, "/pass_code", "An access token with an "
                      "identifier must have a pass code.");
    }
    else if (!identifier && pass_code) {
        add_mandatory(violations, "/identifier", "An access token with a "
                      "pass code must have an identifier.");
    }
    else if (!identifier && !rules->allow_no_identifier) {
        add_mandatory(violations, "/identifier", "This access token must "
                      "have an identifier.");
        add_mandatory(violations, "/pass_code", "This access token must "
                      "have a pass code.");
    }
}

void at_rules_judge(int generate[AT_CREDENTIAL_COUNT],
                    const at_rules_t *rules, const at_request_t *request,
                    const at_row_t *row, at_violations_t *violations)
{
    int set[AT_CREDENTIAL_COUNT], given[AT_CREDENTIAL_COUNT];
    int i;

    for (i = 0; i < AT_CREDENTIAL_COUNT; i++) {
        const at_field_value_t *value = &request->fields[i];
        int generates = rules->credential[i].creation != AT_CREATION_NONE;

        generate[i] = value->presence == AT_NULL && generates;
        given[i] = value->presence == AT_VALUE || generate[i];
        set[i] = value->presence == AT_ABSENT
                 ? is_set(row, (at_credential_e)i) : given[i];
        if (value->presence == AT_VALUE && !generates) {
            judge_value(value->text, at_field_get(i)->pointer,
                        &rules->credential[i], violations);
        }
    }
    if (!set[AT_CREDENTIAL_AUTHENTICATION_CODE]) {
        add_mandatory(violations, "/authentication_code", "An access token "
                      "must have an authentication code.");
    }
    judge_pair(set, given, rules, violations);
}
