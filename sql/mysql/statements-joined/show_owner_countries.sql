-- The countries of the account's owner.
    , COALESCE(residence.id) AS 'data.accounts_receivable.account_owner.demographics.country_of_residence?.id',
    COALESCE(residence.name)
        AS 'data.accounts_receivable.account_owner.demographics.country_of_residence?.name',
    residence.alternative_code
        AS 'data.accounts_receivable.account_owner.demographics.country_of_residence?.alternative_code',
    residence.two_character_code
        AS 'data.accounts_receivable.account_owner.demographics.country_of_residence?.two_character_code',
    residence.three_character_code
        AS 'data.accounts_receivable.account_owner.demographics.country_of_residence?.three_character_code',
    COALESCE(passport_country.id)
        AS 'data.accounts_receivable.account_owner.demographics.passport_issued_by_country.id',
    COALESCE(passport_country.name)
        AS 'data.accounts_receivable.account_owner.demographics.passport_issued_by_country.name',
    passport_country.alternative_code
        AS 'data.accounts_receivable.account_owner.demographics.passport_issued_by_country.alternative_code',
    passport_country.two_character_code
        AS 'data.accounts_receivable.account_owner.demographics.passport_issued_by_country.two_character_code',
    passport_country.three_character_code
        AS 'data.accounts_receivable.account_owner.demographics.passport_issued_by_country.three_character_code',
    COALESCE(id_country.id) AS 'data.accounts_receivable.account_owner.demographics.id_issued_by_country.id',
    COALESCE(id_country.name)
        AS 'data.accounts_receivable.account_owner.demographics.id_issued_by_country.name',
    id_country.alternative_code
        AS 'data.accounts_receivable.account_owner.demographics.id_issued_by_country.alternative_code',
    id_country.two_character_code
        AS 'data.accounts_receivable.account_owner.demographics.id_issued_by_country.two_character_code',
    id_country.three_character_code
        AS 'data.accounts_receivable.account_owner.demographics.id_issued_by_country.three_character_code'
