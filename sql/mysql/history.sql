-- The history of access tokens for MariaDB 10.5+ and MySQL 8.0.16+. It is optional. Each update adds a line to
-- access_token_changes for the new version, whether the module or another program makes it. A trigger writes
-- the line in the transaction of the update, so both are committed, or neither.
--
-- Install: as an administrator, after schema.sql:   mariadb access_token < history.sql
-- httpd may run meanwhile. The account of the module needs no more rights: triggers run with the rights of
-- the account that created them. Do not drop that account: all updates would fail.
--
-- Cost: a call takes a third to a half more processor time of the database (measured: bench/README.md).
--
-- Remove: DROP TRIGGER access_tokens_changes; DROP TRIGGER access_tokens_first_version;
--         DROP TABLE access_token_changes;
--
-- Old lines are not removed automatically. To remove lines older than a year, run this regularly.
--     DELETE FROM access_token_changes WHERE changed_at < UTC_TIMESTAMP() - INTERVAL 1 YEAR LIMIT 10000;

SET NAMES utf8mb4 COLLATE utf8mb4_bin;

-- A trigger keeps the sql_mode in which it is created, and some modes change the meaning of SQL. In this mode,
-- bytes of a code that are not UTF-8 become a question mark in the history. In a strict mode the update fails.
SET @access_token_sql_mode = @@SESSION.sql_mode;
SET SESSION sql_mode = '';

-- If binary logging is on, triggers need an administrator with the privilege SUPER, or the server variable
-- log_bin_trust_function_creators = 1. Without both, this stops here with error 1419, before anything is made.
DROP FUNCTION IF EXISTS access_token_probe;
CREATE FUNCTION access_token_probe() RETURNS INT DETERMINISTIC NO SQL RETURN 1;
DROP FUNCTION access_token_probe;

