-- Compares the documents of documents.sql with the rows that they are made from:
--     mariadb -N access_token < documents-compare.sql
-- It prints one line, "0 differ" if all are right. Missing documents and documents without their row count.
-- httpd and other programs may run meanwhile: it takes no locks. documents-fill.sql corrects the documents.

SET NAMES utf8mb4 COLLATE utf8mb4_bin;

SELECT CONCAT(
    (SELECT COUNT(*) FROM accounts_receivable_fresh_documents AS fresh
       LEFT JOIN accounts_receivable_documents AS kept USING (accounts_receivable_id)
      WHERE NOT (CAST(kept.document AS BINARY) <=> fresh.document))
  + (SELECT COUNT(*) FROM reward_participant_fresh_documents AS fresh
       LEFT JOIN reward_participant_documents AS kept USING (reward_participant_id)
      WHERE NOT (CAST(kept.document AS BINARY) <=> fresh.document))
  + (SELECT COUNT(*) FROM accounts_receivable_documents
      WHERE accounts_receivable_id NOT IN (SELECT id FROM accounts_receivable))
  + (SELECT COUNT(*) FROM reward_participant_documents
      WHERE reward_participant_id NOT IN (SELECT id FROM reward_participants)),
    ' differ') AS documents;
