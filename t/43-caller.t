# The caller (contract, section 2, "token"): a session token, or the user that Apache has
# authenticated.
use strict;
use warnings;

use JSON::PP ();
use MIME::Base64 qw(encode_base64);
use Test::More;
use Time::HiRes qw(time);

use AccessTokenTest;

my $has_server = AccessTokenTest::engine() ne 'sqlite3';
my $clients = 24;

# A database that also has a table of logins, as a web site may have.
my $base = AccessTokenTest->new;
my $database = $base->database;
my $dbh = $database->dbh;
# A user with the longest name, and one whose name is that and another character.
my $longest = 'l' x 100;
$dbh->do('INSERT INTO users (id, username, may_update_access_tokens) VALUES (?, ?, 1)', undef, 'longest', $longest);
my %password = map { $_ => "$_ opens" } (
    qw(clerk MPAdministrator contractor reader stranger CLERK), 'clerk ', 'clérk', $longest, "${longest}x");
$dbh->do('CREATE TABLE logins (username VARCHAR(100) PRIMARY KEY, password VARCHAR(200))'
    . ($has_server ? ' CHARACTER SET utf8mb4 COLLATE utf8mb4_bin' : ''));
$dbh->do(q(GRANT SELECT ON access_token.logins TO 'access_token'@'localhost')) if $has_server;
my $passwords = '';
for my $user (sort keys %password) {
    my $hash = crypt $password{$user}, '$5$rounds=1000$salt';
    $passwords .= "$user:$hash\n";
    # These names differ from others only by a blank or by case.
    $dbh->do('INSERT INTO logins (username, password) VALUES (?, ?)', undef, $user, $hash)
        if $user =~ /^\w{1,100}$/a && $user ne 'CLERK';
}
$base->write_file('passwords', $passwords);

sub location {
    my ($path, $caller, $auth) = @_;
    $auth = $auth ? <<"END" : '';
AuthType Basic
AuthName "tokens"
$auth
Require valid-user
END
    return <<"END";
<Location "$path">
    SetHandler access-token-update
    AccessTokenCaller $caller
    $auth
</Location>
END
}

my $by_file = 'AuthBasicProvider file' . "\n"
    . 'AuthUserFile "' . $base->path('passwords') . '"';
my $by_database = 'AuthBasicProvider dbd
AuthDBDUserPWQuery "SELECT password FROM logins WHERE username = %s"';
my $conf = join '', 'AccessTokenPassCodeScheme bcrypt 4', "\n",
    "AccessTokenOrigins https://everywhere.example\n",
    location('/named', "apache\nAccessTokenOrigins https://CRM.example:443 http://intern:8080",
             $by_file),
    location('/nowhere', "apache\nAccessTokenOrigins none", $by_file),
    location('/open/session', 'session'), location('/open/apache', 'apache'),
    location('/open/both', 'session apache'),
    location('/file/session', 'session', $by_file), location('/file/apache', 'apache', $by_file),
    location('/file/both', 'apache session', $by_file),
    location('/dbd/apache', 'apache', $by_database),
    location('/dbd/both', 'session apache', $by_database);

my $one_child = AccessTokenTest::one_child_conf();
my $server = AccessTokenTest->start(
    database => $database, conf => $conf . $one_child, location => undef,
    dbd => { min => 1, keep => 4, max => 4 });

my %demo = (access_token_identifier => { authentication_code => 'demo-card' });

sub basic { 'Basic ' . encode_base64("$_[0]:$password{$_[0]}", '') }

