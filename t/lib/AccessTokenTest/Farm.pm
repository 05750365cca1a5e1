package AccessTokenTest::Farm;

# Two httpds with the module behind one with mod_proxy_balancer, by the shipped
# conf/farm-node.conf and conf/farm-balancer.conf as they are.
#
#     my $farm = AccessTokenTest::Farm->start(database => $cluster);
#     $farm->balancer->post(…); $farm->node(0)->kill_all; …
#     $farm->finish;

use strict;
use warnings;

use AccessTokenTest;

# What the nodes share: the secret for keys that come again.
my $secret = 'a secret that all nodes of the farm have in common';

# start(%options):
#   database   that of all nodes; or databases: one for each. Without, the
#              engine of the test makes one
#   and options of AccessTokenTest->new for that database
sub start {
    my ($class, %options) = @_;
    my $self = bless { nodes => [] }, $class;
    my @ports = AccessTokenTest::lasting_ports(3);
    my $conf = AccessTokenTest::srcdir() . '/conf';
    my @databases = @{ delete $options{databases} // [(delete $options{database}) x 2] };
    for my $number (0, 1) {
        my $node = AccessTokenTest->new(
            %options, shipped => 1, port => $ports[$number],
            log_level => 'notice access_token:info',
            $databases[$number] ? (database => $databases[$number]) : ());
        $databases[1] //= $node->database;
        my $key_file = $node->write_file('request.secret', $secret);
        $node->{options}{conf} = <<"END";
AccessTokenPassCodeScheme md5crypt
Define ACCESS_TOKEN_BALANCERS "127.0.0.1"
Define ACCESS_TOKEN_KEY_FILE "$key_file"
Define ACCESS_TOKEN_DRAIN_FILE "@{[ $node->path('drain') ]}"
Include "$conf/farm-node.conf"
END
        $node->write_conf;
        push @{ $self->{nodes} }, $node;
    }
    $_->run for @{ $self->{nodes} };
    $self->{balancer} = $self->start_balancer(port => $ports[2]);
    return $self;
}

# A balancer for the nodes; with more options of AccessTokenTest->new.
sub start_balancer {
    my ($self, %options) = @_;
    my @ports = map { $_->port } $self->nodes;
    my $conf = AccessTokenTest::srcdir() . '/conf';
    return AccessTokenTest->start(
        %options, database => undef, location => undef,
        modules => [qw(proxy proxy_http slotmem_shm lbmethod_bybusyness
                       proxy_balancer watchdog proxy_hcheck)],
        log_level => 'notice proxy_hcheck:info',
        conf => <<"END");
Define ACCESS_TOKEN_NODE_1 http://127.0.0.1:$ports[0]
Define ACCESS_TOKEN_NODE_2 http://127.0.0.1:$ports[1]
Include "$conf/farm-balancer.conf"
END
}

sub balancer { $_[0]{balancer} }
sub node { $_[0]{nodes}[$_[1]] }
sub nodes { @{ $_[0]{nodes} } }
sub database { $_[0]{nodes}[0]->database }

# How many calls of the method node NUMBER has answered.
sub calls_at {
    my ($self, $number) = @_;
    return scalar(() = $self->node($number)->access_log =~ m{^POST /v4/access}mg);
}

# Returns when node NUMBER answers calls that the balancer gave it; false if it
# does not in SECONDS.
sub wait_for_calls_at {
    my ($self, $number, $seconds) = @_;
    my $before = $self->calls_at($number);
    return $self->node($number)->wait_for(
        sub { $self->calls_at($number) > $before + 5 }, $seconds // 30);
}

sub finish {
    my ($self, $name) = @_;
    $self->{balancer}->finish("$name: the balancer's error log holds what it should");
    $self->node($_)->finish("$name: httpd $_: the error log holds what it should") for 0, 1;
    return;
}

1;
