package AccessTokenTest::Environment;

# Functions: the settings of the environment (see AccessTokenTest), and free ports.

use strict;
use warnings;

use Cwd qw(abs_path);
use Exporter qw(import);
use File::Basename qw(dirname);
use IO::Socket::INET;

our @EXPORT_OK = qw($PATH srcdir builddir engine mpm way module_file httpd_program httpd_modules
    httpd_user free_port lasting_ports);

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
