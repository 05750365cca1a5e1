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
# The environment chooses: AT_ENGINE (sqlite3, mariadb), AT_MPM (event, worker,
# prefork), AT_CACHED (1: the statements with lookups), AT_WAY (how the module comes
# to MariaDB: socket, tcp), AT_SRCDIR, AT_BUILDDIR, AT_HTTPD, AT_HTTPD_MODULES.
# AT_KEEP=1 leaves the folder of the run behind and tells its name.

use strict;
use warnings;

use Cwd qw(abs_path);
use File::Basename qw(dirname);
use File::Copy qw(copy);
use File::Path qw(make_path);
use File::Temp ();
use HTTP::Tiny;
use IO::Select;
use IO::Socket::INET;
use JSON::PP ();
use POSIX ();
use Scalar::Util qw(weaken);
use Socket qw(IPPROTO_TCP TCP_NODELAY);
use Test::More ();
use Time::HiRes qw(sleep time);

use AccessTokenTest::Process;

# All servers are on this machine, and what they are to read is made here.
delete @ENV{map { ($_, uc) } qw(http_proxy https_proxy all_proxy)};
umask 022;

our $PATH = '/v4/access_tokens/update';

my $json = JSON::PP->new->utf8->canonical->allow_nonref;
my %unfinished;

# HTTP::Tiny writes head and body apart; without this the body of each request
# waits some 40 ms for the acknowledgement of its head.
if (my $connect = HTTP::Tiny::Handle->can('connect')) {
    no warnings 'redefine';
    *HTTP::Tiny::Handle::connect = sub {
        my $handle = $connect->(@_);
        setsockopt $handle->{fh}, IPPROTO_TCP, TCP_NODELAY, 1;
        return $handle;
    };
}

# ---- what the environment says

sub srcdir {
    return $ENV{AT_SRCDIR} // abs_path(dirname(__FILE__) . '/../..');
}

sub builddir { $ENV{AT_BUILDDIR} // srcdir() }
sub engine { $ENV{AT_ENGINE} || 'sqlite3' }
sub mpm { $ENV{AT_MPM} || 'event' }
sub way { $ENV{AT_WAY} || 'socket' }
sub module_file { builddir() . '/mod_access_token/.libs/mod_access_token.so' }

sub apxs {
    my ($name) = @_;
    my $value = `apxs -q $name`;
    die "apxs -q $name failed\n" if $? != 0;
    chomp $value;
    return $value;
}

sub httpd_program {
    return $ENV{AT_HTTPD} ||= apxs('sbindir') . '/' . apxs('progname');
}

sub httpd_modules { $ENV{AT_HTTPD_MODULES} ||= apxs('LIBEXECDIR') }

# Apache's children must not be root; who they are if we are.
sub httpd_user {
    return undef if $> != 0;
    my ($user) = grep { defined getpwnam $_ }
        qw(www-data apache httpd daemon nobody);
    return $user;
}

# ---- starting and stopping

# new(%options): the folder, the database and the configuration. The options:
#   schema        files that make the database, instead of the shipped
#                 schema.sql and demo.sql; [] for none
#   history       true: the shipped history.sql is installed as well
#   database      that of another server, to share it; undef for none
#   port          to listen to, instead of one that is free
#   database_options  more options of mariadbd
#   proxy         true: between Apache and mariadbd stands a proxy that breaks
#                 connections where it is told to; $server->database->proxy
#   statements    the folder of AccessTokenStatements; undef for no directive
#   location      the path of the method (/v4/access_tokens/update); undef for
#                 no <Location>
#   location_conf text inside that <Location>
#   conf          text at the end of httpd.conf
#   dbd           mod_dbd's settings other than default: driver, params, min,
#                 keep, max, exptime, init_sql (undef for no such directive);
#                 undef for no line of mod_dbd
#   modules       names of more modules to load; without: not to load
#   shipped       true: the shipped conf files stand for statements, location,
#                 location_conf and dbd
#   log_level     LogLevel (notice access_token:trace8)
#   preload       the name of a C file in t/data/preload: what it defines takes the
#                 place of the libraries' functions in httpd
#   environment   more of it for httpd
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
    # What it says no other server does.
    $self->write_file('htdocs/index.html', "ready: $folder\n");
    $self->check_reach('htdocs/index.html');
    $options{environment}{LD_PRELOAD} = $self->make_library($options{preload})
        if $options{preload};
    $self->{database} = exists $options{database} ? $options{database}
                                                  : $self->make_database;
    $self->write_conf;
    return $self;
}

