-- The unit of the caller, by a lookup.
    COALESCE(session.unit_id, caller.default_unit_id) AS 'data.log_information.updated_by_unit@unit'
