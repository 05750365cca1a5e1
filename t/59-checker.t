# The checker of 60-workload.t and other tests with many clients: a correct history, made
# by hand, passes; for each rule, a history that breaks it fails. No server.
use strict;
use warnings;

use JSON::PP ();
use Storable qw(dclone);
use Test::More;

use AccessTokenTest::Checker;

my $json = JSON::PP->new->canonical;

# ---- a correct history

# A very simple database: apply(TOKEN, REQUEST) makes the next version.
my %world;

sub new_world {
    %world = (calls => [], changes => [], keys => [], pass_codes => {});
    for my $token (qw(T U)) {
        my %row = (id => $token, number => "number of $token", version => 1,
            authentication_code => "code-$token", identifier => "id-$token",
            pass_code => crypt("pass-$token", '$1$salt'), udf_string_1 => 'before',
            udf_date_1 => '2020-02-29 12:00:00', custom_field_set => '{"a":"before"}',
            request_ids => '');
        exists $row{$_} or $row{$_} = undef for map({ "udf_string_$_" } 2 .. 8),
            map({ ("udf_float_$_", "udf_date_$_") } 1 .. 4), 'card_masked_number', 'updated_by_user_id';
        $world{initial}{$token} = { %row };
        $world{final}{$token} = \%row;
        $world{pass_codes}{$token} = "pass-$token";
    }
    return;
}

sub apply {
    my ($request) = @_;
    my $row = $world{final}{ $request->{token} };
    my (%old, %new);
    my $set = $json->decode($row->{custom_field_set});
    my ($before, @names) = ({ %$set });
    for my $field (sort keys %{ $request->{fields} }) {
        my $value = $request->{fields}{$field};
        if ($field =~ /^custom_field_set\.(.*)/) {
            $set->{$1} = $value;
            delete $set->{$1} if !defined $value;
            ($old{custom_field_set}, $new{custom_field_set}) = ($json->encode($before), $json->encode($set));
            $row->{custom_field_set} = $new{custom_field_set};
            push @names, 'custom_field_set' if !grep { $_ eq 'custom_field_set' } @names;
            next;
        }
        push @names, $field;
        $value =~ s/T/ / if $field =~ /date/;
        # A history has no secrets.
        ($old{$field}, $new{$field}) = ($row->{$field}, $value)
            if $field !~ /^(?:pass_code|authentication_code)$/;
        $row->{$field} = $field eq 'pass_code' ? crypt($value, '$1$other') : $value;
    }
    my $version = ++$row->{version};
    my $id = sprintf '%032x', @{ $world{changes} } + 1;
    $row->{request_ids} = substr "$id $row->{request_ids}", 0, 263;
    $row->{updated_by_user_id} = $request->{user};
    push @{ $world{changes} }, {
        token_id => $request->{token}, version => $version, user_id => $request->{user},
        request_id => $id, fields => $json->encode(\@names),
        old_values => $json->encode(\%old), new_values => $json->encode(\%new) };
    push @{ $world{keys} }, { user_id => $request->{user}, idempotency_key => $request->{key},
                              token_id => $request->{token}, version => $version }
        if defined $request->{key};
    return $version;
}

sub request {
    my ($number, $token, $fields, %more) = @_;
    return { number => $number, client => $number % 10, user => 'u', token => $token,
             fields => $fields, found_by => { authentication_code => "code-$token" }, %more };
}

# called(REQUEST, START, END, the result)
sub called {
    my ($request, $start, $end, %call) = @_;
    $call{status} = 200 if !$call{failed} && !$call{status};
    $call{code} //= 'OK' if !$call{failed};
    push @{ $world{calls} }, { request => $request, start => $start, end => $end, %call };
    return;
}

# The same for a request that is applied at once.
sub done {
    my ($request, $start, $end, %call) = @_;
    called($request, $start, $end, version => apply($request), %call);
    return;
}

