package AccessTokenTest::MySQL;

# A MySQL server of one test, as AccessTokenTest::MariaDB is one of MariaDB. Its
# programs are those that t/lib/get-mysql unpacks; AT_MYSQL names that folder.

use strict;
use warnings;

use parent 'AccessTokenTest::MariaDB';

sub folder {
    return $ENV{AT_MYSQL} //= do {
        my $folder = `@{[ AccessTokenTest::srcdir() ]}/t/lib/get-mysql`;
        die "there is no MySQL\n" if $? != 0;
        chomp $folder;
        $folder;
    };
}

sub engine { 'mysql' }
sub name { 'MySQL' }
sub server { folder() . '/bin/mysqld' }
sub client { folder() . '/bin/mysql' }
# Without the GTIDs, which can be loaded into another server only.
sub dump { (folder() . '/bin/mysqldump', '--set-gtid-purged=OFF') }

sub small { qw(--innodb-buffer-pool-size=16M --innodb-redo-log-capacity=8M) }

# The binary log is on, as it is by default.
sub options {
    return ('--basedir=' . folder() . '/unpacked/usr', qw(--secure-file-priv= --mysqlx=OFF
        --sync-binlog=0));
}

sub make_data {
    my ($class, $folder) = @_;
    AccessTokenTest::MariaDB::run($class->server, '--no-defaults', AccessTokenTest::MariaDB::as_root(),
        $class->options, '--initialize-insecure', "--datadir=$folder",
        '--innodb-buffer-pool-size=16M');
    return;
}

# MySQL has no such variable. A constraint that a row violates stays off.
sub enforce_checks {
    my ($self, $on) = @_;
    my $dbh = $self->dbh;
    my $checks = $dbh->selectall_arrayref(q(
        SELECT table_name, constraint_name FROM information_schema.table_constraints
         WHERE table_schema = DATABASE() AND constraint_type = 'CHECK' AND enforced = ?),
        undef, $on ? 'NO' : 'YES');
    for my $check (@$checks) {
        my $done = eval {
            $dbh->do(sprintf 'ALTER TABLE %s ALTER CHECK %s %s ENFORCED', @$check, $on ? '' : 'NOT');
            1;
        };
        $done or $dbh->err == 3819 or die $@;
    }
    return;
}

1;
