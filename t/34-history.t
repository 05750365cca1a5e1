# The optional history (sql/*/history.sql): one line for each version that was committed,
# by any program, with the old and new values and without secrets. The module's account
# has only the shipped grants.
use strict;
use warnings;
use utf8;

use Encode qw(decode_utf8);
use JSON::PP ();
use POSIX ();
use Test::More;
use Time::HiRes ();

use AccessTokenTest;
use AccessTokenTest::File qw(read_text);

binmode $_, ':encoding(UTF-8)'
    for map { Test::More->builder->$_ } qw(output failure_output todo_output);

my $has_server = AccessTokenTest::engine() ne 'sqlite3';
my $clerk = 'demo-session-clerk';
my $ours = '5A7C00000000000000000000000000B2';
my $json = JSON::PP->new->canonical->allow_nonref;

my $server = AccessTokenTest->new(history => 1, conf => <<'END');
AccessTokenPassCodeScheme bcrypt 4
AccessTokenIdempotencyKeyFile secret
StartServers 3
CustomLog changes.log "%{access_token_id}n %{access_token_change}n"
END
$server->write_file('secret', 'a secret of 32 characters at least');
$server->run;
my $database = $server->database;
my $dbh = $server->dbh;

# ---- helpers

sub update {
    my ($code, $fields, $headers, $session) = @_;
    return $server->post({ token => $session // $clerk, %{ $fields // {} },
                           access_token_identifier => { authentication_code => $code } },
                         $headers);
}

sub row_of {
    my ($id) = @_;
    return $dbh->selectrow_hashref('SELECT * FROM access_tokens WHERE id = ?', undef, $id);
}

sub count { $dbh->selectrow_array('SELECT COUNT(*) FROM access_token_changes') }

