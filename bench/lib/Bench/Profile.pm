package Bench::Profile;

# The processor time of httpd by library and file, with perf (Linux). Its samples show time,
# also that of waiting for memory; numbers of instructions do not.

use strict;
use warnings;

use File::Temp ();
use POSIX ();

use Bench::Measure;

# measure(SUBJECT, SECONDS): the percents of all samples of httpd's processes, by
# library, and by source file of the module.
sub measure {
    my ($subject, $seconds) = @_;
    my $folder = File::Temp->newdir('at-XXXXXXXX', TMPDIR => 1);
    my $file = "$folder/perf";
    my $client = fork // die "fork: $!\n";
    if (!$client) {
        my $done = eval { Bench::Measure::run_wrk($subject, $seconds + 3); 1 };
        print STDERR $@ if !$done;
        POSIX::_exit($done ? 0 : 1);
    }
    sleep 1;
    my $failed = system 'perf', 'record', '--quiet', '--event=cpu-clock', '--freq=999', "--output=$file",
        '--pid=' . join(',', $subject->{server}->children), '--', 'sleep', $seconds;
    waitpid $client, 0;
    die "the calls failed\n" if $?;
    die "perf failed\n" if $failed;
    my %found = (libraries => parse(report($file, 'dso')),
                 files => parse(report($file, 'dso,srcfile', '--dsos=mod_access_token.so')));
    die "perf has found no code of the module\n" if !$found{libraries}{'mod_access_token.so'};
    return \%found;
}

sub report {
    my ($file, $sort, @options) = @_;
    open my $perf, '-|', 'perf', 'report', "--input=$file", '--stdio', '--no-children', '--call-graph=none',
        "--sort=$sort", @options or die "perf: $!\n";
    my @lines = <$perf>;
    close $perf or die "perf report failed\n";
    return @lines;
}

# Lines "  1.23%  library  file", by their last word.
sub parse {
    my %found;
    for my $line (@_) {
        $found{$2} += $1 if $line =~ /^\s+([\d.]+)%\s+(?:\S+\s+)*?(\S+)\s*$/;
    }
    return \%found;
}

1;
