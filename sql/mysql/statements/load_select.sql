-- First half of the three load statements: the columns, and the join of the caller. Always one row; values that
-- do not exist are NULL. Each load statement joins the access token by its key between the two halves.
-- Every join uses a primary or unique key, and every parameter is compared with a plain column: MariaDB plans
-- all joins as const.
-- COALESCE is used for columns that are never NULL in their table. Without it the description of the column
-- changes when the row is missing, and MariaDB, which sends descriptions only once, sends all of them again.
-- show_*.sql and join_references.sql have the parts that rarely change. statements-cached replaces them with
-- lookups. They end without a comma: the next column begins with one.
SELECT
    COALESCE(session.user_id)                    AS 'session.user_id',
    COALESCE(login.id)                           AS 'login.user_id',
    caller.id                                    AS 'caller.user_id',
    caller.username                              AS 'caller.username',
    COALESCE(session.unit_id, caller.default_unit_id) AS 'caller.unit_id',
    caller.may_update_access_tokens              AS 'caller.may_update',
    token.id                                     AS 'token.id',
    token.version                                AS 'token.version',
    token.pass_code                              AS 'token.pass_code',
    token.request_ids                            AS 'token.request_ids',
    rules.authentication_code_creation           AS 'rule.authentication_code_creation',
    rules.authentication_code_format             AS 'rule.authentication_code_format',
    rules.authentication_code_min_length         AS 'rule.authentication_code_min_length',
    rules.authentication_code_min_letters        AS 'rule.authentication_code_min_letters',
    rules.authentication_code_min_digits         AS 'rule.authentication_code_min_digits',
    rules.authentication_code_min_special        AS 'rule.authentication_code_min_special',
    rules.identifier_creation                    AS 'rule.identifier_creation',
    rules.identifier_format                      AS 'rule.identifier_format',
    rules.identifier_min_length                  AS 'rule.identifier_min_length',
    rules.identifier_min_letters                 AS 'rule.identifier_min_letters',
    rules.identifier_min_digits                  AS 'rule.identifier_min_digits',
    rules.identifier_min_special                 AS 'rule.identifier_min_special',
    rules.pass_code_creation                     AS 'rule.pass_code_creation',
    rules.pass_code_format                       AS 'rule.pass_code_format',
    rules.pass_code_min_length                   AS 'rule.pass_code_min_length',
    rules.pass_code_min_letters                  AS 'rule.pass_code_min_letters',
    rules.pass_code_min_digits                   AS 'rule.pass_code_min_digits',
    rules.pass_code_min_special                  AS 'rule.pass_code_min_special',
    rules.allow_no_identifier                    AS 'rule.allow_no_identifier',

    token.id                                     AS 'data.id',
    token.number                                 AS 'data.number',
    token.life_cycle_state                       AS 'data.life_cycle_state',
    token.authentication_code                    AS 'data.authentication_code',
    token.identifier                             AS 'data.identifier',
    token.card_masked_number                     AS 'data.card_masked_number?',
-- @include show_classification.sql
    , token.udf_string_1                         AS 'data.udf_string_1?',
    token.udf_string_2                           AS 'data.udf_string_2?',
    token.udf_string_3                           AS 'data.udf_string_3?',
    token.udf_string_4                           AS 'data.udf_string_4?',
    token.udf_string_5                           AS 'data.udf_string_5?',
    token.udf_string_6                           AS 'data.udf_string_6?',
    token.udf_string_7                           AS 'data.udf_string_7?',
    token.udf_string_8                           AS 'data.udf_string_8?',
    CAST(token.udf_float_1 AS CHAR(64))          AS 'data.udf_float_1?:number',
    CAST(token.udf_float_2 AS CHAR(64))          AS 'data.udf_float_2?:number',
    CAST(token.udf_float_3 AS CHAR(64))          AS 'data.udf_float_3?:number',
    CAST(token.udf_float_4 AS CHAR(64))          AS 'data.udf_float_4?:number',
    DATE_FORMAT(token.udf_date_1, '%Y-%m-%dT%H:%i:%s') AS 'data.udf_date_1?',
    DATE_FORMAT(token.udf_date_2, '%Y-%m-%dT%H:%i:%s') AS 'data.udf_date_2?',
    DATE_FORMAT(token.udf_date_3, '%Y-%m-%dT%H:%i:%s') AS 'data.udf_date_3?',
    DATE_FORMAT(token.udf_date_4, '%Y-%m-%dT%H:%i:%s') AS 'data.udf_date_4?',
    token.custom_field_set                       AS 'data.custom_field_set?:json',
    DATE_FORMAT(token.verified_date, '%Y-%m-%dT%H:%i:%s') AS 'data.verified_date?',
    token.verification_code                      AS 'data.verification_code?',

    DATE_FORMAT(token.created_date, '%Y-%m-%dT%H:%i:%s') AS 'data.log_information.created_date',
-- @include show_creator.sql

    -- The caller is the user who updates.
    , DATE_FORMAT(token.updated_date, '%Y-%m-%dT%H:%i:%s') AS 'data.log_information.updated_date',
    caller.id                                    AS 'data.log_information.updated_by_user.id',
    caller.username                              AS 'data.log_information.updated_by_user.username',
    caller.person_name                           AS 'data.log_information.updated_by_user.person_name',
    caller.email                                 AS 'data.log_information.updated_by_user.email?',
-- @include show_caller_unit.sql

    -- These columns are skipped if fields_set asks for none of them.
