-- Increments a sequence and returns its next number (RETURNING needs SQLite 3.35). At the end of a sequence
-- there is no row: SQLite would continue with a rounded number.
UPDATE access_token_sequences
SET value = value + 1
WHERE name = :sequence
  AND value < 9223372036854775807
RETURNING value AS 'number'
