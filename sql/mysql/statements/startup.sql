-- Values that the module checks at start. The schema refuses negative sequences. If the character sets of the
-- connection differ, all three are returned.
SELECT (SELECT MAX(version) FROM access_token_schema) AS 'schema.version',
       CASE WHEN @@character_set_client = @@character_set_connection
             AND @@character_set_client = @@character_set_results
            THEN @@character_set_client
            ELSE CONCAT_WS('/', @@character_set_client, @@character_set_connection, @@character_set_results)
       END AS 'connection.charset',
       @@max_connections           AS 'server.max_connections',
       @@innodb_lock_wait_timeout  AS 'connection.lock_wait_timeout',
       @@max_allowed_packet        AS 'connection.max_allowed_packet',
       NULL                        AS 'sequences.least',
       NULL                        AS 'connection.synchronous'
