-- The history of access tokens for SQLite 3.38+, optional: a line in access_token_changes for each version
-- that an update commits, be it by the module or by another program. A trigger of that update writes the
-- line, so both are kept, or neither.
--
-- Install: after schema.sql, also while httpd runs:   sqlite3 access_token.db < history.sql
--
-- Cost: about 15 microseconds of processor time for an update, as measured: bench/README.md.
--
-- Remove: DROP TRIGGER access_tokens_version; DROP TRIGGER access_tokens_first_version;
--         DROP TABLE access_token_changes; and make the trigger access_tokens_version of schema.sql again.
--
-- Nothing removes old lines by itself. What is older than a year, now and then:
--     DELETE FROM access_token_changes WHERE changed_at < strftime('%Y-%m-%dT%H:%M:%S', 'now', '-1 year');

BEGIN;

-- fields: a JSON array of the names of the fields that changed, in the order of the table; empty if none did.
-- old_values, new_values: JSON objects of their values. A pass code and a verification code stand in fields
-- alone. An authentication code is masked: its last two characters, and these only if it has eight or more.
-- Changes of created_*, updated_* and request_* make no name. user_id, unit_id, request_id: of the module's
-- call, whose time changed_at is; NULL if another program has made this version.
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

-- The history outlives the access token. One that comes back under its id goes on with the next version. That
-- one has no line: it is not of an update.
CREATE TRIGGER access_tokens_first_version AFTER INSERT ON access_tokens FOR EACH ROW
WHEN NEW.version <= (SELECT MAX(version) FROM access_token_changes WHERE token_id = NEW.id)
BEGIN
    UPDATE access_tokens
       SET version = (SELECT MAX(version) + 1 FROM access_token_changes WHERE token_id = NEW.id)
     WHERE id = NEW.id;
    DELETE FROM access_token_changes
     WHERE token_id = NEW.id AND version = (SELECT version FROM access_tokens WHERE id = NEW.id); END;

-- This takes the place of schema.sql's trigger of the name, and does its work too: SQLite has no order of
-- triggers, and the line needs the version that is raised here as well as the values from before the update.
-- The line of an update that did not raise the version has a negative version for as long as the UPDATE below
-- runs: where recursive_triggers are ON that one comes here again, and finds that its line is there.
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
