-- The countries of the account's owner, by lookups.
    , owner.country_of_residence_id
        AS 'data.accounts_receivable.account_owner.demographics.country_of_residence?@country',
    owner.passport_issued_by_country_id
        AS 'data.accounts_receivable.account_owner.demographics.passport_issued_by_country@country',
    owner.id_issued_by_country_id
        AS 'data.accounts_receivable.account_owner.demographics.id_issued_by_country@country'
