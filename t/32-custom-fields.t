# custom_field_set: its forms, removal, types, limits, and all kinds of names.
use strict;
use warnings;
use utf8;

use JSON::PP ();
use Test::More;

use AccessTokenTest;

binmode $_, ':encoding(UTF-8)'
    for map { Test::More->builder->$_ } qw(output failure_output todo_output);

my $json = JSON::PP->new->utf8->canonical->allow_nonref;
my $id = 'D0000000000000000000000000000030';
my $long_name = 'ñ' x 64;
my %fresh = (nickname => 'Λένα 🎁', shoe_size => 38.5, points => 1200,
             newsletter => JSON::PP::true);

my $server = AccessTokenTest->start;

# ---- helpers

# The rows of the demonstration, and more fields.
sub reset_data {
    $server->reset_data;
    my $insert = $server->dbh->prepare(
        'INSERT INTO access_token_custom_fields (name, type) VALUES (?, ?)');
    $insert->execute(@$_) for
        ['a/b', 'string'], ['a~b', 'string'], ['a~1b/~0', 'number'], ['a.b.c', 'string'],
        ['.', 'string'], [' ', 'string'], ['set', 'string'], ['"', 'string'],
        ["a\\b\n", 'string'], ['🎁', 'boolean'], ['é', 'string'], ["e\x{301}", 'string'],
        ["it's 100%?:x", 'string'], ['toString', 'string'], ['__proto__', 'string'],
        [$long_name, 'string'], (map { ["s$_", 'string'] } 1 .. 75);
    return;
}

# SET is JSON text, or a reference.
sub call {
    my ($set, %more) = @_;
    my $text = $json->encode({ token => 'demo-session-clerk', access_token_identifier =>
        { authentication_code => 'demo-custom-fields' }, %more });
    if (defined $set) {
        $set = $json->encode($set) if ref $set;
        utf8::encode($set) if utf8::is_utf8($set);
        $text =~ s/\}\z/,"custom_field_set":$set}/;
    }
    return $server->post($text);
}

*outcome = \&AccessTokenTest::outcome;

sub stored_text {
    my ($text) = $server->dbh->selectrow_array(
        'SELECT custom_field_set FROM access_tokens WHERE id = ?', undef, $id);
    return $text;
}

sub stored_bytes {
    my $text = stored_text() // return 0;
    utf8::encode($text);
    return length $text;
}

sub as_text {
    my $text = $json->encode($_[0]);
    utf8::decode($text);
    return $text;
}

# The stored set, by another client.
sub stored {
    my $text = stored_text() // return undef;
    utf8::encode($text);
    return $json->decode($text);
}

sub short {
    my ($text) = @_;
    $text = as_text($text) if ref $text;
    $text =~ s/\n/\\n/g;
    return length $text > 70 ? substr($text, 0, 70) . '…' : $text;
}

# SET gives EXPECTED in the reply and in the row; undef: no set.
sub gives {
    my ($set, $expected, $name) = @_;
    my $reply = call($set);
    $name //= short($set);
    is(outcome($reply), '200 OK', $name) or return;
    my $data = $reply->{json}{data};
    is(as_text($data->{custom_field_set}), as_text($expected), 'gives that set');
    is(as_text(stored()), as_text($expected), 'in the row, too');
    ok(!exists $data->{custom_field_set}, 'an empty set is not replied') if !$expected;
    return;
}

sub rows { $server->tokens }

sub refused {
    my ($set, @errors) = @_;
    my $before = rows();
    is(outcome(call($set, udf_string_1 => 'changed')),
       '422 VALIDATION_FAILED ' . join(', ', sort @errors), short($set) . ' is refused');
    ok(rows() eq $before, 'and nothing changes');
    return;
}

# ---- the tests

subtest 'all readings of the documented sample' => sub {
    my %expected = (%fresh, nickname => 'value_1', favourite_shop => 'value_2');
    my %two = (nickname => 'value_1', favourite_shop => 'value_2');
    my @list = ({ nickname => 'value_1' }, { favourite_shop => 'value_2' });
    for my $set (\%two, \@list, [\%two], [{}, \%two, {}], { set => \%two }, { set => \@list },
                 { set => [\%two] }) {
        reset_data();
        gives($set, \%expected);
    }
};

