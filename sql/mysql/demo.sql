-- For demonstration databases only: deletes all rows of the tables, then inserts those of the
-- demonstration. Run it again to reset them. From BEGIN on, the files of both engines are equal.

SET NAMES utf8mb4 COLLATE utf8mb4_bin;
SET SESSION sql_mode = 'STRICT_ALL_TABLES';
BEGIN;

DELETE FROM access_token_requests;
DELETE FROM access_tokens;
DELETE FROM access_token_sequences;
DELETE FROM access_token_custom_fields;
DELETE FROM access_token_classifications;
DELETE FROM access_token_definitions;
DELETE FROM access_token_rule_sets;
DELETE FROM reward_participants;
DELETE FROM accounts_receivable;
DELETE FROM contacts;
DELETE FROM countries;
DELETE FROM access_token_sessions;
DELETE FROM users;
DELETE FROM units;

INSERT INTO units (id, name, description, alternative_code, group_name, community_name) VALUES
    ('48305F8849E3C18B227C5BE3A27BA6DF', 'Admin Unit', 'r1', 'MG', 'Main Group', 'Internal Community'),
    ('5A7C00000000000000000000000000B2', 'Harbour Shop', NULL, NULL, 'Shops', 'Internal Community');

-- The reader may not update access tokens; the contractor has no default unit.
INSERT INTO users (id, username, person_name, email, default_unit_id, may_update_access_tokens) VALUES
    ('1', 'MPAdministrator', 'Marios Lannister', NULL, '48305F8849E3C18B227C5BE3A27BA6DF', 1),
    ('159C17D9C4B1E48DC129FBC701D38438', 'p_xenopoulou', 'p_xenopoulou', 'p_xenopoulou@crm.com',
     '48305F8849E3C18B227C5BE3A27BA6DF', 1),
    ('2', 'clerk', 'Clara Quay', 'clerk@example.com', '5A7C00000000000000000000000000B2', 1),
    ('3', 'contractor', 'Conrad Freelance', 'contractor@example.com', NULL, 1),
    ('4', 'reader', 'Rea Donly', 'reader@example.com', '48305F8849E3C18B227C5BE3A27BA6DF', 0);

-- The table has the SHA-256 digests of the tokens. The tokens are, in this order:
-- A4F19B70D95D4DE09C3A9FC720A33A49  MPAdministrator, in the default unit
-- demo-session-clerk                clerk, in the default unit
-- demo-session-other-unit           clerk, but in the Admin Unit
-- demo-session-no-unit              contractor, in no unit
-- demo-session-forbidden            reader: FORBIDDEN
-- demo-session-expired              MPAdministrator, expired: INVALID_TOKEN
INSERT INTO access_token_sessions (token_digest, user_id, unit_id, expires_at) VALUES
    ('6c24d82e4f921175b48fd0dcc1d6dffe164900f01d646c6fedd8da436c050782', '1', NULL, '2099-12-31T23:59:59'),
    ('32f490d51aa83e69d17b91f0d55ac22717ff00417d04fda6476602ef2b23d930', '2', NULL, '2099-12-31T23:59:59'),
    ('c8c2794c145ec8062a093665acd5227080fbaee65e8d5eb65a892155244a762c', '2',
     '48305F8849E3C18B227C5BE3A27BA6DF', '2099-12-31T23:59:59'),
    ('5f78606093a47cfdb3fe433846acc6b60f799b508549979e17b1b160e4cf544f', '3', NULL, '2099-12-31T23:59:59'),
    ('101f488336653506bdc166e6289e444166cbc7e73a225b29548664562ce4153d', '4', NULL, '2099-12-31T23:59:59'),
    ('fa836c69462267ff5b2f8272d8f635520f5c28d9d86e1c99b35d09566e46e132', '1', NULL, '2015-05-27T00:00:00');

