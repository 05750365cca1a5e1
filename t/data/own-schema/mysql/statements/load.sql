-- The common part of the three load statements: columns, caller, policy. The join of the card follows it.
SELECT
    login.staff_no                      AS 'session.user_id',
    named.staff_no                      AS 'login.user_id',
    caller.staff_no                     AS 'caller.user_id',
    caller.login_name                   AS 'caller.username',
    NULL                                AS 'caller.unit_id',
    IF(caller.role = 'editor', 1, 0)    AS 'caller.may_update',

    card.barcode                        AS 'data.authentication_code',
    card.web_name                       AS 'data.identifier',
    CONCAT('C', card.card_no)           AS 'data.card.number',
    card.tier                           AS 'data.card.tier',
    card.blocked + 0                    AS 'data.card.blocked:boolean',
    card.points                         AS 'data.points:number',
    card.preferences                    AS 'data.preferences:json',
    card.nick                           AS 'data.udf_string_1?',
    CAST(card.credit AS CHAR(64))       AS 'data.udf_float_1?:number',
    DATE_FORMAT(DATE_ADD('1970-01-01', INTERVAL card.valid_from SECOND), '%Y-%m-%dT%H:%i:%s')
                                        AS 'data.udf_date_1?',
    card.extras                         AS 'data.custom_field_set?:json',
    holder.person_no                    AS 'data.holder?.id:number',
    holder.full_name                    AS 'data.holder?.name',
    caller.login_name                   AS 'data.changed_by',

    card.card_no                        AS 'token.id',
    card.revision                       AS 'token.version',
    card.pin_hash                       AS 'token.pass_code',
    card.calls                          AS 'token.request_ids',
    -- @include rules.sql
FROM policy
LEFT JOIN logins AS login  ON login.fingerprint = UNHEX(:session_digest)
                           AND login.valid_until > TIMESTAMPDIFF(SECOND, '1970-01-01', :now)
LEFT JOIN staff AS named   ON named.login_name = :username
LEFT JOIN staff AS caller  ON caller.staff_no = COALESCE(login.staff_no, named.staff_no)
