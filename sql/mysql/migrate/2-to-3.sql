-- Brings a database of schema version 2 to version 3: adds the revision of the reference data, and drops two
-- foreign keys and the function that gave out numbers. For MariaDB 10.5+ and MySQL 8.0.29+.
--     mariadb access_token < 2-to-3.sql     (as the administrator who ran schema.sql)
-- Then run documents.sql, documents-fill.sql and grants.sql, and install the module of this version: an older
-- one is not ready with version 3. It can be run again, for example after an error.

SET NAMES utf8mb4 COLLATE utf8mb4_bin;

SET @access_token_sql_mode = @@SESSION.sql_mode;
SET SESSION sql_mode = 'STRICT_ALL_TABLES';

-- If binary logging is on, triggers need an administrator with the privilege SUPER, or the server variable
-- log_bin_trust_function_creators = 1. Without both, this stops here with error 1419, before anything is made.
DROP FUNCTION IF EXISTS access_token_probe;
CREATE FUNCTION access_token_probe() RETURNS INT DETERMINISTIC NO SQL RETURN 1;
DROP FUNCTION access_token_probe;

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

-- The triggers of the revision. An update sets it only if it changes a column that the statements read. As BINARY,
-- since 'a' and 'a ' are equal in the collation. TRUNCATE, cascades of foreign keys that an estate adds, and
-- files that are copied fire no trigger: run the UPDATE of these triggers after them.
CREATE TRIGGER IF NOT EXISTS units_revision_insert AFTER INSERT ON units FOR EACH ROW
    UPDATE access_token_revisions SET revision = UUID() WHERE name = 'reference';;

CREATE TRIGGER IF NOT EXISTS units_revision_update AFTER UPDATE ON units FOR EACH ROW
IF NOT (CAST(NEW.id AS BINARY) <=> OLD.id
        AND CAST(NEW.name AS BINARY) <=> OLD.name
        AND CAST(NEW.description AS BINARY) <=> OLD.description
        AND CAST(NEW.alternative_code AS BINARY) <=> OLD.alternative_code
        AND CAST(NEW.group_name AS BINARY) <=> OLD.group_name
        AND CAST(NEW.community_name AS BINARY) <=> OLD.community_name) THEN
    UPDATE access_token_revisions SET revision = UUID() WHERE name = 'reference'
; END IF;;

CREATE TRIGGER IF NOT EXISTS units_revision_delete AFTER DELETE ON units FOR EACH ROW
    UPDATE access_token_revisions SET revision = UUID() WHERE name = 'reference';;

CREATE TRIGGER IF NOT EXISTS users_revision_insert AFTER INSERT ON users FOR EACH ROW
    UPDATE access_token_revisions SET revision = UUID() WHERE name = 'reference';;

CREATE TRIGGER IF NOT EXISTS users_revision_update AFTER UPDATE ON users FOR EACH ROW
IF NOT (CAST(NEW.id AS BINARY) <=> OLD.id
        AND CAST(NEW.username AS BINARY) <=> OLD.username
        AND CAST(NEW.person_name AS BINARY) <=> OLD.person_name
        AND CAST(NEW.email AS BINARY) <=> OLD.email
        AND CAST(NEW.default_unit_id AS BINARY) <=> OLD.default_unit_id
        AND NEW.may_update_access_tokens <=> OLD.may_update_access_tokens) THEN
    UPDATE access_token_revisions SET revision = UUID() WHERE name = 'reference'
; END IF;;

CREATE TRIGGER IF NOT EXISTS users_revision_delete AFTER DELETE ON users FOR EACH ROW
    UPDATE access_token_revisions SET revision = UUID() WHERE name = 'reference';;

CREATE TRIGGER IF NOT EXISTS countries_revision_insert AFTER INSERT ON countries FOR EACH ROW
    UPDATE access_token_revisions SET revision = UUID() WHERE name = 'reference';;

CREATE TRIGGER IF NOT EXISTS countries_revision_update AFTER UPDATE ON countries FOR EACH ROW
IF NOT (CAST(NEW.id AS BINARY) <=> OLD.id
        AND CAST(NEW.name AS BINARY) <=> OLD.name
        AND CAST(NEW.alternative_code AS BINARY) <=> OLD.alternative_code
        AND CAST(NEW.two_character_code AS BINARY) <=> OLD.two_character_code
        AND CAST(NEW.three_character_code AS BINARY) <=> OLD.three_character_code) THEN
    UPDATE access_token_revisions SET revision = UUID() WHERE name = 'reference'
; END IF;;

CREATE TRIGGER IF NOT EXISTS countries_revision_delete AFTER DELETE ON countries FOR EACH ROW
    UPDATE access_token_revisions SET revision = UUID() WHERE name = 'reference';;

CREATE TRIGGER IF NOT EXISTS access_token_rule_sets_revision_insert AFTER INSERT ON access_token_rule_sets FOR EACH ROW
    UPDATE access_token_revisions SET revision = UUID() WHERE name = 'reference';;

