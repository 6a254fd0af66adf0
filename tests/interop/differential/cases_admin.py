"""What is asked of the administration APIs. Each step's topics are its own, so that steps can be added anywhere."""
import batches

TOPIC, BROKER, BROKER_LOGGER, CLIENT_METRICS, GROUP = 2, 4, 8, 16, 32
SET, DELETE, APPEND, SUBTRACT = range(4)


def new_topic(name, partitions=1, replicas=1, assignments=(), configs=()):
    return {'name': name, 'num_partitions': partitions, 'replication_factor': replicas,
            'assignments': [{'partition_index': index, 'broker_ids': list(ids)} for index, ids in assignments],
            'configs': [{'name': key, 'value': value} for key, value in configs]}


def learn_ids(node, answer):
    for topic in answer['topics']:
        if topic['error_code'] == 0:
            node.know(f'<id of {topic["name"]}>', topic['topic_id'])


def create(script, title, topics, versions=None, **options):
    script.ask(title, 'CreateTopics', lambda v: {'topics': topics(v) if callable(topics) else topics,
                                                 'timeout_ms': 30000, **options}, versions,
               after=lambda node, answer: learn_ids(node,
                                                    answer) if 'topic_id' in (answer['topics'] or [{}])[0] else None)


def learn_ids_of_metadata(node, answer):
    for topic in answer['topics']:
        if topic['error_code'] == 0:
            node.know(f'<id of {topic["name"]}>', topic['topic_id'])


def prepare(script, title, topics):
    """Topics for later steps: their configurations are described elsewhere, their ids asked for."""
    create(script, title, topics, [4])
    script.ask(f'ids of {title}', 'Metadata', {'topics': [{'name': topic['name']} for topic in topics],
                                               'allow_auto_topic_creation': False}, [12], after=learn_ids_of_metadata)


def add_topics(script):
    """The topics that every part asks about."""
    prepare(script, 'the topics of this script', [
        new_topic('one'), new_topic('three', 3),
        new_topic('stamped', 1, configs=[('message.timestamp.type', 'LogAppendTime')]),
        new_topic('small', 1, configs=[('max.message.bytes', '300')]),
        new_topic('strict', 1, configs=[('message.timestamp.before.max.ms', '1000'),
                                        ('message.timestamp.after.max.ms', '1000')]),
        new_topic('gzip', 1, configs=[('compression.type', 'gzip')]),
        new_topic('plain', 1, configs=[('compression.type', 'uncompressed')]),
        new_topic('empty'), new_topic('doomed'), new_topic('seg', 1, configs=[('segment.bytes', '1048576')])])
    prepare(script, 'compacted topics', [new_topic('compacted', 1, configs=[('cleanup.policy', 'compact')]),
                                        new_topic('compacted-both', 1, configs=[('cleanup.policy', 'compact,delete')])])