# The last digit of a request's number is that of its client.
sub good {
    new_world();
    done(request(10, 'T', { udf_string_1 => 'one' }), 0, 1);
    # At first without an answer, but applied, and then replayed.
    my $two = request(21, 'T', { udf_float_1 => '2.50', 'custom_field_set.b' => 'two' }, key => 'k2');
    apply($two);
    called($two, 1.5, 2, failed => 'lost');
    called($two, 2.5, 3, version => 3, replayed => 1);
    # In doubt: one was applied, one was not.
    my $three = request(30, 'T', { udf_string_5 => 'three', udf_string_6 => 'three too' });
    apply($three);
    called($three, 4, 5, status => 503, code => 'SERVICE_UNAVAILABLE');
    called(request(41, 'T', { udf_string_2 => 'four' }), 5, 6, failed => 'timeout');
    # The code changes for a moment.
    done(request(50, 'T', { authentication_code => 'code-away', udf_string_3 => 'five' }), 6, 7);
    called(request(61, 'T', { udf_string_2 => 'six' }), 7.5, 7.8, status => 404,
           code => 'ACCESS_TOKEN_NOT_FOUND');
    done(request(70, 'T', { authentication_code => 'code-T', udf_string_3 => 'seven' },
                 found_by => { authentication_code => 'code-away' }), 8, 9);
    # If-Match; a key that is sent twice at the same time, and again with another request.
    called(request(81, 'T', { udf_string_2 => 'eight' }, if_match => 5), 9.5, 9.8, status => 412,
           code => 'PRECONDITION_FAILED');
    my $nine = request(91, 'T', { udf_string_2 => 'nine' }, if_match => 6, key => 'k9');
    done($nine, 10, 11);
    called($nine, 10, 11.5, version => 7, replayed => 1);
    called(request(101, 'T', { udf_string_2 => 'ten' }, key => 'k9', reused => 1,
                   expect => '422 IDEMPOTENCY_KEY_REUSED'), 12, 13, status => 422,
           code => 'IDEMPOTENCY_KEY_REUSED');
    called(request(111, 'T', { authentication_code => 'taken', udf_string_2 => 'eleven' },
                   expect => '409 DUPLICATE_VALUE'), 13, 13.5, status => 409, code => 'DUPLICATE_VALUE');
    # A pass code, and a reply with all members.
    my $twelve = request(120, 'T', { pass_code => 'pass-12', udf_date_1 => '2012-12-12T12:12:12' },
                         found_by => { identifier => 'id-T', pass_code => 'pass-T' });
    done($twelve, 14, 15);
    my %data = map { $_ => $world{final}{T}{$_} }
        grep { /^(?:udf|card|identifier|authentication)/ } keys %{ $world{final}{T} };
    $data{udf_float_1} = 2.5;
    $data{udf_date_1} =~ s/ /T/;
    $data{custom_field_set} = { a => 'before', b => 'two' };
    $world{calls}[-1]{data} = $json->encode({ status => { code => 'OK' }, data => \%data });
    called(request(131, 'T', { udf_string_2 => 'thirteen' }), 14, 15, status => 409,
           code => 'VERSION_CONFLICT');
    called(request(141, 'T', { udf_string_2 => 'fourteen' }), 15, 16, failed => 'half');
    called(request(151, 'T', { udf_string_2 => 'fifteen' }), 15, 16, failed => 'refused');
    # For another access token: two calls at once; the later one is applied first.
    my $sixteen = request(160, 'U', { udf_string_7 => 'sixteen', 'custom_field_set.a' => undef });
    my $seventeen = request(171, 'U', { udf_string_8 => 'seventeen' }, key => 'k17');
    done($seventeen, 2, 5);
    done($sixteen, 1, 4);
    done(request(180, 'U', { udf_string_7 => 'eighteen' }), 6, 7);
    done(request(191, 'U', { udf_string_1 => 'nineteen' }), 8, 9);
    done(request(200, 'U', { udf_string_1 => 'twenty' }), 9, 11);
    my $known = request(211, 'U', { udf_string_8 => 'twenty-one' }, key => 'k21');
    done($known, 12, 13);
    done(request(220, 'U', { udf_string_1 => 'twenty-two' }), 13.2, 13.4);
    called($known, 13.5, 14, version => 8, replayed => 1);
    return dclone(\%world);
}

