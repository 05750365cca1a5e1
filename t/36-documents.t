# The documents of documents.sql: after every change of the rows that they are made from, they are
# what the joins of the load statements would give. And the scripts that fill, compare and remove
# them. No httpd is started.
use strict;
use warnings;
use utf8;

use Encode qw(decode_utf8);
use JSON::PP ();
use Test::More;
use Time::HiRes qw(sleep time);

use AccessTokenTest;
use AccessTokenTest::File qw(source_text);

binmode $_, ':encoding(UTF-8)'
    for map { Test::More->builder->$_ } qw(output failure_output todo_output);

my $has_server = AccessTokenTest::engine() ne 'sqlite3';
my $seed = $ENV{AT_SEED} // int rand 1_000_000;
diag("AT_SEED=$seed");
srand $seed;

my $json = JSON::PP->new->canonical->allow_nonref;
my $server = AccessTokenTest->new;
my $database = $server->database;
my $dbh = $server->dbh;
my $sql = 'sql/' . $database->sql_folder;

# ---- what the joins give

# The text of a statement file: of the statements with joins, if there are several.
sub statement_text {
    my ($name) = @_;
    my ($text) = map { source_text($_) } AccessTokenTest::File::source_files(
        map { "$sql/$_/$name" } qw(statements-joined statements-without-documents statements));
    return decode_utf8($text // die "$name is missing\n");
}

my (@paths, $reference);
{
    my ($select, $joins) = map { my $text = join '', map { statement_text("$_.sql") } @$_; $text }
        [qw(load_select show_owner_countries show_participant_countries)], [qw(load_joins join_references)];
    my @columns;
    while ($select =~ /(COALESCE\([\w.]+\)|CAST\(NULL\sAS\sCHAR\(1\)\)|NULL|[\w.]+)\s+AS\s+
                       'data\.((?:accounts_receivable|reward_participant)\.[^']+)'/gx) {
        push @columns, $1;
        push @paths, $2;
    }
    my @joins = $joins =~ /^(LEFT JOIN (?:accounts_receivable|contacts|reward_participants|countries) AS \w+\s+ON .+)$/mg;
    is(@paths . ' ' . @joins, '77 10', 'the columns and joins of both owners are found');
    $reference = 'SELECT ' . join(', ', 'token.accounts_receivable_id', 'token.reward_participant_id', @columns)
        . ' FROM (SELECT id AS accounts_receivable_id, NULL AS reward_participant_id FROM accounts_receivable'
        . ' UNION ALL SELECT NULL, id FROM reward_participants) AS token '
        . join ' ', @joins;
}

# The object that a row of columns gives, by the rules of the module: one whose id is NULL is null,
# and a member with ? is left out if it is null.
sub object_of {
    my ($values) = @_;
    my %tree;
    for my $path (sort keys %$values) {
        my ($names, $type) = $path =~ /^([^:]+)(?::(\w+))?$/;
        my @names = split /\./, $names;
        my $leaf = pop @names;
        my $node = \%tree;
        $node = $node->{$_} //= {} for @names;
        my $value = $values->{$path};
        $node->{$leaf} = defined $value && defined $type ? 0 + $value : defined $value ? "$value" : undef;
    }
    return without_empty(\%tree);
}

sub without_empty {
    my ($node) = @_;
    return $node if ref $node ne 'HASH';
    return undef if exists $node->{id} && !defined $node->{id};
    my %object;
    for my $name (keys %$node) {
        my $value = without_empty($node->{$name});
        my $plain = $name =~ s/\?$//r;
        $object{$plain} = $value if defined $value || $plain eq $name;
    }
    return \%object;
}

# By "account ID" or "participant ID" the JSON of the document that the joins give.
sub expected {
    my %documents;
    for my $row (@{ $dbh->selectall_arrayref($reference) }) {
        my ($account, $participant, @values) = @$row;
        my $name = defined $account ? 'accounts_receivable' : 'reward_participant';
        my %values = map { $paths[$_] => $values[$_] } grep { $paths[$_] =~ /^$name\./ } 0 .. $#paths;
        $documents{defined $account ? "account $account" : "participant $participant"}
            = $json->encode(object_of(\%values)->{$name});
    }
    return \%documents;
}

