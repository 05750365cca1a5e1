# The proxy with which 62-cut.t breaks connections: each point of a plan is where it
# should be. A client of MariaDB is enough; Apache does not run.
use strict;
use warnings;

use Test::More;
use Time::HiRes qw(sleep time);

use AccessTokenTest;

plan skip_all => 'SQLite is a file: there is no connection to cut'
    if AccessTokenTest::engine() eq 'sqlite3';

my $server = AccessTokenTest->new(proxy => 1);
my $database = $server->database;
my $proxy = $database->proxy;
my $id = 'D0000000000000000000000000000001';

# A connection through the proxy, and a direct one.
sub connection {
    my $dbh = DBI->connect(
        'dbi:MariaDB:database=access_token;' . $proxy->place, 'root', '',
        { RaiseError => 1, PrintError => 0, mariadb_server_prepare => 1 });
    $dbh->{mariadb_auto_reconnect} = 0;
    return $dbh;
}

my $direct = $database->connect;

sub stored {
    return $direct->selectrow_array('SELECT udf_string_1 FROM access_tokens WHERE id = ?',
                                    undef, $id);
}

# What a client knows about its save: "changed N", or that the connection was lost.
my $update = 'UPDATE access_tokens SET udf_string_1 = ? WHERE id = ?';

sub save {
    my ($statement, $value) = @_;
    my $changed = eval { $statement->execute($value, $id) } // return lost($@);
    return "changed $changed";
}

sub lost {
    return $_[0] =~ /Lost connection|gone away|reading (?:authorization|initial)|Can't connect/
        ? 'lost' : $_[0];
}

# ---- without a plan the proxy changes nothing

{
    my $dbh = connection();
    my @statements = (
        'SELECT * FROM access_tokens ORDER BY id', 'SELECT 1 FROM users WHERE id IS NULL',
        "SELECT REPEAT('x', 300000), NULL, '', 18446744073709551615, 0.1");
    is_deeply($dbh->selectall_arrayref($_), $direct->selectall_arrayref($_), $_) for @statements;
    my $long = 'y' x 300_000;
    is($dbh->selectrow_array('SELECT SHA2(?, 256)', undef, $long),
       $direct->selectrow_array('SELECT SHA2(?, 256)', undef, $long), 'a long parameter');
    ok(!eval { $dbh->do('SELECT 1 FROM nowhere'); 1 }, 'an error passes');
    like($@, qr/nowhere/, 'unchanged');
    ok($dbh->ping, 'ping');
    my $count = $proxy->report->{count};
    is($count->{ping}, 1, 'commands are counted');
    cmp_ok($count->{execute}, '>=', 4, 'by name');
}

# ---- the points of a save

# AT; what the client knows; whether the change is made: 1, 0, or undef if either is
# possible; the number of bytes
for my $point (
    ['before', 'lost', 0], ['part', 'lost', 0], ['part', 'lost', 0, 1], ['part', 'lost', 0, 9999],
    ['sent', 'lost', undef], ['answered', 'lost', 1], ['reply', 'lost', 1], ['reply', 'lost', 1, 1],
    ['reply', 'lost', 1, 4], ['reply', 'changed 1', 1, 9999], ['replied', 'changed 1', 1],
) {
    my ($at, $knows, $made, $bytes) = @$point;
    my $name = $at . (defined $bytes ? " $bytes" : '');
    my $dbh = connection();
    my $save = $dbh->prepare($update);
    save($save, 'as it was');
    $proxy->plan({ on => 'save', at => $at, defined $bytes ? (bytes => $bytes) : () });
    is(save($save, $name), $knows, "$name: what the client knows");
    my $report = $proxy->report;
    is("@$report{qw(cut waiting)} " . @{ $report->{fired} }, '1 0 1', "$name: one cut");
    if (defined $made) {
        is(stored(), $made ? $name : 'as it was', "$name: what the server has done");
        is($report->{changed}, $made, "$name: and the proxy knows it");
    }
    is($report->{count}{save}, $at =~ /^(?:before|part)$/ ? undef : 1,
       "$name: the packets that the server got");
    ok(!$dbh->ping, "$name: the connection is lost");
    is(save(connection()->prepare($update), 'next'), 'changed 1', "$name: a new one works");
}