CREATE TRIGGER IF NOT EXISTS access_token_rule_sets_revision_update AFTER UPDATE ON access_token_rule_sets FOR EACH ROW
IF NOT (CAST(NEW.id AS BINARY) <=> OLD.id
        AND CAST(NEW.authentication_code_creation AS BINARY) <=> OLD.authentication_code_creation
        AND CAST(NEW.authentication_code_format AS BINARY) <=> OLD.authentication_code_format
        AND NEW.authentication_code_min_length <=> OLD.authentication_code_min_length
        AND NEW.authentication_code_min_letters <=> OLD.authentication_code_min_letters
        AND NEW.authentication_code_min_digits <=> OLD.authentication_code_min_digits
        AND NEW.authentication_code_min_special <=> OLD.authentication_code_min_special
        AND CAST(NEW.identifier_creation AS BINARY) <=> OLD.identifier_creation
        AND CAST(NEW.identifier_format AS BINARY) <=> OLD.identifier_format
        AND NEW.identifier_min_length <=> OLD.identifier_min_length
        AND NEW.identifier_min_letters <=> OLD.identifier_min_letters
        AND NEW.identifier_min_digits <=> OLD.identifier_min_digits
        AND NEW.identifier_min_special <=> OLD.identifier_min_special
        AND CAST(NEW.pass_code_creation AS BINARY) <=> OLD.pass_code_creation
        AND CAST(NEW.pass_code_format AS BINARY) <=> OLD.pass_code_format
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
IF NOT (CAST(NEW.rule_set_id AS BINARY) <=> OLD.rule_set_id
        AND NEW.active <=> OLD.active) THEN
    UPDATE access_token_revisions SET revision = UUID() WHERE name = 'reference'
; END IF;;

CREATE TRIGGER IF NOT EXISTS access_token_definitions_revision_delete AFTER DELETE ON access_token_definitions FOR EACH ROW
    UPDATE access_token_revisions SET revision = UUID() WHERE name = 'reference';;

CREATE TRIGGER IF NOT EXISTS access_token_classifications_revision_insert AFTER INSERT ON access_token_classifications FOR EACH ROW
    UPDATE access_token_revisions SET revision = UUID() WHERE name = 'reference';;

CREATE TRIGGER IF NOT EXISTS access_token_classifications_revision_update AFTER UPDATE ON access_token_classifications FOR EACH ROW
IF NOT (CAST(NEW.id AS BINARY) <=> OLD.id
        AND CAST(NEW.name AS BINARY) <=> OLD.name
        AND CAST(NEW.alternative_code AS BINARY) <=> OLD.alternative_code
        AND CAST(NEW.rule_set_id AS BINARY) <=> OLD.rule_set_id) THEN
    UPDATE access_token_revisions SET revision = UUID() WHERE name = 'reference'
; END IF;;

CREATE TRIGGER IF NOT EXISTS access_token_classifications_revision_delete AFTER DELETE ON access_token_classifications FOR EACH ROW
    UPDATE access_token_revisions SET revision = UUID() WHERE name = 'reference';;

CREATE TRIGGER IF NOT EXISTS access_token_custom_fields_revision_insert AFTER INSERT ON access_token_custom_fields FOR EACH ROW
    UPDATE access_token_revisions SET revision = UUID() WHERE name = 'reference';;

CREATE TRIGGER IF NOT EXISTS access_token_custom_fields_revision_update AFTER UPDATE ON access_token_custom_fields FOR EACH ROW
IF NOT (CAST(NEW.name AS BINARY) <=> OLD.name
        AND CAST(NEW.type AS BINARY) <=> OLD.type) THEN
    UPDATE access_token_revisions SET revision = UUID() WHERE name = 'reference'
; END IF;;

CREATE TRIGGER IF NOT EXISTS access_token_custom_fields_revision_delete AFTER DELETE ON access_token_custom_fields FOR EACH ROW
    UPDATE access_token_revisions SET revision = UUID() WHERE name = 'reference';;
DELIMITER ;

-- Each call changed the two indexes of these foreign keys, which took a fifth of the database's time.
-- MySQL has no DROP ... IF EXISTS.
SELECT IF(COUNT(*) = 0, 'DO 0', CONCAT('ALTER TABLE access_tokens ', GROUP_CONCAT('DROP FOREIGN KEY ', constraint_name)))
  INTO @access_token_drop
  FROM information_schema.table_constraints
 WHERE table_schema = DATABASE() AND table_name = 'access_tokens' AND constraint_type = 'FOREIGN KEY'
   AND constraint_name IN ('access_tokens_updated_by_user', 'access_tokens_updated_by_unit');
PREPARE access_token_drop FROM @access_token_drop;
EXECUTE access_token_drop;
SELECT IF(COUNT(*) = 0, 'DO 0', CONCAT('ALTER TABLE access_tokens ', GROUP_CONCAT('DROP INDEX ', index_name)))
  INTO @access_token_drop
  FROM information_schema.statistics
 WHERE table_schema = DATABASE() AND table_name = 'access_tokens'
   AND index_name IN ('access_tokens_updated_by_user', 'access_tokens_updated_by_unit');
PREPARE access_token_drop FROM @access_token_drop;
EXECUTE access_token_drop;
DEALLOCATE PREPARE access_token_drop;

-- raise_number.sql replaces it.
DROP FUNCTION IF EXISTS access_token_next_number;

UPDATE access_token_schema SET version = 3 WHERE version = 2;
COMMIT;

SET SESSION sql_mode = @access_token_sql_mode;
