# This test follows docs/schema.md as a reader would: it writes each file, runs each
# command, and compares each reply and each message with the one that the page prints.
#
# The text before a block says what the block is:
#   `NAME`:                      the block is the file NAME
#   In `NAME`: (a diff block)    lines to remove from the file NAME (-) and to add (+)
#   … configtest says:           the output of apachectl configtest
#   … error log says:            lines of the error log, since the section began
#   … says:                      the output of the command above
#   On SQLite …  or  …, on SQLite:    the block is for SQLite only; likewise MariaDB
# It runs sh blocks; an http block is the reply of the call above. Blocks of the
# sections "Reference" and those without a language are for reading. Each sub-section of
# "If your shop is different", "Mistakes" and "Faults" begins with the files and the
# database of the tutorial.
use strict;
use warnings;
use utf8;

use DBI ();
use Encode qw(decode_utf8 encode_utf8);
use Test::More;

use AccessTokenTest;
use AccessTokenTest::File qw(read_text source_text write_text);

binmode $_, ':encoding(UTF-8)' for Test::More->builder->output,
    Test::More->builder->failure_output, Test::More->builder->todo_output;

my $has_server = AccessTokenTest::engine() ne 'sqlite3';
my $page = decode_utf8(source_text('docs/schema.md'));
my $server = AccessTokenTest->new(
    schema => [], statements => undef, location => undef, dbd => undef,
    conf => 'Define ACCESS_TOKEN_DATA "' . AccessTokenTest::datadir() . qq("\nDefine ACCESS_TOKEN_LOGS "."\n)
        . "<VirtualHost *>\nInclude apache2/access_token/*.conf\n</VirtualHost>\n");

# The reader's paths, and those of this test. Nothing else of the page is changed.
my %place = (
    '/etc/shop-api' => $server->path('shop-api'),
    '/etc/apache2' => $server->path('apache2'),
    '/etc/mysql' => $server->path('mariadb'),
    '/var/lib/shop' => $server->path('shop'),
    'http://localhost' => $server->url(''),
    'www-data:' => (AccessTokenTest::httpd_user() // $>) . ':',
);
my $here = $place{'/etc/shop-api'};
mkdir $_ or die "$_: $!\n" for $here, $place{'/etc/apache2'}, "$place{'/etc/apache2'}/access_token",
    $server->path('bin');

# README.md has made the reader copy these files.
write_text("$place{'/etc/apache2'}/access_token/$_", source_text("conf/$_"))
    for 'access_token.conf', 'access_token-' . $server->database->sql_folder . '.conf';

# The helper has written how the client library reaches the server of this test. Here the
# file is as Debian's.
my $way;
if ($has_server) {
    my $cnf = $server->path('mariadb/my.cnf');
    ($way) = read_text($cnf) =~ /^((?:socket|host) = .*\n(?:port = .*\n)?)/m;
    mkdir $server->path('mariadb/conf.d') or die "conf.d: $!\n";
    write_text($cnf, '!includedir ' . $server->path('mariadb/conf.d') . "\n");
}

# Programs that the test must not run on this machine, or that would not find its server.
program('a2enmod', 'exit 0');
program('chown', 'exit 0') if $> != 0;
program('mariadb', 'PATH=${PATH#*:}; exec mariadb --no-defaults --user=root --socket="'
    . $server->database->socket . '" "$@"') if $has_server;
$ENV{PATH} = $server->path('bin') . ":$ENV{PATH}";

sub program {
    my ($name, $script) = @_;
    my $path = $server->path("bin/$name");
    write_text($path, encode_utf8("#!/bin/sh\n$script\n"));
    chmod 0755, $path or die "$path: $!\n";
    return;
}

sub in_our_place {
    my ($text) = @_;
    my $places = join '|', map { quotemeta } sort { length $b <=> length $a } keys %place;
    return $text =~ s/($places)/$place{$1}/gr;
}

# ---- the page

# The blocks of TEXT: line number, language, caption, text, and the headings above.
sub blocks_of {
    my ($text) = @_;
    my (@blocks, %heading, $block);
    my ($number, $caption, $is_over) = (0, '', 1);
    for (split /\n/, $text) {
        $number++;
        if ($block) {
            if ($_ eq '```') { push @blocks, $block; undef $block; $caption = '' }
            else { $block->{text} .= "$_\n" }
        }
        elsif (/^```(\w*)$/) {
            $block = { line => $number, language => $1, caption => $caption, text => '',
                       chapter => $heading{2} // '', section => $heading{3} // '' };
        }
        elsif (/^(##+) (.*)/) {
            $heading{ length $1 } = $2;
            $heading{3} = '' if length $1 == 2;
            $caption = '';
        }
        elsif (!/\S/) { $is_over = 1 }
        else {
            # The caption is a paragraph, or one item of a list.
            $caption = $is_over || /^- / ? $_ : "$caption $_";
            $is_over = 0;
        }
    }
    die "docs/schema.md: a block is not closed\n" if $block;
    return @blocks;
}

my @blocks = blocks_of($page);
my $json = JSON::PP->new;
my (@database, $is_dirty, $said, $log_from, $status);

sub is_for_us {
    my ($block) = @_;
    my $engine = $has_server ? 'SQLite' : 'MariaDB';
    return $block->{caption} !~ /^On $engine\b|\bon $engine:$/ && $block->{section} !~ /\(on $engine\)$/;
}

# ---- following one block

sub file_of {
    my ($name) = @_;
    $name = in_our_place($name);
    return $name =~ m{^/} ? $name : "$here/$name";
}

sub write_block {
    my ($block, $name) = @_;
    my $text = in_our_place($block->{text});
    my $path = file_of($name);
    if ($name =~ /\.cnf$/) {
        $text =~ s/^socket = .*\n/$way/m or die "$name has no socket\n";
        # The file must change this mode, which the module refuses. MySQL has none of these.
        $server->database->admin->do("SET GLOBAL sql_mode = 'EMPTY_STRING_IS_NULL'")
            if $server->database->engine eq 'mariadb';
    }
    write_text($path, encode_utf8($text));
    pass("$block->{at}: $name is written");
    $is_dirty = 1;
    return;
}

# Replaces lines of the file NAME as the diff in BLOCK says. Lines without - or + give
# the place.
sub edit_block {
    my ($block, $name) = @_;
    my $text = decode_utf8(read_text(file_of($name)));
    my ($old, $new) = ('', '');
    for (split /^/, in_our_place($block->{text})) {
        my ($kind, $line) = /^([-+ ])(.*\n)/ or die "$block->{at}: not a line of a diff: $_";
        $old .= $line if $kind ne '+';
        $new .= $line if $kind ne '-';
    }
    my $at = index $text, $old;
    ok($at >= 0 && index($text, $old, $at + 1) < 0, "$block->{at}: $name has these lines once") or return;
    substr $text, $at, length $old, $new;
    write_text(file_of($name), encode_utf8($text));
    $is_dirty = 1;
    return;
}

sub run_shell {
    my ($text) = @_;
    my $script = $server->path('script');
    write_text($script, encode_utf8("cd '$here'\n" . in_our_place($text)));
    $said = decode_utf8(`bash -e "$script" 2>&1`);
    return $? >> 8;
}

# The first program that opens SQLite's file locks it for a moment, and mod_dbd, which opens it
# in several children at once, may log that. Here the test is the first.
sub restart {
    $server->stop;
    my $first = $has_server ? undef
        : DBI->connect("dbi:SQLite:dbname=$place{'/var/lib/shop'}/shop.db", '', '', { RaiseError => 1 });
    $first->selectall_arrayref('SELECT 1 FROM sqlite_master') if $first;
    $server->run;
    $is_dirty = 0;
    return;
}

# The test runs the lines with apachectl itself; the shell runs the others.
sub command_block {
    my ($block) = @_;
    my ($text, $apachectl) = $block->{text} =~ /\A((?:(?!apachectl).*\n)*)((?:apachectl \w+\n)*)\z/
        or die "$block->{at}: lines with apachectl must be the last ones\n";
    restart() if $is_dirty && $text =~ /call\.sh/;
    if ($text =~ /\S/) {
        $status = run_shell($text);
        is($status, 0, "$block->{at}: the commands work") or diag($said);
        push @database, $text if $text =~ /^(?:sqlite3|mariadb) /m && !$block->{section_resets};
    }
    for my $command (split /\n/, $apachectl) {
        if ($command eq 'apachectl configtest') {
            ($status, $said) = $server->configtest;
            is($status, 0, "$block->{at}: configtest finds nothing") or diag($said);
        }
        elsif ($command =~ /^apachectl (?:restart|graceful)$/) { restart() }
        else { die "$block->{at}: $command is not known here\n" }
    }
    return;
}

# The line as a pattern, in which … matches anything.
sub pattern_of {
    my ($line) = @_;
    return join '.*?', map { quotemeta } split / ?… ?/, in_our_place($line), -1;
}

sub has_lines {
    my ($text, $block, $what) = @_;
    for my $line (split /\n/, $block->{text}) {
        my $pattern = pattern_of($line);
        like($text, qr/^$pattern$/m, "$block->{at}: $what: $line");
    }
    return;
}

sub says_block {
    my ($block) = @_;
    if ($block->{caption} =~ /error log says[^:]*:$/) {
        restart() if $is_dirty;
        for my $line (split /\n/, $block->{text}) {
            my $pattern = pattern_of($line);
            # A fault of load.sql is one of the three files that include it.
            $server->allow_log(qr/^${\ ($pattern =~ s{load_by_\w+}{load_by_\\w+}r) }$/);
            ok($server->wait_for(sub { substr($server->error_log, $log_from) =~ /^$pattern$/m }),
               "$block->{at}: the error log: $line") or diag(substr $server->error_log, $log_from);
        }
        return;
    }
    if ($block->{caption} =~ /configtest` says[^:]*:$/) {
        ($status, $said) = $server->configtest;
        isnt($status, 0, "$block->{at}: configtest finds it");
    }
    has_lines($said, $block, 'said is');
    return;
}

# Whether GOT equals WANTED, in which the string … matches any string.
sub same {
    my ($got, $wanted) = @_;
    return defined $got && !ref $got if !ref $wanted && defined $wanted && $wanted eq '…';
    return 0 if ref $got ne ref $wanted || defined $got != defined $wanted;
    if (ref $wanted eq 'HASH') {
        return keys %$got == keys %$wanted
            && !grep { !exists $got->{$_} || !same($got->{$_}, $wanted->{$_}) } keys %$wanted;
    }
    if (ref $wanted eq 'ARRAY') {
        return @$got == @$wanted && !grep { !same($got->[$_], $wanted->[$_]) } 0 .. $#$wanted;
    }
    # 1 is not "1".
    return $json->encode([$got]) eq $json->encode([$wanted]);
}

sub reply_block {
    my ($block) = @_;
    my ($head, $body) = split /\n\n/, $block->{text}, 2;
    my ($first, @headers) = split /\n/, $head;
    # After several calls, the reply of the last one counts.
    my ($last) = $said =~ m{.*^(HTTP/1\.1 .*)}ms;
    my ($got_head, $got_body) = split /\r?\n\r?\n/, $last // '', 2;
    my @got = split /\r?\n/, $got_head // '';
    is($got[0], $first, "$block->{at}: the status") or diag($said);
    for my $header (@headers) {
        ok(scalar(grep { $_ eq $header } @got), "$block->{at}: $header") or diag($got_head);
    }
    if (!grep { /^Idempotency-Replayed/ } @headers) {
        ok(!grep({ /^Idempotency-Replayed/ } @got), "$block->{at}: no replay");
    }
    return if !defined $body;
    my $wanted = $json->decode($body);
    ok(same(eval { $json->decode($got_body) }, $wanted), "$block->{at}: the JSON") or diag($got_body);
    return;
}

sub follow {
    my ($block) = @_;
    my ($language, $caption) = @$block{qw(language caption)};
    $block->{at} = "line $block->{line}";
    my ($is_file, $name) = $caption =~ /^(?:(On \w+, |)|.*)`([^`]+)`(?:, on \w+)?:$/;
    if (defined $is_file) { write_block($block, $name) }
    elsif ($language eq 'sh') { command_block($block) }
    elsif ($language eq 'http') { reply_block($block) }
    elsif ($language eq 'text') { says_block($block) }
    elsif ($language eq 'diff') { edit_block($block, $name) }
    else { die "$block->{at}: the text before the block does not say what it is\n" }
    return;
}

# ---- the tutorial

my @ours = grep { $_->{language} ne '' && $_->{chapter} !~ /^Reference/ && is_for_us($_) } @blocks;
my @tutorial = grep { $_->{chapter} !~ /^(?:If|Mistakes|Faults)/ } @ours;
cmp_ok(scalar @tutorial, '>=', 40, 'the page has a tutorial');
$log_from = 0;
follow($_) for @tutorial;
is_deeply([$server->unexpected_lines], [], 'the error log has no complaint of the tutorial');
if ($has_server) {
    # A field has up to 255 characters, a hash up to 123. save.sql says that phone has 32.
    my $lengths = $server->database->admin->selectcol_arrayref(
        "SELECT CONCAT(COLUMN_NAME, ' ', CHARACTER_MAXIMUM_LENGTH) FROM information_schema.COLUMNS
          WHERE TABLE_SCHEMA = 'shop' AND TABLE_NAME = 'customers'
            AND COLUMN_NAME IN ('card_number', 'email', 'password_hash', 'phone')
            AND CHARACTER_MAXIMUM_LENGTH < 255");
    is_deeply($lengths, ['phone 32'], 'no other column is too short for its field');
}
# The sections below need its files and its database.
Test::More->builder->is_passing or die "the tutorial fails\n";

# ---- variants, mistakes and faults

# The files at the end of the tutorial; the database is made again.
my %file = map { $_ => read_text($_) } grep { -f } glob("$here/* $here/statements/*"),
    glob("$place{'/etc/apache2'}/access_token/*");

sub reset_all {
    $server->stop;
    unlink grep { !exists $file{$_} } glob("$here/statements/*");
    for my $path (sort keys %file) {
        unlink $path;
        write_text($path, $file{$path});
        chmod 0644, $path or die "$path: $!\n";
    }
    if ($has_server) {
        $server->database->admin->do($_) for 'DROP DATABASE shop', 'DROP USER shop_api@localhost';
    }
    else {
        unlink glob $place{'/var/lib/shop'} . '/*';
    }
    for my $text (@database) {
        run_shell($text) == 0 or die "the database could not be made again:\n$said";
    }
    $is_dirty = 1;
    $log_from = length $server->error_log;
    return;
}

$server->database->admin->do('SET GLOBAL sql_mode = DEFAULT') if $has_server;
my %least = ('If your shop is different' => 2, 'Mistakes that are reported' => 6,
             'Faults that nothing reports' => 4);
for my $chapter ('If your shop is different', 'Mistakes that are reported',
                 'Faults that nothing reports') {
    # mod_dbd reports some of the mistakes, too.
    $server->allow_log(qr/\bdbd:(?:error|crit)\b/) if $chapter =~ /^Mistakes/;
    my %seen;
    my @sections = grep { length && !$seen{$_}++ } map { $_->{section} }
        grep { $_->{chapter} eq $chapter } @ours;
    cmp_ok(scalar @sections, '>=', $least{$chapter}, "$chapter: there are some");
    for my $section (@sections) {
        reset_all();
        for my $block (grep { $_->{chapter} eq $chapter && $_->{section} eq $section } @ours) {
            follow({ %$block, section_resets => 1 });
        }
    }
}

# ---- the reference is complete

{
    my ($reference) = $page =~ /^(## Reference.*)/ms;
    my %code = map { $_ => source_text("mod_access_token/statements/at_$_.c") }
        qw(folder column sql plan);
    my %names = (
        parameters => [map { ":$_" } map { /"(\w+)"/g } $code{folder} =~ /_parameters\[\] = \{(.*?)\}/sg,
                       $code{folder} =~ /\[AT_SAVE_FIELDS\] = \{(.*?)\}/s],
        columns => [$code{column} =~ /^ +"(\w+\.\w+)"/mg, $code{column} =~ /"(_\w+)"/g,
                    map { /"([\w.]+)"/g } $code{folder} =~ /_(?:columns|optional)\[\] = \{(.*?)\}/sg],
        types => [$code{plan} =~ /\{ "(:[a-z]+)", AT_LEAF_/g],
        comments => [map { "-- $_" } $code{sql} =~ /"-- (\@[a-z]+)/g],
    );
    is_deeply([sort $reference =~ /`data\.a(:[a-z]+)`/g], [sort @{ $names{types} }, ':document'],
              'and no other types');
    my %least = (parameters => 25, columns => 27, types => 3, comments => 4);
    for my $kind (sort keys %names) {
        cmp_ok(scalar @{ $names{$kind} }, '>=', $least{$kind}, "$kind are found in the code");
        is_deeply([grep { $reference !~ /\Q$_\E\b/ } @{ $names{$kind} }], [], "the reference has all $kind");
    }
}

$server->finish;
done_testing;
