# What a folder of statements need not have: keys, custom fields, numbers, rules, a version
# of the schema.
use strict;
use warnings;

use Test::More;

use AccessTokenTest;

my $server = AccessTokenTest->new(statements => 'least', conf => <<'END');
AccessTokenIdempotencyKeyFile secret
<Location "/ready">
    SetHandler access-token-ready
</Location>
END
$server->write_file('secret', '0123456789abcdef' x 2);
my %least = (
    'save.sql' => sub {
        s/^-- \@unique \S+ identifier\n//m && s/^ +custom_field_set .*\n//m && s/^ +request_key .*\n//m && s/^ +request_digest .*,\n//m
            && s/,\n +request_expires .*\n/\n/
    },
    'load_select.sql' => sub { s/^.*AS 'data\.custom_field_set.*\n//m },
    'lookups/rules.sql' => sub { s/^.*AS 'rule\..*\n//mg && s/,\nFROM/\nFROM/ },
    'startup.sql' => sub { s/^SELECT .*AS 'schema\.version',/SELECT/m },
);
my $folder = $server->copy_statements('least', %least);
for my $file (qw(find_request custom_fields next_number)) {
    unlink "$folder/$file.sql" or die "$file.sql: $!\n";
}

my ($status, $said) = $server->configtest;
is($status, 0, 'configtest passes');
like($said, qr/AT065: AccessTokenIdempotencyKeyFile is set, but save\.sql of \S+\/least keeps no keys/,
     'and warns that no key is kept');
like($said, qr{AT067: \S+/least/save\.sql: it can set identifier, and no \@unique names the unique key},
     'and of an identifier without @unique');
unlike($said, qr/AT067: .* set authentication_code/, 'the authentication code has one');
$server->expect_log(qr/AT065: /, qr/AT067: /);
$server->run;
like($server->wait_for_error(qr/AT026: .*/), qr/the statements of \S+ fit the \w+ database\n?\z/,
     'the statements fit, whatever version the schema has');
$server->dbh->do(q(UPDATE access_token_schema SET version = '99'));
is($server->request('GET', '/ready')->{status}, 200, 'the method is ready');

sub update {
    my ($fields, $headers) = @_;
    return $server->post({ token => 'demo-session-clerk',
                           access_token_identifier => { authentication_code => 'demo-udf' }, %$fields }, $headers);
}

is(AccessTokenTest::outcome(update({ udf_string_1 => 'x', identifier => '!', pass_code => '1' })), '200 OK',
   'without rules, each value is right');
is($server->dbh->selectrow_array(q(SELECT udf_string_1 FROM access_tokens WHERE authentication_code = 'demo-udf')),
   'x', 'it is saved');

my $reply = update({ udf_string_1 => 'y' }, { 'Idempotency-Key' => 'k-1' });
is(AccessTokenTest::outcome($reply), '400 INVALID_REQUEST', 'a call with a key');
like($reply->{json}{status}{description}, qr/does not support Idempotency-Key/, 'its description');

is_deeply([map { "$_->{code} $_->{pointer}" } @{ update({ custom_field_set => { a => 1 } })->{json}{errors} }],
          ['UNKNOWN_PARAMETER /custom_field_set'], 'no custom fields');
is(AccessTokenTest::outcome(update({ fields_set => 'custom_field_set.a' })), '422 VALIDATION_FAILED /fields_set UNKNOWN_FIELD',
   'not in the reply either');

$reply = update({ identifier => undef, pass_code => undef });
is_deeply([map { "$_->{code} $_->{pointer}" } @{ $reply->{json}{errors} }],
          ['MANDATORY /identifier', 'MANDATORY /pass_code'], 'but an identifier with its pass code is needed');
$reply = update({ authentication_code => undef });
is_deeply([map { "$_->{code} $_->{pointer}" } @{ $reply->{json}{errors} }],
          ['MANDATORY /authentication_code'], 'and an authentication code');

# A rule that says NUMBER.
$server->stop;
$server->write_file('least/lookups/rules.sql',
                    do { open my $file, '<', "$folder/lookups/rules.sql" or die "$!\n"; local $/; <$file> }
                    =~ s/^FROM/    , 'NUMBER' AS 'rule.identifier_creation'\nFROM/mr);
$server->expect_log(qr/AT065: /, qr/AT067: /);
$server->run;
$server->expect_log(qr/AT003: rule\.identifier_creation is NUMBER, but \S+\/least has no next_number\.sql/);
is(AccessTokenTest::outcome(update({ identifier => undef, pass_code => 'x' })), '500 INTERNAL_ERROR', 'a number without next_number.sql');

$server->finish;
done_testing;
