-- The countries of the participant's owner, by lookups, without the country of residence.
    , participant_owner.passport_issued_by_country_id
        AS 'data.reward_participant.accounts_receivable.account_owner.demographics.passport_issued_by_country@country',
    participant_owner.id_issued_by_country_id
        AS 'data.reward_participant.accounts_receivable.account_owner.demographics.id_issued_by_country@country'
