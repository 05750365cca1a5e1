package Bench::Data;

# A private MariaDB with many access tokens, all that belongs to them, users and
# their sessions, for measurements.
#
# The access token N has the code code(N). The sessions are bench-session-1 and so on.
# bench/speed.lua and bench/limit.c use the same codes and sessions.

use strict;
use warnings;

use File::Temp ();
use POSIX ();

use AccessTokenTest;
use AccessTokenTest::MariaDB;

our $SESSIONS = 1000;

# Rows of a statement. Large statements would need much memory for their undo log.
my $batch = 50_000;

# new(tokens => N, options => [of mariadbd], progress => CODE, history => true):
# starts a server with the rows.
sub new {
    my ($class, %options) = @_;
    my $folder = File::Temp->newdir('at-XXXXXXXX', TMPDIR => 1, CLEANUP => 1);
    chmod 0755, "$folder" or die "$folder: $!\n";
    my ($port) = AccessTokenTest::free_port();
    my $pool = POSIX::ceil(256 + $options{tokens} * 4 / 1000);
    my $database = AccessTokenTest::MariaDB->new(
        folder => "$folder", user => AccessTokenTest::httpd_user(),
        srcdir => AccessTokenTest::srcdir(), builddir => AccessTokenTest::builddir(),
        options => ["--innodb-buffer-pool-size=${pool}M", qw(
            --innodb-flush-log-at-trx-commit=1 --innodb-log-file-size=512M --max-connections=4000
            --max-prepared-stmt-count=100000 --table-open-cache=20000 --open-files-limit=65536
            --thread-cache-size=300 --skip-networking=0 --bind-address=127.0.0.1), "--port=$port",
            @{ $options{options} // [] }]);
    my $self = bless { %options, folder => $folder, database => $database, port => $port }, $class;
    $self->make_schema;
    $self->fill;
    $self->finish_schema;
    return $self;
}

sub database { $_[0]{database} }
sub dbh { $_[0]{database}->dbh }
sub pid { $_[0]{database}->pid }
sub tokens { $_[0]{tokens} }

sub make_schema {
    my ($self) = @_;
    my $sql = AccessTokenTest::srcdir() . '/sql/mysql';
    my $database = $self->{database};
    $database->load("$sql/$_.sql") for qw(schema demo), $self->{history} ? 'history' : ();
    return;
}

# The documents of all rows at once, which takes less time than their triggers; then the
# rights, since some are those to the documents.
sub finish_schema {
    my ($self) = @_;
    my $sql = AccessTokenTest::srcdir() . '/sql/mysql';
    my $database = $self->{database};
    $database->load("$sql/$_.sql") for qw(documents documents-fill);
    $database->grant("$sql/grants.sql");
    # The same account for TCP.
    $database->admin->do(q(CREATE USER 'access_token'@'127.0.0.1' IDENTIFIED BY 'change-this'));
    open my $in, '<', "$sql/grants.sql" or die "grants.sql: $!\n";
    my $grants = do { local $/; <$in> };
    $grants =~ s/'access_token'\@'localhost'/'access_token'\@'127.0.0.1'/g;
    open my $out, '>', "$self->{folder}/grants.sql" or die "grants.sql: $!\n";
    print {$out} $grants;
    close $out or die "grants.sql: $!\n";
    $database->load("$self->{folder}/grants.sql");
    $self->write_way('socket', '');
    $self->write_way('tcp', "host = 127.0.0.1\nport = $self->{port}\nprotocol = tcp\n");
    return;
}

# The shipped my.cnf group, in a folder of its own for each WAY to the server. bench/limit
# has no DBDParams: it takes user and password from there.
sub write_way {
    my ($self, $way, $lines) = @_;
    mkdir "$self->{folder}/$way" or die "$self->{folder}/$way: $!\n";
    open my $in, '<', "$self->{folder}/mariadb/my.cnf" or die "my.cnf: $!\n";
    my $text = do { local $/; <$in> };
    $text =~ s/^socket = .*\n/$lines/m if length $lines;
    $text =~ s/^\[access_token\]\n/$&user = access_token\npassword = change-this\n/m;
    open my $out, '>', "$self->{folder}/$way/my.cnf" or die "my.cnf: $!\n";
    print {$out} $text;
    close $out or die "my.cnf: $!\n";
    return;
}

# The my.cnf for libmariadb; and the server as a test's database, by one WAY. A process that
# uses it gets ENVIRONMENT.
sub defaults { "$_[0]{folder}/$_[1]/my.cnf" }

# The same for the driver of the Go service.
sub dsn {
    my ($self, $way) = @_;
    my $address = $way eq 'tcp' ? "tcp(127.0.0.1:$self->{port})" : 'unix(' . $self->{database}->socket . ')';
    return "access_token:change-this\@$address/access_token?collation=utf8mb4_bin";
}

sub by {
    my ($self, $way, $environment) = @_;
    my %environment = (MARIADB_HOME => "$self->{folder}/$way", %{ $environment // {} });
    return bless { data => $self, environment => \%environment }, 'Bench::Data::Way';
}

# ---- the rows

sub code { sprintf '%08X%024X', $_[0] * 2654435761 % 4294967296, $_[0] }

# The same in SQL, for rows of a SEQUENCE table; and ids that look as random as real ones.
my $code = q{CONCAT(LPAD(HEX(seq * 2654435761 % 4294967296), 8, '0'), LPAD(HEX(seq), 24, '0'))};
sub id { qq{UPPER(MD5(CONCAT('$_[0]', $_[1])))} }

# The small tables.
my @reference = (
    q{INSERT INTO units (id, name, alternative_code, group_name, community_name)
      SELECT } . id('unit', 'seq') . q{, CONCAT('Branch office ', seq), CONCAT('BR', seq),
             CONCAT('Region ', seq % 7), 'Internal Community' FROM seq_1_to_50},
    q{INSERT INTO users (id, username, person_name, email, default_unit_id, may_update_access_tokens)
      SELECT } . id('user', 'seq') . q{, CONCAT('bench_user_', seq), CONCAT('Zoe Makri ', seq),
             CONCAT('bench_user_', seq, '@example.com'), } . id('unit', 'seq % 50 + 1') . qq{, 1
        FROM seq_1_to_$SESSIONS},
    q{INSERT INTO access_token_sessions (token_digest, user_id, unit_id, expires_at)
      SELECT LOWER(SHA2(CONCAT('bench-session-', seq), 256)), } . id('user', 'seq') . q{,
             IF(seq % 3 = 0, } . id('unit', 'seq % 49 + 1') . qq{, NULL), '2099-12-31T23:59:59'
        FROM seq_1_to_$SESSIONS},
    q{INSERT INTO countries (id, name, alternative_code, two_character_code, three_character_code)
      SELECT CONCAT('BENCH', seq), CONCAT('COUNTRY ', seq), CONCAT('C', seq),
             CONCAT(CHAR(65 + seq DIV 26), CHAR(65 + seq % 26)),
             CONCAT('X', CHAR(65 + seq DIV 26), CHAR(65 + seq % 26))
        FROM seq_1_to_200},
    q{INSERT INTO access_token_classifications (id, name, alternative_code, rule_set_id)
      SELECT CONCAT('BENCH', seq), CONCAT('Card ', seq), CONCAT('KIND', seq), 'card'
        FROM seq_1_to_20},
);

# The access tokens, each with its own owner, account and participant.
my @rows = (
    q{INSERT INTO contacts (id, type, life_cycle_state, title, first_name, last_name, name, gender,
          country_of_residence_id, id_number, id_issued_by_country_id, name_day_day, name_day_month,
          birth_day, birth_month, birth_year)
      SELECT } . id('contact', 'seq') . q{, 'PERSON', 'FINANCIAL', ELT(seq % 3 + 1, 'Mr', 'Mrs', 'Dr'),
             CONCAT('Eleni-', seq % 997), CONCAT('Papadopoulou-', seq),
             CONCAT('Papadopoulou-', seq, ' Eleni-', seq % 997), ELT(seq % 2 + 1, 'FEMALE', 'MALE'),
             CONCAT('BENCH', seq % 200 + 1), CONCAT('AB ', LPAD(seq, 9, '0')),
             CONCAT('BENCH', seq % 193 + 1), seq % 28 + 1, seq % 12 + 1, seq % 27 + 1,
             seq % 11 + 1, 1940 + seq % 60},
    q{INSERT INTO accounts_receivable (id, number, name, life_cycle_state, owner_id)
      SELECT } . id('account', 'seq') . q{, CONCAT('BAC', LPAD(seq, 9, '0')), CONCAT('Papadopoulou-', seq),
             'ACTIVE', }
        . id('contact', 'seq'),
    q{INSERT INTO reward_participants (id, number, accounts_receivable_id)
      SELECT } . id('participant', 'seq') . q{, CONCAT('B', seq), } . id('account', 'seq'),
    # Three of four have a classification; the others use the active definition. The pass
    # code is demo-pass-1. All fields that calls change have a value, so that answers do not
    # get longer during the calls.
    qq{INSERT INTO access_tokens (id, number, authentication_code, identifier, pass_code, classification_id,
          accounts_receivable_id, reward_participant_id, card_masked_number, udf_string_1, udf_string_2,
          udf_string_3, udf_float_1, udf_float_2, udf_date_1, created_date, created_by_user_id,
          created_by_unit_id, updated_date, updated_by_user_id, updated_by_unit_id)
      SELECT } . id('token', 'seq') . qq{, CONCAT('B', seq), $code, CONCAT('bench', seq, '\@example.com'),
             '\$2y\$10\$Ltc4R5MQvqYR9FSpFdYz.OF43jsZ30rV2os6ANXwO0gyoxYXC9Np2',
             IF(seq % 4 = 0, NULL, CONCAT('BENCH', seq % 20 + 1)), } . id('account', 'seq') . ', '
        . id('participant', 'seq') . q{, CONCAT('4556 **** **** ', LPAD(seq % 10000, 4, '0')),
             CONCAT('some text ', seq), CONCAT('some text ', seq + 1), CONCAT('some text ', seq + 2),
             seq + 0.5, seq + 1.5, '2024-06-30T23:59:59',
             '2024-01-01T08:00:00', } . id('user', 'seq % 1000 + 1') . ', ' . id('unit', 'seq % 50 + 1') . q{,
             '2024-01-01T08:00:00', } . id('user', 'seq % 999 + 1') . ', ' . id('unit', 'seq % 50 + 1'),
);

sub fill {
    my ($self) = @_;
    my $dbh = $self->{database}->connect;
    my $progress = $self->{progress} // sub { };
    my ($flush) = $dbh->selectrow_array('SELECT @@GLOBAL.innodb_flush_log_at_trx_commit');
    $dbh->do('SET GLOBAL innodb_flush_log_at_trx_commit = 0');
    $dbh->do('SET SESSION foreign_key_checks = 0, unique_checks = 0');
    $dbh->do($_) for @reference;
    for (my $first = 1; $first <= $self->{tokens}; $first += $batch) {
        my $last = $first + $batch - 1;
        $last = $self->{tokens} if $last > $self->{tokens};
        $dbh->do("$_ FROM seq_${first}_to_$last") for @rows;
        $progress->(sprintf 'loading: %d of %d access tokens', $last, $self->{tokens});
    }
    $dbh->do("SET GLOBAL innodb_flush_log_at_trx_commit = $flush");
    $dbh->do("ANALYZE TABLE $_") for qw(access_tokens contacts accounts_receivable reward_participants);
    return;
}

# The methods that AccessTokenTest needs of a database.
package Bench::Data::Way;

sub engine { 'mariadb' }
sub sql_folder { 'mysql' }
sub dbh { $_[0]{data}->dbh }
sub environment { $_[0]{environment} }
sub dbd_defaults { shift->{data}{database}->dbd_defaults }
sub defines { }

1;
