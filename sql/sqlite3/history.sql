-- The history of access tokens for SQLite 3.38+. It is optional. Each update adds a line to
-- access_token_changes for the new version, whether the module or another program makes it. A trigger writes
-- the line in the transaction of the update, so both are committed, or neither.
--
-- Install: after schema.sql, also while httpd runs:   sqlite3 access_token.db < history.sql
--
-- Cost: an update takes about 15 microseconds more processor time (measured: bench/README.md).
--
-- Remove: DROP TRIGGER access_tokens_version; DROP TRIGGER access_tokens_first_version;
--         DROP TABLE access_token_changes; then create the trigger access_tokens_version of schema.sql again.
--
-- Old lines are not removed automatically. To remove lines older than a year, run this regularly.
--     DELETE FROM access_token_changes WHERE changed_at < strftime('%Y-%m-%dT%H:%M:%S', 'now', '-1 year');

BEGIN;

-- fields: a JSON array with the names of the fields that changed, in the order of the table; empty if none
-- did. created_*, updated_* and request_* are never named.
-- old_values, new_values: JSON objects with the values of these fields. The values of a pass code and a
-- verification code are left out. An authentication code is masked, except for its last two characters if it
-- has eight or more.
-- user_id, unit_id, request_id: from the call to the module; NULL if another program made this version.
-- changed_at: the time of the call, or of the update by another program.
CREATE TABLE access_token_changes (
    id                               INTEGER PRIMARY KEY,
    token_id                         TEXT    NOT NULL,
    version                          INTEGER NOT NULL,
    changed_at                       TEXT    NOT NULL,
    user_id                          TEXT    NULL,
    unit_id                          TEXT    NULL,
    request_id                       TEXT    NULL,
    fields                           TEXT    NOT NULL,
    old_values                       TEXT    NOT NULL,
    new_values                       TEXT    NOT NULL,
    CONSTRAINT access_token_changes_version UNIQUE (token_id, version)
);

CREATE INDEX access_token_changes_changed_at ON access_token_changes (changed_at);

-- The history stays when an access token is deleted. If one with the same id is inserted again, it gets the
-- next version. That version has no line, since no update made it.
CREATE TRIGGER access_tokens_first_version AFTER INSERT ON access_tokens FOR EACH ROW
WHEN NEW.version <= (SELECT MAX(version) FROM access_token_changes WHERE token_id = NEW.id)
BEGIN
    UPDATE access_tokens
       SET version = (SELECT MAX(version) + 1 FROM access_token_changes WHERE token_id = NEW.id)
     WHERE id = NEW.id;
    DELETE FROM access_token_changes
     WHERE token_id = NEW.id AND version = (SELECT version FROM access_tokens WHERE id = NEW.id); END;

