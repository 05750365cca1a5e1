package AccessTokenTest::Proxy::Server;

# The process of AccessTokenTest::Proxy, which says what it can do.
#
# One loop over all connections. Each has two sides, "client" and "server", with
# bytes read and not yet looked at ({in}{SIDE}: from it) and bytes to be written
# ({out}{SIDE}: to it). What is read is taken packet by packet.

use strict;
use warnings;

use Errno qw(EAGAIN EINTR);
use IO::Socket::INET;
use IO::Socket::UNIX;
use JSON::PP ();
use List::Util qw(min);
use Socket qw(AF_INET IPPROTO_TCP TCP_NODELAY);
use Time::HiRes qw(time);

my $json = JSON::PP->new->latin1->canonical;

my %command_name = (
    0x01 => 'quit', 0x03 => 'query', 0x0e => 'ping', 0x16 => 'prepare',
    0x17 => 'execute', 0x18 => 'long_data', 0x19 => 'close', 0x1a => 'reset',
);
my %no_reply = map { $_ => 1 } qw(quit long_data close);

# The names of the statements that a step can wait for. The loads have a second
# one by their key.
my @statement_name = (
    [save          => qr/\bUPDATE\s+access_tokens\b/],
    [find_request  => qr/\baccess_token_requests AS request\b/],
    [raise_number  => qr/\bUPDATE\s+access_token_sequences\b/],
    [next_number   => qr/\bLAST_INSERT_ID\(\), 0\)/],
    [custom_fields => qr/\baccess_token_custom_fields AS field\b/],
    [startup       => qr/\bFROM access_token_schema\b/],
    [load          => qr/\baccess_tokens AS token\b/],
);
my $load_key = qr/\b(?:AS token ON|WHERE) token\.(\w+) = /;

# Capabilities of the protocol.
my $CLIENT_MYSQL = 1;
my $CLIENT_COMPRESS = 0x20;
my $CLIENT_SSL = 0x800;
my $CLIENT_DEPRECATE_EOF = 0x1000000;
my $MARIADB_CACHE_METADATA = 0x10;

my $MORE_RESULTS = 8;

# run(SOCKET, SERVER, CONTROL): SOCKET is a file, or a port of 127.0.0.1. Serves until
# it is ended, or its parent has.
sub run {
    my ($class, $socket, $server, $control) = @_;
    $SIG{PIPE} = 'IGNORE';
    $SIG{$_} = 'DEFAULT' for qw(INT TERM HUP);
    my $self = bless {
        socket => $socket, server => $server, parent => getppid,
        connections => [], lines => [], number => 0, plan => [],
        stalled_until => 0, refused_until => 0,
    }, $class;
    $self->begin_report;
    $self->listen;
    $self->{control} = new_listener($control);
    $self->turn while getppid == $self->{parent};
    return;
}

# A socket that others may connect to, at its place once it listens.
sub new_listener {
    my ($path) = @_;
    if ($path =~ /^\d+$/) {
        return IO::Socket::INET->new(LocalAddr => '127.0.0.1', LocalPort => $path,
            Listen => 128, ReuseAddr => 1, Blocking => 0) // die "port $path: $!\n";
    }
    my $new = "$path-new";
    unlink $new;
    my $listener = IO::Socket::UNIX->new(Local => $new, Listen => 128)
        // die "$new: $!\n";
    chmod 0777, $new or die "$new: $!\n";
    $listener->blocking(0);
    rename $new, $path or die "$path: $!\n";
    return $listener;
}

sub listen {
    my ($self) = @_;
    $self->{listener} //= new_listener($self->{socket});
    return;
}

sub begin_report {
    my ($self) = @_;
    $self->{report} = { fired => [], count => {}, changed => 0,
                        accepted => 0, refused => 0, cut => 0 };
    return;
}

# ---- the loop

sub stalled { $_[0]{stalled_until} }

# A copy: it can change while it is walked.
sub connections { @{ $_[0]{connections} } }

