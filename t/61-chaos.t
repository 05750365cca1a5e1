# The same as 60-workload.t while things break, at random moments: connections,
# the database, httpd, the clients. Whatever a call was answered is true; no
# change that was acknowledged is lost, none is made twice, and all heals by
# itself. Where the time for it is long (AccessTokenRetryBudget), a fault of the
# database costs no call; where it is short, it costs some, and still no lie.
use strict;
use warnings;

use Test::More;
use Time::HiRes qw(sleep time);

use AccessTokenTest;
use AccessTokenTest::Checker;
use AccessTokenTest::Workload;

my $is_mariadb = AccessTokenTest::engine() eq 'mariadb';
my $seed = AccessTokenTest::Workload::seed();
srand $seed;
my $rounds = int(0.5 + 2 * AccessTokenTest::Workload::scale(1)) || 1;

# What is acknowledged must survive kill -9, so it must be on the disk.
my $server = AccessTokenTest->new(
    log_level => 'notice access_token:info',
    database_options => ['--innodb-flush-log-at-trx-commit=1']);
my $database = $server->database;
$database->load(AccessTokenTest::srcdir() . '/sql/' . $database->sql_folder . '/history.sql');
# What the faults say.
$server->allow_log(
    qr/\[dbd:(?:error|crit|warn)\]/, qr/\[access_token:(?:error|warn)\].* AT0\d\d/,
    qr/AH00046: child process \d+ still did not exit, sending a SIGKILL/);

# ---- the faults

# Between LEAST and MOST.
sub about { my ($least, $most) = @_; return $least + rand($most - $least) }

# On MariaDB, rows or the whole table; on SQLite all of it.
sub lock_rows {
    my $other = $database->connect;
    if (!$is_mariadb) {
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
    $other->do('UNLOCK TABLES') if $is_mariadb;
    $other->do('ROLLBACK');
    $other->disconnect;
    return;
}

# The clients, as long as they run.
my $load;

my %faults = (
    # A call waits for it, as long as it lasts.
    'lock held' => sub {
        my $other = lock_rows();
        sleep about(0.5, 2.5);
        unlock($other);
    },
    'httpd child killed' => sub {
        $server->kill_child or die "no child to kill\n";
        sleep about(0.1, 0.5);
    },
    # The save that waits in the database outlives the one who sent it.
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
            # Else calls that wait for no lock begin and end all the time.
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
        # Many small cuts: between the statements of calls, and within.
        my $until = time + about(0.5, 1.5);
        while (time < $until) {
            my $ids = $database->dbh->selectcol_arrayref(
                q(SELECT id FROM information_schema.processlist WHERE user = 'access_token'));
            for my $id (@$ids) {
                next if rand() < 0.5;
                # It may be gone by now.
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
) if $is_mariadb;

# A fault of httpd's own may cost an answer; none of the database's does.
my %of_httpd = map { $_ => 1 } grep { /^httpd/ } keys %faults;

# Who is killed while he reads the triggers of a table leaves them unreadable for
# others, until FLUSH TABLES (MariaDB 10.11). True for a call that met them while
# connections were killed.
sub met_unreadable {
    my ($call, $faults) = @_;
    my $id = quotemeta($call->{id} // return 0);
    return $server->error_log =~
            /AT00[23]: .*save\.sql: error (?:1064, .*[Tt]rigger|1146, .*_(?:changes|requests)' doesn't).* \[request $id\]/
        && grep { $_->{name} eq 'connections killed'
                      && $call->{start} < $_->{to} && $call->{end} > $_->{from} } @$faults;
}

# Take those of them out of LOAD that were told so: they have changed nothing. Returns
# how many.
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

# Each kind of fault once in each round, one after the other, under load.
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
    # And some time in which nothing goes wrong.
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
           "$name: all works again");
    AccessTokenTest::Checker::passes($load->record($database->dbh), "$name: the answers are true")
        or diag(broken_lines());
    return ($calls, \@faults);
}

# A row remembers its last eight calls. Of a call without a key whose connection
# was lost while it saved, and that comes to look when more have followed, it
# can't be told whether it did.
sub is_forgotten {
    my ($refused, $calls) = @_;
    return 0 if defined $refused->{request}{key};
    my $followed = grep {
        $_->{request}{token} eq $refused->{request}{token}
            && AccessTokenTest::Workload::outcome($_) =~ /^(?:applied|unknown)$/
            && $_->{end} > $refused->{start} && $_->{start} < $refused->{end}
    } @$calls;
    diag('a lost save was forgotten: ', AccessTokenTest::Checker::of_call($refused)) if $followed > 8;
    return $followed > 8;
}

# What the log says of answers of 500, which no fault is to give.
sub broken_lines {
    return map { "$_\n" } grep { /AT003:/ } split /\n/, $server->error_log;
}

# The first ten of them, in words.
sub some_calls {
    my @calls = @_;
    splice @calls, 10 if @calls > 10;
    return join "\n", map { AccessTokenTest::Checker::of_call($_) } @calls;
}

# ---- time enough for each fault

{
    my ($calls, $faults) = run('patient', '30s', $seed);
    my @refused = grep { ($_->{status} // 0) >= 500 && !is_forgotten($_, $calls)
                             && !met_unreadable($_, $faults) } @$calls;
    # Of a call that would take another's value, and whose first try was lost, it stays
    # open whether that may yet come: the refusal behind it is no answer to the first.
    my @open = $server->error_log =~ /(its connection was lost, and then the request was refused)/g;
    diag(scalar @open, ' calls were refused behind a save that was lost') if @open;
    splice @refused, 0, scalar @open if @open <= @refused;
    is(scalar @refused, 0, 'what is over in time costs no call')
        or diag(some_calls(@refused), map { "\n$_" } grep { /AT00[23]:/ } split /\n/, $server->error_log);
    # A call that lost its answer met a fault of httpd.
    my @lost = grep {
        my $call = $_;
        ($call->{failed} // '') =~ /^(?:refused|lost|timeout)$/
            && !grep { $of_httpd{ $_->{name} } && $call->{start} < $_->{to} + 3
                       && $call->{end} > $_->{from} } @$faults;
    } @$calls;
    is(scalar @lost, 0, 'and no answer')
        or diag(some_calls(@lost));
}

# ---- too little time

run('hasty', '300ms', $seed + 1);

$server->finish;
done_testing;
