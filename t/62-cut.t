# Connections to the database that are cut in the middle of a save, at each point of each
# packet (contract, section 6): the answer is still 200 and right, and the change is made
# once. AT_CUT_ROUNDS: the number of cuts at each point (50).
use strict;
use warnings;

use JSON::PP ();
use Test::More;
use Time::HiRes qw(sleep time);

use AccessTokenTest;

plan skip_all => 'SQLite is a file: there is no connection to cut'
    if AccessTokenTest::engine() eq 'sqlite3';

my $rounds = $ENV{AT_CUT_ROUNDS} || 50;
# Numbers of side effects, which have no point of their own.
my $fewer = int($rounds * 0.4) || 1;
my $budget = 5;
# For how many milliseconds a connection is used again without a ping. With the statements
# of the benchmark, the default, as there: more connections are used again after a cut.
# Otherwise less: more pings.
my ($reuse, $reuse_conf) = $ENV{AT_AS_MEASURED} ? (500, '') : (60, 'AccessTokenConnectionReuse 60ms');
my $session = 'demo-session-clerk';
my $json = JSON::PP->new->utf8->canonical;

my $server = AccessTokenTest->new(proxy => 1);
my $database = $server->database;
my $proxy = $database->proxy;
my $dbh = $database->dbh;

$database->load(AccessTokenTest::srcdir() . '/sql/mysql/history.sql');
$server->{options}{conf} = <<"END_OF_CONF";
AccessTokenPassCodeScheme bcrypt 4
AccessTokenRetryBudget ${budget}s
$reuse_conf
AccessTokenIdempotencyKeyFile @{[ $server->write_file('secret', 'k' x 32) ]}
# No call waits for the start of a child.
<IfModule mpm_prefork_module>
    StartServers 12
    MinSpareServers 12
    MaxSpareServers 24
</IfModule>
END_OF_CONF
$server->write_conf;
$server->run;

# Connections are lost all the time, and children start while there are none. The check at
# their start may log that (AT022).
$server->allow_log(qr/\[dbd:(?:error|crit)\]/, qr/AT002: unavailable: /,
                   qr/AT022: no connection to the mysql database: Lost connection/);

# ---- calls

# The next value of a kind: no two calls send the same.
my $serial = 0;
sub fresh { return "$_[0]-" . ++$serial }

# A call of each kind, each to its own access token: its id, the request, the headers, and
# the expected row.
my %opens = (
    code => 'demo-effective', number => 'demo-auto-number',
    user => 'demo-member-user', pass => 'demo-pass-1',
);
my %call = (
    'a field' => sub {
        my $text = fresh('cut');
        return { id => 'D0000000000000000000000000000001',
                 by => { authentication_code => 'demo-card' }, text => $text,
                 fields => { udf_string_1 => $text }, row => { udf_string_1 => $text } };
    },
    # This call changes the code that names its access token.
    'its code' => sub {
        my $code = fresh('code');
        return { id => 'D0000000000000000000000000000010', text => $code,
                 by => { authentication_code => $opens{code} },
                 fields => { authentication_code => $code }, row => { authentication_code => $code },
                 then => sub { $opens{code} = $code } };
    },
    # Like the documented example.
    'its identifier and pass code' => sub {
        my ($user, $pass) = (fresh('user'), fresh('pass'));
        return { id => 'D0000000000000000000000000000002', text => $user,
                 by => { identifier => $opens{user}, pass_code => $opens{pass} },
                 fields => { identifier => $user, pass_code => $pass },
                 row => { identifier => $user, pass_code => sub { crypt($pass, $_[0]) eq $_[0] } },
                 then => sub { @opens{qw(user pass)} = ($user, $pass) } };
    },
    'with a key' => sub {
        my ($text, $key) = (fresh('keyed'), fresh('key'));
        return { id => 'D0000000000000000000000000000031', text => $text, key => $key,
                 by => { authentication_code => 'demo-udf' },
                 fields => { udf_string_2 => $text }, row => { udf_string_2 => $text } };
    },
    # The generated pass code is only in the reply.
    'a generated pass code' => sub {
        return { id => 'D0000000000000000000000000000006',
                 by => { authentication_code => 'demo-auto-pass' }, fields => { pass_code => undef },
                 row => { pass_code => sub {
                     my $pass = $_[1]{pass_code} // return 0;
                     return crypt($pass, $_[0]) eq $_[0];
                 } } };
    },
    'a generated number' => sub {
        return { id => 'D0000000000000000000000000000004',
                 by => { authentication_code => $opens{number} },
                 fields => { authentication_code => undef },
                 row => { authentication_code => sub { $_[0] eq $_[1]{authentication_code} } },
                 then => sub { $opens{number} = $_[0]{authentication_code} } };
    },
    # Version 0 is a valid version.
    'the code of a row of version 0' => sub {
        my ($id, $code) = (fresh('Z'), fresh('zero'));
        $dbh->do(q(INSERT INTO access_tokens (id, number, version, authentication_code, created_date)
                   VALUES (?, ?, 0, ?, '2015-01-01')), undef, $id, $id, $code);
        return { id => $id, by => { authentication_code => $code }, text => "$code-new",
                 fields => { authentication_code => "$code-new" },
                 row => { authentication_code => "$code-new" } };
    },
    'a custom field' => sub {
        my $text = fresh('custom');
        return { id => 'D0000000000000000000000000000030', text => $text,
                 by => { authentication_code => 'demo-custom-fields' },
                 fields => { custom_field_set => { nickname => $text } },
                 row => { custom_field_set =>
                          sub { eval { $json->decode($_[0])->{nickname} } eq $text } } };
    },
);

