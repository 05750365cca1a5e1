-- A country. Always one row, with NULLs if the country does not exist.
SELECT
    reference.revision AS 'revision.reference',
    object.id                   AS 'id',
    object.name                 AS 'name',
    object.alternative_code     AS 'alternative_code',
    object.two_character_code   AS 'two_character_code',
    object.three_character_code AS 'three_character_code'
FROM (SELECT 1 AS one) AS always
LEFT JOIN access_token_revisions AS reference ON reference.name = 'reference'
LEFT JOIN countries AS object ON object.id = :key
