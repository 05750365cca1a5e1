# The update itself: the documented example, the three states of a field, the valid values
# of each parameter, the caller, and the reply.
use strict;
use warnings;
use utf8;

use JSON::PP ();
use POSIX ();
use Test::More;

use AccessTokenTest;

binmode $_, ':encoding(UTF-8)'
    for map { Test::More->builder->$_ } qw(output failure_output todo_output);

my $has_server = AccessTokenTest::engine() ne 'sqlite3';
my $admin = 'A4F19B70D95D4DE09C3A9FC720A33A49';
my $json = JSON::PP->new->utf8->canonical->allow_nonref;

my @strings = map { "udf_string_$_" } 1 .. 8;
my @floats = map { "udf_float_$_" } 1 .. 4;
my @dates = map { "udf_date_$_" } 1 .. 4;
my @credentials = qw(authentication_code identifier pass_code);
my @columns = (qw(id number version life_cycle_state), @credentials, qw(
    classification_id accounts_receivable_id reward_participant_id
    card_masked_number custom_field_set verified_date verification_code
    created_date created_by_user_id created_by_unit_id
    updated_date updated_by_user_id updated_by_unit_id), @strings, @floats,
    @dates);

my $server = AccessTokenTest->start(location_conf => <<'END', conf => <<'END');
    AccessTokenPassCodeScheme bcrypt 4
END
<Location "/sha512">
    SetHandler access-token-update
    AccessTokenPassCodeScheme sha512crypt
</Location>
END

# ---- helpers

# Rows, read by another client; floats as text, since a driver may round them.
sub rows {
    my $dbh = $server->dbh;
    my $select = join ', ', map { /float/ ? "CAST($_ AS CHAR) AS $_" : $_ }
        @columns;
    my $rows = $dbh->selectall_hashref("SELECT $select FROM access_tokens",
                                       'id');
    return $rows if !$has_server;
    for my $row (values %$rows) {
        defined && utf8::decode($_) for @$row{qw(authentication_code identifier)};
        defined && s/ /T/ for @$row{ grep { /date/ } @columns };
    }
    return $rows;
}

sub row { rows()->{ $_[0] } }

# D with the last digits of an id, as in the rows of the demonstration.
sub demo_id { sprintf 'D%031s', $_[0] }

