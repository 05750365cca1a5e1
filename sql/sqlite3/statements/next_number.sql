-- The next number of a sequence, raised and returned at once (RETURNING: SQLite 3.35 and later).
UPDATE access_token_sequences
SET value = value + 1
WHERE name = :sequence
RETURNING value AS 'number'