# ---- the packets of a reply

{
    my $select = 'SELECT id, udf_string_1 FROM access_tokens AS token WHERE token.id = ?';
    my $dbh = connection();
    $proxy->plan({ on => 'load', at => 'replied', then => 'go_on' });
    my $expected = [[$id, stored()]];
    is_deeply($dbh->selectall_arrayref($select, undef, $id), $expected, 'a load');
    my $packets = $proxy->report->{fired}[0]{packets};
    like($packets, qr/^[46]$/, 'the reply has a count, perhaps columns and their end, a row, its end');
    for my $number (1 .. $packets, -1) {
        for my $bytes (0, 3, 4, 5, 9999) {
            my $is_whole = $bytes == 9999 && ($number == -1 || $number == $packets);
            $dbh = connection();
            $proxy->plan({ on => 'load', at => 'reply', packet => $number, bytes => $bytes });
            my $rows = eval { $dbh->selectall_arrayref($select, undef, $id) };
            is_deeply($rows // lost($@), $is_whole ? $expected : 'lost',
                      "packet $number, $bytes bytes of it");
            is($proxy->report->{cut}, 1, 'is cut once');
        }
    }
}

# ---- the command of a step

{
    my $dbh = connection();
    my $save = $dbh->prepare($update);
    $proxy->plan({ on => 'save', at => 'before', with => 'this one' },
                 { on => 'connect', at => 'before' },
                 { on => 'prepare', at => 'before' },
                 { on => 'ping', at => 'answered' },
                 { on => 'save', at => 'answered', skip => 2 });
    is(save($save, 'another'), 'changed 1', 'a command without the text passes');
    $dbh->ping;
    is($proxy->report->{waiting}, 5, 'the first step waits, and all after it');
    is(save($save, 'it is this one'), 'lost', 'a command with the text is cut');
    ok(!eval { connection() }, 'then a connect is cut');
    $dbh = connection();
    ok(!eval { $dbh->do("$update AND 1 = 1", undef, 1, 2); 1 }, 'a prepare');
    ok(!connection()->ping, 'a ping');
    $dbh = connection();
    $save = $dbh->prepare($update);
    is(join(', ', map { save($save, "pass $_") } 1 .. 3), 'changed 1, changed 1, lost',
       'the third save');
    is(stored(), 'pass 3', 'which was made');
    is($proxy->report->{cut}, 5, 'these were all cuts');
}
ok(!eval { $proxy->plan({ on => 'save', att => 'before' }); 1 }, 'a step with an unknown word');
ok(!eval { $proxy->plan({ on => 'save', at => 'nowhere' }); 1 }, 'an unknown point');

# ---- too late