# The columns in which two rows differ.
sub changed {
    my ($before, $after) = @_;
    return join ' ', grep {
        my ($old, $new) = map { $_ // "\0NULL" } $before->{$_}, $after->{$_};
        $old ne $new;
    } sort @columns;
}

# The columns that every successful call changes.
sub but_the_log {
    return join ' ', grep { !/^updated_|^version$/ } split / /, $_[0];
}

sub unchanged {
    my ($before, $name) = @_;
    is($json->encode(rows()), $json->encode($before), $name);
    return;
}

# update(CODE, \%parameters): calls the method for the access token with that code.
sub update {
    my ($code, $parameters, $headers) = @_;
    return $server->post({
        token => $admin,
        access_token_identifier => { authentication_code => $code },
        %{ $parameters // {} } }, $headers);
}

# The same, with parameters as JSON text.
sub update_text {
    my ($code, $parameters) = @_;
    my $text = $json->encode({ token => $admin,
        access_token_identifier => { authentication_code => $code } });
    utf8::encode($parameters);
    $text =~ s/\}\z/,$parameters}/;
    return $server->post($text);
}

# A reply in one line: "422 VALIDATION_FAILED /udf_date_1 INVALID_FORMAT, …".
*outcome = \&AccessTokenTest::outcome;

sub refused { is(outcome($_[0]), $_[1], $_[2]) }

sub accepted {
    my ($reply, $name) = @_;
    return is(outcome($reply), '200 OK', $name);
}

sub violation { "422 VALIDATION_FAILED " . join ', ', sort @_ }

sub version_of { ($_[0]{headers}{etag} // '') =~ /-(\d+)"\z/ ? $1 : undef }

sub now { POSIX::strftime('%Y-%m-%dT%H:%M:%S', gmtime) }

sub file {
    my ($name) = @_;
    my $path = AccessTokenTest::srcdir() . "/t/data/$name";
    open my $file, '<:raw', $path or die "$path: $!\n";
    return do { local $/; <$file> };
}

# ---- the documented example

my $example_id = 'CDC003FAB1204830ACED364BA77EC18D';

subtest 'the example gives the documented reply' => sub {
    my $before = rows();
    my $from = now();
    my $reply = $server->post(file('example-request.json'));
    my $until = now();
    accepted($reply, 'the call succeeds') or return;
    my $expected = $json->decode(file('example-response.json'));
    my $log = $reply->{json}{data}{log_information};
    ok($log->{updated_date} ge $from && $log->{updated_date} le $until,
       'updated_date is the time of the call, in UTC');
    is($log->{created_date}, $before->{$example_id}{created_date},
       'created_date is that of the row');
    my $updated_date = $log->{updated_date};
    $_->{updated_date} = $_->{created_date} = 'a date'
        for $log, $expected->{data}{log_information};
    is_deeply($reply->{json}, $expected, 'all members are as documented');
    is($json->encode($reply->{json}), $json->encode($expected),
       'and of the same types');
    is($reply->{headers}{'content-type'}, 'application/json; charset=utf-8',
       'the reply is JSON');
    is($reply->{headers}{etag}, qq("$example_id-2"), 'the ETag has the second version');

    my $after = rows();
    my $row = delete $after->{$example_id};
    my $old = delete $before->{$example_id};
    is(changed($old, $row), 'authentication_code identifier pass_code '
        . 'updated_by_user_id updated_date version',
        'another client sees the sent fields changed, and no others');
    is($row->{authentication_code}, 'testpassnew1', 'the row has the new code');
    is($row->{identifier}, 'api1test12up', 'and the new identifier');
    like($row->{pass_code}, qr/^\$2y\$04\$/, 'and a hash of the pass code');
    is(crypt('api11112', $row->{pass_code}), $row->{pass_code},
       'the hash fits the pass code');
    is($row->{version}, $old->{version} + 1, 'and the next version');
    is($row->{updated_by_user_id}, '1', 'and the caller');
    is($row->{updated_date}, $updated_date, 'and the replied time');
    is_deeply($after, $before, 'no other row changes');

    refused($server->post(file('example-request.json')),
            '404 ACCESS_TOKEN_NOT_FOUND', 'the old code no longer works');
    my $key = { identifier => 'api1test12up', pass_code => 'api11112' };
    accepted($server->post({ token => $admin, access_token_identifier => $key }),
             'identifier and pass code open the access token now');
    $key->{pass_code} = 'api11113';
    refused($server->post({ token => $admin, access_token_identifier => $key }),
            '404 ACCESS_TOKEN_NOT_FOUND', 'with that pass code only');
};

# ---- absent, null and a value

my %sample = (
    (map { $strings[$_] => "new $_: naïve, Ωmega, 漢字, 👩‍🚀, \\ \" ' % ? \t\n\x{1}" }
        0 .. 7),
    (map { $floats[$_] => 1.5 + $_ } 0 .. 3),
    (map { $dates[$_] => "202$_-02-0" . ($_ + 1) . "T01:02:0$_" } 0 .. 3),
    card_masked_number => '5500 **** **** 0004',
);

subtest 'for every field, absent, null and a value differ' => sub {
    $server->reset_data;
    my $id = demo_id(31);
    for my $field (sort keys %sample) {
        my $before = row($id);
        my $reply = update('demo-udf', { $field => $sample{$field} });
        accepted($reply, "$field accepts a value") or next;
        my $after = row($id);
        is(but_the_log(changed($before, $after)), $field,
           "no field but $field changes by that");
        is($reply->{json}{data}{$field}, $sample{$field}, "$field is in the reply");
        if ($field =~ /float/) {
            cmp_ok($after->{$field}, '==', $sample{$field}, "$field is in the row");
        }
        else {
            is($after->{$field}, $sample{$field}, "$field is in the row");
        }
        $reply = update('demo-udf', { $field => undef });
        accepted($reply, "$field accepts null") or next;
        my $emptied = row($id);
        is(but_the_log(changed($after, $emptied)), $field,
           "no field but $field changes by null");
        is($emptied->{$field}, undef, "null clears $field");
        ok(!exists $reply->{json}{data}{$field}, "an empty $field is not replied");
        $reply = update('demo-udf', { $field => undef });
        accepted($reply, "$field accepts null again");
    }
    my @all = sort keys %sample;
    my $reply = update('demo-udf', \%sample);
    accepted($reply, 'all fields accept values in one call');
    is_deeply({ map { $_ => $reply->{json}{data}{$_} } @all }, \%sample,
              'and all are in the reply');
    my $before = row($id);
    $reply = update('demo-udf');
    accepted($reply, 'a call that changes nothing succeeds');
    is(but_the_log(changed($before, row($id))), '', 'and leaves all fields');
    is_deeply({ map { $_ => $reply->{json}{data}{$_} } @all }, \%sample,
              'and replies what is stored');
    $reply = update('demo-udf', { map { $_ => undef } @all });
    accepted($reply, 'all fields accept null in one call');
    is_deeply([grep { defined } @{ row($id) }{@all}], [], 'and all are empty');
    is_deeply([grep { exists $reply->{json}{data}{$_} } @all], [],
              'and none is in the reply');
};

subtest 'absent, null and a value of the credentials' => sub {
    $server->reset_data;
    my $id = demo_id(40);
    my $before = row($id);
    accepted(update('demo-bcrypt', { authentication_code => 'neuer Code ✓' }),
             'a new authentication code');
    my $after = row($id);
    is(but_the_log(changed($before, $after)), 'authentication_code',
       'leaves identifier and pass code');
    is($after->{authentication_code}, 'neuer Code ✓', 'and is stored byte for byte');
    $before = $after;
    accepted(update('neuer Code ✓', { pass_code => 'secret-2' }),
             'a new pass code alone, for the existing identifier');
    $after = row($id);
    is(but_the_log(changed($before, $after)), 'pass_code', 'leaves the identifier');
    is(crypt('secret-2', $after->{pass_code}), $after->{pass_code}, 'and is stored');
    $before = $after;
    my $reply = update('neuer Code ✓', { identifier => undef, pass_code => undef });
    accepted($reply, 'both null if the rules allow it');
    $after = row($id);
    is(but_the_log(changed($before, $after)), 'identifier pass_code', 'clears both');
    is_deeply([@$after{qw(identifier pass_code)}], [undef, undef], 'in the row');
    ok(exists $reply->{json}{data}{identifier}
       && !defined $reply->{json}{data}{identifier},
       'identifier is replied as null');
    $reply = update('neuer Code ✓', { identifier => 'Zoë', pass_code => 'παράδειγμα' });
    accepted($reply, 'both with values');
    is($reply->{json}{data}{identifier}, 'Zoë', 'identifier is replied');
    unlike($reply->{content}, qr/pass_code/, 'the pass code is not');
    accepted($server->post({ token => $admin, access_token_identifier =>
                 { identifier => 'Zoë', pass_code => 'παράδειγμα' } }),
             'and both open the access token');
    $before = rows();
    for my $case ([{ authentication_code => undef }, '/authentication_code MANDATORY'],
                  [{ identifier => 'other' }, '/pass_code MANDATORY'],
                  [{ identifier => 'other', pass_code => undef }, '/pass_code MANDATORY'],
                  [{ identifier => undef }, '/identifier MANDATORY'],
                  [{ pass_code => undef }, '/pass_code MANDATORY']) {
        my ($parameters, @errors) = @$case;
        refused(update('neuer Code ✓', $parameters), violation(@errors),
                $json->encode($parameters) . ' is refused');
    }
    unchanged($before, 'and changes nothing');
};

# ---- valid values of each parameter

# Each case: JSON text of parameters, and the expected entries.
sub refused_parameters {
    my (@cases) = @_;
    $server->reset_data;
    my $before = rows();
    for my $case (@cases) {
        my ($parameters, @errors) = @$case;
        my $reply = update_text('demo-udf', $parameters);
        my $name = length $parameters > 60 ? substr($parameters, 0, 60) . '…'
                                           : $parameters;
        $name =~ s/([^\x21-\x7e ])/sprintf '<U+%04X>', ord $1/ge;
        refused($reply, violation(@errors), "$name is refused");
        ok(!exists $reply->{json}{data}, 'without data');
    }
    unchanged($before, 'nothing changes by any of them');
    return;
}

subtest 'values of a wrong type' => sub {
    my %wrong = (
        string => ['1', '1.5', 'true', 'false', '[]', '["a"]', '{}'],
        number => ['"1"', '""', 'true', '[]', '[1]', '{}'],
        set => ['"nickname"', '1', 'true', 'null'],
        names => ['1', 'true', '{}', 'null'],
    );
    my %type = (
        (map { $_ => 'string' } @credentials, @strings, @dates, 'card_masked_number'),
        (map { $_ => 'number' } @floats),
        custom_field_set => 'set', fields_set => 'names',
    );
    refused_parameters(map {
        my $name = $_;
        map { [qq("$name":$_), "/$name INVALID_TYPE"] } @{ $wrong{ $type{$name} } };
    } sort keys %type);
    my $before = rows();
    for my $value ('1', 'true', 'null', '[]', '{}') {
        refused($server->post(qq({"token":$value,"access_token_identifier":)
                . '{"authentication_code":"demo-udf"}}'),
            violation('/token INVALID_TYPE'), "a token of $value is refused");
    }
    unchanged($before, 'which changes nothing');
};

subtest 'limits of length' => sub {
    my ($e_acute, $emoji) = ('é', '🎁');
    $server->reset_data;
    my $string = sub { my ($field, $value) = @_; $json->decode(
        $json->encode({ $field => $value })) };
    for my $character ('x', $e_acute, $emoji) {
        my $name = sprintf 'U+%04X', ord $character;
        for my $field (@strings, 'card_masked_number') {
            my $most = $field eq 'card_masked_number' ? 32 : 255;
            my $reply = update('demo-udf', { $field => $character x $most });
            accepted($reply, "$field accepts $most times $name");
            is($reply->{json}{data}{$field}, $character x $most, 'and replies them');
            is(row(demo_id(31))->{$field}, $character x $most, 'and stores them');
            my $before = rows();
            refused(update('demo-udf', { $field => $character x ($most + 1) }),
                violation("/$field TOO_LONG"), 'and refuses one more');
            unchanged($before, 'and changes nothing then');
        }
        my $code = $character x 255;
        my $reply = update('demo-udf', { authentication_code => $code,
            identifier => $code, pass_code => 'secret' });
        accepted($reply, "codes and identifiers accept 255 times $name");
        is($reply->{json}{data}{$_}, $code, "$_ is replied")
            for qw(authentication_code identifier);
        is(row(demo_id(31))->{$_}, $code, "$_ is stored")
            for qw(authentication_code identifier);
        accepted($server->post({ token => $admin, access_token_identifier =>
            { identifier => $code, pass_code => 'secret' } }), 'and identify it');
        my $before = rows();
        refused(update($code, { authentication_code => "$code$character",
                identifier => "$code$character", pass_code => 'secret' }),
            violation('/authentication_code TOO_LONG', '/identifier TOO_LONG'),
            'one character more is refused');
        refused(update("$code$character"),
            violation('/access_token_identifier/authentication_code TOO_LONG'),
            'and in the key');
        refused($server->post({ token => $admin, access_token_identifier =>
                { identifier => "$code$character", pass_code => 'secret' } }),
            violation('/access_token_identifier/identifier TOO_LONG'),
            'and in the key with a pass code');
        unchanged($before, 'and changes nothing');
        update($code, { authentication_code => 'demo-udf' });
    }
};

subtest 'invisible characters in codes and identifiers' => sub {
    # RFC 8264, 9.13; and the joiners where RFC 5892, A.1 and A.2, do not allow them.
    my @hidden = map { chr } 0xad, 0x34f, 0x61c, 0x115f, 0x17b4, 0x180b, 0x200b .. 0x200f,
        0x202a .. 0x202e, 0x2060 .. 0x2064, 0x2066 .. 0x2069, 0x3164, 0xfdd0, 0xfe0f, 0xfeff, 0xffa0,
        0xfff9, 0xfffe, 0x1d173, 0xe0001, 0xe0100, 0x10ffff;
    $server->reset_data;
    my $before = rows();
    for my $value (map { ($_, "a$_", "${_}b", "a${_}b") } @hidden) {
        my $name = join ' ', map { sprintf 'U+%04X', ord } split //, $value;
        for my $field (qw(authentication_code identifier)) {
            refused(update('demo-udf', { $field => $value }), violation("/$field INVALID_FORMAT"),
                    "$name is not allowed in $field");
            refused($server->post({ token => $admin, access_token_identifier => { $field => $value,
                        $field eq 'identifier' ? (pass_code => 'x') : () } }),
                    violation("/access_token_identifier/$field INVALID_FORMAT"), 'and not in a key');
        }
    }
    unchanged($before, 'nothing changes by any of them');
    # Persian: a non-joiner between letters that would join. Devanagari: after a virama.
    for my $value ("\x{645}\x{6cc}\x{200c}\x{62e}", "\x{915}\x{94d}\x{200c}\x{937}",
                   "\x{915}\x{94d}\x{200d}\x{937}", 'Ünï çødé', "\x{1f468}\x{1f3fd}") {
        accepted(update('demo-udf', { identifier => $value, pass_code => 'opens-1' }), 'visible joiners are allowed');
        accepted($server->post({ token => $admin, access_token_identifier =>
            { identifier => $value, pass_code => 'opens-1' } }), 'and identify the access token');
    }
    my $free = join '', @hidden;
    my $reply = update('demo-udf', { udf_string_1 => $free });
    is($reply->{json}{data}{udf_string_1}, $free, 'other strings may have any character');
};

subtest 'limits of pass codes' => sub {
    $server->reset_data;
    my $key = sub {
        my ($pass_code) = @_;
        return $server->post({ token => $admin, access_token_identifier =>
            { identifier => 'demo-bcrypt-user', pass_code => $pass_code } });
    };
    for my $case (['72 letters', 'x' x 72, 'x' x 71 . 'y'],
                  ['36 characters of 2 bytes', 'é' x 36, 'é' x 35 . 'è'],
                  ['18 characters of 4 bytes', '🎁' x 18, '🎁' x 17 . '🎀']) {
        my ($name, $longest, $other) = @$case;
        accepted(update('demo-bcrypt', { pass_code => $longest }),
                 "bcrypt accepts $name");
        accepted($key->($longest), 'they open the access token');
        refused($key->($other), '404 ACCESS_TOKEN_NOT_FOUND',
                'another last character does not');
        my $before = rows();
        refused(update('demo-bcrypt', { pass_code => "${longest}x" }),
                violation('/pass_code TOO_LONG'), 'one byte more is refused');
        unchanged($before, 'and changes nothing');
    }
    refused($key->('x' x 512), '404 ACCESS_TOKEN_NOT_FOUND',
            'a pass code of 512 bytes is verified');
    refused($key->('é' x 256), '404 ACCESS_TOKEN_NOT_FOUND',
            'and so is one of 256 characters of 2 bytes');
    my $too_long = violation('/access_token_identifier/pass_code TOO_LONG');
    refused($key->('x' x 513), $too_long, 'one of 513 bytes is refused');
    refused($key->('é' x 256 . 'x'), $too_long, 'bytes count, not characters');
    refused($key->(" leading\x{1}"), '404 ACCESS_TOKEN_NOT_FOUND',
            'a pass code that cannot be set is only verified');
};

subtest 'the limit of a pass code is that of the scheme' => sub {
    $server->reset_data;
    my $long = '🎁' x 50;
    my $set = sub { $server->post({ token => $admin, pass_code => $_[0],
        access_token_identifier => { authentication_code => 'demo-bcrypt' } }, undef, '/sha512') };
    accepted($set->($long), 'sha512crypt accepts more than bcrypt');
    like(row(demo_id(40))->{pass_code}, qr/^\$6\$/, 'and hashes it');
    my $key = sub { $server->post({ token => $admin, access_token_identifier =>
        { identifier => 'demo-bcrypt-user', pass_code => $_[0] } }) };
    accepted($key->($long), 'it also opens on a path where new ones use bcrypt');
    refused($key->('🎁' x 49 . '🎀'), '404 ACCESS_TOKEN_NOT_FOUND', 'all of it counts');
    my $before = rows();
    refused($set->('x' x 513), violation('/pass_code TOO_LONG'),
            'more bytes than can be verified are refused');
    unchanged($before, 'and changes nothing');
};

subtest 'empty strings' => sub {
    refused_parameters(
        (map { [qq("$_":""), "/$_ MANDATORY"] } qw(authentication_code pass_code)),
        ['"identifier":"","pass_code":"secret"', '/identifier MANDATORY'],
        ['"identifier":"x","pass_code":""', '/pass_code MANDATORY'],
        (map { [qq("$_":""), "/$_ INVALID_FORMAT"] } @dates),
    );
    for my $field (@strings, 'card_masked_number') {
        my $reply = update('demo-udf', { $field => '' });
        accepted($reply, "$field accepts an empty string");
        is($reply->{json}{data}{$field}, '', 'and replies it');
        is(row(demo_id(31))->{$field}, '', 'and stores it: it is not null');
    }
};

subtest 'control characters and outer white space in credentials' => sub {
    my @control = map { chr } 0x01, 0x08, 0x0a, 0x1b, 0x1f, 0x7f, 0x80, 0x9f;
    my @space = (' ', map { chr } 0xa0, 0x1680, 0x2003, 0x2028, 0x202f, 0x3000);
    # Some characters are both.
    my @both = map { chr } 0x09, 0x0d, 0x85;
    my @wrong = ((map { "a${_}b" } @control, @both),
                 (map { ("${_}ab", "ab$_") } @space));
    $server->reset_data;
    my $before = rows();
    for my $value (@wrong) {
        my $name = join ' ', map { sprintf 'U+%04X', ord } split //, $value;
        refused(update('demo-udf', { map { $_ => $value } @credentials }),
            violation(map { "/$_ INVALID_FORMAT" } @credentials),
            "$name is refused in codes, identifiers and pass codes");
        refused(update($value),
            violation('/access_token_identifier/authentication_code INVALID_FORMAT'),
            'and in the key as a code');
        refused($server->post({ token => $admin, access_token_identifier =>
                { identifier => $value, pass_code => 'x' } }),
            violation('/access_token_identifier/identifier INVALID_FORMAT'),
            'and in the key as an identifier');
    }
    for my $value (map { ("${_}a", "a$_") } @both) {
        my $reply = update('demo-udf', { authentication_code => $value });
        like(outcome($reply), qr{^422 VALIDATION_FAILED /authentication_code INVALID_FORMAT},
             sprintf 'U+%04X U+%04X is refused', map { ord } split //, $value);
    }
    unchanged($before, 'nothing changes by any of them');
    my $inner = "a b\x{a0}c\x{3000}d";
    accepted(update('demo-udf', { map { $_ => $inner } @credentials }),
             'white space inside is allowed');
    accepted($server->post({ token => $admin, access_token_identifier =>
        { identifier => $inner, pass_code => $inner } }), 'and identifies the access token');
    my $free = " \t\x{1}free\x{7f}\x{85}\n\x{3000}";
    my $reply = update($inner, { udf_string_1 => $free });
    is($reply->{json}{data}{udf_string_1}, $free, 'other text may have any character');
    is(row(demo_id(31))->{udf_string_1}, $free, 'and is stored unchanged');
};

# ---- numbers

# The shortest text of a double: the fewest digits that give the same double; of these the
# nearest; in the layout of ECMAScript, without the + of an exponent.
sub shortest {
    my ($value) = @_;
    return '0' if $value == 0;
    my $sign = $value < 0 ? '-' : '';
    $value = abs $value;
    my ($digits, $exponent);
    for my $count (1 .. 17) {
        my ($mantissa, $power) = sprintf('%.*e', $count - 1, $value) =~
            /^([\d.]+)e([-+]\d+)/;
        $mantissa =~ s/\.//;
        # At a power of two, the nearest text may give another double, and a text next to
        # it the same one.
        ($digits) = grep {
            (POSIX::strtod(sprintf '%se%d', $_, $power - ($count - 1)))[0] == $value
        } $mantissa, $mantissa + 1;
        if (defined $digits) {
            $exponent = $power + length($digits) - $count;
            last;
        }
    }
    $digits =~ s/0+\z//;
    my $count = length $digits;
    my $point = $exponent + 1;
    return $sign . $digits . '0' x ($point - $count)
        if $count <= $point && $point <= 21;
    return $sign . substr($digits, 0, $point) . '.' . substr $digits, $point
        if 0 < $point && $point <= 21;
    return "${sign}0." . '0' x -$point . $digits if -6 < $point && $point <= 0;
    $digits =~ s/^(.)(.+)/$1.$2/;
    return "$sign${digits}e$exponent";
}

sub float_texts {
    my ($reply) = @_;
    my %text = $reply->{content} =~ /"(udf_float_\d)":([^,}\s]+)/g;
    return [@text{@floats}];
}

subtest 'numbers come back as the shortest text of the same double' => sub {
    # What is sent, and the expected text if that differs.
    my @numbers = map { ref() ? $_ : [$_, $_] } (
        '0.1', '5e-324', '1.7976931348623157e308', '-1.3701135617873088e-206',
        ['-0', '0'], ['-0.0', '0'], ['0e99', '0'], ['1e-400', '0'],
        ['-1e-400', '0'], ['1E2', '100'], ['1e+2', '100'], ['1.50', '1.5'],
        '100000000000000000000', ['1e20', '100000000000000000000'],
        '1e21', ['1000000000000000000000', '1e21'], ['123e19', '1.23e21'],
        '0.000001', ['1e-6', '0.000001'], ['0.0000001', '1e-7'], '-1.5e-7',
        '0.30000000000000004', '123456789.125', '-2.5', '1e23',
        ['9007199254740993', '9007199254740992'], '2.2250738585072014e-308',
        ['2.2250738585072011e-308', '2.225073858507201e-308'],
        ['1.7976931348623158e308', '1.7976931348623157e308'],
        ['0.1000000000000000055511151231257827', '0.1'],
        # Powers of two: the neighbours below are nearer than those above.
        ['5.684341886080801486968994140625e-14', '5.684341886080802e-14'],
        ['7.1202363472230444e-307', '7.120236347223045e-307'],
    );
    my $seed = $ENV{AT_SEED} || 20150527;
    srand $seed;
    note "seed $seed";
    while (@numbers < 52) {
        my $value = unpack 'd', pack 'L2', map { int rand 2**32 } 1, 2;
        next if $value != $value || abs $value == 9**9**9;
        push @numbers, [sprintf('%.17g', $value), shortest($value)];
    }
    is($$_[1], shortest((POSIX::strtod($$_[0]))[0]), "this test writes $$_[1]")
        for @numbers;
    $server->reset_data;
    my $calls = 0;
    while (my @four = splice @numbers, 0, 4) {
        my @sent = map { $$_[0] } @four;
        my @expected = map { $$_[1] } @four;
        my $reply = update_text('demo-udf', join ',',
            map { qq("$floats[$_]":$sent[$_]) } 0 .. 3);
        accepted($reply, "@sent are accepted");
        is_deeply(float_texts($reply), \@expected, "@expected come back");
        my $row = row(demo_id(31));
        my @stored = map { (POSIX::strtod($_))[0] } @$row{@floats};
        is_deeply([grep { $stored[$_] != (POSIX::strtod($expected[$_]))[0] } 0 .. 3],
                  [], 'and are the same doubles in the row');
        for my $round (1 .. 3) {
            $reply = update('demo-udf', { udf_string_1 => 'call ' . ++$calls });
            is_deeply(float_texts($reply), \@expected,
                      "and come back the same in later call $round");
        }
        is(but_the_log(changed($row, row(demo_id(31)))), 'udf_string_1',
           'and stay the same in the row');
    }
};

subtest 'numbers that are not finite doubles' => sub {
    refused_parameters(map { [qq("udf_float_3":$_), '/udf_float_3 OUT_OF_RANGE'] }
        qw(1e400 -1e400 1.7976931348623159e308 1e999999999999), '9' x 400);
};

# ---- dates

subtest 'dates that exist' => sub {
    $server->reset_data;
    for my $date (qw(2024-02-29 2000-02-29 2023-12-31 1000-01-01 9999-12-31
                     1999-04-30 2024-02-29T00:00:00 9999-12-31T23:59:59
                     2024-06-30T23:59:59 1000-01-01T00:00:01)) {
        my $expected = $date =~ /T/ ? $date : "${date}T00:00:00";
        my $reply = update('demo-udf', { map { $_ => $date } @dates });
        accepted($reply, "$date is accepted");
        is_deeply([@{ $reply->{json}{data} }{@dates}], [($expected) x 4],
                  "and replied as $expected");
        is_deeply([@{ row(demo_id(31)) }{@dates}], [($expected) x 4], 'and stored');
    }
};

subtest 'dates that do not exist, or have another format' => sub {
    refused_parameters(map { [qq("udf_date_2":"$_"), '/udf_date_2 INVALID_FORMAT'] }
        qw(2023-02-29 1900-02-29 2100-02-29 2024-02-30 2024-04-31 2024-00-10
           2024-13-01 2024-01-00 2024-01-32 0999-12-31 0000-01-01 10000-01-01
           2024-01-01T24:00:00 2024-01-01T23:60:00 2024-01-01T23:59:60
           2024-01-01T23:59 2024-01-01T 2024-01-01T1:02:03 2024-01-01t00:00:00
           2024-01-01T00:00:00Z 2024-01-01T00:00:00+00:00 2024-01-01Z
           2024-01-01T00:00:00.5 2024-1-1 24-01-01 20240101 +2024-01-01
           -2024-01-01 2024/01/01 2024-01 2024-W01-1 now ２０２４-01-01),
        '2024-01-01 00:00:00', ' 2024-01-01', '2024-01-01 ', '2024-01-01\n',
        '2024-01-01T00:00:00 ', '2024-01-01T 0:00:00', '2024- 1-01');
};

# ---- all violations at once; unknown parameters

subtest 'all violations are reported together' => sub {
    refused_parameters(
        [join(',', '"identifier":" x"', '"pass_code":"' . 'x' x 73 . '"',
              '"authentication_code":""', '"udf_string_1":1',
              '"udf_string_8":"' . 'x' x 256 . '"', '"udf_float_1":"1"',
              '"udf_float_2":1e999', '"udf_date_1":"2023-02-29"',
              '"card_masked_number":"' . '*' x 33 . '"', '"custom_field_set":7',
              '"fields_set":"id,nonsense"', '"no/such~one":1', '"udf_string_9":"x"'),
         '/identifier INVALID_FORMAT', '/pass_code TOO_LONG',
         '/authentication_code MANDATORY', '/udf_string_1 INVALID_TYPE',
         '/udf_string_8 TOO_LONG', '/udf_float_1 INVALID_TYPE',
         '/udf_float_2 OUT_OF_RANGE', '/udf_date_1 INVALID_FORMAT',
         '/card_masked_number TOO_LONG', '/custom_field_set INVALID_TYPE',
         '/fields_set UNKNOWN_FIELD', '/no~1such~0one UNKNOWN_PARAMETER',
         '/udf_string_9 UNKNOWN_PARAMETER'],
        ['"udf_sting_1":"x"', '/udf_sting_1 UNKNOWN_PARAMETER'],
        ['"UDF_STRING_1":"x"', '/UDF_STRING_1 UNKNOWN_PARAMETER'],
        ['"life_cycle_state":"EFFECTIVE"', '/life_cycle_state UNKNOWN_PARAMETER'],
        ['"id":"x","number":"1","classification":{}', '/id UNKNOWN_PARAMETER',
         '/number UNKNOWN_PARAMETER', '/classification UNKNOWN_PARAMETER'],
        ['"":1', '/ UNKNOWN_PARAMETER'],
        ['"Ύψος":1', '/Ύψος UNKNOWN_PARAMETER'],
    );
    my $reply = update('demo-udf', { udf_float_1 => 'secret-value', udf_date_1 => 'x' });
    my $status = $reply->{json}{status};
    ok(length $status->{message} && length $status->{description},
       'an error has a message and a description');
    is_deeply([grep { !length($_->{message} // '') } @{ $reply->{json}{errors} }], [],
              'each entry has a message');
    unlike($reply->{content}, qr/secret-value/, 'and none repeats the value');
};

# ---- which access token

subtest 'access_token_identifier names exactly one' => sub {
    $server->reset_data;
    my $before = rows();
    my $key = '/access_token_identifier';
    my $call = sub { $server->post(qq({"token":"$admin"$_[0]})) };
    for my $case (
        ['', "$key MANDATORY"],
        [',"access_token_identifier":null', "$key INVALID_TYPE"],
        [',"access_token_identifier":"demo-card"', "$key INVALID_TYPE"],
        [',"access_token_identifier":["demo-card"]', "$key INVALID_TYPE"],
        [',"access_token_identifier":1', "$key INVALID_TYPE"],
        [',"access_token_identifier":true', "$key INVALID_TYPE"],
        [',"access_token_identifier":{}', "$key EXACTLY_ONE_OF"],
        [',"access_token_identifier":{"authentication_code":"demo-bcrypt",'
         . '"identifier":"demo-bcrypt-user","pass_code":"demo-pass-1"}',
         "$key EXACTLY_ONE_OF"],
        [',"access_token_identifier":{"identifier":"demo-bcrypt-user"}',
         "$key/pass_code MANDATORY"],
        [',"access_token_identifier":{"authentication_code":"demo-bcrypt",'
         . '"pass_code":"demo-pass-1"}', "$key/pass_code EXACTLY_ONE_OF"],
        [',"access_token_identifier":{"authentication_code":null}',
         "$key/authentication_code INVALID_TYPE"],
        [',"access_token_identifier":{"authentication_code":7}',
         "$key/authentication_code INVALID_TYPE"],
        [',"access_token_identifier":{"identifier":null,"pass_code":null}',
         "$key/identifier INVALID_TYPE", "$key/pass_code INVALID_TYPE"],
        [',"access_token_identifier":{"identifier":["x"],"pass_code":1}',
         "$key/identifier INVALID_TYPE", "$key/pass_code INVALID_TYPE"],
        [',"access_token_identifier":{"authentication_code":"demo-card","id":"1"}',
         "$key/id UNKNOWN_PARAMETER"],
        [',"access_token_identifier":{"authentication_code":"demo-card","a/b~":1}',
         "$key/a~1b~0 UNKNOWN_PARAMETER"],
    ) {
        my ($text, @errors) = @$case;
        refused($call->($text), violation(@errors),
                length $text ? "$text is refused" : 'no key is refused');
    }
    # A pass code alone: the contract leaves the error open.
    like(outcome($call->(',"access_token_identifier":{"pass_code":"demo-pass-1"}')),
         qr{^422 VALIDATION_FAILED .*/access_token_identifier EXACTLY_ONE_OF},
         'a pass code alone is refused');
    unchanged($before, 'nothing changes by any of them');
};

subtest 'an unknown access token and a wrong pass code get the same answer' => sub {
    my $before = rows();
    my @replies = map { $server->post({ token => $admin, udf_string_1 => 'x',
        access_token_identifier => $_ }, { 'X-Request-Id' => 'same' }) } (
        { authentication_code => 'no-such-code' },
        { identifier => 'no-such-user', pass_code => 'demo-pass-1' },
        { identifier => 'demo-bcrypt-user', pass_code => 'demo-pass-2' },
        { identifier => 'demo-bcrypt-user', pass_code => 'demo-pass-11' },
        { identifier => 'demo-bcrypt-user', pass_code => '' },
        { identifier => 'demo-bcrypt-user',
          pass_code => $before->{ demo_id(40) }{pass_code} },
        # The key is one field or the other, never both.
        { authentication_code => 'demo-bcrypt-user' },
        { identifier => 'demo-bcrypt', pass_code => 'demo-pass-1' },
    );
    refused($_, '404 ACCESS_TOKEN_NOT_FOUND', 'not found') for @replies;
    is_deeply([grep { $_->{content} ne $replies[0]{content} } @replies], [],
              'with the same text');
    my $headers = sub {
        my %headers = %{ $_[0]{headers} };
        delete $headers{date};
        return $json->encode(\%headers);
    };
    is_deeply([grep { $headers->($_) ne $headers->($replies[0]) } @replies], [],
              'with the same headers');
    unchanged($before, 'and nothing changes');
};

subtest 'old hashes still open' => sub {
    for my $scheme (qw(bcrypt apr1 sha1 sha512)) {
        my $id = demo_id({ bcrypt => 40, apr1 => 41, sha1 => 42, sha512 => 43 }->{$scheme});
        my $before = row($id);
        my $key = { identifier => "demo-$scheme-user", pass_code => 'demo-pass-1' };
        my $reply = $server->post({ token => $admin, access_token_identifier => $key });
        accepted($reply, "a pass code with scheme $scheme");
        is($reply->{json}{data}{id}, $id, 'opens its access token');
        is(but_the_log(changed($before, row($id))), '', 'and is not rewritten');
        $key->{pass_code} = 'demo-pass-2';
        refused($server->post({ token => $admin, access_token_identifier => $key }),
                '404 ACCESS_TOKEN_NOT_FOUND', 'another pass code does not');
    }
};

subtest 'codes and identifiers are compared byte for byte' => sub {
    $server->reset_data;
    my %id = ('demo-café' => 32, 'demo-cafe' => 33, 'DEMO-CAFE' => 34);
    for my $code (sort keys %id) {
        my $reply = update($code, { udf_string_1 => $code });
        is($reply->{json}{data}{id}, demo_id($id{$code}), "$code names one");
        is(row(demo_id($id{$code}))->{udf_string_1}, $code, 'and it changes');
    }
    refused(update("demo-cafe\x{301}"), '404 ACCESS_TOKEN_NOT_FOUND',
            'another form of é makes another code');
    refused(update('Demo-Cafe'), '404 ACCESS_TOKEN_NOT_FOUND', 'and so does another case');

    # Another program may have stored blanks.
    my $insert = $server->dbh->prepare('INSERT INTO access_tokens '
        . '(id, number, authentication_code, created_date) VALUES (?, ?, ?, ?)');
    $insert->execute('E1', '1', 'blank ', '2024-01-01T08:00:00');
    refused(update('blank'), '404 ACCESS_TOKEN_NOT_FOUND', 'trailing blanks count');
    $insert->execute('E2', '2', 'blank', '2024-01-01T08:00:00');
    is(update('blank')->{json}{data}{id}, 'E2', 'and make another code');
    accepted(update('demo-udf', { authentication_code => 'Blank' }),
             'a code of another case is free');
};

subtest 'a code or identifier of another access token is refused' => sub {
    $server->reset_data;
    my $before = rows();
    my %other = (udf_string_1 => 'x', card_masked_number => undef);
    refused(update('demo-udf', { %other, authentication_code => 'demo-cafe' }),
            '409 DUPLICATE_VALUE /authentication_code DUPLICATE_VALUE', 'a code');
    refused(update('demo-cafe', { %other, authentication_code => 'DEMO-CAFE' }),
            '409 DUPLICATE_VALUE /authentication_code DUPLICATE_VALUE',
            'another code');
    refused(update('demo-udf', { %other, identifier => 'demo-bcrypt-user',
                                 pass_code => 'secret' }),
            '409 DUPLICATE_VALUE /identifier DUPLICATE_VALUE', 'an identifier');
    like(outcome(update('demo-udf', { authentication_code => 'demo-café',
                identifier => 'demo-bcrypt-user', pass_code => 'secret' })),
         qr{^409 DUPLICATE_VALUE /(?:identifier|authentication_code) },
         'both at once');
    unchanged($before, 'nothing changes, in other fields neither');
    accepted(update('demo-cafe', { authentication_code => 'demo-cafe' }),
             'its own code is no duplicate');
    accepted(update('demo-bcrypt', { identifier => 'demo-bcrypt-user',
                                     pass_code => 'secret' }),
             'and neither is its own identifier');
    accepted(update('demo-udf', { authentication_code => "demo-caf\x{e8}",
        identifier => 'Demo-bcrypt-user', pass_code => 'secret' }),
        'values that differ in accents or case are free');
    accepted(update('demo-cafe', { authentication_code => 'demo-cafe-2' }),
             'a code that is replaced');
    accepted(update('DEMO-CAFE', { authentication_code => 'demo-cafe' }),
             'is free for another access token');
    accepted(update('demo-card', { authentication_code => 'demo-bcrypt-user' }),
             'a code may equal the identifier of another');
};

# ---- the caller

subtest 'sessions' => sub {
    $server->reset_data;
    my $dbh = $server->dbh;
    my $insert = $dbh->prepare('INSERT INTO access_token_sessions '
        . '(token_digest, user_id, unit_id, expires_at) VALUES (?, ?, ?, ?)');
    require Digest::SHA;
    my $in = sub { POSIX::strftime('%Y-%m-%dT%H:%M:%S', gmtime(time + $_[0])) };
    $insert->execute(Digest::SHA::sha256_hex('just expired'), '1', undef, $in->(-2));
    $insert->execute(Digest::SHA::sha256_hex('still open'), '1', undef, $in->(60));
    my $before = rows();
    my $call = sub {
        my ($token, $parameters) = @_;
        return $server->post({ (defined $token ? (token => $token) : ()),
            access_token_identifier => { authentication_code => 'demo-person' },
            %{ $parameters // { udf_string_1 => 'x' } } }, { 'X-Request-Id' => 'same' });
    };
    my @replies = map { $call->($_) } undef, 'no-such-token', '',
        'demo-session-expired', 'just expired', lc $admin, "$admin ",
        Digest::SHA::sha256_hex($admin), 'x' x 5000;
    for my $reply (@replies) {
        refused($reply, '401 INVALID_TOKEN', 'an invalid session');
        is($reply->{headers}{'www-authenticate'}, 'Bearer', 'asks for a bearer token');
        delete $reply->{headers}{date};
    }
    is_deeply([grep { $_->{content} ne $replies[0]{content}
                      || $json->encode($_->{headers})
                         ne $json->encode($replies[0]{headers}) } @replies], [],
              'missing, unknown and expired tokens get the same answer');
    refused($call->('demo-session-forbidden'), '403 FORBIDDEN',
            'a user without the permission gets 403');
    unchanged($before, 'nothing changes by any of them');

    my %main = (id => '48305F8849E3C18B227C5BE3A27BA6DF', name => 'Admin Unit',
        description => 'r1', alternative_code => 'MG', group_name => 'Main Group',
        community_name => 'Internal Community');
    my %shop = (id => '5A7C00000000000000000000000000B2', name => 'Harbour Shop',
        description => undef, alternative_code => undef, group_name => 'Shops',
        community_name => 'Internal Community');
    my %boss = (id => '1', username => 'MPAdministrator',
                person_name => 'Marios Lannister');
    my %clerk = (id => '2', username => 'clerk', person_name => 'Clara Quay',
                 email => 'clerk@example.com');
    my %contractor = (id => '3', username => 'contractor',
        person_name => 'Conrad Freelance', email => 'contractor@example.com');
    for my $case (['an administrator', $admin, \%boss, \%main],
                  ['a session that has not expired', 'still open', \%boss, \%main],
                  ['a clerk', 'demo-session-clerk', \%clerk, \%shop],
                  ['a clerk in another unit', 'demo-session-other-unit', \%clerk, \%main],
                  ['a user without unit', 'demo-session-no-unit', \%contractor, undef]) {
        my ($name, $token, $user, $unit) = @$case;
        my $reply = $call->($token, {});
        accepted($reply, "$name may update");
        my $log = $reply->{json}{data}{log_information};
        is_deeply($log->{updated_by_user}, $user, 'and is the user who updated');
        is_deeply($log->{updated_by_unit}, $unit, 'in that unit');
        is_deeply($log->{created_by_user}, \%clerk, 'not the user who created it');
        is_deeply($log->{created_by_unit}, \%shop, 'and not that unit');
        my $row = row(demo_id(20));
        is($row->{updated_by_user_id}, $user->{id}, 'the row has the user');
        is($row->{updated_by_unit_id}, $unit && $unit->{id}, 'and the unit');
        is($row->{created_date}, '2024-01-01T08:00:00', 'and the time of creation');
    }
};

# ---- the reply

subtest 'access tokens in all states can be updated, and keep their state' => sub {
    $server->reset_data;
    my %state = ('demo-effective' => 'EFFECTIVE', 'demo-not-effective' => 'NOT_EFFECTIVE',
        'demo-verified' => 'EFFECTIVE',
        'demo-pending-verification' => 'PENDING_VERIFICATION');
    for my $code (sort keys %state) {
        my $reply = update($code, { udf_string_1 => 'x', authentication_code => "$code-2" });
        accepted($reply, "$code can be updated");
        is($reply->{json}{data}{life_cycle_state}, $state{$code}, "and stays $state{$code}");
        my $row = row($reply->{json}{data}{id});
        is($row->{life_cycle_state}, $state{$code}, 'in the row too');
        is($row->{udf_string_1}, 'x', 'where the field changes');
    }
};

my %nothing_known = (
    type => undef, life_cycle_state => undef, title => undef, first_name => undef,
    middle_name => undef, last_name => undef, name => undef, company_name => undef,
    company_profile => undef);
my %no_demographics = (
    gender => undef, passport_number => undef, passport_issued_by_country => undef,
    id_number => undef, id_issued_by_country => undef, social_security_number => undef,
    industry => undef, industry_sector => undef,
    name_day => { day => undef, month => undef },
    date_of_birth => { day => undef, month => undef, year => undef });

subtest 'owners' => sub {
    $server->reset_data;
    my %cyprus = (id => '33', name => 'CYPRUS', alternative_code => undef,
                  two_character_code => 'CY', three_character_code => 'CYP');
    my %greece = (id => '54', name => 'GREECE', alternative_code => 'EL',
                  two_character_code => 'GR', three_character_code => 'GRC');
    my %person = (%nothing_known, id => 'C0000000000000000000000000000001',
        type => 'PERSON', life_cycle_state => 'FINANCIAL', title => 'Dr',
        first_name => 'Ελένη', middle_name => 'Zoë', last_name => 'Παπαδοπούλου');
    my %demographics = (gender => 'FEMALE', passport_number => 'K00123456',
        passport_issued_by_country => \%cyprus, id_number => 'AB 654321',
        id_issued_by_country => \%greece, social_security_number => '01029912345',
        industry => 'Shipping', industry_sector => 'Ferries',
        name_day => { day => 21, month => 5 },
        date_of_birth => { day => 29, month => 2, year => 1980 });
    my %account = (id => 'A0000000000000000000000000000001', number => 'ACR000501',
        name => 'Παπαδοπούλου', life_cycle_state => 'ACTIVE');
    my %company = (%nothing_known, id => 'C0000000000000000000000000000002',
        type => 'COMPANY', life_cycle_state => 'PROSPECT', name => 'Harbour Foods',
        company_name => 'Harbour Foods Ltd', company_profile => 'Wholesale of fish',
        demographics => { %no_demographics, industry => 'Food',
                          country_of_residence => \%greece });
    my %expected = (
        'demo-person' => [
            { %account, account_owner => { %person, name => 'Παπαδοπούλου Ελένη',
                demographics => { %demographics, country_of_residence => \%cyprus } } },
            { id => 'B0000000000000000000000000000001', number => '51',
              accounts_receivable => { %account, account_owner =>
                { %person, demographics => \%demographics } } }],
        'demo-company' => [
            { id => 'A0000000000000000000000000000002', number => 'ACR000502',
              name => 'Harbour Foods', life_cycle_state => 'SUSPENDED',
              account_owner => \%company }, undef],
        'demo-account-without-owner' => [
            { id => 'A0000000000000000000000000000003', number => 'ACR000503',
              name => undef, life_cycle_state => 'ACTIVE', account_owner => undef },
            undef],
        'demo-participant-without-account' => [undef,
            { id => 'B0000000000000000000000000000002', number => '52',
              accounts_receivable => undef }],
        'demo-no-owner' => [undef, undef],
    );
    for my $code (sort keys %expected) {
        my $data = update($code)->{json}{data};
        my ($account, $participant) = @{ $expected{$code} };
        is($json->encode($data->{accounts_receivable}), $json->encode($account),
           "the account of $code");
        is($json->encode($data->{reward_participant}), $json->encode($participant),
           "the reward participant of $code");
    }
    my $data = update('demo-no-owner')->{json}{data};
    ok(exists $data->{accounts_receivable} && exists $data->{reward_participant},
       'missing objects are null');
    is($data->{log_information}{"created_by_$_"}, undef, "created_by_$_ too")
        for qw(user unit);
    is(update('demo-account-without-owner')->{json}{data}{log_information}
       {created_by_unit}, undef, 'a creator in no unit');

    # These are left out if they are empty.
    my $dbh = $server->dbh;
    $dbh->do("UPDATE access_tokens SET created_by_user_id = '1' "
        . "WHERE authentication_code = 'demo-company'");
    $dbh->do("UPDATE contacts SET country_of_residence_id = NULL, type = 'PERSON' "
        . "WHERE id = 'C0000000000000000000000000000002'");
    $data = update('demo-company')->{json}{data};
    is_deeply($data->{log_information}{created_by_user}, { id => '1',
        username => 'MPAdministrator', person_name => 'Marios Lannister' },
        'a creator without an e-mail address');
    my %homeless = (%company, type => 'PERSON',
                    demographics => { %no_demographics, industry => 'Food' });
    is_deeply($data->{accounts_receivable}{account_owner}, \%homeless,
              'an owner without a country of residence');
};

# The members that are always in the reply.
my @always = qw(accounts_receivable authentication_code id identifier
                life_cycle_state log_information number reward_participant);

subtest 'members that are left out without a value' => sub {
    $server->reset_data;
    my %expected = (
        'demo-effective' => [],
        'demo-card' => ['classification'],
        'demo-verified' => ['verified_date'],
        'demo-pending-verification' => ['verification_code'],
        'demo-custom-fields' => ['custom_field_set'],
        'demo-udf' => [@strings, @floats, @dates, 'card_masked_number'],
    );
    my %data;
    for my $code (sort keys %expected) {
        $data{$code} = update($code)->{json}{data};
        is(join(' ', sort keys %{ $data{$code} }),
           join(' ', sort @always, @{ $expected{$code} }), "the members of $code");
    }
    is($data{'demo-verified'}{verified_date}, '2024-01-02T09:30:00', 'verified_date');
    is($data{'demo-pending-verification'}{verification_code}, '7F3K-92QD',
       'verification_code');
    is_deeply($data{'demo-card'}{classification},
        { id => 'CC000000000000000000000000000001', name => 'Card',
          alternative_code => 'card' }, 'classification');
    my $generated = update('demo-auto-all', { identifier => undef, pass_code => undef });
    is_deeply($generated->{json}{data}{classification},
        { id => 'CC000000000000000000000000000006', name => 'Everything generated',
          alternative_code => undef }, 'a classification without alternative code');
    my $fields = { fields_set => join ',', 'classification', 'verified_date',
        'verification_code', 'custom_field_set', 'card_masked_number', @strings,
        @floats, @dates };
    my $data = update('demo-effective', $fields)->{json}{data};
    is(join(' ', sort keys %$data), join(' ', sort split /,/, $fields->{fields_set}),
       'all of them are in the reply if fields_set names them');
    is_deeply([grep { defined } values %$data], [], 'as null');
};

subtest 'each call makes a new version' => sub {
    $server->reset_data;
    my $id = demo_id(31);
    for my $version (2 .. 5) {
        my $reply = update('demo-udf', $version % 2 ? { udf_string_1 => 'same' } : {});
        is($reply->{headers}{etag}, qq("$id-$version"), "call by call: $version");
        is(row($id)->{version}, $version, 'in the row too');
    }
    $server->dbh->do("UPDATE access_tokens SET udf_string_2 = 'by hand' WHERE id = ?",
                     undef, $id);
    is(row($id)->{version}, 6, 'another program makes a new version too');
    is(version_of(update('demo-udf')), 7, 'and the count continues');
    my $before = row($id);
    refused(update('demo-udf', { udf_float_1 => 'x' }),
            violation('/udf_float_1 INVALID_TYPE'), 'a refused call');
    is(row($id)->{version}, $before->{version}, 'makes no version');
};

subtest 'columns that an update never changes' => sub {
    $server->reset_data;
    my $before = rows();
    for my $code ('demo-person', 'demo-company', 'demo-card', 'demo-member') {
        accepted(update($code, { %sample, authentication_code => "$code-2",
            identifier => "$code-3", pass_code => 'secret-1',
            custom_field_set => { nickname => 'x' } }), "$code gets a change in every field");
    }
    my $after = rows();
    my @never = qw(id number life_cycle_state classification_id verified_date
        verification_code accounts_receivable_id reward_participant_id created_date
        created_by_user_id created_by_unit_id);
    my $of = sub { my ($rows) = @_; $json->encode({ map { my $row = $rows->{$_};
        $_ => [@$row{@never}] } keys %$rows }) };
    is($of->($after), $of->($before),
       'state, number, id, classification, owner and creation stay');
};

$server->finish;
done_testing;
