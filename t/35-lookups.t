# Lookups (statements-cached): objects that rarely change may be shown as they were a
# while ago, but nothing that decides about a call. And columns that fields_set does not
# name are not read.
use strict;
use warnings;

use Test::More;
use Time::HiRes qw(sleep time);

use AccessTokenTest;

my $is_mariadb = AccessTokenTest::engine() eq 'mariadb';
my $one_child = AccessTokenTest::mpm() eq 'prefork' ? "StartServers 1\nMaxRequestWorkers 1\n"
    : AccessTokenTest::one_child_conf();

sub start {
    my ($conf) = @_;
    local $ENV{AT_CACHED} = 1;
    return AccessTokenTest->start(conf => "$one_child\n$conf\n");
}

sub update {
    my ($server, $fields, $code) = @_;
    return $server->post({ token => 'demo-session-clerk', %$fields,
                           access_token_identifier => { authentication_code => $code // 'demo-person' } });
}

sub outcome { AccessTokenTest::outcome($_[0]) }

# The parts of an answer that come from lookups.
sub shown {
    my ($reply) = @_;
    my $data = $reply->{json}{data} or return outcome($reply);
    my $log = $data->{log_information};
    my $demographics = $data->{accounts_receivable}{account_owner}{demographics};
    return {
        creator => $log->{created_by_user}{person_name}, creator_unit => $log->{created_by_unit}{name},
        unit => $log->{updated_by_unit}{name}, classification => $data->{classification}{name},
        passport => $demographics->{passport_issued_by_country}{name},
    };
}

# The number of statements that CODE runs; MariaDB counts them.
sub statements {
    my ($server, $code) = @_;
    my $count = sub { ($server->dbh->selectrow_array(q(SHOW GLOBAL STATUS LIKE 'Com_stmt_execute')))[1] };
    my $before = $count->();
    $code->();
    return $count->() - $before;
}

# ---- the same answers

{
    my @servers = (start(''), start('AccessTokenLookupLifetime 0'), AccessTokenTest->start(conf => $one_child));
    # A code of each kind of owner, with all members of the reply; then with some of them.
    my $codes = $servers[0]->dbh->selectcol_arrayref(q(SELECT authentication_code FROM access_tokens
        WHERE authentication_code LIKE 'demo-%'));
    my $answered = 0;
    my $dbh = $servers[0]->dbh;
    my ($participant, $owner) = $dbh->selectrow_array(q(SELECT reward_participants.id, owner_id
        FROM reward_participants JOIN accounts_receivable
          ON accounts_receivable.id = reward_participants.accounts_receivable_id WHERE owner_id IS NOT NULL));
    my ($account) = $dbh->selectrow_array('SELECT id FROM accounts_receivable WHERE owner_id <> ?', undef, $owner);
    $_->dbh->do(q(UPDATE access_tokens SET accounts_receivable_id = ?, reward_participant_id = ?
        WHERE authentication_code = 'demo-udf'), undef, $account, $participant) for @servers;
    my %owners = map { @$_ } @{ $servers[0]->dbh->selectall_arrayref(q(
        SELECT CASE WHEN one.owner_id = other.owner_id THEN 'the same' ELSE 'another' END, COUNT(*)
        FROM access_tokens JOIN accounts_receivable one ON one.id = access_tokens.accounts_receivable_id
        JOIN reward_participants ON reward_participants.id = access_tokens.reward_participant_id
        JOIN accounts_receivable other ON other.id = reward_participants.accounts_receivable_id GROUP BY 1)) };
    is_deeply([sort keys %owners], ['another', 'the same'], 'the two owners of an access token differ, or are the same')
        or diag explain \%owners;
    my @plain = grep { /\A[a-z-]+\z/ } @$codes;
    cmp_ok(scalar @plain, '>', 20, 'there are many access tokens');
    my @cases = ((map { [$_, {}] } sort @plain), map { my $fields = $_; map { [$_, $fields] } qw(demo-person demo-udf demo-company) }
        { fields_set => 'number,udf_string_1' }, { fields_set => 'log_information.created_by_user.username' },
        { fields_set => 'accounts_receivable.account_owner.demographics.passport_issued_by_country.name' },
        { fields_set => 'classification.id,reward_participant' }, { fields_set => 'rewards_participant.number' },
        { fields_set => 'accounts_receivable' });
    for my $case (@cases) {
        my ($code, $fields) = @$case;
        my @replies = map { my $server = $_; [map { update($server, $fields, $code) } 1, 2] } @servers;
        my @contents = map { map { $_->{content} =~ s/("updated_date":)"[^"]*"/$1/r } @$_ } @replies;
        $answered++ if $replies[0][0]{status} == 200;
        is($contents[$_], $contents[4], "$code, " . ($fields->{fields_set} // 'all') . ": the same answer, $_")
            for 0 .. 3, 5;
    }
    cmp_ok($answered, '>', 35, 'most answers are no errors');
    $_->finish('the error log has only the expected lines: the same answers') for @servers;
}

# ---- stale values

{
    my $server = start('AccessTokenLookupLifetime 2s');
    my $dbh = $server->dbh;
    my %tables = (users => 'person_name', units => 'name', countries => 'name',
                  access_token_classifications => 'name');
    my $before = shown(update($server, {}));
    my $since = time;
    $dbh->do("UPDATE $_ SET $tables{$_} = CONCAT($tables{$_}, ' (new)')")
        for $is_mariadb ? sort keys %tables : ();
    $dbh->do("UPDATE $_ SET $tables{$_} = $tables{$_} || ' (new)'")
        for $is_mariadb ? () : sort keys %tables;
    my $after = shown(update($server, {}));
    SKIP: {
        skip 'a slow machine', 1 if time - $since > 1.8;
        is_deeply($after, $before, 'names are cached for a while');
    }
    sleep 2.1;
    my $last = shown(update($server, {}));
    is_deeply($last, { map { $_ => defined $before->{$_} ? "$before->{$_} (new)" : undef } keys %$before },
              'and not longer') or diag explain $last;
    cmp_ok(scalar(grep { defined } values %$before), '>=', 4, 'the answers had names');

    # Everything is in the cache. Values that decide are read in each call.
    my @changes = (
        ['the permission', q(UPDATE users SET may_update_access_tokens = 0), '403 FORBIDDEN',
         q(UPDATE users SET may_update_access_tokens = 1)],
        ['the session', q(UPDATE access_token_sessions SET expires_at = '2001-01-01 00:00:00'),
         '401 INVALID_TOKEN', q(UPDATE access_token_sessions SET expires_at = '2100-01-01 00:00:00')],
        ['the rules', q(UPDATE access_token_rule_sets SET identifier_min_length = 200),
         '422 VALIDATION_FAILED /identifier TOO_SHORT', q(UPDATE access_token_rule_sets SET identifier_min_length = 0)],
    );
    for my $change (@changes) {
        my ($name, $sql, $refusal, $back) = @$change;
        my $call = sub { outcome(update($server, { identifier => 'a-name', pass_code => 'Ab1-Cd2-Ef3' })) };
        s/(\d\d) (\d\d:)/$1T$2/ for $is_mariadb ? () : ($sql, $back);
        $dbh->do($back);
        is($call->(), '200 OK', "$name: a call");
        $dbh->do($sql);
        is($call->(), $refusal, "$name takes effect at once");
        $dbh->do($back);
        is($call->(), '200 OK', "$name, restored, too");
    }
    $server->finish('the error log has only the expected lines: stale values');
}

# ---- columns that are not read

if ($is_mariadb) {
    my $server = start('');
    my $call = sub { my $fields = shift // {}; sub { outcome(update($server, $fields)) eq '200 OK' or die } };
    $call->()->();
    is(statements($server, $call->()), 2, 'all lookups are cached: two statements');
    $server->finish('the error log has only the expected lines: cached lookups');

    $server = start('AccessTokenLookupLifetime 0');
    cmp_ok(statements($server, $call->()), '>', 2, 'no lookup is cached: each is read');
    is(statements($server, $call->({ fields_set => 'number' })), 2, 'but only those that fields_set names');
    $server->finish('the error log has only the expected lines: lookups that are read each time');
}

done_testing;
