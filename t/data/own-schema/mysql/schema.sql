-- The tables of a loyalty scheme that does not use access tokens: other names, other types, no units.
SET NAMES utf8mb4 COLLATE utf8mb4_bin;

CREATE TABLE staff (
    staff_no     SMALLINT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY,
    login_name   VARCHAR(60) NOT NULL,
    role         ENUM('editor', 'viewer') NOT NULL,
    UNIQUE KEY one_login_name (login_name)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- The SHA-256 in bytes, and seconds since 1970.
CREATE TABLE logins (
    fingerprint  BINARY(32) NOT NULL PRIMARY KEY,
    staff_no     SMALLINT UNSIGNED NOT NULL,
    valid_until  BIGINT NOT NULL
) ENGINE = InnoDB;

CREATE TABLE people (
    person_no    INT NOT NULL PRIMARY KEY,
    full_name    VARCHAR(120) NOT NULL
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

CREATE TABLE policy (
    pin_length   TINYINT NOT NULL
) ENGINE = InnoDB;

-- kind: T text, N number, B yes or no.
CREATE TABLE extras_of_tier (
    tier         CHAR(1) NOT NULL,
    label        VARCHAR(40) NOT NULL,
    kind         CHAR(1) NOT NULL,
    PRIMARY KEY (tier, label)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

CREATE TABLE cards (
    card_no      INT NOT NULL AUTO_INCREMENT PRIMARY KEY,
    revision     INT NOT NULL DEFAULT 0,
    barcode      VARBINARY(200) NOT NULL,
    web_name     VARBINARY(200) NULL,
    pin_hash     VARCHAR(200) NULL,
    tier         CHAR(1) NOT NULL,
    blocked      BIT(1) NOT NULL DEFAULT 0,
    points       INT NOT NULL DEFAULT 0,
    nick         VARCHAR(60) NULL,
    remark       VARCHAR(500) NULL,
    credit       DOUBLE NULL,
    valid_from   BIGINT NULL,
    extras       TEXT NULL,
    preferences  VARCHAR(200) NULL,
    holder       INT NULL,
    changed_at   BIGINT NULL,
    changed_by   SMALLINT UNSIGNED NULL,
    calls        VARCHAR(263) NOT NULL DEFAULT '',
    call_key     VARBINARY(255) NULL,
    call_print   CHAR(64) NULL,
    CONSTRAINT one_barcode UNIQUE KEY (barcode),
    CONSTRAINT web_name_is_free UNIQUE KEY (web_name),
    CONSTRAINT one_nick UNIQUE KEY (nick)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- Idempotency-Keys. A key is valid while its row exists: a job removes old rows.
CREATE TABLE keys_used (
    staff_no     SMALLINT UNSIGNED NOT NULL,
    key_text     VARBINARY(255) NOT NULL,
    call_id      CHAR(32) NOT NULL,
    fingerprint  CHAR(64) NOT NULL,
    card_no      INT NOT NULL,
    used_at      BIGINT NOT NULL,
    CONSTRAINT one_use UNIQUE KEY (staff_no, key_text)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

CREATE TRIGGER keep_key AFTER UPDATE ON cards FOR EACH ROW
    INSERT INTO keys_used (staff_no, key_text, call_id, fingerprint, card_no, used_at)
    SELECT NEW.changed_by, NEW.call_key, LEFT(NEW.calls, 32), NEW.call_print, NEW.card_no, NEW.changed_at FROM DUAL
    WHERE NEW.call_key IS NOT NULL AND NEW.calls <> OLD.calls;
