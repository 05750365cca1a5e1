-- The caller, with the unit: the user of the session, or the one that Apache has authenticated.
    , login.id                                   AS 'login.user_id',
    caller.id                                    AS 'caller.user_id',
    caller.username                              AS 'caller.username',
    COALESCE(session.unit_id, caller.default_unit_id) AS 'caller.unit_id',
    caller.may_update_access_tokens              AS 'caller.may_update',
    caller.id                                    AS 'data.log_information.updated_by_user.id',
    caller.username                              AS 'data.log_information.updated_by_user.username',
    caller.person_name                           AS 'data.log_information.updated_by_user.person_name',
    caller.email                                 AS 'data.log_information.updated_by_user.email?'
    , caller_unit.id                             AS 'data.log_information.updated_by_unit.id',
    caller_unit.name                             AS 'data.log_information.updated_by_unit.name',
    caller_unit.description                      AS 'data.log_information.updated_by_unit.description',
    caller_unit.alternative_code                 AS 'data.log_information.updated_by_unit.alternative_code',
    caller_unit.group_name                       AS 'data.log_information.updated_by_unit.group_name',
    caller_unit.community_name                   AS 'data.log_information.updated_by_unit.community_name'
