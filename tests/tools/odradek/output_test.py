"""What cannot be written to standard output is no success, whatever the verb."""
import os
import pathlib
import subprocess

import binary
from with_broker import WithBroker

CALM = pathlib.Path(__file__).resolve().parents[3] / 'scenarios/calm.txtpb'


class Output(WithBroker):
    def expect_lost(self, who, *arguments, code=1):
        with open('/dev/full', 'wb') as full:
            done = subprocess.run([binary.BINARY, *map(str, arguments)], stdin=subprocess.DEVNULL, stdout=full,
                                  stderr=subprocess.PIPE, timeout=60, check=False, cwd=CALM.parents[1])
        self.assertEqual(done.returncode, code, done.stderr)
        lines = done.stderr.decode().splitlines()
        self.assertEqual(lines.count(f'odradek{who}: standard output cannot be written'), 1, lines)

    def test_verbs_of_clients(self):
        self.create('t')
        self.produce('t', 'a\n')
        topic = ('--topic', 't')
        entity = ('--entity-type', 'brokers', '--entity-name', 1, '--all')
        self.expect_lost(' topic list', 'topic', 'list', *self.at)
        self.expect_lost(' topic describe', 'topic', 'describe', *self.at)
        self.expect_lost(' topic create', 'topic', 'create', *self.at, '--topic', 'u')
        self.expect_lost(' config describe', 'config', 'describe', *self.at, *entity)
        self.expect_lost(' consume', 'consume', *self.at, *topic, '--from-beginning')

    def test_verbs_without_a_broker(self):
        self.produce('new', 'a\n')
        self.expect_lost(' dump-log', 'dump-log', '--files', self.broker.data / 'new-0' / f'{0:020}.log')
        self.expect_lost(' completion', 'completion', 'bash')
        self.expect_lost('', '--help')
        self.expect_lost(' sim run', 'sim', 'run', '--help')

    def test_verbs_of_the_simulator(self):
        self.expect_lost(' sim list', 'sim', 'list')
        for verb in 'plan', 'replay', 'explain':
            self.expect_lost(f' sim {verb}', 'sim', verb, CALM, '--seed', 1)
        self.expect_lost(' sim run', 'sim', 'run', CALM, '--seeds', 1)

    def test_a_trace_that_cannot_be_written(self):
        result = self.fails(1, 'sim', 'replay', CALM, '--seed', 1, '--trace', '/dev/full')
        self.assertEqual(result.err, 'odradek sim: /dev/full: cannot be written\n')
        self.assertTrue(result.out)

    def test_a_reader_that_has_gone_ends_consume(self):
        self.create('t')
        self.produce('t', 'a\n')
        read, write = os.pipe()
        os.close(read)
        done = subprocess.run([binary.BINARY, 'consume', *self.at, '--topic', 't', '--from-beginning'], stdout=write,
                              stderr=subprocess.PIPE, timeout=60, check=False)
        os.close(write)
        self.assertNotEqual(done.returncode, 0)


if __name__ == '__main__':
    binary.main()
