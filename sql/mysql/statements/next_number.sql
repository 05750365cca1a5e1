-- The next number of a sequence, in one SELECT: the function increments it and returns it.
SELECT access_token_next_number(:sequence) AS 'number'
