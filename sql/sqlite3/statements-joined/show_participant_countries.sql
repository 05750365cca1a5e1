-- The countries of the participant's owner, without the country of residence.
    , participant_passport_country.id
        AS 'data.reward_participant.accounts_receivable.account_owner.demographics.passport_issued_by_country.id',
    participant_passport_country.name
        AS 'data.reward_participant.accounts_receivable.account_owner.demographics.passport_issued_by_country.name',
    participant_passport_country.alternative_code
        AS 'data.reward_participant.accounts_receivable.account_owner.demographics.passport_issued_by_country.alternative_code',
    participant_passport_country.two_character_code
        AS 'data.reward_participant.accounts_receivable.account_owner.demographics.passport_issued_by_country.two_character_code',
    participant_passport_country.three_character_code
        AS 'data.reward_participant.accounts_receivable.account_owner.demographics.passport_issued_by_country.three_character_code',
    participant_id_country.id
        AS 'data.reward_participant.accounts_receivable.account_owner.demographics.id_issued_by_country.id',
    participant_id_country.name
        AS 'data.reward_participant.accounts_receivable.account_owner.demographics.id_issued_by_country.name',
    participant_id_country.alternative_code
        AS 'data.reward_participant.accounts_receivable.account_owner.demographics.id_issued_by_country.alternative_code',
    participant_id_country.two_character_code
        AS 'data.reward_participant.accounts_receivable.account_owner.demographics.id_issued_by_country.two_character_code',
    participant_id_country.three_character_code
        AS 'data.reward_participant.accounts_receivable.account_owner.demographics.id_issued_by_country.three_character_code'