sub violations { return AccessTokenTest::Checker::violations($_[0]) }

is(join("\n", violations(good())), '', 'a correct history');
{
    # The forms in which the engines show the same: numbers, a set as JSON or as its text.
    my $record = good();
    for my $line (@{ $record->{changes} }) {
        $_ = $json->decode($_) for @$line{qw(fields old_values new_values)};
        for my $values (@$line{qw(old_values new_values)}) {
            $values->{udf_float_1} += 0 if defined $values->{udf_float_1};
            $values->{custom_field_set} = $json->decode($values->{custom_field_set})
                if defined $values->{custom_field_set};
            for my $date (grep { /date/ } keys %$values) {
                $values->{$date} =~ s/ (.*)/T$1.000000/;
            }
        }
    }
    is(join("\n", violations($record)), '', 'the same in the other form');
}

# ---- for each rule, a history that breaks it

# PATTERNS: each is found, and nothing else.
sub caught {
    my ($name, $break, @patterns) = @_;
    my $record = good();
    $break->($record);
    my @found = violations($record);
    my @missed = grep { my $pattern = $_; !grep { $_ =~ $pattern } @found } @patterns;
    my @other = grep { my $found = $_; !grep { $found =~ $_ } @patterns } @found;
    ok(@found && !@missed && !@other, $name)
        or diag("missed: @missed\n", join("\n", 'found:', @found));
    return;
}

sub line_of {
    my ($record, $token, $version) = @_;
    my ($line) = grep { $_->{token_id} eq $token && $_->{version} == $version } @{ $record->{changes} };
    return $line;
}

sub calls_of {
    my ($record, $number) = @_;
    return grep { $_->{request}{number} == $number } @{ $record->{calls} };
}

sub call_of { return (calls_of(@_))[0] }

# Changes the JSON in COLUMN of a change with CODE.
sub edit {
    my ($line, $column, $code) = @_;
    my $values = $json->decode($line->{$column});
    $code->($values);
    $line->{$column} = $json->encode($values);
    return;
}

# A new request with one call, in RECORD.
sub one_more {
    my ($record, $request, $start, $end, %call) = @_;
    local $world{calls} = $record->{calls};
    called($request, $start, $end, %call);
    return;
}

caught('a version that is not in the history', sub {
    my ($record) = @_;
    # The version of a call in doubt, so that no 200 misses it.
    @{ $record->{changes} } = grep { $_ != line_of($record, 'T', 4) } @{ $record->{changes} };
}, qr/^T: version 4 is not in the history/, qr/^T: udf_string_[56] is 'three.*by its history, it is NULL/,
   qr/^the reply shows udf_string_5/, qr/^T: request_ids/);
