# The form of README.md and of the pages in docs/: short lines, tables of contents,
# links, and names of files and directives that exist. No server is started.
use strict;
use warnings;
use utf8;

use Encode qw(decode_utf8);
use File::Basename qw(dirname);
use Test::More;

use AccessTokenTest;
use AccessTokenTest::File qw(source_text source_files);

binmode Test::More->builder->$_, ':utf8' for qw(output failure_output);
my $root = AccessTokenTest::srcdir();

# TEXT without its blocks of code, whose lines become empty.
sub prose_of {
    my ($text) = @_;
    my ($fenced, $blank, $code) = (0, 1, 0);
    return join '', map {
        my $fence = /^```/;
        $fenced = !$fenced if $fence;
        # An indented block begins after an empty line; a list is indented less.
        $code = ($blank || $code) && /^(?: {4}|$)/ && !/^ {4,}[-*] /;
        $blank = /^$/;
        $fence || $fenced || $code ? "\n" : $_;
    } $text =~ /^(.*\n?)/mg;
}

# The anchor of a heading, as GitHub makes it.
sub anchor_of {
    my ($heading) = @_;
    my $anchor = lc $heading;
    $anchor =~ s/[^\w\s-]//g;
    return $anchor =~ s/\s/-/gr;
}

sub headings { $_[0] =~ /^(#+ .+)$/mg }

sub anchors_of {
    my ($prose) = @_;
    my %count;
    return map {
        my $anchor = anchor_of(s/^#+ //r);
        my $number = $count{$anchor}++;
        $number ? "$anchor-$number" : $anchor;
    } headings($prose);
}

my @pages = ('README.md', source_files('docs/*.md'));
my %prose = map { $_ => prose_of(decode_utf8(source_text($_))) } @pages;
my %anchors = map { my $page = $_; $page => { map { $_ => 1 } anchors_of($prose{$page}) } } @pages;

# The directives that the module has.
my %directives = map { $_ => 1 }
    map { decode_utf8(source_text($_)) =~ /AP_INIT_\w+\("(AccessToken\w+)"/g } source_files('mod_access_token/*/*.c');
cmp_ok(scalar keys %directives, '>=', 7, 'the directives are found');

# What "make install" puts beside the pages.
my ($doc_files) = decode_utf8(source_text('Makefile.am')) =~ /^doc_files =((?:.*\\\n)*.*)/m;
my %installed = map { $_ => 1 } grep { /\w/ } split /[\s\\]+/, $doc_files // '';

# What is wrong with the link TARGET of PAGE; nothing if it leads to something here.
sub link_problem {
    my ($page, $target) = @_;
    return if $target =~ m{^https?://};
    my ($file, $anchor) = $target =~ /^([^#]*)(?:#(.*))?$/;
    my $folder = dirname($page);
    my $path = !length $file ? $page : $folder eq '.' ? $file : "$folder/$file";
    1 while $path =~ s{[^/]+/\.\./}{};
    return "$target: no such file" if !-e "$root/$path";
    return "$target: not installed" if !$installed{$path};
    return if !defined $anchor;
    return "$target: not a page" if !$anchors{$path};
    return $anchors{$path}{$anchor} ? () : "$target: no such heading";
}

# The paths that TEXT names and that do not exist. A * stands for any name, and a word in
# capitals for one that the reader chooses.
sub missing_paths {
    my ($text) = @_;
    my @paths = $text =~ m{(?<![\w./-])((?:conf|sql|t|bench|docs|mod_access_token)/[\w./*-]+)}g;
    return grep {
        my $path = s/[.]+\z//r;
        $path !~ m{/[A-Z]+(?:[./]|\z)} && !grep { -e } glob "$root/$path $root/$path.in";
    } @paths;
}

for my $page (@pages) {
    my $text = decode_utf8(source_text($page));
    my @lines = split /\n/, $text, -1;
    pop @lines if !length $lines[-1];
    is_deeply([grep { length $lines[$_ - 1] > 100 } 1 .. @lines], [],
              "$page: no line is longer than 100 columns");
    is_deeply([grep { /\t|[ ]$/ } split /\n/, $prose{$page}], [],
              "$page: no tab, no blank at a line's end");

    my @titles = grep { /^# / } headings($prose{$page});
    is(scalar @titles, 1, "$page: one title");
    my @headings = map { s/^## //r } grep { /^## (?!Contents$)/ } headings($prose{$page});
    my ($start) = split /^## (?!Contents$)/m, $prose{$page};
    my @contents = $start =~ /\[([^\]]+)\]\(#[^)]+\)/g;
    is_deeply(\@contents, \@headings, "$page: the table of contents has the headings")
        if @lines > 100;

    my $plain = $prose{$page} =~ s/`[^`]*`//gr;
    my @links = ($plain =~ /\]\(([^)\s]+)\)/g, $plain =~ /^\[[^\]]+\]: (\S+)/mg);
    is_deeply([map { link_problem($page, $_) } @links], [], "$page: its links lead somewhere");
    is_deeply([grep { !$directives{$_} } $text =~ /\b(AccessToken[A-Z]\w+)/g], [],
              "$page: the directives that it names exist");
    is_deeply([missing_paths($text)], [], "$page: the files that it names exist");
}

for my $name (source_files('conf/*', 'conf/*/*/*', 'sql/*/*.sql', 't/*.t'), 'dev', 'Makefile.am') {
    my @missing = grep { !-e "$root/$_" } decode_utf8(source_text($name)) =~ m{\b(docs/\w+\.md)\b}g;
    is_deeply(\@missing, [], "$name: the pages that it names exist");
}

{
    my @lines = split /\n/, decode_utf8(source_text('README.md'));
    cmp_ok(scalar @lines, '<=', 150, 'README.md is short');
    # What ./dev prints, as far as the README quotes it.
    my ($section) = decode_utf8(source_text('README.md')) =~ /^## Try it\n(.*?)^## /ms;
    my @quoted = grep { !/^\.\/dev/ && /\w/ } $section =~ /^ {4}(.+)$/mg;
    my $dev = decode_utf8(source_text('dev'));
    cmp_ok(scalar @quoted, '>=', 3, 'README.md quotes ./dev');
    is_deeply([grep { index($dev, s/^passed  | \(\d+ s\)$|…$//gr) < 0 } @quoted], [], 'as it is');

    my %linked = map { $_ => 1 } $prose{'README.md'} =~ /\]\((docs\/[^)#]+)\)/g;
    is_deeply([grep { !$linked{$_} } source_files('docs/*')], [], 'README.md links every page of docs/');
    is_deeply([grep { !$installed{$_} } @pages], [], 'Makefile.am installs every page');
}

done_testing;
