-- Nearly each call is loaded by this statement: the session and the access token exist. If one of them does not,
-- it gives no row, and load_by_authentication_code.sql finds out which. Inner joins cost the database less, and
-- nothing can be NULL that is not NULL in its table.
-- @include load_select.sql
FROM access_tokens AS token
INNER JOIN access_token_sessions AS session ON session.token_digest = :session_digest
                                           AND session.expires_at > CAST(:now AS DATETIME)
-- @include load_joins.sql
WHERE token.authentication_code = :authentication_code
