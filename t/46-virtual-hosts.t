# Virtual hosts: which statements run on which database, the databases of other modules,
# and the messages at start.
use strict;
use warnings;

use Digest::SHA qw(sha1);
use MIME::Base64 qw(encode_base64);
use Test::More;

use AccessTokenTest;

my $engine = AccessTokenTest::engine();
my $has_server = $engine ne 'sqlite3';
my $path = $AccessTokenTest::PATH;
my $srcdir = AccessTokenTest::srcdir();

# The database of the main server, and one of the other driver.
my $base = AccessTokenTest->new;
my $database = $base->database;
my $other = other_engine();
my ($mysql) = grep { defined && $_->engine ne 'sqlite3' } $database, $other;
# The client library reads my.cnf here, even if the main server uses SQLite.
$ENV{MARIADB_HOME} = $mysql->environment->{MARIADB_HOME} if $mysql;

# undef if this machine does not have both.
sub other_engine {
    my $name = $has_server ? 'sqlite3' : 'mariadb';
    if (my @missing = AccessTokenTest::missing_for($name)) {
        diag("without a database of the other engine: $name needs ", join ', ', @missing);
        return undef;
    }
    my $class = $has_server ? 'AccessTokenTest::SQLite' : 'AccessTokenTest::MariaDB';
    eval "require $class; 1" or die $@;
    my $folder = $base->path('other');
    mkdir $folder or die "$folder: $!\n";
    my @options = (folder => $folder, user => AccessTokenTest::httpd_user(), srcdir => $srcdir,
                   builddir => AccessTokenTest::builddir());
    return $class->new(@options);
}

# ---- databases

sub files_of {
    my ($server) = @_;
    my $sql = "$srcdir/sql/" . $server->sql_folder;
    return map { "$sql/$_.sql" } qw(schema documents demo);
}

# A database NAME with SERVER's engine, made by the SQL FILES. Returns a handle, and the
# value of DBDParams.
sub make_database {
    my ($server, $name, @files) = @_;
    if ($server->engine ne 'sqlite3') {
        $server->admin->do($_) for "CREATE DATABASE $name CHARACTER SET utf8mb4",
            "GRANT ALL ON $name.* TO 'access_token'\@'localhost'";
        AccessTokenTest::MariaDB::run('sh', '-c',
            'socket=$1 database=$2; shift 2; cat "$@" | mariadb --no-defaults'
            . ' --default-character-set=utf8mb4 --user=root --socket="$socket" "$database"',
            'sh', $server->socket, $name, @files);
        my %dbd = $server->dbd_defaults;
        return ($server->connect($name), $dbd{params} =~ s/dbname=\w+/dbname=$name/r);
    }
    my $folder = $base->path($name);
    mkdir $folder or die "$folder: $!\n";
    my $file = AccessTokenTest::SQLite->new(
        folder => $folder, user => AccessTokenTest::httpd_user());
    $file->load($_) for @files;
    return ($file->dbh, $file->file);
}

# The tables of another program; none of this module.
my $hash = '{SHA}' . encode_base64(sha1('welcome-1'), '');
my $people = $base->write_file('people.sql', <<"END");
CREATE TABLE people (name VARCHAR(20) PRIMARY KEY, password VARCHAR(80));
INSERT INTO people (name, password) VALUES ('guest', '$hash');
END

my ($second, $second_params) = make_database($database, 'second', files_of($database));
my ($third, $third_params) = make_database($database, 'third', files_of($database));
my (undef, $people_params) = make_database($database, 'people', $people);
my (undef, $other_params) = $other ? make_database($other, 'elsewhere', $people) : ();
my $main_params = { $database->dbd_defaults }->{params};
my $driver = { $database->dbd_defaults }->{driver};

# ---- statements

# A copy of the shipped statements whose replies have its name.
sub named_folder {
    my ($name) = @_;
    return $base->copy_statements("statements-$name", 'load_select.sql' =>
        sub { s/(?=token\.id +AS 'data\.id')/'$name' AS 'data.folder',\n    / });
}

my %folder = map { $_ => named_folder($_) } qw(main first second);

# ---- configuration and requests

