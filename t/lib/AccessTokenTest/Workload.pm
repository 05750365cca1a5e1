package AccessTokenTest::Workload;

# Many clients that change few access tokens at random, at the same time, and
# remember every answer; AccessTokenTest::Checker judges what they remember.
#
#     my $load = AccessTokenTest::Workload->new(
#         urls => [$server->url], updates => 4000, seed => $seed);
#     $load->prepare($server->dbh);      # rows of its own
#     $load->start;                      # returns at once
#     …                                  # meanwhile: whatever is to go wrong
#     $load->finish;                     # or stop: sooner
#     my $record = $load->record($server->dbh);
#     my @wrong = AccessTokenTest::Checker::violations($record);
#
# A request is one wish of a client; a call is one attempt to have it fulfilled.
# A request with an Idempotency-Key is called again until its outcome is known,
# sometimes once more after that, and sometimes twice at once. Each value that
# is sent is sent by one request only, so what is stored tells who stored it.
# Some fields of an access token are sent by one client only; the rest by all.
#
# A request: number (unique), client, user, token (their ids), fields (name =>
# value; a custom field's name is custom_field_set.NAME), found_by, key,
# if_match (a version), expect (the one answer that is right, "409 CODE").
# A call: request, start and end (by now()), url (an index of urls), id (its
# X-Request-Id), and
#   status, code, version, replayed, data   of an answer: data is that of
#           status 200, as text, where the request asked for all of it
#   failed  where there is none: refused (no connection), lost, timeout,
#           vanished (the client went away), half (it did so within the body)

use strict;
use warnings;

use Digest::SHA qw(sha256_hex);
use File::Temp ();
use IO::Select;
use IO::Socket::INET;
use POSIX ();
use Socket qw(IPPROTO_TCP TCP_NODELAY);
use Storable ();
use Time::HiRes qw(sleep time clock_gettime CLOCK_MONOTONIC);
use Test::More ();

use AccessTokenTest::Process;

# Fields that every client changes, and those that belong to one client each:
# four clients have their own on the same access token.
my @shared = (
    (map { "udf_string_$_" } 1 .. 4), (map { "udf_float_$_" } 1 .. 4),
    (map { "udf_date_$_" } 1 .. 4), 'card_masked_number',
    'custom_field_set.load_text', 'custom_field_set.load_number',
);
my @own = map { ['udf_string_' . ($_ + 4), "custom_field_set.load_own_$_"] } 1 .. 4;

# What a request may ask for in its reply: next to nothing, or all that is known
# of what it changed.
my $little = 'number';
my $all = join ',', 'authentication_code', 'identifier', 'card_masked_number', 'custom_field_set',
    map { ("udf_string_$_") } 1 .. 8;
$all .= join ',', '', map { ("udf_float_$_", "udf_date_$_") } 1 .. 4;

my $users = 3;

# new(%options):
#   urls      where the method is served: each call takes one of them
#   clients   how many (32), for
#   tokens    so many access tokens (8)
#   updates   how many requests all clients make together, or
#   seconds   for how long they make some, or until stop
#   seed      of all that is random (1)
#   keys      the share of requests that have an Idempotency-Key (0.6)
#   vanish    the share of calls whose client goes away (0)
#   pause     the mean pause between the requests of a client, in seconds (0)
#   timeout   for how long a client waits for an answer, in seconds (30)
#   patience  for how long it repeats a request with a key (120)
#   name      of its rows in the database (load); two workloads on one database
#             need two
sub new {
    my ($class, %options) = @_;
    return bless {
        clients => 32, tokens => 8, seed => 1, keys => 0.6, vanish => 0, pause => 0,
        timeout => 30, patience => 120, name => 'load', %options,
        folder => File::Temp->newdir('at-load-XXXXXXXX', TMPDIR => 1),
    }, $class;
}

# The clock of start and end, in seconds; not the time of day.
sub now { clock_gettime(CLOCK_MONOTONIC) }

# ---- what the tests that use it share

# The seed of a test. It is printed, so that AT_SEED=N can repeat the test.
sub seed {
    my $seed = $ENV{AT_SEED} // int rand 1_000_000;
    Test::More::diag("to repeat it: AT_SEED=$seed");
    return $seed;
}

