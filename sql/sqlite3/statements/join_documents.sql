LEFT JOIN accounts_receivable_documents AS account_document
       ON account_document.accounts_receivable_id = token.accounts_receivable_id
LEFT JOIN reward_participant_documents AS participant_document
       ON participant_document.reward_participant_id = token.reward_participant_id
