# Idempotency-Key (contract, section 6): a call that is sent again is made only once,
# whatever happened to the first answer.
use strict;
use warnings;
use utf8;

use Test::More;
use Time::HiRes qw(sleep);

use AccessTokenTest;

my $token = 'demo-session-clerk';
my $server = AccessTokenTest->new(
    location_conf => 'AccessTokenIdempotencyKeyFile key.secret',
    conf => <<'END');
AccessTokenPassCodeScheme bcrypt 4
<Location "/without-key-file">
    SetHandler access-token-update
</Location>
<Location "/short">
    SetHandler access-token-update
    AccessTokenIdempotencyKeyFile key.secret
    AccessTokenIdempotencyLifetime 5s
</Location>
<Location "/always-200">
    SetHandler access-token-update
    AccessTokenIdempotencyKeyFile key.secret
    AccessTokenHTTP200 On
</Location>
END
$server->write_file('key.secret', join '', map { chr } 0 .. 31);
$server->run;
my $dbh = $server->dbh;
my $keys = 0;

sub new_key { 'key-' . ++$keys }

sub row {
    my ($code) = @_;
    return $dbh->selectrow_hashref(
        'SELECT * FROM access_tokens WHERE authentication_code = ?', undef, $code);
}

sub requests {
    my ($key) = @_;
    return $dbh->selectall_arrayref(
        'SELECT * FROM access_token_requests WHERE idempotency_key = ?', { Slice => {} }, $key);
}

