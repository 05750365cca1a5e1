# The scripts of sql/ on a server with a binary log, as replication needs it: who may load them, that
# nothing is made where they are refused, and that a dump holds all that they make.
use strict;
use warnings;
use utf8;

use Encode qw(decode_utf8);
use Test::More;

use AccessTokenTest;
use AccessTokenTest::File qw(read_text);

binmode $_, ':encoding(UTF-8)'
    for map { Test::More->builder->$_ } qw(output failure_output todo_output);

plan skip_all => 'SQLite has no binary log and no accounts'
    if AccessTokenTest::engine() eq 'sqlite3';

my @scripts = qw(schema documents history);
my $folder = AccessTokenTest::srcdir() . '/sql/mysql';
my $old = AccessTokenTest::srcdir() . '/t/data/schema-2/mysql.sql';

# An account that owns the database, without SUPER.
my $server = AccessTokenTest->new(schema => [], database_options => [qw(--log-bin=binary --server-id=1)]);
my $database = $server->database;
my $admin = $database->connect;
is($admin->selectrow_array('SELECT @@log_bin'), 1, 'a server with a binary log');
$admin->do(q(CREATE USER owner@localhost IDENTIFIED BY 'owns'));
$admin->do(q(GRANT ALL ON access_token.* TO owner@localhost));
trust(0);

sub trust { $admin->do("SET GLOBAL log_bin_trust_function_creators = $_[0]") }

sub new_database {
    $admin->do('DROP DATABASE access_token');
    $admin->do('CREATE DATABASE access_token CHARACTER SET utf8mb4');
    $admin->do('USE access_token');
    return;
}

# Runs the client program as that account; returns its exit status and output.
sub load_as_owner {
    my ($file) = @_;
    my ($client, $socket) = ($database->client, $database->socket);
    my $said = `'$client' --no-defaults --default-character-set=utf8mb4 --user=owner --password=owns \\
        --socket="$socket" access_token <"$file" 2>&1`;
    # Of MySQL's client.
    return ($? >> 8, $said =~ s/^\S+ \[Warning\] Using a password .*\n//mr);
}

# The tables, views, triggers and routines by name, without their layout.
sub everything {
    my $rows = $admin->selectall_arrayref(q(
        SELECT table_name, table_type FROM information_schema.tables WHERE table_schema = 'access_token'
        UNION ALL
        SELECT trigger_name, CONCAT_WS(' ', action_timing, event_manipulation, sql_mode, action_statement)
          FROM information_schema.triggers WHERE trigger_schema = 'access_token'
        UNION ALL
        SELECT routine_name, CONCAT_WS(' ', sql_mode, dtd_identifier, routine_definition)
          FROM information_schema.routines WHERE routine_schema = 'access_token' ORDER BY 1));
    return { map { $_->[0] => $_->[1] =~ s/\s+/ /gr } @$rows };
}

# ---- who may load them

for my $script (@scripts, 'migrate/2-to-3') {
    new_database();
    trust(1);
    $database->load($script eq 'migrate/2-to-3' ? $old : "$folder/schema.sql") if $script ne 'schema';
    trust(0);
    my $before = everything();
    my ($status, $said) = load_as_owner("$folder/$script.sql");
    isnt($status, 0, "$script.sql is refused to an account without SUPER");
    like($said, qr/ERROR 1419 .*log_bin_trust_function_creators/, 'with the error that names the remedy');
    is_deeply(everything(), $before, 'and has made nothing');
    like(decode_utf8(read_text("$folder/$script.sql")),
         qr/SUPER.*log_bin_trust_function_creators = 1.*1419/s, 'its text explains it');
    ok(eval { $database->load("$folder/$script.sql"); 1 }, 'an account with SUPER loads it') or diag($@);
}

new_database();
trust(1);
for my $script (@scripts) {
    my ($status, $said) = load_as_owner("$folder/$script.sql");
    is("$status $said", '0 ', "with log_bin_trust_function_creators the owner loads $script.sql");
}
trust(0);
$database->load("$folder/$_.sql") for qw(demo documents-fill grants);
my $by_client = everything();
is(join(' ', grep { /\Aaccess_tokens_/ } sort keys %$by_client),
   'access_tokens_changes access_tokens_first_version access_tokens_request access_tokens_version',
   'the triggers are there');
is($admin->selectrow_array(q(SELECT COUNT(*) FROM information_schema.routines
                              WHERE routine_schema = 'access_token')), 0, 'and no routine');

trust(1);
my ($status, $said) = load_as_owner("$folder/schema.sql");
trust(0);
like("$status $said", qr/\A1 .*ERROR 1050 /s, 'schema.sql stops at once where there is a schema');
is_deeply(everything(), $by_client, 'and changes nothing');

# ---- what they have made

# A call that uses triggers, a document and a sequence. Returns the number.
sub serves {
    my ($name, $code) = @_;
    my $httpd = AccessTokenTest->new(database => $database, conf => "AccessTokenIdempotencyKeyFile secret\n");
    $httpd->write_file('secret', 'a secret of 32 characters at least');
    $httpd->run;
    my $reply = $httpd->post({ token => 'demo-session-clerk', authentication_code => undef,
                               access_token_identifier => { authentication_code => $code } },
                             { 'Idempotency-Key' => $name });
    is($reply->{status}, 200, "$name: a call succeeds") or diag($reply->{content});
    my $number = $reply->{json}{data}{authentication_code};
    like($number, qr/\A[0-9]+\z/, "$name: with a number");
    my ($line) = reverse $httpd->history($reply->{json}{data}{id});
    is($line->{version}, ($reply->{headers}{etag} // '') =~ /-(\d+)"/ ? $1 : 'none', "$name: and a line of the history");
    $httpd->finish("$name: no errors");
    return $number;
}
my $code = serves('loaded', 'demo-auto-number');

my $dump = $server->path('dump.sql');
my ($dumper, @options) = $database->dump;
AccessTokenTest::MariaDB::run($dumper, '--no-defaults', @options, '--user=root', '--socket=' . $database->socket,
    '--single-transaction', '--result-file', $dump, 'access_token');
new_database();
$database->load($dump);
is_deeply(everything(), $by_client, 'a dump without --routines has everything');
serves('restored', $code);
my $compared = $database->run_script("$folder/documents-compare.sql");
is($compared, "0 differ\n", 'and the documents are right');

# A program without DELIMITER: it drops these lines and comments, and a semicolon at the
# end of a line ends a statement.
new_database();
for my $script (@scripts, 'grants') {
    my $text = decode_utf8(read_text("$folder/$script.sql")) =~ s/^(?:--|DELIMITER).*\n//mgr;
    my @statements = grep { /\S/ } split /;+\s*$/m, $text;
    my $ok = eval { $admin->do($_) for @statements; 1 };
    ok($ok, "a program without DELIMITER loads $script.sql") or diag($@);
}
is_deeply(everything(), $by_client, 'and makes the same');

done_testing;
