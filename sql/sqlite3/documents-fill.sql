-- Writes the documents of documents.sql that are missing, corrects those that are wrong, and removes those
-- that have no row. One run changes 10,000 documents at most, in one transaction, so that other programs can
-- write between two runs. It prints how many it changed. Repeat it until it prints "0 changed":
--     fill() { sqlite3 -bail -cmd '.timeout 10000' tokens.db <documents-fill.sql; }
--     while said=$(fill) && [ "$said" != "0 changed" ]; do sleep 1; done
-- It can be run again at any time. httpd and other programs may run meanwhile.

-- The missing ones first: they are found without making any document. Only the search for wrong ones makes
-- them all. It does not keep other programs from writing.
DROP TABLE IF EXISTS temp.access_token_to_fill;
CREATE TEMP TABLE access_token_to_fill AS
SELECT 'account' AS kind, id FROM accounts_receivable
 WHERE id NOT IN (SELECT accounts_receivable_id FROM accounts_receivable_documents)
UNION ALL
SELECT 'participant', id FROM reward_participants
 WHERE id NOT IN (SELECT reward_participant_id FROM reward_participant_documents)
UNION ALL
SELECT 'account', accounts_receivable_id FROM accounts_receivable_documents
 WHERE accounts_receivable_id NOT IN (SELECT id FROM accounts_receivable)
UNION ALL
SELECT 'participant', reward_participant_id FROM reward_participant_documents
 WHERE reward_participant_id NOT IN (SELECT id FROM reward_participants)
UNION ALL
SELECT 'account', accounts_receivable_id
  FROM accounts_receivable_fresh_documents AS fresh
  JOIN accounts_receivable_documents AS stored USING (accounts_receivable_id)
 WHERE stored.document <> fresh.document
UNION ALL
SELECT 'participant', reward_participant_id
  FROM reward_participant_fresh_documents AS fresh
  JOIN reward_participant_documents AS stored USING (reward_participant_id)
 WHERE stored.document <> fresh.document
LIMIT 10000;

BEGIN IMMEDIATE;
DELETE FROM accounts_receivable_documents
 WHERE accounts_receivable_id IN (SELECT id FROM access_token_to_fill WHERE kind = 'account');
DELETE FROM reward_participant_documents
 WHERE reward_participant_id IN (SELECT id FROM access_token_to_fill WHERE kind = 'participant');
INSERT INTO accounts_receivable_documents (accounts_receivable_id, document)
SELECT accounts_receivable_id, document FROM accounts_receivable_fresh_documents
 WHERE accounts_receivable_id IN (SELECT id FROM access_token_to_fill WHERE kind = 'account');
INSERT INTO reward_participant_documents (reward_participant_id, document)
SELECT reward_participant_id, document FROM reward_participant_fresh_documents
 WHERE reward_participant_id IN (SELECT id FROM access_token_to_fill WHERE kind = 'participant');
COMMIT;

SELECT COUNT(*) || ' changed' AS documents FROM access_token_to_fill;
DROP TABLE temp.access_token_to_fill;
