# More calls than the threads of a child process: those that wait for a connection to the
# database leave threads to other requests, and under the event MPM no request on a kept
# connection is lost.
use strict;
use warnings;

use Test::More;
use Time::HiRes qw(sleep time);

use AccessTokenTest;

plan skip_all => 'under prefork a child has one call at a time' if AccessTokenTest::mpm() eq 'prefork';

my $has_server = AccessTokenTest::engine() ne 'sqlite3';
my $is_event = AccessTokenTest::mpm() eq 'event';
# Those of one_child_conf, and how many calls may wait long.
my ($threads, $places) = (32, 28);

my $server = AccessTokenTest->start(
    $has_server ? (dbd => { init_sql => 'SET SESSION lock_wait_timeout = 1' }) : (), conf => AccessTokenTest::one_child_conf() . <<'END');
AccessTokenRetryBudget 30s
AccessTokenConnectionWait 30s
AccessTokenRetryAfter 7
KeepAliveTimeout 60
<Location "/status">
    SetHandler server-status
</Location>
END

sub body {
    my ($text) = @_;
    return JSON::PP->new->encode({ token => 'demo-session-clerk', udf_string_1 => $text,
        access_token_identifier => { authentication_code => 'demo-card' } });
}

# Keeps all others from changing access tokens. Returns the code that ends this.
sub hold {
    my $other = $server->database->connect;
    $has_server ? $other->do('LOCK TABLES access_tokens WRITE') : $other->do('BEGIN IMMEDIATE');
    return sub { $other->do($has_server ? 'UNLOCK TABLES' : 'ROLLBACK') };
}

# Writes a request to SOCKET and reads the answer; no status if there is none.
sub ask {
    my ($socket, $text) = @_;
    local $SIG{PIPE} = 'IGNORE';
    print {$socket} $text;
    my ($bytes, $until) = ('', time + 20);
    while (time < $until) {
        my $reply = AccessTokenTest::parse_reply($bytes);
        my $length = $reply->{headers}{'content-length'};
        return $reply if defined $length && length $reply->{content} >= $length;
        IO::Select->new($socket)->can_read($until - time)
            && sysread($socket, $bytes, 65536, length $bytes) or last;
    }
    return {};
}

sub page { "GET /index.html HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n" }
sub call { $server->request_text(body($_[0]), Connection => undef) }

# How many requests are carried out, with the one that this sends.
sub under_way {
    my $reply = ask($server->socket, "GET /status?auto HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n");
    my ($threads_of_all) = ($reply->{content} // '') =~ /^Scoreboard: (.*)/m;
    return ($threads_of_all // '') =~ tr/W//;
}

# ---- a queue that stalls

{
    # Under worker each of these has a thread, and so has the one of the start.
    $server->{http} = AccessTokenTest::http_client();
    my @kept = map { $server->socket } 1 .. ($is_event ? 6 : 2);
    is(ask($_, page())->{status}, 200, 'a page on a connection that is kept') for @kept;
    my $let_go = hold();
    my @waiting = map { $server->socket } 1 .. $places;
    for my $number (0 .. $#waiting) {
        print { $waiting[$number] } call("waits $number");
        # Each statement waits a second for its lock. So the four connections come free one
        # after the other, though no call gets on.
        sleep 0.25 if $has_server && $number < 4;
    }
    ok($server->wait_for(sub { under_way() > $places }), 'calls wait for a connection');

    for my $number (1 .. 2 * ($threads - $places)) {
        my $start = time;
        my $reply = ask($server->socket, call("beyond $number"));
        is(AccessTokenTest::outcome($reply), '503 SERVICE_UNAVAILABLE', 'one more does not');
        is($reply->{headers}{'retry-after'}, 7, 'it shall come later');
        cmp_ok(time - $start, '<', 10, 'it gets that soon');
    }
    is(ask($_, page())->{status}, 200, 'a kept connection has a page meanwhile') for @kept[1 .. $#kept];
    is(ask($kept[0], call('kept'))->{status}, 503, 'and a call gets an answer');

    $let_go->();
    my @replies = map { ask($_, '') } @waiting;
    is_deeply([grep { $_ ne '200 OK' } map { AccessTokenTest::outcome($_) } @replies], [],
              'those that waited are carried out');
    my @closed = grep { ($_->{headers}{connection} // '') eq 'close' } @replies;
    ok($is_event ? @closed : !@closed, 'under event answers close connections');
    ok($server->wait_for_error(qr/AT002: .* and $places calls are under way already/),
       'the log has the reason');
}

# ---- a queue that moves

{
    my ($clients, $calls) = ($threads + 16, 12);
    my $refused = () = $server->error_log =~ /AT002: /g;
    my @answers = $server->in_parallel($clients + 1, sub {
        my ($number) = @_;
        if ($number == $clients) {
            my $let_go = hold();
            $server->write_file('held', '');
            # Now all threads have calls.
            $server->wait_for(sub { (() = $server->error_log =~ /AT002: /g) > $refused }, 60);
            $let_go->();
            return [];
        }
        $server->wait_for(sub { -e $server->path('held') });
        $server->{http} = AccessTokenTest::http_client();
        return [map { $server->post(body("client $number"))->{status} } 1 .. $calls];
    }, 120);
    my %count;
    $count{$_}++ for map { @$_ } @answers;
    my $answered = ($count{200} // 0) + ($count{409} // 0) + ($count{503} // 0);
    is($answered, $clients * $calls, 'each call of clients that keep connections is answered')
        or diag(join ', ', map { "$_: $count{$_}" } sort keys %count);
    cmp_ok($count{200} // 0, '>', $clients, 'most are carried out');
}

# AH00484, AH00286, AH00161: all threads of the child are busy.
$server->allow_log(qr/AT002: /, qr/AH00(?:484|286|161): /);
$server->finish;
done_testing;