subtest 'an empty set updates nothing' => sub {
    reset_data();
    my $before = stored_text();
    for my $set ('{}', '[]', '[{}]', '[{},{}]', '{"set":{}}', '{"set":[]}', '{"set":[{}]}') {
        my $reply = call($set);
        is(outcome($reply), '200 OK', "$set is accepted");
        is(stored_text(), $before, 'and leaves the set unchanged');
        is(as_text($reply->{json}{data}{custom_field_set}), as_text(\%fresh), 'and replies it');
    }
    is(outcome(call(undef)), '200 OK', 'and so is no set');
    is(stored_text(), $before, 'which leaves the set unchanged');
};

subtest 'names that are not in the set keep their values' => sub {
    reset_data();
    gives({ points => 1201 }, { %fresh, points => 1201 });
    gives({ gift_wrap => JSON::PP::false }, { %fresh, points => 1201,
                                              gift_wrap => JSON::PP::false });
    gives({ nickname => 'x', newsletter => JSON::PP::false },
          { nickname => 'x', shoe_size => 38.5, points => 1201,
            newsletter => JSON::PP::false, gift_wrap => JSON::PP::false });
    # Another program has written these: a field that is no longer configured, and a type
    # that the module does not know. Values that are not sent are not checked.
    my $other = '{"points":1.10,"old":{"a":[1E2,null]},"shoe_size":12345678901234567890,'
        . '"large":0.1000000000000000055511151231257827}';
    $server->dbh->do('UPDATE access_tokens SET custom_field_set = ? WHERE id = ?', undef,
                     $other, $id);
    my $reply = call({ nickname => 'y' });
    is(outcome($reply), '200 OK', 'a set that another program has written');
    my $expected = $other =~ s/\}\z/,"nickname":"y"}/r;
    is(stored_text(), $expected, 'keeps its values digit by digit');
    like($reply->{content}, qr/\Q"custom_field_set":$expected\E/, 'in the reply, too');
};

subtest 'removal' => sub {
    reset_data();
    gives({ nickname => '' }, { shoe_size => 38.5, points => 1200,
                                newsletter => JSON::PP::true });
    gives({ points => undef }, { shoe_size => 38.5, newsletter => JSON::PP::true });
    gives({ newsletter => '' }, { shoe_size => 38.5 }, 'a boolean');
    gives([{ shoe_size => '' }], undef, 'a number, the last value');
    is(stored_text(), undef, 'nothing is stored then');
    gives({ shoe_size => undef, nickname => '' }, undef, 'fields without a value');
    gives({ nickname => 'x' }, { nickname => 'x' }, 'the first value again');
    gives({ set => [{ nickname => undef }, { points => 0 }] }, { points => 0 },
          'and another value in the same call');
    gives({ points => ' ' =~ s/ //r }, undef, 'by an empty value');
    gives({ nickname => ' ' }, { nickname => ' ' }, 'a blank is a value');
    refused({ none => undef }, '/custom_field_set/none UNKNOWN_CUSTOM_FIELD');
    refused({ none => '' }, '/custom_field_set/none UNKNOWN_CUSTOM_FIELD');
};

subtest 'types' => sub {
    reset_data();
    my %right = (string => ['"x"', '"1"', '"true"', '" "', '"\n\u0001"'],
                 number => ['0', '-1', '1.5', '1e3', '0.1', '5e-324',
                            '1.7976931348623157e308', '9007199254740991'],
                 boolean => ['true', 'false']);
    my %wrong = (string => ['1', 'true', '[]', '{}', '["x"]'],
                 number => ['"1"', 'true', '" "', '[]', '[1]', '{}'],
                 boolean => ['1', '0', '"true"', '"x"', '[]', '{}']);
    my %name = (string => 'nickname', number => 'points', boolean => 'newsletter');
    for my $type (sort keys %name) {
        my $name = $name{$type};
        refused(qq({"$name":$_}), "/custom_field_set/$name INVALID_TYPE")
            for @{ $wrong{$type} };
        for my $value (@{ $right{$type} }) {
            my $reply = call(qq({"$name":$value}));
            is(outcome($reply), '200 OK', "a $type takes $value");
            my ($got) = $reply->{content} =~ /"$name":("(?:[^"\\]|\\.)*"|[^,}]+)/;
            is($json->decode($got), $json->decode($value), 'and replies it');
            is(stored()->{$name}, $json->decode($value), 'and stores it');
            like($got, { string => qr/^"/, number => qr/^[-\d]/,
                         boolean => qr/^[tf]/ }->{$type}, 'with its type');
            my $again = call({ 's1' => 'x' });
            like($again->{content}, qr/"$name":\Q$got\E[,}]/, 'and keeps it');
        }
    }
    refused(qq({"points":$_}), '/custom_field_set/points OUT_OF_RANGE')
        for '1e400', '-1e400', '9' x 400;
    refused($_, '/custom_field_set INVALID_TYPE') for '"nickname"', '1', 'true', 'null';
    refused('["nickname"]', '/custom_field_set/0 INVALID_TYPE');
    refused('[{"nickname":"x"},1,null,[{}],true,"a"]',
            map { "/custom_field_set/$_ INVALID_TYPE" } 1 .. 5);
    refused('{"set":[1]}', '/custom_field_set/set/0 INVALID_TYPE');
};

