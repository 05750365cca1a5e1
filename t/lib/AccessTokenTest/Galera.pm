package AccessTokenTest::Galera;

# Galera nodes of one test: mariadbd processes on ports of 127.0.0.1, each with
# the shipped conf/farm-galera.cnf, its addresses and sizes replaced.
#
#     my $cluster = AccessTokenTest::Galera->new(folder => DIR,
#         srcdir => …, builddir => …);          # three nodes, all synced
#     my ($first) = $cluster->nodes;
#     $first->stop('KILL');
#     $first->start;                            # returns when it is synced
#
# An object of this class is a database as AccessTokenTest's option "database"
# wants one, once "behind" has said where httpd finds it: at a proxy, or a node.
#
# What a node has missed comes from another one's cache (IST). A node that is
# new or was away for too long gets a copy of the other's folder: by a script of
# our own, since Debian's scripts are in mariadb-server, which would be started.

use strict;
use warnings;

use Time::HiRes qw(sleep time);

use AccessTokenTest::File qw(read_text write_text);
use AccessTokenTest::MariaDB;

my $run = \&AccessTokenTest::MariaDB::run;

# new(folder => DIR, srcdir => DIR, builddir => DIR, and
#     nodes => how many (3), settings => { 'name of the cnf file' => value })
sub new {
    my ($class, %options) = @_;
    my $folder = "$options{folder}/galera";
    mkdir $folder or die "$folder: $!\n";
    my $self = bless { %options, folder => $folder }, $class;
    write_text("$folder/wsrep_sst_copy", transfer_script());
    chmod 0755, "$folder/wsrep_sst_copy" or die "wsrep_sst_copy: $!\n";
    my $count = $options{nodes} // 3;
    # Three ports a node, all free at once: for clients, for the group and for
    # the transfer of what a node has missed.
    my @ports = AccessTokenTest::lasting_ports(3 * $count);
    my $peers = join ',', map { "127.0.0.1:$ports[3 * $_ + 1]" } 0 .. $count - 1;
    $self->{nodes} = [map {
        AccessTokenTest::Galera::Node->new(
            cluster => $self, name => 'db' . ($_ + 1), peers => $peers,
            ports => [@ports[3 * $_ .. 3 * $_ + 2]]);
    } 0 .. $count - 1];
    $self->bootstrap;
    $self->make_accounts;
    return $self;
}

sub nodes { @{ $_[0]{nodes} } }

# Starts all nodes, none of which runs: the one with the latest change first.
sub bootstrap {
    my ($self) = @_;
    my %at = map { $_->{name} => $_->position } $self->nodes;
    my ($first, @others) = sort { $at{ $b->{name} } <=> $at{ $a->{name} } }
        $self->nodes;
    $first->allow_bootstrap;
    $first->start('--wsrep-new-cluster');
    $_->launch for @others;
    $_->wait_until_synced for @others;
    return;
}

# The module's account comes by TCP, and HAProxy's asks whether a node is well.
sub make_accounts {
    my ($self) = @_;
    $self->{nodes}[0]->connect('mysql')->do($_) for
        'CREATE DATABASE access_token CHARACTER SET utf8mb4',
        q(CREATE USER 'access_token'@'127.0.0.1' IDENTIFIED BY 'change-this'),
        q(CREATE USER 'haproxy'@'127.0.0.1');
    return;
}

# ---- what AccessTokenTest asks of a database

sub engine { 'mariadb' }
sub sql_folder { 'mysql' }
sub defines { }
sub dbd_defaults { AccessTokenTest::MariaDB->dbd_defaults }

