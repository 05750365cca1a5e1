package AccessTokenTest::HAProxy;

# HAProxy before the nodes of one test's cluster, by the shipped
# conf/farm-haproxy.cfg as it is.
#
#     my $haproxy = AccessTokenTest::HAProxy->start(folder => DIR,
#         srcdir => …, servers => [PORT, PORT, PORT]);
#     $haproxy->port; $haproxy->servers; $haproxy->reload; $haproxy->stop('KILL');

use strict;
use warnings;

use IO::Socket::UNIX;
use Time::HiRes qw(sleep time);

use AccessTokenTest::Process;

sub start {
    my ($class, %options) = @_;
    my $self = bless { %options, folder => "$options{folder}/haproxy",
                       port => (AccessTokenTest::lasting_ports(1))[0] }, $class;
    mkdir $self->{folder} or die "$self->{folder}: $!\n";
    $self->write_conf;
    $self->run;
    return $self;
}

sub port { $_[0]{port} }
sub pid { $_[0]{process}->pid }

# What Debian's /etc/haproxy/haproxy.cfg would say before the shipped file.
sub write_conf {
    my ($self) = @_;
    open my $file, '>', "$self->{folder}/haproxy.cfg" or die "haproxy.cfg: $!\n";
    print {$file} <<"END";
global
    log stdout format raw local0
    stats socket $self->{folder}/stats level admin expose-fd listeners
    hard-stop-after 10s
defaults
    log global
    option tcplog
    option dontlognull
END
    close $file or die "haproxy.cfg: $!\n";
    return;
}

# Runs it; returns when it takes connections and has judged all nodes. As
# master and worker, as Debian's service does, so that it can be reloaded.
sub run {
    my ($self) = @_;
    my @port = @{ $self->{servers} };
    $self->{process} = AccessTokenTest::Process->start(
        output => "$self->{folder}/log",
        environment => {
            ACCESS_TOKEN_DB_LISTEN => "127.0.0.1:$self->{port}",
            map { ("ACCESS_TOKEN_DB_$_" => "127.0.0.1:$port[$_ - 1]") } 1 .. @port,
        },
        command => ['haproxy', '-W', '-f', "$self->{folder}/haproxy.cfg",
                    '-f', "$self->{srcdir}/conf/farm-haproxy.cfg"]);
    my $until = time + 30;
    until ($self->{process}->is_running && keys %{ $self->servers }) {
        die "HAProxy did not start:\n" . $self->log
            if !$self->{process}->is_running || time > $until;
        sleep 0.05;
    }
    return;
}

# A new worker takes over; the old one ends with its connections, or after
# hard-stop-after.
sub reload {
    my ($self) = @_;
    my $before = scalar(() = $self->log =~ /New worker|Loading success/g);
    $self->{process}->signal('USR2');
    my $until = time + 30;
    until (scalar(() = $self->log =~ /New worker|Loading success/g) > $before) {
        die "HAProxy did not reload:\n" . $self->log if time > $until;
        sleep 0.05;
    }
    return;
}

sub stop {
    my ($self, $signal) = @_;
    $self->{process}->stop($signal) or die "HAProxy did not end\n";
    return;
}

# What it thinks of each node: { db1 => 'UP', db2 => 'DOWN', … }, and how many
# connections lead there: { db1 => 8, db2 => 0, … }. Nothing if it can't be asked.
sub servers { $_[0]->column(17) }
sub connections { $_[0]->column(4) }

sub column {
    my ($self, $number) = @_;
    my %value;
    for my $line (split /\n/, $self->ask('show stat')) {
        my @column = split /,/, $line;
        $value{ $column[1] } = $column[$number]
            if ($column[0] // '') eq 'access_token_db' && $column[1] =~ /^db/;
    }
    return \%value;
}

sub ask {
    my ($self, $command) = @_;
    my $socket = IO::Socket::UNIX->new(Peer => "$self->{folder}/stats",
                                       Timeout => 5) or return '';
    print {$socket} "$command\n";
    return do { local $/; <$socket> } // '';
}

# All but a line for each connection.
sub log {
    my ($self) = @_;
    open my $file, '<', "$self->{folder}/log" or return '';
    return join '', grep { !/^[\d.]+:\d+ \[/ } <$file>;
}

1;