caught('a version that is in the history twice', sub {
    my ($record) = @_;
    push @{ $record->{changes} }, { %{ line_of($record, 'T', 4) } };
}, qr/^T: version 4 is in the history twice/);
caught('a version that the row never had', sub {
    my ($record) = @_;
    push @{ $record->{changes} }, { %{ line_of($record, 'T', 8) }, version => 9, request_id => 'other' };
}, qr/^T: version 9 is in the history, but the row went from 1 to 8/);
caught('a version of an unknown access token', sub {
    my ($record) = @_;
    push @{ $record->{changes} }, { %{ line_of($record, 'T', 8) }, token_id => 'V' };
}, qr/^the history has version 8 of V/);
caught('one save that made two versions', sub {
    my ($record) = @_;
    line_of($record, 'U', 3)->{request_id} = line_of($record, 'U', 2)->{request_id};
    my @ids = split / /, $record->{final}{U}{request_ids};
    $ids[-2] = $ids[-1];
    $record->{final}{U}{request_ids} = "@ids";
}, qr/^U: version 3 has the request id of version 2 of U/);
caught('a lost update: another one started from the row before it', sub {
    my ($record) = @_;
    edit(line_of($record, 'T', 6), 'old_values', sub { $_[0]{udf_string_3} = undef });
}, qr/^T version 6: the history says that udf_string_3 was NULL before; it was 'five'/);
caught('a change of a field that was not sent', sub {
    my ($record) = @_;
    my $line = line_of($record, 'U', 5);
    edit($line, 'new_values', sub { $_[0]{udf_string_2} = 'stray' });
    edit($line, 'old_values', sub { $_[0]{udf_string_2} = undef });
    edit($line, 'fields', sub { push @{ $_[0] }, 'udf_string_2' });
    $record->{final}{U}{udf_string_2} = 'stray';
}, qr/^U version 5: udf_string_2 became 'stray', which request 191 for U did not send/);
caught('a field that was sent and not stored', sub {
    my ($record) = @_;
    my $line = line_of($record, 'T', 4);
    edit($line, $_, sub { delete $_[0]{udf_string_6} }) for qw(new_values old_values);
    edit($line, 'fields', sub { pop @{ $_[0] } });
    $record->{final}{T}{udf_string_6} = undef;
    call_of($record, 120)->{data} =~ s/"three too"/null/;
}, qr/^T version 4: udf_string_6 is NULL; request 30 for T sent 'three too'/);
caught('a truncated field', sub {
    my ($record) = @_;
    edit(line_of($record, 'T', 4), 'new_values', sub { $_[0]{udf_string_6} = 'three' });
    $record->{final}{T}{udf_string_6} = 'three';
    call_of($record, 120)->{data} =~ s/"three too"/"three"/;
}, qr/^T version 4: udf_string_6 is 'three'; request 30 for T sent 'three too'/,
   qr/^T: lost: udf_string_6 is 'three' at the end/);
caught('a lost custom field of another client', sub {
    my ($record) = @_;
    edit(line_of($record, 'T', 3), 'new_values', sub { $_[0]{custom_field_set} = '{"b":"two"}' });
    $record->{final}{T}{custom_field_set} = '{"b":"two"}';
    call_of($record, 120)->{data} =~ s/"a":"before",//;
}, qr/^T version 3: custom_field_set.a became NULL, which request 21 .* did not send/);
caught('a version whose caller was refused', sub {
    my ($record) = @_;
    my $call = call_of($record, 30);
    @$call{qw(status code)} = (409, 'VERSION_CONFLICT');
}, qr/^request 30 for T made version 4, but every call of it was refused/,
   qr/^T: lost: udf_string_[56]/, qr/^refused for no reason .*request 30/);
caught('a version without a request', sub {
    my ($record) = @_;
    @{ $record->{calls} } = grep { $_->{request}{number} != 30 } @{ $record->{calls} };
}, qr/^T version 4: no request has sent udf_string_5 'three', udf_string_6 'three too'/);
caught('a version of two requests', sub {
    my ($record) = @_;
    my $line = line_of($record, 'T', 4);
    edit($line, 'new_values', sub { $_[0]{udf_string_6} = 'nobody else\'s' });
    call_of($record, 41)->{request}{fields} = { udf_string_6 => 'nobody else\'s' };
    $record->{final}{T}{udf_string_6} = 'nobody else\'s';
    call_of($record, 120)->{data} =~ s/"three too"/"nobody else's"/;
}, qr/^T version 4: values of several requests: 30, 41/);
caught('a history that names other fields', sub {
    my ($record) = @_;
    line_of($record, 'T', 5)->{fields} = '["udf_string_3"]';
}, qr/^T version 5: .* names the fields "udf_string_3"; .* changed "authentication_code udf_string_3"/);
caught('a history that names another user', sub {
    my ($record) = @_;
    line_of($record, 'T', 5)->{user_id} = 'someone';
}, qr/^T version 5: the history says that user 'someone' did it; it was u/);

