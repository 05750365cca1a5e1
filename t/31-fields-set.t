# fields_set: the members of the reply.
use strict;
use warnings;
use utf8;

use JSON::PP ();
use Test::More;

use AccessTokenTest;

binmode $_, ':encoding(UTF-8)'
    for map { Test::More->builder->$_ } qw(output failure_output todo_output);

my $json = JSON::PP->new->utf8->canonical->allow_nonref;
my $server = AccessTokenTest->start(location_conf => <<'END');
    AccessTokenPassCodeScheme bcrypt 4
END

# ---- helpers

sub call {
    my ($code, $fields_set, %parameters) = @_;
    return $server->post({ token => 'demo-session-clerk',
        access_token_identifier => { authentication_code => $code },
        (defined $fields_set ? (fields_set => $fields_set) : ()), %parameters });
}

*outcome = \&AccessTokenTest::outcome;

# The data of a reply as JSON, without the times.
sub data_text {
    my ($data) = @_;
    my $text = $json->encode($data);
    $text =~ s/"updated_date":"[^"]+"/"updated_date":"now"/;
    utf8::decode($text);
    return $text;
}

sub selects {
    my ($code, $fields_set, $expected, $name) = @_;
    my $reply = call($code, $fields_set);
    $name //= ref $fields_set ? $json->encode($fields_set) : "'$fields_set'";
    $name =~ s/([\t\n\r])/sprintf '\\x%02x', ord $1/ge;
    is(outcome($reply), '200 OK', "$name of $code") or return;
    is_deeply($reply->{json}{status}, { code => 'OK', message => '', description => '' },
              'the reply has a status');
    is(data_text($reply->{json}{data}), data_text($expected), 'and the named members');
    return;
}

sub rows { $server->tokens }

sub refused {
    my ($fields_set, @errors) = @_;
    my $before = rows();
    my $name = ref $fields_set ? $json->encode($fields_set) : "'$fields_set'";
    utf8::decode($name);
    is(outcome(call('demo-udf', $fields_set, udf_string_1 => 'changed')),
       '422 VALIDATION_FAILED ' . join(', ', sort @errors), "$name is refused");
    ok(rows() eq $before, 'and nothing changes');
    return;
}

# ---- the tests

subtest 'without names the reply has everything' => sub {
    for my $code ('demo-person', 'demo-udf', 'demo-no-owner') {
        my $all = call($code)->{json}{data};
        selects($code, $_, $all) for '', ' ', ',', " ,\t\r\n , ", [], [''], [' , ', ''];
    }
};

subtest 'each member alone' => sub {
    my %members = map { $_ => 1 } qw(id number life_cycle_state authentication_code identifier
        log_information accounts_receivable reward_participant);
    for my $code ('demo-person', 'demo-udf', 'demo-card', 'demo-custom-fields',
                  'demo-verified', 'demo-pending-verification') {
        my $all = call($code)->{json}{data};
        selects($code, $_, { $_ => $all->{$_} }) for sort keys %$all;
        delete @members{ keys %$all };
        # The other members are named too, but empty.
        my @empty = grep { !exists $all->{$_} } 'classification', 'verified_date',
            'verification_code', 'custom_field_set', 'card_masked_number',
            (map { "udf_string_$_" } 1 .. 8), (map { ("udf_float_$_", "udf_date_$_") } 1 .. 4);
        selects($code, [@empty], { map { $_ => undef } @empty }, 'the empty members');
    }
    is_deeply([keys %members], [], 'these are all members that are always there');
};

subtest 'several members' => sub {
    my $all = call('demo-card')->{json}{data};
    my $of = sub { my %data; @data{@_} = @$all{@_}; return \%data };
    selects('demo-card', @$_) for
        ['id,number', $of->('id', 'number')],
        [" id ,\tnumber\r\n,identifier ", $of->('id', 'number', 'identifier')],
        [',id,,number,', $of->('id', 'number')],
        [['id', 'number'], $of->('id', 'number')],
        [['id,number', ' identifier '], $of->('id', 'number', 'identifier')],
        [['', 'id'], $of->('id')],
        ['id,id, id', $of->('id')],
        [['id', 'id'], $of->('id')],
        ['log_information,classification', $of->('log_information', 'classification')],
        [[sort keys %$all], $all];
};

