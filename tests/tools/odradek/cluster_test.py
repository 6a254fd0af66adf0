"""Three nodes that are a cluster: they replicate, and one may be killed."""
import subprocess
import time

import binary
from binary import BinaryTest
from with_broker import interop_broker

CLUSTER_ID = 'AAAAAAAAAAAAAAAAAAAAAQ'


class Cluster(BinaryTest):
    def setUp(self):
        super().setUp()
        self.ports = {node: interop_broker.free_port() for node in (1, 2, 3)}
        self.controllers = {node: interop_broker.free_port() for node in (1, 2, 3)}
        self.processes = {}
        for node in self.ports:
            voters = ','.join(f'{other}@127.0.0.1:{port}' for other, port in self.controllers.items())
            (self.folder / f'{node}.properties').write_text(f'''process.roles=broker,controller
node.id={node}
controller.quorum.voters={voters}
listeners=PLAINTEXT://127.0.0.1:{self.ports[node]},CONTROLLER://127.0.0.1:{self.controllers[node]}
controller.listener.names=CONTROLLER
log.dirs={self.folder / f'data{node}'}
broker.session.timeout.ms=3000
broker.heartbeat.interval.ms=500
''')
            self.boot(node)
        self.addCleanup(self.kill_all)
        for node in self.ports:
            self.wait_for(node)

    def boot(self, node):
        with (self.folder / f'{node}.log').open('a') as log:
            self.processes[node] = subprocess.Popen(
                [binary.BINARY, 'broker', '--config', self.folder / f'{node}.properties', '--cluster-id', CLUSTER_ID],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, preexec_fn=interop_broker.die_with_parent)

    def kill_all(self):
        for process in self.processes.values():
            process.kill()
            process.wait()

    def wait_for(self, node):
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            if binary.run('topic', 'list', '--bootstrap-server', f'127.0.0.1:{self.ports[node]}',
                               '--reach-timeout-ms', 1000).code == 0:
                return
            time.sleep(0.1)
        self.fail((self.folder / f'{node}.log').read_text())

    def at(self, *nodes):
        return ('--bootstrap-server', ','.join(f'127.0.0.1:{self.ports[node]}' for node in nodes))

    def consume(self, count, *nodes):
        return self.ok('consume', *self.at(*nodes), '--topic', 't', '--from-beginning', '--max-messages', count,
                       '--timeout-ms', 20000).out

    def test_what_was_acknowledged_outlives_any_node(self):
        self.ok('topic', 'create', *self.at(1, 2, 3), '--topic', 't', '--replication-factor', 3, '--config',
                'min.insync.replicas=2')
        lines = ''
        for round_, killed in enumerate((1, 2, 3)):
            text = ''.join(f'{round_}-{i}\n' for i in range(100))
            self.ok('produce', *self.at(1, 2, 3), '--topic', 't', stdin=text.encode())
            lines += text
            self.processes[killed].kill()
            self.processes[killed].wait()
            others = [node for node in (1, 2, 3) if node != killed]
            self.assertEqual(self.consume(len(lines.splitlines()), *others), lines)
            self.boot(killed)
            self.wait_for(killed)
        self.assertEqual(self.consume(300, 1, 2, 3), lines)


if __name__ == '__main__':
    binary.main()