# A handle to the first node that is synced.
sub dbh {
    my ($self) = @_;
    my ($node) = grep { $_->is_synced } $self->nodes;
    return ($node // die "no node of the cluster is synced\n")->dbh;
}

sub load { $_[0]{nodes}[0]->load($_[1]) }

# The rights of the module's account by the script FILE, which knows it by
# another host.
sub grant {
    my ($self, $file) = @_;
    my $text = read_text($file);
    $text =~ s/'access_token'\@'localhost'/'access_token'\@'127.0.0.1'/g
        or die "$file names no account\n";
    write_text("$self->{folder}/grants.sql", $text);
    $self->load("$self->{folder}/grants.sql");
    return;
}

# The cluster as a database that the module finds at PORT, a proxy's or a node's,
# as the shipped my.cnf group says it.
sub behind {
    my ($self, $port) = @_;
    my $text = read_text("$self->{srcdir}/conf/access_token.cnf");
    replace(\$text, qr/^(?=socket = )/m, '#');
    replace(\$text, qr/^#host = .*/m, 'host = 127.0.0.1');
    replace(\$text, qr/^#port = .*/m, "port = $port");
    # There are two of these lines: the one for Galera is a comment.
    replace(\$text, qr/^(?=init-command)/m, '#');
    replace(\$text, qr/^#(?=init-command.*wsrep_sync_wait)/m, '');
    my $home = "$self->{folder}/client-$port";
    mkdir $home or die "$home: $!\n";
    write_text("$home/my.cnf", $text);
    return bless { %$self, home => $home }, ref $self;
}

sub environment { { MARIADB_HOME => $_[0]{home} } }

# ---- files

# replace(\TEXT, PATTERN, BY): a shipped file has what is replaced.
sub replace {
    my ($text, $pattern, $by) = @_;
    $$text =~ s/$pattern/$by/ or die "a shipped file has no $pattern\n";
    return;
}

# The server runs it on both sides. The one that joins prints where the files
# are wanted, and that is what the other gets as its address.
sub transfer_script {
    return <<'END';
#!/bin/sh
# wsrep_sst_copy: one node's files for another on the same machine.
set -e
bypass=
while [ $# -gt 0 ]; do
    case $1 in
        --role) role=$2; shift ;;
        --address) address=$2; shift ;;
        --datadir) data=${2%/}; shift ;;
        --gtid) gtid=$2; shift ;;
        --parent) parent=$2; shift ;;
        --bypass) bypass=yes ;;
    esac
    shift
done
if [ "$role" = joiner ]; then
    rm -rf "$data.transfer" "$data.arrived"
    mkdir "$data.transfer"
    echo "ready $data.transfer"
    while [ ! -e "$data.arrived" ]; do
        kill -0 "$parent" || exit 32
        sleep 0.1
    done
    if [ -e "$data.transfer/ibdata1" ]; then
        # The node has its own files open, and would go on with deleted ones.
        find "$data" -mindepth 1 ! -name grastate.dat ! -name gvwstate.dat \
            ! -name galera.cache -delete
        mv "$data.transfer"/* "$data"
    fi
    rm -r "$data.transfer"
    cat "$data.arrived"
    exit
fi
# From 11.4 on, the server writes an account's name and password there. It gives the
# transfer up if nobody reads them.
cat >/dev/null
state=$gtid
if [ -z "$bypass" ]; then
    rm -f "$data/tables_flushed" "$data/sst_error"
    echo 'flush tables'
    until grep -q : "$data/tables_flushed" 2>/dev/null; do
        [ ! -e "$data/sst_error" ] || exit 255
        sleep 0.1
    done
    state=$(cat "$data/tables_flushed")
    cp -R "$data"/* "$address"
    rm -f "$data/tables_flushed" "$address/tables_flushed" "$address/grastate.dat" \
        "$address/gvwstate.dat" "$address/galera.cache"
fi
echo continue
echo "$state" >"${address%.transfer}.arrived.new"
mv "${address%.transfer}.arrived.new" "${address%.transfer}.arrived"
echo "done $state"
END
}

package AccessTokenTest::Galera::Node;

# One node: an AccessTokenTest::MariaDB that starts in another way.

use strict;
use warnings;

use Time::HiRes qw(sleep time);

use AccessTokenTest::File qw(read_text write_text);

our @ISA = ('AccessTokenTest::MariaDB');

sub new {
    my ($class, %self) = @_;
    my $cluster = $self{cluster};
    my $self = bless \%self, $class;
    # The cluster holds its nodes: no node holds the cluster.
    my $all = delete $self->{cluster};
    my $folder = $self->{folder} = "$all->{folder}/$self->{name}";
    $self->{bin} = $all->{folder};
    $self->{socket} = "$folder/socket";
    mkdir $folder or die "$folder: $!\n";
    $run->('cp', '-R', AccessTokenTest::MariaDB->data_folder($all->{builddir}),
           "$folder/data");
    $self->write_conf("$all->{srcdir}/conf/farm-galera.cnf",
                      $all->{settings} // {});
    return $self;
}

sub port { $_[0]{ports}[0] }
sub name { $_[0]{name} }

# The shipped file with what differs here, and a size for a test.
sub write_conf {
    my ($self, $shipped, $settings) = @_;
    my ($port, $group, $transfer) = @{ $self->{ports} };
    my $text = read_text($shipped);
    my %settings = (
        wsrep_node_name => $self->{name},
        wsrep_node_address => "127.0.0.1:$group",
        bind_address => '127.0.0.1',
        wsrep_cluster_address => "gcomm://$self->{peers}",
        wsrep_sst_method => 'copy',
        %$settings,
    );
    AccessTokenTest::Galera::replace(\$text, qr/^\Q$_\E = .*/m, "$_ = $settings{$_}")
        for sort keys %settings;
    AccessTokenTest::Galera::replace(\$text, qr/\bgcache\.size=\w+/,
        'gcache.size=32M; gcache.page_size=32M; '
        . "gmcast.listen_addr=tcp://127.0.0.1:$group; "
        . "ist.recv_addr=127.0.0.1:$transfer");
    $text .= <<"END";

