-- The card that an earlier call with this key changed.
SELECT
    used.card_no                        AS 'request.token_id',
    used.fingerprint                    AS 'request.digest',
    used.call_id                        AS 'request.request_id'
FROM policy
LEFT JOIN logins AS login  ON login.fingerprint = UPPER(:session_digest)
                           AND login.valid_until > CAST(STRFTIME('%s', :now) AS INTEGER)
LEFT JOIN staff AS named   ON named.login_name = :username
LEFT JOIN keys_used AS used ON used.staff_no = COALESCE(login.staff_no, named.staff_no)
                           AND used.key_text = :idempotency_key
