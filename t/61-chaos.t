# Like 60-workload.t, with faults at random moments: of connections, the database, httpd,
# the clients. All answers are right, no acknowledged change is lost, none is made twice,
# and everything works again without help. With enough time (AccessTokenRetryBudget), no
# call fails because of a fault of the database; with little time some fail, but no answer
# is wrong.
use strict;
use warnings;

use Test::More;
use Time::HiRes qw(sleep time);

use AccessTokenTest;
use AccessTokenTest::Checker;
use AccessTokenTest::Workload;

my $has_server = AccessTokenTest::engine() ne 'sqlite3';
my $seed = AccessTokenTest::Workload::seed();
srand $seed;
my $rounds = int(0.5 + 2 * AccessTokenTest::Workload::scale(1)) || 1;

my $server = AccessTokenTest->new(
    log_level => 'notice access_token:info',
    database_options => AccessTokenTest::Workload::database_options());
my $database = $server->database;
$database->load(AccessTokenTest::srcdir() . '/sql/' . $database->sql_folder . '/history.sql');
# The log messages of the faults.
$server->allow_log(
    qr/\[dbd:(?:error|crit|warn)\]/, qr/\[access_token:(?:error|warn)\].* AT0\d\d/,
    qr/AH00046: child process \d+ still did not exit, sending a SIGKILL/);

# ---- the faults

# A random number between LEAST and MOST.
sub about { my ($least, $most) = @_; return $least + rand($most - $least) }

# On MariaDB, rows or the whole table; on SQLite the whole file.
sub lock_rows {
    my $other = $database->connect;
    if (!$has_server) {
        $other->do(rand() < 0.5 ? 'BEGIN IMMEDIATE' : 'BEGIN EXCLUSIVE');
    }
    elsif (rand() < 0.3) {
        $other->do('LOCK TABLES access_tokens WRITE');
    }
    else {
        $other->begin_work;
        $other->selectall_arrayref('SELECT id FROM access_tokens FOR UPDATE');
    }
    return $other;
}

sub unlock {
    my ($other) = @_;
    $other->do('UNLOCK TABLES') if $has_server;
    $other->do('ROLLBACK');
    $other->disconnect;
    return;
}

# While clients run.
my $load;

my %faults = (
    # A call waits until the lock is released.
    'lock held' => sub {
        my $other = lock_rows();
        sleep about(0.5, 2.5);
        unlock($other);
    },
    'httpd child killed' => sub {
        $server->kill_child or die "no child to kill\n";
        sleep about(0.1, 0.5);
    },
    # The save that waits in the database outlives the child that sent it.
    'httpd child killed while a lock is held' => sub {
        my $other = lock_rows();
        sleep about(0.1, 0.5);
        $server->kill_child or die "no child to kill\n";
        sleep about(0.1, 0.5);
        unlock($other);
    },
    'httpd restarted gracefully' => sub { $server->graceful },
    'httpd stopped and started' => sub {
        $server->restart_under_load(sub {
            my $other = lock_rows();
            sleep 0.3;
            # Otherwise calls that need no lock would start and end all the time.
            $load->signal('STOP');
            return sub {
                unlock($other);
                $load->signal('CONT');
            };
        });
    },
);
%faults = (%faults,
    'connections killed' => sub {
        # Many small cuts: between the statements of calls, and during them.
        my $until = time + about(0.5, 1.5);
        while (time < $until) {
            my $ids = $database->dbh->selectcol_arrayref(
                q(SELECT id FROM information_schema.processlist WHERE user = 'access_token'));
            for my $id (@$ids) {
                next if rand() < 0.5;
                # The connection may have ended already.
                eval { $database->dbh->do("KILL $id"); 1 } or $@ =~ /Unknown thread/ or die $@;
            }
            sleep about(0.01, 0.1);
        }
        # As docs/operations.md says to do after connections were killed.
        $database->dbh->do('FLUSH TABLES');
    },
    'database killed and started' => sub {
        $database->stop('KILL');
        sleep about(0, 1);
        $database->start;
    },
    'database stopped by SIGSTOP' => sub {
        kill 'STOP', $database->pid;
        sleep 3;
        kill 'CONT', $database->pid;
    },
    'database read-only' => sub {
        $database->dbh->do('SET GLOBAL read_only = 1');
        sleep about(0.5, 2);
        $database->dbh->do('SET GLOBAL read_only = 0');
    },
) if $has_server;

# A fault of httpd itself may lose an answer; no fault of the database does.
my %of_httpd = map { $_ => 1 } grep { /^httpd/ } keys %faults;

