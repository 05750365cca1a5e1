package AccessTokenTest::Client;

# The server's methods that send requests, and functions that read replies.

use strict;
use warnings;

use Exporter qw(import);
use HTTP::Tiny;
use IO::Select;
use IO::Socket::INET;
use JSON::PP ();
use POSIX ();
use Socket qw(IPPROTO_TCP TCP_NODELAY);
use Time::HiRes qw(sleep time);

use AccessTokenTest::Environment qw($PATH);

our @EXPORT_OK = qw(http_client read_all parse_reply outcome);

my $json = JSON::PP->new->utf8->canonical->allow_nonref;

# HTTP::Tiny writes head and body apart; without this the body of each request
# waits about 40 ms for the acknowledgement of its head.
if (my $connect = HTTP::Tiny::Handle->can('connect')) {
    no warnings 'redefine';
    *HTTP::Tiny::Handle::connect = sub {
        my $handle = $connect->(@_);
        setsockopt $handle->{fh}, IPPROTO_TCP, TCP_NODELAY, 1;
        return $handle;
    };
}

sub http_client {
    return HTTP::Tiny->new(keep_alive => 1, timeout => 60, max_redirect => 0, agent => 'test');
}

sub port { $_[0]{port} }
sub url { "http://127.0.0.1:$_[0]{port}" . ($_[1] // $PATH) }

# request(METHOD, PATH, \%headers, CONTENT): a hash of status, reason, headers
# (names in lower case), content (bytes) and, where the reply is JSON, json.
# 599 is HTTP::Tiny's status for no reply at all; content says why.
sub request {
    my ($self, $method, $path, $headers, $content) = @_;
    my %options;
    $headers //= {};
    for my $name (keys %$headers) {
        $options{headers}{ lc $name } = $headers->{$name}
            if defined $headers->{$name};
    }
    $options{content} = $content if defined $content;
    return with_json($self->{http}->request($method, $self->url($path),
                                            \%options));
}

# post(BODY, \%headers, PATH): BODY as it is if it is text (bytes), as JSON if
# it is a reference. A header of undef is not sent.
sub post {
    my ($self, $body, $headers, $path) = @_;
    $body = $json->encode($body) if ref $body;
    $headers //= {};
    my %lower = map { lc $_ => $headers->{$_} } keys %$headers;
    return $self->request('POST', $path // $PATH,
        { 'content-type' => 'application/json', %lower }, $body);
}

sub with_json {
    my ($reply) = @_;
    my $type = $reply->{headers}{'content-type'} // '';
    $reply->{json} = eval { $json->decode($reply->{content}) }
        if $type =~ m{^application/(?:json|problem\+json)\b};
    return $reply;
}

# raw(PIECES, %options): sends bytes as they are, a string or one after the
# other of an array, and reads until the server closes. The reply as of
# request, with "bytes" as they came; no status if there was no reply.
#   pause    seconds between the pieces (0)
#   timeout  seconds that the server has after the last piece (20)
#   close    true: half-close after the last piece; "abort": close and don't
#            read at all
sub raw {
    my ($self, $pieces, %options) = @_;
    my $socket = $self->socket;
    local $SIG{PIPE} = 'IGNORE';
    my $first = 1;
    for my $piece (ref $pieces ? @$pieces : $pieces) {
        sleep $options{pause} if $options{pause} && !$first;
        $first = 0;
        print {$socket} $piece or last;
    }
    my $close = $options{close} // '';
    return {} if $close eq 'abort';
    shutdown $socket, 1 if $close;
    return parse_reply(read_all($socket, $options{timeout} // 20));
}

# A connection that the test writes to; read_all and parse_reply read the reply.
sub socket {
    my ($self) = @_;
    my $socket = IO::Socket::INET->new(
        PeerAddr => '127.0.0.1', PeerPort => $self->{port}, Timeout => 10)
        or die "connect: $!\n";
    $socket->autoflush(1);
    # Pieces that are written separately must arrive separately.
    setsockopt $socket, IPPROTO_TCP, TCP_NODELAY, 1;
    binmode $socket;
    return $socket;
}

sub read_all {
    my ($socket, $timeout) = @_;
    my ($bytes, $until) = ('', time + $timeout);
    my $select = IO::Select->new($socket);
    while ((my $left = $until - time) > 0) {
        $select->can_read($left) or last;
        sysread($socket, $bytes, 65536, length $bytes) or last;
    }
    return $bytes;
}

sub parse_reply {
    my ($bytes) = @_;
    my %reply = (bytes => $bytes, headers => {}, content => '');
    # An interim reply (100 Continue) is not the reply.
    1 while $bytes =~ s{\AHTTP/1\.1 1\d\d .*?\r\n\r\n}{}s;
    my ($head, $content) = split /\r\n\r\n/, $bytes, 2;
    my ($line, @headers) = split /\r\n/, $head // '';
    @reply{qw(status reason)} = ($1, $2)
        if ($line // '') =~ m{^HTTP/1\.[01] (\d\d\d) ?(.*)};
    for (@headers) {
        my ($name, $value) = /^([^:]+):\s*(.*)/ or next;
        $name = lc $name;
        $value = "$reply{headers}{$name}, $value" if $reply{headers}{$name};
        $reply{headers}{$name} = $value;
    }
    $content = unchunk($content // '')
        if ($reply{headers}{'transfer-encoding'} // '') eq 'chunked';
    $reply{content} = $content // '';
    return with_json(\%reply);
}

sub unchunk {
    my ($bytes) = @_;
    my $content = '';
    while ($bytes =~ s/\A([0-9A-Fa-f]+)[^\r\n]*\r\n//) {
        my $length = hex $1 or last;
        $content .= substr $bytes, 0, $length, '';
        $bytes =~ s/\A\r\n//;
    }
    return $content;
}

# The text of a request with BODY, for raw: head, empty line and body.
sub request_text {
    my ($self, $body, %headers) = @_;
    my %all = ('Host' => '127.0.0.1', 'Connection' => 'close',
               'Content-Type' => 'application/json',
               'Content-Length' => length $body, %headers);
    return join "\r\n", "POST $PATH HTTP/1.1",
        (map { "$_: $all{$_}" } grep { defined $all{$_} } sort keys %all),
        '', $body;
}

# in_parallel(COUNT, CODE, SECONDS): runs CODE->(0 … COUNT - 1) all at once, each in a
# process of its own. Returns the list of their results (scalars that JSON can hold; a
# hash with the member "died" for one that died, or did not end in SECONDS, 60 without
# it). All processes have ended then.
sub in_parallel {
    my ($self, $count, $code, $seconds) = @_;
    pipe my $wait, my $go or die "pipe: $!\n";
    my (@children, %reader);
    for my $number (0 .. $count - 1) {
        pipe my $read, my $write or die "pipe: $!\n";
        my $pid = fork // die "fork: $!\n";
        if (!$pid) {
            close $_ for $go, $read;
            $SIG{$_} = 'DEFAULT' for qw(INT TERM HUP);
            sysread $wait, my $byte, 1;
            my $result = eval { $code->($number) } // { died => "$@" };
            print {$write} $json->encode($result);
            close $write;
            POSIX::_exit(0);
        }
        close $write;
        push @children, $pid;
        $reader{$number} = $read;
    }
    close $wait;
    close $go;
    my $until = time + ($seconds // 60);
    my @results = map {
        my $left = $until - time;
        my $text = read_all($reader{$_}, $left > 0 ? $left : 0);
        length $text ? $json->decode($text) : { died => 'no answer in time' };
    } 0 .. $count - 1;
    kill 'KILL', @children;
    local $?;
    waitpid $_, 0 for @children;
    return @results;
}

# A reply in one line: "422 VALIDATION_FAILED /pointer CODE, ...".
sub outcome {
    my ($reply) = @_;
    my $status = $reply->{status} // 'no reply';
    my $body = $reply->{json} // return "$status without JSON";
    my @errors = sort map { "$_->{pointer} $_->{code}" } @{ $body->{errors} // [] };
    my $code = ref $body->{status} ? $body->{status}{code} : $body->{code};
    return @errors ? "$status $code " . join ', ', @errors : "$status $code";
}

1;
