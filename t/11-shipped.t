# The shipped conf files as an administrator uses them: in one virtual host, beside
# others, with a web application's rules and passwords around them, and without the
# modules that they need.
use strict;
use warnings;

use MIME::Base64 qw(encode_base64);
use Test::More;

use AccessTokenTest;
use AccessTokenTest::File qw(source_text);

my $path = $AccessTokenTest::PATH;
my $base = AccessTokenTest->new;
my $database = $base->database;
my $has_server = $database->engine ne 'sqlite3';
my $engine_conf = 'access_token-' . $database->sql_folder . '.conf';
my %defines = (ACCESS_TOKEN_DATA => AccessTokenTest::datadir(), ACCESS_TOKEN_LOGS => '.', $database->defines);
my $defines = join '', map { qq(Define $_ "$defines{$_}"\n) } sort keys %defines;

# Nothing is configured but what "conf" says. (LogLevel may not name a module that is not
# loaded.)
my %bare = (database => $database, statements => undef, location => undef, dbd => undef,
            log_level => 'notice');

# A folder with copies of the shipped files NAME …; only root can read them.
my $folders = 0;
sub folder_of {
    my $folder = 'conf-' . ++$folders;
    mkdir $base->path($folder) or die "$folder: $!\n";
    chmod 0600, $base->write_file("$folder/$_", source_text("conf/$_")) for @_;
    return $base->path($folder);
}

sub host {
    my ($name, @lines) = @_;
    return join "\n", '<VirtualHost *>', "ServerName $name.test", @lines, "</VirtualHost>\n";
}

my $folder = folder_of('access_token.conf', $engine_conf);
my $include = qq(Include "$folder/*.conf");

sub call {
    my ($server, $host, %headers) = @_;
    my $body = JSON::PP->new->utf8->encode({ token => 'demo-session-clerk',
        access_token_identifier => { authentication_code => 'demo-card' } });
    return $server->raw($server->request_text($body, Host => "$host.test", %headers));
}

sub get {
    my ($server, $host, $uri) = @_;
    return $server->raw("GET $uri HTTP/1.1\r\nHost: $host.test\r\nConnection: close\r\n\r\n");
}

sub outcome_of {
    my ($reply) = @_;
    return join ' ', $reply->{status}, $reply->{json} ? $reply->{json}{status}{code} : ();
}

# ---- in one virtual host

{
    my $server = AccessTokenTest->start(%bare,
        conf => $defines . host('web') . host('api', $include) . host('shop'));
    is(outcome_of(call($server, 'api')), '200 OK', 'the virtual host with the Include serves the method');
    is(outcome_of(get($server, 'api', '/access-token-ready')), '200 OK', 'and is ready');
    for my $host (qw(web shop)) {
        is(outcome_of(call($server, $host)), 404, "$host: another one does not have it");
        is(outcome_of(get($server, $host, '/access-token-ready')), 404, "$host: nor its readiness");
    }
    SKIP: {
        skip 'not root', 1 if $> != 0;
        local $) = (getpwnam AccessTokenTest::httpd_user())[3] . ' 0';
        local $> = (getpwnam AccessTokenTest::httpd_user())[2];
        ok(!-r "$folder/$engine_conf", "httpd's children cannot read the file with the password");
    }
    $server->graceful;
    is(outcome_of(call($server, 'api')), '200 OK', 'after a graceful restart, too');
    $server->finish('the error log has only the expected lines: one virtual host');
}

# ---- in the main server

{
    my $server = AccessTokenTest->start(%bare, conf => "$defines$include\n" . host('web') . host('api'));
    is(outcome_of(call($server, $_)), '200 OK', "$_: in the main server it is for all hosts")
        for qw(web api);
    $server->finish('the error log has only the expected lines: the main server');
}

# ---- the method where no database is

