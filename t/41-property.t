# Random partial updates, compared with a small model of the method. After each update,
# the reply and the row, read by another client, must be those of the model, and fields
# that were not sent must be unchanged.
#
# AT_UPDATES is the number of updates; AT_SEED chooses another seed.
use strict;
use warnings;
use utf8;
use feature 'unicode_strings';
no warnings 'nonchar';

use Encode qw(encode_utf8);
use POSIX ();
use Test::More;
use Unicode::Normalize qw(NFC);

use AccessTokenTest;

my $updates = $ENV{AT_UPDATES} || 1000;
my $seed = $ENV{AT_SEED} || 20150216;
diag("seed $seed, $updates updates");
srand $seed;

my $has_server = AccessTokenTest::engine() ne 'sqlite3';
my $json = JSON::PP->new->utf8->canonical->allow_nonref;

# md5crypt, since it is fast and takes 511 bytes.
my $server = AccessTokenTest->start(
    conf => "AccessTokenPassCodeScheme md5crypt\n", log_level => 'notice');
my $dbh = $server->dbh;

sub chance { rand() < $_[0] }
sub one_of { $_[rand @_] }

# ---- the database, read by another client

# With the binary protocol of MariaDB, where a DOUBLE stays a double. The handle is not
# kept: DBD::SQLite may hang at exit if a statement outlives its connection.
sub row_of {
    my ($id) = @_;
    my $select = $dbh->prepare('SELECT * FROM access_tokens WHERE id = ?',
                               $has_server ? { mariadb_server_prepare => 1 } : {});
    $select->execute($id);
    return $select->fetchall_arrayref({})->[0];
}

sub rows_of { @{ $dbh->selectall_arrayref($_[0], { Slice => {} }) } }

my %user = map { $_->{id} => $_ } rows_of('SELECT * FROM users');
my %unit = map { $_->{id} => $_ } rows_of('SELECT * FROM units');
my %rule_set = map { $_->{id} => $_ } rows_of('SELECT * FROM access_token_rule_sets');
my %rules_of_class = map { $_->{id} => $rule_set{ $_->{rule_set_id} } }
    rows_of('SELECT * FROM access_token_classifications');
my %type_of = map { $_->{name} => $_->{type} } rows_of('SELECT * FROM access_token_custom_fields');
my @custom_names = sort keys %type_of;

my @callers = (
    ['A4F19B70D95D4DE09C3A9FC720A33A49', '1', '48305F8849E3C18B227C5BE3A27BA6DF'],
    ['demo-session-clerk', '2', '5A7C00000000000000000000000000B2'],
    ['demo-session-other-unit', '2', '48305F8849E3C18B227C5BE3A27BA6DF'],
    ['demo-session-no-unit', '3', undef],
);

# ---- the access tokens

my @strings = map { "udf_string_$_" } 1 .. 8;
my @floats = map { "udf_float_$_" } 1 .. 4;
my @dates = map { "udf_date_$_" } 1 .. 4;
my @plain = ('card_masked_number', @strings, @floats, @dates);
my @credentials = qw(authentication_code identifier pass_code);

# The hashes of the demonstration cost a tenth of a second each.
my %pass_code;
for my $row (rows_of('SELECT id, authentication_code FROM access_tokens')) {
    my $plain = $row->{authentication_code} =~ /phone|number$/ ? '246810' : 'demo-pass-1';
    $pass_code{ $row->{id} } = $plain;
    $dbh->do('UPDATE access_tokens SET pass_code = ? WHERE id = ? AND pass_code IS NOT NULL',
             undef, crypt($plain, '$1$saltsalt'), $row->{id});
}

# The model of each: its row as text, as the contract replies it, the custom fields, the
# pass code, and the members that no update changes.
my %fixed;
my @tokens = map { token_of($_) } qw(
    demo-card demo-member demo-auto-id demo-auto-number demo-auto-pass
    demo-email demo-phone demo-number demo-strict-1 demo-udf demo-custom-fields
    demo-no-owner demo-person demo-pending-verification testpassnew1
);

