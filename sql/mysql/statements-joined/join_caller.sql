-- The user that Apache has authenticated, and the caller: the user of the session, or this one.
LEFT JOIN users AS login                   ON login.username = :username
                                          AND LENGTH(login.username) = LENGTH(:username)
LEFT JOIN users AS caller                  ON caller.id = COALESCE(session.user_id, login.id)
