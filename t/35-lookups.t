# What is read by joins, by lookups and from documents gives the same answers. What lookups
# have cached serves only under the revision of the database; without one, for a while. And
# columns that fields_set does not name are not read.
use strict;
use warnings;

use JSON::PP;
use Test::More;
use Time::HiRes qw(sleep time);

use AccessTokenTest;

my $has_server = AccessTokenTest::engine() ne 'sqlite3';
my $one_child = AccessTokenTest::mpm() eq 'prefork' ? "StartServers 1\nMaxRequestWorkers 1\n"
    : AccessTokenTest::one_child_conf();

# A server with the shipped folder NAME of statements.
sub start {
    my ($name, $conf) = @_;
    local $ENV{AT_STATEMENTS} = $name eq 'statements' ? '' : $name;
    return AccessTokenTest->start(conf => $one_child . "\n" . ($conf // '') . "\n");
}

# A server whose objects in replies are looked up without a revision.
sub start_without_revisions {
    my ($conf) = @_;
    my $server = AccessTokenTest->new(conf => "$one_child\n$conf\n", statements => 'statements');
    $server->copy_statements('statements', map { ("lookups/$_.sql" => sub {
        s/^\s*reference\.revision .*\n//m && s/^LEFT JOIN access_token_revisions .*\n//m
    }) } qw(country unit user));
    $server->run;
    return $server;
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
    my @servers = map { start($_) } qw(statements statements-joined statements-without-documents statements);
    # Documents that are missing are read by joins.
    $servers[3]->dbh->do("DELETE FROM $_") for qw(accounts_receivable_documents reward_participant_documents);
    my $dbh = $servers[0]->dbh;
    my ($participant, $owner) = $dbh->selectrow_array(q(SELECT reward_participants.id, owner_id
        FROM reward_participants JOIN accounts_receivable
          ON accounts_receivable.id = reward_participants.accounts_receivable_id WHERE owner_id IS NOT NULL));
    my ($account) = $dbh->selectrow_array('SELECT id FROM accounts_receivable WHERE owner_id <> ?', undef, $owner);
    $_->dbh->do(q(UPDATE access_tokens SET accounts_receivable_id = ?, reward_participant_id = ?
        WHERE authentication_code = 'demo-udf'), undef, $account, $participant) for @servers;
    my %owners = map { @$_ } @{ $dbh->selectall_arrayref(q(
        SELECT CASE WHEN one.owner_id = other.owner_id THEN 'the same' ELSE 'another' END, COUNT(*)
        FROM access_tokens JOIN accounts_receivable one ON one.id = access_tokens.accounts_receivable_id
        JOIN reward_participants ON reward_participants.id = access_tokens.reward_participant_id
        JOIN accounts_receivable other ON other.id = reward_participants.accounts_receivable_id GROUP BY 1)) };
    is_deeply([sort keys %owners], ['another', 'the same'], 'the two owners of an access token differ, or are the same')
        or diag explain \%owners;
    # A code of each kind of owner, with all members of the reply; then with some of them.
    my @plain = grep { /\A[a-z-]+\z/ } @{ $dbh->selectcol_arrayref(q(SELECT authentication_code FROM access_tokens
        WHERE authentication_code LIKE 'demo-%')) };
    cmp_ok(scalar @plain, '>', 20, 'there are many access tokens');
    my @cases = ((map { [$_, {}] } sort @plain), map { my $fields = $_; map { [$_, $fields] } qw(demo-person demo-udf demo-company) }
        { fields_set => 'number,udf_string_1' }, { fields_set => 'log_information.created_by_user.username' },
        { fields_set => 'accounts_receivable.account_owner.demographics.passport_issued_by_country.name' },
        { fields_set => 'classification.id,reward_participant' }, { fields_set => 'rewards_participant.number' },
        { fields_set => 'reward_participant,accounts_receivable.account_owner' },
        { fields_set => 'accounts_receivable' }, { token => 'demo-session-forbidden' }, { token => 'unknown' });
    my $sorted = JSON::PP->new->canonical;
    my $answered = 0;
    for my $case (@cases) {
        my ($code, $fields) = @$case;
        my @replies = map { my $server = $_; [map { update($server, $fields, $code) } 1, 2] } @servers;
        $answered++ if $replies[0][0]{status} == 200;
        my @contents = map { map { $sorted->encode($_->{json}) =~ s/("updated_date":)"[^"]*"/$1/r } @$_ } @replies;
        is($contents[$_], $contents[2], "$code, " . join(' ', %$fields) . ": the same answer, $_") for 0, 1, 3 .. 7;
    }
    cmp_ok($answered, '>', 40, 'most answers are no errors');
    is(outcome(update($servers[$_], {}, 'no-such-code')), '404 ACCESS_TOKEN_NOT_FOUND', "no such access token, $_")
        for 0 .. 3;
    is(outcome(update($servers[$_], { token => 'unknown' }, 'no-such-code')), '401 INVALID_TOKEN', "nor session, $_")
        for 0 .. 3;
    $_->finish('the error log has only the expected lines: the same answers') for @servers;
}

# ---- exact under a revision

my %names = (users => 'person_name', units => 'name', countries => 'name', access_token_classifications => 'name');

sub rename_all {
    my ($dbh, $suffix) = @_;
    $dbh->do($has_server ? "UPDATE $_ SET $names{$_} = CONCAT($names{$_}, '$suffix')"
                         : "UPDATE $_ SET $names{$_} = $names{$_} || '$suffix'") for sort keys %names;
    return;
}

sub with_suffix {
    my ($shown, $suffix) = @_;
    return { map { $_ => defined $shown->{$_} ? "$shown->{$_}$suffix" : undef } keys %$shown };
}

{
    my $server = start('statements');
    my $dbh = $server->dbh;
    my $before = shown(update($server, {}));
    cmp_ok(scalar(grep { defined } values %$before), '>=', 3, 'the answers have names');
    rename_all($dbh, ' (new)');
    is_deeply(shown(update($server, {})), with_suffix($before, ' (new)'), 'new names are in the next answer');
    my $call = sub { outcome(update($server, { identifier => 'a-name', pass_code => 'Ab1-Cd2-Ef3', @_ })) };
    my %field = (custom_field_set => { hat_size => 5 });
    # Everything is in the cache.
    my @changes = (
        ['the permission', [], q(UPDATE users SET may_update_access_tokens = 0), '403 FORBIDDEN',
         q(UPDATE users SET may_update_access_tokens = 1)],
        ['the session', [], q(UPDATE access_token_sessions SET expires_at = '2001-01-01 00:00:00'),
         '401 INVALID_TOKEN', q(UPDATE access_token_sessions SET expires_at = '2100-01-01 00:00:00')],
        ['the rules', [], q(UPDATE access_token_rule_sets SET identifier_min_length = 200),
         '422 VALIDATION_FAILED /identifier TOO_SHORT', q(UPDATE access_token_rule_sets SET identifier_min_length = 0)],
        ['the active definition', [], q(UPDATE access_token_definitions SET active = NULL), '500 INTERNAL_ERROR',
         q(UPDATE access_token_definitions SET active = 1 WHERE id = '1')],
        ['a custom field', [%field], q(DELETE FROM access_token_custom_fields WHERE name = 'hat_size'),
         '422 VALIDATION_FAILED /custom_field_set/hat_size UNKNOWN_CUSTOM_FIELD',
         q(INSERT INTO access_token_custom_fields (name, type) VALUES ('hat_size', 'number'))],
    );
    for my $change (@changes) {
        my ($name, $fields, $sql, $refusal, $back) = @$change;
        s/(\d\d) (\d\d:)/$1T$2/ for $has_server ? () : ($sql, $back);
        $dbh->do($back);
        is($call->(@$fields), '200 OK', "$name: a call") for 1, 2;
        $dbh->do($sql);
        is($call->(@$fields), $refusal, "$name takes effect at once");
        $dbh->do($back);
        is($call->(@$fields), '200 OK', "$name, restored, too");
    }
    $server->expect_log(qr/AT003: rule\./);
    # The empty id stands for no classification in the key of the lookup.
    $dbh->do(q(INSERT INTO access_token_classifications (id, name, rule_set_id) VALUES ('', 'Empty', 'strict')));
    is(outcome(update($server, { identifier => 'ab', pass_code => 'abcd' }, 'demo-effective')), '200 OK',
       'a classification without an id does not become that of all access tokens without one');
    # Other databases raise no revision in the same way, so this shows what the revision is for.
    $dbh->do('DELETE FROM access_token_revisions');
    $before = shown(update($server, {}));
    rename_all($dbh, ' (newer)');
    is_deeply(shown(update($server, {})), with_suffix($before, ' (newer)'), 'without the row of the revision, too');
    $server->finish('the error log has only the expected lines: exact');
}

# ---- without a revision, for a while

{
    my $server = start_without_revisions('AccessTokenLookupLifetime 2s');
    my $dbh = $server->dbh;
    # With a dotted name, countries are looked up, too.
    my %fields = (fields_set => 'log_information,accounts_receivable.account_owner');
    my $before = shown(update($server, \%fields));
    my $since = time;
    rename_all($dbh, ' (new)');
    my $after = shown(update($server, \%fields));
    SKIP: {
        skip 'a slow machine', 1 if time - $since > 1.8;
        is_deeply($after, $before, 'names are cached for a while');
    }
    sleep 2.1;
    is_deeply(shown(update($server, \%fields)), with_suffix($before, ' (new)'), 'and not longer');
    $server->finish('the error log has only the expected lines: without a revision');
}

# ---- what is cached, in the page of mod_status

{
    my $memory = 'AccessTokenLookupMemory 1';
    my $server = start('statements', <<"END");
$memory
<Location "/status">
SetHandler server-status
</Location>
END
    my $figures = sub { return map { /^AccessTokenCached(\w+): (\d+)$/ } split /\n/,
        $server->request(GET => '/status?auto')->{content} };
    my %empty = $figures->();
    is("$empty{Entries} $empty{Bytes}", '0 0', 'nothing is cached at first');
    cmp_ok($empty{BytesMax}, '<=', 1 << 20, 'AccessTokenLookupMemory is the limit');
    update($server, {}) for 1 .. 2;
    my %figures = $figures->();
    is($figures{Entries}, 4, 'caller, rules, user and unit are cached');
    cmp_ok($figures{Bytes}, '>', 4 * 100, 'they take some memory');
    my $page = $server->request(GET => '/status')->{content};
    like($page, qr{<dt>[^<]*statements: $_</dt><dd>1 entries}, "the page says so of $_") for qw(caller rules user unit);
    # Each user is a caller of its own.
    my $dbh = $server->dbh;
    $dbh->do(q(INSERT INTO users (id, username, may_update_access_tokens, person_name) VALUES (?, ?, 1, ?)), undef,
             "many-$_", "many-$_", 'x' x 200),
        $dbh->do(q(INSERT INTO access_tokens (id, number, authentication_code, created_date, created_by_user_id)
            VALUES (?, ?, ?, '2024-01-01T08:00:00', ?)), undef, "many-$_", "m$_", "many-$_", "many-$_") for 1 .. 400;
    update($server, { fields_set => 'log_information' }, "many-$_") for 1 .. 400;
    my %full = $figures->();
    cmp_ok($full{Entries}, '>', 50, 'many are cached');
    cmp_ok($full{Bytes}, '<=', $full{BytesMax}, 'but not more than allowed');
    like($server->request(GET => '/status')->{content},
         qr{statements: user</dt><dd>(?!40\d)\d+ entries}, 'the oldest were dropped');
    $server->finish('the error log has only the expected lines: mod_status');
}

# ---- what is not read

if ($has_server) {
    my $server = start('statements');
    my $call = sub { my $fields = shift // {}; sub { outcome(update($server, $fields)) eq '200 OK' or die } };
    my %owner = (fields_set => 'accounts_receivable.account_owner');
    my %custom = (custom_field_set => { hat_size => 5 });
    $server->dbh->do(q(INSERT INTO access_token_custom_fields (name, type) VALUES ('hat_size', 'number')));
    $call->($_)->() for {}, \%owner, \%custom;
    is(statements($server, $call->($_)), 2, 'all lookups are cached: two statements, ' . join ' ', %$_)
        for {}, { fields_set => 'number' }, \%owner, \%custom;
    $server->dbh->do(q(UPDATE units SET name = 'Renamed'));
    cmp_ok(statements($server, $call->({})), '>', 2, 'a new revision: they are read again');
    is(statements($server, $call->({})), 2, 'once');
    $server->dbh->do('DELETE FROM reward_participant_documents');
    $call->({})->();
    is(statements($server, $call->({})), 3, 'without a document, one statement more');
    is(statements($server, $call->({ fields_set => 'accounts_receivable' })), 2, 'if it is wanted');
    $server->finish('the error log has only the expected lines: cached lookups');

    $server = start_without_revisions('AccessTokenLookupLifetime 0');
    $call->()->();
    cmp_ok(statements($server, $call->()), '>', 2, 'no lookup is cached: each is read');
    is(statements($server, $call->({ fields_set => 'number' })), 2, 'but only those that fields_set names');
    $server->finish('the error log has only the expected lines: lookups that are read each time');
}

done_testing;
