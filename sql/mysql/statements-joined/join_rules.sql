-- The rules come from the classification; without one, from the active definition.
LEFT JOIN access_token_classifications AS classification
       ON classification.id = token.classification_id
LEFT JOIN access_token_definitions AS definition
       ON definition.active = 1
LEFT JOIN access_token_rule_sets AS rules
       ON rules.id = COALESCE(classification.rule_set_id, definition.rule_set_id)
