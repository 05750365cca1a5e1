-- The columns of all load statements. A row that a join does not find gives NULLs.
-- Included files that begin with a comma add columns; other folders replace them: statements-joined reads all by
-- joins, statements-without-documents reads owners by joins.
SELECT
    session.user_id                              AS 'session.user_id',
    token.id                                     AS 'token.id',
    token.version                                AS 'token.version',
    token.pass_code                              AS 'token.pass_code',
    token.request_ids                            AS 'token.request_ids'
-- @include show_revision.sql
-- @include show_caller.sql
-- @include show_rules.sql

    , token.id                                   AS 'data.id',
    token.number                                 AS 'data.number',
    token.life_cycle_state                       AS 'data.life_cycle_state',
    token.authentication_code                    AS 'data.authentication_code',
    token.identifier                             AS 'data.identifier',
    token.card_masked_number                     AS 'data.card_masked_number?'
-- @include show_classification.sql
    , token.udf_string_1                         AS 'data.udf_string_1?',
    token.udf_string_2                           AS 'data.udf_string_2?',
    token.udf_string_3                           AS 'data.udf_string_3?',
    token.udf_string_4                           AS 'data.udf_string_4?',
    token.udf_string_5                           AS 'data.udf_string_5?',
    token.udf_string_6                           AS 'data.udf_string_6?',
    token.udf_string_7                           AS 'data.udf_string_7?',
    token.udf_string_8                           AS 'data.udf_string_8?',
    token.udf_float_1                            AS 'data.udf_float_1?:number',
    token.udf_float_2                            AS 'data.udf_float_2?:number',
    token.udf_float_3                            AS 'data.udf_float_3?:number',
    token.udf_float_4                            AS 'data.udf_float_4?:number',
    token.udf_date_1                             AS 'data.udf_date_1?:date',
    token.udf_date_2                             AS 'data.udf_date_2?:date',
    token.udf_date_3                             AS 'data.udf_date_3?:date',
    token.udf_date_4                             AS 'data.udf_date_4?:date',
    token.custom_field_set                       AS 'data.custom_field_set?:json',
    token.verified_date                          AS 'data.verified_date?:date',
    token.verification_code                      AS 'data.verification_code?',

    token.created_date                           AS 'data.log_information.created_date:date'
-- @include show_creator.sql

    -- updated_by_* are of the caller: see show_caller.sql.
    , token.updated_date                         AS 'data.log_information.updated_date:date'

    -- These columns are skipped if fields_set asks for none of them.
-- @wide
    , account.id                                 AS 'data.accounts_receivable.id',
    account.number                               AS 'data.accounts_receivable.number',
    account.name                                 AS 'data.accounts_receivable.name',
    account.life_cycle_state                     AS 'data.accounts_receivable.life_cycle_state',
    owner.id                                     AS 'data.accounts_receivable.account_owner.id',
    owner.type                                   AS 'data.accounts_receivable.account_owner.type',
    owner.life_cycle_state                       AS 'data.accounts_receivable.account_owner.life_cycle_state',
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
    owner.birth_year AS 'data.accounts_receivable.account_owner.demographics.date_of_birth.year:number'
-- @include show_owner_countries.sql

    -- This owner comes without its name and its country of residence.
    , participant.id                             AS 'data.reward_participant.id',
    participant.number                           AS 'data.reward_participant.number',
    participant_account.id                       AS 'data.reward_participant.accounts_receivable.id',
    participant_account.number                   AS 'data.reward_participant.accounts_receivable.number',
    participant_account.name                     AS 'data.reward_participant.accounts_receivable.name',
    participant_account.life_cycle_state AS 'data.reward_participant.accounts_receivable.life_cycle_state',
    participant_owner.id AS 'data.reward_participant.accounts_receivable.account_owner.id',
    participant_owner.type AS 'data.reward_participant.accounts_receivable.account_owner.type',
    participant_owner.life_cycle_state
        AS 'data.reward_participant.accounts_receivable.account_owner.life_cycle_state',
    participant_owner.title AS 'data.reward_participant.accounts_receivable.account_owner.title',
    participant_owner.first_name AS 'data.reward_participant.accounts_receivable.account_owner.first_name',
    participant_owner.middle_name AS 'data.reward_participant.accounts_receivable.account_owner.middle_name',
    participant_owner.last_name AS 'data.reward_participant.accounts_receivable.account_owner.last_name',
    NULL AS 'data.reward_participant.accounts_receivable.account_owner.name',
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
        AS 'data.reward_participant.accounts_receivable.account_owner.demographics.date_of_birth.year:number'
-- @include show_participant_countries.sql
-- @end
    -- Instead of these.
-- @documents
-- @include show_documents.sql
-- @end
