# A machine that lacks what the tests need: they name it, and are skipped, unless AT_ENGINE
# asks for the engine.
use strict;
use warnings;

use File::Temp ();
use Test::More;
use Time::HiRes qw(time);

use AccessTokenTest;
use AccessTokenTest::File qw(write_text);

my $folder = File::Temp->newdir('at-XXXXXXXX', TMPDIR => 1);
my $lib = AccessTokenTest::srcdir() . '/t/lib';
my %hidden = (sqlite3 => 'SQLite', mariadb => 'MariaDB');
mkdir "$folder/$_" or die "$folder/$_: $!\n" for qw(DBD bin);
write_text("$folder/DBD/$_.pm", "die 'hidden';\n") for values %hidden;

# An httpd without the driver, which says what Apache's says.
write_text("$folder/httpd", <<"END");
#!/bin/sh
for argument; do
    case \$argument in
        "DBDriver "*) echo "Can't load driver file apr_dbd_\${argument#DBDriver }.so" >&2; exit 1 ;;
    esac
done
exec '@{[ AccessTokenTest::httpd_program() ]}' "\$@"
END
chmod 0755, "$folder/httpd" or die "httpd: $!\n";

write_text("$folder/one.t", <<'END');
use Test::More;
use AccessTokenTest;
pass('a test before') if @ARGV;
AccessTokenTest->new;
pass('all is there');
done_testing;
END

# Runs that test with ENVIRONMENT: the exit status, and the output.
sub outcome_of {
    my ($environment, @arguments) = @_;
    local %ENV = (%ENV, %$environment);
    delete @ENV{grep { !defined $ENV{$_} } keys %ENV};
    my $output = `'$^X' '-I$lib' '$folder/one.t' @arguments 2>&1`;
    return ($? >> 8, $output);
}

for my $case (
    ['sqlite3', { PERL5LIB => "$folder" }, qr/the Perl module DBD::SQLite \[libdbd-sqlite3-perl\]/],
    ['sqlite3', { AT_HTTPD => "$folder/httpd" }, qr/the driver apr_dbd_sqlite3 \[libaprutil1-dbd-sqlite3\]/],
    ['sqlite3', { PATH => "$folder/bin" }, qr/the program sqlite3 \[sqlite3\]/],
    ['mariadb', { PERL5LIB => "$folder" }, qr/the Perl module DBD::MariaDB \[libdbd-mariadb-perl\]/],
    ['mariadb', { AT_HTTPD => "$folder/httpd" }, qr/the driver apr_dbd_mysql \[libaprutil1-dbd-mysql\]/],
    ['mariadb', { PATH => "$folder/bin" }, qr/the program mariadbd \[mariadb-server-core\]/],
) {
    my ($engine, $environment, $what) = @$case;
    # apxs is in PATH: what it says must be known before.
    my %environment = (AT_HTTPD => AccessTokenTest::httpd_program(),
                       AT_HTTPD_MODULES => AccessTokenTest::httpd_modules(), %$environment);
    my $began = time;
    my ($status, $output) = outcome_of({ %environment, AT_ENGINE => $engine });
    isnt($status, 0, "$engine that is asked for: the test fails");
    like($output, qr/^the tests on $engine need .*$what/m, "$engine: and names what is missing");
    unlike($output, qr/did not start/, "$engine: and nothing else");
    cmp_ok(time - $began, '<', 30, "$engine: at once");
    next if $engine eq 'mariadb';
    ($status, $output) = outcome_of({ %environment, AT_ENGINE => undef });
    is($status, 0, 'without AT_ENGINE the test does not fail');
    like($output, qr/^1\.\.0 # SKIP the tests on sqlite3 need .*$what/m, 'but is skipped, with the reason');
    ($status, $output) = outcome_of({ %environment, AT_ENGINE => undef }, 'first');
    is($status, 0, 'one that has tested something before does not fail either');
    like($output, qr/^ok 1 .*\nok 2 # skip the tests on sqlite3 need .*$what.*\n1\.\.2\n\z/m, 'which says so, too');
}

done_testing;
