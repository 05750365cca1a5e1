-- The owners as JSON texts, which documents.sql keeps. 'null' is a reply's null; NULL: there is no document, and
-- the module loads the access token again, by the joins. Who changes the members of owners in load_select.sql has
-- to change documents.sql as well, or to use statements-without-documents.
    , COALESCE(account_document.document, CASE WHEN token.accounts_receivable_id IS NULL THEN 'null' END)
        AS 'data.accounts_receivable:document',
    COALESCE(participant_document.document, CASE WHEN token.reward_participant_id IS NULL THEN 'null' END)
        AS 'data.reward_participant:document'
