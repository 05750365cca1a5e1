-- The caller: the user :key of the session, or the user :username that Apache has authenticated; in the unit
-- :unit_id of the session, or in the user's default unit.
SELECT
    reference.revision                           AS 'revision.reference',
    login.id                                     AS 'login.user_id',
    caller.id                                    AS 'caller.user_id',
    caller.username                              AS 'caller.username',
    COALESCE(:unit_id, caller.default_unit_id)   AS 'caller.unit_id',
    caller.may_update_access_tokens              AS 'caller.may_update',
    caller.id                                    AS 'data.log_information.updated_by_user.id',
    caller.username                              AS 'data.log_information.updated_by_user.username',
    caller.person_name                           AS 'data.log_information.updated_by_user.person_name',
    caller.email                                 AS 'data.log_information.updated_by_user.email?',
    unit.id                                      AS 'data.log_information.updated_by_unit.id',
    unit.name                                    AS 'data.log_information.updated_by_unit.name',
    unit.description                             AS 'data.log_information.updated_by_unit.description',
    unit.alternative_code                        AS 'data.log_information.updated_by_unit.alternative_code',
    unit.group_name                              AS 'data.log_information.updated_by_unit.group_name',
    unit.community_name                          AS 'data.log_information.updated_by_unit.community_name'
FROM (SELECT 1 AS one) AS always
LEFT JOIN access_token_revisions AS reference ON reference.name = 'reference'
LEFT JOIN users AS login
       ON login.username = :username
LEFT JOIN users AS caller
       ON caller.id = COALESCE(:key, login.id)
LEFT JOIN units AS unit
       ON unit.id = COALESCE(:unit_id, caller.default_unit_id)
