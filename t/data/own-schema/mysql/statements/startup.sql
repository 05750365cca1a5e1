-- This schema has no versions.
SELECT '3' AS 'schema.version', @@character_set_connection AS 'connection.charset';