INSERT INTO countries (id, name, alternative_code, two_character_code, three_character_code) VALUES
    ('33', 'CYPRUS', NULL, 'CY', 'CYP'),
    ('54', 'GREECE', 'EL', 'GR', 'GRC'),
    ('127', 'UNITED STATES', NULL, 'US', 'USA');

-- The owner of the example.
INSERT INTO contacts (id, type, life_cycle_state, first_name, last_name, name, country_of_residence_id) VALUES
    ('E21381FCC07AB01BAAC3851B6C00FFE5', 'PERSON', 'FINANCIAL', 'Shemar', 'Havier', 'Havier Shemar', '127');

-- A person with a value in every column, and a company.
INSERT INTO contacts (id, type, life_cycle_state, title, first_name, middle_name, last_name, name, gender,
                      country_of_residence_id, passport_number, passport_issued_by_country_id, id_number,
                      id_issued_by_country_id, social_security_number, industry, industry_sector,
                      name_day_day, name_day_month, birth_day, birth_month, birth_year) VALUES
    ('C0000000000000000000000000000001', 'PERSON', 'FINANCIAL', 'Dr', 'Ελένη', 'Zoë', 'Παπαδοπούλου',
     'Παπαδοπούλου Ελένη', 'FEMALE', '33', 'K00123456', '33', 'AB 654321', '54', '01029912345', 'Shipping',
     'Ferries', 21, 5, 29, 2, 1980);
INSERT INTO contacts (id, type, life_cycle_state, name, company_name, company_profile, industry,
                      country_of_residence_id) VALUES
    ('C0000000000000000000000000000002', 'COMPANY', 'PROSPECT', 'Harbour Foods', 'Harbour Foods Ltd',
     'Wholesale of fish', 'Food', '54');

-- The third account has no owner.
INSERT INTO accounts_receivable (id, number, name, life_cycle_state, owner_id) VALUES
    ('8728513FDA0C6919AE007D84938A835B', 'ACR000418', 'Havier 6', 'ACTIVE',
     'E21381FCC07AB01BAAC3851B6C00FFE5'),
    ('A0000000000000000000000000000001', 'ACR000501', 'Παπαδοπούλου', 'ACTIVE',
     'C0000000000000000000000000000001'),
    ('A0000000000000000000000000000002', 'ACR000502', 'Harbour Foods', 'SUSPENDED',
     'C0000000000000000000000000000002'),
    ('A0000000000000000000000000000003', 'ACR000503', NULL, 'ACTIVE', NULL);

INSERT INTO reward_participants (id, number, accounts_receivable_id) VALUES
    ('2432994125F2450EBDF84E00B21C89F0', '28', '8728513FDA0C6919AE007D84938A835B'),
    ('B0000000000000000000000000000001', '51', 'A0000000000000000000000000000001'),
    ('B0000000000000000000000000000002', '52', NULL);

-- Columns that are not named here have the defaults of the schema: nothing generated, free text, no
-- minimum. "default" belongs to the active definition, the others to the classifications of the same name.
INSERT INTO access_token_rule_sets (id, authentication_code_min_length, identifier_min_length,
                                    pass_code_min_length, allow_no_identifier) VALUES
    ('default', 1, 1, 4, 1),
    ('card', 1, 1, 4, 1),
    ('member', 1, 1, 4, 0);
INSERT INTO access_token_rule_sets (id, authentication_code_creation, identifier_creation,
                                    pass_code_creation, allow_no_identifier) VALUES
    ('auto-id', 'ID', 'NONE', 'NONE', 1),
    ('auto-number', 'NUMBER', 'NONE', 'NONE', 1),
    ('auto-pass', 'NONE', 'NONE', 'NUMBER', 0),
    ('auto-all', 'ID', 'NUMBER', 'ID', 0);
INSERT INTO access_token_rule_sets (id, identifier_format, identifier_min_length, pass_code_format,
                                    pass_code_min_length) VALUES
    ('email', 'EMAIL', 10, 'FREE_TEXT', 6),
    ('phone', 'PHONE', 9, 'NUMBER', 6),
    ('number', 'NUMBER', 8, 'NUMBER', 4);
