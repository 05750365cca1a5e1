-- The classification, and its rules or those of the active definition, by a lookup.
    , COALESCE(token.classification_id, '')      AS '@rules'
