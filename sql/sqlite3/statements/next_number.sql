-- The next number of a sequence, raised and returned at once (RETURNING: SQLite 3.35 and later). One that is
-- used up gives no row: SQLite would go on with a number that is rounded.
UPDATE access_token_sequences
SET value = value + 1
WHERE name = :sequence
  AND value < 9223372036854775807
RETURNING value AS 'number'
