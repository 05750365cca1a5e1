package AccessTokenTest::Log;

# The server's methods for the files of the run and its logs: reading, waiting for a
# line, and the lines that are expected or allowed.

use strict;
use warnings;

use Exporter qw(import);
use Time::HiRes qw(sleep time);

our @EXPORT_OK = qw(first_line);

sub path { "$_[0]{folder}/$_[1]" }

# A file with "secret" in its name is for its owner alone.
sub write_file {
    my ($self, $name, $content) = @_;
    my $path = $self->path($name);
    open my $file, '>:raw', $path or die "$path: $!\n";
    chmod 0600, $path or die "$path: $!\n" if $name =~ /secret/;
    print {$file} $content;
    close $file or die "$path: $!\n";
    return $path;
}

sub read_file {
    my ($self, $name) = @_;
    open my $file, '<:raw', $self->path($name) or return '';
    return do { local $/; <$file> } // '';
}

sub error_log { $_[0]->read_file('error.log') }
sub access_log { $_[0]->read_file('access.log') }
sub output { $_[0]->read_file('output.log') }

# wait_for(CODE, SECONDS): what CODE returns once that is true; false if it never is.
sub wait_for {
    my ($self, $code, $seconds) = @_;
    my $until = time + ($seconds // 10);
    while (1) {
        my $answer = $code->();
        return $answer if $answer || time > $until;
        sleep 0.02;
    }
}

# The first line of the log that matches, as soon as there is one.
sub wait_for_error {
    my ($self, $pattern, $seconds) = @_;
    return $self->wait_for(sub { first_line($pattern, $self->error_log) },
                           $seconds);
}

sub wait_for_access {
    my ($self, $pattern, $seconds) = @_;
    return $self->wait_for(sub { first_line($pattern, $self->access_log) },
                           $seconds);
}

sub first_line {
    my ($pattern, $text) = @_;
    my ($line) = grep { $_ =~ $pattern } split /\n/, $text;
    return $line;
}

# Lines that the error log may have: those of expect_log must be there, those of
# allow_log may. Neither allows a crash.
sub expect_log {
    my ($self, @patterns) = @_;
    push @{ $self->{expected} }, @patterns;
    return;
}

sub allow_log {
    my ($self, @patterns) = @_;
    push @{ $self->{allowed} }, @patterns;
    return;
}

# Lines of level "warn" and above that are neither expected nor allowed, crashes, and
# what is not a line of the log at all: output of a library, a report of a sanitizer.
sub unexpected_lines {
    my ($self) = @_;
    # AH00045: a child that is slow to end is asked again.
    my @right = (@{ $self->{expected} }, @{ $self->{allowed} }, qr/AH00045:/);
    return grep {
        my $line = $_;
        my $level = $line =~ /^\[[^\]]+\] \[\w*:(\w+)\]/ ? $1 : 'none';
        my $is_crash = $line =~ /exit signal/;
        if ($line =~ /child pid (\d+) exit signal (.*)/ && $self->{may_die}{$1}) {
            $is_crash = $2 !~ $self->{may_die}{$1};
        }
        $is_crash
            || $level =~ /^(?:none|warn|error|crit|alert|emerg)$/
                && !grep { $line =~ $_ } @right;
    } grep { length } split /\n/, $self->output . $self->error_log;
}

sub missing_lines {
    my ($self) = @_;
    my $log = $self->error_log;
    return grep { !defined first_line($_, $log) } @{ $self->{expected} };
}

1;
