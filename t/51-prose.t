# The spelling and the English of every text that people read. No server is started.
use strict;
use warnings;

use File::Find qw(find);
use Test::More;

use AccessTokenTest;
use AccessTokenTest::File qw(source_text);

my $root = AccessTokenTest::srcdir();

# The texts that codespell and the table below check.
my @texts = qw(README.md CHANGES Makefile.am configure.ac buildconf dev m4 bench conf docs
               mod_access_token sql t);

# Words that codespell takes for mistakes, and their meaning.
my %correct = (
    caf    => 'the word café, cut off before a byte that a test writes as \\x',
    countr => 'a name that is cut off in a test of names',
    iif    => 'a function of SQLite',
    isnt   => 'a function of Test::More',
    ist    => 'a kind of transfer in Galera (incremental state transfer)',
    nulll  => 'a wrong word of JSON that a test sends',
    te     => 'a header of HTTP',
    tru    => 'true, cut off in a test of JSON',
);

# Words that cost a reader time, and what to write instead. A blank matches a line break
# too, with the comment sign of the next line. A name of a program ($told, ->behind) does
# not match.
my @plainer = (
    # the words of the field
    ['mend(?:s|ed|ing)?',                             'fix, repair'],
    ['(?:is|are|was|were|be|been|being) told',        'say; "gets", "receives"'],
    ['whom(?:ever)?',                                 'a sentence with a subject, or "the user that"'],
    ['whoever',                                       'the request that, the thread that, anyone'],
    ['(?:to|of|from|by|with|for) who',                'the caller, the request, the client'],
    ['hits many',                                     'affects many'],
    ['costs? (?:no|a|one|each) calls?',               'no call fails, a call has to retry'],

    # place and time
    ['behind (?:it|them|this|that|these|those|both|all|each|every|its|an?|the|\w+ing)'
     . '(?! (?:\S+ )?(?:balancer|proxy|proxies|HAProxy|httpd|TLS|mod_\w+))',
                                                      'after'],
    ['right behind',                                  'right after'],
    ['one behind the other',                          'one after the other'],
    ['till',                                          'until'],
    ['by turns',                                      'alternately'],
    ['in (?:its|their) turn',                         'when its turn comes; queued'],
    ['go(?:es)? by the (?:time|clock)',               'use the time of day'],
    ['(?:is|are|was|were|be) at it',                  'do, run, hash'],
    ['for good',                                      'permanently'],
    ['anew|afresh',                                   'again, newly'],
    ['all the same',                                  'still, anyway'],
    ['in good time',                                  'in time'],
    ['some \d[\d,]*',                                 'about'],

    # the verb "to be"
    ['(?:stands?|stood)(?! (?:for|out)\b)',           'is, is written; "stopped" of a machine'],
    ['in (?:whose|the|its|their) place',              'instead of, replaces'],
    ['takes? the place',                              'replaces'],
    ['lie[sd]? in',                                   'is in'],
    ['comes? to rest',                                'stops'],

    # old words
    ['hence|thereby|therein|wherein|whereby|whereof|whereupon|thereupon', 'so, by this, in which'],
    ['lest',                                          'so that … not'],
    ['upon',                                          'on'],
    ['save for',                                      'except'],
    ['but for',                                       'except'],
    ['be it',                                         'whether'],
    ['sees? fit',                                     'decides'],
    ['in vain',                                       'without success'],
    ['no account any more',                           'no longer exists'],

    # what belongs to what
    ['(?:is|are|was|were) of (?:another|no|its own|their own)', 'has, belongs to'],
    ['of (?:the |an? )?\w+(?: \w+)?\'s(?=[.,;:)]| (?:and|or|is|are|was|that)\b)',
                                                      'leave out the "of", or the "\'s"'],
    ['(?:he|his|him|himself)',                        'the user, the thread, they'],

    # turned around
    ['nor (?:is|are|was|were|has|have|had|do|does|did|can|could|may|must|will)', 'and … not, and neither'],
    ['(?:that|which|it|this|what) (?:is|are|was|were) no (?!longer|more)', 'is not a'],
    ['(?:that|which) there (?:is|are|was|were) (?:not|none)', 'unknown, missing'],

    # "things"
    ['(?:and|or) the like|(?:its|their) likes?',      'name them, or "similar"'],
    ['what(?:ever)? comes',                           'name it: the request, the answer'],
    ['comes? of it',                                  'results'],
    ['is of (?:no )?use',                             'is useful, is used'],
    ['without a word',                                'silently'],
    ['(?:it|this|that|which|they) (?:is|are|was|were) none(?! of)', 'is not one, does not exist'],
    ['(?:is|are|was|were) (?:not )?said',             'written, set, configured, reported'],
    ['bec[ao]mes? of',                                'happens to'],
);

my $boundary = qr/(?<![\$\@%>{&*\w-])/;
my $gap = '(?:[ \t]+|[ \t"\'.]*\n[ \t]*(?:[#*"\'.]+|--)?[ \t]*)';
for my $entry (@plainer) {
    my $pattern = $entry->[0] =~ s/ /$gap/gr;
    $entry->[2] = qr/$boundary(?:$pattern)\b/i;
}

# The text files at PLACES, files and folders of the project, without those that a build or a
# test writes.
sub files_of {
    my @files;
    find({ no_chdir => 1, wanted => sub {
        $File::Find::prune = 1 if m{/t/(?:cache|fuzz/corpus)\z|/\.\w+\z};
        return if !-f || !-T _ || m{\.(?:in|log|trs|l?o|la)\z|/Makefile\z|/m4/l[^/]+\z};
        push @files, substr $_, length "$root/" if !m{/t/51-prose\.t\z};
    } }, grep { -e } map { "$root/$_" } @_);
    return sort @files;
}

# The lines of NAME that have a word of the table, with what is better.
sub old_words {
    my ($name) = @_;
    my $text = source_text($name);
    my @found;
    for my $entry (@plainer) {
        my (undef, $better, $pattern) = @$entry;
        while ($text =~ /$pattern/g) {
            my $line = 1 + (substr($text, 0, $-[0]) =~ tr/\n//);
            push @found, [$line, "$name:$line: \"" . ($& =~ s/\s*\n[\s#*"'.-]*|\s+/ /gr) . "\": better: $better"];
        }
    }
    return map { $_->[1] } sort { $a->[0] <=> $b->[0] } @found;
}

{
    my @command = ('codespell', '--ignore-words-list', join(',', sort keys %correct),
                   map { "$root/$_" } files_of(@texts));
    my $mistakes = "install the package codespell\n";
    if (open my $codespell, '-|', @command) {
        $mistakes = do { local $/; <$codespell> // '' };
        close $codespell;
    }
    else {
        $? = -1;
    }
    is($?, 0, 'codespell runs and finds no mistake');
    is($mistakes =~ s{^\Q$root/\E}{}gmr, '', 'and prints nothing');
}

for my $name (@ARGV ? files_of(@ARGV) : files_of(@texts)) {
    my @found = old_words($name);
    ok(!@found, "$name: plain English") or diag(join "\n", @found);
}

done_testing;
