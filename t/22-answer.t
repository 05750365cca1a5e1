# No header of a request and no filter of httpd changes the answer to a call. The answer
# arrives even if the body was refused before all of it came. And the rest of a body that
# was not read is not taken for a request.
use strict;
use warnings;

use IO::Compress::Gzip qw(gzip);
use IO::Uncompress::Gunzip qw(gunzip);
use JSON::PP ();
use Test::More;

use AccessTokenTest;
use AccessTokenTest::Farm;

my $path = $AccessTokenTest::PATH;
my $id = 'D0000000000000000000000000000031';
my $json = JSON::PP->new->utf8->canonical;
my $has_http2 = AccessTokenTest::mpm() ne 'prefork';

# The method with filters and modules that could change the answer.
my %places = (
    '/deflate' => 'SetOutputFilter DEFLATE',
    '/brotli' => 'SetOutputFilter BROTLI_COMPRESS',
    '/inflate' => 'SetInputFilter DEFLATE',
    '/filter' => "FilterDeclare zip CONTENT_SET\nFilterProvider zip DEFLATE true\n"
        . "FilterProtocol zip change=yes;byteranges=no\nFilterChain zip",
    '/buffer' => 'SetOutputFilter BUFFER',
    '/cached' => 'CacheEnable disk',
    '/cached-late' => 'CacheEnable disk',
    '/traced' => 'SetEnvIf X-Trace (.*) UNIQUE_ID=$1',
    '/always-200' => 'AccessTokenHTTP200 On',
    '/inflate-200' => "SetInputFilter DEFLATE\nAccessTokenHTTP200 On",
);
my $places = join '', map { <<"END" } sort keys %places;
<Location "$_">
    SetHandler access-token-update
    $places{$_}
</Location>
END
my $server = AccessTokenTest->new(
    modules => ['brotli', 'buffer', 'cache', 'cache_disk', $has_http2 ? 'http2' : ()],
    conf => <<"END");
@{[ $has_http2 ? 'Protocols h2c http/1.1' : '' ]}
KeepAliveTimeout 100
MergeTrailers On
CacheRoot "cache"
CacheIgnoreCacheControl On
CacheStoreNoStore On
$places
<Location "/ready">
    SetHandler access-token-ready
</Location>
<VirtualHost *>
    ServerName 127.0.0.1
</VirtualHost>
<VirtualHost *>
    ServerName late.test
    CacheQuickHandler Off
</VirtualHost>
END
mkdir $server->path('cache') or die "cache: $!\n";
chmod 0777, $server->path('cache');
$server->run;

sub body {
    my (%parameters) = @_;
    return { token => 'A4F19B70D95D4DE09C3A9FC720A33A49', fields_set => 'udf_string_1',
             access_token_identifier => { authentication_code => 'demo-udf' }, %parameters };
}

sub text { $json->encode(body(@_)) }

sub stored {
    my ($column) = @_;
    return $server->dbh->selectrow_array(
        "SELECT $column FROM access_tokens WHERE id = ?", undef, $id);
}

sub chunks { join '', (map { sprintf "%x\r\n%s\r\n", length, $_ } @_), "0\r\n" }

sub to { my ($place, $text) = @_; $text =~ s/ \S+/ $place/; return $text }

my $count = 0;

