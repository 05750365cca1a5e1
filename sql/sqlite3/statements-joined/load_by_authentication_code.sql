-- The access token by its authentication_code. This folder needs the file, though it is equal to that of
-- statements: so load_by_session_and_code.sql of that folder, which joins no caller, is not used.
-- @include load_select.sql
-- @include load_from.sql
LEFT JOIN access_tokens AS token ON token.authentication_code = :authentication_code
-- @include load_joins.sql
