-- Values that the module checks at start. The driver always uses UTF-8.
SELECT (SELECT MAX(version) FROM access_token_schema) AS 'schema.version',
       'utf8mb4'                                      AS 'connection.charset',
       NULL                                           AS 'server.max_connections',
       NULL                                           AS 'connection.lock_wait_timeout',
       NULL                                           AS 'connection.max_allowed_packet',
       (SELECT MIN(value) FROM access_token_sequences) AS 'sequences.least',
       (SELECT synchronous FROM pragma_synchronous)   AS 'connection.synchronous'
