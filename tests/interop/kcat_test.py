#!/usr/bin/python3 -B
"""kcat (librdkafka): what its command line can do without consumer groups."""
import json
import shutil
import subprocess
import time

import suite
from broker import die_with_parent, run_program

kcat = suite.Suite('kcat')


@kcat.requires
def is_installed():
    if shutil.which('kcat') is None:
        raise suite.Missing('kcat is not installed (tools/setup)')


def run_kcat(broker, *arguments, text='', fails=False):
    done = run_program(['kcat', '-b', broker.address, *arguments], text)
    ended_badly = done.returncode != 0
    assert ended_badly == fails, f'kcat {arguments} ended with {done.returncode}: {done.stderr.decode()}'
    return done.stderr.decode() if fails else done.stdout


def produce(broker, topic, lines, *arguments):
    run_kcat(broker, '-P', '-t', topic, *arguments, text='\n'.join(lines))


def consume(broker, topic, *arguments):
    return run_kcat(broker, '-C', '-q', '-e', '-t', topic, *arguments).decode().splitlines()


def consume_json(broker, topic, *arguments):
    return [json.loads(line) for line in consume(broker, topic, '-J', *arguments)]


def numbers(count):
    return [f'value {i}' for i in range(count)]


@kcat.check('-L lists the broker, the controller and topics')
def lists(world):
    topic = world.topic()
    produce(world.broker, topic, ['a'])
    seen = json.loads(run_kcat(world.broker, '-L', '-J'))
    assert [b['name'] for b in seen['brokers']] == [world.broker.address], seen
    assert seen['controllerid'] == seen['brokers'][0]['id'], seen
    assert topic in [t['topic'] for t in seen['topics']], seen
    one = json.loads(run_kcat(world.broker, '-L', '-J', '-t', topic))
    assert [p['partition'] for p in one['topics'][0]['partitions']] == [0], one
    assert one['topics'][0]['partitions'][0]['leader'] == seen['controllerid'], one


def add_codec_check(codec):
    @kcat.check(f'produce and consume with keys, -z {codec}')
    def round_trip(world):
        topic = world.topic(codec)
        lines = [f'key {i % 7}:value {i}' for i in range(3000)]
        produce(world.broker, topic, lines, '-K:', '-z', codec)
        assert consume(world.broker, topic, '-K:') == lines


for name in ('none', 'gzip', 'snappy', 'lz4', 'zstd'):
    add_codec_check(name)


def add_acks_check(acks):
    @kcat.check(f'acks={acks}')
    def acknowledged(world):
        topic = world.topic('acks')
        produce(world.broker, topic, ['first'])
        produce(world.broker, topic, numbers(1000), '-X', f'acks={acks}', '-p', '0')
        deadline = time.monotonic() + 10  # nobody says when what has no answer is there
        while consume(world.broker, topic) != ['first', *numbers(1000)]:
            assert time.monotonic() < deadline, consume(world.broker, topic)[-3:]
            time.sleep(0.05)


for level in ('0', '1', 'all'):
    add_acks_check(level)


def add_idempotence_check(codec):
    @kcat.check(f'enable.idempotence=true, -z {codec}')
    def idempotent(world):
        topic = world.topic('idempotent')
        options = ('-X', 'enable.idempotence=true', '-z', codec, '-X', 'linger.ms=1', '-X', 'batch.num.messages=50')
        produce(world.broker, topic, numbers(2000), *options)
        produce(world.broker, topic, numbers(2000), *options)
        assert consume(world.broker, topic) == numbers(2000) * 2


for name in ('none', 'gzip', 'snappy', 'lz4', 'zstd'):
    add_idempotence_check(name)


@kcat.check('headers, null keys and null values, -J')
def headers(world):
    topic = world.topic('headers')
    run_kcat(world.broker, '-P', '-t', topic, '-H', 'a=1', '-H', 'b=', '-H', 'a=2', '-k', 'key', text='value')
    run_kcat(world.broker, '-P', '-t', topic, '-Z', '-K:', text='gone:\n:kept')
    seen = consume_json(world.broker, topic)
    assert seen[0]['headers'] == ['a', '1', 'b', '', 'a', '2'], seen
    assert [(m['key'], m['payload']) for m in seen] == [('key', 'value'), ('gone', None), (None, 'kept')], seen
    assert [m['offset'] for m in seen] == [0, 1, 2] and all(m['tstype'] == 'create' for m in seen), seen
    assert abs(seen[0]['ts'] / 1000 - time.time()) < 600, seen


