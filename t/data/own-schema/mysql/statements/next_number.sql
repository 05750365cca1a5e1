-- Numbers of the server's own; there is no table of sequences.
SELECT UUID_SHORT() AS 'number';
