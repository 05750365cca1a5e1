# The method as HTTP: methods, media types, sizes, headers, the order and forms of errors,
# If-Match, callers, logs, and bodies that arrive in pieces, compressed, or not at all.
use strict;
use warnings;
use utf8;

use Digest::SHA qw(sha256_hex);
use IO::Compress::Gzip qw(gzip $GzipError);
use IO::Uncompress::Gunzip qw(gunzip);
use JSON::PP ();
use MIME::Base64 qw(encode_base64);
use POSIX ();
use Test::More;
use Time::HiRes qw(sleep time);

use AccessTokenTest;

binmode $_, ':encoding(UTF-8)'
    for map { Test::More->builder->$_ } qw(output failure_output todo_output);

my $has_server = AccessTokenTest::engine() ne 'sqlite3';
my $path = $AccessTokenTest::PATH;
my $admin = 'A4F19B70D95D4DE09C3A9FC720A33A49';
my $id = 'D0000000000000000000000000000031';
my $json = JSON::PP->new->utf8->canonical->allow_nonref;
# Every pass code of this file has this text, and no log may have it.
my $secret = 'S3cret-pass-code';

# The method under other paths, each with its own setting.
my %places = (
    '/small' => 'AccessTokenBodyLimit 300',
    '/large' => 'AccessTokenBodyLimit 100000',
    '/crmapi/rest/v2/access_tokens/update' => 'AccessTokenHTTP200 On',
    '/ignore' => 'AccessTokenUnknownParameters ignore',
    '/inflate' => 'SetInputFilter DEFLATE',
    '/deflate' => 'SetOutputFilter DEFLATE',
    '/denied' => 'Require all denied',
    '/folder/update' => '',
    '/folder/granted' => 'Require all granted',
    '/alias' => 'Alias "/no-such-file"',
    '/basic' => 'Require valid-user',
    '/apache' => "Require valid-user\nAccessTokenCaller apache",
    '/either' => "Require valid-user\nAccessTokenCaller session apache",
    '/limited' => 'LimitRequestBody 100',
    '/patient' => 'AccessTokenRetryAfter 7',
);
my $http_200 = '/crmapi/rest/v2/access_tokens/update';

my $conf = join '', map { <<"END" } sort keys %places;
<Location "$_">
    SetHandler access-token-update
    AuthType Basic
    AuthName "Access tokens"
    AuthBasicProvider file
    AuthUserFile users
    $places{$_}
</Location>
END
my $error_documents = join "\n", map { "ErrorDocument $_ /error" }
    qw(400 401 403 404 405 408 411 413 414 415 417 429 500 501 503);

# The first virtual host serves all other names. Time-outs are settings of a virtual host;
# the time-out of headers starts before the name is known.
my $server = AccessTokenTest->new(modules => [qw(actions rewrite)], conf => <<"END");
$error_documents
$conf
<Location "/error">
    SetHandler access-token-error
</Location>
<Location "/ready">
    SetHandler access-token-ready
</Location>
<LocationMatch "^/pattern/\\d+">
    SetHandler access-token-update
</LocationMatch>
<Location "/wild-*">
    SetHandler access-token-update
</Location>
<Files "file">
    SetHandler access-token-update
</Files>
# This comes later, and its path is shorter, so it does not apply.
<Location "/v4">
    AccessTokenRetryAfter 2
</Location>
Redirect 503 /busy
# Other paths to the handler of errors.
Action no-error /error virtual
<Location "/action">
    SetHandler no-error
</Location>
<DirectoryMatch "/htdocs/rewritten">
    RewriteEngine On
    RewriteRule ^ /error
</DirectoryMatch>
<DirectoryMatch "/htdocs/folder">
    Require all denied
</DirectoryMatch>
LogFormat "%{access_token_request_id}n|%u|%>s|%{access_token_id}n|\\
%{access_token_code}n|%{UNIQUE_ID}e" notes
CustomLog notes.log notes
KeepAliveTimeout 15
LimitRequestLine 4000
<VirtualHost *>
    ServerName 127.0.0.1
    RequestReadTimeout header=2 body=20
</VirtualHost>
<VirtualHost *>
    ServerName slow.test
    RequestReadTimeout header=2 body=1
    MergeSlashes Off
</VirtualHost>
END
mkdir $server->path('htdocs/rewritten') or die "htdocs/rewritten: $!\n";
$server->write_file('htdocs/file', 'nothing');
$server->write_file('users', join '', map { "$_:" . crypt("$_-$secret", '$6$salt') . "\n" }
    qw(clerk contractor reader stranger));
$server->run;

# ---- helpers

sub body {
    my (%parameters) = @_;
    return { token => $admin, access_token_identifier =>
             { authentication_code => 'demo-udf' }, %parameters };
}

sub text { $json->encode(body(@_)) }

# A reply in one line: "422 VALIDATION_FAILED /udf_date_1 INVALID_FORMAT, …".
*outcome = \&AccessTokenTest::outcome;

sub is_outcome {
    my ($reply, $expected, $name) = @_;
    return is(outcome($reply), $expected, $name);
}

sub rows { $server->tokens }

# Runs CODE, which must leave all rows unchanged.
sub changes_nothing {
    my ($name, $code) = @_;
    my $before = rows();
    $code->();
    ok(rows() eq $before, "$name: nothing changes");
    return;
}

sub stored {
    my ($column) = @_;
    return $server->dbh->selectrow_array(
        "SELECT $column FROM access_tokens WHERE id = ?", undef, $id);
}

# The line that the request of X-Request-Id wrote to notes.log: a hash.
sub notes_of {
    my ($request_id) = @_;
    my $line = $server->wait_for(sub {
        AccessTokenTest::first_line(qr/^\Q$request_id\E\|/, $server->read_file('notes.log'));
    }) || '';
    my %notes;
    @notes{qw(request user status id code unique)} = split /\|/, $line;
    return \%notes;
}

