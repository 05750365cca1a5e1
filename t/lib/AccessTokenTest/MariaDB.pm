package AccessTokenTest::MariaDB;

# A MariaDB server of one test, that only its socket leads to, and where AT_WAY is
# tcp a port of 127.0.0.1: then the module comes that way, the test by the socket.
#
# A new data folder takes mariadb-install-db half a second; it is made once and
# kept in t/cache of the build folder, and each test copies it.
#
# AccessTokenTest::MySQL is the same for MySQL: what differs between the two is in
# the methods of the section "the programs".

use strict;
use warnings;

use DBI;
use Fcntl qw(:flock);
use File::Path qw(make_path);
use POSIX ();
use Time::HiRes qw(sleep time);

use AccessTokenTest::Process;


# new(folder => DIR, builddir => DIR, srcdir => DIR, options => [more options],
#     user => httpd's user, undef if it is this process's,
#     proxy => true: the module's way to it is a proxy that can break it)
sub new {
    my ($class, %options) = @_;
    my $folder = "$options{folder}/mariadb";
    mkdir $folder, 0750 or die "$folder: $!\n";
    exists $options{user} or die "$class: user is missing\n";
    # Only httpd and this test may pass: the root of the database has no password.
    my $group = defined $options{user} ? (getpwnam $options{user})[3] : -1;
    chown -1, $group, $folder or die "$folder: $!\n";
    my $self = bless {
        folder => $folder,
        socket => "$folder/socket",
        options => $options{options} // [],
    }, $class;
    # One for the server, and one for the proxy before it.
    my $ports = { socket => 0, tcp => 2 }->{ AccessTokenTest::way() }
        // die 'AT_WAY: ' . AccessTokenTest::way() . " is no way to MariaDB\n";
    my @ports = AccessTokenTest::lasting_ports($ports);
    $self->{port} = $ports[0];
    die "$self->{socket} is too long for a socket\n"
        if length $self->{socket} > 103;
    run('cp', '-R', $self->data_folder($options{builddir}), "$folder/data");
    $self->start;
    $self->admin->do($_) for
        'CREATE DATABASE access_token CHARACTER SET utf8mb4',
        q(CREATE USER 'access_token'@'localhost' IDENTIFIED BY 'change-this');
    my ($socket, $port) = ($self->{socket}, $ports[0]);
    if ($options{proxy}) {
        require AccessTokenTest::Proxy;
        ($socket, $port) = ("$folder/proxy", $ports[1]);
        $self->{proxy} = AccessTokenTest::Proxy->start(
            socket => $socket, port => $port, server => $self->{socket},
            output => "$folder/proxy.log");
    }
    $self->write_client_group("$options{srcdir}/conf/access_token.cnf",
        $port ? "host = 127.0.0.1\nport = $port" : "socket = $socket");
    return $self;
}

# ---- the programs

sub engine { 'mariadb' }
sub name { 'MariaDB' }
sub server { 'mariadbd' }
sub client { 'mariadb' }
sub dump { 'mariadb-dump' }

# Options that keep the server small.
sub small {
    return qw(--innodb-buffer-pool-size=16M --innodb-log-file-size=4M
        --innodb-data-file-path=ibdata1:12M:autoextend);
}

# Options of the tests' servers only.
sub options { qw(--skip-log-bin) }

# Makes an empty data folder.
sub make_data {
    my ($class, $folder) = @_;
    run('mariadb-install-db', '--no-defaults', "--datadir=$folder",
        '--auth-root-authentication-method=normal', '--skip-test-db',
        '--skip-name-resolve', '--force', as_root(), $class->small);
    return;
}

# ---- the server

sub sql_folder { 'mysql' }
sub socket { $_[0]{socket} }
sub proxy { $_[0]{proxy} }
sub pid { $_[0]{process} && $_[0]{process}->pid }
sub is_running { $_[0]{process} && $_[0]{process}->is_running }

# The name of an empty data folder, made if it is not there yet.
sub data_folder {
    my ($class, $builddir) = @_;
    my $server = $class->server;
    my ($version) = `$server --no-defaults --version` =~ /Ver (\S+)/
        or die "$server (package mariadb-server-core) is missing\n";
    my $cache = "$builddir/t/cache";
    make_path($cache);
    my $folder = "$cache/" . $class->engine . "-$version";
    open my $lock, '>', "$cache/lock" or die "$cache/lock: $!\n";
    flock $lock, LOCK_EX or die "$cache/lock: $!\n";
    if (!-d $folder) {
        run('rm', '-rf', "$folder.new");
        $class->make_data("$folder.new");
        rename "$folder.new", $folder or die "$folder: $!\n";
    }
    return $folder;
}

sub as_root { $> == 0 ? '--user=root' : () }

