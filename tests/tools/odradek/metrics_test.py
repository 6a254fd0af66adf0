"""The metrics page as a scraper and as a stranger meet it."""
import re
import socket
import urllib.error
import urllib.request

import binary
from with_broker import WithBroker, interop_broker


class Metrics(WithBroker):
    def setUp(self):
        binary.BinaryTest.setUp(self)
        self.metrics = interop_broker.free_port()
        self.broker = self.start(**{'odradek_metrics_listener': f'127.0.0.1:{self.metrics}'})
        self.at = ('--bootstrap-server', self.broker.address)

    def page(self):
        with urllib.request.urlopen(f'http://127.0.0.1:{self.metrics}/metrics', timeout=10) as answer:
            self.assertTrue(answer.headers['Content-Type'].startswith('text/plain; version=0.0.4'))
            return answer.read().decode()

    def samples(self):
        found = {}
        for line in self.page().splitlines():
            if line[0] != '#':
                name, value = line.rsplit(' ', 1)
                self.assertNotIn(name, found)
                found[name] = float(value)
        return found

    def test_every_family_has_help_and_type_and_one_block(self):
        self.create('t', '--partitions', 2)
        described = []
        for line in self.page().splitlines():
            match = re.fullmatch(r'# (HELP|TYPE) ([a-z_]+) (.+)', line)
            if match and match[1] == 'TYPE':
                self.assertIn(match[3], ('gauge', 'counter', 'histogram'))
                self.assertEqual(match[3] == 'counter', match[2].endswith('_total'))
                described.append(match[2])
            elif not match:
                suffix = re.match('[a-z_]+', line)[0].removeprefix(described[-1])
                self.assertIn(suffix, ('', '_bucket', '_sum', '_count'))
        self.assertEqual(len(described), len(set(described)))

    def test_kafkas_names_count_what_happened(self):
        self.create('t', '--partitions', 2)
        self.produce('t', 'a\nb\nc\n', '--partition', 1)
        self.consume('t', 3)
        found = self.samples()
        for name, value in {
                'kafka_server_brokertopicmetrics_messagesin_total': 3,
                'kafka_server_brokertopicmetrics_messagesin_total{topic="t"}': 3,
                'kafka_server_brokertopicmetrics_failedproducerequests_total{topic="t"}': 0,
                'kafka_server_replicamanager_leadercount': 2,
                'kafka_server_replicamanager_offlinereplicacount': 0,
                'kafka_controller_kafkacontroller_activecontrollercount': 1,
                'kafka_controller_kafkacontroller_globaltopiccount': 1,
                'kafka_controller_kafkacontroller_globalpartitioncount': 2,
                'kafka_log_logmanager_offlinelogdirectorycount': 0,
                'kafka_log_log_logendoffset{topic="t",partition="1"}': 3,
                'kafka_topic_partition_current_offset{topic="t",partition="1"}': 3,
                'kafka_topic_partitions{topic="t"}': 2,
                'kafka_brokers': 1}.items():
            self.assertEqual(found[name], value, name)
        bytes_in = found['kafka_server_brokertopicmetrics_bytesin_total{topic="t"}']
        self.assertGreater(bytes_in, 60)
        self.assertGreaterEqual(found['kafka_server_brokertopicmetrics_bytesout_total{topic="t"}'], bytes_in)
        self.assertEqual(found['kafka_log_log_size{topic="t",partition="1"}'], bytes_in)
        self.assertGreater(found['kafka_network_requestmetrics_requests_total{request="Produce"}'], 0)

    def test_latencies_are_quantiles_and_a_histogram_that_adds_up(self):
        self.create('t')
        self.produce('t', 'a\nb\nc\n')
        found = self.samples()
        quantiles = [found[f'kafka_network_requestmetrics_totaltimems{{request="Produce",quantile="{q}"}}']
                     for q in ('0.50', '0.75', '0.95', '0.98', '0.99', '0.999')]
        self.assertEqual(quantiles, sorted(quantiles))
        self.assertGreater(quantiles[-1], 0)
        buckets = [value for name, value in found.items()
                   if name.startswith('odradek_request_duration_seconds_bucket{request="Produce",')]
        self.assertEqual(buckets, sorted(buckets))
        count = found['odradek_request_duration_seconds_count{request="Produce"}']
        self.assertEqual(buckets[-1], count)
        self.assertEqual(count, found['kafka_network_requestmetrics_requests_total{request="Produce"}'])
        self.assertGreater(found['odradek_request_duration_seconds_sum{request="Produce"}'], 0)

    def test_what_is_no_request_for_it_is_answered_or_ended(self):
        with self.assertRaises(urllib.error.HTTPError) as caught:
            urllib.request.urlopen(f'http://127.0.0.1:{self.metrics}/', timeout=10)
        self.assertEqual(caught.exception.code, 404)
        caught.exception.close()
        for garbage, says in ((b'POST /metrics HTTP/1.1\r\n\r\n', b'405'), (b'\xff\0garbage\r\n\r\n', b'400'),
                              (b'GET /' + b'x' * 20000, b'')):
            with socket.create_connection(('127.0.0.1', self.metrics), timeout=20) as connection:
                connection.sendall(garbage)
                try:
                    self.assertIn(says, connection.recv(1000))
                except ConnectionResetError:
                    self.assertEqual(says, b'')
        self.assertIn('kafka_brokers 1', self.page())

    def test_a_taken_port_is_named(self):
        self.fails(1, 'broker', '--listener', f'127.0.0.1:{interop_broker.free_port()}', '--data', self.folder / 'x',
                   '--override', f'odradek.metrics.listener=127.0.0.1:{self.metrics}', timeout=30,
                   says=('odradek.metrics.listener', str(self.metrics)))


if __name__ == '__main__':
    binary.main()
