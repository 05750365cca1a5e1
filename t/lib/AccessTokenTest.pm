package AccessTokenTest;

# A private Apache over a private database, for one test.
#
#     use Test::More;
#     use AccessTokenTest;
#
#     my $server = AccessTokenTest->start;
#     my $reply = $server->post({ token => …, … });
#     is($reply->{status}, 200);
#     is($reply->{json}{status}{code}, 'OK');
#     $server->finish;
#     done_testing;
#
# Everything that runs ends with its object, with the test, on die and on
# Ctrl-C. finish stops Apache and tests that the error log holds nothing that
# was not expected; a test that forgets to call it fails.
#
# The environment chooses: AT_ENGINE (sqlite3, mariadb, mysql; without it sqlite3, and a test
# that lacks something for it is skipped), AT_MPM (event, worker,
# prefork), AT_STATEMENTS (another shipped folder than statements), AT_WAY (how the module
# connects to MariaDB: socket, tcp), AT_SRCDIR, AT_BUILDDIR, AT_HTTPD, AT_HTTPD_MODULES.
# AT_KEEP=1 keeps the folder of the run and prints its name.

use strict;
use warnings;
#
# This file starts and stops the server. The rest is in modules by topic, and a server
# inherits their methods: AccessTokenTest::Client has the requests, Conf httpd.conf,
# Statements the SQL files, Log the files and logs. Their plain functions, and those of
# Environment, are imported, so a test can call them as AccessTokenTest::NAME.

use strict;
use warnings;

use File::Temp ();
use JSON::PP ();
use Scalar::Util qw(weaken);
use Test::More ();
use Time::HiRes qw(sleep time);

use AccessTokenTest::Client qw(http_client read_all parse_reply outcome);
use AccessTokenTest::Conf qw(one_child_conf);
use AccessTokenTest::Environment qw($PATH srcdir builddir engine mpm way module_file
    httpd_program httpd_modules httpd_user missing_for need_engine free_port lasting_ports);
use AccessTokenTest::Log qw(first_line);
use AccessTokenTest::Process;
use AccessTokenTest::Statements qw(datadir shipped_statements statements_conf statements_in);

our @ISA = map { "AccessTokenTest::$_" } qw(Client Conf Log Statements);

# All servers are on this machine, and httpd must be able to read what is made here.
delete @ENV{map { ($_, uc) } qw(http_proxy https_proxy all_proxy)};
umask 022;

my $json = JSON::PP->new->utf8->canonical->allow_nonref;
my %unfinished;

# ---- starting and stopping

# new(%options): the folder, the database and the configuration. The options:
#   schema        files that make the database, instead of the shipped
#                 schema.sql, documents.sql and demo.sql; [] for none
#   history       true: the shipped history.sql is installed as well
#   database      that of another server, to share it; undef for none
#   port          to listen to, instead of one that is free
#   database_options  more options of mariadbd
#   proxy         true: Apache connects to mariadbd through a proxy that breaks
#                 connections as it is planned; $server->database->proxy
#   statements    the folder of AccessTokenStatements; undef for no directive
#   location      the path of the method (/v4/access_tokens/update); undef for
#                 no <Location>
#   location_conf text inside that <Location>
#   conf          text at the end of httpd.conf
#   dbd           mod_dbd's settings other than default: driver, params, min,
#                 keep, max, exptime, init_sql (undef for no such directive);
#                 undef for no line of mod_dbd
#   modules       names of more modules to load; without: not to load
#   shipped       true: the shipped conf files, in a virtual host, replace
#                 statements, location, location_conf and dbd
#   log_level     LogLevel (notice access_token:trace8)
#   preload       the name of a C file in t/data/preload: its functions replace
#                 those of the libraries in httpd
#   environment   more environment variables for httpd
sub new {
    my ($class, %options) = @_;
    my $folder = File::Temp->newdir('at-XXXXXXXX', TMPDIR => 1,
                                    CLEANUP => !$ENV{AT_KEEP});
    chmod 0755, "$folder" or die "$folder: $!\n";
    Test::More::diag("kept: $folder") if $ENV{AT_KEEP};
    my $self = bless {
        folder => $folder,
        owner => $$,
        options => \%options,
        expected => [],
        allowed => [],
        port => $options{port} // free_port(),
    }, $class;
    mkdir "$folder/htdocs" or die "$folder/htdocs: $!\n";
    # A page that no other server has.
    $self->write_file('htdocs/index.html', "ready: $folder\n");
    $self->check_reach('htdocs/index.html');
    $options{environment}{LD_PRELOAD} = $self->make_library($options{preload})
        if $options{preload};
    $self->{database} = exists $options{database} ? $options{database}
                                                  : $self->make_database;
    $self->write_conf;
    return $self;
}

