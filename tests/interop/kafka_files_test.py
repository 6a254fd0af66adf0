#!/usr/bin/python3 -B
"""Files and whole data directories, exchanged with Apache Kafka."""
import contextlib
import pathlib
import shutil
import tempfile

import suite
from broker import run_program
from kafka_programs import DUMP_LOG, KafkaBroker, jars, run_kafka

kafka_files = suite.Suite('Kafka files')
CODECS = ('none', 'gzip', 'snappy', 'lz4', 'zstd')


@kafka_files.requires
def is_installed():
    jars()


def odradek(world, *arguments, text=''):
    done = run_program([world.binary, *map(str, arguments)], text)
    assert done.returncode == 0, f'odradek {arguments} ended with {done.returncode}: {done.stderr.decode()[-2000:]}'
    return done.stdout.decode()


def fill(world, address):
    """Every codec, keys and headers, producers with and without idempotence, more than one segment."""
    at = ('--bootstrap-server', address)
    odradek(world, 'topic', 'create', *at, '--topic', 't', '--partitions', 2)
    for codec in CODECS:
        lines = ''.join(f'key {i % 7}:{codec} {i} {"x" * (i % 50)}\n' for i in range(3000))
        odradek(world, 'produce', *at, '--topic', 't', '--partition', 0, '--parse-key', '--key-separator', ':',
                '--compression', codec, '--header', 'codec=' + codec, text=lines)
    lines = ''.join(f'line {i} {"y" * (i * 7919 % 100)}\n' for i in range(16000))
    odradek(world, 'produce', *at, '--topic', 't', '--partition', 1, '--acks', 1, text=lines)


def read_all(world, address):
    """What the two partitions have, as text."""
    return [odradek(world, 'consume', '--bootstrap-server', address, '--topic', 't', '--partition', partition,
                    '--from-beginning', '--timeout-ms', 1500, '--print-offset', '--print-timestamp', '--print-key',
                    '--print-headers') for partition in range(2)]


def files_of(data):
    suffixes = ('.log', '.index', '.timeindex', '.txnindex', '.snapshot', '.checkpoint')
    return sorted(path for path in pathlib.Path(data).glob('**/*') if path.suffix in suffixes)


def dump_options(path):
    if path.suffix == '.checkpoint' or path.parent.name.startswith('__cluster_metadata'):
        return ('--cluster-metadata-decoder',)
    if path.parent.name.startswith('__'):
        return ('--deep-iteration',)  # values that are no text
    return ('--print-data-log',)


@contextlib.contextmanager
def copy_of(data):
    folder = pathlib.Path(tempfile.mkdtemp(prefix='odradek-copy-'))
    try:
        shutil.copytree(data, folder / 'data')
        yield folder / 'data'
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def dumps_are_equal(world, data):
    """Kafka's program and ours say the same of every file, and nothing is wrong with any."""
    groups = {}
    for path in files_of(data):
        groups.setdefault(dump_options(path), []).append(str(path))
    assert len(groups) >= 2, groups
    for options, paths in groups.items():
        files = ','.join(paths)
        kafka_says = run_kafka(DUMP_LOG, *options, '--files', files)
        we_say = odradek(world, 'dump-log', *options, '--files', files)
        for bad in ('isvalid: false', 'invalid bytes', 'Mismatches', 'mismatch', 'not found'):
            assert bad not in kafka_says, kafka_says[max(0, kafka_says.find(bad) - 300):][:600]
        for ours, theirs in zip(we_say.splitlines(), kafka_says.splitlines()):
            assert ours == theirs, f'odradek: {ours[:500]}\nKafka:   {theirs[:500]}'
        assert we_say == kafka_says, (len(we_say), len(kafka_says))
        assert 'baseOffset:' in kafka_says, kafka_says[:1000]


@kafka_files.check('kafka-dump-log reads what a stopped broker left', timeout_s=180)
def dump_after_stop(world):
    broker = world.new_broker(log_segment_bytes=1048576, log_index_interval_bytes=512)
    fill(world, broker.address)
    assert broker.stop() == 0
    assert len(list((broker.data / 't-1').glob('*.log'))) > 1
    dumps_are_equal(world, broker.data)


@kafka_files.check('kafka-dump-log reads what SIGKILL and recovery left', timeout_s=180)
def dump_after_kill(world):
    broker = world.new_broker(log_segment_bytes=1048576, log_index_interval_bytes=512)
    fill(world, broker.address)
    broker.sigkill()
    with copy_of(broker.data) as data:
        dumps_are_equal(world, data)
    broker.start()
    assert broker.stop() == 0
    dumps_are_equal(world, broker.data)


def kafka_data(world, end):
    """A directory that Kafka wrote, and what was read from Kafka before its end."""
    kafka = KafkaBroker()
    try:
        fill(world, kafka.address)
        run_kafka('org.apache.kafka.tools.ProducerPerformance', '--bootstrap-server', kafka.address, '--topic', 't',
                  '--num-records', 300, '--record-size', 100, '--throughput', -1, '--transactional-id', 'x',
                  '--transaction-duration-ms', 100)
        before = read_all(world, kafka.address)
        getattr(kafka, end)()
        folder = pathlib.Path(tempfile.mkdtemp(prefix='odradek-kafka-data-'))
        shutil.move(str(kafka.data), folder / 'data')
        return folder, before
    finally:
        kafka.close()


def serves_kafkas_directory(world, end, dump):
    folder, before = kafka_data(world, end)
    try:
        assert all(len(text.splitlines()) > 10000 for text in before), [len(text) for text in before]
        if dump:
            dumps_are_equal(world, folder / 'data')
        broker = world.new_broker()
        broker.stop()
        broker.data = folder / 'data'
        broker.start()
        assert read_all(world, broker.address) == before
        at = ('--bootstrap-server', broker.address, '--topic', 't')
        odradek(world, 'produce', *at, '--partition', 0, text='and on it goes\n')
        assert broker.stop() == 0
        return before
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@kafka_files.check('the directory of a stopped Kafka is dumped and served', timeout_s=300)
def clean_directory(world):
    serves_kafkas_directory(world, 'stop', dump=True)


@kafka_files.check('the directory of a killed Kafka is served', timeout_s=300)
def killed_directory(world):
    serves_kafkas_directory(world, 'sigkill', dump=False)


@kafka_files.check('Kafka serves what Odradek left, and Odradek what Kafka left of it', timeout_s=300)
def there_and_back(world):
    broker = world.new_broker(log_segment_bytes=1048576)
    fill(world, broker.address)
    before = read_all(world, broker.address)
    assert broker.stop() == 0
    kafka = KafkaBroker(broker.data)
    try:
        assert read_all(world, kafka.address) == before
        odradek(world, 'produce', '--bootstrap-server', kafka.address, '--topic', 't', '--partition', 1,
                text='written by Kafka\n')
        kafka.stop()
    finally:
        kafka.close()
    broker.start()
    after = read_all(world, broker.address)
    assert after[0] == before[0]
    assert after[1].startswith(before[1]) and after[1].endswith('\twritten by Kafka\n'), after[1][-200:]


@kafka_files.check('Kafka recovers what SIGKILL left of Odradek', timeout_s=300)
def kafka_recovers(world):
    broker = world.new_broker(log_segment_bytes=1048576)
    fill(world, broker.address)
    before = read_all(world, broker.address)
    broker.sigkill()
    kafka = KafkaBroker(broker.data)
    try:
        assert read_all(world, kafka.address) == before
    finally:
        kafka.close()


if __name__ == '__main__':
    suite.main([kafka_files], __doc__)
