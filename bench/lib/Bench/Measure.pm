package Bench::Measure;

# Figures of one round: of httpd with the module, of the Go service, of httpd alone, or of
# the limit.
#
# A subject is a hash: kind (module, peer, static, limit), name, and
#   data         its Bench::Data
#   way          its way to the database: tcp, socket
#   server       module, static: the running AccessTokenTest; peer: the Bench::Peer
#   concurrency  concurrent calls
#   connections  module, peer: how many connections it opens when it has much to do
#   arguments    more arguments for bench/speed.lua
#   folders      limit: the folders of statements, separated by a comma
#   before       code to run before a round
#
# Figures: rate (calls a second), p50, p99 (milliseconds), cpu (microseconds of processor
# time for a call, of the server or of the client), database (the same of mariadbd),
# switches (of threads, for a call, in the server), memory (MB, all of the server), client
# (microseconds of wrk for a call), calls, and trips: the round trips for a call by kind;
# idle, steal and others: parts of all processor time (see Bench::Machine).

use strict;
use warnings;

use IO::Handle;
use POSIX ();
use Time::HiRes qw(sleep time);

use AccessTokenTest;
use Bench::Data;
use Bench::Machine;

our $FIELDS = 3;

my $ticks = POSIX::sysconf(POSIX::_SC_CLK_TCK());

# The server's counters of what clients send, by kind. Com_admin_commands are pings.
our @TRIPS = (
    [execute => 'Com_stmt_execute'],
    [prepare => 'Com_stmt_prepare'],
    [ping => 'Com_admin_commands'],
    [reset => 'Com_stmt_reset', 'Com_stmt_close', 'Com_stmt_fetch', 'Com_stmt_send_long_data'],
    [transaction => 'Com_begin', 'Com_commit', 'Com_rollback'],
    [set => 'Com_set_option'],
);

sub ticks { $ticks }

# ---- reading counters

sub slurp {
    my ($file) = @_;
    open my $in, '<', $file or return '';
    return do { local $/; <$in> } // '';
}

# Microseconds of a process, in and outside the kernel, with its children that have ended.
sub cpu_of {
    my ($pid) = @_;
    my $stat = slurp("/proc/$pid/stat");
    my @fields = split ' ', $stat =~ s/^.*\) //sr;
    return (0, 0) if @fields < 15;
    return map { $_ * 1_000_000 / $ticks } $fields[11] + $fields[13], $fields[12] + $fields[14];
}

sub processes {
    my ($server) = @_;
    return ($server->pid, $server->children);
}

sub switches_of {
    my ($pid) = @_;
    my $sum = 0;
    for my $task (glob "/proc/$pid/task/*/status") {
        $sum += $_ for slurp($task) =~ /^(?:non)?voluntary_ctxt_switches:\s*(\d+)/mg;
    }
    return $sum;
}

# MB of memory of the processes of SERVER. Shared memory counts for each process.
sub memory {
    my ($server) = @_;
    my $sum = 0;
    $sum += $_ for map { slurp("/proc/$_/status") =~ /^VmRSS:\s*(\d+)/m } processes($server);
    return $sum / 1024;
}

sub status {
    my ($data) = @_;
    my $rows = $data->dbh->selectall_arrayref(q(SHOW GLOBAL STATUS WHERE Variable_name LIKE 'Com\\_%'
        OR Variable_name IN ('Questions', 'Handler_update', 'Threads_connected')));
    return { map { @$_ } @$rows };
}

# All counters of SUBJECT, now.
sub sample {
    my ($subject) = @_;
    my %sample = (cpu => 0, switches => 0, machine => Bench::Machine::now());
    if ($subject->{server}) {
        for my $pid (processes($subject->{server})) {
            my ($user, $system) = cpu_of($pid);
            $sample{cpu} += $user + $system;
            $sample{switches} += switches_of($pid);
        }
    }
    my ($user, $system) = cpu_of($subject->{data}->pid);
    $sample{database} = $user + $system;
    $sample{status} = status($subject->{data});
    return \%sample;
}

