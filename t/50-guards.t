# Files that repeat each other must agree: the C, the shipped conf, the docs, the SQL of both
# databases, the lists of tests. No server is started.
use strict;
use warnings;

use Encode qw(decode_utf8);
use File::Basename qw(basename);
use Test::More;

use AccessTokenTest;
use AccessTokenTest::File qw(source_text source_files);

my @engines = qw(mysql sqlite3);

# Both lists have the same names; MESSAGE names the test.
sub same_names {
    my ($got, $expected, $message) = @_;
    my %got = map { $_ => 1 } @$got;
    my %expected = map { $_ => 1 } @$expected;
    my @wrong = ((map { "missing: $_" } grep { !$got{$_} } sort keys %expected),
                 (map { "unexpected: $_" } grep { !$expected{$_} } sort keys %got));
    ok(!@wrong && %expected, $message) or diag(join "\n", @wrong);
    return;
}

sub unique { my %seen; grep { !$seen{$_}++ } @_ }

my @c_files = source_files('mod_access_token/*/*.[ch]');
my %c = map { $_ => source_text($_) } @c_files;

# ---- rooms

# A room includes only its own headers and those of the rooms after it in this list.
my @rooms = qw(http store config call statements base);
my %floor = map { $rooms[$_] => $#rooms - $_ } 0 .. $#rooms;
my %core = map { $_ => 1 } qw(call statements base);
is_deeply([unique(map { m{/(\w+)/} ? $1 : () } @c_files)], [sort @rooms],
          'mod_access_token has six rooms');
my %home;
for my $name (@c_files) {
    my ($room, $unit) = $name =~ m{/(\w+)/(\w+)\.[ch]$};
    ok(($home{$unit} //= $room) eq $room, "$name: no other room has a file of that name");
}

# A unit is a .c with its .h. It includes the headers of %includes.
my %includes;
for my $name (@c_files) {
    my ($room, $unit) = $name =~ m{/(\w+)/(\w+)\.[ch]$};
    my @local = $c{$name} =~ /^#include "([^"]+)"/mg;
    is_deeply([grep { !/\A(\w+)\.h\z/ || !$home{$1} } @local], [],
              "$name: it includes headers by name, without a folder");
    my @units = grep { $_ ne $unit } map { s/\.h$//r } @local;
    is_deeply([grep { $floor{ $home{$_} } > $floor{$room} } @units], [],
              "$name: no include runs up");
    $includes{$unit}{$_} = 1 for @units;
    is_deeply([$c{$name} =~ /^#include <((?:httpd|http_\w+|ap_\w+|util_\w+|mod_\w+|apr_dbd)\.h)>/mg],
              [], "$name: the core knows neither httpd nor apr_dbd") if $core{$room};
}
# The units that UNIT includes, directly or through others.
sub reached {
    my ($unit) = @_;
    my (%seen, @next);
    @next = keys %{ $includes{$unit} };
    while (defined(my $one = pop @next)) {
        push @next, keys %{ $includes{$one} } if !$seen{$one}++;
    }
    return \%seen;
}
is_deeply([grep { reached($_)->{$_} } sort keys %includes],
          [], 'no circle of includes');

my ($list) = source_text('docs/design.md') =~ /^## Six rooms\n(.*?)^## /ms;
my @listed = $list =~ /^- \*\*`(\w+)\/`\*\* /mg;
is_deeply(\@listed, \@rooms, 'docs/design.md lists the rooms in their order');
for my $room (@rooms) {
    my ($units) = $list =~ /^- \*\*`$room\/`\*\* .*:\n((?:  `.*\n)+)/m;
    same_names([($units // '') =~ /`(\w+)`/g], [grep { $home{$_} eq $room } keys %home],
               "docs/design.md lists every file of $room");
}

# ---- directives

my $config = $c{'mod_access_token/config/at_config.c'};
my %help = $config =~ /AP_INIT_\w+\("(\w+)",\s*\w+,\s*[^,]+,\s*\w+,\s*"((?:[^"]|"\s*")*)"\)/g;
s/"\s*"//g for values %help;
cmp_ok(scalar keys %help, '>=', 7, 'the directives are found in at_config.c');
same_names([keys %help], [unique($config =~ /AP_INIT_\w+\("(\w+)"/g)], 'each with its help');

my $conf = source_text('conf/access_token.conf');
my %default;
my ($directives) = $conf =~ /^# -+ The directives\n(.*?)^# -+ /ms;
for my $block (split /\n{2,}/, $directives // '') {
    my ($name) = $block =~ /^# (AccessToken\w+) /m or next;
    my ($value) = $block =~ /^# Default: ([^;\n]+?)(?:;.*)?$/m;
    $default{$name} = $value // 'missing';
    my ($example) = $block =~ /^#$name (.+)$/m;
    ok(defined $example, "conf: $name is shown as a comment");
    is($example, $default{$name}, "conf: $name is shown with its default")
        if $default{$name} ne 'none';
}
same_names([keys %default], [keys %help], 'conf/access_token.conf explains every directive');
same_names([unique($conf =~ /^\s*#?(AccessToken\w+) \S/mg)], [keys %help],
           'conf/access_token.conf sets directives that exist');
for my $name (sort keys %help) {
    next if ($default{$name} // '') eq 'none';
    my ($value) = $help{$name} =~ /\(default ([^)]+)\)/;
    is($value, $default{$name}, "at_config.c: the help of $name has the default");
}

my $page = source_text('docs/directives.md');
my %row = map { $_->[0] => $_ }
    map { [/^\| `(AccessToken\w+)[^`]*` \| ([^|]+?) \| (\w+) \|/] }
    $page =~ /^(\| `AccessToken.*)$/mg;
same_names([keys %row], [keys %help], 'the tables of docs/directives.md have every directive');
my %place = $config =~ /AP_INIT_\w+\("(\w+)",[^"]*?(\w+),\s*"/g;
for my $name (sort keys %help) {
    is($row{$name}[1], $default{$name}, "docs/directives.md: the default of $name");
    like($row{$name}[2], $place{$name} eq 'PLACES' ? qr/\Aany\z/ : qr/\A(?:host|main)\z/,
         "docs/directives.md: where $name is allowed");
}

# ---- errors

my $errors = $c{'mod_access_token/base/at_error.c'};
my ($code_table) = $errors =~ /codes\[\] = \{\n(.*?)^\};/ms;
my %status = $code_table =~ /\{ "(\w+)", (\d+),/g;
my ($violation_table) = $errors =~ /violation_names\[\] = \{\n(.*?)^\};/ms;
my @violations = $violation_table =~ /"(\w+)"/g;
cmp_ok(scalar keys %status, '>=', 15, 'the codes are found in at_error.c');
cmp_ok(scalar @violations, '>=', 13, 'the violations are found in at_error.c');
my $api = source_text('docs/api.md');
my %told = $api =~ /^\| `([A-Z_]+)` \| (\d{3}) \|/mg;
delete $told{OK};
delete $status{OK};
same_names([map { "$_ $told{$_}" } keys %told], [map { "$_ $status{$_}" } keys %status],
           "the table of docs/api.md has every code with its HTTP status");
same_names([$api =~ /^\| `([A-Z_]+)` \| \D/mg], \@violations,
           'the table of docs/api.md has every violation');

# ---- log messages

my %tagged;
for my $name (sort keys %c) {
    push @{ $tagged{$1} }, $name while $c{$name} =~ /ATLOGNO\("([^"]*)"\)/g;
}
cmp_ok(scalar keys %tagged, '>=', 10, 'tags of messages are found');
is_deeply([grep { @{ $tagged{$_} } > 1 } sort keys %tagged], [], 'each tag is used once');
is_deeply([grep { !/\A\d{3}\z/ } sort keys %tagged], [], 'each tag is a number of three digits');
for my $name (sort keys %c) {
    # The format is the argument after APLOG_MARK, level, status and place.
    my @untagged = grep { !/ATLOGNO/ } $c{$name} =~ /^ *(ap_log_\w+\(APLOG_MARK.*?;)/msg;
    is_deeply([map { /APLOG_(?:TRACE\d|DEBUG)/ ? () : $_ } @untagged], [],
              "$name: every message has a tag") if $c{$name} =~ /ap_log_\w+\(APLOG_MARK/;
}

{
    my $page = source_text('docs/operations.md');
    my %named = (row => [$page =~ /^\| \[AT(\d+)\]\(#at\1\) \|/mg],
                 section => [$page =~ /^### AT(\d+)$/mg]);
    for my $kind (sort keys %named) {
        same_names($named{$kind}, [keys %tagged], "docs/operations.md has a $kind for each tag");
        is_deeply($named{$kind}, [sort(unique(@{ $named{$kind} }))], "each $kind once, in order");
    }
}

# ---- fields

my ($field_table) = $c{'mod_access_token/base/at_field.c'} =~ /fields\[\] = \{\n(.*?)^\};/ms;
my @fields = $field_table =~ /\{ NAME\("(\w+)"\),/g;
cmp_ok(scalar @fields, '>=', 21, 'the fields are found in at_field.c');
{
    my ($body) = $api =~ /^\| member \| type \| what it is \|\n(.*?)^$/ms;
    my @members = map {
        /^\| `(\w+?)(\d)` \N{U+2026} `\w+(\d)` \|/ ? map({ "$1$_" } $2 .. $3) : /^\| `(\w+)` \|/
    } split /\n/, decode_utf8($body);
    same_names(\@members, [qw(token access_token_identifier fields_set), @fields],
               'docs/api.md: the table of members has every field');
}
for my $engine (@engines) {
    my ($table) = source_text("sql/$engine/schema.sql") =~ /^CREATE TABLE access_tokens \((.*?)^\)/ms;
    my %column = map { $_ => 1 } $table =~ /^ +(\w+) +[A-Z]/mg;
    my $save = source_text("sql/$engine/statements/save.sql");
    my $load = source_text("sql/$engine/statements/load_select.sql");
    for my $field (@fields) {
        ok($column{$field}, "sql/$engine: access_tokens has the column $field");
        like($save, qr/^ +$field += I?IF\(:set_$field = '?1'?, (?:CAST\()?:$field\b.*, $field\),$/m,
             "sql/$engine: save.sql sets $field and keeps it");
        my $result = $field eq 'pass_code' ? "'token\\.pass_code'" : "'data\\.$field\\b[^.']*'";
        like($load, qr/\btoken\.$field\b.* AS $result,?$/m, "sql/$engine: $field is loaded");
    }
    my @uniques = $save =~ /^-- \@unique \S+ (\w+)$/mg;
    is_deeply([sort @uniques], [qw(authentication_code idempotency_key identifier version)],
              "sql/$engine: save.sql names each unique key");
}

# ---- the history

# Both histories have every column that a program can change, in the order of the table,
# except for these, which themselves record who changed what and when.
{
    my %bookkeeping = map { $_ => 1 } qw(id version created_date created_by_user_id created_by_unit_id
        updated_date updated_by_user_id updated_by_unit_id request_ids request_key request_digest
        request_expires);
    my %columns;
    for my $engine (@engines) {
        my ($table) = source_text("sql/$engine/schema.sql") =~ /^CREATE TABLE access_tokens \((.*?)^\)/ms;
        my @columns = grep { !$bookkeeping{$_} } $table =~ /^ {4}([a-z]\w*) +[A-Z]/mg;
        my $history = source_text("sql/$engine/history.sql");
        my @told = $engine eq 'mysql' ? $history =~ /SET changed = CONCAT\(changed, ',"(\w+)"'\)/g
            : $history =~ /^ +(?:SELECT |\()'(\w+)'/mg;
        is_deeply(\@told, \@columns, "sql/$engine: history.sql has every column");
        my @mixed = grep {
            my $name = $_;
            grep { $_ ne $name } $engine eq 'mysql'
                ? map { /\b(?:OLD|NEW)\.(\w+)/g } $history =~ /^( +; IF NOT \(.*\b$name\b(?s:.*?))^ +; END IF$/mg
                : map { /\b(?:OLD|NEW)\.(\w+)/g } $history =~ /^( +(?:SELECT |\()'$name'.*)$/mg;
        } @columns;
        is_deeply(\@mixed, [], "sql/$engine: and no column has the name of another");
        my ($own) = $history =~ /^CREATE TABLE access_token_changes \((.*?)^\)/ms;
        $columns{$engine} = [$own =~ /^ {4}([a-z]\w*) +[A-Z]/mg];
    }
    is_deeply($columns{mysql}, $columns{sqlite3}, 'both histories have the same columns');
}

# ---- the statements of both databases

sub without_comments { $_[0] =~ s/--(?! \@).*//gr }
sub parameters { sort(unique($_[0] =~ /(?<![:\w]):([a-z]\w*)/g)) }
sub columns { $_[0] =~ /\bAS\s+'([^']+)'/g }

# A server needs two statements for the next number: raise_number.sql and next_number.sql.
sub statement {
    my ($engine, $file) = @_;
    return join "\n", map { without_comments(source_text("sql/$engine/$_")) }
        $engine eq 'mysql' && $file eq 'statements/next_number.sql' ? 'statements/raise_number.sql' : (), $file;
}

my ($ours, $theirs) = map { my $engine = $_;
    [grep { "$engine/$_" ne 'mysql/statements/raise_number.sql' } map { s{^sql/\w+/}{}r } map { source_files("sql/$engine/$_/*.sql") }
         qw(statements statements/lookups statements-joined statements-without-documents)] } @engines;
same_names($ours, $theirs, 'both databases have the same statement files');
my %shipped = map { $_ => 1 } @$ours;
is_deeply([grep { m{^statements-[\w-]+/(\w+\.sql)$} && !$shipped{"statements/$1"} }
           @$ours], [], 'each file of the other folders replaces one of statements');
for my $file (@$ours) {
    my @texts = map { statement($_, $file) } @engines;
    my @unquoted = map { s/'[^']*'//gr } @texts;
    is_deeply([parameters($unquoted[0])], [parameters($unquoted[1])],
              "$file: the same parameters in both");
    is_deeply([columns($texts[0])], [columns($texts[1])],
              "$file: the same result columns in the same order");
}
{
    my ($mysql, $sqlite) = map { source_text("sql/$_/demo.sql") =~ /^BEGIN;\n(.*)/ms ? $1 : $_ }
        @engines;
    ok($mysql eq $sqlite, 'the demonstration data are the same, word for word');
    my %tables = map { my $engine = $_;
        $engine => { source_text("sql/$engine/schema.sql") =~ /^CREATE TABLE (\w+) \((.*?)^\)/msg } }
        @engines;
    same_names([keys %{ $tables{mysql} }], [keys %{ $tables{sqlite3} }],
               'both schemas have the same tables');
    for my $table (sort keys %{ $tables{mysql} }) {
        my ($one, $other) = map { [$tables{$_}{$table} =~ /^ {4}([a-z]\w*) +[A-Z]/mg] } @engines;
        is_deeply($one, $other, "$table: the same columns in both schemas");
    }
}
{
    my ($version) = $c{'mod_access_token/statements/at_statements.h'} =~ /AT_SCHEMA_VERSION "(\d+)"/;
    like(source_text("sql/$_/schema.sql"),
         qr/INSERT INTO access_token_schema \(version\) VALUES \($version\);/,
         "sql/$_: the schema has the version that the module asks for") for @engines;
}

# ---- the form of the source

for my $name (@c_files) {
    my @lines = split /\n/, decode_utf8($c{$name});
    my @long = grep { length $lines[$_ - 1] > 80 } 1 .. @lines;
    is_deeply(\@long, [], "$name: no line is longer than 80 columns");
    my ($start, @functions);
    for my $number (1 .. @lines) {
        $start = $number if $lines[$number - 1] eq '{';
        next if $lines[$number - 1] ne '}' || !defined $start;
        push @functions, "line $start" if $number - $start + 1 > 40;
        undef $start;
    }
    is_deeply(\@functions, [], "$name: no function is longer than 40 lines");
    unlike($c{$name}, qr/\t|[ \t]$/m, "$name: no tab, no blank at a line's end");
    like($c{$name}, qr/\A\/\* SPDX-License-Identifier: Apache-2\.0 \*\/\n/, "$name: its licence");
}
# Reversed, since this file is checked too.
my $unfinished = join '|', map { scalar reverse } qw(ODOT EMXIF);
for my $name (@c_files, source_files('README.md', 'docs/*', 'CHANGES', 'dev', 'conf/*', 'conf/*/*/*', 'sql/*/*.sql',
                              'sql/*/*/*.sql', 'sql/*/*/*/*.sql', 't/*.t', 't/unit/*.[ch]', 't/lib/*.pm',
                              't/lib/*/*.pm', 'Makefile.am', '*/Makefile.am', 'configure.ac')) {
    unlike(source_text($name), qr/\b(?:$unfinished)\b/, "$name: nothing is unfinished");
}
# A wait by the time of day takes longer when the clock is set back. The time of day is
# read once in each call, for the stored dates.
is_deeply([map { my $name = $_; ($name) x (() = $c{$name} =~ /\bapr_time_now\(\);/g) } @c_files],
          ['mod_access_token/http/at_handler.c'], 'deadlines and intervals do not use the time of day');
for my $name (grep { !/at_shape|at_store_dbd|at_startup|at_store_error|at_unique/ } @c_files) {
    unlike($c{$name}, qr/\b(?:SELECT|UPDATE|INSERT|DELETE) .*\b(?:FROM|SET|INTO)\b/,
           "$name: no SQL");
}

# ---- the version

{
    my ($version) = source_text('configure.ac') =~ /^AC_INIT\(\[mod_access_token\], \[([^\]]+)\]\)/m;
    like(source_text('CHANGES'), qr/\AChanges with mod_access_token \Q$version\E\n/,
         'CHANGES begins with the version of configure.ac');
    is_deeply([grep { $c{$_} =~ /\Q$version\E/ } @c_files], [], 'no source repeats it');
}

# ---- lists of files

my $makefile = source_text('Makefile.am');

# The words of the variable NAME, with the variables in it expanded.
sub listed {
    my ($text, $name) = @_;
    my ($value) = $text =~ /^$name =((?:.*\\\n)*.*)/m;
    return map { /^\$\((\w+)\)$/ ? listed($text, $1) : $_ }
        split ' ', ($value // '') =~ s/\\\n//gr;
}

same_names([listed($makefile, 'http_tests'), listed($makefile, 'text_tests')], [source_files('t/*.t')],
           'Makefile.am lists every test of t/');
my $unit = source_text('t/unit/Makefile.am');
same_names([listed($unit, 'unit_tests')],
           # The other C files of the folder are shared by these.
           [map { basename($_) =~ s/\.c$//r } grep { source_text($_) =~ /^int main\(/m }
            source_files('t/unit/test_*.c')],
           't/unit/Makefile.am lists every unit test');
same_names([listed($makefile, 'sql_files')],
           [source_files('sql/*/*.sql', 'sql/*/*/*.sql', 'sql/*/*/*/*.sql')],
           'Makefile.am installs every SQL file');
same_names([listed($makefile, 'conf_files')], [source_files('conf/*.conf', 'conf/*.cnf', 'conf/*.cfg', 'conf/*/*/*.conf')],
           'Makefile.am installs every conf file');
my %distributed = map { $_ => 1 } listed($makefile, 'EXTRA_DIST');
my @helpers = source_files('t/data/*', 't/data/*/*', 't/data/*/*/*', 't/data/*/*/*/*', 't/lib/*.pm',
                    't/lib/*/*.pm');
is_deeply([grep { !$distributed{$_} } @helpers], [],
          'Makefile.am distributes every file that the tests need');
my $module = source_text('mod_access_token/Makefile.am');
same_names([listed($module, "${_}_sources")],
           [map { s{^mod_access_token/}{}r } source_files("mod_access_token/$_/*.[ch]")],
           "mod_access_token/Makefile.am lists every source of $_") for @rooms;

done_testing;
