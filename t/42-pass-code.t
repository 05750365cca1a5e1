# Pass codes (contract, section 2, "pass_code"): hashed with each scheme, verified
# whatever the scheme of the hash, never cut, and never shown.
use strict;
use warnings;
use utf8;

use Encode qw(encode_utf8);
use MIME::Base64 qw(encode_base64);
use Test::More;
use Time::HiRes qw(time);

use AccessTokenTest;

my $token = 'demo-session-clerk';

# Each: the value of the directive, the form of its hashes, the bytes that it accepts,
# whether it uses all eight bits of a byte.
my %scheme = (
    default     => [undef, qr/\A\$2y\$10\$[.\/A-Za-z0-9]{53}\z/, 72, 1],
    bcrypt      => ['bcrypt 4', qr/\A\$2y\$04\$[.\/A-Za-z0-9]{53}\z/, 72, 1],
    yescrypt    => ['yescrypt 1', qr/\A\$y\$[.\/A-Za-z0-9]+\$[^\$]+\$[^\$]{43}\z/, 511, 1],
    sha512crypt => ['sha512crypt 1000', qr/\A\$6\$rounds=1000\$[^\$]+\$[^\$]{86}\z/, 511, 1],
    md5crypt    => ['md5crypt', qr/\A\$1\$[^\$]+\$[^\$]{22}\z/, 511, 1],
    descrypt    => ['descrypt', qr/\A[.\/A-Za-z0-9]{13}\z/, 8, 0],
);

sub location {
    my ($path, $directive) = @_;
    $directive = defined $directive ? "AccessTokenPassCodeScheme $directive" : '';
    return qq(<Location "$path">\nSetHandler access-token-update\n$directive\n</Location>\n);
}

# Apache's own authentication serves /protected from the same table.
my $server = AccessTokenTest->start(conf => join '',
    (map { location("/$_", $scheme{$_}[0]) } sort keys %scheme), location('/slow', 'bcrypt 8'),
    <<'END');
<Location "/protected">
    AuthType Basic
    AuthName "identifier and pass code"
    AuthBasicProvider dbd
    AuthDBDUserPWQuery "SELECT pass_code FROM access_tokens WHERE identifier = %s"
    Require valid-user
</Location>
END
mkdir $server->path('htdocs/protected') or die "htdocs/protected: $!\n";
$server->write_file('htdocs/protected/index.html', "within\n");
my $dbh = $server->dbh;

# The secrets: every pass code that was sent and every hash that was stored.
my (%secret, @replies);

sub note_hashes {
    $secret{$_} = 1 for grep { length $_ > 12 } @{ $dbh->selectcol_arrayref(
        'SELECT pass_code FROM access_tokens WHERE pass_code IS NOT NULL') };
    return;
}

