# Secrets in the memory of Apache's children after their calls: there must be no pass
# code, no hash and no session token, as a core dump would show them.
use strict;
use warnings;
use utf8;

use Encode qw(encode_utf8);
use Test::More;

use AccessTokenTest;

# Libraries may free memory without wiping it; MariaDB's does so with everything that it
# sends and receives. Here the C library overwrites freed memory. APR pools keep their
# memory, so their contents would be found.
$ENV{GLIBC_TUNABLES} = 'glibc.malloc.perturb=85:glibc.malloc.tcache_count=0';

my $has_server = AccessTokenTest::engine() ne 'sqlite3';
# Under prefork each process would have its own connection to the database.
my $one_process = AccessTokenTest::mpm() eq 'prefork'
    ? "StartServers 1\nMinSpareServers 1\nMaxSpareServers 1\nMaxRequestWorkers 1\n" : '';
my $server = AccessTokenTest->start(
    dbd => { max => 1 }, log_level => 'notice',
    conf => AccessTokenTest::one_child_conf() . $one_process . "AccessTokenPassCodeScheme bcrypt 4\n");
$server->allow_log(qr/AH00161: server reached MaxRequestWorkers/) if $one_process;
my $dbh = $server->dbh;

# Each secret is different, and has a mark of its kind.
my $mark = sprintf '%04x', $$ & 0xffff;
my $number = 0;
sub pass_code { sprintf "Pass-%s-%05d-%s", $mark, ++$number, $_[0] // 'code' }

sub session {
    my $token = sprintf 'Session-%s-%05d', $mark, ++$number;
    my $digest = do { require Digest::SHA; Digest::SHA::sha256_hex($token) };
    $dbh->do(q(INSERT INTO access_token_sessions (token_digest, user_id, unit_id, expires_at)
        VALUES (?, '1', NULL, '2099-01-01T00:00:00')), undef, $digest);
    return $token;
}

my (%hash, %generated);

sub note_hashes {
    $hash{$_} = 1 for @{ $dbh->selectcol_arrayref(
        'SELECT pass_code FROM access_tokens WHERE pass_code IS NOT NULL') };
    return;
}

# One call. Every second one has the session token in a header.
sub text_of {
    my ($key, $fields, $token) = @_;
    $token //= session();
    my $in_header = $number % 2;
    my $body = JSON::PP->new->utf8->encode({
        access_token_identifier => $key, %$fields, $in_header ? () : (token => $token) });
    # At another place each time, so that a shorter body does not overwrite it later.
    my $blanks = ' ' x (50 + $number * 7919 % 30_000);
    $body =~ s/\A\{/{$blanks/;
    return $server->request_text($body, $in_header ? (Authorization => "Bearer $token") : ());
}

sub call {
    my ($key, $fields, %option) = @_;
    my $reply = $server->raw(text_of($key, $fields, $option{token}));
    is($reply->{status}, $option{status} // 200, $option{name}) or diag($reply->{content});
    note_hashes();
    return $reply;
}

my %card = (authentication_code => 'demo-card');
for my $round (1 .. 8) {
    my $pass_code = pass_code();
    call(\%card, { identifier => 'wiped-user', pass_code => $pass_code }, name => 'a new pass code');
    my %key = (identifier => 'wiped-user', pass_code => $pass_code);
    call(\%key, { udf_string_1 => 'x' }, name => 'it opens');
    call({ %key, pass_code => pass_code('wrong') }, {}, status => 404, name => 'a wrong one does not open');
    call({ %key, identifier => 'nobody' }, {}, status => 404, name => 'and it does not open another');
    my $composed = pass_code("caf\x{e9}");
    call(\%key, { pass_code => $composed =~ s/\x{e9}/e\x{301}/r }, name => 'one that is composed first');
    call({ %key, pass_code => $composed =~ s/\x{e9}/e\x{301}/r }, {}, name => 'and opens');
    my $hash = crypt encode_utf8(my $old = pass_code("cafe\x{301}")), '$2y$04$Ltc4R5MQvqYR9FSpFdYz.O';
    $dbh->do('UPDATE access_tokens SET pass_code = ? WHERE identifier = ?', undef, $hash, 'wiped-user');
    call({ %key, pass_code => $old }, {}, name => 'an old one, in the form that was sent');
    call(\%card, { pass_code => pass_code() }, token => 'Session-' . $mark . '-unknown', status => 401,
         name => 'an unknown session');
    call(\%card, { pass_code => pass_code(), udf_float_1 => 'x' }, status => 422, name => 'a wrong shape');
    call(\%card, { pass_code => pass_code(), fields_set => 'custom_field_set.nothing' }, status => 422,
         name => 'a pass code that the rules refuse');
    my $scheme = ('$apr1$saltsalt$Uu7LBXcKyH9QH5sHWLyzp1', '{SHA}Rlqa7oywHfiy5SrrADVAAMVz8kM=',
                  '$6$rounds=1000$BqdCochT6jWkGthf$' . 'x' x 86)[$round % 3];
    $dbh->do('UPDATE access_tokens SET pass_code = ? WHERE identifier = ?', undef, $scheme, 'wiped-user');
    call({ %key, pass_code => pass_code() }, {}, status => 404, name => 'a hash of another scheme');
}
# Many calls at the same time, each with its own memory.
{
    my @sockets = map { $server->socket } 1 .. 12;
    for my $socket (@sockets) {
        print {$socket} text_of({ identifier => 'wiped-user', pass_code => pass_code() }, {});
    }
    for my $socket (@sockets) {
        my $reply = AccessTokenTest::parse_reply(AccessTokenTest::read_all($socket, 20));
        is($reply->{status}, 404, 'one of many concurrent calls');
    }
}
# A generated pass code, of 32 digits.
$dbh->do(q(UPDATE access_token_rule_sets SET pass_code_creation = 'ID'
    WHERE pass_code_creation <> 'NONE'));
for (1 .. 8) {
    my $reply = call({ authentication_code => 'demo-auto-pass' }, { pass_code => undef },
                     name => 'a generated one');
    my $made = $reply->{json}{data}{pass_code} // '';
    like($made, qr/\A[0-9A-F]{32}\z/, 'it is replied');
    $generated{$made} = 1;
}

# The client library keeps what it has read until its connection ends.
if ($has_server) {
    my $ids = $dbh->selectcol_arrayref(
        q(SELECT id FROM information_schema.processlist WHERE user = 'access_token'));
    $dbh->do("KILL $_") for @$ids;
    $server->allow_log(qr/\[dbd:error\].*AH00639:/);
}
# httpd keeps what it has read in its buffers until the next call: so make a few calls
# without secrets.
for (1 .. 3) {
    my $reply = $server->raw($server->request_text(JSON::PP->new->utf8->encode({
        token => 'demo-session-clerk', access_token_identifier => { authentication_code => 'demo-udf' } })));
    is($reply->{status}, 200, 'a call without a secret');
}
$server->wait_for_rest;

# A function that is resolved at its first call saves registers on the stack of the thread,
# where they stay until another call uses this thread. That is seen below only on a busy
# machine, where the next calls have other threads.
my $module = AccessTokenTest::module_file();
like(`readelf -d "$module"`, qr/BIND_NOW|FLAGS.*\bNOW\b/, 'the module resolves its functions when it is loaded');

# ---- the memory

# The writable memory of PID: [name of the mapping, bytes].
sub memory_of {
    my ($pid) = @_;
    open my $maps, '<', "/proc/$pid/maps" or die "maps: $!\n";
    open my $memory, '<:raw', "/proc/$pid/mem" or die "mem: $!\n";
    my @found;
    while (my $line = <$maps>) {
        my ($from, $to, $name) = $line =~ /^([0-9a-f]+)-([0-9a-f]+) rw\S+ \S+ \S+ \d+\s*(.*)/ or next;
        next if $name =~ m{^/dev/|^\[v};
        no warnings 'portable';
        ($from, $to) = map { hex } $from, $to;
        sysseek $memory, $from, 0 or next;
        my $bytes = '';
        while (length $bytes < $to - $from) {
            sysread $memory, $bytes, $to - $from - length $bytes, length $bytes or last;
        }
        push @found, [$name || 'anonymous', $bytes];
    }
    return @found;
}

my @children = $server->children;
my (%left, $bytes, $control);
for my $pid (@children) {
    for my $region (memory_of($pid)) {
        my ($name, $memory) = @$region;
        $bytes += length $memory;
        $control ||= index($memory, 'AccessTokenPassCodeScheme') >= 0;
        $left{pass_code}{"$1 in $name"}++ while $memory =~ /(Pass-$mark-\d{5}-[\x21-\x7e\x80-\xff]{4,7})/g;
        $left{session}{"$1 in $name"}++ while $memory =~ /(Session-$mark-[a-z0-9]{5})/g;
        for my $secret (sort keys %generated) {
            $left{generated}{"$secret in $name"}++ if index($memory, $secret) >= 0;
        }
        for my $secret (sort keys %hash) {
            $left{hash}{"$secret in $name"}++ if index($memory, $secret) >= 0;
        }
    }
}
ok($control, 'the memory of the children was read') or diag("@children");
cmp_ok($bytes // 0, '>', 1e6, 'all of the memory');
cmp_ok(scalar keys %hash, '>', 30, 'there were hashes');
cmp_ok($number, '>', 100, 'and pass codes and sessions');
for my $kind (qw(pass_code session generated hash)) {
    # The pages of the database are in the memory of the process that opens it, with all
    # hashes.
    next if $kind eq 'hash' && !$has_server;
    my @found = sort keys %{ $left{$kind} // {} };
    is(scalar @found, 0, "no $kind is left") or diag(join "\n", @found[0 .. ($#found < 40 ? $#found : 40)]);
}

$server->finish;
done_testing;
