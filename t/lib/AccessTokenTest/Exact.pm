package AccessTokenTest::Exact;

# Tests that an answer is never older than the database:
#
#     AccessTokenTest::Exact::changes_hold('two httpds', servers => \@servers,
#                                          database => $database);
#
# While one program changes what lookups cache, others make calls at the SERVERS, and compare
# each answer with the changes that were committed before the call. DATABASE is where the
# changes are made; it has dbh and connect.

use strict;
use warnings;

use File::Temp ();
use Test::More;
use Time::HiRes qw(sleep time);

use AccessTokenTest;

my $callers = 6;

# Another program changes what is cached, all in one transaction, and says the number of the
# change before it begins and after it is committed. In each odd one, the clerk may not
# update access tokens.
sub write_counter {
    my ($counter, $begun, $done) = @_;
    open my $file, '+<', $counter or die "$counter: $!\n";
    syswrite $file, pack 'NN', $begun, $done;
    return;
}

sub read_counter {
    my ($counter) = @_;
    open my $file, '<', $counter or die "$counter: $!\n";
    sysread $file, my $bytes, 8;
    return unpack 'NN', $bytes;
}

my %changes = (
    permission => sub {
        my ($dbh, $number) = @_;
        $dbh->do(q(UPDATE users SET may_update_access_tokens = ? WHERE username = 'clerk'), undef, $number % 2 ? 0 : 1);
    },
    rule => sub {
        my ($dbh, $number) = @_;
        $dbh->do(q(UPDATE access_token_rule_sets SET identifier_min_length = ? WHERE id = 'card'), undef,
                 $number % 2 ? 100 : 1);
    },
    names => sub {
        my ($dbh, $number) = @_;
        $dbh->do("UPDATE users SET person_name = 'name $number'");
        $dbh->do("UPDATE units SET name = 'name $number'");
        $dbh->do("UPDATE countries SET name = 'name $number'");
        $dbh->do("UPDATE access_token_classifications SET name = 'name $number'");
    },
);

sub change_all {
    my ($test, $change) = @_;
    my $dbh = $test->{database}->connect;
    my $until = time + $test->{seconds};
    my $number = 0;
    while (time < $until) {
        write_counter($test->{counter}, ++$number, $number - 1);
        change_once($dbh, $change, $number);
        write_counter($test->{counter}, $number, $number);
        sleep 0.01 + 0.08 * rand;
    }
    return { changes => $number };
}

# On a cluster, calls may abort the change.
sub change_once {
    my ($dbh, $change, $number) = @_;
    for (1 .. 50) {
        return if eval { $dbh->begin_work; $change->($dbh, $number); $dbh->commit; 1 };
        my $error = $@;
        eval { $dbh->rollback };
        die $error if $error !~ /deadlock/i;
    }
    die "change $number was aborted again and again\n";
}

# What an answer shows of the number of a change: "odd" or "even" for an outcome.
my %shown = (
    permission => sub {
        my ($reply) = @_;
        my $outcome = AccessTokenTest::outcome($reply);
        return { '200 OK' => 'even', '403 FORBIDDEN' => 'odd' }->{$outcome} // $outcome;
    },
    rule => sub {
        my ($reply) = @_;
        my $outcome = AccessTokenTest::outcome($reply);
        return { '200 OK' => 'even', '422 VALIDATION_FAILED /identifier TOO_SHORT' => 'odd' }->{$outcome} // $outcome;
    },
    names => sub {
        my ($reply) = @_;
        my $data = $reply->{json}{data} or return AccessTokenTest::outcome($reply);
        my $log = $data->{log_information};
        my %seen = map { ($_ // 'none') => 1 } $data->{classification}{name}, map { $log->{$_}{person_name} // $log->{$_}{name} }
            qw(updated_by_user updated_by_unit);
        my $owner = $data->{accounts_receivable}{account_owner}{demographics};
        $seen{ $owner->{passport_issued_by_country}{name} // 'none' } = 1;
        return join ' and ', sort keys %seen;
    },
);

# What caller NUMBER sends besides.
sub fields {
    my ($kind, $number) = @_;
    return $kind eq 'rule' ? (identifier => "a-name-$number", pass_code => 'Ab1-Cd2-Ef3') : ();
}

# True if SHOWN is right for a change of which BEGUN had begun after the call, and DONE was
# done before it.
sub is_right {
    my ($shown, $done, $begun) = @_;
    return 1 if grep { $shown eq "name $_" || $shown eq ($_ % 2 ? 'odd' : 'even') } $done .. $begun;
    return 0;
}

sub make_calls {
    my ($test, $kind, $number) = @_;
    my $server = $test->{servers}[ $number % @{ $test->{servers} } ];
    my $until = time + $test->{seconds};
    my %result = (calls => 0, settled => 0, wrong => []);
    while (time < $until) {
        my (undef, $done) = read_counter($test->{counter});
        my $reply = $server->post({ token => 'demo-session-clerk', fields($kind, $number),
            access_token_identifier => { authentication_code => "demo-exact-$number" } });
        my ($begun) = read_counter($test->{counter});
        my $shown = $shown{$kind}->($reply);
        $result{calls}++;
        $result{settled}++ if $done == $begun;
        push @{ $result{wrong} }, "change $done to $begun: $shown" if !is_right($shown, $done, $begun);
    }
    return \%result;
}

# ---- the tests

sub run_kind {
    my ($test, $kind) = @_;
    my ($name, $dbh) = ("$test->{name}, $kind", $test->{database}->dbh);
    open my $file, '>', $test->{counter} or die "$test->{counter}: $!\n";
    close $file or die "$test->{counter}: $!\n";
    write_counter($test->{counter}, 0, 0);
    change_once($dbh, $changes{$kind}, 0);
    my @results = $test->{servers}[0]->in_parallel($callers + 1, sub {
        my ($number) = @_;
        return $number ? make_calls($test, $kind, $number) : change_all($test, $changes{$kind});
    });
    change_once($dbh, $changes{$kind}, 0);
    my @died = map { $_->{died} // () } @results;
    is("@died", '', "$name: all ran to the end");
    my $changes = shift(@results)->{changes} // 0;
    my ($calls, $settled) = (0, 0);
    my @wrong;
    for my $result (@results) {
        $calls += $result->{calls} // 0;
        $settled += $result->{settled} // 0;
        push @wrong, @{ $result->{wrong} // [] };
    }
    diag("$name: $changes changes, $calls calls, $settled between two changes");
    is(scalar @wrong, 0, "$name: no answer is stale") or diag join "\n", @wrong[0 .. ($#wrong < 9 ? $#wrong : 9)];
    cmp_ok($changes, '>', 20, "$name: there were changes");
    cmp_ok($settled, '>', 50, "$name: calls were made between them");
    cmp_ok($calls - $settled, '>', 10, "$name: and while they were made");
    return;
}

sub changes_hold {
    my ($name, %test) = @_;
    my $dbh = $test{database}->dbh;
    for my $number (1 .. $callers) {
        $dbh->do(q(INSERT INTO access_tokens (id, number, authentication_code, classification_id, accounts_receivable_id,
            created_date) VALUES (?, ?, ?, 'CC000000000000000000000000000001', 'A0000000000000000000000000000001',
            '2024-01-01T08:00:00')), undef, "EXACT$number", 9000 + $number, "demo-exact-$number");
    }
    my $folder = File::Temp->newdir('at-XXXXXXXX', TMPDIR => 1);
    %test = (%test, name => $name, seconds => 4 * ($ENV{AT_SCALE} || 1), counter => "$folder/counter");
    run_kind(\%test, $_) for sort keys %changes;
    return;
}

1;
