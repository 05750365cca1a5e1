-- The user who created the access token, and the unit.
    , creator.id                                 AS 'data.log_information.created_by_user.id',
    creator.username                             AS 'data.log_information.created_by_user.username',
    creator.person_name                          AS 'data.log_information.created_by_user.person_name',
    creator.email                                AS 'data.log_information.created_by_user.email?',
    creator_unit.id                              AS 'data.log_information.created_by_unit.id',
    creator_unit.name                            AS 'data.log_information.created_by_unit.name',
    creator_unit.description                     AS 'data.log_information.created_by_unit.description',
    creator_unit.alternative_code                AS 'data.log_information.created_by_unit.alternative_code',
    creator_unit.group_name                      AS 'data.log_information.created_by_unit.group_name',
    creator_unit.community_name                  AS 'data.log_information.created_by_unit.community_name'
