package AccessTokenTest::Proxy;

# A proxy before a MariaDB server that breaks connections as a plan says: after any byte
# of any packet, and at once or later.
#
#     my $proxy = AccessTokenTest::Proxy->start(
#         socket => $its_own, server => $that_of_mariadbd, output => $file);
#     $proxy->plan({ on => 'save', at => 'answered' });
#     … a call …
#     my $report = $proxy->report;
#
# It knows the protocol well enough to see which command of a connection a
# packet belongs to. A plan is a list of steps. The first waits for its command;
# once that has come, on any connection, the second waits, and so on.
#
#   on        connect, ping, query, prepare, execute; or the statement that is
#             executed: save, load (by whatever), load_by_id, find_request,
#             next_number, custom_fields, startup
#   with      text that the command's packet must have in it: a value bound
#   skip      so many such commands pass before (0)
#   at        the point in the command and its reply:
#               before    the server gets nothing of the command
#               part      the server gets some bytes of it
#               sent      the server gets all of it, and the reply is not waited
#                         for: the change is made, or not
#               answered  the reply has come from the server; the client gets
#                         nothing of it
#               reply     the client gets the reply up to and with "bytes" bytes
#                         of its packet number "packet"
#               replied   the client gets all of the reply
#               late      the client's side is cut at once; the server gets the
#                         command later, when the client may have tried again
#   bytes     for part and reply: how many (half of them). With its four bytes of
#             length and number
#   packet    for reply: the number of a packet, from 1; -1 is the last (-1)
#   wait      so many seconds pass at that point before what follows (0); with
#             "release": until release is called
#   all       true: nothing passes on any connection while it waits
#   then      what follows: cut (the connection; so it is without "then"),
#             cut_all, or go_on
#   refuse    so many seconds from then on no new connection is taken (0)
#   until     for late: "before" or "after" another command, as [before =>
#             'load_by_id']: that command waits until the late one is answered,
#             or its answer does. Without: seconds (wait), or until release

use strict;
use warnings;

use IO::Socket::UNIX;
use JSON::PP ();
use Time::HiRes qw(sleep time);

use AccessTokenTest::Process;

my $json = JSON::PP->new->latin1->canonical;

# start(socket => FILE, server => FILE, output => FILE); with port => NUMBER clients
# connect to that port of 127.0.0.1 instead of the socket.
sub start {
    my ($class, %options) = @_;
    my $self = bless {
        socket => $options{socket},
        port => $options{port},
        control => "$options{socket}-control",
    }, $class;
    my $lib = __FILE__ =~ s{/AccessTokenTest/Proxy\.pm\z}{}r;
    $self->{process} = AccessTokenTest::Process->start(
        output => $options{output},
        command => [$^X, "-I$lib", '-MAccessTokenTest::Proxy::Server', '-e',
                    'AccessTokenTest::Proxy::Server->run(@ARGV)',
                    $self->{port} // $self->{socket}, $options{server}, $self->{control}]);
    my $until = time + 30;
    until (-S $self->{control} && eval { $self->report }) {
        $self->{process}->is_running && time < $until
            or die "the proxy did not start: see $options{output}\n";
        sleep 0.02;
    }
    return $self;
}

# The address of the proxy, as DBI takes it.
sub place {
    my ($self) = @_;
    return defined $self->{port} ? "host=127.0.0.1;port=$self->{port}"
                                 : "mariadb_socket=$self->{socket}";
}

sub pid { $_[0]{process}->pid }
sub stop { $_[0]{process}->stop }

# plan(STEPS): replaces the plan and empties the report.
sub plan {
    my ($self, @steps) = @_;
    return $self->tell(plan => \@steps);
}

# What has happened since the last plan:
#   fired     the steps that were, in order: each its number (from 0); and where
#             the server's reply was seen, what it was (reply: ok, error), the
#             number of rows that it tells (changed), and of its packets
#   waiting   how many steps are left
#   late      how many late commands the server has yet to get or to answer
#   count     how many commands of each name the server got whole
#   changed   how many rows the saves have changed, as far as replies were seen
#   accepted, refused, cut  connections
sub report { $_[0]->tell('report') }

# The report once CODE, which gets it, says true of it; the last one if never.
sub wait_for {
    my ($self, $code, $seconds) = @_;
    my $until = time + ($seconds // 10);
    while (1) {
        my $report = $self->report;
        return $report if $code->($report) || time > $until;
        sleep 0.01;
    }
}

# release, release(NUMBER): all connections that wait, or those at the step of
# that number, go on.
sub release { my $self = shift; $self->tell('release', @_) }

# cut_all: all connections, now.
sub cut_all { $_[0]->tell('cut_all') }

# stall(SECONDS, THEN): nothing passes, and then go_on or cut_all (go_on).
sub stall {
    my ($self, $seconds, $then) = @_;
    return $self->tell(stall => $seconds, $then // 'go_on');
}

# refuse(SECONDS): no new connection is taken; 0 ends that.
sub refuse { $_[0]->tell(refuse => $_[1]) }

# Says COMMAND to the proxy, and returns what it answers. A process of its own
# has a line of its own.
sub tell {
    my ($self, @command) = @_;
    my $line = $self->{line}{$$} //= IO::Socket::UNIX->new($self->{control})
        // die "the proxy is gone: $!\n";
    local $SIG{PIPE} = 'IGNORE';
    $line->autoflush(1);
    print {$line} $json->encode(\@command), "\n";
    my $answer = <$line> // die "the proxy has ended\n";
    $answer = $json->decode($answer);
    die "the proxy: $answer->{error}\n" if $answer->{error};
    return $answer;
}

1;
