-- The owners of access tokens as ready JSON documents, for SQLite 3.38+. Without them the module joins ten
-- tables in each call; with them it reads two rows. The statements of sql/sqlite3/statements read them, those
-- of statements-without-documents do not.
--
-- Install: after schema.sql:   sqlite3 access_token.db < documents.sql
--          then always fill:   see documents-fill.sql
-- It can be run again at any time, for example after an upgrade; then fill again.
--
-- Check:   sqlite3 access_token.db < documents-compare.sql
-- Remove:  sqlite3 access_token.db < documents-remove.sql
--
-- Triggers rewrite a document in the transaction that changes an account, a participant, a contact or a
-- country. They do so only if a column changes that documents contain. They also work on connections that do
-- not check foreign keys.
--
-- Cost for a program that changes a contact: see bench/README.md. The change of a country rewrites, in its
-- transaction, the documents of all contacts that name the country: 3 s or more for 100,000 contacts with an
-- account and a participant each. No other program can write meanwhile.
--
-- A text column that holds a BLOB cannot become JSON: a program that writes one there gets an error.
--
-- Not covered: REPLACE and UPDATE OR REPLACE, where they remove a row with another id. They fire no trigger for
-- it. documents-compare.sql finds wrong documents, and documents-fill.sql corrects them.

BEGIN;

-- document: the member accounts_receivable or reward_participant of the reply, as JSON.
CREATE TABLE IF NOT EXISTS accounts_receivable_documents (
    accounts_receivable_id           TEXT    NOT NULL,
    document                         TEXT    NOT NULL,
    PRIMARY KEY (accounts_receivable_id),
    CONSTRAINT accounts_receivable_documents_json CHECK (JSON_VALID(document))
);

CREATE TABLE IF NOT EXISTS reward_participant_documents (
    reward_participant_id            TEXT    NOT NULL,
    document                         TEXT    NOT NULL,
    PRIMARY KEY (reward_participant_id),
    CONSTRAINT reward_participant_documents_json CHECK (JSON_VALID(document))
);

-- By these the triggers find the rows that refer to a row. InnoDB has them for its foreign keys.
CREATE INDEX IF NOT EXISTS accounts_receivable_owner ON accounts_receivable (owner_id);
CREATE INDEX IF NOT EXISTS reward_participants_account ON reward_participants (accounts_receivable_id);
CREATE INDEX IF NOT EXISTS contacts_country_of_residence ON contacts (country_of_residence_id);
CREATE INDEX IF NOT EXISTS contacts_passport_country ON contacts (passport_issued_by_country_id);
CREATE INDEX IF NOT EXISTS contacts_id_country ON contacts (id_issued_by_country_id);

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