# ---- what only a test wants
port = $port
socket = $self->{socket}
datadir = $self->{folder}/data
tmpdir = $self->{folder}
pid_file = $self->{folder}/pid
wsrep_sst_receive_address = 127.0.0.1
max_connections = 200
innodb_buffer_pool_size = 16M
innodb_log_file_size = 8M
innodb_data_file_path = ibdata1:12M:autoextend
skip_name_resolve
skip_log_bin
END
    write_text("$self->{folder}/my.cnf", $text);
    return;
}

sub command {
    my ($self, @more) = @_;
    return ('mariadbd', "--defaults-file=$self->{folder}/my.cnf",
            AccessTokenTest::MariaDB::as_root(), @more);
}

# start: returns when the node is synced. launch: at once.
sub start {
    my ($self, @more) = @_;
    $self->launch(@more);
    $self->wait_until_synced;
    return;
}

# As Debian's service does it: the server is asked for its position first, in
# case that it was killed.
sub launch {
    my ($self, @more) = @_;
    push @more, '--wsrep-start-position=' . $self->recovered;
    $self->{process} = AccessTokenTest::Process->start(
        output => "$self->{folder}/log",
        environment => { PATH => "$self->{bin}:$ENV{PATH}" },
        command => [$self->command(@more)]);
    return;
}

sub wait_until_synced {
    my ($self, $seconds) = @_;
    my $until = time + ($seconds // 90);
    until ($self->is_synced) {
        $self->{process}->is_running && time < $until
            or die "$self->{name} is not synced:\n" . $self->log;
        sleep 0.05;
    }
    return;
}

sub is_running { $_[0]{process} && $_[0]{process}->is_running }

# wsrep's word for what the node does: Synced, Joined, Initialized …
sub state {
    my ($self) = @_;
    return 'down' if !$self->is_running;
    my $state = eval { ($self->connect('mysql')->selectrow_array(
        q(SHOW STATUS LIKE 'wsrep_local_state_comment')))[1] };
    return $state // 'not reached';
}

sub status {
    my ($self, $name) = @_;
    return ($self->dbh->selectrow_array('SHOW STATUS LIKE ?', undef, $name))[1] // 0;
}

# All rows of the tables, as one text of bytes.
sub content_of {
    my ($self, @tables) = @_;
    my $dbh = $self->connect;
    $dbh->do('SET SESSION wsrep_sync_wait = 1');
    my $text = join "\n", map {
        my $table = $_;
        map { join '|', $table, map { $_ // 'NULL' } @$_ }
            @{ $dbh->selectall_arrayref("SELECT * FROM $table ORDER BY 1, 2") };
    } @tables;
    utf8::encode($text);
    return $text;
}

sub is_synced { $_[0]->state eq 'Synced' }

# "uuid:seqno" that the data is at, from the data itself.
sub recovered {
    my ($self) = @_;
    my $log = "$self->{folder}/recover.log";
    unlink $log;
    my $process = AccessTokenTest::Process->start(output => $log,
        command => [$self->command('--wsrep-recover', '--disable-log-error')]);
    my $until = time + 60;
    sleep 0.02 while $process->is_running && time < $until;
    my ($position) = read_text($log)
        =~ /WSREP: Recovered position:?\s*(\S+)/
        or die "$self->{name} does not tell its position:\n"
            . read_text($log);
    return $position;
}

# The number of the last change that a node that does not run has. grastate.dat does
# not tell: it is missing after a transfer that failed, and says -1 of a node that was
# killed.
sub position {
    my ($self) = @_;
    return ($self->recovered =~ /:(-?\d+)$/)[0];
}

sub allow_bootstrap {
    my ($self) = @_;
    my $file = "$self->{folder}/data/grastate.dat";
    return if !-e $file;
    my $text = read_text($file);
    $text =~ s/^safe_to_bootstrap:.*/safe_to_bootstrap: 1/m;
    write_text($file, $text);
    return;
}

1;
