-- The access token by its authentication_code.
-- @include load_select.sql
LEFT JOIN access_tokens AS token ON token.authentication_code = :authentication_code
-- @include load_joins.sql
