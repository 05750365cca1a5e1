# A farm (contract, section 6): a balancer, two httpds, and one database or a cluster of
# three with HAProxy, from the shipped files conf/farm-*. Nodes of each kind are killed
# and started again under load: no answered update is lost, none is applied twice. The
# test prints how many calls failed, and for how long. It runs one round; AT_SCALE=N: 4 *
# N rounds.
use strict;
use warnings;

use Test::More;
use Time::HiRes qw(sleep time);

use AccessTokenTest;
use AccessTokenTest::Exact;
use AccessTokenTest::Checker;
use AccessTokenTest::Farm;
use AccessTokenTest::Workload;

my $has_server = AccessTokenTest::engine() ne 'sqlite3';
my $rounds = int(0.5 + 4 * AccessTokenTest::Workload::scale(0.25)) || 1;
my $seed = AccessTokenTest::Workload::seed();
my $began = time;

# ---- faults of the farm, and their effect on clients

# A load with faults: the phases, each a name and code. DO returns whether the part with
# the fault works again.
sub under_load {
    my ($name, $load, $dbh_of, @phases) = @_;
    my @windows;
    $load->start;
    sleep 1;
    for my $round (1 .. $rounds) {
        for my $phase (@phases) {
            my ($what, $do, $unnoticed) = @$phase;
            my $from = AccessTokenTest::Workload::now();
            my $is_back = eval { $do->() } // do { diag $@; 0 };
            ok($is_back, "$name: $what, and in service again");
            sleep 0.2;
            push @windows, [$what, $from, AccessTokenTest::Workload::now(), $unnoticed];
        }
    }
    $load->stop(120);
    AccessTokenTest::Checker::passes($load->record($dbh_of->()),
        "$name: no answered update is lost, none is applied twice");
    cmp_ok(scalar(grep { AccessTokenTest::Workload::outcome($_) eq 'applied' } @{ $load->calls }),
           '>', 100, "$name: there was load");
    report($name, $load, @windows);
    return;
}

# A call that failed: without an answer, or with 5xx.
sub failed {
    my ($call) = @_;
    return $call->{failed} || $call->{status} >= 500;
}