# Another call, for the access token of CALL.
sub other {
    my ($field, $call) = @_;
    my $text = fresh('other');
    return { id => $call->{id}, by => $call->{by}, text => $text,
             fields => { $field => $text }, row => { $field => $text } };
}

sub body_of {
    my ($call) = @_;
    return { token => $session, access_token_identifier => $call->{by}, %{ $call->{fields} } };
}

sub headers_of {
    my ($call) = @_;
    return (defined $call->{key} ? ('Idempotency-Key' => $call->{key}) : ());
}

sub make {
    my ($call) = @_;
    return $server->post(body_of($call), { headers_of($call) });
}

# Makes a call in two halves, so that others can be made between them.
sub send_off {
    my ($call) = @_;
    my $socket = $server->socket;
    print {$socket} $server->request_text($json->encode(body_of($call)), headers_of($call));
    return $socket;
}

sub answer_on {
    my ($socket) = @_;
    return AccessTokenTest::parse_reply(AccessTokenTest::read_all($socket, 30));
}

# ---- the database

sub row_of {
    my ($id) = @_;
    my $row = $dbh->selectrow_hashref('SELECT * FROM access_tokens WHERE id = ?', undef, $id);
    # The history may have lines of later calls, too.
    $row->{changes} = join ' ', @{ $dbh->selectcol_arrayref(
        'SELECT version FROM access_token_changes WHERE token_id = ? ORDER BY version DESC LIMIT 30',
        undef, $id) };
    return $row;
}

sub keys_of {
    my ($call) = @_;
    return $dbh->selectall_arrayref(
        'SELECT version FROM access_token_requests WHERE idempotency_key = ? AND token_id = ?',
        undef, $call->{key}, $call->{id});
}

