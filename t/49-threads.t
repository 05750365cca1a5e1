# The module's own threads and those of the requests: calls that wait for a connection, a
# database that stalls while pages are served, and a stop at any moment. No child crashes,
# each ends soon, and under the prefork MPM the threads share no memory that is not protected.
use strict;
use warnings;

use Test::More;
use Time::HiRes qw(sleep time);

use AccessTokenTest;
use AccessTokenTest::Process;

my $has_server = AccessTokenTest::engine() ne 'sqlite3';
my $is_prefork = AccessTokenTest::mpm() eq 'prefork';
# Not under the event MPM: see AccessTokenTest::wait_for_rest.
my $may_be_busy = AccessTokenTest::mpm() ne 'event';
my $rounds = $ENV{AT_STALLS} || 12;
# At a stop httpd closes the sockets of its threads, and then waits for the threads. One
# that was about to wait for the body of a request does so for the whole Timeout.
my $timeout = "Timeout 3\n";

sub update {
    my ($server, $fields) = @_;
    return $server->post({ token => 'demo-session-clerk', %$fields,
                           access_token_identifier => { authentication_code => 'demo-card' } });
}

# Clients that send requests until they are stopped. With PAGES, half of them request a
# page.
sub clients {
    my ($server, $count, $pages) = @_;
    return map {
        my $number = $_;
        AccessTokenTest::Process->start(output => $server->path("client$number.log"), code => sub {
            while (1) {
                $server->{http} = AccessTokenTest::http_client();
                for (1 .. 20) {
                    my $reply = $pages && $number % 2 ? $server->request('GET', '/index.html')
                        : update($server, { udf_string_1 => "client $number" });
                    # At the moment there may be no server.
                    sleep 0.02, last if $reply->{status} == 599;
                }
            }
        });
    } 1 .. $count;
}

# ---- protected memory

if ($is_prefork) {
    # When a call needs a connection and there is none, a thread opens it.
    my $server = AccessTokenTest->start(dbd => { min => 0, keep => 1 }, preload => 'memory');
    is(update($server, { udf_string_1 => "call $_" })->{status}, 200, "call $_") for 1 .. 8;
    unlike($server->error_log, qr/two threads share memory/,
           'a thread opens connections in memory that it may share');
    $server->finish('the error log has only the expected lines: memory');
}

# ---- calls that wait for a connection

# The threads of the child PID, each with how often it has slept.
sub threads_of {
    my ($pid) = @_;
    return map {
        open my $status, '<', $_ or die "$_: $!\n";
        my ($slept) = map { /^voluntary_ctxt_switches:\s*(\d+)/ } <$status>;
        (m{/(\d+)/status$})[0] => $slept;
    } glob "/proc/$pid/task/*/status";
}

if (!$is_prefork && -d '/proc/self/task') {
    # All calls of the child use one connection, and no request of another module wants one.
    my $server = AccessTokenTest->start(dbd => { min => 1, keep => 2, max => 2 },
        conf => AccessTokenTest::one_child_conf() . "AccessTokenConnections 1\n");
    my ($child) = $server->children;
    my %before = threads_of($child);
    is(update($server, { udf_string_1 => 'first' })->{status}, 200, 'the first call');
    # The keeper, which looks around all the time, and the opener.
    my %own = threads_of($child);
    delete @own{ keys %before };
    cmp_ok(keys %own, '>=', 2, 'starts the threads of the module');
    my (@calls, @sleeps);
    # Long enough for the one of them that is never idle to sleep many times.
    until (@sleeps && $sleeps[-1] > 40) {
        push @calls, map { @$_ } $server->in_parallel(8, sub {
            my ($number) = @_;
            return [map { update($server, { udf_string_1 => "client $number" })->{status} } 1 .. 50];
        }, 90);
        my %now = threads_of($child);
        @sleeps = sort { $a <=> $b } map { $now{$_} - $own{$_} } keys %own;
    }
    is_deeply([grep { $_ != 200 } @calls], [], 'calls that wait for the only connection get it');
    cmp_ok($sleeps[0], '<', 5, 'and do not wake the thread that opens connections');
    $server->finish('the error log has only the expected lines: waits');
}

# ---- a database that stalls

if ($has_server) {
    # The threads that open connections do so one after the other, and each waits for
    # connect-timeout, 2 s, while the database does not answer.
    my $server = AccessTokenTest->start(log_level => 'notice', dbd => { max => 3 },
                                        conf => $timeout . <<'END');
AccessTokenRetryBudget 200ms
AccessTokenConnectionWait 200ms
END
    $server->allow_log(qr/\[dbd:(?:error|crit|warn)\]/, qr/AT0(?:02|22|38): /);
    my $database = $server->database;
    my @clients = clients($server, 6, 1);
    for my $round (1 .. $rounds) {
        if ($round % 6 == 1) {
            $database->stop('KILL');
            $database->start;
        }
        kill 'STOP', $database->pid;
        sleep 0.25 + rand 0.3;
        kill 'CONT', $database->pid;
        sleep 0.05 + rand 0.15;
    }
    is(scalar(grep { !$_->is_running } @clients), 0, 'the clients were running all the time');
    $_->stop('KILL') for @clients;
    ok($server->wait_for(sub { update($server, { udf_string_1 => 'after' })->{status} == 200 }),
       'the database works again');
    kill 'STOP', $database->pid;
    @clients = clients($server, 6, $may_be_busy);
    sleep 0.5;
    my $start = time;
    $server->stop;
    cmp_ok(time - $start, '<', 8, 'a stop does not wait for a database that does not answer');
    kill 'CONT', $database->pid;
    $_->stop('KILL') for @clients;
    $server->run;
    is(update($server, { udf_string_1 => 'again' })->{status}, 200, 'and everything works again');
    unlike($server->error_log, qr/exit signal|AH00046/, 'no child crashed, none had to be killed');
    $server->finish('the error log has only the expected lines: stalls');
}

# ---- a stop at any moment

{
    my $server = AccessTokenTest->start(log_level => 'notice', conf => $timeout);
    my @clients = clients($server, 6, $may_be_busy);
    my $hold = sub {
        my $other = $server->database->connect;
        $has_server ? $other->do('LOCK TABLES access_tokens WRITE')
                    : $other->do('BEGIN IMMEDIATE');
        sleep 0.2;
        return sub { $other->disconnect };
    };
    my $longest = 0;
    for my $round (1 .. $rounds) {
        sleep 0.1 + rand 0.2;
        my $start = time;
        $server->restart_under_load($hold);
        my $seconds = time - $start;
        $longest = $seconds if $seconds > $longest;
    }
    cmp_ok($longest, '<', 8, 'a stop under load is always fast');
    $_->stop('KILL') for @clients;
    is(update($server, { udf_string_1 => 'after' })->{status}, 200, 'and everything works afterwards');
    unlike($server->error_log, qr/exit signal|AH00046/, 'no child crashed, none had to be killed');
    $server->allow_log(qr/\[dbd:(?:error|crit|warn)\]/, qr/AT002: /);
    $server->finish('the error log has only the expected lines: stops');
}

done_testing;
