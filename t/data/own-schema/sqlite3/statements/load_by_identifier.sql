-- @include load.sql
LEFT JOIN cards AS card    ON card.web_name = :identifier
LEFT JOIN people AS holder ON holder.person_no = card.holder;
