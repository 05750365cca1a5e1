# Maintenance of a database while httpd runs (contract, section 6): a call may have to
# retry, but none fails, and nothing needs a restart.
use strict;
use warnings;

use POSIX ();
use Test::More;
use Time::HiRes qw(sleep);

use AccessTokenTest;

my $has_server = AccessTokenTest::engine() ne 'sqlite3';
my $token = 'demo-session-clerk';
my $sql = AccessTokenTest::srcdir() . '/sql/' . ($has_server ? 'mysql' : 'sqlite3');
my $clients = 6;

my $ready = <<'END';
<Location "/ready">
    SetHandler access-token-ready
</Location>
END

sub update {
    my ($server, $code, $fields, $headers) = @_;
    return $server->post({ token => $token, access_token_identifier =>
                           { authentication_code => $code }, %{ $fields // {} } }, $headers);
}

sub outcome { AccessTokenTest::outcome($_[0]) }

sub works {
    my ($server, $name) = @_;
    is(outcome(update($server, 'demo-card', { udf_string_1 => $name })), '200 OK',
       "$name: a call succeeds");
    is($server->dbh->selectrow_array(q(SELECT udf_string_1 FROM access_tokens
        WHERE authentication_code = 'demo-card')), $name, 'and its change is stored');
    is($server->request('GET', '/ready')->{status}, 200, 'and the server is ready');
    return;
}

sub version {
    my ($dbh) = @_;
    return $dbh->selectrow_array(
        q(SELECT version FROM access_tokens WHERE authentication_code = 'demo-udf'));
}

# Returns when calls have made more versions, 8 at least.
sub see_calls {
    my ($server, $dbh) = @_;
    my $before = version($dbh);
    return $server->wait_for(sub { abs(version($dbh) - $before) >= 8 }, 20)
        || die "no call succeeds\n";
}

# All clients make calls from before CODE until after it, ROUNDS times. Returns the number
# of calls for each outcome.
sub beside_calls {
    my ($server, $rounds, $code) = @_;
    my $end = $server->path('maintained');
    my @results = $server->in_parallel($clients + 1, sub {
        my ($number) = @_;
        if ($number == $clients) {
            my $done = eval {
                my $dbh = $server->database->connect;
                for my $round (1 .. $rounds) {
                    see_calls($server, $dbh);
                    $code->($dbh, $round);
                }
                see_calls($server, $server->database->connect);
                1;
            };
            my $error = $@;
            $server->write_file('maintained', '');
            return $done ? [] : ["maintenance: $error"];
        }
        my $field = 'udf_string_' . ($number % 8 + 1);
        my @outcomes;
        my $more = 3;
        while ($more > 0 && @outcomes < 3000) {
            $more-- if -e $end;
            my $reply = update($server, 'demo-udf', { $field => "client $number call $more" },
                $number % 2 ? { 'Idempotency-Key' => join '-', 'key', $$, scalar @outcomes, rand } : {});
            push @outcomes, outcome($reply);
        }
        return \@outcomes;
    }, 120);
    unlink $end;
    my %count;
    $count{$_}++ for map { ref eq 'ARRAY' ? @$_ : $_->{died} } @results;
    return \%count;
}

# maintains(SERVER, NAME, CODE, %options): during CODE no call fails, and each call is
# made once.
#   rounds     how often CODE runs (3)
#   goes_back  true: it reverts earlier changes
sub maintains {
    my ($server, $name, $code, %options) = @_;
    my $before = version($server->dbh);
    my $count = beside_calls($server, $options{rounds} // 3, $code);
    is(join(', ', map { "$_: $count->{$_}" } sort keys %$count),
       '200 OK: ' . ($count->{'200 OK'} // 0), "$name: no call fails");
    is(version($server->dbh) - $before, $count->{'200 OK'}, 'and each is made once')
        if !$options{goes_back};
    works($server, $name);
    return;
}

# ---- maintenance during calls

my $key = <<'END';
AccessTokenIdempotencyKeyFile key
END

sub start_with_key {
    my ($conf) = @_;
    my $server = AccessTokenTest->new(conf => $ready . $key . ($conf // ''));
    chmod 0600, $server->write_file('key', 'k' x 64);
    $server->run;
    return $server;
}

sub trigger_of {
    my ($file, $name) = @_;
    open my $in, '<', $file or die "$file: $!\n";
    my $text = do { local $/; <$in> };
    my ($trigger) = $text =~ /^(CREATE TRIGGER $name .*?;? END)(?:;|\n; END IF;;)$/ms
        or die "$file has no trigger $name\n";
    return $has_server ? "$trigger\n; END IF" : $trigger;
}

my $request_trigger = trigger_of("$sql/schema.sql", 'access_tokens_request');

sub each_of {
    my (@statements) = @_;
    return sub {
        my ($dbh, $round) = @_;
        $dbh->do(s/ROUND/$round/gr) for @statements;
        return;
    };
}

my @for_sqlite = (
    'VACUUM' => each_of('VACUUM'),
    'ANALYZE and PRAGMA optimize' => each_of('ANALYZE', 'PRAGMA optimize'),
    'REINDEX' => each_of('REINDEX'),
    'an index that is created and dropped' => each_of(
        'CREATE INDEX maintenance ON access_tokens (udf_string_8)', 'DROP INDEX maintenance'),
    'an additional column' => each_of('ALTER TABLE access_tokens ADD COLUMN more_ROUND TEXT NULL'),
    'a removed column' => each_of('ALTER TABLE access_tokens DROP COLUMN more_ROUND'),
    'a trigger that is recreated' => each_of('BEGIN IMMEDIATE',
        'DROP TRIGGER access_tokens_request', $request_trigger, 'COMMIT'),
    'a table that is altered by a copy' => each_of('BEGIN IMMEDIATE',
        'ALTER TABLE access_token_requests RENAME TO old_requests',
        'CREATE TABLE access_token_requests AS SELECT * FROM old_requests', 'COMMIT',
        'BEGIN IMMEDIATE', 'DROP TABLE access_token_requests',
        'ALTER TABLE old_requests RENAME TO access_token_requests', 'COMMIT'),
    'a checkpoint' => each_of('PRAGMA wal_checkpoint(TRUNCATE)'),
    'a restored backup' => sub {
        my ($dbh, $round) = @_;
        my ($file) = $dbh->sqlite_db_filename =~ /(.*)/;
        $dbh->sqlite_backup_to_file("$file.backup");
        my $copy = DBI->connect("dbi:SQLite:dbname=$file.backup", '', '', { RaiseError => 1 });
        $copy->do("CREATE TABLE restored_$round (id INTEGER)");
        $copy->disconnect;
        $dbh->sqlite_backup_from_file("$file.backup");
    },
    'removed keys' => each_of('DELETE FROM access_token_requests'),
);

my @for_servers = (
    'an index that is created and dropped' => each_of(
        'CREATE INDEX maintenance ON access_tokens (udf_string_8)',
        'DROP INDEX maintenance ON access_tokens'),
    'an additional column' => each_of('ALTER TABLE access_tokens ADD COLUMN more_ROUND TEXT NULL'),
    'a removed column' => each_of('ALTER TABLE access_tokens DROP COLUMN more_ROUND'),
    'a column whose width changes' => each_of(
        'ALTER TABLE access_tokens MODIFY card_masked_number VARCHAR(400) NULL',
        'ALTER TABLE access_tokens MODIFY card_masked_number VARCHAR(32) NULL'),
    'a rebuild by copying' => each_of('ALTER TABLE access_tokens ENGINE = InnoDB, ALGORITHM = COPY'),
    'OPTIMIZE TABLE' => each_of('OPTIMIZE TABLE access_tokens, access_token_requests, users'),
    'ANALYZE TABLE' => each_of('ANALYZE TABLE access_tokens, users, contacts'),
    'FLUSH TABLES' => each_of('FLUSH TABLES'),
    'a backup under a read lock' => each_of('FLUSH TABLES WITH READ LOCK', 'DO SLEEP(0.2)',
                                            'UNLOCK TABLES'),
    'a trigger that is recreated' => each_of('LOCK TABLES access_tokens WRITE, access_token_requests WRITE',
        'DROP TRIGGER access_tokens_request', $request_trigger, 'UNLOCK TABLES'),
    'a trigger that is created and dropped' => each_of(
        'CREATE TRIGGER maintenance AFTER UPDATE ON access_tokens FOR EACH ROW SET @maintenance = 1',
        'DROP TRIGGER maintenance'),
    'a table that is replaced by a copy' => each_of('SET SESSION foreign_key_checks = 0',
        'CREATE TABLE new_contacts LIKE contacts', 'INSERT INTO new_contacts SELECT * FROM contacts',
        'RENAME TABLE contacts TO old_contacts, new_contacts TO contacts', 'DROP TABLE old_contacts'),
    'a table of the save that is replaced by an empty one' => each_of(
        'CREATE TABLE new_requests LIKE access_token_requests',
        'RENAME TABLE access_token_requests TO old_requests, new_requests TO access_token_requests',
        'DROP TABLE old_requests'),
    # As tools for schema changes do it, but without the changes that they copy meanwhile.
    'the table of access tokens, replaced by a copy' => each_of(
        'SET SESSION foreign_key_checks = 0', 'CREATE TABLE new_tokens LIKE access_tokens',
        'INSERT INTO new_tokens SELECT * FROM access_tokens',
        'RENAME TABLE access_tokens TO old_tokens, new_tokens TO access_tokens',
        'DROP TABLE old_tokens',
        'CREATE TRIGGER access_tokens_version BEFORE UPDATE ON access_tokens FOR EACH ROW
            SET NEW.version = GREATEST(NEW.version, OLD.version + 1)',
        $request_trigger),
    'FLUSH PRIVILEGES' => each_of('FLUSH PRIVILEGES'),
    # Without the old password, a new connection would be refused.
    'a second password' => each_of(
        AccessTokenTest::engine() eq 'mysql'
            ? q(ALTER USER 'access_token'@'localhost' IDENTIFIED BY 'another' RETAIN CURRENT PASSWORD)
            : q(ALTER USER 'access_token'@'localhost' IDENTIFIED VIA
                mysql_native_password USING PASSWORD('another')
                OR mysql_native_password USING PASSWORD('change-this')), 'DO SLEEP(0.2)',
        q(ALTER USER 'access_token'@'localhost' IDENTIFIED BY 'change-this')),
    'TRUNCATE of the keys' => each_of('TRUNCATE TABLE access_token_requests'),
);

{
    my $server = start_with_key();
    # The message of mod_dbd about a connection that the module cut.
    $server->allow_log(qr/\[dbd:error\].* AH00639:/) if $has_server;
    my @maintenance = $has_server ? @for_servers : @for_sqlite;
    while (my ($name, $code) = splice @maintenance, 0, 2) {
        maintains($server, $name, $code, goes_back => scalar($name =~ /table of access tokens|restored/));
    }
    maintains($server, 'history.sql', sub { $server->database->load("$sql/history.sql") }, rounds => 1);
    ok(scalar($server->history('D0000000000000000000000000000031')), 'which is installed');
    $server->finish('the error log has only the expected lines: maintenance');
}

if ($has_server) {
    done_testing;
    exit;
}

# ---- SQLite: a connection that is reopened

my $one_child = AccessTokenTest::one_child_conf();

# The memory of the children in bytes, and the number of their open files, by pid.
sub sizes {
    my ($server) = @_;
    my (%bytes, %files);
    for my $pid ($server->children) {
        open my $in, '<', "/proc/$pid/statm" or next;
        $bytes{$pid} = (split ' ', scalar <$in>)[1] * POSIX::sysconf(&POSIX::_SC_PAGESIZE);
        $files{$pid} = () = grep { (readlink // '') =~ /tokens\.db/ } glob "/proc/$pid/fd/*";
    }
    return (\%bytes, \%files);
}

{
    # Under prefork there is one child.
    my $conf = AccessTokenTest::mpm() eq 'prefork' ? <<'END' : $one_child;
StartServers 1
MinSpareServers 1
MaxSpareServers 1
MaxRequestWorkers 1
KeepAlive Off
END
    my $server = AccessTokenTest->start(conf => $ready . $conf);
    my $dbh = $server->dbh;
    $dbh->do('PRAGMA synchronous = OFF');
    my ($answered, @others) = (0);
    my $change_and_call = sub {
        my ($times) = @_;
        for my $time (1 .. $times) {
            $dbh->do($time % 2 ? 'CREATE TABLE comes_and_goes (id INTEGER)' : 'DROP TABLE comes_and_goes');
            my $reply = update($server, 'demo-card', { udf_string_2 => "change $time" });
            outcome($reply) eq '200 OK' ? $answered++ : push @others, outcome($reply);
        }
    };
    $change_and_call->(100);
    my ($bytes, $files) = sizes($server);
    $change_and_call->(400);
    my ($bytes_after, $files_after) = sizes($server);
    is($answered, 500, 'a change of the schema before each call makes none fail')
        or diag("@others\n", $server->error_log);
    is_deeply([sort keys %$bytes_after], [sort keys %$bytes], 'by the same children');
    for my $pid (sort keys %$bytes) {
        # A set of statements takes about 100 KB.
        cmp_ok($bytes_after->{$pid} - $bytes->{$pid}, '<', 400 * 10_000,
               'and old prepared statements are freed');
        is($files_after->{$pid}, $files->{$pid}, 'and old files are closed');
    }
    works($server, 'many changes');

    # A mismatch is reported, and calls work again without a restart.
    $dbh->do('ALTER TABLE access_tokens RENAME COLUMN card_masked_number TO another_name');
    is(outcome(update($server, 'demo-card')), '500 INTERNAL_ERROR', 'a missing column');
    is($server->request('GET', '/ready')->{status}, 503, 'and the server is not ready');
    ok($server->wait_for_error(qr/AT003: .*no such column: \S*card_masked_number/),
       'the log names the column');
    $dbh->do('ALTER TABLE access_tokens RENAME COLUMN another_name TO card_masked_number');
    works($server, 'the column is back');

    # While the schema changes all the time, no call gets a 500.
    my ($count, $changes) = (0, 0);
    my @results = $server->in_parallel(4, sub {
        my ($number) = @_;
        my $end = $server->path('changed');
        if ($number == 3) {
            my $own = $server->database->connect;
            $own->do('PRAGMA synchronous = OFF');
            $own->do($_ % 2 ? 'CREATE TABLE comes_and_goes (id INTEGER)' : 'DROP TABLE comes_and_goes'),
                sleep 0.01 for 1 .. 200;
            $server->write_file('changed', '');
            return [];
        }
        my @outcomes;
        push @outcomes, outcome(update($server, 'demo-card', { udf_string_3 => 'again' }))
            until -e $end;
        return \@outcomes;
    });
    my %of;
    $of{$_}++ for map { ref eq 'ARRAY' ? @$_ : $_->{died} } @results;
    is(join(' ', sort keys %of), '200 OK', 'no call fails while the schema changes all the time')
        or diag(explain(\%of));
    $server->allow_log(qr/AT00[23]: /, qr/AH00161:/);
    $server->finish('the error log has only the expected lines: reopened connections');
}

# ---- SQLite: the file of the database is replaced

sub move_in {
    my ($server) = @_;
    my $file = $server->database->file;
    rename "$file.new", $file or die "$file: $!\n";
    delete $server->database->{dbh};
    return;
}

sub copy_of {
    my ($server, $dbh) = @_;
    my $file = $server->database->file;
    unlink "$file.new";
    $dbh->do("VACUUM INTO '$file.new'");
    my (undef, undef, undef, undef, $uid, $gid) = stat $file;
    chown $uid, $gid, "$file.new" or die "$file.new: $!\n";
    my $copy = DBI->connect("dbi:SQLite:dbname=$file.new", '', '', { RaiseError => 1 });
    $copy->do('PRAGMA journal_mode = WAL');
    $copy->disconnect;
    return;
}

{
    # A new child would use the old log for the new file, like any new program.
    my $server = start_with_key(AccessTokenTest::mpm() eq 'prefork' ? <<'END' : $one_child);
StartServers 1
MinSpareServers 1
MaxSpareServers 1
MaxRequestWorkers 1
KeepAlive Off
END
    my $file = $server->database->file;
    works($server, 'the first file');

    my $count = beside_calls($server, 3, sub {
        my ($dbh) = @_;
        copy_of($server, $dbh);
        $dbh->disconnect;
        move_in($server);
        # Not in one moment: the connection must not be renewed between the two.
        unlink "$file-wal";
        sleep 0.3;
        unlink "$file-shm";
        $_[0] = $server->database->connect;
    });
    is(join(' ', sort keys %$count), '200 OK', 'no call fails when the file is replaced') or diag(explain($count));
    delete $server->database->{dbh};
    works($server, 'another file');

    # SQLite would use the log for the new file.
    copy_of($server, $server->dbh);
    move_in($server);
    is(outcome(update($server, 'demo-card')), '503 SERVICE_UNAVAILABLE', 'another file with the old log');
    is($server->request('GET', '/ready')->{status}, 503, 'and the server is not ready');
    ok($server->wait_for_error(qr/AT002: .*-wal of the one before.*Remove/), 'the error log names the fix');
    unlink "$file-wal", "$file-shm";
    works($server, 'the log is removed');

    # SQLite must not make a new file after the old one was removed.
    rename $file, "$file.away" or die "$file: $!\n";
    is(outcome(update($server, 'demo-card')), '503 SERVICE_UNAVAILABLE', 'no file');
    ok(!-e $file, 'and none is made');
    ok($server->wait_for_error(qr/AT002: .*tokens\.db is gone/), 'the error log reports it');
    rename "$file.away", $file or die "$file: $!\n";
    works($server, 'the file is back');

    # No other program would see the changes that are saved after this.
    unlink "$file-wal", "$file-shm";
    is(outcome(update($server, 'demo-card')), '503 SERVICE_UNAVAILABLE', 'a removed log');
    ok($server->wait_for_error(qr/AT002: .*-wal, the log.*restart httpd/), 'the error log names the fix');
    delete $server->database->{dbh};
    $server->restart;
    works($server, 'a restart');
    $server->allow_log(qr/AT00[23]: /, qr/AH00161:/);
    $server->finish('the error log has only the expected lines: another file');
}

# ---- SQLite: DBDInitSQL that makes mod_dbd's prepared statements stale

{
    my $server = AccessTokenTest->start(conf => $ready, log_level => 'notice access_token:info',
        dbd => { init_sql => 'PRAGMA foreign_keys = ON' });
    ok($server->wait_for_error(qr/AT026: /), 'the check at start prepares stale statements again');
    works($server, 'PRAGMA foreign_keys');
    $server->dbh->do($_) for 'PRAGMA foreign_keys = OFF',
        q(DELETE FROM units WHERE id = '5A7C00000000000000000000000000B2');
    is(outcome(update($server, 'demo-card', { udf_string_1 => 'x' })), '500 INTERNAL_ERROR',
       'and it is in effect');
    $server->expect_log(qr/AT003: .*FOREIGN KEY constraint failed/);
    $server->finish('the error log has only the expected lines: DBDInitSQL');
}

{
    my $server = AccessTokenTest->start(conf => $ready, dbd => { init_sql => 'PRAGMA synchronous = NORMAL' });
    ok($server->wait_for_error(qr/AT048: .*synchronous is 1: .*power cut/),
       'the log warns at start that an answered call may be lost');
    works($server, 'PRAGMA synchronous');
    $server->expect_log(qr/AT048: /);
    $server->finish('the error log has only the expected lines: synchronous');
}

# ---- SQLite: a connection that mod_authn_dbd keeps until the end of the request

{
    # Its own statement reads no table, so it does not become stale.
    my $query = q(SELECT '{SHA}5en6G6MezRroT3XKqkdPOmY/BfQ=' WHERE %s <> '');     # secret
    my $server = AccessTokenTest->start(conf => $ready . <<"END");
<Location "/by-password">
    SetHandler access-token-update
    AccessTokenCaller apache
    AuthType Basic
    AuthName "logins"
    AuthBasicProvider dbd
    AuthDBDUserPWQuery "$query"
    Require valid-user
</Location>
END
    my $basic = { Authorization => 'Basic Y2xlcms6c2VjcmV0' };      # clerk:secret
    my @outcomes = map {
        $server->dbh->do('VACUUM');
        outcome($server->post({ access_token_identifier => { authentication_code => 'demo-udf' } },
                              $basic, '/by-password'));
    } 1 .. 10;
    is("@outcomes", join(' ', ('200 OK') x 10), 'a shared connection is reopened too');
    works($server, 'a shared connection');
    $server->finish('the error log has only the expected lines: mod_authn_dbd');
}

done_testing;
