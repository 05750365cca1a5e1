package AccessTokenTest::Process;

# A program that runs beside the test, as long as its object lives and no
# longer: it ends with the object, with the test, on die and on Ctrl-C.
#
#     my $process = AccessTokenTest::Process->start(
#         command => ['httpd', …], output => $file, environment => {…});
#     $process->pid; $process->is_running; $process->stop;
#
# With code => CODE instead of a command, it is CODE that runs in the process.

use strict;
use warnings;

use IO::Handle;
use POSIX ();
use Scalar::Util qw(weaken);
use Time::HiRes qw(sleep time);

my %running;

$SIG{$_} ||= sub { exit 1 } for qw(INT TERM HUP);

sub start {
    my ($class, %options) = @_;
    my @command = @{ $options{command} // [] };
    my $pid = fork // die "fork: $!\n";
    if (!$pid) {
        # A group of its own, so that stop reaches the children as well.
        POSIX::setpgid(0, 0);
        $SIG{$_} = 'DEFAULT' for qw(INT TERM HUP);
        my $environment = $options{environment} // {};
        @ENV{ keys %$environment } = values %$environment;
        open STDIN,  '<',  '/dev/null';
        open STDOUT, '>>', $options{output};
        open STDERR, '>&', \*STDOUT;
        if ($options{code}) {
            my $ended_well = eval { $options{code}->(); 1 };
            print STDERR $@ if !$ended_well;
            STDERR->flush;
            POSIX::_exit($ended_well ? 0 : 1);
        }
        { no warnings 'exec'; exec { $command[0] } @command; }
        print STDERR "$command[0]: $!\n";
        POSIX::_exit(127);
    }
    my $self = bless { pid => $pid, owner => $$ }, $class;
    weaken($running{$pid} = $self);
    return $self;
}

sub pid { $_[0]{pid} }

# Whether it still runs; after that, exit_status is what waitpid said.
sub is_running {
    my ($self) = @_;
    return 0 if !$self->{pid} || $self->{owner} != $$;
    local ($?, $!);
    return 1 if waitpid($self->{pid}, POSIX::WNOHANG()) == 0;
    $self->{exit_status} = $?;
    delete $running{ $self->{pid} };
    delete $self->{pid};
    return 0;
}

sub exit_status { $_[0]{exit_status} }

sub signal {
    my ($self, $signal) = @_;
    kill $signal, $self->{pid} if $self->is_running;
    return;
}

# Ends it by SIGNAL (TERM); what has not ended SECONDS (20) later is killed, and
# then the answer is false.
sub stop {
    my ($self, $signal, $seconds) = @_;
    return 1 if !$self->is_running;
    my $pid = $self->{pid};
    my $until = time + ($seconds // 20);
    kill $signal // 'TERM', $pid;
    while ($self->is_running) {
        if (time > $until) {
            kill '-KILL', $pid;
            sleep 0.02 while $self->is_running;
            return 0;
        }
        sleep 0.01;
    }
    # Children that a killed parent left behind.
    kill '-KILL', $pid;
    return 1;
}

sub DESTROY {
    my ($self) = @_;
    local ($?, $!, $@);
    $self->stop if $self->{owner} == $$;
    return;
}

END {
    local $?;
    $_->stop for grep { $_ && $_->{owner} == $$ } values %running;
}

1;
