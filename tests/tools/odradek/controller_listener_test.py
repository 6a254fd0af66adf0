"""The controller's listener of a combined node: it answers Kafka's list of APIs and nothing else."""
import struct

import binary
import wire
from with_broker import WithBroker, interop_broker

BROKERS, CONTROLLERS = 1, 2
MISMATCHED_ENDPOINT_TYPE, UNSUPPORTED_ENDPOINT_TYPE = 114, 115
SERVED = [1, 18, 19, 20, 32, 33, 37, 43, 44, 45, 46, 52, 53, 54, 55, 56, 59, 60, 62, 63, 64, 67, 73, 80, 81, 82]


def cluster(port, endpoint_type):
    """DescribeCluster 1: error code, message, [(id, host, port)]."""
    with wire.Connection(port) as connection:
        connection.send(wire.frame(wire.header(wire.DESCRIBE_CLUSTER, 1) + b'\0' + b'\0' + bytes([endpoint_type, 0])))
        answer = connection.answer()
    answer.number('b'), answer.number('i')

    def text():
        size = answer.number('B')
        answer.at += max(size - 1, 0)
        return answer.data[answer.at - size + 1:answer.at].decode() if size else None
    error, message = answer.number('h'), text()
    answer.number('b'), text(), answer.number('i')
    nodes = []
    for _ in range(answer.number('B') - 1):
        nodes.append((answer.number('i'), text(), answer.number('i')))
        text(), answer.number('B')
    return error, message, nodes


def served(port):
    with wire.Connection(port) as connection:
        answer = connection.call(wire.API_VERSIONS, 0, b'')
    assert answer.number('h') == 0
    return [key for key, _, _ in answer.array(lambda: (answer.number('h'), answer.number('h'), answer.number('h')))]


class ControllerListener(WithBroker):
    def setUp(self):
        super().setUp()
        self.broker.stop()
        self.controller = interop_broker.free_port()
        config = self.folder / 'server.properties'
        # As Kafka ships it, but for places.
        self.text = f'''process.roles=broker,controller
node.id=1
controller.quorum.bootstrap.servers=localhost:{self.controller}
listeners=PLAINTEXT://{self.broker.address},CONTROLLER://127.0.0.1:{self.controller}
inter.broker.listener.name=PLAINTEXT
advertised.listeners=PLAINTEXT://{self.broker.address},CONTROLLER://localhost:{self.controller}
controller.listener.names=CONTROLLER
listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT,SSL:SSL
log.dirs={self.broker.data}
'''
        config.write_text(self.text)
        self.broker.config = config
        self.broker.start()

    def test_each_listener_advertises_its_own(self):
        self.assertEqual(served(self.controller), SERVED)
        # What replicas of the quorum and brokers say to each other is nothing for clients.
        self.assertEqual(set(SERVED) - set(served(self.broker.port)), {52, 53, 54, 56, 59, 62, 63, 67, 73, 82})

    def test_an_api_of_the_other_listener_ends_the_connection(self):
        with wire.Connection(self.controller) as connection:
            connection.send(wire.frame(wire.header(wire.METADATA, 1) + struct.pack('>i', -1)))
            self.assertTrue(connection.is_closed_by_broker())
        self.assertIn('why="api key 3 version 1 on listener CONTROLLER"', self.broker.log_tail())

    def test_describe_cluster_tells_the_controllers(self):
        self.assertEqual(cluster(self.controller, CONTROLLERS), (0, None, [(1, 'localhost', self.controller)]))
        self.assertEqual(cluster(self.broker.port, BROKERS), (0, None, [(1, '127.0.0.1', self.broker.port)]))
        for port, wanted, here, there in ((self.controller, BROKERS, 'CONTROLLER', 'BROKER'),
                                          (self.broker.port, CONTROLLERS, 'BROKER', 'CONTROLLER')):
            error, message, nodes = cluster(port, wanted)
            self.assertEqual((error, nodes), (MISMATCHED_ENDPOINT_TYPE, []))
            self.assertEqual(message, f'The request was sent to an endpoint of type {here}, but we wanted an endpoint '
                             f'of type {there}')
            self.assertEqual(cluster(port, 3)[:2], (UNSUPPORTED_ENDPOINT_TYPE, 'Unsupported endpoint type 3'))

    def test_a_topic_that_is_made_here_is_there_for_clients(self):
        with wire.Connection(self.controller) as connection:
            topic = wire.string('t') + struct.pack('>ih', 1, 1) + wire.array([]) + wire.array([])
            connection.call(wire.CREATE_TOPICS, 2, wire.array([topic]) + struct.pack('>ib', 10000, 0))
        self.assertEqual(self.ok('topic', 'list', *self.at).out, 't\n')

    def test_a_taken_controller_port_is_named(self):
        other = self.folder / 'other.properties'
        other.write_text(self.text.replace(self.broker.address, f'127.0.0.1:{interop_broker.free_port()}')
                         .replace(str(self.broker.data), str(self.folder / 'x')))
        self.fails(1, 'broker', '--config', other, timeout=30, says=f'CONTROLLER://127.0.0.1:{self.controller}')

    def test_a_listener_that_contradicts_the_file_is_refused(self):
        result = self.fails(2, 'broker', '--config', self.broker.config, '--listener', '127.0.0.1:1')
        listeners = f'PLAINTEXT://{self.broker.address},CONTROLLER://127.0.0.1:{self.controller}'
        self.assertEqual(result.err, f'odradek broker: --listener 127.0.0.1:1 contradicts listeners={listeners} '
                         f'({self.broker.config}:4)\n')
        result = self.fails(2, 'broker', '--config', self.broker.config, '--data', self.folder / 'x')
        self.assertEqual(result.err, f'odradek broker: --data {self.folder}/x contradicts log.dirs={self.broker.data} '
                         f'({self.broker.config}:9)\n')

    def test_a_controller_listener_without_an_address_is_refused(self):
        self.fails(2, 'broker', '--override', 'controller.listener.names=CONTROLLER', timeout=30,
                   says=('controller.listener.names', 'CONTROLLER', 'listeners'))


if __name__ == '__main__':
    binary.main()
