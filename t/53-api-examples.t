# Every example of README.md and docs/api.md: each block "sh" with curl is run as it is,
# and the block "http" after it is compared with the reply. In a reply on the page "…"
# stands for any text, and a line of "…" alone for members that are not shown.
use strict;
use warnings;

use Encode qw(decode_utf8);
use File::Temp ();
use JSON::PP ();
use Test::More;

use AccessTokenTest;

my $address = 'http://127.0.0.1:8080';
my $json = JSON::PP->new->utf8->allow_nonref;
my $home = File::Temp->newdir('at-XXXXXXXX', TMPDIR => 1, CLEANUP => 1);
my $server = AccessTokenTest->new(
    location_conf => 'AccessTokenIdempotencyKeyFile key.secret');
$server->write_file('key.secret', 'k' x 32);
$server->run;

# The fenced blocks of the page NAME: language, number of the first line, text.
sub blocks_of {
    my ($name) = @_;
    my ($block, @blocks);
    my $path = AccessTokenTest::srcdir() . "/$name";
    open my $file, '<:raw', $path or die "$path: $!\n";
    while (my $line = <$file>) {
        if ($line !~ /^```(\w*)$/) {
            $block->{text} .= $line if $block;
        }
        elsif ($block) {
            push @blocks, $block;
            undef $block;
        }
        else {
            $block = { language => $1, line => $. + 1, text => '' };
        }
    }
    return @blocks;
}

# What TEXT, the commands of an example, prints. An address of the page is that of
# our server.
sub output_of {
    my ($text) = @_;
    my $own = $server->url('');
    $text =~ s/\Q$address\E/$own/g;
    local $ENV{HOME} = "$home";          # curl reads .curlrc
    open my $shell, '-|:raw', 'bash', '-c', $text or die "bash: $!\n";
    my $output = do { local $/; <$shell> };
    close $shell;
    return $output;
}

# The JSON of a page; members that are not shown are one of the name "…".
sub shown_json {
    my ($text) = @_;
    my $more = "\xE2\x80\xA6";
    $text =~ s/,?(\s*\n)[ ]*$more(?=\n)/,$1"$more": 1/g;
    $text =~ s/\{,/{/g;
    return $json->decode($text);
}

sub pattern_of {
    my ($text) = @_;
    my $pattern = join '.+', map { quotemeta } split /\x{2026}/, $text, -1;
    return qr/\A$pattern\z/s;
}

# Where GOT is not as SHOWN says; PLACE is a JSON pointer.
sub differences {
    my ($got, $shown, $place) = @_;
    if (ref $shown eq 'HASH' && ref $got eq 'HASH') {
        my %names = map { $_ => 1 } keys %$shown, keys %$got;
        my $more = delete $names{"\x{2026}"};
        return map {
            my $inner = "$place/$_";
            exists $shown->{$_} && exists $got->{$_}
                ? differences($got->{$_}, $shown->{$_}, $inner)
                : exists $shown->{$_} ? "missing: $inner"
                : $more ? () : "not on the page: $inner";
        } sort keys %names;
    }
    if (ref $shown eq 'ARRAY' && ref $got eq 'ARRAY') {
        return "$place: " . @$got . ' elements' if @$got != @$shown;
        return map { differences($got->[$_], $shown->[$_], "$place/$_") } 0 .. $#$shown;
    }
    my ($mine, $other) = map { $json->canonical->encode($_) } $got, $shown;
    return if $mine eq $other;
    return if !ref $got && !ref $shown && defined $got && defined $shown
        && $shown =~ /\x{2026}/ && $got =~ pattern_of($shown);
    return "$place: $mine";
}

# Where REPLY is not as the block TEXT says.
sub reply_differences {
    my ($reply, $text) = @_;
    my ($head, $content) = split /\n\n/, $text, 2;
    my ($line, @headers) = split /\n/, $head;
    my @wrong;
    my $status = "HTTP/1.1 $reply->{status} $reply->{reason}";
    push @wrong, $status if $status ne $line;
    for (@headers) {
        my ($name, $value) = /^([\w-]+): (.*)$/ or die "no header: $_\n";
        my $got = $reply->{headers}{ lc $name };
        push @wrong, "$name: " . ($got // 'missing')
            if !defined $got || decode_utf8($got) !~ pattern_of(decode_utf8($value));
    }
    return @wrong if !defined $content && !length $reply->{content};
    return @wrong, 'no JSON' if !ref $reply->{json};
    return @wrong, 'a body' if !defined $content;
    return @wrong, differences($reply->{json}, shown_json($content), '');
}

sub check_example {
    my ($place, $command, $shown, $variables) = @_;
    my $reply = AccessTokenTest::parse_reply(output_of("$variables$command"));
    $reply->{$_} //= 'none' for qw(status reason);
    my @wrong = eval { reply_differences($reply, $shown) };
    push @wrong, $@ if $@;
    ok(!@wrong, "$place: the reply is as on the page")
        or diag(join "\n", map({ utf8::is_utf8($_) ? Encode::encode_utf8($_) : $_ } @wrong),
                'The reply:', $reply->{bytes});
    return;
}

for my $page ('README.md', 'docs/api.md') {
    $server->reset_data;
    my @blocks = blocks_of($page);
    my ($variables, $examples) = ('', 0);
    while (my $block = shift @blocks) {
        my $place = "$page, line $block->{line}";
        if ($block->{language} eq 'http') {
            fail("$place: a reply without its request");
        }
        elsif ($block->{language} eq 'sh' && $block->{text} =~ /\bcurl\b/) {
            my $reply = @blocks && $blocks[0]{language} eq 'http' ? shift @blocks : undef;
            ok($reply, "$place: a request with its reply") or next;
            check_example($place, $block->{text}, $reply->{text}, $variables);
            $examples++;
        }
        elsif ($block->{language} eq 'sh' && $block->{text} =~ /\A\w+=\S*\n\z/) {
            $variables .= $block->{text};
        }
    }
    cmp_ok($examples, '>=', $page eq 'README.md' ? 1 : 15, "$page has examples");
}

$server->finish;
done_testing;
