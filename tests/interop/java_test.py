#!/usr/bin/python3 -B
"""Apache Kafka 4.3.1's Java clients and command-line tools. tests/interop/fetch brings the jars, or
ODRADEK_KAFKA_JARS names the folder that has them."""
import json
import pathlib
import re
import shutil
import tempfile

import kafka_programs
import suite
from broker import run_program, run_under_kills

java = suite.Suite('java client')
tools = suite.Suite('kafka tools')
HERE = pathlib.Path(__file__).resolve().parent
TOOLS = 'org.apache.kafka.tools.'


@tools.requires
def can_run_tools():
    kafka_programs.jars()


def without_slf4j(printed):
    """Without the lines that say that no logging library is there."""
    return ''.join(line for line in printed.decode().splitlines(True) if not line.startswith('SLF4J'))


def tool(broker, name, *arguments, text='', fails=False):
    """Runs a tool by its class and returns what it printed."""
    name = name if name.startswith('kafka.') else TOOLS + name
    done = run_program(kafka_programs.command(name, '--bootstrap-server', broker.address, *arguments), text)
    printed = without_slf4j(done.stdout + done.stderr)
    assert (done.returncode != 0) == fails, f'{name} {arguments} ended with {done.returncode}: {printed}'
    return printed


def create(broker, topic, *arguments):
    tool(broker, 'TopicCommand', '--create', '--topic', topic, *arguments)


def consume(broker, topic, count, *arguments):
    return tool(broker, 'consumer.ConsoleConsumer', '--topic', topic, '--max-messages', str(count), *arguments)


@tools.check('kafka-topics: create, list, describe, alter, delete')
def topics(world):
    topic = world.topic()
    assert f'Created topic {topic}.' in tool(world.broker, 'TopicCommand', '--create', '--topic', topic, '--partitions',
                                             '3', '--config', 'retention.ms=60000')
    assert 'already exists' in tool(world.broker, 'TopicCommand', '--create', '--topic', topic, fails=True)
    assert topic in tool(world.broker, 'TopicCommand', '--list').split()
    tool(world.broker, 'TopicCommand', '--alter', '--topic', topic, '--partitions', '4')
    described = tool(world.broker, 'TopicCommand', '--describe', '--topic', topic)
    assert 'PartitionCount: 4\tReplicationFactor: 1\tConfigs: retention.ms=60000' in described, described
    assert 'Partition: 3\tLeader: 1\tReplicas: 1\tIsr: 1\tElr: \tLastKnownElr: ' in described, described
    under = tool(world.broker, 'TopicCommand', '--describe', '--under-replicated-partitions')
    assert topic not in under, under
    tool(world.broker, 'TopicCommand', '--delete', '--topic', topic)
    assert 'does not exist' in tool(world.broker, 'TopicCommand', '--describe', '--topic', topic, fails=True)


@tools.check('kafka-configs: topics and brokers')
def configs(world):
    topic = world.topic()
    create(world.broker, topic)
    entity = ('--entity-type', 'topics', '--entity-name', topic)
    tool(world.broker, 'kafka.admin.ConfigCommand', '--alter', *entity, '--add-config',
         'max.message.bytes=5000,retention.ms=70000')
    tool(world.broker, 'kafka.admin.ConfigCommand', '--alter', *entity, '--delete-config', 'retention.ms')
    described = tool(world.broker, 'kafka.admin.ConfigCommand', '--describe', *entity)
    assert 'max.message.bytes=5000 sensitive=false synonyms={DYNAMIC_TOPIC_CONFIG:max.message.bytes=5000, ' \
           'DEFAULT_CONFIG:message.max.bytes=1048588}' in described and 'retention' not in described, described
    told = tool(world.broker, 'kafka.admin.ConfigCommand', '--alter', *entity, '--add-config', 'no.such=1', fails=True)
    assert 'no.such' in told, told
    everything = tool(world.broker, 'kafka.admin.ConfigCommand', '--describe', '--all', *entity)
    assert 'cleanup.policy=delete' in everything, everything
    for broker in (('--entity-name', '1'), ('--entity-default',)):
        entity = ('--entity-type', 'brokers', *broker)
        tool(world.broker, 'kafka.admin.ConfigCommand', '--alter', *entity, '--add-config', 'log.retention.ms=100000')
        described = tool(world.broker, 'kafka.admin.ConfigCommand', '--describe', *entity)
        assert 'log.retention.ms=100000' in described, described