# A time of the database in the format of the method.
sub iso { ($_[0] // '') =~ s/ /T/r }

# By the clock of the database: that of time() is some milliseconds behind.
sub utc_now { POSIX::strftime('%Y-%m-%dT%H:%M:%S', gmtime(int Time::HiRes::time())) }

# The versions that have a line, in the order of writing.
sub versions { join ' ', map { $_->{version} } $server->history($_[0]) }

# The whole history as one text.
sub everything {
    my $rows = $dbh->selectall_arrayref('SELECT * FROM access_token_changes ORDER BY id');
    return join "\n", map { join "\t", map { $_ // 'NULL' } @$_ } @$rows;
}

# Since there were BEFORE lines, one was written: for the version of REPLY or of the row,
# with these names, old values and new values.
sub one_line {
    my ($name, $id, $before, $fields, $old, $new) = @_;
    is(count(), $before + 1, "$name: one line");
    my $line = ($server->history($id))[-1] // {};
    is($line->{version}, row_of($id)->{version}, "$name: it has the row's version");
    is_deeply($line->{fields}, $fields, "$name: the names of the fields") or diag($json->encode($line));
    is_deeply($line->{old_values}, $old, "$name: the old values") or diag($json->encode($line));
    is_deeply($line->{new_values}, $new, "$name: the new values") or diag($json->encode($line));
    return $line;
}

# ---- who, when, and in which call

my %udf = (id => 'D0000000000000000000000000000031', code => 'demo-udf');

{
    my $reply = update($udf{code}, { udf_string_1 => 'by a clerk' });
    is($reply->{status}, 200, 'a call with the history installed') or diag($reply->{content});
    my $line = one_line('a call', $udf{id}, 0, ['udf_string_1'],
                        { udf_string_1 => 'plain text' }, { udf_string_1 => 'by a clerk' });
    my $row = row_of($udf{id});
    is($reply->{headers}{etag}, qq("$udf{id}-$line->{version}"), 'its version is that of the ETag');
    is($line->{user_id}, '2', 'the user of the session');
    is($line->{unit_id}, $ours, 'and its unit');
    is(iso($line->{changed_at}), $reply->{json}{data}{log_information}{updated_date},
       'the time of the call');
    like($line->{request_id}, qr/\A[0-9A-Fa-f]{32}\z/, "the id of the call");
    is($line->{request_id}, substr($row->{request_ids}, 0, 32), 'as in the row');
    ok($server->wait_for(sub { $server->read_file('changes.log')
                                   =~ /^$line->{token_id} $line->{request_id}$/m }),
       'and as in the access log');

    my $before = count();
    update($udf{code}, { udf_string_1 => 'by a contractor' }, {}, 'demo-session-no-unit');
    my $next = one_line('another user', $udf{id}, $before, ['udf_string_1'],
        { udf_string_1 => 'by a clerk' }, { udf_string_1 => 'by a contractor' });
    is("$next->{user_id} " . ($next->{unit_id} // 'NULL'), '3 NULL', 'a user without a unit');
    isnt($next->{request_id}, $line->{request_id}, 'each call has its own id');
    is($next->{request_id}, substr(row_of($udf{id})->{request_ids}, 0, 32), 'the last one of the row');
}

if ($has_server) {
    my $account = DBI->connect('dbi:MariaDB:database=access_token;mariadb_socket=' . $database->socket,
                               'access_token', 'change-this', { RaiseError => 1, PrintError => 0 });
    is($account->selectrow_array('SELECT version FROM access_token_schema'), 3, "the module's account");
    for my $statement ('SELECT * FROM access_token_changes', 'DELETE FROM access_token_changes',
                       q(UPDATE access_token_changes SET fields = '[]')) {
        ok(!eval { $account->do($statement); 1 }, "it may not: $statement");
        like($@, qr/command denied to user 'access_token'/, 'by its rights');
    }
}

# ---- every kind of field

my @texts = (
    undef, '', 'a', 'a ', 'A', ' a', "é", "e\x{301}", 'quotes " and \' and `', 'back\\slash \\n \\u0041 \\',
    "line\nfeed\ttab\rreturn", "\x{1}\x{b}\x{1f}\x{7f}", "\x{2028}\x{2029}",
    '</script>&%s %1$s {"a": [1, null]}',
    "Καλημέρα 日本語", "emoji \x{1F469}\x{200D}\x{1F680} \x{10FFFF}", 'x' x 255,
    "\x{1F680}" x 255, "\"" x 255, undef,
);

# The field gets the values one after another, from any value.
sub field_goes_through {
    my ($field, @values) = @_;
    update($udf{code}, { $field => $values[0] });
    for my $step (1 .. $#values) {
        my ($from, $to) = @values[$step - 1, $step];
        my $before = count();
        my $reply = update($udf{code}, { $field => $to });
        is($reply->{status}, 200, "$field: step $step") or diag($reply->{content});
        one_line("$field: step $step", $udf{id}, $before, [$field], { $field => $from }, { $field => $to });
    }
    return;
}

field_goes_through('udf_string_2', @texts);
field_goes_through("udf_string_$_", 'short', undef, 'again') for 3 .. 8;
field_goes_through('card_masked_number', '4556 **** **** 1234', '4556 **** **** 1235', undef, '*', undef);
field_goes_through("udf_date_$_", '1000-01-01T00:00:00', '2024-02-29T23:59:59', undef, '9999-12-31T23:59:59')
    for 1 .. 4;
{
    my $before = count();
    update($udf{code}, { udf_date_1 => '2024-02-29' });
    one_line('a date without a time', $udf{id}, $before, ['udf_date_1'],
             { udf_date_1 => '9999-12-31T23:59:59' }, { udf_date_1 => '2024-02-29T00:00:00' });
}

# A number must be the same double: strtod reads the text of the line, since Perl's own
# conversion may change the last bit.
sub double { defined $_[0] ? unpack('H*', pack 'd>', (POSIX::strtod($_[0]))[0]) : 'null' }

sub number_in {
    my ($id, $column, $field) = @_;
    my ($text) = $dbh->selectrow_array("SELECT $column FROM access_token_changes
        WHERE token_id = ? ORDER BY id DESC LIMIT 1", undef, $id);
    my ($number) = $text =~ /"$field": ?(-?[0-9][0-9.eE+-]*|null)[,}]/ or return "not a number: $text";
    return $number eq 'null' ? undef : $number;
}

for my $field (map { "udf_float_$_" } 1 .. 4) {
    my @numbers = (undef, '0.1', '-1', '1000000', '1e21', '5e-324', '1.7976931348623157e308',
                   '-1.3701135617873088e-206', '0.30000000000000004', '0', undef);
    update($udf{code}, { $field => undef });
    for my $step (1 .. $#numbers) {
        my ($from, $to) = @numbers[$step - 1, $step];
        my $before = count();
        my $reply = $server->post(sprintf '{"token": "%s", "%s": %s, '
            . '"access_token_identifier": {"authentication_code": "%s"}}',
            $clerk, $field, $to // 'null', $udf{code});
        is($reply->{status}, 200, "$field: " . ($to // 'null')) or diag($reply->{content});
        is(count(), $before + 1, "$field: step $step: one line");
        my $line = ($server->history($udf{id}))[-1];
        is_deeply($line->{fields}, [$field], "$field: step $step: its name");
        is(double(number_in($udf{id}, 'old_values', $field)), double($from),
           "$field: step $step: the old number");
        is(double(number_in($udf{id}, 'new_values', $field)), double($to),
           "$field: step $step: the new number");
    }
}

{
    my %custom = (id => 'D0000000000000000000000000000030', code => 'demo-custom-fields');
    my $set = { nickname => 'Λένα 🎁', shoe_size => 38.5, points => 1200, newsletter => JSON::PP::true };
    my $before = count();
    update($custom{code}, { custom_field_set => { points => 1300, nickname => qq(a"\\\n😀), 'Ύψος' => 1.75 } });
    my $next = { nickname => qq(a"\\\n😀), shoe_size => 38.5, points => 1300, newsletter => JSON::PP::true,
                 'Ύψος' => 1.75 };
    my $line = ($server->history($custom{id}))[-1] // {};
    is(count(), $before + 1, 'custom fields: one line');
    is_deeply($line->{fields}, ['custom_field_set'], 'custom fields: the name');
    is_deeply($line->{old_values}{custom_field_set}, $set, 'custom fields: the whole old set, as JSON');
    is_deeply($line->{new_values}{custom_field_set}, $next, 'custom fields: and the new set');

    $before = count();
    update($custom{code}, { custom_field_set => { map { $_ => undef } keys %$next } });
    $line = ($server->history($custom{id}))[-1] // {};
    is(count(), $before + 1, 'no custom field is left: one line');
    is_deeply($line->{old_values}{custom_field_set}, $next, 'no custom field is left: the old set');
    my $left = row_of($custom{id})->{custom_field_set};
    is_deeply($line->{new_values}{custom_field_set}, defined $left ? $json->decode($left) : undef,
              'no custom field is left: as in the row');
    update($custom{code}, { custom_field_set => $set });
    is_deeply(($server->history($custom{id}))[-1]{new_values}{custom_field_set}, $set,
              'custom fields from nothing');
}

{
    # All fields that a call can change, in the order of the table.
    my @fields = (qw(authentication_code identifier pass_code card_masked_number),
                  (map { "udf_string_$_" } 1 .. 8), (map { "udf_float_$_" } 1 .. 4),
                  (map { "udf_date_$_" } 1 .. 4), 'custom_field_set');
    my %sent = ((map { $_ => "all of $_" } grep { !/float|date|custom/ } @fields),
                (map { ("udf_float_$_" => $_ + 0.5, "udf_date_$_" => "202$_-01-01T00:00:00") } 1 .. 4),
                custom_field_set => { gift_wrap => JSON::PP::false });
    my $before = count();
    my $reply = update('demo-effective', \%sent);
    is($reply->{status}, 200, 'a call that changes every field') or diag($reply->{content});
    my %old = map { $_ => undef } grep { $_ ne 'pass_code' } @fields;
    my %new = (%sent, authentication_code => '******de');
    delete $new{pass_code};
    one_line('every field', 'D0000000000000000000000000000010', $before, \@fields,
             { %old, authentication_code => '******ve' }, \%new);
    update('all of authentication_code', { authentication_code => 'demo-effective' });
}

# ---- calls without changes

for my $case (['no field at all', {}], ['the same value', { udf_string_1 => 'by a contractor' }],
              ['null for an empty field', { card_masked_number => undef }],
              ['a number in another form', { udf_float_1 => undef }]) {
    my ($name, $fields) = @$case;
    my $before = count();
    is(update($udf{code}, $fields)->{status}, 200, "$name: the call succeeds");
    my $line = one_line($name, $udf{id}, $before, [], {}, {});
    is($line->{user_id}, '2', "$name: the line has the user");
}

# ---- masked codes, no pass codes

my @secrets;

sub keep_secrets {
    push @secrets, map { defined() ? $_ : () }
        @{ $dbh->selectcol_arrayref('SELECT pass_code FROM access_tokens') },
        @{ $dbh->selectcol_arrayref('SELECT verification_code FROM access_tokens') };
    for my $code (@{ $dbh->selectcol_arrayref('SELECT authentication_code FROM access_tokens') }) {
        utf8::decode($code) if $has_server;
        # With these, the mask hides less than the whole code.
        push @secrets, $code if length $code >= 8;
    }
    return;
}

keep_secrets();
{
    my $id = 'D0000000000000000000000000000020';
    my ($code, $mask) = ('demo-person', '******on');
    for my $next (['abcdefg', '******'], ['abcdefgh', '******gh'], ['κωδικός', '******'],
                  ['κωδικόςß', '******ςß'], ['1234567"\\', '******"\\'],
                  ["rocket-\x{1F680}\x{1F469}", "******\x{1F680}\x{1F469}"],
                  ['1', '******'], ['x' x 253 . 'yz', '******yz'], ['demo-person', '******on']) {
        my $before = count();
        my $reply = update($code, { authentication_code => $next->[0] });
        is($reply->{status}, 200, "the code $next->[0]") or diag($reply->{content});
        one_line("a masked code: $next->[1]", $id, $before, ['authentication_code'],
                 { authentication_code => $mask }, { authentication_code => $next->[1] });
        ($code, $mask) = @$next;
        keep_secrets();
    }
}
{
    # Case, accents and trailing blanks count. Codes with the same mask still differ.
    my $before = count();
    update('DEMO-CAFE', { authentication_code => 'Demo-CAFE' });
    one_line('a code in another case', 'D0000000000000000000000000000034', $before, ['authentication_code'],
             { authentication_code => '******FE' }, { authentication_code => '******FE' });
    $before = count();
    my $reply = update('demo-auto-id', { authentication_code => undef });
    my $code = $reply->{json}{data}{authentication_code};
    push @secrets, $code;
    one_line('a generated code', 'D0000000000000000000000000000003', $before, ['authentication_code'],
             { authentication_code => '******id' }, { authentication_code => '******' . substr $code, -2 });
}
{
    my $id = 'D0000000000000000000000000000021';
    my $before = count();
    update('demo-company', { identifier => "i\"\\ é \x{1F680}", pass_code => 'opens-4711' });
    one_line('identifier and pass code', $id, $before, [qw(identifier pass_code)],
             { identifier => undef }, { identifier => "i\"\\ é \x{1F680}" });
    keep_secrets();
    $before = count();
    my $reply = $server->post({ token => $clerk, pass_code => 'opens-4712', access_token_identifier =>
        { identifier => "i\"\\ é \x{1F680}", pass_code => 'opens-4711' } });
    is($reply->{status}, 200, 'a call by pass code') or diag($reply->{content});
    one_line('a pass code alone', $id, $before, ['pass_code'], {}, {});
    keep_secrets();
    $before = count();
    update('demo-company', { pass_code => 'opens-4712' });
    one_line('the same pass code, hashed again', $id, $before, ['pass_code'], {}, {});
    keep_secrets();
    $before = count();
    update('demo-company', { identifier => undef, pass_code => undef });
    one_line('both removed', $id, $before, [qw(identifier pass_code)],
             { identifier => "i\"\\ é \x{1F680}" }, { identifier => undef });
    $before = count();
    $reply = update('demo-auto-pass', { pass_code => undef });
    my $shown = $reply->{json}{data}{pass_code};
    like($shown, qr/\A\d{6,}\z/, 'a pass code is generated and shown');
    one_line('a generated pass code', 'D0000000000000000000000000000006', $before, ['pass_code'], {}, {});
    push @secrets, 'opens-4711', 'opens-4712', $shown;
    keep_secrets();
}
{
    my $id = 'D0000000000000000000000000000013';
    my $before = count();
    $dbh->do(q(UPDATE access_tokens SET verification_code = 'verify-0815' WHERE id = ?), undef, $id);
    one_line('a verification code', $id, $before, ['verification_code'], {}, {});
    push @secrets, 'verify-0815';
    keep_secrets();
}

# ---- other programs

# DO changes the access tokens with these ids: each gets one line.
sub by_others {
    my ($name, $fields, $old, $new, $statement, @ids) = @_;
    my %version = map { $_ => row_of($_)->{version} } @ids;
    my $before = count();
    my $start = utc_now();
    $dbh->do($statement);
    my $end = utc_now();
    is(count() - $before, @ids, "$name: a line for each access token");
    for my $id (@ids) {
        my $line = ($server->history($id))[-1] // {};
        cmp_ok(row_of($id)->{version}, '>', $version{$id}, "$name: the version is raised");
        is($line->{version}, row_of($id)->{version}, "$name: the line has this version");
        is_deeply([@$line{qw(fields old_values new_values)}], [$fields, $old, $new], "$name: the changes")
            or diag($json->encode($line));
        is_deeply([@$line{qw(user_id unit_id request_id)}], [undef, undef, undef],
                  "$name: it was not a call to the module");
        my $at = iso($line->{changed_at});
        ok($at ge $start && $at le $end, "$name: its time is now, in UTC") or diag("$start $at $end");
    }
    return;
}

sub others {
    my ($how) = @_;
    my @ids = map { "D000000000000000000000000000003$_" } 2 .. 4;
    my $in = join ', ', map { "'$_'" } @ids;
    by_others("$how, no version", ['udf_string_3'], { udf_string_3 => undef }, { udf_string_3 => 'x' },
              "UPDATE access_tokens SET udf_string_3 = 'x' WHERE id = '$ids[0]'", $ids[0]);
    by_others("$how, the next version", ['udf_string_3'], { udf_string_3 => 'x' }, { udf_string_3 => undef },
              "UPDATE access_tokens SET udf_string_3 = NULL, version = version + 1 WHERE id = '$ids[0]'",
              $ids[0]);
    by_others("$how, nothing but the version", [], {}, {},
              "UPDATE access_tokens SET version = version + 1 WHERE id = '$ids[0]'", $ids[0]);
    by_others("$how, a much higher version", [], {}, {},
              "UPDATE access_tokens SET version = version + 5 WHERE id = '$ids[0]'", $ids[0]);
    by_others("$how, a lower version", [], {}, {},
              "UPDATE access_tokens SET version = 1 WHERE id = '$ids[0]'", $ids[0]);
    by_others("$how, the same value", [], {}, {},
              "UPDATE access_tokens SET udf_string_4 = udf_string_4 WHERE id = '$ids[0]'", $ids[0]);
    by_others("$how, many rows", ['udf_float_2'], { udf_float_2 => undef }, { udf_float_2 => 2 },
              "UPDATE access_tokens SET udf_float_2 = 2 WHERE id IN ($in)", @ids);
    by_others("$how, many rows with the version", ['udf_float_2'], { udf_float_2 => 2 },
              { udf_float_2 => undef },
              "UPDATE access_tokens SET udf_float_2 = NULL, version = version + 1 WHERE id IN ($in)", @ids);
    by_others("$how, none", undef, undef, undef,
              q(UPDATE access_tokens SET udf_float_2 = 3 WHERE id = 'none of them'));
    my %new = (number => '9150', life_cycle_state => 'NOT_EFFECTIVE',
               classification_id => 'CC000000000000000000000000000001',
               accounts_receivable_id => 'A0000000000000000000000000000001',
               reward_participant_id => 'B0000000000000000000000000000001',
               verified_date => '2024-06-01T12:00:00');
    my $row = row_of($ids[1]);
    my %old = map { $_ => /_date$/ && defined $row->{$_} ? iso($row->{$_}) : $row->{$_} } keys %new;
    my @order = qw(number life_cycle_state classification_id accounts_receivable_id
                   reward_participant_id verified_date);
    by_others("$how, columns that the module never changes", \@order, \%old, \%new,
              'UPDATE access_tokens SET ' . join(', ', map { "$_ = '$new{$_}'" } @order)
              . ", created_by_user_id = '1' WHERE id = '$ids[1]'", $ids[1]);
    by_others("$how, and back", \@order, \%new, \%old,
              'UPDATE access_tokens SET '
              . join(', ', map { "$_ = " . $dbh->quote($old{$_}) } @order) . " WHERE id = '$ids[1]'", $ids[1]);
    return;
}

# In a time zone ahead of UTC.
$dbh->do(q(SET time_zone = '+05:30')) if $has_server;
$ENV{TZ} = 'Asia/Kolkata';
POSIX::tzset();
others('another program');
if (!$has_server) {
    # Each connection has its own setting.
    $dbh->do('PRAGMA recursive_triggers = ON');
    others('a program with recursive triggers');
    $dbh->do('PRAGMA recursive_triggers = OFF');
}
{
    # If another program has written odd values, it must be possible to correct them.
    my $id = 'D0000000000000000000000000000033';
    $server->database->enforce_checks(0);
    by_others('a set that is not JSON', ['custom_field_set'], { custom_field_set => undef },
              { custom_field_set => 'no "JSON"' },
              qq(UPDATE access_tokens SET custom_field_set = 'no "JSON"' WHERE id = '$id'), $id);
    $server->database->enforce_checks(1);
    by_others('its correction', ['custom_field_set'], { custom_field_set => 'no "JSON"' },
              { custom_field_set => undef },
              "UPDATE access_tokens SET custom_field_set = NULL WHERE id = '$id'", $id);
    my $before = count();
    my $bytes = $has_server ? 'X' : 'CAST(X';
    my $end = $has_server ? '' : ' AS TEXT)';
    $dbh->do("UPDATE access_tokens SET identifier = $bytes'61FF62'$end WHERE id = '$id'");
    $dbh->do("UPDATE access_tokens SET identifier = NULL WHERE id = '$id'");
    is(count(), $before + 2, 'bytes that are not UTF-8 can be written and corrected');
    is_deeply([map { $_->{fields} } ($server->history($id))[-2, -1]], [['identifier'], ['identifier']],
              'and both are in the history') if $has_server;
    $dbh->do('DELETE FROM access_token_changes WHERE token_id = ?', undef, $id) if !$has_server;
}

# ---- changes that are not committed have no line

{
    my $id = 'D0000000000000000000000000000011';
    my ($before, $version) = (count(), row_of($id)->{version});
    $dbh->begin_work;
    $dbh->do(q(UPDATE access_tokens SET udf_string_1 = 'never' WHERE id = ?), undef, $id);
    is(count(), $before + 1, 'during the transaction there is a line');
    $dbh->rollback;
    is(count(), $before, 'and after a rollback there is none');
    $dbh->begin_work;
    $dbh->do(q(UPDATE access_tokens SET udf_string_1 = ? WHERE id = ?), undef, $_, $id) for 'one', 'two';
    $dbh->commit;
    is(versions($id), join(' ', $version + 1, $version + 2), 'two updates of a transaction are two versions');

    $before = count();
    for my $case ([409, { authentication_code => 'demo-card' }], [422, { udf_float_1 => 'much' }],
                  [412, { udf_string_1 => 'x' }, { 'If-Match' => qq("$id-1") }],
                  [403, {}, {}, 'demo-session-forbidden'], [401, {}, {}, 'demo-session-expired']) {
        my ($status, @call) = @$case;
        is(update('demo-not-effective', @call)->{status}, $status, "a refused call: $status");
    }
    is(count(), $before, 'refused calls have no line');
}

# ---- an Idempotency-Key: sent again, made once

{
    my $before = count();
    my @replies = map {
        update($udf{code}, { udf_string_1 => 'once' }, { 'Idempotency-Key' => 'history-1' });
    } 1 .. 3;
    is(join(' ', map { $_->{status} . ($_->{headers}{'idempotency-replayed'} // '') } @replies),
       '200 200true 200true', 'a call is sent three times');
    one_line('a call that is sent three times', $udf{id}, $before, ['udf_string_1'],
             { udf_string_1 => 'by a contractor' }, { udf_string_1 => 'once' });
}

# ---- concurrent calls

{
    my ($clients, $calls) = (12, 4);
    my $id = 'D0000000000000000000000000000001';
    my $first = row_of($id)->{version};
    my @fields = ((map { "udf_string_$_" } 1 .. 3), (map { "udf_string_$_" } 1 .. 3), 'card_masked_number',
                  (map { "udf_string_$_" } 4 .. 8));
    my @results = $server->in_parallel($clients, sub {
        my ($client) = @_;
        return [map {
            my $value = "client $client call $_";
            my $reply = update('demo-card', { $fields[$client] => $value });
            my ($version) = ($reply->{headers}{etag} // '') =~ /-(\d+)"$/;
            { status => $reply->{status}, version => $version, field => $fields[$client], value => $value };
        } 1 .. $calls];
    });
    my @replies = map { ref eq 'ARRAY' ? @$_ : $_ } @results;
    is(join(' ', map { $_->{status} // $_->{died} } @replies), join(' ', (200) x ($clients * $calls)),
       'concurrent calls succeed');
    my @lines = $server->history($id);
    is(join(' ', sort { $a <=> $b } map { $_->{version} } @lines),
       join(' ', $first + 1 .. $first + $clients * $calls), 'each version has one line, and none is missing');
    my %line = map { $_->{version} => $_ } @lines;
    my @wrong = grep {
        my $line = $line{ $_->{version} } // {};
        $json->encode([@$line{qw(fields new_values)}])
            ne $json->encode([[$_->{field}], { $_->{field} => $_->{value} }]);
    } @replies;
    is_deeply(\@wrong, [], 'the line of a version belongs to the call that got this version');
    # From the first row, line by line, to the current row.
    my (%state, @torn);
    for my $line (map { $line{$_} } sort { $a <=> $b } keys %line) {
        for my $field (@{ $line->{fields} }) {
            my $before = $state{$field};
            push @torn, "$line->{version} $field"
                if ($before // 'NULL') ne ($line->{old_values}{$field} // 'NULL');
            $state{$field} = $line->{new_values}{$field};
        }
    }
    is_deeply(\@torn, [], 'the old values of each line are the new values before it');
    my $row = row_of($id);
    is_deeply({ map { $_ => $row->{$_} } keys %state }, \%state, 'and the last values are those of the row');
    is(scalar keys %state, 9, 'for each field that was sent');
}

# ---- a version that is already in the history

my $key = $has_server ? 'access_token_changes_version'
    : 'access_token_changes.token_id, access_token_changes.version';
{
    my $version = row_of($udf{id})->{version};
    $dbh->do(q(INSERT INTO access_token_changes (token_id, version, changed_at, fields, old_values, new_values)
        VALUES (?, ?, '2024-01-01T00:00:00', '[]', '{}', '{}')), undef, $udf{id}, $version + 1);
    my ($before, $lines) = ($server->tokens, everything());
    my $reply = update($udf{code}, { udf_string_1 => 'twice', pass_code => 'p-4711-p', identifier => 'i-4711' },
                       { 'Idempotency-Key' => 'history-2' });
    is(AccessTokenTest::outcome($reply), '500 INTERNAL_ERROR', 'a version that is already in the history');
    unlike($reply->{content}, qr/access_token_changes|version/, 'the reply shows nothing of the tables');
    my $id = $reply->{headers}{'x-request-id'};
    my $log = $server->wait_for_error(qr/AT00\d: .*\Q$id\E/, 5) // 'nothing';
    like($log, $has_server ? qr/history.*\b$key\b/ : qr/history.*access_token_changes\.token_id/,
         'the log names the key');
    unlike($log, qr/4711/, 'without secrets');
    $server->expect_log(qr/AT00\d: .*\Q$id\E/);
    is($server->tokens, $before, 'no access token has changed');
    is(everything(), $lines, 'and neither has the history');
    is($dbh->selectrow_array(q(SELECT COUNT(*) FROM access_token_requests
        WHERE idempotency_key = 'history-2')), 0, 'and the key is not used up');
    for my $set ("udf_string_1 = 'x'", 'version = version + 1', 'version = 1') {
        ok(!eval { $dbh->do("UPDATE access_tokens SET $set WHERE id = '$udf{id}'"); 1 },
           "another program is refused: $set");
        like($@, $has_server ? qr/Duplicate entry .* for key '(?:access_token_changes\.)?$key'/ : qr/UNIQUE constraint failed: \Q$key\E/,
             "$set: with the name of the key");
    }
    is($server->tokens, $before, 'no access token has changed');
    is(everything(), $lines, 'and neither has the history');
    $dbh->do('DELETE FROM access_token_changes WHERE token_id = ? AND version = ?', undef,
             $udf{id}, $version + 1);
    $before = count();
    is(update($udf{code}, { udf_string_1 => 'corrected' })->{status}, 200, 'without that line it works');
    one_line('corrected', $udf{id}, $before, ['udf_string_1'], { udf_string_1 => 'once' },
             { udf_string_1 => 'corrected' });
}

# ---- an access token that is inserted again

{
    my $id = 'D0000000000000000000000000000024';
    update('demo-no-owner', { udf_string_1 => "life 1, call $_" }) for 1 .. 3;
    is(versions($id), '2 3 4', 'an access token and its history');
    my $lines = everything();
    $dbh->do('DELETE FROM access_tokens WHERE id = ?', undef, $id);
    is(everything(), $lines, 'the history stays when it is deleted');
    my $insert = 'INSERT INTO access_tokens (id, number, authentication_code, created_date%s)'
        . " VALUES ('$id', '136', 'demo-no-owner', '2024-01-01T08:00:00'%s)";
    $dbh->do(sprintf $insert, '', '');
    is(row_of($id)->{version}, 5, 'inserted again, it has the version after its history');
    is(everything(), $lines, 'without a line, since it is not an update');
    is(update('demo-no-owner', { udf_string_1 => 'life 2' })->{headers}{etag}, qq("$id-6"), 'a call');
    is(versions($id), '2 3 4 6', 'an update has the next version');
    $dbh->do('DELETE FROM access_tokens WHERE id = ?', undef, $id);
    $dbh->do(sprintf $insert, ', version', ', 40');
    is(row_of($id)->{version}, 40, 'a higher version stays');
    $dbh->do('DELETE FROM access_tokens WHERE id = ?', undef, $id);
    $dbh->do(sprintf $insert, ', version', ', 6');
    is(row_of($id)->{version}, 7, 'and a version in the history is skipped');
    is(everything() =~ s/\n.*\z//r, $lines, 'all without a line');

    # All rows of the demonstration, with the history of their earlier copies.
    $database->load(AccessTokenTest::srcdir() . '/sql/' . $database->sql_folder . '/demo.sql');
    my $before = count();
    is(update($udf{code}, { udf_string_1 => 'again' })->{status}, 200, 'demo.sql, and a call');
    one_line('demo.sql', $udf{id}, $before, ['udf_string_1'], { udf_string_1 => 'plain text' },
             { udf_string_1 => 'again' });
    is($dbh->selectrow_array('SELECT COUNT(*) FROM access_tokens t, access_token_changes c
        WHERE t.id = c.token_id AND t.version < c.version'), 0, 'no access token has an older version than its history');
}

# ---- no secrets

{
    my $all = everything();
    my %seen;
    my @unique = grep { !$seen{$_}++ } @secrets;
    cmp_ok(scalar(grep { /^\$2y\$04\$/ } @unique), '>=', 4, 'there are hashes to search for');
    cmp_ok(scalar @unique, '>=', 40, 'and codes, pass codes and verification codes');
    # Raw, as JSON writes it, and with all but ASCII escaped.
    my @found = grep {
        my $secret = $_;
        grep { index($all, $_) >= 0 } $secret, substr($json->encode($secret), 1, -1),
            substr(JSON::PP->new->ascii->allow_nonref->encode($secret), 1, -1);
    } @unique;
    is_deeply(\@found, [], 'none of them is in the history');
    ok(index($all, 'by a contractor') >= 0 && index($all, '******') >= 0,
       'and the same search finds other texts');
    unlike($all, qr/\$2[aby]\$|\$6\$|\$apr1\$|\{SHA\}/, 'and neither is any hash');
}

# ---- retention and removal, as the head of the file says

my $folder = AccessTokenTest::srcdir() . '/sql/' . $database->sql_folder;

my $head = decode_utf8(read_text("$folder/history.sql")) =~ s/^[^-].*//msr =~ s/^-- ?//mgr;

{
    my ($delete) = $head =~ /^ +(DELETE FROM access_token_changes .*);$/m;
    ok(defined $delete, 'a statement that removes old lines is documented') or BAIL_OUT('history.sql');
    my ($old) = $dbh->selectrow_array('SELECT MIN(id) FROM access_token_changes');
    $dbh->do(q(UPDATE access_token_changes SET changed_at = '2001-01-01T00:00:00' WHERE id = ?), undef, $old);
    my $before = count();
    $dbh->do($delete);
    is(count(), $before - 1, 'it removes the old line');
    is($dbh->selectrow_array('SELECT COUNT(*) FROM access_token_changes WHERE id = ?', undef, $old), 0,
       'and only that');
}
{
    my ($remove) = $head =~ /^Remove: (.*?)\n\n/ms;
    my @statements = ($remove // '') =~ /\b(DROP [^;]+);/g;
    is(scalar @statements, 3, 'the removal is documented');
    $dbh->do($_) for @statements;
    if (!$has_server) {
        my ($trigger) = decode_utf8(read_text("$folder/schema.sql")) =~ /^(CREATE TRIGGER access_tokens_version .*?END;)$/ms;
        $dbh->do($trigger);
        $server->graceful;
    }
    my $before = row_of($udf{id})->{version};
    is(update($udf{code}, { udf_string_1 => 'without' })->{status}, 200, 'without the history it works');
    $dbh->do('UPDATE access_tokens SET udf_string_1 = NULL WHERE id = ?', undef, $udf{id});
    is(row_of($udf{id})->{version}, $before + 2, 'and other programs raise the version');
    $database->load("$folder/history.sql");
    $server->graceful if !$has_server;
    is(update($udf{code}, { udf_string_1 => 'with' })->{status}, 200, 'installed again');
    is(versions($udf{id}), $before + 3, 'it continues');
}
$server->finish;

# ---- the ways to load the files

if (!$has_server) {
    my $file = $server->path('shell.db');
    for my $name (qw(schema documents demo history)) {
        my $said = `sqlite3 -bail "$file" <"$folder/$name.sql" 2>&1`;
        is("$? " . $said =~ s/^wal\n//r, '0 ', "the shell sqlite3 loads $name.sql");
    }
    my $shell = DBI->connect("dbi:SQLite:dbname=$file", '', '', { RaiseError => 1, PrintError => 0 });
    $shell->do(q(UPDATE access_tokens SET udf_string_1 = 'x'));
    is($shell->selectrow_array('SELECT COUNT(*) FROM access_token_changes'),
       $shell->selectrow_array('SELECT COUNT(*) FROM access_tokens'), 'and the history works');
}

done_testing;