INSERT INTO access_token_rule_sets (id, authentication_code_min_length, authentication_code_min_letters,
                                    authentication_code_min_digits, authentication_code_min_special,
                                    identifier_min_length, identifier_min_letters, identifier_min_digits,
                                    identifier_min_special, pass_code_min_length, pass_code_min_letters,
                                    pass_code_min_digits, pass_code_min_special) VALUES
    ('strict', 8, 2, 1, 1, 6, 2, 1, 0, 10, 3, 2, 1);

INSERT INTO access_token_definitions (id, name, rule_set_id, active) VALUES
    ('1', 'Standard', 'default', 1),
    ('2', 'Not in use', 'strict', NULL);

INSERT INTO access_token_classifications (id, name, alternative_code, rule_set_id) VALUES
    ('CC000000000000000000000000000001', 'Card', 'card', 'card'),
    ('CC000000000000000000000000000002', 'Member', 'member', 'member'),
    ('CC000000000000000000000000000003', 'Generated code', 'auto-id', 'auto-id'),
    ('CC000000000000000000000000000004', 'Numbered code', 'auto-number', 'auto-number'),
    ('CC000000000000000000000000000005', 'Generated pass code', 'auto-pass', 'auto-pass'),
    ('CC000000000000000000000000000006', 'Everything generated', NULL, 'auto-all'),
    ('CC000000000000000000000000000007', 'E-mail', 'email', 'email'),
    ('CC000000000000000000000000000008', 'Telephone', 'phone', 'phone'),
    ('CC000000000000000000000000000009', 'Number', 'number', 'number'),
    ('CC00000000000000000000000000000A', 'Strict', 'strict', 'strict');

INSERT INTO access_token_custom_fields (name, type) VALUES
    ('nickname', 'string'),
    ('favourite_shop', 'string'),
    ('shoe_size', 'number'),
    ('points', 'number'),
    ('newsletter', 'boolean'),
    ('gift_wrap', 'boolean'),
    ('Ύψος', 'number');

-- The next authentication code would be 1001, but the access token demo-taken-number has it. So the next
-- one is 1002.
INSERT INTO access_token_sequences (name, value) VALUES
    ('authentication_code', 1000), ('identifier', 500000), ('pass_code', 900000);

-- The access token of the example, before the call.
INSERT INTO access_tokens (id, number, life_cycle_state, authentication_code, accounts_receivable_id,
                           reward_participant_id, created_date, created_by_user_id, created_by_unit_id,
                           updated_date, updated_by_user_id, updated_by_unit_id) VALUES
    ('CDC003FAB1204830ACED364BA77EC18D', '35', 'EFFECTIVE', 'CCD4537CA4AD4EE8912FFBAE53110601',
     '8728513FDA0C6919AE007D84938A835B', '2432994125F2450EBDF84E00B21C89F0', '2015-02-16T14:23:46',
     '159C17D9C4B1E48DC129FBC701D38438', '48305F8849E3C18B227C5BE3A27BA6DF', '2015-02-16T14:23:46',
     '159C17D9C4B1E48DC129FBC701D38438', '48305F8849E3C18B227C5BE3A27BA6DF');

