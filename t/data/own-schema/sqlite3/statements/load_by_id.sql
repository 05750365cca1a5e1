-- @include load.sql
LEFT JOIN cards AS card    ON card.card_no = :id
LEFT JOIN people AS holder ON holder.person_no = card.holder;
