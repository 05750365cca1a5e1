package AccessTokenTest::Environment;

# Functions: the settings of the environment (see AccessTokenTest), what this machine lacks,
# and free ports.

use strict;
use warnings;

use Cwd qw(abs_path);
use Exporter qw(import);
use File::Basename qw(dirname);
use IO::Socket::INET;

our @EXPORT_OK = qw($PATH srcdir builddir engine mpm way module_file httpd_program httpd_modules
    httpd_user missing_for need_engine free_port lasting_ports);

our $PATH = '/v4/access_tokens/update';

sub srcdir {
    return $ENV{AT_SRCDIR} // abs_path(dirname(__FILE__) . '/../../..');
}

sub builddir { $ENV{AT_BUILDDIR} // srcdir() }
sub engine { $ENV{AT_ENGINE} || 'sqlite3' }
sub mpm { $ENV{AT_MPM} || 'event' }
sub way { $ENV{AT_WAY} || 'socket' }
sub module_file { builddir() . '/mod_access_token/.libs/mod_access_token.so' }

sub apxs {
    my ($name) = @_;
    my $value = `apxs -q $name`;
    die "apxs -q $name failed\n" if $? != 0;
    chomp $value;
    return $value;
}

sub httpd_program {
    return $ENV{AT_HTTPD} ||= apxs('sbindir') . '/' . apxs('progname');
}

sub httpd_modules { $ENV{AT_HTTPD_MODULES} ||= apxs('LIBEXECDIR') }

# The user of Apache's children if the test runs as root; undef if it does not.
sub httpd_user {
    return undef if $> != 0;
    my ($user) = grep { defined getpwnam $_ }
        qw(www-data apache httpd daemon nobody);
    return $user;
}

# What the tests need on each engine. The packages in brackets are Debian's.
my %needs = (
    sqlite3 => { perl => ['DBD::SQLite', 'libdbd-sqlite3-perl'],
                 driver => ['sqlite3', 'libaprutil1-dbd-sqlite3'],
                 programs => [['sqlite3', 'sqlite3']] },
    mariadb => { perl => ['DBD::MariaDB', 'libdbd-mariadb-perl'],
                 driver => ['mysql', 'libaprutil1-dbd-mysql'],
                 programs => [['mariadbd', 'mariadb-server-core'],
                              ['mariadb-install-db', 'mariadb-server-core'],
                              ['mariadb', 'mariadb-client']] },
    # AccessTokenTest::MySQL brings its programs.
    mysql => { perl => ['DBD::MariaDB', 'libdbd-mariadb-perl'],
               driver => ['mysql', 'libaprutil1-dbd-mysql'], programs => [] },
);

# A list of what this machine lacks for the tests on ENGINE.
sub missing_for {
    my ($engine) = @_;
    my $need = $needs{$engine} // die "AT_ENGINE: $engine is not an engine\n";
    my ($module, $driver) = ($need->{perl}[0], $need->{driver}[0]);
    my @missing;
    push @missing, "the Perl module $module [$need->{perl}[1]]" if !eval "require $module; 1";
    push @missing, "the driver apr_dbd_$driver [$need->{driver}[1]]" if !has_driver($driver);
    for my $program (@{ $need->{programs} }) {
        push @missing, "the program $program->[0] [$program->[1]]"
            if !grep { -x "$_/$program->[0]" } split /:/, $ENV{PATH};
    }
    return @missing;
}

# Whether httpd finds apr_dbd's driver NAME.
sub has_driver {
    my ($name) = @_;
    my ($httpd, $folder) = (httpd_program(), httpd_modules());
    my $load = join ' ', map { qq(-C 'LoadModule ${_}_module "$folder/mod_$_.so"') }
        grep { -e "$folder/mod_$_.so" } 'mpm_' . mpm(), 'dbd';
    return `"$httpd" -t -f /dev/null $load -C 'DBDriver $name' 2>&1` !~ /driver/i;
}

# Ends the test, unless the machine has what it needs on ENGINE: with a failure if AT_ENGINE
# asks for an engine, else as skipped.
sub need_engine {
    my ($engine) = @_;
    my @missing = missing_for($engine) or return;
    my $what = "the tests on $engine need " . join ', ', @missing;
    die "$what\n" if $ENV{AT_ENGINE};
    require Test::More;
    my $builder = Test::More->builder;
    $builder->skip_all($what) if !$builder->current_test;
    $builder->skip($what);
    $builder->done_testing;
    exit 0;
}

# A port of 127.0.0.1 that nothing listens to.
sub free_port {
    my $socket = IO::Socket::INET->new(
        LocalAddr => '127.0.0.1', LocalPort => 0, Listen => 1)
        or die "no free port: $!\n";
    return $socket->sockport;
}

# COUNT ports that are still free after a restart: the system gives none of them to an
# outgoing connection, if it says which ports it gives.
sub lasting_ports {
    my ($count) = @_;
    my ($first, $last) = (15_000, 32_000);
    if (open my $range, '<', '/proc/sys/net/ipv4/ip_local_port_range') {
        my ($lowest) = split ' ', <$range>;
        ($first, $last) = (5_000, $lowest) if $lowest > 10_000;
    }
    my @sockets;
    for (1 .. 100 * $count) {
        last if @sockets == $count;
        my $socket = IO::Socket::INET->new(LocalAddr => '127.0.0.1', Listen => 1,
            LocalPort => $first + int rand($last - $first)) or next;
        push @sockets, $socket;
    }
    die "no free ports\n" if @sockets < $count;
    return map { $_->sockport } @sockets;
}

1;