@tools.check('kafka-console-producer and -consumer with --partition')
def console(world):
    topic = world.topic()
    create(world.broker, topic)
    tool(world.broker, 'ConsoleProducer', '--topic', topic, text=''.join(f'{i}\n' for i in range(100)))
    tool(world.broker, 'ConsoleProducer', '--topic', topic, '--compression-codec', 'zstd', '--sync',
         '--reader-property', 'parse.key=true', '--reader-property', 'parse.headers=true',
         '--reader-property', 'null.marker=NULL',
         text='h1:a,h2:b\tk1\tv1\nh1:c\tk2\tNULL\n')
    read = consume(world.broker, topic, 100, '--partition', '0', '--offset', 'earliest', '--isolation-level',
                   'read_committed')
    assert read.startswith(''.join(f'{i}\n' for i in range(100))), read
    assert 'Processed a total of 100 messages' in read, read
    shown = [f'--formatter-property=print.{what}=true' for what in ('key', 'headers', 'offset', 'timestamp')]
    read = consume(world.broker, topic, 2, '--partition', '0', '--offset', '100', *shown)
    assert 'Offset:100\th1:a,h2:b\tk1\tv1\n' in read and 'Offset:101\th1:c\tk2\tnull\n' in read, read


def odradek(world, verb, *arguments, text=''):
    done = run_program([world.binary, verb, '--bootstrap-server', world.broker.address, *arguments], text)
    assert done.returncode == 0, f'{verb} {arguments}: {done.stderr.decode()}'
    return done.stdout.decode()


@tools.check('odradek produce and consume read and print as they do', timeout_s=120)
def same_console(world):
    reading = [f'--reader-property={name}' for name in ('parse.key=true', 'parse.headers=true', 'ignore.error=true',
                                                        'headers.separator=;', 'null.marker=NULL')]
    lines = ['a:1;b:2\tk\tv', 'a:1;\tk\t', ';;\tk\tv', '\tk\tv', 'a;b:1\tk\tv', 'a:1\tk', 'nothing', 'NULL\tNULL\tNULL',
             'a:NULL\tk\tv', 'h:four\tfour\tfour']
    # Without the epoch: Kafka's tool loses it on the way to its formatter and prints NOT_PRESENT.
    prints = [f'--formatter-property={name}' for name in (
        *(f'print.{what}=true' for what in ('partition', 'offset', 'delivery', 'headers', 'key')),
        'key.separator=|', 'line.separator=$', 'headers.separator=+', 'null.literal=-')]
    only_the_last = ('--offset', str(len(lines) - 1), '--max-messages', '1')
    package = 'org.apache.kafka.common.serialization.'
    shown = [(*prints, '--offset', 'earliest', '--max-messages', str(len(lines)))]
    shown += [(f'--formatter-property=value.deserializer={package}{name}Deserializer', *only_the_last)
              for name in ('Integer', 'Float', 'Bytes')]
    shown += [('--key-deserializer', f'{package}IntegerDeserializer', '--formatter-property', 'print.key=true',
               '--formatter', f'{TOOLS}consumer.DefaultMessageFormatter', *only_the_last)]
    topics = [world.topic(), world.topic()]
    for topic in topics:
        create(world.broker, topic)
    text = ''.join(f'{line}\n' for line in lines)
    tool(world.broker, 'ConsoleProducer', '--topic', topics[0], *reading, text=text)
    odradek(world, 'produce', '--topic', topics[1], *reading, text=text)
    for options in shown:
        options = ('--partition', '0', *options)
        ours = [odradek(world, 'consume', '--topic', topic, *options) for topic in topics]
        theirs = [tool(world.broker, 'consumer.ConsoleConsumer', '--topic', topic, *options) for topic in topics[:1]]
        assert ours[0] == ours[1], ours
        assert theirs[0].startswith(ours[0]) and 'Processed a total of' in theirs[0][len(ours[0]):], (theirs, ours)


@tools.check('kafka-producer-perf-test, kafka-verifiable-producer')
def perf(world):
    topic = world.topic()
    create(world.broker, topic, '--partitions', '3')
    for properties in (['acks=all'], ['acks=1', 'compression.type=lz4', 'linger.ms=5']):
        told = tool(world.broker, 'ProducerPerformance', '--topic', topic, '--num-records', '20000', '--record-size',
                    '200', '--throughput', '-1', '--command-property', *properties)
        assert '20000 records sent' in told and '99.9th' in told, told
    told = tool(world.broker, 'VerifiableProducer', '--topic', topic, '--max-messages', '10')
    assert told.count('producer_send_success') == 10, told
    found = tool(world.broker, 'GetOffsetShell', '--topic', topic)
    assert sum(int(line.rsplit(':', 1)[1]) for line in found.split() if line.startswith(topic)) == 40010, found


@tools.check('kafka-get-offsets, kafka-delete-records')
def offsets(world):
    topic = world.topic()
    create(world.broker, topic, '--partitions', '2')
    for name in ('first', 'second'):
        tool(world.broker, 'ConsoleProducer', '--topic', topic, text=f'{name}\n')

    def found(time):
        lines = [line for line in tool(world.broker, 'GetOffsetShell', '--topic', topic, '--time', time).split()
                 if line.startswith(topic)]
        return sorted(int(line.rsplit(':', 1)[1]) for line in lines)
    assert found('earliest') == found('earliest-local') == [0, 0]
    assert sum(found('latest')) == 2 and len(found('max-timestamp')) >= 1
    for kind in ('latest-tiered', 'earliest-pending-upload'):
        told = tool(world.broker, 'GetOffsetShell', '--topic', topic, '--time', kind)
        assert 'error' not in told.lower(), told
    request = world.broker.folder / 'delete.json'
    request.write_text(json.dumps({'version': 1, 'partitions': [
        {'topic': topic, 'partition': i, 'offset': -1} for i in range(2)]}))
    told = tool(world.broker, 'DeleteRecordsCommand', '--offset-json-file', str(request))
    assert told.count('low_watermark') == 2, told
    assert sum(found('earliest')) == 2


