"""Help, usage errors and exit codes of every verb."""
import time

import binary
from binary import BinaryTest

VERBS = (('broker',), ('topic',), ('topic', 'create'), ('topic', 'delete'), ('topic', 'list'), ('topic', 'describe'),
         ('topic', 'alter'), ('produce',), ('consume',), ('config',), ('config', 'describe'), ('config', 'alter'),
         ('dump-log',), ('sim', 'run'), ('sim', 'replay'), ('sim', 'plan'), ('sim', 'diff'), ('sim', 'shrink'),
         ('sim', 'zoo'), ('sim', 'list'))
# A port on which nobody listens.
NOWHERE = ('--bootstrap-server', '127.0.0.1:9', '--reach-timeout-ms', '500')


class Help(BinaryTest):
    def test_every_verb_has_help_with_an_example(self):
        for verb in ((),) + VERBS:
            result = self.ok(*verb, '--help')
            self.assertIn('Examples:', result.out, verb)
            self.assertIn(' '.join(('odradek',) + verb), result.out, verb)

    def test_exit_codes_are_documented(self):
        for verb in ((),) + VERBS:
            self.assertIn('Exit codes:', self.ok(*verb, '--help').out, verb)

    def test_the_help_of_the_binary_names_every_verb(self):
        out = self.ok('--help').out
        for verb in VERBS:
            self.assertIn(verb[0], out)


class WrongUsage(BinaryTest):
    def test_no_verb_is_wrong_usage(self):
        self.fails(2, says='a verb is missing')

    def test_an_unknown_verb_is_named(self):
        self.fails(2, 'brocker', says='brocker')
        self.fails(2, 'topic', 'created', says='created')

    def test_an_unknown_flag_is_named(self):
        for verb in VERBS:
            self.fails(2, *verb, '--no-such-flag', says='--no-such-flag')

    def test_a_missing_option_is_named(self):
        self.fails(2, 'topic', 'create', '--topic', 't', says='--bootstrap-server')
        self.fails(2, 'topic', 'create', *NOWHERE, says='--topic')
        self.fails(2, 'topic', 'alter', *NOWHERE, '--topic', 't', says='--partitions')
        self.fails(2, 'produce', *NOWHERE, says='--topic')
        self.fails(2, 'consume', *NOWHERE, says='--topic')
        self.fails(2, 'config', 'describe', *NOWHERE, says='--entity-type')
        self.fails(2, 'config', 'alter', *NOWHERE, '--entity-type', 'topics', says='--entity-name')

    def test_a_wrong_value_is_named(self):
        topic = NOWHERE + ('--topic', 't')
        for says, arguments in (
                (('--partitions', 'many'), ('topic', 'create', *topic, '--partitions', 'many')),
                (('--config', 'retention'), ('topic', 'create', *topic, '--config', 'retention')),
                (('--acks', '2'), ('produce', *topic, '--acks', '2')),
                (('--compression', 'rar'), ('produce', *topic, '--compression', 'rar')),
                (('--header', 'x'), ('produce', *topic, '--header', 'x')),
                (('--property', 'parse.keys'), ('produce', *topic, '--property', 'parse.keys=true')),
                (('--offset', 'first'), ('consume', *topic, '--offset', 'first')),
                (('--offset', '--partition'), ('consume', *topic, '--offset', '7')),
                (('--isolation-level', 'x'), ('consume', *topic, '--isolation-level', 'x')),
                (('--property', 'print.all'), ('consume', *topic, '--property', 'print.all=true')),
                (('--group', 'not available'), ('consume', *topic, '--group', 'g')),
                (('--entity-type', 'users'), ('config', 'describe', *NOWHERE, '--entity-type', 'users')),
                (('--command-property', 'acks'), ('topic', 'list', *NOWHERE, '--command-property', 'acks')),
                (('--command-property: unknown configuration acks.all',), ('topic', 'list', *NOWHERE, '--command-property', 'acks.all=1')),
                (('localhost', 'HOST:PORT'), ('topic', 'list', '--bootstrap-server', 'localhost')),
        ):
            self.fails(2, *arguments, says=says)

    def test_an_option_that_is_a_setting_names_the_setting(self):
        topic = NOWHERE + ('--topic', 't')
        for verb, option, setting in (
                ('produce', '--batch-size', 'batch.size'), ('produce', '--max-partition-memory-bytes', 'batch.size'),
                ('produce', '--max-block-ms', 'max.block.ms'), ('produce', '--max-memory-bytes', 'buffer.memory'),
                ('produce', '--message-send-max-retries', 'retries'), ('produce', '--timeout', 'linger.ms'),
                ('produce', '--request-timeout-ms', 'request.timeout.ms'),
                ('produce', '--retry-backoff-ms', 'retry.backoff.ms')):
            self.fails(2, verb, *topic, option, 'x', says=f"odradek {verb}: invalid value 'x' for {setting}: not an integer")
        for verb, option in (('produce', '--producer-property'), ('consume', '--consumer-property')):
            self.fails(2, verb, *topic, option, 'request.timeout.ms=soon',
                       says="invalid value 'soon' for request.timeout.ms: not an integer")
        wrong = self.folder / 'wrong.properties'
        wrong.write_text('print.all=true\n')
        for verb, option in (('produce', '--producer.config'), ('consume', '--consumer.config')):
            self.fails(2, verb, *topic, option, wrong, says=f'{wrong}:1: unknown configuration print.all')
        self.fails(2, 'produce', *topic, '--reader-config', wrong, says=f'{wrong}:1: print.all=true is none of parse.key')
        self.fails(2, 'consume', *topic, '--formatter-config', wrong, says=f'{wrong}:1: print.all is none of print.')

    def test_wrong_changes_of_configuration_are_named(self):
        entity = ('config', 'alter', *NOWHERE, '--entity-type', 'topics', '--entity-name', 't')
        self.fails(2, *entity, says='--add-config')
        self.fails(2, *entity, '--add-config', 'a=[1,2', says=('a:', 'the ]'))
        self.fails(2, *entity, '--add-config', 'a=[1]b=2', says=('a:', 'comma'))
        self.fails(2, *entity, '--add-config', 'a=1', '--delete-config', 'a', says='a is changed twice')

    def test_an_unreachable_broker_is_an_error_in_bounded_time(self):
        for verb in (('topic', 'list'), ('produce', '--topic', 't'), ('consume', '--topic', 't'),
                     ('config', 'describe', '--entity-type', 'brokers')):
            started = time.monotonic()
            self.fails(1, *verb, *NOWHERE, says=('127.0.0.1:9', '500 ms', 'refused'))
            self.assertLess(time.monotonic() - started, 10)


if __name__ == '__main__':
    binary.main()
