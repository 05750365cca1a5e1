-- The tables of the load statements that always give one row, before the access token.
FROM (SELECT 1 AS one) AS always
LEFT JOIN access_token_sessions AS session ON session.token_digest = :session_digest
                                          AND session.expires_at > :now
-- @include join_caller.sql
