# The commands of the sections "Backups" and "Restore" of docs/operations.md, as they
# are: what was saved before the backup is there again, and httpd goes on.
use strict;
use warnings;

use Encode qw(decode_utf8);
use Test::More;

use AccessTokenTest;
use AccessTokenTest::File qw(source_text write_text);

my $server = AccessTokenTest->start(history => 1);
my $has_server = $server->database->engine ne 'sqlite3';

# The blocks of the section NAME that are for this engine, as the page has them.
sub commands_of {
    my ($name) = @_;
    my ($section) = source_text('docs/operations.md') =~ /^## $name\n(.*?)^## /ms
        or die "docs/operations.md has no section $name\n";
    my @blocks = $section =~ /^((?: {4}.*\n)+)/mg;
    return map { s/^ {4}//gmr } grep { $has_server ? /\bmariadb\b/ : /\bsqlite3 tokens\.db/ } @blocks;
}

# Programs that find this test's server, or that only root can run.
mkdir $server->path('bin') or die "bin: $!\n";
sub program {
    my ($name, $script) = @_;
    write_text($server->path("bin/$name"), "#!/bin/sh\n$script\n");
    chmod 0755, $server->path("bin/$name") or die "$name: $!\n";
    return;
}
if ($has_server) {
    my $options = '--no-defaults --user=root --socket="' . $server->database->socket . '"';
    my ($dump, @more) = $server->database->dump;
    ok(index(source_text('docs/operations.md'), "`mysqldump @more` instead of `mariadb-dump`") >= 0,
       'the page has the same options for MySQL') if @more;
    program('mariadb', "PATH=\${PATH#*:}; exec " . $server->database->client . qq( $options "\$@"));
    program('mariadb-dump', qq(PATH=\${PATH#*:}; exec $dump $options @more "\$@"));
}
program('setpriv', 'while [ "$1" != sqlite3 ]; do shift; done; exec "$@"') if $> != 0;
$ENV{PATH} = $server->path('bin') . ":$ENV{PATH}";

sub run_commands {
    my ($name, @commands) = @_;
    my $user = AccessTokenTest::httpd_user() // 'nobody';
    my $folder = $has_server ? $server->path('bin') : $server->database->file =~ s{/[^/]+\z}{}r;
    for my $commands (@commands) {
        my $text = $commands =~ s{/var/lib/mod_access_token}{$folder}gr =~ s{www-data}{$user}gr
            =~ s{(?=sql/mysql/)}{AccessTokenTest::srcdir() . '/'}ger;
        write_text($server->path('script'), "cd '$folder'\n$text");
        my $said = `bash -e "@{[ $server->path('script') ]}" 2>&1`;
        is($?, 0, "$name: the commands work") or diag($text, $said);
    }
    return;
}

# Sets a field; returns the reply. Without a value, it only reads.
sub set {
    my ($value) = @_;
    my $reply = $server->post({ token => 'demo-session-clerk',
        access_token_identifier => { authentication_code => 'demo-card' },
        defined $value ? (udf_string_1 => $value) : () });
    return $reply->{json}{status}{code} eq 'OK' ? $reply->{json}{data}{udf_string_1}
                                                : $reply->{json}{status}{code};
}

my @backup = commands_of('Backups');
my @restore = commands_of('Restore');
is(scalar @backup, 1, 'the section about backups has a block');
is(scalar @restore, $has_server ? 2 : 1, 'and that about restoring');
my ($into_new, $into_used) = $has_server ? @restore : (undef, @restore);

is(set('before'), 'before', 'a value is saved');
run_commands('the backup', @backup);
is(set('after'), 'after', 'then another one');
run_commands('a restore while httpd runs', $into_used);
is(set(), 'before', 'the first one is there again');
is(set('later'), 'later', 'and calls go on');

SKIP: {
    skip 'SQLite has no server', 5 if !$has_server;
    # A child would log that it lost the database.
    $server->stop;
    $server->database->admin->do('DROP DATABASE access_token');
    run_commands('a restore into a new database', $into_new);
    delete $server->database->{dbh};
    $server->run;
    is(set(), 'before', 'the value is there again');
    is(set('again'), 'again', 'and calls go on');
    my ($lines) = $server->dbh->selectrow_array('SELECT COUNT(*) FROM access_token_changes');
    cmp_ok($lines, '>=', 2, 'the triggers are there, too');
    ok($server->wait_for_error(qr/AT026: /), 'and the start finds nothing wrong');
}
$server->finish;

done_testing;