def add_create_topics(script):
    create(script, 'a topic', lambda v: [new_topic(f'c-plain-{v}', 2)])
    create(script, 'the defaults', lambda v: [new_topic(f'c-default-{v}', -1, -1)], range(4, 8))
    create(script, 'the defaults before version 4', lambda v: [new_topic(f'c-default-{v}', -1, -1)], [2, 3])
    create(script, 'with configurations', lambda v: [
        new_topic(f'c-conf-{v}', 1, 1, configs=[('retention.ms', '86400000'), ('max.message.bytes', '999')])])
    create(script, 'with compaction',
           lambda v: [new_topic(f'compacted-{v}', configs=[('cleanup.policy', 'delete,compact')])])
    create(script, 'assigned by hand', lambda v: [new_topic(f'c-hand-{v}', -1, -1, [(0, [1]), (1, [1])])])
    create(script, 'only validated', lambda v: [new_topic(f'c-valid-{v}', 3)], validate_only=True)
    create(script, 'no topics', [])
    errors = {
        'it exists': new_topic('one'),
        'no partitions': new_topic('c-bad', 0),
        'minus two partitions': new_topic('c-bad', -2),
        'no replicas': new_topic('c-bad', 1, 0),
        'minus two replicas': new_topic('c-bad', 1, -2),
        'too many replicas': new_topic('c-bad', 1, 2),
        'an empty name': new_topic(''),
        'the name .': new_topic('.'),
        'the name ..': new_topic('..'),
        'a name with a slash': new_topic('a/b'),
        'a name of 249 letters that exists not': new_topic('x' * 249, 0),
        'a name of 250 letters': new_topic('x' * 250),
        'the metadata topic': new_topic('__cluster_metadata'),
        'a name that collides': new_topic('three.parts.x', 1),
        'an unknown configuration': new_topic('c-bad', configs=[('no.such.thing', '1')]),
        'a configuration without a value': new_topic('c-bad', configs=[('retention.ms', None)]),
        'a configuration with a bad value': new_topic('c-bad', configs=[('retention.ms', 'soon')]),
        'a configuration out of range': new_topic('c-bad', configs=[('segment.bytes', '1')]),
        'a configuration with a bad word': new_topic('c-bad', configs=[('cleanup.policy', 'burn')]),
        'a bad configuration beside a bad count': new_topic('c-bad', 0, configs=[('retention.ms', 'soon')]),
        'a hand assignment with a count': new_topic('c-bad', 1, -1, [(0, [1])]),
        'a hand assignment with a factor': new_topic('c-bad', -1, 1, [(0, [1])]),
        'a hand assignment with a gap': new_topic('c-bad', -1, -1, [(0, [1]), (2, [1])]),
        'a hand assignment from 1 on': new_topic('c-bad', -1, -1, [(1, [1])]),
        'a hand assignment given twice': new_topic('c-bad', -1, -1, [(0, [1]), (0, [1])]),
        'a hand assignment to nobody': new_topic('c-bad', -1, -1, [(0, [])]),
        'a hand assignment to a stranger': new_topic('c-bad', -1, -1, [(0, [7])]),
        'a hand assignment to one twice': new_topic('c-bad', -1, -1, [(0, [1, 1])]),
        'hand assignments of different sizes': new_topic('c-bad', -1, -1, [(0, [1]), (1, [1, 1])]),
        'more partitions than a request may make': new_topic('c-bad', 20000),
        'a remote storage topic': new_topic('c-bad', configs=[('remote.storage.enable', 'true')]),
        'min.insync.replicas above the factor': new_topic('c-isr', configs=[('min.insync.replicas', '2')]),
    }
    prepare(script, 'a name to collide with', [new_topic('three_parts_x')])
    for title, topic in errors.items():
        create(script, f'refused: {title}', [topic], [2, 7])
    create(script, 'refused when it is only validated', [new_topic('one'), new_topic('c-bad', 0)], validate_only=True)
    create(script, 'one twice and one bad and one good', lambda v: [
        new_topic('c-twice'), new_topic(f'c-good-{v}'), new_topic('c-twice'), new_topic('c-none', 0)])
    script.ask('fewer replicas than min.insync.replicas asks for', 'Produce', {'acks': -1, 'timeout_ms': 5000,
        'topic_data': [
        {'name': 'c-isr', 'partition_data': [{'index': 0, 'records': batches.batch()}]}]}, [9])


