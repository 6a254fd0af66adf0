"""`odradek broker` and the client verbs against it: a day in the life of a node on one machine."""
import re
import signal
import socket
import subprocess
import time

import binary
import wire
from binary import run
from with_broker import WithBroker, interop_broker

class Listeners(WithBroker):
    def test_a_listener_on_all_addresses_is_advertised_by_the_name_of_the_machine(self):
        for host in ('', '0.0.0.0', '[::]'):
            with self.subTest(host=host):
                self.broker.stop()
                self.broker.listener = f'{host}:{self.broker.port}'
                self.broker.start()
                self.create('t')
                self.produce('t', 'hello')
                self.assertEqual(self.consume('t', 1), 'hello\n')
                self.ok('topic', 'delete', *self.at, '--topic', 't')
                nodes = wire.brokers(self.broker.port)
                self.assertEqual(len(nodes), 1)
                name, port = nodes[0]
                self.assertNotIn(name, ('', '0.0.0.0', '::'))
                socket.create_connection((name, port), timeout=20).close()


class Topics(WithBroker):
    def test_topics_are_created_listed_described_altered_and_deleted(self):
        self.create('orders', '--partitions', 3, '--config', 'retention.ms=3600000')
        self.create('plain')
        self.assertEqual(self.ok('topic', 'list', *self.at).out, 'orders\nplain\n')
        lines = self.ok('topic', 'describe', *self.at, '--topic', 'orders').out.splitlines()
        self.assertRegex(lines[0], r'^Topic: orders\tTopicId: [-\w]{22}\tPartitionCount: 3\tReplicationFactor: 1\t'
                         r'Configs: retention\.ms=3600000$')
        self.assertEqual(lines[1], '\tTopic: orders\tPartition: 0\tLeader: 1\tReplicas: 1\tIsr: 1')
        self.assertEqual(len(lines), 4)
        self.ok('topic', 'alter', *self.at, '--topic', 'orders', '--partitions', 4)
        self.assertIn('PartitionCount: 4', self.ok('topic', 'describe', *self.at, '--topic', 'orders').out)
        self.assertEqual(self.ok('topic', 'describe', *self.at, '--unavailable-partitions').out, '')
        self.assertNotIn('plain', self.ok('topic', 'describe', *self.at, '--topics-with-overrides').out)
        self.assertEqual(self.ok('topic', 'delete', *self.at, '--topic', 'orders,plain').out,
                         'Deleted topic orders.\nDeleted topic plain.\n')
        self.assertEqual(self.ok('topic', 'list', *self.at).out, '')

    def test_errors_name_the_topic(self):
        self.create('here')
        self.fails(1, 'topic', 'create', *self.at, '--topic', 'here', says=('here:', 'TOPIC_ALREADY_EXISTS'))
        self.ok('topic', 'create', *self.at, '--topic', 'here', '--if-not-exists')
        for verb in ('delete', 'describe'):
            self.fails(1, 'topic', verb, *self.at, '--topic', 'gone', says=('gone:', 'there is no such topic'))
            self.ok('topic', verb, *self.at, '--topic', 'gone', '--if-exists')
        self.fails(1, 'topic', 'alter', *self.at, '--topic', 'gone', '--partitions', 3, says='gone:')
        self.fails(1, 'topic', 'alter', *self.at, '--topic', 'here', '--partitions', 1, says='here: INVALID_PARTITIONS')
        self.fails(1, 'topic', 'create', *self.at, '--topic', 'a b', says='a b: INVALID_TOPIC_EXCEPTION')
        self.fails(1, 'topic', 'create', *self.at, '--topic', 'c', '--config', 'no.such=1',
                   says=('c: INVALID_CONFIG', 'no.such'))
        self.fails(1, 'topic', 'create', *self.at, '--topic', 'c', '--replication-factor', 3,
                   says='c: INVALID_REPLICATION_FACTOR')

    def test_a_refused_record_is_told_with_its_reason(self):
        self.create('keys', '--config', 'cleanup.policy=compact')
        self.fails(1, 'produce', *self.at, '--topic', 'keys', stdin=b'no key\n',
                   says='line 1 failed: INVALID_RECORD: 1 of 1 records are not acceptable (record 0: a compacted topic '
                   'needs a key for every record)')

    def test_configurations_are_altered_and_described(self):
        self.create('t')
        entity = (*self.at, '--entity-type', 'topics', '--entity-name', 't')
        self.ok('config', 'alter', *entity, '--add-config', 'retention.ms=1000000,max.message.bytes=5000')
        out = self.ok('config', 'describe', *entity).out
        self.assertIn('Dynamic configs for topic t are:\n', out)
        self.assertIn('  max.message.bytes=5000 sensitive=false synonyms={DYNAMIC_TOPIC_CONFIG:max.message.bytes=5000, ',
                      out)
        self.fails(1, 'produce', *self.at, '--topic', 't', stdin=b'x' * 6000, says=('line 1', 'MESSAGE_TOO_LARGE'))
        self.ok('config', 'alter', *entity, '--delete-config', 'max.message.bytes')
        self.assertNotIn('max.message.bytes', self.ok('config', 'describe', *entity).out)
        self.assertIn('  max.message.bytes=1048588 ', self.ok('config', 'describe', *entity, '--all').out)
        self.fails(1, 'config', 'alter', *entity, '--add-config', 'no.such=1', says=('topic t', 'no.such'))
        brokers = (*self.at, '--entity-type', 'brokers')
        self.ok('config', 'alter', *brokers, '--entity-default', '--add-config', 'log.retention.ms=99000')
        self.assertIn('  log.retention.ms=99000 ', self.ok('config', 'describe', *brokers).out)
        self.assertIn('log.dirs=', self.ok('config', 'describe', *brokers, '--entity-name', 1, '--all').out)


    def test_the_default_broker_has_what_is_set_for_the_whole_cluster(self):
        default = (*self.at, '--entity-type', 'brokers', '--entity-default')
        self.ok('config', 'alter', *default, '--add-config', 'log.retention.ms=99000')
        entry = ('log.retention.ms', '99000', 3, [('log.retention.ms', '99000', 3)])
        for keys, expected in ((None, [entry]), ([], [entry]), (['log.retention.ms', 'num.io.threads'], [entry]),
                               (['num.io.threads'], [])):
            self.assertEqual(wire.describe_configs(self.broker.port, wire.BROKER, '', keys), (0, '', expected))
        error, message, entries = wire.describe_configs(self.broker.port, wire.BROKER, '7')
        self.assertEqual((error, entries), (42, []))
        self.assertEqual(message, 'Unexpected broker id, expected 1 or empty string, but received 7')


    def test_a_broker_that_is_not_there_is_an_error_at_once(self):
        begin = time.monotonic()
        for verb in (('describe',), ('alter', '--add-config', 'log.retention.ms=1000000')):
            result = self.fails(1, 'config', *verb, *self.at, '--entity-type', 'brokers', '--entity-name', 77)
            self.assertEqual(result.err, f'odradek config {verb[0]}: broker 77: the cluster has no broker 77\n')
        self.assertLess(time.monotonic() - begin, 10)

    def test_the_log_says_what_was_made_changed_and_deleted(self):
        self.create('t', '--partitions', 2)
        self.ok('config', 'alter', *self.at, '--entity-type', 'topics', '--entity-name', 't', '--add-config',
                'retention.ms=1000000')
        self.ok('topic', 'delete', *self.at, '--topic', 't')
        log = self.broker.log_tail()
        self.assertIn(' level=info component=engine message="topic created" topic=t partition_count=2\n', log)
        self.assertIn(' level=info component=broker message="configuration changed" of="topic t" name=retention.ms '
                      'value=1000000\n', log)
        self.assertIn(' level=info component=engine message="topic deleted" topic=t\n', log + '\n')
        self.assertNotIn('level=debug', log)

    def test_the_log_says_what_was_recovered_and_how_much_was_cut_off(self):
        self.create('t')
        self.produce('t', 'a\n')
        self.broker.sigkill()
        with open(self.broker.data / 't-0' / f'{0:020}.log', 'ab') as log:
            log.write(b'torn')
        self.broker.start()
        self.assertRegex(self.broker.log_tail(), r'level=info component=engine message="log recovered" topic=t partition=0 '
                         r'log_start_offset=0 log_end_offset=1 recovery_point=\d+ bytes_read=\d+ bytes_truncated=4 '
                         r'was_clean=0')


