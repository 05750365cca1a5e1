-- The tables of mod_access_token for SQLite 3.38+.
-- Run it in an empty database:   sqlite3 access_token.db < schema.sql
--
-- Text is compared byte for byte. Dates are text, 'YYYY-MM-DDThh:mm:ss' in UTC: they sort, and the reply shows
-- them unchanged. Foreign keys are checked on connections with PRAGMA foreign_keys = ON. DBDInitSQL can set it
-- for the module.
-- The file keeps the mode WAL: readers and writers do not wait for each other.

PRAGMA journal_mode = WAL;

CREATE TABLE access_token_schema (
    version                          INTEGER NOT NULL,
    PRIMARY KEY (version)
);

INSERT INTO access_token_schema (version) VALUES (3);

CREATE TABLE units (
    id                               TEXT    NOT NULL,
    name                             TEXT    NOT NULL,
    description                      TEXT    NULL,
    alternative_code                 TEXT    NULL,
    group_name                       TEXT    NULL,
    community_name                   TEXT    NULL,
    PRIMARY KEY (id)
);

CREATE TABLE users (
    id                               TEXT    NOT NULL,
    username                         TEXT    NOT NULL,
    person_name                      TEXT    NULL,
    email                            TEXT    NULL,
    default_unit_id                  TEXT    NULL,
    may_update_access_tokens         INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (id),
    CONSTRAINT users_username        UNIQUE (username),
    CONSTRAINT users_default_unit    FOREIGN KEY (default_unit_id) REFERENCES units (id),
    CONSTRAINT users_may_update      CHECK (may_update_access_tokens IN (0, 1))
);

-- Session tokens are not stored, only their digests: token_digest is the SHA-256 of the token in lower-case
-- hex. Times are UTC.
CREATE TABLE access_token_sessions (
    token_digest                     TEXT    NOT NULL,
    user_id                          TEXT    NOT NULL,
    unit_id                          TEXT    NULL,
    expires_at                       TEXT    NOT NULL,
    PRIMARY KEY (token_digest),
    CONSTRAINT access_token_sessions_user FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE CASCADE,
    CONSTRAINT access_token_sessions_unit FOREIGN KEY (unit_id) REFERENCES units (id),
    CONSTRAINT access_token_sessions_digest CHECK (LENGTH(token_digest) = 64
                                                   AND token_digest = LOWER(token_digest)),
    CONSTRAINT access_token_sessions_expiry CHECK (expires_at GLOB '????-??-??T??:??:??')
);

CREATE INDEX access_token_sessions_expires_at ON access_token_sessions (expires_at);

CREATE TABLE countries (
    id                               TEXT    NOT NULL,
    name                             TEXT    NOT NULL,
    alternative_code                 TEXT    NULL,
    two_character_code               TEXT    NULL,
    three_character_code             TEXT    NULL,
    PRIMARY KEY (id)
);

-- Day, month and year are separate columns, since parts of a date may be unknown.
CREATE TABLE contacts (
    id                               TEXT    NOT NULL,
    type                             TEXT    NOT NULL,
    life_cycle_state                 TEXT    NOT NULL,
    title                            TEXT    NULL,
    first_name                       TEXT    NULL,
    middle_name                      TEXT    NULL,
    last_name                        TEXT    NULL,
    name                             TEXT    NULL,
    company_name                     TEXT    NULL,
    company_profile                  TEXT    NULL,
    gender                           TEXT    NULL,
    country_of_residence_id          TEXT    NULL,
    passport_number                  TEXT    NULL,
    passport_issued_by_country_id    TEXT    NULL,
    id_number                        TEXT    NULL,
    id_issued_by_country_id          TEXT    NULL,
    social_security_number           TEXT    NULL,
    industry                         TEXT    NULL,
    industry_sector                  TEXT    NULL,
    name_day_day                     INTEGER NULL,
    name_day_month                   INTEGER NULL,
    birth_day                        INTEGER NULL,
    birth_month                      INTEGER NULL,
    birth_year                       INTEGER NULL,
    PRIMARY KEY (id),
    CONSTRAINT contacts_country_of_residence FOREIGN KEY (country_of_residence_id) REFERENCES countries (id),
    CONSTRAINT contacts_passport_country FOREIGN KEY (passport_issued_by_country_id)
                                         REFERENCES countries (id),
    CONSTRAINT contacts_id_country   FOREIGN KEY (id_issued_by_country_id) REFERENCES countries (id)
);

CREATE TABLE accounts_receivable (
    id                               TEXT    NOT NULL,
    number                           TEXT    NOT NULL,
    name                             TEXT    NULL,
    life_cycle_state                 TEXT    NOT NULL,
    owner_id                         TEXT    NULL,
    PRIMARY KEY (id),
    CONSTRAINT accounts_receivable_owner FOREIGN KEY (owner_id) REFERENCES contacts (id)
);

CREATE TABLE reward_participants (
    id                               TEXT    NOT NULL,
    number                           TEXT    NOT NULL,
    accounts_receivable_id           TEXT    NULL,
    PRIMARY KEY (id),
    CONSTRAINT reward_participants_account FOREIGN KEY (accounts_receivable_id)
                                           REFERENCES accounts_receivable (id)
);