{
    my $guarded = 'UPDATE access_tokens SET udf_string_1 = ?, version = version + 1
                   WHERE id = ? AND version = ?';
    my $load = 'SELECT version FROM (SELECT 1 AS one) AS always
                LEFT JOIN access_tokens AS token ON token.id = ?';
    for my $case (
        # until; whether the late save and the one after it change the row
        [[before => 'load_by_id'], 1, 0], [[after => 'load_by_id'], 1, 0],
        [[before => 'save'], 1, 0], [[after => 'save'], 0, 1],
        ['release', 0, 1], [0.3, 0, 1],
    ) {
        my ($until, $late, $own) = @$case;
        my $name = 'late, ' . (ref $until ? "@$until" : $until);
        my ($first, $second) = (connection(), connection());
        my $version = $second->selectrow_array($load, undef, $id);
        $proxy->plan({ on => 'save', at => 'late', ref $until ? (until => $until)
                           : $until ne 'release' ? (wait => $until) : () });
        ok(!eval { $first->do($guarded, undef, 'late', $id, $version); 1 }, "$name: cut at once");
        my $seen = $second->selectrow_array($load, undef, $id);
        is($seen, $version + (ref $until && "@$until" eq 'before load_by_id'),
           "$name: the row that a query finds");
        my $changed = $second->do($guarded, undef, 'own', $id, $version);
        is($changed + 0, $own, "$name: the result of another save");
        $proxy->release(0) if $until eq 'release';
        my $report = $proxy->wait_for(sub { !$_[0]{late} });
        is("$report->{late} $report->{fired}[0]{changed}", "0 $late", "$name: and of the late one");
        is($report->{changed}, 1, "$name: one of them changes the row");
        is(stored(), $late ? 'late' : 'own', "$name: and its value is stored");
    }
}

# ---- waiting

{
    my $dbh = connection();
    my $save = $dbh->prepare($update);
    for my $at (qw(before part sent answered reply replied)) {
        $proxy->plan({ on => 'save', at => $at, wait => 0.3, then => 'go_on' });
        my $start = time;
        is(save($save, "slow $at"), 'changed 1', "$at, wait, go on: the command is only slow");
        cmp_ok(time - $start, '>', 0.25, 'and slow it is')
            if $at !~ /^(?:replied|sent)$/;
        $dbh->ping;
        cmp_ok(time - $start, '>', 0.25, 'or the next command is');
        is(stored(), "slow $at", 'and the change is made');
    }
    my $other = connection();
    $proxy->plan({ on => 'save', at => 'before', wait => 0.3, all => 1 });
    my $start = time;
    my @known = $server->in_parallel(2, sub {
        return { is => save($save, 'stalled') } if !$_[0];
        sleep 0.1;
        return { is => $other->ping ? 'alive' : 'lost', after => time - $start };
    });
    is($known[0]{is}, 'lost', 'all wait, one is cut');
    is($known[1]{is}, 'alive', 'the other is not cut');
    cmp_ok($known[1]{after}, '>', 0.25, 'but it has waited');
}
{
    my @two = (connection(), connection());
    my $start = time;
    $proxy->stall(0.3);
    is(join(' ', map { $_->ping ? 'alive' : 'lost' } @two), 'alive alive', 'a stall ends');
    cmp_ok(time - $start, '>', 0.25, 'but not at once');
    $proxy->stall(0.2, 'cut_all');
    is(join(' ', map { $_->ping ? 'alive' : 'lost' } @two), 'lost lost', 'or it ends all connections');
    @two = (connection(), connection());
    $proxy->cut_all;
    is(join(' ', map { $_->ping ? 'alive' : 'lost' } @two), 'lost lost', 'all connections can be cut at once');
    my $dbh = connection();
    $proxy->refuse(60);
    ok(!eval { connection() }, 'new connections are refused');
    like($@, qr/Can't connect/, 'and the client gets an error at once');
    ok($dbh->ping, 'existing connections stay');
    $proxy->refuse(0);
    ok($server->wait_for(sub { eval { connection() } }), 'new connections work again');
    $proxy->plan({ on => 'ping', at => 'before', refuse => 0.5 });
    ok(!$dbh->ping, 'a cut');
    ok(!eval { connection() }, 'a cut can also refuse new connections');
    ok($server->wait_for(sub { eval { connection() } }), 'for a time');
}
$database->stop;
is(lost((eval { connection() }, $@)[-1]), 'lost', 'without a server there is no connection');
$database->start;
ok(connection()->ping, 'with a server there is');

$proxy->stop;
ok(!-s $server->path('mariadb/proxy.log'), 'the proxy has no errors')
    or diag($server->read_file('mariadb/proxy.log'));
done_testing;
