-- The caller, by a lookup: the user of the session, or the one that Apache has authenticated.
    , session.user_id                            AS '@caller',
    session.unit_id                              AS '@caller:unit_id',
    :username                                    AS '@caller:username'
