# Many clients use few access tokens at the same time, without faults: no call fails, and
# the history of changes, the rows and the keys show afterwards that each answer was right
# (contract, section 6).
use strict;
use warnings;

use Test::More;

use AccessTokenTest;
use AccessTokenTest::Checker;
use AccessTokenTest::Workload;

my $updates = int 20_000 * AccessTokenTest::Workload::scale(1);
my $server = AccessTokenTest->new(log_level => 'notice access_token:info');
my $database = $server->database;
$database->load(AccessTokenTest::srcdir() . '/sql/' . $database->sql_folder . '/history.sql');
$server->{options}{conf} = AccessTokenTest::Workload::conf($server);
$server->write_conf;
my $load = AccessTokenTest::Workload->new(
    urls => [$server->url], updates => $updates, seed => AccessTokenTest::Workload::seed());
$load->prepare($server->dbh);
$server->run;
$load->start;
$load->finish;
diag($load->speed_text);

my $calls = $load->calls;
my $answers = AccessTokenTest::Workload::answers($calls);
diag(AccessTokenTest::Workload::answers_text($answers));
my %requests = map { $_->{request}{number} => 1 } @$calls;
cmp_ok(scalar keys %requests, '>=', $updates, 'all requests were made');
for my $answer ('200 OK', '200 replayed', '404 ACCESS_TOKEN_NOT_FOUND', '409 DUPLICATE_VALUE',
                '412 PRECONDITION_FAILED', '422 IDEMPOTENCY_KEY_REUSED', '422 VALIDATION_FAILED') {
    cmp_ok($answers->{$answer} // 0, '>', 0, "some got the answer $answer");
}
my @failed = grep { AccessTokenTest::Workload::outcome($_) eq 'unknown' || $_->{failed}
                    || $_->{status} >= 500 } @$calls;
is(scalar @failed, 0, 'none failed, and none was left in doubt')
    or diag(AccessTokenTest::Workload::answers_text(AccessTokenTest::Workload::answers(\@failed)));
AccessTokenTest::Checker::passes($load->record($server->dbh), 'the answers are right');

$server->finish;
done_testing;
