# Faults around the module (contract, sections 5 and 6): the database is away, slow,
# locked or changed, rows are broken, clients vanish. The answer is right, the log names
# the fix, and nothing needs a restart.
use strict;
use warnings;

use Test::More;
use Time::HiRes qw(sleep time);

use AccessTokenTest;

my $has_server = AccessTokenTest::engine() ne 'sqlite3';
my $token = 'demo-session-clerk';
my $server = AccessTokenTest->new;
my $database = $server->database;
my $dbh = $database->dbh;

# Statements whose save always finds another version than the load.
$server->copy_statements('statements',
    'save.sql' => sub { s/^WHERE id = :id$/WHERE id = :id AND version < 0/m });
$server->{options}{conf} = <<"END";
AccessTokenPassCodeScheme bcrypt 4
<Location "/always-too-late">
    SetHandler access-token-update
    AccessTokenStatements statements
</Location>
<Location "/slow-hash">
    SetHandler access-token-update
    AccessTokenPassCodeScheme bcrypt 12
</Location>
END
$server->write_conf;

# Two triggers. The first fails for one value. The second belongs to another program:
# whenever a number is taken from a sequence, it changes an access token, so this happens
# between the load and the save of the call that takes the number.
my $meddle = q(UPDATE access_tokens SET udf_string_7 = 'meddled'
    WHERE authentication_code = 'demo-auto-number');
$dbh->do($_) for $has_server ? (
    q(CREATE TRIGGER refuses BEFORE UPDATE ON access_tokens FOR EACH ROW
      IF NEW.udf_string_8 = 'refused' THEN
          SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'the trigger says no';
      END IF),
    qq(CREATE TRIGGER meddles AFTER UPDATE ON access_token_sequences FOR EACH ROW $meddle),
) : (
    q(CREATE TRIGGER refuses BEFORE UPDATE ON access_tokens FOR EACH ROW
      WHEN NEW.udf_string_8 = 'refused'
      BEGIN SELECT RAISE(ABORT, 'the trigger says no'); END),
    qq(CREATE TRIGGER meddles AFTER UPDATE ON access_token_sequences FOR EACH ROW
       BEGIN $meddle; END),
);