# CODE sends the body that it gets. The answer must match the saved row.
sub answers {
    my ($name, $code) = @_;
    my $value = 'value ' . ++$count;
    my $before = stored('version');
    my $reply = $code->(text(udf_string_1 => $value));
    my ($content, $headers) = ($reply->{content}, $reply->{headers});
    my $encoding = $headers->{'content-encoding'} // '';
    if ($encoding eq 'gzip') {
        my $zipped = $content;
        gunzip \$zipped => \$content;
    }
    my $version = $before + 1;
    my $etag = $headers->{etag} // 'none';
    my $is_right = stored('version') == $version && stored('udf_string_1') eq $value
        && ($reply->{status} // 0) == 200 && $etag =~ /^"$id-$version(?:-gzip|-br)?"$/
        && ($headers->{'content-type'} // '') eq 'application/json; charset=utf-8'
        && !$headers->{'content-range'}
        && ($encoding eq 'br'
            || (eval { $json->decode($content)->{data}{udf_string_1} } // '') eq $value);
    ok($is_right, "$name: the answer shows the change that was made")
        or diag("version $before, now ", stored('version'), "\n", $reply->{bytes} // explain $reply);
    return;
}

# ---- parts of the answer, and caches

my $long_ago = 'Thu, 01 Jan 1970 00:00:00 GMT';
my $far_off = 'Fri, 01 Jan 2038 00:00:00 GMT';
my @headers = (
    {},
    (map { my $range = $_; map { { $_ => $range } } qw(Range Request-Range) }
        'bytes=99999-', 'bytes=0-9', 'bytes=0-1,5-9', 'bytes=-5', 'bytes=0-', 'bytes=99999-,0-1'),
    { Range => 'bytes=0-9', 'If-Range' => sub { $_[0] } },
    { Range => 'bytes=0-9', 'If-Range' => $far_off },
    { Range => 'bytes=0-9', 'User-Agent' => 'MSIE 3' },
    { 'If-Modified-Since' => $far_off }, { 'If-Unmodified-Since' => $long_ago },
    { 'If-Modified-Since' => $far_off, 'If-None-Match' => '"x"' },
    { 'If-Match' => '*', 'If-Unmodified-Since' => $long_ago },
    { Accept => 'text/html' }, { Accept => 'application/json;q=0' }, { 'Accept-Charset' => 'x' },
    { 'Accept-Language' => 'x' }, { 'Accept-Encoding' => 'identity;q=0, gzip;q=0' },
    { 'Accept-Encoding' => 'gzip' }, { 'Accept-Encoding' => 'br', Range => 'bytes=99999-' },
    { 'Accept-Encoding' => 'gzip', Range => 'bytes=99999-' },
    { 'Accept-Encoding' => 'gzip', 'If-None-Match' => sub { qq("$id-@{[ $_[1] - 1 ]}-gzip") } },
    { 'Cache-Control' => 'only-if-cached' }, { 'Cache-Control' => 'max-age=100', Pragma => 'x' },
    { TE => 'trailers, gzip' }, { 'Max-Forwards' => 0 }, { Via => '1.0 x' }, { Trailer => 'Range' },
    { 'X-HTTP-Method-Override' => 'GET' }, { 'X-HTTP-Method' => 'HEAD' },
    { 'Content-Range' => 'bytes 0-9/100' }, { Expect => '100-continue' },
    { Connection => 'Upgrade, HTTP2-Settings, close', Upgrade => 'h2c', 'HTTP2-Settings' => 'AAMAAABk' },
);
for my $place ($path, grep { $_ ne '/traced' } sort keys %places) {
    for my $headers (@headers) {
        my $version = stored('version');
        my %headers = ($place =~ /late/ ? (Host => 'late.test') : (), map {
            my $value = $headers->{$_};
            $_ => ref $value ? $value->(qq("$id-@{[ $version + 1 ]}"), $version) : $value;
        } keys %$headers);
        my $name = join ', ', $place, map { "$_: $headers{$_}" } sort keys %$headers;
        answers($name, sub {
            return $server->raw(to($place, $server->request_text($_[0], %headers)), close => 1);
        });
    }
    answers("$place, a Range in the trailer", sub {
        my $text = $server->request_text(chunks($_[0]) . "Range: bytes=0-9\r\n\r\n",
            'Content-Length' => undef, 'Transfer-Encoding' => 'chunked', Trailer => 'Range');
        return $server->raw(to($place, $text));
    });
    answers("$place, HTTP/1.0 and a Range", sub {
        my $text = to($place, $server->request_text($_[0], Range => 'bytes=99999-'));
        return $server->raw($text =~ s{HTTP/1\.1}{HTTP/1.0}r);
    });
}
for my $value ('a b', '', 'x' x 200, 'fine') {
    my $reply = $server->post(body(), { 'X-Trace' => $value }, '/traced');
    my $made = $reply->{headers}{'x-request-id'} // '';
    like($made, qr/^[!-~]{1,128}$/, "UNIQUE_ID '$value': the request id can be a header");
    is($made eq $value ? 'taken' : 'made', $value eq 'fine' ? 'taken' : 'made', 'and it is taken from there only if it can be a header');
}
is($server->request('GET', '/ready', { Range => 'bytes=0-3' })->{status}, 200,
   'readiness supports no ranges either');

# ---- the beginning of the next request

# Sends TEXT and a second call in the same write. Returns the number of answers, and
# whether the connection ended. A thread that waits for more bytes would wait a hundred
# seconds.
sub pipelined {
    my ($text) = @_;
    my $value = 'behind ' . ++$count;
    my $socket = $server->socket;
    local $SIG{PIPE} = 'IGNORE';
    print {$socket} $text, $server->request_text(
        text(udf_string_2 => $value, fields_set => 'udf_string_2'), Connection => 'keep-alive');
    my $bytes = '';
    my $until = time + 20;
    my $ended = 0;
    my $select = IO::Select->new($socket);
    while (time < $until && !$ended && $bytes !~ /behind $count"/) {
        next if !$select->can_read(0.2);
        $ended = !sysread $socket, $bytes, 65536, length $bytes;
    }
    my @heads = $bytes =~ m{(HTTP/1\.1 [2-5].*?\r\n\r\n)}msg;
    my ($status) = ($heads[0] // '') =~ m{ (\d+)};
    my $says = grep { /^Connection: (?:.*, ?)?close\r$/mi } $heads[0] // '';
    return { answers => scalar @heads, status => $status, says_close => $says, ended => $ended,
             done => (stored('udf_string_2') // '') eq $value, bytes => $bytes };
}

my @chunked = ('Content-Length' => undef, 'Transfer-Encoding' => 'chunked');
my $keep = sub { $server->request_text(shift, Connection => 'keep-alive', @_) };
my $plain = ['Content-Type' => 'text/plain'];
my $mebibyte = 'x' x 1_048_576;
my $whole = chunks(text());
gzip \('x' x 1000) => \my $zipped;
my %ways = (
    'an invalid trailer' => [400, $keep->("${whole}X : y\r\n\r\n", @chunked)],
    'a trailer without a colon' => [400, $keep->("${whole}X\r\n\r\n", @chunked)],
    'an invalid length of a chunk' => [400, $keep->("zz\r\n{}\r\n0\r\n\r\n", @chunked)],
    'a chunk that is longer than it says' => [400, $keep->("1\r\n{}\r\n0\r\n\r\n", @chunked)],
    'an invalid second length of a chunk' =>
        [400, $keep->("2\r\n{}\r\n-1\r\n0\r\n\r\n", @chunked)],
    'no JSON' => [400, $keep->('{')],
    'a wrong session' => [401, $keep->(text(token => 'x'))],
    'another method' => [405, $keep->(text()) =~ s/\APOST/PUT/r],
    'another method, chunked' => [405, $keep->("$whole\r\n", @chunked) =~ s/\APOST/PUT/r],
    'another method, and no chunks' => [400, $keep->("zz\r\n\r\n", @chunked) =~ s/\APOST/PUT/r],
    'OPTIONS with a body' => [200, $keep->(text()) =~ s/\APOST/OPTIONS/r],
    'OPTIONS, and no chunks' => [400, $keep->("zz\r\n\r\n", @chunked) =~ s/\APOST/OPTIONS/r],
    'OPTIONS with much' => [200, $keep->($mebibyte x 3) =~ s/\APOST/OPTIONS/r],
    'another type' => [415, $keep->(text(), @$plain)],
    'another type, chunked' => [415, $keep->("$whole\r\n", @chunked, @$plain)],
    'another type, and no chunks' => [400, $keep->("zz\r\n\r\n", @chunked, @$plain)],
    'another type, and no trailer' => [415, $keep->("${whole}X : y\r\n\r\n", @chunked, @$plain)],
    'another type, and much' => [415, $keep->($mebibyte x 3, @$plain)],
    'another type, and much in chunks' =>
        [415, $keep->(chunks(($mebibyte) x 3) . "\r\n", @chunked, @$plain)],
    'another type, with Expect' => [415, $keep->(text(), @$plain, Expect => '100-continue')],
    'another coding' => [415, $keep->(text(), 'Content-Encoding' => 'br')],
    'a body over the limit' => [413, $keep->(text() . ' ' x 70_000)],
    'a body over the limit, in chunks' =>
        [413, $keep->(chunks(text(), ' ' x 70_000) . "\r\n", @chunked)],
    'a body over the limit in its last chunk' =>
        [413, $keep->(chunks(' ' x 65_000, ' ' x 537) . "\r\n", @chunked)],
    'another address' => [404, to("$path/x", $keep->(text()))],
    'another address, and no chunks' => [400, to("$path/x", $keep->("zz\r\n\r\n", @chunked))],
    'a body that does not inflate' =>
        [400, to('/inflate', $keep->(substr($zipped, 0, 12) . 'no deflate here',
                                     'Content-Encoding' => 'gzip'))],
    'a body that does not inflate, and errors as HTTP 200' =>
        [200, to('/inflate-200', $keep->(substr($zipped, 0, 12) . 'no deflate here',
                                         'Content-Encoding' => 'gzip'))],
    'readiness, and no chunks' =>
        [400, to('/ready', $keep->("zz\r\n\r\n", @chunked)) =~ s/\APOST/GET/r],
    'readiness by POST' => [405, to('/ready', $keep->(text()))],
);
$server->allow_log(qr/\[deflate:(?:warn|error)\]/, qr/AH0158[0-9]:|AH0259[0-9]|AH0[0-9]+.*chunk/);
for my $mode ('', '/always-200') {
    for my $name (sort keys %ways) {
        my ($status, $text) = @{ $ways{$name} };
        if ($mode) {
            next if $text !~ / \Q$path\E /;
            $text = to($mode, $text);
            # Errors of Apache itself are 400 in any mode.
            $status = 200 if $status == 401 || $status == 400 && $name =~ /JSON|trailer/;
        }
        my $before = stored('version');
        my $result = pipelined($text);
        my $case = $mode ? "$name, as HTTP 200" : $name;
        is($result->{status}, $status, "$case: $status") or diag(substr $result->{bytes}, 0, 2000);
        my $goes_on = $result->{answers} == 2 && $result->{done} && !$result->{says_close};
        my $ends = $result->{answers} == 1 && !$result->{done} && $result->{says_close}
            && $result->{ended};
        ok($goes_on || $ends,
           "$case: the next request is answered, or the answer announces that the connection ends")
            or diag(explain { %$result, bytes => substr $result->{bytes}, 0, 2000 });
        is($result->{answers}, 2, "$case: the connection stays open")
            if $name =~ /^(?:a wrong session|another (?:method|type|address|coding)(?:, chunked)?)$/
                || $name eq 'OPTIONS with a body';
        is($result->{answers}, 1, "$case: the connection ends")
            if $name =~ /trailer|no chunks|a chunk|with Expect|much|inflate/;
        unlike($result->{bytes}, qr{</html>\s*\{}, "$case: one answer and no other after it");
        unlike($result->{bytes}, qr{^HTTP/1\.1 100}m, "$case: no 100 Continue")
            if $name =~ /Expect/;
        is(stored('version'), $before + $result->{done}, "$case: nothing else is saved");
    }
}

# ---- HTTP/2

subtest 'HTTP/2' => sub {
    plan skip_all => 'mod_http2 does not work under prefork' if !$has_http2;
    # The answer that curl got, in the form of raw; or the exit status of curl.
    my $curl = sub {
        my ($body, @more) = @_;
        my $place = @more && $more[0] =~ m{^/} ? shift @more : $path;
        my $file = $server->write_file('body', $body);
        open my $output, '-|', qw(curl -s -i --noproxy * --http2-prior-knowledge --max-time 30),
            '-H', 'Content-Type: application/json', @more, '--data-binary', "\@$file",
            $server->url($place) or die "curl: $!\n";
        my $bytes = do { local $/; <$output> } // '';
        close $output;
        my $status = $? >> 8;
        $bytes =~ s{\AHTTP/2 (\d+) }{HTTP/1.1 $1 };
        return $status ? { status => "curl $status", bytes => $bytes, headers => {} }
                       : AccessTokenTest::parse_reply($bytes);
    };
    answers('HTTP/2', $curl);
    answers('HTTP/2 and a Range', sub { $curl->(@_, '-H', 'Range: bytes=99999-') });
    answers('HTTP/2, a Range and gzip', sub {
        $curl->($_[0], '/deflate', '-H', 'Range: bytes=0-9', '-H', 'Accept-Encoding: gzip') });
    my $before = stored('version');
    for my $case (
        [413, text() . ' ' x 65_536], [413, text() . ' ' x 300_000],
        [413, text() . ' ' x 1_000_000], [415, text() . ' ' x 300_000, '-H', 'Content-Type: x'],
        [415, text(), '-H', 'Content-Type: x'], [405, text() . ' ' x 300_000, '-X', 'PUT'],
        [404, text() . ' ' x 300_000, "$path/x"], [405, text() . ' ' x 300_000, '/ready'],
    ) {
        my ($status, @request) = @$case;
        my %got;
        $got{ $curl->(@request)->{status} // 'none' }++ for 1 .. 20;
        is_deeply(\%got, { $status => 20 },
                  "$status to a body of @{[ length $request[0] ]} bytes arrives each time")
            or diag(explain \%got);
    }
    is(stored('version'), $before, 'and nothing changes');
    answers('HTTP/2 after that', $curl);
};

# ---- the shipped configurations

subtest 'the shipped configurations' => sub {
    my $farm = AccessTokenTest::Farm->start;
    my $balancer = $farm->balancer;
    for my $headers (grep { $_->{Range} } @headers) {
        my %headers = map { $_ => ref $headers->{$_} ? '"x"' : $headers->{$_} } keys %$headers;
        my $reply = $balancer->post(body(udf_string_1 => 'balanced'), \%headers);
        is(AccessTokenTest::outcome($reply) . " $reply->{json}{data}{udf_string_1}",
           '200 OK balanced', join ', ', 'through the balancer', %headers);
    }
    my $trace = $farm->node(0)->request('TRACE', '/index.html', { Cookie => 'private' });
    is($trace->{status}, 405, 'TRACE is off in the whole server');
    unlike($trace->{content}, qr/private/, 'and returns nothing of the request');
    $farm->finish('the farm');
};

$server->finish;
done_testing;
