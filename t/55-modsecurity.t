# ModSecurity with the OWASP Core Rule Set in front of the method, with the shipped
# conf/access_token-modsecurity.conf: calls work, attacks elsewhere are refused, and the audit
# log has no secret.
use strict;
use warnings;

use IO::Compress::Gzip qw(gzip);
use JSON::PP ();
use Test::More;

use AccessTokenTest;
use AccessTokenTest::File qw(read_text source_text);

my $module = AccessTokenTest::httpd_modules() . '/mod_security2.so';
my $rules = '/usr/share/modsecurity-crs/rules';
my $recommended = '/etc/modsecurity/modsecurity.conf-recommended';
my $setup = '/etc/modsecurity/crs/crs-setup.conf';
for (['libapache2-mod-security2', $module, $recommended], ['modsecurity-crs', $rules, $setup]) {
    my ($package, @files) = @$_;
    plan skip_all => "Debian's package $package is missing" if grep { !-e } @files;
}

my $path = $AccessTokenTest::PATH;
my $example = source_text('t/data/example-request.json');
my %call = (token => 'demo-session-clerk',
            access_token_identifier => { authentication_code => 'demo-card' });
# What no log may have.
my @secrets = ('A4F19B70D95D4DE09C3A9FC720A33A49', 'demo-session-clerk', 'demo-card', 'my-pass-code-1', 'my-token-1',
               # of the example
               map { ($_->{pass_code} // (), $_->{authentication_code} // ()) }
               map { ($_, $_->{access_token_identifier}) } JSON::PP->new->decode($example));

# A server with ModSecurity, the rules at paranoia level LEVEL, and EXCLUSIONS before them
# (the shipped file). It logs all parts of every request.
my $shipped = source_text('conf/access_token-modsecurity.conf');
sub protected {
    my ($level, $exclusions) = @_;
    my $recommendation = read_text($recommended);
    $recommendation =~ s/^SecRuleEngine .*/SecRuleEngine On/m or die "$recommended: no SecRuleEngine\n";
    $recommendation =~ s/^SecAuditEngine .*/SecAuditEngine On/m or die "$recommended: no SecAuditEngine\n";
    $recommendation =~ s/^SecAuditLogParts .*/SecAuditLogParts ABCDEFGHIJKZ/m or die "$recommended: no parts\n";
    # Answers of the module too.
    $recommendation =~ s/^(SecResponseBodyMimeType .*)/$1 application\/json/m or die "$recommended: no types\n";
    $recommendation =~ s/^Sec(?:AuditLog|TmpDir|DataDir|UnicodeMapFile) .*\n//mg;
    my $server = AccessTokenTest->new(shipped => 1, modules => ['security2'], log_level => 'notice security2:warn');
    my $data = $server->path('modsecurity');
    mkdir $data or die "$data: $!\n";
    chmod 0777, $data or die "$data: $!\n";
    $server->{options}{conf} = join "\n", $exclusions, $recommendation,
        qq(SecTmpDir "$data"\nSecDataDir "$data"), 'SecAuditLog "' . $server->path('audit.log') . '"',
        'SecRule REQUEST_FILENAME "@streq /index.html" "id:900001,phase:1,pass,nolog,ctl:ruleEngine=Off"',
        qq(SecAction "id:900000,phase:1,pass,nolog,t:none,setvar:tx.paranoia_level=$level"),
        qq(Include "$setup"\nInclude "$rules/*.conf"\n);
    $server->write_conf;
    $server->run;
    return $server;
}

# Sends BODY to the method, at PATH.
sub call {
    my ($server, $body, %options) = @_;
    $body = JSON::PP->new->utf8->encode($body) if ref $body;
    my $place = delete $options{path} // $path;
    my $request = $server->request_text($body, Host => 'crm.example.com', 'User-Agent' => 'crm/1',
                                        Accept => '*/*', %options);
    return outcome_of($server->raw($request =~ s/^POST \S+/POST $place/r));
}

sub outcome_of {
    my ($reply) = @_;
    return join ' ', $reply->{status}, $reply->{json} ? $reply->{json}{status}{code} : ();
}

# The parts of the audit log, each with all that requests and answers left in it.
sub audit_of {
    my ($server) = @_;
    my $text = read_text($server->path('audit.log'));
    my %part;
    $part{$1} .= $2 while $text =~ /^--\w+-([A-Z])--\n(.*?)(?=^--\w+-[A-Z]--$|\z)/msg;
    return \%part;
}

sub gzipped {
    my ($text) = @_;
    gzip(\$text => \my $zipped) or die "gzip failed\n";
    return $zipped;
}

my $zipped = gzipped(JSON::PP->new->utf8->encode({ %call, udf_string_1 => 'packed' }));
my @gzip = ('Content-Encoding' => 'gzip');
my $sql = { %call, udf_string_1 => q(1' OR '1'='1) };
my %without_token = %call;
delete $without_token{token};

# ---- without the shipped file

{
    my $server = protected(1, '');
    is(call($server, $example), '200 OK', 'without the file: the example is answered');
    isnt(call($server, $zipped, @gzip), '200 OK', 'without the file: a body with gzip is not');
    is(call($server, $sql), '403 FORBIDDEN', 'without the file: a value like SQL is refused');
    isnt(call($server, '{"token": '), '400 INVALID_JSON', 'without the file: a body that is not JSON gets another error');
    my $audit = audit_of($server);
    like($audit->{C}, qr/\Q$_\E/, 'without the file: the audit log has a secret') for $secrets[0], 'demo-session-clerk';
    $server->allow_log(qr/\[security2:/);
    $server->finish('the error log has only the expected lines: without the file');
}

# ---- with it

for my $level (1, 4) {
    my $server = protected($level, $shipped);
    my $with = "level $level";
    is(call($server, $example), '200 OK', "$with: the example");
    is(call($server, $zipped, @gzip), '200 OK', "$with: a body with gzip");
    is(call($server, '{"token": "demo-session-clerk'), '400 INVALID_JSON', "$with: a body that is not JSON");
    is(call($server, { %call, udf_string_1 => $_ }), '200 OK', "$with: the value $_")
        for q(1' OR '1'='1), '<script>alert(1)</script>', '; cat /etc/passwd', '${jndi:ldap://x/a}',
            'You have an error in your SQL syntax;';
    is(call($server, ' ' x 70_000), '413 REQUEST_TOO_LARGE', "$with: a body that is too long");
    is(call($server, \%without_token, Authorization => 'Bearer demo-session-clerk'), '200 OK',
       "$with: a token in Authorization");
    is(call($server, \%without_token, Authorization => "Bearer my-token-1' OR '1'='1"), '401 INVALID_TOKEN',
       "$with: a wrong one, like SQL");
    is(call($server, { %call, access_token_identifier => { identifier => 'someone', pass_code => 'my-pass-code-1' } }),
       '404 ACCESS_TOKEN_NOT_FOUND', "$with: a wrong pass code");
    # What httpd takes for the same address.
    is(call($server, $sql, path => $_), '200 OK', "$with: $_")
        for '//v4/access_tokens/update', '/v4/access%5Ftokens/update', '/v4/./access_tokens/update';

    # Attacks elsewhere, and in the headers of a call.
    my $attack = sub { $server->raw("GET $_[0] HTTP/1.1\r\nHost: crm.example.com\r\nUser-Agent: crm/1\r\n"
        . "Accept: */*\r\nConnection: close\r\n\r\n")->{status} };
    is($attack->('/page?id=1%27%20OR%20%271%27=%271'), 403, "$with: SQL in another address is refused");
    like(call($server, '{"id": "1\' OR \'1\'=\'1"}', path => $_), qr/^403/, "$with: and in the body of a call to $_")
        for '/v4/access_tokens/other', '/v4/access_tokens/update/', '/v4/access_tokens/update.php';
    is(call($server, \%call, 'User-Agent' => 'sqlmap/1.0'), '403 FORBIDDEN', "$with: a scanner is refused");

    $server->dbh->do('ALTER TABLE access_token_sessions RENAME TO elsewhere');
    is(call($server, \%call), '500 INTERNAL_ERROR', "$with: an error of the server keeps its status");

    my $audit = audit_of($server);
    cmp_ok(scalar(() = $audit->{B} =~ /^POST \Q$path\E /mg), '>=', 10, "$with: the audit log has the calls");
    cmp_ok(scalar(() = $audit->{B} =~ /^Authorization: \*+$/mg), '==', 2, "$with: with asterisks for Authorization");
    my $logs = join '', values %$audit, $server->error_log;
    is_deeply([grep { index($logs, $_) >= 0 } @secrets], [], "$with: and neither log has a secret");
    $server->allow_log(qr/\[security2:/, qr/AT003: /);
    $server->finish("the error log has only the expected lines: $with");
}

# ---- for one virtual host

{
    my $of_one = $shipped =~ s/^#(?=SecRule SERVER_NAME)//mr;
    isnt($of_one, $shipped, 'the file has a line for one virtual host');
    my $server = protected(1, $of_one);
    is(call($server, $sql, Host => 'CRM.example.com'), '200 OK', 'with it: a value like SQL there');
    is(call($server, $sql, Host => 'www.example.com'), '403 FORBIDDEN', 'and in another one');
    $server->allow_log(qr/\[security2:/);
    $server->finish('the error log has only the expected lines: one virtual host');
}

done_testing;
