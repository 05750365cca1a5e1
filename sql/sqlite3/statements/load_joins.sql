-- Second half of the load statements: the joins of the rules, the account, the owner, and what these refer to.
-- The rules come from the classification; without one, from the active definition.
LEFT JOIN access_token_classifications AS classification
       ON classification.id = token.classification_id
LEFT JOIN access_token_definitions AS definition
       ON definition.active = 1
LEFT JOIN access_token_rule_sets AS rules
       ON rules.id = COALESCE(classification.rule_set_id, definition.rule_set_id)
-- @wide
LEFT JOIN accounts_receivable AS account
       ON account.id = token.accounts_receivable_id
LEFT JOIN contacts AS owner
       ON owner.id = account.owner_id
LEFT JOIN reward_participants AS participant
       ON participant.id = token.reward_participant_id
LEFT JOIN accounts_receivable AS participant_account
       ON participant_account.id = participant.accounts_receivable_id
LEFT JOIN contacts AS participant_owner
       ON participant_owner.id = participant_account.owner_id
-- @end
-- @include join_references.sql
