# The session of a connection to the database, and the configuration of the server
# (contract, section 6): the module keeps its guarantees with any defaults. If it can't,
# the log names the fix, and no call gets 200.
use strict;
use warnings;

use Digest::SHA qw(sha1);
use Encode qw(encode_utf8);
use File::Copy qw(copy);
use MIME::Base64 qw(encode_base64);
use Test::More;
use Time::HiRes qw(sleep time);

use AccessTokenTest;

plan skip_all => 'SQLite has no server and no session'
    if AccessTokenTest::engine() eq 'sqlite3';

my $is_mysql = AccessTokenTest::engine() eq 'mysql';
# The server begins each session with latin1, whatever the client asks for.
my @latin1 = ('--character-set-server=latin1', $is_mysql ? '--init-connect=SET NAMES latin1'
                                                         : '--skip-character-set-client-handshake');
my $token = 'demo-session-clerk';
my $secret = 'AccessTokenIdempotencyKeyFile secret';
my $bcrypt = 'AccessTokenPassCodeScheme bcrypt 4';
# Messages of mod_dbd about connections that it cannot open, or that were cut.
my $of_dbd = qr/\[dbd:(?:error|crit)\]/;

sub update {
    my ($server, $code, $fields, $headers, $path) = @_;
    return $server->post({ token => $token, access_token_identifier =>
                           { authentication_code => $code }, %$fields }, $headers, $path);
}

sub ready { $_[0]->request('GET', '/ready')->{status} }

my $ready = qq(<Location "/ready">\n    SetHandler access-token-ready\n</Location>\n);

sub column {
    my ($database, $code, $column) = @_;
    return $database->dbh->selectrow_array(
        "SELECT $column FROM access_tokens WHERE authentication_code = ?", undef, $code);
}

# The group of my.cnf that the module reads. CODE edits its text in $_.
sub edit_group {
    my ($database, $code) = @_;
    my $file = $database->environment->{MARIADB_HOME} . '/my.cnf';
    open my $in, '<', $file or die "$file: $!\n";
    local $_ = do { local $/; <$in> };
    $code->();
    open my $out, '>', $file or die "$file: $!\n";
    print {$out} $_;
    close $out or die "$file: $!\n";
    return;
}

