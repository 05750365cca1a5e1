# ./dev versions: what it prints for this machine, what a check leaves for it, and what
# it changes in docs/versions.md. No server.
use strict;
use warnings;

use File::Temp ();
use Test::More;

use AccessTokenTest;
use AccessTokenTest::File qw(read_text source_text write_text);

my $folder = File::Temp->newdir('at-XXXXXXXX', TMPDIR => 1, CLEANUP => 1);
my ($dev, $page) = ("$folder/dev", "$folder/docs/versions.md");
mkdir "$folder/docs" or die "$folder/docs: $!\n";
write_text($dev, source_text('dev'));

sub versions {
    my (@options) = @_;
    my $text = `bash '$dev' versions @options`;
    is($?, 0, "./dev versions @options ends well");
    return $text;
}

# As a check does at its end.
sub record {
    my ($command, $failures, @results) = @_;
    my $list = join ' ', map { "'$_'" } @results;
    my $script = qq(. "\$0" >/dev/null; results=($list); failures=$failures; record '$command');
    is(system('bash', '-c', $script, $dev), 0, "./dev $command leaves a record");
    return;
}

my ($httpd) = `@{[AccessTokenTest::httpd_program()]} -v` =~ m{Apache/(\S+)};
my $text = versions();
like($text, qr/\A## \S.*, \w+\n\n- httpd \Q$httpd\E, apr [\d.]+,/, 'the system and the versions');
like($text, qr/^- not checked\n\z/m, 'nothing was checked');
is_deeply([grep { length > 100 } split /\n/, $text], [], 'the lines are short');
my ($heading) = $text =~ /\A(## .*\n)/;

record('build', 0, 'passed  build');
like(versions(), qr/^- \d{4}-\d\d-\d\d, `\.\/dev build`: 1 of 1 parts passed\n\z/m, 'a build');
my @long = map { "t-$_" } 1 .. 40;
record('check', 1, 'passed  one', 'FAILED  sqlite3, event: ' . "@long");
record('check --quick', 0, 'passed  one');
$text = versions();
like($text, qr/^- \S+, `\.\/dev check`: 1 of 2 parts passed\n- failed: sqlite3, event: t-1 t-2 /m,
     'the whole check counts more than others, and the part that failed is named');
like($text =~ s/\s+/ /gr, qr/: @long\z| @long \z/, 'in full');
is_deeply([grep { length > 100 } split /\n/, $text], [], 'the lines are short');

my $before = "# Title\n\nText.\n\n## First, x\n\n- httpd 1.3\n\n";
my $after = "## Last, x\n\n- httpd 2.0\n";
write_text($page, "$before$heading\n- old\n\n$after");
versions('--write');
is(read_text($page), "$before$text\n$after", 'it replaces the section of this system only');
versions('--write');
is(read_text($page), "$before$text\n$after", 'the second time nothing changes');
write_text($page, "$before$heading\n- old\n");
versions('--write');
is(read_text($page), "$before$text", 'the last section');
write_text($page, $after);
versions('--write');
is(read_text($page), "$after\n$text", 'a new section is the last one');

done_testing;
