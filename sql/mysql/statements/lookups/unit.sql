-- A unit with its group and community. Always one row, with NULLs if the unit does not exist.
SELECT
    reference.revision AS 'revision.reference',
    object.id               AS 'id',
    object.name             AS 'name',
    object.description      AS 'description',
    object.alternative_code AS 'alternative_code',
    object.group_name       AS 'group_name',
    object.community_name   AS 'community_name'
FROM (SELECT 1 AS one) AS always
LEFT JOIN access_token_revisions AS reference ON reference.name = 'reference'
LEFT JOIN units AS object ON object.id = :key