caught('a final row that is not the replay', sub {
    my ($record) = @_;
    $record->{final}{U}{udf_string_1} = 'twenty';
}, qr/^U: udf_string_1 is 'twenty' at the end; by its history, it is 'twenty-two'/);
caught('another code at the end', sub {
    my ($record) = @_;
    $record->{final}{T}{authentication_code} = 'code-away';
}, qr/^T: authentication_code is 'code-away' at the end; by its history/);
caught('another pass code at the end', sub {
    my ($record) = @_;
    $record->{final}{T}{pass_code} = $record->{initial}{T}{pass_code};
}, qr/^T: the pass code at the end is not 'pass-12'/);
caught('a column that no request can change', sub {
    my ($record) = @_;
    $record->{final}{T}{number} = '2';
}, qr/^T: number was 'number of T' and is '2'; nobody changed it/);
caught('the user of another update', sub {
    my ($record) = @_;
    $record->{final}{T}{updated_by_user_id} = 'v';
}, qr/^T: the last update was by u; the row says 'v'/);
caught('request_ids that are not those of the last versions', sub {
    my ($record) = @_;
    $record->{final}{T}{request_ids} =~ s/5 /6 /;
}, qr/^T: request_ids are/);
caught('a missing row', sub {
    my ($record) = @_;
    delete $record->{final}{U};
}, qr/^U is no longer there/);
caught('a reply that shows something else', sub {
    my ($record) = @_;
    call_of($record, 120)->{data} =~ s/"nine"/"eight"/;
}, qr/^the reply shows udf_string_2 'eight', but at that version it was udf_string_2 'nine'/);
caught('a truncated reply', sub {
    my ($record) = @_;
    chop call_of($record, 120)->{data};
}, qr/^the reply is no JSON/);

caught('a request that was applied twice', sub {
    my ($record) = @_;
    edit(line_of($record, 'U', 8), 'new_values', sub { $_[0]{udf_string_1} = 'nineteen' });
    $record->{final}{U}{udf_string_1} = 'nineteen';
    # Its answer was lost, the second time too.
    @{ $record->{calls} } = grep { $_->{request}{number} != 220 } @{ $record->{calls} };
    my $call = call_of($record, 191);
    delete @$call{qw(status code version)};
    $call->{failed} = 'lost';
    $call->{request}{key} = 'k19';
    push @{ $record->{calls} }, { %$call, start => 13.2, end => 13.4 };
    push @{ $record->{keys} }, { user_id => 'u', idempotency_key => 'k19', token_id => 'U', version => 5 };
}, qr/^request 191 for U with key k19 was applied 2 times: versions 5, 8/);
caught('two calls that both claim to be the first', sub {
    my ($record) = @_;
    delete((calls_of($record, 91))[1]{replayed});
}, qr/^two calls say that they applied it: .*request 91/);
caught('a 200 without an ETag', sub {
    my ($record) = @_;
    my $call = call_of($record, 10);
    delete $call->{version};
    $call->{etag} = '"U-2"';
}, qr/^200 without an ETag of T \("U-2"\)/);
caught('a 200 whose version is lost', sub {
    my ($record) = @_;
    call_of($record, 220)->{version} = 9;
}, qr/^lost: its version is not in the history: .*request 220/);
caught('a 200 whose version belongs to another request', sub {
    my ($record) = @_;
    # Both at the same time, so the times are possible.
    my ($one, $other) = (call_of($record, 160), call_of($record, 171));
    @$one{version} = 2;
    @$other{version} = 3;
}, qr/^its version was made by request 171 .*request 160/, qr/^its version was made by request 160 .*request 171/);
caught('a replay without an earlier call', sub {
    my ($record) = @_;
    one_more($record, request(302, 'T', { udf_string_2 => 'none' }, key => 'k30'), 16, 17,
             version => 8, replayed => 1);
}, qr/^a replay of what has made no version/, qr/^replays only, and no call that can have applied it/);
caught('a replay of a request that was not applied', sub {
    my ($record) = @_;
    @{ $record->{calls} } = grep { !$_->{failed} || $_->{request}{number} != 21 } @{ $record->{calls} };
}, qr/^replays only, and no call that can have applied it: .*request 21/);
caught('a replay that shows an earlier version', sub {
    my ($record) = @_;
    (calls_of($record, 91))[1]{version} = 6;
}, qr/^a replay shows a version before that of its request, 7/);
caught('a replay without a key', sub {
    my ($record) = @_;
    one_more($record, call_of($record, 10)->{request}, 15, 16, version => 8, replayed => 1);
}, qr/^a replay of a request without a key/);

