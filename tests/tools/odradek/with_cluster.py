"""A test with a cluster of its own: every node is a process of the binary."""
import subprocess
import time

import binary
from binary import BinaryTest
from with_broker import interop_broker

CLUSTER_ID = 'AAAAAAAAAAAAAAAAAAAAAQ'


class WithCluster(BinaryTest):
    def start(self, roles):
        """`roles`: process.roles of each node."""
        self.processes = {}
        self.addCleanup(self.kill_all)
        self.ports = {node: interop_broker.free_port() for node, role in roles.items() if 'broker' in role}
        self.controllers = {node: interop_broker.free_port() for node, role in roles.items() if 'controller' in role}
        for node, role in roles.items():
            self.configure(node, role)
            self.boot(node)
        for node in self.ports:
            self.wait_for(node)

    def configure(self, node, role):
        listeners = []
        if node in self.ports:
            listeners.append(f'PLAINTEXT://127.0.0.1:{self.ports[node]}')
        if node in self.controllers:
            listeners.append(f'CONTROLLER://127.0.0.1:{self.controllers[node]}')
        voters = ','.join(f'{voter}@127.0.0.1:{port}' for voter, port in self.controllers.items())
        (self.folder / f'{node}.properties').write_text(f'''process.roles={role}
node.id={node}
controller.quorum.voters={voters}
listeners={','.join(listeners)}
controller.listener.names=CONTROLLER
log.dirs={self.folder / f'data{node}'}
broker.session.timeout.ms=3000
broker.heartbeat.interval.ms=500
''')

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