subtest 'names inside of objects' => sub {
    my $all = call('demo-person')->{json}{data};
    my $account = $all->{accounts_receivable};
    my $owner = $account->{account_owner};
    my $log = $all->{log_information};
    selects('demo-person', @$_) for
        ['accounts_receivable.account_owner.name',
         { accounts_receivable => { account_owner => { name => $owner->{name} } } }],
        ['accounts_receivable.account_owner',
         { accounts_receivable => { account_owner => $owner } }],
        ['accounts_receivable.number, accounts_receivable.account_owner.demographics.name_day',
         { accounts_receivable => { number => 'ACR000501', account_owner =>
            { demographics => { name_day => { day => 21, month => 5 } } } } }],
        ['accounts_receivable.account_owner.demographics.country_of_residence.name,'
         . 'accounts_receivable.account_owner.demographics.date_of_birth.year',
         { accounts_receivable => { account_owner => { demographics =>
            { country_of_residence => { name => 'CYPRUS' },
              date_of_birth => { year => 1980 } } } } }],
        [['id', 'log_information.updated_by_user.username', 'log_information.created_date'],
         { id => $all->{id}, log_information => { created_date => $log->{created_date},
           updated_by_user => { username => 'clerk' } } }],
        ['log_information.updated_by_unit,log_information.updated_by_unit.name',
         { log_information => { updated_by_unit => $log->{updated_by_unit} } },
         'a whole object and a part of it'],
        ['log_information.updated_by_unit.name,log_information',
         { log_information => $log }, 'a part of an object and the whole'],
        ['reward_participant.accounts_receivable.account_owner.first_name',
         { reward_participant => { accounts_receivable =>
            { account_owner => { first_name => 'Ελένη' } } } }];
    selects('demo-card', 'classification.name,classification.id',
            { classification => { name => 'Card', id => 'CC000000000000000000000000000001' } });
    selects('demo-account-without-owner', 'accounts_receivable.account_owner.name',
            { accounts_receivable => { account_owner => undef } }, 'inside a member that is null');
    selects('demo-no-owner', 'accounts_receivable.account_owner.name,accounts_receivable.id',
            { accounts_receivable => undef }, 'inside a missing account');
    selects('demo-udf', 'classification.name', { classification => undef },
            'inside a missing classification');
    selects('demo-no-owner', 'log_information.created_by_user.username',
            { log_information => { created_by_user => undef } }, 'inside a missing user');
};

subtest 'rewards_participant is reward_participant' => sub {
    my $all = call('demo-person')->{json}{data};
    selects('demo-person', $_, { reward_participant => $all->{reward_participant} })
        for 'rewards_participant', ['rewards_participant'],
            'rewards_participant,reward_participant';
    selects('demo-person', ' rewards_participant.number ',
            { reward_participant => { number => 51 . '' } });
};

subtest 'an error is reported once, with a part of the name' => sub {
    refused(['no,no'], '/fields_set/0 UNKNOWN_FIELD');
    refused('no, no ,no', '/fields_set UNKNOWN_FIELD');
    refused(['no,no', 'no'], '/fields_set/0 UNKNOWN_FIELD', '/fields_set/1 UNKNOWN_FIELD');
    refused('no,nope', ('/fields_set UNKNOWN_FIELD') x 2);
    my $reply = call('demo-udf', 'é' x 20_000);
    is(outcome($reply), '422 VALIDATION_FAILED /fields_set UNKNOWN_FIELD', 'a long name');
    like($reply->{json}{errors}[0]{message}, qr/"é{100}\.\.\."/, 'is quoted to its 100th character');
};

