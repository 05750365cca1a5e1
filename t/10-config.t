# What configtest finds, what httpd says at its start, and which setting holds
# where: server, virtual host, Location.
use strict;
use warnings;

use File::Basename qw(basename);
use File::Copy qw(copy);
use IO::Select;
use MIME::Base64 qw(encode_base64);
use Test::More;

use AccessTokenTest;

my $is_mariadb = AccessTokenTest::engine() eq 'mariadb';
my $token = 'demo-session-clerk';
my %demo = (token => $token, access_token_identifier => { authentication_code => 'demo-card' });

# The database that all of this file share, and the folder of the test.
my $base = AccessTokenTest->new;
my $database = $base->database;
my $shipped = AccessTokenTest::srcdir() . '/sql/' . $database->sql_folder . '/statements';

# ---- folders of statements that are a little other than the shipped ones

my $folders = 0;

sub text_of {
    my ($path) = @_;
    open my $file, '<:raw', $path or die "$path: $!\n";
    return do { local $/; <$file> };
}

# A copy of the shipped folder in which each FILE is what CODE makes of $_.
sub folder_with {
    my (%changes) = @_;
    my $name = 'statements-' . ++$folders;
    my $path = $base->path($name);
    mkdir $path or die "$path: $!\n";
    copy($_, $path) or die "$_: $!\n" for glob "$shipped/*.sql";
    for my $file (keys %changes) {
        local $_ = -e "$path/$file" ? text_of("$path/$file") : '';
        $changes{$file}->();
        defined $_ ? $base->write_file("$name/$file", $_) : unlink "$path/$file";
    }
    return $path;
}

# The line of FILE in FOLDER on which PATTERN stands.
sub line_of {
    my ($folder, $file, $pattern) = @_;
    my @lines = split /\n/, text_of("$folder/$file");
    my ($line) = grep { $lines[$_ - 1] =~ $pattern } 1 .. @lines;
    return $line // die "$file has no line like $pattern\n";
}

# A column more in the three load statements.
sub with_column {
    my ($column) = @_;
    return folder_with('load_select.sql' => sub { s/(?=token\.id +AS 'data\.id')/$column,\n    / });
}

# ---- what configtest refuses

sub configtest {
    my (%options) = @_;
    return AccessTokenTest->configtest(database => $database, %options);
}

sub refused {
    my ($name, $options, @patterns) = @_;
    my ($status, $output) = configtest(%$options);
    isnt($status, 0, "$name stops configtest");
    for my $pattern (@patterns) {
        like($output, $pattern, "$name: the message says it");
    }
    return;
}

sub accepted {
    my ($name, %options) = @_;
    my ($status, $output) = configtest(%options);
    is($status, 0, "$name passes configtest") or diag($output);
    return;
}

accepted('the configuration of the tests');