def add_delete_topics(script):
    def named(*names):
        return lambda v: {'timeout_ms': 30000, **({'topics': [{'name': name} for name in names]} if v >= 6 else
                                                  {'topic_names': list(names)})}
    prepare(script, 'topics to delete', [new_topic(f'd-{v}') for v in range(1, 7)] + [
        new_topic(f'd-id-{i}') for i in range(4)])
    script.ask('a topic', 'DeleteTopics', lambda v: named(f'd-{v}')(v))
    script.ask('one that is not there', 'DeleteTopics', named('d-missing'))
    script.ask('a bad name', 'DeleteTopics', named('a/b'))
    script.ask('an empty name', 'DeleteTopics', named(''))
    script.ask('nothing', 'DeleteTopics', named())
    script.ask('one that is not there, twice', 'DeleteTopics', named('d-missing', 'd-missing', 'd-other'))
    script.ask('one that is there, twice', 'DeleteTopics', named('one', 'one'))
    script.ask('the metadata topic', 'DeleteTopics', named('__cluster_metadata'))
    by_id = {
        'an id': [{'topic_id': '<id of d-id-0>'}],
        'the same id again': [{'topic_id': '<id of d-id-0>'}],
        'an id twice': [{'topic_id': '<id of d-id-1>'}, {'topic_id': '<id of d-id-1>'}],
        'an unknown id twice': [{'topic_id': '<none>'}, {'topic_id': '<none>'}],
        'an id and the name of it': [{'topic_id': '<id of d-id-1>'}, {'name': 'd-id-1'}],
        'an id with a name': [{'topic_id': '<id of d-id-2>', 'name': 'd-id-2'}],
        'neither id nor name': [{}],
        'an id with an empty name': [{'topic_id': '<id of d-id-2>', 'name': ''}],
        'good and bad': [{'topic_id': '<none>'}, {'name': 'd-id-3'}, {'name': 'd-missing'}],
    }
    for title, topics in by_id.items():
        script.ask(title, 'DeleteTopics', {'topics': topics, 'timeout_ms': 30000}, [6])


def add_create_partitions(script):
    def grow(name, count, assignments=None, **more):
        hand = None if assignments is None else [{'broker_ids': ids} for ids in assignments]
        return lambda v: {'topics': [{'name': name.format(v=v), 'count': count, 'assignments': hand}],
                          'timeout_ms': 30000, **more}
    prepare(script, 'topics to grow', [new_topic(f'p-{v}') for v in range(4)] + [new_topic('p', 2)])
    script.ask('three of one', 'CreatePartitions', grow('p-{v}', 3))
    script.ask('two by hand', 'CreatePartitions', grow('p-{v}', 5, [[1], [1]]))
    script.ask('only validated', 'CreatePartitions', grow('p-{v}', 9, validate_only=True))
    errors = {'the same count': grow('p', 2), 'fewer': grow('p', 1), 'none': grow('p', 0), 'minus one': grow('p', -1),
              'a missing topic': grow('missing', 3), 'a bad name': grow('a/b', 3), 'an empty name': grow('', 3),
              'too few assignments': grow('p', 4, [[1]]), 'too many assignments': grow('p', 3, [[1], [1]]),
              'no assignments at all': grow('p', 3, []), 'an assignment to a stranger': grow('p', 3, [[9]]),
              'an assignment to nobody': grow('p', 3, [[]]), 'an assignment to one twice': grow('p', 3, [[1, 1]]),
              'validated, the same count': grow('p', 2, validate_only=True)}
    for title, body in errors.items():
        script.ask(f'refused: {title}', 'CreatePartitions', body, [0, 3])
    script.ask('one topic twice', 'CreatePartitions', {'timeout_ms': 30000, 'topics': [
        {'name': 'p', 'count': 3, 'assignments': None}, {'name': 'p', 'count': 4, 'assignments': None},
        {'name': 'missing', 'count': 4, 'assignments': None}]})
    script.ask('nothing', 'CreatePartitions', {'topics': []})


def describe(*resources, **more):
    return {'resources': [{'resource_type': kind, 'resource_name': name, 'configuration_keys': keys}
                          for kind, name, keys in resources], **more}


