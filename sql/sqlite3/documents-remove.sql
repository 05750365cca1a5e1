-- Removes what documents.sql made. Before that, set AccessTokenStatements to statements-without-documents and
-- restart httpd: the other statements need the tables.
--     sqlite3 access_token.db < documents-remove.sql

BEGIN;

DROP TRIGGER IF EXISTS accounts_receivable_document_insert;
DROP TRIGGER IF EXISTS accounts_receivable_document_update;
DROP TRIGGER IF EXISTS accounts_receivable_document_delete;
DROP TRIGGER IF EXISTS reward_participant_document_insert;
DROP TRIGGER IF EXISTS reward_participant_document_update;
DROP TRIGGER IF EXISTS reward_participant_document_delete;
DROP TRIGGER IF EXISTS contact_document_insert;
DROP TRIGGER IF EXISTS contact_document_update;
DROP TRIGGER IF EXISTS contact_document_delete;
DROP TRIGGER IF EXISTS country_document_insert;
DROP TRIGGER IF EXISTS country_document_update;
DROP TRIGGER IF EXISTS country_document_delete;
DROP VIEW IF EXISTS accounts_receivable_fresh_documents;
DROP VIEW IF EXISTS reward_participant_fresh_documents;
DROP INDEX IF EXISTS accounts_receivable_owner;
DROP INDEX IF EXISTS reward_participants_account;
DROP INDEX IF EXISTS contacts_country_of_residence;
DROP INDEX IF EXISTS contacts_passport_country;
DROP INDEX IF EXISTS contacts_id_country;
DROP TABLE IF EXISTS accounts_receivable_documents;
DROP TABLE IF EXISTS reward_participant_documents;

COMMIT;
