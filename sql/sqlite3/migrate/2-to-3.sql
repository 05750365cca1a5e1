-- Brings a database of schema version 2 to version 3: adds the revision of the reference data.
--     sqlite3 -bail access_token.db < 2-to-3.sql
-- Then run documents.sql and documents-fill.sql, and install the module of this version: an older one is not
-- ready with version 3.

BEGIN;

-- The reference data are the units, users, countries and what configures access tokens. The module keeps what
-- it has read of them as long as the revision is the same. So each change of them, in its transaction, sets the
-- revision to a value that was never there before. It is not a counter: after the restore of an older state, a
-- counter would come to the same number again, with other data.
-- Programs that change reference data at the same time wait for each other here. If an estate changes its users
-- all day, it can add the row 'users', let the triggers of users set that row, and select it in statements of
-- its own.
CREATE TABLE access_token_revisions (
    name                             TEXT    NOT NULL,
    revision                         TEXT    NOT NULL,
    PRIMARY KEY (name)
);

INSERT INTO access_token_revisions (name, revision) VALUES ('reference', LOWER(HEX(RANDOMBLOB(16))));

-- The triggers of the revision. An update sets it only if it changes a column that the statements read. REPLACE
-- fires no trigger for the rows that it removes, but that of the row that it inserts.
CREATE TRIGGER units_revision_insert AFTER INSERT ON units FOR EACH ROW
BEGIN
    UPDATE access_token_revisions SET revision = LOWER(HEX(RANDOMBLOB(16))) WHERE name = 'reference'; END;

CREATE TRIGGER units_revision_update AFTER UPDATE ON units FOR EACH ROW
WHEN (NEW.id, NEW.name, NEW.description, NEW.alternative_code, NEW.group_name, NEW.community_name)
     IS NOT (OLD.id, OLD.name, OLD.description, OLD.alternative_code, OLD.group_name, OLD.community_name)
BEGIN
    UPDATE access_token_revisions SET revision = LOWER(HEX(RANDOMBLOB(16))) WHERE name = 'reference'; END;

CREATE TRIGGER units_revision_delete AFTER DELETE ON units FOR EACH ROW
BEGIN
    UPDATE access_token_revisions SET revision = LOWER(HEX(RANDOMBLOB(16))) WHERE name = 'reference'; END;

CREATE TRIGGER users_revision_insert AFTER INSERT ON users FOR EACH ROW
BEGIN
    UPDATE access_token_revisions SET revision = LOWER(HEX(RANDOMBLOB(16))) WHERE name = 'reference'; END;

CREATE TRIGGER users_revision_update AFTER UPDATE ON users FOR EACH ROW
WHEN (NEW.id, NEW.username, NEW.person_name, NEW.email, NEW.default_unit_id, NEW.may_update_access_tokens)
     IS NOT (OLD.id, OLD.username, OLD.person_name, OLD.email, OLD.default_unit_id,
      OLD.may_update_access_tokens)
BEGIN
    UPDATE access_token_revisions SET revision = LOWER(HEX(RANDOMBLOB(16))) WHERE name = 'reference'; END;

CREATE TRIGGER users_revision_delete AFTER DELETE ON users FOR EACH ROW
BEGIN
    UPDATE access_token_revisions SET revision = LOWER(HEX(RANDOMBLOB(16))) WHERE name = 'reference'; END;

CREATE TRIGGER countries_revision_insert AFTER INSERT ON countries FOR EACH ROW
BEGIN
    UPDATE access_token_revisions SET revision = LOWER(HEX(RANDOMBLOB(16))) WHERE name = 'reference'; END;

CREATE TRIGGER countries_revision_update AFTER UPDATE ON countries FOR EACH ROW
WHEN (NEW.id, NEW.name, NEW.alternative_code, NEW.two_character_code, NEW.three_character_code)
     IS NOT (OLD.id, OLD.name, OLD.alternative_code, OLD.two_character_code, OLD.three_character_code)
BEGIN
    UPDATE access_token_revisions SET revision = LOWER(HEX(RANDOMBLOB(16))) WHERE name = 'reference'; END;

CREATE TRIGGER countries_revision_delete AFTER DELETE ON countries FOR EACH ROW
BEGIN
    UPDATE access_token_revisions SET revision = LOWER(HEX(RANDOMBLOB(16))) WHERE name = 'reference'; END;

CREATE TRIGGER access_token_rule_sets_revision_insert AFTER INSERT ON access_token_rule_sets FOR EACH ROW
BEGIN
    UPDATE access_token_revisions SET revision = LOWER(HEX(RANDOMBLOB(16))) WHERE name = 'reference'; END;

