"""A script of requests, and what a run of it against one broker gives: an answer for each title and version."""
import json

import allowed
import messages

# The largest version of each API that Apache Kafka 4.3.1 serves without being told to serve unstable ones.
SERVED_LAST = {'InitProducerId': 5}


def versions_of(api):
    versions = messages.APIS[api].versions
    return range(versions.first, SERVED_LAST.get(api, versions.last) + 1)


class Step:
    def __init__(self, title, api, body, versions, answered, after):
        self.title, self.api, self.body = title, api, body
        self.versions = list(versions_of(api)) if versions is None else list(versions)
        self.answered, self.after = answered, after


class Script:
    def __init__(self):
        self.steps = []
        self.titles = set()

    def ask(self, title, api, body=None, versions=None, answered=True, after=None):
        """One request for each version (default: all). `body` is the request, or makes it of the version; texts that
        begin with `<` stand for what the broker under test calls so. `after` gets the node and the raw answer."""
        title = f'{api}: {title}'
        assert title not in self.titles, f'two steps are called "{title}"'
        self.titles.add(title)
        self.steps.append(Step(title, api, body or {}, versions, answered, after))

    def raw(self, title, frame):
        """Bytes that are no request; only whether the connection lives on is compared."""
        title = f'raw: {title}'
        self.titles.add(title)
        self.steps.append(Step(title, None, frame, [0], True, None))

    def run(self, node):
        answers = {}
        for step in self.steps:
            for version in step.versions:
                try:
                    answers[step.title, version] = run_step(step, version, node)
                except Exception as why:
                    why.add_note(f'in "{step.title}", version {version}')
                    raise
        return answers


def run_step(step, version, node):
    if step.api is None:
        return 'answered' if node.raw(step.body) is not None else 'the connection is closed'
    body = step.body(version) if callable(step.body) else step.body
    answer = node.ask(step.api, version, body, step.answered)
    if step.after is not None and isinstance(answer, dict):
        step.after(node, answer)
    return canonical(step.api, without_texts(node.plain(answer)))


def without_texts(value):
    """Sentences for people are the broker's own: what is compared is whether there is one."""
    if isinstance(value, list):
        return [without_texts(one) for one in value]
    if not isinstance(value, dict):
        return value
    texts = ('error_message', 'documentation', 'batch_index_error_message')
    return {key: 'a text' if key in texts and one else without_texts(one) for key, one in value.items()}


# What names an element of a list, and the lists whose order is that of Kafka's hash tables.
NAMES = ('name', 'topic', 'topic_id', 'resource_type', 'resource_name', 'partition_index', 'partition', 'index', 'key')
UNORDERED = ('topics', 'responses', 'results', 'partitions', 'partition_responses', 'configs', 'active_producers')
INNER = ('partitions', 'partition_responses')


def identity(element):
    return [json.dumps(element.get(name)) if not isinstance(element.get(name), int) else f'{element[name]:020}'
            for name in NAMES]


def merged(elements):
    """Topics that come in several pieces, as one."""
    out = {}
    for element in elements:
        inner = next((name for name in INNER if name in element), None)
        key = json.dumps([identity(element), inner])
        if inner is None or key not in out:
            out[key if inner else json.dumps([key, len(out)])] = dict(element)
        else:
            out[key][inner] = out[key][inner] + element[inner]
    return list(out.values())


def in_order(value, name='', keep=()):
    if isinstance(value, dict):
        return {key: in_order(one, key, keep) for key, one in value.items()}
    if not isinstance(value, list) or not value or not isinstance(value[0], dict):
        return value
    if name in UNORDERED and name not in keep:
        value = sorted(merged(value), key=identity)
    return [in_order(one, name, keep) for one in value]


def canonical(api, answer):
    """The answer without what two brokers need not have in common (README.md, "What is not compared")."""
    if not isinstance(answer, dict):
        return answer
    if api == 'ApiVersions':
        here = {one.key for one in messages.APIS.values()}
        answer['api_keys'] = [one for one in answer['api_keys'] if one['api_key'] in here]
        for features in ('supported_features', 'finalized_features'):
            if features in answer:
                answer[features] = [one for one in answer[features] if one['name'] == 'metadata.version']
    if api == 'DescribeConfigs':
        answer = allowed.without_own_properties(answer)
    # DescribeTopicPartitions promises the order of names, for its cursor.
    return in_order(answer, keep=('topics',) if api == 'DescribeTopicPartitions' else ())


class Shapes:
    """The names of a dictionary's fields, told once: "~3" at the head of a list makes it a dictionary of shape 3."""

    def __init__(self):
        self.numbers = {}

    def pack(self, value):
        if isinstance(value, list):
            return [self.pack(one) for one in value]
        if not isinstance(value, dict):
            return value
        number = self.numbers.setdefault(tuple(value), len(self.numbers))
        return [f'~{number}', *(self.pack(one) for one in value.values())]

    def lines(self):
        return [f'~{number} {" ".join(names)}' for names, number in self.numbers.items()]


def unpack(value, shapes):
    if not isinstance(value, list):
        return value
    if value and isinstance(value[0], str) and value[0].startswith('~'):
        return dict(zip(shapes[value[0]], (unpack(one, shapes) for one in value[1:]), strict=True))
    return [unpack(one, shapes) for one in value]


def to_lines(answers):
    """The shapes, then a line for each title and run of versions with one answer."""
    lines, last, shapes = [], None, Shapes()
    for (title, version), answer in answers.items():
        text = json.dumps(shapes.pack(answer), separators=(',', ':'), ensure_ascii=False)
        if last is not None and last[0] == title and last[3] == text and last[2] == version - 1:
            last[2] = version
            continue
        last = [title, version, version, text]
        lines.append(last)
    return [*shapes.lines(), *(f'{title} | {first}-{until} | {text}' for title, first, until, text in lines)]


def from_lines(lines):
    answers, shapes = {}, {}
    for line in lines:
        if line.startswith('~'):
            name, *fields = line.split(' ')
            shapes[name] = [field for field in fields if field]
            continue
        title, versions, text = line.split(' | ', 2)
        first, _, until = versions.partition('-')
        for version in range(int(first), int(until) + 1):
            answers[title, version] = unpack(json.loads(text), shapes)
    return answers


def differences(expected, actual, path=''):
    """(path, expected, actual) of everything that is not the same."""
    if isinstance(expected, dict) and isinstance(actual, dict):
        for key in list(expected) + [key for key in actual if key not in expected]:
            yield from differences(expected.get(key, 'absent'), actual.get(key, 'absent'), f'{path}.{key}')
    elif isinstance(expected, list) and isinstance(actual, list):
        for i in range(max(len(expected), len(actual))):
            yield from differences(expected[i] if i < len(expected) else 'absent',
                                   actual[i] if i < len(actual) else 'absent', f'{path}[{i}]')
    elif expected != actual or type(expected) is not type(actual):
        yield path, expected, actual
