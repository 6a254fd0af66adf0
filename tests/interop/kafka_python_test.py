#!/usr/bin/python3 -B
"""kafka-python 2.0.2: pure Python, asks in the oldest versions that are served (Metadata 0 to 5, Fetch 4,
ListOffsets 1)."""
import logging
import time

import suite

try:
    from kafka import KafkaAdminClient, KafkaConsumer, KafkaProducer, TopicPartition
    from kafka import errors
    from kafka.admin import ConfigResource, ConfigResourceType, NewPartitions, NewTopic
except ModuleNotFoundError as why:
    ABSENT = f'{why} (tools/setup)'
else:
    ABSENT = ''

kafka_python = suite.Suite('kafka-python')


@kafka_python.requires
def is_installed():
    if ABSENT:
        raise suite.Missing(ABSENT)
    logging.getLogger('kafka').setLevel(logging.CRITICAL)


def create(broker, topic, partitions=1, **configs):
    admin = KafkaAdminClient(bootstrap_servers=broker.address)
    settings = {name.replace('_', '.'): value for name, value in configs.items()}
    admin.create_topics([NewTopic(topic, partitions, 1, topic_configs=settings)])
    admin.close()


def produce(broker, topic, values, **options):
    producer = KafkaProducer(bootstrap_servers=broker.address, **options)
    futures = [producer.send(topic, value, partition=0) for value in values]
    producer.flush(30)
    sent = [future.get(30) for future in futures]
    producer.close()
    return sent


def assigned(broker, topic, partition=0, **options):
    consumer = KafkaConsumer(bootstrap_servers=broker.address, consumer_timeout_ms=20000, **options)
    consumer.assign([TopicPartition(topic, partition)])
    return consumer


def consume(broker, topic, partition=0, **options):
    """All of a partition, as records."""
    consumer = assigned(broker, topic, partition, auto_offset_reset='earliest', **options)
    place = TopicPartition(topic, partition)
    end = consumer.end_offsets([place])[place]
    seen = []
    while consumer.position(place) < end:
        for records in consumer.poll(timeout_ms=5000).values():
            seen += records
    consumer.close()
    return seen


def numbers(count):
    return [b'value %d' % i for i in range(count)]


def add_codec_check(codec):
    @kafka_python.check(f'{codec}: produce and consume')
    def round_trip(world):
        topic = world.topic(codec)
        create(world.broker, topic)
        sent = produce(world.broker, topic, numbers(2000), acks='all', linger_ms=5,
                       compression_type=None if codec == 'none' else codec)
        seen = consume(world.broker, topic)
        assert [record.value for record in seen] == numbers(2000)
        assert [record.offset for record in seen] == [one.offset for one in sent]


for name in ('none', 'gzip', 'snappy', 'lz4', 'zstd'):
    add_codec_check(name)


@kafka_python.check('the broker is taken for a new one')
def version(world):
    consumer = KafkaConsumer(bootstrap_servers=world.broker.address)
    found = consumer.config['api_version']
    consumer.close()
    assert found == (2, 4, 0), found  # the newest that it knows without ACLs (DescribeAcls 2 says 2.5)


@kafka_python.check('topics are created by asking for them')
def auto_create(world):
    topic = world.topic('auto')
    sent = produce(world.broker, topic, [b'a'])
    assert sent[0].offset == 0
    assert [record.value for record in consume(world.broker, topic)] == [b'a']
    consumer = KafkaConsumer(bootstrap_servers=world.broker.address)
    assert topic in consumer.topics() and consumer.partitions_for_topic(topic) == {0}
    consumer.close()


@kafka_python.check('acks=0, acks=1')
def acks(world):
    topic = world.topic('acks')
    create(world.broker, topic)
    produce(world.broker, topic, [b'a'], acks=1)
    produce(world.broker, topic, [b'b'], acks=0)
    deadline = time.monotonic() + 10  # nobody says when what has no answer is there
    while [record.value for record in consume(world.broker, topic)] != [b'a', b'b']:
        assert time.monotonic() < deadline
        time.sleep(0.05)


