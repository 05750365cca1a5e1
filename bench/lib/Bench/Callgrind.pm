package Bench::Callgrind;

# Instructions and allocations for a call, by valgrind's callgrind.
#
# One server under callgrind answers some calls, another one more calls. The difference is
# the cost of these, without start and end of the server.

use strict;
use warnings;

use File::Basename qw(basename);
use File::Temp ();

use AccessTokenTest;
use Bench::Data;
use Bench::Measure;

our @CALLS = qw(malloc calloc realloc free apr_palloc apr_allocator_alloc);
our ($FEW, $MORE) = (100, 600);

# measure(START, DATA, PROGRESS): START->(PROGRAM) starts a server with PROGRAM instead of httpd.
sub measure {
    my ($start, $data, $progress) = @_;
    my ($few, $more) = map { profile($start, $data, $progress, $_) } $FEW, $MORE;
    my %found;
    for my $kind (qw(objects calls)) {
        $found{$kind}{$_} = ($more->{$kind}{$_} - ($few->{$kind}{$_} // 0)) / ($MORE - $FEW)
            for keys %{ $more->{$kind} };
    }
    $found{instructions} += $_ for values %{ $found{objects} };
    return \%found;
}

sub profile {
    my ($start, $data, $progress, $count) = @_;
    my $folder = File::Temp->newdir('at-XXXXXXXX', TMPDIR => 1);
    chmod 0777, "$folder" or die "$folder: $!\n";
    my $program = "$folder/httpd";
    open my $out, '>', $program or die "$program: $!\n";
    print {$out} "#!/bin/sh\nexec valgrind --tool=callgrind --quiet '--callgrind-out-file=$folder/out.%p' '",
        AccessTokenTest::httpd_program(), "' \"\$@\"\n";
    close $out or die "$program: $!\n";
    chmod 0755, $program or die "$program: $!\n";
    my $server = $start->($program);
    my @children = $server->children;
    $progress->("callgrind: $count calls");
    call($server, $data) for 1 .. $count;
    $server->stop;
    my @profiles = map { parse("$folder/out.$_") } @children;
    die "callgrind has written nothing\n" if !@profiles;
    return $profiles[0];
}

sub call {
    my ($server, $data) = @_;
    my $number = 1 + int rand $data->tokens;
    my $value = 'some text ' . int rand 1_000_000;
    my $reply = $server->post({
        token => 'bench-session-' . (1 + int rand $Bench::Data::SESSIONS),
        access_token_identifier => { authentication_code => Bench::Data::code($number) },
        card_masked_number => "$number", 'udf_string_' . (1 + int rand 3) => $value,
        udf_float_1 => 0.5 + int rand 1000, udf_date_1 => '2024-06-15T12:00:00' });
    die 'callgrind: ', AccessTokenTest::outcome($reply), "\n"
        if $reply->{status} != 200 || index($reply->{content}, $value) < 0;
    return;
}

# The instructions of each object of a profile, and how often functions were called.
sub parse {
    my ($file) = @_;
    open my $in, '<', $file or die "$file: $!\n";
    my (%name, %objects, %calls);
    my ($object, $called, $is_call) = ('', '', 0);
    my $named = sub {
        my ($kind, $id, $name) = @_;
        $name{$kind}{$id} = $name if defined $name && length $name;
        return $name{$kind}{$id} // '';
    };
    while (my $line = <$in>) {
        if ($line =~ /^ob=(\(\d+\))(?: (.*))?/) { $object = basename($named->('ob', $1, $2)) }
        elsif ($line =~ /^cob=(\(\d+\))(?: (.*))?/) { $named->('ob', $1, $2) }
        elsif ($line =~ /^fn=(\(\d+\))(?: (.*))?/) { $named->('fn', $1, $2) }
        elsif ($line =~ /^cfn=(\(\d+\))(?: (.*))?/) { $called = $named->('fn', $1, $2) }
        elsif ($line =~ /^calls=(\d+)/) { $calls{$called} += $1; $is_call = 1 }
        elsif ($line =~ /^[-+*\d]\S* (\d+)/) {
            # The line after "calls=" has the cost of the function that was called.
            $objects{$object} += $1 if !$is_call;
            $is_call = 0;
        }
    }
    return { objects => \%objects, calls => \%calls };
}

1;
