-- This schema has no versions.
SELECT '2' AS 'schema.version', 'utf8mb4' AS 'connection.charset';
