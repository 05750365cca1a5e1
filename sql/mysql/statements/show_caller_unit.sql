-- The unit of the caller.
    COALESCE(caller_unit.id)                     AS 'data.log_information.updated_by_unit.id',
    COALESCE(caller_unit.name)                   AS 'data.log_information.updated_by_unit.name',
    caller_unit.description                      AS 'data.log_information.updated_by_unit.description',
    caller_unit.alternative_code                 AS 'data.log_information.updated_by_unit.alternative_code',
    caller_unit.group_name                       AS 'data.log_information.updated_by_unit.group_name',
    caller_unit.community_name                   AS 'data.log_information.updated_by_unit.community_name'
