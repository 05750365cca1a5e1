-- Increments a sequence; next_number.sql reads the number on the same connection. Two calls that come together
-- get two numbers: the second UPDATE waits for the first. At the end of a sequence this fails with error 1690.
UPDATE access_token_sequences
SET value = LAST_INSERT_ID(value + 1)
WHERE name = :sequence
