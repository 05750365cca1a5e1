-- The call that an Idempotency-Key of this caller has come with before. Run only where a key came, and
-- before the access token is looked for. Always one row: NULL where there was none.
SELECT
    request.token_id   AS 'request.token_id',
    request.digest     AS 'request.digest',
    request.request_id AS 'request.request_id'
FROM (SELECT 1 AS one) AS always
LEFT JOIN access_token_sessions AS session ON session.token_digest = :session_digest
                                          AND session.expires_at > CAST(:now AS DATETIME)
LEFT JOIN users AS login                   ON login.username = :username
                                          AND LENGTH(login.username) = LENGTH(:username)
LEFT JOIN access_token_requests AS request ON request.user_id = COALESCE(session.user_id, login.id)
                                          AND request.idempotency_key = :idempotency_key
                                          AND request.expires_at > CAST(:now AS DATETIME)