def add_describe_configs(script):
    script.ask('a topic', 'DescribeConfigs', describe((TOPIC, 'one', None)))
    script.ask('a topic, with everything', 'DescribeConfigs', describe(
        (TOPIC, 'small', None), include_synonyms=True, include_documentation=True), [4])
    script.ask('a topic with synonyms', 'DescribeConfigs', describe((TOPIC, 'small', None), include_synonyms=True), [1,
        3])
    script.ask('the broker, with everything', 'DescribeConfigs', describe(
        (BROKER, '1', None), include_synonyms=True, include_documentation=True), [4])
    script.ask('the broker', 'DescribeConfigs', describe((BROKER, '1', None)), [1])
    cases = {
        'the defaults of the cluster': (BROKER, '', None), 'another broker': (BROKER, '2', None),
        'a broker that is no number': (BROKER, 'x', None), 'a broker with a sign': (BROKER, '+1', ['num.partitions']),
        'a broker with a zero': (BROKER, '01', ['num.partitions']), 'a broker with a blank': (BROKER, ' 1', None),
        'a missing topic': (TOPIC, 'missing', None), 'a bad name': (TOPIC, 'a/b', None),
        'an empty name': (TOPIC, '', None), 'some keys': (TOPIC, 'one', ['retention.ms', 'no.such', 'cleanup.policy']),
        'no keys': (TOPIC, 'one', []), 'a key twice': (TOPIC, 'one', ['retention.ms', 'retention.ms']),
        'keys of the broker': (BROKER, '1', ['num.partitions', 'no.such', 'log.retention.ms', 'log.cleaner.threads']),
        'resource type 0': (0, 'one', None), 'resource type 3': (3, 'one', None), 'resource type 99': (99, 'x', None),
        'resource type -1': (-1, 'x', None), 'the metadata topic': (TOPIC, '__cluster_metadata', None),
    }
    for title, resource in cases.items():
        script.ask(title, 'DescribeConfigs', describe(resource, include_synonyms=True), [1, 4])
    for kind, what in ((BROKER_LOGGER, 'loggers'), (CLIENT_METRICS, 'client metrics'), (GROUP, 'groups')):
        script.ask(f'lacking: {what}', 'DescribeConfigs', describe((kind, '1', ['no.such'])), [4])
    script.ask('a compacted topic', 'DescribeConfigs', describe((TOPIC, 'compacted-both', ['cleanup.policy']),
                                                                include_synonyms=True))
    script.ask('several', 'DescribeConfigs', describe(
        (TOPIC, 'one', ['retention.ms']), (TOPIC, 'missing', ['retention.ms']), (BROKER, '1', ['num.partitions']),
        (TOPIC, 'one', ['cleanup.policy'])))
    script.ask('nothing', 'DescribeConfigs', describe())