@tools.check('kafka-log-dirs, kafka-broker-api-versions, kafka-cluster, kafka-features, kafka-transactions')
def cluster(world):
    topic = world.topic()
    create(world.broker, topic)
    tool(world.broker, 'ConsoleProducer', '--topic', topic, text='x\n')
    described = tool(world.broker, 'LogDirsCommand', '--describe', '--topic-list', topic)
    document = json.loads(next(line for line in described.splitlines() if line.startswith('{')))
    (directory,) = document['brokers'][0]['logDirs']
    assert directory['error'] is None and directory['partitions'][0]['size'] > 0, document
    versions = tool(world.broker, 'BrokerApiVersionsCommand')
    assert 'Produce(0): 0 to 13 [usable: 13]' in versions and 'JoinGroup(11): UNSUPPORTED' in versions, versions

    def with_verb(name, *verb):
        return kafka_programs.run_kafka(TOOLS + name, *verb, '--bootstrap-server', world.broker.address)
    assert 'Cluster ID: ' in with_verb('ClusterTool', 'cluster-id')
    assert 'unfenced' in with_verb('ClusterTool', 'list-endpoints')
    assert 'Feature: metadata.version' in tool(world.broker, 'FeatureCommand', 'describe')
    producers = tool(world.broker, 'TransactionsCommand', 'describe-producers', '--topic', topic, '--partition', '0')
    assert 'ProducerId' in producers and 'None' in producers, producers


@tools.check('kafka-metadata-quorum: status and replication')
def quorum(world):
    told = tool(world.broker, 'MetadataQuorumCommand', 'describe', '--status')
    assert re.search(r'LeaderId: +1\n', told) and re.search(r'MaxFollowerLag: +0\n', told), told
    told = tool(world.broker, 'MetadataQuorumCommand', 'describe', '--replication')
    assert re.search(r'^1\s.*Leader', told, re.MULTILINE), told


@tools.check('what is not there is said: groups, transactions, ACLs')
def honest(world):
    create(world.broker, world.topic())
    for name, arguments in (('GroupsCommand', ('--list',)),
                            ('TransactionsCommand', ('list',)), ('AclCommand', ('--list',))):
        told = tool(world.broker, name, *arguments, fails=True)
        assert 'does not support' in told, told


@java.requires
def can_compile():
    kafka_programs.jars()
    if shutil.which('javac') is None:
        raise suite.Missing('javac is not installed')


def client_command(broker, check, topic, *arguments):
    """The client program, compiled once."""
    if not hasattr(client_command, 'folder'):
        client_command.folder = tempfile.TemporaryDirectory(prefix='odradek-interop-')
        done = run_program(['javac', '-cp', f'{kafka_programs.jars()}/*', '-d', client_command.folder.name,
                            str(HERE / 'JavaClient.java')])
        assert done.returncode == 0, done.stderr.decode()
    return kafka_programs.command('JavaClient', broker.address, check, topic, *arguments,
                                  folder=client_command.folder.name)


def add_client_check(what, check, *arguments):
    @java.check(what, timeout_s=120)
    def run(world):
        done = run_program(client_command(world.broker, check, world.topic(check), *arguments), timeout_s=100)
        assert done.returncode == 0, without_slf4j(done.stderr)


for codec in ('none', 'gzip', 'snappy', 'lz4', 'zstd'):
    add_client_check(f'{codec}: default (idempotent) producer, consumer, read_committed', 'codec', codec)
for level in ('0', '1', 'all'):
    add_client_check(f'acks={level}, not idempotent', 'acks', level)
add_client_check('keys, headers, timestamps, leader epochs', 'fields')
add_client_check('seek, pause, offsetsForTimes, lag, metadata', 'positions')
add_client_check('out of range: earliest, by_duration, none', 'out-of-range')
add_client_check('too large, bad timestamp, bad topic', 'refused-records')
add_client_check('a topic deleted and made again under live clients', 'recreated')
add_client_check('admin: topics by name and by id', 'admin-topics')
add_client_check('admin: incremental configs of topics and brokers', 'admin-configs')
add_client_check('admin: listOffsets of every kind, deleteRecords', 'admin-offsets')
add_client_check('admin: cluster, log dirs, producers, features', 'admin-cluster')


@java.check('SIGKILL under load: idempotent, nothing lost, nothing twice', timeout_s=180)
def sigkill(world):
    broker = world.new_broker()
    began, done = run_under_kills(broker, client_command(broker, 'load', 't'), b'stop\n')
    assert began == b'started\n' and done.returncode == 0, without_slf4j(done.stderr)[-3000:]


if __name__ == '__main__':
    suite.main([java, tools], __doc__)
