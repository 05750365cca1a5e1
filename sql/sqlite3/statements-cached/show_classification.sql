-- The classification in the reply, by a lookup. Its rules are never looked up.
    token.classification_id                      AS 'data.classification?@classification'