-- This replaces the trigger of the same name in schema.sql and also does its work: SQLite has no order of
-- triggers, and the line needs both the version that is raised here and the values before the update.
-- If the update did not raise the version, the line has a negative version while the UPDATE below runs. If
-- recursive_triggers is ON, that UPDATE runs this trigger again, which then finds the line.
DROP TRIGGER access_tokens_version;
CREATE TRIGGER access_tokens_version AFTER UPDATE ON access_tokens FOR EACH ROW
BEGIN
    INSERT INTO access_token_changes
        (token_id, version, changed_at, user_id, unit_id, request_id, fields, old_values, new_values)
    SELECT NEW.id, IIF(NEW.version > OLD.version, NEW.version, -(OLD.version + 1)),
           COALESCE(IIF(NEW.request_ids <> OLD.request_ids, NEW.updated_date, NULL),
                    strftime('%Y-%m-%dT%H:%M:%S', 'now')),
           IIF(NEW.request_ids <> OLD.request_ids, NEW.updated_by_user_id, NULL),
           IIF(NEW.request_ids <> OLD.request_ids, NEW.updated_by_unit_id, NULL),
           IIF(NEW.request_ids <> OLD.request_ids, SUBSTR(NEW.request_ids, 1, 32), NULL),
           fields, old_values, new_values
    FROM (
        SELECT json_group_array(name) AS fields,
               json_group_object(name, json(CASE kind
                   WHEN 'masked' THEN json_quote('******' || IIF(LENGTH(old) < 8, '', SUBSTR(old, -2)))
                   WHEN 'json' THEN IIF(json_valid(old), old, json_quote(old))
                   ELSE json_quote(old) END)) FILTER (WHERE kind <> 'secret') AS old_values,
               json_group_object(name, json(CASE kind
                   WHEN 'masked' THEN json_quote('******' || IIF(LENGTH(new) < 8, '', SUBSTR(new, -2)))
                   WHEN 'json' THEN IIF(json_valid(new), new, json_quote(new))
                   ELSE json_quote(new) END)) FILTER (WHERE kind <> 'secret') AS new_values
        FROM (
            SELECT name, kind, CAST(old_value AS TEXT) AS old, CAST(new_value AS TEXT) AS new
            FROM (
                SELECT 'number' AS name, 'text' AS kind, OLD.number AS old_value, NEW.number AS new_value
                UNION ALL VALUES
                ('life_cycle_state', 'text', OLD.life_cycle_state, NEW.life_cycle_state),
                ('authentication_code', 'masked', OLD.authentication_code, NEW.authentication_code),
                ('identifier', 'text', OLD.identifier, NEW.identifier),
                ('pass_code', 'secret', OLD.pass_code, NEW.pass_code),
                ('classification_id', 'text', OLD.classification_id, NEW.classification_id),
                ('accounts_receivable_id', 'text', OLD.accounts_receivable_id, NEW.accounts_receivable_id),
                ('reward_participant_id', 'text', OLD.reward_participant_id, NEW.reward_participant_id),
                ('card_masked_number', 'text', OLD.card_masked_number, NEW.card_masked_number),
                ('udf_string_1', 'text', OLD.udf_string_1, NEW.udf_string_1),
                ('udf_string_2', 'text', OLD.udf_string_2, NEW.udf_string_2),
                ('udf_string_3', 'text', OLD.udf_string_3, NEW.udf_string_3),
                ('udf_string_4', 'text', OLD.udf_string_4, NEW.udf_string_4),
                ('udf_string_5', 'text', OLD.udf_string_5, NEW.udf_string_5),
                ('udf_string_6', 'text', OLD.udf_string_6, NEW.udf_string_6),
                ('udf_string_7', 'text', OLD.udf_string_7, NEW.udf_string_7),
                ('udf_string_8', 'text', OLD.udf_string_8, NEW.udf_string_8),
                ('udf_float_1', 'json', OLD.udf_float_1, NEW.udf_float_1),
                ('udf_float_2', 'json', OLD.udf_float_2, NEW.udf_float_2),
                ('udf_float_3', 'json', OLD.udf_float_3, NEW.udf_float_3),
                ('udf_float_4', 'json', OLD.udf_float_4, NEW.udf_float_4),
                ('udf_date_1', 'text', OLD.udf_date_1, NEW.udf_date_1),
                ('udf_date_2', 'text', OLD.udf_date_2, NEW.udf_date_2),
                ('udf_date_3', 'text', OLD.udf_date_3, NEW.udf_date_3),
                ('udf_date_4', 'text', OLD.udf_date_4, NEW.udf_date_4),
                ('custom_field_set', 'json', OLD.custom_field_set, NEW.custom_field_set),
                ('verified_date', 'text', OLD.verified_date, NEW.verified_date),
                ('verification_code', 'secret', OLD.verification_code, NEW.verification_code)
            ) WHERE old_value IS NOT new_value
        )
    ) WHERE NOT EXISTS (SELECT 1 FROM access_token_changes
                         WHERE token_id = NEW.id AND version = -NEW.version);
    UPDATE access_tokens SET version = OLD.version + 1
     WHERE id = NEW.id AND NEW.version <= OLD.version;
    UPDATE access_token_changes SET version = OLD.version + 1
     WHERE token_id = NEW.id AND version = -(OLD.version + 1); END;

COMMIT;
