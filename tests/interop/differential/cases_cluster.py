"""What is asked of the APIs that describe the cluster, of those for coordinators, and bytes that are no request."""
import struct

import messages
from script import versions_of


def add_api_versions(script):
    name = {'client_software_name': 'differential', 'client_software_version': '1.0'}
    script.ask('what is served', 'ApiVersions', name)
    bad = ['', '-a', 'a-', 'a b', 'a_b', '.a', 'ä', 'a' * 300]
    for text in bad:
        script.ask(f'software name "{text[:9]}"', 'ApiVersions', {**name, 'client_software_name': text}, [3, 4])
        script.ask(f'software version "{text[:9]}"', 'ApiVersions', {**name, 'client_software_version': text}, [3, 4])
    script.ask('a good name', 'ApiVersions', {'client_software_name': 'a', 'client_software_version': '1-2.x'}, [3, 4])


def add_metadata(script):
    def of(*names, create=False, **more):
        return lambda v: {'topics': [{'name': name} for name in names],
                          **({'allow_auto_topic_creation': create} if v >= 4 else {}), **more}
    late = range(4, 14)
    script.ask('one topic', 'Metadata', of('one'))
    script.ask('two topics in another order than their names', 'Metadata', of('three', 'one'))
    script.ask('a topic twice', 'Metadata', of('one', 'one'))
    script.ask('a missing topic', 'Metadata', of('m-missing'), late)
    script.ask('a bad name', 'Metadata', of('a/b'))
    script.ask('an empty name', 'Metadata', of(''))
    script.ask('a bad name, to be created', 'Metadata', of('a/b', create=True), late)
    script.ask('the metadata topic', 'Metadata', of('__cluster_metadata'), late)
    script.ask('no topics', 'Metadata', {'topics': []}, range(1, 14))
    script.ask('one that is made on demand, first', 'Metadata', lambda v: of(f'm-made-{v}', create=True)(v))
    script.ask('one that is made on demand', 'Metadata', lambda v: of(f'm-made-{v}', create=True)(v))
    script.ask('allowed operations', 'Metadata', lambda v: of('one', 'm-missing')(v) | {
        'include_topic_authorized_operations': True,
        **({'include_cluster_authorized_operations': True} if v <= 10 else {})}, range(8, 14))
    script.ask('allowed operations of ids', 'Metadata', {'include_topic_authorized_operations': True, 'topics': [
        {'topic_id': '<none>', 'name': None}, {'topic_id': '<id of one>', 'name': None}]}, range(12, 14))
    script.ask('allowed operations of a bad name', 'Metadata', lambda v: of('a/b')(v) | {
        'include_topic_authorized_operations': True}, range(11, 14))
    ids = {'an id': [{'topic_id': '<id of one>', 'name': None}],
           'an unknown id': [{'topic_id': '<none>', 'name': None}],
           'ids and an unknown one': [{'topic_id': '<none>', 'name': None}, {'topic_id': '<id of three>',
               'name': None}],
           'an id with an empty name': [{'topic_id': '<id of one>', 'name': ''}],
           'an id with its name': [{'topic_id': '<id of one>', 'name': 'one'}],
           'an id with another name': [{'topic_id': '<id of one>', 'name': 'three'}],
           'neither id nor name': [{'name': None}],
           'an id and a name': [{'topic_id': '<id of one>', 'name': None}, {'name': 'three'}],
           'a name with the id zero': [{'name': 'one'}]}
    for title, topics in ids.items():
        script.ask(title, 'Metadata', {'topics': topics, 'allow_auto_topic_creation': False}, range(10, 14))


def add_all_topics(script):
    """At the end: what is there after all, without what is not there at one of the two."""
    script.ask('compacted topics away', 'DeleteTopics', {'timeout_ms': 30000, 'topics': [
        {'name': name} for name in ['compacted', 'compacted-both', *(f'compacted-{v}' for v in range(2, 8))]]}, [6])
    script.ask('all topics', 'Metadata', lambda v: {'topics': None if v else []}, [0, 1, 5, 12])
    script.ask('all topics', 'DescribeTopicPartitions', {'topics': []})
    script.ask('no limit of topics', 'DescribeTopicPartitions', {'topics': [], 'response_partition_limit': 0})


def add_describe_cluster(script):
    script.ask('it', 'DescribeCluster')
    script.ask('allowed operations', 'DescribeCluster', {'include_cluster_authorized_operations': True})
    for kind in (0, 1, 2, 3, -1):
        script.ask(f'endpoint type {kind}', 'DescribeCluster', {'endpoint_type': kind}, [1, 2])
    script.ask('fenced brokers too', 'DescribeCluster', {'include_fenced_brokers': True}, [2])


