-- @include load.sql
LEFT JOIN cards AS card    ON card.barcode = :authentication_code
LEFT JOIN people AS holder ON holder.person_no = card.holder;