-- creation: how a value is made if the request has none. The format and the minima apply to values in requests.
CREATE TABLE access_token_rule_sets (
    id                               TEXT    NOT NULL,
    authentication_code_creation     TEXT    NOT NULL DEFAULT 'NONE',
    authentication_code_format       TEXT    NOT NULL DEFAULT 'FREE_TEXT',
    authentication_code_min_length   INTEGER NOT NULL DEFAULT 0,
    authentication_code_min_letters  INTEGER NOT NULL DEFAULT 0,
    authentication_code_min_digits   INTEGER NOT NULL DEFAULT 0,
    authentication_code_min_special  INTEGER NOT NULL DEFAULT 0,
    identifier_creation              TEXT    NOT NULL DEFAULT 'NONE',
    identifier_format                TEXT    NOT NULL DEFAULT 'FREE_TEXT',
    identifier_min_length            INTEGER NOT NULL DEFAULT 0,
    identifier_min_letters           INTEGER NOT NULL DEFAULT 0,
    identifier_min_digits            INTEGER NOT NULL DEFAULT 0,
    identifier_min_special           INTEGER NOT NULL DEFAULT 0,
    pass_code_creation               TEXT    NOT NULL DEFAULT 'NONE',
    pass_code_format                 TEXT    NOT NULL DEFAULT 'FREE_TEXT',
    pass_code_min_length             INTEGER NOT NULL DEFAULT 0,
    pass_code_min_letters            INTEGER NOT NULL DEFAULT 0,
    pass_code_min_digits             INTEGER NOT NULL DEFAULT 0,
    pass_code_min_special            INTEGER NOT NULL DEFAULT 0,
    allow_no_identifier              INTEGER NOT NULL DEFAULT 0,
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
);

-- active is 1 or NULL, and unique: at most one definition is active.
CREATE TABLE access_token_definitions (
    id                               TEXT    NOT NULL,
    name                             TEXT    NOT NULL,
    rule_set_id                      TEXT    NOT NULL,
    active                           INTEGER NULL,
    PRIMARY KEY (id),
    CONSTRAINT access_token_definitions_active UNIQUE (active),
    CONSTRAINT access_token_definitions_rule_set FOREIGN KEY (rule_set_id)
                                                 REFERENCES access_token_rule_sets (id),
    CONSTRAINT access_token_definitions_one CHECK (active = 1)
);

CREATE TABLE access_token_classifications (
    id                               TEXT    NOT NULL,
    name                             TEXT    NOT NULL,
    alternative_code                 TEXT    NULL,
    rule_set_id                      TEXT    NOT NULL,
    PRIMARY KEY (id),
    CONSTRAINT access_token_classifications_rule_set FOREIGN KEY (rule_set_id)
                                                     REFERENCES access_token_rule_sets (id)
);

CREATE TABLE access_token_custom_fields (
    name                             TEXT    NOT NULL,
    type                             TEXT    NOT NULL,
    PRIMARY KEY (name),
    CONSTRAINT access_token_custom_fields_type CHECK (type IN ('string', 'number', 'boolean'))
);

-- value is the last number that was given out. A sequence ends at 9223372036854775807.
CREATE TABLE access_token_sequences (
    name                             TEXT    NOT NULL,
    value                            INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (name),
    CONSTRAINT access_token_sequences_value CHECK (value >= 0 AND TYPEOF(value) = 'integer')
);

INSERT INTO access_token_sequences (name, value)
VALUES ('authentication_code', 0), ('identifier', 0), ('pass_code', 0);