# The path of a shared library, which is compiled from the C file NAME.
sub make_library {
    my ($self, $name) = @_;
    my $file = srcdir() . "/t/data/preload/$name.c";
    my $library = $self->path("$name.so");
    system($ENV{CC} || 'cc', qw(-O1 -shared -fPIC -o), $library, $file, qw(-ldl -lpthread)) == 0
        or die "$file could not be compiled\n";
    return $library;
}

# Dies unless Apache's children can read the file NAME.
sub check_reach {
    my ($self, $name) = @_;
    my $user = httpd_user() // return;
    my ($uid, $gid) = (getpwnam $user)[2, 3];
    local $) = "$gid $gid";
    local $> = $uid;
    -r $self->path($name) or die "the user $user can't reach $self->{folder}: allow it to pass "
        . "the folders above (chmod o+x), or set TMPDIR to one that it can pass\n";
    return;
}

sub make_database {
    my ($self) = @_;
    my $options = $self->{options};
    need_engine(engine());
    my $class = { sqlite3 => 'AccessTokenTest::SQLite',
                  mariadb => 'AccessTokenTest::MariaDB',
                  mysql => 'AccessTokenTest::MySQL' }->{ engine() };
    eval "require $class; 1" or die $@;
    my $database = $class->new(
        folder => "$self->{folder}", user => httpd_user(),
        srcdir => srcdir(), builddir => builddir(),
        options => $options->{database_options}, proxy => $options->{proxy});
    my $sql = srcdir() . '/sql/' . $database->sql_folder;
    my $schema = $options->{schema};
    $database->load($_) for @{ $schema // [map { "$sql/$_.sql" } qw(schema documents demo)] },
        $options->{history} ? "$sql/history.sql" : ();
    $database->grant($schema ? undef : "$sql/grants.sql");
    return $database;
}

# start(%options): new, and Apache runs.
sub start {
    my ($class, %options) = @_;
    my $self = $class->new(%options);
    $self->run;
    return $self;
}

# Starts Apache; returns when it answers.
sub run {
    my ($self) = @_;
    weaken($unfinished{$self} = $self);
    for my $attempt (1 .. 4) {
        return if $self->try_to_run;
        last if $self->{options}{port}
            || $self->error_log . $self->output !~ /Address already in use/;
        # Another program was quicker: a new port, and a new log.
        $self->{port} = free_port();
        $self->write_conf;
        unlink $self->path('error.log'), $self->path('output.log');
    }
    my $said = $self->output . $self->error_log;
    delete $unfinished{$self};
    die "Apache did not start:\n$said";
}

sub try_to_run {
    my ($self) = @_;
    $self->{http} = http_client();
    $self->{process} = AccessTokenTest::Process->start(
        command => [httpd_program(), '-D', 'FOREGROUND',
                    '-f', $self->path('httpd.conf')],
        environment => { $self->{database} ? %{ $self->{database}->environment } : (),
                         %{ $self->{options}{environment} // {} } },
        output => $self->path('output.log'));
    my $until = time + 30;
    while ($self->{process}->is_running && time < $until) {
        my $reply = $self->{http}->get($self->url('/index.html'));
        return 1 if $reply->{status} == 200 && $reply->{content} eq "ready: $self->{folder}\n";
        sleep 0.02;
    }
    return 0;
}

# Ends Apache; run starts it again, with the same port, logs and database.
sub stop {
    my ($self) = @_;
    $self->wait_for_rest if mpm() eq 'event';
    my $process = delete $self->{process} or return;
    $process->stop or push @{ $self->{complaints} }, 'Apache did not end';
    return;
}

# Returns when no thread of a child works, or after a second. When the event MPM is
# asked to end, it closes the sockets of its threads, and crashes on one that is being freed:
# apr_os_sock_get, under close_worker_sockets of the main thread, while a thread is
# in ap_queue_info_push_pool with the pool of a connection that has just ended. That
# was seen in one of 300 children without this module, which served a static page.
sub wait_for_rest {
    my ($self) = @_;
    my $until = time + 1;
    while (time < $until) {
        return if !grep { works($_) } map { glob "/proc/$_/task/*/stat" } $self->children;
        sleep 0.005;
    }
    return;
}

# Whether a thread is neither asleep nor gone.
sub works {
    my ($stat) = @_;
    open my $file, '<', $stat or return 0;
    my $line = <$file>;
    close $file;
    return defined $line && $line !~ /\) [SZX] /;
}

# Ends Apache and all its children at once, as a power cut would.
sub kill_all {
    my ($self) = @_;
    my $process = delete $self->{process} or return;
    CORE::kill '-KILL', $process->pid;
    $process->stop('KILL');
    return;
}

sub restart {
    my ($self) = @_;
    $self->stop;
    $self->run;
    return;
}

# What "apachectl graceful" does; returns when the log says that it was done, and
# when the old children are gone, which still take calls for a moment.
sub graceful {
    my ($self) = @_;
    my $resumed = sub { scalar(() = $self->error_log =~ /resuming normal/g) };
    my $before = $resumed->();
    my @old = $self->children;
    $self->{process}->signal('USR1');
    $self->wait_for(sub { $resumed->() > $before })
        or die "Apache did not restart\n";
    # A connection that was kept leads to one of them.
    $self->{http} = http_client();
    $self->wait_for(sub { my %there = map { $_ => 1 } $self->children; !grep { $there{$_} } @old });
    return;
}

# The processes that serve.
sub children {
    my ($self) = @_;
    my $parent = $self->pid // return;
    return map { /(\d+)/ } grep { !/defunct/ } `ps -o pid=,comm= --ppid $parent`;
}

# Kills one of them and returns its pid. The error log may have a line about it.
sub kill_child {
    my ($self) = @_;
    my @children = $self->children or return;
    my $pid = $children[rand @children];
    $self->{may_die}{$pid} = qr/Killed/;
    return kill('KILL', $pid) ? $pid : undef;
}

# restart while calls are under way. Under the event MPM each of them must wait for
# something then (see wait_for_rest): if the calls do not wait by themselves, HOLD makes
# them wait, and returns the code that lets them go. A thread may log that its socket is
# closed (AH03092). A child that does not end is killed.
sub restart_under_load {
    my ($self, $hold) = @_;
    $self->{may_die}{$_} = qr/Killed/ for $self->children;
    $self->allow_log(qr/\[mpm_event:error\].*Bad file descriptor: AH03092/);
    if ($hold && mpm() eq 'event') {
        my $let_go = $hold->();
        $self->wait_for_rest;
        $self->{process}->signal('TERM');
        sleep 1;                 # until the children have got the signal
        $let_go->();
    }
    $self->restart;
    return;
}

sub pid { $_[0]{process} && $_[0]{process}->pid }
sub is_running { $_[0]{process} && $_[0]{process}->is_running }

# Stops Apache and tests that the error log is as it should be.
sub finish {
    my ($self, $name) = @_;
    $self->stop;
    delete $unfinished{$self};
    my @wrong = (@{ $self->{complaints} // [] }, $self->unexpected_lines,
        map { "missing: $_" } $self->missing_lines);
    Test::More::ok(!@wrong, $name // 'the error log holds what it should')
        or Test::More::diag(join "\n", @wrong);
    return !@wrong;
}

sub DESTROY {
    my ($self) = @_;
    return if $self->{owner} != $$;
    local ($?, $!, $@);
    $self->stop;
    return;
}

END {
    my @forgotten = grep { $_ && $_->{owner} == $$ } values %unfinished;
    for my $server (@forgotten) {
        Test::More::diag("the server's finish was not called; its error log:\n"
            . join "\n", $server->unexpected_lines);
        $server->stop;
    }
    $? = 1 if @forgotten && $? == 0;
}

# ---- the database

sub database { $_[0]{database} }
sub dbh { $_[0]{database}->dbh }

# All access tokens as one text, to see whether anything has changed.
sub tokens {
    my ($self) = @_;
    my $rows = $self->dbh->selectall_arrayref('SELECT * FROM access_tokens ORDER BY id');
    return $json->encode([map { [map { defined() ? "$_" : undef } @$_] } @$rows]);
}

# The history of the access token ID, the oldest line first; fields, old_values
# and new_values are decoded.
sub history {
    my ($self, $id) = @_;
    my $lines = $self->dbh->selectall_arrayref(
        'SELECT * FROM access_token_changes WHERE token_id = ? ORDER BY id',
        { Slice => {} }, $id);
    my $decoder = JSON::PP->new;
    for my $line (@$lines) {
        $line->{$_} = $decoder->decode($line->{$_}) for qw(fields old_values new_values);
    }
    return @$lines;
}

# Restores the demonstration's rows. Deletes the history, since the versions of the
# access tokens would go on from it.
sub reset_data {
    my ($self) = @_;
    my $database = $self->{database};
    $self->dbh->do('DELETE FROM access_token_changes') if $self->{options}{history};
    $database->load(srcdir() . '/sql/' . $database->sql_folder . '/demo.sql');
    return;
}

1;