# A call with KEY. %more: token, path, headers.
sub call {
    my ($key, $code, $fields, %more) = @_;
    return $server->post({ token => $more{token} // $token, access_token_identifier =>
                           { authentication_code => $code }, %$fields },
                         { 'Idempotency-Key' => $key, %{ $more{headers} // {} } }, $more{path});
}

sub outcome { AccessTokenTest::outcome($_[0]) }
sub replayed { $_[0]{headers}{'idempotency-replayed'} }

# ---- made once, and replayed

{
    my $key = new_key();
    my $before = row('demo-udf');
    my $first = call($key, 'demo-udf', { udf_string_1 => 'once' });
    is(outcome($first), '200 OK', 'a call with a new key is made');
    is(replayed($first), undef, 'and is not a replay');
    my $second = call($key, 'demo-udf', { udf_string_1 => 'once' });
    is(outcome($second), '200 OK', 'sent again, it succeeds');
    is(replayed($second), 'true', 'as a replay');
    is_deeply($second->{json}, $first->{json}, 'with the same reply');
    is($second->{headers}{etag}, $first->{headers}{etag}, 'and the same ETag');
    is(row('demo-udf')->{version}, $before->{version} + 1, 'and is made once');
    my ($request, @more) = @{ requests($key) };
    is(scalar @more, 0, 'the key is stored once');
    is($request->{user_id}, '2', 'with its user');
    is($request->{token_id}, $before->{id}, 'the access token');
    is($request->{version}, $before->{version} + 1, 'and its version');
    like($request->{digest}, qr/^[0-9a-f]{64}$/, 'and a digest');

    # Later updates are not undone.
    call(undef, 'demo-udf', { udf_string_1 => 'later' });
    my $third = call($key, 'demo-udf', { udf_string_1 => 'once' });
    is(replayed($third), 'true', 'after later updates it is still a replay');
    is($third->{json}{data}{udf_string_1}, 'later', 'which shows the current access token');
    is($third->{headers}{etag}, qq("$before->{id}-@{[ $before->{version} + 2 ]}"),
       'with its current ETag');
    is(row('demo-udf')->{udf_string_1}, 'later', 'and changes nothing');
    is(requests($key)->[0]{version}, $before->{version} + 1, 'and neither the stored row');
}

# ---- the same request in another form

{
    my $key = new_key();
    my %body = ('"token"' => qq("$token"), '"udf_float_1"' => '1.5',
                '"access_token_identifier"' => '{"authentication_code":"demo-card"}',
                '"custom_field_set"' => '{"points":7,"nickname":"a"}');
    my $text = sub { my ($colon, $comma, @names) = @_;
                     '{' . join($comma, map { "$_$colon$body{$_}" } @names) . '}' };
    my $send = sub { $server->post($_[0], { 'Idempotency-Key' => $key }) };
    is(outcome($send->($text->(':', ',', sort keys %body))), '200 OK', 'a call');
    is(replayed($send->($text->(" :\n ", " ,\t", reverse sort keys %body))), 'true',
       'white space and the order of members do not matter');
    $body{'"custom_field_set"'} = '{"nickname":"\u0061","points":7}';
    is(replayed($send->($text->(':', ',', sort keys %body))), 'true', 'and neither does escaping');
    my $bare = $text->(':', ',', grep { $_ ne '"token"' } sort keys %body);
    my $reply = $server->post($bare, { 'Idempotency-Key' => $key,
                                       Authorization => "Bearer $token" });
    is(replayed($reply), 'true', 'and neither does the place of the session token');
    $body{'"token"'} = '"demo-session-other-unit"';
    is(replayed($send->($text->(':', ',', sort keys %body))), 'true',
       'and neither does another session of the same user');
    my $before = row('demo-card');
    for my $other (['"udf_float_1"', '1.50'], ['"udf_float_1"', '2'], ['"udf_float_1"', 'null'],
                   ['"custom_field_set"', '[{"points":7},{"nickname":"a"}]'],
                   ['"fields_set"', '""'], ['"udf_string_1"', 'null']) {
        local $body{ $other->[0] } = $other->[1];
        is(outcome($send->($text->(':', ',', sort keys %body))), '422 IDEMPOTENCY_KEY_REUSED',
           "with $other->[0]: $other->[1] it is another request");
        delete $body{ $other->[0] } if !defined $body{ $other->[0] };
    }
    is_deeply(row('demo-card'), $before, 'which changes nothing');
    is($dbh->selectrow_array(q(SELECT COUNT(*) FROM access_token_requests
        WHERE digest LIKE '%token%' OR digest LIKE '%points%')), 0, 'nothing of a request is stored');
}

# ---- calls that change the key of the access token

{
    my $key = new_key();
    my %change = (authentication_code => 'moved-code', identifier => 'moved', pass_code => 'pass-1');
    my $first = call($key, 'demo-effective', { %change });
    is(outcome($first), '200 OK', 'a call changes the code that names its access token');
    my $second = call($key, 'demo-effective', { %change });
    is(outcome($second), '200 OK', 'and is sent again with the old code');
    is(replayed($second), 'true', 'as a replay');
    is_deeply($second->{json}, $first->{json}, 'with the same answer');

    # By identifier and pass code, both changed: the old pass code no longer opens.
    $key = new_key();
    my $body = { token => $token, access_token_identifier =>
                 { identifier => 'moved', pass_code => 'pass-1' },
                 identifier => 'moved-again', pass_code => 'pass-2' };
    my @replies = map { $server->post($body, { 'Idempotency-Key' => $key }) } 1, 2;
    is(outcome($_), '200 OK', 'by identifier and pass code') for @replies;
    is(replayed($replies[1]), 'true', 'the second is a replay');
    is(row('moved-code')->{identifier}, 'moved-again', 'made once');

    # If-Match had the version before the first call.
    $key = new_key();
    my $etag = $replies[1]{headers}{etag};
    my @more = map { call($key, 'moved-code', { udf_string_1 => 'm' },
                          headers => { 'If-Match' => $etag }) } 1, 2;
    is(outcome($_), '200 OK', 'If-Match') for @more;
    is(replayed($more[1]), 'true', 'does not stop a replay');

    # So had If-None-Match, but the tag after this call matches it.
    $key = new_key();
    my ($head, $version) = $more[0]{headers}{etag} =~ /(.*-)(\d+)"/;
    my $next = $head . ($version + 1) . '"';
    @more = map { call($key, 'moved-code', { udf_string_1 => 'n' },
                       headers => { 'If-None-Match' => $next }) } 1, 2;
    is(outcome($_), '200 OK', 'If-None-Match') for @more;
    is($more[0]{headers}{etag}, $next, 'gets the next version');
    is(replayed($more[1]), 'true', 'does not stop a replay');
}

# ---- the key as the quoted string of the draft

for my $case (['quoted-1', '"quoted-1"'], ['with"quote', '"with\\"quote"'],
              ['back\\slash', '"back\\\\slash"'], ['y' x 255, '"' . 'y' x 255 . '"'],
              ['"' x 3, '"\\"\\"\\""', 1]) {
    my ($plain, $quoted, $only_quoted) = @$case;
    my %change = (udf_string_6 => $plain);
    my $before = row('demo-udf');
    my @replies = map { call($_, 'demo-udf', { %change }) }
        $quoted, $only_quoted ? $quoted : $plain, $quoted;
    is(outcome($_), '200 OK', "the key $quoted is accepted") for @replies;
    is_deeply([map { replayed($_) // 'false' } @replies], ['false', 'true', 'true'],
              'and is the same with and without quotes');
    is(row('demo-udf')->{version}, $before->{version} + 1, 'and the call is made once');
    is(scalar @{ requests($plain) }, 1, 'stored without quotes');
}

# ---- a generated pass code is shown once

{
    my $key = new_key();
    my @replies = map { call($key, 'demo-auto-pass', { pass_code => undef }) } 1, 2;
    like($replies[0]{json}{data}{pass_code} // '', qr/^\d{6}$/, 'a pass code is generated');
    is(replayed($replies[1]), 'true', 'sent again');
    ok(!exists $replies[1]{json}{data}{pass_code}, 'it is not shown');
    $key = new_key();
    @replies = map { call($key, 'demo-auto-pass', { pass_code => undef,
                                                    fields_set => 'pass_code, id' }) } 1, 2;
    is_deeply([map { join ' ', sort keys %{ $_->{json}{data} } } @replies], ['id pass_code', 'id'],
              'not even if fields_set names it');
}

# ---- the user of a key

{
    my $key = new_key();
    is(outcome(call($key, 'demo-person', { udf_string_1 => 'clerk' })), '200 OK', 'a key of one user');
    my $other = 'A4F19B70D95D4DE09C3A9FC720A33A49';
    my $reply = call($key, 'demo-person', { udf_string_1 => 'admin' }, token => $other);
    is(outcome($reply), '200 OK', 'can be used by another user');
    is(replayed($reply), undef, 'whose call is made');
    is(scalar @{ requests($key) }, 2, 'both are stored');
    is(outcome(call($key, 'demo-person', { udf_string_1 => 'clerk' },
                    token => 'demo-session-expired')), '401 INVALID_TOKEN', 'without a session');
    is(outcome(call($key, 'demo-person', { udf_string_1 => 'clerk' },
                    token => 'demo-session-forbidden')), '403 FORBIDDEN', 'without permission');
}

# ---- keys of failed calls are not stored

{
    my $key = new_key();
    is(outcome(call($key, 'demo-person', { authentication_code => 'demo-card' })),
       '409 DUPLICATE_VALUE /authentication_code DUPLICATE_VALUE', 'a refused call');
    is(outcome(call($key, 'no-such-code', {})), '404 ACCESS_TOKEN_NOT_FOUND', 'and another');
    is_deeply(requests($key), [], 'stores no key');
    my $reply = call($key, 'demo-person', { udf_string_2 => 'now' });
    is(outcome($reply), '200 OK', 'so the key can be used for another call');
    is(replayed($reply), undef, 'that is made');
}

# ---- invalid keys

for my $case (['', 'empty'], ['x' x 256, 'too long'], ['a b', 'with a blank'],
              ["caf\xe9", 'not ASCII'], ["a\r\nIdempotency-Key: b", 'two'],
              [qq("a"\r\nIdempotency-Key: "b"), 'two quoted ones'],
              ['""', 'empty in quotes'], ['"', 'a quote'], ['"abc', 'not closed'],
              ['"abc\\"', 'closed by an escape'], ['"a\\bc"', 'with an escape of a letter'],
              ['"a"b', 'followed by something'], ['"a";p=1', 'with a parameter'],
              ['"a b"', 'with a blank in quotes'], [qq("caf\xe9"), 'not ASCII in quotes'],
              ['"' . 'x' x 256 . '"', 'too long in quotes']) {
    my ($bad, $name) = @$case;
    my $before = row('demo-person');
    my $text = $server->request_text(qq({"token":"$token","udf_string_2":"bad",)
        . q("access_token_identifier":{"authentication_code":"demo-person"}}));
    $text =~ s/\r\n/\r\nIdempotency-Key: $bad\r\n/;
    is(outcome($server->raw($text)), '400 INVALID_REQUEST', "a key that is $name");
    is_deeply(row('demo-person'), $before, 'changes nothing');
}
for my $good ('x' x 255, '!~"\\', "'; DROP TABLE users; --" =~ tr/ //dr, '%s%n?:now') {
    my @replies = map { call($good, 'demo-person', { udf_string_2 => 'good' }) } 1, 2;
    is(outcome($replies[0]), '200 OK', "a key of @{[ length $good ]} characters");
    is(replayed($replies[1]), 'true', 'is stored unchanged');
}
isnt(replayed(call('KEY-CASE', 'demo-person', {})), 'true', 'a key');
isnt(replayed(call('key-case', 'demo-person', {})), 'true', 'in another case is another key');
{
    my $before = row('demo-person');
    my $reply = call(new_key(), 'demo-person', { udf_string_2 => 'x' }, path => '/without-key-file');
    is(outcome($reply), '400 INVALID_REQUEST', 'without a key file, a key is refused');
    is_deeply(row('demo-person'), $before, 'and nothing changes');
    is(outcome(call(undef, 'demo-person', {}, path => '/without-key-file')), '200 OK',
       'a call without a key is not refused');
}

# ---- the forms of the error

{
    my $key = new_key();
    call($key, 'demo-person', {});
    my $reply = call($key, 'demo-card', {}, path => '/always-200');
    is(outcome($reply), '200 IDEMPOTENCY_KEY_REUSED', 'the HTTP-200 mode');
    $reply = call($key, 'demo-card', {}, headers => { Accept => 'application/problem+json' });
    is($reply->{json}{code}, 'IDEMPOTENCY_KEY_REUSED', 'problem details');
    is($reply->{json}{status}, 422, 'with their status');
}

# ---- the lifetime of a key

{
    my $key = new_key();
    my %short = (path => '/short');
    is(outcome(call($key, 'demo-person', { udf_string_3 => 'first' }, %short)), '200 OK', 'a key');
    is(outcome(call($key, 'demo-person', { udf_string_3 => 'other' }, %short)),
       '422 IDEMPOTENCY_KEY_REUSED', 'a key that has not expired');
    sleep 6.1;
    my $reply = call($key, 'demo-person', { udf_string_3 => 'other' }, %short);
    is(outcome($reply), '200 OK', 'an expired key can be used again');
    is(replayed($reply), undef, 'for another request');
    is(scalar @{ requests($key) }, 1, 'which replaces the first one');
    is(replayed(call($key, 'demo-person', { udf_string_3 => 'other' }, %short)), 'true',
       'and is replayed again');
    # The statements of docs/operations.md that delete old keys.
    my $count = sub { $dbh->selectrow_array('SELECT COUNT(*) FROM access_token_requests') };
    sleep 6.1;
    my $all = $count->();
    $dbh->do(AccessTokenTest::engine() ne 'sqlite3'
        ? 'DELETE FROM access_token_requests WHERE expires_at < UTC_TIMESTAMP() LIMIT 10000'
        : q(DELETE FROM access_token_requests WHERE expires_at < strftime('%Y-%m-%dT%H:%M:%S', 'now')));
    is($count->(), $all - 1, 'it removes only the old ones');
}

# ---- concurrent calls with the same key

for my $round (1 .. 6) {
    my $key = new_key();
    my $before = row('demo-udf');
    my @replies = $server->in_parallel(8, sub {
        my $reply = call($key, 'demo-udf', { udf_string_4 => "round $round" });
        return { outcome => outcome($reply), replayed => replayed($reply) // 'false' };
    });
    is(join(', ', map { $_->{outcome} // $_->{died} } @replies), join(', ', ('200 OK') x 8),
       "round $round: concurrent calls with one key all succeed");
    is(scalar(grep { $_->{replayed} eq 'false' } @replies), 1, 'one has made the change');
    is(row('demo-udf')->{version}, $before->{version} + 1, 'once');
}
for my $round (1 .. 6) {
    # On different access tokens, so only the key connects the calls.
    my $key = new_key();
    my @codes = qw(demo-udf demo-card demo-person demo-company);
    my %before = map { $_ => row($_)->{version} } @codes;
    my @replies = $server->in_parallel(4, sub {
        return { outcome => outcome(call($key, $codes[$_[0]], { udf_string_5 => "text $round" })) };
    });
    is(join(', ', sort map { $_->{outcome} // $_->{died} } @replies),
       join(', ', '200 OK', ('422 IDEMPOTENCY_KEY_REUSED') x 3),
       "round $round: concurrent calls with one key for different requests");
    is(scalar(grep { row($_)->{version} != $before{$_} } @codes), 1, 'and one is made');
}

$server->finish;
done_testing;
