package AccessTokenTest::Checker;

# Judges what AccessTokenTest::Workload has remembered: whether the answers of
# many calls at the same time told the truth.
#
#     my @wrong = AccessTokenTest::Checker::violations($record);
#     AccessTokenTest::Checker::passes($record, 'the answers are true');
#
# A function of the record alone; it gives a sentence for each violation. The
# record: calls (as AccessTokenTest::Workload describes them), initial and final
# (the access tokens by id, before and after), changes (the rows of
# access_token_changes), keys (the rows of access_token_requests), pass_codes
# (those before, by access token); and
#   stale_reads  true: a call may read what is no longer so (another node's
#                copy), and refuse what it should not have
#
# What is judged, each by a function of its own below: the versions of each
# access token are without a gap and each is there once; each was made by one
# call that may have made it, and changes just what that call sent; every 200
# has its version; replaying them gives the final row, field by field; what one
# client alone sent is as that client left it; a key is applied at most once,
# ever, and after that replayed; a call that was refused changed nothing, and
# was refused with reason; versions go with the time of the calls; the reply
# shows the access token as it was at its version.

use strict;
use warnings;

use Carp qw(croak);
use File::Temp ();
use JSON::PP ();
use Storable ();
use Test::More ();

use AccessTokenTest::Workload;

my $json = JSON::PP->new->utf8(0)->canonical->allow_nonref;

# Columns that a call sets, whatever it sends; and those that hold what calls
# may send.
my %of_each_call = map { $_ => 1 } qw(version updated_date updated_by_user_id updated_by_unit_id
    request_ids request_key request_digest request_expires);
my %secret = map { $_ => 1 } qw(authentication_code pass_code);
my @visible = ('identifier', 'card_masked_number', map({ "udf_string_$_" } 1 .. 8),
               map { ("udf_float_$_", "udf_date_$_") } 1 .. 4);

sub violations {
    my ($record) = @_;
    my $self = bless { %$record, wrong => [] }, __PACKAGE__;
    $self->leave_out_lost_rows;
    $self->gather_requests;
    $self->gather_versions;
    $self->judge_versions;
    $self->judge_applied;
    $self->judge_own_fields;
    $self->judge_keys;
    $self->judge_time;
    $self->judge_answers;
    return @{ $self->{wrong} };
}

# Tests that RECORD has no violations. AT_KEEP=1 keeps the record.
sub passes {
    my ($record, $name) = @_;
    my @wrong = violations($record);
    my $count = @wrong;
    Test::More::is($count, 0, $name) and return 1;
    splice @wrong, 20, @wrong, '…' if @wrong > 20;
    Test::More::diag(join "\n", @wrong);
    if ($ENV{AT_KEEP}) {
        my ($file, $path) = File::Temp::tempfile('at-record-XXXXXXXX', TMPDIR => 1);
        Storable::store_fd($record, $file);
        Test::More::diag("the record, for Storable: $path");
    }
    return 0;
}

sub wrong {
    my ($self, $format, @values) = @_;
    push @{ $self->{wrong} }, sprintf $format, @values;
    return;
}

# ---- what there is

sub outcome { AccessTokenTest::Workload::outcome($_[0]) }
sub answer { AccessTokenTest::Workload::answer($_[0]) }

# A call in words.
sub of_call {
    my ($call) = @_;
    return sprintf 'call at %.6f to %.6f of %s: %s%s', $call->{start}, $call->{end},
        of_request($call->{request}), answer($call),
        defined $call->{version} ? " version $call->{version}" : '';
}

sub of_request {
    my ($request) = @_;
    return "request $request->{number} for $request->{token}"
        . (defined $request->{key} ? " with key $request->{key}" : '');
}

# The version LINE, which may be undef, and all calls that may have made it, in words.
sub of_version {
    my ($self, $line) = @_;
    my $request = $line ? $line->{request} : undef;
    return 'no request has made it' if !$request;
    return "version $line->{version} is that of: "
        . join ', ', map { of_call($_) } @{ $self->{calls_of}{ $request->{number} } };
}

