-- The caller, by a lookup: the user of the session, or the one that Apache has authenticated.
    , session.user_id                            AS '@caller',
    session.unit_id                              AS '@caller:unit_id',
    -- One more character than users have: a name that is cut here matches none.
    CAST(:username AS CHAR(101))                 AS '@caller:username'
