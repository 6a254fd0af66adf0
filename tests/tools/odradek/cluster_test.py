"""Three nodes that are a cluster: they replicate, one may be killed, and one is emptied and forgotten."""
import signal

import binary
from with_cluster import WithCluster


class Cluster(WithCluster):
    def setUp(self):
        super().setUp()
        self.start({node: 'broker,controller' for node in (1, 2, 3)})

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

    def replicas(self):
        """Of each partition of t."""
        out = self.ok('topic', 'describe', *self.at(1, 2), '--topic', 't').out
        return [line.split('Replicas: ')[1].split('\t')[0].split(',') for line in out.splitlines()[1:]]

    def test_a_node_is_emptied_forgotten_and_takes_its_share_again(self):
        self.ok('topic', 'create', *self.at(1), '--topic', 't', '--partitions', 6, '--replication-factor', 2)
        lines = ''.join(f'{i}\n' for i in range(600))
        self.ok('produce', *self.at(1), '--topic', 't', stdin=lines.encode())
        self.assertIn('3', sum(self.replicas(), []))
        plan = self.ok('cluster', 'drain', *self.at(1), '--broker', 3, '--dry-run').out
        self.assertIn('New: ', plan)
        self.fails(1, 'cluster', 'forget', *self.at(1), '--broker', 3, says='broker 3 is up: stop it first')
        drained = self.ok('cluster', 'drain', *self.at(1), '--broker', 3, '--at-a-time', 2)
        self.assertEqual(drained.out, 'Broker 3 has no replicas. When it has stopped, let the cluster forget it.\n')
        self.assertIn(f'{len(plan.splitlines())} of {len(plan.splitlines())} partitions moved', drained.err)
        self.assertNotIn('3', sum(self.replicas(), []))
        self.assertEqual(self.ok('cluster', 'moves', *self.at(1)).out, '')
        self.processes[3].send_signal(signal.SIGTERM)
        self.assertEqual(self.processes[3].wait(timeout=30), 0)
        self.assertEqual(self.ok('cluster', 'forget', *self.at(1), '--broker', 3).out,
                         'The cluster has forgotten broker 3.\n')
        self.assertEqual(sorted(self.consume(600, 1, 2).splitlines(), key=int), lines.splitlines())
        self.boot(3)
        self.wait_for(3)
        self.assertEqual(self.ok('cluster', 'fill', *self.at(1), '--broker', 3).out,
                         'Broker 3 has its share of replicas.\n')
        self.assertEqual(sum(self.replicas(), []).count('3'), 4)
        self.ok('cluster', 'elect', *self.at(1), '--topic', 't')
        described = self.ok('cluster', 'describe', *self.at(1)).out
        self.assertIn('UnderReplicated: 0\tWithoutLeader: 0\tMoving: 0', described)
        self.assertEqual(described.count('Replicas: 4'), 3)
        self.assertEqual(sorted(self.consume(600, 1, 2, 3).splitlines(), key=int), lines.splitlines())


if __name__ == '__main__':
    binary.main()