-- pass_code is a hash. updated_* describe the last call of the update method. version counts all changes.
-- udf_float_* are decimal text, since the driver returns only 15 digits of a REAL.
-- request_ids are the module's own ids of its last eight calls, the last one first: a call whose connection
-- was lost while it saved looks here whether it did. The other request_* are of the last call: its
-- Idempotency-Key, if it had one, for the trigger below.
CREATE TABLE access_tokens (
    id                               TEXT    NOT NULL,
    number                           TEXT    NOT NULL,
    version                          INTEGER NOT NULL DEFAULT 1,
    life_cycle_state                 TEXT    NOT NULL DEFAULT 'EFFECTIVE',
    authentication_code              TEXT    NOT NULL,
    identifier                       TEXT    NULL,
    pass_code                        TEXT    NULL,
    classification_id                TEXT    NULL,
    accounts_receivable_id           TEXT    NULL,
    reward_participant_id            TEXT    NULL,
    card_masked_number               TEXT    NULL,
    udf_string_1                     TEXT    NULL,
    udf_string_2                     TEXT    NULL,
    udf_string_3                     TEXT    NULL,
    udf_string_4                     TEXT    NULL,
    udf_string_5                     TEXT    NULL,
    udf_string_6                     TEXT    NULL,
    udf_string_7                     TEXT    NULL,
    udf_string_8                     TEXT    NULL,
    udf_float_1                      TEXT    NULL,
    udf_float_2                      TEXT    NULL,
    udf_float_3                      TEXT    NULL,
    udf_float_4                      TEXT    NULL,
    udf_date_1                       TEXT    NULL,
    udf_date_2                       TEXT    NULL,
    udf_date_3                       TEXT    NULL,
    udf_date_4                       TEXT    NULL,
    custom_field_set                 TEXT    NULL,
    verified_date                    TEXT    NULL,
    verification_code                TEXT    NULL,
    created_date                     TEXT    NOT NULL,
    created_by_user_id               TEXT    NULL,
    created_by_unit_id               TEXT    NULL,
    updated_date                     TEXT    NULL,
    updated_by_user_id               TEXT    NULL,
    updated_by_unit_id               TEXT    NULL,
    request_ids                      TEXT    NOT NULL DEFAULT '',
    request_key                      TEXT    NULL,
    request_digest                   TEXT    NULL,
    request_expires                  TEXT    NULL,
    PRIMARY KEY (id),
    CONSTRAINT access_tokens_authentication_code UNIQUE (authentication_code),
    CONSTRAINT access_tokens_identifier UNIQUE (identifier),
    CONSTRAINT access_tokens_classification FOREIGN KEY (classification_id)
                                            REFERENCES access_token_classifications (id),
    CONSTRAINT access_tokens_accounts_receivable FOREIGN KEY (accounts_receivable_id)
                                                 REFERENCES accounts_receivable (id),
    CONSTRAINT access_tokens_reward_participant FOREIGN KEY (reward_participant_id)
                                                REFERENCES reward_participants (id),
    CONSTRAINT access_tokens_created_by_user FOREIGN KEY (created_by_user_id) REFERENCES users (id),
    CONSTRAINT access_tokens_created_by_unit FOREIGN KEY (created_by_unit_id) REFERENCES units (id),
    CONSTRAINT access_tokens_updated_by_user FOREIGN KEY (updated_by_user_id) REFERENCES users (id),
    CONSTRAINT access_tokens_updated_by_unit FOREIGN KEY (updated_by_unit_id) REFERENCES units (id),
    CONSTRAINT access_tokens_state   CHECK (life_cycle_state IN ('EFFECTIVE', 'NOT_EFFECTIVE',
                                                                 'PENDING_VERIFICATION')),
    CONSTRAINT access_tokens_custom_field_set CHECK (custom_field_set IS NULL
                                                     OR JSON_VALID(custom_field_set)
                                                     AND LENGTH(CAST(custom_field_set AS BLOB)) <= 60000),
    CONSTRAINT access_tokens_dates   CHECK (verified_date  GLOB '????-??-??T??:??:??'
                                            AND udf_date_1 GLOB '????-??-??T??:??:??'
                                            AND udf_date_2 GLOB '????-??-??T??:??:??'
                                            AND udf_date_3 GLOB '????-??-??T??:??:??'
                                            AND udf_date_4 GLOB '????-??-??T??:??:??')
);

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

-- The calls with an Idempotency-Key: one row for each key of a user. The trigger below writes them.
-- Rows are not needed after expires_at. The module does not remove them: run this regularly.
--     DELETE FROM access_token_requests WHERE expires_at < strftime('%Y-%m-%dT%H:%M:%S', 'now');
CREATE TABLE access_token_requests (
    id                               INTEGER PRIMARY KEY,
    user_id                          TEXT    NOT NULL,
    idempotency_key                  TEXT    NOT NULL,
    request_id                       TEXT    NOT NULL,
    digest                           TEXT    NOT NULL,
    token_id                         TEXT    NOT NULL,
    version                          INTEGER NOT NULL,
    created_at                       TEXT    NOT NULL,
    expires_at                       TEXT    NOT NULL,
    CONSTRAINT access_token_requests_key UNIQUE (user_id, idempotency_key)
);

CREATE INDEX access_token_requests_expires_at ON access_token_requests (expires_at);

-- save.sql compares versions. So updates by other programs must raise them too.
CREATE TRIGGER access_tokens_version AFTER UPDATE ON access_tokens FOR EACH ROW
WHEN NEW.version <= OLD.version
BEGIN
    UPDATE access_tokens SET version = OLD.version + 1 WHERE id = NEW.id; END;

-- Stores a key in the transaction of its change: both are committed, or neither. Only calls to the module
-- change request_ids. A row whose key has expired is used again. A key that has not expired refuses the change.
CREATE TRIGGER access_tokens_request AFTER UPDATE ON access_tokens FOR EACH ROW
WHEN NEW.request_key IS NOT NULL AND NEW.request_ids <> OLD.request_ids
BEGIN
    DELETE FROM access_token_requests
     WHERE user_id = NEW.updated_by_user_id AND idempotency_key = NEW.request_key
       AND expires_at <= NEW.updated_date;
    INSERT INTO access_token_requests
        (user_id, idempotency_key, request_id, digest, token_id, version, created_at, expires_at)
    VALUES (NEW.updated_by_user_id, NEW.request_key, SUBSTR(NEW.request_ids, 1, 32), NEW.request_digest,
            NEW.id, NEW.version, NEW.updated_date, NEW.request_expires); END;

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
