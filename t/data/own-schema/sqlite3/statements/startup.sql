-- This schema has no versions.
SELECT '3' AS 'schema.version', 'utf8mb4' AS 'connection.charset';
