-- The classification in the reply. Its rules are in load_select.sql.
    , COALESCE(classification.id)                AS 'data.classification?.id',
    COALESCE(classification.name)                AS 'data.classification?.name',
    classification.alternative_code              AS 'data.classification?.alternative_code'