class Records(WithBroker):
    def test_auto_offset_reset_is_honoured_without_another_place_to_start(self):
        self.create('t')
        self.produce('t', 'a\n')
        earliest = ('--consumer-property', 'auto.offset.reset=earliest')
        topic = (*self.at, '--topic', 't')
        self.assertEqual(self.ok('consume', *topic, *earliest, '--max-messages', 1, '--timeout-ms', 20000).out, 'a\n')
        self.assertEqual(self.ok('consume', *topic, *earliest, '--offset', 'latest', '--timeout-ms', 1000).out, '')
        self.assertEqual(self.ok('consume', *topic, *earliest, '--from-beginning', '--timeout-ms', 1000).out, 'a\n')
        # Behind the end: from the beginning, as the property says.
        place = ('--partition', 0, '--offset', 7)
        self.assertEqual(self.ok('consume', *topic, *earliest, *place, '--timeout-ms', 1000).out, 'a\n')
        self.fails(1, 'consume', *topic, *place, '--timeout-ms', 1000, says='t-0: offset 7 is out of range')

    def test_what_is_produced_is_consumed(self):
        self.create('t')
        self.assertEqual(self.produce('t', 'one\ntwo\n\nfour').err, '4 acknowledged\n')
        result = run('consume', *self.at, '--topic', 't', '--from-beginning', '--max-messages', 4)
        self.assertEqual((result.code, result.out), (0, 'one\ntwo\n\nfour\n'))
        self.assertEqual(result.err, 'Processed a total of 4 messages\n')

    def test_keys_headers_and_nulls_survive(self):
        self.create('t')
        self.produce('t', 'k:v\nNULL:x\ny:NULL\n', '--parse-key', '--key-separator', ':', '--null-marker', 'NULL',
                     '--header', 'a=1', '--header', 'b=')
        out = self.consume('t', 3, '--print-key', '--print-headers', '--print-offset', '--print-partition',
                           '--print-timestamp', '--key-separator', '|')
        lines = [re.sub(r'^CreateTime:\d{13}\|', '', line) for line in out.splitlines()]
        self.assertEqual(lines, ['Partition:0|Offset:0|a:1,b:|k|v', 'Partition:0|Offset:1|a:1,b:|null|x',
                                 'Partition:0|Offset:2|a:1,b:|y|null'])
        self.assertEqual(self.consume('t', 1, '--property', 'print.key=true', '--property', 'key.separator==='),
                         'k==v\n')

    def test_every_codec_and_acks_setting_works(self):
        for codec in ('none', 'gzip', 'snappy', 'lz4', 'zstd'):
            self.create(codec)
            text = ''.join(f'{codec} {i}\n' for i in range(500))
            self.assertEqual(self.produce(codec, text, '--compression', codec).err, '500 acknowledged\n')
            self.assertEqual(self.consume(codec, 500), text)
        self.create('acks')
        self.assertEqual(self.produce('acks', 'a\n', '--acks', 1).err, '1 acknowledged\n')
        self.assertEqual(self.produce('acks', 'b\n', '--acks', 0).err,
                         '0 acknowledged, 1 sent without asking for an answer\n')
        self.assertEqual(self.consume('acks', 2), 'a\nb\n')

    def test_settings_of_kafkas_tools_have_their_effect(self):
        self.create('t')
        files = {'producer': 'acks=1\n', 'reader': 'parse.key=true\nkey.separator=:\n',
                 'formatter': 'print.key=true\nkey.separator=-\n', 'consumer': 'max.poll.records=1\n'}
        for name, text in files.items():
            (self.folder / name).write_text(text)
        # The command line goes over the file: without an answer nothing is acknowledged.
        err = self.produce('t', 'k:v\n', '--producer.config', self.folder / 'producer', '--producer-property', 'acks=0',
                           '--reader-config', self.folder / 'reader', '--batch-size', 1000, '--max-block-ms', 9000,
                           '--max-memory-bytes', 100000, '--message-send-max-retries', 5, '--request-timeout-ms', 9000,
                           '--retry-backoff-ms', 10, '--timeout', 1).err
        self.assertEqual(err, '0 acknowledged, 1 sent without asking for an answer\n')
        self.assertEqual(self.produce('t', 'l\n', '--producer-property', 'acks=0', '--acks', 'all').err,
                         '1 acknowledged\n')
        self.assertEqual(self.consume('t', 2, '--formatter-config', self.folder / 'formatter', '--consumer.config',
                                      self.folder / 'consumer', '--consumer-property', 'client.id=mine', '--property',
                                      'key.separator=+'), 'k+v\nnull+l\n')

    def test_a_synchronous_producer_waits_for_no_further_line(self):
        self.create('t')
        producer = subprocess.Popen([binary.BINARY, 'produce', *map(str, self.at), '--topic', 't', '--sync',
                                     '--timeout', '60000'], stdin=subprocess.PIPE, stderr=subprocess.PIPE)
        producer.stdin.write(b'one\n')
        producer.stdin.flush()
        self.assertEqual(self.consume('t', 1), 'one\n')
        self.assertEqual(producer.communicate(b'two\n', timeout=20)[1], b'2 acknowledged\n')
        self.assertEqual(producer.returncode, 0)

    def test_partitions_and_offsets_are_chosen(self):
        self.create('t', '--partitions', 2)
        self.produce('t', 'a\nb\nc\n', '--partition', 1)
        self.produce('t', 'z\n', '--partition', 0)
        read = ('consume', *self.at, '--topic', 't', '--timeout-ms', 300)
        self.assertEqual(self.ok(*read, '--partition', 1, '--offset', 1).out, 'b\nc\n')
        self.assertEqual(self.ok(*read, '--partition', 0, '--offset', 'earliest').out, 'z\n')
        self.assertEqual(self.ok(*read).out, '')
        self.fails(1, *read, '--partition', 7, says=('t has 2 partitions', '7'))
        self.fails(1, *read, '--partition', 1, '--offset', 100, says='offset 100 is out of range')
        self.fails(1, 'consume', *self.at, '--topic', 'gone', says=('gone:', 'there is no such topic'))

    def test_a_consumer_at_the_end_gets_what_comes(self):
        self.create('t')
        self.produce('t', 'old\n')
        reader = subprocess.Popen([binary.BINARY, 'consume', *self.at, '--topic', 't', '--max-messages', '1'],
                                  stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        self.addCleanup(reader.stdout.close)
        self.addCleanup(reader.kill)
        for _ in range(100):
            self.produce('t', 'new\n')
            if reader.poll() is not None:
                break
            time.sleep(0.1)
        self.assertEqual(reader.stdout.read(), b'new\n')

    def test_an_interrupted_consumer_says_what_it_did(self):
        self.create('t')
        self.produce('t', 'a\n')
        reader = subprocess.Popen([binary.BINARY, 'consume', *self.at, '--topic', 't', '--from-beginning'],
                                  stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.assertEqual(reader.stdout.readline(), b'a\n')
        reader.send_signal(signal.SIGINT)
        _, err = reader.communicate(timeout=20)
        self.assertEqual((reader.returncode, err), (0, b'Processed a total of 1 messages\n'))

    def test_a_line_without_a_key_is_named_and_what_was_before_it_is_kept(self):
        self.create('t')
        result = self.fails(1, 'produce', *self.at, '--topic', 't', '--parse-key', stdin=b'a\tb\nnokey\nc\td\n',
                            says='line 2: no key separator')
        self.assertIn('1 acknowledged', result.err)


class Node(WithBroker):
    def test_a_restart_keeps_topics_configurations_and_records(self):
        self.create('t', '--partitions', 2, '--config', 'retention.ms=5000000')
        self.produce('t', 'a\nb\n', '--partition', 0)
        described = self.ok('topic', 'describe', *self.at).out
        self.assertEqual(self.broker.stop(), 0)
        self.broker.start()
        self.assertEqual(self.ok('topic', 'describe', *self.at).out, described)
        self.assertEqual(self.consume('t', 2), 'a\nb\n')

    def test_sigkill_loses_nothing_that_was_acknowledged(self):
        self.create('t')
        for i in range(3):
            self.produce('t', f'{i}\n')
            self.broker.sigkill()
            self.broker.start()
        self.assertEqual(self.consume('t', 3), '0\n1\n2\n')

    def test_a_second_broker_on_the_directory_is_refused(self):
        result = self.fails(1, 'broker', '--listener', f'127.0.0.1:{interop_broker.free_port()}', '--data',
                            self.broker.data, timeout=30)
        self.assertIn(str(self.broker.data), result.err)
        self.create('still-here')

    def test_a_taken_port_is_named(self):
        self.fails(1, 'broker', '--listener', self.broker.address, '--data', self.folder / 'other', timeout=30,
                   says=self.broker.address)

    def test_a_wrong_configuration_is_named_with_file_and_line(self):
        path = self.folder / 'server.properties'
        path.write_text('log.segment.bytes=1048576\nlog.retention.hours=soon\n')
        self.fails(2, 'broker', '--config', path, '--data', self.folder / 'data', timeout=30,
                   says=(str(path), '2', 'log.retention.hours', 'soon'))
        path.write_text('no.such.setting=1\n')
        self.fails(2, 'broker', '--config', path, timeout=30, says='no.such.setting')
        self.fails(2, 'broker', '--config', self.folder / 'none.properties', timeout=30, says='none.properties')
        self.fails(2, 'broker', '--override', 'novalue', timeout=30, says='novalue')

    def test_garbage_on_the_port_does_not_hurt(self):
        for garbage in (b'GET / HTTP/1.1\r\n\r\n', bytes(64), b'\xff' * 64, b'\0\0\0\x04abcd'):
            with socket.create_connection((interop_broker.HOST, self.broker.port), timeout=5) as connection:
                connection.sendall(garbage)
                connection.shutdown(socket.SHUT_WR)
                connection.settimeout(10)
                try:
                    while connection.recv(4096):
                        pass
                except ConnectionResetError:
                    pass
        self.create('alive')

    def test_the_files_of_a_stopped_node_can_be_dumped(self):
        self.create('t')
        self.produce('t', ''.join(f'line {i}\n' for i in range(2000)), '--command-property', 'batch.size=500')
        self.broker.stop()
        partition = self.broker.data / 't-0'
        names = [path for path in partition.iterdir() if path.suffix != '.txnindex']
        out = self.ok('dump-log', '--print-data-log', '--files', ','.join(map(str, names))).out
        self.assertEqual(out.count('payload: line '), 2000)
        metadata = self.broker.data / '__cluster_metadata-0'
        files = ','.join(str(path) for path in metadata.iterdir() if path.name != 'quorum-state')
        out = self.ok('dump-log', '--cluster-metadata-decoder', '--files', files).out
        self.assertIn('"type":"TOPIC_RECORD"', out)
        checkpoints = ','.join(str(path) for path in self.broker.data.glob('*-offset-checkpoint'))
        self.assertIn('topic: t partition: 0 offset: 2000\n', self.ok('dump-log', '--files', checkpoints).out)


if __name__ == '__main__':
    binary.main()