# The growth between two samples, divided by the number of calls that were saved between
# them or, if there are none, by CALLS.
sub growth {
    my ($before, $after, $calls) = @_;
    my %status = map { $_ => $after->{status}{$_} - $before->{status}{$_} } keys %{ $before->{status} };
    my $saved = $status{Handler_update};
    my $by = $saved || $calls;
    my %figures = map { $_ => ($after->{$_} - $before->{$_}) / $by } qw(cpu switches database);
    $figures{saved} = $saved;
    for my $trip (@TRIPS) {
        my ($kind, @counters) = @$trip;
        $figures{trips}{$kind} = 0;
        $figures{trips}{$kind} += ($status{$_} // 0) / $by for @counters;
    }
    # One question was for the counters themselves.
    $figures{trips}{question} = ($status{Questions} - 1) / $by;
    return %figures;
}

# ---- rounds

sub values_of {
    my ($line) = @_;
    return $line =~ /(\w+)=([\d.]+)/g;
}

# A round of SUBJECT, SECONDS long, after WARM_UP seconds that do not count.
sub round_of {
    my ($subject, $seconds, $warm_up) = @_;
    $subject->{before}->() if $subject->{before};
    return limit_round($subject, $seconds, $warm_up) if $subject->{kind} eq 'limit';
    run_wrk($subject, $warm_up) if $warm_up > 0;
    settle($subject);
    my $before = sample($subject);
    my @times = times;
    my %result = run_wrk($subject, $seconds);
    my $client = ((times)[2] + (times)[3] - $times[2] - $times[3]) * 1_000_000;
    settle($subject);
    my $after = sample($subject);
    my %figures = growth($before, $after, $result{requests});
    check_saved($subject, $figures{saved}, $result{requests});
    die "$subject->{name}: /proc has no processor time\n"
        if !$figures{cpu} || $subject->{kind} ne 'static' && !$figures{database};
    return {
        %figures, %result, shares($before, $after, $client),
        rate => $result{requests} / $result{seconds},
        client => $client / $result{requests},
        memory => memory($subject->{server}),
    };
}

# What others had of the processors between two samples; CLIENT: microseconds of the client.
sub shares {
    my ($before, $after, $client) = @_;
    my $known = $client;
    $known += $after->{$_} - $before->{$_} for qw(cpu database);
    return Bench::Machine::shares($before->{machine}, $after->{machine}, $known);
}

# Sends calls until the server of SUBJECT has opened all its connections, and has prepared
# nothing for a second. Without it rounds would count what only happens once. OTHERS is the
# number of connections before the server was started. Returns what is missing after SECONDS, or undef.
sub open_connections {
    my ($subject, $others, $seconds) = @_;
    my ($connected, $prepared);
    for (1 .. $seconds) {
        my $before = status($subject->{data});
        run_wrk($subject, 1);
        settle($subject);
        my $after = status($subject->{data});
        $prepared = $after->{Com_stmt_prepare} - $before->{Com_stmt_prepare};
        $connected = $after->{Threads_connected} - $others;
        return undef if $connected >= $subject->{connections} && !$prepared;
    }
    return "after $seconds s of calls it had $connected of $subject->{connections} connections, "
        . "and prepared $prepared statements in the last second";
}

# Waits until the calls that wrk did not wait for have ended too.
sub settle {
    my ($subject) = @_;
    my $count = -1;
    for (1 .. 100) {
        my $now = status($subject->{data})->{Com_stmt_execute};
        return if $now == $count;
        $count = $now;
        sleep 0.05;
    }
    die "$subject->{name}: the server still works, without calls\n";
}

sub run_wrk {
    my ($subject, $seconds) = @_;
    my $static = $subject->{kind} eq 'static';
    my $server = $subject->{server};
    my @arguments = $static ? 'static=1' : (
        'tokens=' . $subject->{data}->tokens, "sessions=$Bench::Data::SESSIONS", "fields=$FIELDS",
        @{ $subject->{arguments} // [] });
    my $whole = POSIX::ceil($seconds);
    my @command = ('wrk', '-t1', "-c$subject->{concurrency}", "-d${whole}s", '--timeout', '30s', '-s',
                   AccessTokenTest::srcdir() . '/bench/speed.lua',
                   $server->url($static ? '/static.json' : ()), '--', @arguments);
    open my $wrk, '-|', @command or die "wrk: $!\n";
    my $said = do { local $/; <$wrk> } // '';
    close $wrk;
    my ($line) = $said =~ /^(RESULT .*)$/m or die "@command:\n$said";
    my %result = values_of($line);
    my ($example) = $said =~ /^EXAMPLE (.*)$/m;
    my @errors = $said =~ /^ERRORS (.*)$/mg;
    die "$subject->{name}: ", join(', ', "$result{wrong} wrong answers in $result{requests} calls", @errors),
        defined $example ? "; the first wrong answer: $example" : '', "\n",
        map { "$_\n" } $server->unexpected_lines
        if $result{wrong} || @errors || !$result{requests}
            || !$static && $result{checked} != $result{requests};
    return %result;
}

# Each call that was answered has changed one row. wrk does not wait for the last calls.
sub check_saved {
    my ($subject, $saved, $answered) = @_;
    return if $subject->{kind} eq 'static';
    die "$subject->{name}: $answered calls were answered OK, but $saved rows changed\n"
        if $saved < $answered || $saved > $answered + 2 * $subject->{concurrency};
    return;
}

sub limit_round {
    my ($subject, $seconds, $warm_up) = @_;
    my @command = (AccessTokenTest::builddir() . '/bench/limit',
        '--defaults', $subject->{data}->defaults($subject->{way}), '--statements', $subject->{folders},
        '--connections', $subject->{concurrency}, '--tokens', $subject->{data}->tokens,
        '--sessions', $Bench::Data::SESSIONS, '--fields', $FIELDS,
        '--seconds', $seconds, '--warm-up', $warm_up);
    my @times = times;
    my $pid = open my $limit, '-|', @command or die "$command[0]: $!\n";
    my ($before, $warmed, %result);
    while (my $line = <$limit>) {
        if ($line =~ /^measuring/) {
            my ($user, $system) = cpu_of($pid);
            ($before, $warmed) = (sample($subject), $user + $system);
        }
        %result = values_of($line) if $line =~ /^RESULT/;
    }
    close $limit or die "@command failed\n";
    die "@command printed no result\n" if !$before || !$result{requests};
    my $client = ((times)[2] + (times)[3] - $times[2] - $times[3]) * 1_000_000 - $warmed;
    my $after = sample($subject);
    my %figures = growth($before, $after, $result{requests});
    return {
        %figures, %result, shares($before, $after, $client),
        rate => $result{requests} / $result{seconds},
        memory => $result{rss} / 1024,
    };
}

1;
