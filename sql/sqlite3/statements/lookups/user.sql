-- A user in the reply. Always one row, with NULLs if the user does not exist.
SELECT
    reference.revision AS 'revision.reference',
    object.id          AS 'id',
    object.username    AS 'username',
    object.person_name AS 'person_name',
    object.email       AS 'email?'
FROM (SELECT 1 AS one) AS always
LEFT JOIN access_token_revisions AS reference ON reference.name = 'reference'
LEFT JOIN users AS object ON object.id = :key
