-- The classification as the reply shows it, looked up; its rules never are.
    token.classification_id                      AS 'data.classification?@classification'
