-- The classification in the reply. Its rules are in load_select.sql.
    , classification.id                          AS 'data.classification?.id',
    classification.name                          AS 'data.classification?.name',
    classification.alternative_code              AS 'data.classification?.alternative_code'
