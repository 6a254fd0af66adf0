"""Help, usage errors and exit codes of every verb."""
import binary
from binary import BinaryTest

VERBS = (('broker',), ('dump-log',))


class Help(BinaryTest):
    def test_every_verb_has_help_with_an_example(self):
        for verb in ((),) + VERBS:
            result = self.ok(*verb, '--help')
            self.assertIn('Examples:', result.out, verb)
            self.assertIn(' '.join(('odradek',) + verb), result.out, verb)

    def test_the_help_of_the_binary_names_every_verb(self):
        out = self.ok('--help').out
        for verb in VERBS:
            self.assertIn(verb[0], out)

    def test_no_verb_is_wrong_usage(self):
        self.fails(2, says='subcommand')

    def test_an_unknown_verb_is_named(self):
        self.fails(2, 'brocker', says='brocker')

    def test_an_unknown_flag_is_named(self):
        for verb in VERBS:
            self.fails(2, *verb, '--no-such-flag', says='--no-such-flag')


if __name__ == '__main__':
    binary.main()