# Waits for the next event, and does all that can be done.
sub turn {
    my ($self) = @_;
    $self->do_what_is_due;
    my ($read, $write) = ('', '');
    my @connections = $self->stalled ? () : $self->connections;
    vec($read, fileno $_, 1) = 1
        for $self->{control}, map { $_->{socket} } @{ $self->{lines} };
    vec($read, fileno $self->{listener}, 1) = 1
        if $self->{listener} && !$self->stalled;
    for my $connection (@connections) {
        for my $side (grep { $connection->{$_} } qw(client server)) {
            my $socket = $connection->{$side};
            vec($read, fileno $socket, 1) = 1
                if !$connection->{ended}{$side} && !$connection->{closing};
            vec($write, fileno $socket, 1) = 1
                if length $connection->{out}{$side};
        }
    }
    my $ready = select $read, $write, undef, $self->seconds_to_wait;
    return if $ready <= 0;
    $self->take_line if vec $read, fileno $self->{control}, 1;
    $self->take_client
        if $self->{listener} && vec $read, fileno $self->{listener}, 1;
    for my $connection (@connections) {
        for my $side (grep { $connection->{$_} } qw(client server)) {
            my $number = fileno $connection->{$side};
            read_side($connection, $side) if vec $read, $number, 1;
            write_side($connection, $side) if vec $write, $number, 1;
        }
    }
    $self->advance($_) for @connections;
    # Last: a command of the test applies to the bytes after it, not to those read.
    $self->listen_to($_)
        for grep { vec $read, fileno $_->{socket}, 1 } @{ $self->{lines} };
    return;
}

sub seconds_to_wait {
    my ($self) = @_;
    my @times = grep { $_ } $self->{stalled_until}, $self->{refused_until},
        map { $_->{due} } $self->connections;
    my $first = min(@times, time + 1) - time;
    return $first > 0 ? $first : 0;
}

sub do_what_is_due {
    my ($self) = @_;
    my $now = time;
    if ($self->{stalled_until} && $self->{stalled_until} <= $now) {
        $self->{stalled_until} = 0;
        my $then = delete $self->{after_stall};
        $then->() if $then;
        $self->advance($_) for $self->connections;
    }
    if ($self->{refused_until} && $self->{refused_until} <= $now) {
        $self->{refused_until} = 0;
        $self->listen;
    }
    return if $self->stalled;
    for my $connection ($self->connections) {
        $self->go_on($connection) if $connection->{due} && $connection->{due} <= $now;
    }
    return;
}

sub read_side {
    my ($connection, $side) = @_;
    my $got = sysread $connection->{$side}, $connection->{in}{$side}, 65536,
        length $connection->{in}{$side};
    return if !defined $got && ($! == EAGAIN || $! == EINTR);
    $connection->{ended}{$side} = 1 if !$got;
    return;
}

sub write_side {
    my ($connection, $side) = @_;
    return if !$connection->{$side};
    my $got = syswrite $connection->{$side}, $connection->{out}{$side};
    return if !defined $got && ($! == EAGAIN || $! == EINTR);
    if (!defined $got) {
        # No one is there to read it.
        $connection->{ended}{$side} = 1;
        $got = length $connection->{out}{$side};
    }
    substr $connection->{out}{$side}, 0, $got, '';
    return;
}

# It is written by advance, all at once.
sub send_to {
    my ($connection, $side, $bytes) = @_;
    $connection->{out}{$side} .= $bytes if $connection->{$side};
    return;
}

# ---- connections

sub take_client {
    my ($self) = @_;
    my $client = $self->{listener}->accept or return;
    $client->blocking(0);
    setsockopt $client, IPPROTO_TCP, TCP_NODELAY, 1 if $client->sockdomain == AF_INET;
    my $report = $self->{report};
    $report->{accepted}++;
    my $connection = {
        number => ++$self->{number}, client => $client, capabilities => 0,
        in => { client => '', server => '' },
        out => { client => '', server => '' },
        ended => {}, statements => {},
        command => new_command('connect', ''),
    };
    push @{ $self->{connections} }, $connection;
    $self->match($connection->{command});
    # The greeting comes from the server before the client has said anything.
    $self->reach_by_command($connection, sub {
        my $server = IO::Socket::UNIX->new($self->{server});
        if (!$server) {
            $report->{refused}++;
            return close_both($connection);
        }
        $server->blocking(0);
        $connection->{server} = $server;
    });
    return $self->advance($connection);
}

# No more is read; what is to be written is, and then both sides are closed.
sub close_both { $_[0]{closing} = 1 }

