SET NAMES utf8mb4 COLLATE utf8mb4_bin;

INSERT INTO staff (staff_no, login_name, role) VALUES (1, 'anna', 'editor'), (2, 'bob', 'viewer');

-- anna-session, bob-session, old-session
INSERT INTO logins (fingerprint, staff_no, valid_until) VALUES
    (X'8BE63B3F85F3F5264DDE5DFB66AED567EFAB5D561F96B39F8B808EFD20714DC8', 1, 4102444799),
    (X'24258A7F9D8457DE1F8814B24096BE2B6CDC6413EDC06AF92FC550A5B15D6F44', 2, 4102444799),
    (X'13C49AA4E416F7A6E0F164F9AA999C65B7FBFB6D4D06329A2602997F8CF10985', 1, 1000000000);

INSERT INTO people (person_no, full_name) VALUES (70, 'Ωραία Παρασκευή');

INSERT INTO policy (pin_length) VALUES (4);

INSERT INTO extras_of_tier (tier, label, kind) VALUES
    ('G', 'lounge', 'B'), ('G', 'visits', 'N'), ('G', 'greeting', 'T'), ('S', 'greeting', 'T');

INSERT INTO cards (card_no, barcode, tier, blocked, points, preferences, holder) VALUES
    (7, 'gold-7', 'G', 0, 1250, '{"seat": ["aisle", 12], "veg": true}', 70),
    (8, 'silver-8', 'S', 1, 0, NULL, NULL),
    (9, 'silver-9', 'S', 0, 3, '[]', NULL);
