-- The custom fields that are configured. Here they are the same for all access tokens. A schema where they
-- depend on the access token can use its id, :id. A row without a name counts as none.
SELECT reference.revision AS 'revision.reference',
       field.name         AS 'custom_field.name',
       field.type         AS 'custom_field.type'
FROM (SELECT 1 AS one) AS always
LEFT JOIN access_token_revisions AS reference ON reference.name = 'reference'
LEFT JOIN access_token_custom_fields AS field ON 1 = 1
