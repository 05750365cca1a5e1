-- The tables of mod_access_token for MariaDB 10.5+ and MySQL 8.0.16+.
-- Run it as an administrator in an empty database:   mariadb access_token < schema.sql
-- If it stops half-way, drop the database, and begin again.
--
-- All columns have one collation, utf8mb4_bin: joins of different collations cannot use an index. It ignores
-- trailing blanks, so the two codes are VARBINARY (255 characters of UTF-8), where every byte counts.
-- Keep the columns short: the database driver reserves the declared size of each column for each SELECT, and
-- cuts values that are longer than its fldsz. The index of a foreign key has the name of its constraint.

SET NAMES utf8mb4 COLLATE utf8mb4_bin;

-- Triggers keep the sql_mode in which they are created, and some modes change the meaning of
-- SQL. In this mode a value that does not fit is an error.
SET @access_token_sql_mode = @@SESSION.sql_mode;
SET SESSION sql_mode = 'STRICT_ALL_TABLES';

-- If binary logging is on, triggers need an administrator with the privilege SUPER, or the server variable
-- log_bin_trust_function_creators = 1. Without both, this stops here with error 1419, before anything is made.
DROP FUNCTION IF EXISTS access_token_probe;
CREATE FUNCTION access_token_probe() RETURNS INT DETERMINISTIC NO SQL RETURN 1;
DROP FUNCTION access_token_probe;