my $statements = AccessTokenTest::statements_conf(AccessTokenTest::shipped_statements($database->sql_folder));
for my $case (
    ['no database', { %bare }, 'Include "' . folder_of($engine_conf) . '/*.conf"'],
    ['the database of another module', { %bare, dbd => {} }, $statements],
) {
    my ($name, $options, $lines) = @$case;
    my $method = folder_of('access_token.conf');
    my %options = (%$options, conf => $defines . qq(Include "$method/*.conf"\n) . host('web') . host('api', $lines));
    my ($status, $output) = AccessTokenTest->configtest(%options);
    is($status, 0, "$name: configtest passes");
    my $place = qr/ has no database for SetHandler access-token-update \(\Q$method\E\S*:\d+\): calls get 404 there\. Include access_token\.conf only in the <VirtualHost>/;
    like($output, qr/AT012: virtual host web\.test \(line \d+ of \S+httpd\.conf\)$place/, "$name: it names the host");
    like($output, qr/AT012: the main server$place/, "$name: and the main server");
    is(scalar(() = $output =~ /AT\d+:/g), 2, "$name: and nothing else") or diag($output);

    my $server = AccessTokenTest->start(%options, log_level => 'notice access_token:info');
    is(outcome_of(call($server, 'api')), '200 OK', "$name: the host with the statements serves the method");
    is(outcome_of(call($server, 'web')), '404 INVALID_REQUEST', "$name: the other one answers 404");
    is(outcome_of(get($server, 'web', $_)), '404 INVALID_REQUEST', "$name: also to GET $_")
        for $path, '/access-token-ready';
    is($server->raw("OPTIONS $path HTTP/1.1\r\nHost: web.test\r\nConnection: close\r\n\r\n")->{status}, 404,
       "$name: and to OPTIONS");
    is(scalar(() = ($server->output . $server->error_log) =~ /AT012: /g), 2, "$name: the start logs each once");
    $server->expect_log(qr/AT012: /);
    ok($server->error_log =~ /AT063: /, "$name: and each request says why");
    $server->finish("the error log has only the expected lines: $name");
}

# ---- modules that are not loaded

