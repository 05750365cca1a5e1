-- Writes the documents of documents.sql that are missing, corrects those that are wrong, and removes those
-- that have no row:
--     mariadb -N access_token < documents-fill.sql
-- Run it after documents.sql, as an administrator. It can be run again at any time. It prints how many
-- documents it changed. httpd and other programs may run meanwhile: each transaction is for 1000 rows, and
-- these rows, their contacts and their countries cannot change during it, for less than a second.

SET NAMES utf8mb4 COLLATE utf8mb4_bin;
SET @access_token_sql_mode = @@SESSION.sql_mode;
SET SESSION sql_mode = 'STRICT_ALL_TABLES';

DROP PROCEDURE IF EXISTS access_token_fill_documents;

-- Below, only the last line of the procedure ends with a semicolon: see schema.sql.
-- At the level SERIALIZABLE each statement locks the rows that it reads, as the triggers do. A batch is made
-- again if a deadlock (1213), a lock (1205) or another change (1020) ends it.
DELIMITER ;;
CREATE PROCEDURE access_token_fill_documents()
BEGIN
    DECLARE previous, final VARCHAR(40) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin DEFAULT ''
    ; DECLARE total, batch BIGINT DEFAULT 0
    ; SET previous = '', final = ''
    ; WHILE final IS NOT NULL DO
        SET final = (
            SELECT MAX(id)
              FROM ((SELECT id FROM accounts_receivable WHERE id > previous ORDER BY id LIMIT 1000)
                    UNION
                    (SELECT accounts_receivable_id FROM accounts_receivable_documents
                      WHERE accounts_receivable_id > previous
                      ORDER BY accounts_receivable_id LIMIT 1000)
                    ORDER BY id LIMIT 1000) AS ids)
        ; BEGIN
            DECLARE EXIT HANDLER FOR 1020, 1205, 1213 ROLLBACK
            ; SET TRANSACTION ISOLATION LEVEL SERIALIZABLE
            ; START TRANSACTION
            ; DELETE kept
                FROM accounts_receivable_documents AS kept
                LEFT JOIN accounts_receivable AS present ON present.id = kept.accounts_receivable_id
               WHERE kept.accounts_receivable_id > previous AND kept.accounts_receivable_id <= final
                 AND present.id IS NULL
            ; SET batch = ROW_COUNT()
            ; UPDATE accounts_receivable_documents AS kept
                JOIN accounts_receivable_fresh_documents AS fresh USING (accounts_receivable_id)
                 SET kept.document = fresh.document
               WHERE kept.accounts_receivable_id > previous AND kept.accounts_receivable_id <= final
                 AND CAST(kept.document AS BINARY) <> fresh.document
            ; SET batch = batch + ROW_COUNT()
            ; INSERT INTO accounts_receivable_documents (accounts_receivable_id, document)
              SELECT account.id, ''
                FROM accounts_receivable AS account
                LEFT JOIN accounts_receivable_documents AS kept ON kept.accounts_receivable_id = account.id
               WHERE account.id > previous AND account.id <= final
                 AND kept.accounts_receivable_id IS NULL
            ; SET batch = batch + ROW_COUNT()
            ; COMMIT
            ; SET previous = final, total = total + batch
        ; END
    ; END WHILE
    ; SET previous = '', final = ''
    ; WHILE final IS NOT NULL DO
        SET final = (
            SELECT MAX(id)
              FROM ((SELECT id FROM reward_participants WHERE id > previous ORDER BY id LIMIT 1000)
                    UNION
                    (SELECT reward_participant_id FROM reward_participant_documents
                      WHERE reward_participant_id > previous
                      ORDER BY reward_participant_id LIMIT 1000)
                    ORDER BY id LIMIT 1000) AS ids)
        ; BEGIN
            DECLARE EXIT HANDLER FOR 1020, 1205, 1213 ROLLBACK
            ; SET TRANSACTION ISOLATION LEVEL SERIALIZABLE
            ; START TRANSACTION
            ; DELETE kept
                FROM reward_participant_documents AS kept
                LEFT JOIN reward_participants AS present ON present.id = kept.reward_participant_id
               WHERE kept.reward_participant_id > previous AND kept.reward_participant_id <= final
                 AND present.id IS NULL
            ; SET batch = ROW_COUNT()
            ; UPDATE reward_participant_documents AS kept
                JOIN reward_participant_fresh_documents AS fresh USING (reward_participant_id)
                 SET kept.document = fresh.document
               WHERE kept.reward_participant_id > previous AND kept.reward_participant_id <= final
                 AND CAST(kept.document AS BINARY) <> fresh.document
            ; SET batch = batch + ROW_COUNT()
            ; INSERT INTO reward_participant_documents (reward_participant_id, document)
              SELECT participant.id, ''
                FROM reward_participants AS participant
                LEFT JOIN reward_participant_documents AS kept
                       ON kept.reward_participant_id = participant.id
               WHERE participant.id > previous AND participant.id <= final
                 AND kept.reward_participant_id IS NULL
            ; SET batch = batch + ROW_COUNT()
            ; COMMIT
            ; SET previous = final, total = total + batch
        ; END
    ; END WHILE
    ; SELECT CONCAT(total, ' changed') AS documents
; END;;
DELIMITER ;

CALL access_token_fill_documents();
DROP PROCEDURE access_token_fill_documents;

SET SESSION sql_mode = @access_token_sql_mode;
