package Bench::Peer;

# The peer: the Go service of bench/peer with a database of Bench::Data. It has the methods
# of AccessTokenTest that measurements need.
#
# check compares its answers with the documented example and with those of the module. So a
# figure of the peer is that of a program that does the same work.

use strict;
use warnings;
use utf8;

use JSON::PP ();
use Time::HiRes qw(sleep time);

use AccessTokenTest;
use AccessTokenTest::Process;

our @ISA = qw(AccessTokenTest::Client);

my $json = JSON::PP->new->utf8->canonical->allow_nonref;
my $admin = 'A4F19B70D95D4DE09C3A9FC720A33A49';

sub program { AccessTokenTest::builddir() . '/bench/go-peer' }

# start(DATA, WAY, CONNECTIONS): returns when it answers.
sub start {
    my ($class, $data, $way, $connections) = @_;
    my $port = AccessTokenTest::free_port();
    my $log = "$data->{folder}/peer-$port.log";
    my $process = AccessTokenTest::Process->start(
        command => [program(), '-listen', "127.0.0.1:$port", '-connections', $connections],
        environment => { PEER_DSN => $data->dsn($way) }, output => $log);
    my $self = bless { process => $process, port => $port, log => $log,
                       http => AccessTokenTest::http_client() }, $class;
    my $until = time + 30;
    while ($process->is_running && time < $until) {
        return $self if $self->request('GET')->{status} == 405;
        sleep 0.02;
    }
    die "the Go service did not start:\n", $self->unexpected_lines;
}

sub pid { $_[0]{process}->pid }
sub children { () }
sub stop { $_[0]{process}->stop }

# All lines of its log: it logs only errors.
sub unexpected_lines {
    my ($self) = @_;
    open my $in, '<', $self->{log} or return;
    return <$in>;
}

# ---- the check

# Calls that are refused: the members, the status, and the code of the session if it is not
# the administrator's. All name the access token demo-strict-1, which has strict rules.
my @refused = (
    [401, { token => 'no-such-session' }],
    [401, { token => 'demo-session-expired' }],
    [403, { token => 'demo-session-forbidden' }],
    [404, { access_token_identifier => { authentication_code => 'no such code' } }],
    [409, { authentication_code => 'demo-member!1' }],
    [409, { identifier => 'demo-member-user1', pass_code => 'pass-code-12' }],
    [422, { udf_float_1 => 'much', udf_string_1 => 5, udf_date_1 => '2015-02-30', colour => 'blue' }],
    [422, { card_masked_number => 'x' x 33, udf_string_8 => 'x' x 256 }],
    [422, { access_token_identifier => { authentication_code => undef } }],
    [422, { access_token_identifier => 'demo-strict-1' }],
    [422, { access_token_identifier => {} }],
    [422, { authentication_code => 'abc' }],
    [422, { authentication_code => undef }],
    [422, { identifier => 'strict2' }],
    [422, { identifier => 'a', pass_code => 'b' }],
    [422, { pass_code => undef }],
);

# check(PEER, MODULE, DBH): dies if PEER does not answer as documented, or not as MODULE, a
# running AccessTokenTest with the same database. DBH is an administrator's.
sub check {
    my ($self, $module, $dbh) = @_;
    $self->check_example($dbh);
    my $codes = $dbh->selectcol_arrayref(q(SELECT CONVERT(authentication_code USING utf8mb4)
        FROM access_tokens WHERE authentication_code LIKE 'demo-%'));
    for my $code (@$codes) {
        my $call = call($code, { udf_string_1 => undef, udf_string_8 => '<é>', udf_float_1 => 0.1,
                                 udf_date_1 => '2015-02-28' });
        same($code, map { seen($_->post($call)) } $module, $self);
    }
    # Their values break a unique key when a call sets them.
    $dbh->do('UPDATE access_tokens SET authentication_code = ?, identifier = ? WHERE authentication_code = ?',
             undef, 'demo-member!1', 'demo-member-user1', 'demo-member');
    my $rows = sub { $json->encode($dbh->selectall_arrayref(
        q(SELECT id, version FROM access_tokens WHERE id LIKE 'D0000000%' ORDER BY id))) };
    my $before = $rows->();
    for my $refused (@refused) {
        my ($status, $members) = @$refused;
        my $call = call('demo-strict-1', $members);
        my ($expected, $got) = map { $_->post($call) } $module, $self;
        same($json->encode($members), seen($expected), seen($got));
        die "the module answered $expected->{status} instead of $status: $expected->{content}\n"
            if $expected->{status} != $status;
    }
    die "a refused call has changed an access token\n" if $rows->() ne $before;
    return;
}

sub call {
    my ($code, $members) = @_;
    return { token => $admin, access_token_identifier => { authentication_code => $code }, %$members };
}

# What must be the same in an answer: status, members, violations, but not the words and the
# time of the call.
sub seen {
    my ($reply) = @_;
    my %seen = (status => 0 + $reply->{status}, code => $reply->{json}{status}{code},
                data => $reply->{json}{data});
    $seen{errors} = [sort map { "$_->{pointer} $_->{code}" } @{ $reply->{json}{errors} // [] }];
    my $log = $seen{data} && $seen{data}{log_information};
    $log->{updated_date} =~ s/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\z/a date/ if $log;
    return \%seen;
}

sub same {
    my ($what, $expected, $got) = @_;
    my ($left, $right) = map { leaves('', $_) } $expected, $got;
    my @wrong = grep { ($left->{$_} // 'nothing') ne ($right->{$_} // 'nothing') } sort keys %{ { %$left, %$right } };
    die "the Go service answered otherwise than expected: $what\n", map {
        "  $_: " . ($right->{$_} // 'nothing') . ' instead of ' . ($left->{$_} // 'nothing') . "\n"
    } @wrong if @wrong;
    return;
}

# The members of VALUE that are not objects, as JSON, by their pointers.
sub leaves {
    my ($pointer, $value) = @_;
    return { $pointer => $json->encode($value) } if ref $value ne 'HASH' || !%$value;
    return { map { %{ leaves("$pointer/$_", $value->{$_}) } } keys %$value };
}

# The documented example; afterwards the access token is as before.
sub check_example {
    my ($self, $dbh) = @_;
    my ($request, $expected) = map {
        Bench::Measure::slurp(AccessTokenTest::srcdir() . "/t/data/example-$_.json")
    } qw(request response);
    my $reply = $self->post($request);
    same('the documented example', seen({ status => 200, json => $json->decode($expected) }), seen($reply));
    my $changed = $dbh->do(q(UPDATE access_tokens SET authentication_code = 'CCD4537CA4AD4EE8912FFBAE53110601',
        identifier = NULL, pass_code = NULL WHERE authentication_code = 'testpassnew1' AND pass_code LIKE '$2_$10$%'));
    die "the Go service did not save the documented example\n" if $changed != 1;
    return;
}

1;
