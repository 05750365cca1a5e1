# ./dev demo in difficult places: proxies in the environment, ports in use, two at the
# same time, signals, folders that Apache's user can't pass, a busy apt. And the tests'
# own Apache in the same places.
use strict;
use warnings;

my @proxies;

BEGIN {
    # No one listens there.
    @proxies = map { ($_, uc) } qw(http_proxy https_proxy all_proxy);
    $ENV{$_} = 'http://127.0.0.1:1' for @proxies;
    delete @ENV{qw(no_proxy NO_PROXY)};
}

use File::Temp ();
use IO::Socket::INET;
use POSIX ();
use Test::More;
use Time::HiRes qw(sleep time);

use AccessTokenTest;
use AccessTokenTest::Process;

# The demonstration's engine.
AccessTokenTest::need_engine('sqlite3');

my $dev = AccessTokenTest::srcdir() . '/dev';
my $reply_file = AccessTokenTest::srcdir() . '/t/data/example-response.json';
my $folder = File::Temp->newdir('at-XXXXXXXX', TMPDIR => 1, CLEANUP => 1);
chmod 0755, $folder;
mkdir "$folder/$_" or die "$folder/$_: $!\n" for qw(home build temporary);
symlink AccessTokenTest::builddir() . '/mod_access_token', "$folder/build/mod_access_token"
    or die "symlink: $!\n";

# curl reads this file before anything else.
write_text("$folder/home/.curlrc", "proxy = http://127.0.0.1:1\nurl = http://127.0.0.1:1/\n");

my %environment = (
    AT_BUILDDIR => "$folder/build",
    DEV_NO_INSTALL => 1,
    HOME => "$folder/home",
    TMPDIR => "$folder/temporary",
    map({ $_ => 'http://127.0.0.1:1' } @proxies),
);

sub write_text {
    my ($path, $text, $mode) = @_;
    open my $file, '>', $path or die "$path: $!\n";
    print {$file} $text;
    close $file or die "$path: $!\n";
    chmod $mode // 0644, $path;
    return;
}

sub text_of {
    my ($path) = @_;
    open my $file, '<', $path or return '';
    return do { local $/; <$file> } // '';
}

