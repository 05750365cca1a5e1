-- The custom fields that are configured. Here they are the same for all access tokens. A schema where they
-- depend on the access token can use its id, :id.
SELECT name AS 'custom_field.name',
       type AS 'custom_field.type'
FROM access_token_custom_fields