CREATE TRIGGER access_token_rule_sets_revision_update AFTER UPDATE ON access_token_rule_sets FOR EACH ROW
WHEN (NEW.id, NEW.authentication_code_creation, NEW.authentication_code_format,
      NEW.authentication_code_min_length, NEW.authentication_code_min_letters,
      NEW.authentication_code_min_digits, NEW.authentication_code_min_special, NEW.identifier_creation,
      NEW.identifier_format, NEW.identifier_min_length, NEW.identifier_min_letters,
      NEW.identifier_min_digits, NEW.identifier_min_special, NEW.pass_code_creation, NEW.pass_code_format,
      NEW.pass_code_min_length, NEW.pass_code_min_letters, NEW.pass_code_min_digits,
      NEW.pass_code_min_special, NEW.allow_no_identifier)
     IS NOT (OLD.id, OLD.authentication_code_creation, OLD.authentication_code_format,
      OLD.authentication_code_min_length, OLD.authentication_code_min_letters,
      OLD.authentication_code_min_digits, OLD.authentication_code_min_special, OLD.identifier_creation,
      OLD.identifier_format, OLD.identifier_min_length, OLD.identifier_min_letters,
      OLD.identifier_min_digits, OLD.identifier_min_special, OLD.pass_code_creation, OLD.pass_code_format,
      OLD.pass_code_min_length, OLD.pass_code_min_letters, OLD.pass_code_min_digits,
      OLD.pass_code_min_special, OLD.allow_no_identifier)
BEGIN
    UPDATE access_token_revisions SET revision = LOWER(HEX(RANDOMBLOB(16))) WHERE name = 'reference'; END;

CREATE TRIGGER access_token_rule_sets_revision_delete AFTER DELETE ON access_token_rule_sets FOR EACH ROW
BEGIN
    UPDATE access_token_revisions SET revision = LOWER(HEX(RANDOMBLOB(16))) WHERE name = 'reference'; END;

CREATE TRIGGER access_token_definitions_revision_insert AFTER INSERT ON access_token_definitions FOR EACH ROW
BEGIN
    UPDATE access_token_revisions SET revision = LOWER(HEX(RANDOMBLOB(16))) WHERE name = 'reference'; END;

CREATE TRIGGER access_token_definitions_revision_update AFTER UPDATE ON access_token_definitions FOR EACH ROW
WHEN (NEW.rule_set_id, NEW.active)
     IS NOT (OLD.rule_set_id, OLD.active)
BEGIN
    UPDATE access_token_revisions SET revision = LOWER(HEX(RANDOMBLOB(16))) WHERE name = 'reference'; END;

CREATE TRIGGER access_token_definitions_revision_delete AFTER DELETE ON access_token_definitions FOR EACH ROW
BEGIN
    UPDATE access_token_revisions SET revision = LOWER(HEX(RANDOMBLOB(16))) WHERE name = 'reference'; END;

CREATE TRIGGER access_token_classifications_revision_insert AFTER INSERT ON access_token_classifications FOR EACH ROW
BEGIN
    UPDATE access_token_revisions SET revision = LOWER(HEX(RANDOMBLOB(16))) WHERE name = 'reference'; END;

CREATE TRIGGER access_token_classifications_revision_update AFTER UPDATE ON access_token_classifications FOR EACH ROW
WHEN (NEW.id, NEW.name, NEW.alternative_code, NEW.rule_set_id)
     IS NOT (OLD.id, OLD.name, OLD.alternative_code, OLD.rule_set_id)
BEGIN
    UPDATE access_token_revisions SET revision = LOWER(HEX(RANDOMBLOB(16))) WHERE name = 'reference'; END;

CREATE TRIGGER access_token_classifications_revision_delete AFTER DELETE ON access_token_classifications FOR EACH ROW
BEGIN
    UPDATE access_token_revisions SET revision = LOWER(HEX(RANDOMBLOB(16))) WHERE name = 'reference'; END;

CREATE TRIGGER access_token_custom_fields_revision_insert AFTER INSERT ON access_token_custom_fields FOR EACH ROW
BEGIN
    UPDATE access_token_revisions SET revision = LOWER(HEX(RANDOMBLOB(16))) WHERE name = 'reference'; END;

CREATE TRIGGER access_token_custom_fields_revision_update AFTER UPDATE ON access_token_custom_fields FOR EACH ROW
WHEN (NEW.name, NEW.type)
     IS NOT (OLD.name, OLD.type)
BEGIN
    UPDATE access_token_revisions SET revision = LOWER(HEX(RANDOMBLOB(16))) WHERE name = 'reference'; END;

CREATE TRIGGER access_token_custom_fields_revision_delete AFTER DELETE ON access_token_custom_fields FOR EACH ROW
BEGIN
    UPDATE access_token_revisions SET revision = LOWER(HEX(RANDOMBLOB(16))) WHERE name = 'reference'; END;

UPDATE access_token_schema SET version = 3 WHERE version = 2;

COMMIT;
