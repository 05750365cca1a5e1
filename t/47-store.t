# The store during faults (contract, section 6): if a fault ends within the budget, no
# call fails; if not, calls get 503 in time. No thread hangs, everything works again
# afterwards, and the error log reports each fault once.
use strict;
use warnings;

use Test::More;
use Time::HiRes qw(sleep time);

use AccessTokenTest;
use AccessTokenTest::Process;

require 'syscall.ph';

my $has_server = AccessTokenTest::engine() ne 'sqlite3';
my $token = 'demo-session-clerk';

my $one_child = AccessTokenTest::one_child_conf();

# The delay of an answer that a busy machine may cause.
my $slack = 4;

sub update {
    my ($server, $code, $fields, $path) = @_;
    return $server->post({ token => $token, access_token_identifier =>
                           { authentication_code => $code }, %{ $fields // {} } }, {}, $path);
}

sub outcome { AccessTokenTest::outcome($_[0]) }

# The outcomes of calls: "200 OK: 40".
sub outcomes {
    my %count;
    $count{ $_->{died} // $_->{outcome} }++ for @_;
    return join ', ', map { "$_: $count{$_}" } sort keys %count;
}

# One row for each client of a load that loses connections. A row remembers the last eight
# updates. If clients shared a row, more updates than that could come between a lost
# update and the check for it, and its outcome would stay unknown (t/62-cut.t tests that).
my @own_rows = map { "load-$_" } 0 .. 7;

sub add_own_rows {
    my ($database) = @_;
    for my $number (0 .. $#own_rows) {
        $database->dbh->do('INSERT INTO access_tokens (id, number, authentication_code, created_date)
                            VALUES (?, ?, ?, ?)', undef, "LOAD$number", 9000 + $number,
                           $own_rows[$number], '2024-01-01T08:00:00');
    }
    return;
}

# How many calls were answered.
sub count_calls { scalar(() = $_[0]->access_log =~ /^POST/mg) }

# Returns when a call was answered after the first BEFORE ones.
sub wait_for_calls {
    my ($server, $before) = @_;
    return $server->wait_for(sub { count_calls($server) > $before });
}

# Returns when COUNT statements wait for a lock. SQLite's driver sleeps meanwhile.
sub wait_for_locks {
    my ($server, $count) = @_;
    my $is_waiting = $has_server
        # (information_schema.innodb_trx would show the state of the first of many reads.)
        ? sub { ($server->database->connect->selectrow_array(
                    q(SHOW GLOBAL STATUS LIKE 'Innodb_row_lock_current_waits')))[1] }
        : sub { scalar grep { sleeps($_) } map { glob "/proc/$_/task/*/syscall" } $server->children };
    return $server->wait_for(sub { $is_waiting->() >= $count });
}

# Whether a thread is in select() without any descriptor.
sub sleeps {
    my ($file) = @_;
    open my $syscall, '<', $file or return 0;
    my ($number, $descriptors) = split ' ', <$syscall> // '';
    return grep { $_ eq ($number // '') && hex $descriptors == 0 } &SYS_select, &SYS_pselect6;
}

# Each of CLIENTS clients makes CALLS calls, while FAULT->() runs, if there is one. The
# clients use the access tokens of CODES alternately.
sub under_load {
    my ($server, $clients, $calls, $fault, @codes) = @_;
    my $before = count_calls($server);
    @codes = 'demo-udf' if !@codes;
    my @results = $server->in_parallel($clients + 1, sub {
        my ($number) = @_;
        if ($number == $clients) {
            wait_for_calls($server, $before) if $fault;
            $fault->() if $fault;
            return [];
        }
        my $field = 'udf_string_' . ($number % 8 + 1);
        return [map {
            my $start = time;
            my $reply = update($server, $codes[$number % @codes],
                               { $field => "client $number call $_" });
            sleep 0.05;
            { outcome => outcome($reply), seconds => time - $start };
        } 1 .. $calls];
    }, 90);
    return map { ref eq 'ARRAY' ? @$_ : $_ } @results;
}

sub works {
    my ($server, $name) = @_;
    my $reply = update($server, 'demo-card', { udf_string_1 => $name });
    is(outcome($reply), '200 OK', "$name: the next call succeeds");
    return;
}

sub error_lines {
    my ($server, $pattern) = @_;
    return grep { /access_token:error/ && $_ =~ $pattern } split /\n/, $server->error_log;
}

# Returns code for the sum of the versions of all rows, which each update raises by one.
sub version_of {
    my ($database) = @_;
    return sub {
        return $database->dbh->selectrow_array('SELECT SUM(version) FROM access_tokens');
    };
}

# The messages of mod_dbd about a database that is away.
my @dbd = (qr/\[dbd:(?:error|crit)\]/);

# On a busy machine a fault of three seconds may last longer than the default budget.
my $long_budget = "AccessTokenRetryBudget 20s\nAccessTokenConnectionWait 20s\n";

# ---- a database that hangs, is read-only, loses connections

if ($has_server) {
    my $server = AccessTokenTest->start(conf => $long_budget);
    $server->allow_log(@dbd);
    my $database = $server->database;
    add_own_rows($database);
    my $version = version_of($database);
    my $locked = 'a row that is locked for 3 seconds';
    my %faults = (
        'a server that hangs for 3 seconds' => sub {
            kill 'STOP', $database->pid;
            sleep 3;
            kill 'CONT', $database->pid;
        },
        'a server that is read-only for a second' => sub {
            my $dbh = $database->connect;
            $dbh->do('SET GLOBAL read_only = 1');
            sleep 1;
            $dbh->do('SET GLOBAL read_only = 0');
        },
        $locked => sub {
            my $other = $database->connect;
            $other->begin_work;
            $other->do(q(SELECT id FROM access_tokens
                         WHERE authentication_code = 'demo-udf' FOR UPDATE));
            sleep 3;
            $other->commit;
        },
        'connections that are killed many times' => sub {
            my $dbh = $database->connect;
            for (1 .. 10) {
                my $ids = $dbh->selectcol_arrayref(q(SELECT id
                    FROM information_schema.processlist WHERE user = 'access_token'));
                eval { $dbh->do("KILL $_") } for @$ids;
                # As docs/operations.md says to do after connections were killed.
                $dbh->do('FLUSH TABLES');
                sleep 0.1;
            }
        },
    );
    for my $name (sort keys %faults) {
        my $before = $version->();
        my @replies = under_load($server, 8, 12, $faults{$name},
                                 $name eq $locked ? () : @own_rows);
        is(outcomes(@replies), '200 OK: 96', "$name: no call fails")
            or diag(join "\n", error_lines($server, qr/AT00[23]/));
        is($version->(), $before + 96, 'and each is made once');
        works($server, $name);
    }
    $server->allow_log(qr/AT002: /);
    $server->finish('the error log has only the expected lines: short faults');
}

# ---- a database that is away for longer than the budget

if ($has_server) {
    my $server = AccessTokenTest->start(conf => "AccessTokenPassCodeScheme md5crypt\n");
    $server->allow_log(@dbd);
    my $database = $server->database;
    my $version = version_of($database);
    $database->stop;
    my @replies = under_load($server, 8, 1);
    is(outcomes(@replies), '503 SERVICE_UNAVAILABLE: 8', 'a stopped server');
    is(scalar(grep { $_->{seconds} > 6 + $slack } @replies), 0, 'gets its answer in time')
        or diag(join ' ', map { $_->{seconds} } @replies);
    my $start = time;
    is(outcome(update($server, 'demo-udf')), '503 SERVICE_UNAVAILABLE', 'once the fault is known');
    cmp_ok(time - $start, '<', 3, 'the answer comes at once');
    is($server->request('GET', '/index.html')->{status}, 200, 'a page is served meanwhile');
    $database->start;
    works($server, 'the server is back');

    # A server that hangs longer than the budget.
    kill 'STOP', $database->pid;
    $start = time;
    @replies = under_load($server, 8, 1);
    my $page = $server->request('GET', '/index.html')->{status};
    kill 'CONT', $database->pid;
    is(outcomes(@replies), '503 SERVICE_UNAVAILABLE: 8', 'a server that hangs');
    is(scalar(grep { $_->{seconds} > 6 + $slack } @replies), 0, 'gets its answer in time')
        or diag(join ' ', map { $_->{seconds} } @replies);
    is($page, 200, 'and a page is served meanwhile');
    works($server, 'the server continues');

    # Read-only longer than the budget: a definite 503, and the log has the reason.
    $database->dbh->do('SET GLOBAL read_only = 1');
    my $before = $version->();
    my $reply = update($server, 'demo-udf', { udf_string_1 => 'read-only' });
    is(outcome($reply), '503 SERVICE_UNAVAILABLE', 'a server that stays read-only');
    unlike($reply->{json}{status}{description}, qr/found out/, 'the outcome is known');
    ok(error_lines($server, qr/AT002: .*read-only/), 'the log names it');
    $database->dbh->do('SET GLOBAL read_only = 0');
    is($version->(), $before, 'nothing was done');
    works($server, 'read-write again');

    # A fault that an administrator must fix gets 500 at once.
    $database->dbh->do('ALTER TABLE access_tokens RENAME COLUMN udf_string_8 TO udf_string_9');
    $start = time;
    is(outcome(update($server, 'demo-udf')), '500 INTERNAL_ERROR', 'a missing column');
    $database->restart;
    is(outcome(update($server, 'demo-udf')), '500 INTERNAL_ERROR', 'also to a new connection');
    cmp_ok(time - $start, '<', 10, 'without waiting');
    ok(error_lines($server, qr/AT003: .*column is missing.*udf_string_8/), 'the log names it');
    $database->dbh->do('ALTER TABLE access_tokens RENAME COLUMN udf_string_9 TO udf_string_8');
    works($server, 'the column is back');
    $database->admin->do(q(ALTER USER 'access_token'@'localhost' IDENTIFIED BY 'another'));
    $database->restart;
    is(outcome(update($server, 'demo-udf')), '500 INTERNAL_ERROR', 'a wrong password');
    ok(error_lines($server, qr/AT003: .*Access denied/), 'the log names it');
    $database->admin->do(q(ALTER USER 'access_token'@'localhost' IDENTIFIED BY 'change-this'));
    works($server, 'the password is right again');
    $server->allow_log(qr/AT00[23]: /);
    $server->finish('the error log has only the expected lines: faults');
}

# ---- a database that restarts

if ($has_server) {
    my $server = AccessTokenTest->start(conf => $long_budget);
    $server->allow_log(@dbd);
    my $database = $server->database;
    add_own_rows($database);
    my $version = version_of($database);

    # This process restarts the server, which is its child.
    for my $signal ('TERM', 'KILL') {
        my $before = $version->();
        my $calls = count_calls($server);
        pipe my $read, my $write or die "pipe: $!\n";
        my $pid = fork // die "fork: $!\n";
        if (!$pid) {
            close $read;
            my @replies = under_load($server, 8, 12, undef, @own_rows);
            print {$write} JSON::PP->new->encode(\@replies);
            close $write;
            POSIX::_exit(0);
        }
        close $write;
        wait_for_calls($server, $calls);
        $database->stop($signal);
        $database->start;
        my @replies = @{ JSON::PP->new->decode(do { local $/; <$read> }) };
        waitpid $pid, 0;
        is(outcomes(@replies), '200 OK: 96', "no call fails in a restart by $signal")
            or diag(join "\n", error_lines($server, qr/AT00[23]/));
        is($version->(), $before + 96, 'and each is made once');
    }
    works($server, 'the database is back');
    $server->finish('the error log has only the expected lines: restarts');
}

# ---- a child that is stopped in the middle of a statement

# The children that have accepted a connection.
sub busy_children {
    my ($server) = @_;
    open my $table, '<', '/proc/net/tcp' or die "/proc/net/tcp: $!\n";
    my $here = sprintf '0100007F:%04X', $server->port;
    # The local address, the state (01: established) and the inode.
    my %accepted = map { $_->[9] => 1 } grep { $_->[1] eq $here && $_->[3] eq '01' }
        map { [split] } <$table>;
    return grep {
        grep { (readlink($_) // '') =~ /^socket:\[(\d+)\]/ && $accepted{$1} } glob "/proc/$_/fd/*";
    } $server->children;
}

# Whether SIGTERM was sent to the process PID, which keeps it waiting.
sub is_asked_to_end {
    my ($pid) = @_;
    open my $status, '<', "/proc/$pid/status" or die "/proc/$pid/status: $!\n";
    my ($pending) = map { /^ShdPnd:\s*(\w+)/ } <$status>;
    return hex(substr $pending, -8) >> POSIX::SIGTERM() - 1 & 1;
}

if (AccessTokenTest::mpm() eq 'prefork') {
    my $server = AccessTokenTest->start;
    $server->{http} = AccessTokenTest::http_client();     # the old one keeps a child busy
    my $database = $server->database;
    my $versions = sub {
        return $database->connect->selectall_hashref(q(SELECT authentication_code, version
            FROM access_tokens WHERE authentication_code IN ('demo-udf', 'demo-card')),
            'authentication_code');
    };
    my $before = $versions->();
    my $other = $database->connect;
    $has_server ? $other->begin_work : $other->do('BEGIN IMMEDIATE');
    $other->do(q(UPDATE access_tokens SET udf_string_7 = 'locked'
                 WHERE authentication_code IN ('demo-udf', 'demo-card')));
    my @calls = map {
        my $code = $_;
        AccessTokenTest::Process->start(output => $server->path("$code.log"), code => sub {
            eval { update($server, $code, { udf_string_1 => 'in the middle' }) };
        });
    } 'demo-udf', 'demo-card';
    ok($server->wait_for(sub { busy_children($server) == 2 }), 'two children have a call each');
    ok(wait_for_locks($server, 2), 'which waits for the lock');
    my @children = busy_children($server);
    kill 'TERM', $server->pid;
    ok($server->wait_for(sub { !grep { !is_asked_to_end($_) } @children }), 'and is asked to end');
    $other->do('ROLLBACK');
    $other->disconnect;
    $server->restart;
    $_->stop for @calls;
    my $after = $versions->();
    is($after->{$_}{version}, $before->{$_}{version} + 1, "$_: a change that was begun is made")
        for 'demo-udf', 'demo-card';
    works($server, 'a stop in the middle');
    $server->finish('the error log has only the expected lines: no child was aborted');
}

# ---- deadlocks

if ($has_server) {
    # A trigger makes each call lock two rows. Other calls lock them in another order.
    my $server = AccessTokenTest->new;
    my $dbh = $server->dbh;
    $dbh->do('CREATE TABLE tangle (id INT PRIMARY KEY, n INT NOT NULL) ENGINE = InnoDB');
    $dbh->do('INSERT INTO tangle VALUES (1, 0), (2, 0)');
    $dbh->do(q(CREATE TRIGGER tangles BEFORE UPDATE ON access_tokens FOR EACH ROW
        BEGIN
            DECLARE pause INT;
            IF NEW.udf_string_8 = 'up' THEN
                UPDATE tangle SET n = n + 1 WHERE id = 1;
                SELECT SLEEP(0.05) INTO pause;
                UPDATE tangle SET n = n + 1 WHERE id = 2;
            ELSEIF NEW.udf_string_8 = 'down' THEN
                UPDATE tangle SET n = n + 1 WHERE id = 2;
                SELECT SLEEP(0.05) INTO pause;
                UPDATE tangle SET n = n + 1 WHERE id = 1;
            END IF;
        END));
    $server->run;
    my @replies = map { @$_ } $server->in_parallel(4, sub {
        my ($number) = @_;
        my ($code, $way) = $number % 2 ? ('demo-udf', 'up') : ('demo-card', 'down');
        return [map { { outcome => outcome(update($server, $code, { udf_string_8 => $way })) } }
                1 .. 8];
    });
    is(outcomes(@replies), '200 OK: 32', 'no call fails because of deadlocks');
    my ($count) = $dbh->selectrow_array(q(SELECT COUNT(*) FROM information_schema.innodb_metrics
        WHERE name = 'lock_deadlocks' AND count > 0));
    is($dbh->selectrow_array('SELECT SUM(n) FROM tangle'), 64, 'and each is made once');
    is($count, 1, 'there were deadlocks');
    $server->finish('the error log has only the expected lines: deadlocks');
}

# ---- the number of connections

{
    # One connection, and a lock that keeps it busy.
    my $server = AccessTokenTest->start(dbd => { max => 2 }, conf => $one_child . <<'END');
AccessTokenConnections 1
AccessTokenConnectionWait 500ms
END
    $server->allow_log(@dbd);
    my $database = $server->database;
    if (AccessTokenTest::mpm() ne 'prefork') {
        my $other = $database->connect;
        $has_server ? $other->begin_work : $other->do('BEGIN IMMEDIATE');
        $other->do(q(UPDATE access_tokens SET udf_string_7 = 'locked'
                     WHERE authentication_code = 'demo-udf'));
        my @replies = $server->in_parallel(4, sub {
            my ($number) = @_;
            wait_for_locks($server, 1) if $number;
            my $start = time;
            my $reply = update($server, $number ? 'demo-card' : 'demo-udf');
            return { outcome => outcome($reply), seconds => time - $start,
                     retry_after => $reply->{headers}{'retry-after'} };
        });
        $other->do('ROLLBACK');
        $other->disconnect;
        is($replies[0]{outcome}, '503 SERVICE_UNAVAILABLE', 'a lock that stays');
        for my $number (1 .. 3) {
            is($replies[$number]{outcome}, '503 SERVICE_UNAVAILABLE',
               "call $number gets no connection");
            is($replies[$number]{retry_after}, 2, 'and gets Retry-After');
            cmp_ok($replies[$number]{seconds}, '<', 0.5 + $slack, 'in time');
        }
        ok(error_lines($server, qr/AT002: .*all 1 connections.*AccessTokenConnections/),
           'the log names the directive');
        $server->allow_log(qr/AT002: /);
    }
    works($server, 'the lock is released');
    $server->finish('the error log has only the expected lines: places');
}
{
    # mod_authn_dbd takes connections from the same pool, and keeps each until the end of
    # its request.
    my $query = 'SELECT password FROM logins WHERE name = %s';
    my $server = AccessTokenTest->new(dbd => { max => 1 }, conf => $one_child . <<"END");
AccessTokenRetryBudget 1s
Timeout 60
<Location "/by-password">
    SetHandler access-token-update
    AccessTokenCaller apache
    AuthType Basic
    AuthName "logins"
    AuthBasicProvider dbd
    AuthDBDUserPWQuery "$query"
    Require valid-user
</Location>
<Directory "/">
    EnableSendfile Off
    EnableMMAP Off
</Directory>
<Location "/large">
    AuthType Basic
    AuthName "logins"
    AuthBasicProvider dbd
    AuthDBDUserPWQuery "$query"
    Require valid-user
</Location>
END
    my $dbh = $server->dbh;
    $dbh->do('CREATE TABLE logins (name VARCHAR(40) PRIMARY KEY, password VARCHAR(100))');
    $dbh->do(q(INSERT INTO logins VALUES ('clerk', '{SHA}5en6G6MezRroT3XKqkdPOmY/BfQ='))); # secret
    $server->database->admin->do(q(GRANT SELECT ON access_token.logins
        TO 'access_token'@'localhost')) if $has_server;
    $server->write_file('htdocs/large', 'x' x 30_000_000);
    $server->allow_log(@dbd, qr/AT002: /, qr/AT038: /, qr/\[(?:auth|authn)\w*:/);
    $server->run;
    my $basic = { Authorization => 'Basic Y2xlcms6c2VjcmV0' };      # clerk:secret
    my @replies = $server->in_parallel(8, sub {
        my ($number) = @_;
        return { outcome => outcome($number % 2
            ? update($server, 'demo-udf')
            : $server->post({ access_token_identifier => { authentication_code => 'demo-udf' } },
                            $basic, '/by-password')) };
    });
    is(outcomes(@replies), '200 OK: 8', 'one connection is enough for callers of both kinds');

    # A slow download keeps the only connection.
    my $slow = $server->socket;
    print {$slow} "GET /large HTTP/1.1\r\nHost: 127.0.0.1\r\n"
        . "Authorization: $basic->{Authorization}\r\n\r\n";
    sysread $slow, my $first, 1000;
    like($first, qr{^HTTP/1.1 200 }, 'a download by a user of mod_authn_dbd');
    if (AccessTokenTest::mpm() ne 'prefork') {
        my $start = time;
        is(outcome(update($server, 'demo-udf')), '503 SERVICE_UNAVAILABLE',
           'while it has the connection, a call is refused');
        cmp_ok(time - $start, '<', 2 + $slack, 'in time');
        ok(error_lines($server, qr/AT002: .*mod_dbd gave no connection.*DBDMax/),
           'the log names the reason');
    }
    close $slow;
    works($server, 'the download has ended');
    $server->finish('the error log has only the expected lines: mod_authn_dbd');
}

# ---- incidents, and readiness

{
    my $server = AccessTokenTest->start(
        log_level => 'notice', location_conf => 'AccessTokenRetryBudget 300ms', conf => <<'END');
<Location "/ready">
    SetHandler access-token-ready
    AccessTokenRetryBudget 300ms
</Location>
END
    my $database = $server->database;
    my $ready = sub { $server->request($_[0] // 'GET', '/ready') };

    is(outcome($ready->()), '200 OK', 'ready');
    is($ready->()->{headers}{'cache-control'}, 'no-store', 'and must not be stored');
    is($ready->('HEAD')->{status}, 200, 'to HEAD too');
    my $reply = $ready->('POST');
    is("$reply->{status} $reply->{headers}{allow}", '405 GET, HEAD', 'and to no other method');

    $database->dbh->do('UPDATE access_token_schema SET version = 9');
    is(outcome($ready->()), '503 SERVICE_UNAVAILABLE', 'another version of the schema')
        for 1 .. 3;
    is(scalar error_lines($server, qr/AT002: .*version 9/), 1, 'is reported once');
    $database->dbh->do('UPDATE access_token_schema SET version = 3');
    is(outcome($ready->()), '200 OK', 'ready again');

    # SQLite is locked by another program; MariaDB is stopped.
    my $lock;
    my $take_away = sub {
        return $database->stop if $has_server;
        $lock = $database->connect;
        return $lock->do('BEGIN IMMEDIATE');
    };
    my $give_back = sub {
        return $database->start if $has_server;
        $lock->do('ROLLBACK');
        return $lock->disconnect;
    };
    my $calls = $has_server ? 12 : 3;
    my $fault = $has_server ? qr/AT002: .*no connection/ : qr/AT002: .*locked|AT002: .*error 5/;
    $take_away->();
    is(outcome(update($server, 'demo-udf')), '503 SERVICE_UNAVAILABLE',
       'the database cannot serve') for 1 .. $calls;
    is(outcome($ready->()), $has_server ? '503 SERVICE_UNAVAILABLE' : '200 OK',
       'a server that can read is ready');
    is(scalar error_lines($server, $fault), 1, 'a fault of many calls is reported once')
        or diag(join "\n", error_lines($server, qr/AT00/));
    $give_back->();
    works($server, 'the database serves');
    my $over = $has_server ? qr/AT036: over: .*out of reach; it failed 13 calls/
                           : qr/AT036: over: locks.*; it failed 3 calls/;
    is(scalar(() = $server->error_log =~ /$over/g), 0, 'its end is not reported at once');
    sleep 5.5;
    works($server, 'and still does');
    ok($server->wait_for_error($over), 'its end is reported')
        or diag(join "\n", grep { /AT0/ } split /\n/, $server->error_log);
    is(scalar(() = $server->error_log =~ /$over/g), 1, 'once');

    # A new fault is reported again.
    $take_away->();
    is(outcome(update($server, 'demo-udf')), '503 SERVICE_UNAVAILABLE', 'the next fault')
        for 1, 2;
    is(scalar error_lines($server, $fault), 2, 'is reported again');
    $give_back->();
    works($server, 'the database serves again');
    $server->allow_log(@dbd, qr/AT002: /, qr/AT038: /);
    $server->finish('the error log has only the expected lines: incidents');
}

# ---- sizes that do not fit each other

for my $case (
    ['AT034', "AccessTokenConnections 9\n", qr/AccessTokenConnections 9 .*DBDMax, 4.*Raise/],
    ['AT035', "AccessTokenBalancerTimeout 5500ms\n",
     qr/AccessTokenRetryBudget, 5000 ms.*AccessTokenBalancerTimeout, 5500 ms.*Lower/],
    [undef, "AccessTokenBalancerTimeout 6s\nAccessTokenConnections 4\n"],
    $has_server ? (['AT037', "DBDMax 60\n", qr/DBDMax 60 .*max_connections, 200.*Lower/],
                   ['AT038', "AccessTokenRetryBudget 2s\n",
                    qr/innodb_lock_wait_timeout, 2 s.*AccessTokenRetryBudget, 2 s/]) : (),
) {
    my ($tag, $conf, $text) = @$case;
    my $server = AccessTokenTest->start(dbd => { max => 4 }, conf => $conf,
                                        log_level => 'warn access_token:info');
    $server->wait_for_error(qr/AT026/);
    my @lines = grep { /AT03[4578]: / } split /\n/, $server->error_log;
    chomp(my $sizes = $conf =~ tr/\n/ /r);
    if (defined $tag) {
        ok(scalar(grep { /$tag: .*$text/ && /:warn\]/ } @lines), "$sizes: the log warns at start with $tag")
            or diag(join "\n", @lines);
        is(scalar(grep { !/$tag/ } @lines), 0, 'and about nothing else');
    }
    else {
        is(scalar @lines, 0, "$sizes: no warning") or diag(join "\n", @lines);
    }
    $server->allow_log(qr/AT03[4578]: /);
    $server->finish("the error log has only the expected lines: $sizes");
}

done_testing;
