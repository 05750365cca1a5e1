-- Brings a database of schema version 2 to version 3: adds the revision of the reference data, and drops two
-- foreign keys.
--     mariadb access_token < 2-to-3.sql     (as the administrator who ran schema.sql)
-- Then run documents.sql, documents-fill.sql and grants.sql, and install the module of this version: an older
-- one is not ready with version 3. If binary logging is on, this script needs the server variable
-- log_bin_trust_function_creators = 1 or the privilege SUPER. It can be run again, for example after an error.

SET NAMES utf8mb4 COLLATE utf8mb4_bin;
SET @access_token_sql_mode = @@SESSION.sql_mode;
SET SESSION sql_mode = 'STRICT_ALL_TABLES';

-- The reference data are the units, users, countries and what configures access tokens. The module keeps what
-- it has read of them as long as the revision is the same. So each change of them, in its transaction, sets the
-- revision to a value that was never there before. It is not a counter: after the restore of an older state, a
-- counter would come to the same number again, with other data.
-- Programs that change reference data at the same time wait for each other here. If an estate changes its users
-- all day, it can add the row 'users', let the triggers of users set that row, and select it in statements of
-- its own.
CREATE TABLE IF NOT EXISTS access_token_revisions (
    name                             VARCHAR(40)  NOT NULL,
    revision                         CHAR(36)     NOT NULL,
    PRIMARY KEY (name)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

INSERT IGNORE INTO access_token_revisions (name, revision) VALUES ('reference', UUID());

-- Below, only the last line of a trigger ends with a semicolon: see schema.sql.
DELIMITER ;;

-- The triggers of the revision. An update sets it only if it changes a column that the statements read. BINARY,
-- since 'a' and 'a ' are equal in the collation. TRUNCATE, cascades of foreign keys that an estate adds, and
-- files that are copied fire no trigger: run the UPDATE of these triggers after them.
CREATE TRIGGER IF NOT EXISTS units_revision_insert AFTER INSERT ON units FOR EACH ROW
    UPDATE access_token_revisions SET revision = UUID() WHERE name = 'reference';;

CREATE TRIGGER IF NOT EXISTS units_revision_update AFTER UPDATE ON units FOR EACH ROW
IF NOT (BINARY NEW.id <=> BINARY OLD.id
        AND BINARY NEW.name <=> BINARY OLD.name
        AND BINARY NEW.description <=> BINARY OLD.description
        AND BINARY NEW.alternative_code <=> BINARY OLD.alternative_code
        AND BINARY NEW.group_name <=> BINARY OLD.group_name
        AND BINARY NEW.community_name <=> BINARY OLD.community_name) THEN
    UPDATE access_token_revisions SET revision = UUID() WHERE name = 'reference'
; END IF;;

CREATE TRIGGER IF NOT EXISTS units_revision_delete AFTER DELETE ON units FOR EACH ROW
    UPDATE access_token_revisions SET revision = UUID() WHERE name = 'reference';;

CREATE TRIGGER IF NOT EXISTS users_revision_insert AFTER INSERT ON users FOR EACH ROW
    UPDATE access_token_revisions SET revision = UUID() WHERE name = 'reference';;

CREATE TRIGGER IF NOT EXISTS users_revision_update AFTER UPDATE ON users FOR EACH ROW
IF NOT (BINARY NEW.id <=> BINARY OLD.id
        AND BINARY NEW.username <=> BINARY OLD.username
        AND BINARY NEW.person_name <=> BINARY OLD.person_name
        AND BINARY NEW.email <=> BINARY OLD.email
        AND BINARY NEW.default_unit_id <=> BINARY OLD.default_unit_id
        AND NEW.may_update_access_tokens <=> OLD.may_update_access_tokens) THEN
    UPDATE access_token_revisions SET revision = UUID() WHERE name = 'reference'
; END IF;;

CREATE TRIGGER IF NOT EXISTS users_revision_delete AFTER DELETE ON users FOR EACH ROW
    UPDATE access_token_revisions SET revision = UUID() WHERE name = 'reference';;

CREATE TRIGGER IF NOT EXISTS countries_revision_insert AFTER INSERT ON countries FOR EACH ROW
    UPDATE access_token_revisions SET revision = UUID() WHERE name = 'reference';;

CREATE TRIGGER IF NOT EXISTS countries_revision_update AFTER UPDATE ON countries FOR EACH ROW
IF NOT (BINARY NEW.id <=> BINARY OLD.id
        AND BINARY NEW.name <=> BINARY OLD.name
        AND BINARY NEW.alternative_code <=> BINARY OLD.alternative_code
        AND BINARY NEW.two_character_code <=> BINARY OLD.two_character_code
        AND BINARY NEW.three_character_code <=> BINARY OLD.three_character_code) THEN
    UPDATE access_token_revisions SET revision = UUID() WHERE name = 'reference'
; END IF;;

CREATE TRIGGER IF NOT EXISTS countries_revision_delete AFTER DELETE ON countries FOR EACH ROW
    UPDATE access_token_revisions SET revision = UUID() WHERE name = 'reference';;

CREATE TRIGGER IF NOT EXISTS access_token_rule_sets_revision_insert AFTER INSERT ON access_token_rule_sets FOR EACH ROW
    UPDATE access_token_revisions SET revision = UUID() WHERE name = 'reference';;

CREATE TRIGGER IF NOT EXISTS access_token_rule_sets_revision_update AFTER UPDATE ON access_token_rule_sets FOR EACH ROW
IF NOT (BINARY NEW.id <=> BINARY OLD.id
        AND BINARY NEW.authentication_code_creation <=> BINARY OLD.authentication_code_creation
        AND BINARY NEW.authentication_code_format <=> BINARY OLD.authentication_code_format
        AND NEW.authentication_code_min_length <=> OLD.authentication_code_min_length
        AND NEW.authentication_code_min_letters <=> OLD.authentication_code_min_letters
        AND NEW.authentication_code_min_digits <=> OLD.authentication_code_min_digits
        AND NEW.authentication_code_min_special <=> OLD.authentication_code_min_special
        AND BINARY NEW.identifier_creation <=> BINARY OLD.identifier_creation
        AND BINARY NEW.identifier_format <=> BINARY OLD.identifier_format
        AND NEW.identifier_min_length <=> OLD.identifier_min_length
        AND NEW.identifier_min_letters <=> OLD.identifier_min_letters
        AND NEW.identifier_min_digits <=> OLD.identifier_min_digits
        AND NEW.identifier_min_special <=> OLD.identifier_min_special
        AND BINARY NEW.pass_code_creation <=> BINARY OLD.pass_code_creation
        AND BINARY NEW.pass_code_format <=> BINARY OLD.pass_code_format
        AND NEW.pass_code_min_length <=> OLD.pass_code_min_length
        AND NEW.pass_code_min_letters <=> OLD.pass_code_min_letters
        AND NEW.pass_code_min_digits <=> OLD.pass_code_min_digits
        AND NEW.pass_code_min_special <=> OLD.pass_code_min_special
        AND NEW.allow_no_identifier <=> OLD.allow_no_identifier) THEN
    UPDATE access_token_revisions SET revision = UUID() WHERE name = 'reference'
; END IF;;

CREATE TRIGGER IF NOT EXISTS access_token_rule_sets_revision_delete AFTER DELETE ON access_token_rule_sets FOR EACH ROW
    UPDATE access_token_revisions SET revision = UUID() WHERE name = 'reference';;

CREATE TRIGGER IF NOT EXISTS access_token_definitions_revision_insert AFTER INSERT ON access_token_definitions FOR EACH ROW
    UPDATE access_token_revisions SET revision = UUID() WHERE name = 'reference';;

CREATE TRIGGER IF NOT EXISTS access_token_definitions_revision_update AFTER UPDATE ON access_token_definitions FOR EACH ROW
IF NOT (BINARY NEW.rule_set_id <=> BINARY OLD.rule_set_id
        AND NEW.active <=> OLD.active) THEN
    UPDATE access_token_revisions SET revision = UUID() WHERE name = 'reference'
; END IF;;

CREATE TRIGGER IF NOT EXISTS access_token_definitions_revision_delete AFTER DELETE ON access_token_definitions FOR EACH ROW
    UPDATE access_token_revisions SET revision = UUID() WHERE name = 'reference';;

CREATE TRIGGER IF NOT EXISTS access_token_classifications_revision_insert AFTER INSERT ON access_token_classifications FOR EACH ROW
    UPDATE access_token_revisions SET revision = UUID() WHERE name = 'reference';;

CREATE TRIGGER IF NOT EXISTS access_token_classifications_revision_update AFTER UPDATE ON access_token_classifications FOR EACH ROW
IF NOT (BINARY NEW.id <=> BINARY OLD.id
        AND BINARY NEW.name <=> BINARY OLD.name
        AND BINARY NEW.alternative_code <=> BINARY OLD.alternative_code
        AND BINARY NEW.rule_set_id <=> BINARY OLD.rule_set_id) THEN
    UPDATE access_token_revisions SET revision = UUID() WHERE name = 'reference'
; END IF;;

CREATE TRIGGER IF NOT EXISTS access_token_classifications_revision_delete AFTER DELETE ON access_token_classifications FOR EACH ROW
    UPDATE access_token_revisions SET revision = UUID() WHERE name = 'reference';;

CREATE TRIGGER IF NOT EXISTS access_token_custom_fields_revision_insert AFTER INSERT ON access_token_custom_fields FOR EACH ROW
    UPDATE access_token_revisions SET revision = UUID() WHERE name = 'reference';;

CREATE TRIGGER IF NOT EXISTS access_token_custom_fields_revision_update AFTER UPDATE ON access_token_custom_fields FOR EACH ROW
IF NOT (BINARY NEW.name <=> BINARY OLD.name
        AND BINARY NEW.type <=> BINARY OLD.type) THEN
    UPDATE access_token_revisions SET revision = UUID() WHERE name = 'reference'
; END IF;;

CREATE TRIGGER IF NOT EXISTS access_token_custom_fields_revision_delete AFTER DELETE ON access_token_custom_fields FOR EACH ROW
    UPDATE access_token_revisions SET revision = UUID() WHERE name = 'reference';;
DELIMITER ;

-- Each call changed the two indexes of these foreign keys, which took a fifth of the database's time.
ALTER TABLE access_tokens
    DROP FOREIGN KEY IF EXISTS access_tokens_updated_by_user,
    DROP FOREIGN KEY IF EXISTS access_tokens_updated_by_unit;
ALTER TABLE access_tokens
    DROP INDEX IF EXISTS access_tokens_updated_by_user,
    DROP INDEX IF EXISTS access_tokens_updated_by_unit;

UPDATE access_token_schema SET version = 3 WHERE version = 2;

SET SESSION sql_mode = @access_token_sql_mode;