-- The documents as they must be now. Triggers and the other documents-*.sql take them from here.
-- json_quote(NULL) is null, as a text.
CREATE VIEW accounts_receivable_fresh_documents AS
SELECT
    account.id                       AS accounts_receivable_id,
    account.owner_id                 AS owner_id,
    '{"id":' || json_quote(account.id) ||
    ',"number":' || json_quote(account.number) ||
    ',"name":' || json_quote(account.name) ||
    ',"life_cycle_state":' || json_quote(account.life_cycle_state) ||
    ',"account_owner":' || IIF(owner.id IS NULL, 'null',
        '{"id":' || json_quote(owner.id) ||
        ',"type":' || json_quote(owner.type) ||
        ',"life_cycle_state":' || json_quote(owner.life_cycle_state) ||
        ',"title":' || json_quote(owner.title) ||
        ',"first_name":' || json_quote(owner.first_name) ||
        ',"middle_name":' || json_quote(owner.middle_name) ||
        ',"last_name":' || json_quote(owner.last_name) ||
        ',"name":' || json_quote(owner.name) ||
        ',"company_name":' || json_quote(owner.company_name) ||
        ',"company_profile":' || json_quote(owner.company_profile) ||
        ',"demographics":{"gender":' || json_quote(owner.gender) ||
        ',"social_security_number":' || json_quote(owner.social_security_number) ||
        ',"passport_number":' || json_quote(owner.passport_number) ||
        ',"id_number":' || json_quote(owner.id_number) ||
        ',"industry":' || json_quote(owner.industry) ||
        ',"industry_sector":' || json_quote(owner.industry_sector) ||
        ',"name_day":{"day":' || json_quote(owner.name_day_day) ||
        ',"month":' || json_quote(owner.name_day_month) ||
        '},"date_of_birth":{"day":' || json_quote(owner.birth_day) ||
        ',"month":' || json_quote(owner.birth_month) ||
        ',"year":' || json_quote(owner.birth_year) ||
        '}' ||
        IIF(residence.id IS NULL, '',
            ',"country_of_residence":{"id":' || json_quote(residence.id) ||
            ',"name":' || json_quote(residence.name) ||
            ',"alternative_code":' || json_quote(residence.alternative_code) ||
            ',"two_character_code":' || json_quote(residence.two_character_code) ||
            ',"three_character_code":' || json_quote(residence.three_character_code) ||
            '}') ||
        ',"passport_issued_by_country":' || IIF(passport_country.id IS NULL, 'null',
            '{"id":' || json_quote(passport_country.id) ||
            ',"name":' || json_quote(passport_country.name) ||
            ',"alternative_code":' || json_quote(passport_country.alternative_code) ||
            ',"two_character_code":' || json_quote(passport_country.two_character_code) ||
            ',"three_character_code":' || json_quote(passport_country.three_character_code) ||
            '}') ||
        ',"id_issued_by_country":' || IIF(id_country.id IS NULL, 'null',
            '{"id":' || json_quote(id_country.id) ||
            ',"name":' || json_quote(id_country.name) ||
            ',"alternative_code":' || json_quote(id_country.alternative_code) ||
            ',"two_character_code":' || json_quote(id_country.two_character_code) ||
            ',"three_character_code":' || json_quote(id_country.three_character_code) ||
            '}') ||
        '}}') ||
    '}' AS document
FROM accounts_receivable AS account
LEFT JOIN contacts AS owner            ON owner.id = account.owner_id
LEFT JOIN countries AS residence       ON residence.id = owner.country_of_residence_id
LEFT JOIN countries AS passport_country ON passport_country.id = owner.passport_issued_by_country_id
LEFT JOIN countries AS id_country      ON id_country.id = owner.id_issued_by_country_id;

-- This owner comes without its name and its country of residence.
CREATE VIEW reward_participant_fresh_documents AS
SELECT
    participant.id                   AS reward_participant_id,
    participant.accounts_receivable_id AS accounts_receivable_id,
    account.owner_id                 AS owner_id,
    '{"id":' || json_quote(participant.id) ||
    ',"number":' || json_quote(participant.number) ||
    ',"accounts_receivable":' || IIF(account.id IS NULL, 'null',
        '{"id":' || json_quote(account.id) ||
        ',"number":' || json_quote(account.number) ||
        ',"name":' || json_quote(account.name) ||
        ',"life_cycle_state":' || json_quote(account.life_cycle_state) ||
        ',"account_owner":' || IIF(owner.id IS NULL, 'null',
            '{"id":' || json_quote(owner.id) ||
            ',"type":' || json_quote(owner.type) ||
            ',"life_cycle_state":' || json_quote(owner.life_cycle_state) ||
            ',"title":' || json_quote(owner.title) ||
            ',"first_name":' || json_quote(owner.first_name) ||
            ',"middle_name":' || json_quote(owner.middle_name) ||
            ',"last_name":' || json_quote(owner.last_name) ||
            ',"name":null' ||
            ',"company_name":' || json_quote(owner.company_name) ||
            ',"company_profile":' || json_quote(owner.company_profile) ||
            ',"demographics":{"gender":' || json_quote(owner.gender) ||
            ',"social_security_number":' || json_quote(owner.social_security_number) ||
            ',"passport_number":' || json_quote(owner.passport_number) ||
            ',"id_number":' || json_quote(owner.id_number) ||
            ',"industry":' || json_quote(owner.industry) ||
            ',"industry_sector":' || json_quote(owner.industry_sector) ||
            ',"name_day":{"day":' || json_quote(owner.name_day_day) ||
            ',"month":' || json_quote(owner.name_day_month) ||
            '},"date_of_birth":{"day":' || json_quote(owner.birth_day) ||
            ',"month":' || json_quote(owner.birth_month) ||
            ',"year":' || json_quote(owner.birth_year) ||
            '}' ||
            ',"passport_issued_by_country":' || IIF(passport_country.id IS NULL, 'null',
                '{"id":' || json_quote(passport_country.id) ||
                ',"name":' || json_quote(passport_country.name) ||
                ',"alternative_code":' || json_quote(passport_country.alternative_code) ||
                ',"two_character_code":' || json_quote(passport_country.two_character_code) ||
                ',"three_character_code":' || json_quote(passport_country.three_character_code) ||
                '}') ||
            ',"id_issued_by_country":' || IIF(id_country.id IS NULL, 'null',
                '{"id":' || json_quote(id_country.id) ||
                ',"name":' || json_quote(id_country.name) ||
                ',"alternative_code":' || json_quote(id_country.alternative_code) ||
                ',"two_character_code":' || json_quote(id_country.two_character_code) ||
                ',"three_character_code":' || json_quote(id_country.three_character_code) ||
                '}') ||
            '}}') ||
        '}') ||
    '}' AS document
