-- The custom fields that are configured.
SELECT name AS 'custom_field.name',
       type AS 'custom_field.type'
FROM access_token_custom_fields
