-- The owners of access tokens as ready JSON documents, for MariaDB 10.5+ and MySQL 8.0.16+. Without them the
-- module joins ten tables in each call; with them it reads two rows. The statements of sql/mysql/statements read
-- them, those of statements-without-documents do not.
--
-- Install: as an administrator, after schema.sql:   mariadb access_token < documents.sql
--          then, if there are rows already:         mariadb -N access_token < documents-fill.sql
-- It can be run again at any time, for example after an upgrade; then fill again. Triggers and views run with the
-- rights of the account that created them. Do not drop that account.
--
-- Check:   mariadb -N access_token < documents-compare.sql
-- Remove:  mariadb access_token < documents-remove.sql
--
-- Triggers rewrite a document in the transaction that changes an account, a participant, a contact or a
-- country. They do so only if a column changes that documents contain.
--
-- Cost for a program that changes a contact: see bench/README.md. The change of a country rewrites, in its
-- transaction, the documents of all contacts that name the country: 7 s or more for 100,000 contacts with an
-- account and a participant each. These contacts cannot change meanwhile.
--
-- The triggers lock the rows that they read. So two transactions that change parts of a document at the same
-- time leave the right one, at each isolation level. One may wait for the other, or end with a deadlock (error
-- 1213), and has to be made again, as always with InnoDB. From MariaDB 11.6 on, that also happens to one at
-- REPEATABLE READ that has read before, and now changes what the other changed since (error 1020).
--
-- Not covered: foreign keys that were changed to ON DELETE CASCADE or SET NULL (InnoDB fires no trigger then),
-- TRUNCATE, and a row that is added with foreign_key_checks = 1 after rows that refer to it were added with 0.
-- On a Galera cluster, locks hold on one node only, and two nodes conflict only if both write the same row. So
-- a document can become out of date if one node changes a contact, an account or a country while another node
-- makes a row that refers to it. Write these tables on one node.
-- documents-compare.sql finds wrong documents, and documents-fill.sql corrects them.

SET NAMES utf8mb4 COLLATE utf8mb4_bin;

-- Triggers keep the sql_mode in which they are created, and some modes change the meaning of SQL. In this
-- mode a document that does not fit is an error.
SET @access_token_sql_mode = @@SESSION.sql_mode;
SET SESSION sql_mode = 'STRICT_ALL_TABLES';

-- If binary logging is on, triggers need an administrator with the privilege SUPER, or the server variable
-- log_bin_trust_function_creators = 1. Without both, this stops here with error 1419, before anything is made.
DROP FUNCTION IF EXISTS access_token_probe;
CREATE FUNCTION access_token_probe() RETURNS INT DETERMINISTIC NO SQL RETURN 1;
DROP FUNCTION access_token_probe;

