-- The only statement of a call that writes. If the set_ parameter of a field is 0, the field is not in the
-- request and keeps its value.
-- set_ is compared with a number: a parameter and a string literal may have different collations, which is an
-- error. Both values of an IF have the type of the column; other types would be converted to text and back.
-- request_ids are the ids of the last eight calls, 32 characters each. The trigger access_tokens_request uses
-- the other request_ columns, for the Idempotency-Key.
-- @unique access_tokens_authentication_code authentication_code
-- @unique access_tokens_identifier identifier
-- @unique access_token_requests_key idempotency_key
-- @unique access_token_changes_version version
UPDATE access_tokens
SET
    authentication_code = IF(:set_authentication_code = 1, :authentication_code, authentication_code),
    identifier          = IF(:set_identifier = 1, :identifier, identifier),
    pass_code           = IF(:set_pass_code = 1, :pass_code, pass_code),
    card_masked_number  = IF(:set_card_masked_number = 1, :card_masked_number, card_masked_number),
    udf_string_1        = IF(:set_udf_string_1 = 1, :udf_string_1, udf_string_1),
    udf_string_2        = IF(:set_udf_string_2 = 1, :udf_string_2, udf_string_2),
    udf_string_3        = IF(:set_udf_string_3 = 1, :udf_string_3, udf_string_3),
    udf_string_4        = IF(:set_udf_string_4 = 1, :udf_string_4, udf_string_4),
    udf_string_5        = IF(:set_udf_string_5 = 1, :udf_string_5, udf_string_5),
    udf_string_6        = IF(:set_udf_string_6 = 1, :udf_string_6, udf_string_6),
    udf_string_7        = IF(:set_udf_string_7 = 1, :udf_string_7, udf_string_7),
    udf_string_8        = IF(:set_udf_string_8 = 1, :udf_string_8, udf_string_8),
    udf_float_1         = IF(:set_udf_float_1 = 1, CAST(:udf_float_1 AS DOUBLE), udf_float_1),
    udf_float_2         = IF(:set_udf_float_2 = 1, CAST(:udf_float_2 AS DOUBLE), udf_float_2),
    udf_float_3         = IF(:set_udf_float_3 = 1, CAST(:udf_float_3 AS DOUBLE), udf_float_3),
    udf_float_4         = IF(:set_udf_float_4 = 1, CAST(:udf_float_4 AS DOUBLE), udf_float_4),
    udf_date_1          = IF(:set_udf_date_1 = 1, CAST(:udf_date_1 AS DATETIME), udf_date_1),
    udf_date_2          = IF(:set_udf_date_2 = 1, CAST(:udf_date_2 AS DATETIME), udf_date_2),
    udf_date_3          = IF(:set_udf_date_3 = 1, CAST(:udf_date_3 AS DATETIME), udf_date_3),
    udf_date_4          = IF(:set_udf_date_4 = 1, CAST(:udf_date_4 AS DATETIME), udf_date_4),
    custom_field_set    = IF(:set_custom_field_set = 1, :custom_field_set, custom_field_set),
    version             = version + 1,
    updated_date        = CAST(:now AS DATETIME),
    updated_by_user_id  = :user_id,
    updated_by_unit_id  = :unit_id,
    request_ids         = LEFT(RTRIM(CONCAT_WS(' ', :request_id, request_ids)), 263),
    request_key         = :idempotency_key,
    request_digest      = :request_digest,
    request_expires     = CAST(:request_expires AS DATETIME)
WHERE id = :id
  AND version = CAST(:version AS UNSIGNED)
