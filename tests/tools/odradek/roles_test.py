"""Nodes that are only brokers or only controllers."""
import signal

import binary
from with_broker import interop_broker
from with_cluster import WithCluster


class Roles(WithCluster):
    def read(self, count, *nodes):
        out = self.ok('consume', *self.at(*nodes), '--topic', 't', '--from-beginning', '--max-messages', count,
                      '--timeout-ms', 20000).out
        return sorted(out.splitlines(), key=int)

    def stop(self, node):
        self.processes[node].send_signal(signal.SIGTERM)
        self.assertEqual(self.processes[node].wait(timeout=60), 0, (self.folder / f'{node}.log').read_text())

    def test_two_brokers_and_a_controller(self):
        self.start({1: 'controller', 2: 'broker', 3: 'broker'})
        self.ok('topic', 'create', *self.at(2), '--topic', 't', '--partitions', 3, '--replication-factor', 2)
        lines = [str(i) for i in range(300)]
        self.ok('produce', *self.at(2, 3), '--topic', 't', stdin='\n'.join(lines).encode())
        self.assertIn('Brokers: 2\t', self.ok('cluster', 'describe', *self.at(3)).out)
        # No broker decides, and those that there are go on without the one that does.
        self.processes[1].kill()
        self.processes[1].wait()
        self.assertEqual(self.read(300, 2, 3), lines)
        self.boot(1)
        self.processes[2].kill()
        self.processes[2].wait()
        self.assertEqual(self.read(300, 3), lines)
        self.boot(2)
        self.wait_for(2)
        for node in (2, 3, 1):
            self.stop(node)

    def test_a_broker_and_three_controllers(self):
        self.start({1: 'controller', 2: 'controller', 3: 'controller', 4: 'broker'})
        for killed in (1, 2, 3):
            self.processes[killed].kill()
            self.processes[killed].wait()
            self.ok('topic', 'create', *self.at(4), '--topic', f't{killed}', timeout=90)
            self.boot(killed)
        self.assertEqual(self.ok('topic', 'list', *self.at(4)).out, 't1\nt2\nt3\n')

    def test_a_new_node_of_a_cluster_needs_its_id(self):
        self.start({1: 'controller', 2: 'broker'})
        self.ports[5] = interop_broker.free_port()
        self.configure(5, 'broker')
        self.fails(1, 'broker', '--config', self.folder / '5.properties',
                   says="a new node of a cluster needs the cluster's id (--cluster-id)")


if __name__ == '__main__':
    binary.main()
