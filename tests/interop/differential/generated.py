"""Requests that nobody thought of: for each API and version, fields filled at random from values that mean something to
the field. The generator is our own, so that the same requests come out with every Python."""
import messages
from script import versions_of

REQUESTS_PER_API = 60
UNFIT = ('Produce', 'ApiVersions', 'CreateTopics', 'DeleteTopics', 'CreatePartitions', 'AlterConfigs',
         'IncrementalAlterConfigs', 'InitProducerId', 'FindCoordinator', 'DescribeLogDirs')
TOPICS = ['g-one', 'g-three', 'g-empty', 'missing', 'a/b']
VALUES = {
    'topic': TOPICS, 'name': TOPICS, 'topic_name': TOPICS,
    'partition': [0, 1, 2, 3, -1], 'partition_index': [0, 1, 2, 3, -1], 'partition_indexes': [0, 1, 2, 3, -1],
    'partitions': [0, 1, 2, 3, -1],
    'fetch_offset': [0, 1, 2, 3, 6, 7, 99, -1], 'offset': [0, 1, 2, -1, -2, 99], 'timestamp': [-1, -2, -3, -4, -5, -6,
        -9, 0,
                                                                                              1000, 1001, 5000],
    'current_leader_epoch': [-1, -1, 0, 1], 'leader_epoch': [-1, 0, 1, 7], 'last_fetched_epoch': [-1, -1, 0, 3],
    'partition_max_bytes': [1 << 20, 0, 1], 'max_bytes': [1 << 20, 1], 'min_bytes': [0, 1], 'max_wait_ms': [0],
    'replica_id': [-1], 'isolation_level': [0, 1], 'session_id': [0], 'session_epoch': [-1],
    'log_start_offset': [-1, 0], 'rack_id': ['', 'r'], 'timeout_ms': [5000],
    'endpoint_type': [1, 1, 2, 3], 'resource_type': [2, 2, 4, 0, 9], 'resource_name': ['g-one', 'g-three', 'missing',
        '1'],
    'configuration_keys': ['retention.ms', 'segment.bytes', 'num.io.threads', 'no.such.key'],
    'response_partition_limit': [1, 2, 3, 5, 2000], 'allow_auto_topic_creation': [False],
}
SKIPPED = ('replica_state', 'cluster_id', 'replica_directory_id', 'high_watermark', 'forgotten_topics_data', 'topic_id',
           'include_documentation')


class Dice:
    """Draws from one seed (a linear congruence with the constants of Knuth's MMIX)."""

    def __init__(self, seed):
        self.state = seed

    def below(self, bound):
        self.state = (self.state * 6364136223846793005 + 1442695040888963407) % 2 ** 64
        return (self.state >> 33) % bound

    def one_of(self, values):
        return values[self.below(len(values))]


def value_of(field, dice, version):
    if field.is_array:
        elements, seen = [], set()
        for _ in range(1 + dice.below(3)):
            element = one_value(field, dice, version)
            # What is named twice is asked elsewhere.
            key = str(sorted((name, str(element[name])) for name in element if name in (
                'topic', 'name', 'partition', 'partition_index', 'resource_type', 'resource_name'))) if isinstance(
                    element, dict) else element
            if key not in seen:
                elements.append(element)
            seen.add(key)
        return elements
    return one_value(field, dice, version)


def one_value(field, dice, version):
    if field.fields:
        return fill(field.fields, dice, version)
    if field.name in VALUES:
        return dice.one_of(VALUES[field.name])
    return bool(dice.below(2)) if field.type == 'bool' else field.default


def fill(fields, dice, version):
    out = {}
    for field in fields:
        if version not in field.versions or field.name in SKIPPED:
            continue
        if field.name == 'cursor':
            continue
        out[field.name] = value_of(field, dice, version)
    return with_ids(out, fields, version)


def with_ids(out, fields, version):
    """Where a topic is named by its id alone, that of a name that was drawn."""
    has_id = any(field.name == 'topic_id' and version in field.versions for field in fields)
    has_name = any(field.name in ('topic', 'name') and version in field.versions for field in fields)
    if has_id and not has_name:
        total = sum(len(str(value)) for value in out.values())
        out['topic_id'] = f'<id of {TOPICS[total % len(TOPICS)]}>'
    return out


def add(script):
    from batches import batch
    from cases_admin import new_topic, prepare
    from cases_data import produce
    prepare(script, 'topics of generated requests', [new_topic('g-one'), new_topic('g-three', 3), new_topic('g-empty')])
    for topic, partition, count in (('g-one', 0, 3), ('g-three', 1, 1), ('g-three', 2, 4), ('g-one', 0, 2)):
        script.ask(f'{count} records for generated requests in {topic}-{partition}', 'Produce',
                   produce(topic, batch([b'v'] * count, deltas=list(range(count))), partition), [9])
    for name, api in sorted(messages.APIS.items()):
        if name in UNFIT:
            continue
        for number in range(REQUESTS_PER_API):
            dice = Dice(api.key * 1000 + number)
            # Before version 4, Metadata makes what is missing.
            versions = [version for version in versions_of(name) if name != 'Metadata' or version >= 4]
            version = dice.one_of(versions)
            script.ask(f'generated {number}', name, fill(api.request, dice, version), [version])