def add_describe_topic_partitions(script):
    def ask(title, names, limit=2000, cursor=None):
        script.ask(title, 'DescribeTopicPartitions', {'topics': [{'name': name} for name in names],
                                                      'response_partition_limit': limit, 'cursor': cursor})
    ask('two topics', ['three', 'one'])
    ask('one twice', ['one', 'one'])
    ask('missing, bad and empty names', ['missing', 'a/b', '', 'one'])
    ask('a limit within a topic', ['three', 'one'], 2)
    ask('a limit at the end of a topic', ['three', 'one'], 1)
    ask('a limit at the end of all', ['three', 'one'], 4)
    ask('a limit of zero', ['one'], 0)
    ask('a negative limit', ['one'], -1)
    ask('a cursor', ['three', 'one'], 2, {'topic_name': 'three', 'partition_index': 1})
    ask('a cursor behind the partitions', ['three', 'one'], 2, {'topic_name': 'three', 'partition_index': 7})
    ask('a cursor between topics', ['three', 'one'], 2, {'topic_name': 'p', 'partition_index': 1})
    ask('a cursor behind all', ['three', 'one'], 2, {'topic_name': 'zzz', 'partition_index': 0})
    ask('a cursor with a negative partition', ['three'], 2, {'topic_name': 'three', 'partition_index': -1})
    ask('a cursor at a topic that is not there', ['missing', 'three'], 9, {'topic_name': 'missing',
        'partition_index': 2})
    ask('a limit before a missing topic', ['one', 'zz-missing'], 1)


def add_log_dirs(script):
    script.ask('two topics', 'DescribeLogDirs', {'topics': [{'topic': 'three', 'partitions': [0, 2]},
                                                            {'topic': 'empty', 'partitions': [0]}]})
    script.ask('one that is not there', 'DescribeLogDirs', {'topics': [{'topic': 'missing', 'partitions': [0]},
                                                                       {'topic': 'empty', 'partitions': [5, -1]}]})
    script.ask('nothing', 'DescribeLogDirs', {'topics': []})
    script.ask('no partitions', 'DescribeLogDirs', {'topics': [{'topic': 'empty', 'partitions': []}]})


def add_coordinators(script):
    def find(key, kind):
        return lambda v: {**({'coordinator_keys': [key]} if v >= 4 else {'key': key}),
                          **({'key_type': kind} if v else {})}
    script.ask('key type 3', 'FindCoordinator', find('k', 3), range(1, 7))
    script.ask('key type -1', 'FindCoordinator', find('k', -1), range(1, 7))
    script.ask('no keys', 'FindCoordinator', {'coordinator_keys': []}, range(4, 7))
    script.ask('two keys of no type', 'FindCoordinator', {'coordinator_keys': ['a', 'b'], 'key_type': 9}, range(4, 7))
    script.ask('an empty transactional id', 'InitProducerId', {'transactional_id': '', 'transaction_timeout_ms': 1000})
    script.ask('an idempotent producer', 'InitProducerId', {'transactional_id': None, 'transaction_timeout_ms': 1000})
    script.ask('an idempotent producer without a time', 'InitProducerId', {
        'transactional_id': None, 'transaction_timeout_ms': -1})
    for title, producer in {'an id and an epoch': (5, 0), 'an id without an epoch': (5, -1),
                            'an epoch without an id': (-1, 5)}.items():
        script.ask(f'an idempotent producer with {title}', 'InitProducerId', {
            'transactional_id': None, 'transaction_timeout_ms': 1000, 'producer_id': producer[0],
            'producer_epoch': producer[1]}, range(3, 6))


def add_raw(script):
    def header(key, version):
        return struct.pack('>hhih', key, version, 1, -1)
    for name, api in messages.APIS.items():
        versions = versions_of(name)
        script.raw(f'{name} above its versions', header(api.key, versions[-1] + 1) + bytes(40))
        script.raw(f'{name} below its versions', header(api.key, versions[0] - 1) + bytes(40))
        for version in versions:
            whole = messages.encode_request(name, version, {}, 1)
            script.raw(f'{name} version {version}, a byte short', whole[:-1])
            script.raw(f'{name} version {version} without a body', whole[:8])
    script.raw('an unknown key', header(999, 0))
    script.raw('a negative key', header(-1, 0))
    script.raw('half a header', header(3, 0)[:5])
    script.raw('an empty frame', b'')
    script.raw('an array of two thousand million', header(3, 1) + b'\x7f\xff\xff\xff')
    script.raw('an array of minus two', header(3, 1) + b'\xff\xff\xff\xfe')