# Each: the line, then what the message must hold besides the directive's name
# and the place.
my $whole = qr/a whole number from \d+ to \d+/;
for my $case (
    ['AccessTokenStatements', qr/takes one argument/],
    ['AccessTokenStatements /a /b', qr/takes one argument/],
    ['AccessTokenStatements ""', qr/ServerRoot|empty|not a path|cannot open/],
    ['AccessTokenStatements /no/such/folder', qr{/no/such/folder}, qr/No such file/],
    ['AccessTokenBodyLimit', qr/takes one argument/],
    (map { ["AccessTokenBodyLimit $_", $whole, qr/not "\Q$_\E"/] }
        qw(0 -1 64k 1e3 0x10 many 99999999999999999999 67108865), '1.5'),
    ['AccessTokenBodyLimit ""', $whole, qr/not ""/],
    ['AccessTokenPassCodeScheme', qr/takes 1-2 arguments|takes one or two/],
    ['AccessTokenPassCodeScheme rot13', qr/"rot13"/, qr/bcrypt, yescrypt/],
    ['AccessTokenPassCodeScheme BCRYPT', qr/"BCRYPT"/, qr/bcrypt, yescrypt/],
    ['AccessTokenPassCodeScheme bcrypt 3', qr/\b3\b/, qr/bcrypt/],
    ['AccessTokenPassCodeScheme bcrypt 32', qr/\b32\b/, qr/bcrypt/],
    ['AccessTokenPassCodeScheme bcrypt ten', qr/"ten"/, qr/whole number/],
    ['AccessTokenPassCodeScheme bcrypt 0', qr/"0"/, qr/whole number/],
    ['AccessTokenPassCodeScheme bcrypt -10', qr/"-10"/, qr/whole number/],
    ['AccessTokenPassCodeScheme bcrypt 10x', qr/"10x"/, qr/whole number/],
    ['AccessTokenPassCodeScheme bcrypt 10 10', qr/takes 1-2 arguments|takes one or two/],
    ['AccessTokenPassCodeScheme yescrypt 99', qr/\b99\b/, qr/yescrypt/],
    ['AccessTokenHTTP200 sometimes', qr/On or Off/],
    ['AccessTokenHTTP200', qr/On or Off/],
    ['AccessTokenUnknownParameters reject', qr/refuse or ignore/, qr/"reject"/],
    ['AccessTokenUnknownParameters', qr/takes one argument/],
    ['AccessTokenCaller basic', qr/session, apache or both/, qr/"basic"/],
    ['AccessTokenCaller session basic', qr/session, apache or both/, qr/"basic"/],
    ['AccessTokenCaller session apache both', qr/takes 1-2 arguments|takes one or two/],
    ['AccessTokenCaller', qr/takes 1-2 arguments|takes one or two/],
    (map { ["AccessTokenRetryAfter $_", $whole, qr/not "\Q$_\E"/] }
        qw(-1 soon 2s 86401 99999999999999999999)),
) {
    my ($line, @patterns) = @$case;
    my ($directive) = $line =~ /^(\w+)/;
    refused($line, { conf => "# a line above\n$line\n" }, qr/\b$directive\b/,
        qr/Syntax error on line \d+ of .*httpd\.conf/, @patterns);
}
# The same setters are behind every place.
refused('a wrong value in a Location', { location_conf => 'AccessTokenBodyLimit none' },
    qr/AccessTokenBodyLimit/, qr/"none"/);
refused('a wrong value in a virtual host',
    { conf => "<VirtualHost *>\nAccessTokenCaller nobody\n</VirtualHost>\n" },
    qr/AccessTokenCaller/, qr/"nobody"/);

