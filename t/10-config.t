# What configtest finds, what httpd logs at its start, and which setting applies where:
# server, virtual host, Location.
use strict;
use warnings;

use Carp qw(confess);
use File::Basename qw(basename dirname);
use File::Copy qw(copy);
use MIME::Base64 qw(encode_base64);
use Test::More;

use AccessTokenTest;
use AccessTokenTest::File qw(read_text source_text);

my $has_server = AccessTokenTest::engine() ne 'sqlite3';
# The statement that increments a sequence.
my $number = $has_server ? 'raise_number.sql' : 'next_number.sql';
my %demo = (token => 'demo-session-clerk',
            access_token_identifier => { authentication_code => 'demo-card' });

# The database for all of this file, and the folder of its files.
my $base = AccessTokenTest->new;
my $database = $base->database;
my %dbd = $database->dbd_defaults;
my $sql = AccessTokenTest::srcdir() . '/sql/' . $database->sql_folder;
my $shipped = AccessTokenTest::datadir() . '/sql/' . $database->sql_folder . '/statements';

# ---- changed copies of the shipped folder of statements

my $folders = 0;

# A copy of the shipped folder in which CODE has changed each FILE, in $_. A CODE that
# changes nothing is a mistake in this test.
sub folder_with {
    my (%changes) = @_;
    my $name = 'statements-' . ++$folders;
    my $path = $base->path($name);
    for ($path, "$path/lookups") { mkdir $_ or die "$_: $!\n" }
    copy($_, $path . substr $_, length $shipped) or die "$_: $!\n" for glob "$shipped/*.sql $shipped/lookups/*.sql";
    for my $file (keys %changes) {
        local $_ = my $before = -e "$path/$file" ? read_text("$path/$file") : '';
        $changes{$file}->();
        if (defined $_) {
            confess "$file is as it was" if $_ eq $before;
            $base->write_file("$name/$file", $_);
        }
        else {
            unlink "$path/$file";
        }
    }
    return $path;
}

# The number of the line of FILE in FOLDER that matches PATTERN.
sub line_of {
    my ($folder, $file, $pattern) = @_;
    my @lines = split /\n/, read_text("$folder/$file");
    my ($line) = grep { $lines[$_ - 1] =~ $pattern } 1 .. @lines;
    return $line // die "$file has no line like $pattern\n";
}

# The three load statements with one more column, and other changes.
sub with_column {
    my ($column, %changes) = @_;
    return folder_with('load_select.sql' => sub { s/(?=token\.id +AS 'data\.id')/$column,\n    / },
                       %changes);
}

# A column of this kind whose lookup is a file with this TEXT.
sub with_lookup {
    my ($text) = @_;
    return with_column("token.id AS 'data.other\@thing'", 'lookups/thing.sql' => sub { $_ = $text });
}

# ---- errors that configtest finds

sub configtest {
    my (%options) = @_;
    return AccessTokenTest->configtest(database => $database, %options);
}

sub refused {
    my ($name, $options, @patterns) = @_;
    my ($status, $output) = configtest(%$options);
    isnt($status, 0, "$name stops configtest");
    like($output, $_, "$name: the message fits") for @patterns;
    return;
}

sub accepted {
    my ($name, %options) = @_;
    my ($status, $output) = configtest(%options);
    is($status, 0, "$name passes configtest") or diag($output);
    return;
}

accepted('the configuration of the tests');

