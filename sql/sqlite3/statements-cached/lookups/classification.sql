-- A classification in the reply, without its rules. Always one row, with NULLs if it does not exist.
SELECT
    object.id               AS 'id',
    object.name             AS 'name',
    object.alternative_code AS 'alternative_code'
FROM (SELECT 1 AS one) AS always
LEFT JOIN access_token_classifications AS object ON object.id = :key
