"""Brokers that die or hang under consume and produce, and partitions that are offline: nothing is hidden or silent."""
import os
import signal
import subprocess
import threading
import time

import binary
from with_broker import WithBroker

REFUSED = '127.0.0.1:{}: connection refused'


class Trouble(WithBroker):
    def setUp(self):
        super().setUp()
        self.create('t')
        self.produce('t', 'a\n')

    def begin(self, verb, *options):
        """A verb at work, whose lines on standard error are kept."""
        process = subprocess.Popen([binary.BINARY, verb, *self.at, '--topic', 't', *map(str, options)],
                                   stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        process.lines = []
        process.reader = threading.Thread(target=self.read, args=(process,))
        process.reader.start()
        self.addCleanup(process.stdout.close)
        self.addCleanup(process.stdin.close)
        return process

    @staticmethod
    def read(process):
        with process.stderr:
            process.lines += (line.decode().rstrip('\n') for line in process.stderr)

    def wait_for(self, process, line):
        deadline = time.monotonic() + 30
        while line not in process.lines:
            self.assertLess(time.monotonic(), deadline, process.lines)
            time.sleep(0.02)

    def end(self, process):
        code = process.wait(timeout=30)
        process.reader.join()
        return code

    def consume_one(self, *options):
        process = self.begin('consume', '--from-beginning', *options)
        self.assertEqual(process.stdout.readline(), b'a\n')
        return process

    def test_a_broker_that_dies_under_consume_is_named_and_is_no_success(self):
        process = self.consume_one('--timeout-ms', 3000)
        self.broker.sigkill()
        self.assertEqual(self.end(process), 1)
        refused = REFUSED.format(self.broker.port)
        self.assertIn(f'odradek consume: t-0: {refused} (trying on)', process.lines)
        self.assertEqual(len(process.lines), len(set(process.lines)))
        self.assertEqual(process.lines[-2:], [
            f'odradek consume: no record for 3000 ms, and t-0 cannot be read: {refused}',
            'Processed a total of 1 messages'])

    def test_consume_without_a_timeout_says_that_it_tries_on_and_goes_on(self):
        process = self.consume_one('--max-messages', 2)
        self.broker.sigkill()
        self.wait_for(process, f'odradek consume: t-0: {REFUSED.format(self.broker.port)} (trying on)')
        self.broker.start()
        self.wait_for(process, 'odradek consume: t-0: can be read again')
        self.produce('t', 'b\n')
        self.assertEqual(self.end(process), 0)
        self.assertEqual(process.stdout.read(), b'b\n')

    def test_a_broker_that_hangs_under_consume_is_no_success(self):
        process = self.consume_one('--timeout-ms', 6000)
        os.kill(self.broker.process.pid, signal.SIGSTOP)
        self.assertEqual(self.end(process), 1)
        self.assertEqual(process.lines, [
            'odradek consume: t-0: the broker does not answer (trying on)',
            'odradek consume: no record for 6000 ms, and t-0 cannot be read: the broker does not answer',
            'Processed a total of 1 messages'])

    def test_nothing_to_read_from_a_broker_that_lives_is_a_success(self):
        process = self.consume_one('--timeout-ms', 2000)
        self.assertEqual(self.end(process), 0)
        self.assertEqual(process.lines, ['Processed a total of 1 messages'])

    def test_produce_says_that_it_tries_on_and_goes_on(self):
        process = self.begin('produce')
        process.stdin.write(b'b\n')
        process.stdin.flush()
        self.assertEqual(self.consume('t', 2), 'a\nb\n')
        self.broker.sigkill()
        process.stdin.write(b'c\n')
        process.stdin.flush()
        line = f'odradek produce: {REFUSED.format(self.broker.port)} (trying on)'
        self.wait_for(process, line)
        self.broker.start()
        self.assertEqual(self.consume('t', 3), 'a\nb\nc\n')
        process.stdin.close()
        self.assertEqual(self.end(process), 0)
        self.assertEqual(process.lines.count(line), 1)
        self.assertEqual(process.lines[-1], '2 acknowledged')


if __name__ == '__main__':
    binary.main()