@kafka_python.check('keys, headers and timestamps')
def fields(world):
    topic = world.topic()
    create(world.broker, topic)
    producer = KafkaProducer(bootstrap_servers=world.broker.address)
    producer.send(topic, value=b'v', key=b'k', headers=[('a', b'1'), ('a', b'')], timestamp_ms=123456789).get(20)
    producer.send(topic, value=None, key=b'k').get(20)
    producer.close()
    seen = consume(world.broker, topic)
    assert (seen[0].key, seen[0].value, seen[0].timestamp, seen[0].timestamp_type) == (b'k', b'v', 123456789, 0)
    assert seen[0].headers == [('a', b'1'), ('a', b'')], seen[0].headers
    assert seen[1].value is None


@kafka_python.check('seek, beginning, end, offsets_for_times')
def offsets(world):
    topic = world.topic()
    create(world.broker, topic)
    producer = KafkaProducer(bootstrap_servers=world.broker.address)
    for i in range(10):
        producer.send(topic, b'%d' % i, timestamp_ms=1000 * (i + 1))
    producer.close()
    consumer = assigned(world.broker, topic)
    place = TopicPartition(topic, 0)
    assert consumer.beginning_offsets([place]) == {place: 0} and consumer.end_offsets([place]) == {place: 10}
    found = consumer.offsets_for_times({place: 2500})[place]
    assert (found.offset, found.timestamp) == (2, 3000), found
    assert consumer.offsets_for_times({place: 10001})[place] is None
    consumer.seek(place, 7)
    assert next(consumer).value == b'7'
    consumer.close()


@kafka_python.check('a message above max.message.bytes is refused')
def too_large(world):
    topic = world.topic()
    create(world.broker, topic, max_message_bytes='1000')
    produce(world.broker, topic, [b'small'])
    try:
        produce(world.broker, topic, [b'x' * 5000])
    except errors.MessageSizeTooLargeError:
        return
    raise AssertionError('accepted')


@kafka_python.check('admin: topics and partitions')
def topics(world):
    admin = KafkaAdminClient(bootstrap_servers=world.broker.address)
    topic = world.topic()
    admin.create_topics([NewTopic(topic, 2, 1)])
    try:
        admin.create_topics([NewTopic(topic, 2, 1)])
        raise AssertionError('created twice')
    except errors.TopicAlreadyExistsError:
        pass
    admin.create_partitions({topic: NewPartitions(4)})
    (described,) = admin.describe_topics([topic])
    assert len(described['partitions']) == 4 and described['error_code'] == 0, described
    assert topic in admin.list_topics()
    admin.delete_topics([topic])
    assert topic not in admin.list_topics()
    cluster = admin.describe_cluster()
    assert [node['port'] for node in cluster['brokers']] == [world.broker.port], cluster
    admin.close()


@kafka_python.check('admin: describe and alter configs')
def configs(world):
    admin = KafkaAdminClient(bootstrap_servers=world.broker.address)
    topic = world.topic()
    admin.create_topics([NewTopic(topic, 1, 1, topic_configs={'retention.ms': '60000'})])
    resource = ConfigResource(ConfigResourceType.TOPIC, topic)

    def described():
        (answer,) = admin.describe_configs([resource])
        code, text, _, _, entries = answer.resources[0]
        assert code == 0, text
        return {entry[0]: entry[1] for entry in entries}
    assert described()['retention.ms'] == '60000'
    admin.alter_configs([ConfigResource(ConfigResourceType.TOPIC, topic, {'segment.bytes': '2000000'})])
    assert described()['segment.bytes'] == '2000000' and described()['retention.ms'] == '604800000'
    admin.close()


kafka_python.not_yet('subscribe, commit', 'no group coordinator in this version')
kafka_python.not_yet('idempotence, read_committed', 'this client has neither')

if __name__ == '__main__':
    suite.main([kafka_python], __doc__)