-- @wide
    , COALESCE(account.id)                       AS 'data.accounts_receivable.id',
    COALESCE(account.number)                     AS 'data.accounts_receivable.number',
    account.name                                 AS 'data.accounts_receivable.name',
    COALESCE(account.life_cycle_state)           AS 'data.accounts_receivable.life_cycle_state',
    COALESCE(owner.id)                           AS 'data.accounts_receivable.account_owner.id',
    COALESCE(owner.type)                         AS 'data.accounts_receivable.account_owner.type',
    COALESCE(owner.life_cycle_state)             AS 'data.accounts_receivable.account_owner.life_cycle_state',
    owner.title                                  AS 'data.accounts_receivable.account_owner.title',
    owner.first_name                             AS 'data.accounts_receivable.account_owner.first_name',
    owner.middle_name                            AS 'data.accounts_receivable.account_owner.middle_name',
    owner.last_name                              AS 'data.accounts_receivable.account_owner.last_name',
    owner.name                                   AS 'data.accounts_receivable.account_owner.name',
    owner.company_name                           AS 'data.accounts_receivable.account_owner.company_name',
    owner.company_profile                        AS 'data.accounts_receivable.account_owner.company_profile',
    owner.gender AS 'data.accounts_receivable.account_owner.demographics.gender',
    owner.social_security_number
        AS 'data.accounts_receivable.account_owner.demographics.social_security_number',
    owner.passport_number AS 'data.accounts_receivable.account_owner.demographics.passport_number',
    owner.id_number AS 'data.accounts_receivable.account_owner.demographics.id_number',
    owner.industry AS 'data.accounts_receivable.account_owner.demographics.industry',
    owner.industry_sector AS 'data.accounts_receivable.account_owner.demographics.industry_sector',
    owner.name_day_day AS 'data.accounts_receivable.account_owner.demographics.name_day.day:number',
    owner.name_day_month AS 'data.accounts_receivable.account_owner.demographics.name_day.month:number',
    owner.birth_day AS 'data.accounts_receivable.account_owner.demographics.date_of_birth.day:number',
    owner.birth_month AS 'data.accounts_receivable.account_owner.demographics.date_of_birth.month:number',
    owner.birth_year AS 'data.accounts_receivable.account_owner.demographics.date_of_birth.year:number',
-- @include show_owner_countries.sql

    -- This owner comes without its name and its country of residence.
    , COALESCE(participant.id)                   AS 'data.reward_participant.id',
    COALESCE(participant.number)                 AS 'data.reward_participant.number',
    COALESCE(participant_account.id)             AS 'data.reward_participant.accounts_receivable.id',
    COALESCE(participant_account.number)         AS 'data.reward_participant.accounts_receivable.number',
    participant_account.name                     AS 'data.reward_participant.accounts_receivable.name',
    COALESCE(participant_account.life_cycle_state) AS 'data.reward_participant.accounts_receivable.life_cycle_state',
    COALESCE(participant_owner.id) AS 'data.reward_participant.accounts_receivable.account_owner.id',
    COALESCE(participant_owner.type) AS 'data.reward_participant.accounts_receivable.account_owner.type',
    COALESCE(participant_owner.life_cycle_state)
        AS 'data.reward_participant.accounts_receivable.account_owner.life_cycle_state',
    participant_owner.title AS 'data.reward_participant.accounts_receivable.account_owner.title',
    participant_owner.first_name AS 'data.reward_participant.accounts_receivable.account_owner.first_name',
    participant_owner.middle_name AS 'data.reward_participant.accounts_receivable.account_owner.middle_name',
    participant_owner.last_name AS 'data.reward_participant.accounts_receivable.account_owner.last_name',
    CAST(NULL AS CHAR(1)) AS 'data.reward_participant.accounts_receivable.account_owner.name',
    participant_owner.company_name
        AS 'data.reward_participant.accounts_receivable.account_owner.company_name',
    participant_owner.company_profile
        AS 'data.reward_participant.accounts_receivable.account_owner.company_profile',
    participant_owner.gender
        AS 'data.reward_participant.accounts_receivable.account_owner.demographics.gender',
    participant_owner.social_security_number
        AS 'data.reward_participant.accounts_receivable.account_owner.demographics.social_security_number',
    participant_owner.passport_number
        AS 'data.reward_participant.accounts_receivable.account_owner.demographics.passport_number',
    participant_owner.id_number
        AS 'data.reward_participant.accounts_receivable.account_owner.demographics.id_number',
    participant_owner.industry
        AS 'data.reward_participant.accounts_receivable.account_owner.demographics.industry',
    participant_owner.industry_sector
        AS 'data.reward_participant.accounts_receivable.account_owner.demographics.industry_sector',
    participant_owner.name_day_day
        AS 'data.reward_participant.accounts_receivable.account_owner.demographics.name_day.day:number',
    participant_owner.name_day_month
        AS 'data.reward_participant.accounts_receivable.account_owner.demographics.name_day.month:number',
    participant_owner.birth_day
        AS 'data.reward_participant.accounts_receivable.account_owner.demographics.date_of_birth.day:number',
    participant_owner.birth_month
        AS 'data.reward_participant.accounts_receivable.account_owner.demographics.date_of_birth.month:number',
    participant_owner.birth_year
        AS 'data.reward_participant.accounts_receivable.account_owner.demographics.date_of_birth.year:number',
-- @include show_participant_countries.sql
-- @end
FROM (SELECT 1 AS one) AS always
LEFT JOIN access_token_sessions AS session ON session.token_digest = :session_digest
                                          AND session.expires_at > CAST(:now AS DATETIME)
LEFT JOIN users AS login                   ON login.username = :username
                                           AND LENGTH(login.username) = LENGTH(:username)
LEFT JOIN users AS caller                  ON caller.id = COALESCE(session.user_id, login.id)