# How large a test is: 1 is full size, and what ./dev soak runs; AT_SCALE says
# otherwise, and DEFAULT is that of ./dev check.
sub scale { my ($default) = @_; return $ENV{AT_SCALE} || $default }

# Configuration for so many clients: a secret for keys, pass codes that cost
# little, and a thread for each line, so that httpd does not close idle ones
# while a request is on its way to it, whose fate its client could not know.
sub conf {
    my ($server) = @_;
    $server->write_file('secret', '0123456789abcdef' x 2);
    return <<'END';
AccessTokenIdempotencyKeyFile secret
AccessTokenPassCodeScheme md5crypt
StartServers 2
ThreadsPerChild 64
MinSpareThreads 64
MaxSpareThreads 256
MaxRequestWorkers 256
END
}

# The options of a database that is killed under load. What was answered must survive, so
# it must be on the disk. And what was read too: without a binary log, InnoDB shows a
# change to others before it is there (bug 74303 of MySQL).
sub database_options { return [qw(--innodb-flush-log-at-trx-commit=1 --log-bin=binary --server-id=1)] }

# ---- the database

sub token_ids { my ($self) = @_; return map { "$self->{name}-token-$_" } 1 .. $self->{tokens} }
sub user_ids { my ($self) = @_; return map { "$self->{name}-user-$_" } 1 .. $users }

# Makes the rows that the clients need, in a database that has the schema.
sub prepare {
    my ($self, $dbh) = @_;
    my $name = $self->{name};
    my $insert = sub {
        my ($table, %row) = @_;
        my @columns = sort keys %row;
        $dbh->do(sprintf('INSERT INTO %s (%s) VALUES (%s)', $table, join(', ', @columns),
                         join ', ', ('?') x @columns), undef, @row{@columns});
    };
    $insert->('access_token_rule_sets', id => $name, allow_no_identifier => 1);
    $insert->('access_token_classifications', id => $name, name => $name, rule_set_id => $name);
    for my $user ($self->user_ids) {
        $insert->('users', id => $user, username => $user, may_update_access_tokens => 1);
        $insert->('access_token_sessions', token_digest => sha256_hex(session_of($user)),
                  user_id => $user, expires_at => '2099-12-31T23:59:59');
    }
    my %custom = map { $_ => 1 } @{ $dbh->selectcol_arrayref(
        'SELECT name FROM access_token_custom_fields') };
    my %type = (load_text => 'string', load_number => 'number',
                map { ("load_own_$_" => 'string') } 1 .. 4);
    $insert->('access_token_custom_fields', name => $_, type => $type{$_})
        for grep { !$custom{$_} } sort keys %type;
    my $number = 0;
    for my $id ($self->token_ids) {
        $number++;
        $insert->('access_tokens', id => $id, number => "$name-$number", classification_id => $name,
                  authentication_code => "$name-code-$number", identifier => "$name-id-$number",
                  pass_code => crypt("pass-$number", "\$1\$salt$number"),
                  udf_string_1 => 'as it was', udf_float_1 => '0.5',
                  udf_date_1 => '2020-02-29T12:00:00', custom_field_set => '{"load_text":"as it was"}',
                  created_date => '2024-01-01T08:00:00');
    }
    # One that has the code that others must not take.
    $insert->('access_tokens', id => "$name-token-taken", number => "$name-taken",
              authentication_code => "$name-code-taken", created_date => '2024-01-01T08:00:00');
    $self->{initial} = $self->rows($dbh);
    return;
}

sub session_of { my ($user) = @_; return "session-of-$user" }

# The access tokens by id, as they are.
sub rows {
    my ($self, $dbh) = @_;
    return $dbh->selectall_hashref('SELECT * FROM access_tokens WHERE id LIKE ?', 'id', undef,
                                   "$self->{name}-token-%");
}

# All that AccessTokenTest::Checker wants to know; after finish.
sub record {
    my ($self, $dbh) = @_;
    my $select = sub { $dbh->selectall_arrayref($_[0], { Slice => {} }, "$self->{name}-$_[1]-%") };
    return {
        calls => $self->{calls},
        initial => $self->{initial},
        final => $self->rows($dbh),
        pass_codes => { map { ("$self->{name}-token-$_" => "pass-$_") } 1 .. $self->{tokens} },
        changes => $select->(
            'SELECT * FROM access_token_changes WHERE token_id LIKE ? ORDER BY token_id, version',
            'token'),
        keys => $select->('SELECT * FROM access_token_requests WHERE user_id LIKE ?', 'user'),
    };
}

