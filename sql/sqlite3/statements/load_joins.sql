-- Second half of the load statements: the access token's rules, account, owner and creator.
-- A classification carries the rules; without one the active definition does.
LEFT JOIN access_token_classifications AS classification
       ON classification.id = token.classification_id
LEFT JOIN access_token_definitions AS definition
       ON definition.active = 1
LEFT JOIN access_token_rule_sets AS rules
       ON rules.id = COALESCE(classification.rule_set_id, definition.rule_set_id)
LEFT JOIN users AS creator
       ON creator.id = token.created_by_user_id
LEFT JOIN units AS creator_unit
       ON creator_unit.id = token.created_by_unit_id
-- @wide
LEFT JOIN accounts_receivable AS account
       ON account.id = token.accounts_receivable_id
LEFT JOIN contacts AS owner
       ON owner.id = account.owner_id
LEFT JOIN countries AS residence
       ON residence.id = owner.country_of_residence_id
LEFT JOIN countries AS passport_country
       ON passport_country.id = owner.passport_issued_by_country_id
LEFT JOIN countries AS id_country
       ON id_country.id = owner.id_issued_by_country_id
LEFT JOIN reward_participants AS participant
       ON participant.id = token.reward_participant_id
LEFT JOIN accounts_receivable AS participant_account
       ON participant_account.id = participant.accounts_receivable_id
LEFT JOIN contacts AS participant_owner
       ON participant_owner.id = participant_account.owner_id
      AND participant_account.owner_id <> COALESCE(account.owner_id, '')
LEFT JOIN countries AS participant_passport_country
       ON participant_passport_country.id = participant_owner.passport_issued_by_country_id
LEFT JOIN countries AS participant_id_country
       ON participant_id_country.id = participant_owner.id_issued_by_country_id
-- @end