sub cut {
    my ($self, $connection) = @_;
    $self->{report}{cut}++ if !$connection->{closing};
    close_both($connection);
    $self->advance($connection);
    return;
}

sub cut_all {
    my ($self) = @_;
    # Clients that wait to be accepted come first: a client that was cut may connect
    # again at once, and that connection is not to be cut.
    while ($self->{listener} && (my $client = $self->{listener}->accept)) {
        $self->{report}{refused}++;
    }
    $self->cut($_) for $self->connections;
    return;
}

# Takes all packets that may be taken now, and closes what is over.
sub advance {
    my ($self, $connection) = @_;
    my $held = sub { $self->stalled || defined $connection->{waits}
                     || $connection->{parked} || $connection->{closing} };
    while (!$held->()) {
        pass_definitions($connection);
        my $packet = take_packet(\$connection->{in}{server});
        if (defined $packet) {
            $self->take_reply($connection, $packet);
        }
        elsif (may_say_more($connection)
               && defined($packet = take_packet(\$connection->{in}{client}))) {
            $self->take_command($connection, $packet);
        }
        else {
            last;
        }
    }
    for my $side (qw(client server)) {
        write_side($connection, $side) if length $connection->{out}{$side};
    }
    return if $held->() && !$connection->{closing};
    close_both($connection) if grep { $_ } values %{ $connection->{ended} };
    return if !$connection->{closing} || $connection->{closed};
    return if grep { $connection->{$_} && !$connection->{ended}{$_}
                     && length $connection->{out}{$_} } qw(client server);
    $connection->{closed} = 1;
    $self->late_is_over($connection) if $connection->{late};
    delete @$connection{qw(client server waits due then)};
    @{ $self->{connections} } = grep { $_ != $connection } $self->connections;
    return;
}

# A new command waits until the last one is answered. Both sides take part in the
# hand-shake; packets with a number go on with a command.
sub may_say_more {
    my ($connection) = @_;
    my $command = $connection->{command} // return 1;
    my $in = $connection->{in}{client};
    return $command->{name} eq 'connect'
        || length $in > 3 && ord substr($in, 3, 1) != 0;
}

# ---- packets: three bytes of length, one of number

sub take_packet {
    my ($buffer) = @_;
    return undef if length $$buffer < 4;
    my $length = 4 + unpack 'V', substr($$buffer, 0, 3) . "\0";
    return length $$buffer < $length ? undef : substr $$buffer, 0, $length, '';
}

# An integer of 1, 3, 4 or 9 bytes at OFFSET, and what it is followed by.
sub length_at {
    my ($packet, $offset) = @_;
    my $first = ord substr $packet, $offset, 1;
    return ($first, $offset + 1) if $first < 0xfb;
    my $size = { 0xfc => 2, 0xfd => 3, 0xfe => 8 }->{$first} // 0;
    my $bytes = substr($packet, $offset + 1, $size) . "\0" x 8;
    return (unpack('Q<', $bytes), $offset + 1 + $size);
}

sub new_command {
    my ($name, $packet) = @_;
    return { name => $name, names => { $name => 1 }, packet => $packet,
             packets => 0, expects => 'first' };
}

sub take_command {
    my ($self, $connection, $packet) = @_;
    if (my $running = $connection->{command}) {
        read_capabilities($connection, $packet)
            if $running->{name} eq 'connect' && !$running->{answered}++;
        return send_to($connection, 'server', $packet);
    }
    my $byte = ord substr $packet, 4, 1;
    my $command = new_command($command_name{$byte} // sprintf('0x%02x', $byte),
                              $packet);
    $command->{text} = substr $packet, 5
        if $command->{name} =~ /^(?:query|prepare)$/;
    $command->{text} = $connection->{statements}{ unpack 'V', substr $packet, 5, 4 }
        if $command->{name} eq 'execute';
    name_command($command) if $command->{name} =~ /^(?:query|execute)$/;
    $connection->{command} = $command;
    $self->match($command);
    my ($late) = grep { waits_for($_, before => $command) } $self->connections;
    my $go_on = sub {
        $self->reach_by_command($connection, sub { $self->forward($connection) });
    };
    return $late ? $self->park($connection, $late, $go_on) : $go_on->();
}

