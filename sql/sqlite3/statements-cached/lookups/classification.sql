-- A classification as the reply shows it; its rules are not looked up. Always one row: NULL where there is none.
SELECT
    object.id               AS 'id',
    object.name             AS 'name',
    object.alternative_code AS 'alternative_code'
FROM (SELECT 1 AS one) AS always
LEFT JOIN access_token_classifications AS object ON object.id = :key
