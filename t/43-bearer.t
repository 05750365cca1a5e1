# The header Authorization: Bearer where Apache itself reads it (mod_auth_openidc, AuthType
# oauth20), in each of the ways that AccessTokenCaller allows; and the header WWW-Authenticate
# of each 401.
use strict;
use warnings;

use JSON::PP ();
use MIME::Base64 qw(encode_base64 encode_base64url);
use Test::More;

use AccessTokenTest;
use AccessTokenTest::Environment qw(httpd_modules);

for my $name (qw(auth_openidc lua auth_digest)) {
    plan skip_all => "there is no mod_$name.so" if !-e httpd_modules() . "/mod_$name.so";
}

my $base = AccessTokenTest->new;
# Release 2.4.17 of the module forgets the keys of OIDCOAuthVerifySharedKeys: so the tokens are
# signed by the key of a certificate.
my ($certificate, $key, $another_key) = map { $base->path($_) } qw(certificate.pem key.pem another.pem);
for my $made ("req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=test -keyout '$key' -out '$certificate'",
              "genrsa -out '$another_key' 2048") {
    my $output = qx(openssl $made 2>&1);
    die "openssl $made: $output\n" if $? != 0;
}
my $hash = crypt 'secret', '$5$rounds=1000$salt';
my $passwords = $base->write_file('passwords', join '', map { "$_:$hash\n" } qw(clerk stranger));
# As mod_ssl does by SSLUserName, this names a user without an AuthType.
my $names = $base->write_file('names.lua', <<'END');
function name(r)
    local user = r.headers_in['X-Named']
    if user then r.user = user end
    return apache2.DECLINED
end
END

my %auth = (
    none => '',
    oauth20 => qq(AuthType oauth20\nRequire valid-user),
    basic => qq(AuthType Basic\nAuthName "tokens"\nAuthBasicProvider file\n)
        . qq(AuthUserFile "$passwords"\nRequire valid-user),
    digest => qq(AuthType Digest\nAuthName "digested"\nRequire all granted),
    named => qq(LuaHookFixups "$names" name),
);
my %caller = (apache => 'apache', session => 'session', both => 'apache session');
my $conf = <<"END";
AccessTokenPassCodeScheme bcrypt 4
OIDCCryptoPassphrase "a passphrase that nothing uses"
OIDCOAuthVerifyCertFiles "$certificate"
OIDCOAuthRemoteUserClaim sub
END
for my $auth (sort keys %auth) {
    $conf .= <<"END" for sort keys %caller;
<Location "/$auth/$_">
    SetHandler access-token-update
    AccessTokenCaller $caller{$_}
    $auth{$auth}
</Location>
END
}

my $server = AccessTokenTest->start(
    database => $base->database, conf => $conf, location => undef,
    modules => [qw(auth_openidc auth_digest lua)]);

# ---- who calls

sub segment { encode_base64url(JSON::PP->new->canonical->encode($_[0])) }

# A JSON Web Token that names USER, signed by the key in the file SIGNED_BY.
sub jwt {
    my ($user, $signed_by) = @_;
    my $text = segment({ alg => 'RS256', typ => 'JWT' }) . '.'
        . segment({ sub => $user, exp => time + 3600, iat => time });
    my $file = $base->write_file('text', $text);
    my $signature = qx(openssl dgst -sha256 -sign '@{[ $signed_by // $key ]}' '$file');
    die "openssl dgst failed\n" if $? != 0;
    return "$text." . encode_base64url($signature);
}

sub basic { 'Basic ' . encode_base64("$_[0]:secret", '') }

my %session = (clerk => 'demo-session-clerk', reader => 'demo-session-forbidden');

# A call to PATH with the header Authorization and TOKEN in the body, undef for none.
sub call {
    my ($path, $authorization, $token, %headers) = @_;
    return $server->post(
        { access_token_identifier => { authentication_code => 'demo-card' },
          defined $token ? (token => $token) : () },
        { authorization => $authorization, %headers }, $path);
}

