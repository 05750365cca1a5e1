# A schema of your own: other tables, columns and types, no units, another form of the
# reply. It needs a folder of statements, but no C code.
use strict;
use warnings;
use utf8;

use MIME::Base64 qw(encode_base64);
use Test::More;

use AccessTokenTest;

my $has_server = AccessTokenTest::engine() ne 'sqlite3';
my $name = 't/data/own-schema/' . ($has_server ? 'mysql' : 'sqlite3');
my $folder = AccessTokenTest::srcdir() . "/$name";
my $server = AccessTokenTest->new(
    schema => ["$folder/schema.sql", "$folder/data.sql"], statements => AccessTokenTest::datadir() . "/$name/statements",
    conf => <<'END');
AccessTokenPassCodeScheme bcrypt 4
<Location "/by-user">
    SetHandler access-token-update
    AccessTokenCaller apache
    AuthType Basic
    AuthName "staff"
    AuthBasicProvider file
    AuthUserFile passwords
    Require valid-user
</Location>
END
$server->write_file('passwords', 'anna:' . crypt('anna-opens', '$6$rounds=1000$salt') . "\n");
$server->run;
ok($server->wait_for_error(qr/AT026: .*own-schema/), 'statements and schema fit');

my $dbh = $server->dbh;
my $start = time;

sub row {
    my ($number) = @_;
    return $dbh->selectrow_hashref('SELECT * FROM cards WHERE card_no = ?', undef, $number);
}

sub update {
    my ($code, $fields, %more) = @_;
    my $key = ref $code ? $code : { authentication_code => $code };
    return $server->post({ token => $more{token} // 'anna-session',
                           access_token_identifier => $key, %$fields }, $more{headers});
}

sub outcome {
    my ($reply) = @_;
    return join ' ', $reply->{json}{status}{code} // $reply->{status},
        map { "$_->{code} $_->{pointer}" } @{ $reply->{json}{errors} // [] };
}

# ---- the form of the reply, and the stored values

my $gold = {
    authentication_code => 'gold-7', identifier => undef, points => 1250,
    card => { number => 'C7', tier => 'G', blocked => JSON::PP::false },
    preferences => { seat => ['aisle', 12], veg => JSON::PP::true },
    holder => { id => 70, name => 'Ωραία Παρασκευή' }, changed_by => 'anna',
};
{
    my $reply = update('gold-7', {});
    is_deeply($reply->{json}{data}, $gold, 'the reply has the shape that the SELECT gives it');
    like($reply->{content}, qr/"points":1250[,}]/, 'a :number is a number');
    like($reply->{content}, qr/"blocked":false[,}]/, 'a :boolean is a boolean');
    is($reply->{headers}{etag}, '"7-1"', 'the ETag has the id and revision of this schema');
    $reply = update('silver-8', {});
    is_deeply($reply->{json}{data}, {
        authentication_code => 'silver-8', identifier => undef, points => 0,
        card => { number => 'C8', tier => 'S', blocked => JSON::PP::true },
        preferences => undef, changed_by => 'anna',
    }, 'an empty :json is null, an object with ? is left out');
    is_deeply(update('silver-9', {})->{json}{data}{preferences}, [], 'a :json may be an array');
}

my %fields = (
    identifier => 'ζωή', pass_code => '24680', udf_string_1 => 'Zoë 🎁', udf_string_2 => 'seen',
    udf_float_1 => 0.1, udf_date_1 => '1999-12-31T23:59:59',
    custom_field_set => { lounge => JSON::PP::true, visits => 12.5, greeting => 'Γεια' },
);
{
    my $reply = update('gold-7', { %fields });
    is(outcome($reply), 'OK', 'every field that this schema has is set');
    my %expected = (%$gold, map { $_ => $fields{$_} }
        qw(identifier udf_string_1 udf_float_1 udf_date_1 custom_field_set));
    is_deeply($reply->{json}{data}, \%expected, 'and replied');
    is_deeply(update('gold-7', {})->{json}{data}, \%expected,
              'the next call reads the same from the table');
    my $row = row(7);
    is($row->{nick}, 'Zoë 🎁', 'nick is stored');
    is($row->{remark}, 'seen', 'remark is stored, although no reply has it');
    cmp_ok($row->{credit}, '==', 0.1, 'credit is stored');
    is($row->{valid_from}, 946_684_799, 'the date is stored as seconds');
    is($row->{changed_by}, 1, 'and the user who changed it');
    ok($row->{changed_at} >= $start - 1 && $row->{changed_at} <= time + 1, 'and the time');
    is($row->{revision}, 3, 'each call is a revision');
    is($row->{points}, 1250, 'and a column that no statement sets is unchanged');
}
# SQLite writes a REAL of these sizes exactly; for others the shipped schema uses text.
for my $number ('0.1', '-2.5', '1e-7', '123456.789', '12345678901234.56') {
    $server->post(qq({"token":"anna-session","access_token_identifier":)
        . qq({"authentication_code":"gold-7"},"udf_float_1":$number}));
    my ($text) = update('gold-7', {})->{content} =~ /"udf_float_1":([^,}]+)/;
    cmp_ok($text, '==', $number, "$number comes back unchanged");
    cmp_ok(length $text, '<=', length $number, "$number: in its shortest form");
}
{
    my $reply = update('gold-7', { map { $_ => undef } qw(udf_string_1 udf_float_1 udf_date_1) });
    ok(!exists $reply->{json}{data}{$_}, "null clears $_")
        for qw(udf_string_1 udf_float_1 udf_date_1);
    is_deeply([@{ row(7) }{qw(nick credit valid_from)}], [undef, undef, undef], 'in the table too');
}

