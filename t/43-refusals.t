# What the error log says of refused callers (AT060), and the shipped filter and jail of
# fail2ban, which read it.
use strict;
use warnings;

use File::Copy qw(copy);
use File::Path qw(make_path);
use IO::Socket::IP;
use MIME::Base64 qw(encode_base64);
use Test::More;

use AccessTokenTest;
use AccessTokenTest::Environment qw(httpd_modules);
use AccessTokenTest::File qw(read_text write_text);

my $base = AccessTokenTest->new;
my $passwords = $base->write_file('passwords', join '',
    map { "$_:" . crypt('secret', '$5$rounds=1000$salt') . "\n" } qw(clerk stranger));
my $port6 = (AccessTokenTest::lasting_ports(1))[0];
my $has_ipv6 = IO::Socket::IP->new(LocalHost => '::1', LocalPort => 0, Listen => 1);
my $has_remoteip = -e httpd_modules() . '/mod_remoteip.so';

my $conf = ($has_ipv6 ? "Listen [::1]:$port6\n" : '') . <<"END";
AccessTokenPassCodeScheme bcrypt 4
<Location "/always-200">
    SetHandler access-token-update
    AccessTokenHTTP200 On
</Location>
<Location "/basic">
    SetHandler access-token-update
    AccessTokenCaller apache
    AuthType Basic
    AuthName "tokens"
    AuthBasicProvider file
    AuthUserFile "$passwords"
    Require valid-user
    ErrorDocument 401 /error
</Location>
<Location "/error">
    SetHandler access-token-error
    Require all granted
</Location>
<IfModule remoteip_module>
    RemoteIPHeader X-Forwarded-For
    RemoteIPInternalProxy 127.0.0.1
</IfModule>
END
my $server = AccessTokenTest->start(
    database => $base->database, conf => $conf, modules => ['remoteip'],
    # As docs/operations.md says.
    log_level => 'warn access_token:info');

my $sent = 0;