-- document: the member accounts_receivable or reward_participant of the reply, as JSON.
CREATE TABLE IF NOT EXISTS accounts_receivable_documents (
    accounts_receivable_id           VARCHAR(40)  NOT NULL,
    document                         TEXT         NOT NULL,
    PRIMARY KEY (accounts_receivable_id),
    CONSTRAINT accounts_receivable_documents_json CHECK (JSON_VALID(document))
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

CREATE TABLE IF NOT EXISTS reward_participant_documents (
    reward_participant_id            VARCHAR(40)  NOT NULL,
    document                         TEXT         NOT NULL,
    PRIMARY KEY (reward_participant_id),
    CONSTRAINT reward_participant_documents_json CHECK (JSON_VALID(document))
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- The documents as they must be now: views for the other documents-*.sql, and below, word for word the same, the
-- triggers that make them. MariaDB parses a view again for each statement whose triggers name it, which takes
-- longer than to make a document. A stored function would be lost by a dump that has no routines, and needs
-- rights of its own.
-- CONCAT is NULL if a part is NULL. So an object without an id becomes null, or is left out.
CREATE OR REPLACE VIEW accounts_receivable_fresh_documents AS
SELECT
    account.id                       AS accounts_receivable_id,
    account.owner_id                 AS owner_id,
    CONCAT(
        '{"id":', JSON_QUOTE(account.id),
        ',"number":', JSON_QUOTE(account.number),
        ',"name":', COALESCE(JSON_QUOTE(account.name), 'null'),
        ',"life_cycle_state":', JSON_QUOTE(account.life_cycle_state),
        ',"account_owner":', COALESCE(CONCAT(
            '{"id":', JSON_QUOTE(owner.id),
            ',"type":', JSON_QUOTE(owner.type),
            ',"life_cycle_state":', JSON_QUOTE(owner.life_cycle_state),
            ',"title":', COALESCE(JSON_QUOTE(owner.title), 'null'),
            ',"first_name":', COALESCE(JSON_QUOTE(owner.first_name), 'null'),
            ',"middle_name":', COALESCE(JSON_QUOTE(owner.middle_name), 'null'),
            ',"last_name":', COALESCE(JSON_QUOTE(owner.last_name), 'null'),
            ',"name":', COALESCE(JSON_QUOTE(owner.name), 'null'),
            ',"company_name":', COALESCE(JSON_QUOTE(owner.company_name), 'null'),
            ',"company_profile":', COALESCE(JSON_QUOTE(owner.company_profile), 'null'),
            ',"demographics":{"gender":', COALESCE(JSON_QUOTE(owner.gender), 'null'),
            ',"social_security_number":', COALESCE(JSON_QUOTE(owner.social_security_number), 'null'),
            ',"passport_number":', COALESCE(JSON_QUOTE(owner.passport_number), 'null'),
            ',"id_number":', COALESCE(JSON_QUOTE(owner.id_number), 'null'),
            ',"industry":', COALESCE(JSON_QUOTE(owner.industry), 'null'),
            ',"industry_sector":', COALESCE(JSON_QUOTE(owner.industry_sector), 'null'),
            ',"name_day":{"day":', COALESCE(owner.name_day_day, 'null'),
            ',"month":', COALESCE(owner.name_day_month, 'null'),
            '},"date_of_birth":{"day":', COALESCE(owner.birth_day, 'null'),
            ',"month":', COALESCE(owner.birth_month, 'null'),
            ',"year":', COALESCE(owner.birth_year, 'null'),
            '}',
            COALESCE(CONCAT(
                ',"country_of_residence":{"id":', JSON_QUOTE(residence.id),
                ',"name":', JSON_QUOTE(residence.name),
                ',"alternative_code":', COALESCE(JSON_QUOTE(residence.alternative_code), 'null'),
                ',"two_character_code":',
                    COALESCE(JSON_QUOTE(residence.two_character_code), 'null'),
                ',"three_character_code":',
                    COALESCE(JSON_QUOTE(residence.three_character_code), 'null'),
                '}'), ''),
            ',"passport_issued_by_country":', COALESCE(CONCAT(
                '{"id":', JSON_QUOTE(passport_country.id),
                ',"name":', JSON_QUOTE(passport_country.name),
                ',"alternative_code":', COALESCE(JSON_QUOTE(passport_country.alternative_code), 'null'),
                ',"two_character_code":',
                    COALESCE(JSON_QUOTE(passport_country.two_character_code), 'null'),
                ',"three_character_code":',
                    COALESCE(JSON_QUOTE(passport_country.three_character_code), 'null'),
                '}'), 'null'),
            ',"id_issued_by_country":', COALESCE(CONCAT(
                '{"id":', JSON_QUOTE(id_country.id),
                ',"name":', JSON_QUOTE(id_country.name),
                ',"alternative_code":', COALESCE(JSON_QUOTE(id_country.alternative_code), 'null'),
                ',"two_character_code":',
                    COALESCE(JSON_QUOTE(id_country.two_character_code), 'null'),
                ',"three_character_code":',
                    COALESCE(JSON_QUOTE(id_country.three_character_code), 'null'),
                '}'), 'null'),
            '}}'), 'null'),
        '}') AS document
FROM accounts_receivable AS account
LEFT JOIN contacts AS owner            ON owner.id = account.owner_id
LEFT JOIN countries AS residence       ON residence.id = owner.country_of_residence_id
LEFT JOIN countries AS passport_country ON passport_country.id = owner.passport_issued_by_country_id
LEFT JOIN countries AS id_country      ON id_country.id = owner.id_issued_by_country_id;

-- This owner comes without its name and its country of residence.
CREATE OR REPLACE VIEW reward_participant_fresh_documents AS
SELECT
    participant.id                   AS reward_participant_id,
    participant.accounts_receivable_id AS accounts_receivable_id,
    account.owner_id                 AS owner_id,
    CONCAT(
        '{"id":', JSON_QUOTE(participant.id),
        ',"number":', JSON_QUOTE(participant.number),
        ',"accounts_receivable":', COALESCE(CONCAT(
            '{"id":', JSON_QUOTE(account.id),
            ',"number":', JSON_QUOTE(account.number),
            ',"name":', COALESCE(JSON_QUOTE(account.name), 'null'),
            ',"life_cycle_state":', JSON_QUOTE(account.life_cycle_state),
            ',"account_owner":', COALESCE(CONCAT(
                '{"id":', JSON_QUOTE(owner.id),
                ',"type":', JSON_QUOTE(owner.type),
                ',"life_cycle_state":', JSON_QUOTE(owner.life_cycle_state),
                ',"title":', COALESCE(JSON_QUOTE(owner.title), 'null'),
                ',"first_name":', COALESCE(JSON_QUOTE(owner.first_name), 'null'),
                ',"middle_name":', COALESCE(JSON_QUOTE(owner.middle_name), 'null'),
                ',"last_name":', COALESCE(JSON_QUOTE(owner.last_name), 'null'),
                ',"name":null',
                ',"company_name":', COALESCE(JSON_QUOTE(owner.company_name), 'null'),
                ',"company_profile":', COALESCE(JSON_QUOTE(owner.company_profile), 'null'),
                ',"demographics":{"gender":', COALESCE(JSON_QUOTE(owner.gender), 'null'),
                ',"social_security_number":', COALESCE(JSON_QUOTE(owner.social_security_number), 'null'),
                ',"passport_number":', COALESCE(JSON_QUOTE(owner.passport_number), 'null'),
                ',"id_number":', COALESCE(JSON_QUOTE(owner.id_number), 'null'),
                ',"industry":', COALESCE(JSON_QUOTE(owner.industry), 'null'),
                ',"industry_sector":', COALESCE(JSON_QUOTE(owner.industry_sector), 'null'),
                ',"name_day":{"day":', COALESCE(owner.name_day_day, 'null'),
                ',"month":', COALESCE(owner.name_day_month, 'null'),
                '},"date_of_birth":{"day":', COALESCE(owner.birth_day, 'null'),
                ',"month":', COALESCE(owner.birth_month, 'null'),
                ',"year":', COALESCE(owner.birth_year, 'null'),
                '}',
                ',"passport_issued_by_country":', COALESCE(CONCAT(
                    '{"id":', JSON_QUOTE(passport_country.id),
                    ',"name":', JSON_QUOTE(passport_country.name),
                    ',"alternative_code":', COALESCE(JSON_QUOTE(passport_country.alternative_code), 'null'),
                    ',"two_character_code":',
                        COALESCE(JSON_QUOTE(passport_country.two_character_code), 'null'),
                    ',"three_character_code":',
                        COALESCE(JSON_QUOTE(passport_country.three_character_code), 'null'),
                    '}'), 'null'),
                ',"id_issued_by_country":', COALESCE(CONCAT(
                    '{"id":', JSON_QUOTE(id_country.id),
                    ',"name":', JSON_QUOTE(id_country.name),
                    ',"alternative_code":', COALESCE(JSON_QUOTE(id_country.alternative_code), 'null'),
                    ',"two_character_code":',
                        COALESCE(JSON_QUOTE(id_country.two_character_code), 'null'),
                    ',"three_character_code":',
                        COALESCE(JSON_QUOTE(id_country.three_character_code), 'null'),
                    '}'), 'null'),
                '}}'), 'null'),
            '}'), 'null'),
        '}') AS document
FROM reward_participants AS participant
LEFT JOIN accounts_receivable AS account ON account.id = participant.accounts_receivable_id
LEFT JOIN contacts AS owner            ON owner.id = account.owner_id
LEFT JOIN countries AS passport_country ON passport_country.id = owner.passport_issued_by_country_id
LEFT JOIN countries AS id_country      ON id_country.id = owner.id_issued_by_country_id;

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
-- Of an earlier form.
DROP FUNCTION IF EXISTS accounts_receivable_document;
DROP FUNCTION IF EXISTS reward_participant_document;

-- Below, only the last line of a trigger ends with a semicolon: see schema.sql.
DELIMITER ;;

-- A row is added with an empty document, and gets the document as it must be now. On MySQL 9.7 a join in SET
-- NEW.document = (SELECT ...) gives NULL after an ALTER TABLE of the tables that are joined, but not in a variable.
CREATE TRIGGER accounts_receivable_document_text BEFORE INSERT ON accounts_receivable_documents FOR EACH ROW
BEGIN
    DECLARE made TEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin
    ; SET made = (SELECT
    CONCAT(
        '{"id":', JSON_QUOTE(account.id),
        ',"number":', JSON_QUOTE(account.number),
        ',"name":', COALESCE(JSON_QUOTE(account.name), 'null'),
        ',"life_cycle_state":', JSON_QUOTE(account.life_cycle_state),
        ',"account_owner":', COALESCE(CONCAT(
            '{"id":', JSON_QUOTE(owner.id),
            ',"type":', JSON_QUOTE(owner.type),
            ',"life_cycle_state":', JSON_QUOTE(owner.life_cycle_state),
            ',"title":', COALESCE(JSON_QUOTE(owner.title), 'null'),
            ',"first_name":', COALESCE(JSON_QUOTE(owner.first_name), 'null'),
            ',"middle_name":', COALESCE(JSON_QUOTE(owner.middle_name), 'null'),
            ',"last_name":', COALESCE(JSON_QUOTE(owner.last_name), 'null'),
            ',"name":', COALESCE(JSON_QUOTE(owner.name), 'null'),
            ',"company_name":', COALESCE(JSON_QUOTE(owner.company_name), 'null'),
            ',"company_profile":', COALESCE(JSON_QUOTE(owner.company_profile), 'null'),
            ',"demographics":{"gender":', COALESCE(JSON_QUOTE(owner.gender), 'null'),
            ',"social_security_number":', COALESCE(JSON_QUOTE(owner.social_security_number), 'null'),
            ',"passport_number":', COALESCE(JSON_QUOTE(owner.passport_number), 'null'),
            ',"id_number":', COALESCE(JSON_QUOTE(owner.id_number), 'null'),
            ',"industry":', COALESCE(JSON_QUOTE(owner.industry), 'null'),
            ',"industry_sector":', COALESCE(JSON_QUOTE(owner.industry_sector), 'null'),
            ',"name_day":{"day":', COALESCE(owner.name_day_day, 'null'),
            ',"month":', COALESCE(owner.name_day_month, 'null'),
            '},"date_of_birth":{"day":', COALESCE(owner.birth_day, 'null'),
            ',"month":', COALESCE(owner.birth_month, 'null'),
            ',"year":', COALESCE(owner.birth_year, 'null'),
            '}',
            COALESCE(CONCAT(
                ',"country_of_residence":{"id":', JSON_QUOTE(residence.id),
                ',"name":', JSON_QUOTE(residence.name),
                ',"alternative_code":', COALESCE(JSON_QUOTE(residence.alternative_code), 'null'),
                ',"two_character_code":',
                    COALESCE(JSON_QUOTE(residence.two_character_code), 'null'),
                ',"three_character_code":',
                    COALESCE(JSON_QUOTE(residence.three_character_code), 'null'),
                '}'), ''),
            ',"passport_issued_by_country":', COALESCE(CONCAT(
                '{"id":', JSON_QUOTE(passport_country.id),
                ',"name":', JSON_QUOTE(passport_country.name),
                ',"alternative_code":', COALESCE(JSON_QUOTE(passport_country.alternative_code), 'null'),
                ',"two_character_code":',
                    COALESCE(JSON_QUOTE(passport_country.two_character_code), 'null'),
                ',"three_character_code":',
                    COALESCE(JSON_QUOTE(passport_country.three_character_code), 'null'),
                '}'), 'null'),
            ',"id_issued_by_country":', COALESCE(CONCAT(
                '{"id":', JSON_QUOTE(id_country.id),
                ',"name":', JSON_QUOTE(id_country.name),
                ',"alternative_code":', COALESCE(JSON_QUOTE(id_country.alternative_code), 'null'),
                ',"two_character_code":',
                    COALESCE(JSON_QUOTE(id_country.two_character_code), 'null'),
                ',"three_character_code":',
                    COALESCE(JSON_QUOTE(id_country.three_character_code), 'null'),
                '}'), 'null'),
            '}}'), 'null'),
        '}') AS document
FROM accounts_receivable AS account
LEFT JOIN contacts AS owner            ON owner.id = account.owner_id
LEFT JOIN countries AS residence       ON residence.id = owner.country_of_residence_id
LEFT JOIN countries AS passport_country ON passport_country.id = owner.passport_issued_by_country_id
LEFT JOIN countries AS id_country      ON id_country.id = owner.id_issued_by_country_id
WHERE account.id = NEW.accounts_receivable_id LOCK IN SHARE MODE)
    ; SET NEW.document = made
; END;;

CREATE TRIGGER reward_participant_document_text BEFORE INSERT ON reward_participant_documents FOR EACH ROW
BEGIN
    DECLARE made TEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin
    ; SET made = (SELECT
    CONCAT(
        '{"id":', JSON_QUOTE(participant.id),
        ',"number":', JSON_QUOTE(participant.number),
        ',"accounts_receivable":', COALESCE(CONCAT(
            '{"id":', JSON_QUOTE(account.id),
            ',"number":', JSON_QUOTE(account.number),
            ',"name":', COALESCE(JSON_QUOTE(account.name), 'null'),
            ',"life_cycle_state":', JSON_QUOTE(account.life_cycle_state),
            ',"account_owner":', COALESCE(CONCAT(
                '{"id":', JSON_QUOTE(owner.id),
                ',"type":', JSON_QUOTE(owner.type),
                ',"life_cycle_state":', JSON_QUOTE(owner.life_cycle_state),
                ',"title":', COALESCE(JSON_QUOTE(owner.title), 'null'),
                ',"first_name":', COALESCE(JSON_QUOTE(owner.first_name), 'null'),
                ',"middle_name":', COALESCE(JSON_QUOTE(owner.middle_name), 'null'),
                ',"last_name":', COALESCE(JSON_QUOTE(owner.last_name), 'null'),
                ',"name":null',
                ',"company_name":', COALESCE(JSON_QUOTE(owner.company_name), 'null'),
                ',"company_profile":', COALESCE(JSON_QUOTE(owner.company_profile), 'null'),
                ',"demographics":{"gender":', COALESCE(JSON_QUOTE(owner.gender), 'null'),
                ',"social_security_number":', COALESCE(JSON_QUOTE(owner.social_security_number), 'null'),
                ',"passport_number":', COALESCE(JSON_QUOTE(owner.passport_number), 'null'),
                ',"id_number":', COALESCE(JSON_QUOTE(owner.id_number), 'null'),
                ',"industry":', COALESCE(JSON_QUOTE(owner.industry), 'null'),
                ',"industry_sector":', COALESCE(JSON_QUOTE(owner.industry_sector), 'null'),
                ',"name_day":{"day":', COALESCE(owner.name_day_day, 'null'),
                ',"month":', COALESCE(owner.name_day_month, 'null'),
                '},"date_of_birth":{"day":', COALESCE(owner.birth_day, 'null'),
                ',"month":', COALESCE(owner.birth_month, 'null'),
                ',"year":', COALESCE(owner.birth_year, 'null'),
                '}',
                ',"passport_issued_by_country":', COALESCE(CONCAT(
                    '{"id":', JSON_QUOTE(passport_country.id),
                    ',"name":', JSON_QUOTE(passport_country.name),
                    ',"alternative_code":', COALESCE(JSON_QUOTE(passport_country.alternative_code), 'null'),
                    ',"two_character_code":',
                        COALESCE(JSON_QUOTE(passport_country.two_character_code), 'null'),
                    ',"three_character_code":',
                        COALESCE(JSON_QUOTE(passport_country.three_character_code), 'null'),
                    '}'), 'null'),
                ',"id_issued_by_country":', COALESCE(CONCAT(
                    '{"id":', JSON_QUOTE(id_country.id),
                    ',"name":', JSON_QUOTE(id_country.name),
                    ',"alternative_code":', COALESCE(JSON_QUOTE(id_country.alternative_code), 'null'),
                    ',"two_character_code":',
                        COALESCE(JSON_QUOTE(id_country.two_character_code), 'null'),
                    ',"three_character_code":',
                        COALESCE(JSON_QUOTE(id_country.three_character_code), 'null'),
                    '}'), 'null'),
                '}}'), 'null'),
            '}'), 'null'),
        '}') AS document
FROM reward_participants AS participant
LEFT JOIN accounts_receivable AS account ON account.id = participant.accounts_receivable_id
LEFT JOIN contacts AS owner            ON owner.id = account.owner_id
LEFT JOIN countries AS passport_country ON passport_country.id = owner.passport_issued_by_country_id
LEFT JOIN countries AS id_country      ON id_country.id = owner.id_issued_by_country_id
WHERE participant.id = NEW.reward_participant_id LOCK IN SHARE MODE)
    ; SET NEW.document = made
; END;;

-- As BINARY, since 'a' and 'a ' are equal in the collation.
-- While foreign keys are checked, no row refers to one that is inserted or deleted. So the triggers look for
-- such rows only if they are not: the search would lock gaps of the index, where other transactions insert.
-- But the REPLACE of MySQL 9 deletes and inserts a row while others refer to it: @access_token_deleted_... tell.
-- After UPDATE IGNORE a row may still have the old id: the triggers run also for a row that it could not change.
CREATE TRIGGER accounts_receivable_document_insert AFTER INSERT ON accounts_receivable FOR EACH ROW
BEGIN
    REPLACE INTO accounts_receivable_documents (accounts_receivable_id, document)
    VALUES (NEW.id, '')
    ; IF @@SESSION.foreign_key_checks = 0 OR NEW.id = @access_token_deleted_account THEN
        REPLACE INTO reward_participant_documents (reward_participant_id, document)
        SELECT id, '' FROM reward_participants
         WHERE accounts_receivable_id = NEW.id LOCK IN SHARE MODE
    ; END IF
; END;;

CREATE TRIGGER accounts_receivable_document_update AFTER UPDATE ON accounts_receivable FOR EACH ROW
IF NOT (CAST(NEW.id AS BINARY) <=> OLD.id
        AND CAST(NEW.number AS BINARY) <=> OLD.number
        AND CAST(NEW.name AS BINARY) <=> OLD.name
        AND CAST(NEW.life_cycle_state AS BINARY) <=> OLD.life_cycle_state
        AND CAST(NEW.owner_id AS BINARY) <=> OLD.owner_id) THEN
    DELETE FROM accounts_receivable_documents
     WHERE accounts_receivable_id = OLD.id AND NEW.id <> OLD.id
    ; REPLACE INTO accounts_receivable_documents (accounts_receivable_id, document)
    SELECT id, '' FROM accounts_receivable
     WHERE id IN (OLD.id, NEW.id) LOCK IN SHARE MODE
    ; REPLACE INTO reward_participant_documents (reward_participant_id, document)
    SELECT id, '' FROM reward_participants
     WHERE accounts_receivable_id IN (OLD.id, NEW.id) LOCK IN SHARE MODE
; END IF;;

CREATE TRIGGER accounts_receivable_document_delete AFTER DELETE ON accounts_receivable FOR EACH ROW
BEGIN
    SET @access_token_deleted_account = OLD.id
    ; DELETE FROM accounts_receivable_documents WHERE accounts_receivable_id = OLD.id
    ; IF @@SESSION.foreign_key_checks = 0 THEN
        REPLACE INTO reward_participant_documents (reward_participant_id, document)
        SELECT id, '' FROM reward_participants
         WHERE accounts_receivable_id = OLD.id LOCK IN SHARE MODE
    ; END IF
; END;;

CREATE TRIGGER reward_participant_document_insert AFTER INSERT ON reward_participants FOR EACH ROW
    REPLACE INTO reward_participant_documents (reward_participant_id, document)
    VALUES (NEW.id, '');;

CREATE TRIGGER reward_participant_document_update AFTER UPDATE ON reward_participants FOR EACH ROW
IF NOT (CAST(NEW.id AS BINARY) <=> OLD.id
        AND CAST(NEW.number AS BINARY) <=> OLD.number
        AND CAST(NEW.accounts_receivable_id AS BINARY) <=> OLD.accounts_receivable_id) THEN
    DELETE FROM reward_participant_documents
     WHERE reward_participant_id = OLD.id AND NEW.id <> OLD.id
    ; REPLACE INTO reward_participant_documents (reward_participant_id, document)
    SELECT id, '' FROM reward_participants
     WHERE id IN (OLD.id, NEW.id) LOCK IN SHARE MODE
; END IF;;

CREATE TRIGGER reward_participant_document_delete AFTER DELETE ON reward_participants FOR EACH ROW
    DELETE FROM reward_participant_documents WHERE reward_participant_id = OLD.id;;

CREATE TRIGGER contact_document_insert AFTER INSERT ON contacts FOR EACH ROW
IF @@SESSION.foreign_key_checks = 0 OR NEW.id = @access_token_deleted_contact THEN
    REPLACE INTO accounts_receivable_documents (accounts_receivable_id, document)
    SELECT id, '' FROM accounts_receivable
     WHERE owner_id = NEW.id LOCK IN SHARE MODE
    ; REPLACE INTO reward_participant_documents (reward_participant_id, document)
    SELECT participant.id, ''
      FROM accounts_receivable AS account
      STRAIGHT_JOIN reward_participants AS participant ON participant.accounts_receivable_id = account.id
     WHERE account.owner_id = NEW.id LOCK IN SHARE MODE
; END IF;;

CREATE TRIGGER contact_document_update AFTER UPDATE ON contacts FOR EACH ROW
IF NOT (CAST(NEW.id AS BINARY) <=> OLD.id
        AND CAST(NEW.type AS BINARY) <=> OLD.type
        AND CAST(NEW.life_cycle_state AS BINARY) <=> OLD.life_cycle_state
        AND CAST(NEW.title AS BINARY) <=> OLD.title
        AND CAST(NEW.first_name AS BINARY) <=> OLD.first_name
        AND CAST(NEW.middle_name AS BINARY) <=> OLD.middle_name
        AND CAST(NEW.last_name AS BINARY) <=> OLD.last_name
        AND CAST(NEW.name AS BINARY) <=> OLD.name
        AND CAST(NEW.company_name AS BINARY) <=> OLD.company_name
        AND CAST(NEW.company_profile AS BINARY) <=> OLD.company_profile
        AND CAST(NEW.gender AS BINARY) <=> OLD.gender
        AND CAST(NEW.country_of_residence_id AS BINARY) <=> OLD.country_of_residence_id
        AND CAST(NEW.passport_number AS BINARY) <=> OLD.passport_number
        AND CAST(NEW.passport_issued_by_country_id AS BINARY) <=> OLD.passport_issued_by_country_id
        AND CAST(NEW.id_number AS BINARY) <=> OLD.id_number
        AND CAST(NEW.id_issued_by_country_id AS BINARY) <=> OLD.id_issued_by_country_id
        AND CAST(NEW.social_security_number AS BINARY) <=> OLD.social_security_number
        AND CAST(NEW.industry AS BINARY) <=> OLD.industry
        AND CAST(NEW.industry_sector AS BINARY) <=> OLD.industry_sector
        AND NEW.name_day_day <=> OLD.name_day_day
        AND NEW.name_day_month <=> OLD.name_day_month
        AND NEW.birth_day <=> OLD.birth_day
        AND NEW.birth_month <=> OLD.birth_month
        AND NEW.birth_year <=> OLD.birth_year) THEN
    REPLACE INTO accounts_receivable_documents (accounts_receivable_id, document)
    SELECT id, '' FROM accounts_receivable
     WHERE owner_id IN (OLD.id, NEW.id) LOCK IN SHARE MODE
    ; REPLACE INTO reward_participant_documents (reward_participant_id, document)
    SELECT participant.id, ''
      FROM accounts_receivable AS account
      STRAIGHT_JOIN reward_participants AS participant ON participant.accounts_receivable_id = account.id
     WHERE account.owner_id IN (OLD.id, NEW.id) LOCK IN SHARE MODE
; END IF;;

CREATE TRIGGER contact_document_delete AFTER DELETE ON contacts FOR EACH ROW
BEGIN
    SET @access_token_deleted_contact = OLD.id
    ; IF @@SESSION.foreign_key_checks = 0 THEN
        REPLACE INTO accounts_receivable_documents (accounts_receivable_id, document)
        SELECT id, '' FROM accounts_receivable
         WHERE owner_id = OLD.id LOCK IN SHARE MODE
        ; REPLACE INTO reward_participant_documents (reward_participant_id, document)
        SELECT participant.id, ''
          FROM accounts_receivable AS account
          STRAIGHT_JOIN reward_participants AS participant ON participant.accounts_receivable_id = account.id
         WHERE account.owner_id = OLD.id LOCK IN SHARE MODE
    ; END IF
; END;;

CREATE TRIGGER country_document_insert AFTER INSERT ON countries FOR EACH ROW
IF @@SESSION.foreign_key_checks = 0 OR NEW.id = @access_token_deleted_country THEN
    REPLACE INTO accounts_receivable_documents (accounts_receivable_id, document)
    SELECT account.id, ''
      FROM ((SELECT id FROM contacts
              WHERE country_of_residence_id = NEW.id LOCK IN SHARE MODE)
            UNION
            (SELECT id FROM contacts
              WHERE passport_issued_by_country_id = NEW.id LOCK IN SHARE MODE)
            UNION
            (SELECT id FROM contacts
              WHERE id_issued_by_country_id = NEW.id LOCK IN SHARE MODE)) AS owner
      JOIN accounts_receivable AS account ON account.owner_id = owner.id
      LOCK IN SHARE MODE
    ; REPLACE INTO reward_participant_documents (reward_participant_id, document)
    SELECT participant.id, ''
      FROM ((SELECT id FROM contacts
              WHERE passport_issued_by_country_id = NEW.id LOCK IN SHARE MODE)
            UNION
            (SELECT id FROM contacts
              WHERE id_issued_by_country_id = NEW.id LOCK IN SHARE MODE)) AS owner
      JOIN accounts_receivable AS account ON account.owner_id = owner.id
      JOIN reward_participants AS participant ON participant.accounts_receivable_id = account.id
      LOCK IN SHARE MODE
; END IF;;

CREATE TRIGGER country_document_update AFTER UPDATE ON countries FOR EACH ROW
IF NOT (CAST(NEW.id AS BINARY) <=> OLD.id
        AND CAST(NEW.name AS BINARY) <=> OLD.name
        AND CAST(NEW.alternative_code AS BINARY) <=> OLD.alternative_code
        AND CAST(NEW.two_character_code AS BINARY) <=> OLD.two_character_code
        AND CAST(NEW.three_character_code AS BINARY) <=> OLD.three_character_code) THEN
    REPLACE INTO accounts_receivable_documents (accounts_receivable_id, document)
    SELECT account.id, ''
      FROM ((SELECT id FROM contacts
              WHERE country_of_residence_id IN (OLD.id, NEW.id) LOCK IN SHARE MODE)
            UNION
            (SELECT id FROM contacts
              WHERE passport_issued_by_country_id IN (OLD.id, NEW.id) LOCK IN SHARE MODE)
            UNION
            (SELECT id FROM contacts
              WHERE id_issued_by_country_id IN (OLD.id, NEW.id) LOCK IN SHARE MODE)) AS owner
      JOIN accounts_receivable AS account ON account.owner_id = owner.id
      LOCK IN SHARE MODE
    ; REPLACE INTO reward_participant_documents (reward_participant_id, document)
    SELECT participant.id, ''
      FROM ((SELECT id FROM contacts
              WHERE passport_issued_by_country_id IN (OLD.id, NEW.id) LOCK IN SHARE MODE)
            UNION
            (SELECT id FROM contacts
              WHERE id_issued_by_country_id IN (OLD.id, NEW.id) LOCK IN SHARE MODE)) AS owner
      JOIN accounts_receivable AS account ON account.owner_id = owner.id
      JOIN reward_participants AS participant ON participant.accounts_receivable_id = account.id
      LOCK IN SHARE MODE
; END IF;;

CREATE TRIGGER country_document_delete AFTER DELETE ON countries FOR EACH ROW
BEGIN
    SET @access_token_deleted_country = OLD.id
    ; IF @@SESSION.foreign_key_checks = 0 THEN
        REPLACE INTO accounts_receivable_documents (accounts_receivable_id, document)
        SELECT account.id, ''
          FROM ((SELECT id FROM contacts
                  WHERE country_of_residence_id = OLD.id LOCK IN SHARE MODE)
                UNION
                (SELECT id FROM contacts
                  WHERE passport_issued_by_country_id = OLD.id LOCK IN SHARE MODE)
                UNION
                (SELECT id FROM contacts
                  WHERE id_issued_by_country_id = OLD.id LOCK IN SHARE MODE)) AS owner
          JOIN accounts_receivable AS account ON account.owner_id = owner.id
          LOCK IN SHARE MODE
        ; REPLACE INTO reward_participant_documents (reward_participant_id, document)
        SELECT participant.id, ''
          FROM ((SELECT id FROM contacts
                  WHERE passport_issued_by_country_id = OLD.id LOCK IN SHARE MODE)
                UNION
                (SELECT id FROM contacts
                  WHERE id_issued_by_country_id = OLD.id LOCK IN SHARE MODE)) AS owner
          JOIN accounts_receivable AS account ON account.owner_id = owner.id
          JOIN reward_participants AS participant ON participant.accounts_receivable_id = account.id
          LOCK IN SHARE MODE
    ; END IF
; END;;
DELIMITER ;

SET SESSION sql_mode = @access_token_sql_mode;
