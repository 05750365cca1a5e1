-- The revision of units, users, countries, classifications, definitions, rule sets and custom fields.
LEFT JOIN access_token_revisions AS reference ON reference.name = 'reference'
