-- @unique cards.barcode authentication_code
-- @unique cards.web_name identifier
-- @unique keys_used.staff_no,keys_used.key_text idempotency_key
UPDATE cards SET
    barcode    = CASE :set_authentication_code WHEN '1' THEN :authentication_code ELSE barcode END,
    web_name   = CASE :set_identifier WHEN '1' THEN :identifier ELSE web_name END,
    pin_hash   = CASE :set_pass_code WHEN '1' THEN :pass_code ELSE pin_hash END,
    nick       = CASE :set_udf_string_1 WHEN '1' THEN :udf_string_1 ELSE nick END,
    remark     = CASE :set_udf_string_2 WHEN '1' THEN :udf_string_2 ELSE remark END,
    credit     = CASE :set_udf_float_1 WHEN '1' THEN CAST(:udf_float_1 AS REAL) ELSE credit END,
    valid_from = CASE :set_udf_date_1 WHEN '1' THEN CAST(STRFTIME('%s', :udf_date_1) AS INTEGER)
                                               ELSE valid_from END,
    extras     = CASE :set_custom_field_set WHEN '1' THEN :custom_field_set ELSE extras END,
    changed_at = CAST(STRFTIME('%s', :now) AS INTEGER),
    changed_by = :user_id,
    calls      = SUBSTR(:request_id || ' ' || calls, 1, 263),
    call_key   = :idempotency_key,
    call_print = :request_digest,
    revision   = revision + 1
WHERE card_no = CAST(:id AS INTEGER) AND revision = CAST(:version AS INTEGER);
