package Bench::Machine;

# The processor time of the whole machine (Linux): how much of a round it was idle, how much
# the host took (steal), and how much other programs used.

use strict;
use warnings;

use Bench::Measure;

# now(): microseconds since the start of the machine, of all processors together: busy with
# processes, busy with interrupts, idle, steal; and those of this process. Interrupts are
# mostly those of the calls.
sub now {
    my ($line) = Bench::Measure::slurp('/proc/stat') =~ /^cpu +(.*)$/m or die "/proc/stat has no line cpu\n";
    my ($user, $nice, $system, $idle, $wait, $irq, $softirq, $steal)
        = map { $_ * 1_000_000 / Bench::Measure::ticks() } split ' ', $line;
    my ($own_user, $own_system) = times;
    return { busy => $user + $nice + $system, interrupts => $irq + $softirq, idle => $idle + $wait, steal => $steal,
             own => ($own_user + $own_system) * 1_000_000 };
}

# shares(BEFORE, AFTER, KNOWN): idle, steal and others as parts of all processor time between
# two results of now. KNOWN are the microseconds of the programs that are measured.
sub shares {
    my ($before, $after, $known) = @_;
    my %spent = map { $_ => $after->{$_} - $before->{$_} } keys %$before;
    my $all = $spent{busy} + $spent{interrupts} + $spent{idle} + $spent{steal} || 1;
    my $others = $spent{busy} - $spent{own} - $known;
    return (idle => $spent{idle} / $all, steal => $spent{steal} / $all,
            others => $others > 0 ? $others / $all : 0);
}

1;