sub call {
    my ($path, $key, $fields) = @_;
    my $reply = $server->post(
        { token => $token, access_token_identifier => $key, %{ $fields // {} } }, {}, $path);
    push @replies, $reply->{content};
    for my $sent ($key->{pass_code}, $fields->{pass_code}) {
        $secret{ encode_utf8($sent) } = 1 if defined $sent && length $sent > 7;
    }
    note_hashes();
    return $reply;
}

# "200", or "422 TOO_LONG /pass_code".
sub outcome {
    my ($reply) = @_;
    return join ' ', $reply->{status}, map { "$_->{code} $_->{pointer}" }
        @{ $reply->{json}{errors} // [] };
}

sub row {
    my ($code) = @_;
    return $dbh->selectrow_hashref('SELECT * FROM access_tokens WHERE authentication_code = ?',
                                   undef, $code);
}

sub hash_of { row($_[0])->{pass_code} }

my %card = (authentication_code => 'demo-card');
my $user = 'pass-code-user';

sub opens {
    my ($path, $pass_code, $identifier) = @_;
    my $reply = call($path, { identifier => $identifier // $user, pass_code => $pass_code });
    return $reply->{status} == 200 ? 'opens'
        : ($reply->{json}{status}{code} // '') eq 'ACCESS_TOKEN_NOT_FOUND' ? 'does not open'
        : outcome($reply);
}

# ---- each scheme

for my $name (sort keys %scheme) {
    my (undef, $form, $most, $takes_all) = @{ $scheme{$name} };
    my $path = "/$name";
    my $set = sub {
        return call($path, { %card }, { identifier => $user, pass_code => $_[0] });
    };
    is(outcome($set->('open-1!')), 200, "$name: a pass code is set");
    my $hash = hash_of('demo-card');
    like($hash, $form, "$name: it is stored as a hash of this scheme");
    is(crypt('open-1!', $hash), $hash, "$name: which libcrypt verifies");
    is(opens($path, 'open-1!'), 'opens', "$name: it opens the access token");
    is(opens($path, 'open-1?'), 'does not open', "$name: another one does not");
    is(opens($path, 'OPEN-1!'), 'does not open', "$name: and neither does the same in capitals");
    is(hash_of('demo-card'), $hash, "$name: opening writes no hash");
    $set->('open-1!');
    isnt(hash_of('demo-card'), $hash, "$name: the same pass code again gets another salt");

    # The longest pass code; each of its bytes counts.
    my $longest = join '', map { chr(ord('!') + $_ % 90) } 1 .. $most;
    is(outcome($set->($longest)), 200, "$name: $most bytes are accepted");
    is(opens($path, $longest), 'opens', "$name: and open");
    is(opens($path, substr($longest, 0, -1) . '~'), 'does not open',
       "$name: not with another last byte");
    is(opens($path, substr $longest, 0, -1), 'does not open', "$name: not without the last byte");
    my $before = row('demo-card');
    is(outcome($set->("${longest}x")), '422 TOO_LONG /pass_code',
       "$name: a byte more is refused");
    is_deeply(row('demo-card'), $before, "$name: and nothing changes");

    # Bytes are counted, not characters.
    my $text = '€' x ($most / 3);
    is(outcome($set->($text)), $takes_all ? 200 : '422 INVALID_FORMAT /pass_code',
       "$name: " . ($takes_all ? 'three bytes a character' : 'only ASCII'));
    next if !$takes_all;
    is(opens($path, $text), 'opens', "$name: text other than ASCII opens");
    is(outcome($set->("$text€")), '422 TOO_LONG /pass_code',
       "$name: one character too many for the bytes");
    for my $odd (q(a'b"c\\d%s?:;), '$2y$10$Ltc4R5MQvqYR9FSpFdYz.O', '👩‍🚀é🎁', 'two  blanks',
                 '*0') {
        $set->("odd$odd");
        is(opens($path, "odd$odd"), 'opens',
           encode_utf8("$name: $odd is a valid pass code"));
    }
}

# A pass code that is only verified has the general limit, with any scheme.
is(opens('/default', 'x' x 512), 'does not open', 'a pass code of 512 bytes is verified');
is(opens('/default', 'x' x 513), '422 TOO_LONG /access_token_identifier/pass_code',
   'a pass code of 513 bytes is refused');
is(opens('/descrypt', 'x' x 512), 'does not open', "the limit of the scheme does not apply to a key");

# ---- hashes of older programs

for my $case (['demo-bcrypt', '$2y$'], ['demo-apr1', '$apr1$'], ['demo-sha1', '{SHA}'],
              ['demo-sha512', '$6$']) {
    my ($code, $prefix) = @$case;
    my $identifier = "$code-user";
    my $hash = hash_of($code);
    like($hash, qr/\A\Q$prefix\E/, "$code: a stored hash of $prefix");
    is(opens('/bcrypt', 'demo-pass-2', $identifier), 'does not open', "$code: another pass code does not open");
    my $reply = call('/bcrypt', { identifier => $identifier, pass_code => 'demo-pass-1' },
                     { udf_string_1 => 'opened' });
    is($reply->{json}{data}{udf_string_1}, 'opened', "$code: its pass code opens");
    is(hash_of($code), $hash, "$code: and the hash is not rewritten");
    $reply = call('/bcrypt', { identifier => $identifier, pass_code => 'demo-pass-1' },
                  { pass_code => 'demo-pass-3' });
    is($reply->{status}, 200, "$code: the old pass code opens to set a new one");
    like(hash_of($code), $scheme{bcrypt}[1], "$code: which is hashed with the current scheme");
    is(opens('/bcrypt', 'demo-pass-1', $identifier), 'does not open', "$code: the old one no longer opens");
    is(opens('/bcrypt', 'demo-pass-3', $identifier), 'opens', "$code: the new one opens");
}

# ---- texts that look the same

# Each: a name, the text of one program and the text of another.
for my $case (['an accent', "cafe\x{301}-opens", "caf\x{e9}-opens"],
              ['two marks', "q\x{307}\x{323}-opens", "q\x{323}\x{307}-opens"],
              ['Hangul', "\x{1112}\x{1161}\x{11ab}-opens", "\x{d55c}-opens"],
              ['spaces', "wide\x{3000}open\x{a0}space", 'wide open space'],
              ['a unit sign', "\x{212b}-opens", "\x{c5}-opens"]) {
    my ($name, @forms) = @$case;
    for my $path (qw(/bcrypt /yescrypt /sha512crypt)) {
        my @hashes;
        for my $set (@forms) {
            call($path, { %card }, { identifier => $user, pass_code => $set });
            push @hashes, hash_of('demo-card');
            is(opens($path, $_), 'opens', "$name: each form opens on $path") for @forms;
        }
        is(crypt(encode_utf8($forms[1]), $_), $_, "$name: the composed form is hashed") for @hashes;
        # A hash that an earlier version or another program has stored.
        my $old = crypt encode_utf8($forms[0]), '$2y$04$Ltc4R5MQvqYR9FSpFdYz.O';
        $dbh->do('UPDATE access_tokens SET pass_code = ? WHERE identifier = ?', undef, $old, $user);
        is(opens($path, $forms[0]), 'opens', "$name: an old hash opens by the bytes as sent");
        is(opens($path, $forms[1]), 'does not open', "$name: and only by these");
        is(opens($path, "$forms[0]x"), 'does not open', "$name: and not with more bytes");
    }
}
# The limit applies to the composed form: 36 letters of two bytes each.
is(outcome(call('/bcrypt', { %card }, { identifier => $user, pass_code => "e\x{301}" x 36 })), 200,
   'the limit applies to the composed form');
is(opens('/bcrypt', "e\x{301}" x 36), 'opens', 'and opens');
is(outcome(call('/bcrypt', { %card }, { identifier => $user, pass_code => "e\x{301}" x 36 . 'x' })),
   '422 TOO_LONG /pass_code', 'a byte more is refused');
is(outcome(call('/bcrypt', { %card }, { identifier => $user, pass_code => "$_->[0]pass$_->[1]" })),
   '422 INVALID_FORMAT /pass_code', 'any kind of space at an end is refused')
    for ["\x{3000}", ''], ['', "\x{a0}"];

# These schemes only use the first bytes. A longer pass code must not open, whatever the
# current scheme accepts.
for my $case (['bcrypt', 72, '$2y$04$Ltc4R5MQvqYR9FSpFdYz.O'], ['bcrypt of $2b$', 72,
              '$2b$04$Ltc4R5MQvqYR9FSpFdYz.O'], ['descrypt', 8, 'Lt']) {
    my ($name, $most, $salt) = @$case;
    my $whole = join '', map { chr(ord('!') + $_ * 7 % 90) } 1 .. $most;
    my $hash = crypt($whole, $salt) // '';
    is(crypt("${whole}junk", $salt), $hash, "$name: libcrypt uses $most bytes");
    $dbh->do('UPDATE access_tokens SET identifier = ?, pass_code = ? WHERE number = ?', undef,
             'whole-user', $hash, '116');
    for my $path (qw(/bcrypt /yescrypt /descrypt)) {
        is(opens($path, $whole, 'whole-user'), 'opens', "$name: $most bytes open on $path");
        for my $more ('j', 'junk', 'x' x (512 - $most)) {
            is(opens($path, $whole . $more, 'whole-user'), 'does not open',
               "$name: not with " . length($more) . " after them on $path");
        }
    }
}

# ---- hashes that take minutes

{
    $server->allow_log(qr/AT052: the stored hash of access token \S+ was not verified: /);
    my $id = row('demo-card')->{id};
    my $salt = 'Ltc4R5MQvqYR9FSpFdYz.O';
    for my $absurd ("\$2b\$31\$$salt" . 'x' x 31, "\$2y\$16\$$salt" . 'x' x 31,
                    '$6$rounds=999999999$salt$' . 'x' x 86, '$5$rounds=999999999$salt$' . 'x' x 43,
                    '$y$jFT$' . 'salt' x 5 . '$' . 'x' x 43, '$7$LU..../....saltsaltsalt$' . 'x' x 43,
                    '$sha1$4000000000$saltsalt$' . 'x' x 28, '$md5,rounds=4000000000$salt$$' . 'x' x 22,
                    '_zzzzsalt' . 'x' x 11, '$argon2id$v=19$m=65536,t=3,p=4$c2FsdA$aGFzaA') {
        $dbh->do('UPDATE access_tokens SET identifier = ?, pass_code = ? WHERE id = ?', undef,
                 'absurd-user', $absurd, $id);
        my $lines = () = $server->error_log =~ /AT052/g;
        my $start = time;
        is(opens('/bcrypt', 'absurd-1', 'absurd-user'), 'does not open', "$absurd does not open");
        # Verifying one takes more than a minute.
        cmp_ok(time - $start, '<', 20, 'and does not block a thread');
        my ($line, @more) = (grep { /AT052/ } split /\n/, $server->error_log)[$lines .. $lines + 1];
        like($line // '', qr/\[access_token:warn\].*the stored hash of access token \Q$id\E was not verified: /,
             'the log names the access token');
        like($line // '', qr/would take about \d+\.\d s and \d+ MB, and AccessTokenPassCodeLimit is 2\.0 s and 256 MB|its scheme is unknown/,
             'and the reason');
        is(outcome(call('/bcrypt', { %card }, { identifier => 'absurd-user', pass_code => 'absurd-2' })),
           200, 'a call by its code sets a new one');
        is(opens('/bcrypt', 'absurd-2', 'absurd-user'), 'opens', 'which opens');
    }
}

# Rows that no pass code opens, not even the stored text itself.
for my $broken ('', '*0', '!', 'x', 'plain-text-1', '$2y$10$short', '$9$unknown$scheme', undef) {
    $dbh->do('UPDATE access_tokens SET identifier = ?, pass_code = ? WHERE number = ?', undef,
             'broken-user', $broken, '116');
    my $name = defined $broken ? "the stored text '$broken'" : 'no stored pass code';
    for my $tried (grep { defined && length } $broken, 'x', 'demo-pass-1') {
        is(opens('/bcrypt', $tried, 'broken-user'), 'does not open', "$name: $tried");
    }
}

# ---- mod_authn_dbd of Apache with the same table

sub enters {
    my ($identifier, $pass_code) = @_;
    my $text = encode_base64(encode_utf8("$identifier:$pass_code"), '');
    my $reply = $server->request('GET', '/protected/index.html',
                                 { authorization => "Basic $text" });
    return $reply->{status};
}

my $current = 'before-1';
call('/bcrypt', { %card }, { identifier => $user, pass_code => $current });
for my $name (grep { $_ ne 'descrypt' } sort keys %scheme) {
    for my $next ("entered by $name", "Ünïcödé-🎁-$name") {
        is(enters($user, $current), 200, "$name: mod_authn_dbd lets the pass code in");
        is(enters($user, $next), 401, "$name: not the next one");
        call("/$name", { identifier => $user, pass_code => $current }, { pass_code => $next });
        is(enters($user, $next), 200, "$name: after an update the new one");
        is(enters($user, $current), 401, "$name: and not the old one");
        $current = $next;
    }
}
call('/bcrypt', { %card }, { identifier => 'pass-code-üser', pass_code => $current });
is(enters('pass-code-üser', $current), 200, 'mod_authn_dbd knows a new identifier');
is(enters($user, $current), 401, 'and not the old one');
call('/bcrypt', { %card }, { identifier => undef, pass_code => undef });
is(enters('pass-code-üser', $current), 401, 'and not a removed identifier');

# ---- a generated pass code is shown once

{
    my $key = { authentication_code => 'demo-auto-pass' };
    my $reply = call('/bcrypt', $key, { pass_code => undef });
    # It has been shown; from now on it is a secret like the others.
    pop @replies;
    my $generated = $reply->{json}{data}{pass_code};
    like($generated, qr/\A\d+\z/, 'a pass code is generated and shown');
    like(hash_of('demo-auto-pass'), $scheme{bcrypt}[1], 'and stored as a hash');
    is(opens('/bcrypt', $generated, 'demo-auto-pass-user'), 'opens', 'it opens');
    is(enters('demo-auto-pass-user', $generated), 200, 'for mod_authn_dbd too');
    ok(!exists call('/bcrypt', $key)->{json}{data}{pass_code}, 'it is not shown again');
    unlike($server->error_log, qr/\b$generated\b/, 'and is never in the error log');
}

# ---- times do not show whether an identifier exists

{
    call('/slow', { %card }, { identifier => $user, pass_code => 'timing-pass-1' });
    $dbh->do('UPDATE access_tokens SET identifier = ?, pass_code = NULL WHERE number = ?', undef,
             'broken-user', '116');
    my %tried = (wrong => $user, unknown => 'no-such-user', unset => 'broken-user');
    my %seconds;
    for my $round (1 .. 15) {
        for my $kind (sort keys %tried) {
            my $start = time;
            my $reply = call('/slow', { identifier => $tried{$kind}, pass_code => 'wrong-pass-1' });
            push @{ $seconds{$kind} }, time - $start;
            is(outcome($reply), 404, "$kind: not found") if $round == 1;
        }
        my $start = time;
        call('/slow', { authentication_code => 'no-such-code' });
        push @{ $seconds{by_code} }, time - $start;
    }
    # The shortest time is the one with the least disturbance.
    my %least = map { $_ => (sort { $a <=> $b } @{ $seconds{$_} })[0] } keys %seconds;
    my $milliseconds = sub { sprintf '%.1f ms', 1000 * $least{ $_[0] } };
    for my $kind (qw(unknown unset)) {
        my $ratio = $least{$kind} / $least{wrong};
        ok($ratio > 0.5 && $ratio < 2,
           "an identifier that is $kind takes as long as a wrong pass code")
            or diag("$kind ", $milliseconds->($kind), ', wrong ', $milliseconds->('wrong'));
    }
    cmp_ok($least{wrong}, '>', 2 * $least{by_code}, 'and hashing takes most of the time')
        or diag('wrong ', $milliseconds->('wrong'), ', by code ', $milliseconds->('by_code'));
}

# ---- no secret in any reply or log

$server->stop;
my %place = (replies => join("\n", @replies), 'the error log' => $server->error_log,
             'the access log' => $server->access_log);
for my $name (sort keys %place) {
    my @told = grep { index($place{$name}, $_) >= 0 } sort keys %secret;
    is(scalar @told, 0, "no pass code and no hash in $name") or diag(join "\n", @told);
    is(index($place{$name}, $token), -1, "no session token in $name");
}
cmp_ok(scalar keys %secret, '>', 50, 'and there were many secrets');

$server->allow_log(qr/\[auth_basic:error\]/, qr/\[authn_dbd:error\]/);
$server->finish;
done_testing;
