-- Numbers that the server makes; there is no table of sequences.
SELECT UUID_SHORT() AS 'number';
