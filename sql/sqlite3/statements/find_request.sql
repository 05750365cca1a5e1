-- The earlier call of this caller with the same Idempotency-Key. Runs only if the request has a key, before the
-- access token is loaded. Always one row, with NULLs if there is no such call.
SELECT
    request.token_id   AS 'request.token_id',
    request.digest     AS 'request.digest',
    request.request_id AS 'request.request_id'
FROM (SELECT 1 AS one) AS always
LEFT JOIN access_token_sessions AS session ON session.token_digest = :session_digest
                                          AND session.expires_at > :now
LEFT JOIN users AS login                   ON login.username = :username
LEFT JOIN access_token_requests AS request ON request.user_id = COALESCE(session.user_id, login.id)
                                          AND request.idempotency_key = :idempotency_key
                                          AND request.expires_at > :now