FROM reward_participants AS participant
LEFT JOIN accounts_receivable AS account ON account.id = participant.accounts_receivable_id
LEFT JOIN contacts AS owner            ON owner.id = account.owner_id
LEFT JOIN countries AS passport_country ON passport_country.id = owner.passport_issued_by_country_id
LEFT JOIN countries AS id_country      ON id_country.id = owner.id_issued_by_country_id;

-- ON CONFLICT and not OR REPLACE: a statement such as INSERT OR IGNORE changes the OR of all statements in its
-- triggers.
CREATE TRIGGER accounts_receivable_document_insert AFTER INSERT ON accounts_receivable FOR EACH ROW
BEGIN
    INSERT INTO accounts_receivable_documents (accounts_receivable_id, document)
    SELECT accounts_receivable_id, document FROM accounts_receivable_fresh_documents
     WHERE accounts_receivable_id = NEW.id
        ON CONFLICT (accounts_receivable_id) DO UPDATE SET document = excluded.document;
    INSERT INTO reward_participant_documents (reward_participant_id, document)
    SELECT reward_participant_id, document FROM reward_participant_fresh_documents
     WHERE accounts_receivable_id = NEW.id
        ON CONFLICT (reward_participant_id) DO UPDATE SET document = excluded.document; END;

CREATE TRIGGER accounts_receivable_document_update AFTER UPDATE ON accounts_receivable FOR EACH ROW
WHEN (NEW.id, NEW.number, NEW.name, NEW.life_cycle_state, NEW.owner_id)
     IS NOT (OLD.id, OLD.number, OLD.name, OLD.life_cycle_state, OLD.owner_id)
BEGIN
    DELETE FROM accounts_receivable_documents WHERE accounts_receivable_id = OLD.id AND NEW.id <> OLD.id;
    INSERT INTO accounts_receivable_documents (accounts_receivable_id, document)
    SELECT accounts_receivable_id, document FROM accounts_receivable_fresh_documents
     WHERE accounts_receivable_id = NEW.id
        ON CONFLICT (accounts_receivable_id) DO UPDATE SET document = excluded.document;
    INSERT INTO reward_participant_documents (reward_participant_id, document)
    SELECT reward_participant_id, document FROM reward_participant_fresh_documents
     WHERE accounts_receivable_id IN (OLD.id, NEW.id)
        ON CONFLICT (reward_participant_id) DO UPDATE SET document = excluded.document; END;

CREATE TRIGGER accounts_receivable_document_delete AFTER DELETE ON accounts_receivable FOR EACH ROW
BEGIN
    DELETE FROM accounts_receivable_documents WHERE accounts_receivable_id = OLD.id;
    INSERT INTO reward_participant_documents (reward_participant_id, document)
    SELECT reward_participant_id, document FROM reward_participant_fresh_documents
     WHERE accounts_receivable_id = OLD.id
        ON CONFLICT (reward_participant_id) DO UPDATE SET document = excluded.document; END;