def add_alter_configs(script):
    def set_all(kind, name, configs, **more):
        return lambda v: {'resources': [{'resource_type': kind, 'resource_name': name.format(v=v), 'configs': [
            {'name': key, 'value': value} for key, value in configs]}], **more}

    def see(title, kind, name, keys):
        script.ask(title, 'DescribeConfigs', describe((kind, name, keys), include_synonyms=True), [4])
    prepare(script, 'topics to configure', [new_topic(f'a-{v}', configs=[('retention.ms', '5')]) for v in range(3)] + [
        new_topic('a'), new_topic('i-0'), new_topic('i-1'), new_topic('i')])
    script.ask('a topic', 'AlterConfigs', set_all(TOPIC, 'a-{v}', [('segment.ms', '7000'), ('max.message.bytes',
        '900')]))
    see('after AlterConfigs', TOPIC, 'a-1', ['retention.ms', 'segment.ms', 'max.message.bytes'])
    script.ask('only validated', 'AlterConfigs', set_all(TOPIC, 'a-{v}', [('segment.ms', '9000')], validate_only=True))
    see('after a validation', TOPIC, 'a-1', ['segment.ms'])
    script.ask('to nothing', 'AlterConfigs', set_all(TOPIC, 'a-{v}', []))
    see('after a removal of everything', TOPIC, 'a-1', ['retention.ms', 'segment.ms', 'max.message.bytes'])
    bad = {'a missing topic': (TOPIC, 'missing', [('segment.ms', '1000')]), 'an empty name': (TOPIC, '', []),
           'a bad name': (TOPIC, 'a/b', []), 'an unknown key': (TOPIC, 'a', [('no.such', '1')]),
           'a null value': (TOPIC, 'a', [('segment.ms', None)]), 'a bad value': (TOPIC, 'a', [('segment.ms', 'x')]),
           'a value below the range': (TOPIC, 'a', [('segment.ms', '0')]),
           'an empty value': (TOPIC, 'a', [('segment.ms', '')]), 'an empty key': (TOPIC, 'a', [('', 'x')]),
           'a value with blanks': (TOPIC, 'a', [('segment.ms', ' 77 ')]),
           'an empty cleanup.policy': (TOPIC, 'a', [('cleanup.policy', '')]),
           'a list with a bad word': (TOPIC, 'a', [('cleanup.policy', 'delete,burn')]),
           'a list with one word twice': (TOPIC, 'a', [('cleanup.policy', 'delete,delete')]),
           'another broker': (BROKER, '2', [('log.cleaner.threads', '1')]),
           'a broker that is no number': (BROKER, 'x', [('log.cleaner.threads', '1')]),
           'a read-only key': (BROKER, '1', [('broker.id', '2')]), 'an unknown broker key': (BROKER, '1',
               [('no.such', '2')]),
           'a bad broker value': (BROKER, '1', [('log.cleaner.threads', 'x')]),
           'no cleaner threads': (BROKER, '1', [('log.cleaner.threads', '0')]),
           'a per-broker key for all': (BROKER, '', [('advertised.listeners', 'PLAINTEXT://x:1')]),
           'resource type 0': (0, 'a', []), 'resource type 3': (3, 'a', [('x', 'y')]), 'resource type 99': (99, 'a',
               []),
           'a key twice': (TOPIC, 'a', [('segment.ms', '1000'), ('segment.ms', '2000')])}
    for what, kind, name in (('a topic', TOPIC, 'a'), ('nothing', 99, 'x')):
        script.ask(f'an unknown type beside {what}', 'AlterConfigs', {'resources': [
            {'resource_type': 99, 'resource_name': 'y'}, {'resource_type': kind, 'resource_name': name}]}, [2])
        script.ask(f'an unknown type beside {what}', 'IncrementalAlterConfigs', {'resources': [
            {'resource_type': 99, 'resource_name': 'y'}, {'resource_type': kind, 'resource_name': name}]})
    for title, (kind, name, configs) in bad.items():
        script.ask(title, 'AlterConfigs', set_all(kind, name, configs), [0, 2])
        script.ask(title, 'IncrementalAlterConfigs', {'resources': [{
            'resource_type': kind, 'resource_name': name, 'configs': [
                {'name': key, 'config_operation': SET, 'value': value} for key, value in configs]}]})
    add_incremental(script, see)


