# Lookups (statements-cached): what hardly ever changes may be shown as it was a while
# ago, what decides about a call never. And what is not asked for is not read.
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

# What an answer shows of each object that is looked up.
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

# How many statements CODE runs; MariaDB counts them.
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
    # A code of each kind of owner, and all members of the reply; then some of them.
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
    is_deeply([sort keys %owners], ['another', 'the same'], 'the two owners of an access token differ, or not')
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
    cmp_ok($answered, '>', 35, 'most are answers, and not errors');
    $_->finish('the error log holds what it should: the same answers') for @servers;
}

# ---- what is stale, and what never is

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
        is_deeply($after, $before, 'names are kept for a while');
    }
    sleep 2.1;
    my $last = shown(update($server, {}));
    is_deeply($last, { map { $_ => defined $before->{$_} ? "$before->{$_} (new)" : undef } keys %$before },
              'and no longer') or diag explain $last;
    cmp_ok(scalar(grep { defined } values %$before), '>=', 4, 'there were names');

    # All is in the cache. What decides is read in each call.
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
        is($call->(), $refusal, "$name decides at once");
        $dbh->do($back);
        is($call->(), '200 OK', "$name, given back, as well");
    }
    $server->finish('the error log holds what it should: what is stale');
}

# ---- what is not read

if ($is_mariadb) {
    my $server = start('');
    my $call = sub { my $fields = shift // {}; sub { outcome(update($server, $fields)) eq '200 OK' or die } };
    $call->()->();
    is(statements($server, $call->()), 2, 'all lookups are kept: two statements');
    $server->finish('the error log holds what it should: what is not read');

    $server = start('AccessTokenLookupLifetime 0');
    cmp_ok(statements($server, $call->()), '>', 2, 'none is kept: each is read');
    is(statements($server, $call->({ fields_set => 'number' })), 2, 'but none that is not asked for');
    $server->finish('the error log holds what it should: what is read each time');
}

done_testing;
