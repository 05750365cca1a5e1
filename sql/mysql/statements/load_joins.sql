-- The joins after the access token, of all load statements. Each uses a primary or unique key.
-- @include join_revision.sql
-- @include join_rules.sql
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
-- @documents
-- @include join_documents.sql
-- @end
-- @include join_references.sql
