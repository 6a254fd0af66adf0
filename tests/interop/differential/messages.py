"""Requests and answers of Kafka's protocol as plain dictionaries, by the schemas of engine/protocol/schema. A codec of
its own, so that a mistake of the engine's codec does not hide behind the same mistake here."""
import pathlib
import re
import struct
import uuid
from typing import NamedTuple, Optional

SCHEMAS = pathlib.Path(__file__).resolve().parents[3] / 'engine' / 'protocol' / 'schema'
FOREVER = 1 << 15
INTEGERS = {'int8': '>b', 'int16': '>h', 'uint16': '>H', 'int32': '>i', 'uint32': '>I', 'int64': '>q', 'bool': '>?',
            'float64': '>d'}


class Range(NamedTuple):
    first: int
    last: int

    def __contains__(self, version):
        return self.first <= version <= self.last


class Field(NamedTuple):
    name: str
    type: str
    is_array: bool
    versions: Range
    null: Range
    tag: Optional[int]
    tag_versions: Range
    default: object
    classic: bool
    fields: list


class Api(NamedTuple):
    key: int
    name: str
    versions: Range
    flexible: int
    request: list
    response: list
    response_header: Optional[int]


EVER, NEVER = Range(0, FOREVER), Range(FOREVER, 0)


def parse_range(text):
    if text.endswith('+'):
        return Range(int(text[:-1]), FOREVER)
    first, _, last = text.partition('-')
    return Range(int(first), int(last or first))


def is_range(text):
    return re.fullmatch(r'\d+(\+|-\d+)?', text) is not None


def parse_default(words):
    if '=' not in words:
        return None, False
    text = words[words.index('=') + 1]
    known = {'null': None, 'true': True, 'false': False, '""': ''}
    return (known[text] if text in known else int(text, 0)), True


def parse_field(words):
    name, kind = words[0], words[1]
    base, _, null = kind.partition('?')
    is_array = base.startswith('[')
    base = base.strip('[]')
    rest = words[2:]
    versions = parse_range(rest.pop(0)) if rest and is_range(rest[0]) else EVER
    tag, tag_versions = None, NEVER
    if 'tag' in rest:
        at = rest.index('tag')
        tag, tag_versions = int(rest[at + 1]), versions
        if at + 2 < len(rest) and is_range(rest[at + 2]):
            tag_versions = parse_range(rest[at + 2])
    default, has_default = parse_default(rest)
    if not has_default:
        default = [] if is_array else {'string': '', 'bytes': b'', 'uuid': uuid.UUID(int=0), 'bool': False,
                                       'records': None}.get(base, 0 if base in INTEGERS else {})
    nullable = NEVER if '?' not in kind else parse_range(null) if null else EVER
    return Field(name, base, is_array, versions, nullable, tag, tag_versions, default, 'classic' in rest, [])


def parse_fields(lines, indent, structs):
    fields = []
    while lines:
        depth, words = lines[0]
        if depth < indent:
            break
        lines.pop(0)
        if words[0] == 'struct':
            structs[words[1]] = parse_fields(lines, indent + 1, structs)
            continue
        field = parse_field(words)
        children = parse_fields(lines, indent + 1, structs) if lines and lines[0][0] > depth else []
        if children:
            structs[field.type] = children
        fields.append(field)
    return fields


def resolve(fields, structs):
    return [field._replace(fields=resolve(structs[field.type], structs)) if field.type in structs else field
            for field in fields]