# ---- fields that this schema does not have

is(outcome(update('gold-7', { udf_string_3 => 'x', udf_float_2 => 1, udf_date_2 => undef,
                              card_masked_number => undef })),
   'VALIDATION_FAILED ' . join(' ', map { "UNKNOWN_PARAMETER /$_" }
       qw(card_masked_number udf_date_2 udf_float_2 udf_string_3)),
   'fields that save.sql does not set are unknown');
for my $case (
    ['points', { points => 1250 }],
    ['card', { card => $gold->{card} }],
    ['card.blocked, holder.name', { card => { blocked => JSON::PP::false },
                                    holder => { name => 'Ωραία Παρασκευή' } }],
    ['udf_string_1,identifier', { udf_string_1 => undef, identifier => 'ζωή' }],
) {
    my ($wanted, $data) = @$case;
    is_deeply(update('gold-7', { fields_set => $wanted })->{json}{data}, $data,
              "fields_set: $wanted");
}
is(outcome(update('gold-7', { fields_set => [qw(points log_information udf_string_2 card.pin)] })),
   'VALIDATION_FAILED ' . join(' ', map { "UNKNOWN_FIELD /fields_set/$_" } 1 .. 3),
   'fields_set knows the members of this reply and no others');

# ---- unique values

for my $case (['authentication_code', { authentication_code => 'gold-7' }],
              ['identifier', { identifier => 'ζωή', pass_code => '1234' }]) {
    my ($field, $fields) = @$case;
    my $before = row(8);
    is(outcome(update('silver-8', $fields)), "DUPLICATE_VALUE DUPLICATE_VALUE /$field",
       "another card has this $field");
    is_deeply(row(8), $before, 'and nothing changes');
}
{
    # A unique key without a line @unique: not an error of the caller.
    update('silver-9', { udf_string_1 => 'same nick' });
    my $before = row(8);
    my $reply = update('silver-8', { udf_string_1 => 'same nick' });
    is(outcome($reply), 'INTERNAL_ERROR', 'a unique key without @unique is a defect');
    is_deeply(row(8), $before, 'and nothing changes');
    unlike($reply->{content}, qr/one_nick|cards|UPDATE|same nick/, 'the reply has no names');
    my $key = $has_server ? 'one_nick' : 'cards.nick';
    $server->expect_log(qr/AT\d+: .*save\.sql: .*\b\Q$key\E\b.*-- \@unique \Q$key\E/);
}

# ---- custom fields

is(outcome(update('silver-8', { custom_field_set => { greeting => 'hi', lounge => \1 } })),
   'VALIDATION_FAILED UNKNOWN_CUSTOM_FIELD /custom_field_set/lounge',
   "the custom fields depend on the card");
is(outcome(update('gold-7', { custom_field_set => { lounge => 'yes', visits => '1' } })),
   'VALIDATION_FAILED INVALID_TYPE /custom_field_set/lounge INVALID_TYPE /custom_field_set/visits',
   'their types come from the table');
is_deeply(update('gold-7', { custom_field_set => { visits => 13, greeting => '' } })
              ->{json}{data}{custom_field_set},
          { lounge => JSON::PP::true, visits => 13 }, 'one is changed, one removed, one kept');
is_deeply(JSON::PP->new->decode(row(7)->{extras}), { lounge => JSON::PP::true, visits => 13 },
          'in the table too');

# ---- identifier and pass code, rules, generation

