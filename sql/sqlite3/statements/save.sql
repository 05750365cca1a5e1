-- The only statement of a call that writes. If the set_ parameter of a field is 0, the field is not in the
-- request and keeps its value.
-- request_ids are the ids of the last eight calls, 32 characters each. The trigger access_tokens_request uses
-- the other request_ columns, for the Idempotency-Key.
-- @unique access_tokens.authentication_code authentication_code
-- @unique access_tokens.identifier identifier
-- @unique access_token_requests.user_id,access_token_requests.idempotency_key idempotency_key
-- @unique access_token_changes.token_id,access_token_changes.version version
UPDATE access_tokens
SET
    authentication_code = IIF(:set_authentication_code = '1', :authentication_code, authentication_code),
    identifier          = IIF(:set_identifier = '1', :identifier, identifier),
    pass_code           = IIF(:set_pass_code = '1', :pass_code, pass_code),
    card_masked_number  = IIF(:set_card_masked_number = '1', :card_masked_number, card_masked_number),
    udf_string_1        = IIF(:set_udf_string_1 = '1', :udf_string_1, udf_string_1),
    udf_string_2        = IIF(:set_udf_string_2 = '1', :udf_string_2, udf_string_2),
    udf_string_3        = IIF(:set_udf_string_3 = '1', :udf_string_3, udf_string_3),
    udf_string_4        = IIF(:set_udf_string_4 = '1', :udf_string_4, udf_string_4),
    udf_string_5        = IIF(:set_udf_string_5 = '1', :udf_string_5, udf_string_5),
    udf_string_6        = IIF(:set_udf_string_6 = '1', :udf_string_6, udf_string_6),
    udf_string_7        = IIF(:set_udf_string_7 = '1', :udf_string_7, udf_string_7),
    udf_string_8        = IIF(:set_udf_string_8 = '1', :udf_string_8, udf_string_8),
    udf_float_1         = IIF(:set_udf_float_1 = '1', :udf_float_1, udf_float_1),
    udf_float_2         = IIF(:set_udf_float_2 = '1', :udf_float_2, udf_float_2),
    udf_float_3         = IIF(:set_udf_float_3 = '1', :udf_float_3, udf_float_3),
    udf_float_4         = IIF(:set_udf_float_4 = '1', :udf_float_4, udf_float_4),
    udf_date_1          = IIF(:set_udf_date_1 = '1', :udf_date_1, udf_date_1),
    udf_date_2          = IIF(:set_udf_date_2 = '1', :udf_date_2, udf_date_2),
    udf_date_3          = IIF(:set_udf_date_3 = '1', :udf_date_3, udf_date_3),
    udf_date_4          = IIF(:set_udf_date_4 = '1', :udf_date_4, udf_date_4),
    custom_field_set    = IIF(:set_custom_field_set = '1', :custom_field_set, custom_field_set),
    version             = version + 1,
    updated_date        = :now,
    updated_by_user_id  = :user_id,
    updated_by_unit_id  = :unit_id,
    request_ids         = SUBSTR(RTRIM(:request_id || ' ' || request_ids), 1, 263),
    request_key         = :idempotency_key,
    request_digest      = :request_digest,
    request_expires     = :request_expires
WHERE id = :id
  AND version = CAST(:version AS INTEGER)
