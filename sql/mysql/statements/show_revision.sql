-- Under which revision lookups may come from a cache.
    , reference.revision                         AS 'revision.reference'
