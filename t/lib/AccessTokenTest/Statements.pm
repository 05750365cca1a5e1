package AccessTokenTest::Statements;

# The files of the shipped statements, as they are or edited: functions, and the
# method copy_statements of the server.

use strict;
use warnings;

use Exporter qw(import);
use File::Copy qw(copy);
use File::Path qw(make_path);
use File::Temp ();

use AccessTokenTest::Environment qw(srcdir);

our @EXPORT_OK = qw(datadir shipped_statements statements_conf statements_in edited_file);

# The statements that are shipped, in files that belong to us and that nobody else
# can write, as an installation has them: a working copy may be another user's, or
# have been made with another umask.
my %data;

sub datadir {
    my $data = $data{ srcdir() };
    return "$data" if $data;
    $data = $data{ srcdir() } = File::Temp->newdir('at-data-XXXXXXXX', TMPDIR => 1);
    chmod 0755, "$data" or die "$data: $!\n";
    for my $folder (map { $_, glob "$_/lookups" }
            map { glob srcdir() . "/$_/*/statements*" } qw(sql t/data/own-schema)) {
        my $to = $data . substr $folder, length srcdir();
        make_path($to);
        copy($_, $to) or die "$_: $!\n" for glob "$folder/*.sql";
    }
    return "$data";
}

# The folder of the statements that are shipped for an engine, or two folders with
# " :: " between them: AT_STATEMENTS names another than the default.
sub shipped_statements {
    my ($engine) = @_;
    my $folder = datadir() . "/sql/$engine";
    my $other = $ENV{AT_STATEMENTS};
    return $other ? "$folder/$other :: $folder/statements" : "$folder/statements";
}

sub statements_conf {
    my ($statements) = @_;
    return qq(AccessTokenStatements "$statements"\n) =~ s/ :: /" "/r;
}

# files_in(STATEMENTS): a hash of the name of each file below its folder, and its path.
# STATEMENTS is a folder or two, as shipped_statements returns them. If both have a file,
# that of the first counts.
sub files_in {
    my ($statements) = @_;
    my %path;
    for my $folder (reverse split / :: /, $statements) {
        $path{ substr $_, 1 + length $folder } = $_
            for glob "$folder/*.sql $folder/lookups/*.sql";
    }
    return %path;
}

# The names, without .sql, of the statements of STATEMENTS: the files that no other file
# includes. A lookup is lookups/NAME.
sub statements_in {
    my %path = files_in($_[0]);
    my %included = map { $_ => 1 }
        map { edited_file($_) =~ /^-- \@include (\w+\.sql)$/mg } values %path;
    return map { s/\.sql$//r } grep { !$included{$_} } sort keys %path;
}

# copy_statements(FOLDER, FILE => CODE, ...): copies the shipped statements to a FOLDER of
# the run, and returns its path. CODE edits the text of FILE in $_, and returns whether it
# has changed it.
sub copy_statements {
    my ($self, $folder, %edit) = @_;
    my %path = files_in(shipped_statements($self->{database}->sql_folder));
    mkdir $self->path($_) or die "$_: $!\n"
        for $folder, grep({ m{/} } keys %path) ? "$folder/lookups" : ();
    $self->write_file("$folder/$_", edited_file($path{$_}, $edit{$_})) for keys %path;
    return $self->path($folder);
}

# The text of the file PATH, edited by CODE if it is given.
sub edited_file {
    my ($path, $code) = @_;
    open my $file, '<:raw', $path or die "$path: $!\n";
    local $_ = do { local $/; <$file> };
    !$code || $code->() or die "$path has nothing to edit\n";
    return $_;
}

1;
