"""`odradek dev`: a cluster on this machine, that goes on without a node."""
import os
import re
import select
import signal
import socket
import subprocess
import time

import binary
import with_broker
from binary import BinaryTest

SECONDS_MAX = 60


class Dev:
    """The running command and what it has printed."""

    def __init__(self, *arguments):
        self.text = ''
        self.process = subprocess.Popen([binary.BINARY, 'dev', '--real', *map(str, arguments)], stdout=subprocess.PIPE,
                                        stderr=subprocess.STDOUT, preexec_fn=with_broker.interop_broker.die_with_parent)

    def await_text(self, pattern):
        deadline = time.monotonic() + SECONDS_MAX
        while True:
            found = re.search(pattern, self.text)
            if found:
                return found
            left = deadline - time.monotonic()
            readable, _, _ = select.select([self.process.stdout], [], [], max(left, 0))
            piece = os.read(self.process.stdout.fileno(), 65536) if readable else b''
            assert piece, f'"{pattern}" was not printed:\n{self.text}'
            self.text += piece.decode('utf-8', 'replace')

    def end(self):
        self.process.send_signal(signal.SIGTERM)
        rest, _ = self.process.communicate(timeout=SECONDS_MAX)
        self.text += rest.decode('utf-8', 'replace')
        return self.process.returncode

    def close(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.communicate()


class DevTest(BinaryTest):
    def start(self, *arguments):
        # Ports of their own for three nodes, clients' and controllers'.
        port = with_broker.interop_broker.free_port()
        dev = Dev('--data', self.folder / 'dev', '--port', port, '--controller-port', port + 100, *arguments)
        self.addCleanup(dev.close)
        servers = dev.await_text(r'the cluster is ready: --bootstrap-server (\S+)').group(1)
        return dev, ('--bootstrap-server', servers)

    def test_a_node_that_is_killed_is_told_and_the_others_go_on(self):
        dev, at = self.start()
        self.ok('topic', 'create', *at, '--topic', 't', '--partitions', 6)
        described = self.ok('topic', 'describe', *at, '--topic', 't').out
        self.assertIn('ReplicationFactor: 3', described)
        lines = ''.join(f'{i}\n' for i in range(1000))
        self.ok('produce', *at, '--topic', 't', '--producer-property', 'acks=all', stdin=lines.encode())
        pids = dict(re.findall(r'node (\d): pid (\d+)', dev.text))
        os.kill(int(pids['2']), signal.SIGKILL)
        dev.await_text(r'node 2 was killed by signal 9; to start it again: .*broker --config .*node2.properties')
        self.ok('produce', *at, '--topic', 't', '--producer-property', 'acks=all', stdin=lines.encode())
        read = self.ok('consume', *at, '--topic', 't', '--from-beginning', '--max-messages', 2000, '--timeout-ms', 30000)
        self.assertEqual(sorted(read.out.split()), sorted(2 * lines.split()))
        self.assertEqual(dev.end(), 0)
        self.assertIn('all nodes have ended', dev.text)

    def test_what_was_written_is_there_at_the_next_start(self):
        for round_number in range(2):
            dev, at = self.start('--brokers', 2)
            if round_number == 0:
                self.ok('topic', 'create', *at, '--topic', 't')
                self.ok('produce', *at, '--topic', 't', stdin=b'kept\n')
            read = self.ok('consume', *at, '--topic', 't', '--from-beginning', '--max-messages', 1, '--timeout-ms', 30000)
            self.assertEqual(read.out, 'kept\n')
            self.assertEqual(dev.end(), 0)

    def test_nothing_outlives_it(self):
        dev, _ = self.start('--brokers', 2)
        pids = [int(pid) for pid in re.findall(r'node \d: pid (\d+)', dev.text)]
        dev.process.kill()
        deadline = time.monotonic() + SECONDS_MAX
        while any(os.path.exists(f'/proc/{pid}') for pid in pids):
            self.assertLess(time.monotonic(), deadline, 'a node lives on')
            time.sleep(0.05)

    def test_nodes_that_cannot_listen_are_an_error(self):
        with socket.socket() as taken:
            taken.bind(('127.0.0.1', 0))
            taken.listen()
            port = taken.getsockname()[1]
            result = self.fails(1, 'dev', '--real', '--brokers', 1, '--port', port, '--controller-port',
                                with_broker.interop_broker.free_port(), '--data', self.folder / 'a dev',
                                says='no node runs any more')
        self.assertIn(f'cannot listen on PLAINTEXT://127.0.0.1:{port}', result.out)
        self.assertRegex(result.out, r"node 1 ended with exit code 1; to start it again: .* --config '.*/a dev/node1.prop")

    def test_what_cannot_be_is_told(self):
        self.fails(2, 'dev', says='--real is required')
        self.fails(2, 'dev', '--real', '--brokers', 0, says='--brokers')
        self.fails(2, 'dev', '--real', '--brokers', 3, '--port', 65534, says='no ports above 65535')
        self.fails(2, 'dev', '--real', '--port', 9092, '--controller-port', 9093, says='less than 3 apart')
        (self.folder / 'file').write_text('')
        self.fails(1, 'dev', '--real', '--data', self.folder / 'file' / 'dev', says='file/dev: Not a directory')


if __name__ == '__main__':
    binary.main()
