package AccessTokenTest::SQLite;

# An SQLite database of one test. It has the methods of AccessTokenTest::MariaDB, except
# those that start and stop a server.

use strict;
use warnings;

use DBD::SQLite::Constants qw(DBD_SQLITE_STRING_MODE_UNICODE_STRICT);
use DBI;

# new(folder => DIR, user => the user who must be able to write it, or undef)
sub new {
    my ($class, %options) = @_;
    my $folder = "$options{folder}/database";
    mkdir $folder or die "$folder: $!\n";
    my $self = bless { file => "$folder/tokens.db" }, $class;
    $self->dbh;
    if (defined $options{user}) {
        my ($uid, $gid) = (getpwnam $options{user})[2, 3];
        chown $uid, $gid, $folder, glob "$folder/*" or die "chown: $!\n";
    }
    return $self;
}

sub engine { 'sqlite3' }
sub file { $_[0]{file} }

# The folder of this engine's shipped files, below sql/.
sub sql_folder { 'sqlite3' }

# A handle of its own, kept for later calls. Text is characters, both ways.
sub dbh {
    my ($self) = @_;
    return $self->{dbh}{$$} //= $self->connect;
}

sub connect {
    my ($self) = @_;
    my $dbh = DBI->connect("dbi:SQLite:dbname=$self->{file}", '', '', {
        RaiseError => 1,
        PrintError => 0,
        AutoInactiveDestroy => 1,
        sqlite_string_mode => DBD_SQLITE_STRING_MODE_UNICODE_STRICT,
        sqlite_allow_multiple_statements => 1,
    });
    $dbh->sqlite_busy_timeout(20_000);
    return $dbh;
}

# Whether the handle's changes are held to the CHECK constraints.
sub enforce_checks {
    my ($self, $on) = @_;
    $self->dbh->do('PRAGMA ignore_check_constraints = ' . ($on ? 0 : 1));
    return;
}

# Runs the SQL script FILE.
sub load {
    my ($self, $file) = @_;
    open my $script, '<:encoding(UTF-8)', $file or die "$file: $!\n";
    my $dbh = $self->dbh;
    eval { $dbh->do(do { local $/; <$script> }); 1 } or die "$file: $@";
    return;
}

# The same, as an administrator does it by hand. Returns what it prints, after "failed: "
# if it fails.
sub run_script {
    my ($self, $file) = @_;
    my $said = `sqlite3 -init /dev/null -bail -cmd '.timeout 10000' "$self->{file}" <"$file" 2>&1`;
    return $? ? "failed: $said" : $said;
}

sub grant { }

sub environment { {} }

# What DBDParams says, and the defaults of mod_dbd's other directives.
sub dbd_defaults {
    my ($self) = @_;
    return (
        driver => 'sqlite3', params => $self->{file},
        min => 1, keep => 1, max => 1, exptime => 0,
        init_sql => undef,
    );
}

sub defines { (ACCESS_TOKEN_DATABASE => $_[0]{file}) }

1;
