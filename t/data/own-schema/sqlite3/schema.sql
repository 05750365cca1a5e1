-- The tables of a loyalty scheme that does not use access tokens: other names, other types, no units.
PRAGMA journal_mode = WAL;

CREATE TABLE staff (
    staff_no     INTEGER PRIMARY KEY,
    login_name   TEXT NOT NULL UNIQUE,
    role         TEXT NOT NULL
);

-- The SHA-256 in capitals, and seconds since 1970.
CREATE TABLE logins (
    fingerprint  TEXT NOT NULL PRIMARY KEY,
    staff_no     INTEGER NOT NULL,
    valid_until  INTEGER NOT NULL
);

CREATE TABLE people (
    person_no    INTEGER PRIMARY KEY,
    full_name    TEXT NOT NULL
);

CREATE TABLE policy (
    pin_length   INTEGER NOT NULL
);

-- kind: T text, N number, B yes or no.
CREATE TABLE extras_of_tier (
    tier         TEXT NOT NULL,
    label        TEXT NOT NULL,
    kind         TEXT NOT NULL,
    PRIMARY KEY (tier, label)
);

CREATE TABLE cards (
    card_no      INTEGER PRIMARY KEY,
    revision     INTEGER NOT NULL DEFAULT 0,
    barcode      TEXT NOT NULL,
    web_name     TEXT NULL,
    pin_hash     TEXT NULL,
    tier         TEXT NOT NULL,
    blocked      INTEGER NOT NULL DEFAULT 0,
    points       INTEGER NOT NULL DEFAULT 0,
    nick         TEXT NULL,
    remark       TEXT NULL,
    credit       REAL NULL,
    valid_from   INTEGER NULL,
    extras       TEXT NULL,
    preferences  TEXT NULL,
    holder       INTEGER NULL,
    changed_at   INTEGER NULL,
    changed_by   INTEGER NULL,
    calls        TEXT NOT NULL DEFAULT '',
    call_key     TEXT NULL,
    call_print   TEXT NULL
);

CREATE UNIQUE INDEX one_barcode ON cards (barcode);
CREATE UNIQUE INDEX web_name_is_free ON cards (web_name);
CREATE UNIQUE INDEX one_nick ON cards (nick);

-- Idempotency-Keys. A key is valid while its row exists: a job removes old rows.
CREATE TABLE keys_used (
    staff_no     INTEGER NOT NULL,
    key_text     TEXT NOT NULL,
    call_id      TEXT NOT NULL,
    fingerprint  TEXT NOT NULL,
    card_no      INTEGER NOT NULL,
    used_at      INTEGER NOT NULL
);

CREATE UNIQUE INDEX one_use ON keys_used (staff_no, key_text);

CREATE TRIGGER keep_key AFTER UPDATE ON cards FOR EACH ROW
WHEN NEW.call_key IS NOT NULL AND NEW.calls <> OLD.calls
BEGIN
    INSERT INTO keys_used (staff_no, key_text, call_id, fingerprint, card_no, used_at)
    VALUES (NEW.changed_by, NEW.call_key, SUBSTR(NEW.calls, 1, 32), NEW.call_print, NEW.card_no, NEW.changed_at); END;