sub token_of {
    my ($code) = @_;
    $code = 'CCD4537CA4AD4EE8912FFBAE53110601' if $code eq 'testpassnew1';
    my $reply = $server->post({ token => $callers[0][0],
                                access_token_identifier => { authentication_code => $code } });
    $reply->{status} == 200 or die "$code: $reply->{content}\n";
    my $data = $reply->{json}{data};
    my $row = row_of($data->{id});
    my %token = (id => $data->{id}, row => $row, pass_code => undef,
                 custom => delete $data->{custom_field_set} // {}, version => $row->{version},
                 rules => $rules_of_class{ $row->{classification_id} // '' }
                     // $rule_set{default});
    $token{pass_code} = $pass_code{ $data->{id} } if defined $row->{pass_code};
    $token{values}{$_} = delete $data->{$_} for @plain, qw(authentication_code identifier);
    $_ = sprintf '%.17g', $_ for grep { defined } @{ $token{values} }{@floats};
    delete $data->{log_information}{"updated_$_"} for qw(date by_user by_unit);
    $token{fixed} = $data;
    return \%token;
}

# Values of other access tokens.
sub is_taken {
    my ($token, $field, $value) = @_;
    my ($id) = $dbh->selectrow_array("SELECT id FROM access_tokens WHERE $field = ?", undef,
                                     $value);
    return defined $id && $id ne $token->{id};
}

# ---- random values

my @alphabets = (
    'abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ', '0123456789',
    ' .,;:!?-_%&/\\\'"`<>()[]{}#@',
    'αβγδεζηθικλμνξοπρσςτυφχψωΆΈΉΊΌΎΏ', 'абвгдежзийклмнопрстуфхцчшщъыьэюя',
    'אבגדהוזחטיכלמנסעפצקרשת',
    'ابتثجحخدذرزسشصضطظعغفقكلمنهوي', 'あいうえおアイウエオ漢字日本語',
    '가나다라마바사', 'กขฃคฅฆงจ',
    'अआइईउऊऋएऐ', 'äöüßéèêñçøåœæİıŞşĞğ', '𝔘𝔫𝔦𝔠𝔬𝔡𝔢𠀀𠀁', '😀🎁🚀🇨🇾👍',
    "\x{1d11e}\x{10ffff}\x{fffd}\x{fffe}\x{e000}",
);
my @combined = ("e\x{301}", "o\x{308}\x{323}", "\x{1f469}\x{200d}\x{1f680}", "\x{1f44d}\x{1f3fd}",
                "\x{202e}x\x{202c}", "\x{5d0}\x{5b8}", "\x{a0}", "\x{2028}",
                "\x{feff}", "\x{3000}");
my @controls = ("\t", "\n", "\r\n", "\x01", "\x1f", "\x7f", "\x85", ' ');

# At most MOST characters (code points).
sub random_text {
    my ($most, $is_credential) = @_;
    my $length = chance(0.15) ? $most : chance(0.1) ? 0 : 1 + int rand(chance(0.3) ? $most : 20);
    my $text = '';
    my @letters = split //, join '', map { one_of(@alphabets) } 1 .. 2;
    while (length $text < $length) {
        $text .= chance(0.05) ? one_of(@combined)
               : chance(0.03) && !$is_credential ? one_of(@controls) : one_of(@letters);
    }
    $text = substr $text, 0, $length;
    # Blanks at the ends are allowed here.
    substr($text, one_of(0, -1), 1) = ' ' if length $text && chance(0.15);
    return $text;
}

# A pass code in the form that is hashed (RFC 8265, OpaqueString).
sub prepared { NFC($_[0] =~ s/\p{Space_Separator}/ /gr) }

# Without characters that the contract refuses in codes.
sub random_credential {
    my ($most) = @_;
    my $text = random_text($most, 1);
    $text =~ s/[\p{Cc}\p{Default_Ignorable_Code_Point}\p{Noncharacter_Code_Point}]//g;
    $text =~ s/\A[\s\x{85}]+|[\s\x{85}]+\z//g;
    return length $text ? $text : 'x' . int rand 1e6;
}

my @known_floats = qw(
    0.1 0.2 0.3 5e-324 1.7976931348623157e308 -1.3701135617873088e-206 2.2250738585072014e-308
    2.225073858507201e-308 -0 0 1 -1 1e21 1e22 123456789012345680000 9007199254740993 1e-7 0.000001
    4.35 0.1e1 100E-2 1E+2 1e23 8.5e-7 179769313486231570e291 3.141592653589793 -2.5
);

# A number in JSON.
sub random_number {
    return one_of(@known_floats) if chance(0.3);
    return int(rand 2e6) - 1e6 if chance(0.1);
    return sprintf '%.2f', rand(1e5) - 5e4 if chance(0.2);
    my $number;
    do {
        $number = unpack 'd<', pack 'V2', int rand 2 ** 32, int rand 2 ** 32;
    } while ($number != $number || abs $number == 9 ** 9 ** 9);
    return sprintf one_of('%.17g', '%.16e', '%.20E'), $number;
}

sub random_date {
    my $year = one_of(1000, 9999, 2000, 1900, 1000 + int rand 9000);
    my $month = 1 + int rand 12;
    my $leap = $year % 4 == 0 && ($year % 100 != 0 || $year % 400 == 0);
    my $days = (31, 28 + $leap, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)[$month - 1];
    my $date = sprintf '%04d-%02d-%02d', $year, $month, chance(0.3) ? $days : 1 + int rand $days;
    return $date if chance(0.4);
    return $date . sprintf 'T%02d:%02d:%02d', chance(0.2) ? (23, 59, 59)
                                                          : map { int rand } 24, 60, 60;
}

# A value that usually has the format.
sub random_by_rules {
    my ($token, $field) = @_;
    my $format = $token->{rules}{"${field}_format"};
    my $most = $field eq 'pass_code' ? 120 : 255;
    return random_credential($most) if chance(0.1);
    my $digits = join '', map { int rand 10 } 1 .. 4 + int rand 12;
    return $digits if $format eq 'NUMBER';
    return one_of('+', '') . $digits if $format eq 'PHONE';
    return 'user.' . $digits . '@example.' . one_of(qw(com gr co.uk)) if $format eq 'EMAIL';
    my $text = random_credential($most);
    $text = substr("Aβ-$digits-$text", 0, 40) =~ s/\s+\z//r
        if $token->{rules}{id} eq 'strict' && chance(0.8);
    return $text;
}

# ---- a request

# JSON text for a value; the generator's numbers are texts already.
sub number { bless { text => $_[0] }, 'Number' }

sub encode_value {
    my ($value) = @_;
    my $kind = ref $value;
    return $value->{text} if $kind eq 'Number';
    return '[' . join(',', map { encode_value($_) } @$value) . ']' if $kind eq 'ARRAY';
    return $json->encode($value) if $kind ne 'HASH';
    return '{' . join(', ', map { $json->encode($_) . ':' . encode_value($value->{$_}) }
                            sort keys %$value) . '}';
}

sub random_custom {
    my %entries;
    for my $name (grep { chance(0.3) } @custom_names) {
        my $type = $type_of{$name};
        $entries{$name} = chance(0.2) ? one_of(undef, '')
            : $type eq 'number' ? number(random_number())
            : $type eq 'boolean' ? one_of(JSON::PP::true, JSON::PP::false)
            : random_text(chance(0.05) ? 1000 : 60);
    }
    my @names = sort keys %entries;
    my $list = one_of(0, 1) ? [map { { $_ => $entries{$_} } } @names] : { %entries };
    return (\%entries, one_of(0, 1) ? { set => $list } : $list);
}

# The fields of a call: name => undef or a value.
sub random_fields {
    my ($token) = @_;
    my %fields;
    for my $field (grep { chance(0.18) } @plain) {
        $fields{$field} = chance(0.2) ? undef
            : $field =~ /float/ ? number(random_number())
            : $field =~ /date/ ? random_date()
            : random_text($field eq 'card_masked_number' ? 32 : 255);
    }
    for my $field (grep { chance(0.12) } @credentials) {
        $fields{$field} = chance(0.2) ? undef : random_by_rules($token, $field);
    }
    # Without a pass code, an identifier is always refused.
    $fields{pass_code} = random_by_rules($token, 'pass_code')
        if exists $fields{identifier} && !exists $fields{pass_code} && chance(0.8);
    # A value of another access token.
    if (chance(0.03)) {
        my $other = one_of(@tokens);
        my $field = one_of(qw(authentication_code identifier));
        $fields{$field} = $other->{values}{$field} // 'nobody-has-this';
        $fields{pass_code} = random_by_rules($token, 'pass_code') if $field eq 'identifier';
    }
    return \%fields;
}

# Errors of shape: name, value.
my @mistakes = (
    (map { my $field = $_; map { [$field, $_] } 'x' x 256, "\x{1f680}" x 256, number(7), [] }
        @strings[0, 7]),
    (map { my $field = $_; map { [$field, $_] } '0.1', number('1e400'), JSON::PP::true }
        @floats[0, 3]),
    (map { my $field = $_; map { [$field, $_] }
        '2023-02-29', '1900-02-29', '0999-12-31', '10000-01-01', '2024-01-01T24:00:00',
        '2024-01-01T00:00:60', '2024-01-01 00:00:00', '2024-01-01T00:00:00Z', '2024-1-1', '',
        number(20240101) } @dates[0, 3]),
    (map { ['card_masked_number', $_] } '*' x 33, number(1)),
    (map { my $field = $_; map { [$field, $_] } '', ' x', "x\x{3000}", "a\nb", number(1), {} }
        @credentials),
    (map { [$_, 'c' x 256] } qw(authentication_code identifier)),
    ['pass_code', 'c' x 512],
    ['udf_string_9', 'x'], ['id', 'x'], ['life_cycle_state', 'EFFECTIVE'],
    ['fields_set', 'no_such_member'],
);

# ---- the model

sub letters { scalar(() = $_[0] =~ /[a-zA-Z]|(?![\x00-\x7f])\p{L}/g) }
sub digits { scalar(() = $_[0] =~ /[0-9]/g) }

# True if the rules accept VALUE for FIELD.
sub fits {
    my ($rules, $field, $value) = @_;
    $value = prepared($value) if $field eq 'pass_code';
    my ($creation, $format, $length, $letters, $digits, $special) = map { $rules->{"${field}_$_"} }
        qw(creation format min_length min_letters min_digits min_special);
    return 1 if $creation ne 'NONE';
    return 0 if length $value < $length;
    return $value =~ /\A\+?[0-9]+\z/ if $format eq 'PHONE';
    return $value =~ /\A[0-9]+\z/ if $format eq 'NUMBER';
    my $label = qr/[^\x00-\x2c\x2e\x2f\x3a-\x40\x5b-\x60\x7b-\x7f-](?:[^\x00-\x2c\x2e\x2f\x3a-\x40
        \x5b-\x60\x7b-\x7f]{0,61}[^\x00-\x2c\x2e\x2f\x3a-\x40\x5b-\x60\x7b-\x7f-])?/x;
    return 0 if $format eq 'EMAIL' && $value =~ /\A\.|\.[.\@]/;
    return 0 if $format eq 'EMAIL'
        && $value !~ /\A[^\x00-\x20"(),:;<>\@\[\\\]\x7f]+\@$label(?:\.$label)*\z/;
    my $others = length($value) - letters($value) - digits($value);
    return letters($value) >= $letters && digits($value) >= $digits && $others >= $special;
}

# The rules for FIELDS of TOKEN. Returns the pointers of refused fields, and the fields to
# generate.
sub judge {
    my ($token, $fields) = @_;
    my $rules = $token->{rules};
    my (%set, %given, %generate, %wrong);
    my %present = (authentication_code => 1, identifier => defined $token->{values}{identifier},
                   pass_code => defined $token->{pass_code});
    for my $field (@credentials) {
        my $is_sent = exists $fields->{$field};
        $generate{$field} = $is_sent && !defined $fields->{$field}
            && $rules->{"${field}_creation"} ne 'NONE';
        $given{$field} = $is_sent && (defined $fields->{$field} || $generate{$field});
        $set{$field} = $is_sent ? $given{$field} : $present{$field};
        $wrong{"/$field"} = 1
            if defined $fields->{$field} && !fits($rules, $field, $fields->{$field});
    }
    $wrong{'/authentication_code'} = 1 if !$set{authentication_code};
    my $pair_is_wrong = $given{identifier} && !$given{pass_code}
        || $set{identifier} != $set{pass_code}
        || !$set{identifier} && !$rules->{allow_no_identifier};
    return (\%wrong, $pair_is_wrong, \%generate);
}

# The double of the JSON number TEXT, as 8 bytes; -0 is 0.
sub bits {
    my ($text) = @_;
    my ($number) = POSIX::strtod($text);
    return pack 'd<', $number == 0 ? 0 : $number;
}

# The smallest number of digits that give TEXT's double.
sub shortest {
    my ($text) = @_;
    for my $digits (1 .. 17) {
        my $short = sprintf '%.*e', $digits - 1, (POSIX::strtod($text))[0];
        return $digits if bits($short) eq bits($text);
    }
    return 17;
}

sub digits_in {
    my ($text) = @_;
    my ($mantissa) = $text =~ /^-?([0-9.]+)/;
    return length(($mantissa =~ s/\.//r) =~ s/^0+//r =~ s/0+$//r) || 1;
}

sub canonical { $json->encode($_[0]) }

# ---- comparing

# Adds to PROBLEMS if the number of FIELD in CONTENT is not the one that was sent.
sub compare_number {
    my ($problems, $content, $field, $sent) = @_;
    my ($text) = $content =~ /"$field":\s*(-?[0-9][0-9.eE+-]*)/;
    push @$problems, "$field: sent $sent, replied " . ($text // 'none')
        if !defined $text || bits($text) ne bits($sent);
    push @$problems, "$field: $text is not the shortest"
        if defined $text && digits_in($text) > shortest($sent);
    return;
}

# A value of the model in the stored form, as DBI returns it.
sub stored_equals {
    my ($field, $stored, $value) = @_;
    return !defined $stored if !defined $value;
    return 0 if !defined $stored;
    return bits("$stored") eq bits($value) if $field =~ /float/ && !$has_server;
    return pack('d<', $stored) eq bits($value) if $field =~ /float/;
    return ($stored =~ tr/ /T/r) eq $value if $field =~ /date/;
    # DBI returns VARBINARY as bytes.
    return $stored eq ($has_server && $field =~ /code$|identifier/ ? encode_utf8($value) : $value);
}

sub same_bytes {
    my ($one, $other) = @_;
    return defined $one ? defined $other && $one eq $other : !defined $other;
}

# The differences between custom fields in JSON text and in the model.
sub compare_custom {
    my ($problems, $where, $got, $model) = @_;
    for my $name (sort keys %{ { %$got, %$model } }) {
        my ($value, $expected) = ($got->{$name}, $model->{$name});
        my $same = exists $got->{$name} && exists $model->{$name}
            && (ref $expected eq 'Number' ? pack('d<', $value) eq bits($expected->{text})
                                          : canonical($value) eq canonical($expected));
        push @$problems, "custom field $name $where: " . canonical($value) if !$same;
    }
    return;
}

# ---- one update

sub request_of {
    my ($token, $fields, $custom, $mistakes) = @_;
    my %key = (authentication_code => $token->{values}{authentication_code});
    if (defined $token->{pass_code} && chance(0.4)) {
        %key = (identifier => $token->{values}{identifier}, pass_code => $token->{pass_code});
    }
    my %request = (access_token_identifier => \%key, %$fields);
    $request{custom_field_set} = $custom if defined $custom;
    $request{ $_->[0] } = $_->[1] for @$mistakes;
    return \%request;
}

# The expected outcome: { status, code, pointers or pair }.
sub expectation {
    my ($token, $fields, $entries, $mistakes, $key, $headers, $unknown_custom) = @_;
    return { code => 'VALIDATION_FAILED', status => 422,
             pointers => [sort map { "/$_->[0]" } @$mistakes] } if @$mistakes;
    return { code => 'ACCESS_TOKEN_NOT_FOUND', status => 404 } if $key->{is_wrong};
    return { code => 'PRECONDITION_FAILED', status => 412 }
        if ($headers->{'If-Match'} // '') =~ /-0"$/;
    my ($wrong, $pair_is_wrong, $generate) = judge($token, $fields);
    $wrong->{"/custom_field_set$unknown_custom"} = 1 if defined $unknown_custom;
    return { code => 'VALIDATION_FAILED', status => 422, pointers => [sort keys %$wrong],
             pair => $pair_is_wrong } if %$wrong || $pair_is_wrong;
    my @taken = map { "/$_" } grep { defined $fields->{$_} && is_taken($token, $_, $fields->{$_}) }
        qw(authentication_code identifier);
    return { code => 'DUPLICATE_VALUE', status => 409, one_of => \@taken } if @taken;
    return { code => 'OK', status => 200, generate => $generate };
}

# A reply that reports errors: these and their pointers.
sub compare_error {
    my ($problems, $expected, $reply) = @_;
    my %pointers = map { $_->{pointer} => 1 } @{ $reply->{json}{errors} // [] };
    my @pointers = sort keys %pointers;
    if ($expected->{one_of}) {
        push @$problems, "pointers: @pointers"
            if @pointers != 1 || !grep { $_ eq $pointers[0] } @{ $expected->{one_of} };
        return;
    }
    # This test does not decide which one of the pair is missing.
    my %may = $expected->{pair} ? ('/identifier' => 1, '/pass_code' => 1) : ();
    my %must = map { $_ => 1 } @{ $expected->{pointers} // [] };
    push @$problems, "pointer $_ is missing" for grep { !$pointers{$_} } sort keys %must;
    push @$problems, "pointer $_ is unexpected" for grep { !$must{$_} && !$may{$_} } @pointers;
    push @$problems, 'the pair is not in the errors'
        if %may && !grep { $pointers{$_} } keys %may;
    push @$problems, 'data in an error' if exists $reply->{json}{data};
    return;
}

# The model after a successful call; the generated values come from the reply.
sub apply {
    my ($problems, $token, $fields, $entries, $generate, $data) = @_;
    for my $field (keys %$fields) {
        my $value = $fields->{$field};
        if ($generate->{$field}) {
            $value = $data->{$field};
            my $form = $token->{rules}{"${field}_creation"} eq 'ID' ? qr/\A[0-9A-F]{32}\z/
                                                                    : qr/\A[0-9]+\z/;
            push @$problems, "$field was not generated" if ($value // '') !~ $form;
        }
        if ($field eq 'pass_code') { $token->{pass_code} = $value }
        elsif (ref $value eq 'Number') { $token->{values}{$field} = $value->{text} }
        elsif ($field =~ /date/ && defined $value && $value !~ /T/) {
            $token->{values}{$field} = "${value}T00:00:00";
        }
        else { $token->{values}{$field} = $value }
    }
    for my $name (keys %{ $entries // {} }) {
        my $value = $entries->{$name};
        if (!defined $value || $value eq '') { delete $token->{custom}{$name} }
        else { $token->{custom}{$name} = $value }
    }
    $token->{version}++;
    return;
}

sub compare_reply {
    my ($problems, $token, $caller, $reply, $generated_pass_code, $wanted) = @_;
    my %data = %{ $reply->{json}{data} };
    my %expected = %{ $token->{fixed} };
    my $user = $user{ $caller->[1] };
    my $log = $expected{log_information} = { %{ $expected{log_information} } };
    $log->{updated_by_user} = { map { $_ => $user->{$_} } qw(id username person_name) };
    $log->{updated_by_user}{email} = $user->{email} if defined $user->{email};
    $log->{updated_by_unit} = defined $caller->[2] ? { map { $_ => $unit{ $caller->[2] }{$_} }
        qw(id name description alternative_code group_name community_name) } : undef;
    $log->{updated_date} = $data{log_information} ? $data{log_information}{updated_date} : undef;
    push @$problems, 'updated_date: ' . ($log->{updated_date} // 'none')
        if $data{log_information} && !is_now($log->{updated_date});
    my %values = %{ $token->{values} };
    for my $field (sort keys %values) {
        next if $wanted && !$wanted->{$field};
        next if !defined $values{$field} && $field ne 'identifier' && !$wanted;
        $expected{$field} = $values{$field};
        next if $field !~ /float/ || !defined $values{$field};
        compare_number($problems, $reply->{content}, $field, $values{$field});
        $expected{$field} = $data{$field};
    }
    $expected{pass_code} = $token->{pass_code} if $generated_pass_code;
    if (%{ $token->{custom} } && (!$wanted || $wanted->{custom_field_set})) {
        compare_custom($problems, 'in the reply', $data{custom_field_set} // {}, $token->{custom});
        $expected{custom_field_set} = $data{custom_field_set};
    }
    elsif ($wanted && $wanted->{custom_field_set}) {
        $expected{custom_field_set} = undef;
    }
    if ($wanted) {
        delete $expected{$_} for grep { !$wanted->{$_} && $_ ne 'pass_code' } keys %expected;
    }
    my $etag = qq("$token->{id}-$token->{version}");
    push @$problems, "ETag: $reply->{headers}{etag}, not $etag"
        if ($reply->{headers}{etag} // '') ne $etag;
    for my $name (sort keys %{ { %data, %expected } }) {
        my ($got, $right) = map { exists $_->{$name} ? canonical($_->{$name}) : 'absent' }
            \%data, \%expected;
        push @$problems, "$name: $got, not $right" if $got ne $right;
    }
    return;
}

my $clock = time;

sub is_now {
    my ($text) = @_;
    my ($least, $most) = map { POSIX::strftime('%Y-%m-%dT%H:%M:%S', gmtime $_) }
        $clock - 1, time + 1;
    $text = ($text // '') =~ tr/ /T/r;
    return $text ge $least && $text le $most;
}

# The ids of the row's last eight calls: one more than before.
sub remembers {
    my ($stored, $before) = @_;
    my ($id, @rest) = split / /, $stored;
    my @before = split / /, $before;
    return $id =~ /^[0-9A-F]{32}$/ && "@rest" eq join ' ', grep { defined } @before[0 .. 6];
}

sub compare_row {
    my ($problems, $token, $fields, $entries, $caller) = @_;
    my $before = $token->{row};
    my $after = $token->{row} = row_of($token->{id});
    for my $column (sort keys %$before) {
        my $stored = $after->{$column};
        my $same = same_bytes($stored, $before->{$column});
        if ($column eq 'version') { $same = $stored == $token->{version} }
        elsif ($column eq 'updated_date') { $same = is_now($stored) }
        elsif ($column eq 'updated_by_user_id') { $same = $stored eq $caller->[1] }
        elsif ($column eq 'request_ids') { $same = remembers($stored, $before->{$column}) }
        elsif ($column eq 'updated_by_unit_id') { $same = same_bytes($stored, $caller->[2]) }
        elsif ($column eq 'custom_field_set' && $entries && %$entries) {
            compare_custom($problems, 'in the row', defined $stored
                ? JSON::PP->new->decode($stored) : {}, $token->{custom});
            next;
        }
        elsif ($column eq 'pass_code' && exists $fields->{pass_code}) {
            my $plain = $token->{pass_code};
            $same = defined $plain
                ? ($stored // '') =~ /^\$1\$/ && crypt(encode_utf8(prepared($plain)), $stored) eq $stored
                    && !same_bytes($stored, $before->{pass_code})
                : !defined $stored;
        }
        elsif (exists $fields->{$column}) {
            $same = stored_equals($column, $stored, $token->{values}{$column});
        }
        push @$problems, "column $column: " . canonical($stored) . ', before '
            . canonical($before->{$column}) if !$same;
    }
    return;
}

# All rows but those of this test, and these too.
sub compare_all {
    my ($problems) = @_;
    for my $token (@tokens) {
        my $now = row_of($token->{id});
        push @$problems, map { "$token->{id}: $_ changed" }
            grep { !same_bytes($now->{$_}, $token->{row}{$_}) } sort keys %$now;
    }
    return;
}

my $failures = 0;

for my $number (1 .. $updates) {
    my $token = one_of(@tokens);
    my $caller = one_of(@callers);
    my $fields = random_fields($token);
    my ($entries, $custom, $unknown_custom);
    ($entries, $custom) = random_custom() if chance(0.25);
    if (chance(0.02)) {
        ($entries, $custom, $unknown_custom) = (undef, { 'no such~field/' => 'x' },
                                                '/no such~0field~1');
    }
    my %mistakes;
    if (chance(0.06)) {
        for my $mistake (map { one_of(@mistakes) } 1 .. 1 + int rand 4) {
            $mistakes{ $mistake->[0] } = $mistake;
        }
    }
    my @made = map { $mistakes{$_} } sort keys %mistakes;
    my $request = request_of($token, $fields, $custom, \@made);
    $request->{token} = $caller->[0];
    my $key = $request->{access_token_identifier};
    my %key = (is_wrong => chance(0.03));
    if ($key{is_wrong}) {
        my $secret = exists $key->{pass_code} ? 'pass_code' : 'authentication_code';
        $key->{$secret} = ('X' . substr $key->{$secret}, 0, 200) =~ s/\s+\z//r;
    }
    my %headers;
    $headers{'If-Match'} = qq("$token->{id}-) . one_of($token->{version}, 0) . '"' if chance(0.06);
    my $wanted;
    if (!@made && chance(0.1)) {
        my @members = grep { chance(0.3) } @plain, qw(id number identifier authentication_code
            custom_field_set life_cycle_state log_information accounts_receivable);
        if (@members) {
            $wanted = { map { $_ => 1 } @members };
            $request->{fields_set} = one_of(0, 1) ? \@members : join one_of(',', ' , '), @members;
        }
    }
    my $expected = expectation($token, $fields, $entries, \@made, \%key, \%headers,
                               $unknown_custom);
    my $body = encode_value($request);
    $clock = time;
    my $reply = $server->post($body, \%headers);
    my @problems;
    my $code = $reply->{json}{status}{code} // 'none';
    push @problems, "$reply->{status} $code, not $expected->{status} $expected->{code}"
        if $code ne $expected->{code} || $reply->{status} != $expected->{status};
    if (!@problems && $code eq 'OK') {
        my $generate = $expected->{generate};
        my $seen = { %{ $reply->{json}{data} } };
        # A generated value that is not in the reply is in the row.
        my $row = row_of($token->{id});
        $seen->{$_} //= $row->{$_} for grep { $generate->{$_} && $_ ne 'pass_code' } @credentials;
        apply(\@problems, $token, $fields, $entries, $generate, $seen);
        compare_reply(\@problems, $token, $caller, $reply, $generate->{pass_code}, $wanted);
        compare_row(\@problems, $token, $fields, $entries, $caller);
    }
    elsif (!@problems) {
        compare_error(\@problems, $expected, $reply);
        my $row = row_of($token->{id});
        push @problems, map { "$_ changed" }
            grep { !same_bytes($row->{$_}, $token->{row}{$_}) } sort keys %$row;
    }
    compare_all(\@problems) if $number % 50 == 0 || $number == $updates;
    next if ok(!@problems, "update $number: $expected->{code}");
    diag(join "\n", map { encode_utf8($_) =~ s/[^\x20-\x7e]/./gr } @problems,
        "rules: $token->{rules}{id}, $token->{id}");
    diag("sent: $body");
    diag("replied: $reply->{content}");
    # After a difference the model is wrong: stop at the first failure.
    last if ++$failures == 1;
}

$server->finish;
done_testing;
