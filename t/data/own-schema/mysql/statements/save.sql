-- @unique one_barcode authentication_code
-- @unique web_name_is_free identifier
-- @unique one_use idempotency_key
UPDATE cards SET
    barcode    = IF(:set_authentication_code = 1, :authentication_code, barcode),
    web_name   = IF(:set_identifier = 1, :identifier, web_name),
    pin_hash   = IF(:set_pass_code = 1, :pass_code, pin_hash),
    nick       = IF(:set_udf_string_1 = 1, :udf_string_1, nick),
    remark     = IF(:set_udf_string_2 = 1, :udf_string_2, remark),
    credit     = IF(:set_udf_float_1 = 1, CAST(:udf_float_1 AS DOUBLE), credit),
    valid_from = IF(:set_udf_date_1 = 1,
                    TIMESTAMPDIFF(SECOND, '1970-01-01', CAST(:udf_date_1 AS DATETIME)), valid_from),
    extras     = IF(:set_custom_field_set = 1, :custom_field_set, extras),
    changed_at = TIMESTAMPDIFF(SECOND, '1970-01-01', CAST(:now AS DATETIME)),
    changed_by = :user_id,
    calls      = LEFT(CONCAT_WS(' ', :request_id, calls), 263),
    call_key   = :idempotency_key,
    call_print = :request_digest,
    revision   = revision + 1
WHERE card_no = CAST(:id AS SIGNED) AND revision = CAST(:version AS SIGNED);
