-- The joins for the objects that show_*.sql select.
LEFT JOIN units AS caller_unit
       ON caller_unit.id = COALESCE(session.unit_id, caller.default_unit_id)
LEFT JOIN users AS creator
       ON creator.id = token.created_by_user_id
LEFT JOIN units AS creator_unit
       ON creator_unit.id = token.created_by_unit_id
-- @wide
LEFT JOIN countries AS residence
       ON residence.id = owner.country_of_residence_id
LEFT JOIN countries AS passport_country
       ON passport_country.id = owner.passport_issued_by_country_id
LEFT JOIN countries AS id_country
       ON id_country.id = owner.id_issued_by_country_id
LEFT JOIN countries AS participant_passport_country
       ON participant_passport_country.id = participant_owner.passport_issued_by_country_id
LEFT JOIN countries AS participant_id_country
       ON participant_id_country.id = participant_owner.id_issued_by_country_id
-- @end
