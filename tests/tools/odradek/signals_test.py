"""A node that is stopped and killed under load: nothing that was acknowledged is lost, and it stops when it is asked."""
import random
import signal
import socket
import struct
import threading
import time

import binary
import log_bytes
import wire
from with_broker import WithBroker

STOPPED_WITHIN_S = 5


class Load:
    """Producers that go on through every restart; each writes 'producer:number' and remembers what was acknowledged."""

    def __init__(self, port, producers, partitions):
        self.port = port
        self.acknowledged = [set() for _ in range(producers)]
        self.sent = [0] * producers
        self.stopped = threading.Event()
        self.threads = [threading.Thread(target=self.run, args=(i, i % partitions)) for i in range(producers)]
        for thread in self.threads:
            thread.start()

    def run(self, producer, partition):
        while not self.stopped.is_set():
            try:
                with wire.Connection(self.port) as connection:
                    connection.socket.settimeout(5)
                    while not self.stopped.is_set():
                        self.sent[producer] += 1
                        number = self.sent[producer]
                        records = log_bytes.batch(0, [(None, f'{producer}:{number}'.encode())])
                        error, _ = wire.produce(connection, 't', records, partition=partition)
                        if error == 0:
                            self.acknowledged[producer].add(number)
            except (OSError, struct.error, AssertionError):
                time.sleep(0.01)

    def stop(self):
        self.stopped.set()
        for thread in self.threads:
            thread.join()

    def count(self):
        return sum(map(len, self.acknowledged))


class Signals(WithBroker):
    PARTITIONS = 3

    def setUp(self):
        super().setUp()
        self.create('t', '--partitions', self.PARTITIONS)
        self.load = None

    def start_load(self, producers=6):
        self.load = Load(self.broker.port, producers, self.PARTITIONS)
        self.addCleanup(self.load.stop)

    def wait_for(self, acknowledged):
        deadline = time.monotonic() + 20
        while self.load.count() < acknowledged and time.monotonic() < deadline:
            time.sleep(0.01)
        self.assertGreaterEqual(self.load.count(), acknowledged)

    def check(self):
        """Everything acknowledged is there, in order; nothing is there twice or was never sent."""
        self.load.stop()
        out = self.ok('consume', *self.at, '--topic', 't', '--from-beginning', '--timeout-ms', 1500).out
        found = [[] for _ in self.load.sent]
        for line in out.splitlines():
            producer, number = line.split(':')
            found[int(producer)].append(int(number))
        for producer, numbers in enumerate(found):
            self.assertEqual(numbers, sorted(set(numbers)))
            self.assertLessEqual(self.load.acknowledged[producer], set(numbers))
            self.assertLessEqual(set(numbers), set(range(1, self.load.sent[producer] + 1)))

    def stops(self, *signals):
        began = time.monotonic()
        for one in signals:
            self.broker.process.send_signal(one)
        code = self.broker.process.wait(timeout=30)
        self.assertEqual(code, 0, self.broker.log_tail())
        self.assertLess(time.monotonic() - began, STOPPED_WITHIN_S)
        self.assertTrue((self.broker.data / '.kafka_cleanshutdown').exists())

    def test_sigterm_under_load_is_clean_and_quick(self):
        self.start_load()
        for wanted in (300, 600, 900):
            self.wait_for(wanted)
            self.stops(signal.SIGTERM)
            self.broker.start()
            self.assertNotIn('recover', self.broker.log_tail())
        self.check()

    def test_a_signal_that_is_sent_again_and_again_is_one(self):
        self.start_load()
        self.wait_for(100)
        self.stops(*[signal.SIGTERM, signal.SIGINT] * 5)
        self.broker.start()
        self.check()

    def test_long_polls_and_silent_clients_do_not_hold_up_the_end(self):
        silent = [socket.create_connection(('127.0.0.1', self.broker.port)) for _ in range(20)]
        poll = struct.pack('>iiiib', -1, 60000, 1, 1 << 20, 0)
        poll += wire.array([wire.string('t') + wire.array([struct.pack('>iqi', 0, 0, 1 << 20)])])
        for connection in silent[:10]:
            connection.sendall(wire.frame(wire.header(wire.FETCH, 4) + poll))
        for connection in silent[10:15]:
            connection.sendall(b'\0\0\0\x40half')
        self.stops(signal.SIGTERM)
        for connection in silent:
            connection.close()

    def test_sigterm_during_the_start_ends_it(self):
        self.broker.stop()
        self.broker.start()
        self.stops(signal.SIGTERM)

    def test_sigkill_under_load_loses_nothing_that_was_acknowledged(self):
        rng = random.Random(7)
        self.start_load()
        for _ in range(20):
            self.wait_for(self.load.count() + rng.randrange(20, 200))
            self.broker.sigkill()
            self.broker.start()
        self.wait_for(self.load.count() + 100)
        self.check()
        self.assertEqual(self.broker.stop(), 0)


if __name__ == '__main__':
    binary.main()
