-- Random numbers; there is no table of sequences.
SELECT ABS(RANDOM()) AS 'number';
