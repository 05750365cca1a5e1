# Concurrent calls (contract, section 6): several children of httpd, on one access token
# and on one value.
use strict;
use warnings;
use utf8;

use Test::More;

use AccessTokenTest;

my $clients = 12;
my $token = 'demo-session-clerk';

# A line for each request with the process that served it.
my $server = AccessTokenTest->start(
    conf => <<'END',
StartServers 3
CustomLog processes.log "%P"
AccessTokenPassCodeScheme md5crypt
END
);
my $dbh = $server->dbh;

sub row_of {
    my ($id) = @_;
    return $dbh->selectrow_hashref('SELECT * FROM access_tokens WHERE id = ?', undef, $id);
}

sub update {
    my ($code, $fields, $headers) = @_;
    my %sent = (token => $token, access_token_identifier => { authentication_code => $code });
    return $server->post({ %sent, %$fields }, $headers);
}

# The version in the ETag of a reply. Each version belongs to one call.
sub version_of {
    my ($reply) = @_;
    return ($reply->{headers}{etag} // '') =~ /-(\d+)"$/ ? $1 : undef;
}

# The parts of a reply that a client returns.
sub summary {
    my ($reply) = @_;
    return { status => $reply->{status}, version => version_of($reply),
             code => $reply->{json}{status}{code}, errors => $reply->{json}{errors},
             data => $reply->{json}{data}, content => $reply->{content} };
}

# The outcomes of the replies: "200: 1, 409: 3".
sub outcomes {
    my (@replies) = @_;
    my %count;
    for my $reply (@replies) {
        my $code = $reply->{code} // $reply->{died} // $reply->{content} // 'nothing';
        $count{ ($reply->{status} // 'none') . " $code" }++;
    }
    return join ', ', map { "$_: $count{$_}" } sort keys %count;
}

my %udf = (id => 'D0000000000000000000000000000031', code => 'demo-udf');

# ---- different fields of one access token

{
    my $calls = 4;
    # Each client has its own field and sets several values in turn. In the end the row
    # must have the stored form of the last value.
    my @fields = (
        (map { ["udf_string_$_", map { "client text $_" } 1 .. $calls] } 1 .. 4),
        (map { ["udf_float_$_", map { $_ + 0.25 } 1 .. $calls] } 1, 2),
        (map { ["udf_date_$_", map { "200$_-01-01T00:00:00" } 1 .. $calls] } 1, 2),
        ['card_masked_number', map { "**** $_" } 1 .. $calls],
        map { ['custom_field_set', @$_] } (
            [map { { nickname => "nick $_" } } 1 .. $calls],
            [map { { points => $_ } } 1 .. $calls],
            [map { { newsletter => $_ % 2 ? JSON::PP::false : JSON::PP::true } } 1 .. $calls],
        ),
    );
    my $before = row_of($udf{id});
    my @results = $server->in_parallel(scalar @fields, sub {
        my ($field, @values) = @{ $fields[$_[0]] };
        return [map { summary(update($udf{code}, { $field => $_ })) } @values];
    });
    my @replies = map { ref eq 'ARRAY' ? @$_ : $_ } @results;
    my $count = $calls * @fields;
    is(outcomes(@replies), "200 OK: $count",
       'calls on different fields of one access token all succeed');
    my $after = row_of($udf{id});
    is($after->{version}, $before->{version} + $count,
       'the version grew by the number of calls');
    is(join(' ', sort { $a <=> $b } map { $_->{version} // 0 } @replies),
       join(' ', map { $before->{version} + $_ } 1 .. $count),
       'each call has its own version in its ETag');
    for my $entry (grep { $_->[0] ne 'custom_field_set' } @fields) {
        my $field = $entry->[0];
        is($after->{$field} =~ tr/ /T/r, $entry->[-1] =~ tr/ /T/r,
           "$field has the last value of its client");
    }
    my $set = JSON::PP->new->decode($after->{custom_field_set});
    is($set->{nickname}, "nick $calls", 'a custom field has the last value of its client: a string');
    is($set->{points}, $calls, 'a number');
    ok($set->{newsletter}, 'a boolean');
    my $others = join '|', map { $_ // 'NULL' } @$before{qw(udf_string_5 udf_float_3 udf_date_3)};
    is(join('|', map { $_ // 'NULL' } @$after{qw(udf_string_5 udf_float_3 udf_date_3)}), $others,
       'fields that no client sent are unchanged');
    my @torn = grep { $_->{data} && $_->{data}{udf_string_5} ne 'Καλημέρα' } @replies;
    is(scalar @torn, 0, 'each reply shows the rest of the access token');
}

# ---- the same fields: the last call wins as a whole

{
    my $before = row_of($udf{id});
    my @replies = $server->in_parallel($clients, sub {
        my $text = chr(ord('a') + $_[0]) x 255;
        return summary(update($udf{code}, { map { ("udf_string_$_" => $text) } 1 .. 8 }));
    });
    is(outcomes(@replies), "200 OK: $clients", 'calls on the same fields all succeed');
    my $after = row_of($udf{id});
    is($after->{version}, $before->{version} + $clients, 'each makes one version');
    my ($last) = sort { $replies[$b]{version} <=> $replies[$a]{version} } 0 .. $#replies;
    is($after->{"udf_string_$_"}, chr(ord('a') + $last) x 255,
       "the row has udf_string_$_ of the last call") for 1 .. 8;
}

# ---- one value for several access tokens

my @tokens = map { [sprintf('D00000000000000000000000000000%02X', $_)] } 0x10 .. 0x13, 0x20 .. 0x24;
$_->[1] = row_of($_->[0])->{authentication_code} for @tokens;

for my $field (qw(authentication_code identifier)) {
    for my $round (1 .. 3) {
        my $value = "race-$field-$round";
        my %fields = ($field => $value);
        $fields{pass_code} = 'pass-1' if $field eq 'identifier';
        my @before = map { row_of($_->[0]) } @tokens;
        my @replies = $server->in_parallel(scalar @tokens,
            sub { summary(update($tokens[$_[0]][1], \%fields)) });
        my $losers = @tokens - 1;
        is(outcomes(@replies), "200 OK: 1, 409 DUPLICATE_VALUE: $losers",
           "round $round: one $field goes to one access token");
        my @pointers = map { $_->{pointer} } map { @{ $_->{errors} // [] } } @replies;
        is("@pointers", join(' ', ("/$field") x $losers), 'the others get the name of the value');
        my ($winner) = grep { $replies[$_]{status} == 200 } 0 .. $#replies;
        my $owners = $dbh->selectcol_arrayref(
            "SELECT id FROM access_tokens WHERE $field = ?", undef, $value);
        is("@$owners", $tokens[$winner // 0][0], 'the winner has it');
        my @changed = grep { row_of($tokens[$_][0])->{version} != $before[$_]{version} }
            0 .. $#tokens;
        is("@changed", $winner, 'and nothing else has changed');
        $tokens[$winner][1] = $value if $field eq 'authentication_code';
    }
}

# ---- If-Match

{
    my $etag = update($udf{code}, {})->{headers}{etag};
    my @replies = $server->in_parallel($clients, sub {
        return summary(update($udf{code}, { udf_string_1 => "client $_[0]" },
                              { 'If-Match' => $etag }));
    });
    my $losers = $clients - 1;
    is(outcomes(@replies), "200 OK: 1, 412 PRECONDITION_FAILED: $losers",
       'with If-Match one call of many succeeds');
    my ($winner) = grep { $replies[$_]{status} == 200 } 0 .. $#replies;
    is(row_of($udf{id})->{udf_string_1}, 'client ' . ($winner // 'none'), 'and the row has its value');
}

# ---- generated numbers

{
    $dbh->do('UPDATE access_tokens SET classification_id = ? WHERE id = ?', undef,
             'CC000000000000000000000000000004', $_->[0]) for @tokens;
    my @replies = $server->in_parallel(scalar @tokens, sub {
        return summary(update($tokens[$_[0]][1], { authentication_code => undef }));
    });
    is(outcomes(@replies), '200 OK: ' . @tokens, 'numbers are generated at the same time');
    my %numbers = map { ($_->{data}{authentication_code} // '') => 1 } @replies;
    is(scalar keys %numbers, @tokens, 'all numbers differ');
    is(scalar(grep { !/^\d+$/ } keys %numbers), 0, 'and have only digits');
    ok(!$numbers{1001}, 'and are not the one in use');
    is(row_of($tokens[$_][0])->{authentication_code}, $replies[$_]{data}{authentication_code},
       "the reply has the stored number: $_") for 0 .. $#tokens;
    $tokens[$_][1] = $replies[$_]{data}{authentication_code} for 0 .. $#tokens;
}

# ---- the code that identifies an access token changes

{
    my ($id, $code) = @{ $tokens[0] };
    my $before = row_of($id)->{version};
    my @replies = $server->in_parallel($clients, sub {
        my ($number) = @_;
        return summary(update($code, { authentication_code => 'moved-away' })) if $number == 0;
        return summary(update($code, { "udf_string_$number" => 'arrived' })) if $number < 9;
        return summary(update($code, { 'udf_float_' . ($number - 8) => 1 }));
    });
    is($replies[0]{status}, 200, 'a code changes while others use it');
    is(scalar(grep { $_->{status} != 200 && $_->{status} != 404 } @replies), 0,
       'the others find it or not') or diag(outcomes(@replies));
    my $after = row_of($id);
    is($after->{version} - $before, scalar(grep { $_->{status} == 200 } @replies),
       'calls that found it have changed it');
    is(scalar(grep { ($replies[$_]{status} == 200) != defined $after->{"udf_string_$_"} } 1 .. 8),
       0, 'and the others have not');
    $tokens[0][1] = 'moved-away';
}

# ---- a pass code opens until it changes

{
    my $open = { identifier => 'demo-member-user', pass_code => 'demo-pass-1' };
    my @replies = $server->in_parallel($clients, sub {
        return summary($server->post({ token => $token, access_token_identifier => $open,
                                       pass_code => "changed-$_[0]" }));
    });
    my $losers = $clients - 1;
    is(outcomes(@replies), "200 OK: 1, 404 ACCESS_TOKEN_NOT_FOUND: $losers",
       'once the pass code is changed, the old one no longer opens');
    my ($winner) = grep { $replies[$_]{status} == 200 } 0 .. $#replies;
    my $reply = $server->post({ token => $token, access_token_identifier =>
        { %$open, pass_code => 'changed-' . ($winner // 0) } });
    is($reply->{status}, 200, "that of the winner opens");
}

# ---- several processes

$server->stop;
my %process = map { $_ => 1 } split /\n/, $server->read_file('processes.log');
cmp_ok(scalar keys %process, '>=', 2, 'several processes have served');

$server->finish;
done_testing;
