"""The differences between Apache Kafka's answers and ours that are meant. Each has a reason, and a test: is a
difference this one? README.md prints the list from here."""
import json

from node import CLOSED, HANGS

SERVER_ERROR = -1
# What differs because one node is configured as Kafka's and one as ours, or because of what is not there yet.
OWN_PROPERTIES = ('advertised.listeners', 'controller.listener.names', 'controller.quorum.voters', 'listeners',
                  'node.id',
                  'process.roles', 'broker.id', 'log.dir', 'log.dirs')
LACKING_PROPERTIES = ('sasl.', 'ssl.', 'delegation.token.', 'remote.log.', 'odradek.')


class Difference:
    def __init__(self, title, version, path, expected, actual, answers):
        self.title, self.version, self.path = title, version, path
        self.expected, self.actual = expected, actual
        self.whole_expected, self.whole_actual = answers


def values_of(value, key):
    """Every value that `key` has anywhere in an answer."""
    if isinstance(value, dict):
        for name, one in value.items():
            if name == key:
                yield one
            yield from values_of(one, key)
    elif isinstance(value, list):
        for one in value:
            yield from values_of(one, key)


def has_error(answer):
    return any(code not in (0, None) for code in values_of(answer, 'error_code'))


def is_more_text(d):
    return d.path.endswith('error_message') and d.expected in (None, '') and d.actual == 'a text'


def is_better_than_server_error(d):
    return SERVER_ERROR in values_of(d.whole_expected, 'error_code') and has_error(d.whole_actual)


def is_better_than_hanging(d):
    return d.expected == HANGS and has_error(d.actual)


def is_cut_off_batch(d):
    return isinstance(d.expected, str) and d.expected.endswith('of a batch that is cut off') and d.actual == 'absent'


def is_min_isr_of_elr(d):
    """The property whose cluster-wide value comes with the feature."""
    name = 'min.insync.replicas'
    of_config = any(entry.get('name') == name and entry.get('config_source') == 3 for configs in values_of(
        d.whole_expected, 'configs') for entry in configs or [])
    if isinstance(d.expected, dict):
        return d.expected.get('name') == name
    return of_config and d.path.rpartition('.')[0] in paths_of(d.whole_expected, name)


def paths_of(value, config_name, path=''):
    """Where a configuration is described, with the paths below it."""
    out = set()
    if isinstance(value, dict):
        if value.get('name') == config_name:
            out |= {path, *(f'{path}.synonyms[{i}]' for i in range(9))}
        for key, one in value.items():
            out |= paths_of(one, config_name, f'{path}.{key}')
    elif isinstance(value, list):
        for i, one in enumerate(value):
            out |= paths_of(one, config_name, f'{path}[{i}]')
    return out


def is_made_at_once(d):
    return 'made on demand' in d.title and 3 in values_of(d.whole_expected,
                                                          'error_code') and not has_error(d.whole_actual)


def has_title(*titles):
    return lambda d: any(title in d.title for title in titles)


def is_refused_as_unsupported(d):
    return any(title in d.title for title in (
        'append to a default', 'an unknown broker key', 'a list with one word twice')) and (
            has_error(d.whole_actual))


ALLOWED = [
    ('Where Kafka gives an error without a sentence, ours may have one.', is_more_text),
    ('Where Kafka answers UNKNOWN_SERVER_ERROR, an accident of its code, ours names the error.',
     is_better_than_server_error),
    ('Where Kafka answers nothing at all and leaves the connection open, ours is an error.', is_better_than_hanging),
    ('A Fetch ends with a whole batch; Kafka fills the limit with a part of the next one.', is_cut_off_batch),
    ('Kafka sets min.insync.replicas for the whole cluster together with the feature for eligible leader replicas, '
     'which is not finalized here.', is_min_isr_of_elr),
    ('A topic that is made on demand is there in the answer that makes it; Kafka answers UNKNOWN_TOPIC_OR_PARTITION '
     'first.', is_made_at_once),
    ('A batch whose offset deltas are not 0, 1, 2 …, or with a producer id and no epoch, is refused: INVALID_RECORD.',
     has_title('Produce: refused here only', 'Fetch: what is in stricter')),
    ('A partition that a Produce or DeleteRecords names twice is served twice; Kafka serves the last mention.',
     has_title('Produce: a partition twice', 'DeleteRecords: a partition twice')),
    ('A Metadata request with ids and names is answered for both; Kafka leaves the names out.',
     has_title('Metadata: an id and a name')),
    ('A length below -1 ends the connection; Kafka takes it for null.',
     lambda d: d.title == 'raw: an array of minus two' and d.actual == CLOSED),
    ('Values that this version cannot act on are refused: replication throttles, a word twice in a list, '
     'properties of brokers that nobody knows (Kafka keeps them for plug-ins).', is_refused_as_unsupported),
    ('Configurations of loggers, client metrics and groups are not served by this version: INVALID_REQUEST.',
     lambda d: 'DescribeConfigs: lacking' in d.title and 42 in values_of(d.whole_actual, 'error_code')),
    ('log.cleaner.threads can be set to 0; Kafka refuses that when it is set at run time only.',
     has_title('no cleaner threads')),
]


def reason_for(difference):
    """Why a difference is allowed; None: it is not."""
    for reason, test in ALLOWED:
        if test(difference):
            return reason
    return None


def of_two_runs(difference):
    """What Kafka itself answers now so and now so."""
    return 'How far Kafka is with a topic on demand.' if 'made on demand' in difference.title else None


def without_own_properties(answer):
    """Of a broker's description: without what the two are configured by, or what only one of them has a use for."""
    for result in answer.get('results', []):
        if result.get('resource_type') == 4:
            result['configs'] = [describe_plainly(one) for one in result['configs'] if is_comparable(one['name'])]
    return answer


def is_comparable(name):
    return name not in OWN_PROPERTIES and not name.startswith(LACKING_PROPERTIES)


def describe_plainly(entry):
    # What can be changed at run time is less here; a number of Java's is text here.
    skipped = {'listener.security.protocol.map': 'read_only', 'principal.builder.class': 'read_only',
               'log.cleaner.io.max.bytes.per.second': 'config_type'}
    return {key: value for key, value in entry.items() if skipped.get(entry['name']) != key}


def as_text(value, limit=160):
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= limit else text[:limit] + ' …'