my $method = qq(<Location "$path">\nSetHandler access-token-update\n</Location>\n);
my $guests = <<'END';
<Location "/index.html">
    AuthType Basic
    AuthName "guests"
    AuthBasicProvider dbd
    AuthDBDUserPWQuery "SELECT password FROM people WHERE name = %s"
    Require valid-user
</Location>
END

# The same, by the access tokens.
my $members = $guests
    =~ s/SELECT [^"]*/SELECT pass_code FROM access_tokens WHERE identifier = %s/r;

sub host {
    my ($name, @lines) = @_;
    return join "\n", '<VirtualHost *>', "ServerName $name.test", @lines, "</VirtualHost>\n";
}

sub call {
    my ($server, $host, %fields) = @_;
    my $body = JSON::PP->new->utf8->encode({ token => 'demo-session-clerk',
        access_token_identifier => { authentication_code => 'demo-card' }, %fields });
    return $server->raw($server->request_text($body, Host => "$host.test"));
}

# The status of a request by USER that mod_authn_dbd of HOST checks.
sub enters {
    my ($server, $host, $user, $password) = @_;
    my $basic = encode_base64("$user:$password", '');
    return $server->raw("GET /index.html HTTP/1.1\r\nHost: $host.test\r\n"
        . "Authorization: Basic $basic\r\nConnection: close\r\n\r\n")->{status};
}

# Several tries, for each child and each connection of mod_dbd's pool.
sub is_entered_always {
    my ($server, $host, $user, $password, $name) = @_;
    my %seen;
    $seen{ enters($server, $host, $user, $password) // 'none' }++ for 1 .. 12;
    is_deeply(\%seen, { 200 => 12 }, "$host: $name, each time");
    is(enters($server, $host, $user, 'wrong'), 401, "$host: not with a wrong password");
    return;
}

sub udf {
    my ($dbh) = @_;
    return $dbh->selectrow_array(
        q(SELECT udf_string_8 FROM access_tokens WHERE number = '101'));
}

# The lines of the error log with tag TAG that name HOST ('': the main server), or with
# any host.
sub lines_of {
    my ($server, $tag, $host) = @_;
    my $about = !defined $host ? qr// : $host eq '' ? qr/(?!virtual host )/
        : qr/virtual host \Q$host\E\.test \(line \d+ of [^)]*httpd\.conf\): /;
    return grep { /\b$tag: $about/ } split /\n/, $server->error_log;
}

# ---- the statements of the main server and the databases of the hosts

my @databases = ([main => $database->dbh], [second => $second], [third => $third]);

{
    # The hosts serve the method, not the main server: otherwise each host would.
    my $server = AccessTokenTest->start(
        database => $database, statements => $folder{main}, location => undef,
        conf => join '',
            host('empty'),
            host('people', qq(DBDParams "$people_params"), $guests),
            host('same', qq(DBDParams "$main_params"), $members),
            host('api', $method),
            host('second', qq(DBDParams "$second_params"), $method),
            host('own-first', qq(AccessTokenStatements "$folder{first}"),
                 qq(DBDParams "$second_params"), $method),
            host('own-second', qq(AccessTokenStatements "$folder{second}"),
                 qq(DBDParams "$third_params"), $method),
            $other ? host('other', 'DBDriver ' . { $other->dbd_defaults }->{driver},
                          qq(DBDParams "$other_params"), $guests) : ());

    is_entered_always($server, 'people', 'guest', 'welcome-1',
                      'a database without the tables serves its own module');
    is_entered_always($server, 'same', 'demo-sha1-user', 'demo-pass-1',
                      'DBDParams as in the main server serve another module');
    SKIP: {
        skip 'only one database engine', 2 if !$other;
        is_entered_always($server, 'other', 'guest', 'welcome-1',
                          'a database of another driver serves its own module');
    }

    # Each: the host, its folder, its database.
    for my $case (['api', 'main', 'main'], ['second', 'main', 'second'],
                  ['own-first', 'first', 'second'], ['own-second', 'second', 'third']) {
        my ($host, $folder, $name) = @$case;
        my $reply = call($server, $host, udf_string_8 => "from $host");
        is($reply->{json}{status}{code}, 'OK', "$host: the method works");
        is($reply->{json}{data}{folder}, $folder, "$host: with the statements of $folder");
        my %written = map { $_->[0] => (udf($_->[1]) // '') eq "from $host" } @databases;
        is_deeply([sort grep { $written{$_} } keys %written], [$name],
                  "$host: in the database $name only");
    }
    is($server->raw($server->request_text('{}', Host => 'people.test'))->{status}, 404,
       'a host without the method does not serve it');

    $server->wait_for(sub { lines_of($server, 'AT026') >= 4 });
    is(scalar(lines_of($server, 'AT026', $_->[0])), 1, "the start: $_->[1]") for
        ['', 'the main server is checked'],
        ['second', 'a host with its own database is checked, and named'],
        ['own-first', 'and so is a host that also has statements'],
        ['own-second', 'each separately'];
    is(scalar(lines_of($server, 'AT026')), 4, 'the start: and no others')
        or diag(join "\n", lines_of($server, 'AT026'));
    $server->allow_log(qr/AH01617:.*Password Mismatch/);
    $server->finish('the error log has only the expected lines: databases of their own');
}

# ---- hosts that use the database of the main server

{
    # mod_dbd treats these as one database, which needs the statements of all hosts. The
    # order of the sections, and many statements, show whether mod_dbd loses some of them.
    my %own = map { ("own-$_" => $folder{$_}) } qw(first second);
    my @hosts = map { host($_, qq(AccessTokenStatements "$own{$_}"), $method) } sort keys %own;
    my $server = AccessTokenTest->start(
        database => $database, statements => $folder{main}, location => undef,
        conf => join '', host('empty'), host('api', $method), @hosts,
            host('same', qq(DBDParams "$main_params"), $members),
            host('all', "DBDriver $driver", qq(DBDParams "$main_params"),
                 qq(AccessTokenStatements "$folder{first}"), $method));
    is_entered_always($server, 'same', 'demo-sha1-user', 'demo-pass-1',
                      'the main server\'s database also works for another module');
    for my $case (['api', 'main'], ['own-first', 'first'], ['own-second', 'second'],
                  ['all', 'first']) {
        my ($host, $folder) = @$case;
        # A value, a custom field and a generated number: all statements run.
        my $reply = call($server, $host, custom_field_set => { nickname => $host },
            access_token_identifier => { authentication_code => 'demo-auto-pass' },
            pass_code => undef);
        is($reply->{json}{status}{code}, 'OK', "$host: the method works too");
        is($reply->{json}{data}{folder}, $folder, "$host: with the statements of $folder");
    }
    $server->allow_log(qr/AH01617:.*Password Mismatch/);
    $server->finish('the error log has only the expected lines: one database, many hosts');
}

# ---- messages about a host at start

{
    $third->do('UPDATE access_token_schema SET version = 7');
    my $nowhere = $has_server ? 'dbname=access_token,host=localhost,sock=/nowhere/socket,reconnect=0'
                              : '/nowhere/tokens.db';
    # If the main server uses SQLite, this host has its own settings.
    my @without_reconnect;
    if ($mysql) {
        my (undef, $params) = make_database($mysql, 'lasting', files_of($mysql));
        @without_reconnect = ('DBDriver mysql', 'DBDParams "' . $params =~ s/,reconnect=0//r . '"',
            $has_server ? ()
                : AccessTokenTest::statements_conf(AccessTokenTest::shipped_statements('mysql')));
    }
    my $server = AccessTokenTest->start(database => $database, conf => join '',
        host('empty'),
        host('version', qq(DBDParams "$third_params"), 'AccessTokenCaller session'),
        host('gone', qq(DBDParams "$nowhere")),
        # The <Location> of the main server makes this host serve the method.
        host('people', qq(DBDParams "$people_params")),
        host('second', qq(DBDParams "$second_params")),
        $mysql ? host('reconnect', @without_reconnect) : (),
        $other ? host('other', 'DBDriver ' . { $other->dbd_defaults }->{driver},
                      qq(DBDParams "$other_params"), $guests) : ());

    # Each: the host, the tag, the number of lines, and another part of the line.
    my $count = AccessTokenTest::statements_in(
        AccessTokenTest::shipped_statements($database->sql_folder));
    my @said = (
        ['version', 'AT024', 1, qr/version 7.* 3\b/],
        ['gone', 'AT022', 1, qr/no connection to the $driver database/],
        # The next_number.sql of a server reads no table. Two of the loads lack the same
        # table as the first.
        ['people', 'AT023', $count - 2 - ($database->sql_folder eq 'mysql' ? 1 : 0), qr/schema\.sql/],
        ['second', 'AT026', 1, qr/schema version 3$/],
        ['', 'AT026', 1, qr/schema version 3$/],
        $mysql ? ['reconnect', 'AT021', 1, qr/DBDParams lacks reconnect=0/] : (),
    );
    my $all = 0;
    $all += $_->[2] for @said;
    $server->wait_for(sub { lines_of($server, 'AT02\d') >= $all });
    for my $case (@said) {
        my ($host, $tag, $times, $text) = @$case;
        my @lines = lines_of($server, $tag, $host);
        my $name = $host eq '' ? 'the main server' : "the host $host";
        is(scalar @lines, $times, "$tag about $name");
        is(scalar(grep { $_ !~ $text } @lines), 0, 'and it names the fault')
            or diag(join "\n", @lines);
    }
    is(scalar(lines_of($server, 'AT02\d')), $all, 'other hosts are not reported')
        or diag(join "\n", lines_of($server, 'AT02\d'));
    SKIP: {
        skip 'only one database engine', 3 if !$other;
        is_entered_always($server, 'other', 'guest', 'welcome-1', 'the main server\'s method '
                          . 'does no harm to a database of another driver');
        my $reply = call($server, 'other');
        is("$reply->{status} $reply->{json}{status}{code}", '404 INVALID_REQUEST',
           'and that host does not serve it');
        ok($server->wait_for_error(qr/AT012: virtual host other\.test \(line \d+ of \S+\) has no/),
           'and the error log has the reason');
    }
    my $reply = call($server, 'gone');
    is("$reply->{status} $reply->{json}{status}{code}", '503 SERVICE_UNAVAILABLE',
       'a host without its database answers 503');
    is(call($server, $_)->{json}{status}{code}, 'OK', "$_: which does not affect other hosts")
        for qw(empty second);
    $server->allow_log(qr/\[dbd:(?:error|crit)\]/, qr/AT02[1-4]:/, qr/AT002:/, qr/AT012:/,
                       qr/AH01617:.*Password Mismatch/);
    $server->finish('the error log has only the expected lines: the start');
}

# ---- hosts without settings of their own

{
    my $server = AccessTokenTest->start(database => $database, conf => join '',
        (map { host("empty-$_") } 1 .. 3),
        # A host with a directive of the module has its own configuration.
        host('caller', 'AccessTokenCaller session'));
    is(call($server, $_)->{json}{status}{code}, 'OK', "$_: the method works")
        for qw(empty-1 empty-3 caller);
    $server->wait_for_error(qr/AT026: /);
    $server->graceful;
    my $count = sub { scalar(lines_of($server, 'AT026')) };
    $server->wait_for(sub { $count->() >= 2 });
    $server->finish('the error log has only the expected lines: empty hosts');
    is($count->(), 2, 'empty hosts: one message for each start that all fits')
        or diag(join "\n", lines_of($server, 'AT026'));
    is(scalar(lines_of($server, 'AT026', '')), 2, 'for the main server');
}

# ---- one folder for each place

for my $case (
    ['the main server', sub { (statements => undef, conf => $_[0]) }],
    ['a virtual host', sub { (conf => host('twice', $_[0])) }],
    ['a Location', sub { (location_conf => $_[0]) }],
) {
    my ($name, $options) = @$case;
    my $lines = sub { join '', map { qq(AccessTokenStatements "$_"\n) } @_ };
    my ($status, $output) = AccessTokenTest->configtest(database => $database,
        $options->($lines->(@folder{qw(first second)})));
    isnt($status, 0, "two folders in $name stop configtest");
    like($output, qr/on line \d+ of .*httpd\.conf:\s+AccessTokenStatements: it is set twice/,
         'and the message has the place and the reason');
    ($status, $output) = AccessTokenTest->configtest(database => $database,
        $options->($lines->($folder{first}, $folder{first}, "$folder{first}/../statements-first",
                            "$folder{first}/")));
    is($status, 0, "the same folder again in $name passes") or diag($output);
}

done_testing;