{
    my $conf = $defines . host('web') . host('api', $include);
    my @dbd = qw(dbd authn_dbd);
    for my $case (
        ['the module', [qw(access_token)], qr/\ASyntax OK\n\z/],
        ['the module and mod_dbd', ['access_token', @dbd], qr/\ASyntax OK\n\z/],
        ['mod_dbd', \@dbd, qr/AT012: virtual host api\.test .* Load mod_dbd \(Debian: a2enmod dbd\)/],
        ['mod_rewrite, mod_dir', [], qr/\ASyntax OK\n\z/],
    ) {
        my ($name, $without, $pattern) = @$case;
        my ($status, $output) = AccessTokenTest->configtest(%bare, conf => $conf, without => $without);
        is($status, 0, "without $name, configtest passes") or diag($output);
        like($output, $pattern, "without $name: what it prints");
    }
    my %farm = map { $_ => 'Include "' . AccessTokenTest::srcdir() . qq(/conf/farm-$_.conf"\n) } qw(node balancer);
    my ($status, $output) = AccessTokenTest->configtest(%bare, without => ['access_token'],
        conf => qq(Define ACCESS_TOKEN_KEY_FILE "/none"\n) . $farm{node});
    is($status, 0, 'without the module, configtest passes farm-node.conf') or diag($output);
    ($status, $output) = AccessTokenTest->configtest(%bare, without => ['access_token'], conf => $farm{balancer},
        modules => [qw(proxy proxy_http slotmem_shm lbmethod_bybusyness proxy_balancer watchdog proxy_hcheck)]);
    is($status, 0, 'and farm-balancer.conf') or diag($output);

    for my $without (['access_token'], \@dbd) {
        my $server = AccessTokenTest->start(%bare, conf => $conf, without => $without);
        is(call($server, 'api')->{status}, 404, "httpd runs without @$without, and the method is not there");
        $server->allow_log(qr/AT012: /) if $without == \@dbd;
        $server->finish("the error log has only the expected lines: without @$without");
    }
}

# ---- a web application around the method

{
    my $controller = <<'END';
    RewriteEngine On
    RewriteCond %{REQUEST_FILENAME} !-f
    RewriteRule ^ /index.html [L]
END
    my $rules = "<Directory />\nOptions FollowSymLinks\n$controller</Directory>";
    my $password = <<"END";
<Location "/">
    AuthType Basic
    AuthName "tokens"
    AuthBasicProvider file
    AuthUserFile "@{[ $base->write_file('passwords', 'clerk:' . crypt('secret', '$6$rounds=1000$salt') . "\n") ]}"
    Require valid-user
</Location>
END
    mkdir $base->path('site') or die "site: $!\n";
    $base->write_file('site/.htaccess', $controller);
    $base->write_file('site/index.html', "ready: the site\n");
    # The line that access_token.conf shows, uncommented.
    my ($rule) = source_text('conf/access_token.conf') =~ /^ +# +(RewriteRule .* \[END\])$/m;
    ok($rule, 'access_token.conf shows a rule for the virtual host');
    my $server = AccessTokenTest->start(%bare, modules => [qw(dir rewrite)], conf => $defines . host('web')
        . host('before', $rules, $include) . host('after', $include, $rules)
        . host('fallback', $include, "<Directory />\nFallbackResource /index.html\n</Directory>")
        . host('htaccess', $include, "DocumentRoot \"@{[ $base->path('site') ]}\"",
               "<Directory />\nOptions FollowSymLinks\nAllowOverride FileInfo\n</Directory>")
        . host('whole', "RewriteEngine On", $rule, "RewriteRule ^ /index.html", $include)
        . host('locked', $include, $password)
        . host('locked-before', $password, $include));
    for my $host (qw(before after fallback htaccess whole)) {
        like(get($server, $host, '/no/such/page')->{content}, qr/^ready: /, "$host: unknown paths lead to one page");
        is(outcome_of(call($server, $host)), '200 OK', "$host: the method is still there");
        is(outcome_of(get($server, $host, '/access-token-ready')), '200 OK', "$host: and its readiness");
        is(outcome_of(get($server, $host, '/access-token-error')), '404 INVALID_REQUEST', "$host: and its errors");
    }
    my $basic = 'Basic ' . encode_base64('clerk:secret', '');
    my $reply = call($server, 'locked');
    is(outcome_of($reply), '401 INVALID_TOKEN', 'a password for the whole site: the error is JSON');
    like($reply->{headers}{'www-authenticate'}, qr/Basic/, 'and asks for the password');
    is(outcome_of(get($server, 'locked', '/access-token-error')), '404 INVALID_REQUEST',
       'the address of errors is open');
    is(get($server, 'locked', '/index.html')->{status}, 401, 'the site is not');
    is(outcome_of(call($server, 'locked', Authorization => $basic)), '200 OK', 'with the password it works');
    is(outcome_of(call($server, 'locked-before')), '200 OK',
       'a password that is asked for before the Include is not for the method');
    $server->finish('the error log has only the expected lines: a web application');
}

# ---- the file of the client library

SKIP: {
    skip 'SQLite has no client library', 4 if !$has_server;
    my $home = $base->path('home');
    my $group = do { open my $file, '<', "$database->{folder}/my.cnf" or die "my.cnf: $!\n"; local $/; <$file> };
    mkdir $_ or die "$_: $!\n" for $home, "$home/conf.d";
    # As in Debian's /etc/mysql/my.cnf.
    $base->write_file('home/my.cnf', "!includedir $home/conf.d/\n");
    my $try = sub {
        my ($name) = @_;
        unlink glob "$home/conf.d/*";
        $base->write_file("home/conf.d/$name", $group);
        my $server = AccessTokenTest->start(%bare, environment => { MARIADB_HOME => $home },
            conf => $defines . host('api', $include,
                $name eq 'my.cnf' ? () : 'AccessTokenRetryBudget 100ms'));
        my $outcome = outcome_of(call($server, 'api'));
        $server->allow_log(qr/\[dbd:/, qr/AT0(?:02|22|38):/) if $name ne 'my.cnf';
        $server->finish("the error log has only the expected lines: $name");
        return $outcome;
    };
    is($try->('my.cnf'), '200 OK', 'the library reads my.cnf in a folder of !includedir');
    # Connector/C reads all files there since release 3.4.
    my ($release) = `mariadb_config --cc_version` =~ /^(\d+\.\d+)/;
    is($try->('access_token.cnf'), $release < 3.4 ? '503 SERVICE_UNAVAILABLE' : '200 OK',
       'before release 3.4 no other file there');
}

done_testing;