# The lines of AT060 about a request with BODY and HEADERS to PATH, and its reply.
sub refusals {
    my ($body, $headers, $path) = @_;
    my $id = 'sent-' . ++$sent;
    my $reply = $server->post($body, { 'x-request-id' => $id, %{ $headers // {} } }, $path);
    # A later line shows that those of the request are written. fail2ban does not count it.
    $server->post({ access_token_identifier => { authentication_code => 'demo-card' },
                    token => 'demo-session-forbidden' }, { 'x-request-id' => "after-$id" });
    $server->wait_for_error(qr/AT060: .*\[request after-$id\]/) or die "$id: no line after it\n";
    return ([grep { /AT060: .*\[request \Q$id\E\]/ } split /\n/, $server->error_log], $reply);
}

sub basic { { authorization => 'Basic ' . encode_base64("$_[0]:" . ($_[1] // 'secret'), '') } }

my %clerk = (token => 'demo-session-clerk');
my %card = (access_token_identifier => { authentication_code => 'demo-card' });
my $secret = 'no-such-secret-4711';
my %wrong_pass_code = (access_token_identifier =>
    { identifier => 'demo-bcrypt-user', pass_code => $secret });

# ---- which requests have a line

# How a line about a client with ADDRESS starts.
sub start_of_line {
    my ($address) = @_;
    return qr/\A\[[^\]]+\] \[access_token:info\] \[pid \d+(?::tid \d+)?\] \[client \Q$address\E:\d+\] /;
}

for my $case (
    ['no session token', { %card }, 'INVALID_TOKEN'],
    ['an unknown session token', { %card, token => $secret }, 'INVALID_TOKEN'],
    ['an expired session', { %card, token => 'demo-session-expired' }, 'INVALID_TOKEN'],
    ['a user without the permission', { %card, token => 'demo-session-forbidden' }, 'FORBIDDEN'],
    ['an unknown authentication code',
        { %clerk, access_token_identifier => { authentication_code => $secret } }, 'ACCESS_TOKEN_NOT_FOUND'],
    ['an unknown identifier', { %clerk, access_token_identifier =>
        { identifier => $secret, pass_code => $secret } }, 'ACCESS_TOKEN_NOT_FOUND'],
    ['a wrong pass code', { %clerk, %wrong_pass_code }, 'ACCESS_TOKEN_NOT_FOUND'],
    ['a wrong pass code, with HTTP 200', { %clerk, %wrong_pass_code }, 'ACCESS_TOKEN_NOT_FOUND', '/always-200'],
    ['a user who is not in the table', { %card }, 'INVALID_TOKEN', '/basic', basic('stranger')],
    # No line: nothing was refused for its credentials.
    ['a call that is right', { %clerk, %card }],
    ['JSON that is not right', '{'],
    ['a wrong field', { %clerk, %card, udf_float_1 => $secret }],
    ['two tokens', { %clerk, %card }, undef, undef, { authorization => "Bearer $secret" }],
    ['a code that is taken', { %clerk, %card, authentication_code => '1001' }],
    ['another version', { %clerk, %card }, undef, undef, { 'if-match' => '"other"' }],
    # Apache itself refuses, and logs.
    ['a wrong password', { %card }, undef, '/basic', basic('clerk', $secret)],
    ['no password', { %card }, undef, '/basic'],
) {
    my ($name, $body, $code, $path, $headers) = @$case;
    my ($lines, $reply) = refusals($body, $headers, $path);
    if (!defined $code) {
        is_deeply($lines, [], "$name: no line");
        next;
    }
    is(scalar @$lines, 1, "$name: one line") or diag(explain($reply));
    my $start = start_of_line('127.0.0.1');
    like($lines->[0] // '', qr/${start}AT060: refused: $code \[request sent-$sent\]\z/,
         "$name: with address, code and request id");
}
unlike($server->error_log, qr/$secret|demo-session|secret/, 'no line has a secret');

# ---- fail2ban

# The output of PROGRAM with arguments.
sub output_of {
    my @command = @_;
    open my $output, '-|', @command or return '';
    my @lines = <$output>;
    close $output;
    return join '', @lines;
}

SKIP: {
    skip 'fail2ban is not installed', 1 if !grep { -x "$_/fail2ban-regex" } split /:/, $ENV{PATH};
    my $shipped = AccessTokenTest::srcdir() . '/conf/fail2ban';

    # What the filter finds in the log since it had LENGTH bytes: the addresses.
    my $banned = sub {
        my ($length) = @_;
        my $log = $server->write_file('part.log', substr $server->error_log, $length);
        return join ' ', split /\n/, output_of(
            'fail2ban-regex', '--out', 'ip', $log, "$shipped/filter.d/access-token.conf");
    };
    my $length = 0;
    is($banned->($length), join(' ', ('127.0.0.1') x (() = $server->error_log =~ /AT060: .*(?:TOKEN|FOUND) \[/g)),
       'the filter finds each wrong credential so far');
    like($server->error_log, qr/AT060: refused: FORBIDDEN/, 'and not a missing permission');

    my %wrong = (%card, token => $secret);
    my $counts = sub {
        my ($name, $expected, $code) = @_;
        $length = length $server->error_log;
        $code->();
        is($banned->($length), $expected, $name);
    };
    $counts->('a right call does not count', '', sub { refusals({ %clerk, %card }) });
    $counts->('a 422 does not count', '', sub { refusals({ %clerk, %card, colour => 'blue' }) });
    $counts->('a referer follows the line', '127.0.0.1', sub {
        refusals({ %wrong }, { referer => 'https://crm.example/page' });
    });

    # Clients that write such a line into what they send.
    for my $line ('[access_token:info] [pid 1:tid 1] [client 203.0.113.9:1] AT060: refused: INVALID_TOKEN [request x]',
                  'x], referer: [client 203.0.113.9:1] AT060: refused: INVALID_TOKEN [request x]') {
        (my $id = $line) =~ s/ /_/g;
        for my $start ('', "\\n", '[Sat Nov 28 15:57:52.530713 2026] ') {
            my %injected = (referer => "$start$line", 'user-agent' => "$start$line",
                            origin => "$start$line");
            $counts->("a line in headers does not count: $start$line", '', sub {
                refusals({ %clerk, %card }, { %injected });
                # Here another message has the origin.
                refusals({ %card }, { %{ basic('clerk') }, %injected }, '/basic');
            });
            $counts->("and names only its sender: $start$line", '127.0.0.1', sub {
                refusals({ %wrong }, { %injected });
            });
        }
        $counts->('a line as a request id names only its sender', '127.0.0.1', sub {
            $server->post({ %wrong }, { 'x-request-id' => substr $id, 0, 128 });
            refusals({ %clerk, %card });
        });
        $counts->('a line as path and user does not count', '', sub {
            $server->request('GET', '/' . $id);
            refusals({ %card }, basic($id =~ tr/:/_/r), '/basic');
        });
    }

    SKIP: {
        skip 'no mod_remoteip', 1 if !$has_remoteip;
        for my $address (qw(198.51.100.7 2001:db8::7 2001:db8:1:2:3:4:5:6 2001:db8::1:0:443)) {
            $counts->("the client $address behind a balancer", $address, sub {
                my ($lines) = refusals({ %wrong }, { 'x-forwarded-for' => $address });
                like($lines->[0] // '', start_of_line($address), "the log has $address");
            });
        }
    }
    SKIP: {
        skip 'no IPv6', 1 if !$has_ipv6;
        $counts->('a client by IPv6', '::1', sub {
            my $socket = IO::Socket::IP->new(PeerHost => '::1', PeerPort => $port6) or die "[::1]:$port6: $!\n";
            print {$socket} $server->request_text(JSON::PP->new->encode({ %wrong }), 'X-Request-Id' => 'by-ipv6');
            AccessTokenTest::Client::read_all($socket, 20);
            $server->wait_for_error(qr/\[client ::1:\d+\] AT060: .*by-ipv6/);
        });
    }

    # The jail, with the settings that fail2ban has already.
    my $own = $server->path('fail2ban');
    make_path("$own/$_") for qw(filter.d jail.d);
    symlink "/etc/fail2ban/$_", "$own/$_" or die "$_: $!\n"
        for grep { -e "/etc/fail2ban/$_" } qw(action.d fail2ban.conf jail.conf paths-common.conf paths-debian.conf);
    symlink $_, "$own/filter.d/" . s{.*/}{}r or die "$_: $!\n" for glob '/etc/fail2ban/filter.d/*.conf';
    copy("$shipped/$_.d/access-token.conf", "$own/$_.d") or die "$_: $!\n" for qw(filter jail);
    write_text("$own/jail.d/zz.local", "[access-token]\nlogpath = " . $server->path('error.log') . "\n");
    my $dump = output_of('sh', '-c', 'exec fail2ban-client -c "$1" -d 2>&1', 'sh', $own);
    like($dump, qr/\['start', 'access-token'\]/, 'fail2ban takes the jail');
    like($dump, qr/'access-token', 'addfailregex', [^\n]*AT060/, 'with the filter');
    like($dump, qr/'access-token', 'maxretry', 20\b/, 'and its settings');
    unlike($dump, qr/ERROR/, 'without a mistake');
    like(read_text("$shipped/jail.d/access-token.conf"), qr/^logpath += %\(apache_error_log\)s$/m,
         'it reads the error log where fail2ban expects it');
}

$server->allow_log(qr/\[auth_basic:error\]/);
$server->finish;
done_testing;
