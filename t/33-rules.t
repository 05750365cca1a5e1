# The rules of classifications and of the active definition: mandatory values, generated
# values, formats and minima, and the values that they apply to.
use strict;
use warnings;
use utf8;

use JSON::PP ();
use Test::More;

use AccessTokenTest;

binmode $_, ':encoding(UTF-8)'
    for map { Test::More->builder->$_ } qw(output failure_output todo_output);

my $json = JSON::PP->new->utf8->canonical->allow_nonref;
my @credentials = qw(authentication_code identifier pass_code);
my $has_server = AccessTokenTest::engine() ne 'sqlite3';

my $server = AccessTokenTest->start(location_conf => <<'END');
    AccessTokenPassCodeScheme bcrypt 4
END

# ---- helpers

my $number = 0;

# A new access token with its own classification and RULES, columns of
# access_token_rule_sets. Returns its code. identifier: the token has one, and the pass
# code "old-pass".
my $old_hash = crypt 'old-pass', '$2y$04$abcdefghijklmnopqrstuu';

sub token_with {
    my ($rules, %token) = @_;
    my $name = 'test-' . ++$number;
    my $dbh = $server->dbh;
    my @columns = sort keys %$rules;
    $dbh->do('INSERT INTO access_token_rule_sets (' . join(', ', 'id', @columns) . ') VALUES ('
        . join(', ', ('?') x (1 + @columns)) . ')', undef, $name, @$rules{@columns});
    $dbh->do('INSERT INTO access_token_classifications (id, name, rule_set_id) VALUES (?, ?, ?)',
             undef, $name, $name, $name);
    return token_of($name, %token);
}

# The same, with an existing classification, or without one.
sub token_of {
    my ($classification, %token) = @_;
    my $name = 'test-' . ++$number;
    my %row = (id => $name, number => $number, created_date => '2024-01-01T08:00:00',
        authentication_code => $name, classification_id => $classification, %token);
    $row{pass_code} = $old_hash if defined $row{identifier} && !exists $row{pass_code};
    my @columns = sort keys %row;
    $server->dbh->do('INSERT INTO access_tokens (' . join(', ', @columns) . ') VALUES ('
        . join(', ', ('?') x @columns) . ')', undef, @row{@columns});
    return $row{authentication_code};
}