# Reads one reply from a persistent connection.
sub read_reply {
    my ($socket) = @_;
    my $bytes = '';
    local $SIG{ALRM} = sub { die "no reply in time\n" };
    alarm 20;
    while ($bytes !~ /\r\n\r\n/ || $bytes =~ m{\AHTTP/1\.1 1\d\d [^\r]*\r\n\r\n\z}) {
        sysread $socket, $bytes, 1, length $bytes or last;
    }
    my ($length) = $bytes =~ /^Content-Length: (\d+)\r$/mi;
    my $end = length($bytes) + ($length // 0);
    while (length $bytes < $end) {
        sysread $socket, $bytes, $end - length $bytes, length $bytes or last;
    }
    alarm 0;
    return AccessTokenTest::parse_reply($bytes);
}

sub chunks { join '', (map { sprintf "%x\r\n%s\r\n", length, $_ } @_), "0\r\n\r\n" }

# The text of a chunked request.
sub chunked {
    my ($body, %headers) = @_;
    return $server->request_text(chunks($body =~ /(.{1,1000})/gs), 'Content-Length' => undef,
                                 'Transfer-Encoding' => 'chunked', %headers);
}

# The text of a request, with another path or host.
sub to { my ($place, $text) = @_; $text =~ s/ \S+/ $place/; return $text }

# ---- methods and media types

subtest 'methods' => sub {
    changes_nothing('other methods', sub {
        for my $method (qw(GET HEAD PUT DELETE PATCH PROPFIND BREW TRACE)) {
            my $reply = $server->request($method, $path,
                { 'Content-Type' => 'application/json' },
                $method =~ /HEAD|TRACE/ ? undef : text());
            is($reply->{status}, 405, "$method is not allowed");
            is($reply->{headers}{allow}, 'OPTIONS, POST', 'and Allow names the methods');
            is_outcome($reply, '405 METHOD_NOT_ALLOWED', 'in JSON') if $method ne 'HEAD';
            is($reply->{content} // '', '', 'without a body') if $method eq 'HEAD';
        }
        for my $headers ({}, { 'X-Request-Id' => 'options', Origin => 'http://x.test' }) {
            my $reply = $server->request('OPTIONS', $path, $headers);
            is($reply->{status}, 200, 'OPTIONS is answered');
            is($reply->{headers}{allow}, 'OPTIONS, POST', 'with the allowed methods');
            is($reply->{content}, '', 'and no body');
        }
    });
    is_outcome($server->post(body()), '200 OK', 'POST is the method');
    is_outcome($server->post(body(), undef, $_), '200 OK', "$_ is served too")
        for '/large', "$path?query=1", '/v4//access_tokens/update', '/v4/./access_tokens/update',
            '/v4/access%5Ftokens/update', '/pattern/1', '/wild-card', '/file';
    # Only <Location> merges slashes.
    is_outcome($server->raw(to('/v4//access_tokens/update',
                               $server->request_text(text(), Host => 'slow.test'))),
               '200 OK', 'two slashes where MergeSlashes is off');
};

# TraceEnable is on here, which is its default.
subtest 'TRACE' => sub {
    my %cookie = ('Cookie' => $secret, Authorization => "Bearer $admin");
    for my $case ([$path, '405 METHOD_NOT_ALLOWED', 'OPTIONS, POST'],
                  ['/denied', '405 METHOD_NOT_ALLOWED', 'OPTIONS, POST'],
                  [$http_200, '405 METHOD_NOT_ALLOWED', 'OPTIONS, POST'],
                  ['/ready', '405 METHOD_NOT_ALLOWED', 'GET, HEAD'],
                  ['/pattern/1', '405 METHOD_NOT_ALLOWED', 'OPTIONS, POST'],
                  ["$path/more", '404 INVALID_REQUEST'], ['/error', '404 INVALID_REQUEST']) {
        my ($place, $expected, $allow) = @$case;
        my $reply = $server->request('TRACE', $place, { %cookie });
        is_outcome($reply, $expected, "TRACE of $place");
        is($reply->{headers}{allow}, $allow, 'Allow names the methods');
        unlike($reply->{content}, qr/\Q$secret\E|\Q$admin\E/, 'the reply has nothing of the request');
    }
    like($server->request('TRACE', '/index.html', { %cookie })->{content}, qr/\Q$secret\E/,
         'other paths do not change');
};

subtest 'longer paths' => sub {
    changes_nothing('other addresses', sub {
        for my $place ("$path/more", "$path/", "$path//", "$path/more/still?x=1", "$path/%2e",
                       '/large/more', '/file/more') {
            my $reply = $server->post(body(), undef, $place);
            is_outcome($reply, '404 INVALID_REQUEST', "$place is not found");
            is($reply->{headers}{'content-type'}, 'application/json; charset=utf-8', 'in JSON');
            is_outcome($server->request($_, $place), '404 INVALID_REQUEST', "by $_ too")
                for qw(GET OPTIONS);
        }
        is_outcome($server->post(body(), undef, "$http_200/more"), '404 INVALID_REQUEST',
                   'also with errors as HTTP 200, as for any missing path');
        is($server->post(body(), undef, "${path}x")->{status}, 404, "${path}x is another path");
    });
    is_outcome($server->request('GET', '/ready'), '200 OK', 'readiness');
    is_outcome($server->request('GET', "/ready/more"), '404 INVALID_REQUEST', 'has no path below it');
    is_outcome($server->post(body(), undef, '/file'), '200 OK', 'a file can be the path too');
    is_outcome($server->post(body(), undef, '/pattern/12/3'), '200 OK',
               'a pattern decides itself which paths match');
};

subtest 'media types' => sub {
    for my $type ('application/json', 'Application/JSON', 'application/json;charset=utf-8',
                  'application/json; charset=UTF-8; x="y"', 'application/json ; a=b', undef) {
        is_outcome($server->raw($server->request_text(text(), 'Content-Type' => $type)),
                   '200 OK', ($type // 'no media type') . ' is accepted');
    }
    changes_nothing('other media types', sub {
        for my $type ('text/plain', 'text/json', 'application/jsonp', 'application/jso',
                      'application/json-patch+json', 'application/problem+json', 'json',
                      'application/x-www-form-urlencoded', 'application/xml',
                      'application', '*/*', 'text/plain; application/json', '') {
            is_outcome($server->raw($server->request_text(text(), 'Content-Type' => $type)),
                       '415 UNSUPPORTED_MEDIA_TYPE', "'$type' is refused");
        }
    });
};

subtest 'compressed bodies' => sub {
    $server->reset_data;
    gzip \text(udf_string_1 => 'deflated') => \my $zipped;
    my %encoded = ('Content-Encoding' => 'gzip');
    is_outcome($server->post($zipped, \%encoded, '/inflate'), '200 OK',
               'mod_deflate inflates a body');
    is(stored('udf_string_1'), 'deflated', 'and its values arrive');
    is_outcome($server->post(text(), undef, '/inflate'), '200 OK',
               'an uncompressed body is accepted there too');
    is_outcome($server->post(text(), { 'Content-Encoding' => 'identity' }), '200 OK',
               'the encoding "identity" is none');
    # Only what mod_deflate decodes is removed from Content-Encoding.
    is_outcome($server->post($zipped, { 'Content-Encoding' => $_ }, '/inflate'), '200 OK',
               "'$_' is decoded") for 'GZIP', 'x-gzip', 'identity, gzip', 'gzip, identity';
    is_outcome($server->raw($server->request_text(text(), 'Content-Encoding' => $_)), '200 OK',
               "'$_' is no encoding")
        for '', ' ', 'Identity', 'identity, identity', ',', 'identity,,', ' , IDENTITY ';
    my $chunked = chunked($zipped, %encoded);
    is_outcome($server->raw(to('/inflate', $chunked)), '200 OK', 'compressed and chunked');
    is_outcome($server->raw([split //, to('/inflate', $server->request_text($zipped,
        %encoded))]), '200 OK', 'compressed and byte by byte');
    $server->allow_log(qr/\[deflate:(?:warn|error)\]/);
    changes_nothing('compressed bodies that are refused', sub {
        is_outcome($server->post($zipped, \%encoded), '415 UNSUPPORTED_MEDIA_TYPE',
                   'a compressed body is refused without mod_deflate');
        # Even if the body is readable, it contradicts its header.
        for my $place ($path, '/inflate') {
            is_outcome($server->post(text(), { 'Content-Encoding' => $_ }, $place),
                       '415 UNSUPPORTED_MEDIA_TYPE', "$place: '$_' is refused over plain JSON")
                for 'br', 'BR', 'deflate', 'zstd', 'aes128gcm', 'x', 'identity, br', 'br, identity',
                    'gzip, br', 'identity;q=1', 'identity identity', 'none';
        }
        is_outcome($server->post(text(), { 'Content-Encoding' => $_ }), '415 UNSUPPORTED_MEDIA_TYPE',
                   "'$_' is refused without mod_deflate") for 'gzip', 'GZIP', 'x-gzip';
        is_outcome($server->post($zipped, { 'Content-Encoding' => 'br, gzip' }, '/inflate'),
                   '415 UNSUPPORTED_MEDIA_TYPE', 'a body that is decoded in part is refused');
        is_outcome($server->post('{', { 'Content-Encoding' => 'br' }), '415 UNSUPPORTED_MEDIA_TYPE',
                   'the encoding before JSON');
        is_outcome($server->post(' ' x 65537, { 'Content-Encoding' => 'br' }),
                   '413 REQUEST_TOO_LARGE', 'the size before the encoding');
        gzip \body_of(65537, udf_string_1 => join ' ', 1 .. 10000) => \my $long;
        cmp_ok(length $long, '<', 65536, 'a body that is short only when compressed');
        is_outcome($server->post($long, \%encoded, '/inflate'), '413 REQUEST_TOO_LARGE',
                   'has the size of the inflated body');
        gzip \(text() . ' ' x 10_000_000) => \my $bomb;
        like($server->post($bomb, \%encoded, '/inflate')->{status}, qr/^4\d\d$/,
             'a body that inflates very much is refused, by mod_deflate or by the module');
        my $cut = substr $zipped, 0, length($zipped) / 2;
        like($server->post($cut, \%encoded, '/inflate')->{status}, qr/^4\d\d$/,
             'half of a compressed body is refused');
        like($server->post(text(), \%encoded, '/inflate')->{status}, qr/^4\d\d$/,
             'and so is a body that is not compressed');
    });
};

# ---- sizes

# A body of LENGTH bytes.
sub body_of {
    my ($length, %parameters) = @_;
    my $text = text(%parameters);
    return $text . ' ' x ($length - length $text);
}

subtest 'the limit of a body' => sub {
    for my $case ([$path, 65536], ['/small', 300], ['/large', 100_000]) {
        my ($place, $limit) = @$case;
        my $fits = body_of($limit);
        my $too_long = body_of($limit + 1);
        is_outcome($server->post($fits, undef, $place), '200 OK',
                   "$place accepts $limit bytes");
        is_outcome($server->raw(to($place, chunked($fits))), '200 OK', 'in chunks, too');
        changes_nothing('more', sub {
            is_outcome($server->post($too_long, undef, $place), '413 REQUEST_TOO_LARGE',
                       'and refuses one more');
            is_outcome($server->raw(to($place, chunked($too_long))), '413 REQUEST_TOO_LARGE',
                       'in chunks, too');
        });
    }
    changes_nothing('an announced length', sub {
        my $text = $server->request_text('{', 'Content-Length' => 65537);
        is_outcome($server->raw($text, timeout => 5), '413 REQUEST_TOO_LARGE',
                   'the module does not wait for a body whose length is too large');
        is_outcome($server->raw($server->request_text('', 'Content-Length' =>
            '9' x 18), timeout => 5), '413 REQUEST_TOO_LARGE', 'with any length');
    });
};

# ---- the order of errors

subtest 'of two errors, the reply has that of the earlier stage' => sub {
    $server->reset_data;
    # An expired session of a user who may not update.
    $server->dbh->do('INSERT INTO access_token_sessions (token_digest, user_id, expires_at) '
        . 'VALUES (?, ?, ?)', undef, sha256_hex('expired reader'), '4', '2015-05-27T00:00:00');
    my %wrong_type = (udf_float_1 => 'x');
    my %no_session = (token => 'no such token');
    my %no_token = (access_token_identifier => { authentication_code => 'no such code' });
    my %no_permission = (token => 'demo-session-forbidden');
    my %if_match = ('If-Match' => '"other"');
    my %breaks_rule = (pass_code => $secret);
    my %taken = (authentication_code => 'demo-cafe');
    my %text_plain = ('Content-Type' => 'text/plain');
    changes_nothing('the errors', sub {
        is_outcome($server->request('PUT', $path, \%text_plain, text()),
                   '405 METHOD_NOT_ALLOWED', 'the method before the media type');
        is_outcome($server->post(body_of(65537), \%text_plain),
                   '415 UNSUPPORTED_MEDIA_TYPE', 'the media type before the size');
        is_outcome($server->post('[' x 65537), '413 REQUEST_TOO_LARGE',
                   'the size before JSON');
        is_outcome($server->raw(chunked('[' x 65537)), '413 REQUEST_TOO_LARGE',
                   'also when the size shows later');
        is_outcome($server->post(text(%wrong_type) . 'x'), '400 INVALID_JSON',
                   'JSON before the shape');
        is_outcome($server->post(body(%wrong_type, %no_session)),
                   '422 VALIDATION_FAILED /udf_float_1 INVALID_TYPE',
                   'the shape before the session');
        is_outcome($server->post(body(token => 'expired reader')), '401 INVALID_TOKEN',
                   'the session before the permission');
        is_outcome($server->post(body(%no_session, %no_token), \%if_match),
                   '401 INVALID_TOKEN', 'the session before the access token');
        is_outcome($server->post(body(%no_permission, %no_token)), '403 FORBIDDEN',
                   'the permission before the access token');
        is_outcome($server->post(body(%no_token), \%if_match), '404 ACCESS_TOKEN_NOT_FOUND',
                   'the access token before If-Match');
        is_outcome($server->post(body(%breaks_rule), \%if_match), '412 PRECONDITION_FAILED',
                   'If-Match before the rules');
        is_outcome($server->post(body(custom_field_set => { none => 1 }), \%if_match),
                   '412 PRECONDITION_FAILED', 'custom fields are checked with the rules');
        is_outcome($server->post(body(%breaks_rule, %taken)),
                   '422 VALIDATION_FAILED /identifier MANDATORY',
                   'the rules before the uniqueness');
        is_outcome($server->post(body(%breaks_rule, custom_field_set => { none => 1 })),
                   '422 VALIDATION_FAILED /custom_field_set/none UNKNOWN_CUSTOM_FIELD, '
                   . '/identifier MANDATORY', 'all errors of the stage of rules together');
        is_outcome($server->post(body(%breaks_rule, %wrong_type)),
                   '422 VALIDATION_FAILED /udf_float_1 INVALID_TYPE',
                   'without those of an earlier stage');
        is_outcome($server->post(body(%taken), \%if_match), '412 PRECONDITION_FAILED',
                   'If-Match before the uniqueness');
        is_outcome($server->post(body(%taken)),
                   '409 DUPLICATE_VALUE /authentication_code DUPLICATE_VALUE',
                   'the uniqueness comes last');
    });
};

# ---- headers

# One request for each kind of answer: the answer, and how to get it.
my %kinds = (
    '200 OK' => sub { $server->post(body(), @_) },
    '400 INVALID_JSON' => sub { $server->post('{', @_) },
    '401 INVALID_TOKEN' => sub { $server->post(body(token => 'x'), @_) },
    '403 FORBIDDEN' => sub { $server->post(body(token => 'demo-session-forbidden'), @_) },
    '404 ACCESS_TOKEN_NOT_FOUND' => sub {
        $server->post(body(access_token_identifier => { authentication_code => 'x' }), @_)
    },
    '405 METHOD_NOT_ALLOWED' => sub { $server->request('GET', $_[1] // $path, $_[0]) },
    '409 DUPLICATE_VALUE /authentication_code DUPLICATE_VALUE' => sub {
        $server->post(body(authentication_code => 'demo-cafe'), @_)
    },
    '412 PRECONDITION_FAILED' => sub {
        my ($headers, $place) = @_;
        $server->post(body(), { %{ $headers // {} }, 'If-Match' => '"x"' }, $place);
    },
    '413 REQUEST_TOO_LARGE' => sub { $server->post(' ' x 65537, @_) },
    '415 UNSUPPORTED_MEDIA_TYPE' => sub {
        my ($headers, $place) = @_;
        $server->post(body(), { %{ $headers // {} }, 'Content-Type' => 'text/plain' }, $place);
    },
    '422 VALIDATION_FAILED /x UNKNOWN_PARAMETER' => sub { $server->post(body(x => 1), @_) },
    '422 VALIDATION_FAILED /identifier MANDATORY' => sub {
        $server->post(body(pass_code => $secret), @_)
    },
    '400 INVALID_REQUEST' => sub {
        my ($headers, $place) = @_;
        $server->post(body(), { %{ $headers // {} }, Authorization => 'Bearer x' }, $place);
    },
);

subtest 'the headers of every answer' => sub {
    $server->reset_data;
    for my $kind (sort keys %kinds) {
        my $reply = $kinds{$kind}->({ 'X-Request-Id' => 'req-1' });
        is_outcome($reply, $kind, $kind);
        my $headers = $reply->{headers};
        is($headers->{'content-type'}, 'application/json; charset=utf-8', 'is JSON');
        is($headers->{'cache-control'}, 'no-store', 'must not be stored');
        is($headers->{'x-request-id'}, 'req-1', 'has the request id');
        is($headers->{'content-length'}, length $reply->{content}, 'has its length');
        is($headers->{etag}, $kind =~ /^200/ ? qq("$id-) . stored('version') . '"' : undef,
           $kind =~ /^200/ ? 'has the ETag of the new version' : 'has no ETag');
        is($headers->{'www-authenticate'}, $kind =~ /^401/ ? 'Bearer' : undef,
           'asks for a bearer token if that is missing');
        is($headers->{allow}, $kind =~ /^405/ ? 'OPTIONS, POST' : undef,
           'names the methods if another was used');
        is($headers->{'retry-after'}, undef, 'has no Retry-After');
        next if $kind =~ /^200/;
        is(join(' ', sort keys %{ $reply->{json} }), 'errors status',
           'has status and errors, and no data');
        is(join(' ', sort keys %{ $reply->{json}{status} }), 'code description message',
           'and status has code, description and message');
        ok(length $reply->{json}{status}{message}, 'with a message');
        ok(length $reply->{json}{status}{description}, 'and a description');
    }
};

subtest 'X-Request-Id' => sub {
    my %taken = ('a short one' => 'x', 'all visible characters' => join('', map { chr } 33 .. 126),
                 '128 characters' => 'x' x 128, 'a UUID' =>
                 'a7f0cf4e-6ff6-4a40-9d54-1f1b7f6a2f3e');
    for my $name (sort keys %taken) {
        for my $body (body(), '{') {
            my $reply = $server->post($body, { 'X-Request-Id' => $taken{$name} });
            is($reply->{headers}{'x-request-id'}, $taken{$name}, "$name is accepted");
        }
    }
    my %refused = ('129 characters' => 'x' x 129, 'a blank' => 'a b', 'a tab' => "a\tb",
                   'bytes that are not ASCII' => "caf\xc3\xa9", none => undef,
                   'an empty one' => '', 'several' => 'a, b');
    my %seen;
    for my $name (sort keys %refused) {
        my $text = $server->request_text('{', 'X-Request-Id' => $refused{$name});
        my $made = $server->raw($text)->{headers}{'x-request-id'};
        like($made, qr/^[!-~]{1,128}$/, "$name: one is made");
        isnt($made, $refused{$name} // '', 'another');
        is(notes_of($made)->{unique}, $made, 'mod_unique_id made it');
        ok(!$seen{$made}++, 'and no other request has it');
    }
    # Errors that another module finds have it too.
    is($server->post(body(), { 'X-Request-Id' => 'mine' }, '/denied')
       ->{headers}{'x-request-id'}, 'mine', 'an ErrorDocument has it too');
};

# ---- the number of errors

subtest 'a reply has a hundred errors, and the number of the others' => sub {
    my $start = qq({"token":"none","access_token_identifier":{"authentication_code":"x"},);
    my @numbers = 1 .. 6000;
    my %bodies = (
        'elements that are not objects' => '"custom_field_set":[' . join(',', (1) x 32_000) . ']',
        'parameters that are unknown' => join(',', map { qq("p$_":1) } @numbers),
        'names that are unknown' => '"fields_set":"' . join(',', @numbers) . '"',
        'lists of such names' => '"fields_set":[' . join(',', map { qq("$_") } @numbers) . ']',
        'the same field again and again' =>
            '"custom_field_set":[' . join(',', ('{"a":1}') x 7000) . ']',
    );
    changes_nothing('the errors', sub {
        for my $name (sort keys %bodies) {
            my $reply = $server->post("$start$bodies{$name}}");
            is("$reply->{status} $reply->{json}{status}{code}", '422 VALIDATION_FAILED', $name);
            my @errors = @{ $reply->{json}{errors} };
            is(scalar @errors, 100, 'are a hundred in the reply');
            my %seen = map { join(' ', @$_{qw(pointer code message)}) => 1 } @errors;
            is(scalar keys %seen, 100, 'each with its own place or name');
            my ($more) = $reply->{json}{status}{description} =~ /, and (\d+) more\.\z/;
            cmp_ok($more // 0, '>=', 5000, 'and the number of the others is given');
            cmp_ok(length $reply->{content}, '<', 30_000, 'in a short answer');
        }
    });
    my $reply = $server->post("$start$bodies{'parameters that are unknown'}}",
                              { Accept => 'application/problem+json' });
    like($reply->{json}{detail}, qr/, and 5900 more\.\z/, 'in the detail of a problem too');
};

# ---- forms of errors

subtest 'problem details if the client prefers them' => sub {
    my $problem = 'application/problem+json';
    my %accept = (
        $problem => 1, "$problem;q=0.1" => 1, "text/html, $problem;q=0.1" => 1,
        uc $problem => 1, "$problem; charset=utf-8" => 1, "  $problem" => 1,
        "$problem;q=0.9, application/json;q=0.5" => 1,
        "application/json;q=0.899,$problem;q=0.9" => 1,
        "application/json;q=0, $problem" => 1,
        'application/json' => 0, '*/*' => 0, 'application/*' => 0, 'text/html' => 0,
        '' => 0, 'application/problem+xml' => 0, "${problem}x" => 0, "x/$problem" => 0,
        "$problem;q=0.5, application/json;q=0.9" => 0, "$problem;q=0.5, application/json" => 0,
        "$problem;q=0" => 0, "$problem;q=0.000" => 0, "$problem ; q=0" => 0,
        "application/json, $problem;q=0.001" => 0,
    );
    for my $accept (sort keys %accept) {
        my $reply = $server->post(body(udf_float_1 => 'x'), { Accept => $accept });
        is($reply->{headers}{'content-type'},
           $accept{$accept} ? $problem : 'application/json; charset=utf-8',
           "Accept: $accept");
    }
    for my $kind (sort keys %kinds) {
        my $plain = $kinds{$kind}->();
        my $reply = $kinds{$kind}->({ Accept => $problem });
        is_outcome($reply, $kind, $kind);
        my $details = $reply->{json};
        if ($kind =~ /^200/) {
            is($reply->{headers}{'content-type'}, 'application/json; charset=utf-8',
               'other answers are unchanged');
            next;
        }
        is($reply->{headers}{'content-type'}, $problem, 'comes as problem details');
        is($details->{type}, 'about:blank', 'has a type');
        like($reply->{content}, qr/"status":$reply->{status}\b/, 'its status is that of HTTP');
        my $status = $plain->{json}{status};
        is($details->{title}, $status->{message}, 'its title is the message');
        is($details->{detail}, $status->{description}, 'its detail is the description');
        is_deeply($details->{errors}, $plain->{json}{errors}, 'the errors are the same');
    }
    my $reply = $server->post(body(), { Accept => $problem }, '/denied');
    is_outcome($reply, '403 FORBIDDEN', 'an ErrorDocument');
    is($reply->{headers}{'content-type'}, $problem, 'comes as problem details too');
    is($reply->{json}{status}, 403, 'with its status');
};

subtest 'errors as HTTP 200' => sub {
    for my $kind (sort keys %kinds) {
        my $expected = $kind;
        $expected =~ s/^4\d\d/200/ if $kind !~ /^(?:405|413|415)/;
        my $reply = $kinds{$kind}->(undef, $http_200);
        is_outcome($reply, $expected, $kind eq $expected ? "$kind stays" : "$kind comes as 200");
        is($reply->{headers}{'www-authenticate'}, undef, 'without a challenge');
    }
    my $reply = $kinds{'404 ACCESS_TOKEN_NOT_FOUND'}->({ 'X-Request-Id' => 'as-200' },
                                                       $http_200);
    ok(!exists $reply->{json}{data}, 'such an answer has no data');
    is($reply->{headers}{etag}, undef, 'and no ETag');
    is(notes_of('as-200')->{code}, 'ACCESS_TOKEN_NOT_FOUND', 'the log has the code');
    is(notes_of('as-200')->{status}, 200, 'and the status that was sent');
};

subtest 'a defect gives a 500 without details' => sub {
    $server->dbh->do(q(UPDATE access_tokens SET custom_field_set = '["broken"]' )
        . 'WHERE id = ?', undef, $id);
    $server->expect_log(qr/AT\d+: .*custom_field_set.*\[request broken-1\]/,
                        qr/AT\d+: .*custom_field_set.*\[request broken-2\]/);
    my $number = 0;
    changes_nothing('a defect', sub {
        for my $place ($path, $http_200) {
            my $reply = $server->post(body(custom_field_set => { nickname => 'x' }),
                { 'X-Request-Id' => 'broken-' . ++$number }, $place);
            is_outcome($reply, '500 INTERNAL_ERROR', "an INTERNAL_ERROR of $place");
            unlike($reply->{content}, qr/select|update |\.sql|custom_field|broken|access_tokens\b/i,
                   'has no SQL, files or values');
        }
    });
    $server->reset_data;
};

subtest 'unknown parameters can be ignored' => sub {
    my %unknown = (udf_sting_1 => 'x', life_cycle_state => 'NOT_EFFECTIVE', '' => [{}]);
    my $reply = $server->post(body(%unknown, udf_string_1 => 'known'), undef, '/ignore');
    is_outcome($reply, '200 OK', 'a call with unknown parameters');
    is(stored('udf_string_1'), 'known', 'saves the known ones');
    is(stored('life_cycle_state'), 'EFFECTIVE', 'and nothing else');
    is_outcome($server->post(body(access_token_identifier =>
        { authentication_code => 'demo-udf', x => 1 }), undef, '/ignore'),
        '200 OK', 'inside access_token_identifier too');
    is_outcome($server->post(body(%unknown, udf_float_1 => 'x', fields_set => 'nonsense'),
        undef, '/ignore'), '422 VALIDATION_FAILED /fields_set UNKNOWN_FIELD, '
        . '/udf_float_1 INVALID_TYPE', 'other errors are still errors');
    is_outcome($server->post(body(custom_field_set => { none => 1 }), undef, '/ignore'),
        '422 VALIDATION_FAILED /custom_field_set/none UNKNOWN_CUSTOM_FIELD',
        'an unknown custom field is an error');
};

# ---- If-Match

subtest 'If-Match' => sub {
    $server->reset_data;
    my $etag = sub { qq("$id-) . stored('version') . '"' };
    my $call = sub {
        my ($if_match) = @_;
        return $server->post(body(udf_string_1 => 'x'), { 'If-Match' => $if_match });
    };
    my $first = $etag->();
    my $reply = $call->($first);
    is_outcome($reply, '200 OK', 'the tag of the current version');
    is($reply->{headers}{etag}, $etag->(), 'returns the tag of the next version');
    isnt($etag->(), $first, 'which differs');
    my $second = $etag->();
    is_outcome($call->($reply->{headers}{etag}), '200 OK', 'which works in the next call');
    for my $case (['*', '*'], ['* and a blank', ' * '],
                  ['a list', sub { qq("a", $_[0], "b") }],
                  ['a list without blanks', sub { qq("a",$_[0],"b") }],
                  ['a list with a weak tag', sub { qq(W/"a", $_[0]) }],
                  ['a tag with a comma before', sub { qq("a,b", $_[0]) }],
                  ['a list with empty elements', sub { qq(, "a",, $_[0],) }],
                  ['the tag twice', sub { "$_[0], $_[0]" }]) {
        my ($name, $value) = @$case;
        $value = $value->($etag->()) if ref $value;
        is_outcome($call->($value), '200 OK', "$name: $value");
    }
    changes_nothing('another version', sub {
        my $now = $etag->();
        (my $next = $now) =~ s/-(\d+)/'-' . ($1 + 1)/e;
        (my $bare = $now) =~ tr/"//d;
        (my $other = $now) =~ s/31-/30-/;
        for my $value ($first, $second, $next, $other, "W/$now", $bare, '""', '"', 'x',
                       qq("*"), qq("a", "b"), lc $now, qq(" $bare"), "W/$now, $first",
                       qq("$bare-zip"), qq("$bare-gzip-gzip"), qq("x"$now), qq($now"x"),
                       "$now x", "*, $now") {
            is_outcome($call->($value), '412 PRECONDITION_FAILED', "$value does not match");
        }
    });
    my $before = $etag->();
    $server->dbh->do("UPDATE access_tokens SET udf_string_2 = 'x' WHERE id = ?", undef, $id);
    changes_nothing('a stale tag', sub {
        is_outcome($call->($before), '412 PRECONDITION_FAILED',
                   'the tag before a change of another program does not match');
    });
    my $same = $etag->();
    my @outcomes = $server->in_parallel(8, sub {
        my ($number) = @_;
        my $text = $server->request_text(text(udf_string_1 => "call $number"),
                                         'If-Match' => $same);
        return outcome($server->raw($text));
    });
    is(join(', ', sort @outcomes), join(', ', '200 OK', ('412 PRECONDITION_FAILED') x 7),
       'of eight concurrent calls with the same tag, one succeeds');
    # A header in two lines is a list.
    my $text = $server->request_text(text(), 'If-Match' => '"a"');
    $text =~ s/(?=\r\n\r\n)/"\r\nIf-Match: " . $etag->()/e;
    is_outcome($server->raw($text), '200 OK', 'in a second line of the header');
};

subtest 'If-None-Match' => sub {
    $server->reset_data;
    my $etag = sub { qq("$id-) . stored('version') . '"' };
    my $call = sub {
        my ($value, %headers) = @_;
        return $server->post(body(udf_string_1 => 'x'), { 'If-None-Match' => $value, %headers });
    };
    my $old = $etag->();
    is_outcome($server->post(body()), '200 OK', 'a call');
    is_outcome($call->($_), '200 OK', "$_ does not match")
        for $old, "W/$old", qq("a", "b,c",, W/"d"), '""', qq("*");
    is_outcome($call->($old, 'If-Match' => $etag->()), '200 OK', 'with an If-Match that matches');
    changes_nothing('If-None-Match', sub {
        my $now = $etag->();
        (my $zipped = $now) =~ s/"\z/-gzip"/;
        is_outcome($call->($_), '412 PRECONDITION_FAILED', "$_ matches")
            for '*', ' * ', $now, "W/$now", $zipped, "W/$zipped", qq("a", $now), qq($old,$now);
        is_outcome($call->($now, 'If-Match' => $now), '412 PRECONDITION_FAILED',
                   'even if If-Match matches');
        is_outcome($call->($_), '400 INVALID_REQUEST', "'$_' is not a list of tags")
            for '', ',', 'x', '"x', qq("x"$now), qq($now"x"), qq("x" $now), "*, $now", "$now, *",
                'w/"x"', 'W/x';
        is_outcome($server->post(body(access_token_identifier => { authentication_code => 'x' }),
                                 { 'If-None-Match' => '*' }), '404 ACCESS_TOKEN_NOT_FOUND',
                   'the access token is searched before');
        is_outcome($server->post(body(pass_code => $secret), { 'If-None-Match' => '*' }),
                   '412 PRECONDITION_FAILED', 'the rules are checked after');
        is_outcome($server->post(body(), { 'If-None-Match' => '*' }, $http_200),
                   '200 PRECONDITION_FAILED', 'as HTTP 200');
    });
    # A header in two lines is a list.
    my $text = $server->request_text(text(), 'If-None-Match' => '"a"');
    $text =~ s/(?=\r\n\r\n)/"\r\nIf-None-Match: " . $etag->()/e;
    is_outcome($server->raw($text), '412 PRECONDITION_FAILED', 'in a second line of the header');
};

subtest 'If-Match and mod_deflate' => sub {
    my $reply = $server->post(body(), { 'Accept-Encoding' => 'gzip' }, '/deflate');
    is($reply->{headers}{'content-encoding'}, 'gzip', 'the reply is compressed');
    gunzip \$reply->{content} => \my $content;
    is($json->decode($content)->{status}{code}, 'OK', 'and is the right one');
    my $etag = $reply->{headers}{etag};
    like($etag, qr/-gzip"\z/, 'its tag shows that');
    is_outcome($server->post(body(), { 'If-Match' => $etag }), '200 OK', 'and matches');
    is_outcome($server->post(body(), { 'If-Match' => $etag }), '412 PRECONDITION_FAILED',
               'but not the next version');
};

# ---- the caller

subtest 'Bearer' => sub {
    my $call = sub {
        my ($authorization, $token) = @_;
        my $body = body();
        delete $body->{token};
        $body->{token} = $token if defined $token;
        return $server->post($body, { Authorization => $authorization });
    };
    is_outcome($call->("$_ $admin"), '200 OK', "$_ names a session")
        for qw(Bearer bearer BEARER bEaReR), 'Bearer  ';
    is_outcome($call->("Bearer $admin "), '200 OK', 'with a blank after it');
    my $reply = $call->('Bearer demo-session-other-unit');
    is($reply->{json}{data}{log_information}{updated_by_user}{username}, 'clerk',
       'that session');
    is_outcome($call->("Bearer $admin", $admin), '200 OK', 'with the same in the body');
    my $basic = 'Basic ' . encode_base64('x:y', '');
    is_outcome($call->($basic, $admin), '200 OK', 'another scheme is ignored');
    changes_nothing('invalid sessions', sub {
        is_outcome($call->($_), '401 INVALID_TOKEN', "'$_' is not a session")
            for 'Bearer no-such-token', 'Bearer demo-session-expired', 'Bearer',
                'Bearer ', "Bearer$admin", $admin, $basic, "Token $admin",
                "Bearer $admin x";
        is_outcome($call->("Bearer $admin", $_), '400 INVALID_REQUEST',
                   "another in the body: '$_'")
            for 'demo-session-clerk', 'no-such-token', lc $admin, '';
        is_outcome($call->('Bearer no-such-token', $admin), '400 INVALID_REQUEST',
                   'another in the header');
        is_outcome($call->('Bearer demo-session-forbidden'), '403 FORBIDDEN',
                   'without permission');
    });
};

sub basic {
    my ($user, $password) = @_;
    $password //= "$user-$secret";
    return { Authorization => 'Basic ' . encode_base64("$user:$password", '') };
}

subtest 'a caller that Apache has authenticated' => sub {
    my $call = sub {
        my ($place, $user, @token) = @_;
        my $body = body(@token ? (token => $token[0]) : ());
        delete $body->{token} if !@token;
        return $server->post($body, { %{ basic($user) }, 'X-Request-Id' => 'by-apache' },
                             $place);
    };
    for my $place ('/apache', '/either') {
        my $reply = $call->($place, 'clerk');
        is_outcome($reply, '200 OK', "$place uses the user of the request");
        my $log = $reply->{json}{data}{log_information};
        is($log->{updated_by_user}{username}, 'clerk', 'as the user who updates');
        is($log->{updated_by_unit}{name}, 'Harbour Shop', 'in the default unit');
        is_deeply($call->($place, 'contractor')->{json}{data}{log_information}
                  {updated_by_unit}, undef, 'or in none');
        is_outcome($call->($place, 'clerk', 'demo-session-clerk'), '200 OK',
                   'with a session of the same user');
        changes_nothing($place, sub {
            is_outcome($call->($place, 'clerk', $admin), '400 INVALID_REQUEST',
                       'a session of another user contradicts it');
            is_outcome($call->($place, 'clerk', 'no-such-token'), '400 INVALID_REQUEST',
                       'and so does an unknown session');
            is_outcome($call->($place, 'stranger'), '401 INVALID_TOKEN',
                       'a user who is not in the table is not a caller');
            is_outcome($call->($place, 'reader'), '403 FORBIDDEN',
                       'one without the permission may not');
        });
    }
    is_outcome($call->('/basic', 'clerk'), '401 INVALID_TOKEN',
               'without the directive the user of the request is not a caller');
    is_outcome($call->('/basic', 'clerk', $admin), '200 OK', 'but a session is');
};

# ---- errors that Apache finds

subtest 'errors of Apache come as JSON' => sub {
    # The checks of each such answer.
    my $is_error = sub {
        my ($reply, $expected, $name) = @_;
        is_outcome($reply, $expected, $name);
        is($reply->{headers}{'content-type'}, 'application/json; charset=utf-8', 'is JSON');
        is($reply->{headers}{'cache-control'}, 'no-store', 'must not be stored');
        like($reply->{headers}{'x-request-id'} // '', qr/^[!-~]+$/, 'has a request id');
        ok(length $reply->{json}{status}{description}, 'has a description');
        unlike($reply->{content}, qr/<|apache|\Q$secret\E/i, 'and nothing else');
    };
    $server->allow_log(qr/AH01630:.*denied/, qr/AH016(?:17|18|20):/, qr/AH0013[5-9]:/,
                       qr/AH00(?:126|127|524|566|567|569|587):/, qr/AH02429:/);
    changes_nothing('the errors', sub {
        $is_error->($server->post(body(), undef, '/denied'), '403 FORBIDDEN', 'Require');
        my $reply = $server->post(body(), undef, '/basic');
        $is_error->($reply, '401 INVALID_TOKEN', 'no password');
        is($reply->{headers}{'www-authenticate'}, 'Basic realm="Access tokens"',
           'the challenge comes from Apache');
        $is_error->($server->post(body(), basic('clerk', 'wrong'), '/basic'),
                    '401 INVALID_TOKEN', 'a wrong password');
        $is_error->($server->post(body(), undef, '/nowhere'), '404 INVALID_REQUEST',
                    'no such path');
        $is_error->($server->request('GET', '/error'), '404 INVALID_REQUEST',
                    'the path of the errors itself');
        $is_error->($server->request('GET', $_), '404 INVALID_REQUEST',
                    "$_: a path that leads there without an error") for qw(/action /rewritten/x);
        $is_error->($server->post(body(), undef, '/limited'), '413 REQUEST_TOO_LARGE',
                    'LimitRequestBody');
        $is_error->($server->raw(to('/limited', chunked(text()))), '413 REQUEST_TOO_LARGE',
                    'LimitRequestBody and chunks');
        $is_error->($server->raw("NONSENSE\r\n\r\n"), '400 INVALID_REQUEST',
                    'an invalid request line');
        $is_error->($server->raw("POST $path HTTP/1.1\r\nHost: a b\r\n\r\n"),
                    '400 INVALID_REQUEST', 'an invalid host');
        $is_error->($server->raw("POST $path HTTP/1.1\r\nContent-Length: 2\r\n\r\n{}"),
                    '400 INVALID_REQUEST', 'no host');
        $is_error->($server->raw("POST $path HTTP/1.1\r\nHost: x\r\n: y\r\n\r\n"),
                    '400 INVALID_REQUEST', 'a header without name');
        $is_error->($server->raw($server->request_text('{}', 'Content-Length' => 'x')),
                    '400 INVALID_REQUEST', 'an invalid length');
        $is_error->($server->raw($server->request_text("{}\r\n", 'Content-Length' => undef,
            'Transfer-Encoding' => 'chunked')), '400 INVALID_REQUEST',
            'invalid chunks');
        $is_error->($server->raw($server->request_text('{}', Expect => 'miracles')),
                    '417 INVALID_REQUEST', 'an unknown expectation');
        $is_error->($server->raw('POST /' . 'x' x 5000 . " HTTP/1.1\r\nHost: x\r\n\r\n"),
                    '414 INVALID_REQUEST', 'a request line that is too long');
        $reply = $server->raw($server->request_text('{}', 'Content-Length' => undef,
                                                    'Transfer-Encoding' => 'miracles'));
        like(outcome($reply), qr/^(?:400 INVALID_REQUEST|501 INTERNAL_ERROR)$/,
             'an unknown transfer encoding');
        $reply = $server->request('GET', '/busy');
        $is_error->($reply, '503 SERVICE_UNAVAILABLE', 'a 503 of Apache');
        is($reply->{headers}{'retry-after'}, 2, 'says when to try again');
    });
};

# Apache looks for a file at the address of the method, so that the sections of folders apply.
subtest 'who may call' => sub {
    $server->allow_log(qr/AH01630:.*denied/);
    is_outcome($server->post(body(), undef, '/folder/update'), '403 FORBIDDEN',
               'a section of a folder says that nobody may');
    is_outcome($server->post(body(), undef, '/folder/granted'), '200 OK',
               'the section of the address says more');
    is_outcome($server->post(body(), undef, '/alias'), '200 OK', 'an alias to a file that does not exist');
};

subtest 'time-outs come as JSON' => sub {
    changes_nothing('time-outs', sub {
        my $text = $server->request_text(text(udf_string_1 => 'late'));
        my $head = substr $text, 0, index($text, "\r\n\r\n") - 5;
        my $reply = $server->raw($head);
        is_outcome($reply, '408 INVALID_REQUEST', 'a header that does not end');
        $text =~ s/^Host: \S+/Host: slow.test/m;
        $reply = $server->raw(substr $text, 0, -5);
        is_outcome($reply, '408 INVALID_REQUEST', 'a body that does not end');
        is($reply->{headers}{'content-type'}, 'application/json; charset=utf-8', 'as JSON');
    });
};

# ---- logs

subtest 'notes for the access log' => sub {
    $server->reset_data;
    my $number = 0;
    for my $case (
        ['200 OK', 'MPAdministrator', $id],
        ['400 INVALID_JSON', '-', '-'],
        ['401 INVALID_TOKEN', '-', '-'],
        ['403 FORBIDDEN', 'reader', undef],
        ['404 ACCESS_TOKEN_NOT_FOUND', 'MPAdministrator', '-'],
        ['405 METHOD_NOT_ALLOWED', '-', '-'],
        ['409 DUPLICATE_VALUE /authentication_code DUPLICATE_VALUE', 'MPAdministrator', $id],
        ['412 PRECONDITION_FAILED', 'MPAdministrator', $id],
        ['413 REQUEST_TOO_LARGE', '-', '-'],
        ['415 UNSUPPORTED_MEDIA_TYPE', '-', '-'],
        ['422 VALIDATION_FAILED /x UNKNOWN_PARAMETER', '-', '-'],
        ['422 VALIDATION_FAILED /identifier MANDATORY', 'MPAdministrator', $id],
    ) {
        my ($kind, $user, $expected_id) = @$case;
        my $request = 'note-' . ++$number;
        $kinds{$kind}->({ 'X-Request-Id' => $request });
        my $notes = notes_of($request);
        my ($status, $code) = split / /, $kind;
        is("$notes->{status} $notes->{code}", "$status $code", "the outcome: $kind");
        is($notes->{user}, $user, 'the caller');
        is($notes->{id}, $expected_id, 'the id') if defined $expected_id;
    }
    my %key = (access_token_identifier => { identifier => 'demo-bcrypt-user',
                                            pass_code => 'demo-pass-1' });
    $server->post(body(%key, token => 'demo-session-clerk'), { 'X-Request-Id' => 'note-a' });
    is_deeply([@{ notes_of('note-a') }{qw(user id)}],
              ['clerk', 'D0000000000000000000000000000040'], 'found by identifier');
    $server->post(body(), { %{ basic('clerk') }, 'X-Request-Id' => 'note-b' }, '/basic');
    is(notes_of('note-b')->{user}, 'clerk', 'the user that Apache has authenticated stays');
    $server->post(body(), { 'X-Request-Id' => 'note-c' }, '/denied');
    is_deeply([@{ notes_of('note-c') }{qw(status code)}], [403, 'FORBIDDEN'],
              'errors of Apache have a code, too');
    my $made = $server->post(body())->{headers}{'x-request-id'};
    is(notes_of($made)->{code}, 'OK', 'a generated request id is in the log');
};

# ---- bodies in pieces

subtest 'bodies in pieces' => sub {
    $server->reset_data;
    my $value = 'ein Stück 日本 👩‍🚀';
    my $count = 0;
    my $arrives = sub {
        my ($name, $make) = @_;
        my $text = "$value " . ++$count;
        my $reply = $make->(text(udf_string_2 => $text));
        is_outcome($reply, '200 OK', $name);
        is($reply->{json}{data}{udf_string_2}, $text, 'arrives whole');
    };
    $arrives->('byte by byte', sub {
        $server->raw([split //, $server->request_text($_[0])]);
    });
    $arrives->('byte by byte, slowly', sub {
        my $text = $server->request_text($_[0]);
        my $from = index($text, "\r\n\r\n") + 4;
        $server->raw([substr($text, 0, $from), split //, substr $text, $from],
                     pause => 0.002);
    });
    $arrives->('in chunks of one byte', sub {
        my $text = $server->request_text(chunks(split //, $_[0]), 'Content-Length' => undef,
                                         'Transfer-Encoding' => 'chunked');
        $server->raw($text);
    });
    $arrives->('in chunks of one byte, each sent apart', sub {
        my $text = $server->request_text('', 'Content-Length' => undef,
                                         'Transfer-Encoding' => 'chunked');
        $server->raw([$text, (map { "1\r\n$_\r\n" } split //, $_[0]), "0\r\n", "\r\n"]);
    });
    $arrives->('in chunks with extensions and trailers', sub {
        my $text = $server->request_text('', 'Content-Length' => undef,
                                         'Transfer-Encoding' => 'chunked');
        $server->raw(sprintf "%s%x;a=b\r\n%s\r\n0\r\nX-Trailer: y\r\n\r\n", $text,
                     length $_[0], $_[0]);
    });
    $arrives->('by HTTP/1.0', sub {
        my $text = $server->request_text($_[0]);
        $text =~ s{HTTP/1\.1}{HTTP/1.0};
        $server->raw($text);
    });
};

subtest 'Expect: 100-continue' => sub {
    my $body = text(udf_string_1 => 'continued');
    my ($head) = $server->request_text($body, Expect => '100-continue') =~
        /\A(.*?\r\n\r\n)/s;
    my $socket = $server->socket;
    print {$socket} $head;
    my $interim = '';
    local $SIG{ALRM} = sub { die "no 100 in time\n" };
    alarm 10;
    sysread $socket, $interim, 1, length $interim or last while $interim !~ /\r\n\r\n/;
    alarm 0;
    like($interim, qr{\AHTTP/1\.1 100 }, 'the module asks for the body');
    print {$socket} $body;
    is_outcome(read_reply($socket), '200 OK', 'and accepts it');
    is(stored('udf_string_1'), 'continued', 'with its values');
    $head =~ s{application/json}{text/plain};
    my $reply = $server->raw($head, timeout => 5);
    is_outcome($reply, '415 UNSUPPORTED_MEDIA_TYPE', 'a request that is refused anyway');
    unlike($reply->{bytes}, qr{\AHTTP/1\.1 100 }, 'gets no 100 Continue');
};

subtest 'a body that is cut off changes nothing' => sub {
    $server->reset_data;
    my $text = $server->request_text(text(udf_string_1 => 'cut off'));
    my $body_at = index($text, "\r\n\r\n") + 4;
    my $chunked = chunked(text(udf_string_1 => 'cut off'));
    my $whole_chunk = substr $chunked, 0, index($chunked, "\r\n0\r\n\r\n") + 2;
    changes_nothing('bodies that are cut off', sub {
        for my $length ($body_at, $body_at + 1, $body_at + 100, length($text) - 1) {
            my $part = substr $text, 0, $length;
            my $reply = $server->raw($part, close => 1, timeout => 10);
            isnt($reply->{status} // '', 200, "after $length bytes");
            is_outcome($reply, '400 INVALID_REQUEST', 'and the answer says so') if $reply->{status};
            $server->raw($part, close => 'abort');
        }
        for my $part (substr($chunked, 0, -100), $whole_chunk, "${whole_chunk}0\r\n",
                      substr($chunked, 0, -7)) {
            my $reply = $server->raw($part, close => 1, timeout => 10);
            isnt($reply->{status} // '', 200, 'in chunks, after ' . length $part);
            $server->raw($part, close => 'abort');
        }
        # The earlier request has ended when this one is answered, on prefork too.
        $server->request('GET', $path) for 1 .. 3;
        sleep 0.2;
    });
    is_outcome($server->post(body()), '200 OK', 'the server still works');
};

subtest 'one connection, many requests' => sub {
    $server->reset_data;
    my $socket = $server->socket;
    my $request = sub {
        my ($body, %headers) = @_;
        my %method = (method => delete $headers{method} // 'POST');
        my $text = $server->request_text($body, Connection => 'keep-alive', %headers);
        $text =~ s/\APOST/$method{method}/;
        return $text;
    };
    my @chunked = ('Content-Length' => undef, 'Transfer-Encoding' => 'chunked');
    my %after = (
        '200 OK' => $request->(text()),
        '400 INVALID_JSON' => $request->('{"a":1}}' . 'x' x 9000),
        '401 INVALID_TOKEN' => $request->(text(token => 'x')),
        '403 FORBIDDEN' => $request->(text(token => 'demo-session-forbidden')),
        '404 ACCESS_TOKEN_NOT_FOUND' => $request->(text(access_token_identifier =>
            { authentication_code => 'x' })),
        '405 METHOD_NOT_ALLOWED' => $request->(text(), method => 'PUT'),
        '409 DUPLICATE_VALUE /authentication_code DUPLICATE_VALUE' =>
            $request->(text(authentication_code => 'demo-cafe')),
        '412 PRECONDITION_FAILED' => $request->(text(), 'If-Match' => '"x"'),
        '413 REQUEST_TOO_LARGE' => $request->(body_of(70_000)),
        '415 UNSUPPORTED_MEDIA_TYPE' => $request->(text(), 'Content-Type' => 'text/plain'),
        '422 VALIDATION_FAILED /x UNKNOWN_PARAMETER' => $request->(text(x => 1)),
    );
    my @cases = ((map { [$_, $after{$_}] } sort keys %after),
        ['413 REQUEST_TOO_LARGE', $request->(chunks(body_of(70_000)), @chunked)],
        ['415 UNSUPPORTED_MEDIA_TYPE', $request->(chunks(text()), @chunked,
                                                  'Content-Type' => 'text/plain')]);
    # Apache closes a connection after these errors, since the next request may not begin
    # at the next byte.
    my $ends = qr/^(?:400|413) /;
    for my $case (@cases) {
        my ($kind, $text) = @$case;
        print {$socket} $text;
        my $reply = read_reply($socket);
        is_outcome($reply, $kind, $kind);
        my $closed = lc($reply->{headers}{connection} // '') eq 'close';
        is($closed ? 'ends' : 'goes on', $kind =~ $ends ? 'ends' : 'goes on',
           'the connection after it');
        $socket = $server->socket if $closed;
        print {$socket} $request->(text(udf_string_1 => $kind));
        is_outcome(read_reply($socket), '200 OK', 'the next request is answered');
        is(stored('udf_string_1'), $kind, 'and done');
    }
    # Several requests sent together are answered in their order.
    my @pipeline = grep { $_->[0] !~ $ends } @cases;
    print {$socket} map { $_->[1] } @pipeline;
    is_outcome(read_reply($socket), $_->[0], "in a pipeline: $_->[0]") for @pipeline;
    # As HTTP 200 the same error leaves the connection open.
    for my $kind ('400 INVALID_JSON', '422 VALIDATION_FAILED /x UNKNOWN_PARAMETER') {
        print {$socket} to($http_200, $after{$kind});
        (my $expected = $kind) =~ s/^\d+/200/;
        is_outcome(read_reply($socket), $expected, "as HTTP 200: $kind");
    }
    print {$socket} $request->(text());
    is_outcome(read_reply($socket), '200 OK', 'the connection stays open');
};

# ---- time, and a server without mod_unique_id and without a database

subtest 'an unknown identifier takes as long as a wrong pass code' => sub {
    my %wrong = (pass_code => "$secret-wrong");
    $server->dbh->do('UPDATE access_tokens SET pass_code = NULL WHERE id = ?', undef,
                     'D0000000000000000000000000000041');
    my %key = (
        'a wrong pass code' => { identifier => 'demo-bcrypt-user', %wrong },
        'an unknown identifier' => { identifier => 'no-such-user', %wrong },
        'an access token without a pass code' => { identifier => 'demo-apr1-user', %wrong },
    );
    # The shortest of several tries; more tries on a busy machine.
    my %best;
    my $alike = sub {
        my ($least, $most) = (sort { $a <=> $b } values %best)[0, -1];
        return $most < 1.5 * $least;
    };
    for my $try (1 .. 40) {
        for my $name (keys %key) {
            my $from = time;
            my $reply = $server->post(body(access_token_identifier => $key{$name}));
            my $seconds = time - $from;
            is_outcome($reply, '404 ACCESS_TOKEN_NOT_FOUND', "$name is not found") if $try == 1;
            $best{$name} = $seconds if $seconds < ($best{$name} // 9**9);
        }
        last if $try >= 3 && $alike->();
    }
    ok($alike->(), 'all take equal time')
        or diag(map { sprintf "%s: %.3f s\n", $_, $best{$_} } sort keys %best);
    cmp_ok($best{'a wrong pass code'}, '>', 0.01, 'the time of a hash');
};

subtest 'no mod_unique_id; no database' => sub {
    my $params = $has_server ? 'sock=/nowhere/socket,user=none,reconnect=0'
                             : '/nowhere/tokens.db';
    my $other = AccessTokenTest->start(database => $server->database,
        without => ['unique_id'], conf => <<"END");
<VirtualHost *>
    ServerName 127.0.0.1
</VirtualHost>
<VirtualHost *>
    ServerName broken.test
    DBDParams "$params"
    AccessTokenRetryBudget 300ms
    <Location "/patient">
        SetHandler access-token-update
        AccessTokenRetryAfter 7
    </Location>
    <Location "/as-200">
        SetHandler access-token-update
        AccessTokenHTTP200 On
    </Location>
</VirtualHost>
END
    my %seen;
    for (1 .. 3) {
        my $made = $other->post(body())->{headers}{'x-request-id'};
        like($made, qr/^[!-~]{16,128}$/, 'a request id is generated');
        ok(!$seen{$made}++, 'and no other request has it');
    }
    is($other->post(body(), { 'X-Request-Id' => 'mine' })->{headers}{'x-request-id'},
       'mine', 'the client\'s own is used');
    $other->allow_log(qr/AH00(?:629|631|632|633|636|639):/, qr/AT\d+: .*database|unavailable/);
    for my $case ([$path, 2], ['/patient', 7], ['/as-200', 2]) {
        my ($place, $seconds) = @$case;
        my $reply = $other->post(body(), { Host => 'broken.test' }, $place);
        $reply = $other->raw(to($place, $other->request_text(text(), Host => 'broken.test')));
        is_outcome($reply, '503 SERVICE_UNAVAILABLE', "$place without a database");
        is($reply->{headers}{'retry-after'}, $seconds, "has Retry-After: $seconds");
        unlike($reply->{content}, qr/nowhere|sock|sqlite|mysql/i, 'and gives no details');
    }
    is_outcome($other->post(body()), '200 OK', 'the other virtual host still works');
    $other->finish('the error log of that server has only the expected lines');
};

subtest 'no log has a secret' => sub {
    $server->reset_data;
    my $generated = $server->post(body(access_token_identifier =>
        { authentication_code => 'demo-auto-all' }, identifier => undef, pass_code => undef));
    my $made = $generated->{json}{data}{pass_code};
    like($made, qr/^[0-9A-F]{32}$/, 'a pass code is generated');
    is_outcome($server->post(body(identifier => 'x', pass_code => $secret)), '200 OK',
               'one is set');
    $server->post(body(identifier => 'demo-bcrypt-user', pass_code => $secret));
    $server->post(text(pass_code => $secret) . 'x');
    $server->post(body(pass_code => $secret x 20));
    $server->post(body(access_token_identifier => { identifier => 'x', pass_code => $secret }));
    $server->post(body(access_token_identifier => { identifier => 'y', pass_code => $secret }));
    $server->post(body(), { Authorization => "Bearer $admin" });
    my ($hash) = $server->dbh->selectrow_array(
        'SELECT pass_code FROM access_tokens WHERE id = ?', undef, $id);
    like($hash, qr/^\$2y\$10\$/, 'and hashed by the default scheme');
    $server->stop;
    my $logs = join "\n", map { $server->read_file($_) }
        qw(error.log access.log notes.log output.log);
    cmp_ok(length $logs, '>', 5000, 'there are logs');
    like($logs, qr/AT\d+:.*\[request /, 'of the module, too');
    my @secrets = ($admin, $secret, $made, $hash, 'demo-pass', '$2y$', '$apr1$', '$6$',
        (map { ($_, sha256_hex($_)) } $admin, map { "demo-session-$_" }
            qw(clerk other-unit no-unit forbidden expired)));
    is_deeply([grep { index(lc $logs, lc $_) >= 0 } @secrets], [],
              'no session token, pass code, hash or digest');
};

$server->finish;
done_testing;
