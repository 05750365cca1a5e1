# make install and make uninstall: what is there after each.
use strict;
use warnings;

use File::Find qw(find);
use File::Temp ();
use Test::More;

use AccessTokenTest;
use AccessTokenTest::File qw(read_text source_files write_text);

my $folder = File::Temp->newdir('at-XXXXXXXX', TMPDIR => 1);
my $build = AccessTokenTest::builddir();
# Not those of a "make check" that runs this test.
delete @ENV{qw(MAKEFLAGS MFLAGS MAKELEVEL DESTDIR)};

sub make {
    my ($target) = @_;
    my $said = `make -s -C '$build' '$target' 'DESTDIR=$folder/root' 2>&1`;
    is($?, 0, "make $target works") or diag($said);
    return;
}

# All files, or all folders, below the root.
sub there {
    my ($is_wanted) = @_;
    my @there;
    find({ no_chdir => 1, wanted => sub {
        push @there, substr $_, length "$folder/root" if $is_wanted->();
    } }, "$folder/root");
    return sort @there;
}

make('install');
my @files = there(sub { -f });
my ($module) = grep { m{/mod_access_token\.so\z} } @files;
ok($module, 'the module is installed');
my ($data) = map { m{\A(.*)/conf/access_token\.conf\z} } @files;
ok($data, 'and the conf files');
my %there = map { $_ => 1 } @files;
is_deeply([grep { !$there{"$data/$_"} } source_files('conf/*.c??*', 'sql/*/*.sql', 'sql/*/*/*.sql')], [],
          'each of them, and the SQL files');
my ($docs) = map { m{\A(.*)/README\.md\z} } @files;
is_deeply([grep { !$there{"$docs/$_"} } source_files('docs/*.md')], [], 'and the pages that README.md links');
my $load = read_text("$folder/root$data/conf/access_token.load");
like($load, qr/^LoadModule access_token_module \Q$module\E$/m, 'access_token.load has the place of the module');
like($load, qr/^ +Define ACCESS_TOKEN_DATA \Q$data\E$/m, 'and that of the other files');

make('uninstall');
is_deeply([there(sub { -f || -l })], [], 'make uninstall leaves no file');
is_deeply([there(sub { m{/mod_access_token\b} })], [], 'and no folder of the module');

make('install');
write_text("$folder/root$data/sql/mine.sql", "SELECT 1\n");
make('uninstall');
is_deeply([there(sub { -f })], ["$data/sql/mine.sql"], 'a file of the administrator stays');

done_testing;