sub update {
    my ($code, $parameters, %more) = @_;
    return $server->post({ token => 'demo-session-clerk', access_token_identifier =>
        { authentication_code => $code }, %{ $parameters // {} }, %more });
}

*outcome = \&AccessTokenTest::outcome;

sub accepted {
    my ($reply, $name) = @_;
    return is(outcome($reply), '200 OK', $name);
}

sub violates {
    my ($reply, $errors, $name) = @_;
    return is(outcome($reply), '422 VALIDATION_FAILED ' . join(', ', sort @$errors), $name);
}

sub row {
    my ($id) = @_;
    my $row = $server->dbh->selectrow_hashref('SELECT * FROM access_tokens WHERE id = ?',
                                              undef, $id);
    if ($has_server) {
        defined && utf8::decode($_) for @$row{qw(authentication_code identifier)};
    }
    return $row;
}

sub opens {
    my ($identifier, $pass_code) = @_;
    return outcome($server->post({ token => 'demo-session-clerk', access_token_identifier =>
        { identifier => $identifier, pass_code => $pass_code } })) eq '200 OK';
}

sub rows { $server->tokens }

sub changes_nothing {
    my ($code) = @_;
    my $before = rows();
    $code->();
    ok(rows() eq $before, 'nothing changes');
    return;
}

sub sequence {
    my ($name, $value) = @_;
    my $dbh = $server->dbh;
    $dbh->do('UPDATE access_token_sequences SET value = ? WHERE name = ?', undef, $value, $name)
        if defined $value;
    return $dbh->selectrow_array('SELECT value FROM access_token_sequences WHERE name = ?',
                                 undef, $name);
}

sub quoted { my $text = $json->encode($_[0]); utf8::decode($text); return $text }

my $id_form = qr/\A[0-9A-F]{32}\z/;

# ---- generation

subtest 'an authentication code that is not generated' => sub {
    my $code = token_with({ allow_no_identifier => 1 });
    changes_nothing(sub {
        violates(update($code, { authentication_code => undef }),
                 ['/authentication_code MANDATORY'], 'is mandatory');
    });
    accepted(update($code, { authentication_code => "$code-new" }), 'and can be given');
};

subtest 'generated authentication codes' => sub {
    $server->reset_data;
    my $reply = update('demo-auto-number', { authentication_code => undef });
    accepted($reply, 'creation NUMBER');
    is($reply->{json}{data}{authentication_code}, '1002',
       'is the next free number of the sequence');
    is(row('D0000000000000000000000000000004')->{authentication_code}, '1002', 'is in the row');
    is(sequence('authentication_code'), 1002, 'and the sequence has passed it');
    $reply = update('1002', { authentication_code => undef });
    is($reply->{json}{data}{authentication_code}, '1003', 'and then the next');
    is(outcome(update('1002')), '404 ACCESS_TOKEN_NOT_FOUND', 'the old code no longer works');
    accepted(update('1003', { authentication_code => 'given' }), 'a code can be given');
    is(sequence('authentication_code'), 1003, 'which takes no number');
    accepted(update('given', { udf_string_1 => 'x' }), 'a code that is not sent');
    is(row('D0000000000000000000000000000004')->{authentication_code}, 'given',
       'is not generated');

    my $code = 'demo-auto-id';
    my %seen;
    for my $round (1 .. 5) {
        $reply = update($code, { authentication_code => undef });
        accepted($reply, 'creation ID');
        $code = $reply->{json}{data}{authentication_code};
        like($code, $id_form, 'which is 32 upper-case hex digits');
        ok(!$seen{$code}++, 'and always differs');
        is(row('D0000000000000000000000000000003')->{authentication_code}, $code, 'is in the row');
    }
    accepted(update($code, { authentication_code => 'given-too' }), 'a code can be given');
};

subtest 'generated identifiers and pass codes' => sub {
    $server->reset_data;
    my %form = (NUMBER => qr/\A\d+\z/, ID => $id_form);
    for my $identifier_creation (qw(NONE NUMBER ID)) {
        for my $pass_code_creation (qw(NONE NUMBER ID)) {
            my $name = "identifier: $identifier_creation, pass code: $pass_code_creation";
            my %rules = (identifier_creation => $identifier_creation,
                         pass_code_creation => $pass_code_creation);
            my $code = token_with(\%rules, identifier => "user-$number");
            my %sent = (
                identifier => $identifier_creation eq 'NONE' ? "given-$number" : undef,
                pass_code => $pass_code_creation eq 'NONE' ? 'given-pass' : undef);
            my %before = map { $_ => sequence($_) } qw(identifier pass_code);
            my $reply = update($code, \%sent);
            accepted($reply, $name) or next;
            my $data = $reply->{json}{data};
            for my $field (qw(identifier pass_code)) {
                my $creation = $rules{"${field}_creation"};
                my $taken = sequence($field) - $before{$field};
                is($taken, $creation eq 'NUMBER' ? 1 : 0, "numbers taken for $field");
                like($data->{$field}, $form{$creation}, "$field is generated")
                    if $creation ne 'NONE';
                is($data->{$field}, sequence($field), 'as the next number')
                    if $creation eq 'NUMBER';
            }
            is($data->{identifier}, $sent{identifier}, 'identifier is the one that was given')
                if $identifier_creation eq 'NONE';
            ok(!exists $data->{pass_code}, 'a pass code that was given is not replied')
                if $pass_code_creation eq 'NONE';
            is(row($data->{id})->{identifier}, $data->{identifier}, 'identifier is in the row');
            my $pass_code = $data->{pass_code} // 'given-pass';
            isnt(row($data->{id})->{pass_code}, $pass_code, 'the pass code is not');
            ok(opens($data->{identifier}, $pass_code), 'both open the access token');
            ok(!opens($data->{identifier}, 'old-pass'), 'the old pass code does not');
            $reply = update($code, { udf_string_1 => 'x' });
            unlike($reply->{content}, qr/pass_code/, 'a pass code is replied once');
            # Values can also be given if they are normally generated.
            accepted(update($code, { identifier => "new-$number", pass_code => 'x' }),
                     'values can be given');
            ok(opens("new-$number", 'x'), 'and are valid');
        }
    }
};

subtest 'the demonstration\'s generated pass codes' => sub {
    $server->reset_data;
    my $reply = update('demo-auto-pass', { pass_code => undef });
    accepted($reply, 'a pass code alone');
    is($reply->{json}{data}{pass_code}, '900001', 'is the next number');
    ok(opens('demo-auto-pass-user', '900001'), 'and is valid from then on');
    ok(!opens('demo-auto-pass-user', 'demo-pass-1'), 'instead of the old one');
    $reply = update('demo-auto-pass', { identifier => 'x', pass_code => undef });
    accepted($reply, 'an identifier with a pass code that is generated');
    ok(opens('x', $reply->{json}{data}{pass_code}), 'both open');
    changes_nothing(sub {
        violates(update('demo-auto-pass', { identifier => 'y' }), ['/pass_code MANDATORY'],
                 'an identifier without a pass code');
    });
    $reply = update('demo-auto-all',
        { authentication_code => undef, identifier => undef, pass_code => undef });
    accepted($reply, 'everything generated');
    my $data = $reply->{json}{data};
    like($data->{authentication_code}, $id_form, 'a code');
    is($data->{identifier}, '500001', 'an identifier');
    like($data->{pass_code}, $id_form, 'a pass code');
    ok(opens('500001', $data->{pass_code}), 'which open the access token');
    my $code = $data->{authentication_code};
    changes_nothing(sub {
        violates(update($code, { identifier => undef }), ['/pass_code MANDATORY'],
                 'an identifier is generated with a pass code in the same call only');
    });
    $reply = update($code, { pass_code => undef });
    accepted($reply, 'a pass code alone');
    ok(opens('500001', $reply->{json}{data}{pass_code}), 'belongs to the identifier');
};

subtest 'a generated value that another access token has is generated again' => sub {
    $server->reset_data;
    token_of(undef, authentication_code => $_) for 2001 .. 2004;
    sequence('authentication_code', 2000);
    my $reply = update('demo-auto-number', { authentication_code => undef, udf_string_1 => 'x' });
    accepted($reply, 'four numbers are taken');
    is($reply->{json}{data}{authentication_code}, '2005', 'the fifth is used');
    is($reply->{json}{data}{udf_string_1}, 'x', 'with the other values of the request');
    is(sequence('authentication_code'), 2005, 'the sequence has passed it');

    token_of(undef, identifier => "$_") for 600_001, 600_002;
    sequence('identifier', 600_000);
    $reply = update('demo-auto-all', { identifier => undef, pass_code => undef });
    accepted($reply, 'two identifiers are taken');
    is($reply->{json}{data}{identifier}, '600003', 'the third is used');
    ok(opens('600003', $reply->{json}{data}{pass_code}), 'and opens the access token');

    # Both in one call, and a value that was sent: that one is a duplicate.
    token_of(undef, authentication_code => '3001');
    sequence('authentication_code', 3000);
    sequence('identifier', 600_000);
    my $code = token_with({ authentication_code_creation => 'NUMBER',
        identifier_creation => 'NUMBER' });
    $reply = update($code, { authentication_code => undef, identifier => undef,
                             pass_code => 'x' });
    accepted($reply, 'codes and identifiers are taken');
    is($reply->{json}{data}{authentication_code}, '3002', 'the next code is used');
    is($reply->{json}{data}{identifier}, '600004', 'and the next identifier');
    token_of(undef, authentication_code => '3003');
    changes_nothing(sub {
        is(outcome(update('3002', { authentication_code => undef,
                identifier => 'demo-bcrypt-user', pass_code => 'x' })),
            '409 DUPLICATE_VALUE /identifier DUPLICATE_VALUE', 'a value that was sent is reported');
    });
};

subtest 'a sequence at its end, or negative, gives no code' => sub {
    $server->reset_data;
    my $dbh = $server->dbh;
    my $last = '9223372036854775807';
    my $set = sub { $dbh->do("UPDATE access_token_sequences SET value = $_[0]
                              WHERE name = 'authentication_code'") };
    $set->('9223372036854775806');
    my $reply = update('demo-auto-number', { authentication_code => undef });
    is($reply->{json}{data}{authentication_code}, $last, 'the last number');
    for my $case (['used up'], ['used up again'], ['negative', -5]) {
        my ($name, $value) = @$case;
        if (defined $value) {
            # As in a database from before the schema refused this.
            ok(!eval { $set->($value); 1 }, "$name: the schema refuses it");
            $dbh->do($_) for AccessTokenTest::engine() ne 'sqlite3'
                ? 'ALTER TABLE access_token_sequences DROP CONSTRAINT access_token_sequences_value'
                : ('ALTER TABLE access_token_sequences RENAME TO checked_sequences',
                   'CREATE TABLE access_token_sequences AS SELECT * FROM checked_sequences');
            $set->($value);
        }
        $reply = update($last, { authentication_code => undef });
        is(outcome($reply), '500 INTERNAL_ERROR', "$name: no code") or diag($reply->{content});
        my $id = $reply->{headers}{'x-request-id'};
        ok($server->wait_for_error(qr/(?:raise|next)_number\.sql: .*sequence.*set it to.* \[request \Q$id\E/),
           "$name: the log names the fix");
    }
    is($dbh->selectrow_array(qq(SELECT COUNT(*) FROM access_tokens
        WHERE authentication_code = '$last')), 1, 'nothing has changed');
    if (AccessTokenTest::engine() eq 'sqlite3') {
        $set->(-5);
        $server->graceful;
        ok($server->wait_for_error(qr/AT049: a sequence has the value -5/), 'the start reports it');
        $dbh->do($_) for 'DROP TABLE access_token_sequences',
            'ALTER TABLE checked_sequences RENAME TO access_token_sequences';
    }
    $set->(5000);
    $reply = update($last, { authentication_code => undef });
    is($reply->{json}{data}{authentication_code}, '5001', 'with a valid number it works');
    $dbh->do('ALTER TABLE access_token_sequences
              ADD CONSTRAINT access_token_sequences_value CHECK (value >= 0)')
        if AccessTokenTest::engine() ne 'sqlite3';
    $server->allow_log(qr/AT003: .*_number/, qr/AT049: /);
};

subtest 'many calls at once get different numbers' => sub {
    $server->reset_data;
    my @codes = map { token_with({ authentication_code_creation => 'NUMBER',
                                allow_no_identifier => 1 }) } 1 .. 6;
    my @made = $server->in_parallel(6, sub {
        my $body = { token => 'demo-session-clerk', authentication_code => undef,
            access_token_identifier => { authentication_code => $codes[$_[0]] } };
        my $reply = $server->raw($server->request_text($json->encode($body)));
        return $reply->{json}{data}{authentication_code};
    });
    is(join(' ', sort @made), '1002 1003 1004 1005 1006 1007', 'each has its own free number');
};

# ---- formats and minima

my %format = (
    EMAIL => [['a@example.com', 'first.last+tag@sub.example.org', "o'neil\@example.com",
               'x_y-z@a-b.example', '1@2.example'],
              ['x', '@', 'a@', '@example.com', 'a b@example.com', 'a@@example.com', 'a@b@c.com',
               'a@example..com', 'a@.example.com', 'a@example.com.', 'a@exa mple.com', 'a,b@c.com',
               'a@-example.com', '<a@example.com>', 'a@b;c@d.com', '.a@example.com', 'a.@example.com',
               'a..b@example.com', '.@example.com', 'a.b..c@example.com']],
    PHONE => [['35722000001', '+35722000001', '1', '+1', '0', '0' x 40],
              ['+', '++1', '1+', '+1+', '1 2', '1-2', '(1)2', '1.2', 'x', '+1a', '12x', '１２３',
               '٣', '+٣', '1/2', '#1', '*31#']],
    NUMBER => [['0', '1', '0123', '9' x 60], ['+1', '-1', '1.5', '1e3', '1,000', '1 2', 'x', '0x1',
               '１２', '٣', '½', '²', '1٣']],
    FREE_TEXT => [['x', '1', '+', 'a b', '日本', '🎁', 'a@b', "'"], []],
);

subtest 'formats' => sub {
    $server->reset_data;
    for my $format (sort keys %format) {
        my ($right, $wrong) = @{ $format{$format} };
        for my $field (@credentials) {
            my $other = $field eq 'identifier' ? { pass_code => 'x' } : {};
            # Values must be unique, so each is set at its own access token.
            my $rules = { "${field}_format" => $format };
            my $code = token_with($rules, identifier => "user-$number");
            for my $value (@$right) {
                my $reply = update($code, { $field => $value, %$other });
                accepted($reply, "$format of $field: $value") or next;
                $code = $reply->{json}{data}{authentication_code};
                is($reply->{json}{data}{$field}, $value, 'is stored unchanged')
                    if $field ne 'pass_code';
            }
            changes_nothing(sub {
                violates(update($code, { $field => $_, %$other }), ["/$field INVALID_FORMAT"],
                         "$format of $field is not: $_") for @$wrong;
            });
            accepted(update($code, { authentication_code => "free-$number" }), 'frees the value')
                if $field eq 'authentication_code' && $format eq 'FREE_TEXT';
            $server->dbh->do('UPDATE access_tokens SET authentication_code = ?, '
                . 'identifier = NULL, pass_code = NULL WHERE authentication_code = ?',
                undef, 'done-' . ++$number, $code);
        }
    }
};

# Each setting: the minimum, values that reach it, values that miss it by one, the code.
my %minimum = (
    min_length => [5, ['abcde', '日本語日本', '🎁🎁🎁🎁🎁', 'a b c'],
                   ['abcd', '日本語日', '🎁🎁🎁🎁', 'äöüß'], 'TOO_SHORT'],
    min_letters => [3, ['abc', 'ABC', 'a1b2c3', 'äöü', '日本語', 'ΩжЯ', 'a-b-c', 'ªºñ', 'ا ب ت'],
                    ['ab', '12345', 'ab1', 'ab🎁', 'a-b-1-2', 'ab²', 'ab٣', "ab\x{301}",
                     'ab½', 'ab€', 'ab_', 'ab@'], 'TOO_FEW_LETTERS'],
    min_digits => [3, ['123', 'a1b2c3', '1-2-3', '000'],
                   ['12', 'abc', 'a1b2c', '12٣', '１２３', '12²', '12½', '12Ⅷ'],
                   'TOO_FEW_DIGITS'],
    min_special => [3, ['!?#', 'a-b-c-d', '🎁🎁🎁', '- -', '٣²½', "q\x{301}\x{301}\x{301}", '€_@',
                        'a b c d'],
                    ['!?', 'abc', '123', 'a-b-c', 'äö-ü-', '日本!語?'], 'TOO_FEW_SPECIAL'],
);

subtest 'minima' => sub {
    $server->reset_data;
    for my $setting (sort keys %minimum) {
        my ($least, $right, $wrong, $error) = @{ $minimum{$setting} };
        for my $field (@credentials) {
            my $other = $field eq 'identifier' ? { pass_code => 'x' } : {};
            my $code = token_with({ "${field}_$setting" => $least },
                                  identifier => "user-$number");
            for my $value (@$right) {
                my $reply = update($code, { $field => $value, %$other });
                accepted($reply, "$setting $least of $field: $value") or next;
                $code = $reply->{json}{data}{authentication_code};
            }
            changes_nothing(sub {
                violates(update($code, { $field => $_, %$other }), ["/$field $error"],
                         "$setting $least of $field is not in: $_") for @$wrong;
            });
            $server->dbh->do('UPDATE access_tokens SET authentication_code = ?, '
                . 'identifier = NULL, pass_code = NULL WHERE authentication_code = ?',
                undef, 'done-' . ++$number, $code);
        }
    }
};

subtest 'the minima of each format' => sub {
    $server->reset_data;
    my %all = (min_length => 6, min_letters => 2, min_digits => 2, min_special => 1);
    for my $case (['PHONE', '123456', '12345'], ['PHONE', '+1234567', '+123'],
                  ['NUMBER', '654321', '65432']) {
        my ($format, $right, $short) = @$case;
        for my $field (@credentials) {
            my $other = $field eq 'identifier' ? { pass_code => 'x' } : {};
            my $code = token_with({ "${field}_format" => $format,
                map { ("${field}_$_" => $all{$_}) } keys %all }, identifier => "user-$number");
            changes_nothing(sub {
                violates(update($code, { $field => $short, %$other }), ["/$field TOO_SHORT"],
                         "$format of $field counts the length: $short");
            });
            accepted(update($code, { $field => $right, %$other }), "and nothing else: $right");
            $server->reset_data;
        }
    }
    my $code = token_with({ identifier_format => 'EMAIL', identifier_min_length => 12,
        identifier_min_letters => 8, identifier_min_digits => 2, identifier_min_special => 3 });
    changes_nothing(sub {
        violates(update($code, { identifier => 'a@b.c', pass_code => 'x' }),
            [map { "/identifier $_" } qw(TOO_SHORT TOO_FEW_LETTERS TOO_FEW_DIGITS
                                         TOO_FEW_SPECIAL)], 'all of them for EMAIL');
    });
    accepted(update($code, { identifier => 'ab-12@example.com', pass_code => 'x' }),
             'an address that has all');
};

subtest 'all errors come together' => sub {
    $server->reset_data;
    my @few = qw(TOO_SHORT TOO_FEW_LETTERS TOO_FEW_DIGITS);
    changes_nothing(sub {
        violates(update('demo-strict-1', { map { $_ => '.' } @credentials }),
            [(map { my $field = $_; map { "/$field $_" } @few } @credentials)],
            'of all credentials');
        violates(update('demo-strict-1', { authentication_code => 'a', pass_code => undef,
                                           custom_field_set => { none => 1 } }),
            [(map { "/authentication_code $_" } @few, 'TOO_FEW_SPECIAL'),
             '/pass_code MANDATORY', '/custom_field_set/none UNKNOWN_CUSTOM_FIELD'],
            'minima, what is mandatory, and custom fields');
        violates(update('demo-email', { identifier => 'x', pass_code => 'short' }),
            ['/identifier INVALID_FORMAT', '/identifier TOO_SHORT', '/pass_code TOO_SHORT'],
            'formats and lengths');
        violates(update('demo-phone', { identifier => '1-2', pass_code => 'x' }),
            ['/identifier INVALID_FORMAT', '/identifier TOO_SHORT',
             '/pass_code INVALID_FORMAT', '/pass_code TOO_SHORT'], 'telephone and number');
        violates(update('demo-number', { identifier => '1234567', pass_code => '123' }),
            ['/identifier TOO_SHORT', '/pass_code TOO_SHORT'], 'numbers that are too short');
    });
    accepted(update('demo-strict-1', { authentication_code => 'ab-12345', identifier => 'abcd56',
        pass_code => 'abcdefg-89' }), 'values that just reach the minima');
    ok(opens('abcd56', 'abcdefg-89'), 'and opens');
    accepted(update('demo-email', { identifier => 'a@bcd.efgh', pass_code => '123456' }),
             'of an address');
    accepted(update('demo-phone', { identifier => '+35722000', pass_code => '123456' }),
             'of a telephone');
    accepted(update('demo-number', { identifier => '87654321', pass_code => '1234' }),
             'of a number');
};

subtest 'for generated values formats and minima do not apply' => sub {
    $server->reset_data;
    for my $creation (qw(NUMBER ID)) {
        for my $field (@credentials) {
            my $other = $field eq 'identifier' ? { pass_code => 'x' } : {};
            for my $format (qw(EMAIL PHONE NUMBER FREE_TEXT)) {
                my $code = token_with({ "${field}_creation" => $creation,
                    "${field}_format" => $format,
                    map { ("${field}_min_$_" => 200) } qw(length letters digits special) },
                    identifier => "user-$number");
                accepted(update($code, { $field => "!-$number", %$other }),
                         "$creation of $field, $format: a given value is stored unchanged");
            }
            my $code = token_with({ "${field}_creation" => $creation,
                "${field}_format" => 'EMAIL', "${field}_min_length" => 200 },
                identifier => "user-$number");
            my $before = rows();
            is(outcome(update($code, { $field => ' x', %$other })),
               "422 VALIDATION_FAILED /$field INVALID_FORMAT", 'but not white space around it');
            is(outcome(update($code, { $field => '', %$other })),
               "422 VALIDATION_FAILED /$field MANDATORY", 'nor an empty string');
            ok(rows() eq $before, 'which change nothing');
            accepted(update($code, { $field => undef, %$other }),
                     'generated values are not checked either');
        }
    }
};

# ---- the values that are checked

subtest 'classification before active definition' => sub {
    $server->reset_data;
    my $short = { authentication_code => "x\x{1F381}", udf_string_1 => 'x' };
    my $dbh = $server->dbh;
    $dbh->do("UPDATE access_token_rule_sets SET authentication_code_min_length = 3 "
        . "WHERE id = 'default'");
    $dbh->do("UPDATE access_token_rule_sets SET allow_no_identifier = 1 WHERE id = 'strict'");
    my $free = token_with({ allow_no_identifier => 1 });
    my $plain = token_of(undef);
    changes_nothing(sub {
        violates(update($plain, $short), ['/authentication_code TOO_SHORT'],
                 'without a classification the active definition applies');
    });
    my $reply = update($free, $short);
    accepted($reply, 'with a classification its rules apply, not those of the definition');
    accepted(update($short->{authentication_code}, { authentication_code => $free }), 'back');
    $dbh->do('UPDATE access_token_definitions SET active = NULL');
    $dbh->do("UPDATE access_token_definitions SET active = 1 WHERE id = '2'");
    changes_nothing(sub {
        violates(update($plain, { authentication_code => '.' }),
            [map { "/authentication_code $_" } qw(TOO_SHORT TOO_FEW_LETTERS TOO_FEW_DIGITS)],
            'another definition applies as soon as it is active');
    });
    accepted(update($free, $short), 'but not to a classification');
    $dbh->do("UPDATE access_tokens SET classification_id = 'CC00000000000000000000000000000A' "
        . 'WHERE id = ?', undef, $plain);
    $dbh->do('UPDATE access_token_definitions SET active = NULL');
    $dbh->do("UPDATE access_token_definitions SET active = 1 WHERE id = '1'");
    changes_nothing(sub {
        violates(update($plain, { authentication_code => '.' }),
            [map { "/authentication_code $_" } qw(TOO_SHORT TOO_FEW_LETTERS TOO_FEW_DIGITS)],
            'an access token that gets a classification follows its rules');
    });
};

subtest 'identifier and pass code after the change' => sub {
    $server->reset_data;
    # The row, the request, and whether neither is allowed.
    for my $allow (0, 1) {
        for my $has (0, 1) {
            for my $identifier ('absent', 'null', 'value') {
                for my $pass_code ('absent', 'null', 'value') {
                    my $user = 'user-' . ++$number;
                    my $code = token_with({ allow_no_identifier => $allow },
                        $has ? (identifier => $user) : ());
                    my %sent = (udf_string_1 => 'x');
                    $sent{identifier} = $identifier eq 'null' ? undef : "new-$user"
                        if $identifier ne 'absent';
                    $sent{pass_code} = $pass_code eq 'null' ? undef : 'new-pass'
                        if $pass_code ne 'absent';
                    my $would_have = sub { $_[0] eq 'absent' ? $has : $_[0] eq 'value' };
                    my $will_identifier = $would_have->($identifier) ? 1 : 0;
                    my $will_pass_code = $would_have->($pass_code) ? 1 : 0;
                    my @errors;
                    if ($identifier eq 'value' && $pass_code ne 'value') {
                        @errors = '/pass_code MANDATORY';
                    }
                    elsif ($will_identifier != $will_pass_code) {
                        @errors = ($will_identifier ? '/pass_code' : '/identifier')
                            . ' MANDATORY';
                    }
                    elsif (!$will_identifier && !$allow) {
                        @errors = ('/identifier MANDATORY', '/pass_code MANDATORY');
                    }
                    my $name = "identifier: $identifier, pass code: $pass_code, the row has "
                        . ($has ? 'both' : 'neither') . ($allow ? ', which is allowed' : '');
                    my $before = rows();
                    my $reply = update($code, \%sent);
                    if (@errors) {
                        violates($reply, \@errors, $name);
                        ok(rows() eq $before, 'nothing changes');
                        next;
                    }
                    accepted($reply, $name);
                    my $row = row($code);
                    is($row->{udf_string_1}, 'x', 'the other field of the request is saved');
                    is(defined $row->{identifier} ? 1 : 0, $will_identifier, 'the identifier');
                    is(defined $row->{pass_code} ? 1 : 0, $will_pass_code, 'the pass code');
                    ok(opens($row->{identifier}, $pass_code eq 'value' ? 'new-pass' : 'old-pass'),
                       'both open') if $will_identifier;
                }
            }
        }
    }
};

subtest 'generated identifiers and pass codes after the change' => sub {
    $server->reset_data;
    for my $has (0, 1) {
        for my $case ([{ identifier => 'x', pass_code => undef }, '200 OK'],
                      [{ identifier => undef, pass_code => undef }, '200 OK'],
                      [{ identifier => undef, pass_code => 'y' }, '200 OK'],
                      [{ identifier => undef },
                       '422 VALIDATION_FAILED /pass_code MANDATORY'],
                      [{ identifier => 'x' }, '422 VALIDATION_FAILED /pass_code MANDATORY'],
                      [{ pass_code => undef }, $has ? '200 OK'
                          : '422 VALIDATION_FAILED /identifier MANDATORY'],
                      [{}, $has ? '200 OK' : '422 VALIDATION_FAILED /identifier MANDATORY, '
                          . '/pass_code MANDATORY']) {
            my ($sent, $expected) = @$case;
            my $code = token_with({ identifier_creation => 'ID', pass_code_creation => 'ID' },
                                  $has ? (identifier => 'user-' . ++$number) : ());
            my %sent = %$sent;
            $sent{identifier} .= ++$number if defined $sent{identifier};
            my $before = rows();
            my $reply = update($code, \%sent);
            is(outcome($reply), $expected, quoted($sent) . ' where the row has '
                . ($has ? 'both' : 'neither'));
            ok(rows() eq $before, 'nothing changes') if $expected !~ /^200/;
        }
    }
};

subtest 'the demonstration\'s Card and Member' => sub {
    $server->reset_data;
    accepted(update('demo-card', { identifier => 'c', pass_code => 'card' }), 'Card: both');
    accepted(update('demo-card', { identifier => undef, pass_code => undef }), 'and neither');
    changes_nothing(sub {
        violates(update('demo-member', { identifier => undef, pass_code => undef }),
            ['/identifier MANDATORY', '/pass_code MANDATORY'], 'Member: not without both');
        violates(update('demo-member', { identifier => undef }), ['/identifier MANDATORY'],
                 'nor one of them');
        violates(update('demo-member', { pass_code => undef }), ['/pass_code MANDATORY'],
                 'nor the other');
        violates(update('demo-member', { pass_code => '123' }), ['/pass_code TOO_SHORT'],
                 'nor a pass code that is too short');
    });
    accepted(update('demo-member', { pass_code => '1234' }), 'but another pass code');
    accepted(update('demo-member', { identifier => 'm', pass_code => '1234' }),
             'and another identifier with it');
};

subtest 'old data that breaks the current rules stays usable' => sub {
    $server->reset_data;
    my %strict = map { my $field = $_; map { ("${field}_min_$_" => 50) }
        qw(length letters digits special) } @credentials;
    my $code = token_with({ %strict, map { ("${_}_format" => 'EMAIL') } @credentials },
                          identifier => 'old-user');
    my $reply = update($code, { udf_string_1 => 'x', custom_field_set => { points => 1 } });
    accepted($reply, 'fields that are not sent are not checked again');
    is($reply->{json}{data}{identifier}, 'old-user', 'and stay');
    accepted($server->post({ token => 'demo-session-clerk', access_token_identifier =>
        { identifier => 'old-user', pass_code => 'old-pass' } }), 'and open');
    changes_nothing(sub {
        like(outcome(update($code, { authentication_code => $code })),
             qr{^422 VALIDATION_FAILED /authentication_code }, 'the same value, if sent, is checked');
    });
};

subtest 'an empty string in the row is not a credential' => sub {
    $server->reset_data;
    my $code = token_with({}, identifier => '', pass_code => $old_hash);
    changes_nothing(sub {
        violates(update($code, { udf_string_1 => 'x' }), ['/identifier MANDATORY'],
                 'an empty identifier');
    });
    $code = token_with({}, identifier => 'no-pass', pass_code => '');
    changes_nothing(sub {
        violates(update($code, { udf_string_1 => 'x' }), ['/pass_code MANDATORY'],
                 'an empty pass code');
        is(outcome($server->post({ token => 'demo-session-clerk', access_token_identifier =>
               { identifier => 'no-pass', pass_code => '' } })),
           '404 ACCESS_TOKEN_NOT_FOUND', 'and opens nothing');
    });
};

$server->finish;
done_testing;