# A call to PATH by Apache's user USER and the session TOKEN, undef for none.
sub call {
    my ($path, $user, $token, $fields) = @_;
    my %body = (%demo, %{ $fields // {} });
    $body{token} = $token if defined $token;
    return $server->post(\%body, { authorization => defined $user ? basic($user) : undef }, $path);
}

sub row {
    return $dbh->selectrow_hashref(q(SELECT * FROM access_tokens WHERE number = '101'));
}

# ---- the ways to call, and the user

my $clerk = 'demo-session-clerk';
my $harbour = '5A7C00000000000000000000000000B2';
my $admin_unit = '48305F8849E3C18B227C5BE3A27BA6DF';
for my $case (
    # session only
    ['a session', '/open/session', undef, $clerk, 'clerk', '2', $harbour],
    ['a session in another unit', '/open/session', undef, 'demo-session-other-unit',
        'clerk', '2', $admin_unit],
    ['a user where a session is needed', '/file/session', 'clerk', undef, 'INVALID_TOKEN'],
    ['a session, and a user who is ignored', '/file/session', 'contractor', $clerk,
        undef, '2', $harbour],
    # Apache's user only
    ['a user of AuthUserFile', '/file/apache', 'clerk', undef, 'clerk', '2', $harbour],
    ['a user of mod_authn_dbd', '/dbd/apache', 'clerk', undef, 'clerk', '2', $harbour],
    ['another user', '/dbd/apache', 'MPAdministrator', undef, 'MPAdministrator', '1',
        $admin_unit],
    ['a user without a default unit', '/file/apache', 'contractor', undef, 'contractor', '3',
        undef],
    ['a session where a user is needed', '/open/apache', undef, $clerk, 'INVALID_TOKEN'],
    ['nobody where a user is needed', '/open/apache', undef, undef, 'INVALID_TOKEN'],
    # one of both
    ['a session where both are allowed', '/open/both', undef, $clerk, 'clerk', '2', $harbour],
    ['a user where both are allowed', '/file/both', 'clerk', undef, 'clerk', '2', $harbour],
    ['a user of mod_authn_dbd where both are allowed', '/dbd/both', 'clerk', undef, 'clerk', '2',
        $harbour],
    ['nobody where both are allowed', '/open/both', undef, undef, 'INVALID_TOKEN'],
    # both together
    (map { my $path = $_; (
        ["$path: a user and the user's session", $path, 'clerk', $clerk, 'clerk', '2', $harbour],
        ["$path: a user and another's session", $path, 'contractor', $clerk, 'INVALID_REQUEST'],
        ["$path: a user and an expired session", $path, 'MPAdministrator', 'demo-session-expired',
            'INVALID_REQUEST'],
        ["$path: a user and an unknown session", $path, 'clerk', 'no-such-session',
            'INVALID_REQUEST'],
    ) } qw(/file/apache /file/both /dbd/both)),
    # unknown users, and users without the permission
    (map { my $path = $_; (
        ["$path: a user who is not in the table users", $path, 'stranger', undef,
            'INVALID_TOKEN'],
        ["$path: a user without the permission", $path, 'reader', undef, 'FORBIDDEN'],
    ) } qw(/file/apache /dbd/apache)),
    ['a session without the permission', '/open/session', undef, 'demo-session-forbidden',
        'FORBIDDEN'],
    ['a user with a name in capitals', '/file/apache', 'CLERK', undef, 'INVALID_TOKEN'],
    ['a user with a blank after the name', '/file/apache', 'clerk ', undef, 'INVALID_TOKEN'],
    ['a user with the longest name', '/file/apache', $longest, undef, $longest, 'longest', undef],
    ['a user with a longer name', '/file/apache', "${longest}x", undef, 'INVALID_TOKEN'],
    ['a user with an accent in the name', '/file/apache', 'clérk', undef, 'INVALID_TOKEN'],
) {
    my ($name, $path, $user, $token, $who, $user_id, $unit_id) = @$case;
    my %status = (INVALID_TOKEN => 401, INVALID_REQUEST => 400, FORBIDDEN => 403);
    my $before = row();
    my $reply = call($path, $user, $token, { udf_string_1 => $name });
    my $after = row();
    if ($who && $status{$who}) {
        is("$reply->{status} " . ($reply->{json}{status}{code} // 'none'), "$status{$who} $who",
           "$name: $who");
        is_deeply($after, $before, "$name: nothing changes");
        is($reply->{headers}{'www-authenticate'},
           $path =~ m{^/(?:file|dbd)/apache} ? 'Basic realm="tokens"' : 'Bearer',
           "$name: WWW-Authenticate")
            if $who eq 'INVALID_TOKEN';
        next;
    }
    is($reply->{json}{status}{code}, 'OK', "$name is answered") or diag($reply->{content});
    my $log = $reply->{json}{data}{log_information};
    is_deeply([$log->{updated_by_user}{id}, $log->{updated_by_unit} && $log->{updated_by_unit}{id}],
              [$user_id, $unit_id], "$name: the reply names user and unit");
    is_deeply([@$after{qw(udf_string_1 updated_by_user_id updated_by_unit_id)}],
              [$name, $user_id, $unit_id], "$name: the row names user and unit");
    next if !defined $who;
    ok($server->wait_for_access(qr{^POST \Q$path\E 200 \Q$who\E id=$before->{id} code=OK}),
       "$name: the access log has the user $who");
}

# Apache itself refuses requests without a password.
{
    my $before = row();
    for my $path (qw(/file/apache /file/both /dbd/apache)) {
        local $password{clerk} = 'wrong';
        is(call($path, 'clerk', undef, {})->{status}, 401, "$path: a wrong password is refused");
        is(call($path, undef, $clerk, {})->{status}, 401,
           "$path: without a password Apache asks for one");
    }
    is_deeply(row(), $before, 'and nothing changes');
}

# The header Bearer has a session token, like the body.
{
    my $reply = $server->post({ %demo }, { authorization => "Bearer $clerk" }, '/open/both');
    is($reply->{json}{status}{code}, 'OK', 'Bearer names the caller where both are allowed');
    $reply = $server->post({ %demo }, { authorization => "Bearer $clerk" }, '/open/apache');
    is($reply->{json}{status}{code}, 'INVALID_TOKEN', 'and not where a user is needed');
}

# ---- requests that a page of another site makes a browser send

my $own = '127.0.0.1:' . $server->port;

# A call to PATH whose HEADERS show its origin.
sub sent {
    my ($path, $user, $token, %headers) = @_;
    my %body = (%demo, udf_string_2 => 'by a browser', defined $token ? (token => $token) : ());
    # HTTP::Tiny would add a Content-Type if there is none.
    my $text = $server->request_text(JSON::PP::encode_json(\%body), Host => $own,
        Authorization => defined $user ? basic($user) : undef, %headers);
    my $reply = $server->raw($text =~ s/ \S+/ $path/r);
    return "$reply->{status} " . ($reply->{json}{status}{code} // 'none');
}

for my $case (
    ['a page of its own', { Origin => "http://$own" }, 1],
    ['a page of its own, with TLS that ends at a balancer', { Origin => "https://$own" }, 1],
    ['the same, by a modern browser',
        { Origin => "http://$own", 'Sec-Fetch-Site' => 'same-origin' }, 1],
    ['a URL that was typed in', { 'Sec-Fetch-Site' => 'none' }, 1],
    ['no browser', {}, 1],
    ['another site', { Origin => 'https://evil.example' }, 0],
    ['another site, by a modern browser',
        { Origin => 'https://evil.example', 'Sec-Fetch-Site' => 'cross-site' }, 0],
    ['a page without an origin', { Origin => 'null' }, 0],
    ['another port', { Origin => 'http://127.0.0.1:1' }, 0],
    ['a site of the same domain', { 'Sec-Fetch-Site' => 'same-site' }, 0],
    ['another site without its name', { 'Sec-Fetch-Site' => 'cross-site' }, 0],
    ['its own name with http, while the page had https',
        { Origin => "http://$own", 'Sec-Fetch-Site' => 'cross-site' }, 0],
    ['a page of another site that a browser calls its own',
        { Origin => 'https://evil.example', 'Sec-Fetch-Site' => 'same-origin' }, 0],
    ['two origins', { Origin => "http://$own, http://$own" }, 0],
    ['an origin with a path', { Origin => "http://$own/" }, 0],
) {
    my ($name, $headers, $may) = @$case;
    for my $path (qw(/file/apache /file/both /dbd/both /named /nowhere)) {
        my $before = row();
        is(sent($path, 'clerk', undef, %$headers), $may ? '200 OK' : '403 FORBIDDEN',
           "$path, $name");
        is_deeply(row(), $before, "$path, $name: nothing changes") if !$may;
        is(sent($path, 'clerk', $clerk, %$headers), $may ? '200 OK' : '403 FORBIDDEN',
           "$path, $name, with a session") if $path ne '/nowhere';
    }
    # Browsers do not add session tokens themselves.
    is(sent($_, undef, $clerk, %$headers), '200 OK', "$_, $name: a session")
        for qw(/open/session /open/both);
    is(sent('/file/session', 'clerk', $clerk, %$headers), '200 OK',
       "/file/session, $name: a session, and a user who is ignored");
}
for my $case (
    ['https://everywhere.example', '/file/apache', 1], ['https://everywhere.example', '/named', 0],
    ['https://everywhere.example', '/nowhere', 0], ['https://crm.example', '/named', 1],
    ['https://crm.example:443', '/named', 1], ['https://crm.example', '/file/apache', 0],
    ['http://crm.example', '/named', 0], ['http://intern:8080', '/named', 1],
    ['http://intern', '/named', 0],
) {
    my ($origin, $path, $may) = @$case;
    for my $site (undef, 'cross-site') {
        is(sent($path, 'clerk', undef, Origin => $origin, 'Sec-Fetch-Site' => $site),
           $may ? '200 OK' : '403 FORBIDDEN', "$path, $origin, Sec-Fetch-Site " . ($site // 'none'));
    }
}
ok($server->wait_for_error(qr{AT040: .* for clerk: Origin https://evil\.example, Sec-Fetch-Site }
    . qr{cross-site, Host \Q$own\E; .*AccessTokenOrigins}), 'the log says which origin it was');

# The type of the body is needed: pages of other sites cannot set it without CORS.
for my $type (undef, '', 'text/plain', 'application/x-www-form-urlencoded',
              'multipart/form-data; boundary=x', 'text/plain;application/json') {
    my $before = row();
    my $name = defined $type ? "'$type'" : 'none';
    is(sent($_, 'clerk', undef, 'Content-Type' => $type), '415 UNSUPPORTED_MEDIA_TYPE',
       "$_: Content-Type $name is refused") for qw(/file/apache /file/both /dbd/apache);
    is_deeply(row(), $before, "and with $name nothing changes");
}
is(sent('/file/apache', 'clerk', undef, 'Content-Type' => 'Application/JSON; charset=utf-8'),
   '200 OK', 'application/json is accepted');
is(sent($_, undef, $clerk, 'Content-Type' => undef), '200 OK', "$_: a session needs none")
    for qw(/open/session /open/both);
# Of two errors, the reply has that of the earlier stage.
{
    my %foreign = (Origin => 'https://evil.example');
    my $send = sub {
        my ($body, %headers) = @_;
        my $reply = $server->post($body, { authorization => basic('clerk'), %foreign, %headers },
                                  '/file/apache');
        return "$reply->{status} $reply->{json}{status}{code}";
    };
    is($send->({ %demo }, 'Content-Type' => undef), '415 UNSUPPORTED_MEDIA_TYPE',
       'the media type before the origin');
    is($send->('{'), '400 INVALID_JSON', 'JSON before the origin');
    is($send->({ %demo, x => 1 }), '422 VALIDATION_FAILED', 'the shape before the origin');
    is($send->({ access_token_identifier => { authentication_code => 'no such code' } }),
       '403 FORBIDDEN', 'the origin before the access token');
}

# ---- mod_authn_dbd holds a connection of the same pool for each request

my @codes = qw(demo-effective demo-not-effective demo-verified demo-person demo-company
               demo-no-owner demo-custom-fields demo-udf demo-cafe DEMO-CAFE);

for my $case (
    ['on one access token', sub { +{ %demo, 'udf_string_' . ($_[0] % 8 + 1) => "client $_[0]" } }],
    ['on many', sub { +{ udf_string_1 => "client $_[0]", access_token_identifier =>
                        { authentication_code => $codes[$_[0] % @codes] } } }],
    ['by pass code, while a new one is hashed', sub {
        +{ udf_string_1 => "client $_[0]", pass_code => 'demo-pass-1', access_token_identifier =>
          { identifier => ('demo-bcrypt-user', 'demo-apr1-user', 'demo-member-user')[$_[0] % 3],
            pass_code => 'demo-pass-1' } } }],
    ['whose reply is an error', sub { +{ %demo, authentication_code => '1001' } }, 409],
) {
    my ($name, $body, $status) = @$case;
    $status //= 200;
    my $start = time;
    my @replies = $server->in_parallel($clients, sub {
        my $reply = $server->post($body->($_[0]), { authorization => basic('clerk') },
                                  '/dbd/apache');
        return { status => $reply->{status}, content => $reply->{content} };
    }, 30);
    my %count;
    $count{ $_->{status} // $_->{died} }++ for @replies;
    is(join(', ', map { "$_: $count{$_}" } sort keys %count), "$status: $clients",
       "24 requests through mod_authn_dbd with DBDMax 4 are all answered, $name")
        or diag(grep { defined } map { $_->{content} } @replies);
    cmp_ok(time - $start, '<', 20, "$name: in time");
}

# No request has kept a connection.
is(call('/dbd/apache', 'clerk', undef, {})->{status}, 200, 'and the next one is answered too');

$server->allow_log(qr/\[auth_basic:error\]/);
$server->finish;
done_testing;
