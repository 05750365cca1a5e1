-- The access token by its identifier; the module verifies the pass code.
-- @include load_select.sql
-- @include load_from.sql
LEFT JOIN access_tokens AS token ON token.identifier = :identifier
-- @include load_joins.sql