CREATE TRIGGER reward_participant_document_insert AFTER INSERT ON reward_participants FOR EACH ROW
BEGIN
    INSERT INTO reward_participant_documents (reward_participant_id, document)
    SELECT reward_participant_id, document FROM reward_participant_fresh_documents
     WHERE reward_participant_id = NEW.id
        ON CONFLICT (reward_participant_id) DO UPDATE SET document = excluded.document; END;

CREATE TRIGGER reward_participant_document_update AFTER UPDATE ON reward_participants FOR EACH ROW
WHEN (NEW.id, NEW.number, NEW.accounts_receivable_id)
     IS NOT (OLD.id, OLD.number, OLD.accounts_receivable_id)
BEGIN
    DELETE FROM reward_participant_documents WHERE reward_participant_id = OLD.id AND NEW.id <> OLD.id;
    INSERT INTO reward_participant_documents (reward_participant_id, document)
    SELECT reward_participant_id, document FROM reward_participant_fresh_documents
     WHERE reward_participant_id = NEW.id
        ON CONFLICT (reward_participant_id) DO UPDATE SET document = excluded.document; END;

CREATE TRIGGER reward_participant_document_delete AFTER DELETE ON reward_participants FOR EACH ROW
BEGIN
    DELETE FROM reward_participant_documents WHERE reward_participant_id = OLD.id; END;

CREATE TRIGGER contact_document_insert AFTER INSERT ON contacts FOR EACH ROW
BEGIN
    INSERT INTO accounts_receivable_documents (accounts_receivable_id, document)
    SELECT accounts_receivable_id, document FROM accounts_receivable_fresh_documents
     WHERE owner_id = NEW.id
        ON CONFLICT (accounts_receivable_id) DO UPDATE SET document = excluded.document;
    INSERT INTO reward_participant_documents (reward_participant_id, document)
    SELECT reward_participant_id, document FROM reward_participant_fresh_documents
     WHERE accounts_receivable_id IN (SELECT id FROM accounts_receivable WHERE owner_id = NEW.id)
        ON CONFLICT (reward_participant_id) DO UPDATE SET document = excluded.document; END;

CREATE TRIGGER contact_document_update AFTER UPDATE ON contacts FOR EACH ROW
WHEN (NEW.id, NEW.type, NEW.life_cycle_state, NEW.title, NEW.first_name, NEW.middle_name, NEW.last_name,
      NEW.name, NEW.company_name, NEW.company_profile, NEW.gender, NEW.country_of_residence_id,
      NEW.passport_number, NEW.passport_issued_by_country_id, NEW.id_number, NEW.id_issued_by_country_id,
      NEW.social_security_number, NEW.industry, NEW.industry_sector, NEW.name_day_day, NEW.name_day_month,
      NEW.birth_day, NEW.birth_month, NEW.birth_year)
     IS NOT (OLD.id, OLD.type, OLD.life_cycle_state, OLD.title, OLD.first_name, OLD.middle_name,
      OLD.last_name, OLD.name, OLD.company_name, OLD.company_profile, OLD.gender,
      OLD.country_of_residence_id, OLD.passport_number, OLD.passport_issued_by_country_id, OLD.id_number,
      OLD.id_issued_by_country_id, OLD.social_security_number, OLD.industry, OLD.industry_sector,
      OLD.name_day_day, OLD.name_day_month, OLD.birth_day, OLD.birth_month, OLD.birth_year)
BEGIN
    INSERT INTO accounts_receivable_documents (accounts_receivable_id, document)
    SELECT accounts_receivable_id, document FROM accounts_receivable_fresh_documents
     WHERE owner_id IN (OLD.id, NEW.id)
        ON CONFLICT (accounts_receivable_id) DO UPDATE SET document = excluded.document;
    INSERT INTO reward_participant_documents (reward_participant_id, document)
    SELECT reward_participant_id, document FROM reward_participant_fresh_documents
     WHERE accounts_receivable_id IN (SELECT id FROM accounts_receivable WHERE owner_id IN (OLD.id, NEW.id))
        ON CONFLICT (reward_participant_id) DO UPDATE SET document = excluded.document; END;

