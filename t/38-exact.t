# Nothing that lookups have cached is stale: a change of the permission, of a rule or of a
# name holds for the very next call on each of two httpds, under load. t/70-farm.t does the
# same on a Galera cluster.
use strict;
use warnings;

use Test::More;

use AccessTokenTest;
use AccessTokenTest::Exact;

my %options = (conf => "AccessTokenPassCodeScheme md5crypt\n");
my @servers = AccessTokenTest->start(%options);
push @servers, AccessTokenTest->start(%options, database => $servers[0]->database);
AccessTokenTest::Exact::changes_hold('two httpds', servers => \@servers, database => $servers[0]->database);
$_->finish for @servers;
done_testing;
