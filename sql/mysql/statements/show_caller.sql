-- The caller, by a lookup: the user of the session, or the one that Apache has authenticated.
    , session.user_id                            AS '@caller',
    session.unit_id                              AS '@caller:unit_id',
    CAST(:username AS CHAR(100))                 AS '@caller:username'