caught('a field of one client has the value of another call of that client', sub {
    my ($record) = @_;
    # The history and the row agree; only the client knows that they are wrong.
    my $line = line_of($record, 'U', 4);
    edit($line, 'new_values', sub { $_[0]{udf_string_7} = 'sixteen' });
    edit($line, 'old_values', sub { $_[0]{udf_string_7} = 'eighteen' });
    edit(line_of($record, 'U', 3), 'new_values', sub { $_[0]{udf_string_7} = 'eighteen' });
    edit($line, $_, sub { $_[0]{custom_field_set} = '{"a":"before"}' }) for 'old_values';
    edit($line, $_, sub { $_[0]{custom_field_set} = '{}' }) for 'new_values';
    edit($line, 'fields', sub { unshift @{ $_[0] }, 'custom_field_set' });
    edit(line_of($record, 'U', 3), $_, sub { delete $_[0]{custom_field_set} }) for qw(old_values new_values);
    edit(line_of($record, 'U', 3), 'fields', sub { shift @{ $_[0] } });
    call_of($record, 160)->{version} = 4;
    call_of($record, 180)->{version} = 3;
    $record->{final}{U}{udf_string_7} = 'sixteen';
}, qr/^U: lost: udf_string_7 is 'sixteen' at the end; .* left it as 'eighteen'/,
   qr/^U: version 4 was there at 4.* before the call of version 3 began, at 6/);

caught('a call that is applied again after its 200', sub {
    my ($record) = @_;
    my ($call) = grep { $_->{start} == 13.5 } calls_of($record, 211);
    delete $call->{replayed};
}, qr/^this should have been a replay/, qr/^two calls say that they applied it/,
   qr/^its version was made by request 220/);
caught('a call that is refused when it is sent again after its 200', sub {
    my ($record) = @_;
    my ($call) = grep { $_->{start} == 13.5 } calls_of($record, 211);
    delete @$call{qw(replayed version)};
    @$call{qw(status code)} = (409, 'VERSION_CONFLICT');
}, qr/^this should have been a replay/, qr/^refused for no reason/);
caught('a key that is stored for a refused request', sub {
    my ($record) = @_;
    call_of($record, 81)->{request}{key} = 'k8';
    push @{ $record->{keys} }, { user_id => 'u', idempotency_key => 'k8', token_id => 'T', version => 7 };
}, qr/^key k8 of u is kept, with version 7 of T, but no request with it was applied/);
caught('a key that is stored with another version', sub {
    my ($record) = @_;
    $_->{version}++ for grep { $_->{idempotency_key} eq 'k9' } @{ $record->{keys} };
}, qr/^key k9 of u is kept with version 8 of T; it has made version 7 of T/);
caught('a key that is not stored', sub {
    my ($record) = @_;
    @{ $record->{keys} } = grep { $_->{idempotency_key} ne 'k9' } @{ $record->{keys} };
}, qr/^the key of request 91 .* is not kept, although it made version 7/);

caught('a version that is older than the request of its predecessor', sub {
    my ($record) = @_;
    my $call = call_of($record, 171);
    @$call{qw(start end)} = (4.5, 5);
}, qr/^U: version 3 was there at 4.* before the call of version 2 began, at 4.5/);
caught('a replay that shows values that were already replaced', sub {
    my ($record) = @_;
    my ($call) = grep { $_->{start} == 13.5 } calls_of($record, 211);
    @$call{qw(start end)} = (20, 21);
    one_more($record, request(320, 'U', { udf_string_1 => 'thirty-two' }), 15, 16, version => 9);
    push @{ $record->{changes} }, { %{ line_of($record, 'U', 8) }, version => 9, request_id => undef,
        fields => '["udf_string_1"]', old_values => '{"udf_string_1":"twenty-two"}',
        new_values => '{"udf_string_1":"thirty-two"}' };
    @{ $record->{final}{U} }{qw(version udf_string_1)} = (9, 'thirty-two');
}, qr/^a replay shows a version when it was 9 to 9: .*request 211/);
caught('a replay that shows values that did not exist yet', sub {
    my ($record) = @_;
    my ($call) = grep { $_->{start} == 13.5 } calls_of($record, 211);
    @$call{qw(start end)} = (13.05, 13.1);
}, qr/^a replay shows a version when it was 7 to 7: .*request 211/);

