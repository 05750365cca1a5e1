package AccessTokenTest::Conf;

# The server's methods that write and test httpd.conf. AccessTokenTest describes the
# options of it.

use strict;
use warnings;

use Exporter qw(import);

use AccessTokenTest::Environment qw($PATH srcdir mpm module_file httpd_program httpd_modules
    httpd_user);
use AccessTokenTest::Statements qw(datadir shipped_statements statements_conf edited_file);

our @EXPORT_OK = qw(one_child_conf);

# configtest(%options of new, and defines: a list of names): the exit status of httpd -t,
# and its output.
sub configtest {
    my ($self, %options) = @_;
    my $defines = join ' ', map { "-D $_" } @{ delete $options{defines} // [] };
    $self = $self->new(schema => [], %options) if !ref $self;
    my $file = $self->path('httpd.conf');
    my $program = httpd_program();
    my $output = `"$program" -t $defines -f "$file" 2>&1`;
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

# One process with many threads, for "conf": calls that can block each other do so.
# Nothing under prefork.
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
    # mod_dbd refuses more idle connections than its maximum.
    for my $name (qw(min keep)) {
        $dbd{$name} = $dbd{max}
            if defined $dbd{max} && defined $dbd{$name} && $dbd{$name} > $dbd{max};
    }
    return join '', map { qq($_->[1] "$dbd{$_->[0]}"\n) }
        grep { defined $dbd{ $_->[0] } } @names;
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
    my %defines = (ACCESS_TOKEN_DATA => datadir(), ACCESS_TOKEN_LOGS => "$self->{folder}", $self->{database}->defines);
    my $conf = srcdir() . '/conf';
    my $engine = $self->{database}->sql_folder;
    my $own = "$conf/access_token-$engine.conf";
    # An administrator changes this line to use other statements.
    $own = $self->write_file('database.conf', edited_file($own, sub {
        my $lines = statements_conf(shipped_statements($engine));
        s/^AccessTokenStatements .*\n/$lines/m;
    })) if $ENV{AT_STATEMENTS};
    return join '',
        (map { qq(Define $_ "$defines{$_}"\n) } sort keys %defines),
        qq(<VirtualHost *>\nInclude "$own"\nInclude "$conf/access_token.conf"\nCustomLog access.log test\n</VirtualHost>\n);
}

1;
