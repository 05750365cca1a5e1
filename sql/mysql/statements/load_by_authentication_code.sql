-- The access token by its authentication_code. Always one row; see load_by_session_and_code.sql.
-- @include load_select.sql
-- @include load_from.sql
LEFT JOIN access_tokens AS token ON token.authentication_code = :authentication_code
-- @include load_joins.sql