# Each: the line, then what the message must have, besides the directive's name and the
# place.
my $whole = qr/a whole number from \d+ to \d+/;
my $time = qr/a time from \d+ ms to \d+ s, as 500ms/;
my $one = qr/takes one argument/;
my %secret = (short => 31, long => 4097, empty => 0, good => 32, longest => 4096);
$secret{$_} = $base->write_file("secret-$_", 's' x $secret{$_}) for keys %secret;
my $one_or_two = qr/takes 1-2 arguments|takes one or two/;
for my $case (
    ['AccessTokenStatements', $one_or_two],
    ['AccessTokenStatements /a /b /c', $one_or_two],
    ['AccessTokenStatements /a /b', qr{cannot open /a: No such file}],
    ['AccessTokenStatements ""', $one_or_two],
    ['AccessTokenStatements /no/such/folder', qr{/no/such/folder}, qr/No such file/],
    ['AccessTokenBodyLimit', $one],
    (map { ["AccessTokenBodyLimit $_", $whole, qr/not "\Q$_\E"/] }
        qw(0 -1 64k 1e3 0x10 1.5 many 99999999999999999999 67108865)),
    ['AccessTokenBodyLimit ""', $one],
    ['AccessTokenPassCodeScheme', $one_or_two],
    ['AccessTokenPassCodeScheme rot13', qr/"rot13"/, qr/bcrypt, yescrypt/],
    ['AccessTokenPassCodeScheme BCRYPT', qr/"BCRYPT"/, qr/bcrypt, yescrypt/],
    ['AccessTokenPassCodeScheme bcrypt 3', qr/\b3\b/, qr/bcrypt/],
    ['AccessTokenPassCodeScheme bcrypt 32', qr/\b32\b/, qr/bcrypt/],
    ['AccessTokenPassCodeScheme yescrypt 99', qr/\b99\b/, qr/yescrypt/],
    (map { ["AccessTokenPassCodeScheme bcrypt $_", qr/"\Q$_\E"/, qr/whole number/] }
        qw(ten 0 -10 10x)),
    ['AccessTokenPassCodeScheme bcrypt 10 10', $one_or_two],
    ['AccessTokenPassCodeLimit', $one_or_two],
    ['AccessTokenPassCodeLimit 2s 256 1', $one_or_two],
    (map { ["AccessTokenPassCodeLimit $_", $time, qr/not "\Q$_\E"/] } qw(99ms 61s 0 -1s fast)),
    (map { ["AccessTokenPassCodeLimit 2s $_", $whole, qr/not "\Q$_\E"/] } qw(0 -1 1.5 65537 64m)),
    ['AccessTokenHTTP200 sometimes', qr/On or Off/],
    ['AccessTokenHTTP200', qr/On or Off/],
    ['AccessTokenUnknownParameters reject', qr/refuse or ignore/, qr/"reject"/],
    ['AccessTokenUnknownParameters', $one],
    ['AccessTokenCaller basic', qr/session, apache or both/, qr/"basic"/],
    ['AccessTokenCaller session basic', qr/session, apache or both/, qr/"basic"/],
    ['AccessTokenCaller session apache both', $one_or_two],
    ['AccessTokenCaller', $one_or_two],
    (map { [qq(AccessTokenOrigins "$_"), qr/"\Q$_\E" is no origin/, qr{write scheme://host or}] }
        'https://crm.example.com/', 'https://crm.example.com/page', 'crm.example.com', 'null', '*',
        'https://', 'https://*.example.com', 'https://user@example.com', 'https://example.com:',
        'https://example.com:x', 'https://example.com:123456',
        'https://a.example,https://b.example', '//example.com', 'https:example.com', 'https://a b'),
    ['AccessTokenOrigins', qr/name the origins, or none/],
    ['AccessTokenOrigins https://a.example none', qr/"none" is no origin/],
    (map { ["AccessTokenRetryAfter $_", $whole, qr/not "\Q$_\E"/] }
        qw(-1 soon 2s 86401 99999999999999999999)),
    (map { my $name = $_; map { ["$name $_", $time, qr/not "\Q$_\E"/] }
               qw(-1 soon 0x5 5m5 5days 9999999999999999999999s) }
        qw(AccessTokenRetryBudget AccessTokenConnectionWait AccessTokenConnectionReuse AccessTokenLookupLifetime
           AccessTokenIdempotencyLifetime
           AccessTokenBalancerTimeout)),
    (map { ["AccessTokenRetryBudget $_", $time] } qw(0 99ms 301s 6min)),
    ['AccessTokenConnectionWait 301s', $time],
    ['AccessTokenConnectionReuse 61s', $time],
    ['AccessTokenLookupLifetime 25h', $time],
    (map { ["AccessTokenIdempotencyLifetime $_", $time] } qw(0 999ms 8785h)),
    ['AccessTokenBalancerTimeout 0', $time],
    (map { ["AccessTokenConnections $_", $whole, qr/not "\Q$_\E"/] } qw(0 -1 many 1.5 10001)),
    (map { ["AccessTokenLookupMemory $_", $whole, qr/not "\Q$_\E"/] } qw(0 -1 many 1.5 65537 32M)),
    (map { ["AccessTokenHashingLimit $_", $whole, qr/not "\Q$_\E"/] } qw(0 -1 many 1.5 1001)),
    ['AccessTokenHashingLimit', $one],
    ['AccessTokenIdempotencyKeyFile', $one],
    ['AccessTokenIdempotencyKeyFile /no/such/file', qr{/no/such/file: No such file},
        qr{head -c 32 /dev/urandom}],
    ["AccessTokenIdempotencyKeyFile $secret{short}", qr/32 to 4096 bytes/, qr{\Q$secret{short}}],
    ["AccessTokenIdempotencyKeyFile $secret{long}", qr/32 to 4096 bytes/],
    ["AccessTokenIdempotencyKeyFile $secret{empty}", qr/32 to 4096 bytes/],
    ['AccessTokenIdempotencyKeyFile /', qr/secret|directory/],
) {
    my ($line, @patterns) = @$case;
    my ($directive) = $line =~ /^(\w+)/;
    refused($line, { conf => "$line\n" }, qr/\b$directive\b/,
        qr/Syntax error on line \d+ of .*httpd\.conf/, @patterns);
}
refused('a wrong value in a Location', { location_conf => 'AccessTokenBodyLimit none' },
    qr/AccessTokenBodyLimit/, qr/"none"/);
refused("$_ in a Location", { location_conf => "$_\n" }, qr/not allowed in <Location> context/)
    for 'AccessTokenConnections 4', 'AccessTokenConnectionWait 1s', 'AccessTokenConnectionReuse 1s',
        'AccessTokenLookupLifetime 1s', 'AccessTokenLookupMemory 1',
        'AccessTokenBalancerTimeout 9s', 'AccessTokenHashingLimit 2', 'AccessTokenPassCodeLimit 2s';
refused('AccessTokenHashingLimit in a virtual host',
    { conf => "<VirtualHost *>\nAccessTokenHashingLimit 2\n</VirtualHost>\n" },
    qr/AccessTokenHashingLimit cannot occur within <VirtualHost> section/);
refused('a wrong value in a virtual host',
    { conf => "<VirtualHost *>\nAccessTokenCaller nobody\n</VirtualHost>\n" },
    qr/AccessTokenCaller/, qr/"nobody"/);

# Statement files. Each: the name; the folder; the file and a pattern of the line that the
# message must name, or undef if there is no such line; what the message must have.
my $load = 'load_by_authentication_code.sql';
my $guard = qr/:id AND .*:version/;
for my $case (
    ['a missing statement file', folder_with('save.sql' => sub { undef $_ }),
        'save.sql', undef, qr/No such file/],
    ['an empty statement file', folder_with('startup.sql' => sub { $_ = '' }),
        'startup.sql', undef, qr/no statement/],
    ['a file with nothing but comments', folder_with('startup.sql' => sub { $_ = "-- nothing\n/* */\n" }),
        'startup.sql', undef, qr/no statement/],
    ['an unknown parameter', folder_with('load_joins.sql' => sub { s/\z/\nAND :unknown = 1\n/ }),
        'load_joins.sql', qr/:unknown/, qr/":unknown"/, qr/:session_digest, :username, :now/],
    ["a parameter of another statement",
        folder_with($number => sub { s/:sequence/:now/ }),
        $number, qr/:now/, qr/":now"/, qr/:sequence\b/],
    ['a parameter in a statement that has none', folder_with('startup.sql' => sub { s/\z/\nLIMIT :now/ }),
        'startup.sql', qr/:now/, qr/":now"/, qr/none/],
    ['a misspelt field in save.sql',
        folder_with('save.sql' => sub { s/:udf_string_1\b/:udf_strin_1/ }),
        'save.sql', qr/:udf_strin_1/, qr/":udf_strin_1"/, qr/:set_udf_string_1, :udf_string_1/],
    ['a ? placeholder', folder_with($number => sub { s/:sequence/?/ }),
        $number, qr/\?/, qr/\?.*placeholder/, qr/:id/],
    ['a second statement', folder_with('next_number.sql' => sub { s/\z/;\nSELECT 1\n/ }),
        'next_number.sql', qr/^SELECT 1$/, qr/one statement/],
    ['an unclosed string',
        folder_with('custom_fields.sql' => sub { s/\z/\nWHERE name <> 'open\n/ }),
        'custom_fields.sql', qr/'open/, qr/not closed/],
    ['an unclosed quoted name',
        folder_with('custom_fields.sql' => sub { s/\z/\nWHERE "open\n/ }),
        'custom_fields.sql', qr/"open/, qr/not closed/],
    ['an unclosed comment',
        folder_with('custom_fields.sql' => sub { s/\z/\n\/* open\n/ }),
        'custom_fields.sql', qr/open/, qr/not closed/],
    ['a backslash before a quote',
        folder_with('custom_fields.sql' => sub { s/\z/\nWHERE name <> 'it\\'s'\n/ }),
        'custom_fields.sql', qr/\\'/, qr/backslash/, qr/double the quote/],
    ['an executable comment',
        folder_with('custom_fields.sql' => sub { s/\z/\n\/*!50000 LIMIT 1 *\/\n/ }),
        'custom_fields.sql', qr/50000/, qr/executable comment/],
    ["MariaDB's executable comment",
        folder_with('custom_fields.sql' => sub { s/\z/\n\/*M!100100 LIMIT 1 *\/\n/ }),
        'custom_fields.sql', qr/100100/, qr/executable comment/],
    ['-- without a blank', folder_with('custom_fields.sql' => sub { s/\z/\nLIMIT 9--1\n/ }),
        'custom_fields.sql', qr/9--1/, qr/-- without a blank/],
    ['an unknown annotation', folder_with('save.sql' => sub { s/\@unique/\@uniq/ }),
        'save.sql', qr/\@uniq /, qr/\@include, \@unique, \@max, \@reread, \@raises-version, \@wide, \@documents and \@end/],
    ['@unique without a field', folder_with('save.sql' => sub { s/(\@unique \S+) \S+/$1/ }),
        'save.sql', qr/\@unique \S+$/, qr/\@unique \w+ FIELD/],
    ['@unique with an additional word', folder_with('save.sql' => sub { s/(\@unique .*)/$1 more/ }),
        'save.sql', qr/ more$/, qr/\@unique \w+ FIELD/],
    ['@unique of a field that cannot be unique',
        folder_with('save.sql' => sub { s/(\@unique \S+) \S+/$1 pass_code/ }),
        'save.sql', qr/\@unique \S+ pass_code/, qr/"pass_code"/,
        qr/authentication_code, identifier, idempotency_key or version/],
    ['a missing include', folder_with('load_by_id.sql' => sub { s/load_joins/load_jions/ }),
        'load_by_id.sql', qr/jions/, qr/load_jions\.sql/, qr/No such file/],
    ['an include without a name', folder_with('load_by_id.sql' => sub { s/load_joins\.sql// }),
        'load_by_id.sql', qr/\@include $/, qr/\@include FILE/],
    ['an include from another folder',
        folder_with('load_by_id.sql' => sub { s{load_joins}{../load_joins} }),
        'load_by_id.sql', qr/\.\./, qr/same folder/],
    ['an include of itself',
        folder_with('load_joins.sql' => sub { s/\z/\n-- \@include load_joins.sql\n/ }),
        'load_joins.sql', qr/\@include/, qr/nested too deeply/],
    ['a save.sql that does not compare the version',
        folder_with('save.sql' => sub { s/\s+AND version = .*//; }),
        'save.sql', undef, $guard],
    ['a save.sql that does not compare the id',
        folder_with('save.sql' => sub { s/WHERE id = :id\s+AND /WHERE / }),
        'save.sql', undef, $guard],
    ['a value without its set_ parameter',
        folder_with('save.sql' => sub { s/(udf_string_1 +=) I?IF.*,$/$1 :udf_string_1,/m }),
        'save.sql', undef, qr/:udf_string_1 and :set_udf_string_1/],
    ['a set_ parameter without its value',
        folder_with('save.sql' => sub { s/, :udf_string_1, /, NULL, / }),
        'save.sql', undef, qr/:udf_string_1 and :set_udf_string_1/],
    ['a load statement without its key',
        folder_with('load_by_id.sql' => sub { s/= :id\b/= '1'/ }),
        'load_by_id.sql', undef, qr/:id\b/],
    ['a missing result column',
        folder_with('load_select.sql' => sub { s/.*'token\.version'.*\n// }),
        $load, undef, qr/must select a column AS 'token\.version'/],
    ['a misspelt result column',
        folder_with('load_select.sql' => sub { s/'token\.version'/'token.versoin'/ }),
        $load, undef, qr/'token\.versoin' is neither data/],
    ['a misspelt rule',
        folder_with('lookups/rules.sql' => sub { s/'rule\.identifier_min_digits'/'rule.identifier_min_digit'/ }),
        'lookups/rules.sql', undef, qr/'rule\.identifier_min_digit' is neither data/],
    ['a save that leaves the version', folder_with('save.sql' => sub { s/version \+ 1/version/ }),
        'save.sql', undef, qr/SET version = version \+ 1/, qr/-- \@raises-version by trigger/],
    ['a save of two tables', folder_with('save.sql' => sub { s/^UPDATE access_tokens$/UPDATE access_tokens, x/m }),
        'save.sql', undef, qr/the UPDATE must name one table/, qr/in a trigger/],
    ['a save that keeps a key without its digest',
        folder_with('save.sql' => sub { s/^ +request_digest .*\n//m }),
        'save.sql', undef, qr/both :idempotency_key and :request_digest/, qr/or neither/],
    ['@max above the limit of the field',
        folder_with('save.sql' => sub { s/^UPDATE/-- \@max udf_string_1 256\nUPDATE/m }),
        'save.sql', qr/\@max/, qr/udf_string_1 is 1 to 255, not "256"/],
    ['a credential that is saved and not loaded',
        folder_with('load_select.sql' => sub { s/.*'data\.identifier'.*\n// }),
        $load, undef, qr/'data\.identifier'/],
    ['a custom field without its type',
        folder_with('custom_fields.sql' => sub { s/'custom_field\.type'/'type'/ }),
        'custom_fields.sql', undef, qr/'custom_field\.type'/],
    ['a sequence without a number', folder_with('next_number.sql' => sub { s/'number'/'n'/ }),
        'next_number.sql', undef, qr/'number'/],
    ['a startup.sql without the character set',
        folder_with('startup.sql' => sub { s/'connection\.charset'/'charset'/ }),
        'startup.sql', undef, qr/'connection\.charset'/],
    ['a data column that is there twice', with_column("token.id AS 'data.number'"),
        $load, undef, qr/'data\.number'/, qr/twice/],
    ['a data column below another', with_column("token.id AS 'data.number.text'"),
        $load, undef, qr/'data\.number(?:\.text)?'/, qr/collides/],
    ['an input column that is there twice', with_column("token.id AS 'token.version'"),
        $load, undef, qr/'token\.version'/, qr/twice/],
    ['an unknown suffix', with_column("token.id AS 'data.other:integer'"),
        $load, undef, qr/'data\.other:integer'/, qr/:number, :boolean, :json or :date/],
    ['two question marks', with_column("token.id AS 'data.other??'"),
        $load, undef, qr/'data\.other\?\?'/, qr/at most one \?/],
    ['a member without a name', with_column("token.id AS 'data.other..name'"),
        $load, undef, qr/'data\.other\.\.name'/, qr/a name/],
    ["a column's name that is not UTF-8", with_column("token.id AS 'data.Gr\xf6\xdfe'"),
        'load_select.sql', qr/Gr\xf6/, qr/not UTF-8; save the file as UTF-8/],
    ['a comment that is not UTF-8', folder_with('save.sql' => sub { s/\z/\n-- Gr\xf6\xdfe\n/ }),
        'save.sql', qr/Gr\xf6/, qr/not UTF-8/],
    ["a column's name with a line break", with_column("token.id AS 'data.a\nb'"),
        'load_select.sql', qr/'data\.a$/, qr/no control character/],
    ["a column's name with a quote", with_column("token.id AS 'data.a''b'"),
        'load_select.sql', qr/'data\.a''b'/, qr/no quote/],
    ["a column's name with a backslash", with_column("token.id AS 'data.a\\\\b'"),
        'load_select.sql', qr/'data\.a/, qr/no backslash/],
    ['a member that fields_set cannot name', with_column("token.id AS 'data.a,b'"),
        $load, undef, qr/'data\.a,b'/, qr/no .* comma/],
    ['a reply that is too deep to be written',
        with_column("token.id AS 'data." . join('.', ('a') x 100) . "\@thing'",
                    'lookups/thing.sql' => sub { $_ = "SELECT :key AS '" . join('.', ('a') x 100) . "'" }),
        'lookups/thing.sql', undef, qr/deeper than 125 members/],
    ['a column that is twice in another statement',
        folder_with('next_number.sql' => sub { s/(?='number')/'number', 1 AS / }),
        'next_number.sql', undef, qr/'number'/, qr/twice/],
    ['one key for two fields',
        folder_with('save.sql' => sub { s/^(-- \@unique (\S+)) \S+$/$&\n-- \@unique $2 version/m }),
        'save.sql', qr/\@unique \S+ version$/, qr/another field for the key/],
    ['the pass code in the reply', with_column("token.pass_code AS 'data.pass_code'"),
        $load, undef, qr/'data\.pass_code'/, qr/secret/],
    (map {
        my $quote = $_;
        ["a table's alias in $quote", folder_with('load_joins.sql' => sub {
                s/\bparticipant_owner\b/${quote}participant_owner$quote/g;
            }), $load, undef, qr/'participant_owner'/, qr/neither data/];
    } qw(" `)),
    ["a reply's name that is misspelt", with_column("token.id AS 'dat.other'"),
        $load, undef, qr/'dat\.other'/, qr/neither data/],
    ["an input's name that is misspelt", with_column("token.id AS 'caller.usernam'"),
        $load, undef, qr/'caller\.usernam'/, qr/nor an input/],
    ['a column with an unknown name', with_column("token.id AS 'other'"),
        $load, undef, qr/'other'/, qr/neither data/],
    ['a data column of another statement',
        folder_with('custom_fields.sql' => sub { s/(?=name +AS)/name AS 'data.name',\n       / }),
        'custom_fields.sql', undef, qr/'data\.name'/, qr/unknown to the module/],
    ['a lookup without its file', with_column("token.id AS 'data.other\@thing'"),
        'lookups/thing.sql', undef, qr/cannot open .*No such file/],
    ['a lookup from another folder', with_column("token.id AS 'data.other\@../save'"),
        $load, undef, qr/"\.\.\/save"/, qr/file in lookups\//],
    ['a lookup without a name', with_column("token.id AS 'data.other\@'"), $load, undef, qr/not ""/],
    ['a lookup without its key', with_lookup("SELECT 1 AS 'id'"),
        'lookups/thing.sql', undef, qr/find the object by :key/],
    ['a lookup without a column', with_lookup('SELECT name FROM countries WHERE id = :key'),
        'lookups/thing.sql', undef, qr/it must select.* AS 'id'/],
    ["a lookup by a load statement's parameter", with_lookup("SELECT 1 AS 'id'\nWHERE :id = 1"),
        'lookups/thing.sql', qr/:id/, qr/":id"/, qr/:key\b/],
    ['a lookup within a lookup', with_lookup("SELECT :key AS 'more\@thing'"),
        'lookups/thing.sql', undef, qr/'more\@thing'/, qr/cannot look up another/],
    ['a lookup whose object has such a member',
        with_column("token.id AS 'data.other.id', token.id AS 'data.other\@thing'",
                    'lookups/thing.sql' => sub { $_ = "SELECT :key AS 'id'" }),
        'lookups/thing.sql', undef, qr/'id'/, qr/collides/],
    ['values that decide, without a revision',
        folder_with('lookups/rules.sql' => sub { s/.*'revision\.reference'.*\n// }),
        'lookups/rules.sql', undef, qr/must select a column revision\.NAME/],
    ['a revision that the load lacks', folder_with('show_revision.sql' => sub { $_ = "-- nothing\n" }),
        'lookups/caller.sql', undef, qr/'revision\.reference'/, qr/must select it, too/],
    ['the version of an access token from a lookup',
        folder_with('lookups/rules.sql' => sub { s/(?=classification\.id +AS)/1 AS 'token.version',\n    / },
                    'load_select.sql' => sub { s/.*'token\.version'.*\n// }),
        'lookups/rules.sql', undef, qr/'token\.version'/, qr/read by each load/],
    ['a parameter of a lookup that it does not use',
        folder_with('lookups/caller.sql' => sub { s/:unit_id/NULL/g }),
        'lookups/caller.sql', undef, qr/find the object by :unit_id/],
    ['a parameter of a lookup that no load gives',
        folder_with('show_caller.sql' => sub { s/.*'\@caller:unit_id'.*\n// }),
        'lookups/caller.sql', qr/:unit_id,/, qr/no ":unit_id"/],
    ['a document of nothing', folder_with('show_documents.sql' => sub { s/data\.accounts_receivable:/data.account:/ }),
        $load, undef, qr/'data\.account:document'/, qr/within \@wide/],
    ['a document outside of @documents', with_column("token.id AS 'data.accounts_receivable:document'"),
        $load, undef, qr/'data\.accounts_receivable:document'/, qr/between -- \@documents/],
    ['a member with an equals sign', with_column("token.id AS 'data.other=another'"),
        $load, undef, qr/'data\.other=another'/, qr/between dots/],
    ['the suffix :null', with_column("NULL AS 'data.other:null'"),
        $load, undef, qr/'data\.other:null'/, qr/:number, :boolean, :json or :date/],
    ['@documents that is not ended', folder_with('load_joins.sql' => sub { s/(.*)^-- \@end\n/$1/ms }),
        'load_joins.sql', qr/\@documents/, qr/not ended in its file/],
    ['@wide within @wide', folder_with('load_joins.sql' => sub { s/^-- \@end/  -- \@wide/m }),
        'load_joins.sql', qr/^  -- \@wide/, qr/\@wide or \@documents within another/],
    ['@documents within @wide', folder_with('load_joins.sql' => sub { s/^-- \@end\n//m }),
        'load_joins.sql', qr/\@documents/, qr/\@wide or \@documents within another/],
    ['@end without @wide', folder_with('load_joins.sql' => sub { s/^-- \@wide\n//m }),
        'load_joins.sql', qr/\@end/, qr/\@end without a -- \@wide/],
    ['@wide with a word after it', folder_with('load_joins.sql' => sub { s/(?<=\@wide)/ owner/ }),
        'load_joins.sql', qr/\@wide owner/, qr/nothing after/],
    ['@wide in save.sql', folder_with('save.sql' => sub { s/\z/\n-- \@wide\n-- \@end\n/ }),
        'save.sql', undef, qr/\@wide and \@documents are for the load statements/],
    ['a column that each call needs within @wide',
        folder_with('load_select.sql' => sub { s/(.*'token\.version'.*\n)/-- \@wide\n$1-- \@end\n/ }),
        $load, undef, qr/'token\.version'/, qr/within a \@wide/],
    ['load statements that are not wide in the same places', folder_with(
            'other.sql' => sub {
                $_ = read_text("$shipped/load_select.sql");
                s/(.*'data\.number'.*\n)/-- \@wide\n$1-- \@end\n/;
            },
            'load_by_identifier.sql' => sub { s/load_select/other/ }),
        'load_by_identifier.sql', undef, qr/leave out other columns/, qr/\@include/],
    ['load statements with other columns', folder_with(
            'other.sql' => sub {
                $_ = read_text("$shipped/load_select.sql");
                s/.*'data\.number'.*\n//;
            },
            'load_by_identifier.sql' => sub { s/load_select/other/ }),
        'load_by_identifier.sql', undef, qr/\Q$load\E/, qr/\@include/],
    ['load statements in another order', folder_with(
            'other.sql' => sub {
                $_ = read_text("$shipped/load_select.sql");
                s/(.*'data\.number'.*\n)(.*\n)/$2$1/;
            },
            'load_by_identifier.sql' => sub { s/load_select/other/ }),
        'load_by_identifier.sql', undef, qr/\Q$load\E/, qr/\@include/],
) {
    my ($name, $folder, $file, $line, @patterns) = @$case;
    my $place = quotemeta("$folder/$file");
    $place .= ':' . line_of($folder, $file, $line) . ':' if defined $line;
    refused($name, { statements => $folder }, qr/AccessTokenStatements/,
        qr/on line \d+ of .*httpd\.conf/, qr/$place/, @patterns);
}

# Errors that show only when all directives are read.
my $driver = "DBDriver $dbd{driver}";
my $method = qq(<Location "/other">\nSetHandler access-token-update\n</Location>\n);
my %bare = (statements => undef, location => undef);

sub hosts {
    my $conf = '';
    $conf .= "<VirtualHost *>\nServerName host-$_.test\n$_[$_]\n</VirtualHost>\n" for 0 .. $#_;
    return $conf;
}

for my $case (
    ['no mod_dbd', { without => [qw(dbd authn_dbd)], dbd => undef },
        qr/AccessTokenStatements/, qr/mod_dbd is not loaded/, qr/LoadModule dbd_module/],
    ['no DBDriver', { dbd => undef },
        qr/httpd\.conf:\d+: AccessTokenStatements/, qr/Add DBDriver and DBDParams/],
    ['a DBDriver only in another virtual host',
        { dbd => undef, %bare, conf => hosts($driver, "AccessTokenStatements $shipped\n$method") },
        qr/httpd\.conf:\d+: AccessTokenStatements/, qr/Add DBDriver and DBDParams/],
    ['no AccessTokenStatements', { statements => undef },
        qr/httpd\.conf:\d+: SetHandler access-token-update/, qr/needs AccessTokenStatements/],
    ['an AccessTokenStatements only in another virtual host',
        { %bare, conf => hosts("AccessTokenStatements $shipped", $method) },
        qr/httpd\.conf:\d+: SetHandler access-token-update/, qr/needs AccessTokenStatements/],
) {
    my ($name, $options, @patterns) = @$case;
    refused($name, $options, @patterns);
}

# ---- files that others could write

# After MODE (or a change of owner by CODE) of PATH, which is in the folder of the
# statements or of the secret, configtest fails. It names a command, and the command
# helps.
sub untrusted {
    my ($name, $path, $options, $change, @patterns) = @_;
    my @before = (stat $path)[2, 4];
    ref $change ? $change->($path) : chmod $change, $path;
    my ($status, $output) = configtest(%$options);
    isnt($status, 0, "$name stops configtest");
    like($output, $_, "$name: the message fits") for qr/\Q$path\E/, @patterns;
    my ($command) = $output =~ /run (ch(?:mod|own) \S+ '\Q$path\E')/;
    ok(defined $command, "$name: it names a command") or diag($output);
    is(system($command // 'false'), 0, "$name: the command runs");
    accepted("$name, after the command", %$options);
    chmod $before[0] & 07777, $path;
    chown $before[1], -1, $path if $> == 0;
    return;
}

{
    # The deepest file below the folder of statements.
    mkdir $base->path('above') or die "above: $!\n";
    my $folder = $base->path('above/statements');
    rename folder_with('lookups/thing.sql' => sub {
        $_ = "SELECT 1 AS 'id' WHERE 1 = :key\n-- \@include part.sql\n";
    }, 'lookups/part.sql' => sub { $_ = "-- part\n" }, 'load_select.sql' => sub {
        s/(?=token\.id +AS 'data\.id')/token.id AS 'data.other\@thing',\n    /;
    }), $folder or die "statements: $!\n";
    my %options = (statements => $folder);
    accepted('a folder of our own', %options);
    for my $mode (0664, 0646, 0666) {
        my $octal = sprintf '%04o', $mode;
        untrusted("a statement of mode $octal", "$folder/save.sql", \%options, $mode,
                  qr/AccessTokenStatements: /, qr/httpd\.conf|line \d+/, qr/mode is $octal/, qr/chmod go-w/);
        untrusted("an included file of mode $octal", "$folder/load_select.sql", \%options, $mode);
        untrusted("a lookup of mode $octal", "$folder/lookups/thing.sql", \%options, $mode);
        untrusted("a file that a lookup includes, of mode $octal", "$folder/lookups/part.sql", \%options, $mode);
    }
    for my $mode (0775, 0757, 01777) {
        my $octal = sprintf '%04o', $mode;
        untrusted("a folder of mode $octal", $folder, \%options, $mode, qr/chmod go-w/);
        untrusted("a folder of lookups of mode $octal", "$folder/lookups", \%options, $mode);
    }
    untrusted('a folder above of mode 0775', $base->path('above'), \%options, 0775);
    # With the sticky bit nobody else can replace files there.
    chmod 01777, $base->path('above');
    accepted('a folder above of mode 1777', %options);
    chmod 0755, $base->path('above');

    # The same for the folder REST, and for both ends of a symbolic link.
    my $rest = folder_with('save.sql' => sub { s/\z/\n-- the rest/ });
    my $few = $base->path('few');
    mkdir $few or die "few: $!\n";
    untrusted('a file of REST', "$rest/save.sql", { statements => "$few :: $rest" }, 0664);
    untrusted('the folder REST', $rest, { statements => "$few :: $rest" }, 0775);
    untrusted('a folder with nothing in it', $few, { statements => "$few :: $rest" }, 0775);
    mkdir $base->path('links') or die "links: $!\n";
    my $link = $base->path('links/statements');
    symlink $folder, $link or die "link: $!\n";
    accepted('a symbolic link', statements => $link);
    my $file = "$folder/save.sql";
    chmod 0664, $file;
    refused('a symbolic link to a file that others can write', { statements => $link }, qr/save\.sql can be written/);
    chmod 0644, $file;
    untrusted('a folder above its target', $base->path('above'), { statements => $link }, 0775);
    untrusted('a folder above the link', $base->path('links'), { statements => $link }, 0775);

    my $secret = $base->path('above/key');
    $base->write_file('above/key', 's' x 32);
    chmod 0400, $secret;
    my %with_secret = (conf => "AccessTokenIdempotencyKeyFile $secret");
    accepted('a secret of mode 0400', %with_secret);
    untrusted(sprintf('a secret of mode %04o', $_), $secret, \%with_secret, $_,
              qr/AccessTokenIdempotencyKeyFile: /, qr/can be read by others/, qr/chmod 0400/)
        for 0440, 0404, 0444, 0410;
    untrusted('a folder above a secret', $base->path('above'), \%with_secret, 0775);
    chmod 0620, $secret;
    refused('a secret that a group can write', \%with_secret, qr/can be written by others/);
    chmod 0400, $secret;

    # A user who runs configtest owns these files; root may not use files of others.
    if ($> == 0) {
        my $other = getpwnam(AccessTokenTest::httpd_user());
        my $give = sub { chown $other, -1, $_[0] };
        untrusted("another user's statement", $file, \%options, $give, qr/number $other/, qr/chown root/);
        untrusted("another user's folder", $folder, \%options, $give);
        untrusted("another user's folder above", $base->path('above'), \%options, $give,
                  qr/can put another file/);
        untrusted("another user's secret", $secret, \%with_secret, $give);
    }
}

# ---- configurations that configtest accepts

my $statements = AccessTokenTest::shipped_statements($database->sql_folder);
my $everything = AccessTokenTest::statements_conf($statements) . <<"END";
AccessTokenBodyLimit 1
AccessTokenBodyLimit 67108864
AccessTokenPassCodeScheme yescrypt
AccessTokenPassCodeScheme bcrypt 4
AccessTokenHTTP200 off
AccessTokenUnknownParameters IGNORE
AccessTokenCaller apache
AccessTokenCaller Session Apache
AccessTokenOrigins None
AccessTokenOrigins https://crm.example.com HTTP://Intern:8080 "https://[2001:db8::1]:8443"
AccessTokenOrigins moz-extension://a1b2
AccessTokenRetryAfter 0
AccessTokenRetryAfter 86400
AccessTokenRetryBudget 100ms
AccessTokenRetryBudget 5min
AccessTokenIdempotencyKeyFile $secret{longest}
AccessTokenIdempotencyKeyFile "$secret{good}"
AccessTokenIdempotencyLifetime 1
AccessTokenIdempotencyLifetime 8784h
END
my $of_server = <<'END';
AccessTokenLookupMemory 65536
AccessTokenLookupMemory 1
AccessTokenConnections 10000
AccessTokenConnections 1
AccessTokenConnectionWait 0
AccessTokenConnectionWait 300
AccessTokenConnectionReuse 0
AccessTokenConnectionReuse 1min
AccessTokenLookupLifetime 0
AccessTokenLookupLifetime 24h
AccessTokenBalancerTimeout 100ms
AccessTokenBalancerTimeout 1h
END
my $of_all = <<'END';
AccessTokenHashingLimit 1000
AccessTokenHashingLimit 1
AccessTokenPassCodeLimit 60s 65536
AccessTokenPassCodeLimit 1s
END
my $relative = '../' . basename(dirname($base->path('x'))) . '/'
    . basename(folder_with('save.sql' => sub { s/\z/\n-- the end/ }));
accepted($_->[0], %{ $_->[1] }) for (
    ['the shipped configuration', { shipped => 1 }],
    ['a folder below ServerRoot', { statements => $relative }],
    ['every directive in the server', { conf => $everything . $of_server . $of_all }],
    ['every directive in a Location', { location_conf => $everything }],
    ['every directive in a Directory',
        { conf => qq(<Directory "/srv">\n$everything</Directory>\n) }],
    ['every directive in a virtual host', { conf => hosts($everything . $of_server) }],
    ['a database only in a virtual host',
        { dbd => undef, %bare, conf => hosts("$driver\nAccessTokenStatements $shipped\n$method") }],
    ['statements in the server and the database in a virtual host',
        { dbd => undef, conf => hosts($driver) }],
);

# ---- times without a unit: configtest warns

for my $case (
    (map { ["$_ 9", "$_: 9 without a unit", '9s'] }
        qw(AccessTokenRetryBudget AccessTokenConnectionWait AccessTokenConnectionReuse
           AccessTokenLookupLifetime AccessTokenIdempotencyLifetime AccessTokenBalancerTimeout)),
    ['AccessTokenPassCodeLimit 2 256', 'AccessTokenPassCodeLimit: 2 without a unit', '2s'],
    (map { [$_] } 'AccessTokenRetryBudget 9s', 'AccessTokenConnectionReuse 90ms',
        'AccessTokenConnectionWait 0', 'AccessTokenPassCodeLimit 2s 256', 'AccessTokenRetryAfter 9'),
) {
    my ($line, $text, $better) = @$case;
    my $tested = AccessTokenTest->new(database => $database, conf => "$line\n");
    my ($status, $output) = $tested->configtest;
    is($status, 0, "$line passes configtest");
    my @said = $output =~ /(AT061: .*)/g;
    if (!defined $text) {
        is_deeply(\@said, [], "$line: no warning");
        next;
    }
    my $place = $tested->path('httpd.conf') . ':' . line_of($tested->path(''), 'httpd.conf', qr/\A\Q$line\E\z/);
    is_deeply(\@said, ["AT061: $place: $text means seconds. To make that clear, write $better."],
              "$line: one warning, with file, line and the clear form");
}

# ---- each setting in each place, shown by its effect

my $basic = 'Basic ' . encode_base64('clerk:secret', '');

# Sends BODY to PATH of the virtual host HOST, as Apache's user clerk.
sub call {
    my ($server, $host, $path, $body, %headers) = @_;
    $body = JSON::PP->new->utf8->encode($body) if ref $body;
    my %all = ('Content-Type' => 'application/json', 'Content-Length' => length $body,
               Host => $host, Connection => 'close', Authorization => $basic, %headers);
    return $server->raw(join "\r\n", "POST $path HTTP/1.1",
        (map { "$_: $all{$_}" } sort keys %all), '', $body);
}

# A folder whose replies have its name.
sub named_folder { with_column("'$_[0]' AS 'data.folder'") }

# SQL that a simple scanner would misread.
sub odd_folder {
    my $concatenated = $has_server ? q(CONCAT('%%', '')) : q('%%' || '');
    # In MariaDB double quotes enclose a string.
    my $quoted = $has_server ? q(session.user_id) : q("session"."user_id");
    return folder_with(
        'load_select.sql' => sub {
            s{^SELECT\n}{/* a comment ' that opens nothing, ? and :nothing, 100%
   and its second line */
SELECT -- another one: it's :nothing ? % ;
    '100% ? %s :id ''quoted'' -- no comment /* nor this */; `' AS 'data.odd_text',
    "it's" AS 'data.odd_double',
    $quoted AS /* between */ 'data.odd_name',
    `session`.`user_id`as'data.odd_quote',
    $concatenated AS
        -- between AS and the name
        'data.odd_percent',
    :now AS 'data.odd_now', :now AS 'data.odd_now_again',
    CASE WHEN :username IS NULL OR :username = :username THEN 1 END AS 'data.odd_true:boolean',
}m;
            # SQLite reads "…" as a name.
            s/^    "it's" AS.*\n//m if !$has_server;
        },
        'load_by_id.sql' => sub { s/\z/\n;  \n -- the end\n\n/ },
        'save.sql' => sub { s/\z/ ; \n\n/ },
    );
}

my @names = qw(main main-location host host-location);
my %settings = (
    AccessTokenStatements => { map { $_ => named_folder($_) } @names },
    AccessTokenBodyLimit => { main => 1000, 'main-location' => 2000, host => 3000,
                              'host-location' => 4000 },
    AccessTokenPassCodeScheme => { main => 'md5crypt', 'main-location' => 'sha256crypt 1000',
                                   host => 'bcrypt 4', 'host-location' => 'sha512crypt 1000' },
    AccessTokenHTTP200 => { main => 'On', 'main-location' => 'Off', host => 'Off',
                            'host-location' => 'On' },
    AccessTokenUnknownParameters => { main => 'ignore', 'main-location' => 'refuse',
                                      host => 'refuse', 'host-location' => 'ignore' },
    AccessTokenCaller => { main => 'apache', 'main-location' => 'session', host => 'session',
                           'host-location' => 'apache' },
    AccessTokenIdempotencyLifetime => { main => '1h', 'main-location' => '2h', host => '3h',
                                        'host-location' => '4h' },
    AccessTokenRetryAfter => { main => 7, 'main-location' => 17, host => 27,
                               'host-location' => 37 },
);
# If one directive is set, the others must be inherited.
my %alone = (
    'partly-1'      => ['main', AccessTokenHTTP200 => 'Off'],
    'partly-2'      => ['main', AccessTokenUnknownParameters => 'refuse'],
    'host-partly-1' => ['host', AccessTokenHTTP200 => 'On'],
    'host-partly-2' => ['host', AccessTokenUnknownParameters => 'ignore'],
);
for my $place (sort keys %alone) {
    my ($around, $alone, $value) = @{ $alone{$place} };
    $_->{$place} = $_->{$around} for values %settings;
    $settings{$alone}{$place} = $value;
}

sub settings {
    my ($place) = @_;
    return "$alone{$place}[1] $alone{$place}[2]\n" if $alone{$place};
    return join '', map { "$_ $settings{$_}{$place}\n" } sort keys %settings;
}

$base->write_file('passwords', 'clerk:' . crypt('secret', '$6$rounds=1000$salt') . "\n");
my $auth = <<"END";
AuthType Basic
AuthName "tokens"
AuthBasicProvider file
AuthUserFile "@{[ $base->path('passwords') ]}"
Require valid-user
END

sub location {
    my ($path, $settings) = @_;
    return qq(<Location "$path">\nSetHandler access-token-update\n$auth$settings</Location>\n);
}

# A database of a virtual host.
sub second_database {
    my @files = map { "$sql/$_.sql" } qw(schema documents demo);
    if ($has_server) {
        $database->admin->do($_) for 'CREATE DATABASE second CHARACTER SET utf8mb4',
            q(GRANT ALL ON second.* TO 'access_token'@'localhost');
        AccessTokenTest::MariaDB::run('sh', '-c',
            'socket=$1; shift; cat "$@" | mariadb --no-defaults --default-character-set=utf8mb4'
            . ' --user=root --socket="$socket" second', 'sh', $database->socket, @files);
        return ($database->connect('second'), $dbd{params} =~ s/dbname=\w+/dbname=second/r);
    }
    mkdir $base->path('second') or die "second: $!\n";
    my $second = AccessTokenTest::SQLite->new(
        folder => $base->path('second'), user => AccessTokenTest::httpd_user());
    $second->load($_) for @files;
    return ($second->dbh, $second->file);
}

my ($second, $second_params) = second_database();
my $nowhere = $has_server ? 'dbname=access_token,host=localhost,sock=/nowhere/socket,reconnect=0'
                          : '/nowhere/tokens.db';
my $path = $AccessTokenTest::PATH;
my $conf = "AccessTokenIdempotencyKeyFile $secret{good}\n" . settings('main') . location('/main-location', settings('main-location'))
    . location('/odd', 'AccessTokenStatements "' . odd_folder() . qq("\n));
my $host_conf = join '', settings('host'), map { location("/$_", settings($_)) }
    qw(host-location host-partly-1 host-partly-2);
# Each host a second time, without a database, since a 503 has Retry-After.
for my $gone ('', 'gone-') {
    my $params = $gone ? qq(DBDParams "$nowhere"\n) : '';
    $conf .= "<VirtualHost *>\n$params$_</VirtualHost>\n" for
        "ServerName ${gone}inherits.test\n",
        "ServerName ${gone}host.test\n$host_conf",
        map { "ServerName $gone$_.test\n" . settings($_) } qw(partly-1 partly-2);
}
$conf .= <<"END";
<VirtualHost *>
    ServerName second.test
    DBDParams "$second_params"
</VirtualHost>
<VirtualHost *>
    ServerName htaccess.test
    <Directory "/">
        AllowOverride All
    </Directory>
</VirtualHost>
END
my $server = AccessTokenTest->start(database => $database, statements => undef,
                                    location_conf => $auth, conf => $conf);
$server->allow_log(qr/\[dbd:(?:error|crit)\]/, qr/AT022:.*no connection/, qr/AT002: unavailable/,
    qr/AccessTokenHTTP200 not allowed here/);

# The value of each directive in a place.
my $sequence = 0;
my %observe = (
    AccessTokenStatements => sub { call($server, @_, { %demo })->{json}{data}{folder} },
    AccessTokenBodyLimit => sub {
        my $body = JSON::PP->new->encode({ %demo });
        for my $limit (1000, 2000, 3000, 4000) {
            my @codes = map {
                my $padded = ' ' x ($limit + $_ - length $body) . $body;
                call($server, @_, $padded)->{json}{status}{code} // 'none';
            } 0, 1;
            return $limit if "@codes" eq 'OK REQUEST_TOO_LARGE';
        }
        return 'something else';
    },
    AccessTokenPassCodeScheme => sub {
        my $identifier = 'merged-' . ++$sequence;
        call($server, @_, { %demo, identifier => $identifier, pass_code => 'secret-1' });
        my ($hash) = $database->dbh->selectrow_array(
            'SELECT pass_code FROM access_tokens WHERE identifier = ?', undef, $identifier);
        return ($hash // 'none') =~ /^(\$1|\$2y\$04|\$5|\$6)\$/ ? $1 : $hash;
    },
    AccessTokenHTTP200 => sub {
        my $reply = call($server, @_, { %demo, udf_string_1 => 1 });
        return "$reply->{status} $reply->{json}{status}{code}";
    },
    AccessTokenUnknownParameters => sub {
        return call($server, @_, { %demo, udf_strin_1 => 1 })->{json}{status}{code};
    },
    AccessTokenCaller => sub {
        my %body = %demo;
        delete $body{token};
        return call($server, @_, \%body)->{json}{status}{code};
    },
    AccessTokenIdempotencyLifetime => sub {
        my $key = 'key-' . ++$sequence;
        call($server, @_, { %demo }, 'Idempotency-Key' => $key);
        my ($from, $to) = $database->dbh->selectrow_array('SELECT created_at, expires_at
            FROM access_token_requests WHERE idempotency_key = ?', undef, $key);
        my @hours = map { ($_ // '') =~ /[T ](\d+):/ ? $1 : 'none' } $from, $to;
        return "@hours" =~ /none/ ? 'none' : ($hours[1] - $hours[0]) % 24 . 'h';
    },
    AccessTokenRetryAfter => sub {
        my ($host, $place) = @_;
        my $reply = call($server, "gone-$host", $place, { %demo });
        return "$reply->{status} " . ($reply->{headers}{'retry-after'} // 'none');
    },
);
my %seen_as = (
    (map { $_ => $_ } @names, 1000, 2000, 3000, 4000, '1h', '2h', '3h', '4h'),
    'md5crypt' => '$1', 'sha256crypt 1000' => '$5', 'bcrypt 4' => '$2y$04',
    'sha512crypt 1000' => '$6',
    'On' => '200 VALIDATION_FAILED', 'Off' => '422 VALIDATION_FAILED',
    'ignore' => 'OK', 'refuse' => 'VALIDATION_FAILED',
    'apache' => 'OK', 'session' => 'INVALID_TOKEN',
    (map { $_ => "503 $_" } 7, 17, 27, 37),
    map { $settings{AccessTokenStatements}{$_} => $_ } @names,
);
for my $case (
    ['inherits.test', $path, 'main', "a virtual host without a value inherits the server's"],
    ['inherits.test', '/main-location', 'main-location', "a Location's value overrides the server's"],
    ['host.test', $path, 'host', "a virtual host's value overrides the server's"],
    ['host.test', '/main-location', 'main-location',
        "the value of a Location in the server overrides the virtual host's"],
    ['host.test', '/host-location', 'host-location',
        "the value of a Location in the virtual host overrides the virtual host's"],
    (map { ["partly-$_.test", $path, "partly-$_",
            "a virtual host with other settings inherits the server's value, $_"] } 1, 2),
    (map { ['host.test', "/host-partly-$_", "host-partly-$_",
            "a Location with other settings inherits the virtual host's value, $_"] } 1, 2),
) {
    my ($host, $place, $name, $test) = @$case;
    for my $directive (sort keys %observe) {
        is($observe{$directive}->($host, $place), $seen_as{ $settings{$directive}{$name} },
           "$directive: $test");
    }
}

# The server's statements, with the database of a virtual host.
{
    my $reply = call($server, 'second.test', $path, { %demo, udf_string_8 => 'second' });
    is($reply->{json}{data}{folder}, 'main', 'a virtual host with a database of its own answers');
    my $read = q(SELECT udf_string_8 FROM access_tokens WHERE number = '101');
    is($second->selectrow_array($read), 'second', 'and changes its own database');
    is($database->dbh->selectrow_array($read), undef, 'and not the other one');
}

{
    my $reply = call($server, 'inherits.test', '/odd', { %demo, udf_string_8 => 'odd' });
    my $data = $reply->{json}{data};
    is($reply->{json}{status}{code}, 'OK', 'SQL with odd strings and comments works');
    is($data->{odd_text}, q(100% ? %s :id 'quoted' -- no comment /* nor this */; `),
       'the name of a parameter in a string is text');
    is($data->{odd_double}, q(it's), 'in double quotes as well') if $has_server;
    is($data->{odd_percent}, '%%', 'a % in a string is unchanged');
    is($data->{$_}, '2', "$_: a quoted name is a column") for qw(odd_name odd_quote);
    like($data->{odd_now}, qr/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d$/, 'a parameter is bound');
    is($data->{odd_now_again}, $data->{odd_now}, 'and each time it occurs');
    is($data->{odd_true}, JSON::PP::true, 'in any order');
    is($database->dbh->selectrow_array(
           q(SELECT udf_string_8 FROM access_tokens WHERE number = '101')), 'odd',
       'a semicolon and blanks at the end of save.sql are allowed');
}

# Users who can write the document root must not be able to configure the module.
$server->write_file('htdocs/.htaccess', "AccessTokenHTTP200 On\n");
is($server->raw("GET /index.html HTTP/1.1\r\nHost: htaccess.test\r\nConnection: close\r\n\r\n")
       ->{status}, 500, 'the directives are refused in .htaccess');
$server->finish('the error log has only the expected lines: the places');

# ---- messages at start: once, by one of three children

my $threads = AccessTokenTest::mpm() eq 'prefork' ? 1 : 16;
my $three_children = <<"END" . ($threads == 1 ? "MinSpareServers 1\nMaxSpareServers 3\n" : '');
StartServers 3
<Location "/server-status">
    SetHandler server-status
</Location>
END

# Waits until all three children have finished their start.
sub wait_for_children {
    my ($started) = @_;
    return $started->wait_for(sub {
        my $status = $started->request('GET', '/server-status?auto',
                                       { connection => 'close' })->{content};
        my ($busy, $idle) = map { $status =~ /^$_: (\d+)/m } qw(BusyWorkers IdleWorkers);
        return ($busy // 0) + ($idle // 0) >= 3 * $threads;
    });
}

sub says_at_start {
    my ($name, $options, @patterns) = @_;
    my $started = AccessTokenTest->start(database => $database, conf => $three_children,
                                         %$options);
    my $count_of = sub {
        my ($pattern) = @_;
        return scalar grep { /$pattern/ } split /\n/, $started->output . $started->error_log;
    };
    for my $start (1, 2) {
        # After a graceful restart Apache decides how many children there are.
        if ($start == 2) { $started->graceful }
        else { ok(wait_for_children($started), "$name: three children run") }
        for my $pattern (@patterns) {
            $started->wait_for(sub { $count_of->($pattern) >= $start }, 5);
            is($count_of->($pattern), $start,
               $start == 1 ? "$name is logged once, not by each child"
                           : "$name is logged again at the next start");
        }
    }
    my $said = $count_of->(qr/\[access_token:(?:error|warn)\]/);
    is($said, 2 * @patterns, "$name: nothing else is logged")
        or diag($started->error_log);
    $started->allow_log(qr/\[dbd:(?:error|crit)\]/, qr/AT(?:02\d|034|035|061):/);
    $started->finish("the error log has only the expected lines: $name");
    return;
}

# httpd reads its configuration twice when it starts.
says_at_start('what does not fit in the configuration', {
    dbd => { max => 4 }, conf => "$three_children
AccessTokenConnections 9
AccessTokenBalancerTimeout 5500ms
<VirtualHost *>
    AccessTokenIdempotencyLifetime 3600
</VirtualHost>\n" },
    qr/AT034: /, qr/AT035: /, qr/AT061: .*httpd\.conf:\d+: AccessTokenIdempotencyLifetime: 3600 /);

my $empty = $base->path('empty.db');
if ($has_server) {
    $database->admin->do($_) for 'CREATE DATABASE bare',
        q(GRANT ALL ON bare.* TO 'access_token'@'localhost');
}
else {
    $base->write_file('empty.db', '');
}
my @files = AccessTokenTest::statements_in($statements);
says_at_start('a database without tables',
    { dbd => { params => $has_server ? $dbd{params} =~ s/dbname=\w+/dbname=bare/r : $empty } },
    # A server's next_number.sql reads no table. What the loads share is logged once.
    map { qr/AT023: .*\/$_\.sql: .*schema\.sql/ }
        grep { !/^load_by_id/ && (!$has_server || $_ ne 'next_number') } @files);

# Each: the fault, how to make it, how to undo it, the message.
for my $case (
    ['a missing column', 'ALTER TABLE users RENAME COLUMN email TO mail',
        'ALTER TABLE users RENAME COLUMN mail TO email',
        map { qr/AT023: .*\/$_\.sql: .*email/ } grep { m{/(?:user|caller)$} } @files],
    ['another version of the schema', 'UPDATE access_token_schema SET version = 1',
        'UPDATE access_token_schema SET version = 3', qr/AT024: .*version 1.* 3\b.*schema\.sql/],
    ['a schema without a version', 'DELETE FROM access_token_schema',
        'INSERT INTO access_token_schema (version) VALUES (3)',
        qr/AT024: .*\(none\).*schema\.sql/],
) {
    my ($name, $do, $undo, @patterns) = @$case;
    $database->dbh->do($do);
    says_at_start($name, {}, @patterns);
    $database->dbh->do($undo);
}

# Only the database can distinguish it from a result column.
my $alias = folder_with(map { $_ => sub { s/\bparticipant_account\b/`data.account`/g } }
    qw(load_select.sql load_joins.sql));
says_at_start("a table's alias that looks like a column's name", { statements => $alias },
    map { qr/AT029: .*\/$_\.sql: AS 'data\.account' names no result column/ }
    grep { /^load_by_(?!session)/ } @files);

says_at_start('a database out of reach', { dbd => { params => $nowhere } },
    qr/AT022: .*no connection.*DBDParams/);

if ($has_server) {
    my $file = $database->environment->{MARIADB_HOME} . '/my.cnf';
    my $group = read_text($file);
    $group =~ s/^default-character-set.*/default-character-set = latin1/m
        or die 'access_token.cnf has no default-character-set';
    $group =~ s/^\[access_token\]/[latin1]/m or die 'access_token.cnf has no group';
    open my $cnf, '>>', $file or die "$file: $!\n";
    print {$cnf} $group;
    close $cnf or die "$file: $!\n";

    says_at_start($_->[0], { dbd => { params => $_->[1] } }, $_->[2]) for
        ['no reconnect=0', $dbd{params} =~ s/,reconnect=0//r, qr/AT021: .*reconnect=0/],
        ['reconnect=1', $dbd{params} =~ s/reconnect=0/reconnect=1/r, qr/AT021: .*reconnect=0/];

    my $started = AccessTokenTest->start(database => $database, dbd =>
        { params => $dbd{params} =~ s/group=access_token/group=latin1/r });
    ok($started->wait_for_error(qr/AT026: .*fit the \w+ database/),
       'another character set in the group does no harm: the module sets its own');
    $started->finish('the error log has only the expected lines: another character set in the group');
}

# The module checks what startup.sql returns about the connection.
says_at_start('another character set', { statements => folder_with('startup.sql' =>
        sub { s/THEN \@\@character_set_client/THEN 'latin1'/ or s/'utf8mb4' /'latin1' / }) },
    qr/AT025: .*latin1.*default-character-set=utf8mb4/);

{
    my $started = AccessTokenTest->start(database => $database);
    ok($started->wait_for_error(qr/AT026: .*fit the \w+ database/), 'a good start is logged');
    unlike($started->error_log, qr/AT02[0-5]/, 'and nothing else');
    $started->finish('the error log has only the expected lines: a good start');
}

# ---- the version of the module, and the access log of the shipped configuration

{
    my ($version) = source_text('configure.ac') =~ /^AC_INIT\(\[mod_access_token\], \[([^\]]+)\]\)/m;
    my $product = "mod_access_token/$version";
    my $started = AccessTokenTest->new(database => $database, shipped => 1, conf => <<'END');
ServerTokens Full
ExtendedStatus On
<Location "/server-status">
    SetHandler server-status
</Location>
END
    # As where access_token.load is not included: the folder is "logs" in ServerRoot.
    my $conf = $started->read_file('httpd.conf');
    $conf =~ s/^Define ACCESS_TOKEN_LOGS .*\n//m or die 'ACCESS_TOKEN_LOGS is not defined';
    $started->write_file('httpd.conf', $conf);
    mkdir $started->path('logs') or die "logs: $!\n";
    $started->run;
    like(read_text(AccessTokenTest::module_file()), qr/\Q$product\E/, 'the binary has the version');
    ok($started->wait_for_error(qr/AT026: .*\Q$product\E: /), 'the log has it at the start');
    like($started->request('GET', '/server-status')->{content}, qr{<h2>\Q$product\E</h2>}, 'the page of mod_status has it');
    like($started->request('GET', '/server-status?auto')->{content}, qr/^AccessTokenVersion: \Q$version\E$/m,
         'and its lines for programs');
    my $reply = $started->post({ %demo });
    is($reply->{status}, 200, 'the shipped configuration serves');
    like($reply->{headers}{server}, qr{\AApache/}, 'the header Server of a reply has the version of Apache');
    unlike($reply->{headers}{server}, qr/token/i, 'and not that of the module');
    my $lines = sub { AccessTokenTest::first_line(qr/"POST .*" 200 .* code=OK /, $started->read_file('logs/access_token.log')) };
    ok($started->wait_for($lines), 'the shipped configuration writes an access log');
    $started->finish('the error log has only the expected lines: the version');
}

done_testing;