-- Each pass code below is demo-pass-1, except for demo-phone and demo-number: 246810.
-- Rules: the pass code of the first may be removed with the identifier (Card), of the second not (Member).
INSERT INTO access_tokens (id, number, authentication_code, identifier, pass_code, classification_id,
                           created_date) VALUES
    ('D0000000000000000000000000000001', '101', 'demo-card', NULL, NULL,
     'CC000000000000000000000000000001', '2024-01-01T08:00:00'),
    ('D0000000000000000000000000000002', '102', 'demo-member', 'demo-member-user',
     '$2y$10$Ltc4R5MQvqYR9FSpFdYz.OF43jsZ30rV2os6ANXwO0gyoxYXC9Np2',
     'CC000000000000000000000000000002', '2024-01-01T08:00:00'),
    -- "authentication_code": null makes 32 hex digits
    ('D0000000000000000000000000000003', '103', 'demo-auto-id', NULL, NULL,
     'CC000000000000000000000000000003', '2024-01-01T08:00:00'),
    -- "authentication_code": null takes the next number
    ('D0000000000000000000000000000004', '104', 'demo-auto-number', NULL, NULL,
     'CC000000000000000000000000000004', '2024-01-01T08:00:00'),
    ('D0000000000000000000000000000005', '105', '1001', NULL, NULL, NULL, '2024-01-01T08:00:00'),
    -- "pass_code": null makes one, which is shown once
    ('D0000000000000000000000000000006', '106', 'demo-auto-pass', 'demo-auto-pass-user',
     '$2y$10$Ltc4R5MQvqYR9FSpFdYz.OF43jsZ30rV2os6ANXwO0gyoxYXC9Np2',
     'CC000000000000000000000000000005', '2024-01-01T08:00:00'),
    ('D0000000000000000000000000000007', '107', 'demo-auto-all', NULL, NULL,
     'CC000000000000000000000000000006', '2024-01-01T08:00:00'),
    -- formats and minima
    ('D0000000000000000000000000000008', '108', 'demo-email', 'eleni@example.com',
     '$2y$10$Ltc4R5MQvqYR9FSpFdYz.OF43jsZ30rV2os6ANXwO0gyoxYXC9Np2',
     'CC000000000000000000000000000007', '2024-01-01T08:00:00'),
    ('D0000000000000000000000000000009', '109', 'demo-phone', '+35722000000',
     '$2y$10$MMDxWZrSVlyCsX0woQls2OkE5tgWNVp1fk5G9rDXtyvfHOk.5Iiyq',
     'CC000000000000000000000000000008', '2024-01-01T08:00:00'),
    ('D000000000000000000000000000000A', '110', 'demo-number', '12345678',
     '$2y$10$MMDxWZrSVlyCsX0woQls2OkE5tgWNVp1fk5G9rDXtyvfHOk.5Iiyq',
     'CC000000000000000000000000000009', '2024-01-01T08:00:00'),
    ('D000000000000000000000000000000B', '111', 'demo-strict-1', 'strict1',
     '$2y$10$Ltc4R5MQvqYR9FSpFdYz.OF43jsZ30rV2os6ANXwO0gyoxYXC9Np2',
     'CC00000000000000000000000000000A', '2024-01-01T08:00:00');

-- Life cycle states. The last one waits for the verification of its owner's address; that of the one before
-- is verified.
INSERT INTO access_tokens (id, number, life_cycle_state, authentication_code, verified_date,
                           verification_code, created_date) VALUES
    ('D0000000000000000000000000000010', '116', 'EFFECTIVE', 'demo-effective', NULL, NULL,
     '2024-01-01T08:00:00'),
    ('D0000000000000000000000000000011', '117', 'NOT_EFFECTIVE', 'demo-not-effective', NULL, NULL,
     '2024-01-01T08:00:00'),
    ('D0000000000000000000000000000012', '118', 'EFFECTIVE', 'demo-verified', '2024-01-02T09:30:00', NULL,
     '2024-01-01T08:00:00'),
    ('D0000000000000000000000000000013', '119', 'PENDING_VERIFICATION', 'demo-pending-verification', NULL,
     '7F3K-92QD', '2024-01-01T08:00:00');

