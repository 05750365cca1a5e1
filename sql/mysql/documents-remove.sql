-- Removes what documents.sql made. Before that, set AccessTokenStatements to statements-without-documents and
-- restart httpd: the other statements need the tables.
--     mariadb access_token < documents-remove.sql

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
DROP TRIGGER IF EXISTS accounts_receivable_document_text;
DROP TRIGGER IF EXISTS reward_participant_document_text;
DROP FUNCTION IF EXISTS accounts_receivable_document;
DROP FUNCTION IF EXISTS reward_participant_document;
DROP VIEW IF EXISTS accounts_receivable_fresh_documents;
DROP VIEW IF EXISTS reward_participant_fresh_documents;
DROP TABLE IF EXISTS accounts_receivable_documents;
DROP TABLE IF EXISTS reward_participant_documents;