CREATE TABLE access_token_schema (
    version                          INT NOT NULL,
    PRIMARY KEY (version)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

CREATE TABLE units (
    id                               VARCHAR(40)  NOT NULL,
    name                             VARCHAR(100) NOT NULL,
    description                      VARCHAR(255) NULL,
    alternative_code                 VARCHAR(50)  NULL,
    group_name                       VARCHAR(100) NULL,
    community_name                   VARCHAR(100) NULL,
    PRIMARY KEY (id)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

CREATE TABLE users (
    id                               VARCHAR(40)  NOT NULL,
    username                         VARCHAR(100) NOT NULL,
    person_name                      VARCHAR(200) NULL,
    email                            VARCHAR(254) NULL,
    default_unit_id                  VARCHAR(40)  NULL,
    may_update_access_tokens         TINYINT      NOT NULL DEFAULT 0,
    PRIMARY KEY (id),
    CONSTRAINT users_username        UNIQUE KEY (username),
    CONSTRAINT users_default_unit    FOREIGN KEY (default_unit_id) REFERENCES units (id),
    CONSTRAINT users_may_update      CHECK (may_update_access_tokens IN (0, 1))
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- Session tokens are not stored, only their digests: token_digest is LOWER(SHA2(token, 256)). Times are UTC.
CREATE TABLE access_token_sessions (
    token_digest                     CHAR(64)     NOT NULL,
    user_id                          VARCHAR(40)  NOT NULL,
    unit_id                          VARCHAR(40)  NULL,
    expires_at                       DATETIME     NOT NULL,
    PRIMARY KEY (token_digest),
    CONSTRAINT access_token_sessions_user FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE CASCADE,
    CONSTRAINT access_token_sessions_unit FOREIGN KEY (unit_id) REFERENCES units (id),
    CONSTRAINT access_token_sessions_digest CHECK (LENGTH(token_digest) = 64
                                                   AND token_digest = LOWER(token_digest)),
    KEY access_token_sessions_expires_at (expires_at)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

CREATE TABLE countries (
    id                               VARCHAR(40)  NOT NULL,
    name                             VARCHAR(100) NOT NULL,
    alternative_code                 VARCHAR(50)  NULL,
    two_character_code               CHAR(2)      NULL,
    three_character_code             CHAR(3)      NULL,
    PRIMARY KEY (id)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- Day, month and year are separate columns, since parts of a date may be unknown.
CREATE TABLE contacts (
    id                               VARCHAR(40)  NOT NULL,
    type                             VARCHAR(40)  NOT NULL,
    life_cycle_state                 VARCHAR(40)  NOT NULL,
    title                            VARCHAR(50)  NULL,
    first_name                       VARCHAR(100) NULL,
    middle_name                      VARCHAR(100) NULL,
    last_name                        VARCHAR(100) NULL,
    name                             VARCHAR(200) NULL,
    company_name                     VARCHAR(200) NULL,
    company_profile                  VARCHAR(255) NULL,
    gender                           VARCHAR(20)  NULL,
    country_of_residence_id          VARCHAR(40)  NULL,
    passport_number                  VARCHAR(50)  NULL,
    passport_issued_by_country_id    VARCHAR(40)  NULL,
    id_number                        VARCHAR(50)  NULL,
    id_issued_by_country_id          VARCHAR(40)  NULL,
    social_security_number           VARCHAR(50)  NULL,
    industry                         VARCHAR(100) NULL,
    industry_sector                  VARCHAR(100) NULL,
    name_day_day                     TINYINT      NULL,
    name_day_month                   TINYINT      NULL,
    birth_day                        TINYINT      NULL,
    birth_month                      TINYINT      NULL,
    birth_year                       SMALLINT     NULL,
    PRIMARY KEY (id),
    CONSTRAINT contacts_country_of_residence FOREIGN KEY (country_of_residence_id) REFERENCES countries (id),
    CONSTRAINT contacts_passport_country FOREIGN KEY (passport_issued_by_country_id)
                                         REFERENCES countries (id),
    CONSTRAINT contacts_id_country   FOREIGN KEY (id_issued_by_country_id) REFERENCES countries (id)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

CREATE TABLE accounts_receivable (
    id                               VARCHAR(40)  NOT NULL,
    number                           VARCHAR(40)  NOT NULL,
    name                             VARCHAR(200) NULL,
    life_cycle_state                 VARCHAR(40)  NOT NULL,
    owner_id                         VARCHAR(40)  NULL,
    PRIMARY KEY (id),
    CONSTRAINT accounts_receivable_owner FOREIGN KEY (owner_id) REFERENCES contacts (id)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

CREATE TABLE reward_participants (
    id                               VARCHAR(40)  NOT NULL,
    number                           VARCHAR(40)  NOT NULL,
    accounts_receivable_id           VARCHAR(40)  NULL,
    PRIMARY KEY (id),
    CONSTRAINT reward_participants_account FOREIGN KEY (accounts_receivable_id)
                                           REFERENCES accounts_receivable (id)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- creation: how a value is made if the request has none. The format and the minima apply to values in requests.
CREATE TABLE access_token_rule_sets (
    id                               VARCHAR(40)  NOT NULL,
    authentication_code_creation     VARCHAR(10)  NOT NULL DEFAULT 'NONE',
    authentication_code_format       VARCHAR(10)  NOT NULL DEFAULT 'FREE_TEXT',
    authentication_code_min_length   SMALLINT     NOT NULL DEFAULT 0,
    authentication_code_min_letters  SMALLINT     NOT NULL DEFAULT 0,
    authentication_code_min_digits   SMALLINT     NOT NULL DEFAULT 0,
    authentication_code_min_special  SMALLINT     NOT NULL DEFAULT 0,
    identifier_creation              VARCHAR(10)  NOT NULL DEFAULT 'NONE',
    identifier_format                VARCHAR(10)  NOT NULL DEFAULT 'FREE_TEXT',
    identifier_min_length            SMALLINT     NOT NULL DEFAULT 0,
    identifier_min_letters           SMALLINT     NOT NULL DEFAULT 0,
    identifier_min_digits            SMALLINT     NOT NULL DEFAULT 0,
    identifier_min_special           SMALLINT     NOT NULL DEFAULT 0,
    pass_code_creation               VARCHAR(10)  NOT NULL DEFAULT 'NONE',
    pass_code_format                 VARCHAR(10)  NOT NULL DEFAULT 'FREE_TEXT',
    pass_code_min_length             SMALLINT     NOT NULL DEFAULT 0,
    pass_code_min_letters            SMALLINT     NOT NULL DEFAULT 0,
    pass_code_min_digits             SMALLINT     NOT NULL DEFAULT 0,
    pass_code_min_special            SMALLINT     NOT NULL DEFAULT 0,
    allow_no_identifier              TINYINT      NOT NULL DEFAULT 0,
    PRIMARY KEY (id),
    CONSTRAINT access_token_rule_sets_authentication_code_creation
        CHECK (authentication_code_creation IN ('NONE', 'NUMBER', 'ID')),
    CONSTRAINT access_token_rule_sets_authentication_code_format
        CHECK (authentication_code_format IN ('FREE_TEXT', 'EMAIL', 'PHONE', 'NUMBER')),
    CONSTRAINT access_token_rule_sets_identifier_creation
        CHECK (identifier_creation IN ('NONE', 'NUMBER', 'ID')),
    CONSTRAINT access_token_rule_sets_identifier_format
        CHECK (identifier_format IN ('FREE_TEXT', 'EMAIL', 'PHONE', 'NUMBER')),
    CONSTRAINT access_token_rule_sets_pass_code_creation
        CHECK (pass_code_creation IN ('NONE', 'NUMBER', 'ID')),
    CONSTRAINT access_token_rule_sets_pass_code_format
        CHECK (pass_code_format IN ('FREE_TEXT', 'EMAIL', 'PHONE', 'NUMBER')),
    CONSTRAINT access_token_rule_sets_allow_no_identifier
        CHECK (allow_no_identifier IN (0, 1))
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- active is 1 or NULL, and unique: at most one definition is active.
CREATE TABLE access_token_definitions (
    id                               VARCHAR(40)  NOT NULL,
    name                             VARCHAR(100) NOT NULL,
    rule_set_id                      VARCHAR(40)  NOT NULL,
    active                           TINYINT      NULL,
    PRIMARY KEY (id),
    CONSTRAINT access_token_definitions_active UNIQUE KEY (active),
    CONSTRAINT access_token_definitions_rule_set FOREIGN KEY (rule_set_id)
                                                 REFERENCES access_token_rule_sets (id),
    CONSTRAINT access_token_definitions_one CHECK (active = 1)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

CREATE TABLE access_token_classifications (
    id                               VARCHAR(40)  NOT NULL,
    name                             VARCHAR(100) NOT NULL,
    alternative_code                 VARCHAR(50)  NULL,
    rule_set_id                      VARCHAR(40)  NOT NULL,
    PRIMARY KEY (id),
    CONSTRAINT access_token_classifications_rule_set FOREIGN KEY (rule_set_id)
                                                     REFERENCES access_token_rule_sets (id)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

CREATE TABLE access_token_custom_fields (
    name                             VARCHAR(64)  NOT NULL,
    type                             VARCHAR(10)  NOT NULL,
    PRIMARY KEY (name),
    CONSTRAINT access_token_custom_fields_type CHECK (type IN ('string', 'number', 'boolean'))
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- value is the last number that was given out. A sequence ends at 9223372036854775807.
CREATE TABLE access_token_sequences (
    name                             VARCHAR(64)  NOT NULL,
    value                            BIGINT       NOT NULL DEFAULT 0,
    PRIMARY KEY (name),
    CONSTRAINT access_token_sequences_value CHECK (value >= 0)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

INSERT INTO access_token_sequences (name, value)
VALUES ('authentication_code', 0), ('identifier', 0), ('pass_code', 0);

-- pass_code is a hash. updated_* describe the last call of the update method. version counts all changes.
-- udf_float_* are DOUBLE. They are bound as decimal text and read with CAST(... AS CHAR(64)), which is exact:
-- on MariaDB 10.11, 300,000 doubles (random bits, denormal and boundary values) came back bit for bit, also
-- after updates of other fields. The text has up to 34 characters: CHAR(32) cuts some of them, and without the
-- CAST the text of the driver loses digits.
-- request_ids are the ids that the module gave to its last eight calls, the latest first. If a call loses its
-- connection while it saves, it finds out here whether the save was made. The other request_* are for the
-- trigger below: the Idempotency-Key of the last call, if it had one.
-- updated_by_* have no foreign keys: each call would change their two indexes, which took a fifth of the
-- database's time.
CREATE TABLE access_tokens (
    id                               VARCHAR(40)     NOT NULL,
    number                           VARCHAR(40)     NOT NULL,
    version                          BIGINT UNSIGNED NOT NULL DEFAULT 1,
    life_cycle_state                 VARCHAR(40)     NOT NULL DEFAULT 'EFFECTIVE',
    authentication_code              VARBINARY(1020) NOT NULL,
    identifier                       VARBINARY(1020) NULL,
    pass_code                        VARCHAR(384)    NULL,
    classification_id                VARCHAR(40)     NULL,
    accounts_receivable_id           VARCHAR(40)     NULL,
    reward_participant_id            VARCHAR(40)     NULL,
    card_masked_number               VARCHAR(32)     NULL,
    udf_string_1                     VARCHAR(255)    NULL,
    udf_string_2                     VARCHAR(255)    NULL,
    udf_string_3                     VARCHAR(255)    NULL,
    udf_string_4                     VARCHAR(255)    NULL,
    udf_string_5                     VARCHAR(255)    NULL,
    udf_string_6                     VARCHAR(255)    NULL,
    udf_string_7                     VARCHAR(255)    NULL,
    udf_string_8                     VARCHAR(255)    NULL,
    udf_float_1                      DOUBLE          NULL,
    udf_float_2                      DOUBLE          NULL,
    udf_float_3                      DOUBLE          NULL,
    udf_float_4                      DOUBLE          NULL,
    udf_date_1                       DATETIME        NULL,
    udf_date_2                       DATETIME        NULL,
    udf_date_3                       DATETIME        NULL,
    udf_date_4                       DATETIME        NULL,
    custom_field_set                 TEXT            NULL,
    verified_date                    DATETIME        NULL,
    verification_code                VARCHAR(64)     NULL,
    created_date                     DATETIME        NOT NULL,
    created_by_user_id               VARCHAR(40)     NULL,
    created_by_unit_id               VARCHAR(40)     NULL,
    updated_date                     DATETIME        NULL,
    updated_by_user_id               VARCHAR(40)     NULL,
    updated_by_unit_id               VARCHAR(40)     NULL,
    request_ids                      VARBINARY(263)  NOT NULL DEFAULT '',
    request_key                      VARBINARY(255)  NULL,
    request_digest                   VARBINARY(64)   NULL,
    request_expires                  DATETIME        NULL,
    PRIMARY KEY (id),
    CONSTRAINT access_tokens_authentication_code UNIQUE KEY (authentication_code),
    CONSTRAINT access_tokens_identifier UNIQUE KEY (identifier),
    CONSTRAINT access_tokens_classification FOREIGN KEY (classification_id)
                                            REFERENCES access_token_classifications (id),
    CONSTRAINT access_tokens_accounts_receivable FOREIGN KEY (accounts_receivable_id)
                                                 REFERENCES accounts_receivable (id),
    CONSTRAINT access_tokens_reward_participant FOREIGN KEY (reward_participant_id)
                                                REFERENCES reward_participants (id),
    CONSTRAINT access_tokens_created_by_user FOREIGN KEY (created_by_user_id) REFERENCES users (id),
    CONSTRAINT access_tokens_created_by_unit FOREIGN KEY (created_by_unit_id) REFERENCES units (id),
    CONSTRAINT access_tokens_state   CHECK (life_cycle_state IN ('EFFECTIVE', 'NOT_EFFECTIVE',
                                                                 'PENDING_VERIFICATION')),
    CONSTRAINT access_tokens_custom_field_set CHECK (custom_field_set IS NULL
                                                     OR JSON_VALID(custom_field_set)
                                                     AND LENGTH(custom_field_set) <= 60000)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- The reference data are the units, users, countries and what configures access tokens. The module keeps what
-- it has read of them as long as the revision is the same. So each change of them, in its transaction, sets the
-- revision to a value that was never there before. It is not a counter: after the restore of an older state, a
-- counter would come to the same number again, with other data.
-- Programs that change reference data at the same time wait for each other here. If an estate changes its users
-- all day, it can add the row 'users', let the triggers of users set that row, and select it in statements of
-- its own.
CREATE TABLE access_token_revisions (
    name                             VARCHAR(40)  NOT NULL,
    revision                         CHAR(36)     NOT NULL,
    PRIMARY KEY (name)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

INSERT INTO access_token_revisions (name, revision) VALUES ('reference', UUID());

-- The calls with an Idempotency-Key: one row for each key of a user. The trigger below writes them.
-- Rows are not needed after expires_at. The module does not remove them: run this regularly.
--     DELETE FROM access_token_requests WHERE expires_at < UTC_TIMESTAMP() LIMIT 10000;
CREATE TABLE access_token_requests (
    id                               BIGINT UNSIGNED NOT NULL AUTO_INCREMENT,
    user_id                          VARCHAR(40)     NOT NULL,
    idempotency_key                  VARBINARY(255)  NOT NULL,
    request_id                       VARBINARY(32)   NOT NULL,
    digest                           VARBINARY(64)   NOT NULL,
    token_id                         VARCHAR(40)     NOT NULL,
    version                          BIGINT UNSIGNED NOT NULL,
    created_at                       DATETIME        NOT NULL,
    expires_at                       DATETIME        NOT NULL,
    PRIMARY KEY (id),
    CONSTRAINT access_token_requests_key UNIQUE KEY (user_id, idempotency_key),
    KEY access_token_requests_expires_at (expires_at)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- save.sql compares versions. So updates by other programs must raise them too.
CREATE TRIGGER access_tokens_version BEFORE UPDATE ON access_tokens FOR EACH ROW
    SET NEW.version = GREATEST(NEW.version, OLD.version + 1);

-- Below, only the last line of each trigger ends with a semicolon. So a program without DELIMITER
-- can drop the DELIMITER lines and split the file at semicolons at the ends of lines.
DELIMITER ;;

-- Stores a key in the transaction of its change: both are committed, or neither. Only calls to the module
-- change request_ids. A row whose key has expired is used again. A key that has not expired refuses the change.
CREATE TRIGGER access_tokens_request AFTER UPDATE ON access_tokens FOR EACH ROW
IF NEW.request_key IS NOT NULL AND NEW.request_ids <> OLD.request_ids THEN
BEGIN
    DECLARE EXIT HANDLER FOR 1062
    BEGIN
        UPDATE access_token_requests
           SET request_id = LEFT(NEW.request_ids, 32), digest = NEW.request_digest, token_id = NEW.id, version = NEW.version,
               created_at = NEW.updated_date, expires_at = NEW.request_expires
         WHERE user_id = NEW.updated_by_user_id AND idempotency_key = NEW.request_key
           AND expires_at <= NEW.updated_date
        ; IF ROW_COUNT() = 0 THEN RESIGNAL
        ; END IF
    ; END
    ; INSERT INTO access_token_requests
        (user_id, idempotency_key, request_id, digest, token_id, version, created_at, expires_at)
      VALUES (NEW.updated_by_user_id, NEW.request_key, LEFT(NEW.request_ids, 32), NEW.request_digest,
              NEW.id, NEW.version, NEW.updated_date, NEW.request_expires)
    ; END
; END IF;;

-- The triggers of the revision. An update sets it only if it changes a column that the statements read. As BINARY,
-- since 'a' and 'a ' are equal in the collation. TRUNCATE, cascades of foreign keys that an estate adds, and
-- files that are copied fire no trigger: run the UPDATE of these triggers after them.
CREATE TRIGGER units_revision_insert AFTER INSERT ON units FOR EACH ROW
    UPDATE access_token_revisions SET revision = UUID() WHERE name = 'reference';;

CREATE TRIGGER units_revision_update AFTER UPDATE ON units FOR EACH ROW
IF NOT (CAST(NEW.id AS BINARY) <=> OLD.id
        AND CAST(NEW.name AS BINARY) <=> OLD.name
        AND CAST(NEW.description AS BINARY) <=> OLD.description
        AND CAST(NEW.alternative_code AS BINARY) <=> OLD.alternative_code
        AND CAST(NEW.group_name AS BINARY) <=> OLD.group_name
        AND CAST(NEW.community_name AS BINARY) <=> OLD.community_name) THEN
    UPDATE access_token_revisions SET revision = UUID() WHERE name = 'reference'
; END IF;;

CREATE TRIGGER units_revision_delete AFTER DELETE ON units FOR EACH ROW
    UPDATE access_token_revisions SET revision = UUID() WHERE name = 'reference';;

CREATE TRIGGER users_revision_insert AFTER INSERT ON users FOR EACH ROW
    UPDATE access_token_revisions SET revision = UUID() WHERE name = 'reference';;

CREATE TRIGGER users_revision_update AFTER UPDATE ON users FOR EACH ROW
IF NOT (CAST(NEW.id AS BINARY) <=> OLD.id
        AND CAST(NEW.username AS BINARY) <=> OLD.username
        AND CAST(NEW.person_name AS BINARY) <=> OLD.person_name
        AND CAST(NEW.email AS BINARY) <=> OLD.email
        AND CAST(NEW.default_unit_id AS BINARY) <=> OLD.default_unit_id
        AND NEW.may_update_access_tokens <=> OLD.may_update_access_tokens) THEN
    UPDATE access_token_revisions SET revision = UUID() WHERE name = 'reference'
; END IF;;

CREATE TRIGGER users_revision_delete AFTER DELETE ON users FOR EACH ROW
    UPDATE access_token_revisions SET revision = UUID() WHERE name = 'reference';;

CREATE TRIGGER countries_revision_insert AFTER INSERT ON countries FOR EACH ROW
    UPDATE access_token_revisions SET revision = UUID() WHERE name = 'reference';;

CREATE TRIGGER countries_revision_update AFTER UPDATE ON countries FOR EACH ROW
IF NOT (CAST(NEW.id AS BINARY) <=> OLD.id
        AND CAST(NEW.name AS BINARY) <=> OLD.name
        AND CAST(NEW.alternative_code AS BINARY) <=> OLD.alternative_code
        AND CAST(NEW.two_character_code AS BINARY) <=> OLD.two_character_code
        AND CAST(NEW.three_character_code AS BINARY) <=> OLD.three_character_code) THEN
    UPDATE access_token_revisions SET revision = UUID() WHERE name = 'reference'
; END IF;;

CREATE TRIGGER countries_revision_delete AFTER DELETE ON countries FOR EACH ROW
    UPDATE access_token_revisions SET revision = UUID() WHERE name = 'reference';;

CREATE TRIGGER access_token_rule_sets_revision_insert AFTER INSERT ON access_token_rule_sets FOR EACH ROW
    UPDATE access_token_revisions SET revision = UUID() WHERE name = 'reference';;

CREATE TRIGGER access_token_rule_sets_revision_update AFTER UPDATE ON access_token_rule_sets FOR EACH ROW
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

CREATE TRIGGER access_token_rule_sets_revision_delete AFTER DELETE ON access_token_rule_sets FOR EACH ROW
    UPDATE access_token_revisions SET revision = UUID() WHERE name = 'reference';;

CREATE TRIGGER access_token_definitions_revision_insert AFTER INSERT ON access_token_definitions FOR EACH ROW
    UPDATE access_token_revisions SET revision = UUID() WHERE name = 'reference';;

CREATE TRIGGER access_token_definitions_revision_update AFTER UPDATE ON access_token_definitions FOR EACH ROW
IF NOT (CAST(NEW.rule_set_id AS BINARY) <=> OLD.rule_set_id
        AND NEW.active <=> OLD.active) THEN
    UPDATE access_token_revisions SET revision = UUID() WHERE name = 'reference'
; END IF;;

CREATE TRIGGER access_token_definitions_revision_delete AFTER DELETE ON access_token_definitions FOR EACH ROW
    UPDATE access_token_revisions SET revision = UUID() WHERE name = 'reference';;

CREATE TRIGGER access_token_classifications_revision_insert AFTER INSERT ON access_token_classifications FOR EACH ROW
    UPDATE access_token_revisions SET revision = UUID() WHERE name = 'reference';;

CREATE TRIGGER access_token_classifications_revision_update AFTER UPDATE ON access_token_classifications FOR EACH ROW
IF NOT (CAST(NEW.id AS BINARY) <=> OLD.id
        AND CAST(NEW.name AS BINARY) <=> OLD.name
        AND CAST(NEW.alternative_code AS BINARY) <=> OLD.alternative_code
        AND CAST(NEW.rule_set_id AS BINARY) <=> OLD.rule_set_id) THEN
    UPDATE access_token_revisions SET revision = UUID() WHERE name = 'reference'
; END IF;;

CREATE TRIGGER access_token_classifications_revision_delete AFTER DELETE ON access_token_classifications FOR EACH ROW
    UPDATE access_token_revisions SET revision = UUID() WHERE name = 'reference';;

CREATE TRIGGER access_token_custom_fields_revision_insert AFTER INSERT ON access_token_custom_fields FOR EACH ROW
    UPDATE access_token_revisions SET revision = UUID() WHERE name = 'reference';;

CREATE TRIGGER access_token_custom_fields_revision_update AFTER UPDATE ON access_token_custom_fields FOR EACH ROW
IF NOT (CAST(NEW.name AS BINARY) <=> OLD.name
        AND CAST(NEW.type AS BINARY) <=> OLD.type) THEN
    UPDATE access_token_revisions SET revision = UUID() WHERE name = 'reference'
; END IF;;

CREATE TRIGGER access_token_custom_fields_revision_delete AFTER DELETE ON access_token_custom_fields FOR EACH ROW
    UPDATE access_token_revisions SET revision = UUID() WHERE name = 'reference';;
DELIMITER ;

-- The last statement: without this row the module does not use a schema that was made half-way.
INSERT INTO access_token_schema (version) VALUES (3);
COMMIT;

SET SESSION sql_mode = @access_token_sql_mode;