# ---- the clients, as seen by the test

sub start {
    my ($self) = @_;
    $self->{folder_name} = "$self->{folder}";
    $self->{parent} = $$;
    $self->{began} = now();
    $self->{processes} = [map {
        my $client = $_;
        AccessTokenTest::Process->start(
            code => sub { $self->client($client) },
            output => "$self->{folder_name}/log");
    } 0 .. $self->{clients} - 1];
    return;
}

sub is_running {
    my ($self) = @_;
    return scalar grep { $_->is_running } @{ $self->{processes} };
}

sub signal {
    my ($self, $signal) = @_;
    $_->signal($signal) for @{ $self->{processes} };
    return;
}

# Waits until the clients have done what they were to do, for SECONDS at most,
# and gathers what they remember.
sub finish {
    my ($self, $seconds) = @_;
    my $until = time + ($seconds // 600);
    while ($self->is_running) {
        if (time > $until) {
            $_->stop('KILL') for @{ $self->{processes} };
            die "clients did not end:\n" . $self->log;
        }
        sleep 0.02;
    }
    $self->{ended} = now();
    my @failed = grep { $_->exit_status } @{ $self->{processes} };
    die @failed . " clients failed:\n" . $self->log if @failed;
    $self->{calls} = [map { @{ Storable::retrieve("$self->{folder_name}/$_") } }
                      0 .. $self->{clients} - 1];
    return;
}

# Lets each client end its present request; those with a key are still repeated.
sub stop {
    my ($self, $seconds) = @_;
    open my $file, '>', "$self->{folder_name}/stop" or die "stop: $!\n";
    close $file;
    $self->finish($seconds);
    return;
}

sub log {
    my ($self) = @_;
    open my $file, '<', "$self->{folder_name}/log" or return '';
    return do { local $/; <$file> } // '';
}

sub calls { $_[0]{calls} }

# ---- what the calls came to

# A call's outcome: applied, replayed, none (it has changed nothing), unknown.
sub outcome {
    my ($call) = @_;
    return $call->{failed} =~ /^(?:refused|half)$/ ? 'none' : 'unknown' if $call->{failed};
    return $call->{replayed} ? 'replayed' : 'applied' if $call->{status} == 200;
    # A 500 without our code does not come from the module.
    return $call->{status} < 500 || ($call->{code} // '') eq 'INTERNAL_ERROR' ? 'none' : 'unknown';
}

# "200 OK", "200 replayed", "503 SERVICE_UNAVAILABLE", "no answer: lost".
sub answer {
    my ($call) = @_;
    return "no answer: $call->{failed}" if $call->{failed};
    return $call->{status} . ' ' . ($call->{replayed} ? 'replayed' : $call->{code} // 'without a code');
}

# How many calls had which answer; of those only that ran between FROM and TO.
sub answers {
    my ($calls, $from, $to) = @_;
    my %count;
    for my $call (@$calls) {
        next if defined $from && ($call->{end} < $from || $call->{start} > $to);
        $count{ answer($call) }++;
    }
    return \%count;
}

sub answers_text {
    my ($count) = @_;
    return join(', ', map { "$_: $count->{$_}" } sort keys %$count) || 'no calls';
}

# A line for each kind of fault: how often, for how long, and what the calls
# meanwhile came to. FAULTS: hashes of name, from, to (by now()).
sub during_text {
    my ($calls, $faults) = @_;
    my (%of, @lines);
    push @{ $of{ $_->{name} } }, $_ for @$faults;
    for my $name (sort keys %of) {
        my (%count, $seconds, $longest);
        for my $fault (@{ $of{$name} }) {
            my $answers = answers($calls, @$fault{qw(from to)});
            $count{$_} += $answers->{$_} for keys %$answers;
            $seconds += $fault->{to} - $fault->{from};
            # From its end to the end of the first call that began after it and
            # was applied; unless the next fault was quicker.
            my ($next) = sort { $a <=> $b } grep { $_ > $fault->{to} } map { $_->{from} } @$faults;
            my ($healed) = sort { $a <=> $b } map { $_->{end} }
                grep { $_->{start} > $fault->{to} && outcome($_) eq 'applied' } @$calls;
            next if !defined $healed || defined $next && $healed > $next;
            $healed -= $fault->{to};
            $longest = $healed if !defined $longest || $healed > $longest;
        }
        push @lines, sprintf "%s: %d times, %.1f s in all, healed within %s: %s", $name,
            scalar @{ $of{$name} }, $seconds,
            defined $longest ? sprintf('%.0f ms', 1000 * $longest) : '?', answers_text(\%count);
    }
    return join "\n", @lines;
}

# "12.3 s, 4000 requests, 4400 calls, 357 calls/s; half within 40 ms, …"
sub speed_text {
    my ($self) = @_;
    my @calls = @{ $self->{calls} };
    my %requests = map { $_->{request}{number} => 1 } @calls;
    my @took = sort { $a <=> $b } map { $_->{end} - $_->{start} } grep { !$_->{failed} } @calls;
    my $seconds = $self->{ended} - $self->{began};
    my $at = sub { @took ? 1000 * $took[int($#took * $_[0])] : 0 };
    return sprintf '%.1f s, %d requests, %d calls, %.0f calls/s; half of the answers within %.0f ms, '
        . '99 of 100 within %.0f ms, the last within %.0f ms',
        $seconds, scalar keys %requests, scalar @calls, @calls / $seconds,
        $at->(0.5), $at->(0.99), $at->(1);
}

# ---- a client, in a process of its own

# The body of process CLIENT; it leaves its calls in a file.
sub client {
    my ($self, $client) = @_;
    local $SIG{PIPE} = 'IGNORE';
    srand($self->{seed} * 7919 + $client);
    my @urls = map { m{^http://([^/:]+):(\d+)(/.*)$} ? { host => $1, port => $2, path => $3 }
                                                     : die "$_: not a URL\n" } @{ $self->{urls} };
    my $me = bless {
        load => $self, client => $client, urls => \@urls, calls => [], sequence => 0,
        user => "$self->{name}-user-" . ($client % $users + 1),
        version => {}, done => [], unfinished => [],
    }, 'AccessTokenTest::Workload::Client';
    $me->run;
    delete $_->{request}{body} for @{ $me->{calls} };
    Storable::store($me->{calls}, "$self->{folder_name}/$client");
    return;
}

package AccessTokenTest::Workload::Client;

use Time::HiRes qw(sleep);

BEGIN { *now = \&AccessTokenTest::Workload::now }

sub run {
    my ($self) = @_;
    my $load = $self->{load};
    my $share = defined $load->{updates} ? int($load->{updates} / $load->{clients}) : undef;
    $share++ if defined $share && $self->{client} < $load->{updates} % $load->{clients};
    my $until = defined $load->{seconds} ? now() + $load->{seconds} : undef;
    while (1) {
        # A code or pass code that was changed is changed back before all else.
        if (my $back = shift @{ $self->{unfinished} }) {
            $self->move_back($back);
            next;
        }
        last if defined $share && $self->{sequence} >= $share
            || defined $until && now() > $until
            || -e "$load->{folder_name}/stop" || getppid != $load->{parent};
        $self->one_more;
        sleep rand 2 * $load->{pause} if $load->{pause};
    }
    return;
}

sub chance { return rand() < $_[0] }
sub one_of { return $_[ int rand @_ ] }

# Makes up one request, and sees it through.
sub one_more {
    my ($self) = @_;
    my $kind = rand;
    return $self->move('authentication_code') if $kind < 0.015;
    return $self->move('pass_code') if $kind < 0.025;
    return $self->once_again if $kind < 0.065 && @{ $self->{done} };
    return $self->another_for_a_key if $kind < 0.08 && @{ $self->{done} };
    my $request = $self->request;
    $self->add_fields($request);
    if ($kind >= 0.08 && $kind < 0.09) {
        $request->{fields}{authentication_code} = "$self->{load}{name}-code-taken";
        $request->{expect} = '409 DUPLICATE_VALUE';
    }
    elsif ($kind >= 0.09 && $kind < 0.1) {
        $request->{fields}{udf_date_1} = "2015-02-30 $request->{number}";
        $request->{expect} = '422 VALIDATION_FAILED';
    }
    elsif ($kind >= 0.1 && $kind < 0.2) {
        my $known = $self->{version}{ $request->{token} };
        $request->{if_match} = $known if $known;
    }
    $self->see_through($request);
    return;
}

# A request without fields, for one of the access tokens: the client's own one
# more often.
sub request {
    my ($self) = @_;
    my $load = $self->{load};
    my $token = chance(0.4) ? $self->{client} % $load->{tokens} : int rand $load->{tokens};
    my $number = $token + 1;
    my $sequence = ++$self->{sequence};
    my $request = {
        # Dates and floats are made of it.
        number => ($self->{client} + 1) * 1_000_000 + $sequence,
        client => $self->{client}, user => $self->{user},
        token => "$load->{name}-token-$number", fields => {},
        found_by => chance(0.15)
            ? { identifier => "$load->{name}-id-$number", pass_code => "pass-$number" }
            : { authentication_code => "$load->{name}-code-$number" },
    };
    # A key belongs to its user: clients of different users send the same ones.
    $request->{key} = sprintf 'key-%d-%d', int($self->{client} / $users), $sequence
        if chance($load->{keys});
    $request->{all_data} = 1 if chance(0.1);
    return $request;
}

# Some of the fields that this client may change, one of them at least with a
# value that no other request has.
sub add_fields {
    my ($self, $request) = @_;
    my $tokens = $self->{load}{tokens};
    my @may = @shared;
    my $own = int $self->{client} / $tokens;
    if ($request->{token} eq "$self->{load}{name}-token-" . ($self->{client} % $tokens + 1)
        && $own < @own) {
        push @may, (@{ $own[$own] }) x 4;
    }
    my $fields = $request->{fields};
    for (0 .. int rand 4) {
        my $field = one_of(@may);
        $fields->{$field} = chance(0.15) ? undef : value($field, $request->{number});
    }
    return if grep { defined } values %$fields;
    my $field = (sort keys %$fields)[0];
    $fields->{$field} = value($field, $request->{number});
    return;
}

# The value of FIELD in request NUMBER, as the database shows it.
sub value {
    my ($field, $number) = @_;
    return $number + $1 / 10 if $field =~ /^udf_float_(\d)/;
    return POSIX::strftime('%Y-%m-%dT%H:%M:%S', gmtime(946_684_800 + $number))
        if $field =~ /^udf_date/;
    return $number if $field =~ /number$/ && $field =~ /^custom/;
    return "** $number" if $field eq 'card_masked_number';
    # Now and then one that is as long as can be.
    my $text = "call $number ";
    return $number % 20 ? $text : $text . '.' x (255 - length $text);
}

# A new code or pass code, for a moment: a call with the old one finds nothing
# meanwhile.
sub move {
    my ($self, $what) = @_;
    my $request = $self->request;
    $self->add_fields($request);
    my ($number) = $request->{token} =~ /(\d+)$/;
    my $load = $self->{load};
    $request->{found_by} = $what eq 'pass_code'
        ? { identifier => "$load->{name}-id-$number", pass_code => "pass-$number" }
        : { authentication_code => "$load->{name}-code-$number" };
    $request->{fields}{$what} = $what eq 'pass_code' ? "pass-$request->{number}"
                                                     : "$load->{name}-code-$request->{number}";
    my $outcome = $self->see_through($request);
    push @{ $self->{unfinished} }, $request if $outcome ne 'none';
    return;
}

# Undoes REQUEST, which has changed a code or pass code, or may have.
sub move_back {
    my ($self, $moved) = @_;
    my $request = $self->request;
    my ($what) = grep { exists $moved->{fields}{$_} } qw(authentication_code pass_code);
    $request->{token} = $moved->{token};
    $request->{found_by} = { %{ $moved->{found_by} }, $what => $moved->{fields}{$what} };
    $self->add_fields($request);
    $request->{fields}{$what} = $moved->{found_by}{$what};
    my $outcome = $self->see_through($request);
    # Until it is done, or there is nothing to be undone, or the test has enough.
    my $is_away = $self->{calls}[-1]{status} && $self->{calls}[-1]{status} == 404;
    push @{ $self->{unfinished} }, $moved
        if $outcome =~ /^(?:unknown|none)$/ && !$is_away && !-e "$self->{load}{folder_name}/stop";
    return;
}

# Repeats an earlier request that was answered by 200.
sub once_again {
    my ($self) = @_;
    $self->call(one_of(@{ $self->{done} }));
    return;
}

# A new request with the key of one that was answered by 200.
sub another_for_a_key {
    my ($self) = @_;
    my $request = $self->request;
    my $before = one_of(@{ $self->{done} });
    $self->add_fields($request);
    $request->{key} = $before->{key};
    $request->{expect} = '422 IDEMPOTENCY_KEY_REUSED';
    $request->{reused} = 1;
    $self->see_through($request);
    return;
}

# Calls until the outcome is known: a request without a key only once.
sub see_through {
    my ($self, $request) = @_;
    my $load = $self->{load};
    my $until = now() + $load->{patience};
    my $pause = 0.02;
    my $in_doubt = 0;
    while (1) {
        my @calls = $request->{key} && chance(0.05) ? $self->call_twice($request)
                                                    : $self->call($request);
        my $answered = 0;
        for my $call (@calls) {
            my $came = AccessTokenTest::Workload::outcome($call);
            if ($came eq 'applied' || $came eq 'replayed') {
                $self->remember($request, $call);
                return $came;
            }
            $in_doubt = 1 if $came eq 'unknown';
            $answered = 1 if $came eq 'none' && !$call->{failed};
        }
        # A refusal ends it, even where an earlier call was left in doubt, which
        # may still be on its way.
        last if $answered;
        if (!$request->{key} || now() > $until) {
            sleep 0.1 if $calls[0]{failed};
            last;
        }
        sleep $pause;
        $pause *= 2 if $pause < 0.5;
    }
    return $in_doubt ? 'unknown' : 'none';
}

sub remember {
    my ($self, $request, $call) = @_;
    $self->{version}{ $request->{token} } = $call->{version};
    return if !$request->{key};
    push @{ $self->{done} }, $request;
    shift @{ $self->{done} } if @{ $self->{done} } > 100;
    return;
}

# ---- one call

sub call {
    my ($self, $request) = @_;
    my $sent = $self->send($request, int rand @{ $self->{urls} }, 0);
    $self->receive($sent);
    return $sent->{call};
}

# The same twice at once: on two connections, by two servers if there are two.
sub call_twice {
    my ($self, $request) = @_;
    my @urls = map { int rand @{ $self->{urls} } } 1, 2;
    $urls[1] = ($urls[0] + 1) % @{ $self->{urls} };
    my @sent = map { $self->send($request, $urls[$_], $_) } 0, 1;
    $self->receive($_) for @sent;
    return map { $_->{call} } @sent;
}

# Sends the request over the client's line NUMBER to URL, which it connects
# again if need be.
sub send {
    my ($self, $request, $url, $number) = @_;
    my $line = $self->{lines}{"$url $number"} //= { url => $self->{urls}[$url] };
    my $call = { request => $request, start => now(), url => $url };
    push @{ $self->{calls} }, $call;
    my $sent = { line => $line, call => $call };
    # The server may have closed a line that was idle.
    hang_up($line) if $line->{socket} && $line->{select}->can_read(0);
    if (!$line->{socket}) {
        my $socket = IO::Socket::INET->new(
            PeerAddr => $line->{url}{host}, PeerPort => $line->{url}{port}, Timeout => 10);
        if (!$socket) {
            @$call{qw(failed end)} = ('refused', now());
            return $sent;
        }
        setsockopt $socket, Socket::IPPROTO_TCP(), Socket::TCP_NODELAY(), 1;
        binmode $socket;
        @$line{qw(socket select)} = ($socket, IO::Select->new($socket));
    }
    my $body = $request->{body} //= body_of($request);
    $call->{id} = "$request->{number}." . @{ $self->{calls} };
    my $bytes = join "\r\n", "POST $line->{url}{path} HTTP/1.1",
        "Host: $line->{url}{host}", 'Content-Type: application/json',
        'Content-Length: ' . length $body, "X-Request-Id: $call->{id}",
        'Authorization: Bearer ' . AccessTokenTest::Workload::session_of($request->{user}),
        defined $request->{key} ? "Idempotency-Key: $request->{key}" : (),
        defined $request->{if_match} ? qq(If-Match: "$request->{token}-$request->{if_match}") : (),
        # A second line is for once.
        $number ? 'Connection: close' : (), '', $body;
    my $half = $self->{load}{vanish} && chance($self->{load}{vanish}) ? one_of('half', 'vanished') : '';
    $bytes = substr $bytes, 0, length($bytes) - 1 - int rand length $body if $half eq 'half';
    my $done = 0;
    while ($done < length $bytes) {
        my $count = syswrite $line->{socket}, $bytes, length($bytes) - $done, $done;
        last if !defined $count;
        $done += $count;
    }
    if ($half) {
        # The client goes at once, or while the server works.
        sleep rand 0.02 if chance(0.5);
        hang_up($line);
        @$call{qw(failed end)} = ($half, now());
    }
    return $sent;
}

sub hang_up {
    my ($line) = @_;
    close $line->{socket};
    delete @$line{qw(socket select)};
    return;
}

# Waits for the answer of what send has sent.
sub receive {
    my ($self, $sent) = @_;
    my ($call, $line) = @$sent{qw(call line)};
    return if $call->{failed};
    my $until = $call->{start} + $self->{load}{timeout};
    my ($bytes, $head, $length) = ('');
    while (1) {
        my $left = $until - now();
        if ($left <= 0 || !$line->{select}->can_read($left)) {
            $call->{failed} = 'timeout';
            last;
        }
        if (!sysread $line->{socket}, $bytes, 65536, length $bytes) {
            $call->{failed} = 'lost';
            last;
        }
        if (!defined $head) {
            # An interim reply is not the reply.
            1 while $bytes =~ s{\AHTTP/1\.1 1\d\d .*?\r\n\r\n}{}s;
            my $end = index $bytes, "\r\n\r\n";
            next if $end < 0;
            $head = substr $bytes, 0, $end + 4, '';
            ($length) = $head =~ /\r\nContent-Length: (\d+)/i;
        }
        last if defined $length ? length $bytes >= $length
                                : $bytes =~ /(?:\A|\r\n)0\r\n\r\n\z/;
    }
    $call->{end} = now();
    hang_up($line) if $call->{failed} || $head =~ /\r\nConnection: close/i;
    return if $call->{failed};
    ($call->{status}) = $head =~ m{\AHTTP/1\.\d (\d\d\d)};
    ($call->{etag}) = $head =~ /\r\nETag: (\S+)/i;
    $call->{version} = $1
        if ($call->{etag} // '') =~ /^"\Q$call->{request}{token}\E-(\d+)(?:-gzip)?"$/;
    $call->{replayed} = 1 if $head =~ /\r\nIdempotency-Replayed: true\r/i;
    ($call->{code}) = $bytes =~ /"status"\s*:\s*\{[^}]*"code"\s*:\s*"(\w+)"/;
    $call->{data} = $bytes if $call->{request}{all_data} && $call->{status} == 200;
    return;
}

# The body of a request. No value needs escapes.
sub body_of {
    my ($request) = @_;
    my (@members, @custom);
    for my $field (sort keys %{ $request->{fields} }) {
        my $value = $request->{fields}{$field};
        my $is_number = $field =~ /^udf_float|^custom.*number$/;
        my $text = !defined $value ? 'null' : $is_number ? $value : qq("$value");
        if ($field =~ /^custom_field_set\.(.*)/) {
            push @custom, qq("$1":$text);
        }
        else {
            push @members, qq("$field":$text);
        }
    }
    push @members, '"custom_field_set":{' . join(',', @custom) . '}' if @custom;
    my $found_by = join ',', map { qq("$_":"$request->{found_by}{$_}") }
        sort keys %{ $request->{found_by} };
    my $wanted = $request->{all_data} ? $all : $little;
    return '{' . join(',', qq("access_token_identifier":{$found_by}), @members,
                      qq("fields_set":"$wanted")) . '}';
}

1;