sub read_capabilities {
    my ($connection, $packet) = @_;
    my $flags = unpack 'V', substr $packet, 4, 4;
    die "a connection is encrypted or compressed: no proxy can look into it\n"
        if $flags & ($CLIENT_SSL | $CLIENT_COMPRESS);
    $connection->{no_eof} = $flags & $CLIENT_DEPRECATE_EOF;
    # MariaDB has its own capabilities where MySQL has a filler.
    $connection->{cache_metadata} = !($flags & $CLIENT_MYSQL)
        && unpack('V', substr $packet, 4 + 28, 4) & $MARIADB_CACHE_METADATA;
    return;
}

sub name_command {
    my ($command) = @_;
    my $text = $command->{text} // return;
    for (@statement_name) {
        my ($name, $pattern) = @$_;
        next if $text !~ $pattern;
        $command->{names}{$name} = 1;
        $command->{names}{"load_by_$1"} = 1 if $name eq 'load' && $text =~ $load_key;
        return;
    }
    return;
}

# Forwards the command of CONNECTION.
sub forward {
    my ($self, $connection, $already) = @_;
    my $command = $connection->{command};
    $self->{report}{count}{$_}++ for keys %{ $command->{names} };
    send_to($connection, 'server', substr $command->{packet}, $already // 0);
    delete $connection->{command} if $no_reply{ $command->{name} };
    return;
}

# A packet from the server, to the client if nothing is in the way.
sub take_reply {
    my ($self, $connection, $packet) = @_;
    my $command = $connection->{command}
        // return send_to($connection, 'client', $packet);
    $command->{packets}++;
    my $is_last = read_reply($connection, $command, $packet);
    my $step = $command->{step};
    if ($is_last) {
        delete $connection->{command};
        $self->{report}{changed} += $command->{changed} // 0
            if $command->{names}{save};
        @{ $step->{fired} }{qw(reply changed packets)} = @$command{qw(reply changed packets)}
            if $step;
    }
    my $at = $step ? $step->{at} : 'none';
    my $is_here = $at eq 'reply' && ($step->{packet} == $command->{packets}
                                     || $step->{packet} == -1 && $is_last);
    if ($at eq 'late') {
        close_both($connection) if $is_last;
        return;
    }
    if ($at eq 'answered') {
        # Kept, since what follows may be to go on.
        $command->{kept} .= $packet;
        my $kept = $command->{kept};
        $self->reach($connection, $step, sub { send_to($connection, 'client', $kept) })
            if $is_last;
        return;
    }
    if ($is_here) {
        my $bytes = $step->{bytes} // int(length($packet) / 2);
        $bytes = min($bytes, length $packet);
        send_to($connection, 'client', substr $packet, 0, $bytes);
        return $self->reach($connection, $step,
            sub { send_to($connection, 'client', substr $packet, $bytes) });
    }
    my $go_on = sub {
        send_to($connection, 'client', $packet);
        $self->reach($connection, $step, sub { }) if $at eq 'replied' && $is_last;
    };
    my ($late) = grep { waits_for($_, after => $command) } $self->connections;
    return $late && $is_last ? $self->park($connection, $late, $go_on) : $go_on->();
}

# A reply may have hundreds of definitions; only the last of them matters.
sub pass_definitions {
    my ($connection) = @_;
    my $command = $connection->{command} // return;
    return if $command->{expects} ne 'definitions' || $command->{step};
    my $in = \$connection->{in}{server};
    my $end = 0;
    while ($command->{left} > 1 && length $$in >= $end + 4) {
        my $next = $end + 4 + unpack 'V', substr($$in, $end, 3) . "\0";
        last if length $$in < $next;
        $end = $next;
        $command->{left}--;
        $command->{packets}++;
    }
    send_to($connection, 'client', substr $$in, 0, $end, '') if $end;
    return;
}

# Whether PACKET is the last of the reply to COMMAND.
sub read_reply {
    my ($connection, $command, $packet) = @_;
    my $first = ord substr $packet, 4, 1;
    my $name = $command->{name};
    my $expects = $command->{expects};
    my $is_eof = $first == 0xfe && length($packet) - 4 < ($connection->{no_eof} ? 0xffffff : 9);

    if ($first == 0xff && $expects ne 'definitions') {
        $command->{reply} = 'error';
        return 1;
    }
    if ($name eq 'connect') {
        # Greeting, requests of the authentication; OK is the end.
        $command->{reply} = 'ok' if $first == 0 && $command->{answered};
        return defined $command->{reply};
    }
    if ($expects eq 'first') {
        if ($name eq 'prepare') {
            my ($id, $columns, $parameters) = unpack 'Vvv', substr $packet, 5, 8;
            $connection->{statements}{$id} = $command->{text};
            $command->{left} = 0;
            for my $count ($parameters, $columns) {
                $command->{left} += $count + ($connection->{no_eof} ? 0 : 1) if $count;
            }
            $command->{expects} = 'definitions';
            $command->{then} = 'nothing';
        }
        elsif ($first == 0 || $name !~ /^(?:query|execute)$/) {
            $command->{reply} = 'ok';
            return 1 if $first != 0 || length $packet < 11;
            my ($changed, $next) = length_at($packet, 5);
            $command->{changed} = $changed if $name =~ /^(?:query|execute)$/;
            (undef, $next) = length_at($packet, $next);
            return !(unpack('v', substr $packet, $next, 2) & $MORE_RESULTS);
        }
        else {
            my ($columns, $next) = length_at($packet, 4);
            my $follow = !$connection->{cache_metadata} || ord substr $packet, $next, 1;
            $command->{left} = ($follow ? $columns : 0) + ($connection->{no_eof} ? 0 : 1);
            $command->{expects} = 'definitions';
            $command->{then} = 'rows';
        }
    }
    elsif ($expects eq 'definitions') {
        $command->{left}--;
    }
    elsif ($is_eof) {
        $command->{reply} = 'ok';
        return 1;
    }
    return 0 if $command->{expects} ne 'definitions' || $command->{left};
    $command->{expects} = $command->{then};
    $command->{reply} = 'ok' if $command->{then} eq 'nothing';
    return $command->{then} eq 'nothing';
}

# ---- the plan

# Gives COMMAND the step that waits for it.
sub match {
    my ($self, $command) = @_;
    my $step = $self->{plan}[0] // return;
    return if !$command->{names}{ $step->{on} };
    return if defined $step->{with} && index($command->{packet}, $step->{with}) < 0;
    return if $step->{skip}-- > 0;
    shift @{ $self->{plan} };
    $step->{fired} = { number => $step->{number} };
    push @{ $self->{report}{fired} }, $step->{fired};
    $command->{step} = $step;
    return;
}

# Points in the command itself. GO_ON forwards it.
sub reach_by_command {
    my ($self, $connection, $go_on) = @_;
    my $command = $connection->{command};
    my $step = $command->{step};
    my $at = $step ? $step->{at} : 'none';
    if ($at eq 'before') {
        $self->reach($connection, $step, $go_on);
    }
    elsif ($at eq 'part') {
        my $bytes = $step->{bytes} // int(length($command->{packet}) / 2);
        $bytes = min($bytes, length($command->{packet}) - 1);
        send_to($connection, 'server', substr $command->{packet}, 0, $bytes);
        $self->reach($connection, $step, sub { $self->forward($connection, $bytes) });
    }
    elsif ($at eq 'sent') {
        $go_on->();
        $self->reach($connection, $step, sub { });
    }
    elsif ($at eq 'late') {
        $self->make_late($connection, $step);
    }
    else {
        $go_on->();
    }
    return;
}

# A connection is at the point of STEP: it waits there, and what follows is done.
sub reach {
    my ($self, $connection, $step, $go_on) = @_;
    my $then = sub {
        $self->refuse($step->{refuse}) if $step->{refuse};
        return $go_on->() if $step->{then} eq 'go_on';
        return $self->cut_all if $step->{then} eq 'cut_all';
        return $self->cut($connection);
    };
    return $then->() if !$step->{wait};
    return $self->stall($step->{wait}, $then) if $step->{all};
    return wait_at($connection, $step, $then);
}

# CONNECTION waits as STEP says, or until release, and then does THEN.
sub wait_at {
    my ($connection, $step, $then) = @_;
    $connection->{waits} = $step->{number};
    $connection->{then} = $then;
    $connection->{due} = time + $step->{wait}
        if $step->{wait} && $step->{wait} ne 'release';
    return;
}

# What CONNECTION waits to do.
sub go_on {
    my ($self, $connection) = @_;
    delete @$connection{qw(waits due)};
    (delete $connection->{then})->();
    return $self->advance($connection);
}

sub stall {
    my ($self, $seconds, $then) = @_;
    $self->{stalled_until} = time + $seconds;
    $self->{after_stall} = $then;
    return;
}

# The way in is gone, and comes back later.
sub refuse {
    my ($self, $seconds) = @_;
    $self->{refused_until} = time + $seconds;
    delete $self->{listener};
    return;
}

# ---- commands that come late

# The client is gone; the command waits.
sub make_late {
    my ($self, $connection, $step) = @_;
    $self->{report}{cut}++;
    $self->refuse($step->{refuse}) if $step->{refuse};
    delete $connection->{client};
    delete $connection->{ended}{client};
    $connection->{in}{client} = '';
    $connection->{late} = { until => $step->{until} };
    wait_at($connection, $step, sub {
        $connection->{late}{sent} = 1;
        $self->forward($connection);
    });
    return;
}

# Whether the late command of CONNECTION is waited for WHEN (before, after)
# COMMAND.
sub waits_for {
    my ($connection, $when, $command) = @_;
    my $late = $connection->{late} // return 0;
    my $until = $late->{until} // return 0;
    return !$late->{sent} && $until->[0] eq $when && $command->{names}{ $until->[1] };
}

# CONNECTION goes on by GO_ON once LATE's command is answered.
sub park {
    my ($self, $connection, $late, $go_on) = @_;
    $connection->{parked} = 1;
    push @{ $late->{late}{parked} }, sub {
        delete $connection->{parked};
        return if $connection->{closing};
        $go_on->();
        $self->advance($connection);
    };
    return $self->go_on($late);
}

sub late_is_over {
    my ($self, $connection) = @_;
    my $late = delete $connection->{late};
    $_->() for @{ $late->{parked} // [] };
    return;
}

# ---- the commands of the test

sub take_line {
    my ($self) = @_;
    my $socket = $self->{control}->accept or return;
    $socket->blocking(1);
    push @{ $self->{lines} }, { socket => $socket, in => '' };
    return;
}

sub listen_to {
    my ($self, $line) = @_;
    if (!sysread $line->{socket}, $line->{in}, 65536, length $line->{in}) {
        @{ $self->{lines} } = grep { $_ != $line } @{ $self->{lines} };
        return;
    }
    while ($line->{in} =~ s/\A(.*)\n//) {
        my $answer = eval { $self->obey(@{ $json->decode($1) }) } // { error => "$@" };
        syswrite $line->{socket}, $json->encode($answer) . "\n";
    }
    return;
}

my %known = map { $_ => 1 } qw(on with skip at bytes packet wait all then refuse until);

sub obey {
    my ($self, $word, @values) = @_;
    if ($word eq 'plan') {
        my $number = 0;
        for my $step (@{ $values[0] }) {
            my ($unknown) = grep { !$known{$_} } sort keys %$step;
            die "a step has no $unknown\n" if defined $unknown;
            $step = { skip => 0, packet => -1, then => 'cut', %$step,
                      number => $number++ };
            die "a step at $step->{at}\n"
                if $step->{at} !~ /^(?:before|part|sent|answered|reply|replied|late)$/;
            die "no step of connect is at $step->{at}\n"
                if $step->{on} eq 'connect' && $step->{at} =~ /^(?:part|answered|late)$/;
            die "then $step->{then}\n" if $step->{then} !~ /^(?:cut|cut_all|go_on)$/;
        }
        $self->{plan} = $values[0];
        $self->begin_report;
    }
    elsif ($word eq 'release') {
        my ($number) = @values;
        $self->go_on($_) for grep { defined $_->{waits}
                                    && (!defined $number || $_->{waits} == $number) }
            $self->connections;
    }
    elsif ($word eq 'cut_all') {
        $self->cut_all;
    }
    elsif ($word eq 'stall') {
        my ($seconds, $then) = @values;
        $self->stall($seconds, $then eq 'cut_all' ? sub { $self->cut_all } : undef);
    }
    elsif ($word eq 'refuse') {
        $self->refuse($values[0]);
    }
    elsif ($word ne 'report') {
        die "$word is no command\n";
    }
    return { %{ $self->{report} }, waiting => scalar @{ $self->{plan} },
             late => scalar(grep { $_->{late} } $self->connections) };
}

1;
