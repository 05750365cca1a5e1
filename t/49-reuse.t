# Connections that are used again without a ping (AccessTokenConnectionReuse), and other
# modules that need one of the same pool.
use strict;
use warnings;

use Test::More;
use Time::HiRes qw(sleep time);

use AccessTokenTest;

my $has_server = AccessTokenTest::engine() ne 'sqlite3';
my $is_prefork = AccessTokenTest::mpm() eq 'prefork';
my $one_child = $is_prefork ? "StartServers 1\nMaxRequestWorkers 1\n" : AccessTokenTest::one_child_conf();

sub update {
    my ($server, $text) = @_;
    return AccessTokenTest::outcome($server->post({ token => 'demo-session-clerk',
        access_token_identifier => { authentication_code => 'demo-card' }, udf_string_1 => $text }));
}

# The server's counters of pings and of statements.
sub pings_and_statements {
    my ($server) = @_;
    my %count = map { @$_ } @{ $server->dbh->selectall_arrayref(q(SHOW GLOBAL STATUS
        WHERE Variable_name IN ('Com_admin_commands', 'Com_stmt_execute', 'Com_stmt_prepare'))) };
    return @count{qw(Com_admin_commands Com_stmt_execute Com_stmt_prepare)};
}

# Makes CALLS calls, one after another, PAUSE seconds apart. Returns the numbers of pings,
# statements and prepares.
sub cost {
    my ($server, $calls, $pause) = @_;
    my @before = pings_and_statements($server);
    for my $call (1 .. $calls) {
        my $outcome = update($server, "call $call");
        return "call $call: $outcome" if $outcome ne '200 OK';
        sleep $pause;
    }
    my @after = pings_and_statements($server);
    return join ' ', map { $after[$_] - $before[$_] } 0 .. $#after;
}

sub kill_connections {
    my ($server) = @_;
    my $ids = $server->dbh->selectcol_arrayref(q(SELECT id FROM information_schema.processlist
        WHERE user = 'access_token'));
    $server->dbh->do("KILL $_") for @$ids;
    return;
}

# ---- pings

if ($has_server) {
    my @two = (dbd => { min => 2, keep => 2, max => 2 });
    my $server = AccessTokenTest->start(@two, conf => "$one_child\nAccessTokenConnections 1\n");
    update($server, 'the first');
    is(cost($server, 40, 0), '0 80 0', 'two executes a call, no ping and no prepare');
    is(cost($server, 4, 0.2), '0 8 0', 'and none after a pause below 500 ms');
    is(cost($server, 3, 0.8), '2 6 0', 'a ping after a longer one');

    $server->allow_log(qr{\[dbd:error\]});
    # The first statement finds a connection that has died.
    update($server, 'alive');
    kill_connections($server);
    is(update($server, 'dead'), '200 OK', 'no call fails because of a dead connection');
    $server->finish('the error log has only the expected lines: pings');

    $server = AccessTokenTest->start(@two, conf => "$one_child\nAccessTokenConnectionReuse 0\n");
    update($server, 'the first');
    is(cost($server, 10, 0), '10 20 0', 'AccessTokenConnectionReuse 0: a ping for each call');
    $server->finish('the error log has only the expected lines: no reuse');
}

# A connection that works shows that the database is not away, although no other can be
# opened: a later failure must not count as the end of a long outage.
if ($has_server && !$is_prefork) {
    my $server = AccessTokenTest->start(dbd => { min => 1, keep => 1, max => 3 }, conf => $one_child . <<'END');
AccessTokenConnections 2
AccessTokenRetryBudget 3s
END
    $server->allow_log(qr{\[dbd:(?:error|crit)\]});
    my $admin = $server->database->admin;
    $admin->do(q(ALTER USER 'access_token'@'localhost' WITH MAX_USER_CONNECTIONS 1));
    kill_connections($server);
    is(update($server, 'the only one'), '200 OK', 'one connection can be opened');
    my %outcomes;
    for my $round (1 .. 10) {
        my @results = $server->in_parallel(3, sub {
            my ($number) = @_;
            if ($number == 2) {
                my $other = $server->database->connect;
                $other->begin_work;
                $other->do(q(SELECT id FROM access_tokens WHERE authentication_code = 'demo-udf' FOR UPDATE));
                sleep 0.4;
                $other->commit;
                return 'locked';
            }
            sleep 0.1 * ($number + 1);
            return $number ? update($server, "round $round")
                : AccessTokenTest::outcome($server->post({ token => 'demo-session-clerk',
                    access_token_identifier => { authentication_code => 'demo-udf' } }));
        });
        $outcomes{$_}++ for @results[0, 1];
    }
    $admin->do(q(ALTER USER 'access_token'@'localhost' WITH MAX_USER_CONNECTIONS 0));
    is_deeply(\%outcomes, { '200 OK' => 20 }, 'one connection serves all calls while no other can be opened')
        or diag explain \%outcomes;
    $server->finish('the error log has only the expected lines: no other connection');
}

# ---- other users of the pool

SKIP: {
    skip 'a child of prefork serves one request at a time', 1 if $is_prefork;
    my $server = AccessTokenTest->new(dbd => { min => 1, keep => 1, max => 1 }, conf => $one_child . <<'END');
<Location "/by-password">
    AuthType Basic
    AuthName "logins"
    AuthBasicProvider dbd
    AuthDBDUserPWQuery "SELECT password FROM logins WHERE name = %s"
    Require valid-user
</Location>
END
    my $dbh = $server->dbh;
    $dbh->do('CREATE TABLE logins (name VARCHAR(40) PRIMARY KEY, password VARCHAR(100))');
    $dbh->do(q(INSERT INTO logins VALUES ('clerk', '{SHA}5en6G6MezRroT3XKqkdPOmY/BfQ='))); # secret
    $server->database->admin->do(q(GRANT SELECT ON access_token.logins
        TO 'access_token'@'localhost')) if $has_server;
    $server->write_file('htdocs/by-password', 'welcome');
    $server->run;
    my ($clients, $end) = (8, time + 3);
    my @results = $server->in_parallel($clients + 1, sub {
        my ($number) = @_;
        my %count;
        my $http = AccessTokenTest::http_client();
        while (time < $end) {
            my $outcome = $number < $clients ? update($server, "client $number") : $http->get(
                $server->url('/by-password'), { headers => { Authorization => 'Basic Y2xlcms6c2VjcmV0' } })->{status};
            $count{$outcome}++;
        }
        return \%count;
    });
    my $others = pop @results;
    is_deeply([keys %$others], [200], 'while calls need all connections, mod_authn_dbd gets one')
        or diag explain $others;
    cmp_ok($others->{200}, '>=', 6, 'many times');
    my %outcomes = map { %$_ } @results;
    is_deeply([keys %outcomes], ['200 OK'], 'and the calls succeed') or diag explain \@results;
    $server->finish('the error log has only the expected lines: others of the pool');
}

done_testing;
