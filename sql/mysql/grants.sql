-- The rights that the module needs, and no others. Run this after schema.sql and documents.sql, as an
-- administrator. First replace the database (access_token) and the account ('access_token'@'localhost') with
-- your own, and create the account:
--     CREATE USER 'access_token'@'localhost' IDENTIFIED BY '...';

GRANT SELECT ON access_token.access_token_schema          TO 'access_token'@'localhost';
GRANT SELECT ON access_token.access_token_sessions        TO 'access_token'@'localhost';
GRANT SELECT ON access_token.users                        TO 'access_token'@'localhost';
GRANT SELECT ON access_token.units                        TO 'access_token'@'localhost';
GRANT SELECT ON access_token.countries                    TO 'access_token'@'localhost';
GRANT SELECT ON access_token.contacts                     TO 'access_token'@'localhost';
GRANT SELECT ON access_token.accounts_receivable          TO 'access_token'@'localhost';
GRANT SELECT ON access_token.reward_participants          TO 'access_token'@'localhost';
GRANT SELECT ON access_token.access_token_rule_sets       TO 'access_token'@'localhost';
GRANT SELECT ON access_token.access_token_definitions     TO 'access_token'@'localhost';
GRANT SELECT ON access_token.access_token_classifications TO 'access_token'@'localhost';
GRANT SELECT ON access_token.access_token_custom_fields   TO 'access_token'@'localhost';
GRANT SELECT ON access_token.access_token_revisions       TO 'access_token'@'localhost';
GRANT SELECT ON access_token.access_token_requests        TO 'access_token'@'localhost';

-- UPDATE only for the columns that save.sql sets: not for the state, the number or the owner.
GRANT SELECT,
      UPDATE (authentication_code, identifier, pass_code, card_masked_number,
              udf_string_1, udf_string_2, udf_string_3, udf_string_4,
              udf_string_5, udf_string_6, udf_string_7, udf_string_8,
              udf_float_1, udf_float_2, udf_float_3, udf_float_4,
              udf_date_1, udf_date_2, udf_date_3, udf_date_4,
              custom_field_set, version, updated_date, updated_by_user_id, updated_by_unit_id,
              request_ids, request_key, request_digest, request_expires)
      ON access_token.access_tokens                       TO 'access_token'@'localhost';

-- The triggers run with the rights of the account that created them. So the module needs no right to write the
-- tables that the triggers write.
GRANT SELECT, UPDATE (value) ON access_token.access_token_sequences TO 'access_token'@'localhost';

-- Leave these two out if you do not install documents.sql.
GRANT SELECT ON access_token.accounts_receivable_documents TO 'access_token'@'localhost';
GRANT SELECT ON access_token.reward_participant_documents TO 'access_token'@'localhost';

-- A login service should have its own account. It needs:
-- GRANT SELECT, INSERT, DELETE ON access_token.access_token_sessions TO 'login'@'localhost';
-- GRANT SELECT (id, username)  ON access_token.users                 TO 'login'@'localhost';
