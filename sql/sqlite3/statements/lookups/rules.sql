-- A classification, and the rules: its own; for the key '' or without it, those of the active definition.
SELECT
    reference.revision                           AS 'revision.reference',
    classification.id                            AS 'data.classification?.id',
    classification.name                          AS 'data.classification?.name',
    classification.alternative_code              AS 'data.classification?.alternative_code',
    rules.authentication_code_creation           AS 'rule.authentication_code_creation',
    rules.authentication_code_format             AS 'rule.authentication_code_format',
    rules.authentication_code_min_length         AS 'rule.authentication_code_min_length',
    rules.authentication_code_min_letters        AS 'rule.authentication_code_min_letters',
    rules.authentication_code_min_digits         AS 'rule.authentication_code_min_digits',
    rules.authentication_code_min_special        AS 'rule.authentication_code_min_special',
    rules.identifier_creation                    AS 'rule.identifier_creation',
    rules.identifier_format                      AS 'rule.identifier_format',
    rules.identifier_min_length                  AS 'rule.identifier_min_length',
    rules.identifier_min_letters                 AS 'rule.identifier_min_letters',
    rules.identifier_min_digits                  AS 'rule.identifier_min_digits',
    rules.identifier_min_special                 AS 'rule.identifier_min_special',
    rules.pass_code_creation                     AS 'rule.pass_code_creation',
    rules.pass_code_format                       AS 'rule.pass_code_format',
    rules.pass_code_min_length                   AS 'rule.pass_code_min_length',
    rules.pass_code_min_letters                  AS 'rule.pass_code_min_letters',
    rules.pass_code_min_digits                   AS 'rule.pass_code_min_digits',
    rules.pass_code_min_special                  AS 'rule.pass_code_min_special',
    rules.allow_no_identifier                    AS 'rule.allow_no_identifier'
FROM (SELECT 1 AS one) AS always
LEFT JOIN access_token_revisions AS reference ON reference.name = 'reference'
LEFT JOIN access_token_classifications AS classification
       ON classification.id = :key AND LENGTH(:key) > 0
LEFT JOIN access_token_definitions AS definition
       ON definition.active = 1
LEFT JOIN access_token_rule_sets AS rules
       ON rules.id = COALESCE(classification.rule_set_id, definition.rule_set_id)
