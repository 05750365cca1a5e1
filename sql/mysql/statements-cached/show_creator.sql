-- Who made the access token, and in which unit, looked up.
    token.created_by_user_id                     AS 'data.log_information.created_by_user@user',
    token.created_by_unit_id                     AS 'data.log_information.created_by_unit@unit'