# If a thread is killed while it reads the triggers of a table, they stay unreadable for
# others until FLUSH TABLES (MariaDB 10.11). True for a call that met such triggers while
# connections were killed.
sub met_unreadable {
    my ($call, $faults) = @_;
    my $id = quotemeta($call->{id} // return 0);
    return $server->error_log =~
            /AT00[23]: .*save\.sql: error (?:1064, .*[Tt]rigger|1146, .*_(?:changes|requests)' doesn't).* \[request $id\]/
        && grep { $_->{name} eq 'connections killed'
                      && $call->{start} < $_->{to} && $call->{end} > $_->{from} } @$faults;
}

# Removes such calls from LOAD: they have changed nothing. Returns their number.
sub take_unreadable {
    my ($load, $faults) = @_;
    my ($all, @others) = (scalar @{ $load->calls });
    for my $call (@{ $load->calls }) {
        push @others, $call if ($call->{status} // 0) != 500 || !met_unreadable($call, $faults);
    }
    $load->{calls} = \@others;
    return $all - @others;
}

# ---- a run

# Under load: in each round, each kind of fault once, one after another.
sub run {
    my ($name, $budget, $seed) = @_;
    $server->{options}{conf} = AccessTokenTest::Workload::conf($server)
        . "AccessTokenRetryBudget $budget\nAccessTokenConnectionWait $budget\n";
    $server->write_conf;
    $load = AccessTokenTest::Workload->new(
        urls => [$server->url], seed => $seed, name => $name, vanish => 0.02, pause => 0.02,
        timeout => 60);
    $load->prepare($database->dbh);
    $server->run;
    $load->start;
    my @faults;
    for my $round (1 .. $rounds) {
        my @kinds = sort keys %faults;
        while (@kinds) {
            my ($kind) = splice @kinds, rand @kinds, 1;
            sleep about(0.2, 1);
            my $from = AccessTokenTest::Workload::now();
            $faults{$kind}->();
            push @faults, { name => $kind, from => $from, to => AccessTokenTest::Workload::now() };
        }
    }
    # And some time without faults.
    sleep 2;
    $load->stop;
    $server->stop;
    my $unreadable = take_unreadable($load, \@faults);
    my $calls = $load->calls;
    diag("$name, $unreadable calls met triggers that a KILL had left unreadable") if $unreadable;
    diag("$name, with $budget: ", $load->speed_text, "\n",
         AccessTokenTest::Workload::during_text($calls, \@faults));
    note(AccessTokenTest::Workload::answers_text(AccessTokenTest::Workload::answers($calls)));

    my %done;
    $done{ $_->{name} }++ for @faults;
    is($done{$_} // 0, $rounds, "$name: $_: $rounds times") for sort keys %faults;
    my %failed;
    $failed{ $_->{failed} // '' }++ for @$calls;
    cmp_ok($failed{$_} // 0, '>', 0, "$name: clients went away: $_") for qw(half vanished);
    for my $fault (@faults) {
        my @met = grep { $_->{start} < $fault->{to} && $_->{end} > $fault->{from} } @$calls;
        cmp_ok(scalar @met, '>', 0, "$name: calls met: $fault->{name}");
    }
    my $last = $faults[-1]{to};
    my @after = grep { $_->{start} > $last + 1 } @$calls;
    cmp_ok(scalar(grep { AccessTokenTest::Workload::outcome($_) eq 'applied' } @after), '>', 0,
           "$name: everything works again");
    AccessTokenTest::Checker::passes($load->record($database->dbh), "$name: the answers are right")
        or diag(broken_lines());
    return ($calls, \@faults);
}

# A row remembers its last eight calls. If a call without a key loses its connection
# during the save, and more than eight calls follow before it checks, nobody can find out
# whether its save was made.
sub is_forgotten {
    my ($refused, $calls) = @_;
    return 0 if defined $refused->{request}{key};
    my $followed = grep {
        $_->{request}{token} eq $refused->{request}{token}
            && AccessTokenTest::Workload::outcome($_) =~ /^(?:applied|unknown)$/
            && $_->{end} > $refused->{start} && $_->{start} < $refused->{end}
    } @$calls;
    diag('the row no longer remembered a lost save: ', AccessTokenTest::Checker::of_call($refused)) if $followed > 8;
    return $followed > 8;
}

# The log lines of answers of 500, which no fault should cause.
sub broken_lines {
    return map { "$_\n" } grep { /AT003:/ } split /\n/, $server->error_log;
}

# The first ten of them, as text.
sub some_calls {
    my @calls = @_;
    splice @calls, 10 if @calls > 10;
    return join "\n", map { AccessTokenTest::Checker::of_call($_) } @calls;
}

# ---- enough time for each fault

{
    my ($calls, $faults) = run('patient', '30s', $seed);
    my @refused = grep { ($_->{status} // 0) >= 500 && !is_forgotten($_, $calls)
                             && !met_unreadable($_, $faults) } @$calls;
    # A call sets a value of another access token, and its first try was lost: that try
    # may still be made later, so the refusal of the second try does not decide it.
    my @open = $server->error_log =~ /(its connection was lost, and then the request was refused)/g;
    diag(scalar @open, ' calls were refused after a lost save') if @open;
    splice @refused, 0, scalar @open if @open <= @refused;
    is(scalar @refused, 0, 'no call fails if the fault ends in time')
        or diag(some_calls(@refused), map { "\n$_" } grep { /AT00[23]:/ } split /\n/, $server->error_log);
    # A fault of httpd may lose the answer of a call.
    my @lost = grep {
        my $call = $_;
        ($call->{failed} // '') =~ /^(?:refused|lost|timeout)$/
            && !grep { $of_httpd{ $_->{name} } && $call->{start} < $_->{to} + 3
                       && $call->{end} > $_->{from} } @$faults;
    } @$calls;
    is(scalar @lost, 0, 'and no answer is lost')
        or diag(some_calls(@lost));
}

# ---- too little time

run('hasty', '300ms', $seed + 1);

$server->finish;
done_testing;
