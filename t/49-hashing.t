# The queue for hashing (AccessTokenHashingLimit): concurrent calls hash one after
# another, within the budget. A call that times out in the queue changes nothing. A call
# without a pass code does not wait. A child ends while calls wait. And while other work
# keeps all processors busy, pass codes are still set.
use strict;
use warnings;

use Test::More;
use Time::HiRes qw(sleep time);

use AccessTokenTest;
use AccessTokenTest::Process;

# Under prefork a child has one call at a time.
my $in_turn = AccessTokenTest::mpm() ne 'prefork';
my $token = 'demo-session-clerk';
my $tokens = 48;

# bcrypt 12 takes about 200 ms.
my $server = AccessTokenTest->new(conf => AccessTokenTest::one_child_conf() . <<'END');
AccessTokenHashingLimit 1
AccessTokenPassCodeScheme bcrypt 12
AccessTokenRetryBudget 30s
<Location "/short">
    SetHandler access-token-update
    AccessTokenRetryBudget 300ms
    AccessTokenRetryAfter 7
</Location>
<Location "/three-seconds">
    SetHandler access-token-update
    AccessTokenRetryBudget 3s
</Location>
END
my $dbh = $server->dbh;
my $old = crypt('old-1', '$2y$12$Ltc4R5MQvqYR9FSpFdYz.O');
$dbh->do('INSERT INTO access_tokens (id, number, authentication_code, identifier, pass_code, created_date)
          VALUES (?, ?, ?, ?, ?, ?)', undef, "HASHING$_", "H$_", "hashing-$_", "hashing-user-$_",
         $old, '2024-01-01T00:00:00') for 0 .. $tokens - 1;
$server->run;

sub update {
    my ($key, $fields, $path) = @_;
    my $start = time;
    my $reply = $server->post({ token => $token, access_token_identifier => $key, %$fields }, {}, $path);
    return { outcome => AccessTokenTest::outcome($reply), seconds => time - $start,
             retry_after => $reply->{headers}{'retry-after'},
             description => $reply->{json}{status}{description} };
}

sub set_pass_code {
    my ($number, $path) = @_;
    return update({ authentication_code => "hashing-$number" }, { pass_code => "new-$number" }, $path);
}

