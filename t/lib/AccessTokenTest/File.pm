package AccessTokenTest::File;

# Functions: whole files, and those of the project by their path in it ("conf/x.conf").

use strict;
use warnings;

use Exporter qw(import);

use AccessTokenTest::Environment qw(srcdir);

our @EXPORT_OK = qw(read_text write_text source_text source_files);

# The bytes of the file PATH.
sub read_text {
    my ($path) = @_;
    open my $file, '<:raw', $path or die "$path: $!\n";
    return do { local $/; <$file> } // '';
}

sub write_text {
    my ($path, $bytes) = @_;
    open my $file, '>:raw', $path or die "$path: $!\n";
    print {$file} $bytes;
    close $file or die "$path: $!\n";
    return;
}

sub source_text { return read_text(srcdir() . "/$_[0]") }

# The paths of the files that match the patterns.
sub source_files {
    my $root = srcdir();
    return map { substr $_, length "$root/" } grep { -f } map { glob "$root/$_" } @_;
}

1;