sub without_settings { s/^(?:init-command|default-character-set)\b.*//mg }

# REPLY is 500 or 503 and came soon. The log has LOG, with the request's id.
sub fails {
    my ($server, $name, $status, $log, $call) = @_;
    my $start = time;
    my $reply = $call->();
    is($reply->{status}, $status, "$name: $status") or diag($reply->{content});
    my $id = $reply->{headers}{'x-request-id'} // 'none';
    like($server->wait_for_error(qr/AT00\d: .*\Q$id\E/, 5) // 'nothing', $log,
         "$name: the log names the fix");
    $server->allow_log(qr/AT00\d: .*\Q$id\E/);
    return time - $start;
}

# ---- a server with the worst defaults

{
    my @hostile = (@latin1, qw(--autocommit=0 --completion-type=CHAIN --lc-messages=ja_JP
        --transaction-isolation=READ-UNCOMMITTED --default-time-zone=+05:00),
        '--sql-mode=PAD_CHAR_TO_FULL_LENGTH,ANSI');
    my $server = AccessTokenTest->new(
        database_options => \@hostile, history => 1, location_conf => $secret,
        conf => $ready . $bcrypt,
        # Later values do not count either.
        dbd => { init_sql => q(SET SESSION autocommit = 0, lc_messages = 'de_DE', sql_mode = '',)
                     . q( time_zone = '-03:00') });
    $server->write_file('secret', 'k' x 32);
    my $database = $server->database;
    edit_group($database, \&without_settings);
    my $dbh = $database->dbh;
    $dbh->do('SET SESSION autocommit = 1');
    $dbh->do("SET GLOBAL $_") for qw(foreign_key_checks=0 unique_checks=0 sql_safe_updates=1 sql_select_limit=1),
        $is_mysql ? () : 'check_constraint_checks=0';
    # The session of the module, as a trigger of its save sees it. Code in a trigger has
    # the sql_mode of its creator, so that is read by a function of the load.
    my ($isolation, @checks) = $is_mysql ? '@@transaction_isolation'
        : qw(@@tx_isolation @@check_constraint_checks);
    my $more = join ', ', @checks, '';
    $dbh->do(qq(CREATE TRIGGER tells BEFORE UPDATE ON access_tokens FOR EACH ROW
        SET NEW.udf_string_8 = CONCAT_WS(' ', \@\@autocommit, \@\@completion_type, \@\@character_set_client,
            \@\@character_set_connection, \@\@character_set_results, \@\@lc_messages, \@\@time_zone,
            $isolation, \@\@foreign_key_checks, \@\@unique_checks, $more\@\@sql_safe_updates,
            \@\@sql_select_limit)));
    $server->copy_statements('statements', 'load_select.sql' =>
        sub { s/(?=token\.id +AS 'data\.id')/\@\@sql_mode AS 'data.mode',\n    / });
    $server->{options}{conf} .= <<"END";

<Location "/modes">
    SetHandler access-token-update
    AccessTokenStatements statements
</Location>
END
    $server->write_conf;
    $server->run;

    my $text = "\x{e9}\x{1f41f}\x{3a9}";
    my $reply = update($server, 'demo-card', { udf_string_1 => $text });
    is($reply->{status}, 200, 'a call succeeds') or diag($reply->{content});
    is($reply->{json}{data}{udf_string_1}, $text, 'with the text that was sent');
    is(column($database, 'demo-card', 'HEX(udf_string_1)'), uc unpack('H*', encode_utf8($text)),
       'another connection sees it, each character once');
    is(column($database, 'demo-card', 'udf_string_8'),
       join(' ', qw(1 NO_CHAIN utf8mb4 utf8mb4 utf8mb4 en_US +00:00 REPEATABLE-READ 1 1), (1) x @checks,
            qw(0 18446744073709551615)) =~ s/\b1\b/$is_mysql ? 1 : 'ON'/ger =~ s/ 0 1/$is_mysql ? ' 0 1' : ' OFF 1'/er,
       'the session is right');
    my $mode = update($server, 'demo-card', {}, {}, '/modes')->{json}{data}{mode} // '';
    like($mode, qr/\bSTRICT_TRANS_TABLES\b/, 'and strict');
    is(ready($server), 200, 'the server is ready');

    $reply = update($server, 'demo-card', { authentication_code => 'demo-udf' });
    is(AccessTokenTest::outcome($reply), '409 DUPLICATE_VALUE /authentication_code DUPLICATE_VALUE',
       'a code that another access token has gets 409');
    $reply = update($server, 'demo-card', { identifier => 'strict1', pass_code => 'pass-1' });
    is(AccessTokenTest::outcome($reply), '409 DUPLICATE_VALUE /identifier DUPLICATE_VALUE',
       'and so does an identifier');
    $reply = update($server, 'demo-card', { authentication_code =>
        "x' for key 'access_tokens_identifier", identifier => 'strict1', pass_code => 'pass-1' });
    is(AccessTokenTest::outcome($reply), '409 DUPLICATE_VALUE /identifier DUPLICATE_VALUE',
       'with other fields in the call');
    $dbh->do(q(UPDATE access_token_sequences SET value = 5000 WHERE name = 'authentication_code'));
    $dbh->do(q(UPDATE access_tokens SET authentication_code = '5001'
                WHERE authentication_code = 'demo-verified'));
    $reply = update($server, 'demo-auto-number', { authentication_code => undef });
    is($reply->{json}{data}{authentication_code}, '5002', 'if a number is in use, the next one is used');
    my $before = column($database, 'demo-member', 'version');
    my @replies = $server->in_parallel(6, sub {
        my $reply = update($server, 'demo-member', { udf_string_1 => 'once' },
                           { 'Idempotency-Key' => 'six-at-once' });
        return { status => $reply->{status} };
    });
    is_deeply([map { $_->{status} } @replies], [(200) x 6], 'six calls with one key all succeed');
    is(column($database, 'demo-member', 'version'), $before + 1, 'and made once');
    $reply = update($server, 'demo-custom-fields', { custom_field_set => { points => 4, nickname => 'n' } });
    is($reply->{status}, 200, 'no row of the custom fields is cut off') or diag($reply->{content});

    $server->stop;
    is(column($database, 'demo-card', 'HEX(udf_string_1)'), uc unpack('H*', encode_utf8($text)),
       'an answered change is there after Apache has ended');
    $server->allow_log(qr/AT038: /);
    $server->finish('the error log has only the expected lines: hostile defaults');
}

# ---- settings that the module cannot correct: the log names the fix, no restart is
# needed

{
    my $server = AccessTokenTest->new(conf => $ready . $bcrypt);
    my $database = $server->database;
    edit_group($database, \&without_settings);
    $server->allow_log($of_dbd, qr/AT038: /);
    my $admin = $database->admin;
    # MySQL has no such modes.
    for my $mode ($is_mysql ? () : qw(EMPTY_STRING_IS_NULL ORACLE)) {
        $admin->do("SET GLOBAL sql_mode = '$mode'");
        $server->run;
        $server->expect_log(qr/AT043: .*\b$mode\b.*STRICT_ALL_TABLES.*init-command/);
        my $remedy = qr/sql_mode $mode .*STRICT_ALL_TABLES.*init-command/;
        my $before = $server->tokens;
        my $took = fails($server, "$mode, call $_", 500, $remedy,
                         sub { update($server, 'demo-card', { udf_string_1 => '' }) }) for 1 .. 3;
        is($server->tokens, $before, "$mode: nothing changes");
        fails($server, "$mode: readiness", 503, $remedy,
              sub { $server->request('GET', '/ready') });
        $admin->do("SET GLOBAL sql_mode = 'STRICT_TRANS_TABLES'");
        my $reply = update($server, 'demo-card', { udf_string_1 => '' });
        is("$reply->{status} $reply->{json}{data}{udf_string_1}", '200 ',
           "without $mode: the first call works") or diag($reply->{content});
        is(update($server, 'demo-card', { udf_string_1 => "again $_" })->{status}, 200,
           'and so do the others') for 1 .. 8;
        $server->stop;
    }
    $server->finish('the error log has only the expected lines: modes');
}

# ---- statements that are not ASCII are prepared before the session is set

{
    my $server = AccessTokenTest->new(
        database_options => \@latin1,
        statements => 'statements', conf => $ready . $bcrypt);
    my $database = $server->database;
    $server->copy_statements('statements', 'load_select.sql' =>
        sub { s/(?=token\.id +AS 'data\.id')/'\xce\xa9' AS 'data.letter',\n    / });
    $server->allow_log($of_dbd);
    $server->run;
    $server->expect_log(qr/AT043: .*latin1.*SET NAMES utf8mb4.*init-command/);
    fails($server, 'a statement that was read as latin1', 500, qr/latin1.*SET NAMES utf8mb4/,
          sub { update($server, 'demo-card', {}) });
    edit_group($database, sub { s/^init-command = "SET /$&NAMES utf8mb4, /m or die });
    $server->restart;
    my $reply = update($server, 'demo-card', {});
    is($reply->{json}{data}{letter}, "\x{3a9}", 'the fix helps') or diag($reply->{content});
    $server->finish('the error log has only the expected lines: statements that are not ASCII');
}

# ---- a connection that mod_authn_dbd has, and one of another module

{
    my $server = AccessTokenTest->new(database_options => ['--autocommit=0'],
        dbd => undef, statements => undef, location => undef);
    $server->write_file('htdocs/other.html', "other\n");
    my $database = $server->database;
    edit_group($database, \&without_settings);
    my $dbh = $database->dbh;
    $dbh->do('SET SESSION autocommit = 1');
    $dbh->do('CREATE TABLE logins (name VARCHAR(40) PRIMARY KEY, password VARCHAR(100))');
    $dbh->do('INSERT INTO logins VALUES (?, ?)', undef, 'clerk',
             '{SHA}' . encode_base64(sha1('secret'), ''));
    $database->admin->do(q(GRANT SELECT ON access_token.logins TO 'access_token'@'localhost'));
    my $params = { $database->dbd_defaults }->{params};
    my $host = sub {
        my ($port, $params, $autocommit, $path, $method) = @_;
        return <<"END";
<VirtualHost 127.0.0.1:$port>
    DBDriver mysql
    DBDParams "$params"
    DBDMin 1
    DBDKeep 1
    DBDMax 1
    <Location "$path">
        $method
        AuthType Basic
        AuthName "logins"
        AuthBasicProvider dbd
        AuthDBDUserPWQuery "SELECT password FROM logins WHERE name = %s AND \@\@autocommit = $autocommit"
        Require valid-user
    </Location>
END
    };
    # The pool of a host that does not serve the method.
    my $other = AccessTokenTest::free_port();
    $server->{options}{conf} = join '', "$bcrypt\nListen 127.0.0.1:$other\n",
        $host->($server->port, $params, 1, '/by-password',
                "SetHandler access-token-update\n        AccessTokenCaller apache"),
        '    ', AccessTokenTest::statements_conf(AccessTokenTest::shipped_statements('mysql')),
        $ready, "</VirtualHost>\n", $host->($other, "$params,port=0", 0, '/other.html', ''),
        "</VirtualHost>\n";
    $server->write_conf;
    $server->run;
    my $basic = 'Basic ' . encode_base64('clerk:secret', '');
    my $reply = $server->post({ udf_string_1 => 'by password', access_token_identifier =>
                                { authentication_code => 'demo-card' } },
                              { Authorization => $basic }, '/by-password');
    is($reply->{status}, 200, 'a call on the connection of mod_authn_dbd')
        or diag($reply->{content});
    is(column($database, 'demo-card', 'udf_string_1'), 'by password', 'is committed');
    {
        local $server->{port} = $other;
        is($server->request('GET', '/other.html', { Authorization => $basic })->{status}, 200,
           "the connection of another host, without our statements, is unchanged");
    }
    # If the module refuses a connection, a call that shares it fails too.
    # (MySQL has no mode that it refuses.)
    if (!$is_mysql) {
        $database->admin->do("SET GLOBAL sql_mode = 'ORACLE'");
        # A prefork child that is asked to end while mod_authn_dbd has its connection aborts: the
        # pool of mod_dbd misses it (apr_reslist.c, rl->ntotal == 0).
        $server->wait_for_rest;
        $server->restart;
        $server->expect_log(qr/AT043: .*ORACLE/);
        my $shared = sub {
            return $server->post({ udf_string_1 => 'refused', access_token_identifier =>
                                   { authentication_code => 'demo-card' } },
                                 { Authorization => $basic }, '/by-password');
        };
        my $took = fails($server, 'a shared connection is refused', 500, qr/sql_mode ORACLE/, $shared);
        cmp_ok($took, '<', 4, 'a shared connection is refused at once');
        is(column($database, 'demo-card', 'udf_string_1'), 'by password', 'and nothing changes');
    }
    $server->allow_log(qr/AT038: /, $of_dbd, qr/\[auth\w*:/);
    $server->wait_for_rest;
    $server->finish('the error log has only the expected lines: mod_authn_dbd');
}

# ---- logins that the server refuses, in any language

{
    my $server = AccessTokenTest->start(conf => $ready . $bcrypt);
    my $database = $server->database;
    my $admin = $database->admin;
    my $user = q('access_token'@'localhost');
    $server->allow_log($of_dbd);
    # All connections of the account except the one with the id $_[0]. Some may just have
    # ended.
    my $cut = sub {
        my $ids = $admin->selectcol_arrayref(
            q(SELECT id FROM information_schema.processlist WHERE user = 'access_token' AND id <> ?),
            undef, $_[0] // 0);
        for my $id (@$ids) { eval { $admin->do("KILL $id") } }
    };
    for my $language (qw(en_US de_DE fr_FR ja_JP)) {
        $admin->do("SET GLOBAL lc_messages = '$language'");
        for my $case (
            ['a wrong password', "ALTER USER $user IDENTIFIED BY 'another'",
                "ALTER USER $user IDENTIFIED BY 'change-this'", qr/error 1045, the login failed/],
            ['a locked account', "ALTER USER $user ACCOUNT LOCK", "ALTER USER $user ACCOUNT UNLOCK",
                qr/error (?:4151|3118), the account is locked/],
            ['an expired password', "ALTER USER $user PASSWORD EXPIRE",
                "ALTER USER $user IDENTIFIED BY 'change-this'", qr/error (?:1820|1862), .*expired/],
            ['no right in the database', "REVOKE ALL, GRANT OPTION FROM $user", undef, qr/error 1044/],
        ) {
            my ($name, $do, $undo, $log) = @$case;
            $admin->do($do);
            $cut->();
            my $took = fails($server, "$name, $language", 500, $log,
                             sub { update($server, 'demo-card', { udf_string_1 => 'x' }) });
            cmp_ok($took, '<', 4, "$name, $language: within the time of the call");
            fails($server, "$name, $language: readiness", 503, $log,
                  sub { $server->request('GET', '/ready') });
            $undo ? $admin->do($undo)
                  : $database->grant(AccessTokenTest::srcdir() . '/sql/mysql/grants.sql');
            is(update($server, 'demo-card', { udf_string_1 => $language })->{status}, 200,
               "$name, $language: the first call after the fix works");
        }
    }
    # A fault that ends by itself stays 503.
    $admin->do("ALTER USER $user WITH MAX_USER_CONNECTIONS 1");
    # The limit counts connections that were opened under it.
    my $hog = $server->wait_for(sub {
        $cut->();
        return eval { DBI->connect('dbi:MariaDB:database=access_token;mariadb_socket=' . $database->socket,
                                   'access_token', 'change-this', { RaiseError => 1, PrintError => 0 }) };
    });
    $cut->($hog->{mariadb_thread_id});
    fails($server, 'an account with too many connections', 503, qr/max_user_connections/,
          sub { update($server, 'demo-card', { udf_string_1 => 'x' }) });
    $hog->disconnect;
    # Under prefork another child may have got the only connection.
    ok($server->wait_for(sub {
        $cut->();
        update($server, 'demo-card', { udf_string_1 => 'free' })->{status} == 200;
    }), 'when they are free again, a call works');
    $server->finish('the error log has only the expected lines: logins');
}

# ---- a server that is read-only, and one with small packets

{
    my $server = AccessTokenTest->new(history => 1, conf => $ready . $bcrypt
                                      . "\nAccessTokenRetryBudget 1500ms\n");
    my $database = $server->database;
    $server->allow_log($of_dbd, qr/AT038: /);
    $database->restart('--innodb-read-only');
    $server->run;
    my $before = $server->tokens;
    fails($server, 'InnoDB is read-only', 503, qr/error (?:1015|1036), the database is read-only/,
          sub { update($server, 'demo-card', { udf_string_1 => 'x' }) });
    is($server->tokens, $before, 'InnoDB is read-only: nothing changes');
    $database->restart;
    is(update($server, 'demo-card', { udf_string_1 => 'y' })->{status}, 200,
       'the first call on a writable server works');
    $server->stop;

    # Even the statements are too long.
    $database->restart('--max-allowed-packet=4096', '--net-buffer-length=1024');
    $server->run;
    my $too_long = qr/\.sql: it has \d+ bytes; raise the database's max_allowed_packet, which is 4096/;
    $server->expect_log(qr/AT022: .*$too_long/);
    fails($server, 'statements longer than max_allowed_packet', 500, $too_long,
          sub { update($server, 'demo-card', {}) });
    $server->stop;

    # Calls of usual length are not.
    $database->restart('--max-allowed-packet=32768');
    $database->dbh->do('INSERT INTO access_token_custom_fields (name, type) VALUES (?, ?)', undef,
                       "long_$_", 'string') for 1 .. 40;
    my %long = (custom_field_set => { map { ("long_$_" => 'x' x 1000) } 1 .. 40 });
    $server->run;
    $server->expect_log(qr/AT045: .*max_allowed_packet, 32768,.* 262144/);
    $before = $server->tokens;
    fails($server, 'more than max_allowed_packet', 500,
          qr/raise the database's max_allowed_packet, which is 32768/,
          sub { update($server, 'demo-custom-fields', \%long) });
    is($server->tokens, $before, 'more than max_allowed_packet: nothing changes');
    is(update($server, 'demo-card', { udf_string_1 => "z$_" })->{status}, 200,
       'a shorter call works') for 1 .. 5;
    $database->dbh->do('SET GLOBAL max_allowed_packet = 16777216');
    my $reply = update($server, 'demo-custom-fields', \%long);
    is($reply->{status}, 200, 'with a larger value, the first call works') or diag($reply->{content});
    $server->stop;
    $database->restart('--max-allowed-packet=32768');
    $server->run;
    $reply = update($server, 'demo-custom-fields', { udf_string_1 => 'x' });
    is($reply->{status}, 200, 'a longer row is read') or diag($reply->{content});
    $before = $server->tokens;
    fails($server, 'a longer line of the history', 500, qr/old_values.* raise it|raise it.*old_values/,
          sub { update($server, 'demo-custom-fields',
                       { custom_field_set => { map { ("long_$_" => '') } 1 .. 40 } }) });
    is($server->tokens, $before, 'a longer line of the history: nothing changes');
    $server->finish('the error log has only the expected lines: read-only, packets');
}

# ---- the scripts work in any mode

for my $mode ($is_mysql ? () : ('ORACLE', 'EMPTY_STRING_IS_NULL'), 'ANSI,NO_BACKSLASH_ESCAPES,PAD_CHAR_TO_FULL_LENGTH') {
    my $server = AccessTokenTest->new(history => 1, conf => $bcrypt,
                                      database_options => ["--sql-mode=$mode"]);
    my $dbh = $server->dbh;
    my %modes = map { @$_ } @{ $dbh->selectall_arrayref(q(
        SELECT trigger_name, sql_mode FROM information_schema.triggers WHERE trigger_schema = 'access_token'
        UNION ALL SELECT routine_name, sql_mode FROM information_schema.routines
                   WHERE routine_schema = 'access_token')) };
    my %of_history = map { $_ => delete $modes{$_} } qw(access_tokens_first_version access_tokens_changes);
    is_deeply(\%of_history, { map { $_ => '' } keys %of_history }, "scripts under $mode: the history has its own mode");
    cmp_ok(scalar keys %modes, '>', 30, "scripts under $mode: there are triggers and functions");
    is_deeply(\%modes, { map { $_ => 'STRICT_ALL_TABLES' } keys %modes },
              "scripts under $mode: triggers and functions have their own mode");
    my $script = $server->path('modes.sql');
    for my $file (qw(history schema)) {
        open my $out, '>', $script or die "$script: $!\n";
        open my $in, '<', AccessTokenTest::srcdir() . "/sql/mysql/$file.sql" or die "$file: $!\n";
        print {$out} "DROP TABLE IF EXISTS $_;\n" for qw(access_token_changes mode);
        print {$out} "DROP DATABASE access_token;\nCREATE DATABASE access_token;\nUSE access_token;\n"
            if $file eq 'schema';
        print {$out} "DROP TRIGGER IF EXISTS $_;\n"
            for qw(access_tokens_first_version access_tokens_changes);
        print {$out} <$in>, 'CREATE TABLE mode AS SELECT @@SESSION.sql_mode = @@GLOBAL.sql_mode AS same;', "\n";
        close $out or die "$script: $!\n";
        $server->database->load($script);
        is($server->database->connect->selectrow_array('SELECT same FROM mode'), 1,
           "$file.sql under $mode: the session has its mode again");
    }
}

# ---- a client library that can't return a socket

{
    my $server = AccessTokenTest->new(conf => $bcrypt);
    my $source = $server->write_file('hide.c', <<'END');
#define _GNU_SOURCE
#include <dlfcn.h>
#include <string.h>

typedef void *(*dlsym_fn)(void *, const char *);

/* As the libraries are that have no mysql_get_socket. */
void *dlsym(void *handle, const char *name)
{
    static dlsym_fn real;

    if (!real) {
        real = (dlsym_fn)dlvsym(RTLD_NEXT, "dlsym", "GLIBC_2.34");
    }
    return strcmp(name, "mysql_get_socket") ? real(handle, name) : NULL;
}
END
    my $library = $server->path('hide.so');
    system($ENV{CC} || 'cc', '-shared', '-fPIC', '-o', $library, $source) == 0 or die "cc failed\n";
    {
        local $ENV{LD_PRELOAD} = $library;
        $server->run;
    }
    $server->expect_log(qr/\[access_token:warn\].*AT044: .*mysql_get_socket.*libmariadb/);
    ok($server->wait_for_error(qr/AT026: /), 'the check at start has run');
    is(scalar(() = $server->error_log =~ /AT044: /g), 1, 'and logs once that the watch is off');
    is(update($server, 'demo-card', { udf_string_1 => 'unwatched' })->{status}, 200, 'calls succeed');
    $server->restart;
    ok($server->wait_for(sub { (() = $server->error_log =~ /AT026: /g) == 2 }), 'another library');
    is(scalar(() = $server->error_log =~ /AT044: /g), 1, 'logs nothing');
    $server->finish('the error log has only the expected lines: no mysql_get_socket');
}

done_testing;
