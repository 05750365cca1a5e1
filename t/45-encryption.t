# The warning of a connection to a database on another machine that is not encrypted, and
# which messages of the start are about the database: once, however many folders of
# statements use it.
use strict;
use warnings;

use IO::Socket::INET;
use IO::Socket::IP;
use Test::More;

use AccessTokenTest;

plan skip_all => 'SQLite is a file: there is no connection'
    if AccessTokenTest::engine() eq 'sqlite3';

# An address of this machine that others can reach: to the module it is another machine.
# Nothing is sent.
sub address_of_network {
    my $socket = IO::Socket::INET->new(Proto => 'udp', PeerAddr => '192.0.2.1', PeerPort => 9) or return;
    my $address = $socket->sockhost;
    return $address =~ /^127\./ ? undef : $address;
}

my $network = address_of_network() // plan skip_all => 'this machine has no network';
my ($port) = AccessTokenTest::lasting_ports(1);
my $cnf = AccessTokenTest::srcdir() . '/conf/access_token.cnf';
my $base = AccessTokenTest->new(database_options =>
    ["--port=$port", '--skip-networking=0', '--bind-address=*', '--skip-name-resolve']);
my $database = $base->database;
my ($password) = { $database->dbd_defaults }->{params} =~ /\bpass=([^,]+)/;
$database->admin->do($_) for
    qq(CREATE USER 'access_token'\@'%' IDENTIFIED BY '$password'),
    q(GRANT ALL ON access_token.* TO 'access_token'@'%');

my $one_child = AccessTokenTest::one_child_conf()
    || "StartServers 1\nMinSpareServers 1\nMaxSpareServers 1\nMaxRequestWorkers 1\n";

# The lines of the start that warn, after a start with LINES in the my.cnf group and CONF.
sub warnings {
    my ($name, $lines, $conf) = @_;
    $database->write_client_group($cnf, $lines);
    my $server = AccessTokenTest->start(database => $database, conf => ($conf // '') . $one_child);
    # The only child serves after it has checked the start.
    is($server->post({ token => 'demo-session-clerk', access_token_identifier =>
                       { authentication_code => 'demo-card' } })->{status}, 200,
       "$name: the database is used");
    my @warnings = grep { /\[access_token:(?:warn|error)\]/ } split /\n/, $server->output . $server->error_log;
    $server->allow_log(qr/AT062: /, qr/AT038: /, qr/AT024: /, qr/AH00161: /);
    $server->finish("the error log has only the expected lines: $name");
    return @warnings;
}

my $by_tcp = "port = $port\nprotocol = tcp\nhost =";
my $warning = qr/AT062: the connection to the database at \Q$network\E is not encrypted: /;
is_deeply([warnings('the socket', 'socket = ' . $database->socket)], [], 'the socket: no warning');
is_deeply([warnings($_, "$by_tcp $_")], [], "$_: no warning") 
    for '127.0.0.1', IO::Socket::IP->new(LocalHost => '::1', LocalPort => 0, Listen => 1) ? '::1' : ();
{
    my @warnings = warnings('the network', "$by_tcp $network");
    is(scalar @warnings, 1, 'the network: one warning');
    like($warnings[0] // '', $warning, 'about the connection');
}

# A second folder of statements for the same database.
{
    my $two = 'AccessTokenRetryBudget 2s' . "\n" . qq(<Location "/other">\nSetHandler access-token-update\n)
        . AccessTokenTest::statements_conf($base->copy_statements("other")) . "</Location>\n";
    my @warnings = warnings('two folders', "$by_tcp $network", $two);
    is(scalar(grep { /$warning/ } @warnings), 1, 'two folders: one warning');
    is(scalar(grep { /AT038: / } @warnings), 1, 'and one about lock waits');
    $database->dbh->do('UPDATE access_token_schema SET version = 1');
    @warnings = warnings('another schema', "$by_tcp $network", $two);
    is(scalar(grep { /AT024: / } @warnings), 1, 'one about the schema');
    $database->dbh->do('UPDATE access_token_schema SET version = 3');
}

SKIP: {
    skip 'openssl is not installed', 1 if !grep { -x "$_/openssl" } split /:/, $ENV{PATH};
    my ($key, $certificate) = map { $base->path($_) } qw(key.pem certificate.pem);
    my $output = qx(openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=database -addext subjectAltName=IP:$network -keyout "$key" -out "$certificate" 2>&1);
    is($?, 0, 'a certificate is made') or diag($output);
    $database->restart("--ssl-key=$key", "--ssl-cert=$certificate");
    is_deeply([warnings('TLS', "$by_tcp $network\nssl-ca = $certificate")], [], 'TLS: no warning');
    my @warnings = warnings('no TLS, though the server has it', "$by_tcp $network");
    like($warnings[0] // '', $warning, 'without it the module warns');
}
done_testing;