{
    my $key = { identifier => 'ζωή', pass_code => '24680' };
    is(outcome(update($key, {})), 'OK', 'identifier and pass code open the card');
    is(outcome(update({ %$key, pass_code => '24681' }, {})), 'ACCESS_TOKEN_NOT_FOUND',
       'another pass code does not');
    is(outcome(update($key, { pass_code => '123' })), 'VALIDATION_FAILED TOO_SHORT /pass_code',
       "the length of the policy applies");
    is(outcome(update($key, { pass_code => 'abcd' })),
       'VALIDATION_FAILED INVALID_FORMAT /pass_code', 'and its format');
    like(row(7)->{pin_hash}, qr/\A\$2y\$04\$/, 'a hash is stored');
    is(outcome(update($key, { identifier => undef, pass_code => undef })), 'OK',
       'both may be removed');
    is_deeply([@{ row(7) }{qw(web_name pin_hash)}], [undef, undef], 'and are removed');
}
{
    my $reply = update('silver-9', { authentication_code => undef });
    my $number = $reply->{json}{data}{authentication_code};
    like($number, qr/\A\d+\z/, 'a barcode is generated, without sequences');
    is(row(9)->{barcode}, $number, 'and stored');
}

# ---- callers, versions

is(outcome(update('gold-7', {}, token => $_->[0])), $_->[1], "$_->[0]: $_->[1]") for
    ['bob-session', 'FORBIDDEN'], ['old-session', 'INVALID_TOKEN'], ['no-session', 'INVALID_TOKEN'];
{
    my $basic = 'Basic ' . encode_base64('anna:anna-opens', '');
    my $reply = $server->post({ access_token_identifier => { authentication_code => 'gold-7' } },
                              { authorization => $basic }, '/by-user');
    is($reply->{json}{data}{changed_by}, 'anna', "Apache's user is found in the table staff");
    my $etag = $reply->{headers}{etag};
    is(outcome(update('gold-7', {}, headers => { 'If-Match' => $etag })), 'OK',
       'If-Match with the current revision');
    is(outcome(update('gold-7', {}, headers => { 'If-Match' => $etag })), 'PRECONDITION_FAILED',
       'If-Match with an older one');
}
{
    my $before = row(7)->{revision};
    my @fields = ({ udf_string_1 => 'a' }, { udf_string_2 => 'b' }, { udf_float_1 => 2.5 },
                  { udf_date_1 => '2020-02-29' }, { custom_field_set => { visits => 14 } },
                  { custom_field_set => { greeting => 'c' } });
    my @codes = $server->in_parallel(scalar @fields,
        sub { return outcome(update('gold-7', $fields[$_[0]])) });
    is("@codes", 'OK OK OK OK OK OK', 'concurrent calls');
    my $row = row(7);
    is($row->{revision}, $before + @fields, 'each is a revision');
    is_deeply([@$row{qw(nick remark credit valid_from)}], ['a', 'b', 2.5, 1_582_934_400],
              'and no update is lost');
    is_deeply(JSON::PP->new->decode($row->{extras}),
              { lounge => JSON::PP::true, visits => 14, greeting => 'c' }, 'also in the set of custom fields');
}

$server->finish;

# ---- a save that raises the version by more than one

# The first calls of a child find out the step; after that each ETag is right.
{
    my $other = AccessTokenTest->new(conf => AccessTokenTest::one_child_conf());
    $other->{options}{statements} = $other->copy_statements('statements',
        'save.sql' => sub { s/version += version \+ 1/version = version + 2/ });
    $other->write_conf;
    $other->run;
    my $call = sub {
        my ($headers) = @_;
        return $other->post({ token => 'demo-session-clerk', udf_string_1 => 'x', access_token_identifier =>
                              { authentication_code => 'demo-udf' } }, $headers);
    };
    my $version = sub {
        return $other->dbh->selectrow_array(
            q(SELECT version FROM access_tokens WHERE authentication_code = 'demo-udf'));
    };
    # Under prefork each child has to find it out.
    my $tag = $other->wait_for(sub {
        my $etag = $call->()->{headers}{etag};
        return $etag =~ /-@{[ $version->() ]}"$/ && $etag;
    }) // 'none';
    my $before = $version->();
    my $reply = $other->wait_for(sub { my $is = $call->({ 'If-Match' => $tag }); $is if $is->{status} == 200 }, 1);
    is($reply && $reply->{headers}{etag}, '"D0000000000000000000000000000031-' . ($before + 2) . '"',
       'a save that raises the version by two: If-Match accepts the ETag');
    is($call->({ 'If-Match' => $tag })->{status}, 412, 'once');
    $other->finish;
}
done_testing;
