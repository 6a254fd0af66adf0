"""A test with a broker of its own, and the client verbs against it."""
import pathlib
import sys

import binary
from binary import BinaryTest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / 'interop'))
import broker as interop_broker  # noqa: E402


class WithBroker(BinaryTest):
    def start(self, **settings):
        node = interop_broker.Broker(binary.BINARY, **settings)
        self.addCleanup(node.close)
        return node

    def setUp(self):
        super().setUp()
        self.broker = self.start()
        self.at = ('--bootstrap-server', self.broker.address)

    def create(self, topic, *options):
        self.assertEqual(self.ok('topic', 'create', *self.at, '--topic', topic, *options).out,
                         f'Created topic {topic}.\n')

    def produce(self, topic, text, *options):
        return self.ok('produce', *self.at, '--topic', topic, *options, stdin=text.encode())

    def consume(self, topic, count, *options):
        return self.ok('consume', *self.at, '--topic', topic, '--from-beginning', '--max-messages', count,
                       '--timeout-ms', 20000, *options).out