def parse_file(path):
    lines = []
    for line in path.read_text().splitlines():
        text = line.split('#')[0].rstrip()
        if text:
            lines.append(((len(text) - len(text.lstrip())) // 2, text.split()))
    if lines[0][1][0] != 'api':
        return None
    head = lines.pop(0)[1]
    parts = {}
    while lines:
        _, words = lines.pop(0)
        structs = {}
        parts[words[0]] = resolve(parse_fields(lines, 1, structs), structs)
    option = {head[i]: head[i + 1] for i in range(4, len(head) - 1)}
    return Api(int(head[1]), head[2], parse_range(head[3]),
               parse_range(option['flexible']).first if 'flexible' in option
               else FOREVER, parts['request'], parts['response'],
               int(option['response_header']) if 'response_header' in option else None)


def load():
    apis = [parse_file(path) for path in sorted(SCHEMAS.glob('*.msg'))]
    return {api.name: api for api in apis if api is not None}


# By their keys. The quorum's own (55, 80, 81) are not among them yet: the recording is older than their handlers.
COMPARED = (0, 1, 2, 3, 10, 18, 19, 20, 21, 22, 23, 32, 33, 35, 37, 44, 60, 61, 75)
APIS = {name: api for name, api in load().items() if api.key in COMPARED}


class Writer:
    def __init__(self, version, flexible):
        self.version = version
        self.flexible = flexible
        self.bytes = bytearray()

    def uvarint(self, value):
        while value > 127:
            self.bytes.append(value & 127 | 128)
            value >>= 7
        self.bytes.append(value)

    def length(self, value, classic_format):
        """None is null."""
        if self.flexible:
            self.uvarint(0 if value is None else value + 1)
        else:
            self.bytes += struct.pack(classic_format, -1 if value is None else value)

    def text(self, value, classic_format='>h'):
        data = value.encode() if isinstance(value, str) else value
        self.length(None if data is None else len(data), classic_format)
        self.bytes += data or b''

    def one(self, field, value):
        if field.type in INTEGERS:
            self.bytes += struct.pack(INTEGERS[field.type], value)
        elif field.type == 'uuid':
            self.bytes += value.bytes
        elif field.type == 'string':
            self.text(value)
        elif field.type in ('bytes', 'records'):
            self.text(value, '>i')
        elif field.null is not NEVER and not field.is_array:
            self.bytes += b'\xff' if value is None else b'\x01'
            if value is not None:
                self.struct(field.fields, value)
        else:
            self.struct(field.fields, value)

    def value(self, field, value):
        if not field.is_array:
            return self.one(field, value)
        self.length(None if value is None else len(value), '>i')
        for element in value or []:
            self.one(field, element)

    def struct(self, fields, values):
        unknown = set(values) - {field.name for field in fields}
        assert not unknown, f'no such fields: {unknown}'
        tagged = []
        for field in fields:
            if self.version not in field.versions:
                continue
            if field.tag is not None and self.version in field.tag_versions:
                if field.name in values:
                    tagged.append(field)
                continue
            self.value(field, values.get(field.name, field.default))
        if not self.flexible:
            return
        self.uvarint(len(tagged))
        for field in sorted(tagged, key=lambda field: field.tag):
            inner = Writer(self.version, True)
            inner.value(field, values[field.name])
            self.uvarint(field.tag)
            self.uvarint(len(inner.bytes))
            self.bytes += inner.bytes


class Reader:
    def __init__(self, data, version, flexible):
        self.data = data
        self.at = 0
        self.version = version
        self.flexible = flexible

    def take(self, count):
        assert self.at + count <= len(self.data), f'the answer ends at byte {len(self.data)}, wanted {count} more'
        piece = self.data[self.at:self.at + count]
        self.at += count
        return piece

    def number(self, form):
        return struct.unpack(form, self.take(struct.calcsize(form)))[0]

    def uvarint(self):
        value = shift = 0
        while True:
            byte = self.take(1)[0]
            value |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                return value

    def length(self, classic_format):
        if self.flexible:
            return self.uvarint() - 1
        return self.number(classic_format)

    def text(self, classic_format='>h'):
        length = self.length(classic_format)
        return None if length < 0 else bytes(self.take(length))

    def one(self, field):
        if field.type in INTEGERS:
            return self.number(INTEGERS[field.type])
        if field.type == 'uuid':
            return uuid.UUID(bytes=bytes(self.take(16)))
        if field.type == 'string':
            data = self.text()
            return None if data is None else data.decode()
        if field.type in ('bytes', 'records'):
            return self.text('>i')
        if field.null is not NEVER and not field.is_array and self.number('>b') < 0:
            return None
        return self.struct(field.fields)

    def value(self, field):
        if not field.is_array:
            return self.one(field)
        length = self.length('>i')
        return None if length < 0 else [self.one(field) for _ in range(length)]

    def struct(self, fields):
        here = [field for field in fields if self.version in field.versions]
        out, tagged = {}, {}
        for field in here:
            if field.tag is not None and self.version in field.tag_versions:
                tagged[field.tag] = field
            else:
                out[field.name] = self.value(field)
        for _ in range(self.uvarint() if self.flexible else 0):
            tag, size = self.uvarint(), self.uvarint()
            end = self.at + size
            assert tag in tagged, f'unknown tag {tag}'
            out[tagged[tag].name] = self.value(tagged[tag])
            assert self.at == end, f'tag {tag} has {end - self.at} bytes too many'
        return out


def encode_request(name, version, body, correlation_id, client_id='differential'):
    api = APIS[name]
    flexible = version >= api.flexible
    head = struct.pack('>hhih', api.key, version, correlation_id, len(client_id)) + client_id.encode()
    writer = Writer(version, flexible)
    writer.struct(api.request, body)
    return head + (b'\0' if flexible else b'') + bytes(writer.bytes)


def decode_response(name, version, frame):
    """(correlation id, answer); a version of ApiVersions that is not served is answered in version 0."""
    api = APIS[name]
    flexible = version >= api.flexible
    reader = Reader(frame, version, flexible)
    correlation_id = reader.number('>i')
    if flexible and api.response_header is None:
        assert reader.uvarint() == 0, 'tags in the header'
    answer = reader.struct(api.response)
    assert reader.at == len(frame), f'{len(frame) - reader.at} bytes too many'
    return correlation_id, answer