caught('a 404 for an access token that existed', sub {
    my ($record) = @_;
    @{ call_of($record, 61) }{qw(start end)} = (9.5, 9.6);
}, qr/^refused for no reason \(versions 6 to 6 were current\): .*request 61/);
caught('a 404 because of the change of the same request', sub {
    my ($record) = @_;
    my $call = call_of($record, 50);
    $call->{request}{key} = 'k5';
    push @{ $record->{keys} }, { user_id => 'u', idempotency_key => 'k5', token_id => 'T', version => 5 };
    one_more($record, $call->{request}, 6, 7, status => 404, code => 'ACCESS_TOKEN_NOT_FOUND');
}, qr/^refused for no reason \(versions 3 to 4 were current\): .*request 50/);
caught('a 412 although the version was current', sub {
    my ($record) = @_;
    call_of($record, 81)->{request}{if_match} = 6;
}, qr/^refused for no reason \(versions 6 to 6 were current\): .*request 81/);
caught('a 412 without If-Match', sub {
    my ($record) = @_;
    delete call_of($record, 81)->{request}{if_match};
}, qr/^refused for no reason .*request 81/);
caught('a conflict without another request', sub {
    my ($record) = @_;
    @{ call_of($record, 131) }{qw(start end)} = (15.5, 16);
}, qr/^refused for no reason .*request 131 .*VERSION_CONFLICT/);
caught('an error of the server', sub {
    my ($record) = @_;
    @{ call_of($record, 131) }{qw(status code)} = (500, 'INTERNAL_ERROR');
}, qr/^refused for no reason .*request 131 .*500 INTERNAL_ERROR/);
caught('a code in use that is refused with another error', sub {
    my ($record) = @_;
    @{ call_of($record, 111) }{qw(status code)} = (422, 'VALIDATION_FAILED');
}, qr/^refused for no reason .*request 111/);
caught('a key for another request that is refused with another error', sub {
    my ($record) = @_;
    my $call = call_of($record, 101);
    @$call{qw(status code)} = (409, 'VERSION_CONFLICT');
    @$call{qw(start end)} = (14, 15);
}, qr/^refused for no reason .*request 101/);
caught('a 200 for a request that must be refused', sub {
    my ($record) = @_;
    call_of($record, 10)->{request}{expect} = '422 VALIDATION_FAILED';
}, qr/^200 to what must be refused by 422 VALIDATION_FAILED/);
caught('a 200 although If-Match did not match', sub {
    my ($record) = @_;
    call_of($record, 220)->{request}{if_match} = 6;
}, qr/^200, although If-Match was version 6/);
caught('a 200 for a code that was already replaced', sub {
    my ($record) = @_;
    call_of($record, 70)->{request}{found_by} = { authentication_code => 'code-T' };
}, qr/^200, although no access token was to be found by that: .*request 70/);
caught('a 200 for a wrong pass code', sub {
    my ($record) = @_;
    call_of($record, 120)->{request}{found_by}{pass_code} = 'pass-12';
}, qr/^200, although no access token was to be found by that: .*request 120/);

# ---- nodes that lag behind

{
    my $record = good();
    @{ call_of($record, 61) }{qw(start end)} = (9.5, 9.6);
    $record->{stale_reads} = 1;
    is(join("\n", violations($record)), '', 'a call that read old data may be refused');
    @{ $record->{changes} } = grep { $_->{token_id} ne 'U' || $_->{version} != 8 } @{ $record->{changes} };
    cmp_ok(scalar violations($record), '>', 0, 'but no update may be lost');
}

done_testing;