sub stored {
    my %documents;
    for my $row (@{ $dbh->selectall_arrayref(
            q(SELECT 'account', accounts_receivable_id, document FROM accounts_receivable_documents
              UNION ALL SELECT 'participant', reward_participant_id, document FROM reward_participant_documents)) }) {
        my ($kind, $id, $document) = @$row;
        $documents{"$kind $id"} = eval { $json->encode($json->decode($document)) } // "$@: $document";
    }
    return \%documents;
}

# ---- the scripts

# Runs the script NAME by the client program, and returns what it prints.
sub run_script {
    my ($name) = @_;
    return $database->run_script(AccessTokenTest::srcdir() . "/$sql/$name.sql");
}

# What documents-compare.sql prints, by this connection.
my ($compare) = source_text("$sql/documents-compare.sql") =~ /^(SELECT.*);$/ms;
sub compared { $dbh->selectrow_array($compare) }

# All is right: by the script, and by the joins. Returns whether it is.
sub all_right {
    my ($name) = @_;
    my ($got, $expected) = (stored(), expected());
    my @wrong = grep { ($got->{$_} // 'none') ne ($expected->{$_} // 'none') }
        sort keys %{ { %$got, %$expected } };
    my $said = compared();
    return ok(!@wrong && $said eq '0 differ', $name)
        || diag(join "\n", $said, map { ("$_:", '  stored   ' . ($got->{$_} // 'none'),
                                         '  expected ' . ($expected->{$_} // 'none')) } @wrong);
}

all_right('the documents of the demonstration');
is(scalar keys %{ stored() }, 7, 'four accounts and three participants');
is(stored()->{'account A0000000000000000000000000000003'},
   '{"account_owner":null,"id":"A0000000000000000000000000000003","life_cycle_state":"ACTIVE",'
   . '"name":null,"number":"ACR000503"}', 'an account without an owner');
is(stored()->{'participant B0000000000000000000000000000002'},
   '{"accounts_receivable":null,"id":"B0000000000000000000000000000002","number":"52"}',
   'a participant without an account');
{
    my $reply = $json->decode(decode_utf8(source_text('t/data/example-response.json')))->{data};
    is(stored()->{'account 8728513FDA0C6919AE007D84938A835B'}, $json->encode($reply->{accounts_receivable}),
       'the account of the example');
    is(stored()->{'participant 2432994125F2450EBDF84E00B21C89F0'}, $json->encode($reply->{reward_participant}),
       'the participant of the example');
}

if ($has_server) {
    my $text = source_text("$sql/documents.sql");
    for my $name (qw(accounts_receivable reward_participant)) {
        my ($view) = $text =~ /VIEW ${name}_fresh_documents AS.*?^( +CONCAT\(.*?);$/ms;
        my ($trigger) = $text =~ /TRIGGER ${name}_document_text .*?^( +CONCAT\(.*?)\nWHERE/ms;
        ok($view, "there is a view of $name");
        is($trigger, $view, "the trigger ${name}_document_text makes what the view has");
    }
}

# ---- every value

my ($schema) = source_text('sql/mysql/schema.sql');
my %columns = map {
    my ($table, $text) = ($_, $schema =~ /^CREATE TABLE $_ \((.*?)^\)/ms);
    $table => { map { /^ {4}([a-z]\w*) +(\w+)(?:\((\d+)\))?/ ? ($1 => $3 // $2) : () } split /\n/, $text };
} qw(contacts countries accounts_receivable reward_participants);
my %owner = (id => 'C0000000000000000000000000000001', account => 'A0000000000000000000000000000001',
             participant => 'B0000000000000000000000000000001');

# TABLE's columns with text, except for those that are ids.
sub text_columns {
    my ($table) = @_;
    return grep { $columns{$table}{$_} =~ /^\d/ && !/(?:^|_)id$/ } sort keys %{ $columns{$table} };
}

# Sets all columns with text of the person's document to what TEXT returns for a length.
sub set_texts {
    my ($text) = @_;
    for my $table (qw(contacts countries accounts_receivable reward_participants)) {
        my @names = text_columns($table);
        $dbh->do("UPDATE $table SET " . join(', ', map { "$_ = ?" } @names)
                 . ($table eq 'countries' ? '' : ' WHERE id = ?'), undef,
                 (map { $text->($columns{$table}{$_}) } @names),
                 $table eq 'countries' ? ()
                 : $owner{ { contacts => 'id', accounts_receivable => 'account',
                             reward_participants => 'participant' }->{$table} });
    }
    return;
}

my %texts = (
    'empty' => sub { '' },
    'blank' => sub { ' ' },
    'quotes' => sub { '"' }, 'apostrophe' => sub { q(') }, 'backslash' => sub { '\\' },
    'a backslash at the end' => sub { substr 'a\\', -$_[0] },
    'looks like an escape' => sub { substr '\\u0041\\n', 0, $_[0] },
    'line ends' => sub { substr "\r\n\t\f\b", 0, $_[0] },
    'looks like JSON' => sub { substr '","id":null,"x":"', 0, $_[0] },
    'null as a text' => sub { substr 'null', 0, $_[0] },
    'a number' => sub { '12' },
    'U+2028' => sub { "\x{2028}\x{2029}" },
    'Greek' => sub { substr 'Παπαδοπούλου', 0, $_[0] },
    'combining' => sub { "e\x{301}" },
    'emoji' => sub { substr "\x{1F680}\x{10FFFF}\x{1F469}\x{200D}", 0, $_[0] },
    'delete' => sub { "\x{7f}\x{80}" },
    (map { my $code = $_; (sprintf('U+%04X', $code) => sub { chr $code }) } 1 .. 31),
    'as long as the columns allow' => sub { 'x' x $_[0] },
    'as long as they allow, 4 bytes' => sub { "\x{1F680}" x $_[0] },
    'as long as they allow, escaped' => sub { "\x{1}" x $_[0] },
);
for my $name (sort keys %texts) {
    set_texts($texts{$name});
    all_right("all texts: $name");
    my ($first) = $dbh->selectrow_array('SELECT first_name FROM contacts WHERE id = ?', undef, $owner{id});
    is($json->decode(stored()->{"account $owner{account}"})->{account_owner}{first_name}, $first,
       "all texts: $name: as it is stored");
}
for my $value (undef, 0, 1, -1, 127, -128) {
    $dbh->do('UPDATE contacts SET name_day_day = ?, name_day_month = ?, birth_day = ?, birth_month = ?,
                                  birth_year = ? WHERE id = ?', undef, ($value) x 5, $owner{id});
    all_right('all numbers: ' . ($value // 'NULL'));
}
$server->reset_data;
all_right('demo.sql restores the documents');

# ---- every column, and no other

# Sets the documents of the person to "wrong", makes the change, and returns those that are still so.
sub left_wrong {
    my ($statement, @values) = @_;
    $dbh->do(q(UPDATE accounts_receivable_documents SET document = '"wrong"' WHERE accounts_receivable_id = ?),
             undef, $owner{account});
    $dbh->do(q(UPDATE reward_participant_documents SET document = '"wrong"' WHERE reward_participant_id = ?),
             undef, $owner{participant});
    $dbh->do($statement, undef, @values);
    my $stored = stored();
    return join ' ', grep { $stored->{"$_ $owner{$_}"} eq '"wrong"' } qw(account participant);
}

my %row = (contacts => $owner{id}, countries => '33', accounts_receivable => $owner{account},
           reward_participants => $owner{participant});
my %another = (owner_id => 'C0000000000000000000000000000002', accounts_receivable_id => 'A0000000000000000000000000000002',
               map { $_ => '127' } qw(country_of_residence_id passport_issued_by_country_id id_issued_by_country_id));
for my $table (sort keys %row) {
    for my $column (grep { $_ ne 'id' } sort keys %{ $columns{$table} }) {
        $server->reset_data;
        my @values = $another{$column} // ($columns{$table}{$column} =~ /INT/ ? 7 : 'b');
        push @values, 'b ' if $column eq 'name';
        for my $value (@values) {
            is(left_wrong("UPDATE $table SET $column = ? WHERE id = ?", $value, $row{$table}),
               $table eq 'reward_participants' ? 'account' : '', "$table.$column writes the documents");
        }
    }
    $server->reset_data;
    $dbh->do("ALTER TABLE $table ADD COLUMN added VARCHAR(40) NULL");
    is(left_wrong("UPDATE $table SET added = 'x', id = id"), 'account participant',
       "a column that was added to $table does not");
    $dbh->do("ALTER TABLE $table DROP COLUMN added");
}
$server->reset_data;

# ---- changes at random

my %ids = map { my $letter = $_; $letter => [map { "$letter$_" } 1 .. 4] } qw(K C A P);
sub one_of { $_[rand @_] }
sub null_or { rand() < 0.2 ? undef : $_[0] }
my @odd = ('', 'a', 'a ', 'A', '"', '\\', "\x{1F680}", "\n", 'null', 'Ελένη');

# A random value for COLUMN of TABLE.
sub random_value {
    my ($table, $column) = @_;
    my $type = $columns{$table}{$column};
    return one_of(@{ $ids{ { contacts => 'C', countries => 'K', accounts_receivable => 'A',
                             reward_participants => 'P' }->{$table} } }) if $column eq 'id';
    return null_or(one_of(@{ $ids{C} })) if $column eq 'owner_id';
    return null_or(one_of(@{ $ids{A} })) if $column eq 'accounts_receivable_id';
    return null_or(one_of(@{ $ids{K} })) if $column =~ /country\w*_id$/;
    return null_or(int rand 100) if $type =~ /INT/;
    return one_of(@odd) if $column =~ /^(?:type|life_cycle_state|number)$/ || $table eq 'countries' && $column eq 'name';
    return null_or(one_of($type <= 3 ? ('', 'a', 'A', '"', '\\', "\x{1F680}") : @odd));
}

# A random statement, with its values.
sub random_statement {
    my $table = one_of(qw(contacts contacts countries accounts_receivable accounts_receivable reward_participants));
    my @names = sort keys %{ $columns{$table} };
    my $id = random_value($table, 'id');
    my $kind = int rand 10;
    return ("DELETE FROM $table WHERE id = ?", $id) if $kind == 0;
    return ("DELETE FROM $table") if $kind == 1 && rand() < 0.1;
    if ($kind < 6) {
        my $ignore = $has_server ? one_of('INSERT', 'INSERT', 'INSERT IGNORE', 'REPLACE')
            : one_of('INSERT', 'INSERT', 'INSERT OR IGNORE', 'INSERT OR REPLACE', 'REPLACE');
        return ("$ignore INTO $table (" . join(', ', @names) . ') VALUES (' . join(', ', map { '?' } @names) . ')',
                map { random_value($table, $_) } @names);
    }
    my @set = grep { rand() < 0.2 && ($_ ne 'id' || rand() < 0.5) } @names;
    @set = one_of(grep { $_ ne 'id' } @names) if !@set;
    my $update = $has_server ? one_of('UPDATE', 'UPDATE', 'UPDATE IGNORE') : one_of('UPDATE', 'UPDATE', 'UPDATE OR IGNORE');
    return ("$update $table SET " . join(', ', map { "$_ = ?" } @set) . ($kind == 9 ? '' : ' WHERE id = ?'),
            (map { random_value($table, $_) } @set), $kind == 9 ? () : $id);
}

sub check_foreign_keys {
    $dbh->do($has_server ? "SET foreign_key_checks = $_[0]" : "PRAGMA foreign_keys = $_[0]");
    return;
}

my $refusal = $has_server ? qr/foreign key constraint fails|Duplicate entry/ : qr/constraint failed/;
my ($done, $refused, $wrong) = (0, 0, 0);
# First with foreign keys that are checked, then without.
for my $step (1 .. 400) {
    if ($step == 1 || $step == 201) {
        $dbh->do("DELETE FROM $_")
            for qw(access_tokens reward_participants accounts_receivable contacts countries);
        check_foreign_keys($step == 1 ? 1 : 0);
    }
    $dbh->begin_work;
    my @said;
    for (1 .. 1 + int rand 3) {
        my ($statement, @values) = random_statement();
        push @said, join ' | ', $statement, map { $_ // 'NULL' } @values;
        if (eval { $dbh->do($statement, undef, @values); 1 }) { $done++ }
        elsif ($@ =~ $refusal) { $refused++ }
        else { fail("step $step: $@"); diag(join "\n", @said) }
    }
    rand() < 0.2 ? $dbh->rollback : $dbh->commit;
    my ($got, $expected) = (stored(), expected());
    next if $json->encode($got) eq $json->encode($expected) && compared() eq '0 differ';
    diag(join "\n", "AT_SEED=$seed", @said);
    all_right("step $step");
    last if ++$wrong == 3;
}
check_foreign_keys(1);
ok(!$wrong, "$done changes at random keep the documents right");
cmp_ok($done, '>', $refused, "most were made, $refused refused");
cmp_ok(scalar keys %{ expected() }, '>', 0, 'and rows were left');

# ---- two transactions at the same time

# The statements of the second transaction, by name; the first has the same ones. They change parts
# of the same documents.
my %statements = (
    'change of a contact' => q(UPDATE contacts SET first_name = 'changed %s' WHERE id = 'C'),
    "change of a contact's country" => q(UPDATE contacts SET id_issued_by_country_id = 'K' WHERE id = 'C'),
    'new account' => q(INSERT INTO accounts_receivable (id, number, life_cycle_state, owner_id)
                       VALUES ('new %s', '1', 'ACTIVE', 'C')),
    'account gets the owner' => q(UPDATE accounts_receivable SET owner_id = 'C' WHERE id = 'A0'),
    'account loses the owner' => q(UPDATE accounts_receivable SET owner_id = NULL WHERE id = 'A'),
    'change of an account' => q(UPDATE accounts_receivable SET name = 'changed %s' WHERE id = 'A'),
    'account is deleted' => q(DELETE FROM accounts_receivable WHERE id = 'A1'),
    'new participant' => q(INSERT INTO reward_participants VALUES ('new %s', '1', 'A')),
    'participant gets the account' => q(UPDATE reward_participants SET accounts_receivable_id = 'A' WHERE id = 'P0'),
    'participant is deleted' => q(DELETE FROM reward_participants WHERE id = 'P'),
    'change of a country' => q(UPDATE countries SET name = 'changed %s' WHERE id = 'K'),
);

sub race_rows {
    $dbh->do($_) for
        (map { "DELETE FROM $_" } qw(reward_participants accounts_receivable contacts countries)),
        q(INSERT INTO countries (id, name) VALUES ('K', 'a'), ('L', 'a')),
        q(INSERT INTO contacts (id, type, life_cycle_state, country_of_residence_id, id_issued_by_country_id)
          VALUES ('C', 'PERSON', 'ACTIVE', 'K', 'L')),
        q(INSERT INTO accounts_receivable (id, number, life_cycle_state, owner_id)
          VALUES ('A', '1', 'ACTIVE', 'C'), ('A0', '1', 'ACTIVE', NULL), ('A1', '1', 'ACTIVE', 'C')),
        q(INSERT INTO reward_participants VALUES ('P', '1', 'A'), ('P0', '1', NULL));
    return;
}

# Runs FIRST in a transaction, and SECOND in another one until it is done or waits for the first;
# then commits the first, and the second when it is done. Returns "both", or which of them was made
# if the other ended with an error: the deadlock, or since MariaDB 11.6 the change of a row that its
# snapshot has in an older version.
sub race {
    my ($connections, $first, $second) = @_;
    my ($one, $two) = @$connections;
    $_->do('START TRANSACTION WITH CONSISTENT SNAPSHOT') for $one, $two;
    $one->do($first =~ s{%s}{one}r);
    $two->do($second =~ s{%s}{two}r, { mariadb_async => 1 });
    my $until = time + 60;
    until ($two->mariadb_async_ready || waits()) {
        die "the second transaction neither ends nor waits\n" if time > $until;
        sleep 0.002;
    }
    my $ended = 'both';
    $one->do('COMMIT');
    eval { $two->mariadb_async_result; 1 } or do {
        die $@ if $@ !~ /Deadlock found|Record has changed|Duplicate entry|foreign key constraint fails/;
        $ended = 'the first';
    };
    $two->do('COMMIT');
    return $ended;
}

sub waits { ($dbh->selectrow_array(q(SHOW GLOBAL STATUS LIKE 'Innodb_row_lock_current_waits')))[1] > 0 }

if ($has_server) {
    # What MariaDB 11.6 has switched on at REPEATABLE READ.
    my ($isolates) = $dbh->selectrow_array(q(SHOW VARIABLES LIKE 'innodb_snapshot_isolation'));
    for my $level ('READ COMMITTED', 'REPEATABLE READ', $isolates ? "REPEATABLE READ, $isolates" : ()) {
        my ($isolation, $is_strict) = split /, /, $level;
        my @connections = map { $database->connect } 1, 2;
        for my $other (@connections) {
            $other->do("SET SESSION TRANSACTION ISOLATION LEVEL $isolation");
            $other->do("SET SESSION $isolates = " . ($is_strict ? 1 : 0)) if $isolates;
        }
        my $both = 0;
        for my $first (sort keys %statements) {
            for my $second (sort keys %statements) {
                race_rows();
                my $ended = race(\@connections, @statements{$first, $second});
                $both++ if $ended eq 'both';
                all_right("$level: $first, $second: $ended");
            }
        }
        cmp_ok($both, '>', keys(%statements) ** 2 * ($is_strict ? 0.4 : 0.8), "$level: most pairs were both made: $both");
        $_->disconnect for @connections;
    }
}

# ---- the scripts

# The names of what documents.sql makes.
sub made {
    return join ' ', sort @{ $dbh->selectcol_arrayref($has_server
        ? q(SELECT trigger_name FROM information_schema.triggers
             WHERE trigger_schema = 'access_token' AND trigger_name LIKE '%\_document\_%'
            UNION SELECT table_name FROM information_schema.tables
             WHERE table_schema = 'access_token' AND table_name LIKE '%\_documents'
            UNION SELECT routine_name FROM information_schema.routines
             WHERE routine_schema = 'access_token' AND routine_name LIKE '%document%')
        : q(SELECT name FROM sqlite_master WHERE name LIKE '%\_document%' ESCAPE '\' AND name NOT LIKE 'sqlite%'
            OR name IN ('accounts_receivable_owner', 'reward_participants_account',
                        'contacts_country_of_residence', 'contacts_passport_country', 'contacts_id_country'))) };
}

$server->reset_data;
my $made = made();
is(run_script('documents-compare'), "0 differ\n", 'documents-compare.sql prints one line');
is(run_script('documents-fill'), "0 changed\n", 'documents-fill.sql has nothing to do');
is(run_script('documents'), '', 'documents.sql can be run again');
is(made(), $made, 'and makes the same');
is(run_script('documents-compare'), "0 differ\n", 'the documents are still there');

$dbh->do(q(UPDATE accounts_receivable_documents SET document = '{}' WHERE accounts_receivable_id = ?), undef, $owner{account});
is(run_script('documents-compare'), "1 differ\n", 'a wrong document is found');
$dbh->do(q(UPDATE reward_participant_documents SET reward_participant_id = 'nobody' WHERE reward_participant_id = ?),
         undef, $owner{participant});
is(run_script('documents-compare'), "3 differ\n", 'and a missing one, and one without its row');
is(run_script('documents-fill'), "3 changed\n", 'documents-fill.sql corrects all three');
is(run_script('documents-fill'), "0 changed\n", 'which the next run need not do');
all_right('after that all are right');
for my $table (qw(accounts_receivable_documents reward_participant_documents)) {
    ok(!eval { $dbh->do("UPDATE $table SET document = '{'"); 1 }, "$table: no document that is not JSON");
}

is(run_script('documents-remove'), '', 'documents-remove.sql');
is(made(), '', 'leaves nothing');
ok($dbh->do(q(UPDATE contacts SET first_name = 'without')), 'contacts can change');
is(run_script('documents-remove'), '', 'it can be run again');

# More rows than a transaction of documents-fill.sql writes.
my $accounts = 6000;
my $digit = join ' UNION ALL ', map { "SELECT $_ AS n" } 0 .. 9;
my $numbers = "SELECT 1000 * a.n + 100 * b.n + 10 * c.n + d.n AS n FROM ($digit) AS a CROSS JOIN ($digit) AS b
                 CROSS JOIN ($digit) AS c CROSS JOIN ($digit) AS d WHERE a.n < 6";
$dbh->do("INSERT INTO accounts_receivable (id, number, life_cycle_state, owner_id)
          SELECT 'many-' || n, n, 'ACTIVE', 'C0000000000000000000000000000001' FROM ($numbers) AS numbers"
         =~ s/'many-' \|\| n/$has_server ? "CONCAT('many-', n)" : "'many-' || n"/er);
$dbh->do(q(INSERT INTO reward_participants SELECT id, number, id FROM accounts_receivable WHERE number <> '' AND id LIKE 'many-%'));
is(run_script('documents'), '', 'documents.sql, where rows were there before');
is(made(), $made, 'makes all of it');
my $rows = 2 * $accounts + 7;
is(run_script('documents-compare'), "$rows differ\n", 'no row has a document yet');
if ($has_server) {
    is(run_script('documents-fill'), "$rows changed\n", 'documents-fill.sql writes all, in several transactions');
}
else {
    is(run_script('documents-fill'), "10000 changed\n", 'documents-fill.sql writes 10,000 in one run');
    is(run_script('documents-compare'), $rows - 10_000 . " differ\n", 'which are no longer missing');
    is(run_script('documents-fill'), $rows - 10_000 . " changed\n", 'and the rest in the next');
}
is(run_script('documents-fill'), "0 changed\n", 'then all are there');
all_right('and all are right');

done_testing;