-- fields: a JSON array with the names of the fields that changed, in the order of the table; empty if none
-- did. created_*, updated_* and request_* are never named.
-- old_values, new_values: JSON objects with the values of these fields. The values of a pass code and a
-- verification code are left out. An authentication code is masked, except for its last two characters if it
-- has eight or more.
-- user_id, unit_id, request_id: from the call to the module; NULL if another program made this version.
-- changed_at: the time of the call, or of the update by another program.
CREATE TABLE access_token_changes (
    id                               BIGINT UNSIGNED NOT NULL AUTO_INCREMENT,
    token_id                         VARCHAR(40)     NOT NULL,
    version                          BIGINT UNSIGNED NOT NULL,
    changed_at                       DATETIME        NOT NULL,
    user_id                          VARCHAR(40)     NULL,
    unit_id                          VARCHAR(40)     NULL,
    request_id                       VARCHAR(32)     NULL,
    fields                           VARCHAR(1000)   NOT NULL,
    old_values                       MEDIUMTEXT      NOT NULL,
    new_values                       MEDIUMTEXT      NOT NULL,
    PRIMARY KEY (id),
    CONSTRAINT access_token_changes_version UNIQUE KEY (token_id, version),
    KEY access_token_changes_changed_at (changed_at)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- The history stays when an access token is deleted. If one with the same id is inserted again, it gets the
-- next version. That version has no line, since no update made it.
CREATE TRIGGER access_tokens_first_version BEFORE INSERT ON access_tokens FOR EACH ROW
    SET NEW.version = GREATEST(NEW.version, (SELECT COALESCE(MAX(version) + 1, 0) FROM access_token_changes
                                              WHERE token_id = NEW.id));

-- Below, only the last line of a trigger ends with a semicolon: see schema.sql.
DELIMITER ;;

-- As BINARY, since 'a' and 'a ' are equal in the collation. One IF for each field is the fastest form that was
-- measured.
CREATE TRIGGER access_tokens_changes AFTER UPDATE ON access_tokens FOR EACH ROW
BEGIN
    DECLARE by_module BOOLEAN DEFAULT NEW.request_ids <> OLD.request_ids
    ; DECLARE changed VARCHAR(1000) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin DEFAULT ''
    ; DECLARE olds, news MEDIUMTEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin DEFAULT ''
    ; IF NOT (CAST(NEW.number AS BINARY) <=> OLD.number) THEN
        SET changed = CONCAT(changed, ',"number"'),
            olds = CONCAT(olds, ',"number":', JSON_QUOTE(OLD.number)),
            news = CONCAT(news, ',"number":', JSON_QUOTE(NEW.number))
    ; END IF
    ; IF NOT (CAST(NEW.life_cycle_state AS BINARY) <=> OLD.life_cycle_state) THEN
        SET changed = CONCAT(changed, ',"life_cycle_state"'),
            olds = CONCAT(olds, ',"life_cycle_state":', JSON_QUOTE(OLD.life_cycle_state)),
            news = CONCAT(news, ',"life_cycle_state":', JSON_QUOTE(NEW.life_cycle_state))
    ; END IF
    ; IF NOT (NEW.authentication_code <=> OLD.authentication_code) THEN
        SET changed = CONCAT(changed, ',"authentication_code"'),
            olds = CONCAT(olds, ',"authentication_code":', JSON_QUOTE(CONCAT('******',
                IF(CHAR_LENGTH(CONVERT(OLD.authentication_code USING utf8mb4)) < 8, '',
                   RIGHT(CONVERT(OLD.authentication_code USING utf8mb4), 2))))),
            news = CONCAT(news, ',"authentication_code":', JSON_QUOTE(CONCAT('******',
                IF(CHAR_LENGTH(CONVERT(NEW.authentication_code USING utf8mb4)) < 8, '',
                   RIGHT(CONVERT(NEW.authentication_code USING utf8mb4), 2)))))
    ; END IF
    ; IF NOT (NEW.identifier <=> OLD.identifier) THEN
        SET changed = CONCAT(changed, ',"identifier"'),
            olds = CONCAT(olds, ',"identifier":',
                          COALESCE(JSON_QUOTE(CONVERT(OLD.identifier USING utf8mb4)), 'null')),
            news = CONCAT(news, ',"identifier":',
                          COALESCE(JSON_QUOTE(CONVERT(NEW.identifier USING utf8mb4)), 'null'))
    ; END IF
    ; IF NOT (CAST(NEW.pass_code AS BINARY) <=> OLD.pass_code) THEN
        SET changed = CONCAT(changed, ',"pass_code"')
    ; END IF
    ; IF NOT (CAST(NEW.classification_id AS BINARY) <=> OLD.classification_id) THEN
        SET changed = CONCAT(changed, ',"classification_id"'),
            olds = CONCAT(olds, ',"classification_id":', COALESCE(JSON_QUOTE(OLD.classification_id), 'null')),
            news = CONCAT(news, ',"classification_id":', COALESCE(JSON_QUOTE(NEW.classification_id), 'null'))
    ; END IF
    ; IF NOT (CAST(NEW.accounts_receivable_id AS BINARY) <=> OLD.accounts_receivable_id) THEN
        SET changed = CONCAT(changed, ',"accounts_receivable_id"'),
            olds = CONCAT(olds, ',"accounts_receivable_id":',
                          COALESCE(JSON_QUOTE(OLD.accounts_receivable_id), 'null')),
            news = CONCAT(news, ',"accounts_receivable_id":',
                          COALESCE(JSON_QUOTE(NEW.accounts_receivable_id), 'null'))
    ; END IF
    ; IF NOT (CAST(NEW.reward_participant_id AS BINARY) <=> OLD.reward_participant_id) THEN
        SET changed = CONCAT(changed, ',"reward_participant_id"'),
            olds = CONCAT(olds, ',"reward_participant_id":',
                          COALESCE(JSON_QUOTE(OLD.reward_participant_id), 'null')),
            news = CONCAT(news, ',"reward_participant_id":',
                          COALESCE(JSON_QUOTE(NEW.reward_participant_id), 'null'))
    ; END IF
    ; IF NOT (CAST(NEW.card_masked_number AS BINARY) <=> OLD.card_masked_number) THEN
        SET changed = CONCAT(changed, ',"card_masked_number"'),
            olds = CONCAT(olds, ',"card_masked_number":',
                          COALESCE(JSON_QUOTE(OLD.card_masked_number), 'null')),
            news = CONCAT(news, ',"card_masked_number":',
                          COALESCE(JSON_QUOTE(NEW.card_masked_number), 'null'))
    ; END IF
    ; IF NOT (CAST(NEW.udf_string_1 AS BINARY) <=> OLD.udf_string_1) THEN
        SET changed = CONCAT(changed, ',"udf_string_1"'),
            olds = CONCAT(olds, ',"udf_string_1":', COALESCE(JSON_QUOTE(OLD.udf_string_1), 'null')),
            news = CONCAT(news, ',"udf_string_1":', COALESCE(JSON_QUOTE(NEW.udf_string_1), 'null'))
    ; END IF
    ; IF NOT (CAST(NEW.udf_string_2 AS BINARY) <=> OLD.udf_string_2) THEN
        SET changed = CONCAT(changed, ',"udf_string_2"'),
            olds = CONCAT(olds, ',"udf_string_2":', COALESCE(JSON_QUOTE(OLD.udf_string_2), 'null')),
            news = CONCAT(news, ',"udf_string_2":', COALESCE(JSON_QUOTE(NEW.udf_string_2), 'null'))
    ; END IF
    ; IF NOT (CAST(NEW.udf_string_3 AS BINARY) <=> OLD.udf_string_3) THEN
        SET changed = CONCAT(changed, ',"udf_string_3"'),
            olds = CONCAT(olds, ',"udf_string_3":', COALESCE(JSON_QUOTE(OLD.udf_string_3), 'null')),
            news = CONCAT(news, ',"udf_string_3":', COALESCE(JSON_QUOTE(NEW.udf_string_3), 'null'))
    ; END IF
    ; IF NOT (CAST(NEW.udf_string_4 AS BINARY) <=> OLD.udf_string_4) THEN
        SET changed = CONCAT(changed, ',"udf_string_4"'),
            olds = CONCAT(olds, ',"udf_string_4":', COALESCE(JSON_QUOTE(OLD.udf_string_4), 'null')),
            news = CONCAT(news, ',"udf_string_4":', COALESCE(JSON_QUOTE(NEW.udf_string_4), 'null'))
    ; END IF
    ; IF NOT (CAST(NEW.udf_string_5 AS BINARY) <=> OLD.udf_string_5) THEN
        SET changed = CONCAT(changed, ',"udf_string_5"'),
            olds = CONCAT(olds, ',"udf_string_5":', COALESCE(JSON_QUOTE(OLD.udf_string_5), 'null')),
            news = CONCAT(news, ',"udf_string_5":', COALESCE(JSON_QUOTE(NEW.udf_string_5), 'null'))
    ; END IF
    ; IF NOT (CAST(NEW.udf_string_6 AS BINARY) <=> OLD.udf_string_6) THEN
        SET changed = CONCAT(changed, ',"udf_string_6"'),
            olds = CONCAT(olds, ',"udf_string_6":', COALESCE(JSON_QUOTE(OLD.udf_string_6), 'null')),
            news = CONCAT(news, ',"udf_string_6":', COALESCE(JSON_QUOTE(NEW.udf_string_6), 'null'))
    ; END IF
    ; IF NOT (CAST(NEW.udf_string_7 AS BINARY) <=> OLD.udf_string_7) THEN
        SET changed = CONCAT(changed, ',"udf_string_7"'),
            olds = CONCAT(olds, ',"udf_string_7":', COALESCE(JSON_QUOTE(OLD.udf_string_7), 'null')),
            news = CONCAT(news, ',"udf_string_7":', COALESCE(JSON_QUOTE(NEW.udf_string_7), 'null'))
    ; END IF
    ; IF NOT (CAST(NEW.udf_string_8 AS BINARY) <=> OLD.udf_string_8) THEN
        SET changed = CONCAT(changed, ',"udf_string_8"'),
            olds = CONCAT(olds, ',"udf_string_8":', COALESCE(JSON_QUOTE(OLD.udf_string_8), 'null')),
            news = CONCAT(news, ',"udf_string_8":', COALESCE(JSON_QUOTE(NEW.udf_string_8), 'null'))
    ; END IF
    ; IF NOT (NEW.udf_float_1 <=> OLD.udf_float_1) THEN
        SET changed = CONCAT(changed, ',"udf_float_1"'),
            olds = CONCAT(olds, ',"udf_float_1":', COALESCE(CAST(OLD.udf_float_1 AS CHAR), 'null')),
            news = CONCAT(news, ',"udf_float_1":', COALESCE(CAST(NEW.udf_float_1 AS CHAR), 'null'))
    ; END IF
    ; IF NOT (NEW.udf_float_2 <=> OLD.udf_float_2) THEN
        SET changed = CONCAT(changed, ',"udf_float_2"'),
            olds = CONCAT(olds, ',"udf_float_2":', COALESCE(CAST(OLD.udf_float_2 AS CHAR), 'null')),
            news = CONCAT(news, ',"udf_float_2":', COALESCE(CAST(NEW.udf_float_2 AS CHAR), 'null'))
    ; END IF
    ; IF NOT (NEW.udf_float_3 <=> OLD.udf_float_3) THEN
        SET changed = CONCAT(changed, ',"udf_float_3"'),
            olds = CONCAT(olds, ',"udf_float_3":', COALESCE(CAST(OLD.udf_float_3 AS CHAR), 'null')),
            news = CONCAT(news, ',"udf_float_3":', COALESCE(CAST(NEW.udf_float_3 AS CHAR), 'null'))
    ; END IF
    ; IF NOT (NEW.udf_float_4 <=> OLD.udf_float_4) THEN
        SET changed = CONCAT(changed, ',"udf_float_4"'),
            olds = CONCAT(olds, ',"udf_float_4":', COALESCE(CAST(OLD.udf_float_4 AS CHAR), 'null')),
            news = CONCAT(news, ',"udf_float_4":', COALESCE(CAST(NEW.udf_float_4 AS CHAR), 'null'))
    ; END IF
    ; IF NOT (NEW.udf_date_1 <=> OLD.udf_date_1) THEN
        SET changed = CONCAT(changed, ',"udf_date_1"'),
            olds = CONCAT(olds, ',"udf_date_1":',
                          COALESCE(DATE_FORMAT(OLD.udf_date_1, '"%Y-%m-%dT%H:%i:%s"'), 'null')),
            news = CONCAT(news, ',"udf_date_1":',
                          COALESCE(DATE_FORMAT(NEW.udf_date_1, '"%Y-%m-%dT%H:%i:%s"'), 'null'))
    ; END IF
    ; IF NOT (NEW.udf_date_2 <=> OLD.udf_date_2) THEN
        SET changed = CONCAT(changed, ',"udf_date_2"'),
            olds = CONCAT(olds, ',"udf_date_2":',
                          COALESCE(DATE_FORMAT(OLD.udf_date_2, '"%Y-%m-%dT%H:%i:%s"'), 'null')),
            news = CONCAT(news, ',"udf_date_2":',
                          COALESCE(DATE_FORMAT(NEW.udf_date_2, '"%Y-%m-%dT%H:%i:%s"'), 'null'))
    ; END IF
    ; IF NOT (NEW.udf_date_3 <=> OLD.udf_date_3) THEN
        SET changed = CONCAT(changed, ',"udf_date_3"'),
            olds = CONCAT(olds, ',"udf_date_3":',
                          COALESCE(DATE_FORMAT(OLD.udf_date_3, '"%Y-%m-%dT%H:%i:%s"'), 'null')),
            news = CONCAT(news, ',"udf_date_3":',
                          COALESCE(DATE_FORMAT(NEW.udf_date_3, '"%Y-%m-%dT%H:%i:%s"'), 'null'))
    ; END IF
    ; IF NOT (NEW.udf_date_4 <=> OLD.udf_date_4) THEN
        SET changed = CONCAT(changed, ',"udf_date_4"'),
            olds = CONCAT(olds, ',"udf_date_4":',
                          COALESCE(DATE_FORMAT(OLD.udf_date_4, '"%Y-%m-%dT%H:%i:%s"'), 'null')),
            news = CONCAT(news, ',"udf_date_4":',
                          COALESCE(DATE_FORMAT(NEW.udf_date_4, '"%Y-%m-%dT%H:%i:%s"'), 'null'))
    ; END IF
    ; IF NOT (NEW.custom_field_set <=> OLD.custom_field_set
                  AND LENGTH(NEW.custom_field_set) <=> LENGTH(OLD.custom_field_set)) THEN
        SET changed = CONCAT(changed, ',"custom_field_set"'),
            olds = CONCAT(olds, ',"custom_field_set":', COALESCE(
                IF(JSON_VALID(OLD.custom_field_set), OLD.custom_field_set,
                   JSON_QUOTE(OLD.custom_field_set)), 'null')),
            news = CONCAT(news, ',"custom_field_set":', COALESCE(
                IF(JSON_VALID(NEW.custom_field_set), NEW.custom_field_set,
                   JSON_QUOTE(NEW.custom_field_set)), 'null'))
    ; END IF
    ; IF NOT (NEW.verified_date <=> OLD.verified_date) THEN
        SET changed = CONCAT(changed, ',"verified_date"'),
            olds = CONCAT(olds, ',"verified_date":',
                          COALESCE(DATE_FORMAT(OLD.verified_date, '"%Y-%m-%dT%H:%i:%s"'), 'null')),
            news = CONCAT(news, ',"verified_date":',
                          COALESCE(DATE_FORMAT(NEW.verified_date, '"%Y-%m-%dT%H:%i:%s"'), 'null'))
    ; END IF
    ; IF NOT (CAST(NEW.verification_code AS BINARY) <=> OLD.verification_code) THEN
        SET changed = CONCAT(changed, ',"verification_code"')
    ; END IF
    ; INSERT INTO access_token_changes
        (token_id, version, changed_at, user_id, unit_id, request_id, fields, old_values, new_values)
      VALUES (NEW.id, NEW.version, COALESCE(IF(by_module, NEW.updated_date, NULL), UTC_TIMESTAMP()),
              IF(by_module, NEW.updated_by_user_id, NULL), IF(by_module, NEW.updated_by_unit_id, NULL),
              IF(by_module, LEFT(NEW.request_ids, 32), NULL),
              CONCAT('[', SUBSTR(changed, 2), ']'), CONCAT('{', SUBSTR(olds, 2), '}'),
              CONCAT('{', SUBSTR(news, 2), '}'))
    ; END;;
DELIMITER ;

SET SESSION sql_mode = @access_token_sql_mode;
