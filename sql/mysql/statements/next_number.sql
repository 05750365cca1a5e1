-- The number that raise_number.sql has just made. Connections do not see each other's numbers. 0 would mean that
-- this one has made none.
SELECT NULLIF(LAST_INSERT_ID(), 0) AS 'number'
