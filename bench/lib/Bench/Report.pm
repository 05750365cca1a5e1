package Bench::Report;

# The results as text, which is also Markdown, and as a plot.

use strict;
use warnings;
use utf8;

use File::Path qw(make_path);

use Bench::Measure;

sub new {
    my ($class, $folder) = @_;
    make_path($folder);
    return bless { folder => $folder, text => '', plots => [] }, $class;
}

sub say {
    my ($self, @lines) = @_;
    print map { "$_\n" } @lines;
    $self->{text} .= join '', map { "$_\n" } @lines;
    return;
}

# A table with aligned columns, of rows of cells. The first row is the head.
sub table {
    my ($self, @rows) = @_;
    my @width;
    for my $row (@rows) {
        for my $at (0 .. $#$row) {
            my $length = length $row->[$at];
            $width[$at] = $length if $length > ($width[$at] // 0);
        }
    }
    my @lines = map {
        my $row = $_;
        '| ' . join(' | ', map { pad($row->[$_] // '', $width[$_], $_) } 0 .. $#width) . ' |';
    } @rows;
    my @rule = map { $_ ? '-' x ($width[$_] - 1) . ':' : '-' x $width[0] } 0 .. $#width;
    splice @lines, 1, 0, '| ' . join(' | ', @rule) . ' |';
    $self->say(@lines, '');
    return;
}

sub pad {
    my ($cell, $width, $at) = @_;
    my $blanks = ' ' x ($width - length $cell);
    return $at ? "$blanks$cell" : "$cell$blanks";
}

# ---- figures

sub median {
    my @sorted = sort { $a <=> $b } @_;
    return @sorted % 2 ? $sorted[$#sorted / 2] : ($sorted[$#sorted / 2] + $sorted[@sorted / 2]) / 2;
}

# The median of FIGURE over the rounds of SUBJECT; the median of its ratios to the base over
# the rounds.
sub figure {
    my ($subject, $name) = @_;
    return median(map { $_->{$name} } @{ $subject->{rounds} });
}

sub trips {
    my ($subject, $kind) = @_;
    return median(map { $_->{trips}{$kind} } @{ $subject->{rounds} });
}

sub ratio {
    my ($subject, $name, $base) = @_;
    $base //= $subject->{base} // return undef;
    my @pairs = map { [$subject->{rounds}[$_]{$name}, $base->{rounds}[$_]{$name}] }
        0 .. $#{ $subject->{rounds} };
    return undef if grep { !$_->[1] } @pairs;
    return median(map { $_->[0] / $_->[1] } @pairs);
}

sub cell {
    my ($subject, $name, $format) = @_;
    my $text = sprintf $format, figure($subject, $name);
    my $ratio = $subject->{base} && $subject->{base} != $subject ? ratio($subject, $name) : undef;
    return defined $ratio ? sprintf '%s (%.2f)', $text, $ratio : $text;
}

my @columns = (
    ['calls/s', rate => '%.0f'], ['p50, ms', p50 => '%.1f'], ['p99, ms', p99 => '%.1f'],
    ['server or client, µs', cpu => '%.0f'], ['mariadbd, µs', database => '%.0f'],
    ['memory, MB', memory => '%.0f'],
);

# Calls a second as a ratio to the limit with the same statements.
sub same {
    my ($subject) = @_;
    return $subject->{same} ? sprintf '%.2f', ratio($subject, 'rate', $subject->{same}) : '';
}

# The tables of SUBJECTS. The numbers in parentheses are ratios to the base.
sub subjects {
    my ($self, $title, $note, @subjects) = @_;
    $self->say("## $title", '', $note, '');
    my $has_same = grep { $_->{same} } @subjects;
    $self->table(['', (map { $_->[0] } @columns), $has_same ? 'calls/s ÷ same statements' : ()],
        map { my $subject = $_; [$subject->{name}, (map { cell($subject, @$_[1, 2]) } @columns),
                                 $has_same ? same($subject) : ()] } @subjects);
    $self->say('Round trips for a call, by the counters of the server; switches of threads; µs of wrk; percents of '
        . 'the processors: idle, steal, other programs.', '');
    my @kinds = ((map { $_->[0] } @Bench::Measure::TRIPS), 'question');
    $self->table(
        ['', 'execute', 'prepare', 'ping', 'reset, close', 'begin, commit', 'SET', 'questions', 'switches',
         'wrk, µs', 'idle', 'steal', 'others'],
        map { my $subject = $_;
              [$subject->{name}, (map { sprintf '%.3f', trips($subject, $_) } @kinds),
               (map { $subject->{server} ? sprintf '%.1f', figure($subject, $_) : '' } qw(switches client)),
               map { sprintf '%.1f', 100 * figure($subject, $_) } qw(idle steal others)]
        } grep { $_->{kind} ne 'static' } @subjects);
    push @{ $self->{plots} }, { title => $title, subjects => [grep { $_->{kind} ne 'static' } @subjects] };
    return;
}

# ---- the plot

# One point for each of SUBJECTS, at this number of CLIENTS.
sub point {
    my ($self, $clients, @subjects) = @_;
    for my $subject (grep { $_->{kind} ne 'static' } @subjects) {
        push @{ $self->{names} }, $subject->{name} if !$self->{lines}{ $subject->{name} };
        push @{ $self->{lines}{ $subject->{name} } },
            [$clients, map { figure($subject, $_) } qw(rate p99)];
    }
    return;
}

sub lines {
    my ($self) = @_;
    my @names = @{ $self->{names} // [] } or return '';
    my $data = join '', map {
        my $name = $names[$_];
        join '', "\$line$_ << END\n", (map { "@$_\n" } @{ $self->{lines}{$name} }), "END\n";
    } 0 .. $#names;
    my $plot = sub {
        my ($column) = @_;
        return 'plot ' . join(', ', map {
            "\$line$_ using 1:$column with linespoints title " . quoted($names[$_])
        } 0 .. $#names) . "\n";
    };
    return join '', $data, qq(set title "By concurrent calls"\nset xtics auto\nset logscale x 2\n),
        qq(set key noenhanced above\nset bmargin 4\n),
        qq(set ylabel "calls a second"\n), $plot->(2), qq(set ylabel "99 % within, ms"\n), $plot->(3);
}

sub quoted { '"' . $_[0] =~ s/(["\\])/\\$1/gr . '"' }

sub median_and_ends {
    my @values = sort { $a <=> $b } @_;
    return (median(@values), @values[0, -1]);
}

# A block of data for gnuplot: calls a second, their minimum and maximum; the processor times.
sub block {
    my ($name, $plot) = @_;
    my $at = 0;
    return join '', "\$$name << END\n", (map {
        my $subject = $_;
        my @rates = map { $_->{rate} } @{ $subject->{rounds} };
        join(' ', $at++, quoted($subject->{name}), median_and_ends(@rates),
             map { figure($subject, $_) } qw(cpu database)) . "\n"
    } @{ $plot->{subjects} }), "END\n";
}

sub plot {
    my ($self, $name) = @_;
    my $file = "$self->{folder}/$name.svg";
    my $count = @{ $self->{plots} };
    my $height = $count + ($self->{names} ? 1 : 0) or return undef;
    open my $gnuplot, '|-', 'gnuplot' or die "gnuplot: $!\n";
    binmode $gnuplot, ':utf8';
    print {$gnuplot} map { block("data$_", $self->{plots}[$_]) } 0 .. $count - 1;
    printf {$gnuplot} <<'END', 420 * $height, $file, $height;
set encoding utf8
set terminal svg size 1100,%d font "sans,12" background "white"
set output "%s"
set multiplot layout %d,2
set style fill solid 1.0 border lc "white"
set linetype 1 lc "#4477aa"
set linetype 2 lc "#ee9944"
set key above
set boxwidth 0.7
set xtics rotate by -35 noenhanced
set yrange [0:*]
set grid ytics
set bmargin 9
END
    for my $at (0 .. $count - 1) {
        my $title = quoted($self->{plots}[$at]{title});
        print {$gnuplot} <<"END";
set title $title noenhanced
set ylabel "calls a second: median, least, most"
plot \$data$at using 1:3:xtic(2) with boxes notitle, \\
    "" using 1:4:(0):(\$5-\$4) with vectors nohead lw 2 lc "black" notitle
set ylabel "µs of processor time for a call"
plot \$data$at using 1:(\$6+\$7):xtic(2) with boxes title "mariadbd", \\
    "" using 1:6 with boxes title "server or client"
END
    }
    print {$gnuplot} $self->lines, "unset multiplot\n";
    close $gnuplot or die "gnuplot failed\n";
    return $file;
}

sub write {
    my ($self, $name) = @_;
    my $file = "$self->{folder}/$name.md";
    open my $out, '>:utf8', $file or die "$file: $!\n";
    print {$out} $self->{text};
    close $out or die "$file: $!\n";
    return $file;
}

1;