# The user that the reply names, or its status and code.
sub result {
    my ($reply) = @_;
    return "$reply->{status} " . ($reply->{json}{status}{code} // 'none') if $reply->{status} != 200;
    return $reply->{json}{data}{log_information}{updated_by_user}{username};
}

my $header_of = sub { 'Bearer ' . jwt(@_) };
for my $case (
    # Apache has verified the header: it is not a session token, in any way.
    ['/oauth20/apache', $header_of->('clerk'), undef, 'clerk'],
    ['/oauth20/both', $header_of->('clerk'), undef, 'clerk'],
    ['/oauth20/session', $header_of->('clerk'), undef, '401 INVALID_TOKEN'],
    # A token in the body is one, and must belong to the user.
    ['/oauth20/apache', $header_of->('clerk'), $session{clerk}, 'clerk'],
    ['/oauth20/both', $header_of->('clerk'), $session{clerk}, 'clerk'],
    ['/oauth20/session', $header_of->('stranger'), $session{clerk}, 'clerk'],
    ['/oauth20/apache', $header_of->('contractor'), $session{clerk}, '400 INVALID_REQUEST'],
    ['/oauth20/both', $header_of->('contractor'), $session{clerk}, '400 INVALID_REQUEST'],
    ['/oauth20/both', $header_of->('contractor'), 'no-such-session', '400 INVALID_REQUEST'],
    # The user must exist and have the permission.
    ['/oauth20/apache', $header_of->('stranger'), undef, '401 INVALID_TOKEN'],
    ['/oauth20/both', $header_of->('stranger'), undef, '401 INVALID_TOKEN'],
    ['/oauth20/apache', $header_of->('reader'), undef, '403 FORBIDDEN'],
    # Apache refuses what it has not verified.
    (map {
        my $path = "/oauth20/$_";
        [$path, $header_of->('clerk', $another_key), undef, '401 none'],
        [$path, "Bearer $session{clerk}", undef, '401 none'],
        [$path, undef, $session{clerk}, '401 none'],
    } sort keys %caller),

    # Nobody has verified the header: it is a session token where these are allowed.
    ['/none/session', "Bearer $session{clerk}", undef, 'clerk'],
    ['/none/both', "Bearer $session{clerk}", undef, 'clerk'],
    ['/none/both', "Bearer $session{clerk}", $session{reader}, '400 INVALID_REQUEST'],
    ['/none/apache', "Bearer $session{clerk}", undef, '401 INVALID_TOKEN'],
    ['/none/both', $header_of->('clerk'), undef, '401 INVALID_TOKEN'],

    # The user comes from elsewhere: a session token must belong to that user.
    ['/named/both', "Bearer $session{clerk}", undef, 'clerk', 'clerk'],
    ['/named/both', "Bearer $session{clerk}", undef, '400 INVALID_REQUEST', 'contractor'],
    ['/named/both', 'Bearer no-such-session', undef, '400 INVALID_REQUEST', 'clerk'],
    ['/named/both', $header_of->('clerk'), undef, '400 INVALID_REQUEST', 'clerk'],
    ['/named/both', "Bearer $session{clerk}", $session{reader}, '400 INVALID_REQUEST', 'clerk'],
    ['/named/both', undef, $session{clerk}, '400 INVALID_REQUEST', 'contractor'],
    ['/named/session', "Bearer $session{clerk}", undef, 'clerk', 'contractor'],
    # Where these are not allowed, the header is none.
    ['/named/apache', "Bearer $session{reader}", undef, 'clerk', 'clerk'],
    ['/named/apache', "Bearer $session{reader}", $session{clerk}, 'clerk', 'clerk'],
    ['/named/apache', undef, $session{reader}, '400 INVALID_REQUEST', 'clerk'],
) {
    my ($path, $header, $token, $expected, $named) = @$case;
    my $name = join ', ', $path, !$header ? 'no header' : length $header < 40 ? $header
        : 'Bearer and a JWT', defined $token ? "token $token" : (), defined $named ? "named $named" : ();
    is(result(call($path, $header, $token, 'x-named' => $named)), $expected, "$name: $expected");
}

# ---- what a 401 asks for

# The challenges of the reply, in the order of the headers.
sub challenges {
    my ($reply) = @_;
    my $value = $reply->{headers}{'www-authenticate'} // return [];
    return ref $value ? $value : [$value];
}

my $realm = 'Basic realm="tokens"';
for my $case (
    ['/none/session', undef, ['Bearer']],
    ['/none/both', undef, ['Bearer']],
    # A 401 needs a challenge.
    ['/none/apache', undef, ['Bearer']],
    ['/basic/session', basic('clerk'), ['Bearer']],
    ['/basic/apache', basic('stranger'), [$realm]],
    ['/basic/both', basic('stranger'), [$realm, 'Bearer']],
    # Apache's own refusal.
    ['/basic/apache', undef, [$realm]],
    ['/basic/both', undef, [$realm]],
    ['/oauth20/apache', $header_of->('stranger'), ['Bearer']],
    ['/oauth20/both', $header_of->('stranger'), ['Bearer']],
    ['/named/apache', undef, ['Bearer']],
    ['/digest/apache', undef, [qr/\ADigest realm="digested", nonce=/]],
    ['/digest/both', undef, [qr/\ADigest realm="digested", nonce=/, 'Bearer']],
) {
    my ($path, $header, $expected) = @$case;
    my $reply = call($path, $header);
    is($reply->{status}, 401, "$path is refused");
    my @got = @{ challenges($reply) };
    my @wrong = grep {
        ref $expected->[$_] ? ($got[$_] // '') !~ $expected->[$_] : ($got[$_] // '') ne $expected->[$_]
    } 0 .. $#$expected;
    ok(!@wrong && @got == @$expected, "$path: the challenges") or diag(explain(\@got));
}

$server->allow_log(qr/\[auth_openidc:(?:warn|error)\]/, qr/\[auth_basic:error\]/);
$server->finish;
done_testing;