subtest 'custom fields by name' => sub {
    selects('demo-custom-fields', 'custom_field_set.nickname,custom_field_set.points',
            { custom_field_set => { nickname => 'Λένα 🎁', points => 1200 } });
    selects('demo-custom-fields', 'custom_field_set,custom_field_set.nickname',
            { custom_field_set => call('demo-custom-fields')->{json}{data}{custom_field_set} });
    selects('demo-udf', 'custom_field_set.nickname', { custom_field_set => undef });
    # After the first dot, the rest is the name of the field.
    my $insert = $server->dbh->prepare(
        'INSERT INTO access_token_custom_fields (name, type) VALUES (?, ?)');
    $insert->execute($_, 'string') for 'a.b', 'Größe';
    my $reply = call('demo-custom-fields', ['custom_field_set.a.b', 'custom_field_set.Größe'],
                     custom_field_set => { 'a.b' => 'x', 'Größe' => 'y' });
    is(data_text($reply->{json}{data}), data_text({ custom_field_set =>
        { 'a.b' => 'x', 'Größe' => 'y' } }), 'names with dots, and not in ASCII');
    refused('custom_field_set.none', '/fields_set UNKNOWN_FIELD');
    refused(['id', 'custom_field_set.Nickname'], '/fields_set/1 UNKNOWN_FIELD');
    refused(['custom_field_set.none,custom_field_set.none', 'custom_field_set.' . 'x' x 5000],
            '/fields_set/0 UNKNOWN_FIELD', '/fields_set/1 UNKNOWN_FIELD');
    is(outcome($server->post({ token => 'demo-session-clerk', access_token_identifier =>
           { authentication_code => 'none' }, fields_set => 'custom_field_set.none' })),
       '404 ACCESS_TOKEN_NOT_FOUND', 'the check comes with the rules');
};

subtest 'a generated pass code' => sub {
    my $reply = call('demo-auto-pass', 'id', pass_code => undef);
    is(join(' ', sort keys %{ $reply->{json}{data} }), 'id pass_code',
       'is always in the reply: it is shown only once');
    for my $fields ('pass_code', ['id, pass_code']) {
        $reply = call('demo-auto-pass', $fields, pass_code => undef);
        is(outcome($reply), '200 OK', 'it may be named');
        like($reply->{json}{data}{pass_code}, qr/^\d+$/, 'and is in the reply');
    }
    refused('pass_code', '/fields_set UNKNOWN_FIELD');
    refused(['id', 'number,pass_code'], '/fields_set/1 UNKNOWN_FIELD');
    my $before = rows();
    is(outcome(call('demo-auto-pass', 'pass_code', pass_code => 'given')),
       '422 VALIDATION_FAILED /fields_set UNKNOWN_FIELD', 'a given pass code is never in the reply');
    ok(rows() eq $before, 'and nothing changes then');
    is(outcome($server->post({ token => 'demo-session-clerk', access_token_identifier =>
           { authentication_code => 'none' }, fields_set => 'pass_code' })),
       '404 ACCESS_TOKEN_NOT_FOUND', 'the check comes with the rules');
};

subtest 'unknown names' => sub {
    refused($_, '/fields_set UNKNOWN_FIELD') for 'nonsense', 'ID', 'Id', 'i d', 'data', 'data.id',
        'status', 'token', 'id.', '.id', '.', 'id.x', 'log_information.', 'udf_string_9',
        'log_information..created_date', 'log_information.nonsense', 'id;number', 'id number',
        'log_information.created_date.x', 'accounts_receivable.account_owner.Name', '*',
        'reward_participants', 'rewards_participants', 'classification?', 'udf_float_1:number',
        'reward_participant.accounts_receivable.account_owner.demographics.country_of_residence',
        "id\x{a0}", 'ид', 'x' x 3000, join('.', ('a') x 200), 'version';
    refused('id,nonsense,number,other', ('/fields_set UNKNOWN_FIELD') x 2);
    refused(['id', 'nonsense', 'number', 'id,other'], '/fields_set/1 UNKNOWN_FIELD',
            '/fields_set/3 UNKNOWN_FIELD');
    refused(['id', 1, undef, ['id'], { id => 1 }, JSON::PP::true],
            map { "/fields_set/$_ INVALID_TYPE" } 1 .. 5);
    refused({ id => 1 }, '/fields_set INVALID_TYPE');
};

subtest 'fields that are not shown change too' => sub {
    my $reply = call('demo-udf', 'udf_string_1', udf_string_1 => 'new', udf_string_2 => 'new 2');
    is(data_text($reply->{json}{data}), '{"udf_string_1":"new"}', 'the reply has one field');
    is($reply->{headers}{etag} =~ /^"D0{29}31-\d+"$/ ? 'so' : $reply->{headers}{etag}, 'so',
       'and the ETag');
    my ($second) = $server->dbh->selectrow_array(
        "SELECT udf_string_2 FROM access_tokens WHERE authentication_code = 'demo-udf'");
    is($second, 'new 2', 'both have changed');
};

$server->finish;
done_testing;