-- Owners: a person with all values, a company, an account without owner, a reward participant without
-- account, and neither.
INSERT INTO access_tokens (id, number, authentication_code, accounts_receivable_id, reward_participant_id,
                           created_date, created_by_user_id, created_by_unit_id) VALUES
    ('D0000000000000000000000000000020', '132', 'demo-person', 'A0000000000000000000000000000001',
     'B0000000000000000000000000000001', '2024-01-01T08:00:00', '2', '5A7C00000000000000000000000000B2'),
    ('D0000000000000000000000000000021', '133', 'demo-company', 'A0000000000000000000000000000002', NULL,
     '2024-01-01T08:00:00', '2', '5A7C00000000000000000000000000B2'),
    ('D0000000000000000000000000000022', '134', 'demo-account-without-owner',
     'A0000000000000000000000000000003', NULL, '2024-01-01T08:00:00', '2', NULL),
    ('D0000000000000000000000000000023', '135', 'demo-participant-without-account', NULL,
     'B0000000000000000000000000000002', '2024-01-01T08:00:00', '2', NULL),
    ('D0000000000000000000000000000024', '136', 'demo-no-owner', NULL, NULL,
     '2024-01-01T08:00:00', NULL, NULL);

-- Custom fields of each type. Four of the seven are set.
INSERT INTO access_tokens (id, number, authentication_code, custom_field_set, created_date) VALUES
    ('D0000000000000000000000000000030', '148', 'demo-custom-fields',
     '{"nickname": "Λένα 🎁", "shoe_size": 38.5, "points": 1200, "newsletter": true}',
     '2024-01-01T08:00:00');

-- All user-defined fields.
INSERT INTO access_tokens (id, number, authentication_code, card_masked_number,
                           udf_string_1, udf_string_2, udf_string_3, udf_string_4,
                           udf_string_5, udf_string_6, udf_string_7, udf_string_8,
                           udf_float_1, udf_float_2, udf_float_3, udf_float_4,
                           udf_date_1, udf_date_2, udf_date_3, udf_date_4, created_date) VALUES
    ('D0000000000000000000000000000031', '149', 'demo-udf', '4556 **** **** 1234',
     'plain text', '', ' blanks around ', 'Ünïcödé', 'Καλημέρα', '日本語', 'emoji 👩‍🚀',
     'it''s "quoted" 100%?',
     '0.1', '5e-324', '1.7976931348623157e+308', '-1.3701135617873088e-206',
     '1000-01-01T00:00:00', '2000-02-29T00:00:00', '2024-06-30T23:59:59', '9999-12-31T23:59:59',
     '2024-01-01T08:00:00');

-- Codes are compared byte for byte: three different access tokens.
INSERT INTO access_tokens (id, number, authentication_code, created_date) VALUES
    ('D0000000000000000000000000000032', '150', 'demo-café', '2024-01-01T08:00:00'),
    ('D0000000000000000000000000000033', '151', 'demo-cafe', '2024-01-01T08:00:00'),
    ('D0000000000000000000000000000034', '152', 'DEMO-CAFE', '2024-01-01T08:00:00');

-- Pass codes hashed by different schemes: bcrypt, and schemes of older programs. All are demo-pass-1.
INSERT INTO access_tokens (id, number, authentication_code, identifier, pass_code, created_date) VALUES
    ('D0000000000000000000000000000040', '164', 'demo-bcrypt', 'demo-bcrypt-user',
     '$2y$10$Ltc4R5MQvqYR9FSpFdYz.OF43jsZ30rV2os6ANXwO0gyoxYXC9Np2', '2024-01-01T08:00:00'),
    ('D0000000000000000000000000000041', '165', 'demo-apr1', 'demo-apr1-user',
     '$apr1$XY6KVGz2$ELN0NWj0z9PVNB2vye1Hy1', '2024-01-01T08:00:00'),
    ('D0000000000000000000000000000042', '166', 'demo-sha1', 'demo-sha1-user',
     '{SHA}Rlqa7oywHfiy5SrrADVAAMVz8kM=', '2024-01-01T08:00:00'),
    ('D0000000000000000000000000000043', '167', 'demo-sha512', 'demo-sha512-user',
     '$6$BqdCochT6jWkGthf$zTPzeteSVKII5vWVMz/nWlKsV8vK60yYoW0xhtz0yszX.E5xtC2kkiJx.JeuEB49N/w.sdcyYQxD.pWk0qgWX0',
     '2024-01-01T08:00:00');

COMMIT;