@kcat.check('-Q finds offsets by timestamp; -o s@, e@')
def timestamps(world):
    topic = world.topic('times')
    for value in ('a', 'b', 'c'):
        produce(world.broker, topic, [value])
        time.sleep(0.02)
    stamps = [m['ts'] for m in consume_json(world.broker, topic)]

    def offset_at(timestamp):
        return run_kcat(world.broker, '-Q', '-t', f'{topic}:0:{timestamp}').decode().strip()
    assert offset_at(stamps[1]) == f'{topic} [0] offset 1', offset_at(stamps[1])
    assert offset_at(stamps[1] + 1) == f'{topic} [0] offset 2', offset_at(stamps[1] + 1)
    assert offset_at(stamps[2] + 1000) == f'{topic} [0] offset -1', offset_at(stamps[2] + 1000)
    assert offset_at(-1) == f'{topic} [0] offset 3', offset_at(-1)
    assert offset_at(-2) == f'{topic} [0] offset 0', offset_at(-2)
    assert consume(world.broker, topic, '-o', f's@{stamps[1]}') == ['b', 'c']
    assert consume(world.broker, topic, '-o', f's@{stamps[0]}', '-o', f'e@{stamps[2]}') == ['a', 'b']


@kcat.check('-o offset, tail, beginning, end; -c')
def offsets(world):
    topic = world.topic('offsets')
    produce(world.broker, topic, numbers(100), '-X', 'batch.num.messages=7')
    assert consume(world.broker, topic, '-p', '0', '-o', '40') == numbers(100)[40:]
    assert consume(world.broker, topic, '-p', '0', '-o', '-3') == numbers(100)[-3:]
    assert consume(world.broker, topic, '-p', '0', '-o', 'beginning', '-c', '5') == numbers(5)
    assert consume(world.broker, topic, '-p', '0', '-o', 'end') == []
    small = ('-X', 'fetch.message.max.bytes=200', '-X', 'fetch.max.bytes=1000', '-X', 'message.max.bytes=1000')
    assert consume(world.broker, topic, '-p', '0', *small) == numbers(100)


@kcat.check('a consumer that waits gets what comes later')
def long_poll(world):
    topic = world.topic('later')
    produce(world.broker, topic, ['first'])
    waiting = subprocess.Popen(['kcat', '-b', world.broker.address, '-C', '-q', '-u', '-t', topic, '-c', '2'],
                               stdout=subprocess.PIPE, preexec_fn=die_with_parent)
    try:
        assert waiting.stdout.readline() == b'first\n'
        time.sleep(1)
        produce(world.broker, topic, ['second'])
        assert waiting.communicate(timeout=20)[0] == b'second\n' and waiting.returncode == 0
    finally:
        waiting.kill()
        waiting.wait()


@kcat.check('partitions: -p, keys keep to one, all are read')
def partitions(world):
    broker = world.new_broker(num_partitions=3)
    for partition in range(3):
        produce(broker, 't', [f'in {partition}'], '-p', str(partition))
    for partition in range(3):
        assert consume(broker, 't', '-p', str(partition)) == [f'in {partition}']
    produce(broker, 'keyed', [f'k{i % 10}:{i}' for i in range(200)], '-K:')
    where = {}
    seen = consume_json(broker, 'keyed')
    for message in seen:
        where.setdefault(message['key'], set()).add(message['partition'])
    assert len(seen) == 200 and all(len(found) == 1 for found in where.values()), where
    assert len(set.union(*where.values())) == 3, where
    assert 'Unknown partition' in run_kcat(broker, '-P', '-t', 't', '-p', '9', text='x', fails=True)