sub update {
    my ($code, $fields, $path) = @_;
    return $server->post({ token => $token, access_token_identifier =>
                           { authentication_code => $code }, %{ $fields // {} } }, {}, $path);
}

sub row {
    my ($code) = @_;
    return $database->dbh->selectrow_hashref(
        'SELECT * FROM access_tokens WHERE authentication_code = ?', undef, $code);
}

my $calls = 0;

sub works {
    my ($name, $code) = @_;
    my $text = 'call ' . ++$calls;
    my $reply = update($code // 'demo-card', { udf_string_1 => $text });
    my $data = $reply->{json}{data} // {};
    is($data->{udf_string_1}, $text, "$name: calls succeed") or diag($reply->{content});
    is(row($code // 'demo-card')->{udf_string_1}, $text, "$name: and stored");
    return;
}

# REPLY is a 500 or 503. The log has LOG, with the id of the request.
sub fails {
    my ($name, $reply, $status, $log) = @_;
    my $code = $status == 503 ? 'SERVICE_UNAVAILABLE' : 'INTERNAL_ERROR';
    is("$reply->{status} " . ($reply->{json}{status}{code} // $reply->{content}), "$status $code",
       "$name: $status");
    is($reply->{headers}{'retry-after'}, $status == 503 ? 2 : undef, "$name: Retry-After");
    ok(!exists $reply->{json}{data}, "$name: no data");
    unlike($reply->{content}, qr{\b(?:SELECT|UPDATE|FROM|access_tokens|sqlite|mysql|maria\w+)\b
                                 |\.sql|/tmp|trigger|$token}ix,
           "$name: the reply has no secrets");
    my $id = $reply->{headers}{'x-request-id'} // 'none';
    my $line = $server->wait_for_error(qr/access_token:(?:error|info).*AT00\d: .*\Q$id\E/, 5) // 'nothing';
    like($line, $log, "$name: the log names the fix, with the request's id");
    # MariaDB's text may have values in it; SQLite's is a constant of the trigger.
    my $secret = $has_server ? qr/$token|the trigger says no/ : qr/$token/;
    unlike($line, $secret, "$name: and has no secret");
    $server->allow_log(qr/AT00\d: .*\Q$id\E/);
    return;
}

# The messages of mod_dbd and of the check at start when a database is away.
$server->allow_log(qr/\[dbd:(?:error|crit)\]/, qr/AT022: .*no connection/);

# ---- the database is away when Apache starts

my $folder = $server->path('database');

sub take_away {
    return $database->stop if $has_server;
    rename $folder, "$folder-away" or die "$folder: $!\n";
    return;
}

sub bring_back {
    return $database->start if $has_server;
    rename "$folder-away", $folder or die "$folder: $!\n";
    return;
}

take_away();
$server->run;
ok($server->wait_for_error(qr/AT022: .*no connection/), 'the log reports at start that there is no database');
for my $try (1, 2) {
    my $start = time;
    my $reply = update('demo-card');
    fails("no database at the start, call $try", $reply, 503, qr/no connection/);
    cmp_ok(time - $start, '<', 10, 'and soon');
}
is(update('demo-card', { udf_string_1 => 1 })->{status}, 422,
   'a request that needs no database is answered');
bring_back();
works('the database is started');

# ---- the database stops and starts, by an administrator and by a power failure

if ($has_server) {
    for my $signal ('TERM', 'KILL') {
        works("before $signal");
        $database->stop($signal);
        my $start = time;
        fails("the server is stopped by $signal", update('demo-card'), 503, qr/no connection/);
        cmp_ok(time - $start, '<', 10, 'and soon');
        $database->start;
        works("the server is started after $signal", $_) for qw(demo-card demo-member);
        works("and again", 'demo-udf') for 1 .. 10;
    }
    # Idle connections are cut, one or all of them: no call fails.
    for my $round (1 .. 4) {
        my $ids = $database->dbh->selectcol_arrayref(
            q(SELECT id FROM information_schema.processlist WHERE user = 'access_token'));
        cmp_ok(scalar @$ids, '>', 0, 'there are connections');
        $database->dbh->do("KILL $_") for $round % 2 ? @$ids : $ids->[0];
        works("connections killed, round $round", $_) for qw(demo-card demo-member demo-udf);
    }

    $database->dbh->do('SET GLOBAL read_only = 1');
    my $before = row('demo-card');
    fails('a read-only server', update('demo-card', { udf_string_1 => 'x' }), 503, qr/read-only/);
    is_deeply(row('demo-card'), $before, 'and nothing changes');
    $database->dbh->do('SET GLOBAL read_only = 0');
    works('the server can be written again');
}
else {
    # Apache's user can read the file, but not write it.
    $server->stop;
    my @files = glob "$folder/*";
    my %mode = map { $_ => (stat)[2] & 07777 } @files;
    chmod 0444, @files;
    $server->run;
    my $before = row('demo-card');
    fails('a read-only file', update('demo-card', { udf_string_1 => 'x' }), 500,
          qr/Apache's User must be able to write/);
    is_deeply(row('demo-card'), $before, 'and nothing changes');
    $server->stop;
    chmod $mode{$_}, $_ for @files;
    $server->run;
    works('the file can be written again');
}

# ---- a trigger that fails

if ($has_server) {
    $database->dbh->do('CREATE TRIGGER misses AFTER UPDATE ON access_tokens FOR EACH ROW
                        INSERT INTO missing_table VALUES (NEW.id)');
    my $saves = sub {
        return ($database->dbh->selectrow_array(q(SHOW GLOBAL STATUS LIKE 'Com_update')))[1];
    };
    my ($before, $count) = (row('demo-card'), $saves->());
    fails('a trigger whose table is missing', update('demo-card', { udf_string_1 => 'x' }), 500,
          qr/a table is missing, .*FLUSH TABLES: .*missing_table/);
    # MySQL counts a statement once more where it has to prepare it again.
    my $tried = $saves->() - $count;
    ok($tried == 5 || AccessTokenTest::engine() eq 'mysql' && $tried > 5 && $tried <= 10,
       'the save is tried five times') or diag($tried);
    is_deeply(row('demo-card'), $before, 'and nothing changes');
    $database->dbh->do('DROP TRIGGER misses');
    works('without that trigger');
}

# ---- a lock that another program holds

my $other = $database->connect;

sub lock_row {
    return $other->do('BEGIN IMMEDIATE') if !$has_server;
    $other->begin_work;
    $other->do(q(SELECT id FROM access_tokens WHERE authentication_code = 'demo-card' FOR UPDATE));
    return;
}

{
    # For a second: the call waits and succeeds. The lock ends with its process.
    my $start = time;
    my @replies = $server->in_parallel(2, sub {
        if ($_[0] == 0) {
            $other = $database->connect;
            lock_row();
            sleep 1.2;
            $other->do('ROLLBACK');
            return { status => 'free' };
        }
        sleep 0.3;
        my $reply = update('demo-card', { udf_string_2 => 'patient' });
        return { status => $reply->{status} };
    });
    is($replies[1]{status}, 200, 'a call waits for a lock of a second');
    is(row('demo-card')->{udf_string_2}, 'patient', 'and succeeds');
}
{
    lock_row();
    my $before = row('demo-card');
    my $start = time;
    local $server->{http} = HTTP::Tiny->new(timeout => 120);
    my $reply = update('demo-card', { udf_string_2 => 'blocked' });
    my $waited = time - $start;
    $other->do('ROLLBACK');
    fails('a lock that stays', $reply, 503,
          $has_server ? qr/error 1205, .*lock/ : qr/locked|another process writes/);
    cmp_ok($waited, '<', 15, 'the wait for a lock is limited');
    is_deeply(row('demo-card'), $before, 'and nothing changes');
    works('the lock is released');
}

# ---- another version at each save

{
    # The call checks the new row, and both changes are kept.
    $database->dbh->do('UPDATE access_token_sequences SET value = 5000');
    my $before = row('demo-auto-number');
    my $reply = update('demo-auto-number', { authentication_code => undef,
                                             udf_string_6 => 'mine' });
    is($reply->{status}, 200, 'an update of another program between load and save')
        or diag($reply->{content});
    my $code = $reply->{json}{data}{authentication_code};
    my $after = row($code);
    is($after->{udf_string_7}, 'meddled', 'that update is kept');
    is($after->{udf_string_6}, 'mine', 'and this one');
    is($after->{version}, $before->{version} + 2, 'as two versions');
    is($reply->{headers}{etag}, qq("$before->{id}-$after->{version}"), 'the ETag has the last version');
    is($reply->{json}{data}{udf_string_7}, 'meddled', 'the reply shows both');
    update($code, { authentication_code => 'demo-auto-number' });
}
{
    my $before = row('demo-card');
    my $start = time;
    # No other call raises the version, so the guard itself seems to be wrong.
    $server->expect_log(qr/AT064: \S+save\.sql: it found no row of access token \S+ with version \d+, \d+ times/);
    my $reply = update('demo-card', { udf_string_1 => 'late' }, '/always-too-late');
    is("$reply->{status} $reply->{json}{status}{code}", '409 VERSION_CONFLICT',
       'a call that always comes too late gets an error');
    cmp_ok(time - $start, '<', 10, 'in time');
    is_deeply(row('demo-card'), $before, 'and nothing changes');
}

# ---- errors of the database

{
    my $before = row('demo-card');
    fails('a trigger that raises an error', update('demo-card', { udf_string_8 => 'refused' }), 500,
          qr/save\.sql: error \d+/);
    is_deeply(row('demo-card'), $before, 'and nothing changes');
    works('after the trigger');
}

# ---- broken rows

# Without the constraints that prevent them.
sub break {
    my ($statement, @values) = @_;
    $dbh = $database->dbh;
    $database->enforce_checks(0);
    $dbh->do($statement, undef, @values);
    $database->enforce_checks(1);
    return;
}

for my $broken ('no json', '[1]', '{"points": 1') {
    break(q(UPDATE access_tokens SET custom_field_set = ? WHERE authentication_code = 'demo-udf'),
          $broken);
    my $before = row('demo-udf');
    fails("a custom_field_set of $broken",
          update('demo-udf', { custom_field_set => { points => 2 } }), 500, qr/custom_field_set/);
    is_deeply(row('demo-udf'), $before, 'and nothing changes');
    next if $broken eq '[1]';
    fails("$broken, only for the reply", update('demo-udf', { udf_string_1 => 'x' }), 500,
          qr/custom_field_set/);
    is_deeply(row('demo-udf'), $before, 'and nothing changes');
}
break(q(UPDATE access_tokens SET custom_field_set = NULL WHERE authentication_code = 'demo-udf'));
works('the set is corrected', 'demo-udf');

if (!$has_server) {
    break(q(UPDATE access_tokens SET udf_float_4 = 'no number' WHERE number = '149'));
    my $before = row('demo-udf');
    fails('an invalid number', update('demo-udf', { udf_string_1 => 'x' }), 500,
          qr/udf_float_4/);
    is_deeply(row('demo-udf'), $before, 'and nothing changes');
    fails('leaving it out of the reply does not help',
          update('demo-udf', { custom_field_set => [], fields_set => 'udf_float_4' }), 500,
          qr/udf_float_4/);
    break(q(UPDATE access_tokens SET udf_float_4 = NULL WHERE number = '149'));
    works('the number is corrected', 'demo-udf');
}

# ---- missing rules and sequences

$database->dbh->do(q(UPDATE access_token_definitions SET active = NULL));
{
    my $before = row('demo-udf');
    fails('no active definition', update('demo-udf', { udf_string_1 => 'x' }), 500,
          qr/rule\.\w+ is NULL.*active definition/);
    is_deeply(row('demo-udf'), $before, 'and nothing changes');
    works('a classification needs no active definition');
}
$database->dbh->do(q(UPDATE access_token_definitions SET active = 1 WHERE id = '1'));
works('the definition is active again', 'demo-udf');

break(q(UPDATE access_token_rule_sets SET identifier_format = 'ODD' WHERE id = 'card'));
fails('a rule of an unknown kind', update('demo-card', { udf_string_1 => 'x' }), 500,
      qr/rule\.identifier_format/);
break(q(UPDATE access_token_rule_sets SET identifier_format = 'FREE_TEXT' WHERE id = 'card'));
works('the rule is corrected');

$database->dbh->do(q(DELETE FROM access_token_sequences WHERE name = 'authentication_code'));
{
    my $before = row('demo-auto-number');
    fails('a missing sequence',
          update('demo-auto-number', { authentication_code => undef }), 500, qr/(?:raise|next)_number\.sql: .*sequence/);
    is_deeply(row('demo-auto-number'), $before, 'and nothing changes');
    works('a call that needs no number', 'demo-auto-number');
}
$database->dbh->do(q(INSERT INTO access_token_sequences (name, value)
    VALUES ('authentication_code', 2000)));
is(update('demo-auto-number', { authentication_code => undef })
       ->{json}{data}{authentication_code}, 2001, 'the sequence is restored');
update('2001', { authentication_code => 'demo-auto-number' });

# ---- clients that vanish

{
    my $body = JSON::PP->new->encode({
        token => $token, udf_string_3 => 'half', pass_code => 'p-4711', identifier => 'vanishing',
        access_token_identifier => { authentication_code => 'demo-card' } });
    my $before = row('demo-card');
    my $text = $server->request_text($body);
    # In the head, between head and body, in the body, before its last byte.
    for my $cut (10, length($text) - length $body, length($text) - 20, length($text) - 1) {
        $server->raw(substr($text, 0, $cut), close => 'abort') for 1 .. 6;
    }
    works('clients that vanish in the middle', 'demo-effective');
    is_deeply(row('demo-card'), $before, 'half a request changes nothing');

    # Half of the body, and then the connection is closed properly.
    for my $cut (length($text) - 20, length($text) - 1) {
        my $reply = $server->raw(substr($text, 0, $cut), close => 1, timeout => 5);
        ok(!defined $reply->{status} || $reply->{status} >= 400, 'half a body is an error');
    }
    is_deeply(row('demo-card'), $before, 'and changes nothing');

    # The client leaves before the answer, while the pass code is hashed: all changes or
    # none.
    my $slow = $text =~ s/\Q$AccessTokenTest::PATH\E/\/slow-hash/r;
    $server->raw($slow, close => 'abort') for 1 .. 6;
    my $done = sub { 6 == (() = $server->access_log =~ m{^POST /slow-hash }mg) };
    ok($server->wait_for($done, 30), 'calls of clients that have left end');
    my $after = row('demo-card');
    my @fields = map { $_ // 'NULL' } @$after{qw(udf_string_3 identifier)};
    is("@fields", $after->{version} > $before->{version} ? 'half vanishing' : 'NULL NULL',
       'a call whose client does not wait changes everything or nothing');
    works('clients that vanish before the answer', 'demo-effective');
    # More clients than connections: no connection is lost.
    my @statuses = map { $_->{status} // $_->{died} } $server->in_parallel(16, sub {
        my $reply = update('demo-effective', { 'udf_float_' . ($_[0] % 4 + 1) => 1 });
        return { status => $reply->{status} };
    });
    is("@statuses", join(' ', (200) x 16), 'and all connections still work');
    $server->allow_log(qr/AT005: the body did not arrive whole/);
}

# ---- the schema changes under the running server

{
    my $before = row('demo-card');
    $database->dbh->do('ALTER TABLE access_tokens RENAME COLUMN udf_string_8 TO udf_string_9');
    fails('a column that was renamed', update('demo-card', { udf_string_1 => 'x' }), 500,
          $has_server ? qr/a column is missing.*udf_string_8/ : qr/no such column: .*udf_string_8/);
    $database->dbh->do('ALTER TABLE access_tokens RENAME COLUMN udf_string_9 TO udf_string_8');
    is_deeply(row('demo-card'), $before, 'nothing has changed');
    works('the column is back');
    $database->dbh->do('DROP TABLE access_token_custom_fields');
    my $reply = update('demo-card', { custom_field_set => { points => 1 } });
    fails('a missing table', $reply, 500,
          $has_server ? qr/a table is missing.*schema\.sql/
                      : qr/no such table: access_token_custom_fields.*schema\.sql/);
    works('a call that does not need the table') if $has_server;
}

$server->finish;
done_testing;
