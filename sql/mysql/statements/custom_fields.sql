-- The custom fields that are configured. Here they are the same for every access token; where they
-- depend on the access token, :id is its id.
SELECT name AS 'custom_field.name',
       type AS 'custom_field.type'
FROM access_token_custom_fields