sub rows {
    return @{ $dbh->selectall_arrayref('SELECT version, pass_code, updated_date FROM access_tokens
        WHERE id = ?', undef, "HASHING$_[0]")->[0] };
}

sub reset_rows {
    $dbh->do(q(UPDATE access_tokens SET pass_code = ? WHERE id LIKE 'HASHING%'), undef, $old);
    return;
}

sub page {
    my $start = time;
    my $reply = $server->request('GET', '/index.html');
    return { outcome => $reply->{status}, seconds => time - $start };
}

# "200 OK: 3, 503 SERVICE_UNAVAILABLE: 5"
sub outcomes {
    my %count;
    $count{ $_->{died} // $_->{outcome} }++ for @_;
    return join ', ', map { "$_: $count{$_}" } sort keys %count;
}

# ---- the queue

my ($alone) = sort { $a <=> $b } map { set_pass_code($_)->{seconds} } 0 .. 2;
{
    my $start = time;
    my @replies = $server->in_parallel(8, sub { set_pass_code($_[0]) }, 90);
    my $elapsed = time - $start;
    is(outcomes(@replies), '200 OK: 8', 'eight concurrent calls set pass codes');
    my @wrong = grep { my (undef, $hash) = rows($_); crypt("new-$_", $hash) ne $hash } 0 .. 7;
    is("@wrong", '', 'each call its own');
    SKIP: {
        skip 'each child has its own queue', 1 if !$in_turn;
        cmp_ok($elapsed, '>', 6.5 * $alone, 'one after the other')
            or diag("one takes $alone s");
    }
}

# ---- a budget that is shorter than the queue

if ($in_turn) {
    reset_rows();
    my @before = map { [rows($_)] } 0 .. 11;
    my @replies = $server->in_parallel(12, sub { set_pass_code($_[0], '/short') }, 90);
    my @done = grep { $replies[$_]{outcome} eq '200 OK' } 0 .. 11;
    my @late = grep { $replies[$_]{outcome} eq '503 SERVICE_UNAVAILABLE' } 0 .. 11;
    is(@done + @late, 12, 'with a short budget a pass code is set, or the call is 503')
        or diag(outcomes(@replies));
    cmp_ok(scalar @done, '>', 0, 'some are set');
    cmp_ok(scalar @late, '>', 5, 'most time out');
    is(scalar(grep { ($_->{retry_after} // '') ne '7' } @replies[@late]), 0, 'and get Retry-After');
    is(scalar(grep { $_->{seconds} > 4.3 } @replies[@late]), 0, 'in time');
    like($replies[$_]{description}, qr/Too many pass codes/, "call $_ gets the reason") for @late;
    for my $number (@late) {
        is_deeply([rows($number)], $before[$number], "call $number has changed nothing");
    }
    for my $number (@done) {
        my ($version, $hash) = rows($number);
        is($version, $before[$number][0] + 1, "call $number has made its change");
        is($hash, crypt("new-$number", $hash), 'the new pass code is stored');
    }
    my @lines = grep { /AT002: .*no processor was free in time.*1 at once.*AccessTokenHashingLimit/ }
        split /\n/, $server->error_log;
    is(scalar(grep { /access_token:error/ } @lines), 1, 'the log reports the fault once');
    is(scalar @lines, scalar @late, 'and each call at a higher level');

    # Verifying takes as long.
    @replies = $server->in_parallel(12, sub {
        update({ identifier => "hashing-user-$_[0]", pass_code => 'wrong-1' }, {}, '/short')
    }, 90);
    like(outcomes(@replies), qr/\A404 ACCESS_TOKEN_NOT_FOUND: \d+, 503 SERVICE_UNAVAILABLE: \d+\z/,
         'verifying a pass code waits in the queue too');
    @replies = $server->in_parallel(12, sub {
        update({ identifier => "no-such-user-$_[0]", pass_code => 'wrong-1' }, {}, '/short')
    }, 90);
    like(outcomes(@replies), qr/\A404 ACCESS_TOKEN_NOT_FOUND: \d+, 503 SERVICE_UNAVAILABLE: \d+\z/,
         'and so does an unknown identifier');
}

# ---- requests that do not wait

if ($in_turn) {
    my @replies = $server->in_parallel(14, sub {
        my ($number) = @_;
        sleep 0.4 if $number < 2;
        return $number == 0 ? page()
            : $number == 1 ? update({ authentication_code => 'demo-udf' }, { udf_string_1 => 'at once' })
            : set_pass_code($number);
    }, 90);
    my $longest = (sort { $b <=> $a } map { $_->{seconds} // 0 } @replies)[0];
    is(outcomes(@replies[2 .. 13]), '200 OK: 12', 'twelve pass codes are set');
    is($replies[0]{outcome}, 200, 'a page is served meanwhile');
    cmp_ok($replies[0]{seconds}, '<', $longest / 3, 'at once');
    is($replies[1]{outcome}, '200 OK', 'and so is a call without a pass code');
    cmp_ok($replies[1]{seconds}, '<', $longest / 3, 'at once');

    # More calls than the child has threads.
    @replies = $server->in_parallel(49, sub {
        my ($number) = @_;
        return set_pass_code($number, '/three-seconds') if $number < 48;
        sleep 0.7;
        return page();
    }, 90);
    my $page = pop @replies;
    like(outcomes(@replies), qr/\A200 OK: \d+, 503 SERVICE_UNAVAILABLE: \d+\z/,
         'more calls than the child has threads');
    is($page->{outcome}, 200, 'a thread is left for a page');
    cmp_ok($page->{seconds}, '<', 1.5, 'at once');
    ok($server->wait_for_error(qr/AT002: .*too many calls of this child waited already/),
       'the log has the reason');
}

# ---- the end of a child while calls wait

{
    pipe my $read, my $write or die "pipe: $!\n";
    my $pid = fork // die "fork: $!\n";
    if (!$pid) {
        close $read;
        my @replies = $server->in_parallel(12, sub { set_pass_code($_[0]) }, 60);
        print {$write} join ', ', outcomes(@replies);
        close $write;
        POSIX::_exit(0);
    }
    close $write;
    sleep 0.5;
    $server->graceful;
    my $outcomes = do { local $/; <$read> };
    waitpid $pid, 0;
    is($outcomes, '200 OK: 12', 'no call in the queue fails in a graceful restart');
}
for my $round (1 .. 3) {
    my $pid = fork // die "fork: $!\n";
    if (!$pid) {
        $server->in_parallel(12, sub { set_pass_code($_[0], '/three-seconds') }, 20);
        POSIX::_exit(0);
    }
    sleep 0.3;
    my $start = time;
    $server->restart_under_load;
    cmp_ok(time - $start, '<', 15, 'a restart does not hang');
    kill 'TERM', $pid;
    waitpid $pid, 0;
    is(set_pass_code(1)->{outcome}, '200 OK', 'and after it pass codes are set');
}
unlike($server->error_log, qr/AH00046/, 'no child had to be killed');

# ---- other work keeps all processors busy

{
    my $processors = () = do { open my $info, '<', '/proc/cpuinfo' or die "/proc/cpuinfo: $!\n"; grep { /^processor\s*:/ } <$info> };
    my $test = $$;
    my @work = map {
        AccessTokenTest::Process->start(code => sub { 1 while getppid == $test },
                                        output => $server->path("work$_.log"))
    } 1 .. $processors + 2;
    # At idle priority a thread hardly starts here. (test_hashing tests that a thread that
    # has started does not delay its call; the test below, that it does not delay the end
    # of its child.)
    my @replies = $server->in_parallel($in_turn ? 16 : 8, sub { set_pass_code($_[0], '/short') }, 90);
    like(outcomes(@replies), qr/\A(?:200 OK: \d+, )?503 SERVICE_UNAVAILABLE: \d+\z/,
         'calls without a processor within the budget get 503');
    is(scalar(grep { $_->{seconds} > 8 } @replies), 0, 'in time');

    reset_rows();
    @replies = $server->in_parallel(7, sub { $_[0] < 6 ? set_pass_code($_[0]) : page() }, 90);
    my $page = pop @replies;
    is(outcomes(@replies), '200 OK: 6', 'pass codes are set while the processors are busy');
    my @wrong = grep { my (undef, $hash) = rows($_); crypt("new-$_", $hash) ne $hash } 0 .. 5;
    is("@wrong", '', 'each call its own');
    is($page->{outcome}, 200, 'and the page is served');
    my %old = map { $_ => 1 } $server->children;
    $server->graceful;
    is(scalar(grep { $old{$_} } $server->children), 0, 'and their threads do not delay the end of a child');
    is(scalar(grep { !$_->is_running } @work), 0, 'the processors were busy all the time');
    $_->stop for @work;
}
is(set_pass_code(1)->{outcome}, '200 OK', 'after it pass codes are set');

# AH03490: a restart while one child has all places in the scoreboard. AH00484, AH00286,
# AH00161: all threads of the child are busy, on a slow machine.
$server->allow_log(qr/AT002: /, qr/AH03490: /, qr/AH00(?:484|286|161): /);
$server->finish;
done_testing;