def add_incremental(script, see):
    def change(kind, name, *configs, **more):
        return lambda v: {'resources': [{'resource_type': kind, 'resource_name': name.format(v=v), 'configs': [
            {'name': key, 'config_operation': operation, 'value': value} for operation, key, value in configs]}],
            **more}
    keys = ['retention.ms', 'segment.ms']
    steps = [
        ('set', change(TOPIC, 'i-{v}', (SET, 'retention.ms', '9000'), (SET, 'segment.ms', '8000'))),
        ('compaction, set', change(TOPIC, 'i-{v}', (SET, 'cleanup.policy', 'compact'))),
        ('compaction, append', change(TOPIC, 'i-{v}', (APPEND, 'cleanup.policy', 'delete'))),
        ('compaction, append what is there', change(TOPIC, 'i-{v}', (APPEND, 'cleanup.policy', 'delete'))),
        ('compaction, subtract', change(TOPIC, 'i-{v}', (SUBTRACT, 'cleanup.policy', 'compact'))),
        ('compaction, subtract what is not there', change(TOPIC, 'i-{v}', (SUBTRACT, 'cleanup.policy', 'compact'))),
        ('compaction, subtract the last', change(TOPIC, 'i-{v}', (SUBTRACT, 'cleanup.policy', 'delete'))),
        ('append to a default', change(TOPIC, 'i-{v}', (APPEND, 'leader.replication.throttled.replicas', '0:1'))),
        ('delete', change(TOPIC, 'i-{v}', (DELETE, 'retention.ms', None), (DELETE, 'segment.ms', None))),
        ('compaction, delete cleanup.policy', change(TOPIC, 'i-{v}', (DELETE, 'cleanup.policy', None))),
        ('delete what is not set', change(TOPIC, 'i-{v}', (DELETE, 'segment.ms', None))),
        ('delete with a value', change(TOPIC, 'i-{v}', (DELETE, 'segment.ms', 'x'))),
    ]
    for title, body in steps:
        script.ask(title, 'IncrementalAlterConfigs', body)
        see(f'after {title}', TOPIC, 'i-1', ['cleanup.policy'] if 'compaction' in title else keys)
    bad = {'append to a number': (APPEND, 'retention.ms', '1'), 'append nothing': (APPEND, 'cleanup.policy', None),
           'append a bad word': (APPEND, 'cleanup.policy', 'burn'), 'operation 4': (4, 'retention.ms', '1'),
           'operation -1': (-1, 'retention.ms', '1'), 'delete an unknown key': (DELETE, 'no.such', None),
           'append to an unknown key': (APPEND, 'no.such', 'x'), 'append an empty text': (APPEND, 'cleanup.policy', '')}
    for title, one in bad.items():
        script.ask(f'refused: {title}', 'IncrementalAlterConfigs', change(TOPIC, 'i', one))
    script.ask('refused: good beside bad', 'IncrementalAlterConfigs', change(
        TOPIC, 'i', (SET, 'retention.ms', '9'), (SET, 'segment.ms', 'x')))
    script.ask('one resource twice', 'IncrementalAlterConfigs', {'resources': [
        {'resource_type': TOPIC, 'resource_name': name, 'configs': []} for name in ('i', 'i', 'a')]})
    script.ask('only validated', 'IncrementalAlterConfigs', change(
        TOPIC, 'i', (SET, 'retention.ms', '9'), validate_only=True))
    script.ask('no resources', 'IncrementalAlterConfigs', {'resources': []})
    see('after refusals', TOPIC, 'i', keys)
    add_broker_configs(script, change, see)


def add_broker_configs(script, change, see):
    keys = ['log.cleaner.backoff.ms', 'message.max.bytes', 'log.retention.ms', 'log.segment.bytes', 'num.io.threads']
    steps = [
        ('for all brokers', change(BROKER, '', (SET, 'message.max.bytes', '1000000'), (SET, 'log.segment.bytes',
            '2097152'))),
        ('for one broker', change(BROKER, '1', (SET, 'message.max.bytes', '1000100'))),
        ('a broker key that is not dynamic', change(BROKER, '1', (SET, 'num.partitions', '3'))),
        ('only validated, for one broker', change(BROKER, '1', (SET, 'message.max.bytes', '1'), validate_only=True)),
    ]
    for title, body in steps:
        script.ask(title, 'IncrementalAlterConfigs', body)
        see(f'the broker after {title}', BROKER, '1', keys)
        see(f'the cluster after {title}', BROKER, '', None)
        see(f'a topic after {title}', TOPIC, 'i', ['max.message.bytes', 'segment.bytes'])
    script.ask('back to the defaults', 'IncrementalAlterConfigs', change(
        BROKER, '', (DELETE, 'message.max.bytes', None), (DELETE, 'log.segment.bytes', None)))
    script.ask('back to the default', 'IncrementalAlterConfigs', change(BROKER, '1', (DELETE, 'message.max.bytes',
        None)))
    see('the cluster at the end', BROKER, '', None)
