-- The access token by its id. Used for all but the first load, since the call may have changed the code.
-- @include load_select.sql
-- @include load_from.sql
LEFT JOIN access_tokens AS token ON token.id = :id
-- @include load_joins.sql
