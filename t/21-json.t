# Invalid and misleading JSON: each document is refused with the byte, whether it comes
# whole or byte by byte. And unusual JSON that is valid.
use strict;
use warnings;

use Encode qw(encode);
use JSON::PP ();
use Test::More;

use AccessTokenTest;

my $token = 'A4F19B70D95D4DE09C3A9FC720A33A49';
my $secret = 'S3cret-pass-code';
my $id = 'D0000000000000000000000000000031';
my $json = JSON::PP->new->utf8->canonical;

# The beginning of every request below. All text in this file is bytes.
my $start = qq({"token":"$token","access_token_identifier":)
    . qq({"identifier":"x","pass_code":"$secret"});

my $server = AccessTokenTest->start(conf => <<'END');
<Location "/long">
    SetHandler access-token-update
    AccessTokenBodyLimit 2000000
</Location>
END

# ---- helpers

sub rows { $server->tokens }

sub bytewise {
    my ($body, $path) = @_;
    my $chunks = join '', map { "1\r\n$_\r\n" } split //, $body;
    my $text = $server->request_text("${chunks}0\r\n\r\n", 'Content-Length' => undef,
                                     'Transfer-Encoding' => 'chunked');
    $text =~ s/ \S+/ $path/ if $path;
    return $server->raw($text);
}

sub code { "$_[0]{status} " . ($_[0]{json}{status}{code} // 'without a code') }

sub byte { ($_[0]{json}{status}{description} // '') =~ /\bbyte (\d+)/ ? $1 : undef }

# The name of a test: bytes that are not ASCII as <80>.
sub printable { $_[0] =~ s/([^\x20-\x7e])/sprintf '<%02x>', ord $1/ger }

# A body that must be refused at a byte between FROM and TO; both undef: at any byte.
sub refused {
    my ($name, $body, $from, $to) = @_;
    $to //= $from;
    $name = printable($name);
    my $whole = $server->post($body);
    my $pieces = bytewise($body);
    is(code($whole), '400 INVALID_JSON', "$name is refused");
    is(code($pieces), '400 INVALID_JSON', 'and byte by byte');
    my $byte = byte($whole) // 'nowhere';
    is(byte($pieces) // 'nowhere', $byte, 'at the same byte');
    ok($byte =~ /^\d+$/ && $byte >= ($from // 0) && $byte <= ($to // length $body),
       'which is where the error is')
        or diag("byte $byte, not $from to $to: $whole->{json}{status}{description}");
    unlike($_->{content}, qr/\Q$token\E|\Q$secret\E/, 'without a secret in the answer')
        for $whole, $pieces;
    ok(!exists $whole->{json}{data}, 'and without data');
    return;
}

# Refuses VALUE as the value of udf_string_1. Offsets count from its first byte.
sub refused_value {
    my ($name, $value, $from, $to) = @_;
    my $before = qq($start,"udf_string_1":);
    my $length = length $before;
    $from = $length + ($from // 0);
    $to = $length + ($to // length $value);
    return refused($name, "$before$value}", $from, $to);
}

# The same TEXT in the quotes of a value, and of a name.
sub refused_text {
    my ($name, $text) = @_;
    refused_value("$name in a value", qq("$text"), 1, 1 + length $text);
    my $length = length $start;
    refused("$name in a name", qq($start,"$text":1}), $length + 2,
            $length + 3 + length $text);
    return;
}

sub group {
    my ($name, $code) = @_;
    subtest $name => sub {
        my $before = rows();
        $code->();
        ok(rows() eq $before, 'nothing changes');
    };
    return;
}

# ---- invalid JSON, in every place

group 'duplicate names' => sub {
    for my $pair (['"a"', '"a"'], ['"a"', '"\u0061"'], ['"\u0061"', '"a"'], ['""', '""'],
                  ['"udf_string_1"', '"udf_string\u005F1"'], ['"\n"', '"\u000a"'],
                  ['"\/"', '"/"'], ['"\u00e9"', qq("\xc3\xa9")],
                  ['"\uD83D\uDE00"', qq("\xf0\x9f\x98\x80")],
                  ['"token"', '"token"'], ['"pass_code"', '"pass_code"']) {
        my ($one, $two) = @$pair;
        for my $place (['the root', '%s'], ['an object', '"custom_field_set":{%s}'],
                       ['an object in arrays', '"x":[1,[{"b":[]},{%s}]]']) {
            my ($name, $format) = @$place;
            my $members = qq($one:1,"z":{},$two:1);
            my $body = sprintf "{$format}", $members;
            my $from = index($body, ",$two:1") + 1;
            refused("$one and $two in $name", $body, $from, $from + length $two);
        }
    }
    refused('a duplicate name in the key',
            '{"access_token_identifier":{"identifier":"x","identifier":"x"}}', 45, 57);
    refused('the same member twice', qq($start,"token":"$token"}));
};

group 'U+0000' => sub {
    refused_text($_->[0], $_->[1]) for
        ['\u0000', '\u0000'], ['\u0000 between letters', 'a\u0000b'],
        ['\u0000 at the end', 'abc\u0000'], ['two of them', '\u0000\u0000'],
        ['a raw NUL byte', "a\0b"], ['one after an escaped backslash', '\\\\\u0000'];
    refused('a NUL byte between members', qq($start,\0"a":1}), 1 + length $start);
    refused('a NUL byte at the start', "\0$start}", 0);
    refused('a NUL byte after the document', "{}\0", 2);
};

group 'lone surrogates' => sub {
    refused_text($_, $_) for (
        '\ud800', '\uD800', '\udbff', '\udc00', '\uDFFF', 'a\ud83d', '\ud83db',
        '\ud800\u0041', '\ud800\ud800', '\udc00\ud800', '\udc00\udc00', '\ude00\ud83d',
        '\ud83d\n', '\ud83d\\\\ude00', '\ud83d\"', '\ud83d \ude00',
        '\ud83d\ude00\ude00', '\ud83d\ud83d\ude00', '\ud83d\ude00\ud83d', '\ud800\ue000',
        '\udbff\uffff', '\ud83d\u',
    );
    refused_text('\ud83d and a raw character', "\\ud83d\xf0\x9f\x98\x80");
    refused_text('\ud83d and raw bytes of the other half', "\\ud83d\xed\xb8\x80");
};

my %bad_utf8 = (
    'a continuation byte' => '80', 'the last continuation byte' => 'bf',
    'two of them' => '80 bf', 'overlong NUL' => 'c0 80', 'overlong slash' => 'c0 af',
    'overlong DEL' => 'c1 bf', 'half of two bytes' => 'c3', 'two bytes cut off' => 'c3 41',
    'overlong in three bytes' => 'e0 80 80', 'the last overlong of three' => 'e0 9f bf',
    'two of three bytes' => 'e2 82', 'three bytes cut off' => 'e2 82 41',
    'one of three bytes' => 'e2', 'a surrogate' => 'ed a0 80', 'the last surrogate' => 'ed bf bf',
    'a pair of surrogates' => 'ed a0 bd ed b8 80', 'overlong in four bytes' => 'f0 80 80 80',
    'the last overlong of four' => 'f0 8f bf bf', 'three of four bytes' => 'f0 9f 98',
    'four bytes cut off' => 'f0 9f 98 41', 'above U+10FFFF' => 'f4 90 80 80',
    'far above' => 'f5 80 80 80', 'U+1FFFFF' => 'f7 bf bf bf',
    'five bytes' => 'f8 88 80 80 80', 'six bytes' => 'fc 84 80 80 80 80',
    'FE' => 'fe', 'FF' => 'ff', 'Latin-1' => 'e9', 'a character and a rest' => 'c3 a9 a9',
);

group 'bytes that are not UTF-8' => sub {
    for my $name (sort keys %bad_utf8) {
        my $bytes = pack 'H*', $bad_utf8{$name} =~ tr/ //dr;
        refused_text($name, $bytes);
        refused_text("$name between letters", "a${bytes}b");
        refused("$name outside of strings", "$start,$bytes}", 1 + length $start,
                2 + length($start) + length $bytes);
    }
};

group 'byte order marks and other encodings' => sub {
    refused('a byte order mark', "\xef\xbb\xbf$start}", 0, 2);
    refused('a byte order mark alone', "\xef\xbb\xbf", 0, 3);
    refused('a byte order mark after the document', "{}\xef\xbb\xbf", 2, 5);
    refused('a byte order mark between members', "{\xef\xbb\xbf\"a\":1}", 1, 4);
    refused("a document in $_", encode($_, '{"a":1}'), 0, 2)
        for qw(UTF-16 UTF-16LE UTF-16BE UTF-32LE UTF-32BE);
};

group 'nesting' => sub {
    for my $case (['arrays', '[', ']', ''], ['objects', '{"a":', '}', ''],
                  ['both', '[{"a":', '}]', 2]) {
        my ($name, $open, $close, $levels) = @$case;
        $levels ||= 1;
        my $nest = sub {
            my ($depth) = @_;
            # The root is the first level.
            my $times = int(($depth - 1) / $levels);
            my $rest = ($depth - 1) % $levels;
            my $inner = $rest ? '[1]' : '1';
            return '{"x":' . $open x $times . $inner . $close x $times . '}';
        };
        for my $reply ($server->post($nest->(8)), bytewise($nest->(8))) {
            is(code($reply), '422 VALIDATION_FAILED', "8 levels of $name are read");
        }
        refused("9 levels of $name", $nest->(9));
    }
    my $shallow = '{"x":[' . join(',', ('[[[[[[]]]]]]') x 50) . ']}';
    is(code($server->post($shallow)), '422 VALIDATION_FAILED',
       'the depth counts, not the number of brackets');
    refused('the ninth level', '{"x":[[[[[[[[1]]]]]]]]}', 12);
    my $times = 100_000;
    for my $case (['endless arrays', '{"x":' . '[' x $times, 12],
                  ['arrays', '{"x":' . '[' x $times . ']' x $times . '}', 12],
                  ['arrays as the root', '[' x $times, 8],
                  ['objects', '{"x":' x $times . '1' . '}' x $times, 40]) {
        my ($name, $body, $byte) = @$case;
        my $reply = $server->post($body, undef, '/long');
        is(code($reply), '400 INVALID_JSON', "100,000 levels of $name are refused");
        is(byte($reply), $byte, 'at the ninth');
    }
    is(code(bytewise('[' x $times, '/long')), '400 INVALID_JSON', 'and byte by byte');
};

group 'anything after the document' => sub {
    my $length = length "$start}";
    # The parser may notice the error only at the end of a word.
    refused("'$_'", "$start}$_", $length, $length + length)
        for 'x', ']', '}', ',', '{}', '[]', '1', '"a"', 'null', ':', '/', '#', '\\';
    refused("blanks and '$_'", "$start} \r\n\t $_", $length + 5) for 'x', '{}', '}', ',';
    refused("'$_' at once", "$start}$_", $length) for 'x', '{', '}', ']', ',', ':';
};

group 'roots that are not objects' => sub {
    refused($_, $_, 0, length) for '[]', "[$start}]", '"token"', '""', '1', '-1', '0',
        '1.5', 'true', 'false', 'null', ' []', ' null';
};

group 'empty bodies' => sub {
    my $reply = $server->raw($server->request_text(''));
    is(code($reply), '400 INVALID_JSON', 'an empty body is refused');
    $reply = $server->raw($server->request_text('', 'Content-Length' => undef));
    is(code($reply), '400 INVALID_JSON', 'and so is a missing body');
    $reply = $server->raw($server->request_text("0\r\n\r\n", 'Content-Length' => undef,
                                                'Transfer-Encoding' => 'chunked'));
    is(code($reply), '400 INVALID_JSON', 'and an empty body in chunks');
    refused('white space alone', $_, length) for ' ', "\r\n", " \t\r\n ";
};

# ---- invalid tokens

group 'invalid numbers' => sub {
    # In quotes, since qw would warn about the comma.
    no warnings 'qw';
    refused_value($_, $_, 0, 1 + length) for qw(
        01 -01 00 0123 +1 .5 -.5 1. 1.e1 1e 1e+ 1E- - -- --1 -x 0x10 1x 1_000 1e1.5 1e1e1
        NaN -NaN nan Infinity -Infinity inf 1,5 1f 0b1 1.2.3 1-1), "\xd9\xa1", '1 2', '- 1';
};

group 'invalid words and strings' => sub {
    refused_value($_, $_, 0, 1 + length) for qw(
        True TRUE nul nulll truefalse undefined None yes 'a' a `a` $a), '"a', 'a"', '"a""b"',
        '"a" "b"', '"a"b', '""a', "\x93a\x94", 'nul l', 't rue';
    refused_text("the escape $_", $_) for qw(\x41 \a \e \v \0 \' \U0041 \N \u \u0 \u00 \u004
        \u004g \u00G4 \u-041 \u+041 \u{41} \101), '\ ', '\u 041', "\\\n", "\\u00\xc3\xa9";
    refused_value('a backslash at the end', '"a\\"', 0, 6);
};

group 'control characters in strings' => sub {
    refused_text(sprintf('byte %02x', $_), 'a' . chr($_) . 'b') for 0 .. 0x1f;
};

group 'invalid structures' => sub {
    my $length = length $start;
    refused($_, "$start$_", $length, $length + length) for
        ',}', ',,"a":1}', ',"a":1,}', ',"a"}', ',"a":}', ',"a",1}', ',"a" 1}', ',"a"::1}',
        ',"a":1 "b":2}', ',"a":1;"b":2}', ',a:1}', ",'a':1}", ',1:1}', ',null:1}', ',{}}',
        ',[]}', ',"a":[1,]}', ',"a":[,1]}', ',"a":[1 2]}', ',"a":[1,,2]}', ',"a":[}',
        ',"a":[1}', ',"a":{]}', ',"a":{"b":1]}', ',"a":["b":1]}', ']', ',"a":{,}}',
        ',"a":{"b"}}', ',"a":(1)}', ',...}', '"a":1}';
    refused($_, $_, 0, length) for '}', ']', ',', ':', '{,}', '{', '{{}}', '{"a"', '{[]}';
};

group 'comments' => sub {
    my $length = length $start;
    refused($_, "$start$_}", $length, 2 + length($start) + length) for
        '/* c */', ' // c', "// c\n", ' # c', "# c\n", '<!-- c -->', '-- c', '/', '/**/';
    refused("$_ at the start", "$_$start}", 0, length) for '/* c */', "// c\n", "# c\n";
    refused("$_ after the document", "{}$_", 2, 2 + length) for '/* c */', '// c', "#\n";
};

group 'white space of other kinds' => sub {
    for my $bytes ("\x0b", "\x0c", "\x08", "\x1a", "\x7f", "\x85", "\xc2\xa0", "\xe2\x80\xa8",
                   "\xe3\x80\x80", "\xe2\x80\x8b") {
        my $name = 'bytes ' . unpack 'H*', $bytes;
        my $length = length $bytes;
        refused("$name at the start", "$bytes$start}", 0, $length);
        refused("$name between", "{$bytes\"a\":1}", 1, 1 + $length);
        refused("$name behind", "{}$bytes", 2, 2 + $length);
    }
};

group 'the byte of the error' => sub {
    refused(@$_) for (
        ['an invalid sign', '{"a":!', 5], ['a character after the end', '{}x', 2],
        ['a control character', "{\"a\":\"b\n\"}", 7], ['an escape', '{"a":"\x"}', 7],
        ['an additional comma', '{"a":1,}', 7], ['a missing colon', '{"a" }', 5],
        ['a name without quotes', '{a:1}', 1],
        ['a blank in a number', "{\"a\":0\n1}", 7, 8],
        ['a byte that is not UTF-8', "{\"a\":\"\xff\"}", 6],
        ['after other characters', "{\"a\":\"\xc3\xa9\xf0\x9f\x98\x80\xff\"}", 12],
        ['an end too early', '{"a":1', 6],
    );
    my $far = '{"udf_string_1":"' . 'x' x 50_000 . '","a":!}';
    my $byte = index $far, '!';
    refused('at the end of a long body', $far, $byte);
};

subtest 'the description of the error' => sub {
    for my $case (['{"a":1,"a":1}', qr/duplicate/], ['{"a":"\u0000"}', qr/u0000/],
                  ['{"a":"\ud800"}', qr/surrogate/], ["{\"a\":\"\xff\"}", qr/UTF-8/],
                  ["\xef\xbb\xbf{}", qr/byte order mark/], ['[' x 9, qr/nest|deep/],
                  ['{} {}', qr/trailing|behind|after/], ['[]', qr/object/], ['', qr/empty/],
                  ['{"a":', qr/end/], ['{"a" 1}', qr/colon/], ["{\f}", qr/white space/]) {
        my ($body, $word) = @$case;
        my $reply = $server->raw($server->request_text($body));
        like($reply->{json}{status}{description}, $word, printable($body));
    }
};

group 'a document that is cut off at any byte' => sub {
    my $document = $start . ',"authentication_code":"t\u00e9st\\\\","udf_string_1":"'
        . "\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80" . '\ud83d\ude00\n","udf_float_1":-12.5e+3,'
        . '"udf_string_2":null,"custom_field_set":[{"newsletter":true},{"gift_wrap":false}]'
        . ' , "fields_set" : "id" }';
    is(code($server->post($document)), '404 ACCESS_TOKEN_NOT_FOUND', 'the whole of it is read');
    is(code(bytewise($document)), '404 ACCESS_TOKEN_NOT_FOUND', 'and byte by byte');
    my (@wrong, @secrets);
    for my $length (1 .. length($document) - 1) {
        my $part = substr $document, 0, $length;
        for my $reply ($server->post($part), bytewise($part)) {
            my $got = join ' ', code($reply), byte($reply) // 'nowhere';
            push @wrong, "after $length bytes: $got" if $got ne "400 INVALID_JSON $length";
            push @secrets, $length if $reply->{content} =~ /\Q$token\E|\Q$secret\E/;
        }
    }
    is_deeply(\@wrong, [], 'refused at its end');
    is_deeply(\@secrets, [], 'without a secret in the answer');
};

# ---- unusual JSON that is valid

# Texts in JSON, and their value in UTF-8.
my @right = (
    ['\u0041', 'A'], ['\u00e9', "\xc3\xa9"], ['\u00E9', "\xc3\xa9"], ['\/', '/'], ['/', '/'],
    ['\"\\\\\b\f\n\r\t', "\"\\\b\f\n\r\t"], ['\\\\u0000', '\u0000'], ['\\\\ud800', '\ud800'],
    ['\u0001\u001f', "\x01\x1f"], ["\x7f", "\x7f"], ['\u007f', "\x7f"], ["\xc2\x80", "\xc2\x80"],
    ['\ud83d\ude00', "\xf0\x9f\x98\x80"], ['\uD83D\uDE00', "\xf0\x9f\x98\x80"],
    ['\ud83d\ude00\ud83d\ude00', "\xf0\x9f\x98\x80" x 2], ['\ud800\udc00', "\xf0\x90\x80\x80"],
    ['\udbff\udfff', "\xf4\x8f\xbf\xbf"], ["\xf4\x8f\xbf\xbf", "\xf4\x8f\xbf\xbf"],
    ["\xf0\x90\x80\x80", "\xf0\x90\x80\x80"], ["\xed\x9f\xbf", "\xed\x9f\xbf"],
    ["\xee\x80\x80", "\xee\x80\x80"], ['\ue000\ud7ff', "\xee\x80\x80\xed\x9f\xbf"],
    ["\xef\xbf\xbd", "\xef\xbf\xbd"], ['\uffff\ufffe', "\xef\xbf\xbf\xef\xbf\xbe"],
    ["\xef\xbb\xbf", "\xef\xbb\xbf"], ['\ufeff', "\xef\xbb\xbf"], ["\xe2\x80\xa8", "\xe2\x80\xa8"],
    ["\xe0\xa0\x80\xdf\xbf", "\xe0\xa0\x80\xdf\xbf"],
    ['{\"a\":1} // []', '{"a":1} // []'], ['', ''], [' ', ' '], ['/* c */', '/* c */'],
    ['[[[[[[[[[[', '[[[[[[[[[['],
);

subtest 'unusual texts' => sub {
    $server->reset_data;
    my $begin = qq({"token":"$token","access_token_identifier":)
        . '{"authentication_code":"demo-udf"},"udf_string_1":"';
    for my $case (@right) {
        my ($text, $expected) = @$case;
        my $name = printable($text);
        for my $reply ($server->post(qq($begin$text"})), bytewise(qq($begin$text"}))) {
            is(code($reply), '200 OK', "$name is accepted");
            my $got = $reply->{json}{data}{udf_string_1} // 'nothing';
            utf8::encode($got);
            is(unpack('H*', $got), unpack('H*', $expected), 'and replied');
            my ($stored) = $server->dbh->selectrow_array(
                'SELECT HEX(udf_string_1) FROM access_tokens WHERE id = ?', undef, $id);
            is(lc $stored, unpack('H*', $expected), 'and stored');
        }
    }
};

subtest 'unusual documents' => sub {
    my $plain = qq({"token":"$token","access_token_identifier":)
        . '{"authentication_code":"demo-udf"},"udf_string_1":"%s","udf_float_1":1}';
    my %write = (
        'names in escapes' => sub {
            $_[0] =~ s/"(token|access_token_identifier|authentication_code|udf_string_1)":/
                my $name = $1; '"' . join('', map { sprintf '\u%04x', ord } split m{}, $name)
                . '":'/gexr
        },
        'one letter of a name in an escape' => sub { $_[0] =~ s/"token"/"tok\\u0065n"/r },
        'white space in all places' => sub {
            my $space = " \t\r\n";
            $_[0] =~ s/([{}:,]|"[^"]*"|1(?=\}))/$space$1$space/gr
        },
        'a line feed at the end' => sub { "$_[0]\n" },
        '60,000 blanks in front' => sub { ' ' x 60_000 . $_[0] },
        '60,000 blanks at the end' => sub { $_[0] . ' ' x 60_000 },
        'names in another order' => sub { $_[0] =~ s/^\{(.*),("udf_string_1".*)\}\z/{$2,$1}/sr },
        'the same name in other objects' => sub {
            $_[0] =~ s/\}\z/,"custom_field_set":{"nickname":"udf_string_1"}}/r
        },
    );
    my $count = 0;
    for my $name (sort keys %write) {
        my $text = 'text ' . ++$count;
        my $body = $write{$name}->(sprintf $plain, $text);
        isnt($body, sprintf($plain, $text), "$name: the document differs");
        for my $reply ($server->post($body), bytewise($body)) {
            is(code($reply), '200 OK', "$name is right");
            is($reply->{json}{data}{udf_string_1}, $text, 'and its value is right');
        }
    }
};

subtest 'numbers of any length are JSON' => sub {
    my $before = rows();
    my $call = sub {
        my ($number) = @_;
        my $body = qq({"token":"$token","access_token_identifier":)
            . qq({"authentication_code":"demo-udf"},"udf_float_1":$number});
        return ($server->post($body), bytewise($body));
    };
    is(code($_), '422 VALIDATION_FAILED', 'a number that is too large is an error of its field')
        for map { $call->($_) } '1' . '0' x 400, '9' x 5000, '1e999999999999999999999',
            '-1E+400', '1' . '0' x 20_000;
    ok(rows() eq $before, 'and changes nothing');
    is(($call->($_))[0]{content} =~ /"udf_float_1":([^,}]+)/ ? $1 : '', '0.5',
       'digits after the point are rounded')
        for '0.5' . '0' x 5000, '0.4' . '9' x 5000, '5' . '0' x 400 . 'e-401';
};

# ---- the work for a body

# The processor time of the children, in ticks.
sub ticks {
    my $sum = 0;
    for my $child ($server->children) {
        open my $file, '<', "/proc/$child/stat" or next;
        my @fields = split ' ', <$file> =~ s/.*\) //r;
        $sum += $fields[11] + $fields[12];
    }
    return $sum;
}

# The processor time of some calls with BODY, and the answer to the last one.
sub work {
    my ($send, $body) = @_;
    my $before = ticks();
    my $reply;
    $reply = $send->($body) for 1 .. 5;
    return (ticks() - $before, $reply);
}

group 'a wrong body takes no more work than a right one' => sub {
    my @cases = (['escapes', '{"x":"' . '\u0041' x 10_900, '"}', '"]'],
                 ['letters', '{"x":"' . 'a' x 65_400, '"}', '"]'],
                 ['a number', '{"x":' . '1' x 65_400, '}', ']'],
                 ['a name', '{"' . 'a' x 65_400, '":1}', '" 1}'],
                 ['elements', '{"x":[1' . ',1' x 32_600, ']}', ']]']);
    for my $case (@cases) {
        my ($name, $body, $good, $bad) = @$case;
        my ($right, $reply) = work(sub { $server->post($_[0]) }, "$body$good");
        is(code($reply), '422 VALIDATION_FAILED', "$name, valid JSON");
        (my $wrong, $reply) = work(sub { $server->post($_[0]) }, "$body$bad");
        is(code($reply), '400 INVALID_JSON', 'and wrong at the end');
        is(byte($reply), length("$body$bad") - 1, 'at the last byte');
        cmp_ok($wrong, '<=', 10 * $right + 50, "$wrong ticks, not many more than $right");
    }
};

group 'bodies in small pieces take the same work' => sub {
    my %bodies = (letters => '"' . 'a' x 30_000 . '"', 'a number' => '1' x 30_000,
                  escapes => '"' . '\u0041' x 5000 . '"', blanks => ' ' x 30_000 . '1',
                  'an invalid number' => '1' x 30_000 . 'x');
    my %ticks;
    for my $name (sort keys %bodies) {
        ($ticks{$name}, my $reply) = work(\&bytewise, qq({"x":$bodies{$name}}));
        is(code($reply), $name =~ /invalid/ ? '400 INVALID_JSON' : '422 VALIDATION_FAILED',
           "$name, in chunks of one byte");
    }
    cmp_ok($ticks{$_}, '<=', 5 * $ticks{blanks} + 50,
           "$_: $ticks{$_} ticks, not many more than $ticks{blanks}") for sort keys %bodies;
};

$server->finish;
done_testing;
