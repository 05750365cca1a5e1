# The revision of the reference data: each change of a column that the module reads sets it to a
# new value, in the transaction of the change, and nothing else does. And the script that adds it
# to a database of schema version 2.
use strict;
use warnings;
use utf8;

use Test::More;

use AccessTokenTest;
use AccessTokenTest::File qw(source_text);

my $has_server = AccessTokenTest::engine() ne 'sqlite3';
my $server = AccessTokenTest->new;
my $database = $server->database;
my $dbh = $server->dbh;
my $folder = AccessTokenTest::srcdir() . '/sql/' . $database->sql_folder;

my %seen;

sub revision {
    my ($handle) = @_;
    my $rows = ($handle // $dbh)->selectcol_arrayref('SELECT revision FROM access_token_revisions');
    die "not one row\n" if @$rows != 1;
    return $rows->[0];
}

# The statement gives the revision a value that it never had.
sub sets {
    my ($name, $statement, @values) = @_;
    $seen{ revision() } = 1;
    $dbh->do($statement, undef, @values);
    my $now = revision();
    ok(!$seen{$now}, "$name: a new revision");
    $seen{$now} = 1;
    return;
}

sub keeps {
    my ($name, $statement, @values) = @_;
    my $before = revision();
    $dbh->do($statement, undef, @values);
    is(revision(), $before, "$name: the same revision");
    return;
}

like(revision(), $has_server ? qr/\A[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\z/ : qr/\A[0-9a-f]{32}\z/,
     'the revision of a new database');

# ---- each column of each table

my $digits = qr/_min_|^may_|^allow_|^active$/;
my @rules = map { my $field = $_;
                  map { "${field}_$_" } qw(creation format min_length min_letters min_digits min_special) }
    qw(authentication_code identifier pass_code);
# The columns that the statements read, and a row to insert.
my %tables = (
    units => [[qw(id name description alternative_code group_name community_name)],
              { id => 'R1', name => 'a', description => 'a', alternative_code => 'a', group_name => 'a',
                community_name => 'a' }],
    users => [[qw(id username person_name email default_unit_id may_update_access_tokens)],
              { id => 'R1', username => 'r', person_name => 'a', email => 'a',
                default_unit_id => '48305F8849E3C18B227C5BE3A27BA6DF', may_update_access_tokens => 0 }],
    countries => [[qw(id name alternative_code two_character_code three_character_code)],
                  { id => 'R1', name => 'a', alternative_code => 'a', two_character_code => 'a',
                    three_character_code => 'a' }],
    access_token_rule_sets => [['id', @rules, 'allow_no_identifier'],
                               { id => 'R1', (map { $_ => /_min_/ ? 0 : /_format/ ? 'PHONE' : 'ID' } @rules),
                                 allow_no_identifier => 0 }],
    access_token_definitions => [[qw(rule_set_id active)],
                                 { id => 'R1', name => 'a', rule_set_id => 'card', active => undef }],
    access_token_classifications => [[qw(id name alternative_code rule_set_id)],
                                     { id => 'R1', name => 'a', alternative_code => 'a',
                                       rule_set_id => 'card' }],
    access_token_custom_fields => [[qw(name type)], { name => 'R1', type => 'string' }],
);

# Another value that the column may have.
sub other_value {
    my ($column, $value) = @_;
    return { creation => 'NUMBER', format => 'EMAIL', rule_set_id => 'member', type => 'number',
             default_unit_id => '5A7C00000000000000000000000000B2' }->{ $column =~ s/.*_(?=creation|format)//r }
        // ($column =~ $digits ? 1 : $column =~ /^(?:id|name|username)$/ ? "$value-other" : 'b');
}

# At most one definition is active, and one row of each table at least is used by no other.
$dbh->do('UPDATE access_token_definitions SET active = NULL');

# Columns of statements/*.sql and lookups, which the tests below must know.
{
    my %named = map { $_ => 1 } source_text("sql/mysql/statements/lookups/rules.sql") =~ /\brules\.(?!id\b)(\w+)/g;
    is_deeply([sort grep { $_ ne 'id' } @{ $tables{access_token_rule_sets}[0] }], [sort keys %named],
              'the columns of a rule set are those that the load reads');
}

for my $table (sort keys %tables) {
    my ($columns, $row) = @{ $tables{$table} };
    my $key = exists $row->{id} ? 'id' : 'name';
    my @names = sort keys %$row;
    sets("$table: INSERT", "INSERT INTO $table (" . join(', ', @names) . ') VALUES ('
         . join(', ', map { '?' } @names) . ')', @$row{@names});
    my $id = $row->{$key};
    for my $column (@$columns) {
        my $where = "WHERE $key = " . $dbh->quote($id);
        my @values = (other_value($column, $row->{$column}));
        my ($not_null) = ($row->{$column} // '') eq 'a' && $column ne 'name' ? 0 : 1;
        push @values, undef, '', 'a ' if !$not_null && $table ne 'countries';
        push @values, undef if $column eq 'default_unit_id' || $column eq 'active';
        for my $value (@values) {
            sets("$table.$column: " . ($value // 'NULL'), "UPDATE $table SET $column = ? $where", $value);
            $id = $value if $column eq $key;
            $where = "WHERE $key = " . $dbh->quote($id);
        }
        keeps("$table.$column: itself", "UPDATE $table SET $column = $column $where");
    }
    $dbh->do("ALTER TABLE $table ADD COLUMN last_login VARCHAR(40) NULL");
    keeps("$table: a column that was added", "UPDATE $table SET last_login = 'now'");
    $dbh->do("ALTER TABLE $table DROP COLUMN last_login");
    sets("$table: DELETE", "DELETE FROM $table WHERE $key = ?", $id);
    sets("$table: REPLACE", "REPLACE INTO $table (" . join(', ', @names) . ') VALUES ('
         . join(', ', map { '?' } @names) . ')', @$row{@names}) for 1, 2;
}
keeps('access_token_definitions.name', q(UPDATE access_token_definitions SET name = 'another name'));
keeps($_, "UPDATE $_ SET number = 'another'") for qw(access_tokens accounts_receivable reward_participants);
keeps('contacts', q(UPDATE contacts SET first_name = 'another'));
keeps('sessions', 'DELETE FROM access_token_sessions');
keeps('sequences', 'UPDATE access_token_sequences SET value = value + 1');
sets('several rows', q(UPDATE units SET description = CONCAT(id, ' changed')))
    if $has_server;

# ---- transactions

{
    my $other = $database->connect;
    my $before = revision();
    $dbh->begin_work;
    $dbh->do(q(UPDATE units SET description = 'in a transaction'));
    my $inside = revision();
    isnt($inside, $before, 'in its own transaction the change shows');
    is(revision($other), $before, 'others do not see it yet');
    $dbh->rollback;
    is(revision(), $before, 'a rollback restores the revision');
    $dbh->begin_work;
    $dbh->do(q(UPDATE units SET description = 'in a transaction'));
    my $committed = revision();
    $dbh->commit;
    is(revision($other), $committed, 'after the commit all see it');
    isnt($committed, $inside, 'it is not that of the transaction that was rolled back');
    if ($has_server) {
        # A column that is added must not make its writers wait for each other.
        $dbh->do('ALTER TABLE users ADD COLUMN last_login DATETIME NULL');
        $dbh->begin_work;
        $dbh->do('UPDATE users SET last_login = UTC_TIMESTAMP() WHERE username = "clerk"');
        $other->do('SET innodb_lock_wait_timeout = 0');
        ok(eval { $other->do(q(UPDATE units SET name = 'meanwhile')); 1 },
           'the UPDATE of an added column does not lock the revision') or diag($@);
        $dbh->rollback;
    }
    $other->disconnect;
}
is($dbh->selectrow_array('SELECT COUNT(*) FROM access_token_revisions'), 1, 'one row');
$server->reset_data;
is($dbh->selectrow_array('SELECT COUNT(*) FROM access_token_revisions'), 1, 'demo.sql does not remove it');
ok(!$seen{ revision() }, 'and sets it');

# ---- the migration

# A new database of this server, made by FILES: its tables, indexes and triggers, and its version.
sub made_by {
    my ($name, @files) = @_;
    my ($handle, $rows);
    if ($has_server) {
        $database->admin->do("CREATE DATABASE $name CHARACTER SET utf8mb4");
        AccessTokenTest::MariaDB::run('sh', '-c',
            'client=$1 socket=$2 database=$3; shift 3; cat "$@" | "$client" --no-defaults'
            . ' --default-character-set=utf8mb4 --user=root --socket="$socket" "$database"',
            'sh', $database->client, $database->socket, $name, @files);
        $handle = $database->connect($name);
        my @queries = (
            q(SELECT table_name, ordinal_position, column_name, column_type, is_nullable, column_default,
                     character_set_name, collation_name, column_key, extra FROM information_schema.columns
               WHERE table_schema = ?),
            q(SELECT table_name, engine, table_collation FROM information_schema.tables WHERE table_schema = ?),
            q(SELECT table_name, constraint_name, constraint_type FROM information_schema.table_constraints
               WHERE table_schema = ?),
            q(SELECT table_name, index_name, seq_in_index, column_name, non_unique
                FROM information_schema.statistics WHERE table_schema = ?),
            q(SELECT trigger_name, event_object_table, action_timing, event_manipulation, action_order,
                     sql_mode, collation_connection, action_statement
                FROM information_schema.triggers WHERE trigger_schema = ?));
        $rows = [map { @{ $handle->selectall_arrayref("$_ ORDER BY 1, 2, 3", undef, $name) } } @queries];
    }
    else {
        mkdir $server->path($name) or die "$name: $!\n";
        my $file = AccessTokenTest::SQLite->new(folder => $server->path($name));
        $file->load($_) for @files;
        $handle = $file->dbh;
        $rows = $handle->selectall_arrayref('SELECT type, name, tbl_name, sql FROM sqlite_master ORDER BY 1, 2');
    }
    return ($handle, [map { join "\t", map { $_ // 'NULL' } @$_ } @$rows]);
}

{
    # Version 2 has a function that a binary log refuses.
    $database->admin->do('SET GLOBAL log_bin_trust_function_creators = 1') if $has_server;
    my $old = AccessTokenTest::srcdir() . '/t/data/schema-2/' . $database->sql_folder . '.sql';
    my $script = "$folder/migrate/2-to-3.sql";
    my ($new, $expected) = made_by('version_3', "$folder/schema.sql");
    my ($migrated, $got) = made_by('migrated', $old, $script, $has_server ? $script : ());
    my ($before, $unchanged) = made_by('version_2', $old);
    is($before->selectrow_array('SELECT MAX(version) FROM access_token_schema'), 2, 'a database of version 2');
    cmp_ok(scalar @$expected, '>', @$unchanged + 20, 'which lacks the revision and its triggers');
    is_deeply($got, $expected, '2-to-3.sql makes the tables and triggers of schema.sql');
    is_deeply($migrated->selectall_arrayref('SELECT version FROM access_token_schema'),
              $new->selectall_arrayref('SELECT version FROM access_token_schema'), 'and its version');
    like(revision($migrated), qr/\A[0-9a-f-]{32,36}\z/, 'there is a revision');
    isnt(revision($migrated), revision($new), 'no other database has it');
    $_->disconnect for $new, $migrated, $before;
}

done_testing;