sub report {
    my ($name, $load, @windows) = @_;
    diag("$name: " . $load->speed_text);
    my %seen;
    my $rest = $load->{ended} - $load->{began};
    for my $window (@windows, ['the other times', 0, 9**9**9]) {
        my ($what, $from, $to, $unnoticed) = @$window;
        my $seconds = $what eq 'the other times' ? $rest : $to - $from;
        $rest -= $seconds;
        my @calls = grep { !$seen{$_} && $_->{end} >= $from && $_->{end} <= $to } @{ $load->calls };
        $seen{$_} = 1 for @calls;
        my @failed = sort { $a->{end} <=> $b->{end} } grep { failed($_) } @calls;
        my ($longest) = sort { $b <=> $a } map { $_->{end} - $_->{start} } @calls;
        my $answers = AccessTokenTest::Workload::answers(\@failed);
        diag(sprintf "  %-34s %4.1f s, %5d calls, %3d failed%s; the longest took %.1f s", $what,
             $seconds, scalar @calls, scalar @failed,
             @failed ? sprintf(', within %.1f s (%s)', $failed[-1]{end} - $failed[0]{end},
                               AccessTokenTest::Workload::answers_text($answers)) : '',
             $longest // 0);
        is(scalar @failed, 0, "$name: $what: no call fails") if $unnoticed;
    }
    return;
}

# Two httpds get the same call with the same key at the same time.
sub same_key_at_once {
    my ($name, $farm, $code) = @_;
    my $server = $farm->node(0);
    my $row = sub { $farm->database->dbh->selectrow_hashref(
        'SELECT * FROM access_tokens WHERE authentication_code = ?', undef, $code) };
    my $tries = 6;
    my (%outcomes, @wrong);
    for my $try (1 .. $tries) {
        my $before = $row->();
        my @replies = $server->in_parallel(4, sub {
            my ($number) = @_;
            my $reply = $farm->node($number % 2)->post({
                access_token_identifier => { authentication_code => $code },
                udf_string_1 => "try $try" },
                { Authorization => 'Bearer demo-session-clerk',
                  'Idempotency-Key' => "$name-$try" =~ tr{ }{-}r });
            return { status => $reply->{status}, code => $reply->{json}{status}{code},
                     etag => $reply->{headers}{etag},
                     replayed => $reply->{headers}{'idempotency-replayed'} // '' };
        });
        my $outcome = join ', ', sort map {
            ($_->{status} // 'none') . ' ' . ($_->{code} // $_->{died} // '')
            . ($_->{replayed} eq 'true' ? ' replayed' : '') } @replies;
        $outcomes{$outcome}++;
        my $after = $row->();
        push @wrong, "try $try: version $before->{version} became $after->{version}"
            if $after->{version} != $before->{version} + 1;
        push @wrong, "try $try: " . ($after->{udf_string_1} // 'NULL')
            if ($after->{udf_string_1} // '') ne "try $try";
    }
    is(join('; ', map { "$outcomes{$_} times $_" } sort keys %outcomes),
       "$tries times 200 OK, 200 OK replayed, 200 OK replayed, 200 OK replayed",
       "$name: concurrent calls with one key to two httpds: one is applied, the others are replays");
    is("@wrong", '', "$name: and the change was made once");
    return;
}

# Log messages of an httpd while its database or its peers stop and start.
sub allow {
    my ($farm) = @_;
    for my $node ($farm->nodes) {
        $node->allow_log(qr/AH00098: pid file/, qr/AH01630:.*access-token-ready/,
                         qr/\[dbd:(?:error|crit)\]/, qr/AT002: unavailable: /,
                         qr/AT022: .*no connection/);
    }
    $farm->balancer->allow_log(balancer_says());
    return;
}

# A node refuses the connection, ends in the middle of a call, or hangs; all of these.
sub balancer_says {
    return qr/AH00957:/, qr/AH00959:/, qr/AH01114:/, qr/AH01102:/, qr/AH00898:/, qr/AH01097:/,
        qr/AH10\d\d\d:/, qr/AH01170:/, qr/AH02429:/;
}

# ---- an httpd of the farm

sub httpd_killed {
    my ($farm, $number) = @_;
    return ["httpd $number killed", sub {
        my $node = $farm->node($number);
        $node->kill_all;
        sleep 0.5;
        $node->run;
        return $farm->wait_for_calls_at($number);
    }];
}

# As an administrator would stop a node: drained first. No client notices.
sub httpd_stopped {
    my ($farm, $number) = @_;
    return ["httpd $number drained and stopped", sub {
        my $node = $farm->node($number);
        my $port = $node->port;
        my $left = sub { scalar(() = $farm->balancer->error_log =~ /AH03303:.*DISABLING \S+:$port/g) };
        my $times = $left->();
        $node->write_file('drain', '');
        $node->wait_for(sub { $left->() > $times }, 30)
            or die "the balancer does not release httpd $number\n";
        # The calls that it got before have ended.
        sleep 1;
        my $before = $farm->calls_at($number);
        sleep 0.5;
        die "httpd $number still gets calls\n" if $farm->calls_at($number) > $before;
        $node->{process}->signal('WINCH');
        $node->wait_for(sub { !$node->is_running }, 40) or die "httpd $number did not end\n";
        unlink $node->path('drain');
        $node->run;
        return $farm->wait_for_calls_at($number);
    }, 'no client notices'];
}

# All its processes are stopped, but connections are still accepted.
sub httpd_hung {
    my ($farm, $number) = @_;
    return ["httpd $number hung for 3 s", sub {
        my $node = $farm->node($number);
        kill '-STOP', $node->pid;
        sleep 3;
        kill '-CONT', $node->pid;
        return $farm->wait_for_calls_at($number);
    }];
}

sub balancer_graceful {
    my ($farm) = @_;
    return ['balancer restarted gracefully', sub {
        $farm->balancer->graceful;
        return $farm->wait_for_calls_at(0) && $farm->wait_for_calls_at(1);
    }];
}

# ---- two httpds on one database

{
    my $name = 'one database';
    my $farm = AccessTokenTest::Farm->start(
        history => 1, database_options => AccessTokenTest::Workload::database_options());
    allow($farm);
    my $database = $farm->database;
    my $ready = $farm->balancer->request('GET', '/access-token-ready');
    is($ready->{status}, 404, "$name: the balancer does not publish the readiness of nodes");
    is($farm->node($_)->request('GET', '/access-token-ready')->{status}, 200,
       "$name: httpd $_ is ready") for 0, 1;
    same_key_at_once($name, $farm, 'demo-udf');

    my $load = AccessTokenTest::Workload->new(
        urls => [$farm->balancer->url], clients => $has_server ? 12 : 4, tokens => 4, seed => $seed,
        pause => $has_server ? 0.02 : 0.1);
    $load->prepare($database->dbh);
    my @database = $has_server ? (["database killed", sub {
        $database->stop('KILL');
        $database->start;
        return $farm->wait_for_calls_at(0) && $farm->wait_for_calls_at(1);
    }]) : ();
    under_load($name, $load, sub { $database->dbh },
        httpd_killed($farm, 0), httpd_killed($farm, 1), httpd_stopped($farm, 0),
        httpd_hung($farm, 1), balancer_graceful($farm), @database);

    # No httpd is left to answer.
    $_->stop for $farm->nodes;
    my %call = (token => 'demo-session-clerk',
                access_token_identifier => { authentication_code => 'demo-udf' });
    my $reply = $farm->balancer->post(\%call);
    is(AccessTokenTest::outcome($reply), '503 SERVICE_UNAVAILABLE',
       "$name: with no httpd left, the balancer answers as the module does");
    is($reply->{headers}{'retry-after'}, 2, "$name: with Retry-After, once");
    my $bare = $farm->start_balancer(without => ['access_token']);
    $bare->allow_log(balancer_says());
    $reply = $bare->post(\%call);
    is($reply->{status}, 503, "$name: and a balancer without the module has its own text");
    is($reply->{headers}{'retry-after'}, 2, "$name: with Retry-After too");
    $bare->finish("$name: its error log has only the expected lines");
    $farm->finish($name);
}

# ---- two httpds, HAProxy, three Galera nodes

# Galera is MariaDB's.
if (AccessTokenTest::engine() eq 'mariadb') {
    require AccessTokenTest::Galera;
    require AccessTokenTest::HAProxy;
    my $name = 'Galera';
    my $folder = File::Temp->newdir('at-XXXXXXXX', TMPDIR => 1, CLEANUP => !$ENV{AT_KEEP});
    chmod 0755, "$folder" or die "$folder: $!\n";
    my %here = (folder => "$folder", srcdir => AccessTokenTest::srcdir(),
                builddir => AccessTokenTest::builddir());
    my $cluster = AccessTokenTest::Galera->new(%here);
    my $sql = AccessTokenTest::srcdir() . '/sql/mysql';
    $cluster->load("$sql/$_.sql") for qw(schema documents demo history);
    $cluster->grant("$sql/grants.sql");
    my @db = $cluster->nodes;
    my $haproxy = AccessTokenTest::HAProxy->start(%here, servers => [map { $_->port } @db]);
    my $farm = AccessTokenTest::Farm->start(database => $cluster->behind($haproxy->port));
    allow($farm);
    same_key_at_once($name, $farm, 'demo-udf');

    my $is_up = sub {
        my ($number) = @_;
        my $db = "db$number";
        return $farm->balancer->wait_for(
            sub { ($haproxy->servers->{$db} // '') eq 'UP' }, 60);
    };
    # True if the calls go to node NUMBER and to no other.
    my $is_written = sub {
        my ($number) = @_;
        return $farm->balancer->wait_for(sub {
            my $connections = $haproxy->connections;
            return join(' ', grep { $connections->{$_} } sort keys %$connections) eq "db$number";
        }, 30);
    };
    my $db_killed = sub {
        my ($number, $role) = @_;
        return ["db$number ($role) killed", sub {
            my $db = $db[$number - 1];
            $db->stop('KILL');
            # The others take over, and calls succeed without it.
            $farm->wait_for_calls_at($_) || die "no calls without db$number\n" for 0, 1;
            $number == 1 && ($is_written->(2) || die "db2 did not take over\n");
            # A spare is in service when it has the changes that it missed.
            $db->start;
            return $number == 1 ? $is_up->(1) && $is_written->(1) : $db->is_synced;
        }];
    };
    my $load = AccessTokenTest::Workload->new(
        urls => [$farm->balancer->url], clients => 12, tokens => 4, seed => $seed,
        pause => 0.02);
    $load->prepare($cluster->dbh);
    under_load($name, $load, sub { $cluster->dbh },
        $db_killed->(1, 'writer'),
        $db_killed->(2, 'standby'),
        $db_killed->(3, 'standby'),
        # Long enough for the others to exclude it, which it does not know when it
        # continues.
        ['db1 (writer) hung', sub {
            $db[0]{process}->signal('STOP');
            $is_written->(2) || die "db2 did not take over\n";
            sleep 2;
            $db[0]{process}->signal('CONT');
            return $is_up->(1) && $is_written->(1);
        }],
        ['HAProxy reloaded', sub {
            $haproxy->reload;
            return $farm->wait_for_calls_at(0) && $farm->wait_for_calls_at(1);
        }],
        ['HAProxy killed', sub {
            $haproxy->stop('KILL');
            $haproxy->run;
            return $farm->wait_for_calls_at(0) && $farm->wait_for_calls_at(1);
        }],
        httpd_killed($farm, 0), httpd_killed($farm, 1), balancer_graceful($farm),
        ['all three db killed', sub {
            $_->{process}->signal('KILL') for @db;
            $_->stop('KILL') for @db;
            $cluster->bootstrap;
            return $is_up->(1) && $is_written->(1)
                && $farm->wait_for_calls_at(0) && $farm->wait_for_calls_at(1);
        }],
    );
    ok($is_up->($_), "$name: HAProxy finds db$_ ready") for 1 .. 3;
    is_deeply([map { $_->content_of('access_tokens', 'access_token_changes',
                                    'access_token_requests') } @db[1, 2]],
              [($db[0]->content_of('access_tokens', 'access_token_changes',
                                   'access_token_requests')) x 2],
              "$name: the three nodes have the same data");
    $farm->finish($name);

    # ---- each httpd writes to another node

    $name = 'Galera, two writers';
    $farm = AccessTokenTest::Farm->start(
        databases => [map { $cluster->behind($_->port) } @db[0, 1]]);
    allow($farm);
    same_key_at_once($name, $farm, 'demo-card');
    $load = AccessTokenTest::Workload->new(
        urls => [map { $_->url } $farm->nodes], clients => 12, tokens => 2, seed => $seed,
        name => 'two');
    $load->prepare($cluster->dbh);
    my $conflicts = sub {
        my $sum = 0;
        $sum += $_->status('wsrep_local_cert_failures') + $_->status('wsrep_local_bf_aborts')
            for @db[0, 1];
        return $sum;
    };
    my $before = $conflicts->();
    under_load($name, $load, sub { $cluster->dbh },
        ['both write', sub { sleep 3; $load->is_running }]);
    cmp_ok($conflicts->(), '>', $before, "$name: there were conflicts between two nodes");

    # The changes are made on the third node.
    AccessTokenTest::Exact::changes_hold($name, servers => [$farm->nodes], database => $db[2]);
    $farm->finish($name);
}

diag(sprintf 'farm: %.0f s', time - $began);
done_testing;