subtest 'all kinds of names' => sub {
    reset_data();
    my %values = ('a/b' => 'slash', 'a~b' => 'tilde', 'a~1b/~0' => 7, 'a.b.c' => 'dots',
        '.' => 'dot', ' ' => 'blank', '"' => 'quote', "a\\b\n" => 'escapes',
        '🎁' => JSON::PP::true, 'é' => 'one', "e\x{301}" => 'two', 'Ύψος' => 1.7,
        "it's 100%?:x" => 'SQL', toString => 'x', __proto__ => 'y', $long_name => 'long');
    my %all = %fresh;
    for my $name (sort keys %values) {
        $all{$name} = $values{$name};
        gives({ $name => $values{$name} }, \%all);
    }
    gives({ map { $_ => undef } keys %values }, \%fresh, 'all of them are removed');
    gives(\%values, { %fresh, %values }, 'and set in one call');
    my $pointer = sub { $_[0] =~ s/~/~0/gr =~ s{/}{~1}gr };
    for my $name ('a/b', 'a~b', 'a~1b/~0', 'a.b.c', '.', ' ', '"', "a\\b\n", '🎁', 'é') {
        refused({ $name => [1] }, '/custom_field_set/' . $pointer->($name) . ' INVALID_TYPE');
    }
};

subtest 'unknown names' => sub {
    reset_data();
    my $unknown = 'UNKNOWN_CUSTOM_FIELD';
    refused({ $_ => 'x' }, "/custom_field_set/$_ $unknown")
        for 'none', 'Nickname', 'NICKNAME', ' nickname', 'nickname ', 'nick', 'nicknames',
            "E\x{301}", 'É', '', 'Υψος', '%', '_';
    refused({ 'x/y~z' => 1 }, "/custom_field_set/x~1y~0z $unknown");
    refused([{ nickname => 'x' }, { none => 1, other => 2 }],
            "/custom_field_set/1/none $unknown", "/custom_field_set/1/other $unknown");
    refused({ set => { none => 1 } }, "/custom_field_set/set/none $unknown");
    refused({ set => [{ points => 1 }, { none => 1 }] }, "/custom_field_set/set/1/none $unknown");
    refused({ none => 1, points => 'x', newsletter => 1, nickname => 'right' },
            "/custom_field_set/none $unknown", '/custom_field_set/points INVALID_TYPE',
            '/custom_field_set/newsletter INVALID_TYPE');
    $server->dbh->do("DELETE FROM access_token_custom_fields WHERE name = 'nickname'");
    refused({ nickname => 'x' }, "/custom_field_set/nickname $unknown");
    gives({ points => 1 }, { %fresh, points => 1 },
          'the value of a field that is no longer configured stays');
};

subtest 'duplicate names' => sub {
    reset_data();
    my $twice = 'INVALID_FORMAT';
    refused('[{"nickname":"a"},{"nickname":"b"}]', "/custom_field_set/1/nickname $twice");
    refused('[{"nickname":"a"},{"points":1},{"nickname":"a"}]',
            "/custom_field_set/2/nickname $twice");
    refused('{"set":[{"nickname":"a"},{"nickname":null}]}',
            "/custom_field_set/set/1/nickname $twice");
    my $before = rows();
    is(outcome(call('{"nickname":"a","nick\u006eame":"b"}')), '400 INVALID_JSON',
       'a duplicate name in an object is refused');
    ok(rows() eq $before, 'and nothing changes');
};