# The faults of ROW, which was BEFORE, after CALLs that were each made once and have a
# REPLY: texts, or none.
sub wrong_row {
    my ($before, $row, @calls) = @_;
    my @wrong;
    my %seen = map { $_ => 1 } qw(version changes request_ids request_key request_digest
        request_expires updated_date updated_by_user_id updated_by_unit_id);
    for my $call (@calls) {
        for my $field (sort keys %{ $call->{row} }) {
            my ($is, $want) = ($row->{$field} // 'NULL', $call->{row}{$field});
            $seen{$field} = 1;
            push @wrong, "$field is $is"
                if ref $want ? !$want->($is, $call->{reply}{json}{data} // {}) : $is ne $want;
        }
    }
    push @wrong, map { "$_ has changed" }
        grep { !$seen{$_} && ($before->{$_} // 'NULL') ne ($row->{$_} // 'NULL') } sort keys %$row;
    my $times = $row->{version} - $before->{version};
    push @wrong, "$times versions" if $times != @calls;
    # No id is there twice.
    my @ids = split ' ', $row->{request_ids};
    my %ids = map { $_ => 1 } @ids;
    push @wrong, 'the id of a call is there twice' if keys %ids != @ids;
    # There is one new id for each call.
    if (@calls < 9) {
        my @old = grep { defined } (@ids)[@calls .. 7];
        push @wrong, 'the ids of other calls have changed'
            if index("$before->{request_ids} ", join '', map { "$_ " } @old) != 0;
    }
    my @lines = split ' ', $row->{changes};
    my $lines = join ' ', reverse $before->{version} + 1 .. $row->{version};
    push @wrong, "the history has the lines @lines"
        if @lines < 30 && $row->{changes} ne join ' ', grep { length } $lines, $before->{changes};
    push @wrong, "the history misses a line or has one twice: @lines"
        if join(' ', @lines[0 .. $times - 1]) ne $lines;
    return @wrong;
}

# The faults of CALL's answer, which must be 200 with VERSION.
sub wrong_reply {
    my ($call, $version) = @_;
    my $reply = $call->{reply};
    return "$reply->{status} $reply->{content}" if ($reply->{status} // 0) != 200;
    my @wrong;
    my $etag = $reply->{headers}{etag} // 'none';
    push @wrong, "ETag $etag for version $version" if $etag ne qq("$call->{id}-$version");
    push @wrong, 'a replay' if $reply->{headers}{'idempotency-replayed'};
    push @wrong, map { "the reply's $_" }
        grep { ($reply->{json}{data}{$_} // 'NULL') ne $call->{row}{$_} }
        grep { !ref $call->{row}{$_} } sort keys %{ $call->{row} };
    return @wrong if !defined $call->{key};
    my $keys = keys_of($call);
    push @wrong, @$keys . ' rows of its key' if @$keys != 1;
    push @wrong, "its key at version $keys->[0][0]" if @$keys && $keys->[0][0] != $version;
    return @wrong;
}

# The faults of the answer to the same request with the same key.
sub wrong_replay {
    my ($call) = @_;
    my $before = row_of($call->{id});
    my $reply = make($call);
    my @wrong;
    push @wrong, "$reply->{status} $reply->{content}" if $reply->{status} != 200;
    push @wrong, 'no Idempotency-Replayed'
        if ($reply->{headers}{'idempotency-replayed'} // '') ne 'true';
    push @wrong, 'another ETag'
        if ($reply->{headers}{etag} // '') ne qq("$call->{id}-$before->{version}");
    push @wrong, 'it changes the row'
        if $json->encode(row_of($call->{id})) ne $json->encode($before);
    push @wrong, 'more than one row of its key' if @{ keys_of($call) } != 1;
    return map { "replay: $_" } @wrong;
}

# ---- cuts

my %total = (cuts => 0, calls => 0, wrong => 0, duplicates => 0);
my %outcome;

# NAME: runs CODE that number of times. Each run makes calls through at least one cut,
# returns the faults as texts, and may count its outcome.
sub often {
    my ($name, $code, $times) = @_;
    my (@wrong, %count);
    my $start = time;
    for my $round (1 .. $times // $rounds) {
        my @texts = $code->(\%count);
        push @wrong, "round $round: " . join ', ', @texts if @texts;
        $total{duplicates}++ if grep { /^(?:[2-9]|\d\d+) versions|twice|rows of its key/ } @texts;
    }
    $total{wrong} += @wrong;
    my $outcomes = join ', ', map { "$count{$_} $_" } sort keys %count;
    ok(!@wrong, "$name: $outcomes") or diag(join "\n", @wrong > 5 ? @wrong[0 .. 4] : @wrong);
    note(sprintf '%s took %.1f s', $name, time - $start);
    return;
}

# Makes one call of KIND through the cuts of PLAN.
sub cut_once {
    my ($count, $kind, @plan) = @_;
    my $call = $call{$kind}->();
    my $before = row_of($call->{id});
    $proxy->plan(@plan);
    $call->{reply} = make($call);
    my $report = $proxy->wait_for(sub { !$_[0]{late} });
    my $row = row_of($call->{id});
    my @wrong = (wrong_reply($call, $before->{version} + 1), wrong_row($before, $row, $call));
    push @wrong, "$report->{waiting} steps were not made" if $report->{waiting};
    push @wrong, "the saves have changed $report->{changed} rows" if $report->{changed} > 1;
    push @wrong, 'a late command is not answered' if $report->{late};
    $proxy->release if $report->{late};
    push @wrong, wrong_replay($call) if defined $call->{key};
    $call->{then}->($row) if $call->{then};
    $total{calls}++;
    $total{cuts} += @plan;
    my $saves = $report->{count}{save} // 0;
    $count->{($call->{reply}{status} // 'without answer')
             . " of $saves save" . ($saves == 1 ? '' : 's')}++;
    return @wrong;
}

# The packet of a save's reply has about fifty bytes, that of a save hundreds.
my @points_of_a_save = (
    ['before the save' => sub { { at => 'before' } }],
    ['in the save' => sub { { at => 'part', bytes => 1 + int rand 400 } }],
    ['after the save' => sub { { at => 'sent' } }],
    ['before its answer' => sub { { at => 'answered' } }],
    ['before its answer, which takes long' => sub { { at => 'answered', wait => 0.01 } }],
    ['in its answer' => sub { { at => 'reply', bytes => 1 + int rand 10 } }],
    ['after its answer' => sub { { at => 'replied' } }],
    ['late, before the check' => sub { { at => 'late', until => [before => 'load_by_id'] } }],
    ['late, during the check' => sub { { at => 'late', until => [after => 'load_by_id'] } }],
    ['late, before the next save' => sub { { at => 'late', until => [before => 'save'] } }],
    ['late, after the next save' => sub { { at => 'late', until => [after => 'save'] } }],
    ['late, at any time' => sub { { at => 'late', wait => 0.0005 + rand 0.02 } }],
);

for my $point (@points_of_a_save) {
    my ($name, $step) = @$point;
    for my $kind ('a field', 'its code', 'its identifier and pass code', 'with a key',
                  'a generated pass code', 'the code of a row of version 0') {
        often("cut $name, $kind", sub { cut_once($_[0], $kind, { on => 'save', %{ $step->() } }) });
    }
}

# ---- cuts at other points of a call: nothing is saved yet

# The answer to a load: a count, columns if they are not known yet, their end, a row, its
# end.
for my $point (
    ['a field', 'load', 'before the load', at => 'before'],
    ['a field', 'load', 'in the load', at => 'part'],
    ['a field', 'load', 'after the load', at => 'sent'],
    ['a field', 'load', 'before its answer', at => 'answered'],
    (map { (['a field', 'load', "before packet $_ of its answer", at => 'reply',
             packet => $_, bytes => 0],
            ['a field', 'load', "in packet $_ of its answer", at => 'reply', packet => $_]) } 1 .. 4),
    ['a field', 'load', 'in the last packet of its answer', at => 'reply', packet => -1],
    ['a field', 'load', 'after its answer', at => 'replied'],
    ['its identifier and pass code', 'load', 'before the answer to the load', at => 'answered'],
    ['with a key', 'find_request', 'before the query for its key', at => 'before'],
    ['with a key', 'find_request', 'before the answer to that', at => 'answered'],
    ['with a key', 'find_request', 'after it', at => 'replied'],
    ['a generated number', 'next_number', 'before the query for a number', at => 'before'],
    ['a generated number', 'next_number', 'before the answer with the number', at => 'answered'],
    ['a generated number', 'save', 'before the save', at => 'before'],
    ['a generated number', 'save', "before the save's answer", at => 'answered'],
    ['a custom field', 'custom_fields', 'before the query for the fields', at => 'before'],
    ['a custom field', 'custom_fields', 'before the answer with the fields', at => 'answered'],
    ['a custom field', 'save', "before the save's answer", at => 'answered'],
) {
    my ($kind, $on, $name, %step) = @$point;
    often("cut $name, $kind", sub {
        # No child has the fields of this revision in its cache.
        $dbh->do('UPDATE access_token_revisions SET revision = UUID()');
        return cut_once($_[0], $kind, { on => $on, %step });
    });
}

# A connection that was idle for a while is checked by a ping.
for my $at (qw(before answered)) {
    often("cut a ping, $at", sub {
        my ($count) = @_;
        my @wrong;
        for my $try (1 .. 20) {
            sleep 2 * $reuse / 1000;
            @wrong = cut_once($count, 'a field', { on => 'ping', at => $at });
            last if "@wrong" ne '1 steps were not made';
        }
        return @wrong;
    }, $fewer);
}

# ---- more than one cut in a call

for my $case (
    ['the save and the next one', [save => 'before'], [save => 'before']],
    ['the save and the next one, which is made', [save => 'before'], [save => 'answered']],
    ['the save, which is made, and the check', [save => 'answered'], [load_by_id => 'answered']],
    ['the save and the connect', [save => 'answered'], [connect => 'before']],
    ['the save and the greeting', [save => 'sent'], [connect => 'sent']],
    ['the save and a prepare', [save => 'answered'], [prepare => 'answered']],
    ['two saves and the check', [save => 'part'], [save => 'answered'], [load_by_id => 'before']],
    ['four saves', map { [save => $_] } qw(before part before answered)],
    ['a load and a save', [load => 'before'], [save => 'answered']],
) {
    my ($name, @steps) = @$case;
    # If all connections are cut, it has to open a new one.
    my $then = (grep { $_->[0] =~ /^(?:connect|prepare)$/ } @steps) ? 'cut_all' : 'cut';
    my $number = 0;
    often("cut $name", sub {
        my $kind = ('a field', 'its code', 'with a key')[$number++ % 3];
        return cut_once($_[0], $kind,
                        map { { on => $_->[0], at => $_->[1], then => $then } } @steps);
    }, $then eq 'cut' ? $rounds : $fewer);
}
often('cut a late save and the check after it', sub {
    return cut_once($_[0], 'a field',
        { on => 'save', at => 'late', until => [before => 'save'] },
        { on => 'load_by_id', at => 'answered' });
});

# ---- other calls on the same access token

for my $point (grep { $_->[0] !~ /takes long/ } @points_of_a_save) {
    my ($name, $step) = @$point;
    often("cut $name, two others at once", sub {
        my ($count) = @_;
        my $call = $call{'a field'}->();
        my @calls = ($call, map { other($_, $call) } qw(udf_string_5 udf_string_6));
        my $before = row_of($call->{id});
        # The save of this client, in any attempt.
        $proxy->plan({ on => 'save', with => $call->{text}, %{ $step->() } });
        my @sockets = map { send_off($_) } @calls;
        $calls[$_]{reply} = answer_on($sockets[$_]) for 0 .. 2;
        my $report = $proxy->wait_for(sub { !$_[0]{late} });
        my @wrong = wrong_row($before, row_of($call->{id}), @calls);
        # Each call has its own version.
        my @versions = map { ($_->{reply}{headers}{etag} // '') =~ /-(\d+)"$/ ? $1 : 0 } @calls;
        push @wrong, map { wrong_reply($calls[$_], $versions[$_]) } 0 .. 2;
        push @wrong, "versions @versions of $before->{version}"
            if join(' ', sort { $a <=> $b } @versions)
                ne join ' ', map { $before->{version} + $_ } 1 .. 3;
        push @wrong, 'no cut' if $report->{waiting};
        $total{calls} += 3;
        $total{cuts}++;
        $count->{ join ' ', map { $_->{reply}{status} // 'none' } @calls }++;
        return @wrong;
    });
}

# ---- other calls between the cut and the check: the row remembers eight calls

# After more calls the answer may be that the outcome is unknown; with a key it is known.
for my $kind ('a field', 'with a key') {
    for my $case (map { my $at = $_; map { [$at, $_] } 1, 7, 8, 12 } qw(before answered)) {
        my ($at, $others) = @$case;
        my $is_forgotten = $others > ($at eq 'before' ? 8 : 7);
        my $name = $at eq 'before' ? 'before it is made' : 'when it is made';
        often("cut a save $name, $others others before the check, $kind", sub {
            my ($count) = @_;
            my $call = $call{$kind}->();
            my $before = row_of($call->{id});
            $proxy->plan({ on => 'save', with => $call->{text}, at => $at },
                         { on => 'load_by_id', at => 'before', wait => 'release', then => 'go_on' });
            my $socket = send_off($call);
            my $waiting = $proxy->wait_for(sub { !$_[0]{waiting} })->{waiting};
            my @between = map { other('udf_string_5', $call) } 1 .. $others;
            $_->{reply} = make($_) for @between;
            $proxy->release;
            my $reply = $call->{reply} = answer_on($socket);
            my $row = row_of($call->{id});
            $total{calls} += 1 + $others;
            $total{cuts}++;
            my $status = $reply->{status} // 'none';
            my $is_replay = delete $reply->{headers}{'idempotency-replayed'};
            $count->{ $status . ($is_replay ? ' replayed' : '') }++;
            my @wrong = map { "another: $_->{reply}{status}" }
                grep { $_->{reply}{status} != 200 } @between;
            push @wrong, 'no cut' if $waiting;
            push @wrong, "$status $reply->{content}"
                if $status != 200 && !($status == 503 && $is_forgotten && !defined $call->{key});
            push @wrong, 'a replay'
                if $is_replay && !($at eq 'answered' && $is_forgotten && defined $call->{key});
            # The value of the last other call stays.
            $_->{row} = $between[-1]{row} for @between;
            push @wrong, wrong_row($before, $row, $at eq 'answered' || $status == 200 ? $call : (),
                                   @between);
            my $version = $before->{version} + 1 + ($at eq 'before' ? $others : 0);
            if ($is_replay) {
                push @wrong, "the replay's ETag"
                    if $reply->{headers}{etag} ne qq("$call->{id}-$row->{version}");
                $reply->{headers}{etag} = qq("$call->{id}-$version");
            }
            push @wrong, wrong_reply($call, $version) if $status == 200;
            push @wrong, wrong_replay($call) if $status == 200 && defined $call->{key};
            return @wrong;
        }, $fewer);
    }
}

# ---- the access token is deleted between the cut and the check

# Then only the key shows the change. Without a key the answer says that the outcome is
# unknown.
for my $has_key (0, 1) {
    for my $at (qw(before answered)) {
        my $name = ($at eq 'before' ? 'before it is made' : 'when it is made')
            . ', the row is deleted' . ($has_key ? ', with a key' : '');
        often("cut a save $name", sub {
            my ($count) = @_;
            my $call = $call{'the code of a row of version 0'}->();
            $call->{key} = fresh('key') if $has_key;
            $proxy->plan({ on => 'save', with => $call->{text}, at => $at },
                         { on => 'load_by_id', at => 'before', wait => 'release', then => 'go_on' });
            my $socket = send_off($call);
            my $waiting = $proxy->wait_for(sub { !$_[0]{waiting} })->{waiting};
            my $is_made = row_of($call->{id})->{version};
            $dbh->do('DELETE FROM access_tokens WHERE id = ?', undef, $call->{id});
            $proxy->release;
            my $reply = answer_on($socket);
            $total{calls}++;
            $total{cuts}++;
            my $is_open = $reply->{content} =~ /it could not be found out/ ? ', open' : '';
            my $is = "$reply->{status}$is_open";
            $count->{$is}++;
            my @wrong;
            push @wrong, 'no cut' if $waiting || $is_made != ($at eq 'answered');
            push @wrong, $is if $is ne (!$has_key ? '503, open' : $is_made ? 200 : 404);
            push @wrong, 'the ETag' if $is eq '200' && $reply->{headers}{etag} ne qq("$call->{id}-1");
            return @wrong;
        }, $fewer);
    }
}

# ---- a late save that would make an answer wrong

# When the module checks, the save is not made yet; then the call becomes impossible; and
# after its answer the late save arrives.
for my $case (
    ['another takes the code' => sub {
        my ($call) = @_;
        my $taken = { id => 'D0000000000000000000000000000001',
                      by => { authentication_code => 'demo-card' }, fields => $call->{fields} };
        my $status = make($taken)->{status};
        return ($status, sub {
            return make({ by => $call->{fields}, fields => { authentication_code => 'demo-card' } })
                ->{status};
        });
    }],
    ['the session ends' => sub {
        my $set = q(UPDATE access_token_sessions SET expires_at = ?
                    WHERE token_digest = SHA2('demo-session-clerk', 256));
        my ($until) = $dbh->selectrow_array(q(SELECT expires_at FROM access_token_sessions
            WHERE token_digest = SHA2('demo-session-clerk', 256)));
        $dbh->do($set, undef, '2001-01-01 00:00:00');
        return (200, sub { $dbh->do($set, undef, $until); 200 });
    }],
    ['the permission ends' => sub {
        my $set = q(UPDATE users SET may_update_access_tokens = ? WHERE id =
            (SELECT user_id FROM access_token_sessions
             WHERE token_digest = SHA2('demo-session-clerk', 256)));
        $dbh->do($set, undef, 0);
        return (200, sub { $dbh->do($set, undef, 1); 200 });
    }],
) {
    my ($name, $prevent) = @$case;
    often("cut a save that comes late, and $name", sub {
        my ($count) = @_;
        my $call = $call{'its code'}->();
        my $before = row_of($call->{id});
        $proxy->plan({ on => 'save', with => $call->{text}, at => 'late' },
                     { on => 'load_by_id', at => 'before', wait => 'release', then => 'go_on' });
        my $socket = send_off($call);
        my $report = $proxy->wait_for(sub { !$_[0]{waiting} });
        my ($status, $undo) = $prevent->($call);
        $proxy->release(1);
        $call->{reply} = answer_on($socket);
        my $undone = $undo->();
        $proxy->release(0);
        $report = $proxy->wait_for(sub { !$_[0]{late} });
        my $row = row_of($call->{id});
        $total{calls}++;
        $total{cuts}++;
        my $is = $call->{reply}{status} // 'none';
        $count->{"$is, the save is " . ($row->{version} > $before->{version} ? 'made' : 'not made')}++;
        my @wrong;
        push @wrong, 'the outcome is wrong' if $status != 200 || $undone != 200
            || $report->{waiting} || $report->{late};
        push @wrong, "$is $call->{reply}{content}" if $is != 503;
        push @wrong, wrong_row($before, $row, $row->{version} > $before->{version} ? $call : ());
        $opens{code} = $row->{authentication_code};
        return @wrong;
    }, $fewer);
}

# ---- the same request again, while the save of the first arrives late

for my $until ([before => 'find_request'], [after => 'find_request'],
               [before => 'load_by_authentication_code'], [after => 'load_by_authentication_code'],
               [before => 'save'], [after => 'save'], undef) {
    my $name = $until ? "$until->[0] the $until->[1] of the second" : 'after both';
    often("a request is sent twice with its key, and the save of the first comes $name", sub {
        my ($count) = @_;
        my $call = $call{'with a key'}->();
        my $before = row_of($call->{id});
        $proxy->plan({ on => 'save', at => 'late', $until ? (until => $until) : () },
                     { on => 'load_by_id', at => 'before', wait => 'release', then => 'go_on' });
        my $socket = send_off($call);
        my $waiting = $proxy->wait_for(sub { !$_[0]{waiting} })->{waiting};
        my @replies = make($call);
        $proxy->release(1);
        unshift @replies, answer_on($socket);
        $proxy->release(0) if !$until;
        my $report = $proxy->wait_for(sub { !$_[0]{late} });
        my @is = map { ($_->{status} // 'none')
                       . ($_->{headers}{'idempotency-replayed'} ? ' replayed' : '') } @replies;
        $count->{ join ' and ', @is }++;
        $total{calls} += 2;
        $total{cuts}++;
        my @wrong;
        push @wrong, 'the outcome is wrong' if $waiting || $report->{late};
        push @wrong, "@is" if join(', ', sort @is) ne '200, 200 replayed';
        ($call->{reply}) = grep { !$_->{headers}{'idempotency-replayed'} } @replies;
        $call->{reply} //= $replies[0];
        push @wrong, wrong_reply($call, $before->{version} + 1),
            wrong_row($before, row_of($call->{id}), $call), wrong_replay($call);
        return @wrong;
    }, $fewer);
}

# ---- connections stall, or cannot be opened

# The longest time of an answer: the budget and a second, and more on a busy machine.
my $longest = $budget + 1 + 2;

sub timed {
    my ($call) = @_;
    my $start = time;
    $call->{reply} = make($call);
    return ($call->{reply}{status}, time - $start);
}

# Makes one call during the fault of PREPARE. Returns the status, the seconds, and whether
# the change is made (after the stall, when all statements have ended).
sub disturbed {
    my ($prepare) = @_;
    my $call = $call{'a field'}->();
    my $before = row_of($call->{id});
    $prepare->();
    my ($status, $seconds) = timed($call);
    return ($call, $before, $status, $seconds);
}

# True while a command of the module runs in the database.
sub database_is_busy {
    return $dbh->selectrow_array(q(SELECT COUNT(*) FROM information_schema.processlist
        WHERE user = 'access_token' AND command NOT IN ('Sleep', 'Daemon')));
}

sub works {
    my ($name) = @_;
    my $call = $call{'a field'}->();
    my $before = row_of($call->{id});
    $call->{reply} = make($call);
    my @wrong = (wrong_reply($call, $before->{version} + 1),
                 wrong_row($before, row_of($call->{id}), $call));
    is("@wrong", '', "$name: then calls succeed");
    return;
}

# Shorter than the budget: the call takes longer, but nothing else happens.
for my $case (
    ['a stall before the save', 1, { on => 'save', at => 'before', wait => 1, all => 1, then => 'go_on' }],
    ['a stall before its answer', 1, { on => 'save', at => 'answered', wait => 1, all => 1, then => 'go_on' }],
    ['a stall before the save that ends all connections', 1,
     { on => 'save', at => 'before', wait => 1, all => 1, then => 'cut_all' }],
    ['a stall before its answer that ends all connections', 1,
     { on => 'save', at => 'answered', wait => 1, all => 1, then => 'cut_all' }],
    ['a stall of one connection', 1, { on => 'save', at => 'sent', wait => 1, then => 'cut' }],
    ['a cut, and no new connections for a while', 1, { on => 'save', at => 'answered', refuse => 1, then => 'cut_all' }],
    ['a stall after the load', 1, { on => 'load', at => 'replied', wait => 1, all => 1, then => 'cut_all' }],
) {
    my ($name, $least, $step) = @$case;
    my ($call, $before, $status, $seconds) = disturbed(sub { $proxy->plan($step) });
    my @wrong = (wrong_reply($call, $before->{version} + 1),
                 wrong_row($before, row_of($call->{id}), $call));
    is("@wrong", '', sprintf '%s: 200 after %.1f s', $name, $seconds);
    cmp_ok($seconds, '>', $least - 0.1, "$name: the call has waited") if $name !~ /^a stall after/;
    cmp_ok($seconds, '<', $longest, "$name: but not too long");
    works($name);
}

# Longer than the budget: 503 in time, for more calls than there are connections.
for my $case (
    ['a long stall before the save',
     { on => 'save', at => 'before', wait => $budget + 4, all => 1, then => 'go_on' }],
    ['a long stall before its answer that ends all connections',
     { on => 'save', at => 'answered', wait => $budget + 4, all => 1, then => 'cut_all' }],
    ['a cut, and no new connections for long',
     { on => 'save', at => 'answered', refuse => $budget + 4, then => 'cut_all' }],
) {
    my ($name, $step) = @$case;
    my $before = row_of('D0000000000000000000000000000001');
    my $start = time;
    $proxy->plan($step);
    my @replies = $server->in_parallel(9, sub {
        my ($number) = @_;
        my $call = $call{'a field'}->();
        $call = other('udf_string_8', $call) if $number;
        my ($status, $seconds) = timed($call);
        return { status => $status, seconds => $seconds, etag => $call->{reply}{headers}{etag},
                 again => $call->{reply}{headers}{'retry-after'} };
    });
    my $made = grep { ($_->{status} // 0) == 200 } @replies;
    my @late = sort { $b <=> $a } map { $_->{seconds} // 999 } @replies;
    my @statuses = sort map { $_->{status} // $_->{died} } @replies;
    my $status = join ' ', @statuses;
    # Some calls ended before the first save.
    like($status, qr/^(?:200 )*503(?: 503)*$/, "$name: @statuses");
    cmp_ok($late[0], '<', $longest, sprintf '%s: after %.1f s at the most', $name, $late[0]);
    is(scalar(grep { $_->{status} == 503 && !$_->{again} } @replies), 0, "$name: with Retry-After");
    # The first call after it works. Delayed saves may arrive at the database as late as
    # that call.
    my $left = $start + $budget + 4.5 - time;
    sleep $left if $left > 0;
    is($proxy->report->{waiting}, 0, "$name: the fault happened");
    is(make($call{'a custom field'}->())->{status}, 200, "$name: then the first call succeeds");
    ok($server->wait_for(sub { !database_is_busy() }), "$name: and all saves end");
    my $row = row_of('D0000000000000000000000000000001');
    my $times = $row->{version} - $before->{version};
    my @lines = grep { $_ > $before->{version} } split ' ', $row->{changes};
    # Calls that got 503 have changed it once or not at all.
    ok($times >= $made && $times <= 9, "$name: $times changes, of which $made were acknowledged");
    is(scalar @lines, $times, "$name: each has its line in the history");
    my %etag = map { $_->{etag} => 1 } grep { $_->{status} == 200 } @replies;
    is(scalar keys %etag, $made, "$name: and its version");
}

# One connection stalls: its call does not get an answer before the end. Other calls are
# not affected.
{
    my $name = 'a long stall of one connection';
    my ($call, $other) = ($call{'a field'}->(), $call{'a custom field'});
    $proxy->plan({ on => 'save', with => $call->{text}, at => 'sent', wait => $budget + 4 });
    my $before = row_of($call->{id});
    my $start = time;
    my $socket = send_off($call);
    ok(!$proxy->wait_for(sub { !$_[0]{waiting} })->{waiting}, "$name: it stalls");
    for (1 .. 20) {
        my $while = $other->();
        my ($status, $seconds) = timed($while);
        is($status, 200, "$name: another call") if $status != 200 || $_ == 20;
        cmp_ok($seconds, '<', 4, "$name: at once") if $seconds >= 4 || $_ == 20;
    }
    $call->{reply} = answer_on($socket);
    my $seconds = time - $start;
    cmp_ok($seconds, '<', $longest, sprintf '%s: an answer after %.1f s', $name, $seconds);
    my $status = $call->{reply}{status} // 'none';
    like($status, qr/^(?:200|503)$/, "$name: $status");
    my $row = row_of($call->{id});
    my @wrong = wrong_row($before, $row, $call);
    is("@wrong", '', "$name: and the change is made once");
    works($name);
}

# Children that are stopped while their threads wait for the database.
{
    my $name = 'a graceful restart while all connections stall';
    for my $round (1, 2) {
        my $start = time;
        $proxy->plan({ on => 'save', at => 'before', wait => $budget + 5, all => 1, then => 'cut_all' });
        my @replies = $server->in_parallel(9, sub {
            my ($status, $seconds) = timed($call{'a field'}->());
            return { status => $status, seconds => $seconds };
        });
        is(join(' ', map { $_->{status} // $_->{died} } @replies), join(' ', (503) x 9),
           "$name: 503");
        $server->graceful;
        my $left = $start + $budget + 5.5 - time;
        sleep $left if $left > 0;
        works($name);
    }
    my @crashes = grep { /exit signal|Assertion/ } split /\n/, $server->output . $server->error_log;
    is(join("\n", @crashes), '', "$name: no child crashes");
}

# ---- the check at start

# A cut during the check at start is not an error of the schema or of the statements.
for my $case (
    ['each prepare', map { { on => 'prepare', at => 'answered' } } 1 .. 999],
    ['the query of the schema', { on => 'startup', at => 'sent' }],
    ['the answer with the schema', { on => 'startup', at => 'reply' }],
) {
    my ($name, @steps) = @$case;
    my $lines = sub {
        my %count = map { $_ => 0 } qw(AT023 AT024 AT025 AT028 AT032);
        $count{$_}++ for $server->error_log =~ /\b(AT02[3458]|AT032): /g;
        return \%count;
    };
    my $before = $lines->();
    $proxy->plan(@steps);
    $server->graceful;
    ok($server->wait_for(sub { $lines->()->{AT032} > $before->{AT032} }),
       "cut $name at a start: the log reports that the check was interrupted");
    $before->{AT032}++;
    is_deeply($lines->(), $before, 'once, and no error of a statement or of the schema');
    $proxy->plan;
    works("cut $name at a start");
}

diag(sprintf '%d calls, %d cuts: %d wrong answers, %d duplicates',
     @total{qw(calls cuts wrong duplicates)});
ok(!-s $server->path('mariadb/proxy.log'), 'the proxy has no errors')
    or diag($server->read_file('mariadb/proxy.log'));
$server->finish;
done_testing;
