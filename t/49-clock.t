# A clock that is set back by an hour while calls wait: for the database, for a lock, or
# in the queue for hashing. They do not wait longer.
use strict;
use warnings;

use POSIX ();
use Test::More;
use Time::HiRes qw(sleep time);

use AccessTokenTest;

my $has_server = AccessTokenTest::engine() ne 'sqlite3';

# bcrypt 13 takes about 400 ms.
my $server = AccessTokenTest->new(preload => 'clock', conf => AccessTokenTest::one_child_conf() . <<'END');
AccessTokenHashingLimit 1
AccessTokenPassCodeScheme bcrypt 13
AccessTokenRetryBudget 1500ms
AccessTokenConnectionWait 1500ms
END
my $back = $server->path('back');
$server->{options}{environment}{AT_CLOCK_BACK} = $back;
$server->run;
my $database = $server->database;

# COUNT concurrent calls with FIELDS, while the clock is set back. Returns a hash with the
# number of answers for each outcome.
sub outcomes {
    my ($count, $fields) = @_;
    unlink $back;
    my %outcomes;
    for my $reply ($server->in_parallel($count + 1, sub {
        if ($_[0] == $count) {
            sleep 0.5;
            $server->write_file('back', '');
            return 'set back';
        }
        my $reply = $server->post({ token => 'demo-session-clerk', %$fields,
            access_token_identifier => { authentication_code => 'demo-card' } });
        return AccessTokenTest::outcome($reply);
    }, 20)) {
        $outcomes{ ref $reply ? $reply->{died} : $reply }++;
    }
    return \%outcomes;
}

is_deeply(outcomes(1, { udf_string_1 => 'before' }), { '200 OK' => 1, 'set back' => 1 }, 'a call');
{
    # The date of a reply shows an hour ago, so the tests below work.
    my ($day) = $server->request('GET', '/index.html')->{headers}{date} =~ /(\d\d:\d\d):/;
    my @hours = map { POSIX::strftime('%H:%M', gmtime(time - 3600 + $_)) } -60, 0, 60;
    ok(scalar(grep { $_ eq $day } @hours), 'the clock is set back');
}

{
    my $other = $database->connect;
    $has_server ? $other->do('LOCK TABLES access_tokens WRITE') : $other->do('BEGIN EXCLUSIVE');
    is_deeply(outcomes(6, { udf_string_1 => 'locked' }),
              { '503 SERVICE_UNAVAILABLE' => 6, 'set back' => 1 }, 'calls that wait for a lock');
    $other->disconnect;
}
if ($has_server) {
    kill 'STOP', $database->pid;
    is_deeply(outcomes(6, { udf_string_1 => 'stopped' }),
              { '503 SERVICE_UNAVAILABLE' => 6, 'set back' => 1 },
              'calls that wait for a database that does not answer');
    kill 'CONT', $database->pid;
    $database->stop;
    is_deeply(outcomes(6, { udf_string_1 => 'away' }),
              { '503 SERVICE_UNAVAILABLE' => 6, 'set back' => 1 },
              'calls that wait for a database that is away');
    $database->start;
}
{
    my $outcomes = outcomes(16, { identifier => 'clock-user', pass_code => 'new-1' });
    is(delete $outcomes->{'set back'}, 1, 'calls that wait in the queue for hashing');
    my @wrong = grep { !/^(?:200 OK|409 VERSION_CONFLICT|503 SERVICE_UNAVAILABLE)$/ } keys %$outcomes;
    is("@wrong", '', 'get their answer') or diag(join ', ', %$outcomes);
}
is_deeply(outcomes(1, { udf_string_1 => 'after' }), { '200 OK' => 1, 'set back' => 1 },
          'and everything works as before');
$server->allow_log(qr/\[dbd:(?:error|crit|warn)\]/, qr/AT0(?:02|38): /);
$server->finish;
done_testing;