# Statement files. Each: the name; the folder; the file and the pattern of the
# line that the message must name, undef where there is no such line; what the
# message must say.
my $select_parameters = qr/:session_digest, :username, :now/;
for my $case (
    ['a missing statement file', folder_with('save.sql' => sub { undef $_ }),
        'save.sql', undef, qr/No such file/],
    ['an empty statement file', folder_with('startup.sql' => sub { $_ = '' }),
        'startup.sql', undef, qr/no statement/],
    ['a file of comments alone', folder_with('startup.sql' => sub { $_ = "-- nothing\n/* */\n" }),
        'startup.sql', undef, qr/no statement/],
    ['an unknown parameter', folder_with('load_joins.sql' => sub { s/\z/\nAND :unknown = 1\n/ }),
        'load_joins.sql', qr/:unknown/, qr/":unknown"/, $select_parameters],
    ["a parameter of another statement's",
        folder_with('next_number.sql' => sub { s/:sequence/:now/ }),
        'next_number.sql', qr/:now/, qr/":now"/, qr/:sequence\b/],
    ['a parameter where there are none', folder_with('startup.sql' => sub { s/\z/\nLIMIT :now/ }),
        'startup.sql', qr/:now/, qr/":now"/, qr/none/],
    ['a misspelt field in save.sql',
        folder_with('save.sql' => sub { s/:udf_string_1\b/:udf_strin_1/ }),
        'save.sql', qr/:udf_strin_1/, qr/":udf_strin_1"/, qr/:set_udf_string_1, :udf_string_1/],
    ['a ? placeholder', folder_with('next_number.sql' => sub { s/:sequence/?/ }),
        'next_number.sql', qr/\?/, qr/\?.*placeholder/, qr/:id/],
    ['a second statement', folder_with('next_number.sql' => sub { s/\z/;\nSELECT 1\n/ }),
        'next_number.sql', qr/^SELECT 1/, qr/one statement/],
    ['a string that is not closed',
        folder_with('custom_fields.sql' => sub { s/\z/\nWHERE name <> 'open\n/ }),
        'custom_fields.sql', qr/'open/, qr/not closed/],
    ['a quoted name that is not closed',
        folder_with('custom_fields.sql' => sub { s/\z/\nWHERE "open\n/ }),
        'custom_fields.sql', qr/"open/, qr/not closed/],
    ['a comment that is not closed',
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
    ['an unknown annotation', folder_with('save.sql' => sub { s/@unique/\@uniq/ }),
        'save.sql', qr/\@uniq /, qr/\@include and \@unique/],
    ['@unique without a field', folder_with('save.sql' => sub { s/(@unique \S+) \S+/$1/ }),
        'save.sql', qr/\@unique \S+$/, qr/\@unique \w+ FIELD/],
    ['@unique with a word too many', folder_with('save.sql' => sub { s/(@unique .*)/$1 more/ }),
        'save.sql', qr/ more$/, qr/\@unique \w+ FIELD/],
    ['@unique of a field that cannot be unique',
        folder_with('save.sql' => sub { s/(@unique \S+) \S+/$1 pass_code/ }),
        'save.sql', qr/\@unique \S+ pass_code/, qr/"pass_code"/,
        qr/authentication_code or identifier/],
    ['a missing include', folder_with('load_by_id.sql' => sub { s/load_joins/load_jions/ }),
        'load_by_id.sql', qr/jions/, qr/load_jions\.sql/, qr/No such file/],
    ['an include of nothing', folder_with('load_by_id.sql' => sub { s/load_joins\.sql// }),
        'load_by_id.sql', qr/\@include $/, qr/\@include FILE/],
    ['an include from another folder',
        folder_with('load_by_id.sql' => sub { s{load_joins}{../load_joins} }),
        'load_by_id.sql', qr/\.\./, qr/same folder/],
    ['an include of itself',
        folder_with('load_joins.sql' => sub { s/\z/\n-- \@include load_joins.sql\n/ }),
        'load_joins.sql', qr/\@include/, qr/include each other/],
    ['a save.sql that is not guarded by the version',
        folder_with('save.sql' => sub { s/\s+AND version = .*//; }),
        'save.sql', undef, qr/:id AND .*:version/],
    ['a save.sql that is not guarded by the id',
        folder_with('save.sql' => sub { s/WHERE id = :id\s+AND /WHERE / }),
        'save.sql', undef, qr/:id AND .*:version/],
    ['a value without its set_ parameter',
        folder_with('save.sql' => sub { s/(udf_string_1 +=) I?IF.*,$/$1 :udf_string_1,/m }),
        'save.sql', undef, qr/:udf_string_1 and :set_udf_string_1/],
    ['a set_ parameter without its value',
        folder_with('save.sql' => sub { s/, :udf_string_1, /, NULL, / }),
        'save.sql', undef, qr/:udf_string_1 and :set_udf_string_1/],
    ['a load statement that does not look for its key',
        folder_with('load_by_id.sql' => sub { s/:id\b/'D0000000000000000000000000000001'/ }),
        'load_by_id.sql', undef, qr/:id\b/],
    ['a result column that is missing',
        folder_with('load_select.sql' => sub { s/'token\.version'/'token.versoin'/ }),
        'load_by_authentication_code.sql', undef, qr/'token\.version'/],
    ['a rule that is missing',
        folder_with('load_select.sql' => sub { s/.*'rule\.identifier_min_digits'.*\n// }),
        'load_by_authentication_code.sql', undef, qr/'rule\.identifier_min_digits'/],
    ['a credential that is saved and not loaded',
        folder_with('load_select.sql' => sub { s/.*'data\.identifier'.*\n// }),
        'load_by_authentication_code.sql', undef, qr/'data\.identifier'/],
    ['a custom field without its type',
        folder_with('custom_fields.sql' => sub { s/'custom_field\.type'/'type'/ }),
        'custom_fields.sql', undef, qr/'custom_field\.type'/],
    ['a sequence without a number', folder_with('next_number.sql' => sub { s/'number'/'n'/ }),
        'next_number.sql', undef, qr/'number'/],
    ['a startup.sql without the version',
        folder_with('startup.sql' => sub { s/'schema\.version'/'version'/ }),
        'startup.sql', undef, qr/'schema\.version'/],
    ['a data column that stands there twice', with_column("token.id AS 'data.number'"),
        undef, undef, qr/'data\.number'/, qr/collides/],
    ['a data column below another', with_column("token.id AS 'data.number.text'"),
        undef, undef, qr/'data\.number(?:\.text)?'/, qr/collides/],
    ['an input column that stands there twice', with_column("token.id AS 'token.version'"),
        undef, undef, qr/'token\.version'/, qr/twice/],
    ['an unknown suffix', with_column("token.id AS 'data.other:integer'"),
        undef, undef, qr/'data\.other:integer'/, qr/:number, :boolean or :json/],
    ['two question marks', with_column("token.id AS 'data.other??'"),
        undef, undef, qr/'data\.other\?\?'/, qr/\?/],
    ['a member without a name', with_column("token.id AS 'data.other..name'"),
        undef, undef, qr/'data\.other\.\.name'/, qr/name/],
    ['the pass code in the reply', with_column("token.pass_code AS 'data.pass_code'"),
        undef, undef, qr/'data\.pass_code'/, qr/secret/],
    ['load statements with other columns', folder_with(
            'other.sql' => sub { $_ = text_of("$shipped/load_select.sql"); s/.*'data\.number'.*\n// },
            'load_by_identifier.sql' => sub { s/load_select/other/ }),
        'load_by_identifier.sql', undef, qr/load_by_authentication_code\.sql/, qr/\@include/],
    ['load statements in another order', folder_with(
            'other.sql' => sub {
                $_ = text_of("$shipped/load_select.sql");
                s/(.*'data\.number'.*\n)(.*\n)/$2$1/;
            },
            'load_by_identifier.sql' => sub { s/load_select/other/ }),
        'load_by_identifier.sql', undef, qr/load_by_authentication_code\.sql/, qr/\@include/],
) {
    my ($name, $folder, $file, $line, @patterns) = @$case;
    unshift @patterns, qr{\Q$folder/$file\E:@{[ line_of($folder, $file, $line) ]}:}
        if defined $line;
    unshift @patterns, qr{\Q$folder/$file\E} if defined $file && !defined $line;
    refused($name, { statements => $folder }, qr/AccessTokenStatements/,
        qr/on line \d+ of .*httpd\.conf/, @patterns);
}

# What fits no directive alone.
my $driver = 'DBDriver ' . { $database->dbd_defaults }->{driver};
my $method = qq(<Location "/other">\nSetHandler access-token-update\n</Location>\n);
for my $case (
    ['no mod_dbd', { without => [qw(dbd authn_dbd)], dbd => undef },
        qr/AccessTokenStatements/, qr/mod_dbd is not loaded/, qr/LoadModule dbd_module/],
    ['no DBDriver', { dbd => undef },
        qr/httpd\.conf:\d+: AccessTokenStatements/, qr/add DBDriver and DBDParams/],
    ['a DBDriver in another virtual host alone',
        { dbd => undef, statements => undef, location => undef,
          conf => "<VirtualHost *>\nServerName a.test\n$driver\n</VirtualHost>\n<VirtualHost *>\n"
            . "ServerName b.test\nAccessTokenStatements $shipped\n$method</VirtualHost>\n" },
        qr/httpd\.conf:\d+: AccessTokenStatements/, qr/add DBDriver and DBDParams/],
    ['no AccessTokenStatements', { statements => undef },
        qr/httpd\.conf:\d+: SetHandler access-token-update/, qr/AccessTokenStatements/],
    ['an AccessTokenStatements in another virtual host alone',
        { statements => undef, location => undef,
          conf => "<VirtualHost *>\nServerName a.test\nAccessTokenStatements $shipped\n"
            . "</VirtualHost>\n<VirtualHost *>\nServerName b.test\n$method</VirtualHost>\n" },
        qr/httpd\.conf:\d+: SetHandler access-token-update/, qr/AccessTokenStatements/],
) {
    my ($name, $options, @patterns) = @$case;
    refused($name, $options, @patterns);
}

# ---- what configtest takes

accepted($_->[0], %{ $_->[1] }) for (
    ['the shipped configuration', { shipped => 1 }],
    ['a relative folder of statements', { statements => undef,
        conf => 'AccessTokenStatements ' . '../' . basename($base->path('.') =~ s{/\.$}{}r)
            . '/' . basename(folder_with()) }],
    ['every directive in a Location', { location_conf => <<"END" }],
AccessTokenStatements $shipped
AccessTokenBodyLimit 1
AccessTokenBodyLimit 67108864
AccessTokenPassCodeScheme yescrypt
AccessTokenPassCodeScheme bcrypt 4
AccessTokenHTTP200 off
AccessTokenUnknownParameters IGNORE
AccessTokenCaller apache
AccessTokenCaller Session Apache
AccessTokenRetryAfter 0
AccessTokenRetryAfter 86400
