-- The custom fields depend on the card's tier.
SELECT extra.label AS 'custom_field.name',
       CASE extra.kind WHEN 'N' THEN 'number' WHEN 'B' THEN 'boolean' ELSE 'string' END
                   AS 'custom_field.type'
FROM extras_of_tier AS extra
JOIN cards AS card ON card.tier = extra.tier
WHERE card.card_no = :id;