# A row that is gone is one violation, not one for each call.
sub leave_out_lost_rows {
    my ($self) = @_;
    my %gone = map { $_ => 1 } grep { !$self->{final}{$_} } keys %{ $self->{initial} };
    return if !%gone;
    $self->wrong('%s is no longer there', $_) for sort keys %gone;
    $self->{initial} = { map { $_ => $self->{initial}{$_} } grep { !$gone{$_} } keys %{ $self->{initial} } };
    $self->{calls} = [grep { !$gone{ $_->{request}{token} } } @{ $self->{calls} }];
    $self->{$_} = [grep { !$gone{ $_->{token_id} } } @{ $self->{$_} // [] }] for qw(changes keys);
    return;
}

# The requests, each with its calls in the order of their start.
sub gather_requests {
    my ($self) = @_;
    my (%request, %calls);
    for my $call (sort { $a->{start} <=> $b->{start} } @{ $self->{calls} }) {
        my $number = $call->{request}{number};
        $request{$number} //= $call->{request};
        push @{ $calls{$number} }, $call;
        $call->{outcome} = outcome($call);
    }
    $self->{requests} = \%request;
    $self->{calls_of} = \%calls;
    # Who sent a value: each is sent by one request.
    my %writer;
    for my $request (values %request) {
        for my $field (grep { !$secret{$_} } keys %{ $request->{fields} }) {
            my $value = normal($field, $request->{fields}{$field}) // next;
            my $known = \$writer{ $request->{token} }{$field}{$value};
            croak "requests $$known->{number} and $request->{number} send the same $field"
                if $$known;
            $$known = $request;
        }
    }
    $self->{writer} = \%writer;
    return;
}

# A value as it is compared: the engines show them in different ways.
sub normal {
    my ($field, $value) = @_;
    return undef if !defined $value;
    return sprintf '%.15g', $value if $field =~ /^udf_float/;
    if ($field =~ /date/) {
        $value =~ s/ /T/;
        $value =~ s/\.0+\z//;
    }
    return "$value";
}

# The visible fields of a row, or of a change's values; custom fields each by
# itself, where there is a custom_field_set.
sub fields_of {
    my ($row) = @_;
    my %fields = map { $_ => normal($_, $row->{$_}) } grep { exists $row->{$_} } @visible;
    if (exists $row->{custom_field_set}) {
        my $set = $row->{custom_field_set} // {};
        $set = $json->decode($set) if !ref $set;
        $fields{"custom_field_set.$_"} = normal($_, $set->{$_}) for keys %$set;
    }
    return \%fields;
}

sub same {
    my ($one, $other) = @_;
    return defined $one ? defined $other && $one eq $other : !defined $other;
}

sub shown { defined $_[0] ? "'$_[0]'" : 'NULL' }

# Each access token's changes by version, and the call that each 200 says has
# made it.
sub gather_versions {
    my ($self) = @_;
    my %tokens = map { $_ => { id => $_, first => $self->{initial}{$_}{version} + 1,
                               last => $self->{final}{$_}{version}, lines => {} } }
        keys %{ $self->{initial} };
    $self->{tokens} = \%tokens;
    for my $line (@{ $self->{changes} }) {
        my $token = $tokens{ $line->{token_id} };
        if (!$token) {
            $self->wrong('the history has version %s of %s, which is not there',
                         @$line{qw(version token_id)});
            next;
        }
        if ($token->{lines}{ $line->{version} }) {
            $self->wrong('%s: version %s is in the history twice', @$line{qw(token_id version)});
            next;
        }
        $token->{lines}{ $line->{version} } = { %$line };
    }
    my %request_id;
    for my $token (@tokens{ sort keys %tokens }) {
        for my $version (sort { $a <=> $b } keys %{ $token->{lines} }) {
            $self->wrong('%s: version %s is in the history, but the row went from %s to %s only',
                         $token->{id}, $version, $token->{first} - 1, $token->{last})
                if $version < $token->{first} || $version > $token->{last};
            my $id = $token->{lines}{$version}{request_id} // next;
            $self->wrong('%s: version %s has the request id of version %s of %s: %s', $token->{id},
                         $version, @{ $request_id{$id} }, $id) if $request_id{$id};
            $request_id{$id} = [$version, $token->{id}];
        }
    }
    return;
}

# ---- the versions of each access token

# Replays them over the initial row: each goes with one request and is what that
# request sent; the end is the final row.
sub judge_versions {
    my ($self) = @_;
    my %shown;
    push @{ $shown{ $_->{request}{token} }{ $_->{version} } }, $_
        for grep { defined $_->{data} && defined $_->{version} } @{ $self->{calls} };
    for my $id (sort keys %{ $self->{tokens} }) {
        my $token = $self->{tokens}{$id};
        my $initial = $self->{initial}{$id};
        my $state = fields_of($initial);
        $state->{authentication_code} = $initial->{authentication_code};
        $state->{pass_code} = $self->{pass_codes}{$id};
        # By version: what a call was found by.
        $token->{secrets} = { $token->{first} - 1 => { %$state{ keys %secret } } };
        for my $version ($token->{first} .. $token->{last}) {
            my $line = $token->{lines}{$version};
            if ($line) {
                $self->replay($token, $line, $state);
            }
            else {
                $self->wrong('%s: version %s is not in the history', $id, $version);
            }
            $token->{secrets}{$version} = { %$state{ keys %secret } };
            $self->judge_data($_, $state) for @{ $shown{$id}{$version} // [] };
        }
        $self->judge_final($token, $state);
    }
    return;
}

# Takes the change LINE into STATE.
sub replay {
    my ($self, $token, $line, $state) = @_;
    my $where = "$token->{id} version $line->{version}";
    my ($names, $old, $new) = map { ref $line->{$_} ? $line->{$_} : $json->decode($line->{$_} // 'null') }
        qw(fields old_values new_values);
    my ($before, $after) = map { fields_of($_) } $old, $new;
    # A custom field that is gone is not in the set.
    if (exists $new->{custom_field_set}) {
        $after->{$_} //= undef for grep { /^custom/ } keys %$state;
        $before->{$_} //= undef for grep { /^custom/ } keys %$state, keys %$after;
    }
    for my $field (sort keys %$before) {
        $self->wrong('%s: the history says that %s was %s before; it was %s', $where, $field,
                     shown($before->{$field}), shown($state->{$field}))
            if !same($before->{$field}, $state->{$field});
    }
    my %changed = map { $_ => 1 } grep { !same($after->{$_}, $state->{$_}) } keys %$after;

    # Whose it is: its values tell, and the 200 with this version.
    my %by_value = map { $_->{number} => $_ } grep { $_ }
        map { $self->{writer}{ $token->{id} }{$_}{ $after->{$_} // '' } } keys %changed;
    my @numbers = sort { $a <=> $b } keys %by_value;
    if (@numbers != 1) {
        $self->wrong('%s: no request has sent %s', $where, values_text($after)) if !@numbers;
        $self->wrong('%s: values of several requests: %s', $where, join ', ', @numbers) if @numbers;
    }
    my $request = @numbers ? $by_value{ $numbers[0] } : undef;
    if ($request) {
        push @{ $self->{made}{ $request->{number} } }, $line;
        $line->{request} = $request;
    }
    if ($request && @numbers == 1) {
        my $sent = $request->{fields};
        for my $field (sort keys %{ { %$sent, %changed } }) {
            next if $secret{$field};
            my $value = exists $sent->{$field} ? normal($field, $sent->{$field}) : undef;
            if (!exists $sent->{$field}) {
                $self->wrong('%s: %s became %s, which %s did not send', $where, $field,
                             shown($after->{$field}), of_request($request));
            }
            elsif (!same($value, exists $after->{$field} ? $after->{$field} : $state->{$field})) {
                $self->wrong('%s: %s is %s; %s sent %s', $where, $field,
                             shown(exists $after->{$field} ? $after->{$field} : $state->{$field}),
                             of_request($request), shown($value));
            }
        }
        my %name = map { s/\..*//r => 1 } keys %changed;
        for my $field (grep { exists $sent->{$_} } keys %secret) {
            # A hash has new salt, even where the pass code is the same.
            $name{$field} = 1 if $field eq 'pass_code' || $sent->{$field} ne $state->{$field};
            $state->{$field} = $sent->{$field};
        }
        my $expected = join ' ', sort keys %name;
        my $named = join ' ', sort @{ $names // [] };
        $self->wrong('%s: the history names the fields "%s"; %s changed "%s"', $where, $named,
                     of_request($request), $expected) if $named ne $expected;
        $self->wrong('%s: the history says that user %s did it; it was %s of %s', $where,
                     shown($line->{user_id}), $request->{user}, of_request($request))
            if !same($line->{user_id}, $request->{user});
    }
    @$state{ keys %$after } = values %$after;
    return;
}

sub values_text {
    my ($values) = @_;
    return join(', ', map { "$_ " . shown($values->{$_}) } sort keys %$values) || 'nothing';
}

# The final row is as the versions left it; what no call can change is as it was.
sub judge_final {
    my ($self, $token, $state) = @_;
    my ($initial, $final) = map { $self->{$_}{ $token->{id} } } qw(initial final);
    my $fields = fields_of($final);
    $fields->{authentication_code} = $final->{authentication_code};
    my %names = map { $_ => 1 } grep { $_ ne 'pass_code' } keys %$fields, keys %$state;
    for my $field (sort keys %names) {
        $self->wrong('%s: %s is %s at the end; by its history, it is %s', $token->{id}, $field,
                     shown($fields->{$field}), shown($state->{$field}))
            if !same($fields->{$field}, $state->{$field});
    }
    $self->wrong('%s: the pass code at the end is not %s, as by its history', $token->{id},
                 shown($state->{pass_code}))
        if defined $state->{pass_code}
            && !same(crypt($state->{pass_code}, $final->{pass_code} // ''), $final->{pass_code});
    for my $column (sort keys %$initial) {
        next if $of_each_call{$column} || exists $names{$column}
            || $column =~ /^(?:pass_code|custom_field_set)$/;
        $self->wrong('%s: %s was %s and is %s; nobody changed it', $token->{id}, $column,
                     shown($initial->{$column}), shown($final->{$column}))
            if !same($initial->{$column}, $final->{$column});
    }
    my @newest = grep { $_ } @{ $token->{lines} }{ reverse $token->{first} .. $token->{last} };
    return if !@newest;
    $self->wrong('%s: the last update was by %s; the row says %s', $token->{id},
                 $newest[0]{request}{user}, shown($final->{updated_by_user_id}))
        if $newest[0]{request} && !same($final->{updated_by_user_id}, $newest[0]{request}{user});
    my @ids = split / /, $final->{request_ids} // '';
    my @should = grep { defined } map { $_->{request_id} } @newest[0 .. ($#newest < 7 ? $#newest : 7)];
    $self->wrong('%s: request_ids are %s; the last versions had %s', $token->{id}, "@ids", "@should")
        if @should && "@ids[0 .. ($#ids < $#should ? $#ids : $#should)]" ne "@should";
    return;
}

# A reply shows the access token at the version that its ETag names.
sub judge_data {
    my ($self, $call, $state) = @_;
    my $reply = eval { $json->decode($call->{data}) };
    my $data = ref $reply ? $reply->{data} : undef;
    if (ref $data ne 'HASH') {
        $self->wrong('the reply is no JSON with data: %s', of_call($call));
        return;
    }
    my $fields = fields_of($data);
    $fields->{authentication_code} = $data->{authentication_code};
    my @wrong = grep { $_ ne 'pass_code' && !same($fields->{$_}, $state->{$_}) }
        sort keys %{ { %$fields, %$state } };
    $self->wrong('the reply shows %s, but at that version it was %s: %s',
                 values_text({ map { $_ => $fields->{$_} } @wrong }),
                 values_text({ map { $_ => $state->{$_} } @wrong }), of_call($call)) if @wrong;
    return;
}

# ---- requests and versions

# Each request has made one version, or none, as its calls say.
sub judge_applied {
    my ($self) = @_;
    for my $number (sort { $a <=> $b } keys %{ $self->{requests} }) {
        my $request = $self->{requests}{$number};
        my @calls = @{ $self->{calls_of}{$number} };
        my @made = @{ $self->{made}{$number} // [] };
        my @applied = grep { $_->{outcome} eq 'applied' } @calls;
        my @replayed = grep { $_->{outcome} eq 'replayed' } @calls;
        my @unknown = grep { $_->{outcome} eq 'unknown' } @calls;
        $self->wrong('%s was applied %d times: versions %s', of_request($request), scalar @made,
                     join ', ', map { $_->{version} } @made) if @made > 1;
        $self->wrong('two calls say that they applied it: %s', of_call($_))
            for @applied[1 .. $#applied];
        for my $call (@applied, @replayed) {
            $self->wrong('200 without an ETag of %s (%s): %s', $request->{token},
                         $call->{etag} // 'none', of_call($call)) if !defined $call->{version};
        }
        for my $call (grep { defined $_->{version} } @applied) {
            my $line = $self->{tokens}{ $request->{token} }{lines}{ $call->{version} };
            if (!$line) {
                $self->wrong('lost: its version is not in the history: %s', of_call($call));
            }
            elsif (!$line->{request} || $line->{request} != $request) {
                $self->wrong('its version was made by %s: %s', $line->{request}
                             ? of_request($line->{request}) : 'nobody', of_call($call));
            }
        }
        for my $call (@replayed) {
            $self->wrong('a replay of what has made no version: %s', of_call($call)) if !@made;
            $self->wrong('a replay shows a version before that of its request, %s: %s',
                         $made[0]{version}, of_call($call))
                if @made && defined $call->{version} && $call->{version} < $made[0]{version};
            $self->wrong('a replay of a request without a key: %s', of_call($call))
                if !defined $request->{key};
        }
        $self->wrong('%s made version %s, but every call of it was refused: %s',
                     of_request($request), $made[0]{version}, of_call($calls[-1]))
            if @made && !@applied && !@unknown && !@replayed;
        # Replays alone: somebody must have been the first.
        $self->wrong('replays only, and no call that can have applied it: %s', of_call($calls[0]))
            if @replayed && !@applied && !@unknown;
        next if !@made;
        # It was applied after the start of the first call that may have done it, and
        # before the end of the first call that knows of it.
        my $line = $made[0];
        my @may = @applied ? @applied : @unknown;
        $line->{start} = min(map { $_->{start} } @may) // 0;
        $line->{end} = min(map { $_->{end} } @applied, @replayed);
        $line->{call} = $applied[0];
    }
    return;
}

sub min {
    my $min;
    for (@_) {
        $min = $_ if !defined $min || $_ < $min;
    }
    return $min;
}

# What one client alone has sent is as that client's last call left it. Asks no
# history.
sub judge_own_fields {
    my ($self) = @_;
    my %sent;
    for my $request (values %{ $self->{requests} }) {
        for my $field (grep { !$secret{$_} } keys %{ $request->{fields} }) {
            push @{ $sent{"$request->{token} $field"}{ $request->{client} } }, $request;
        }
    }
    for my $name (sort keys %sent) {
        my ($only, @others) = values %{ $sent{$name} };
        next if @others;
        my ($id, $field) = split / /, $name;
        my $may = [fields_of($self->{initial}{$id})->{$field}];
        my @doubtful;
        for my $request (sort { $a->{number} <=> $b->{number} } @$only) {
            my %came = map { $_->{outcome} => 1 } @{ $self->{calls_of}{ $request->{number} } };
            my $value = normal($field, $request->{fields}{$field});
            if ($came{applied} || $came{replayed}) {
                $may = [$value];
            }
            elsif ($came{unknown}) {
                # Whenever it is applied, if it is.
                push @doubtful, $value;
            }
        }
        my $is = fields_of($self->{final}{$id})->{$field};
        $self->wrong('%s: lost: %s is %s at the end; the only client that changes it left it as %s',
                     $id, $field, shown($is), join ' or ', map { shown($_) } @$may, @doubtful)
            if !grep { same($is, $_) } @$may, @doubtful;
    }
    return;
}

# ---- keys

# After a 200, the same request with the same key is answered by a replay, and
# another request with it never; a key is kept with what it has made, and only
# then.
sub judge_keys {
    my ($self) = @_;
    for my $number (sort { $a <=> $b } keys %{ $self->{requests} }) {
        my $request = $self->{requests}{$number};
        next if !defined $request->{key};
        my @calls = @{ $self->{calls_of}{$number} };
        my $known = min(map { $_->{end} } grep { $_->{outcome} =~ /^(?:applied|replayed)$/ } @calls)
            // next;
        for my $call (grep { $_->{start} > $known } @calls) {
            $self->wrong('this should have been a replay, since an earlier call was answered by 200: %s',
                         of_call($call))
                if $call->{outcome} eq 'applied' || $call->{outcome} eq 'none' && !$call->{failed};
        }
    }
    my %made;
    for my $number (keys %{ $self->{made} }) {
        my $request = $self->{requests}{$number};
        $made{"$request->{user} $request->{key}"} = $self->{made}{$number}[0]
            if defined $request->{key};
    }
    for my $row (@{ $self->{keys} }) {
        my $line = delete $made{"$row->{user_id} $row->{idempotency_key}"};
        my $what = "key $row->{idempotency_key} of $row->{user_id} is kept";
        $self->wrong('%s, with version %s of %s, but no request with it was applied', $what,
                     @$row{qw(version token_id)}) if !$line;
        $self->wrong('%s with version %s of %s; it has made version %s of %s', $what,
                     @$row{qw(version token_id)}, @$line{qw(version token_id)})
            if $line && "$row->{version} $row->{token_id}" ne "$line->{version} $line->{token_id}";
    }
    $self->wrong('the key of %s is not kept, although it made version %s',
                 of_request($_->{request}), $_->{version})
        for map { $made{$_} } sort keys %made;
    return;
}

# ---- time

# A call that starts after another one for the same access token has ended
# makes, or sees, a later version.
sub judge_time {
    my ($self) = @_;
    my %reads;
    for my $call (@{ $self->{calls} }) {
        push @{ $reads{ $call->{request}{token} } }, $call
            if $call->{outcome} eq 'replayed' && defined $call->{version};
    }
    for my $id (sort keys %{ $self->{tokens} }) {
        my $token = $self->{tokens}{$id};
        my @lines = grep { defined $_->{start} } map { $token->{lines}{$_} }
            sort { $a <=> $b } keys %{ $token->{lines} };
        # A version was there before the end of a call that has seen it.
        for my $call (@{ $reads{$id} // [] }) {
            my $line = $token->{lines}{ $call->{version} } // next;
            $line->{end} = min(grep { defined } $line->{end}, $call->{end});
        }
        # From the last one: none that is later has ended before this one began.
        my $soonest;
        for my $line (reverse @lines) {
            $self->wrong('%s: version %s was there at %.6f, before the call of version %s began, at %.6f: %s',
                         $id, $soonest->{version}, $soonest->{end}, $line->{version}, $line->{start},
                         $self->of_version($line))
                if $soonest && $soonest->{end} < $line->{start};
            $soonest = $line if defined $line->{end} && (!$soonest || $line->{end} < $soonest->{end});
        }
        $token->{ended} = steps([map { [$_->{end}, $_->{version}] } grep { defined $_->{end} } @lines]);
        # By falling start, negated: the first of what began later.
        $token->{began} = steps([map { [-$_->{start}, -$_->{version}] } @lines]);
        for my $call (@{ $reads{$id} // [] }) {
            my ($low, $high) = $self->current($token, $call);
            $self->wrong('a replay shows a version when it was %s to %s: %s; %s', $low, $high,
                         of_call($call), $self->of_version($token->{lines}{ $call->{version} }))
                if $call->{version} > $high || $call->{version} < $low && !$self->{stale_reads};
        }
    }
    return;
}

# Pairs of a time and a number, sorted by time, each number being the greatest
# so far.
sub steps {
    my ($pairs) = @_;
    my @sorted = sort { $a->[0] <=> $b->[0] } @$pairs;
    my $greatest;
    for my $pair (@sorted) {
        $greatest = $pair->[1] if !defined $greatest || $pair->[1] > $greatest;
        $pair->[1] = $greatest;
    }
    return \@sorted;
}

# The number of the last step before TIME.
sub step_before {
    my ($steps, $time) = @_;
    my ($low, $high) = (0, scalar @$steps);
    while ($low < $high) {
        my $middle = int(($low + $high) / 2);
        if ($steps->[$middle][0] < $time) {
            $low = $middle + 1;
        }
        else {
            $high = $middle;
        }
    }
    return $low ? $steps->[$low - 1][1] : undef;
}

# The versions that the access token may have had while CALL was under way: from
# the last one that was there before to the last one that may have been made
# before its end.
sub current {
    my ($self, $token, $call) = @_;
    my $low = step_before($token->{ended}, $call->{start}) // $token->{first} - 1;
    my $after = step_before($token->{began}, -$call->{end});
    return ($low, defined $after ? -$after - 1 : $token->{last});
}

# ---- answers

# What a call was refused with is true of some moment while it was under way,
# and what it was accepted with as well.
sub judge_answers {
    my ($self) = @_;
    for my $call (sort { $a->{start} <=> $b->{start} } @{ $self->{calls} }) {
        next if $call->{failed} || $call->{outcome} eq 'unknown';
        my $request = $call->{request};
        my $token = $self->{tokens}{ $request->{token} } // next;
        my ($low, $high) = $self->current($token, $call);
        my $made = $self->{made}{ $request->{number} };
        if ($call->{outcome} eq 'applied') {
            $self->wrong('200 to what must be refused by %s: %s', $request->{expect}, of_call($call))
                if defined $request->{expect};
            my $version = $call->{version} // next;
            $self->wrong('200, although If-Match was version %s: %s', $request->{if_match},
                         of_call($call))
                if defined $request->{if_match} && $version != $request->{if_match} + 1;
            # Found by what it was found by, at a version before its own.
            $low = $token->{first} - 1 if $self->{stale_reads};
            $self->wrong('200, although no access token was to be found by that: %s', of_call($call))
                if $version > $low && !$self->some_version($token, $low, $version - 1,
                    sub { found_by($request, $_[0]) });
        }
        elsif ($call->{outcome} eq 'none') {
            # By its own request's change, it is to be replayed, not refused.
            $high = $made->[0]{version} - 1 if $made && $made->[0]{version} <= $high
                && $made->[0]{token_id} eq $token->{id};
            my $answer = answer($call);
            next if defined $request->{expect} && $answer eq $request->{expect};
            my $right = $request->{reused} ? 0
                : $answer eq '404 ACCESS_TOKEN_NOT_FOUND'
                ? $self->{stale_reads} || $self->some_version($token, $low, $high,
                      sub { !found_by($request, $_[0]) })
                : $answer eq '412 PRECONDITION_FAILED' && defined $request->{if_match}
                ? $self->{stale_reads} || $self->some_version($token, $low, $high,
                      sub { $_[1] != $request->{if_match} })
                : $answer eq '409 VERSION_CONFLICT' ? $high > $low
                : 0;
            $self->wrong('refused for no reason (versions %s to %s were current): %s', $low, $high,
                         of_call($call)) if !$right;
        }
    }
    return;
}

# Whether CODE is true of the secrets of some version from LOW to HIGH.
sub some_version {
    my ($self, $token, $low, $high, $code) = @_;
    for my $version ($low .. $high) {
        my $secrets = $token->{secrets}{$version} // next;
        return 1 if $code->($secrets, $version);
    }
    return 0;
}

# Whether a request finds an access token that has these secrets. Identifiers
# stay as they are.
sub found_by {
    my ($request, $secrets) = @_;
    my $by = $request->{found_by};
    return !grep { exists $by->{$_} && !same($by->{$_}, $secrets->{$_}) } keys %secret;
}

1;