CREATE TRIGGER contact_document_delete AFTER DELETE ON contacts FOR EACH ROW
BEGIN
    INSERT INTO accounts_receivable_documents (accounts_receivable_id, document)
    SELECT accounts_receivable_id, document FROM accounts_receivable_fresh_documents
     WHERE owner_id = OLD.id
        ON CONFLICT (accounts_receivable_id) DO UPDATE SET document = excluded.document;
    INSERT INTO reward_participant_documents (reward_participant_id, document)
    SELECT reward_participant_id, document FROM reward_participant_fresh_documents
     WHERE accounts_receivable_id IN (SELECT id FROM accounts_receivable WHERE owner_id = OLD.id)
        ON CONFLICT (reward_participant_id) DO UPDATE SET document = excluded.document; END;

CREATE TRIGGER country_document_insert AFTER INSERT ON countries FOR EACH ROW
BEGIN
    INSERT INTO accounts_receivable_documents (accounts_receivable_id, document)
    SELECT accounts_receivable_id, document FROM accounts_receivable_fresh_documents
     WHERE owner_id IN (
        SELECT id FROM contacts
         WHERE country_of_residence_id = NEW.id
            OR passport_issued_by_country_id = NEW.id
            OR id_issued_by_country_id = NEW.id)
        ON CONFLICT (accounts_receivable_id) DO UPDATE SET document = excluded.document;
    INSERT INTO reward_participant_documents (reward_participant_id, document)
    SELECT reward_participant_id, document FROM reward_participant_fresh_documents
     WHERE accounts_receivable_id IN (
        SELECT id FROM accounts_receivable
         WHERE owner_id IN (
                SELECT id FROM contacts
                 WHERE passport_issued_by_country_id = NEW.id
                    OR id_issued_by_country_id = NEW.id))
        ON CONFLICT (reward_participant_id) DO UPDATE SET document = excluded.document; END;

CREATE TRIGGER country_document_update AFTER UPDATE ON countries FOR EACH ROW
WHEN (NEW.id, NEW.name, NEW.alternative_code, NEW.two_character_code, NEW.three_character_code)
     IS NOT (OLD.id, OLD.name, OLD.alternative_code, OLD.two_character_code, OLD.three_character_code)
BEGIN
    INSERT INTO accounts_receivable_documents (accounts_receivable_id, document)
    SELECT accounts_receivable_id, document FROM accounts_receivable_fresh_documents
     WHERE owner_id IN (
        SELECT id FROM contacts
         WHERE country_of_residence_id IN (OLD.id, NEW.id)
            OR passport_issued_by_country_id IN (OLD.id, NEW.id)
            OR id_issued_by_country_id IN (OLD.id, NEW.id))
        ON CONFLICT (accounts_receivable_id) DO UPDATE SET document = excluded.document;
    INSERT INTO reward_participant_documents (reward_participant_id, document)
    SELECT reward_participant_id, document FROM reward_participant_fresh_documents
     WHERE accounts_receivable_id IN (
        SELECT id FROM accounts_receivable
         WHERE owner_id IN (
                SELECT id FROM contacts
                 WHERE passport_issued_by_country_id IN (OLD.id, NEW.id)
                    OR id_issued_by_country_id IN (OLD.id, NEW.id)))
        ON CONFLICT (reward_participant_id) DO UPDATE SET document = excluded.document; END;

CREATE TRIGGER country_document_delete AFTER DELETE ON countries FOR EACH ROW
BEGIN
    INSERT INTO accounts_receivable_documents (accounts_receivable_id, document)
    SELECT accounts_receivable_id, document FROM accounts_receivable_fresh_documents
     WHERE owner_id IN (
        SELECT id FROM contacts
         WHERE country_of_residence_id = OLD.id
            OR passport_issued_by_country_id = OLD.id
            OR id_issued_by_country_id = OLD.id)
        ON CONFLICT (accounts_receivable_id) DO UPDATE SET document = excluded.document;
    INSERT INTO reward_participant_documents (reward_participant_id, document)
    SELECT reward_participant_id, document FROM reward_participant_fresh_documents
     WHERE accounts_receivable_id IN (
        SELECT id FROM accounts_receivable
         WHERE owner_id IN (
                SELECT id FROM contacts
                 WHERE passport_issued_by_country_id = OLD.id
                    OR id_issued_by_country_id = OLD.id))
        ON CONFLICT (reward_participant_id) DO UPDATE SET document = excluded.document; END;

COMMIT;