# Runs a program to its end; its output is seen only if it fails.
sub run {
    my @command = @_;
    my $pid = open my $output, '-|' // die "fork: $!\n";
    if (!$pid) {
        open STDERR, '>&', \*STDOUT;
        { no warnings 'exec'; exec { $command[0] } @command; }
        print "$!\n";
        POSIX::_exit(127);
    }
    my $text = do { local $/; <$output> } // '';
    # "local" ends before "die": otherwise it would undo the exit status.
    my $ended_well = do { local $?; close $output };
    die "@command failed:\n$text" if !$ended_well;
    return;
}

# Starts the server (again); returns when it answers.
sub start {
    my ($self, @more) = @_;
    $self->{process} = AccessTokenTest::Process->start(
        output => "$self->{folder}/log",
        command => [
            $self->server, '--no-defaults', as_root(), $self->small, $self->options,
            "--datadir=$self->{folder}/data",
            "--socket=$self->{socket}",
            "--pid-file=$self->{folder}/pid",
            "--tmpdir=$self->{folder}",
            qw(--innodb-flush-log-at-trx-commit=2 --max-connections=200),
            # By its name 127.0.0.1 is localhost, for which the account is.
            $self->{port} ? ("--port=$self->{port}", '--bind-address=127.0.0.1')
                          : qw(--skip-networking --skip-name-resolve),
            @{ $self->{options} }, @more,
        ]);
    my $until = time + 60;
    until ($self->answers) {
        $self->{process}->is_running && time < $until
            or die $self->name . " did not start, or it refuses the test:
$@" . $self->log;
        sleep 0.02;
    }
    return;
}

sub answers {
    my ($self) = @_;
    return -S $self->{socket} && eval { $self->connect('mysql'); 1 };
}

# stop, stop('KILL'): as an administrator would, or as a power cut.
sub stop {
    my ($self, $signal) = @_;
    delete $self->{dbh};
    $self->{process}->stop($signal, 60) or die $self->name . " did not end\n";
    return;
}

sub restart {
    my ($self, @more) = @_;
    $self->stop;
    $self->start(@more);
    return;
}

sub log {
    my ($self) = @_;
    open my $file, '<', "$self->{folder}/log" or return '';
    return do { local $/; <$file> } // '';
}

# A handle of its own as root, kept for later calls. Text is characters, both
# ways; VARBINARY columns hold UTF-8 bytes.
sub dbh {
    my ($self) = @_;
    return $self->{dbh}{$$} //= $self->connect;
}

sub connect {
    my ($self, $database) = @_;
    $database //= 'access_token';
    my $dbh = DBI->connect(
        "dbi:MariaDB:database=$database;mariadb_socket=$self->{socket}",
        'root', '', {
            RaiseError => 1,
            PrintError => 0,
            AutoInactiveDestroy => 1,
        });
    # If our own connection is lost, that must be an error.
    $dbh->{mariadb_auto_reconnect} = 0;
    return $dbh;
}

sub admin { $_[0]->connect('mysql') }

# Whether the handle's changes are held to the CHECK constraints.
sub enforce_checks {
    my ($self, $on) = @_;
    $self->dbh->do('SET SESSION check_constraint_checks = ' . ($on ? 1 : 0));
    return;
}

# Runs the SQL script FILE by the client program, which knows DELIMITER.
sub load {
    my ($self, $file) = @_;
    run('sh', '-c', 'exec "$1" --no-defaults --default-character-set=utf8mb4'
        . ' --user=root --socket="$2" access_token <"$3"',
        'sh', $self->client, $self->{socket}, $file);
    return;
}

# The same, as an administrator does it by hand. Returns what it prints, after "failed: "
# if it fails.
sub run_script {
    my ($self, $file) = @_;
    my ($client, $socket) = ($self->client, $self->{socket});
    my $said = `"$client" --no-defaults -N --user=root --socket="$socket" access_token <"$file" 2>&1`;
    return $? ? "failed: $said" : $said;
}

# The rights of the module's account: those of the script FILE, else all.
sub grant {
    my ($self, $file) = @_;
    return $self->load($file) if defined $file;
    $self->admin->do(
        q(GRANT ALL ON access_token.* TO 'access_token'@'localhost'));
    return;
}

# The shipped my.cnf group, with LINES that say where the server is.
sub write_client_group {
    my ($self, $shipped, $lines) = @_;
    open my $in, '<', $shipped or die "$shipped: $!\n";
    my $text = do { local $/; <$in> };
    $text =~ s/^socket = .*/$lines/m
        or die "$shipped has no line socket = …\n";
    open my $out, '>', "$self->{folder}/my.cnf" or die "my.cnf: $!\n";
    print {$out} $text;
    close $out or die "my.cnf: $!\n";
    return;
}

# The client library reads my.cnf from there, besides /etc.
sub environment { { MARIADB_HOME => $_[0]{folder} } }

sub dbd_defaults {
    return (
        driver => 'mysql',
        params => 'dbname=access_token,user=access_token,pass=change-this,group=access_token,'
            . 'flags=CLIENT_FOUND_ROWS,reconnect=0,fldsz=65535',
        min => 4, keep => 4, max => 4, exptime => 300,
    );
}

sub defines { }

1;