subtest 'a field of the name "set"' => sub {
    reset_data();
    gives({ set => 'x' }, { %fresh, set => 'x' }, 'a string makes it a field');
    gives({ set => { set => 'y' } }, { %fresh, set => 'y' }, 'inside of the wrapper');
    gives({ set => [{ set => 'z' }] }, { %fresh, set => 'z' }, 'and in an array of the wrapper');
    gives([{ set => 'a' }], { %fresh, set => 'a' }, 'in an array');
    gives({ set => 'b', points => 1 }, { %fresh, set => 'b', points => 1 }, 'together with other fields');
    gives({ set => undef }, { %fresh, points => 1 }, 'null removes it');
    gives({ set => 'b' }, { %fresh, set => 'b', points => 1 }, 'set again');
    gives({ set => '' }, { %fresh, points => 1 }, 'the empty string removes it, too');
    refused('{"set":1}', '/custom_field_set/set INVALID_TYPE');
    $server->dbh->do("DELETE FROM access_token_custom_fields WHERE name = 'set'");
    refused({ set => 'x' }, '/custom_field_set/set UNKNOWN_CUSTOM_FIELD');
};

subtest 'limits of a call' => sub {
    reset_data();
    my %fifty = map { ("s$_" => "value $_") } 1 .. 50;
    gives(\%fifty, { %fresh, %fifty }, '50 fields');
    gives([map { { "s$_" => 'new' } } 1 .. 50], { %fresh, map { ("s$_" => 'new') } 1 .. 50 },
          '50 fields in an array');
    gives({ set => { map { ("s$_" => undef) } 1 .. 50 } }, \%fresh, '50 fields in the wrapper');
    refused({ map { ("s$_" => 'x') } 1 .. 51 }, '/custom_field_set TOO_LONG');
    refused([map { { "s$_" => 'x' } } 1 .. 51], '/custom_field_set TOO_LONG');
    refused({ set => { map { ("s$_" => undef) } 1 .. 51 } }, '/custom_field_set/set TOO_LONG');
    for my $character ('x', 'é', '日', '🎁') {
        gives({ nickname => $character x 1000 }, { %fresh, nickname => $character x 1000 },
              "1,000 times $character");
        refused({ nickname => $character x 1001 }, '/custom_field_set/nickname TOO_LONG');
    }
    gives({ $long_name => 'x' }, { %fresh, nickname => '🎁' x 1000, $long_name => 'x' },
          'a name of 64 characters');
    refused({ "${long_name}ñ" => 'x' }, "/custom_field_set/${long_name}ñ TOO_LONG");
};

subtest 'the whole set has at most 60,000 bytes' => sub {
    reset_data();
    # Each name and the signs around its value take about 10 bytes.
    my %all = %fresh;
    for my $from (1, 26) {
        my %part = map { ("s$_" => '日' x 330) } $from .. $from + 24;
        %all = (%all, %part);
        gives(\%part, \%all, 'a part of the set');
    }
    for my $number (51 .. 60) {
        last if stored_bytes() > 58_000;
        $all{"s$number"} = 'é' x 500;
        gives({ "s$number" => $all{"s$number"} }, \%all, 'a larger set');
    }
    my $left = 60_000 - stored_bytes();
    cmp_ok($left, '>', 1000, 'there is room');
    my $step = $left - 1000;
    $all{s74} = 'x' x ($step - length ',"s74":""');
    gives({ s74 => $all{s74} }, \%all, 'all but the last 1,000 bytes');
    is(stored_bytes(), 59_000, 'exactly');
    my $rest = 1000 - length ',"s75":""';
    my $before = stored_text();
    refused({ s75 => 'x' x ($rest + 1) }, '/custom_field_set TOO_LONG');
    refused({ s75 => 'x' x ($rest - 1) . 'é' }, '/custom_field_set TOO_LONG');
    refused({ set => [{ s75 => 'x' x 1000 }] }, '/custom_field_set TOO_LONG');
    is(stored_text(), $before, 'one byte too many changes nothing');
    $all{s75} = 'x' x ($rest - 2) . 'é';
    gives({ s75 => $all{s75} }, \%all, '60,000 bytes');
    is(stored_bytes(), 60_000, 'are stored whole');
    my $reply = call(undef, udf_string_1 => 'x');
    is(as_text($reply->{json}{data}{custom_field_set}), as_text(\%all), 'and read whole');
    gives({ nickname => 'y' }, { %all, nickname => 'y' }, 'a smaller set is accepted again');
};

subtest 'custom fields and other fields together' => sub {
    reset_data();
    my $reply = call({ nickname => 'x' }, udf_string_1 => 'y', udf_float_1 => undef);
    is(outcome($reply), '200 OK', 'custom fields and others in one call');
    is($reply->{json}{data}{udf_string_1}, 'y', 'the other field is saved');
    is(stored()->{nickname}, 'x', 'and the custom field');
    $reply = call(undef, udf_string_1 => 'z');
    is(stored()->{nickname}, 'x', 'a call without custom fields leaves them');
};

$server->finish;
done_testing;