sub wait_for { AccessTokenTest->wait_for($_[0], $_[1] // 60) }

# ---- demonstrations

my $count = 0;

# demo(\%environment, ARGUMENTS): starts ./dev demo.
sub demo {
    my ($more, @arguments) = @_;
    my $output = "$folder/output-" . ++$count;
    return {
        output => $output,
        process => AccessTokenTest::Process->start(
            command => ['bash', $dev, 'demo', @arguments], output => $output,
            environment => { %environment, %$more }),
    };
}

sub said { text_of($_[0]{output}) }

# The exit status of a demonstration once it has ended; 128 plus the signal that ended it.
sub status_of {
    my ($demo) = @_;
    my $process = $demo->{process};
    wait_for(sub { !$process->is_running }, 120) or return 'runs';
    my $status = $process->exit_status;
    return $status & 127 ? 128 + ($status & 127) : $status >> 8;
}

# Waits until it serves, and reads folder, port and process from its output.
sub served {
    my ($demo) = @_;
    my $said = wait_for(sub { !$demo->{process}->is_running || said($demo) =~ /at the end\./ });
    ($demo->{folder}) = said($demo) =~ m{^The logs +(\S+)/error\.log}m;
    ($demo->{port}) = said($demo) =~ /serves on 127\.0\.0\.1:(\d+)/;
    $demo->{httpd} = $demo->{folder} && text_of("$demo->{folder}/httpd.pid") + 0;
    return $demo->{process}->is_running && $demo->{httpd};
}

sub serves {
    my ($demo) = @_;
    my $reply = HTTP::Tiny->new->get("http://127.0.0.1:$demo->{port}/access-token-ready");
    return $reply->{status} == 200 && $reply->{content} =~ /OK/;
}

# The processes that were started with a file of RUN, the folder of a demonstration.
sub processes_of {
    my ($run) = @_;
    $run && index($run, "$folder/temporary/access-token-") == 0 or die "not a demonstration's folder\n";
    return grep { text_of("/proc/$_/cmdline") =~ m{\Q$run/\E} } map { m{(\d+)} } glob '/proc/[0-9]*';
}

sub kept_folders { glob "$folder/temporary/*" }

# program(NAME, PATTERN, NUMBER): an environment in which call NUMBER of NAME with such
# arguments waits until let_go.
sub program {
    my ($name, $pattern, $number) = @_;
    my $base = "$folder/bin-" . ++$count;
    my ($real) = grep { -x } map { "$_/$name" } split /:/, "$ENV{PATH}:/usr/sbin:/sbin";
    $real = AccessTokenTest::httpd_program() if $name eq 'apache2';
    mkdir $base or die "$base: $!\n";
    write_text("$base/$name", <<"END", 0755);
#!/bin/sh
case "\$*" in
*$pattern*)
    echo call >>$base/calls
    if [ "\$(wc -l <$base/calls)" = $number ]; then
        : >$base/waits
        while [ ! -e $base/go ]; do sleep 0.05; done
    fi
esac
exec $real "\$@"
END
    return { PATH => "$base:$ENV{PATH}", base => $base };
}

sub waits {
    my ($program) = @_;
    return wait_for(sub { -e "$program->{base}/waits" });
}

sub let_go { write_text("$_[0]{base}/go", '') }

# Another server at PORT, which answers every request with 200 and the right reply. It
# prints the first lines of the requests. Undef if the port is in use.
sub foreign_server {
    my ($port) = @_;
    # The sockets of a killed process may outlive it for a moment.
    my $listener = wait_for(sub {
        IO::Socket::INET->new(LocalAddr => '127.0.0.1', LocalPort => $port,
                              Listen => 20, ReuseAddr => 1)
    }, 5) or return;
    my $server = { port => $listener->sockport, output => "$folder/foreign-" . ++$count };
    my $body = text_of($reply_file);
    my $reply = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close\r\n"
        . 'Content-Length: ' . length($body) . "\r\n\r\n$body";
    $server->{process} = AccessTokenTest::Process->start(
        output => $server->{output}, code => sub {
            local $| = 1;
            while (my $client = $listener->accept) {
                my $request = AccessTokenTest::read_all($client, 0.2);
                print $request =~ /\A(.*)/ ? "$1\n" : "nothing\n";
                print {$client} $reply;
            }
        });
    return $server;
}

sub port_of { text_of((glob "$folder/temporary/access-token-*/httpd.conf")[0]) =~ /^Listen .*:(\d+)/m ? $1 : 0 }

# ---- proxies, and .curlrc

{
    my $demo = demo({}, '--once');
    is(status_of($demo), 0, 'proxies in the environment, and a .curlrc: the demonstration succeeds')
        or diag(said($demo));
    like(said($demo), qr/^This is t\/data\/example-response\.json/m, 'and prints that the reply is right');
    is_deeply([kept_folders()], [], 'and leaves nothing behind');
}

# ---- ports in use

{
    my $apache = program('apache2', 'FOREGROUND', 1);
    my $demo = demo({ PATH => $apache->{PATH} }, '--once');
    ok(waits($apache), 'Apache is about to open its port');
    my $port = port_of();
    # Undef: another server has that port already.
    my $foreign = foreign_server($port);
    let_go($apache);
    is(status_of($demo), 0, 'another server opens the port first: the demonstration succeeds')
        or diag(said($demo));
    my ($served) = said($demo) =~ /serves on 127\.0\.0\.1:(\d+)/;
    isnt($served, $port, 'at another port');
    unlike($foreign ? text_of($foreign->{output}) : '', qr/POST/, 'and that server gets no calls');
}
{
    my $foreign = foreign_server(0);
    my $demo = demo({}, '--once', '--port', $foreign->{port});
    is(status_of($demo), 1, '--port with a port in use: the demonstration fails');
    like(said($demo), qr/port $foreign->{port} of 127\.0\.0\.1 is in use/, 'and says that it is in use');
}

# ---- Apache ends, and another server opens its port

{
    my $curl = program('curl', '--data-binary', 2);
    my $demo = demo({ PATH => $curl->{PATH} }, '--once');
    ok(waits($curl), 'the first call is answered');
    my ($run) = map { s{/httpd\.pid\z}{}r } glob "$folder/temporary/access-token-*/httpd.pid";
    my $port = port_of();
    kill 'KILL', processes_of($run);
    ok(wait_for(sub { !processes_of($run) }), 'Apache is killed');
    my $foreign = foreign_server($port);
    let_go($curl);
    is(status_of($demo), 1, 'another server opens its port: the demonstration fails');
    like(said($demo), qr/no reply of this demonstration's own Apache/, 'and prints the reason');
    like(said($demo), qr/^-- error\.log\n.*AH00489/ms, 'and prints the error log');
    like(said($demo), qr/folder is kept: \Q$run\E$/m, 'and the folder where it is kept');
    ok(-s "$run/error.log", 'there');
    my $program = AccessTokenTest::httpd_program();
    like(`"$program" -t -f "$run/httpd.conf" 2>&1`, qr/^Syntax OK$/m, 'and the folder has all that Apache needs');
}

# ---- two demonstrations, and signals

{
    my ($one, $two) = map { demo({}) } 1 .. 2;
    ok(served($_), 'one of two demonstrations serves') or diag(said($_)) for $one, $two;
    isnt($one->{port}, $two->{port}, 'each on a port of its own');
    is(scalar(() = text_of("$_->{folder}/access_token.log") =~ /"POST /g), 4, 'each got its own four calls')
        for $one, $two;

    # The terminal sends this to the processes in its foreground.
    kill '-WINCH', $one->{process}->pid;
    ok(!wait_for(sub { !kill 0, $one->{httpd} }, 2), 'the terminal is resized: Apache runs');
    ok(serves($one), 'and serves');

    kill '-INT', $one->{process}->pid;
    is(status_of($one), 130, 'Ctrl-C ends it');
    is_deeply([processes_of($one->{folder})], [], 'no process is left');
    ok(!-e $one->{folder}, 'no file either');
    ok(serves($two), 'the other one serves');

    kill 'KILL', $two->{process}->pid;
    is(status_of($two), 128 + 9, './dev is killed');
    ok(wait_for(sub { !processes_of($two->{folder}) }), 'Apache ends too');
}
{
    my $demo = demo({});
    ok(served($demo), 'a demonstration serves') or diag(said($demo));
    kill 'KILL', $demo->{httpd};
    is(status_of($demo), 1, 'Apache is killed: the demonstration ends');
    like(said($demo), qr/Apache has ended\n.*^-- error\.log\n/ms, 'and prints the error log');
    ok(-s "$demo->{folder}/error.log", 'which it keeps');
    is_deeply([processes_of($demo->{folder})], [], 'no child is left');
}

# ---- folders that Apache's children can't pass

SKIP: {
    skip 'Apache runs as the same user, who can pass all these folders', 8 if $> != 0;
    my $user = AccessTokenTest::httpd_user();
    mkdir "$folder/$_" for qw(closed closed/build closed/temporary);
    symlink AccessTokenTest::builddir() . '/mod_access_token', "$folder/closed/build/mod_access_token";
    chmod 0700, "$folder/closed";
    my %closed = (TMPDIR => "$folder/closed/temporary");

    my $demo = demo({ %closed, AT_BUILDDIR => "$folder/closed/build" }, '--once');
    is(status_of($demo), 1, 'Apache can reach no folder: the demonstration fails');
    like(said($demo), qr{the user $user, who can't pass\n\Q$folder\E/closed  \(drwx------ root:root\)}, 'prints the folder');
    like(said($demo), qr{chmod o\+x \Q$folder\E/closed\b}, 'and the command that helps');
    unlike(said($demo), qr/HTTP \d/, 'before any call');

    $demo = demo({ %closed }, '--once');
    is(status_of($demo), 0, 'a closed folder for temporary files') or diag(said($demo));
    like(said($demo), qr{The user $user can't pass\n\Q$folder\E/closed  .*\n.*\nWhat runs is in \Q$folder\E/build/runs/}, 'the demonstration names another folder');

    local $ENV{TMPDIR} = "$folder/closed/temporary";
    ok(!eval { AccessTokenTest->new(database => undef); 1 }, 'a test in such a folder');
    like($@, qr/the user $user can't reach/, 'fails and prints the reason');
}

# ---- a package is missing, and another process installs some

{
    my $bin = "$folder/bin-apt";
    mkdir $bin or die "$bin: $!\n";
    my ($pkg_config) = grep { -x } map { "$_/pkg-config" } split /:/, $ENV{PATH};
    write_text("$bin/pkg-config", <<"END", 0755);
#!/bin/sh
case "\$*" in *yajl*) test -e $bin/installed; exit; esac
exec $pkg_config "\$@"
END
    # apt-get itself does not wait for this lock.
    write_text("$bin/apt-get", <<"END", 0755);
#!/bin/sh
echo "\$*" >>$bin/calls
case \$(grep -c " \$2\\|^\$1" $bin/calls) in
1)  echo "E: Could not get lock /var/lib/apt/lists/lock. It is held by process 1 (init)" >&2
    exit 100 ;;
esac
case "\$*" in *install*) : >$bin/installed ;; esac
END
    write_text("$bin/sudo", "#!/bin/sh\nshift\nexec \"\$@\"\n", 0755);
    my $demo = demo({ DEV_NO_INSTALL => '', PATH => "$bin:$ENV{PATH}" }, '--once');
    is(status_of($demo), 0, './dev waits for a lock of apt') or diag(said($demo));
    like(said($demo), qr/Another process installs packages.*\n.*held by process 1 \(init\)$/m, 'and prints who holds it');
    is_deeply([grep { !/ DPkg::Lock::Timeout=/ } split /\n/, text_of("$bin/calls")], [],
              'and lets each apt-get wait for the lock of dpkg');
    like(text_of("$bin/calls"), qr/update.*\n.*update.*\n.*install.* libyajl-dev\n/, 'and then installs the missing package');
}

# ---- other databases

for my $engine ('mariadb', $ENV{AT_MYSQL} ? 'mysql' : ()) {
    SKIP: {
        my @missing = AccessTokenTest::missing_for($engine);
        skip "$engine needs @missing", 1 if @missing;
        my $demo = demo({}, '--database', $engine);
        ok(served($demo), "a demonstration on $engine serves") or diag(said($demo));
        like(said($demo), qr/^This is t\/data\/example-response\.json/m, 'the example is right');
        unlike(said($demo), qr/^THIS IS NOT/m, 'and so are the other replies');
        my ($client) = said($demo) =~ /^The database +(.+)$/m;
        my $number = `echo "SELECT number FROM access_tokens WHERE identifier = 'api1test12up'" | $client -N`;
        like($number, qr/\A\d+\n\z/, 'and it prints the command that opens a client');
        is((stat "$demo->{folder}/mariadb")[2] & 07, 0, 'no other user can reach its socket');
        my @processes = processes_of($demo->{folder});
        cmp_ok(scalar @processes, '>=', 3, 'its processes');
        $demo->{process}->signal('INT');
        is(status_of($demo), 130, 'Ctrl-C ends it');
        ok(wait_for(sub { !processes_of($demo->{folder}) }), 'with all its processes');
        ok(!-e $demo->{folder}, 'and its folder is removed');
    }
}
is(`bash $dev demo --database oracle 2>&1`, "./dev: --database takes sqlite3, mariadb or mysql\n", 'there are no others');

# ---- the tests' own Apache

{
    my $server = AccessTokenTest->new;
    my $foreign = foreign_server($server->port);
    $server->run;
    isnt($server->port, $foreign->{port}, 'a test does not use a port of another server');
    is($server->request('GET', '/index.html')->{status}, 200, 'and uses no proxy');
    $server->finish;
}

done_testing;
