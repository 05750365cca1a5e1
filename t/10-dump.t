# httpd -t -D DUMP_ACCESS_TOKEN: what is in force at each place that serves the method.
use strict;
use warnings;

use Test::More;

use AccessTokenTest;

my $engine = AccessTokenTest::engine();
my $base = AccessTokenTest->new;
my $database = $base->database;
my $shipped = AccessTokenTest::Statements::statements_conf(
    AccessTokenTest::Statements::shipped_statements($database->sql_folder));
my $other = $base->copy_statements('other');

sub dump_of {
    my ($conf, %options) = @_;
    my $server = AccessTokenTest->new(database => $database, statements => undef, location => undef, conf => $conf,
                                      %options);
    $server->write_file('secret', '0123456789abcdef' x 2);
    my ($status, $output) = $server->configtest(defines => ['DUMP_ACCESS_TOKEN']);
    is($status, 0, 'configtest passes') or diag($output);
    my $file = quotemeta $server->path('httpd.conf');
    my @lines = split /\n/, $server->httpd_conf;
    # The number of the line that has TEXT.
    return ($output, sub { my ($text) = @_; return (grep { index($lines[$_ - 1], $text) >= 0 } 1 .. @lines)[0] }, $file);
}

my $three_processes = ($ENV{AT_MPM} // '') eq 'prefork' ? 'MaxRequestWorkers 3'
    : "ThreadsPerChild 5\nMaxRequestWorkers 15";
my ($output, $line_of, $file) = dump_of(<<"END");
StartServers 1
ServerLimit 3
$three_processes
AccessTokenRetryAfter 7
AccessTokenRetryBudget 3s
AccessTokenIdempotencyKeyFile secret
<VirtualHost *>
    ServerName api.test
    $shipped
    AccessTokenRetryBudget 4s
    <Location "/v4">
        AccessTokenBodyLimit 4000
    </Location>
    <Location "/v4/access_tokens/update">
        SetHandler access-token-update
        AccessTokenHTTP200 On
        AccessTokenOrigins https://one.test
        AccessTokenOrigins https://two.test https://three.test
        AccessTokenBodyLimit 5000
    </Location>
    <Location "/v4/access_tokens/update-not">
        AccessTokenUnknownParameters ignore
    </Location>
    <Location "/other">
        SetHandler access-token-update
        AccessTokenStatements "$other/"
    </Location>
    <LocationMatch "^/v[45]/">
        AccessTokenRetryAfter 9
    </LocationMatch>
</VirtualHost>
<VirtualHost *>
    ServerName web.test
    AccessTokenRetryAfter 8
</VirtualHost>
END

like($output, qr{^mod_access_token/\S+\nvirtual host api\.test  \($file:\d+\)\n}, 'its version, and the host');
unlike($output, qr/main server|web\.test/, 'only what serves the method');
my ($first, $second) = $output =~
    m{^  /v4/access_tokens/update  \(\S+\)\n((?:    .*\n)+)  /other  \(\S+\)\n((?:    .*\n)+)Syntax OK\n\z}m;
ok($first && $second, 'two places') or diag($output);

sub has_line {
    my ($text, $directive, $value, $at) = @_;
    $at = defined $at ? "$file:" . $line_of->($at) : undef;
    like($text, defined $at ? qr/^    $directive \Q$value\E  \($at\)$/m : qr/^    $directive  \Q$value\E$/m,
         "$directive $value");
    return;
}

has_line($first, 'AccessTokenRetryAfter', '7', 'AccessTokenRetryAfter 7');
has_line($first, 'AccessTokenRetryBudget', '4s', 'AccessTokenRetryBudget 4s');
has_line($first, 'AccessTokenBodyLimit', '5000', 'AccessTokenBodyLimit 5000');
has_line($first, 'AccessTokenHTTP200', 'On', 'AccessTokenHTTP200');
has_line($first, 'AccessTokenOrigins', $_, "AccessTokenOrigins $_")
    for 'https://one.test', 'https://two.test https://three.test';
has_line($first, 'For some requests: AccessTokenRetryAfter', '9', 'AccessTokenRetryAfter 9');
has_line($first, 'AccessTokenUnknownParameters', '(default refuse)');
has_line($first, 'AccessTokenPassCodeScheme', '(default bcrypt 10)');
has_line($first, 'AccessTokenBalancerTimeout', '(not set)');
has_line($first, 'AccessTokenIdempotencyKeyFile', 'secret', 'AccessTokenIdempotencyKeyFile');
has_line($second, 'AccessTokenHTTP200', '(default Off)');
has_line($second, 'AccessTokenBodyLimit', '(default 65536)');
has_line($second, 'AccessTokenStatements', qq("$other/"), qq(AccessTokenStatements "$other/"));
like($first, qr{^        \S+/statements/save\.sql\n}m, 'the statement files');
like($first, qr{^        \S+/statements/lookups/rules\.sql\n}m, 'the lookups');
is(scalar(() = $first =~ /load_by_id\.sql/g), 1, 'each once');
like($second, qr{^        \Q$other\E/save\.sql\n}m, 'those of another folder');
my ($processes, $max) = $first =~ /^    Database: \w+, at most (\d+) processes with \d+ connections for calls and (\d+) in all/m;
is($processes, 3, 'the processes');
if ($engine eq 'sqlite3') {
    unlike($output, qr/max_connections/, 'SQLite has no limit of connections');
}
else {
    like($first, qr/^    Its max_connections must be above @{[$processes * $max]}\.$/m, 'what the database must allow');
}
unlike($output, qr/0123456789abcdef|pass=|DBDParams/, 'no secret');

# Without a database, in the main server.
($output) = dump_of("<Location /x>\n    SetHandler access-token-update\n</Location>\n", dbd => undef,
                    without => ['dbd']);
like($output, qr{^main server\n  /x  \(\S+\)\n    No database or no AccessTokenStatements applies: calls get 404\.\n}m,
     'a place without a database');
my (undef, $silent) = $base->configtest;
is($silent, "Syntax OK\n", 'without the define, nothing');

$base->finish;
done_testing;
