-- The user who created the access token, and the unit, by lookups.
    , token.created_by_user_id                   AS 'data.log_information.created_by_user@user',
    token.created_by_unit_id                     AS 'data.log_information.created_by_unit@unit'