@kcat.check('large messages, and too large ones are refused')
def large(world):
    broker = world.new_broker(message_max_bytes=3000000)
    file = broker.folder / 'large'
    file.write_bytes(bytes(range(256)) * 8000)
    run_kcat(broker, '-P', '-t', 't', '-X', 'message.max.bytes=4000000', str(file))
    read = run_kcat(broker, '-C', '-q', '-e', '-D', '', '-t', 't')
    assert read == file.read_bytes(), len(read)
    file.write_bytes(bytes(range(256)) * 15000)
    told = run_kcat(broker, '-P', '-t', 't', '-X', 'message.max.bytes=4000000', str(file), fails=True)
    assert 'Message size too large' in told, told


@kcat.check('settings of the topic reach it: LogAppendTime')
def log_append_time(world):
    broker = world.new_broker(log_message_timestamp_type='LogAppendTime')
    for codec in ('none', 'gzip', 'snappy', 'lz4', 'zstd'):
        produce(broker, 't', ['a', 'b'], '-z', codec)
    seen = consume_json(broker, 't')
    assert len(seen) == 10 and all(m['tstype'] == 'logappend' for m in seen), seen


@kcat.check('missing topics are told, and made only on request')
def unknown_topic(world):
    broker = world.new_broker(auto_create_topics_enable='false')
    # librdkafka waits this long for a topic that may be new.
    soon = ('-X', 'topic.metadata.propagation.max.ms=100')
    told = run_kcat(broker, '-P', '-t', 'nobody', *soon, text='x', fails=True)
    assert 'Unknown topic' in told, told
    told = run_kcat(broker, '-C', '-e', '-t', 'nobody', fails=True)
    assert 'Unknown topic' in told, told


def start_producer(broker, topic, *arguments):
    """kcat that outlives restarts of the broker."""
    return subprocess.Popen(
        ['kcat', '-b', broker.address, '-P', '-E', '-t', topic, '-p', '0', '-X', 'message.timeout.ms=60000',
         '-X', 'reconnect.backoff.max.ms=200', '-X', 'batch.num.messages=20', *arguments],
        stdin=subprocess.PIPE, stderr=subprocess.PIPE, preexec_fn=die_with_parent)


@kcat.check('SIGKILL under load: idempotent, nothing lost, nothing twice', timeout_s=150)
def sigkill(world):
    broker = world.new_broker()
    produce(broker, 't', ['start'])
    producers = [start_producer(broker, 't', '-X', 'enable.idempotence=true', '-z', codec)
                 for codec in ('none', 'lz4')]
    sent = 0
    try:
        for _ in range(4):
            until = time.monotonic() + 0.7
            while time.monotonic() < until:
                for index, producer in enumerate(producers):
                    producer.stdin.write(b''.join(b'%d %d\n' % (index, sent + i) for i in range(100)))
                    producer.stdin.flush()
                sent += 100
                time.sleep(0.002)
            broker.sigkill()
            broker.start()
        for producer in producers:
            _, told = producer.communicate(timeout=80)
            assert producer.returncode == 0, told.decode()
    finally:
        for producer in producers:
            producer.kill()
            producer.wait()
    seen = consume(broker, 't')[1:]
    for index in range(len(producers)):
        mine = [int(line.split()[1]) for line in seen if line.startswith(f'{index} ')]
        assert mine == list(range(sent)), f'sent {sent}, read {len(mine)}, distinct {len(set(mine))}'


@kcat.check('a clean stop and a start keep everything')
def clean_restart(world):
    broker = world.new_broker()
    produce(broker, 't', numbers(500), '-X', 'enable.idempotence=true')
    code = broker.stop()
    assert code == 0, f'exit code {code}'
    broker.start()
    assert consume(broker, 't') == numbers(500)
    produce(broker, 't', numbers(500), '-X', 'enable.idempotence=true')
    assert consume(broker, 't') == numbers(500) * 2


kcat.not_yet('-G consumer groups', 'no group coordinator in this version')
kcat.not_yet('-X transactional.id', 'no transaction coordinator in this version')

if __name__ == '__main__':
    suite.main([kcat], __doc__)