# The path of a library of its own, made of the C file NAME.
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
    my $class = { sqlite3 => 'AccessTokenTest::SQLite',
                  mariadb => 'AccessTokenTest::MariaDB' }->{ engine() }
        or die 'AT_ENGINE: ' . engine() . " is not an engine\n";
    eval "require $class; 1" or die $@;
    my $database = $class->new(
        folder => "$self->{folder}", user => httpd_user(),
        srcdir => srcdir(), builddir => builddir(),
        options => $options->{database_options}, proxy => $options->{proxy});
    my $sql = srcdir() . '/sql/' . $database->sql_folder;
    my $schema = $options->{schema};
    $database->load($_) for @{ $schema // ["$sql/schema.sql", "$sql/demo.sql"] },
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

sub http_client {
    return HTTP::Tiny->new(keep_alive => 1, timeout => 60, max_redirect => 0, agent => 'test');
}

# Ends Apache; run starts it again, with the same port, logs and database.
sub stop {
    my ($self) = @_;
    $self->wait_for_rest if mpm() eq 'event';
    my $process = delete $self->{process} or return;
    $process->stop or push @{ $self->{complaints} }, 'Apache did not end';
    return;
}

# Returns when no thread of a child works, or after a second. The event MPM, asked
# to end, closes the sockets of its threads, and crashes on one that is being freed:
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
# when the old children are gone, which take calls for a moment still.
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

# The processes that serve, and the death of one of them: its pid. The line that
# the error log has for it is right.
sub children {
    my ($self) = @_;
    my $parent = $self->pid // return;
    return map { /(\d+)/ } grep { !/defunct/ } `ps -o pid=,comm= --ppid $parent`;
}

sub kill_child {
    my ($self) = @_;
    my @children = $self->children or return;
    my $pid = $children[rand @children];
    $self->{may_die}{$pid} = qr/Killed/;
    return kill('KILL', $pid) ? $pid : undef;
}

# restart while calls are under way. Under the event MPM that is when each of them
# waits for something (see wait_for_rest): HOLD, if the calls do not wait by themselves,
# makes them, and returns the code that lets them go. A thread whose socket is closed
# may find that out as well (AH03092). A child that does not end is killed.
sub restart_under_load {
    my ($self, $hold) = @_;
    $self->{may_die}{$_} = qr/Killed/ for $self->children;
    $self->allow_log(qr/\[mpm_event:error\].*Bad file descriptor: AH03092/);
    if ($hold && mpm() eq 'event') {
        my $let_go = $hold->();
        $self->wait_for_rest;
        $self->{process}->signal('TERM');
        sleep 1;                 # until the children were told to end
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

# ---- the configuration

# configtest(%options of new): the exit status of httpd -t, and its words.
sub configtest {
    my ($self, %options) = @_;
    $self = $self->new(schema => [], %options) if !ref $self;
    my $file = $self->path('httpd.conf');
    my $program = httpd_program();
    my $output = `"$program" -t -f "$file" 2>&1`;
    return ($? >> 8, $output);
}

sub write_conf {
    my ($self) = @_;
    $self->write_file('httpd.conf', $self->httpd_conf);
    return;
}

sub httpd_conf {
    my ($self) = @_;
    my $options = $self->{options};
    my $log_level = $options->{log_level} // 'notice access_token:trace8';
    my $log_format = '%m %U %>s %u id=%{access_token_id}n '
        . 'code=%{access_token_code}n request=%{access_token_request_id}n';
    return join '', <<"END",
ServerName 127.0.0.1
ServerRoot "$self->{folder}"
Listen 127.0.0.1:$self->{port}
PidFile httpd.pid
DefaultRuntimeDir "$self->{folder}"
DocumentRoot "$self->{folder}/htdocs"
@{[ user_conf() ]}
@{[ $self->modules_conf ]}
<IfModule mime_module>
    TypesConfig /dev/null
</IfModule>
ErrorLog error.log
LogLevel $log_level
LogFormat "$log_format" test
CustomLog access.log test
Timeout 20
GracefulShutdownTimeout 5
@{[ mpm_conf() ]}
<Directory />
    Require all granted
</Directory>
END
        $options->{shipped} ? $self->shipped_conf
                            : $self->dbd_conf . $self->method_conf,
        ($options->{conf} // ''), "\n";
}

sub user_conf {
    my $user = httpd_user() // return '';
    my $group = getgrgid((getpwnam $user)[3]);
    return "User $user\nGroup $group";
}

sub mpm_conf {
    return <<'END' if mpm() eq 'prefork';
StartServers 4
MinSpareServers 2
MaxSpareServers 8
MaxRequestWorkers 32
END
    return <<'END';
StartServers 2
ServerLimit 4
ThreadsPerChild 16
MinSpareThreads 16
MaxSpareThreads 64
MaxRequestWorkers 64
END
}

# One process with many threads, for "conf": what could wait for each other does.
# Under prefork nothing.
sub one_child_conf {
    return '' if mpm() eq 'prefork';
    return <<'END';
StartServers 1
ServerLimit 1
ThreadLimit 64
ThreadsPerChild 32
MinSpareThreads 1
MaxSpareThreads 32
MaxRequestWorkers 32
END
}

# LoadModule lines. What is compiled into httpd has no file.
sub modules_conf {
    my ($self) = @_;
    my %without = map { $_ => 1 } @{ $self->{options}{without} // [] };
    my $folder = httpd_modules();
    my @lines = map { qq(LoadModule ${_}_module "$folder/mod_$_.so") }
        grep { !$without{$_} && -e "$folder/mod_$_.so" }
        'mpm_' . mpm(), qw(
            unixd log_config authn_core authn_file authn_dbd authz_core
            authz_user authz_host auth_basic dbd unique_id headers mime filter
            deflate alias env setenvif reqtimeout status
        ), @{ $self->{options}{modules} // [] };
    push @lines, 'LoadModule access_token_module "' . module_file() . '"'
        if !$without{access_token};
    return join "\n", @lines;
}

sub dbd_conf {
    my ($self) = @_;
    my $options = $self->{options};
    return '' if !$self->{database} || exists $options->{dbd} && !$options->{dbd};
    my %dbd = ($self->{database}->dbd_defaults, %{ $options->{dbd} // {} });
    my @names = ([driver => 'DBDriver'], [params => 'DBDParams'],
                 [min => 'DBDMin'], [keep => 'DBDKeep'], [max => 'DBDMax'],
                 [exptime => 'DBDExptime'], [init_sql => 'DBDInitSQL']);
    # No more idle ones than there may be.
    for my $name (qw(min keep)) {
        $dbd{$name} = $dbd{max}
            if defined $dbd{max} && defined $dbd{$name} && $dbd{$name} > $dbd{max};
    }
    return join '', map { qq($_->[1] "$dbd{$_->[0]}"\n) }
        grep { defined $dbd{ $_->[0] } } @names;
}

# The statements that are shipped, in files that belong to us and that nobody else
# can write, as an installation has them: a working copy may be another user's, or
# have been made with another umask.
my $data;

sub datadir {
    return "$data" if $data;
    $data = File::Temp->newdir('at-data-XXXXXXXX', TMPDIR => 1);
    chmod 0755, "$data" or die "$data: $!\n";
    for my $folder (map { $_, glob "$_/lookups" }
            map { glob srcdir() . "/$_/*/statements*" } qw(sql t/data/own-schema)) {
        my $to = $data . substr $folder, length srcdir();
        make_path($to);
        copy($_, $to) or die "$_: $!\n" for glob "$folder/*.sql";
    }
    return "$data";
}

# The folder, or those two with " :: " between them, of the statements that are
# shipped for an engine.
sub shipped_statements {
    my ($engine) = @_;
    my $folder = datadir() . "/sql/$engine/statements";
    return $ENV{AT_CACHED} ? "$folder-cached :: $folder" : $folder;
}

sub statements_conf {
    my ($statements) = @_;
    return qq(AccessTokenStatements "$statements"\n) =~ s/ :: /" "/r;
}

# files_in(STATEMENTS), a folder or two as of shipped_statements: what each file is
# called below its folder, and its path. Where both have one, the first's counts.
sub files_in {
    my ($statements) = @_;
    my %path;
    for my $folder (reverse split / :: /, $statements) {
        $path{ substr $_, 1 + length $folder } = $_
            for glob "$folder/*.sql $folder/lookups/*.sql";
    }
    return %path;
}

# The names, without .sql, of the statements in there: of the files that no other
# includes. A lookup's is lookups/NAME.
sub statements_in {
    my %path = files_in($_[0]);
    my %included = map { $_ => 1 }
        map { edited_file($_) =~ /^-- \@include (\w+\.sql)$/mg } values %path;
    return map { s/\.sql$//r } grep { !$included{$_} } sort keys %path;
}

# copy_statements(FOLDER, FILE => CODE, ...): the shipped ones in a FOLDER of the run,
# whose path it returns. CODE edits the text of FILE in $_, and says whether it has.
sub copy_statements {
    my ($self, $folder, %edit) = @_;
    my %path = files_in(shipped_statements($self->{database}->sql_folder));
    mkdir $self->path($_) or die "$_: $!\n"
        for $folder, grep({ m{/} } keys %path) ? "$folder/lookups" : ();
    $self->write_file("$folder/$_", edited_file($path{$_}, $edit{$_})) for keys %path;
    return $self->path($folder);
}

# The text of the file PATH as CODE leaves it, if there is a CODE.
sub edited_file {
    my ($path, $code) = @_;
    open my $file, '<:raw', $path or die "$path: $!\n";
    local $_ = do { local $/; <$file> };
    !$code || $code->() or die "$path has nothing to edit\n";
    return $_;
}

sub method_conf {
    my ($self) = @_;
    my $options = $self->{options};
    my $statements = exists $options->{statements} ? $options->{statements}
        : !$self->{database} ? undef
        : shipped_statements($self->{database}->sql_folder);
    my $location = exists $options->{location} ? $options->{location} : $PATH;
    my $conf = defined $statements ? statements_conf($statements) : '';
    $conf .= <<"END" if defined $location;
<Location "$location">
    SetHandler access-token-update
    @{[ $options->{location_conf} // '' ]}
</Location>
END
    return $conf;
}

sub shipped_conf {
    my ($self) = @_;
    my %defines = (ACCESS_TOKEN_DATA => datadir(), $self->{database}->defines);
    my $conf = srcdir() . '/conf';
    my $engine = $self->{database}->sql_folder;
    my $own = "$conf/access_token-$engine.conf";
    # To have other statements one is to change that line.
    $own = $self->write_file('database.conf', edited_file($own, sub {
        my $lines = statements_conf(shipped_statements($engine));
        s/^AccessTokenStatements .*\n/$lines/m;
    })) if $ENV{AT_CACHED};
    return join '',
        (map { qq(Define $_ "$defines{$_}"\n) } sort keys %defines),
        qq(Include "$own"\nInclude "$conf/access_token.conf"\n);
}

# ---- requests

sub port { $_[0]{port} }
sub url { "http://127.0.0.1:$_[0]{port}" . ($_[1] // $PATH) }

# request(METHOD, PATH, \%headers, CONTENT): a hash of status, reason, headers
# (names in lower case), content (bytes) and, where the reply is JSON, json.
# 599 is HTTP::Tiny's status for no reply at all; content says why.
sub request {
    my ($self, $method, $path, $headers, $content) = @_;
    my %options;
    $headers //= {};
    for my $name (keys %$headers) {
        $options{headers}{ lc $name } = $headers->{$name}
            if defined $headers->{$name};
    }
    $options{content} = $content if defined $content;
    return with_json($self->{http}->request($method, $self->url($path),
                                            \%options));
}

# post(BODY, \%headers, PATH): BODY as it is if it is text (bytes), as JSON if
# it is a reference. A header of undef is not sent.
sub post {
    my ($self, $body, $headers, $path) = @_;
    $body = $json->encode($body) if ref $body;
    $headers //= {};
    my %lower = map { lc $_ => $headers->{$_} } keys %$headers;
    return $self->request('POST', $path // $PATH,
        { 'content-type' => 'application/json', %lower }, $body);
}

sub with_json {
    my ($reply) = @_;
    my $type = $reply->{headers}{'content-type'} // '';
    $reply->{json} = eval { $json->decode($reply->{content}) }
        if $type =~ m{^application/(?:json|problem\+json)\b};
    return $reply;
}

# raw(PIECES, %options): sends bytes as they are, a string or one after the
# other of an array, and reads until the server closes. The reply as of
# request, with "bytes" as they came; no status if there was no reply.
#   pause    seconds between the pieces (0)
#   timeout  seconds that the server has after the last piece (20)
#   close    true: half-close after the last piece; "abort": close and don't
#            read at all
sub raw {
    my ($self, $pieces, %options) = @_;
    my $socket = $self->socket;
    local $SIG{PIPE} = 'IGNORE';
    my $first = 1;
    for my $piece (ref $pieces ? @$pieces : $pieces) {
        sleep $options{pause} if $options{pause} && !$first;
        $first = 0;
        print {$socket} $piece or last;
    }
    my $close = $options{close} // '';
    return {} if $close eq 'abort';
    shutdown $socket, 1 if $close;
    return parse_reply(read_all($socket, $options{timeout} // 20));
}

# A connection to do with as one likes; read_all and parse_reply are for it.
sub socket {
    my ($self) = @_;
    my $socket = IO::Socket::INET->new(
        PeerAddr => '127.0.0.1', PeerPort => $self->{port}, Timeout => 10)
        or die "connect: $!\n";
    $socket->autoflush(1);
    # What is written apart is to arrive apart.
    setsockopt $socket, IPPROTO_TCP, TCP_NODELAY, 1;
    binmode $socket;
    return $socket;
}

sub read_all {
    my ($socket, $timeout) = @_;
    my ($bytes, $until) = ('', time + $timeout);
    my $select = IO::Select->new($socket);
    while ((my $left = $until - time) > 0) {
        $select->can_read($left) or last;
        sysread($socket, $bytes, 65536, length $bytes) or last;
    }
    return $bytes;
}

sub parse_reply {
    my ($bytes) = @_;
    my %reply = (bytes => $bytes, headers => {}, content => '');
    # An interim reply (100 Continue) is not the reply.
    1 while $bytes =~ s{\AHTTP/1\.1 1\d\d .*?\r\n\r\n}{}s;
    my ($head, $content) = split /\r\n\r\n/, $bytes, 2;
    my ($line, @headers) = split /\r\n/, $head // '';
    @reply{qw(status reason)} = ($1, $2)
        if ($line // '') =~ m{^HTTP/1\.[01] (\d\d\d) ?(.*)};
    for (@headers) {
        my ($name, $value) = /^([^:]+):\s*(.*)/ or next;
        $name = lc $name;
        $value = "$reply{headers}{$name}, $value" if $reply{headers}{$name};
        $reply{headers}{$name} = $value;
    }
    $content = unchunk($content // '')
        if ($reply{headers}{'transfer-encoding'} // '') eq 'chunked';
    $reply{content} = $content // '';
    return with_json(\%reply);
}

sub unchunk {
    my ($bytes) = @_;
    my $content = '';
    while ($bytes =~ s/\A([0-9A-Fa-f]+)[^\r\n]*\r\n//) {
        my $length = hex $1 or last;
        $content .= substr $bytes, 0, $length, '';
        $bytes =~ s/\A\r\n//;
    }
    return $content;
}

# The text of a request with BODY, for raw: head, empty line and body.
sub request_text {
    my ($self, $body, %headers) = @_;
    my %all = ('Host' => '127.0.0.1', 'Connection' => 'close',
               'Content-Type' => 'application/json',
               'Content-Length' => length $body, %headers);
    return join "\r\n", "POST $PATH HTTP/1.1",
        (map { "$_: $all{$_}" } grep { defined $all{$_} } sort keys %all),
        '', $body;
}

# in_parallel(COUNT, CODE): CODE->(0 … COUNT - 1), all at once, each in a
# process of its own; the list of what they returned (a scalar that JSON can
# hold; a hash with the member "died" if it died). Die, or 60 seconds: no
# process is left behind.
sub in_parallel {
    my ($self, $count, $code, $seconds) = @_;
    pipe my $wait, my $go or die "pipe: $!\n";
    my (@children, %reader);
    for my $number (0 .. $count - 1) {
        pipe my $read, my $write or die "pipe: $!\n";
        my $pid = fork // die "fork: $!\n";
        if (!$pid) {
            close $_ for $go, $read;
            $SIG{$_} = 'DEFAULT' for qw(INT TERM HUP);
            sysread $wait, my $byte, 1;
            my $result = eval { $code->($number) } // { died => "$@" };
            print {$write} $json->encode($result);
            close $write;
            POSIX::_exit(0);
        }
        close $write;
        push @children, $pid;
        $reader{$number} = $read;
    }
    close $wait;
    close $go;
    my $until = time + ($seconds // 60);
    my @results = map {
        my $left = $until - time;
        my $text = read_all($reader{$_}, $left > 0 ? $left : 0);
        length $text ? $json->decode($text) : { died => 'no answer in time' };
    } 0 .. $count - 1;
    kill 'KILL', @children;
    local $?;
    waitpid $_, 0 for @children;
    return @results;
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

# A reply in one line: "422 VALIDATION_FAILED /pointer CODE, ...".
sub outcome {
    my ($reply) = @_;
    my $status = $reply->{status} // 'no reply';
    my $body = $reply->{json} // return "$status without JSON";
    my @errors = sort map { "$_->{pointer} $_->{code}" } @{ $body->{errors} // [] };
    my $code = ref $body->{status} ? $body->{status}{code} : $body->{code};
    return @errors ? "$status $code " . join ', ', @errors : "$status $code";
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

# The demonstration's rows as they were. Access tokens would go on with the
# versions of their history, if it was left.
sub reset_data {
    my ($self) = @_;
    my $database = $self->{database};
    $self->dbh->do('DELETE FROM access_token_changes') if $self->{options}{history};
    $database->load(srcdir() . '/sql/' . $database->sql_folder . '/demo.sql');
    return;
}

# ---- files and logs

sub path { "$_[0]{folder}/$_[1]" }

# A file with "secret" in its name is for its owner alone.
sub write_file {
    my ($self, $name, $content) = @_;
    my $path = $self->path($name);
    open my $file, '>:raw', $path or die "$path: $!\n";
    chmod 0600, $path or die "$path: $!\n" if $name =~ /secret/;
    print {$file} $content;
    close $file or die "$path: $!\n";
    return $path;
}

sub read_file {
    my ($self, $name) = @_;
    open my $file, '<:raw', $self->path($name) or return '';
    return do { local $/; <$file> } // '';
}

sub error_log { $_[0]->read_file('error.log') }
sub access_log { $_[0]->read_file('access.log') }
sub output { $_[0]->read_file('output.log') }

# wait_for(CODE, SECONDS): CODE's answer once it is true; false if never.
sub wait_for {
    my ($self, $code, $seconds) = @_;
    my $until = time + ($seconds // 10);
    while (1) {
        my $answer = $code->();
        return $answer if $answer || time > $until;
        sleep 0.02;
    }
}

# The first line of the log that matches, as soon as there is one.
sub wait_for_error {
    my ($self, $pattern, $seconds) = @_;
    return $self->wait_for(sub { first_line($pattern, $self->error_log) },
                           $seconds);
}

sub wait_for_access {
    my ($self, $pattern, $seconds) = @_;
    return $self->wait_for(sub { first_line($pattern, $self->access_log) },
                           $seconds);
}

sub first_line {
    my ($pattern, $text) = @_;
    my ($line) = grep { $_ =~ $pattern } split /\n/, $text;
    return $line;
}

# Lines of the error log that are right: expect_log's have to come, those of
# allow_log may. Neither makes a crash right.
sub expect_log {
    my ($self, @patterns) = @_;
    push @{ $self->{expected} }, @patterns;
    return;
}

sub allow_log {
    my ($self, @patterns) = @_;
    push @{ $self->{allowed} }, @patterns;
    return;
}

# Lines of level "warn" and above that no one expects, crashes, and what is not
# a line of the log at all: what a library printed, a sanitizer's report.
sub unexpected_lines {
    my ($self) = @_;
    # AH00045: a child that is slow to end is asked again.
    my @right = (@{ $self->{expected} }, @{ $self->{allowed} }, qr/AH00045:/);
    return grep {
        my $line = $_;
        my $level = $line =~ /^\[[^\]]+\] \[\w*:(\w+)\]/ ? $1 : 'none';
        my $is_crash = $line =~ /exit signal/;
        if ($line =~ /child pid (\d+) exit signal (.*)/ && $self->{may_die}{$1}) {
            $is_crash = $2 !~ $self->{may_die}{$1};
        }
        $is_crash
            || $level =~ /^(?:none|warn|error|crit|alert|emerg)$/
                && !grep { $line =~ $_ } @right;
    } grep { length } split /\n/, $self->output . $self->error_log;
}

sub missing_lines {
    my ($self) = @_;
    my $log = $self->error_log;
    return grep { !defined first_line($_, $log) } @{ $self->{expected} };
}

# A port of 127.0.0.1 that no one listens to.
sub free_port {
    my $socket = IO::Socket::INET->new(
        LocalAddr => '127.0.0.1', LocalPort => 0, Listen => 1)
        or die "no free port: $!\n";
    return $socket->sockport;
}

# COUNT ports to come back to after a restart: none of those that the system
# gives to outgoing connections, where it says which these are.
sub lasting_ports {
    my ($count) = @_;
    my ($first, $last) = (15_000, 32_000);
    if (open my $range, '<', '/proc/sys/net/ipv4/ip_local_port_range') {
        my ($lowest) = split ' ', <$range>;
        ($first, $last) = (5_000, $lowest) if $lowest > 10_000;
    }
    my @sockets;
    for (1 .. 100 * $count) {
        last if @sockets == $count;
        my $socket = IO::Socket::INET->new(LocalAddr => '127.0.0.1', Listen => 1,
            LocalPort => $first + int rand($last - $first)) or next;
        push @sockets, $socket;
    }
    die "no free ports\n" if @sockets < $count;
    return map { $_->sockport } @sockets;
}

1;
