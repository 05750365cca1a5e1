-- The unit of who calls, looked up.
    COALESCE(session.unit_id, caller.default_unit_id) AS 'data.log_information.updated_by_unit@unit'
